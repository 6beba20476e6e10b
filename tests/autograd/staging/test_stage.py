"""stage(): the code agrees with the engine whatever the function, is deterministic, and says what it can't do."""

import linecache
import subprocess
import sys
import traceback

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import nn
from autograd import Tensor, define, grad, no_grad, scope, sigmoid, softmax, stage

rng = np.random.default_rng(3)

UNARY = [np.tanh, np.sin, sigmoid, np.negative, np.square, softmax, lambda x: x.T, lambda x: x + x, lambda x: +x]
UNARY += [lambda x: np.broadcast_to(x[:1], x.shape), lambda x: x[::-1], lambda x: x.reshape(-1).reshape(x.shape)]
UNARY += [lambda x: x * x.sum(0), lambda x: x[[0, 0, 1]], lambda x: np.concatenate([x[2:], x[:2]]), lambda x: x - 1.5]
UNARY += [lambda x: np.maximum(x, 0), lambda x: x / (1 + x * x), lambda x: x.mean() + x, lambda x: x.sum(1) + x]
BINARY = [np.add, np.subtract, np.multiply, np.matmul, np.maximum, lambda x, y: np.where(x > y, x, 2 * y)]
BINARY += [lambda x, y: x[0] * y, lambda x, y: np.stack([x, y], axis=1)[1], lambda x, y: x + y[1:2] + y[1:2]]


@st.composite
def programs(draw):
    """A list of steps: a function of one or two of the values so far, which are all of shape (3, 3)."""
    steps, count = [], 2
    for _ in range(draw(st.integers(1, 9))):
        f = draw(st.sampled_from(UNARY + BINARY))
        places = [draw(st.integers(0, count - 1)) for _ in range(1 if f in UNARY else 2)]
        steps.append((f, places))
        count += 1
    return steps, draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=3))


def runner(steps, returned):
    def f(x, y):
        values = [x, y]
        for function, places in steps:
            v = function(*(values[i] for i in places))
            values.append(v[:3] if len(v) > 3 else np.concatenate([v, v])[:3] if v.shape != (3, 3) else v)
        return tuple(values[i] for i in returned)

    return f


@settings(max_examples=150, deadline=None)
@given(programs())
def test_random_programs(program):
    """Fan-out, views, aliases, several results, arguments as results: numbers as the engine's, arguments untouched."""
    f = runner(*program)
    arrays = [rng.normal(size=(3, 3)) / 2 for _ in range(2)]
    staged = stage(f, *arrays)
    for _ in range(2):
        arrays = [rng.normal(size=(3, 3)) / 2 for _ in range(2)]
        xs = [Tensor(a, requires_grad=True) for a in arrays]
        outs = f(*xs)
        upstream = [rng.normal(size=out.shape) for out in outs]
        before = [a.copy() for a in arrays + upstream]
        for a, out in zip(staged.forward(*arrays), outs, strict=True):
            assert_allclose(a, out.data, rtol=1e-12, atol=1e-12)
        expected = grad(outs, xs, upstream)
        for g, e in zip(staged.gradients(*arrays, upstream=tuple(upstream)), expected, strict=True):
            assert_allclose(g, e.data, rtol=1e-9, atol=1e-9, err_msg=staged.source)
        for a, b in zip(arrays + upstream, before):
            assert_array_equal(a, b)


def both(f, *arrays, upstream=None):
    """Stage f, compare with the engine, and give the result of stage()."""
    staged = stage(f, *arrays)
    xs = [Tensor(a, requires_grad=True) for a in arrays]
    y = f(*xs)
    assert_allclose(staged.forward(*arrays), y.data, rtol=1e-12)
    assert_allclose(np.concatenate([g.ravel() for g in staged.gradients(*arrays, upstream=upstream)]),
                    np.concatenate([g.data.ravel() for g in grad(y, xs, upstream)]), rtol=1e-10)  # fmt: skip
    return staged


def body(staged, part="backward"):
    """The statements behind a heading, without comments."""
    lines = staged.source.split(f"# {part}\n")[1].split("\n\n")[0].splitlines()
    return [line.split("  #")[0].strip() for line in lines]


def gate(x, y, z):
    q = x + y
    return q * z


def test_scalar_circuit():
    """Names are those of the function, of its variables, and `out` for what it returns; every op is one statement."""
    staged = both(gate, np.array(-2.0), np.array(5.0), np.array(-4.0))
    assert body(staged, "forward") == ["q = x + y", "out = q * z"]
    assert body(staged) == ["dq = dout * z", "dz = dout * q", "dx = dq", "dy = dq"]
    assert "dx = dq        # q = x + y\n" in staged.source
    assert [g.shape for g in staged.gradients(-2, 5, -4)] == [(), (), ()]


@pytest.mark.parametrize(
    "f, backward",
    [
        (lambda x: np.tanh(x), ["dx = dout * (1 - out * out)"]),
        (lambda x: x * x, ["dx = dout * x", "dx += dout * x"]),
        (lambda x: x + x, ["dx = dout", "dx = dx + dout"]),
        (lambda x: x / (x - 3), ["dx = dout / h1", "dh1 = -dout * x / h1 / h1", "dx += dh1"]),
        (lambda x: -np.negative(x), ["dh1 = -dout", "dx = -dh1"]),
        (lambda x: x - (1 - x), ["dx = dout", "dh1 = -dout", "dx = dx - dh1"]),
        (lambda x: x**3, ["dx = dout * 3 * x**2"]),
        (lambda x: x.sum(), ["dx = np.full_like(x, dout)"]),
        (lambda x: x.mean(0), ["dx = np.broadcast_to((dout / 2.0)[None], x.shape)"]),
        (lambda x: x + x.sum(1, keepdims=True), ["dx = dout", "dh1 = dout.sum(1, keepdims=True)",
                                                 "dx = dx + np.broadcast_to(dh1, x.shape)"]),
        (lambda x: x[0], ["dx = np.zeros_like(x)", "dx[0] += dout"]),
        (lambda x: x[:, [1, 1]], ["dx = np.zeros_like(x)", "np.add.at(dx, np.s_[:, [1, 1]], dout)"]),
        (lambda x: x @ x.T, ["dx = dout @ x", "dx += dout.T @ x"]),
        (lambda x: x.reshape(4), ["dx = dout.reshape(x.shape)"]),
        (lambda x: sigmoid(x[0]) * x[1], ["dh1 = dout * x[1]", "dx = np.zeros_like(x)", "dx[1] += dout * h1",
                                          "dx[0] += dh1 * h1 * (1 - h1)"]),
        (lambda x: softmax(x), ["dx = out * (dout - (dout * out).sum(-1, keepdims=True))"]),
        (lambda x: np.maximum(x, 0.3), ["dx = dout * (x > 0.3) / 2 + dout * (x >= 0.3) / 2"]),
        (lambda x: np.where(x > 0, x, 2 * x), ["dx = np.where(h1, dout, 0)", "dh2 = np.where(h1, 0, dout)",
                                               "dx += dh2 * 2"]),
    ],
)  # fmt: skip
def test_backward_reads_as_by_hand(f, backward):
    """Local gradients are one statement each, with no more parentheses than needed; `+=` never into an alias."""
    x = np.array([[0.5, -1.0], [0.25, 2.0]])
    assert body(both(f, x, upstream=rng.normal(size=f(x).shape))) == backward


def test_gradient_of_a_gradient():
    """A function that takes gradients itself is staged like any other, to any order."""

    def second(x):
        (dy,) = grad((np.sin(x) * x).sum(), [x], create_graph=True)
        (d2y,) = grad(dy.sum(), [x], create_graph=True)
        return (d2y**2).sum()

    staged = both(second, rng.normal(size=3))
    assert "d2y = h9 + h11\n" in staged.source and "dd2y = dh12 * 2 * d2y " in staged.source


class Net(nn.Module):
    def __init__(self, kind, rng):
        self.layer = kind(3, 4, num_layers=2, bidirectional=True, rng=rng)

    def forward(self, x):
        out, _ = self.layer(x, lengths=[4, 2])
        return (out**2).mean()


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_networks(kind):
    """Unrolled over layers, directions and masks; parameters are named by their path and read at every call."""
    net, x = Net(kind, rng), rng.normal(size=(4, 2, 3))
    staged = stage(net, x)
    names = [name.replace(".", "_") for name, _ in net.named_parameters()]
    assert set(staged.arguments) == {"x", *names} and "layer_weight_ih_l1_reverse" in names
    for _ in range(2):
        xs = Tensor(x, requires_grad=True)
        by_name = {"x": xs} | {name.replace(".", "_"): p for name, p in net.named_parameters()}
        y = net(xs)
        assert_allclose(staged.forward(x), y.data, rtol=1e-12)
        expected = grad(y, [by_name[name] for name in staged.arguments])
        for g, e in zip(staged.gradients(x), expected, strict=True):
            assert_allclose(g, e.data, rtol=1e-9, atol=1e-12)
        for parameter in net.parameters():
            parameter.data -= 0.1


def test_float32_stays():
    """Numbers, arrays made inside, means and sums leave float32 as it is."""
    w = Tensor(np.float32(2), requires_grad=True)
    x = np.ones((2, 3), np.float32)
    staged = stage(lambda x: (x * w * 2.5 + np.zeros(3, np.float32) + np.float32(1)).mean(0) / 3, x)
    up = np.ones(3, np.float32)
    assert {a.dtype for a in [staged.forward(x), *staged.gradients(x, upstream=up)]} == {np.dtype("f4")}


def test_scalars_of_numpy_decide_the_dtype():
    """float32 times a float64 scalar of NumPy is float64 in the code as well."""
    x = np.ones(2, np.float32)
    staged = stage(lambda x: x * np.float64(2), x)
    assert "np.float64(2.0)" in staged.source and staged.forward(x).dtype == np.float64


def test_scopes_are_headings():
    """A scope with enough statements has a heading; one with fewer stands with what is around it."""

    def f(x):
        with scope("t=1"):
            x = np.tanh(x * 2 + 1)
            with scope("gate"):
                x = np.sin(x)
        with scope("t=2"):
            return x * 3

    source = stage(f, 1.0).source
    assert "    # forward: t=1\n" in source and "    # backward: t=1\n" in source
    assert "gate" not in source and "t=2" not in source


def test_names():
    """Of the user where there are any, made into identifiers; a rebound variable is numbered."""
    weight = Tensor([1.0, 2.0], requires_grad=True)
    models = [Tensor(3.0, requires_grad=True), Tensor(1.0, requires_grad=True, name="my bias")]

    def f(dx, *lambda_):
        x = dx * weight
        x = x * lambda_[0]
        x = x * lambda_[1]
        np_ = x * models[0]
        sum = np_ + models[1]
        return sum.sum()

    staged = stage(f, np.ones(2), 2.0, 3.0)
    assert list(staged.arguments) == ["dx", "lambda_0", "lambda_1", "weight", "models_0", "models_1"]
    assert body(staged, "forward")[:4] == ["x1 = dx * weight", "x2 = x1 * lambda_0", "x3 = x2 * lambda_1",
                                           "np_ = x3 * models_0"]  # fmt: skip
    assert "sum_ = np_ + models_1" in staged.source
    hidden = [weight]
    far = stage(lambda x: (x * hidden[0]).sum(), np.ones(2), names={"theta": weight})
    assert list(far.arguments) == ["x", "hidden_0"]
    other = stage(lambda x: (x * (lambda: hidden[0])()).sum(), np.ones(2), names={"theta": weight})
    assert list(other.arguments) in (["x", "theta"], ["x", "hidden_0"])


def test_values():
    """With values=True each statement is followed by what it left behind in the example."""
    source = stage(gate, -2.0, 5.0, -4.0, values=True).source
    assert "q = x + y    # = 3.\n" in source and "dq = dout * z  # = -4., from out = q * z\n" in source
    large = stage(lambda x: np.exp(x) * (x > 0), np.arange(8.0) - 4, values=True).source
    assert "(8,) from 0.01832 to 20.09" in large and "# = 3 of 8 true" in large


def test_is_deterministic():
    """Two runs, in processes with different hashes, give the same bytes."""
    program = (
        "import numpy as np, nn\nfrom autograd import stage\n"
        "lstm = nn.LSTM(2, 3, rng=np.random.default_rng(0))\n"
        "print(stage(lambda x: (lstm(x)[0]**2).sum(), np.ones((3, 2, 2))))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env={"PYTHONHASHSEED": seed})
        for seed in "12"
    ]
    assert runs[0].stdout == runs[1].stdout and b"# backward: LSTM / t=3" in runs[0].stdout


def test_a_traceback_shows_the_code():
    """The generated lines are known to linecache, as long as the result of stage() lives."""
    staged = stage(lambda x: np.linalg.inv(x), np.eye(2))
    with pytest.raises(np.linalg.LinAlgError) as error:
        staged.forward(np.zeros((2, 2)))
    assert "out = np.linalg.inv(x)" in "".join(traceback.format_exception(error.value))
    file = staged._both.__code__.co_filename
    assert file in linecache.cache
    del staged, error
    assert file not in linecache.cache


def test_in_a_notebook():
    """Highlighted as Python; the repr is short."""
    staged = stage(gate, 1.0, 2.0, 3.0)
    assert staged._repr_markdown_() == f"```python\n{staged.source}```"
    assert str(staged) == staged.source and repr(staged).startswith("<gate, staged: x, y, z")


def test_ops_of_the_user():
    """An op of one's own is written out; one whose source can't be is named, and the code still runs here."""
    cube = define(lambda x: x**3, lambda g, out, x: g * 3 * x**2, symbol="cube")
    x = rng.normal(size=3)
    assert "def cube(x):\n    return x ** 3\n" in both(lambda x: cube(x).sum(), x).source
    power = 3
    closing = define(lambda x: x**power, lambda g, out, x: g * power * x ** (power - 1), symbol="hidden")
    assert "# hidden() is an op of yours" in both(lambda x: closing(x).sum(), x).source


def test_what_a_function_reads_is_fixed_and_named():
    """Branches, numbers and what is drawn at random stay as they were; the code says so, and refuses other numbers."""

    def branching(x, n):
        if x.sum() > 0:
            return x[n.data[0]] * float(np.random.default_rng().random())
        return x[0]

    staged = stage(branching, np.ones(3), np.array([1]))
    assert len(staged.fixed) == 3 and all(sentence in staged.source for sentence in staged.fixed)
    assert "the branch taken on the truth of the result of greater, in line" in staged.source
    assert ": if x.sum() > 0:" in staged.source and "the numbers of n, in line" in staged.source
    assert "a number: running once more" in staged.source
    staged.forward(2 * np.ones(3), np.array([1]))
    with pytest.raises(ValueError, match="has read the numbers of n, so the code holds for these alone"):
        staged.forward(np.ones(3), np.array([2]))
    assert stage(lambda x: x * np.arange(3), np.ones(3)).fixed == []
    drawn = stage(lambda x: x * rng.random(3), np.ones(3))
    assert drawn.fixed == ["an array of shape (3,): running once more, the function made another (at random?)"]


def test_integers_are_arguments_without_a_gradient():
    """An index that comes as an argument stays one; sort and argmax follow the numbers, too."""
    x, i = rng.normal(size=4), np.array([2, 0, 2])
    table = np.array([1.0, 2.0, 3.0, 4.0])
    staged = stage(lambda x, i: (x[i] * np.sort(x)[1:] * Tensor(table)[i]).sum() + x[x.argmax()], x, i)
    x, i = rng.normal(size=4), np.array([1, 3, 3])
    xs = Tensor(x, requires_grad=True)
    y = (xs[i] * np.sort(xs)[1:] * table[i]).sum() + xs[xs.argmax()]
    assert_allclose(staged.forward(x, i), y.data)
    (g,) = staged.gradients(x, i)
    assert_allclose(g, grad(y, [xs])[0].data)
    assert staged.fixed == []


def test_large_arrays_come_as_arguments():
    """What can't be read as code is handed over."""
    matrix = rng.normal(size=(8, 8))
    staged = both(lambda x: matrix * x, rng.normal(size=8), upstream=np.ones((8, 8)))
    assert staged.arguments["array1"] is not matrix and "def forward_and_backward(x, array1, dout):" in staged.source


def test_under_no_grad():
    """stage() takes gradients also where nothing is recorded; inside f no_grad() and detach() cut them."""
    with no_grad():
        staged = stage(lambda x: (x * x.detach()).sum(), np.ones(3))
    assert_array_equal(staged.gradients(np.full(3, 2.0))[0], np.full(3, 2.0))

    def cut(x):
        with no_grad():
            y = x * 3
        return (x * y).sum()

    assert_array_equal(stage(cut, np.ones(3)).gradients(np.full(3, 2.0))[0], np.full(3, 6.0))


def test_tensors_keep_whether_they_want_a_gradient():
    """An example that is a Tensor says it itself; results without a gradient are staged forward."""
    staged = stage(lambda x, y: x * y, Tensor(1.0, requires_grad=True), Tensor(2.0))
    assert len(staged.gradients(1.0, 2.0)) == 1
    assert_array_equal(stage(lambda x, y: x * 2, 1.0, 2.0).gradients(1.0, 5.0), [2.0, 0.0])


staged = stage(lambda x: x * 2, np.ones(3))


@pytest.mark.parametrize(
    "wrong, error, words",
    [
        (lambda: stage(3), TypeError, ["a function and example arguments", "int came"]),
        (lambda: stage(lambda x: 3.0, 1.0), TypeError, ["returns a Tensor", "it returned float"]),
        (lambda: stage(lambda x: None, 1.0), TypeError, ["does it lack a return?"]),
        (lambda: stage(lambda x: (x, 3), 1.0), TypeError, ["it returned int"]),
        (lambda: stage(lambda x: [], 1.0), TypeError, ["an empty list"]),
        (lambda: stage(lambda x: Tensor(x.data), 1.0), ValueError, ["not computed from its arguments"]),
        (lambda: stage(lambda x: x, 1.0, 2.0), TypeError, ["takes (x)", "too many positional"]),
        (lambda: stage(lambda x: x, object()), TypeError, ["a function that is staged"]),
        (lambda: stage(lambda x: x, 1.0, names=True), TypeError, ["locals()", "bool came"]),
        (lambda: stage(lambda x: (x * x).backward(), 1.0), RuntimeError, ["can't call backward()", "create_graph"]),
        (lambda: stage(lambda x: grad(x * x, x)[0], 1.0), RuntimeError, ["create_graph=True"]),
        (lambda: stage(lambda x: setattr(x, "data", 3.0), 1.0), RuntimeError, ["can't assign to .data"]),
        (lambda: staged.forward(), TypeError, ["was staged with 1 arguments; 0 came"]),
        (lambda: staged.forward(np.ones(4)), ValueError, ["x had shape (3,)", "(4,) came"]),
        (lambda: staged.forward(np.ones(3, complex)), TypeError, ["x was staged as float64", "complex"]),
        (lambda: staged.gradients(np.ones(3)), ValueError, ["has shape (3,)", "upstream="]),
        (lambda: staged.gradients(np.ones(3), upstream=np.ones(2)), ValueError, ["(3,)", "(2,) came"]),
        (lambda: staged.gradients(np.ones(3), upstream=(1, 2)), ValueError, ["gives 1 results", "2 gradients"]),
        (lambda: stage(lambda x, up: x, 1.0, True).forward(1.0, False), ValueError, ["True", "False came"]),
    ],
)
def test_errors(wrong, error, words):
    """Each says what was expected, what came and what to do."""
    with pytest.raises(error) as raised:
        wrong()
    for word in words:
        assert word in str(raised.value)


def test_the_engine_is_as_before():
    """After an error inside the function, and after success, nothing is traced any more."""
    kept = []
    with pytest.raises(ZeroDivisionError):
        stage(lambda x: kept.append(x * 2) or 1 / 0, 1.0)
    stage(lambda x: kept.append(x * 2) or x * 2, 1.0)
    assert [type(t) for t in kept] == [Tensor] * 3
    x = Tensor(2.0, requires_grad=True)
    (x * x).backward()
    assert x.grad == 4 and (x > 1).op is None
