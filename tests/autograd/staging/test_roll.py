"""Long rows of identical steps become loops that compute the same to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import nn
from autograd import Tensor, grad, stage

rng = np.random.default_rng(4)


def test_a_recurrent_network_reads_as_by_hand():
    """The forward loop of an RNN, and the steps of its backward loop."""
    rnn = nn.RNN(3, 4, bias=False, rng=rng)
    source = stage(lambda x: (rnn(x)[0] ** 2).sum(), rng.normal(size=(9, 2, 3))).source
    assert source.split("# forward: RNN / t=1 ... t=9\n")[1].split("\n\n")[0].splitlines() == [
        "    xs, hs = {}, {}",
        "    hs[0] = h0",
        "    for t in range(1, 10):",
        "        xs[t] = x[t - 1]",
        "        a1 = xs[t] @ rnn_weight_ih_l0.T",
        "        a2 = hs[t - 1] @ rnn_weight_hh_l0.T",
        "        z = a1 + a2",
        "        hs[t] = np.tanh(z)",
    ]
    backward = source.split("# backward: RNN / t=9 ... t=2\n")[1].split("\n\n")[0].splitlines()
    assert [line.split("  # ")[0].strip() for line in backward] == [
        "for t in range(9, 1, -1):",
        "dz = dhs[t] * (1 - hs[t] * hs[t])",
        "da17 = dz",
        "da18 = dz",
        "dhs[t - 1] = dhs[t - 1] + da18 @ rnn_weight_hh_l0",
        "drnn_weight_hh_l0 += da18.T @ hs[t - 1]",
        "dx_t = da17 @ rnn_weight_ih_l0",
        "drnn_weight_ih_l0 += da17.T @ xs[t]",
        "dx[t - 1] += dx_t",
    ]
    assert "np.stack([*(hs[t] for t in range(1, 10))], axis=0)" in source


@pytest.mark.parametrize("steps", [4, 11])
@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.RNN(3, 4, rng=rng),
        lambda: nn.LSTM(3, 4, num_layers=2, rng=rng),
        lambda: nn.GRU(3, 4, bidirectional=True, rng=rng),
    ],
)
def test_recurrent_networks(build, steps):
    """Layers, directions and masks: rolled, unrolled and eager agree."""
    model = build()
    x = rng.normal(size=(steps, 2, 3))

    def f(x):
        out, _ = model(x, lengths=[steps, steps - 1])
        return (out * out).sum()

    rolled, unrolled = stage(f, x), stage(f, x, unroll=True)
    assert len(rolled.source.splitlines()) < len(unrolled.source.splitlines()) or steps == 4
    assert "for " not in unrolled.source.split("def forward_and_backward")[1]
    x = rng.normal(size=x.shape)
    xs = Tensor(x, requires_grad=True)
    expected = grad(f(xs), [xs, *rolled.captured])
    for a, b, e in zip(rolled.gradients(x), unrolled.gradients(x), expected, strict=True):
        assert_array_equal(a, b)
        assert_allclose(a, e.data, rtol=1e-10, atol=1e-12)
    assert_array_equal(rolled.forward(x), unrolled.forward(x))


BODIES = [
    lambda h, x, w, t: np.tanh(h * w + x[t]),
    lambda h, x, w, t: h + x[-1 - t] * w,
    lambda h, x, w, t: np.sin(w @ h) * (t + 1),
    lambda h, x, w, t: h if t % 2 else h * w,
    lambda h, x, w, t: np.maximum(h, x[0]) - x[t] * h,
    lambda h, x, w, t: h * (2 * t - 3),
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(BODIES), min_size=1, max_size=3),
    st.integers(3, 9),
    st.sampled_from(["last", "all", "sum"]),
)
def test_random_loops(bodies, steps, result):
    """Whatever the body of a loop, and whether its states are used afterwards."""

    def f(x, w, t):
        h, states = t, []
        for step in range(steps):
            for body in bodies:
                h = body(h, x, w, step)
            states.append(h)
        return {"last": h + 0, "all": tuple(s + 0 for s in states), "sum": np.stack(states).sum(0)}[result]

    args = rng.normal(size=(steps, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)
    rolled, unrolled = stage(f, *args), stage(f, *args, unroll=True)
    other = [rng.normal(size=a.shape) for a in args]
    up = [rng.normal(size=x.shape) for x in rolled.program.seeds]
    for a, b in zip(rolled.gradients(*other, upstream=tuple(up)), unrolled.gradients(*other, upstream=tuple(up))):
        assert_array_equal(a, b)
    assert_array_equal(rolled.forward(*other), unrolled.forward(*other))


def test_states_that_are_returned():
    """A name that is returned is not lost in the loop, nor is one of the user's called t."""

    def f(x, t):
        states = []
        for _ in range(6):
            x = np.tanh(x * t)
            states.append(x)
        return states[1], x

    staged = stage(f, 1.0, 2.0)
    assert "for k in range(1, 7):" in staged.source and "return (xs[2], xs[6])," in staged.source
    x, t = (Tensor(v, requires_grad=True) for v in (0.5, 1.5))
    assert_allclose(
        staged.gradients(0.5, 1.5, upstream=(1.0, 2.0)), [g.data for g in grad(f(x, t), [x, t], [1.0, 2.0])]
    )


def test_irregular_rows_stay():
    """Numbers without an equal stride, and short rows, are written out."""
    primes = stage(lambda x: sum(np.sin(x * n) for n in (2, 3, 5, 7, 11, 13, 17)), 1.0)
    short = stage(lambda x: np.sin(np.sin(np.sin(x))), 1.0)
    assert "for t" not in primes.source and "for t" not in short.source
    equal = stage(lambda x: sum(np.sin(x * (3 * n + 1)) for n in range(8)), 1.0)
    assert "h1s[t] = x * (3 * t + 1)\n" in equal.source and "dx += dh19 * (3 * t + 1) " in equal.source
