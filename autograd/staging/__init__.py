"""Print a function and its gradient as straight-line NumPy, in the manner of CS231n's staged backpropagation."""

import inspect
import itertools
import linecache
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..explain import array_of_numbers
from ..tensor import Tensor
from ..trees import Tree, leaves, rebuild
from .emit import Emitter, Source
from .layout import forward_module, module
from .names import outside
from .passes import PASSES
from .roll import roll
from .trace import trace

STATIC = (bool, str, type(None))  # arguments that stay what they are
serial = itertools.count(1)


def stage(
    f: Callable[..., Any],
    *example: Tree,
    names: Mapping[str, Any] | None = None,
    values: bool = False,
    unroll: bool = False,
) -> "Staged":
    """Run f(*example) once and print what it computed, with the gradients of its arguments, as NumPy code.

    f        computes a Tensor, or a tuple of Tensors, from its arguments. Called with Tensors in place of arrays and
             numbers; lists, tuples and dicts of them may be nested. Bools, strings and None stay what they are
    example  arguments for f. Arrays and numbers of floats receive a gradient; Tensors do if they require one; so do the
             Tensors that f finds outside and that require one, such as the parameters of a module
    names    locals(): Tensors that f finds outside are called as these variables, as far as f doesn't name them. What f
             computes is called as its own variables, or by `Tensor.name`; what has no name is h1, h2 ...
    values   whether the numbers of the example stand beside the statements, as comments
    unroll   whether every statement is written out, also of a long row of identical steps, which is a loop otherwise
             (with values=True it is written out in any case)

    The result has the code as `.source`, which needs nothing but NumPy; `.forward(*args)` and `.gradients(*args)` run
    it. Fixed as in the example are: shapes and dtypes, the branches and loops taken, numbers read from a Tensor (as by
    `.data` or `if x > 0:`; a comment names them), arrays made or drawn at random inside f.

    Raises TypeError if f returns something else, RuntimeError if it calls backward() inside.
    """
    if not callable(f):
        raise TypeError(f"stage() takes a function and example arguments; {type(f).__name__} came first.")
    if not isinstance(names := {} if names is None else names, Mapping):
        raise TypeError(f"names takes a mapping from names to objects, such as locals(); {type(names).__name__} came.")
    return Staged(f, example, names, values, unroll)


class Staged:
    """A function as NumPy code, forward and backward. `print(staged)` shows it.

    source     the code: a function `forward_and_backward`, which gives the result and a tuple of gradients
    arguments  the names of what that function is called with, and the arrays of the example
    fixed      sentences: what was read from a Tensor while the function ran, and stays as it was
    """

    def __init__(
        self, f: Callable[..., Any], example: tuple[Tree, ...], names: Mapping[str, Any], values: bool, unroll: bool
    ):
        self.name = getattr(f, "__name__", type(f).__name__)
        given = [leaf for tree in example for leaf in leaves(tree)]
        self.given = [leaf if isinstance(leaf, STATIC) else variable(leaf) for leaf in given]
        titles = {x: title for x, title in zip(self.given, argument_names(f, example)) if isinstance(x, Tensor)}
        direct = {x: title if title.isidentifier() else None for x, title in titles.items()}
        code = getattr(getattr(f, "forward", f), "__code__", None)

        def run() -> Any:
            queue = list(self.given)
            return f(*(rebuild(tree, queue) for tree in example))

        self.program, tracer, self.single = trace(run, direct, code)
        for value, title in zip(self.program.inputs, titles.values()):
            value.name = value.name or title
        self.fixed, self.read = list(tracer.fixed), tracer.read
        self.captured = list(tracer.captured)
        known = outside(f, names)
        for tensor, value in tracer.captured.items():
            value.name = known.get(tensor) or value.name
        for run_pass in PASSES:
            self.program = run_pass(self.program)
        written = Emitter(self.program).emit()
        if not values and not unroll:
            rolled = Emitter(self.program, gather=True).emit()
            if roll(rolled) and self.alike(rolled, written):
                written = rolled
        self.held = list(written.held.values())
        self.source = module(written, self.fixed, values)
        self._both = self.build("forward_and_backward", self.source, written)
        self._forward = self.build("forward", forward_module(written), written)
        self.arguments = dict(zip(written.arguments, [np.asarray(x.data) for x in self.program.inputs]))
        self.arguments.update(written.held)
        self.names = written.arguments

    def alike(self, *sources: Source) -> bool:
        """Tell whether sources compute the same from the example, to the last bit."""
        seeds = [x.data for x in self.program.seeds]
        given = [*(x.data for x in self.program.inputs), *sources[0].held.values(), *seeds]
        with np.errstate(all="ignore"):
            results = [self.build("forward_and_backward", module(s, (), False), s)(*given) for s in sources]
        arrays = [[*(out if isinstance(out, tuple) else (out,)), *gradients] for out, gradients in results]
        return all(np.array_equal(x, y, equal_nan=np.asarray(x).dtype.kind == "f") for x, y in zip(*arrays))

    def build(self, name: str, text: str, source: Source) -> Any:
        """Compile code; a traceback shows its lines."""
        file = f"<staged {self.name} {next(serial)}>"
        linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
        weakref.finalize(self, linecache.cache.pop, file, None)
        namespace: dict[str, Any] = dict(source.definitions.foreign)
        exec(compile(text, file, "exec"), namespace)
        return namespace[name]

    def inputs(self, args: tuple[Tree, ...]) -> list[Any]:
        """Give the arrays to run the code with: of the arguments, and of the tensors outside as they are now."""
        given = [leaf for tree in args for leaf in leaves(tree)]
        if len(given) != len(self.given):
            raise TypeError(f"{self.name} was staged with {len(self.given)} arguments; {len(given)} came.")
        found: list[Any] = []
        for x, then in zip(given, self.given):
            if isinstance(then, Tensor):
                found.append(x)
            elif x is not then and x != then:
                raise ValueError(f"{self.name} was staged with {then!r} for an argument; {x!r} came. Stage again.")
        arrays = []
        for x, name, value in zip([*found, *self.captured], self.names, self.program.inputs):
            array = np.asarray(x._data if isinstance(x, Tensor) else x)
            if array.shape != value.shape:
                raise ValueError(f"{name} had shape {value.shape} when it was staged; {array.shape} came. Stage again.")
            if not np.can_cast(array.dtype, value.dtype, "same_kind"):
                raise TypeError(f"{name} was staged as {value.dtype}; {array.dtype} came.")
            if value in self.read and not np.array_equal(array, value.data):
                raise ValueError(
                    f"{self.name} has read the numbers of {name}, so the code holds for these alone (see .fixed); "
                    "others came. Stage again."
                )
            arrays.append(array.astype(value.dtype)[()])
        return arrays + self.held

    def forward(self, *args: Tree) -> Any:
        """Compute f(*args): an ndarray, or a tuple of them. Shapes must be those of the example."""
        out = self._forward(*self.inputs(args))
        return np.asarray(out) if self.single else tuple(map(np.asarray, out if isinstance(out, tuple) else (out,)))

    def gradients(self, *args: Tree, upstream: Any = None) -> tuple[np.ndarray, ...]:
        """Compute the gradients at `args`: of each argument, then of each tensor from outside that requires one.

        upstream  the gradient of the result, of its shape; of several results, a tuple. By default 1, if the result
                  is one number
        """
        _, gradients = self._both(*self.inputs(args), *self.upstreams(upstream))
        return tuple(map(np.asarray, gradients))

    def upstreams(self, upstream: Any) -> list[Any]:
        seeds = self.program.seeds
        given = [upstream] if len(self.program.outputs) == 1 and not isinstance(upstream, tuple) else upstream
        if upstream is None:
            large = [seed.shape for seed in seeds if np.size(seed.data) != 1]
            if large:
                raise ValueError(
                    f"the result of {self.name} has shape {large[0]}: pass its gradient as upstream=, or stage a "
                    "function that returns one number."
                )
            return [seed.data for seed in seeds]
        if len(given) != len(seeds):
            raise ValueError(f"{self.name} gives {len(seeds)} results; upstream has {len(given)} gradients.")
        found = []
        for g, seed in zip(given, seeds):
            array = array_of_numbers(g.data if isinstance(g, Tensor) else g, "upstream").astype(seed.dtype)
            if array.shape != seed.shape:
                raise ValueError(f"upstream has the shape of the result, {seed.shape}; {array.shape} came.")
            found.append(array[()])
        return found

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return f"<{self.name}, staged: {', '.join(self.names)}; print it to read the code>"

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.source}```"


def variable(leaf: Any) -> Tensor:
    """Make a leaf for an argument: of a Tensor it keeps whether a gradient is wanted, an array of floats wants one."""
    if isinstance(leaf, Tensor):
        tensor = Tensor(leaf.data, name=leaf.name)
        tensor.requires_grad = leaf.requires_grad
        return tensor
    array = array_of_numbers(leaf, "a function that is staged")
    if isinstance(leaf, int):
        array = array.astype(float)
    return Tensor(array, requires_grad=array.dtype.kind == "f")


def argument_names(f: Callable[..., Any], example: tuple[Tree, ...]) -> list[str]:
    """Name what the arguments consist of: as the parameter of f, "state.0" for a part of it; x.0 ... if f has none."""
    try:
        signature = inspect.signature(getattr(f, "forward", f))
    except ValueError:  # a function without one
        return paths("x", example)
    try:
        bound = signature.bind(*example)
    except TypeError as error:
        raise TypeError(f"the example arguments don't fit the function, which takes {signature}: {error}.") from None
    found: list[str] = []
    for name, argument in bound.arguments.items():
        several = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
        found += paths(name, argument, several)
    return found


def paths(name: str, tree: Tree, own: bool = False) -> list[str]:
    """List a name for each leaf of a tree. With `own`, a Tensor's name comes first."""
    if isinstance(tree, dict):
        return [path for key, branch in tree.items() for path in paths(f"{name}.{key}", branch, own)]
    if isinstance(tree, (list, tuple)):
        keys = getattr(tree, "_fields", range(len(tree)))
        return [path for key, branch in zip(keys, tree) for path in paths(f"{name}.{key}", branch, True)]
    return [(own and getattr(tree, "name", None)) or name]
