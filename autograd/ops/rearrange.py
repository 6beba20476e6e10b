"""NumPy's other functions that move, repeat or join entries, written with the ops of `shape` and `indexing`."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..op import OPS
from ..tensor import Tensor
from .composite import composite, split
from .indexing import plain, scatter_add
from .linalg import as_array, transposed


def one_or_all(results: Sequence[Any]) -> Any:
    return results[0] if len(results) == 1 else tuple(results)


# ---- more axes, fewer axes ----


@composite(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    if order != "C":
        raise ValueError(f"ravel of a Tensor goes through the entries row by row, order='C'; {order!r} came.")
    return np.reshape(a, (-1,))


@composite(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    return one_or_all([x if np.ndim(x) else np.reshape(x, (1,)) for x in arys])


@composite(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    return one_or_all([x if np.ndim(x) > 1 else np.reshape(x, (1, -1)) for x in arys])


@composite(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    rows = map(np.atleast_2d, arys)
    return one_or_all([x if np.ndim(x) > 2 else np.expand_dims(x, -1) for x in rows])


for function in (np.matrix_transpose, np.linalg.matrix_transpose):
    composite(function)(lambda x, /: transposed(x))


@composite(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(x, shape) for x in args)


@composite(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid() takes indexing='xy' or 'ij'; {indexing!r} came.")
    places = list(range(len(xi)))
    if indexing == "xy":
        places[:2] = places[1::-1]
    grids = [np.reshape(x, [-1 if i == place else 1 for i in range(len(xi))]) for x, place in zip(xi, places)]
    return tuple(grids) if sparse else broadcast_arrays(*grids)


# ---- put together ----


@composite(np.hstack)
def hstack(tup: Any) -> Any:
    xs = [np.atleast_1d(x) for x in tup]
    return np.concatenate(xs, axis=0 if xs[0].ndim == 1 else 1)


@composite(np.vstack)
def vstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_2d(x) for x in tup])


@composite(np.dstack)
def dstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_3d(x) for x in tup], axis=2)


@composite(np.column_stack)
def column_stack(tup: Any) -> Any:
    return np.concatenate([x if np.ndim(x) > 1 else np.reshape(x, (-1, 1)) for x in tup], axis=1)


@composite(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate([arr, values], axis=axis)


@composite(np.block)
def block(arrays: Any) -> Any:
    """Join innermost lists along the last axis, lists of lists along the last but one, and so on."""

    def depth(x: Any) -> int:
        return 1 + max(map(depth, x)) if isinstance(x, list) and x else 0

    def leaves(x: Any) -> list[Any]:
        return [leaf for y in x for leaf in leaves(y)] if isinstance(x, list) else [x]

    ndim = max([depth(arrays), *map(np.ndim, leaves(arrays))])

    def join(x: Any, level: int) -> Any:
        if isinstance(x, list) != (level > 0) or isinstance(x, list) and not x:
            raise ValueError("block() takes nested lists: all equally deep, none of them empty.")
        if level:
            return np.concatenate([join(y, level - 1) for y in x], axis=-level)
        return np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x))

    return join(arrays, depth(arrays))


# ---- cut apart ----


@composite(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    if not isinstance(indices_or_sections, (int, np.integer)):
        return split(ary, indices_or_sections, axis)
    if indices_or_sections < 1:
        raise ValueError(f"an axis can't be split into {indices_or_sections} parts.")
    length, longer = divmod(ary.shape[normalize_axis_index(axis, ary.ndim)], indices_or_sections)
    lengths = [length + (i < longer) for i in range(indices_or_sections)]
    return split(ary, list(accumulate(lengths))[:-1], axis)


@composite(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(ary, indices_or_sections, min(ary.ndim - 1, 1))


@composite(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    if ary.ndim < 2:
        raise ValueError(f"vsplit() needs 2 axes or more; the tensor has shape {ary.shape}.")
    return split(ary, indices_or_sections, 0)


@composite(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    if ary.ndim < 3:
        raise ValueError(f"dsplit() needs 3 axes or more; the tensor has shape {ary.shape}.")
    return split(ary, indices_or_sections, 2)


@composite(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    return tuple(np.moveaxis(x, axis, 0))


# ---- turn over, repeat ----

composite(np.flipud)(lambda m: np.flip(m, 0))
composite(np.fliplr)(lambda m: np.flip(m, 1))


@composite(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """Repeat along axes of their own, then merge each with the axis behind it."""
    reps = np.atleast_1d(plain(reps)).tolist()
    n = max(A.ndim, len(reps))
    counts, shape = [1] * (n - len(reps)) + reps, (1,) * (n - A.ndim) + A.shape
    once = np.reshape(A, [k for length in shape for k in (1, length)])
    many = np.broadcast_to(once, tuple(k for pair in zip(counts, shape) for k in pair))
    return np.reshape(many, [count * length for count, length in zip(counts, shape)])


@composite(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    axis, repeats = normalize_axis_index(axis, a.ndim), plain(repeats)
    if np.asarray(repeats).dtype.kind not in "iu" or np.any(np.less(repeats, 0)):
        raise ValueError(f"repeat() takes how often as whole numbers, not negative; {repeats} came.")
    if np.ndim(repeats):
        return np.take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis)
    before, length, behind = a.shape[:axis], a.shape[axis], a.shape[axis + 1 :]
    many = np.broadcast_to(np.expand_dims(a, axis + 1), (*before, length, int(repeats), *behind))
    return np.reshape(many, (*before, length * int(repeats), *behind))


@composite(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """Pad with constants, or with copies of entries: every mode of NumPy that computes nothing."""
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - array.ndim, 0)) for i in range(array.ndim)]
        pad_width = [np.broadcast_to(width, 2).tolist() for width in pad_width]
    if mode == "constant":
        if isinstance(options.get("constant_values"), Tensor):
            raise TypeError("pad() takes constant_values as numbers. To pad with a Tensor, use np.concatenate.")
        return OPS[np.pad].call(array, pad_width, **options)
    if mode not in ("edge", "reflect", "symmetric", "wrap") or options.get("reflect_type", "even") != "even":
        raise ValueError(
            "pad() of a Tensor takes mode='constant', 'edge', 'reflect', 'symmetric' or 'wrap', reflect_type='even'; "
            f"{mode!r} came{''.join(f', {name}={option!r}' for name, option in options.items())}."
        )
    widths = np.broadcast_to(pad_width, (array.ndim, 2)).tolist()
    return array[np.ix_(*(np.pad(np.arange(n), width, mode, **options) for n, width in zip(array.shape, widths)))]


# ---- entries by number: whatever a function does to the numbers of the entries, it does to the entries ----


def numbered(x: Any) -> Any:
    return np.arange(np.size(x)).reshape(np.shape(x))


@composite(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    x = np.moveaxis(a, (axis1, axis2), (-2, -1))
    row, column = max(-offset, 0), max(offset, 0)
    i = np.arange(max(min(x.shape[-2] - row, x.shape[-1] - column), 0))
    return x[..., i + row, i + column]


@composite(np.linalg.diagonal)
def matrix_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return diagonal(x, offset, -2, -1)


@composite(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(
            f"diag() takes a vector or a matrix; shape {v.shape} came. np.diagonal takes stacks of matrices."
        )
    n = v.size + abs(k)
    rows = np.arange(v.size) + max(-k, 0)
    return scatter_add(v, (rows, rows + k), (n, n))


@composite(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return diag(np.reshape(v, (-1,)), k)


def along_axis(x: Any, indices: Any, axis: int) -> Any:
    index = list(np.ogrid[tuple(map(slice, x.shape))])
    index[axis] = indices
    return x[tuple(index)]


@composite(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    indices = plain(indices)
    if axis is None:
        return np.reshape(arr, (-1,))[indices]
    if np.ndim(indices) != arr.ndim:
        raise ValueError(f"take_along_axis() of {arr.ndim} axes needs as many of indices; {np.ndim(indices)} came.")
    return along_axis(arr, indices, axis)


@composite(np.sort)
def sort(a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: bool | None = None) -> Any:
    """Put the entries in order; each takes its gradient along. Of equal ones the first stays first."""
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    if not -a.ndim <= axis < a.ndim:
        raise ValueError(f"sort(axis={axis}) of a tensor of {a.ndim} axes.")
    return along_axis(a, np.argsort(a, axis, kind="stable"), axis)


@composite(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    return np.take(a, np.flatnonzero(plain(condition)), axis)


@composite(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return np.reshape(arr, (-1,))[np.flatnonzero(plain(condition))]


@composite(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, axis = np.reshape(arr, (-1,)), 0
    return np.take(arr, np.delete(np.arange(arr.shape[axis]), plain(obj)), axis)


@composite(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    x, new = as_array(arr), as_array(values)
    numbers = np.insert(numbered(x), plain(obj), x.size + numbered(new), axis)
    return np.append(x, new if new.dtype == x.dtype else np.astype(new, x.dtype))[numbers]


@composite(np.choose)
def choose(a: Any, choices: Any, *, mode: Any = "raise") -> Any:
    xs = [as_array(x) for x in choices]
    ends = np.cumsum([x.size for x in xs]).tolist()
    numbers = np.choose(plain(a), [numbered(x) + end - x.size for x, end in zip(xs, ends)], mode=mode)
    return np.concatenate(xs, axis=None)[numbers]


@composite(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(f"select() takes a condition for each choice; {len(condlist)} and {len(choicelist)} came.")
    out = default
    for condition, x in zip(reversed(condlist), reversed(choicelist)):
        out = np.where(condition, x, out)
    return out


@composite(np.where)
def where(condition: Any, *choices: Any) -> Any:
    return OPS[np.where].call(condition, *choices) if choices else np.nonzero(condition)
