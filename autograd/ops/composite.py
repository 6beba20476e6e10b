"""NumPy functions that need no rule of their own: written in terms of ops, or without a gradient altogether."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..op import COMPOSITES, OPS, Op
from ..tensor import Tensor, constant, modes
from .indexing import plain


def composite(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have Tensors handed to NumPy's `function` go to the function below."""

    def register(replacement: Callable[..., Any]) -> Callable[..., Any]:
        COMPOSITES[function] = replacement
        return replacement

    return register


@composite(np.clip)
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    low, high = a_min if min is None else min, a_max if max is None else max
    if low is None and high is None:
        raise ValueError("clip() needs a lower bound, an upper bound, or both; none came.")
    return OPS[np.clip].call(x, low, high)


@composite(np.take)
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    indices = plain(indices)
    if axis is None:
        return np.reshape(x, (-1,))[indices]
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"take(axis={axis}) of a tensor of {x.ndim} axes.")
    return x[(slice(None),) * (axis % x.ndim) + (indices,)]


@composite(np.split)
def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"split(axis={axis}) of a tensor of {x.ndim} axes.")
    length = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        if indices_or_sections < 1 or length % indices_or_sections:
            raise ValueError(f"an axis of length {length} can't be split into {indices_or_sections} equal parts.")
        step = length // indices_or_sections
        cuts = list(range(step, length, step))
    else:
        cuts = [int(cut) for cut in indices_or_sections]
    before = (slice(None),) * (axis % x.ndim)
    return [x[(*before, slice(start, stop))] for start, stop in zip([0, *cuts], [*cuts, length])]


@composite(np.divmod)
def quotient_and_remainder(x: Any, y: Any) -> tuple[Any, Any]:
    return np.floor_divide(x, y), np.remainder(x, y)


@composite(np.modf)
def fraction_and_integer(x: Any) -> tuple[Any, Any]:
    return np.fmod(x, 1), np.trunc(x)


@composite(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composite(np.linalg.trace)
def matrix_trace(x: Any, /, *, offset: int = 0) -> Any:
    return np.trace(x, offset, -2, -1)


@composite(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if weights is None:
        out = np.mean(a, axis=axis, keepdims=keepdims)
        total = np.full(out.shape, np.size(a) / max(np.size(out), 1), out.dtype)
    else:
        if np.shape(weights) != np.shape(a):
            if np.ndim(axis) or axis is None or np.shape(weights) != (np.shape(a)[axis],):
                raise ValueError(
                    f"average() takes weights of the shape of the data, {np.shape(a)}, or one for each entry along an "
                    f"axis; the weights have shape {np.shape(weights)}, axis is {axis}."
                )
            weights = np.reshape(weights, [-1 if i == axis % np.ndim(a) else 1 for i in range(np.ndim(a))])
        total = np.sum(np.broadcast_to(weights, np.shape(a)), axis=axis, keepdims=keepdims)
        out = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (out, total) if returned else out


@composite(np.nansum)
def nansum(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.sum(np.where(np.isnan(a), 0, a), axis=axis, keepdims=keepdims)


@composite(np.nanmean)
def nanmean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    count = np.sum(~np.isnan(a), axis=axis, keepdims=keepdims)
    return nansum(a, axis, keepdims=keepdims) / np.astype(count, a.dtype)


@composite(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n < 0 or not np.ndim(a):
        raise ValueError(f"diff() takes n >= 0 times the differences along an axis; n={n}, shape {np.shape(a)} came.")
    at_end = np.shape(a)[:axis] + (1,) + np.shape(a)[axis % np.ndim(a) + 1 :]
    parts = [x if np.ndim(x) else np.broadcast_to(x, at_end) for x in (prepend, a, append) if x is not None]
    a = np.concatenate(parts, axis=axis) if len(parts) > 1 else a
    before = (slice(None),) * (axis % np.ndim(a))
    for _ in range(n):
        a = a[(*before, slice(1, None))] - a[(*before, slice(None, -1))]
    return a


def array_of(x: Any) -> Any:
    return x._data if isinstance(x, Tensor) else x


def number_of(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def on_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a function that gives one array without a gradient on the values alone."""
    op = Op(function)

    def call(*args: Any, **options: Any) -> Any:
        out = function(*map(array_of, args), **{name: number_of(option) for name, option in options.items()})
        return modes.leave(op, out, args, options)

    return call


def read_out(function: Callable[..., Any], read: Callable[[Any], Any] = number_of) -> Callable[..., Any]:
    """Run a function on the values whose result, or its shape, is for Python to go by."""

    def call(*args: Any, **options: Any) -> Any:
        out = function(*map(read, args), **{name: read(option) for name, option in options.items()})
        return constant(out) if isinstance(out, (np.ndarray, np.generic)) else out

    return call


for function in (
    np.argmax, np.argmin, np.argsort, np.argpartition, np.searchsorted, np.any, np.all, np.count_nonzero, np.isclose,
    np.round, np.around, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert,
    np.zeros_like, np.ones_like, np.full_like, np.empty_like,
):  # fmt: skip
    composite(function)(on_values(function))
for reader in (np.argwhere, np.flatnonzero, np.nonzero, np.ix_, np.unique, np.array_equal, np.allclose):
    composite(reader)(read_out(reader))
for measure in (np.shape, np.ndim, np.size):
    composite(measure)(read_out(measure, array_of))
