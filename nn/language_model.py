"""A model of text: given the characters so far, how likely is each next one?"""

from typing import Any

import numpy as np

from autograd import Tensor

from .embedding import Embedding
from .linear import Linear
from .module import Module
from .recurrent import GRU, LSTM, RNN, State

CELLS = {"lstm": LSTM, "gru": GRU, "rnn": RNN}


class LanguageModel(Module):
    """Predict each next character: characters as vectors, an LSTM, GRU or RNN over time, a linear map to logits.

    Letters: T steps, B texts side by side, V characters in the vocabulary, D numbers for a character, H hidden units.
    The vectors are learned (embedding_size D) or, with embedding_size None, one-hot (D = V).
    rng: numpy.random.Generator that draws the first weights.
    """

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int,
        embedding_size: int | None = None,
        cell: str = "lstm",
        num_layers: int = 1,
        *,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float32,
    ):
        if cell not in CELLS:
            raise ValueError(f"cell is one of {', '.join(CELLS)}, not {cell!r}")
        rng = np.random.default_rng() if rng is None else rng
        input_size = vocab_size if embedding_size is None else embedding_size
        self.one_hot = Tensor(np.eye(vocab_size, dtype=dtype)) if embedding_size is None else None
        if embedding_size is not None:
            self.embedding = Embedding(vocab_size, embedding_size, rng=rng, dtype=dtype)
        self.rnn = CELLS[cell](input_size, hidden_size, num_layers, rng=rng, dtype=dtype)
        self.linear = Linear(hidden_size, vocab_size, rng=rng, dtype=dtype)

    def forward(self, x: Any, state: State | None = None) -> tuple[Tensor, State]:
        """Return the logits of each next character, (T, B, V), and the state after the last step.

        x: ids of the characters, ints of shape (T, B). state: what the last call returned, to go on in the same text;
        zeros if None.
        """
        vectors: Any = self.embedding(x) if self.one_hot is None else self.one_hot[x]
        vectors.name = "x"
        output, state = self.rnn(vectors, state)
        return self.linear(output), state
