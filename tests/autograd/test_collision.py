"""HIPS/autograd in the same folder is noticed, and nothing else is taken for it."""

import importlib.util
import subprocess
import sys
import warnings
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "autograd" / "collision.py"


def load_collision():
    """Load the file alone, as `autograd/__init__.py` does first of all."""
    spec = importlib.util.spec_from_file_location("collision", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_silent_when_alone(tmp_path):
    """No warning for a folder of ours, nor for a NumPy installed beside it."""
    (tmp_path / "autograd" / "ops").mkdir(parents=True)
    (tmp_path / "numpy").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_collision().warn_if_shared(tmp_path / "autograd")


def test_warns_at_the_line_that_imports(tmp_path):
    """Seen under Python's default filters, at the user's line, naming the folder and the command that helps."""
    package = tmp_path / "autograd"
    (package / "numpy").mkdir(parents=True)
    (package / "collision.py").write_text(SOURCE.read_text())
    (package / "__init__.py").write_text("from .collision import warn_if_shared\nwarn_if_shared(__path__[0])\n")
    script = tmp_path / "lesson.py"
    script.write_text("import sys\nimport autograd  # the line to blame\n")
    run = subprocess.run([sys.executable, "-S", "-E", script], capture_output=True, text=True, check=True)
    assert f"{script}:2: UserWarning" in run.stderr
    assert "the line to blame" in run.stderr
    assert str(package) in run.stderr and "chalkgrad doctor" in run.stderr
