"""What is shipped, and which way imports point. New files and folders are covered without an edit here."""

import ast
import configparser
import sys
import tomllib
from pathlib import Path

import pytest

import autograd

ROOT = Path(__file__).parents[1]
PACKAGES = ("autograd", "nn")
FILES = sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ROOMS = {path.with_suffix("").parts[1] for path in FILES if path.parts[0] == "autograd"}

# A room of autograd (a file or a folder) -> the rooms it may import. One that is not named here may use the engine.
ENGINE = {"op", "graph", "explain", "chainrule", "tensor", "call", "ops"}
DOORS = {
    "op": {"explain"}, "graph": set(), "explain": set(), "collision": set(),
    "chainrule": {"graph", "explain"}, "tensor": {"op", "graph", "explain", "chainrule"},
    "call": {"op", "explain", "tensor"}, "ops": {"op", "tensor", "call"},
    "complexstep": set(), "check": ENGINE | {"complexstep"},
    "trees": set(), "functional": ENGINE | {"trees"}, "staging": ENGINE | {"trees"},
}  # fmt: skip
OUTSIDE = {"autograd": {"numpy", "graphviz"}, "nn": {"numpy", "tqdm", "autograd"}}
EXTRAS = {"nn/plot.py": {"matplotlib"}}  # files that need more, and that no other file imports
EXECUTES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


@pytest.fixture(scope="module")
def setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def imports(path, tree):
    """Yield (line, absolute module, name or None) for each name that a file imports."""
    package = path.parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *filter(None, [node.module])])
            yield from ((node.lineno, module, alias.name) for alias in node.names)


def wrong_doors(path, source):
    """Return a sentence for each import that DOORS, OUTSIDE or EXECUTES forbids, and for each one inside a function."""
    tree, package, room = ast.parse(source), path.parts[0], path.with_suffix("").parts[1]
    wrong = []
    for line, module, name in imports(path, tree):
        top, *below = module.split(".")
        if top in EXECUTES:
            wrong.append((line, f"{top} runs code from a file"))
        elif top in EXTRAS.get(path.as_posix(), ()):
            continue
        elif top not in sys.stdlib_module_names | OUTSIDE[package] | {package}:
            wrong.append((line, f"{top} is not a dependency of {package}"))
        elif top == "autograd" and package == "autograd":
            target = below[0] if below else name if name in ROOMS else "__init__"
            if room != "__init__" and target not in DOORS.get(room, ENGINE) | {room}:
                wrong.append((line, f"{room} has no door to {target}"))
        elif f"{(module if below else f'{module}.{name}').replace('.', '/')}.py" in EXTRAS:
            wrong.append((line, f"{name or module} needs more than {package} does"))
        elif top == "autograd" and (below or name not in {None, *autograd.__all__}):
            wrong.append((line, f"{name or module} is not a public name of autograd"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
            wrong += [(n.lineno, f"import inside {node.name}()") for n in inner]
        elif isinstance(node, ast.Attribute) and package == "nn" and ast.unparse(node.value) == "autograd":
            if node.attr not in autograd.__all__:
                wrong.append((node.lineno, f"{node.attr} is not a public name of autograd"))
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            wrong.append((node.value.lineno, "allow_pickle runs code from a file"))
    return [f"{path}:{line}: {what}" for line, what in wrong]


def test_every_package_is_listed(setup):
    """setup.cfg lists exactly the folders that hold Python files."""
    assert set(setup["options"]["packages"].split()) == {".".join(path.parent.parts) for path in FILES}


@pytest.mark.parametrize("package", PACKAGES)
def test_is_typed(setup, package):
    """The marker of PEP 561 lies in the package and is shipped."""
    assert (ROOT / package / "py.typed").is_file()
    assert "py.typed" in setup["options.package_data"][package].split()


def test_every_data_file_is_shipped(setup):
    """Each file that is not Python matches a pattern of package_data."""
    for package in PACKAGES:
        patterns = setup["options.package_data"][package].split()
        shipped = {path for pattern in patterns for path in (ROOT / package).glob(pattern)}
        files = {path for path in (ROOT / package).rglob("*") if path.is_file() and not path.name.startswith(".")}
        assert {path for path in files if path.suffix not in (".py", ".pyc")} <= shipped


def test_pyproject_only_names_the_build_system():
    """All metadata are in setup.cfg."""
    assert list(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))) == ["build-system"]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_doors(path):
    """A file imports only from where its room may, at its top, and nothing that executes what it loads."""
    assert wrong_doors(path, (ROOT / path).read_text("utf-8")) == []


@pytest.mark.parametrize(
    "path, source, complaint",
    [
        ("autograd/op.py", "from .tensor import Tensor", "op has no door to tensor"),
        ("autograd/chainrule.py", "from . import op", "chainrule has no door to op"),
        ("autograd/ops/new.py", "from ..graph import toposort", "ops has no door to graph"),
        ("autograd/ops/new.py", "from ..op import define\nfrom .shape import x", None),
        ("autograd/new.py", "from .tensor import Tensor\nfrom .ops.shape import x", None),
        ("autograd/new/part.py", "from autograd import Tensor", "new has no door to __init__"),
        ("autograd/new/part.py", "from ..check import gradcheck", "new has no door to check"),
        ("autograd/new.py", "import nn", "nn is not a dependency of autograd"),
        ("nn/new.py", "import numpy as np\nfrom autograd import Tensor\nfrom . import init", None),
        ("nn/new.py", "from autograd.tensor import Tensor", "Tensor is not a public name of autograd"),
        (
            "nn/new.py",
            "import autograd\nautograd.chainrule.backpropagate",
            "chainrule is not a public name of autograd",
        ),
        ("nn/new.py", "def f():\n    import math", "import inside f()"),
        ("nn/new.py", "import torch", "torch is not a dependency of nn"),
        ("nn/new.py", "from matplotlib import pyplot", "matplotlib is not a dependency of nn"),
        ("nn/plot.py", "from matplotlib import pyplot", None),
        ("nn/new.py", "from . import plot", "plot needs more than nn does"),
        ("nn/new.py", "from .plot import plot_gradient_norms", "plot_gradient_norms needs more than nn does"),
        ("nn/new.py", "import nn.plot", "nn.plot needs more than nn does"),
        ("nn/new.py", "from pickle import load", "pickle runs code from a file"),
        ("nn/new.py", "np.load(f, allow_pickle=True)", "allow_pickle runs code from a file"),
    ],
)
def test_wrong_doors_are_seen(path, source, complaint):
    """The check above finds each kind of wrong import, and no fault with a right one."""
    found = wrong_doors(Path(path), source)
    assert [text.split(": ", 1)[1] for text in found] == ([complaint] if complaint else [])
