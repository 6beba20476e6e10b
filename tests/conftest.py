"""What must be settled before NumPy is imported."""

import os

# The arrays of the tests are small. Threads would only wait for each other, for minutes where others use the cores.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
