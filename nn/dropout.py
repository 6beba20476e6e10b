"""Leave entries out at random while training (Srivastava et al., 2014)."""

import numpy as np

from autograd import Tensor, uniform

from .module import Module


class Dropout(Module):
    """Set each entry to 0 with probability p and scale the others by 1/(1-p), so that the expectation stays.

    Acts in training only: `eval()` makes it the identity. rng: numpy.random.Generator that draws the mask.
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None):
        if not 0 <= p <= 1:
            raise ValueError(f"a probability lies between 0 and 1; p={p} came.")
        self.p = p
        self._rng = np.random.default_rng() if rng is None else rng

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = uniform(self._rng, x.shape) >= self.p
        return x * (kept / max(1 - self.p, np.finfo(float).tiny)).astype(x.dtype)

    def extra_repr(self) -> str:
        return f"p={self.p}"
