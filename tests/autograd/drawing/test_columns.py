"""Time steps as columns: where things stand, and which way the lines go."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from drawing.circuits import after_backward, lstm

import nn
from autograd import Tensor, draw, grad

SVG = "{http://www.w3.org/2000/svg}"


def boxes(svg):
    """Give the corners of each node's box, x0, y0, x1, y1, by what it is called."""
    found = {}
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        shape = next((e for e in group if e.tag in (f"{SVG}path", f"{SVG}polygon")), None)
        if group.get("class") == "node" and shape is not None:
            numbers = [float(x) for x in re.findall(r"-?[\d.]+", shape.get("d") or shape.get("points"))]
            xs, ys = numbers[::2], numbers[1::2]
            found[group.find(f"{SVG}title").text.split(",")[0].split(" =")[0]] = min(xs), min(ys), max(xs), max(ys)
    return found


@pytest.mark.parametrize("expand, steps", [("*", 3), ("t=3", 5), ("t=7", 20), ((), 20)])
def test_carried_lines_keep_to_the_gaps(expand, steps):
    """What one step hands to the next never runs to the left of what it leaves: not round the picture, nor a step."""
    svg = draw(after_backward(lstm, steps), expand=expand, max_width=2000).svg()
    left = {name: box[0] for name, box in boxes(svg).items()}
    lines = []
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        source = re.search(r"∂\w+/∂([ch][1-9]\d*):|^([ch][1-9]\d*) into", group.findtext(f"{SVG}title") or "")
        path = group.find(f"{SVG}path")
        if source and path is not None and path.get("stroke") in ("#0f4c75", "#c0679c"):
            name = source[1] or source[2]
            numbers = [float(x) for x in re.findall(r"-?[\d.]+", path.get("d"))]
            if name in left:
                lines.append(min(numbers[::2]) >= left[name] - 10)
    assert len(lines) >= 3 and all(lines)


def test_lines_into_the_next_layer():
    """What a layer hands to the one below goes down between them, not round the picture."""
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(size=(3, 2, 3)), name="x")
    output, _ = nn.LSTM(3, 4, num_layers=2, rng=rng)(x)
    loss = output.sum()
    loss.backward()
    svg = draw(loss, expand="*", max_width=2000).svg()
    lines = 0
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        title, path = group.findtext(f"{SVG}title") or "", group.find(f"{SVG}path")
        if group.get("class") == "edge" and path is not None and re.search(r"/∂h\d: .*weight_ih_l1", title):
            numbers = [float(x) for x in re.findall(r"-?[\d.]+", path.get("d"))]
            assert max(numbers[::2]) - min(numbers[::2]) < 250
            lines += 1
    assert lines == 3


def test_a_backward_pass_beside_it():
    """With the backward pass of two steps in the same frames, h goes from one to the other between them; no dot shows
    where its line turns.
    """
    rng = np.random.default_rng(0)
    model = nn.LSTM(3, 4, rng=rng)
    output, _ = model(rng.normal(size=(2, 1, 3)))
    (g,) = grad(output.sum(), [model.weight_hh_l0], create_graph=True)
    groups = list(ElementTree.fromstring(draw(g, expand="*").svg()).iter(f"{SVG}g"))
    frame = next(group for group in groups if re.search("-f1$", group.get("id", "")))  # of the first step
    line = next(group for group in groups if re.match(r"∂v13/∂h1: ", group.findtext(f"{SVG}title") or ""))
    (left, *_, right), xs = (
        sorted(float(x) for x in re.findall(r"-?[\d.]+", group.find(f"{SVG}path").get("d"))[::2])
        for group in (frame, line)
    )
    assert xs[0] > (left + right) / 2 and xs[-1] > right
    assert not any(list(group.iter(f"{SVG}ellipse")) for group in groups)
