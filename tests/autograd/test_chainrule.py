"""The contract of backward(): every node gets its gradient, added up, and one pass never sees another's numbers."""

import sys
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd import Tensor, backward, grad, logsumexp, no_grad, relu, scope, sigmoid, softmax, toposort

rng = np.random.default_rng(5)


def variable(data, name=None):
    return Tensor(data, requires_grad=True, name=name)


# ---- known circuits ----


def test_micrograd_readme():
    """The expression in micrograd's README gives its numbers."""
    a, b = variable(-4.0), variable(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + relu(b + a)
    d += 3 * d + relu(b - a)
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert f"{g.item():.4f} {a.grad:.4f} {b.grad:.4f}" == "24.7041 138.8338 645.5773"


def test_circuit_of_two_gates():
    """CS231n: f = (x + y) z at (-2, 5, -4), with every value and gradient of its figure."""
    x, y, z = variable(-2.0), variable(5.0), variable(-4.0)
    q = x + y
    f = q * z
    f.backward()
    assert [q.item(), f.item()] == [3, -12]
    assert [t.grad for t in (x, y, z, q, f)] == [-4, -4, 3, -4, 1]
    assert [float(send(1.0)) for _, send in f.local_gradients()] == [-4, 3]


def test_circuit_of_a_neuron():
    """CS231n: a sigmoid neuron, w = [2, -3, -3], x = [-1, -2], spelled out and as one gate."""
    results = []
    for gate in (lambda s: 1 / (1 + np.exp(-s)), sigmoid):
        w0, x0, w1, x1, w2 = ts = [variable(v) for v in (2.0, -1.0, -3.0, -2.0, -3.0)]
        f = gate(w0 * x0 + w1 * x1 + w2)
        f.backward()
        results.append([f.item(), *(t.grad.item() for t in ts)])
    assert_allclose(results[0], results[1], rtol=1e-14)
    assert_allclose(results[0], [0.73, -0.20, 0.39, -0.39, -0.59, 0.20], atol=0.005)


def test_circuit_in_stages():
    """CS231n: (x + σ(y)) / (σ(x) + (x + y)²) at (3, -4), against the staged backward pass of the text."""
    x, y = variable(3.0), variable(-4.0)
    ((x + sigmoid(y)) / (sigmoid(x) + (x + y) ** 2)).backward()
    sigy, sigx = 1 / (1 + np.exp(4.0)), 1 / (1 + np.exp(-3.0))
    num, den = 3 + sigy, sigx + 1
    dnum, dden = 1 / den, -num / den**2
    assert_allclose(x.grad, dnum + dden * (2 * -1 + (1 - sigx) * sigx), rtol=1e-14)
    assert_allclose(y.grad, dnum * (1 - sigy) * sigy + dden * 2 * -1, rtol=1e-14)


def test_circuit_of_a_matrix():
    """CS231n: D = W X; dW = dD Xᵀ, dX = Wᵀ dD."""
    W, X = variable(rng.normal(size=(5, 10))), variable(rng.normal(size=(10, 3)))
    dD = rng.normal(size=(5, 3))
    (W @ X).backward(dD)
    assert_allclose(W.grad, dD @ X.data.T, rtol=1e-14)
    assert_allclose(X.grad, W.data.T @ dD, rtol=1e-14)


# ---- adding up ----


def test_cube_twice():
    """x³ at 3: 27, and after a second backward() 54; at the nodes between as well."""
    x = variable(3.0)
    y = x**3
    y.backward()
    assert x.grad == 27
    y.backward()
    assert x.grad == 54 and y.grad == 2


def build(depth):
    """A graph with every kind of fan-out: values that are used twice, views, slices, repeated indices."""
    x = variable(rng.normal(size=(3, 4)))
    nodes = [x]
    for _ in range(depth):
        a = np.tanh(nodes[-1])
        b = a + nodes[-1]
        c = b * a - b.T.reshape(3, 4)
        d = np.concatenate([c[[0, 0]], c[1:2] / 2])
        e = d + d[0] * softmax(d)
        nodes += [a, b, c, d, e]
    return nodes, logsumexp(nodes[-1])


def test_every_node_twice():
    """Twice backward() gives exactly twice the gradient, at every node; three times, thrice."""
    nodes, loss = build(3)
    loss.backward()
    once = [node.grad.copy() for node in nodes]
    loss.backward()
    for node, g in zip(nodes, once):
        assert_array_equal(node.grad, 2 * g)
    loss.backward()
    for node, g in zip(nodes, once):
        assert_allclose(node.grad, 3 * g, rtol=1e-15)


def test_intermediates_are_right():
    """The gradient at an intermediate is what grad() by it gives, and what the chain rule needs further down."""
    nodes, loss = build(2)
    loss.backward()
    for node, g in zip(nodes, grad(loss, nodes)):
        assert_allclose(node.grad, g.data, rtol=1e-13)
        assert node.grad.shape == node.shape and node.grad.dtype == node.dtype


def test_two_losses_add():
    """Losses that share a part of the graph add up, in any order, as their sum does."""
    x = variable([1.0, 2.0])
    h = np.exp(x)
    first, second = h.sum(), (h * h).sum()
    second.backward()
    first.backward()
    assert_allclose(h.grad, 1 + 2 * h.data)
    assert_allclose(x.grad, h.data * (1 + 2 * h.data))


def test_what_was_in_grad_stays_apart():
    """A gradient already there is added to, and is not sent further down."""
    x = variable(2.0)
    y = x * 3
    y.grad = 100.0
    (y * 5).backward()
    assert y.grad == 105 and x.grad == 15
    x.zero_grad()
    assert x.grad is None
    (y * 5).backward()
    assert x.grad == 15


def test_forty_diamonds():
    """y = y + y forty times: 2⁴⁰ paths, and one pass over eighty edges."""
    x = variable(1.0)
    y = x
    for _ in range(40):
        y = y + y
    y.backward()
    assert x.grad == 2**40


def test_forty_wide_diamonds():
    """Diamonds whose sides differ: every join waits for both."""
    x = variable([1.0, 1.0])
    y = x
    for _ in range(40):
        y = (y * 0.5 + (y + 1) - 1) * (2 / 3)
    y.sum().backward()
    assert_allclose(x.grad, 1)


def test_fan_out_through_views():
    """Views of one array share its memory and not its gradient: row, slice, transpose, reshape, the whole."""
    x = variable(np.arange(6.0).reshape(2, 3))
    (x[0].sum() + 10 * x[:, 1:].sum() + 100 * x.T[2].sum() + 1000 * x.reshape(-1)[0] + 10000 * x.sum()).backward()
    assert_array_equal(x.grad, [[11001, 10011, 10111], [10000, 10010, 10110]])


@pytest.mark.parametrize("slices_first", [True, False])
def test_slices_of_a_shared_gradient(slices_first):
    """The array into which slices add is never the one that another node was given, whoever comes first."""
    x, y = variable(np.zeros(3)), variable(np.zeros(3))
    if slices_first:
        a, b = x[0], y[1:]
    s = x + y  # x and y are handed the gradient of s itself
    if not slices_first:
        a, b = x[0], y[1:]
    (s.sum() + 10 * a + (100 * b).sum() + s[2] * 1000).backward()
    assert_array_equal(s.grad, [1, 1, 1001])
    assert_array_equal(x.grad, [11, 1, 1001])
    assert_array_equal(y.grad, [1, 101, 1101])


def test_writing_into_a_gradient():
    """`add` hands its gradient to both arguments; who then edits one .grad in place changes no other."""
    for first in range(5):
        x, y = variable([1.0, 2.0]), variable([3.0, 4.0])
        z = x + y
        u = z.reshape(2, 1)
        upstream = np.ones((2, 1))
        u.backward(upstream)
        tensors = [x, y, z, u]
        arrays = [*(t.grad for t in tensors), upstream]
        arrays[first] *= 99
        assert [float(a.sum()) for a in arrays] == [198 if i == first else 2 for i in range(5)]
        z.backward(np.ones(2))  # and later passes start from what the user has left there
        assert [float(t.grad.sum()) for t in tensors[:3]] == [200 if i == first else 4 for i in range(3)]


def test_upstream_is_not_kept():
    """backward(g) copies g, array or Tensor: writing to it afterwards changes no gradient."""
    for g in (np.ones(2), Tensor(np.ones(2))):
        x = variable([1.0, 2.0])
        y = +x
        y.backward(g)
        (g if isinstance(g, np.ndarray) else g.data)[:] = 99
        assert_array_equal(y.grad, 1)
        assert_array_equal(x.grad, 1)


def test_gradient_arrays_are_stable():
    """An array taken from .grad is not changed by a later backward()."""
    x = variable([1.0, 2.0])
    y = x * x
    y.sum().backward()
    held = [x.grad, y.grad]
    copies = [g.copy() for g in held]
    y.sum().backward()
    assert_array_equal(held, copies)


def test_scaling_in_place():
    """`t.grad *= 0.5` and `t.grad = None` do what they say, also for a number."""
    for data in (3.0, [3.0, 4.0]):
        x = variable(data)
        (x * 2).sum().backward()
        x.grad *= 0.5
        assert_array_equal(x.grad, np.ones_like(x.data))
        x.grad = None
        assert x.grad is None


# ---- upstream ----


def test_upstream():
    """backward(g) starts with g: an array, a number for a number, a list, a Tensor of any dtype."""
    for g in (np.array([1.0, 10.0]), [1, 10], Tensor([1.0, 10.0]), Tensor([1, 10]), np.array([1, 10], np.float32)):
        x = Tensor(np.ones(2, np.float32), requires_grad=True)
        y = 3 * x
        y.backward(g)
        assert_array_equal(x.grad, [3, 30])
        assert y.grad.dtype == x.grad.dtype == np.float32
    for g in (2, 2.0, np.float32(2), Tensor(2.0)):
        x = variable(1.0)
        (3 * x).backward(g)
        assert x.grad == 6
        assert grad(3 * x, x, g)[0].item() == 6


def test_one_element_needs_no_upstream():
    """A tensor of one element, of any rank, starts with 1."""
    for shape in ((), (1,), (1, 1)):
        x = variable(np.ones(shape))
        (x * 3).backward()
        assert_array_equal(x.grad, np.full(shape, 3.0))


def test_backward_of_a_leaf():
    """A leaf's gradient by itself is 1."""
    x = variable(3.0)
    x.backward()
    assert x.grad == 1


def test_several_roots():
    """backward([y, z]) adds what y.backward() and z.backward() would, and a root that comes twice counts twice."""
    x = variable([1.0, 2.0])
    y = x * x
    z = (y * 3).sum()
    backward([y, z], [[1.0, 10.0], None])
    assert_array_equal(y.grad, [4, 13])
    assert_array_equal(x.grad, [8, 52])
    backward([z, z])
    assert z.grad == 3
    assert_array_equal(y.grad, [10, 19])
    with pytest.raises(RuntimeError, match="tensor 'c'"):
        backward([z, Tensor(1.0, name="c")])
    assert z.grad == 3
    backward([y, z], [np.ones(2), 1.0], retain_graph=False)
    with pytest.raises(RuntimeError, match="freed"):
        z.backward()


def test_stop_at():
    """A node in stop_at receives its gradient and sends nothing on; other ways to its parents stay open."""
    x = variable(2.0)
    y = x * 3
    z = y * y + 5 * x
    z.backward(stop_at=[y])
    assert y.grad == 12 and x.grad == 5
    z.backward()
    assert y.grad == 24 and x.grad == 5 + 41


# ---- hooks ----


def test_hook_sees_the_complete_gradient():
    """A hook is called once a pass, with the sum over all uses, at a leaf and between; after removal no more."""
    x = variable([1.0, 2.0])
    y = x * 2
    seen = []
    removals = [
        t.register_hook(lambda g, name=name: seen.append((name, g.tolist()))) for t, name in ((x, "x"), (y, "y"))
    ]
    loss = (y * y + y + x).sum()
    loss.backward()
    assert seen == [("y", [5, 9]), ("x", [11, 19])]
    for remove in removals:
        remove()
    loss.backward()
    assert len(seen) == 2
    assert_array_equal(x.grad, [22, 38])


def test_hook_replaces_the_gradient():
    """What a hook returns goes into .grad and further down, in the node's dtype; several work in order."""
    x = Tensor(np.ones(2, np.float32), requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: np.minimum(g, 15))
    loss = (y * [1.0, 2.0]).sum()
    loss.backward()
    assert_array_equal(y.grad, [10, 15])
    assert_array_equal(x.grad, [20, 30])
    assert y.grad.dtype == x.grad.dtype == np.float32
    for create_graph in (False, True):
        (g,) = grad(loss, x, create_graph=create_graph)
        assert_array_equal(g.data, [20, 30])


def test_hook_that_edits_what_it_was_given():
    """It edits a copy: a gradient changes only by what a hook returns."""

    def edit(g):
        g *= 0

    x, other = variable(np.ones(2)), variable(np.ones(2))
    y = x + other
    x.register_hook(edit)
    y.register_hook(edit)
    y.backward(np.ones(2))
    for t in (x, other, y):
        assert_array_equal(t.grad, 1)


def test_hook_that_keeps_what_it_gave():
    """The array it returned is copied: editing it later changes no gradient."""
    kept = np.full(2, 7.0)
    x = variable(np.ones(2))
    y = +x
    y.register_hook(lambda g: kept)
    y.backward(np.ones(2))
    kept *= 0
    for t in (x, y):
        assert_array_equal(t.grad, 7)


# ---- stale values ----


def stale_leaf():
    w = variable([1.0, 2.0], name="weight")
    loss = (w * w).sum()
    w.data -= 0.1
    return loss, "weight"


def stale_replaced():
    w = variable([1.0, 2.0], name="weight")
    loss = (w * w).sum()
    w.data = [5.0, 5.0]
    return loss, "weight"


def stale_constant():
    x, w = Tensor([1.0, 2.0], name="input"), variable([1.0, 2.0])
    loss = (w * x).sum()
    x.data += 1
    return loss, "input"


def stale_intermediate():
    w = variable([1.0, 2.0])
    h = w * 2
    h.name = "hidden"
    loss = (h * h).sum()
    h.data *= 2
    return loss, "hidden"


def stale_deep():
    w, v = variable(1.0, name="weight"), variable(1.0)
    y = w * w
    for _ in range(10):
        y = y * v
    w.data = 2.0
    return y, "weight"


@pytest.mark.parametrize("graph", [stale_leaf, stale_replaced, stale_constant, stale_intermediate, stale_deep])
def test_stale(graph):
    """A graph that depends on .data changed since is refused, by name, and leaves every .grad as it was."""
    loss, name = graph()
    parents = list(loss.parents)
    for run in (loss.backward, lambda: grad(loss, parents), lambda: grad(loss, parents, create_graph=True)):
        with pytest.raises(RuntimeError, match=name):
            run()
    assert all(p.grad is None for p in parents)


def test_not_stale():
    """Nothing is refused where the change came first, touched another graph, or the forward pass ran again."""
    w, other = variable([1.0, 2.0]), variable([1.0])
    w.data -= 1
    loss = (w * w).sum()
    other.data -= 1
    loss.backward()
    assert_array_equal(w.grad, [0, 2])
    for _ in range(3):  # training: the old loss is gone through before the step, the new one after it
        w.grad = None
        loss = (w * w).sum()
        loss.backward()
        w.data -= 0.1 * w.grad
    (w * w).sum().backward()


def test_reading_data_is_not_a_change():
    """.data may be read, and written elsewhere, between forward and backward."""
    w = variable([1.0, 2.0])
    loss = (w * w).sum()
    assert w.data.sum() == 3
    v = w.data + 1
    v[0] = 7
    loss.backward()
    assert_array_equal(w.grad, [2, 4])


# ---- grad() ----


def test_grad_touches_no_grad():
    """grad() gives Tensors and leaves every .grad alone."""
    x = variable([1.0, 2.0])
    y = x * x
    (g,) = grad(y.sum(), x)
    assert type(g) is Tensor and not g.requires_grad
    assert_array_equal(g.data, [2, 4])
    assert x.grad is y.grad is None


def test_grad_of_what_does_not_depend():
    """An input that does not influence the output gets zeros of its shape and dtype, also where nothing does."""
    x, y = variable([1.0, 2.0]), Tensor(np.ones((2, 2), np.float32), requires_grad=True)
    for create_graph in (False, True):
        gx, gy = grad((x * x).sum(), [x, y], create_graph=create_graph)
        assert_array_equal(gx.data, [2, 4])
        assert_array_equal(gy.data, np.zeros((2, 2)))
        assert gy.dtype == np.float32
        assert_array_equal(grad(x.detach().sum(), x, create_graph=create_graph)[0].data, [0, 0])


def test_grad_by_an_intermediate_and_by_itself():
    """Inputs may be nodes of the graph, the output among them, the same one twice."""
    x = variable(2.0)
    y = x * 3
    z = y * y
    assert [g.item() for g in grad(z, [y, x, z, y])] == [12, 36, 1, 12]


def test_grad_of_several_outputs():
    """Several outputs count with their weights, and twice if they come twice."""
    x = variable([1.0, 2.0])
    y, z = x * 2, x.sum()
    assert_array_equal(grad([y, z], x, [[1.0, 10.0], None])[0].data, [3, 21])
    assert_array_equal(grad([z, z], x)[0].data, [2, 2])


def test_grad_walks_only_where_it_must():
    """A branch that leads to no wanted input is not walked: its infinite slope gives no warning."""
    x, y = variable(0.0), variable(3.0)
    with pytest.warns(RuntimeWarning):
        grad(np.sqrt(x) * y + y, x)
    assert grad(np.sqrt(x) * y + y, y)[0].item() == 1


def test_grad_results_are_apart():
    """Gradients that are one array inside the pass are separate outside."""
    x, y = variable([1.0]), variable([1.0])
    z = x + y
    a, b, c = grad(z, [x, y, z])
    a.data[:] = 99
    assert b.data == c.data == 1


HIGHER = [
    (lambda x: x**5, 1.5, [5 * 1.5**4, 20 * 1.5**3, 60 * 1.5**2, 120 * 1.5]),
    (np.exp, 0.5, [np.exp(0.5)] * 4),
    (np.log, 2.0, [1 / 2, -1 / 4, 2 / 8, -6 / 16]),
    (lambda x: 1 / x, 2.0, [-1 / 4, 2 / 8, -6 / 16, 24 / 32]),
    (np.sqrt, 4.0, [1 / 4, -1 / 32, 3 / 256, -15 / 2048]),
    (np.tanh, 0.0, [1, 0, -2, 0]),
    (sigmoid, 0.0, [1 / 4, 0, -1 / 8, 0]),
    (lambda x: (np.stack([x, 2 * x]) @ np.stack([x * x, x])).sum(), 2.0, [20, 16, 6, 0]),
]


@pytest.mark.parametrize(("f", "x", "derivatives"), HIGHER)
def test_fourth_order(f, x, derivatives):
    """grad() of grad() of grad() of grad(), against formulas."""
    x = variable(x)
    y = f(x)
    for expected in derivatives:
        (y,) = grad(y, x, create_graph=True)
        assert_allclose(y.item(), expected, rtol=1e-13, atol=1e-13)


def test_create_graph_under_no_grad():
    """create_graph=True is a request, and no_grad() around it does not undo it; afterwards no_grad() still holds."""
    x = variable(3.0)
    y = x**3
    with no_grad():
        (g,) = grad(y, x, create_graph=True)
        assert not (x * 2).requires_grad
    assert grad(g, x)[0].item() == 18


def test_backward_under_no_grad():
    """What was recorded outside can be gone through inside."""
    x = variable(3.0)
    y = x**2
    with no_grad():
        y.backward()
    assert x.grad == 6


def test_scope_of_recorded_gradients():
    """The backward of a node stands in the node's own scope; afterwards the caller's scope is back."""
    x = variable(3.0)
    with scope("square"):
        y = x * x
    with scope("outside") as outside:
        (g,) = grad(y, x, create_graph=True)
        assert (x + 1).scope is outside
    assert g.scope.path == ("square",)


def test_recorded_gradients_know_where_they_are_from():
    """The scope of a recorded gradient tells whose backward it was, and what the pass has found; of constants, too."""
    x, y = variable(3.0), variable(4.0)
    q = x * y
    f = q + x
    gx, gy = grad(f, [x, y], create_graph=True)
    assert (gx.scope.node, gy.scope.node) == (q, q) and gx.scope.outputs == [f]
    found = {node: (number, array) for node, number, array in gx.scope.gradients}
    assert found[x] == (gx.number, 5) and found[y] == (gy.number, 3) and found[q][1] == found[f][1] == 1
    (constant,) = grad(x * 2.0, [x], create_graph=True)
    assert constant.scope.node is x and constant.scope.gradients[-1][:2] == (x, constant.number)
    assert grad(x * 2.0, [x])[0].scope is None


# ---- local gradients ----


def test_local_gradients_add_up():
    """What the children of a node send it, over all uses, adds up to the gradient that it has."""
    _, loss = build(2)
    loss.backward()
    nodes = toposort([loss])
    arrived = {node: np.zeros(node.shape) for node in nodes}
    for node in nodes:
        for parent, send in node.local_gradients():
            arrived[parent] += send(node.grad)
    for node in nodes[:-1]:
        assert_allclose(node.grad, arrived[node], rtol=1e-13, atol=1e-15)


def test_local_gradients_of_a_product_with_itself():
    """x * x has two edges to x, one per use."""
    x = variable(3.0)
    pairs = (x * x).local_gradients()
    assert [parent for parent, _ in pairs] == [x, x]
    assert [float(send(1.0)) for _, send in pairs] == [3, 3]


# ---- threads ----


@pytest.fixture
def hasty_threads():
    """Let Python change threads some thousand times a second more often than it does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_two_threads(hasty_threads):
    """Two threads differentiate through one parameter at once, one of them half of the time under no_grad()."""
    w = variable(rng.normal(size=(4, 4)))
    expected = grad(np.tanh(w @ w).sum(), w)[0].data
    start, wrong, rounds = threading.Barrier(2), [], {"one": 0, "two": 0}

    def work(name):
        start.wait()
        for i in range(300):
            with scope(name) as frame:
                if name == "one" and i % 2:
                    with no_grad():
                        quiet = np.tanh(w @ w)
                    if quiet.requires_grad:
                        wrong.append("recorded under no_grad()")
                y = np.tanh(w @ w).sum()
                if y.scope is not frame or frame.path != (name,):
                    wrong.append(f"{name} ran in {y.scope}")
                if not y.requires_grad or not np.array_equal(grad(y, w)[0].data, expected):
                    wrong.append("a wrong gradient")
            rounds[name] += 1

    threads = [threading.Thread(target=work, args=(name,)) for name in rounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and rounds == {"one": 300, "two": 300}
