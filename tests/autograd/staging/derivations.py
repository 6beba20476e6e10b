"""Functions with their gradients derived by hand, in plain NumPy: what staged code is held against.

`python docs/staged.py` prints them next to the code that stage() makes of the same functions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import nn
from autograd import sigmoid
from nn.textbook import ColumnLSTMCell, SimpleLSTMCell

rng = np.random.default_rng(0)
B, D, H = 2, 3, 4  # examples in a batch, features, hidden units


@dataclass(frozen=True)
class Example:
    """A function, arguments for it, and a function of all leaves that gives its value and their gradients.

    by_hand is called with the arguments, the tensors from outside, and the gradient of the result where that is not 1.
    """

    title: str
    f: Callable[..., Any]
    arguments: tuple[Any, ...]
    by_hand: Callable[..., Any]
    upstream: tuple[Any, ...] = ()


# ---- the circuits of CS231n, https://cs231n.github.io/optimization-2/ ----


def circuit(x, y, z):
    q = x + y
    f = q * z
    return f


def circuit_by_hand(x, y, z):
    q = x + y
    f = q * z
    dq = z
    dz = q
    dx = 1.0 * dq
    dy = 1.0 * dq
    return f, (dx, dy, dz)


def neuron(w0, x0, w1, x1, w2):
    dot = w0 * x0 + w1 * x1 + w2
    f = sigmoid(dot)
    return f


def neuron_by_hand(w0, x0, w1, x1, w2):
    dot = w0 * x0 + w1 * x1 + w2
    f = 1 / (1 + np.exp(-dot))
    ddot = (1 - f) * f
    return f, (x0 * ddot, w0 * ddot, x1 * ddot, w1 * ddot, 1.0 * ddot)


def quotient(x, y):
    sigy = sigmoid(y)
    num = x + sigy
    sigx = sigmoid(x)
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    f = num / den
    return f


def quotient_by_hand(x, y):
    sigy, sigx = 1 / (1 + np.exp(-y)), 1 / (1 + np.exp(-x))
    num, xpy = x + sigy, x + y
    den = sigx + xpy**2
    dnum = 1 / den
    dden = -num / den**2
    dxpy = 2 * xpy * dden
    dx = dnum + dxpy + (1 - sigx) * sigx * dden
    dy = dxpy + (1 - sigy) * sigy * dnum
    return num / den, (dx, dy)


def product(W, X):
    D = W @ X
    return D


def product_by_hand(W, X, dD):
    D = W @ X
    dW = dD @ X.T
    dX = W.T @ dD
    return D, (dW, dX)


# ---- two steps of a recurrent network ----

rnn = nn.RNN(D, H, rng=rng)


def two_steps(x):
    _, h_n = rnn(x)
    loss = (h_n**2).sum() / 2
    return loss


def two_steps_by_hand(x, W, U, b, c):
    h0 = np.zeros((x.shape[1], len(U)))
    h1 = np.tanh(x[0] @ W.T + h0 @ U.T + b + c)
    h2 = np.tanh(x[1] @ W.T + h1 @ U.T + b + c)
    loss = np.sum(h2**2) / 2
    dh2 = h2
    dz2 = dh2 * (1 - h2**2)
    dh1 = dz2 @ U
    dz1 = dh1 * (1 - h1**2)
    dW = dz2.T @ x[1] + dz1.T @ x[0]
    dU = dz2.T @ h1 + dz1.T @ h0
    db = dz2.sum(0) + dz1.sum(0)
    return loss, (np.stack([dz1 @ W, dz2 @ W]), dW, dU, db, db)


# ---- an LSTM cell in three forms ----

cell = nn.LSTMCell(D, H, rng=rng)


def lstm_step(x, h, c):
    return cell(x, (h, c))


def lstm_step_by_hand(x, h, c, W, U, b, bb, dh_next, dc_next):
    s = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    i, f, g, o = np.split(x @ W.T + h @ U.T + b + bb, 4, axis=1)
    i, f, g, o = s(i), s(f), np.tanh(g), s(o)
    c_next = f * c + i * g
    h_next = o * np.tanh(c_next)
    dc_next = dc_next + dh_next * o * (1 - np.tanh(c_next) ** 2)
    di, df, dg, do = dc_next * g, dc_next * c, dc_next * i, dh_next * np.tanh(c_next)
    dz = np.hstack([di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)])
    db = dz.sum(0)
    return (h_next, c_next), (dz @ W, dz @ U, dc_next * f, dz.T @ x, dz.T @ h, db, db)


column = ColumnLSTMCell(D, H, rng=rng)


def column_step(x, a, c):
    return column(x, (a, c))


def column_step_by_hand(x, a, c, W, b, da_next, dc_next):
    s = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    concat = np.vstack([a, x])
    ft, it, cct, ot = np.split(W @ concat + b, 4)
    ft, it, cct, ot = s(ft), s(it), np.tanh(cct), s(ot)
    c_next = it * cct + ft * c
    a_next = ot * np.tanh(c_next)
    dot = da_next * np.tanh(c_next) * ot * (1 - ot)
    dc = dc_next + ot * (1 - np.tanh(c_next) ** 2) * da_next
    dcct = dc * it * (1 - cct**2)
    dit = dc * cct * it * (1 - it)
    dft = dc * c * ft * (1 - ft)
    dz = np.vstack([dft, dit, dcct, dot])
    dconcat = W.T @ dz
    return (a_next, c_next), (dconcat[len(a) :], dconcat[: len(a)], dc * ft, dz @ concat.T, dz.sum(1, keepdims=True))


simple = SimpleLSTMCell(D, H, rng=rng)


def simple_step(x, h, s):
    return simple(x, (h, s))


def simple_step_by_hand(x, h, s, Wg, bg, Wi, bi, Wf, bf, Wo, bo, dh_next, ds_next):
    σ = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    xc = np.hstack([x, h])
    g, i, f, o = np.tanh(Wg @ xc + bg), σ(Wi @ xc + bi), σ(Wf @ xc + bf), σ(Wo @ xc + bo)
    s_next = g * i + s * f
    h_next = s_next * o
    ds = o * dh_next + ds_next
    dzo = s_next * dh_next * o * (1 - o)
    dzi = g * ds * i * (1 - i)
    dzg = i * ds * (1 - g**2)
    dzf = s * ds * f * (1 - f)
    dxc = Wi.T @ dzi + Wf.T @ dzf + Wo.T @ dzo + Wg.T @ dzg
    weights = [gradient for dz in (dzg, dzi, dzf, dzo) for gradient in (np.outer(dz, xc), dz)]
    return (h_next, s_next), (dxc[: len(x)], dxc[len(x) :], ds * f, *weights)


def normal(*shape):
    return np.round(rng.standard_normal(shape), 2)


EXAMPLES = [
    Example("Two gates", circuit, (-2.0, 5.0, -4.0), circuit_by_hand),
    Example("A sigmoid neuron", neuron, (2.0, -1.0, -3.0, -2.0, -3.0), neuron_by_hand),
    Example("Backpropagation in stages", quotient, (3.0, -4.0), quotient_by_hand),
    Example("A product of matrices", product, (normal(5, 10), normal(10, 3)), product_by_hand, (normal(5, 3),)),
    Example("Two steps of a recurrent network", two_steps, (normal(2, B, D),), two_steps_by_hand),
    Example(
        "One step of an LSTM, as in PyTorch", lstm_step, (normal(B, D), normal(B, H), normal(B, H)), lstm_step_by_hand,
        (normal(B, H), normal(B, H)),
    ),
    Example(
        "One step of an LSTM, examples as columns", column_step, (normal(D, B), normal(H, B), normal(H, B)),
        column_step_by_hand, (normal(H, B), normal(H, B)),
    ),
    Example(
        "One step of the Simple LSTM", simple_step, (normal(D), normal(H), normal(H)), simple_step_by_hand,
        (normal(H), normal(H)),
    ),
]  # fmt: skip
