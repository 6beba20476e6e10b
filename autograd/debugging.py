"""Debug mode: the first NaN or infinity, and an array changed behind a tensor's back, are named at once."""

import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from linecache import getline
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from .tensor import Tensor, modes

HERE = Path(__file__).parent


@contextmanager
def debug() -> Iterator[None]:
    """Check every op while the block runs, forward and backward, in this thread.

    Raises FloatingPointError at the first result or gradient that is not finite, and RuntimeError in a backward pass
    that meets an array which was changed in place since the forward pass. Both name the op, its arguments and the line
    that called it. Warns, once, of a gradient that has become so small that it slows the computer down. Slow: every
    array is read once more.
    """
    record: Any = modes.record
    apply = modes.apply
    made: dict[int, tuple[str, list[int]]] = {}  # by creation number: the line, a checksum of each array
    warned = False

    def checked_record(op: Any, data: Any, args: tuple, values: tuple, *rest: Any) -> Tensor:
        node = record(op, data, args, values, *rest)
        line = calling_line()
        if not finite(data):
            bad = [describe(arg, value) for arg, value in zip(args, values) if not finite(value)]
            raise FloatingPointError(
                f"{op.name} gave {kinds(data)}, of {listing(args, values)}, {line}{within(node)}. "
                + (f"It came in with {' and '.join(bad)}." if bad else "Its arguments are all finite.")
            )
        made[node.number] = line, [checksum(array) for array in (*values, data)]
        return node

    def checked_apply(node: Any, rule: Any, g: Any, recorded: bool) -> Any:
        line, sums = made.get(node.number, ("outside debug mode", None))
        arrays = (*node.values, node._data)
        for arg, value, then in zip((*node.args, node), arrays, sums or ()):
            if checksum(value) != then:
                raise RuntimeError(
                    f"{describe(arg, value)} was changed in place after {node.op.name} had used it {line}, so the "
                    "gradient would be wrong. Make a new array instead of writing into the old one."
                )
        nonlocal warned
        piece = apply(node, rule, g, recorded)
        for part in piece if isinstance(piece, list) else [piece]:
            small = 0.0 if warned else subnormal(part)
            if small > 0.1:
                warned = True
                frame = calling_frame()
                warnings.warn_explicit(
                    f"{small:.0%} of what the local gradient of {node.op.name} gave, {line}{within(node)}, is "
                    f"subnormal: below {np.finfo(part.dtype).tiny:.1e}, where {part.dtype} loses digits and most "
                    "processors compute many times slower. The gradient has vanished on its way to here: shorten the "
                    "way (truncate, or a loss at each step), or start an LSTM with forget_bias=1.",
                    RuntimeWarning,
                    frame.f_code.co_filename,
                    frame.f_lineno,
                )
            if not finite(part):
                raise FloatingPointError(
                    f"the local gradient of {node.op.name} gave {kinds(part)}, for {listing(node.args, node.values)}, "
                    f"{line}{within(node)}. The gradient that arrived there "
                    + ("was finite." if finite(g) else f"had {kinds(g)} already.")
                )
        return piece

    modes.record, modes.apply = checked_record if record else None, checked_apply
    try:
        yield
    finally:
        modes.record, modes.apply = record, apply


def finite(x: Any) -> bool:
    array = np.asarray(x._data if isinstance(x, Tensor) else 0 if x is None else x)
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def subnormal(x: Any) -> float:
    """Give the part of the entries that are not zero, but closer to it than a normal float of the dtype can be."""
    array = np.abs(np.asarray(x._data if isinstance(x, Tensor) else 0.0 if x is None else x))
    return float(np.mean((array > 0) & (array < np.finfo(array.dtype).tiny))) if array.size else 0.0


def kinds(x: Any) -> str:
    """Say how many entries are NaN and how many infinite."""
    array = np.asarray(x._data if isinstance(x, Tensor) else x)
    found = {"NaN": int(np.isnan(array).sum()), "infinite": int(np.isinf(array).sum())}
    return " and ".join(f"{n} {kind}" for kind, n in found.items() if n) + f" of {array.size} entries"


def describe(arg: Any, value: Any) -> str:
    if isinstance(arg, Tensor):
        return arg.label
    return f"an array of shape {np.shape(value)}" if np.ndim(value) else repr(value)


def listing(args: tuple, values: tuple) -> str:
    return ", ".join(describe(arg, value) for arg, value in zip(args, values))


def within(node: Tensor) -> str:
    return f", in {'/'.join(node.scope.path)}" if node.scope else ""


def checksum(x: Any) -> int:
    return zlib.crc32(np.asarray(0 if x is None else x).tobytes())


def calling_line() -> str:
    """Say which line outside this package called the op."""
    frame = calling_frame()
    file, number = frame.f_code.co_filename, frame.f_lineno
    return f"at {file}:{number}: {getline(file, number).strip()}"


def calling_frame() -> FrameType:
    """Find the frame outside this package and NumPy that led here."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        HERE in Path(frame.f_code.co_filename).parents or "numpy" in frame.f_globals.get("__name__", "").split(".")
    ):
        frame = frame.f_back
    return frame
