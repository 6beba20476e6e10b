"""Texts with an opinion, 1 for a positive one and 0 for a negative: what comes with the package, IMDB, and tables."""

import csv
import gzip
import io
import itertools
import re
import tarfile
import zlib
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bounded import Bounded
from .text import read_text

__all__ = ["Reviews", "imdb_archive", "imdb_folder", "read", "rt_polarity", "split", "table", "uci_sentiment"]

LABELS = {"0": 0, "-1": 0, "neg": 0, "negative": 0, "1": 1, "pos": 1, "positive": 1}
DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}
MEMBER = re.compile(r"(?:\./)?(?:aclImdb/)?(train|test)/(pos|neg)/(\d+)_(\d+)\.txt", re.ASCII)
MAX_TEXT = 2**20  # bytes of one review; the longest of IMDB has less than 2**14
MAX_ARCHIVE = 2**30  # bytes of an archive, unpacked; IMDB has a third of it


class Reviews(NamedTuple):
    """Texts and their labels, 0 or 1, of shape (len(texts),)."""

    texts: list[str]
    labels: NDArray[np.int64]


def read(source: str, text: str | None = None, label: str | None = None) -> tuple[Reviews, Reviews | None]:
    """Read labelled texts, and those to test with if they are set apart.

    source: `uci` or `rt`, which come with the package; IMDB's folder `aclImdb` or its archive `.tar.gz`; a table
    `.csv`, `.tsv` or `.txt`, whose columns `text` and `label` are as in `table`. Raises ValueError or OSError.
    """
    path = Path(source)
    if (text or label) and path.suffix.lower() not in DELIMITERS:
        raise ValueError(f"only a table has columns to choose, and {source} is none")
    if source == "uci":
        return uci_sentiment(), None
    if source == "rt":
        return rt_polarity(), None
    if path.is_dir():
        return imdb_folder(path)
    if path.name.lower().endswith((".tar.gz", ".tgz")):
        return imdb_archive(path)
    if path.suffix.lower() in DELIMITERS:
        return table(path, text, label), None
    if not path.exists():
        raise FileNotFoundError(f"{source} does not exist; expected uci, rt, or a folder, an archive or a table")
    raise ValueError(
        f"{source} is neither uci nor rt, nor a folder or an archive .tar.gz of IMDB, nor a table .csv, .tsv or .txt"
    )


def split(reviews: Reviews, held_out: float, rng: np.random.Generator) -> tuple[Reviews, Reviews]:
    """Shuffle and cut in two: texts to train on, and the part `held_out` of them, rounded.

    Raises ValueError if one of the two would have no positive or no negative text.
    """
    order = rng.permutation(len(reviews.texts))
    at = len(order) - round(held_out * len(order))
    parts = [Reviews([reviews.texts[i] for i in part], reviews.labels[part]) for part in (order[:at], order[at:])]
    if any(len(np.unique(part.labels)) < 2 for part in parts):
        raise ValueError(
            f"of {len(order)} texts, {len(order) - at} are to be held out, and both parts need positive and negative "
            "texts; give more of them"
        )
    return parts[0], parts[1]


def uci_sentiment() -> Reviews:
    """Return the 3,000 Sentiment Labelled Sentences, of which half are positive; see data/README.md."""
    folder = resources.files(__package__) / "data" / "uci_sentiment"
    # Some sentences hold U+0085, at which str.splitlines would cut them.
    lines = [
        line
        for name in ("amazon_cells", "imdb", "yelp")
        for line in (folder / f"{name}_labelled.txt").read_bytes().decode().removesuffix("\n").split("\n")
    ]
    texts, _, labels = zip(*(line.rpartition("\t") for line in lines))
    return Reviews(list(texts), np.array(labels, dtype=np.int64))


def rt_polarity() -> Reviews:
    """Return the 10,662 snippets of film reviews, of which half are positive; see data/README.md."""
    folder = resources.files(__package__) / "data" / "rt_polarity"
    negative, positive = (
        gzip.decompress((folder / f"rt-polarity.{name}.gz").read_bytes()).decode().removesuffix("\n").split("\n")
        for name in ("neg", "pos")
    )
    return Reviews(negative + positive, np.repeat([0, 1], [len(negative), len(positive)]))


def table(path: str | PathLike[str], text: str | None = None, label: str | None = None) -> Reviews:
    """Read a table with a row for each text: separated by commas (.csv, with quotation marks) or by tabs (no quoting).

    text, label: the columns, by name, or by number, counted from 1. Without them, the label is in the last column, and
    the text in the other one of two. The first row is a header if a column is given by name, or if it has no label
    where the others have. Labels are 0, -1, neg or negative; 1, pos or positive. Raises ValueError with the number of
    the line.
    """
    path = Path(path)
    delimiter = DELIMITERS[path.suffix.lower()]
    rows = csv.reader(
        io.StringIO(read_text(path), newline="\n"),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE,
        strict=True,
    )

    def column(name: str) -> int:
        if name.isdecimal() and 1 <= int(name) <= len(first):
            return int(name) - 1
        if name in first and not name.isdecimal():  # a number in the first row may be a label
            return first.index(name)
        raise ValueError(f"there is no column {name!r}; the first row is {first}")

    texts, labels = [], []
    try:
        first = next(rows)
        if len(first) < 2 or len(first) > 2 and text is None:
            raise ValueError(f"{len(first)} columns; expected a text and a label, or say which column is the text")
        at_label = len(first) - 1 if label is None else column(label)
        at_text = 1 - at_label if text is None else column(text)
        if at_text == at_label:
            raise ValueError(f"column {at_text + 1} can't be the text and the label")
        named = any(name is not None and not name.isdecimal() for name in (text, label))
        is_header = named or not re.fullmatch("[-+.0-9]+|neg.*|pos.*", first[at_label].strip().lower())
        for row in rows if is_header else itertools.chain([first], rows):
            if not row:
                continue
            if len(row) != len(first):
                raise ValueError(f"{len(row)} columns, and the first row has {len(first)}")
            opinion = LABELS.get(row[at_label].strip().lower())
            if opinion is None:
                raise ValueError(f"the label {row[at_label]!r:.50} is none of {', '.join(LABELS)}")
            if not row[at_text].strip():
                raise ValueError("the text is empty")
            texts.append(row[at_text])
            labels.append(opinion)
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}, line {rows.line_num}: {error}") from None
    if not texts:
        raise ValueError(f"{path} has no texts")
    return Reviews(texts, np.array(labels))


def imdb_folder(path: str | PathLike[str]) -> tuple[Reviews, Reviews | None]:
    """Read the folder aclImdb/{train,test}/{pos,neg}/ID_RATING.txt: the reviews to train on, and those to test with.

    `path` may be the folder that holds aclImdb. All else is passed over: reviews without a label (unsup), the bags of
    words, lists of addresses, what a Macintosh leaves behind, what is no regular file. Without a folder `test`, there
    are none to test with. Raises ValueError for a folder of another form, and for a file that is not UTF-8 or beyond
    1 MiB.

    Andrew Maas et al., "Learning word vectors for sentiment analysis", ACL 2011.
    """
    path = Path(path)
    root = path / "aclImdb" if (path / "aclImdb").is_dir() else path
    found = {}
    for part, opinion in itertools.product(("train", "test"), ("neg", "pos")):
        for file in (root / part / opinion).glob("*.txt"):
            match = MEMBER.fullmatch(f"{part}/{opinion}/{file.name}")
            if match and file.is_file():
                with open(file, "rb") as stream:
                    found[_key(match)] = _decode(stream.read(MAX_TEXT + 1), str(file))
    return _in_order(path, found)


def imdb_archive(path: str | PathLike[str]) -> tuple[Reviews, Reviews | None]:
    """Read aclImdb_v1.tar.gz as it is: `imdb_folder`, without unpacking anything to the disk.

    https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz
    Only regular files with the name of a review are read; links, devices, absolute names and names with `..` never
    match one. Raises ValueError for an archive that is damaged, beyond 1 GiB unpacked or without reviews.
    """
    found = {}
    try:
        with gzip.open(path) as unpacked:
            stream = Bounded(unpacked, MAX_TEXT, MAX_ARCHIVE)
            with tarfile.open(fileobj=stream, mode="r:") as archive:  # type: ignore[call-overload]
                while (member := archive.next()) is not None:
                    archive.members.clear()  # else it keeps a record of each of the 100,000
                    match = MEMBER.fullmatch(member.name)
                    if match and member.isreg():
                        if _key(match) in found:
                            raise ValueError(f"{member.name} is in it twice")
                        content = archive.extractfile(member)
                        found[_key(match)] = _decode(content.read(MAX_TEXT + 1) if content else b"", member.name)
                stream.seek(archive.offset)
                rest = stream.read(tarfile.BLOCKSIZE)
                if len(rest) < tarfile.BLOCKSIZE or any(rest):  # tarfile takes a damaged header for the end
                    raise ValueError(f"the header at byte {archive.offset} is damaged")
                while stream.read(MAX_TEXT):  # to the end, where gzip compares its checksum
                    pass
    except (ValueError, tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is not an archive of IMDB, or is damaged: {error}") from None
    return _in_order(path, found)


Key = tuple[str, str, int, int]  # train or test, neg or pos, number, rating


def _key(match: re.Match[str]) -> Key:
    return match[1], match[2], int(match[3]), int(match[4])


def _decode(content: bytes, name: str) -> str:
    if len(content) > MAX_TEXT:
        raise ValueError(f"{name} has more than {MAX_TEXT:,} bytes, too many for a review")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8: {error.reason} at byte {error.start}") from None


def _in_order(path: str | PathLike[str], found: dict[Key, str]) -> tuple[Reviews, Reviews | None]:
    """Sort reviews by part, opinion and number, so that folder and archive give the same."""
    parts = []
    for part in ("train", "test"):
        keys = sorted(key for key in found if key[0] == part)
        opinions = {key[1] for key in keys}
        if len(opinions) == 1 or not opinions and part == "train":
            missing = " and ".join(sorted({"neg", "pos"} - opinions))
            raise ValueError(
                f"{path} has no reviews in {part}/{missing}; expected aclImdb/{{train,test}}/{{neg,pos}}/ID_RATING.txt"
            )
        parts.append(Reviews([found[key] for key in keys], np.array([int(key[1] == "pos") for key in keys])))
    return parts[0], parts[1] if parts[1].texts else None
