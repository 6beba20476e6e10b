"""Chalkgrad, as it is used: modules and losses of `nn`, operators, NumPy functions."""

from functools import partial
from typing import Any

import numpy as np
from workloads import scalar_moons

import nn
from autograd import Tensor, compile, relu


def leaves(a: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: Tensor(value, requires_grad=True) for name, value in a.items()}


def step_of(loss_of: Any, parameters: dict[str, Tensor], backend: str = "") -> Any:
    """Make a training step. With a backend, by autograd.compile."""
    loss_of = compile(loss_of, backend=backend) if backend else loss_of

    def step() -> tuple[Any, dict[str, Any]]:
        for parameter in parameters.values():
            parameter.grad = None
        loss = loss_of()
        loss.backward(retain_graph=False)
        return loss.item(), {name: parameter.grad for name, parameter in parameters.items()}

    return step


def recurrent(model: Any, a: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """Give a model of one layer the parameters of a workload; its second bias is 0."""
    model.weight_ih_l0.data, model.weight_hh_l0.data, model.bias_ih_l0.data = a["w_x"], a["w_h"], a["b"]
    model.bias_hh_l0.data = np.zeros_like(a["b"])
    return {"w_x": model.weight_ih_l0, "w_h": model.weight_hh_l0, "b": model.bias_ih_l0}


def lstm(a: dict[str, np.ndarray], backend: str = "") -> Any:
    model = nn.LSTM(a["x"].shape[2], a["y"].shape[1], dtype=np.float32)
    parameters = recurrent(model, a)
    x, y = Tensor(a["x"]), Tensor(a["y"])

    def loss_of() -> Tensor:
        output, _ = model(x)
        return nn.mse_loss(output[-1], y)

    return step_of(loss_of, parameters, backend)


def rnn(a: dict[str, np.ndarray], backend: str = "") -> Any:
    V, H = a["w_o"].shape
    model, head = nn.RNN(V, H, dtype=np.float32), nn.Linear(H, V, dtype=np.float32)
    head.weight.data, head.bias.data = a["w_o"], a["b_o"]
    parameters = recurrent(model, a) | {"w_o": head.weight, "b_o": head.bias}
    x, y = Tensor(a["x"]), a["y"].ravel()

    def loss_of() -> Tensor:
        output, _ = model(x)
        return nn.cross_entropy(head(output).reshape(-1, V), y)

    return step_of(loss_of, parameters, backend)


def ops(a: dict[str, np.ndarray], n: int, backend: str = "") -> Any:
    t = leaves(a)

    def loss_of() -> Tensor:
        y = t["a"]
        for _ in range(n // 4):
            y = np.tanh(y * t["b"] + t["a"]) @ t["b"]
        return y.sum()

    return step_of(loss_of, t, backend)


def moons(a: dict[str, np.ndarray], backend: str = "") -> Any:
    w = leaves({name: a[name] for name in ("w0", "w1", "w2")})

    def loss_of() -> Tensor:
        h = relu(relu(a["x"] @ w["w0"].T) @ w["w1"].T)
        return relu(1 - a["y"] * (h @ w["w2"].T)[:, 0]).mean()

    return step_of(loss_of, w, backend)


def moons_of_scalars(a: dict[str, np.ndarray]) -> Any:
    return scalar_moons(
        a, lambda v: Tensor(v, requires_grad=True), lambda loss: loss.backward(retain_graph=False), None
    )


def chain(a: dict[str, np.ndarray], n: int) -> Any:
    t = leaves(a)

    def loss_of() -> Tensor:
        y, w = t["x"], t["w"]
        for _ in range(n // 2):
            y = y * w
            y = y + w
        return y

    return step_of(loss_of, t)


def tree(a: dict[str, np.ndarray], n: int) -> Any:
    t = leaves(a)

    def loss_of() -> Tensor:
        level = [t["x"] * t["w"] for _ in range(n // 2)]
        while len(level) > 1:
            level = [p + q for p, q in zip(level[::2], level[1::2])] + level[len(level) & ~1 :]
        return level[0]

    return step_of(loss_of, t)


OF_ARRAYS = {"lstm": lstm, "rnn": rnn, "ops": ops, "moons": moons}
PEERS = {
    "Chalkgrad": {**OF_ARRAYS, "chain": chain, "tree": tree},
    "Chalkgrad, compiled": {kind: partial(make, backend="numpy") for kind, make in OF_ARRAYS.items()},
    "Chalkgrad, compiled (fast)": {kind: partial(make, backend="numba") for kind, make in OF_ARRAYS.items()},
    "Chalkgrad, scalars": {"moons": moons_of_scalars},
}
