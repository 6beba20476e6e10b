"""Names for what a program computes: the user's, made into identifiers that differ."""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ..tensor import Tensor
from .program import Program, Value


def identifier(name: str) -> str:
    """Make an identifier: lstm.weight_ih becomes lstm_weight_ih. Letters of any alphabet stay, as Python allows."""
    text = unicodedata.normalize("NFKC", name)
    text = "".join(c if f"x{c}".isidentifier() else "_" for c in text)
    text = re.sub("_+", "_", text).strip("_") or "x"
    text = text if text.isidentifier() else f"x{text}"
    return text + "_" if keyword.iskeyword(text) or text == "np" or hasattr(builtins, text) else text


class Names:
    """Identifiers in use."""

    def __init__(self, taken: Iterable[str] = ()):
        self.taken = {"np", *taken}
        self.last: dict[str, int] = {}  # numbers given to names so far

    def take(self, name: str, first: int | None = None) -> str:
        """Take a name, or the first of name1, name2 ... that is free; `first` numbers it in any case."""
        if first is None and name not in self.taken:
            self.taken.add(name)
            return name
        number = max(first or 1, self.last.get(name, 0) + 1)
        while f"{name}{number}" in self.taken:
            number += 1
        self.last[name] = number
        self.taken.add(f"{name}{number}")
        return f"{name}{number}"


def outside(f: Callable[..., Any], names: Mapping[str, Any]) -> dict[Tensor, str]:
    """Name the Tensors that a function may find outside, the parameters of modules among them; `names` add to these."""
    found: dict[Tensor, str] = {}
    for path, thing in [*surroundings(f), *names.items()]:
        for name, tensor in tensors(path, thing):
            found.setdefault(tensor, name)
    return found


def surroundings(f: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, object) for what a function can reach: its closure, the globals that it names, `self`, defaults."""
    if isinstance(f, partial):
        yield from surroundings(f.func)
        yield from ((f"arg{i}", x) for i, x in enumerate(f.args))
        yield from f.keywords.items()
    elif hasattr(f, "named_parameters"):
        yield "", f
    owner = getattr(f, "__self__", None)
    if owner is not None:
        yield "", owner
    code = getattr(f, "__code__", None)
    if code is None:
        return
    for name, cell in zip(code.co_freevars, f.__closure__ or ()):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    yield from ((name, f.__globals__[name]) for name in code.co_names if name in f.__globals__)


def tensors(path: str, thing: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield (name, tensor) for a Tensor, for the parameters of a module, for the parts of a list, tuple or dict."""
    if isinstance(thing, Tensor):
        yield path, thing
    elif hasattr(thing, "named_parameters") and not isinstance(thing, type):
        for name, parameter in thing.named_parameters():
            yield f"{path}_{name}" if path else name, parameter
    elif isinstance(thing, (list, tuple, dict)):
        for key, part in thing.items() if isinstance(thing, dict) else enumerate(thing):
            if isinstance(part, Tensor) or hasattr(part, "named_parameters"):
                yield from tensors(f"{path}_{key}", part)


def name_values(program: Program, statements: list[Value], taken: Iterable[str]) -> dict[Value, str]:
    """Give every input and every statement of the forward pass a name of its own.

    An input has its name first. A name that is borne several times, as in a loop, is numbered; values without one are
    h1, h2 ..., or a1, a2 ... where the user has an h.
    """
    names = Names(taken)
    found: dict[Value, str] = {}
    for i, value in enumerate(program.inputs):
        found[value] = names.take(identifier(value.name or f"p{i + 1}"))
    wishes = {value: identifier(value.name) for value in statements if value.name}
    counts: dict[str, int] = {}
    for wish in wishes.values():
        counts[wish] = counts.get(wish, 0) + 1
    stems = {re.sub(r"\d+$", "", name) for name in [*found.values(), *wishes.values()]}
    letter = next(letter for letter in ("h", "a", "u", "v", "s", "value") if letter not in stems)
    for value, wish in wishes.items():
        if counts[wish] == 1:
            found[value] = names.take(wish)
    for value in statements:
        if value in found:
            continue
        found[value] = names.take(wishes[value], 1) if value in wishes else names.take(letter, 1)
    return found
