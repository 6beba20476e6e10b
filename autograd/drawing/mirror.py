"""The graph of a backward pass, beside the forward graph that it comes from.

`grad(create_graph=True)` records many small ops. What a reader wants to see is one box for each gradient, ∂f/∂q beside
q. So a pass is read as the mirror image of its forward graph: for each forward edge q → f one from ∂f/∂f back to
∂f/∂q, and one from each value that the local gradient needs, the saved values. The second gradients along these edges
come from the rules of the ops, run again. A pass that was differentiated itself is read op by op, because each of its
ops has a gradient of its own in the pass after it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..chainrule import conform, one_each
from ..graph import toposort
from ..tensor import BackwardScope, Tensor, grad, modes, record, scope
from .chain import Gradients, Key
from .formula import UPSTREAM
from .model import CHAIN, FORWARD, SAVED, Edge, Node, Quantity, derivative
from .number import product, total

LONG = 48  # characters; a longer sum of terms is not written out


class Term:
    """What one use of a value sends back to it: the rule of the op, run again on leaves of its own."""

    def __init__(self, user: Tensor, position: int, use: int, upstream: Any):
        self.user, self.use = user, use  # of the edges between the two, which
        self.upstream = Tensor(upstream, requires_grad=True)
        self.leaves: dict[Key, Tensor] = {user: Tensor(user._data, requires_grad=True)}
        args = [self.leaf_for(x, value) for x, value in zip(user.args, user.values)]
        op = user.op
        assert op is not None  # a leaf uses nothing
        rule: Any = op.local_gradients[0 if op.variadic else position]
        piece = rule(self.upstream, self.leaves[user], *args, **user.kwargs)
        if op.variadic:
            piece = one_each(piece, user)[position]
        self.piece = conform(piece, user.values[position], op)
        self.used = set(toposort([self.piece]))

    def leaf_for(self, x: Any, value: Any) -> Any:
        if not isinstance(x, (Tensor, np.ndarray)) or np.asarray(value).dtype.kind != "f":
            return value
        key = x if isinstance(x, Tensor) else id(x)
        if key not in self.leaves:
            self.leaves[key] = Tensor(value, requires_grad=True)
        return self.leaves[key]

    def saves(self, key: Key) -> bool:
        """Tell whether a second gradient flows to this value."""
        return self.leaves[key] in self.used and isinstance(key, Tensor) and key.requires_grad

    def sent(self, gradient: Any) -> dict[Tensor, Any]:
        """Give what the leaves receive, when the gradient of what is sent here is this."""
        leaves = [x for x in (self.upstream, *self.leaves.values()) if x in self.used]
        return {x: g.data for x, g in zip(leaves, grad(self.piece, leaves, gradient))}


class Pass:
    """A recorded backward pass.

    outputs    what was differentiated
    gradients  (forward node, number of the Tensor that is its gradient, array), as the pass came by
    tensors    what was recorded, as far as it leads to what is drawn
    terms      for each forward node, what its uses send; empty if the pass is read op by op
    """

    def __init__(self, where: BackwardScope):
        self.outputs, self.gradients = where.outputs, where.gradients
        self.tensors: set[Tensor] = set()
        self.terms: dict[Tensor, list[Term]] = {}

    def run_again(self) -> None:
        """Find the terms; none if they don't add up to the gradients, as with a hook in between."""
        arrays = {node: array for node, _, array in self.gradients}
        terms: dict[Tensor, list[Term]] = {node: [] for node in arrays}
        with recording(), np.errstate(all="ignore"):
            for user, upstream in arrays.items():
                seen: Counter[Tensor] = Counter()
                for parent, position in zip(user.parents, user.positions):
                    if parent in terms:
                        terms[parent].append(Term(user, position, seen[parent], upstream))
                        seen[parent] += 1
            for node, array in arrays.items():
                tolerance = 1e-4 if array.dtype.itemsize < 8 else 1e-8
                pieces = sum(term.piece._data for term in terms[node])
                if node not in self.outputs and not np.allclose(pieces, array, tolerance, tolerance, equal_nan=True):
                    return
        self.terms = terms


@contextmanager
def recording() -> Iterator[None]:
    """Record outside of any scope, and under no_grad() too."""
    before = modes.record, modes.scope
    modes.record, modes.scope = record, None
    try:
        yield
    finally:
        modes.record, modes.scope = before


def history(output: Tensor) -> tuple[list[Tensor], list[Pass]]:
    """List what leads to `output`, with the forward graphs of the backward passes in it; and these passes, in order."""
    passes: dict[int, Pass] = {}
    roots, before = [output], -1
    while before < len(passes):
        order, before = toposort(roots), len(passes)
        for tensor in order:
            for x in (tensor, *tensor.args):
                where = getattr(x, "scope", None)
                if isinstance(where, BackwardScope) and id(where.gradients) not in passes:
                    passes[id(where.gradients)] = Pass(where)
                    roots = [*roots, *where.outputs]
    for tensor in order:
        if isinstance(tensor.scope, BackwardScope):
            passes[id(tensor.scope.gradients)].tensors.add(tensor)
    found = sorted(passes.values(), key=lambda p: p.outputs[-1].number)
    for p in found:
        complete = {number for _, number, _ in p.gradients}
        inner = {tensor for tensor in p.tensors if tensor.number not in complete}
        leaks = output in inner or any(not inner.isdisjoint(x.parents) for x in order if x not in p.tensors)
        if not leaks and p.tensors.isdisjoint(node for other in found for node, _, _ in other.gradients):
            p.run_again()
    return order, found


def forward_scope(tensor: Tensor) -> scope | None:
    """Give the scope of a tensor; of what a backward pass recorded, that of the forward node it comes from."""
    found = tensor.scope
    while isinstance(found, BackwardScope):
        found = found.node.scope
    return found


class Mirror:
    """Reads the backward passes of a graph.

    nodes      of the picture; for a pass and a forward node, the box of the gradient
    gradients  that are known, the second ones
    hidden     what was recorded and is not drawn itself
    ambiguous  what is several gradients at once: x + y sends x and y the same Tensor
    """

    def __init__(self, passes: Sequence[Pass], nodes: dict[Key, Node], gradients: Gradients, digits: int):
        self.passes, self.nodes, self.gradients, self.digits = passes, nodes, gradients, digits
        self.hidden = {tensor for p in passes if p.terms for tensor in p.tensors}
        self.ambiguous: set[Tensor] = set()
        self.tensors: dict[Node, Tensor] = {}  # for a box

    def recorded_in(self, x: Any) -> Pass | None:
        where = getattr(x, "scope", None)
        if not isinstance(where, BackwardScope):
            return None
        return next(p for p in self.passes if p.gradients is where.gradients)

    def name(self, p: Pass, node: Tensor) -> str:
        """Name the gradient of a forward node."""
        outputs = [self.nodes[output].label for output in p.outputs]
        return derivative(outputs[0] if len(outputs) == 1 else f"({', '.join(outputs)})", self.nodes[node].label)

    def call_by_name(self, tensor: Tensor) -> None:
        """Tell what an op of a pass that is read op by op is the gradient of."""
        p, box = self.recorded_in(tensor), self.nodes[tensor]
        if p is None:
            return
        box.role = "gradient"
        names = [self.name(p, node) for node, number, _ in p.gradients if number == tensor.number]
        if names and box.named:
            box.expression = f"{names[-1]} = {box.expression}"
        elif names:
            box.label, box.named = names[-1], True

    def draws(self, tensor: Any, name: str) -> bool:
        """Make the boxes of a mirrored pass, if this was recorded in one. Of several gradients it is the last."""
        p = self.recorded_in(tensor)
        if p is None or not p.terms:
            return False
        same = [node for node, number, _ in p.gradients if number == tensor.number]
        for node, _, array in p.gradients:
            if (p, node) not in self.nodes:
                box = Node(self.name(p, node), True, Quantity(array, self.digits), "gradient")
                box.of = self.nodes[node]
                box.flows = any(
                    self.nodes[p, term.user].flows and term.upstream in term.used or any(map(term.saves, term.leaves))
                    for term in p.terms[node]
                )
                self.nodes[p, node] = box
        if same:
            box = self.nodes[tensor] = self.nodes[p, same[-1]]
            box.label = name or box.label
            if len(same) > 1:
                self.ambiguous.add(tensor)
            else:
                self.tensors[box] = tensor
        return True

    def edges(self, output: Tensor) -> Iterator[tuple[Edge, Any]]:
        """Give the edges of the mirrored passes, the last first, each with the second gradient that it sends back."""
        for p in self.passes:
            if (p, p.outputs[0]) in self.nodes:
                for node, _, _ in reversed(p.gradients):
                    yield from self.into(p, node, output)

    def second(self, box: Node, output: Tensor) -> Any:
        """Give the gradient of a box: recorded, or of one of several that are one Tensor, from what uses this one."""
        if self.tensors.get(box) in self.gradients:
            return self.gradients[self.tensors[box]][()]
        pieces = [edge.piece for edge in box.outgoing if edge.piece is not None]
        if box is self.nodes[output] and output in self.gradients:
            pieces.append(self.gradients[output][()])
        return sum(pieces[1:], start=pieces[0]) if pieces else None

    def into(self, p: Pass, node: Tensor, output: Tensor) -> Iterator[tuple[Edge, Any]]:
        """Give the edges into one box, and write what it computes."""
        box, terms, gradient = self.nodes[p, node], p.terms[node], self.second(self.nodes[p, node], output)
        box.gradient = None if gradient is None else Quantity(gradient, self.digits)
        uses = [edge for edge in self.nodes[node].outgoing if edge.flows and edge.kind == FORWARD]
        texts = []
        saved: dict[Key, Edge] = {}
        for term in terms:
            upstream = self.nodes[p, term.user]
            forward = [edge for edge in uses if edge.target is self.nodes[term.user]][term.use]
            sent = term.sent(gradient) if gradient is not None and box.flows else {}
            edge, piece = chain_edge(upstream, box, forward, sent.get(term.upstream))
            edge.part = Quantity(term.piece._data, self.digits)
            yield edge, piece
            for key, leaf in term.leaves.items():
                if key in self.nodes and (leaf in term.used or self.nodes[key] in forward.mentions):
                    edge = saved.setdefault(key, Edge(self.nodes[key], box, False, linear=True, kind=SAVED))
                    edge.formula = f"through the saved {edge.source.label}"
                    edge.flows |= term.saves(key)
                    if term.saves(key) and leaf in sent:
                        edge.piece = sent[leaf] if edge.piece is None else edge.piece + sent[leaf]
            full = in_words(upstream.label, forward, forward.formula)
            texts.append((full, in_words(UPSTREAM, forward, forward.dense_formula)))
        for edge in saved.values():
            edge.sent = None if edge.piece is None else Quantity(edge.piece, self.digits)
            yield edge, edge.piece
        if texts:
            box.expression, box.symbol = map(joined, zip(*texts), (LONG, LONG // 2))
        if box.label != (name := self.name(p, node)):
            box.expression = f"{name} = {box.expression}" if texts else name
        if box.value.scalar is not None:
            box.working = working(box.value, terms, [self.nodes[p, term.user] for term in terms], box.incoming)


def chain_edge(upstream: Node, box: Node, forward: Edge, piece: Any) -> tuple[Edge, Any]:
    """Mirror a forward edge: with the same local gradient, from one gradient back to another."""
    edge = Edge(upstream, box, upstream.flows, local=forward.local, linear=forward.linear, kind=CHAIN)
    if not forward.linear and upstream.value.shape == box.value.shape:
        edge.formula, edge.dense_formula = forward.formula, forward.dense_formula
    if piece is None or not edge.flows:
        return edge, None
    edge.sent = Quantity(piece, box.value.digits)
    if edge.local and box.gradient and None not in (edge.local.scalar, edge.sent.scalar, box.gradient.scalar):
        edge.chain = product(box.gradient.scalar, edge.local.scalar, edge.sent.scalar, edge.local.digits)
    return edge, piece


# ---- in words ----


def in_words(upstream: str, forward: Edge, formula: str) -> str:
    """Write what an edge sends back: the upstream gradient through the local one."""
    if not formula:
        return f"{upstream} back through {forward.target.symbol}"
    if forward.linear:
        return re.sub(f"{UPSTREAM}(?=[/ᵀ])", f"({upstream})", formula).replace(UPSTREAM, upstream)
    if formula.startswith("1, Σ"):
        return upstream + formula[1:]
    outside = re.sub(r"\([^()]*\)", "", formula)
    return f"{upstream} × ({formula})" if re.search("[+−/ ]", outside.split(", Σ")[0]) else f"{upstream} × {formula}"


def joined(terms: Sequence[str], longest: int) -> str:
    text = " + ".join(terms)
    return text if len(text) <= longest or len(terms) == 1 else f"sum of {len(terms)}"


def working(value: Quantity, terms: Sequence[Term], upstream: Sequence[Node], edges: Sequence[Edge]) -> str:
    """Write the numbers of a gradient that is a number: the product, or the sum of several contributions."""
    if len(terms) > 1:
        return total([term.piece._data for term in terms], value.scalar, value.digits)
    local = next((edge.local for edge in edges if edge.kind == CHAIN), None)
    if not terms or local is None or local.scalar is None or upstream[0].value.scalar is None:
        return ""
    return product(upstream[0].value.scalar, local.scalar, value.scalar, value.digits)
