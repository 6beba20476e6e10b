"""Compiled code of every op of the table, and of random recurrent programs, agrees with the engine."""

import numpy as np
import pytest
from cases import CASES
from numpy.testing import assert_allclose

import autograd
from autograd import Tensor, grad, relu, sigmoid
from autograd.staging import compiled, speed

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


class Recurrent:
    """A random recurrent program: its structure and its weights come from the seed."""

    def __init__(self, seed, dtype=np.float64):
        self.rng = rng = np.random.default_rng(seed)
        self.T, self.B, self.D, self.H = (int(n) for n in rng.integers([2, 1, 1, 2], [7, 5, 5, 6]))
        T, B, D, H = self.T, self.B, self.D, self.H
        self.parts = int(rng.integers(1, 4))  # of the state, that a step slices and joins again
        self.kind = rng.integers(0, 2, 12).astype(bool).tolist()
        shapes = {
            "w_x": (D, self.parts * H),
            "w_h": (H, self.parts * H),
            "w_t": (self.parts * H, H),
            "b": (self.parts * H,),
        }
        self.weights = [Tensor(rng.normal(size=s).astype(dtype), requires_grad=True, name=k) for k, s in shapes.items()]
        self.x = Tensor(rng.normal(size=(T, B, D)).astype(dtype), requires_grad=bool(self.kind[0]))
        self.h = Tensor(rng.normal(size=(B, H)).astype(dtype), requires_grad=bool(self.kind[1]))

    def __call__(self, x, h):
        w_x, w_h, w_t, b = self.weights
        H, kind, outputs, loss = self.H, self.kind, [], 0
        for t in range(self.T):
            z = x[t] @ w_x + h @ w_h + b if kind[2] else b + (np.inner(x[t], w_x.T) + np.inner(h, w_h.T))
            gates = [z[:, i * H : (i + 1) * H] for i in range(self.parts)]
            g = [sigmoid(gates[0]), *(np.tanh(gate) for gate in gates[1:])]
            if kind[3]:
                g[-1] = g[-1] * h + g[0] * g[-1]
            if kind[4]:  # one value twice in a concatenation
                g = [g[0], *g[:-1]] if self.parts > 1 else g
            joined = np.concatenate(g, axis=1)
            h = np.tanh(joined @ w_t) if kind[5] else joined @ w_t * 0.5 + (h if kind[6] else 0)
            if kind[7]:
                h = h * np.where(x[t][:, :1] > 0, 1.0, 0.5)
            outputs.append(h)
            if kind[8]:
                loss = loss + (relu(h) ** 2).mean() * h.detach().sum()
        if kind[9]:
            outputs = [*outputs, outputs[0]]
        every = np.stack(outputs) if kind[10] else np.concatenate(outputs)
        return (loss + (every[-1] if kind[11] else every).sum() ** 2, every, h)


def gradients_of(f, program, calls=1):
    leaves = [*program.weights, program.x, program.h]
    for leaf in leaves:
        leaf.grad = None
    for _ in range(calls):
        loss, every, h = f(program.x, program.h)
        loss.backward()
    return [loss.data, every.data, h.data, *(leaf.grad for leaf in leaves if leaf.requires_grad)]


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


MOVE = (speed.copies, speed.common, speed.views_first, speed.transposes, speed.rows)  # these only move memory
REORDER = (
    speed.simple, speed.gates, speed.products, speed.column_sums, speed.picked, speed.places, speed.sums_of_products,
    speed.stack, speed.early,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_planned_memory_changes_no_bit(seed, monkeypatch):
    """With the passes that only move memory, or none: the engine's results to the last bit."""
    program = Recurrent(seed, np.float32)
    expected = gradients_of(program, program)
    for passes in ((), (speed.dead_code, *MOVE, speed.dead_code)):
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
            assert known.issuperset(speed.operands(value)), "a value stands before its argument"
            known.add(value)
        return after

    for passes in ((watch,), tuple(watch if f is improve else f for f in speed.FAST)):
        monkeypatch.setattr(compiled, "FAST", passes)
        for seed in range(4):
            program = Recurrent(seed)
            expected = gradients_of(program, program)
            scale = max(np.abs(g).max() for g in expected)
            for found, e in zip(gradients_of(autograd.compile(program), program), expected, strict=True):
                assert_allclose(found, e, rtol=1e-9, atol=1e-11 * scale)
    assert changed
