"""Naive Bayes: the accuracy that counting words alone reaches, and that a trained model should beat."""

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .words import words

__all__ = ["accuracy", "log_odds"]


def accuracy(train_texts: Iterable[str], train_labels: ArrayLike, texts: Iterable[str], labels: ArrayLike) -> float:
    """Return the part of `texts` that naive Bayes, which has counted in `train_texts`, judges right; labels 0 or 1."""
    return float(np.mean((log_odds(train_texts, train_labels, texts) > 0) == np.asarray(labels)))


def log_odds(train_texts: Iterable[str], train_labels: ArrayLike, texts: Iterable[str]) -> NDArray[np.float64]:
    """Return log p(1 | text) - log p(0 | text) of each text, by multinomial naive Bayes with add-one smoothing.

    With N_k the training texts of class k, n_k(w) how often word w occurs in them, n_k all their words, V the
    different words of both classes, and w over the words of the text, those that were never counted left out,

        log p(k | text) = log N_k + Σ_w log (n_k(w) + 1) / (n_k + V) + a constant

    Christopher Manning, Prabhakar Raghavan and Hinrich Schütze, "Introduction to Information Retrieval", 2008,
    section 13.2. Raises ValueError unless both classes, 0 and 1, occur among the labels, and no other.
    """
    labels = np.asarray(train_labels).tolist()
    if set(labels) != {0, 1}:
        raise ValueError(f"naive Bayes needs texts of the classes 0 and 1, got the classes {sorted(set(labels))}")
    counts: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    for text, label in zip(train_texts, labels, strict=True):
        counts[label].update(match[1].lower() for match in words(text))
    known = counts[0].keys() | counts[1].keys()
    total = [count.total() + len(known) for count in counts]
    prior = math.log(labels.count(1) / labels.count(0))
    weight = {
        word: math.log((counts[1][word] + 1) / total[1]) - math.log((counts[0][word] + 1) / total[0]) for word in known
    }
    return np.array([prior + math.fsum(weight.get(match[1].lower(), 0.0) for match in words(text)) for text in texts])
