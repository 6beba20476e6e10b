"""The command `chalkgrad`: train a model on a text, let it write, draw its computation graph."""

import argparse
import math
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from autograd import Tensor, draw

from .doctor import collision, report
from .language_model import CELLS
from .loss import cross_entropy
from .ngram import floors
from .script import choose, run_script
from .text import generate, read_text, time_machine
from .train import Run, Settings, load_model, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 1 for a failure, 2 for a mistake in its use, 130 for Ctrl-C."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        return options.command(options)
    except KeyboardInterrupt:
        return complain("stopped", status=130)
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}" if error.strerror and error.filename else str(error))


def complain(message: object, status: int = 2) -> int:
    print(f"chalkgrad: {message}", file=sys.stderr)
    return status


def train_command(options: argparse.Namespace) -> int:
    given = {name: value for name, value in vars(options).items() if name in vars(Settings())}
    out = options.out or options.resume or Path("model.safetensors")
    try:
        text = read_text(options.text) if options.text else time_machine()
        if options.resume:
            fixed = [f"--{name.replace('_', '-')}" for name in given if name != "epochs"]
            if fixed:
                raise ValueError(f"the checkpoint to resume settles {', '.join(fixed)}; only --epochs can be changed")
            run = Run.resume(options.resume, text, given.get("epochs"))
        else:
            run = Run(text, Settings(**given))
        prefix = run.prefix if options.prefix is None else options.prefix
        generate(run.model, run.vocabulary, prefix, 0)  # so that a bad prefix shows now, not after the training
    except ValueError as error:
        return complain(error)
    make_place(out, options.text)

    s = run.settings
    size = sum(parameter.size for parameter in run.model.parameters())
    print(f"{s.cell.upper()} of {s.hidden} units: {size:,} parameters.")
    held_out, kinds = len(run.validation_ids), len(run.vocabulary)
    length = len(run.train_ids) + held_out
    print(f"Text of {length:,} characters, {kinds} different ones; the last {held_out:,} are held out.", flush=True)
    with stop_at_interrupt() as stop:
        try:
            finished = train(run, out, stop)
        except FloatingPointError as error:
            return complain(f"the training diverged: {error}; try a smaller --lr", status=1)
    if not finished:
        again = ["chalkgrad", "train", *([str(options.text)] if options.text else []), "--resume", str(out)]
        return complain(f"stopped and saved in epoch {run.epoch + 1}. To go on: {shlex.join(again)}", status=130)
    print_comparison(run)
    if options.sample:
        print(f"\nA sample, going on from {prefix!r}:\n")
        print(generate(run.model, run.vocabulary, prefix, options.sample, options.temperature, run.rng))
    print(f"\nSaved to {out}. More text: {shlex.join(['chalkgrad', 'generate', str(out)])}")
    return 0


def print_comparison(run: Run) -> None:
    """Show the perplexity that the model reached next to what counting reaches on the same text."""
    name, reached, best = run.settings.cell.upper(), run.validation[-1], min(run.validation)
    print(
        f"\nPerplexity on the held-out text: the {name} hesitates as among {reached:.2f} equally likely characters.\n"
    )
    for order, floor in floors(run.train_ids, run.validation_ids, len(run.vocabulary)).items():
        known = f"given the {order - 1} character{'s' * (order > 2)} before" if order > 1 else "nothing before"
        print(f"  {floor:8.2f}  " + (f"counting: {known}" if order else "all characters equally likely"))
    better = f", {best:.2f} after epoch {run.validation.index(best) + 1}" if best < reached else ""
    print(f"  {reached:8.2f}  this {name}{better}")


def generate_command(options: argparse.Namespace) -> int:
    try:
        model, vocabulary, metadata = load_model(options.checkpoint)
        prefix = metadata["prefix"] if options.prefix is None else options.prefix
        rng = np.random.default_rng(options.seed)
        print(generate(model, vocabulary, prefix, options.n, options.temperature, rng))
    except ValueError as error:
        return complain(error)
    return 0


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
    model, vocabulary, metadata = load_model(options.source)
    text = getattr(options, "text", metadata["excerpt"][: getattr(options, "steps", 3) + 1])
    if len(text) < 2:
        raise ValueError(f"the text to draw is {text!r}; it needs two characters, one to read and one to predict")
    ids = vocabulary.encode(text)[:, np.newaxis]
    logits, _ = model(ids[:-1])
    loss = cross_entropy(logits, ids[1:])
    logits.name, loss.name = "logits", "loss"
    loss.backward()
    draw(loss, **{"max_width": 6000} | look).save(out)
    steps = f"{len(text) - 1} step{'s' * (len(text) > 2)}"
    return f"{steps} of {options.source}, which reads {text[:-1]!r} and has to predict {text[1:]!r}"


def doctor_command(options: argparse.Namespace) -> int:
    print(report())
    return 0 if collision() is None else 1


@contextmanager
def stop_at_interrupt() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a wish, which the function given tells; a second one acts at once, as usual."""
    wishes = []

    def wish(*_: Any) -> None:
        wishes.append(True)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, wish)
    try:
        yield lambda: bool(wishes)
    finally:
        signal.signal(signal.SIGINT, before)


def make_place(out: Path, source: Path | None) -> None:
    """Make the folder of an output file; raise OSError if no file can be written there, or if it is the input file."""
    if out.is_dir():
        raise IsADirectoryError(f"{out} is a folder; give the name of a file to write")
    if source is not None and out.exists() and out.samefile(source):
        raise FileExistsError(f"{out} is the file to read; give another name to write to")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=out.parent):
        pass


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


# The options of draw(): how to read one, what it is called, what it does. draw() itself refuses what it does not know.
LOOKS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "gradients": (str, "WHICH", "recorded: those of backward(); compute: worked out for the picture"),
    "edges": (str, "HOW", "full: formula, number and contribution; number; or none"),
    "expand": (str, "SCOPE", "leave this scope open: 't=3', 'lstm/t=3/*', '*'; may be repeated"),
    "rankdir": (str, "WHERE", "LR: to the right; TB: downwards"),
    "precision": (int, "DIGITS", "significant digits of a number"),
    "max_width": (number(float, 0, above=True), "PIXELS", "leave things out of a picture wider than this"),
    "max_nodes": (number(int, 1), "N", "fold a picture of more boxes than this"),
    "time_out": (number(float, 0, above=True), "SECONDS", "give up the layout after this time"),
}


def make_parser() -> Parser:
    parser = Parser(prog="chalkgrad", description="Train a model on a text, let it write, draw its computation graph.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], help: str, description: str) -> Parser:
        added = commands.add_parser(name, help=help, description=description)
        added.set_defaults(command=run)
        return added

    def add_checkpoint(parser: Parser) -> None:
        parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a file that `chalkgrad train` saved")

    def add_temperature(parser: Parser) -> None:
        parser.add_argument(
            "--temperature", type=number(float, 0), default=0.6, metavar="X",
            help="0: always the likeliest character; 1: each as likely as the model says (default: 0.6)",
        )  # fmt: skip

    p = command(
        "train", train_command, "learn to write from a text",
        "Train a recurrent network to predict each next character of a text, and let it write. The model is saved "
        "after every epoch; Ctrl-C saves it too.",
    )  # fmt: skip
    p.add_argument("text", nargs="?", type=Path, metavar="TEXT", help="a UTF-8 file (default: The Time Machine)")
    p.add_argument("-o", "--out", type=Path, metavar="FILE", help="where to save (default: model.safetensors)")
    p.add_argument(
        "--resume", type=Path, metavar="CHECKPOINT",
        help="go on with the training that saved this file, and save there; takes the same TEXT",
    )  # fmt: skip
    p.add_argument("--prefix", metavar="CHARACTERS", help="how the sample begins (default: the first word of TEXT)")
    p.add_argument(
        "--sample", type=number(int, 0), default=400, metavar="N",
        help="how many characters to write at the end (default: 400)",
    )  # fmt: skip
    add_temperature(p)

    def setting(name: str, kind: Callable[[str], Any], metavar: str, help: str) -> None:
        help = f"{help} (default: {getattr(Settings, name.replace('-', '_'))})"
        p.add_argument(f"--{name}", type=kind, metavar=metavar, help=help, default=argparse.SUPPRESS)

    p.add_argument(
        "--cell", choices=list(CELLS), default=argparse.SUPPRESS,
        help=f"what carries the memory on: an LSTM or a simple RNN (default: {Settings.cell})",
    )  # fmt: skip
    setting("hidden", number(int, 1), "H", "how many numbers the memory of a layer holds; more learn more, but slower")
    setting("layers", number(int, 1), "L", "how many such layers, each reading what the one before it writes")
    setting("embedding", number(int, 1), "D", "how many numbers, learned as well, stand for a character")
    setting("steps", number(int, 1), "T", "how many characters back a gradient flows: truncated backpropagation")
    setting("batch", number(int, 1), "B", "in how many places of the text to learn side by side")
    setting("epochs", number(int, 1), "N", "how often to go through the text")
    setting("lr", number(float, 0, above=True), "LR", "learning rate of Adam at the start; it falls to 0 at the end")
    setting("clip", number(float, 0, above=True), "NORM", "the longest a gradient may be; a longer one is shortened")
    setting("seed", number(int, 0), "N", "where the random numbers begin: the same seed gives the same model")
    setting("held-out", number(float, 0, 1, above=True), "PART", "what part of the text, its end, to measure with")
    p.add_argument(
        "--letters", action="store_true", default=argparse.SUPPRESS,
        help="turn the text into small letters a to z and spaces first, as Dive into Deep Learning does",
    )  # fmt: skip

    p = command("generate", generate_command, "let a trained model write", "Let a trained model write a text.")
    add_checkpoint(p)
    p.add_argument("--prefix", metavar="CHARACTERS", help="how it begins (default: the first word that was learned)")
    p.add_argument("-n", type=number(int, 0), default=400, metavar="N", help="how many characters (default: 400)")
    add_temperature(p)
    p.add_argument("--seed", type=number(int, 0), metavar="N", help="the same seed writes the same text")

    p = command(
        "draw", draw_command, "draw a computation graph: a script's, or a model's",
        "Run a script and draw one of its Tensors, with everything that it was computed from. Or run a trained model "
        "and its gradients over a few characters, and draw that.",
    )  # fmt: skip
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
        help="over how many characters, from the text held out in training (default: 3)",
    )  # fmt: skip
    which.add_argument("--text", metavar="CHARACTERS", default=argparse.SUPPRESS, help="over these characters instead")
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

    about = "Say which autograd Python finds, which versions are installed, and whether drawing works."
    command("doctor", doctor_command, "say what is installed", about)
    return parser


if __name__ == "__main__":
    sys.exit(main())
