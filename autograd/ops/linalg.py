"""Products of matrices."""

import math
import operator
from typing import Any

import numpy as np

from ..call import define


def transposed(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def rows(x: Any) -> Any:
    """See the last axis as rows of one matrix."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def matmul_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    """D = X W: dX = dD Wᵀ. A vector on either side is a matrix of one row or one column."""
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if x.ndim == 1:
        return np.squeeze(y @ np.expand_dims(g, -1), -1)
    return g @ transposed(y)


def matmul_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    """D = X W: dW = Xᵀ dD."""
    if x.ndim == 1:
        return np.expand_dims(x, -1) * np.expand_dims(g, -2) if y.ndim > 1 else g * x
    if y.ndim == 1:
        return np.squeeze(transposed(x) @ np.expand_dims(g, -1), -1)
    if y.ndim == 2 < x.ndim:  # one matrix for a whole stack: a single product, not one per entry to be summed
        return transposed(rows(x)) @ rows(g)
    return transposed(x) @ g


define(np.matmul, matmul_x, matmul_y, symbol="@", forward=operator.matmul, elementwise=False)


def by_pairs(g: Any, x: Any, y: Any) -> Any:
    """See the gradient of inner(x, y) as one matrix, rows of x by rows of y."""
    return g if g.ndim == x.ndim == y.ndim == 2 else np.reshape(g, (math.prod(x.shape[:-1]), math.prod(y.shape[:-1])))


def inner_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    """D = X Wᵀ: dX = dD W."""
    if x.ndim == 0 or y.ndim == 0:
        return g * y
    dx = by_pairs(g, x, y) @ rows(y)
    return dx if x.ndim == 2 else np.reshape(dx, x.shape)


def inner_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    """D = X Wᵀ: dW = dDᵀ X."""
    if x.ndim == 0 or y.ndim == 0:
        return g * x
    dy = transposed(by_pairs(g, x, y)) @ rows(x)
    return dy if y.ndim == 2 else np.reshape(dy, y.shape)


def inner(x: Any, y: Any) -> Any:
    """Compute np.inner; a stack times one matrix as a single product, which NumPy does entry by entry."""
    if np.ndim(x) > 2 == np.ndim(y):
        return np.reshape(np.inner(rows(x), y), (*x.shape[:-1], y.shape[0]))
    return np.inner(x, y)


define(np.inner, inner_x, inner_y, forward=inner)
