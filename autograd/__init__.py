"""Chalkgrad's engine: automatic differentiation of NumPy code that you can read, draw and run.

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
from .ops import log_softmax, logsumexp, relu, scatter_add, sigmoid, softmax
from .tensor import Tensor, backward, grad, no_grad, scope

warn_if_shared(__path__[0])

__all__ = [
    "OPS", "Op", "Tensor", "backward", "debug", "define", "differentiable", "draw", "grad", "gradcheck", "hessian",
    "hvp", "jacobian", "jvp", "log_softmax", "logsumexp", "no_grad", "relu", "scatter_add", "scope", "sigmoid",
    "softmax", "toposort", "value_and_grad", "vjp",
]  # fmt: skip
