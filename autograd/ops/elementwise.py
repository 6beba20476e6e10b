"""Entry by entry: arithmetic, comparison, exponentials, and gates that NumPy lacks.

In each rule `g` is the upstream gradient, `out` the result, `x` and `y` are the arguments. A rule is written with ops
only, so that it works on arrays (fast) and on Tensors (differentiable again), and it is never larger than `out`.
"""

import operator
from typing import Any

import numpy as np

from ..call import define, differentiable

# ---- arithmetic ----

define(np.add, lambda g, out, x, y: g, lambda g, out, x, y: g, symbol="+", forward=operator.add)
define(np.subtract, lambda g, out, x, y: g, lambda g, out, x, y: -g, symbol="-", forward=operator.sub)
define(np.multiply, lambda g, out, x, y: g * y, lambda g, out, x, y: g * x, symbol="*", forward=operator.mul)
define(np.divide, lambda g, out, x, y: g / y, lambda g, out, x, y: -g * x / y / y, symbol="/", forward=operator.truediv)
define(np.floor_divide, None, None, symbol="//", forward=operator.floordiv)
define(np.remainder, lambda g, out, x, y: g, lambda g, out, x, y: -g * (x // y), symbol="%", forward=operator.mod)
define(np.negative, lambda g, out, x: -g, symbol="-", forward=operator.neg)
define(np.positive, lambda g, out, x: g, symbol="+", forward=operator.pos)


def lowered(y: Any) -> Any:
    """Give the exponent y - 1, but 0 for 0: the derivative of x**0 is 0 * x**0, also at x = 0."""
    if isinstance(y, (int, float)):
        return y - (y != 0)
    return y - 1 * np.not_equal(y, 0)


define(
    np.power,
    lambda g, out, x, y: g * y * x ** lowered(y),
    lambda g, out, x, y: g * out * np.log(np.where(np.equal(x, 0), 1, x)),  # 0**y is flat in y
    symbol="**",
    forward=operator.pow,
)

# ---- comparison: piecewise constant, no gradient ----

define(np.less, None, None, symbol="<", forward=operator.lt)
define(np.less_equal, None, None, symbol="<=", forward=operator.le)
define(np.greater, None, None, symbol=">", forward=operator.gt)
define(np.greater_equal, None, None, symbol=">=", forward=operator.ge)
define(np.equal, None, None, symbol="==")
define(np.not_equal, None, None, symbol="!=")
define(np.sign, None)
define(np.isfinite, None)
define(np.isnan, None)

# ---- exponentials, hyperbolic functions, absolute value ----

define(np.exp, lambda g, out, x: g * out)
define(np.log, lambda g, out, x: g / x)
define(np.sqrt, lambda g, out, x: g / (2 * out))
define(np.tanh, lambda g, out, x: g * (1 - out * out))
define(np.absolute, lambda g, out, x: g * np.sign(x), symbol="abs", forward=operator.abs)

# ---- choices; where two arguments tie, each receives half ----

define(
    np.maximum,
    lambda g, out, x, y: g * (x > y) / 2 + g * (x >= y) / 2,
    lambda g, out, x, y: g * (y > x) / 2 + g * (y >= x) / 2,
    symbol="max",
)
define(
    np.minimum,
    lambda g, out, x, y: g * (x < y) / 2 + g * (x <= y) / 2,
    lambda g, out, x, y: g * (y < x) / 2 + g * (y <= x) / 2,
    symbol="min",
)
define(
    np.where,
    None,
    lambda g, out, condition, x, y: np.where(condition, g, 0),
    lambda g, out, condition, x, y: np.where(condition, 0, g),
    elementwise=True,
)


def within(x: Any, low: Any, high: Any) -> Any:
    """Mark the entries that clip() lets pass, the bounds included."""
    if low is None:
        return x <= high
    return x >= low if high is None else (x >= low) * (x <= high)


define(
    np.clip,
    lambda g, out, x, low, high: g * within(x, low, high),
    lambda g, out, x, low, high: g * (x < low) * (high is None or low <= high),  # the upper bound wins
    lambda g, out, x, low, high: g * (x > high) if low is None else g * (np.maximum(x, low) > high),
    elementwise=True,
)

# ---- gates that NumPy lacks ----


@differentiable(lambda g, out, x: g * out * (1 - out), symbol="σ", elementwise=True)
def sigmoid(x: Any) -> Any:
    """Compute 1 / (1 + exp(-x)), entry by entry, as one gate; without overflow, since exp sees no positive number.

    The local gradient is out * (1 - out): at most 1/4.
    """
    e = np.exp(-np.abs(x))
    return np.where(np.greater_equal(x, 0), 1, e) / (1 + e)


@differentiable(lambda g, out, x: g * (x > 0), elementwise=True)
def relu(x: Any) -> Any:
    """Compute max(x, 0), entry by entry. The local gradient is 1 where x > 0, else 0."""
    return np.maximum(x, 0)
