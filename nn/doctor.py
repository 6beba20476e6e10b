"""Say which `autograd` Python finds and whether drawing works.

Imports the standard library alone, so that it still answers when the rest cannot be imported.
"""

import importlib.util
import json
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

TIMEOUT = 20.0  # seconds, for a program that is only asked for its version


def report() -> str:
    """Describe the installation: where `autograd` comes from, versions, whether drawing works, what to repair."""
    where, (dot_works, dot) = _find(), _dot()
    rows = [("autograd", f"{where or 'not found'} ({'' if _is_ours(where) else 'not '}Chalkgrad's)")]
    rows += [("", f"{name} {version}, installed in {folder}") for name, version, folder in _distributions()]
    rows += [("nn", str(Path(__file__).parent)), ("Python", f"{platform.python_version()} at {sys.executable}")]
    rows += [(name, _version(name) or "not installed") for name in ("numpy", "graphviz", "pygraphviz")]
    rows += [("numba", _version("numba") or "not installed; compile() runs without it (pip install 'chalkgrad[fast]')")]
    rows += [("dot", dot), ("drawing", _drawing(dot_works))]
    verdict = collision() or "OK: `import autograd` finds Chalkgrad's, and no other package claims the name."
    return "\n".join([f"{name:12}{text}" for name, text in rows] + ["", verdict])


def collision() -> str | None:
    """Return what is wrong with the name `autograd` and the commands that repair it, or None when all is well."""
    where = _find()
    if where is None:
        wrong = "no autograd is installed here."
    elif where.is_dir():
        wrong = f"{where} has lost its __init__.py: removing HIPS/autograd takes it along."
    elif where.name != "__init__.py":
        return f"PROBLEM: {where} hides Chalkgrad's package of the same name. Rename that file, then try again."
    elif not _is_ours(where) and where.with_name("tensor.py").is_file():
        wrong = f"another package was installed over Chalkgrad's autograd in {where.parent}."
    elif not _is_ours(where):
        wrong = f"Python finds another package named autograd before Chalkgrad's: {where}."
    elif where.with_name("numpy").is_dir() or any(name == "autograd" for name, _, _ in _distributions()):
        wrong = "HIPS/autograd is installed as well, under the same import name."
    else:
        return None
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    lines = [
        f"PROBLEM: {wrong}",
        "Chalkgrad needs the name to itself. Repair this environment:",
        f"    {python} -m pip uninstall -y autograd chalkgrad",
        f"    {python} -m pip install {_source()}",
        "To keep HIPS/autograd as well, give each a virtual environment of its own: python3 -m venv NAME",
    ]
    return "\n".join(lines)


def _find() -> Path | None:
    """Return the file, or the folder without `__init__.py`, that `import autograd` uses; import nothing."""
    spec = importlib.util.find_spec("autograd")
    return Path(spec.origin or list(spec.submodule_search_locations or ())[0]) if spec else None


def _is_ours(where: Path | None) -> bool:
    if where is None or where.name != "__init__.py" or not where.with_name("tensor.py").is_file():
        return False
    return re.search(r"\bTensor\b", where.read_text("utf-8", "replace")) is not None


def _distributions() -> list[tuple[str, str, Path]]:
    """Return name, version and folder of each installed distribution that brings a package `autograd`."""
    named = [(name, d) for name in ("chalkgrad", "autograd") for d in metadata.distributions(name=name)]
    return list(dict.fromkeys((name, d.version, Path(str(d.locate_file("")))) for name, d in named))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _source() -> str:
    """Return what to give to `pip install`: this checkout, what Chalkgrad was installed from, or its name."""
    root = Path(__file__).parents[1]
    if (root / "setup.cfg").is_file():
        return f'--editable "{root}"'
    for d in metadata.distributions(name="chalkgrad"):
        url = json.loads(d.read_text("direct_url.json") or "{}").get("url", "")  # PEP 610
        path = Path(url2pathname(urlsplit(url).path))
        if url.startswith("file:") and path.exists():
            return f'"{path}"'
    return "chalkgrad"


def _dot() -> tuple[bool, str]:
    """Return whether Graphviz's dot runs, and its version and path."""
    path = shutil.which("dot")
    if path is None:
        return False, "not on PATH"
    works, said = _run(path, "-V")
    return works, f"{said.replace('dot - graphviz version', 'Graphviz')} at {path}"


def _drawing(dot_works: bool) -> str:
    if _version("graphviz") is None:
        return "does not work without the Python package graphviz: pip install graphviz"
    if dot_works:
        return "works, laid out by dot"
    works, said = _run(sys.executable, "-c", "import pygraphviz")
    if works:
        return "works, laid out by pygraphviz"
    broken = "" if _version("pygraphviz") is None else f" (`import pygraphviz` {said})"
    return f"gives a table, not a picture{broken}: apt install graphviz, brew install graphviz, pip install pygraphviz"


def _run(*command: str) -> tuple[bool, str]:
    """Return whether the command ends well, and in one line what it says."""
    try:
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return False, f"gives no answer in {TIMEOUT:g} s"
    except OSError as error:
        return False, f"does not start ({error})"
    said = " ".join((run.stdout + run.stderr).split())
    return run.returncode == 0, said if run.returncode == 0 else f"fails with exit status {run.returncode}: {said}"
