"""Plots of what `nn.bptt` measures. They need matplotlib: `pip install 'chalkgrad[plot]'`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

try:
    from matplotlib import pyplot
except ImportError as error:
    raise ImportError("nn.plot needs matplotlib: pip install 'chalkgrad[plot]', or pip install matplotlib.") from error


def plot_gradient_norms(norms: Mapping[str, np.ndarray], axes: Any = None) -> Any:
    """Plot the norms that `nn.bptt.gradient_norms` gives over the time steps, on a logarithmic scale.

    axes: matplotlib's, to draw into; new ones if None. A norm of exactly 0 has no logarithm: its step stays empty.
    Returns the axes; `.figure.savefig("norms.svg")` writes them.
    """
    axes = pyplot.subplots()[1] if axes is None else axes
    for name, values in norms.items():
        axes.plot(np.arange(1, len(values) + 1), np.where(values > 0, values, np.nan), marker=".", label=name)
    axes.set_yscale("log")
    axes.set_xlabel("time step t")
    axes.set_ylabel("norm of the gradient w.r.t. the state at t")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    return axes
