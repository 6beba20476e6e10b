"""Passes for speed: each takes a program and gives one that computes the same with less work in fewer, larger ops.

A training step of a recurrent network repeats small ops, step by step. What does not wait for the step before, such as
the projections of the inputs and the weights' gradients, these passes collect into one op for all steps.
"""

import itertools
import math
import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..op import OPS
from ..ops import sigmoid
from ..ops.indexing import scatter_add
from .abstract import abstract
from .instructions import VIEWS, inside, is_elementwise
from .passes import dead_code, turned
from .program import Program, Value, readers, rewrite

SCATTER = inside(scatter_add)
MANY = 4  # uses of a transposed matrix that are worth a contiguous copy of it


def make(function: Any, shape: Sequence[int], /, *args: Any, **options: Any) -> Value:
    """Make a value; its scope and dtype are those of its first argument."""
    first = args[0]
    return Value(abstract(tuple(shape), first.dtype), OPS[function], args, options, scope=first.scope)


def inserted(program: Program, before: dict[Value, list[Value]], instead: dict[Value, Value]) -> Program:
    """Put new values before others, and drop those that they stand for."""
    values = [x for value in program.values for x in (*before.get(value, ()), value)]
    return dead_code(rewrite(replace(program, values=values), instead=instead))


# ---- one op ----


def copies(program: Program) -> Program:
    """Drop copies: nothing that a program computes is written into afterwards."""
    return rewrite(program, lambda value: value.args[0] if value.function is np.copy else value)


def gates(program: Program) -> Program:
    """Compute each sigmoid by a hyperbolic tangent, σ(x) = tanh(x/2)/2 + 1/2: four ops that can be done in place."""

    def rule(value: Value) -> Value | list[Value]:
        if value.function is not inside(sigmoid) or value.dtype not in (np.float32, np.float64):
            return value
        half = make(np.multiply, value.shape, value.args[0], 0.5)
        tanh = make(np.tanh, value.shape, half)
        half_tanh = make(np.multiply, value.shape, tanh, 0.5)
        return [half, tanh, half_tanh, make(np.add, value.shape, half_tanh, 0.5)]

    return rewrite(program, rule)


def products(program: Program) -> Program:
    """Write inner(x, W) as x Wᵀ, a product of matrices, which can be computed into an array that is there."""

    def rule(value: Value) -> Value | list[Value]:
        if value.function is not np.inner or not all(isinstance(x, Value) and x.ndim > 1 for x in value.args):
            return value
        x, y = value.args
        if y.ndim > 2:
            return value
        columns = make(np.transpose, y.shape[::-1], y)
        if x.ndim == 2:
            return [columns, make(np.matmul, value.shape, x, columns)]
        n = math.prod(x.shape[:-1])
        rows = make(np.reshape, (n, x.shape[-1]), x, shape=(n, x.shape[-1]))
        out = make(np.matmul, (n, y.shape[0]), rows, columns)
        return [columns, rows, out, make(np.reshape, value.shape, out, shape=value.shape)]

    return rewrite(program, rule)


def column_sums(program: Program) -> Program:
    """Sum over all axes but the last by a product with ones, which is faster."""

    def rule(value: Value) -> Value | list[Value]:
        x = value.args[0] if value.function is np.sum else None
        if x is None or x.ndim < 2 or x.dtype.kind != "f" or value.shape != x.shape[-1:]:
            return value
        axis = value.options.get("axis")
        if axis is None or sorted(np.mod(np.atleast_1d(axis), x.ndim)) != list(range(x.ndim - 1)):
            return value
        n = math.prod(x.shape[:-1])
        rows = x if x.ndim == 2 else make(np.reshape, (n, x.shape[-1]), x, shape=(n, x.shape[-1]))
        ones = Value(np.ones(n, x.dtype), constant=True)
        made = [ones, rows, make(np.matmul, value.shape, ones, rows)]
        return [x for x in made if x is not value.args[0]]

    return rewrite(program, rule)


def picked(program: Program) -> Program:
    """Take what is picked out of a stack, a concatenation or a scattered gradient from where it was put in."""
    zeros: dict[tuple[Any, ...], Value] = {}

    def zero(value: Value) -> Value:
        constant = Value(np.zeros(value.shape, value.dtype), constant=True)
        return zeros.setdefault((value.shape, value.dtype), constant)

    def rule(value: Value) -> Value:
        if value.function is operator.getitem and isinstance(value.args[0], Value):
            whole, index = value.args[0], value.options["index"]
            if whole.function is np.stack and type(index) is int and not whole.options.get("axis", 0):
                return whole.args[index]
            if whole.function is np.concatenate and whole.options.get("axis", 0) is not None:
                span = along(index, whole)
                if span and span[0] == whole.options.get("axis", 0) % whole.ndim and not span[3]:
                    ends = itertools.accumulate(x.shape[span[0]] for x in whole.args)
                    for x, end in zip(whole.args, ends):
                        if (end - x.shape[span[0]], end) == span[1:3]:
                            return x
            if whole.function is SCATTER:
                ours, theirs = along(index, whole), along(whole.options["index"], whole)
                if ours and ours == theirs:
                    return whole.args[0]
                if ours and theirs and ours[0] == theirs[0] and (ours[2] <= theirs[1] or theirs[2] <= ours[1]):
                    return zero(value)
        if value.function is np.add and all(isinstance(x, Value) for x in value.args):
            x, y = value.args
            for other, z in ((x, y), (y, x)):
                if (
                    z.constant
                    and zeros.get((z.shape, z.dtype)) is z
                    and other.shape == value.shape
                    and other.dtype == value.dtype
                ):
                    return other
        return value

    program = rewrite(program, rule)
    return replace(program, values=[*zeros.values(), *program.values])


def along(index: Any, x: Value) -> tuple[int, int, int, bool] | None:
    """Read an index that cuts along one axis: (axis, start, stop, whether the axis is removed); None for others."""
    places = list(index) if isinstance(index, tuple) else [index]
    if any(type(place) not in (int, slice, type(Ellipsis)) for place in places):
        return None
    if Ellipsis in places:
        at = places.index(Ellipsis)
        places[at : at + 1] = [slice(None)] * (x.ndim - len(places) + 1)
    cut = []
    for axis, (place, n) in enumerate(zip(places, x.shape)):
        if isinstance(place, int):
            cut.append((axis, place % n, place % n + 1, True))
        else:
            start, stop, step = place.indices(n)
            if step != 1 or stop < start:
                return None
            if (start, stop) != (0, n):
                cut.append((axis, start, stop, False))
    return cut[0] if len(cut) == 1 else (0, 0, x.shape[0], False) if x.ndim and not cut else None


def halves(program: Program) -> Program:
    """Halve weights once, in place of every sum x W + b that a sigmoid halves, or those of its columns that it does.

    A half of a number is exact, so nothing is rounded that was not before.
    """
    used, results = readers(program), set(program.results)
    halved: dict[tuple[Value, bytes], Value] = {}
    before: dict[Value, list[Value]] = {}
    instead: dict[Value, Value] = {}

    def is_halved(x: Value) -> bool:
        return x not in results and all(y.function is np.multiply and y.args[1:] == (0.5,) for y in used[x])

    columns_halved = [y.args[0] for y in program.values if y.function is np.multiply and y.args[1:] == (0.5,)]
    for value in dict.fromkeys(x.args[0] for x in columns_halved if x.function is operator.getitem and is_halved(x)):
        terms = linear_terms(value, used)
        spans = [along(y.options["index"], value) if y.function is operator.getitem else None for y in used[value]]
        if not terms or value in results or None in spans:
            continue
        factors = np.ones(value.shape[-1], value.dtype)
        columns = [(y, span) for y, span in zip(used[value], spans) if span]
        for y, (_, start, stop, _) in columns:
            factors[start:stop] = 0.5 if is_halved(y) else factors[start:stop]
        apart = all(np.all(factors[start:stop] == (0.5 if is_halved(y) else 1)) for y, (_, start, stop, _) in columns)
        if not apart or np.all(factors == 1) or any(axis != 1 or gone for _, (axis, _, _, gone) in columns):
            continue
        made: list[Value] = []
        sums: list[Value] = []
        for term in terms:
            weight = term if term.ndim == 1 else term.args[1]
            key = weight, factors.tobytes()
            if key not in halved:
                halved[key] = make(np.multiply, weight.shape, weight, Value(factors, constant=True))
                made.append(halved[key])
            sums.append(halved[key])
            if term.ndim > 1:
                sums[-1] = make(np.matmul, term.shape, term.args[0], halved[key])
                made.append(sums[-1])
        total = sums[0]
        for x in sums[1:]:
            total = make(np.add, value.shape, total, x)
            made.append(total)
        before[value], instead[value] = made, total
        instead |= {half: y for y, _ in columns if is_halved(y) for half in used[y]}
    return inserted(program, before, instead)


def linear_terms(value: Value, used: dict[Value, list[Value]]) -> list[Value]:
    """List the terms of a sum of matrix products and row vectors, a product first; nothing for another value."""
    terms, stack = [], [value] if value.function is np.add and value.ndim == 2 else []
    while stack:
        x = stack.pop()
        if not isinstance(x, Value) or x.dtype != value.dtype or x is not value and len(used[x]) > 1 and x.ndim > 1:
            return []
        if x.function is np.add and x.shape == value.shape:
            stack += reversed(x.args)
        elif x.shape == value.shape[1:] or x.function is np.matmul and x.shape == value.shape and x.args[1].ndim == 2:
            terms.append(x)
        else:
            return []
    return terms if terms and terms[0].ndim == 2 else []


# ---- sums of many terms ----


def terms_of_sums(program: Program) -> list[tuple[Value, list[Value]]]:
    """List the sums of the program, and the terms of each: `(p + q) + r` is one sum of three."""
    used = readers(program)
    results = set(program.results)

    def is_part(value: Value) -> bool:
        return len(used[value]) == 1 and value not in results and is_sum(used[value][0]) and is_sum(value)

    found = []
    for value in program.values:
        if is_sum(value) and not is_part(value):
            terms, stack = [], list(reversed(value.args))
            while stack:
                x = stack.pop()
                if is_sum(x) and is_part(x):
                    stack += reversed(x.args)
                else:
                    terms.append(x)
            found.append((value, terms))
    return found


def is_sum(value: Value) -> bool:
    return value.function is np.add and all(
        isinstance(x, Value) and x.shape == value.shape and x.dtype == value.dtype for x in value.args
    )


def with_sums(program: Program, change: Callable[[Value, list[Value], list[Value]], list[Value]]) -> Program:
    """Rewrite sums: `change(sum, terms, made)` gives other terms, and appends to `made` the new values behind them."""
    before: dict[Value, list[Value]] = {}
    instead: dict[Value, Value] = {}
    for value, terms in terms_of_sums(program):
        made: list[Value] = []
        changed = change(value, terms, made)
        if changed == terms:
            continue
        total = changed[0]
        for term in changed[1:]:
            total = make(np.add, value.shape, total, term)
            made.append(total)
        before[value], instead[value] = made, total
    return inserted(program, before, instead)


def places(program: Program) -> Program:
    """Assemble gradients of slices, `scatter_add(a, :H) + scatter_add(b, H:)`, as a concatenation: no zeros, no sum."""

    def change(value: Value, terms: list[Value], made: list[Value]) -> list[Value]:
        spans = {x: along(x.options["index"], value) for x in terms if x.function is SCATTER}
        times = Counter(terms)
        cuts = {x: span for x, span in spans.items() if span and times[x] == 1}
        if len(cuts) < 2 or len({(axis, gone) for axis, _, _, gone in cuts.values()}) > 1:
            return terms
        parts = sorted(cuts, key=lambda x: cuts[x][1])
        ends = [0, *(cuts[x][2] for x in parts)]
        axis, _, _, gone = cuts[parts[0]]
        if [cuts[x][1] for x in parts] != ends[:-1] or ends[-1] != value.shape[axis]:
            return terms
        joined = make(np.stack if gone else np.concatenate, value.shape, *(x.args[0] for x in parts), axis=axis)
        made.append(joined)
        return [joined, *(x for x in terms if x not in cuts)]

    return with_sums(program, change)


def sums_of_products(program: Program) -> Program:
    """Compute the sum of products aᵀ b of all steps as one product, of all a and all b, each joined in one array."""
    position = {value: i for i, value in enumerate(program.values)}
    orders: dict[frozenset[Value], list[Value]] = {}

    def change(value: Value, terms: list[Value], made: list[Value]) -> list[Value]:
        groups: dict[Any, dict[Value, Value]] = defaultdict(dict)
        times = Counter(terms)
        for x in terms:
            if turned_product(x) or is_column_sum(x):
                a = x.args[0].args[0] if turned_product(x) else x.args[1]
                groups[turned_product(x), a.shape[1]].setdefault(a, x)
        for (product, _), group in groups.items():
            if len(group) < 2 or any(times[x] > 1 for x in group.values()):
                continue
            # in the order of time, which is not that of the backward pass: the steps' inputs lie that way
            order = orders.setdefault(frozenset(group), sorted(group, key=lambda a: -position.get(a, 0)))
            a = join(order, made)
            if product:
                left, right = make(np.transpose, a.shape[::-1], a), join([group[x].args[1] for x in order], made)
            else:
                left, right = Value(np.ones(a.shape[0], a.dtype), constant=True), a
            made += [left, make(np.matmul, value.shape, left, right)]
            gone = set(group.values())
            terms = [*(x for x in terms if x not in gone), made[-1]]
        return terms

    return with_sums(program, change)


def turned_product(x: Value) -> bool:
    """Tell a product aᵀ b of two matrices."""
    return x.function is np.matmul and turned(x.args[0]) and isinstance(x.args[1], Value) and x.args[1].ndim == 2


def is_column_sum(x: Value) -> bool:
    """Tell a product of ones and a matrix."""
    if x.function is not np.matmul or not all(isinstance(y, Value) for y in x.args):
        return False
    ones, a = x.args
    return bool(ones.constant and ones.ndim == 1 and a.ndim == 2 and np.all(ones.data == 1))


def join(parts: list[Value], made: list[Value]) -> Value:
    """Concatenate matrices: those that are consecutive slices of one array are there already."""
    shape = sum(x.shape[0] for x in parts), parts[0].shape[1]
    base, spans = slices(parts)
    if base and all(gone == spans[0][3] and not axis for axis, _, _, gone in spans):
        start, stop = spans[0][1], spans[-1][2]
        if all(p[2] == q[1] for p, q in itertools.pairwise(spans)):
            if (start, stop) != (0, base.shape[0]):
                base = make(operator.getitem, (stop - start, *base.shape[1:]), base, index=slice(start, stop))
                made.append(base)
            if base.shape != shape:
                base = make(np.reshape, shape, base, shape=shape)
                made.append(base)
            return base
    made.append(make(np.concatenate, shape, *parts, axis=0))
    return made[-1]


def slices(parts: list[Value]) -> tuple[Value | None, list[tuple[int, int, int, bool]]]:
    """Give the array of which all these are slices along one axis, and the spans of the slices; None for others."""
    base = parts[0].args[0] if parts[0].function is operator.getitem else None
    if not isinstance(base, Value) or any(x.function is not operator.getitem or x.args[0] is not base for x in parts):
        return None, []
    spans = [span for x in parts if (span := along(x.options["index"], base))]
    return (base, spans) if len(spans) == len(parts) else (None, [])


# ---- the same op many times ----


def views_first(program: Program) -> Program:
    """Put each view right behind what it is a view of, so that it is not in the way of what else is there by then."""
    seen: dict[Value, list[Value]] = defaultdict(list)
    for value in program.values:
        if value.function in VIEWS and len(value.operands) == 1:
            seen[value.args[0]].append(value)
    moved = {x for group in seen.values() for x in group}
    order: list[Value] = []
    for value in [*program.inputs, *program.seeds, *program.values]:
        if value not in moved:
            stack = [value]
            while stack:
                order.append(stack.pop())
                stack += reversed(seen.get(order[-1], []))
    return replace(program, values=[value for value in order if value.op or value.constant])


def stack(program: Program) -> Program:
    """Compute products with a shared right matrix as one, of all left ones, where none waits for another's result."""
    position = {value: i for i, value in enumerate(program.values)}
    used = readers(program)
    late = behind(program.seeds, program)
    groups: dict[Value, list[Value]] = defaultdict(list)
    for value in program.values:
        if value.function is np.matmul and all(isinstance(x, Value) and x.ndim == 2 for x in value.args):
            groups[value.args[1]].append(value)
    before: dict[Value, list[Value]] = defaultdict(list)
    instead: dict[Value, Value] = {}
    for right, group in groups.items():
        for members in independent(group, position, used, len(program.values)):
            if len(members) < 2:
                continue
            made: list[Value] = []
            members = in_time(members, late)
            left = join([x.args[0] for x in members], made)
            product = make(np.matmul, (left.shape[0], right.shape[1]), left, right)
            made.append(product)
            end = 0
            for x in members:
                end += x.shape[0]
                made.append(make(operator.getitem, x.shape, product, index=slice(end - x.shape[0], end)))
                instead[x] = made[-1]
            at = min(position[y] for x in members for y in used[x] or [x])
            before[program.values[at]] += made
    return inserted(program, before, instead)


def behind(sources: list[Value], program: Program) -> set[Value]:
    """Collect what depends on some values."""
    found = set(sources)
    for value in program.values:
        if not found.isdisjoint(value.operands):
            found.add(value)
    return found


def in_time(products: list[Value], late: set[Value]) -> list[Value]:
    """Order products as their left matrices lie in memory, or by time: the backward pass goes against it."""
    lefts = [x.args[0] for x in products]
    base, spans = slices(lefts)
    if base:
        return [products[i] for i in sorted(range(len(spans)), key=spans.__getitem__)]
    return products[::-1] if lefts[0] in late else products


def independent(
    group: list[Value], position: dict[Value, int], used: dict[Value, list[Value]], end: int
) -> list[list[Value]]:
    """Divide products into runs that can be computed at once: all left matrices are there before the first reader.

    A left matrix may be a product itself, (x W) W; not one of the same run.
    """
    runs: list[list[Value]] = [[]]
    ready, needed = -1, end
    for x in group:
        there = position.get(x.args[0], -1)
        first = min((position[y] for y in used[x]), default=position[x])
        if max(ready, there) >= min(needed, first) or x.args[0] in runs[-1]:
            runs.append([])
            ready, needed = -1, end
        runs[-1].append(x)
        ready, needed = max(ready, there), min(needed, first)
    return runs


def early(program: Program) -> Program:
    """Add what is known for all steps first: `(p + q) + b` is `(p + b) + q`, if p is a step's part of a product."""
    before: dict[Value, list[Value]] = {}
    instead: dict[Value, Value] = {}
    for value in program.values:
        if value.function is not np.add or not all(isinstance(x, Value) for x in value.args):
            continue
        for total, b in (value.args, reversed(value.args)):
            if is_sum(total) and total.shape == value.shape and b.ndim == 1 and b.dtype == value.dtype:
                for p, q in (total.args, reversed(total.args)):
                    if is_rows(p) and not is_rows(q) and value not in instead:
                        first = make(np.add, value.shape, p, b)
                        before[value] = [first, make(np.add, value.shape, first, q)]
                        instead[value] = before[value][-1]
    return inserted(program, before, instead)


def is_rows(x: Value) -> bool:
    """Tell rows of a product."""
    return x.function is operator.getitem and x.args[0].function is np.matmul


def rows(program: Program) -> Program:
    """Compute an elementwise op on all rows of an array at once, where each step does it on its own rows."""
    groups: dict[Any, list[tuple[Value, tuple[int, int, int, bool]]]] = defaultdict(list)
    for value in program.values:
        if not is_elementwise(value):
            continue
        for i, x in enumerate(value.args):
            if isinstance(x, Value) and x.function is operator.getitem and x.shape == value.shape:
                span = along(x.options["index"], x.args[0])
                others = (*value.args[:i], *value.args[i + 1 :])
                small = all(not isinstance(y, Value) or y.shape == x.shape[-1:] for y in others)
                if span and span[0] == 0 and not span[3] and small:
                    groups[value.function, i, x.args[0], others, value.dtype].append((value, span))
    before: dict[Value, list[Value]] = defaultdict(list)
    instead: dict[Value, Value] = {}
    position = {value: i for i, value in enumerate(program.values)}
    for (function, i, base, others, dtype), members in groups.items():
        members.sort(key=lambda member: member[1][1])
        ends = [0, *(span[2] for _, span in members)]
        if len(members) < 2 or [span[1] for _, span in members] != ends[:-1] or ends[-1] != base.shape[0]:
            continue
        args = [*others[:i], base, *others[i:]]
        whole = Value(abstract(base.shape, dtype), OPS[function], tuple(args), scope=base.scope)
        made = [whole]
        for value, span in members:
            made.append(make(operator.getitem, value.shape, whole, index=slice(*span[1:3])))
            instead[value] = made[-1]
        before[min((value for value, _ in members), key=position.__getitem__)] += made
    return inserted(program, before, instead)


def transposes(program: Program) -> Program:
    """Lay a transposed matrix that many products read out once as they read it."""
    used = readers(program)
    counts = {x: sum(y.function is np.matmul for y in used[x]) for x in program.values if turned(x)}
    chosen = {x for x, n in counts.items() if n >= MANY}

    def rule(value: Value) -> Value | list[Value]:
        if value not in chosen:
            return value
        return [value, make(np.copy, value.shape, value)]

    return rewrite(program, rule)
