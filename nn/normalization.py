"""Bring activations to one scale."""

import math
from typing import Any

import numpy as np

from autograd import Tensor

from .module import Module, Parameter


class LayerNorm(Module):
    """Normalize the last axes of each example to mean 0 and variance 1, then scale and shift (Ba et al., 2016).

    y = (x - E x) / sqrt(Var x + eps) · weight + bias. normalized_shape: the last axes of x, an int for one; weight (1s)
    and bias (0s) have that shape. The variance is the biased one, as in PyTorch.
    """

    def __init__(self, normalized_shape: int | tuple[int, ...], eps: float = 1e-5, *, dtype: Any = np.float64):
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        if not self.normalized_shape or min(self.normalized_shape) < 1:
            raise ValueError(f"normalized_shape has positive lengths; {normalized_shape} came.")
        self.eps = eps
        self.weight = Parameter(np.ones(self.normalized_shape, dtype=dtype))
        self.bias = Parameter(np.zeros(self.normalized_shape, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        n = len(self.normalized_shape)
        if x.shape[-n:] != self.normalized_shape:
            raise ValueError(f"LayerNorm takes x of shape (..., {str(self.normalized_shape)[1:]}; {x.shape} came.")
        axes = tuple(range(-n, 0))
        count = math.prod(self.normalized_shape)
        centred = x - np.sum(x, axis=axes, keepdims=True) / count
        variance = np.sum(centred * centred, axis=axes, keepdims=True) / count
        return centred / np.sqrt(variance + self.eps) * self.weight + self.bias

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"
