"""Example calls of the ops on matrices, shapes and indices, as in cases.py, which holds all of them."""

import numpy as np
from case import Case, case, normal, spread

from autograd.ops.factorization import cofactors, eigh, qr, slogdet, svd
from autograd.ops.indexing import put_at
from autograd.ops.linalg import einsum

T, F = True, False


def regular(*shape):
    """Matrices far from singular, with singular values and eigenvalues apart from each other."""
    step = np.zeros(shape)
    i = np.arange(min(shape[-2:]))
    step[..., i, i] = 2 + 1.5 * i
    return step + 0.3 * normal(*shape)


def definite(*shape):
    """Symmetric, positive definite matrices, whose other triangle is not read."""
    return np.tril(regular(*shape)) + np.triu(np.full(shape, 7.0), 1)


def by_loops(x, y, subscripts, optimize=False):
    """Compute an einsum of two operands from its definition, one product at a time."""
    (of_x, of_y), of_out = (part.split(",") for part in subscripts.split("->"))
    of_out = of_out[0]
    size = {}
    for k, n in zip(of_x + of_y, x.shape + y.shape):
        size[k] = max(size.get(k, 0), n) if n else 0
    out = np.zeros([size[k] for k in of_out], np.result_type(x, y))
    for place in np.ndindex(*size.values()):
        at = dict(zip(size, place))
        entry = lambda z, of: z[tuple(at[k] % n for k, n in zip(of, z.shape))]  # noqa: E731
        out[tuple(at[k] for k in of_out)] += entry(x, of_x) * entry(y, of_y)
    return out


def written(x, value, index):
    out = x.copy()
    out[index] = value
    return out


def minors(x):
    """Compute cofactors from their definition: determinants of what a row and a column leave."""
    out = np.empty_like(x)
    n = x.shape[-1]
    for i, j in np.ndindex(n, n):
        out[..., i, j] = (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, -2), j, -1))
    return out


def own(function, formula, *args, **options):
    return Case(function, formula, args, options)


ARRAYS = [
    # products over chosen axes
    *(
        case(np.tensordot, normal(*x), normal(*y), axes)
        for x, y, axes in [
            ((2, 3), (3, 4), 1), ((2,), (3,), 0), ((), (2,), 0), ((2, 3, 4), (3, 4, 2), 2), ((3, 4), (3, 4), 2),
            ((2, 3, 4), (4, 5, 2), ([2, 0], [0, 2])), ((2, 3, 4), (4, 5, 2), ([0, 2], [2, 0])),
            ((2, 3), (4, 3), (-1, -1)), ((2, 0), (0, 3), 1), ((2, 3), (2, 4), ([0], [0])),
        ]
    ),
    *(
        own(einsum, by_loops, normal(*x), normal(*y), subscripts)
        for x, y, subscripts in [
            ((2, 3), (3, 4), "ij,jk->ik"), ((2, 3), (3, 4), "ij,jk->ki"), ((3,), (3,), "i,i->"),
            ((2,), (3,), "i,j->ij"),
            ((5, 2, 3), (5, 4, 3), "bij,bkj->bik"), ((2, 3), (2, 3), "ij,ij->j"), ((2, 3), (), "ij,->ji"),
            ((2, 1), (3, 4), "ij,jk->ik"), ((2, 3), (1, 4), "ij,jk->ik"), ((1, 3), (2, 3), "ij,ij->i"),
            ((2, 0), (0, 3), "ij,jk->ik"), ((0, 2), (2, 3), "ij,jk->ik"),
        ]
    ),
    own(einsum, by_loops, normal(2, 3), normal(3, 4), "ij,jk->ik", optimize=True),
    *(
        case(np.vecdot, normal(*x), normal(*y))
        for x, y in [((3,), (3,)), ((2, 3), (3,)), ((4, 1, 3), (2, 3)), ((2, 0), (0,))]
    ),
    *(
        case(getattr(np, name), normal(*x), normal(*y))
        for name, pairs in {
            "matvec": [((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3)), ((4, 1, 2, 3), (5, 3)), ((2, 0), (0,))],
            "vecmat": [((2,), (2, 3)), ((4, 2), (2, 3)), ((2,), (4, 2, 3)), ((5, 2), (4, 1, 2, 3)), ((0,), (0, 3))],
        }.items()
        for x, y in pairs
        if hasattr(np, name)
    ),
    # inverse, determinant, factorizations: one matrix, a stack, a single entry, nothing
    *(
        case(f, regular(*shape))
        for f in (np.linalg.inv, np.linalg.det)
        for shape in ((3, 3), (2, 1, 3, 3), (1, 1), (0, 0), (0, 2, 2))
    ),
    *(
        case(np.linalg.solve, regular(*x), normal(*y))
        for x, y in [
            ((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 1)),
            ((2, 1, 3, 3), (4, 3, 2)), ((0, 0), (0,)), ((0, 0), (0, 2)), ((2, 2), (2, 0)),
        ]
    ),
    *(case(np.linalg.pinv, regular(*shape)) for shape in ((3, 3), (4, 2), (2, 3), (2, 3, 2), (0, 2))),
    *(own(cofactors, minors, regular(*shape)) for shape in ((3, 3), (2, 2, 2), (1, 1))),
    *(
        own(slogdet, lambda x: np.stack(np.linalg.slogdet(x)), regular(*shape))
        for shape in ((3, 3), (2, 2, 2), (1, 1), (0, 0))
    ),
    *(case(np.linalg.cholesky, definite(*shape)) for shape in ((3, 3), (2, 2, 2), (1, 1), (0, 0))),
    *(case(eigh, definite(*shape)) for shape in ((3, 3), (2, 2, 2), (1, 1), (0, 0))),
    case(eigh, definite(3, 3).T.copy(), UPLO="U"),
    *(case(np.linalg.eigvalsh, definite(*shape)) for shape in ((3, 3), (2, 2, 2), (0, 0))),
    case(np.linalg.eigvalsh, definite(3, 3).T.copy(), "U"),
    *(case(np.linalg.svdvals, regular(*shape)) for shape in ((3, 3), (2, 3), (2, 3, 2), (0, 2))),
    *(case(svd, regular(*shape)) for shape in ((3, 3), (3, 2), (2, 3), (2, 3, 2), (1, 1), (0, 2), (2, 0))),
    *(case(qr, regular(*shape)) for shape in ((3, 3), (4, 2), (2, 3, 2), (1, 1), (2, 0))),
    # the same entries, elsewhere
    *(case(np.moveaxis, normal(2, 3, 4), *axes) for axes in ((0, 2), (-1, 0), ([0, 1], [-1, 0]))),
    case(np.flip, normal(2, 3)),
    *(case(np.flip, normal(2, 3), axis=axis) for axis in (0, -1, (0, 1))),
    *(case(np.rot90, normal(2, 3), k) for k in (1, 2, 3, -1)),
    case(np.rot90, normal(2, 3, 4), axes=(2, 0)),
    *(case(np.roll, normal(2, 3), shift) for shift in (1, -2, 7)),
    *(case(np.roll, normal(2, 3), shift, axis) for shift, axis in ((1, 1), ((1, -1), (0, 1)), (2, (0, 1)))),
    *(case(f, normal(3, 4), *k) for f in (np.tril, np.triu) for k in ((), (1,), (-1,))),
    *(case(f, normal(*shape)) for f in (np.tril, np.triu) for shape in ((2, 3, 3), (3,), (0, 2))),
    *(case(np.pad, normal(2, 3), width) for width in (1, (1, 2), ((0, 1), (2, 0)))),
    case(np.pad, normal(2), 2, constant_values=7.0),
    case(np.pad, normal(2, 2), 1, "constant", constant_values=((1.0, 2.0), (3.0, 4.0))),
    *(case(f, normal(0, 3)) for f in (np.flip, np.rot90)),
    case(np.roll, normal(0, 3), 1, 1),
    # entries written over
    *(
        own(put_at, written, normal(4, 3), value, index)
        for value, index in [
            (normal(3), 1), (normal(), -1), (normal(2, 3), slice(1, 3)), (normal(2, 1), slice(None, None, -2)),
            (normal(3), ...), (normal(1, 1, 3), 0), (normal(3), [0, 0, 2, 2]), (normal(4, 3), np.array([1, 1, 1, 0])),
            (normal(2), (np.array([0, 0]), np.array([1, 1]))), (normal(2, 2), np.ix_([0, 3], [1, 2])),
            (normal(2, 3), np.array([T, F, F, T])), (normal(), spread(4, 3) > 0), (normal(0, 3), slice(2, 2)), (7.0, 2),
        ]
    ),
    own(put_at, written, np.ones(3), normal(), 0),
    own(put_at, written, normal(), normal(), ()),
]  # fmt: skip
