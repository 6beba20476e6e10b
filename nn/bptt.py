"""Backpropagation through time: run a cell step by step, truncate, and look at how gradients travel.

Nothing detaches by itself: where a gradient shall stop, `detach` says so.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor, backward, differentiable, grad, scope, toposort

from .module import Module
from .recurrent import Cell, Recurrent, State, as_tuple


def unroll(cell: Any, inputs: Sequence[Any], state: State | None = None) -> list[State]:
    """Run a cell over the steps of its inputs; give the state after each.

    cell: one of nn.recurrent or nn.textbook; inputs: T steps, each as the cell takes it; state: what to start from.
    An LSTM's states are pairs: `hs, cs = zip(*unroll(cell, x))`.
    """
    states = []
    with scope(getattr(cell, "_name", type(cell).__name__)):
        for t in range(len(inputs)):
            with scope(f"t={t + 1}"):
                x = inputs[t]
                x = x if isinstance(x, Tensor) else Tensor(x)
                x.name = x.name or f"x{t + 1}"
                state = cell.forward(x, state)
                states.append(state)
            for part, letter in zip(as_tuple(state), cell.state):
                part.name = f"{letter}{t + 1}"
    return states


# ---- truncation ----


def map_state(function: Callable[[Tensor], Any], state: Any) -> Any:
    """Apply a function to every tensor of a state: a Tensor, None, or tuples, lists and dicts of states."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return function(state)
    if isinstance(state, Mapping):
        return {key: map_state(function, part) for key, part in state.items()}
    if isinstance(state, (list, tuple)):
        parts = [map_state(function, part) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
    raise TypeError(f"a state is a Tensor, or a tuple, list or dict of them; {type(state).__name__} came.")


def detach(state: Any) -> Any:
    """Cut a state from its history, whatever its form: an RNN's h, an LSTM's (h, c), lists and dicts of such."""
    return map_state(Tensor.detach, state)


class Chunk(NamedTuple):
    """What `truncated_bptt` has done: the steps whose losses counted, their sum, and the detached state after them."""

    steps: range
    loss: float
    state: Any


def truncated_bptt(
    step: Callable[[Any, Any], tuple[Tensor, Any]], inputs: Sequence[Any], state: Any, k1: int, k2: int
) -> Iterator[Chunk]:
    """Backpropagate every k1 steps, through the last k2 steps.

    At t = k1, 2 k1, ... and after the last step, the gradient of the losses of the steps since the last such time is
    added to `.grad`, backpropagated as far as step t - k2 + 1; the state before that step is taken as a constant. So
    each loss counts exactly once, and reaches back k2 steps or up to k1 - 1 fewer. This is BPTT(h; h′) of Williams &
    Peng (1990) with h = k2 and h′ = k1, the truncated BPTT of Sutskever (2013, p. 23). k2 = T gives every loss its full
    gradient; k1 = k2 cuts the sequence into chunks.

    step    `step(x, state)` computes (loss, state) of one time step, the loss a Tensor of one element
    inputs  one x for each of the T steps, whatever `step` takes: a pair of input and target, usually
    state   before the first step, as `step` takes it; no gradient flows into it

    Yields a `Chunk` after each backward pass: that is the place to clip, step and zero_grad. The k2 - k1 steps before
    a chunk are run again, with the parameters as they are then, so that no gradient mixes old and new weights (a step
    with dropout draws anew); at most k2 steps are held at a time. Raises ValueError unless 1 <= k1 <= k2.
    """
    if not 1 <= k1 <= k2:
        raise ValueError(f"1 <= k1 <= k2: with k2 < k1 some losses would reach no step at all; {k1} and {k2} came.")
    states = {0: detach(state)}  # by the step that they come before
    for start in range(0, len(inputs), k1):
        end = min(start + k1, len(inputs))
        begin = max(0, end - k2)
        states = {t: kept for t, kept in states.items() if t >= begin}
        losses: list[Tensor] = []
        state = states[begin]
        for t in range(begin, end):
            loss, state = step(inputs[t], state)
            losses += [loss] * (t >= start)
            states[t + 1] = detach(state)
        backward(losses, retain_graph=False)
        yield Chunk(range(start, end), sum(loss.item() for loss in losses), states[end])


@differentiable(lambda g, out, h, xi: g * xi, None)
def scale_gradient(h: Any, xi: Any) -> Any:
    """Give h as it is, and multiply its gradient by xi, a number or an array that broadcasts against h."""
    return +h


def randomized_truncation(state: Any, pi: float, rng: np.random.Generator) -> Any:
    """Pass a state on, and multiply its gradient by ξ: 1/π with probability π, else 0.

    E[ξ] = 1, so the expected gradient is the full one, while each pass is truncated at random (Tallec & Ollivier, 2017;
    "Dive into Deep Learning", "Backpropagation Through Time"). Put it where a state is carried to the next step; all
    tensors of a state share one ξ. state: a Tensor, or tuples, lists and dicts of them.
    """
    if not 0 < pi <= 1:
        raise ValueError(f"pi is a probability, 0 < pi <= 1; {pi} came.")
    xi = Tensor(1 / pi if rng.random() < pi else 0.0, name="ξ")
    return map_state(lambda h: scale_gradient(h, xi), state)


# ---- how gradients travel ----

STEP, STATE = re.compile(r"t=(\d+)"), re.compile(r"([achs])(\d*)")


def around(node: Tensor) -> tuple[scope | None, int | None]:
    """Give the scope around the time step in which a node was computed, and the step's number."""
    frame = node.scope
    while frame is not None and not STEP.fullmatch(frame.name):
        frame = frame.parent
    return (frame.parent, int(frame.name[2:])) if frame else (None, None)


def by_path(found: Mapping[tuple[scope | None, str], Any]) -> dict[str, Any]:
    """Turn (scope, letter) into "path/letter"; the second run of the same module is "path (2)/letter"."""
    runs: dict[tuple[str, ...], list[scope | None]] = {}
    named = {}
    for (frame, letter), value in found.items():
        path = frame.path if frame else ()
        same = runs.setdefault(path, [])
        if frame not in same:
            same.append(frame)
        run = same.index(frame)
        named["/".join([*path, letter]) if not run else f"{'/'.join(path)} ({run + 1})/{letter}"] = value
    return named


def carried_states(loss: Tensor) -> dict[str, dict[int, Tensor]]:
    """Find the states that lead to a loss, by time step: {"LSTM/h": {1: h1, 2: h2, ...}, "LSTM/c": {1: c1, ...}}.

    What the modules of nn.recurrent and `unroll` compute in a step is known by its name and its scope. With `lengths`
    it is the state before the mask, from which both the output and the carried state come.
    """
    found: dict[tuple[scope | None, str], dict[int, Tensor]] = {}
    for node in toposort([loss]):
        frame, t = around(node)
        match = STATE.fullmatch(node.name or "")
        if match and t and match[2] in ("", str(t)):
            found.setdefault((frame, match[1]), {}).setdefault(t, node)
    return by_path(found)


def gradient_norms(
    loss: Tensor, states: Mapping[str, Sequence[Tensor] | Mapping[int, Tensor]] | None = None
) -> dict[str, np.ndarray]:
    """Compute ‖∂L/∂h_t‖ for every step t, and ‖∂L/∂c_t‖ likewise: where gradients vanish or explode.

    loss: of one element; states: {"h": [h1, h2, ...], ...}, by default what `carried_states(loss)` finds.
    Returns an array for each, of norms (L2, over batch and units) by step, from 1 to the last that leads to the loss; 0
    where the history was cut. No `.grad` is touched. Raises ValueError if there are no states.
    """
    by_step = {
        name: dict(steps) if isinstance(steps, Mapping) else dict(enumerate(steps, start=1))
        for name, steps in (carried_states(loss) if states is None else states).items()
    }
    if not any(by_step.values()):
        raise ValueError(
            "no states lead to this loss: run a module of nn.recurrent or `unroll` while recording, or pass "
            'states={"h": [h1, h2, ...]}.'
        )
    norms = {name: np.zeros(max(steps, default=0)) for name, steps in by_step.items()}
    places = [(norms[name], t) for name, steps in by_step.items() for t in steps]
    for (array, t), g in zip(places, grad(loss, [state for steps in by_step.values() for state in steps.values()])):
        array[t - 1] = np.linalg.norm(g.data)
    return norms


def spectral_radius(weight: Any) -> float:
    """Compute the largest |eigenvalue| of a square matrix: how a linear recurrence grows per step, in the long run.

    Gradients of h_t = W h_{t-1} vanish below 1 and may explode above (Pascanu et al., 2013).
    """
    matrix = weight.data if isinstance(weight, Tensor) else np.asarray(weight)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(
            f"the spectral radius is that of a square matrix; {matrix.shape} came. `spectral_radii(model)` takes the "
            "gates of a stacked weight apart."
        )
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def spectral_radii(model: Module) -> dict[str, float]:
    """Compute the spectral radius of every W_hh in a model, gate by gate: {"weight_hh_l0.i": 0.6, ...}.

    The gates are i, f, g, o of an LSTM and r, z, n of a GRU. With a projection the matrix is W_hr W_hh.
    """
    radii = {}
    for path, module in model.named_modules():
        cells = [module] if isinstance(module, Cell) else []
        if isinstance(module, Recurrent):
            cells = [cell for layer in module._cells for cell in layer]
        for cell in cells:
            name = f"{path}.{cell.weight_hh.name}" if path else cell.weight_hh.name
            for gate, block in zip(
                {1: "h", 3: "rzn", 4: "ifgo"}[cell.gates], np.split(cell.weight_hh.data, cell.gates)
            ):
                projected = cell.weight_hr.data @ block if cell.output_size != cell.hidden_size else block
                radii[f"{name}.{gate}" if cell.gates > 1 else f"{name}"] = spectral_radius(projected)
    return radii


class Saturation(NamedTuple):
    """How often each of H units was below and above the bounds: two arrays of H fractions."""

    left: np.ndarray
    right: np.ndarray


def gate_saturation(output: Tensor, low: float = 0.1, high: float = 0.9) -> dict[str, Saturation]:
    """Compute how often each unit of each gate was shut (below `low`) or open (above `high`) (Karpathy et al., 2015).

    output: anything computed from the run, the loss for example. Counted over all steps and sequences, padding too.
    Returns {"LSTM/f": Saturation(left, right), ...} for the gates that are sigmoids: i, f, o of an LSTM, r, z of a GRU.
    Raises ValueError if none lead to the output.
    """
    found: dict[tuple[scope | None, str], list[np.ndarray]] = {}
    for node in toposort([output]):
        if node.op and node.op.name == "sigmoid" and node.scope and node.scope.name == f"gate {node.name}":
            frame, t = around(node)
            values = node.data.reshape(-1, node.shape[-1])
            found.setdefault((frame if t else node.scope.parent, node.name), []).append(values)
    if not found:
        raise ValueError("no gates lead to this output: run an LSTM or a GRU while recording, not under no_grad().")
    gates = {key: np.concatenate(values) for key, values in found.items()}
    return by_path({key: Saturation((g < low).mean(axis=0), (g > high).mean(axis=0)) for key, g in gates.items()})
