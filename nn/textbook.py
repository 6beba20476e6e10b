"""The recurrent cells of three texts, in each text's own letters and layout, to be held against it.

`ColumnLSTMCell`  an LSTM as a computation graph, in the notation of deeplearning.ai's sequence models course
`SimpleLSTMCell`  "Simple LSTM", https://nicodjimenez.github.io/2014/08/08/lstm.html and github.com/nicodjimenez/lstm
`LinearRNNCell`   "Dive into Deep Learning", section "Backpropagation Through Time" (8.7, later 9.7)

`nn.bptt.unroll` runs one over time. Each gives its weights in PyTorch's layout and takes them from there. For real work
there are `nn.LSTM` and its kin.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd import Tensor, scope, sigmoid

from .module import Module, uniform
from .recurrent import State, as_tuple, warn_of_growth


class TextbookCell(Module):
    """What the cells of this file share: features stand in rows, so W x is `W @ x`."""

    state: tuple[str, ...]  # what is carried from step to step

    def check(self, x: Any, state: State | None, n_x: int, n_h: int, axes: tuple[int, ...]) -> tuple[Tensor, ...]:
        """Give x and the parts of the state (zeros if None), after a look at their shapes.

        n_x, n_h: features of x and of each part of the state; axes: how many x may have, 1 or 2 (with m columns).
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        x.name = x.name or "x"
        name = type(self).__name__
        if x.shape[:1] != (n_x,) or x.ndim not in axes:
            wanted = " or ".join(f"({n_x}, m)" if count == 2 else f"({n_x},)" for count in axes)
            raise ValueError(f"{name} takes x of shape {wanted}: features in rows; {x.shape} came.")
        shapes = [(n_h, *x.shape[1:])] * len(self.state)
        if state is None:
            dtype = self.parameters()[0].dtype
            return x, *(Tensor(np.zeros(shape, dtype), name=f"{k}0") for shape, k in zip(shapes, self.state))
        came = [getattr(part, "shape", part) for part in as_tuple(state)]
        if came != shapes:
            raise ValueError(
                f"{name} takes the state {' and '.join(self.state)} of shape {shapes[0]} for x of shape {x.shape}; "
                f"{' and '.join(map(str, came))} came."
            )
        warn_of_growth(as_tuple(state))
        return x, *as_tuple(state)


class ColumnLSTMCell(TextbookCell):
    """One step of an LSTM with m examples as columns, and a<t-1> standing on x<t> in one matrix.

    z = W [a; x] + b holds the gates in the order f, i, c, o (the course calls the second one u):
    Γf, Γi, Γo = σ(z_f), σ(z_i), σ(z_o);  c̃ = tanh(z_c);  c' = Γi c̃ + Γf c;  a' = Γo tanh(c')

    x: (n_x, m); state: (a, c), each (n_a, m), zeros if None; returns (a', c').
    W: (4 n_a, n_a + n_x), so W_f of shape (n_a, n_a + n_x) is W[:n_a]; b: (4 n_a, 1).

    The text writes 1/m into its gradients, dW_f = 1/m dΓf [a; x]ᵀ, and starts them from ŷ - y, the gradient of each
    example's own loss. Here the mean over the examples, as in `nn.binary_cross_entropy_with_logits`, brings the 1/m:
    all gradients have it, those of a and c as well.
    """

    state = ("a", "c")

    def __init__(self, n_x: int, n_a: int, *, rng: np.random.Generator | None = None, dtype: Any = np.float64):
        rng, bound = np.random.default_rng() if rng is None else rng, 1 / math.sqrt(n_a)
        self.n_x, self.n_a = n_x, n_a
        self.W = uniform(rng, bound, (4 * n_a, n_a + n_x), dtype)
        self.b = uniform(rng, bound, (4 * n_a, 1), dtype)

    def forward(self, x: Any, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        x, a, c = self.check(x, state, self.n_x, self.n_a, axes=(2,))
        n = self.n_a
        ax: Any = np.concatenate([a, x])
        z = self.W @ ax + self.b
        with scope("gate f"):
            Γf = sigmoid(z[0 * n : 1 * n])
        with scope("gate i"):
            Γi = sigmoid(z[1 * n : 2 * n])
        with scope("gate c"):
            c̃ = z[2 * n : 3 * n].tanh()
        with scope("gate o"):
            Γo = sigmoid(z[3 * n : 4 * n])
        with scope("memory"):
            c = Γi * c̃ + Γf * c
            a = Γo * c.tanh()
        ax.name, z.name, Γf.name, Γi.name, c̃.name, Γo.name = "[a; x]", "z", "Γf", "Γi", "c̃", "Γo"
        a.name, c.name = "a", "c"
        return a, c

    def pytorch_state_dict(self, suffix: str = "") -> dict[str, np.ndarray]:
        """Give the weights as `nn.LSTMCell` has them; suffix "_l0" for `nn.LSTM`. The same function, transposed."""
        f, i, c, o = np.split(np.hstack([self.W.data, self.b.data]), 4)
        rows = np.concatenate([i, f, c, o])
        return pytorch_layout(rows[:, self.n_a : -1], rows[:, : self.n_a], rows[:, -1], suffix)

    def load_pytorch_state_dict(self, state: Mapping[str, Any], suffix: str = "") -> None:
        """Take over the weights of an LSTMCell, or with suffix "_l0" of an LSTM. Its two biases become their sum.

        Raises KeyError and ValueError as load_state_dict.
        """
        weight_ih, weight_hh, bias = from_pytorch(state, suffix)
        i, f, c, o = np.split(np.hstack([weight_hh, weight_ih, bias[:, None]]), 4)
        rows = np.concatenate([f, i, c, o])
        self.load_state_dict({"W": rows[:, :-1], "b": rows[:, -1:]})

    def extra_repr(self) -> str:
        return f"n_x={self.n_x}, n_a={self.n_a}"


class SimpleLSTMCell(TextbookCell):
    """One step of the Simple LSTM: one example, x standing on h, and no tanh between the memory s and the output h.

    g = tanh(W_g [x; h] + b_g);  i, f, o = σ(W_i [x; h] + b_i), σ(W_f [x; h] + b_f), σ(W_o [x; h] + b_o)
    s' = g i + s f;  h' = s' o

    x: (x_dim,); state: (h, s), each (mem_cell_ct,), zeros if None; returns (h', s').
    W_g, W_i, W_f, W_o: (mem_cell_ct, x_dim + mem_cell_ct); b_g, b_i, b_f, b_o: (mem_cell_ct,); uniform in ±0.1.
    """

    state = ("h", "s")

    def __init__(
        self, x_dim: int, mem_cell_ct: int, *, rng: np.random.Generator | None = None, dtype: Any = np.float64
    ):
        rng = np.random.default_rng() if rng is None else rng
        self.x_dim, self.mem_cell_ct = x_dim, mem_cell_ct
        W, b = (mem_cell_ct, x_dim + mem_cell_ct), (mem_cell_ct,)
        self.W_g, self.W_i, self.W_f, self.W_o = (uniform(rng, 0.1, W, dtype) for _ in range(4))
        self.b_g, self.b_i, self.b_f, self.b_o = (uniform(rng, 0.1, b, dtype) for _ in range(4))

    def forward(self, x: Any, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        x, h, s = self.check(x, state, self.x_dim, self.mem_cell_ct, axes=(1,))
        xc: Any = np.hstack([x, h])
        with scope("gate g"):
            g = (self.W_g @ xc + self.b_g).tanh()
        with scope("gate i"):
            i = sigmoid(self.W_i @ xc + self.b_i)
        with scope("gate f"):
            f = sigmoid(self.W_f @ xc + self.b_f)
        with scope("gate o"):
            o = sigmoid(self.W_o @ xc + self.b_o)
        with scope("memory"):
            s = g * i + s * f
            h = s * o
        xc.name, g.name, i.name, f.name, o.name, s.name, h.name = "[x; h]", "g", "i", "f", "o", "s", "h"
        return h, s

    def pytorch_state_dict(self, suffix: str = "") -> dict[str, np.ndarray]:
        """Give the weights as `nn.LSTMCell` has them; suffix "_l0" for `nn.LSTM`.

        From the same state the gates and the memory are then the same, but the LSTM goes on with o tanh(s) in place of
        o s: start from these weights, don't expect these outputs.
        """
        W = np.concatenate([getattr(self, f"W_{gate}").data for gate in "ifgo"])
        b = np.concatenate([getattr(self, f"b_{gate}").data for gate in "ifgo"])
        return pytorch_layout(W[:, : self.x_dim], W[:, self.x_dim :], b, suffix)

    def load_pytorch_state_dict(self, state: Mapping[str, Any], suffix: str = "") -> None:
        """Take over the weights of an LSTMCell, or with suffix "_l0" of an LSTM; the outputs differ, as above.

        Raises KeyError and ValueError as load_state_dict.
        """
        weight_ih, weight_hh, bias = from_pytorch(state, suffix)
        W, b = np.split(np.hstack([weight_ih, weight_hh]), 4), np.split(bias, 4)
        self.load_state_dict(
            {f"W_{gate}": part for gate, part in zip("ifgo", W)} | {f"b_{gate}": part for gate, part in zip("ifgo", b)}
        )

    def extra_repr(self) -> str:
        return f"x_dim={self.x_dim}, mem_cell_ct={self.mem_cell_ct}"


class LinearRNNCell(TextbookCell):
    """One step of a linear recurrent network: h_t = W_hx x_t + W_hh h_{t-1}, read out by o_t = W_qh h_t.

    x: (d,) or (d, m); state: h of shape (h,) or (h, m), zeros if None; returns h_t, which `readout` turns into o_t of
    shape (q,) or (q, m). W_hx: (h, d), W_hh: (h, h), W_qh: (q, h).
    """

    state = ("h",)

    def __init__(self, d: int, h: int, q: int, *, rng: np.random.Generator | None = None, dtype: Any = np.float64):
        rng, bound = np.random.default_rng() if rng is None else rng, 1 / math.sqrt(h)
        self.d, self.h, self.q = d, h, q
        self.W_hx = uniform(rng, bound, (h, d), dtype)
        self.W_hh = uniform(rng, bound, (h, h), dtype)
        self.W_qh = uniform(rng, bound, (q, h), dtype)

    def forward(self, x: Any, h: Tensor | None = None) -> Tensor:
        x, h = self.check(x, h, self.d, self.h, axes=(1, 2))
        h = self.W_hx @ x + self.W_hh @ h
        h.name = "h"
        return h

    def readout(self, h: Tensor) -> Tensor:
        """Compute o_t = W_qh h_t."""
        return self.W_qh @ h

    def pytorch_state_dict(self, suffix: str = "") -> dict[str, np.ndarray]:
        """Give W_hx and W_hh as `nn.RNNCell(bias=False)` has them; suffix "_l0" for `nn.RNN`. W_qh is an `nn.Linear`'s.

        The RNN puts tanh or relu around the sum; with relu it is the same function as long as no sum is negative.
        """
        return {f"weight_ih{suffix}": self.W_hx.data.copy(), f"weight_hh{suffix}": self.W_hh.data.copy()}

    def load_pytorch_state_dict(self, state: Mapping[str, Any], suffix: str = "") -> None:
        """Take over W_hx and W_hh from an RNN without biases. Raises KeyError and ValueError as load_state_dict."""
        weight_ih, weight_hh, bias = from_pytorch(state, suffix)
        if np.any(bias):
            raise ValueError("the linear RNN has no biases; train the RNN with bias=False, or set them to 0.")
        self.load_state_dict({"W_hx": weight_ih, "W_hh": weight_hh}, strict=False)

    def extra_repr(self) -> str:
        return f"d={self.d}, h={self.h}, q={self.q}"


def first_component_loss(outputs: Sequence[Tensor], targets: Sequence[float]) -> Tensor:
    """Compute Σ_t (h_t[0] - y_t)²: the Simple LSTM's loss, which looks at the first component of each output alone.

    outputs: T tensors whose first axis is the features; targets: T numbers.
    """
    if len(outputs) != len(targets) or not outputs:
        raise ValueError(f"each output has one target; {len(outputs)} outputs and {len(targets)} targets came.")
    total: Any = sum((h[0] - y) ** 2 for h, y in zip(outputs, targets))
    return total


def pytorch_layout(weight_ih: np.ndarray, weight_hh: np.ndarray, bias: np.ndarray, suffix: str) -> dict[str, Any]:
    """Give PyTorch's names to weights whose rows are in PyTorch's order; all of the bias goes into the first of two."""
    arrays = {"weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias, "bias_hh": np.zeros_like(bias)}
    return {name + suffix: np.array(array, order="C") for name, array in arrays.items()}


def from_pytorch(state: Mapping[str, Any], suffix: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take weight_ih, weight_hh and the sum of the biases (0 where there are none) out of a state_dict."""
    if f"weight_ih{suffix}" not in state or f"weight_hh{suffix}" not in state:
        raise KeyError(
            f"the state has no weight_ih{suffix} and weight_hh{suffix}: pass suffix='' for a cell, '_l0' for the first "
            f"layer; it has {list(state)}."
        )
    if f"weight_hr{suffix}" in state:
        raise ValueError(f"the state has a projection, weight_hr{suffix}, which the cells of the texts don't have.")
    weight_ih, weight_hh = (np.asarray(state[f"weight_{kind}{suffix}"]) for kind in ("ih", "hh"))
    biases = [np.asarray(state[name]) for name in (f"bias_ih{suffix}", f"bias_hh{suffix}") if name in state]
    return weight_ih, weight_hh, sum(biases, np.zeros(len(weight_ih), weight_ih.dtype))
