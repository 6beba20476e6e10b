"""The .npz format: NumPy reads and writes it as we do, and no archive can do harm."""

import io
import json
import pickle
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from nn.checkpoint import read_tensors, write_tensors

X = {"rnn.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "metadata/0": np.array([True, False])}


def test_numpy_reads_ours(tmp_path):
    """Without allow_pickle, the metadata too."""
    write_tensors(tmp_path / "a.npz", X, {"key": "value"})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert {*file} == {*X, "__metadata__"}
        for name, array in X.items():
            np.testing.assert_array_equal(file[name], array, strict=True)
        assert json.loads(file["__metadata__"].item()) == {"key": "value"}


@pytest.mark.parametrize("savez", [np.savez, np.savez_compressed])
def test_we_read_numpys(tmp_path, savez):
    """Stored or compressed, in C or Fortran order, in either byte order."""
    arrays = {**X, "f": np.asfortranarray(X["rnn.weight"]), "big": np.arange(3, dtype=">i4"), "e": np.zeros((2, 0))}
    savez(tmp_path / "a.npz", **arrays)
    again, texts = read_tensors(tmp_path / "a.npz")
    assert again.keys() == arrays.keys() and texts == {}
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype.newbyteorder("=") and again[name].flags.c_contiguous


def test_repeatable(tmp_path):
    """The same content gives the same bytes, in whatever order it is listed."""
    write_tensors(tmp_path / "a.npz", X)
    write_tensors(tmp_path / "b.npz", dict(reversed(X.items())))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def npy(array=X["rnn.weight"], **changes):
    """Return the bytes of a .npy file; with changes, of one whose header says something else."""
    buffer = io.BytesIO()
    if changes:
        header = {"descr": "<f4", "fortran_order": False, "shape": (2, 3), **changes}
        np.lib.format.write_array_header_2_0(buffer, header)
        buffer.write(array.tobytes())
    else:
        np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def archive(*entries, method=zipfile.ZIP_STORED):
    """Return the bytes of a zip archive of (name, content) pairs; names may repeat."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as file:
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of repeated names
        for name, content in entries:
            file.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return buffer.getvalue()


def declare(content, **sizes):
    """Change the sizes that the directory of an archive of one entry declares."""
    at = content.rindex(b"PK\x01\x02")
    packed, unpacked = struct.unpack_from("<II", content, at + 20)
    changed = struct.pack("<II", sizes.get("packed", packed), sizes.get("unpacked", unpacked))
    return content[: at + 20] + changed + content[at + 28 :]


def demand(content, field, value):
    """Change a byte of the directory's first entry: 6 is the version that is needed to unpack it, 8 the flags."""
    at = content.rindex(b"PK\x01\x02") + field
    return content[:at] + bytes([value]) + content[at + 1 :]


def overlapping(copies):
    """Return an archive whose entries all lie at the same place, as in Fifield's bomb."""
    content = archive(*((f"x{i:05}.npy", npy()) for i in range(copies)))
    at = content.index(b"PK\x01\x02")
    directory = bytearray(content[at:])
    for i in range(copies):
        struct.pack_into("<I", directory, i * (46 + len("x00000.npy")) + 42, 0)
    return content[:at] + bytes(directory)


ONE = archive(("x.npy", npy()))
ZEROS = npy(np.zeros(2**25, np.float32))
HOSTILE = {
    "empty": (b"", "File is not a zip file"),
    "no zip": (b"nothing of the kind", "File is not a zip file"),
    "pickle": (pickle.dumps({"x": 1}), "File is not a zip file"),
    "cut off": (ONE[:-30], "File is not a zip file"),
    "cut in the middle": (ONE[:40] + ONE[80:], "damaged"),
    "up and away": (archive(("../x.npy", npy())), "the name '../x.npy' leads out of the archive"),
    "up inside": (archive(("a/../../x.npy", npy())), "leads out"),
    "absolute": (archive(("/etc/x.npy", npy())), "leads out"),
    "drive": (archive(("C:x.npy", npy())), "leads out"),
    "backslash": (archive(("..\\x.npy", npy())), "leads out"),
    "twice": (archive(("x.npy", npy()), ("x.npy", npy())), "'x.npy' is in it twice"),
    "no array": (archive(("x.txt", b"text")), "'x.txt', which is no array"),
    "torch.save": (archive(("archive/data.pkl", b"")), "loading a pickle can run any program"),
    "objects": (archive(("x.npy", npy(np.array([{}, None])))), "is a pickle inside: loading a pickle can run"),
    "texts": (archive(("x.npy", npy(np.array(["a"])))), "expected one of float64, float32"),
    "structured": (archive(("x.npy", npy(np.zeros(2, "i4,f4")))), "expected one of float64"),
    "wrong magic": (archive(("x.npy", b"\x93NUMPX\x01\x00" + bytes(100))), "magic string is not correct"),
    "version 3": (archive(("x.npy", npy().replace(b"NUMPY\x01", b"NUMPY\x03"))), "version (3, 0)"),
    "no header": (archive(("x.npy", npy()[:20])), "EOF"),
    "long header": (archive(("x.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b" " * 100)), "EOF"),
    "header beyond limits": (
        archive(("x.npy", b"\x93NUMPY\x02\x00\x00\x00\x02\x00{" + b" " * (2**17 - 1))),
        "Header info length (131072) is large and may not be safe to load securely.",
    ),
    "nested header": (
        archive(("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 9001) + b"-" * 9000 + b"1")),
        "the header of 'x.npy' is damaged",
    ),
    "true as a size": (archive(("x.npy", npy(shape=(True, 6)))), "doesn't take the 24 bytes"),
    "code in the header": (archive(("x.npy", npy(shape="__import__('os')"))), "shape is not valid"),
    "negative": (archive(("x.npy", npy(shape=(-2, -3)))), "doesn't take the 24 bytes"),
    "too large": (archive(("x.npy", npy(shape=(10**6, 10**6)))), "doesn't take the 24 bytes"),
    "overflowing": (archive(("x.npy", npy(shape=(2**62, 2**62, 0, 2**62)))), "doesn't take the 24 bytes"),
    "too small": (archive(("x.npy", npy(shape=(2,)))), "doesn't take the 24 bytes"),
    "another dtype": (archive(("x.npy", npy(descr="<f8"))), "doesn't take the 24 bytes"),
    "unknown dtype": (archive(("x.npy", npy(descr="<q9"))), "descr is not a valid dtype"),
    "bad truth value": (archive(("x.npy", npy(np.full(24, 2, np.uint8), descr="|b1", shape=(24,)))), "truth values"),
    "stored, other size": (declare(ONE, unpacked=2**31), "and 2147483648 are declared"),
    "stored, too large": (declare(ONE, unpacked=2**31, packed=2**31), "they overlap"),
    "bomb": (archive(("x.npy", ZEROS), method=zipfile.ZIP_DEFLATED), "it would unpack to 134,217,856 bytes"),
    "bomb in disguise": (
        declare(archive(("x.npy", ZEROS), method=zipfile.ZIP_DEFLATED), unpacked=152),
        "Bad CRC-32",
    ),
    "overlapping entries": (overlapping(30), "damaged"),
    "bzip2": (archive(("x.npy", npy()), method=zipfile.ZIP_BZIP2), "another method than deflate"),
    "lzma": (archive(("x.npy", npy()), method=zipfile.ZIP_LZMA), "another method than deflate"),
    "version 9.9 of zip": (demand(ONE, 6, 99), "zip file version 9.9"),
    "a patch": (demand(ONE, 8, 0x20), "compressed patched data (flag bit 5)"),
    "strong encryption": (demand(ONE, 8, 0x40), "strong encryption (flag bit 6)"),
    "altered": (ONE.replace(npy()[-24:], bytes(24)), "Bad CRC-32"),
    "metadata no text": (archive(("__metadata__.npy", npy())), "__metadata__ is not a table"),
    "metadata no table": (archive(("__metadata__.npy", npy(np.array("[]")))), "__metadata__ is not a table"),
    "metadata no JSON": (archive(("__metadata__.npy", npy(np.array("{")))), "Expecting"),
    "metadata no texts": (archive(("__metadata__.npy", npy(np.array('{"a": 1}')))), "__metadata__ is not a table"),
}


@pytest.mark.parametrize("content, reason", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files(tmp_path, content, reason):
    """A damaged or hostile file is refused with its path and the reason, without taking much memory or writing."""
    (tmp_path / "bad.npz").write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ValueError, match="bad.npz is not an .npz file, or is damaged: ") as raised:
        read_tensors(tmp_path / "bad.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reason in str(raised.value) and "\n" not in str(raised.value)
    assert peak < 4 * 2**20
    assert [path.name for path in tmp_path.iterdir()] == ["bad.npz"]


def test_a_directory_of_gigabytes(tmp_path):
    """A directory that is larger than any checkpoint's is not taken into memory."""
    path = tmp_path / "bad.npz"
    with open(path, "wb") as file:
        file.truncate(2**30)
        file.seek(0, 2)
        size = 2**30 - 100
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, size, 0, 0))
    tracemalloc.start()
    with pytest.raises(ValueError, match="one part of it has more than 16,777,216 bytes"):
        read_tensors(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * 2**20


def test_memory_is_limited_by_the_system_too(tmp_path):
    """The worst of them leave a process that may take 64 MiB more than it has alive."""
    bad = ["bomb", "bomb in disguise", "too large", "overlapping entries", "long header"]
    for i, name in enumerate(bad):
        (tmp_path / f"{i}.npz").write_bytes(HOSTILE[name][0])
    program = (
        "import resource, sys\nfrom nn.checkpoint import read_tensors\n"
        "now = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (now + 2**26, now + 2**26))\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n        read_tensors(path)\n"
        "    except ValueError:\n        print('refused')\n"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("the limit is set with Linux's /proc")
    paths = [tmp_path / f"{i}.npz" for i in range(len(bad))]
    done = subprocess.run([sys.executable, "-c", program, *paths], capture_output=True, text=True)
    assert done.stdout.split() == ["refused"] * len(bad), done.stderr
