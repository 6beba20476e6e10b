"""The same entries in another arrangement, and several arrays put together."""

from typing import Any

import numpy as np

from ..call import define

define(np.reshape, lambda g, out, x, shape: np.reshape(g, x.shape))
define(np.expand_dims, lambda g, out, x, axis: np.reshape(g, x.shape))
define(np.squeeze, lambda g, out, x, axis=None: np.reshape(g, x.shape))
define(np.swapaxes, lambda g, out, x, axis1, axis2: np.swapaxes(g, axis1, axis2))
define(
    np.transpose,
    lambda g, out, x, axes=None: np.transpose(g, None if axes is None else np.argsort(np.mod(axes, x.ndim))),
)
define(np.moveaxis, lambda g, out, x, source, destination: np.moveaxis(g, destination, source))
define(np.flip, lambda g, out, x, axis=None: np.flip(g, axis))
define(np.rot90, lambda g, out, x, k=1, axes=(0, 1): np.rot90(g, -k, axes))
define(np.roll, lambda g, out, x, shift, axis=None: np.roll(g, np.negative(shift), axis))
define(np.tril, lambda g, out, x, k=0: np.tril(g, k))
define(np.triu, lambda g, out, x, k=0: np.triu(g, k))
define(np.broadcast_to, lambda g, out, x, shape: g)
define(np.astype, lambda g, out, x, dtype: g, forward=lambda x, dtype: x.astype(dtype))
define(np.copy, lambda g, out, x: g)


def parts(g: Any, out: Any, *xs: Any, axis: int | None = 0) -> list[Any]:
    """Cut the gradient of a concatenation where its parts meet."""
    if axis is None:
        g, axis, lengths = np.reshape(g, (-1,)), 0, [x.size for x in xs]
    else:
        lengths = [x.shape[axis] for x in xs]
    before = (slice(None),) * (axis % g.ndim)
    ends = np.cumsum(lengths).tolist()
    return [np.reshape(g[(*before, slice(end - n, end))], x.shape) for x, n, end in zip(xs, lengths, ends)]


def layers(g: Any, out: Any, *xs: Any, axis: int = 0) -> list[Any]:
    """Take the gradient of a stack apart, layer by layer."""
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, i)] for i in range(len(xs))]


define(np.concatenate, parts, variadic=True, symbol="concat")
define(np.stack, layers, variadic=True)


def middle(g: Any, out: Any, x: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    """Cut off what np.pad has put around `x`."""
    before = np.broadcast_to(pad_width, (x.ndim, 2))[:, 0].tolist()
    return g[tuple(slice(start, start + n) for start, n in zip(before, x.shape))]


define(np.pad, middle)
