"""tanh and exp of one number, by additions, multiplications and a division alone, so that a loop over them vectorizes.

They are compiled into the loops of `fusion.py`; with NumPy's numbers they run as they stand. exp and tanh64 have the
coefficients of Stephen Moshier's Cephes library (1984-2000; expf.c, exp.c, tanh.c), those of tanh32 are a minimax fit
of our own. Errors, over all exponents: tanh32 4e-7 of the value, exp32 1e-7, tanh64 and exp64 4e-16; |tanh| is never
above 1.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

F, D, I32, I64 = np.float32, np.float64, np.int32, np.int64


def tanh32(x: Any) -> Any:
    """Compute tanh by x p(x²)/q(x²), with both of degree 4; from ±9 on it is ±1, as rounding has it."""
    x = F(9) if x > F(9) else F(-9) if x < F(-9) else x
    u = x * x
    p = (F(1.3354635e-08) * u + F(2.0609066e-05)) * u + F(3.4955873e-03)
    q = (F(7.7765486e-07) * u + F(3.2856333e-04)) * u + F(2.5876980e-02)
    p, q = (p * u + F(1.3381025e-01)) * u + F(1), (q * u + F(4.6714342e-01)) * u + F(1)
    y = x * p / q
    return F(1) if x >= F(9) or y > F(1) else F(-1) if x <= F(-9) or y < F(-1) else y


def exp32(x: Any) -> Any:
    """Compute exp by 2ⁿ exp(r), x = n ln 2 + r; the power is the exponent of a number, set in two halves."""
    x = F(89) if x > F(89) else F(-104) if x < F(-104) else x
    k = np.floor(x * F(math.log2(math.e)) + F(0.5))
    r = x - k * F(0.693359375) + k * F(2.12194440e-4)
    p = ((F(1.9875691500e-4) * r + F(1.3981999507e-3)) * r + F(8.3334519073e-3)) * r + F(4.1665795894e-2)
    p = (p * r + F(1.6666665459e-1)) * r + F(5.0000001201e-1)
    n = I32(k)
    half = n >> I32(1)
    first, second = (half + I32(127)) << I32(23), (n - half + I32(127)) << I32(23)
    return (p * r * r + r + F(1)) * I32(first).view(F) * I32(second).view(F)


def exp64(x: Any) -> Any:
    """Compute exp as exp32 does, exp(r) by a quotient."""
    x = D(710) if x > D(710) else D(-746) if x < D(-746) else x
    k = np.floor(x * D(math.log2(math.e)) + D(0.5))
    r = x - k * D(6.93145751953125e-1) - k * D(1.42860682030941723212e-6)
    u = r * r
    p = r * ((D(1.26177193074810590878e-4) * u + D(3.02994407707441961300e-2)) * u + D(1))
    q = (D(3.00198505138664455042e-6) * u + D(2.52448340349684104192e-3)) * u + D(2.27265548208155028766e-1)
    n = I64(I32(k))
    half = n >> I64(1)
    first, second = (half + I64(1023)) << I64(52), (n - half + I64(1023)) << I64(52)
    return (D(1) + D(2) * (p / (q * u + D(2) - p))) * I64(first).view(D) * I64(second).view(D)


def tanh64(x: Any) -> Any:
    """Compute tanh by a quotient near 0, by exp(2|x|) elsewhere."""
    u = x * x
    p = (D(-9.64399179425052238628e-1) * u - D(9.92877231001918586564e1)) * u - D(1.61468768441708447952e3)
    q = ((u + D(1.12811678491632931402e2)) * u + D(2.23548839060100448583e3)) * u + D(4.84406305325125486048e3)
    size = abs(x)
    far = D(1) - D(2) / (exp64(D(40) if size > D(20) else size + size) + D(1))
    return x * (D(1) + u * p / q) if size < D(0.625) else far if x > D(0) else -far


FUNCTIONS: dict[str, dict[str, Callable]] = {
    "float32": {"tanh": tanh32, "exp": exp32},
    "float64": {"exp64": exp64, "tanh": tanh64, "exp": exp64},
}
