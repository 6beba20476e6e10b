"""The backward pass: the chain rule along the graph, from the outputs to the leaves.

It knows the protocol of a node, not Tensor. A gradient is an array or, when the pass itself is recorded
(`record=True`), a node: the rules are the same NumPy expressions either way.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .explain import one_each, wrong_gradient
from .graph import FREED, Node, clock, toposort

Gradient = Any  # an ndarray, a NumPy scalar, or a node


def backpropagate(
    outputs: Sequence[Node],
    upstream: Sequence[Gradient],
    wanted: Iterable[Node] | None = None,
    record: bool = False,
    free: bool = False,
    stop_at: Collection[Node] = (),
    apply: Callable[..., Any] | None = None,
    hooks: bool = True,
) -> Iterator[tuple[Node, Gradient, bool]]:
    """Yield `(node, gradient, owned)` for every node that the gradient reaches, once its gradient is complete.

    `upstream` holds the gradient of each output. With `wanted`, only paths that lead to these nodes are walked.
    `owned` says that nobody else holds the array; into any other array one must not write.
    With `free`, each node's links are cut behind the pass, so that what nobody holds is freed at once.
    Nodes in `stop_at` send nothing on. `apply` replaces `apply_rule`. Without `hooks`, none is called.
    """
    apply = apply or apply_rule
    order = toposort(outputs)
    refuse_stale(order)
    on_path = None if wanted is None else leading_from(wanted, order)
    gradients: dict[Node, Gradient] = {}
    owned: set[Node] = set()

    for node, g in zip(outputs, upstream):
        gradients[node] = gradients[node] + g if node in gradients else g
    while order:
        node = order.pop()
        g = gradients.pop(node, None)
        if g is None:  # no way from an output to here, or from here to what is wanted
            continue
        if hooks and node.hooks is not None:
            g = after_hooks(node, g)
            owned.discard(node)
        yield node, g, node in owned
        op = node.op
        if op is None or node in stop_at:
            continue
        pieces = one_each(apply(node, op.local_gradients[0], g, record), node) if op.variadic else None
        for parent, position in zip(node.parents, node.positions):
            if on_path is not None and parent not in on_path:
                continue
            arrived, value = gradients.get(parent), node.values[position]
            if op.add_into is not None and not record:
                if parent not in owned:
                    arrived = np.zeros(value.shape, value.dtype) if arrived is None else np.array(arrived)
                    gradients[parent] = arrived
                    owned.add(parent)
                op.add_into(arrived, g, **node.kwargs)
                continue
            piece = apply(node, op.local_gradients[position], g, record) if pieces is None else pieces[position]
            if type(piece) is np.ndarray or type(piece) is not type(value):  # else two scalars of one dtype
                piece = conform(piece, value, op)
            # the += of the chain rule: borrow the first contribution, allocate for the second, then add in place
            if arrived is None:
                gradients[parent] = piece
            elif parent in owned:
                arrived += piece
            else:
                gradients[parent] = total = arrived + piece
                if type(total) is np.ndarray:
                    owned.add(parent)
        if free:
            node.args, node.values, node.parents, node.positions = (), (), FREED, ()
            owned.discard(node)


def after_hooks(node: Node, g: Gradient) -> Gradient:
    """Hand a node's complete gradient to its hooks, and give what they make of it."""
    for (hook,) in node.hooks:
        plain = isinstance(g, (np.ndarray, np.generic))
        after = hook(np.array(g) if plain else g)  # a copy in and a copy out: a hook may keep what it sees and gives
        if after is None:
            continue
        if not plain and type(after) is not type(g):
            raise TypeError(
                f"with create_graph=True a hook returns a Tensor; {node.label}'s gave {type(after).__name__}."
            )
        if np.shape(after) != g.shape:
            raise ValueError(f"a hook on {node.label} returned a gradient of shape {np.shape(after)}.")
        g = np.array(after, dtype=g.dtype) if plain else after
    return g


def contribution(node: Node, position: int, g: Gradient, record: bool = False) -> Gradient:
    """Compute what a node sends to its argument at `position`: upstream gradient times local gradient."""
    if node.op.variadic:
        piece = one_each(apply_rule(node, node.op.local_gradients[0], g, record), node)[position]
    else:
        piece = apply_rule(node, node.op.local_gradients[position], g, record)
    return conform(piece, node.values[position], node.op)


def apply_rule(node: Node, rule: Any, g: Gradient, record: bool) -> Any:
    try:
        if record:
            return rule(g, node, *node.args, **node.kwargs)
        if node.kwargs:
            return rule(g, node._data, *node.values, **node.kwargs)
        return rule(g, node._data, *node.values)
    except Exception as error:
        error.add_note(f"in the local gradient of {node.op.name}, for {node.label}")
        raise


def conform(piece: Gradient, value: Any, op: Any) -> Gradient:
    """Undo broadcasting and promotion: give a gradient the shape and dtype of the value that it belongs to.

    A value that was repeated along an axis gets the sum of the gradients of its copies.
    """
    try:
        same = piece.shape == value.shape
    except AttributeError:
        raise wrong_gradient(op, piece, value) from None
    if not same:
        extra = piece.ndim - value.ndim
        repeated = tuple(i for i in range(piece.ndim) if i < extra or value.shape[i - extra] == 1)
        if extra < 0 or any(i not in repeated and piece.shape[i] != value.shape[i - extra] for i in range(piece.ndim)):
            raise wrong_gradient(op, piece, value)
        piece = piece.sum(axis=repeated).reshape(value.shape)
    if piece.dtype == value.dtype:
        return piece
    if piece.dtype.kind == "c":
        raise wrong_gradient(op, piece, value)
    return piece.astype(value.dtype)


def leading_from(wanted: Iterable[Node], order: Sequence[Node]) -> set[Node]:
    """Collect the nodes of `order` that were computed from a wanted one, and these themselves."""
    found = set(wanted)
    for node in order:
        if not found.isdisjoint(node.parents):
            found.add(node)
    return found


def refuse_stale(order: Sequence[Node]) -> None:
    """Raise RuntimeError if an array was changed (`t.data -= ...`) after a node had been computed from it."""
    oldest = next((node for node in order if node.op is not None), None)
    if oldest is None or oldest.number > clock.last_change:
        return
    for node in order:
        if node.op is None:
            continue
        for tensor in (node, *node.args):
            if getattr(tensor, "changed", 0) > node.number:
                raise RuntimeError(
                    f"{tensor.label} was changed through .data after {node.op.name} had used it, so the gradient of "
                    "this graph would be wrong. Run the forward computation again after changing .data, "
                    "then call backward() on the new result."
                )
