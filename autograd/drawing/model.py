"""What a picture holds: nodes, edges, frames, notes; text, numbers and small arrays, and nothing of Graphviz."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .number import PLAIN, SUPERSCRIPT, number

MAX_ROWS, MAX_COLUMNS, CUT_COLUMNS = 4, 16, 8  # an array with more columns than fit is cut to a few
MAX_ENTRIES = 1024  # an array with no more is kept whole

# of an edge: a use by an op; in the mirror image of a backward pass, from gradient to gradient, and from a saved value
FORWARD, CHAIN, SAVED = "forward", "chain", "saved"


class Quantity:
    """An array as a picture shows it: a number, or a small map of its entries, and a line about the rest.

    digits  significant digits of a number; statistics of an array have one less
    """

    def __init__(self, array: Any, digits: int = 4):
        array = np.asarray(array)
        self.shape, self.dtype, self.digits = array.shape, array.dtype.name, digits
        self.entries = np.array(array) if array.size <= MAX_ENTRIES else None
        self.scalar = float(array.reshape(())) if array.size == 1 else None
        as_float = array.astype(float)
        finite = np.isfinite(as_float)
        self.size, self.bad = array.size, int(array.size - np.count_nonzero(finite))
        inner = as_float[finite]
        self.least, self.most = (float(inner.min()), float(inner.max())) if inner.size else (0.0, 0.0)
        self.largest = max(abs(self.least), abs(self.most))
        scaled = as_float / (self.largest or 1)  # the norm of huge entries must not overflow
        self.norm = float(np.linalg.norm(np.where(finite, scaled, 0))) * self.largest
        self.same = float(as_float.flat[0]) if array.size and np.all(as_float == as_float.flat[0]) else None
        rows = as_float.reshape((-1, array.shape[-1]) if array.ndim else (1, 1)) if array.size else np.zeros((0, 0))
        columns = rows.shape[1] if rows.shape[1] <= MAX_COLUMNS else CUT_COLUMNS
        self.rows = rows[:MAX_ROWS, :columns].tolist()
        self.clipped = rows.size > rows[:MAX_ROWS, :columns].size
        with np.errstate(all="ignore"):
            self.mean, self.deviation = (float(as_float.mean()), float(as_float.std())) if array.size else (0.0, 0.0)

    def number(self, x: Any, fewer: int = 0) -> str:
        """Write a number that says something about the array, in its digits or in fewer."""
        return number(x, self.digits - fewer)

    @property
    def summary(self) -> str:
        if self.bad:
            return f"⚠ {self.bad} of {self.size} NaN/∞"
        if self.scalar is not None:
            return self.number(self.scalar)
        return f"{self.number(self.mean, 1)} ± {self.number(self.deviation, 1)}" if self.size else "empty"

    @property
    def length(self) -> str:
        """The gradient in short: its value, or its norm."""
        if self.scalar is not None:
            return self.number(self.scalar)
        return self.summary if self.bad else f"‖{self.number(self.norm, 1)}‖"

    @property
    def alarm(self) -> str:
        """A word about a gradient that ought to be noticed."""
        if self.bad:
            return "NaN/∞"
        if self.largest == 0:
            return "zero"
        return "vanishing" if self.largest < 1e-6 else "exploding" if self.largest > 1e3 else ""


@dataclass(eq=False, repr=False)  # a repr would write out the whole graph, many times over
class Node:
    """A Tensor in the picture, or a constant array that an op was given."""

    label: str  # its name, or v1, v2, ... in the order of the forward pass
    named: bool
    value: Quantity
    role: str = "activation"  # or parameter, input, constant, result; gradient, of a recorded backward pass
    symbol: str = ""  # of the op, alone
    gate: str = ""  # the op with its constants: "+ 1", "1/( )"
    expression: str = ""  # the op with its operands
    short: str = ""  # what stands for it where v1, v2, ... are not shown
    gradient: Quantity | None = None
    sum: str = ""  # the gradient as the sum of its contributions
    working: str = ""  # of a gradient that is a value here: how its number comes about
    single: bool = False  # only the value is shown: a gradient of it is not asked for yet
    flows: bool = True  # whether a gradient flows here
    place: "Frame | None" = None
    of: "Node | None" = None  # of a box in the mirror image of a backward pass: the forward node
    incoming: "list[Edge]" = field(default_factory=list)
    outgoing: "list[Edge]" = field(default_factory=list)
    alias: bool = False  # drawn as a chip at every use

    @property
    def step(self) -> "Frame | None":
        """The time step that it stands in."""
        return self.place.column if self.place else None

    @property
    def bad(self) -> bool:
        """Whether there is a NaN or an infinity in its value or its gradient."""
        return bool(self.value.bad or (self.gradient and self.gradient.bad))

    @property
    def listed(self) -> bool:
        """Whether it stands among the shared weights, not in the graph."""
        return self.alias and (not self.expression or (self.of is not None and self.single))

    def name(self, dense: bool) -> str:
        """Give what it is called; in dense pictures v1, v2, ... are shown only where an alias refers to them."""
        return self.short if dense and not self.named and not self.alias and self.short else self.label


@dataclass(eq=False, repr=False)
class Edge:
    """One use of a value by an op."""

    source: Node
    target: Node
    flows: bool
    formula: str = ""  # of the local gradient, with v1, v2, ...
    dense_formula: str = ""  # the same where unnamed values are shown by their op
    mentions: list[Node] = field(default_factory=list)  # whose labels stand in the formula
    local: Quantity | None = None  # of an elementwise op: the derivative
    linear: bool = False
    sent: Quantity | None = None  # the contribution
    piece: Any = None  # its array, for as long as a picture is being made
    chain: str = ""  # of scalars: upstream × local = contribution
    kind: str = FORWARD
    part: Quantity | None = None  # in a backward pass: what it adds to the value of the target

    @property
    def fraction(self) -> str:
        return fraction(self.target.label, self.source.label)

    def local_text(self) -> str:
        """The local gradient in one line: formula and number."""
        if self.linear or self.local is None:
            return self.formula or "linear"
        fact = self.local.summary if self.local.same is None else self.local.number(self.local.same)
        return f"{self.formula} = {fact}" if self.formula not in ("", fact) else fact


@dataclass(eq=False, repr=False)
class Frame:
    """A scope in the picture."""

    label: str
    parent: "Frame | None"
    depth: int
    order: int
    column: "Frame | None" = None  # the time step that it is, or lies in
    step: int = 0  # of a time step: its number in the sequence, from 0
    sequence: int = 0  # of a time step: which sequence

    @property
    def path(self) -> tuple[str, ...]:
        return (*self.parent.path, self.label) if self.parent else (self.label,)


@dataclass(eq=False, repr=False)
class Row:
    """A value that leaves a fold; of a folded loop, what every step hands out, the last standing for all."""

    nodes: list[Node]
    part: str = ""  # the frame inside the fold that it comes from, where another value has the same name
    lengths: list[float] = field(default_factory=list)  # in a folded loop: the gradient's norm in each of its steps

    @property
    def node(self) -> Node:
        return self.nodes[-1]


@dataclass(eq=False, repr=False)
class Fold:
    """Frames drawn as one box: a gate, a time step, or the steps in the middle of a loop."""

    label: str
    frames: list[Frame]
    ops: int
    rows: list[Row]
    shared: list[Node]  # the weights, and other aliases, that it uses

    @property
    def place(self) -> Frame | None:
        return self.frames[0].parent

    @property
    def step(self) -> Frame | None:
        """The time step that it stands in; of several, the first."""
        return self.frames[0].column


@dataclass(eq=False, repr=False)
class Bundle:
    """All uses of one value inside a fold."""

    source: Node
    target: Fold
    flows: bool
    sent: Quantity | None = None  # the sum of the contributions
    kind: str = FORWARD


def ends(edge: Edge | Bundle) -> "tuple[Node | Fold, Node | Fold]":
    """Give where an edge begins and ends in the layout, in which a backward pass lies as its forward pass does."""
    return (edge.target, edge.source) if edge.kind == CHAIN else (edge.source, edge.target)


@dataclass(eq=False, repr=False)
class Picture:
    output: Node
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge | Bundle] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    sequences: list[list[Frame]] = field(default_factory=list)
    folds: list[Fold] = field(default_factory=list)
    hidden: str = ""  # a sentence: what is folded, and how to open it
    notes: list[str] = field(default_factory=list)
    passes: int = 0  # recorded backward passes

    @property
    def scalar(self) -> bool:
        shown = [*self.nodes, *(row.node for fold in self.folds for row in fold.rows)]
        return all(node.value.scalar is not None for node in shown)

    @property
    def weights(self) -> list[Node]:
        """The values that a panel shows, since they stand only as aliases where they are used."""
        return [node for node in self.nodes if node.alias and not node.expression and node.flows]

    @property
    def title(self) -> str:
        ops = sum(bool(node.expression) for node in self.nodes)
        leaves = len(self.nodes) - ops
        counts = f"{ops} op{'s' * (ops != 1)}, {'1 leaf' if leaves == 1 else f'{leaves} leaves'}"
        return f"Computation graph of {self.output.label}: {counts}"


def fraction(of: str, by: str) -> str:
    """Write a derivative: `∂f/∂x`, `∂(∂f/∂x)/∂q`."""
    return "/".join(f"∂({label})" if "/" in label else f"∂{label}" for label in (of, by))


def derivative(of: str, by: str) -> str:
    """Name a gradient, which may be that of a gradient: `∂f/∂x`, `∂²f/∂y∂x`, `∂³f/∂x³`."""
    match = re.fullmatch(r"∂([⁰¹²³⁴-⁹]*)([^∂/]+)/((?:∂[^∂/]+)+)", of)
    if match is None or not set(by).isdisjoint("∂/"):
        return fraction(of, by)
    order = int(match[1].translate(PLAIN) or 1) + 1
    alike = match[3] in (f"∂{by}", f"∂{by}{match[1]}")
    below = f"∂{by}{number(order).translate(SUPERSCRIPT)}" if alike else f"∂{by}{match[3]}"
    return f"∂{number(order).translate(SUPERSCRIPT)}{match[2]}/{below}"


def visible(name: str) -> str:
    """Give a name without what can't be printed or would turn the text around it, and not too long."""
    name = "".join(" " if c.isspace() else c for c in name if c.isprintable() or c.isspace()).strip()
    return name if len(name) <= 40 else name[:39] + "…"
