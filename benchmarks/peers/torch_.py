"""PyTorch: torch.nn's recurrent modules, the same written in its ops, and the latter compiled."""

import os
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def leaves(a: dict[str, np.ndarray], data: tuple[str, ...] = ("x", "y")) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value, requires_grad=name not in data) for name, value in a.items()}


def step_of(loss_of: Any, parameters: dict[str, torch.Tensor]) -> Any:
    def step() -> tuple[Any, dict[str, Any]]:
        for parameter in parameters.values():
            parameter.grad = None
        loss = loss_of()
        loss.backward()
        return loss.item(), {name: parameter.grad.numpy() for name, parameter in parameters.items()}

    return step


def parameters_of(t: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in t.items() if value.requires_grad}


def fill(model: Any, t: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = {"weight_ih_l0": "w_x", "weight_hh_l0": "w_h", "bias_ih_l0": "b"}
            parameter.copy_(t[values[name]]) if name in values else parameter.zero_()
    return {"w_x": model.weight_ih_l0, "w_h": model.weight_hh_l0, "b": model.bias_ih_l0}


def lstm_module(a: dict[str, np.ndarray]) -> Any:
    t = leaves(a)
    model = torch.nn.LSTM(a["x"].shape[2], a["y"].shape[1])
    parameters = fill(model, t)
    return step_of(lambda: F.mse_loss(model(t["x"])[0][-1], t["y"]), parameters)


def rnn_module(a: dict[str, np.ndarray]) -> Any:
    t = leaves(a)
    V, H = a["w_o"].shape
    model = torch.nn.RNN(V, H)
    parameters = fill(model, t) | {"w_o": t["w_o"], "b_o": t["b_o"]}
    labels = t["y"].ravel()

    def loss_of() -> torch.Tensor:
        return F.cross_entropy(F.linear(model(t["x"])[0], t["w_o"], t["b_o"]).reshape(-1, V), labels)

    return step_of(loss_of, parameters)


def lstm_loss(x: torch.Tensor, y: torch.Tensor, w_x: torch.Tensor, w_h: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    h = c = torch.zeros_like(y)
    for step in x.unbind():
        i, f, g, o = (F.linear(step, w_x, b) + F.linear(h, w_h)).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    return F.mse_loss(h, y)


def rnn_loss(x: torch.Tensor, y: torch.Tensor, w_x: Any, w_h: Any, b: Any, w_o: Any, b_o: Any) -> torch.Tensor:
    h = torch.zeros(x.shape[1], len(w_h))
    logits = []
    for step in x.unbind():
        h = torch.tanh(F.linear(step, w_x, b) + F.linear(h, w_h))
        logits.append(F.linear(h, w_o, b_o))
    return F.cross_entropy(torch.cat(logits), y.ravel())


def written_out(loss: Any) -> Any:
    def make(a: dict[str, np.ndarray]) -> Any:
        t = leaves(a)
        return step_of(lambda: loss(**t), parameters_of(t))

    return make


def ops(a: dict[str, np.ndarray], n: int) -> Any:
    t = leaves(a)

    def loss_of() -> torch.Tensor:
        y = t["a"]
        for _ in range(n // 4):
            y = torch.tanh(y * t["b"] + t["a"]) @ t["b"]
        return y.sum()

    return step_of(loss_of, t)


def moons(a: dict[str, np.ndarray]) -> Any:
    t = leaves(a)

    def loss_of() -> torch.Tensor:
        h = torch.relu(torch.relu(t["x"] @ t["w0"].T) @ t["w1"].T)
        return torch.relu(1 - t["y"] * (h @ t["w2"].T)[:, 0]).mean()

    return step_of(loss_of, parameters_of(t))


def chain(a: dict[str, np.ndarray], n: int) -> Any:
    t = leaves(a, ())

    def loss_of() -> torch.Tensor:
        y, w = t["x"], t["w"]
        for _ in range(n // 2):
            y = y * w
            y = y + w
        return y

    return step_of(loss_of, t)


def tree(a: dict[str, np.ndarray], n: int) -> Any:
    t = leaves(a, ())

    def loss_of() -> torch.Tensor:
        level = [t["x"] * t["w"] for _ in range(n // 2)]
        while len(level) > 1:
            level = [p + q for p, q in zip(level[::2], level[1::2])] + level[len(level) & ~1 :]
        return level[0]

    return step_of(loss_of, t)


PEERS = {
    "torch.nn": {"lstm": lstm_module, "rnn": rnn_module},
    "PyTorch ops": {
        "lstm": written_out(lstm_loss), "rnn": written_out(rnn_loss), "ops": ops, "moons": moons, "chain": chain,
        "tree": tree,
    },
    "torch.compile": {"lstm": written_out(torch.compile(lstm_loss)), "rnn": written_out(torch.compile(rnn_loss))},
}  # fmt: skip
