"""n-gram perplexities."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn.ngram import floors, probabilities
from nn.text import Vocabulary, split, time_machine

V = 4
IDS = st.lists(st.integers(0, V - 1), max_size=40).map(lambda ids: np.array(ids, dtype=np.int64))


@given(IDS, st.integers(0, 5))
def test_probabilities_add_up(train, order):
    """Whatever was counted and whatever stands before it, the probabilities of the next character sum to 1."""
    p = [probabilities(train, np.array([c]), V, order)[0] for c in range(V)]
    assert min(p) > 0
    assert sum(p) == pytest.approx(1)


def kneser_ney(train, h, c, order, k=None):
    """Spell the formula out with strings and sets, for comparison."""
    k = order if k is None else k
    if k == 0:
        return 1 / V
    h = h[len(h) - (k - 1) :] if k > 1 else ""
    places = range(len(train))

    def count(gram):
        if k == order:
            return sum(train.startswith(gram, i) for i in places)
        return len({train[i - 1] for i in places if i > 0 and train.startswith(gram, i)})

    lower = kneser_ney(train, h[1:], c, order, k - 1)
    counts = [count(h + d) for d in "0123"]
    if sum(counts) == 0:
        return lower
    return (max(counts[int(c)] - 0.75, 0) + 0.75 * sum(n > 0 for n in counts) * lower) / sum(counts)


@pytest.mark.parametrize("order", range(5))
def test_against_the_formula(order):
    """Counting with arrays gives what counting substrings gives, at every position of the text that follows."""
    rng = np.random.default_rng(order)
    train, ids = rng.integers(0, V, 60) * rng.integers(0, 2, 60), rng.integers(0, V, 30)
    text = "".join(map(str, [*train, *ids]))
    expected = [kneser_ney(text[:60], text[:i], text[i], order) for i in range(60, 90)]
    np.testing.assert_allclose(probabilities(train, ids, V, order), expected, rtol=1e-12)


def test_low_orders():
    """Order 0 knows the size of the alphabet only; order 1 the frequencies; order 2 masters an alternating text."""
    train, validation = np.array([0, 1] * 500), np.array([0, 1] * 50)
    floor = floors(train, validation, V, orders=range(3))
    assert floor[0] == pytest.approx(V)
    assert floor[1] == pytest.approx(2, rel=1e-2)
    assert floor[2] == pytest.approx(1, rel=1e-2)


def test_unseen_characters():
    """A character that the training text lacks is unlikely, not impossible."""
    assert np.isfinite(floors(np.zeros(100, dtype=np.int64), np.array([0, 3]), V)[3])


def test_the_book():
    """On The Time Machine each order up to 5 is better than the one before, and 5 comes below a perplexity of 5."""
    text = time_machine()
    vocabulary = Vocabulary.from_text(text)
    floor = floors(*map(vocabulary.encode, split(text)), len(vocabulary))
    assert list(floor) == [0, 1, 2, 3, 4, 5]
    assert all(floor[a] > floor[b] for a, b in itertools.pairwise(floor))
    assert floor[0] == pytest.approx(70) and 4 < floor[5] < 5


def test_refuses():
    """An empty validation text, an id out of range and a negative order are errors."""
    ids = np.array([0, 1, 2])
    for arguments in [(ids, ids[:0], V), (ids, ids, 2), (ids, -ids, V), (ids, ids, V, [-1])]:
        with pytest.raises(ValueError):
            floors(*arguments)
