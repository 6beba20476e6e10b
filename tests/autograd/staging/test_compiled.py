"""compile(): used like the function itself, never stale, and honest about what it can't do."""

import copy
import pickle
import re
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import autograd
import nn
from autograd import Tensor, backward, debug, grad, no_grad, stage, uniform

pytestmark = pytest.mark.filterwarnings("error")
SCALE = 3.0
TABLE = np.arange(3.0)


def parameter(*shape, seed=0):
    return Tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True, name="w")


def made(step):
    return step.made


def test_a_training_loop_is_the_same():
    """Loss by loss and weight by weight, with Adam, the carried state handed on."""
    x, y = np.random.default_rng(1).normal(size=(2, 4, 3, 5))
    ends = []
    for run in (lambda f: f, autograd.compile):
        model = nn.LSTM(5, 5, rng=np.random.default_rng(0))
        optimizer = nn.optim.Adam(model.parameters(), lr=0.01)

        def loss_of(x, y, state, model=model):
            out, state = model(x, state)
            return nn.mse_loss(out, y), state

        step, state, losses = run(loss_of), None, []
        for _ in range(6):
            optimizer.zero_grad()
            loss, state = step(x, y, state)
            loss.backward()
            optimizer.step()
            state = nn.bptt.detach(state)
            losses.append(loss.item())
        ends.append((losses, *(part.data for part in state), *model.state_dict().values()))
    for found, expected in zip(*ends, strict=True):
        assert_allclose(found, expected, rtol=1e-9)


def test_gradients_add_up_and_results_stay():
    """Calls before the first backward(), a second backward(), arithmetic with the result: as without compile()."""
    w = parameter(3)
    f = autograd.compile(lambda x: ((w * x) ** 2).sum())
    a, b = np.array([1.0, 2, 3]), np.array([3.0, 1, 2])
    first, second = f(a), f(b)
    total = 2 * first + second
    total.backward()
    expected = 4 * w.data * a**2 + 2 * w.data * b**2
    assert_allclose(w.grad, expected)
    total.backward()
    assert_allclose(w.grad, 2 * expected)
    assert_allclose(first.data, ((w.data * a) ** 2).sum())


def test_an_argument_may_be_overwritten_between_forward_and_backward():
    """An array is taken as it was when the function was called, as Tensor(array) does."""
    w, x = parameter(3), np.ones(3)
    loss = autograd.compile(lambda x: (w * w * x).sum())(x)
    x[:] = 5
    loss.backward()
    loss.backward()
    assert_allclose(w.grad, 4 * w.data)


def test_a_parameter_changed_in_between_is_refused():
    w = parameter(3)
    loss = autograd.compile(lambda: (w * w).sum())()
    w.data -= 0.1
    with pytest.raises(RuntimeError, match="was changed through .data"):
        loss.backward()


def test_several_results_of_different_kinds():
    """Nested results, of several shapes and dtypes, with and without a gradient, each with its own gradient."""
    w = Tensor(np.array([1.0, 2], dtype=np.float32), requires_grad=True)

    def f(x):
        return {"a": w * x, "rest": [(w.astype(np.float64) ** 2).sum(), x > 1, None, "text"], "w": w}

    found, expected = autograd.compile(f)(np.array([1.0, 3])), f(Tensor([1.0, 3]))
    assert found["rest"][2:] == [None, "text"]
    pairs = [(found[k], expected[k]) for k in "aw"] + list(zip(found["rest"][:2], expected["rest"][:2]))
    for y, e in pairs:
        assert_array_equal(y.data, e.data)
        assert (y.dtype, y.requires_grad) == (e.dtype, e.requires_grad)
    gradients = []
    for r in (found, expected):
        w.grad = None
        (r["a"].sum() * 2 + r["rest"][0] * 3 + r["w"].sum()).backward()
        gradients.append(w.grad)
    assert_allclose(*gradients)


def test_higher_order_hooks_and_graphs_around_it():
    """grad(create_graph=True), a hook on a parameter, an argument with a history of its own."""
    w, v = parameter(3), parameter(3, seed=1)
    f = autograd.compile(lambda x: (np.tanh(x) * w).sum())
    (g,) = grad(f(v * v), [v], create_graph=True)
    (e,) = grad((np.tanh(v * v) * w).sum(), [v], create_graph=True)
    assert_allclose(grad(g.sum(), [v])[0].data, grad(e.sum(), [v])[0].data)
    seen = []
    w.register_hook(lambda g: seen.append(g) or g * 10)
    f(v).backward()
    assert_allclose(seen[0], np.tanh(v.data))
    assert_allclose(w.grad, 10 * seen[0])
    assert len(seen) == 1


def test_no_grad_and_debug_mode():
    """Under no_grad() results are constants; in debug mode the function itself runs and is checked."""
    w = parameter(3)
    f = autograd.compile(lambda x: np.log(w * w * x).sum())
    with no_grad():
        assert not f(np.ones(3)).requires_grad
    assert f(np.ones(3)).requires_grad
    with debug(), pytest.raises(FloatingPointError, match="log gave"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f(np.zeros(3))


# ---- what is fixed, and what makes it new ----


def test_new_shapes_dtypes_and_numbers_make_new_code():
    w = parameter(3)
    f = autograd.compile(lambda x, n, flag=True: (w * x).sum() * n if flag else w.sum())
    for x, n, options in (
        (np.ones(3), 1, {}), (np.ones((2, 3)), 1, {}), (np.ones(3, np.float32), 1, {}),
        (np.ones(3), 2.0, {}), (np.ones(3), 1, {"flag": False}), (np.ones(3), True, {}),
    ):  # fmt: skip
        assert_allclose(f(x, n, **options).data, f.function(Tensor(x), n, **options).data)
    assert f(np.ones(3), 1).item() == pytest.approx(w.data.sum())
    assert made(f) == 6


class Model(nn.Module):
    """Reads an attribute of every kind."""

    scale = 2.0

    def __init__(self):
        self.w, self.factors, self.table, self.options = parameter(3), [1.0, 2.0], np.ones(3), {"shift": 0.0}

    def forward(self, x):
        y = x * self.w * self.factors[1] * self.table * self.scale + self.options["shift"]
        return (y * SCALE * TABLE).sum() if self.training else y.sum()


def set_global(name, value):
    globals()[name] = value


CHANGES = {
    "flag": lambda m: m.eval(),
    "number in a list": lambda m: m.factors.__setitem__(1, 5.0),
    "list": lambda m: setattr(m, "factors", [0.0, 7.0]),
    "entry of an array": lambda m: m.table.__setitem__(1, 4.0),
    "array": lambda m: setattr(m, "table", np.full(3, 2.0)),
    "entry of a dict": lambda m: m.options.update(shift=1.0),
    "attribute of the class, on the instance": lambda m: setattr(m, "scale", 3.0),
    "parameter": lambda m: setattr(m, "w", parameter(3, seed=5)),
    "shape of a parameter": lambda m: setattr(m, "w", parameter(1, seed=5)),
    "requires_grad": lambda m: m.w.requires_grad_(False),
    "data of a parameter": lambda m: setattr(m.w, "data", np.full(3, 9.0)),
    "global number": lambda m: set_global("SCALE", 4.0),
    "global array": lambda m: set_global("TABLE", np.ones(3)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_outside_is_noticed(what, monkeypatch):
    """Whatever the function reads besides its arguments may change; the result is never that of before."""
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    monkeypatch.setitem(globals(), "TABLE", np.arange(3.0))
    model, x = Model(), np.array([1.0, 2, 3])
    step = autograd.compile(model)
    before = step(x)
    assert_allclose(before.data, model(Tensor(x)).data)
    CHANGES[what](model)
    after, expected = step(x), model(Tensor(x))
    assert_allclose(after.data, expected.data)
    assert after.requires_grad == expected.requires_grad
    assert not np.allclose(before.data, after.data) or what == "requires_grad"
    if after.requires_grad:
        after.backward()
        found, model.w.grad = model.w.grad, None
        expected.backward()
        assert_allclose(found, model.w.grad)


def test_closures_defaults_and_called_functions_are_watched():
    """A variable of the enclosing function, and a helper that is defined anew."""
    rate, w = 2.0, parameter(3)
    space = {"np": np}
    exec("def helper(x): return x * 2", space)
    exec("def f(x): return helper(x)", space)

    def g(x):
        return (space_f(x) * w).sum() * rate

    space_f = space["f"]
    step, x = autograd.compile(g), np.ones(3)
    assert_allclose(step(x).data, 4 * w.data.sum())
    rate = 3.0
    assert_allclose(step(x).data, 6 * w.data.sum())
    exec("def helper(x): return x * 5", space)
    assert_allclose(step(x).data, 15 * w.data.sum())


def test_training_and_evaluation_in_turns_keep_their_code():
    model = nn.LSTM(3, 4, num_layers=2, dropout=0.5, rng=np.random.default_rng(0))
    step, x = autograd.compile(lambda x: model(x)[0].sum()), np.ones((5, 2, 3))
    for _ in range(3):
        for mode in (True, False):
            model.train(mode)
            step(x)
    assert made(step) == 2


def test_branches_on_numbers_are_compared_at_each_call():
    """`if`, .item() and .data read numbers out of the graph; where they differ, there is other code."""
    w = parameter(3)

    def f(x):
        y = (w * x).sum()
        return y * 2 if (x > 0).all() else y * y

    step = autograd.compile(f)
    for x in (np.ones(3), -np.ones(3), 2 * np.ones(3), -2 * np.ones(3)):
        assert_allclose(step(x).data, f(Tensor(x)).data)
    assert made(step) == 2

    step = autograd.compile(lambda x: (w * x).sum() * x.data.max())
    with pytest.warns(RuntimeWarning, match=r"new code was needed .* the numbers of .*x.data.max"):
        for k in range(12):
            assert_allclose(step(Tensor(np.full(3, float(k)))).data, k * k * w.data.sum())


def test_numbers_of_a_captured_tensor_are_compared():
    w = parameter(3)
    step = autograd.compile(lambda x: (w * x).sum() * w.data[0])
    for value in (1.0, 2.0):
        w.data = np.full(3, value)
        assert_allclose(step(np.ones(3)).data, 3 * value**2)


def test_targets_of_a_loss_are_arguments():
    """cross_entropy() checks its targets at each call: one that is ignored, one that is no class."""
    model = nn.Linear(4, 3, rng=np.random.default_rng(0))

    def f(x, y):
        return nn.cross_entropy(model(x), y)

    step, x = autograd.compile(f), np.random.default_rng(1).normal(size=(5, 4))
    for y in ([0, 1, 2, 0, 1], [2, 2, 2, 0, 1], [0, -100, 1, 1, 1], [0, 0, 0, 0, 1]):
        assert_allclose(step(x, np.array(y)).data, f(Tensor(x), np.array(y)).data)
    with pytest.raises(IndexError, match="there are 3 classes, 0 to 2; a target is 3"):
        step(x, np.array([0, 1, 2, 3, 0]))
    assert made(step) <= 3 and not step.eager


@pytest.mark.parametrize("options", [{"weight": [1.0, 2, 3]}, {"weight": [0.0, 2, 3], "ignore_index": 2}])
def test_constants_picked_by_an_argument_are_not_constant(options):
    """The weights of the classes of a batch are those of this batch, not of the one that was traced."""
    step = autograd.compile(lambda z, y: nn.cross_entropy(z, y, **options))
    rng = np.random.default_rng(0)
    for y in ([0, 1, 2, 1], [1, 2, 0, 0], [1, 1, 1, 1]):
        z = rng.normal(size=(4, 3))
        mine, reference = Tensor(z, requires_grad=True), Tensor(z, requires_grad=True)
        losses = step(mine, np.array(y)), nn.cross_entropy(reference, np.array(y), **options)
        backward(losses)
        assert_allclose(losses[0].data, losses[1].data)
        assert_allclose(mine.grad, reference.grad)
    with pytest.raises(ValueError, match="no target counts"):
        autograd.compile(lambda z, y: nn.cross_entropy(z, y, ignore_index=2))(mine, np.full(4, 2))
    assert not step.eager


def test_the_cache_is_bounded():
    step = autograd.compile(lambda x: (x * x).sum())
    for n in range(1, 40):
        step(np.ones(n))
    assert len(step.variants) == 16
    step(np.ones(39))
    assert made(step) == 39


def test_a_number_that_changes_at_every_call_is_too_much():
    """A number is fixed in the code; where each call brings another, making code stops, with one warning."""
    step = autograd.compile(lambda x, rate: (x * rate).sum())
    with pytest.warns(RuntimeWarning, match="for 65 kinds of arguments.* an array does not") as caught:
        for k in range(90):
            assert step(np.ones(3), k / 7).item() == pytest.approx(3 * k / 7)
    assert len(caught) == 1 and made(step) == 65
    for k in range(90):
        step(np.ones(3), np.float64(k / 7))
    assert made(step) == 65


# ---- randomness ----


def test_dropout_draws_anew_from_the_same_generator():
    """The masks are those that the function itself would draw, call by call; the Generator ends in the same state."""
    outcomes = []
    for run in (lambda f: f, autograd.compile):
        drop = nn.Dropout(0.5, rng=np.random.default_rng(3))
        w = parameter(50)
        step = run(lambda drop=drop, w=w: (drop(w) * drop(w)).sum())
        values = []
        for _ in range(4):
            loss = step()
            loss.backward()
            values.append((loss.item(), w.grad))
            w.grad = None
        outcomes.append((values, drop._rng.random()))
    (eager, end), (compiled, same_end) = outcomes
    assert end == same_end
    for (a, ga), (b, gb) in zip(eager, compiled):
        assert_allclose(a, b)
        assert_allclose(ga, gb)


def test_other_random_numbers_are_refused():
    """Numbers drawn with NumPy itself would stay as they are: the function runs as it is, from where it was."""
    rng = np.random.default_rng(0)
    step = autograd.compile(lambda x: x * rng.random(3))
    with pytest.warns(RuntimeWarning, match=r"draws random numbers from rng .*autograd.uniform\(rng, shape\)"):
        found = step(np.ones(3))
    assert_array_equal(found.data, np.random.default_rng(0).random(3))
    step = autograd.compile(lambda x: x * np.random.rand())  # noqa: NPY002
    with pytest.warns(RuntimeWarning, match="global random numbers"):
        step(np.ones(3))


def test_uniform():
    """Outside compiled code it is rng.random() as a Tensor."""
    rng = np.random.default_rng(0)
    assert_array_equal(uniform(rng, (2, 3)).data, np.random.default_rng(0).random((2, 3)))
    with pytest.raises(TypeError, match="Generator; int came"):
        uniform(3, 2)


# ---- what can't be compiled runs as it is, and says why, once ----

KEPT = []
STORE = np.zeros(3)


class Counter:
    n = 0

    def __call__(self, x):
        self.n += 1
        return x * self.n


def unstageable_cases():
    w = parameter(3)

    def trains(x):
        loss = (w * x).sum()
        loss.backward()
        return loss

    def keeps(x):
        KEPT.append(w * x)
        return KEPT[-1].sum()

    def writes(x):
        STORE[:] += 1
        return (x * STORE).sum()

    def hooks(x):
        y = w * x
        y.register_hook(lambda g: g * 2)
        return y.sum()

    return {
        "backward": (trains, "can't call backward"),
        "keeps": (keeps, "it keeps a Tensor that it computed, in KEPT"),
        "writes": (writes, "it writes into the array STORE"),
        "hooks": (hooks, "it registers a hook"),
        "counts": (Counter(), "it changes Counter.n"),
        "array": (lambda x: (np.asarray(x.item()), x * 2)[1], None),
        "nothing": (lambda x: 3, "it returns no Tensor"),
        "object": (lambda x: (x * 2, object()), "it returns a object"),
    }


@pytest.mark.parametrize("name", [name for name, (_, why) in unstageable_cases().items() if why])
def test_what_cannot_be_compiled_runs_as_it_is(name):
    f, why = unstageable_cases()[name]
    step = autograd.compile(f)
    with pytest.warns(RuntimeWarning, match=rf"runs as it is, not compiled: .*{why}") as caught:
        step(Tensor(np.ones(3)))
    assert len(caught) == 1 and caught[0].filename == __file__
    step(Tensor(np.ones(3)))


def test_errors_are_those_of_the_function():
    """No warning, no trace of the code: what f raises."""
    w = parameter(3)
    step = autograd.compile(lambda x: w @ x)
    step(np.ones((3, 2)))
    with pytest.raises(ValueError, match="matmul: Input operand 1"):
        step(np.ones((2, 3)))
    with pytest.raises(TypeError, match="compile\\(\\) takes a function; int came"):
        autograd.compile(3)


# ---- the rest ----


def test_a_module_a_method_and_nesting():
    """A compiled module is asked for its parameters as before; methods bind; inside stage() it is part of the code."""
    model = nn.Linear(3, 2, rng=np.random.default_rng(0))
    compiled = autograd.compile(model)
    assert compiled.parameters() == model.parameters() and compiled.training
    outer = autograd.compile(lambda x: (compiled(x) ** 2).sum())
    x = np.ones((4, 3))
    assert_allclose(outer(x).data, (model(Tensor(x)) ** 2).sum().data)
    assert "weight" in stage(lambda x: (compiled(x) ** 2).sum(), x).source

    class Net:
        w = parameter(3)

        @autograd.compile
        def loss(self, x):
            """Multiply."""
            return (self.w * x).sum()

    net = Net()
    assert_allclose(net.loss(np.ones(3)).data, net.w.data.sum())
    assert Net.loss.__doc__ == "Multiply."


def test_a_compiled_module_is_a_module():
    """Inside another module it is found, named, trained and saved; what is set on it is set on the module."""

    class Net(nn.Module):
        def __init__(self):
            rng = np.random.default_rng(0)
            self.rnn, self.head = autograd.compile(nn.RNN(3, 4, rng=rng)), nn.Linear(4, 2, rng=rng)
            self.layers = nn.Sequential(autograd.compile(nn.Dropout(0.5, rng=rng)), nn.Tanh())

        def forward(self, x):
            return self.layers(self.head(self.rnn(x)[0]))

    net, x = Net(), np.ones((5, 2, 3))
    assert list(net.state_dict())[:2] == ["rnn.weight_ih_l0", "rnn.weight_hh_l0"] and len(net.parameters()) == 6
    net.eval()
    assert not net.rnn.function.training and not net.layers[0].function.training
    assert_allclose(autograd.compile(net)(x).data, net(Tensor(x)).data)
    model = autograd.compile(Model())
    before = model(np.ones(3)).item()
    model.scale = 4.0
    assert model.function.scale == 4 and model(np.ones(3)).item() == pytest.approx(2 * before)
    del model.scale
    assert model(np.ones(3)).item() == pytest.approx(before)


def test_copies_make_their_own_code():
    model = autograd.compile(nn.Linear(3, 2, rng=np.random.default_rng(0)), backend="numpy")
    expected = model(np.ones(3)).data
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert_array_equal(twin(np.ones(3)).data, expected)
        model.bias.data += 1
        assert_array_equal(twin(np.ones(3)).data, expected)
        assert twin.made == 1 and twin.backend == "numpy"
        model.bias.data -= 1


class Anything:
    """Gives something for every name, as proxies and ctypes' libraries do."""

    def __getattr__(self, name):
        return len


def test_objects_around_it_may_be_odd():
    """What answers to every name, or is compiled itself, does not get in the way."""
    thing, inner = Anything(), autograd.compile(lambda x: x * factor)
    factor = 2.0
    step = autograd.compile(lambda x: (inner(x) * thing.size([1, 2, 3])).sum())
    assert step(np.ones(2)).item() == 12
    factor = 3.0
    assert step(np.ones(2)).item() == 18
    assert not step.eager and step.made == 2


def test_a_list_that_is_changed():
    """What a function does to its arguments, code can't do."""
    seen = []
    step = autograd.compile(lambda x, seen: [seen.append(1), x * len(seen)][1])
    with pytest.warns(RuntimeWarning, match="it changes a list or dict that it is given"):
        assert [step(np.ones(()), seen).item() for _ in range(3)] == [1, 2, 3]


class Trainer:
    """Holds more than its loss reads: what changes there needs no new code."""

    def __init__(self):
        self.model, self.rate = nn.LSTM(3, 4, rng=np.random.default_rng(0)), 0.5
        self.optimizer = nn.optim.Adam(self.model.parameters())
        self.history, self.state, self.training, self.w = [], None, 0, 1

    def loss(self, x, state):
        out, state = self.model(x, state)
        return (out**2).mean() * self.get().rate, state

    def get(self):
        return self


def test_only_what_is_read_is_watched():
    """A method reads some attributes of its object; others, of the same names as some elsewhere, may change."""
    trainer, x = Trainer(), np.ones((5, 2, 3))
    step = autograd.compile(trainer.loss)
    for k in range(5):
        loss, state = step(x, trainer.state)
        expected, _ = trainer.loss(Tensor(x), trainer.state)
        assert_allclose(loss.data, expected.data)
        loss.backward()
        trainer.optimizer.step()
        trainer.state, trainer.training = nn.bptt.detach(state), k
        trainer.history.append(loss.item())
        trainer.rate = 0.5 if k < 3 else 0.25
    assert made(step) == 3  # without a state, with one, with another rate


def test_threads():
    """Threads share the code, not the memory."""
    w = parameter(50, 50)
    step = autograd.compile(lambda x: (np.tanh(x @ w) ** 2).sum())
    xs = [np.random.default_rng(k).normal(size=(50, 50)) for k in range(4)]
    expected = [step.function(Tensor(x)).item() for x in xs]
    wrong = []

    def work(x, e):
        for _ in range(30):
            y = step(x)
            y.backward()
            wrong.extend([y.item()] if abs(y.item() - e) > 1e-9 else [])

    threads = [threading.Thread(target=work, args=pair) for pair in zip(xs, expected)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_memory_is_used_again():
    """Steps in a row need one workspace; results that are kept need no more than themselves."""
    w = parameter(3)
    step = autograd.compile(lambda x: (w * x).sum())
    losses = []
    for k in range(10):
        losses.append(step(np.full(3, k)))
        losses[-1].backward()
    (variant,) = step.variants.values()
    assert len(variant.machine.idle) == 1
    assert_allclose([loss.item() for loss in losses], [k * w.data.sum() for k in range(10)])


def test_the_page_about_compiled_code(capsys):
    """Its blocks run, one after the other, and print what stands below."""
    page = (Path(__file__).parents[3] / "docs" / "compiled.md").read_text(encoding="utf-8")
    namespace = {}
    for block, shown in re.findall(
        r"^```python\n(.*?)^```\n(?:\n```\n(.*?)^```)?", page, flags=re.MULTILINE | re.DOTALL
    ):
        exec(compile(block, "compiled.md", "exec"), namespace)
        printed = capsys.readouterr().out
        assert not shown or printed == shown
    assert "gates\n%0 = x" in printed and "stack\n" not in printed
