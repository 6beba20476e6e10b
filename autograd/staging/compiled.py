"""compile(): run a function, and its gradient, as code that was generated when it was first called."""

import gc
import math
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import update_wrapper
from itertools import accumulate
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ..call import is_symbol
from ..op import Op
from ..tensor import Tensor, constant, grad, modes, no_grad, record
from ..trees import Tree, leaves, rebuild
from .buffers import plan
from .fusion import fuse, numba
from .machine import Machine, Workspace
from .order import FAST, NUMPY
from .program import Program, keep
from .trace import Tracer, trace, watched
from .watch import SIMPLE, Before, Codes, Surroundings, Wrapper

VARIANTS = 16  # of a function's code, that are kept
KINDS = 64  # of arguments, after which code should have been used more often than made
PATIENCE = 8  # how many times in a row new code is made for arguments of one kind


def compile(f: Callable[..., Any], *, backend: str | None = None) -> "Compiled":
    """Give a function that computes what `f` does, and its gradients, by code that is made at the first call.

    f  a function of arrays, Tensors and other things, also inside lists, tuples and dicts; or a module. It is called
       with Tensors in place of arrays. It returns a Tensor, or lists, tuples and dicts of Tensors
    backend  what computes runs of elementwise ops: "numpy", or "numba", which fuses those that are worth it (the extra
       `fast`); None takes Numba where it is installed. Results agree within rounding

    `step = autograd.compile(train_loss)`, then as before: `loss = step(x, y)`, `loss.backward()`. Gradients go to the
    arguments and to the Tensors that f finds outside, such as parameters, which are read at each call. The result is
    the caller's own and can be computed with.

    New code is made for other shapes and dtypes, for other arguments that are no arrays (a number that changes should
    come as an array), and when something has changed that f reads outside: a variable, an array, an attribute such as
    `training`, a parameter replaced by another. What f reads out of a Tensor (`if x.sum() > 0:`) is compared at each
    call. Where code is made time and again, or can't be made, f runs as it is, and a warning says why, once. It also
    does in debug mode, inside stage() and inside another compiled function. What f does besides computing is done only
    while code is made. Random numbers have to come from uniform().
    """
    if not callable(f):
        raise TypeError(f"compile() takes a function; {type(f).__name__} came.")
    if backend not in (None, "numpy", "numba"):
        raise ValueError(f"the backend is 'numpy', 'numba' or None; {backend!r} came.")
    if backend == "numba" and numba() is None:
        raise ImportError("backend='numba' needs Numba, in a version for this NumPy: pip install 'chalkgrad[fast]'.")
    return Compiled(f, backend)


class Unfit(Exception):
    """Why a function can't run as code."""


class Differs(Exception):
    """What was read from a Tensor is not what it was when the code was made."""


class Compiled(Wrapper):
    """A function and the code made for it. For all else, such as parameters(), it stands for the function.

    variants  the code
    eager     the kinds of arguments with which the function runs as it is
    misses    how many times in a row new code was made for arguments of a kind
    made      how many pieces of code were made
    hits      how many calls found code that fits
    """

    backend: str | None
    title: str
    variants: "OrderedDict[int, Variant]"
    eager: set[Any]
    warned: set[str]
    hits: int
    misses: dict[Any, int]
    made: int
    lock: Any

    def __init__(self, f: Callable[..., Any], backend: str | None):
        own = {"function": f, "backend": backend, "title": getattr(f, "__name__", type(f).__name__)}
        own |= {"variants": OrderedDict(), "eager": set(), "warned": set(), "misses": {}, "lock": threading.RLock()}
        self.__dict__.update(own, hits=0, made=0)
        if hasattr(f, "__name__"):
            update_wrapper(self, f)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """Pass for an instance of the function's class, so that a module that holds it finds its parameters."""
        return type(self) if isinstance(self.function, (FunctionType, MethodType)) else type(self.function)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__ or name.startswith("__"):
            self.__dict__[name] = value
        else:
            setattr(self.function, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.function, name)

    def __reduce__(self) -> Any:
        return Compiled, (self.function, self.backend)  # a copy makes its own code

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<compiled {self.function!r}>"

    def __call__(self, *args: Any, **options: Any) -> Any:
        tree = [args, options]
        given = leaves(tree)
        key = modes.record is None, form(tree), tuple(map(kind, given))
        elsewhere = modes.leave is not type(modes).leave or modes.record not in (None, record)
        if elsewhere or key in self.eager or any(map(is_symbol, given)):  # debug mode, another trace, a symbol
            return self.function(*args, **options)
        try:
            return self.run(key, tree, given)
        except Unfit as reason:
            found = self.function(*args, **options)  # if that fails, its error is the one to see
            self.eager = {key} if len(self.eager) > KINDS else self.eager | {key}
            if str(reason) not in self.warned:
                self.warned.add(str(reason))
                text = f"{self.title} runs as it is, not compiled: {reason}."
                warnings.warn(text, RuntimeWarning, stacklevel=2)
            return found

    def run(self, key: Any, tree: Tree, given: list[Any]) -> Any:
        """Run the code that fits; make it if there is none."""
        with self.lock:
            known = [(number, variant) for number, variant in self.variants.items() if variant.key == key]
        changed = ""
        for number, variant in known:
            changed = variant.outdated()
            if changed:
                continue
            try:
                found = variant.run(given)
            except Differs as what:
                changed = str(what)
                continue
            except Exception as error:
                raise Unfit(f"the code failed: {error}") from error
            with self.lock:
                self.hits += 1
                self.misses.pop(key, None)
                if number in self.variants:
                    self.variants.move_to_end(number)
            return found
        with self.lock:
            if self.made > max(KINDS, self.hits):
                raise Unfit(
                    f"code was made for {self.made} kinds of arguments, more often than it could be used again; "
                    "a number or a length that changes from call to call makes a kind of its own, an array does not"
                )
            if len(self.misses) > KINDS:
                self.misses.clear()
            self.misses[key] = self.misses.get(key, 0) + 1
            if self.misses[key] > PATIENCE:
                raise Unfit(f"new code was needed {PATIENCE} times in a row, at last because of {changed}")
            try:
                variant = Variant(self, key, tree, given)
            except Unfit:
                raise
            except Exception as error:
                raise Unfit(f"making code failed: {type(error).__name__}: {error}") from error
            self.variants[self.made] = variant
            self.made += 1
            while len(self.variants) > VARIANTS:
                self.variants.popitem(last=False)
        try:
            return variant.run(given)
        except Differs as what:
            raise Unfit(f"{what} can't be told before") from None


class Variant:
    """Code for arguments of one kind, and for the surroundings as they were when it was made."""

    def __init__(self, compiled: Compiled, key: Any, tree: Tree, given: list[Any]):
        self.key, self.title = key, compiled.title
        self.function, self.tree = compiled.function, rebuild(tree, [None] * len(given))
        self.given = [None if is_array(leaf) else leaf for leaf in given]
        self.op = Op(send, send, variadic=True)
        self.op.name = self.op.symbol = self.title
        with gc_paused():
            program = self.trace(given)
            fused = compiled.backend != "numpy" and numba() is not None
            for improve in FAST:
                if not fused or improve not in NUMPY:
                    program = improve(program)
            self.shapes = [y.shape for y, flows in zip(program.outputs, self.flowing) if flows]
            self.ends = [0, *accumulate(map(math.prod, self.shapes))]
            planned = plan(program)
            if fused:
                planned = fuse(planned, program)
            self.machine = Machine(planned, self.title)

    def trace(self, given: list[Any]) -> Program:
        """Run the function, and see what it does and goes by. Raises Unfit."""
        tensors = [variable(leaf) for leaf in given if is_array(leaf)]
        roots = [(self.title, self.function), *(("an argument", leaf) for leaf in self.given)]
        before = Before(roots)
        codes = Codes(before.reach.seen)
        found: list[Any] = []

        def run() -> list[Tensor]:
            queue = iter(tensors)
            handed = [next(queue) if is_array(leaf) else leaf for leaf in given]
            args, kwargs = rebuild(self.tree, handed)
            with no_grad() if self.key[0] else nullcontext(), codes.noting():
                found.append(self.function(*args, **kwargs))
            after = leaves([args, kwargs])
            if form([args, kwargs]) != form(self.tree) or any(x is not y for x, y in zip(after, handed)):
                raise Unfit("it changes a list or dict that it is given")
            results = [y for y in leaves(found[0]) if isinstance(y, Tensor)]
            if not results:
                raise Unfit(f"it returns no Tensor, but {type(found[0]).__name__}")
            return results

        def traced() -> tuple[Program, Tracer, bool]:
            """Trace with shapes alone, or with numbers where the function goes by these."""
            with watched(before.reach.tensors):
                try:
                    with np.errstate(all="ignore"):
                        return trace(run, {x: x.name for x in tensors}, replay=True, numbers=False)
                except Exception:
                    before.restore()
                    found.clear()
                    return trace(run, {x: x.name for x in tensors}, replay=True)

        try:
            program, tracer, _ = traced()
            surroundings = Surroundings(roots, codes)
            made = tracer.values.keys() - tracer.captured.keys()
            reason = before.done(surroundings, made) or unfit(found[0], made)
        except Unfit as what:
            reason = str(what)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".rstrip(".")
        if reason:
            before.restore()
            raise Unfit(reason)
        self.slots = surroundings.slots
        self.captured = list(tracer.captured)
        self.required = [x.requires_grad for x in self.captured]
        self.draws, self.reads = tracer.draws, tracer.reads
        self.returned = rebuild(found[0], [None if isinstance(y, Tensor) else y for y in leaves(found[0])])
        self.results = [isinstance(y, Tensor) for y in leaves(found[0])]
        self.flowing = [y.requires_grad for y in leaves(found[0]) if isinstance(y, Tensor)]
        reads = [read.value for read in self.reads]
        needed = keep(program, reads)
        if any(x in program.seeds for value in [*reads, *needed] for x in (value, *value.operands)):
            raise Unfit("numbers are read from a gradient")
        wanted = [x for x in program.wanted if x in program.gradients]
        sources = [*filter(is_array, given), *self.captured]  # of the inputs; draws are never wanted
        tensors_in = [x for x, source in zip(program.inputs, sources) if isinstance(source, Tensor)]
        self.positions = tuple(tensors_in.index(x) for x in wanted)
        gradients = {x: program.gradients[x] for x in wanted}
        return replace(program, outputs=program.outputs + reads, wanted=wanted, gradients=gradients)

    def outdated(self) -> str:
        """Name something around the function that has changed since the code was made; "" if all is as it was."""
        for slot in self.slots:
            if slot.changed():
                return slot.name
        for x, required in zip(self.captured, self.required):
            if x.requires_grad != required:
                return f"requires_grad of {x.label}"
        return ""

    def run(self, given: list[Any]) -> Any:
        """Compute the results for other arguments of the kind. Raises Differs."""
        tensors: list[Any] = [leaf for leaf in given if is_array(leaf)] + self.captured
        arrays = [x._data if isinstance(x, Tensor) else np.array(x) for x in tensors]
        states = [rng.bit_generator.state for _, rng, _, _ in self.draws]
        arrays += [rng.random(shape, dtype) for _, rng, shape, dtype in self.draws]
        step = Step(self, arrays, given)
        try:
            outputs = step.forward()
            for read, now in zip(self.reads, outputs[len(self.flowing) :]):
                if not np.array_equal(read.see(now), read.seen, equal_nan=read.value.dtype.kind == "f"):
                    raise Differs(read.what)
        except BaseException:
            for (_, rng, _, _), state in reversed([*zip(self.draws, states)]):
                rng.bit_generator.state = state
            raise
        outputs = [np.array(y)[()] for y in outputs[: len(self.flowing)]]
        results = self.nodes(step, tensors, outputs) if any(self.flowing) else list(map(constant, outputs))
        queue = iter(results)
        parts = [next(queue) if result else copy(part) for part, result in zip(leaves(self.returned), self.results)]
        return rebuild(self.returned, parts)

    def nodes(self, step: "Step", tensors: list[Any], outputs: list[Any]) -> list[Tensor]:
        """Make the call a node of the caller's graph. Of several results it is one array, of which they are parts."""
        args = tuple(x for x in tensors if isinstance(x, Tensor))
        parents = tuple(args[i] for i in self.positions)
        flowing = [y for y, flows in zip(outputs, self.flowing) if flows]
        joined = flowing[0] if len(flowing) == 1 else np.concatenate([np.ravel(y) for y in flowing])
        values = tuple(x._data for x in args)
        node = record(self.op, joined, args, values, {"step": step}, parents, self.positions)
        results, end = [], 0
        for y, flows in zip(outputs, self.flowing):
            if not flows:
                results.append(constant(y))
            elif len(flowing) == 1:
                results.append(node)
            else:
                end += y.size
                part: Any = node[end - y.size : end].reshape(y.shape)
                results.append(part if part.dtype == y.dtype else part.astype(y.dtype))
        return results


class Step:
    """One call: what it computed with, and the memory that holds what its gradients need."""

    def __init__(self, variant: Variant, arrays: list[Any], given: list[Any]):
        self.variant, self.arrays, self.given = variant, arrays, given
        self.held: list[Workspace] = []  # until the gradients have been computed

    def forward(self) -> list[Any]:
        workspace = self.variant.machine.take()
        for place, array in zip(workspace.inputs, self.arrays):
            place[...] = array
        workspace.forward()
        self.held.append(workspace)
        return workspace.outputs

    def __del__(self) -> None:
        self.release()

    def release(self) -> None:
        while self.held:
            self.variant.machine.idle.append(self.held.pop())

    def apart(self, g: Any) -> list[Any]:
        """Take an upstream gradient apart: a piece for each result."""
        shapes, ends = self.variant.shapes, self.variant.ends
        if len(shapes) == 1:
            return [g]
        return [g[start:end].reshape(shape) for start, end, shape in zip(ends, ends[1:], shapes)]

    def backward(self, upstream: list[Any]) -> list[Any]:
        if not self.held:  # a second time
            self.forward()
        workspace = self.held.pop()
        for place, g in zip(workspace.seeds, upstream):
            place[...] = g
        workspace.backward()
        gradients = [np.array(g)[()] for g in workspace.gradients]
        self.variant.machine.idle.append(workspace)
        return gradients

    def again(self, upstream: list[Tensor], args: tuple[Any, ...]) -> list[Any]:
        """Compute gradients that can be differentiated again, by running the function as it is."""
        variant = self.variant
        if variant.draws:
            raise RuntimeError(f"{variant.title} draws random numbers: its gradient can't be differentiated again.")
        positional, options = rebuild(variant.tree, list(self.given))
        returned = variant.function(*positional, **options)
        ys = [y for y in leaves(returned) if isinstance(y, Tensor)]
        ys = [y for y, flows in zip(ys, variant.flowing) if flows]
        return list(grad(ys, [args[i] for i in variant.positions], upstream, create_graph=True))


def send(g: Any, out: Any, *args: Any, step: Step) -> list[Any]:
    """Give the gradient of each argument: the local gradient of the node that a call is."""
    sent: list[Any] = [None] * len(args)
    upstream = step.apart(g)
    pieces = step.again(upstream, args) if isinstance(g, Tensor) else step.backward(upstream)
    for position, piece in zip(step.variant.positions, pieces):
        sent[position] = piece
    return sent


@contextmanager
def gc_paused() -> Iterator[None]:
    """Keep the cyclic collector from going through a hundred thousand new objects time and again; none is a cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def is_array(leaf: Any) -> bool:
    """Tell what the code is run with anew at each call: Tensors, and arrays of numbers."""
    return isinstance(leaf, Tensor) or isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind in "fiub"


def kind(leaf: Any) -> Any:
    """Give what must be the same of an argument for code to fit."""
    if is_array(leaf):
        return leaf.shape, leaf.dtype, leaf.requires_grad if isinstance(leaf, Tensor) else None
    return (type(leaf), repr(leaf)) if isinstance(leaf, SIMPLE) else id(leaf)


def form(tree: Tree) -> Any:
    """Give the nesting of a tree, without its leaves."""
    if isinstance(tree, dict):
        return tuple(tree), tuple(map(form, tree.values()))
    return (type(tree), tuple(map(form, tree))) if isinstance(tree, (list, tuple)) else None


def variable(leaf: Any) -> Tensor:
    """Make the Tensor that stands for an argument while the function is traced."""
    if not isinstance(leaf, Tensor):
        return Tensor(leaf)
    tensor = Tensor(leaf.data, name=leaf.name)
    tensor.requires_grad = leaf.requires_grad
    return tensor


def copy(part: Any) -> Any:
    return np.array(part) if isinstance(part, np.ndarray) else part


def unfit(returned: Tree, made: Iterable[Tensor]) -> str:
    """Say why code can't give what a function returns, or do what it did to its Tensors."""
    for part in leaves(returned):
        if not isinstance(part, (Tensor, np.ndarray, *SIMPLE)):
            return f"it returns a {type(part).__name__}; a Tensor, or lists, tuples and dicts of Tensors can be"
    if any(x.hooks for x in made):
        return "it registers a hook on what it computes"
    return ""
