"""Norms of vectors and matrices. At a kink the gradient is the middle of the slopes: 0 for a zero vector."""

from typing import Any

import numpy as np

from ..call import define
from ..op import OPS
from .composite import composite
from .elementwise import safe
from .reduction import restore_axes, shared


def vector_norm_x(g: Any, out: Any, x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    g, out = (restore_axes(z, x, axis, keepdims) for z in (g, out))
    if ord == 2:
        return g * (x / safe(out))
    if ord == 1:
        return g * np.sign(x)
    if ord == 0:  # counts the entries that are not 0
        return g * np.zeros_like(x)
    if abs(ord) == np.inf:
        return shared(g, np.abs(x), out, axis) * np.sign(x)
    return g * np.sign(x) * (np.abs(x) / safe(out)) ** (ord - 1)


define(np.linalg.vector_norm, vector_norm_x, symbol="norm")


@composite(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return np.linalg.norm(x, "fro" if ord is None else ord, (-2, -1), keepdims)


@composite(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Take the norm of vectors along an axis, or of matrices along two: "fro" as one long vector, 1 and inf by adding
    up columns or rows, 2 and "nuc" by singular values.
    """
    vector_norm = OPS[np.linalg.vector_norm].call
    if ord is None and axis is None:
        return vector_norm(x, keepdims=keepdims)
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    if len(axes) == 1:
        return vector_norm(x, axis=axes[0], keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) != 2:
        raise ValueError(f"norm() takes one axis for vectors or two for matrices; it would go over {len(axes)} axes.")
    if ord in (None, "fro"):
        return vector_norm(x, axis=axes, keepdims=keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        sums = np.sum(np.abs(x), axis=axes[abs(ord) != 1], keepdims=True)
        return (np.max if ord > 0 else np.min)(sums, axis=axes, keepdims=keepdims)
    if ord not in (2, -2, "nuc"):
        raise ValueError(f"a norm of matrices has ord None, 'fro', 'nuc', 1, -1, 2, -2, inf or -inf; {ord!r} came.")
    values = np.linalg.svdvals(np.moveaxis(x, axes, (-2, -1)))
    out = (np.sum if ord == "nuc" else np.max if ord > 0 else np.min)(values, axis=-1)
    return np.expand_dims(out, tuple(i % x.ndim for i in axes)) if keepdims else out
