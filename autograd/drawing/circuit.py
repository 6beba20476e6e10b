"""The circuit of CS231n: ops are gates, values and gradients ride on the wires. For graphs of numbers.

What one gate hands to one other is a wire. Leaves, the output, and what is used several times have a box.
"""

from .dot import Composition
from .label import (
    FILLS,
    GRADIENT,
    LOCAL,
    SPACE,
    VALUE,
    arrow,
    cell,
    figure,
    font,
    on_a_line,
    row,
    scalar_label,
    table,
    text,
)
from .model import Bundle, Edge, Fold, Node

CIRCLE = 3  # letters that a round gate has room for


class Circuit(Composition):
    """Gates and wires."""

    def arrange(self) -> None:
        nodes = self.picture.nodes
        self.gates: dict[Node | Fold, str] = {
            node: f"g{i}" if boxed(node) else f"n{i}" for i, node in enumerate(nodes) if node.expression
        }
        edges = [edge for edge in self.picture.edges if isinstance(edge, Edge) and self.style.edges == "full"]
        self.mentioned = {node for edge in edges for node in edge.mentions}
        self.graph.attr(nodesep=".25", ranksep=".25")

    def draw_node(self, node: Node) -> None:
        home, id = self.home(node), self.ids[node]
        if node.expression:
            home.node(self.gates[node], f"<{font(f'<B>{text(node.gate)}</B>', size=13)}>", **self.gate_look(node))
            if boxed(node):
                self.graph.edge(self.gates[node], id, id=f"w{self.gates[node]}")
        if boxed(node) or not node.expression:
            head = font(name(node), size=12)
            label = scalar_label(node, head) if boxed(node) else f"<{table([row(cell(head))])}>"
            home.node(id, label, **self.look(node))

    def gate_look(self, node: Node) -> dict[str, str]:
        size = ".42" if len(node.gate) < CIRCLE else ".5"
        look = {"id": self.gates[node], "fillcolor": FILLS["gate"], "margin": ".06,0", "height": size, "width": size}
        look |= {"shape": "circle", "fixedsize": "true"} if len(node.gate) <= CIRCLE else {"shape": "ellipse"}
        return look | ({"penwidth": "3", "color": "#000000"} if node.bad else {})

    def draw_edge(self, edge: Edge | Bundle, id: str) -> None:
        source, target = self.ends(edge)
        look = self.line(edge, id) | self.pull(edge)
        if lines := self.wire(edge):
            gap = [row(cell("", 'HEIGHT="4" COLSPAN="3"'))] if self.style.rankdir == "LR" else []  # to the wires around
            look["label"] = on_a_line(lines, gap)
        self.graph.edge(source, self.gates.get(edge.target, target), **look)

    def wire(self, edge: Edge | Bundle) -> list[str]:
        """Write what rides on a wire: value, local gradient of the gate that it enters, contribution. What a box says
        is not said again.
        """
        source, lines = edge.source, []
        alone = len(source.outgoing) == 1
        if alone or source.alias:
            value = figure("▶", source.value.number(source.value.scalar), VALUE)
            named = source.expression and (source.named or source in self.mentioned)
            lines.append(f"{font(name(source) + SPACE, size=11)}{value}" if named else value)
        if edge.flows and isinstance(edge, Edge) and self.style.edges != "none":
            local = edge.local.number(edge.local.scalar) if edge.local else edge.formula
            exact = self.style.edges == "full" and edge.local and edge.formula not in ("", local)
            lines.append(font(text(f"∂ {edge.formula} = {local}" if exact else f"∂ {local}"), LOCAL))
        if edge.flows:
            sent = edge.sent.length if edge.sent else "–"
            if alone and source.gradient:
                sent = (source.sum or sent) + arrow(source.gradient)
            lines.append(figure("◀", sent, GRADIENT))
        return lines


def boxed(node: Node) -> bool:
    """Tell whether a value stands in a box: the output, or what several ops use."""
    return len(node.outgoing) != 1


def name(node: Node) -> str:
    tag = "B" if node.named else "I"
    return f"<{tag}>{text(node.label)}</{tag}>"
