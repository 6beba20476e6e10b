"""draw(): what a user calls."""

import base64
import html
import os
import re
import sys
import time
from xml.etree import ElementTree

import graphviz
import numpy as np
import pytest
from drawing.circuits import (
    CIRCUITS,
    after_backward,
    classifier,
    gate_lstm,
    layers,
    lstm,
    neuron,
    product_of_sum,
    rnn,
    square,
    staged,
    variable,
)

import autograd.drawing as drawing_module
import nn
from autograd import Tensor, draw, relu, scope
from autograd.drawing.render import GraphvizMissing

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def without_graphviz(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def size(svg):
    return tuple(float(x) for x in re.search(r'width="([\d.]+)" height="([\d.]+)"', svg).groups())


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_fits_a_notebook(make):
    """Every example is at most as wide as a notebook."""
    width, _ = size(draw(after_backward(make)).svg())
    assert width <= 1100


def test_narrower():
    """What does not fit to the right is drawn downwards, then with less in each node; a direction can be asked for."""
    f = after_backward(staged)
    assert size(draw(f, max_width=3000).svg())[0] > 1100
    assert "rankdir=TB" in draw(f).source and "rankdir=LR" in draw(f, rankdir="LR").source
    assert size(draw(after_backward(classifier), max_width=500).svg())[0] <= 500


def test_edges():
    """Formula and number, the number alone, or nothing on the edges."""
    f = after_backward(product_of_sum)
    assert "∂f/∂q = z = −4" in draw(f).source
    number = draw(f, edges="number").source
    assert "∂ −4" in number and "∂f/∂q" not in number
    assert "−4 × 1" not in (none := draw(f, edges="none").source) and "Not shown here: local gradients" in none


def test_legend():
    """The signs are explained, except beside the smallest pictures, or as asked."""
    assert "local gradient of one edge" in draw(after_backward(neuron)).source
    assert "local gradient of one edge" not in draw(after_backward(square)).source
    assert "local gradient of one edge" in draw(after_backward(square), legend=True).source
    assert ">alias<" in draw(after_backward(lstm)).source
    assert ">alias<" not in draw(after_backward(lstm, 5)).source  # every use is folded


def test_nothing_folded():
    """Fifty steps are laid out with all columns, if asked for; the picture scrolls instead of shrinking."""
    f = after_backward(lstm, 50)
    drawing = draw(f, expand="*", time_out=60)  # far more than it takes, see benchmarks/drawing.py
    assert all(f">t={t}<" in drawing.svg() for t in range(1, 51)) and "Folded" not in drawing.svg()
    page = drawing._repr_mimebundle_()["text/html"]
    assert "overflow-x" in page and "px wide: scroll, or draw fewer time steps" in page
    assert "overflow-x" not in draw(f)._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    "make, steps, heads",
    [
        (lstm, 1, []),
        (lstm, 3, []),
        (gate_lstm, 3, ["▸ gate f", "▸ gate g", "▸ gate i", "▸ gate o"]),
        (lstm, 4, ["▸ t=1", "▸ t=2", "▸ t=3", "▸ t=4"]),
        (lstm, 5, ["▸ t=1", "▸ t=2", "▸ t=3", "▸ t=4", "▸ t=5"]),
        (lstm, 20, ["▸ ⋯ t=2…19 · 18 steps"]),
        (lstm, 200, ["▸ t=1", "▸ t=200", "▸ ⋯ t=2…199 · 198 steps"]),
        (gate_lstm, 20, ["▸ t=1", "▸ t=20", "▸ ⋯ t=2…19 · 18 steps"]),
        (layers, 3, ["▸ layer 0", "▸ layer 1"]),
        (layers, 20, ["▸ layer 0", "▸ layer 1", "▸ ⋯ t=2…19 · 18 steps"]),
        (rnn, 5, ["▸ cell", "▸ loss"]),
        (rnn, 20, ["▸ ⋯ t=2…19 · 18 steps"]),
    ],
)
def test_ladder(make, steps, heads):
    """What has no room is folded, and only that; the picture fits a notebook, and says how to see the rest."""
    drawing = draw(after_backward(make, steps))
    assert size(drawing.svg())[0] <= 1100
    assert sorted({text.strip() for text in re.findall(r">(▸ [^<]*)<", drawing.svg())}) == heads
    assert ("Folded: " in drawing.source) == bool(heads)


def test_expand():
    """A pattern opens what it matches, and what stands around that; '*' opens everything."""
    f = after_backward(lstm, 20)
    for pattern in ("t=7", "lstm/t=7", "lstm/t=7/*", ["t=7/gate ?"]):
        svg = draw(f, expand=pattern).svg()
        assert ">t=7<" in svg and "⋯ t=1…6 · 6 steps" in svg and "⋯ t=8…20 · 13 steps" in svg
    cell = draw(after_backward(gate_lstm, 1), expand=["gate i", "memory"]).svg()
    assert ">gate i<" in cell and ">memory<" in cell and "▸ gate f" in cell and "▸ gate i" not in cell
    path = re.search(r"expand='([^']*)'", html.unescape(draw(f).source))[1]  # what the picture itself advises
    assert path == "lstm/t=11" and ">t=11<" in draw(f, expand=path).svg()


def test_expand_what_is_not_there():
    """A pattern that matches nothing says which scopes there are."""
    f = lstm(2)
    with pytest.raises(ValueError, match="no scope matches expand='t=9'; there are lstm, lstm/t=1, .* ..."):
        draw(f, expand="t=9")
    with pytest.raises(ValueError, match="'LSTM/t=9'; there are lstm, "):
        draw(f, expand="LSTM/t=9")
    with pytest.raises(ValueError, match="no scope matches expand='t=1'; this graph has none"):
        draw(square(), expand="t=1")
    with pytest.raises(TypeError, match="expand takes a pattern"):
        draw(f, expand=7)
    draw(square(), expand="*")


def test_max_nodes():
    """With a limit on the boxes, the picture is folded until it keeps to it."""
    f = after_backward(lstm)
    assert "▸" not in draw(f).svg() and "▸ t=1" in draw(f, max_nodes=12).svg()
    with pytest.raises(RuntimeError, match=r"max_nodes"):
        draw(f, max_nodes=2).svg()


def test_five_thousand_nodes():
    """Too many nodes for a layout: nothing hangs, the error says what to do, a notebook shows the table."""
    y = variable("x", 1.0)
    for _ in range(5000):
        y = y * 1.0
    y.backward()
    start = time.monotonic()
    drawing = draw(y)
    with pytest.raises(RuntimeError, match="5001 nodes; .* more than 3000 .* Draw a part"):
        drawing.svg()
    bundle = drawing._repr_mimebundle_()
    assert (
        "No picture: this graph has 5001 nodes" in bundle["text/plain"] and "v5000 = v4999 × 1" in bundle["text/plain"]
    )
    assert time.monotonic() - start < 20


def test_time_out(tmp_path, monkeypatch):
    """Graphviz is stopped in time, whatever rung of the ladder it is at, and the error says what to do."""
    (tmp_path / "dot").write_text(f"#!/bin/sh\nexec '{sys.executable}' -IS -c 'import time; time.sleep(30)'\n")
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    drawing = draw(after_backward(classifier), time_out=0.4)
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="14 nodes, 0.4 s.*Draw a part of the graph"):
        drawing.svg()
    assert time.monotonic() - start < 5
    assert "No picture" in drawing._repr_mimebundle_()["text/html"]


def test_a_layout_that_fails(monkeypatch):
    """Where Graphviz can't lay out one form of the picture, the next one is tried."""
    render = drawing_module.render

    def picky(source, kind, time_out):
        if "rankdir=LR" in source:
            raise RuntimeError("trouble in init_rank")
        return render(source, kind, time_out)

    monkeypatch.setattr(drawing_module, "render", picky)
    f = after_backward(product_of_sum)
    assert "rankdir=TB" in draw(f).source
    with pytest.raises(RuntimeError, match="trouble in init_rank .* Draw a part"):
        draw(f, rankdir="LR").svg()


def test_no_time_to_mend(monkeypatch):
    """Where a layout is amiss and there is no time for another, it is shown all the same."""
    render, calls = drawing_module.render, []

    def slow(source, kind, time_out):
        calls.append(source)
        if len(calls) > 1:
            raise TimeoutError("Graphviz had not finished when its time was over")
        return render(source, kind, time_out)

    monkeypatch.setattr(drawing_module, "render", slow)
    monkeypatch.setattr(drawing_module, "in_order", lambda *_: False)
    drawing = draw(after_backward(lstm), max_width=5000)
    assert ">t=3<" in drawing.svg() and len(calls) == 2 and drawing.source == calls[0]


def test_a_dead_unit():
    """A gradient that is zero is marked."""
    x = variable("x", -1.0)
    f = relu(x)
    f.backward()
    assert "◀&#160;0 ▼" in draw(f).source


@pytest.mark.parametrize(
    "suffix, start",
    [
        ("svg", b"<svg"),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("dot", b"digraph picture"),
        ("SVG", b"<svg"),
        ("html", b"<!doctype html>"),
        ("mmd", b"flowchart"),
        ("json", b"{"),
    ],
)
def test_save(tmp_path, suffix, start):
    """The suffix says what is written; the path comes back; nothing else lies beside it; permissions are as usual."""
    path = draw(after_backward(square)).save(tmp_path / f"a picture.{suffix}")
    assert path.read_bytes().startswith(start) and list(tmp_path.iterdir()) == [path]
    plain = tmp_path / "plain"
    plain.write_text("")
    assert path.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("name", ["x.gif", "x", ".svg"])
def test_save_as_something_else(tmp_path, name):
    """One clear error, and no file."""
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.html, \.dot, \.mmd or \.json"):
        draw(after_backward(square)).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_save_whole_or_not_at_all(tmp_path, monkeypatch):
    """When writing fails, the old file is as it was and no part is left."""
    path = tmp_path / "x.svg"
    path.write_text("old")
    drawing = draw(after_backward(square))
    drawing.svg()

    def full(*args):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        drawing.save(path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="no such directory; make it first: '.*/no such folder'$"):
        drawing.save(tmp_path / "no such folder" / "x.svg")
    monkeypatch.undo()
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OSError, match="directory: '.*/folder.svg'$"):
        drawing.save(tmp_path / "folder.svg")
    assert not list(tmp_path.glob("*.part"))


def test_to_dot():
    """A real graphviz.Digraph, whose text is `source`."""
    drawing = draw(after_backward(square))
    assert isinstance(drawing.to_dot(), graphviz.Digraph) and drawing.to_dot().source == drawing.source


def test_notebook():
    """SVG; the same inside an <img> for a notebook that is not trusted; a table for the rest."""
    drawing = draw(after_backward(product_of_sum))
    bundle = drawing._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "text/html", "text/plain"}
    data = re.search('src="data:image/svg\\+xml;base64,([^"]*)"', bundle["text/html"])[1]
    assert base64.b64decode(data).decode() == bundle["image/svg+xml"] == drawing.svg()
    assert bundle["text/plain"] == drawing.table()


def test_table():
    """The same as text."""
    assert draw(after_backward(product_of_sum)).table().splitlines() == [
        "Computation graph of f: 2 ops, 3 leaves",
        "x, input; value −2; gradient −4",
        "y, input; value 5; gradient −4",
        "q = x + y; value 3; gradient −4",
        "    ∂q/∂x: 1; sends −4 × 1 = −4",
        "    ∂q/∂y: 1; sends −4 × 1 = −4",
        "z, input; value −4; gradient 3",
        "f = q × z; value −12; gradient 1",
        "    ∂f/∂q: z = −4; sends 1 × (−4) = −4",
        "    ∂f/∂z: q = 3; sends 1 × 3 = 3",
    ]


def test_without_graphviz(without_graphviz):
    """A notebook shows the table and what to install; the DOT text is there; svg() raises."""
    drawing = draw(after_backward(product_of_sum))
    bundle = drawing._repr_mimebundle_()
    assert "pip install pygraphviz" in bundle["text/plain"] and drawing.table() in bundle["text/plain"]
    assert "pip install pygraphviz" in bundle["text/html"] and "image/svg+xml" not in bundle
    assert "∂f/∂q = z = −4" in drawing.source
    with pytest.raises(GraphvizMissing):
        drawing.svg()


def test_a_repr_never_raises(monkeypatch):
    """Even a fault of ours shows as a sentence."""
    drawing = draw(after_backward(product_of_sum))
    monkeypatch.setattr(type(drawing), "table", lambda self: 1 / 0)
    assert "division by zero" in drawing._repr_mimebundle_()["text/plain"]
    assert repr(drawing) == "<Drawing of f: 5 nodes, 4 edges>"


def test_nothing_is_touched():
    """Drawing computes no gradient and changes none."""
    f = after_backward(staged)
    grads = [f.grad.copy(), f.parents[0].grad.copy()]
    draw(f).svg()
    assert [f.grad, f.parents[0].grad] == grads
    g = staged()
    draw(g).svg()
    assert g.grad is None and g.parents[0].grad is None


def test_names():
    """Names of variables come through to the picture, the steps and the table."""
    w, x = Tensor(2.0, requires_grad=True), Tensor(3.0, requires_grad=True)
    p = w * x
    result = p + 1.0
    result.backward()
    drawing = draw(result, names=locals())
    for text in (drawing.source, drawing.step().html(), drawing.table()):
        assert "∂p/∂w" in text and "v1" not in text


def test_precision():
    """Drawings of different precision stand side by side, whichever is laid out first; strips have fewer digits."""
    f = after_backward(neuron)
    coarse, fine, usual = draw(f, precision=2), draw(f, precision=7), draw(f)
    assert "◀ 0.1966119 × 2 ≈ 0.3932239" in fine.source
    assert "◀ 0.2 × 2 ≈ 0.39" in coarse.source
    assert "◀ 0.1966 × 2 = 0.3932" in usual.source and usual.source == draw(f, precision=4).source
    assert "0.1966119 × 2 ≈ 0.3932239" in fine.table() and "0.1966119</span>" in fine.step().html()
    long = after_backward(lstm, 20)
    first = [re.search(r"through the steps: ([\d.]+)·", draw(long, precision=p).svg())[1] for p in (4, 8)]
    assert first == ["1.1", "1.14672"]


def test_compute():
    """Gradients can be drawn and walked through without backward(); without either, step() says what to do."""
    f = neuron()
    with pytest.raises(ValueError, match=r"call f.backward\(\) first, or draw\(..., gradients='compute'\)"):
        draw(f).step()
    computed = draw(f, gradients="compute")
    page = computed.step().html()
    assert f.grad is None and draw(f).source == draw(f, gradients="recorded").source == draw(f, gradients=None).source
    f.backward()
    assert computed.source == draw(f).source and page == draw(f).step().html()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"names": ["x"]}, "names takes a mapping .* such as locals.*; list came"),
        ({"names": {1: 2}}, "names takes a mapping .*; 1 in it is no name"),
        ({"precision": 2.0}, "precision .* an int from 1 to 17; 2.0 came"),
        ({"precision": True}, "precision .* an int from 1 to 17; True came"),
        ({"legend": "no"}, "legend is True, False, or None .*; 'no' came"),
    ],
)
def test_options_of_another_type(options, message):
    """An option of the wrong type says which it takes."""
    with pytest.raises(TypeError, match=message):
        draw(variable("x", 1.0), **options)


@pytest.mark.parametrize("thing, what", [([1.0], "list"), (np.ones(3), "ndarray"), (None, "NoneType"), (1.0, "float")])
def test_not_a_tensor(thing, what):
    """One Tensor is drawn, nothing else."""
    with pytest.raises(TypeError, match=f"takes one Tensor.*{what} came"):
        draw(thing)


@pytest.mark.parametrize(
    "options",
    [
        {"rankdir": "RL"}, {"edges": "all"}, {"max_width": 0}, {"time_out": -1}, {"edges": True}, {"max_nodes": 0},
        {"precision": 0}, {"precision": 18}, {"gradients": "all"}, {"gradients": True},
    ],
)  # fmt: skip
def test_unknown_options(options):
    """An option that is not known says what is."""
    with pytest.raises(ValueError, match="came"):
        draw(Tensor(1.0), **options)


def test_freed_graph():
    """A graph that was freed can't be drawn, and says so."""
    f = product_of_sum()
    f.backward(retain_graph=False)
    with pytest.raises(RuntimeError, match="freed"):
        draw(f)


def test_leaf_and_no_gradient():
    """A single tensor is a picture, too; where no gradient flows, that is said."""
    assert "v1" in draw(Tensor([1.0, 2.0])).svg()
    assert draw(Tensor(2.0, name="c")).table().startswith("Computation graph of c: 0 ops, 1 leaf\n")
    assert draw(variable("c", 2.0) + 1.0).table().startswith("Computation graph of v1: 1 op, 1 leaf\n")
    assert "requires_grad=True" in draw(Tensor(2.0, name="c") + 1.0).table()


def test_the_sum_over_time():
    """The panel of shared weights says that the gradient is a sum over the time steps; without steps, over the uses."""
    source = draw(after_backward(lstm, 4)).source
    assert "summed over every time step" in source and "backpropagation through time" in source
    assert "t=1 … t=4" in source and source.count("= sum of 4 uses") == 3
    w = variable("w", 2.0)
    total = variable("x", 1.0)
    for k in range(3):
        with scope(f"block {k}"):
            total = np.tanh(total * w)
    total.backward()
    source = draw(total).source
    assert "summed over every use" in source and "time" not in source and "by use, first to last" in source


def test_two_calls_through_time():
    """Where a model runs twice, the strip of a weight begins anew at t=1, and does not claim to end at the last."""
    rng = np.random.default_rng(0)
    model = nn.LSTM(3, 3, rng=rng)
    output, _ = model(model(rng.normal(size=(2, 1, 3)))[0])
    loss = output.sum()
    loss.backward()
    source = draw(loss).source
    assert "= sum of 4 uses" in source and "by time step, first to last" in source and "t=1 … t=2" not in source


def test_a_value_of_many_uses():
    """A chain stands straight beside the value that enters it at every step."""
    x, w = variable("x", 0.3), variable("w", 0.9)
    for _ in range(8):
        x = np.tanh(w * x)
    x.backward()
    drawing = draw(x)
    groups = ElementTree.fromstring(drawing.svg()).iter(f"{SVG}g")
    boxes = {
        group.findtext(f"{SVG}title"): group.find(f"{SVG}path") for group in groups if group.get("class") == "node"
    }
    ops = [re.findall(r"-?[\d.]+", box.get("d"))[::2] for title, box in boxes.items() if re.match(r"v\d+ = ", title)]
    middles = [(min(map(float, xs)) + max(map(float, xs))) / 2 for xs in ops]
    assert len(middles) == 16 and max(middles) - min(middles) < 5


@pytest.mark.parametrize("style", ["nodes", "circuit"])
def test_a_value_of_very_many_uses(style):
    """It stands beside each op that uses it, as an alias, since Graphviz can't lay out hundreds of lines to one box;
    the panel has the sum, and the page of steps lights each use.
    """
    x = power = variable("x", 1.001)
    for _ in range(120):
        power = power * x
    power.backward()
    drawing = draw(power, style=style)
    assert "= sum of 121 uses" in drawing.source and len(re.findall(r"^\ta\d+ \[", drawing.source, re.MULTILINE)) == 120
    page = drawing.step().html()
    assert all(f'"a{i}"' in page for i in range(120))
    assert size(drawing.svg())[0] < 1100


def test_signs_stand_beside_their_arrays():
    """A wide heading does not pull ▶ and the cells of a value apart."""
    x = variable("a_name_that_is_much_wider_than_two_cells", [1.0, 2.0])
    y = x * 2.0
    group = next(
        group for group in ElementTree.fromstring(draw(y.sum()).svg()).iter(f"{SVG}g")
        if (group.findtext(f"{SVG}title") or "").startswith("a_name")
    )  # fmt: skip
    sign = next(float(text.get("x")) for text in group.iter(f"{SVG}text") if text.text == "▶")
    cells = [box for box in group.iter(f"{SVG}polygon") if box.get("fill") not in ("none", "#ddebf7")]
    left = min(float(point.partition(",")[0]) for box in cells for point in box.get("points").split())
    assert sign < left < sign + 16
