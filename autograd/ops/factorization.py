"""Inverse, determinant and factorizations of matrices, and of stacks of them: shape (..., n, n).

A factorization gives several arrays, a node has one. So `eigh`, `svd` and `qr` are ops that put their factors on top of
each other, column i of one above column i of the next; np.linalg's functions cut them apart again. Eigenvalues and
singular values are ops of their own.

Where eigenvalues or singular values coincide, eigenvectors are not functions of the matrix: their gradient is then
infinite or NaN, with NumPy's warning. That of the values themselves is right. A gradient of an eigenvector means
something only for functions that do not depend on its sign.

Formulas: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation" (2008);
Murray, "Differentiation of the Cholesky decomposition" (2016); Seeger et al., "Auto-differentiating linear algebra"
(2017); Townsend, "Differentiating the singular value decomposition" (2016); Golub and Pereyra (1973) for pinv.
"""

from typing import Any

import numpy as np

from ..call import define, differentiable
from ..op import OPS
from ..tensor import Tensor
from .composite import composite
from .cumulative import product_of_others
from .linalg import transposed

SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))
EighResult: Any = type(np.linalg.eigh(np.eye(1)))
QRResult: Any = type(np.linalg.qr(np.eye(1)))
SVDResult: Any = type(np.linalg.svd(np.eye(1)))


def as_matrix(g: Any) -> Any:
    """Give a number, or a stack of numbers, two axes of length 1."""
    return np.expand_dims(g, (-2, -1))


# ---- inverse ----

define(np.linalg.inv, lambda g, out, x: -(transposed(out) @ g @ transposed(out)))


def solve_y(g: Any, out: Any, x: Any, y: Any) -> Any:
    """X Z = Y: dY = X⁻ᵀ dZ."""
    if y.ndim > 1:
        return np.linalg.solve(transposed(x), g)
    return np.squeeze(np.linalg.solve(transposed(x), np.expand_dims(g, -1)), -1)


def solve_x(g: Any, out: Any, x: Any, y: Any) -> Any:
    """X Z = Y: dX = -dY Zᵀ."""
    dy = solve_y(g, out, x, y)
    return -dy @ transposed(out) if y.ndim > 1 else -np.expand_dims(dy, -1) * np.expand_dims(out, -2)


define(np.linalg.solve, solve_x, solve_y)


def pinv_x(g: Any, out: Any, x: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The inverse's gradient, and what leaves the row and the column space. Right where the rank stays the same."""
    p, gt = transposed(out), transposed(g)
    beside = (gt - x @ (out @ gt)) @ out @ p
    return beside + p @ out @ (gt - (gt @ out) @ x) - p @ g @ p


define(np.linalg.pinv, pinv_x)

# ---- determinant ----


def cofactors_x(g: Any, out: Any, x: Any) -> Any:
    """The same one step on. Where x is diagonal, so that `without[i, j]` is the product of all s but two, the cofactor
    of (i, i) changes by the sum of dX[j, j] without[i, j], that of (i, j) by -dX[j, i] without[i, j].
    """
    factors = np.linalg.svd(x)
    U, s, Vt = factors[0], factors[1], factors[2]
    eye = np.eye(x.shape[-1], dtype=x.dtype)
    without = (1 - eye) * product_of_others(eye + (1 - eye) * np.expand_dims(s, -2), axis=-1)
    inside = transposed(U) @ g @ transposed(Vt)
    diagonal = eye * (without @ np.sum(eye * inside, axis=-1, keepdims=True))
    return orientation(U, Vt) * U @ (diagonal - without * transposed(inside)) @ Vt


def orientation(U: Any, Vt: Any) -> Any:
    """Give det(U) det(V), which is 1 or -1."""
    return as_matrix(np.sign(np.linalg.det(U) * np.linalg.det(Vt)))


@differentiable(cofactors_x)
def cofactors(x: Any) -> Any:
    """Compute det(x) · x⁻ᵀ, the gradient of det(x), also where x has no inverse. x: shape (..., n, n).

    With x = U diag(s) Vᵀ it is det(U) det(V) · U diag(product of the other s) Vᵀ.
    """
    U, s, Vt = np.linalg.svd(x)
    return orientation(U, Vt) * (U * np.expand_dims(product_of_others(s, axis=-1), -2)) @ Vt


define(np.linalg.det, lambda g, out, x: as_matrix(g) * cofactors(x))


@differentiable(lambda g, out, x: as_matrix(g[1]) * transposed(np.linalg.inv(x)))
def slogdet(x: Any) -> Any:
    """Stack the sign of the determinant, which has no gradient, and log |det(x)|."""
    return np.stack(np.linalg.slogdet(x))


@composite(np.linalg.slogdet)
def slogdet_result(a: Tensor) -> tuple[Tensor, Tensor]:
    both = slogdet(a)
    return SlogdetResult(both[0].detach(), both[1])


# ---- factorizations ----


def lower(x: Any) -> Any:
    """Give the lower triangle with half the diagonal: Φ in Murray (2016)."""
    return (np.tril(x) + np.tril(x, -1)) / 2


def to_triangle(s: Any, UPLO: str = "L") -> Any:
    """Send the gradient of a symmetric matrix to the triangle that was read; the other one has none."""
    half = lower(s + transposed(s))
    return transposed(half) if UPLO in "Uu" else half


def cholesky_x(g: Any, out: Any, x: Any) -> Any:
    """Φ(S + Sᵀ) for S = L⁻ᵀ Φ(Lᵀ dL) L⁻¹."""
    lt = transposed(out)
    right = transposed(np.linalg.solve(lt, lower(lt @ g)))
    return to_triangle(np.linalg.solve(lt, right))


define(np.linalg.cholesky, cholesky_x)


@composite(np.linalg.cholesky)
def cholesky(a: Tensor, /, *, upper: bool = False) -> Tensor:
    call = OPS[np.linalg.cholesky].call
    return transposed(call(transposed(a))) if upper else call(a)


def apart(rows: Any) -> Any:
    """Give 1/(rows[j] - rows[i]) at i, j, and 0 on the diagonal."""
    eye = np.eye(rows.shape[-1], dtype=rows.dtype)
    return (1 - eye) / (rows - transposed(rows) + eye)


def eigh_x(g: Any, out: Any, x: Any, UPLO: Any = "L") -> Any:
    """V (diag(dw) + F∘VᵀdV) Vᵀ, where F holds 1/(w[j] - w[i])."""
    V, gV = out[..., 1:, :], g[..., 1:, :]
    return to_triangle((V * g[..., :1, :] + V @ (apart(out[..., :1, :]) * (transposed(V) @ gV))) @ transposed(V), UPLO)


@differentiable(eigh_x)
def eigh(x: Any, UPLO: Any = "L") -> Any:
    """Stack the eigenvalues of a symmetric matrix and its eigenvectors: w above V, shape (..., 1 + n, n)."""
    w, V = np.linalg.eigh(x, UPLO)
    return np.concatenate([np.expand_dims(w, -2), V], axis=-2)


def eigvalsh_x(g: Any, out: Any, x: Any, UPLO: Any = "L") -> Any:
    """V diag(dw) Vᵀ: this also holds where eigenvalues coincide."""
    V = np.linalg.eigh(x, UPLO)[1]
    return to_triangle((V * np.expand_dims(g, -2)) @ transposed(V), UPLO)


define(np.linalg.eigvalsh, eigvalsh_x)


@composite(np.linalg.eigh)
def eigh_result(a: Tensor, UPLO: Any = "L") -> tuple[Tensor, Tensor]:
    return EighResult(np.linalg.eigvalsh(a, UPLO), eigh(a, UPLO=UPLO)[..., 1:, :])


def svd_x(g: Any, out: Any, x: Any) -> Any:
    """U (diag(ds) + [F∘skew(UᵀdU)] S + S [F∘skew(VᵀdV)]) Vᵀ, where F holds 1/(s[j]² - s[i]²) and skew(M) = M - Mᵀ,
    and what leaves the space of U, or of V, where that is not the whole one.
    """
    m, n = x.shape[-2:]
    (U, s, V), (gU, gs, gV) = ((f[..., :m, :], f[..., m : m + 1, :], f[..., m + 1 :, :]) for f in (out, g))
    of_U, of_V = transposed(U) @ gU, transposed(V) @ gV
    F = apart(s * s)
    middle = F * (of_U - transposed(of_U)) * s + transposed(s) * F * (of_V - transposed(of_V))
    dx = (U * gs + U @ middle) @ transposed(V)
    if m > n:
        dx = dx + (gU - U @ of_U) / s @ transposed(V)
    if m < n:
        dx = dx + U @ transposed((gV - V @ of_V) / s)
    return dx


@differentiable(svd_x)
def svd(x: Any) -> Any:
    """Stack U, s and V of x = U diag(s) Vᵀ: shape (..., m + 1 + n, min(m, n))."""
    U, s, Vt = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([U, np.expand_dims(s, -2), transposed(Vt)], axis=-2)


def svdvals_x(g: Any, out: Any, x: Any) -> Any:
    """U diag(ds) Vᵀ, also where singular values coincide."""
    factors = np.linalg.svd(x, full_matrices=False)
    return (factors[0] * np.expand_dims(g, -2)) @ factors[2]


define(np.linalg.svdvals, svdvals_x)


@composite(np.linalg.svd)
def svd_result(a: Tensor, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    m, n = a.shape[-2:]
    if full_matrices and compute_uv and m != n:
        raise ValueError(
            f"svd of a Tensor of shape {a.shape} needs full_matrices=False: the further columns of a full U or V are "
            "arbitrary, so they have no gradient."
        )
    if hermitian:
        raise ValueError("svd(hermitian=True) of a Tensor is not supported; use np.linalg.eigh, or leave it out.")
    if not compute_uv:
        return np.linalg.svdvals(a)
    factors = svd(a)
    return SVDResult(factors[..., :m, :], np.linalg.svdvals(a), transposed(factors[..., m + 1 :, :]))


def qr_x(g: Any, out: Any, x: Any) -> Any:
    """[dQ + Q (tril(M) + tril(M, -1)ᵀ)] R⁻ᵀ for M = R dRᵀ - dQᵀ Q."""
    m = x.shape[-2]
    (Q, Rt), (gQ, gRt) = ((f[..., :m, :], f[..., m:, :]) for f in (out, g))
    M = transposed(Rt) @ gRt - transposed(gQ) @ Q
    symmetric = np.tril(M) + transposed(np.tril(M, -1))
    return transposed(np.linalg.solve(transposed(Rt), transposed(gQ + Q @ symmetric)))


@differentiable(qr_x)
def qr(x: Any) -> Any:
    """Stack Q and Rᵀ of x = Q R, for x of shape (..., m, n) with n ≤ m independent columns: shape (..., m + n, n)."""
    Q, R = np.linalg.qr(x)
    return np.concatenate([Q, transposed(R)], axis=-2)


@composite(np.linalg.qr)
def qr_result(a: Tensor, mode: str = "reduced") -> Any:
    """Factor the first m columns of a wide matrix; those of R behind them are Qᵀ times those of `a`."""
    m, n = a.shape[-2:]
    if mode not in ("reduced", "r") and not (mode == "complete" and m <= n):
        raise ValueError(f"qr of a Tensor of shape {a.shape} takes mode='reduced' or 'r'; {mode!r} came.")
    factors = qr(a[..., :m] if n > m else a)
    Q, R = factors[..., :m, :], transposed(factors[..., m:, :])
    if n > m:
        R = np.concatenate([R, transposed(Q) @ a[..., m:]], axis=-1)
    return R if mode == "r" else QRResult(Q, R)


# ops behind NumPy's functions, not to be called themselves
PARTS = cofactors, slogdet, eigh, svd, qr
