"""Running sums and products, and the product of all entries: right also where entries are 0, without a division."""

from typing import Any

import numpy as np

from ..call import define, differentiable
from .indexing import scatter_add
from .reduction import line_back, line_up, restore_axes


def cumsum_x(g: Any, out: Any, x: Any, axis: int | None = None) -> Any:
    """An entry counts in its own sum and in all later ones."""
    along = 0 if axis is None else axis
    return np.reshape(np.flip(np.cumsum(np.flip(g, along), axis=along), along), x.shape)


define(np.cumsum, cumsum_x)


def previous(x: Any) -> Any:
    """Move every entry one place on along the first axis; 0 comes first."""
    return scatter_add(x[:-1], slice(1, None), x.shape)


def product_before(x: Any, product: Any) -> Any:
    """Give the product of the entries in front of each one; `product` is np.cumprod(x, axis=0)."""
    first = np.arange(x.shape[0]) == 0
    return previous(product) + np.reshape(first, first.shape + (1,) * (x.ndim - 1))


def linear_recurrence_x(g: Any, out: Any, x: Any, a: Any, reverse: bool = False) -> Any:
    return linear_recurrence(g, a, not reverse)


def linear_recurrence_a(g: Any, out: Any, x: Any, a: Any, reverse: bool = False) -> Any:
    dx = linear_recurrence(g, a, not reverse)
    return previous(dx) * out if reverse else dx * previous(out)


@differentiable(linear_recurrence_x, linear_recurrence_a)
def linear_recurrence(x: Any, a: Any, reverse: bool = False) -> Any:
    """Compute h[t] = a[t] h[t-1] + x[t] along the first axis; in reverse h[t] = x[t] + a[t+1] h[t+1].

    x, a: floats of one shape. Each direction is what the gradient of the other with respect to x needs.
    """
    h = np.array(x, dtype=np.result_type(x, a))
    for t in range(len(h) - 1, 0, -1) if reverse else range(1, len(h)):
        if reverse:
            h[t - 1] += a[t] * h[t]
        else:
            h[t] += a[t] * h[t - 1]
    return h


def cumprod_x(g: Any, out: Any, x: Any, axis: int | None = None) -> Any:
    """Entry i sends to product k >= i the entries in front of i, times those between i and k."""
    if axis is None:
        return np.reshape(cumprod_x(g, out, np.reshape(x, (-1,)), 0), x.shape)
    g, out, x = (np.swapaxes(z, 0, axis) for z in (g, out, x))
    return np.swapaxes(product_before(x, out) * linear_recurrence(g, x, True), 0, axis)


define(np.cumprod, cumprod_x)


def two_sides(x: Any) -> tuple[Any, Any]:
    """Give the products of the entries in front of each one and of those behind it, along the first axis."""
    return product_before(x, np.cumprod(x, axis=0)), product_before(x, np.cumprod(x[::-1], axis=0))[::-1]


def earlier(g: Any, before: Any, x: Any) -> Any:
    """Send what the products in front of each entry receive to the entries in them."""
    return before * linear_recurrence(scatter_add(g[1:], slice(0, -1), x.shape), x, True)


def product_of_others_x(g: Any, out: Any, x: Any, axis: Any = None) -> Any:
    rows, g = line_up(x, axis), line_up(g, axis)
    before, behind = two_sides(rows)
    dx = earlier(g * behind, before, rows) + earlier((g * before)[::-1], behind[::-1], rows[::-1])[::-1]
    return line_back(dx, x, axis)


@differentiable(product_of_others_x, symbol="Π others")
def product_of_others(x: Any, axis: Any = None) -> Any:
    """Compute, for every entry, the product of all others along `axis`: None, an int or a tuple."""
    before, behind = two_sides(line_up(x, axis))
    return line_back(before * behind, x, axis)


define(
    np.prod,
    lambda g, out, x, axis=None, *, keepdims=False: restore_axes(g, x, axis, keepdims) * product_of_others(x, axis),
    symbol="Π",
)
