"""Recurrent graphs in columns, one for each time step, and time from left to right.

Invisible points keep the columns in order; a value carried from the bottom of one step to the top of the next goes
round the corner in three pieces; no edge between steps has a label, which `dot` can't place.
"""

from collections import Counter

import graphviz

from .dot import POINT, Composition
from .frames import crosses, stem
from .model import FORWARD, SAVED, Bundle, Edge, Fold, Frame, Node, ends

# No way to hold the columns succeeds with every graph, so a picture that comes out in another order is laid out again:
# led    a row of invisible points above the steps, which also leads carried values to the left of their column, and
#        the states that the first step starts from
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
        self.consumers = Counter((edge.source, edge.target.step) for edge in self.picture.edges)
        folds = {fold.step: self.ids[fold] for fold in filter(whole, self.picture.folds)}
        for steps in self.picture.sequences:
            self.columns.append([folds.get(step, f"f{step.order}") for step in steps])
            around = self.inside[steps[0].parent]
            start = f"o{steps[0].sequence}"
            anchor(around, [start, *(f(step) for step in steps for f in (self.head, self.gap))])
            for state in self.initial(steps[0]) if self.style.anchors == "led" else ():
                self.graph.edge(start, self.ids[state], style="invis", weight="4")
            if self.style.anchors == "held":
                anchor(around, [self.foot(step) for step in steps])
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

        self.stack_frames()

    def stack_frames(self) -> None:
        """Keep what comes before the loop above its frame, and what comes after it, with its weights, below."""
        first = self.picture.sequences[0][0]
        for node in self.picture.nodes:
            used = any(edge.target.step for edge in node.outgoing)
            if node.alias and node.expression and used:
                self.graph.edge(self.ids[node], self.head(first), style="invis")
            if node.step is None:
                parents = [self.shown(edge.source) for edge in node.incoming if edge.kind == FORWARD]
                before = [a for a in parents if not (isinstance(a, Node) and (a.alias or not a.expression))]
                beside = [a for a in parents if isinstance(a, Node) and not a.alias and not a.expression]
                for a in before:
                    for leaf in beside if a.place is not node.place else ():
                        self.graph.edge(self.ids[a], self.ids[leaf], style="invis")

    def find_depths(self) -> None:
        """Find how deep everything lies in its step, and what has no parent, or no child, inside it."""
        self.forward = [edge for edge in self.picture.edges if edge.kind == FORWARD]
        self.depth = {thing: 0 for thing in self.things() if thing.step}
        lying = [ends(edge) for edge in self.picture.edges if edge.kind != SAVED]
        inner = [(self.shown(a), self.shown(b)) for a, b in lying]
        inner = [(a, b) for a, b in inner if a in self.depth and b in self.depth and a.step is b.step]
        self.depth |= {edge.target: 1 for edge in self.picture.edges if edge.source.alias and edge.target in self.depth}
        for _ in range(100):  # edges come in forward order, but for those of folds
            before = dict(self.depth)
            for a, b in inner:
                self.depth[b] = max(self.depth[b], self.depth[a] + 1)
            if before == self.depth:
                break
        self.leading = {a for a, _ in inner}
        fed = {b for _, b in inner}
        self.entries: dict[Frame, list[Thing]] = {step: [] for steps in self.picture.sequences for step in steps}
        for fold in filter(whole, self.picture.folds):
            self.depth[fold] = self.level(fold)
            self.depth |= {a: self.depth[fold] - 1 for a, b in inner if b is fold}
        for thing in self.depth:
            if thing.step and thing not in fed:
                self.entries[thing.step].append(thing)
        self.order = {step: i for steps in self.picture.sequences for i, step in enumerate(steps)}

    def level(self, fold: Fold) -> int:
        """Find where a folded step stands: as high as the first value that an open step hands to it, or it to one."""
        from_open, to_open = [], []
        for edge in filter(crosses, self.forward):
            giver = self.shown(edge.source)
            if edge.target is fold and not whole(giver):
                from_open.append(self.depth[giver])
            if giver is fold and not whole(edge.target):
                to_open.append(self.depth[edge.target] + 1)
        return min(from_open, default=max(to_open, default=0))

    def initial(self, first: Frame) -> list[Node]:
        """Find the states that the first step starts from and later steps get round a corner."""
        begun = [edge for edge in self.forward if edge.target.step is first and edge.source.step is None]
        low = {stem(e.source.label) for e in filter(crosses, self.forward) if self.is_deep(e)}
        return list(dict.fromkeys(e.source for e in begun if not e.source.alias and stem(e.source.label) in low))

    def is_deep(self, edge: Edge | Bundle) -> bool:
        return self.depth[self.shown(edge.source)] > self.depth[edge.target] + 1

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
        for edge in self.forward:
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
        if not self.is_deep(edge) or self.order[there] != self.order[here] + 1:
            self.graph.edge(source, target, constraint="false", **look)
            if self.order[there] > self.order[here]:
                self.onward.append(look["id"])
            return
        if (edge.source, there) not in self.corners:
            corner = self.corners[edge.source, there] = f"w{len(self.corners)}"
            line = look | {"arrowhead": "none", "headclip": "false"}
            around = self.inside[here.parent]
            for point in (corner + "t", corner + "b"):
                around.node(point, id=point, **POINT)
                self.points.append(point)
            column = self.columns[here.sequence]
            self.columns.append([column[self.order[here]], corner + "t", column[self.order[there]]])
            self.graph.edge(source, corner + "b", **(line | {"id": corner + "out", "minlen": "0", "weight": "2"}))
            up = {"id": corner + "up", "weight": "3", "tailclip": "false"}
            self.graph.edge(corner + "t", corner + "b", **(line | up))
            height, weight = str(max(self.depth[edge.target] + 1, 2)), "20"
            if whole(edge.target):
                weight = "1"
                in_a_row(around, [corner + "t", target])
            self.graph.edge(self.gap(here), corner + "t", style="invis", weight=weight, minlen=height)
        corner = self.corners[edge.source, there]
        self.pieces[look["id"]] = corner + "out", corner + "up"
        if self.style.anchors == "led" and self.consumers[edge.source, there] <= 2:
            self.graph.edge(self.gap(here), target, style="invis", weight="0")
        self.graph.edge(corner + "t", target, minlen="0", weight="8", tailclip="false", **look)

    def between_layers(self, edge: Edge | Bundle, source: str, target: str, look: dict[str, str]) -> None:
        """Draw what a step hands down to the one below it, through the top of that one's frames.

        Left alone, the line would go round all of them: Graphviz lets it in only at the height of its end.
        """
        step = edge.target.step
        assert step is not None
        point = f"u{len(self.pieces)}"
        line = look | {"arrowhead": "none", "headclip": "false"}
        anchor(self.inside[step.parent], [self.head(step), point, self.gap(step)])
        self.home(edge.target).node(point + "i", id=point + "i", **POINT)
        self.points.append(point + "i")
        self.graph.edge(source, point, **(line | {"id": point + "out"}))
        self.graph.edge(point, point + "i", **(line | {"id": point + "in", "tailclip": "false"}))
        self.graph.edge(point + "i", target, tailclip="false", **look)
        self.pieces[look["id"]] = point + "out", point + "in"


def whole(thing: Thing) -> bool:
    """Tell whether it is a folded step, or several."""
    return isinstance(thing, Fold) and thing.step in thing.frames


def anchor(graph: graphviz.Digraph, points: list[str]) -> None:
    """Add invisible points in a row."""
    for point in points:
        graph.node(point, style="invis", **POINT)
    in_a_row(graph, points)


def in_a_row(graph: graphviz.Digraph, ids: list[str]) -> None:
    """Hold these on one line, from left to right."""
    with graph.subgraph() as line:
        line.attr(rank="same")
        for id in ids:
            line.node(id)
        for left, right in zip(ids, ids[1:]):
            line.edge(left, right, style="invis")
