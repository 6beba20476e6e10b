"""Read archives of unknown origin with bounded memory."""

from typing import Protocol


class Seekable(Protocol):
    """A file to read from, of whatever kind."""

    def read(self, size: int = ..., /) -> bytes: ...
    def seek(self, offset: int, whence: int = ..., /) -> int: ...
    def tell(self) -> int: ...


class Bounded:
    """A file to read from that gives at most `limit` bytes at a time and ends at `end`, or raises ValueError.

    The readers of the standard library take whole directories and headers into memory, of whatever size a file says
    they are; through this, only up to `limit`.
    """

    def __init__(self, file: Seekable, limit: int, end: int):
        self.file, self.limit, self.end = file, limit, end

    def read(self, size: int = -1) -> bytes:
        most = min(self.limit, self.end - self.file.tell()) + 1  # one more, to see that there is more
        content = self.file.read(most if size < 0 else min(size, most))
        if len(content) > self.limit:
            raise ValueError(f"one part of it has more than {self.limit:,} bytes")
        self._check(self.file.tell())
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 0:
            self._check(offset)
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

    def seekable(self) -> bool:
        return True

    def _check(self, position: int) -> None:
        if position < 0:
            raise ValueError("a part of it lies before its beginning")
        if position > self.end:
            raise ValueError(f"it has more than {self.end:,} bytes")
