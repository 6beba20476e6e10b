"""Recurrent networks: equations, shapes, gradients, PyTorch."""

import itertools

import numpy as np
import pytest

import nn
from autograd import Tensor, toposort

T, B, D, H = 4, 3, 2, 5


def sigma(z):
    return 1 / (1 + np.exp(-z))


def test_lstm_cell_is_its_equations():
    """One step in plain NumPy, gates in the order i, f, g, o."""
    rng = np.random.default_rng(0)
    cell = nn.LSTMCell(D, H, rng=rng)
    x, h, c = rng.standard_normal((B, D)), rng.standard_normal((B, H)), rng.standard_normal((B, H))
    z = x @ cell.weight_ih.data.T + cell.bias_ih.data + h @ cell.weight_hh.data.T + cell.bias_hh.data
    i, f, g, o = z[:, :H], z[:, H : 2 * H], z[:, 2 * H : 3 * H], z[:, 3 * H :]
    c_next = sigma(f) * c + sigma(i) * np.tanh(g)
    h_next = sigma(o) * np.tanh(c_next)
    ours = cell(Tensor(x), (Tensor(h), Tensor(c)))
    assert np.allclose(ours[0].data, h_next) and np.allclose(ours[1].data, c_next)


def test_rnn_over_time_is_its_cell_step_by_step():
    """The loop carries the state and stacks the outputs."""
    rng = np.random.default_rng(0)
    rnn = nn.RNN(D, H, rng=rng)
    x, h = rng.standard_normal((T, B, D)), np.zeros((B, H))
    output, last = rnn(x)
    for t in range(T):
        h = np.tanh(
            x[t] @ rnn.weight_ih_l0.data.T + rnn.bias_ih_l0.data + h @ rnn.weight_hh_l0.data.T + rnn.bias_hh_l0.data
        )
        assert np.allclose(output.data[t], h)
    assert np.allclose(last.data[0], h)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("bias", [True, False])
def test_gradients_agree_with_finite_differences(kind, bias):
    """Along a random direction of the input and of every parameter, through two layers and three steps."""
    rng = np.random.default_rng(0)
    model = kind(2, 3, num_layers=2, bias=bias, rng=rng)
    x = Tensor(rng.standard_normal((3, 2, 2)), requires_grad=True)
    weight = rng.standard_normal((3, 2, 3))

    def loss():
        return (model(x)[0] * weight).sum()

    loss().backward()
    for leaf in [x, *model.parameters()]:
        direction, values, eps = rng.standard_normal(leaf.shape), leaf.data.copy(), 1e-5
        leaf.data = values + eps * direction
        above = loss().item()
        leaf.data = values - eps * direction
        below = loss().item()
        leaf.data = values
        assert np.isclose((above - below) / (2 * eps), (leaf.grad * direction).sum(), rtol=1e-7), leaf.name


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
def test_shapes(kind):
    """Time first, batch first and a single sequence; the state is layer first in all of them."""
    rng = np.random.default_rng(0)
    for batch_first, shape in itertools.product([False, True], [(T, B, D), (T, D)]):
        model = kind(D, H, num_layers=2, batch_first=batch_first, rng=rng)
        if batch_first and len(shape) == 3:
            shape = (B, T, D)
        output, state = model(rng.standard_normal(shape))
        assert output.shape == (*shape[:-1], H)
        for part in state if kind is nn.LSTM else [state]:
            assert part.shape == ((2, B, H) if len(shape) == 3 else (2, H))
        output, _ = model(rng.standard_normal(shape), state)
        assert output.shape == (*shape[:-1], H)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
def test_a_carried_state_continues_the_sequence(kind):
    """Two halves with the state handed over are the whole; detached, no gradient crosses over."""
    rng = np.random.default_rng(0)
    model = kind(D, H, num_layers=2, rng=rng)
    x = Tensor(rng.standard_normal((T, B, D)), requires_grad=True)
    whole, _ = model(x)
    _, state = model(x[:2])
    half, _ = model(x[2:], state)
    assert np.allclose(whole.data[2:], half.data)
    half.sum().backward()
    assert x.grad[:2].any()
    x.zero_grad()
    parts = tuple(part.detach() for part in state) if kind is nn.LSTM else state.detach()
    model(x[2:], parts)[0].sum().backward()
    assert not x.grad[:2].any() and x.grad[2:].any()


def test_the_graph_says_where_each_node_was_made():
    """Scopes: module, time step, gate; states are named after the step."""
    output, _ = nn.LSTM(D, H, rng=np.random.default_rng(0))(np.ones((2, B, D)))
    nodes = toposort([output])
    assert {node.scope.path for node in nodes if node.name == "i"} == {("LSTM", f"t={t}", "gate i") for t in (1, 2)}
    assert [node.name for node in nodes if node.scope and node.scope.name == "memory" and node.name] == [
        "c1", "h1", "c2", "h2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "model, x, shown, shapes",
    [
        (
            nn.RNN(D, H), (T, B, D),
            "RNN(2, 5, num_layers=1, bias=True; x (T, B, 2) -> output (T, B, 5), h_n (1, B, 5))",
            [(T, B, 5), (1, B, 5)],
        ),
        (
            nn.LSTM(D, H, 2, batch_first=True, bidirectional=True, proj_size=3), (B, T, D),
            "LSTM(2, 5, num_layers=2, bias=True, batch_first=True, bidirectional=True, proj_size=3; "
            "x (B, T, 2) -> output (B, T, 6), h_n (4, B, 3), c_n (4, B, 5))",
            [(B, T, 6), (4, B, 3), (4, B, 5)],
        ),
        (nn.GRUCell(D, H, bias=False), (B, D), "GRUCell(2, 5, bias=False; x (B, 2), h (B, 5))", [(B, 5)]),
        (
            nn.RNNCell(D, H, nonlinearity="relu"), (B, D),
            "RNNCell(2, 5, bias=True, nonlinearity='relu'; x (B, 2), h (B, 5))", [(B, 5)],
        ),
        (
            nn.LSTMCell(D, H, proj_size=3), (B, D),
            "LSTMCell(2, 5, bias=True, proj_size=3; x (B, 2), h (B, 3), c (B, 5))",
            [(B, 3), (B, 5)],
        ),
    ],
)  # fmt: skip
def test_the_repr_says_the_shapes(model, x, shown, shapes):
    """What goes in and comes out, and so it does; the state layer first, even with batch_first."""
    assert repr(model) == shown
    came = model(np.zeros(x))
    parts = [came[0], *as_tuple(came[1])] if isinstance(model, nn.recurrent.Recurrent) else as_tuple(came)
    assert [part.shape for part in parts] == shapes


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_states_and_lengths_may_be_arrays_lists_or_tensors(kind):
    """All give the same, and a gradient flows into a Tensor."""
    rng = np.random.default_rng(0)
    model, x = kind(D, H, rng=rng), rng.standard_normal((T, B, D))
    arrays = random_like(rng, model, x)
    tensors = tuple(Tensor(part, requires_grad=True) for part in arrays)
    expected, _ = model(x, wrapped(tensors), lengths=Tensor([2, 4, 1]))
    for state in (wrapped(arrays), list(arrays), list(tensors)):
        assert np.array_equal(model(x, state, lengths=[2, 4, 1])[0].data, expected.data)
    expected.sum().backward()
    assert all(part.grad.any() for part in tensors)


def test_float32_stays_float32():
    """Outputs, states and gradients have the dtype of the parameters and the input."""
    model = nn.LSTM(D, H, dtype="float32", rng=np.random.default_rng(0))
    output, (h, c) = model(np.ones((T, B, D), dtype="float32"))
    output.sum().backward()
    assert {output.dtype, h.dtype, c.dtype, *(p.grad.dtype for p in model.parameters())} == {np.dtype("float32")}


def random_like(rng, model, x):
    """A random state for a batch: a tuple of arrays."""
    cell = model._cells[0][0]
    count = model.num_layers * (1 + model.bidirectional)
    batch = x.shape[0] if model.batch_first else x.shape[1]
    return tuple(rng.standard_normal((count, batch, width)) for width in cell.widths())


def wrapped(parts):
    return parts if len(parts) > 1 else parts[0]


def as_tuple(state):
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("batch_first", [False, True], ids=["", "batch_first"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["", "bidirectional"])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("kind, extra", [(nn.RNN, {}), (nn.LSTM, {}), (nn.LSTM, {"proj_size": 3}), (nn.GRU, {})])
def test_a_batch_with_lengths_is_each_sequence_alone(kind, extra, num_layers, bidirectional, batch_first):
    """Outputs, last states and gradients by inputs, states and parameters; outputs beyond the length are 0."""
    rng = np.random.default_rng(0)
    model = kind(D, H, num_layers, bidirectional=bidirectional, batch_first=batch_first, rng=rng, **extra)
    lengths = [2, 4, 1]
    x = Tensor(rng.standard_normal((B, T, D) if batch_first else (T, B, D)), requires_grad=True)
    first = tuple(Tensor(part, requires_grad=True) for part in random_like(rng, model, x))
    output, last = model(x, wrapped(first), lengths=lengths)
    ((output**2).sum() + sum((part**3).sum() for part in as_tuple(last))).backward()
    together = {name: p.grad for name, p in model.named_parameters()}
    values, outputs, gradients = (a.swapaxes(0, 1) if batch_first else a for a in (x.data, output.data, x.grad))
    model.zero_grad()
    for b, n in enumerate(lengths):
        alone = Tensor(values[:n, b], requires_grad=True)
        parts = tuple(Tensor(part.data[:, b], requires_grad=True) for part in first)
        output_alone, last_alone = model(alone, wrapped(parts))
        ((output_alone**2).sum() + sum((part**3).sum() for part in as_tuple(last_alone))).backward()
        assert np.allclose(outputs[:n, b], output_alone.data) and not outputs[n:, b].any()
        assert np.allclose(gradients[:n, b], alone.grad) and not gradients[n:, b].any()
        for batched, single in zip(as_tuple(last), as_tuple(last_alone)):
            assert np.allclose(batched.data[:, b], single.data)
        for batched, single in zip(first, parts):
            assert np.allclose(batched.grad[:, b], single.grad)
    for name, parameter in model.named_parameters():
        assert np.allclose(parameter.grad, together[name]), name


def test_dropout_between_layers_acts_in_training_only():
    """Evaluation is deterministic; training leaves outputs of the first layer out, and scales the rest up."""
    rng = np.random.default_rng(0)
    model = nn.GRU(D, 400, 2, dropout=0.25, rng=rng)
    x = rng.standard_normal((2, 3, D))
    dropped = toposort([model(x)[0]])
    mask = next(
        node for node in dropped if node.op and node.op.name == "multiply" and node.scope.path == ("GRU", "layer 0")
    )
    assert set(np.unique(mask.values[1])) == {0, 1 / 0.75} and 0.65 < (mask.values[1] > 0).mean() < 0.85
    model.eval()
    assert np.array_equal(model(x)[0].data, model(x)[0].data)
    with pytest.warns(UserWarning, match="between layers"):
        nn.GRU(D, H, dropout=0.1)


def test_forget_bias():
    """The two biases of the forget gate add up to what was asked for; the others are drawn as usual."""
    cell = nn.LSTMCell(D, H, forget_bias=1.0, rng=np.random.default_rng(0))
    total = cell.bias_ih.data + cell.bias_hh.data
    assert (total[H : 2 * H] == 1).all() and (total[:H] != 1).all() and (total[2 * H :] != 1).all()


def torch_or_skip():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")


@pytest.mark.torch
@pytest.mark.parametrize("lengths", [None, [2, 4, 1]], ids=["whole", "lengths"])
@pytest.mark.parametrize("batch_first", [False, True], ids=["", "batch_first"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", ""])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["", "bidirectional"])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize(
    "kind, extra",
    [("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("LSTM", {}), ("LSTM", {"proj_size": 3}), ("GRU", {})],
)
def test_outputs_states_and_gradients_are_those_of_pytorch(
    kind, extra, num_layers, bidirectional, bias, batch_first, lengths
):
    """With the same state_dict, taken over with strict keys both ways: all to 1e-10 in float64."""
    torch = torch_or_skip()
    rng = np.random.default_rng(0)
    options = dict(num_layers=num_layers, bidirectional=bidirectional, bias=bias, batch_first=batch_first, **extra)
    ours = getattr(nn, kind)(D, H, **options, rng=rng)
    theirs = getattr(torch.nn, kind)(D, H, **options, dtype=torch.float64)
    theirs.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()}, strict=True)
    ours.load_state_dict({name: array.numpy() for name, array in theirs.state_dict().items()})
    values = rng.standard_normal((B, T, D) if batch_first else (T, B, D))
    states = random_like(rng, ours, values)

    x, *state = (Tensor(value, requires_grad=True) for value in (values, *states))
    output, last = ours(x, wrapped(tuple(state)), lengths=lengths)
    upstream = rng.standard_normal(output.shape)
    ((output * upstream).sum() + sum((part**2).sum() for part in as_tuple(last))).backward()

    tx, *tstate = (torch.tensor(value, requires_grad=True) for value in (values, *states))
    inputs = tx
    if lengths is not None:
        inputs = torch.nn.utils.rnn.pack_padded_sequence(tx, lengths, batch_first, enforce_sorted=False)
    toutput, tlast = theirs(inputs, wrapped(tuple(tstate)))
    if lengths is not None:
        toutput, _ = torch.nn.utils.rnn.pad_packed_sequence(toutput, batch_first, total_length=T)
    ((toutput * torch.tensor(upstream)).sum() + sum((part**2).sum() for part in as_tuple(tlast))).backward()

    named = dict(theirs.named_parameters())
    pairs = [(output.data, toutput), (x.grad, tx.grad)]
    pairs += [(p.data, q) for p, q in zip(as_tuple(last), as_tuple(tlast))]
    pairs += [(p.grad, q.grad) for p, q in zip(state, tstate)]
    pairs += [(p.grad, named[name].grad) for name, p in ours.named_parameters()]
    for mine, reference in pairs:
        assert np.allclose(mine, reference.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("batched", [True, False])
def test_cells_are_those_of_pytorch(kind, batched):
    """One step, with and without a batch: outputs and gradients to 1e-10."""
    torch = torch_or_skip()
    rng = np.random.default_rng(0)
    ours = getattr(nn, kind)(D, H, rng=rng)
    theirs = getattr(torch.nn, kind)(D, H, dtype=torch.float64)
    theirs.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()}, strict=True)
    lead = (B,) if batched else ()
    values = [rng.standard_normal((*lead, D)), *(rng.standard_normal((*lead, H)) for _ in ours.state)]
    x, *state = (Tensor(value, requires_grad=True) for value in values)
    tx, *tstate = (torch.tensor(value, requires_grad=True) for value in values)
    new, tnew = as_tuple(ours(x, wrapped(tuple(state)))), as_tuple(theirs(tx, wrapped(tuple(tstate))))
    sum((part**2).sum() for part in new).backward()
    sum((part**2).sum() for part in tnew).backward()
    pairs = [(p.data, q) for p, q in zip(new, tnew)] + [(p.grad, q.grad) for p, q in zip([x, *state], [tx, *tstate])]
    pairs += [(p.grad, dict(theirs.named_parameters())[name].grad) for name, p in ours.named_parameters()]
    for mine, reference in pairs:
        assert np.allclose(mine, reference.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda: nn.LSTM(D, H)(np.ones((T, B, D + 1))), f"(T, B, {D})"),
        (lambda: nn.LSTM(D, H, batch_first=True)(np.ones((T, B, D + 1))), f"(B, T, {D})"),
        (lambda: nn.LSTM(D, H)(np.ones((0, B, D))), "at least one step"),
        (lambda: nn.LSTM(D, H)(np.ones((T, B, D)), Tensor(np.ones((1, B, H)))), "h_0 and c_0"),
        (
            lambda: nn.RNN(D, H, batch_first=True)(np.ones((B, T, D)), Tensor(np.ones((B, 1, H)))),
            "layer first even with",
        ),
        (lambda: nn.RNNCell(D, H)(Tensor(np.ones((B, D))), Tensor(np.ones((B, H + 1)))), f"(3, {H + 1}) came"),
        (lambda: nn.LSTMCell(D, H)(Tensor(np.ones((B, D + 1)))), f"({B}, {D + 1}) came"),
        (lambda: nn.RNN(0, H), "0 and 5 came"),
        (lambda: nn.RNN(D, H, num_layers=0), "0 came"),
        (lambda: nn.RNN(D, H, nonlinearity="sigmoid"), "'sigmoid' came"),
        (lambda: nn.LSTM(D, H, proj_size=H), f"{H} came"),
        (lambda: nn.GRU(D, H, proj_size=2), "proj_size=2 came for GRUCell"),
        (lambda: nn.LSTM(D, H, bias=False, forget_bias=1.0), "bias=True"),
        (lambda: nn.GRU(D, H)(np.ones((T, B, D)), lengths=[1, 2]), "[1, 2]"),
        (lambda: nn.GRU(D, H)(np.ones((T, B, D)), lengths=[1, 2, 5]), "[1, 2, 5]"),
        (lambda: nn.GRU(D, H)(np.ones((T, B, D)), lengths=[1, 0, 2]), "from 1 to the number of steps"),
        (lambda: nn.GRU(D, H)(np.ones((T, D)), lengths=[1]), "for each of the sequences in a batch"),
        (lambda: nn.Dropout(1.5), "p=1.5 came"),
    ],
)
def test_mistakes_are_named(call, text):
    """Shapes are said in full: expected and came."""
    with pytest.raises(ValueError) as caught:
        call()
    assert text in str(caught.value)
