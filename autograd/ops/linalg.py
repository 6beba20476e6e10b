"""Products of matrices."""

import operator
from typing import Any

import numpy as np

from ..tensor import define


def transposed(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


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
        return transposed(np.reshape(x, (-1, x.shape[-1]))) @ np.reshape(g, (-1, g.shape[-1]))
    return transposed(x) @ g


define(np.matmul, matmul_x, matmul_y, symbol="@", forward=operator.matmul, elementwise=False)
