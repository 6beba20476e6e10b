"""Checkpoints: parameters, and what a run needs to go on, in a safetensors file or, by the suffix, in an .npz file."""

import json
import os
import secrets
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import npz, safetensors
from .module import Module

__all__ = ["load", "read", "read_tensors", "require_format", "save", "write_tensors"]

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".joblib")


def save(path: str | PathLike[str], model: Module | Mapping[str, NDArray[Any]], **metadata: Any) -> None:
    """Save the parameters of `model`, a module or its state_dict(), and with them `metadata`.

    Metadata are values that JSON can hold, and arrays in them. So an optimizer's state_dict() and a generator's
    `rng.bit_generator.state` can go along. The parameters keep their names, so that other programs find them.
    See `write_tensors` for what happens to a file at `path`.
    """
    arrays = dict(model if isinstance(model, Mapping) else model.state_dict())

    def put_aside(value: object) -> dict[str, str]:
        if not isinstance(value, np.ndarray):
            raise TypeError(f"a checkpoint holds what JSON can hold, and arrays; not {type(value).__name__}: {value!r}")
        name = f"metadata/{len(arrays)}"  # no parameter's name has a slash
        arrays[name] = value
        return {"__array__": name}

    text = json.dumps(metadata, default=put_aside)
    write_tensors(path, arrays, {"chalkgrad": text} if metadata else {})


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


def require_format(path: str | PathLike[str]) -> None:
    """Raise ValueError for a name that says that the file is a pickle."""
    if os.path.splitext(path)[1].lower() in PICKLES:
        raise ValueError(f"{path} is the name of a pickle: {safetensors.NO_PICKLE}")


def write_tensors(
    path: str | PathLike[str], arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays and texts to a file, whole or not at all: in NumPy's format if it is called .npz, else safetensors.

    It is written beside `path` under another name and takes its place when complete, so that whenever the program is
    stopped, `path` holds the old file or the new one. The same content gives the same bytes. Raises ValueError for the
    name of a pickle and for a dtype other than float16 to 64, int8 to 64, uint8 to 64 and bool, and OSError where the
    file cannot be written.
    """
    require_format(path)
    path = os.path.realpath(path)
    metadata = dict(metadata or {})
    if not all(isinstance(text, str) for item in metadata.items() for text in item):
        raise ValueError(f"metadata maps texts to texts, got {metadata!r:.200}")
    for name, array in arrays.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise ValueError(f"an array can't be called {name!r}")
        if not isinstance(array, np.ndarray) or array.dtype.newbyteorder("<") not in safetensors.NAMES:
            kind = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
            raise ValueError(
                f"{name!r} has {kind}; a checkpoint holds arrays of {', '.join(map(str, safetensors.NAMES))}"
            )
    unfinished = f"{path}.{secrets.token_hex(4)}.tmp"
    try:
        with open(unfinished, "xb") as file:
            (npz if is_npz(path) else safetensors).write(file, arrays, metadata)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        if os.path.exists(unfinished):
            os.remove(unfinished)
        raise


def read_tensors(path: str | PathLike[str]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read the arrays and the metadata of an .npz file, if it is called so, or of a safetensors file.

    What a file says of itself is checked before any array is made, so a damaged or hostile one takes little memory.
    Raises ValueError with the reason for such a file, OSError for one that can't be read.
    """
    require_format(path)
    form = npz if is_npz(path) else safetensors
    with open(path, "rb") as file:
        try:
            arrays, metadata = form.read(file, os.fstat(file.fileno()).st_size)
            for name, array in arrays.items():
                if array.dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
                    raise ValueError(f"{name!r} is of truth values, but has bytes other than 0 and 1")
        except (ValueError, OverflowError, RecursionError) as error:
            raise ValueError(f"{path} is not {form.KIND}, or is damaged: {error}") from None
    return arrays, metadata


def is_npz(path: str | PathLike[str]) -> bool:
    return os.path.splitext(path)[1].lower() == ".npz"
