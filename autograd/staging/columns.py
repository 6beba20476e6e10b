"""Passes for small gates: blocks of columns of one matrix, each treated alike, such as the four gates of an LSTM.

NumPy takes as long to begin a call, or a row of an array that is not contiguous, as to compute some hundred entries. So
these passes compute all gates at once, on contiguous memory. Arrays that leave the nearest cache are faster one by one.
"""

import operator
from collections import defaultdict
from typing import Any

import numpy as np

from ..op import OPS
from .abstract import abstract
from .instructions import is_elementwise
from .program import Program, Value, readers
from .speed import along, inserted, make

NEAR = 2**16  # bytes
NEUTRAL = {np.multiply: 1.0, np.add: -0.0}  # -0. + 0. is 0., the sign of a zero stays


def columns_at_once(program: Program) -> Program:
    """Compute the same op, or one with a number, on all blocks of columns of a matrix at once.

    Where some blocks alone are multiplied by a number, or added to, the others are by 1, or -0. The last op puts the
    blocks apart: from (n, k w) into (k, n, w).
    """
    used, results = readers(program), set(program.results)
    position = {value: i for i, value in enumerate(program.values)}
    before: dict[Value, list[Value]] = defaultdict(list)
    instead: dict[Value, Value] = {}
    constants: dict[Any, Value] = {}

    def numbers(shape: tuple[int, ...], dtype: np.dtype, given: tuple[float, ...]) -> Value:
        """Make a constant with a number for each block; of full size, since NumPy is slow to spread a smaller one."""
        k, n, width = shape if len(shape) == 3 else (len(given), shape[0], shape[1] // len(given))
        blocks = np.broadcast_to(np.array(given, dtype)[:, None, None], (k, n, width))
        data = blocks if len(shape) == 3 else blocks.swapaxes(0, 1).reshape(shape)
        return constants.setdefault((shape, dtype, given), Value(np.ascontiguousarray(data), constant=True))

    for base in program.values:
        blocks = blocks_of(base, used[base])
        if not blocks or base.data.size * base.dtype.itemsize > NEAR:
            continue
        found = []
        while op := shared(blocks, used, results):
            found.append(op)
            blocks = {j: [op[1][j]] if j in op[1] else same for j, same in blocks.items()}
        made, whole = [], base
        (n, columns), k = base.shape, len(blocks)
        for i, (function, values) in enumerate(found, 1):
            if i == len(found):
                made.append(make(np.reshape, (n, k, columns // k), whole, shape=(n, k, columns // k)))
                made.append(make(np.transpose, (k, n, columns // k), made[-1], axes=(1, 0, 2)))
                whole = made[-1]
            args: tuple[Any, ...] = ()
            if function in NEUTRAL:
                given = tuple(values[j].args[1] if j in values else NEUTRAL[function] for j in range(k))
                args = (numbers(whole.shape, base.dtype, given) if len(set(given)) > 1 else given[0],)
            whole = Value(abstract(whole.shape, base.dtype), OPS[function], (whole, *args), scope=base.scope)
            made.append(whole)
        if found:
            for j, same in blocks.items():
                made.append(make(operator.getitem, whole.shape[1:], whole, index=j))
                instead |= dict.fromkeys(same, made[-1])
            before[min(used[base], key=position.__getitem__)] += made
    return inserted(program, before, instead)


def blocks_of(x: Value, uses: list[Value]) -> dict[int, list[Value]]:
    """Give the slices that a matrix is read as, by the number of the block, if all are blocks of equal width."""
    blocks: dict[int, list[Value]] = defaultdict(list)
    widths = set()
    for y in uses if x.ndim == 2 else ():
        span = along(y.options["index"], x) if y.function is operator.getitem else None
        width = span[2] - span[1] if span and span[0] == 1 and not span[3] else 0
        if not span or not width or span[1] % width:
            return {}
        widths.add(width)
        blocks[span[1] // width].append(y)
    return blocks if len(widths) == 1 and len(blocks) > 1 and sum(widths) * len(blocks) == x.shape[1] else {}


def shared(
    blocks: dict[int, list[Value]], used: dict[Value, list[Value]], results: set[Value]
) -> tuple[Any, dict[int, Value]] | None:
    """Find an op on one array, or with a number, that is all that is done with several blocks; and its values."""
    alone: dict[Any, dict[int, Value]] = defaultdict(dict)
    for j, same in blocks.items():
        uses = [y for x in same for y in used[x]]
        if len(uses) == 1 and is_elementwise(uses[0]) and results.isdisjoint(same):
            (y,) = uses
            with_number = y.function in NEUTRAL and type(y.args[1]) in (int, float)
            if y.dtype == same[0].dtype and not y.options and (len(y.args) == 1 or with_number):
                alone[y.function][j] = y
    for function, values in alone.items():
        if len(values) == len(blocks) or len(values) > 1 and function in NEUTRAL:
            return function, values
    return None


def columns_joined(program: Program) -> Program:
    """Compute blocks of columns that are put side by side, each by the same op, in one call from two stacked arrays."""
    used, results = readers(program), set(program.results)
    before: dict[Value, list[Value]] = {}
    instead: dict[Value, Value] = {}

    def is_passing(x: Any) -> bool:
        """Tell what is computed to be read once: its place in a stack costs nothing."""
        return isinstance(x, Value) and is_elementwise(x) and not x.options and len(used[x]) == 1 and x not in results

    for value in program.values:
        if value.function is not np.concatenate or value.ndim != 2 or value.options.get("axis", 0) not in (1, -1):
            continue
        first, k = value.args[0], len(value.args)
        if not all(is_passing(x) and x.function is first.function and all(map(is_passing, x.args)) for x in value.args):
            continue
        alike = all(y.shape == first.shape and y.dtype == value.dtype for x in value.args for y in (x, *x.args))
        if not alike or value.data.size * value.dtype.itemsize > NEAR:
            continue
        n, width = first.shape
        made = [make(np.stack, (k, n, width), *args, axis=0) for args in zip(*(x.args for x in value.args))]
        made.append(make(first.function, (k, n, width), *made))
        made.append(make(np.transpose, (n, k, width), made[-1], axes=(1, 0, 2)))
        made.append(make(np.reshape, value.shape, made[-1], shape=value.shape))
        before[value], instead[value] = made, made[-1]
    return inserted(program, before, instead)
