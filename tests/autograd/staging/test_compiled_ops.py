"""Compiled code of every op of the table, and of random recurrent programs, agrees with the engine."""

import numpy as np
import pytest
from cases import CASES
from numpy.testing import assert_allclose
from staging.recurrent import Recurrent, gradients_of

import autograd
from autograd import Tensor, grad
from autograd.staging import columns, compiled, order, speed
from autograd.staging.passes import common, dead_code, simple

pytestmark = pytest.mark.filterwarnings("error")


def results(f, xs, upstream):
    y = f(*xs)
    return (y.data, *(g.data for g in grad(y, xs, upstream))) if y.requires_grad else (y.data,)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_op(case):
    """Forward and gradients of each row of cases.py, at two points, with an upstream gradient."""
    compiled = autograd.compile(case)
    moved = [a + 0.01 for a in case.inputs] if case.op.differentiable and case.op.elementwise else case.inputs
    for arrays in (case.inputs, moved, case.inputs):
        xs = [Tensor(a, requires_grad=True) for a in arrays]
        upstream = np.random.default_rng(1).normal(size=case(*xs).shape)
        for found, expected in zip(results(compiled, xs, upstream), results(case, xs, upstream), strict=True):
            assert found.shape == expected.shape and found.dtype == expected.dtype
            assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
    assert len(compiled.variants) == 1


@pytest.mark.parametrize("seed", range(40))
def test_random_recurrent_programs(seed):
    """Slices, products, shared weights, a value twice in a concatenation, losses here and there: as the engine."""
    program = Recurrent(seed)
    step = autograd.compile(program)
    expected = gradients_of(program, program)
    scale = max(np.abs(g).max() for g in expected)
    for _ in range(2):
        for found, e in zip(gradients_of(step, program), expected, strict=True):
            assert found.dtype == e.dtype and found.shape == e.shape
            assert_allclose(found, e, rtol=1e-9, atol=1e-11 * scale)
    assert not step.eager


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers(dtype):
    """Numbers in the code keep their sign and size, and the type that they give the result."""
    given = [3, -3, 0.5, -0.5, 1e16, 1e-16, -1e16, -1e-16, 2**25 + 1, np.inf, -np.inf, np.float64(2), True]
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(dtype)

    def f(x):
        return [y for n in given for y in (x * n, n - x, np.maximum(x, n), np.power(abs(x), n))]

    step = autograd.compile(f)
    with np.errstate(all="ignore"):
        for found, expected in zip(step(x), f(x), strict=True):
            assert found.dtype == expected.dtype and found.data.tobytes() == expected.tobytes()
    assert not step.eager


MOVE = (
    speed.copies,
    common,
    speed.halves,
    speed.views_first,
    speed.transposes,
    speed.rows,
    columns.columns_at_once,
    columns.columns_joined,
)  # these only move memory
REORDER = (
    simple, speed.gates, speed.products, speed.column_sums, speed.picked, speed.places, speed.sums_of_products,
    speed.stack, speed.early,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_planned_memory_changes_no_bit(seed, monkeypatch):
    """With the passes that only move memory, or none: the engine's results to the last bit."""
    program = Recurrent(seed, np.float32)
    expected = gradients_of(program, program)
    for passes in ((), (dead_code, *MOVE, dead_code)):
        monkeypatch.setattr(compiled, "FAST", passes)
        for found, e in zip(gradients_of(autograd.compile(program), program), expected, strict=True):
            assert found.tobytes() == e.tobytes()


@pytest.mark.parametrize("improve", [*MOVE, *REORDER], ids=lambda f: f.__name__)
def test_each_pass_alone_changes_only_rounding(improve, monkeypatch):
    """Each pass, alone and left out, on programs of every kind; what it gives can be printed and is in order."""
    changed = 0

    def watch(program):
        nonlocal changed
        after = improve(program)
        changed += str(after) != str(program)
        known = {*after.inputs, *after.seeds}
        for value in after.values:
            assert known.issuperset(value.operands), "a value stands before its argument"
            known.add(value)
        return after

    for passes in ((watch,), tuple(watch if f is improve else f for f in order.FAST)):
        monkeypatch.setattr(compiled, "FAST", passes)
        for seed in range(4):
            program = Recurrent(seed)
            expected = gradients_of(program, program)
            scale = max(np.abs(g).max() for g in expected)
            for found, e in zip(gradients_of(autograd.compile(program), program), expected, strict=True):
                assert_allclose(found, e, rtol=1e-9, atol=1e-11 * scale)
    assert changed
