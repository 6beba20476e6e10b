"""What a picture shows, before anything is drawn."""

import numpy as np
import pytest
from cases import CASES
from drawing.circuits import CIRCUITS, after_backward, classifier, lstm, named, neuron, product_of_sum, staged, variable
from numpy.testing import assert_allclose

from autograd import Tensor, no_grad, scope, sigmoid
from autograd.drawing.model import Quantity
from autograd.drawing.picture import read


def facts(picture):
    """Name, expression, value, gradient of every node."""
    return {
        node.label: (node.expression, node.value.summary, node.gradient.length if node.gradient else "–")
        for node in picture.nodes
    }


def edges(picture):
    """From and to, local gradient, chain rule."""
    return {(edge.source.label, edge.target.label): (edge.local_text(), edge.chain) for edge in picture.edges}


def test_product_of_sum():
    """CS231n's first circuit, number by number."""
    picture = read(after_backward(product_of_sum))
    assert facts(picture) == {
        "x": ("", "−2", "−4"), "y": ("", "5", "−4"), "z": ("", "−4", "3"),
        "q": ("x + y", "3", "−4"), "f": ("q × z", "−12", "1"),
    }  # fmt: skip
    assert edges(picture) == {
        ("x", "q"): ("1", "−4 × 1 = −4"),
        ("y", "q"): ("1", "−4 × 1 = −4"),
        ("q", "f"): ("z = −4", "1 × (−4) = −4"),
        ("z", "f"): ("q = 3", "1 × 3 = 3"),
    }
    assert picture.notes == []


@pytest.mark.parametrize("compressed", [True, False])
def test_neuron(compressed):
    """CS231n's neuron: the inputs receive the same through one gate and through four."""
    picture = read(after_backward(neuron, compressed))
    leaves = {
        label: (value, gradient) for label, (expression, value, gradient) in facts(picture).items() if not expression
    }
    assert leaves == {
        "w0": ("2", "−0.1966"), "x0": ("−1", "0.3932"), "w1": ("−3", "−0.3932"), "x1": ("−2", "−0.5898"),
        "w2": ("−3", "0.1966"),
    }  # fmt: skip
    found = edges(picture)
    assert found["w0", "v1"] == ("x0 = −1", "0.1966 × (−1) = −0.1966")
    if compressed:
        assert found["z", "f"] == ("f·(1−f) = 0.1966", "1 × 0.1966 = 0.1966")
    else:
        assert found["v6", "f"] == ("−1/v6² = −0.5344", "1 × (−0.5344) = −0.5344")
        assert found["v5", "v6"] == ("1", "−0.5344 × 1 = −0.5344")
        assert found["v4", "v5"] == ("v5 = 0.3679", "−0.5344 × 0.3679 = −0.1966")
        assert found["z", "v4"] == ("−1", "−0.1966 × (−1) = 0.1966")


def test_staged():
    """CS231n's staged example: every local gradient, and gradients that add up where paths meet."""
    picture = read(after_backward(staged))
    assert {node.label: node.sum for node in picture.nodes if node.sum} == {
        "x": "0.5121 − 0.03576 + 1.583 ≈ 2.06",
        "y": "0.009046 + 1.583 = 1.592",
    }
    assert edges(picture) == {
        ("y", "sigy"): ("sigy·(1−sigy) = 0.01766", "0.5121 × 0.01766 ≈ 0.009046"),
        ("x", "num"): ("1", "0.5121 × 1 = 0.5121"),
        ("sigy", "num"): ("1", "0.5121 × 1 = 0.5121"),
        ("x", "xpy"): ("1", "1.583 × 1 = 1.583"),
        ("y", "xpy"): ("1", "1.583 × 1 = 1.583"),
        ("xpy", "xpysqr"): ("2·xpy = −2", "−0.7916 × (−2) = 1.583"),
        ("x", "sigx"): ("sigx·(1−sigx) = 0.04518", "−0.7916 × 0.04518 = −0.03576"),
        ("sigx", "den"): ("1", "−0.7916 × 1 = −0.7916"),
        ("xpysqr", "den"): ("1", "−0.7916 × 1 = −0.7916"),
        ("den", "invden"): ("−1/den² = −0.2623", "3.018 × (−0.2623) = −0.7916"),
        ("num", "f"): ("invden = 0.5121", "1 × 0.5121 = 0.5121"),
        ("invden", "f"): ("num = 3.018", "1 × 3.018 = 3.018"),
    }


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_contributions_add_up(make):
    """The contributions into a node, calculated from its uses alone, are its gradient: the picture has no complaint."""
    result = after_backward(make)
    picture = read(result)
    assert picture.notes == []
    assert all(edge.sent is not None for edge in picture.edges if edge.flows)
    for node in picture.nodes:
        if node.gradient is not None and node is not picture.output and node.gradient.scalar is not None:
            assert_allclose(sum(edge.sent.scalar for edge in node.outgoing), node.gradient.scalar)


LONG = (  # more than fits on an edge
    "cholesky cofactors cumprod eigh eigvalsh gelu linear_recurrence median pinv product_of_others qr sinc svd "
    "tensordot"
).split()


@pytest.mark.parametrize("case", [case for case in CASES if case.op.differentiable], ids=str)
def test_every_op(case):
    """Every op, with every shape and option, can be read; its contributions add up; it has a formula, or a long one."""
    y = case(*(Tensor(a, requires_grad=True, name=name) for a, name in zip(case.inputs, "xyzuvw")))
    y.backward(np.ones(y.shape))
    picture = read(y)
    assert picture.notes == []
    assert case.op.name in LONG or all(edge.formula and edge.dense_formula for edge in picture.edges if edge.flows)


def test_a_wrong_gradient_is_said():
    """Where the contributions do not give the gradient, the picture says so instead of hiding it."""
    f = after_backward(product_of_sum)
    f.parents[0].grad = -3.0
    picture = read(f)
    assert next(node.sum for node in picture.nodes if node.label == "q") == "−3 ≠ −4"
    assert len(picture.notes) == 1 and "x, y, q" in picture.notes[0]  # what q sends to x and y is wrong then, too


def test_twice_backward():
    """Gradients of two backward passes are all doubled, and still add up."""
    f = after_backward(product_of_sum)
    f.backward()
    picture = read(f)
    assert picture.notes == [] and edges(picture)["q", "f"] == ("z = −4", "2 × (−4) = −8")


def test_before_backward():
    """Unset is not zero: a dash, and a line that says why; the local gradients are known already."""
    picture = read(product_of_sum())
    assert all(node.gradient is None for node in picture.nodes)
    assert picture.notes == ["backward() has not run: the gradients are not known yet (–)."]
    assert edges(picture)["q", "f"] == ("z = −4", "")


def test_constants():
    """Inputs without a gradient and constant arrays are shown, plain numbers stand in the expression."""
    w, d = variable("w", [1.0, 2.0]), Tensor([3.0, 4.0], name="d")
    f = named("f", ((w * d + np.array([5.0, 6.0])) * 2.0 - Tensor(1.0)).sum())
    f.backward()
    picture = read(f)
    assert [(node.label, node.role) for node in picture.nodes] == [
        ("w", "parameter"), ("d", "input"), ("v1", "activation"), ("v2", "constant"), ("v3", "activation"),
        ("v4", "activation"), ("v5", "activation"), ("f", "result"),
    ]  # fmt: skip
    assert [node.expression for node in picture.nodes[2:]] == ["w × d", "", "v1 + v2", "v3 × 2", "v4 − 1", "Σ(v5)"]
    assert [(edge.source.label, edge.flows) for edge in picture.edges][:4] == [
        ("w", True), ("d", False), ("v1", True), ("v2", False),
    ]  # fmt: skip


def test_used_without_a_gradient():
    """A value that an op uses without passing a gradient back is shown where it is used, and its past is not."""
    x = variable("x", [1.0, -2.0])
    condition = named("condition", x * 0.0 + 1.0)
    f = np.where(condition, x, 3.0).sum()
    f.backward()
    picture = read(f)
    assert [node.label for node in picture.nodes] == ["condition", "x", "v1", "v2"]
    assert not picture.edges[0].flows and picture.notes == []


def test_unnamed_do_not_take_a_given_name():
    """v1, v2, ... leave out what the user has named so."""
    v1 = variable("v1", 2.0)
    assert [node.label for node in read(-(-v1)).nodes] == ["v1", "v2", "v3"]  # noqa: B002


def test_the_picture_is_of_its_moment():
    """Later changes of a tensor do not show; a change before drawing, which makes the graph stale, is said."""
    f = after_backward(product_of_sum)
    before = read(f)
    x = f.parents[0].parents[0]
    x.data = 100.0
    x.grad = None
    assert facts(before)["x"] == ("", "−2", "−4")
    assert any("Changed after this graph had used it: x" in note for note in read(f).notes)


def test_lstm_frames():
    """Scopes are frames; leaves stand where they are used; initial states stand outside the first step."""
    picture = read(after_backward(lstm))
    assert [frame.label for frame in picture.frames][:7] == [
        "lstm",
        "t=1",
        "gate i",
        "gate f",
        "gate g",
        "gate o",
        "memory",
    ]
    assert [[frame.label for frame in steps] for steps in picture.sequences] == [["t=1", "t=2", "t=3"]]
    places = {node.label: node.place and node.place.label for node in picture.nodes}
    assert places["x2"] == "t=2" and places["f1"] == "gate f" and places["c3"] == "memory"
    assert places["h0"] == places["c0"] == "lstm" and places["L"] is None
    assert sorted(node.label for node in picture.nodes if node.alias) == ["W_h", "W_x", "b"]


def test_frames_of_one_name():
    """Two frames with one label inside the same frame are told apart."""
    x = variable("x", 1.0)
    with scope("net"):
        for _ in range(2):
            with scope("linear"):
                x = x * 2.0
    assert [frame.label for frame in read(x).frames] == ["net", "linear", "linear (2)"]


def test_weights_shared_outside_of_time():
    """Three uses of a parameter in several frames are aliases; an input keeps its edges."""
    w, x = variable("w", 2.0), variable("x", 3.0)
    y = x
    for name in "abc":
        with scope(name):
            y = y * w + x
    assert [node.label for node in read(y).nodes if node.alias] == ["w"]


@pytest.mark.parametrize(
    "array, summary, length, alarm",
    [
        (2.0, "2", "2", ""),
        ([3.0, 4.0], "3.5 ± 0.5", "‖5‖", ""),
        ([[0.0, 0.0]], "0 ± 0", "‖0‖", "zero"),
        ([1e-9, 0], "5·10⁻¹⁰ ± 5·10⁻¹⁰", "‖1·10⁻⁹‖", "vanishing"),
        ([1e300, 1e300], "1·10³⁰⁰ ± 0", "‖1.41·10³⁰⁰‖", "exploding"),
        ([1.0, np.nan, np.inf], "⚠ 2 of 3 NaN/∞", "⚠ 2 of 3 NaN/∞", "NaN/∞"),
        (np.zeros((0, 3)), "empty", "‖0‖", "zero"),
    ],
)
def test_quantity(array, summary, length, alarm):
    """An array in a line, a gradient in a number, and the word for what should be noticed."""
    quantity = Quantity(array)
    assert (quantity.summary, quantity.length, quantity.alarm) == (summary, length, alarm)


def test_deep_graph():
    """Five thousand nodes and five hundred nested scopes are read without recursion."""
    x = variable("x", 1.0)
    scopes = [scope(f"s{i}") for i in range(500)]
    for s in scopes:
        s.__enter__()
    y = x
    for _ in range(5000):
        y = y * 1.0
    for s in reversed(scopes):
        s.__exit__(None, None, None)
    y.backward()
    picture = read(y)
    assert len(picture.nodes) == 5001 and len(picture.frames) == 500


def test_broadcast_and_many_uses():
    """A number used by an array receives the sum; many uses are cut short in the text."""
    b = variable("b", 0.5)
    y = sum((b * float(i) for i in range(1, 7)), start=(b + np.ones(3)).sum())
    y.backward()
    node = next(node for node in read(y).nodes if node.label == "b")
    assert node.sum == "3 + ⋯ + 6 (7 uses) = 24"


def test_classifier_texts():
    """Ops on arrays, as the mathematics writes them."""
    texts = {edge.formula for edge in read(after_backward(classifier)).edges if edge.flows}
    assert {"Xᵀ @ ◀", "◀ @ W2ᵀ", "1−h²", "1, Σ to (16,)", "◀ − exp(logp)·Σ◀", "◀/8 to every entry", "−1"} <= texts


# ---- names of variables ----


def test_names():
    """A Tensor without a name has its variable's, in expressions and formulas too; the Tensor itself stays unnamed."""
    x, w = Tensor(2.0, requires_grad=True), variable("given", 3.0)
    z = w * x
    y = sigmoid(z)
    y.backward()
    picture = read(y, locals())
    assert [(node.label, node.expression, node.role) for node in picture.nodes] == [
        ("given", "", "input"), ("x", "", "input"), ("z", "given × x", "activation"), ("y", "σ(z)", "result"),
    ]  # fmt: skip
    assert edges(picture)["z", "y"][0].startswith("y·(1−y) = ") and edges(picture)["x", "z"][0] == "given = 3"
    assert [x.name, z.name, y.name] == [None, None, None]


def test_the_first_name_counts():
    """Of two names of one tensor the first counts, a variable before a place in a list; none is given twice."""
    x, hs = variable("own", 1.0), []
    for _ in range(3):
        hs.append((hs[-1] if hs else x) * 2.0)
    last = hs[2] + 1.0
    scope_of_user = {"hs": hs, "own": last, "last": last, "again": last, "v2": hs[1], "state": {"h": hs[0]}}
    assert [node.label for node in read(last, scope_of_user).nodes] == ["own", "hs[0]", "v2", "hs[2]", "last"]
    del scope_of_user["hs"]
    assert [node.label for node in read(last, scope_of_user).nodes] == ["own", "state['h']", "v2", "v1", "last"]


def test_names_that_are_not_the_users():
    """Jupyter's `_`, `_5` and `Out` name nothing; neither do things that are no Tensors."""
    x = Tensor(1.0, requires_grad=True)
    y = x * 2.0
    outputs = {5: y}
    names = {"_": y, "_5": y, "_oh": outputs, "Out": outputs, "In": ["x"], "np": np, "n": 3, "x": x}
    assert [node.label for node in read(y, names).nodes] == ["x", "v1"]


def test_named_constants_and_weights():
    """A constant number that has a variable is drawn; a weight is known by its variable's name, too."""
    W, eps = Tensor(2.0, requires_grad=True), Tensor(0.5)
    y = W + eps
    assert [(node.label, node.role) for node in read(y, {"W": W, "eps": eps, "y": y}).nodes] == [
        ("W", "parameter"), ("eps", "input"), ("y", "result"),
    ]  # fmt: skip
    assert read(y, {"W": W}).output.expression == "W + 0.5"


# ---- digits ----


def test_digits():
    """Every number of a picture has as many digits as were asked for; two pictures do not disturb each other."""
    f = after_backward(lambda: named("f", sigmoid(variable("x", 1.0) * 0.123456789)))
    coarse, fine = read(f, digits=2), read(f, digits=8)
    assert facts(coarse) == {"x": ("", "1", "0.031"), "v1": ("x × 0.12", "0.12", "0.25"), "f": ("σ(v1)", "0.53", "1")}
    assert facts(fine)["v1"] == ("x × 0.12345679", "0.12345679", "0.24904982")
    assert edges(coarse)["x", "v1"] == ("0.12", "0.25 × 0.12 ≈ 0.031")
    assert edges(fine)["x", "v1"] == ("0.12345679", "0.24904982 × 0.12345679 = 0.030746891")
    assert Quantity([1.23456, 2.34567], 6).summary == "1.7901 ± 0.55556" and Quantity([3.0, 4.1], 2).length == "‖5‖"


# ---- gradients that are computed for the picture ----


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_computed_gradients(make):
    """Computed gradients are those that backward() would record."""
    assert facts(read(make(), compute_gradients=True)) == facts(read(after_backward(make)))


def test_computing_touches_nothing():
    """No `.grad` is set or changed, no hook is called; that the hooks were left out is said."""
    called = []
    f = product_of_sum()
    q = f.parents[0]
    q.register_hook(called.append)
    q.grad = 7.0
    picture = read(f, compute_gradients=True)
    assert facts(picture)["q"] == ("x + y", "3", "−4") and called == []
    assert q.grad == 7.0 and f.grad is None and q.parents[0].grad is None
    assert picture.notes == ["Gradients as the chain rule gives them: the hooks of q were not called."]


def test_computing_what_there_is_not():
    """Without a number to start from, without a flow, on a graph that has changed: an error that says so."""
    x = variable("x", [1.0, 2.0])
    with pytest.raises(
        ValueError, match=r"starts from one number, and the result of multiply .* has 2\. Draw a number"
    ):
        read(x * 2.0, compute_gradients=True)
    with no_grad():
        constant = x * 2.0
    for output in (constant, Tensor(1.0)):
        with pytest.raises(ValueError, match=r"nothing to follow: .*requires_grad=True, or under no_grad"):
            read(output, compute_gradients=True)
    y = (x * x).sum()
    x.data = [3.0, 4.0]
    with pytest.raises(RuntimeError, match="was changed through .data"):
        read(y, compute_gradients=True)
    y = (x * x).sum()
    y.backward(retain_graph=False)
    with pytest.raises(RuntimeError, match="was freed"):
        read(y, compute_gradients=True)
