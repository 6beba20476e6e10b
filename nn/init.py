"""Fill a parameter with its first values, in place. Each function returns the tensor.

Of a weight of shape (out, in, ...), fan_in is in · ..., fan_out is out · ....
"""

import math

import numpy as np

from autograd import Tensor


def fans(tensor: Tensor) -> tuple[int, int]:
    if tensor.ndim < 2:
        raise ValueError(
            f"fan-in and fan-out are defined for weights of two or more axes; {tensor.label} has {tensor.ndim}."
        )
    window = math.prod(tensor.shape[2:])
    return tensor.shape[1] * window, tensor.shape[0] * window


def constant_(tensor: Tensor, value: float) -> Tensor:
    """Set every entry to `value`."""
    tensor.data = np.full(tensor.shape, value)
    return tensor


def zeros_(tensor: Tensor) -> Tensor:
    """Set every entry to 0."""
    return constant_(tensor, 0.0)


def uniform_(tensor: Tensor, low: float = 0.0, high: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """Draw every entry uniformly from [low, high)."""
    tensor.data = rng.uniform(low, high, tensor.shape)
    return tensor


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """Draw every entry from a normal distribution."""
    tensor.data = rng.normal(mean, std, tensor.shape)
    return tensor


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """Draw from ± gain sqrt(6 / (fan_in + fan_out)): keeps the variance both ways (Glorot & Bengio, 2010)."""
    bound = gain * math.sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, rng=rng)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """Draw with standard deviation gain sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio, 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(fans(tensor))), rng=rng)


def kaiming_uniform_(tensor: Tensor, *, rng: np.random.Generator) -> Tensor:
    """Draw from ± sqrt(6 / fan_in): keeps the variance forward through ReLU (He et al., 2015)."""
    bound = math.sqrt(6 / fans(tensor)[0])
    return uniform_(tensor, -bound, bound, rng=rng)


def orthogonal_(tensor: Tensor, gain: float = 1.0, *, rng: np.random.Generator) -> Tensor:
    """Draw orthonormal rows or columns, whichever are fewer, times gain (Saxe et al., 2014).

    A recurrent weight of this kind neither shrinks nor stretches a state.
    """
    fans(tensor)
    rows, columns = tensor.shape[0], tensor.size // tensor.shape[0]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))  # makes the distribution uniform
    tensor.data = gain * (q if rows >= columns else q.T).reshape(tensor.shape)
    return tensor
