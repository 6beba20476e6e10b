"""Entry by entry: arithmetic, comparison, rounding, powers, exponentials, choices.

In each rule `g` is the upstream gradient, `out` the result, `x` and `y` are the arguments. A rule is written with ops
only, so that it works on arrays (fast) and on Tensors (differentiable again), and it is never larger than `out`.
"""

import math
import operator
from typing import Any

import numpy as np

from ..call import define

# ---- arithmetic ----

define(np.add, lambda g, out, x, y: g, lambda g, out, x, y: g, symbol="+", forward=operator.add)
define(np.subtract, lambda g, out, x, y: g, lambda g, out, x, y: -g, symbol="-", forward=operator.sub)
define(np.multiply, lambda g, out, x, y: g * y, lambda g, out, x, y: g * x, symbol="*", forward=operator.mul)
define(np.divide, lambda g, out, x, y: g / y, lambda g, out, x, y: -g * x / y / y, symbol="/", forward=operator.truediv)
define(np.floor_divide, None, None, symbol="//", forward=operator.floordiv)
define(np.remainder, lambda g, out, x, y: g, lambda g, out, x, y: -g * (x // y), symbol="%", forward=operator.mod)
define(np.fmod, lambda g, out, x, y: g, lambda g, out, x, y: -g * np.rint((x - out) / y))
define(np.negative, lambda g, out, x: -g, symbol="-", forward=operator.neg)
define(np.positive, lambda g, out, x: g, symbol="+", forward=operator.pos)
define(np.reciprocal, lambda g, out, x: -g * out * out)
define(np.square, lambda g, out, x: g * (2 * x))


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

define(
    np.float_power,
    lambda g, out, x, y: g * y * np.float_power(x, lowered(y)),
    lambda g, out, x, y: g * out * np.log(np.where(np.equal(x, 0), 1, x)),
)

# ---- comparison, logic, rounding: piecewise constant, no gradient ----

define(np.less, None, None, symbol="<", forward=operator.lt)
define(np.less_equal, None, None, symbol="<=", forward=operator.le)
define(np.greater, None, None, symbol=">", forward=operator.gt)
define(np.greater_equal, None, None, symbol=">=", forward=operator.ge)
define(np.equal, None, None, symbol="==")
define(np.not_equal, None, None, symbol="!=")
define(np.logical_and, None, None, symbol="and")
define(np.logical_or, None, None, symbol="or")
define(np.logical_xor, None, None, symbol="xor")
define(np.logical_not, None, symbol="not")
for step in (np.sign, np.signbit, np.isfinite, np.isinf, np.isnan, np.floor, np.ceil, np.trunc, np.rint):
    define(step, None)

# ---- roots, exponentials, logarithms; the slope of a root is infinite at 0, NumPy warns ----

define(np.sqrt, lambda g, out, x: g / (2 * out))
define(np.cbrt, lambda g, out, x: g / (3 * out * out))
define(np.exp, lambda g, out, x: g * out)
define(np.exp2, lambda g, out, x: g * out * math.log(2))
define(np.expm1, lambda g, out, x: g * np.exp(x))  # out + 1 would cancel where x is far below 0
define(np.log, lambda g, out, x: g / x)
define(np.log2, lambda g, out, x: g / (x * math.log(2)))
define(np.log10, lambda g, out, x: g / (x * math.log(10)))
define(np.log1p, lambda g, out, x: g / (1 + x))


def finite(x: Any) -> Any:
    return np.where(np.isinf(x), 0, x)


# log(exp(x) + exp(y)); of -inf and -inf neither receives anything
define(np.logaddexp, lambda g, out, x, y: g * np.exp(x - finite(out)), lambda g, out, x, y: g * np.exp(y - finite(out)))
define(
    np.logaddexp2, lambda g, out, x, y: g * np.exp2(x - finite(out)), lambda g, out, x, y: g * np.exp2(y - finite(out))
)

# ---- magnitude and sign; the slope of a magnitude at 0 is the middle one, 0 ----

define(np.absolute, lambda g, out, x: g * np.sign(x), symbol="abs", forward=operator.abs)
define(np.fabs, lambda g, out, x: g * np.sign(x))
define(np.copysign, lambda g, out, x, y: g * np.sign(x) * np.copysign(1, y), None)


def safe(x: Any) -> Any:
    """Replace 0 by 1, for a denominator whose numerator is 0 there, too."""
    return np.where(np.equal(x, 0), 1, x)


define(np.hypot, lambda g, out, x, y: g * (x / safe(out)), lambda g, out, x, y: g * (y / safe(out)))

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


def won(x: Any, y: Any, out: Any) -> Any:
    """Mark the entries of `x` that fmax() or fmin() took, other than for a tie."""
    return np.equal(x, out) > np.equal(x, y)


for choice in (np.fmax, np.fmin):  # a NaN beside a number is passed over; of two NaN neither receives anything
    define(
        choice,
        lambda g, out, x, y: g * won(x, y, out) / 2 + g * np.equal(x, out) / 2,
        lambda g, out, x, y: g * won(y, x, out) / 2 + g * np.equal(y, out) / 2,
    )
define(np.heaviside, None, lambda g, out, x, y: g * np.equal(x, 0))
define(np.nan_to_num, lambda g, out, x, *, nan=0.0, posinf=None, neginf=None: g * np.isfinite(x), elementwise=True)
