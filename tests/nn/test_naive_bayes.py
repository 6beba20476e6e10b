"""Naive Bayes."""

import math

import numpy as np
import pytest

from nn import naive_bayes, reviews


def test_log_odds_by_hand():
    """The worked formula: add-one smoothing over both classes' words, the prior, unknown words left out."""
    texts, labels = ["good good film", "bad film", "Bad bad plot"], [1, 0, 0]
    # Class 1: good 2, film 1, of 3 words. Class 0: bad 3, film 1, plot 1, of 5. Four different words.
    prior = math.log(1 / 2)
    expected = [prior + math.log(3 / 7 * 9 / 1) + math.log(2 / 7 * 9 / 2), prior + math.log(1 / 7 * 9 / 4), prior]
    odds = naive_bayes.log_odds(texts, labels, ["GOOD film", "bad", "never seen"])
    np.testing.assert_allclose(odds, expected, rtol=1e-12)
    assert naive_bayes.accuracy(texts, labels, ["good film", "bad", "good"], [1, 0, 0]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("labels", [[0, 0], [1, 2], [1, -1]])
def test_other_classes_are_refused(labels):
    """Two classes, 0 and 1, must both have been seen."""
    with pytest.raises(ValueError, match="classes 0 and 1"):
        naive_bayes.log_odds(["a", "b"], labels, ["a"])


@pytest.mark.parametrize("source, floor", [("uci", 0.83), ("rt", 0.77)])
def test_floors(source, floor):
    """On the texts that come with the package it reaches what is known of it."""
    train, test = reviews.split(reviews.read(source)[0], 0.2, np.random.default_rng(0))
    assert naive_bayes.accuracy(*train, *test) == pytest.approx(floor, abs=0.015)
