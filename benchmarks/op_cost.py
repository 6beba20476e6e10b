"""What does an op cost, forward and backward, beyond its arithmetic?

Two workloads: a chain of scalars (x * w + w, repeated), and 8x8 float32 arrays (multiply, add, tanh, matmul in turn).
Bare NumPy does the same arithmetic, its backward pass written by hand. micrograd (scalars) and PyTorch take part where
they are installed in the environment that runs this. Every one must give the same gradients before it is timed; they
take turns, and the table shows medians over the rounds.
"""

import argparse
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from autograd import Tensor

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None
try:
    from micrograd.engine import Value
except ImportError:
    Value = None

Run = Callable[[int], tuple[list[float], Any]]  # number of ops -> ([seconds forward, seconds backward], gradients)


def timed(forward: Callable[[], Any], backward: Callable[[Any], Any]) -> tuple[list[float], Any]:
    start = time.perf_counter()
    result = forward()
    middle = time.perf_counter()
    gradients = backward(result)
    return [middle - start, time.perf_counter() - middle], gradients


# ---- scalars: y = y * w + w ----


def scalars(variable: Callable[[float], Any], backward: Callable[[Any], Any], gradient: Callable[[Any], Any]) -> Run:
    def run(n: int) -> tuple[list[float], Any]:
        x, w = variable(0.5), variable(0.999)

        def forward() -> Any:
            y = x
            for _ in range(n // 2):
                y = y * w
                y = y + w
            return y

        def back(y: Any) -> list[float]:
            backward(y)
            return [float(gradient(x)), float(gradient(w))]

        return timed(forward, back)

    return run


def scalars_numpy(n: int) -> tuple[list[float], Any]:
    x, w = np.float64(0.5), np.float64(0.999)

    def forward() -> list[Any]:
        values, y = [], x
        for _ in range(n // 2):
            values.append(y)
            y = y * w
            y = y + w
        return values

    def back(values: list[Any]) -> list[float]:
        dy, dw = np.float64(1), np.float64(0)
        for y in reversed(values):
            dw = dw + dy
            dw = dw + dy * y
            dy = dy * w
        return [float(dy), float(dw)]

    return timed(forward, back)


# ---- arrays: y = tanh(y * b + a) @ b ----

rng = np.random.default_rng(0)
A = rng.normal(0, 0.5, (8, 8)).astype(np.float32)
B = rng.normal(0, 0.5, (8, 8)).astype(np.float32)


def arrays(
    variable: Callable[[Any], Any], tanh: Callable[[Any], Any], backward: Callable[[Any], Any], gradient: Callable
) -> Run:
    def run(n: int) -> tuple[list[float], Any]:
        a, b = variable(A), variable(B)

        def forward() -> Any:
            y = a
            for _ in range(n // 4):
                y = tanh(y * b + a) @ b
            return y

        def back(y: Any) -> list[Any]:
            backward(y)
            return [np.asarray(gradient(a)), np.asarray(gradient(b))]

        return timed(forward, back)

    return run


def arrays_numpy(n: int) -> tuple[list[float], Any]:
    def forward() -> list[Any]:
        values, y = [], A
        for _ in range(n // 4):
            h = np.tanh(y * B + A)
            values.append((y, h))
            y = h @ B
        return values

    def back(values: list[Any]) -> list[Any]:
        dy, da, db = np.ones_like(A), np.zeros_like(A), np.zeros_like(B)
        for y, h in reversed(values):
            db += h.T @ dy
            dz = (dy @ B.T) * (1 - h * h)
            da += dz
            db += dz * y
            dy = dz * B
        return [da + dy, db]

    return timed(forward, back)


def workloads() -> dict[str, dict[str, Run]]:
    def ours(value: Any) -> Tensor:
        return Tensor(value, requires_grad=True)

    table: dict[str, dict[str, Run]] = {
        "scalars": {
            "bare NumPy": scalars_numpy,
            "Chalkgrad": scalars(ours, lambda y: y.backward(), lambda x: x.grad),
        },
        "8x8 float32": {
            "bare NumPy": arrays_numpy,
            "Chalkgrad": arrays(ours, np.tanh, lambda y: y.backward(np.ones_like(A)), lambda x: x.grad),
        },
    }
    if torch is not None:
        scalar = lambda v: torch.tensor(v, dtype=torch.float64, requires_grad=True)  # noqa: E731
        array = lambda v: torch.tensor(v, requires_grad=True)  # noqa: E731
        table["scalars"]["PyTorch"] = scalars(scalar, lambda y: y.backward(), lambda x: x.grad)
        table["8x8 float32"]["PyTorch"] = arrays(
            array, torch.tanh, lambda y: y.backward(torch.ones(8, 8)), lambda x: x.grad
        )
    if Value is not None:
        # its backward() recurses, so its own loop over its own order stands here, found without recursion
        def backward(root: Any) -> None:
            order, seen, stack = [], set(), [(root, iter(root._prev))]
            while stack:
                node, children = stack[-1]
                child = next((c for c in children if c not in seen), None)
                if child is None:
                    stack.pop()
                    if node not in seen:
                        seen.add(node)
                        order.append(node)
                else:
                    stack.append((child, iter(child._prev)))
            root.grad = 1
            for node in reversed(order):
                node._backward()

        table["scalars"]["micrograd"] = scalars(Value, backward, lambda x: x.grad)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="Print what an op costs, in microseconds, next to bare NumPy.")
    parser.add_argument("--ops", type=int, default=20_000, help="ops in a chain (default: 20,000)")
    parser.add_argument("--rounds", type=int, default=9, help="rounds in which all take turns (default: 9)")
    options = parser.parse_args()
    for workload, peers in workloads().items():
        expected = peers["bare NumPy"](400)[1]
        for name, run in peers.items():
            for got, want in zip(run(400)[1], expected):
                assert np.allclose(got, want, rtol=1e-4, atol=1e-6), f"{name} disagrees on {workload}"
        seconds: dict[str, list[list[float]]] = {name: [] for name in peers}
        for _ in range(options.rounds):
            for name, run in peers.items():
                gc.collect()
                seconds[name].append(run(options.ops)[0])
        print(f"\n{workload}, {options.ops:,} ops: microseconds an op, and the ratio to bare NumPy")
        print(f"{'':12}{'forward':>10}{'backward':>10}{'both':>10}{'ratio':>8}")
        floor = [sum(pair) for pair in seconds["bare NumPy"]]
        for name, rows in seconds.items():
            forward, backward, both = (
                statistics.median(x) / options.ops * 1e6 for x in (*zip(*rows), [sum(row) for row in rows])
            )
            ratio = statistics.median(sum(row) / base for row, base in zip(rows, floor))
            print(f"{name:12}{forward:10.2f}{backward:10.2f}{both:10.2f}{ratio:8.1f}")
    missing = [name for name, module in (("PyTorch", torch), ("micrograd", Value)) if module is None]
    print(f"\nPython {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, 1 thread")
    print(f"not installed here: {', '.join(missing)}" if missing else "")


if __name__ == "__main__":
    main()
