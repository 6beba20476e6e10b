"""Example calls of every op, at points where it is smooth.

Every float array in a row is an input to differentiate by; other arguments stay what they are. An op of the table
without a row here fails the suite. Values lie away from corners: kinks, ties and poles have tests of their own.
"""

import math
import operator

import numpy as np
from case import FORMULAS, case, nonzero, normal, positive, spread
from cases_arrays import ARRAYS

from autograd import (
    elu, erf, gelu, leaky_relu, log_softmax, logsumexp, relu, scatter_add, sigmoid, silu, softmax, softplus,
)  # fmt: skip
from autograd.ops.cumulative import linear_recurrence, product_of_others
from autograd.ops.gates import normal_cdf


def scattered(x, index, shape):
    out = np.zeros(shape, x.dtype)
    numbers = np.arange(out.size).reshape(shape)[index]  # where each entry of x goes
    for i, entry in zip(numbers.ravel(), np.broadcast_to(x, numbers.shape).ravel()):
        out.flat[i] += entry
    return out


def each(f):
    """Apply a function of one number to every entry."""
    return lambda x: np.array([f(v) for v in x.ravel().tolist()], x.dtype).reshape(x.shape)


def imitated_gelu(x):
    return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def recurred(x, a, reverse=False):
    order, h, before = range(len(x))[:: -1 if reverse else 1], np.zeros_like(x), 0
    for t in order:
        factor = a[t + 1] if reverse and t + 1 < len(x) else a[t]
        h[t] = before = factor * before + x[t]
    return h


def products_without(x, axis=None):
    index, out = np.arange(x.size).reshape(x.shape), np.empty_like(x)
    for i in np.ndindex(x.shape):
        out[i] = np.prod(np.where(index == index[i], 1, x), axis=axis, keepdims=True)[
            tuple(j if n > 1 else 0 for j, n in zip(i, np.prod(x, axis=axis, keepdims=True).shape))
        ]
    return out


def total_exp(x, axis=-1, keepdims=True):
    return np.sum(np.exp(x), axis=axis, keepdims=keepdims)


FORMULAS |= {
    sigmoid: lambda x: 1 / (1 + np.exp(-x)),
    relu: lambda x: x * (x > 0),
    leaky_relu: lambda x, slope=0.01: np.where(x > 0, 1, slope).astype(x.dtype) * x,
    softplus: lambda x: np.log(1 + np.exp(x)),
    silu: lambda x: x / (1 + np.exp(-x)),
    elu: lambda x, alpha=1: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
    erf: each(math.erf),
    normal_cdf: lambda x: (each(math.erf)(x / math.sqrt(2)) + 1) / 2,
    gelu: lambda x, approximate="none": imitated_gelu(x) if approximate == "tanh" else x * FORMULAS[normal_cdf](x),
    linear_recurrence: recurred,
    product_of_others: products_without,
    logsumexp: lambda x, axis=None, keepdims=False: np.log(total_exp(x, axis, keepdims)),
    softmax: lambda x, axis=-1: np.exp(x) / total_exp(x, axis),
    log_softmax: lambda x, axis=-1: x - np.log(total_exp(x, axis)),
    scatter_add: scattered,
}
T, F = True, False
CASES = ARRAYS + [
    # arithmetic, with broadcasting on either side
    *(case(f, normal(2, 3), normal(2, 3)) for f in (np.add, np.subtract, np.multiply)),
    *(case(f, normal(3), normal(2, 1)) for f in (np.add, np.subtract, np.multiply)),
    *(case(f, normal(4, 1, 2), normal()) for f in (np.add, np.subtract, np.multiply)),
    *(case(f, 2.5, normal(3)) for f in (np.add, np.subtract, np.multiply, np.divide)),
    *(case(f, normal(3), np.array([[1], [2]])) for f in (np.add, np.subtract, np.multiply, np.divide)),
    case(np.divide, normal(2, 3), nonzero(3)),
    case(np.divide, normal(), nonzero(2, 1)),
    case(np.divide, normal(0, 3), nonzero(3)),
    case(np.remainder, np.array([[7.3, -7.3, 0.4]]), np.array([[2.0], [-3.1]])),
    case(np.floor_divide, np.array([[7.3, -7.3, 0.4]]), np.array([[2.0], [-3.1]])),
    case(np.fmod, np.array([[7.3, -7.3, 0.4]]), np.array([[2.0], [-3.1]])),
    case(np.negative, normal(2, 3)),
    case(np.positive, normal(2, 3)),
    case(np.power, positive(2, 3), normal(3)),
    case(np.power, positive(), normal(2, 1)),
    *(case(np.power, nonzero(4), n) for n in (-2, -1, 0, 1, 2, 3)),
    case(np.power, positive(4), 0.5),
    case(np.power, nonzero(3), np.array([[0, 1, 2], [3, -1, 4]])),
    case(np.power, 2, normal(3)),
    case(np.float_power, positive(2, 3), normal(3)),
    case(np.float_power, nonzero(4), 3),
    case(np.square, normal(2, 3)),
    case(np.reciprocal, nonzero(2, 3)),
    # comparison, logic, rounding
    *(case(f, spread(2, 3), spread(3, offset=0.02)) for f in (np.less, np.less_equal, np.greater, np.greater_equal)),
    *(case(f, np.array([1.0, 2.0, 3.0]), np.array([[1.0], [3.0]])) for f in (np.equal, np.not_equal)),
    *(case(f, spread(2, 3)) for f in (np.sign, np.signbit, np.isfinite, np.isinf, np.isnan)),
    *(case(f, spread(2, 3, offset=0)) for f in (np.logical_not, np.floor, np.ceil, np.trunc, np.rint)),
    *(case(f, spread(2, 3, offset=0), spread(3, offset=0)) for f in (np.logical_and, np.logical_or, np.logical_xor)),
    # entry by entry
    *(case(f, normal(2, 3)) for f in (np.exp, np.exp2, np.expm1, sigmoid)),
    *(case(f, positive(2, 3)) for f in (np.log, np.log2, np.log10, np.log1p, np.sqrt)),
    case(np.cbrt, nonzero(2, 3)),
    *(case(f, normal(2, 3)) for f in (np.sin, np.cos, np.tan, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh)),
    *(case(f, spread(2, 3)) for f in (np.arcsin, np.arccos, np.arctanh)),
    case(np.arccosh, 1 + positive(2, 3)),
    *(case(f, normal(2, 3)) for f in (np.degrees, np.radians, np.rad2deg, np.deg2rad)),
    *(case(f, nonzero(2, 3), nonzero(3)) for f in (np.arctan2, np.hypot)),
    *(case(np.hypot, x, nonzero(2, 1)) for x in (3, nonzero(3))),
    *(case(f, normal(2, 3), normal(3)) for f in (np.logaddexp, np.logaddexp2)),
    case(np.logaddexp, normal(3), 0),
    case(np.sinc, np.array([[0.1, -0.3, 0.49], [0.51, -1.7, 4.2]])),
    *(case(f, spread(2, 3)) for f in (np.absolute, np.fabs, relu, leaky_relu, elu)),
    case(leaky_relu, spread(2, 3), slope=0.2),
    case(elu, spread(2, 3), 0.5),
    case(np.copysign, spread(2, 3), np.array([-1, 1, -1])),
    *(case(f, normal(2, 3)) for f in (softplus, silu, erf, normal_cdf, gelu)),
    case(erf, np.array([0.01, -0.49, 0.51, -1.3, 2.5])),
    case(gelu, normal(2, 3), approximate="tanh"),
    *(case(f, spread(2, 3), spread(3, offset=0.02)) for f in (np.maximum, np.minimum, np.fmax, np.fmin)),
    *(case(f, spread(3), 0) for f in (np.maximum, np.minimum, np.fmax, np.fmin)),
    case(np.heaviside, np.array([[-1, 0, 2], [0, 0, 0]]), positive(3)),
    case(np.nan_to_num, normal(2, 3), nan=1.0),
    case(np.where, np.array([[T, F, T], [F, F, T]]), normal(2, 3), normal(3)),
    case(np.where, np.array([[T], [F]]), normal(3), 0.0),
    case(np.where, np.array([T, F]), 1.0, normal(3, 1)),
    case(np.clip, spread(4, 3), -0.22, 0.31),
    case(np.clip, spread(4, 3), None, 0.31),
    case(np.clip, spread(4, 3), np.array([-0.22, -0.33, -0.12]), np.array(0.31)),
    case(np.clip, spread(4, 3), np.array(-0.22), None),
    # fewer entries
    *(
        case(f, spread(2, 3, 4), **options)
        for f in (
            np.sum, np.mean, np.prod, np.max, np.amax, np.min, np.amin, logsumexp,
            np.var, np.std, np.median, np.linalg.vector_norm,
        )
        for options in ({}, {"axis": 1}, {"axis": (0, -1)}, {"axis": -2, "keepdims": True}, {"axis": ()})
        if options != {"axis": ()} or f not in (np.var, np.std, np.median, np.linalg.vector_norm)
    ),
    *(case(f, normal()) for f in (np.sum, np.mean, np.prod, np.max, np.min, np.median, logsumexp)),
    *(case(f, normal(0, 3), axis=1) for f in (np.sum, np.mean, np.prod, np.max, np.min, np.median, logsumexp)),
    *(case(f, normal(0, 3)) for f in (np.sum, np.prod)),
    *(case(f, normal(3, 4), ddof=1) for f in (np.var, np.std)),
    *(case(f, normal(3, 4), axis=1, correction=1.5) for f in (np.var, np.std)),
    *(case(f, spread(5)) for f in (np.median, np.prod)),
    case(np.prod, np.array([[1.0, 0.0, 3.0], [2.0, -4.0, 1.5]]), axis=1),
    *(
        case(np.linalg.vector_norm, spread(2, 5, offset=0.02), axis=axis, ord=ord)
        for ord in (0, 1, 1.5, 3, -1, np.inf, -np.inf) for axis in (None, 1)
    ),
    *(case(f, normal(2, 3, 4), axis) for f in (np.cumsum, np.cumprod) for axis in (None, 0, 1, -1)),
    *(case(f, x) for f in (np.cumsum, np.cumprod) for x in (normal(), normal(0), np.array([2.0, 0.0, 3.0, 0.5]))),
    *(case(linear_recurrence, normal(4, 2), normal(4, 2), reverse) for reverse in (False, True)),
    case(linear_recurrence, normal(1), normal(1)),
    *(case(product_of_others, normal(2, 3, 2), axis) for axis in (None, 1, (2, 0))),
    case(np.trace, normal(3, 3)),
    *(case(np.trace, normal(3, 4), offset) for offset in (1, -2, 9)),
    case(np.trace, normal(2, 3, 4), 1, 2, 0),
    case(np.trace, normal(2, 3, 4), axis1=-2, axis2=-1),
    case(np.sum, normal(2, 3), keepdims=True),
    *(case(f, normal(2, 3, 4), **options) for f in (softmax, log_softmax) for options in ({}, {"axis": 1})),
    *(case(f, normal(0, 3)) for f in (softmax, log_softmax)),
    # matrices: every combination of ranks
    *(
        case(np.matmul, normal(*x), normal(*y))
        for x, y in [
            ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
            ((5, 1, 2, 3), (4, 3, 2)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((2, 5, 2, 3), (5, 3, 1)),
            ((2, 0), (0, 3)), ((2, 2, 0), (0, 3)), ((0, 2, 3), (3, 4)), ((2, 2, 3), (3, 0)),
        ]
    ),  # fmt: skip
    *(
        case(np.inner, normal(*x), normal(*y))
        for x, y in [
            ((), ()), ((), (2, 3)), ((2, 3), ()), ((3,), (3,)), ((2, 3), (4, 3)), ((3,), (4, 3)), ((5, 2, 3), (4, 3)),
            ((2, 3), (4, 1, 3)), ((5, 2, 3), (2, 4, 3)), ((5, 2, 3), (3,)), ((2, 0), (3, 0)), ((2, 2, 0), (3, 0)),
            ((0, 2, 3), (4, 3)),
        ]
    ),  # fmt: skip
    # the same entries, elsewhere
    *(case(np.reshape, normal(2, 6), shape) for shape in ((3, 4), (-1,), 12, (2, 1, -1))),
    case(np.reshape, normal(), (1, 1)),
    case(np.reshape, normal(0, 3), (3, 0)),
    *(case(np.expand_dims, normal(2, 3), axis) for axis in (0, -1, (0, 2))),
    case(np.squeeze, normal(1, 3, 1)),
    *(case(np.squeeze, normal(1, 3, 1), axis=axis) for axis in (0, -1, (0, 2))),
    case(np.swapaxes, normal(2, 3, 4), 0, -1),
    case(np.transpose, normal(2, 3, 4)),
    *(case(np.transpose, normal(2, 3, 4), axes) for axes in ((1, 2, 0), (-1, 0, 1))),
    case(np.transpose, normal()),
    *(case(np.broadcast_to, normal(*x), y) for x, y in [((3,), (2, 3)), ((2, 1), (4, 2, 3)), ((), (2,)), ((1,), (0,))]),
    case(np.astype, normal(2, 3), np.float64),
    case(np.copy, normal(2, 3)),
    case(np.concatenate, [normal(2, 3), normal(1, 3), normal(0, 3)]),
    case(np.concatenate, [normal(2, 3), np.ones((2, 1), dtype=int), normal(2, 2)], axis=-1),
    case(np.concatenate, [normal(2, 3), normal(2, 1)], 1),
    case(np.concatenate, [normal(2, 3), normal(2)], axis=None),
    *(case(np.stack, [normal(2, 3), normal(2, 3)], axis=axis) for axis in (0, 1, -1)),
    case(np.stack, [normal(), normal(), 1.5]),
    # entries picked and put
    *(
        case(operator.getitem, normal(4, 3, 2), index)
        for index in [
            1, -1, slice(1, 3), slice(None, None, -2), slice(2, 2), ..., None, (), (..., 0), (slice(1), None, 2),
            (1, 2, 0), np.array([0, 2, 2]), [3, 3], np.array([[0, 1], [1, 0]]), np.array(2), True,
            (np.array([0, 2]), np.array([[1], [2]])), (slice(None), np.array([0, 0, 2])),
            (np.array([1, 1]), slice(None), np.array([0, 0])),
            np.array([], dtype=int), np.array([T, F, F, T]), (slice(None), np.array([F, T, T])), normal(4, 3, 2) > 0,
        ]
    ),  # fmt: skip
    *(case(operator.getitem, normal(), index) for index in ((), ..., None)),
    case(scatter_add, normal(3), np.array([0, 2, 2]), (4,)),
    case(scatter_add, normal(3, 2), np.array([1, 1, 0]), (2, 2)),
    case(scatter_add, normal(2), slice(1, 3), (4,)),
    case(scatter_add, normal(), np.array([1, 1, 0]), (2,)),
    case(scatter_add, normal(2, 1), (np.array([0, 0]), slice(None)), (3, 4)),
]  # fmt: skip
