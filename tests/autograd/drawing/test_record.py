"""The graph as data: complete, strict JSON, and the numbers of the graph itself."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawing.circuits import CIRCUITS, after_backward, lstm, product_of_sum, variable

from autograd import Tensor, draw
from autograd.drawing.model import MAX_ENTRIES

DOCS = Path(__file__).parents[3] / "docs" / "formats.md"


def strict(text):
    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def array(q):
    return np.asarray(q["entries"], dtype=q["dtype"]).reshape(q["shape"])


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_the_chain_rule_holds_in_it(make, tmp_path):
    """Read from the file: contributions add up to gradients, derivatives times gradients are contributions."""
    output = after_backward(make)
    drawing = draw(output)
    data = strict(drawing.save(tmp_path / "x.json").read_text("utf-8"))
    assert data == drawing.record()
    nodes = {node["id"]: node for node in data["nodes"]}
    frames = {frame["id"] for frame in data["frames"]} | {None}
    assert {frame["parent"] for frame in data["frames"]} | {node["frame"] for node in data["nodes"]} <= frames
    arrived = {}
    for edge in (edge for edge in data["edges"] if edge["flows"]):
        source, target, sent = nodes[edge["source"]], nodes[edge["target"]], array(edge["sent"])
        assert list(nodes).index(edge["source"]) < list(nodes).index(edge["target"])
        arrived[edge["source"]] = arrived.get(edge["source"], 0) + sent
        if edge["local"] and source["value"]["shape"] == target["value"]["shape"]:
            np.testing.assert_allclose(array(edge["local"]) * array(target["gradient"]), sent)
    for id, total in arrived.items():
        np.testing.assert_allclose(total, array(nodes[id]["gradient"]), atol=1e-15)
    np.testing.assert_array_equal(array(nodes[data["output"]]["value"]), output.data)


def test_numbers_that_json_does_not_have():
    """NaN and infinity are strings that float() reads; statistics without them, and of an empty array."""
    x = variable("x", [np.nan, np.inf, -np.inf, -2.0, 1.0])
    value = strict(json.dumps(draw(x * np.zeros((0, 5))).record(), allow_nan=False))["nodes"][0]["value"]
    assert value["entries"] == ["NaN", "Infinity", "-Infinity", -2.0, 1.0] and value["mean"] == "NaN"
    assert (value["nonfinite"], value["min"], value["max"]) == (3, -2.0, 1.0) and value["norm"] == 5**0.5
    empty = draw(Tensor(np.zeros((0, 2)))).record()["nodes"][0]["value"]
    assert [empty[name] for name in ("shape", "entries", "min", "mean", "norm")] == [[0, 2], [], None, None, 0.0]
    whole = draw(Tensor([[1, 2], [3, 4]])).record()["nodes"][0]["value"]
    assert whole["dtype"] == "int64" and whole["entries"] == [[1, 2], [3, 4]] and type(whole["entries"][0][0]) is int
    assert draw(Tensor([np.nan])).record()["nodes"][0]["value"]["max"] is None


def test_before_backward():
    """What is not known is null."""
    data = draw(product_of_sum()).record()
    assert {node["gradient"] for node in data["nodes"]} == {edge["sent"] for edge in data["edges"]} == {None}
    assert data["notes"] == ["backward() has not run: the gradients are not known yet (–)."]


def test_large_arrays():
    """In full up to a size, beyond it the statistics alone."""
    for size, kept in ((MAX_ENTRIES, True), (MAX_ENTRIES + 1, False)):
        value = draw(Tensor(np.ones(size))).record()["nodes"][0]["value"]
        assert (value["entries"] == [1.0] * size) == kept and (value["entries"] is None) == (not kept)
        assert value["shape"] == [size] and value["mean"] == 1.0


def test_as_it_was():
    """The data are those of the moment of drawing."""
    x = variable("x", [1.0, 2.0])
    drawing = draw(x * x)
    x.data[:] = 7.0
    assert drawing.record()["nodes"][0]["value"]["entries"] == [1.0, 2.0]


def test_the_whole_graph():
    """Nothing is folded, whatever the picture shows."""
    data = draw(after_backward(lstm, 20)).record()
    assert len(data["nodes"]) == 366 and sum(frame["step"] is not None for frame in data["frames"]) == 20


def test_same_bytes_in_another_process():
    """No hash, address or order of a set gets into the file."""
    program = (
        "from drawing.circuits import *; from autograd import draw; from autograd.drawing.record import dump\n"
        "drawing = draw(after_backward(lstm)); print(dump(drawing.record()), drawing.mermaid())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(texts) == 1 and len(texts.pop()) > 100_000


def test_every_field_is_documented():
    """docs/formats.md names the fields, and no others."""
    data = draw(after_backward(lstm)).record()
    node, edge = data["nodes"][-1], data["edges"][0]
    fields = {*data, *data["frames"][0], *node, *edge, *node["value"]}
    text = DOCS.read_text("utf-8").split("## The data")[1]
    assert fields <= set(re.findall(r"`(\w+)`", text))
    named = {name for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named <= fields


def test_a_dtype_of_numpy_alone(tmp_path):
    """A longdouble, which no Python number is, has its entries in the file as well."""
    x = Tensor(np.array([1.5, np.inf], np.longdouble), requires_grad=True)
    data = strict(draw(x * 2.0).save(tmp_path / "x.json").read_text("utf-8"))
    assert [node["value"]["entries"] for node in data["nodes"]] == [[1.5, "Infinity"], [3.0, "Infinity"]]
