"""Recurrent networks: the equations of one step first, then the loop over time.

Names, shapes, gate order (i, f, g, o) and state_dict keys are PyTorch's. Letters: T steps, B sequences in a batch,
D input features, H hidden units, L layers. np.inner(x, W) is x Wᵀ: weights have shape (to, from).
"""

import math
from contextlib import nullcontext
from typing import Any

import numpy as np

from autograd import Tensor, scope, sigmoid

from .module import Module, uniform

State = Any  # h of shape (B, H), or (h, c)


class Cell(Module):
    """What the cells share: four parameters, uniform in ±1/sqrt(H); the rows of all gates are stacked."""

    gates = 1
    state: tuple[str, ...] = ("h",)  # what is carried from step to step

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float64,
    ):
        if input_size < 1 or hidden_size < 1:
            raise ValueError(f"input_size and hidden_size must be positive; {input_size} and {hidden_size} came.")
        rng = np.random.default_rng() if rng is None else rng
        rows, bound = self.gates * hidden_size, 1 / math.sqrt(hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = uniform(rng, bound, (rows, input_size), dtype)
        self.weight_hh = uniform(rng, bound, (rows, hidden_size), dtype)
        self.bias_ih = uniform(rng, bound, (rows,), dtype) if bias else None
        self.bias_hh = uniform(rng, bound, (rows,), dtype) if bias else None

    def affine(self, x: Tensor, h: Tensor) -> Tensor:
        """Compute z = W_ih x + b_ih + W_hh h + b_hh, of shape (B, gates · H)."""
        if x.shape[-1:] != (self.input_size,) or x.ndim > 2:
            raise ValueError(
                f"{type(self).__name__} takes x of shape (B, {self.input_size}) or ({self.input_size},); {x.shape} came."
            )
        if h.shape != (*x.shape[:-1], self.hidden_size):
            raise ValueError(
                f"for x of shape {x.shape} the state has shape {(*x.shape[:-1], self.hidden_size)}; {h.shape} came."
            )
        z = np.inner(x, self.weight_ih) + np.inner(h, self.weight_hh)
        return z if self.bias_ih is None else z + (self.bias_ih + self.bias_hh)

    def zero_state(self, x: Tensor) -> Tensor:
        """Give h = 0 for an input of shape (B, D) or (D,)."""
        return Tensor(np.zeros((*x.shape[:-1], self.hidden_size), dtype=self.weight_hh.dtype))

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}, bias={self.bias_ih is not None}"


class RNNCell(Cell):
    """One step of a simple recurrent network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    x: (B, D) or (D,); h: (B, H) or (H,), zeros if None; returns h'. weight_ih: (H, D), weight_hh: (H, H), biases (H,).
    """

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        if h is None:
            h = self.zero_state(x)
        h = np.tanh(self.affine(x, h))
        h.name = "h"
        return h


class LSTMCell(Cell):
    """One step of a long short-term memory (Hochreiter & Schmidhuber, 1997, with a forget gate).

    i, f, o = σ(z_i), σ(z_f), σ(z_o);  g = tanh(z_g);  c' = f c + i g;  h' = o tanh(c')
    where z = W_ih x + b_ih + W_hh h + b_hh holds the gates in the order i, f, g, o.

    x: (B, D) or (D,); state: (h, c), each (B, H) or (H,), zeros if None; returns (h', c').
    weight_ih: (4H, D), weight_hh: (4H, H), biases (4H,).
    """

    gates = 4
    state = ("h", "c")

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state if state is not None else (self.zero_state(x), self.zero_state(x))
        H = self.hidden_size
        z = self.affine(x, h)
        with scope("gate i"):
            i = sigmoid(z[..., 0 * H : 1 * H])
        with scope("gate f"):
            f = sigmoid(z[..., 1 * H : 2 * H])
        with scope("gate g"):
            g = np.tanh(z[..., 2 * H : 3 * H])
        with scope("gate o"):
            o = sigmoid(z[..., 3 * H : 4 * H])
        with scope("memory"):
            c = f * c + i * g
            h = o * np.tanh(c)
        z.name, i.name, f.name, g.name, o.name, c.name, h.name = "z", "i", "f", "g", "o", "c", "h"
        return h, c


class Recurrent(Module):
    """What RNN and LSTM share: L layers of cells, each run over time; the outputs of one are the inputs of the next."""

    cell: type[Cell]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float64,
    ):
        if num_layers < 1:
            raise ValueError(f"num_layers must be positive; {num_layers} came.")
        rng = np.random.default_rng() if rng is None else rng
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first = bias, batch_first
        self._cells = []
        for layer in range(num_layers):
            cell = self.cell(input_size if layer == 0 else hidden_size, hidden_size, bias, rng=rng, dtype=dtype)
            self._cells.append(cell)
            for name, parameter in cell.named_parameters():
                parameter.name = f"{name}_l{layer}"
                setattr(self, parameter.name, parameter)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over a sequence.

        x: (T, B, D), or (B, T, D) with batch_first, or (T, D) for a single sequence.
        state: h_0 of shape (L, B, H), for an LSTM the pair (h_0, c_0); layer first even with batch_first; (L, H) for a
        single sequence; zeros if None.
        Returns (output, state): the last layer's h at every step, shaped as x with H in place of D, and the state
        after the last step, shaped as the one that came.
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            layout = "(B, T, {0})" if self.batch_first else "(T, B, {0})"
            raise ValueError(
                f"{type(self).__name__} takes x of shape {layout.format(self.input_size)}, or (T, {self.input_size}) "
                f"for a single sequence; {x.shape} came."
            )
        if self.batch_first and x.ndim == 3:
            x = np.swapaxes(x, 0, 1)
        if len(x) == 0:
            raise ValueError(f"{type(self).__name__} needs a sequence of at least one step; x has shape {x.shape}.")
        inputs, last = x, []
        for layer, (cell, cell_state) in enumerate(zip(self._cells, self.initial(state, x))):
            with scope(f"layer {layer}") if self.num_layers > 1 else nullcontext():
                outputs = []
                for t in range(1, len(x) + 1):
                    with scope(f"t={t}"):
                        x_t = inputs[t - 1]
                        x_t.name = x_t.name or f"x{t}"
                        cell_state = cell.forward(x_t, cell_state)
                    for part, name in zip(as_tuple(cell_state), cell.state):
                        part.name = f"{name}{t}"
                    outputs.append(as_tuple(cell_state)[0])
                inputs = outputs
                last.append(as_tuple(cell_state))
        output = np.stack(inputs, axis=1 if self.batch_first and x.ndim == 3 else 0)
        final = tuple(np.stack(layers) for layers in zip(*last))
        return output, final if len(final) > 1 else final[0]

    def initial(self, state: State | None, x: Tensor) -> list[State]:
        """Check the state that came, or make one of zeros, and take it apart: one for each layer's cell."""
        names, shape = self.cell.state, (self.num_layers, *x.shape[1:-1], self.hidden_size)
        if state is None:
            zeros = np.zeros(shape[1:], dtype=self.weight_hh_l0.dtype)
            layers = [tuple(Tensor(zeros, name=f"{name}0") for name in names) for _ in range(self.num_layers)]
        else:
            came = [getattr(part, "shape", part) for part in as_tuple(state)]
            if came != [shape] * len(names):
                raise ValueError(
                    f"{type(self).__name__} takes the state {' and '.join(f'{name}_0' for name in names)} of shape "
                    f"(layers, batch, hidden) = {shape}, layer first even with batch_first; {came} came."
                )
            layers = [tuple(part[layer] for part in as_tuple(state)) for layer in range(self.num_layers)]
            for parts in layers:
                for part, name in zip(parts, names):
                    part.name = f"{name}0"
        return [parts if len(parts) > 1 else parts[0] for parts in layers]

    def extra_repr(self) -> str:
        return (
            f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, bias={self.bias}, "
            f"batch_first={self.batch_first}"
        )


def as_tuple(state: State) -> tuple[Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


class RNN(Recurrent):
    """A simple recurrent network over time: L layers of `RNNCell`. Parameters: weight_ih_l0 (H, D), weight_hh_l0 ..."""

    cell = RNNCell


class LSTM(Recurrent):
    """A long short-term memory over time: L layers of `LSTMCell`. Parameters: weight_ih_l0 (4H, D), weight_hh_l0 ..."""

    cell = LSTMCell
