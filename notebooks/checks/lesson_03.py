"""From scalars to matrices: the matrix product, a linear layer with its bias, a mean."""

import numpy as np

from .check import Check

rng = np.random.default_rng(3)


def draws(*shapes):
    """Whole numbers, so that a message about them can be read."""
    return tuple(rng.integers(-4, 5, shape).astype(float) for shape in shapes)


check_matmul = Check(
    right=lambda W, X, dD: (dD @ X.T, W.T @ dD),
    cases=[draws((1, 2), (2, 2), (1, 2)), draws((2, 3), (3, 4), (2, 4)), draws((3, 3), (3, 3), (3, 3))],
    results=("dW", "dX"),
    mistakes=[
        (lambda W, X, dD: (X @ dD.T, dD.T @ W), "These are the transposes: dW has the shape of W, dX that of X."),
        (lambda W, X, dD: (W.T @ dD, dD @ X.T), "Right matrices, wrong names: return dW first."),
        (lambda W, X, dD: (np.ones(dD.shape) @ X.T, W.T @ np.ones(dD.shape)), "The gradient from above is missing."),
        (lambda W, X, dD: (dD @ X.T / X.shape[1], W.T @ dD), "W meets every column of X. What they send is added, "
         "not averaged."),
    ],
    praise="Each factor receives dD times the other one, transposed, from the side where it stood.",
)  # fmt: skip


def linear(dY, X, W, db):
    return dY @ W, dY.T @ X, db


check_linear = Check(
    right=lambda X, W, b, dY: linear(dY, X, W, dY.sum(axis=0)),
    cases=[
        draws((4, 3), (2, 3), (2,), (4, 2)),
        draws((1, 2), (5, 2), (5,), (1, 5)),
        draws((3, 3), (3, 3), (3,), (3, 3)),
    ],
    results=("dX", "dW", "db"),
    mistakes=[
        (lambda X, W, b, dY: linear(dY, X, W, dY), "b was added to every row, and it is one vector: what its "
         "copies receive is summed."),
        (lambda X, W, b, dY: linear(dY, X, W, dY.mean(axis=0)), "What the copies of b receive is added, not averaged."),
        (lambda X, W, b, dY: linear(dY, X, W, dY.sum(axis=1)), "Sum over the axis along which b was copied: the rows."),
        (lambda X, W, b, dY: (dY @ W, X.T @ dY, dY.sum(axis=0)), "dW is transposed: it has the shape of W."),
        (lambda X, W, b, dY: linear(dY, X, W, np.ones_like(b)), "The gradient from above is missing in db."),
    ],
    praise="The product as before, and a sum where broadcasting copied.",
)  # fmt: skip


def spread(X, g, n):
    return np.broadcast_to(g[:, None] / n, X.shape)


check_mean = Check(
    right=lambda X, g: spread(X, g, X.shape[1]),
    cases=[draws((2, 4), (2,)), draws((3, 3), (3,)), draws((5, 2), (5,))],
    results=("dX",),
    mistakes=[
        (lambda X, g: spread(X, g, 1), "That is the gradient of the sum. When one of n numbers moves by h, their mean "
         "moves by h/n."),
        (lambda X, g: spread(X, g, X.size), "Each row has a mean of its own: divide by its length, not by X.size."),
        (lambda X, g: spread(X, g, len(X)), "Divide by the length of a row, not by the number of rows."),
        (lambda X, g: g / X.shape[1], "Every entry of X receives a share: the result has the shape of X."),
        (lambda X, g: X * spread(X, g, X.shape[1]), "The mean is linear: no share depends on the entry."),
    ],
    praise="A reduction forward is a broadcast backward, as a broadcast forward was a sum backward.",
)  # fmt: skip
