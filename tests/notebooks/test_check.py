"""The checks of the lessons: what they accept, what they reject, and what they say."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from checks.check import Check

CHECKS = {
    name: value
    for path in sorted((Path(__file__).parents[2] / "notebooks" / "checks").glob("lesson_*.py"))
    for name, value in vars(importlib.import_module(f"checks.{path.stem}")).items()
    if isinstance(value, Check)
}
MISTAKES = [(name, i) for name, check in CHECKS.items() for i in range(len(check.mistakes))]

check_double = Check(
    right=lambda x: (2 * x, x + 1),
    cases=[(1.0,), (np.array([1.0, -2.0]),)],
    results=("double", "next"),
    mistakes=[(lambda x: (x * x, x + 1), "That is the square."), (lambda x: (2 * x, x), "One more.")],
    praise="Doubled.",
)


@pytest.mark.parametrize("name", CHECKS)
def test_names_at_least_two_mistakes(name):
    """Each check knows two typical wrong answers or more, and passes the right one."""
    check = CHECKS[name]
    assert len(check.mistakes) >= 2
    assert check(check.right), check(check.right)


@pytest.mark.parametrize("name, i", MISTAKES)
def test_rejects_a_typical_wrong_answer_with_its_hint(name, i):
    """A typical mistake does not pass, and is told from the others."""
    mistake, hint = CHECKS[name].mistakes[i]
    verdict = CHECKS[name](mistake)
    assert not verdict
    assert repr(verdict).endswith(hint)


@pytest.mark.parametrize("name", CHECKS)
def test_an_empty_answer_passes_nowhere(name):
    """Not with gaps, not with nothing, not with zeros of the right shapes."""
    check = CHECKS[name]
    case = check.cases[0]
    zeros = [np.zeros(np.shape(part)) for part in check.numbers(check.right(*case), case)]
    for answer in (..., None, tuple(... for _ in zeros), tuple(zeros)):
        assert not check(lambda *args: answer)


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda x: (x + x, 1 + x), "PASS. Doubled."),
        (lambda x: (..., x + 1), "NOT YET. There is still a `...` to be replaced."),
        (lambda x: (2 * ..., x + 1), "NOT YET. There is still a `...` to be replaced."),
        (lambda x: 2 * x, "NOT YET. Return 2 results, double, next; 1 came."),
        (lambda x: (1 / 0, x), "NOT YET. With x = 1, your function raises ZeroDivisionError: division by zero"),
        (lambda x: (3 * x, x + 1), "NOT YET. With x = 1, double should be 2; yours is 3."),
        (lambda x: (2 * np.sum(x), x + 1),
         "NOT YET. With x = [1, -2], double should have the shape (2,); yours has ()."),
        (lambda x: (2 * x, x), "NOT YET. With x = 1, next should be 2; yours is 1.\nOne more."),
        (lambda x: (2 * x, "two"), "NOT YET. With x = 1, next should be made of numbers; 'two' came."),
        (lambda x: (2 * x, None), "NOT YET. With x = 1, next is None. Does your function return it?"),
        (lambda x: (x * x, x + 1), "NOT YET. With x = 1, double should be 2; yours is 1.\nThat is the square."),
        (lambda x: None, "NOT YET. With x = 1, your function returns None."),
        (3.0, "NOT YET. The check takes your function itself; 3.0 came."),
    ],
)  # fmt: skip
def test_says_what_differs(answer, message):
    """The verdict names the case, the result, and the mistake where it is a known one."""
    assert repr(check_double(answer)) == message


def test_an_answer_that_writes_into_its_arguments_spoils_nothing():
    """Each call gets copies."""

    def answer(x):
        double = 2 * x
        x += 1
        return double, x

    assert check_double(answer)
    assert check_double.cases[1][0].tolist() == [1.0, -2.0]


def test_demand_raises_until_the_answer_passes():
    """A handout stops at an exercise that isn't solved."""
    assert check_double(check_double.right).demand()
    with pytest.raises(AssertionError, match="NOT YET. There is still"):
        check_double(lambda x: ...).demand()
