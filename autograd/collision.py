"""Notice another package in this one's folder: HIPS/autograd installs under the same import name."""

import warnings
from pathlib import Path


def warn_if_shared(folder: str | Path) -> None:
    """Warn, at the line that imports autograd, when HIPS/autograd lies in `folder` too.

    Its folder `numpy` gives it away: it wraps NumPy, and Chalkgrad never has a subpackage of that name.
    """
    if (Path(folder) / "numpy").is_dir():
        warnings.warn(
            f"two packages named autograd share the folder {folder}: Chalkgrad's and HIPS/autograd. Installed or "
            "removed, each takes files of the other along. `chalkgrad doctor` says how to part them.",
            stacklevel=3,  # past this function and autograd/__init__.py
        )
