"""Run one implementation in a process of its own, at the other end of a pipe.

    python serve.py MODULE PEER WORKLOAD

Commands come as lines: `step FILE` does one step and saves loss and gradients to FILE (.npz); `time N` does N steps.
Each is answered by one line of JSON: seconds, and the peak of memory in MB above what was there after the imports.
"""

import gc
import inspect
import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parent))  # last: `python -I` leaves this folder out, and a peer's modules come first
module, peer, workload = sys.argv[1:]
make_for = import_module(module).PEERS[peer]
from workloads import NOT_THERE, WORKLOADS, arrays  # noqa: E402


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


gc.collect()
imported = peak()
size = WORKLOADS[workload]
if size["kind"] not in make_for:
    sys.exit(NOT_THERE)
make = make_for[size["kind"]]
start = time.perf_counter()
step = make(arrays(workload), **({"n": size["n"]} if "n" in inspect.signature(make).parameters else {}))
for line in sys.stdin:
    command, argument = line.split(maxsplit=1)
    if command == "step":
        loss, gradients = step()
        seconds = time.perf_counter() - start
        np.savez(argument.strip(), loss=loss, **{name: np.asarray(g) for name, g in gradients.items()})
    else:
        gc.collect()
        start = time.perf_counter()
        for _ in range(int(argument)):
            step()
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": peak() - imported}), flush=True)
