"""Colours: text that can be read, in light and dark, and meanings that a colour-blind reader tells apart.

Contrast after WCAG 2.2; colour blindness after Machado, Oliveira and Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency" (2009), full severity; distances in CIELAB (1976), white D65.
"""

import re
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from drawing.circuits import (
    after_backward,
    classifier,
    gate_lstm,
    layers,
    lstm,
    neuron,
    rnn,
    staged,
    variable,
)
from drawing.test_mirror import gradients

from autograd import Tensor, draw, grad, relu
from autograd.drawing.dot import CARRIED, OTHERS
from autograd.drawing.label import FILLS, GRADIENT, LOCAL, NEGATIVE, POSITIVE, VALUE
from autograd.drawing.step import STYLE
from autograd.drawing.svg import DARK_FILL, DARK_FRAME, DARK_LINE, DARK_TEXT, FOCUS

SVG = "{http://www.w3.org/2000/svg}"
PAGES = {"light": ["#FFFFFF"], "dark": ["#111111", "#181818", "#1E1E1E"]}  # the last: notebooks, the step page, editors
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]


def linear(color):
    """Red, green and blue as amounts of light."""
    x = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def contrast(ink, paper):
    dim, bright = sorted(float(np.dot(XYZ[1], linear(color))) for color in (ink, paper))
    return (bright + 0.05) / (dim + 0.05)


def lab(color, vision):
    xyz = np.array(XYZ) @ np.clip(np.array(vision) @ linear(color), 0, 1) / np.sum(XYZ, 1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_measures():
    """The measures themselves, against published numbers."""
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)
    np.testing.assert_allclose(lab("#FF0000", np.eye(3)), [53.24, 80.09, 67.20], atol=0.02)
    np.testing.assert_allclose(np.sum([PROTANOPIA, DEUTERANOPIA], 2), 1, atol=1e-5)  # grey stays grey
    assert np.linalg.norm(lab("#FF0000", PROTANOPIA) - lab("#4D4700", PROTANOPIA)) < 15  # red is a dark olive


# ---- text on what lies behind it ----


class Rendered:
    """An SVG as a browser paints it: the shapes in order, and the colours after its own style sheet."""

    def __init__(self, svg):
        self.root = ElementTree.fromstring(svg)
        style = self.root.find(f"{SVG}style").text
        dark = style.partition("@media (prefers-color-scheme:dark){")[2].removesuffix("}")
        rules = re.findall(r"#[\w-]+ ([^{}]*)\{([\w-]+):([^{};]*)\}", dark)
        self.rules = [rule for rule in rules if not rule[0].startswith(".node:focus")]
        assert len(self.rules) > 20
        self.parents = {child: parent for parent in self.root.iter() for child in parent}

    def matches(self, selector, element):
        group, below, rest = re.fullmatch(r"(\.\w+)?([> ]?)(.*)", selector).groups()
        around = [self.parents[element]] if below == ">" else [element, self.parents[element]]
        if group and group[1:] not in [part.get("class") for part in around]:
            return False
        tag, negated, name, value = re.fullmatch(r'(\w*)(:not\()?\[(\w+)(?:="([^"]*)")?\]\)?', rest).groups()
        if tag and element.tag != SVG + tag:
            return False
        return name not in element.attrib if negated else element.get(name) == value

    def fill(self, element, theme):
        color = element.get("fill", "#000000")
        if theme == "dark":
            for selector, name, value in self.rules:
                if name == "fill" and self.matches(selector, element):
                    color = value
        return color

    def pairs(self, theme):
        """Give (ink, paper, words) for every text; the paper is the last filled shape under its middle."""
        behind = []
        for element in self.root.iter():
            shape = element.tag in (f"{SVG}polygon", f"{SVG}path", f"{SVG}ellipse")
            if shape and element.get("fill", "none") not in ("none", "transparent"):
                numbers = [float(x) for x in re.findall(r"-?[\d.]+", element.get("points") or element.get("d") or "")]
                if element.tag == f"{SVG}ellipse":
                    x, y, across, down = (float(element.get(name)) for name in ("cx", "cy", "rx", "ry"))
                    numbers = [x - across, y - down, x + across, y + down]
                box = min(numbers[::2]), max(numbers[::2]), min(numbers[1::2]), max(numbers[1::2])
                behind.append((box, element))
            elif element.tag == f"{SVG}text" and (element.text or "").strip():
                x = float(element.get("x")) + {"start": 3, "end": -3}.get(element.get("text-anchor", "start"), 0)
                y = float(element.get("y")) - 3
                under = [shape for (a, b, c, d), shape in behind if a <= x <= b and c <= y <= d]
                papers = [self.fill(under[-1], theme)] if under else PAGES[theme]
                yield from ((self.fill(element, theme), paper, element.text) for paper in papers)


def special():
    """NaN, a detached input, a constant, a vanishing gradient, a gradient that is not the sum."""
    x = variable("x", [1e-9, 2.0, np.nan])
    y = relu(x * np.array([1.0, 2.0, 3.0])) * Tensor(np.ones(3), name="c") * 1e-9
    f = (y * variable("b", 1.0)).sum()
    f.backward()
    f.backward()
    return f


def second():
    """A backward pass beside its forward pass."""
    x, y = variable("x", 3.0), variable("y", -4.0)
    return grad(np.tanh(x * y) * x + y, [x, y], create_graph=True)[0]


PICTURES = {
    "second gradients": lambda: draw(second()),
    "neuron": lambda: draw(after_backward(neuron)),
    "before backward": lambda: draw(neuron()),
    "circuit": lambda: draw(after_backward(neuron), style="circuit"),
    "staged": lambda: draw(after_backward(staged)),
    "classifier": lambda: draw(after_backward(classifier)),
    "special": lambda: draw(special()),
    "columns": lambda: draw(after_backward(lstm)),
    "with values": lambda: draw(after_backward(lstm, 2), max_width=9999),
    "grid": lambda: draw(after_backward(lstm, 5)),
    "loop": lambda: draw(after_backward(lstm, 20)),
    "gates": lambda: draw(after_backward(gate_lstm)),
    "layers": lambda: draw(after_backward(layers)),
    "losses": lambda: draw(after_backward(rnn)),
    "backward pass": lambda: draw(gradients(neuron)[0]),
    "backward pass in steps": lambda: draw(gradients(rnn, 2)[0]),
}


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("theme", PAGES)
def test_contrast(make, theme):
    """Every text on the fill that lies behind it: 4.5 to 1, in light and dark."""
    found = list(Rendered(make().svg()).pairs(theme))
    assert len(found) > 20 and len({paper for _, paper, _ in found}) > 2
    assert [pair for pair in found if contrast(*pair[:2]) < 4.5] == []


@pytest.mark.parametrize("fill", [*DARK_FILL, *DARK_FRAME])
def test_contrast_of_what_may_meet(fill):
    """Every colour of text can be read on every fill, whether they met in the pictures above or not."""
    for text in DARK_TEXT:
        for ink, paper in ((text, fill), (DARK_TEXT[text], (DARK_FRAME | DARK_FILL)[fill])):
            assert contrast(ink, paper) >= 4.5, (ink, paper)


def test_contrast_of_the_step_page():
    """The words of the steps on the page, in the caption and on buttons; the ring around what has the focus, 3 to 1."""
    light, dark = STYLE.split("@media (prefers-color-scheme:dark)")
    papers = [re.findall(r"background:(#\w{3,6})", part) for part in (light, dark)]
    inks = [
        ["#222222", "#666666", VALUE, GRADIENT, LOCAL],
        ["#E6E6E6", "#A8A8A8", *(DARK_TEXT[c] for c in (VALUE, GRADIENT, LOCAL))],
    ]
    for theme, pages, backgrounds, colors, ring in zip(PAGES, PAGES.values(), papers, inks, FOCUS):
        assert len(backgrounds) >= 2, theme
        for paper in (*pages, *backgrounds):
            paper = paper if len(paper) == 7 else "#" + "".join(2 * c for c in paper[1:])
            assert all(contrast(ink, paper) >= 4.5 for ink in colors), (theme, paper)
            assert contrast(ring, paper) >= 3


# ---- meanings that only a colour tells ----

SIGNS = (VALUE, GRADIENT, LOCAL)
POSITIVE, NEGATIVE = ("#" + "".join(f"{c:02X}" for c in color) for color in (POSITIVE, NEGATIVE))
APART = {
    "signs": SIGNS,
    "signs, dark": [DARK_TEXT[color] for color in SIGNS],
    "heat": (POSITIVE, NEGATIVE, "#FFFFFF"),
    "carried c and h": tuple(CARRIED.values()),
    "carried c and h, dark": [DARK_LINE[color] for color in CARRIED.values()],
    "carried": OTHERS,
    "carried, dark": [DARK_LINE[color] for color in OTHERS],
}


@pytest.mark.parametrize("colors", APART.values(), ids=APART)
@pytest.mark.parametrize("vision", [PROTANOPIA, DEUTERANOPIA], ids=["protanopia", "deuteranopia"])
def test_apart(colors, vision):
    """Colours that carry a meaning differ for a colour-blind reader, by several times what is just noticeable (2.3)."""
    for a, b in combinations(colors, 2):
        assert np.linalg.norm(lab(a, vision) - lab(b, vision)) >= 15, (a, b)


def outline(group):
    """The lines around a box, without what stands in it: their shape, dashes and number."""
    parts = [part for part in group if part.tag != f"{SVG}title"]
    lines = parts[: next(i for i, part in enumerate(parts) if part.tag == f"{SVG}text")]
    return lines[0].tag, lines[0].get("stroke-width"), lines[0].get("stroke-dasharray"), len(lines)


def test_roles_have_a_second_cue():
    """Each role differs from the others in the shape or the line of its box, so that no fill has to be told apart."""
    x, c, W = variable("x", [1.0, 2.0]), Tensor(np.ones(2), name="x2"), variable("W", np.ones(2))
    f = ((x * W + c * W + np.array([1.0, 2.0]) * W) * W).sum()
    f.backward()
    cues = {}
    circuit, second = draw(after_backward(neuron), style="circuit"), 2 * grad(x.sum() ** 2, [x], create_graph=True)[0]
    for drawing in (draw(f), draw(after_backward(lstm)), circuit, draw(second)):
        for group in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}g"):
            if re.search(r"-[na]\d+$", group.get("id", "")):
                role = next(role for role, fill in FILLS.items() if fill.lower() == group[1].get("fill"))
                cues.setdefault("alias" if re.search(r"-a\d+$", group.get("id")) else role, set()).add(outline(group))
    assert set(cues) == {*FILLS, "alias"} and all(len(found) == 1 for found in cues.values())
    assert len(set.union(*cues.values())) == len(cues)
