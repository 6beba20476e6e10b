"""Optimizers, clipping, initialization."""

import numpy as np
import pytest

import nn
from autograd import Tensor
from nn.optim import (
    SGD, Adagrad, Adam, AdamW, RMSprop, Schedule, cosine_decay, exponential_decay, step_decay, warmup,
)  # fmt: skip

OPTIMIZERS = [
    (SGD, {"lr": 0.01}),
    (SGD, {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.01}),
    (SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    (RMSprop, {"lr": 0.01}),
    (RMSprop, {"lr": 0.01, "alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1, "eps": 1e-3}),
    (Adagrad, {"lr": 0.1}),
    (Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1}),
    (AdamW, {"lr": 0.05}),
    (AdamW, {"lr": 0.05, "betas": (0.5, 0.9), "weight_decay": 0.5}),
    (Adam, {"lr": 0.05}),
    (Adam, {"lr": 0.05, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
]


def run(optimizer, parameters, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        sum(((p**2 - 1) ** 2).sum() for p in parameters).backward()
        optimizer.step()


def parameters():
    return [nn.Parameter([0.5, -2.0]), nn.Parameter(3.0)]


def test_sgd_and_adam_by_hand():
    """First steps computed by hand: SGD moves by lr g, then by lr (μ g + g); Adam's first step is lr, whatever g."""
    p = nn.Parameter(3.0)
    sgd = SGD([p], lr=0.1, momentum=0.5)
    for expected in (3.0 - 0.1 * 2, 3.0 - 0.1 * 2 - 0.1 * (0.5 * 2 + 2)):
        p.grad = 2.0
        sgd.step()
        assert np.isclose(p.data, expected)
    p = nn.Parameter([1.0, -1.0])
    p.grad = [1e3, -1e-3]
    Adam([p], lr=0.01).step()
    assert np.allclose(p.data, [0.99, -0.99], atol=1e-6)


def test_adamw_by_hand():
    """The decay shrinks the parameter by lr · weight_decay and stays out of the moments; Adam's goes through them."""
    p, q = nn.Parameter([2.0, -4.0]), nn.Parameter([2.0, -4.0])
    for parameter, kind in ((p, AdamW), (q, Adam)):
        parameter.grad = [1e3, -1e-3]
        kind([parameter], lr=0.1, weight_decay=0.5).step()
    assert np.allclose(p.data, [2 * (1 - 0.1 * 0.5) - 0.1, -4 * (1 - 0.1 * 0.5) + 0.1], atol=1e-5)
    assert np.allclose(q.data, [1.9, -3.9], atol=1e-5)
    decayed = nn.Parameter([2.0])
    decayed.grad = [0.0]
    AdamW([decayed], lr=0.1, weight_decay=0.5).step()
    assert np.allclose(decayed.data, 1.9, atol=1e-15)


@pytest.mark.parametrize("kind, options", OPTIMIZERS)
def test_a_saved_optimizer_goes_on_exactly(kind, options):
    """Ten steps, or four, saved, loaded into new objects, and six: the same bits."""
    straight, first = parameters(), parameters()
    run(kind(straight, **options), straight, 10)
    optimizer = kind(first, **options)
    run(optimizer, first, 4)
    second = [nn.Parameter(p.data) for p in first]
    resumed = kind(second, **options)
    resumed.load_state_dict(optimizer.state_dict())
    run(resumed, second, 6)
    assert all(np.array_equal(p.data, q.data) for p, q in zip(straight, second))


@pytest.mark.torch
@pytest.mark.parametrize("kind, options", OPTIMIZERS)
def test_trajectories_are_those_of_pytorch(kind, options):
    """Fifty steps on a quartic, float64."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    ours = parameters()
    theirs = [torch.tensor(p.data, requires_grad=True) for p in ours]
    run(kind(ours, **options), ours, 50)
    run(getattr(torch.optim, kind.__name__)(theirs, **options), theirs, 50)
    for p, q in zip(ours, theirs):
        assert np.allclose(p.data, q.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.torch
@pytest.mark.parametrize("kind, options", OPTIMIZERS)
def test_a_parameter_without_a_gradient_stands_still_as_in_pytorch(kind, options):
    """The first of two has a gradient in every third step only: neither it nor its step count moves in the others."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    ours = parameters()
    theirs = [torch.tensor(p.data, requires_grad=True) for p in ours]
    for both, optimizer in (
        (ours, kind(ours, **options)),
        (theirs, getattr(torch.optim, kind.__name__)(theirs, **options)),
    ):
        for step in range(50):
            optimizer.zero_grad()
            sum(((p**2 - 1) ** 2).sum() for p in (both if step % 3 == 1 else both[1:])).backward()
            optimizer.step()
    for p, q in zip(ours, theirs):
        assert np.allclose(p.data, q.detach().numpy(), rtol=1e-10, atol=1e-10)


SCHEDULES = [
    (step_decay(3, 0.5), "StepLR", {"step_size": 3, "gamma": 0.5}),
    (exponential_decay(0.9), "ExponentialLR", {"gamma": 0.9}),
    (cosine_decay(10), "CosineAnnealingLR", {"T_max": 10}),
]


@pytest.mark.parametrize("factor", [factor for factor, *_ in SCHEDULES] + [warmup(4, cosine_decay(8, floor=0.1))])
def test_a_schedule_sets_the_learning_rate_and_goes_on_where_it_was(factor):
    """The rate is the first one times the factor; a saved schedule continues with the same rates."""
    optimizer = SGD(parameters(), lr=0.2)
    schedule, rates = Schedule(optimizer, factor), []
    for step in range(10):
        rates.append(optimizer.lr)
        if step == 4:
            saved = schedule.state_dict()
        schedule.step()
    assert np.allclose(rates, [0.2 * factor(step) for step in range(10)])
    other = SGD(parameters(), lr=1.0)
    resumed = Schedule(other, factor)
    resumed.load_state_dict(saved)
    again = []
    for _ in range(4, 10):
        again.append(other.lr)
        resumed.step()
    assert again == rates[4:]


def test_warmup_rises_then_follows():
    """From 0 in equal steps to 1, then along the other schedule."""
    assert [warmup(4, exponential_decay(0.5))(step) for step in range(7)] == [0, 0.25, 0.5, 0.75, 1, 0.5, 0.25]


@pytest.mark.torch
@pytest.mark.parametrize("factor, name, options", SCHEDULES)
def test_schedules_are_those_of_pytorch(factor, name, options):
    """Ten steps of each."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    schedule = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    ours = SGD(parameters(), lr=0.2)
    mine = Schedule(ours, factor)
    for _ in range(10):
        assert np.isclose(ours.lr, theirs.param_groups[0]["lr"], rtol=1e-12, atol=1e-15)
        mine.step()
        theirs.step()
        schedule.step()


def test_clipping_by_value():
    """Entries beyond the value are cut to it, the others stay."""
    a, unused = nn.Parameter([0.0, 0.0, 0.0]), nn.Parameter(1.0)
    a.grad = [3.0, -4.0, 0.5]
    nn.clip_grad_value_([a, unused], 1.0)
    assert a.grad.tolist() == [1, -1, 0.5] and unused.grad is None


def test_clipping_scales_all_gradients_together():
    """The joint norm comes back and is brought down to the maximum; smaller ones stay as they are."""
    a, b, unused = nn.Parameter([0.0, 0.0]), nn.Parameter(0.0), nn.Parameter(1.0)
    a.grad, b.grad = [3.0, 0.0], 4.0
    assert nn.clip_grad_norm_([a, b, unused], 10.0) == 5.0
    assert a.grad.tolist() == [3.0, 0.0]
    assert nn.clip_grad_norm_([a, b, unused], 1.0) == 5.0
    assert np.allclose(a.grad, [0.6, 0]) and np.isclose(b.grad, 0.8)
    huge = nn.Parameter(np.zeros(2, dtype="float32"))
    huge.grad = np.array([3e30, 4e30], dtype="float32")
    assert np.isclose(nn.clip_grad_norm_([huge], 1.0), 5e30) and np.allclose(huge.grad, [0.6, 0.8])


@pytest.mark.torch
def test_clipping_is_that_of_pytorch():
    """Norm and gradients to 1e-10, below, at and above the maximum."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    for maximum in (1.0, 5.0, 10.0):
        ours, theirs = parameters(), [torch.zeros(2, dtype=torch.float64), torch.zeros((), dtype=torch.float64)]
        for p, q, gradient in zip(ours, theirs, ([3.0, 0.0], 4.0)):
            p.grad, q.grad = gradient, torch.tensor(gradient, dtype=torch.float64)
        norm = nn.clip_grad_norm_(ours, maximum)
        assert np.isclose(norm, torch.nn.utils.clip_grad_norm_(theirs, maximum).item(), rtol=1e-10)
        for p, q in zip(ours, theirs):
            assert np.allclose(p.grad, q.grad.numpy(), rtol=1e-10, atol=1e-10)


def test_initializations():
    """Bounds, standard deviations and orthogonality are those of the cited papers."""
    rng = np.random.default_rng(0)
    weight = nn.Parameter(np.zeros((40, 60)))
    assert np.allclose(nn.init.orthogonal_(weight, rng=rng).data @ weight.data.T, np.eye(40))
    bound = np.sqrt(6 / 100)
    assert 0.99 * bound < np.abs(nn.init.xavier_uniform_(weight, rng=rng).data).max() <= bound
    assert np.isclose(nn.init.xavier_normal_(weight, rng=rng).data.std(), np.sqrt(2 / 100), rtol=0.05)
    assert 0.99 * np.sqrt(0.1) < np.abs(nn.init.kaiming_uniform_(weight, rng=rng).data).max() <= np.sqrt(0.1)
    assert not nn.init.zeros_(weight).data.any()


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: SGD([], lr=0.1), ValueError, "needs parameters"),
        (lambda: SGD([np.ones(2)], lr=0.1), TypeError, "model.parameters()"),
        (lambda: SGD([nn.Parameter(1.0) * 2], lr=0.1), TypeError, "leaf Tensors"),
        (lambda: SGD(parameters(), lr=-1), ValueError, "-1"),
        (lambda: SGD(parameters(), nesterov=True), ValueError, "Nesterov"),
        (lambda: Adam(parameters(), betas=(0.9, 1.0)), ValueError, "(0.9, 1.0) came"),
        (lambda: Adam(parameters()).load_state_dict(SGD(parameters()).state_dict()), KeyError, "'m.0'"),
        (lambda: nn.clip_grad_norm_(parameters(), 0), ValueError, "0 came"),
        (lambda: nn.clip_grad_value_(parameters(), -1), ValueError, "-1 came"),
        (lambda: RMSprop(parameters(), alpha=1), ValueError, "1 and 0.0 came"),
        (lambda: Adagrad(parameters(), lr_decay=-1), ValueError, "-1 came"),
        (lambda: nn.init.orthogonal_(Tensor([1.0]), rng=np.random.default_rng()), ValueError, "two or more axes"),
    ],
)
def test_mistakes_are_named(call, error, text):
    """Expected, came, what to do."""
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)
