"""Fusing elementwise calls that stand in a row into one call of a kernel, which Numba compiles.

NumPy goes through memory once for each op. A kernel goes through the rows of all arrays at once, so that a row stays in
the nearest cache, and values that only the next op reads stay in registers. It works on the finished plan: a run of
calls is fused if each touches in row i only what belongs to row i, whatever shares memory with what.
"""

import importlib
import itertools
import math
from bisect import bisect
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from . import vectorized
from .buffers import Plan, address
from .instructions import Call
from .program import Program, Value, readers

SHORTEST = 8  # entries of a row that make a loop worth it
CALL, ENTRY, DISPATCH = 4e-7, 1e-10, 4e-8  # seconds: NumPy's for a call, and for an entry; a kernel's for an argument
WORTH = 1e-4  # seconds of a step that a kernel has to save
MOST = 8  # kernels of a plan, for each of which Numba takes about half a second
LONGEST = 60  # statements of a run
SOURCES = 6  # arrays that one loop reads; LLVM compares their addresses first, and gives up where there are many

FORMULAS: dict[Any, str] = {
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.divide: "{} / {}",
    np.negative: "-{}",
    np.positive: "{}",
    np.square: "{0} * {0}",
    np.reciprocal: "F(1) / {}",
    np.sqrt: "np.sqrt({})",
    np.absolute: "abs({})",
    np.maximum: "{0} if {0} >= {1} or {0} != {0} else {1}",  # not a number, if one of them is not
    np.minimum: "{0} if {0} <= {1} or {0} != {0} else {1}",
    np.tanh: "tanh({})",
    np.exp: "exp({})",
    np.copyto: "{}",
}


@cache
def numba() -> Any:
    """Import Numba, not before it is needed: that takes half a second. None if it is missing or doesn't fit NumPy."""
    try:
        return importlib.import_module("numba")
    except ImportError:
        return None


class Lane(NamedTuple):
    """An array as rows: row i begins i * step entries behind `start` and holds `width` entries, or one for all."""

    start: int
    step: int
    width: int
    buffer: int  # its number; -1 for a constant


class Statement(NamedTuple):
    """A value computed row by row: each entry from those of the operands, lanes and numbers, at that place."""

    value: Value
    function: Any
    operands: tuple[Any, ...]
    out: Lane


@dataclass
class Run:
    """Statements on as many rows, of calls `start` to `end`, that can be computed a row at a time."""

    rows: int
    dtype: np.dtype
    start: int
    statements: list[Statement] = field(default_factory=list)
    lanes: dict[int, dict[Lane, bool]] = field(default_factory=lambda: defaultdict(dict))  # by buffer; is it written?

    @property
    def end(self) -> int:
        return self.start + len(self.statements)

    def add(self, statement: Statement) -> bool:
        """Take a statement in, if what it touches in one row is touched in no other; tell whether it is."""
        out, size = statement.out, self.dtype.itemsize
        read = [x for x in statement.operands if isinstance(x, Lane) and x.buffer >= 0]
        there = [x for x in self.lanes[out.buffer] if x != out] + [x for x in read if x.buffer == out.buffer]
        fits = len(self.statements) < LONGEST and all(apart(x, out, self.rows, size) for x in there)
        fits = fits and not any(x != out and overlap(x, out, size) for x in read)
        for x in read:
            written = [y for y, is_written in self.lanes[x.buffer].items() if is_written and x != y]
            fits = fits and all(apart(x, y, self.rows, size) for y in written)
        if fits:
            for x in read:
                self.lanes[x.buffer].setdefault(x, False)
            self.lanes[out.buffer][out] = True
            self.statements.append(statement)
        return fits


def overlap(x: Lane, y: Lane, size: int) -> bool:
    """Tell whether two lanes share memory in a row."""
    return x.buffer == y.buffer and x.start < y.start + y.width * size and y.start < x.start + x.width * size


def apart(x: Lane, y: Lane, rows: int, size: int) -> bool:
    """Tell whether no row of one lane shares memory with another row of the other."""
    ends = [lane.start + ((rows - 1) * lane.step + lane.width) * size for lane in (x, y)]
    if rows == 1 or ends[0] <= y.start or ends[1] <= x.start:
        return True
    distance = (y.start - x.start) // size
    return x.step == y.step and x.width - distance <= x.step and distance + y.width <= x.step


class Reader:
    """Reads calls as statements on rows, and gives the arrays of these."""

    def __init__(self, plan: Plan):
        self.buffers = plan.buffers
        spans = sorted((address(buffer), i) for i, buffer in enumerate(plan.buffers))
        self.starts, self.numbers = [start for start, _ in spans], [i for _, i in spans]
        self.constants: dict[Lane, np.ndarray] = {}
        self.arrays: dict[Any, np.ndarray] = {}

    def lane(self, x: np.ndarray, shape: tuple[int, ...]) -> Lane | None:
        """Read an array, broadcast to a shape, as rows; None if these are not at equal distances."""
        *steps, inner = [step // x.itemsize for step in np.broadcast_to(x, shape).strides]
        outer = [(n, step) for n, step in zip(shape, steps) if n > 1]
        even = all(step == n * next_step for (_, step), (n, next_step) in zip(outer, outer[1:]))
        if inner not in (0, 1) or not even or outer and outer[-1][1] < 0:
            return None
        at = bisect(self.starts, address(x)) - 1
        inside = at >= 0 and address(x) < self.starts[at] + self.buffers[self.numbers[at]].nbytes
        number = self.numbers[at] if inside else -1
        lane = Lane(address(x), outer[-1][1] if outer else 0, shape[-1] if inner else 1, number)
        if number < 0:
            self.constants[lane] = x
        return lane

    def statement(self, call: Call) -> Statement | None:
        """Read a call; None for one that doesn't go entry by entry, of one type of floating-point numbers."""
        if call.function not in FORMULAS or call.value is None:
            return None
        if call.function is np.copyto:
            out, *args = call.args
        else:
            *args, out = call.args if "out" not in call.options else (*call.args, call.options["out"])
        if out.dtype not in (np.float32, np.float64) or out.ndim == 0 or out.shape[-1] < SHORTEST or not out.size:
            return None
        lane = self.lane(out, out.shape)
        operands: list[Any] = []
        for x in args:
            if isinstance(x, np.ndarray) and x.dtype == out.dtype and x.ndim <= out.ndim and x.flags.behaved:
                operands.append(self.lane(x, out.shape))
            elif type(x) in (int, float) or isinstance(x, np.generic) and x.dtype == out.dtype:
                operands.append(float(x) if math.isfinite(x) else None)
            else:
                operands.append(None)
        if lane is None or None in operands:
            return None
        return Statement(call.value, call.function, tuple(operands), lane)

    def array(self, lane: Lane, rows: int, dtype: np.dtype) -> np.ndarray:
        """Give the memory of a lane as a flat array that begins with its first row."""
        length = (rows - 1) * lane.step + lane.width
        key = lane, length, dtype
        if key not in self.arrays:
            if lane.buffer < 0:
                found = np.lib.stride_tricks.as_strided(self.constants[lane], (length,), (dtype.itemsize,))
            else:
                buffer = self.buffers[lane.buffer]
                found = np.ndarray((length,), dtype, buffer, lane.start - address(buffer))
            self.arrays[key] = found
        return self.arrays[key]


def runs(calls: list[Call], reader: Reader) -> list[Run]:
    """Find the runs among calls."""
    found: list[Run] = []
    for i, call in enumerate(calls):
        statement = reader.statement(call)
        if statement:
            out: np.ndarray = call.args[0] if call.function is np.copyto else call.options.get("out", call.args[-1])
            rows = out.size // out.shape[-1]
            last = found[-1] if found and found[-1].end == i else None
            if not last or (last.rows, last.dtype) != (rows, out.dtype) or not last.add(statement):
                found.append(Run(rows, out.dtype, i))
                if not found[-1].add(statement):
                    found.pop()
    return [run for run in found if len(run.statements) > 1]


# ---- loops ----


@dataclass
class Loop:
    """What is computed for each entry of a row of `out`: statements, of which the last is kept in memory."""

    out: Lane
    body: list[Statement]
    inside: set[Value] = field(default_factory=set)  # values that are only there for the time of an entry

    def sources(self) -> set[Lane]:
        """Collect the lanes that are read."""
        pairs = [(x, y) for s in self.body for x, y in zip(s.value.args, s.operands)]
        return {y for x, y in pairs if isinstance(y, Lane) and x not in self.inside}


def loops(run: Run, used: dict[Value, list[Value]], results: set[Value]) -> list[Loop]:
    """Make loops: a value that one other statement reads, and nothing else, is computed in the loop of that one."""
    made = [Loop(s.out, [s]) for s in run.statements]
    where = {s.value: i for i, s in enumerate(run.statements)}
    size = run.dtype.itemsize
    gone: set[int] = set()
    for j, s in enumerate(run.statements):
        for x in dict.fromkeys(s.value.operands):
            k = where.get(x)
            if k is None or x in results or any(y is not s.value for y in used[x]):
                continue
            both = Loop(s.out, made[k].body + made[j].body, made[k].inside | made[j].inside | {x})
            sources = both.sources()
            between = [made[i].out for i in range(k + 1, j) if i not in gone]
            moved = any(overlap(y, z, size) for y in made[k].sources() for z in between)
            blocked = any(y != s.out and overlap(y, s.out, size) for y in sources)
            if made[k].out.width == s.out.width and len(sources) <= SOURCES and not moved and not blocked:
                made[j] = both
                gone.add(k)
    return [loop for i, loop in enumerate(made) if i not in gone]


def source(run: Run, found: list[Loop]) -> tuple[str, list[Lane], list[int]]:
    """Write a kernel; give the lanes and the widths it is called with, too."""
    lanes: dict[Lane, str] = {}
    widths: dict[int, str] = {}
    lines: list[str] = []
    for loop in found:
        local: dict[Value, str] = {}
        before: list[str] = []
        body: list[str] = []
        for s in loop.body:
            terms = []
            for x, operand in zip(s.value.args, s.operands):
                if x in local:
                    terms.append(local[x])
                elif isinstance(operand, Lane):
                    name = lanes.setdefault(operand, str(len(lanes) + 1))
                    if operand.width > 1:
                        terms.append(f"a{name}[U(o{name} + j)]")
                    else:
                        terms.append(f"v{name}")
                        before.append(f"        v{name} = a{name}[i * s{name}]")
                else:
                    terms.append(f"F({operand!r})")
            formula = FORMULAS[s.function].format(*terms)
            if s.value in loop.inside:
                local[s.value] = f"t{len(local) + 1}"
                body.append(f"            {local[s.value]} = {formula}")
            else:
                name = lanes.setdefault(s.out, str(len(lanes) + 1))
                body.append(f"            a{name}[U(o{name} + j)] = {formula}")
        width = widths.setdefault(loop.out.width, f"w{len(widths) + 1}")
        lines += [*dict.fromkeys(before), f"        for j in range({width}):", *body]
    rows = [f"        o{name} = i * s{name}" for lane, name in lanes.items() if lane.width > 1]
    names = [f"a{name}, s{name}" for name in lanes.values()]
    head = f"def kernel(rows, {', '.join([*names, *widths.values()])}):"
    return "\n".join([head, "    for i in rows:", *rows, *lines]), list(lanes), list(widths)


@cache
def kernel(text: str, dtype: str, lanes: int, widths: int) -> Any:
    """Compile a kernel of so many lanes and widths. Its functions come from `vectorized`."""
    jit = numba().njit(error_model="numpy", nogil=True)
    space: dict[str, Any] = {**vars(vectorized), "F": np.dtype(dtype).type, "U": np.uint64}
    for name, function in vectorized.FUNCTIONS[dtype].items():
        space[name] = jit(FunctionType(function.__code__, space))
    exec(text, space)
    types = ["int64[::1]", *[f"{dtype}[::1]", "int64"] * lanes, *["int64"] * widths]
    signature = f"void({', '.join(types)})"
    return numba().njit(signature, error_model="numpy", nogil=True)(space["kernel"])


@cache
def count(rows: int) -> np.ndarray:
    return np.arange(rows)


def fuse(plan: Plan, program: Program) -> Plan:
    """Replace the runs of calls that are worth it by calls of kernels."""
    reader, used, results = Reader(plan), readers(program), set(program.results)
    groups: dict[Any, list[tuple[list[Any], Run, tuple[Any, ...]]]] = defaultdict(list)
    saved: dict[Any, float] = defaultdict(float)
    parts: list[list[Any]] = [[*plan.forward], [*plan.backward]]
    for calls in parts:
        for run in runs(calls, reader):
            text, lanes, widths = source(run, loops(run, used, results))
            key = text, run.dtype.name, len(lanes), len(widths)
            pairs = [x for lane in lanes for x in (reader.array(lane, run.rows, run.dtype), lane.step)]
            groups[key].append((calls, run, (count(run.rows), *pairs, *widths)))
            saved[key] -= DISPATCH * (len(pairs) + len(widths))
            saved[key] += sum(CALL + ENTRY * run.rows * s.out.width for s in run.statements)
    costly = sorted((key for key in groups if saved[key] > WORTH), key=saved.__getitem__, reverse=True)[:MOST]
    for key in costly:
        for calls, run, args in groups[key]:
            calls[run.start : run.end] = [Call(kernel(*key), args), *itertools.repeat(None, len(run.statements) - 1)]
    forward, backward = ([call for call in calls if call] for calls in parts)
    return replace(plan, forward=forward, backward=backward)
