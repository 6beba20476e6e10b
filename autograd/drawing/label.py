"""The text of a node and an edge, in Graphviz's HTML-like language. All text of the user's passes `text()`."""

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from html import escape

from .model import CHAIN, FORWARD, SAVED, Edge, Fold, Node, Picture, Quantity, Row, fraction
from .number import number

VALUE, GRADIENT, LOCAL, GREY = "#00603F", "#B23A00", "#5B2C83", "#666666"
POSITIVE, NEGATIVE, ZERO = (230, 97, 1), (33, 102, 172), "#FFFFFE"  # not #FFFFFF, which dark mode turns
MAX_CELLS = 120  # nodes: beyond these no heat cells, they would make the file too large
FILLERS = 9  # empty cells beside the legend: Graphviz shares spare width out among all cells
MAX_STRIP, MAX_LOOP = 40, 20  # cells in the strip of a shared weight, of a folded loop; of more uses, some are left out
FILLS = {
    "parameter": "#FCE4D6",
    "input": "#DDEBF7",
    "constant": "#F2F2F2",
    "activation": "#FFFFFF",
    "result": "#E2EFDA",
    "gate": "#EFE7F6",  # of a circuit
    "gradient": "#FDF1EA",
}
SPACE = "&#160;"
SIGN = 14  # pixels beside an array
SIZE = re.compile(r'<TABLE[^>]*FIXEDSIZE="TRUE" WIDTH="(\d+)" HEIGHT="(\d+)"')


def text(s: str) -> str:
    """Escape for an HTML-like label. Graphviz reads a backslash twice, and leaves `&lt;` as it is: so a zero-width
    space parts what looks like an entity (and goes again when the SVG is finished). A label of nothing but `]` would be
    a syntax error.
    """
    return escape(s).replace("\\", "&#92;&#92;").replace("&amp;", "&amp;\u200b").replace("]", "&#93;") or SPACE


def font(content: str, color: str = "", size: float = 0) -> str:
    attributes = (f' COLOR="{color}"' if color else "") + (f' POINT-SIZE="{size:g}"' if size else "")
    return f"<FONT{attributes}>{content}</FONT>"


def row(*cells: str) -> str:
    return f"<TR>{''.join(cells)}</TR>"


def cell(content: str, attributes: str = "") -> str:
    return f"<TD{' ' + attributes if attributes else ''}>{content}</TD>"


def table(rows: Iterable[str], padding: int = 2, attributes: str = "") -> str:
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}"{attributes}>{"".join(rows)}</TABLE>'
    )


def color(x: float, largest: float) -> str:
    """Give white for 0, to orange for +largest, to blue for -largest; black for NaN and infinity."""
    if x != x or x in (float("inf"), float("-inf")):
        return "#000000"
    part = min(abs(x) / largest, 1) ** 0.7 if largest else 0
    if part < 0.004:
        return ZERO
    target = POSITIVE if x > 0 else NEGATIVE
    return "#" + "".join(f"{round(255 + (c - 255) * part):02X}" for c in target)


def heat(rows: Sequence[Sequence[float]], largest: float, width: int = 8, height: int = 8, more: bool = False) -> str:
    """Draw an array as coloured cells; `more` adds dots. All sizes are fixed, or Graphviz would stretch the table."""
    size = f'FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'
    body = "".join(row(*(f'<TD {size} BGCOLOR="{color(x, largest)}"></TD>' for x in line)) for line in rows)
    across, down = len(rows[0]) * width + 2, len(rows) * height + 2
    cells = (
        f'<TABLE BORDER="1" COLOR="#BBBBBB" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" '
        f'FIXEDSIZE="TRUE" WIDTH="{across}" HEIGHT="{down}">{body}</TABLE>'
    )
    if not more:
        return cells
    dots = cell(font("⋯", GREY, 9), f'FIXEDSIZE="TRUE" WIDTH="12" HEIGHT="{down}"')
    return table([row(cell(cells), dots)], 0, f' FIXEDSIZE="TRUE" WIDTH="{across + 12}" HEIGHT="{down}"')


def cells_of(quantity: Quantity, fixed: bool = False) -> str:
    """Draw an array's first entries; with `fixed`, 1 and -1 have the full colours."""
    if not quantity.rows or not quantity.rows[0]:
        return font("empty", GREY, 9)
    side = 6 if len(quantity.rows[0]) > 8 else 8
    return heat(quantity.rows, max(quantity.largest, 1) if fixed else quantity.largest, side, side, quantity.clipped)


def signed(sign: str, quantity: Quantity, tone: str) -> str:
    """Draw an array's first entries behind a sign. All sizes are fixed, or the two would drift apart in a wide box."""
    cells = cells_of(quantity)
    size = SIZE.match(cells)
    if size is None:
        return figure(sign, "", tone) + cells
    across, down = int(size[1]), max(int(size[2]), SIGN)
    mark = cell(font(sign, tone, 11), f'FIXEDSIZE="TRUE" WIDTH="{SIGN}" HEIGHT="{down}"')
    whole = f' FIXEDSIZE="TRUE" WIDTH="{SIGN + across}" HEIGHT="{down}"'
    return table([row(mark, cell(cells, f'FIXEDSIZE="TRUE" WIDTH="{across}" HEIGHT="{down}"'))], 0, whole)


# ---- nodes ----


def node_label(node: Node, mode: str) -> str:
    """Write a node: `full` (name, expression, value, gradient), `cells` (without statistics) or `tiny`."""
    head = heading(node, mode)
    if mode == "tiny":
        return "<" + table([row(cell(head)), row(cell(tiny_line(node)))], 0) + ">"
    if node.value.scalar is not None:
        return scalar_label(node, head)
    return "<" + table([row(cell(head)), row(cell(table([arrays(node, mode)], 2 if mode == "full" else 1)))]) + ">"


def scalar_label(node: Node, head: str) -> str:
    """Write a number and its gradient under a heading."""
    sign, tone = value_sign(node)
    value = figure(sign, node.working or node.value.number(node.value.scalar), tone)
    if node.single:
        return "<" + table([row(cell(head)), row(cell(value))]) + ">"
    grad = (node.sum or node.gradient.length) + arrow(node.gradient) if node.gradient else "–"
    gradient = figure("◀", grad, GRADIENT)
    if len(grad) > 14 or node.working:
        left = 'ALIGN="LEFT"'
        return "<" + table([row(cell(head)), row(cell(value, left)), row(cell(gradient, left))]) + ">"
    return "<" + table([row(cell(head, 'COLSPAN="2"')), row(cell(value), cell(gradient))]) + ">"


def value_sign(node: Node) -> tuple[str, str]:
    """Give sign and colour of a value; that of a backward pass is itself a gradient."""
    return ("◀", GRADIENT) if node.role == "gradient" and node.single else ("▶", VALUE)


def heading(node: Node, mode: str) -> str:
    dense = mode != "full"
    right_side = node.symbol.replace(", ", ",") if dense else node.expression
    shape = font(text(str(node.value.shape)), GREY, 10) if node.value.shape and mode != "tiny" else ""
    gap = SPACE if shape else ""  # at the end of a run: a space at the beginning of one would be lost in a browser
    anonymous = dense and node.expression and not node.named and not node.alias
    bold = "B" if node.named or anonymous else "I"
    head = text(right_side if anonymous else node.label) + (gap if anonymous or not node.expression else SPACE)
    head = f"<{bold}>{head}</{bold}>"
    if node.expression and not anonymous:
        head += f"={SPACE}{text(right_side)}{gap}"
    return font(head + shape, size=12 if mode != "tiny" else 11)


def figure(sign: str, what: str, color: str, size: float = 11) -> str:
    what = f"<B>{text(what)}</B>" if "NaN" in what or "∞" in what else text(what)
    return font(f"{sign}{SPACE}{what}", color, size)


def tiny_line(node: Node) -> str:
    parts = []
    sign, tone = value_sign(node)
    if sign == "◀":
        parts.append(figure(sign, node.value.length.strip("‖"), tone, 10))
    elif node.value.scalar is not None or node.value.bad:
        parts.append(figure(sign, node.value.summary, tone, 10))
    if node.flows and not node.single:
        gradient = "–" if node.gradient is None else node.gradient.length.strip("‖") + arrow(node.gradient)
        parts.append(figure("◀", gradient, GRADIENT, 10))
    return (SPACE * 2).join(parts) or font(text(str(node.value.shape)), GREY, 10)


def arrow(gradient: Quantity) -> str:
    if gradient.bad or not gradient.alarm:
        return ""
    return " ▲" if gradient.alarm == "exploding" else " ▼"


def arrays(node: Node, mode: str) -> str:
    """Write value and gradient side by side, each as cells above a line of statistics."""
    shown = []
    of_value, tone = value_sign(node)
    for sign, quantity, color in ((of_value, node.value, tone), ("◀", node.gradient, GRADIENT)):
        if quantity is not node.value and (node.single or not node.flows):
            continue
        if quantity is None or quantity.scalar is not None:
            shown.append(cell(figure(sign, "–" if quantity is None else quantity.summary, color)))
            continue
        line = quantity.length if sign == "◀" else quantity.summary
        if node.sum and sign == "◀":
            line = node.sum
        alarm = f"{arrow(quantity)} {quantity.alarm}" if sign == "◀" and arrow(quantity) else ""
        rows = [row(cell(signed(sign, quantity, color)))]
        if mode == "full" or quantity.bad or alarm or (node.sum and sign == "◀"):
            rows.append(row(cell(font(text(line + alarm), color, 10))))
        shown.append(cell(table(rows, 1)))
    return row(*shown)


# ---- folds ----


def fold_label(fold: Fold, mode: str) -> str:
    """Write a fold: what it is, a row for each value that leaves it, the weights that it uses."""
    loop = len(fold.frames) > 1
    head = f"<B>{text('▸ ' + fold.label)}{'' if mode == 'tiny' and not loop else SPACE * 2}</B>"
    if mode == "tiny" and not loop:
        rows = [row(cell(font(head, size=11)))]
        for r in fold.rows:
            name = font(text(row_name(r)) + SPACE * 2, size=10)
            rows.append(row(cell(name + tiny_line(r.node))))
        return f"<{table(rows, 0)}>"
    ops = font(f"{fold.ops} op{'s' * (fold.ops != 1)}", GREY, 10)
    rows = [row(cell(font(head, size=12) + ops))]
    if fold.rows:
        rows.append(row(cell(table([fold_row(r, i) for i, r in enumerate(fold.rows)], 1))))
    if fold.shared:
        rows.append(row(cell(font(text(shared_names(fold.shared)), size=10))))
    return f"<{table(rows, 1)}>"


def fold_row(r: Row, index: int) -> str:
    """Write a value that leaves a fold; `index` names the port."""
    node, left = r.node, 'ALIGN="LEFT"'
    shown = [cell(f"<B>{text(row_name(r))}</B>{SPACE}", left)]
    sign, tone = value_sign(node)
    figures = [(sign, node.value, tone), ("◀", node.gradient, GRADIENT)]
    for sign, quantity, tone in figures[:1] if node.single else figures:
        if quantity is not None and quantity.scalar is None:
            shown.append(cell(signed(sign, quantity, tone), left))
        else:
            shown.append(cell(figure(sign, "–" if quantity is None else quantity.summary, tone), left))
    if r.lengths:
        first, cells, last = strip(r.lengths, node.value.digits, logarithmic=True)
        shown += [cell(first, 'ALIGN="RIGHT"'), cell(cells), cell(last, left)]
    shown[-1] = shown[-1].replace("<TD", f'<TD PORT="r{index}"', 1)
    return row(*shown)


def row_name(r: Row) -> str:
    return f"{r.part} {r.node.label if r.node.named else r.node.symbol}".strip()


def shared_names(shared: Sequence[Node]) -> str:
    """Name what a fold shares with others: the weights, counted if they are many."""
    weights = [node.label for node in shared if node.role == "parameter"]
    others = [node.name(True) for node in shared if node.role != "parameter"]
    names = weights if len(weights) <= 3 else [f"{len(weights)} weights"]
    return " ".join((others if len(others) <= 3 else [f"{len(others)} inputs"]) + names)


def strip(lengths: Sequence[float], digits: int, logarithmic: bool = False) -> tuple[str, str, str]:
    """Draw sizes in a row of small cells, with the first and the last in numbers; of very many, some."""
    first, last = (font(text(number(x, digits - 2)), GRADIENT, 10) for x in (lengths[0], lengths[-1]))
    most = MAX_LOOP if logarithmic else MAX_STRIP
    if len(lengths) > most:
        lengths = [lengths[round(i * (len(lengths) - 1) / (most - 1))] for i in range(most)]
    shades = lengths
    if logarithmic:  # from the smallest, faint, to the largest
        finite = [math.log(x) for x in lengths if 0 < x < math.inf]
        low, high = (min(finite), max(finite)) if finite else (0, 0)
        shades = [0.08 + 0.92 * (math.log(x) - low) / (high - low or 1) if 0 < x < math.inf else x for x in lengths]
    finite = [x for x in shades if x < math.inf]
    cells = heat([shades], max(finite, default=0), 7, 12)
    return first, cells, last


# ---- edges ----


def edge_label(edge: Edge, mode: str, edges: str, narrow: bool = False) -> str:
    """Write the local gradient and the contribution; empty where there is nothing to say.

    narrow  cells stand under their formula, not beside it
    """
    if edge.kind == SAVED:
        return saved_label(edge, mode, edges)
    if edge.kind == CHAIN and edge.sent is None:  # the local gradient stands at the forward edge already
        return ""
    if not edge.flows or edges == "none":
        return ""
    dense = mode != "full"
    formula = edge.dense_formula if dense else edge.formula
    lines = []
    if edge.local is not None and edge.local.scalar is not None:
        value = edge.local.number(edge.local.scalar)
        if edges == "number" or dense:
            lines += [font(text(f"∂ {value}"), LOCAL)] if edge.kind == FORWARD else []
            lines += [font(text(f"◀ {edge.sent.length}"), GRADIENT)] if edge.sent and edges == "number" else []
        else:
            middle = f" = {formula}" if formula not in ("", value) else ""
            if edge.kind == FORWARD:
                lines.append(font(text(f"{edge.fraction}{middle} = {value}"), LOCAL))
            lines += [font(text(f"◀ {edge.chain}"), GRADIENT)] if edge.chain else []
    else:
        local = ""
        if edge.kind == CHAIN:
            pass
        elif edge.linear:
            local = font(text(f"∂ {formula or edge.target.symbol + ': linear'}"), LOCAL)
        elif edge.local is not None:
            same_shape = edge.source.value.shape == edge.target.value.shape
            if edge.local.same is None:
                local = font(text(f"∂ {formula}" if formula and edges == "full" else "∂"), LOCAL)
                cells = cells_of(edge.local, fixed=True)
                lines = (
                    [row(cell(local, 'ALIGN="LEFT"')), row(cell(cells))] if narrow else [row(cell(local), cell(cells))]
                )
                local, lines = table(lines, 1), []
            elif not (mode == "tiny" and edge.local.same == 1 and same_shape):
                value = edge.local.number(edge.local.same)
                local = font(text(f"∂ {formula or value}"), LOCAL)
        if local:
            lines.append(local)
        if edge.sent is not None and len(edge.source.outgoing) > 1 and not edge.source.alias:
            lines.append(font(text(f"◀ {edge.sent.length}"), GRADIENT))
    if not lines:
        return ""
    return on_a_line(lines)


def saved_label(edge: Edge, mode: str, edges: str) -> str:
    lines = [font(text(f"saved {edge.source.name(mode != 'full')}"), VALUE)]
    if edges != "none" and edge.local is not None:
        lines.append(font(text(f"∂ {edge.local.summary}"), LOCAL))
    if edges != "none" and edge.sent is not None:
        lines.append(font(text(f"◀ {edge.sent.length}"), GRADIENT))
    return on_a_line(lines)


def on_a_line(lines: Iterable[str], gap: Sequence[str] = ()) -> str:
    """Write the label of an edge; `gap` holds rows before and after it."""
    body = (row(cell(SPACE), cell(line, 'ALIGN="LEFT"'), cell(SPACE)) for line in lines)
    return f'<<FONT POINT-SIZE="10">{table([*gap, *body, *gap], 0)}</FONT>>'


# ---- what stands beside the graph ----


def panel_label(weights: Sequence[Node], first: dict[Node, Node]) -> str:
    """Write the shared weights: one gradient each, the sum over every use, and how much each use gave.

    `first` holds the boxes of the gradients, where these are drawn here and not in the graph.
    """
    left = 'ALIGN="LEFT"'
    steps = [[edge.target.step for edge in node.outgoing] for node in weights]
    through_time = all(None not in uses and len(set(uses)) == len(uses) for uses in steps)
    over = "time step" if through_time else "use"
    title = f"<B>shared weights: one gradient, summed over every {over}</B>"
    rows_of_labels = {tuple(use.label for use in uses if use) for uses in steps if through_time}
    labels = next(iter(rows_of_labels), ())
    in_turn = len(rows_of_labels) == 1 and len(set(labels)) == len(labels)
    order = f"{labels[0]} … {labels[-1]}" if in_turn else f"by {over}, first to last"
    many = len(weights) > 6 and 2 * max(map(panel_width, weights)) < 1000  # then they stand in two columns
    half = (len(weights) + 1) // 2 if many else len(weights)
    blocks = []
    for part in filter(None, (weights[:half], weights[half:])):
        columns = [aligned(column) for column in zip(*(panel_row(node, first.get(node)) for node in part))]
        rows = [row(cell("", 'COLSPAN="7"'), cell(font(text(order), GRADIENT, 10), 'COLSPAN="2"'))]
        sides = ["LEFT"] * 6 + ["RIGHT", "LEFT", "LEFT"]
        for line in zip(*columns):
            rows.append(row(*(cell(content, f'ALIGN="{side}"') for content, side in zip(line, sides))))
        blocks.append(cell(table(rows)))
    lines = [row(cell(font(title, size=11), left))]
    if through_time:
        sigma = (
            "backpropagation through time: ◀ = Σ over t of what step t contributes; at the right the size of each term"
        )
        lines.append(row(cell(font(text(sigma), GRADIENT, 10), left)))
    return table([*lines, row(cell(table([row(*blocks)], 6)))], 1)


def panel_width(node: Node) -> float:
    """Estimate the pixels that a row of the panel takes."""
    columns = max((len(line) for line in node.value.rows), default=1)
    uses = min(len(node.outgoing), MAX_STRIP)
    return 7 * len(node.label) + 30 + 16 * columns + 150 + 7 * uses + 70


def panel_row(node: Node, box: Node | None) -> list[str]:
    """Write one shared weight; its gradient stands in a box of its own where a backward pass is drawn."""
    gradient, value, pieces = node.gradient, node.value, [edge.sent for edge in node.outgoing]
    if box is not None:
        gradient, pieces = box.value, [edge.part for edge in box.incoming][::-1]
    sent = [piece.norm for piece in pieces if piece is not None]
    name = f"<B>{text(node.label)}{SPACE}</B>" + font(text(str(value.shape)), GREY, 10) * bool(value.shape)
    shown = [
        font(q.number(q.scalar), c, 11) if q and q.scalar is not None else cells_of(q) if q else font("–", c, 11)
        for q, c in ((value, VALUE), (gradient, GRADIENT))
    ]
    length = gradient.length if gradient else "–"
    note = node.sum if "≠" in node.sum else f"{length} = sum of {len(sent)} uses" if gradient else ""
    strips = strip(sent, value.digits) if sent else ("", "", "")
    signs = font("▶", VALUE, 11), font("◀", GRADIENT, 11)
    return [font(name, size=12), signs[0], shown[0], signs[1], shown[1], font(text(note), GRADIENT, 10), *strips]


def aligned(column: Sequence[str]) -> list[str]:
    """Let arrays of different widths begin at the same place: Graphviz centres a table of fixed size in its cell."""
    sizes = [SIZE.match(content) for content in column]
    widest = max((int(size[1]) for size in sizes if size), default=0)
    result = []
    for content, size in zip(column, sizes):
        spare = widest - int(size[1]) if size else 0
        if size and spare:
            whole = f'FIXEDSIZE="TRUE" HEIGHT="{size[2]}" WIDTH='
            fixed = cell(content, f'{whole}"{size[1]}"')
            content = table([row(fixed, cell("", f'{whole}"{spare}"'))], 0, f' {whole}"{widest}"')
        result.append(content)
    return result


def remark(words: str, color: str) -> str:
    """Write a sentence in lines that are no wider than the legend, which would be stretched."""
    lines = "".join(f'{text(line)}<BR ALIGN="LEFT"/>' for line in textwrap.wrap(words, 88))
    return row(cell(font(lines, color, 10), 'ALIGN="LEFT" BALIGN="LEFT"'))


def swatch(role: str) -> str:
    """Draw a small box with the fill and the border of a role; see `Composition.look`."""
    line = GRADIENT if role == "gradient" else "#555555"
    look = f'COLOR="{line}" BGCOLOR="{FILLS.get(role, FILLS["parameter"])}" '
    border = {
        "parameter": 'BORDER="2" STYLE="ROUNDED"',
        "gate": 'BORDER="1" STYLE="ROUNDED"',
        "gradient": 'BORDER="1" STYLE="ROUNDED"',
        "constant": 'BORDER="1" STYLE="DOTTED"',
        "alias": 'BORDER="1" STYLE="ROUNDED,DASHED"',
    }
    if role != "result":
        return cell(role, look + border.get(role, 'BORDER="1"') + ' CELLPADDING="4"')
    inner = (
        f'<TABLE BORDER="1" COLOR="#555555" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{row(cell(role))}</TABLE>'
    )
    return cell(inner, look + 'BORDER="1" CELLPADDING="1"')


def spread(content: str) -> str:
    """Keep a cell from growing with a wider row: what is spare goes to empty ones beside it."""
    return cell(table([row(content, *[cell("")] * FILLERS)], 0), 'ALIGN="LEFT"')


def legend_label(picture: Picture, mode: str, legend: bool, edges: str) -> str:
    """Write the shared weights, the notes, what is folded, and what the signs mean."""
    rows = []
    first = {node.of: node for node in picture.nodes if node.listed and node.of}
    weights = picture.weights
    if weights:
        box = f'BORDER="2" CELLPADDING="4" STYLE="ROUNDED" COLOR="#555555" BGCOLOR="{FILLS["parameter"]}"'
        rows.append(row(spread(cell(panel_label(weights, first), box))))
    rows += [remark(note, GRADIENT) for note in picture.notes[:4]]
    rows += [remark(picture.hidden, GREY)] if picture.hidden else []
    cells_shown = not picture.scalar and (mode != "tiny" or any(len(fold.frames) > 1 for fold in picture.folds))
    if legend:
        place, edge = ("wire", "the gate ahead") if mode == "circuit" else ("node", "one edge")
        of = "" if picture.output.single else f" {fraction(picture.output.label, place)}"
        of = " (its size)" if mode == "tiny" and not picture.scalar else of
        signs = [font(f"▶{SPACE}value", VALUE), font(text(f"◀ gradient{of}"), GRADIENT)]
        if picture.passes:
            signs += [font(f"←{SPACE}backward", GRADIENT), font(f"- -{SPACE}saved value", VALUE)]
        if edges != "none":
            signs.append(font(f"∂{SPACE}local gradient of {edge}", LOCAL))
        alarms = {arrow(node.gradient) for node in picture.nodes if node.gradient}
        signs += [font(f"▼{SPACE}vanishing or zero", GRADIENT)] if " ▼" in alarms else []
        signs += [font(f"▲{SPACE}exploding", GRADIENT)] if " ▲" in alarms else []
        cells = [cell(sign + SPACE) for sign in signs]
        roles = {node.role for node in picture.nodes}
        roles |= {"gate"} if mode == "circuit" else set()
        cells += [swatch(role) + cell("") for role in FILLS if role in roles and role != "activation"]
        cells += [swatch("alias") + cell("")] if any(edge.source.alias for edge in picture.edges) else []
        if cells_shown or weights:
            cells.append(cell(heat([[-1, -0.5, 0, 0.5, 1]], 1)))
            cells.append(cell(f"− 0 +, each array on its own scale{', ∂ from −1 to 1' if edges != 'none' else ''}"))
        rows.append(row(spread(cell(table([row(*cells)], 2)))))
    left_out = ["the values of arrays"] if mode == "tiny" and not picture.scalar else []
    left_out += ["local gradients"] if edges == "none" and not picture.output.single else []
    if left_out:
        hint = f"Not shown here: {' and '.join(left_out)}. "
        hint += "draw(..., max_width=3000) has room for more; " if len(picture.nodes) <= MAX_CELLS else ""
        hint += ".table() says all."
        rows.append(remark(hint, GREY))
    return f'<<FONT POINT-SIZE="10">{table(rows, 2)}</FONT>>' if rows else ""
