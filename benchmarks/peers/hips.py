"""HIPS/autograd: NumPy wrapped."""

from typing import Any

import autograd.numpy as anp
import numpy as np

from autograd import value_and_grad


def step_of(loss: Any, a: dict[str, np.ndarray], data: tuple[str, ...] = ("x", "y")) -> Any:
    parameters = {name: value for name, value in a.items() if name not in data}
    both = value_and_grad(loss)
    return lambda: both(parameters)


def sigmoid(z: Any) -> Any:
    return 0.5 * anp.tanh(0.5 * z) + 0.5


def lstm(a: dict[str, np.ndarray]) -> Any:
    x, y = a["x"], a["y"]
    H = y.shape[1]

    def loss(p: dict[str, Any]) -> Any:
        h = c = np.zeros_like(y)
        w_xT, w_hT = p["w_x"].T, p["w_h"].T
        for step in x:
            z = step @ w_xT + anp.dot(h, w_hT) + p["b"]
            i, f, o = (sigmoid(z[:, k * H : (k + 1) * H]) for k in (0, 1, 3))
            c = f * c + i * anp.tanh(z[:, 2 * H : 3 * H])
            h = o * anp.tanh(c)
        return anp.mean((h - y) ** 2)

    return step_of(loss, a)


def rnn(a: dict[str, np.ndarray]) -> Any:
    x, labels = a["x"], a["y"].ravel()
    rows = np.arange(len(labels))

    def loss(p: dict[str, Any]) -> Any:
        h, states = np.zeros((x.shape[1], len(a["w_h"])), np.float32), []
        w_xT, w_hT = p["w_x"].T, p["w_h"].T
        for step in x:
            h = anp.tanh(step @ w_xT + anp.dot(h, w_hT) + p["b"])
            states.append(h)
        z = anp.concatenate(states) @ p["w_o"].T + p["b_o"]
        z = z - anp.max(z, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(z), axis=1)) - z[rows, labels])

    return step_of(loss, a)


def ops(a: dict[str, np.ndarray], n: int) -> Any:
    def loss(p: dict[str, Any]) -> Any:
        y = p["a"]
        for _ in range(n // 4):
            y = anp.tanh(y * p["b"] + p["a"]) @ p["b"]
        return anp.sum(y)

    return step_of(loss, a)


def moons(a: dict[str, np.ndarray]) -> Any:
    def loss(p: dict[str, Any]) -> Any:
        h = anp.maximum(anp.maximum(a["x"] @ p["w0"].T, 0) @ p["w1"].T, 0)
        return anp.mean(anp.maximum(1 - a["y"] * (h @ p["w2"].T)[:, 0], 0))

    return step_of(loss, a)


def chain(a: dict[str, np.ndarray], n: int) -> Any:
    def loss(p: dict[str, Any]) -> Any:
        y, w = p["x"], p["w"]
        for _ in range(n // 2):
            y = y * w
            y = y + w
        return y

    return step_of(loss, {name: value.item() for name, value in a.items()}, ())


PEERS = {"HIPS/autograd": {"lstm": lstm, "rnn": rnn, "ops": ops, "moons": moons, "chain": chain}}
