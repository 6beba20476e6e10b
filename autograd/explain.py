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
    "in its core dimension": "The axes that meet must be equally long, (n, k) @ (k, m): is one to be transposed?",
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

# ---- what can't be done with a Tensor, and what can ----

CUT_FROM_GRAPH = (
    "Tensor() around {} would cut it from its graph. Use the tensor itself, or Tensor(t.data) for a copy without "
    "its history."
)
FRACTIONS = "{} is {}; floats would lose their fractions in it. Round them first."
LEAF_ONLY = "requires_grad can be set on a leaf only, not on {}. detach() gives a leaf without history."
FLOATS_ONLY = (
    "only float tensors can require a gradient; this one is {}. Write 3.0 instead of 3, or convert the array with "
    ".astype(float)."
)
NO_UPSTREAM = (
    "the gradient of {} is not defined without an upstream gradient: reduce it to one number first (loss.sum(), "
    "loss.mean()) or pass the gradient, an array of that shape."
)
NO_ARRAY = (
    "a Tensor does not turn into an ndarray by itself, because its gradient would be lost. Use np.stack([t, u]) or "
    "np.concatenate to put tensors together, np.where or indexing instead of assignment, .data for the value."
)
NO_ASSIGNMENT = (
    "a Tensor can't be assigned to item by item, because what it was computed from would be lost. Build the new "
    "value with autograd.put(t, index, value), np.where or np.concatenate; to change a leaf, write t.data[...] before "
    "using it."
)
NO_DELETION = "entries of a Tensor can't be deleted. Build a new one: np.delete(t, index), or pick what stays."
NO_INDEX = (
    "{} is {}; only an int Tensor of shape () counts, or stands for a position. Convert with int(t.item()); a shape"
    " is t.shape."
)
NO_TRUTH = (
    "a tensor of shape {} is neither true nor false. Use np.where(condition, x, y), or .data.any() and .data.all()."
)
PART_OF_GRAPH = "{} is part of a computation graph and can't be copied or pickled with it; copy t.detach() or t.data."
NO_FLOW = (
    "backward() from {}, which no gradient flows to: none of the tensors it was computed from has "
    "requires_grad=True, or it was computed under no_grad(). Make the leaves with Tensor(data, requires_grad=True)."
)
NOT_COMPUTED = (
    "grad() of a {}: only a Tensor remembers how it was computed. The derivative of a function: value_and_grad(f)(x)."
)
UPSTREAMS = (
    "{} outputs need as many upstream gradients; {} came. (A list holds one for each output. The gradient of a "
    "single output can be an array.)"
)
NOT_RECORDED = (
    "grad() by {}: a gradient is recorded only for Tensors with requires_grad=True. Make it with Tensor(data, "
    "requires_grad=True) before computing with it."
)


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


def no_rule(function: Any) -> TypeError:
    """Name a function that is not in the table, and three ways on."""
    name = f"{getattr(function, '__module__', None) or 'numpy'}.{function.__name__}"
    return TypeError(
        f"{name} has no rule for Tensors, so its gradient would be lost. Write it with ops that have one, add a rule "
        "(autograd.define), or compute with .data if it needs no gradient."
    )


def too_many(op: Any, came: int) -> TypeError:
    """Say what an op takes by position, and what by name."""
    n = len(op.local_gradients)
    takes = " and ".join([f"{n} array{'s'[n == 1 :]}", *op.options])
    by_name = f" By name it takes: {', '.join(op.keyword_only)}." if op.keyword_only else ""
    return TypeError(f"{op.name} of a Tensor takes {takes} by position; {came} arguments came.{by_name}")


def unsupported(ufunc: np.ufunc, method: str, options: dict[str, Any]) -> TypeError:
    """Say why np.add.reduce(t), np.add(a, t, out=a) or np.exp(t, dtype=...) has no gradient."""
    what = f"np.{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
    if options:
        what += f" with {', '.join(name + '=' for name in options)}"
    if method == "at" or "out" in options:
        why = "an array can't be written into and keep its history. Write x = x + t instead of x += t, and"
        why += " autograd.put(x, index, x[index] + t) instead of np.add.at"
    elif method == "__call__":
        why = "an op takes no such options. Convert with .astype(), choose with np.where"
    else:
        why = "no method of a ufunc has a rule. Use np.sum for np.add.reduce, x[:, None] + y for np.add.outer"
    return TypeError(f"{what} of a Tensor has no gradient: {why}, or compute with .data if it needs none.")


def no_number(what: str, tensor: Any) -> Exception:
    """Say why a Tensor does not turn into a number by itself."""
    ways = "np.sin(t) instead of math.sin(t), and np.stack or np.where instead of array[0] = t"
    if tensor.size != 1:
        return ValueError(f"{what}: only a tensor of one element is a number, not {tensor.label}. Use {ways}.")
    return TypeError(
        f"{what} would lose the gradient of {tensor.label}. Use t.item() for the number alone; {ways}, to keep the "
        "gradient."
    )


def wrong_result(name: str, out: Any) -> TypeError:
    array = isinstance(out, (np.ndarray, np.generic))
    what = out.dtype if array else "a Tensor, since an option is one; pass numbers (.data)"
    return TypeError(f"{name} gave {what}; a Tensor holds floats, ints or bools.")


def wrong_gradient(op: Any, piece: Any, value: Any) -> Exception:
    """Say what is wrong with what a local gradient gave for an argument of this value."""
    what = f"the local gradient of {op.name}"
    if not hasattr(piece, "shape"):
        return TypeError(
            f"{what} gave a {type(piece).__name__}; it must give the upstream gradient g times the derivative, "
            "an array."
        )
    if piece.dtype.kind == "c":
        return TypeError(
            f"{what} is complex, and its argument {value.dtype}: half of it would be lost. Compute with the real and "
            "the imaginary part as two real tensors."
        )
    return ValueError(
        f"{what} has shape {piece.shape}; it must have that of the argument, {value.shape}, or one that {value.shape} "
        "broadcasts to."
    )


def one_each(pieces: Any, node: Any) -> Sequence[Any]:
    """Check that the rule of a variadic op gave a gradient for every argument."""
    if not isinstance(pieces, (list, tuple)) or len(pieces) != len(node.values):
        came = type(pieces).__name__
        if isinstance(pieces, (list, tuple)):
            came = f"{len(pieces)} in a {came}"
        raise TypeError(
            f"the local gradient of {node.op.name} must give a list with one gradient for each of its "
            f"{len(node.values)} arguments; {came} came."
        )
    return pieces


def refuse_others(sequence: Any, kind: type, what: str) -> None:
    """Raise TypeError for anything but a sequence of Tensors, also for a single one."""
    if isinstance(sequence, kind) or not all(isinstance(x, kind) for x in sequence):
        came = type(sequence).__name__ if isinstance(sequence, kind) else [type(x).__name__ for x in sequence]
        raise TypeError(f"{what} takes a list of Tensors; {came} came.")


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
    n = len(rules)
    options: set[str] = set()
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
    except ValueError:  # written in C; ufuncs have signatures since NumPy 2.3
        arity = getattr(function, "nin", 0)
        takes = [inspect.Parameter(x, inspect.Parameter.POSITIONAL_ONLY) for x in "xyz"[:arity]]
    if not n or not variadic and takes and not fits(n, takes, options):
        raise TypeError(
            f"{function.__name__} takes ({', '.join(map(str, takes or ()))}); {n} local gradients came. Give one for "
            "each array, None for an array without a gradient. What it takes besides must be an option of the local "
            "gradients."
        )


def fits(n: int, takes: Sequence[inspect.Parameter], options: set[str]) -> bool:
    """Tell whether n arrays and the options make a call."""
    if any(p.kind is p.VAR_POSITIONAL for p in takes):
        return True
    return len(takes) >= n and all(p.default is not p.empty or p.name in options for p in takes[n:])


def giving_an_array(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Have what does not compute an array found out where it is called."""

    def call(*args: Any, **options: Any) -> Any:
        out = forward(*args, **options)
        if not isinstance(out, (np.ndarray, np.generic)):
            raise TypeError(f"an op returns an array, or np.float64(y) of a number; this one a {type(out).__name__}")
        return out

    return call
