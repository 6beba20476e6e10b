"""Train a classifier of opinions on labelled texts."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd import Tensor, no_grad

from .loss import binary_cross_entropy_with_logits
from .reviews import Reviews, split
from .sentiment_classifier import SentimentClassifier
from .train import Run, Settings
from .words import Ids, WordVocabulary, batches_by_length, pad


@dataclass(frozen=True)
class SentimentSettings(Settings):
    """What a run is determined by, besides the texts.

    held_out: the part to test with, if no texts are set apart for it; validation: the part of the others that tells
    which epoch is best. length: how many words of a text are read, its last ones.
    """

    hidden: int = 64
    epochs: int = 10
    lr: float = 3e-3
    held_out: float = 0.2
    validation: float = 0.1
    pooling: str = "last"
    dropout: float = 0.5
    length: int = 200
    words: int = 10_000


class SentimentRun(Run):
    """A training run on labelled texts: (reviews, those to test with or None), as `nn.reviews.read` returns them.

    `learned` are all texts that are not for testing, with those that only validate; the words come from the others.
    """

    task = "sentiment"
    settings_type, vocabulary_type = SentimentSettings, WordVocabulary

    def __init__(self, data: tuple[Reviews, Reviews | None], settings: SentimentSettings):
        reviews, test = data
        digest = hashlib.sha256()
        for texts, labels in filter(None, data):
            digest.update(labels.astype("<i8").tobytes())
            for text in texts:
                digest.update(hashlib.sha256(text.encode()).digest())
        rng = np.random.default_rng(settings.seed)
        self.learned, self.test = (reviews, test) if test is not None else split(reviews, settings.held_out, rng)
        train, validation = split(self.learned, settings.validation, rng)
        vocabulary = WordVocabulary.from_texts(train.texts, settings.words)
        super().__init__(settings, vocabulary, digest.hexdigest())
        self.train_ids, self.train_labels = self.encode(train)
        self.validation = self.encode(validation)
        self.excerpt = validation.texts[0]

    @staticmethod
    def build(settings: SentimentSettings, vocabulary: WordVocabulary, rng: np.random.Generator) -> SentimentClassifier:
        s = settings
        return SentimentClassifier(
            len(vocabulary), s.hidden, s.embedding, s.cell, s.layers, s.pooling, s.dropout, rng=rng, dtype=np.float32
        )

    def encode(self, reviews: Reviews) -> tuple[list[Ids], NDArray[np.float32]]:
        """Return the ids of each text's words, and the labels as the loss takes them."""
        ids = [self.vocabulary.encode(text, self.settings.length) for text in reviews.texts]
        return ids, reviews.labels.astype(np.float32)

    def batches(self) -> list[Ids]:
        rng = np.random.default_rng([self.settings.seed, self.epoch])
        return batches_by_length([len(ids) for ids in self.train_ids], self.settings.batch, rng)

    def loss(self, batch: Ids) -> tuple[Tensor, int]:
        z = self.model(*pad([self.train_ids[i] for i in batch]))
        return binary_cross_entropy_with_logits(z, self.train_labels[batch]), len(batch)

    def validate(self) -> dict[str, float]:
        loss, accuracy = evaluate(self.model, *self.validation)
        return {"validation_loss": loss, "validation_accuracy": accuracy}

    def describe(self, row: Mapping[str, float]) -> str:
        loss, accuracy = row["validation_loss"], row["validation_accuracy"]
        return f"loss {row['loss']:.3f} in training; in validation {loss:.3f}, {accuracy:.1%} right"

    def metadata(self) -> dict[str, Any]:
        return {"excerpt": self.excerpt}

    @staticmethod
    def check(metadata: dict[str, Any], vocabulary: WordVocabulary) -> None:
        if not isinstance(metadata["excerpt"], str):
            raise ValueError("its sample of a text is none")


def evaluate(model: SentimentClassifier, texts: list[Ids], labels: NDArray[np.float32]) -> tuple[float, float]:
    """Return the mean loss, in nats, of a model's judgement of texts, and the part of them that it judges right."""
    order = np.argsort([len(ids) for ids in texts], kind="stable")
    loss, right = 0.0, 0
    with no_grad():
        for start in range(0, len(order), 64):
            batch = order[start : start + 64]
            z = model(*pad([texts[i] for i in batch]))
            loss += binary_cross_entropy_with_logits(z, labels[batch], reduction="sum").item()
            right += int(((z.data > 0) == labels[batch]).sum())
    return loss / len(texts), right / len(texts)
