"""The sigmoid circuit: tanh as one gate, staged backpropagation with fan-outs, the order of the walk."""

from functools import partial

import numpy as np

from autograd import Tensor

from .check import Check


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


check_tanh_gate = Check(
    right=lambda x, g: g * (1 - np.tanh(x) ** 2),
    cases=[(0.5, 1.0), (-1.0, 2.0), (0.0, -3.0), (2.0, 0.5)],
    results=("dx",),
    mistakes=[
        (lambda x, g: 1 - np.tanh(x) ** 2, "That is the local gradient; multiply by g."),
        (lambda x, g: g * (1 - x**2), "The formula holds for t = tanh(x), the output, not for x."),
        (
            lambda x, g: g * (1 - np.tanh(x)) * np.tanh(x),
            "That is the formula of σ. tanh(x) = 2σ(2x) - 1 stretches it.",
        ),
        (
            lambda x, g: g * (1 - np.tanh(x) ** 2) / 2,
            "Half: in 2σ(2x) there is a 2 outside σ and one inside, and the chain rule multiplies by both.",
        ),
        (lambda x, g: g * (1 - np.tanh(x)), "A square is missing: (1 - t)(1 + t) = 1 - t²."),
        (lambda x, g: g * np.tanh(x), "This is the value of tanh; the gate multiplies g by its slope."),
    ],
    praise="One gate, one multiplication, and only the output is needed. An LSTM is full of these.",
)


def falling(num, den):
    return -num / den**2


def quotient(x, y, dx_adds=True, dy_adds=True, sign=-1, chain=True, slope=falling, forgotten=""):
    """Backpropagate through σ(x) y / (1 + (x - y)²), stage by stage, with mistakes on request."""
    s, d = sigmoid(x), x - y
    num, den = s * y, 1 + d**2
    dnum = 1 if forgotten == "dnum" else 1 / den
    dden = 1 if forgotten == "dden" else slope(num, den)
    dd = (2 * d if chain else 1) * dden
    ds = y * dnum
    dx = dd * dx_adds + s * (1 - s) * (1 if forgotten == "ds" else ds)
    dy = sign * dd * dy_adds + s * dnum
    return dx, dy


check_quotient = Check(
    right=lambda x, y: quotient(x, y),
    cases=[(3.0, -4.0), (0.5, 1.0), (-1.0, -0.25)],
    results=("dx", "dy"),
    mistakes=[
        (lambda x, y: quotient(x, y, dx_adds=False, dy_adds=False), "x and y feed two stages each. The second "
         "contribution is added to the first: +=."),
        (lambda x, y: quotient(x, y, dx_adds=False), "x feeds two stages. The second contribution is added: dx +=."),
        (lambda x, y: quotient(x, y, dy_adds=False), "y feeds two stages. The second contribution is added: dy +=."),
        (lambda x, y: quotient(x, y, sign=1), "In d = x - y, a nudge of y moves d the other way."),
        (lambda x, y: quotient(x, y, chain=False), "den = 1 + d**2 moves by 2d per nudge of d."),
        *(
            (partial(quotient, forgotten=name), f"Multiply by what has arrived: {name} is missing where it goes on.")
            for name in ("dnum", "dden", "ds")
        ),
        (lambda x, y: quotient(x, y, slope=lambda num, den: -1 / den**2), "As den moves, num / den has the slope "
         "-num / den²."),
        (lambda x, y: quotient(x, y, slope=lambda num, den: num / den**2), "f = num / den falls when den rises: dden "
         "has a minus sign."),
    ],
    praise="Local gradients, multiplied along a path and added where paths meet. No formula for the whole.",
)  # fmt: skip


def doubled(n):
    """1, doubled n times by adding it to itself."""
    a = Tensor(1.0, requires_grad=True)
    root = a
    for _ in range(n):
        root = root + root
    root.name = f"1 doubled {n} times"
    return root


def skipped():
    """c = a + b with b = a + a: a waits for b."""
    x = Tensor(1.0, requires_grad=True)
    a = 3 * x
    c = a + (a + a)
    c.name = "a + (a + a)"
    return c


def ladder():
    """Two strands that cross: each rung needs both of the one before."""
    p, q = Tensor(0.5, requires_grad=True), Tensor(-1.0, requires_grad=True)
    for _ in range(3):
        p, q = p * q, p + q
    p = p + q
    p.name = "a ladder"
    return p


def depth_first(root):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order


def on_arrival(root):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            order.append(node)
            for parent in node.parents:
                visit(parent)

    visit(root)
    return order


def by_layers(root):
    order = [root]
    for node in order:
        order += [parent for parent in dict.fromkeys(node.parents) if parent not in order]
    return order


def every_path(root):
    order = [root]
    for node in order:
        order += node.parents
    return order


def follow(order, root):
    """Walk backward in this order: how many stops it has, and the gradient of each node of the graph."""
    order = list(order)  # of `reversed(order)`, too
    nodes = depth_first(root)
    gradients = dict.fromkeys(nodes, 0.0) | {root: 1.0}
    for node in order:
        for parent, send in node.local_gradients():
            gradients[parent] += float(send(gradients[node]))
    return len(order), np.array([gradients[node] for node in nodes])


check_order = Check(
    right=lambda root: depth_first(root)[::-1],
    cases=[(doubled(2),), (skipped(),), (ladder(),), (doubled(8),)],
    results=("the number of nodes in the order", "the gradients that follow from it, from the leaves up,"),
    mistakes=[
        (lambda root: [root], "Only the root has entered. Call visit for each of node.parents first."),
        (depth_first, "The result must come first: return order[::-1]."),
        (on_arrival, "Nodes enter your list on arrival. Let one enter after its parents, then turn the list round."),
        (by_layers, "Layer by layer is not enough: in a + (a + a), a is reached early, before the inner sum has sent."),
        (every_path, "A node stands in the list once, however many paths lead to it."),
    ],
    praise="Every node has received everything before it sends anything.",
    measure=follow,
)  # fmt: skip
