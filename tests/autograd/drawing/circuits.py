"""Graphs that the tests draw: the circuits of CS231n, and a recurrent network written out."""

import numpy as np

from autograd import Tensor, log_softmax, scope, sigmoid


def named(name, tensor):
    tensor.name = name
    return tensor


def variable(name, data):
    return Tensor(data, requires_grad=True, name=name)


def product_of_sum():
    """f = (x + y) z at (-2, 5, -4)."""
    x, y, z = variable("x", -2.0), variable("y", 5.0), variable("z", -4.0)
    return named("f", named("q", x + y) * z)


def neuron(compressed=True):
    """A sigmoid neuron at w = [2, -3, -3], x = [-1, -2]; σ as one gate, or as four."""
    w0, x0, w1, x1, w2 = (variable(n, v) for n, v in zip(("w0", "x0", "w1", "x1", "w2"), (2.0, -1.0, -3.0, -2.0, -3.0)))
    z = named("z", w0 * x0 + w1 * x1 + w2)
    return named("f", sigmoid(z) if compressed else 1 / (1 + np.exp(-z)))


def staged():
    """(x + σ(y)) / (σ(x) + (x + y)²) at (3, -4), every intermediate named."""
    x, y = variable("x", 3.0), variable("y", -4.0)
    num = named("num", x + named("sigy", sigmoid(y)))
    sigx = named("sigx", sigmoid(x))
    xpysqr = named("xpysqr", named("xpy", x + y) ** 2)
    invden = named("invden", 1 / named("den", sigx + xpysqr))
    return named("f", num * invden)


def matrices():
    """D = W·X, then tanh and a sum."""
    rng = np.random.default_rng(0)
    D = named("D", variable("W", rng.normal(size=(5, 10))) @ variable("X", rng.normal(size=(10, 3))))
    return named("L", named("H", np.tanh(D)).sum())


def classifier():
    """Two layers and a cross-entropy, on a batch of eight."""
    rng = np.random.default_rng(0)
    X = Tensor(rng.normal(size=(8, 20)), name="X")
    W1, b1 = variable("W1", rng.normal(size=(20, 16)) / 4), variable("b1", np.zeros(16))
    W2, b2 = variable("W2", rng.normal(size=(16, 5)) / 4), variable("b2", np.zeros(5))
    h = named("h", np.tanh(X @ W1 + b1))
    logp = named("logp", log_softmax(h @ W2 + b2))
    return named("loss", -logp[np.arange(8), rng.integers(0, 5, 8)].mean())


def square():
    """x * x: two edges."""
    x = variable("x", 3.0)
    return named("f", x * x)


def lstm(steps=3, H=4):
    """An LSTM over some steps, its weights shared, in the scope `lstm`."""
    rng = np.random.default_rng(1)
    W_x, W_h = variable("W_x", rng.normal(size=(3, 4 * H)) / 2), variable("W_h", rng.normal(size=(H, 4 * H)) / 2)
    b = variable("b", rng.normal(size=4 * H) / 10)
    h, c = variable("h0", rng.normal(size=(2, H))), variable("c0", rng.normal(size=(2, H)))
    with scope("lstm"):
        for t in range(1, steps + 1):
            with scope(f"t={t}"):
                z = named(f"z{t}", variable(f"x{t}", rng.normal(size=(2, 3))) @ W_x + h @ W_h + b)
                with scope("gate i"):
                    i = named(f"i{t}", sigmoid(z[:, :H]))
                with scope("gate f"):
                    f = named(f"f{t}", sigmoid(z[:, H : 2 * H]))
                with scope("gate g"):
                    g = named(f"g{t}", np.tanh(z[:, 2 * H : 3 * H]))
                with scope("gate o"):
                    o = named(f"o{t}", sigmoid(z[:, 3 * H :]))
                with scope("memory"):
                    c = named(f"c{t}", f * c + i * g)
                    h = named(f"h{t}", o * np.tanh(c))
    return named("L", h.sum())


def gate_lstm(steps=3, H=4):
    """An LSTM whose gates have weights of their own: three of each, five ops a gate."""
    rng = np.random.default_rng(1)
    shapes = {"W_x": (3, H), "W_h": (H, H), "b_": (H,)}
    w = {name + gate: variable(name + gate, rng.normal(size=s) / 2) for gate in "ifgo" for name, s in shapes.items()}
    h, c = variable("h0", rng.normal(size=(2, H))), variable("c0", rng.normal(size=(2, H)))
    for t in range(1, steps + 1):
        x = variable(f"x{t}", rng.normal(size=(2, 3)))
        with scope(f"t={t}"):
            gates = []
            for gate in "ifgo":
                with scope(f"gate {gate}"):
                    z = x @ w[f"W_x{gate}"] + h @ w[f"W_h{gate}"] + w[f"b_{gate}"]
                    gates.append(named(f"{gate}{t}", np.tanh(z) if gate == "g" else sigmoid(z)))
            i, f, g, o = gates
            with scope("memory"):
                c = named(f"c{t}", f * c + i * g)
                h = named(f"h{t}", o * np.tanh(c))
    return named("L", h.sum())


def layers(steps=3, H=4, layers=2):
    """Two layers of an LSTM, step by step."""
    rng = np.random.default_rng(1)
    weights, states = [], []
    for k in range(layers):
        size = 3 if k == 0 else H
        shapes = {"W_x": (size, 4 * H), "W_h": (H, 4 * H), "b": (4 * H,)}
        weights.append([variable(f"{name}_{k}", rng.normal(size=shape) / 2) for name, shape in shapes.items()])
        states.append([variable(f"{name}0_{k}", rng.normal(size=(2, H))) for name in "hc"])
    for t in range(1, steps + 1):
        y = variable(f"x{t}", rng.normal(size=(2, 3)))
        with scope(f"t={t}"):
            for k in range(layers):
                with scope(f"layer {k}"):
                    (W_x, W_h, b), (h, c) = weights[k], states[k]
                    z = y @ W_x + h @ W_h + b
                    i, f, o = (sigmoid(z[:, n * H : (n + 1) * H]) for n in (0, 1, 3))
                    c = named(f"c{t}", f * c + i * np.tanh(z[:, 2 * H : 3 * H]))
                    y = named(f"h{t}", o * np.tanh(c))
                    states[k] = [y, c]
    return named("L", y.sum())


def rnn(steps=5, H=4):
    """A simple recurrent network with a loss at every step, and their sum."""
    rng = np.random.default_rng(1)
    W_x, W_h = variable("W_x", rng.normal(size=(3, H)) / 2), variable("W_h", rng.normal(size=(H, H)) / 2)
    b, W_y = variable("b", np.zeros(H)), variable("W_y", rng.normal(size=(H, 4)))
    h, total = variable("h0", np.zeros((1, H))), None
    for t in range(1, steps + 1):
        x = variable(f"x{t}", np.eye(3)[[t % 3]])
        with scope(f"t={t}"):
            with scope("cell"):
                h = named(f"h{t}", np.tanh(x @ W_x + h @ W_h + b))
            with scope("loss"):
                loss = named(f"l{t}", -log_softmax(h @ W_y)[0, t % 4])
            total = loss if total is None else named(f"s{t}", total + loss)
    return named("L", total)


CIRCUITS = {
    "product of sum": product_of_sum,
    "neuron": neuron,
    "neuron, four gates": lambda: neuron(compressed=False),
    "staged": staged,
    "matrices": matrices,
    "classifier": classifier,
    "square": square,
    "lstm": lstm,
    "lstm, gates": gate_lstm,
    "lstm, folded": lambda: lstm(20),
    "layers": layers,
    "rnn": rnn,
}


def after_backward(make, *args):
    result = make(*args)
    result.backward()
    return result
