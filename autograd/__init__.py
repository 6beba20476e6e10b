"""Chalkgrad's engine: automatic differentiation of NumPy code that you can read, draw and run.

For example:

    from autograd import Tensor
    x = Tensor(3.0, requires_grad=True)
    (x**3).backward()
    x.grad                                   # array(27.)
"""

from .call import define, differentiable
from .check import gradcheck
from .collision import warn_if_shared
from .debugging import debug
from .drawing import draw
from .functional import hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .graph import toposort
from .op import OPS, Op
from .ops import (
    elu, erf, gelu, leaky_relu, log_softmax, logsumexp, put, relu, scatter_add, sigmoid, silu, softmax, softplus,
    uniform,
)  # fmt: skip
from .staging import stage
from .staging.compiled import compile
from .tensor import Tensor, backward, grad, no_grad, scope

warn_if_shared(__path__[0])

__all__ = [
    "OPS", "Op", "Tensor", "backward", "compile", "debug", "define", "differentiable", "draw", "elu", "erf", "gelu",
    "grad", "gradcheck", "hessian", "hvp", "jacobian", "jvp", "leaky_relu", "log_softmax", "logsumexp", "no_grad",
    "put", "relu", "scatter_add", "scope", "sigmoid", "silu", "softmax", "softplus", "stage", "toposort", "uniform",
    "value_and_grad", "vjp",
]  # fmt: skip
