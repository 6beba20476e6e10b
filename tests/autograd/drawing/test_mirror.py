"""The graph of a backward pass, read beside its forward graph."""

import numpy as np
import pytest
from cases import CASES
from drawing.circuits import CIRCUITS, classifier, lstm, matrices, named, neuron, product_of_sum, square, variable
from numpy.testing import assert_allclose

from autograd import Tensor, draw, grad, no_grad, scope, toposort
from autograd.drawing.model import CHAIN, SAVED, derivative, fraction
from autograd.drawing.picture import read


def leaves(output):
    return [node for node in toposort([output]) if node.op is None and node.requires_grad]


def gradients(make, *args):
    """Give the recorded gradients of a circuit by its leaves."""
    output = make(*args)
    return grad(output, leaves(output), create_graph=True)


def boxes(picture):
    return {node.label: node for node in picture.nodes if node.role == "gradient"}


def lines(picture, kind):
    return {(edge.source.label, edge.target.label) for edge in picture.edges if edge.kind == kind}


def test_product_of_sum():
    """Each gradient says how it is computed; from gradient to gradient, and from what is saved, goes an edge."""
    picture = read(gradients(product_of_sum)[0])
    assert {label: (box.expression, box.working, box.of.label) for label, box in boxes(picture).items()} == {
        "∂f/∂f": ("", "", "f"),
        "∂f/∂q": ("∂f/∂f × z", "1 × (−4) = −4", "q"),
        "∂f/∂z": ("∂f/∂f × q", "1 × 3 = 3", "z"),
        "∂f/∂y": ("∂f/∂q × 1", "−4 × 1 = −4", "y"),
        "∂f/∂x": ("∂f/∂q × 1", "−4 × 1 = −4", "x"),
    }
    assert lines(picture, CHAIN) == {
        ("∂f/∂f", "∂f/∂q"), ("∂f/∂f", "∂f/∂z"), ("∂f/∂q", "∂f/∂x"), ("∂f/∂q", "∂f/∂y"),
    }  # fmt: skip
    assert lines(picture, SAVED) == {("z", "∂f/∂q"), ("q", "∂f/∂z")}
    assert picture.output.label == "∂f/∂x" and picture.notes == [
        "∂f/∂x.backward() has not run: no second gradients yet."
    ]


def test_gradients_of_the_forward_graph_are_not_mistaken():
    """What f.backward() has left in `.grad` is no second gradient; gx.backward() makes these known."""
    f = product_of_sum()
    gx, _, gz = grad(f, leaves(f), create_graph=True)
    f.backward()
    picture = read(gx)
    assert all(node.gradient is None and node.single for node in picture.nodes)
    for node in toposort([f]):
        node.grad = None
    gx.backward()
    picture = read(gx)
    second = {node.label: node.gradient and node.gradient.scalar for node in picture.nodes}
    assert picture.notes == [] and not picture.output.single
    assert second == {
        "x": None, "y": None, "q": None, "z": 1, "f": None,
        "∂f/∂f": None, "∂f/∂q": 1, "∂f/∂x": 1, "∂f/∂y": None, "∂f/∂z": None,
    }  # fmt: skip
    sent = {(edge.source.label, edge.target.label): edge.sent.scalar for edge in picture.edges if edge.sent}
    assert sent == {("∂f/∂q", "∂f/∂x"): 1, ("z", "∂f/∂q"): 1}


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_second_gradients_add_up(make):
    """What the edges send, worked out from the mirror image alone, adds up to what backward() has left in `.grad`."""
    found = gradients(make)
    loss = sum(((g**2).sum() for g in found), start=Tensor(0.0))
    loss.backward()
    picture = read(loss)
    assert picture.notes == []
    checked = 0
    for node in picture.nodes:
        sent = [edge.piece for edge in node.outgoing if edge.sent is not None]
        if node.gradient is not None and node is not picture.output:
            assert_allclose(np.linalg.norm(sum(sent)), node.gradient.norm, rtol=1e-6, atol=1e-12)
            checked += 1
    assert checked > 3


@pytest.mark.parametrize("case", [case for case in CASES if case.op.differentiable], ids=str)
def test_every_op(case):
    """Every op, with every shape and option, has a mirror image that gives the recorded gradients."""
    xs = [Tensor(a, requires_grad=True, name=name) for a, name in zip(case.inputs, "xyzuvw")]
    y = case(*xs)
    found = [g for g in grad(y, xs, np.ones(y.shape), create_graph=True) if g.requires_grad]
    for g in found[:1]:
        g.backward(np.ones(g.shape))
        picture = read(g)
        assert picture.notes == []
        assert len(boxes(picture)) > 1 and all(box.of for box in boxes(picture).values())


def test_wrong_second_gradient_is_said():
    """A gradient that is not the sum of what is drawn is said to be so."""
    (g,) = gradients(square)
    g.backward()
    g.grad = 3.0
    picture = read(named("S", g * 1.0))
    assert picture.notes  # nothing recorded for S itself
    g.parents[0].grad = None
    s = named("S", g**2)
    s.backward()
    assert any("≠" in note for note in read(s).notes)


def test_constant_gradients():
    """A gradient that depends on nothing is constant, and draws its pass all the same."""
    W = variable("W", np.ones((2, 3)))
    L = named("L", named("D", W @ Tensor(np.ones((3, 2)), name="X")).sum())
    (gW,) = grad(L, [W], create_graph=True)
    picture = read(gW)
    assert not gW.requires_grad
    assert {label: box.expression for label, box in boxes(picture).items()} == {
        "∂L/∂L": "", "∂L/∂D": "∂L/∂L to every entry", "∂L/∂W": "∂L/∂D @ Xᵀ",
    }  # fmt: skip
    assert picture.notes == ["∂L/∂W is constant: it has no gradients."]


@pytest.mark.parametrize(
    "make, expressions",
    [
        (square, {"∂f/∂x": "∂f/∂f × x + ∂f/∂f × x"}),
        (neuron, {"∂f/∂z": "∂f/∂f × f·(1−f)", "∂f/∂w0": "∂f/∂v1 × x0"}),
        (matrices, {"∂L/∂W": "∂L/∂D @ Xᵀ", "∂L/∂X": "Wᵀ @ ∂L/∂D", "∂L/∂D": "∂L/∂H × (1−H²)"}),
        (classifier, {"∂loss/∂b1": "∂loss/∂v2, Σ to (16,)", "∂loss/∂W2": "hᵀ @ ∂loss/∂v3"}),
    ],
)
def test_expressions(make, expressions):
    """A gradient is written as the mathematics writes it."""
    found = {label: box.expression for label, box in boxes(read(gradients(make)[0])).items()}
    assert {label: found.get(label) for label in expressions} == expressions


def test_higher_orders():
    """A pass that was differentiated is drawn op by op; each order has its names."""
    x = variable("x", 2.0)
    f = named("f", x**3)
    (g,) = grad(f, [x], create_graph=True)
    (h,) = grad(g, [x], create_graph=True)
    (third,) = grad(h, [x], create_graph=True)
    for output, label, value in ((g, "∂f/∂x", 12), (h, "∂²f/∂x²", 12), (third, "∂³f/∂x³", 6)):
        picture = read(output)
        assert (picture.output.label, picture.output.value.scalar) == (label, value)
    names = [node.label for node in picture.nodes if node.role == "gradient"]
    assert {"∂f/∂x", "∂²f/∂x²", "∂³f/∂x³"} <= set(names) and len(names) == len(set(names))


def test_hessian_vector_product():
    """The second pass of H·v has a box for each op of the first, and its gradients add up to a third time."""
    x, v = variable("x", [1.0, 2.0]), Tensor([1.0, -1.0], name="v")
    y = named("y", (np.tanh(x) ** 2).sum())
    (g,) = grad(y, [x], create_graph=True)
    s = named("s", (g * v).sum())
    (hv,) = grad(s, [x], create_graph=True)
    hv.sum().backward()
    picture = read(hv)
    assert picture.notes == [] and picture.output.label == "∂s/∂x"
    assert {"∂y/∂x", "∂s/∂(∂y/∂x)", "∂s/∂x"} <= boxes(picture).keys()


def test_hooks():
    """A hook between the rules: the pass is drawn op by op, as it was recorded."""
    x = variable("x", 2.0)
    q = named("q", x * x)
    f = named("f", q * q)
    q.register_hook(lambda g: g * 2.0)
    (g,) = grad(f, [x], create_graph=True)
    picture = read(g)
    assert all(box.of is None for box in boxes(picture).values()) and picture.output.label == "∂f/∂x"
    assert picture.output.value.scalar == g.item()


def test_names():
    """A name that the user gives goes before the derivative."""
    gx, *_ = gradients(product_of_sum)
    assert read(gx, {"gx": gx}).output.label == "gx"
    assert read(gx, {"gx": gx}).output.expression == "∂f/∂x = ∂f/∂q × 1"


def test_frames():
    """A gradient stands in the frame of its forward node; the gradient of a shared weight among the weights."""
    picture = read(gradients(lstm)[0])
    places = {label: box.place and box.place.label for label, box in boxes(picture).items()}
    assert places["∂L/∂f1"] == "gate f" and places["∂L/∂c3"] == "memory" and places["∂L/∂x2"] == "t=2"
    assert places["∂L/∂h0"] == "lstm" and places["∂L/∂L"] is None
    assert {label for label, box in boxes(picture).items() if box.listed} == {"∂L/∂W_x", "∂L/∂W_h", "∂L/∂b"}
    assert [frame.label for frame in picture.frames].count("gate f") == 3


def test_frames_of_higher_orders():
    """Ops of a differentiated pass stand in the frame of the forward node, too."""
    x = variable("x", 2.0)
    with scope("inside"):
        y = named("y", np.tanh(x))
    (g,) = grad(y, [x], create_graph=True)
    (h,) = grad(g, [x], create_graph=True)
    picture = read(h)
    assert [frame.path for frame in picture.frames] == [("inside",)]
    assert all(node.place is not None for node in picture.nodes if node.expression)


def test_two_outputs():
    """The gradient of several outputs at once names them all."""
    x = variable("x", 2.0)
    a, b = named("a", x * x), named("b", np.exp(x))
    (g,) = grad([a, b], [x], create_graph=True)
    picture = read(g)
    assert picture.output.label == "∂(a, b)/∂x"
    assert_allclose(picture.output.value.scalar, 4 + np.exp(2))


def test_no_circuit():
    """A circuit has no place for a second pass, and says so."""
    with pytest.raises(ValueError, match="for a forward graph"):
        draw(gradients(neuron)[0], style="circuit")


def test_without_recording():
    """Drawing under no_grad() reads the same."""
    gx, *_ = gradients(product_of_sum)
    with no_grad():
        assert read(gx).output.working == "−4 × 1 = −4"


def test_texts():
    """The table says of each gradient what it is; the page that walks goes along what is sent, and nothing else."""
    gx, *_ = gradients(product_of_sum)
    table = draw(gx).table()
    assert "∂f/∂q = ∂f/∂f × z; value −4" in table and "z, saved for ∂f/∂q" not in table  # it can have a gradient
    assert "∂f/∂f goes into ∂f/∂q: z = −4" in table
    gx.backward()
    page = draw(gx).step().html()
    assert page.count("<li>") == 5  # the forward pass, the seed, two edges, the end
    assert "∂(∂f/∂x)/∂z" in page and "∂(∂f/∂x)/∂f" not in page


@pytest.mark.parametrize(
    "of, by, plain, name",
    [
        ("f", "x", "∂f/∂x", "∂f/∂x"),
        ("∂f/∂x", "x", "∂(∂f/∂x)/∂x", "∂²f/∂x²"),
        ("∂f/∂x", "y", "∂(∂f/∂x)/∂y", "∂²f/∂y∂x"),
        ("∂²f/∂x²", "x", "∂(∂²f/∂x²)/∂x", "∂³f/∂x³"),
        ("∂²f/∂x²", "y", "∂(∂²f/∂x²)/∂y", "∂³f/∂y∂x²"),
        ("s", "∂f/∂x", "∂s/∂(∂f/∂x)", "∂s/∂(∂f/∂x)"),
        ("∂f/∂x", "∂f/∂q", "∂(∂f/∂x)/∂(∂f/∂q)", "∂(∂f/∂x)/∂(∂f/∂q)"),
    ],
)
def test_derivative(of, by, plain, name):
    """Derivatives of derivatives are written as a derivative of higher order, or in parentheses."""
    assert (fraction(of, by), derivative(of, by)) == (plain, name)
