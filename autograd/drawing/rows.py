"""Recurrent graphs with time from top to bottom: open steps below each other, for a page that scrolls."""

from itertools import pairwise

from .columns import Columns
from .dot import Composition
from .model import Bundle, Edge, Frame


class Rows(Columns):
    """Time steps as rows, each of them drawn downwards."""

    def arrange(self) -> None:
        """Let each step begin where the one before it ends."""
        self.find_depths()
        self.above: dict[Frame, str] = {}
        for steps in self.picture.sequences:
            for before, step in pairwise(steps):
                self.above[step] = self.ids[self.deepest(before)]
                for thing in self.entries[step]:
                    self.graph.edge(self.above[step], self.ids[thing], style="invis")

    def chip(self, edge: Edge | Bundle) -> str:
        before = len(self.chips)
        id = Composition.chip(self, edge)
        if len(self.chips) > before and edge.target.step in self.above:
            self.graph.edge(self.above[edge.target.step], id, style="invis")
        return id

    def between_steps(self, edge: Edge | Bundle, source: str, target: str, look: dict[str, str]) -> None:
        self.graph.edge(source, target, **look)

    between_layers = Composition.between_layers
