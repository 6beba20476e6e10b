"""Modules: finding parameters, naming, states."""

import copy
import pickle

import numpy as np
import pytest

import nn
from autograd import Tensor, gradcheck, toposort


class Net(nn.Module):
    def __init__(self):
        rng = np.random.default_rng(0)
        self.first = nn.Linear(3, 4, rng=rng)
        self.layers = [nn.Linear(4, 4, rng=rng), nn.Linear(4, 2, bias=False, rng=rng)]
        self.scale = nn.Parameter([1.0, 2.0])
        self.tied = self.scale

    def forward(self, x):
        x = np.tanh(self.first(x))
        for layer in self.layers:
            x = layer(x)
        return x * self.scale


PATHS = [
    "scale", "tied", "first.weight", "first.bias", "layers.0.weight", "layers.0.bias", "layers.1.weight",
]  # fmt: skip


def test_parameters_are_found_by_path_and_listed_once():
    """Attributes, lists and shared parameters; the dotted path is the key, and a parameter held twice counts once."""
    net = Net()
    assert [name for name, _ in net.named_parameters()] == PATHS
    assert len(net.parameters()) == len(PATHS) - 1
    assert net.first.weight.name == "weight" and net.scale.name == "scale"


def test_a_call_opens_a_scope_named_after_the_attribute():
    """The path in the graph is the path in the model."""
    out = Net()(np.ones((1, 3)))
    assert [(node.op.name, node.scope.path) for node in toposort([out]) if node.op] == [
        ("inner", ("Net", "first")),
        ("add", ("Net", "first")),
        ("tanh", ("Net",)),
        ("inner", ("Net", "layers.0")),
        ("add", ("Net", "layers.0")),
        ("inner", ("Net", "layers.1")),
        ("multiply", ("Net",)),
    ]


def test_state_goes_out_and_in():
    """state_dict() copies; load_state_dict() restores the very numbers and keeps the dtype."""
    net, other = Net(), Net()
    state = net.state_dict()
    net.scale.data *= 3
    assert state["scale"].tolist() == [1.0, 2.0]
    for parameter in other.parameters():
        parameter.data = np.zeros(parameter.shape)
    other.load_state_dict({name: array.astype("float32") for name, array in state.items()})
    assert all(np.allclose(array, state[name], atol=1e-6) for name, array in other.state_dict().items())
    assert other.scale.dtype == np.float64


@pytest.mark.parametrize(
    "change, error, text",
    [
        (lambda s: s.pop("scale"), KeyError, "missing ['scale']"),
        (lambda s: s.update(scala=1), KeyError, "unexpected ['scala']"),
        (lambda s: s.update(scale=np.ones(3)), ValueError, "scale has shape (2,) here and (3,)"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, text):
    """What is missing, too much or misshapen is named, and no parameter has been touched."""
    net = Net()
    state = {name: array + 1 for name, array in net.state_dict().items()}
    before = net.state_dict()
    change(state)
    with pytest.raises(error) as caught:
        net.load_state_dict(state)
    assert text in str(caught.value)
    assert all(np.array_equal(array, before[name]) for name, array in net.state_dict().items())


def test_zero_grad_train_and_copies():
    """zero_grad() reaches every parameter, train() every module; a model can be copied and pickled."""
    net = Net()
    net(np.ones((1, 3))).sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert [(name, p.data.tolist()) for name, p in twin.named_parameters()] == [
            (name, p.data.tolist()) for name, p in net.named_parameters()
        ]
        assert type(twin.scale) is nn.Parameter and twin.scale is twin.tied
    net.zero_grad()
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not net.eval().layers[1].training and net.train().layers[1].training


def test_repr_shows_the_parts():
    """Printing a model shows its tree."""
    assert repr(Net()).splitlines()[1] == "  first: Linear(3, 4, bias=True)"


def test_linear_and_embedding():
    """y = x Wᵀ + b over any leading axes; rows of an embedding by integer, gradients of repeated rows add up."""
    rng = np.random.default_rng(0)
    linear = nn.Linear(3, 2, rng=rng, dtype="float32")
    x = rng.standard_normal((4, 5, 3)).astype("float32")
    out = linear(Tensor(x))
    assert out.dtype == np.float32
    assert np.allclose(out.data, x @ linear.weight.data.T + linear.bias.data, atol=1e-6)
    embedding = nn.Embedding(5, 2, rng=rng)
    embedding(np.array([[1, 1], [4, 1]])).sum().backward()
    assert embedding.weight.grad[:, 0].tolist() == [0, 3, 0, 0, 1]


def test_padding_is_zero_and_learns_nothing():
    """The vector of the padding symbol is 0 and receives no gradient, its neighbours do."""
    embedding = nn.Embedding(4, 2, padding_idx=0, rng=np.random.default_rng(0))
    out = embedding(np.array([[0, 3], [1, 0]]))
    out.sum().backward()
    assert not out.data[0, 0].any() and not out.data[1, 1].any() and out.data[0, 1].all()
    assert embedding.weight.grad[:, 0].tolist() == [0, 1, 0, 1]


def test_summary():
    """One line a parameter, and a total in which shared ones count once."""
    lines = Net().summary().splitlines()
    assert len(lines) == len(PATHS) + 1
    assert lines[2].split() == ["first.weight", "(4,", "3)", "12"] and lines[-1].split() == ["total", "46"]


def test_containers_run_in_order_under_pytorch_names():
    """Sequential runs its modules; the keys are "0.weight" and so on; a ModuleList has length, places and members."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Linear(4, 2, rng=rng), nn.ReLU(), nn.Sigmoid())
    x = rng.standard_normal((5, 3))
    z = np.tanh(x @ net[0].weight.data.T + net[0].bias.data) @ net[2].weight.data.T + net[2].bias.data
    assert np.allclose(net(Tensor(x)).data, 1 / (1 + np.exp(-np.maximum(z, 0))))
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    modules = nn.ModuleList([net[0]]).append(net[2])
    assert len(modules) == 2 and modules[-1] is net[2] and list(modules) == [net[0], net[2]]


def test_layer_norm():
    """Mean 0 and variance 1 over the last axes, then weight and bias; gradients by finite differences."""
    rng = np.random.default_rng(0)
    norm = nn.LayerNorm((2, 3), eps=0.0)
    x = rng.standard_normal((4, 2, 3)) * 5 + 7
    out = norm(Tensor(x)).data
    assert np.allclose(out.mean((1, 2)), 0) and np.allclose(out.var((1, 2)), 1)
    norm = nn.LayerNorm(3)
    weight = rng.standard_normal((4, 2, 3))
    assert gradcheck(lambda x: norm(x) * weight, rng.standard_normal((4, 2, 3)))


@pytest.mark.torch
def test_layer_norm_is_that_of_pytorch():
    """Values and all gradients to 1e-10."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    rng = np.random.default_rng(0)
    ours, theirs = nn.LayerNorm((2, 3)), torch.nn.LayerNorm((2, 3), dtype=torch.float64)
    ours.weight.data, ours.bias.data = rng.standard_normal((2, 2, 3))
    theirs.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()})
    values, upstream = rng.standard_normal((2, 4, 2, 3))
    x, tx = Tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    (ours(x) * upstream).sum().backward()
    (theirs(tx) * torch.tensor(upstream)).sum().backward()
    for mine, reference in [(x, tx), (ours.weight, theirs.weight), (ours.bias, theirs.bias)]:
        assert np.allclose(mine.grad, reference.grad.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: nn.Embedding(4, 2, padding_idx=4), ValueError, "4 came"),
        (lambda: nn.Sequential(np.tanh), TypeError, "ufunc came"),
        (lambda: nn.LayerNorm(0), ValueError, "0 came"),
        (lambda: nn.LayerNorm(3)(Tensor(np.ones((3, 4)))), ValueError, "(..., 3,); (3, 4) came"),
        (lambda: nn.Linear(3, 2)(np.ones((4, 5))), ValueError, "(..., 3); (4, 5) came"),
        (lambda: nn.Embedding(5, 2)([[0, 1], [5, 1]]), IndexError, "ids[1, 0] is 5"),
        (lambda: nn.Embedding(5, 2)(-1), IndexError, "ids is -1"),
        (lambda: nn.Embedding(5, 2)([0.5]), TypeError, "float64"),
        (lambda: nn.Module()(1), TypeError, "does not define forward()"),
        (lambda: nn.Parameter([1, 2]), TypeError, "Write 3.0 instead of 3"),
    ],
)
def test_mistakes_are_named(call, error, text):
    """Expected, came, what to do."""
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)
