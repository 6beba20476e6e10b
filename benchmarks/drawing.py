"""How long does a picture take, and how large does it get, as a recurrent network is unrolled further?

An LSTM of T steps (the one that the tests draw: 17 ops a step), drawn as it comes, with whatever folding it takes to
fit a notebook, and with nothing folded. `draw(loss)` reads the whole graph; `.svg()` lays one form out after the other
until one fits. The last layout, and finishing its SVG, are also timed alone. Reading should cost the same for each node
of the graph, layout and finishing and the DOT text the same for each box that is visible.

    python benchmarks/drawing.py                  # T = 1, 5, 20, 50, 200 folded, to 50 open; takes half a minute
    python benchmarks/drawing.py --open 200       # the largest T that is drawn open
"""

import argparse
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from autograd import Tensor, draw
from autograd.drawing.render import render
from autograd.drawing.svg import finish

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "autograd" / "drawing"))
from circuits import after_backward, lstm  # noqa: E402

HEAD = "   T  form    nodes  boxes   read s  ms/node    svg s  last layout s  finish s  ms/box   DOT kB  kB/box"


def measure(loss: Tensor, steps: int, form: str) -> str:
    """Draw, and give a line of the table."""
    options = {"expand": "*", "max_width": 1e9, "max_nodes": 1_000_000} if form == "open" else {}
    times = [time.perf_counter()]
    drawing = draw(loss, time_out=600, **options)
    times.append(time.perf_counter())
    svg = drawing.svg()
    times.append(time.perf_counter())
    raw = render(drawing.source, "svg", 600)
    times.append(time.perf_counter())
    composition = drawing._composition
    assert composition is not None and finish(raw, drawing._picture, composition) == svg
    times.append(time.perf_counter())
    reading, svg_time, layout, finishing = np.diff(times)
    nodes, shown = len(drawing._picture.nodes), composition.picture
    boxes, size = len(shown.nodes) + len(shown.folds), len(drawing.source.encode()) / 1000
    return (
        f"{steps:4}  {form:6} {nodes:6} {boxes:6} {reading:8.2f} {1000 * reading / nodes:8.2f} {svg_time:8.2f} "
        f"{layout:14.2f} {finishing:9.2f} {1000 * (layout + finishing) / boxes:7.2f} {size:8.0f} {size / boxes:7.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time drawing an LSTM against its number of steps.")
    parser.add_argument("steps", nargs="*", type=int, default=[1, 5, 20, 50, 200], help="T (1 5 20 50 200)")
    parser.add_argument("--open", type=int, default=50, help="the largest T that is drawn with nothing folded (50)")
    args = parser.parse_args()
    version = subprocess.run(["dot", "-V"], capture_output=True, text=True).stderr.strip()
    print(f"{version}; Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}")
    print(HEAD)
    draw(after_backward(lstm, 1)).svg()  # what happens once, as looking for fonts, is not asked
    for form in ("folded", "open"):
        for steps in args.steps:
            if form == "folded" or steps <= args.open:
                print(measure(after_backward(lstm, steps), steps, form), flush=True)


if __name__ == "__main__":
    main()
