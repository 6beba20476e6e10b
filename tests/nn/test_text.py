"""Reading texts, vocabularies, windows and generation."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Tensor
from nn.text import (
    Vocabulary,
    generate,
    letters,
    perplexity,
    read_text,
    split,
    time_machine,
    windows,
    windows_in_order,
)


def test_book():
    """The shipped book is D2L's file, byte for byte."""
    book = time_machine()
    assert hashlib.sha1(book.encode()).hexdigest() == "090b5e7e70c295757f55df93cb0a180b9691891a"
    assert book.startswith("The Time Machine, by H. G. Wells")


def test_letters():
    """D2L's preparation leaves 173,428 characters of 27 kinds, and 28 symbols with <unk>, as the book prints."""
    text = letters(time_machine())
    assert text.startswith("the time machine by h g wells i the time traveller for so it will be conv")
    vocabulary = Vocabulary.from_text(text, unknown="<unk>")
    assert (len(text), len(vocabulary)) == (173_428, 28)
    assert vocabulary.symbols[:3] == (" ", "<unk>", "a")


@pytest.mark.parametrize(
    "content, text",
    [
        (b"abc\n", "abc\n"),
        (b"\xef\xbb\xbfabc", "abc"),
        (b"a\r\nb\rc", "a\nb\nc"),
        ("Zürich 🕰".encode(), "Zürich 🕰"),
    ],
)
def test_read_text(tmp_path, content, text):
    """Line ends become line feeds and a byte order mark goes; other characters stay."""
    (tmp_path / "a.txt").write_bytes(content)
    assert read_text(tmp_path / "a.txt") == text


@pytest.mark.parametrize(
    "content, message",
    [(b"", "a.txt is empty"), (b"\xef\xbb\xbf", "a.txt is empty"), (b"abc\xff\xfe", r"0xff at position 3")],
)
def test_read_text_refuses(tmp_path, content, message):
    """An empty file and one that is no text are refused with a reason."""
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_text(tmp_path / "a.txt")


def test_read_text_without_a_file(tmp_path):
    """A missing file and a folder are told apart."""
    with pytest.raises(FileNotFoundError, match="none.txt does not exist"):
        read_text(tmp_path / "none.txt")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_text(tmp_path)


@settings(deadline=None)
@given(st.text(min_size=1), st.sampled_from([None, "<unk>"]))
def test_vocabulary_round_trip(text, unknown):
    """Any text comes back from its ids, and a vocabulary from JSON."""
    vocabulary = Vocabulary.from_text(text, unknown)
    ids = vocabulary.encode(text)
    assert ids.shape == (len(text),) and ids.dtype == np.int64
    assert vocabulary.decode(ids) == text
    assert len(vocabulary) == len(set(text)) + (unknown is not None)
    again = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    assert again == vocabulary and hash(again) == hash(vocabulary)


def test_vocabulary_is_sorted():
    """Ids don't depend on the order in which the characters come."""
    assert Vocabulary("hello") == Vocabulary("lohe") != Vocabulary("lohe", unknown="?")
    np.testing.assert_array_equal(Vocabulary("hello").encode("hello"), [1, 0, 2, 2, 3])


def test_unknown_characters():
    """A character that is not known is named with its position, or takes the place kept for it."""
    with pytest.raises(ValueError, match=r"character 'z' at position 2 is not .* its 3 characters are 'abc'"):
        Vocabulary("abc").encode("abzaz")
    vocabulary = Vocabulary("abc", unknown="?")
    assert vocabulary.decode(vocabulary.encode("abzaz")) == "ab?a?"


@pytest.mark.parametrize("ids", [[3], [-1], [0.5], [[0]]])
def test_decode_refuses(ids):
    """What is not an id is refused, also a negative number, which Python would count from the end."""
    with pytest.raises(ValueError):
        Vocabulary("abc").decode(ids)


@pytest.mark.parametrize("characters, unknown", [([], None), (["ab"], None), ([1], None), ("ab", "a")])
def test_vocabulary_refuses(characters, unknown):
    """A vocabulary holds single characters, at least one, and a symbol of its own for the unknown ones."""
    with pytest.raises(ValueError):
        Vocabulary(characters, unknown)


@pytest.mark.parametrize("value", [None, {}, "abc", {"characters": "abc"}, {"characters": ["a"], "unknown": None}])
def test_vocabulary_from_damaged_json(value):
    """A value of another form is refused."""
    with pytest.raises(ValueError, match="expected a vocabulary"):
        Vocabulary.from_json(value)


def test_split():
    """The validation text is the end of the text, as a string or as ids."""
    assert split("abcdefghij", 0.3) == ("abcdefg", "hij")
    train, validation = split(np.arange(100))
    np.testing.assert_array_equal(train, np.arange(90))
    np.testing.assert_array_equal(validation, np.arange(90, 100))


@pytest.mark.parametrize(
    "text, held_out, message",
    [
        ("ab" * 9, 0.05, "leaves 1 for validation"),
        ("abc", 0.9, "leaves 0 for training"),
        ("abcd", 0.0, "between 0 and 1"),
        ("abcd", 1.0, "between 0 and 1"),
        ("abcd", float("nan"), "between 0 and 1"),
    ],
)
def test_split_refuses(text, held_out, message):
    """The error says which part came out too short."""
    with pytest.raises(ValueError, match=message):
        split(text, held_out)


@settings(deadline=None)
@given(st.integers(2, 200), st.integers(1, 9), st.integers(1, 9))
def test_windows_in_order(n, batch, steps):
    """Side by side, the windows give each piece of the text back, y one ahead of x; only the stated ends are lost."""
    ids = np.arange(n)
    length = (n - 1) // batch
    if length == 0:
        with pytest.raises(ValueError, match="too short"):
            windows_in_order(ids, batch, steps, drop_last=False)
        return
    pairs = list(windows_in_order(ids, batch, steps, drop_last=False))
    for x, y in pairs:
        np.testing.assert_array_equal(y, x + 1)
    x = np.concatenate([x for x, _ in pairs])
    np.testing.assert_array_equal(x.T.ravel(), ids[: batch * length])
    if length >= steps:
        full = list(windows_in_order(ids, batch, steps))
        assert len(full) == length // steps and all(x.shape == y.shape == (steps, batch) for x, y in full)
        np.testing.assert_array_equal(np.concatenate([x for x, _ in full]), x[: len(full) * steps])


def test_windows_in_order_too_short():
    """The error gives the numbers, at once, not when the first window is asked for."""
    assert len(list(windows_in_order(np.arange(13), 3, 4))) == 1
    with pytest.raises(ValueError, match="3 windows of 4 steps side by side need 13 characters, it has 12"):
        windows_in_order(np.arange(12), 3, 4)
    with pytest.raises(ValueError, match="batch must be at least 1, not 0"):
        windows_in_order(np.arange(12), 0, 4)


def test_windows():
    """Window i begins at position i."""
    x, y = windows(np.arange(20), 3, 7, 5)
    assert x.shape == y.shape == (4, 5)
    np.testing.assert_array_equal(x[1], [4, 5, 6, 7, 8])
    np.testing.assert_array_equal(y[1], [5, 6, 7, 8, 9])
    assert windows(np.arange(20), 0, 15, 5)[1][-1, -1] == 19
    for start, stop, steps in [(0, 16, 5), (3, 3, 5), (-1, 3, 5), (0, 3, 0)]:
        with pytest.raises(ValueError):
            windows(np.arange(20), start, stop, steps)


class Cyclic:
    """A model of the text abcabc...: after each character the next is likely, and its state counts the steps."""

    def __init__(self):
        self.calls = []

    def __call__(self, x, state):
        self.calls.append((x.shape, state))
        logits = np.zeros((*x.shape, 3), dtype=np.float32)
        for t, i in enumerate(x[:, 0]):
            logits[t, 0, (i + 1) % 3] = 2.0
        return Tensor(logits), (state or 0) + len(x)


def test_generate_takes_the_likeliest():
    """At temperature 0 the model's first choice is taken; the prefix is read in one call, then one step a call."""
    model = Cyclic()
    assert generate(model, Vocabulary("abc"), "abca", 5, temperature=0) == "abcabcabc"
    assert model.calls == [((4, 1), None), ((1, 1), 4), ((1, 1), 5), ((1, 1), 6), ((1, 1), 7)]
    assert generate(model, Vocabulary("abc"), "b", 0) == "b"


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 1e-300])
def test_generate_draws_by_the_softmax(temperature):
    """The likeliest character comes as often as the softmax at this temperature says, to four standard errors."""
    n = 2000
    text = generate(Cyclic(), Vocabulary("abc"), "a", n, temperature, np.random.default_rng(0))
    followed = np.mean([(ord(b) - ord(a)) % 3 == 1 for a, b in zip(text, text[1:], strict=False)])
    with np.errstate(over="ignore"):
        p = 1 / (1 + 2 * np.exp(np.float64(-2) / temperature))
    assert abs(followed - p) <= 4 * np.sqrt(p * (1 - p) / n)


def test_generate_is_repeatable():
    """The same generator state writes the same text."""
    a, b, c = (generate(Cyclic(), Vocabulary("abc"), "a", 40, 2.0, np.random.default_rng(s)) for s in (1, 1, 2))
    assert a == b != c


@pytest.mark.parametrize(
    "prefix, n, temperature, message",
    [
        ("", 5, 1.0, "prefix is empty"),
        ("abx", 5, 1.0, r"in the prefix 'abx': character 'x' at position 2"),
        ("a", -1, 1.0, "can't be negative, got -1"),
        ("a", 5, -0.5, "temperature must be 0 or more, not -0.5"),
        ("a", 5, float("nan"), "temperature"),
    ],
)
def test_generate_refuses(prefix, n, temperature, message):
    """Bad arguments are refused before the model runs."""
    model = Cyclic()
    with pytest.raises(ValueError, match=message):
        generate(model, Vocabulary("abc"), prefix, n, temperature)
    assert not model.calls


def test_generate_from_a_diverged_model():
    """Logits that are NaN raise instead of being drawn from."""
    with pytest.raises(ValueError, match="not finite"):
        generate(lambda x, state: (Tensor(np.full((*x.shape, 3), np.nan)), None), Vocabulary("abc"), "a", 1)


def test_perplexity():
    """A uniform guess among V characters has perplexity V; a hopeless one is infinite, not an error."""
    assert perplexity(np.log(28)) == pytest.approx(28)
    assert perplexity(0) == 1
    assert perplexity(1e6) == np.inf
