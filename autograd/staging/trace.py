"""Running a function once, and writing down what it computed: forward, and backward, as one program."""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from linecache import getline
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from ..chainrule import backpropagate
from ..graph import clock
from ..op import OPS, Op
from ..tensor import Tensor, constant, modes, record
from .abstract import Abstract, abstract
from .program import Contribution, Program, Value, transform

PACKAGE = Path(__file__).parents[1]


class NumbersNeeded(Exception):
    """A function went by numbers of a Tensor, which were not computed."""


class Read(NamedTuple):
    """Numbers of a value that Python went by: `see(array)` gave `seen`."""

    value: Value
    see: Callable[[Any], Any]
    seen: Any
    what: str


class Draw(NamedTuple):
    """An input that holds `rng.random(shape, dtype)`."""

    value: Value
    rng: np.random.Generator
    shape: tuple[int, ...]
    dtype: np.dtype


class Tracer:
    """What is known of the Tensors made while a function runs.

    values    the value of each Tensor that depends on an input, or is one; in the order of creation
    captured  tensors that the function found outside, not among its arguments
    fixed     sentences: what was read out of the graph, so that it stays as it was in this run
    read      inputs that were read so
    reads     what was read, and how
    draws     inputs that are to be filled with random numbers
    names     what the function's own variables call a Tensor
    """

    def __init__(self, code: Any = None, replay: bool = False, numbers: bool = True):
        self.replay, self.abstract = replay, not numbers
        self.start = clock.tick()
        self.values: dict[Tensor, Value] = {}
        self.list: list[Value] = []
        self.captured: dict[Tensor, Value] = {}
        self.constants: dict[int, tuple[Any, Value]] = {}  # by id of the array, which stays alive here
        self.fixed: dict[str, None] = {}
        self.read: set[Value] = set()
        self.reads: list[Read] = []
        self.draws: list[Draw] = []
        self.names: dict[Tensor, str] = {}
        self.code = code
        self.frame: FrameType | None = None

    def input(self, tensor: Tensor, name: str | None = None) -> Value:
        tensor.__class__ = Traced
        value = self.values[tensor] = Value(tensor._data, name=name)
        return value

    # ---- what the engine calls in place of making a node ----

    def record(
        self, op: Op, data: Any, args: tuple, values: tuple, kwargs: dict[str, Any], parents: tuple, positions: tuple
    ) -> Tensor:
        node = record(op, data, args, values, kwargs, parents, positions)
        return self.note(node, op, args, kwargs)

    def leave(self, op: Op, data: Any, args: tuple, kwargs: dict[str, Any]) -> Tensor:
        node = constant(data)
        node.scope = modes.scope
        return self.note(node, op, args, kwargs)

    def note(self, node: Tensor, op: Op, args: tuple, options: dict[str, Any]) -> Tensor:
        self.look_at_variables()
        operands = tuple(map(self.operand, args))
        known = {
            name: option.tolist() if isinstance(option, np.ndarray) and name != "index" else self.operand(option)
            for name, option in options.items()
        }
        found: list[Value] = []
        transform((*operands, *known.values()), found.append)
        if all(x.constant for x in found):
            return node
        if self.abstract and node.dtype.kind == "f":
            node._data = abstract(node.shape, node.dtype)
        value = self.values[node] = Value(node._data, op, operands, known, scope=node.scope)
        self.list.append(value)
        node.__class__ = Traced
        return node

    @staticmethod
    def apply(node: Any, rule: Any, g: Any, recorded: bool) -> Any:
        if not recorded:
            raise RuntimeError(
                "a function that is staged can't call backward(), nor grad() without create_graph=True: what they give "
                "are numbers, cut from the graph. Use grad(y, xs, create_graph=True)."
            )
        return type(modes).apply(node, rule, g, recorded)

    # ---- what an argument is ----

    def operand(self, x: Any) -> Any:
        """Give the Value behind a Tensor or an array; numbers and other options as they are."""
        if isinstance(x, Tensor):
            if x in self.values:
                return self.values[x]
            if x.number > self.start:
                return self.constant(x._data, x)
            value = self.values[x] = self.captured[x] = Value(x._data)
            return value
        if isinstance(x, Index) and x.tensor is not None:
            return self.values.get(x.tensor) or self.constant(np.array(x), x.tensor)
        if isinstance(x, np.ndarray):
            return self.constant(x, x)
        if isinstance(x, (tuple, list)):
            return type(x)(map(self.operand, x))
        return x

    def constant(self, array: Any, origin: Any) -> Value:
        """Give the Value of an array that depends on no input. The function may write into it later: it is copied."""
        known = self.constants.get(id(origin))
        if known and np.array_equal(known[1].data, array, equal_nan=array.dtype.kind == "f"):
            return known[1]
        value = Value(np.array(array)[()], constant=True)
        self.constants[id(origin)] = origin, value
        self.list.append(value)
        return value

    # ---- what leaves the graph ----

    def fix(self, tensor: Tensor, what: str, see: Callable[[Any], Any] = np.array) -> None:
        """Note that a number left the graph, at which line of the function; of an input, that it was read."""
        if isinstance(tensor._data, Abstract):
            raise NumbersNeeded
        value = self.operand(tensor)
        who = (
            value.name or tensor.name or self.names.get(tensor) or f"the result of {value.op.name if value.op else ''}"
        )
        sentence = f"{what} of {who}, in {self.line()}"
        self.fixed[sentence] = None
        if not value.constant:
            self.reads.append(Read(value, see, see(tensor._data), sentence))
        if value.op is None:
            self.read.add(value)

    def line(self) -> str:
        """Give the line of the traced function that runs, or the one that called the engine."""
        frame: FrameType | None = sys._getframe(1)
        caller = None
        while frame is not None and frame.f_code is not self.code:
            if caller is None and PACKAGE not in Path(frame.f_code.co_filename).parents:
                caller = frame
            frame = frame.f_back
        frame = frame or caller
        assert frame is not None
        file, number = frame.f_code.co_filename, frame.f_lineno
        return f"line {number} of {Path(file).name}: {getline(file, number).strip()}"

    def draw(self, rng: np.random.Generator, shape: Any, dtype: Any) -> Tensor:
        """Make an input of random numbers. These are not the Generator's next ones: it stays as it is."""
        tensor = constant(np.random.default_rng(0).random(shape, dtype))
        self.draws.append(Draw(self.input(tensor), rng, tensor.shape, tensor.dtype))
        return tensor

    def look_at_variables(self) -> None:
        """Find out what the function calls its Tensors. Its frame stays readable after it has returned."""
        if self.frame is None and self.code is not None:
            frame: FrameType | None = sys._getframe(1)
            while frame is not None and frame.f_code is not self.code:
                frame = frame.f_back
            self.frame = frame
        if self.frame is not None:
            for name, tensor in self.frame.f_locals.items():
                if isinstance(tensor, Tensor) and tensor in self.values:
                    self.names.setdefault(tensor, name)


current = threading.local()


@contextmanager
def tracing(code: Any = None, replay: bool = False, numbers: bool = True) -> Iterator[Tracer]:
    """Note every op in this thread while the block runs, also where no gradient flows. `code`: see `names`.

    With `replay`, what uniform() gives is an input; else it is fixed. Without `numbers`, floats are not computed.
    """
    tracer = Tracer(code, replay, numbers)
    before = modes.record, modes.leave, modes.apply, modes.draw
    outer, current.tracer = getattr(current, "tracer", None), tracer
    modes.record, modes.leave, modes.apply = tracer.record, tracer.leave, tracer.apply
    modes.draw = tracer.draw if replay else modes.draw
    try:
        yield tracer
    finally:
        modes.record, modes.leave, modes.apply, modes.draw = before
        current.tracer = outer
        for tensor in tracer.values:
            if type(tensor) is Traced:
                tensor.__class__ = Tensor  # type: ignore[assignment]


class Traced(Tensor):
    """A Tensor while a function is traced. It says when its numbers are read: what is made of them is not traced."""

    __slots__ = ()

    @property
    def data(self) -> np.ndarray:
        self.read("the numbers")
        return np.asarray(self._data)

    @data.setter
    def data(self, value: Any) -> None:
        if getattr(current, "tracer", None):
            raise RuntimeError(f"a function that is staged can't assign to .data, here that of {self.label}.")
        Tensor.data.fset(self, value)  # type: ignore[attr-defined]

    def read(self, what: str, see: Callable[[Any], Any] = np.array) -> None:
        if tracer := getattr(current, "tracer", None):  # a parameter may be in another thread's hands as well
            tracer.fix(self, what, see)

    def __bool__(self) -> bool:
        truth = super().__bool__()
        self.read("the branch taken on the truth", bool)
        return truth

    def __index__(self) -> int:
        self.read("the number")
        return super().__index__()

    def item(self) -> float | int | bool:
        self.read("the number")
        return super().item()

    def number_without_history(self, what: str) -> float | int | bool:
        self.read("the number")
        return super().number_without_history(what)

    def detach(self) -> Tensor:
        tracer = getattr(current, "tracer", None)
        copy = np.array(self._data)[()]
        return tracer.leave(OPS[np.copy], copy, (self,), {}) if tracer else super().detach()

    def as_index(self) -> np.ndarray:
        tracer = getattr(current, "tracer", None)
        if isinstance(self._data, Abstract):
            raise NumbersNeeded
        if tracer and tracer.replay and self.dtype == bool:  # how many entries it picks is a shape
            self.read("the entries that are picked by")
        index = super().as_index().view(Index)
        index.tensor = self
        return index


@contextmanager
def watched(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Have Tensors from outside say, too, when their numbers are read."""
    kinds = [(tensor, type(tensor)) for tensor in tensors if not isinstance(tensor, Traced)]
    traced = {kind: type(kind.__name__, (Traced, kind), {"__slots__": ()}) for _, kind in kinds}
    for tensor, kind in kinds:
        tensor.__class__ = traced[kind]  # as Traced, but still a Parameter
    try:
        yield
    finally:
        for tensor, kind in kinds:
            tensor.__class__ = kind


class Index(np.ndarray):
    """An array to pick entries by that remembers the Tensor it comes from; of a copy of it, this need not be known."""

    tensor: Any = None

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if isinstance(self.tensor, Traced) and function not in (np.shape, np.ndim, np.size):
            self.tensor.read("the numbers")
        return super().__array_function__(function, types, args, options)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if isinstance(self.tensor, Traced) and method != "at":  # np.add.at(array, index, ...)
            self.tensor.read("the numbers")
        plain = [np.asarray(x) if isinstance(x, Index) else x for x in inputs]
        return getattr(ufunc, method)(*plain, **options)

    def copy(self, order: Any = "C") -> Any:
        return self


def trace(
    run: Callable[[], Any],
    inputs: Mapping[Tensor, str | None],
    code: Any = None,
    replay: bool = False,
    numbers: bool = True,
) -> tuple[Program, Tracer, bool]:
    """Run a function of the inputs, take the gradients of what it returns, and give all of it as one program.

    run     calls the function; it returns a Tensor, or a tuple or list of them
    inputs  leaves and their names; a gradient is taken by those that require one, and by such tensors from outside
    code    of the function whose variables name what it computes
    replay  whether the program is to be run in place of the function: what uniform() gives is an input of it, too, and
            hooks on Tensors from outside are left to the backward pass that it becomes a part of
    numbers whether to compute; without, only shapes and dtypes are found. Raises NumbersNeeded if that doesn't do

    The third result says whether the function returned a single Tensor.
    """
    with tracing(code, replay, numbers) as tracer:
        arguments = [tracer.input(tensor, name) for tensor, name in inputs.items()]
        returned = run()
        tracer.look_at_variables()
        tracer.frame = tracer.code = None
        if not replay:
            unlike(tracer, run, inputs)
        outputs = results(tracer, returned, replay)
        wanted = [x for x in tracer.values if x._requires_grad and (x in tracer.captured or not tracer.values[x].op)]
        flowing = {y: constant(np.ones_like(y._data)[()]) for y in outputs if y._requires_grad}
        seeds = [tracer.input(g) for g in flowing.values()]
        gradients: dict[Tensor, Tensor] = {}
        scope = modes.scope
        modes.record = tracer.record  # under no_grad(), too
        passing = backpropagate(
            list(flowing), list(flowing.values()), wanted,
            record=True, stop_at=tracer.captured, apply=modes.apply, hooks=not replay,
        )  # fmt: skip
        for node, g in ((node, g) for node, g, _ in passing):
            modes.scope = node.scope  # what is recorded next is the backward of this node
            gradients[node] = g
        modes.scope = scope
        for tensor, value in tracer.values.items():
            value.name = value.name or tensor.name or tracer.names.get(tensor)
        for origin, value in tracer.constants.values():
            value.name = getattr(origin, "name", None)
        program = Program(
            values=tracer.list,
            inputs=[*arguments, *tracer.captured.values(), *(draw.value for draw in tracer.draws)],
            seeds=seeds,
            outputs=[tracer.operand(y) for y in outputs],
            wanted=[tracer.values[x] for x in wanted],
            gradients={tracer.values[x]: tracer.operand(g) for x, g in gradients.items()},
        )
        if not replay:
            given = {tracer.values[y]: seed for y, seed in zip(flowing, seeds)}
            program.contributions = contributions(tracer, gradients, program, given)
    return program, tracer, isinstance(returned, Tensor)


def results(tracer: Tracer, returned: Any, constants: bool) -> list[Tensor]:
    """List the Tensors that a function has returned, each a node of its own; raise if they are none.

    constants  whether some may depend on no input
    """
    outputs = list(returned) if isinstance(returned, (tuple, list)) else [returned]
    for y in outputs or [returned]:
        if not isinstance(y, Tensor):
            kind = "None; does it lack a return?" if y is None else f"{'an empty ' * (not outputs)}{type(y).__name__}."
            raise TypeError(f"stage() takes a function that returns a Tensor, or a tuple of them; it returned {kind}")
        if y not in tracer.values and not constants:
            raise ValueError(
                f"{y.label} that the function returned was not computed from its arguments; was it made from .data?"
            )
    as_result = OPS[np.copy].call
    return [
        y if y in tracer.values and y not in outputs[:i] and tracer.values[y].op and not y.hooks else as_result(y)
        for i, y in enumerate(outputs)
    ]


def unlike(tracer: Tracer, run: Callable[[], Any], inputs: Mapping[Tensor, str | None]) -> None:
    """Run the function once more, and note what it computed with that was not the same: what it draws at random."""
    with tracing() as second:
        for tensor in inputs:
            second.input(tensor)
        run()
    first, again = ([x for x in t.list if x.constant] for t in (tracer, second))
    plain = [[[y for y in x.args if not isinstance(y, Value)] for x in t.list] for t in (tracer, second)]
    if len(tracer.list) != len(second.list) or len(first) != len(again):
        tracer.fixed["the way taken: running once more, the function computed something else"] = None
        return
    for x, y in zip(first, again):
        if not np.array_equal(x.data, y.data, equal_nan=x.dtype.kind == "f"):
            tracer.fixed[f"an array of shape {x.shape}: running once more, the function made another (at random?)"] = (
                None
            )
    if repr(plain[0]) != repr(plain[1]):
        tracer.fixed["a number: running once more, the function made another (at random?)"] = None


def contributions(
    tracer: Tracer, gradients: dict[Tensor, Tensor], program: Program, given: dict[Value, Value]
) -> list[Contribution]:
    """Take the sums that the backward pass made apart again: which op sent which term.

    The pass adds term by term, `(p + q) + r`, so a gradient of n terms is the result of n - 1 additions.
    """
    senders: dict[Value, list[Value | None]] = {of: [None] for of in given}
    for node in gradients:
        for parent in node.parents:
            if parent in gradients and not parent.hooks:
                senders.setdefault(tracer.values[parent], []).append(tracer.values[node])
    terms: dict[Value, list[Value]] = {}
    for of, through in senders.items():
        total, pieces = program.gradients[of], []
        for _ in through[1:]:
            total, piece = total.args
            pieces.append(piece)
        terms[of] = [total, *reversed(pieces)]
    found = [Contribution(None, of, terms[of].pop(0)) for of in given if terms[of]]
    for node in gradients:
        sender = tracer.values[node]
        if node.hooks:
            found.append(Contribution(None, sender, program.gradients[sender]))
        for parent in node.parents:
            if parent in gradients and not parent.hooks:
                of = tracer.values[parent]
                found.append(Contribution(sender, of, terms[of].pop(0)))
    return found
