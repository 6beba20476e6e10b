"""Text as a sequence of characters: reading, vocabulary, windows for training, and writing new text.

Shapes: T steps of a window, B texts read side by side, N windows, V symbols in the vocabulary.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd import Tensor, no_grad

__all__ = [
    "Vocabulary",
    "generate",
    "letters",
    "perplexity",
    "read_text",
    "split",
    "time_machine",
    "windows",
    "windows_in_order",
]

Ids = NDArray[np.int64]
Sequence = TypeVar("Sequence", str, Ids)


def time_machine() -> str:
    """Return H. G. Wells' *The Time Machine* (1895), which comes with the package; see data/README.md."""
    return (resources.files(__package__) / "data" / "timemachine.txt").read_text(encoding="utf-8")


def read_text(path: str | PathLike[str]) -> str:
    r"""Read a text file in UTF-8. Line ends become `\n`; a byte order mark is dropped.

    Raises FileNotFoundError, IsADirectoryError or another OSError for a file that cannot be read, and ValueError
    for one that is empty or is not UTF-8, naming the first bad byte.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected a text file")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; expected a text file")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte {content[error.start]:#04x} at position {error.start} ({error.reason}); "
            "if it is a text, save it as UTF-8"
        ) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        raise ValueError(f"{path} is empty; expected a text")
    return text


def letters(text: str) -> str:
    """Replace each run of anything but A to Z by one space, and return the text in lower case.

    This is how D2L prepares The Time Machine: https://d2l.ai/chapter_recurrent-neural-networks/text-sequence.html
    """
    return re.sub("[^A-Za-z]+", " ", text).lower()


class Vocabulary:
    """The characters that a model knows, each with a number: its id.

    Ids follow the order of the sorted symbols, so the same characters always get the same ids. With `unknown`, one
    more symbol (`"<unk>"` in D2L) takes the place of every character that is not known.
    """

    def __init__(self, characters: Iterable[str], unknown: str | None = None) -> None:
        known = set(characters)
        for character in known:
            if not isinstance(character, str) or len(character) != 1:
                raise ValueError(f"a vocabulary is made of single characters, not {character!r}")
        if not known:
            raise ValueError("a vocabulary needs at least one character")
        if unknown in known:
            raise ValueError(f"unknown={unknown!r} is also one of the characters; choose another symbol")
        self.unknown = unknown
        self.symbols = tuple(sorted(known | {unknown} if unknown is not None else known))
        self._ids = {symbol: i for i, symbol in enumerate(self.symbols)}

    @classmethod
    def from_text(cls, text: str, unknown: str | None = None) -> "Vocabulary":
        """Make the vocabulary of all characters that occur in `text`."""
        return cls(text, unknown)

    @classmethod
    def from_json(cls, value: Any) -> "Vocabulary":
        """Make a vocabulary from what `to_json` returned. Raises ValueError for anything else."""
        match value:
            case {"characters": str(characters), "unknown": None | str() as unknown}:
                return cls(characters, unknown)
        raise ValueError(f"expected a vocabulary as {{'characters': text, 'unknown': text or None}}, got {value!r:.80}")

    def to_json(self) -> dict[str, str | None]:
        """Return the vocabulary as a value that JSON can hold."""
        return {"characters": "".join(s for s in self.symbols if s != self.unknown), "unknown": self.unknown}

    def __len__(self) -> int:
        return len(self.symbols)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return (self.symbols, self.unknown) == (other.symbols, other.unknown)

    def __hash__(self) -> int:
        return hash((self.symbols, self.unknown))

    def __repr__(self) -> str:
        return f"Vocabulary({''.join(s for s in self.symbols if s != self.unknown)!r}, unknown={self.unknown!r})"

    def encode(self, text: str) -> Ids:
        """Return the id of each character of `text`, shape (len(text),), int64.

        Raises ValueError for a character that is not in the vocabulary, if there is no symbol for unknown ones.
        """
        if self.unknown is not None:
            unknown = self._ids[self.unknown]
            return np.array([self._ids.get(character, unknown) for character in text], dtype=np.int64)
        try:
            return np.array([self._ids[character] for character in text], dtype=np.int64)
        except KeyError as error:
            character = error.args[0]
        known = "".join(self.symbols)
        raise ValueError(
            f"character {character!r} at position {text.index(character)} is not in the vocabulary; its "
            f"{len(self)} characters are {known!r}"
        )

    def decode(self, ids: ArrayLike) -> str:
        """Return the text with these ids, a sequence of integers. Raises ValueError for any other id."""
        return "".join(self.symbols[i] for i in checked(ids, len(self)))


def checked(ids: ArrayLike, size: int) -> list[int]:
    """Return ids as a list. Raises ValueError unless they are a sequence of integers from 0 to size - 1."""
    array = np.asarray(ids)
    if array.ndim != 1 or array.size and array.dtype.kind not in "iu":
        raise ValueError(f"expected a sequence of integers, got shape {array.shape}, dtype {array.dtype}")
    if array.size and not 0 <= array.min() <= array.max() < size:
        raise ValueError(f"ids of this vocabulary go from 0 to {size - 1}, got {array.min()} to {array.max()}")
    return array.tolist()


def split(text: Sequence, held_out: float = 0.1) -> tuple[Sequence, Sequence]:
    """Cut a text, or its ids, in two: the beginning to train on, the last `held_out` of it to validate on.

    Raises ValueError if `held_out` is not between 0 and 1, or if a part would have fewer than two characters, of
    which the first is needed to predict the second.
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out is a part of the text, between 0 and 1, not {held_out}")
    at = len(text) - round(held_out * len(text))
    for name, length in (("training", at), ("validation", len(text) - at)):
        if length < 2:
            raise ValueError(
                f"the text is too short: of its {len(text)} characters, held_out={held_out} leaves {length} for "
                f"{name}, and at least 2 are needed"
            )
    return text[:at], text[at:]


def windows_in_order(ids: Ids, batch: int, steps: int, drop_last: bool = True) -> Iterator[tuple[Ids, Ids]]:
    """Yield the windows of a text in reading order, for truncated backpropagation through time.

    The text is cut into `batch` equal pieces, which are read side by side: column b of one window continues column b
    of the window before, so a state carried over goes on in the same piece. Each pair (x, y) of shape (steps, batch)
    holds the characters x and, one further in the text, the characters y to predict.

    The pieces are (len(ids) - 1) // batch predictions long. The fewer than `batch` characters left over at the end
    of the text are never used; what is left over at the end of the pieces comes as one shorter window if `drop_last`
    is false. Raises ValueError if a piece is shorter than one window.
    """
    _check_positive(batch=batch, steps=steps)
    length = (len(ids) - 1) // batch
    if length < (steps if drop_last else 1):
        raise ValueError(
            f"the text is too short: {batch} windows of {steps} steps side by side need {batch * steps + 1} "
            f"characters, it has {len(ids)}; use fewer steps, a smaller batch or more text"
        )
    x = ids[: batch * length].reshape(batch, length).T
    y = ids[1 : batch * length + 1].reshape(batch, length).T
    end = length - length % steps if drop_last else length
    return ((x[t : t + steps], y[t : t + steps]) for t in range(0, end, steps))


def windows(ids: Ids, start: int, stop: int, steps: int) -> tuple[Ids, Ids]:
    """Return the overlapping windows that begin at the positions `start` to `stop - 1`, as D2L uses them.

    Two arrays (x, y) of shape (stop - start, steps), views of `ids`: x[i] begins at position start + i, and y[i] one
    further. To train, take rows in a shuffled order, transpose to (steps, batch), and begin each with a zero state.
    Raises ValueError if the text ends before the last window does.
    https://d2l.ai/chapter_recurrent-neural-networks/language-model.html
    """
    _check_positive(steps=steps)
    if not 0 <= start < stop:
        raise ValueError(f"expected positions 0 <= start < stop, got start={start}, stop={stop}")
    if stop + steps > len(ids):
        raise ValueError(
            f"the text is too short: windows of {steps} steps beginning before position {stop} need {stop + steps} "
            f"characters, it has {len(ids)}"
        )
    both = np.lib.stride_tricks.sliding_window_view(ids, steps + 1)[start:stop]
    return both[:, :-1], both[:, 1:]


def _check_positive(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, not {number}")


def generate(
    model: Callable[[NDArray[np.int64], Any], tuple[Tensor, Any]],
    vocabulary: Vocabulary,
    prefix: str,
    n: int,
    temperature: float = 1.0,
    rng: np.random.Generator | None = None,
) -> str:
    """Write on from `prefix`: draw `n` characters one by one, each given all before it; return prefix and all.

    `model(x, state)` takes ids x of shape (T, B) and the state it returned last (None at the start), and returns
    logits of shape (T, B, V) and the new state. It reads the prefix in one call, then one character a call.

    The character i is drawn with probability softmax(logits / temperature)_i: below 1 the likely become likelier,
    and at 0 the likeliest is always taken. `rng` makes the draws repeatable. Raises ValueError for an empty prefix,
    an unknown character in it, a negative n or temperature, and logits that are not finite.
    """
    if n < 0:
        raise ValueError(f"the number of characters to write can't be negative, got {n}")
    if not 0 <= temperature < math.inf:
        raise ValueError(f"temperature must be 0 or more, not {temperature}")
    if not prefix:
        raise ValueError("the prefix is empty; give at least one character to go on from")
    try:
        x = vocabulary.encode(prefix)
    except ValueError as error:
        raise ValueError(f"in the prefix {prefix!r}: {error}") from None
    rng = rng or np.random.default_rng()
    state, written = None, []
    with no_grad():
        for _ in range(n):
            logits, state = model(x[:, np.newaxis], state)
            z = logits.data[-1, 0].astype(np.float64)
            if not np.isfinite(z).all():
                raise ValueError("the model's logits are not finite: its training diverged, or its weights are damaged")
            if temperature == 0:
                drawn = z.argmax()
            else:
                with np.errstate(over="ignore"):
                    p = np.exp((z - z.max()) / temperature)
                drawn = rng.choice(len(p), p=p / p.sum())
            x = np.array([drawn])
            written.append(drawn)
    return prefix + vocabulary.decode(written)


def perplexity(mean_nll: float) -> float:
    """Return exp of a mean negative log-likelihood in nats: between how many characters the model hesitates."""
    try:
        return math.exp(mean_nll)
    except OverflowError:
        return math.inf
