"""Many entries to fewer: sum, mean, max, min, softmax and its kin. `axis` is None, an int or a tuple, as in NumPy."""

from typing import Any

import numpy as np

from ..call import define, differentiable


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


def to_extremes(g: Any, out: Any, x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Send the gradient of a maximum or minimum to the entries that attain it, in equal shares."""
    attained = np.equal(x, restore_axes(out, x, axis, keepdims))
    return restore_axes(g, x, axis, keepdims) * attained / np.sum(attained, axis=axis, keepdims=True)


for extreme in (np.max, np.amax, np.min, np.amin):
    define(extreme, to_extremes)


@differentiable(
    lambda g, out, x, axis=None, *, keepdims=False: restore_axes(g, x, axis, keepdims)
    * np.exp(x - finite(restore_axes(out, x, axis, keepdims))),
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


def finite(x: Any) -> Any:
    return np.where(np.isfinite(x), x, 0)


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
