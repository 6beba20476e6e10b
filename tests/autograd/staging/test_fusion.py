"""Fused elementwise calls: the kernels give what NumPy gives, whatever shares memory, and are made where they pay."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from staging.recurrent import Recurrent, gradients_of

import autograd
import nn
from autograd import Tensor, grad
from autograd.staging import compiled, fusion


class Interpreter:
    """Runs kernels as the Python they are written in: what they compute, without Numba."""

    @staticmethod
    def njit(*given, **options):
        return given[0] if given and callable(given[0]) else lambda function: function


@pytest.fixture
def everything_fused(monkeypatch):
    """Make a kernel of every run, and interpret it; gives the plans that were made."""
    plans = []
    fusion.kernel.cache_clear()
    for module in (fusion, compiled):
        monkeypatch.setattr(module, "numba", lambda: Interpreter)
    for name, value in (("SHORTEST", 2), ("WORTH", -1), ("MOST", 10**6)):
        monkeypatch.setattr(fusion, name, value)
    monkeypatch.setattr(compiled, "fuse", lambda *given: plans.append(fusion.fuse(*given)) or plans[-1])
    yield plans
    fusion.kernel.cache_clear()


def kernels(plan):
    return sum(call.function.__name__ == "kernel" for call in plan.forward + plan.backward)


@pytest.mark.parametrize("dtype, rounding", [(np.float64, 1e-9), (np.float32, 1e-3)])
@pytest.mark.parametrize("seed", range(12))
def test_random_recurrent_programs(seed, dtype, rounding, everything_fused):
    """Every run of every program fused: gradients as the engine's."""
    program = Recurrent(seed, dtype)
    expected = gradients_of(program, program)
    scale = max(np.abs(g).max() for g in expected)
    for found, e in zip(gradients_of(autograd.compile(program), program), expected, strict=True):
        assert found.dtype == e.dtype and found.shape == e.shape
        assert_allclose(found, e, rtol=rounding, atol=rounding * scale)
    assert kernels(everything_fused[-1])


ops = [
    lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: -x, lambda x, y: x**2,
    lambda x, y: 1 / x, lambda x, y: np.sqrt(abs(x)), lambda x, y: np.maximum(x, y), lambda x, y: np.minimum(x, y),
    lambda x, y: np.tanh(x), lambda x, y: np.exp(x), lambda x, y: x * y[:1], lambda x, y: x * y[:, :1],
    lambda x, y: x[:, ::-1] * y, lambda x, y: x[::-1] + y, lambda x, y: x * y.sum(), lambda x, y: x.T.reshape(x.shape),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ops)))
def test_ops(number, everything_fused):
    """Each between two others, with rows and columns broadcast, read backwards, infinities and not a number."""
    f = ops[number]
    x, y = np.random.default_rng(number).normal(size=(2, 6, 9))
    x[0, :4] = y[1, :4] = np.inf, -np.inf, np.nan, 0

    def program(x, y):
        return f(x * 0.5, y + 1.0) * 2 - y

    step = autograd.compile(program)
    with np.errstate(all="ignore"):
        found, expected = step(x, y).data, program(Tensor(x), Tensor(y)).data
        assert_allclose(found, expected, rtol=1e-12)
    assert kernels(everything_fused[-1])


def test_rows_that_share_memory():
    """What one row of a statement writes, no other row may touch; else they are not computed together."""
    Lane, size = fusion.Lane, 8
    whole = Lane(0, 12, 4, 0)  # columns 0 to 4 of rows of 12 entries
    for other, together in (
        (Lane(4 * size, 12, 4, 0), True),  # columns beside them
        (Lane(2 * size, 12, 4, 0), True),  # some of them
        (Lane(10 * size, 12, 4, 0), False),  # into the next row
        (Lane(0, 4, 4, 0), False),  # the same memory with shorter rows
        (Lane(0, 0, 4, 0), False),  # the first row, for all rows
        (Lane(12 * size * 5, 4, 4, 0), True),  # behind
    ):
        assert fusion.apart(whole, other, 5, size) == fusion.apart(other, whole, 5, size) == together


def test_only_what_pays_is_fused(monkeypatch):
    """Few kernels, and none for a few small arrays."""
    monkeypatch.setattr(fusion, "numba", lambda: Interpreter)
    monkeypatch.setattr(compiled, "numba", lambda: Interpreter)
    fusion.kernel.cache_clear()
    plans = []
    monkeypatch.setattr(compiled, "fuse", lambda *given: plans.append(fusion.fuse(*given)) or plans[-1])
    autograd.compile(lambda x: np.tanh(x * 2) + 1)(np.ones((4, 9)))
    assert not kernels(plans[-1])
    autograd.compile(lambda x: np.tanh(x * 2) + 1, backend="numpy")(np.ones((400, 1000)))
    assert len(plans) == 1
    plan = plans[0]
    model = nn.LSTM(3, 8, rng=np.random.default_rng(0))
    step = autograd.compile(lambda x: (model(x)[0] ** 2).sum())
    step(np.ones((50, 1, 3)))
    plan = plans[-1]
    different = {call.function for call in plan.forward + plan.backward if call.function.__name__ == "kernel"}
    assert kernels(plan) > 40 and len(different) <= fusion.MOST
    fusion.kernel.cache_clear()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numba(dtype):
    """The kernels compiled: a network's gradients are those of NumPy, within rounding."""
    pytest.importorskip("numba")
    model = nn.RNN(3, 16, rng=np.random.default_rng(0), dtype=dtype)
    x = np.random.default_rng(1).normal(size=(90, 20, 3)).astype(dtype)
    results = []
    for backend in ("numpy", "numba"):
        step = autograd.compile(lambda x: (model(x)[0] ** 2).sum(), backend=backend)
        loss = step(x)
        results.append([loss.data, *(g.data for g in grad(loss, model.parameters()))])
        (variant,) = step.variants.values()
        assert ("kernel(" in variant.machine.source) == (backend == "numba")
    for found, expected in zip(*results, strict=True):
        rounding = 2e-5 if dtype == np.float32 else 1e-12
        assert_allclose(found, expected, rtol=rounding, atol=rounding * np.abs(expected).max())


def test_without_numba(monkeypatch):
    """Nothing but speed is lost; only who asks for it by name is told."""
    monkeypatch.setattr(compiled, "numba", lambda: None)
    assert autograd.compile(lambda x: x * 2)(np.ones(3)).data.tolist() == [2, 2, 2]
    with pytest.raises(ImportError, match=r"needs Numba, .*: pip install 'chalkgrad\[fast\]'"):
        autograd.compile(lambda x: x, backend="numba")
    with pytest.raises(ValueError, match="backend is 'numpy', 'numba' or None; 'jax' came"):
        autograd.compile(lambda x: x, backend="jax")
