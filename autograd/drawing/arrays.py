"""The arrays behind the boxes of a picture, as tables of a page: every entry, on the colour of its heat cell."""

from html import escape

import numpy as np

from .dot import Composition
from .label import color
from .model import Fold, Node, Quantity
from .number import rounded

IN_FULL = 512  # entries; of a larger array, the page holds what the heat cells show
DARK = 0.179  # of the light of white; on what is darker, white is read more easily than black


def sections(composition: Composition) -> str:
    """Write a section for each box, in HTML, and for each value that leaves a fold. Shared weights have one as well,
    which their aliases open.
    """
    boxes: dict[str, list[Node]] = {}
    aliases: dict[str, list[str]] = {}
    for thing, id in composition.ids.items():
        boxes[id] = [row.node for row in thing.rows] if isinstance(thing, Fold) else [thing]
    for (node, *_), id in composition.chips.items():
        aliases.setdefault(composition.ids[node], []).append(id)
    weights = {composition.ids[node]: f' data-weight="{i}"' for i, node in enumerate(composition.picture.weights)}
    return "\n".join(
        f'<section data-boxes="{" ".join([id, *aliases.get(id, [])])}"{weights.get(id, "")}>\n'
        + "\n".join(described(node, row) for row, node in enumerate(nodes))
        + "\n</section>"
        for id, nodes in boxes.items()
        if nodes
    )


def described(node: Node, row: int) -> str:
    """Write one value and its gradient; `row` is where it stands in a fold."""
    what = f" = {node.expression}" if node.expression else f", {node.role}"
    parts = [f"<h3>{escape(node.label)}<small>{escape(what)}</small></h3>", array("value", "▶ value", node.value)]
    if node.gradient is not None:
        parts.append(f'<div data-row="{row}">{array("gradient", "◀ gradient", node.gradient)}</div>')
    elif not node.flows:
        parts.append("<p>No gradient flows here.</p>")
    return "\n".join(parts)


def array(kind: str, name: str, q: Quantity) -> str:
    """Write what an array is, and its entries: a row for each combination of all indices but the last."""
    facts = [str(q.shape), q.dtype] if q.shape else [q.dtype]
    if q.scalar is not None:
        name += f" {q.number(q.scalar)}"
        facts += [repr(q.scalar)] if rounded(q.scalar, q.digits) != q.scalar else []
    elif q.size:
        facts += [f"mean {q.number(q.mean)}", f"standard deviation {q.number(q.deviation)}"]
        facts += [f"from {q.number(q.least)} to {q.number(q.most)}", f"norm {q.number(q.norm)}"]
    facts += [f"{q.bad} of {q.size} NaN or infinite"] if q.bad and q.size > 1 else []
    head = f'<h4><span class="{kind}">{name}</span> <small>{escape(", ".join(facts))}</small></h4>'
    if q.size < 2:
        return head
    rows, cut = q.rows, f"<p>The first {len(q.rows[0])} columns of the first {len(q.rows)} rows.</p>"
    if q.entries is not None and q.size <= IN_FULL:
        rows, cut = q.entries.reshape(-1, q.shape[-1]).tolist(), ""
    lines = [f"<tr><th></th>{''.join(f'<th>{i}</th>' for i in range(len(rows[0])))}</tr>"]
    for index, line in zip(np.ndindex(q.shape[:-1]), rows):
        lines.append(f"<tr><th>{', '.join(map(str, index))}</th>{''.join(entry(x, q) for x in line)}</tr>")
    return f"{head}\n<table>{''.join(lines)}</table>{cut}"


def entry(x: float, q: Quantity) -> str:
    fill = color(float(x), q.largest)
    r, g, b = (int(fill[i : i + 2], 16) / 255 for i in (1, 3, 5))
    ink = ";color:#FFF" if 0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2 < DARK else ""
    return f'<td style="background:{fill}{ink}">{q.number(x)}</td>'
