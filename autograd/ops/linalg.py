"""Products: of matrices, of vectors, over named axes. Two arrays in, their entries multiplied and summed."""

import math
import operator
import re
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..call import define, differentiable
from ..op import COMPOSITES, OPS
from .composite import composite


def transposed(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def rows(x: Any) -> Any:
    """See the last axis as rows of one matrix."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def matmul_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    """D = X W: dX = dD Wᵀ. A vector on either side is a matrix of one row or one column."""
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if x.ndim == 1:
        return y @ g if y.ndim == 2 else np.squeeze(y @ np.expand_dims(g, -1), -1)
    return g @ transposed(y)


def matmul_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    """D = X W: dW = Xᵀ dD."""
    if x.ndim == 1:
        return np.expand_dims(x, -1) * np.expand_dims(g, -2) if y.ndim > 1 else g * x
    if y.ndim == 1:
        return transposed(x) @ g if x.ndim == 2 else np.squeeze(transposed(x) @ np.expand_dims(g, -1), -1)
    if y.ndim == 2 < x.ndim:  # one matrix for a whole stack: a single product, not one per entry to be summed
        return transposed(rows(x)) @ rows(g)
    return transposed(x) @ g


define(np.matmul, matmul_x, matmul_y, symbol="@", forward=operator.matmul, elementwise=False)


def by_pairs(g: Any, x: Any, y: Any) -> Any:
    """See the gradient of inner(x, y) as one matrix, rows of x by rows of y."""
    return g if g.ndim == x.ndim == y.ndim == 2 else np.reshape(g, (math.prod(x.shape[:-1]), math.prod(y.shape[:-1])))


def inner_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    """D = X Wᵀ: dX = dD W."""
    if x.ndim == 0 or y.ndim == 0:
        return g * y
    dx = by_pairs(g, x, y) @ rows(y)
    return dx if x.ndim == 2 else np.reshape(dx, x.shape)


def inner_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    """D = X Wᵀ: dW = dDᵀ X."""
    if x.ndim == 0 or y.ndim == 0:
        return g * x
    dy = transposed(by_pairs(g, x, y)) @ rows(x)
    return dy if y.ndim == 2 else np.reshape(dy, y.shape)


def inner(x: Any, y: Any) -> Any:
    """Compute np.inner; a stack times one matrix as a single product, which NumPy does entry by entry."""
    if np.ndim(x) > 2 == np.ndim(y):
        return np.reshape(np.inner(rows(x), y), (*x.shape[:-1], y.shape[0]))
    return np.inner(x, y)


define(np.inner, inner_x, inner_y, forward=inner)


# ---- sums of products over named axes ----


def contracted(x: Any, y: Any, axes: Any) -> tuple[list[int], ...]:
    """List the axes that tensordot(x, y, axes) sums over, of x and of y in pairs, and those of each that stay."""
    if isinstance(axes, (int, np.integer)):
        ours, theirs = list(range(x.ndim - axes, x.ndim)), list(range(axes))
    else:
        ours, theirs = (np.mod(np.atleast_1d(of), z.ndim).tolist() for of, z in zip(axes, (x, y)))
    return ours, theirs, *([i for i in range(z.ndim) if i not in gone] for z, gone in ((x, ours), (y, theirs)))


def tensordot_x(g: Any, out: Any, x: Any, y: Any, axes: Any = 2) -> Any:
    """Sum over the axes of y that stayed; what is left are those that were summed over, in y's order."""
    ours, theirs, kept, stayed = contracted(x, y, axes)
    dx = np.tensordot(g, y, (list(range(len(kept), g.ndim)), stayed))
    return np.transpose(dx, np.argsort(kept + [ours[theirs.index(i)] for i in sorted(theirs)]).tolist())


def tensordot_y(g: Any, out: Any, x: Any, y: Any, axes: Any = 2) -> Any:
    ours, theirs, kept, stayed = contracted(x, y, axes)
    dy = np.tensordot(x, g, (kept, list(range(len(kept)))))
    return np.transpose(dy, np.argsort([theirs[ours.index(i)] for i in sorted(ours)] + stayed).tolist())


define(np.tensordot, tensordot_x, tensordot_y, forward=lambda x, y, axes=2: np.tensordot(x, y, axes)[()])


def einsum_x(g: Any, out: Any, x: Any, y: Any, subscripts: str, optimize: bool = False) -> Any:
    """The gradient of an einsum is an einsum: the output and the argument change places."""
    of_x, of_y, of_out = re.split(",|->", subscripts)
    return along(np.einsum(f"{of_out},{of_y}->{of_x}", g, y, optimize=optimize), x)


def einsum_y(g: Any, out: Any, x: Any, y: Any, subscripts: str, optimize: bool = False) -> Any:
    of_x, of_y, of_out = re.split(",|->", subscripts)
    return along(np.einsum(f"{of_x},{of_out}->{of_y}", x, g, optimize=optimize), y)


def along(piece: Any, x: Any) -> Any:
    """Repeat a gradient along an axis of `x` that met length 1 in the other argument, and was summed over."""
    shape = np.broadcast_shapes(piece.shape, x.shape)
    return piece if piece.shape == shape else np.broadcast_to(piece, shape)


@differentiable(einsum_x, einsum_y)
def einsum(x: Any, y: Any, subscripts: str, optimize: bool = False) -> Any:
    """Compute np.einsum(subscripts, x, y), for "ab,bc->ac": no index repeated, each in the output or in both."""
    return np.einsum(subscripts, x, y, optimize=optimize)


@composite(np.einsum)
def einsum_by_pairs(subscripts: str, *operands: Any, optimize: Any = False) -> Any:
    """Reduce each operand to what the others and the output need, then multiply two at a time."""
    parts = [as_array(x) for x in operands]
    indices, output = explicit(subscripts, parts)
    if len(parts) < 3:
        path: Sequence[Sequence[int]] = [tuple(range(len(parts)))]
    else:
        text = f"{','.join(indices)}->{output}"
        shapes = [np.broadcast_to(np.empty(()), x.shape) for x in parts]
        path = np.einsum_path(text, *shapes, optimize="greedy" if optimize is False else optimize)[0][1:]
    for group in path:
        taken = [(parts.pop(i), indices.pop(i)) for i in sorted(group, reverse=True)][::-1]
        for i, (y, of_y) in enumerate(taken):
            y, of_y = reduced(y, of_y, set(output).union(*indices, *(of_z for _, of_z in taken[:i] + taken[i + 1 :])))
            if i == 0:
                x, of_x = y, of_y
                continue
            needed = set(output).union(*indices, *(of_z for _, of_z in taken[i + 1 :]))
            of_out = "".join(k for k in dict.fromkeys(of_x + of_y) if k in needed)
            if needed == set(output):
                of_out = "".join(k for k in output if k in of_out)
            x = einsum(x, y, subscripts=f"{of_x},{of_y}->{of_out}", optimize=bool(optimize))
            of_x = of_out
        parts.append(x)
        indices.append(of_x)
    order = [of_x.index(k) for k in output]
    return x if order == sorted(order) else np.transpose(x, order)


def reduced(x: Any, of_x: str, needed: set[str]) -> tuple[Any, str]:
    """Take the diagonal where an index is repeated, and sum over the indices that nobody else needs."""
    for k in sorted(set(of_x)):
        while of_x.count(k) > 1:
            first, last = of_x.index(k), of_x.rindex(k)
            if x.shape[first] != x.shape[last]:
                raise ValueError(
                    f"einsum: the index {k!r} has lengths {x.shape[first]} and {x.shape[last]} in one operand."
                )
            x = np.diagonal(x, 0, first, last)
            of_x = of_x[:first] + of_x[first + 1 : last] + of_x[last + 1 :] + k
    axes = tuple(i for i, k in enumerate(of_x) if k not in needed)
    return (np.sum(x, axis=axes) if axes else x), "".join(k for k in of_x if k in needed)


def explicit(subscripts: Any, operands: Sequence[Any]) -> tuple[list[str], str]:
    """Write out what einsum's subscripts leave open: a letter for each axis behind "...", and the output."""
    if not isinstance(subscripts, str):
        raise TypeError("einsum of a Tensor takes its subscripts first, as text: np.einsum('ij,jk->ik', x, y).")
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    named = [part.replace("...", "", 1) for part in (*inputs, right)]
    if not all(part.isascii() and (part.isalpha() or not part) for part in named):
        raise ValueError(f"einsum: {subscripts!r} is not made of letters, ',', '...' and one '->'.")
    if len(inputs) != len(operands):
        raise ValueError(f"einsum: {subscripts!r} is for {len(inputs)} operands; {len(operands)} came.")
    free = [k for k in string.ascii_letters if k not in subscripts]
    longest = 0
    for i, (part, own, x) in enumerate(zip(inputs, named, operands)):
        rest = x.ndim - len(own)
        if rest < 0 or rest and "..." not in part:
            raise ValueError(f"einsum: {part!r} names {len(own)} axes; operand {i} has shape {x.shape}.")
        if rest > len(free):
            raise ValueError(f"einsum: {subscripts!r} needs more than 52 indices.")
        inputs[i] = part.replace("...", "".join(free[:rest][::-1]))
        longest = max(longest, rest)
    dots = "".join(free[:longest][::-1])
    every = "".join(inputs)
    if not arrow:
        right = dots + "".join(sorted(k for k in set("".join(named)) if every.count(k) == 1))
    elif dots and "..." not in right:
        raise ValueError(f"einsum: the output of {subscripts!r} needs '...', for the axes that it stands for.")
    output = right.replace("...", dots)
    if len(set(output)) < len(output) or not set(output) <= set(every):
        raise ValueError(f"einsum: the output of {subscripts!r} may name each index of the operands once.")
    return inputs, output


# ---- other products, written with these ----


def as_array(x: Any) -> Any:
    return x if hasattr(x, "shape") else np.asarray(x)


@composite(np.dot)
def dot(a: Any, b: Any) -> Any:
    x, y = as_array(a), as_array(b)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    return x @ y if y.ndim <= 2 else np.tensordot(x, y, (-1, -2))


@composite(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    return np.ravel(a) @ np.ravel(b)


@composite(np.outer)
def outer(a: Any, b: Any) -> Any:
    return np.reshape(a, (-1, 1)) * np.ravel(b)


@composite(np.linalg.outer)
def outer_of_vectors(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"linalg.outer takes two vectors; shapes {np.shape(x1)} and {np.shape(x2)} came.")
    return outer(x1, x2)


@composite(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Multiply every entry of `a` with all of `b`: the axes of each have length 1 where the other's stand."""
    x, y = as_array(a), as_array(b)
    n = max(x.ndim, y.ndim)
    x, y = (np.reshape(z, (1,) * (n - z.ndim) + z.shape) for z in (x, y))
    product = np.expand_dims(x, tuple(range(1, 2 * n, 2))) * np.expand_dims(y, tuple(range(0, 2 * n, 2)))
    return np.reshape(product, tuple(map(operator.mul, x.shape, y.shape)))


@composite(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = np.moveaxis(as_array(a), axisa, -1), np.moveaxis(as_array(b), axisb, -1)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError(f"cross() takes vectors of 3 entries; arrays of shapes {np.shape(a)} and {np.shape(b)} came.")
    product = x[..., [1, 2, 0]] * y[..., [2, 0, 1]] - x[..., [2, 0, 1]] * y[..., [1, 2, 0]]
    return np.moveaxis(product, -1, axisc)


@composite(np.linalg.cross)
def cross_along(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return cross(x1, x2, axis=axis)


@composite(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """Multiply by repeated squaring, as NumPy does; a negative power is one of the inverse."""
    x, n = (np.linalg.inv(a), -n) if n < 0 else (a, n)
    if not n:
        return np.zeros_like(x) + np.eye(x.shape[-1], dtype=x.dtype)
    power = None
    while n:
        n, odd = divmod(n, 2)
        if odd:
            power = x if power is None else power @ x
        x = x @ x if n else x
    return power


COMPOSITES[np.linalg.matmul] = OPS[np.matmul].call
COMPOSITES[np.linalg.tensordot] = lambda x1, x2, /, *, axes=2: np.tensordot(x1, x2, axes)

# ---- products of vectors in stacks ----

define(
    np.vecdot,
    lambda g, out, x, y: np.expand_dims(g, -1) * y,
    lambda g, out, x, y: np.expand_dims(g, -1) * x,
    elementwise=False,
)
if hasattr(np, "matvec"):  # NumPy 2.2
    define(
        np.matvec,
        lambda g, out, x, y: np.expand_dims(g, -1) * np.expand_dims(y, -2),
        lambda g, out, x, y: np.matvec(transposed(x), g),
        elementwise=False,
    )
    define(
        np.vecmat,
        lambda g, out, x, y: np.matvec(y, g),
        lambda g, out, x, y: np.expand_dims(x, -1) * np.expand_dims(g, -2),
        elementwise=False,
    )
COMPOSITES[np.linalg.vecdot] = lambda x1, x2, /: np.vecdot(x1, x2)
