"""What a type checker makes of code that uses the packages."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograd.ops.methods import METHODS

ROOT = Path(__file__).parents[1]
RIGHT = """
from typing import Any, assert_type

import numpy as np

import nn
from autograd import Tensor, define, draw, grad, gradcheck, no_grad, scope, sigmoid, value_and_grad

x = Tensor([[1.0, 2.0]], requires_grad=True, name="x")
w = Tensor(np.ones((2, 3)), requires_grad=True)
loss: Tensor = (np.tanh(x) ** 2).sum()
loss.backward()
assert_type(x * 2, Tensor)
assert_type(2 / x - 1, Tensor)
assert_type(-(x @ w) ** 2, Tensor)
assert_type(x > 0, Tensor)
assert_type(x[0, :1], Tensor)
assert_type([row for row in x], list[Tensor])
assert_type(x.T.reshape(1, 2).mean(axis=0, keepdims=True), Tensor)
assert_type(w.mT.tanh().clip(0, 1).astype(np.float32), Tensor)
assert_type((x @ w).softmax().shape, tuple[int, ...])
assert_type(x.grad, np.ndarray | None)
assert_type(grad(loss, [x, w], create_graph=True), tuple[Tensor, ...])

logits: Tensor = np.einsum("ij,jk->ik", x, w)
probability: Tensor = sigmoid(np.sum(x * w[:, 0]))
joined: Any = np.concatenate([x, x.exp()], axis=1)  # NumPy promises an ndarray
joined.backward(np.ones((1, 4)))


@no_grad()
def norm(v: Tensor) -> float:
    return float(np.sqrt((v * v).sum()))


def model(v: Any) -> Tensor:
    with scope("layer"):
        result: Tensor = np.tanh(np.inner(v, w.T)).mean()
    return result


value, gradient = value_and_grad(model)(x)
cube = define(lambda v: v**3, lambda g, out, v: g * 3 * v**2, symbol="cube")
assert gradcheck(cube, x)
lstm, head = nn.LSTM(3, 4), nn.Linear(4, 5)
output, (h, c) = lstm(np.ones((2, 1, 3)))
nn.optim.Adam([*lstm.parameters(), *head.parameters()], lr=0.01).step()
print(draw(nn.cross_entropy(head(output), np.zeros((2, 1), int))).table())
"""
WRONG = """
from autograd import Tensor, grad

x = Tensor(1.0, requires_grad=True)
x.backwards()  # attr-defined
x.sun()  # attr-defined
x.grad.sum()  # union-attr
x.op.name  # union-attr
x.sum(0, True)  # call-arg
x.shape = (2,)  # misc
y: float = x * 2  # assignment
Tensor(1.0, require_grad=True)  # call-arg
grad(x)  # call-arg
"""


@pytest.mark.slow
def test_mypy_reads_a_script(tmp_path):
    """Strictly, it accepts what is right and sees each mistake."""
    pytest.importorskip("mypy", reason="mypy is not installed: pip install mypy")
    (tmp_path / "right.py").write_text(RIGHT, "utf-8")
    (tmp_path / "wrong.py").write_text(WRONG, "utf-8")
    options = ["--config-file=", f"--cache-dir={ROOT / '.mypy_cache'}", "--strict", "--follow-imports=silent"]
    command = [sys.executable, "-m", "mypy", *options, "right.py", "wrong.py"]
    paths = os.environ | {"MYPYPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=paths, capture_output=True, text=True)
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    expected = [
        (f"wrong.py:{number}:", f"[{line.split('  # ')[1]}]")
        for number, line in enumerate(WRONG.splitlines(), 1)
        if "  # " in line
    ]
    assert [(line.split(" ")[0], line.split(" ")[-1]) for line in found] == expected, done.stdout + done.stderr


def test_every_operator_and_method_is_declared():
    """What ops/methods.py attaches to Tensor is what tensor.py tells type checkers, no more and no less."""
    tree = ast.parse((ROOT / "autograd" / "tensor.py").read_text("utf-8"))
    (tensor,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Tensor")
    (block,) = (node for node in tensor.body if isinstance(node, ast.If))
    declared = set()
    for node in block.body:
        if isinstance(node, ast.FunctionDef):
            declared.add(node.name)
        else:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            declared.update(target.id for target in targets)
    templates = {"_of_one", "_of_two", "_reduction", "_with_options"}
    assert templates <= declared
    later = {"matvec", "vecmat"}  # NumPy has them since 2.2
    assert declared - templates - later == set(METHODS) - later - {"getitem"}  # t[...] is written with brackets
