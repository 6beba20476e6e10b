"""Plots: the lines are the numbers; without matplotlib an error says what to install."""

import importlib
import sys

import numpy as np
import pytest


def test_gradient_norms_are_plotted(tmp_path):
    """One line for each state over the steps from 1, on a logarithmic scale; zeros are left out."""
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install matplotlib")
    matplotlib.use("agg")
    plot = importlib.import_module("nn.plot")
    axes = plot.plot_gradient_norms({"h": np.array([0.0, 1e-3, 0.1]), "c": np.array([0.5, 1.0, 2.0])})
    h, c = axes.get_lines()
    assert h.get_xdata().tolist() == [1, 2, 3] and c.get_ydata().tolist() == [0.5, 1.0, 2.0]
    assert np.isnan(h.get_ydata()[0]) and h.get_ydata()[1:].tolist() == [1e-3, 0.1]
    assert axes.get_yscale() == "log" and [t.get_text() for t in axes.get_legend().get_texts()] == ["h", "c"]
    assert plot.plot_gradient_norms({"s": np.ones(2)}, axes) is axes and len(axes.get_lines()) == 3
    axes.figure.savefig(tmp_path / "norms.svg")
    matplotlib.pyplot.close(axes.figure)


def test_without_matplotlib(monkeypatch):
    """The import fails with the command to run; `import nn` does not need matplotlib."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "nn.plot", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'chalkgrad\[plot\]'"):
        importlib.import_module("nn.plot")
