"""Truncation against enumerated closed forms, what is measured along time, and the graph that grows."""

import itertools
import tracemalloc
import warnings
from collections import namedtuple

import numpy as np
import pytest

import nn
from autograd import Tensor, gradcheck, no_grad, scope, toposort
from nn import bptt
from nn.bptt import unroll
from nn.textbook import LinearRNNCell, SimpleLSTMCell

T, D, H, Q = 7, 2, 3, 2


@pytest.fixture
def linear():
    """A linear RNN, T steps of (input, target), and a first state."""
    rng = np.random.default_rng(0)
    cell = LinearRNNCell(D, H, Q, rng=rng)
    return cell, [(rng.standard_normal(D), rng.standard_normal(Q)) for _ in range(T)], rng.standard_normal(H)


def step_of(cell):
    def step(inputs, h):
        x, y = inputs
        h = cell(x, h)
        return ((cell.readout(h) - y) ** 2).sum(), h

    return step


def enumerated(cell, pairs, h0, reach):
    """Sum dL/dW_hx and dL/dW_hh over the losses, at s, and the uses of the weights, at t, weighted by reach(s, t).

    ∂l_s/∂h_s = W_qhᵀ 2 (o_s - y_s) travels back to h_t by (W_hhᵀ)^(s-t) and meets x_t, h_{t-1} there. Steps from 1.
    """
    W_hx, W_hh, W_qh = cell.W_hx.data, cell.W_hh.data, cell.W_qh.data
    h = [h0]
    for x, _ in pairs:
        h.append(W_hx @ x + W_hh @ h[-1])
    dW_hx, dW_hh = np.zeros_like(W_hx), np.zeros_like(W_hh)
    for s, t in itertools.product(range(1, T + 1), repeat=2):
        if t <= s and (weight := reach(s, t)):
            g = np.linalg.matrix_power(W_hh.T, s - t) @ W_qh.T @ (2 * (W_qh @ h[s] - pairs[s - 1][1]))
            dW_hx += weight * np.outer(g, pairs[t - 1][0])
            dW_hh += weight * np.outer(g, h[t - 1])
    return dW_hx, dW_hh


@pytest.mark.parametrize("k1, k2", [(k1, k2) for k2 in range(1, T + 2) for k1 in range(1, k2 + 1)])
def test_truncated_gradients_are_the_closed_form(linear, k1, k2):
    """For every k1 <= k2: the losses after step e - k1, where e ends their chunk, reach back to step e - k2 + 1."""
    cell, pairs, h0 = linear
    chunks = list(bptt.truncated_bptt(step_of(cell), pairs, Tensor(h0), k1, k2))

    def reach(s, t):
        end = min(-(-s // k1) * k1, T)
        return t > end - k2

    dW_hx, dW_hh = enumerated(cell, pairs, h0, reach)
    np.testing.assert_allclose(cell.W_hx.grad, dW_hx, rtol=1e-10)
    np.testing.assert_allclose(cell.W_hh.grad, dW_hh, rtol=1e-10)
    assert [t for chunk in chunks for t in chunk.steps] == list(range(T))
    states = unroll(cell, [x for x, _ in pairs], Tensor(h0))
    losses = [((cell.readout(h) - y) ** 2).sum().item() for h, (_, y) in zip(states, pairs)]
    assert sum(chunk.loss for chunk in chunks) == pytest.approx(sum(losses))
    np.testing.assert_allclose(chunks[-1].state.data, states[-1].data)


def test_truncation_with_k2_of_the_whole_is_the_full_gradient(linear):
    """Nothing is lost and nothing counts twice, though the gradient is added up in seven passes."""
    cell, pairs, h0 = linear
    list(bptt.truncated_bptt(step_of(cell), pairs, Tensor(h0), 1, T))
    truncated = {name: p.grad.copy() for name, p in cell.named_parameters()}
    cell.zero_grad()
    h, total = Tensor(h0), 0
    for pair in pairs:
        loss, h = step_of(cell)(pair, h)
        total = total + loss
    total.backward()
    for name, p in cell.named_parameters():
        np.testing.assert_allclose(truncated[name], p.grad, rtol=1e-12)


def test_parameters_may_change_between_chunks():
    """An LSTM is trained with k1 < k2: the loss falls tenfold, and no graph is longer than k2 steps."""
    rng = np.random.default_rng(0)
    cell, head = nn.LSTMCell(1, 8, rng=rng), nn.Linear(8, 1, rng=rng)
    optimizer = nn.optim.Adam([*cell.parameters(), *head.parameters()], lr=0.02)
    wave = np.sin(np.arange(121) / 3)[:, None, None]
    sizes = []

    def step(pair, state):
        h, c = cell(Tensor(pair[0]), state)
        loss = nn.mse_loss(head(h), pair[1])
        sizes.append(len(toposort([loss])))
        return loss, (h, c)

    epochs = []
    for _ in range(6):
        total = 0.0
        for chunk in bptt.truncated_bptt(step, list(zip(wave, wave[1:])), None, k1=4, k2=8):
            optimizer.step()
            optimizer.zero_grad()
            total += chunk.loss
        epochs.append(total)
    assert epochs[-1] < epochs[0] / 10
    assert all(part.is_leaf for part in chunk.state)
    assert max(sizes) < 9 * min(sizes)


def test_truncation_holds_no_more_than_its_steps():
    """Of a long sequence, about k2 states and graphs are in memory at a time."""
    w, size = nn.Parameter(0.5), 50_000

    def step(x, h):
        h = h * w + x
        return h.mean(), h

    tracemalloc.start()
    for _ in bptt.truncated_bptt(step, range(60), Tensor(np.zeros(size)), k1=1, k2=3):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * size * 8


@pytest.mark.parametrize("k1, k2", [(0, 3), (4, 3)])
def test_truncation_refuses_losses_that_reach_nothing(linear, k1, k2):
    """k2 < k1 would leave losses without a gradient."""
    with pytest.raises(ValueError, match=f"{k1} and {k2} came"):
        next(bptt.truncated_bptt(step_of(linear[0]), linear[1], None, k1, k2))


Pair = namedtuple("Pair", "h c")


@pytest.mark.parametrize("wrap", [lambda h: h, lambda h: (h, h), lambda h: [(h, h), [h]], lambda h: {"a": Pair(h, h)}])
def test_detach_keeps_the_form(wrap):
    """Tensors, tuples, lists, dicts and named tuples: the same nesting and values, no history."""
    h = nn.Parameter([1.0, 2.0]) * 2
    state, cut = wrap(h), bptt.detach(wrap(h))
    assert type(cut) is type(state) and repr(bptt.map_state(lambda t: "·", cut)) == repr(
        bptt.map_state(lambda t: "·", state)
    )
    found = []
    bptt.map_state(found.append, cut)
    assert found and all(t.is_leaf and not t.requires_grad and t.data.tolist() == [2, 4] for t in found)


def test_detach_of_nothing_and_of_something_else():
    """No state yet is no state; what is not a state is named."""
    assert bptt.detach(None) is None
    with pytest.raises(TypeError, match="ndarray came"):
        bptt.detach(np.ones(3))


# ---- randomized truncation ----


class Draws:
    """A generator whose numbers are given: the smaller pi is, the fewer of them are below it."""

    def __init__(self, numbers):
        self.random = iter(numbers).__next__


@pytest.mark.parametrize("pi", [0.3, 1.0])
def test_randomized_truncation_expects_the_full_gradient(linear, pi):
    """All 2^(T-1) masks, each weighted with its probability: values stay, the mean gradient is the full one.

    With one mask, a loss at s reaches step t with the factor ξ_t ξ_{t+1} ... ξ_{s-1}, as enumerated.
    """
    cell, pairs, h0 = linear
    mean = {name: np.zeros(p.shape) for name, p in cell.named_parameters()}
    total_probability = 0.0
    for kept in itertools.product([True, False], repeat=T - 1):
        probability = np.prod([pi if keep else 1 - pi for keep in kept])
        rng = Draws([pi * 0.99 if keep else pi for keep in kept])
        cell.zero_grad()
        h, loss = Tensor(h0), 0
        for t, pair in enumerate(pairs):
            h = bptt.randomized_truncation(h, pi, rng) if t else h
            more, h = step_of(cell)(pair, h)
            loss = loss + more
        loss.backward()
        xi = np.array([1 / pi if keep else 0.0 for keep in kept])
        dW_hx, dW_hh = enumerated(cell, pairs, h0, lambda s, t: np.prod(xi[t - 1 : s - 1]))
        np.testing.assert_allclose(cell.W_hx.grad, dW_hx, rtol=1e-10)
        np.testing.assert_allclose(cell.W_hh.grad, dW_hh, rtol=1e-10)
        for name, p in cell.named_parameters():
            mean[name] += probability * p.grad
        total_probability += probability
    assert np.isclose(total_probability, 1)
    full = enumerated(cell, pairs, h0, lambda s, t: 1)
    np.testing.assert_allclose(mean["W_hx"], full[0], rtol=1e-10)
    np.testing.assert_allclose(mean["W_hh"], full[1], rtol=1e-10)


def test_randomized_truncation_draws_with_probability_pi():
    """About π of many draws pass the gradient, times 1/π; the parts of an LSTM's state share their ξ."""
    rng, h = np.random.default_rng(0), nn.Parameter([1.0, -2.0])
    passed = 0
    for _ in range(2000):
        h.zero_grad()
        a, (c,) = bptt.randomized_truncation((h, [h * 3]), 0.25, rng)
        assert a.data.tolist() == [1, -2] and c.data.tolist() == [3, -6]
        (a.sum() + c.sum()).backward()
        assert h.grad.tolist() in ([0, 0], [16, 16])
        passed += h.grad[0] > 0
    assert 0.22 < passed / 2000 < 0.28


def test_scaled_gradient_is_an_op():
    """It differentiates again and keeps float32; its local gradient is not the derivative of its value, by design."""
    x = nn.Parameter(np.array([1.0, 2.0], np.float32))
    y = bptt.scale_gradient(x, 0.5)
    (y * y).sum().backward()
    assert x.grad.dtype == np.float32 and x.grad.tolist() == [1, 2]
    assert gradcheck(lambda t: bptt.scale_gradient(t, 1.0), Tensor([1.0, 2.0]))
    assert not gradcheck(lambda t: bptt.scale_gradient(t, 0.5), Tensor([1.0, 2.0]))


@pytest.mark.parametrize("pi", [0, -0.1, 1.5, float("nan")])
def test_a_probability_is_a_probability(pi):
    """π = 0 would never pass a gradient, and 1/π would not exist."""
    with pytest.raises(ValueError, match=f"{pi} came"):
        bptt.randomized_truncation(Tensor([1.0]), pi, np.random.default_rng())


# ---- what is measured ----


def test_gradient_norms_of_the_linear_rnn_are_powers(linear):
    """‖(W_hhᵀ)^(T-t) W_qhᵀ ∂l_T/∂o_T‖ at each step, for a loss at the last; `.grad` stays untouched."""
    cell, pairs, h0 = linear
    states = unroll(cell, [x for x, _ in pairs], Tensor(h0))
    loss = ((cell.readout(states[-1]) - pairs[-1][1]) ** 2).sum()
    W_hh, W_qh = cell.W_hh.data, cell.W_qh.data
    g = W_qh.T @ (2 * (W_qh @ states[-1].data - pairs[-1][1]))
    expected = [np.linalg.norm(np.linalg.matrix_power(W_hh.T, T - t) @ g) for t in range(1, T + 1)]
    found = bptt.gradient_norms(loss)
    assert list(found) == ["LinearRNNCell/h"]
    np.testing.assert_allclose(found["LinearRNNCell/h"], expected, rtol=1e-10)
    np.testing.assert_allclose(bptt.gradient_norms(loss, {"h": states})["h"], expected, rtol=1e-10)
    assert all(node.grad is None for node in toposort([loss]))


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("lengths", [None, [T, 4]])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
def test_gradient_norms_of_a_module(kind, options, lengths):
    """Every state of every layer and direction is found; each norm is what backward() leaves at that state."""
    rng = np.random.default_rng(0)
    model = kind(D, H, rng=rng, **options)
    output, _ = model(rng.standard_normal((T, 2, D)), lengths=lengths)
    loss = (output**2).sum()
    states, norms = bptt.carried_states(loss), bptt.gradient_norms(loss)
    paths = [f"/layer {k}/{side}" for k in range(2) for side in ("forward", "reverse")] if options else [""]
    letters = "hc" if kind is nn.LSTM else "h"
    assert set(states) == {f"{kind.__name__}{path}/{letter}" for path in paths for letter in letters}
    loss.backward()
    for name, steps in states.items():
        assert sorted(steps) == list(range(1, T + 1))
        expected = [np.linalg.norm(steps[t].grad) for t in range(1, T + 1)]
        np.testing.assert_allclose(norms[name], expected, rtol=1e-10)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU])
def test_gradient_norms_with_lengths_are_those_before_the_mask(kind):
    """Where no state reaches the next one, ∂L/∂h_t is what the output of step t brings; 0 after a sequence's end."""
    rng = np.random.default_rng(0)
    model = kind(D, H, rng=rng)
    model.weight_hh_l0.data = np.zeros(model.weight_hh_l0.shape)
    if kind is nn.GRU:  # z = 0
        model.bias_ih_l0.data = np.where(np.arange(3 * H) // H == 1, -800.0, 0.0)
    output, _ = model(rng.standard_normal((T, 2, D)), lengths=[T, 4])
    norms = bptt.gradient_norms((output**2).sum())[f"{kind.__name__}/h"]
    np.testing.assert_allclose(norms, np.linalg.norm(2 * output.data, axis=(1, 2)), rtol=1e-10)


def test_gradient_norms_are_zero_behind_a_cut(linear):
    """Steps before a detach() keep their place in time, with a gradient of 0."""
    cell, pairs, _ = linear
    first = unroll(cell, [x for x, _ in pairs[:3]])
    with scope("LinearRNNCell"):
        h = first[-1].detach()
        for t in (4, 5):
            with scope(f"t={t}"):
                h = cell.forward(pairs[t][0], h)
    norms = bptt.gradient_norms(h.sum())["LinearRNNCell/h"]
    assert norms[:3].tolist() == [0, 0, 0] and (norms[3:] > 0).all() and len(norms) == 5


def test_two_runs_of_a_module_are_told_apart():
    """Two windows with the state carried over: the second run's states are listed as (2)."""
    rng = np.random.default_rng(0)
    model, x = nn.LSTM(D, H, rng=rng), rng.standard_normal((6, 1, D))
    first, state = model(x[:2])
    second, _ = model(x[2:], state)
    norms = bptt.gradient_norms((first.sum() + second.sum()) ** 2)
    assert {name: len(values) for name, values in norms.items()} == {
        "LSTM/h": 2, "LSTM/c": 2, "LSTM (2)/h": 4, "LSTM (2)/c": 4,
    }  # fmt: skip


def test_no_states_no_norms():
    """A loss that no recurrent network leads to is refused, with what to do."""
    with pytest.raises(ValueError, match="no states lead to this loss"):
        bptt.gradient_norms(nn.Parameter([1.0]).sum())


@pytest.mark.parametrize(
    "matrix, radius", [(np.diag([0.5, -2.0]), 2), ([[0, -3.0], [3.0, 0]], 3), ([[0, 1.0], [0, 0]], 0)]
)
def test_spectral_radius(matrix, radius):
    """Negative and complex eigenvalues count by their absolute value."""
    assert np.isclose(bptt.spectral_radius(Tensor(matrix)), radius)


def test_spectral_radii_by_gate():
    """Each gate's block of the stacked W_hh, by layer and direction; with a projection, times W_hr."""
    model = nn.Sequential(nn.LSTM(D, H, rng=np.random.default_rng(0)), nn.GRUCell(H, H))
    blocks = [np.diag([0.1, 0.2, size]) for size in (1.0, 2.0, 3.0, 4.0)]
    model[0].weight_hh_l0.data = np.concatenate(blocks)
    model[1].weight_hh.data = np.concatenate(blocks[:3])
    assert bptt.spectral_radii(model) == {
        "0.weight_hh_l0.i": 1, "0.weight_hh_l0.f": 2, "0.weight_hh_l0.g": 3, "0.weight_hh_l0.o": 4,
        "1.weight_hh.r": 1, "1.weight_hh.z": 2, "1.weight_hh.n": 3,
    }  # fmt: skip
    assert list(bptt.spectral_radii(nn.RNN(D, H, 2, bidirectional=True))) == [
        "weight_hh_l0", "weight_hh_l0_reverse", "weight_hh_l1", "weight_hh_l1_reverse",
    ]  # fmt: skip
    projected = nn.LSTM(D, H, proj_size=2)
    W = projected.weight_hr_l0.data @ projected.weight_hh_l0.data[H : 2 * H]
    assert np.isclose(bptt.spectral_radii(projected)["weight_hh_l0.f"], abs(np.linalg.eigvals(W)).max())
    with pytest.raises(ValueError, match=r"\(12, 3\) came"):
        bptt.spectral_radius(nn.LSTM(D, H).weight_hh_l0)


@pytest.mark.parametrize("kind, gates", [(nn.LSTM, "ifo"), (nn.GRU, "rz")])
def test_gate_saturation(kind, gates):
    """Units whose biases force a gate shut or open are counted as such; the others by what they do."""
    rng = np.random.default_rng(0)
    model = kind(D, H, rng=rng)
    bias = model.bias_ih_l0.data.copy()
    bias[:2] = -20, 20  # the first gate: unit 0 shut, unit 1 open
    model.bias_ih_l0.data = bias
    output, _ = model(rng.standard_normal((T, 2, D)) * 5)
    found = bptt.gate_saturation(output)
    assert set(found) == {f"{kind.__name__}/{gate}" for gate in gates}
    first = found[f"{kind.__name__}/{gates[0]}"]
    assert first.left[:2].tolist() == [1, 0] and first.right[:2].tolist() == [0, 1]
    values = np.stack([node.data for node in toposort([output]) if node.name == gates[-1]])
    last = found[f"{kind.__name__}/{gates[-1]}"]
    np.testing.assert_allclose(last.left, (values < 0.1).mean(axis=(0, 1)))
    np.testing.assert_allclose(last.right, (values > 0.9).mean(axis=(0, 1)))
    assert 0 < last.left.sum() + last.right.sum() < 2 * H
    with no_grad(), pytest.raises(ValueError, match="while recording"):
        bptt.gate_saturation(model(rng.standard_normal((T, 2, D)))[0])


# ---- a graph that grows ----


def windows_of(model, cut, freed=False):
    """Train without an optimizer, so that nothing but the warning tells of a state that was not detached."""
    rng, state = np.random.default_rng(0), None
    for _ in range(3):
        if isinstance(model, nn.recurrent.Cell):
            for _ in range(4):
                state = model(Tensor(rng.standard_normal((2, D))), state)
            output = state[0] if isinstance(state, tuple) else state
        else:
            output, state = model(rng.standard_normal((4, 2, D)), state)
        output.sum().backward(retain_graph=not freed)
        state = bptt.detach(state) if cut else state


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_a_growing_graph_is_noticed(kind):
    """A state carried on after backward() is warned of, at the user's line, with the cure; a detached one is not."""
    model = kind(D, H, rng=np.random.default_rng(0))
    windows_of(model, cut=True)
    with pytest.warns(UserWarning, match=r"grows from step to step.*nn.bptt.detach\(state\)") as seen:
        windows_of(model, cut=False)
    assert seen[0].filename == __file__
    with pytest.warns(UserWarning, match="grows"), pytest.raises(RuntimeError, match="freed"):
        windows_of(model, cut=False, freed=True)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU])
@pytest.mark.parametrize("change", [lambda h: h * np.array([[[0.0], [1.0]]]), lambda h: h[:, [1, 0]]])
def test_growth_is_noticed_behind_a_mask(kind, change):
    """Some sequences begin anew, or change places: once for each run, though no loss saw the state itself."""
    model, state = kind(D, H, rng=np.random.default_rng(0)), None
    with pytest.warns(UserWarning, match="grows from step to step") as seen:
        for _ in range(3):
            output, state = model(np.ones((4, 2, D)), state)
            output.sum().backward()
            state = change(state)
    assert [warning.filename for warning in seen] == [__file__] * 2


def test_growth_of_an_unrolled_cell_is_noticed():
    """The texts' cells tell it as well."""
    cell, x = SimpleLSTMCell(D, H), np.ones((3, D))
    state = unroll(cell, x)[-1]
    state[0].sum().backward()
    unroll(cell, x, bptt.detach(state))
    with pytest.warns(UserWarning, match="grows from step to step") as seen:
        unroll(cell, x, state)
    assert seen[0].filename == __file__


def test_a_long_sequence_in_pieces_is_no_growth():
    """Several runs before one backward(), a state of zeros with a gradient, a learned first state: no warning."""
    rng = np.random.default_rng(0)
    model, first = nn.GRU(D, H, rng=rng), nn.Parameter(np.zeros((1, 2, H)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            state, total = first, 0
            for _ in range(3):
                output, state = model(rng.standard_normal((4, 2, D)), state)
                total = total + output.sum()
            total.backward()
    assert first.grad.any()
