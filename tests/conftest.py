"""What must be settled before NumPy is imported; a browser, and a Jupyter for it to look at."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

# The arrays of the tests are small. Threads would only wait for each other, for minutes where others use the cores.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")
def browser():
    """Start Chromium, or skip where it or playwright is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as engine:
        running = engine.chromium.launch(executable_path=program, args=FLAGS.split())
        yield running
        running.close()


@pytest.fixture(scope="session")
def skip_without():
    """Give a function that skips where a package is missing; to import one would bring its warnings."""

    def skip(*packages):
        missing = [package for package in packages if importlib.util.find_spec(package) is None]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")

    return skip


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A home of its own for Jupyter, with our packages and the circuits of the tests on the path."""
    home = tmp_path_factory.mktemp("jupyter")
    own = "HOME JUPYTER_CONFIG_DIR JUPYTER_DATA_DIR JUPYTER_RUNTIME_DIR IPYTHONDIR".split()
    folders = {name: str(home / name.lower()) for name in own}
    for folder in folders.values():
        os.mkdir(folder)
    tests = Path(__file__).parent
    return {**os.environ, **folders, "PYTHONPATH": os.pathsep.join([str(tests.parent), str(tests / "autograd")])}


@pytest.fixture(scope="module")
def serve(environment, skip_without, tmp_path_factory):
    """Give a function that serves a folder in JupyterLab and Notebook 7, to this machine, until the tests are over."""
    running = []

    def start(folder):
        skip_without("jupyterlab", "notebook", "ipykernel")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = f"""{sys.executable} -m jupyterlab --no-browser --allow-root --ip=127.0.0.1 --port={port}
            --IdentityProvider.token=secret --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate
            --LabApp.news_url=None"""
        log = tmp_path_factory.mktemp("server") / "log"
        with log.open("w") as file:
            process = subprocess.Popen(command.split(), cwd=folder, env=environment, stdout=file, stderr=file)
        running.append(process)
        end = time.monotonic() + 60
        found = []
        while not found:  # this file says the port that it has, if the free one was taken meanwhile
            found = list(Path(environment["JUPYTER_RUNTIME_DIR"]).glob(f"jpserver-{process.pid}.json"))
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        return json.loads(found[0].read_text())["url"]

    yield start
    for process in running:
        process.terminate()  # it ends its kernels
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
