"""The step-through page: the chain rule, one edge at a time, backward through the picture.

Without scripts the page shows the finished picture and every step in words. Scripts take the picture back to the end of
the forward pass and let the gradients arrive. The page loads nothing; names are text wherever they stand.
"""

import base64
import hashlib
import heapq
import json
import os
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from .dot import Composition
from .label import GRADIENT, LOCAL, VALUE
from .model import Bundle, Edge, Fold, Node
from .number import equals, number, rounded, total
from .saving import write_whole
from .svg import DARK_TEXT

ASSETS = Path(__file__).parent
STYLE, SCRIPT = ((ASSETS / name).read_text(encoding="utf-8") for name in ("step.css", "step.js"))
COLORS = {"VALUE": VALUE, "GRADIENT": GRADIENT, "LOCAL": LOCAL}


class State(NamedTuple):
    """What a step changes: the edge that is lit, the box that receives, its row in a fold, and what it shows then."""

    words: str  # HTML
    edge: str = ""
    box: str = ""
    row: int = 0
    shows: str | None = None  # None: the finished gradient


class Steps:
    """A picture to walk backward through. A notebook shows it; `.save("x.html")` writes it as a page."""

    def __init__(self, title: str, svg: str, composition: Composition, table: str):
        self._title, self._table = title, table
        self._fragment = fragment(title, svg, composition)

    def html(self) -> str:
        """Give the whole page."""
        return page(self._title, self._fragment)

    def save(self, path: str | os.PathLike) -> Path:
        """Write the page, and give its path. Raises ValueError unless the suffix is .html, OSError as writing does."""
        path = Path(path)
        if path.suffix.lower() != ".html":
            raise ValueError(f"the steps are saved as .html; {path.name!r} came.")
        return write_whole(path, self.html().encode())

    def __repr__(self) -> str:
        return f"<Steps through: {self._title}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._fragment, "text/plain": self._table}


def page(title: str, body: str) -> str:
    """Write a whole document around the fragment. Its policy forbids every request."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def fragment(title: str, svg: str, composition: Composition) -> str:
    """Write the picture, the steps in words, and the script that plays them."""
    states = walk(composition)
    name = "walk-" + hashlib.sha256(svg.encode()).hexdigest()[:12]
    data = json.dumps([[s.edge, s.box, s.row, s.shows] for s in states], ensure_ascii=False).replace("<", "\\u003c")
    image = base64.b64encode(svg.encode()).decode()
    words = "\n".join(f"<li>{state.words}</li>" for state in states)
    style = STYLE.replace("ROOT", f"#{name}")
    for word, light in COLORS.items():
        style = style.replace(f"{word}_LIGHT", light).replace(f"{word}_DARK", DARK_TEXT[light])
    return (
        f'<div id="{name}" class="walk" tabindex="0" role="group" aria-label="{escape(title)}, step by step">\n'
        f"<style>{style}</style>\n"
        f'<div class="picture"><img alt="{escape(title)}" src="data:image/svg+xml;base64,{image}"></div>\n'
        f'<details><summary>All {len(states)} steps in words</summary>\n<ol start="0">\n{words}\n</ol></details>\n'
        f"</div>\n<script>{SCRIPT.replace('ROOT', name).replace('STATES', data)}</script>"
    )


# ---- the steps ----


def walk(composition: Composition) -> list[State]:
    """Give the states: the end of the forward pass, the seed, every edge in backward order, the end."""
    picture = composition.picture
    output = picture.output
    seed = output.gradient.length if output.gradient else "–"
    what = f"∂{output.label}/∂{output.label}"
    states = [
        State("The forward pass is done: every value ▶ and every local gradient ∂ is known, no gradient ◀ yet."),
        State(
            f"<b>Start at {text(output.label)}</b>: {colored('gradient', f'{what} = {seed}')}.",
            "", *slot(composition, output),
        ),
    ]  # fmt: skip
    uses: dict[Node, list[Edge | Bundle]] = defaultdict(list)
    for edge in picture.edges:
        if edge.flows:
            uses[edge.source].append(edge)
    arrived: dict[Node, set[Edge | Bundle]] = defaultdict(set)
    for id, edge in backward(composition):
        source = edge.source
        arrived[source].add(edge)
        so_far = [use for use in uses[source] if use in arrived[source]]
        complete = len(so_far) == len(uses[source])
        shows = None if complete else running(so_far, len(uses[source]))
        words = chain_rule(edge, output, len(uses[source])) + reason(edge) + count(source, so_far, len(uses[source]))
        states.append(State(words, id, *slot(composition, edge), shows))
    states.append(State("<b>Done.</b> Every gradient ◀ is complete."))
    return states


def slot(composition: Composition, what: Node | Edge | Bundle) -> tuple[str, int]:
    """Give the box in which a gradient is shown, and its row there."""
    node = what if isinstance(what, Node) else what.source
    if node in composition.fold_of:
        return composition.ids[composition.fold_of[node]], int(composition.ports[node][1:])
    if node.alias and not isinstance(what, Node):
        return composition.chips.get((node, what.target.place), ""), 0
    return composition.ids[node], 0


def backward(composition: Composition) -> list[tuple[str, Edge | Bundle]]:
    """Order the edges as backward() goes: what sends has received everything before; of several, the latest first."""
    into: dict[Node | Fold, list[tuple[str, Edge | Bundle]]] = defaultdict(list)
    missing: dict[Node | Fold, int] = defaultdict(int)
    place: dict[Node | Fold, int] = defaultdict(int)
    for i, edge in enumerate(composition.picture.edges):
        if edge.flows:
            into[edge.target].append((f"e{i}", edge))
            missing[composition.shown(edge.source)] += 1
            place[edge.target] = i
    things = list(composition.ids)
    ready = [(0, things.index(composition.shown(composition.picture.output)))]
    found = []
    while into:
        # a scope that was left and entered again can be fed by what it feeds: then the latest goes on
        thing = things[heapq.heappop(ready)[1]] if ready else max(into, key=lambda thing: place[thing])
        for id, edge in into.pop(thing, []):
            found.append((id, edge))
            source = composition.shown(edge.source)
            missing[source] -= 1
            if not missing[source]:
                heapq.heappush(ready, (-place[source], things.index(source)))
    return found


# ---- in words ----


def text(s: str) -> str:
    return escape(s)


def colored(kind: str, s: str) -> str:
    return f'<span class="{kind}">{text(s)}</span>'


def called(thing: Node | Fold) -> str:
    """Name a box; one without a name of its own also by its op, which is what a dense picture shows."""
    return f"{thing.label} ({thing.symbol})" if isinstance(thing, Node) and not thing.named else thing.label


def chain_rule(edge: Edge | Bundle, output: Node, uses: int) -> str:
    """Write what one edge adds to the gradient of its source, with numbers."""
    source, target = edge.source.label, edge.target.label
    sum_sign = "+=" if uses > 1 else "="
    result = colored("gradient", f"∂{output.label}/∂{source}")
    head = f"<b>{text(called(edge.target))} → {text(called(edge.source))}</b> &nbsp; {result} {sum_sign} "
    sent = colored("gradient", edge.sent.length if edge.sent else "–")
    if isinstance(edge, Bundle):
        return f"{head}{sent}, which comes out of {text(target)} ({edge.target.ops} ops, folded)."
    upstream = colored("gradient", f"∂{output.label}/∂{target}")
    local = ("local " if edge.target is output else "") + colored("local", edge.fraction)
    g, d = edge.target.gradient, edge.local
    if g and d and edge.sent and None not in (g.scalar, d.scalar, edge.sent.scalar):
        factor = number(d.scalar, d.digits)
        factor = f"({factor})" if factor.startswith("−") else factor
        sign = equals(rounded(g.scalar, d.digits) * rounded(d.scalar, d.digits), edge.sent.scalar, d.digits)
        numbers = f"{colored('gradient', g.length)} × {colored('local', factor)} {sign} {sent}"
        return f"{head}{upstream} × {local} = {numbers}."
    if edge.linear:
        how = f"{colored('local', edge.formula or 'linear')}, where ◀ is {upstream}"
    else:
        how = f"{upstream} · {local}, entry by entry" + (", summed over what was broadcast" if broadcast(edge) else "")
    sizes = f"{colored('gradient', g.length if g else '–')} {shape(edge.target)} → {sent} {shape(edge.source)}"
    return f"{head}{how}: {sizes}."


def broadcast(edge: Edge) -> bool:
    return edge.source.value.shape != edge.target.value.shape


def shape(node: Node) -> str:
    return f'<span class="shape">{text(str(node.value.shape))}</span>' if node.value.shape else ""


def reason(edge: Edge | Bundle) -> str:
    if isinstance(edge, Bundle):
        return ""
    because = f"because {text(edge.target.label)} = {text(edge.target.expression)}."
    if edge.linear:
        return f"<br>B{because[1:]}"
    return f"<br>{colored('local', f'{edge.fraction} = {edge.local_text()}')} {because}"


def count(node: Node, so_far: list[Edge | Bundle], uses: int) -> str:
    """Say how far a sum of several contributions is."""
    if uses == 1:
        return ""
    times = "twice" if uses == 2 else f"{uses} times"
    words = f" <b>{text(node.label)} is used {times}</b>: contribution {len(so_far)} of {uses}"
    if len(so_far) == uses and node.gradient:
        return f"{words}; together {colored('gradient', node.sum or node.gradient.length)}, complete."
    return f"{words}, so far {colored('gradient', running(so_far, uses))}."


def running(so_far: list[Edge | Bundle], uses: int) -> str:
    """Write the sum of the contributions that have arrived; of arrays, how many these are."""
    terms = [edge.sent.scalar for edge in so_far if edge.sent and edge.sent.scalar is not None]
    digits = so_far[0].source.value.digits
    if len(terms) < len(so_far):
        return f"{len(so_far)} of {uses}"
    return number(terms[0], digits) if len(terms) == 1 else total(terms, sum(terms), digits)
