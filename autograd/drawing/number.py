"""Numbers as a reader wants them: few digits, a true minus sign, and an honest `=` or `≈`."""

import math
from collections.abc import Sequence
from typing import Any

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def number(x: Any, digits: int = 4) -> str:
    """Write a number in so many significant digits: `0.1966`, `−3`, `2.2·10⁻⁸`, `NaN`. Integers < 1e5 stay whole.

    Fewer than one digit count as one.
    """
    x, digits = float(x), max(digits, 1)
    if math.isnan(x):
        return "NaN"
    sign = "−" if x < 0 else ""
    size = abs(x)
    if math.isinf(x):
        return sign + "∞"
    if size < 1e5 and size == int(size):
        return sign + str(int(size))
    mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
    power = int(exponent)
    if -3 <= power < 5:
        plain = f"{size:.{max(digits - 1 - power, 0)}f}"
        return sign + (plain.rstrip("0").rstrip(".") if "." in plain else plain)
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{sign}{mantissa}·10{str(power).translate(SUPERSCRIPT)}"


def rounded(x: Any, digits: int = 4) -> float:
    """Give the number that `number()` shows."""
    x = float(x)
    if not math.isfinite(x) or (abs(x) < 1e5 and x == int(x)):
        return x
    power = int(f"{x:.{digits - 1}e}".split("e")[1])
    return float(f"{x:.{max(digits - 1, power if power < 5 else 0)}e}")  # digits before the point are all shown


def equals(shown: float, result: Any, digits: int = 4) -> str:
    """Give `=` if a reader who calculates with the printed operands gets the printed result, else `≈`."""
    return "=" if number(shown, digits) == number(result, digits) else "≈"


def product(x: Any, y: Any, result: Any, digits: int = 4) -> str:
    """Write `−4 × (−2) = 8`."""
    second = number(y, digits)
    second = f"({second})" if second.startswith("−") else second
    sign = equals(rounded(x, digits) * rounded(y, digits), result, digits)
    return f"{number(x, digits)} × {second} {sign} {number(result, digits)}"


def total(terms: Sequence[Any], result: Any, digits: int = 4) -> str:
    """Write `0.5121 − 0.03576 + 1.583 ≈ 2.06`: the contributions to a gradient, the middle ones left out if many."""
    shown = [number(term, digits) for term in (terms if len(terms) <= 4 else (terms[0], terms[-1]))]
    rest = [f"− {text[1:]}" if text.startswith("−") else f"+ {text}" for text in shown[1:]]
    if len(terms) > 4:
        return f"{shown[0]} + ⋯ {rest[0]} ({len(terms)} uses) = {number(result, digits)}"
    sign = equals(sum(rounded(term, digits) for term in terms), result, digits)
    return f"{' '.join([shown[0], *rest])} {sign} {number(result, digits)}"
