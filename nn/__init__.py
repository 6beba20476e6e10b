"""Chalkgrad's networks: modules from primitive ops, under PyTorch's names and shapes."""

import autograd

from . import doctor

if not hasattr(autograd, "Tensor"):
    raise ImportError(f"the autograd that Python finds is not Chalkgrad's.\n\n{doctor.report()}")

from . import checkpoint, init, ngram, optim, text
from .clip import clip_grad_norm_
from .dropout import Dropout
from .embedding import Embedding
from .language_model import LanguageModel
from .linear import Linear
from .loss import cross_entropy, mse_loss
from .module import Module, Parameter
from .recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell

__all__ = [
    "Dropout", "Embedding", "GRU", "GRUCell", "LSTM", "LSTMCell", "LanguageModel", "Linear", "Module", "Parameter", "RNN",
    "RNNCell", "checkpoint", "clip_grad_norm_", "cross_entropy", "init", "mse_loss", "ngram", "optim", "text",
]  # fmt: skip
