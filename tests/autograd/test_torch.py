"""PyTorch computes the same values, gradients and second derivatives, for every op of the table."""

import math
import operator

import numpy as np
import pytest
from cases import CASES
from numpy.testing import assert_allclose

from autograd import (
    OPS, Tensor, elu, erf, gelu, grad, leaky_relu, log_softmax, logsumexp, relu, sigmoid, silu, softmax, softplus,
)  # fmt: skip

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
pytestmark = pytest.mark.torch
rng = np.random.default_rng(3)


def reduction(f):
    """Call f as NumPy's reductions are called."""

    def call(x, axis=None, keepdims=False):
        return f(x, dim=tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)

    return call


def tensors(f):
    return lambda *args: f(*(torch.as_tensor(a, dtype=torch.float64) for a in args))


def lined_up(f):
    """Call f(x, dim), for one dim, as NumPy's reductions are called, for several."""

    def call(x, axis=None, keepdims=False):
        axes = range(x.ndim) if axis is None else [i % x.ndim for i in (axis if isinstance(axis, tuple) else [axis])]
        rest = [i for i in range(x.ndim) if i not in axes]
        lengths = [x.shape[i] for i in rest] + [math.prod(x.shape[i] for i in axes)]
        out = f(x.permute((*rest, *axes)).reshape(lengths), -1)
        return out.reshape([1 if i in axes else n for i, n in enumerate(x.shape)]) if keepdims else out

    return call


def flat_without_axis(f):
    return lambda x, axis=None: f(x.reshape(-1), 0) if axis is None else f(x, axis)


def median(x, dim):
    ordered, n = torch.sort(x, dim)[0], x.shape[dim]
    return (ordered.select(dim, (n - 1) // 2) + ordered.select(dim, n // 2)) / 2


def spread(f):
    def call(x, axis=None, keepdims=False, ddof=0, correction=None):
        return f(x, dim=axis, keepdim=keepdims, correction=ddof if correction is None else correction)

    return call


def recurrence(x, a, reverse=False):
    h = [x[-1] if reverse else x[0]]
    for t in range(len(x) - 2, -1, -1) if reverse else range(1, len(x)):
        h.append(x[t] + a[t + reverse] * h[-1])
    return torch.stack(h[::-1] if reverse else h)


def expand_dims(x, axis):
    return x.reshape(np.expand_dims(np.empty(x.shape), axis).shape)


def concatenate(xs, axis=0):
    return torch.cat([x.reshape(-1) for x in xs] if axis is None else xs, dim=axis or 0)


def scatter(x, index, shape):
    places = torch.arange(int(np.prod(shape))).reshape(shape)[index]
    flat = torch.zeros(int(np.prod(shape)), dtype=x.dtype)
    return flat.index_add(0, places.reshape(-1), x.expand(places.shape).reshape(-1)).reshape(shape)


def put_last(x, value, index):
    """Write the value over x[index], each entry once: PyTorch gives the gradient of one met twice to both values."""
    places = torch.arange(x.numel()).reshape(x.shape)[index]
    source = {place: number for number, place in enumerate(places.reshape(-1).tolist())}
    entries = torch.as_tensor(value).to(x).expand(torch.broadcast_shapes(places.shape, np.shape(value)))
    places, numbers = torch.tensor(list(source), dtype=int), torch.tensor(list(source.values()), dtype=int)
    return x.reshape(-1).index_put((places,), entries.reshape(-1)[numbers]).reshape(x.shape)


def roll(x, shift, axis=None):
    shift, axis = (shift, axis) if axis is None else np.broadcast_arrays(shift, axis)
    return torch.roll(
        x, shift if axis is None else np.ravel(shift).tolist(), axis if axis is None else np.ravel(axis).tolist()
    )


def pad(x, pad_width, mode="constant", constant_values=0):
    out = torch.as_tensor(np.pad(x.detach().numpy(), pad_width, mode, constant_values=constant_values))
    before = np.broadcast_to(pad_width, (x.ndim, 2))[:, 0].tolist()
    out[tuple(slice(start, start + n) for start, n in zip(before, x.shape))] = x
    return out


def from_triangle(x, UPLO="L"):
    """Make a symmetric matrix of the triangle that NumPy reads."""
    return torch.tril(x) + torch.tril(x, -1).mT if UPLO == "L" else torch.triu(x) + torch.triu(x, 1).mT


def like_numpy(V, expected):
    """Give vectors, as columns, the signs that NumPy has given them."""
    return V * torch.sign((V.detach() * torch.as_tensor(expected)).sum(-2, keepdim=True))


def eigh(x, UPLO="L"):
    w, V = torch.linalg.eigh(from_triangle(x, UPLO))
    return torch.cat([w[..., None, :], like_numpy(V, np.linalg.eigh(x.detach().numpy(), UPLO)[1])], -2)


def svd(x):
    U, s, Vt = torch.linalg.svd(x, full_matrices=False)
    expected = np.linalg.svd(x.detach().numpy(), full_matrices=False)
    return torch.cat([like_numpy(U, expected[0]), s[..., None, :], like_numpy(Vt.mT, expected[2].swapaxes(-1, -2))], -2)


TORCH = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "remainder": torch.remainder,
    "negative": torch.neg,
    "positive": torch.positive,
    "power": operator.pow,
    **{
        name: getattr(torch, name)
        for name in (
            "fmod float_power square reciprocal exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan arcsin arccos "
            "arctan sinh cosh tanh arcsinh arccosh arctanh rad2deg deg2rad arctan2 sinc erf nan_to_num sigmoid"
        ).split()
    },
    **{name: tensors(getattr(torch, name)) for name in "hypot logaddexp logaddexp2 copysign fmax fmin".split()},
    **{name: getattr(torch.nn.functional, name) for name in "softplus silu elu gelu".split()},
    "leaky_relu": lambda x, slope=0.01: torch.nn.functional.leaky_relu(x, slope),
    "cbrt": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
    "fabs": torch.abs,
    "degrees": torch.rad2deg,
    "radians": torch.deg2rad,
    "normal_cdf": torch.special.ndtr,
    "heaviside": lambda x, y: torch.where(x == 0, y, (x > 0).to(y)),
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
    "prod": lined_up(torch.prod),
    "var": spread(torch.var),
    "std": spread(torch.std),
    "median": lined_up(median),
    "cumsum": flat_without_axis(torch.cumsum),
    "cumprod": flat_without_axis(torch.cumprod),
    "linear_recurrence": recurrence,
    "product_of_others": lambda x, axis=None: lined_up(torch.prod)(x, axis, keepdims=True) / x,
    "trace": lambda x, offset=0, axis1=0, axis2=1: torch.diagonal(x, offset, axis1, axis2).sum(-1),
    "vector_norm": lambda x, axis=None, keepdims=False, ord=2: torch.linalg.vector_norm(x, ord, axis, keepdims),
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
    "put": put_last,
    "tensordot": lambda x, y, axes=2: torch.tensordot(
        x, y, axes if isinstance(axes, int) else np.reshape(axes, (2, -1)).tolist()
    ),
    "einsum": lambda x, y, subscripts, optimize=False: torch.einsum(subscripts, x, y),
    "vecdot": torch.linalg.vecdot,
    "matvec": lambda x, y: (x @ y[..., None])[..., 0],
    "vecmat": lambda x, y: (x[..., None, :] @ y)[..., 0, :],
    "inv": torch.linalg.inv,
    "pinv": torch.linalg.pinv,
    "solve": lambda x, y: torch.linalg.solve(x, y) if y.ndim > 1 else torch.linalg.solve(x, y[:, None])[..., 0],
    "det": torch.linalg.det,
    "cofactors": lambda x: torch.linalg.det(x)[..., None, None] * torch.linalg.inv(x).mT,
    "slogdet": lambda x: torch.stack(torch.linalg.slogdet(x)),
    "cholesky": lambda x: torch.linalg.cholesky(from_triangle(x)),
    "eigvalsh": lambda x, UPLO="L": torch.linalg.eigvalsh(from_triangle(x, UPLO)),
    "eigh": eigh,
    "svdvals": torch.linalg.svdvals,
    "svd": svd,
    "qr": lambda x: (lambda Q, R: torch.cat([Q, R.mT], -2))(*torch.linalg.qr(x)),
    "moveaxis": torch.moveaxis,
    "flip": lambda x, axis=None: torch.flip(x, tuple(range(x.ndim)) if axis is None else np.atleast_1d(axis).tolist()),
    "rot90": lambda x, k=1, axes=(0, 1): torch.rot90(x, k, axes),
    "roll": roll,
    "tril": lambda x, k=0: torch.tril(x.expand(x.shape if x.ndim > 1 else x.shape * 2), k),
    "triu": lambda x, k=0: torch.triu(x.expand(x.shape if x.ndim > 1 else x.shape * 2), k),
    "pad": pad,
}


def test_every_op():
    """Each op of autograd's with a gradient is compared. Those of nn are tested there."""
    table = [op for op in OPS.values() if not str(getattr(op.function, "__module__", "")).startswith("nn.")]
    assert {op.name for op in table if op.differentiable} == set(TORCH)


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
    compare(y, z, ours, theirs)


def compare(y, z, ours, theirs):
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
    (np.fabs, torch.abs, [0.0]),
    (np.fmax, torch.fmax, [[np.nan, 1.0, np.nan], [2.0, np.nan, 3.0]]),
    (np.fmin, torch.fmin, [[np.nan, 1.0, np.nan], [2.0, np.nan, 3.0]]),
    (np.logaddexp, torch.logaddexp, [[1000.0, -1000.0, -np.inf], [1000.0, 1000.0, 0.0]]),
    (np.nan_to_num, torch.nan_to_num, [[np.nan, np.inf, -np.inf, 1.0]]),
    (np.sinc, torch.sinc, [0.0]),
    (np.prod, torch.prod, [[2.0, 0.0, 3.0]]),
    (np.prod, torch.prod, [[2.0, 0.0, 0.0]]),
    (np.cumprod, lambda x: torch.cumprod(x, 0), [[2.0, 0.0, 3.0, 0.0, 5.0]]),
    (np.std, lambda x: torch.std(x, correction=0), [[3.0, 3.0]]),
    (np.linalg.norm, torch.linalg.norm, [[0.0, 0.0]]),
    (lambda x: np.linalg.norm(x, np.inf), lambda x: torch.linalg.norm(x, np.inf), [[3.0, -3.0, 1.0]]),
    (lambda x: np.linalg.norm(x, 1), lambda x: torch.linalg.norm(x, 1), [[3.0, 0.0]]),
    (softplus, torch.nn.functional.softplus, [[1000.0, -1000.0, 0.0]]),
    (silu, torch.nn.functional.silu, [[1000.0, -1000.0, 0.0]]),
    (gelu, torch.nn.functional.gelu, [[1000.0, -1000.0, 0.0]]),
    (leaky_relu, torch.nn.functional.leaky_relu, [[0.0, -1.0]]),
    (elu, torch.nn.functional.elu, [[0.0, 1000.0, -1000.0]]),
    (erf, torch.erf, [[0.0, np.inf, -np.inf]]),
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


SPELLINGS = [
    # what, NumPy's, PyTorch's, shapes
    ("outer", np.outer, torch.outer, (2,), (3,)),
    ("kron", np.kron, torch.kron, (2, 3), (3, 2)),
    ("cross", np.cross, torch.linalg.cross, (2, 3), (2, 3)),
    ("matrix_power", lambda x: np.linalg.matrix_power(x, 5), lambda x: torch.linalg.matrix_power(x, 5), (3, 3)),
    *(
        (f"einsum {s}", lambda *xs, s=s: np.einsum(s, *xs), lambda *xs, s=s: torch.einsum(s, *xs), *shapes)
        for s, *shapes in [
            ("ii", (3, 3)), ("iji->j", (3, 2, 3)), ("...ij,...jk->...ik", (4, 1, 2, 3), (2, 3, 2)),
            ("ba,bc", (2, 3), (2, 2)),
            ("ii,ij->j", (2, 2), (2, 3)), ("bn,anm,bm->ba", (2, 3), (2, 3, 2), (2, 2)),
            ("ij,ij,ij->j", (1, 3), (2, 1), (2, 3)),
        ]
    ),
    ("diag", np.diag, torch.diag, (3,)),
    ("diagonal", lambda x: np.diagonal(x, 1, 0, 2), lambda x: torch.diagonal(x, 1, 0, 2), (3, 2, 4)),
    ("tile", lambda x: np.tile(x, (2, 1, 3)), lambda x: torch.tile(x, (2, 1, 3)), (2, 3)),
    ("repeat", lambda x: np.repeat(x, [2, 0, 1], 1), lambda x: torch.repeat_interleave(x, torch.tensor([2, 0, 1]), 1),
        (2, 3)),
    ("hstack", lambda x, y: np.hstack([x, y]), lambda x, y: torch.hstack([x, y]), (2, 3), (2, 1)),
    ("dstack", lambda x, y: np.dstack([x, y]), lambda x, y: torch.dstack([x, y]), (2, 3), (2, 3)),
    ("sort", lambda x: np.sort(x, 0), lambda x: torch.sort(x, 0)[0], (4, 3)),
    ("meshgrid", lambda x, y: np.stack(np.meshgrid(x, y)),
        lambda x, y: torch.stack(torch.meshgrid(x, y, indexing="xy")), (2,), (3,)),
    *(
        (f"pad {mode}", lambda x, m=mode: np.pad(x, ((0, 0), (1, 2)), m),
            lambda x, t=theirs: torch.nn.functional.pad(x, (1, 2), t), (2, 4))
        for mode, theirs in {"edge": "replicate", "reflect": "reflect", "wrap": "circular"}.items()
    ),
    ("det of a singular matrix", lambda x: np.linalg.det(x[:, None] * x), lambda x: torch.linalg.det(x[:, None] * x),
        (2,)),
    ("polar factor", lambda x: (lambda U, s, Vt: U @ Vt)(*np.linalg.svd(x, full_matrices=False)),
        lambda x: (lambda U, s, Vt: U @ Vt)(*torch.linalg.svd(x, full_matrices=False)), (2, 3, 2)),
    ("Q of a wide matrix", lambda x: np.linalg.qr(x)[0], lambda x: torch.linalg.qr(x[:, :2])[0], (2, 3)),
    ("upper cholesky", lambda x: np.linalg.cholesky(x @ x.mT + np.eye(3), upper=True),
        lambda x: torch.linalg.cholesky(x @ x.mT + torch.eye(3), upper=True), (3, 3)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("f", "g", "shapes"), [(f, g, shapes) for _, f, g, *shapes in SPELLINGS], ids=[row[0] for row in SPELLINGS]
)
def test_spelling(f, g, shapes):
    """Functions written in terms of ops: value, gradient and second derivative."""
    ours = [Tensor(rng.normal(size=shape), requires_grad=True) for shape in shapes]
    theirs = [torch.tensor(x.data, requires_grad=True) for x in ours]
    compare(f(*ours), g(*theirs), ours, theirs)
