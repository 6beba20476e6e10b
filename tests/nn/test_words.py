"""Words: what counts as one, the vocabulary, padding, batches of similar length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn.words import PAD, UNKNOWN, WordVocabulary, batches_by_length, pad, words

TEXTS = ["The film is good, the film is GOOD!", "The film isn't?", "a bad<br />film"]


@pytest.mark.parametrize(
    "text, found",
    [
        ("It's GOOD, good!", ["It's", "GOOD", "good", "!"]),
        ("one<br /><br/>two <br> three", ["one", "two", "three"]),
        ("naïve Käse\x85 10/10 ... '' (well-made)", ["naïve", "Käse", "10", "10", "well", "made"]),
        ("l’amour?!", ["l’amour", "?", "!"]),
        (" -- \n", []),
    ],
)
def test_words(text, found):
    """Letters, digits and apostrophes within make a word; ! and ? are words; marks of a web page are not."""
    assert [match[1] for match in words(text)] == found
    assert [text[slice(*match.span())] for match in words(text)] == found


def test_vocabulary():
    """The most frequent words in lower case, ties in the order of the alphabet, after <pad> and <unk>."""
    vocabulary = WordVocabulary.from_texts(TEXTS, size=10)
    assert vocabulary.symbols == (PAD, UNKNOWN, "film", "the", "good", "is")
    assert WordVocabulary.from_texts(TEXTS, size=3).symbols == (PAD, UNKNOWN, "film", "the", "good")
    assert "isn't" in WordVocabulary.from_texts(TEXTS, size=100, min_count=1).symbols
    ids = vocabulary.encode("The GOOD, the ugly")
    assert ids.tolist() == [3, 4, 3, 1] and ids.dtype == np.int64
    assert vocabulary.decode(ids) == ["the", "good", "the", UNKNOWN]
    assert vocabulary.encode("the good film", length=2).tolist() == [4, 2]
    assert vocabulary.encode(" . ").tolist() == [1]
    again = WordVocabulary.from_json(vocabulary.to_json())
    assert again == vocabulary and hash(again) == hash(vocabulary) and len(again) == 6
    assert again != WordVocabulary(["film"]) and "4 words" in repr(again)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: WordVocabulary(["a", "b", "a"]), "'a' comes twice"),
        (lambda: WordVocabulary(["a", UNKNOWN]), "'<unk>' comes twice"),
        (lambda: WordVocabulary([]), "at least one word"),
        (lambda: WordVocabulary.from_texts(["all words once"], 10), "at least one word"),
        (lambda: WordVocabulary.from_json({"a": 1}), "as a list of words"),
        (lambda: WordVocabulary.from_json(["a", 1]), "as a list of words"),
        (lambda: WordVocabulary(["a"]).decode([3]), "from 0 to 2, got 3 to 3"),
        (lambda: WordVocabulary(["a"]).decode([0.5]), "sequence of integers"),
        (lambda: pad([]), "no text"),
        (lambda: batches_by_length([1], 0, np.random.default_rng(0)), "at least 1"),
    ],
)
def test_mistakes(call, message):
    """Each is named."""
    with pytest.raises(ValueError, match=message):
        call()


def test_pad():
    """A column for each text, zeros below it."""
    ids, lengths = pad([np.array([5, 6]), np.array([7]), np.array([8, 9, 4])])
    assert ids.tolist() == [[5, 7, 8], [6, 0, 9], [0, 0, 4]] and lengths.tolist() == [2, 1, 3]


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), max_size=200), st.integers(1, 9), st.integers(0, 3))
def test_batches_hold_every_text_once(lengths, batch, seed):
    """Whatever the lengths; no batch is larger than asked for, and the seed decides the order."""
    batches = batches_by_length(lengths, batch, np.random.default_rng(seed))
    assert sorted(i for part in batches for i in part.tolist()) == list(range(len(lengths)))
    assert all(1 <= len(part) <= batch for part in batches)
    again = batches_by_length(lengths, batch, np.random.default_rng(seed))
    assert [part.tolist() for part in again] == [part.tolist() for part in batches]


def test_batches_are_shuffled_and_need_little_padding():
    """Another seed deals differently; within a batch the lengths are close, from batch to batch they are not sorted."""
    lengths = np.random.default_rng(0).integers(1, 200, 2000)
    first, second = (batches_by_length(lengths, 25, np.random.default_rng(seed)) for seed in (0, 1))
    assert {frozenset(part.tolist()) for part in first}.isdisjoint(frozenset(part.tolist()) for part in second)
    filled = sum(len(part) * lengths[part].max() for part in first)
    at_random = sum(25 * lengths[i : i + 25].max() for i in range(0, 2000, 25))
    assert filled < 1.1 * lengths.sum() < 1.8 * lengths.sum() < at_random
    longest = [lengths[part].max() for part in first]
    assert longest != sorted(longest)
