"""Walking a graph of any depth, and getting rid of it."""

import gc
import random
import tracemalloc
import weakref

import numpy as np
import pytest

from autograd import Tensor, grad, sigmoid, toposort


@pytest.fixture
def no_collector():
    """Leave reference counting alone to free memory."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def live_tensors():
    return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())  # isinstance would run strangers' code


def lstm_step(x, h, c, W):
    """One time step of an LSTM, four gates from one product: enough fan-out for any leak to show."""
    z = np.concatenate([x, h], axis=1) @ W
    i, f, g, o = np.split(z, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def unrolled(W, steps=4, batch=2):
    h = c = Tensor(np.zeros((batch, 3)))
    total = 0.0
    for t in range(steps):
        h, c = lstm_step(Tensor(np.full((batch, 3), t / 10)), h, c, W)
        total = total + (h * h).mean()
    return total


def test_order():
    """Parents come first, the roots last, every node once, whatever was made between."""
    x, y = Tensor(1.0, requires_grad=True), Tensor(2.0, requires_grad=True)
    made = [x, y]
    r = random.Random(3)
    for _ in range(200):
        made.append(r.choice(made) * r.choice(made) * 0.5)
        Tensor(0.0) + 1
    root = sum(made[-20:])
    order = toposort([root])
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order) and order[-1] is root
    assert all(place[parent] < place[node] for node in order for parent in node.parents)
    assert toposort([y, root, x, root]) == order


def test_only_what_leads_to_a_root():
    """Children, constants and siblings are not walked to."""
    x, c = Tensor(1.0, requires_grad=True), Tensor(2.0)
    y = x * c
    np.exp(y)
    x + 1
    assert toposort([y]) == [x, y]


@pytest.mark.slow
def test_a_million_ops(no_collector):
    """A chain of 1,000,000 ops runs forward and backward and is freed, by reference counting alone."""
    before = live_tensors()
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(500_000):
        y = (y + x) * 0.5
    y.backward()
    assert abs(x.grad - 1) < 1e-9
    assert live_tensors() - before > 1_000_000
    assert "op=multiply" in repr(y)
    del y
    assert live_tensors() - before == 1


def test_a_deep_graph_in_every_way():
    """No road recurses: recorded gradients, a cut graph, refusal and repr at a depth of 20,000."""
    x = Tensor(1.0, requires_grad=True)

    def chain():
        y = x
        for _ in range(20_000):
            y = y * 1.0
        return y

    y = chain()
    (g,) = grad(y, x, create_graph=True)
    assert g.item() == 1 and repr(y) == "Tensor(1., op=multiply)"
    y.backward(retain_graph=False)
    assert x.grad == 1
    y = chain()
    x.data = 2.0
    with pytest.raises(RuntimeError, match="was changed through .data"):
        y.backward()


def test_dropping_the_loss_frees_the_graph(no_collector):
    """No node is part of a reference cycle, before or after backward(), recorded or not."""
    W = Tensor(np.full((6, 12), 0.1), requires_grad=True)
    before = live_tensors()
    for run in (lambda loss: None, Tensor.backward, lambda loss: grad(loss, W, create_graph=True), differentiate_twice):
        loss = unrolled(W)
        arrays = [weakref.ref(node.data) for node in toposort([loss]) if node is not W and node is not loss]
        run(loss)
        assert any(array() is not None for array in arrays)
        del loss
        assert all(array() is None for array in arrays)
        assert live_tensors() == before


def differentiate_twice(loss):
    (g,) = grad(loss, toposort([loss])[0], create_graph=True)
    (g * g).sum().backward()


def test_retain_graph_false_frees_what_nobody_holds(no_collector):
    """The loss is still there, the nodes behind it are not; one that the user holds keeps its value and gradient."""
    W = Tensor(np.full((6, 12), 0.1), requires_grad=True)
    loss = unrolled(W)
    nodes = toposort([loss])
    held = next(node for node in nodes if node.op and node.op.name == "tanh")
    arrays = [weakref.ref(node.data) for node in nodes if node not in (W, loss, held)]
    value = held.data.copy()
    del nodes
    loss.backward(retain_graph=False)
    assert all(array() is None for array in arrays)
    assert np.array_equal(held.data, value) and held.grad.shape == held.shape
    assert W.grad is not None and loss.grad == 1


def test_retain_graph_false_frees_on_the_way(no_collector):
    """A long chain of large arrays is gone, bit by bit, before the pass has come to its end."""
    peaks = {}
    for retain in (True, False):
        x = Tensor(np.ones(20_000), requires_grad=True)
        y = x
        for _ in range(30):
            y = np.tanh(y) + y  # every node but the first fans out: its gradient is owned by the pass
        loss = y.sum()
        del y
        tracemalloc.start()
        loss.backward(retain_graph=retain)
        peaks[retain] = tracemalloc.get_traced_memory()[1] / x.data.nbytes
        tracemalloc.stop()
    assert peaks[False] < 10 and peaks[True] > 30


def test_a_freed_graph_says_why():
    """A second pass through a cut graph, or through a part of it, tells what has happened and what to do."""
    x = Tensor(2.0, requires_grad=True)
    h = x * x
    y = h * 3
    y.backward(retain_graph=False)
    for loss in (y, h, h + 1, y * h):
        with pytest.raises(RuntimeError, match=r"freed by backward\(retain_graph=False\).*retain_graph=True"):
            loss.backward()
        with pytest.raises(RuntimeError, match="freed by backward"):
            grad(loss, x)
    with pytest.raises(RuntimeError, match="freed by backward"):
        y.local_gradients()
    assert x.grad == 12 and h.grad == 3 and y.item() == 12


def test_training_is_flat(no_collector):
    """200 training steps leave as many objects behind as 20, and not one array more."""
    W = Tensor(np.full((6, 12), 0.1), requires_grad=True)
    objects, memory = [], []
    tracemalloc.start()
    for step in range(200):
        W.grad = None
        loss = unrolled(W, batch=400)
        loss.backward(retain_graph=step % 2 == 0)
        W.data -= 0.1 * W.grad
        if step in (19, 199):
            del loss
            objects.append(len(gc.get_objects()))
            memory.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert abs(objects[1] - objects[0]) < 100  # a leak of one a step would be 180
    assert memory[1] - memory[0] < 180 * 400 * 3 * 8 / 2  # Python's own free lists grow a little
