"""`chalkgrad draw`: the computation graph of a script's Tensor, or of a trained model."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograd import Tensor, draw

from . import checkpoint
from .command import Parser, complain, make_place, number
from .language_run import LanguageRun
from .loss import cross_entropy
from .script import choose, run_script
from .sentiment_run import SentimentRun
from .words import words

# The options of draw(): how to read one, what it is called, what it does. draw() itself refuses what it does not know.
LOOKS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "style": (str, "STYLE", "nodes: boxes with their numbers; circuit: ops as gates, numbers on the wires"),
    "gradients": (str, "WHICH", "recorded: those of backward(); compute: worked out for the picture"),
    "edges": (str, "HOW", "full: formula, number and contribution; number; or none"),
    "expand": (str, "SCOPE", "leave this scope open: 't=3', 'lstm/t=3/*', '*'; may be repeated"),
    "rankdir": (str, "WHERE", "LR: to the right; TB: downwards"),
    "time": (str, "WHERE", "across: time steps side by side; down: below each other"),
    "precision": (int, "DIGITS", "significant digits of a number"),
    "max_width": (number(float, 0, above=True), "PIXELS", "leave things out of a picture wider than this"),
    "max_nodes": (number(int, 1), "N", "fold a picture of more boxes than this"),
    "time_out": (number(float, 0, above=True), "SECONDS", "give up the layout after this time"),
}


def draw_command(options: argparse.Namespace) -> int:
    options.source.open("rb").close()
    script = options.source.suffix in (".py", ".pyw")
    for name in ("steps", "text") if script else ("name", "args", "no_names"):
        if name in options:
            taken = "run as a script" if script else "read as a checkpoint, since its name does not end in .py"
            return complain(f"--{name.replace('_', '-')} is of no use here: {options.source} is {taken}")
    out = options.out or options.source.with_suffix(".svg")
    look = {name: value for name, value in vars(options).items() if name in (*LOOKS, "legend")}
    try:
        make_place(out, options.source)
        rehearse(out, look)
        said = (draw_script if script else draw_checkpoint)(options, out.absolute(), look)
    except (ValueError, TypeError) as error:
        return complain(error)
    except (RuntimeError, TimeoutError) as error:  # Graphviz is missing, or the graph is too large for it
        return complain(error, status=1)
    print(f"{out}: {said}", file=sys.stderr if script else sys.stdout)  # a script's output is its own
    return 0


def rehearse(out: Path, look: dict[str, Any]) -> None:
    """Draw next to nothing in the same way, so that a mistake shows before a script has run for an hour."""
    x = Tensor(1.0, requires_grad=True)
    y = x * x
    y.backward()
    with tempfile.TemporaryDirectory() as folder:
        draw(y, **{name: value for name, value in look.items() if name != "expand"}).save(Path(folder, out.name))


def draw_script(options: argparse.Namespace, out: Path, look: dict[str, Any]) -> str:
    variables = run_script(options.source, getattr(options, "args", ()))
    name, tensor = choose(variables, getattr(options, "name", None), options.source)
    if "no_names" not in options:
        look = {"names": variables} | look
    draw(tensor, **look).save(out)
    return f"{name} of {options.source}, shape {tensor.shape}"


def draw_checkpoint(options: argparse.Namespace, out: Path, look: dict[str, Any]) -> str:
    sentiment = checkpoint.read(options.source)[1].get("task") == SentimentRun.task
    root, steps, what = (judgement if sentiment else prediction)(options)
    draw(root, **{"max_width": 6000} | look).save(out)
    return f"{steps} step{'s' * (steps > 1)} of {options.source}, which {what}"


def prediction(options: argparse.Namespace) -> tuple[Tensor, int, str]:
    """Return the loss of a language model on a text, the number of its steps, and what it has to do there."""
    model, vocabulary, metadata = LanguageRun.load(options.source)
    text = getattr(options, "text", metadata["excerpt"][: getattr(options, "steps", 3) + 1])
    if len(text) < 2:
        raise ValueError(f"the text to draw is {text!r}; it needs two characters, one to read and one to predict")
    ids = vocabulary.encode(text)[:, np.newaxis]
    logits, _ = model(ids[:-1])
    loss = cross_entropy(logits, ids[1:])
    logits.name, loss.name = "logits", "loss"
    loss.backward()
    return loss, len(text) - 1, f"reads {text[:-1]!r} and has to predict {text[1:]!r}"


def judgement(options: argparse.Namespace) -> tuple[Tensor, int, str]:
    """Return the logit of a sentiment classifier for a text, the number of its steps, and what it has to do there."""
    model, vocabulary, metadata = SentimentRun.load(options.source)
    if "text" in options:
        read = [match[1] for match in words(options.text)]
    else:
        read = [match[1] for match in words(metadata["excerpt"])][: getattr(options, "steps", 3)]
    if not read:
        raise ValueError("there is no word in the text to draw")
    z = model(vocabulary.encode(" ".join(read))[:, np.newaxis])
    z.backward()
    return z, len(read), f"judges {' '.join(read)!r} by the logit z: positive if z > 0"


def add_draw_options(p: Parser) -> None:
    """Describe the options of `chalkgrad draw`. One that is not given is left out, so that draw() decides."""
    p.add_argument("source", type=Path, metavar="SOURCE", help="a script (.py), or a file that `chalkgrad train` saved")
    p.add_argument(
        "-o", "--out", type=Path, metavar="FILE",
        help="the picture: .svg, .png, .pdf, .html (step by step), .dot, .mmd, .json (default: beside SOURCE, .svg)",
    )  # fmt: skip
    own = p.add_argument_group("of a script")
    own.add_argument(
        "--name", metavar="VARIABLE", default=argparse.SUPPRESS,
        help="what to draw (default: the scalar `loss` or `L`, or the only result)",
    )  # fmt: skip
    own.add_argument(
        "--no-names", action="store_true", default=argparse.SUPPRESS,
        help="do not name what has no name of its own after the script's variables",
    )  # fmt: skip
    own.add_argument(
        "--args", nargs=argparse.REMAINDER, metavar="...", default=argparse.SUPPRESS,
        help="the arguments of the script: everything that follows",
    )  # fmt: skip
    which = p.add_argument_group("of a model").add_mutually_exclusive_group()
    which.add_argument(
        "--steps", type=number(int, 1, 200), default=argparse.SUPPRESS, metavar="T",
        help="over how many characters, or words, of a text held out in training (default: 3)",
    )  # fmt: skip
    which.add_argument("--text", metavar="TEXT", default=argparse.SUPPRESS, help="over this text instead")
    looks = p.add_argument_group("how it looks", "As in `draw()`, which says more.")
    for name, (kind, metavar, about) in LOOKS.items():
        looks.add_argument(
            f"--{name.replace('_', '-')}", type=kind, metavar=metavar, help=about, default=argparse.SUPPRESS,
            action="append" if name == "expand" else "store",
        )  # fmt: skip
    looks.add_argument(
        "--no-legend", dest="legend", action="store_false", default=argparse.SUPPRESS,
        help="do not explain the signs",
    )  # fmt: skip
