"""The graph as data: nodes, edges, frames and numbers, for a program to read. docs/formats.md describes it."""

import json
from typing import Any

import numpy as np

from .model import Frame, Node, Picture, Quantity

VERSION = 1


def record(picture: Picture) -> dict[str, Any]:
    """Give a graph, whole and unfolded, as dicts, lists, strings and numbers."""
    ids: dict[Node | Frame, str] = {node: f"n{i}" for i, node in enumerate(picture.nodes)}
    ids |= {frame: f"f{i}" for i, frame in enumerate(picture.frames)}
    return {
        "format": "chalkgrad graph",
        "version": VERSION,
        "title": picture.title,
        "notes": picture.notes,
        "output": ids[picture.output],
        "frames": [
            {
                "id": ids[frame],
                "label": frame.label,
                "parent": ids[frame.parent] if frame.parent else None,
                "step": frame.step if frame.column is frame else None,
            }
            for frame in picture.frames
        ],
        "nodes": [
            {
                "id": ids[node],
                "label": node.label,
                "named": node.named,
                "role": node.role,
                "symbol": node.symbol,
                "expression": node.expression,
                "gradient_of": ids[node.of] if node.of else None,
                "frame": ids[node.place] if node.place else None,
                "flows": node.flows,
                "value": quantity(node.value),
                "gradient": quantity(node.gradient),
            }
            for node in picture.nodes
        ],
        "edges": [
            {
                "source": ids[edge.source],
                "target": ids[edge.target],
                "kind": edge.kind,
                "flows": edge.flows,
                "linear": edge.linear,
                "formula": edge.formula,
                "local": quantity(edge.local),
                "sent": quantity(edge.sent),
            }
            for node in picture.nodes
            for edge in node.incoming
        ],
    }


def quantity(q: Quantity | None) -> dict[str, Any] | None:
    """Give an array: what it is, its statistics, and its entries if they are few."""
    if q is None:
        return None
    finite = q.size > q.bad
    return {
        "shape": list(q.shape),
        "dtype": q.dtype,
        "nonfinite": q.bad,
        "min": q.least if finite else None,
        "max": q.most if finite else None,
        "mean": plain(q.mean) if q.size else None,
        "std": plain(q.deviation) if q.size else None,
        "norm": plain(q.norm),
        "entries": None if q.entries is None else plain(q.entries.tolist()),
    }


def plain(x: Any) -> Any:
    """Give numbers as strict JSON can hold them: NaN and infinity as strings, which `float()` and JavaScript's
    `Number()` read.
    """
    if isinstance(x, list):
        return [plain(item) for item in x]
    x = float(x) if isinstance(x, np.floating) else x  # of a dtype that Python does not have
    if isinstance(x, float) and x - x != 0:
        return "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"
    return x


def dump(data: dict[str, Any]) -> str:
    """Write the record as JSON, a line for each node, edge and frame. The same graph gives the same bytes."""

    def text(x: Any) -> str:
        return json.dumps(x, ensure_ascii=False, allow_nan=False)

    def part(x: Any) -> str:
        return "[\n" + ",\n".join(map(text, x)) + "\n]" if isinstance(x, list) and x else text(x)

    return "{\n" + ",\n".join(f"{text(key)}: {part(value)}" for key, value in data.items()) + "\n}\n"
