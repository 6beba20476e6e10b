"""Running a script, and choosing what to draw."""

import sys

import pytest

from autograd import Tensor
from nn.script import choose, run_script


def variables(source):
    """Run some lines with three Tensors at hand."""
    a, b = Tensor(2.0, requires_grad=True), Tensor([1.0, 3.0], requires_grad=True)
    space = {"a": a, "b": b, "Tensor": Tensor}
    exec(source, space)
    return space


@pytest.mark.parametrize(
    "source, name, chosen",
    [
        ("loss = a * 2; other = a * 3", None, "loss"),
        ("L = a * 2; other = a * 3", None, "L"),
        ("loss = L = a * 2; other = a * 3", None, "loss"),
        ("h = a * b; out = h * h", None, "out"),
        ("h = a * b; loss = h * h; mean = loss.mean()", None, "mean"),
        ("loss = a * 2; other = a * 3", "other", "other"),
        ("loss = a * 2", "b", "b"),
    ],
)
def test_choose(source, name, chosen):
    """The one asked for; the scalar loss; the only result."""
    space = variables(source)
    assert choose(space, name, "net.py") == (chosen, space[chosen])


@pytest.mark.parametrize(
    "source, name, error, message",
    [
        ("x = a * 2; y = a * 3", None, ValueError, r"which of the variables to draw\? Say it with --name"),
        ("loss = a * 2; L = a * 3", None, ValueError, "--name"),
        ("", None, ValueError, "--name"),
        ("del a, b", None, ValueError, "net.py leaves no Tensor in a variable of its top level"),
        ("", "loss", ValueError, "net.py has no variable loss"),
        ("loss = 3.0", "loss", TypeError, "loss is not a Tensor but float"),
        ("x = a * b; (x * 2).backward(gradient=[1.0, 1.0], retain_graph=False)", None, RuntimeError, "freed"),
    ],
)
def test_no_choice(source, name, error, message):
    """What is not clear is asked for, with what there is."""
    with pytest.raises(error, match=message):
        choose(variables(source), name, "net.py")


def test_what_there_is():
    """Name, shape and gradient of each Tensor, in columns; of very many only the first."""
    with pytest.raises(ValueError) as caught:
        choose(variables("loss = (a * b).sum(); loss.backward()"), "los", "net.py")
    assert str(caught.value).splitlines()[1:] == [
        "  a     ()    has a gradient",
        "  b     (2,)  has a gradient",
        "  loss  ()    has a gradient",
    ]
    with pytest.raises(ValueError, match=r"\n  \.\.\. and 982 more$"):
        choose(variables("for i in range(1000): globals()[f'x{i}'] = Tensor(1.0)"), "los", "net.py")


def test_the_interpreter_is_left_as_it_was(tmp_path):
    """Arguments, search path and __main__ are the script's while it runs, and ours again after it."""
    script = tmp_path / "net.py"
    script.write_text(
        "import sys\nseen = sys.argv, sys.path[0], sys.modules['__main__'].__dict__ is globals(), __file__\n"
    )
    before = sys.argv, sys.path, sys.modules["__main__"]
    assert run_script(script, ["-x"])["seen"] == ([str(script), "-x"], str(tmp_path), True, str(script))
    assert (sys.argv, sys.path, sys.modules["__main__"]) == before


def test_after_a_failure(tmp_path, capsys):
    """Also where the script fails; its own excepthook has the word."""
    script = tmp_path / "net.py"
    script.write_text("import sys\nsys.excepthook = lambda *what: print('mine', what[0])\nraise ValueError\n")
    before, hook = (sys.argv, sys.path, sys.modules["__main__"]), sys.excepthook
    try:
        with pytest.raises(SystemExit, match="1"):
            run_script(script)
    finally:
        sys.excepthook = hook
    assert (sys.argv, sys.path, sys.modules["__main__"]) == before
    assert capsys.readouterr().out == "mine <class 'ValueError'>\n"
