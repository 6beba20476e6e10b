"""Chalkgrad's networks: modules from primitive ops, under PyTorch's names and shapes."""

import autograd

from . import doctor

if not hasattr(autograd, "Tensor"):
    raise ImportError(f"the autograd that Python finds is not Chalkgrad's.\n\n{doctor.report()}")

from . import bptt, checkpoint, init, naive_bayes, ngram, optim, reviews, text, textbook, words
from .activation import ReLU, Sigmoid, Tanh
from .clip import clip_grad_norm_, clip_grad_value_
from .container import ModuleList, Sequential
from .dropout import Dropout
from .embedding import Embedding
from .language_model import LanguageModel
from .linear import Linear
from .loss import binary_cross_entropy_with_logits, cross_entropy, hinge_loss, huber_loss, mse_loss, nll_loss
from .module import Module, Parameter
from .normalization import LayerNorm
from .recurrent import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell
from .sentiment_classifier import SentimentClassifier

__all__ = [
    "Dropout", "Embedding", "GRU", "GRUCell", "LSTM", "LSTMCell", "LanguageModel", "LayerNorm", "Linear", "Module",
    "ModuleList", "Parameter", "RNN", "RNNCell", "ReLU", "SentimentClassifier", "Sequential", "Sigmoid",
    "Tanh", "binary_cross_entropy_with_logits", "bptt", "checkpoint", "clip_grad_norm_", "clip_grad_value_",
    "cross_entropy", "hinge_loss", "huber_loss", "init", "mse_loss", "naive_bayes", "ngram", "nll_loss", "optim",
    "reviews", "text", "textbook", "words",
]  # fmt: skip
