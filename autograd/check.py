"""gradcheck(): gradients against difference quotients, to second order, and a report that says what is wrong."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .complexstep import complex_step
from .explain import array_of_numbers
from .tensor import ArrayLike, Tensor, grad

ROUNDING = float(np.finfo(np.float64).eps)
EVERY_ENTRY = 64  # an input with more entries is checked along random directions
DIRECTIONS = 8
ROWS = 12  # of the printed table
RTOL = {"central": 1e-5, "complex": 1e-8}
HEADINGS = ("", "order", "input", "index", "step", "analytic", "numeric", "rel. error", "ratio", "")


@dataclass(frozen=True)
class Entry:
    """One derivative, computed both ways: by one entry of an input, or along one direction through all of them.

    left and right are the one-sided difference quotients. numeric is their mean, the central one, or, where one could
    be had, the quotient of a complex step.
    """

    order: int
    input: str
    index: str
    analytic: float
    left: float
    right: float
    tolerance: float
    by_complex_step: float | None = None

    @property
    def step(self) -> str:
        return "central" if self.by_complex_step is None else "complex"

    @property
    def numeric(self) -> float:
        return (self.left + self.right) / 2 if self.by_complex_step is None else self.by_complex_step

    @property
    def error(self) -> float:
        return abs(self.analytic - self.numeric)

    @property
    def ok(self) -> bool:
        return self.error <= self.tolerance

    @property
    def relative_error(self) -> float:
        return self.error / max(abs(self.analytic), abs(self.numeric)) if self.error > 0 else self.error

    @property
    def ratio(self) -> float:
        return self.analytic / self.numeric if abs(self.numeric) > self.tolerance else math.nan

    @property
    def corner(self) -> str:
        """Why the function has probably no derivative here; empty for a smooth one."""
        if not math.isfinite(self.numeric):
            return "f is not finite one step aside: the border of its domain? Try a smaller eps"
        if self.by_complex_step is not None:
            return ""
        if abs(self.right - self.left) > 0.03 * max(abs(self.left), abs(self.right)) + 2 * self.tolerance:
            return f"a corner? {self.left:.6g} from the left, {self.right:.6g} from the right"
        return ""


@dataclass(frozen=True)
class Report:
    """What gradcheck() found. True if all derivatives agree; printed, a table with the largest errors first."""

    entries: tuple[Entry, ...]

    def __bool__(self) -> bool:
        return all(entry.ok for entry in self.entries)

    def __repr__(self) -> str:
        wrong = [entry for entry in self.entries if not entry.ok]
        n = len(self.entries)
        verdict = f"failed: {len(wrong)} of {n} derivatives disagree" if wrong else f"passed: all {n} derivatives agree"
        rows: list[tuple[str, ...]] = [HEADINGS]
        badness = {e: np.nan_to_num(e.error / (e.tolerance or 1), nan=np.inf) for e in wrong or self.entries}
        for e in sorted(badness, key=lambda e: (e.order, -badness[e]))[:ROWS]:
            numbers = [f"{e.analytic:.8g}", f"{e.numeric:.8g}", f"{e.relative_error:.1e}", f"{e.ratio + 0:.6g}"]
            if e.ok and math.isnan(e.ratio):
                numbers[2:] = "–", "–"  # both are zero, as far as rounding lets one tell
            remark = "" if e.ok else self.corners().get((e.input, e.index), "")
            rows.append(("" if e.ok else "✗", str(e.order), e.input, e.index, e.step, *numbers, remark))
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        if len(badness) > ROWS:
            lines.append(f"... and {len(badness) - ROWS} more, in .entries")
        return "\n".join([f"gradcheck {verdict} with their difference quotients.", *self.diagnoses(), *lines])

    def corners(self) -> dict[tuple[str, str], str]:
        """Tell where a corner was hit. The gradient may agree there by luck, and its derivative still can't."""
        return {(e.input, e.index): e.corner for e in reversed(self.entries) if e.corner}

    def diagnoses(self) -> list[str]:
        """Say what the derivatives with respect to an input have in common that tells the mistake."""
        found = []
        for order, name in dict.fromkeys((e.order, e.input) for e in self.entries if not e.ok):
            entries = [e for e in self.entries if (e.order, e.input) == (order, name) and not math.isnan(e.ratio)]
            ratios = [e.ratio for e in entries]
            if len(entries) < 2 or any(e.ok or (e.input, e.index) in self.corners() for e in entries):
                continue
            where = f"order {order}, {name}: the analytic derivative is"
            if not any(ratios):
                found.append(f"{where} 0: is .data, detach(), no_grad() or an op without a gradient on the way?")
            elif np.ptp(ratios) < 1e-4 * abs(ratios[0]):
                simple = Fraction(ratios[0]).limit_denominator(100)
                near = simple.denominator > 1 and abs(simple - ratios[0]) < 1e-5 * abs(ratios[0])
                factor = f"{ratios[0]:.6g}" + (f" = {simple}" if near else "")
                found.append(f"{where} {factor} times the numeric one everywhere: a constant factor is wrong.")
        return found


def gradcheck(
    f: Callable[..., Tensor], *inputs: ArrayLike, order: int = 2, eps: float = ROUNDING ** (1 / 3),
    rtol: float | None = None, atol: float | None = None, rng: np.random.Generator | int = 0,
) -> Report:  # fmt: skip
    """Compare the gradients of `f` with difference quotients: `assert gradcheck(np.tanh, x)`.

    f       takes Tensors, one per input, and returns a Tensor of any shape; the same at every call
    inputs  Tensors or arrays of floats, of any shape. They are copied, as float64
    order   1: the gradient. 2: also the derivatives of the gradient, from grad(create_graph=True)
    eps     step, relative to the magnitude of an entry (at least to 1/10,000 of the input's largest; to that of 1 if
            all are 0). The default, the cube root of the rounding error, balances rounding with truncation
    rtol    relative difference allowed; by default 1e-5, and 1e-8 by a complex step
    atol    absolute difference allowed; by default what rounding, and truncation at a 0, can do to the quotient
    rng     gives the weights that reduce an output to one number, so that all of it is checked, and the directions

    An input of up to 64 entries is checked entry by entry, a larger one along 8 random directions. The quotients are
    central ones. In the first order, where `f` is made of analytic functions and takes complex arrays as well as
    Tensors, they are those of a complex step, exact to rounding.
    A mere disagreement raises nothing: the Report is false and tells where; `assert report, report` prints all of it.
    Raises TypeError for inputs that are not floats or an `f` that does not return a Tensor; ValueError for an `f` whose
    value is not finite or changes from call to call.
    """
    if not callable(f):
        raise TypeError(f"gradcheck() takes a function of Tensors first; {type(f).__name__} came.")
    if not (eps > 0 and (rtol is None or rtol >= 0) and (atol is None or atol >= 0)):
        raise ValueError(f"eps must be positive, rtol and atol 0 or more; {eps}, {rtol} and {atol} came.")
    if order not in (1, 2):
        raise ValueError(f"gradcheck() goes to order 1 or 2; order={order!r} came.")
    xs, rng = [], np.random.default_rng(rng)
    for i, x in enumerate(inputs):
        value = x.data if isinstance(x, Tensor) else array_of_numbers(x, f"argument {i} of gradcheck()")
        if value.dtype.kind != "f":
            raise TypeError(f"gradcheck() varies floats; argument {i} is {value.dtype}. Write 3.0 instead of 3.")
        name = getattr(x, "name", None) or f"argument {i}"
        xs.append(Tensor(value.astype(np.float64), requires_grad=True, name=name))
    if not any(x.size for x in xs):
        raise ValueError("gradcheck() has nothing to vary: give it an input with at least one entry.")

    def gradient(*xs: Tensor) -> Any:
        parts = grad(f(*xs), xs, weights, create_graph=True)
        return np.concatenate([np.reshape(part, (-1,)) for part in parts])

    with np.errstate(all="ignore"):  # what is not finite gets a line of the report
        y, again = f(*xs), f(*xs)
        if not isinstance(y, Tensor):
            raise TypeError(f"gradcheck() needs a function that returns a Tensor; it returned a {type(y).__name__}.")
        if not np.isfinite(y.data).all():
            raise ValueError("f gives NaN or infinity at this point; check it where it is finite.")
        if not np.array_equal(y.data, again.data):
            raise ValueError("f gives another result when called again; let it seed its random numbers itself.")
        weights = random_weights(y.shape, rng)
        entries = list(compare(f, xs, weights, 1, eps, rtol, atol, rng))
        if order == 2 and all(math.isfinite(e.analytic) for e in entries):
            directions = random_weights((sum(x.size for x in xs),), rng)
            entries += compare(gradient, xs, directions, 2, eps, rtol, atol, rng)
    return Report(tuple(entries))


def random_weights(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)


def compare(
    f: Callable[..., Tensor], xs: Sequence[Tensor], weights: np.ndarray, order: int, eps: float,
    rtol: float | None, atol: float | None, rng: np.random.Generator,
) -> Iterator[Entry]:  # fmt: skip
    """Yield derivatives of the weighted sum of f's output with respect to the inputs' entries, or along directions."""
    y = f(*xs)
    middle = weights * y.data
    try_complex = order == 1
    for i, (x, gradient) in enumerate(zip(xs, grad(y, xs, weights))):

        def change(step: np.ndarray) -> np.ndarray:
            near = Tensor(x.data + step, requires_grad=True, name=x.name)
            return weights * f(*xs[:i], near, *xs[i + 1 :]).data - middle

        for index, step, unit in steps(x.data, eps, rng):
            before, after = change(-step), change(step)
            analytic, left, right = (gradient.data * step).sum() / unit, -before.sum() / unit, after.sum() / unit
            rounding = 50 * ROUNDING * np.abs(middle)[(before != 0) | (after != 0)].sum() / unit
            curvature = 1e-6 * eps**2 * (np.abs(gradient.data).max() or 1)
            numeric, exact, tolerance = (left + right) / 2, None, rounding + curvature
            if try_complex:
                along = complex_step(f, [x.data for x in xs], [step / unit if j == i else 0 for j in range(len(xs))])
                exact = None if along is None else float((weights * along).sum())
                if exact is None or not abs(exact - numeric) <= 1e-3 * max(abs(exact), abs(numeric)) + tolerance:
                    exact, try_complex = None, False
                else:
                    numeric, tolerance = exact, eps * rounding + curvature
            allowed = RTOL["complex" if try_complex else "central"] if rtol is None else rtol
            tolerance = (tolerance if atol is None else atol) + allowed * max(abs(analytic), abs(numeric))
            analytic, left, right, tolerance = map(float, (analytic, left, right, tolerance))
            yield Entry(order, str(x.name), index, analytic, left, right, tolerance, exact)


def steps(x: np.ndarray, eps: float, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray, float]]:
    """Yield where a step goes, the step, and its length: the unit of the derivative."""
    h = eps * np.maximum(np.abs(x), 1e-4 * (np.abs(x).max(initial=0) or 1))
    if x.size > EVERY_ENTRY:
        for k in range(DIRECTIONS):
            yield f"direction {k}", h * rng.choice([-1, 1], x.shape), eps
    else:
        for index in np.ndindex(x.shape):
            step = np.zeros(x.shape)
            step[index] = h[index]
            yield str(list(index)), step, h[index]
