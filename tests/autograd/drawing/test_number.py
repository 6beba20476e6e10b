"""Numbers as a picture writes them."""

import math

import pytest

from autograd.drawing.number import number, product, rounded, total


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


@pytest.mark.parametrize("digits", [1, 2, 4, 7, 17])
@pytest.mark.parametrize("x", [645.5773, 12345.678, -0.196612, 99999.7, 2.2e-8, 1 / 3, 5.0])
def test_rounded(x, digits):
    """What is calculated with is what is printed."""
    mantissa, _, power = number(x, digits).replace("−", "-").partition("·10")
    power = int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
    assert rounded(x, digits) == pytest.approx(float(mantissa) * 10.0**power, rel=1e-15)


def test_digits():
    """The sign between the printed numbers is right for as many digits as are printed."""
    assert product(0.51213, 0.017663, 0.51213 * 0.017663, 6) == "0.51213 × 0.017663 = 0.00904575"
    assert product(0.51213, 0.017663, 0.51213 * 0.017663, 2) == "0.51 × 0.018 ≈ 0.009"
    assert total([0.1, 0.2], 0.1 + 0.2, 17) == "0.10000000000000001 + 0.20000000000000001 = 0.30000000000000004"
    assert number(0.196612, 0) == "0.2"  # never fewer than one
