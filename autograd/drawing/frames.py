"""Where things stand: scopes as frames, steps as columns, leaves beside what uses them, aliases of what is shared."""

import re
from collections.abc import Sequence

from ..tensor import scope
from .model import Bundle, Edge, Frame, Node, Picture, visible

STEP = re.compile(r"\s*t\s*=\s*\d+\s*$")
MOST = 100  # uses that one box of a leaf has lines to; Graphviz takes minutes for more


def frame_of(innermost: scope | None, frames: dict[scope, Frame]) -> Frame | None:
    """Give the frame of a scope; make it, and those around it, where they are new."""
    chain = []
    while innermost is not None and innermost not in frames:
        chain.append(innermost)
        innermost = innermost.parent
    frame = frames[innermost] if innermost is not None else None
    for inner in reversed(chain):
        around, depth = frame, frame.depth + 1 if frame else 0
        frame = frames[inner] = Frame(visible(inner.name) or "·", around, depth, len(frames))
    return frame


def name_frames(frames: Sequence[Frame]) -> None:
    """Number the frames that would bear the same label inside the same frame."""
    seen: dict[tuple[Frame | None, str], int] = {}
    for frame in frames:
        key = frame.parent, frame.label
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            frame.label += f" ({seen[key]})"


def find_steps(picture: Picture) -> None:
    """Find the time steps: two or more scopes `t=1`, `t=2`, ... side by side in the same scope."""
    found: dict[Frame | None, list[Frame]] = {}
    for frame in picture.frames:  # a frame comes after those around it
        frame.column = frame.parent.column if frame.parent else None
        if frame.column is None and STEP.match(frame.label):
            found.setdefault(frame.parent, []).append(frame)
            frame.column = frame
    picture.sequences = [steps for steps in found.values() if len(steps) > 1]
    lone = {steps[0] for steps in found.values() if len(steps) == 1}
    for frame in picture.frames:
        if frame.column in lone:
            frame.column = None
    picture.sequences += joined(picture)
    for i, steps in enumerate(picture.sequences):
        for k, frame in enumerate(steps):
            frame.sequence, frame.step = i, k


def joined(picture: Picture) -> list[list[Frame]]:
    """Give a frame for each time step to what joins values of that time from several sequences, as two directions'."""
    sequence: dict[Frame | None, int] = {step: i for i, steps in enumerate(picture.sequences) for step in steps}
    found: dict[Frame | None, dict[str, list[Node]]] = {}
    for node in picture.nodes:
        given = {edge.source.step for edge in node.incoming if edge.source.expression}
        steps = [step for step in given if step is not None and step in sequence]
        labels = {step.label.strip() for step in steps}
        if node.step is None and len(labels) == 1 and len(steps) == len(given) == len({sequence[s] for s in steps}) > 1:
            found.setdefault(node.place, {}).setdefault(labels.pop(), []).append(node)
    result = []
    for place, times in found.items():
        frames: list[Frame] = []
        for label, nodes in times.items() if len(times) > 1 else ():
            frame = Frame(label, place, place.depth + 1 if place else 0, len(picture.frames))
            frame.column = frame
            picture.frames.append(frame)
            frames.append(frame)
            for node in nodes:
                node.place = frame
        result += [frames] if frames else []
    return result


def place_leaves(picture: Picture) -> None:
    """Put a leaf into the frame that uses it; make an alias of what several frames share, or very many ops."""
    carried = {stem(edge.source.label) for edge in picture.edges if crosses(edge)}
    for node in picture.nodes:
        if node.of is not None:
            continue
        users = [edge.target for edge in node.outgoing if edge.target.of is None]
        steps = list(dict.fromkeys(user.step for user in users if user.step))
        places = list(dict.fromkeys(user.place for user in users))
        if node.step is None and node is not picture.output:
            node.alias = len(steps) > 1 or (node.role == "parameter" and len(places) > 1 and len(users) > 2)
            node.alias |= not node.expression and len(users) > MOST
        if node.alias and node.role == "input" and node.flows:
            node.role = "parameter"
        if users and not node.expression and not node.alias:
            initial = len(steps) == 1 and stem(node.label) in carried
            node.place = steps[0].parent if initial else common(places)
    for node in picture.nodes:
        if node.of is not None:
            node.place = node.of.place
            node.alias = node.of.alias and not node.of.expression and node.single and not node.outgoing
    picture.edges = [edge for edge in picture.edges if not (isinstance(edge, Edge) and edge.target.listed)]
    for node in picture.nodes:
        node.outgoing = [edge for edge in node.outgoing if not edge.target.listed]


def stem(label: str) -> str:
    return label.rstrip("0123456789_")


def crosses(edge: Edge | Bundle) -> bool:
    """Tell whether a value is carried from one time step to another of the same sequence."""
    a, b = edge.source.step, edge.target.step
    return a is not None and b is not None and a is not b and a.sequence == b.sequence


def common(places: list[Frame | None]) -> Frame | None:
    """Give the innermost frame around all of these."""
    around = places[0]
    for place in places[1:]:
        a, b = around, place
        while a is not b:
            if a is None or b is None:
                a = b = None
            elif a.depth > b.depth:
                a = a.parent
            elif b.depth > a.depth:
                b = b.parent
            else:
                a, b = a.parent, b.parent
        around = a
    return around
