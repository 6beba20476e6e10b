"""Backpropagation through time: the recursion unrolled, the states of a linear RNN, a random cut, the path along c."""

import numpy as np

from .check import Check


def unrolled(b, c):
    return b[-1] + sum(np.prod(c[i + 1 :]) * b[i] for i in range(len(b) - 1))


def some_factors(seed, T):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(T), rng.uniform(0.3, 1.2, T)


check_unrolled = Check(
    right=unrolled,
    cases=[(np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 7.0])), some_factors(0, 2), some_factors(1, 6)],
    results=("a_T",),
    mistakes=[
        (
            lambda b, c: b[-1] + sum(np.prod(c[i:]) * b[i] for i in range(len(b) - 1)),
            "A factor too many: b_i arises at step i, and the first step that it passes through is i + 1.",
        ),
        (
            lambda b, c: b[-1] + sum(np.prod(c[i + 1 : -1]) * b[i] for i in range(len(b) - 1)),
            "A factor too few: the product ends with c_T. (A slice x[i:j] ends before j.)",
        ),
        (
            lambda b, c: sum(np.prod(c[i + 1 :]) * b[i] for i in range(len(b) - 1)),
            "The last step's own b_T is missing.",
        ),
        (
            lambda b, c: sum(np.prod(c[: i + 1]) * b[i] for i in range(len(b))),
            "These are the steps before i. The product runs over those after it.",
        ),
        (lambda b, c: np.sum(b), "What step i adds is passed on by every later step: multiply by their c_j."),
    ],
    praise="A sum over where the weight acted, and a product over the way from there.",
)


def hidden_gradients(do, W_hh, W_qh):
    dh = do @ W_qh
    for t in reversed(range(len(do) - 1)):
        dh[t] += W_hh.T @ dh[t + 1]
    return dh


def not_transposed(do, W_hh, W_qh):
    return hidden_gradients(do, W_hh.T, W_qh)


def neither_transposed(do, W_hh, W_qh):
    return hidden_gradients(do, W_hh.T, W_qh.T)


def last_loss_alone(do, W_hh, W_qh):
    dh = do @ W_qh
    for t in reversed(range(len(do) - 1)):
        dh[t] = W_hh.T @ dh[t + 1]
    return dh


def next_state_missing(do, W_hh, W_qh):
    return do @ W_qh


def forward_in_time(do, W_hh, W_qh):
    dh = do @ W_qh
    for t in range(1, len(do)):
        dh[t] += W_hh.T @ dh[t - 1]
    return dh


def some_outputs(seed, T, n):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((T, n)), *rng.standard_normal((2, n, n))


check_hidden_gradients = Check(
    right=hidden_gradients,
    cases=[some_outputs(0, 2, 2), some_outputs(1, 4, 2), some_outputs(2, 3, 3)],
    results=("dh",),
    mistakes=[
        (not_transposed, "Backward, a matrix is transposed: W_hh.T."),
        (neither_transposed, "Backward, both matrices are transposed: W_hh.T and W_qh.T."),
        (last_loss_alone, "h_t has two children, h_{t+1} and o_t. The part through o_t is missing."),
        (next_state_missing, "h_t has two children, h_{t+1} and o_t. The part through h_{t+1} is missing."),
        (forward_in_time, "Gradients flow from later steps to earlier ones: dh[t] needs dh[t + 1]."),
    ],
    praise="Equations (8.7.13) and (8.7.14): one product with W_hhᵀ for each step back.",
)


def randomized(b, c, xi):
    z = 0.0
    for b_t, c_t, xi_t in zip(b, c, xi):
        z = b_t + xi_t * c_t * z
    return z


def all_scaled(b, c, xi):
    z = 0.0
    for b_t, c_t, xi_t in zip(b, c, xi):
        z = xi_t * (b_t + c_t * z)
    return z


def exact_before(b, c, xi):
    a = z = 0.0
    for b_t, c_t, xi_t in zip(b, c, xi):
        z, a = b_t + xi_t * c_t * a, b_t + c_t * a
    return z


def one_or_nothing(b, c, xi):
    return randomized(b, c, (xi > 0) * 1.0)


def some_masks(seed, pi, T):
    b, c = some_factors(seed, T)
    return b, c, (np.random.default_rng(seed).random(T) < pi) / pi


check_randomized = Check(
    right=randomized,
    cases=[
        (np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 7.0]), np.array([2.0, 0.0, 2.0])),
        (np.array([1.0, 2.0]), np.array([1.0, 0.5]), np.array([2.0, 2.0])),
        some_masks(0, 0.5, 5),
        some_masks(1, 0.8, 8),
        some_masks(2, 0.8, 8),
    ],
    results=("z_T",),
    mistakes=[
        (all_scaled, "ξ cuts the past off, not the present: b_t is outside."),
        (exact_before, "With the exact a_{t-1} inside, ξ = 0 cuts one step only; the recursion never ends. Pass z on."),
        (one_or_nothing, "Multiply by ξ itself. The 1/π in it makes up for the times when it is 0."),
        (lambda b, c, xi: randomized(b, c, np.ones(len(b))), "That is the full recursion; where is ξ?"),
    ],
    praise="Cut at random, and right on average.",
)


def along_memory(f):
    return np.array([np.prod(f[t + 1 :]) for t in range(len(f))])


check_along_memory = Check(
    right=along_memory,
    cases=[(np.array([0.5, 0.25, 0.125]),), (np.array([0.9]),), (np.random.default_rng(0).uniform(0.2, 1, 6),)],
    results=("dc",),
    mistakes=[
        (
            lambda f: np.array([np.prod(f[t:]) for t in range(len(f))]),
            "A factor too many: f_t lies between c_{t-1} and c_t, before c_t.",
        ),
        (np.cumprod, "These products start at the first step. The way from c_t leads to the last."),
        (
            lambda f: np.array([np.prod(f[: len(f) - 1 - t]) for t in range(len(f))]),
            "The right number of factors, but of the first steps: those after t count.",
        ),
        (lambda f: f ** np.arange(len(f))[::-1], "Each step has a gate of its own; multiply these."),
    ],
    praise="No matrix, no tanh: along c a gradient meets the forget gates, and these can be near 1.",
)
