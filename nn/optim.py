"""Optimizers: what to do with a gradient. They change the parameters' arrays in place.

p parameter, g its gradient, lr the learning rate. Formulas as in PyTorch, whose trajectories they follow.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograd import Tensor


class Optimizer:
    """What SGD and Adam share: the parameters, their buffers, and saving the buffers."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, weight_decay: float):
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("an optimizer needs parameters; none came.")
        for parameter in self.parameters:
            if not (isinstance(parameter, Tensor) and parameter.requires_grad and parameter.is_leaf):
                raise TypeError("an optimizer takes leaf Tensors with requires_grad=True: model.parameters().")
        if lr < 0 or weight_decay < 0:
            raise ValueError(f"lr and weight_decay must not be negative; {lr} and {weight_decay} came.")
        self.lr, self.weight_decay = lr, weight_decay
        self.steps = 0
        self.buffers: dict[str, list[np.ndarray]] = {}

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next backward() starts from zero."""
        for parameter in self.parameters:
            parameter.zero_grad()

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        self.steps += 1
        for index, parameter in enumerate(self.parameters):
            if parameter.grad is not None:
                g = parameter.grad
                if self.weight_decay:
                    g = g + self.weight_decay * parameter.data
                self.update(index, parameter, g)

    def update(self, index: int, parameter: Tensor, g: np.ndarray) -> None:
        raise TypeError(f"{type(self).__name__} does not define update().")

    def state_dict(self) -> dict[str, np.ndarray]:
        """Give what a resumed run needs, as flat arrays: the step count and each buffer, "momentum.0" and so on."""
        state = {f"{name}.{i}": array.copy() for name, arrays in self.buffers.items() for i, array in enumerate(arrays)}
        return {"steps": np.array(self.steps), **state}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what state_dict() gave. Raises KeyError or ValueError if it is another optimizer's."""
        expected = {f"{name}.{i}": array for name, arrays in self.buffers.items() for i, array in enumerate(arrays)}
        if set(state) != {"steps", *expected}:
            raise KeyError(f"the state has {sorted(state)}; this {type(self).__name__} has {sorted(['steps', *expected])}.")
        for name, array in expected.items():
            if state[name].shape != array.shape:
                raise ValueError(f"{name} has shape {array.shape} here and {state[name].shape} in the state.")
        for name, array in expected.items():
            array[...] = state[name]
        self.steps = int(state["steps"])

    def new_buffers(self, *names: str) -> None:
        for name in names:
            self.buffers[name] = [np.zeros_like(parameter.data) for parameter in self.parameters]


class SGD(Optimizer):
    """Stochastic gradient descent: p -= lr g, or, with momentum μ: v = μ v + g, p -= lr v.

    nesterov: look ahead, p -= lr (g + μ v). weight_decay: adds weight_decay · p to g.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, lr, weight_decay)
        if momentum < 0 or (nesterov and not momentum):
            raise ValueError(f"momentum must not be negative, and positive for Nesterov's; {momentum} came.")
        self.momentum, self.nesterov = momentum, nesterov
        if momentum:
            self.new_buffers("momentum")

    def update(self, index: int, parameter: Tensor, g: np.ndarray) -> None:
        if self.momentum:
            v = self.buffers["momentum"][index]
            v *= self.momentum
            v += g
            g = g + self.momentum * v if self.nesterov else v
        parameter.data -= self.lr * g


class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015, algorithm 1).

    m = β1 m + (1-β1) g,  v = β2 v + (1-β2) g²,  p -= lr · m / (1-β1ᵗ) / (sqrt(v / (1-β2ᵗ)) + eps) at step t.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(parameters, lr, weight_decay)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must lie in [0, 1); {betas} came.")
        self.betas, self.eps = betas, eps
        self.new_buffers("m", "v")

    def update(self, index: int, parameter: Tensor, g: np.ndarray) -> None:
        beta1, beta2 = self.betas
        m, v = self.buffers["m"][index], self.buffers["v"][index]
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g * g
        denominator = np.sqrt(v)
        denominator /= math.sqrt(1 - beta2**self.steps)
        denominator += self.eps
        parameter.data -= self.lr / (1 - beta1**self.steps) * m / denominator
