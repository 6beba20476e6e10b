"""The chain rule along every edge: local gradient, contribution, and whether the contributions add up."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..chainrule import apply_rule, backpropagate, conform
from ..op import Op
from ..tensor import Tensor
from .formula import Symbol, derive, write
from .model import Edge, Node, Picture, Quantity
from .number import product, total

Key = Any  # of a node: its Tensor, or the id of a constant array
Gradients = dict[Tensor, Any]  # arrays


def recorded(order: Sequence[Tensor]) -> Gradients:
    """Give the gradients that backward() has left in `.grad`."""
    tensors = (x for tensor in order for x in (tensor, *tensor.args) if isinstance(x, Tensor))
    return {x: x.grad for x in tensors if x._grad is not None}


def computed(output: Tensor) -> Gradients:
    """Run the chain rule from `output`, as backward() would. No `.grad` is touched, and no hook is called.

    Raises ValueError if `output` has several elements or no gradient flows to it; what backward() raises of a graph
    that was changed or freed.
    """
    if not output.requires_grad:
        raise ValueError(
            f"gradients='compute' has nothing to follow: {output.label} was computed from nothing that has "
            "requires_grad=True, or under no_grad()."
        )
    if output.size != 1:
        raise ValueError(
            f"gradients='compute' starts from one number, and {output.label} has {output.size}. Draw a number made of "
            "it, such as its sum(), or call .backward(gradient) and draw what it records."
        )
    with np.errstate(all="ignore"):
        seed = np.ones_like(output._data)[()]
        return {node: np.asarray(g) for node, g, _ in backpropagate([output], [seed], hooks=False)}


def drawn(args: Sequence[Any], nodes: dict[Key, Node]) -> list[Node | None]:
    """Give the nodes of an op's arguments; None for a plain number, which stands in the expression."""
    keys = (x if isinstance(x, Tensor) else id(x) if isinstance(x, np.ndarray) else None for x in args)
    return [nodes.get(key) for key in keys]


def connect(
    picture: Picture,
    edges: Iterable[tuple[Edge, Any]],
    order: Sequence[Tensor],
    nodes: dict[Key, Node],
    gradients: Gradients,
) -> None:
    """Draw the edges, which come with their contributions; note where these do not add up to a gradient."""
    arrived: dict[Node, Any] = {}
    with np.errstate(all="ignore"):
        for edge, piece in edges:
            picture.edges.append(edge)
            edge.source.outgoing.append(edge)
            edge.target.incoming.append(edge)
            edge.piece = piece
            if piece is not None:
                arrived[edge.source] = arrived[edge.source] + piece if edge.source in arrived else piece
    whole = {nodes[tensor]: gradient for tensor, gradient in gradients.items() if tensor in nodes}
    wrong = [
        node.label
        for node, piece in arrived.items()
        if node in whole and node is not picture.output and not adds_up(node, piece, whole[node])
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


def uses(tensor: Tensor, nodes: dict[Key, Node], gradients: Gradients) -> Iterator[tuple[Edge, Any]]:
    """Give the edges into one node, each with the gradient that it sends back (None where none flows or is known)."""
    op = tensor.op
    if op is None:
        return
    target = nodes[tensor]
    digits = target.value.digits
    sources = drawn(tensor.args, nodes)
    out = Symbol(tensor._data, target)
    symbols = tuple(plain(v) if node is None else Symbol(v, node) for node, v in zip(sources, tensor.values))
    trees = derive(op, tensor.positions, out, symbols, tensor.kwargs)
    g = gradients[tensor][()] if tensor in gradients else None
    pieces = apply_rule(tensor, op.local_gradients[0], g, False) if op.variadic and g is not None else None
    for position, (source, value) in enumerate(zip(sources, tensor.values)):
        if source is None:
            continue
        edge, piece = Edge(source, target, position in tensor.positions, linear=not op.elementwise), None
        if edge.flows:
            rule = op.local_gradients[0 if op.variadic else position]
            if op.elementwise:
                ones = np.ones_like(tensor._data)[()]
                edge.local = Quantity(np.broadcast_to(apply_rule(tensor, rule, ones, False), tensor.shape), digits)
            if g is not None:
                piece = apply_rule(tensor, rule, g, False) if pieces is None else pieces[position]
                piece = conform(np.asarray(piece)[()], np.asarray(value)[()], op)
                edge.sent = Quantity(piece, digits)
                if edge.local is not None and edge.local.scalar is not None and edge.sent.scalar is not None:
                    edge.chain = product(np.asarray(g).item(), edge.local.scalar, edge.sent.scalar, digits)
            edge.formula, edge.dense_formula = formulas(trees.get(position), op, tensor, value, edge)
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

    def label(node: Node) -> str:
        edge.mentions.append(node)
        return node.label

    def dense(node: Node) -> str:
        return node.name(True) if node is not edge.target or node.named else node.symbol

    digits = edge.target.value.digits
    full, small = write(tree, label, digits) + summed, write(tree, dense, digits) + summed
    short = "" if op.elementwise else f"◀ back through {op.symbol}"
    return full if len(full) <= 48 else short, small if len(small) <= 48 else short


def adds_up(node: Node, arrived: Any, gradient: np.ndarray) -> bool:
    """Compare what arrived with the gradient, and write the sum into the node."""
    terms = [edge.sent for edge in node.outgoing if edge.sent is not None]
    whole = node.gradient or Quantity(gradient, node.value.digits)
    tolerance = 1e-4 if gradient.dtype.itemsize < 8 else 1e-8
    margin = tolerance * sum(term.largest for term in terms)
    if not np.allclose(arrived, gradient, rtol=tolerance, atol=margin, equal_nan=True):
        node.sum = f"{whole.length} ≠ {Quantity(arrived, whole.digits).length}"
        return False
    if whole.scalar is not None and len(terms) > 1:
        node.sum = total([term.scalar for term in terms], whole.scalar, whole.digits)
    return True


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")
