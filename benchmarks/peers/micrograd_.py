"""micrograd: numbers only. Its backward() recurses, so its loop over its order stands here, without recursion."""

from typing import Any

import numpy as np
from micrograd.engine import Value
from workloads import scalar_moons


def backward(root: Value) -> None:
    order, seen, stack = [], set(), [(root, iter(root._prev))]
    while stack:
        node, children = stack[-1]
        child = next((c for c in children if c not in seen), None)
        if child is not None:
            stack.append((child, iter(child._prev)))
            continue
        stack.pop()
        if node not in seen:
            seen.add(node)
            order.append(node)
    root.grad = 1
    for node in reversed(order):
        node._backward()


def moons(a: dict[str, np.ndarray]) -> Any:
    return scalar_moons(a, Value, backward, 0)


def step_of(loss_of: Any, a: dict[str, np.ndarray]) -> Any:
    x, w = Value(a["x"].item()), Value(a["w"].item())

    def step() -> tuple[Any, dict[str, Any]]:
        x.grad = w.grad = 0
        loss = loss_of(x, w)
        backward(loss)
        return loss.data, {"x": x.grad, "w": w.grad}

    return step


def chain(a: dict[str, np.ndarray], n: int) -> Any:
    def loss_of(y: Value, w: Value) -> Value:
        for _ in range(n // 2):
            y = y * w
            y = y + w
        return y

    return step_of(loss_of, a)


def tree(a: dict[str, np.ndarray], n: int) -> Any:
    def loss_of(x: Value, w: Value) -> Value:
        level = [x * w for _ in range(n // 2)]
        while len(level) > 1:
            level = [p + q for p, q in zip(level[::2], level[1::2])] + level[len(level) & ~1 :]
        return level[0]

    return step_of(loss_of, a)


PEERS = {"micrograd": {"moons": moons, "chain": chain, "tree": tree}}
