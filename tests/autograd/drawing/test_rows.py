"""Time from top to bottom."""

import re
from xml.etree import ElementTree

import pytest
from drawing.circuits import after_backward, layers, lstm, neuron, rnn

from autograd import draw

SVG = "{http://www.w3.org/2000/svg}"


def frames(svg):
    """Give label, top and bottom of each frame. The names come last: a frame's is the first below its top."""
    root = ElementTree.fromstring(svg)
    found = []
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == "cluster":
            numbers = [float(x) for x in re.findall(r"-?[\d.]+", group.find(f"{SVG}path").get("d"))]
            found.append((min(numbers[1::2]), max(numbers[1::2])))
    names = {float(text.get("y")): text.text for text in root.iter(f"{SVG}text") if text.get("class") == "frame"}
    return [(names[min(y for y in names if y > top)], top, bottom) for top, bottom in found]


@pytest.mark.parametrize("make", [lstm, rnn, layers])
def test_open_steps(make):
    """Each step begins where the one before it ends, and the picture fits the width of a notebook."""
    svg = draw(after_backward(make, 3), time="down", expand="*").svg()
    steps = [frame for frame in frames(svg) if frame[0].startswith("t=")]
    steps.sort(key=lambda frame: frame[0])
    assert [label for label, *_ in steps] == ["t=1", "t=2", "t=3"]
    assert all(bottom < top for (_, _, bottom), (_, top, _) in zip(steps, steps[1:]))
    assert float(re.search(r'width="([\d.]+)"', svg)[1]) < 1100


def test_values_have_room():
    """Downwards, three open steps have room for the cells and the local gradients that side by side they have not."""
    down, across = (draw(after_backward(lstm), time=time).source for time in ("down", "across"))
    assert "∂ f2·(1−f2)" in down and "∂ f2·(1−f2)" not in across


@pytest.mark.parametrize("make", [lstm, layers])
def test_folded_steps(make):
    """What would be too long is folded: a step is a line of boxes under the one before it."""
    svg = draw(after_backward(make, 6), time="down").svg()
    heads = [(float(y), int(t)) for y, t in re.findall(r'<text[^>]* y="(-?[\d.]+)"[^>]*>(?:▸ )?t=(\d)\s*<', svg)]
    assert [t for _, t in sorted(heads)] == [1, 2, 3, 4, 5, 6]
    assert "▸" in svg and "Folded: " in svg
    width, height = (float(re.search(rf'{side}="([\d.]+)"', svg)[1]) for side in ("width", "height"))
    assert width < 700 < height < 3300


def test_without_steps():
    """A graph without time steps looks as it always does."""
    f = after_backward(neuron)
    assert draw(f, time="down").source == draw(f).source


@pytest.mark.parametrize(
    "options, message",
    [
        ({"time": "up"}, r"time is 'across' \(steps side by side\) or 'down' \(below each other\); 'up' came"),
        ({"time": None}, "None came"),
        ({"time": "down", "rankdir": "LR"}, "leave out one of them"),
    ],
)
def test_unknown(options, message):
    """A direction that isn't one says which there are."""
    with pytest.raises(ValueError, match=message):
        draw(after_backward(lstm), **options)
