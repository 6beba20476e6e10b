"""The work that every implementation does: arrays that start it, float32, the same for all by a fixed seed.

Letters: B sequences, T steps, D inputs, H hidden units, V symbols, n ops.
"""

import math
from typing import Any

import numpy as np

NOT_THERE = 3  # exit status of a process whose library has no implementation of a workload
WORKLOADS: dict[str, dict[str, Any]] = {
    "lstm-small": {"kind": "lstm", "B": 32, "T": 32, "D": 32, "H": 64},
    "lstm-medium": {"kind": "lstm", "B": 64, "T": 100, "D": 100, "H": 128},
    "lstm-large": {"kind": "lstm", "B": 64, "T": 200, "D": 128, "H": 256},
    "rnn-book": {"kind": "rnn", "B": 32, "T": 35, "V": 28, "H": 512},
    "ops-8x8": {"kind": "ops", "n": 1000},
    "moons": {"kind": "moons", "n": 100, "hidden": 16},
    "chain": {"kind": "chain", "n": 100_000},
    "tree": {"kind": "tree", "n": 100_000},
}


def arrays(name: str) -> dict[str, np.ndarray]:
    """Make what a workload starts from. The parameters are those whose gradients are compared."""
    size = WORKLOADS[name]
    rng = np.random.default_rng(0)

    def uniform(*shape: int) -> np.ndarray:
        return rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(math.sqrt(size["H"]))

    if size["kind"] == "lstm":
        B, T, D, H = (size[letter] for letter in "BTDH")
        bias = uniform(4 * H)
        bias[H : 2 * H] = 1  # the forget gate; without it a loss at T = 200 sends subnormal numbers back
        return {
            "x": rng.normal(size=(T, B, D)).astype(np.float32), "y": rng.normal(size=(B, H)).astype(np.float32),
            "w_x": uniform(4 * H, D), "w_h": uniform(4 * H, H), "b": bias,
        }  # fmt: skip
    if size["kind"] == "rnn":
        B, T, V, H = (size[letter] for letter in "BTVH")
        text = rng.integers(0, V, (T + 1, B))
        return {
            "x": np.eye(V, dtype=np.float32)[text[:-1]], "y": text[1:],
            "w_x": uniform(H, V), "w_h": uniform(H, H), "b": uniform(H), "w_o": uniform(V, H), "b_o": uniform(V),
        }  # fmt: skip
    if size["kind"] == "ops":
        return {name: rng.normal(0, 0.5, (8, 8)).astype(np.float32) for name in "ab"}
    if size["kind"] == "moons":  # two half circles, and micrograd's network of 2, hidden, hidden, 1 units
        n, hidden = size["n"], size["hidden"]
        angle = rng.uniform(0, np.pi, n)
        label = np.where(np.arange(n) % 2, 1.0, -1.0)
        x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        x[label > 0] = [1, 0.5] - x[label > 0]
        widths = [2, hidden, hidden, 1]
        layers = {f"w{i}": rng.uniform(-1, 1, pair[::-1]) for i, pair in enumerate(zip(widths, widths[1:]))}
        return {"x": x + rng.normal(0, 0.1, x.shape), "y": label, **layers}
    return {"x": np.array(0.5), "w": np.array(0.999)}  # chain and tree: float64 scalars


def scalar_moons(a: dict[str, np.ndarray], variable: Any, backward: Any, unset: Any) -> Any:
    """Write the network of `moons` a number at a time, as micrograd does; for an engine whose numbers have .relu()."""
    points, labels = a["x"].tolist(), a["y"].tolist()
    weights = {name: [[variable(v) for v in row] for row in a[name].tolist()] for name in ("w0", "w1", "w2")}

    def step() -> tuple[Any, dict[str, Any]]:
        for w in (w for rows in weights.values() for row in rows for w in row):
            w.grad = unset
        total: Any = 0.0
        for point, label in zip(points, labels):
            values = point
            for name, rows in weights.items():
                values = [sum((w * v for w, v in zip(row[1:], values[1:])), row[0] * values[0]) for row in rows]
                values = values if name == "w2" else [v.relu() for v in values]
            total = (1 + -label * values[0]).relu() + total
        loss = total * (1 / len(points))
        backward(loss)
        return float(loss.data), {name: [[w.grad for w in row] for row in rows] for name, rows in weights.items()}

    return step
