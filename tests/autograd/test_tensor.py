"""Tensor: construction, attributes, operators, modes, text."""

import copy
import math
import operator
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autograd import OPS, Tensor, no_grad, scope


def variable(data, name=None):
    return Tensor(data, requires_grad=True, name=name)


# ---- construction and attributes ----


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (3.0, np.float64), (3, np.int64), (True, np.bool_), ([1.0, 2], np.float64), ([[1], [2]], np.int64),
        ([], np.float64),
        (np.float32(1), np.float32), (np.ones((2, 0), np.float16), np.float16), (range(3), np.int64),
        (np.arange(3, dtype=np.uint8), np.uint8), (Tensor([1.0, 2.0]), np.float64),
    ],
)  # fmt: skip
def test_construction(data, dtype):
    """Numbers, lists, arrays and constant Tensors are taken, with NumPy's dtype."""
    t = Tensor(data)
    expected = np.array(data.data if isinstance(data, Tensor) else data)
    assert type(t.data) is np.ndarray and t.dtype == dtype
    assert_array_equal(t.data, expected)
    assert (t.shape, t.ndim, t.size) == (expected.shape, expected.ndim, expected.size)
    assert t.is_leaf and not t.requires_grad and t.grad is None and t.name is None


def test_data_is_copied():
    """Tensor(a) and `t.data = a` copy a: neither sees what is written into the other."""
    a = np.ones(3)
    t = Tensor(a)
    a[0] = 5
    assert_array_equal(t.data, 1)
    t.data = a
    a[1] = 7
    assert_array_equal(t.data, [5, 1, 1])
    t.data[2] = 9
    assert a[2] == 1


def test_grad_is_an_array():
    """.data and .grad are ndarrays of one shape and dtype, down to a single number, at leaves and between."""
    for data in (2.0, [2.0], np.float32(2), np.ones((2, 1), np.float32)):
        x = variable(data)
        y = (x * 2).sum()
        z = y * y
        z.backward()
        for t in (x, y, z):
            assert type(t.data) is type(t.grad) is np.ndarray
            assert t.grad.shape == t.data.shape and t.grad.dtype == t.data.dtype == x.dtype


def test_data_in_place():
    """`t.data -= a` and `t.data[...] = a` change the tensor, also one of a single number; shape and dtype stay."""
    for data in (np.float32(4), np.full(3, 4, np.float32)):
        x = variable(data)
        x.data -= 1.0
        assert_array_equal(x.data, np.full_like(data, 3))
        x.data[...] = 5
        assert_array_equal((x * 2).data, np.full_like(data, 10))
        x.data = np.full(np.shape(data), 6.0)
        assert x.dtype == np.float32
        assert_array_equal((x + 0).data, x.data)


def test_only_declared_attributes():
    """A misspelt attribute raises where it is set."""
    t = variable(1.0)
    for name in ("gard", "requires_gard", "nmae", "Data"):
        with pytest.raises(AttributeError, match=name):
            setattr(t, name, 1)
    for name in ("shape", "dtype", "is_leaf"):
        with pytest.raises(AttributeError):
            setattr(t, name, 1)


def test_requires_grad():
    """It can be switched on a leaf, in both spellings, and decides whether an op is recorded."""
    t = Tensor([1.0])
    assert not (t * 2).requires_grad
    assert t.requires_grad_() is t
    y = t * 2
    assert y.requires_grad and not y.is_leaf
    t.requires_grad = False
    assert not (t * 2).requires_grad


def test_node():
    """A node knows its op, arguments, options, their values at the time, and the parents that a gradient reaches."""
    x, c = variable([[1.0, 2.0]]), Tensor([[3.0, 4.0]])
    y = x * c
    assert y.op is OPS[np.multiply] and y.args == (x, c) and y.parents == (x,) and y.kwargs == {}
    assert_array_equal(y.values, [x.data, c.data])
    z = y.sum(axis=1, keepdims=True)
    assert z.op.symbol == "Σ" and z.kwargs == {"axis": 1, "keepdims": True} and z.parents == (y,)
    assert x.number < y.number < z.number
    assert (2 * x).args[0] == 2


def test_constants_are_not_recorded():
    """What no gradient can reach is a leaf and keeps nothing alive."""
    a, b = Tensor([1.0]), Tensor([2.0])
    v = variable([1.5])
    for y in (a * b, np.tanh(a), np.stack([a, b]), a[0], a.sum(), v > 0, np.sign(v), v.astype(int), v // 1, v.argmax()):
        assert y.is_leaf and not y.requires_grad and y.parents == y.args == ()


# ---- operators and methods ----


def test_operators():
    """Each operator gives NumPy's result with a Tensor on the left, on the right, on both sides."""
    a, b = np.array([7.0, -3.0, 0.5]), np.array([2.0, 2.0, 4.0])
    for f in (
        lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: x // y,
        lambda x, y: x % y, lambda x, y: abs(x) ** y, lambda x, y: x @ y, lambda x, y: x < y,
        lambda x, y: x <= y, lambda x, y: x > y, lambda x, y: x >= y,
    ):  # fmt: skip
        for x, y in [(Tensor(a), Tensor(b)), (Tensor(a), b), (a, Tensor(b))]:
            assert type(f(x, y)) is Tensor
            assert_array_equal(f(x, y).data, f(a, b))
    for f in (lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: abs(x) ** y):
        for number in (2, 2.0, True):
            assert_array_equal(f(Tensor(a), number).data, f(a, number))
            assert_array_equal(f(number, Tensor(b)).data, f(number, b))
    for x, y in [(Tensor(a), Tensor(b)), (Tensor(a), 2.0), (2.0, Tensor(b))]:
        assert_array_equal([t.data for t in divmod(x, y)], divmod(getattr(x, "data", x), getattr(y, "data", y)))
    for f in (lambda x: -x, lambda x: +x, abs):
        assert_array_equal(f(Tensor(a)).data, f(a))


def test_lists_as_operands():
    """A list beside a Tensor is an array, also for the gradient."""
    x = variable([1.0, 2.0])
    y = x @ [[1.0, 2.0], [3.0, 4.0]] + [10, 20] @ np.stack([x, x])
    y.sum().backward()
    assert_array_equal(y.data, [37, 70])
    assert_array_equal(x.grad, [33, 37])
    assert_array_equal(np.concatenate([x, [3.0]]).data, [1, 2, 3])
    np.concatenate([x, [3.0]]).sum().backward()
    assert_array_equal(x.grad, [34, 38])


def test_augmented_assignment():
    """`t += 1` gives a new node under the old name; nobody who holds the old one sees a change."""
    x = variable([1.0])
    y = old = x * 2
    y += 1
    y *= x
    assert y is not old and old.data == 2 and y.data == 3
    assert old.op is OPS[np.multiply] and old.parents == (x,) and y.parents[0].parents == (old,)
    y.backward()
    assert x.grad == 5
    x.grad = None
    old.backward()
    assert x.grad == 2
    for step in (operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imatmul):
        z = before = variable([3.0, 5.0])
        z = step(z, np.array([2.0, 2.0]))
        assert z is not before and before in z.parents and before.is_leaf
        assert_array_equal(before.data, [3, 5])


def test_methods():
    """Shapes by method: as of an ndarray, positional or as one tuple."""
    a = np.arange(24.0).reshape(2, 3, 4)
    t = Tensor(a)
    for f in (
        lambda x: x.reshape(4, 6), lambda x: x.reshape((4, -1)), lambda x: x.reshape(-1), lambda x: x.transpose(),
        lambda x: x.transpose(1, 2, 0), lambda x: x.transpose((1, 2, 0)), lambda x: x.T, lambda x: x.mT,
        lambda x: x.swapaxes(0, 1), lambda x: x[:1].squeeze(), lambda x: x[:1].squeeze(0), lambda x: x.flatten(),
        lambda x: x.ravel(), lambda x: x.sum(), lambda x: x.sum(0), lambda x: x.sum(axis=(0, 1)), lambda x: x.mean(-1),
        lambda x: x.max(axis=1, keepdims=True), lambda x: x.min(), lambda x: x.clip(3, 7), lambda x: x.take([0, 5]),
        lambda x: x.argmax(axis=1), lambda x: x.argmin(), lambda x: x.astype(np.float32), lambda x: x.astype(int),
        lambda x: x.copy(), lambda x: (x > 3).any(axis=0), lambda x: (x > 3).all(),
    ):  # fmt: skip
        assert_array_equal(f(t).data, f(a))
        assert f(t).dtype == f(a).dtype


def test_iteration():
    """len, iteration, unpacking and zip go along the first axis, with a gradient."""
    x = variable([[1.0, 2.0], [3.0, 4.0]])
    first, second = x
    assert len(x) == 2 and first.shape == second.shape == (2,)
    sum(row[0] * k for k, row in zip((1.0, 10.0), x)).backward()
    assert_array_equal(x.grad, [[1, 0], [10, 0]])
    with pytest.raises(TypeError, match="no length"):
        iter(variable(1.0))


@pytest.mark.parametrize(
    "turn",
    [float, int, math.sin, lambda t: np.zeros(1).__setitem__(0, t), lambda t: "%.3f" % t],  # noqa: UP031
    ids=["float", "int", "math.sin", "array[0] = t", "%"],
)
def test_a_number_would_lose_the_gradient(turn):
    """Whatever asks a tensor with a gradient for a bare number is refused, and learns of item() and of NumPy's way."""
    t = variable(2.5)
    with pytest.raises((TypeError, ValueError)) as caught:
        turn(t)
    error = caught.value.__cause__ or caught.value  # NumPy wraps what it meets
    assert "Use t.item() for the number alone; np.sin(t) instead" in str(error)
    turn(t.detach())
    assert 2.5 in variable([1.0, 2.5]) and 3.0 not in variable([1.0, 2.5])


def test_as_a_number():
    """A tensor of one element is a number, a truth value, and fits a format; identity decides equality and hash."""
    t = Tensor([[2.5]])
    assert (t.item(), float(t), int(t), bool(t), f"{t:.2f}") == (2.5, 2.5, 2, True, "2.50")
    assert not Tensor(0.0)
    u = variable([[2.5]])
    assert t == t and t != u and len({t, u, t}) == 2
    assert type(Tensor(3).item()) is int and type(Tensor(True).item()) is bool


# ---- text, copies ----


def test_repr():
    """Numbers, then what matters: a dtype that is not the default, a name, the op or requires_grad."""
    x = variable([1.0, 2.0], name="x")
    assert repr(Tensor(3.0)) == "Tensor(3.)"
    assert repr(x) == "Tensor([1., 2.], name='x', requires_grad=True)"
    assert repr(x * 2) == "Tensor([2., 4.], op=multiply)"
    assert repr(Tensor(np.float32(1))) == "Tensor(1., dtype=float32)"
    assert repr(Tensor([[1, 2], [3, 4]])) == "Tensor([[1, 2],\n        [3, 4]])"
    assert len(repr(Tensor(np.zeros((1000, 1000))))) < 1000
    assert f"{x}" == str(x) == repr(x)


@pytest.mark.parametrize("data", [3.0, [[1.0, 2.0]], np.zeros((0, 2), np.float32)])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_copies_of_a_leaf(data, copied):
    """Copies and pickles keep numbers, dtype, name, requires_grad and gradient, and share no memory."""
    x = variable(data, name="x")
    (x * 3).sum().backward()
    twin = copied(x)
    assert (twin.name, twin.requires_grad, twin.dtype) == ("x", True, x.dtype)
    assert_array_equal(twin.data, x.data)
    assert_array_equal(twin.grad, x.grad)
    twin.data[...], twin.grad[...] = 7, 8
    assert not (x.data == 7).any() and not (x.grad == 8).any()
    assert copied(Tensor([1, 2])).dtype == np.int64


# ---- modes ----


def test_no_grad():
    """Nothing is recorded inside, with nesting, as a decorator, and after an exception all is as before."""
    x = variable(2.0)

    @no_grad()
    def quiet():
        return x * 2

    with no_grad():
        with no_grad():
            assert not (x * 2).requires_grad
        assert not np.stack([x, x]).requires_grad and not np.tanh(x).requires_grad and not (x * x).requires_grad
    assert (x * 2).requires_grad and not quiet().requires_grad and not quiet().requires_grad
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0  # noqa: B018
    assert (x * 2).requires_grad


def test_detach():
    """detach() gives a leaf with the same numbers and name; the other roads keep their gradient."""
    x = variable(3.0, name="x")
    y = x * x
    d = y.detach()
    assert d.is_leaf and not d.requires_grad and d.item() == 9 and x.detach().name == "x"
    (y * d).backward()
    assert x.grad == 54


def test_scope():
    """Nodes remember the innermost scope, which knows its path; outside there is none, and leaves have none."""
    x = variable(1.0)
    assert (x * 1).scope is None
    with scope("lstm") as outer:
        a = x * 1
        with scope("t=3") as inner:
            b = x * 1
            assert Tensor(1.0).scope is None
        c = x * 1
    assert [n.scope for n in (a, b, c, x * 1)] == [outer, inner, outer, None]
    assert outer.path == ("lstm",) and inner.path == ("lstm", "t=3") and repr(inner) == "scope('lstm/t=3')"


def test_scope_twice():
    """One object is one frame: entered again, inside itself too; an exception leaves it."""
    x = variable(1.0)
    frame = scope("cell")
    with frame:
        a = x * 1
        with frame:
            b = x * 1
            assert frame.path == ("cell",)
        c = x * 1
    with pytest.raises(KeyError), frame:
        raise KeyError
    with frame:
        d = x * 1
    assert {n.scope for n in (a, b, c, d)} == {frame} and frame.path == ("cell",)
    assert (x * 1).scope is None
    assert scope("cell") is not frame
