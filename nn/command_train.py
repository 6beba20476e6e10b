"""`chalkgrad train`: learn to write from a text, or to judge from labelled texts."""

import argparse
import json
import math
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from . import checkpoint, naive_bayes, reviews
from .command import TEMPERATURE, Parser, add_temperature, complain, make_place, number
from .language_model import CELLS
from .language_run import LanguageRun
from .ngram import floors
from .sentiment_classifier import POOLINGS
from .sentiment_run import SentimentRun, evaluate
from .text import generate, perplexity, read_text, time_machine
from .train import Run, Settings, train

RUNS: dict[str, type[Run]] = {run.task: run for run in (LanguageRun, SentimentRun)}
ONLY = {
    "language": ("text", "prefix", "sample", "temperature", "compile"),
    "sentiment": ("data", "text_column", "label_column"),
}


def train_command(options: argparse.Namespace) -> int:
    out = options.out or options.resume or Path("model.safetensors")
    try:
        checkpoint.require_format(out)
        run = make_run(options)
        if isinstance(run, LanguageRun):
            if options.compile:
                run.compile()
            options.prefix = run.prefix if options.prefix is None else options.prefix
            generate(run.model, run.vocabulary, options.prefix, 0)  # a bad prefix shows now, not after the training
    except ValueError as error:
        return complain(error)
    data = options.text or (Path(options.data) if options.data else None)
    make_place(out, data)
    if options.metrics:
        make_place(options.metrics, data)
        if options.metrics.absolute() == out.absolute():
            return complain(f"{out} can't take the model and the metrics; give two names")

    def record(row: dict[str, Any]) -> None:
        if options.metrics:
            with open(options.metrics, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    print_beginning(run)
    with stop_at_interrupt() as stop:
        try:
            finished = train(run, out, stop, record)
        except FloatingPointError as error:
            return complain(f"the training diverged: {error}; try a smaller --lr", status=1)
    if not finished:
        again = ["chalkgrad", "train", *source(options), "--resume", str(out)]
        return complain(f"stopped and saved in epoch {run.epoch + 1}. To go on: {shlex.join(again)}", status=130)
    if run.epoch < run.settings.epochs:
        print(f"Stopped early: no better since epoch {run.best_epoch}.")
    assert run.best is not None
    run.model.load_state_dict(run.best)
    run.model.eval()
    if isinstance(run, LanguageRun):
        print_perplexities(run)
        if options.sample:
            print(f"\nA sample, going on from {options.prefix!r}:\n")
            print(generate(run.model, run.vocabulary, options.prefix, options.sample, options.temperature, run.rng))
        print(f"\nSaved to {out}. More text: {shlex.join(['chalkgrad', 'generate', str(out)])}")
    elif isinstance(run, SentimentRun):
        record(print_accuracies(run))
        print(f"\nSaved to {out}. To ask it: {shlex.join(['chalkgrad', 'predict', str(out), 'Not bad at all!'])}")
    return 0


def make_run(options: argparse.Namespace) -> Run:
    """Make the run that the options describe, or take up the one to resume. Raises ValueError and OSError."""
    task = options.task or "language"
    if options.resume:
        saved = checkpoint.read(options.resume)[1].get("task", task)
        if saved not in RUNS or options.task not in (None, saved):
            raise ValueError(f"{options.resume} is for the task {saved}")
        task = saved
    names = {field.name for field in fields(RUNS[task].settings_type)}
    given = {name: value for name, value in vars(options).items() if name in SETTINGS}
    for other in RUNS.keys() - {task}:
        foreign = [name for name in ONLY[other] if getattr(options, name) != DEFAULTS.get(name)]
        if foreign := foreign + [name for name in given if name not in names]:
            raise ValueError(f"{', '.join(map(flag, foreign))} goes with --task {other}, and this is --task {task}")
    data: Any
    if task == "sentiment":
        data = reviews.read(options.data or "uci", options.text_column, options.label_column)
    else:
        data = read_text(options.text) if options.text else time_machine()
    if options.resume:
        if fixed := [flag(name) for name in given if name != "epochs"]:
            raise ValueError(f"the checkpoint to resume settles {', '.join(fixed)}; only --epochs can be changed")
        return RUNS[task].resume(options.resume, data, given.get("epochs"))
    return RUNS[task](data, RUNS[task].settings_type(**given))  # type: ignore[call-arg]


POOLED = {"last": "the state after the last one", "mean": "the mean of the states"}
SETTINGS = {field.name for run in RUNS.values() for field in fields(run.settings_type)}
DEFAULTS = {"sample": 400, "temperature": TEMPERATURE, "compile": False}


def flag(name: str) -> str:
    return "TEXT" if name == "text" else f"--{name.replace('_', '-')}"


def source(options: argparse.Namespace) -> list[str]:
    """List the arguments that say what to learn, and from what."""
    names = ("task", "data", "text_column", "label_column")
    named = [part for name in names if getattr(options, name) for part in (flag(name), getattr(options, name))]
    return [*([str(options.text)] if options.text else []), *named]


def print_beginning(run: Run) -> None:
    s = run.settings
    size = sum(parameter.size for parameter in run.model.parameters())
    print(f"{s.cell.upper()} of {s.hidden} units: {size:,} parameters.")
    if isinstance(run, SentimentRun):
        learned, held_out = len(run.learned.texts), len(run.test.texts)
        print(
            f"{learned:,} texts to learn from, {len(run.validation[0]):,} of them to choose the best epoch; "
            f"{held_out:,} to test with (seed {s.seed}).\n{len(run.vocabulary) - 2:,} words are known, at most "
            f"{s.length} of a text are read; {POOLED[s.pooling]} counts.",
            flush=True,
        )
    elif isinstance(run, LanguageRun):
        held_out, kinds = len(run.validation_ids), len(run.vocabulary)
        length = len(run.train_ids) + held_out
        print(f"Text of {length:,} characters, {kinds} different ones; the last {held_out:,} are held out.", flush=True)


def print_perplexities(run: LanguageRun) -> None:
    """Show the perplexity that the model reached next to what counting reaches on the same text."""
    name, reached = run.settings.cell.upper(), perplexity(run.history[run.best_epoch - 1]["validation_loss"])
    print(
        f"\nPerplexity on the held-out text: the {name} hesitates as among {reached:.2f} equally likely characters.\n"
    )
    for order, floor in floors(run.train_ids, run.validation_ids, len(run.vocabulary)).items():
        known = f"given the {order - 1} character{'s' * (order > 2)} before" if order > 1 else "nothing before"
        print(f"  {floor:8.2f}  " + (f"counting: {known}" if order else "all characters equally likely"))
    print(f"  {reached:8.2f}  this {name}{after_epoch(run)}")


def print_accuracies(run: SentimentRun) -> dict[str, Any]:
    """Show what part of the texts held out the model judges right, next to counting; return the numbers."""
    name, labels = run.settings.cell.upper(), run.test.labels
    loss, right = evaluate(run.model, *run.encode(run.test))
    floor = naive_bayes.accuracy(*run.learned, *run.test)
    error = math.sqrt(right * (1 - right) / len(labels))
    print(f"\nOf the {len(labels):,} texts to test with, judged right:\n")
    print(f"  {max(np.mean(labels), 1 - np.mean(labels)):6.1%}  by always giving the more frequent answer")
    print(f"  {floor:6.1%}  by naive Bayes: counting words, in all {len(run.learned.texts):,} texts to learn from")
    print(f"  {right:6.1%}  by this {name}{after_epoch(run)}; standard error {error:.1%}")
    return {"test_loss": loss, "test_accuracy": right, "naive_bayes_accuracy": floor}


def after_epoch(run: Run) -> str:
    return f", as it was after epoch {run.best_epoch}" if run.best_epoch < run.epoch else ""


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


def add_train_options(p: Parser) -> None:
    """Describe the options of `chalkgrad train`. A setting that is not given is left out, so that the task decides."""

    def setting(group: Any, name: str, kind: Callable[[str], Any], metavar: str, help: str) -> None:
        defaults = {
            task: getattr(run.settings_type, name.replace("-", "_"))
            for task, run in RUNS.items()
            if hasattr(run.settings_type, name.replace("-", "_"))
        }
        values = list(dict.fromkeys(defaults.values()))
        shown = f"{values[0]}" if len(values) == 1 else f"{values[0]}; for sentiment {values[1]}"
        group.add_argument(
            f"--{name}", type=kind, metavar=metavar, help=f"{help} (default: {shown})", default=argparse.SUPPRESS
        )

    p.add_argument(
        "--task", choices=list(RUNS),
        help="predict each next character of a text, or whether a text is positive (default: language)",
    )  # fmt: skip
    p.add_argument("-o", "--out", type=Path, metavar="FILE", help="where to save (default: model.safetensors)")
    p.add_argument(
        "--resume", type=Path, metavar="CHECKPOINT",
        help="go on with the training that saved this file, and save there; takes the same TEXT or --data",
    )  # fmt: skip
    p.add_argument(
        "--metrics", type=Path, metavar="FILE", help="add a line of JSON to this file after each epoch"
    )  # fmt: skip
    p.add_argument(
        "--compile", action="store_true",
        help="run the training steps on a text as generated code: faster, once the first step has made it",
    )  # fmt: skip
    p.add_argument(
        "--cell", choices=list(CELLS), default=argparse.SUPPRESS,
        help=f"what carries the memory on: an LSTM, a GRU or a simple RNN (default: {Settings.cell})",
    )  # fmt: skip
    setting(
        p, "hidden", number(int, 1), "H", "how many numbers the memory of a layer holds; more learn more, but slower"
    )
    setting(p, "layers", number(int, 1), "L", "how many such layers, each reading what the one before it writes")
    setting(p, "embedding", number(int, 1), "D", "how many numbers, learned as well, stand for a character or a word")
    setting(p, "batch", number(int, 1), "B", "from how many places of the text, or texts, to learn side by side")
    setting(p, "epochs", number(int, 1), "N", "how often to go through everything")
    setting(
        p,
        "patience",
        number(int, 0),
        "N",
        "stop after so many epochs in a row without a lower loss in validation; 0: never",
    )
    setting(p, "lr", number(float, 0, above=True), "LR", "learning rate of Adam at the start; it falls to 0 at the end")
    setting(p, "clip", number(float, 0, above=True), "NORM", "the longest a gradient may be; a longer one is shortened")
    setting(p, "seed", number(int, 0), "N", "where the random numbers begin: the same seed gives the same model")
    setting(
        p,
        "held-out",
        number(float, 0, 1, above=True),
        "PART",
        "what part of the text, its end, or of the texts, to measure with",
    )

    language = p.add_argument_group("--task language")
    language.add_argument("text", nargs="?", type=Path, metavar="TEXT", help="a UTF-8 file (default: The Time Machine)")
    setting(
        language, "steps", number(int, 1), "T", "how many characters back a gradient flows: truncated backpropagation"
    )
    language.add_argument(
        "--letters", action="store_true", default=argparse.SUPPRESS,
        help="turn the text into small letters a to z and spaces first, as Dive into Deep Learning does",
    )  # fmt: skip
    language.add_argument(
        "--prefix", metavar="CHARACTERS", help="how the sample begins (default: the first word of TEXT)"
    )
    language.add_argument(
        "--sample", type=number(int, 0), default=DEFAULTS["sample"], metavar="N",
        help=f"how many characters to write at the end (default: {DEFAULTS['sample']})",
    )  # fmt: skip
    add_temperature(language)

    sentiment = p.add_argument_group("--task sentiment")
    sentiment.add_argument(
        "--data", metavar="DATA",
        help="uci or rt, which come with the package; the folder aclImdb or aclImdb_v1.tar.gz; a table .csv, .tsv or "
        ".txt (default: uci)",
    )  # fmt: skip
    sentiment.add_argument(
        "--text-column", metavar="COLUMN",
        help="where the text stands in a table: a name in its first row, or a number from 1 (default: the other one)",
    )  # fmt: skip
    sentiment.add_argument(
        "--label-column", metavar="COLUMN",
        help="where the label stands: 0, neg or negative, 1, pos or positive (default: the last)",
    )  # fmt: skip
    sentiment.add_argument(
        "--pooling", choices=POOLINGS, default=argparse.SUPPRESS,
        help="judge by the memory after the last word, or by the mean of it over all words (default: last)",
    )  # fmt: skip
    setting(
        sentiment, "length", number(int, 1), "T", "how many words of a text are read, the last ones of a longer text"
    )
    setting(sentiment, "words", number(int, 1), "V", "how many different words to know, the most frequent ones")
    setting(sentiment, "dropout", number(float, 0, 1), "P", "the part of a word's numbers that is left out in training")
    setting(
        sentiment,
        "validation",
        number(float, 0, 1, above=True),
        "PART",
        "what part of the texts to learn from chooses the best epoch",
    )
