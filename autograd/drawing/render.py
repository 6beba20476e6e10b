"""Graphviz: from DOT text to SVG, PNG or PDF, in a process of its own that can be stopped."""

import importlib.util
import shutil
import subprocess
import sys

INSTALL = (
    "Drawing needs Graphviz: install it (apt install graphviz, brew install graphviz, conda install graphviz), "
    "or `pip install pygraphviz`, whose wheels carry it."
)
CHILD = """
import sys, warnings, pygraphviz
warnings.simplefilter("ignore")
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
for setting in sys.argv[2:]:
    name, _, value = setting.partition("=")
    graph.graph_attr[name] = value
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""


class GraphvizMissing(RuntimeError):
    """Neither the program `dot` nor the package pygraphviz was found."""


def render(source: str, kind: str, time_out: float) -> bytes:
    """Lay a graph out: DOT text to `kind`, "svg", "png" or "pdf".

    Raises GraphvizMissing; TimeoutError after `time_out` seconds; RuntimeError with Graphviz's own message if it fails.
    """
    settings = ["dpi=144"] if kind == "png" else []
    dot = shutil.which("dot")
    if dot is not None:
        command = [dot, f"-T{kind}", *(f"-G{setting}" for setting in settings)]
    elif importlib.util.find_spec("pygraphviz") is not None:
        command = [sys.executable, "-P", "-c", CHILD, kind, *settings]
    else:
        raise GraphvizMissing(INSTALL)
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, timeout=max(time_out, 0.01))
    except subprocess.TimeoutExpired:
        raise TimeoutError("Graphviz had not finished when its time was over") from None
    if done.returncode or not done.stdout:
        message = done.stderr.decode(errors="replace").strip()[:500] or f"exit status {done.returncode}, no message"
        raise RuntimeError(f"Graphviz could not lay out this graph: {message}")
    return done.stdout
