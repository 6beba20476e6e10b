"""Derivatives of functions: values known by hand, agreement with one another, nesting, mistakes."""

from collections import namedtuple

import numpy as np
import pytest

from autograd import Tensor, hessian, hvp, jacobian, jvp, value_and_grad, vjp

X = np.array([0.3, -0.2, 1.1])
V = np.array([1.0, 2.0, 3.0])


def scalar(x):
    return (np.tanh(x) ** 2).sum() * x[0]


def vector(x):
    return np.stack([x.sum(), (x * x).sum()]) * x[1]


def test_value_and_grad_by_hand():
    """d(x² y) = (2 x y, x²); the gradient has the form of the argument, and the argument is left alone."""

    def f(x, y):
        return x**2 * y

    assert value_and_grad(f)(3.0, 2.0) == (18.0, 12.0)
    assert value_and_grad(f, 1)(3, 2) == (18.0, 9.0)
    assert value_and_grad(f, (1, 0))(3.0, 2.0) == (18.0, (9.0, 12.0))
    value, gradient = value_and_grad(lambda x: (x * x).sum())(X)
    assert type(value) is type(gradient) is np.ndarray and np.allclose(gradient, 2 * X)


def test_arguments_may_be_nested():
    """Dicts, lists, tuples and named tuples of arrays come back as such."""
    Layer = namedtuple("Layer", "weight bias")
    model = {"layers": [Layer(np.ones((2, 2)), np.zeros(2))], "scale": (2.0, [3.0])}

    def f(model, x):
        layer = model["layers"][0]
        return (x @ layer.weight + layer.bias).sum() * model["scale"][0] * model["scale"][1][0]

    value, gradient = value_and_grad(f)(model, np.array([1.0, 2.0]))
    assert value == 36
    assert gradient["layers"][0].weight.tolist() == [[6, 6], [12, 12]]
    assert gradient["layers"][0].bias.tolist() == [6, 6]
    assert gradient["scale"] == (18.0, [12.0])


def test_jacobian_of_a_linear_map_is_its_matrix():
    """J of x -> A x is A, also for arguments and results of more axes."""
    A = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(jacobian(lambda x: A @ x)(X), A)
    J = jacobian(lambda x: np.swapaxes(x, 0, 1))(A)
    assert J.shape == (3, 2, 2, 3) and J[2, 1, 1, 2] == 1 and J.sum() == 6
    assert jacobian(lambda x: x[:0])(X).shape == (0, 3)
    by_both = jacobian(lambda x, y: x * y, (0, 1))(X, V)
    assert np.array_equal(by_both[0], np.diag(V)) and np.array_equal(by_both[1], np.diag(X))


def test_the_products_are_products_with_jacobian_and_hessian():
    """J v, vᵀ J and H v without making J or H; H is symmetric, and the Jacobian of the gradient by differences."""
    J, H = jacobian(vector)(X), hessian(scalar)(X)
    assert np.allclose(H, H.T)
    eps = 1e-6
    gradient = value_and_grad(scalar)
    columns = [(gradient(X + eps * e)[1] - gradient(X - eps * e)[1]) / (2 * eps) for e in np.eye(3)]
    assert np.allclose(H, np.stack(columns, axis=1), atol=1e-8)
    assert np.allclose(hvp(scalar)(X, V), H @ V)
    value, tangent = jvp(vector, [X], [V])
    assert np.allclose(value, vector(Tensor(X)).data) and np.allclose(tangent, J @ V)
    value, pull = vjp(vector, X)
    assert np.allclose(pull(np.array([1.0, 2.0]))[0], np.array([1.0, 2.0]) @ J)


def test_two_arguments_in_jvp_and_vjp():
    """d(x y) = y dx + x dy."""
    assert jvp(lambda x, y: x * y, [3.0, 2.0], [1.0, 10.0]) == (6.0, 32.0)
    assert vjp(lambda x, y: x * y, 3.0, 2.0)[1](1.0) == (2.0, 3.0)


def derivative(f):
    return lambda x: value_and_grad(f)(x)[1]


def test_they_nest():
    """Each of them can be differentiated again; a variable of an inner derivative is not that of an outer one."""
    assert derivative(derivative(derivative(lambda x: x**4)))(2.0) == 48
    assert derivative(lambda x: x * derivative(lambda y: x + y)(x))(2.0) == 1
    third = jacobian(hessian(lambda x: (x**3).sum()))(X)
    assert third.shape == (3, 3, 3) and np.allclose(np.einsum("iii->i", third), 6)
    assert np.allclose(jacobian(lambda x: hvp(scalar)(x, V))(X), jacobian(hessian(scalar))(X) @ V)
    assert np.allclose(
        jacobian(lambda x: jvp(vector, [x], [V])[1])(X), jacobian(jacobian(vector))(X).swapaxes(1, 2) @ V
    )


def test_a_constant_has_derivative_zero():
    """Also to second order: the Hessian of a linear function."""
    assert not hessian(lambda x: x.sum())(X).any()
    assert not hvp(lambda x: x.sum())(X, V).any()
    assert jvp(lambda x: x * 0 + 1, [X], [V])[1].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: value_and_grad(lambda x: x * 2)(X), ValueError, "reduce it to one number first"),
        (lambda: value_and_grad(lambda x: 3.0)(X), TypeError, "returned float"),
        (lambda: value_and_grad(lambda x: x.sum(), 1)(X), ValueError, "argnums=1"),
        (lambda: hvp(scalar)(X, V[:2]), ValueError, "[(2,)] came"),
        (lambda: jvp(vector, [X], [X, V]), ValueError, "[(3,), (3,)] came"),
        (lambda: vjp(vector, X)[1](V), ValueError, "upstream gradient"),
        (lambda: value_and_grad(lambda x: x.sum())("text"), TypeError, "takes floats, ints or bools; str"),
    ],
)
def test_mistakes_are_named(call, error, text):
    """Expected, came, what to do."""
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)
