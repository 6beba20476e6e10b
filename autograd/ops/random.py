"""Random numbers that a compiled function draws anew at each call."""

from typing import Any

import numpy as np

from ..tensor import Tensor, modes


def uniform(rng: np.random.Generator, shape: int | tuple[int, ...], dtype: Any = np.float64) -> Tensor:
    """Draw uniformly from [0, 1): `rng.random(shape, dtype)`, as a Tensor without a gradient.

    What a function draws with NumPy itself is fixed when it is compiled; what it draws here is drawn at each call, from
    the same Generator.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"uniform() draws from a numpy.random.Generator; {type(rng).__name__} came.")
    return modes.draw(rng, shape, dtype)
