"""NumPy's functions and operators meet Tensors: in the op table, or in an error that says what to do."""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autograd import OPS, Tensor, grad


def variable(data):
    return Tensor(data, requires_grad=True)


@pytest.mark.parametrize(
    "number", [2, 2.0, np.float64(2), np.array(2.0), np.int64(2), np.float32(2), np.array([2.0, 2.0])]
)
def test_numbers_and_arrays_on_the_left(number):
    """`number op t` ends in the table as `t op number` does, and a gradient flows."""
    for f in (
        lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: x**y,
        lambda x, y: x // y, lambda x, y: x % y, lambda x, y: np.maximum(x, y),
    ):  # fmt: skip
        a = np.array([3.0, 5.0])
        x, y = variable(a), variable(a)
        left, right = f(number, x), f(y, number)
        assert type(left) is type(right) is Tensor
        assert_array_equal(left.data, f(number, a))
        assert_array_equal(right.data, f(a, number))
        if right.requires_grad:
            left.sum().backward()
            assert x.grad is not None


@pytest.mark.parametrize("a", [np.ones(2), np.float64(1), np.ones((3, 2), np.float32)])
def test_comparison_with_arrays(a):
    """Comparisons, in both orders, give a Tensor of bools; np.equal compares numbers, == of two Tensors identity."""
    x = variable([0.0, 1.0])
    for f in (lambda x, y: x < y, lambda x, y: x <= y, lambda x, y: x > y, lambda x, y: x >= y, np.equal, np.not_equal):
        for y, z in ((f(a, x), f(a, x.data)), (f(x, a), f(x.data, a))):
            assert type(y) is Tensor and y.dtype == bool
            assert_array_equal(y.data, z)


def test_matrix_product_with_arrays():
    """array @ t and t @ array."""
    a = np.arange(6.0).reshape(2, 3)
    x = variable(np.ones((3, 2)))
    assert_array_equal((a @ x).data, a @ x.data)
    assert_array_equal((x @ a).data, x.data @ a)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 2, lambda x: x * 2.0, lambda x: 2.0 * x, lambda x: x + 1, lambda x: 1 - x, lambda x: x / 3.0,
        lambda x: 1 / x, lambda x: x**2, lambda x: x**0.5, lambda x: 2.0**x, lambda x: x % 2,
        lambda x: np.maximum(x, 0.0), lambda x: np.clip(x, 0.0, 1.0), lambda x: np.where(x > 0, x, 0.0),
        lambda x: x * math.sqrt(2), lambda x: x.mean(), lambda x: x * True, lambda x: x * np.float32(2),
        lambda x: x * np.ones(2, np.float32), np.sqrt, np.tanh,
    ],
)  # fmt: skip
@pytest.mark.parametrize("data", [[0.5, 1.5], 0.5])
def test_python_numbers_promote_nothing(f, data):
    """float32 stays float32 beside Python numbers: result, gradient, and gradient of the gradient."""
    x = Tensor(np.array(data, np.float32), requires_grad=True)
    y = f(x)
    y.sum().backward()
    (g,) = grad(y.sum(), x, create_graph=True)
    (h,) = grad(g.sum(), x)
    assert y.dtype == y.grad.dtype == x.grad.dtype == g.dtype == h.dtype == np.float32


def test_numpy_scalars_promote():
    """float32 times np.float64 is float64, as in NumPy; the gradient comes back as float32."""
    x = Tensor(np.float32(3), requires_grad=True)
    y = x * np.float64(2)
    y.backward()
    assert y.dtype == np.float64 and x.grad.dtype == np.float32


def test_integers():
    """Int and bool Tensors compute as NumPy does, among themselves and with floats, and carry no gradient."""
    i, x = Tensor([1, 2]), variable([0.5, 0.5])
    for f in (lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a // b, lambda a, b: a**b):
        assert f(i, i).dtype == f(i.data, i.data).dtype and not f(i, i).requires_grad
    (i * x * (x > 0)).sum().backward()
    assert_array_equal(x.grad, [1, 2])
    assert i.sum().dtype == np.int64 and Tensor([True, True]).sum().item() == 2


@pytest.mark.parametrize(
    "write",
    [
        lambda a, t: a.__iadd__(t), lambda a, t: a.__isub__(t), lambda a, t: a.__imul__(t),
        lambda a, t: a.__itruediv__(t), lambda a, t: np.add(a, t, out=a), lambda a, t: np.add(t, t, out=a),
        lambda a, t: np.exp(t, a), lambda a, t: np.add.at(a, [0], t), lambda a, t: np.copyto(a, t),
        lambda a, t: a.__setitem__(slice(None), t), lambda a, t: np.put(a, [0], t),
        lambda a, t: np.concatenate([t], out=a), lambda a, t: np.sum(t, axis=0, out=a),
        lambda a, t: np.multiply(a, t, where=a > 0),
    ],
)  # fmt: skip
def test_no_tensor_is_written_into_an_array(write):
    """An array that a Tensor is written into refuses, stays an array and keeps its numbers."""
    a, t = np.array([1.0, 2.0]), variable([3.0, 4.0])
    with pytest.raises(TypeError):
        write(a, t)
    assert type(a) is np.ndarray
    assert_array_equal(a, [1, 2])


def test_augmented_assignment_to_an_array():
    """`a += t` refuses and says what to write instead; a keeps its numbers."""
    a = np.ones(2)
    with pytest.raises(TypeError, match=r"x = x \+ t"):
        a += variable([1.0, 2.0])
    assert_array_equal(a, 1)


@pytest.mark.parametrize(
    "convert",
    [
        np.array, np.asarray, np.asanyarray, np.ascontiguousarray, lambda t: np.array([t, t]),
        lambda t: np.array([[t], [t]]), lambda t: np.array(t, dtype=float), lambda t: np.array(t, dtype=object),
        lambda t: Tensor([t, t]), lambda t: np.ones(2).dot(t),
    ],
)  # fmt: skip
def test_no_tensor_turns_into_an_array(convert):
    """Conversion to an ndarray is refused, and names the ways that keep the gradient."""
    for data in ([1.0, 2.0], 3.0):
        with pytest.raises(TypeError, match=r"np\.stack.*\.data"):
            convert(variable(data))


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda t: np.gradient(t), "numpy.gradient"), (lambda t: np.corrcoef(t), "numpy.corrcoef"),
        (lambda t: np.spacing(t), "spacing"), (lambda t: np.fft.fft(t), "numpy.fft.fft"),
        (lambda t: np.nextafter(t, t), "nextafter"), (lambda t: np.convolve(t, t), "numpy.convolve"),
    ],
)  # fmt: skip
def test_an_unknown_function_names_itself(f, name):
    """A function without a rule fails at the call, not at backward(), with its name and three ways on."""
    with pytest.raises(TypeError, match=rf"{name} has no rule.*autograd\.define.*\.data"):
        f(variable([1.0, 2.0]))


@pytest.mark.parametrize(
    "call", [lambda t: np.add.reduce(t), lambda t: np.add.accumulate(t), lambda t: np.add.outer(t, t)]
)
def test_ufunc_methods(call):
    """reduce, accumulate and outer are refused by name."""
    with pytest.raises(TypeError, match=r"np\.add\.(reduce|accumulate|outer) of a Tensor"):
        call(variable([1.0, 2.0]))


def test_both_names_of_max():
    """np.max and np.amax are two functions, and both are in the table."""
    for f in (np.max, np.amax, np.min, np.amin):
        assert f in OPS
        x = variable([1.0, 3.0])
        f(x).backward()
        assert x.grad.sum() == 1


def test_array_functions_with_arrays_only_stay_numpy():
    """Without a Tensor among its arguments nothing changes."""
    assert type(np.tanh(np.ones(2))) is np.ndarray
    assert type(OPS[np.tanh].call(np.ones(2))) is np.ndarray
    assert type(OPS[np.concatenate].call([np.ones(2), np.ones(1)])) is np.ndarray


def test_like_functions():
    """np.zeros_like and its kin take shape and dtype from a Tensor and give a constant one."""
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    for f in (np.zeros_like, np.ones_like, np.empty_like, lambda t: np.full_like(t, 3)):
        y = f(x)
        assert type(y) is Tensor and y.shape == (2, 3) and y.dtype == np.float32 and not y.requires_grad
    assert_array_equal(np.full_like(x, 3).data, 3)


def test_closeness():
    """np.allclose, np.isclose and np.array_equal compare values."""
    x = variable([1.0, 2.0])
    assert np.allclose(x, x.data) and np.array_equal(x, x) and not np.allclose(x, 3)
    assert_array_equal(np.isclose(x, [1.0, 3.0]).data, [True, False])
