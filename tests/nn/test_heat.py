"""Heat lines: a colour or a bar for each word."""

import re

import pytest

from nn import heat
from nn.words import words

TEXT = "Not a good\nfilm!"
SPANS = [match.span() for match in words(TEXT)]
VALUES = [-2.0, 0.0, 1.0, 0.01, 0.5]


def test_coloured():
    """Without the colours it is the text; the strongest word is the darkest, negative ones are underlined."""
    line = heat.coloured(TEXT, SPANS, VALUES)
    assert re.sub(r"\x1b\[[0-9;]*m", "", line) == TEXT.replace("\n", " ")
    assert f"\x1b[4;38;5;16;48;5;{heat.ORANGE[-1]}mNot\x1b[0m a " in line
    good, mark = (re.search(rf"\x1b\[38;5;16;48;5;(\d+)m{word}\x1b", line)[1] for word in ("good", "!"))
    assert heat.BLUE.index(int(good)) > heat.BLUE.index(int(mark))
    assert line.count("\x1b[0m") == 3


def test_bars():
    """Each word has its number, signed, and a bar of that length and sign."""
    lines = heat.bars(["Not", "a", "good"], VALUES[:3], width=4).splitlines()
    assert lines == ["  -2.000  ----  Not", "  +0.000        a", "  +1.000  ++    good"]


@pytest.mark.parametrize("values", [[0.0, 0.0], [1e-320, -1e-320], [1e300, -1e300]])
def test_extreme_values(values):
    """All zero, very small, very large."""
    assert heat.coloured("a b", [(0, 1), (2, 3)], values).count("\x1b[0m") == (2 if any(values) else 0)
    assert len(heat.bars(["a", "b"], values).splitlines()) == 2


def test_a_text_can_not_command_the_terminal():
    """Escape sequences in the text itself are not passed on."""
    assert "\x1b" not in heat.coloured("a\x1b[2Jb", [(0, 1)], [0.0]) + heat.bars(["a\x1b[2J"], [1.0])
    with pytest.raises(ValueError):
        heat.bars(["a"], [1.0, 2.0])
