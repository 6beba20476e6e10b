"""From what a picture shows to a Graphviz graph: what stands where. The DOT text depends on the graph alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import graphviz

from .frames import MOST, crosses, stem
from .label import FILLS, GRADIENT, VALUE, edge_label, fold_label, legend_label, node_label, text
from .model import CHAIN, FORWARD, SAVED, Bundle, Edge, Fold, Frame, Node, Picture

FONT = "Helvetica,Arial,sans-serif"
CARRIED = {"c": "#0F4C75", "h": "#C0679C"}  # values that one time step hands to the next, by the stem of their name
OTHERS = ("#0F4C75", "#BF840A", "#55490A", "#C0679C")  # told apart by the colour-blind, too
TINTS = ("#F3F0FA", "#F0F6FA", "#F2F8F0", "#FBF6EC")  # of gates, open and folded
FOLDED_TINTS = ("#E9E3F6", "#E0ECF8", "#E3F1DD", "#F8ECD2")
FOLDED = "#F3F4F7", "#7A8794"  # fill and border of other folds
MANY = 4  # uses of a value; more would pull the chain of ops that it enters at each step askew
Alias = tuple[Node, Frame | None, Node | Fold | None]
POINT = {"shape": "point", "width": ".01", "label": ""}


@dataclass(frozen=True)
class Style:
    """One way to draw a picture: how much each node and each edge says, and the direction.

    mode  how much a node says, "full", "cells", "tiny"; or "circuit"
    """

    mode: str
    edges: str
    rankdir: str
    legend: bool
    anchors: str = "led"  # what holds the columns of time in order
    grid: bool = False  # folded time steps, one beside the other
    down: bool = False  # time runs from top to bottom
    halves: bool = False  # forward and backward pass, one beside the other


class Composition:
    """A picture as a Graphviz graph. Ids are counters, so the same picture gives the same bytes.

    graph     the graphviz.Digraph
    subjects  what each id stands for
    columns   the ids of the boxes, and of the points between them, that have to stand from left to right
    onward    the ids of the edges that have to lead to the right
    pieces    of an edge that goes round corners: the ids of the two lines before its own
    points    the ids of the corners
    """

    def __init__(self, picture: Picture, style: Style):
        self.picture, self.style = picture, style
        self.graph = graphviz.Digraph(
            "picture",
            graph_attr={
                "rankdir": style.rankdir, "nodesep": ".18", "ranksep": ".35" if style.mode != "tiny" else ".3",
                "pad": ".1", "bgcolor": "#FFFFFF", "fontname": FONT, "charset": "UTF-8",
            },
            node_attr={
                "shape": "box", "style": "rounded,filled", "fontname": FONT, "fontsize": "11", "color": "#555555",
                "fillcolor": "#FFFFFF", "margin": ".07,.03" if style.mode != "tiny" else ".05,.035",
                "width": "0", "height": "0",
            },
            edge_attr={"color": "#666666", "arrowsize": ".55", "fontname": FONT, "fontsize": "10"},
        )  # fmt: skip
        label = legend_label(picture, style.mode, style.legend, style.edges)
        if label:
            self.graph.attr(label=label, labelloc="b", labeljust="l")
        self.ids: dict[Node | Fold, str] = {node: f"n{i}" for i, node in enumerate(picture.nodes)}
        self.ids |= {fold: f"k{i}" for i, fold in enumerate(picture.folds)}
        self.subjects: dict[str, Node | Fold | Edge | Bundle] = {id: thing for thing, id in self.ids.items()}
        self.fold_of = {node: fold for fold in picture.folds for row in fold.rows for node in row.nodes}
        self.ports = {node: i for fold in picture.folds for i, row in enumerate(fold.rows) for node in row.nodes}
        self.inside: dict[Frame | None, graphviz.Digraph] = {None: self.graph}
        self.chips: dict[Alias, str] = {}
        self.columns: list[list[str]] = []
        self.onward: list[str] = []
        self.pieces: dict[str, tuple[str, str]] = {}
        self.points: list[str] = []
        stems = dict.fromkeys(stem(edge.source.label) for edge in picture.edges if self.carries(edge))
        self.carried = {s: CARRIED.get(s, OTHERS[i % len(OTHERS)]) for i, s in enumerate(stems)}
        for frame in self.framed():
            self.inside[frame] = graphviz.Digraph(f"cluster_{frame.order}", graph_attr=self.frame_look(frame))
        self.arrange()
        for node in picture.nodes:
            if not node.listed:
                self.draw_node(node)
        for fold in picture.folds:
            self.home(fold).node(self.ids[fold], fold_label(fold, style.mode), **self.fold_look(fold))
        for i, edge in enumerate(picture.edges):
            self.subjects[f"e{i}"] = edge
            self.draw_edge(edge, f"e{i}")
        for frame in sorted(self.framed(), key=lambda frame: (-frame.depth, frame.order)):  # the innermost first
            self.inside[frame.parent].subgraph(self.inside[frame])

    # ---- what a layout in time steps does in another way ----

    def framed(self) -> list[Frame]:
        """Give the frames that are drawn."""
        return self.picture.frames

    def arrange(self) -> None:
        """Add what keeps things in their places."""

    def between_steps(self, edge: Edge | Bundle, source: str, target: str, look: dict[str, str]) -> None:
        """Draw what one time step hands to another."""
        self.graph.edge(source, target, constraint="false", **look)

    def place_label(self, edge: Edge, look: dict[str, str]) -> None:
        """Change where the label of an edge stands."""

    def between_layers(self, edge: Edge | Bundle, source: str, target: str, look: dict[str, str]) -> None:
        """Draw what a time step hands to one of another sequence."""
        self.graph.edge(source, target, **look)

    # ---- nodes ----

    def home(self, thing: Node | Fold) -> graphviz.Digraph:
        """Give the innermost frame around a thing that is drawn."""
        place = thing.place
        while place is not None and place not in self.inside:
            place = place.parent
        return self.inside[place]

    def shown(self, thing: Node | Fold) -> Node | Fold:
        """Give what stands for a node: itself, or the fold that it leaves."""
        return self.fold_of.get(thing, thing) if isinstance(thing, Node) else thing

    def things(self) -> Iterator[Node | Fold]:
        yield from (node for node in self.picture.nodes if not node.alias)
        yield from self.picture.folds

    def draw_node(self, node: Node) -> None:
        self.home(node).node(self.ids[node], node_label(node, self.style.mode), **self.look(node))

    def look(self, node: Node) -> dict[str, str]:
        look = {"id": self.ids[node], "fillcolor": FILLS[node.role]}
        if node.role == "parameter":
            look["penwidth"] = "1.8"
        if node.role == "input":
            look["style"] = "filled"
        if node.role == "constant":
            look["style"] = "filled,dotted"
        if node.role == "gradient":
            look |= {"penwidth": "1.3", "color": GRADIENT}
        if node is self.picture.output:
            role = "result" if node.expression and node.role != "gradient" else node.role
            look |= {"peripheries": "2", "fillcolor": FILLS[role]}
        if node.bad:
            look |= {"penwidth": "3", "color": "#000000"}
        return look

    def fold_look(self, fold: Fold) -> dict[str, str]:
        fill, border = FOLDED
        bad = any(row.node.bad for row in fold.rows)
        return {
            "id": self.ids[fold], "fillcolor": tint(fold.frames[0], FOLDED_TINTS) or fill,
            "color": "#000000" if bad else border, "penwidth": "3" if bad else "1.6",
        }  # fmt: skip

    def frame_look(self, frame: Frame) -> dict[str, str]:
        outer = frame.column is frame or frame.parent is None
        size = max(13 - frame.depth, 11)
        beside = {"circuit": "14", "tiny": "10", "cells": "10"}  # labels beside narrow boxes take some of it
        margin = "6" if self.style.edges == "none" else beside.get(self.style.mode, "6")
        return {
            "label": f'<<FONT POINT-SIZE="{size}"><B>{text(frame.label)}</B></FONT>>', "labeljust": "l",
            "labelloc": "t", "fillcolor": tint(frame, TINTS) or ("#F7F8FA" if outer else "#FFFFFF"),
            "margin": margin, "style": "rounded,filled",
            "color": "#9AA5B1" if outer else "#C4CBD3", "id": f"f{frame.order}",
        }  # fmt: skip

    # ---- edges ----

    def carries(self, edge: Edge | Bundle) -> bool:
        """Tell whether an edge hands a state to the next step. A number beside arrays is none: the sum of losses."""
        return crosses(edge) and (self.picture.scalar or edge.source.value.scalar is None)

    def line(self, edge: Edge | Bundle, id: str) -> dict[str, str]:
        if edge.kind == SAVED:
            return {"id": id, "style": "dashed", "color": VALUE, "constraint": "false"}
        if edge.kind == CHAIN:
            return {"id": id, "dir": "back", "color": GRADIENT, "penwidth": "1.6"}
        if not edge.flows:
            return {"id": id, "style": "dashed", "color": "#AAAAAA"}
        handed_on = edge.source.step is not edge.target.step and not edge.source.alias
        color = self.carried.get(stem(edge.source.label)) if handed_on else None
        return {"id": id, "penwidth": "2", "color": color} if color else {"id": id}

    def pull(self, edge: Edge | Bundle) -> dict[str, str]:
        """Keep a value of many uses from pulling at each of them."""
        return {"weight": "0"} if len(edge.source.outgoing) > MANY else {}

    def draw_edge(self, edge: Edge | Bundle, id: str) -> None:
        fold = self.fold_of.get(edge.source)
        (source, target), look = self.ends(edge), self.line(edge, id)
        here, there = edge.source.step, edge.target.step
        if edge.kind == CHAIN:  # declared as its mirror image is, so that both lie alike
            source, target = target, source
        loop = fold and len(fold.frames) > 1 and crosses(edge)
        sideways = fold and here is not there and not self.style.down and (self.style.grid or loop)
        if sideways and edge.kind == FORWARD:
            source += f":r{self.ports[edge.source]}:e"
        if crosses(edge) and edge.kind != SAVED:
            self.between_steps(edge, source, target, look)
            return
        if here is not there and here and there and edge.kind == FORWARD:
            self.between_layers(edge, source, target, look)
            return
        if isinstance(edge, Edge):
            look |= {"weight": "2"} if edge.target.symbol.startswith("[") else {}
            look |= self.pull(edge)
            if not fold and here in (None, there) and (edge.kind != SAVED or self.style.halves):
                inside = edge.source.place is not None and edge.source.place is edge.target.place
                # Graphviz gives a frame no room for labels
                narrow = inside and self.style.rankdir == "TB" and len(edge.dense_formula) > 4
                label = edge_label(edge, self.style.mode, self.style.edges, narrow)
                look |= {"label": label} if label else {}
                self.place_label(edge, look)
        self.graph.edge(source, target, **look)

    def ends(self, edge: Edge | Bundle) -> tuple[str, str]:
        """Give the ids of the boxes at the two ends of an edge."""
        alias = edge.source.alias and edge.source not in self.fold_of
        return self.chip(edge) if alias else self.ids[self.shown(edge.source)], self.ids[edge.target]

    def reading_order(self) -> list[str]:
        """Give the ids of the boxes as the forward pass comes to them, a fold and an alias before what uses them."""
        place = {self.ids[node]: float(i) for i, node in enumerate(self.picture.nodes)}
        ends = [self.ends(edge) for edge in self.picture.edges]
        for fold in reversed(self.picture.folds):
            users = [place[target] for source, target in ends if source == self.ids[fold] and target in place]
            place[self.ids[fold]] = min(users, default=len(place)) - 0.5
        for source, target in ends:
            place.setdefault(source, place[target] - 0.25)
        return sorted(place, key=lambda id: place[id])

    def chip(self, edge: Edge | Bundle) -> str:
        """Give the alias of a shared value in the frame that uses it."""
        node, key = edge.source, alias_of(edge)
        if key not in self.chips:
            id = self.chips[key] = f"a{len(self.chips)}"
            self.subjects[id] = node
            label = f"<{text(node.name(True))}>"
            look = {"style": "rounded,filled,dashed", "fillcolor": FILLS[node.role], "margin": ".04,.02"}
            self.home(edge.target).node(id, label, id=id, fontsize="11", **look)
        return self.chips[key]


def alias_of(edge: Edge | Bundle) -> Alias:
    """Say which alias an edge begins at: the one of its frame, or one for this use alone if there are very many."""
    return edge.source, edge.target.place, edge.target if len(edge.source.outgoing) > MOST else None


def tint(frame: Frame, tints: Sequence[str]) -> str:
    """Give the colour of a gate, another for each of an LSTM or a GRU; nothing for another frame."""
    return tints["ifgorzcn".find(frame.label[-1]) % 4] if frame.label.startswith("gate") else ""
