"""A derivative is a nudge: the max gate, a circuit of gates, the numerical gradient."""

import numpy as np

from .check import Check


def cubes(x):
    return float((np.asarray(x) ** 3).sum())


def product(x):
    return float(np.prod(x))


def weighted(x):
    return float(np.sum(np.arange(1, len(x) + 1) * np.exp(x)))


check_max_gate = Check(
    right=lambda x, y, g: (g * (x > y), g * (y > x)),
    cases=[(4.0, 2.0, 1.0), (4.0, 2.0, 3.0), (-5.0, -1.0, 2.0), (0.5, 0.0, -4.0)],
    results=("dx", "dy"),
    mistakes=[
        (lambda x, y, g: (1.0 * (x > y), 1.0 * (y > x)), "These are the local gradients; multiply by g."),
        (lambda x, y, g: (g, g), "That is the add gate. max listens to one of its inputs only."),
        (lambda x, y, g: (g * y, g * x), "That is the multiply gate. Nudge the smaller input: does max move at all?"),
        (lambda x, y, g: (x * (x > y), y * (y > x)), "That is the value of max. How far does it move per nudge?"),
        (lambda x, y, g: (x * g * (x > y), y * g * (y > x)), "Nudge the larger input by h: max moves by h, not by h "
         "times its value."),
        (lambda x, y, g: (g * (x < y), g * (y < x)), "The gradient goes to the larger input, not to the smaller one."),
    ],
    praise="max sends all of g to the larger input and nothing to the other: it is a switch.",
)  # fmt: skip


check_circuit = Check(
    right=lambda x, y, z, w: (2 * y, 2 * x, 2.0 * (z > w), 2.0 * (w > z)),
    cases=[(3.0, -4.0, 2.0, -1.0), (-2.0, 5.0, 1.0, 4.0), (0.5, 0.25, -3.0, -7.0)],
    results=("dx", "dy", "dz", "dw"),
    mistakes=[
        (lambda x, y, z, w: (y, x, 1.0 * (z > w), 1.0 * (w > z)), "All are too small by a factor of 2: df is 1, and "
         "the last gate doubles."),
        (lambda x, y, z, w: (2 * x, 2 * y, 2.0 * (z > w), 2.0 * (w > z)), "The multiply gate swaps: what x receives is "
         "proportional to y."),
        (lambda x, y, z, w: (2 * y, 2 * x, 2.0, 2.0), "The max gate sends its gradient to one input, not to both."),
        (lambda x, y, z, w: (2 * y, 2 * x, 2 * z * (z > w), 2 * w * (w > z)), "Nudge z by h where it is the larger: "
         "max(z, w) moves by h, whatever z is."),
    ],
    praise="+ distributes, max routes, × swaps and scales.",
)  # fmt: skip


def central(f, x, h):
    units = np.eye(len(x))
    return np.array([(f(x + h * unit) - f(x - h * unit)) / (2 * h) for unit in units])


def forward(f, x, h):
    return np.array([(f(x + h * unit) - f(x)) / h for unit in np.eye(len(x))])


def without_the_two(f, x, h):
    return 2 * central(f, x, h)


def backward(f, x, h):
    return np.array([(f(x) - f(x - h * unit)) / h for unit in np.eye(len(x))])


def all_at_once(f, x, h):
    return np.full(len(x), (f(x + h) - f(x - h)) / (2 * h))


def not_put_back(f, x, h):
    x, gradient = x.copy(), []
    for i in range(len(x)):
        x[i] += h
        right = f(x)
        x[i] -= 2 * h
        gradient.append((right - f(x)) / (2 * h))
    return np.array(gradient)


check_numerical_gradient = Check(
    right=central,
    cases=[
        (f, np.array(x), h) for f in (cubes, product, weighted) for x in ([2.0], [1.0, -2.0, 0.5]) for h in (0.1, 1e-3)
    ],
    results=("the gradient",),
    mistakes=[
        (forward, "That is the one-sided quotient: its error shrinks only like h. Step to both sides of x."),
        (
            backward,
            "That is the one-sided quotient, to the left: its error shrinks only like h. Step to both sides of x.",
        ),
        (without_the_two, "From x - h to x + h it is a way of 2h."),
        (
            lambda f, x, h: central(f, x, h) * h**2,
            "Python reads a / 2 * h as (a / 2) * h. Put the 2 * h in brackets.",
        ),
        (all_at_once, "You nudge all entries together. A partial derivative nudges one and keeps the others."),
        (
            not_put_back,
            "The first entry is right, the later ones are not: put an entry back before you nudge the next.",
        ),
    ],
    praise="one entry at a time, to both sides, over 2h: an oracle for any gradient that you will ever write.",
    tolerance=1e-9,
)
