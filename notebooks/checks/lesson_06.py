"""A language model of a real book: perplexity, discounted counts, temperature."""

import numpy as np

from .check import Check


def softmax(z):
    p = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def of_the_right_ones(z, y):
    return softmax(z)[np.arange(len(y)), y]


check_perplexity = Check(
    right=lambda z, y: np.exp(-np.log(of_the_right_ones(z, y)).mean()),
    cases=[
        (np.log([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.125, 0.375, 0.5]]), np.array([0, 0, 0])),
        (np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 3.0], [-1.0, 1.0, 0.5], [0.0, 0.0, 0.0]]), np.array([1, 2, 1, 0])),
        (np.array([[1000.0, 999.0], [-1000.0, -998.0]]), np.array([1, 1])),
    ],
    results=("the perplexity",),
    mistakes=[
        (lambda z, y: -np.log(of_the_right_ones(z, y)).mean(), "That is the mean in nats, the loss. The perplexity is "
         "its exponential."),
        (lambda z, y: 1 / of_the_right_ones(z, y).mean(), "You average the probabilities. Probabilities of one "
         "character after the other multiply, so average their logarithms."),
        (lambda z, y: np.exp(-np.log(of_the_right_ones(z, y)).sum()), "That is 1 over the probability of the whole "
         "text. Take the mean over the characters, not the sum."),
        (lambda z, y: np.exp(-np.log(softmax(z)).mean()), "Only the character that came counts, not all that might "
         "have: p[t, y[t]]."),
        (lambda z, y: np.exp(-z[np.arange(len(y)), y].mean()), "z are logits. They become log-probabilities when you "
         "subtract the logarithm of the sum of exp(z)."),
    ],
    praise="Between so many characters, all equally likely, one would hesitate as much.",
)  # fmt: skip


def discounted(counts, lower, D, floor=True, types=True, discount=True):
    kept = counts - D * (counts > 0 if floor else 1) if discount else counts
    return (kept + D * ((counts > 0).sum() if types else 1) * lower) / counts.sum()


check_discounted = Check(
    right=lambda counts, lower, D: discounted(counts, lower, D),
    cases=[
        (np.array([2.0, 1.0, 0.0]), np.array([0.5, 0.25, 0.25]), 0.75),
        (np.array([0.0, 5.0, 1.0, 1.0, 3.0]), np.array([0.1, 0.2, 0.3, 0.2, 0.2]), 0.5),
        (np.array([0.0, 4.0]), np.array([0.9, 0.1]), 0.75),
    ],
    results=("p",),
    mistakes=[
        (lambda counts, lower, D: counts / counts.sum(), "Without a discount, what was never seen has probability 0, "
         "and one such character makes the perplexity infinite."),
        (lambda counts, lower, D: discounted(counts, lower, D, floor=False), "A count of 0 has nothing to give: "
         "max(count - D, 0)."),
        (lambda counts, lower, D: discounted(counts, lower, D, types=False), "This does not add up to 1. Each "
         "character that was seen has given D, so D times their number goes to the shorter context."),
        (lambda counts, lower, D: discounted(counts, lower, D, discount=False), "This adds up to more than 1: what you "
         "hand to the shorter context must be taken from the counts."),
        (lambda counts, lower, D: np.maximum(counts - D, 0) / counts.sum(), "This adds up to less than 1: hand what "
         "was taken to the shorter context, D * T * lower."),
    ],
    praise="It adds up to 1, and nothing is impossible.",
)  # fmt: skip


check_temperature = Check(
    right=lambda z, tau: softmax(z / tau),
    cases=[
        (np.array([2.0, 1.0, 0.0]), 1.0),
        (np.array([2.0, 1.0, 0.0]), 0.5),
        (np.array([0.0, -1.0, 3.0, 3.0]), 2.0),
        (np.array([1000.0, 999.0]), 0.5),
    ],
    results=("p",),
    mistakes=[
        (lambda z, tau: softmax(z * tau), "You multiply by the temperature: now heat makes it sure of itself. Divide."),
        (lambda z, tau: softmax(z) / tau, "These don't add up to 1. Divide the logits, before the exponential."),
        (lambda z, tau: softmax(z), "Where does tau come in?"),
        (lambda z, tau: z / tau / np.sum(z / tau), "The exponential is missing; logits may be negative."),
    ],
    praise="tau below 1 sharpens, above 1 flattens, and the order of the characters stays.",
)  # fmt: skip
