"""The complex step: a derivative from function values, exact to rounding, of functions that are analytic.

∂f/∂x = Im f(x + ih) / h. Nothing is subtracted, so h may be as small as one likes (Squire and Trapp, 1998). But it is
silently wrong where a complex argument loses its imaginary part on the way (abs), or where the function asks which of
two numbers is larger. So the arrays that f sees here refuse all but the functions listed below.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

TINY = 1e-30
NAMES = """
    add subtract multiply divide negative positive power reciprocal square sqrt matmul exp exp2 expm1 log log2 log10
    log1p sin cos tan sinh cosh tanh arcsin arccos arctan arcsinh arccosh arctanh
    sum mean prod cumsum cumprod dot inner outer tensordot einsum kron trace diag diagonal tril triu
    reshape ravel transpose swapaxes moveaxis expand_dims squeeze broadcast_to concatenate stack vstack hstack split
    flip roll rot90 tile repeat take pad shape ndim size zeros_like ones_like
"""
ANALYTIC = {getattr(np, name) for name in NAMES.split()} | {np.linalg.inv, np.linalg.solve, np.linalg.det}


class Analytic(np.ndarray):
    """An array of complex numbers that takes part in analytic functions only."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc not in ANALYTIC:
            raise TypeError(f"{ufunc.__name__} is not analytic")
        if "out" in options:
            options["out"] = plain(options["out"])
        return watched(getattr(ufunc, method)(*plain(inputs), **options))

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function not in ANALYTIC:
            raise TypeError(f"{function.__name__} is not analytic")
        return watched(super().__array_function__(function, types, args, options))

    def __getitem__(self, index: Any) -> Any:
        return watched(super().__getitem__(index))

    def part(self) -> Any:
        raise TypeError("the real part is not analytic")

    real: Any = property(part)
    imag = real


def plain(xs: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(x.view(np.ndarray) if isinstance(x, Analytic) else x for x in xs)


def watched(x: Any) -> Any:
    """Give arrays and numbers, also those in a list, the type that watches over what is done with them."""
    if isinstance(x, (list, tuple)):
        return [watched(part) for part in x]
    return np.asarray(x).view(Analytic) if isinstance(x, (np.ndarray, np.generic)) else x


def complex_step(f: Callable[..., Any], arrays: Sequence[np.ndarray], steps: Sequence[Any]) -> np.ndarray | None:
    """Compute how f changes along `steps`, one for each array, of its shape or 0.

    None if f does not take complex arrays, or does with them what is not known to be analytic.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            y = f(*(watched(x + 1j * TINY * step) for x, step in zip(arrays, steps)))
    except Exception:  # f says in its own way, or Analytic says, that it is for real numbers
        return None
    return y.view(np.ndarray).imag / TINY if isinstance(y, Analytic) and y.dtype.kind == "c" else None
