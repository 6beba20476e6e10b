"""PyTorch computes the same values, gradients and second derivatives, for every op of the table."""

import operator

import numpy as np
import pytest
from cases import CASES
from numpy.testing import assert_allclose

from autograd import OPS, Tensor, grad, log_softmax, logsumexp, relu, sigmoid, softmax

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
pytestmark = pytest.mark.torch
rng = np.random.default_rng(3)


def reduction(f):
    """Call f as NumPy's reductions are called."""

    def call(x, axis=None, keepdims=False):
        return f(x, dim=tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)

    return call


def tensors(f):
    return lambda *args: f(*map(torch.as_tensor, args))


def expand_dims(x, axis):
    return x.reshape(np.expand_dims(np.empty(x.shape), axis).shape)


def concatenate(xs, axis=0):
    return torch.cat([x.reshape(-1) for x in xs] if axis is None else xs, dim=axis or 0)


def scatter(x, index, shape):
    places = torch.arange(int(np.prod(shape))).reshape(shape)[index]
    flat = torch.zeros(int(np.prod(shape)), dtype=x.dtype)
    return flat.index_add(0, places.reshape(-1), x.expand(places.shape).reshape(-1)).reshape(shape)


TORCH = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "remainder": torch.remainder,
    "negative": torch.neg,
    "positive": torch.positive,
    "power": operator.pow,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "absolute": torch.abs,
    "maximum": tensors(torch.maximum),
    "minimum": tensors(torch.minimum),
    "where": torch.where,
    "clip": torch.clamp,
    "sum": reduction(torch.sum),
    "mean": reduction(torch.mean),
    "max": reduction(torch.amax),
    "amax": reduction(torch.amax),
    "min": reduction(torch.amin),
    "amin": reduction(torch.amin),
    "logsumexp": reduction(torch.logsumexp),
    "softmax": lambda x, axis=-1: torch.softmax(x, axis),
    "log_softmax": lambda x, axis=-1: torch.log_softmax(x, axis),
    "matmul": torch.matmul,
    "inner": torch.inner,
    "reshape": lambda x, shape: x.reshape(shape),
    "expand_dims": expand_dims,
    "squeeze": lambda x, axis=None: torch.squeeze(x) if axis is None else torch.squeeze(x, axis),
    "swapaxes": torch.swapaxes,
    "transpose": lambda x, axes=None: torch.permute(x, axes or tuple(range(x.ndim))[::-1]),
    "broadcast_to": torch.broadcast_to,
    "astype": lambda x, dtype: x.to(torch.float64),
    "copy": torch.clone,
    "concatenate": concatenate,
    "stack": lambda xs, axis=0: torch.stack([torch.as_tensor(x, dtype=torch.float64) for x in xs], axis),
    "getitem": operator.getitem,
    "scatter_add": scatter,
}


def test_every_op():
    """Each op with a gradient is compared."""
    assert {op.name for op in OPS.values() if op.differentiable} == set(TORCH)


def as_torch(argument):
    if isinstance(argument, np.ndarray):
        return torch.tensor(argument, requires_grad=argument.dtype.kind == "f")
    if isinstance(argument, (tuple, list)):
        return type(argument)(map(as_torch, argument))
    return argument


def torch_can(case):
    """Whether PyTorch means the same: dim=() is all axes to it, and it has no negative steps."""
    return case.options.get("axis") != () and not any(isinstance(a, slice) and a.step for a in case.args)


COMPARED = [case for case in CASES if case.op.differentiable and torch_can(case)]


@pytest.mark.parametrize("case", COMPARED, ids=str)
def test_op(case):
    """Value, gradient of a weighted sum, and gradient of a weighted sum of that gradient."""
    ours = [Tensor(a, requires_grad=True) for a in case.inputs]
    args = [as_torch(a) for a in case.args]
    theirs = [a for b in args for a in (b if isinstance(b, list) else [b])]
    theirs = [a for a in theirs if isinstance(a, torch.Tensor) and a.requires_grad]
    y, z = case(*ours), TORCH[case.op.name](*args, **case.options)
    assert_allclose(y.data, z.detach().numpy(), rtol=1e-10, atol=1e-12)
    for order in (1, 2):
        w = rng.normal(size=y.shape)
        gradients = grad(y, ours, w, create_graph=True)
        z = z + 0 * sum(x.sum() for x in theirs)  # PyTorch refuses to differentiate a constant
        expected = torch.autograd.grad(z, theirs, torch.tensor(w), create_graph=True)
        for g, h in zip(gradients, expected, strict=True):
            assert g.shape == h.shape
            assert_allclose(g.data, h.detach().numpy(), rtol=1e-10, atol=1e-12, err_msg=f"order {order}")
        y = np.concatenate([g.reshape(-1) for g in gradients])
        z = torch.cat([h.reshape(-1) for h in expected])


CORNERS = [
    (np.abs, torch.abs, [0.0]),
    (relu, torch.relu, [0.0]),
    (np.maximum, torch.maximum, [1.0, 1.0]),
    (np.minimum, torch.minimum, [1.0, 1.0]),
    (np.max, torch.amax, [[1.0, 3.0, 3.0]]),
    (np.min, torch.amin, [[1.0, 1.0, 3.0]]),
    (lambda x: np.clip(x, -1, 1), lambda x: torch.clamp(x, -1, 1), [[-2.0, -1.0, 1.0, 2.0]]),
    (lambda x: x**0, lambda x: x**0, [[0.0, 2.0]]),
    (lambda x: x**2, lambda x: x**2, [[0.0, -2.0]]),
    (np.power, torch.pow, [[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]]),
    (sigmoid, torch.sigmoid, [[1000.0, -1000.0]]),
    (np.tanh, torch.tanh, [[1000.0, -1000.0]]),
    (softmax, lambda x: torch.softmax(x, -1), [[1000.0, 0.0, -1000.0]]),
    (log_softmax, lambda x: torch.log_softmax(x, -1), [[1000.0, 0.0, -1000.0]]),
    (logsumexp, lambda x: torch.logsumexp(x, -1), [[1000.0, -np.inf, -1000.0]]),
]


@pytest.mark.parametrize(("f", "g", "arrays"), CORNERS)
def test_corner(f, g, arrays):
    """At corners PyTorch has made the same choice."""
    ours = [Tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]
    y, z = f(*ours), g(*theirs)
    assert_allclose(y.data, z.detach().numpy(), rtol=1e-12)
    y.sum().backward()
    z.sum().backward()
    for x, u in zip(ours, theirs):
        assert_allclose(x.grad, u.grad.numpy(), rtol=1e-12)
