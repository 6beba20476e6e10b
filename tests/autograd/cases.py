"""Example calls of every op, at points where it is smooth.

Every float array in a row is an input to differentiate by; other arguments stay what they are. An op of the table
without a row here fails the suite. Values lie away from corners: kinks, ties and poles have tests of their own.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import OPS, Op, log_softmax, logsumexp, relu, scatter_add, sigmoid, softmax

rng = np.random.default_rng(7)


def normal(*shape):
    return np.array(rng.normal(size=shape))


def positive(*shape):
    return np.array(rng.uniform(0.5, 2, shape))


def nonzero(*shape):
    return positive(*shape) * rng.choice([-1, 1], shape)


def spread(*shape, offset=0.05):
    """Values a tenth apart from each other and, with another offset, from those of another array."""
    n = int(np.prod(shape))
    return (rng.permutation(n).reshape(shape) - n // 2) / 10 + offset


def is_input(argument: Any) -> bool:
    return isinstance(argument, np.ndarray) and argument.dtype.kind == "f"


@dataclass(frozen=True, eq=False)
class Case:
    """One call. `case(*inputs)` repeats it with other arrays, or Tensors, in the place of its inputs."""

    function: Callable[..., Any]  # as users call it
    formula: Callable[..., Any]  # the same on arrays, without the engine
    args: tuple[Any, ...]
    options: dict[str, Any]

    @property
    def op(self) -> Op:
        return OPS[self.function if self.function in OPS else self.function.__wrapped__]

    @property
    def inputs(self) -> list[np.ndarray]:
        flat = [b for a in self.args for b in (a if isinstance(a, list) else [a])]
        return [a.copy() for a in flat if is_input(a)]

    def arguments(self, inputs: tuple[Any, ...]) -> list[Any]:
        queue = iter(inputs)
        place = lambda a: next(queue) if is_input(a) else a  # noqa: E731
        return [[place(b) for b in a] if isinstance(a, list) else place(a) for a in self.args]

    def __call__(self, *inputs: Any) -> Any:
        return self.function(*self.arguments(inputs), **self.options)

    def expected(self, *inputs: Any) -> Any:
        return self.formula(*self.arguments(inputs), **self.options)

    def __str__(self) -> str:
        def show(a: Any) -> str:
            if isinstance(a, np.ndarray):
                return "x".join(map(str, a.shape)) or "0d"
            return "+".join(map(show, a)) if isinstance(a, list) else str(a).replace(" ", "")

        options = [f"{name}={value}".replace(" ", "") for name, value in self.options.items()]
        return f"{self.op.name}({','.join([*map(show, self.args), *options])})"


def case(function: Callable[..., Any], *args: Any, **options: Any) -> Case:
    return Case(function, FORMULAS.get(function, function), args, options)


def scattered(x, index, shape):
    out = np.zeros(shape, x.dtype)
    numbers = np.arange(out.size).reshape(shape)[index]  # where each entry of x goes
    for i, entry in zip(numbers.ravel(), np.broadcast_to(x, numbers.shape).ravel()):
        out.flat[i] += entry
    return out


def total_exp(x, axis=-1, keepdims=True):
    return np.sum(np.exp(x), axis=axis, keepdims=keepdims)


FORMULAS: dict[Callable[..., Any], Callable[..., Any]] = {
    sigmoid: lambda x: 1 / (1 + np.exp(-x)),
    relu: lambda x: x * (x > 0),
    logsumexp: lambda x, axis=None, keepdims=False: np.log(total_exp(x, axis, keepdims)),
    softmax: lambda x, axis=-1: np.exp(x) / total_exp(x, axis),
    log_softmax: lambda x, axis=-1: x - np.log(total_exp(x, axis)),
    scatter_add: scattered,
}
T, F = True, False
CASES = [
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
    case(np.negative, normal(2, 3)),
    case(np.positive, normal(2, 3)),
    case(np.power, positive(2, 3), normal(3)),
    case(np.power, positive(), normal(2, 1)),
    *(case(np.power, nonzero(4), n) for n in (-2, -1, 0, 1, 2, 3)),
    case(np.power, positive(4), 0.5),
    case(np.power, nonzero(3), np.array([[0, 1, 2], [3, -1, 4]])),
    case(np.power, 2, normal(3)),
    # comparison
    *(case(f, spread(2, 3), spread(3, offset=0.02)) for f in (np.less, np.less_equal, np.greater, np.greater_equal)),
    *(case(f, np.array([1.0, 2.0, 3.0]), np.array([[1.0], [3.0]])) for f in (np.equal, np.not_equal)),
    *(case(f, spread(2, 3)) for f in (np.sign, np.isfinite, np.isnan)),
    # entry by entry
    *(case(f, normal(2, 3)) for f in (np.exp, np.tanh, sigmoid)),
    *(case(f, positive(2, 3)) for f in (np.log, np.sqrt)),
    *(case(f, spread(2, 3)) for f in (np.absolute, relu)),
    *(case(f, spread(2, 3), spread(3, offset=0.02)) for f in (np.maximum, np.minimum)),
    *(case(f, spread(3), 0) for f in (np.maximum, np.minimum)),
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
        for f in (np.sum, np.mean, np.max, np.amax, np.min, np.amin, logsumexp)
        for options in ({}, {"axis": 1}, {"axis": (0, -1)}, {"axis": -2, "keepdims": True}, {"axis": ()})
    ),
    *(case(f, normal()) for f in (np.sum, np.mean, np.max, np.min, logsumexp)),
    *(case(f, normal(0, 3), axis=1) for f in (np.sum, np.mean, np.max, np.min, logsumexp)),
    case(np.sum, normal(0, 3)),
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
