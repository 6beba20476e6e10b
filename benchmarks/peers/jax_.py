"""JAX: jit of value_and_grad, a scan over time."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def step_of(loss: Any, a: dict[str, np.ndarray]) -> Any:
    data = {name: jnp.asarray(a[name]) for name in ("x", "y") if name in a}
    parameters = {name: jnp.asarray(value) for name, value in a.items() if name not in data}
    both = jax.jit(jax.value_and_grad(loss))

    def step() -> tuple[Any, dict[str, Any]]:
        value, gradients = jax.block_until_ready(both(parameters, data))
        return float(value), gradients

    return step


def lstm(a: dict[str, np.ndarray]) -> Any:
    def loss(p: dict[str, Any], data: dict[str, Any]) -> Any:
        def cell(state: Any, x: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(x @ p["w_x"].T + p["b"] + h @ p["w_h"].T, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), None

        zeros = jnp.zeros_like(data["y"])
        (h, _), _ = jax.lax.scan(cell, (zeros, zeros), data["x"])
        return jnp.mean((h - data["y"]) ** 2)

    return step_of(loss, a)


def rnn(a: dict[str, np.ndarray]) -> Any:
    def loss(p: dict[str, Any], data: dict[str, Any]) -> Any:
        def cell(h: Any, x: Any) -> Any:
            h = jnp.tanh(x @ p["w_x"].T + p["b"] + h @ p["w_h"].T)
            return h, h

        zeros = jnp.zeros((data["x"].shape[1], len(p["w_h"])), jnp.float32)
        _, states = jax.lax.scan(cell, zeros, data["x"])
        scores = jax.nn.log_softmax(states @ p["w_o"].T + p["b_o"])
        return -jnp.mean(jnp.take_along_axis(scores, data["y"][..., None], axis=2))

    return step_of(loss, a)


def ops(a: dict[str, np.ndarray], n: int) -> Any:
    def loss(p: dict[str, Any], data: dict[str, Any]) -> Any:
        y = jax.lax.fori_loop(0, n // 4, lambda _, y: jnp.tanh(y * p["b"] + p["a"]) @ p["b"], p["a"])
        return jnp.sum(y)

    return step_of(loss, a)


PEERS = {"JAX": {"lstm": lstm, "rnn": rnn, "ops": ops}}
