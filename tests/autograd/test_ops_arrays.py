"""Functions of matrices, shapes and indices: NumPy's values, right gradients, corners, mistakes."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from autograd import Tensor, grad, gradcheck, hessian, put

rng = np.random.default_rng(5)
T, F = True, False


def normal(*shape):
    return np.array(rng.normal(size=shape))


def symmetric(x):
    return x + np.swapaxes(x, -1, -2)


# ---- functions written in terms of ops, and ops in all their spellings ----

ROW, COLUMN = np.array([0.5, -0.3]), [0.2, 0.4, -0.6]
SPELLINGS = [
    # name, function, shapes of its inputs
    ("dot", np.dot, (3,), (3,)),
    ("dot", np.dot, (2, 3), (3,)),
    ("dot", np.dot, (5, 2, 3), (3, 4)),
    ("dot", np.dot, (3,), (5, 3, 4)),
    ("dot", np.dot, (2, 2, 3), (4, 3, 2)),
    ("dot with a number", np.dot, (), (2, 3)),
    ("t.dot(list)", lambda x: x.dot(COLUMN), (2, 3)),
    ("vdot", np.vdot, (2, 3), (3, 2)),
    ("outer", np.outer, (2, 2), (3,)),
    ("outer with an array", lambda x: np.outer(ROW, x), (3,)),
    ("linalg.outer", np.linalg.outer, (2,), (3,)),
    ("kron", np.kron, (2, 3), (3, 2)),
    ("kron of other ranks", np.kron, (2,), (2, 1, 3)),
    ("kron with a number", np.kron, (), (3, 2)),
    ("kron with a list", lambda x: np.kron(x, COLUMN), (2, 2)),
    ("cross", np.cross, (2, 3), (3,)),
    ("cross along other axes", lambda x, y: np.cross(x, y, axisa=0, axisc=0), (3, 2), (2, 3)),
    ("linalg.cross", lambda x, y: np.linalg.cross(x, y, axis=0), (3, 2), (3, 2)),
    ("linalg.matmul", np.linalg.matmul, (2, 3), (3, 2)),
    ("linalg.vecdot", np.linalg.vecdot, (2, 3), (3,)),
    ("linalg.tensordot", lambda x, y: np.linalg.tensordot(x, y, axes=1), (2, 3), (3, 2)),
    ("tensordot with a list", lambda x: np.tensordot(x, [[1.0, 2.0]], axes=([1], [1])), (3, 2)),
    *((f"matrix_power {n}", lambda x, n=n: np.linalg.matrix_power(x, n), (2, 3, 3)) for n in (1, 2, 5, -1, -2)),
    ("ravel", np.ravel, (2, 3)),
    ("t.ravel", lambda x: x.ravel(), (2, 3)),
    ("t.flatten", lambda x: x.flatten(), ()),
    ("t.T", lambda x: x.T, (2, 3, 4)),
    ("t.mT", lambda x: x.mT, (2, 3, 4)),
    ("matrix_transpose", np.matrix_transpose, (2, 3, 4)),
    ("linalg.matrix_transpose", np.linalg.matrix_transpose, (2, 3)),
    ("permute_dims", lambda x: np.permute_dims(x, (1, 0)), (2, 3)),
    *((f.__name__, f, shape) for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d)
        for shape in ((), (3,), (2, 3), (2, 1, 3))),
    ("atleast_1d of two", lambda x, y: np.concatenate(np.atleast_1d(x, y)), (), (2,)),
    ("broadcast_arrays", lambda x, y: operator.mul(*np.broadcast_arrays(x, y)), (3,), (2, 1)),
    *(
        (f"meshgrid {options}", lambda x, y, z, o=options: np.stack(np.broadcast_arrays(*np.meshgrid(x, y, z, **o))),
            (2,), (3,), ())
        for options in ({}, {"indexing": "ij"}, {"sparse": True})
    ),
    ("meshgrid of one", lambda x: np.meshgrid(x)[0], (3,)),
    ("concat", lambda x, y: np.concat([x, y]), (2,), (3,)),
    *((f.__name__, lambda x, y, f=f: f([x, y]), (2,), (2,))
        for f in (np.hstack, np.vstack, np.dstack, np.column_stack)),
    *((f.__name__, lambda x, y, f=f: f([x, y]), (2, 3), (2, 3))
        for f in (np.hstack, np.vstack, np.dstack, np.column_stack)),
    ("hstack with an array", lambda x: np.hstack([ROW, x]), (3,)),
    ("vstack of rows of a tensor", lambda x: np.vstack(x), (2, 3)),
    ("append", np.append, (2, 2), (3,)),
    ("append along an axis", lambda x, y: np.append(x, y, axis=0), (2, 3), (1, 3)),
    ("block", lambda x, y: np.block([[x, np.ones((2, 1))], [y, 5.0]]), (2, 3), (1, 3)),
    ("block of a row", lambda x, y: np.block([x, y]), (2,), (3,)),
    ("block of arrays of more axes", lambda x: np.block([[x, x]]), (2, 1, 2)),
    *((f"array_split {n}", lambda x, n=n: np.concatenate(np.array_split(x, n)[::-1]), (7, 2)) for n in (3, 9, [2, 5])),
    ("hsplit", lambda x: np.hsplit(x, 2)[1], (2, 4)),
    ("hsplit of a vector", lambda x: np.hsplit(x, [1])[1], (4,)),
    ("vsplit", lambda x: np.vsplit(x, 2)[1], (4, 2)),
    ("dsplit", lambda x: np.dsplit(x, 2)[1], (1, 2, 4)),
    ("unstack", lambda x: operator.mul(*np.unstack(x, axis=1)), (3, 2)),
    *((f"tile {reps}", lambda x, reps=reps: np.tile(x, reps), (2, 3)) for reps in (2, (2, 1), (3, 1, 2), (0, 1), ())),
    ("tile of a number", lambda x: np.tile(x, 3), ()),
    *((f"repeat {n} {axis}", lambda x, n=n, axis=axis: np.repeat(x, n, axis), (2, 3)) for n, axis in
        ((2, None), (2, 0), (3, -1), (0, 1), ([1, 2], 0), ([2, 0, 1], 1), (np.arange(6), None))),
    ("t.repeat", lambda x: x.repeat(2, axis=1), (2, 3)),
    ("fliplr", np.fliplr, (2, 3)),
    ("flipud", np.flipud, (2, 3)),
    *((f"pad {mode}", lambda x, mode=mode: np.pad(x, ((1, 2), (0, 4)), mode), (3, 4)) for mode in
        ("constant", "edge", "reflect", "symmetric", "wrap")),
    ("pad given by axis", lambda x: np.pad(x, {-1: (1, 0)} if isinstance(x, Tensor) else ((0, 0), (1, 0))), (2, 3)),
    *((f"diagonal {k}", lambda x, k=k: np.diagonal(x, k), (3, 4)) for k in (0, 1, -2, 9)),
    ("diagonal of a stack", lambda x: np.diagonal(x, 1, 0, 2), (3, 2, 4)),
    ("linalg.diagonal", lambda x: np.linalg.diagonal(x, offset=-1), (2, 3, 3)),
    *((f"diag {k}", lambda x, k=k: np.diag(x, k), shape) for k in (0, 2, -1) for shape in ((3,), (3, 4))),
    ("diagflat", lambda x: np.diagflat(x, 1), (2, 2)),
    *((f"sort {axis}", lambda x, axis=axis: np.sort(x, axis), (3, 4)) for axis in (-1, 0, None)),
    ("t.sort", lambda x: x.sort(0) if isinstance(x, Tensor) else np.sort(x, 0), (3, 4)),
    ("t.diagonal", lambda x: x.diagonal(), (3, 4)),
    ("take_along_axis", lambda x: np.take_along_axis(x, np.array([[0, 1, 1], [2, 2, 0]]), 1), (2, 3)),
    ("take_along_axis, broadcast", lambda x: np.take_along_axis(x, np.array([[1, -1]]), axis=1), (2, 3)),
    ("take_along_axis, flat", lambda x: np.take_along_axis(x, np.array([5, 0, 0]), None), (2, 3)),
    ("compress", lambda x: np.compress([T, F, T], x, axis=1), (2, 3)),
    ("t.compress", lambda x: x.compress([F, T, T]), (2, 3)),
    ("extract", lambda x: np.extract([[T, F, T], [F, F, T]], x), (2, 3)),
    ("delete", lambda x: np.delete(x, [0, -1], axis=1), (2, 3)),
    ("delete flat", lambda x: np.delete(x, slice(1, 3)), (2, 3)),
    ("insert", lambda x, y: np.insert(x, 1, y, axis=0), (3, 2), (2,)),
    ("insert several", lambda x, y: np.insert(x, [0, 2], y, axis=1), (2, 3), (2, 2)),
    ("insert into an array", lambda y: np.insert(np.ones(3), [1, 1], y), (2,)),
    ("insert flat", lambda x: np.insert(x, 2, 7.0), (2, 3)),
    ("choose", lambda x, y: np.choose(np.array([[0, 1, 0], [1, 1, 0]]), [x, y]), (2, 3), (3,)),
    ("select", lambda x, y: np.select([np.arange(3) < 1, np.arange(3) < 2], [x, y], 4.0), (3,), (3,)),
    ("take with a tensor", lambda x: np.take(x, Tensor([1, 1]) if isinstance(x, Tensor) else [1, 1], axis=1), (2, 3)),
    ("solve with a list", lambda x: np.linalg.solve(symmetric(x) @ symmetric(x) + np.eye(2), [1.0, 2.0]), (2, 2)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("f", "shapes"), [(f, shapes) for _, f, *shapes in SPELLINGS], ids=[row[0] for row in SPELLINGS]
)
def test_spelling(f, shapes):
    """NumPy's values, for float32, too, and right gradients, to second order."""
    arrays = [normal(*shape) for shape in shapes]
    y, expected = f(*map(Tensor, arrays)), np.asarray(f(*arrays))
    assert type(y) is Tensor
    assert y.shape == expected.shape
    assert_allclose(y.data, expected, rtol=1e-12, atol=1e-14)
    singles = [a.astype(np.float32) for a in arrays]
    assert f(*map(Tensor, singles)).dtype == np.asarray(f(*singles)).dtype
    if y.size:
        report = gradcheck(f, *arrays)
        assert report, report


@pytest.mark.parametrize(
    "f",
    [
        np.argsort, np.argwhere, np.flatnonzero, np.unique, lambda x: np.argpartition(x[0], 1),
        lambda x: np.where(x > 0)[0],
        lambda x: np.nonzero(x)[1], lambda x: np.searchsorted([0.0, 1.0], x), lambda x: x.argsort(axis=0),
        lambda x: x.nonzero()[0],
    ],
)  # fmt: skip
def test_values_only(f):
    """What is piecewise constant, or has no place for a gradient, gives NumPy's value."""
    x = normal(2, 3)
    y = f(Tensor(x, requires_grad=True))
    assert not getattr(y, "requires_grad", False)
    assert_array_equal(y.data if isinstance(y, Tensor) else y, f(x))


def test_sort_of_equal_entries():
    """Each entry takes its own gradient along; of equal ones the first stays first."""
    x = Tensor([2.0, 1.0, 2.0, 1.0], requires_grad=True)
    np.sort(x).backward([10.0, 20.0, 30.0, 40.0])
    assert_array_equal(x.grad, [30, 10, 40, 20])
    assert_array_equal(x.data, [2, 1, 2, 1])


def test_integers_are_rearranged_too():
    """Int and bool Tensors go through the same functions, without a gradient."""
    i = Tensor([[1, 2], [3, 4]])
    for f in (np.flip, np.ravel, np.diag, lambda x: np.pad(x, 1), lambda x: np.einsum("ij->ji", x)):
        assert f(i).dtype == i.dtype and not f(i).requires_grad
        assert_array_equal(f(i).data, f(i.data))


# ---- einsum ----

EINSUMS = [
    ("ii", (3, 3)), ("ii->i", (3, 3)), ("iji->j", (3, 2, 3)), ("iii->i", (2, 2, 2)), ("iijj", (2, 2, 3, 3)),
    ("ijij->ji", (2, 3, 2, 3)),
    ("ij->ji", (2, 3)), ("ba", (2, 3)), ("ijk->k", (2, 3, 4)), ("ij->", (2, 3)), ("...->...", (2, 3)), ("...i", (2, 3)),
    ("i...->...", (2, 3)), ("...ii->...i", (2, 3, 3)), ("->", ()),
    ("ij,jk", (2, 3), (3, 2)), ("ij,jk->ki", (2, 3), (3, 2)), ("ba,bc", (2, 3), (2, 2)),
    (" i j , j -> i ", (2, 3), (3,)),
    ("i,j", (2,), (3,)), ("i,i", (3,), (3,)), (",i->i", (), (3,)), ("ii,ij->j", (2, 2), (2, 3)),
    ("ij,kl->jl", (2, 3), (2, 3)),
    ("ii,jj->ij", (2, 2), (3, 3)), ("...ij,...jk->...ik", (4, 1, 2, 3), (2, 3, 2)), ("...ij,...jk", (2, 3), (4, 3, 2)),
    ("i...j,j...->...i", (2, 3, 4), (4, 3)), ("...,...", (2, 3), (3,)), ("ij,jk->ik", (2, 1), (3, 2)),
    ("ij,ij->i", (1, 3), (2, 1)),
    ("Ab,bA->Ab", (2, 3), (3, 2)), ("ij,ij->ij", (0, 3), (0, 3)), ("ij,jk->ik", (2, 0), (0, 3)),
    ("bn,anm,bm->ba", (2, 3), (2, 3, 2), (2, 2)), ("i,j,k", (2,), (3,), (2,)), ("i,i,i->i", (3,), (3,), (3,)),
    ("ij,ij,ij->j", (1, 3), (2, 1), (2, 3)), ("ij,kl,jk->il", (2, 3), (2, 2), (3, 2)),
    ("...i,...i,i->...", (2, 3), (3,), (3,)),
    ("ij,jk,kl,li->", (2, 3), (3, 2), (2, 2), (2, 2)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("subscripts", "shapes"), [(s, shapes) for s, *shapes in EINSUMS], ids=[s for s, *_ in EINSUMS]
)
def test_einsum(subscripts, shapes):
    """Implicit and explicit output, repeated indices, ellipsis, axes of length 1 and 0, one operand or several."""
    arrays = [normal(*shape) for shape in shapes]
    for options in ({}, {"optimize": True}):
        f = lambda *xs: np.einsum(subscripts, *xs, **options)  # noqa: E731
        y, expected = f(*map(Tensor, arrays)).data, f(*arrays)
        assert y.shape == expected.shape
        assert_allclose(y, expected, rtol=1e-12, atol=1e-14)
    if all(x.size for x in arrays):
        report = gradcheck(f, *arrays)
        assert report, report
    else:
        xs = [Tensor(a, requires_grad=True) for a in arrays]
        for x, g in zip(xs, grad(f(*xs), xs, np.ones(expected.shape))):
            assert_array_equal(g.data, np.zeros(x.shape))


@given(data=st.data(), seed=st.integers(0, 999))
def test_any_einsum(data, seed):
    """Whatever the subscripts: NumPy's value; and as an einsum is linear in an operand, its gradient gives it back."""
    indices = st.text("abcd", min_size=0, max_size=3)
    names = data.draw(st.lists(indices, min_size=1, max_size=3))
    output = data.draw(st.permutations(sorted(set("".join(names)))))[: data.draw(st.integers(0, 4))]
    subscripts = f"{','.join(names)}->{''.join(output)}"
    size, r = dict(zip("abcd", (2, 3, 1, 2))), np.random.default_rng(seed)
    xs = [Tensor(r.normal(size=[size[k] for k in name]), requires_grad=True) for name in names]
    y = np.einsum(subscripts, *xs)
    assert_allclose(y.data, np.einsum(subscripts, *(x.data for x in xs)), rtol=1e-10, atol=1e-12)
    w = r.normal(size=y.shape)
    for x, g in zip(xs, grad(y, xs, w)):
        assert_allclose((g.data * x.data).sum(), (w * y.data).sum(), rtol=1e-10, atol=1e-10)


def test_einsum_by_a_path():
    """A contraction order of one's own is taken."""
    x, y, z = normal(2, 3), normal(3, 4), normal(4, 2)
    f = lambda x, y, z: np.einsum("ij,jk,kl->il", x, y, z, optimize=["einsum_path", (1, 2), (0, 1)])  # noqa: E731
    assert_allclose(f(Tensor(x), y, z).data, x @ y @ z, rtol=1e-12)


# ---- factorizations: a function must not depend on the signs of the vectors ----

INVARIANT = [
    ("det", np.linalg.det, (2, 3, 3)),
    ("log |det|", lambda x: np.linalg.slogdet(x).logabsdet, (2, 3, 3)),
    ("eigenvalues", lambda x: np.linalg.eigh(x).eigenvalues, (2, 3, 3)),
    ("eigenvalues of the upper triangle", lambda x: np.linalg.eigh(x, "U")[0], (3, 3)),
    ("eigvalsh", np.linalg.eigvalsh, (3, 3)),
    ("squares of eigenvectors", lambda x: np.linalg.eigh(x).eigenvectors ** 2, (2, 3, 3)),
    ("exp of a symmetric matrix", lambda x: (lambda w, V: V * np.exp(w) @ V.mT)(*np.linalg.eigh(x)), (3, 3)),
    ("the same from the upper triangle", lambda x: (lambda w, V: V * np.exp(w) @ V.mT)(*np.linalg.eigh(x, "U")),
        (3, 3)),
    *((f"singular values {shape}", np.linalg.svdvals, shape) for shape in ((3, 3), (2, 3, 2), (2, 3))),
    *((f"squares of U and V {shape}", lambda x: np.concatenate([
        (part**2).ravel() for part in np.linalg.svd(x, full_matrices=False)]), shape)
        for shape in ((3, 3), (3, 2), (2, 3))),
    *((f"polar factor {shape}", lambda x: (lambda U, s, Vt: U @ Vt)(*np.linalg.svd(x, full_matrices=False)), shape)
      for shape in ((3, 3), (2, 3, 2), (2, 3))),
    *((f"QR {shape}", lambda x: np.concatenate([part.ravel() for part in np.linalg.qr(x)]), shape)
      for shape in ((3, 3), (2, 4, 2), (2, 2, 4))),
    ("R", lambda x: np.linalg.qr(x, mode="r"), (4, 3)),
    ("complete QR of a wide matrix", lambda x: np.concatenate(np.linalg.qr(x, "complete"), axis=1), (2, 3)),
    ("cholesky", lambda x: np.linalg.cholesky(x @ x.mT + np.eye(3)), (2, 3, 3)),
    ("upper cholesky", lambda x: np.linalg.cholesky(x @ x.mT + np.eye(3), upper=True), (3, 3)),
    ("pinv of full rank", np.linalg.pinv, (2, 2, 3)),
    ("pinv of rank 1", lambda x: np.linalg.pinv(x[:, None] * x), (3,)),
    ("inv, solve and det", lambda x: np.linalg.solve(x, np.linalg.inv(x)) * np.linalg.det(x), (3, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("f", "shape"), [row[1:] for row in INVARIANT], ids=[row[0] for row in INVARIANT])
def test_factorization(f, shape):
    """NumPy's values, gradients to second order, of matrices and of stacks of them."""
    x = normal(*shape)
    if len(shape) > 1:
        i = np.arange(min(shape[-2:]))
        x[..., i, i] += 2 * (1 + i)
    assert_allclose(f(Tensor(x)).data, f(x), rtol=1e-10, atol=1e-12)
    report = gradcheck(f, x, rtol=1e-4)
    assert report, report


@pytest.mark.parametrize("name", ["slogdet", "eigh", "svd", "qr"])
def test_named_results(name):
    """The parts come under NumPy's names, in NumPy's order, float32 from float32."""
    x = (normal(3, 3) + 3 * np.eye(3)).astype(np.float32)
    ours, theirs = getattr(np.linalg, name)(Tensor(x)), getattr(np.linalg, name)(x)
    assert type(ours) is type(theirs)
    for part, expected in zip(ours, theirs):
        assert part.dtype == np.float32
        assert_allclose(part.data, expected, rtol=1e-5)


def test_sign_of_the_determinant_has_no_gradient():
    """slogdet's sign is a constant."""
    sign, log = np.linalg.slogdet(Tensor(-np.eye(3), requires_grad=True))
    assert sign.item() == -1 and not sign.requires_grad and log.requires_grad


def test_det_of_singular_matrices():
    """Where there is no inverse the gradient of det still holds the cofactors: of rank n - 1, and below it."""
    x = Tensor([[[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]], [[3.0, 0.0], [0.0, 0.0]]], requires_grad=True)
    np.linalg.det(x).backward(np.ones(3))
    assert_allclose(x.grad, [[[4, -2], [-2, 1]], np.zeros((2, 2)), [[0, 0], [0, 3]]], atol=1e-12)


@pytest.mark.parametrize("f", [np.linalg.inv, lambda x: np.linalg.slogdet(x)[1], lambda x: np.linalg.solve(x, x[0])])
def test_singular_matrices_raise(f):
    """What needs an inverse that does not exist keeps NumPy's exception."""
    with pytest.raises(np.linalg.LinAlgError):
        f(Tensor(np.ones((2, 2)), requires_grad=True)).sum().backward()


@pytest.mark.parametrize("record", [False, True])
def test_coinciding_eigenvalues(record):
    """The gradient of a symmetric function of coinciding eigenvalues, or singular values, is right."""
    for f, x, expected in [
        (lambda x: np.linalg.eigvalsh(x).sum(), np.eye(3), np.eye(3)),
        (lambda x: np.linalg.eigh(x).eigenvalues.sum(), np.eye(3), np.eye(3)),
        (lambda x: (np.linalg.eigvalsh(x) ** 3).sum(), 2 * np.eye(3), 12 * np.eye(3)),
        (lambda x: np.linalg.svdvals(x).sum(), np.eye(3), np.eye(3)),
        (lambda x: np.linalg.svd(x, compute_uv=False).sum(), -np.eye(3, 2), -np.eye(3, 2)),
        (lambda x: (np.linalg.svd(x)[1] ** 2).sum(), np.eye(2), 2 * np.eye(2)),
    ]:
        x = Tensor(x, requires_grad=True)
        assert_allclose(grad(f(x), x, create_graph=record)[0].data, expected, atol=1e-12)


@pytest.mark.parametrize("f", [lambda x: np.linalg.eigh(x)[1], lambda x: np.linalg.svd(x)[0]])
def test_vectors_of_coinciding_values(f):
    """Eigenvectors of coinciding eigenvalues have no derivative: not finite, with NumPy's warning, no finite lie."""
    x = Tensor(np.eye(2), requires_grad=True)
    y = f(x)
    with pytest.warns(RuntimeWarning, match="divide by zero|invalid value"):
        y.backward([[1.0, 2.0], [3.0, 4.0]])
    assert not np.isfinite(x.grad).all()


@pytest.mark.parametrize(
    ("f", "unread"),
    [
        (np.linalg.cholesky, np.triu), (lambda x: np.linalg.cholesky(x, upper=True), np.tril),
        (np.linalg.eigvalsh, np.triu),
        (lambda x: np.linalg.eigh(x)[1] ** 2, np.triu), (lambda x: np.linalg.eigh(x, "U")[1] ** 2, np.tril),
    ],
)  # fmt: skip
def test_the_triangle_that_is_not_read(f, unread):
    """LAPACK reads one triangle of a symmetric matrix. The other one has no influence, and no gradient."""
    a = symmetric(normal(3, 3)) + 9 * np.diag([1.0, 2.0, 3.0])
    off = unread(np.ones((3, 3)), 1 if unread is np.triu else -1) > 0
    x = Tensor(np.where(off, 99, a), requires_grad=True)
    y = f(x)
    assert_allclose(y.data, f(a), rtol=1e-10, atol=1e-14)
    y.backward(normal(*y.shape))
    assert_array_equal(x.grad[off], 0)
    assert x.grad[~off].all()


def test_gradient_of_a_symmetric_matrix():
    """Made symmetric by ops, a matrix gets the textbook's gradient: of log det x, the inverse."""
    x = symmetric(normal(3, 3)) + 9 * np.eye(3)
    x = Tensor(x, requires_grad=True)
    L = np.linalg.cholesky((x + x.T) / 2)
    (2 * np.log(np.diag(L)).sum()).backward()
    assert_allclose(x.grad, np.linalg.inv(x.data), rtol=1e-10)


def test_hessian_of_log_det():
    """To second order, too: the Hessian of log det is -x⁻ᵀ ⊗ x⁻¹, entry by entry."""
    a = normal(3, 3) + 3 * np.eye(3)
    b = np.linalg.inv(a)
    assert_allclose(
        hessian(lambda x: np.linalg.slogdet(x)[1])(a), -np.einsum("li,jk->ijkl", b, b), rtol=1e-9, atol=1e-12
    )


# ---- indices ----

INDICES = [
    np.ix_([0, 2], [1, 1, 0]), [[0], [1]], ([0, 1], [2, 2]), np.True_, np.False_, np.array(True),
    (np.newaxis, ..., np.newaxis),
    (slice(None, None, -1), [0, 0]), (None, [1, 1], None), (np.array([T, F, T, T]), 0),
    (np.array([T, F, F, T]), [1, 2]),
    (0, slice(1), np.newaxis), [T, F, F, T], np.uint8(3), (np.int64(-1), ...), (np.array([], int), np.array([], int)),
    np.zeros((4, 3), bool), (slice(5, 9),), np.array([[0, 1], [3, 3]])[:, :, None],
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_index(index):
    """An index of every kind picks, and its gradient counts how often each entry was picked."""
    a = normal(4, 3)
    x = Tensor(a, requires_grad=True)
    y = x[index]
    assert_array_equal(y.data, a[index])
    (y * 1.0).backward(np.ones(y.shape))
    counts = np.zeros(12)
    for i in np.arange(12).reshape(4, 3)[index].ravel():
        counts[i] += 1
    assert_array_equal(x.grad, counts.reshape(4, 3))


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_put(index):
    """put(x, index, value) is x[index] = value on a copy: the gradient splits between x and the value."""
    a = normal(4, 3)
    value = normal(*a[index].shape)
    x, v = Tensor(a, requires_grad=True), Tensor(value, requires_grad=True)
    y = put(x, index, v)
    expected = a.copy()
    expected[index] = value
    assert_array_equal(y.data, expected)
    assert_array_equal(x.data, a)
    w = normal(4, 3)
    y.backward(w)
    assert_array_equal(x.grad, np.where(expected == a, w, 0))
    assert_allclose((v.grad * value).sum(), (w * np.where(expected == a, 0, expected)).sum(), rtol=1e-10, atol=1e-12)


def test_put_of_an_entry_twice():
    """The later value stays and receives the gradient, the earlier one nothing."""
    v = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = put(np.zeros(4), [1, 1, 0], v)
    assert_array_equal(y.data, [3, 2, 0, 0])
    y.backward([10.0, 20.0, 30.0, 40.0])
    assert_array_equal(v.grad, [0, 20, 10])


def test_put_with_tensors_and_arrays():
    """Any of the three may be a Tensor; without one, it is NumPy; a value is cast to the dtype of x."""
    i = Tensor([0, 2])
    assert_array_equal(put(Tensor([1.0, 2.0, 3.0]), i, 0.0).data, [0, 2, 0])
    assert type(put(np.ones(2), 0, 5.0)) is np.ndarray
    assert_array_equal(put([1.0, 2.0], 0, 5.0), [5, 2])
    x, v = Tensor(np.ones(2, np.float32), requires_grad=True), Tensor(2.0, requires_grad=True)
    y = put(x, 1, v)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32 and v.grad.dtype == np.float64
    assert_array_equal(x.grad, [1, 0])
    put(x, 1, v).backward([1.0, np.nan])
    assert_array_equal(x.grad, [2, 0])  # what was written over has no part in it


def test_index_of_tensors_in_a_list():
    """Tensors may stand in the lists of an index, too."""
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    i = Tensor(1)
    assert_array_equal(x[[i, 0]].data, x.data[[1, 0]])
    assert_array_equal(np.take_along_axis(x, np.argsort(-x, axis=1), 1).data, x.data[:, ::-1])


def test_an_index_is_read_once():
    """What happens to the array behind an index before the backward pass does not matter."""
    for pick in (lambda x, i: x[i], lambda x, i: np.take(x, i), lambda x, i: put(x, i, 0.0)):
        x, i = Tensor([1.0, 2.0, 3.0], requires_grad=True), np.array([0, 2])
        y = pick(x, i)
        (expected,) = grad(y, x, np.ones(y.shape))
        i[:] = 1
        y.backward(np.ones(y.shape))
        assert_array_equal(x.grad, expected.data)


# ---- mistakes ----

x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
square = Tensor(np.ones((2, 2)), requires_grad=True)
MISTAKES = [
    (lambda: np.einsum("ij,jk", x), ValueError, ["is for 2 operands", "1 came"]),
    (lambda: np.einsum("ijk", x), ValueError, ["'ijk' names 3 axes", "(2, 3)"]),
    (lambda: np.einsum("i->", x), ValueError, ["'i' names 1 axes"]),
    (lambda: np.einsum("ii", x), ValueError, ["'i' has lengths 2 and 3"]),
    (lambda: np.einsum("ij->k", x), ValueError, ["output of 'ij->k'"]),
    (lambda: np.einsum("ij->ii", x), ValueError, ["output of 'ij->ii'", "once"]),
    (lambda: np.einsum("...j->j", x), ValueError, ["needs '...'"]),
    (lambda: np.einsum("i.j", x), ValueError, ["letters"]),
    (lambda: np.einsum("ij->j->i", x), ValueError, ["one '->'"]),
    (lambda: np.einsum("ij,jk->ik", x, x), ValueError, ["einsum(float64 (2, 3), float64 (2, 3))"]),
    (lambda: np.einsum(x, [0, 1]), TypeError, ["subscripts first", "np.einsum('ij,jk->ik', x, y)"]),
    (lambda: np.einsum("ij", x, out=np.ones((2, 3))), TypeError, ["out"]),
    (lambda: np.cross(x[:, :2], x[:, :2]), ValueError, ["3 entries", "(2, 2)"]),
    (lambda: np.linalg.outer(x, x), ValueError, ["two vectors", "(2, 3)"]),
    (lambda: np.linalg.inv(x), np.linalg.LinAlgError, ["inv(float64 (2, 3))", "square"]),
    (lambda: np.linalg.eigh(x), np.linalg.LinAlgError, ["square"]),
    (lambda: np.linalg.svd(x), ValueError, ["full_matrices=False", "(2, 3)"]),
    (lambda: np.linalg.svd(square, hermitian=True), ValueError, ["np.linalg.eigh"]),
    (lambda: np.linalg.qr(x, mode="raw"), ValueError, ["'reduced'", "'raw'"]),
    (lambda: np.linalg.qr(x.T, mode="complete"), ValueError, ["'reduced'", "'complete'", "(3, 2)"]),
    (lambda: np.linalg.cholesky(-square), np.linalg.LinAlgError, ["positive definite"]),
    (lambda: np.ravel(x, order="F"), ValueError, ["order='C'", "'F'"]),
    (lambda: np.meshgrid(x[0], indexing="ji"), ValueError, ["'xy' or 'ij'", "'ji'"]),
    (lambda: np.block([[x], x]), ValueError, ["equally deep"]),
    (lambda: np.array_split(x, 0), ValueError, ["0 parts"]),
    (lambda: np.vsplit(x[0], 1), ValueError, ["2 axes", "(3,)"]),
    (lambda: np.dsplit(x, 1), ValueError, ["3 axes", "(2, 3)"]),
    (lambda: np.pad(x, 1, mode="mean"), ValueError, ["'edge'", "'mean'"]),
    (lambda: np.pad(x, 1, mode="reflect", reflect_type="odd"), ValueError, ["reflect_type='odd'"]),
    (lambda: np.pad(x, 1, constant_values=x[0, 0]), TypeError, ["constant_values", "np.concatenate"]),
    (lambda: np.take_along_axis(x, np.array([0]), 1), ValueError, ["2 axes", "1 came"]),
    (lambda: np.sort(x[0, 0]), ValueError, ["0 axes"]),
    (lambda: np.select([x > 0], [x, x]), ValueError, ["1 and 2"]),
    (lambda: put(x, 5, 1.0), IndexError, ["put(float64 (2, 3)", "index 5"]),
    (lambda: put(x, 0, [1.0, 2.0]), ValueError, ["(2,)", "(3,)"]),
    (lambda: put(Tensor([1, 2]), 0, 0.5), TypeError, ["fractions", "int64"]),
    (lambda: x[7], IndexError, ["index 7", "size 2"]),
    (lambda: x[:, [0, -9]], IndexError, ["index -9", "size 3"]),
]


@pytest.mark.parametrize(("mistake", "exception", "texts"), MISTAKES)
def test_mistake(mistake, exception, texts):
    """The exception says what was expected and what came."""
    with pytest.raises(exception) as caught:
        mistake()
    for text in texts:
        assert text in str(caught.value)
