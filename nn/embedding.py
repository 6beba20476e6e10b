"""A learned vector for each of V symbols."""

from typing import Any

import numpy as np

from autograd import Tensor

from .module import Module, Parameter


class Embedding(Module):
    """Look vectors up by integer.

    ids: ints of any shape, 0 <= id < num_embeddings; returns ids.shape + (embedding_dim,). weight: (num_embeddings,
    embedding_dim), standard normal, as in PyTorch. Only the rows that were looked up receive a gradient.
    padding_idx: the symbol that fills up short texts; its vector is 0 and receives no gradient.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float64,
    ):
        rng = np.random.default_rng() if rng is None else rng
        if padding_idx is not None and not 0 <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx is one of 0 to {num_embeddings - 1}; {padding_idx} came.")
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.weight = Parameter(rng.standard_normal((num_embeddings, embedding_dim)).astype(dtype))
        if padding_idx is not None:
            self.weight.data[padding_idx] = 0

    def forward(self, ids: Any) -> Tensor:
        ids = ids if isinstance(ids, Tensor) else Tensor(np.asarray(ids))
        if ids.dtype.kind not in "iu":
            raise TypeError(f"Embedding takes integers; an array of {ids.dtype} came.")
        outside: Any = (ids < 0) + (ids >= self.num_embeddings)
        if outside.any():
            where = tuple(np.argwhere(outside.data)[0].tolist())
            raise IndexError(
                f"Embedding has vectors for 0 to {self.num_embeddings - 1}; "
                f"ids{list(where) if where else ''} is {ids.data[where]}."
            )
        vectors: Any = self.weight[ids]
        if self.padding_idx is None:
            return vectors
        padding: Any = np.equal(ids, self.padding_idx)
        vectors = np.where(padding[..., np.newaxis], self.weight[self.padding_idx].detach(), vectors)
        return vectors

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
