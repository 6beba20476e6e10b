"""Folded time steps side by side: the grid of boxes of a textbook. Layers stand below each other.

Drawn to the right, each step is a rank of its own, and edges inside it keep the order from top to bottom. Clusters
would break that, so there are none.
"""

import re

from .dot import Composition
from .label import text
from .model import Bundle, Edge, Fold, Frame


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
                time = int(re.sub(r"\D", "", thing.step.label))
                ranks.setdefault(time, []).append(self.ids[thing])
                loop = isinstance(thing, Fold) and len(thing.frames) > 1
                labels[time] = "⋯" if loop else thing.step.label
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

    def between_steps(self, edge: Edge | Bundle, source: str, target: str, look: dict[str, str]) -> None:
        self.graph.edge(source, target, **look)
