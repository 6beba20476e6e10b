"""The source of every op of the table, forward and backward, runs without this package and agrees with the engine."""

import sys

import numpy as np
import pytest
from cases import CASES
from numpy.testing import assert_allclose

from autograd import Tensor, grad
from autograd.staging import stage

rng = np.random.default_rng(5)


def alone(source):
    """Run a source with nothing of ours in reach."""
    namespace = {"__builtins__": __builtins__}
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in ("autograd", "nn")}
    sys.meta_path.insert(0, Blocked)
    try:
        exec(compile(source, "<staged>", "exec"), namespace)
        return namespace["forward_and_backward"]
    finally:
        sys.meta_path.remove(Blocked)
        sys.modules.update(hidden)


class Blocked:
    @staticmethod
    def find_spec(name, *rest):
        assert name.split(".")[0] not in ("autograd", "nn"), f"the code imports {name}"


def assert_same(found, expected):
    assert np.shape(found) == expected.shape and np.asarray(found).dtype == expected.dtype
    assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_op(case):
    """Forward and gradients of each row of cases.py, with an upstream gradient, from the source alone."""
    staged = stage(case, *case.inputs)
    again = [a + 0.01 for a in case.inputs] if case.op.differentiable and case.op.elementwise else case.inputs
    for arrays in (case.inputs, again):
        xs = [Tensor(a, requires_grad=True) for a in arrays]
        y = case(*xs)
        out = staged.forward(*arrays)
        assert_same(out, y.data)
        if not y.requires_grad:
            assert [not g.any() for g in staged.gradients(*arrays)]
            continue
        upstream = rng.normal(size=y.shape)
        expected = [g.data for g in grad(y, xs, upstream)]
        for g, e in zip(staged.gradients(*arrays, upstream=upstream), expected, strict=True):
            assert_same(g, e)
        held = list(staged.arguments.values())[len(arrays) :]
        value, found = alone(staged.source)(*[a[()] for a in arrays], *held, upstream[()])
        assert_same(value, y.data)
        for g, e in zip(found, expected, strict=True):
            assert_same(g, e)
