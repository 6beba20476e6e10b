"""Text as a sequence of words: vocabulary, padding, and batches of texts of about the same length.

Shapes: B texts side by side, T words of the longest of them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .text import checked

__all__ = ["PAD", "UNKNOWN", "WordVocabulary", "batches_by_length", "pad", "words"]

Ids = NDArray[np.int64]
PAD, UNKNOWN = "<pad>", "<unk>"
TOKEN = re.compile(r"<br\s*/?>|(\w+(?:['’]\w+)*|[!?])")  # web pages leave their line breaks in reviews
POOL = 16  # batches that are sorted by length together


def words(text: str) -> Iterator[re.Match[str]]:
    """Find the words of a text, `!` and `?` among them: `match[1]` is the word as written, `match.span()` its place."""
    return (match for match in TOKEN.finditer(text) if match[1])


class WordVocabulary:
    """The words that a model knows, in lower case, each with a number: its id.

    Id 0 is `<pad>`, which fills up short texts, and id 1 is `<unk>`, which stands for every word that is not known.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self.symbols = (PAD, UNKNOWN, *known)
        self._ids = {symbol: i for i, symbol in enumerate(self.symbols)}
        if len(self._ids) < len(self.symbols):
            twice = next(symbol for symbol, count in Counter(self.symbols).items() if count > 1)
            raise ValueError(f"a vocabulary has each word once, and {twice!r} comes twice")
        if len(self.symbols) == 2:
            raise ValueError("a vocabulary needs at least one word")

    @classmethod
    def from_texts(cls, texts: Iterable[str], size: int, min_count: int = 2) -> "WordVocabulary":
        """Make the vocabulary of the `size` most frequent words, those that occur `min_count` times or more.

        The frequent come first, equally frequent ones in the order of the alphabet. The rare ones that are left out
        are what `<unk>` is learned from, so min_count is best above 1.
        """
        counts = Counter(match[1].lower() for text in texts for match in words(text))
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls(word for word, count in ranked[:size] if count >= min_count)

    @classmethod
    def from_json(cls, value: Any) -> "WordVocabulary":
        """Make a vocabulary from what `to_json` returned. Raises ValueError for anything else."""
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise ValueError(f"expected a vocabulary as a list of words, got {value!r:.80}")
        return cls(value)

    def to_json(self) -> list[str]:
        """Return the vocabulary as a value that JSON can hold."""
        return list(self.symbols[2:])

    def __len__(self) -> int:
        return len(self.symbols)

    def __eq__(self, other: object) -> bool:
        return self.symbols == other.symbols if isinstance(other, WordVocabulary) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.symbols)

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self.symbols[2:7]))
        return f"WordVocabulary([{shown}{', ...' * (len(self) > 7)}])  # {len(self) - 2:,} words"

    def encode(self, text: str, length: int | None = None) -> Ids:
        """Return the id of each word of a text, shape (T,), int64; of a longer text than `length`, of its last words.

        The end is kept because the verdict tends to stand there. A text without any word becomes one `<unk>`.
        """
        unknown = self._ids[UNKNOWN]
        ids = [self._ids.get(match[1].lower(), unknown) for match in words(text)] or [unknown]
        return np.array(ids[-length:] if length else ids, dtype=np.int64)

    def decode(self, ids: ArrayLike) -> list[str]:
        """Return the words with these ids, a sequence of integers. Raises ValueError for any other id."""
        return [self.symbols[i] for i in checked(ids, len(self))]


def pad(texts: Sequence[Ids]) -> tuple[Ids, Ids]:
    """Put texts of different lengths side by side: their ids of shape (T, B), 0 (`<pad>`) below each, and the lengths.

    texts: B arrays of ids. The lengths have shape (B,). Raises ValueError if there is no text.
    """
    if not texts:
        raise ValueError("there is no text to pad")
    lengths = np.array([len(text) for text in texts])
    ids = np.zeros((lengths.max(), len(texts)), dtype=np.int64)
    for column, text in enumerate(texts):
        ids[: len(text), column] = text
    return ids, lengths


def batches_by_length(lengths: ArrayLike, batch: int, rng: np.random.Generator) -> list[Ids]:
    """Deal out the indices of texts of these lengths into batches, so that little has to be filled up with `<pad>`.

    The texts are shuffled and sorted by length within pools of 16 batches, then the batches are shuffled. Every index
    is in one batch; the last batch of the last pool may be smaller. Raises ValueError for a batch below 1.
    """
    if batch < 1:
        raise ValueError(f"batch must be at least 1, not {batch}")
    lengths = np.asarray(lengths)
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), POOL * batch):
        pool = order[start : start + POOL * batch]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + batch] for i in range(0, len(pool), batch)]
    return [batches[i] for i in rng.permutation(len(batches))]
