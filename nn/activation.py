"""Activation functions as modules, for Sequential."""

from typing import Any

import numpy as np

from autograd import Tensor, relu, sigmoid

from .module import Module


class Tanh(Module):
    """tanh(x), entry by entry."""

    def forward(self, x: Any) -> Tensor:
        return np.tanh(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)), entry by entry."""

    def forward(self, x: Tensor) -> Tensor:
        return sigmoid(x)


class ReLU(Module):
    """max(x, 0), entry by entry."""

    def forward(self, x: Tensor) -> Tensor:
        return relu(x)
