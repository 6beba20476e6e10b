"""The picture as a Mermaid flowchart, which GitHub and many editors draw where Markdown holds one."""

import re
from collections.abc import Sequence

from .dot import FOLDED, Composition
from .frames import crosses, stem
from .label import FILLS, value_sign
from .model import Bundle, Edge, Frame, Node, Row
from .table import contribution, gradient

MAX_EDGES, MAX_CHARACTERS = 500, 50_000  # Mermaid draws no more, unless the page that shows it says so
LINES = {  # of the boxes, the second cue beside the fill
    "parameter": "#555555,stroke-width:3px",
    "constant": "#777777,stroke-dasharray:2 2",
    "alias": "#555555,stroke-dasharray:6 3",
    "fold": f"{FOLDED[1]},stroke-width:2px",
    "bad": "#000000,stroke-width:5px",
    "remark": "#FFFFFF",
}
SHAPES = {"result": '[["{}"]]', "input": '["{}"]', "constant": '["{}"]'}  # the others have round corners


def flowchart(composition: Composition) -> str:
    """Write the nodes, edges and frames of a composition. Where they stand is Mermaid's affair."""
    picture, ids = composition.picture, composition.ids
    body: dict[Frame | None, list[str]] = {None: []} | {frame: [] for frame in picture.frames}
    classes: dict[str, None] = {}

    def box(place: Frame | None, id: str, kind: str, lines: Sequence[str]) -> None:
        while place not in body:
            place = place.parent if place else None
        body[place].append(id + SHAPES.get(kind, '("{}")').format(label(lines)) + f":::{kind}")
        classes[kind] = None

    panel = [node for node in picture.nodes if node.listed]
    for node in picture.nodes:
        if not node.listed:
            box(node.place, ids[node], kind_of(node), node_lines(node))
    for fold in picture.folds:
        box(fold.place, ids[fold], "fold", [f"▸ {fold.label} · {fold.ops} ops", *map(row_line, fold.rows)])
    for (node, place, _), id in composition.chips.items():
        box(place, id, "alias", [node.name(True)])
    for frame in sorted(picture.frames, key=lambda frame: (-frame.depth, frame.order)):  # the innermost first
        inner = [f"    {line}" for line in body.pop(frame)]
        body[frame.parent] += [f'subgraph f{frame.order}["{escape(frame.label)}"]', *inner, "end"]
    if panel:
        head = "shared weights: one gradient, summed over every use"
        box(None, "panel", "parameter", [head, *(" ".join(node_lines(node)) for node in panel)])
    if picture.notes or picture.hidden:
        box(None, "remark", "remark", [*picture.notes, picture.hidden])
    lines = body[None]
    colored: dict[str, list[str]] = {}
    for i, edge in enumerate(picture.edges):
        source, target = composition.ends(edge)
        words = label(edge_lines(edge, composition.style.edges))
        arrow = ("-->" if edge.flows else "-.->") + (f'|"{words}"|' if words else "")
        lines.append(f"{source} {arrow} {target}")
        color = composition.carried.get(stem(edge.source.label)) if crosses(edge) and edge.flows else None
        if color and not edge.source.alias:
            colored.setdefault(color, []).append(str(i))
    lines += [f"linkStyle {','.join(which)} stroke:{color},stroke-width:2.5px" for color, which in colored.items()]
    fills = FILLS | {"alias": FILLS["parameter"], "fold": FOLDED[0], "bad": FILLS["activation"], "remark": "#FFFFFF"}
    for kind in classes:  # the fills are light on a dark page, too
        lines.append(f"classDef {kind} fill:{fills[kind]},color:#1a1a1a,stroke:{LINES.get(kind, '#555555')}")
    if picture.frames:
        lines.append("classDef frame fill:#F7F8FA,color:#1a1a1a,stroke:#9AA5B1")
        lines.append(f"class {','.join(f'f{frame.order}' for frame in picture.frames)} frame")
    lines.insert(0, f"accTitle: {escape(picture.title)}")
    return "\n".join([f"flowchart {composition.style.rankdir}", *(f"    {line}" for line in lines)]) + "\n"


def kind_of(node: Node) -> str:
    return "bad" if node.bad else node.role


def node_lines(node: Node) -> list[str]:
    head = f"{node.label} = {node.expression}" if node.expression else node.label
    return [f"{head} {node.value.shape or ''}".rstrip(), f"{value_sign(node)[0]} {node.value.summary}", sent_back(node)]


def row_line(row: Row) -> str:
    return f"{row.node.label} {value_sign(row.node)[0]} {row.node.value.summary} {sent_back(row.node)}"


def sent_back(node: Node) -> str:
    return f"◀ {gradient(node) if node.gradient else '–'}" if node.gradient or (node.flows and not node.single) else ""


def edge_lines(edge: Edge | Bundle, how: str) -> list[str]:
    """Write the local gradient and the contribution, as the picture does."""
    if isinstance(edge, Bundle) or not edge.flows or how == "none" or crosses(edge):
        return []
    local = edge.local_text()
    if how == "number" and edge.local and edge.local.scalar is not None:
        local = edge.local.number(edge.local.scalar)
    return [f"∂ {local}", f"◀ {contribution(edge)}" if edge.sent else ""]


def label(lines: Sequence[str]) -> str:
    return "<br/>".join(escape(line) for line in lines if line)


MEANS = (
    r"[^\w ,=()/+.:\[\]@'\u0080-\uffff]|(?<![^\W_])_|_(?![^\W_])|@(?=\S)|\](?=\()|(?<=\d)\.(?!\d)|(?<=www)\.|:(?=/)|"
    r"^[\x00-\x7f](?<![a-z])"
)


def escape(text: str) -> str:
    """Write text for a quoted label. To Mermaid a label is Markdown and HTML; what could mean something there becomes
    one of Mermaid's codes. Formulas (`$$`), icons (`fa:`) and the codes' own marks (`ﬂ°`) are found behind a code as
    well: an invisible space parts these.
    """
    text = re.sub(r"[$ﬂ¶]|:(?=[a-z])", "\\g<0>\u200b", text, flags=re.IGNORECASE)
    return re.sub(MEANS, lambda sign: f"#{ord(sign[0])};", text, flags=re.IGNORECASE)
