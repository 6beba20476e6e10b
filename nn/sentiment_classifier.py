"""A model of opinion: given the words of a text, is it positive?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Tensor, grad, no_grad

from .dropout import Dropout
from .embedding import Embedding
from .language_model import CELLS
from .linear import Linear
from .module import Module
from .recurrent import as_tuple

POOLINGS = ("last", "mean")


class SentimentClassifier(Module):
    """Judge a text: words as vectors, a recurrent network over them, one vector for the text, a linear map to a logit.

    Letters: T words, B texts side by side, V words in the vocabulary, D numbers for a word, H hidden units.
    pooling: the text's vector is h at its last word ("last") or the mean of h over its words ("mean").
    dropout: probability with which an entry of a word's vector is left out in training.
    rng: numpy.random.Generator that draws the first weights.
    """

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        embedding_size: int,
        cell: str = "lstm",
        num_layers: int = 1,
        pooling: str = "last",
        dropout: float = 0.0,
        *,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float32,
    ):
        if cell not in CELLS:
            raise ValueError(f"cell is one of {', '.join(CELLS)}, not {cell!r}")
        if pooling not in POOLINGS:
            raise ValueError(f"pooling is one of {', '.join(POOLINGS)}, not {pooling!r}")
        rng = np.random.default_rng() if rng is None else rng
        self.pooling = pooling
        self.embedding = Embedding(vocab_size, embedding_size, rng=rng, dtype=dtype)
        self.embedding.weight.data *= 0.1  # at full size, the random vectors of rare words are learned by heart
        self.dropout = Dropout(dropout, rng=rng)
        self.rnn = CELLS[cell](embedding_size, hidden_size, num_layers, rng=rng, dtype=dtype)
        self.linear = Linear(hidden_size, 1, rng=rng, dtype=dtype)

    def forward(self, ids: Any, lengths: Any = None) -> Tensor:
        """Return each text's logit z, shape (B,): positive with probability σ(z).

        ids: ints of shape (T, B). lengths: the true number of words of each text, (B,), in any order; T if None. What
        stands beyond a text's length changes nothing, so `<pad>` needs no vector of its own kind.
        """
        return self.judge(self.dropout.forward(self.embedding(ids)), lengths)

    def judge(self, vectors: Tensor, lengths: Any = None) -> Tensor:
        """Return the logits, (B,), of texts whose words are given as vectors, (T, B, D)."""
        vectors.name = vectors.name or "x"
        output, state = self.rnn(vectors, lengths=lengths)
        if self.pooling == "mean":
            count = np.asarray(len(output) if lengths is None else lengths, dtype=output.dtype)
            pooled = output.sum(axis=0) / count.reshape(-1, 1)  # outputs beyond the length are 0
        else:
            pooled = as_tuple(state)[0][-1]
        pooled.name = "text"
        z = self.linear(pooled)[:, 0]
        z.name = "z"
        return z

    def by_word(self, ids: Any) -> tuple[float, NDArray[np.float64]]:
        """Return the logit z of one text, and for each of its words the gradient times the input, shape (T,).

        ids: ints of shape (T,). With x_t the vector of word t, Σ_d x_td ∂z/∂x_td: to first order, by how much z would
        fall if the word's vector were 0. Positive where the word speaks for "positive". Avanti Shrikumar, Peyton
        Greenside, Anna Shcherbina and Anshul Kundaje, "Not just a black box: learning important features through
        propagating activation differences", 2016, arXiv:1605.01713, call it gradient × input.
        """
        with no_grad():
            vectors = self.embedding(np.asarray(ids)[:, np.newaxis])
        x = Tensor(vectors.data, requires_grad=True, name="x")
        z = self.judge(x)
        (dx,) = grad(z.sum(), [x])
        return z.item(), (x.data * dx.data).sum(axis=(1, 2), dtype=np.float64)

    def extra_repr(self) -> str:
        return f"pooling={self.pooling!r}"
