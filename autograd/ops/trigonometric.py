"""Entry by entry: circular and hyperbolic functions, their inverses, angles. Rules as in elementwise.py.

`(1 - x) * (1 + x)` stands for 1 - x², which loses half its digits near 1. At the ends of the domain of arcsin, arccos,
arccosh and arctanh the slope is infinite, and NumPy warns.
"""

import math
from functools import reduce
from typing import Any

import numpy as np

from ..call import define

define(np.sin, lambda g, out, x: g * np.cos(x))
define(np.cos, lambda g, out, x: -g * np.sin(x))
define(np.tan, lambda g, out, x: g * (1 + out * out))
define(np.arcsin, lambda g, out, x: g / np.sqrt((1 - x) * (1 + x)))
define(np.arccos, lambda g, out, x: -g / np.sqrt((1 - x) * (1 + x)))
define(np.arctan, lambda g, out, x: g / (1 + x * x))

define(np.sinh, lambda g, out, x: g * np.cosh(x))
define(np.cosh, lambda g, out, x: g * np.sinh(x))
define(np.tanh, lambda g, out, x: g * (1 - out * out))
define(np.arcsinh, lambda g, out, x: g / np.hypot(1, x))
define(np.arccosh, lambda g, out, x: g / np.sqrt((x - 1) * (x + 1)))
define(np.arctanh, lambda g, out, x: g / ((1 - x) * (1 + x)))

for to_degrees, to_radians in ((np.degrees, np.radians), (np.rad2deg, np.deg2rad)):
    define(to_degrees, lambda g, out, x: g * (180 / math.pi))
    define(to_radians, lambda g, out, x: g * (math.pi / 180))


def over_square(x: Any, y: Any) -> Any:
    """Compute x / (x² + y²) without squares, which overflow and underflow."""
    r = np.hypot(x, y)
    return x / r / r


# the angle of the point (x, y); around (0, 0) it takes every value, so NumPy warns there
define(np.arctan2, lambda g, out, y, x: g * over_square(x, y), lambda g, out, y, x: -g * over_square(y, x))

# d/dx sinc(x) = Σ c_k (πx)^(2k-1) · π, the Taylor series; 11 terms are exact to rounding where |x| < 1/2
SINC = [math.pi * (-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(11, 0, -1)]


def sinc_slope(g: Any, out: Any, x: Any) -> Any:
    """(cos πx - sinc x) / x cancels near 0: there it is the series."""
    t, near = math.pi * x, np.abs(x) < 0.5
    series = t * reduce(lambda total, c: total * (t * t) + c, SINC)
    return g * np.where(near, series, (np.cos(t) - out) / np.where(near, 1, x))


define(np.sinc, sinc_slope, elementwise=True)
