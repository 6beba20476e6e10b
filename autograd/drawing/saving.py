"""Writing a file whole or not at all."""

import errno
import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> Path:
    """Write `content`, beside the old file first, and give the path. Raises OSError; then the old file is as it was."""
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such directory; make it first", str(path.parent))
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename:  # of the temporary file
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
    return path
