"""Checkpoints in the safetensors format: arrays and text, nothing that can be executed.

A file is the length of its header (8 bytes, little-endian), the header (JSON: for each array its dtype, its shape and
where its bytes lie; under `__metadata__` a table of texts), and the bytes of the arrays, row by row, without a gap.
https://github.com/huggingface/safetensors#format
"""

import json
import math
import os
import secrets
from collections.abc import Mapping
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .module import Module

__all__ = ["load", "read", "read_tensors", "save", "write_tensors"]

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
MAX_HEADER = 100_000_000  # bytes; the limit of the safetensors library too


def save(path: str | PathLike[str], model: Module, **metadata: Any) -> None:
    """Save the parameters of `model`, and with them `metadata`: values that JSON can hold, and arrays in them.

    So an optimizer's state_dict() and a generator's `rng.bit_generator.state` can go along. The parameters keep their
    names, so that other readers of safetensors find them. See `write_tensors` for what happens to a file at `path`.
    """
    arrays = dict(model.state_dict())

    def put_aside(value: object) -> dict[str, str]:
        if not isinstance(value, np.ndarray):
            raise TypeError(f"a checkpoint holds what JSON can hold, and arrays; not {type(value).__name__}: {value!r}")
        name = f"metadata/{len(arrays)}"  # no parameter's name has a slash
        arrays[name] = value
        return {"__array__": name}

    text = json.dumps(metadata, default=put_aside)
    write_tensors(path, arrays, {"chalkgrad": text})


def load(path: str | PathLike[str], model: Module) -> dict[str, Any]:
    """Load the parameters in a file into `model`, and return the metadata that `save` stored with them.

    Raises what `read` raises, and what `model.load_state_dict` raises when the names or shapes of the parameters are
    not the model's.
    """
    parameters, metadata = read(path)
    model.load_state_dict(parameters)
    return metadata


def read(path: str | PathLike[str]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the parameters and the metadata that `save` stored, for a model that is yet to be made.

    As JSON has it, dictionary keys come back as texts and tuples as lists; a file that another program wrote has no
    such metadata. Raises what `read_tensors` raises, and ValueError for metadata that `save` cannot have written.
    """
    arrays, texts = read_tensors(path)

    def put_back(value: dict[str, Any]) -> Any:
        return arrays.pop(value["__array__"]) if value.keys() == {"__array__"} else value

    try:
        metadata = json.loads(texts.get("chalkgrad", "{}"), object_hook=put_back)
        if not isinstance(metadata, dict):
            raise ValueError(f"expected a table, got {type(metadata).__name__}")
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: its metadata is damaged: {error}") from None
    return arrays, metadata


def write_tensors(
    path: str | PathLike[str], arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays and texts to a safetensors file, whole or not at all.

    It is written beside `path` under another name and takes its place when complete, so that whenever the program is
    stopped, `path` holds the old file or the new one. The same content gives the same bytes. Raises ValueError for a
    dtype other than float16 to 64, int8 to 64, uint8 to 64 and bool, and OSError where the file cannot be written.
    """
    path = os.path.realpath(path)
    metadata = dict(metadata or {})
    if not all(isinstance(text, str) for item in metadata.items() for text in item):
        raise ValueError(f"metadata maps texts to texts, got {metadata!r:.200}")
    for name, array in arrays.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise ValueError(f"an array can't be called {name!r}")
        if not isinstance(array, np.ndarray) or array.dtype.newbyteorder("<") not in NAMES:
            kind = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
            raise ValueError(f"{name!r} has {kind}; a safetensors file holds arrays of {', '.join(map(str, NAMES))}")
    # Widest first, so that each array begins at a multiple of its item size, which PyTorch needs.
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0]))
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, array in ordered:
        begin, end = end, end + array.nbytes
        dtype = NAMES[array.dtype.newbyteorder("<")]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, end]}
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    if len(encoded) > MAX_HEADER:
        raise ValueError(f"names and metadata take {len(encoded)} bytes; the format allows {MAX_HEADER}")
    unfinished = f"{path}.{secrets.token_hex(4)}.tmp"
    try:
        with open(unfinished, "xb") as file:
            file.write(len(encoded).to_bytes(8, "little"))
            file.write(encoded)
            for _, array in ordered:
                file.write(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        if os.path.exists(unfinished):
            os.remove(unfinished)
        raise


def read_tensors(path: str | PathLike[str]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read the arrays and the metadata of a safetensors file.

    Everything the header says is checked before any array is made, so a damaged or hostile file takes no more memory
    than its own size suggests. Raises ValueError with the reason for such a file, OSError for one that can't be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            header, metadata = _read_header(file, size)
            arrays = {}
            for name, (dtype, shape) in header.items():
                array = np.fromfile(file, dtype, math.prod(shape)).reshape(shape)
                if dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
                    raise ValueError(f"{name!r} is of truth values, but has bytes other than 0 and 1")
                arrays[name] = array.astype(dtype.newbyteorder("="), copy=False)
        except (ValueError, OverflowError, RecursionError) as error:
            raise ValueError(f"{path} is not a safetensors file, or is damaged: {error}") from None
    return arrays, metadata


def _read_header(file: BinaryIO, size: int) -> tuple[dict[str, tuple[np.dtype[Any], list[int]]], dict[str, str]]:
    """Return dtype and shape of each array in the order of their bytes, and the metadata."""
    first = file.read(8)
    if len(first) < 8:
        raise ValueError(f"it has {size} bytes, and the length of the header alone takes 8")
    length = int.from_bytes(first, "little")
    if length > min(size - 8, MAX_HEADER):
        if first[0] == 0x80 and first[1] <= 5:
            raise ValueError("it looks like a pickle, which can run any program when loaded; it was not opened")
        if first.startswith(b"PK"):
            raise ValueError("it looks like a zip archive (torch.save and numpy.savez make these); it was not opened")
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
