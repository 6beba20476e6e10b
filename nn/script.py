"""Running a user's script as Python would, and choosing what to draw among its variables."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from autograd import Tensor, toposort

LISTED = 20  # Tensors in a message


def run_script(path: Path, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Run a script as `python path arguments...` would, and give its variables.

    Where the script fails, its own traceback is printed, by its own sys.excepthook, and SystemExit(1) raised. A script
    that exits goes through with it, unless its status says that all is well. Raises OSError if it can't be read.
    """
    module = ModuleType("__main__")
    module.__file__ = str(path.absolute())
    source = path.read_bytes()
    before = sys.argv, sys.path, sys.modules["__main__"]
    sys.argv, sys.path = [str(path), *arguments], [str(path.resolve().parent), *sys.path[1:]]
    sys.modules["__main__"] = module
    try:
        exec(compile(source, module.__file__, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as exit:
        if exit.code not in (None, 0):
            raise
    except Exception as error:
        assert error.__traceback__ is not None
        error.__traceback__ = error.__traceback__.tb_next  # the first frame is this function's
        sys.excepthook(type(error), error, error.__traceback__)
        raise SystemExit(1) from None
    finally:
        sys.argv, sys.path, sys.modules["__main__"] = before
    return module.__dict__


def choose(variables: Mapping[str, Any], name: str | None, script: str | os.PathLike) -> tuple[str, Tensor]:
    """Give the Tensor to draw, with its name: the one asked for; else the scalar `loss` or `L`; else the only result.

    A result is what was computed, and led to no other variable. Raises ValueError, which lists the Tensors that there
    are, if the choice is not clear; TypeError if the variable is no Tensor; RuntimeError if the graph was freed.
    """
    tensors = {name: value for name, value in variables.items() if isinstance(value, Tensor)}
    if name is not None:
        if name not in variables:
            raise ValueError(f"{script} has no variable {name}{listing(tensors, script)}")
        if name not in tensors:
            raise TypeError(f"{name} is not a Tensor but {type(variables[name]).__name__}{listing(tensors, script)}")
        return name, tensors[name]
    losses = {name: tensors[name] for name in ("loss", "L") if name in tensors and tensors[name].ndim == 0}
    used = {parent for node in toposort(tensors.values()) for parent in node.parents}
    results = {name: tensor for name, tensor in tensors.items() if tensor.op is not None and tensor not in used}
    for candidates in (losses, results):
        if len(set(candidates.values())) == 1:
            return next(iter(candidates.items()))
    raise ValueError(f"which of the variables to draw? Say it with --name{listing(tensors, script)}")


def listing(tensors: Mapping[str, Tensor], script: str | os.PathLike) -> str:
    """Say what Tensors there are to choose from: name, shape, and whether backward() has reached them."""
    if not tensors:
        return f". {script} leaves no Tensor in a variable of its top level; what a function keeps to itself is gone."
    wide = max(map(len, tensors))
    shapes = {name: str(tensor.shape) for name, tensor in tensors.items()}
    column = max(map(len, shapes.values()))
    lines = [
        f"  {name:{wide}}  {shapes[name]:{column}}  {'no gradient' if tensor.grad is None else 'has a gradient'}"
        for name, tensor in list(tensors.items())[:LISTED]
    ]
    more = [f"  ... and {len(tensors) - LISTED} more"] if len(tensors) > LISTED else []
    return "\n".join([". Its Tensors, by variable:", *lines, *more])
