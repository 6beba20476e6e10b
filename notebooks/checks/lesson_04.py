"""An LSTM as a computation graph: its gates, its weights, the error of a gradient, the LSTM without a tanh."""

import numpy as np

from .check import Check


def slope(s):
    """Give the slope of σ from its value."""
    return s * (1 - s)


def future_alone(da, dc, c_prev, f, i, cc, o, c):
    return dc * c_prev * slope(f), dc * cc * slope(i), dc * i * (1 - cc**2), da * np.tanh(c) * slope(o)


def gates_backward(da, dc, c_prev, f, i, cc, o, c):
    return future_alone(da, dc + da * o * (1 - np.tanh(c) ** 2), c_prev, f, i, cc, o, c)


def without_future(da, dc, c_prev, f, i, cc, o, c):
    return gates_backward(da, 0 * dc, c_prev, f, i, cc, o, c)


def without_tanh(da, dc, c_prev, f, i, cc, o, c):
    return future_alone(da, dc + da * o, c_prev, f, i, cc, o, c)


def without_slopes(da, dc, c_prev, f, i, cc, o, c):
    dc = dc + da * o * (1 - np.tanh(c) ** 2)
    return dc * c_prev, dc * cc, dc * i, da * np.tanh(c)


def tanh_of_tanh(da, dc, c_prev, f, i, cc, o, c):
    dz_f, dz_i, _, dz_o = gates_backward(da, dc, c_prev, f, i, cc, o, c)
    return dz_f, dz_i, (dc + da * o * (1 - np.tanh(c) ** 2)) * i * (1 - np.tanh(cc) ** 2), dz_o


def o_from_c(da, dc, c_prev, f, i, cc, o, c):
    dz_f, dz_i, dz_c, _ = gates_backward(da, dc, c_prev, f, i, cc, o, c)
    return dz_f, dz_i, dz_c, (dc + da * o * (1 - np.tanh(c) ** 2)) * np.tanh(c) * slope(o)


def exchanged(da, dc, c_prev, f, i, cc, o, c):
    dc = dc + da * o * (1 - np.tanh(c) ** 2)
    return dc * f * slope(f), dc * i * slope(i), dc * cc * (1 - cc**2), da * np.tanh(c) * slope(o)


def brackets_missing(da, dc, c_prev, f, i, cc, o, c):
    through_a = da * o * (1 - np.tanh(c) ** 2)
    return (
        dc * c_prev + through_a * c_prev * slope(f),
        dc * cc + through_a * cc * slope(i),
        dc * i + through_a * i * (1 - cc**2),
        da * np.tanh(c) * slope(o),
    )


def a_step(seed, shape):
    """Draw da, dc, c_prev, then the three gates and the candidate, and compute c."""
    rng = np.random.default_rng(seed)
    da, dc, c_prev = rng.standard_normal((3, *shape))
    f, i, o = rng.uniform(0.1, 0.9, (3, *shape))
    cc = np.tanh(rng.standard_normal(shape))
    return da, dc, c_prev, f, i, cc, o, f * c_prev + i * cc


check_gates = Check(
    right=gates_backward,
    cases=[a_step(0, (1, 1)), a_step(1, (3, 4)), a_step(2, (2, 1))],
    results=("dz_f", "dz_i", "dz_c", "dz_o"),
    mistakes=[
        (without_future, "dc is missing: c goes to the next step as well, not only into a."),
        (future_alone, "c has two children, and you have listened to one: add what arrives through a = o tanh(c)."),
        (without_tanh, "Between c and a stands a tanh: multiply by 1 - tanh(c)²."),
        (without_slopes, "These are the gradients of the gates. Go one step further, through σ and tanh, to their z."),
        (o_from_c, "o has one child, a: dz_o starts from da. What else arrives at c does not pass through o."),
        (
            exchanged,
            "Swap, as the multiply gate does: a factor gets dc times the other one, f that of c_prev, i that of cc.",
        ),
        (tanh_of_tanh, "cc is the output of tanh already, so its slope is 1 - cc²."),
        (brackets_missing, "The slope of a gate multiplies all that arrives at the gate; brackets are missing."),
    ],
    praise="Identities (7) to (10). Everything between the weights and the state is in them.",
)


def weights_backward(dz, W, ax, n_a):
    dax = W.T @ dz
    return dz @ ax.T, dz.sum(axis=1, keepdims=True), dax[:n_a], dax[n_a:]


def averaged(dz, W, ax, n_a):
    dW, db, da_prev, dx = weights_backward(dz, W, ax, n_a)
    return dW / dz.shape[1], db / dz.shape[1], da_prev, dx


def flat_bias(dz, W, ax, n_a):
    dW, db, da_prev, dx = weights_backward(dz, W, ax, n_a)
    return dW, db[:, 0], da_prev, dx


def x_first(dz, W, ax, n_a):
    dax, n_x = W.T @ dz, len(ax) - n_a
    return dz @ ax.T, dz.sum(axis=1, keepdims=True), dax[n_x:], dax[:n_x]


def transposed(dz, W, ax, n_a):
    _, db, da_prev, dx = weights_backward(dz, W, ax, n_a)
    return ax @ dz.T, db, da_prev, dx


def some_weights(seed, n_a, n_x, m):
    rng = np.random.default_rng(seed)
    rows, columns = 4 * n_a, n_a + n_x
    return rng.standard_normal((rows, m)), rng.standard_normal((rows, columns)), rng.standard_normal((columns, m)), n_a


check_weights = Check(
    right=weights_backward,
    cases=[some_weights(0, 1, 1, 1), some_weights(1, 2, 2, 3), some_weights(2, 2, 3, 5), some_weights(3, 1, 3, 2)],
    results=("dW", "db", "da_prev", "dx"),
    mistakes=[
        (averaged, "You divide by m. The mean belongs to the loss: dz has the factor already, if the loss has."),
        (flat_bias, "b is a column, and so is its gradient: sum(axis=1, keepdims=True)."),
        (x_first, "In [a; x] the state a stands above: the first n_a rows are its gradient."),
        (transposed, "A gradient has the shape of what it belongs to. W has the rows of dz and the columns of ax."),
    ],
    praise="Identities (11) to (19) and (21): two products, one sum, one cut.",
)


def worst_error(analytic, numeric):
    return np.max(np.abs(analytic - numeric) / np.maximum(np.abs(analytic), np.abs(numeric)))


check_worst_error = Check(
    right=worst_error,
    cases=[
        (np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 5.0])),
        (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
        (np.array([[3.0, -1e-6], [2.0, 1.0]]), np.array([[3.0, 1e-6], [2.0, 1.0]])),
        (np.array([-1.0, -2.0]), np.array([-1.5, -2.0])),
        (np.array([4.0, 8.0]), np.array([1.0, 2.0])),
    ],
    results=("the error",),
    mistakes=[
        (
            lambda analytic, numeric: np.mean(analytic - numeric),
            "A mean of signed differences: too large here and too small there make 0. Take the worst |difference|.",
        ),
        (
            lambda analytic, numeric: np.max(np.abs(analytic - numeric)),
            "That is absolute. A difference of 1e-6 is everything where the gradient itself is 1e-6: divide.",
        ),
        (
            lambda analytic, numeric: np.mean(
                np.abs(analytic - numeric) / np.maximum(np.abs(analytic), np.abs(numeric))
            ),
            "A mean hides one wrong entry among a thousand right ones. Take the worst.",
        ),
        (
            lambda analytic, numeric: np.max((analytic - numeric) / np.maximum(np.abs(analytic), np.abs(numeric))),
            "Without | | a gradient that is too small counts as a negative error, and max() passes it over.",
        ),
        (
            lambda analytic, numeric: np.max(np.abs(analytic - numeric)) / np.max(np.abs(numeric)),
            "Divide entry by entry, before the maximum; else large entries hide what happens to small ones.",
        ),
        (
            lambda analytic, numeric: (
                np.linalg.norm(analytic - numeric) / (np.linalg.norm(analytic) + np.linalg.norm(numeric))
            ),
            "That is one ratio for all, in which large entries hide what happens to small ones. Divide entry by entry.",
        ),
        (
            lambda analytic, numeric: np.max(np.abs(analytic - numeric) / (np.abs(analytic) + np.abs(numeric))),
            "You divide by the sum of the two absolute values. Take the larger one.",
        ),
        (
            lambda analytic, numeric: np.max(np.abs(analytic - numeric) / np.maximum(analytic, numeric)),
            "The larger of the absolute values: of -1 and -2 that is 2.",
        ),
        (
            lambda analytic, numeric: np.max(np.abs(analytic - numeric) / np.abs(numeric)),
            "Divide by the larger of the two, `scale`; else the error depends on which of them you trust.",
        ),
    ],
    praise="Relative, entry by entry, the worst. And then look at the ratios.",
)


def simple_backward(dh, ds_next, s_prev, g, i, f, o, s):
    ds = o * dh + ds_next
    return ds * i * (1 - g**2), ds * g * slope(i), ds * s_prev * slope(f), dh * s * slope(o), ds * f


def with_tanh(dh, ds_next, s_prev, g, i, f, o, s):
    ds = o * (1 - np.tanh(s) ** 2) * dh + ds_next
    return ds * i * (1 - g**2), ds * g * slope(i), ds * s_prev * slope(f), dh * np.tanh(s) * slope(o), ds * f


def without_carousel(dh, ds_next, s_prev, g, i, f, o, s):
    return simple_backward(dh, 0 * ds_next, s_prev, g, i, f, o, s)


def gate_forgotten(dh, ds_next, s_prev, g, i, f, o, s):
    return *simple_backward(dh, ds_next, s_prev, g, i, f, o, s)[:4], o * dh + ds_next


def o_from_s(dh, ds_next, s_prev, g, i, f, o, s):
    dz_g, dz_i, dz_f, _, ds_prev = simple_backward(dh, ds_next, s_prev, g, i, f, o, s)
    return dz_g, dz_i, dz_f, (o * dh + ds_next) * s * slope(o), ds_prev


def without_simple_slopes(dh, ds_next, s_prev, g, i, f, o, s):
    ds = o * dh + ds_next
    return ds * i, ds * g, ds * s_prev, dh * s, ds * f


def forgotten_twice(dh, ds_next, s_prev, g, i, f, o, s):
    return simple_backward(dh, ds_next * f, s_prev, g, i, f, o, s)


def a_simple_step(seed, n):
    rng = np.random.default_rng(seed)
    dh, ds_next, s_prev = rng.standard_normal((3, n))
    i, f, o = rng.uniform(0.1, 0.9, (3, n))
    g = np.tanh(rng.standard_normal(n))
    return dh, ds_next, s_prev, g, i, f, o, g * i + s_prev * f


check_simple_lstm = Check(
    right=simple_backward,
    cases=[a_simple_step(0, 1), a_simple_step(1, 4)],
    results=("dz_g", "dz_i", "dz_f", "dz_o", "ds_prev"),
    mistakes=[
        (with_tanh, "That is the other LSTM. Here h = s o, without a tanh between them."),
        (without_carousel, "ds_next is missing: s goes to the next step as well."),
        (gate_forgotten, "On its way from s to s_prev the gradient passes the forget gate: times f."),
        (without_simple_slopes, "These are the gradients of the gates. Go one step further, through σ and tanh, to z."),
        (
            forgotten_twice,
            "ds_next has passed the next step's forget gate already; f belongs to this step, on the way out.",
        ),
        (o_from_s, "o has one child, h. What arrives at s from later steps does not pass through o."),
    ],
    praise="The constant error carousel: ds_prev = f ds, and nothing else on the way.",
)
