"""Reading a graph into a picture. The arrays are let go after it, so a picture stays as it was when it was taken."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..graph import toposort
from ..op import Op
from ..tensor import Tensor, scope
from .chain import Key, connect, drawn_as
from .formula import index_text
from .frames import find_steps, frame_of, name_frames, place_leaves
from .model import Frame, Node, Picture, Quantity, visible
from .number import SUPERSCRIPT, number

PARAMETER = re.compile(r"(w|W|b|U|V|theta|θ|weight|bias)(_.*|\d*)$")  # how courses write the weights of a model


def read(output: Tensor) -> Picture:
    """Read the graph that leads to `output`."""
    order = toposort([output])
    nodes: dict[Key, Node] = {}
    frames: dict[scope, Frame] = {}
    taken = {getattr(x, "name", None) for tensor in order for x in (tensor, *tensor.args)}
    unnamed = (f"v{i}" for i in range(1, 10**9) if f"v{i}" not in taken)

    for tensor in order:
        if tensor.op is None:
            continue
        for x, value in zip(tensor.args, tensor.values):
            key = drawn_as(x)
            if key is not None and key not in nodes:  # a leaf, or a value that is used without a gradient
                nodes[key] = leaf(x, value, unnamed)
        nodes[tensor] = operation(tensor, tensor.op, nodes, unnamed, frames)
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


def leaf(x: Any, value: Any, unnamed: Iterator[str]) -> Node:
    name = visible(x.name) if isinstance(x, Tensor) and x.name else ""
    node = Node(name or next(unnamed), bool(name), Quantity(value))
    node.flows = isinstance(x, Tensor) and x.requires_grad
    if isinstance(x, Tensor) and x._grad is not None:
        node.gradient = Quantity(x.grad)
    parameter = node.flows and (type(x) is not Tensor or PARAMETER.match(name))
    node.role = "parameter" if parameter else "input" if isinstance(x, Tensor) else "constant"
    return node


def operation(
    tensor: Tensor, op: Op, nodes: dict[Key, Node], unnamed: Iterator[str], frames: dict[scope, Frame]
) -> Node:
    name = visible(tensor.name) if tensor.name else ""
    node = Node(name or next(unnamed), bool(name), Quantity(tensor._data))
    if tensor._grad is not None:
        node.gradient = Quantity(tensor.grad)
    operands = [operand(x, nodes, False) for x in tensor.args]
    node.symbol = {"*": "×", "-": "−"}.get(op.symbol, op.symbol)
    if op.name == "getitem":
        node.symbol = index_text(tensor.kwargs["index"])
    elif op.name == "power" and operands[1].isdecimal():
        node.symbol = "( )" + operands[1].translate(SUPERSCRIPT)
    node.expression = expression(op, tensor.kwargs, operands, node.symbol)
    short = expression(op, tensor.kwargs, [operand(x, nodes, True) for x in tensor.args], node.symbol)
    node.short = short if len(short) <= 12 and "…" not in short else "…"
    node.place = frame_of(tensor.scope, frames)
    return node


def operand(x: Any, nodes: dict[Key, Node], dense: bool) -> str:
    key = drawn_as(x)
    if key is not None:
        node = nodes[key]
        return node.name(dense)
    value = x._data if isinstance(x, Tensor) else x
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.item()
    return number(value) if isinstance(value, (int, float)) else str(value)


def expression(op: Op, options: dict[str, Any], operands: Sequence[str], symbol: str) -> str:
    """Write an op and its operands as in mathematics: `w0 × x0`, `xpy²`, `1/den`, `tanh(D)`, `z[:, 4:8]`."""
    name = op.name
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
