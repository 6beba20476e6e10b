"""Random recurrent programs, to compare compiled code with the engine."""

import numpy as np

from autograd import Tensor, relu, sigmoid


class Recurrent:
    """A random recurrent program: its structure and its weights come from the seed."""

    def __init__(self, seed, dtype=np.float64):
        self.rng = rng = np.random.default_rng(seed)
        self.T, self.B, self.D, self.H = (int(n) for n in rng.integers([2, 1, 1, 2], [7, 5, 5, 6]))
        T, B, D, H = self.T, self.B, self.D, self.H
        self.parts = int(rng.integers(1, 4))  # of the state, that a step slices and joins again
        self.kind = rng.integers(0, 2, 15).astype(bool).tolist()
        shapes = {
            "w_x": (D, self.parts * H),
            "w_h": (H, self.parts * H),
            "w_t": (self.parts * H, H),
            "b": (self.parts * H,),
        }
        self.weights = [Tensor(rng.normal(size=s).astype(dtype), requires_grad=True, name=k) for k, s in shapes.items()]
        self.x = Tensor(rng.normal(size=(T, B, D)).astype(dtype), requires_grad=bool(self.kind[0]))
        self.h = Tensor(rng.normal(size=(B, H)).astype(dtype), requires_grad=bool(self.kind[1]))

    def __call__(self, x, h):
        w_x, w_h, w_t, b = self.weights
        square = w_h[:, : self.H]
        H, kind, outputs, loss = self.H, self.kind, [], 0
        for t in range(self.T):
            z = x[t] @ w_x + h @ w_h + b if kind[2] else b + (np.inner(x[t], w_x.T) + np.inner(h, w_h.T))
            if kind[12]:  # one value twice in a sum, and in a product
                p = x[t] @ w_x
                z = z + (p + p) * (p * p)
            gates = [z[:, i * H : (i + 1) * H] for i in range(self.parts)]
            g = [sigmoid(gates[0]), *(np.tanh(gate) for gate in gates[1:])]
            if kind[3]:
                g[-1] = g[-1] * h + g[0] * g[-1]
            if kind[4]:  # one value twice in a concatenation
                g = [g[0], *g[:-1]] if self.parts > 1 else g
            joined = np.concatenate(g, axis=1)
            h = np.tanh(joined @ w_t) if kind[5] else joined @ w_t * 0.5 + (h if kind[6] else 0)
            if kind[7]:
                h = h * np.where(x[t][:, :1] > 0, 1.0, 0.5)
            if kind[14]:  # a product of a product, with the same matrix
                h = np.tanh(h @ square @ square)
            outputs.append(h)
            if kind[8]:
                loss = loss + (relu(h) ** 2).mean() * h.detach().sum()
        if kind[13]:
            outputs = [np.exp(-(y * y)) / (1 + np.sqrt(1 + y * y)) + np.maximum(y, -y) for y in outputs]
        if kind[9]:
            outputs = [*outputs, outputs[0]]
        every = np.stack(outputs) if kind[10] else np.concatenate(outputs)
        return (loss + (every[-1] if kind[11] else every).sum() ** 2, every, h)


def gradients_of(f, program, calls=1):
    leaves = [*program.weights, program.x, program.h]
    for leaf in leaves:
        leaf.grad = None
    for _ in range(calls):
        loss, every, h = f(program.x, program.h)
        loss.backward()
    return [loss.data, every.data, h.data, *(leaf.grad for leaf in leaves if leaf.requires_grad)]
