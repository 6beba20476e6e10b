"""Mistakes, and what must be said about them."""

import copy
import linecache
import math
import pickle
import traceback

import numpy as np
import pytest

from autograd import (
    Tensor, backward, debug, define, differentiable, draw, grad, gradcheck, hessian, hvp, jacobian, jvp, log_softmax,
    logsumexp, no_grad, put, scatter_add, scope, softmax, toposort, value_and_grad, vjp,
)  # fmt: skip

X = Tensor(np.ones((2, 3)), requires_grad=True, name="x")
W = Tensor(np.ones((4, 5)), requires_grad=True, name="W")
t = Tensor([1.0, 2.0], requires_grad=True)
i = Tensor([1, 2])
s = Tensor(2.0, requires_grad=True, name="s")
c = Tensor([1.0, 2.0], name="c")
a, ones = np.array([3.0, 4.0]), np.ones(3)


def freed():
    y = t * t
    loss = y.sum()
    loss.backward(retain_graph=False)
    loss.backward()  # the mistake


def stale():
    w = Tensor([1.0], requires_grad=True, name="weight")
    y = w * w
    w.data -= 0.1
    y.backward()  # the mistake


def wrong_hook():
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    w.register_hook(lambda g: g[:1])
    w.sum().backward()  # the mistake


def wrong_rule(rule):
    def run():
        op = define(lambda x: x * 2, rule)
        op(t).sum().backward()  # the mistake

    return run


def unknown_option():
    @differentiable(lambda g, out, x, *, power=1: g * power * x ** (power - 1))
    def raised(x, *, power=1):
        return x**power

    raised(t, exponent=3)  # the mistake


def set_requires_grad(tensor):
    tensor.requires_grad = True  # the mistake


def assign(tensor, index, value):
    tensor[index] = value  # the mistake


def add_to(array, value):
    array += value  # the mistake


def add_to_entry(array, value):
    array[0] += value  # the mistake


def delete(tensor):
    del tensor[0]  # the mistake


def give(tensor, name, value):
    setattr(tensor, name, value)  # the mistake


def freed_by_grad():
    y = t * t
    y.sum().backward(retain_graph=False)
    grad(y.sum(), t)  # the mistake


def changed_between():
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    with debug():
        y = w * w
        w.data[0] = 7
        y.sum().backward()  # the mistake


def not_finite():
    with debug(), np.errstate(divide="ignore"):
        np.log(t - 1)  # the mistake


def no_graph():
    with no_grad():
        y = (t * 2).sum()
    y.backward()  # the mistake


def hook_without_a_tensor():
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    w.register_hook(lambda g: g.data)
    grad((w * w).sum(), w, create_graph=True)  # the mistake


def complex_gradient():
    z = (t * np.array([1j, 2j])) ** 2
    z.backward(a)  # the mistake


def variadic(rule):
    def run():
        total = define(lambda xs: xs[0] + xs[1], rule, variadic=True)
        total([t, t]).sum().backward()  # the mistake

    return run


def drawn_after_freeing():
    y = (t * t).sum()
    y.backward(retain_graph=False)
    draw(y)  # the mistake


def returning(value):
    def run():
        op = define(lambda x: value, lambda g, out, x: g)
        op(t)  # the mistake

    return run


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
    (lambda: np.repeat(X, 1.5), ValueError, ["whole numbers", "1.5 came"]),
    (lambda: np.repeat(X, [1, -1], axis=0), ValueError, ["not negative", "[1, -1] came"]),
    (lambda: np.repeat(X, 2, axis=7), IndexError, ["axis 7"]),
    (lambda: np.array_split(X, 2, axis=9), IndexError, ["axis 9"]),
    (lambda: np.diag(np.stack([X, X])), ValueError, ["a vector or a matrix", "(2, 2, 3) came"]),
    (lambda: put(t, 0, None), TypeError, ["None came"]),
    (lambda: np.stack([t, t], axis=5), IndexError, ["stack", "axis 5"]),
    (lambda: X.sum(axis=2), IndexError, ["sum(x: float64 (2, 3))", "axis 2"]),
    (lambda: X.squeeze(0), ValueError, ["squeeze(x"]),
    (lambda: np.broadcast_to(X, (2, 4)), ValueError, ["broadcast_to(x"]),
    (lambda: log_softmax(X, axis=3), IndexError, ["log_softmax(x", "axis 3"]),
    (lambda: np.max(Tensor(np.ones((0, 2)), requires_grad=True)), ValueError, ["max(float64 (0, 2))", "zero-size"]),
    (lambda: X - np.ones((2, 2)), ValueError, ["subtract(x: float64 (2, 3), float64 (2, 2))", "equal or 1"]),
    (lambda: X * t, ValueError, ["multiply(x: float64 (2, 3), float64 (2,))", "equal or 1", "x[:, None]"]),
    (lambda: W / X, ValueError, ["divide(W: float64 (4, 5), x: float64 (2, 3))", "equal or 1"]),
    (lambda: np.ones((4, 3)) ** X, ValueError, ["power(float64 (4, 3), x: float64 (2, 3))", "equal or 1"]),
    (lambda: X < W, ValueError, ["less(x: float64 (2, 3), W: float64 (4, 5))", "equal or 1"]),
    (lambda: np.maximum(X, W), ValueError, ["maximum(x: float64 (2, 3), W: float64 (4, 5))", "equal or 1"]),
    (lambda: np.where(X > 0, X, W), ValueError, ["where(bool (2, 3), x: float64 (2, 3), W", "equal or 1"]),
    (lambda: t + [1, 2, 3], ValueError, ["add(float64 (2,), int64 (3,))", "equal or 1"]),
    (lambda: X @ t, ValueError, ["size 2 is different from 3", "(n, k) @ (k, m)", "transposed"]),
    (lambda: np.dot(X, W), ValueError, ["size 4 is different from 3", "(n, k) @ (k, m)", "in dot()"]),
    (lambda: 2.0 @ X, ValueError, ["matmul(2.0, x: float64 (2, 3))", "written with *"]),
    (lambda: np.tensordot(X, W, 1), ValueError, ["tensordot(x", "must be equally long"]),
    (lambda: np.einsum("ij,jk->ik", X, W), ValueError, ["einsum", "(2, 3)", "(4, 5)"]),
    (lambda: np.einsum("ij,jk", X), ValueError, ["'ij,jk' is for 2 operands; 1 came"]),
    (lambda: np.einsum("ijk", X), ValueError, ["'ijk' names 3 axes", "(2, 3)"]),
    (lambda: np.linalg.inv(X), np.linalg.LinAlgError, ["inv(x: float64 (2, 3))", "square", "(..., n, n)"]),
    (lambda: np.linalg.inv(X @ X.T), np.linalg.LinAlgError, ["Singular matrix", "np.linalg.pinv"]),
    (lambda: np.linalg.cholesky(-np.eye(2) * t), np.linalg.LinAlgError, ["not positive definite", "np.eye(n)"]),
    (lambda: X.reshape(-1, 4), ValueError, ["size 6 into shape (4)", "number of entries stays", "-1 stands for"]),
    (lambda: X.reshape("4"), TypeError, ["'str'", "shapes are ints, or tuples of ints"]),
    (lambda: X.transpose(0, 2), IndexError, ["transpose(x: float64 (2, 3))", "axis 2", "backwards from -1"]),
    (lambda: np.swapaxes(X, 0, 2), IndexError, ["swapaxes(x: float64 (2, 3))", "axis 2"]),
    (lambda: np.moveaxis(X, 0, 5), IndexError, ["moveaxis(x", "axis 5"]),
    (lambda: np.expand_dims(X, 5), IndexError, ["expand_dims(x", "axis 5"]),
    (lambda: t.mT, IndexError, ["swapaxes(float64 (2,))", "axis -2"]),
    (lambda: X.mean(axis=2), IndexError, ["mean(x: float64 (2, 3))", "axis 2", "Axes are counted from 0"]),
    (lambda: X.max(axis=-3), IndexError, ["max(x: float64 (2, 3))", "axis -3", "Axes are counted from 0"]),
    (lambda: X.sum(axis=1.5), TypeError, ["sum(x: float64 (2, 3))", "'float'", "ints, or tuples of ints"]),
    (lambda: X.sum(axis=(0, 0)), ValueError, ["sum(x: float64 (2, 3))", "duplicate value in 'axis'"]),
    (lambda: X.sum(axis=s), TypeError, ["the tensor 's' of shape () is float64", "only an int Tensor"]),
    (lambda: X.argmax(axis=2), ValueError, ["axis 2", "dimension 2"]),
    (lambda: logsumexp(X, axis=3), ValueError, ["logsumexp(x", "axis 3"]),
    (lambda: softmax(X, axis=2), ValueError, ["softmax(x", "axis 2"]),
    (lambda: np.concatenate([X, t]), ValueError, ["concatenate(x: float64 (2, 3), float64 (2,))", "another axis"]),
    (lambda: np.concatenate([X, W], axis=1), ValueError, ["index 0 has size 2", "index 1 has size 4"]),
    (lambda: np.concatenate([X], axis=3), ValueError, ["concatenate(x", "axis 3"]),
    (lambda: np.concatenate(X, X), TypeError, ["concatenate(", "only an int Tensor"]),
    (lambda: np.stack([X, t]), ValueError, ["same shape", "np.concatenate joins"]),
    (lambda: np.vstack([X, W]), ValueError, ["(2, 3)", "(4, 5)", "in vstack()"]),
    (lambda: np.hstack([X, W]), ValueError, ["(2, 3)", "(4, 5)", "in hstack()"]),
    (lambda: np.split(X, 0), ValueError, ["length 2", "0 equal parts"]),
    (lambda: np.array_split(X, 0), ValueError, ["0 parts"]),
    (lambda: np.split(X, 2, axis=1), ValueError, ["length 3", "2 equal parts"]),
    (lambda: np.split(X, 2, axis=2), ValueError, ["axis=2", "2 axes"]),
    (lambda: np.take(X, 0, axis=2), ValueError, ["axis=2", "2 axes"]),
    # indices
    (lambda: X[5], IndexError, ["getitem(x: float64 (2, 3))", "index 5 is out of bounds"]),
    (lambda: X[:, np.array([0, 9])], IndexError, ["index 9 is out of bounds"]),
    (lambda: X[1.0], IndexError, ["getitem(x"]),
    (lambda: X[t], IndexError, ["getitem(x"]),
    (lambda: np.take(X, [7]), IndexError, ["getitem", "index 7"]),
    (lambda: X[0, 0, 0], IndexError, ["getitem(x: float64 (2, 3))", "too many indices", "one index for each axis"]),
    (lambda: X[:, 3], IndexError, ["index 3", "axis 1 with size 3", "backwards from -1"]),
    (lambda: X["a"], IndexError, ["getitem(x: float64 (2, 3))", "integer or boolean arrays"]),
    (lambda: X[i * 0.5], IndexError, ["integer (or boolean) type", "i.astype(int)"]),
    (lambda: X[[True, False, True]], IndexError, ["boolean index did not match", "A mask has the shape"]),
    (lambda: X[..., ...], IndexError, ["getitem(x: float64 (2, 3))", "single ellipsis"]),
    (lambda: put(X, 5, 1.0), IndexError, ["index 5", "axis 0 with size 2"]),
    (lambda: put(X, 0, [1.0, 2.0]), ValueError, ["(2,)", "(3,)", "equal or 1"]),
    (lambda: put(i, 0, 1.5), TypeError, ["floats would lose their fractions", "x.astype(float)"]),
    (lambda: "abc"[s], TypeError, ["integers"]),
    (lambda: range(s), TypeError, ["the tensor 's' of shape () is float64", "int(t.item())"]),
    (lambda: np.zeros(s), TypeError, ["integer", "Tensor(2., name='s'"]),
    (lambda: scatter_add(t, [0, 9], (3,)), IndexError, ["scatter_add", "index 9"]),
    # kinds of data
    (lambda: Tensor([1, 2], requires_grad=True), TypeError, ["only float tensors", "int64", "3.0 instead of 3"]),
    (lambda: set_requires_grad(i), TypeError, ["only float tensors", "int64"]),
    (lambda: Tensor(True, requires_grad=True), TypeError, ["only float tensors", "bool", ".astype(float)"]),
    (lambda: i.requires_grad_(), TypeError, ["only float tensors", "int64"]),
    (lambda: Tensor(1.0, "x"), TypeError, ["requires_grad is True or False", "'x' came", "name='x'"]),
    (lambda: Tensor(1.0, name=3), TypeError, ["the name of a Tensor is a str", "3 came"]),
    (lambda: Tensor([t, t]), TypeError, ["its gradient would be lost", "np.stack([t, u])"]),
    (lambda: Tensor({1, 2}), TypeError, ["floats, ints or bools", "set"]),
    (lambda: Tensor([1.0], require_grad=True), TypeError, ["'require_grad'"]),
    (lambda: t.astype(complex), TypeError, ["astype gave complex128", "floats, ints or bools"]),
    (lambda: np.concatenate([t, ["a"]]), TypeError, ["concatenate gave", "floats, ints or bools"]),
    (complex_gradient, TypeError, ["is complex", "float64", "two real tensors"]),
    (lambda: t | t, TypeError, ["|"]),
    (lambda: t + [t, t], TypeError, ["its gradient would be lost", "np.stack([t, u])"]),
    (lambda: sum([t, None]), TypeError, ["add(float64 (2,), None)", "arrays of numbers and Tensors"]),
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
    (lambda: np.exp(t, dtype=np.float32), TypeError, ["np.exp with dtype=", ".astype()"]),
    (lambda: np.multiply(t, t, where=[True, False]), TypeError, ["np.multiply with where=", "np.where"]),
    (lambda: np.sum(t, out=a[:1]), TypeError, ["sum of a Tensor does not take out=", "axis, keepdims"]),
    (lambda: np.concatenate([t, t], dtype=np.float32), TypeError, ["concatenate of a Tensor does not take dtype="]),
    (lambda: t.sum(dim=0), TypeError, ["sum of a Tensor does not take dim=", "axis, keepdims"]),
    (lambda: t.max(initial=0), TypeError, ["max of a Tensor does not take initial="]),
    # what has no rule
    (lambda: np.fft.fft(t), TypeError, ["numpy.fft.fft has no rule", "autograd.define", ".data"]),
    (lambda: np.interp(t, a, a), TypeError, ["numpy.interp has no rule", "autograd.define", ".data"]),
    (lambda: np.spacing(t), TypeError, ["spacing has no rule", "autograd.define", ".data"]),
    (lambda: np.frompyfunc(math.sin, 1, 1)(t), TypeError, ["sin (vectorized) has no rule"]),
    (lambda: np.vectorize(math.sin)(t), TypeError, ["its gradient would be lost"]),
    (lambda: np.add.reduce(t), TypeError, ["np.add.reduce of a Tensor", "np.sum"]),
    (lambda: np.add.outer(t, t), TypeError, ["np.add.outer of a Tensor", "x[:, None] + y"]),
    (lambda: t.tolist(), AttributeError, ["tolist"]),
    # a Tensor written into an array, or made one
    (lambda: add_to(a, t), TypeError, ["np.add with out=", "keep its history", "x = x + t", ".data"]),
    (lambda: add_to(a[:1], s), TypeError, ["np.add with out=", "x = x + t"]),
    (lambda: add_to_entry(a, s), ValueError, ["lose the gradient", "np.stack or np.where instead of array[0] = t"]),
    (lambda: assign(a, 0, s), ValueError, ["lose the gradient", "np.stack or np.where instead of array[0] = t"]),
    (lambda: assign(a, 0, t), ValueError, ["one element", "np.stack or np.where instead of array[0] = t"]),
    (lambda: assign(a, slice(None), t), TypeError, ["its gradient would be lost", "indexing instead of assignment"]),
    (lambda: assign(a, a > 0, t), TypeError, ["its gradient would be lost", "indexing instead of assignment"]),
    (lambda: np.add(a, t, out=a), TypeError, ["np.add with out=", "x = x + t"]),
    (lambda: np.exp(t, a), TypeError, ["np.exp with out=", "written into"]),
    (lambda: np.add.at(a, [0, 1], t), TypeError, ["np.add.at", "put(x, index, x[index] + t)"]),
    (lambda: np.copyto(a, t), TypeError, ["numpy.copyto has no rule"]),
    (lambda: np.put(a, [0], s), TypeError, ["numpy.put has no rule"]),
    (lambda: a.fill(s), ValueError, ["lose the gradient", "np.where"]),
    (lambda: np.array([t, t]), TypeError, ["its gradient would be lost", "np.stack([t, u])"]),
    (lambda: np.array([s, 1.0]), TypeError, ["its gradient would be lost", "np.stack([t, u])"]),
    (lambda: np.asarray(c), TypeError, ["does not turn into an ndarray by itself", ".data"]),
    (lambda: np.array(t, dtype=object), TypeError, ["its gradient would be lost"]),
    (lambda: np.float64(s), TypeError, ["its gradient would be lost", ".data"]),
    (lambda: np.full(3, s), TypeError, ["its gradient would be lost", "np.stack"]),
    (lambda: a.dot(t), TypeError, ["its gradient would be lost"]),
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
    (lambda: (t * 2).backward("a"), TypeError, ["upstream gradient", "floats, ints or bools", "str"]),
    (lambda: (t * 2).backward([None, 1.0]), TypeError, ["upstream gradient", "dtype object"]),
    (lambda: (t * 2).sum().backward(retian_graph=False), TypeError, ["'retian_graph'"]),
    (lambda: (t * 2).sum().backward(stop_at=t), TypeError, ["stop_at takes a list of Tensors", "Tensor came"]),
    (lambda: (t * 2).sum().backward(stop_at=["t"]), TypeError, ["stop_at takes a list of Tensors", "['str'] came"]),
    (lambda: t.argmax().backward(), RuntimeError, ["no gradient flows to", "requires_grad=True"]),
    (lambda: (t > 1).sum().backward(), RuntimeError, ["no gradient flows to", "Tensor(data, requires_grad=True)"]),
    (no_graph, RuntimeError, ["no gradient flows to", "no_grad()"]),
    (freed_by_grad, RuntimeError, ["freed", "retain_graph=True"]),
    (drawn_after_freeing, RuntimeError, ["freed", "retain_graph=True"]),
    (changed_between, RuntimeError, ["the tensor 'w' of shape (2,)", "changed in place", "Make a new array"]),
    (not_finite, FloatingPointError, ["log gave 1 infinite of 2 entries", "np.log(t - 1)"]),
    (lambda: backward(t), TypeError, ["backward() takes a list of Tensors", "Tensor came"]),
    (lambda: backward([]), ValueError, ["needs a tensor to start from"]),
    (lambda: backward([3.0]), TypeError, ["backward() takes a list of Tensors", "['float'] came"]),
    (lambda: backward([t.sum()], 1.0), TypeError, ["a list with one gradient for each tensor", "float came"]),
    (lambda: t.register_hook(3), TypeError, ["a hook is a function of the gradient", "int came"]),
    (hook_without_a_tensor, TypeError, ["a hook returns a Tensor", "'w' of shape (2,)", "ndarray"]),
    (lambda: toposort(t.sum()), TypeError, ["toposort([loss])"]),
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
    (lambda: grad(lambda x: x, t), TypeError, ["grad() of a function", "value_and_grad(f)(x)"]),
    (lambda: grad([], t), ValueError, ["needs an output to start from"]),
    (lambda: grad(t.sum(), {"a": t}), ValueError, ["grad() by dict", "requires_grad=True"]),
    (lambda: grad(t.sum(), "t"), ValueError, ["grad() by str", "Tensor(data, requires_grad=True)"]),
    (lambda: grad(t, t, [1.0, 2.0]), ValueError, ["1 outputs need", "2 came", "can be an array"]),
    (lambda: grad(t, t, ones), ValueError, ["must have its shape", "(3,)"]),
    # derivatives of functions
    (lambda: value_and_grad(t.sum()), TypeError, ["takes a function first", "Tensor came", "grad(y, x)"]),
    (lambda: jacobian(3), TypeError, ["jacobian() takes a function first", "int came"]),
    (lambda: vjp(t, a), TypeError, ["vjp() takes a function first", "Tensor came"]),
    (lambda: value_and_grad(np.sum, 1)(a), ValueError, ["argnums=1", "1 arguments"]),
    (lambda: value_and_grad(np.sum, "x"), TypeError, ["the argument at a position", "'x' came"]),
    (lambda: value_and_grad(np.add, (0, -2))(1.0, 2.0), ValueError, ["(0, -2) names an argument twice"]),
    (lambda: value_and_grad(np.tanh)(a), ValueError, ["result of tanh of shape (2,)", "reduce it to one number"]),
    (lambda: value_and_grad(lambda x: x.data.sum())(a), TypeError, ["returned float64", "computed with .data"]),
    (lambda: value_and_grad(lambda x: (x, x))(a), TypeError, ["returned tuple", "several values"]),
    (lambda: value_and_grad(np.sum)(None), TypeError, ["floats, ints or bools", "NoneType"]),
    (lambda: value_and_grad(np.sum)(1j), TypeError, ["floats, ints or bools", "complex128"]),
    (lambda: jacobian(lambda x: [x, x])(a), TypeError, ["must compute a Tensor", "returned list"]),
    (lambda: hessian(np.tanh)(a), ValueError, ["result of tanh of shape (2,)", "reduce it to one number"]),
    (lambda: hessian(np.sum, (0, 1)), TypeError, ["hessian()", "one int", "(0, 1) came"]),
    (lambda: hessian(lambda x: x[0])([1.0, 2.0]), TypeError, ["argument 0 is a list", "np.array"]),
    (lambda: hvp(np.sum)(a), TypeError, ["then the direction v", "1 came"]),
    (lambda: hvp(np.sum)(a, ones), ValueError, ["[(2,)] expected", "[(3,)] came"]),
    (lambda: vjp(np.tanh, a)[1](ones), ValueError, ["must have its shape", "(3,)"]),
    (lambda: jvp(np.tanh, a, a), TypeError, ["arguments as a tuple", "jvp(f, (x,), (v,))", "ndarray came"]),
    (lambda: jvp(np.tanh, (a,), a), TypeError, ["tangents as a tuple", "jvp(f, (x,), (v,))", "ndarray came"]),
    (lambda: jvp(np.tanh, (a,), (ones,)), ValueError, ["[(2,)] expected", "[(3,)] came"]),
    # gradcheck
    (lambda: gradcheck(t.sum(), t), TypeError, ["gradcheck() takes a function", "Tensor came"]),
    (lambda: gradcheck(np.tanh), ValueError, ["nothing to vary", "at least one entry"]),
    (lambda: gradcheck(np.tanh, 3), TypeError, ["argument 0 is int64", "3.0 instead of 3"]),
    (lambda: gradcheck(np.tanh, "a"), TypeError, ["argument 0 of gradcheck()", "floats, ints or bools", "str"]),
    (lambda: gradcheck(np.log, -1.0), ValueError, ["NaN or infinity", "check it where it is finite"]),
    (lambda: gradcheck(lambda x: x.data, a), TypeError, ["returns a Tensor", "ndarray"]),
    (lambda: gradcheck(np.tanh, a, order=3), ValueError, ["order 1 or 2", "order=3"]),
    (lambda: gradcheck(np.tanh, a, eps=0), ValueError, ["eps must be positive", "0"]),
    (lambda: gradcheck(np.tanh, a, rtol=-1), ValueError, ["rtol and atol 0 or more", "-1"]),
    # pictures
    (lambda: draw(3.0), TypeError, ["takes one Tensor", "float came"]),
    (lambda: draw([t]), TypeError, ["takes one Tensor", "list came", "draw one of its entries"]),
    (lambda: draw(t.sum(), rankdir="up"), ValueError, ["'LR'", "'TB'", "'up' came"]),
    (lambda: draw(t.sum(), edges="all"), ValueError, ["'full', 'number' or 'none'", "'all' came"]),
    (lambda: draw(t.sum(), max_width=0), ValueError, ["max_width must be positive", "0"]),
    (lambda: draw(t.sum(), time_out=None), TypeError, ["time_out takes a positive number", "None came"]),
    # local gradients
    (lambda: (t * 2).local_gradients()[0][1](np.ones(3)), ValueError, ["must have its shape"]),
    # assignment
    (lambda: assign(t, 0, 1.0), TypeError, ["item by item", "np.where", "t.data[...]"]),
    (lambda: assign(t, slice(None), 0), TypeError, ["item by item", "np.where"]),
    (lambda: add_to_entry(t, 1), TypeError, ["item by item", "np.where"]),
    (lambda: delete(t), TypeError, ["can't be deleted", "np.delete"]),
    (lambda: give(t, "data", [1.0]), ValueError, ["new data", "(1,)"]),
    (lambda: give(t, "grad", [1.0]), ValueError, ["new grad", "(1,)"]),
    (lambda: give(t, "data", "a"), TypeError, ["the data of", "floats, ints or bools", "str"]),
    (lambda: give(s, "data", None), TypeError, ["the data of the tensor 's'", "NoneType"]),
    (lambda: give(t, "data", t * 2), TypeError, ["its gradient would be lost", ".data"]),
    (lambda: give(i, "data", [1.5, 2.5]), TypeError, ["int64", "lose their fractions", "Round them"]),
    (lambda: give(t, "grad", a * 1j), TypeError, ["the grad of", "floats, ints or bools", "complex128"]),
    (lambda: give(t, "grad", ones), ValueError, ["new grad", "(3,)", "(2,)"]),
    (lambda: give(t, "shape", (2, 1)), AttributeError, ["shape"]),
    (lambda: give(t, "gard", 0.0), AttributeError, ["gard"]),
    (lambda: t.gard, AttributeError, ["gard", "Did you mean: 'grad'?"]),
    (lambda: t.zero_gard(), AttributeError, ["zero_gard", "Did you mean: 'zero_grad'?"]),
    (lambda: t.requires_gard_(), AttributeError, ["Did you mean: 'requires_grad_'?"]),
    (lambda: np.exp(t).mean().backwards(), AttributeError, ["Did you mean: 'backward'?"]),
    # as a number
    (lambda: float(t), ValueError, ["one element", "(2,)"]),
    (lambda: t.item(), ValueError, ["one element", "(2,)"]),
    (lambda: float(s), TypeError, ["lose the gradient of the tensor 's'", "t.item()"]),
    (lambda: int(s), TypeError, ["int(t)", "t.item()"]),
    (lambda: round(s, 2), TypeError, ["round(t)", "t.item()"]),
    (lambda: math.sin(s), TypeError, ["lose the gradient of the tensor 's'", "np.sin(t) instead of math.sin(t)"]),
    (lambda: math.sin(t), ValueError, ["one element", "np.sin(t) instead of math.sin(t)"]),
    (lambda: f"{t:.3f}", TypeError, ["'.3f' is for one number", "of shape (2,)"]),
    (lambda: "%.3f" % s, TypeError, ["t.item()"]),  # noqa: UP031  # noqa: UP031
    (lambda: max(t, t), ValueError, ["neither true nor false", "np.where"]),
    (lambda: 0 < t < 1, ValueError, ["neither true nor false", ".data.all()"]),
    (lambda: not t, ValueError, ["neither true nor false"]),
    (lambda: bool(t > 0), ValueError, ["neither true nor false", "np.where"]),
    (lambda: 1 if t > 0 else 0, ValueError, ["neither true nor false"]),
    (lambda: len(Tensor(1.0)), TypeError, ["no length"]),
    (lambda: list(Tensor(1.0)), TypeError, ["no length"]),
    # copies
    (lambda: copy.deepcopy(t * 2), TypeError, ["result of multiply", "t.detach()"]),
    (lambda: pickle.dumps({"loss": t.sum()}), TypeError, ["result of sum", "t.detach()"]),
    # modes
    (lambda: copy.copy(s * 2), TypeError, ["result of multiply", "t.data"]),
    (lambda: scope(3), TypeError, ["a str", "int"]),
    (lambda: scope(), TypeError, ["name"]),
    (lambda: no_grad(t), TypeError, ["no_grad() takes 0 positional arguments"]),
    (lambda: debug(True), TypeError, ["debug() takes 0 positional arguments"]),
    # rules
    (
        wrong_rule(lambda g, out, x: 2.0),
        TypeError,
        ["local gradient of <lambda> gave a float", "g times the derivative"],
    ),
    (wrong_rule(lambda g, out, x: None), TypeError, ["local gradient of <lambda> gave a NoneType"]),
    (
        variadic(lambda g, out, *xs: g),
        TypeError,
        ["a list with one gradient for each of its 2 arguments", "ndarray came"],
    ),
    (variadic(lambda g, out, *xs: [g]), TypeError, ["each of its 2 arguments", "1 in a list came"]),
    (lambda: define(np.tanh), TypeError, ["tanh takes", "0 local gradients came", "one for each array"]),
    (lambda: define(3, lambda g, out, x: g), TypeError, ["a function on arrays", "int came"]),
    (lambda: define(lambda x: x, 3), TypeError, ["(g, out, x), or None", "int came"]),
    (lambda: define(lambda x: x, lambda x: x), TypeError, ["(g, out, x), or None", "a function of (x) came"]),
    (lambda: define(lambda x, y: x, lambda g, out, x: g), TypeError, ["takes (x, y)", "1 local gradients came"]),
    (lambda: define(lambda x: x, None, None), TypeError, ["takes (x)", "2 local gradients came"]),
    (lambda: define(np.add, lambda g, out, x: g), TypeError, ["add takes", "1 local gradients came"]),
    (lambda: define(lambda x: x, None, colour="red"), TypeError, ["'colour'"]),
    (returning(2.0), TypeError, ["<lambda>(float64 (2,))", "returns an array, or np.float64(y)", "a float"]),
    (returning(None), TypeError, ["returns an array", "a NoneType"]),
    (returning((ones, ones)), TypeError, ["returns an array", "a tuple"]),
    (wrong_rule(lambda g, out, x: g[:1]), ValueError, ["local gradient of <lambda> has shape (1,)", "(2,)"]),
    (wrong_rule(lambda g, out, x: np.stack([g, g, g], -1)), ValueError, ["has shape (2, 3)", "(2,)"]),
]


@pytest.mark.parametrize(("mistake", "exception", "texts"), TABLE)
def test_mistake(mistake, exception, texts):
    """The exception is of a built-in type and says what was expected, what came, and what to do."""
    with pytest.raises(exception) as caught:
        mistake()
    error = caught.value
    seen = "\n".join(traceback.format_exception(error))  # all that Python prints: also a note, a cause, a suggestion
    for text in texts:
        assert text in seen
    message = str(error)
    assert message[-1] not in " ,:" and "0x" not in message
    assert isinstance(error, (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError))


@pytest.mark.parametrize(("mistake", "exception", "texts"), TABLE)
def test_the_line_of_the_mistake(mistake, exception, texts):
    """The innermost line of the user's in the traceback is the wrong one: nothing is put off."""
    with pytest.raises(exception) as caught:
        mistake()
    frames = [(f.f_code, line) for f, line in traceback.walk_tb(caught.value.__traceback__)]
    code, line = [(code, line) for code, line in frames if code.co_filename == __file__][-1]
    assert (
        code is mistake.__code__ and code.co_name == "<lambda>" or "# the mistake" in linecache.getline(__file__, line)
    )


def test_no_mistake_changes_anything():
    """After all of these the arrays and tensors hold what they held before."""
    assert a.tolist() == [3, 4] and ones.tolist() == [1, 1, 1]
    assert (t.data.tolist(), s.item(), c.data.tolist(), i.data.tolist()) == ([1, 2], 2, [1, 2], [1, 2])
    assert type(a) is np.ndarray and not i.requires_grad and t.hooks is None and len(TABLE) >= 60


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
