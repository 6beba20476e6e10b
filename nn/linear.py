"""The affine map. Shapes: any leading axes ..., input features D, output features H."""

import math
from typing import Any

import numpy as np

from autograd import Tensor

from .module import Module, uniform


class Linear(Module):
    """y = x Wᵀ + b.

    x: (..., in_features) float; returns (..., out_features). weight: (out_features, in_features), bias:
    (out_features,), both uniform in ±1/sqrt(in_features), as in PyTorch. rng: numpy.random.Generator that draws them.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float64,
    ):
        bound = 1 / math.sqrt(in_features)
        self.in_features, self.out_features = in_features, out_features
        self.weight = uniform(rng, bound, (out_features, in_features), dtype)
        self.bias = uniform(rng, bound, (out_features,), dtype) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1:] != (self.in_features,):
            raise ValueError(f"Linear takes x of shape (..., {self.in_features}); {x.shape} came.")
        y = np.inner(x, self.weight)
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"
