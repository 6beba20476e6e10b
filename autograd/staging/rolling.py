"""Writing statements that repeat as a loop."""

from collections import defaultdict
from typing import NamedTuple

GAP = "\0"  # stands for a name in a pattern
LEAST = 4  # repetitions that make a loop
LONGEST = 400  # statements of a loop's body
TRIES = 6  # periods that are looked at from one statement on


class Statement(NamedTuple):
    """A statement: a pattern, and the names that stand in its gaps."""

    pattern: str
    names: tuple[str, ...]

    def text(self, called: dict[int, str] | None = None, first: int = 0) -> str:
        """Write it. `called` has what some of the names are called in a loop, by the number of the gap."""
        pieces = self.pattern.split(GAP)
        names = [(called or {}).get(first + i, name) for i, name in enumerate(self.names)]
        return "".join(part for pair in zip(pieces, [*names, ""]) for part in pair)


def rolled(statements: list[Statement], title: str) -> tuple[list[str], dict[str, list[tuple[str, ...]]]]:
    """Write statements as lines, runs of equal blocks as loops.

    Gives the lines, and by the name of each loop's table its rows: the names that the loop's variables stand for.
    """
    lines: list[str] = []
    tables: dict[str, list[tuple[str, ...]]] = {}
    patterns = [statement.pattern for statement in statements]
    where: dict[str, list[int]] = defaultdict(list)
    for i, pattern in enumerate(patterns):
        where[pattern].append(i)
    seen: dict[str, int] = defaultdict(int)
    i = 0
    while i < len(statements):
        length, times = best_period(patterns, i, where[patterns[i]], seen[patterns[i]])
        if times < LEAST:
            length, times = 1, 1
            lines.append(statements[i].text())
        else:
            blocks = [statements[k : k + length] for k in range(i, i + length * times, length)]
            table = f"{title}_{len(tables) + 1}"
            body, tables[table] = loop(blocks, table)
            lines += body
        for pattern in patterns[i : i + length * times]:
            seen[pattern] += 1
        i += length * times
    return lines, tables


def best_period(patterns: list[str], i: int, places: list[int], at: int) -> tuple[int, int]:
    """Find the length of a block that begins at `i` and is repeated, and how often, so that most is covered."""
    best = 0, 0
    for j in places[at + 1 : at + 1 + TRIES]:
        length, times = j - i, 1
        if length > LONGEST:
            break
        block = patterns[i:j]
        while patterns[i + times * length : i + (times + 1) * length] == block:
            times += 1
        if times > 1 and length * times > best[0] * best[1]:
            best = length, times
    return best


def loop(blocks: list[list[Statement]], table: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """Write equal blocks as a loop over the names in which they differ."""
    columns = list(zip(*(tuple(name for statement in block for name in statement.names) for block in blocks)))
    variables: dict[tuple[str, ...], str] = {}
    called: dict[int, str] = {}
    for gap, column in enumerate(columns):
        if len(set(column)) > 1:
            called[gap] = variables.setdefault(column, f"x{len(variables) + 1}")
    body, first = [], 0
    for statement in blocks[0]:
        body.append(f"    {statement.text(called, first)}")
        first += len(statement.names)
    head = f"for {', '.join(variables.values()) or '_'}{',' * (len(variables) == 1)} in {table}:"
    return [head, *body], list(zip(*variables)) or [()] * len(blocks)
