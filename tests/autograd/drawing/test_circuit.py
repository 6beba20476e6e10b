"""Circuits: ops as gates, numbers on the wires."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from drawing.circuits import after_backward, lstm, named, neuron, product_of_sum, square, staged, variable

from autograd import Tensor, draw, scope

SVG = "{http://www.w3.org/2000/svg}"


def maximum():
    """f = 2 (x y + max(z, w)), CS231n's circuit of the three gates that add, switch and swap."""
    x, y, z, w = (variable(*pair) for pair in (("x", 3.0), ("y", -4.0), ("z", 2.0), ("w", -1.0)))
    return named("f", (x * y + np.maximum(z, w)) * 2.0)


def diamond():
    """L = exp(a) a²: a is used twice, and is no leaf."""
    a = named("a", variable("x", 0.5) * 3.0)
    return named("L", np.exp(a) * a**2)


def unrolled(steps=3):
    """A recurrent network of one number."""
    w, u, b, h = variable("w", 0.5), variable("u", 0.8), variable("b", 0.1), variable("h0", 0.0)
    for t in range(1, steps + 1):
        with scope(f"t={t}"):
            h = named(f"h{t}", np.tanh(variable(f"x{t}", 1.0 / t) * w + h * u + b))
    return named("L", (h - 1.0) ** 2)


def shown(drawing):
    """What is written on the wires, by their ends; in the gates; in the boxes, by their first line."""
    root = ElementTree.fromstring(drawing.svg())
    composition = drawing._composition
    wires, gates, boxes = {}, [], {}
    for group in root.iter(f"{SVG}g"):
        texts = ["".join(text.itertext()).replace("\u00a0", " ").strip() for text in group.findall(f"{SVG}text")]
        id = group.get("id", "").rpartition("-")[2]
        if group.get("class") == "edge" and id in composition.subjects:
            edge = composition.subjects[id]
            wires.setdefault((edge.source.label, edge.target.label), []).append([text for text in texts if text])
        elif group.get("class") == "node" and group.find(f"{SVG}ellipse") is not None:
            gates.append(texts)
        elif group.get("class") == "node":
            boxes[texts[0]] = [text for text in texts[1:] if text]
    return wires, [" ".join(gate) for gate in gates], boxes


def test_product_of_sum():
    """CS231n's first circuit: three lines on every wire, what a gate hands on named, boxes at both ends."""
    wires, gates, boxes = shown(draw(after_backward(product_of_sum), style="circuit"))
    assert wires == {
        ("x", "q"): [["▶ −2", "∂ 1", "◀ −4"]],
        ("y", "q"): [["▶ 5", "∂ 1", "◀ −4"]],
        ("q", "f"): [["q", "▶ 3", "∂ z = −4", "◀ −4"]],
        ("z", "f"): [["▶ −4", "∂ q = 3", "◀ 3"]],
    }
    assert sorted(gates) == ["+", "×"]
    assert boxes == {"x": [], "y": [], "z": [], "f": ["▶ −12", "◀ 1"]}


def test_neuron_of_four_gates():
    """A constant stands in its gate; a wire that a formula speaks of has its name, another has none."""
    wires, gates, _ = shown(draw(after_backward(neuron, False), style="circuit"))
    assert sorted(gates) == sorted(["×", "×", "+", "+", "−", "exp", "1 +", "1/( )"])
    assert wires["z", "v4"] == [["z", "▶ 1", "∂ −1", "◀ 0.1966"]]
    assert wires["v4", "v5"] == [["▶ −1", "∂ v5 = 0.3679", "◀ −0.1966"]]
    assert wires["v5", "v6"] == [["v5", "▶ 0.3679", "∂ 1", "◀ −0.5344"]]
    assert wires["v6", "f"] == [["v6", "▶ 1.368", "∂ −1/v6² = −0.5344", "◀ −0.5344"]]


def test_staged():
    """A leaf that is used several times shows its value and its sum; its wires show the terms."""
    wires, _, boxes = shown(draw(after_backward(staged), style="circuit"))
    assert boxes["x"] == ["▶ 3", "◀ 0.5121 − 0.03576 + 1.583 ≈ 2.06"]
    assert wires["x", "sigx"] == [["∂ sigx·(1−sigx) = 0.04518", "◀ −0.03576"]]
    assert wires["xpy", "xpysqr"] == [["xpy", "▶ −1", "∂ 2·xpy = −2", "◀ 1.583"]]


def test_maximum():
    """The gate that switches sends everything to the larger; a dead wire is marked."""
    wires, gates, _ = shown(draw(after_backward(maximum), style="circuit"))
    assert sorted(gates) == ["+", "max", "×", "× 2"]
    assert wires["z", "v2"] == [["▶ 2", "∂ z > w = 1", "◀ 2"]] and wires["w", "v2"][0][-1] == "◀ 0 ▼"


def test_square():
    """x * x: two wires."""
    wires, _, boxes = shown(draw(after_backward(square), style="circuit"))
    assert wires == {("x", "f"): [["∂ x = 3", "◀ 3"]] * 2} and boxes["x"] == ["▶ 3", "◀ 3 + 3 = 6"]


def test_diamond():
    """What a gate hands to several others stands in a box, where its gradient is summed."""
    wires, gates, boxes = shown(draw(after_backward(diamond), style="circuit"))
    assert sorted(gates) == ["( )²", "exp", "×", "× 3"]
    assert boxes["a"] == ["▶ 1.5", "◀ 10.08 + 13.45 = 23.53"]
    assert wires["a", "v1"] == [["∂ v1 = 4.482", "◀ 10.08"]] and wires["a", "v2"] == [["∂ 2·a = 3", "◀ 13.45"]]


def test_before_backward():
    """Every wire has its value and its local gradient already, and a dash."""
    wires, _, boxes = shown(draw(neuron(), style="circuit"))
    assert all(lines[-1] == "◀ –" and "∂" in lines[-2] for ((*lines,),) in wires.values())
    assert boxes["f"] == ["▶ 0.7311", "◀ –"]


def test_constants():
    """Constants stand in the gates; an input without a gradient has its value on a dashed wire, or in its box."""
    x, target, d = variable("x", 2.0), Tensor(3.0, name="target"), Tensor(2.0, name="d")
    f = named("f", (np.maximum(x / 2.0 - 1.0, 0.0) - target) ** 2 * d + d)
    f.backward()
    drawing = draw(f, style="circuit")
    wires, gates, boxes = shown(drawing)
    assert sorted(gates) == sorted(["( )/2", "− 1", "max(·, 0)", "−", "( )²", "×", "+"])
    assert wires["target", "v4"] == [["▶ 3"]] and boxes["target"] == []
    assert boxes["d"][0] == "▶ 2" and wires["d", "v6"] == wires["d", "f"] == [[]]
    assert "style=dashed" in drawing.source
    assert shown(draw(f, style="circuit", rankdir="TB")) == (wires, gates, boxes)


def test_a_wrong_gradient_is_said():
    """A recorded gradient that is not what the wire brings is drawn as a mismatch."""
    f = after_backward(product_of_sum)
    f.parents[1].grad = 7.0
    wires, _, _ = shown(draw(f, style="circuit"))
    assert wires["z", "f"] == [["▶ −4", "∂ q = 3", "◀ 7 ≠ 3"]]


def test_not_a_number():
    """NaN is in bold, behind a heavy border."""
    x = variable("x", -1.0)
    with np.errstate(invalid="ignore"):
        f = named("f", np.log(x) * 2.0)
    f.backward()
    source = draw(f, style="circuit").source
    assert "<B>NaN</B>" in source and source.count("penwidth=3") == 3  # two gates and the output


def test_edges():
    """Numbers without formulas, or values and gradients alone."""
    f = after_backward(neuron, False)
    number, none = (shown(draw(f, style="circuit", edges=edges))[0] for edges in ("number", "none"))
    assert number["v6", "f"] == [["▶ 1.368", "∂ −0.5344", "◀ −0.5344"]]
    assert none["v6", "f"] == [["▶ 1.368", "◀ −0.5344"]]


def test_options():
    """Names of variables, digits and computed gradients, in a circuit as elsewhere."""
    x, y = Tensor(1.0, requires_grad=True), Tensor(3.0, requires_grad=True)
    quotient = x / y
    drawing = draw(quotient, style="circuit", names=locals(), precision=2, gradients="compute")
    assert shown(drawing)[0] == {
        ("x", "quotient"): [["▶ 1", "∂ 1/y = 0.33", "◀ 0.33"]],
        ("y", "quotient"): [["▶ 3", "∂ −x/y² = −0.11", "◀ −0.11"]],
    }


def test_arrays():
    """A circuit is for numbers: of a graph with arrays, the first is named, and what to do instead."""
    with pytest.raises(ValueError, match=r"graphs of numbers, and .* has shape .*style='nodes'"):
        draw(after_backward(lstm), style="circuit")
    with pytest.raises(ValueError, match="style is 'nodes' or 'circuit'; 'gates' came"):
        draw(square(), style="gates")


@pytest.mark.parametrize("steps, folded", [(3, False), (10, True)])
def test_time_steps(steps, folded):
    """Steps are frames; a shared weight is a chip at each use, with its value and its part on the wire."""
    drawing = draw(after_backward(unrolled, steps), style="circuit")
    wires, _, _ = shown(drawing)
    svg = drawing.svg()
    assert ">t=1<" in svg and f">t={steps}<" in svg and ("8 steps" in svg) == folded
    assert wires["w", "v1"][0][:2] == ["▶ 0.5", "∂ x1 = 1"] and f"sum of {steps} uses" in svg
    assert float(re.search(r'width="([\d.]+)"', svg)[1]) <= 1100


def test_nothing_folded():
    """Ten steps of gates are laid out, labels on the wires between the steps included."""
    wires, _, _ = shown(draw(after_backward(unrolled, 10), style="circuit", expand="*"))
    handed_on = {source: lines for (source, _), (lines,) in wires.items() if source[0] == "h"}
    assert [handed_on[f"h{t}"][0] for t in range(1, 11)] == [f"h{t}" for t in range(1, 11)]


def test_a_leaf_alone():
    """A single number is a box with its value."""
    assert shown(draw(Tensor(2.0, name="c"), style="circuit"))[2] == {"c": ["▶ 2", "◀ –"]}


def test_names_are_text():
    """Whatever a name holds, the wire, the gate and the box show it."""
    x, y = variable('<b>&"\\N]', 2.0), variable("]]>", 3.0)
    f = named("</text>", named("{|}", x * y) * y)
    f.backward()
    wires, _, boxes = shown(draw(f, style="circuit"))
    assert set(boxes) == {'<b>&"\\N]', "]]>", "</text>"}
    assert wires["{|}", "</text>"] == [["{|}", "▶ 6", "∂ ]]> = 3", "◀ 3"]]


@pytest.mark.parametrize("make", [product_of_sum, neuron, staged, square, diamond, maximum, unrolled])
def test_steps_and_bytes(make):
    """The steps are those of the other style, in the same words; the same graph gives the same bytes."""
    f = after_backward(make)
    circuit = draw(f, style="circuit")
    in_words = [re.findall(r"<li>(.*?)</li>", drawing.step().html(), re.DOTALL) for drawing in (circuit, draw(f))]
    assert in_words[0] == in_words[1] and len(in_words[0]) > 3
    assert circuit.source == draw(after_backward(make), style="circuit").source
    assert circuit.table() == draw(f).table()


def test_labels_stay_inside_their_frame():
    """What rides on a wire inside a frame does not run over its border. Figures are .556 em wide, as in Helvetica."""
    h, w, x = variable("h0", 0.5), variable("w", 0.9), variable("x", 2.0)
    for t in range(1, 4):
        with scope(f"t={t}"):
            h = np.tanh(w * h + x)
            h.name = f"h{t}"
    h.backward()
    root = ElementTree.fromstring(draw(h, style="circuit").svg())
    frames = [
        [float(n) for n in re.findall(r"-?[\d.]+", group.find(f"{SVG}path").get("d"))]
        for group in root.iter(f"{SVG}g") if group.get("class") == "cluster"
    ]  # fmt: skip
    checked = 0
    for text in root.iter(f"{SVG}text"):
        number = re.search(r" = (0\.\d+)$", text.text or "")
        for frame in frames if number else ():
            left, right, top, bottom = min(frame[::2]), max(frame[::2]), min(frame[1::2]), max(frame[1::2])
            if left < float(text.get("x")) < right and top < float(text.get("y")) < bottom:
                assert (
                    float(text.get("x")) + 5.56 * (len(text.text) - 5) + 5 * 3 < right
                )  # ∂, spaces, ( and . are narrow
                checked += 1
    assert checked >= 3
