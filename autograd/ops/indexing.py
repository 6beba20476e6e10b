"""Entries picked by an index: `x[index]`, of every kind NumPy knows. What is not picked receives no gradient."""

import operator
from typing import Any

import numpy as np

from ..call import define, differentiable
from ..tensor import Tensor

UNCHANGING = {int, slice, type(None), type(Ellipsis)}  # parts of an index that nobody can write to


def plain(index: Any) -> Any:
    """Replace the Tensors in an index by their arrays, since an index has no gradient, and arrays by copies: whoever
    made the index may write to it before the backward pass.
    """
    if type(index) in UNCHANGING or type(index) is tuple and UNCHANGING.issuperset(map(type, index)):
        return index
    if isinstance(index, (tuple, list)):
        parts = [part if type(part) in UNCHANGING else plain(part) for part in index]
        return tuple(parts) if isinstance(index, tuple) else parts
    if isinstance(index, Tensor):
        return index.as_index()
    return index.copy() if isinstance(index, np.ndarray) else index


def add_at(buffer: np.ndarray, g: Any, index: Any) -> None:
    """Add `g` to `buffer[index]` in place; an entry that the index names twice receives both gradients."""
    if names_once(index):
        buffer[index] += g
    else:
        np.add.at(buffer, index, g)


def names_once(index: Any) -> bool:
    """Tell whether an index surely names no entry twice: it is made of ints, slices and masks."""
    parts = index if isinstance(index, tuple) else (index,)
    return {int, slice}.issuperset(map(type, parts)) or all(  # in one look, mostly
        part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice))
        or isinstance(part, np.ndarray) and part.dtype == bool
        for part in parts
    )  # fmt: skip


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


def put_x(g: Any, out: Any, x: Any, value: Any, index: Any) -> Any:
    """What was written over receives no gradient."""
    return put_at(g, 0, index)


def put_value(g: Any, out: Any, x: Any, value: Any, index: Any) -> Any:
    """The value receives the gradient of the entries it went to: of several that met in one, the last, which stayed."""
    taken = g[index]
    if not names_once(index):
        parts = index if isinstance(index, tuple) else (index,)
        index = tuple([np.positive(x) if isinstance(x, np.ndarray) and x.dtype != bool else x for x in parts])
        numbers = np.arange(taken.size).reshape(taken.shape)
        last = np.zeros(out.shape, dtype=int)
        last[index] = numbers
        taken = np.where(last[index] == numbers, taken, 0)
    extra = value.ndim - taken.ndim
    return np.reshape(taken, (1,) * extra + taken.shape) if extra > 0 else taken


def written(x: Any, value: Any, index: Any) -> Any:
    if np.asarray(x).dtype.kind != "f" and np.asarray(value).dtype.kind == "f":
        raise TypeError(f"floats would lose their fractions in an array of {np.asarray(x).dtype}; use x.astype(float).")
    out = np.array(x)
    out[index] = value
    return out[()]


put_at = define(lambda x, value, index: written(x, value, index), put_x, put_value, symbol="put")


def put(x: Any, index: Any, value: Any) -> Any:
    """Give a copy of `x` with `x[index] = value` done, `x` itself unchanged; gradients flow to what is left of `x` and
    to the value.

    x      array or Tensor; the result has its shape and dtype
    index  of every kind NumPy knows; where it names an entry twice, the later value stays
    value  a number, array or Tensor that broadcasts to the shape of x[index]

    Raises IndexError for an index out of range, ValueError for a value of another shape.
    """
    if value is None:
        raise TypeError("put() takes a number, an array or a Tensor as value; None came.")
    return put_at(x, value, index=plain(index))
