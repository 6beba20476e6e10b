"""Derivatives of functions: a few lines each over `grad`.

A function `f` here takes arrays, or lists, tuples and dicts of arrays, nested as you like, and computes with NumPy. It
is called with Tensors in their place. Arrays in, arrays out: the results are ndarrays. Called with Tensors that require
a gradient, as happens when one of these functions is differentiated in turn, they give Tensors, differentiable again.

Letters: x of shape X, f(x) of shape Y. J = ∂f/∂x, of shape Y + X; H the Hessian of a scalar f, of shape X + X.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .explain import array_of_numbers
from .tensor import Tensor, grad
from .trees import Tree, leaves, rebuild


def variable(value: Any) -> Tensor:
    """Make a Tensor to differentiate by: a leaf, or, of a node of an outer graph, a node behind it.

    A node of its own, because `f` may use the outer Tensor besides, and that use must not count.
    """
    if isinstance(value, Tensor) and value.requires_grad:
        return +value
    array = array_of_numbers(value.data if isinstance(value, Tensor) else value, "a function to be differentiated")
    return Tensor(array if array.dtype.kind == "f" else array.astype(float), requires_grad=True)


def refuse_misuse(name: str, f: Any, argnums: Any = 0, several: bool = True) -> None:
    """Raise TypeError, before anything is called, if `f` is no function or `argnums` no position of an argument."""
    if not callable(f):
        raise TypeError(
            f"{name}() takes a function first; {type(f).__name__} came. Of a Tensor computed already, use grad(y, x)."
        )
    numbers = argnums if several and isinstance(argnums, (list, tuple, range)) else [argnums]
    if not all(isinstance(number, int) for number in numbers):
        kind = "an int, or a list of them" if several else "one int"
        raise TypeError(f"{name}() differentiates by the argument at a position, {kind}; {argnums!r} came.")


class Call:
    """One call of `f` with Tensors in place of the arguments to differentiate by."""

    def __init__(
        self, f: Callable[..., Any], argnums: int | Sequence[int], args: Sequence[Tree], options: dict[str, Any]
    ):
        self.positions = [argnums] if isinstance(argnums, int) else list(argnums)
        for position in self.positions:
            if not -len(args) <= position < len(args):
                raise ValueError(f"argnums={position}, but the function was called with {len(args)} arguments.")
        if len({position % len(args) for position in self.positions}) < len(self.positions):
            raise ValueError(f"argnums={argnums} names an argument twice.")
        self.trees = [args[position] for position in self.positions]
        self.single = isinstance(argnums, int)
        given = [leaf for tree in self.trees for leaf in leaves(tree)]
        self.nested = any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in given)
        self.inputs = [variable(leaf) for leaf in given]
        values, args = list(self.inputs), list(args)
        for position, tree in zip(self.positions, self.trees):
            args[position] = rebuild(tree, values)
        self.output = f(*args, **options)
        if not isinstance(self.output, Tensor):
            raise TypeError(
                f"the function must compute a Tensor from its arguments; it returned {type(self.output).__name__}. "
                "Was it computed with .data, or does it return several values?"
            )

    def pull(self, upstream: Any = None, create_graph: bool = False) -> list[Any]:
        """Compute the gradient with respect to each input, in their order."""
        return list(grad(self.output, self.inputs, upstream, create_graph=create_graph or self.nested))

    def result(self, tensor: Tensor) -> Any:
        return tensor if self.nested else tensor.data

    def arrange(self, gradients: list[Any]) -> Tree:
        """Give the gradients the form of the arguments."""
        values = [self.result(g) for g in gradients]
        trees = [rebuild(tree, values) for tree in self.trees]
        return trees[0] if self.single else tuple(trees)


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Any, Tree]]:
    """Turn a scalar function into one that gives (f(x), ∂f/∂x).

    argnums: which argument to differentiate by, or a sequence of several (then the gradients are a tuple). The gradient
    has the form of the argument: nested lists and dicts of arrays come back as such.
    """
    refuse_misuse("value_and_grad", f, argnums)

    def call(*args: Tree, **options: Any) -> tuple[Any, Tree]:
        made = Call(f, argnums, args, options)
        return made.result(made.output), made.arrange(made.pull())

    return call


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Tree]:
    """Turn a function into one that gives J = ∂f/∂x, of shape Y + X; one backward pass for each entry of f(x)."""
    refuse_misuse("jacobian", f, argnums)

    def call(*args: Tree, **options: Any) -> Tree:
        made = Call(f, argnums, args, options)
        shape, size = made.output.shape, made.output.size
        rows = []
        for index in range(size):
            unit = np.zeros(size, dtype=made.output.dtype)
            unit[index] = 1
            rows.append(made.pull(unit.reshape(shape)))
        columns = zip(*rows) if rows else ([] for _ in made.inputs)
        return made.arrange(
            [
                np.reshape(np.stack(column), shape + x.shape) if column else Tensor(np.zeros(shape + x.shape))
                for column, x in zip(columns, made.inputs)
            ]
        )

    return call


def hessian(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Turn a scalar function into one that gives H = ∂²f/∂x², of shape X + X, for the array at position `argnum`."""
    refuse_misuse("hessian", f, argnum, several=False)
    gradient = value_and_grad(f, argnum)

    def first(*args: Any, **options: Any) -> Any:
        _, derivative = gradient(*args, **options)
        if not isinstance(derivative, Tensor):
            raise TypeError(
                f"hessian() differentiates by one array; argument {argnum} is a {type(derivative).__name__}. "
                "Make an array of its numbers with np.array, or choose one of its arrays."
            )
        return derivative

    return jacobian(first, argnum)


def hvp(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Turn a scalar function into `g(*args, v)`, which gives H v without making H (Pearlmutter, 1994).

    v: of the form of the argument at position `argnum`. Costs two backward passes.
    """

    refuse_misuse("hvp", f, argnum, several=False)

    def call(*args: Any, **options: Any) -> Any:
        if len(args) < 2:
            raise TypeError(f"hvp(f) takes the arguments of f and then the direction v; {len(args)} came.")
        *others, v = args
        made = Call(f, argnum, others, options)
        directional = sum(
            (np.sum(g * direction) for g, direction in matched(made.pull(create_graph=True), v)), start=Tensor(0.0)
        )
        return made.arrange(list(grad(directional, made.inputs, create_graph=made.nested)))

    return call


def vjp(f: Callable[..., Any], *args: Tree) -> tuple[Any, Callable[[Any], tuple[Tree, ...]]]:
    """Compute f(*args) and the function v -> vᵀJ, which pulls a gradient of f's shape back to every argument."""
    refuse_misuse("vjp", f)
    made = Call(f, range(len(args)), args, {})
    return made.result(made.output), lambda v: made.arrange(made.pull(v))


def jvp(f: Callable[..., Any], args: Sequence[Tree], tangents: Sequence[Tree]) -> tuple[Any, Any]:
    """Compute f(*args) and J v: how f changes when the arguments move along `tangents`.

    By the double-vjp trick: u -> uᵀJ is linear in u, and its own vjp at v is J v. Costs two backward passes.
    """
    refuse_misuse("jvp", f)
    for name, given in (("arguments", args), ("tangents", tangents)):
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"jvp() takes its {name} as a tuple, jvp(f, (x,), (v,)); {type(given).__name__} came.")
    made = Call(f, range(len(args)), args, {})
    u = Tensor(np.zeros(made.output.shape, dtype=made.output.dtype), requires_grad=True)
    pulled = made.pull(u, create_graph=True)
    directional = sum((np.sum(g * v) for g, v in matched(pulled, list(tangents))), start=Tensor(0.0))
    (tangent,) = grad(directional, [u], create_graph=made.nested)
    return made.result(made.output), made.result(tangent)


def matched(gradients: list[Tensor], tree: Tree) -> list[tuple[Tensor, Any]]:
    """Pair the gradients with the leaves of a tree of directions, which must have their number and shapes."""
    directions = leaves(tree)
    if [g.shape for g in gradients] != [np.shape(v) for v in directions]:
        raise ValueError(
            f"the direction must have the form of the arguments: shapes {[g.shape for g in gradients]} expected, "
            f"{[np.shape(v) for v in directions]} came."
        )
    return list(zip(gradients, directions))
