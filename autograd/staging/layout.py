"""From statements to the text of a module: headings, comments in a column, functions on top."""

import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from .emit import Line, Loop, Source

INDENT = "    "
MARGIN = 100
COMMENT = 64  # column up to which comments are lined up
LEAST = 4  # statements that a scope needs for a heading of its own
NUMBERS = 6  # entries that are shown of an array


def module(source: Source, notes: Sequence[str], values: bool) -> str:
    """Write the whole: imports, functions that NumPy lacks, forward and backward pass in one function."""
    parameters = [*source.arguments, *source.held, *source.seeds]
    body = [*source.assertion]
    body += section(source.forward, "forward", values)
    if source.backward:
        body += section(source.backward, "backward", values)
    returned = f"return {tuple_of(source.outputs, False)}, {tuple_of(source.gradients, True)}"
    if len(returned) > MARGIN:
        returned = "\n".join([f"return {tuple_of(source.outputs, False)}, (", *wrapped(source.gradients), ")"])
    body += ["", *returned.split("\n")]
    return "\n".join([*head(source, notes), *define("forward_and_backward", parameters, body)]) + "\n"


def forward_module(source: Source) -> str:
    """Write the forward pass alone."""
    body = [*source.assertion, *section(source.forward, "forward", False), f"return {tuple_of(source.outputs, False)}"]
    return "\n".join([*head(source, ()), *define("forward", [*source.arguments, *source.held], body)]) + "\n"


def head(source: Source, notes: Sequence[str]) -> list[str]:
    lines = ["import numpy as np"]
    for name in source.definitions.foreign:
        lines += ["", f"# {name}() is an op of yours that could not be written out: put it beside this code."]
    if notes:
        lines += ["", "# Fixed as it was in the example:", *(f"# - {note}" for note in notes)]
    for text in source.definitions.sources.values():
        lines += ["", "", text] if text.startswith("def ") else ["", text]
    return [*lines, "", ""]


def define(name: str, parameters: list[str], body: list[str]) -> list[str]:
    first = f"def {name}({', '.join(parameters)}):"
    opening = [first] if len(first) <= MARGIN else [f"def {name}(", *wrapped(parameters), "):"]
    return [*opening, *(INDENT + line if line else "" for line in body)]


def wrapped(items: list[str]) -> list[str]:
    """Break a list into lines."""
    lines = [INDENT]
    for item in items:
        if len(lines[-1]) + len(item) > MARGIN - 2:
            lines[-1] = lines[-1].rstrip()
            lines.append(INDENT)
        lines[-1] += f"{item}, "
    return [line.rstrip() for line in lines]


def tuple_of(names: list[str], always: bool) -> str:
    if len(names) == 1 and not always:
        return names[0]
    return f"({', '.join(names)}{',' * (len(names) == 1)})"


def section(items: Sequence[Line | Loop], title: str, values: bool) -> list[str]:
    """Write statements in blocks, one for each scope and each loop, each with a heading."""
    text: list[str] = []
    plain: list[Line] = []
    for item in items:
        if isinstance(item, Line):
            plain.append(item)
            continue
        text += blocks(plain, title, values)
        plain = []
        text += ["", f"# {title}{item.title and ': '}{item.title}", *item.before, item.header]
        text += [INDENT + line for line in block(item.lines, values)]
    return text + blocks(plain, title, values)


def blocks(lines: list[Line], title: str, values: bool) -> list[str]:
    text: list[str] = []
    for scope, group in groupby(zip(lines, shown(lines)), key=lambda pair: pair[1]):
        path = f": {' / '.join(scope.path)}" if scope else ""
        text += ["", f"# {title}{path}", *block([line for line, _ in group], values)]
    return text


def shown(lines: list[Line]) -> list[Any]:
    """Choose the scope that each statement stands under: the innermost that has enough of them."""
    counts: dict[Any, int] = {}
    for line in lines:
        scope = line.scope
        while scope:
            counts[scope] = counts.get(scope, 0) + 1
            scope = scope.parent
    found = []
    for line in lines:
        scope = line.scope
        while scope and counts[scope] < LEAST:
            scope = scope.parent
        found.append(scope)
    return found


def block(lines: list[Line], values: bool) -> list[str]:
    """Write statements with their comments in one column, as far as that is near."""
    comments = []
    for line in lines:
        parts = [f"= {numbers(line.data)}"] if values and line.data is not None else []
        comments.append(", from ".join([*parts, line.origin]) if line.origin else "".join(parts))
    lengths = [width(line.code) for line, comment in zip(lines, comments) if comment]
    column = max((n for n in lengths if n <= COMMENT), default=0)
    return [
        f"{line.code}{' ' * (column - width(line.code))}  # {comment}" if comment else line.code
        for line, comment in zip(lines, comments)
    ]


def width(text: str) -> int:
    """Count the columns that a text takes: the tilde of c̃ takes none."""
    return sum(not unicodedata.combining(c) for c in text)


def numbers(data: Any) -> str:
    """Write the entries of a small array, or the shape and the range of a large one."""
    array = np.asarray(data)
    if array.size <= NUMBERS:
        return np.array2string(array, precision=4, separator=", ", suppress_small=True).replace("\n", "")
    if array.dtype == bool:
        return f"{np.count_nonzero(array)} of {array.size} true"
    return f"{array.shape} from {array.min():.4g} to {array.max():.4g}"
