"""Character n-grams: the perplexity that counting alone reaches, and that a trained model should beat."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .text import perplexity

__all__ = ["floors", "probabilities"]

DISCOUNT = 0.75


def floors(
    train_ids: NDArray[np.int64],
    validation_ids: NDArray[np.int64],
    vocab_size: int,
    orders: Iterable[int] = range(6),
) -> dict[int, float]:
    """Return for each order n the perplexity on the validation text of n-grams counted in the training text.

    Order 0 takes all characters for equally likely, order 1 looks at the character alone, order n at the n - 1
    characters before it too. See `probabilities`.
    """
    if not len(validation_ids):
        raise ValueError("the validation text is empty")
    return {n: perplexity(-np.log(probabilities(train_ids, validation_ids, vocab_size, n)).mean()) for n in orders}


def probabilities(
    train_ids: NDArray[np.int64], ids: NDArray[np.int64], vocab_size: int, order: int
) -> NDArray[np.float64]:
    """Return the probability of each character of `ids`, given those before it, by interpolated Kneser-Ney.

    `ids`, shape (n,), goes on where `train_ids`, in which the n-grams are counted, ends. With h the k - 1 characters
    before c, h' the same without the first, T(h) the number of different characters counted after h, D = 0.75,

        p_k(c | h) = (max(count(hc) - D, 0) + D T(h) p_{k-1}(c | h')) / sum_c count(hc),    p_0(c) = 1 / vocab_size

    and p_k = p_{k-1} where h was never counted. At k = order, count(hc) is how often hc occurs; below, in how many
    different characters it is preceded by. Over all c, p_k adds up to 1.

    Reinhard Kneser and Hermann Ney, "Improved backing-off for m-gram language modeling", ICASSP 1995; in this form,
    Dan Jurafsky and James H. Martin, "Speech and Language Processing", 3rd edition, section on Kneser-Ney smoothing.
    """
    if order < 0:
        raise ValueError(f"the order of an n-gram is 0 or more, not {order}")
    text = np.concatenate([train_ids, ids])
    if len(text) and not 0 <= text.min() <= text.max() < vocab_size:
        raise ValueError(f"expected ids from 0 to {vocab_size - 1}, got {text.min()} to {text.max()}")
    end = len(train_ids)
    # grams[k][i] numbers the k characters that end at position i; equal numbers, equal characters.
    # np.roll wraps round, but only into positions that have fewer than k characters and are never counted.
    grams = [np.zeros_like(text)]
    for _ in range(order):
        grams.append(np.unique(np.roll(grams[-1], 1) * vocab_size + text, return_inverse=True)[1])
    p = np.full(len(ids), 1 / vocab_size)
    for k in range(1, order + 1):
        gram, context = grams[k], np.roll(grams[k - 1], 1)
        counted = np.arange(k - 1, end)
        if k < order:  # one position for each different (k + 1)-gram
            counted = k + np.unique(grams[k + 1][k:end], return_index=True)[1]
        different = counted[np.unique(gram[counted], return_index=True)[1]]
        count = np.bincount(gram[counted], minlength=len(text))[gram[end:]]
        total = np.bincount(context[counted], minlength=len(text))[context[end:]]
        types = np.bincount(context[different], minlength=len(text))[context[end:]]
        interpolated = np.maximum(count - DISCOUNT, 0) + DISCOUNT * types * p
        p = np.divide(interpolated, total, out=p.copy(), where=total > 0)
    return p
