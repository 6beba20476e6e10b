"""What is hidden, and that the rest still tells the truth."""

import re

import numpy as np
import pytest
from drawing.circuits import after_backward, gate_lstm, layers, lstm, named, rnn, variable
from numpy.testing import assert_allclose

import nn
from autograd import Tensor, draw, scope
from autograd.drawing.fold import forms, opened_by
from autograd.drawing.model import Fold
from autograd.drawing.picture import read

MAKES = [(lstm, 3), (lstm, 6), (lstm, 20), (gate_lstm, 3), (layers, 4), (rnn, 5), (rnn, 20)]


def folded(make, *args, patterns=(), max_width=1100):
    return forms(read(after_backward(make, *args)), patterns, max_width)


def scalar_rnn(steps=6):
    """One hidden unit; every h is used three times in the next step, and once in the result."""
    x, w, h, total = variable("x", 0.7), variable("w", -0.4), variable("h0", 0.1), 0.0
    for t in range(1, steps + 1):
        with scope(f"t={t}"):
            h = named(f"h{t}", np.tanh(h * w + h * h + x))
        total = total + h * float(t)
    return named("L", total)


def test_contributions_add_up():
    """In every form, the contributions along the visible edges into each visible value add up to its gradient."""
    output = after_backward(scalar_rnn)
    checked = 0
    for _, form in forms(read(output), (), 1100):
        standing = {row.node for fold in form.folds for row in fold.rows}
        for node in [*form.nodes, *standing]:
            if node.alias or node is form.output or node.gradient is None:
                continue
            sent = [edge.sent.scalar for edge in form.edges if edge.source is node]
            assert_allclose(sum(sent), node.gradient.scalar)
            checked += len(sent) > 1
    assert checked > 5


@pytest.mark.parametrize("make, steps", MAKES, ids=lambda x: getattr(x, "__name__", x))
def test_every_form_is_whole(make, steps):
    """Every op is visible or inside one fold; every edge connects what is visible; what leaves has a row."""
    output = after_backward(make, steps)
    picture = read(output)
    ops = sum(bool(node.expression) for node in picture.nodes)
    for _, form in forms(picture, (), 1100):
        assert sum(fold.ops for fold in form.folds) + sum(bool(node.expression) for node in form.nodes) == ops
        rows = {node for fold in form.folds for row in fold.rows for node in row.nodes}
        visible = {*form.nodes, *form.folds}
        assert all(edge.target in visible and edge.source in visible | rows for edge in form.edges)
        assert form.output in form.nodes or form.output in rows
        assert bool(form.folds) == bool(form.hidden)


def test_forms():
    """The order in which a picture says less."""
    assert [form for form, _ in folded(lstm, 3)] == ["open", "grid", "loop", "grid"]
    assert [form for form, _ in folded(gate_lstm, 5)] == ["open", "frames", "grid", "loop", "loop", "grid"]
    assert [form for form, _ in folded(lstm, 20)] == ["loop", "grid"]  # of twenty steps, nothing else can fit
    assert [form for form, _ in folded(lstm, 20, max_width=9000)][0] == "open"
    assert [form for form, _ in folded(lstm, 20, patterns=["*"])] == ["open"]


def test_a_gate():
    """A folded gate: its ops, what leaves it, its weights; what carries the state stays open."""
    form = dict(folded(gate_lstm, 3))["frames"]
    assert {fold.label for fold in form.folds} == {"gate i", "gate f", "gate g", "gate o"} and len(form.folds) == 12
    fold = form.folds[0]
    assert (fold.ops, [row.node.label for row in fold.rows]) == (5, ["i1"])
    assert [node.label for node in fold.shared] == ["W_xi", "W_hi", "b_i"]


def test_the_gradient_through_time():
    """A folded loop has the norm of the gradient in each of its steps."""
    output = after_backward(lstm, 20)
    loop = forms(read(output), (), 1100)[0][1]
    (fold,) = loop.folds
    assert fold.label == "⋯ t=2…19 · 18 steps" and fold.ops == 18 * 17
    tensors, todo = {}, [output]
    while todo:
        tensor = todo.pop()
        if tensor.name not in tensors or tensor.name is None:
            tensors[tensor.name] = tensor
            todo += tensor.parents
    for row in fold.rows:
        letter = row.node.label[0]
        assert row.node.label == f"{letter}19"
        assert_allclose(row.lengths, [np.linalg.norm(tensors[f"{letter}{t}"].grad) for t in range(2, 20)])
    assert [row.node.label for row in fold.rows] == ["c19", "h19"]


def test_before_backward():
    """Without gradients there is nothing to show through time."""
    (fold,) = forms(read(lstm(20)), (), 1100)[0][1].folds
    assert all(row.lengths == [] and row.node.gradient is None for row in fold.rows)


def test_every_step_hands_out():
    """Where every step of a folded loop hands out a value, one row stands for them, and each use is still drawn."""
    form = forms(read(after_backward(scalar_rnn, 20)), (), 1100)[0][1]
    (fold,) = form.folds
    assert [len(row.nodes) for row in fold.rows] == [18]
    uses = [edge for edge in form.edges if edge.source in fold.rows[0].nodes and not isinstance(edge.target, Fold)]
    assert len(uses) == 18 + 3  # one in the sum for each step, three in the next step


def test_edges_into_a_fold():
    """Several uses inside a fold are one edge, which sends their sum; a shared weight has none."""
    grid = dict(folded(scalar_rnn, 3))["grid"]
    into = [edge for edge in grid.edges if isinstance(edge.target, Fold)]
    assert [(edge.source.label, edge.target.label) for edge in into] == [("h0", "t=1"), ("h1", "t=2"), ("h2", "t=3")]
    assert_allclose(into[0].sent.scalar, into[0].source.gradient.scalar)


@pytest.mark.parametrize(
    "pattern, opened",
    [
        ("t=2", ["lstm", "lstm/t=2"]),
        ("lstm/t=2/gate ?", ["lstm", "lstm/t=2", *(f"lstm/t=2/gate {g}" for g in "ifgo")]),
        ("lstm", ["lstm"]),
        ("memory", ["lstm", "lstm/t=1", "lstm/t=1/memory", "lstm/t=2", "lstm/t=2/memory"]),
        ("LSTM/T=2", ["lstm", "lstm/t=2"]),
        ("T=3", []),
        ("t=[2]", ["lstm", "lstm/t=2"]),
    ],
)
def test_patterns(pattern, opened):
    """A pattern matches a whole path or its end, and opens what stands around."""
    found = opened_by(read(lstm(2)), [pattern])
    assert sorted("/".join(frame.path) for frame in found) == sorted(opened)


def test_frames_outside_of_time():
    """Without time steps the innermost frames are folded first, and never everything into one box."""
    x = variable("x", np.ones((2, 3)))
    with scope("net"):
        for k in range(3):
            with scope(f"block {k}"):
                for part in "ab":
                    with scope(part):
                        x = np.tanh(x * 2.0 + 1.0)
    output = x.sum()
    labels = [[fold.label for fold in form.folds] for _, form in forms(read(output), (), 1100)]
    assert labels == [[], ["a", "b"] * 3, ["block 0", "block 1", "block 2"], ["net"]]


def test_arrays_are_let_go():
    """A finished picture holds no arrays: later changes do not show, and nothing stays in memory."""
    drawing = draw(after_backward(lstm, 4))
    assert all(edge.piece is None for node in drawing._picture.nodes for edge in node.incoming)


def recurrent(cls, steps, **options):
    rng = np.random.default_rng(0)
    output, _ = cls(3, 4, rng=rng, **options)(Tensor(rng.normal(size=(steps, 2, 3)), name="x"))
    loss = output.sum()
    loss.backward()
    return loss


@pytest.mark.parametrize("steps", [3, 4, 20])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}], ids=["one layer", "two layers"])
def test_two_directions(steps, options):
    """What joins two directions stands with its time step, and is folded with it: the picture fits a notebook."""
    loss = recurrent(nn.LSTM, steps, bidirectional=True, **options)
    svg = draw(loss).svg()
    assert float(re.search(r'width="([\d.]+)"', svg)[1]) < 1250 and svg.count(">concat") <= 6
    picture = read(loss)
    joins = [node for node in picture.nodes if node.symbol == "concat"]
    assert len(joins) == steps * options.get("num_layers", 1)
    assert [node.step.label for node in joins[:steps]] == [f"t={t}" for t in range(1, steps + 1)]
    assert re.search(rf"\d+ of {2 * len(joins)} steps", forms(picture, (), 1100)[-1][1].hidden)


def test_folds_say_which_layer():
    """Where values of several layers have one name, a fold says which layer it is, and each row where it comes from."""
    folds = forms(read(recurrent(nn.LSTM, 20, num_layers=2)), (), 1100)[-1][1].folds
    assert {fold.label.split(" · ")[0] for fold in folds} == {"layer 0", "layer 1"}
    (loop,) = [fold for fold in folded(layers, 20)[-1][1].folds if len(fold.frames) > 1]
    assert [(row.part, row.node.label) for row in loop.rows] == [
        ("layer 0", "c19"), ("layer 0", "h19"), ("layer 1", "c19"), ("layer 1", "h19")
    ]  # fmt: skip
