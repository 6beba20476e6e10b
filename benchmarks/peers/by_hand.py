"""NumPy by hand: the floor. `optimized` as an expert writes it, with planned buffers; `naive` as a textbook does."""

from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[], tuple[Any, dict[str, Any]]]


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * z)


def lstm_optimized(a: dict[str, np.ndarray]) -> Step:
    """Project all inputs at once, all gates in one product, one product for each weight's gradient, no allocation."""
    x, y, w_x, w_h, b = (a[name] for name in ("x", "y", "w_x", "w_h", "b"))
    (T, B, D), H = x.shape, y.shape[1]
    flat = x.reshape(T * B, D)
    z = np.empty((T, B, 4 * H), np.float32)
    dz, product = np.empty_like(z), np.empty((B, 4 * H), np.float32)
    h, c, tanh_c = np.zeros((T + 1, B, H), np.float32), np.zeros((T + 1, B, H), np.float32), np.empty_like(z[..., :H])
    dh, dc, buffer, ones = np.empty((B, H), np.float32), *np.empty((2, B, H), np.float32), np.ones(T * B, np.float32)
    w_hT = np.empty(w_h.T.shape, np.float32)
    # σ(z) = (1 + tanh(z/2)) / 2, so all four gates are one tanh of contiguous memory: s = scale tanh(scale z) + shift
    scale, shift = (np.repeat(np.float32(row), H) for row in ([0.5, 0.5, 1, 0.5], [0.5, 0.5, 0, 0.5]))
    below = 1 - 2 * shift  # σ' = (1 - σ) σ, tanh' = (1 - tanh) (tanh + 1)
    i, f, g, o = (slice(k * H, (k + 1) * H) for k in range(4))

    def step() -> tuple[Any, dict[str, Any]]:
        w_hT[...] = w_h.T
        np.matmul(flat, w_x.T, out=z.reshape(T * B, 4 * H))
        np.add(z, b, out=z)
        for t in range(T):
            zt = z[t]
            np.matmul(h[t], w_hT, out=product)
            np.add(zt, product, out=zt)
            np.multiply(zt, scale, out=zt)
            np.tanh(zt, out=zt)
            np.multiply(zt, scale, out=zt)
            np.add(zt, shift, out=zt)
            np.multiply(zt[:, f], c[t], out=c[t + 1])
            np.multiply(zt[:, i], zt[:, g], out=buffer)
            np.add(c[t + 1], buffer, out=c[t + 1])
            np.tanh(c[t + 1], out=tanh_c[t])
            np.multiply(zt[:, o], tanh_c[t], out=h[t + 1])
        np.subtract(h[T], y, out=dh)
        loss = np.mean(dh * dh)
        np.multiply(dh, np.float32(2 / dh.size), out=dh)
        dc.fill(0)
        for t in reversed(range(T)):
            zt, d = z[t], dz[t]
            np.multiply(tanh_c[t], tanh_c[t], out=buffer)  # dc += dh o (1 - tanh² c)
            np.subtract(np.float32(1), buffer, out=buffer)
            np.multiply(buffer, zt[:, o], out=buffer)
            np.multiply(buffer, dh, out=buffer)
            np.add(dc, buffer, out=dc)
            np.multiply(dc, zt[:, g], out=d[:, i])
            np.multiply(dc, c[t], out=d[:, f])
            np.multiply(dc, zt[:, i], out=d[:, g])
            np.multiply(dh, tanh_c[t], out=d[:, o])
            np.multiply(dc, zt[:, f], out=dc)
            np.subtract(np.float32(1), zt, out=product)
            np.multiply(d, product, out=d)
            np.add(zt, below, out=product)
            np.multiply(d, product, out=d)
            if t:
                np.matmul(d, w_h, out=dh)
        d = dz.reshape(T * B, 4 * H)
        return loss, {"w_x": d.T @ flat, "w_h": d.T @ h[:T].reshape(T * B, H), "b": ones @ d}

    return step


def lstm_naive(a: dict[str, np.ndarray]) -> Step:
    """Everything step by step, in new arrays."""
    x, y, w_x, w_h, b = (a[name] for name in ("x", "y", "w_x", "w_h", "b"))
    T, H = len(x), y.shape[1]

    def step() -> tuple[Any, dict[str, Any]]:
        h = c = np.zeros_like(y)
        steps = []
        for t in range(T):
            z = x[t] @ w_x.T + h @ w_h.T + b
            i, f, o = (sigmoid(z[:, k * H : (k + 1) * H]) for k in (0, 1, 3))
            g = np.tanh(z[:, 2 * H : 3 * H])
            steps.append((h, c, i, f, g, o))
            c = f * c + i * g
            h = o * np.tanh(c)
        loss = np.mean((h - y) ** 2)
        dh, dc = 2 * (h - y) / y.size, np.zeros_like(y)
        dw_x, dw_h, db = np.zeros_like(w_x), np.zeros_like(w_h), np.zeros_like(b)
        for t in reversed(range(T)):
            before, c, i, f, g, o = steps[t]
            tanh_c = np.tanh(f * c + i * g)
            dc = dc + dh * o * (1 - tanh_c**2)
            gates = (dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * tanh_c * o * (1 - o))
            dz = np.concatenate(gates, axis=1)
            dw_x += dz.T @ x[t]
            dw_h += dz.T @ before
            db += dz.sum(axis=0)
            dh, dc = dz @ w_h, dc * f
        return loss, {"w_x": dw_x, "w_h": dw_h, "b": db}

    return step


def rnn_optimized(a: dict[str, np.ndarray]) -> Step:
    """All projections, into the hidden state and out of it, are one product each; no allocation in the loop."""
    x, y, w_x, w_h, b, w_o, b_o = (a[name] for name in ("x", "y", "w_x", "w_h", "b", "w_o", "b_o"))
    (T, B, V), H = x.shape, len(w_h)
    flat, rows, labels = x.reshape(T * B, V), np.arange(T * B), y.ravel()
    h, z = np.zeros((T + 1, B, H), np.float32), np.empty((T, B, H), np.float32)
    dz, dh, logits = np.empty_like(z), np.empty_like(z), np.empty((T * B, V), np.float32)
    w_hT, product, ones = np.empty((H, H), np.float32), np.empty((B, H), np.float32), np.ones(T * B, np.float32)

    def step() -> tuple[Any, dict[str, Any]]:
        w_hT[...] = w_h.T
        np.matmul(flat, w_x.T, out=z.reshape(T * B, H))
        np.add(z, b, out=z)
        for t in range(T):
            np.matmul(h[t], w_hT, out=product)
            np.add(z[t], product, out=product)
            np.tanh(product, out=h[t + 1])
        states = h[1:].reshape(T * B, H)
        np.matmul(states, w_o.T, out=logits)
        np.add(logits, b_o, out=logits)
        np.subtract(logits, logits.max(axis=1, keepdims=True), out=logits)
        picked = logits[rows, labels]
        np.exp(logits, out=logits)
        total = logits.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - picked)
        np.divide(logits, total, out=logits)  # from here on the gradient of the logits
        logits[rows, labels] -= 1
        np.multiply(logits, np.float32(1 / (T * B)), out=logits)
        np.matmul(logits, w_o, out=dh.reshape(T * B, H))
        for t in reversed(range(T)):
            if t < T - 1:
                np.matmul(dz[t + 1], w_h, out=product)
                np.add(dh[t], product, out=dh[t])
            np.multiply(h[t + 1], h[t + 1], out=dz[t])
            np.subtract(np.float32(1), dz[t], out=dz[t])
            np.multiply(dz[t], dh[t], out=dz[t])
        d, before = dz.reshape(T * B, H), h[:T].reshape(T * B, H)
        gradients = {"w_x": d.T @ flat, "w_h": d.T @ before, "b": ones @ d}
        return loss, gradients | {"w_o": logits.T @ states, "b_o": ones @ logits}

    return step


def ops(a: dict[str, np.ndarray], n: int) -> Step:
    """y = tanh(y b + a) @ b, four ops at a time."""

    def step() -> tuple[Any, dict[str, Any]]:
        values, y = [], a["a"]
        for _ in range(n // 4):
            h = np.tanh(y * a["b"] + a["a"])
            values.append((y, h))
            y = h @ a["b"]
        dy, da, db = np.ones_like(y), np.zeros_like(y), np.zeros_like(y)
        for x, h in reversed(values):
            db += h.T @ dy
            dz = (dy @ a["b"].T) * (1 - h * h)
            da += dz
            db += dz * x
            dy = dz * a["b"]
        return np.sum(y), {"a": da + dy, "b": db}

    return step


def moons(a: dict[str, np.ndarray]) -> Step:
    """A network with two hidden layers of rectified units and a hinge loss: on arrays, all points at once."""
    x, y, w0, w1, w2 = (a[name] for name in ("x", "y", "w0", "w1", "w2"))

    def step() -> tuple[Any, dict[str, Any]]:
        h0 = np.maximum(x @ w0.T, 0)
        h1 = np.maximum(h0 @ w1.T, 0)
        margin = 1 - y * (h1 @ w2.T)[:, 0]
        loss = np.maximum(margin, 0).mean()
        ds = (-y * (margin > 0) / len(y))[:, None]
        d1 = (ds @ w2) * (h1 > 0)
        d0 = (d1 @ w1) * (h0 > 0)
        return loss, {"w0": d0.T @ x, "w1": d1.T @ h0, "w2": ds.T @ h1}

    return step


def chain(a: dict[str, np.ndarray], n: int) -> Step:
    """y = y w + w, over and over."""
    x, w = a["x"][()], a["w"][()]

    def step() -> tuple[Any, dict[str, Any]]:
        values, y = [], x
        for _ in range(n // 2):
            values.append(y)
            y = y * w
            y = y + w
        dy, dw = np.float64(1), np.float64(0)
        for value in reversed(values):
            dw = dw + dy
            dw = dw + dy * value
            dy = dy * w
        return y, {"x": dy, "w": dw}

    return step


def tree(a: dict[str, np.ndarray], n: int) -> Step:
    """Add leaves x w in pairs, and the sums in pairs."""
    x, w = a["x"][()], a["w"][()]

    def step() -> tuple[Any, dict[str, Any]]:
        count = n // 2
        level = [x * w for _ in range(count)]
        while len(level) > 1:
            level = [p + q for p, q in zip(level[::2], level[1::2])] + level[len(level) & ~1 :]
        dx = dw = np.float64(0)
        for _ in range(count):
            dx, dw = dx + w, dw + x
        return level[0], {"x": dx, "w": dw}

    return step


PEERS: dict[str, dict[str, Callable[..., Step]]] = {
    "NumPy, optimized": {"lstm": lstm_optimized, "rnn": rnn_optimized},
    "NumPy": {"lstm": lstm_naive, "ops": ops, "moons": moons, "chain": chain, "tree": tree},
}
