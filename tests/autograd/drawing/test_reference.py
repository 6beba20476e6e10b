"""Reference pictures, as DOT text compared byte for byte: who changes the drawing sees in the diff what else changed.

    WRITE_REFERENCES=1 make test ARGS="-k test_reference"

writes them anew, into the folder `reference` beside this file. Look at the pictures before you commit them.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from drawing.circuits import lstm, named, neuron, product_of_sum, rnn, square, staged, variable

import nn
from autograd import Tensor, draw, grad
from nn.bptt import unroll
from nn.textbook import ColumnLSTMCell, SimpleLSTMCell, first_component_loss

FOLDER = Path(__file__).with_name("reference")


def max_gate():
    """2 (x y + max(z, w)) at (3, -4, 2, -1): add distributes, max routes, multiply switches."""
    x, y, z, w = (variable(name, value) for name, value in zip("xyzw", (3.0, -4.0, 2.0, -1.0)))
    return named("f", 2 * (named("p", x * y) + named("m", np.maximum(z, w))))


def diamond():
    """Two paths from x to f meet."""
    x = variable("x", 2.0)
    a, b = named("a", x * 3), named("b", np.exp(x))
    return named("f", a * b)


def broadcasting():
    """A bias goes to every row, and receives the sum over them."""
    X, b = variable("X", np.arange(6.0).reshape(2, 3) / 10), variable("b", [0.1, -0.2, 0.3])
    return named("L", np.tanh(X + b).sum())


def fill(module):
    """Give a module weights that no random generator may change: cos(0), cos(1), ..., halved."""
    for parameter in module.parameters():
        parameter.data = np.cos(np.arange(parameter.size)).reshape(parameter.shape) / 2
    return module


def pytorch_cell():
    h, c = fill(nn.LSTMCell(2, 3))(Tensor([[0.5, -1.0]], name="x"))
    return named("L", (h * c).sum())


def column_cell():
    a, c = fill(ColumnLSTMCell(2, 3))(Tensor([[0.5, 0.1], [-1.0, 0.7]], name="x"))
    return named("L", (a * c).mean())


def simple_cell():
    states = unroll(fill(SimpleLSTMCell(2, 3)), [[0.5, -1.0]])
    return named("L", first_component_loss([h for h, s in states], [0.3]))


def second_order():
    """(x + y) z with its backward pass."""
    f = product_of_sum()
    x = next(node for node in (f.parents[0].parents) if node.name == "x")
    return grad(f, [x], create_graph=True)[0]


PICTURES = {
    "product-of-sum": product_of_sum,
    "max-gate": max_gate,
    "neuron-four-gates": lambda: neuron(compressed=False),
    "staged": staged,
    "square": square,
    "diamond": diamond,
    "broadcasting": broadcasting,
    "lstm-cell-pytorch": pytorch_cell,
    "lstm-cell-columns": column_cell,
    "lstm-cell-simple": simple_cell,
    "rnn-3": lambda: rnn(3),
    "lstm-20": lambda: lstm(20),
    "backward": second_order,
}


@pytest.mark.parametrize("name", PICTURES)
def test_reference(name):
    """The DOT text is what it was."""
    output = PICTURES[name]()
    output.backward()
    drawing = draw(output)
    try:
        drawing.svg()
    except RuntimeError as error:
        pytest.skip(f"no Graphviz to measure a picture with: {error}")
    path = FOLDER / f"{name}.dot"
    if os.environ.get("WRITE_REFERENCES"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawing.source, encoding="utf-8")
    assert drawing.source == path.read_text(encoding="utf-8"), f"{path.name}: {__doc__}"
