"""Finish the SVG that Graphviz wrote: what a screen reader says, dark mode, pixels instead of points."""

import hashlib
import re
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

from .curve import join
from .dot import FOLDED, FOLDED_TINTS, OTHERS, TINTS, Composition
from .label import FILLS, GRADIENT, GREY, LOCAL, VALUE
from .model import Picture
from .table import description, sentence

SVG = "http://www.w3.org/2000/svg"
SHRINKS = 1600  # pixels; a wider picture scrolls, because it would be too small to read in a window
XLINK = "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)

FOCUS = "#0B57D0", "#8AB4F8"  # the ring around a node, on a light page and on a dark one
DARK_TEXT = {VALUE: "#5CD6A4", GRADIENT: "#FF9E66", LOCAL: "#CBA6F7", GREY: "#A8A8A8"}
DARK_FILL = dict(
    zip(FILLS.values(), ("#4A2F22", "#1F364D", "#2B2B2B", "#1E1E1E", "#2B4023", "#37304A", "#33251F"), strict=True)
)
DARK_FILL |= {FOLDED[0]: "#26292D"} | dict(zip(FOLDED_TINTS, ("#37304A", "#24384A", "#2C3A22", "#42381F")))
DARK_FRAME = {"#F7F8FA": "#26292D", "#FFFFFF": "#1E1E1E"} | dict(
    zip(TINTS, ("#2C2838", "#233038", "#27301F", "#35301F"))
)
DARK_LINE = dict(zip(OTHERS, ("#B9E1FA", "#FFE566", "#94801F", "#E07FB8")))
DARK_LINE |= {
    VALUE: DARK_TEXT[VALUE],
    GRADIENT: DARK_TEXT[GRADIENT],
    "#555555": "#9A9A9A",
    "#666666": "#9A9A9A",
    "#000000": "#E6E6E6",
    "#9AA5B1": "#5A6570",
    "#C4CBD3": "#4A525A",
    FOLDED[1]: "#8494A3",
}


def size_of(svg: bytes) -> tuple[float, float]:
    """Read the width and height that Graphviz gave the picture."""
    match = re.search(rb'<svg width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    if match is None:
        raise RuntimeError("Graphviz returned no SVG.")
    return float(match[1]), float(match[2])


def in_order(svg: bytes, columns: Sequence[Sequence[str]]) -> bool:
    """Tell whether the boxes and points with these ids stand from left to right."""
    corners = re.findall(
        rb'<g id="(\w+)" class="(?:cluster|node)">.*?(?: d="M| points="| cx=")(-?[\d.]+)', svg, re.DOTALL
    )
    left = {id.decode(): float(x) for id, x in corners}
    return all(left.get(a, 0) < left.get(b, 0) for ids in columns for a, b in zip(ids, ids[1:]))


def go_on(svg: bytes, onward: Sequence[str]) -> bool:
    """Tell whether the lines with these ids lead to the right, not back and not past their ends."""
    lines = re.findall(rb'<g id="(\w+)" class="edge">.*?<path [^>]*d="([^"]*)"', svg, re.DOTALL)
    across = {id.decode(): [float(x) for x in re.findall(rb"-?[\d.]+", line)[::2]] for id, line in lines}
    found = [across[id] for id in onward if id in across]
    return all(min(xs) > xs[0] - 10 and max(xs) < xs[-1] + 10 for xs in found)


def finish(svg: bytes, picture: Picture, composition: Composition) -> str:
    """Give the SVG its title and description, a sentence for each node and edge, a place for the keyboard, its style.

    picture  the whole, of which `composition` may show a folded form
    """
    root = ElementTree.fromstring(svg)
    join_pieces(root, composition.pieces, composition.points)
    name = "graph-" + hashlib.sha256(svg).hexdigest()[:12]
    for side in ("width", "height"):
        root.set(side, root.get(side, "").removesuffix("pt"))
    root.set("id", name)
    root.set("role", "graphics-document document")  # an "img" would keep its nodes from a screen reader
    root.set("aria-labelledby", f"{name}-title")
    root.set("aria-describedby", f"{name}-desc")
    if float(root.get("width", "0")) <= SHRINKS:
        root.set("style", "max-width:100%;height:auto")
    in_reading_order(root, composition.reading_order())
    words_on_top(root)
    for group in root.iter(f"{{{SVG}}}g"):
        title = group.find(f"{{{SVG}}}title")
        if title is None:
            continue
        subject = composition.subjects.get(group.get("id", ""))
        if subject is None:
            group.remove(title)
        else:
            title.text = sentence(subject)
            group.set("role", "graphics-symbol img")
        if group.get("class") == "node" and subject is not None:
            group.set("tabindex", "0")
        if group.get("id"):
            group.set("id", f"{name}-{group.get('id')}")
    for element in root.iter(f"{{{SVG}}}text"):
        element.text = (element.text or "").replace("\u200b", "")
    title = ElementTree.Element(f"{{{SVG}}}title", id=f"{name}-title")
    title.text = picture.title
    desc = ElementTree.Element(f"{{{SVG}}}desc", id=f"{name}-desc")
    desc.text = description(picture)
    style = ElementTree.Element(f"{{{SVG}}}style")
    style.text = look(name)
    root[:0] = [title, desc, style]
    return ElementTree.tostring(root, encoding="unicode")


def in_reading_order(root: ElementTree.Element, order: Sequence[str]) -> None:
    """Let the nodes, which don't overlap, change places in the text, so that Tab follows the forward pass."""
    rank = {id: i for i, id in enumerate(order)}
    for parent in root:
        rearrange(parent, "node", lambda group: rank.get(group.get("id", ""), len(rank)))


def rearrange(parent: ElementTree.Element, kind: str, key: Callable[[ElementTree.Element], int]) -> None:
    """Sort the groups of one class among the places that they have."""
    places = [i for i, group in enumerate(parent) if group.get("class") == kind]
    for i, group in zip(places, sorted((parent[i] for i in places), key=key)):
        parent[i] = group


def words_on_top(root: ElementTree.Element) -> None:
    """Paint lines without words before those with words, and the names of frames last: few lines run through them."""
    for parent in root:
        rearrange(parent, "edge", lambda group: group.find(f".//{{{SVG}}}text") is not None)
        for frame in parent.findall(f"{{{SVG}}}g[@class='cluster']"):
            for text in frame.findall(f"{{{SVG}}}text"):
                frame.remove(text)
                text.set("class", "frame")
                parent.append(text)


def join_pieces(root: ElementTree.Element, pieces: dict[str, tuple[str, str]], points: Sequence[str]) -> None:
    """Make one line of the pieces of each edge that goes round corners. Several edges may begin with the same two.

    points  the corners, which the line does not touch any more
    """
    edges = [group for group in root.iter(f"{{{SVG}}}g") if group.get("class") == "edge"]
    lines = {group.get("id"): path for group in edges for path in group.findall(f"{{{SVG}}}path")}
    for id, (out, up) in pieces.items():
        first, second, own = (lines[name].get("d", "") for name in (out, up, id))
        lines[id].set("d", join(first, second, own))
    parts = {*points, *(name for names in pieces.values() for name in names)}
    for parent in root:
        parent[:] = [group for group in parent if group.get("id") not in parts]


def look(name: str) -> str:
    """Write the rules of the picture: a ring around what has the focus, and other colours where the reader prefers a
    dark page.
    """

    def rules(colors: dict[str, str], selector: str, attribute: str) -> str:
        return "".join(
            f'#{name} {selector}[{attribute}="{light.lower()}"]{{{attribute}:{dark}}}' for light, dark in colors.items()
        )

    return (
        f"#{name} .node:focus-visible{{outline:3px solid {FOCUS[0]};outline-offset:2px}}"
        # around words that a line may run into; a program that knows no paint-order would paint it over them
        f"@supports (paint-order:stroke){{#{name} :is(.edge text,.frame){{paint-order:stroke;stroke:#fff;"
        "stroke-width:3px;stroke-opacity:.85;stroke-linejoin:round}}"
        "@media (prefers-color-scheme:dark){"
        f"#{name} .node:focus-visible{{outline-color:{FOCUS[1]}}}"
        f"#{name} text:not([fill]){{fill:#E6E6E6}}"
        f"#{name} :is(.edge text,.frame){{stroke:#1E1E1E}}"
        + rules(DARK_TEXT, "text", "fill")
        + rules(DARK_FILL, ".node>", "fill")
        + rules(DARK_FILL, ".graph>", "fill")
        + rules(DARK_FRAME, ".cluster>", "fill")
        + rules(DARK_LINE, "", "stroke")
        + rules(DARK_LINE, ".edge polygon", "fill")
        + "}"
    )
