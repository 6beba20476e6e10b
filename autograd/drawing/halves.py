"""Forward and backward pass side by side: each gradient in line with the value that it belongs to.

Drawn to the right, the backward pass stands below the forward pass and runs to the left. What a product saves, q for
∂f/∂z and z for ∂f/∂q, goes from one half to the other; these lines enclose each other instead of crossing, if the lower
half is the upper one upside down, but for the factors of a product.
"""

from collections import Counter
from collections.abc import Callable

from .dot import Composition
from .label import cell
from .model import SAVED, Bundle, Edge, Node, Picture

LARGEST = 30  # forward nodes
CROWD = 2  # more lines inside a rank than that push each other aside, if their labels stand in the middle


def fits_in_halves(picture: Picture) -> bool:
    """Tell whether this is a small graph with one backward pass, and without frames, which ranks would tear apart."""
    forward = [node for node in picture.nodes if node.of is None]
    return len(picture.nodes) > len(forward) <= LARGEST and picture.passes == 1 and not picture.frames


class Halves(Composition):
    """A forward graph and its backward pass, rank by rank. What is computed from gradients stands where it can."""

    def arrange(self) -> None:
        """Put what stands in line into one rank, and hold the order there."""
        boxes = {node.of: node for node in self.picture.nodes if node.of}
        self.level = self.find_levels()
        ends = [node for node, level in self.level.items() if level == 0]
        upper = {node: i for i, node in enumerate(walk(ends, lambda node: 0))}
        lower = walk(ends, lambda node: -needed(node, boxes, upper))
        lines: dict[int, list[Node]] = {}
        for node in upper:
            lines.setdefault(self.level[node], []).append(node)
        for node in lower:
            if node in boxes:
                self.level[boxes[node]] = self.level[node]
                lines[self.level[node]].append(boxes[node])
        for line in lines.values():
            with self.graph.subgraph() as rank:
                rank.attr(rank="same")
                for node in line:
                    rank.node(self.ids[node])
                for above, below in zip(line, line[1:]):
                    rank.edge(self.ids[above], self.ids[below], style="invis")
        self.crowds = Counter(self.level[edge.source] for edge in self.picture.edges if self.inside_a_rank(edge))

    def find_levels(self) -> dict[Node, int]:
        """Count forward nodes from the output back; without what comes from gradients, and what that alone uses."""
        later: set[Node] = set()
        for node in self.picture.nodes:
            if node.of is None and any(edge.source.of or edge.source in later for edge in node.incoming):
                later.add(node)
        level: dict[Node, int] = {}
        for node in reversed(self.picture.nodes):
            users = [edge.target for edge in node.outgoing if edge.target.of is None]
            if node.of is None and node not in later and not (users and later.issuperset(users)):
                level[node] = max((level[user] + 1 for user in users if user in level), default=0)
        return level

    def inside_a_rank(self, edge: Edge | Bundle) -> bool:
        if edge.kind != SAVED or not isinstance(edge.target, Node):
            return False
        return self.level.get(edge.source, -1) == self.level.get(edge.target)

    def place_label(self, edge: Edge, look: dict[str, str]) -> None:
        """Move the label of a line inside a rank off the line, or to its beginning, where there are many."""
        if self.style.rankdir == "LR" and "label" in look and self.inside_a_rank(edge):
            if self.crowds[self.level[edge.source]] > CROWD:
                look |= {"taillabel": look.pop("label"), "labeldistance": "3"}
            else:
                words = len(edge.source.label) + 6
                look["label"] = look["label"].replace("</TR>", cell("", f'WIDTH="{6 * words}"') + "</TR>")


def walk(ends: list[Node], key: Callable[[Node], float]) -> list[Node]:
    """List forward nodes from the outputs back, the arguments of an op in the order of `key`, then as they come."""
    found: dict[Node, None] = {}
    waiting = ends[::-1]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found[node] = None
            waiting += sorted((edge.source for edge in node.incoming), key=key)[::-1]
    return list(found)


def needed(node: Node, boxes: dict[Node, Node], upper: dict[Node, int]) -> float:
    """Tell how far down the values stand that the gradient of a node needs; if it needs none, how far down the node."""
    edges = boxes[node].incoming if node in boxes else []
    places = [upper[edge.source] for edge in edges if edge.kind == SAVED and edge.source in upper]
    return sum(places) / len(places) if places else upper[node]
