"""From a program to NumPy source, in the manner of CS231n's staged backpropagation.

Forward, one statement for each op. Backward, one for each op and argument: what the op sends there. The sum of a
gradient's pieces is written as `dx = ...` and `dx += ...`; all else is written inside these statements.
"""

import operator
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from ..ops.indexing import names_once, scatter_add
from .definitions import Definitions, numpy_name
from .expression import ATOM, SIGN, SUM, Text, Writer, literal, short_list, transposition, write
from .instructions import inside
from .names import Names, name_values
from .program import Program, Value, keep, transform

WIDTH = 88  # characters of a statement, beyond which a part of it is taken out


@dataclass
class Line:
    """A statement, the forward statement that it follows from, the array that it leaves behind."""

    code: str
    origin: str = ""
    data: Any = None
    scope: Any = None


@dataclass
class Loop:
    """A block of statements that is run several times: its scopes, what stands in front of it, `for t in ...:`."""

    title: str
    before: list[str]
    header: str
    lines: list[Line]


@dataclass
class Source:
    """The parts of a program's source.

    arguments  names of the inputs
    held       arrays too large to be written out, by name; they are arguments as well
    seeds      names of the upstream gradients, with their defaults
    outputs, gradients  names of what is returned
    """

    definitions: Definitions
    arguments: list[str] = field(default_factory=list)
    seeds: list[str] = field(default_factory=list)
    held: dict[str, np.ndarray] = field(default_factory=dict)
    assertion: list[str] = field(default_factory=list)
    forward: list[Line | Loop] = field(default_factory=list)
    backward: list[Line | Loop] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    gradients: list[str] = field(default_factory=list)


class Emitter:
    """Writes a program's statements, the forward ones first.

    name    what a value is called at the moment
    inside  values that have no name, and the expression that stands for them
    gather  whether an input's gradient of many terms starts from zeros, so that all terms are written alike
    """

    def __init__(self, program: Program, gather: bool = False):
        self.program, self.gather = program, gather
        self.source = Source(Definitions())
        self.name: dict[Value, str] = {}
        self.inside: dict[Value, Text] = {}
        self.home: dict[Value, Value] = {}  # the forward statement that a value stands in
        self.code: dict[Value, str] = {}  # forward statements
        self.place = {value: i for i, value in enumerate(program.values)}
        self.terms = Counter(c.of for c in program.contributions)
        self.partial: dict[Value, list[Value]] = {}  # of each gradient: the sums so far, term by term
        for of, n in self.terms.items():
            total, sums = program.gradients[of], []
            for _ in range(n - 1):
                sums.append(total)
                total = total.args[0]
            self.partial[of] = [total, *reversed(sums)]
        self.sums = {x for sums in self.partial.values() for x in sums[1:]}
        self.forward = [x for x in keep(program, program.outputs) if x.op]
        self.forward_uses = Counter(x for value in self.forward for x in value.operands)
        self.hidden: set[Value] = set()  # forward values without a statement, and so without a gradient of their own

    def emit(self) -> Source:
        program = self.program
        functions = {x.op.name for x in program.values if x.op and not numpy_name(x.op.function)}
        statements = self.forward_statements(functions)
        uses = Counter(x for value in program.values if value not in self.sums for x in value.operands)
        uses.update(c.piece for c in program.contributions if c.of not in self.hidden)
        self.uses = uses
        self.names = Names([*self.name.values(), *functions])
        self.lines, self.scope = self.source.forward, None
        for value in statements:
            self.scope = value.scope
            line = Line(f"{self.name[value]} = {self.written(value).text}", "", value.data, value.scope)
            self.code[value] = line.code
            self.source.forward.append(line)
        self.backward_statements()
        self.finish()
        return self.source

    # ---- forward ----

    def forward_statements(self, taken: set[str]) -> list[Value]:
        """Decide which values get a statement, and name them."""
        program = self.program
        on_path = {x for c in program.contributions for x in (c.through, c.of) if x}
        every = Counter(x for value in program.values for x in value.operands)
        users = {x: value for value in self.forward for x in value.operands}
        statements: list[Value] = []
        for value in program.values:
            if value.constant and value.ndim and (value.name or every[value] > 1 and not short_list(value)):
                value.name = value.name or "k"
                if literal(value.data, Writer(value, self.operand, {}).plain):
                    statements.append(value)
        unnamed = [x for x in program.outputs if not x.name]
        bound = {x.name for x in [*program.inputs, *program.values]}
        result = next(name for name in ("out", "result", "y") if name not in bound or name == "y")
        for i, value in enumerate(unnamed):
            value.name = f"{result}{i + 1}" if len(unnamed) > 1 else result
        for value in self.forward:
            alone = not value.name and value not in program.outputs and self.forward_uses[value] == 1
            if alone and (is_view(value) or value not in on_path and every[value] == 1 and self.short(value)):
                self.hidden.add(value)
                self.home[value] = users[value]
            else:
                statements.append(value)
        self.name = name_values(program, statements, taken)
        for value in reversed(self.forward):
            home = self.home.get(value, value)
            self.home[value] = self.home.get(home, home)
        return statements

    def short(self, value: Value) -> bool:
        """Tell whether a value is written with nothing inside it but names and views."""
        return all(x not in self.hidden or is_view(x) for x in value.operands)

    # ---- expressions ----

    def operand(self, value: Value) -> Text:
        if value in self.name:
            return Text(self.name[value], ATOM)
        if value.constant:
            return self.literal(value)
        if is_view(value):
            return self.written(value)
        return self.inside.get(value) or self.expression(value)

    def literal(self, value: Value) -> Text:
        plain = Writer(value, self.operand, {}).plain
        text = literal(np.asarray(value.data), plain)
        if text is None:
            text = self.name[value] = self.names.take("array", 1)
            self.source.held[text] = value.data
        return Text(text, ATOM)

    def expression(self, value: Value, shape_of: dict[tuple[int, ...], str] | None = None) -> Text:
        """Write a value that has no name, after those that it needs: inside the statement, or in one of its own."""
        needed = self.unwritten(value)
        for x in needed:
            if x is not value and is_view(x):
                continue  # written anew at each use
            text = self.written(x, shape_of if x is value else None)
            if x is not value and self.uses[x] > 1:
                self.take_out(x, text)
            else:
                self.inside[x] = text
        return text

    def unwritten(self, value: Value) -> list[Value]:
        """List the values that this one needs and that have no expression yet, in order, itself the last."""
        found, stack = {value}, [value]
        while stack:
            for x in stack.pop().operands:
                if not x.constant and x not in self.name and x not in self.inside and x not in found:
                    found.add(x)
                    stack.append(x)
        return sorted(found, key=self.place.__getitem__)

    def take_out(self, value: Value, text: Text) -> None:
        self.name[value] = self.names.take("t", 1)
        self.lines.append(Line(f"{self.name[value]} = {text.text}", "", value.data, self.scope))

    def written(self, value: Value, shape_of: dict[tuple[int, ...], str] | None = None) -> Text:
        """Write a value's expression; the longest part of one that doesn't fit on a line is taken out."""
        if value.constant:
            return self.literal(value)
        assert value.op is not None
        name_of = partial(self.source.definitions.name_of, name=value.op.name)
        while True:
            text = write(value, self.operand, name_of, shape_of or {})
            parts = [x for x in value.operands if x in self.inside and x not in self.hidden]
            if len(text.text) <= WIDTH or not parts:
                return text
            longest = max(parts, key=lambda x: len(self.inside[x].text))
            self.take_out(longest, self.inside.pop(longest))

    # ---- backward ----

    def backward_statements(self) -> None:
        program = self.program
        self.lines = self.source.backward
        self.gradient: dict[Value, str] = {}
        for of in self.terms:
            if of not in self.hidden:
                wish = f"d{self.name[of]}"
                self.gradient[of] = self.names.take(wish if wish not in self.names.taken else f"grad_{self.name[of]}")
        self.done: Counter[Value] = Counter()
        self.own: set[Value] = set()  # gradients whose array nobody else holds: they may be added to in place
        self.begun: set[Value] = set()  # gradients that hold something to add to
        for of in program.wanted:
            if self.gather and self.terms[of] > 2 and of.ndim:
                self.lines.append(Line(f"{self.gradient[of]} = np.zeros_like({self.name[of]})"))
                self.own.add(of)
                self.begun.add(of)
        through = None
        for c in program.contributions:
            if c.through is not through and c.through in self.gradient:
                self.name[program.gradients[c.through]] = self.gradient[c.through]
            through = c.through
            origin = self.home[c.through] if c.through else None
            self.scope = origin.scope if origin else c.of.scope
            self.contribute(c.of, c.piece, self.code[origin] if origin else None)

    def contribute(self, of: Value, piece: Value, origin: str | None) -> None:
        """Write what adds a piece to a gradient. `origin` is the forward statement; None: it comes from outside."""
        nth = self.done[of]
        self.done[of] += 1
        if of in self.hidden:
            return
        name, total = self.gradient[of], self.program.gradients[of]
        last = self.done[of] == self.terms[of]
        if piece in self.program.seeds and origin is None:
            self.name[piece] = name
            self.begun.add(of)
            self.source.seeds.append(f"{name}{default(piece)}")
            return
        origin = origin or "a hook"
        data = self.partial[of][nth].data
        alone = self.uses[piece] == 1 or self.terms[of] == 1
        if piece.function is inside(scatter_add) and alone and piece not in self.name:
            if of not in self.begun:
                self.lines.append(Line(f"{name} = np.zeros_like({self.name[of]})", "", None, self.scope))
            elif of not in self.own:
                self.lines.append(Line(f"{name} = {name}.copy()", "", None, self.scope))
            self.own.add(of)
            part, index = piece.args[0], piece.options["index"]
            text = self.operand(part).text
            where = Writer(piece, self.operand, {}).index(index)
            if names_once(transform(index, lambda x: x.data)):
                code = f"{name}[{where}] += {text}"
            else:
                code = f"np.add.at({name}, {self.at(where, index)}, {text})"
            self.lines.append(Line(code, origin, data, self.scope))
        else:
            known = piece in self.name
            e = self.piece(of, piece, keep_apart=self.terms[of] > 1)
            if of not in self.begun:
                code = f"{name} = {e.text}"
                number = not of.ndim and piece.op is not None  # which += replaces, and doesn't write into
                if number or not known and piece not in self.name and fresh(piece):
                    self.own.add(of)
            elif of in self.own:
                code = f"{name} += {e.text}"
            else:
                minus = e.level == SIGN and e.text.startswith("-")  # + -dh
                code = f"{name} = {name} - {e.text[1:]}" if minus else f"{name} = {name} + {e.at(SUM + 1)}"
                self.own.add(of)
            self.lines.append(Line(code, origin, data, self.scope))
        self.begun.add(of)
        if last:
            self.name.setdefault(total, name)

    def piece(self, of: Value, piece: Value, keep_apart: bool) -> Text:
        """Write a piece. One that is needed again is computed in front, if its gradient goes on growing in place."""
        if piece in self.name or piece.constant:
            return self.operand(piece)
        x = piece.args[0]
        if piece.function is np.broadcast_to and x.ndim == 0 and piece.ndim:
            text = Text(f"np.full_like({self.name[of]}, {self.operand(x).text})", ATOM)
        else:
            text = self.expression(piece, {of.shape: f"{self.name[of]}.shape"} if of.ndim else {})
        if keep_apart and self.uses[piece] > 1:
            self.inside.pop(piece, None)
            self.take_out(piece, text)
            return self.operand(piece)
        return text

    def at(self, where: str, index: Any) -> str:
        """Write an index as an argument of a function, where `:` and `...` have no place."""
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(part, slice) for part in parts):
            return f"np.s_[{where}]"
        return f"({where})" if len(parts) > 1 else where

    # ---- the rest ----

    def finish(self) -> None:
        source, program = self.source, self.program
        self.scope = None
        for x in program.wanted:
            if x not in self.gradient:
                self.gradient[x] = self.names.take(f"d{self.name[x]}")
                code = f"{self.gradient[x]} = np.zeros_like({self.name[x]})"
                self.lines.append(Line(code, "", np.zeros_like(x.data)))
        source.arguments = [self.name[x] for x in program.inputs]
        source.outputs = [self.name[x] for x in program.outputs]
        source.gradients = [self.gradient[x] for x in program.wanted]
        by_shape: dict[tuple[int, ...], list[str]] = {}
        for x in program.inputs:
            by_shape.setdefault(x.shape, []).append(self.name[x])
        for shape, names in by_shape.items():
            for row in batched(names, 4):
                source.assertion.append(f"assert {' == '.join(f'np.shape({name})' for name in row)} == {shape}")


# functions, besides NumPy's ufuncs, that give an array of their own
FRESH = {np.sum, np.mean, np.prod, np.where, np.tensordot, np.cumsum, np.concatenate, np.stack, np.inner, np.zeros_like}


def batched(names: list[str], n: int) -> Iterator[list[str]]:
    rest = iter(names)
    while row := list(islice(rest, n)):
        yield row


def default(seed: Value) -> str:
    """Write the upstream gradient that is taken where none is given: 1, by a single number."""
    if seed.ndim == 0:
        return "=1.0"
    return f"=np.ones({seed.shape})" if np.size(seed.data) == 1 else ""


def fresh(piece: Value) -> bool:
    """Tell whether an expression makes an array of its own, instead of handing on or viewing another."""
    if piece.function is np.broadcast_to:
        return piece.args[0].ndim == 0 < piece.ndim  # np.full_like
    return isinstance(piece.function, np.ufunc) or piece.function in FRESH


def is_view(value: Value) -> bool:
    """Tell a slice or a transposed matrix, which is written where it is used."""
    if value.function is operator.getitem:
        index = value.options["index"]
        return len(value.operands) == 1 and names_once(index)
    if value.op is None or not isinstance(value.args[0], Value) or not value.args[0].ndim:
        return False
    if value.function is np.expand_dims:
        return True
    return bool(transposition(value.function, value.options, value.args[0].ndim))
