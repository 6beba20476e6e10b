"""NumPy's .npz format without pickles: a zip archive with a file NAME.npy for each array.

The metadata, a table of texts, are the entry `__metadata__`: one text, in JSON.
https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import json
import math
import re
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .bounded import Bounded
from .safetensors import NAMES, NO_PICKLE

__all__ = ["KIND", "read", "write"]

KIND = "an .npz file"
MAX_PART = 2**24  # bytes; of the archive's directory, or read at a time
# Compressed arrays may unpack to this much: 16 times the file and 64 MiB more, room for the zeros of a new optimizer.
MAX_RATIO, MAX_MORE = 16, 2**26
OUTSIDE = re.compile(r"/|.*\\|[A-Za-z]:|(.*/)?\.\.?(/|$)", re.DOTALL)  # absolute, Windows' ways, dot-dot
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def write(file: BinaryIO, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> None:
    """Write arrays of the dtypes in safetensors.NAMES, and texts. The same content gives the same bytes.

    Raises ValueError for names that `read` would refuse.
    """
    entries = dict(sorted(arrays.items()))
    if metadata:
        entries["__metadata__"] = np.array(json.dumps(dict(metadata)))
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in entries.items():
            if OUTSIDE.match(name) or "\0" in name:
                raise ValueError(
                    f"an array in an .npz file can't be called {name!r}, which is no name of a file inside it"
                )
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def read(file: BinaryIO, size: int) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read arrays and texts from a file of `size` bytes. Raises ValueError, OverflowError or RecursionError.

    Nothing is written to the disk, no object is unpickled, and what the archive's directory and the header of each
    array declare is held against the size of the file before an array is made.
    """
    try:
        with zipfile.ZipFile(Bounded(file, MAX_PART, size)) as archive:
            infos = archive.infolist()
            _check_directory(infos, size)
            arrays = {info.filename.removesuffix(".npy"): _read_array(archive, info) for info in infos}
    # zipfile raises NotImplementedError for what it can't unpack: a later version of the format, patches, ciphers
    except (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from None
    text = arrays.pop("__metadata__", np.array("{}"))
    metadata = json.loads(text.item()) if text.ndim == 0 and text.dtype.kind == "U" else None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("__metadata__ is not a table of texts, in JSON")
    return arrays, metadata


def _check_directory(infos: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse an archive for what its directory says: names, methods, sizes."""
    names = set()
    for info in infos:
        name = info.filename
        if name in names:
            raise ValueError(f"{name!r} is in it twice")
        names.add(name)
        if OUTSIDE.match(name):
            raise ValueError(f"the name {name!r} leads out of the archive")
        if not name.endswith(".npy"):
            why = f", as in what torch.save makes: {NO_PICKLE}" if name.endswith(".pkl") else ""
            raise ValueError(f"it contains {name!r}, which is no array{why}")
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name!r} is encrypted, or compressed by another method than deflate")
        if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
            raise ValueError(f"{name!r} has {info.compress_size} bytes, and {info.file_size} are declared")
    packed, unpacked = sum(info.compress_size for info in infos), sum(info.file_size for info in infos)
    if packed > size:
        raise ValueError(f"its arrays take {packed:,} bytes, and the file has {size:,}: they overlap")
    if unpacked > (limit := MAX_RATIO * size + MAX_MORE):
        raise ValueError(f"it would unpack to {unpacked:,} bytes; from a file of {size:,}, at most {limit:,} are taken")


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """Read one array, whose header has to agree with the size of its entry."""
    with archive.open(info) as entry:
        version = np.lib.format.read_magic(entry)
        if version not in HEADERS:
            raise ValueError(f"{info.filename!r} is in version {version} of NumPy's format; known are 1.0 and 2.0")
        try:
            shape, _, dtype = HEADERS[version](entry)
        except (ValueError, TypeError, MemoryError, RecursionError, SyntaxError, tokenize.TokenError) as error:
            # Python's parser raises MemoryError for deep nesting; NumPy's further lines advise to allow pickles
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ValueError(f"the header of {info.filename!r} is damaged: {reason}") from None
        described = f"{info.filename!r}: {dtype} of shape {shape}"
        text = info.filename == "__metadata__.npy" and dtype.kind == "U" and shape == ()
        if dtype.hasobject:
            raise ValueError(f"{described} is a pickle inside: {NO_PICKLE}")
        if not text and dtype.newbyteorder("<") not in NAMES:
            raise ValueError(f"{described}; expected one of {', '.join(map(str, NAMES))}")
        whole = all(type(n) is int and n >= 0 for n in shape)
        if not whole or math.prod(shape) * dtype.itemsize != info.file_size - entry.tell():
            raise ValueError(f"{described} doesn't take the {info.file_size - entry.tell()} bytes that it has")
    with archive.open(info) as entry:
        array: NDArray[Any] = np.lib.format.read_array(entry, allow_pickle=False)
        if entry.read(1):  # at the end, zipfile compares the checksum
            raise ValueError(f"{info.filename!r} has more bytes than are declared")
    return np.ascontiguousarray(array).astype(dtype.newbyteorder("="), copy=False).reshape(shape)
