"""Optimizers: what to do with a gradient. They change the parameters' arrays in place.

p parameter, g its gradient, lr the learning rate, t the steps in which p had a gradient. Formulas as in PyTorch, whose
trajectories they follow.
"""

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from autograd import Tensor


class Optimizer:
    """What all optimizers share: the parameters, their buffers, and saving the buffers."""

    decoupled = False  # whether weight decay shrinks the parameter itself instead of adding to its gradient

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
        self.steps = [0] * len(self.parameters)  # those in which a parameter had a gradient
        self.buffers: dict[str, list[np.ndarray]] = {}

    def zero_grad(self) -> None:
        """Forget the gradients, so that the next backward() starts from zero."""
        for parameter in self.parameters:
            parameter.zero_grad()

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for index, parameter in enumerate(self.parameters):
            if parameter.grad is not None:
                self.steps[index] += 1
                g = parameter.grad
                if self.decoupled:
                    parameter.data *= 1 - self.lr * self.weight_decay
                elif self.weight_decay:
                    g = g + self.weight_decay * parameter.data
                self.update(index, parameter, g)

    def update(self, index: int, parameter: Tensor, g: np.ndarray) -> None:
        raise TypeError(f"{type(self).__name__} does not define update().")

    def state_dict(self) -> dict[str, np.ndarray]:
        """Give what a resumed run needs, as flat arrays: the step counts and each buffer, "momentum.0" and so on."""
        state = {f"{name}.{i}": array.copy() for name, arrays in self.buffers.items() for i, array in enumerate(arrays)}
        return {"steps": np.array(self.steps), **state}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what state_dict() gave. Raises KeyError or ValueError if it is another optimizer's."""
        steps = np.array(self.steps)
        buffers = {f"{name}.{i}": array for name, arrays in self.buffers.items() for i, array in enumerate(arrays)}
        expected = {"steps": steps, **buffers}
        if set(state) != set(expected):
            raise KeyError(f"the state has {sorted(state)}; this {type(self).__name__} has {sorted(expected)}.")
        for name, array in expected.items():
            if state[name].shape != array.shape:
                raise ValueError(f"{name} has shape {array.shape} here and {state[name].shape} in the state.")
        for name, array in expected.items():
            array[...] = state[name]
        self.steps = steps.tolist()

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
        denominator /= math.sqrt(1 - beta2 ** self.steps[index])
        denominator += self.eps
        parameter.data -= self.lr / (1 - beta1 ** self.steps[index]) * m / denominator


class AdamW(Adam):
    """Adam with the weight decay apart from the gradient (Loshchilov & Hutter, 2019).

    p -= lr · weight_decay · p, then Adam.
    """

    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ):
        super().__init__(parameters, lr, betas, eps, weight_decay)


class RMSprop(Optimizer):
    """RMSprop (Hinton, 2012): v = α v + (1-α) g²,  p -= lr g / (sqrt(v) + eps), with momentum μ as in SGD."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
    ):
        super().__init__(parameters, lr, weight_decay)
        if not 0 <= alpha < 1 or momentum < 0:
            raise ValueError(f"alpha must lie in [0, 1) and momentum not be negative; {alpha} and {momentum} came.")
        self.alpha, self.eps, self.momentum = alpha, eps, momentum
        self.new_buffers("v", *(["momentum"] if momentum else []))

    def update(self, index: int, parameter: Tensor, g: np.ndarray) -> None:
        v = self.buffers["v"][index]
        v *= self.alpha
        v += (1 - self.alpha) * g * g
        step = g / (np.sqrt(v) + self.eps)
        if self.momentum:
            m = self.buffers["momentum"][index]
            m *= self.momentum
            m += step
            step = m
        parameter.data -= self.lr * step


class Adagrad(Optimizer):
    """Adagrad (Duchi et al., 2011): v += g²,  p -= lr / (1 + (t-1) lr_decay) · g / (sqrt(v) + eps) at step t."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        eps: float = 1e-10,
    ):
        super().__init__(parameters, lr, weight_decay)
        if lr_decay < 0:
            raise ValueError(f"lr_decay must not be negative; {lr_decay} came.")
        self.lr_decay, self.eps = lr_decay, eps
        self.new_buffers("v")

    def update(self, index: int, parameter: Tensor, g: np.ndarray) -> None:
        v = self.buffers["v"][index]
        v += g * g
        lr = self.lr / (1 + (self.steps[index] - 1) * self.lr_decay)
        parameter.data -= lr * g / (np.sqrt(v) + self.eps)


# ---- schedules: the factor by which to multiply the first learning rate, from the number of steps made ----


def step_decay(every: int, gamma: float = 0.1) -> Callable[[int], float]:
    """Multiply by gamma after every so many steps."""
    return lambda steps: gamma ** (steps // every)


def exponential_decay(gamma: float) -> Callable[[int], float]:
    """Multiply by gamma at every step."""
    return lambda steps: gamma**steps


def cosine_decay(total: int, floor: float = 0.0) -> Callable[[int], float]:
    """Fall from 1 to `floor` along half a cosine in `total` steps (Loshchilov & Hutter, 2017), then stay."""
    return lambda steps: floor + (1 - floor) * (1 + math.cos(math.pi * min(steps / total, 1))) / 2


def warmup(steps_up: int, then: Callable[[int], float] = lambda steps: 1.0) -> Callable[[int], float]:
    """Rise linearly from 0 to 1 in `steps_up` steps, then follow another schedule."""
    return lambda steps: steps / steps_up if steps < steps_up else then(steps - steps_up)


class Schedule:
    """Set an optimizer's learning rate from a function of the steps made: Schedule(optimizer, cosine_decay(1000)).

    Call `step()` after each `optimizer.step()`.
    """

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]):
        self.optimizer, self.factor, self.first = optimizer, factor, optimizer.lr
        self.steps = 0
        optimizer.lr = self.first * factor(0)

    def step(self) -> None:
        """Go on by one step."""
        self.steps += 1
        self.optimizer.lr = self.first * self.factor(self.steps)

    def state_dict(self) -> dict[str, float]:
        """Give what a resumed run needs."""
        return {"steps": self.steps, "first": self.first}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Take over what state_dict() gave, and set the learning rate accordingly."""
        self.steps, self.first = int(state["steps"]), float(state["first"])
        self.optimizer.lr = self.first * self.factor(self.steps)
