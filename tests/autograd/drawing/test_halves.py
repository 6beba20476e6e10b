"""A small graph and its backward pass, side by side."""

import re

import pytest
from drawing.circuits import CIRCUITS, after_backward, classifier, lstm, neuron, product_of_sum, square, staged
from drawing.test_mirror import gradients

from autograd import Tensor, draw
from autograd.drawing.halves import fits_in_halves
from autograd.drawing.picture import read


def places(drawing):
    """Give the middle of every box, by the bold name in it."""
    found = {}
    for group in re.findall(r'<g id="graph-\w+-n\d+" class="node".*?</g>', drawing.svg(), re.DOTALL):
        label = re.search(r"<title>([^ ;,]+)", group)[1]
        xs, ys = zip(*re.findall(r"(-?[\d.]+),(-?[\d.]+)", re.search(r' (?:d|points)="(.*?)"', group)[1]))
        found[label] = tuple((min(map(float, side)) + max(map(float, side))) / 2 for side in (xs, ys))
    return found


@pytest.mark.parametrize("make", [product_of_sum, square, neuron, staged])
@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_in_line(make, rankdir):
    """Every gradient stands in line with its value, and on the other side of all values in that line."""
    g = gradients(make)[0]
    picture, at = read(g), places(draw(g, rankdir=rankdir, max_width=3000))
    along, across = (0, 1) if rankdir == "LR" else (1, 0)
    pairs = [(at[node.of.label], at[node.label]) for node in picture.nodes if node.of]
    assert len(pairs) == sum(node.of is None for node in picture.nodes)
    for value, gradient in pairs:
        assert abs(value[along] - gradient[along]) < 1
        line = [other for other, _ in pairs if abs(other[along] - value[along]) < 1]
        assert all(other[across] < gradient[across] for other in line)


def test_saved_values_do_not_cross():
    """What a product saves: the value that stands lower is needed higher."""
    at = places(draw(gradients(product_of_sum)[0]))
    assert at["q"][1] < at["z"][1] < at["∂f/∂q"][1] < at["∂f/∂z"][1]
    at = places(draw(gradients(neuron)[0]))
    order = ["w0", "x0", "w1", "x1", "∂f/∂w1", "∂f/∂x1", "∂f/∂w0", "∂f/∂x0"]
    assert sorted(order, key=lambda label: at[label][1]) == order


def test_what_it_shows():
    """Values ▶ and gradients ◀, no dashes, the saved values by name; after a second backward() the second gradients."""
    g = gradients(product_of_sum)[0]
    source = draw(g).source
    assert "1 × (−4) = −4" in source and "saved z" in source and "◀&#160;–" not in source
    assert source.count("dir=back") == 4
    g.backward()
    assert "◀&#160;–" in draw(g).source and "▶&#160;1 × (−4) = −4" in draw(g).source


def test_which():
    """Small graphs with one backward pass and no frames; the others are laid out as they come."""
    assert fits_in_halves(read(gradients(neuron)[0])) and fits_in_halves(read(gradients(classifier)[0]))
    assert not fits_in_halves(read(after_backward(neuron))) and not fits_in_halves(read(gradients(lstm)[0]))


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_fits_a_notebook(make):
    """Every example with its backward pass is at most as wide as a notebook, and its steps stand in order."""
    svg = draw(gradients(make)[0]).svg()
    assert "saved value" in svg.replace("\u00a0", " ")
    assert float(re.search(r'width="([\d.]+)"', svg)[1]) <= 1100


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_second_gradients_can_be_drawn(make):
    """A function of all gradients, after its backward(): whatever is folded, it can be drawn and walked through."""
    loss = sum(((g**2).sum() for g in gradients(make)), start=Tensor(0.0))
    loss.backward()
    assert draw(loss).step().html().count("<li>") > 3


def test_same_bytes():
    """The same graph gives the same text."""
    assert draw(gradients(neuron)[0]).source == draw(gradients(neuron)[0]).source
