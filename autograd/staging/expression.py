"""How an op is written in NumPy: operators, methods, functions, with no more parentheses than Python needs."""

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .program import Value


class Text(NamedTuple):
    """An expression, and how tightly its outermost operator binds (the rows of Python's table of operators)."""

    text: str
    level: int

    def at(self, level: int) -> str:
        """Write it as an operand: in parentheses if it binds less tightly than that."""
        return self.text if self.level >= level else f"({self.text})"


LONGEST = 120  # characters of an array that is written out

COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)
INFIX = {
    np.add: ("+", SUM), np.subtract: ("-", SUM),
    np.multiply: ("*", PRODUCT), np.divide: ("/", PRODUCT), np.matmul: ("@", PRODUCT),
    np.floor_divide: ("//", PRODUCT), np.remainder: ("%", PRODUCT),
    np.less: ("<", COMPARISON), np.less_equal: ("<=", COMPARISON), np.greater: (">", COMPARISON),
    np.greater_equal: (">=", COMPARISON), np.equal: ("==", COMPARISON), np.not_equal: ("!=", COMPARISON),
}  # fmt: skip
METHODS = {np.sum, np.mean, np.max, np.min, np.prod, np.var, np.std, np.cumsum, np.cumprod}  # x.sum(0)
Write = Callable[[Value], Text]


def write(value: Value, operand: Write, name_of: Callable[[Any], str], shape_of: dict[tuple[int, ...], str]) -> Text:
    """Write the expression of a value.

    operand   writes one of its arguments
    name_of   what a function is called
    shape_of  shapes that have a name here, such as `x.shape`
    """
    assert value.op is not None
    function: Any = value.op.function
    args, options = value.args, value.options
    write_one = Writer(value, operand, shape_of)
    if value.op.variadic:
        items = ", ".join(write_one.argument(x) for x in args)
        return call(name_of(function), [f"[{items}]", *write_one.keywords(options)])
    if function in INFIX:
        symbol, level = INFIX[function]
        x, y = map(write_one.text, args)
        return Text(f"{x.at(level + (level == COMPARISON))} {symbol} {y.at(level + 1)}", level)
    x = write_one.text(args[0])
    rank = np.ndim(args[0].data) if isinstance(args[0], Value) else 0
    if function in (np.negative, np.positive):
        return Text(f"{'-' if function is np.negative else '+'}{x.at(POWER)}", SIGN)
    if function is np.power:
        y = write_one.text(args[1])
        tight = x.level == y.level == ATOM
        return Text(f"{x.at(ATOM)}{'**' if tight else ' ** '}{y.at(SIGN)}", POWER)
    if function is operator.getitem:
        return Text(f"{x.at(ATOM)}[{write_one.index(options['index'])}]", ATOM)
    if function is np.inner and rank and args[1].ndim == 2:
        return Text(f"{x.at(PRODUCT)} @ {write_one.text(args[1]).at(ATOM)}.T", PRODUCT)
    if function.__name__ == "einsum":
        y = write_one.text(args[1])
        optimize = ["optimize=True"] if options.get("optimize") else []
        return call("np.einsum", [repr(options["subscripts"]), x.text, y.text, *optimize])
    if rank:
        if turned := transposition(function, options, rank):
            return Text(f"{x.at(ATOM)}.{turned}", ATOM)
        if function is np.reshape:
            return method(x, "reshape", [write_one.shape()])
        if function is np.astype:
            return method(x, "astype", write_one.positional(options))
        if function is np.copy:
            return method(x, "copy", [])
        if function is np.expand_dims:
            axes = np.atleast_1d(options["axis"]) % value.ndim
            places = ["None" if i in axes else ":" for i in range(max(axes, default=-1) + 1)] or ["..."]
            return Text(f"{x.at(ATOM)}[{', '.join(places)}]", ATOM)
        if function in METHODS and "correction" not in options:  # of functions only
            options = {key: option for key, option in options.items() if (key, option) != ("axis", None)}
            axis = options.pop("axis", None)
            if isinstance(axis, tuple) and len(axis) == 1:
                axis = axis[0]
            first = [] if axis is None else [repr(axis)]
            return method(x, function.__name__, [*first, *write_one.keywords(options)])
    elif function is np.astype:
        return call(write_one.plain(np.dtype(options["dtype"])), [x.text])
    elif function is np.reshape and not value.ndim:
        return x
    if function in (np.reshape, np.broadcast_to):
        return call(name_of(function), [x.text, write_one.shape()])
    return call(name_of(function), [*(write_one.argument(y) for y in args), *write_one.keywords(options)])


def call(function: str, arguments: list[str]) -> Text:
    return Text(f"{function}({', '.join(arguments)})", ATOM)


def method(x: Text, name: str, arguments: list[str]) -> Text:
    return Text(f"{x.at(ATOM)}.{name}({', '.join(arguments)})", ATOM)


def transposition(function: Any, options: dict[str, Any], rank: int) -> str:
    """Tell whether a rearrangement of axes has a short name: T or mT."""
    if function is np.swapaxes and {options["axis1"] % rank, options["axis2"] % rank} == {rank - 1, rank - 2}:
        return "T" if rank == 2 else "mT"
    if function is np.transpose:
        axes = options.get("axes")
        if axes is None or list(np.mod(axes, rank)) == list(range(rank))[::-1]:
            return "T"
    return ""


class Writer:
    """Writes the arguments and options of one value."""

    def __init__(self, value: Value, operand: Write, shape_of: dict[tuple[int, ...], str]):
        self.value, self.operand, self.shape_of = value, operand, shape_of

    def text(self, x: Any) -> Text:
        if isinstance(x, Value) and not (x.constant and x.ndim == 0):
            return self.operand(x)
        text = self.number(x.data if isinstance(x, Value) else x)
        return Text(text, SIGN if text.startswith("-") else ATOM)

    def argument(self, x: Any) -> str:
        return self.text(x).text

    def number(self, x: Any) -> str:
        """Write a number. One of NumPy's decides about the dtype of the result; it is written so where it must."""
        if isinstance(x, np.generic):
            others = [y.dtype for y in self.value.args if isinstance(y, Value) and not (y.constant and y.ndim == 0)]
            return self.plain(x.item()) if x.dtype in others else f"{self.plain(x.dtype)}({self.plain(x.item())})"
        return self.plain(x)

    def plain(self, x: Any) -> str:
        """Write an option, as Python would."""
        if isinstance(x, Value):
            return self.plain(x.data) if x.constant and x.ndim == 0 else self.operand(x).text
        if isinstance(x, (bool, np.bool)):
            return str(bool(x))
        if isinstance(x, (float, np.floating)) and not np.isfinite(x):
            return "np.nan" if np.isnan(x) else "np.inf" if x > 0 else "-np.inf"
        if isinstance(x, np.generic):
            return repr(x.item())
        if isinstance(x, type) and issubclass(x, np.generic) or isinstance(x, np.dtype):
            return f"np.{np.dtype(x).name}" if np.dtype(x) != bool else "np.bool"
        if isinstance(x, tuple):
            return f"({', '.join(map(self.plain, x))}{',' * (len(x) == 1)})"
        if isinstance(x, list):
            return f"[{', '.join(map(self.plain, x))}]"
        return repr(x)

    def shape(self) -> str:
        """Write the shape of the value: the name of one that it equals, or its lengths."""
        return self.shape_of.get(self.value.shape) or repr(self.value.shape)

    def keywords(self, options: dict[str, Any]) -> list[str]:
        return [f"{key}={self.plain(option)}" for key, option in options.items()]

    def positional(self, options: dict[str, Any]) -> list[str]:
        return [self.plain(option) for option in options.values()]

    def index(self, index: Any) -> str:
        """Write what stands between the brackets."""
        parts = index if isinstance(index, tuple) else (index,)
        return ", ".join(map(self.place, parts)) if parts else "()"

    def place(self, x: Any) -> str:
        if isinstance(x, slice):
            ends = ["" if end is None else str(end) for end in (x.start, x.stop, x.step)]
            return ":".join(ends[:2] if not ends[2] else ends)
        if isinstance(x, Value) and short_list(x):
            return repr(x.data.tolist())
        return "..." if x is Ellipsis else self.plain(x)


def literal(array: np.ndarray, write: Callable[[Any], str]) -> str | None:
    """Write an array as code; None for one that is too large to be read."""
    dtype = "" if array.dtype in (np.float64, np.int64, np.bool) else f", dtype={write(array.dtype)}"
    shape = repr(array.shape) if array.ndim != 1 else str(array.size)
    first = array.flat[0] if array.size else array.dtype.type(0)
    if array.size > 1 and np.array_equal(array, np.full(array.shape, first), equal_nan=array.dtype.kind == "f"):
        filled = {0.0: "zeros", 1.0: "ones"}.get(float(first)) if array.dtype.kind == "f" else None
        return f"np.{filled}({shape}{dtype})" if filled else f"np.full({shape}, {write(first.item())}{dtype})"
    if not array.size:
        return f"np.zeros({shape}, dtype={write(array.dtype)})"
    if array.ndim == 1 and array.size > 4 and array.dtype == np.int64 and np.array_equal(array, np.arange(array.size)):
        return f"np.arange({array.size})"
    text = f"np.array({write(array.tolist())}{dtype})" if array.size < LONGEST else ""
    return text if 0 < len(text) <= LONGEST else None


def short_list(value: Value) -> bool:
    """Tell whether an index is a list so short that it stands between the brackets."""
    return value.constant and value.name is None and value.dtype == int and value.ndim == 1 and 0 < value.data.size < 7
