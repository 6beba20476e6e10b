"""Local gradients as formulas: a rule of the op table is run on symbols instead of arrays; what comes out is written.

`lambda g, out, x: g * (1 - out * out)` becomes `1−f²`. Nothing is written down twice: the text stands for the very
expression that backward() computes. A rule that can't be run on symbols has no formula.
"""

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..op import OPS, Op
from .number import SUPERSCRIPT, number

UPSTREAM = "◀"
Name = Callable[[Any], str]


class Symbol(NDArrayOperatorsMixin):
    """An expression, and the array it stands for.

    function  what computes it; None for a leaf
    args      its arguments, Symbols (or options of the function)
    leaf      of a leaf: a Python number, UPSTREAM, or whatever stands for a value (then `name(leaf)` writes it)
    value     the array
    """

    __slots__ = ("function", "args", "options", "leaf", "value")

    def __init__(self, value: Any, leaf: Any = None, function: Any = None, args: tuple = (), options: Any = None):
        self.value, self.leaf = value, leaf
        self.function, self.args, self.options = function, args, options or {}

    shape = property(lambda self: np.shape(self.value))
    ndim = property(lambda self: np.ndim(self.value))
    size = property(lambda self: np.size(self.value))
    dtype = property(lambda self: np.asarray(self.value).dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> "Symbol":
        if method != "__call__" or options:
            raise TypeError("a formula is made of plain calls")
        return build(ufunc, *inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> "Symbol":
        return build(function, *args, **options)

    def __getitem__(self, index: Any) -> "Symbol":
        return build(operator.getitem, self, index)

    def __array__(self, *args: Any, **options: Any) -> np.ndarray:
        raise TypeError("a symbol is not an array")

    def __bool__(self) -> bool:
        raise TypeError("a formula does not branch on values")


def derive(
    op: Op, positions: Sequence[int], out: Symbol, args: tuple[Any, ...], options: dict[str, Any]
) -> dict[int, Symbol]:
    """Give the local gradients of `op` for the arguments at these positions: of an elementwise op the derivatives (the
    upstream gradient is 1), of any other what is sent, in terms of UPSTREAM. A rule that can't be run on symbols is
    left out; one that serves many arguments runs once.
    """
    ones = np.ones(out.shape, out.dtype)
    g = Symbol(ones, 1 if op.elementwise else UPSTREAM)
    trees: dict[int, Any] = {}
    for position in positions[:1] if op.variadic else positions:
        try:
            with np.errstate(all="ignore"):
                rule: Any = op.local_gradients[0 if op.variadic else position]
                sent = rule(g, out, *args, **options)
                trees.update(enumerate(sent) if op.variadic else {position: sent})
        except Exception:  # whatever an op's author writes that is no expression; backward() does not come by here
            continue
    return {position: tree for position, tree in trees.items() if isinstance(tree, Symbol)}


def build(function: Any, *args: Any, **options: Any) -> Symbol:
    """Apply a function to symbols, in the simplest form."""
    if isinstance(function, np.ufunc):
        args = tuple(map(lift, args))
    if function in SIMPLER and not options:
        simpler = SIMPLER[function](*args)
        if simpler is not None:
            return simpler
    with np.errstate(all="ignore"):
        value = function(*map(evaluate, args), **{name: evaluate(option) for name, option in options.items()})
    return Symbol(value, None, function, args, options)


def lift(x: Any) -> Any:
    if isinstance(x, Symbol):
        return x
    return Symbol(x, x.item() if isinstance(x, (np.ndarray, np.generic)) and x.size == 1 else x)


def evaluate(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return type(x)(map(evaluate, x))
    return x.value if isinstance(x, Symbol) else x


# ---- simplification ----


def is_number(x: Any) -> bool:
    return x.function is None and isinstance(x.leaf, (int, float))


def is_mask(x: Any) -> bool:
    return x.function in COMPARISONS


def same(x: Any, y: Any) -> bool:
    if not (isinstance(x, Symbol) and isinstance(y, Symbol)):
        return type(x) is type(y) and not isinstance(x, np.ndarray) and x == y
    if x.function is None or y.function is None:
        return x.function is y.function and (x.leaf == y.leaf if is_number(x) and is_number(y) else x.leaf is y.leaf)
    return x.function is y.function and x.options == y.options and all(map(same, x.args, y.args))


def folded(function: Any, x: Symbol, y: Symbol) -> Symbol:
    return Symbol(function(x.value, y.value), function(x.leaf, y.leaf))


def base_and_exponent(x: Symbol) -> tuple[Symbol, Any]:
    if x.function is np.power and is_number(x.args[1]):
        return x.args[0], x.args[1].leaf
    return x, 1


def times(x: Symbol, y: Symbol) -> Symbol | None:
    if is_number(x) and is_number(y):
        return folded(operator.mul, x, y)
    if is_number(y):
        return y * x
    if is_number(x) and x.leaf == 1:
        return y
    if is_number(x) and x.leaf < 0:
        return -(-x * y)
    if x.function is np.negative:
        return -(x.args[0] * y)
    if y.function is np.negative:
        return -(x * y.args[0])
    if x.function is np.divide:
        return (x.args[0] * y) / x.args[1]
    if y.function is np.divide:
        return (x * y.args[0]) / y.args[1]
    (base, n), (other, m) = base_and_exponent(x), base_and_exponent(y)
    if same(base, other):
        return base ** (n + m)
    if x.function is np.multiply and same(base_and_exponent(x.args[1])[0], other):
        return x.args[0] * (x.args[1] * y)
    return None


def over(x: Symbol, y: Symbol) -> Symbol | None:
    if is_number(x) and is_number(y) and y.leaf:
        return folded(operator.truediv, x, y)
    if is_number(y) and y.leaf == 1:
        return x
    if y.function is np.sum and is_mask(y.args[0]) and np.all(y.value == 1):  # a single entry attains the maximum
        return x
    if x.function is np.negative:
        return -(x.args[0] / y)
    if is_number(x) and x.leaf < 0:
        return -((-x) / y)
    if x.function is np.divide:
        return x.args[0] / (x.args[1] * y)
    return None


def plus(x: Symbol, y: Symbol) -> Symbol | None:
    if is_number(x) and is_number(y):
        return folded(operator.add, x, y)
    halves = all(z.function is np.divide and is_mask(z.args[0]) and same(z.args[1], lift(2)) for z in (x, y))
    if halves and np.array_equal(x.args[0].value, y.args[0].value):  # no ties: x > y and x >= y are the same
        return x.args[0]
    return None


def minus(x: Symbol, y: Symbol) -> Symbol | None:
    if is_mask(y) and y.size and np.all(y.value == np.ravel(y.value)[0]):  # it holds everywhere, or nowhere
        return x - int(np.ravel(y.value)[0])
    if is_number(x) and is_number(y):
        return folded(operator.sub, x, y)
    return x if is_number(y) and y.leaf == 0 else None


def negated(x: Symbol) -> Symbol | None:
    if is_number(x):
        return Symbol(-np.asarray(x.value)[()], -x.leaf)
    return x.args[0] if x.function is np.negative else None


def raised(x: Symbol, y: Symbol) -> Symbol | None:
    if not is_number(y):
        return None
    if y.leaf == 1:
        return x
    return Symbol(np.ones(x.shape), 1) if y.leaf == 0 else None


def chosen(condition: Any, x: Any, y: Any) -> Symbol | None:
    if not isinstance(condition, Symbol):
        condition = Symbol(condition, condition)
    x, y = lift(x), lift(y)
    if np.all(condition.value):
        return x
    if not np.any(condition.value):
        return y
    return condition if is_number(x) and is_number(y) and (x.leaf, y.leaf) == (1, 0) else None


def rearranged(x: Any, shape: Any) -> Symbol | None:
    return x if isinstance(x, Symbol) and shape == x.shape else None


SIMPLER: dict[Any, Callable[..., Any]] = {
    np.multiply: times,
    np.divide: over,
    np.add: plus,
    np.subtract: minus,
    np.negative: negated,
    np.power: raised,
    np.where: chosen,
    np.reshape: rearranged,
    np.broadcast_to: rearranged,
}

# ---- writing ----

COMPARISONS = {
    np.less: "<",
    np.less_equal: "≤",
    np.greater: ">",
    np.greater_equal: "≥",
    np.equal: "=",
    np.not_equal: "≠",
}
RELATION, SUM, SIGN, PRODUCT, POWER, ATOM = range(6)  # how tightly it binds
INFIX: dict[Any, tuple[str, int]] = {
    np.add: ("+", SUM),
    np.subtract: ("−", SUM),
    np.multiply: ("·", PRODUCT),
    np.divide: ("/", PRODUCT),
}
INFIX |= {np.matmul: (" @ ", PRODUCT), np.floor_divide: ("//", SUM)} | {
    function: (sign, RELATION) for function, sign in COMPARISONS.items()
}


def write(tree: Symbol, name: Name, digits: int = 4) -> str:
    """Write an expression; `name` says what to call a leaf, numbers have so many significant digits."""
    text, _ = written(tree, name, digits)
    if tree.function is np.reshape and not only_ones_added(tree):
        return f"{text} as {tree.shape}"
    return text


def only_ones_added(tree: Symbol) -> bool:
    return [n for n in tree.shape if n != 1] == [n for n in tree.args[0].shape if n != 1]


def written(tree: Any, name: Name, digits: int) -> tuple[str, int]:
    if not isinstance(tree, Symbol):
        return array_text(tree) if isinstance(tree, np.ndarray) else str(tree), ATOM

    def part(x: Any, binding: int) -> str:
        text, own = written(x, name, digits)
        return text if own >= binding else f"({text})"

    function, args = tree.function, tree.args
    if function is None:
        if is_number(tree):
            return number(tree.leaf, digits), SIGN if tree.leaf < 0 else ATOM
        if isinstance(tree.leaf, np.ndarray):
            return array_text(tree.leaf), ATOM
        text = UPSTREAM if tree.leaf is UPSTREAM else name(tree.leaf)
        return text, tightness(text)
    if function in INFIX:
        sign, binding = INFIX[function]
        if sign in "+−" and mentions_upstream(tree):
            sign = f" {sign} "
        if binding == RELATION:
            sign = f" {sign} "
        return f"{part(args[0], binding)}{sign}{part(args[1], binding + 1)}", binding
    if function is np.negative:
        return "−" + part(args[0], PRODUCT), SIGN
    if function is np.power:
        base = part(args[0], ATOM)
        if is_number(args[1]) and args[1].leaf == int(args[1].leaf):
            return base + str(int(args[1].leaf)).translate(SUPERSCRIPT), POWER
        return f"{base}^{part(args[1], ATOM)}", POWER
    if is_matrix_transpose(tree):
        return part(args[0], ATOM) + "ᵀ", ATOM
    if function is operator.getitem:
        return part(args[0], ATOM) + index_text(args[1]), ATOM
    if function is np.sum:
        return "Σ" + part(args[0], ATOM), POWER
    if function in (np.reshape, np.expand_dims, np.squeeze):  # NumPy's bookkeeping; the mathematics has no sign for it
        return written(args[0], name, digits)
    if function is np.broadcast_to:
        where = "to every entry" if args[0].size == 1 else f"repeated to {tree.shape}"
        return f"{part(args[0], RELATION)} {where}", RELATION
    symbol = OPS[function].symbol if function in OPS else function.__name__
    return f"{symbol}({', '.join(part(x, RELATION) for x in args)})", ATOM


def tightness(text: str) -> int:
    """Tell how tightly a name binds: that of an unnamed value may be an expression, `a − b`."""
    outside = text
    while (inner := re.sub(r"\([^()]*\)|\[[^][]*\]", "", outside)) != outside:
        outside = inner
    if re.search(r" [+−] ", outside):
        return SUM
    if text.startswith("−"):
        return SIGN
    return PRODUCT if text.startswith("∂") or re.search(r" [×@] |/", outside) else ATOM


def is_matrix_transpose(tree: Symbol) -> bool:
    if tree.function is np.swapaxes:
        return {axis % tree.ndim for axis in tree.args[1:]} == {tree.ndim - 1, tree.ndim - 2}
    return tree.function is np.transpose and tree.ndim <= 2


def mentions_upstream(tree: Any) -> bool:
    return isinstance(tree, Symbol) and (tree.leaf is UPSTREAM or any(map(mentions_upstream, tree.args)))


def index_text(index: Any) -> str:
    """Write an index as it stands in the code: `[:, 4:8]`; an array in it by kind and shape."""

    def one(part: Any) -> str:
        if isinstance(part, slice):
            text = ":".join("" if end is None else str(end) for end in (part.start, part.stop))
            return text if part.step is None else f"{text}:{part.step}"
        if part is Ellipsis:
            return "..."
        return array_text(np.asarray(part)) if isinstance(part, (np.ndarray, list)) else str(part)

    parts = index if isinstance(index, tuple) else (index,)
    return f"[{', '.join(map(one, parts)) or '()'}]"


def array_text(array: np.ndarray) -> str:
    """Write a constant: its entries if they are few, else kind and shape."""
    return str(array.tolist()) if array.size <= 3 else f"{array.dtype.name.rstrip('0123456789')}{array.shape}"
