"""From what a picture shows to a Graphviz graph: what stands where. The DOT text depends on the graph alone.

Recurrent graphs stand in columns, one for each time step. Invisible points keep their order; a value carried from the
bottom of one step to the top of the next goes round the corner in three pieces; no edge between steps has a label,
which `dot` can't place.
"""

from dataclasses import dataclass

import graphviz

from .frames import common, crosses, stem
from .label import FILLS, edge_label, legend_label, node_label, panel_label, text
from .model import Edge, Frame, Node, Picture

FONT = "Helvetica,Arial,sans-serif"
CARRIED = {"c": "#0F4C75", "h": "#C0679C"}  # values that one time step hands to the next, by the stem of their name
OTHERS = ("#0F4C75", "#4B7F1F", "#8A5A00", "#C0679C")
TINTS = ("#F3F0FA", "#F0F6FA", "#F2F8F0", "#FBF6EC")
# No way to hold the columns succeeds with every graph, so a picture that comes out in another order is laid out again:
# led    a row of invisible points above the steps, which also leads carried values to the left of their column
# plain  the row alone
# held   a second row below the steps: always in order so far, but often wider
ANCHORS = ("led", "plain", "held")
POINT = {"shape": "point", "width": ".01", "label": ""}


@dataclass(frozen=True)
class Style:
    """One way to draw a picture: how much each node (`full`, `cells`, `tiny`) and each edge says, and the direction."""

    mode: str
    edges: str
    rankdir: str
    legend: bool
    anchors: str = "led"  # what holds the columns of time in order: see ANCHORS


class Composition:
    """A picture as a Graphviz graph. Ids are counters, so the same picture gives the same bytes.

    graph     the graphviz.Digraph
    subjects  what each id stands for
    """

    def __init__(self, picture: Picture, style: Style):
        self.picture, self.style = picture, style
        self.graph = graphviz.Digraph(
            "picture",
            graph_attr={
                "rankdir": style.rankdir, "nodesep": ".18", "ranksep": ".35" if style.mode != "tiny" else ".3",
                "pad": ".1", "bgcolor": "transparent", "fontname": FONT, "charset": "UTF-8",
            },
            node_attr={
                "shape": "box", "style": "rounded,filled", "fontname": FONT, "fontsize": "11", "color": "#555555",
                "fillcolor": "#FFFFFF", "margin": ".07,.03" if style.mode != "tiny" else ".05,.02",
                "width": "0", "height": "0",
            },
            edge_attr={"color": "#666666", "arrowsize": ".55", "fontname": FONT, "fontsize": "10"},
        )  # fmt: skip
        label = legend_label(picture, style.mode, style.legend, style.edges)
        if label:
            self.graph.attr(label=label, labelloc="b", labeljust="l")
        self.ids = {node: f"n{i}" for i, node in enumerate(picture.nodes)}
        self.subjects: dict[str, Node | Edge] = {id: node for node, id in self.ids.items()}
        self.inside: dict[Frame | None, graphviz.Digraph] = {None: self.graph}
        self.chips: dict[tuple[Node, Frame | None], str] = {}
        self.columns = bool(picture.sequences) and style.rankdir == "TB"
        stems = dict.fromkeys(stem(edge.source.label) for edge in picture.edges if crosses(edge))
        self.carried = {s: CARRIED.get(s, OTHERS[i % len(OTHERS)]) for i, s in enumerate(stems)}
        for frame in picture.frames:
            self.inside[frame] = graphviz.Digraph(f"cluster_{frame.order}", graph_attr=self.frame_look(frame))
        self.entries = self.find_entries()
        if self.columns:
            self.make_columns()
        for node in picture.nodes:
            if not (node.alias and not node.expression):
                self.inside[node.place].node(self.ids[node], node_label(node, style.mode), **self.look(node))
        for i, edge in enumerate(picture.edges):
            self.subjects[f"e{i}"] = edge
            self.draw_edge(edge, f"e{i}")
        self.make_panel()
        for frame in sorted(picture.frames, key=lambda frame: (-frame.depth, frame.order)):  # the innermost first
            self.inside[frame.parent].subgraph(self.inside[frame])

    def look(self, node: Node) -> dict[str, str]:
        look = {"id": self.ids[node], "fillcolor": FILLS[node.role]}
        if node.role == "parameter":
            look["penwidth"] = "1.8"
        if node.role == "constant":
            look["color"] = "#AAAAAA"
        if node is self.picture.output:
            look |= {"peripheries": "2", "fillcolor": FILLS["result"] if node.expression else FILLS[node.role]}
        if node.value.bad or (node.gradient and node.gradient.bad):
            look |= {"penwidth": "3", "color": "#000000"}
        return look

    def frame_look(self, frame: Frame) -> dict[str, str]:
        outer = frame.column is frame or frame.parent is None
        fill = "#F7F8FA" if outer else "#FFFFFF"
        if frame.label.startswith("gate"):
            fill = TINTS["ifgo".find(frame.label[-1]) % 4]
        size = max(13 - frame.depth, 11)
        return {
            "label": f'<<FONT POINT-SIZE="{size}"><B>{text(frame.label)}</B></FONT>>',
            "labeljust": "l", "labelloc": "t",
            "margin": "6", "style": "rounded,filled", "fillcolor": fill, "color": "#9AA5B1" if outer else "#C4CBD3",
            "id": f"f{frame.order}",
        }  # fmt: skip

    # ---- edges ----

    def draw_edge(self, edge: Edge, id: str) -> None:
        target = self.ids[edge.target]
        source = self.chip(edge) if edge.source.alias else self.ids[edge.source]
        look = {"id": id} | ({"weight": "2"} if edge.target.symbol.startswith("[") else {})
        if not edge.flows:
            look |= {"style": "dashed", "color": "#AAAAAA"}
        if crosses(edge):
            look |= {"penwidth": "2"} if edge.flows else {}
            look["color"] = self.carried[stem(edge.source.label)] if edge.flows else "#AAAAAA"
            if self.columns:
                self.carry(edge, source, target, look)
                return
            look["constraint"] = "false"
        elif edge.source.step is None or edge.source.step is edge.target.step:
            label = edge_label(edge, self.style.mode, self.style.edges)
            if label:
                look["label"] = label
        self.graph.edge(source, target, **look)

    def chip(self, edge: Edge) -> str:
        """Give the alias of a shared value in the frame that uses it."""
        node, place = edge.source, edge.target.place
        if (node, place) not in self.chips:
            id = self.chips[node, place] = f"a{len(self.chips)}"
            self.subjects[id] = node
            label = f"<{text(node.name(True))}>"
            look = {"style": "rounded,filled,dashed", "fillcolor": FILLS[node.role], "margin": ".04,.02"}
            self.inside[place].node(id, label, id=id, fontsize="11", **look)
            if self.columns and place and place.column and edge.target in self.entries[place.column]:
                self.graph.edge(self.head(place.column), id, style="invis", weight="10")
        return self.chips[node, place]

    # ---- columns of time ----

    def find_entries(self) -> dict[Frame, list[Node]]:
        """For each time step, the nodes without a parent inside it; and how deep every node lies in its step."""
        self.depth: dict[Node, int] = {}
        entries: dict[Frame, list[Node]] = {frame: [] for steps in self.picture.sequences for frame in steps}
        for node in self.picture.nodes:  # in the order of the forward pass
            step = node.step
            if step is None or node.alias:
                continue
            before = [self.depth[edge.source] for edge in node.incoming if edge.source.step is step]
            self.depth[node] = max(before, default=-1) + 1
            if not before:
                entries[step].append(node)
        return entries

    def head(self, step: Frame) -> str:
        return f"p{step.sequence}_{step.step}"

    def foot(self, step: Frame) -> str:
        return f"r{step.sequence}_{step.step}"

    def gap(self, step: Frame) -> str:
        return f"q{step.sequence}_{step.step}"

    def make_columns(self) -> None:
        """Keep the steps side by side and in order, by a row of invisible points above them."""
        for steps in self.picture.sequences:
            around = self.inside[steps[0].parent]
            in_a_row(around, [point for step in steps for point in (self.head(step), self.gap(step))])
            if self.style.anchors == "held":
                in_a_row(around, [self.foot(step) for step in steps])
                for node in self.depth:
                    step = node.step
                    if step in steps and all(edge.target.step is not step for edge in node.outgoing):
                        self.graph.edge(self.ids[node], self.foot(step), style="invis", weight="5")
            for step in steps:
                for node in self.entries[step]:
                    self.graph.edge(self.head(step), self.ids[node], style="invis", weight="10")
        for step, above in self.stacked().items():
            self.graph.edge(self.ids[self.deepest(above)], self.head(step), style="invis", weight="10")
        self.corners: dict[tuple[Node, Frame], str] = {}

    def deepest(self, step: Frame) -> Node:
        return max((node for node in self.depth if node.step is step), key=lambda node: self.depth[node])

    def stacked(self) -> dict[Frame, Frame]:
        """Find the layers: for a step that takes values from one of another sequence, that one, to stand above it."""
        above = {}
        for edge in self.picture.edges:
            a, b = edge.source.step, edge.target.step
            if a and b and a.sequence < b.sequence and a.step == b.step:
                above[b] = a
        return above

    def carry(self, edge: Edge, source: str, target: str, look: dict[str, str]) -> None:
        """Draw what a step hands to another: directly where that is flat, else through the gap between the columns."""
        here, there = edge.source.step, edge.target.step
        assert here is not None and there is not None  # it crosses from one to the other
        deep = self.depth[edge.source] > self.depth[edge.target] + 1
        if not deep or there.step != here.step + 1:
            self.graph.edge(source, target, constraint="false", **look)
            return
        line = {name: value for name, value in look.items() if name != "id"}
        if (edge.source, there) not in self.corners:
            corner = self.corners[edge.source, there] = f"w{len(self.corners)}"
            around = self.inside[here.parent]
            for point in (corner + "t", corner + "b"):
                around.node(point, color=look["color"], **POINT)
            line |= {"arrowhead": "none", "headclip": "false"}
            self.graph.edge(source, corner + "b", minlen="0", weight="2", **line)
            self.graph.edge(corner + "t", corner + "b", weight="3", tailclip="false", **line)
            self.graph.edge(self.gap(here), corner + "t", style="invis", weight="20", minlen="2")
        if self.style.anchors == "led":
            self.graph.edge(self.gap(here), target, style="invis", weight="0")
        top = self.corners[edge.source, there] + "t"
        self.graph.edge(top, target, minlen="0", weight="8", tailclip="false", **look)

    # ---- shared weights ----

    def make_panel(self) -> None:
        weights = [node for node in self.picture.nodes if node.alias and not node.expression and node.flows]
        if not weights:
            return
        look = {"fillcolor": FILLS["parameter"], "penwidth": "1.8", "id": "weights"}
        if not self.columns:
            self.graph.node("weights", panel_label(weights), **look)
            return
        last = self.picture.sequences[-1]
        around = common([steps[0].parent for steps in self.picture.sequences])
        self.inside[around].node("weights", panel_label(weights), **look)
        self.graph.edge(self.ids[self.deepest(last[len(last) // 2])], "weights", style="invis")


def in_a_row(graph: graphviz.Digraph, points: list[str]) -> None:
    """Add invisible points that stand from left to right."""
    with graph.subgraph() as line:
        line.attr(rank="same")
        for point in points:
            line.node(point, style="invis", **POINT)
        for left, right in zip(points, points[1:]):
            line.edge(left, right, style="invis")
