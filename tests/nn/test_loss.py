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


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda x: nn.cross_entropy(x, np.array([0, 1])), ValueError, "(3, 4) and (2,) came"),
        (lambda x: nn.cross_entropy(x, np.array([0, 1, 4])), IndexError, "a target is 4"),
        (lambda x: nn.cross_entropy(x, np.array([0, 1, -1])), IndexError, "a target is -1"),
        (lambda x: nn.cross_entropy(x, np.array([0.0, 1, 2])), TypeError, "float64"),
        (lambda x: nn.cross_entropy(x, np.array([0, 1, 2]), reduction="avg"), ValueError, "'avg' came"),
        (lambda x: nn.mse_loss(x, np.zeros(4)), ValueError, "(3, 4) and (4,) came"),
    ],
)
def test_mistakes_are_named(call, error, text):
    """Expected, came, what to do."""
    with pytest.raises(error) as caught:
        call(Tensor(np.zeros((3, 4))))
    assert text in str(caught.value)
