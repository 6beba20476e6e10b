"""A picture in words: a sentence for each thing in it, and all of them as a table, plain or in Markdown."""

import re
from collections.abc import Iterable, Sequence

from .model import CHAIN, FORWARD, SAVED, Bundle, Edge, Fold, Node, Picture

NO_FLOW = "no gradient flows"
ROWS = 400  # nodes in the table that stands in for a picture


def sentence(subject: Node | Fold | Edge | Bundle) -> str:
    """Say in words what a node, a fold or an edge shows."""
    if isinstance(subject, (Edge, Bundle)) and not subject.flows and subject.kind == SAVED:
        return f"{subject.source.label}, saved for {subject.target.label}"
    if isinstance(subject, Edge) and not subject.flows and subject.kind == CHAIN:
        return f"{subject.source.label} goes into {subject.target.label}: {subject.local_text()}"
    if isinstance(subject, (Edge, Bundle)) and not subject.flows:
        return f"{subject.source.label} to {subject.target.label}: {NO_FLOW}"
    if isinstance(subject, Bundle):
        sent = f"; sends {subject.sent.length}" if subject.sent else ""
        return f"{subject.source.label} into {subject.target.label}, folded{sent}"
    if isinstance(subject, Edge):
        sent = f"; sends {contribution(subject)}" if subject.sent else ""
        return f"{subject.fraction}: {subject.local_text()}{sent}"
    if isinstance(subject, Fold):
        lengths = {r.node: ", ".join(r.node.value.number(x, 2) for x in r.lengths) for r in subject.rows if r.lengths}
        through = [f"{node.label}'s gradient through the steps: {numbers}" for node, numbers in lengths.items()]
        parts = [f"{subject.label}, {subject.ops} ops folded", *(sentence(r.node) for r in subject.rows), *through]
        return ". ".join(parts)
    words = [f"{subject.label} = {subject.expression}" if subject.expression else f"{subject.label}, {subject.role}"]
    words += [f"shape {subject.value.shape}"] if subject.value.shape else []
    words.append(f"value {subject.value.summary}")
    known = subject.gradient is not None
    words.append(f"gradient {gradient(subject)}" if known else unknown(subject))
    return "; ".join(words)


def description(picture: Picture) -> str:
    """Say in a few sentences what a graph computes, from what, and what is amiss in it."""
    leaves = [node.label for node in picture.nodes if not node.expression and node is not picture.output]
    names = ", ".join(leaves[:12]) + (f" and {len(leaves) - 12} more" if len(leaves) > 12 else "")
    parts = [sentence(picture.output), *([f"Computed from {names}"] if leaves else [])]
    return " ".join([f"{part}." for part in parts] + picture.notes)


def gradient(node: Node) -> str:
    if node.gradient is None:
        return unknown(node)
    alarm = f" ({node.gradient.alarm})" if node.gradient.alarm else ""
    return f"{node.sum or node.gradient.length}{alarm}"


def unknown(node: Node) -> str:
    return "gradient not computed" if node.flows else "no gradient flows here"


def contribution(edge: Edge) -> str:
    return edge.chain or (edge.sent.length if edge.sent else "")


# ---- tables ----


def shown(picture: Picture) -> tuple[Sequence[Node], list[str]]:
    """Give the nodes that a table has room for, and what is to be said before it."""
    if len(picture.nodes) <= ROWS:
        return picture.nodes, list(picture.notes)
    return picture.nodes[-ROWS:], [*picture.notes, f"The last {ROWS} of {len(picture.nodes)} nodes:"]


def plain(picture: Picture) -> str:
    """Write a line for each node, and under it one for each of its edges."""
    nodes, remarks = shown(picture)
    lines = [picture.title, *remarks]
    for node in nodes:
        lines.append(sentence(node))
        lines += [f"    {sentence(edge)}" for edge in node.incoming]
    return "\n".join(lines) + "\n"


def markdown(picture: Picture) -> str:
    """Write two tables of GitHub's Markdown: a row for each node, a row for each edge."""
    nodes, remarks = shown(picture)
    parts = [f"**{escape(picture.title)}**", *map(escape, remarks)]
    parts.append(rows(("node", "is", "shape", "value ▶", "gradient ◀"), (
        (node.label, node.expression or node.role, str(node.value.shape or ""), node.value.summary, gradient(node))
        for node in nodes
    )))  # fmt: skip
    edges = [edge for node in nodes for edge in node.incoming]
    if edges:
        parts.append(rows(("from", "to", "local gradient ∂", "contribution ◀"), (
            (edge.source.label, edge.target.label, edge.local_text() if edge.flows or edge.kind != FORWARD else NO_FLOW,
             contribution(edge))
            for edge in edges
        )))  # fmt: skip
    return "\n\n".join(parts) + "\n"


def rows(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([escape(text) for text in line] for line in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escape(text: str) -> str:
    """Make text of text: no mark of Markdown or of HTML counts, and no address, mention or e-mail becomes a link (an
    empty comment stands in each).
    """
    text = re.sub(r"[\\`*_{}\[\]<>~|$&#]", r"\\\g<0>", text)
    text = re.sub(r"(?<=[^\W_])\\_(?=[^\W_])", "_", text)  # inside a word it is no mark, and names are full of them
    return re.sub(r"@(?=\w)|:(?=//)|(?<=www)\.", r"\g<0><!-- -->", text, flags=re.IGNORECASE)
