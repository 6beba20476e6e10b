"""Do HIPS/autograd and MyGrad compute the values and gradients that we do?

Every call in the table of `tests/autograd/cases.py` is made by all three. Values, and the gradients of their weighted
sum, must agree to 1e-10. Each peer gets a virtual environment of its own, which the first run makes in build/ (HIPS has
our import name); it is asked through JSON and .npz files. A peer that can't be installed is named as missing.

    python benchmarks/oracles.py           # the table, by op
    python benchmarks/oracles.py -v        # also what a peer says where it refuses

Exit status: 0, or 1 if a peer disagrees and DIFFERENT does not give the reason.
"""

import argparse
import datetime
import json
import platform
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import autograd
from autograd import Tensor, grad

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "autograd"))
from case import Case, is_input, normal, positive, spread  # noqa: E402
from cases import CASES  # noqa: E402

TOLERANCE = 1e-10
PEERS = {"hips": ("HIPS/autograd", "autograd"), "mygrad": ("MyGrad", "mygrad")}
# NumPy functions that are written with several ops, so that the table has no row for them: (call, part of the result)
COMPOSED = [
    (np.dot, (normal(2, 3), normal(3, 4)), {}, None),
    (np.dot, (normal(2, 3), normal(3)), {}, None),
    (np.outer, (normal(3), normal(2)), {}, None),
    (np.kron, (normal(2, 3), normal(3, 2)), {}, None),
    (np.diag, (normal(3),), {}, None),
    (np.diag, (normal(3, 4), 1), {}, None),
    (np.diagonal, (normal(3, 4),), {}, None),
    (np.tile, (normal(2, 3), (2, 1, 2)), {}, None),
    (np.repeat, (normal(2, 3), 2), {"axis": 1}, None),
    (np.sort, (spread(5),), {}, None),
    (np.split, (normal(6, 2), 3), {}, 1),
    (np.ravel, (normal(2, 3),), {}, None),
    (np.vstack, ([normal(2, 3), normal(1, 3)],), {}, None),
    (np.hstack, ([normal(2, 3), normal(2, 1)],), {}, None),
    (np.atleast_2d, (normal(3),), {}, None),
    (np.take, (normal(4, 3), np.array([0, 2, 2])), {"axis": 0}, None),
    (np.einsum, ("bij,bjk->bik", normal(2, 3, 4), normal(2, 4, 2)), {}, None),
    (np.linalg.norm, (normal(3, 4),), {}, None),
    (np.linalg.norm, (normal(3, 4),), {"axis": 1}, None),
    (np.linalg.slogdet, (normal(3, 3) + 3 * np.eye(3),), {}, 1),
    (np.linalg.svd, (normal(3, 3) + np.diag([1.0, 3.0, 5.0]),), {}, 1),
    (np.linalg.cholesky, (np.eye(3) * positive(3),), {}, None),
]


def to_lower_triangle(g: np.ndarray) -> np.ndarray:
    """Give the gradient of a symmetric matrix to its lower triangle alone."""
    return np.tril(g) + np.tril(np.swapaxes(g, -1, -2), -1)


# Where a peer computes something else, and why; with what makes its gradient ours, if anything does
TRIANGLE = "its gradient goes to both triangles, ours to the one that is read", to_lower_triangle
DIFFERENT: dict[tuple[str, str], tuple[str, Callable[[np.ndarray], np.ndarray] | None]] = {
    ("hips", "cholesky((3, 3))"): TRIANGLE,
    ("hips", "cholesky((2, 2, 2))"): TRIANGLE,
    ("hips", "var((3, 4), axis=1, correction=1.5)"): ("its gradient is that for correction=0", None),
    ("hips", "std((3, 4), axis=1, correction=1.5)"): ("its gradient is that for correction=0", None),
    ("hips", "prod((2, 3), axis=1)"): ("it divides by the entries, of which one is 0", None),
}


def environment(peer: str, package: str) -> Path | None:
    """Give the interpreter of a peer's own environment, made where it is not there; None if that fails."""
    folder = ROOT / "build" / "oracles" / peer
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    works = [python, "-c", f"import {package}, numpy"]
    if python.exists() and subprocess.run(works, capture_output=True, cwd=folder).returncode == 0:
        return python
    print(f"making {folder.relative_to(ROOT)}", file=sys.stderr)
    install = [python, "-m", "pip", "install", "--quiet", package]
    for step in ([sys.executable, "-m", "venv", "--clear", folder], install, works):
        done = subprocess.run(step, capture_output=True, text=True, cwd=ROOT / "benchmarks")
        if done.returncode:
            print(done.stderr.strip()[-500:], file=sys.stderr)
            return None
    return python


def encode(x: Any, arrays: dict[str, np.ndarray], inputs: list[str]) -> Any:
    """Write an argument as JSON; its arrays go to `arrays`, the names of those to differentiate by to `inputs`."""
    if isinstance(x, np.ndarray):
        key = f"a{len(arrays)}"
        arrays[key] = x
        if not is_input(x):
            return {"array": key}
        inputs.append(key)
        return {"input": len(inputs) - 1}
    if isinstance(x, (tuple, list)):
        return {type(x).__name__: [encode(part, arrays, inputs) for part in x]}
    if isinstance(x, slice):
        return {"slice": [encode(part, arrays, inputs) for part in (x.start, x.stop, x.step)]}
    if x is Ellipsis:
        return {"ellipsis": True}
    if isinstance(x, (type, np.dtype)):
        return {"dtype": np.dtype(x).name}
    return x.item() if isinstance(x, np.generic) else x


@dataclass(frozen=True)
class Question:
    """A call of the function of this name, and which part of its result is asked for: None for all of it."""

    name: str
    case: Case
    part: int | None = None

    def __call__(self, *inputs: Any) -> Any:
        out = self.case(*inputs)
        return out if self.part is None else out[self.part]

    def __str__(self) -> str:
        shapes = [[y.shape for y in x] if isinstance(x, list) and is_input(x[0]) else x for x in self.case.args]
        arguments = [str(x.shape) if isinstance(x, np.ndarray) else repr(x) for x in shapes]
        return f"{self.name}({', '.join([*arguments, *(f'{k}={v!r}' for k, v in self.case.options.items())])})"


def all_questions() -> list[Question]:
    """List the calls of the table and those of COMPOSED, without our ops that nobody calls by name."""
    public = [case for case in CASES if is_numpy(case.op.function) or hasattr(autograd, case.op.name)]
    composed = [Question(f.__name__, Case(f, f, args, options), part) for f, args, options, part in COMPOSED]
    return [Question(case.op.name, case) for case in public if case.inputs] + composed


def is_numpy(function: Any) -> bool:
    return not str(function.__module__).startswith("autograd.")


def answer(question: Question, weights: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Compute the value, and the gradients of value times weights, with our engine."""
    inputs = [Tensor(x, requires_grad=True) for x in question.case.inputs]
    y = question(*inputs)
    if not y.requires_grad:
        return y.data, []
    return y.data, [g.data for g in grad(y, inputs, weights)]


def ask(
    peer: str, python: Path, questions: list[Question], ours: list[Any], weights: list[np.ndarray]
) -> tuple[Any, Any]:
    """Have a peer make all the calls; give what it reports and its answers."""
    arrays: dict[str, np.ndarray] = {}
    written = []
    for i, question in enumerate(questions):
        case, inputs = question.case, list[str]()
        args = [encode(x, arrays, inputs) for x in case.args]
        options = {name: encode(x, arrays, inputs) for name, x in case.options.items()}
        arrays[f"w{i}"] = weights[i]
        about = {"function": question.name, "numpys": is_numpy(case.function), "part": question.part}
        about |= {"weights": f"w{i}", "gradients": bool(ours[i][1])}
        written.append(about | {"args": args, "options": options, "inputs": inputs})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "questions.json").write_text(json.dumps(written))
        np.savez(folder / "questions.npz", **arrays)
        # -I: neither this folder nor PYTHONPATH may put our autograd before the peer's
        command = [python, "-I", Path(__file__).with_name("oracle_peer.py"), peer, folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode:
            sys.exit(f"{peer} failed:\n{done.stderr}")
        with np.load(folder / "answers.npz") as answers:
            return json.loads((folder / "answers.json").read_text()), dict(answers)


def compare(ours: tuple[np.ndarray, list[np.ndarray]], theirs: list[np.ndarray]) -> str:
    """Say in what two answers differ; nothing if they agree."""
    value, *gradients = theirs
    pairs = [("the value", ours[0], value)]
    pairs += [(f"gradient {j}", mine, g) for j, (mine, g) in enumerate(zip(ours[1], gradients))]
    for what, mine, g in pairs:
        if np.shape(mine) != np.shape(g):
            return f"{what}: shape {np.shape(mine)} here, {np.shape(g)} there"
        if not np.allclose(mine, g, TOLERANCE, TOLERANCE, equal_nan=True):
            return f"{what}: off by {np.max(np.abs(np.asarray(mine, float) - np.asarray(g, float))):.3g}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-v", "--verbose", action="store_true", help="say what a peer says where it refuses")
    options = parser.parse_args()
    rng = np.random.default_rng(5)
    questions = all_questions()
    with np.errstate(all="ignore"):
        weights = [rng.uniform(0.5, 1.5, question(*map(Tensor, question.case.inputs)).shape) for question in questions]
        ours = [answer(question, w) for question, w in zip(questions, weights)]
    columns: dict[str, dict[str, list[str]]] = {}
    wrong, notes = [], []
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    print(f"{datetime.date.today()}, {len(questions)} calls, {versions} here")
    for peer, (title, package) in PEERS.items():
        python = environment(peer, package)
        if python is None:
            print(f"{title}: missing, it could not be installed")
            continue
        about, answers = ask(peer, python, questions, ours, weights)
        print(f"{title} {about['peer']}, NumPy {about['numpy']}")
        column = columns[title] = defaultdict(list)
        for i, (question, said) in enumerate(zip(questions, about["report"])):
            keys = [f"{i}:value", *(f"{i}:{j}" for j in range(len(ours[i][1])))]
            theirs = [answers[key] for key in keys if said == "ok"]
            difference = compare(ours[i], theirs) if said == "ok" else ""
            if said != "ok":
                verdict = "not there" if said.startswith(("LookupError", "NotImplementedError")) else "refuses"
                if options.verbose and verdict == "refuses":
                    notes.append(f"{title} {question}: {said}")
            elif not difference:
                verdict = "agrees"
            else:
                reason, adapt = DIFFERENT.get((peer, str(question)), ("", None))
                if adapt:
                    difference = compare(ours[i], [theirs[0], *map(adapt, theirs[1:])])
                excused = reason and not (adapt and difference)
                verdict = "differs, see below" if excused else "DISAGREES"
                (notes if excused else wrong).append(f"{title} {question}: {reason if excused else difference}")
            column[question.name].append(verdict)
    rows = [("op", *columns)]
    for name in sorted({question.name for question in questions}):
        cells = []
        for column in columns.values():
            verdicts = column[name]
            counts = {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)}
            of = len(verdicts)
            cells.append(", ".join(v if n == of else f"{v} ({n} of {of})" for v, n in counts.items()))
        rows.append((name, *cells))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    for title, lines in (("notes", notes), ("disagreements", wrong)):
        if lines:
            print(f"\n{title}:", *lines, sep="\n  ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
