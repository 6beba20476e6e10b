"""Readers of labelled texts: what is shipped, IMDB as a folder and as an archive, tables."""

import gzip
import io
import os
import re
import tarfile
import tracemalloc

import numpy as np
import pytest

from nn import reviews

IMDB = {
    "train/pos/0_9.txt": "Great.<br /><br />Really!",
    "train/pos/10_7.txt": "Good",
    "train/pos/2_10.txt": "Käse",
    "train/neg/0_1.txt": "Awful",
    "test/pos/0_8.txt": "Nice",
    "test/neg/0_2.txt": "Bad",
    "test/neg/1_4.txt": "Worse",
}
ODD = [
    "README", "imdb.vocab", "imdbEr.txt", "train/unsup/0_0.txt", "train/labeledBow.feat", "train/unsupBow.feat",
    "train/urls_pos.txt", "test/urls_neg.txt", "train/pos/._0_9.txt", "train/pos/.DS_Store", "._train",
    "train/pos/a_b.txt", "train/pos/1_9.txt.bak", "train/pos/deeper/5_9.txt",
]  # fmt: skip


def assert_is_imdb(parts):
    """Demand the seven reviews above, by number within each opinion."""
    train, test = parts
    assert train.texts == ["Awful", "Great.<br /><br />Really!", "Käse", "Good"] and train.labels.tolist() == [
        0,
        1,
        1,
        1,
    ]
    assert test.texts == ["Bad", "Worse", "Nice"] and test.labels.tolist() == [0, 0, 1]


@pytest.fixture
def folder(tmp_path):
    """Make a small aclImdb with the real one's odd files."""
    for name in [*ODD, *IMDB]:
        path = tmp_path / "aclImdb" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(IMDB.get(name, "not a review \x00"), encoding="utf-8")
    return tmp_path / "aclImdb"


def archive(path, members, damage=lambda content: content):
    """Write a .tar.gz of (TarInfo or name, content) pairs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, content in members:
            info = tarfile.TarInfo(info) if isinstance(info, str) else info
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(damage(buffer.getvalue())))
    return path


def test_imdb_folder(folder):
    """The folder itself or the one that holds it; all odd files are passed over."""
    assert_is_imdb(reviews.read(str(folder)))
    assert_is_imdb(reviews.read(str(folder.parent)))


def test_what_is_no_regular_file_is_passed_over(folder):
    """In a folder as in an archive: a folder, a pipe and a link to nowhere with the names of reviews."""
    (folder / "train/pos/90_9.txt").mkdir()
    (folder / "train/pos/91_9.txt").symlink_to("nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "train/pos/92_9.txt")
    assert_is_imdb(reviews.read(str(folder)))


@pytest.mark.parametrize("prefix", ["aclImdb/", "./aclImdb/", ""])
def test_imdb_archive(folder, tmp_path, monkeypatch, prefix):
    """The archive gives what the folder gives, and nothing is unpacked."""
    path = archive(tmp_path / "a.tar.gz", [(prefix + n, (folder / n).read_bytes()) for n in [*IMDB, *ODD]])
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert_is_imdb(reviews.read(str(path)))
    assert not list((tmp_path / "empty").iterdir())


def test_no_test_part(folder, tmp_path):
    """Without reviews to test with, there are none; split() sets some apart."""
    members = [(f"aclImdb/{n}", text.encode()) for n, text in IMDB.items() if n.startswith("train")]
    train, test = reviews.read(str(archive(tmp_path / "a.tgz", members)))
    assert len(train.texts) == 4 and test is None


def special(name, kind, target=""):
    """Make a member that is not a file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_links_and_ways_out_are_ignored(tmp_path):
    """Links with the name of a review are not followed; absolute and dotted names are none of a review."""
    (tmp_path / "train" / "pos").mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    good = [(f"aclImdb/{n}", text.encode()) for n, text in IMDB.items()]
    evil = [
        (special("aclImdb/train/pos/7_9.txt", tarfile.SYMTYPE, str(secret)), b""),
        (special("aclImdb/train/pos/8_9.txt", tarfile.LNKTYPE, "aclImdb/train/neg/0_1.txt"), b""),
        (special("aclImdb/train/pos/9_9.txt", tarfile.FIFOTYPE), b""),
        (special("aclImdb/train/pos/11_9.txt", tarfile.DIRTYPE), b""),
        ("/aclImdb/train/pos/12_9.txt", b"evil"),
        ("../aclImdb/train/pos/13_9.txt", b"evil"),
        ("aclImdb/../aclImdb/train/pos/14_9.txt", b"evil"),
        ("aclImdb/train/pos/../pos/15_9.txt", b"evil"),
    ]
    assert_is_imdb(reviews.imdb_archive(archive(tmp_path / "a.tar.gz", evil + good)))


GOOD = [(f"aclImdb/{n}", text.encode()) for n, text in IMDB.items()]
LONG = tarfile.TarInfo("aclImdb/" + "x" * 3_000_000)


def broken_header(content):
    """Damage the checksum of the third header."""
    return content[: 2 * 1024 + 148] + b"9" + content[2 * 1024 + 149 :]


@pytest.mark.parametrize(
    "members, damage, reason",
    [
        (GOOD, lambda content: content[:-10240], "is damaged"),
        (GOOD, broken_header, "the header at byte 2048 is damaged"),
        ([*GOOD, GOOD[0]], bytes, "is in it twice"),
        ([*GOOD, ("aclImdb/train/pos/5_9.txt", b"a" * (2**20 + 1))], bytes, "more than 1,048,576 bytes"),
        ([*GOOD, ("aclImdb/train/pos/5_9.txt", b"a\xff")], bytes, "5_9.txt is not UTF-8: invalid start byte at byte 1"),
        ([*GOOD, (LONG, b"")], bytes, "one part of it has more than 1,048,576 bytes"),
        (GOOD[:3], bytes, "no reviews in train/neg"),
        (GOOD[:5], bytes, "no reviews in test/neg"),
        ([], bytes, "no reviews in train/neg and pos"),
        (GOOD, lambda content: b"", "empty file"),
        (GOOD, lambda content: b"nothing like it" * 100, "header"),
    ],
)
def test_damaged_archives(tmp_path, members, damage, reason):
    """One error that names the file and the reason, whatever is wrong."""
    path = archive(tmp_path / "a.tar.gz", members, damage)
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        reviews.imdb_archive(path)
    assert reason in str(caught.value)


@pytest.mark.parametrize("cut", [10, 100, -4])
def test_a_cut_or_altered_archive(tmp_path, cut):
    """gzip's end and checksum are looked at."""
    path = archive(tmp_path / "a.tar.gz", GOOD)
    content = path.read_bytes()
    path.write_bytes(content[:cut])
    with pytest.raises(ValueError, match="is damaged"):
        reviews.imdb_archive(path)
    path.write_bytes(content[:-8] + bytes(4) + content[-4:])
    with pytest.raises(ValueError, match="CRC check failed"):
        reviews.imdb_archive(path)
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="Not a gzipped file"):
        reviews.imdb_archive(path)


def test_an_archive_bomb_takes_little_memory(tmp_path, monkeypatch):
    """An archive that unpacks to more than the limit is refused while it is read, a few pages at a time."""
    monkeypatch.setattr(reviews, "MAX_ARCHIVE", 2**26)
    path = tmp_path / "bomb.tar.gz"
    info = tarfile.TarInfo("aclImdb/README")
    info.size = 2**40
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(info.tobuf())
        for _ in range(65):
            file.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than 67,108,864 bytes"):
        reviews.imdb_archive(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_what_is_shipped():
    """Sizes and balance; the sentence with U+0085 is whole."""
    uci, rt = reviews.uci_sentiment(), reviews.rt_polarity()
    assert (len(uci.texts), uci.labels.sum()) == (3000, 1500) and (len(rt.texts), rt.labels.sum()) == (10662, 5331)
    assert "The script is\x85 was there a script?  " in uci.texts
    assert uci.labels[uci.texts.index("Wow... Loved this place.")] == 1
    assert rt.texts[0].startswith("simplistic , silly") and rt.labels[0] == 0
    assert reviews.read("uci")[0].texts == uci.texts and reviews.read("rt")[1] is None


@pytest.mark.parametrize(
    "name, content, options",
    [
        ("a.csv", 'good,1\n"bad, ""really""",0\n', {}),
        ("a.csv", 'text,label\ngood,positive\n"bad, ""really""",negative\n', {}),
        ("a.csv", 'review,sentiment\r\ngood,pos\r\n\r\n"bad, ""really""",NEG\r\n', {}),
        ("a.csv", '\ufeffsentiment,review\n1,good\n-1,"bad, ""really"""\n', {"label": "sentiment"}),
        ("a.CSV", '7,good,1\n8,"bad, ""really""",0\n', {"text": "2"}),
        ("a.csv", 'id,sentiment,review\n7,1,good\n8,0,"bad, ""really"""\n', {"text": "review", "label": "2"}),
        ("a.csv", '1,good\n0,"bad, ""really"""\n', {"text": "2", "label": "1"}),
        ("a.csv", 'good,1\n"bad, ""really""",0\n', {"text": "1", "label": "2"}),
        ("a.csv", 'good,Positive\n"bad, ""really""",NEG\n', {}),
        ("a.tsv", 'good\t1\nbad, "really"\t0', {}),
        ("a.txt", 'id\tsentiment\treview\n7\t1\tgood\n8\t0\tbad, "really"\n', {"text": "review", "label": "sentiment"}),
    ],
)
def test_tables(tmp_path, name, content, options):
    """With a header and without, commas or tabs, the label wherever it stands."""
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    table, test = reviews.read(str(tmp_path / name), **options)
    assert table.texts == ["good", 'bad, "really"'] and table.labels.tolist() == [1, 0] and test is None


def test_uci_as_a_table(tmp_path):
    """A table of tabs may hold quotation marks and U+0085."""
    uci = reviews.uci_sentiment()
    (tmp_path / "a.txt").write_text(
        "".join(f"{text}\t{label}\n" for text, label in zip(*uci)), encoding="utf-8", newline=""
    )
    assert reviews.table(tmp_path / "a.txt").texts == uci.texts


@pytest.mark.parametrize(
    "name, content, options, message",
    [
        ("a.csv", "good,1\nbad,maybe\n", {}, "line 2: the label 'maybe' is none of 0, -1, neg"),
        ("a.csv", "good,2\nbad,0\n", {}, "line 1: the label '2'"),
        ("a.csv", 'good,1\n"bad\n\nvery",0\nworse,9\n', {}, "line 5: the label '9'"),
        ("a.csv", "good,1\nbad,0,0\n", {}, "line 2: 3 columns, and the first row has 2"),
        ("a.csv", "good\n", {}, "line 1: 1 columns; expected a text and a label"),
        ("a.csv", "1,good,1\n", {}, "say which column is the text"),
        ("a.csv", "good,1\n ,0\n", {}, "line 2: the text is empty"),
        ("a.csv", 'good,1\n"bad"x,0\n', {}, "line 2: ',' expected after '\"'"),
        ("a.csv", 'good,1\n"bad,0\n', {}, "unexpected end of data"),
        ("a.csv", "text,label\n", {}, "has no texts"),
        ("a.csv", "", {}, "is empty"),
        ("a.csv", "good,1\n", {"label": "stars"}, "no column 'stars'; the first row is ['good', '1']"),
        ("a.csv", "good,1\n", {"label": "3"}, "no column '3'"),
        ("a.csv", "good,1\n", {"label": "1", "text": "1"}, "can't be the text and the label"),
        ("none", None, {}, "none does not exist; expected uci, rt"),
        ("a.json", "{}", {}, "neither uci nor rt, nor a folder"),
        ("a.tar.gz", "", {"label": "1"}, "only a table has columns"),
        ("none.csv", None, {}, "does not exist"),
        ("none.tar.gz", None, {}, "none.tar.gz"),
    ],
)
def test_mistakes_in_tables(tmp_path, name, content, options, message):
    """Each names the file, the line and what is wrong."""
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises((ValueError, OSError)) as caught:
        reviews.read(str(tmp_path / name), **options)
    assert message in str(caught.value)


def test_split():
    """Every text is in one of the parts, with its label; the seed decides."""
    texts = reviews.Reviews([str(i) for i in range(50)], np.arange(50) % 2)
    train, test = reviews.split(texts, 0.3, np.random.default_rng(0))
    assert len(test.texts) == 15 and sorted(train.texts + test.texts, key=int) == texts.texts
    assert all(int(text) % 2 == label for part in (train, test) for text, label in zip(*part))
    assert reviews.split(texts, 0.3, np.random.default_rng(0))[1].texts == test.texts
    assert reviews.split(texts, 0.3, np.random.default_rng(1))[1].texts != test.texts
    with pytest.raises(ValueError, match="of 50 texts, 0 are to be held out"):
        reviews.split(texts, 0.001, np.random.default_rng(0))
