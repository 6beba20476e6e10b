"""Answer the questions of `oracles.py` with another library: run by that library's own interpreter.

    python oracle_peer.py hips|mygrad FOLDER

FOLDER/questions.json lists calls: the function's name, its arguments, which arrays among them to differentiate by.
FOLDER/questions.npz holds the arrays. FOLDER/answers.json gets for each call "ok" or what went wrong, answers.npz the
values and the gradients of the sum of value times weights.
"""

import json
import sys
import warnings
from importlib import import_module, metadata
from pathlib import Path

import numpy as np

PEER, FOLDER = sys.argv[1], Path(sys.argv[2])
PACKAGE = {"hips": "autograd", "mygrad": "mygrad"}[PEER]
peer = import_module(PACKAGE)
NUMPY, NUMPY_LINALG, OWN = {
    "hips": ("autograd.numpy", "autograd.numpy.linalg", "autograd"),
    "mygrad": ("mygrad", "mygrad.linalg", "mygrad.nnet.activations"),
}[PEER]
OTHER_NAMES = {"absolute": "abs", "amax": "max", "amin": "min", "log_softmax": "logsoftmax"} if PEER == "mygrad" else {}


def find(name, numpys):
    """Find the library's own function of this name: NumPy's, or one that NumPy does not have."""
    if name == "getitem":
        return lambda x, index: x[index]
    for place in (NUMPY, NUMPY_LINALG) if numpys else (OWN,):
        function = getattr(import_module(place), OTHER_NAMES.get(name, name), None)
        if callable(function):
            return function
    raise LookupError("no such function")


def decode(x, arrays, inputs):
    """Build an argument; arrays to differentiate by are taken from `inputs`."""
    if not isinstance(x, dict):
        return x
    ((kind, value),) = x.items()
    if kind == "input":
        return inputs[value]
    if kind == "array":
        return arrays[value]
    if kind == "dtype":
        return np.dtype(value)
    if kind == "ellipsis":
        return ...
    parts = [decode(part, arrays, inputs) for part in value]
    return slice(*parts) if kind == "slice" else tuple(parts) if kind == "tuple" else parts


def answer_hips(f, inputs, weights):
    loss = lambda *xs: peer.numpy.sum(f(*xs) * weights)  # noqa: E731
    return f(*inputs), peer.grad(loss, list(range(len(inputs))))(*inputs)


def answer_mygrad(f, inputs, weights):
    tensors = [peer.tensor(x) for x in inputs]
    value = f(*tensors)
    if not isinstance(value, peer.Tensor):
        raise LookupError(f"gave {type(value).__name__}, no tensor")
    peer.sum(value * weights).backward()
    return value.data, [np.zeros_like(x) if t.grad is None else t.grad for x, t in zip(inputs, tensors)]


warnings.simplefilter("ignore")
questions = json.loads((FOLDER / "questions.json").read_text())
arrays = dict(np.load(FOLDER / "questions.npz"))
report, answers = [], {}
for i, question in enumerate(questions):
    inputs = [arrays[key] for key in question["inputs"]]
    try:
        function, part = find(question["function"], question["numpys"]), question["part"]

        def call(*xs, function=function, part=part, question=question):
            args = [decode(x, arrays, xs) for x in question["args"]]
            out = function(*args, **{name: decode(x, arrays, xs) for name, x in question["options"].items()})
            return out if part is None else out[part]

        if question["gradients"]:
            answer = answer_hips if PEER == "hips" else answer_mygrad
            value, gradients = answer(call, inputs, arrays[question["weights"]])
        else:
            value, gradients = np.asarray(call(*inputs)), []
    except Exception as error:  # a library may refuse in any way it likes; what it said goes into the table
        report.append(f"{type(error).__name__}: {str(error).strip()[:200]}")
        continue
    answers[f"{i}:value"] = np.asarray(value)
    answers |= {f"{i}:{j}": np.asarray(g) for j, g in enumerate(gradients)}
    report.append("ok")
np.savez(FOLDER / "answers.npz", **answers)
about = {"numpy": np.__version__, "peer": metadata.version(PACKAGE), "report": report}
(FOLDER / "answers.json").write_text(json.dumps(about))
