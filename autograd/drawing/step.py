"""The step-through page: the chain rule, one edge at a time, backward through the picture.

Without scripts the page shows the finished picture and every step in words. Scripts take the picture back to the end of
the forward pass and let the gradients arrive. The page loads nothing; names are text wherever they stand.
"""

import base64
import hashlib
import heapq
import json
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from .arrays import sections
from .dot import Composition, alias_of
from .fold import around
from .label import GRADIENT, LOCAL, VALUE
from .model import Bundle, Edge, Fold, Node, Quantity, fraction
from .number import equals, number, rounded, total
from .saving import write_whole
from .svg import DARK_TEXT, FOCUS

ASSETS = Path(__file__).parent
STYLE, SCRIPT = ((ASSETS / name).read_text(encoding="utf-8") for name in ("step.css", "step.js"))
LEAST = 0.75  # of the size of a picture: in a narrower window it scrolls
MAX_SUMS = 4  # of the weights in a fold, whose sums a step writes out
COLORS = {"FOCUS": FOCUS} | {
    word: (light, DARK_TEXT[light]) for word, light in (("VALUE", VALUE), ("GRADIENT", GRADIENT), ("LOCAL", LOCAL))
}


class State(NamedTuple):
    """What a step changes: the edge that is lit, the box that receives, its row in a fold, and what it shows then.

    panel  of shared weights that receive: (number, sum so far, which uses have arrived)
    """

    words: str  # HTML
    edge: str = ""
    box: str = ""
    row: int = 0
    shows: str | None = None  # None: the finished gradient
    panel: Sequence[tuple[int, str | None, list[int]]] = ()


class Steps:
    """A picture to walk backward through. A notebook shows it; `.save("x.html")` writes it as a page."""

    def __init__(self, title: str, svg: str, composition: Composition, table: str):
        self._title, self._table = title, table
        self._markup, self._script = fragment(title, svg, composition)

    def html(self) -> str:
        """Give the whole page."""
        return page(self._title, self._markup, self._script)

    def save(self, path: str | os.PathLike) -> Path:
        """Write the page, and give its path. Raises ValueError unless the suffix is .html, OSError as writing does."""
        path = Path(path)
        if path.suffix.lower() != ".html":
            raise ValueError(f"the steps are saved as .html; {path.name!r} came.")
        return write_whole(path, self.html().encode())

    def __repr__(self) -> str:
        return f"<Steps through: {self._title}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": f"{self._markup}\n<script>{self._script}</script>", "text/plain": self._table}


def page(title: str, markup: str, script: str) -> str:
    """Write a whole document. Its policy forbids every request, and every script but this one."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
    policy += "base-uri 'none'; form-action 'none'"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n</head>\n<body>\n{markup}\n<script>{script}</script>\n</body>\n</html>\n"
    )


def fragment(title: str, svg: str, composition: Composition) -> tuple[str, str]:
    """Write the picture, the steps in words and the arrays; and the script that plays them."""
    states = walk(composition)
    name = "walk-" + hashlib.sha256(svg.encode()).hexdigest()[:12]
    data = json.dumps([state[1:] for state in states], ensure_ascii=False).replace("<", "\\u003c")
    image = base64.b64encode(svg.encode()).decode()
    words = "\n".join(f"<li>{state.words}</li>" for state in states)
    width = re.search(r'width="([\d.]+)"', svg)
    assert width is not None
    style = STYLE.replace("ROOT", f"#{name}").replace("LEGIBLE", f"{LEAST * float(width[1]):.0f}")
    for word, (light, dark) in COLORS.items():
        style = style.replace(f"{word}_LIGHT", light).replace(f"{word}_DARK", dark)
    markup = (
        f'<div id="{name}" class="walk" tabindex="0" role="group" aria-label="{escape(title)}, step by step">\n'
        f"<style>{style}</style>\n"
        f'<div class="picture"><img alt="{escape(title)}" src="data:image/svg+xml;base64,{image}"></div>\n'
        f'<details><summary>All {len(states)} steps in words</summary>\n<ol start="0">\n{words}\n</ol></details>\n'
        f'<details class="arrays"><summary>All arrays</summary>\n{sections(composition)}\n</details>\n</div>'
    )
    return markup, SCRIPT.replace("ROOT", name).replace("GRADIENT", GRADIENT.lower()).replace("STATES", data)


# ---- the steps ----


def walk(composition: Composition) -> list[State]:
    """Give the states: the end of the forward pass, the seed, every edge in backward order, the end."""
    picture = composition.picture
    output = picture.output
    seed = output.gradient.length if output.gradient else "–"
    what = fraction(output.label, output.label)
    states = [
        State("The forward pass is done: every value ▶ and every local gradient ∂ is known, no gradient ◀ yet."),
        State(
            f"<b>Start at {text(output.label)}</b>: {colored('gradient', f'{what} = {seed}')}.",
            "", *slot(composition, output),
        ),
    ]  # fmt: skip
    uses: dict[Node, list[Edge | Bundle]] = defaultdict(list)
    for edge in picture.edges:
        if walked(edge):
            uses[edge.source].append(edge)
    weights = picture.weights
    uses |= {node: [edge for edge in node.outgoing if walked(edge)] for node in weights}  # also those inside folds
    arrived: dict[Node, set[Edge | Bundle]] = defaultdict(set)

    def so_far(node: Node) -> list[Edge | Bundle]:
        return [use for use in uses[node] if use in arrived[node]]

    def in_panel(node: Node) -> tuple[int, str | None, list[int]]:
        there = [i for i, use in enumerate(uses[node]) if use in arrived[node]]
        done = len(there) == len(uses[node])
        return weights.index(node), None if done else running(so_far(node), len(uses[node])), there

    for id, moved in backward(composition):
        if isinstance(moved, Fold):
            inside = hidden_uses(moved)
            for node, edges in inside.items():
                arrived[node].update(edges)
            sums = [(node, len(inside[node]), so_far(node), len(uses[node])) for node in inside]
            panel = [in_panel(node) for node in inside]
            states.append(State(inside_fold(moved, output, sums), "", composition.ids[moved], -1, None, panel))
            continue
        source = moved.source
        arrived[source].add(moved)
        found, total = so_far(source), len(uses[source])
        shows = None if len(found) == total else progress(found, total)
        words = chain_rule(moved, output, total) + reason(moved) + count(source, found, total)
        panel = [in_panel(source)] if source in weights else []
        states.append(State(words, id, *slot(composition, moved), shows, panel))
    states.append(State("<b>Done.</b> Every gradient ◀ is complete."))
    return states


def hidden_uses(fold: Fold) -> dict[Node, list[Edge]]:
    """Find the uses of shared weights that a fold hides."""
    frames = set(fold.frames)
    found = {
        node: [edge for edge in node.outgoing if walked(edge) and frames.intersection(around(edge.target))]
        for node in fold.shared
        if node.alias and not node.expression
    }
    return {node: edges for node, edges in found.items() if edges}


def slot(composition: Composition, what: Node | Edge | Bundle) -> tuple[str, int]:
    """Give the box in which a gradient is shown, and its row there."""
    node = what if isinstance(what, Node) else what.source
    if node in composition.fold_of:
        return composition.ids[composition.fold_of[node]], composition.ports[node]
    if node.alias and not isinstance(what, Node):
        return composition.chips.get(alias_of(what), ""), 0
    return composition.ids[node], 0


def walked(edge: Edge | Bundle) -> bool:
    """Tell whether something is sent along an edge; beside a backward pass stands much that the output doesn't need."""
    return edge.flows and edge.sent is not None


def backward(composition: Composition) -> list[tuple[str, Edge | Bundle | Fold]]:
    """Order the edges as backward() goes: what sends has received everything before; of several, the latest first.

    After the edges of a fold comes the fold itself, if it hides uses of shared weights.
    """
    into: dict[Node | Fold, list[tuple[str, Edge | Bundle | Fold]]] = defaultdict(list)
    missing: dict[Node | Fold, int] = defaultdict(int)
    place: dict[Node | Fold, int] = defaultdict(int)
    for i, edge in enumerate(composition.picture.edges):
        if walked(edge):
            into[edge.target].append((f"e{i}", edge))
            missing[composition.shown(edge.source)] += 1
            place[edge.target] = i
    for fold in composition.picture.folds:
        if hidden_uses(fold):
            into[fold].append(("", fold))
    things = list(composition.ids)
    ready = [(0, things.index(composition.shown(composition.picture.output)))]
    found: list[tuple[str, Edge | Bundle | Fold]] = []
    while into:
        # a scope that was left and entered again can be fed by what it feeds: then the latest goes on
        thing = things[heapq.heappop(ready)[1]] if ready else max(into, key=lambda thing: place[thing])
        for id, moved in into.pop(thing, []):
            found.append((id, moved))
            if isinstance(moved, Fold):
                continue
            source = composition.shown(moved.source)
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
    result = colored("gradient", fraction(output.label, source))
    head = f"<b>{text(called(edge.target))} → {text(called(edge.source))}</b> &nbsp; {result} {sum_sign} "
    sent = colored("gradient", edge.sent.length if edge.sent else "–")
    if isinstance(edge, Bundle):
        return f"{head}{sent}, which comes out of {text(target)} ({edge.target.ops} ops, folded)."
    upstream = colored("gradient", fraction(output.label, target))
    local = ("local " if edge.target is output else "") + colored("local", edge.fraction)
    g, d = edge.target.gradient, edge.local
    if g and d and edge.sent and None not in (g.scalar, d.scalar, edge.sent.scalar):
        factor = f"({d.length})" if d.length.startswith("−") else d.length
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


def inside_fold(fold: Fold, output: Node, sums: Sequence[tuple[Node, int, list[Edge | Bundle], int]]) -> str:
    """Say what the uses inside a fold add to the gradients of shared weights."""
    names = ", ".join(node.label for node, *_ in sums)
    parts = [
        f"{colored('gradient', fraction(output.label, node.label))}: {inside} of {uses} uses are in here; "
        + (f"all have arrived: {colored('gradient', node.gradient.length if node.gradient else '–')}, complete."
           if len(found) == uses else f"so far {colored('gradient', running(found, uses))}.")
        for node, inside, found, uses in sums[:MAX_SUMS]
    ]  # fmt: skip
    more = [f"And {len(sums) - MAX_SUMS} more."] if len(sums) > MAX_SUMS else []
    return f"<b>{text(fold.label)} → {text(names)}</b> &nbsp; {'<br>'.join(parts + more)}"


def running(so_far: list[Edge | Bundle], uses: int) -> str:
    """Write the sum of the contributions that have arrived; of arrays its norm, and how many these are."""
    sent = [edge.sent for edge in so_far if edge.sent]
    terms = [q.scalar for q in sent if q.scalar is not None]
    if len(terms) == len(so_far):
        digits = sent[0].digits
        return number(terms[0], digits) if len(terms) == 1 else total(terms, sum(terms), digits)
    arrays = [q.entries for q in sent if q.entries is not None]
    if len(arrays) < len(so_far):  # too large to be kept
        return progress(so_far, uses)
    return f"{Quantity(sum(arrays[1:], start=arrays[0]), sent[0].digits).length} after {progress(so_far, uses)}"


def progress(so_far: list[Edge | Bundle], uses: int) -> str:
    """Write the sum so far where a box has room for it: of arrays, how many contributions there are."""
    if all(edge.sent and edge.sent.scalar is not None for edge in so_far):
        return running(so_far, uses)
    return f"{len(so_far)} of {uses}"
