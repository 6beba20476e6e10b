"""The table of derivatives, a file a family, and the spellings of Tensor that follow from it."""

from . import methods  # noqa: F401  (gives Tensor its operators)
from .gates import elu, erf, gelu, leaky_relu, relu, sigmoid, silu, softplus
from .indexing import put, scatter_add
from .random import uniform
from .reduction import log_softmax, logsumexp, softmax

__all__ = [
    "elu", "erf", "gelu", "leaky_relu", "log_softmax", "logsumexp", "put", "relu", "scatter_add", "sigmoid", "silu",
    "softmax", "softplus", "uniform",
]  # fmt: skip
