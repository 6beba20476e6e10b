"""The picture in words: plain and in Markdown."""

import re

import pytest
from drawing.circuits import CIRCUITS, after_backward, lstm, product_of_sum, variable

from autograd import Tensor, draw, relu
from autograd.drawing.table import ROWS, escape


def cells(table):
    """Read the rows of GitHub's tables: cells parted by pipes that no backslash escapes."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def unescape(cell):
    return re.sub(r"\\([^\w\s]|_)", r"\1", cell.replace("<!-- -->", ""))


def test_markdown():
    """CS231n's first circuit: a row for each node, a row for each edge."""
    assert draw(after_backward(product_of_sum)).table(markdown=True) == (
        "**Computation graph of f: 2 ops, 3 leaves**\n\n"
        "| node | is | shape | value ▶ | gradient ◀ |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| x | input |  | −2 | −4 |\n"
        "| y | input |  | 5 | −4 |\n"
        "| q | x + y |  | 3 | −4 |\n"
        "| z | input |  | −4 | 3 |\n"
        "| f | q × z |  | −12 | 1 |\n\n"
        "| from | to | local gradient ∂ | contribution ◀ |\n"
        "| --- | --- | --- | --- |\n"
        "| x | q | 1 | −4 × 1 = −4 |\n"
        "| y | q | 1 | −4 × 1 = −4 |\n"
        "| q | f | z = −4 | 1 × (−4) = −4 |\n"
        "| z | f | q = 3 | 1 × 3 = 3 |\n"
    )


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_the_same_content(make):
    """Every word of the Markdown stands in the plain table, which has as many lines as that has rows."""
    drawing = draw(after_backward(make))
    text, rows = drawing.table(), cells(drawing.table(markdown=True))
    assert {len(row) for row in rows} == {4, 5}
    assert len(rows) == len(text.splitlines()) - 1 + 4
    heads = {"node", "is", "shape", "value ▶", "gradient ◀", "from", "to", "local gradient ∂", "contribution ◀", "---"}
    assert all(unescape(cell) in text for row in rows for cell in row if cell not in heads)


def test_what_is_not_known():
    """Before backward(), beside a constant, and where a gradient is zero."""
    table = draw(product_of_sum()).table(markdown=True)
    assert "backward() has not run" in table and "| f | q × z |  | −12 | gradient not computed |" in table
    y = relu(variable("x", -1.0)) + Tensor([1.0, 2.0], name="c")
    y.sum().backward()
    table = draw(y).table(markdown=True)
    assert "| c | input | (2,) | 1.5 ± 0.5 | no gradient flows here |" in table
    assert "| v1 | relu(x) |  | 0 | 2 |" in table and "0 (zero) |" in table
    assert cells(draw(Tensor(1.0, name="x")).table(markdown=True))[2:] == [
        ["x", "input", "", "1", "no gradient flows here"]
    ]


def test_a_large_graph():
    """Of very many nodes the last are listed, and that is said."""
    drawing = draw(after_backward(lstm, 50))
    for table in (drawing.table(), drawing.table(markdown=True)):
        assert f"The last {ROWS} of " in table


@pytest.mark.parametrize(
    "text, escaped",
    [
        ("a|b", r"a\|b"),
        ("a\\|b", r"a\\\|b"),
        ("`x`", r"\`x\`"),
        ("<b>&amp;", r"\<b\>\&amp;"),
        ("W_x", "W_x"),
        ("_x_", r"\_x\_"),
        ("__init__", r"\_\_init\_\_"),
        ("[a](javascript:b)", r"\[a\](javascript:b)"),
        ("https://a.b", "https:<!-- -->//a.b"),
        ("www.a.b", "www.<!-- -->a.b"),
        ("a@b.c", "a@<!-- -->b.c"),
        ("X @ W", "X @ W"),
        ("$x$ #1 ~y~", r"\$x\$ \#1 \~y\~"),
    ],
)
def test_escape(text, escaped):
    """Marks of Markdown and HTML are text, and nothing becomes a link."""
    assert escape(text) == escaped and unescape(escaped) == text
