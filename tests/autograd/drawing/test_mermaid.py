"""The Mermaid flowchart: what it holds, and that every line is one of the few that we write.

Mermaid's own parser (11.17) and Chromium took all that is written here, and a list of hostile names.
"""

import re

import numpy as np
import pytest
from drawing.circuits import (
    CIRCUITS,
    after_backward,
    gate_lstm,
    lstm,
    product_of_sum,
    variable,
)

from autograd import Tensor, draw, scope
from autograd.drawing.mermaid import MAX_CHARACTERS, MAX_EDGES, escape

LABEL = r'"(?:<br/>|[^"<>`*{}|\\$;&~!#]|#\d+;)*"'
BOX = rf"(?:\({LABEL}\)|\[{LABEL}\]|\[\[{LABEL}\]\])"
LINE = re.compile(
    rf"accTitle: (?:[^;#]|#\d+;)*|\w+{BOX}:::\w+|subgraph f\d+\[{LABEL}\]|end|\w+ (?:-->|-\.->)(?:\|{LABEL}\|)? \w+|"
    r"linkStyle [\d,]+ stroke:#\w+,stroke-width:2.5px|classDef \w+ fill:#\w+,color:#\w+,stroke:#[\w,: .-]+|"
    r"class (?:f\d+,?)+ frame"
)


def lines(text):
    """The lines after the first, each of which must be one that we know."""
    first, *rest = text.splitlines()
    assert first in ("flowchart LR", "flowchart TB")
    for line in rest:
        assert LINE.fullmatch(line.strip()), line
    return [line.strip() for line in rest]


def boxes(text):
    return {line.split(":::")[0] for line in lines(text) if ":::" in line}


def test_circuit():
    """CS231n's first circuit, line by line."""
    assert draw(after_backward(product_of_sum)).mermaid() == (
        "flowchart LR\n"
        "    accTitle: Computation graph of f: 2 ops, 3 leaves\n"
        '    n0["x<br/>▶ −2<br/>◀ −4"]:::input\n'
        '    n1["y<br/>▶ 5<br/>◀ −4"]:::input\n'
        '    n2("q = x + y<br/>▶ 3<br/>◀ −4"):::activation\n'
        '    n3["z<br/>▶ −4<br/>◀ 3"]:::input\n'
        '    n4[["f = q × z<br/>▶ −12<br/>◀ 1"]]:::result\n'
        '    n0 -->|"∂ 1<br/>◀ −4 × 1 = −4"| n2\n'
        '    n1 -->|"∂ 1<br/>◀ −4 × 1 = −4"| n2\n'
        '    n2 -->|"∂ z = −4<br/>◀ 1 × (−4) = −4"| n4\n'
        '    n3 -->|"∂ q = 3<br/>◀ 1 × 3 = 3"| n4\n'
        "    classDef input fill:#DDEBF7,color:#1a1a1a,stroke:#555555\n"
        "    classDef activation fill:#FFFFFF,color:#1a1a1a,stroke:#555555\n"
        "    classDef result fill:#E2EFDA,color:#1a1a1a,stroke:#555555\n"
    )


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_what_the_picture_shows(make):
    """The same boxes and edges as in the SVG; frames that open are closed; every end of an edge is a box."""
    drawing = draw(after_backward(make))
    svg, found = drawing.svg(), lines(drawing.mermaid())
    ids = [re.match(r"\w+", line)[0] for line in found if ":::" in line]
    assert set(ids) - {"panel", "remark"} == set(re.findall(r'id="graph-\w+-([nka]\d+)" class="node"', svg))
    assert len(set(ids)) == len(ids)
    edges = [line for line in found if "->" in line.split('"')[0]]
    assert len(edges) == len(re.findall(r'id="graph-\w+-e\d+" class="edge"', svg))
    assert {end for line in edges for end in (line.split()[0], line.split()[-1])} <= set(ids)
    assert sum(line.startswith("subgraph") for line in found) == found.count("end")


def test_recurrence():
    """Frames nest, aliases stand in them, weights in a panel, carried states in their colours, folds fold."""
    text = draw(after_backward(lstm)).mermaid()
    assert text.count('("W_x"):::alias') == 3 and 'panel("shared weights' in text and "W_x (3, 16) ▶" in text
    assert re.search(r"linkStyle \d+,\d+ stroke:#C0679C", text) and re.search(r"linkStyle \d+,\d+ stroke:#0F4C75", text)
    assert re.search(r'\n {8}subgraph f1\["t=1"\]\n {12}', text)
    folded = draw(after_backward(lstm, 20)).mermaid()
    assert "▸ ⋯ t=2…19 · 18 steps · 306 ops<br/>c19 ▶" in folded and "Folded: 18 of 20 steps" in folded


def test_no_gradient():
    """Dashed where no gradient flows; a dash where it is not known; NaN in a heavy border."""
    text = draw(variable("x", 2.0) * Tensor([1.0, np.nan], name="c")).mermaid()
    assert re.search(r'n0\["x<br/>▶ 2<br/>◀ –"\]:::input', text) and "n1 -.-> n2" in text
    assert text.count(":::bad") == 2 and "stroke:#000000,stroke-width:5px" in text
    assert "backward() has not run" in text


def test_limits():
    """What is more than Mermaid draws is folded further than the picture; what can't be is refused."""
    f = after_backward(gate_lstm, 20)
    whole = draw(f, max_width=10**6)
    text = whole.mermaid()
    edges = sum("->" in line.split('"')[0] for line in lines(text))
    assert edges <= MAX_EDGES and len(text) <= MAX_CHARACTERS
    assert "▸" not in whole.svg() and "▸" in text
    x = y = variable("x", 1.0)
    for _ in range(300):
        y = y * x
    with pytest.raises(RuntimeError, match="at most 500 edges and 50000 characters.* Draw a part"):
        draw(y, max_nodes=10).mermaid()


def test_without_graphviz(monkeypatch, tmp_path):
    """No layout is needed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert 'n0["x<br/>' in draw(after_backward(product_of_sum)).save(tmp_path / "x.mmd").read_text("utf-8")


@pytest.mark.parametrize(
    "text, escaped",
    [
        ("q = x + y", "q = x + y"),
        ("W_x[:, 4:8] (2, 3) @ 1.5", "W_x[:, 4:8] (2, 3) @ 1.5"),
        ('"] click n0', "#34;] click n0"),
        ("<b>&#60;", "#60;b#62;#38;#35;60#59;"),
        ("1. a", "#49;#46; a"),
        ("- a", "#45; a"),
        ("`**x**`", "#96;#42;#42;x#42;#42;#96;"),
        ("__init__", "#95;#95;init#95;#95;"),
        ("[a](b)", "#91;a#93;(b)"),
        ("https://www.a.b", "https#58;//www#46;a.b"),
        ("fa:fa-car", "fa:\u200bfa#45;car"),
        ("$$x$$", "#36;\u200b#36;\u200bx#36;\u200b#36;\u200b"),
        ("ﬂ°°60¶ß", "ﬂ\u200b°°60¶\u200bß"),
        ("x\\n|y", "x#92;n#124;y"),
        ("end", "end"),
    ],
)
def test_escape(text, escaped):
    """What Mermaid, Markdown or HTML would read as a mark is written as a code."""
    assert escape(text) == escaped
    assert re.sub(r"#(\d+);", lambda match: chr(int(match[1])), escaped).replace("\u200b", "") == text


def test_a_name_is_text():
    """A name adds no line, no box and no edge."""

    def text(name):
        with scope(name):
            f = variable(name, 2.0) * variable("y", 3.0)
        f.name = name
        return draw(f).mermaid()

    for name in ('"]\n click n0 href "javascript:alert(1)"', "a|b", "end\nend", "%%{init: {}}%%", ":::x"):
        assert [re.match(r"\w*", line)[0] for line in lines(text(name))] == [
            re.match(r"\w*", line)[0] for line in lines(text("plain"))
        ]
