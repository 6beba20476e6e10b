"""What the commands share: one line for a mistake, numbers within limits, a place to write to."""

import argparse
import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

TEMPERATURE = 0.6


def complain(message: object, status: int = 2) -> int:
    """Print one line to stderr and return the exit status."""
    print(f"chalkgrad: {message}", file=sys.stderr)
    return status


def make_place(out: Path, source: Path | None) -> None:
    """Make the folder of an output file; raise OSError if no file can be written there, or if it is the input file."""
    if out.is_dir():
        raise IsADirectoryError(f"{out} is a folder; give the name of a file to write")
    if source is not None and source.exists() and out.exists() and out.samefile(source):
        raise FileExistsError(f"{out} is the file to read; give another name to write to")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(out)) from None  # not the name of the attempt


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def number(kind: type, low: float = -math.inf, high: float = math.inf, above: bool = False) -> Callable[[str], Any]:
    """Make the reader of an option: an int or float that is at least (or above) `low` and less than `high`."""
    name = "a whole number" if kind is int else "a number"
    limits = [f"{'more than' if above else 'at least'} {low:g}"] if low > -math.inf else []
    limits += [f"less than {high:g}"] if high < math.inf else []

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not low <= value < high or above and value == low:
            raise argparse.ArgumentTypeError(f"expected {name}, {' and '.join(limits)}, not {text!r}")
        return value

    return read


def add_checkpoint(parser: Parser) -> None:
    """Add the argument that most commands begin with."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a file that `chalkgrad train` saved")


def add_temperature(parser: Any) -> None:
    """Add the option of the commands that let a model write."""
    parser.add_argument(
        "--temperature", type=number(float, 0), default=TEMPERATURE, metavar="X",
        help=f"0: always the likeliest character; 1: each as likely as the model says (default: {TEMPERATURE})",
    )  # fmt: skip
