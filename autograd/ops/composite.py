"""NumPy functions that need no rule of their own: written in terms of ops, or without a gradient altogether."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..op import COMPOSITES, OPS
from ..tensor import Tensor, constant


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
def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
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


def on_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a function whose result has no gradient on the values alone."""

    def value(x: Any) -> Any:
        return x.data if isinstance(x, Tensor) else x

    def call(*args: Any, **options: Any) -> Any:
        out = function(*map(value, args), **{name: value(option) for name, option in options.items()})
        return constant(out) if isinstance(out, (np.ndarray, np.generic)) else out

    return call


for function in (np.argmax, np.argmin, np.any, np.all, np.array_equal, np.allclose, np.isclose, np.shape, np.ndim, np.size):
    composite(function)(on_values(function))
for function in (np.zeros_like, np.ones_like, np.full_like, np.empty_like):
    composite(function)(on_values(function))
