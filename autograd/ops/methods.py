"""Operators and methods of Tensor: other spellings of the ops in the table."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import COMPOSITES, OPS
from ..tensor import Tensor
from . import composite, elementwise, norm, rearrange, shape, trigonometric  # noqa: F401  (they fill the table)
from .cumulative import linear_recurrence, product_of_others
from .factorization import PARTS
from .gates import normal_cdf
from .indexing import plain, put_at
from .linalg import einsum

BINARY: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "matmul": np.matmul,
}
BITWISE: dict[str, Callable[..., Any]] = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}
COMPARISONS: dict[str, Callable[..., Any]] = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
UNARY: dict[str, Callable[..., Any]] = {"neg": np.negative, "pos": np.positive, "abs": np.absolute}


def reflected(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: call(other, self)


def getitem(self: Tensor, index: Any) -> Tensor:
    return OPS[operator.getitem].call(self, plain(index))


def reshape(self: Tensor, *lengths: Any) -> Any:
    return np.reshape(self, lengths[0] if len(lengths) == 1 else lengths)


def transpose(self: Tensor, *axes: Any) -> Any:
    return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)


def flatten(self: Tensor) -> Any:
    return np.reshape(self, (-1,))


def matrix_transpose(self: Tensor) -> Any:
    return np.swapaxes(self, -1, -2)


INTERNAL = {*PARTS, einsum, linear_recurrence, normal_cdf, put_at, product_of_others}  # parts of public ones

METHODS: dict[str, Any] = {
    "__getitem__": getitem,
    "__divmod__": lambda self, other: (self // other, self % other),
    "__rdivmod__": lambda self, other: (other // self, other % self),
    "abs": OPS[np.absolute].call,
    "reshape": reshape,
    "transpose": transpose,
    "flatten": flatten,
    "ravel": flatten,
    "T": property(transpose),
    "mT": property(matrix_transpose),
    "compress": lambda self, condition, axis=None: np.compress(condition, self, axis),
}
for name, function in (BINARY | COMPARISONS | UNARY).items():
    METHODS[f"__{name}__"] = OPS[function].call
for name, function in BINARY.items():
    METHODS[f"__r{name}__"] = reflected(OPS[function].call)
for name, function in BITWISE.items():
    METHODS[f"__{name}__"], METHODS[f"__r{name}__"] = COMPOSITES[function], reflected(COMPOSITES[function])
METHODS["__invert__"] = COMPOSITES[np.invert]
for function in (np.clip, np.take, np.argmax, np.argmin, np.any, np.all, np.round):
    METHODS[function.__name__] = COMPOSITES[function]
for function in (np.argsort, np.choose, np.diagonal, np.dot, np.nonzero, np.repeat, np.searchsorted, np.sort):
    METHODS[function.__name__] = COMPOSITES[function]  # sort() gives a new tensor; ndarray's works in place
for op in OPS.values():  # np.tanh(t) is t.tanh(), wherever the tensor itself is the first argument
    if not op.variadic and op.local_gradients[0] is not None and op.call not in INTERNAL:
        METHODS.setdefault(op.name, op.call)

for name, method in METHODS.items():
    setattr(Tensor, name, method)
