"""Make the pictures of the README and of the gallery: run the Python blocks of these pages."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

DOCS = Path(__file__).parent
MADE_WITH = DOCS / "gallery" / "made-with.txt"  # other tools place text differently


def programs() -> Iterator[tuple[Path, str]]:
    """Yield the programs, each with its folder: the README as one; the gallery's entries, each after its start."""
    yield DOCS, "".join(blocks(DOCS.parent / "README.md"))
    start, *entries = blocks(DOCS / "gallery" / "README.md")
    for entry in entries:
        yield DOCS / "gallery", start + entry


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def tools() -> str:
    """Say which Graphviz lays out, and which font it measures."""
    asked = []
    for command in (["dot", "-V"], ["fc-match", "Helvetica"]):
        done = shutil.which(command[0]) and subprocess.run(command, capture_output=True, text=True)
        asked.append((done.stdout + done.stderr).strip() if done else f"no {command[0]}")
    return "\n".join(asked) + "\n"


if __name__ == "__main__":
    for folder, program in programs():
        os.chdir(folder)
        with redirect_stdout(None):
            exec(compile(program, "README.md", "exec"), {})
    MADE_WITH.write_text(tools(), encoding="utf-8")
