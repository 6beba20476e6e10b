"""The texts' own cells: their equations, and their gradients as derived by hand, in plain NumPy, against autograd's."""

import re

import numpy as np
import pytest

import nn
from autograd import Tensor, draw
from nn.bptt import gradient_norms, unroll
from nn.textbook import ColumnLSTMCell, LinearRNNCell, SimpleLSTMCell, first_component_loss

CLOSE = {"rtol": 1e-10, "atol": 1e-14}


def sigma(z):
    return 1 / (1 + np.exp(-z))


# ---- an LSTM as a computation graph: [a; x], columns are examples, 1/m in the gradients ----

N_X, N_A, M, T = 3, 4, 5, 6


@pytest.fixture
def columns():
    """A cell, a read-out to one logit, T steps of m examples in columns, and m answers 0 or 1."""
    rng = np.random.default_rng(0)
    cell, W_y, b_y = (
        ColumnLSTMCell(N_X, N_A, rng=rng),
        nn.Parameter(rng.standard_normal((1, N_A))),
        nn.Parameter([[0.3]]),
    )
    return cell, W_y, b_y, rng.standard_normal((T, N_X, M)), rng.integers(0, 2, (1, M)).astype(float)


def column_backward(cell, W_y, b_y, x, y, m):
    """Run forward and backward as the text does, gate by gate; m divides each parameter's gradient.

    Starts from ŷ - y, the gradient of each example's own cross entropy by its logit.
    """
    W_f, W_i, W_c, W_o = np.split(cell.W.data, 4)
    b_f, b_i, b_c, b_o = np.split(cell.b.data, 4)
    a, c, cache = np.zeros((N_A, M)), np.zeros((N_A, M)), []
    for x_t in x:
        ax, c_prev = np.vstack([a, x_t]), c
        Γf, Γi, Γo = sigma(W_f @ ax + b_f), sigma(W_i @ ax + b_i), sigma(W_o @ ax + b_o)
        c̃ = np.tanh(W_c @ ax + b_c)
        c = Γi * c̃ + Γf * c_prev
        a = Γo * np.tanh(c)
        cache.append((ax, c_prev, Γf, Γi, c̃, Γo, c))
    y_hat = sigma(W_y.data @ a + b_y.data)
    loss = -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)).mean()

    dz_y = y_hat - y
    d = {"W_y": 1 / m * dz_y @ a.T, "b_y": 1 / m * dz_y.sum(axis=1, keepdims=True)}
    d |= {f"W_{gate}": 0 for gate in "fico"} | {f"b_{gate}": 0 for gate in "fico"}
    da, dc, das = W_y.data.T @ dz_y, np.zeros((N_A, M)), []
    for ax, c_prev, Γf, Γi, c̃, Γo, c in reversed(cache):
        das.append(da)
        dc = dc + da * Γo * (1 - np.tanh(c) ** 2)
        dz = {
            "f": dc * c_prev * Γf * (1 - Γf),
            "i": dc * c̃ * Γi * (1 - Γi),
            "c": dc * Γi * (1 - c̃**2),
            "o": da * np.tanh(c) * Γo * (1 - Γo),
        }
        for gate in "fico":
            d[f"W_{gate}"] += 1 / m * dz[gate] @ ax.T
            d[f"b_{gate}"] += 1 / m * dz[gate].sum(axis=1, keepdims=True)
        dax = W_f.T @ dz["f"] + W_i.T @ dz["i"] + W_c.T @ dz["c"] + W_o.T @ dz["o"]
        da, dc = dax[:N_A], dc * Γf
    return loss, d, das[::-1]


def column_autograd(cell, W_y, b_y, x, y, reduction="mean"):
    """The same with the engine: the loss, the gradients by their names in the text, and the states."""
    states = unroll(cell, x)
    loss = nn.binary_cross_entropy_with_logits(W_y @ states[-1][0] + b_y, y, reduction=reduction)
    loss.backward()
    d = {"W_y": W_y.grad, "b_y": b_y.grad}
    d |= {f"W_{gate}": part for gate, part in zip("fico", np.split(cell.W.grad, 4))}
    d |= {f"b_{gate}": part for gate, part in zip("fico", np.split(cell.b.grad, 4))}
    return loss, d, states


def test_column_lstm_by_hand(columns):
    """Loss and all ten parameter gradients; the text's da carries no 1/m, so it is m times the engine's."""
    loss, by_hand, das = column_backward(*columns, m=M)
    ours, d, states = column_autograd(*columns)
    assert np.isclose(ours.item(), loss)
    assert set(d) == set(by_hand)
    for name in d:
        np.testing.assert_allclose(d[name], by_hand[name], **CLOSE, err_msg=name)
    for (a, _), da in zip(states, das):
        np.testing.assert_allclose(a.grad, da / M, **CLOSE)


def test_one_over_m_twice_shows_as_a_constant_ratio(columns):
    """A mean loss has the text's 1/m already: with both, every entry of every gradient is m times too small."""
    _, by_hand, _ = column_backward(*columns, m=M)
    _, d, _ = column_autograd(*columns)
    for name in d:
        twice = d[name] / M
        np.testing.assert_allclose(by_hand[name] / twice, M, rtol=1e-9, err_msg=name)


def test_a_summed_loss_is_the_text_without_one_over_m(columns):
    """The other way: reduction="sum", and m = 1 in the text's formulas."""
    _, by_hand, _ = column_backward(*columns, m=1)
    _, d, _ = column_autograd(*columns, reduction="sum")
    for name in d:
        np.testing.assert_allclose(d[name], by_hand[name], **CLOSE, err_msg=name)


# ---- the Simple LSTM: [x; h], h = s o ----


def simple_backward(cell, xs, ys):
    """Run forward, then the article's recursion: ds and dh of a step come from its own loss and from the step after."""
    n = cell.x_dim
    W = {gate: getattr(cell, f"W_{gate}").data for gate in "gifo"}
    b = {gate: getattr(cell, f"b_{gate}").data for gate in "gifo"}
    h, s, cache, loss = np.zeros(cell.mem_cell_ct), np.zeros(cell.mem_cell_ct), [], 0.0
    for x, y in zip(xs, ys):
        xc, s_prev = np.hstack([x, h]), s
        z = {gate: W[gate] @ xc + b[gate] for gate in "gifo"}
        g, i, f, o = np.tanh(z["g"]), sigma(z["i"]), sigma(z["f"]), sigma(z["o"])
        s = g * i + s_prev * f
        h = s * o
        cache.append((xc, s_prev, g, i, f, o, s, h))
        loss += (h[0] - y) ** 2
    d = {name: np.zeros(p.shape) for name, p in cell.named_parameters()}
    dh_next, ds_next = np.zeros(cell.mem_cell_ct), np.zeros(cell.mem_cell_ct)
    for (xc, s_prev, g, i, f, o, s, h), y in zip(reversed(cache), reversed(ys)):
        dh = dh_next.copy()
        dh[0] += 2 * (h[0] - y)
        ds = o * dh + ds_next  # the constant error carousel
        dz = {
            "g": i * ds * (1 - g**2),
            "i": g * ds * i * (1 - i),
            "f": s_prev * ds * f * (1 - f),
            "o": s * dh * o * (1 - o),
        }
        dxc = 0
        for gate in "gifo":
            d[f"W_{gate}"] += np.outer(dz[gate], xc)
            d[f"b_{gate}"] += dz[gate]
            dxc = dxc + W[gate].T @ dz[gate]
        dh_next, ds_next = dxc[n:], ds * f
    return loss, d


def test_simple_lstm_by_hand():
    """The loss and all eight gradients of the article's recursion."""
    rng = np.random.default_rng(0)
    cell, xs, ys = SimpleLSTMCell(3, 4, rng=rng), rng.standard_normal((5, 3)), [0.5, -0.2, 0.1, 0.9, -1.0]
    loss, by_hand = simple_backward(cell, xs, ys)
    ours = first_component_loss([h for h, _ in unroll(cell, xs)], ys)
    ours.backward()
    assert np.isclose(ours.item(), loss)
    for name, parameter in cell.named_parameters():
        np.testing.assert_allclose(parameter.grad, by_hand[name], **CLOSE, err_msg=name)


def test_the_toy_task_prints_the_repository_s_losses():
    """Four inputs of 50 random numbers are to become -0.5, 0.2, 0.1, -0.5: from 7.535e-01 to 2.611e-06 in 100 steps.

    The repository's code sets NumPy's seed to 0 before *each* array that it draws, so all four gates start with the
    same weights and biases, and the inputs continue behind the draws of the last bias.
    """
    cell, draws = SimpleLSTMCell(50, 100), np.random.RandomState(0)
    arrays = {}
    for name, parameter in cell.named_parameters():
        draws.seed(0)
        arrays[name] = draws.rand(*parameter.shape) * 0.2 - 0.1
    cell.load_state_dict(arrays)
    np.testing.assert_array_equal(cell.W_g.data, cell.W_o.data)
    ys = [-0.5, 0.2, 0.1, -0.5]
    xs = [draws.rand(50) for _ in ys]
    optimizer = nn.optim.SGD(cell.parameters(), lr=0.1)
    losses = []
    for _ in range(100):
        loss = first_component_loss([h for h, _ in unroll(cell, xs)], ys)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(f"{loss.item():.3e}")
    assert (losses[0], losses[99]) == ("7.535e-01", "2.611e-06")


# ---- the linear RNN ----

D, H, Q = 2, 3, 4


def square(o, y):
    return ((o - y) ** 2).sum()


def entropy(o, y):
    return nn.cross_entropy(o, y)


def softmax(o):
    return np.exp(o) / np.exp(o).sum()


@pytest.mark.parametrize(
    "loss, targets, by_hand",
    [
        (square, np.random.default_rng(1).standard_normal((T, Q)), lambda o, y: 2 * (o - y)),
        (entropy, np.array([3, 0, 1, 1, 2, 3]), lambda o, y: softmax(o) - np.eye(Q)[y]),
    ],
)
def test_linear_rnn_closed_form(loss, targets, by_hand):
    """dL/dh_t = Σ_{i=t}^T (W_hhᵀ)^(T-i) W_qhᵀ dL/do_{T+t-i}, and the weights' gradients from it.

    Some editions of the chapter give dL/dW_hh the shape (h, d). It is (h, h), like W_hh: dL/dh_t h_{t-1}ᵀ.
    """
    rng = np.random.default_rng(0)
    cell, x, h0 = LinearRNNCell(D, H, Q, rng=rng), rng.standard_normal((T, D)), rng.standard_normal(H)
    W_hx, W_hh, W_qh = cell.W_hx.data, cell.W_hh.data, cell.W_qh.data
    h = [h0]
    for x_t in x:
        h.append(W_hx @ x_t + W_hh @ h[-1])
    do = [None] + [1 / T * by_hand(W_qh @ h[t], targets[t - 1]) for t in range(1, T + 1)]
    dh = [None] + [
        sum(np.linalg.matrix_power(W_hh.T, T - i) @ W_qh.T @ do[T + t - i] for i in range(t, T + 1))
        for t in range(1, T + 1)
    ]

    states = unroll(cell, x, Tensor(h0))
    L = sum(loss(cell.readout(h_t), y) for h_t, y in zip(states, targets)) / T
    L.backward()
    for t in range(1, T + 1):
        np.testing.assert_allclose(states[t - 1].data, h[t], **CLOSE)
        np.testing.assert_allclose(states[t - 1].grad, dh[t], **CLOSE)
    steps = range(1, T + 1)
    np.testing.assert_allclose(cell.W_qh.grad, sum(np.outer(do[t], h[t]) for t in steps), **CLOSE)
    np.testing.assert_allclose(cell.W_hx.grad, sum(np.outer(dh[t], x[t - 1]) for t in steps), **CLOSE)
    np.testing.assert_allclose(cell.W_hh.grad, sum(np.outer(dh[t], h[t - 1]) for t in steps), **CLOSE)
    assert cell.W_hh.grad.shape == (H, H) != (H, D)


def test_the_general_recursion_of_an_early_edition_has_a_factor_too_many():
    """∂h_t/∂w = Σ_i [Π_{j=i+1}^t ∂f/∂h_{j-1}] ∂f/∂w at i: the early edition lets the product begin at j = i."""
    w, x, h = nn.Parameter(0.7), [0.3, -0.8, 0.5, 0.2], [Tensor(0.1)]
    for x_t in x:
        h.append(np.tanh(w * h[-1] + x_t))
    h[-1].backward()
    slope = [None] + [1 - h[t].item() ** 2 for t in range(1, 5)]

    def recursion(first):
        factors = [[w.item() * slope[j] for j in range(i + first, 5)] for i in range(1, 5)]
        return sum(np.prod(factors[i - 1]) * slope[i] * h[i - 1].item() for i in range(1, 5))

    assert np.isclose(recursion(1), w.grad) and not np.isclose(recursion(0), w.grad, rtol=0.1)


# ---- to PyTorch's layout and back ----


def test_column_lstm_in_pytorch_s_layout(columns):
    """An nn.LSTM with the converted weights computes the same, transposed; converted back, the bits are the same."""
    cell, _, _, x, _ = columns
    lstm = nn.LSTM(N_X, N_A)
    lstm.load_state_dict(cell.pytorch_state_dict("_l0"))
    output, (_, c) = lstm(np.swapaxes(x, 1, 2))
    states = unroll(cell, x)
    np.testing.assert_allclose(output.data, np.stack([a.data.T for a, _ in states]), **CLOSE)
    np.testing.assert_allclose(c.data[0], states[-1][1].data.T, **CLOSE)
    back = ColumnLSTMCell(N_X, N_A)
    back.load_pytorch_state_dict(lstm.state_dict(), "_l0")
    np.testing.assert_array_equal(back.W.data, cell.W.data)
    np.testing.assert_array_equal(back.b.data, cell.b.data)


@pytest.mark.parametrize("bias", [True, False])
def test_pytorch_s_layout_in_columns(bias):
    """A cell's weights taken over: the two biases as their sum; without biases, zeros."""
    rng = np.random.default_rng(0)
    theirs, cell = nn.LSTMCell(N_X, N_A, bias, rng=rng), ColumnLSTMCell(N_X, N_A)
    cell.load_pytorch_state_dict(theirs.state_dict())
    x, h, c = (rng.standard_normal((M, size)) for size in (N_X, N_A, N_A))
    expected = theirs(Tensor(x), (Tensor(h), Tensor(c)))
    came = cell(Tensor(x.T), (Tensor(h.T), Tensor(c.T)))
    for ours, other in zip(came, expected):
        np.testing.assert_allclose(ours.data.T, other.data, **CLOSE)


def test_simple_lstm_in_pytorch_s_layout():
    """The weights go there and back exactly. The memory of one step agrees; h differs by the tanh that it lacks."""
    rng = np.random.default_rng(0)
    cell, lstm = SimpleLSTMCell(3, 4, rng=rng), nn.LSTMCell(3, 4)
    lstm.load_state_dict(cell.pytorch_state_dict())
    x, h, s = (Tensor(rng.standard_normal(size)) for size in (3, 4, 4))
    (ours_h, ours_s), (theirs_h, theirs_s) = cell(x, (h, s)), lstm(x, (h, s))
    np.testing.assert_allclose(ours_s.data, theirs_s.data, **CLOSE)
    np.testing.assert_allclose(ours_h.data / ours_s.data * np.tanh(ours_s.data), theirs_h.data, **CLOSE)
    assert not np.allclose(ours_h.data, theirs_h.data)
    back = SimpleLSTMCell(3, 4)
    back.load_pytorch_state_dict(lstm.state_dict())
    for name, array in cell.state_dict().items():
        np.testing.assert_array_equal(back.state_dict()[name], array)


def test_linear_rnn_in_pytorch_s_layout():
    """There and back exactly; with relu and nothing negative, an nn.RNN without biases computes the same."""
    rng = np.random.default_rng(0)
    cell, rnn = LinearRNNCell(D, H, Q, rng=rng), nn.RNN(D, H, bias=False, nonlinearity="relu")
    for parameter in cell.parameters():
        parameter.data = np.abs(parameter.data)
    rnn.load_state_dict(cell.pytorch_state_dict("_l0"))
    x = rng.random((T, D))
    np.testing.assert_allclose(rnn(x)[0].data, np.stack([h.data for h in unroll(cell, x)]), **CLOSE)
    back = LinearRNNCell(D, H, Q)
    W_qh = back.W_qh.data.copy()
    back.load_pytorch_state_dict(rnn.state_dict(), "_l0")
    np.testing.assert_array_equal(back.W_hx.data, cell.W_hx.data)
    np.testing.assert_array_equal(back.W_hh.data, cell.W_hh.data)
    np.testing.assert_array_equal(back.W_qh.data, W_qh)


@pytest.mark.torch
def test_the_layout_is_pytorch_s():
    """PyTorch itself takes the converted weights with strict=True and computes the same; its own come back."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    rng = np.random.default_rng(0)
    cell, x = ColumnLSTMCell(N_X, N_A, rng=rng), rng.standard_normal((T, N_X, M))
    lstm = torch.nn.LSTM(N_X, N_A, dtype=torch.float64)
    back = ColumnLSTMCell(N_X, N_A)
    back.load_pytorch_state_dict(lstm.state_dict(), "_l0")
    first = lstm(torch.tensor(x.swapaxes(1, 2)))[0].detach().numpy()
    np.testing.assert_allclose(np.stack([a.data.T for a, _ in unroll(back, x)]), first, **CLOSE)
    lstm.load_state_dict({name: torch.tensor(array) for name, array in cell.pytorch_state_dict("_l0").items()})
    second = lstm(torch.tensor(x.swapaxes(1, 2)))[0].detach().numpy()
    np.testing.assert_allclose(np.stack([a.data.T for a, _ in unroll(cell, x)]), second, **CLOSE)


# ---- pictures, dtypes, mistakes ----


@pytest.mark.parametrize(
    "cell, x, gates",
    [
        (ColumnLSTMCell(2, 2, rng=np.random.default_rng(0)), np.ones((2, 2, 3)), "fico"),
        (SimpleLSTMCell(2, 2, rng=np.random.default_rng(0)), np.ones((2, 2)), "gifo"),
        (LinearRNNCell(2, 2, 1, rng=np.random.default_rng(0)), np.ones((2, 2)), ""),
    ],
)
def test_each_cell_is_drawn(cell, x, gates):
    """Steps and gates are frames, and the states are named after their step."""
    states = unroll(cell, x)
    loss = (states[-1][0] ** 2).sum()
    loss.backward()
    drawing = draw(loss)
    for t in (1, 2):
        assert f"t={t}" in drawing.source
        assert all(f"{letter}{t}" in drawing.table() for letter in cell.state)
    assert set(re.findall(r"gate (\w)", drawing.source)) == set(gates)
    assert "≠" not in drawing.table()  # each gradient is the sum of the contributions drawn
    assert set(gradient_norms(loss)) == {f"{type(cell).__name__}/{letter}" for letter in cell.state}


@pytest.mark.parametrize("kind, sizes, x", [
    (ColumnLSTMCell, (2, 3), (2, 4)), (SimpleLSTMCell, (2, 3), (2,)), (LinearRNNCell, (2, 3, 1), (2, 4)),
])  # fmt: skip
def test_float32_stays_float32(kind, sizes, x):
    """Without a state, too: the zeros have the parameters' dtype."""
    cell = kind(*sizes, dtype=np.float32)
    (last,) = unroll(cell, [np.ones(x, np.float32)])
    for part in last if isinstance(last, tuple) else [last]:
        assert part.dtype == np.float32
    assert repr(cell).startswith(f"{kind.__name__}(") and "=3" in repr(cell)


column, simple, line = ColumnLSTMCell(2, 3), SimpleLSTMCell(2, 3), LinearRNNCell(2, 3, 1)
state23 = (Tensor(np.zeros((3, 4))), Tensor(np.zeros((3, 5))))


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: column(np.ones((4, 2))), ValueError, "takes x of shape (2, m): features in rows; (4, 2) came"),
        (lambda: column(np.ones(2)), ValueError, "(2, m): features in rows; (2,) came"),
        (lambda: column(np.ones((2, 4)), state23), ValueError, "a and c of shape (3, 4) for x of shape (2, 4)"),
        (lambda: column(np.ones((2, 4)), state23[0]), ValueError, "(3, 4) came"),
        (lambda: simple(np.ones((2, 4))), ValueError, "takes x of shape (2,)"),
        (lambda: line(np.ones(3)), ValueError, "takes x of shape (2,) or (2, m)"),
        (lambda: line(np.ones(2), Tensor(np.ones(2))), ValueError, "the state h of shape (3,)"),
        (lambda: first_component_loss([Tensor([1.0])], [1, 2]), ValueError, "1 outputs and 2 targets"),
        (lambda: column.load_pytorch_state_dict(nn.LSTM(2, 3).state_dict()), KeyError, "'_l0' for the first layer"),
        (
            lambda: column.load_pytorch_state_dict(nn.LSTMCell(5, 3).state_dict()),
            ValueError,
            "W has shape (12, 5) here",
        ),
        (
            lambda: column.load_pytorch_state_dict(nn.LSTM(2, 3, proj_size=1).state_dict(), "_l0"),
            ValueError,
            "projection, weight_hr_l0",
        ),
        (
            lambda: line.load_pytorch_state_dict(nn.RNNCell(2, 3).state_dict()),
            ValueError,
            "train the RNN with bias=False",
        ),
    ],
)
def test_mistakes_are_named(call, error, text):
    """Expected, came, what to do."""
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)
