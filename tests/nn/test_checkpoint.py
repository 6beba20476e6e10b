"""Checkpoint files: what goes in comes out, other programs read it, and no file can do harm."""

import json
import os
import pickle
import signal
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nn.checkpoint import load, read_tensors, save, write_tensors

DTYPES = "float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool".split()


class Weights:
    """The part of a Module that a checkpoint needs."""

    def __init__(self, **arrays):
        self.arrays = arrays

    def state_dict(self):
        return self.arrays

    def load_state_dict(self, arrays):
        if arrays.keys() != self.arrays.keys():
            raise KeyError(f"expected {list(self.arrays)}, got {list(arrays)}")
        self.arrays = arrays


def assert_same(a, b):
    """Demand the same names, dtypes, shapes and values, NaN for NaN."""
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype.newbyteorder("=")
        np.testing.assert_array_equal(a[name], b[name], strict=a[name].dtype == b[name].dtype)


ARRAYS = {
    "contiguous": np.arange(6.0).reshape(2, 3),
    "transposed": np.arange(6.0, dtype=np.float32).reshape(2, 3).T,
    "every other": np.arange(10)[::2],
    "reversed": np.arange(10, dtype=np.int8)[::-1],
    "big-endian": np.arange(4, dtype=">f4"),
    "scalar": np.array(7, dtype=np.int16),
    "empty": np.zeros((3, 0, 2)),
    "special": np.array([np.nan, np.inf, -np.inf, -0.0], dtype=np.float16),
    'Größe 🕰 " \\ \n': np.array([True, False]),
    "": np.array([2**64 - 1], dtype=np.uint64),
    "read-only broadcast": np.broadcast_to(np.float32(1.5), (2, 2)),
}


@pytest.mark.parametrize("name", ["a.safetensors", "a", "a.npz", "a.NPZ"])
def test_round_trip(tmp_path, name):
    """Arrays of any layout, byte order and name come back equal, in native order, contiguous and writable."""
    path = tmp_path / name
    metadata = {"text": "Zürich 🕰\n", "": ""}
    content = {name.replace("\\", "_"): a for name, a in ARRAYS.items()} if path.suffix.lower() == ".npz" else ARRAYS
    write_tensors(path, content, metadata)
    arrays, texts = read_tensors(path)
    assert_same(arrays, content)
    assert texts == metadata
    assert all(a.flags.c_contiguous and a.flags.writeable and a.dtype.isnative for a in arrays.values())
    assert np.signbit(arrays["special"][3])


@pytest.mark.parametrize("suffix", ["", ".npz"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(tmp_path_factory, dtype, suffix):
    """Each dtype round-trips bit for bit."""

    @settings(deadline=None)  # the disk may be busy
    @given(hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=3)))
    def check(array):
        write_tensors(path, {"x": array})
        (again,) = read_tensors(path)[0].values()
        assert (again.dtype, again.shape, again.tobytes()) == (array.dtype, array.shape, array.tobytes())

    path = tmp_path_factory.mktemp("dtypes") / f"a{suffix}"
    check()


def test_layout(tmp_path):
    """The bytes are the format's: spelled out for one small file."""
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"b": np.array([1, 2], dtype=np.uint8), "a": np.array([[0.5]], dtype=np.float32)}, {"k": "v"})
    header = (
        b'{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},'
        b'"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}'
    )
    header += b" " * (-len(header) % 8)
    assert path.read_bytes() == len(header).to_bytes(8, "little") + header + b"\x00\x00\x00\x3f\x01\x02"


def test_repeatable(tmp_path):
    """The same content gives the same bytes, in whatever order it is listed."""
    write_tensors(tmp_path / "a", ARRAYS)
    write_tensors(tmp_path / "b", dict(reversed(ARRAYS.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_safetensors_library_reads_and_writes(tmp_path):
    """The reference library reads our file and we read its, where it is installed."""
    library = pytest.importorskip("safetensors.numpy")
    write_tensors(tmp_path / "ours", ARRAYS, {"key": "value"})
    assert_same(library.load_file(tmp_path / "ours"), ARRAYS)
    arrays = {name: np.ascontiguousarray(a).astype(a.dtype.newbyteorder("=")) for name, a in ARRAYS.items()}
    library.save_file(arrays, tmp_path / "theirs", metadata={"key": "value"})
    again, texts = read_tensors(tmp_path / "theirs")
    assert_same(again, arrays)
    assert texts == {"key": "value"}


@pytest.mark.torch
def test_torch_reads_and_writes(tmp_path):
    """PyTorch reads our file and we read its, where both are installed."""
    torch = pytest.importorskip("torch")
    library = pytest.importorskip("safetensors.torch")
    arrays = {name: a for name, a in ARRAYS.items() if name != "big-endian"}
    write_tensors(tmp_path / "ours", arrays)
    assert_same({name: t.numpy() for name, t in library.load_file(tmp_path / "ours").items()}, arrays)
    model = torch.nn.LSTM(3, 2)
    library.save_file(model.state_dict(), tmp_path / "theirs", metadata={"format": "pt"})
    assert_same(read_tensors(tmp_path / "theirs")[0], {k: t.numpy() for k, t in model.state_dict().items()})
    ours = Weights(**dict.fromkeys(model.state_dict()))
    assert load(tmp_path / "theirs", ours) == {}


@pytest.mark.parametrize("name", ["a", "a.npz"])
def test_save_and_load(tmp_path, name):
    """A model comes back with everything that resuming needs: numbers, texts, nested arrays, a generator's state."""
    rng = np.random.default_rng(5)
    rng.normal(size=3)
    model = Weights(**{"rnn.weight_ih_l0": rng.normal(size=(4, 3)), "linear.bias": np.zeros(2, dtype=np.float32)})
    moments = {"m": [np.ones(2), np.zeros((0, 3))], "t": 7}
    save(tmp_path / name, model, rng=rng.bit_generator.state, optimizer=moments, epoch=3, best=np.inf, text="é")
    again = Weights(**{"rnn.weight_ih_l0": None, "linear.bias": None})
    metadata = load(tmp_path / name, again)
    assert_same(again.arrays, model.arrays)
    assert (metadata["epoch"], metadata["best"], metadata["text"]) == (3, np.inf, "é")
    assert metadata["optimizer"]["t"] == 7
    np.testing.assert_array_equal(metadata["optimizer"]["m"][0], np.ones(2))
    assert metadata["optimizer"]["m"][1].shape == (0, 3)
    other = np.random.default_rng()
    other.bit_generator.state = metadata["rng"]
    np.testing.assert_array_equal(other.random(5), rng.random(5))


def test_save_refuses(tmp_path):
    """A value that is neither JSON nor an array is named, and no file appears."""
    with pytest.raises(TypeError, match="not set: {1}"):
        save(tmp_path / "a", Weights(), seen={1})
    with pytest.raises(ValueError, match="'x' has dtype complex128"):
        save(tmp_path / "a", Weights(x=np.zeros(2, dtype=complex)))
    with pytest.raises(ValueError, match="'x' has dtype object"):
        write_tensors(tmp_path / "a", {"x": np.array([None])})
    with pytest.raises(ValueError, match="'x' has list"):
        write_tensors(tmp_path / "a", {"x": [1.0]})
    with pytest.raises(ValueError, match="can't be called '__metadata__'"):
        write_tensors(tmp_path / "a", {"__metadata__": np.zeros(2)})
    with pytest.raises(ValueError, match="metadata maps texts to texts"):
        write_tensors(tmp_path / "a", {}, {"epoch": 3})
    with pytest.raises(ValueError, match="can't be called '../x'"):
        write_tensors(tmp_path / "a.npz", {"../x": np.zeros(2)})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.pt", "a.pth", "a.pkl", "a.PICKLE", "a.joblib"])
def test_the_name_of_a_pickle_is_refused(tmp_path, name):
    """Neither written nor opened, with the reason and what to do instead."""
    (tmp_path / name).write_bytes(b"")
    for call in (lambda: write_tensors(tmp_path / name, {}), lambda: read_tensors(tmp_path / name)):
        with pytest.raises(ValueError, match="loading a pickle can run any program.*save_file"):
            call()
    assert (tmp_path / name).read_bytes() == b""


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_failure_keeps_the_old_file(tmp_path, monkeypatch, where, error):
    """Whatever stops a save, the old file stays, and nothing lies beside it."""

    def fail(*_):
        raise error

    path = tmp_path / "a"
    write_tensors(path, {"x": np.zeros(3)})
    monkeypatch.setattr(os, where, fail)
    with pytest.raises(type(error)):
        write_tensors(path, {"x": np.ones(3)})
    np.testing.assert_array_equal(read_tensors(path)[0]["x"], np.zeros(3))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a", "a.npz"])
@pytest.mark.parametrize("after", [1, 5, 20])
def test_kill_leaves_a_whole_file(tmp_path, name, after):
    """After kill -9 in the middle of saving, the file is the old or the new one, whole."""
    path = tmp_path / name
    program = (
        "import numpy as np, sys\nfrom nn.checkpoint import write_tensors\n"
        "for i in range(10_000):\n    write_tensors(sys.argv[1], {'x': np.full(200_000, i)}); print(i, flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True) as process:
        for _ in range(after):
            last = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    x = read_tensors(path)[0]["x"]
    assert x.shape == (200_000,) and x[0] >= last and (x == x[0]).all()


def test_other_places(tmp_path):
    """A folder or a missing folder as the target is an OSError; a symbolic link stays one."""
    with pytest.raises(OSError):
        write_tensors(tmp_path, {"x": np.zeros(3)})
    with pytest.raises(FileNotFoundError):
        write_tensors(tmp_path / "none" / "a", {"x": np.zeros(3)})
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "none")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_tensors(tmp_path / "link", {"x": np.zeros(3)})
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").is_file()


def file(header, data=b""):
    """Return the bytes of a file with this header."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4)):
    """Describe an array as a header does."""
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


HOSTILE = {
    "empty": (b"", "it has 0 bytes"),
    "short": (b"\x01\x00", "it has 2 bytes"),
    "header beyond the end": ((9).to_bytes(8, "little") + b"{}", "a header of 9 bytes doesn't fit in a file of 10"),
    "huge header": (b"\xff" * 8 + b"{}", "doesn't fit"),
    "no JSON": (file(b"{]"), "Expecting"),
    "no UTF-8": (file(b"\xff\xfe"), "can't decode"),
    "deep JSON": (file(b"[" * 100_000), "recursion"),
    "a list": (file([]), "JSON list, not a table"),
    "long number": (file(b'{"x":{"dtype":"U8","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,1]}}'), "digits"),
    "repeated name": (file(b'{"x":1,"x":2}'), "twice"),
    "repeated key": (file(b'{"x":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}'), "twice"),
    "metadata no table": (file({"__metadata__": []}), "__metadata__"),
    "metadata no texts": (file({"__metadata__": {"a": 1}}), "__metadata__"),
    "entry no table": (file({"x": 5}), "'x' is described by 5"),
    "no offsets": (file({"x": {"dtype": "F32", "shape": [1]}}), "'x' is described by"),
    "unknown dtype": (file({"x": entry("F128")}, bytes(4)), "dtype 'F128'"),
    "object dtype": (file({"x": entry("O")}, bytes(4)), "dtype 'O'"),
    "negative size": (file({"x": entry(shape=[-1])}, bytes(4)), "described by"),
    "fractional size": (file({"x": entry(shape=[1.0])}, bytes(4)), "described by"),
    "true as a size": (file({"x": entry(shape=[True])}, bytes(4)), "described by"),
    "size beyond 64 bits": (file({"x": entry(shape=[2**63, 0], offsets=[0, 0])}), "described by"),
    "too many dimensions": (file({"x": entry(shape=[1] * 65)}, bytes(4)), "described by"),
    "overflowing product": (file({"x": entry(shape=[2**32, 2**32, 4], offsets=[0, 4])}, bytes(4)), "takes"),
    "huge array": (file({"x": entry(shape=[10**15], offsets=[0, 4 * 10**15])}, bytes(4)), "the file has 4 for them"),
    "huge empty array": (file({"x": entry(shape=[2**62, 2**62, 0], offsets=[0, 0])}), "damaged"),
    "size and shape differ": (file({"x": entry(shape=[2])}, bytes(4)), "takes 8 bytes, not 4"),
    "negative length": (file({"x": entry(offsets=[4, 0])}, bytes(4)), "takes 4 bytes, not -4"),
    "overlap": (file({"x": entry(), "y": entry(offsets=[2, 6])}, bytes(6)), "begins at byte 2"),
    "shared": (file({"x": entry(), "y": entry()}, bytes(4)), "begins at byte 0"),
    "gap": (file({"x": entry(), "y": entry(offsets=[8, 12])}, bytes(12)), "begins at byte 8"),
    "not from 0": (file({"x": entry(offsets=[4, 8])}, bytes(8)), "begins at byte 4"),
    "cut off": (file({"x": entry()}, bytes(3)), "the arrays take 4 bytes, and the file has 3"),
    "left over": (file({"x": entry()}, bytes(5)), "the arrays take 4 bytes, and the file has 5"),
    "bad truth value": (file({"x": entry("BOOL", [2], [0, 2])}, b"\x01\x02"), "truth values"),
    "zip": (b"PK\x03\x04" + bytes(100), "zip archive"),
    **{
        f"pickle protocol {p}": (pickle.dumps({"x": list(range(9))}, protocol=p), "looks like a pickle")
        for p in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
    "pickle protocol 0": (pickle.dumps({"x": list(range(9))}, protocol=0), "doesn't fit"),
}


@pytest.mark.parametrize("content, reason", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files(tmp_path, content, reason):
    """A damaged or hostile file is refused with its path and the reason, before much memory or a model is touched."""
    (tmp_path / "bad").write_bytes(content)
    for read in (read_tensors, lambda path: load(path, Weights())):
        tracemalloc.start()
        with pytest.raises(ValueError, match="bad is not a safetensors file, or is damaged: ") as raised:
            read(tmp_path / "bad")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert reason in str(raised.value)
        assert peak < 4 * 2**20


def test_a_long_header(tmp_path):
    """What JSON would make of a header of 99 MB is never taken into memory; nor is such a header written."""
    with open(tmp_path / "bad", "wb") as stream:
        stream.write((99_000_000).to_bytes(8, "little") + b"[" + b"{}," * 100)
        stream.truncate(100_000_000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="a header of 99000000 bytes doesn't fit"):
        read_tensors(tmp_path / "bad")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20
    with pytest.raises(ValueError, match="at most 16777216"):
        write_tensors(tmp_path / "a", {}, {"long": "x" * 2**24})


@settings(deadline=None)
@given(st.data(), st.sampled_from(["", ".npz"]))
def test_no_flipped_byte_crashes(tmp_path_factory, data, suffix):
    """Whatever byte of a file is changed or cut off, reading gives arrays or a ValueError."""
    path = tmp_path_factory.getbasetemp() / f"flipped{suffix}"
    write_tensors(path, {"x": np.arange(3.0), "y": np.array([True])}, {"a": "b"})
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        arrays, _ = read_tensors(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert sum(a.nbytes for a in arrays.values()) < len(content)


@pytest.mark.parametrize(
    "text", ["{", "[]", "5", '{"a": {"__array__": "none"}}', '{"a": {"__array__": []}}', "[" * 10**5]
)
def test_damaged_metadata(tmp_path, text):
    """Metadata that `save` could not have written is refused."""
    write_tensors(tmp_path / "a", {"x": np.zeros(2)}, {"chalkgrad": text})
    with pytest.raises(ValueError, match="a: its metadata is damaged"):
        load(tmp_path / "a", Weights(x=None))
