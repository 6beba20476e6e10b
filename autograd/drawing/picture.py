"""What a picture shows: nodes, edges, frames and notes, read once from the graph and kept as text and small numbers.

Nothing here knows Graphviz. After `read()` the arrays are let go, so a picture stays as it was when it was taken.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..chainrule import apply_rule, conform
from ..graph import toposort
from ..tensor import Tensor, scope
from .formula import Symbol, derive, index_text, write
from .number import SUPERSCRIPT, number, product, total

MAX_ROWS, MAX_COLUMNS = 4, 16
PARAMETER = re.compile(r"(w|W|b|U|V|theta|θ|weight|bias)(_.*|\d*)$")  # how courses write the weights of a model
STEP = re.compile(r"\s*t\s*=\s*\d+\s*$")


class Quantity:
    """An array as a picture shows it: a number, or a small map of its entries, and a line about the rest."""

    def __init__(self, array: Any):
        array = np.asarray(array)
        self.shape = array.shape
        self.scalar = float(array.reshape(())) if array.size == 1 else None
        as_float = array.astype(float)
        finite = np.isfinite(as_float)
        self.size, self.bad = array.size, int(array.size - np.count_nonzero(finite))
        self.largest = float(np.max(np.abs(as_float), initial=0, where=finite))
        scaled = as_float / (self.largest or 1)  # the norm of huge entries must not overflow
        self.norm = float(np.linalg.norm(np.where(finite, scaled, 0))) * self.largest
        self.same = float(as_float.flat[0]) if array.size and np.all(as_float == as_float.flat[0]) else None
        rows = as_float.reshape((-1, array.shape[-1]) if array.ndim else (1, 1)) if array.size else np.zeros((0, 0))
        self.clipped = rows.shape[0] > MAX_ROWS or rows.shape[1] > MAX_COLUMNS
        self.rows = rows[:MAX_ROWS, :MAX_COLUMNS].tolist()
        with np.errstate(all="ignore"):
            self.mean, self.deviation = (float(as_float.mean()), float(as_float.std())) if array.size else (0.0, 0.0)

    @property
    def summary(self) -> str:
        if self.bad:
            return f"⚠ {self.bad} of {self.size} NaN/∞"
        if self.scalar is not None:
            return number(self.scalar)
        return f"{number(self.mean, 3)} ± {number(self.deviation, 3)}" if self.size else "empty"

    @property
    def length(self) -> str:
        """The gradient in short: its value, or its norm."""
        if self.scalar is not None:
            return number(self.scalar)
        return self.summary if self.bad else f"‖{number(self.norm, 3)}‖"

    @property
    def alarm(self) -> str:
        """A word about a gradient that ought to be noticed."""
        if self.bad:
            return "NaN/∞"
        if self.largest == 0:
            return "zero"
        return "vanishing" if self.largest < 1e-6 else "exploding" if self.largest > 1e3 else ""


@dataclass(eq=False)
class Node:
    """A Tensor in the picture, or a constant array that an op was given."""

    label: str  # its name, or v1, v2, ... in the order of the forward pass
    named: bool
    value: Quantity
    role: str = "activation"  # or parameter, input, constant, result
    symbol: str = ""  # of the op, alone
    expression: str = ""  # the op with its operands
    short: str = ""  # what stands for it where v1, v2, ... are not shown
    gradient: Quantity | None = None
    sum: str = ""  # the gradient as the sum of its contributions
    flows: bool = True  # whether a gradient flows here
    place: "Frame | None" = None
    incoming: "list[Edge]" = field(default_factory=list)
    outgoing: "list[Edge]" = field(default_factory=list)
    alias: bool = False  # drawn as a chip at every use

    @property
    def step(self) -> "Frame | None":
        """The time step that it stands in."""
        return self.place.column if self.place else None

    def name(self, dense: bool) -> str:
        return self.short if dense and not self.named and self.short else self.label


@dataclass(eq=False)
class Edge:
    """One use of a value by an op."""

    source: Node
    target: Node
    flows: bool
    formula: str = ""  # of the local gradient, with v1, v2, ...
    dense_formula: str = ""  # the same where unnamed values are shown by their op
    local: Quantity | None = None  # of an elementwise op: the derivative
    linear: bool = False
    sent: Quantity | None = None  # the contribution
    chain: str = ""  # of scalars: upstream × local = contribution

    def fraction(self, dense: bool = False) -> str:
        return f"∂{self.target.name(dense)}/∂{self.source.name(dense)}"

    def local_text(self) -> str:
        """The local gradient in one line."""
        fact = self.local_number
        if self.linear or not fact:
            return self.formula or fact or "linear"
        return f"{self.formula} = {fact}" if self.formula not in ("", fact) else fact

    @property
    def local_number(self) -> str:
        if self.local is None:
            return ""
        if self.local.same is not None:
            return number(self.local.same)
        return self.local.summary


@dataclass(eq=False)
class Frame:
    """A scope in the picture."""

    label: str
    parent: "Frame | None"
    depth: int
    order: int
    children: "list[Frame]" = field(default_factory=list)
    column: "Frame | None" = None  # the time step that it is, or lies in
    step: int = 0  # of a time step: its number in the sequence, from 0
    sequence: int = 0  # of a time step: which sequence


@dataclass(eq=False)
class Picture:
    output: Node
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    sequences: list[list[Frame]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def scalar(self) -> bool:
        return all(node.value.scalar is not None for node in self.nodes)

    @property
    def title(self) -> str:
        ops = sum(bool(node.expression) for node in self.nodes)
        return f"Computation graph of {self.output.label}: {ops} ops, {len(self.nodes) - ops} leaves"


def read(output: Tensor) -> Picture:
    """Read the graph that leads to `output`."""
    order = toposort([output])
    nodes: dict[Any, Node] = {}  # by Tensor, or by the id of a constant array (which its op keeps alive)
    frames: dict[scope, Frame] = {}
    taken = {tensor.name for tensor in order if tensor.name}
    unnamed = (f"v{i}" for i in range(1, 10**9) if f"v{i}" not in taken)

    for tensor in order:
        if tensor.op is None:
            continue
        for x, value in zip(tensor.args, tensor.values):
            key = drawn_as(x)
            if key is not None and key not in nodes and (not isinstance(x, Tensor) or x.op is None):
                nodes[key] = leaf(x, value, unnamed)
        nodes[tensor] = operation(tensor, nodes, unnamed, frames)
    if output not in nodes:
        nodes[output] = leaf(output, output._data, unnamed)
    picture = Picture(nodes[output], list(nodes.values()), frames=list(frames.values()))
    if picture.output.expression:
        picture.output.role = "result"
    name_frames(picture.frames)
    connect(picture, order, nodes)
    find_steps(picture)
    place_leaves(picture)
    if picture.output.gradient is None:
        picture.notes.append(
            "backward() has not run: the gradients are not known yet (–)."
            if output.requires_grad
            else "No gradient flows here: nothing that this was computed from has requires_grad=True."
        )
    return picture


def drawn_as(x: Any) -> Any:
    """Give the key under which an argument is drawn; None for a plain number, which stands in the expression."""
    if isinstance(x, Tensor):
        plain = x.op is None and not x.requires_grad and not x.name and x.size == 1
        return None if plain else x
    return id(x) if isinstance(x, np.ndarray) and x.size != 1 else None


def leaf(x: Any, value: Any, unnamed: Iterator[str]) -> Node:
    name = visible(x.name) if isinstance(x, Tensor) and x.name else ""
    node = Node(name or next(unnamed), bool(name), Quantity(value))
    node.flows = isinstance(x, Tensor) and x.requires_grad
    if isinstance(x, Tensor) and x._grad is not None:
        node.gradient = Quantity(x.grad)
    parameter = node.flows and (type(x) is not Tensor or PARAMETER.match(name))
    node.role = "parameter" if parameter else "input" if isinstance(x, Tensor) else "constant"
    return node


def operation(tensor: Tensor, nodes: dict, unnamed: Iterator[str], frames: dict) -> Node:
    name = visible(tensor.name) if tensor.name else ""
    node = Node(name or next(unnamed), bool(name), Quantity(tensor._data))
    if tensor._grad is not None:
        node.gradient = Quantity(tensor.grad)
    operands = [operand(x, nodes, False) for x in tensor.args]
    node.symbol = {"*": "×", "-": "−"}.get(tensor.op.symbol, tensor.op.symbol)
    if tensor.op.name == "getitem":
        node.symbol = index_text(tensor.kwargs["index"])
    elif tensor.op.name == "power" and operands[1].isdecimal():
        node.symbol = "( )" + operands[1].translate(SUPERSCRIPT)
    node.expression = expression(tensor, operands, node.symbol)
    short = expression(tensor, [operand(x, nodes, True) for x in tensor.args], node.symbol)
    node.short = short if len(short) <= 12 and "…" not in short else "…"
    node.place = frame_of(tensor.scope, frames)
    return node


def visible(name: str) -> str:
    """Give a name without what can't be printed or would turn the text around it, and not too long."""
    name = "".join(" " if c.isspace() else c for c in name if c.isprintable() or c.isspace()).strip()
    return name if len(name) <= 40 else name[:39] + "…"


def operand(x: Any, nodes: dict, dense: bool) -> str:
    key = drawn_as(x)
    if key is not None:
        node = nodes[key]
        return node.name(dense)
    value = x._data if isinstance(x, Tensor) else x
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.item()
    return number(value) if isinstance(value, (int, float)) else str(value)


def expression(tensor: Tensor, operands: Sequence[str], symbol: str) -> str:
    """Write an op and its operands as in mathematics: `w0 × x0`, `xpy²`, `1/den`, `tanh(D)`, `z[:, 4:8]`."""
    name, options = tensor.op.name, tensor.kwargs
    if name == "getitem":
        return operands[0] + symbol
    if symbol.startswith("( )"):
        return operands[0] + symbol[3:]
    infix = not symbol[0].isalpha() and symbol != "Σ" and len(symbol) <= 2
    if infix and len(operands) == 2:
        x, y = operands
        y = f"({y})" if y.startswith("−") else y
        return f"{x}/{y}" if name == "divide" else f"{x} {symbol} {y}"
    if infix and len(operands) == 1:
        return symbol + operands[0]
    if len(operands) > 4:
        operands = [*operands[:2], "⋯", operands[-1]]
    given = {option: value for option, value in options.items() if value is not None and value is not False}
    extra = [f"{option}={given[option]}" for option in ("axis", "keepdims") if option in given]
    extra += [str(given[option]) for option in ("axis1", "axis2", "axes", "shape") if option in given]
    if name == "scatter_add":
        extra.insert(0, f"at {index_text(options['index'])}")
    return f"{symbol}({', '.join([*operands, *extra])})"


# ---- edges ----


def connect(picture: Picture, order: Sequence[Tensor], nodes: dict) -> None:
    """Draw every use as an edge, with what flows back along it; check that each gradient is the sum of what comes in."""
    arrived: dict[Node, Any] = {}
    terms: dict[Node, list[float]] = {}
    scale: dict[Node, float] = {}
    stale: dict[str, None] = {}
    gradients = {nodes[tensor]: tensor.grad for tensor in order if tensor._grad is not None}
    for tensor in order:
        if tensor.op is None:
            continue
        target, op = nodes[tensor], tensor.op
        g = None if tensor._grad is None else tensor.grad[()]
        symbols, pieces, derivatives = None, None, None
        ones = np.ones_like(tensor._data)[()]
        if op.variadic:
            with np.errstate(all="ignore"):
                pieces = None if g is None else apply_rule(tensor, op.local_gradients[0], g, False)
        for position, (x, value) in enumerate(zip(tensor.args, tensor.values)):
            key = drawn_as(x)
            if key is None:
                continue
            flows = position in tensor.positions
            edge = Edge(nodes[key], target, flows, linear=not op.elementwise)
            picture.edges.append(edge)
            edge.source.outgoing.append(edge)
            target.incoming.append(edge)
            if isinstance(x, Tensor) and x.changed > tensor.number:
                stale[edge.source.label] = None
            if not flows:
                continue
            if symbols is None:
                symbols = [
                    Symbol(v, nodes[drawn_as(a)]) if drawn_as(a) is not None else plain(v)
                    for a, v in zip(tensor.args, tensor.values)
                ]
            tree = derive(op, position, Symbol(tensor._data, target), tuple(symbols), tensor.kwargs)
            rule = op.local_gradients[0 if op.variadic else position]
            with np.errstate(all="ignore"):
                if op.elementwise:
                    derivative = np.broadcast_to(apply_rule(tensor, rule, ones, False), tensor.shape)
                    edge.local = Quantity(derivative)
                if g is not None:
                    piece = pieces[position] if pieces is not None else apply_rule(tensor, rule, g, False)
                    piece = conform(np.asarray(piece)[()], np.asarray(value)[()], op)
                    edge.sent = Quantity(piece)
                    source = edge.source
                    arrived[source] = arrived[source] + piece if source in arrived else piece
                    terms.setdefault(source, []).append(edge.sent.scalar)
                    scale[source] = scale.get(source, 0) + edge.sent.largest
                    if edge.sent.scalar is not None and edge.local is not None and edge.local.scalar is not None:
                        edge.chain = product(g, edge.local.scalar, edge.sent.scalar)
            edge.formula, edge.dense_formula = formulas(tree, tensor, value, edge)
    wrong = []
    for node, total_sent in arrived.items():
        gradient = gradients.get(node)
        if gradient is None or node is picture.output:
            continue
        tolerance = 1e-4 if gradient.dtype.itemsize < 8 else 1e-8
        if not np.allclose(total_sent, gradient, rtol=tolerance, atol=tolerance * scale[node], equal_nan=True):
            node.sum = f"{node.gradient.length} ≠ {Quantity(total_sent).length}"
            wrong.append(node.label)
        elif node.gradient.scalar is not None and len(terms[node]) > 1:
            node.sum = total(terms[node], node.gradient.scalar)
    if wrong:
        picture.notes.append(
            f"Not the sum of the contributions drawn here (≠): the gradient of {', '.join(wrong[:6])}{' ...' * (len(wrong) > 6)}. "
            "A part came from another backward(), or a tensor was changed since."
        )
    if stale:
        picture.notes.append(
            f"Changed after this graph had used it: {', '.join(list(stale)[:6])}{' ...' * (len(stale) > 6)}. Draw before changing .data (optimizer.step())."
        )


def plain(value: Any) -> Any:
    """Give a constant as a rule wants it: a number where it is one."""
    return value.item() if isinstance(value, (np.ndarray, np.generic)) and value.size == 1 else value


def formulas(tree: Symbol | None, tensor: Tensor, value: Any, edge: Edge) -> tuple[str, str]:
    """Write the local gradient twice: for pictures that show v1, v2, ... and for those that show ops."""
    if tensor.op.name == "getitem":
        text = f"◀ into {edge.target.symbol}"
        return text, text
    if tree is None:
        return "", ""
    shape = np.shape(value)
    sent_shape = tensor.shape if tensor.op.elementwise else np.shape(tree.value)
    summed = "" if sent_shape == shape else f", Σ to {shape}" if shape else ", Σ over all"

    def dense(node: Node) -> str:
        return node.name(True) if node is not edge.target or node.named else node.symbol

    texts = (write(tree, lambda node: node.label) + summed, write(tree, dense) + summed)
    return tuple(text if len(text) <= 48 else "" for text in texts)


# ---- scopes ----


def frame_of(innermost: scope | None, frames: dict[scope, Frame]) -> Frame | None:
    """Give the frame of a scope; make it, and those around it, where they are new."""
    chain = []
    while innermost is not None and innermost not in frames:
        chain.append(innermost)
        innermost = innermost.parent
    frame = frames[innermost] if innermost is not None else None
    for inner in reversed(chain):
        around, depth = frame, frame.depth + 1 if frame else 0
        frame = frames[inner] = Frame(visible(inner.name) or "·", around, depth, len(frames))
        if around:
            around.children.append(frame)
    return frame


def name_frames(frames: Sequence[Frame]) -> None:
    """Number the frames that would bear the same label inside the same frame."""
    seen: dict[tuple[Frame | None, str], int] = {}
    for frame in frames:
        key = frame.parent, frame.label
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            frame.label += f" ({seen[key]})"


def find_steps(picture: Picture) -> None:
    """Find the time steps: two or more scopes `t=1`, `t=2`, ... side by side in the same scope."""
    found: dict[Frame | None, list[Frame]] = {}
    for frame in picture.frames:  # a frame comes after those around it
        frame.column = frame.parent.column if frame.parent else None
        if frame.column is None and STEP.match(frame.label):
            found.setdefault(frame.parent, []).append(frame)
            frame.column = frame
    picture.sequences = [steps for steps in found.values() if len(steps) > 1]
    lone = {steps[0] for steps in found.values() if len(steps) == 1}
    for frame in picture.frames:
        if frame.column in lone:
            frame.column = None
    for i, steps in enumerate(picture.sequences):
        for k, frame in enumerate(steps):
            frame.sequence, frame.step = i, k


def place_leaves(picture: Picture) -> None:
    """Put a leaf into the frame that uses it; make an alias of what several frames share."""
    carried = {stem(edge.source.label) for edge in picture.edges if crosses(edge)}
    for node in picture.nodes:
        users = [edge.target for edge in node.outgoing]
        steps = list(dict.fromkeys(user.step for user in users if user.step))
        places = list(dict.fromkeys(user.place for user in users))
        if node.step is None and node is not picture.output:
            node.alias = len(steps) > 1 or (node.role == "parameter" and len(places) > 1 and len(users) > 2)
        if node.alias and node.role == "input" and node.flows:
            node.role = "parameter"
        if users and not node.expression and not node.alias:
            initial = len(steps) == 1 and stem(node.label) in carried
            node.place = steps[0].parent if initial else common(places)


def stem(label: str) -> str:
    return label.rstrip("0123456789_")


def crosses(edge: Edge) -> bool:
    """Tell whether a value is carried from one time step to another of the same sequence."""
    a, b = edge.source.step, edge.target.step
    return a is not None and b is not None and a is not b and a.sequence == b.sequence


def common(places: list[Frame | None]) -> Frame | None:
    """Give the innermost frame around all of these."""
    around = places[0]
    for place in places[1:]:
        a, b = around, place
        while a is not b:
            if a is None or b is None:
                a = b = None
            elif a.depth > b.depth:
                a = a.parent
            elif b.depth > a.depth:
                b = b.parent
            else:
                a, b = a.parent, b.parent
        around = a
    return around
