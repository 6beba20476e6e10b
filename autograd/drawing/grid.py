"""Folded time steps side by side: the grid of boxes of a textbook. Layers stand below each other.

Drawn to the right, each step is a rank of its own, and edges inside it keep the order from top to bottom. Clusters
would break that, so there are none.
"""

import re

from .dot import Composition
from .label import text
from .model import Bundle, Edge, Fold, Frame, Node


class Grid(Composition):
    """Time steps as ranks, drawn to the right."""

    def framed(self) -> list[Frame]:
        return []

    def arrange(self) -> None:
        """Give every time step a head, and its things the same rank."""
        ranks: dict[int, list[str]] = {}
        labels: dict[int, str] = {}
        for thing in self.things():
            if thing.step:
                time = self.time(thing)
                ranks.setdefault(time, []).append(self.ids[thing])
                loop = isinstance(thing, Fold) and len(thing.frames) > 1
                labels[time] = "⋯" if loop else thing.step.label
        for steps in self.picture.sequences:
            if when(steps[0]) > when(steps[-1]):  # what a sequence that runs backward starts from
                begun = (edge.source for edge in self.picture.edges if edge.target.step is steps[0])
                starts = (node for node in begun if node.step is None and not node.alias and not node.expression)
                ranks[when(steps[0])] += [self.ids[node] for node in starts]
        whole = len(self.picture.sequences) == 1 and all(fold.step in fold.frames for fold in self.picture.folds)
        heads = {time: f"p{i}" for i, time in enumerate(sorted(ranks))}
        for time, head in heads.items():
            with self.graph.subgraph() as rank:
                rank.attr(rank="same")
                look = {"style": "invis", "shape": "point"} if whole else {"shape": "plaintext", "style": "solid"}
                rank.node(head, "" if whole else f"<<B>{text(labels[time])}</B>>", fontsize="13", **look)
                for id in ranks[time]:
                    rank.node(id)
                rank.edge(head, ranks[time][0], style="invis")
        for left, right in zip(sorted(heads), sorted(heads)[1:]):
            self.graph.edge(heads[left], heads[right], style="invis", weight="10")

    def time(self, thing: Node | Fold) -> int:
        """Give the time at which something stands; of several steps, the first of them."""
        assert thing.step is not None
        return (
            min(map(when, thing.frames)) if isinstance(thing, Fold) and thing.step in thing.frames else when(thing.step)
        )

    def between_steps(self, edge: Edge | Bundle, source: str, target: str, look: dict[str, str]) -> None:
        if self.time(self.shown(edge.source)) > self.time(edge.target):  # a sequence that runs backward
            back = "forward" if look.get("dir") == "back" else "back"
            self.graph.edge(target, source.split(":")[0], **(look | {"dir": back}))
        else:
            self.graph.edge(source, target, **look)

    def between_layers(self, edge: Edge | Bundle, source: str, target: str, look: dict[str, str]) -> None:
        """Leave the side of a box only for another time, not for what stands below it."""
        same = self.time(self.shown(edge.source)) == self.time(edge.target)
        self.graph.edge(source.split(":")[0] if same else source, target, **look)


def when(step: Frame) -> int:
    return int(re.sub(r"\D", "", step.label))
