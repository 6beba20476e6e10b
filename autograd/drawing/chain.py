"""The chain rule along every edge: local gradient, contribution, and whether the contributions add up."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..chainrule import apply_rule, conform
from ..op import Op
from ..tensor import Tensor
from .formula import Symbol, derive, write
from .model import Edge, Node, Picture, Quantity
from .number import product, total

Key = Any  # of a node: its Tensor, or the id of a constant array


def drawn_as(x: Any) -> Key | None:
    """Give the key under which an argument is drawn; None for a plain number, which stands in the expression."""
    if isinstance(x, Tensor):
        plain = x.op is None and not x.requires_grad and not x.name and x.size == 1
        return None if plain else x
    return id(x) if isinstance(x, np.ndarray) and x.size != 1 else None


def connect(picture: Picture, order: Sequence[Tensor], nodes: dict[Key, Node]) -> None:
    """Draw every use of a value as an edge; note where the contributions do not add up to a gradient."""
    arrived: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for tensor in order:
            for edge, piece in uses(tensor, nodes):
                picture.edges.append(edge)
                edge.source.outgoing.append(edge)
                edge.target.incoming.append(edge)
                edge.piece = piece
                if piece is not None:
                    arrived[edge.source] = arrived[edge.source] + piece if edge.source in arrived else piece
    gradients = {nodes[tensor]: tensor.grad for tensor in order if tensor.grad is not None}
    wrong = [
        node.label
        for node, piece in arrived.items()
        if node in gradients and node is not picture.output and not adds_up(node, piece, gradients[node])
    ]
    if wrong:
        picture.notes.append(
            f"Not the sum of the contributions drawn here (≠): the gradient of {listed(wrong)}. "
            "A part came from another backward(), or a tensor was changed since."
        )
    stale = dict.fromkeys(
        nodes[x].label
        for tensor in order
        for x in tensor.args
        if isinstance(x, Tensor) and x in nodes and x.changed > tensor.number
    )
    if stale:
        picture.notes.append(
            f"Changed after this graph had used it: {listed(list(stale))}. "
            "Draw before changing .data (optimizer.step())."
        )


def uses(tensor: Tensor, nodes: dict[Key, Node]) -> Iterator[tuple[Edge, Any]]:
    """Give the edges into one node, each with the gradient that it sends back (None where none flows or is known)."""
    op = tensor.op
    if op is None:
        return
    target = nodes[tensor]
    keys = [drawn_as(x) for x in tensor.args]
    out = Symbol(tensor._data, target)
    symbols = tuple(plain(v) if key is None else Symbol(v, nodes[key]) for key, v in zip(keys, tensor.values))
    g = None if tensor.grad is None else tensor.grad[()]
    pieces = apply_rule(tensor, op.local_gradients[0], g, False) if op.variadic and g is not None else None
    for position, (key, value) in enumerate(zip(keys, tensor.values)):
        if key is None:
            continue
        edge, piece = Edge(nodes[key], target, position in tensor.positions, linear=not op.elementwise), None
        if edge.flows:
            rule = op.local_gradients[0 if op.variadic else position]
            if op.elementwise:
                ones = np.ones_like(tensor._data)[()]
                edge.local = Quantity(np.broadcast_to(apply_rule(tensor, rule, ones, False), tensor.shape))
            if g is not None:
                piece = apply_rule(tensor, rule, g, False) if pieces is None else pieces[position]
                piece = conform(np.asarray(piece)[()], np.asarray(value)[()], op)
                edge.sent = Quantity(piece)
                if edge.local is not None and edge.local.scalar is not None and edge.sent.scalar is not None:
                    edge.chain = product(np.asarray(g).item(), edge.local.scalar, edge.sent.scalar)
            tree = derive(op, position, out, symbols, tensor.kwargs)
            edge.formula, edge.dense_formula = formulas(tree, op, tensor, value, edge)
        yield edge, piece


def plain(value: Any) -> Any:
    """Give a constant as a rule wants it: a number where it is one."""
    return value.item() if isinstance(value, (np.ndarray, np.generic)) and value.size == 1 else value


def formulas(tree: Symbol | None, op: Op, tensor: Tensor, value: Any, edge: Edge) -> tuple[str, str]:
    """Write the local gradient twice: for pictures that show v1, v2, ... and for those that show ops."""
    if op.name == "getitem":
        text = f"◀ into {edge.target.symbol}"
        return text, text
    if tree is None:
        return "", ""
    shape = np.shape(value)
    sent_shape = tensor.shape if op.elementwise else np.shape(tree.value)
    summed = "" if sent_shape == shape else f", Σ to {shape}" if shape else ", Σ over all"

    def dense(node: Node) -> str:
        return node.name(True) if node is not edge.target or node.named else node.symbol

    full, small = write(tree, lambda node: node.label) + summed, write(tree, dense) + summed
    short = "" if op.elementwise else f"◀ back through {op.symbol}"
    return full if len(full) <= 48 else short, small if len(small) <= 48 else short


def adds_up(node: Node, arrived: Any, gradient: np.ndarray) -> bool:
    """Compare what arrived with the gradient, and write the sum into the node."""
    terms = [edge.sent for edge in node.outgoing if edge.sent is not None]
    whole = node.gradient or Quantity(gradient)
    tolerance = 1e-4 if gradient.dtype.itemsize < 8 else 1e-8
    margin = tolerance * sum(term.largest for term in terms)
    if not np.allclose(arrived, gradient, rtol=tolerance, atol=margin, equal_nan=True):
        node.sum = f"{whole.length} ≠ {Quantity(arrived).length}"
        return False
    if whole.scalar is not None and len(terms) > 1:
        node.sum = total([term.scalar for term in terms], whole.scalar)
    return True


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")
