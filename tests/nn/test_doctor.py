"""The doctor's report on simulated environments.

Each runs in an interpreter of its own that has the standard library and one folder, so that nothing installed here
can help or disturb.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCTOR = Path(__file__).parents[2] / "nn" / "doctor.py"
CONSULT = """
import importlib.util, sys
source, site, timeout = sys.argv[1:]
sys.path.insert(0, site)
spec = importlib.util.spec_from_file_location("doctor", source)
doctor = importlib.util.module_from_spec(spec)
spec.loader.exec_module(doctor)
doctor.TIMEOUT = float(timeout)
print(doctor.report())
assert "autograd" not in sys.modules, "the doctor must look without importing"
"""
OURS = {"autograd/__init__.py": "from .tensor import Tensor", "autograd/tensor.py": "class Tensor: ..."}
THEIRS = {
    "autograd/__init__.py": "raise SystemExit('imported') # tensor_jacobian_product",
    "autograd/numpy/__init__.py": "",
}
OUR_RECORD = {"chalkgrad-0.1.0.dist-info/METADATA": "Name: chalkgrad\nVersion: 0.1.0"}
THEIR_RECORD = {"autograd-1.9.1.dist-info/METADATA": "Name: autograd\nVersion: 1.9.1"}
DRAWS = {"graphviz-0.21.dist-info/METADATA": "Name: graphviz\nVersion: 0.21"}
WELL = "OK: `import autograd` finds Chalkgrad's"

NAMES = [
    ("ours alone", OURS | OUR_RECORD, [WELL, "(Chalkgrad's)", "chalkgrad 0.1.0"]),
    ("a checkout, not installed", OURS, [WELL]),
    ("theirs alone", THEIRS | THEIR_RECORD, ["PROBLEM: Python finds another", "(not Chalkgrad's)", "autograd 1.9.1"]),
    ("theirs over ours", OURS | OUR_RECORD | THEIRS | THEIR_RECORD,
     ["PROBLEM: another package was installed over", "chalkgrad 0.1.0", "autograd 1.9.1"]),
    ("ours over theirs", THEIRS | THEIR_RECORD | OURS | OUR_RECORD,
     ["PROBLEM: HIPS/autograd is installed as well", "chalkgrad 0.1.0", "autograd 1.9.1"]),
    ("their files, no record", OURS | OUR_RECORD | {"autograd/numpy/__init__.py": ""}, ["PROBLEM: HIPS/autograd"]),
    ("their record, no files", OURS | OUR_RECORD | THEIR_RECORD, ["PROBLEM: HIPS/autograd"]),
    ("theirs removed from ours", {"autograd/tensor.py": ""} | OUR_RECORD, ["PROBLEM: ", "lost its __init__.py"]),
    ("nothing", {}, ["PROBLEM: no autograd is installed", "not found (not Chalkgrad's)"]),
    ("a record without metadata", OURS | {"autograd-1.0.dist-info/RECORD": ""}, ["PROBLEM: HIPS/autograd"]),
]  # fmt: skip

ABSENT = "raise ModuleNotFoundError('No module named pygraphviz')"
DOTS = [  # what dot does, what `import pygraphviz` does, what the report says
    ("echo 'dot - graphviz version 9.9.9 (0)' >&2", ABSENT, ["Graphviz 9.9.9 (0) at ", "works, laid out by dot"]),
    ("echo 'libgvc.so missing' >&2; exit 127", ABSENT, ["exit status 127: libgvc.so missing", "gives a table"]),
    ("exec sleep 60", ABSENT, ["gives no answer in 1 s", "gives a table"]),
    (None, ABSENT, ["not on PATH", "gives a table", "apt install graphviz"]),
    (None, "", ["not on PATH", "works, laid out by pygraphviz"]),
]


def consult(site: Path, files: dict[str, str], path: str = os.defpath, timeout: int = 20) -> str:
    """Write the files into `site` and return the report made with that folder on Python's path."""
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    doctor = site / "nn" / "doctor.py"
    doctor.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DOCTOR, doctor)
    # -I and -S leave out PYTHONPATH and everything installed; only the doctor's own child processes see them.
    command = [sys.executable, "-I", "-S", "-c", CONSULT, doctor, site, str(timeout)]
    run = subprocess.run(command, capture_output=True, text=True, env={"PATH": path, "PYTHONPATH": str(site)})
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize("files, expected", [row[1:] for row in NAMES], ids=[row[0] for row in NAMES])
def test_name(tmp_path, files, expected):
    """Each state of the name `autograd` is told apart; a problem, and only a problem, comes with its commands."""
    report = consult(tmp_path, files)
    assert [text for text in expected if text not in report] == [], report
    repair = re.search(r"\n    (.+) -m pip uninstall -y autograd chalkgrad\n    \1 -m pip install chalkgrad\n", report)
    assert (repair is None) == (WELL in report), report
    assert repair is None or shlex.split(repair[1]) == [sys.executable]


def test_script_of_that_name(tmp_path):
    """A learner's own autograd.py is named, and not to be repaired by pip."""
    report = consult(tmp_path, {"autograd.py": ""})
    assert f"{tmp_path / 'autograd.py'} hides" in report and "pip uninstall" not in report


def test_reinstalls_from_where_it_came(tmp_path):
    """A Chalkgrad that came from a folder is installed from there again, a checkout as a checkout."""
    folder = tmp_path / "my folder"
    folder.mkdir()
    record = OUR_RECORD | {"chalkgrad-0.1.0.dist-info/direct_url.json": f'{{"url": "{folder.as_uri()}"}}'}
    assert f'-m pip install "{folder}"\n' in consult(tmp_path / "site", THEIRS | record)
    assert f'-m pip install --editable "{folder}"\n' in consult(folder, THEIRS | {"setup.cfg": ""})
    folder.rename(tmp_path / "gone")
    assert "-m pip install chalkgrad\n" in consult(tmp_path / "site", {})


@pytest.mark.parametrize("script, pygraphviz, expected", DOTS)
def test_dot(tmp_path, script, pygraphviz, expected):
    """Whatever `dot` does, the report says so, says what draws in its place, and ends."""
    programs = tmp_path / "bin"
    programs.mkdir()
    if script is not None:
        (programs / "dot").write_text(f"#!/bin/sh\n{script}\n")
        (programs / "dot").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.defpath}" if script else str(programs)  # `sleep` lies in the system's folders
    timeout = 1 if script == "exec sleep 60" else 20
    report = consult(tmp_path, OURS | DRAWS | {"pygraphviz.py": pygraphviz}, path, timeout)
    assert [text for text in expected if text not in report] == [], report


def test_versions(tmp_path):
    """Python's version is this one; a package that is absent is said to be."""
    report = consult(tmp_path, OURS | DRAWS)
    assert f"Python      {sys.version.split()[0]} at {sys.executable}" in report
    assert "graphviz    0.21\n" in report and "numpy       not installed\n" in report
    assert "does not work without the Python package graphviz" in consult(tmp_path / "bare", OURS)
