"""Running Graphviz: `dot`, pygraphviz, neither; failures and time-outs."""

import stat
import sys

import pytest

from autograd.drawing.render import GraphvizMissing, render

SOURCE = "digraph { a -> b [label=<∂ <B>ü</B>>] }"


def pretend_dot(folder, monkeypatch, script):
    """Put a program named dot, a line of Python, in front of the path."""
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -IS -c \"import sys, time; {script}\"\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize("kind, start", [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_kinds(kind, start):
    """SVG, PNG and PDF."""
    assert render(SOURCE, kind, 20).startswith(start)


def test_exit_status(tmp_path, monkeypatch):
    """dot can print an SVG and fail all the same: its exit status counts, and its message is passed on."""
    pretend_dot(tmp_path, monkeypatch, "print('<svg/>'); sys.exit('trouble in init_rank')")
    with pytest.raises(RuntimeError, match="trouble in init_rank"):
        render(SOURCE, "svg", 20)


def test_error_of_graphviz():
    """What Graphviz says about a bad graph is in the error."""
    with pytest.raises(RuntimeError, match="syntax error"):
        render("digraph { <", "svg", 20)


def test_time_out(tmp_path, monkeypatch):
    """A layout that takes too long is stopped."""
    pretend_dot(tmp_path, monkeypatch, "time.sleep(30)")
    with pytest.raises(TimeoutError):
        render(SOURCE, "svg", 0.2)


def test_neither(tmp_path, monkeypatch):
    """Without dot and pygraphviz, one line says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GraphvizMissing, match="pip install pygraphviz"):
        render(SOURCE, "svg", 20)


def test_child_process(tmp_path, monkeypatch):
    """Without dot, a package pygraphviz draws in a process of its own; here one that writes down what it was asked."""
    (tmp_path / "pygraphviz.py").write_text(
        "class AGraph:\n"
        "    def __init__(self, string): self.string, self.graph_attr = string, {}\n"
        "    def draw(self, format, prog): return repr((self.string, self.graph_attr, format, prog)).encode()\n"
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    asked = eval(render(SOURCE, "png", 20).decode())
    assert asked == (SOURCE, {"dpi": "144"}, "png", "dot")


@pytest.mark.parametrize("kind, start", [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_pygraphviz(tmp_path, monkeypatch, kind, start):
    """The real package, where it is installed."""
    pytest.importorskip("pygraphviz", reason="pygraphviz is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert render(SOURCE, kind, 20).startswith(start)
