"""stage(): the code agrees with the engine whatever the function, is deterministic, and says what it can't do."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from autograd import Tensor, grad, sigmoid, softmax, stage

rng = np.random.default_rng(3)

UNARY = [np.tanh, np.sin, sigmoid, np.negative, np.square, softmax, lambda x: x.T, lambda x: x + x, lambda x: +x]
UNARY += [lambda x: np.broadcast_to(x[:1], x.shape), lambda x: x[::-1], lambda x: x.reshape(-1).reshape(x.shape)]
UNARY += [lambda x: x * x.sum(0), lambda x: x[[0, 0, 1]], lambda x: np.concatenate([x[2:], x[:2]]), lambda x: x - 1.5]
UNARY += [lambda x: np.maximum(x, 0), lambda x: x / (1 + x * x), lambda x: x.mean() + x, lambda x: x.sum(1) + x]
BINARY = [np.add, np.subtract, np.multiply, np.matmul, np.maximum, lambda x, y: np.where(x > y, x, 2 * y)]
BINARY += [lambda x, y: x[0] * y, lambda x, y: np.stack([x, y], axis=1)[1], lambda x, y: x + y[1:2] + y[1:2]]


@st.composite
def programs(draw):
    """A list of steps: a function of one or two of the values so far, which are all of shape (3, 3)."""
    steps, count = [], 2
    for _ in range(draw(st.integers(1, 9))):
        f = draw(st.sampled_from(UNARY + BINARY))
        places = [draw(st.integers(0, count - 1)) for _ in range(1 if f in UNARY else 2)]
        steps.append((f, places))
        count += 1
    return steps, draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3))


def runner(steps, returned):
    def f(x, y):
        values = [x, y]
        for function, places in steps:
            v = function(*(values[i] for i in places))
            values.append(v[:3] if len(v) > 3 else np.concatenate([v, v])[:3] if v.shape != (3, 3) else v)
        return tuple(values[i] for i in returned)

    return f


@settings(max_examples=150, deadline=None)
@given(programs())
def test_random_programs(program):
    """Fan-out, views, aliases, several results, arguments as results: numbers as the engine's, arguments untouched."""
    f = runner(*program)
    arrays = [rng.normal(size=(3, 3)) / 2 for _ in range(2)]
    staged = stage(f, *arrays)
    for _ in range(2):
        arrays = [rng.normal(size=(3, 3)) / 2 for _ in range(2)]
        xs = [Tensor(a, requires_grad=True) for a in arrays]
        outs = f(*xs)
        upstream = [rng.normal(size=out.shape) for out in outs]
        before = [a.copy() for a in arrays + upstream]
        for a, out in zip(staged.forward(*arrays), outs, strict=True):
            assert_allclose(a, out.data, rtol=1e-12, atol=1e-12)
        expected = grad(outs, xs, upstream)
        for g, e in zip(staged.gradients(*arrays, upstream=tuple(upstream)), expected, strict=True):
            assert_allclose(g, e.data, rtol=1e-9, atol=1e-9, err_msg=staged.source)
        for a, b in zip(arrays + upstream, before):
            assert_array_equal(a, b)
