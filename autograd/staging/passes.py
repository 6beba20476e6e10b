"""Passes: each takes a program and gives one that computes the same with fewer or simpler values.

What bears a gradient in the printed code stays as the user wrote it (`pinned`): the reader looks for it.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from ..op import OPS
from .expression import transposition
from .program import Program, Value, keep, rewrite

VIEWS = {np.reshape, np.broadcast_to, np.transpose, np.swapaxes}  # no need to write their result out


def pinned(program: Program) -> set[Value]:
    """Collect the values of which a gradient is computed, and the sums that these gradients are."""
    found = {x for c in program.contributions for x in (c.through, c.of) if x}.union(program.outputs)
    for of, n in Counter(c.of for c in program.contributions).items():
        total = program.gradients[of]
        for _ in range(n - 1):
            found.add(total)
            total = total.args[0]
    return found


def dead_code(program: Program) -> Program:
    """Drop what no result needs."""
    pieces = [c.piece for c in program.contributions]
    return replace(program, values=keep(program, [*program.results, *pieces]))


def constants(program: Program) -> Program:
    """Compute what depends on no input now."""

    def rule(value: Value) -> Value:
        if (
            value.op is None or not value.operands or not all(x.constant for x in value.operands)
        ):  # an index is one, too
            return value
        if value.function in VIEWS and value.data.size > 1:
            return value
        return Value(value.data, constant=True)

    return rewrite(program, rule)


def common(program: Program) -> Program:
    """Compute what is computed twice, from the same values, once."""
    stay = pinned(program).union(c.piece for c in program.contributions)
    known: dict[Any, Value] = {}

    def rule(value: Value) -> Value:
        if value in stay or not value.op and not value.constant:
            return value
        return known.setdefault(fingerprint(value), value)

    return rewrite(program, rule)


def fingerprint(value: Value) -> Any:
    """Give what two values have in common that are computed alike."""
    if value.constant:
        return value.name, value.dtype.str, value.shape, value.data.tobytes()
    return value.function, key(value.args), key(sorted(value.options.items())), value.dtype.str


def key(x: Any) -> Any:
    """Give what an argument or option is told by: a Value by itself, others by what they say."""
    if isinstance(x, Value):
        return id(x)
    if isinstance(x, (tuple, list)):
        return tuple(map(key, x))
    return type(x), repr(x)


def simple(program: Program) -> Program:
    """Drop what changes nothing, a reshape to the shape that is there, and write two views as one."""
    stay = pinned(program)

    def rule(value: Value) -> Any:
        if value in stay or value.op is None or not value.args or not isinstance(value.args[0], Value):
            return value
        if isinstance(value.function, np.ufunc) and value.function.signature is None:
            args = tuple(as_number(x, value) for x in value.args)
            if args != value.args:
                return Value(value.data, value.op, args, value.options, scope=value.scope)
        x, function = value.args[0], value.function
        if same(value, x):
            return x
        if turned(value) and turned(x):
            return x.args[0]
        if turned(value) and x.function is np.matmul and x not in stay and any(map(turned, x.args)):
            made = [y if turned(y) else turn(y) for y in reversed(x.args)]  # (A @ B).T = B.T @ A.T
            args = tuple(y.args[0] if y in x.args else y for y in made)
            return [*(y for y in made if y not in x.args), Value(value.data, x.op, args, scope=value.scope)]
        if function is np.reshape and x.function is np.sum and not x.options.get("keepdims"):
            axis = x.options.get("axis")
            if value.shape == np.sum(x.args[0].data, axis=axis, keepdims=True).shape:
                return Value(value.data, x.op, x.args, {"axis": axis, "keepdims": True}, scope=value.scope)
        if x not in stay and function in (np.reshape, np.broadcast_to) and x.function in (np.reshape, np.expand_dims):
            inner = x.args[0]
            if function is np.reshape or inner.ndim == 0:
                return rule(Value(value.data, value.op, (inner,), value.options, scope=value.scope))
        return value

    return rewrite(program, rule)


def turned(x: Any) -> bool:
    """Tell a matrix that is transposed."""
    return isinstance(x, Value) and x.ndim == 2 and transposition(x.function, x.options, 2) == "T"


def turn(x: Value) -> Value:
    """Transpose a matrix."""
    return Value(np.swapaxes(x.data, -1, -2), OPS[np.swapaxes], (x,), {"axis1": -1, "axis2": -2}, scope=x.scope)


def as_number(x: Any, value: Value) -> Any:
    """Give the number behind an operand that only gives it axes, where the other operand has as many."""
    if not isinstance(x, Value) or x.function is not np.reshape or x.args[0].ndim or np.size(x.data) != 1:
        return x
    others = [y.ndim for y in value.args if isinstance(y, Value) and y is not x]
    return x.args[0] if x.ndim <= max(others, default=-1) else x


def same(value: Value, x: Value) -> bool:
    """Tell whether an op gives its argument as it is."""
    if value.shape != x.shape or value.dtype != x.dtype:
        return False
    if value.function is np.power:
        return type(value.args[1]) is int and value.args[1] == 1
    if value.function is np.transpose:
        axes = value.options.get("axes")
        return x.ndim < 2 or axes is not None and np.array_equal(np.mod(axes, x.ndim), range(x.ndim))
    return value.function in (np.reshape, np.broadcast_to, np.astype) or value.op is OPS[np.sum] and not x.ndim


PASSES = dead_code, constants, simple, common, dead_code
