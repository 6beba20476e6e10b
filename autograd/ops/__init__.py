"""The table of derivatives, a file a family, and the spellings of Tensor that follow from it."""

from . import composite, elementwise, indexing, linalg, methods, reduction, shape
from .elementwise import relu, sigmoid
from .indexing import scatter_add
from .reduction import log_softmax, logsumexp, softmax

__all__ = ["log_softmax", "logsumexp", "relu", "scatter_add", "sigmoid", "softmax"]
