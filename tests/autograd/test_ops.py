"""Every op of the table: forward, gradients by each road, dtypes, corners."""

import math

import numpy as np
import pytest
from case import is_input
from cases import CASES
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from autograd import (
    OPS, Tensor, elu, erf, gelu, grad, gradcheck, hessian, leaky_relu, log_softmax, logsumexp, relu, scatter_add,
    sigmoid, silu, softmax, softplus,
)  # fmt: skip
from autograd.ops.gates import normal_cdf

rng = np.random.default_rng(11)
each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_smooth_case = pytest.mark.parametrize("case", [case for case in CASES if case.op.differentiable], ids=str)


def variables(arrays):
    return [Tensor(a, requires_grad=True) for a in arrays]


def assert_same(x, y, rtol=1e-12):
    """Shape, dtype and numbers."""
    assert x.shape == y.shape and x.dtype == y.dtype
    assert_allclose(x, y, rtol=rtol, atol=rtol)


def test_every_op_has_a_case():
    """Who adds an op to autograd adds a row to cases.py. Those of nn are tested there."""
    table = [op for op in OPS.values() if not str(getattr(op.function, "__module__", "")).startswith("nn.")]
    missing = {op.name for op in table} - {case.op.name for case in CASES}
    assert not missing, f"no case in tests/autograd/cases.py for: {', '.join(sorted(missing))}"


@each_case
def test_forward(case):
    """A Tensor's result is NumPy's, or the textbook formula's, and the arguments stay as they were."""
    arrays = case.inputs
    xs = variables(arrays)
    y = case(*xs)
    assert type(y) is Tensor
    assert_same(y.data, np.asarray(case.expected(*arrays)))
    assert y.requires_grad == case.op.differentiable
    for x, a in zip(xs, case.inputs):
        assert_array_equal(x.data, a)
    with_arrays = case.op.call(*case.arguments(arrays), **case.options)
    assert not isinstance(with_arrays, Tensor)
    assert_same(np.asarray(with_arrays), y.data)


@each_smooth_case
def test_roads_meet(case):
    """Gradients with arrays, with Tensors, from backward(), from the closures, for all inputs and for one: the same."""
    xs = variables(case.inputs)
    y = case(*xs)
    w = rng.normal(size=y.shape)
    gradients = [g.data for g in grad(y, xs, w)]
    for x, g, recorded in zip(xs, gradients, grad(y, xs, w, create_graph=True)):
        assert g.shape == x.shape and g.dtype == x.dtype
        assert_same(recorded.data, g)
    y.backward(w)
    for x, g in zip(xs, gradients):
        assert_same(x.grad, g)
    for x, (parent, send), g in zip(xs, y.local_gradients(), gradients, strict=True):
        assert parent is x
        assert_same(send(w), g)
        assert_same(send(Tensor(w)).data, g)
    for i, (a, g) in enumerate(zip(case.inputs, gradients)):
        x = Tensor(a, requires_grad=True)
        alone = case(*case.inputs[:i], x, *case.inputs[i + 1 :])
        assert_same(grad(alone, x, w)[0].data, g)
    for x, a in zip(xs, case.inputs):
        assert_array_equal(x.data, a)


@each_smooth_case
def test_gradcheck(case):
    """Difference quotients agree, to second order."""
    if any(a.size for a in case.inputs):
        report = gradcheck(case, *case.inputs)
        assert report, report


@each_smooth_case
def test_float32(case):
    """float32 in gives the dtype that NumPy gives, and a float32 gradient, recorded or not, near the float64 one."""
    arrays = [a.astype(np.float32) for a in case.inputs]
    xs, doubles = variables(arrays), variables(case.inputs)
    y = case(*xs)
    assert y.dtype == np.asarray(case.expected(*arrays)).dtype
    w = rng.normal(size=y.shape)
    expected = grad(case(*doubles), doubles, w)
    for create_graph in (False, True):
        for g, exact in zip(grad(y, xs, w, create_graph=create_graph), expected):
            assert_same(g.data, exact.data.astype(np.float32), rtol=1e-4)


def test_mixed_dtypes():
    """Each argument's gradient has the argument's own dtype, in a mixture of three; to second order, too."""
    x, y, z = xs = variables(np.full(2, 0.5, dtype) for dtype in ("f2", "f4", "f8"))
    hessian = [[0.5, 0.5, 0.5], [0.5, 0, 0.25], [0.5, 0.25, 0]]
    for row, u, g in zip(hessian, xs, grad((x * y * z * x).sum(), xs, create_graph=True)):
        assert g.dtype == u.dtype
        for expected, v, h in zip(row, xs, grad(g.sum(), xs)):
            assert h.dtype == v.dtype
            assert_array_equal(h.data, expected)


ELEMENTWISE = [
    case
    for case in CASES
    if case.op.elementwise and case.op.differentiable and all(a.size for a in case.inputs)
    if not any(isinstance(a, np.ndarray) and a.dtype.kind != "f" for a in case.args)
]


@pytest.mark.parametrize("shape", [(), (0,), (1, 1)])
@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_small_shapes(case, shape):
    """An op on entries works on a number, on an empty array, and on a single entry."""
    arrays = [a.ravel()[: int(np.prod(shape))].reshape(shape) for a in case.inputs]
    xs = variables(arrays)
    y = case(*xs)
    assert_same(y.data, np.asarray(case.expected(*arrays)))
    y.backward(np.ones(y.shape))
    assert all(x.grad.shape == shape for x in xs)


# ---- corners: by name ----

INF, NAN = np.inf, np.nan
PHI = math.erfc(math.sqrt(50)) / 2  # the normal distribution function at -10
norm = np.linalg.norm
CORNERS = [
    # what, function, arguments, value, gradients (of the sum)
    ("abs at 0: the middle of its slopes", np.abs, [0.0], 0, [0]),
    ("relu at 0: the slope on the left", relu, [0.0], 0, [0]),
    ("max of two equal: half each", np.maximum, [2.0, 2.0], 2, [0.5, 0.5]),
    ("min of two equal: half each", np.minimum, [2.0, 2.0], 2, [0.5, 0.5]),
    ("max over a tie: equal shares", np.max, [[3.0, 1.0, 3.0]], 3, [[0.5, 0, 0.5]]),
    ("min over a tie: equal shares", np.min, [[3.0, 1.0, 1.0, 1.0]], 1, [[0, 1 / 3, 1 / 3, 1 / 3]]),
    ("max over ties in rows", lambda x: x.max(axis=1), [[[1.0, 1.0], [0.0, 5.0]]], [1, 5], [[[0.5, 0.5], [0, 1]]]),
    ("max of -inf: equal shares", np.max, [[-INF, -INF]], -INF, [[0.5, 0.5]]),
    ("clip lets its bounds pass", lambda x: np.clip(x, -1, 1), [[-2.0, -1.0, 1.0]], [-1, -1, 1], [[0, 1, 1]]),
    ("clip, bounds crossed: the upper wins", np.clip, [[0.0, 2.0, 9.0], 3.0, 1.0], [1, 1, 1], [[0, 0, 0], 0, 3]),
    ("x**0 at 0", lambda x: x**0, [[0.0, 2.0]], [1, 1], [[0, 0]]),
    ("x**0.0 at 0", lambda x: x**0.0, [0.0], 1, [0]),
    ("x**1 at 0", lambda x: x**1, [0.0], 0, [1]),
    ("x**2 at 0", lambda x: x**2, [0.0], 0, [0]),
    ("x**[0, 1, 2] at 0", lambda x: x ** np.array([0, 1, 2]), [0.0], [1, 0, 0], [1]),
    ("x**y at x = 0", np.power, [[0.0, 0.0], [2.0, 1.0]], [0, 0], [[0, 1], [0, 0]]),
    ("x**y at 0, 0", np.power, [0.0, 0.0], 1, [0, 0]),
    ("x**[False, True]", lambda x: x ** np.array([False, True]), [[3.0, 3.0]], [1, 3], [[0, 1]]),
    ("0**y", lambda y: 0.0**y, [[1.0, 2.0]], [0, 0], [[0, 0]]),
    ("1**y", lambda y: 1**y, [5.0], 1, [0]),
    ("negative base, even exponent", lambda x: x**2, [-3.0], 9, [-6]),
    ("logsumexp of -inf", logsumexp, [[-INF, -INF]], -INF, [[0, 0]]),
    ("logsumexp with one -inf", logsumexp, [[-INF, 1.0]], 1, [[0, 1]]),
    ("logsumexp at 1000", logsumexp, [[1000.0, 1000.0]], 1000 + np.log(2), [[0.5, 0.5]]),
    ("logsumexp at -1000", logsumexp, [[-1000.0, -1000.0]], -1000 + np.log(2), [[0.5, 0.5]]),
    ("sigmoid at 1000", sigmoid, [[1000.0, -1000.0, 0.0]], [1, 0, 0.5], [[0, 0, 0.25]]),
    ("sigmoid at infinity", sigmoid, [[INF, -INF]], [1, 0], [[0, 0]]),
    ("tanh at 1000", np.tanh, [[1000.0, -1000.0]], [1, -1], [[0, 0]]),
    ("softmax at 1000", softmax, [[1000.0, 0.0, -1000.0]], [1, 0, 0], [[0, 0, 0]]),
    ("softmax with -inf", softmax, [[0.0, -INF]], [1, 0], [[0, 0]]),
    ("log_softmax at 1000", log_softmax, [[1000.0, 0.0, -1000.0]], [0, -1000, -2000], [[-2, 1, 1]]),
    ("log_softmax with -inf", lambda x: log_softmax(x)[0], [[0.0, -INF]], 0, [[0, 0]]),
    ("hypot at 0, 0: 0, the middle of its slopes", np.hypot, [0.0, 0.0], 0, [0, 0]),
    ("hypot of huge and tiny", np.hypot, [[3e200, 3e-200], [4e200, 4e-200]], [5e200, 5e-200], [[0.6, 0.6], [0.8, 0.8]]),
    ("arctan2 of tiny", np.arctan2, [3e-200, 4e-200], np.arctan2(3, 4), [0.16e200, -0.12e200]),
    ("arctan2 on the axes", np.arctan2, [[0.0, 2.0], [2.0, 0.0]], [0, np.pi / 2], [[0.5, 0], [0, -0.5]]),
    ("expm1 far below 0", np.expm1, [-60.0], -1, [math.exp(-60)]),
    ("arcsin near 1", np.arcsin, [1 - 2.0**-40], math.asin(1 - 2**-40), [2**20 / math.sqrt(2 - 2**-40)]),
    ("logaddexp at 1000", np.logaddexp, [1000.0, 1000.0], 1000 + np.log(2), [0.5, 0.5]),
    ("logaddexp of -inf", np.logaddexp, [[-INF, -INF], [0.0, -INF]], [0, -INF], [[0, 0], [1, 0]]),
    ("logaddexp2 of -inf", np.logaddexp2, [[-INF, -INF], [0.0, -INF]], [0, -INF], [[0, 0], [1, 0]]),
    ("fabs at 0", np.fabs, [0.0], 0, [0]),
    ("copysign at 0: the middle of its slopes", np.copysign, [0.0, -1.0], 0, [0, 0]),
    ("copysign of -0.0", lambda x: np.copysign(x, -0.0), [3.0], -3, [-1]),
    ("fmax passes NaN over", np.fmax, [[NAN, 2.0, 3.0], [1.0, NAN, 3.0]], [1, 2, 3], [[0, 1, 0.5], [1, 0, 0.5]]),
    ("fmin passes NaN over", np.fmin, [[NAN, 2.0, 3.0], [1.0, NAN, 3.0]], [1, 2, 3], [[0, 1, 0.5], [1, 0, 0.5]]),
    ("fmax of NaN: nobody's", np.fmax, [NAN, NAN], NAN, [0, 0]),
    ("fmax of infinities", np.fmax, [[INF, -INF], [INF, 1.0]], [INF, 1], [[0.5, 0], [0.5, 1]]),
    ("heaviside at 0", lambda y: np.heaviside([-1.0, 0.0, 1.0], y), [0.5], [0, 0.5, 1], [1]),
    ("nan_to_num: what was replaced", lambda x: np.nan_to_num(x, posinf=9), [[NAN, INF, 2.0]], [0, 9, 2], [[0, 0, 1]]),
    ("fmod just below a multiple", np.fmod, [0.3, 0.1], math.fmod(0.3, 0.1), [1, -2]),
    ("square at 0", np.square, [0.0], 0, [0]),
    ("sinc at 0", np.sinc, [0.0], 1, [0]),
    ("sinc near 0: -π²x/3", np.sinc, [1e-9], 1, [-1e-9 * math.pi**2 / 3]),
    ("softplus at 1000", softplus, [[1000.0, -1000.0, 0.0]], [1000, 0, np.log(2)], [[1, 0, 0.5]]),
    ("softplus far below 0", softplus, [-40.0], math.exp(-40), [math.exp(-40)]),
    ("softplus at infinity", softplus, [[INF, -INF]], [INF, 0], [[1, 0]]),
    ("silu at 1000", silu, [[1000.0, -1000.0, 0.0]], [1000, 0, 0], [[1, 0, 0.5]]),
    ("leaky_relu at 0: the slope on the left", leaky_relu, [[0.0, -INF, INF]], [0, -INF, INF], [[0.01, 0.01, 1]]),
    ("elu at 0: the slope on the left", lambda x: elu(x, 2.0), [0.0], 0, [2]),
    ("elu at 1000", elu, [[1000.0, -1000.0]], [1000, -1], [[1, 0]]),
    ("gelu at 1000", gelu, [[1000.0, -1000.0, 0.0]], [1000, 0, 0], [[1, 0, 0.5]]),
    ("gelu by tanh at 1000", lambda x: gelu(x, "tanh"), [[1000.0, -1000.0, 0.0]], [1000, 0, 0], [[1, 0, 0.5]]),
    ("gelu far below 0", gelu, [-10.0], -10 * PHI, [PHI - 10 * math.exp(-50) / math.sqrt(2 * math.pi)]),
    ("erf at infinity", erf, [[INF, -INF, 1000.0]], [1, -1, 1], [[0, 0, 0]]),
    ("erf at 0", erf, [[0.0, 1e-300]], [0, 2e-300 / math.sqrt(math.pi)], [[2 / math.sqrt(math.pi)] * 2]),
    ("prod with one 0", np.prod, [[2.0, 0.0, 3.0]], 0, [[0, 6, 0]]),
    ("prod with two 0", np.prod, [[2.0, 0.0, 0.0]], 0, [[0, 0, 0]]),
    ("prod, zeros in rows", lambda x: x.prod(1), [[[0.0, 5.0], [0.0, 0.0]]], [0, 0], [[[5, 0], [0, 0]]]),
    ("prod of nothing", lambda x: np.prod(x, axis=1), [np.ones((2, 0))], [1, 1], [np.ones((2, 0))]),
    ("cumprod with zeros", np.cumprod, [[2.0, 0.0, 3.0, 0.0]], [2, 0, 0, 0], [[1, 2 + 6, 0, 0]]),
    ("var of one entry", np.var, [[3.0]], 0, [[0]]),
    ("std of equal entries: 0", np.std, [[3.0, 3.0]], 0, [[0, 0]]),
    ("median of an even number: half each", np.median, [[1.0, 9.0, 4.0, 2.0]], 3, [[0, 0, 0.5, 0.5]]),
    ("median of ties: equal shares", np.median, [[2.0, 1.0, 2.0, 2.0, 7.0]], 2, [[1 / 3, 0, 1 / 3, 1 / 3, 0]]),
    ("median, a tie in the middle", np.median, [[1.0, 2.0, 2.0, 3.0]], 2, [[0, 0.5, 0.5, 0]]),
    ("median between ties", np.median, [[1.0, 1.0, 2.0, 2.0]], 1.5, [[0.25] * 4]),
    ("ptp of equal entries: 0", np.ptp, [[3.0, 3.0]], 0, [[0, 0]]),
    ("ptp of ties", np.ptp, [[3.0, 1.0, 1.0]], 2, [[1, -0.5, -0.5]]),
    ("norm of 0: 0, the middle of its slopes", norm, [[0.0, 0.0]], 0, [[0, 0]]),
    ("norm 1 at 0", lambda x: norm(x, 1), [[0.0, -2.0]], 2, [[0, -1]]),
    ("norm 3 of 0", lambda x: norm(x, 3), [[0.0, 0.0]], 0, [[0, 0]]),
    ("norm inf of ties: equal shares", lambda x: norm(x, INF), [[3.0, -3.0, 1.0]], 3, [[0.5, -0.5, 0]]),
    ("norm 0 counts", lambda x: norm(x, 0), [[3.0, 0.0, 1.0]], 2, [[0, 0, 0]]),
    ("norm of a 0 row", lambda x: norm(x, axis=1), [[[0.0, 0.0], [3.0, 4.0]]], [0, 5], [[[0, 0], [0.6, 0.8]]]),
    ("nuclear norm, equal singular ones", lambda x: norm(x, "nuc"), [[[2.0, 0.0], [0.0, 2.0]]], 4, [[[1, 0], [0, 1]]]),
    ("nansum: what is not counted", np.nansum, [[1.0, NAN]], 1, [[1, 0]]),
    ("nanmean: what is not counted", np.nanmean, [[1.0, NAN, 3.0]], 2, [[0.5, 0, 0.5]]),
    ("x + x", lambda x: x + x, [3.0], 6, [2]),
    ("x * x", lambda x: x * x, [3.0], 9, [6]),
    ("x - x", lambda x: x - x, [3.0], 0, [0]),
    ("x / x", lambda x: x / x, [3.0], 1, [0]),
    ("x % x", lambda x: x % x, [3.0], 0, [0]),
    ("x**x", lambda x: x**x, [1.0], 1, [1]),
    ("maximum(x, x)", lambda x: np.maximum(x, x), [3.0], 3, [1]),
    ("x @ x", lambda x: x @ x, [[1.0, 2.0]], 5, [[2, 4]]),
    ("concatenate of x with itself", lambda x: np.concatenate([x, x]), [[1.0]], [1, 1], [[2]]),
    ("where: what was not chosen gets 0", lambda x: np.where(x > 0, x, 5.0), [[-1.0, 1.0]], [5, 1], [[0, 1]]),
    ("mean of an empty row", lambda x: x.mean(axis=1), [np.ones((0, 2))], np.ones(0), [np.ones((0, 2))]),
]  # fmt: skip


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize(("f", "xs", "value", "gradients"), [c[1:] for c in CORNERS], ids=[c[0] for c in CORNERS])
def test_corner(f, xs, value, gradients, record):
    """At a corner the gradient is what the table says, recorded or not, and no warning is given."""
    xs = variables(xs)
    y = f(*xs)
    assert_allclose(y.data, value, rtol=1e-12, atol=1e-300)
    for g, expected in zip(grad(y, xs, np.ones(y.shape), create_graph=record), gradients, strict=True):
        assert_allclose(g.data, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.sqrt, 0.0), (lambda x: x**0.5, 0.0), (np.log, 0.0), (lambda x: 1 / x, 0.0), (np.cbrt, 0.0), (np.log2, 0.0),
        (np.log10, 0.0), (np.log1p, -1.0), (np.reciprocal, 0.0), (np.arcsin, 1.0), (np.arccos, -1.0), (np.arccosh, 1.0),
        (np.arctanh, 1.0),
    ],
    ids="sqrt power log divide cbrt log2 log10 log1p reciprocal arcsin arccos arccosh arctanh".split(),
)  # fmt: skip
def test_infinite_slope(f, x):
    """Where the slope is infinite the gradient is, with NumPy's warning, not a finite lie."""
    x = Tensor(x, requires_grad=True)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        y = f(x)
        y.backward()
    assert np.isinf(x.grad)


def test_no_direction():
    """Around (0, 0) arctan2 takes every value, so it has no gradient there: NaN, with NumPy's warning."""
    y, x = variables([0.0, 0.0])
    with pytest.warns(RuntimeWarning, match="invalid value"):
        np.arctan2(y, x).backward()
    assert np.isnan(x.grad) and np.isnan(y.grad)


@pytest.mark.parametrize("x", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [2.0, 5.0, 3.0]])
def test_second_derivative_of_products(x):
    """By two entries it is the product of all others, whichever are 0: of prod, and of each product of cumprod."""
    n = len(x)

    def without(m, *gone):
        return math.prod(x[k] for k in range(m) if k not in gone) if max(gone) < m and len(set(gone)) > 1 else 0

    for m, f in [(n, np.prod)] + [(m, lambda x, m=m: np.cumprod(x)[m - 1]) for m in range(1, n + 1)]:
        assert_array_equal(hessian(f)(np.array(x)), [[without(m, i, j) for j in range(n)] for i in range(n)])


def test_long_products():
    """cumprod of 10,000 entries and its gradient, and prod of as many, need no matrix of pairs."""
    x = Tensor(np.exp(rng.normal(size=10_000) / 100), requires_grad=True)
    np.prod(x).backward()
    assert_allclose(x.grad, np.prod(x.data) / x.data, rtol=1e-10)
    x.grad = None
    np.cumprod(x).sum().backward()
    assert_allclose(x.grad, np.cumsum(np.cumprod(x.data)[::-1])[::-1] / x.data, rtol=1e-10)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-15), (np.float32, 5e-7)])
def test_error_function(dtype, tolerance):
    """erf agrees with the C library's everywhere; Φ does where 1 + erf cancels, as far as exp(-x²/2) can."""
    x = np.concatenate([np.linspace(-7, 7, 20_001), np.geomspace(1e-30, 1, 1_000)], dtype=dtype)
    assert_allclose(erf(x), [math.erf(a) for a in x.tolist()], rtol=tolerance, atol=0)
    with np.errstate(under="ignore"):
        expected = np.array([math.erfc(-a / math.sqrt(2)) / 2 for a in x.tolist()])
    assert_allclose(normal_cdf(x), expected, rtol=25 * tolerance, atol=0)


def test_error_function_has_no_step():
    """Where its two formulas meet erf still rises, and NaN stays NaN."""
    x = 0.5 + np.arange(-50, 50) * 1e-15
    assert (np.diff(erf(x)) > 0).all()
    assert np.isnan(erf(np.array([np.nan]))).all() and np.isnan(gelu(np.float64(np.nan)))


def test_names_of_numpy():
    """NumPy's second names of a function are the same op."""
    for name in "abs acos acosh asin asinh atan atan2 atanh pow".split():
        assert getattr(np, name) in OPS
    assert np.asin(Tensor(0.5)).item() == math.asin(0.5)


@pytest.mark.parametrize("f", [lambda x, y: leaky_relu(x, slope=y), elu])
def test_a_tensor_is_no_option(f):
    """A Tensor where a number is expected is refused: its gradient would be lost."""
    x, y = variables([[1.0, -2.0], 0.5])
    with pytest.raises(TypeError, match=r"elu gave a Tensor, since an option is one; .*\.data"):
        f(x, y)


# ---- any shape: two roads, by Hypothesis ----

seeds = st.integers(0, 999)
ARITHMETIC = {
    np.add: lambda x, y: (1, 1),
    np.subtract: lambda x, y: (1, -1),
    np.multiply: lambda x, y: (y, x),
    np.divide: lambda x, y: (1 / y, -x / y**2),
    np.power: lambda x, y: (y * x ** (y - 1), x**y * np.log(x)),
    np.maximum: lambda x, y: (x > y, y > x),
}


@pytest.mark.parametrize("f", ARITHMETIC, ids=lambda f: f.__name__)
@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=3), seed=seeds)
def test_broadcasting(f, shapes, seed):
    """The gradient of broadcast arithmetic is that of a loop over the entries of the result, each entry by itself."""
    r = np.random.default_rng(seed)
    x, y = variables(r.uniform(0.5, 2, shape) for shape in shapes.input_shapes)
    z = f(x, y)
    w = r.normal(size=shapes.result_shape)
    expected = [np.zeros(x.shape), np.zeros(y.shape)]
    for index in np.ndindex(z.shape):
        places = [tuple(i if n > 1 else 0 for i, n in zip(index[z.ndim - u.ndim :], u.shape)) for u in (x, y)]
        slopes = ARITHMETIC[f](x.data[places[0]], y.data[places[1]])
        for total, place, slope in zip(expected, places, slopes):
            total[place] += w[index] * slope
    z.backward(w)
    assert_allclose(x.grad, expected[0], rtol=1e-12, atol=1e-12)
    assert_allclose(y.grad, expected[1], rtol=1e-12, atol=1e-12)


def assert_adjoint(f, x, r):
    """Of a linear f, the gradient g of (w · f(x)) is the one with w · f(v) = g · v, for every v."""
    y = f(Tensor(x))
    w, v = r.normal(size=y.shape), r.normal(size=x.shape)
    x = Tensor(x, requires_grad=True)
    for create_graph in (False, True):
        (g,) = grad(f(x), x, w, create_graph=create_graph)
        assert g.shape == x.shape
        assert_allclose((g.data * v).sum(), (w * f(Tensor(v)).data).sum(), rtol=1e-10, atol=1e-10)


sides = st.integers(0, 3)


@given(
    stacks=hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=2),
    n=st.none() | sides, k=sides, m=st.none() | sides, seed=seeds,
)  # fmt: skip
def test_matmul_ranks(stacks, n, k, m, seed):
    """x @ y of vectors, matrices and stacks of them: NumPy's result, and each gradient the adjoint of the product."""
    left, right = stacks.input_shapes
    r = np.random.default_rng(seed)
    x = r.normal(size=(k,) if n is None else (*left, n, k))
    y = r.normal(size=(k,) if m is None else (*right, k, m))
    assert_array_equal((Tensor(x) @ Tensor(y)).data, x @ y)
    assert_adjoint(lambda x: x @ y, x, r)
    assert_adjoint(lambda y: x @ y, y, r)


shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


@given(data=st.data(), shape=shapes)
def test_basic_indexing(data, shape):
    """Integers, slices with any step, Ellipsis and newaxis, in any combination."""
    check_index(shape, data.draw(hnp.basic_indices(shape, allow_newaxis=True)))


@given(data=st.data(), shape=shapes)
def test_integer_array_indexing(data, shape):
    """Integer arrays that broadcast against each other, with repetitions."""
    results = hnp.array_shapes(max_dims=2, max_side=4)
    check_index(shape, data.draw(hnp.integer_array_indices(shape, result_shape=results)))


@given(data=st.data(), shape=shapes)
def test_boolean_indexing(data, shape):
    """A mask over the first axes, down to one that picks nothing."""
    axes = data.draw(st.integers(1, len(shape)))
    check_index(shape, data.draw(hnp.arrays(bool, shape[:axes])))


@given(data=st.data(), shape=hnp.array_shapes(min_dims=2, max_dims=3, max_side=4))
def test_mixed_indexing(data, shape):
    """A slice, then an array with repetitions."""
    array = data.draw(hnp.arrays(np.intp, st.integers(0, 5), elements=st.integers(-shape[1], shape[1] - 1)))
    check_index(shape, (data.draw(st.slices(shape[0])), array))


def check_index(shape, index):
    x = rng.normal(size=shape)
    y = Tensor(x, requires_grad=True)[index]
    assert_array_equal(y.data, x[index])
    assert_adjoint(lambda t: t[index], x, rng)
    naive = np.zeros(x.size)
    for i in np.arange(x.size).reshape(shape)[index].ravel():
        naive[i] += 1
    (parent, send), = y.local_gradients()  # fmt: skip
    assert_array_equal(send(np.ones(y.shape)), naive.reshape(shape))
    y.backward(np.ones(y.shape))
    assert_array_equal(parent.grad, naive.reshape(shape))


def test_index_of_tensors():
    """An int or bool Tensor picks entries as its array does, alone or in a tuple; also for scatter_add and take."""
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    i, mask = Tensor([0, 0, 1]), Tensor([True, False, True])
    assert_array_equal(x[i].data, x.data[i.data])
    assert_array_equal(x[:, mask].data, x.data[:, mask.data])
    assert_array_equal(np.take(x, i, axis=1).data, x.data[:, i.data])
    y = scatter_add(x[0], i, (2,))
    assert_array_equal(y.data, [1, 2])
    y.backward([1.0, 10.0])
    assert_array_equal(x.grad, [[1, 1, 10], [0, 0, 0]])


# ---- functions written in terms of ops ----

COMPOSITES = [
    (lambda x: np.take(x, [0, 2, 2], axis=1)),
    (lambda x: np.take(x, [[0, 5], [5, 1]])),
    (lambda x: np.take(x, 1, axis=-1)),
    (lambda x: np.concatenate(np.split(x, 2)[::-1])),
    (lambda x: np.split(x, [1, 2], axis=1)[1]),
    (lambda x: np.split(x, [2], axis=-1)[1]),
    (lambda x: np.clip(x, a_min=-0.5, a_max=None)),
    (lambda x: np.clip(x, min=-0.5, max=0.5)),
    (lambda x: np.reshape(x, shape=(3, 2))),
    (lambda x: np.sum(x, 1)),
    (lambda x: np.concatenate(x)),
    (lambda x: np.stack((x, x), 1)),
    (lambda x: divmod(x, 0.7)[1]),
    (lambda x: np.divmod(x, 0.7)[1]),
    (lambda x: np.modf(x)[0]),
    (lambda x: np.ptp(x, axis=1)),
    (lambda x: x.var(axis=0, ddof=1)),
    (lambda x: x.std()),
    (lambda x: x.cumsum(axis=1)),
    (lambda x: np.linalg.trace(x, offset=1)),
    (lambda x: np.average(x)),
    (lambda x: np.average(x, axis=1, weights=[1.0, 2.0, 3.0])),
    (lambda x: np.average(x, weights=[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], keepdims=True)),
    (lambda x: np.average(x, 0, returned=True)[0]),
    (lambda x: np.average(np.array([1.0, 5.0]), weights=x[:, 0] ** 2)),
    (lambda x: np.nansum(x, axis=0)),
    (lambda x: np.nanmean(x, axis=1, keepdims=True)),
    (lambda x: np.diff(x)),
    (lambda x: np.diff(x, 2)),
    (lambda x: np.diff(x, axis=0, prepend=0, append=[[1.0, 2.0, 3.0]])),
    (lambda x: np.diff(x, 0)),
]  # fmt: skip


@pytest.mark.parametrize("f", COMPOSITES)
def test_composite(f):
    """Other spellings give NumPy's values, and right gradients."""
    x = np.array([[0.3, -1.2, 0.9], [1.6, 0.1, -0.4]])
    assert_array_equal(f(Tensor(x)).data, f(x))
    report = gradcheck(f, x)
    assert report, report


@pytest.mark.parametrize("axis", [None, (0, 2), (-1, 0)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_norm_of_matrices(ord, axis, keepdims):
    """Every norm of matrices is NumPy's, and its gradient right."""
    x = rng.normal(size=(3, 2) if axis is None else (3, 2, 2))
    f = lambda x: norm(x, ord, axis, keepdims)  # noqa: E731
    assert_allclose(f(Tensor(x)).data, f(x), rtol=1e-14)
    assert gradcheck(f, x)
    if axis is None and ord is not None:
        g = lambda x: np.linalg.matrix_norm(x, ord=ord, keepdims=keepdims)  # noqa: E731
        assert_allclose(g(Tensor(x)).data, g(x), rtol=1e-14)


@pytest.mark.parametrize("ord", [None, 1, 1.5, 2, 3, INF])
def test_norm_of_vectors(ord):
    """Along one axis, and of everything, norm is NumPy's; no other number of axes makes a norm."""
    x = rng.normal(size=(3, 2, 2))
    for axis in (0, -1, (1,)):
        assert_allclose(norm(Tensor(x), ord, axis).data, norm(x, ord, axis), rtol=1e-14)
    assert_allclose(norm(Tensor(x)).data, norm(x), rtol=1e-14)
    assert_allclose(norm(Tensor(x[0, 0]), ord, keepdims=True).data, norm(x[0, 0], ord, keepdims=True), rtol=1e-14)
    with pytest.raises(ValueError, match="3 axes"):
        norm(Tensor(x), ord, (0, 1, 2))
    with pytest.raises(ValueError, match="'max'"):
        norm(Tensor(x), "max", (0, 1))


@pytest.mark.parametrize(
    "f", [np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_and, np.logical_or, np.logical_xor]
)
def test_masks(f):
    """Tensors of bools combine like arrays of bools, by function and by operator, on either side."""
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    for x, y in ((Tensor(a), Tensor(b)), (a, Tensor(b)), (Tensor(a), b)):
        z = f(x, y)
        assert type(z) is Tensor and z.dtype == bool
        assert_array_equal(z.data, f(a, b))
    assert_array_equal((a & Tensor(b)).data, a & b)
    assert_array_equal((Tensor(a) | True).data, True | a)
    assert_array_equal((Tensor(a) ^ Tensor(b)).data, a ^ b)
    assert_array_equal((~Tensor(a)).data, ~a)


@pytest.mark.parametrize(
    "f",
    [
        np.argmax, np.argmin, np.any, np.all, np.shape, np.ndim, np.size, np.count_nonzero, np.floor, np.ceil, np.trunc,
        np.rint, np.round, lambda x: np.around(x * 1.234, 1), lambda x: np.round(x / 7, decimals=2),
    ],
)  # fmt: skip
def test_without_gradient(f):
    """A function whose result has no gradient runs on the value."""
    x = np.array([[0.0, 3.3], [2.5, -1.7]])
    y = f(Tensor(x, requires_grad=True))
    assert_array_equal(y.data if isinstance(y, Tensor) else y, f(x))
    assert not getattr(y, "requires_grad", False)


@pytest.mark.parametrize("name", [op.name for op in OPS.values() if hasattr(Tensor, op.name)])
def test_method_is_the_function(name):
    """t.tanh() is np.tanh(t): the same op, the same number."""
    first = next(case for case in CASES if case.op.name == name and is_input(case.args[0]))
    x, *others = first.arguments(variables(first.inputs))
    y = getattr(x, name)(*others, **first.options)
    assert y.op is first.op
    assert_array_equal(y.data, first(*first.inputs))
