"""What to hide where a picture has no room for everything: gates, time steps, the middle of a long loop.

Each form of a picture shows less than the one before. A fold is one box with a row for each value that leaves it; what
it hides still counts: the contributions into every value that is left to see add up to its gradient.
"""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from .frames import crosses, stem
from .model import SAVED, Bundle, Edge, Fold, Frame, Node, Picture, Quantity, Row

WORTH = 3  # ops; a frame with fewer is not folded by itself
COLUMN = 4  # boxes that may stand above each other in a folded time step; of more, it becomes one
NARROWEST = 100  # pixels of a time step


def forms(picture: Picture, patterns: Sequence[str], max_width: float) -> list[tuple[str, Picture]]:
    """Give the picture in its forms, the fullest first: "open", "frames" folded, "grid" of folded steps, "loop" folded.

    patterns  of the paths of frames that stay open
    """
    opened = opened_by(picture, patterns)
    ops = count_ops(picture)
    steps = [frame for sequence in picture.sequences for frame in sequence]
    found: list[tuple[str, list[list[Frame]]]] = [("open", [])]
    if not steps:
        found += [("frames", level) for level in levels(picture, ops, opened)]
    else:
        carrying = {frame.label for edge in picture.edges if crosses(edge) for frame in around(edge.source)}
        gates = [
            frame for frame in picture.frames
            if frame.column and frame not in steps and ops[frame] >= WORTH and frame.label not in carrying
        ]  # fmt: skip
        ends = {sequence[i] for sequence in picture.sequences for i in (0, -1)}
        found.append(("frames", outermost(gates, opened)))
        if not opened & set(steps):
            found.append(("grid", [[frame] for frame in grid(picture, steps, ops)]))
        for left_open in (opened | ends, opened):
            middle = runs(picture, left_open)
            if middle and left_open & set(steps):
                found.append(("loop", middle))
                found.append(("loop", middle + outermost([f for f in gates if f.column in left_open], opened)))
        if not opened & set(steps):
            parts = grid(picture, [step for step in steps if step in ends], ops)
            found.append(("grid", runs(picture, ends) + [[frame] for frame in parts]))
        if max(map(len, picture.sequences)) > max_width / NARROWEST and not opened >= set(steps):
            long = [(form, groups) for form, groups in found if any(len(group) > 1 for group in groups)]
            found = long or found
    if patterns and any(groups for _, groups in found):
        found = [(form, groups) for form, groups in found if groups]
    result: dict[tuple, tuple[str, Picture]] = {}
    for form, groups in found:
        if groups or form == "open":
            key = form, *map(tuple, groups)
            if key not in result:
                result[key] = form, fold(picture, groups)
    return list(result.values())


def around(thing: Node | Frame) -> Iterable[Frame]:
    """Give the frames around a node, or a frame and those around it, the innermost first."""
    frame = thing.place if isinstance(thing, Node) else thing
    while frame is not None:
        yield frame
        frame = frame.parent


def count_ops(picture: Picture) -> dict[Frame, int]:
    count = dict.fromkeys(picture.frames, 0)
    for node in picture.nodes:
        for frame in around(node) if node.expression else ():
            count[frame] += 1
    return count


# ---- what to fold ----


def opened_by(picture: Picture, patterns: Sequence[str]) -> set[Frame]:
    """Find the frames whose path, or the end of whose path, matches; and those around them. A pattern that matches
    nothing is tried without regard to case: a module has the name of its class where no attribute holds it.
    """
    ends = {frame: ["/".join(frame.path[i:]) for i in range(len(frame.path))] for frame in picture.frames}
    opened: set[Frame] = set()
    for pattern in patterns:
        found = [frame for frame in ends if any(fnmatchcase(end, pattern) for end in ends[frame])]
        found = found or [
            frame for frame in ends if any(fnmatchcase(end.lower(), pattern.lower()) for end in ends[frame])
        ]
        opened.update(outer for frame in found for outer in around(frame))
    return opened


def outermost(frames: Iterable[Frame], opened: set[Frame]) -> list[list[Frame]]:
    frames = {frame: None for frame in frames if frame not in opened}
    return [[frame] for frame in frames if frame.parent not in frames]


def levels(picture: Picture, ops: dict[Frame, int], opened: set[Frame]) -> list[list[list[Frame]]]:
    """Without time steps: fold the innermost frames, then also those around them, but never all into one."""
    worth = [frame for frame in picture.frames if ops[frame] >= WORTH]
    depths = sorted({frame.depth for frame in worth}, reverse=True)
    total = sum(bool(node.expression) for node in picture.nodes)
    found = []
    for depth in dict.fromkeys(depths[:2] + depths[-2:]):
        groups = outermost([frame for frame in worth if frame.depth >= depth], opened)
        if len(groups) > 1 or sum(ops[frame] for (frame,) in groups) < total:
            found.append(groups)
    return found


def grid(picture: Picture, steps: Sequence[Frame], ops: dict[Frame, int]) -> list[Frame]:
    """Fold each of these steps: as one box, or as one for each of its frames where these are few."""
    found = []
    for step in steps:
        parts = [frame for frame in picture.frames if frame.parent is step]
        loose = ops[step] - sum(ops[frame] for frame in parts)
        if ops[step] < 2:
            continue
        found += parts if parts and len(parts) + loose <= COLUMN else [step]
    return found


def runs(picture: Picture, opened: set[Frame]) -> list[list[Frame]]:
    """Give the steps that stay closed, neighbours together."""
    found: list[list[Frame]] = []
    for steps in picture.sequences:
        before_open = True
        for step in steps:
            if step in opened:
                before_open = True
            elif before_open:
                found.append([step])
                before_open = False
            else:
                found[-1].append(step)
    return found


# ---- folding ----


def fold(picture: Picture, groups: Sequence[Sequence[Frame]]) -> Picture:
    """Draw each group of frames as one box."""
    if not groups:
        return picture
    owner = {frame: i for i, group in enumerate(groups) for frame in group}
    box: dict[Node, int] = {}  # which fold hides it
    members: dict[Frame, list[Node]] = {frame: [] for frame in owner}
    for node in picture.nodes:
        frame = next((frame for frame in around(node) if frame in owner), None)
        if frame and not node.listed and not (node.role == "input" and len(groups[owner[frame]]) == 1):
            box[node] = owner[frame]
            members[frame].append(node)
    folds = [make_fold(picture, list(group), [members[frame] for frame in group], box) for group in groups]
    first = {step: group[0] for group in groups for step in group}
    return Picture(
        picture.output,
        [node for node in picture.nodes if node not in box],
        visible_edges(picture, box, folds),
        [frame for frame in picture.frames if not any(outer in owner for outer in around(frame))],
        [list(dict.fromkeys(first.get(step, step) for step in steps)) for steps in picture.sequences],
        folds,
        hint(groups, picture),
        picture.notes,
        picture.passes,
    )


def make_fold(picture: Picture, group: list[Frame], members: list[list[Node]], box: dict[Node, int]) -> Fold:
    steps = [[node for node in nodes if node.expression] for nodes in members]
    alike = len({len(ops) for ops in steps}) == 1
    rows: dict[Any, Row] = {}
    shared: dict[Node, None] = {}
    for nodes, ops in zip(members, steps):
        for place, node in enumerate(ops):
            seen = (edge for edge in node.outgoing if edge.kind != SAVED or not node.single)
            leaving = (box.get(edge.target) != box[node] for edge in seen)
            if node is picture.output or any(leaving):
                part = node.place.path[len(group[0].path) :] if node.place else ()
                key = place if alike else (stem(node.label), part)
                rows.setdefault(key, Row([], part[0] if part else "")).nodes.append(node)
            shared |= {edge.source: None for edge in node.incoming if edge.source.alias}
        shared |= {node: None for node in nodes if node.role == "parameter"}
    if alike and len(group) > 1:
        for place, row in rows.items():
            gradients = [ops[place].gradient for ops in steps]
            row.lengths = [gradient.norm for gradient in gradients if gradient] if all(gradients) else []
    names = Counter(row.node.name(True) for row in rows.values())
    for row in rows.values():
        row.part = row.part if names[row.node.name(True)] > 1 else ""
    label = group[0].label
    if len(group) > 1:
        label = f"⋯ {label}…{group[-1].label.split('=')[-1].strip()} · {len(group)} steps"
    layer = layer_of(group[0], picture) if group[0].column is group[0] else ""
    label = f"{layer} · {label}" if layer else label
    return Fold(label, group, sum(map(len, steps)), list(rows.values()), list(shared))


def layer_of(step: Frame, picture: Picture) -> str:
    """Name the sequence that a step belongs to, where there are several: by the frames that tell it from the others."""
    around = [steps[0].path[:-1] for steps in picture.sequences]
    common = len(os.path.commonprefix(around))
    return " ".join(step.path[common:-1]) if len(around) > 1 else ""


def visible_edges(picture: Picture, box: dict[Node, int], folds: Sequence[Fold]) -> list[Edge | Bundle]:
    """Give the edges between what is visible. Those from one value into one fold are one, which sends their sum."""
    row_of = {node: row.node for fold in folds for row in fold.rows for node in row.nodes}
    bundles: dict[tuple[Node, Node | Fold, str], list[Edge]] = {}
    single: dict[Edge | Bundle, None] = {}
    for edge in (edge for node in picture.nodes if not node.listed for edge in node.incoming):
        a, b = box.get(edge.source), box.get(edge.target)
        if (a is not None and a == b) or (b is not None and edge.source.alias):
            continue
        if edge.kind == SAVED and edge.source.single and (a, b) != (None, None):  # beside both passes a line too many
            continue
        if a is not None and edge.source not in row_of:  # a leaf that is saved in a folded loop
            continue
        if a is None and b is None:
            single[edge] = None
        else:
            key = row_of.get(edge.source, edge.source), edge.target if b is None else folds[b], edge.kind
            bundles.setdefault(key, []).append(edge)
    for (source, target, kind), edges in bundles.items():
        own = [edge for edge in edges if edge.source is source]
        if isinstance(target, Node):  # each use by an op that is visible; or one, where only earlier steps are used
            single |= dict.fromkeys(own or edges[-1:])
        else:
            pieces = [edge.piece for edge in own if edge.piece is not None]
            sent = Quantity(sum(pieces[1:], start=pieces[0]), source.value.digits) if pieces else None
            single[Bundle(source, target, any(edge.flows for edge in edges), sent, kind)] = None
    return list(single)


def hint(groups: Sequence[Sequence[Frame]], picture: Picture) -> str:
    """Say what is folded and how to open it."""
    frames = [frame for group in groups for frame in group]
    parts = sum(frame.column is not frame for frame in frames)
    passing = {edge.source.step.sequence for edge in picture.edges if crosses(edge) and edge.source.step}
    counted = {step for steps in picture.sequences if steps[0].sequence in passing or not passing for step in steps}
    steps = len(counted.intersection(frames))
    what = [f"{steps} of {len(counted)} steps"] if steps else []
    what += [f"{parts} part{'s' * (parts > 1)}"] if parts else []
    middle = max(groups[len(groups) // 2], *groups, key=len)
    path = glob.escape("/".join(middle[len(middle) // 2].path))
    return f"Folded: {' and '.join(what)}. draw(..., expand={path!r}) opens one, '*' all."
