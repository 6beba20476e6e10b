"""Many entries to fewer: sum, mean, var, max, median, trace, softmax and its kin. `axis` is None, an int or a tuple, as
in NumPy. Entries that tie for a maximum, minimum or median share its gradient.
"""

from typing import Any

import numpy as np

from ..call import define, differentiable
from .elementwise import finite, safe


def restore_axes(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Give the axes that a reduction of `x` removed back to `g`, with length 1, so that it broadcasts against `x`."""
    if keepdims:
        return g
    return np.reshape(g, (1,) * x.ndim) if axis is None else np.expand_dims(g, axis)


define(
    np.sum,
    lambda g, out, x, axis=None, *, keepdims=False: np.broadcast_to(restore_axes(g, x, axis, keepdims), x.shape),
    symbol="Σ",
)
define(
    np.mean,
    lambda g, out, x, axis=None, *, keepdims=False: np.broadcast_to(
        restore_axes(g / (x.size / max(out.size, 1)), x, axis, keepdims), x.shape
    ),
)


def split_axes(x: Any, axis: Any) -> tuple[list[int], list[int]]:
    """List the axes that are reduced, and those that stay."""
    axes = [i % x.ndim for i in (range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,))]
    return axes, [i for i in range(x.ndim) if i not in axes]


def line_up(x: Any, axis: Any) -> Any:
    """Make one axis of those that are reduced, the first; those that stay follow."""
    axes, others = split_axes(x, axis)
    lengths = int(np.prod([x.shape[i] for i in axes])), *(x.shape[i] for i in others)
    return np.reshape(np.transpose(x, axes + others), lengths)


def line_back(y: Any, x: Any, axis: Any) -> Any:
    """Undo line_up(x, axis)."""
    order = sum(split_axes(x, axis), [])
    return np.transpose(np.reshape(y, tuple(x.shape[i] for i in order)), np.argsort(order))


# ---- spread ----


def from_mean(x: Any, axis: Any) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


def freedom(x: Any, out: Any, ddof: float, correction: float | None) -> float:
    """Count the entries behind each result, less the correction (NumPy has two names for it)."""
    return x.size / max(out.size, 1) - (ddof if correction is None else correction)


def var_x(
    g: Any, out: Any, x: Any, axis: Any = None, *, ddof: Any = 0, keepdims: bool = False, correction: Any = None
) -> Any:
    return restore_axes(g * 2 / freedom(x, out, ddof, correction), x, axis, keepdims) * from_mean(x, axis)


def std_x(
    g: Any, out: Any, x: Any, axis: Any = None, *, ddof: Any = 0, keepdims: bool = False, correction: Any = None
) -> Any:
    """Of equal entries the gradient is 0, the middle of the slopes in opposite directions."""
    return restore_axes(g / freedom(x, out, ddof, correction) / safe(out), x, axis, keepdims) * from_mean(x, axis)


define(np.var, var_x)
define(np.std, std_x)

# ---- entries picked by their size ----


def shared(g: Any, x: Any, value: Any, axis: Any) -> Any:
    """Send a gradient to the entries of `x` that attain `value`, in equal shares."""
    attained = np.equal(x, value)
    return g * attained / np.sum(attained, axis=axis, keepdims=True)


def extreme_x(g: Any, out: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return shared(restore_axes(g, x, axis, keepdims), x, restore_axes(out, x, axis, keepdims), axis)


for extreme in (np.max, np.amax, np.min, np.amin):
    define(extreme, extreme_x)


def median_x(g: Any, out: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Of an even number of entries, the two in the middle receive half each."""
    ordered = np.sort(line_up(x, axis), axis=0)
    n = ordered.shape[0]
    g = restore_axes(g, x, axis, keepdims) / 2
    low, high = (restore_axes(ordered[i], x, axis, False) for i in ((n - 1) // 2, n // 2))
    return shared(g, x, low, axis) + shared(g, x, high, axis)


define(np.median, median_x)

# ---- the diagonal ----


def trace_x(g: Any, out: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    places = np.ogrid[tuple(map(slice, x.shape))]
    return np.expand_dims(g, (axis1 % x.ndim, axis2 % x.ndim)) * (places[axis2] - places[axis1] == offset)


define(np.trace, trace_x, symbol="tr")

# ---- exponentials, added up ----


@differentiable(
    lambda g, out, x, axis=None, *, keepdims=False: (
        restore_axes(g, x, axis, keepdims) * np.exp(x - finite(restore_axes(out, x, axis, keepdims)))
    ),
)
def logsumexp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Compute log(sum(exp(x))) over `axis`, shifted by the maximum so that nothing overflows.

    x: floats of any shape. The local gradient is softmax(x).
    """
    shift = finite(np.max(x, axis=axis, keepdims=True))
    total = np.sum(np.exp(x - shift), axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):  # log 0 = -inf is right where all entries are -inf
        out = np.log(total) + shift
    return out if keepdims else np.squeeze(out, axis=axis)


@differentiable(lambda g, out, x, axis=-1: out * (g - np.sum(g * out, axis=axis, keepdims=True)))
def softmax(x: Any, axis: Any = -1) -> Any:
    """Compute exp(x) / sum(exp(x)) over `axis`: positive, adding up to 1. x: floats of any shape but ()."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@differentiable(lambda g, out, x, axis=-1: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True))
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Compute log(softmax(x)) over `axis`, stable also where softmax underflows. x: floats of any shape but ()."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
