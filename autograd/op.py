"""An op: a NumPy function, one local gradient per array argument, a symbol. `OPS` is the table of them."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .explain import no_rule, too_many

OPS: dict[Callable[..., Any], "Op"] = {}
LISTS = {list, tuple}
COMPOSITES: dict[Callable[..., Any], Callable[..., Any]] = {}  # NumPy functions that are written in terms of ops


class Op:
    """A function on arrays, and what the chain rule has to know about it.

    function         the NumPy function (or ours, where NumPy has none): its key in `OPS`
    local_gradients  one rule `f(g, out, x, y, ..., **options)` per array argument: the upstream gradient `g` times the
                     derivative of `out` with respect to it; None where no gradient flows.
                     A variadic op has a single rule, which gives a list with one gradient for each argument.
    symbol           how a picture writes it: "+" between two operands, "tanh" in front of one
    forward          computes the same as `function`, faster (`operator.mul` for scalars)
    add_into         `f(buffer, g, **options)` adds the gradient to `buffer` in place, where that costs less than
                     making it: a slice of a large array
    elementwise      whether the local gradient is a product, entry by entry, with an array of derivatives
    variadic         whether the arrays come as one sequence, as in `np.concatenate`
    options          names of the options that may also stand behind the arrays, in that order
    keyword_only     names of the other options
    call             the function on Tensors: runs `forward`, makes a node
    """

    __slots__ = (
        "function", "name", "local_gradients", "symbol", "forward", "add_into",
        "elementwise", "variadic", "options", "keyword_only", "call",
    )  # fmt: skip

    def __init__(
        self,
        function: Callable[..., Any],
        *local_gradients: Callable[..., Any] | None,
        symbol: str | None = None,
        forward: Callable[..., Any] | None = None,
        add_into: Callable[..., None] | None = None,
        elementwise: bool | None = None,
        variadic: bool = False,
        options: Sequence[str] = (),
    ):
        self.function = function
        self.name: str = symbol if symbol and function.__name__ == "<lambda>" else function.__name__
        self.local_gradients = local_gradients
        self.symbol = symbol or self.name
        self.forward = forward or function
        self.add_into = add_into
        self.elementwise = isinstance(function, np.ufunc) if elementwise is None else elementwise
        self.variadic = variadic
        self.options: tuple[str, ...] = tuple(options)
        self.keyword_only: tuple[str, ...] = ()
        for rule in filter(None, local_gradients):
            self.options, self.keyword_only = declared_options(rule, len(local_gradients))
            if variadic:  # behind *xs Python knows only keywords, NumPy's function also takes them by position
                self.options, self.keyword_only = self.keyword_only, ()
            break
        self.call = function

    @property
    def differentiable(self) -> bool:
        return any(self.local_gradients)

    def bind(self, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
        """Give the arrays among `args`, and move the options behind them into `options`."""
        n = len(self.local_gradients)
        arrays = args[:n]
        if self.variadic and args:
            arrays = tuple([x if hasattr(x, "shape") else np.asarray(x) for x in args[0]])
        elif not LISTS.isdisjoint(map(type, arrays)):
            arrays = tuple([np.asarray(x) if isinstance(x, (list, tuple)) else x for x in arrays])
        if len(args) < n:
            raise TypeError(f"{self.name} takes {n} array arguments, by position; {len(args)} came.")
        if len(args) > n + len(self.options):
            raise too_many(self, len(args))
        for name in options:
            if name not in self.options and name not in self.keyword_only:
                known = ", ".join(self.options + self.keyword_only) or "no options"
                raise TypeError(f"{self.name} of a Tensor does not take {name}=. It takes: {known}.")
        options.update(zip(self.options, args[n:]))
        return arrays

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def declared_options(rule: Callable[..., Any], arity: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read an op's options from the signature of a rule, behind g, out and the arrays: by position, by name only."""
    parameters = list(inspect.signature(rule).parameters.values())[2 + arity :]
    return (
        tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD),
        tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY),
    )


def find_rule(function: Callable[..., Any]) -> Op:
    """Find the op of a NumPy function, or raise TypeError and name it."""
    try:
        return OPS[function]
    except KeyError:
        raise no_rule(function) from None
