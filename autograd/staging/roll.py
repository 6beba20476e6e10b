"""Long rows of identical steps, written as loops.

A step is a block of statements that comes again right behind itself, but for names and whole numbers. What varies must
do so with the step: a number in equal strides, a name as the one that this step or its neighbour has defined. Then the
block is written once, in a loop over t. A value that only its own step uses keeps a plain name; one that others use,
too, such as a state or what the backward pass needs, becomes an entry of a dict: hs[t].
"""

import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile

from .emit import Line, Loop, Source
from .names import identifier

STEPS = 4  # how often a block has to come
SAVED = 4  # statements that a loop has to save


@dataclass
class Pattern:
    """A statement taken apart: what stays between the slots, and in the slots names of variables and whole numbers.

    defines  whether the first slot is a variable that is assigned to
    code     how many slots stand in front of the comment
    """

    line: Line
    fixed: tuple[str, ...]
    slots: list[str]
    defines: bool
    code: int


@dataclass(eq=False)
class Family:
    """The values that one statement of a block computes, step by step.

    index  of each member: the number in its name, or the step that defines it
    """

    name: str
    index: dict[str, int] = field(default_factory=dict)
    stored: bool = False


@dataclass
class Run:
    """Statements start to start + length * steps: a block that comes `steps` times."""

    start: int
    length: int
    steps: int


def roll(source: Source) -> bool:
    """Replace long rows of steps in a source by loops; tell whether there were any."""
    return Roller(source).roll()


class Roller:
    def __init__(self, source: Source):
        self.source = source
        lines = [item for item in [*source.forward, *source.backward] if isinstance(item, Line)]
        assigned = {name for line in lines if (name := target(line.code))}
        self.variables = {*source.arguments, *assigned, *(seed.partition("=")[0] for seed in source.seeds)}
        self.patterns = [self.pattern(line) for line in lines]
        self.boundary = len(source.forward)
        self.family: dict[str, Family] = {}
        self.taken = set(self.variables)
        self.uses: dict[str, list[int]] = defaultdict(list)
        for i, pattern in enumerate(self.patterns):
            for slot in pattern.slots[: pattern.code]:
                self.uses[slot].append(i)
        for name in [*source.outputs, *source.gradients]:
            self.uses[name].append(len(lines))
        self.t = next(name for name in ("t", "k", "step", "t_") if name not in self.variables)
        self.loops: dict[int, tuple[Run, Loop]] = {}

    def pattern(self, line: Line) -> Pattern:
        """Take a statement and its comment apart."""
        text = f"{line.code}\n{line.origin}"
        fixed, slots, end, before, code = [], [], (1, 0), "", 0
        rows = text.split("\n")
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            is_name = token.type == tokenize.NAME and before != "." and token.string in self.variables
            if is_name or token.type == tokenize.NUMBER and token.string.isdigit():
                fixed.append(between(rows, end, token.start))
                slots.append(token.string)
                end, code = token.end, code + (token.start[0] == 1)
            before = token.string
        fixed.append(between(rows, end, (2, len(rows[1]))))
        return Pattern(line, tuple(fixed), slots, target(line.code) is not None, code)

    # ---- finding ----

    def roll(self) -> bool:
        for low, high in ((0, self.boundary), (self.boundary, len(self.patterns))):
            for run in self.runs(low, high):
                self.try_loop(run)
        if self.loops:
            self.rewrite()
        return bool(self.loops)

    def runs(self, low: int, high: int) -> list[Run]:
        """Find blocks that come again right behind themselves, from the left, the ones that save most."""
        keys = [pattern.fixed for pattern in self.patterns]
        places: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for i in range(low, high):
            places[keys[i]].append(i)
        found, i = [], low
        while i < high:
            best = None
            later = [j for j in places[keys[i]] if j > i][:6]
            for length in (j - i for j in later):
                steps = 1
                while keys[i : i + length] == keys[(n := i + steps * length) : n + length] and n + length <= high:
                    steps += 1
                saved = (steps - 1) * length
                if steps >= STEPS and saved >= SAVED and (best is None or saved > (best.steps - 1) * best.length):
                    best = Run(i, length, steps)
            if best is None:
                i += 1
            else:
                best = self.at_scope(best, keys)
                found.append(best)
                i = best.start + best.steps * best.length
        return found

    def at_scope(self, run: Run, keys: list[tuple[str, ...]]) -> Run:
        """Let the steps begin where a scope does, the outermost that changes from step to step."""
        paths = [path_of(self.patterns[i].line) for i in range(run.start, run.start + run.length)]
        before = path_of(self.patterns[max(run.start - 1, 0)].line)
        depth = []
        for path in paths:
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, path)))
            depth.append(same if path != before else 99)
            before = path
        turned = depth.index(min(depth))
        start = run.start + turned
        spare = keys[run.start + run.steps * run.length : start + run.steps * run.length] == keys[run.start : start]
        steps = run.steps if spare else run.steps - 1
        return Run(start, run.length, steps) if turned and steps >= STEPS else run

    # ---- one loop ----

    def try_loop(self, run: Run) -> None:
        """Write a run as a loop, if all that varies in it does so with the step."""
        rows = [[self.patterns[run.start + r * run.length + i] for r in range(run.steps)] for i in range(run.length)]
        new: list[Family] = []
        members: dict[str, Family] = {}
        counted = [n for row in rows if row[0].defines if (n := trailing([p.slots[0] for p in row]))]
        for row in rows if not counted else ():  # then count as the loop did whose values are used here
            for seen in ([p.slots[k] for p in row] for k in range(row[0].code)):
                if all(name in self.family for name in seen):
                    numbers = [self.family[name].index[name] for name in seen]
                    counted += [
                        (numbers[0], d) for d in (1, -1) if numbers == [numbers[0] + d * r for r in range(run.steps)]
                    ]
        first, stride = max(counted, key=counted.count) if counted else (0, 1)
        steps = [first + stride * r for r in range(run.steps)]
        for i, row in enumerate(rows):
            names = [p.slots[0] for p in row] if row[0].defines else []
            first_here = all(self.uses[n][0] == run.start + r * run.length + i for r, n in enumerate(names))
            if len(set(names)) == run.steps and first_here and not {*names} & {*self.source.arguments}:
                own = trailing(names)  # dc5 is dcs[5], also where step 6 defines it
                numbers = [own[0] + stride * r for r in range(run.steps)] if own and own[1] == stride else steps
                new.append(Family("", dict(zip(names, numbers))))
                members |= dict.fromkeys(names, new[-1])
        before: list[tuple[Family, int, str]] = []
        texts: list[list[str | Callable[[], str]]] = []
        for row in rows:
            pieces: list[str | Callable[[], str]] = [row[0].fixed[0]]
            for k, fixed in enumerate(row[0].fixed[1:]):
                seen, comment = [p.slots[k] for p in row], k >= row[0].code
                slot = self.slot(seen, steps, members, [] if comment else before)
                if slot is None and not comment:
                    return
                if isinstance(slot, str) and slot != self.t and not alone(pieces[-1], fixed):
                    slot = f"({slot})"
                pieces += [slot or seen[0], fixed]
            texts.append(pieces)
        self.family |= members
        for family in new:
            begin = {name: run.start + r * run.length for r, name in enumerate(family.index)}
            family.stored = any(f is family for f, _, _ in before) or any(
                not begin[name] <= use < begin[name] + run.length for name in begin for use in self.uses[name]
            )
            self.christen(family)
        stored = [family.name for family in new if family.stored]
        parts = [stored[i : i + 8] for i in range(0, len(stored), 8)]
        opening = [f"{', '.join(part)} = {', '.join(['{}'] * len(part))}" for part in parts]
        opening += [f"{f.name}[{index}] = {self.outside(name)}" for f, index, name in before]
        made: list[Line] = []
        for row, pieces in zip(rows, texts):
            text = shortened("".join(piece if isinstance(piece, str) else piece() for piece in pieces))
            code, _, origin = text.partition("\n")
            made.append(Line(code, origin, None, row[0].line.scope))
        stop = steps[-1] + stride
        span = f"{first}, {stop}" if first or stride < 0 else f"{stop}"
        header = f"for {self.t} in range({span}{f', {stride}' if stride < 0 else ''}):"
        self.loops[run.start] = run, Loop(heading(rows[0][0].line, rows[-1][-1].line), opening, header, made)

    def slot(
        self, seen: list[str], steps: list[int], members: dict[str, Family], before: list[tuple[Family, int, str]]
    ) -> str | Callable[[], str] | None:
        """Say how what stands in a slot, step by step, is written with t; None if it can't be.

        A function gives the text once it is known which families are stored. A state that the first step takes over
        from outside is added to `before`: family, index, name.
        """
        if len(set(seen)) == 1:
            return partial(self.outside, seen[0])
        if all(x.isdigit() for x in seen):
            numbers = list(map(int, seen))
            factor, rest = divmod(numbers[1] - numbers[0], steps[1] - steps[0])
            offset = numbers[0] - factor * steps[0]
            if rest or numbers != [factor * t + offset for t in steps]:
                return None
            return shifted(offset, f"{factor} * {self.t}" if factor != 1 else self.t)
        known = members | self.family
        family = known.get(seen[1])
        if family is None or any(known.get(name) is not family for name in seen[1:]):
            return None
        offset = family.index[seen[1]] - steps[1]
        if any(family.index[name] != t + offset for name, t in zip(seen[1:], steps[1:])):
            return None
        if known.get(seen[0]) is not family or family.index[seen[0]] != steps[0] + offset:
            if steps[0] + offset in family.index.values():
                return None
            if (family, steps[0] + offset, seen[0]) not in before:
                before.append((family, steps[0] + offset, seen[0]))
        return lambda: f"{family.name}[{shifted(offset, self.t)}]" if family.stored else family.name

    def outside(self, name: str) -> str:
        """Write a variable where it does not vary with t."""
        family = self.family.get(name)
        if family is None:
            return name
        return f"{family.name}[{family.index[name]}]" if family.stored else family.name

    def christen(self, family: Family) -> None:
        """Name a family: z for z1, z2 ... of which each step uses its own; zs where they are kept."""
        names = list(family.index)
        stem = re.sub(r"\d+$", "", names[0]) if trailing(names) else names[0]
        wish = identifier(f"{stem}s" if family.stored else stem)
        while wish in self.taken - set(names):
            wish += "_" if family.stored else "_t"
        self.taken.add(wish)
        family.name = wish

    # ---- the rest ----

    def rewrite(self) -> None:
        """Put the loops in place, and write what they have renamed in what is around them."""
        parts: list[list[Line | Loop]] = [[], []]
        i = 0
        while i < len(self.patterns):
            part = parts[i >= self.boundary]
            if i in self.loops:
                run, loop = self.loops[i]
                part.append(loop)
                i += run.length * run.steps
                continue
            pattern = self.patterns[i]
            text = pattern.fixed[0]
            for slot, fixed in zip(pattern.slots, pattern.fixed[1:]):
                text += self.outside(slot) + fixed
            code, _, origin = shortened(text).partition("\n")
            part.append(Line(code, origin, pattern.line.data, pattern.line.scope))
            i += 1
        self.source.forward, self.source.backward = parts
        self.source.outputs = list(map(self.outside, self.source.outputs))
        self.source.gradients = list(map(self.outside, self.source.gradients))


def alone(before: object, behind: str) -> bool:
    """Tell whether what stands between two pieces of text is an expression of its own, as between brackets."""
    return str(before).endswith(("[", "(", ", ", ":")) and behind.startswith(("]", ")", ",", ":"))


def path_of(line: Line) -> tuple[str, ...]:
    return line.scope.path if line.scope else ()


def heading(first: Line, last: Line) -> str:
    """Name the scopes that a loop goes through: RNN / t=1 ... t=7."""
    begin, end = path_of(first), path_of(last)
    shared = [a for a, b in takewhile(lambda pair: pair[0] == pair[1], zip(begin, end))]
    a, b = begin[len(shared) :][:1], end[len(shared) :][:1]
    return " / ".join([*shared, *([" ... ".join(a + b)] if a and b else [])])


def target(code: str) -> str | None:
    """Give the variable that a statement assigns to."""
    found = re.match(r"([^\s=\[(]+) = ", code)
    return found[1] if found else None


def between(rows: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    if start[0] == end[0]:
        return rows[start[0] - 1][start[1] : end[1]]
    return rows[start[0] - 1][start[1] :] + "\n" + rows[end[0] - 1][: end[1]]


def trailing(names: list[str]) -> tuple[int, int] | None:
    """Give the number at the end of the first name, and 1 or -1, if the names are numbered one by one."""
    found = [re.fullmatch(r"(.*?)(\d+)", name) for name in names]
    if any(match is None for match in found) or len({match[1] for match in found if match}) > 1:
        return None
    numbers = [int(match[2]) for match in found if match]
    strides = {b - a for a, b in zip(numbers, numbers[1:])}
    return (numbers[0], strides.pop()) if strides in ({1}, {-1}) else None


def shifted(offset: int, t: str) -> str:
    return t if offset == 0 else f"{t} + {offset}" if offset > 0 else f"{t} - {-offset}"


def shortened(text: str) -> str:
    """Write hs[1], hs[2], hs[3], hs[4] as a row."""

    def row(match: re.Match[str]) -> str:
        numbers = list(map(int, re.findall(r"\[(\d+)\]", match[0])))
        if numbers != list(range(numbers[0], numbers[-1] + 1)):
            return match[0]
        return f"*({match[1]}[t] for t in range({numbers[0]}, {numbers[-1] + 1}))"

    return re.sub(r"\b(\w+)\[\d+\](?:, \1\[\d+\]){3,}", row, text)
