"""A computation as a flat list of values, each after its arguments: what the passes rewrite and code is made of."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..op import Op


class Value:
    """One array of a program, and how it is computed.

    op       None for an input or a constant
    args     Values, numbers, None; the arrays of a variadic op stand side by side
    options  of the op; Values may stand in an index
    operands the Values among both, one for each use
    data     the array when the program was traced; of a constant, the array itself
    name     what the user calls it, or None
    scope    the innermost `with scope(...)` in which it was computed
    """

    __slots__ = ("op", "args", "options", "data", "name", "scope", "constant", "operands")

    def __init__(
        self,
        data: Any,
        op: Op | None = None,
        args: tuple[Any, ...] = (),
        options: dict[str, Any] | None = None,
        name: str | None = None,
        scope: Any = None,
        constant: bool = False,
    ):
        self.data, self.op, self.args, self.options = data, op, args, options or {}
        self.name, self.scope, self.constant = name, scope, constant
        found: list[Value] = []
        for x in (*args, *options.values()) if options else args:
            if isinstance(x, Value):
                found.append(x)
            elif isinstance(x, (tuple, list)):
                transform(x, found.append)
        self.operands = tuple(found)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def function(self) -> Callable[..., Any] | None:
        return self.op.function if self.op else None

    def __repr__(self) -> str:
        kind = self.op.name if self.op else "constant" if self.constant else "input"
        return f"<{kind} {self.name or ''}{self.shape} {self.dtype}>"


@dataclass(frozen=True)
class Contribution:
    """What the chain rule sends from one op to one of its arguments: a term of the argument's gradient.

    through  the op's result; None where the gradient comes from outside, or from a hook
    of       the argument
    piece    the term
    """

    through: Value | None
    of: Value
    piece: Value


@dataclass
class Program:
    """A traced function, forward and backward.

    inputs         what the code is called with: the arguments, tensors taken from outside, upstream gradients (`seeds`)
    wanted         the inputs whose gradient is computed
    gradients      the complete gradient of every value on the way, sums of the pieces of its contributions
    contributions  in the order of the backward pass
    """

    values: list[Value]
    inputs: list[Value]
    seeds: list[Value]
    outputs: list[Value]
    wanted: list[Value]
    gradients: dict[Value, Value]
    contributions: list[Contribution] = field(default_factory=list)

    @property
    def results(self) -> list[Value]:
        """List what the code returns."""
        return self.outputs + [self.gradients[x] for x in self.wanted if x in self.gradients]

    def __str__(self) -> str:
        """Write one line for each value, numbered."""
        number = {value: f"%{i}" for i, value in enumerate(dict.fromkeys([*self.inputs, *self.values]))}

        def text(x: Any) -> str:
            if isinstance(x, (list, tuple)):
                return f"({', '.join(map(text, x))})"
            return number.get(x, repr(x)) if isinstance(x, Value) else repr(x)

        lines = []
        for value, name in number.items():
            what = value.name or ("constant" if value.constant else "input")
            if value.op:
                options = [f"{key}={text(option)}" for key, option in value.options.items()]
                what = f"{value.op.name}({', '.join([*map(text, value.args), *options])})"
            lines.append(f"{name} = {what}    {value.dtype}{list(value.shape)}")
        return "\n".join([*lines, f"return {', '.join(map(text, self.results))}"])


def transform(x: Any, change: Callable[[Value], Any]) -> Any:
    """Apply `change` to the Values in an argument or option, also inside tuples and lists."""
    if isinstance(x, Value):
        return change(x)
    if isinstance(x, (tuple, list)):
        return type(x)(transform(part, change) for part in x)
    return x


def readers(program: Program) -> dict[Value, list[Value]]:
    """List for each value those that are computed from it, one entry a use."""
    found: dict[Value, list[Value]] = defaultdict(list)
    for value in program.values:
        for x in value.operands:
            found[x].append(value)
    return found


def rewrite(
    program: Program, rule: Callable[[Value], Any] = lambda value: value, instead: dict[Value, Value] | None = None
) -> Program:
    """Go through the values in order: `rule` gives a Value, perhaps the same, or several, the last in place of it.

    The arguments that the rule sees are rewritten already. Nothing of the old program is changed.
    `instead` names values that are dropped, and those among the others that are read in place of them.
    """
    instead = instead or {}
    new: dict[Value, Value] = {}
    values: dict[Value, None] = {}
    given = {*program.inputs, *program.seeds}

    def to(x: Value) -> Value:
        while x in instead:
            x = instead[x]
        return new.get(x, x)

    for value in program.values:
        if value in instead:
            continue
        changed = value
        if not (new.keys().isdisjoint(value.operands) and instead.keys().isdisjoint(value.operands)):
            changed = changed_operands(value, to)
        made = rule(changed)
        for x in made if isinstance(made, list) else (made,):
            if x not in given:
                values[x] = None
        last = made[-1] if isinstance(made, list) else made
        if last is not value:
            new[value] = last

    return replace(
        program,
        values=list(values),
        outputs=[to(x) for x in program.outputs],
        gradients={to(x): to(g) for x, g in program.gradients.items()},
        contributions=[Contribution(c.through and to(c.through), to(c.of), to(c.piece)) for c in program.contributions],
    )


def changed_operands(value: Value, change: Callable[[Value], Value]) -> Value:
    """Give a value like another, with other operands."""
    args = tuple([change(x) if isinstance(x, Value) else transform(x, change) for x in value.args])
    options = value.options
    if len(value.operands) > sum(isinstance(x, Value) for x in value.args):
        options = {name: transform(option, change) for name, option in options.items()}
    return Value(value.data, value.op, args, options, value.name, value.scope, value.constant)


def keep(program: Program, wanted: Iterable[Value]) -> list[Value]:
    """List the values that the wanted ones are computed from, in order."""
    needed = set(wanted)
    for value in reversed(program.values):
        if value in needed:
            needed.update(value.operands)
    return [value for value in program.values if value in needed]
