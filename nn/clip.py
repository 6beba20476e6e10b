"""Keep a gradient from exploding."""

import math
from collections.abc import Iterable

import numpy as np

from autograd import Tensor


def clip_grad_norm_(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Scale all gradients together so that their joint L2 norm is at most `max_norm`; return the norm before.

    Changes `.grad` in place: multiplies by max_norm / (norm + 1e-6) where that is below 1, as PyTorch's function of
    this name. Parameters without a gradient are passed over.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm must be positive; {max_norm} came.")
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    # in float64, since squares of large float32 numbers overflow
    norm = math.sqrt(sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients))
    factor = max_norm / (norm + 1e-6)
    if factor < 1:
        for g in gradients:
            g *= factor
    return norm


def clip_grad_value_(parameters: Iterable[Tensor], clip_value: float) -> None:
    """Cut every entry of every gradient to [-clip_value, clip_value], in place. The gradient's direction changes."""
    if not clip_value > 0:
        raise ValueError(f"clip_value must be positive; {clip_value} came.")
    for parameter in parameters:
        if parameter.grad is not None:
            np.clip(parameter.grad, -clip_value, clip_value, out=parameter.grad)
