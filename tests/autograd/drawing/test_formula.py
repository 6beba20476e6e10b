"""Local gradients as formulas: the text, and that it stands for the right number."""

import re

import numpy as np
import pytest
from case import is_input
from cases import CASES
from numpy.testing import assert_allclose

from autograd import OPS, Tensor, define, sigmoid
from autograd.chainrule import conform
from autograd.drawing.formula import UPSTREAM, Symbol, derive
from autograd.drawing.picture import read

rng = np.random.default_rng(3)


def evaluate(tree, leaves):
    """Calculate an expression from its leaves, as it was simplified."""
    if not isinstance(tree, Symbol):
        return tree
    if tree.function is None:
        return leaves[tree.leaf] if isinstance(tree.leaf, str) else tree.leaf
    return tree.function(*(evaluate(x, leaves) for x in tree.args), **tree.options)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.op.differentiable and case.op.name != "getitem"], ids=str
)
def test_formula_is_the_local_gradient(case):
    """Every op has a formula for every argument, and its simplified form gives what backward sends.

    (Indexing has none: its rule writes into a buffer. The picture says where instead.)
    """
    y = case(*(Tensor(a, requires_grad=True) for a in case.inputs))
    g = rng.normal(size=y.shape)
    args = tuple(Symbol(v, f"x{i}") if is_input(np.asarray(v)) else v for i, v in enumerate(y.values))
    leaves = {f"x{i}": v for i, v in enumerate(y.values)} | {"out": y.data, UPSTREAM: g}
    trees = derive(y.op, y.positions, Symbol(y.data, "out"), args, y.kwargs)
    for position, (_, send) in zip(y.positions, y.local_gradients()):
        found = evaluate(trees[position], leaves)
        sent = conform(np.asarray(g * found if y.op.elementwise else found), np.asarray(y.values[position]), y.op)
        assert_allclose(sent, send(g), rtol=1e-12, atol=1e-12)


x, y = 0.7, 2.5
SCALARS = {
    "x + y": "1", "x - y": "−1", "x * y": "x", "x / y": "−x/y²", "3 - x * y": "−1", "2 / y": "−2/y²",
    "x ** y": "f·log(x)", "y ** 2": "2·y", "y ** 3": "3·y²", "y ** -1": "−y⁻²", "y ** 0.5": "0.5·y^(−0.5)",
    "y ** 1": "1", "y ** 0": "0", "2 ** y": "0.6931·f", "-y": "−1", "+y": "1", "abs(y)": "sign(y)", "y % 2": "1",
    "x % y": "−(x//y)", "y * y * y": "v1", "np.exp(y)": "f", "np.log(y)": "1/y", "np.sqrt(y)": "1/(2·f)",
    "np.tanh(y)": "1−f²", "sigmoid(y)": "f·(1−f)", "np.maximum(y, 0)": "y > 0", "np.minimum(x, y)": "y < x",
    "np.maximum(y, y)": "(y > y)/2+(y ≥ y)/2", "np.clip(y, -1, 3)": "(y ≥ −1)·(y ≤ 3)",
}  # fmt: skip


@pytest.mark.parametrize("expression, text", SCALARS.items())
def test_text_of_scalars(expression, text):
    """The text is the textbook's, and read as arithmetic it gives the derivative by the last y."""
    numbers = {"x": x, "y": y}
    tensors = {name: Tensor(value, requires_grad=True, name=name) for name, value in numbers.items()}
    f = eval(expression, {"np": np, "sigmoid": sigmoid}, tensors)
    f.name = "f"
    edge = [edge for edge in read(f).output.incoming if edge.flows][-1]
    assert edge.formula == text
    python = re.sub(
        "⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]", lambda m: "**" + m[0].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")), text
    )
    for sign, operator in {"·": "*", "−": "-", "^": "**", "≥": ">=", "≤": "<=", " = ": "=="}.items():
        python = python.replace(sign, operator)
    names = numbers | {"f": f.item(), "v1": y * y, "log": np.log, "sign": np.sign}
    assert eval(python, names) == pytest.approx(edge.local.scalar, rel=1e-3)


@pytest.mark.parametrize(
    "build, texts",
    [
        (lambda X, W: X @ W, ["◀ @ Wᵀ", "Xᵀ @ ◀"]),
        (lambda X, W: X.sum(), ["◀ to every entry"]),
        (lambda X, W: X.sum(axis=0), ["◀ repeated to (2, 3)"]),
        (lambda X, W: X.mean(), ["◀/6 to every entry"]),
        (lambda X, W: X.max(), ["◀·(X = f)"]),
        (lambda X, W: X[:, 1:3], ["◀ into [:, 1:3]"]),
        (lambda X, W: X.reshape(6), ["◀ as (2, 3)"]),
        (lambda X, W: X.T, ["◀ᵀ"]),
        (lambda X, W: np.concatenate([X, W.T], axis=1), ["◀[:, 0:3]", "◀[:, 3:6]"]),
        (lambda X, W: np.tanh(X), ["1−f²"]),
        (lambda X, W: X + W[:, 0], ["1", "1, Σ to (3,)"]),
        (lambda X, W: X * W[0, 0], ["v1", "X, Σ over all"]),
    ],
)
def test_text_of_arrays(build, texts):
    """Linear ops say in NumPy's words what becomes of the upstream gradient ◀; broadcasting says what is summed."""
    X = Tensor(rng.normal(size=(2, 3)), requires_grad=True, name="X")
    f = build(X, Tensor(rng.normal(size=(3, 2)), requires_grad=True, name="W"))
    f.name = "f"
    assert [edge.formula for edge in read(f).output.incoming] == texts


def test_unnamed_values():
    """Where v1, v2, ... are shown they stand in formulas; where they are not, the op stands for its result."""
    c = Tensor([1.0, 2.0], requires_grad=True, name="c")
    tanh = read(np.tanh(c) * Tensor([3.0, 4.0], requires_grad=True, name="o"))
    first, second = tanh.edges[0], tanh.output.incoming[1]
    assert (first.formula, first.dense_formula) == ("1−v1²", "1−tanh²")
    assert (second.formula, second.dense_formula) == ("v1", "tanh(c)")


@pytest.mark.parametrize(
    "build, formula",
    [
        (lambda a, b, c: (a - b) ** 2, "2·(a − b)"),
        (lambda a, b, c: c * (a + b), "a + b"),
        (lambda a, b, c: c * (a + b) ** 2, "(a + b)²"),
        (lambda a, b, c: c * ((a + b) * a), "(a + b) × a"),
        (lambda a, b, c: c * (a - (b - a)), "a − (b − a)"),
        (lambda a, b, c: c * (a / (a * b)), "a/(a × b)"),
        (lambda a, b, c: c * (a + b + a), "a + b + a"),
        (lambda a, b, c: (a * b) ** 2, "2·(a × b)"),
        (lambda a, b, c: c / np.tanh(a), "1/tanh(a)"),
    ],
)
def test_unnamed_values_in_brackets(build, formula):
    """An expression that stands for an unnamed value is bracketed where what is around it binds as tightly."""
    a, b, c = (Tensor([1.0, 2.0], requires_grad=True, name=name) for name in "abc")
    assert read(build(a, b, c)).output.incoming[0].dense_formula == formula


def test_rule_that_is_no_expression(monkeypatch):
    """A rule that turns its arguments into arrays, or branches on values, has no formula; its number is there."""

    def branching(g, out, x):
        return g * 2 if x > 0 else g

    def kink(x):
        return x + np.maximum(x, 0)

    monkeypatch.setitem(OPS, kink, None)  # gone again after the test
    op = define(kink, branching, elementwise=True)
    f = op(Tensor(1.5, requires_grad=True, name="x"))
    f.backward()
    (edge,) = read(f).edges
    assert edge.formula == "" and edge.local_text() == "2" and edge.chain == "1 × 2 = 2"


def test_rule_of_many_arguments_runs_once(monkeypatch):
    """The formulas of an op with any number of arguments cost one run of its rule, not one for each argument."""
    runs = []

    def cut(g, out, *xs):
        runs.append(isinstance(g, Symbol))
        return [g[i] for i in range(len(xs))]

    def join(xs):
        return np.stack(xs)

    monkeypatch.setitem(OPS, join, None)  # gone again after the test
    op = define(join, cut, variadic=True)
    x = Tensor(1.5, requires_grad=True, name="x")
    picture = read(op([x * i for i in range(5)]))
    assert sum(runs) == 1 and [edge.formula for edge in picture.output.incoming] == [f"◀[{i}]" for i in range(5)]
