"""From the picture to Graphviz: determinism, names, columns of time, weights."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from drawing.circuits import CIRCUITS, after_backward, lstm, neuron, square, variable

from autograd import draw
from autograd.drawing import compose
from autograd.drawing.columns import ANCHORS
from autograd.drawing.dot import TINTS, Style, tint
from autograd.drawing.model import Frame
from autograd.drawing.picture import read
from autograd.drawing.render import render
from autograd.drawing.svg import in_order

STYLES = [
    Style(mode, edges, rankdir, True)
    for mode, edges, rankdir in [
        ("full", "full", "LR"), ("cells", "full", "TB"), ("tiny", "number", "TB"), ("tiny", "none", "TB"),
    ]
]  # fmt: skip


@pytest.mark.parametrize("gates", ["ifgo", "rzn", "fico", "gifo"])
def test_the_gates_of_a_cell_have_colours_of_their_own(gates):
    """Of the LSTM, the GRU, and the LSTMs of the texts; what is no gate has none."""
    assert len({tint(Frame(f"gate {gate}", None, 0, 0), TINTS) for gate in gates}) == len(gates)
    assert tint(Frame("memory", None, 0, 0), TINTS) == ""


def dot_text(tensor, style):
    return compose(read(tensor), style).graph.source


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
@pytest.mark.parametrize("style", STYLES, ids=lambda style: f"{style.mode}-{style.edges}")
def test_same_graph_same_bytes(make, style):
    """Two graphs made alike give the same DOT text."""
    assert dot_text(after_backward(make), style) == dot_text(after_backward(make), style)


def test_same_bytes_in_another_process():
    """No hash, address or order of a set gets into the text."""
    program = (
        "from drawing.circuits import *; from autograd import draw\n"
        "for steps in (3, 4, 20): print(draw(after_backward(lstm, steps)).source)"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(texts) == 1 and len(texts.pop()) > 10_000


def test_ids_are_counters():
    """Nothing of the user's becomes an id."""
    f = variable("name", 1.0) * variable("other", 2.0)
    source = dot_text(f, STYLES[0])
    assert set(re.findall(r"^\s*(\w+) (?:\[|->)", source, re.MULTILINE)) <= {"node", "edge", "graph", "n0", "n1", "n2"}


def test_square_has_two_edges():
    """x * x: two uses, two edges, each with its own label."""
    source = dot_text(after_backward(square), STYLES[0])
    assert source.count("n0 -> n1") == 2 and source.count("∂f/∂x = x = 3") == 2 and "3 + 3 = 6" in source


def test_numbers_of_a_scalar_circuit_are_in_the_text():
    """Value, gradient, local gradient and contribution of CS231n's neuron."""
    source = dot_text(after_backward(neuron), STYLES[0])
    for text in ("▶&#160;−2", "◀&#160;−0.5898", "∂f/∂z = f·(1−f) = 0.1966", "◀ 0.1966 × (−3) = −0.5898"):
        assert text in source


def test_lstm_weights():
    """A shared weight is a chip at each use, and has a row in the panel; carried values have their colours."""
    source = dot_text(after_backward(lstm), STYLES[3])
    assert len(re.findall(r"^\s*a\d+ \[", source, re.MULTILINE)) == 9
    assert source.count("= sum of 3 uses") == 3
    assert source.count("#0F4C75") == 3 and source.count("#C0679C") >= 4  # c straight, h round the corner


@pytest.mark.parametrize("steps", [2, 3, 5, 8])
@pytest.mark.parametrize("style", STYLES[1:], ids=lambda style: f"{style.mode}-{style.edges}")
def test_columns_stand_in_order(steps, style):
    """The time steps stand from left to right, in one of the ways that are tried; Graphviz reports no error."""
    picture = read(after_backward(lstm, steps))
    ways = [compose(picture, replace(style, anchors=anchors)) for anchors in ANCHORS]
    assert any(in_order(render(way.graph.source, "svg", 20), way.columns) for way in ways)


def test_no_label_between_steps():
    """dot can't place a label on an edge that crosses time steps, and fails."""
    picture = read(after_backward(lstm))
    source = compose(picture, STYLES[1]).graph.source
    step = {f"n{i}": node.step for i, node in enumerate(picture.nodes)}
    labelled = re.findall(r"(n\d+) -> (n\d+) \[.*label=", source)
    assert labelled and all(step[a] in (None, step[b]) for a, b in labelled)


def test_labels_inside_frames_are_narrow():
    """Downwards, the cells of a local gradient stand under its formula inside a frame: it has no room for labels."""
    source = draw(after_backward(lstm, 1)).source
    under = re.findall(r"∂ f1·\(1−f1\)</FONT></TD>(</TR><TR>)?", source)
    beside = re.findall(r"∂ g1</FONT></TD>(</TR><TR>)?", source)
    assert under == ["</TR><TR>"] and beside == [""]
