"""How deep can a graph be, does training need ever more memory, and how long does the import take?

Each measurement runs in a process of its own. Memory is what the process holds beyond its imports.

    python benchmarks/limits.py
"""

import argparse
import gc
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import nn  # noqa: E402
from autograd import Tensor  # noqa: E402


def peak() -> float:
    """Give the most memory that this process has held, in MB. (macOS counts in bytes, Linux in kB.)"""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def depth(n: int) -> str:
    """Go through a chain of n scalar ops, forward and backward."""
    before, start = peak(), time.perf_counter()
    x = Tensor(0.5, requires_grad=True)
    y = x
    for _ in range(n // 2):
        y = y * 0.999 + x
    middle = time.perf_counter()
    y.backward()
    seconds = time.perf_counter() - start
    return (
        f"{n:>9,} ops deep: {seconds:7.2f} s, forward {(middle - start) / n * 1e6:.2f} and backward "
        f"{(start + seconds - middle) / n * 1e6:.2f} µs an op, {(peak() - before) * 1e3 / n:.2f} kB an op"
    )


def flat(steps: int) -> str:
    """Train an LSTM without the cyclic collector, whose work would be to find what reference counts don't free."""
    gc.disable()
    rng = np.random.default_rng(0)
    model = nn.LSTM(32, 64, rng=rng, dtype=np.float32)
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-3)
    x = rng.standard_normal((32, 32, 32)).astype(np.float32)
    held = []
    for step in range(steps):
        optimizer.zero_grad()
        output, _ = model(x)
        (output**2).mean().backward()
        optimizer.step()
        if step in (steps // 10 - 1, steps - 1):
            held.append(peak())
    return f"training without gc: {held[0]:.1f} MB at most after {steps // 10} steps, {held[1]:.1f} MB after {steps}"


def imports(rounds: int) -> str:
    """Time interpreters that import something and end; they take turns."""
    seconds: dict[str, list[float]] = {"numpy": [], "autograd": [], "nn": []}
    compiled = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}  # as where it is installed
    for _ in range(rounds):
        for name, found in seconds.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, env=compiled, check=True)
            found.append(time.perf_counter() - start)
    medians = {name: statistics.median(found) * 1e3 for name, found in seconds.items()}
    return "import, interpreter included: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in medians.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("part", nargs="?", help="depth N, flat N or imports N; by default all")
    parser.add_argument("n", nargs="?", type=int)
    options = parser.parse_args()
    if options.part:
        print({"depth": depth, "flat": flat, "imports": imports}[options.part](options.n))
        return
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores")
    for part, n in (("depth", 10_000), ("depth", 100_000), ("depth", 1_000_000), ("flat", 300), ("imports", 15)):
        subprocess.run([sys.executable, __file__, part, str(n)], check=True)


if __name__ == "__main__":
    main()
