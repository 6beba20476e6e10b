"""Activation functions that NumPy lacks, each as one gate, and the error function. Rules as in elementwise.py."""

import math
from typing import Any

import numpy as np

from ..call import differentiable


@differentiable(lambda g, out, x: g * out * (1 - out), symbol="σ", elementwise=True)
def sigmoid(x: Any) -> Any:
    """Compute 1 / (1 + exp(-x)), entry by entry, as one gate. The local gradient is out * (1 - out): at most 1/4."""
    with np.errstate(over="ignore"):  # exp is infinite where the result is 0
        e = np.exp(np.subtract(0.0, x))
    e += 1
    return 1 / e


@differentiable(lambda g, out, x: g * sigmoid(x), elementwise=True)
def softplus(x: Any) -> Any:
    """Compute log(1 + exp(x)), entry by entry, without overflow. The local gradient is sigmoid(x)."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@differentiable(lambda g, out, x: g * sigmoid(x) * (1 + x - out), elementwise=True)
def silu(x: Any) -> Any:
    """Compute x * sigmoid(x), entry by entry (also called swish)."""
    return x * sigmoid(x)


@differentiable(lambda g, out, x: g * (x > 0), elementwise=True)
def relu(x: Any) -> Any:
    """Compute max(x, 0), entry by entry. The local gradient is 1 where x > 0, else 0."""
    return np.maximum(x, 0)


@differentiable(lambda g, out, x, slope=0.01: np.where(x > 0, g, g * slope), elementwise=True)
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """Compute x where x > 0, else slope * x, entry by entry. The local gradient is 1 where x > 0, else slope."""
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


@differentiable(lambda g, out, x, alpha=1.0: np.where(x > 0, g, g * alpha * np.exp(np.minimum(x, 0))), elementwise=True)
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Compute x where x > 0, else alpha * (exp(x) - 1), entry by entry.

    The local gradient is 1 where x > 0, else alpha * exp(x). (Clevert, Unterthiner, Hochreiter 2016.)
    """
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


# ---- the error function, and the gate made of it ----

STEP = 0.5
SQUARES = [((n + 0.5) * STEP) ** 2 for n in range(12)]
WEIGHTS = [2 * STEP / math.pi * math.exp(-square) for square in SQUARES]
SERIES = [2 / math.sqrt(math.pi) * (-1) ** n / math.factorial(n) / (2 * n + 1) for n in range(13)]


def tail(a: Any) -> Any:
    """Compute 1 - erf(a), a >= 0, to about 1e-15 of itself.

    1 - erf(a) = a/π exp(-a²) ∫ exp(-t²) / (a² + t²) dt, t from -∞ to ∞, by the midpoint rule of step h = 1/2. Of a
    function as smooth as this its error is known: a pole, which adds 2 / (1 + exp(2πa/h)) where a < π/h, and about
    exp(-π²/h²) = 7e-18 of the rest.
    (Chiarella and Reichel 1968, Math. Comp. 22; Hunter and Regan 1972, Math. Comp. 26.)
    """
    a = np.minimum(a, 30)  # where the tail is 0 in any float, and a² still finite
    square = a * a
    total = sum(weight / (square + t) for weight, t in zip(WEIGHTS, SQUARES))
    return a * np.exp(-square) * total + np.where(a < 6, 2 * sigmoid(-2 * math.pi / STEP * a), 0)


@differentiable(lambda g, out, x: g * (2 / math.sqrt(math.pi)) * np.exp(-x * x), elementwise=True)
def erf(x: Any) -> Any:
    """Compute the error function 2/√π ∫₀ˣ exp(-t²) dt, entry by entry, to a relative error of 1e-15 in float64.

    Below 1/2 by its Taylor series, where 1 minus the tail would cancel.
    """
    a = np.abs(x)
    square, series = np.minimum(a, 0.5) ** 2, 0
    for c in reversed(SERIES):
        series = series * square + c
    return np.where(a < 0.5, x * series, np.sign(x) * (1 - tail(a)))


def density(x: Any) -> Any:
    """Compute the slope of Φ, the density of the standard normal distribution."""
    return 1 / math.sqrt(2 * math.pi) * np.exp(-x * x / 2)


@differentiable(lambda g, out, x: g * density(x), symbol="Φ", elementwise=True)
def normal_cdf(x: Any) -> Any:
    """Compute the chance that a standard normal variable is below x: (1 + erf(x/√2)) / 2, without cancellation."""
    half = tail(np.abs(x) / math.sqrt(2)) / 2
    return np.where(np.greater(x, 0), 1 - half, half)


def wave(x: Any) -> Any:
    """Compute the argument of the sigmoid that imitates Φ in the approximate gelu."""
    return math.sqrt(8 / math.pi) * (x + 0.044715 * x**3)


def gelu_slope(g: Any, out: Any, x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        s = sigmoid(wave(x))
        return g * (s + out * (1 - s) * (math.sqrt(8 / math.pi) * (1 + 0.134145 * x * x)))
    return g * (normal_cdf(x) + x * density(x))


@differentiable(gelu_slope, elementwise=True)
def gelu(x: Any, approximate: str = "none") -> Any:
    """Compute x * Φ(x), entry by entry, where Φ is the normal distribution function. (Hendrycks and Gimpel 2016.)

    approximate  "none": exact, by the error function. "tanh": x/2 * (1 + tanh(√(2/π) (x + 0.044715 x³)))
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f'approximate is "none" or "tanh"; {approximate!r} came.')
    return x * (normal_cdf(x) if approximate == "none" else sigmoid(wave(x)))
