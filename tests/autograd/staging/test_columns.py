"""Blocks of columns computed at once: where they are, where they are not, and that no number changes by it."""

import numpy as np
import pytest

import autograd
from autograd import Tensor, grad, sigmoid
from autograd.staging import columns
from autograd.staging.order import FAST
from autograd.staging.trace import trace

X, W, U = (np.random.default_rng(i).normal(size=shape) for i, shape in enumerate([(5, 4), (4, 12), (5, 12)]))
tanh = np.tanh


def cut(z, *ends):
    return [z[:, start:end] for start, end in zip((0, *ends), ends)]


def of_blocks(f, *ends):
    def program(x, w, u):
        return f(*cut(x @ w + u, *ends))

    return program


def whole_is_read(x, w, u):
    z = x @ w + u
    a, b = cut(z, 6, 12)
    return tanh(a) * tanh(b) + z[:, ::2]


def overlapping(x, w, u):
    z = x @ w + u
    return tanh(z[:, :4]) * tanh(z[:, 5:9]) * tanh(z[:, 8:])


def is_returned(x, w, u):
    a, b = cut(x @ w + u, 6, 12)
    a = tanh(a)
    return [tanh(b), a]


def joined(f):
    def program(x, w, u):
        a, b, c = cut(x @ w + u, 4, 8, 12)
        return np.concatenate(f(a, b, c), axis=1)

    return program


CASES = {  # program, whether columns_at_once finds something, whether columns_joined does
    "all alike": (of_blocks(lambda a, b, c: tanh(a) * tanh(b) - tanh(c), 4, 8, 12), True, True),
    "gates": (of_blocks(lambda i, g, o: sigmoid(i) * tanh(g) * sigmoid(o), 4, 8, 12), True, True),
    "some": (of_blocks(lambda a, b, c: (a * 2) * (b * 3) * (c**2 + c), 4, 8, 12), True, False),
    "numbers and others": (of_blocks(lambda a, b, c: (a + 2) * b * (c + 3), 4, 8, 12), True, False),
    "once": (of_blocks(lambda a, b: tanh(a) * b, 6, 12), False, False),
    "one of them twice": (of_blocks(lambda a, b: (tanh(a) + a) * tanh(b), 6, 12), False, False),
    "other widths": (of_blocks(lambda a, b: tanh(a).sum() + tanh(b).sum(), 4, 12), False, False),
    "not all": (of_blocks(lambda a, b: tanh(a) * tanh(b), 4, 8), False, False),
    "empty": (of_blocks(lambda a, b, c: tanh(a) * tanh(c) + b.sum(), 6, 6, 12), False, False),
    "whole": (whole_is_read, False, True),
    "overlapping": (overlapping, False, False),
    "returned": (is_returned, True, False),
    "joined": (joined(lambda a, b, c: [tanh(a) * (b * c), (b * b) * (c + 1), (a + b) * (c - a)]), False, True),
    "joined, one read elsewhere": (joined(lambda a, b, c: [(a + b) * c, (s := b * b * c), s * a]), False, False),
    "joined, one twice": (joined(lambda a, b, c: [s := (a + b) * (b * c), s, (a + 1) * (b + 1)]), False, False),
}


@pytest.mark.parametrize("name", CASES)
def test_blocks(name):
    """Each pass finds what it should, and results and gradients are the engine's."""
    f, at_once, put_together = CASES[name]
    x, w, u = (Tensor(a, requires_grad=True) for a in (X, W, U))

    def results(f):
        found = f(x, w, u)
        return found if isinstance(found, list) else [found]

    program, *_ = trace(lambda: results(f), {}, replay=True)
    found = {}
    for improve in FAST:
        before, program = str(program), improve(program)
        found[improve] = str(program) != before
    assert (found[columns.columns_at_once], found[columns.columns_joined]) == (at_once, put_together)

    def numbers(f):
        ys = results(f)
        return [y.data for y in (*ys, *grad(sum((y * y).sum() for y in ys), [x, w, u]))]

    for got, want in zip(numbers(autograd.compile(f, backend="numpy")), numbers(f), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_large_blocks_stay_apart():
    """What does not fit into the nearest cache is computed block by block."""
    w = Tensor(W, requires_grad=True)
    for rows, at_once in (columns.NEAR // W[0].nbytes, True), (columns.NEAR // W[0].nbytes + 1, False):
        x = Tensor(np.ones((rows, 4)))
        program, *_ = trace(lambda: [tanh(y).sum() for y in cut(x @ w, 6, 12)], {}, replay=True)
        assert (str(columns.columns_at_once(program)) != str(program)) == at_once


def test_a_zero_keeps_its_sign():
    """A block that nothing is added to comes out to the last bit."""

    def f(u):
        a, b, c = cut(u * 2, 4, 8, 12)
        return [a + 1, b, c + 1]

    u = np.full(U.shape, -0.0)
    for got, want in zip(autograd.compile(f, backend="numpy")(u), f(Tensor(u)), strict=True):
        assert got.data.tobytes() == want.data.tobytes()


@pytest.mark.parametrize("axes", [(1, 2, 0), (2, 0, 1), (-1, 0, 1), (1, 0, 2), None])
def test_a_turned_part_of_a_concatenation(axes):
    """It is computed into its place there."""
    x = np.arange(24.0).reshape(2, 3, 4)

    def f(x):
        return np.concatenate([np.transpose(x * 2, axes), np.transpose(x + 1, axes)])

    step = autograd.compile(f, backend="numpy")
    np.testing.assert_array_equal(step(x).data, f(x))
    (code,) = step.variants.values()
    assert "copyto" not in code.machine.source
