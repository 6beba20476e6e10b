"""Mistakes, and what must be said about them."""

import copy
import pickle

import numpy as np
import pytest

from autograd import Tensor, backward, define, differentiable, grad, log_softmax, no_grad, scatter_add, scope

X = Tensor(np.ones((2, 3)), requires_grad=True, name="x")
W = Tensor(np.ones((4, 5)), requires_grad=True, name="W")
t = Tensor([1.0, 2.0], requires_grad=True)
i = Tensor([1, 2])


def freed():
    y = t * t
    loss = y.sum()
    loss.backward(retain_graph=False)
    loss.backward()


def stale():
    w = Tensor([1.0], requires_grad=True, name="weight")
    y = w * w
    w.data -= 0.1
    y.backward()


def wrong_hook():
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    w.register_hook(lambda g: g[:1])
    w.sum().backward()


def wrong_rule(rule):
    def run():
        op = define(lambda x: x * 2, rule)
        op(t).sum().backward()

    return run


def unknown_option():
    @differentiable(lambda g, out, x, *, power=1: g * power * x ** (power - 1))
    def raised(x, *, power=1):
        return x**power

    raised(t, exponent=3)


def set_requires_grad(tensor):
    tensor.requires_grad = True


def assign(tensor):
    tensor[0] = 1.0


def give(tensor, name, value):
    setattr(tensor, name, value)


TABLE = [
    # mistake, exception, what its text must hold
    # shapes
    (lambda: X + W, ValueError, ["add(x: float64 (2, 3), W: float64 (4, 5))", "broadcast"]),
    (lambda: X @ W, ValueError, ["matmul(x: float64 (2, 3), W: float64 (4, 5))", "mismatch"]),
    (lambda: X @ np.ones(7), ValueError, ["matmul", "(7,)"]),
    (lambda: np.inner(X, W), ValueError, ["inner(x: float64 (2, 3)"]),
    (lambda: X @ 2.0, ValueError, ["matmul(x: float64 (2, 3), 2.0)"]),
    (lambda: X.reshape(4, 2), ValueError, ["reshape(x: float64 (2, 3))", "size 6 into shape (4,2)"]),
    (lambda: np.concatenate([X, W]), ValueError, ["concatenate(x: float64 (2, 3), W: float64 (4, 5))"]),
    (lambda: np.stack([X, W]), ValueError, ["stack(x"]),
    (lambda: np.stack([t, t], axis=5), IndexError, ["stack", "axis 5"]),
    (lambda: X.sum(axis=2), IndexError, ["sum(x: float64 (2, 3))", "axis 2"]),
    (lambda: X.squeeze(0), ValueError, ["squeeze(x"]),
    (lambda: np.broadcast_to(X, (2, 4)), ValueError, ["broadcast_to(x"]),
    (lambda: log_softmax(X, axis=3), IndexError, ["log_softmax(x", "axis 3"]),
    (lambda: np.max(Tensor(np.ones((0, 2)), requires_grad=True)), ValueError, ["max(float64 (0, 2))", "zero-size"]),
    (lambda: np.split(X, 2, axis=1), ValueError, ["length 3", "2 equal parts"]),
    (lambda: np.split(X, 2, axis=2), ValueError, ["axis=2", "2 axes"]),
    (lambda: np.take(X, 0, axis=2), ValueError, ["axis=2", "2 axes"]),
    # indices
    (lambda: X[5], IndexError, ["getitem(x: float64 (2, 3))", "index 5 is out of bounds"]),
    (lambda: X[:, np.array([0, 9])], IndexError, ["index 9 is out of bounds"]),
    (lambda: X[1.0], IndexError, ["getitem(x"]),
    (lambda: X[t], IndexError, ["getitem(x"]),
    (lambda: np.take(X, [7]), IndexError, ["getitem", "index 7"]),
    (lambda: scatter_add(t, [0, 9], (3,)), IndexError, ["scatter_add", "index 9"]),
    # kinds of data
    (lambda: Tensor([1, 2], requires_grad=True), TypeError, ["only float tensors", "int64", "3.0 instead of 3"]),
    (lambda: set_requires_grad(i), TypeError, ["only float tensors", "int64"]),
    (lambda: Tensor("text"), TypeError, ["floats, ints or bools", "str"]),
    (lambda: Tensor(None), TypeError, ["floats, ints or bools", "NoneType"]),
    (lambda: Tensor(1 + 2j), TypeError, ["floats, ints or bools", "complex128"]),
    (lambda: Tensor([[1.0], [1.0, 2.0]]), ValueError, ["nested lists of equal lengths"]),
    (lambda: Tensor(t * 2), TypeError, ["cut it from its graph", "Tensor(t.data)"]),
    (lambda: t + None, TypeError, ["add(float64 (2,), None)"]),
    (lambda: t + "a", TypeError, ["add(float64 (2,), 'a')"]),
    (lambda: t * {}, TypeError, ["multiply(float64 (2,), dict)"]),
    (lambda: set_requires_grad(t * 2), RuntimeError, ["on a leaf only", "result of multiply", "detach()"]),
    # options
    (lambda: t.sum(dtype=int), TypeError, ["sum of a Tensor does not take dtype=", "axis, keepdims"]),
    (lambda: np.sum(t, where=[True, False]), TypeError, ["where=", "axis, keepdims"]),
    (lambda: np.exp(t, dtype=np.float32), TypeError, ["np.exp with dtype="]),
    (lambda: t.reshape(2, order="F"), TypeError, ["order"]),
    (lambda: np.sum(t, 0, None), TypeError, ["1 array and axis by position; 3", "By name it takes: keepdims"]),
    (lambda: np.where(t > 0, t), TypeError, ["where takes 3 array arguments", "2 came"]),
    (lambda: t.clip(), ValueError, ["lower bound, an upper bound, or both"]),
    (unknown_option, TypeError, ["raised of a Tensor does not take exponent=", "It takes: power"]),
    # backward
    (lambda: (t * 2).backward(), ValueError, ["result of multiply of shape (2,)", "loss.sum()", "upstream gradient"]),
    (lambda: (t * 2).backward([1.0, 2.0, 3.0]), ValueError, ["must have its shape", "(3,)", "(2,)"]),
    (lambda: (t * 2).backward(1.0), ValueError, ["must have its shape", "()"]),
    (lambda: (t * 2).backward(Tensor([[1.0, 1.0]])), ValueError, ["must have its shape", "(1, 2)"]),
    (lambda: t.sum().backward([1.0]), ValueError, ["must have its shape", "(1,)"]),
    (lambda: Tensor(1.0, name="c").backward(), RuntimeError, ["tensor 'c'", "requires_grad=True", "no_grad()"]),
    (lambda: t.detach().sum().backward(), RuntimeError, ["no gradient flows to"]),
    (lambda: i.sum().backward(), RuntimeError, ["no gradient flows to"]),
    (freed, RuntimeError, ["freed", "retain_graph=False", "retain_graph=True"]),
    (stale, RuntimeError, ["tensor 'weight'", "multiply", "Run the forward computation again"]),
    (lambda: backward([t, t], [t]), ValueError, ["2 tensors", "1 came"]),
    (lambda: Tensor(1.0, name="c").register_hook(print), RuntimeError, ["tensor 'c'", "never be called"]),
    (wrong_hook, ValueError, ["a hook on the tensor 'w' of shape (2,)", "shape (1,)"]),
    # grad
    (lambda: grad(t, X), ValueError, ["upstream gradient"]),
    (lambda: grad(t.sum(), Tensor(1.0, name="c")), ValueError, ["tensor 'c'", "requires_grad=True"]),
    (lambda: grad(t.sum(), [t, np.ones(2)]), ValueError, ["ndarray", "requires_grad=True"]),
    (lambda: grad(t.sum(), t, [1.0, 2.0]), ValueError, ["1 outputs", "2 came"]),
    (lambda: grad([t.sum(), t], t, [None, [1.0]]), ValueError, ["must have its shape"]),
    (lambda: grad(np.ones(2), t), TypeError, ["grad() of a ndarray", "Tensor"]),
    (lambda: grad([3.0], t), TypeError, ["grad() of a float"]),
    (lambda: (t * 2).local_gradients()[0][1](np.ones(3)), ValueError, ["must have its shape"]),
    # assignment
    (lambda: assign(t), TypeError, ["item by item", "np.where", "t.data[...]"]),
    (lambda: give(t, "data", [1.0]), ValueError, ["new data", "(1,)"]),
    (lambda: give(t, "grad", [1.0]), ValueError, ["new grad", "(1,)"]),
    (lambda: give(t, "gard", 0.0), AttributeError, ["gard"]),
    # as a number
    (lambda: float(t), ValueError, ["one element", "(2,)"]),
    (lambda: t.item(), ValueError, ["one element", "(2,)"]),
    (lambda: bool(t > 0), ValueError, ["neither true nor false", "np.where"]),
    (lambda: 1 if t > 0 else 0, ValueError, ["neither true nor false"]),
    (lambda: len(Tensor(1.0)), TypeError, ["no length"]),
    (lambda: list(Tensor(1.0)), TypeError, ["no length"]),
    # copies
    (lambda: copy.deepcopy(t * 2), TypeError, ["result of multiply", "t.detach()"]),
    (lambda: pickle.dumps({"loss": t.sum()}), TypeError, ["result of sum", "t.detach()"]),
    # modes
    (lambda: scope(3), TypeError, ["a str", "int"]),
    # rules
    (
        wrong_rule(lambda g, out, x: 2.0),
        TypeError,
        ["local gradient of <lambda> gave a float", "g times the derivative"],
    ),
    (wrong_rule(lambda g, out, x: g[:1]), ValueError, ["local gradient of <lambda> has shape (1,)", "(2,)"]),
    (wrong_rule(lambda g, out, x: np.stack([g, g, g], -1)), ValueError, ["has shape (2, 3)", "(2,)"]),
]


@pytest.mark.parametrize(("mistake", "exception", "texts"), TABLE)
def test_mistake(mistake, exception, texts):
    """The exception is of a built-in type and says what was expected, what came, and what to do."""
    with pytest.raises(exception) as caught:
        mistake()
    message = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    for text in texts:
        assert text in message
    assert message[-1] not in " ,:" and "0x" not in message


def test_an_error_inside_a_rule_names_the_op():
    """A rule that fails keeps its exception and its traceback, with a note where it happened."""

    def rule(g, out, x):
        return g * missing  # noqa: F821

    x = Tensor([1.0], requires_grad=True)
    y = define(lambda x: x * 2, rule)(x)
    y.name = "doubled"
    with pytest.raises(NameError, match="missing") as caught:
        y.backward()
    assert caught.value.__notes__ == ["in the local gradient of <lambda>, for the tensor 'doubled' of shape (1,)"]


def test_a_failed_op_leaves_no_trace():
    """After an error in the forward pass the tensors are as before, inside no_grad() and scope() too."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match="broadcast"), no_grad(), scope("inside"):
        x + np.ones(3)
    y = (x * 2).sum()
    y.backward()
    assert y.scope is None and x.grad.tolist() == [2, 2]
