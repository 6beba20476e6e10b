"""Recurrent graphs in columns, one for each time step, and time from left to right.

Invisible points keep the columns in order; a value carried from the bottom of one step to the top of the next goes
round the corner in three pieces; no edge between steps has a label, which `dot` can't place.
"""

import graphviz

from .dot import POINT, Composition
from .model import SAVED, Bundle, Edge, Fold, Frame, Node, ends

# No way to hold the columns succeeds with every graph, so a picture that comes out in another order is laid out again:
# led    a row of invisible points above the steps, which also leads carried values to the left of their column
# plain  the row alone
# held   a second row below the steps: always in order so far, but often wider
ANCHORS = ("led", "plain", "held")
Thing = Node | Fold


class Columns(Composition):
    """Time steps as columns, drawn downwards."""

    def arrange(self) -> None:
        """Keep the steps side by side and in order, by a row of invisible points above them."""
        self.corners: dict[tuple[Node, Frame], str] = {}
        self.find_depths()
        folds = {fold.step: fold for fold in self.picture.folds if fold.step in fold.frames}
        for steps in self.picture.sequences:
            self.columns.append([self.ids[folds[step]] if step in folds else f"f{step.order}" for step in steps])
            around = self.inside[steps[0].parent]
            in_a_row(around, [point for step in steps for point in (self.head(step), self.gap(step))])
            if self.style.anchors == "held":
                in_a_row(around, [self.foot(step) for step in steps])
                for thing in self.depth:
                    if thing.step in steps and thing not in self.leading:
                        self.graph.edge(self.ids[thing], self.foot(thing.step), style="invis", weight="5")
            for step in steps:
                for thing in self.entries[step]:
                    self.graph.edge(
                        self.head(step), self.ids[thing], style="invis", weight="10", minlen=str(self.depth[thing] + 1)
                    )
        for step, above in self.stacked().items():
            self.graph.edge(self.ids[self.deepest(above)], self.head(step), style="invis", weight="10")

    def find_depths(self) -> None:
        """Find how deep everything lies in its step, and what has no parent, or no child, inside it."""
        self.depth = {thing: 0 for thing in self.things() if thing.step}
        lying = [ends(edge) for edge in self.picture.edges if edge.kind != SAVED]
        inner = [(self.shown(a), self.shown(b)) for a, b in lying]
        inner = [(a, b) for a, b in inner if a in self.depth and b in self.depth and a.step is b.step]
        for _ in range(100):  # edges come in forward order, but for those of folds
            before = dict(self.depth)
            for a, b in inner:
                self.depth[b] = max(self.depth[b], self.depth[a] + 1)
            if before == self.depth:
                break
        self.leading = {a for a, _ in inner}
        fed = {b for _, b in inner}
        self.entries: dict[Frame, list[Thing]] = {step: [] for steps in self.picture.sequences for step in steps}
        for steps in self.picture.sequences:  # a folded loop stands low, where the state is computed
            bottom = max(depth for thing, depth in self.depth.items() if thing.step in steps)
            for fold in self.picture.folds:
                if fold.step in steps and len(fold.frames) > 1:
                    self.depth[fold] = max(bottom - 2, 0)
        for thing in self.depth:
            if thing.step and thing not in fed:
                self.entries[thing.step].append(thing)
        self.order = {step: i for steps in self.picture.sequences for i, step in enumerate(steps)}

    def head(self, step: Frame) -> str:
        return f"p{step.sequence}_{step.step}"

    def foot(self, step: Frame) -> str:
        return f"r{step.sequence}_{step.step}"

    def gap(self, step: Frame) -> str:
        return f"q{step.sequence}_{step.step}"

    def deepest(self, step: Frame) -> Thing:
        return max((thing for thing in self.depth if thing.step is step), key=lambda thing: self.depth[thing])

    def stacked(self) -> dict[Frame, Frame]:
        """Find the layers: for a step that takes values from one of another sequence, that one, to stand above it."""
        above = {}
        for edge in self.picture.edges:
            a, b = self.shown(edge.source).step, edge.target.step
            if a and b and a.sequence < b.sequence and a.step == b.step:
                above[b] = a
        return above

    def chip(self, edge: Edge | Bundle) -> str:
        before = len(self.chips)
        id = super().chip(edge)
        step = edge.target.step
        if step and len(self.chips) > before and edge.target in self.entries[step]:
            self.graph.edge(self.head(step), id, style="invis", weight="10")
        return id

    def between_steps(self, edge: Edge | Bundle, source: str, target: str, look: dict[str, str]) -> None:
        """Draw what a step hands to another: directly where that is flat, else through the gap between the columns."""
        giver = self.shown(edge.source)
        here, there = giver.step, edge.target.step
        assert here is not None and there is not None  # it crosses from one to the other
        flat = isinstance(edge.target, Fold) and len(edge.target.frames) > 1  # it stands beside what hands it over
        deep = not flat and self.depth[giver] > self.depth[edge.target] + 1
        if not deep or self.order[there] != self.order[here] + 1:
            self.graph.edge(source, target, constraint="false", **look)
            return
        if (edge.source, there) not in self.corners:
            corner = self.corners[edge.source, there] = f"w{len(self.corners)}"
            line = look | {"arrowhead": "none", "headclip": "false"}
            around = self.inside[here.parent]
            for point in (corner + "t", corner + "b"):
                around.node(point, color=look.get("color", "#666666"), **POINT)
            self.graph.edge(source, corner + "b", **(line | {"id": corner + "out", "minlen": "0", "weight": "2"}))
            up = {"id": corner + "up", "weight": "3", "tailclip": "false"}
            self.graph.edge(corner + "t", corner + "b", **(line | up))
            self.graph.edge(self.gap(here), corner + "t", style="invis", weight="20", minlen="2")
        corner = self.corners[edge.source, there]
        self.pieces[look["id"]] = corner + "out", corner + "up"
        if self.style.anchors == "led":
            self.graph.edge(self.gap(here), target, style="invis", weight="0")
        self.graph.edge(corner + "t", target, minlen="0", weight="8", tailclip="false", **look)


def in_a_row(graph: graphviz.Digraph, points: list[str]) -> None:
    """Add invisible points that stand from left to right."""
    with graph.subgraph() as line:
        line.attr(rank="same")
        for point in points:
            line.node(point, style="invis", **POINT)
        for left, right in zip(points, points[1:]):
            line.edge(left, right, style="invis")
