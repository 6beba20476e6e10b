"""The command `chalkgrad`: train a model, let it write or judge, draw its computation graph."""

import argparse
import sys
from collections.abc import Callable, Sequence

import numpy as np

from .command import Parser, add_checkpoint, add_temperature, complain, number
from .command_draw import add_draw_options, draw_command
from .command_predict import predict_command
from .command_train import add_train_options, train_command
from .doctor import collision, report
from .language_run import LanguageRun
from .text import generate


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


def generate_command(options: argparse.Namespace) -> int:
    try:
        model, vocabulary, metadata = LanguageRun.load(options.checkpoint)
        prefix = metadata["prefix"] if options.prefix is None else options.prefix
        rng = np.random.default_rng(options.seed)
        print(generate(model, vocabulary, prefix, options.n, options.temperature, rng))
    except ValueError as error:
        return complain(error)
    return 0


def doctor_command(options: argparse.Namespace) -> int:
    print(report())
    return 0 if collision() is None else 1


def make_parser() -> Parser:
    parser = Parser(
        prog="chalkgrad", description="Train a model on a text, let it write or judge, draw its computation graph."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], help: str, description: str) -> Parser:
        added = commands.add_parser(name, help=help, description=description)
        added.set_defaults(command=run)
        return added

    p = command(
        "train", train_command, "learn to write from a text, or to judge from labelled texts",
        "Train a recurrent network: to predict each next character of a text, and let it write; or, with --task "
        "sentiment, to tell whether a text is positive. The model is saved after every epoch; Ctrl-C saves it too.",
    )  # fmt: skip
    add_train_options(p)

    p = command("generate", generate_command, "let a trained model write", "Let a trained model write a text.")
    add_checkpoint(p)
    p.add_argument("--prefix", metavar="CHARACTERS", help="how it begins (default: the first word that was learned)")
    p.add_argument("-n", type=number(int, 0), default=400, metavar="N", help="how many characters (default: 400)")
    add_temperature(p)
    p.add_argument("--seed", type=number(int, 0), metavar="N", help="the same seed writes the same text")

    p = command(
        "predict", predict_command, "let a trained model judge a text",
        "Say whether a text is positive, and show by how much each word speaks for it: the gradient of the model's "
        "logit by the word's vector, times that vector.",
    )  # fmt: skip
    add_checkpoint(p)
    p.add_argument("text", metavar="TEXT", help="the text itself, in quotation marks")

    p = command(
        "draw", draw_command, "draw a computation graph: a script's, or a model's",
        "Run a script and draw one of its Tensors, with everything that it was computed from. Or run a trained model "
        "and its gradients over a few characters or words, and draw that.",
    )  # fmt: skip
    add_draw_options(p)

    about = "Say which autograd Python finds, which versions are installed, and whether drawing works."
    command("doctor", doctor_command, "say what is installed", about)
    return parser


if __name__ == "__main__":
    sys.exit(main())
