"""The safetensors format: arrays and text, nothing that can be executed.

A file is the length of its header (8 bytes, little-endian), the header (JSON: for each array its dtype, its shape and
where its bytes lie; under `__metadata__` a table of texts), and the bytes of the arrays, row by row, without a gap.
https://github.com/huggingface/safetensors#format
"""

import json
import math
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["KIND", "NAMES", "NO_PICKLE", "read", "write"]

KIND = "a safetensors file"
NO_PICKLE = (
    "loading a pickle can run any program, so none is opened or written. Where it was made, save its arrays instead: "
    "safetensors.torch.save_file(model.state_dict(), 'x.safetensors') or numpy.savez('x.npz', **arrays)"
)

DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
MAX_HEADER = 2**24  # bytes, of 150,000 arrays; JSON takes up to 25 times as much memory as text


def write(file: BinaryIO, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> None:
    """Write arrays of the dtypes in NAMES, and texts. The same content gives the same bytes."""
    # Widest first, so that each array begins at a multiple of its item size, which PyTorch needs.
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0]))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, array in ordered:
        begin, end = end, end + array.nbytes
        dtype = NAMES[array.dtype.newbyteorder("<")]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, end]}
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    if len(encoded) > MAX_HEADER:
        raise ValueError(f"names and metadata take {len(encoded)} bytes; a file has room for at most {MAX_HEADER}")
    file.write(len(encoded).to_bytes(8, "little"))
    file.write(encoded)
    for _, array in ordered:
        file.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())


def read(file: BinaryIO, size: int) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read arrays and texts from a file of `size` bytes. Raises ValueError, OverflowError or RecursionError.

    Everything the header says is checked before any array is made, so a damaged or hostile file takes no more memory
    than its own size suggests.
    """
    header, metadata = _read_header(file, size)
    arrays = {}
    for name, (dtype, shape) in header.items():
        array = np.fromfile(file, dtype, math.prod(shape)).reshape(shape)
        arrays[name] = array.astype(dtype.newbyteorder("="), copy=False)
    return arrays, metadata


def _read_header(file: BinaryIO, size: int) -> tuple[dict[str, tuple[np.dtype[Any], list[int]]], dict[str, str]]:
    """Return dtype and shape of each array in the order of their bytes, and the metadata."""
    first = file.read(8)
    if len(first) < 8:
        raise ValueError(f"it has {size} bytes, and the length of the header alone takes 8")
    length = int.from_bytes(first, "little")
    if length > min(size - 8, MAX_HEADER):
        if first[0] == 0x80 and first[1] <= 5:
            raise ValueError(f"it looks like a pickle: {NO_PICKLE}")
        if first.startswith(b"PK"):
            raise ValueError(
                f"it looks like a zip archive. If numpy.savez made it, call it .npz; if torch.save did: {NO_PICKLE}"
            )
        raise ValueError(f"a header of {length} bytes doesn't fit in a file of {size} (at most {MAX_HEADER})")
    header = json.loads(file.read(length).decode(), object_pairs_hook=_without_repeats)
    if not isinstance(header, dict):
        raise ValueError(f"the header is a JSON {type(header).__name__}, not a table")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("__metadata__ is not a table of texts")
    spans = []
    for name, entry in header.items():
        match entry:
            case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [begin, end]} if len(shape) <= 64 and all(
                type(n) is int and 0 <= n < 2**63 for n in (*shape, begin, end)
            ):
                if dtype not in DTYPES:
                    raise ValueError(f"{name!r} has the dtype {dtype!r}; known are {', '.join(DTYPES)}")
                needed = math.prod(shape) * DTYPES[dtype].itemsize
                if end - begin != needed:
                    raise ValueError(f"{name!r}: {dtype} of shape {shape} takes {needed} bytes, not {end - begin}")
                spans.append((begin, end, name, (DTYPES[dtype], shape)))
            case _:
                raise ValueError(f"{name!r} is described by {entry!r:.200}; expected dtype, shape and data_offsets")
    spans.sort(key=lambda span: span[:3])
    reached = 0
    for begin, end, name, _ in spans:
        if begin != reached:
            raise ValueError(f"{name!r} begins at byte {begin} of the data, and the array before it ends at {reached}")
        reached = end
    if reached != size - 8 - length:
        raise ValueError(f"the arrays take {reached} bytes, and the file has {size - 8 - length} for them")
    return {name: described for _, _, name, described in spans}, metadata


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name occurs twice in the header")
    return table
