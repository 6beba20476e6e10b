"""A check: does an answer give the right numbers, and if not, which mistake is it?"""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Verdict:
    """What a check says: true if the answer passed, printed as a sentence."""

    passed: bool
    message: str

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return ("PASS. " if self.passed else "NOT YET. ") + self.message

    def demand(self) -> "Verdict":
        """Raise AssertionError unless the answer passed."""
        if not self.passed:
            raise AssertionError(repr(self))
        return self


@dataclass(frozen=True)
class Check:
    """Hold a function that a reader writes against the right one, on several arguments. Call it with the answer.

    right      gives one result, or a tuple of them: numbers, arrays or lists of these
    cases      the arguments, a tuple for each call; a function among them is called by the answer
    results    the name of each result
    mistakes   functions that make a typical mistake, each with the hint for who made it
    praise     what the reader has now shown
    tolerance  relative and absolute
    measure    measure(result, *case) gives the numbers to compare, where the result itself can be right in many ways
    """

    right: Callable[..., Any]
    cases: Sequence[tuple[Any, ...]]
    results: tuple[str, ...]
    mistakes: Sequence[tuple[Callable[..., Any], str]]
    praise: str
    tolerance: float = TOLERANCE
    measure: Callable[..., Any] | None = None

    def __call__(self, answer: Callable[..., Any]) -> Verdict:
        if not callable(answer):
            return Verdict(False, f"The check takes your function itself; {answer!r} came.")
        for case in self.cases:
            if (fault := self.fault(answer, case)) is not None:
                hint = next((hint for mistake, hint in self.mistakes if self.agree(answer, mistake)), "")
                return Verdict(False, f"{fault}\n{hint}".strip())
        return Verdict(True, self.praise)

    def fault(self, answer: Callable[..., Any], case: tuple[Any, ...]) -> str | None:
        """Say what is wrong with the answer in one case; None if nothing is."""
        names = list(inspect.signature(self.right).parameters)
        call = f"With {', '.join(f'{name} = {shown(value)}' for name, value in zip(names, case))}"
        right = self.numbers(self.right(*copies(case)), case)
        try:
            results = self.numbers(answer(*copies(case)), case)
        except Exception as error:  # the reader's code may raise anything, and the message must say what
            if "ellipsis" in str(error):
                return "There is still a `...` to be replaced."
            return f"{call}, your function raises {type(error).__name__}: {error}"
        if len(results) == 1 and results[0] is None:
            return f"{call}, your function returns None."
        if any(result is ... for result in results):
            return "There is still a `...` to be replaced."
        if len(results) != len(right):
            return f"Return {len(right)} results, {', '.join(self.results)}; {len(results)} came."
        for name, result, wanted in zip(self.results, results, right):
            if result is None:
                return f"{call}, {name} is None. Does your function return it?"
            wanted = np.asarray(wanted)
            try:
                result = np.asarray(result, dtype=float)
            except (TypeError, ValueError):
                return f"{call}, {name} should be made of numbers; {result!r} came."
            if result.shape != wanted.shape:
                return f"{call}, {name} should have the shape {wanted.shape}; yours has {result.shape}."
            if not np.allclose(result, wanted, self.tolerance, self.tolerance):
                return f"{call}, {name} should be {shown(wanted)}; yours is {shown(result)}."
        return None

    def numbers(self, results: Any, case: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.measure is not None and results is not ... and results is not None:
            results = self.measure(results, *case)
        return results if isinstance(results, tuple) else (results,)

    def agree(self, answer: Callable[..., Any], mistake: Callable[..., Any]) -> bool:
        """Tell whether the answer makes exactly this mistake."""
        return bool(replace(self, right=mistake, mistakes=())(answer))


def copies(case: tuple[Any, ...]) -> list[Any]:
    """Copy arrays and lists, so that an answer that writes into its arguments spoils nothing."""
    return [value.copy() if isinstance(value, (np.ndarray, list)) else value for value in case]


def shown(value: Any) -> str:
    if callable(value):
        return value.__name__
    if isinstance(value, np.ndarray) and value.ndim:
        text = np.array2string(value, separator=", ", formatter={"float_kind": "{:.4g}".format})
        text = re.sub(r"\n\s*", " ", text)
        return text if len(text) <= 120 else f"an array of shape {value.shape}"
    return f"{float(value):.6g}" if isinstance(value, (int, float, np.ndarray, np.number)) else repr(value)
