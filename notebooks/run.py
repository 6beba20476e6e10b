"""Run the cells of a notebook in a fresh kernel, with warnings as errors, and keep of their outputs what lasts."""

import base64
import os
import platform
import struct
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

# Runs before the first cell and leaves no name behind. Pictures are kept as PNG: GitHub takes the styles out of an SVG,
# and JupyterLab does not show one in a notebook that it has no reason to trust.
PRELUDE = """
def prelude():
    import tempfile, warnings
    from pathlib import Path

    def png(drawing):
        with tempfile.TemporaryDirectory() as folder:
            return drawing.save(Path(folder) / "picture.png").read_bytes()

    warnings.simplefilter("error")
    warnings.filterwarnings("default", module="ipykernel")  # the kernel's own affairs
    get_ipython().display_formatter.formatters["image/png"].for_type_by_name("autograd.drawing", "Drawing", png)

prelude()
del prelude
"""
ONE_WAY = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
if platform.machine() in ("x86_64", "AMD64"):
    ONE_WAY["OPENBLAS_CORETYPE"] = "Haswell"  # else each kind of processor rounds a matrix product in its own way


def run(cells: list[str], folder: Path, go_on: bool = False, time_out: float = 120) -> list[list[Any]]:
    """Run code cells, one after the other in one kernel, and give the outputs of each.

    folder    where the kernel runs
    go_on     past a cell that raises; its output says what it raised
    time_out  seconds for one cell

    Raises nbclient's CellExecutionError if a cell raises, CellTimeoutError if it takes too long, RuntimeError where a
    picture could not be drawn.
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in [PRELUDE, *cells]])
    client = NotebookClient(
        notebook, kernel_name="python3", extra_arguments=["--log-level=ERROR"],
        timeout=time_out, allow_errors=go_on, coalesce_streams=True,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as profile:
        environment = {**os.environ, **ONE_WAY, "IPYTHONDIR": profile, "NO_COLOR": "1"}
        client.execute(cwd=str(folder), env=environment)
    return [[lasting(output) for output in cell.outputs] for cell in notebook.cells[1:]]


def lasting(output: Any) -> Any:
    """Keep one form of a picture, PNG, and no metadata but its width."""
    if "data" in output:
        data, metadata = dict(output.data), {}
        if "No picture:" in data.get("text/plain", ""):
            raise RuntimeError(data["text/plain"])
        if "image/svg+xml" in data:
            width, height = struct.unpack(">II", base64.b64decode(data["image/png"])[16:24])
            metadata = {
                "image/png": {"width": width * 2 // 3, "height": height * 2 // 3}
            }  # drawn at 144 dpi, seen at 96
            del data["image/svg+xml"], data["text/html"]
        output = {**output, "data": data, "metadata": metadata}
    return output
