"""Numbers as a picture writes them."""

import math

import pytest

from autograd.drawing.number import number, product, total


@pytest.mark.parametrize(
    "x, text",
    [
        (0.0, "0"), (-0.0, "0"), (3, "3"), (-4.0, "−4"), (12345, "12345"), (0.196612, "0.1966"), (-0.0357, "−0.0357"),
        (2.05957, "2.06"), (645.5773, "645.6"), (12345.678, "12346"), (0.001, "0.001"), (0.0009999, "9.999·10⁻⁴"),
        (0.99999, "1"), (99999.7, "1·10⁵"), (100000, "1·10⁵"), (2.2e-8, "2.2·10⁻⁸"), (-1.5e30, "−1.5·10³⁰"),
        (5e-324, "4.941·10⁻³²⁴"), (math.inf, "∞"), (-math.inf, "−∞"), (math.nan, "NaN"), (True, "1"),
    ],
)  # fmt: skip
def test_number(x, text):
    """Four significant digits, integers whole, a true minus, powers of ten where there are too many zeros."""
    assert number(x) == text


@pytest.mark.parametrize(
    "x, y, text",
    [
        (1, -4, "1 × (−4) = −4"),
        (0.19661193, 2, "0.1966 × 2 = 0.3932"),
        (0.51213, 0.017663, "0.5121 × 0.01766 ≈ 0.009046"),
        (-0.79158, 0.045177, "−0.7916 × 0.04518 = −0.03576"),
    ],
)
def test_product(x, y, text):
    """`≈` where a reader who multiplies the printed numbers would get another printed result."""
    assert product(x, y, x * y) == text


def test_total():
    """Up to four contributions are written out, of more the first and the last; minus signs merge."""
    assert total([0.5121, -0.03576, 1.583], 2.05957) == "0.5121 − 0.03576 + 1.583 ≈ 2.06"
    assert total([3, 3], 6) == "3 + 3 = 6"
    assert total([1, 2, 3, 4, -5], 5) == "1 + ⋯ − 5 (5 uses) = 5"
