"""Staged code next to derivations by hand: the numbers, and the page that shows both."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from staging.derivations import EXAMPLES

from autograd import stage

DOCS = Path(__file__).parents[3] / "docs"


def flat(results):
    return [x for part in results for x in flat(part)] if isinstance(results, tuple) else [results]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_by_hand(example):
    """The staged code gives the value and the gradients that were derived by hand."""
    staged = stage(example.f, *example.arguments)
    namespace = {}
    exec(staged.source, namespace)
    leaves = list(staged.arguments.values())
    found = flat(namespace["forward_and_backward"](*leaves, *example.upstream))
    expected = flat(example.by_hand(*leaves, *example.upstream))
    assert [np.shape(x) for x in found] == [np.shape(x) for x in expected]
    for x, y in zip(found, expected):
        assert_allclose(x, y, rtol=1e-12, atol=1e-14)


def test_the_page_is_what_the_command_writes():
    """docs/staged.md: run `python docs/staged.py` after a change of the emitter, and read the difference."""
    assert (DOCS / "staged.md").read_text("utf-8") == runpy.run_path(str(DOCS / "staged.py"))["page"]()
