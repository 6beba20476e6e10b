"""Losses."""

import numpy as np
import pytest

import nn
from autograd import Tensor


def test_cross_entropy_by_hand():
    """-log softmax at the target, averaged; the gradient is (softmax - one-hot) / n."""
    logits = Tensor(np.log([[0.2, 0.8], [0.5, 0.5]]), requires_grad=True)
    loss = nn.cross_entropy(logits, np.array([1, 0]))
    loss.backward()
    assert np.isclose(loss.item(), -(np.log(0.8) + np.log(0.5)) / 2)
    assert np.allclose(logits.grad, np.array([[0.2, -0.2], [-0.5, 0.5]]) / 2)


def test_cross_entropy_reductions_and_leading_axes():
    """(T, B, C) with targets (T, B); "none" keeps the losses apart, "sum" adds them."""
    rng = np.random.default_rng(0)
    logits, targets = rng.standard_normal((3, 2, 5)), rng.integers(0, 5, (3, 2))
    apart = nn.cross_entropy(Tensor(logits), targets, reduction="none").data
    assert apart.shape == (3, 2)
    assert np.isclose(nn.cross_entropy(Tensor(logits), targets).item(), apart.mean())
    assert np.isclose(nn.cross_entropy(Tensor(logits), targets, reduction="sum").item(), apart.sum())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropy_is_stable(dtype):
    """Logits of ±10,000 give the exact loss and finite gradients, without a warning."""
    logits = Tensor(np.array([[1e4, -1e4], [1e4, -1e4]], dtype=dtype), requires_grad=True)
    loss = nn.cross_entropy(logits, np.array([0, 1]))
    loss.backward()
    assert loss.item() == 1e4 and np.isfinite(logits.grad).all()


def test_mse():
    """The mean of squared differences."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    loss = nn.mse_loss(x, np.array([0.0, 4.0]))
    loss.backward()
    assert loss.item() == 2.5 and x.grad.tolist() == [1.0, -2.0]


def test_huber_and_hinge_by_hand():
    """Quadratic near zero, linear beyond delta; zero beyond the margin."""
    x = Tensor([0.5, -3.0], requires_grad=True)
    loss = nn.huber_loss(x, np.zeros(2), reduction="sum", delta=2.0)
    loss.backward()
    assert loss.item() == 0.125 + 2 * (3 - 1) and x.grad.tolist() == [0.5, -2.0]
    s = Tensor([0.25, 2.0, -1.0], requires_grad=True)
    loss = nn.hinge_loss(s, np.array([1, 1, 1]), reduction="sum")
    loss.backward()
    assert loss.item() == 0.75 + 0 + 2 and s.grad.tolist() == [-1, 0, -1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_binary_cross_entropy_is_stable(dtype):
    """Logits of ±10,000 give 0 or 10,000 and finite gradients."""
    logits = Tensor(np.array([1e4, -1e4, 1e4, -1e4], dtype=dtype), requires_grad=True)
    losses = nn.binary_cross_entropy_with_logits(logits, np.array([1, 0, 0, 1]), reduction="none")
    losses.sum().backward()
    assert losses.data.tolist() == [0, 0, 1e4, 1e4] and logits.grad.tolist() == [0, 0, 1, -1]


LIKE_PYTORCH = [
    ("cross_entropy", {}),
    ("cross_entropy", {"weight": "classes"}),
    ("cross_entropy", {"ignore_index": 2}),
    ("cross_entropy", {"label_smoothing": 0.1}),
    ("cross_entropy", {"label_smoothing": 0.3, "weight": "classes", "ignore_index": 1}),
    ("nll_loss", {"weight": "classes", "ignore_index": 0}),
    ("binary_cross_entropy_with_logits", {}),
    ("binary_cross_entropy_with_logits", {"weight": "classes", "pos_weight": "classes"}),
    ("mse_loss", {}),
    ("huber_loss", {"delta": 0.7}),
]


@pytest.mark.torch
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name, options", LIKE_PYTORCH)
def test_losses_are_those_of_pytorch(name, options, reduction):
    """Values and gradients to 1e-10, with weights, ignored targets and smoothed labels."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((6, 4))
    classes = name in ("cross_entropy", "nll_loss")
    targets = rng.integers(0, 4, 6) if classes else rng.uniform(0, 1, (6, 4))
    weight = rng.uniform(0.5, 2, 4)
    ours = {key: weight if value == "classes" else value for key, value in options.items()}
    theirs = {key: torch.tensor(value) if value is weight else value for key, value in ours.items()}
    x, tx = Tensor(scores, requires_grad=True), torch.tensor(scores, requires_grad=True)
    loss = getattr(nn, name)(x, targets, reduction=reduction, **ours)
    tloss = getattr(torch.nn.functional, name)(tx, torch.tensor(targets), reduction=reduction, **theirs)
    (loss * loss).sum().backward()
    (tloss * tloss).sum().backward()
    assert np.allclose(loss.data, tloss.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert np.allclose(x.grad, tx.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_a_target_may_be_a_tensor():
    """Of a loss with entries to hold against each other; and all targets ignored add up to 0."""
    x, y = Tensor([0.5, -2.0], requires_grad=True), Tensor([1.0, -1.0])
    for loss in (nn.mse_loss, nn.huber_loss, nn.hinge_loss, nn.binary_cross_entropy_with_logits):
        assert loss(x, y).item() == loss(x, y.data).item()
    logits = Tensor(np.zeros((2, 3)), requires_grad=True)
    loss = nn.cross_entropy(logits, [7, 7], ignore_index=7, reduction="sum")
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda x: nn.cross_entropy(x, np.array([0, 1])), ValueError, "(3, 4) and (2,) came"),
        (lambda x: nn.cross_entropy(x, np.array([0, 1, 4])), IndexError, "a target is 4"),
        (lambda x: nn.cross_entropy(x, np.array([0, 1, -1])), IndexError, "a target is -1"),
        (lambda x: nn.cross_entropy(x, np.array([0.0, 1, 2])), TypeError, "float64"),
        (lambda x: nn.cross_entropy(x, np.array([0, 1, 2]), reduction="avg"), ValueError, "'avg' came"),
        (lambda x: nn.mse_loss(x, np.zeros(4)), ValueError, "(3, 4) and (4,) came"),
        (lambda x: nn.nll_loss(x, np.array([0, 1, 2]), weight=[1, 2]), ValueError, "(2,) came"),
        (lambda x: nn.cross_entropy(x, np.array([0, 1, 2]), label_smoothing=2), ValueError, "2 came"),
        (lambda x: nn.cross_entropy(x[0, 0], np.array(0)), ValueError, "() came"),
        (lambda x: nn.cross_entropy(x, [-100] * 3), ValueError, "no target counts, of 3"),
        (lambda x: nn.nll_loss(x, [0, 0, 2], [0, 1, 1, 1], ignore_index=2), ValueError, "have the weight 0"),
        (lambda x: nn.huber_loss(x, np.zeros((3, 4)), delta=0), ValueError, "0 came"),
        (lambda x: nn.hinge_loss(x, np.zeros((3, 4))), ValueError, "-1 and 1"),
        (lambda x: nn.binary_cross_entropy_with_logits(x, np.zeros(3)), ValueError, "(3, 4) and (3,) came"),
    ],
)
def test_mistakes_are_named(call, error, text):
    """Expected, came, what to do."""
    with pytest.raises(error) as caught:
        call(Tensor(np.zeros((3, 4))))
    assert text in str(caught.value)
