"""Arrays without entries: a shape and a dtype, so that a function can be traced without computing it."""

import math
from functools import cache
from typing import Any

import numpy as np


class Abstract(np.ndarray):
    """An array that stands for any of its shape and dtype, and takes the memory of one entry.

    Ufuncs and the functions below only work out shape and dtype. Others compute with its entries, which mean nothing.
    """

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        out = options.pop("out", None)
        if out is not None:
            return out[0]
        shapes = [np.shape(x) for x in inputs]
        entries = [entry(x) for x in inputs]
        if method == "reduce":
            x, axis = inputs[0], options.pop("axis", 0)
            axes = range(x.ndim) if axis is None else [i % x.ndim for i in np.atleast_1d(axis)]
            kept = bool(options.pop("keepdims", False))
            lengths = [1 if i in axes else n for i, n in enumerate(x.shape) if kept or i not in axes]
            return abstract(tuple(lengths), ufunc.reduce(entries[0].reshape(1), **options).dtype)
        if method != "__call__" or ufunc.nout > 1 or ufunc.signature and ufunc is not np.matmul:
            plain = [np.asarray(x).view(np.ndarray) if isinstance(x, Abstract) else x for x in inputs]
            return getattr(ufunc, method)(*plain, **options)
        if ufunc is np.matmul:
            return abstract(product_shape(*shapes), np.result_type(*entries))
        return abstract(np.broadcast_shapes(*shapes), ufunc(*entries, **options).dtype)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.inner and all(np.ndim(x) == 2 for x in args):
            return abstract((len(args[0]), len(args[1])), np.result_type(*map(entry, args)))
        if function is np.reshape:
            return abstract(lengths(args[0].size, *args[1:], **options), self.dtype)
        if function in (np.concatenate, np.stack):
            return joined(function, *args, **options)
        return super().__array_function__(function, types, args, options)


@cache
def abstract(shape: tuple[int, ...], dtype: np.dtype) -> Abstract:
    """Give the array that stands for all of a shape and dtype."""
    return np.broadcast_to(np.ones((), dtype), shape).view(Abstract)


def entry(x: Any) -> Any:
    """Give one entry of an array, to learn dtypes from; a Python number as it is."""
    return np.ones((), x.dtype) if isinstance(x, (np.ndarray, np.generic)) else x


def lengths(size: int, shape: Any) -> tuple[int, ...]:
    given = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    known = math.prod(n for n in given if n != -1)
    found = tuple(size // max(known, 1) if n == -1 else n for n in given)
    if math.prod(found) != size:
        raise ValueError(f"cannot reshape array of size {size} into shape {given}")
    return found


def product_shape(x: tuple[int, ...], y: tuple[int, ...]) -> tuple[int, ...]:
    """Give the shape of x @ y."""
    rows, inner = (() if len(x) == 1 else x[-2:-1]), x[-1]
    columns = () if len(y) == 1 else y[-1:]
    if inner != (y[-2] if len(y) > 1 else y[0]):
        raise ValueError(f"shapes {x} and {y} do not fit for matmul")
    return (*np.broadcast_shapes(x[:-2], y[:-2]), *rows, *columns)


def joined(function: Any, arrays: Any, axis: Any = 0) -> Any:
    """Give what np.concatenate or np.stack gives, from arrays that hold only the axis along which they are joined."""
    shapes, dtype = [np.shape(x) for x in arrays], np.result_type(*map(entry, arrays))
    if function is np.stack:
        if len(set(shapes)) > 1:
            raise ValueError("all input arrays must have the same shape")
        shape = list(shapes[0])
        shape.insert(axis % (len(shape) + 1), len(shapes))
        return abstract(tuple(shape), dtype)
    if axis is None:
        return abstract((sum(map(math.prod, shapes)),), dtype)
    axis %= len(shapes[0])
    if len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}) > 1:
        raise ValueError("all the input array dimensions except for the concatenation axis must match exactly")
    return abstract((*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :]), dtype)
