"""Errors that teach: in front of NumPy's words the op and its arguments, behind them what to do."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

KINDS = (
    np.exceptions.AxisError, np.linalg.LinAlgError, IndexError, ValueError, TypeError, ZeroDivisionError, OverflowError,
    MemoryError, FloatingPointError,
)  # fmt: skip

ADVICE = {  # what NumPy says: what to do
    "be broadcast": "Axis by axis from the last, lengths must be equal or 1; x[:, None] gives x another axis.",
    "in its core dimension": "Where they meet the arrays must be equally long, (n, k) @ (k, m): is one to be transposed?",
    "not aligned": "The last axes, which are summed over, must be equally long.",
    "shape-mismatch for sum": "The axes that are summed over must be equally long.",
    "not have enough dimensions": "A product with a number is written with *.",
    "for array of dimension": "Axes are counted from 0, or backwards from -1.",
    "is out of bounds for axis": "Entries are counted from 0, or backwards from -1.",
    "too many indices": "Write at most one index for each axis.",
    "must be of integer (or boolean) type": "Convert the index: i.astype(int).",
    "are valid indices": "Convert a float with int(i).",
    "boolean index did not match": "A mask has the shape of what it picks from.",
    "cannot reshape": "The number of entries stays; -1 stands for the length that follows from the others.",
    "except for the concatenation axis": "Choose another axis, or give them equal lengths along the others.",
    "must have same number of dimensions": "x[None] gives x another axis.",
    "must have the same shape": "np.concatenate joins arrays of different lengths.",
    "zero-size array": "Look at .size first.",
    "to squeeze out": "An index, x[0], drops a longer axis.",
    "must be square": "It is defined for matrices, of shape (..., n, n).",
    "Singular matrix": "np.linalg.pinv is defined for every matrix.",
    "not positive definite": "Rounding? A small multiple of np.eye(n) added may make it so.",
    "be interpreted as an integer": "Axes, lengths and shapes are ints, or tuples of ints.",
    "unsupported operand": "Compute with numbers, arrays of numbers and Tensors.",
    "did not contain a loop": "Compute with numbers, arrays of numbers and Tensors.",
}


def explain(error: Exception, name: str, arguments: Sequence[Any]) -> Exception:
    """Turn NumPy's error into one that names the op and its arguments, of the same built-in kind."""
    call = f"{name}({', '.join(map(describe, arguments))})"
    kind = next((kind for kind in KINDS if isinstance(error, kind)), None)
    if kind is None:
        error.add_note(f"in {call}")
        return error
    text = str(error).strip().rstrip(".")
    return kind(f"{call}: {text}. {next((what for said, what in ADVICE.items() if said in text), '')}".rstrip())


def describe(x: Any) -> str:
    if hasattr(x, "dtype"):
        name = getattr(x, "name", None)
        return f"{name}: {x.dtype} {x.shape}" if name else f"{x.dtype} {x.shape}"
    return repr(x) if isinstance(x, (int, float, complex, str, type(None))) else type(x).__name__


def array_of_numbers(value: Any, whose: str) -> np.ndarray:
    """Give `value` as an array, without a copy if it is one; raise if that does not hold floats, ints or bools."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{whose} takes a number, nested lists of equal lengths, or an array. {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{whose} takes floats, ints or bools; {type(value).__name__} gave an array of dtype {array.dtype}."
        )
    return array


def refuse_misfit(
    function: Any, rules: Sequence[Any], forward: Callable[..., Any] | None = None, variadic: bool = False, **_: Any
) -> None:
    """Raise TypeError if the local gradients don't fit the function: in kind, in number, in what they take."""
    if not callable(function):
        raise TypeError(f"an op is a function on arrays; {type(function).__name__} came.")
    n, options = len(rules), set()
    for rule in (rule for rule in rules if rule is not None):
        taken = list(inspect.signature(rule).parameters.values()) if callable(rule) else None
        if taken is None or len(taken) < 2 + n and not any(p.kind is p.VAR_POSITIONAL for p in taken):
            came = type(rule).__name__ if taken is None else f"a function of ({', '.join(p.name for p in taken)})"
            raise TypeError(
                f"a local gradient of {function.__name__} is a function of the upstream gradient, the result and the "
                f"arguments, (g, out, {', '.join('xyz'[:n])}), or None; {came} came."
            )
        options.update(p.name for p in taken[2 + n :])
    try:
        takes = [p for p in inspect.signature(forward or function).parameters.values() if p.kind <= p.VAR_POSITIONAL]
    except ValueError:  # written in C
        takes = None
    if not n or not variadic and takes and not fits(n, takes, options):
        raise TypeError(
            f"{function.__name__} takes ({', '.join(map(str, takes or ()))}); {n} local gradients came. Give one for each "
            "array, None for an array without a gradient. What it takes besides must be an option of the local gradients."
        )


def fits(n: int, takes: Sequence[inspect.Parameter], options: set[str]) -> bool:
    """Tell whether n arrays and the options make a call."""
    if any(p.kind is p.VAR_POSITIONAL for p in takes):
        return True
    return len(takes) >= n and all(p.default is not p.empty or p.name in options for p in takes[n:])
