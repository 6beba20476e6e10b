"""Sentiment: what a word weighs by counting, pooling with padding, the gradient by word."""

import numpy as np

from autograd import Tensor, grad

from .check import Check


def log_ratio(n_1, n_0, one=1.0, words=True, total=True):
    sums = [n.sum() + words * len(n) if total else 1.0 for n in (n_1, n_0)]
    return np.log((n_1 + one) / sums[0]) - np.log((n_0 + one) / sums[1])


check_word_weights = Check(
    right=lambda n_1, n_0: log_ratio(n_1, n_0),
    cases=[
        (np.array([2.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0])),
        (np.array([5.0, 1.0, 2.0, 9.0]), np.array([3.0, 4.0, 1.0, 1.0])),
    ],
    results=("weights",),
    mistakes=[
        (lambda n_1, n_0: log_ratio(n_0, n_1), "The sign is turned: a word of positive texts weighs more than 0."),
        (lambda n_1, n_0: log_ratio(n_1, n_0, words=False), "Each of the V words got 1 more, so the total has V more."),
        (lambda n_1, n_0: log_ratio(n_1, n_0, total=False), "Divide each count by its class's total: where more is "
         "said, each word is said more often."),
        (lambda n_1, n_0: np.exp(log_ratio(n_1, n_0)), "That is the ratio. Its logarithm is what adds up over the "
         "words of a text."),
    ],
    praise="One number for each word, to be added up: the simplest judge there is.",
)  # fmt: skip

random = np.random.default_rng(7)
OUTPUTS = [(random.normal(size=(4, 3, 2)), np.array([2, 4, 1])), (random.normal(size=(3, 2, 3)), np.array([3, 1]))]


def mean_of(h, lengths, reach=0, divide=True):
    mask = np.arange(len(h))[:, None] < lengths + reach
    return (h * mask[:, :, None]).sum(axis=0) / (lengths[:, None] if divide else 1)


check_mean_pooling = Check(
    right=lambda h, lengths: mean_of(h, lengths),
    cases=OUTPUTS,
    results=("pooled",),
    mistakes=[
        (lambda h, lengths: h.mean(axis=0), "The states beyond a text's end are in your mean."),
        (lambda h, lengths: mean_of(h, lengths, divide=False) / len(h), "The sum is right. Divide it by the text's own "
         "length, not by that of the longest."),
        (lambda h, lengths: mean_of(h, lengths, divide=False), "That is the sum; long texts would shout."),
        (lambda h, lengths: mean_of(h, lengths, reach=1), "One step too many: steps are counted from 0, so the last "
         "word of a text of n words is at n - 1."),
    ],
    praise="What stands beyond the end changes nothing.",
)  # fmt: skip

check_last_state = Check(
    right=lambda h, lengths: h[lengths - 1, np.arange(len(lengths))],
    cases=OUTPUTS,
    results=("last",),
    mistakes=[
        (lambda h, lengths: h[-1], "That is the state after the padding. A text of n words ends at step n - 1."),
        (lambda h, lengths: h[lengths - 1], "This picks whole steps, for all texts. Text b wants its own: two indices, "
         "h[steps, texts]."),
        (lambda h, lengths: h[np.minimum(lengths, len(h) - 1), np.arange(len(lengths))], "One step too far: steps are "
         "counted from 0."),
    ],
    praise="Each text is judged when it has ended.",
)  # fmt: skip


def linear(x):
    return np.sum(x * np.array([1.0, -2.0]))


def mixed(x):
    return np.sum(np.tanh(x[0] + 0.5 * x[1])) * x[1, 0]


def gradient(judge, vectors):
    x = Tensor(vectors, requires_grad=True)
    return grad(judge(x), [x])[0].data


check_by_word = Check(
    right=lambda judge, vectors: (gradient(judge, vectors) * vectors).sum(axis=1),
    cases=[(judge, np.array(v)) for judge in (linear, mixed)
           for v in ([[0.5, 1.0], [-1.0, 0.25]], [[0.0, 2.0], [1.0, -1.0]])],
    results=("scores",),
    mistakes=[
        (lambda judge, vectors: gradient(judge, vectors).sum(axis=1), "That says what happens if 1 is added to all of "
         "a word's numbers. Multiply the gradient by the vector before you sum."),
        (lambda judge, vectors: np.linalg.norm(gradient(judge, vectors), axis=1), "A norm has lost the sign: for or "
         "against?"),
        (lambda judge, vectors: (gradient(judge, vectors) * vectors).sum(axis=0), "One number for each word: sum over "
         "axis 1, the numbers of a word."),
        (lambda judge, vectors: (gradient(judge, vectors) * vectors).mean(axis=1), "Sum, don't average: if all numbers "
         "of the word go to 0, their effects add up."),
    ],
    praise="To first order, this is by how much z would fall without the word.",
)  # fmt: skip
