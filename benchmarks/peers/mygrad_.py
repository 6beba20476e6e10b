"""MyGrad: tensors over NumPy."""

from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu, sigmoid
from mygrad.nnet.losses import softmax_crossentropy


def step_of(loss_of: Any, t: dict[str, Any]) -> Any:
    def step() -> tuple[Any, dict[str, Any]]:
        for parameter in t.values():
            parameter.null_grad()
        loss = loss_of()
        loss.backward()
        return loss.item(), {name: parameter.grad for name, parameter in t.items()}

    return step


def leaves(a: dict[str, np.ndarray], data: tuple[str, ...] = ("x", "y")) -> dict[str, Any]:
    return {name: mg.tensor(value) for name, value in a.items() if name not in data}


def lstm(a: dict[str, np.ndarray]) -> Any:
    t, x, y = leaves(a), a["x"], a["y"]
    H = y.shape[1]

    def loss_of() -> Any:
        h = c = np.zeros_like(y)
        for step in x:
            z = mg.matmul(step, t["w_x"].T) + mg.matmul(h, t["w_h"].T) + t["b"]
            i, f, o = (sigmoid(z[:, k * H : (k + 1) * H]) for k in (0, 1, 3))
            c = f * c + i * mg.tanh(z[:, 2 * H : 3 * H])
            h = o * mg.tanh(c)
        return mg.mean((h - y) ** 2)

    return step_of(loss_of, t)


def rnn(a: dict[str, np.ndarray]) -> Any:
    t, x, labels = leaves(a), a["x"], a["y"].ravel()

    def loss_of() -> Any:
        h, states = np.zeros((x.shape[1], len(a["w_h"])), np.float32), []
        for step in x:
            h = mg.tanh(mg.matmul(step, t["w_x"].T) + mg.matmul(h, t["w_h"].T) + t["b"])
            states.append(h)
        return softmax_crossentropy(mg.matmul(mg.concatenate(states), t["w_o"].T) + t["b_o"], labels)

    return step_of(loss_of, t)


def ops(a: dict[str, np.ndarray], n: int) -> Any:
    t = leaves(a)

    def loss_of() -> Any:
        y = t["a"]
        for _ in range(n // 4):
            y = mg.matmul(mg.tanh(y * t["b"] + t["a"]), t["b"])
        return mg.sum(y)

    return step_of(loss_of, t)


def moons(a: dict[str, np.ndarray]) -> Any:
    t = leaves(a)

    def loss_of() -> Any:
        h = relu(mg.matmul(relu(mg.matmul(a["x"], t["w0"].T)), t["w1"].T))
        return mg.mean(relu(1 - a["y"] * mg.matmul(h, t["w2"].T)[:, 0]))

    return step_of(loss_of, t)


PEERS = {"MyGrad": {"lstm": lstm, "rnn": rnn, "ops": ops, "moons": moons}}
