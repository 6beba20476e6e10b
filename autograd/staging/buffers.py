"""Planning where every value of a program lives: in buffers that are used again once their last reader has run.

A value's place is a view of a buffer. A slice or a transposed matrix is a view of its argument's place. A part of a
concatenation is computed straight into its slice of the whole (its home), so that concatenating costs nothing. Values
that share memory in one of these ways have one root, the value whose array they are views of; roots get the buffers.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .instructions import VIEWS, Call, instructions, is_elementwise, is_same, slots, view
from .program import Program, Value, keep, transform

ALIGNMENT = 64  # bytes: what a processor reads at once begins at a multiple of it


@dataclass
class Plan:
    """What to run, on which memory. An output or a gradient may be a constant array.

    buffers   the memory; whoever runs the plan at the same time needs other
    forward   the calls that compute the outputs from the inputs
    backward  the calls that compute the gradients after that, from the seeds
    """

    buffers: list[np.ndarray] = field(default_factory=list)
    forward: list[Call] = field(default_factory=list)
    backward: list[Call] = field(default_factory=list)
    inputs: list[np.ndarray] = field(default_factory=list)
    seeds: list[np.ndarray] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    gradients: list[Any] = field(default_factory=list)


def plan(program: Program) -> Plan:
    """Give every value of a program a place in a buffer, and list the calls that compute it there."""
    return Planner(program).run()


class Planner:
    """Plans a program.

    layout  what a value's place looks like: a view of `scratch`, which stands for the buffer of its root
    root    the value in whose buffer it lives
    homed   values that are computed into a concatenation's memory
    last    the position, among `order`, of the last reader of a root or of a view of it
    """

    def __init__(self, program: Program):
        self.program = program
        forward = keep(program, program.outputs)
        earlier = set(forward)
        backward = [value for value in keep(program, program.results) if value not in earlier]
        self.order = [value for value in forward + backward if value.op]
        self.split = sum(value.op is not None for value in forward)
        every = [*program.inputs, *program.seeds, *self.order]
        self.scratch = memory(max((value.data.nbytes for value in every), default=0))
        self.layout: dict[Value, np.ndarray] = {}
        self.root: dict[Value, Value] = {}
        self.homed: set[Value] = set()
        self.last: dict[Value, float] = {}
        self.place: dict[Value, np.ndarray] = {}
        self.buffer: dict[Value, np.ndarray] = {}
        self.free: dict[int, list[np.ndarray]] = {}
        self.plan = Plan()
        self.find_homes()
        for value in every:
            self.lay_out(value)
        self.find_last_readers()

    # ---- who shares memory with whom ----

    def find_homes(self) -> None:
        """Have each part of a concatenation computed into its slice; the last concatenation first, since they nest."""
        for whole in reversed(self.order):
            if whole.function not in (np.concatenate, np.stack):
                continue
            if whole not in self.layout:
                self.layout[whole], self.root[whole] = self.fresh(whole), whole
            for part, slot in zip(whole.args, slots(whole, self.layout[whole])):
                while isinstance(part, Value) and part.function in (np.reshape, np.expand_dims, np.transpose):
                    x = part.args[0]
                    if part.function is np.transpose:
                        if not is_elementwise(x):  # a product is computed in rows
                            break
                        axes = part.options.get("axes") or range(x.ndim)[::-1]
                        part, slot = x, np.transpose(slot, np.argsort(np.mod(axes, x.ndim)))
                        continue
                    try:
                        part, slot = x, np.reshape(slot, x.shape, copy=False)
                    except ValueError:
                        break
                computed = isinstance(part, Value) and part.op and part.function not in VIEWS
                if computed and part.dtype == whole.dtype and part not in self.layout:  # it may stand here twice
                    self.layout[part], self.root[part] = slot, self.root[whole]
                    self.homed.add(part)

    def lay_out(self, value: Value) -> None:
        if value in self.layout:
            return
        x = value.args[0] if value.args else None
        if isinstance(x, Value) and not x.constant:
            seen = view(value, [self.layout[x]], transform_options(value, lambda y: y.data))
            if seen is not None:
                self.layout[value], self.root[value] = seen, self.root[x]
                return
        self.layout[value], self.root[value] = self.fresh(value), value

    def fresh(self, value: Value) -> np.ndarray:
        return np.ndarray(value.shape, value.dtype, self.scratch)

    def is_computed(self, value: Value) -> bool:
        return self.root[value] is value or value in self.homed

    # ---- how long memory is needed ----

    def find_last_readers(self) -> None:
        for i, value in enumerate(self.order):
            if self.is_computed(value):
                self.last.update((self.root[x], i) for x in value.operands if not x.constant)
        for end, results in (self.split - 0.5, self.program.outputs), (len(self.order), self.program.results):
            for x in results:
                if not x.constant:
                    self.last[self.root[x]] = max(end, self.last.get(self.root[x], -1))

    # ---- places ----

    def run(self) -> Plan:
        """Go through the program once: take a buffer where a root begins, give it back after its last reader."""
        plan, ending = self.plan, self.by_end()
        plan.inputs = [self.put(x) for x in self.program.inputs]
        for i, value in enumerate(self.order):
            for root in [root for end in (i - 1, i - 0.5) for root in ending.pop(end, ())]:
                self.give_back(root)
            if i == self.split:
                plan.seeds = [self.put(x) for x in self.program.seeds]
            if self.is_computed(value) and self.root[value] not in self.buffer:
                self.take_over(value, i)
            out = self.put(value)
            if self.is_computed(value):
                args = [self.known(x) for x in value.args]
                calls = instructions(value, out, args, transform_options(value, self.known))
                (plan.forward if i < self.split else plan.backward).extend(calls)
        if self.split == len(self.order):
            plan.seeds = [self.put(x) for x in self.program.seeds]
        plan.outputs = [self.known(x) for x in self.program.outputs]
        plan.gradients = [self.known(x) for x in self.program.results[len(plan.outputs) :]]
        return plan

    def by_end(self) -> dict[float, list[Value]]:
        found: dict[float, list[Value]] = {}
        for root, end in self.last.items():
            found.setdefault(end, []).append(root)
        return found

    def known(self, x: Any) -> Any:
        if not isinstance(x, Value):
            return x
        return x.data if x.constant else self.place[x]

    def put(self, value: Value) -> np.ndarray:
        """Give a value its place: what its layout says, in the buffer of its root."""
        root, layout = self.root[value], self.layout[value]
        if root not in self.buffer:
            self.buffer[root] = self.take(root.data.nbytes)
        offset = address(layout) - address(self.scratch)
        place = np.ndarray(layout.shape, layout.dtype, self.buffer[root], offset, layout.strides)
        self.place[value] = place
        return place

    def take(self, size: int) -> np.ndarray:
        size = -(-max(size, 1) // ALIGNMENT) * ALIGNMENT
        known = self.free.get(size)
        if known:
            return known.pop()
        self.plan.buffers.append(memory(size))
        return self.plan.buffers[-1]

    def give_back(self, root: Value) -> None:
        if root in self.buffer:  # else another value has taken it over
            buffer = self.buffer[root]
            self.free.setdefault(buffer.nbytes, []).append(buffer)

    def take_over(self, value: Value, i: int) -> None:
        """Compute a value in place of an argument that is read here for the last time, if both are contiguous."""
        if not is_elementwise(value) or self.root[value] is not value:
            return
        for x in value.operands:
            if x.constant or x.shape != value.shape or x.dtype != value.dtype or self.last[self.root[x]] != i:
                continue
            whole = self.layout[x]
            others = [y for y in value.operands if not y.constant and self.root[y] is self.root[x]]
            if is_same(whole, self.fresh(self.root[x])) and all(is_same(whole, self.layout[y]) for y in others):
                self.buffer[value] = self.buffer.pop(self.root[x])
                return


def transform_options(value: Value, change: Any) -> dict[str, Any]:
    return {name: transform(option, change) for name, option in value.options.items()}


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def memory(size: int) -> np.ndarray:
    """Reserve bytes that begin at a multiple of `ALIGNMENT`; untouched, they cost nothing."""
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -address(raw) % ALIGNMENT
    return raw[start : start + size]
