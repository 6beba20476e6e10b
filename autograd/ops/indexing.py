"""Entries picked by an index: `x[index]`, of every kind NumPy knows. What is not picked receives no gradient."""

import operator
from typing import Any

import numpy as np

from ..call import define, differentiable
from ..tensor import Tensor


def plain(index: Any) -> Any:
    """Replace the Tensors in an index by their arrays: an index has no gradient."""
    if isinstance(index, tuple):
        return tuple(plain(part) for part in index)
    return index.data if isinstance(index, Tensor) else index


def add_at(buffer: np.ndarray, g: Any, index: Any) -> None:
    """Add `g` to `buffer[index]` in place; an entry that the index names twice receives both gradients."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)) for part in parts):
        buffer[index] += g
    else:
        np.add.at(buffer, index, g)


@differentiable(lambda g, out, x, index, shape: g[plain(index)])
def scatter_add(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Give zeros of `shape` with `x` added at `index`; the gradient of indexing. Repeated entries add up."""
    out = np.zeros(shape, dtype=np.asarray(x).dtype)
    add_at(out, x, plain(index))
    return out


define(
    operator.getitem,
    lambda g, out, x, index: scatter_add(g, index, x.shape),
    symbol="[]",
    forward=lambda x, index: x[index],
    add_into=add_at,
)
