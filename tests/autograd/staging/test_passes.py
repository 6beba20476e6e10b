"""Passes change nothing but the list: what a program computes stays, and each finds what it is for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import nn
from autograd import Tensor, grad, log_softmax, sigmoid
from autograd.staging.passes import common, constants, dead_code, simple
from autograd.staging.program import Program, transform
from autograd.staging.trace import trace

rng = np.random.default_rng(2)
lstm = nn.LSTM(3, 2, rng=rng)


def traced(f, *arrays):
    inputs = {Tensor(a, requires_grad=True): f"x{i}" for i, a in enumerate(arrays)}
    return trace(lambda: f(*inputs), inputs)[0]


def evaluate(program: Program):
    """Compute the results of a program one value at a time, with the inputs of its example moved a little."""
    arrays = {x: x.data * 1.1 for x in [*program.inputs, *program.seeds]}
    for value in program.values:
        if value.op is None:
            arrays[value] = value.data
            continue
        args = transform(value.args, arrays.__getitem__)
        options = {name: transform(option, arrays.__getitem__) for name, option in value.options.items()}
        call = value.op.forward
        arrays[value] = call(list(args), **options) if value.op.variadic else call(*args, **options)
    return [arrays[x] for x in program.results]


def second(x):
    (g,) = grad((np.sin(x) * x).sum(), [x], create_graph=True)
    return (g * g).sum()


FUNCTIONS = [
    (lambda x: (np.tanh(x) * sigmoid(x)).sum(), (2, 3)),
    (lambda x: (x @ x.T + np.zeros(3).reshape(1, 3)).max(), (3, 3)),
    (lambda x: log_softmax(x[1:])[:, 0].mean() + np.median(x), (4, 2)),
    (lambda x: (x**1).reshape(2, 3).reshape(6).reshape(6).sum(), (6,)),
    (lambda x: (lstm(x)[0] ** 2).sum(), (3, 2, 3)),
    (second, (4,)),
]


@pytest.mark.parametrize("one_pass", [dead_code, constants, simple, common], ids=lambda p: p.__name__)
@pytest.mark.parametrize("f, shape", FUNCTIONS)
def test_nothing_changes(f, shape, one_pass):
    """A program gives the same before and after, alone and with the gradients' structure gone; it can be printed."""
    program = traced(f, rng.normal(size=shape))
    before = evaluate(program)
    plain = Program(**{**vars(program), "contributions": []})
    for start in (program, plain):
        text = str(start)
        after = one_pass(start)
        for x, y in zip(evaluate(after), before, strict=True):
            assert_allclose(x, y, rtol=1e-12)
        assert str(after).startswith("%0 = x0    float64") and str(start) == text
    assert evaluate(program)[0] == before[0]  # the old one is as it was


@pytest.mark.parametrize(
    "f, one_pass, before, after",
    [
        (lambda x: (np.exp(x) * np.exp(x)).sum(), common, {"exp": 2}, {"exp": 1}),
        (lambda x: [np.exp(x), x * 2][1].sum(), dead_code, {"exp": 1}, {}),
        (lambda x: (x * (np.ones(3) * 2)).reshape(3).sum(), simple, {"reshape": 1}, {}),
        (lambda x: (x.T.T).sum(), simple, {"transpose": 2}, {}),
    ],
)
def test_each_finds_what_it_is_for(f, one_pass, before, after):
    """Counted where nothing is pinned: code that nobody reads."""
    program = traced(f, rng.normal(size=3))
    program = Program(**{**vars(program), "contributions": [], "gradients": {}, "wanted": []})
    start = program if one_pass is dead_code else dead_code(program)
    for count, where in ((before, start), (after, dead_code(one_pass(start)))):
        names = [x.op.name for x in where.values if x.op]
        for name in before:
            assert names.count(name) == count.get(name, 0)
