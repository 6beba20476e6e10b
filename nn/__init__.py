"""Chalkgrad's networks: modules from primitive ops, under PyTorch's names and shapes."""

from .doctor import report

try:
    from autograd import Tensor
except ImportError:  # HIPS/autograd, under the same import name
    raise ImportError(report()) from None

from . import checkpoint, init, ngram, optim, text
from .clip import clip_grad_norm_
from .embedding import Embedding
from .linear import Linear
from .loss import cross_entropy, mse_loss
from .module import Module, Parameter
from .recurrent import LSTM, RNN, LSTMCell, RNNCell

__all__ = [
    "Embedding", "LSTM", "LSTMCell", "Linear", "Module", "Parameter", "RNN", "RNNCell", "checkpoint", "clip_grad_norm_",
    "cross_entropy", "init", "mse_loss", "ngram", "optim", "text",
]  # fmt: skip
