"""gradcheck() itself: it finds what is wrong, says it in words, and finds nothing where nothing is wrong."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autograd import Tensor, define, grad, gradcheck, logsumexp, sigmoid

rng = np.random.default_rng(2)
x = rng.normal(size=(3, 2))


def wrong(f, rule):
    return define(lambda x: f(x), rule)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("shape", [(), (3, 2), (40, 50)])
def test_a_thousandth(shape, order):
    """A rule that is wrong by 0.1 % is refused, for a number, a small array, a large one; the right rule passes."""
    a = rng.normal(size=shape)
    for factor, verdict in ((1, True), (1.001, False), (0.999, False)):
        tanh = wrong(np.tanh, lambda g, out, x: g * factor * (1 - out * out))
        report = gradcheck(tanh, a, order=order)
        assert bool(report) is verdict
    assert "0.999 times the numeric one everywhere" in str(report) or shape == ()


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_any_magnitude(scale):
    """The verdict does not depend on the units of the input or of the output."""
    a = scale * np.array([0.5, 1.0, 2.0])
    for out_scale in (1e-6, 1.0, 1e6):
        assert gradcheck(lambda x: out_scale * (x / scale) ** 3, a)
        assert gradcheck(lambda x: out_scale * np.log(x), a)
        off = wrong(lambda x: x**3, lambda g, out, x: g * 3.003 * x * x)
        assert not gradcheck(lambda x: out_scale * off(x / scale), a, order=1)


def test_one_entry_of_many():
    """One wrong entry is found, and named; in an array of 2,000, if it is wrong by a tenth."""
    for n, factor in ((5, 1.001), (2000, 1.1)):
        mask = np.ones(n)
        mask[3] = factor
        report = gradcheck(wrong(lambda x: x * 2, lambda g, out, x: g * 2 * mask), rng.normal(size=n))
        assert not report
        if n == 5:
            assert [(e.order, e.index) for e in report.entries if not e.ok] == [(1, "[3]")]


def test_one_small_entry():
    """A wrong entry is found beside one a million times larger."""
    mask = np.array([1.001, 1])
    cube = wrong(lambda x: x**3, lambda g, out, x: g * 3 * x * x * mask)
    assert [e.index for e in gradcheck(cube, [0.5, 1e6], order=1).entries if not e.ok] == ["[0]"]


def test_one_output_of_many():
    """All of an output is checked, not its sum: a rule that sends each gradient to a neighbour is found."""
    assert not gradcheck(wrong(lambda x: x * 1, lambda g, out, x: g[::-1]), rng.normal(size=4))


def test_wrong_only_in_the_second_order():
    """A rule that gives right numbers and breaks the graph passes the first order and fails the second."""

    def rule(g, out, x):
        return g * 2 * (x.data if isinstance(x, Tensor) else x)

    square = wrong(lambda x: x * x, rule)
    assert gradcheck(square, x, order=1)
    report = gradcheck(square, x)
    assert not report and "order 2, argument 0: the analytic derivative is 0" in str(report)


def test_only_one_of_two_inputs():
    """The report names the input, by its name or its position."""
    scale = define(lambda x, y: x * y, lambda g, out, x, y: g * y, lambda g, out, x, y: g * x / 6)
    report = gradcheck(scale, x, Tensor(x + 1, name="weight"), order=1)
    assert "order 1, weight: the analytic derivative is 0.166667 = 1/6 times" in str(report)
    assert "argument 0" not in str(report) and all(e.ok for e in report.entries if e.input == "argument 0")


def test_report():
    """The table: a verdict, the finding in words, one line per wrong entry with both numbers."""
    mean = wrong(np.mean, lambda g, out, x: np.broadcast_to(g, x.shape))
    lines = str(gradcheck(mean, np.array([1.0, 2.0, 4.0, 8.0]), order=1)).splitlines()
    assert lines[0] == "gradcheck failed: 4 of 4 derivatives disagree with their difference quotients."
    assert lines[1].endswith(
        "the analytic derivative is 4 times the numeric one everywhere: a constant factor is wrong."
    )
    assert lines[2].split() == ["order", "input", "index", "step", "analytic", "numeric", "rel.", "error", "ratio"]
    assert len(lines) == 7
    for line in lines[3:]:
        sign, order, *_, step, analytic, numeric, error, ratio = line.split()
        assert (sign, order, step, ratio) == ("✗", "1", "complex", "4")
        assert float(analytic) == pytest.approx(4 * float(numeric), rel=1e-6) and float(error) == 0.75
    passed = gradcheck(np.mean, np.arange(30.0))
    assert repr(passed) == str(passed)
    assert str(passed).startswith("gradcheck passed: all 60 derivatives agree")
    assert "... and 48 more" in str(passed)


@pytest.mark.parametrize(
    ("f", "a", "index", "text"),
    [
        (np.abs, [0.0, 1.0], "[0]", "a corner?"),
        (lambda x: np.maximum(x, 0), [[0.0, 1.0]], "[0, 0]", "a corner?"),
        (np.max, [2.0, 2.0, 1.0], "[1]", "a corner?"),
        (np.sqrt, 0.0, "[]", "the border of its domain?"),
        (lambda x: x**1.5, [0.0, 1.0], "[0]", "the border of its domain?"),
    ],
)
def test_corners(f, a, index, text):
    """Where the function has a corner or ends, the line says so, and no factor is made up."""
    report = gradcheck(f, a)
    assert not report and "constant factor" not in str(report) and "detach()" not in str(report)
    assert any(index in line and text in line for line in str(report).splitlines())


def real_part(x):
    return x.real if x.dtype == complex else x


@pytest.mark.parametrize(
    ("f", "step"),
    [
        (np.tanh, "complex"), (lambda x: x @ [1.0, 2.0], "complex"), (lambda x: np.exp(x[0]) / x.sum(), "complex"),
        (lambda x: sum(row[0] ** 3 for row in x), "complex"), (lambda x: (x**0.5).reshape(-1).mean(), "complex"),
        (np.abs, "central"), (sigmoid, "complex"), (np.max, "central"), (lambda x: x + 1e-6 * np.abs(x), "central"),
        (lambda x: x.sum() + 1e-6 * abs(x[0, 0]), "central"), (lambda x: x**2 + 1e-6 * real_part(x), "central"),
        (lambda x: x * np.where(x > 0, 1, 2), "central"), (lambda x: x + 0 * x.clip(0, 9), "central"),
        (lambda x: x * Tensor(x.data) if isinstance(x, Tensor) else x.astype(float), "central"),
        (lambda x: grad((x**3).sum(), x, create_graph=True)[0] if x.requires_grad else x**3, "central"),
    ],
)  # fmt: skip
def test_complex_step(f, step):
    """It is used in the first order where all that f does is analytic; elsewhere the central quotient is."""
    x = np.array([[0.5, 2.0], [1.5, 0.7]])
    report = gradcheck(f, x)
    assert {e.step for e in report.entries if e.order == 1} == {step}
    assert {e.step for e in report.entries if e.order == 2} == {"central"}
    assert f"  {step}  " in str(report)


@pytest.mark.parametrize(("factor", "verdict"), [(1 + 1e-7, False), (1 + 1e-12, True)])
def test_a_complex_step_is_sharper(factor, verdict):
    """It finds a rule that is wrong in the seventh digit; a large array is checked in this way, too."""
    tanh = wrong(np.tanh, lambda g, out, x: g * factor * (1 - out * out))
    for shape in ((), (3,), (40, 50)):
        assert bool(gradcheck(tanh, rng.normal(size=shape), order=1)) is verdict
        assert gradcheck(tanh, rng.normal(size=shape), order=1, rtol=1e-5)


def test_cut_graph():
    """A function that leaves the graph is told apart from a wrong factor."""
    report = gradcheck(lambda x: (x.detach() ** 2).sum() + 0 * x.sum(), x)
    assert not report and "is .data, detach(), no_grad() or an op without a gradient on the way?" in str(report)


def test_what_passes():
    """No false alarm: steep, flat, curved, constant functions, an input not used, float32, a gradient inside f."""
    assert gradcheck(lambda x: 1 / x, [0.01, 1.0, 1e4])
    assert gradcheck(lambda x: x**3 + [0, 0, 1] * x, np.zeros(3))
    assert gradcheck(lambda x: x + 1e8, x)
    assert gradcheck(lambda x: np.exp(10 * x), x)
    assert gradcheck(np.tanh, [-20.0, 20.0, 0.0])
    assert gradcheck(lambda x: x**3, [0.0, 1.0])
    assert gradcheck(lambda x, y: x * 2, x, 3.0)
    assert gradcheck(lambda x: Tensor([1.0, 2.0]), x)
    assert gradcheck(sigmoid, x.astype(np.float32))
    assert gradcheck(lambda x: logsumexp(1e3 * x), [0.0, 1e-3, -1e-3])
    assert gradcheck(lambda x: grad((x**3).sum(), x, create_graph=True)[0], Tensor(x, requires_grad=True))


def test_inputs_stay():
    """Arrays and Tensors given are neither written to nor given a gradient; f sees float64, whatever came, and
    complex arrays for a complex step."""
    a, t = x.copy(), Tensor(x.astype(np.float32), requires_grad=True, name="t")
    seen = []

    def f(a, t):
        seen.extend([a.dtype, t.dtype])
        return a * t

    gradcheck(f, a, t)
    assert set(seen) == {np.dtype(np.float64), np.dtype(np.complex128)}
    assert_array_equal(a, x)
    assert_array_equal(t.data, x.astype(np.float32))
    assert t.grad is None


def test_options():
    """eps, rtol, atol and rng do what they say, and the same rng gives the same report."""
    assert not gradcheck(np.exp, x, eps=0.1)
    assert gradcheck(np.exp, x, eps=0.1, rtol=0.05)
    off = wrong(np.tanh, lambda g, out, x: g * 1.001 * (1 - out * out))
    assert gradcheck(off, x, rtol=0.01, order=1) and gradcheck(off, x, atol=0.1, order=1)
    first, second, other = (gradcheck(np.tanh, x, rng=seed).entries for seed in (1, np.random.default_rng(1), 2))
    assert first == second != other
    assert {e.order for e in gradcheck(np.tanh, x, order=1).entries} == {1}


@pytest.mark.parametrize(
    ("call", "exception", "text"),
    [
        (lambda: gradcheck(np.tanh, 3), TypeError, "argument 0 is int64. Write 3.0 instead of 3"),
        (lambda: gradcheck(np.add, 3.0, Tensor([1])), TypeError, "argument 1 is int64"),
        (lambda: gradcheck(lambda x: x.data, 3.0), TypeError, "returned a ndarray"),
        (lambda: gradcheck(lambda x: (x, x), 3.0), TypeError, "returned a tuple"),
        (lambda: gradcheck(lambda x: x * rng.normal(), 1.0), ValueError, "seed"),
        (lambda: gradcheck(np.log, -1.0), ValueError, "NaN or infinity"),
        (lambda: gradcheck(np.log, [1.0, 0.0]), ValueError, "NaN or infinity"),
        (lambda: gradcheck(np.tanh), ValueError, "at least one entry"),
        (lambda: gradcheck(np.tanh, np.ones((0, 2))), ValueError, "at least one entry"),
        (lambda: gradcheck(np.tanh, 1.0, order=3), ValueError, "order=3"),
    ],
)
def test_mistakes(call, exception, text):
    """What is no mere disagreement raises, and says what is wrong with the call."""
    with pytest.raises(exception, match=text):
        call()
