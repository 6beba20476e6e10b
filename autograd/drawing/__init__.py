"""Draw a computation graph: value, gradient, local gradient and contribution, on the user's own numbers."""

import base64
import html
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import graphviz
import numpy as np

from ..tensor import Tensor
from .circuit import Circuit
from .columns import ANCHORS, Columns
from .dot import Composition, Style
from .fold import forms, opened_by
from .grid import Grid
from .halves import Halves, fits_in_halves
from .label import MAX_CELLS
from .mermaid import MAX_CHARACTERS, MAX_EDGES, flowchart
from .model import Picture
from .picture import read
from .record import dump, record
from .render import GraphvizMissing, render
from .rows import Rows
from .saving import write_whole
from .step import Steps
from .svg import finish, go_on, in_order, size_of
from .table import markdown as markdown_table
from .table import plain as plain_table

STYLES = ("nodes", "circuit")
EDGES = ("full", "number", "none")
MAX_HEIGHT = 3  # widths that a picture with time downwards may be high
MENDABLE = 1.2  # times too wide, so that other anchors may help
MAX_LABELS = 150  # nodes: beyond these no labels on edges


def draw(
    tensor: Tensor,
    *,
    names: Mapping[str, Any] | None = None,
    precision: int = 4,
    gradients: str | None = "recorded",
    style: str = "nodes",
    max_width: float = 1100,
    max_nodes: int = 3000,
    expand: str | Sequence[str] = (),
    rankdir: str | None = None,
    time: str = "across",
    edges: str | None = None,
    legend: bool | None = None,
    time_out: float = 20,
) -> "Drawing":
    """Draw the computation graph of a tensor: values ▶, gradients ◀, and the local gradient ∂ on every edge.

    tensor     the result, usually the loss; draw it after backward() to see gradients
    names      locals(): Tensors without a name of their own are drawn under their variable's, or as `hs[3]`
    precision  significant digits of a number, 1 to 17; statistics of arrays have one less, strips of cells two
    gradients  "recorded" by backward(); or "compute": worked out for this picture, no `.grad` and no hook is touched
    style      "nodes": a box is a value with its gradient; "circuit": ops are gates, numbers ride on the wires, as in
               CS231n; for graphs of numbers, without arrays
    max_width  pixels; what does not fit is drawn downwards instead of to the right, then with less in each node, then
               folded: gates into boxes, time steps into boxes, the middle of a long loop into one
    max_nodes  with more boxes than that, the picture is folded, or refused
    expand     what to leave open: patterns of scopes as in file names, "t=3", "lstm/t=3/*", a list of such, "*" for all
    rankdir    "LR" or "TB": the direction, instead of the one that fits
    time       "across" or "down": how the steps of a recurrent graph, `with scope("t=1")` and so on, follow; downwards
               there is room for the values of more of them, on a page that scrolls
    edges      "full" (formula, number, contribution), "number", "none"; by default as much as fits
    legend     whether to explain the signs; by default in all but the smallest pictures
    time_out   seconds that Graphviz may take in all

    The picture is taken now: later changes of the tensors do not show in it. In a notebook it displays itself;
    `.save("x.svg")` writes a file; `.table()` is the same as text.
    Raises TypeError if `tensor` is not one Tensor, ValueError for an unknown option, RuntimeError if it was freed.
    """
    if not isinstance(tensor, Tensor):
        hint = "; draw one of its entries" if isinstance(tensor, (list, tuple)) else ""
        raise TypeError(f"draw() takes one Tensor, usually the loss; {type(tensor).__name__} came{hint}.")
    if not isinstance(names := {} if names is None else names, Mapping):
        raise TypeError(f"names takes a mapping from names to objects, such as locals(); {type(names).__name__} came.")
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise TypeError(f"names takes a mapping from names to objects; {wrong[0]!r} in it is no name.")
    if isinstance(precision, bool) or not isinstance(precision, (int, np.integer)):
        raise TypeError(f"precision is a number of digits, an int from 1 to 17; {precision!r} came.")
    if not 1 <= precision <= 17:
        raise ValueError(f"precision is a number of digits from 1 to 17; {precision} came.")
    if gradients not in (None, "recorded", "compute"):
        raise ValueError(f"gradients is 'recorded' (by backward()) or 'compute'; {gradients!r} came.")
    if style not in STYLES:
        raise ValueError(f"style is 'nodes' or 'circuit'; {style!r} came.")
    if rankdir not in (None, "LR", "TB"):
        raise ValueError(f"rankdir is 'LR' (to the right) or 'TB' (downwards); {rankdir!r} came.")
    if time not in ("across", "down"):
        raise ValueError(f"time is 'across' (steps side by side) or 'down' (below each other); {time!r} came.")
    if time == "down" and rankdir == "LR":
        raise ValueError("time='down' draws the steps downwards, and rankdir='LR' to the right; leave out one of them.")
    if edges not in (None, *EDGES):
        raise ValueError(f"edges is 'full', 'number' or 'none'; {edges!r} came.")
    if not (legend is None or isinstance(legend, (bool, np.bool_))):
        raise TypeError(f"legend is True, False, or None for as needed; {legend!r} came.")
    for option, value in {"max_width": max_width, "max_nodes": max_nodes, "time_out": time_out}.items():
        if not isinstance(value, (int, float, np.integer, np.floating)):
            raise TypeError(f"{option} takes a positive number; {value!r} came.")
        if not value > 0:
            raise ValueError(f"{option} must be positive; {value} came.")
    expand = [expand] if isinstance(expand, str) else expand
    if not (isinstance(expand, Sequence) and all(isinstance(pattern, str) for pattern in expand)):
        raise TypeError(f"expand takes a pattern such as 'lstm/t=3/*', or a list of them; {expand!r} came.")
    picture = read(tensor, names, precision, gradients == "compute")
    if style == "circuit" and picture.passes:
        raise ValueError("style='circuit' is for a forward graph; a backward pass beside it has style='nodes'.")
    if style == "circuit" and not picture.scalar:
        array = next(node for node in picture.nodes if node.value.scalar is None)
        raise ValueError(
            f"style='circuit' is for graphs of numbers, and {array.label} has shape {array.value.shape}. "
            "Draw this one with style='nodes', or the circuit of one entry, computed from numbers."
        )
    for pattern in expand:
        if pattern != "*" and not opened_by(picture, [pattern]):
            paths = ["/".join(frame.path) for frame in picture.frames]
            there = f"there are {', '.join(paths[:6])}{' ...' * (len(paths) > 6)}" if paths else "this graph has none"
            raise ValueError(f"no scope matches expand={pattern!r}; {there}.")
    ladder = [
        (form, way)
        for kind, form in ([("halves", picture)] if fits_in_halves(picture) else []) + forms(picture, expand, max_width)
        for way in styles(form, kind, style, rankdir, time == "down", edges, legend)
    ]
    for node in picture.nodes:
        for edge in node.incoming:
            edge.piece = None
    return Drawing(picture, ladder, max_width, max_nodes, time_out)


def compose(picture: Picture, style: Style) -> Composition:
    """Arrange a picture: in halves, as a circuit, as a grid of folded steps, in columns of time, or as it comes."""
    if style.halves:
        return Halves(picture, style)
    columns = picture.sequences and style.rankdir == "TB"
    if style.mode == "circuit":
        return Circuit(picture, style)
    if style.grid:
        return Grid(picture, style)
    return (Rows if style.down else Columns if columns else Composition)(picture, style)


def styles(
    picture: Picture, kind: str, style: str, rankdir: str | None, down: bool, edges: str | None, legend: bool | None
) -> list[Style]:
    """List the ways to draw one form of a picture, the fullest first."""
    legend = len(picture.nodes) > 3 if legend is None else legend
    full = edges or ("none" if picture.output.single else "full")  # what is local stands in the backward pass
    directions = [rankdir] if rankdir else ["LR", "TB"]
    if style == "circuit":
        ways = [Style("circuit", e, direction, legend) for e in (full, edges or "number") for direction in directions]
        return list(dict.fromkeys(ways)) if kind != "grid" else []
    if kind == "halves":
        modes = [("full", full), ("full", edges or "none"), ("cells", edges or "none")]
        return list(dict.fromkeys(Style(mode, e, d, legend, halves=True) for mode, e in modes for d in directions))
    if kind == "grid":
        if down:
            return [Style("cells", "none", "TB", legend, grid=True, down=True)]
        return [Style("cells", "none", "LR", legend, grid=True)] if rankdir != "TB" else []
    if picture.scalar:
        number = "number" if full == "full" else full
        modes = [("full", full), ("full", number), ("tiny", number), ("tiny", edges or "none")]
    else:
        modes = [("full", full), ("cells", full), ("tiny", full), ("tiny", edges or "none")]
    if picture.sequences:
        directions = [rankdir or "TB"]
        modes = modes[1:] if kind == "open" or down else modes[-1:]
    if len(picture.nodes) > MAX_CELLS:
        modes = [(mode, e) for mode, e in modes if mode == "tiny"]
    if len(picture.nodes) > MAX_LABELS:
        modes = modes[-1:]
    down = down and bool(picture.sequences)
    ladder = [Style(mode, e, direction, legend, down=down) for mode, e in modes for direction in directions]
    return list(dict.fromkeys(ladder))


class Drawing:
    """A picture of a computation graph. A notebook shows it; `.save()` writes it; `.table()` is the same as text."""

    def __init__(
        self, picture: Picture, ladder: list[tuple[Picture, Style]], max_width: float, max_nodes: int, time_out: float
    ):
        self._picture, self._ladder = picture, ladder
        self._max_width, self._max_nodes, self._time_out = max_width, max_nodes, time_out
        self._composition: Composition | None = None
        self._svg: str | None = None
        self._width = 0.0

    def to_dot(self) -> graphviz.Digraph:
        """Give the picture as a `graphviz.Digraph`."""
        if self._composition is None:
            try:
                self.svg()
            except (RuntimeError, TimeoutError):  # without Graphviz there is no width to fit: the first way it is
                self._composition = compose(*self._ladder[0])
        assert self._composition is not None
        return self._composition.graph

    @property
    def source(self) -> str:
        """The DOT text: the same graph gives the same bytes."""
        return self.to_dot().source

    def svg(self) -> str:
        """Give the picture as SVG text.

        Raises GraphvizMissing (a RuntimeError) if neither `dot` nor pygraphviz is installed, TimeoutError if the layout
        takes longer than `time_out`, RuntimeError if Graphviz fails.
        """
        if self._svg is None:
            self._composition, self._svg = self._fit()
        return self._svg

    def _fit(self) -> tuple[Composition, str]:
        """Lay out, measure, lay out again with less, until the picture is narrow enough; else keep the narrowest."""
        nodes = len(self._picture.nodes)
        ladder = [(form, style) for form, style in self._ladder if len(form.nodes) + len(form.folds) <= self._max_nodes]
        if not ladder:
            raise RuntimeError(
                f"this graph has {nodes} nodes; a picture of more than {self._max_nodes} is not laid out (max_nodes). "
                "Draw a part of it (an intermediate tensor, fewer time steps), compute in `with scope(...)`, which can "
                "be folded, or read .table() or .source."
            )
        end = time.monotonic() + self._time_out
        best: tuple[float, float, Composition, bytes] | None = None
        for form, style in ladder:
            left = end - time.monotonic()
            try:
                composition, svg = self._lay_out(form, style, left if style is ladder[-1][1] else left / 2)
            except GraphvizMissing:
                raise
            except (TimeoutError, RuntimeError) as failure:  # what says less may still succeed
                error = failure
                continue
            width, height = size_of(svg)
            lengthy = style.mode == "full" and not self._picture.scalar and height > 1.3 * self._max_width
            size = max(width, height / MAX_HEIGHT) if style.down else width
            fits = size <= self._max_width and not lengthy
            if best is None or fits or size < best[0]:
                best = size, width, composition, svg
            if fits:
                break
        if best is None:
            raise type(error)(
                f"{error} ({nodes} nodes, {self._time_out:g} s). Draw a part of the graph (an intermediate tensor, "
                "fewer time steps), give it more time (time_out=60), or read .table()."
            )
        _, self._width, composition, svg = best
        return composition, finish(svg, self._picture, composition)

    def _lay_out(self, picture: Picture, style: Style, time_out: float) -> tuple[Composition, bytes]:
        """Lay out; again in other ways, where time steps do not stand in order, or a line between them makes a detour:
        then keep the narrowest of those that are right, else the last for which there was time.
        """
        end = time.monotonic() + time_out
        found: list[tuple[bool, float, Composition, bytes]] = []
        for attempt, anchors in enumerate(ANCHORS):
            composition = compose(picture, replace(style, anchors=anchors))
            try:
                svg = render(composition.graph.source, "svg", end - time.monotonic())
            except TimeoutError:
                if not found:
                    raise
                break
            wrong = not (in_order(svg, composition.columns) and go_on(svg, composition.onward))
            width, _ = size_of(svg)
            found.append((wrong, -attempt if wrong else width, composition, svg))
            if not wrong and (attempt == 0 or not 1 < width / self._max_width < MENDABLE):
                break
        _, _, composition, svg = min(found, key=lambda way: way[:2])
        return composition, svg

    def table(self, markdown: bool = False) -> str:
        """Give the same as text: a line for each node, and under it one for each of its edges.

        markdown  as two tables of GitHub's Markdown instead, a row for each node and a row for each edge
        """
        return (markdown_table if markdown else plain_table)(self._picture)

    def mermaid(self) -> str:
        """Give the picture as a Mermaid flowchart: the nodes, edges and folds that `svg()` shows, or fewer where these
        are more than Mermaid draws. Works without Graphviz.

        Raises RuntimeError if even the form that is folded most is too large.
        """
        self.to_dot()
        shown = self._composition
        assert shown is not None
        at = next(i for i, (form, _) in enumerate(self._ladder) if form is shown.picture)
        for composition in [shown, *(compose(form, style) for form, style in self._ladder[at:])]:
            text = flowchart(composition)
            if len(composition.picture.edges) <= MAX_EDGES and len(text) <= MAX_CHARACTERS:
                return text
        raise RuntimeError(
            f"Mermaid draws at most {MAX_EDGES} edges and {MAX_CHARACTERS} characters; this graph has more, folded as "
            "far as it can be. Draw a part of it (an intermediate tensor, fewer time steps), or compute in "
            "`with scope(...)`, which can be folded."
        )

    def record(self) -> dict[str, Any]:
        """Give the whole graph as data: nodes, edges, frames, and their numbers; docs/formats.md names every field."""
        return record(self._picture)

    def step(self) -> Steps:
        """Walk backward through the picture, an edge at a time, with the chain rule in numbers.

        A notebook shows the result; `.save("x.html")` writes it as a page, which loads nothing and holds all it needs.
        Raises ValueError if backward() has not run, and what svg() raises.
        """
        if self._picture.output.gradient is None:
            output = self._picture.output.label
            raise ValueError(
                f"there is no gradient to follow: call {output}.backward() first, or draw(..., gradients='compute')."
            )
        svg = self.svg()
        assert self._composition is not None
        return Steps(self._picture.title, svg, self._composition, self.table())

    def save(self, path: str | os.PathLike) -> Path:
        """Write the picture; the suffix says how: .svg, .png, .pdf, .html (steps), .dot, .mmd (Mermaid), .json (data).

        Returns the path. The file appears whole or not at all. Raises ValueError for another suffix, OSError if the
        file can't be written, and what svg(), step() and mermaid() raise.
        """
        path = Path(path)
        kind = path.suffix.lower().lstrip(".")
        if kind == "svg":
            content = self.svg().encode()
        elif kind == "html":
            return self.step().save(path)
        elif kind == "dot":
            content = self.source.encode()
        elif kind == "mmd":
            content = self.mermaid().encode()
        elif kind == "json":
            content = dump(self.record()).encode()
        elif kind in ("png", "pdf"):
            self.svg()
            content = render(self.source, kind, self._time_out)
        else:
            raise ValueError(f"a picture is saved as .svg, .png, .pdf, .html, .dot, .mmd or .json; {path.name!r} came.")
        return write_whole(path, content)

    def __repr__(self) -> str:
        picture = self._picture
        return f"<Drawing of {picture.output.label}: {len(picture.nodes)} nodes, {len(picture.edges)} edges>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Show the picture in a notebook; a table and a line that says why, where there can be no picture."""
        try:
            table = self.table()
            svg = self.svg()
        except Exception as error:  # a notebook shows a broken repr as a traceback, and then nothing else
            why = f"No picture: {error}"
            try:
                table = self.table()
            except Exception as second:
                table = f"No table: {second}"
            return {
                "text/plain": f"{why}\n\n{table}",
                "text/html": f"<p>{html.escape(why)}</p><pre>{html.escape(table)}</pre>",
            }
        data = base64.b64encode(svg.encode()).decode()
        image = f'<img alt="{html.escape(self._picture.title)}" src="data:image/svg+xml;base64,{data}">'
        if self._width > 1.5 * self._max_width:  # too small to read if it were made to fit
            image = image.replace("<img", '<img style="max-width:none"')
            wide = f"{self._width:.0f} px wide: scroll, or draw fewer time steps or a smaller part of the graph."
            image = f'<p>{wide}</p><div style="overflow-x:auto">{image}</div>'
        return {"image/svg+xml": svg, "text/html": image, "text/plain": table}
