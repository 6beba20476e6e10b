"""Train a language model on a text by truncated backpropagation through time."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Tensor, compile, no_grad

from .bptt import detach
from .language_model import CELLS, LanguageModel
from .loss import cross_entropy
from .recurrent import State, as_tuple
from .text import Vocabulary, letters, perplexity, split, windows_in_order
from .train import Run, Settings

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class LanguageSettings(Settings):
    """What a run is determined by, besides the text. The defaults suit a book on two processor cores."""

    steps: int = 16
    letters: bool = False


class LanguageRun(Run):
    """A training run on a text: a window begins with the state that the one before it ended with.

    No gradient flows back from a window into the one before: that is the truncation.
    """

    task = "language"
    settings_type, vocabulary_type = LanguageSettings, Vocabulary

    def __init__(self, text: str, settings: LanguageSettings):
        text = letters(text) if settings.letters else text
        super().__init__(settings, Vocabulary.from_text(text), hashlib.sha256(text.encode()).hexdigest())
        self.prefix = text.split(maxsplit=1)[0] if text.strip() else text[:1]
        self.train_ids, self.validation_ids = split(self.vocabulary.encode(text), settings.held_out)
        self.windows = list(windows_in_order(self.train_ids, settings.batch, settings.steps))
        self.state: State | None = None

    @staticmethod
    def build(settings: LanguageSettings, vocabulary: Vocabulary, rng: np.random.Generator) -> LanguageModel:
        s = settings
        return LanguageModel(len(vocabulary), s.hidden, s.embedding, s.cell, s.layers, rng=rng, dtype=np.float32)

    def batches(self) -> list[tuple[Ids, Ids]]:
        return self.windows

    def loss(self, batch: tuple[Ids, Ids]) -> tuple[Tensor, int]:
        x, y = batch
        loss, state = self.loss_of(x, y, self.state if self.step else None)
        self.state = detach(state)
        return loss, y.size

    def loss_of(self, x: Ids, y: Ids, state: State | None) -> tuple[Tensor, State]:
        logits, state = self.model(x, state)
        return cross_entropy(logits, y), state

    def compile(self) -> None:
        """Compute losses and gradients by generated code from now on: the same up to rounding, faster."""
        self.loss_of = compile(self.loss_of)  # type: ignore[method-assign]

    def validate(self) -> dict[str, float]:
        return {"validation_loss": evaluate(self.model, self.validation_ids)}

    def describe(self, row: Mapping[str, float]) -> str:
        training, validation = perplexity(row["loss"]), perplexity(row["validation_loss"])
        return f"perplexity {training:.2f} in training, {validation:.2f} in validation"

    def metadata(self) -> dict[str, Any]:
        return {
            "prefix": self.prefix,
            "excerpt": self.vocabulary.decode(self.validation_ids[:200]),
            "state": [part.data for part in as_tuple(self.state)] if self.step else None,
        }

    @staticmethod
    def check(metadata: dict[str, Any], vocabulary: Vocabulary) -> None:
        known = set(vocabulary.symbols)
        if not metadata["prefix"] or not known.issuperset(metadata["prefix"] + metadata["excerpt"]):
            raise ValueError("its samples of the text have other characters than the vocabulary")

    def restore(self, metadata: dict[str, Any]) -> None:
        if not self.step:
            return
        parts = tuple(map(Tensor, metadata["state"]))
        s = self.settings
        if [part.shape for part in parts] != [(s.layers, s.batch, s.hidden)] * len(CELLS[s.cell].cell.state):
            raise ValueError(f"its state has the shapes {[part.shape for part in parts]}")
        self.state = parts if len(parts) > 1 else parts[0]


def evaluate(model: LanguageModel, ids: Ids) -> float:
    """Return the mean negative log-likelihood, in nats, of all characters of a text but the first."""
    total, state = 0.0, None
    with no_grad():
        for x, y in windows_in_order(ids, 1, 256, drop_last=False):
            logits, state = model(x, state)
            total += cross_entropy(logits, y, reduction="sum").item()
    return total / (len(ids) - 1)
