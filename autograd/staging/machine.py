"""The source that runs a plan, and the memory that it runs in."""

import itertools
import linecache
import re
import weakref
from bisect import bisect
from typing import Any

import numpy as np

from .buffers import Plan, address, memory
from .instructions import Call, place_of
from .rolling import GAP, Statement, rolled

serial = itertools.count(1)
Place = tuple[int, int, tuple[int, ...], tuple[int, ...], np.dtype]  # buffer, offset, shape, strides, dtype


class Machine:
    """A plan as source: functions forward() and backward(), which run on the arrays a1, a2 ... of a `Workspace`.

    objects  what else the source names: functions, constant arrays
    places   where in the buffers each array lies
    tables   what its loops run over: rows of names of arrays
    inputs, seeds, outputs, gradients  their arrays' names, or constants
    """

    def __init__(self, plan: Plan, title: str):
        self.sizes = [buffer.nbytes for buffer in plan.buffers]
        order = sorted((address(buffer), i) for i, buffer in enumerate(plan.buffers))
        self.starts, self.numbers = [start for start, _ in order], [i for _, i in order]
        self.objects: dict[str, Any] = {}
        self.places: dict[str, Place] = {}
        self.names: dict[Any, str] = {}  # by place; by id of what `objects` keeps alive
        self.tables: dict[str, list[tuple[str, ...]]] = {}
        self.gaps: list[str] = []
        lines: list[str] = []
        for name, calls in ("forward", plan.forward), ("backward", plan.backward):
            body, tables = rolled([self.statement(call) for call in calls], name)
            lines += [f"def {name}():", *(f"    {line}" for line in body), "    return", ""]
            self.tables |= tables
        self.source = "\n".join(lines)
        self.inputs, self.seeds = list(map(self.name, plan.inputs)), list(map(self.name, plan.seeds))
        self.outputs, self.gradients = list(map(self.name, plan.outputs)), list(map(self.name, plan.gradients))
        file = f"<compiled {title} {next(serial)}>"
        self.code = compile(self.source, file, "exec")
        linecache.cache[file] = len(self.source), None, self.source.splitlines(keepends=True), file
        weakref.finalize(self, linecache.cache.pop, file, None)
        self.idle: list[Workspace] = []
        del self.names  # several megabytes, of use only while the source is written

    def statement(self, call: Call) -> Statement:
        self.gaps = []
        pattern = self.text(call)
        return Statement(pattern, tuple(self.gaps))

    def text(self, x: Any) -> str:
        """Write a call, or an argument of one; for an array a gap, its name goes to `gaps`."""
        if isinstance(x, Call):
            written = [self.number(arg, x) if type(arg) in (int, float) else self.text(arg) for arg in x.args]
            written += [f"{key}={self.text(option)}" for key, option in x.options.items()]
            return f"{self.object(x.function)}({', '.join(written)})"
        if isinstance(x, np.ndarray):
            self.gaps.append(self.name(x))
            return GAP
        if type(x) in (tuple, list):
            inner = ", ".join(map(self.text, x))
            return f"[{inner}]" if type(x) is list else f"({inner},)" if x else "()"
        if x is None or x is Ellipsis or type(x) in (int, bool, str) or type(x) is float and x - x == 0:
            return "..." if x is Ellipsis else repr(x)
        if type(x) is slice:
            return f"slice({', '.join(map(self.text, (x.start, x.stop, x.step)))})"
        return self.object(x)

    def number(self, x: float, call: Call) -> str:
        """Write a number among a ufunc's arguments: as an array without axes, whose type NumPy need not find out."""
        dtypes = {arg.dtype for arg in call.args if isinstance(arg, np.ndarray)}
        dtype = dtypes.pop() if len(dtypes) == 1 else np.dtype(object)
        ufunc = call.function
        if not isinstance(ufunc, np.ufunc) or dtype not in (np.float32, np.float64):
            return self.text(x)
        if f"{dtype.char * ufunc.nin}->{dtype.char}" not in ufunc.types:  # such as ldexp
            return self.text(x)
        name = f"{dtype}_{x!r}".translate(str.maketrans(".-+", "_mp"))
        self.objects.setdefault(name, np.array(x, dtype))
        return name

    def name(self, x: Any) -> str:
        """Name an array of the plan or a constant."""
        if not isinstance(x, np.ndarray):
            return self.object(x)
        at = bisect(self.starts, address(x)) - 1
        offset = address(x) - self.starts[at] if at >= 0 else 0
        if at < 0 or offset >= self.sizes[self.numbers[at]]:
            return self.object(x)
        name = self.names.setdefault(place_of(x), f"a{len(self.places) + 1}")
        self.places[name] = self.numbers[at], offset, x.shape, x.strides, x.dtype
        return name

    def object(self, x: Any) -> str:
        known = self.names.get(id(x))
        if known is None:
            owner = getattr(x, "__self__", None)
            name = getattr(x, "__name__", type(x).__name__)
            name = f"{owner.__name__}_{name}" if isinstance(owner, np.ufunc) else name
            name = re.sub(r"\W|^(?=\d|[ax]\d+$|forward|backward|float\d)", "_", name)
            same = [name, *(f"{name}_{i}" for i in range(2, len(self.objects) + 3))]
            known = self.names[id(x)] = next(other for other in same if other not in self.objects)
            self.objects[known] = x
        return known

    def take(self) -> "Workspace":
        """Give a workspace that nobody uses. Give it back with `idle.append`."""
        try:
            return self.idle.pop()
        except IndexError:
            return Workspace(self)


class Workspace:
    """Memory to run a machine in; one call at a time."""

    def __init__(self, machine: Machine):
        buffers = [memory(size) for size in machine.sizes]
        names: dict[str, Any] = dict(machine.objects)
        for name, (number, offset, shape, strides, dtype) in machine.places.items():
            names[name] = np.ndarray(shape, dtype, buffers[number], offset, strides)
        for table, rows in machine.tables.items():
            names[table] = [tuple(names[name] for name in row) for row in rows]
        exec(machine.code, names)
        self.forward, self.backward = names["forward"], names["backward"]
        self.inputs, self.seeds = ([names[name] for name in of] for of in (machine.inputs, machine.seeds))
        self.outputs, self.gradients = ([names[name] for name in of] for of in (machine.outputs, machine.gradients))
