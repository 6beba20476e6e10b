"""The finished SVG: what it says to a screen reader, and that a name is text whatever it holds."""

import ast
import re
from xml.etree import ElementTree

import pytest
from drawing.circuits import CIRCUITS, after_backward, gate_lstm, lstm, neuron, product_of_sum, variable
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autograd import draw, scope
from autograd.drawing.svg import go_on
from autograd.drawing.model import visible

SVG = "{http://www.w3.org/2000/svg}"


def texts(root):
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def test_said_in_words():
    """The picture has a title and a description; each node and each edge has a sentence, and stands as an image in a
    document, where a screen reader comes to it.
    """
    root = ElementTree.fromstring(draw(after_backward(product_of_sum)).svg())
    assert root.get("role") == "graphics-document document"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("aria-labelledby") == title.get("id") and root.get("aria-describedby") == desc.get("id")
    assert title.text == "Computation graph of f: 2 ops, 3 leaves"
    assert desc.text == "f = q × z; value −12; gradient 1. Computed from x, y, z."
    sentences = {g[0].text for g in root.iter(f"{SVG}g") if g.get("role") == "graphics-symbol img"}
    assert {"q = x + y; value 3; gradient −4", "∂f/∂z: q = 3; sends 1 × 3 = 3"} < sentences and len(sentences) == 9


def test_description():
    """What is amiss is said as well; of many leaves some are named."""

    def description(tensor):
        return ElementTree.fromstring(draw(tensor).svg()).find(f"{SVG}desc").text

    assert description(product_of_sum()).endswith(
        "Computed from x, y, z. backward() has not run: the gradients are not known yet (–)."
    )
    assert re.search(r"Computed from x1, W_x, .* and 13 more\.$", description(after_backward(lstm, 20)))
    assert description(variable("x", 2.0)).startswith("x, input; value 2; gradient not computed. backward()")


def test_words_are_painted_over_lines():
    """Lines without words come first, then those with, which have a rim of paper; the names of frames come last."""
    root = ElementTree.fromstring(draw(after_backward(lstm, 2), max_width=3000).svg())
    (graph,) = root.findall(f"{SVG}g")
    edges = [group for group in graph if group.get("class") == "edge"]
    worded = [group.find(f".//{SVG}text") is not None for group in edges]
    assert worded == sorted(worded) and True in worded and False in worded
    names = [element for element in graph if element.get("class") == "frame"]
    assert list(graph)[-len(names) :] == names and "t=2" in [name.text for name in names]
    assert "paint-order:stroke" in root.find(f"{SVG}style").text


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_keyboard(make):
    """Every box can have the focus, and Tab follows the forward pass: no arrow leads to a box that came before."""
    drawing = draw(after_backward(make))
    root, order = ElementTree.fromstring(drawing.svg()), {}
    for group in root.iter(f"{SVG}g"):
        shown = re.search(r"-([nka]\d+)$", group.get("id", ""))
        assert (group.get("tabindex") == "0") == bool(shown and group.get("class") == "node")
        if shown:
            order[shown[1]] = len(order)
    composition = drawing._composition
    assert all(order[a] < order[b] for a, b in map(composition.ends, composition.picture.edges))
    assert ".node:focus-visible{outline:3px" in root.find(f"{SVG}style").text


def test_an_alias_says_what_it_stands_for():
    """The chip of a shared weight has the weight's title; what stands for nothing has none."""
    root = ElementTree.fromstring(draw(after_backward(lstm)).svg())
    titles = [element.text for element in root.iter(f"{SVG}title")]
    assert sum(title.startswith("W_x, parameter; shape (3, 16)") for title in titles) == 3
    assert not any(re.fullmatch(r"[a-z]\d+(_\d+)?([bt])?(->.*)?", title) for title in titles)


def test_a_carried_value_is_one_line():
    """What leads a value round the corners to the next step is one path of one edge; each of four uses has its own."""
    for make, uses in ((lstm, 1), (gate_lstm, 4)):
        root = ElementTree.fromstring(draw(after_backward(make, 2), expand="*", max_width=9000).svg())
        edges = [group for group in root.iter(f"{SVG}g") if group.get("class") == "edge"]
        assert all(group.find(f"{SVG}title") is not None for group in edges)
        carried = [edge for edge in edges if "/∂h1: ◀" in edge.find(f"{SVG}title").text]
        assert len(carried) == uses
        for edge in carried:
            (path,) = edge.findall(f"{SVG}path")
            numbers = [float(x) for x in re.findall(r"-?[\d.]+", path.get("d"))]
            assert numbers[-1] < numbers[1] - 300  # from the bottom of a step to the top of the next


def test_pixels():
    """The type has the size that the layout was made for: pixels, not points."""
    root = ElementTree.fromstring(draw(after_backward(neuron)).svg())
    assert 900 < float(root.get("width")) < 1100


def test_ids_are_the_pictures_own():
    """Two pictures in one page do not share an id."""
    first, second = (ElementTree.fromstring(draw(after_backward(make)).svg()) for make in (neuron, product_of_sum))
    ids = [{element.get("id") for element in root.iter()} - {None} for root in (first, second)]
    assert len(ids[0]) > 10 and not ids[0] & ids[1]


def test_dark():
    """The style turns every colour that is used, inside this picture only."""
    svg = draw(after_backward(neuron)).svg()
    style = ElementTree.fromstring(svg).find(f"{SVG}style").text
    assert "@media (prefers-color-scheme:dark)" in style
    for color in ("#00603f", "#b23a00", "#5b2c83", "#fce4d6", "#ddebf7", "#e2efda", "#666666"):
        assert f'="{color}"' in svg and f'="{color}"]' in style


HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from('\\"<>&;{}|[]]]>\n\x00\u202e%$')), min_size=1, max_size=60)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example('W:0 <b>&"\\N\\G\\l')
@example("]]><script>alert(1)</script>")
@example("&lt;b&gt; &amp; &#60;")
@example('"/><image href="http://example.org/x.png"/>')
@example("javascript:alert(1)")
@example("-->\x00\x1b\u202eabc\ud800\uffff")
@example("\\" * 9 + "N")
@example(" ")
@example("]")
@example("x" * 10_000)
@given(HOSTILE)
def test_a_name_is_text(name):
    """Names of tensors and scopes, whatever they hold, are shown, and add no element, attribute or link."""

    def picture(name):
        with scope(name):
            f = variable(name, 2.0) * variable("y", 3.0)
        f.name = name
        return ElementTree.fromstring(draw(f).svg())

    def parts(root):
        return {part for element in root.iter() for part in (element.tag, *element.attrib)}

    root = picture(name)
    assert parts(root) <= parts(picture("plain")) | parts(picture("")) | parts(picture("weight"))
    shown = visible(name)
    if shown:
        squeezed = ["".join(text.split()) for text in texts(root)]
        assert "".join(shown.split()) in squeezed


@pytest.mark.parametrize("name", ["", "\x00", "\u202e"])
def test_a_name_without_anything_to_show(name):
    """A name that holds nothing visible counts as none."""
    x = variable(name, 2.0)
    assert "v1" in texts(ElementTree.fromstring(draw(x * 2.0).svg()))


@pytest.mark.parametrize("name", ['gate <b>&"\\N', "]]><script>alert(1)</script>", "[*] ?"])
def test_a_folded_name_is_text(name):
    """A fold shows the name of its scope as it is, and advises a pattern that opens it."""
    x = y = variable("x", 2.0)
    for _ in range(2):
        with scope(name):
            x = x * y + 1.0 - y
    root = ElementTree.fromstring(draw(x, max_nodes=4).svg())
    folded = [text for text in texts(root) if text.startswith("▸ ")]
    assert [" ".join(text.split()) for text in folded] == [f"▸ {visible(name)}", f"▸ {visible(name)} (2)"]
    advice = re.search(r"expand=(.*) opens one", " ".join(" ".join(texts(root)).split()))[1].rstrip(")")
    opened = ElementTree.fromstring(draw(x, expand=ast.literal_eval(advice)).svg())
    assert [text for text in texts(opened) if text.startswith("▸ ")] == folded[:1]


@pytest.mark.parametrize(
    "line, good",
    [("M0,0C10,0 20,5 40,0", True), ("M0,0C-30,0 20,5 40,0", False), ("M0,0C10,0 80,5 40,0", False)],
)
def test_lines_that_turn_back(line, good):
    """A line between time steps leads from one to the other, without a detour to either side."""
    svg = f'<g id="e1" class="edge"><title>a</title><path fill="none" stroke="#0f4c75" d="{line}"/></g>'
    assert go_on(svg.encode(), ["e1"]) == good
