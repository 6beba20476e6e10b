"""The table of derivatives, a file a family, and the spellings of Tensor that follow from it."""

from . import methods  # noqa: F401  (gives Tensor its operators)
from .elementwise import relu, sigmoid
from .indexing import scatter_add
from .reduction import log_softmax, logsumexp, softmax

__all__ = ["log_softmax", "logsumexp", "relu", "scatter_add", "sigmoid", "softmax"]
