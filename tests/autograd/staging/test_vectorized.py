"""tanh and exp for loops that vectorize: as exact as they say, at every exponent and at the ends."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autograd.staging import vectorized

FUNCTIONS = [(np.tanh, "tanh", 4e-7, 4e-16), (np.exp, "exp", 1.1e-7, 4e-16)]


def points(dtype):
    """Numbers of every exponent, of both signs, and many where the functions bend."""
    far = 87 if dtype == np.float32 else 708
    sizes = [np.geomspace(np.finfo(dtype).tiny, far, 1500), np.linspace(0, 10, 1500), np.linspace(10, far, 300)]
    x = np.concatenate(sizes).astype(dtype)
    return np.concatenate([x, -x])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("true, name, single, double", FUNCTIONS)
def test_error(true, name, single, double, dtype):
    """Relative, to the value in more digits."""
    function, x = vectorized.FUNCTIONS[np.dtype(dtype).name][name], points(dtype)
    found, expected = np.array([function(number) for number in x]), true(x.astype(np.longdouble))
    assert found.dtype == dtype
    normal = np.abs(expected) > np.finfo(dtype).tiny
    error = np.abs(found[normal] / expected[normal] - 1)
    assert error.max() < (single if dtype == np.float32 else double)
    assert name == "exp" or np.abs(found).max() == 1


def test_sigmoid_by_tanh():
    """σ(x) = tanh(x/2)/2 + 1/2 to 1e-6."""
    x = points(np.float32)
    found = np.array([np.float32(0.5) * vectorized.tanh32(np.float32(0.5) * number) for number in x]) + np.float32(0.5)
    with np.errstate(over="ignore"):
        assert np.abs(found - 1 / (1 + np.exp(-x.astype(float)))).max() < 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("true, name", [row[:2] for row in FUNCTIONS])
def test_ends(true, name, dtype):
    """Infinities, not a number, both zeros, and what overflows or is too small to show."""
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e4, -1e4, 1e-300, np.finfo(dtype).max], dtype)
    function = vectorized.FUNCTIONS[np.dtype(dtype).name][name]
    with np.errstate(all="ignore"):
        found = np.array([function(number) for number in x])
        assert_array_equal(found, true(x))
        assert_array_equal(np.signbit(found[3:5]), np.signbit(true(x))[3:5])
