"""Inside the engine: the rules of an op, the walk over a graph, a gradient of a gradient, a layer by hand."""

import numpy as np

from autograd import Tensor, grad

from .check import Check

check_angle = Check(
    right=lambda g, y, x: (g * x / (x**2 + y**2), -g * y / (x**2 + y**2)),
    cases=[(1.0, 4.0, 3.0), (2.0, 1.0, 0.0), (1.0, np.array([1.0, -2.0]), np.array([-1.0, 0.5]))],
    results=("dy", "dx"),
    mistakes=[
        (lambda g, y, x: (x / (x**2 + y**2), -y / (x**2 + y**2)), "These are the local gradients; multiply by g."),
        (lambda g, y, x: (g * x / (x**2 + y**2), g * y / (x**2 + y**2)), "Mind the sign: a point above the axis that "
         "moves to the right is seen under a smaller angle."),
        (lambda g, y, x: (-g * y / (x**2 + y**2), g * x / (x**2 + y**2)), "The order is that of the arguments: dy "
         "first."),
        (lambda g, y, x: (g * x / np.hypot(x, y), -g * y / np.hypot(x, y)), "Twice as far away, the same nudge turns "
         "half as much: divide by the square of the distance."),
    ],
    praise="Two rules, and they hold where y / x does not, at x = 0.",
)  # fmt: skip


def reused(x):
    return np.sum(x * x + x)


def diamond(x):
    a = np.tanh(x)
    return np.sum(np.exp(a) / (1 + a * a))


def repeated(x):
    return np.sum(np.sin(x * np.array([[1.0], [2.0], [3.0]])))


def walk(f, x, collect):
    """Walk back from f(x), with `collect(so far, piece, upstream)` as what a parent has afterwards."""
    x = Tensor(x, requires_grad=True)
    out = f(x)
    gradients = {out: np.ones(out.shape)}
    order = [out]
    for node in order:
        order += [parent for parent in node.parents if parent not in order]
    for node in sorted(order, key=lambda node: -node.number):
        for parent, send in node.local_gradients():
            gradients[parent] = collect(gradients.get(parent, 0), send, gradients[node])
    return gradients[x]


check_backward_pass = Check(
    right=lambda f, x: grad(f(x := Tensor(x, requires_grad=True)), [x])[0].data,
    cases=[(f, np.array(x)) for f in (reused, diamond, repeated) for x in ([1.0, -2.0], [0.25, 0.5])],
    results=("the gradient",),
    mistakes=[
        (lambda f, x: walk(f, x, lambda so_far, send, g: send(g)), "A node that is used twice receives two pieces, and "
         "the second must not replace the first: add it to gradients.get(parent, 0)."),
        (lambda f, x: walk(f, x, lambda so_far, send, g: so_far + send(np.ones_like(g))), "You send 1 into every local "
         "gradient. What goes in is the gradient of the node: gradients[node]."),
    ],
    praise="Upstream times local, added up, in reverse order: this loop is the engine. Its other lines save memory, "
    "check, and explain mistakes.",
)  # fmt: skip


def bent(x):
    return np.sum(x**3) + x[0] * x[1] ** 2


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def matrix(f, x):
    """Compute the Hessian, a column for each entry of x."""
    x = Tensor(x, requires_grad=True)
    (g,) = grad(f(x), [x], create_graph=True)
    return np.stack([grad(g[i], [x])[0].data for i in range(len(g))])


check_hessian_vector = Check(
    right=lambda f, x, v: matrix(f, x) @ v,
    cases=[
        (f, np.array(x), np.array(v))
        for f in (bent, rosenbrock)
        for x, v in (([1.0, 2.0], [1.0, -3.0]), ([-0.5, 0.25], [2.0, 0.5]))
    ],
    results=("Hv",),
    mistakes=[
        (lambda f, x, v: matrix(f, x).sum(axis=0), "That is H times a vector of ones. Where does v come in? The slope "
         "along v is the sum of g * v."),
        (lambda f, x, v: matrix(f, x).sum(axis=0) * v, "v must come in before the second gradient: each row of H meets "
         "all of v."),
        (lambda f, x, v: grad(f(x := Tensor(x, requires_grad=True)), [x])[0].data * v, "That is the gradient times v. "
         "Sum it, and differentiate the sum once more."),
        (lambda f, x, v: np.diag(matrix(f, x)) * v, "Only the diagonal of H is in this; the mixed second derivatives "
         "are missing."),
    ],
    praise="Two walks, and no matrix: of a million weights, H would have a million million entries.",
)  # fmt: skip


def layer(x, W, t, two=2, slope=lambda a, h: 1 - h * h, sign=1):
    a = x @ W
    h = np.tanh(a)
    da = sign * two * (h - t) * slope(a, h)
    return da @ W.T, x.T @ da


random = np.random.default_rng(8)

check_layer = Check(
    right=lambda x, W, t: layer(x, W, t),
    cases=[
        tuple(random.normal(size=shape) for shape in ((n, k), (k, m), (n, m))) for n, k, m in ((2, 3, 4), (1, 2, 1))
    ],
    results=("dx", "dW"),
    mistakes=[
        (lambda x, W, t: layer(x, W, t, two=1), "All are too small by a factor of 2: e² falls by 2e."),
        (lambda x, W, t: layer(x, W, t, slope=lambda a, h: 1), "da is not dh: tanh has a slope, 1 - h²."),
        (lambda x, W, t: layer(x, W, t, slope=lambda a, h: 1 - a * a), "The slope of tanh is 1 - h², with its output "
         "h; you have 1 - a²."),
        (lambda x, W, t: layer(x, W, t, slope=lambda a, h: 1 - h), "A square is missing: the slope of tanh is 1 - h²."),
        (lambda x, W, t: layer(x, W, t, sign=-1), "e = h - t grows with h, so dh has the sign of de."),
    ],
    praise="Now hold it against the next cell's output, line by line.",
)  # fmt: skip
