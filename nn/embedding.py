"""A learned vector for each of V symbols."""

from typing import Any

import numpy as np

from autograd import Tensor

from .module import Module, Parameter


class Embedding(Module):
    """Look vectors up by integer.

    ids: ints of any shape, 0 <= id < num_embeddings; returns ids.shape + (embedding_dim,). weight: (num_embeddings,
    embedding_dim), standard normal, as in PyTorch. Only the rows that were looked up receive a gradient.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float64,
    ):
        rng = np.random.default_rng() if rng is None else rng
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.weight = Parameter(rng.standard_normal((num_embeddings, embedding_dim)).astype(dtype))

    def forward(self, ids: Any) -> Tensor:
        ids = ids.data if isinstance(ids, Tensor) else np.asarray(ids)
        if ids.dtype.kind not in "iu":
            raise TypeError(f"Embedding takes integers; an array of {ids.dtype} came.")
        outside = np.argwhere((ids < 0) | (ids >= self.num_embeddings))
        if len(outside):
            where = tuple(outside[0].tolist())
            raise IndexError(
                f"Embedding has vectors for 0 to {self.num_embeddings - 1}; ids{list(where) if where else ''} is {ids[where]}."
            )
        return self.weight[ids]

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}"
