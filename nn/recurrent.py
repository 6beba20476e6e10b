"""Recurrent networks: the equations of one step first, then the loop over time.

Names, shapes, gate order and state_dict keys are PyTorch's. Letters: T steps, B sequences in a batch, D input features,
H hidden units (P of them after a projection), L layers, times 2 if bidirectional. np.inner(x, W) is x Wᵀ: weights have
shape (to, from). A single sequence comes without the axis B.
"""

import math
import warnings
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from autograd import Tensor, relu, scope, sigmoid

from .dropout import Dropout
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
        proj_size: int = 0,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float64,
    ):
        if input_size < 1 or hidden_size < 1:
            raise ValueError(f"input_size and hidden_size must be positive; {input_size} and {hidden_size} came.")
        if proj_size and len(self.state) == 1:
            raise ValueError(f"only an LSTM has a projection; proj_size={proj_size} came for {type(self).__name__}.")
        if not 0 <= proj_size < hidden_size:
            raise ValueError(f"proj_size is 0 (none) or smaller than hidden_size={hidden_size}; {proj_size} came.")
        rng = np.random.default_rng() if rng is None else rng
        rows, bound = self.gates * hidden_size, 1 / math.sqrt(hidden_size)
        self.input_size, self.hidden_size, self.output_size = input_size, hidden_size, proj_size or hidden_size
        self.weight_ih = uniform(rng, bound, (rows, input_size), dtype)
        self.weight_hh = uniform(rng, bound, (rows, self.output_size), dtype)
        self.bias_ih = uniform(rng, bound, (rows,), dtype) if bias else None
        self.bias_hh = uniform(rng, bound, (rows,), dtype) if bias else None
        if proj_size:
            self.weight_hr = uniform(rng, bound, (proj_size, hidden_size), dtype)

    def affine(self, x: Tensor, h: Tensor) -> Any:  # a Tensor; NumPy's annotations take its tanh for an ndarray
        """Compute W_ih x + b_ih + W_hh h + b_hh, of shape (B, gates · H)."""
        z = np.inner(x, self.weight_ih) + np.inner(h, self.weight_hh)
        return z if self.bias_ih is None else z + (self.bias_ih + self.bias_hh)

    def widths(self) -> tuple[int, ...]:
        """Give the number of features of each part of the state."""
        return (self.output_size, self.hidden_size)[: len(self.state)]

    def check(self, x: Tensor, state: State | None) -> tuple[Tensor, ...]:
        """Check the shapes of an input and a state; give the parts of the state, zeros if it is None."""
        if x.shape[-1:] != (self.input_size,) or x.ndim > 2:
            raise ValueError(
                f"{type(self).__name__} takes x of shape (B, {self.input_size}) or ({self.input_size},); "
                f"{x.shape} came."
            )
        shapes = [(*x.shape[:-1], width) for width in self.widths()]
        if state is None:
            dtype = self.weight_hh.dtype
            return tuple(Tensor(np.zeros(shape, dtype), name=f"{k}0") for shape, k in zip(shapes, self.state))
        came = [getattr(part, "shape", part) for part in as_tuple(state)]
        if came != shapes:
            raise ValueError(
                f"for x of shape {x.shape} the state {' and '.join(self.state)} is of shape "
                f"{' and '.join(map(str, shapes))}; {' and '.join(map(str, came))} came."
            )
        warn_of_growth(as_tuple(state))
        return as_tuple(state)

    def options(self) -> dict[str, Any]:
        """Give what the repr shows besides sizes and bias."""
        return {"proj_size": self.output_size} if self.output_size != self.hidden_size else {}

    def extra_repr(self) -> str:
        options = {"bias": self.bias_ih is not None, **self.options()}
        shapes = [f"{name} (B, {width})" for name, width in zip(self.state, self.widths())]
        return (
            f"{self.input_size}, {self.hidden_size}, {', '.join(f'{k}={v!r}' for k, v in options.items())}; "
            f"x (B, {self.input_size}), {', '.join(shapes)}"
        )


class RNNCell(Cell):
    """One step of a simple recurrent network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu in place of tanh.

    x: (B, D) or (D,); h: (B, H) or (H,), zeros if None; returns h'. weight_ih: (H, D), weight_hh: (H, H), biases (H,).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float64,
    ):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity is 'tanh' or 'relu'; {nonlinearity!r} came.")
        super().__init__(input_size, hidden_size, bias, rng=rng, dtype=dtype)
        self.nonlinearity = nonlinearity

    def options(self) -> dict[str, Any]:
        return {"nonlinearity": self.nonlinearity} if self.nonlinearity != "tanh" else {}

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        (h,) = self.check(x, h)
        z = self.affine(x, h)  # W_ih x + b_ih + W_hh h + b_hh
        h = np.tanh(z) if self.nonlinearity == "tanh" else relu(z)
        z.name, h.name = "z", "h"
        return h


class LSTMCell(Cell):
    """One step of a long short-term memory (Hochreiter & Schmidhuber, 1997, with a forget gate).

    i, f, o = σ(z_i), σ(z_f), σ(z_o);  g = tanh(z_g);  c' = f c + i g;  h' = o tanh(c')
    where z = W_ih x + b_ih + W_hh h + b_hh holds the gates in the order i, f, g, o.

    x: (B, D) or (D,); state: (h, c), each (B, H) or (H,), zeros if None; returns (h', c').
    weight_ih: (4H, D), weight_hh: (4H, H), biases (4H,).
    proj_size: P, then h' = W_hr (o tanh(c')) of P features; weight_hr: (P, H), weight_hh: (4H, P) (Sak et al., 2014).
    forget_bias: what the forget gate's bias starts from; 1 lets a new network remember (Jozefowicz et al., 2015).
    """

    gates = 4
    state = ("h", "c")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        proj_size: int = 0,
        forget_bias: float | None = None,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float64,
    ):
        super().__init__(input_size, hidden_size, bias, proj_size=proj_size, rng=rng, dtype=dtype)
        if forget_bias is not None:
            if self.bias_ih is None or self.bias_hh is None:
                raise ValueError("forget_bias needs bias=True.")
            self.bias_ih.data[hidden_size : 2 * hidden_size] = forget_bias
            self.bias_hh.data[hidden_size : 2 * hidden_size] = 0

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = self.check(x, state)
        H = self.hidden_size
        z = self.affine(x, h)  # W_ih x + b_ih + W_hh h + b_hh
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
        if self.output_size != H:
            h = np.inner(h, self.weight_hr)
        z.name, i.name, f.name, g.name, o.name, c.name, h.name = "z", "i", "f", "g", "o", "c", "h"
        return h, c


class GRUCell(Cell):
    """One step of a gated recurrent unit (Cho et al., 2014; the reset gate after the product, as in PyTorch and cuDNN).

    a = W_ih x + b_ih and b = W_hh h + b_hh hold the gates in the order r, z, n:
    r, z = σ(a_r + b_r), σ(a_z + b_z);  n = tanh(a_n + r b_n);  h' = (1 - z) n + z h

    x: (B, D) or (D,); h: (B, H) or (H,), zeros if None; returns h'.
    weight_ih: (3H, D), weight_hh: (3H, H), biases (3H,).
    """

    gates = 3

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        (h,) = self.check(x, h)
        H = self.hidden_size
        a, b = np.inner(x, self.weight_ih), np.inner(h, self.weight_hh)
        if self.bias_ih is not None:
            a, b = a + self.bias_ih, b + self.bias_hh
        with scope("gate r"):
            r = sigmoid(a[..., 0 * H : 1 * H] + b[..., 0 * H : 1 * H])
        with scope("gate z"):
            z = sigmoid(a[..., 1 * H : 2 * H] + b[..., 1 * H : 2 * H])
        with scope("gate n"):
            n = np.tanh(a[..., 2 * H : 3 * H] + r * b[..., 2 * H : 3 * H])
        with scope("memory"):
            h = (1 - z) * n + z * h
        r.name, z.name, n.name, h.name = "r", "z", "n", "h"
        return h


class Recurrent(Module):
    """What RNN, LSTM and GRU share: L layers of cells, each run over time; a layer reads the outputs of the one before.

    bidirectional  a second cell in each layer reads from the end; the outputs of both stand side by side
    dropout        probability with which an output is left out on its way to the next layer, in training
    """

    cell: type[Cell]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        rng: np.random.Generator | None = None,
        dtype: Any = np.float64,
        **cell_options: Any,
    ):
        if num_layers < 1:
            raise ValueError(f"num_layers must be positive; {num_layers} came.")
        if dropout and num_layers == 1:
            warnings.warn("dropout acts between layers; with num_layers=1 it does nothing.", stacklevel=2)
        rng = np.random.default_rng() if rng is None else rng
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        self.dropout, self._drop = dropout, Dropout(dropout, rng=rng)
        self._cells: list[list[Cell]] = []  # by layer and direction
        for layer in range(num_layers):
            self._cells.append([])
            for suffix in ("", "_reverse")[: 1 + bidirectional]:
                size = self._cells[0][0].output_size * (1 + bidirectional) if layer else input_size
                cell = self.cell(size, hidden_size, bias, rng=rng, dtype=dtype, **cell_options)
                self._cells[layer].append(cell)
                for name, parameter in cell.named_parameters():
                    parameter.name = f"{name}_l{layer}{suffix}"
                    setattr(self, parameter.name, parameter)

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Sequence[int] | None = None
    ) -> tuple[Tensor, State]:
        """Run over a batch of sequences.

        x: (T, B, D), or (B, T, D) with batch_first, or (T, D) for a single sequence.
        state: h_0 of shape (L, B, H), for an LSTM the pair (h_0, c_0); L is layers times directions, and comes first
        even with batch_first; (L, H) for a single sequence; zeros if None.
        lengths: the true number of steps of each of the B sequences, in any order, from 1 to T. Beyond its length a
        sequence's outputs are 0 and its state stays; the reverse direction begins at its last step.

        Returns (output, state): the last layer's h at every step, shaped as x with H (or 2H, both directions) in place
        of D, and the state after the last step, shaped as the one that came.
        """
        x = x if isinstance(x, Tensor) else Tensor(x)
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            layout = "(B, T, {0})" if self.batch_first else "(T, B, {0})"
            raise ValueError(
                f"{type(self).__name__} takes x of shape {layout.format(self.input_size)}, or (T, {self.input_size}) "
                f"for a single sequence; {x.shape} came."
            )
        batch_first = self.batch_first and x.ndim == 3
        if batch_first:
            x = x.swapaxes(0, 1)
        if len(x) == 0:
            raise ValueError(f"{type(self).__name__} needs a sequence of at least one step; x has shape {x.shape}.")
        alive = self.alive(x, lengths)
        states = self.initial(state, x)
        inputs: Any = x
        last: list[tuple[Tensor, ...]] = []
        for layer, cells in enumerate(self._cells):
            with scope(f"layer {layer}") if self.num_layers > 1 else nullcontext():
                sides = []
                for cell, steps, side in zip(cells, (range(len(x)), reversed(range(len(x)))), ("forward", "reverse")):
                    with scope(side) if self.bidirectional else nullcontext():
                        outputs, final = run(cell, inputs, states[len(last)], steps, alive)
                    sides.append(outputs)
                    last.append(final)
                inputs = [np.concatenate(pair, axis=-1) for pair in zip(*sides)] if self.bidirectional else sides[0]
                if self.training and layer < self.num_layers - 1:
                    inputs = [self._drop.forward(h) for h in inputs]
        output: Any = np.stack(inputs, axis=1 if batch_first else 0)
        after: list[Any] = [np.stack(parts) for parts in zip(*last)]
        return output, tuple(after) if len(after) > 1 else after[0]

    def alive(self, x: Tensor, lengths: Sequence[int] | None) -> list[np.ndarray | None]:
        """Give for each step 1 for the sequences that it belongs to, else 0, of shape (B, 1); None where all are."""
        if lengths is None:
            return [None] * len(x)
        n = lengths.data if isinstance(lengths, Tensor) else np.asarray(lengths)
        if x.ndim != 3 or n.shape != x.shape[1:2] or n.dtype.kind not in "iu" or np.any((n < 1) | (n > len(x))):
            raise ValueError(
                f"lengths has one whole number for each of the sequences in a batch, from 1 to the number of steps; "
                f"for x of shape (T, B, D) = {x.shape} came {lengths}."
            )
        dtype = self._cells[0][0].weight_hh.dtype
        return [None if (n > t).all() else (n > t).astype(dtype)[:, None] for t in range(len(x))]

    def initial(self, state: State | None, x: Tensor) -> list[tuple[Tensor, ...]]:
        """Check the state that came, or make one of zeros, and take it apart: one for each cell."""
        cell = self._cells[0][0]
        directions = 1 + self.bidirectional
        count = self.num_layers * directions
        shapes = [(count, *x.shape[1:-1], width) for width in cell.widths()]
        if state is None:
            zeros = [np.zeros(shape, dtype=cell.weight_hh.dtype) for shape in shapes]
            states = [tuple(Tensor(part[k]) for part in zeros) for k in range(count)]
        else:
            came = [np.shape(part) for part in as_tuple(state)]
            if came != shapes:
                raise ValueError(
                    f"{type(self).__name__} takes the state {' and '.join(f'{name}_0' for name in cell.state)} of "
                    f"shape (layers × directions, batch, features), {' and '.join(map(str, shapes))}, layer first even "
                    f"with batch_first; {' and '.join(map(str, came))} came."
                )
            whole = [part if isinstance(part, Tensor) else Tensor(part) for part in as_tuple(state)]
            # the last state stands beside the outputs, and may have been masked since: look at what it was made of
            warn_of_growth(whole, generations=3)
            states = [tuple(part[k] for part in whole) for k in range(count)]
        for parts in states:
            for part, name in zip(parts, cell.state):
                part.name = f"{name}0"
        return states

    def extra_repr(self) -> str:
        options = {
            "num_layers": self.num_layers, "bias": self.bias, "batch_first": self.batch_first,
            "dropout": self.dropout, "bidirectional": self.bidirectional,
        }  # fmt: skip
        cell, directions = self._cells[0][0], 1 + self.bidirectional
        options |= cell.options()
        shown = [f"{name}={value!r}" for name, value in options.items() if value not in (0.0, False) or name == "bias"]
        lead = "B, T" if self.batch_first else "T, B"
        states = [f"{k}_n ({self.num_layers * directions}, B, {n})" for k, n in zip(cell.state, cell.widths())]
        return (
            f"{', '.join([str(self.input_size), str(self.hidden_size), *shown])}; x ({lead}, {self.input_size}) -> "
            f"output ({lead}, {cell.output_size * directions}), {', '.join(states)}"
        )


def run(
    cell: Cell, inputs: Any, state: tuple[Tensor, ...], steps: Iterable[int], alive: list[np.ndarray | None]
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """Run a cell over the steps; give its output at each, in the order of time, and the state after the last one."""
    outputs: dict[int, Tensor] = {}
    for t in steps:
        with scope(f"t={t + 1}"):
            x = inputs[t]
            x.name = x.name or f"x{t + 1}"
            new = as_tuple(cell.forward(x, state if len(state) > 1 else state[0]))
            outputs[t] = new[0]
            m: Any = alive[t]
            if m is not None:  # a sequence that has ended keeps its state, and puts out 0
                kept = [m * part for part in new]
                outputs[t] = kept[0]
                new = tuple(part + (1 - m) * old for part, old in zip(kept, state))
            state = new
        for part, name in zip(state, cell.state):
            part.name = f"{name}{t + 1}"
    return [outputs[t] for t in sorted(outputs)], state


def warn_of_growth(nodes: Iterable[Any], generations: int = 1) -> None:
    """Warn if an earlier backward() has gone through a carried state: the graph would grow with every step."""
    for _ in range(generations):
        if any(getattr(node, "op", None) and node.grad is not None for node in nodes):
            warnings.warn(
                "the state that came hangs on a graph that backward() has gone through already: the new graph contains "
                "the old one, and grows from step to step. Cut it before it is carried on: state = "
                "nn.bptt.detach(state).",
                stacklevel=5,
            )
            return
        nodes = [parent for node in nodes for parent in getattr(node, "parents", ())]


def as_tuple(state: State) -> tuple[Tensor, ...]:
    return tuple(state) if isinstance(state, (tuple, list)) else (state,)


class RNN(Recurrent):
    """A simple recurrent network over time: L layers of `RNNCell`. Parameters: weight_ih_l0 (H, D), weight_hh_l0 ...

    nonlinearity: "tanh" or "relu".
    """

    cell = RNNCell


class LSTM(Recurrent):
    """A long short-term memory over time: L layers of `LSTMCell`. Parameters: weight_ih_l0 (4H, D), weight_hh_l0 ...

    proj_size, forget_bias: as for the cell.
    """

    cell = LSTMCell


class GRU(Recurrent):
    """A gated recurrent network over time: L layers of `GRUCell`. Parameters: weight_ih_l0 (3H, D), weight_hh_l0 ..."""

    cell = GRUCell
