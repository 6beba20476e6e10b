"""How long does a training step take, loss and gradients, next to NumPy by hand and to other libraries?

Every implementation in `peers/` runs in a process of its own, on one thread and on two, and must agree with the floor,
NumPy by hand, in the loss and in every gradient before it is timed. The processes take turns; a ratio is the median
over the rounds of its time to the floor's in the same round. Libraries are installed into environments of their own,
in build/peers; one that can't be installed is named as missing.

All run with the two variables of MEMORY, by which glibc keeps the memory that a step has freed for the next one instead
of giving it back to the system page by page: a third of the time of an LSTM of 100 steps. --give-back is without them.

    python benchmarks/training_step.py                                   # everything: an hour
    python benchmarks/training_step.py --workloads lstm-small --peers Chalkgrad torch.nn --threads 1
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "peers"
sys.path.insert(0, str(FOLDER))
from workloads import NOT_THERE, WORKLOADS  # noqa: E402

# The libraries: name, file in peers/, what pip installs for it (nothing: the environment of this run)
TORCH = ("torch==2.13.0", "numpy")
LIBRARIES = {
    "NumPy, optimized": ("by_hand", ()),
    "NumPy": ("by_hand", ()),
    "Chalkgrad": ("chalkgrad", ()),
    "Chalkgrad, compiled": ("chalkgrad", ()),
    "Chalkgrad, compiled (fast)": ("chalkgrad", ("numba", "numpy>=2.1,<3", "graphviz", "tqdm")),
    "Chalkgrad, scalars": ("chalkgrad", ()),
    "torch.nn": ("torch_", TORCH),
    "PyTorch ops": ("torch_", TORCH),
    "torch.compile": ("torch_", TORCH),
    "JAX": ("jax_", ("jax", "jaxlib")),
    "HIPS/autograd": ("hips", ("autograd",)),
    "MyGrad": ("mygrad_", ("mygrad",)),
    "micrograd": ("micrograd_", ("micrograd", "numpy")),
}
MEMORY = {"MALLOC_TRIM_THRESHOLD_": "2000000000", "MALLOC_MMAP_THRESHOLD_": "33554432"}
TOLERANCE = {"lstm": 2e-4, "rnn": 2e-4, "ops": 1e-3}  # float32, to the largest entry of a gradient; else 1e-9


def environment(module: str, requires: tuple[str, ...]) -> Path | None:
    """Give the interpreter that has a library, in an environment of its own, made where there is none; or None."""
    if not requires:
        return Path(sys.executable)
    folder = ROOT / "build" / "peers" / module
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "installed"
    if done.exists() and done.read_text() == " ".join(requires):
        return python
    print(f"making {folder.relative_to(ROOT)}", file=sys.stderr)
    for step in ([sys.executable, "-m", "venv", "--clear", folder], [python, "-m", "pip", "install", "-q", *requires]):
        made = subprocess.run(step, capture_output=True, text=True)
        if made.returncode:
            print(made.stderr.strip()[-500:], file=sys.stderr)
            return None
    done.write_text(" ".join(requires))
    return python


class Peer:
    """A library at work on one workload, in a process of its own."""

    def __init__(self, name: str, python: Path, module: str, workload: str, threads: int, memory: dict[str, str]):
        variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        pinned = dict.fromkeys(variables, str(threads)) | {"JAX_PLATFORMS": "cpu"} | memory
        ours = module in ("chalkgrad", "by_hand")  # another's interpreter must not find our `autograd`
        path = {"PYTHONPATH": str(ROOT)} if ours else {}
        command = ["taskset", "-c", ",".join(map(str, range(threads)))] if hasattr(os, "sched_setaffinity") else []
        command += [str(python), *([] if ours else ["-I"]), str(FOLDER / "serve.py"), module, name, workload]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | pinned | path,
        )  # fmt: skip
        self.seconds: list[float] = []
        self.first = self.peak = 0.0

    def ask(self, command: str) -> dict[str, float] | None:
        """Send a command and wait for the answer; None if the process has ended."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else None

    def end(self) -> str:
        """End the process; give what it complained about."""
        _, complaint = self.process.communicate()
        return complaint.strip().splitlines()[-1] if complaint.strip() else ""


def differs(got: dict[str, np.ndarray], want: dict[str, np.ndarray], tolerance: float) -> str:
    """Say where a loss or a gradient is not what the floor has; nothing if all agree."""
    for name in want:
        scale = np.abs(want[name]).max()
        if name not in got or got[name].shape != want[name].shape:
            return f"{name} is {got[name].shape if name in got else 'missing'}, not {want[name].shape}"
        distance = np.abs(got[name] - want[name]).max() / scale
        if not distance <= tolerance:
            return f"{name} is off by {distance:.1e} of its largest entry"
    return ""


def measure(
    workload: str, names: list[str], threads: int, rounds: int, memory: dict[str, str]
) -> tuple[list[tuple[str, ...]], list[str]]:
    """Let the libraries take turns at a workload; give the rows of its table, and sentences below it."""
    kind = WORKLOADS[workload]["kind"]
    peers: dict[str, Peer] = {}
    rows: list[tuple[str, ...]] = []
    want: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            module, requires = LIBRARIES[name]
            python = environment(module, requires)
            if python is None:
                rows.append((name, "missing: it could not be installed"))
                continue
            peer = Peer(name, python, module, workload, threads, memory)
            path = Path(folder) / f"{len(peers)}.npz"
            answer = peer.ask(f"step {path}")
            if answer is None:
                complaint = peer.end()
                if peer.process.returncode != NOT_THERE:
                    rows.append((name, f"failed: {complaint}"))
                continue
            with np.load(path) as saved:
                got = dict(saved)
            difference = differs(got, want, TOLERANCE.get(kind, 1e-9)) if want else ""
            if difference:
                peer.end()
                rows.append((name, f"DISAGREES: {difference}"))
                continue
            want = want or got
            peer.first = answer["seconds"]
            peers[name] = peer
        floor = next(iter(peers.values()))
        steps = dict.fromkeys(peers, 1)
        for name, peer in peers.items():  # warm up, and find how many steps last about a third of a second
            seconds = min((peer.ask("time 1") or {})["seconds"] for _ in range(3))
            steps[name] = max(1, round(0.3 / seconds))
        for _ in range(rounds):
            for name, peer in peers.items():
                answer = peer.ask(f"time {steps[name]}") or {}
                peer.seconds.append(answer["seconds"] / steps[name])
                peer.peak = answer["peak"]
        for name, peer in peers.items():
            ratio = statistics.median(mine / base for mine, base in zip(peer.seconds, floor.seconds))
            milliseconds = statistics.median(peer.seconds) * 1e3
            rows.append((name, f"{ratio:.2f}", f"{milliseconds:.2f}", f"{peer.first:.2f}", f"{peer.peak:.0f}"))
            peer.end()
    return rows, paid_back(peers)


def paid_back(peers: dict[str, Peer]) -> list[str]:
    """Say after how many steps the time that went into making code is won back."""
    eager, sentences = peers.get("Chalkgrad"), []
    for name, peer in peers.items():
        if eager and name.startswith("Chalkgrad, compiled"):
            won = statistics.median(a - b for a, b in zip(eager.seconds, peer.seconds))
            steps = max((peer.first - eager.first) / won, 1) if won > 0 else 0
            pays = f"pays after {steps:.0f} steps" if steps else "doesn't pay here"
            sentences.append(f"{name}: making code {pays}.")
    return sentences


def main() -> int:
    parser = argparse.ArgumentParser(description="Time a training step next to NumPy by hand and to other libraries.")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="NAME",
                        help=f"some of {', '.join(WORKLOADS)} (default: all)")  # fmt: skip
    parser.add_argument("--peers", nargs="+", choices=LIBRARIES, default=list(LIBRARIES), metavar="NAME",
                        help="some of the libraries, beside NumPy by hand (default: all)")  # fmt: skip
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], help="default: 1 2")
    parser.add_argument("--rounds", type=int, default=9, help="default: 9")
    parser.add_argument("--give-back", action="store_true", help="let freed memory go back to the system")
    options = parser.parse_args()
    names = [name for name in LIBRARIES if LIBRARIES[name][0] == "by_hand" or name in options.peers]
    memory = {} if options.give_back else MEMORY
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}"
    print(f"{datetime.date.today()}, {versions}, {os.cpu_count()} cores")
    failed = False
    for workload in options.workloads:
        size = ", ".join(f"{letter} = {v:,}" for letter, v in WORKLOADS[workload].items() if letter != "kind")
        for threads in options.threads:
            print(f"\n{workload} ({size}), {threads} thread{'s' * (threads > 1)}")
            print(f"{'':26}{'ratio':>8}{'ms a step':>11}{'first, s':>10}{'peak, MB':>10}")
            rows, sentences = measure(workload, names, threads, options.rounds, memory)
            for name, *cells in rows:
                failed |= len(cells) == 1 and "missing" not in cells[0]
                widths = (8, 11, 10, 10) if len(cells) > 1 else (0,)
                print(f"{name:26}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths)), flush=True)
            for sentence in sentences:
                print(sentence, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
