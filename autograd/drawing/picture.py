"""Reading a graph into a picture. The arrays are let go after it, so a picture stays as it was when it was taken."""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np

from ..op import Op
from ..tensor import Tensor, scope
from .chain import Key, computed, connect, drawn, listed, recorded, uses
from .formula import ATOM, PRODUCT, RELATION, SIGN, SUM, index_text, tightness
from .frames import find_steps, frame_of, name_frames, place_leaves
from .mirror import Mirror, forward_scope, history
from .model import Frame, Node, Picture, Quantity, visible
from .number import SUPERSCRIPT, number

PARAMETER = re.compile(r"(w|W|b|U|V|theta|θ|weight|bias)(_.*|\d*)$")  # how courses write the weights of a model


def read(
    output: Tensor, names: Mapping[str, Any] = MappingProxyType({}), digits: int = 4, compute_gradients: bool = False
) -> Picture:
    """Read the graph that leads to `output`; if backward passes are part of it, with the forward graphs of these."""
    return Reader(output, names, digits, compute_gradients).picture


class Reader:
    """What is known while a graph is read.

    names      of the Tensors that have none of their own
    unnamed    v1, v2, ... for the others
    gradients  the recorded ones, or those computed now
    """

    def __init__(self, output: Tensor, names: Mapping[str, Any], digits: int, compute_gradients: bool):
        order, passes = history(output)
        self.digits = digits
        self.gradients = computed(output) if compute_gradients else recorded(order)
        if passes and output not in self.gradients:  # what f.backward() has left is no gradient of ∂f/∂x
            self.gradients = {}
        self.nodes: dict[Key, Node] = {}
        self.frames: dict[scope, Frame] = {}
        taken = {getattr(x, "name", None) for tensor in order for x in (tensor, *tensor.args)}
        self.names = called(names, taken)
        taken.update(self.names.values())
        self.unnamed = (f"v{i}" for i in range(1, 10**9) if f"v{i}" not in taken)

        mirror = Mirror(passes, self.nodes, self.gradients, digits)
        for tensor in order:
            if tensor.op is None or mirror.draws(tensor, self.name(tensor)):
                continue
            for x, value in zip(tensor.args, tensor.values):
                key = self.drawn_as(x)
                if key is not None and key not in self.nodes and not mirror.draws(x, ""):
                    self.nodes[key] = self.leaf(x, value)  # or a value that is used without a gradient
            self.nodes[tensor] = self.operation(tensor, tensor.op)
            mirror.call_by_name(tensor)
        if output not in self.nodes and not mirror.draws(output, self.name(output)):
            self.nodes[output] = self.leaf(output, output._data)
        self.picture = picture = Picture(
            self.nodes[output], list(dict.fromkeys(self.nodes.values())), frames=list(self.frames.values())
        )
        picture.passes = len(passes)
        if picture.output.expression and picture.output.role != "gradient":
            picture.output.role = "result"
        name_frames(picture.frames)
        edges = [uses(tensor, self.nodes, self.gradients) for tensor in order if tensor not in mirror.hidden]
        whole = {tensor: g for tensor, g in self.gradients.items() if tensor not in mirror.ambiguous}
        connect(picture, chain.from_iterable([*edges, mirror.edges(output)]), order, self.nodes, whole)
        if passes and output not in self.gradients:
            for node in picture.nodes:
                node.single = True
        find_steps(picture)
        place_leaves(picture)
        if picture.output.gradient is None:
            picture.notes.append(
                f"{picture.output.label}.backward() has not run: no second gradients yet."
                if passes and output.requires_grad
                else "backward() has not run: the gradients are not known yet (–)."
                if output.requires_grad
                else f"{picture.output.label} is constant: it has no gradients."
                if passes
                else "No gradient flows here: nothing that this was computed from has requires_grad=True, "
                "or it was computed under no_grad()."
            )
        hooked = [self.nodes[tensor].label for tensor in order if tensor.hooks and tensor in self.nodes]
        if compute_gradients and hooked:
            picture.notes.append(
                f"Gradients as the chain rule gives them: the hooks of {listed(hooked)} were not called."
            )

    def drawn_as(self, x: Any) -> Key | None:
        """Give the key under which an argument is drawn; None for a plain number, which stands in the expression."""
        if isinstance(x, Tensor):
            plain = x.op is None and not x.requires_grad and not (self.name(x) or x.scope) and x.size == 1
            return None if plain else x
        return id(x) if isinstance(x, np.ndarray) and x.size != 1 else None

    def name(self, x: Tensor) -> str:
        return visible(x.name or self.names.get(x, ""))

    def node(self, x: Any, value: Any) -> Node:
        name = self.name(x) if isinstance(x, Tensor) else ""
        node = Node(name or next(self.unnamed), bool(name), Quantity(value, self.digits))
        if isinstance(x, Tensor) and x in self.gradients:
            node.gradient = Quantity(self.gradients[x], self.digits)
        return node

    def leaf(self, x: Any, value: Any) -> Node:
        node = self.node(x, value)
        node.flows = isinstance(x, Tensor) and x.requires_grad
        parameter = node.flows and (type(x) is not Tensor or (node.named and PARAMETER.match(node.label)))
        node.role = "parameter" if parameter else "input" if isinstance(x, Tensor) else "constant"
        return node

    def operation(self, tensor: Tensor, op: Op) -> Node:
        node = self.node(tensor, tensor._data)
        nodes = drawn(tensor.args, self.nodes)
        constants = ["" if node else self.constant(x) for node, x in zip(nodes, tensor.args)]
        node.symbol = {"*": "×", "-": "−"}.get(op.symbol, op.symbol)
        if op.name == "getitem":
            node.symbol = index_text(tensor.kwargs["index"])
        elif op.name == "power" and constants[1].isdecimal():
            node.symbol = "( )" + constants[1].translate(SUPERSCRIPT)
        operands, short = ([x.name(dense) if x else c for x, c in zip(nodes, constants)] for dense in (False, True))
        node.expression = expression(op, tensor.kwargs, operands, node.symbol)
        dense = expression(op, tensor.kwargs, short, node.symbol)
        node.short = dense if len(dense) <= 12 and "…" not in dense else "…"
        node.gate = gate(op, tensor.kwargs, constants, node.symbol)
        node.place = frame_of(forward_scope(tensor), self.frames)
        return node

    def constant(self, x: Any) -> str:
        value = x._data if isinstance(x, Tensor) else x
        if isinstance(value, (np.ndarray, np.generic)):
            value = value.item()
        return number(value, self.digits) if isinstance(value, (int, float)) else str(value)


def called(names: Mapping[str, Any], taken: Collection[str | None]) -> dict[Tensor, str]:
    """Find what Tensors are called: by a variable, else by their place in a list, a tuple or a dict, `hs[3]`.

    Of several names the first; none that is `taken`, so that no two values get the same. What starts with an underscore
    is not the user's; IPython's outputs are known to it as `_oh`, too.
    """
    found: dict[Tensor, str] = {}
    own = {name: x for name, x in names.items() if not name.startswith("_")}
    entries = {
        f"{name}[{key!r}]": entry
        for name, x in own.items()
        if isinstance(x, (list, tuple, dict)) and x is not names.get("_oh")
        for key, entry in (x.items() if isinstance(x, dict) else enumerate(x))
        if isinstance(entry, Tensor)
    }
    for name, x in (own | entries).items():
        if isinstance(x, Tensor) and name not in taken:
            found.setdefault(x, name)
    return found


def gate(op: Op, options: dict[str, Any], constants: Sequence[str], symbol: str) -> str:
    """Write an op without its operands, but with the constants among them: `×`, `+ 1`, `1/( )`, `max(·, 0)`."""
    if not any(constants) or symbol.startswith("( )"):
        return symbol
    hole = "( )" if op.name == "divide" else "" if infix(symbol) else "·"
    return expression(op, options, [constant or hole for constant in constants], symbol).strip()


def expression(op: Op, options: dict[str, Any], operands: Sequence[str], symbol: str) -> str:
    """Write an op and its operands as in mathematics: `w0 × x0`, `xpy²`, `1/den`, `tanh(D)`, `z[:, 4:8]`."""
    name = op.name
    if name == "getitem":
        return operands[0] + symbol
    if symbol.startswith("( )"):
        return (f"({operands[0]})" if tightness(operands[0]) < ATOM else operands[0]) + symbol[3:]
    if infix(symbol) and len(operands) == 2:
        x, y = operands
        tight = {"add": SUM, "subtract": SUM, "multiply": PRODUCT, "matmul": PRODUCT, "divide": PRODUCT}
        own = tight.get(name, RELATION)
        x = f"({x})" if tightness(x) < own and tightness(x) != SIGN else x
        y = f"({y})" if y.startswith("−") or tightness(y) < own + (name in ("subtract", "divide")) else y
        return f"{x}/{y}" if name == "divide" else f"{x} {symbol} {y}"
    if infix(symbol) and len(operands) == 1:
        return symbol + operands[0]
    if len(operands) > 4:
        operands = [*operands[:2], "⋯", operands[-1]]
    given = {option: value for option, value in options.items() if value is not None and value is not False}
    extra = [f"{option}={given[option]}" for option in ("axis", "keepdims") if option in given]
    extra += [str(given[option]) for option in ("axis1", "axis2", "axes", "shape") if option in given]
    if name == "scatter_add":
        extra.insert(0, f"at {index_text(options['index'])}")
    return f"{symbol}({', '.join([*operands, *extra])})"


def infix(symbol: str) -> bool:
    return not symbol[0].isalpha() and symbol != "Σ" and len(symbol) <= 2
