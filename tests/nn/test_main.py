"""The command: what it prints and saves, and how it refuses a mistake."""

import inspect
import json
import math
import os
import signal
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from autograd import draw
from nn.__main__ import main
from nn.command_draw import LOOKS
from nn.language_run import LanguageRun, LanguageSettings
from nn.reviews import uci_sentiment
from nn.sentiment_run import SentimentRun, SentimentSettings
from nn.text import Vocabulary, perplexity

TEXT = "The quick brown fox jumps over the lazy dog. " * 12
SMALL = "--hidden 6 --embedding 3 --steps 5 --batch 4 --epochs 2 --sample 30".split()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder with a text and nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fox.txt").write_text(TEXT)
    return tmp_path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Save an untrained model."""
    path = tmp_path_factory.mktemp("model") / "fox.safetensors"
    LanguageRun(TEXT, LanguageSettings(hidden=6, embedding=3, steps=5, batch=4)).save(path)
    return path


def run(*arguments):
    """Run the command in this process; argparse's exits count as its status."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as exit:
        return exit.code


def test_train(folder, capsys):
    """Training reports each epoch, compares with counting, writes a sample and saves a checkpoint."""
    assert run("train", "fox.txt", *SMALL, "-o", "new/folder/fox.safetensors", "--prefix", "The fox") == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    model, vocabulary, metadata = LanguageRun.load("new/folder/fox.safetensors")
    assert lines[0].startswith("LSTM of 6 units")
    assert lines[1] == "Text of 540 characters, 29 different ones; the last 54 are held out."
    assert [line.split(":")[0] for line in lines[2:4]] == ["epoch 1/2", "epoch 2/2"]
    assert f"{len(vocabulary):8.2f}  all characters equally likely" in out
    assert sum("counting: " in line for line in lines) == 5
    assert f"{perplexity(metadata['history'][-1]['validation_loss']):8.2f}  this LSTM" in out
    assert any(line.startswith("The fox") and len(line) == len("The fox") + 30 for line in lines)
    assert os.listdir("new/folder") == ["fox.safetensors"]
    assert run("train", "fox.txt", *SMALL, "-o", "new/fast.safetensors", "--prefix", "The fox", "--compile") == 0
    fast = LanguageRun.load("new/fast.safetensors")[2]
    assert fast["history"][-1]["loss"] == pytest.approx(metadata["history"][-1]["loss"], rel=1e-4)


def test_train_on_letters_with_an_rnn(folder, capsys):
    """The options reach the model: D2L's preparation, another cell, two layers."""
    assert run("train", "fox.txt", *SMALL, "--letters", "--cell", "rnn", "--layers", 2, "--lr", 0.01) == 0
    model, vocabulary, metadata = LanguageRun.load("model.safetensors")
    assert vocabulary == Vocabulary("abcdefghijklmnopqrstuvwxyz ")
    assert type(model.rnn).__name__ == "RNN" and model.rnn.num_layers == 2
    assert metadata["settings"]["lr"] == 0.01 and metadata["prefix"] == "the"
    assert "this RNN" in capsys.readouterr().out


def test_the_book_is_the_default(folder, capsys):
    """Without a text, the model learns from The Time Machine."""
    assert run("train", *SMALL, "--held-out", 0.01, "--batch", 500, "--steps", 20, "--epochs", 1) == 0
    assert LanguageRun.load("model.safetensors")[2]["prefix"] == "The"
    assert "178,979 characters, 70 different ones; the last 1,790 are" in capsys.readouterr().out


def test_generate(checkpoint, capsys):
    """The same seed writes the same text; other options change it."""
    texts = {}
    for options in ["--seed 1", "--seed 1 ", "--seed 2", "--seed 1 --temperature 0", "--seed 1 --prefix dog"]:
        assert run("generate", checkpoint, "-n", 50, *options.split()) == 0
        texts[options] = capsys.readouterr().out
        assert len(texts[options]) == len("The" + "\n") + 50
    assert texts["--seed 1"] == texts["--seed 1 "]
    assert len(set(texts.values())) == 4
    assert texts["--seed 1 --prefix dog"].startswith("dog")


@pytest.mark.parametrize("options, steps", [("", 3), ("--steps 1", 1), ("--text doggo", 4)])
def test_draw(folder, checkpoint, capsys, options, steps):
    """The picture holds each time step, with values and gradients."""
    assert run("draw", checkpoint, "-o", "fox.svg", *options.split()) == 0
    svg = (folder / "fox.svg").read_text()
    ElementTree.fromstring(svg)
    assert all((f"t={t}<" in svg) == (1 <= t <= steps) for t in range(steps + 2))
    assert all(sign in svg for sign in "▶◀∂") and "Not shown" not in svg
    assert f"fox.svg: {steps} step" in capsys.readouterr().out


NET = """
import sys
from autograd import Tensor
from beside import FACTOR

print(__name__, sys.argv)
x = Tensor(2.0, requires_grad=True)
h = x * FACTOR
loss = h * h
"""


@pytest.fixture
def net(folder):
    """A script that imports what lies beside it, and neither names its Tensors nor calls backward()."""
    (folder / "scripts").mkdir()
    (folder / "scripts" / "beside.py").write_text("FACTOR = 3.0\n")
    (folder / "scripts" / "net.py").write_text(NET)
    return folder / "scripts" / "net.py"


def test_draw_a_script(net, capsys):
    """It runs as Python would run it, and keeps standard output to itself; its variables name what is drawn."""
    assert run("draw", "scripts/net.py", "-o", "new/net.svg", "--args", "--lr", "0.1") == 0
    out, err = capsys.readouterr()
    assert out == "__main__ ['scripts/net.py', '--lr', '0.1']\n"
    assert err == "new/net.svg: loss of scripts/net.py, shape ()\n"
    svg = (net.parents[1] / "new" / "net.svg").read_text()
    words = " ".join(ElementTree.fromstring(svg).itertext())
    assert "h = x × 3" in words and "loss = h × h" in words and "backward() has not run" in words


@pytest.mark.parametrize(
    "options, there, missing",
    [
        ("--name h", "h = x × 3", "loss"),
        ("--no-names", "▶", "loss"),
        ("--gradients compute", "∂loss/∂h: h = 6", "has not run"),
        ("--precision 2 --gradients compute --max-width 500 --edges none --no-legend", "loss", "∂ local"),
    ],
)
def test_draw_a_script_in_other_ways(net, options, there, missing):
    """The options reach the picture."""
    assert run("draw", net, *options.split()) == 0
    words = " ".join(ElementTree.parse(net.with_suffix(".svg")).getroot().itertext())
    assert there in words and missing not in words


def test_every_option_of_draw():
    """What draw() takes, the command takes: all but the names, which it takes from the script."""
    assert {*LOOKS, "legend", "names"} == {*inspect.signature(draw).parameters} - {"tensor"}


@pytest.mark.parametrize(
    "suffix, start", [("html", "<!doctype html>"), ("json", "{"), ("mmd", "flowchart"), ("dot", "digraph")]
)
def test_draw_a_script_in_other_formats(net, suffix, start):
    """The suffix says what is written."""
    assert run("draw", net, "-o", f"x.{suffix}", "--gradients", "compute") == 0
    assert start in (net.parents[1] / f"x.{suffix}").read_text()


FAULTS = {
    "def f(x):\n    return 1 / x\nf(0)\n": (1, "ZeroDivisionError: division by zero"),
    "x = = 2\n": (1, "SyntaxError: invalid syntax"),
    "raise OSError(2, 'No such file', 'data.csv')": (1, "FileNotFoundError: [Errno 2] No such file: 'data.csv'"),
    "import beside, missing": (1, "ModuleNotFoundError: No module named 'missing'"),
    "import sys; sys.exit('no data')": (1, "no data"),
    "import sys; sys.exit(7)": (7, ""),
}


@pytest.mark.parametrize("source, expected", FAULTS.items(), ids=FAULTS)
def test_faults_of_a_script(net, source, expected):
    """Its errors look as if Python had run it: not a line of ours in the traceback, the same status; no picture."""
    net.write_text(source)
    with start("draw", net) as process:
        _, err = process.communicate()
    assert (process.returncode, err.splitlines()[-1] if err else "") == expected
    assert err == subprocess.run([sys.executable, net], capture_output=True, text=True).stderr
    assert not net.with_suffix(".svg").exists()


def test_a_script_that_exits_well(net):
    """sys.exit() and sys.exit(0) at its end are no failure: the picture is drawn."""
    net.write_text(NET + "sys.exit(0)\n")
    assert run("draw", net) == 0 and net.with_suffix(".svg").exists()


def test_a_name_that_is_not_there(net, capsys):
    """The message lists the Tensors that are, one a line."""
    assert run("draw", net, "--name", "lost") == 2
    err = capsys.readouterr().err.splitlines()
    assert err[0].startswith("chalkgrad: ") and err[0].endswith("has no variable lost. Its Tensors, by variable:")
    assert err[1:] == ["  x     ()  no gradient", "  h     ()  no gradient", "  loss  ()  no gradient"]


def test_draw_narrowly(folder, checkpoint):
    """A narrow picture says what it leaves out."""
    assert run("draw", checkpoint, "-o", "fox.svg", "--max-width", 300) == 0
    assert "Not shown" in (folder / "fox.svg").read_text()


def test_draw_beside_the_checkpoint(checkpoint):
    """Without a name, the picture takes the checkpoint's."""
    assert run("draw", checkpoint, "--steps", 1) == 0
    assert checkpoint.with_suffix(".svg").is_file()


def test_doctor(capsys):
    """The doctor reports where autograd comes from."""
    assert run("doctor") == 0
    assert capsys.readouterr().out.startswith("autograd ")


@pytest.mark.parametrize("command", ["train", "generate", "predict", "draw", "doctor"])
def test_help(command, capsys):
    """Every option has a help text."""
    assert run(command, "--help") == 0
    text = capsys.readouterr().out
    lines = text[text.index("options:") :].splitlines()
    for line, following in zip(lines, [*lines[1:], ""]):
        if line.startswith("  -"):
            assert len(line.split()) > 3 or following.startswith(" " * 20), line


TABLE = "".join(
    f"a {opinion} film number {i}\t{label}\n" for i in range(60) for opinion, label in (("good", 1), ("bad", 0))
)
FEW = "--task sentiment --data films.tsv --hidden 5 --embedding 3 --epochs 6 --lr 0.03".split()


@pytest.fixture
def films(folder):
    """Work in a folder with a table of opinions."""
    (folder / "films.tsv").write_text(TABLE)
    return folder


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """Save an untrained sentiment model."""
    path = tmp_path_factory.mktemp("model") / "judge.safetensors"
    SentimentRun((uci_sentiment(), None), SentimentSettings(hidden=4, embedding=3)).save(path)
    return path


def test_train_sentiment(films, capsys):
    """It says what is held out, reports each epoch, and compares with naive Bayes on the same texts."""
    assert run("train", *FEW, "--pooling", "mean", "-o", "films.npz", "--metrics", "log/films.jsonl") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == ("96 texts to learn from, 10 of them to choose the best epoch; 24 to test with (seed 0).")
    assert [line.split(":")[0] for line in lines if line.startswith("epoch")] == [f"epoch {i}/6" for i in range(1, 7)]
    assert "100.0%  by naive Bayes" in lines[-4] and "100.0%  by this LSTM" in lines[-3]
    assert SentimentRun.load("films.npz")[0].pooling == "mean"
    rows = [json.loads(line) for line in (films / "log" / "films.jsonl").read_text().splitlines()]
    assert [row.get("epoch") for row in rows] == [1, 2, 3, 4, 5, 6, None]
    assert rows[-1]["test_accuracy"] == rows[-1]["naive_bayes_accuracy"] == 1.0
    assert run("train", *FEW, "--patience", 1, "--lr", 3, "--metrics", "log/films.jsonl") == 0
    assert "Stopped early: no better since epoch" in capsys.readouterr().out
    assert len((films / "log" / "films.jsonl").read_text().splitlines()) > 7


def test_imdb_is_read(folder, capsys):
    """The folder aclImdb brings its own texts to test with."""
    for i in range(20):
        for part in ("train", "test"):
            for opinion, word in (("pos", "good"), ("neg", "bad")):
                file = folder / "aclImdb" / part / opinion / f"{i}_{9 if opinion == 'pos' else 2}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(f"{word}<br />{part} film {i}")
    assert run("train", "--task", "sentiment", "--data", "aclImdb", *FEW[4:]) == 0
    out = capsys.readouterr().out
    assert "40 texts to learn from, 4 of them" in out and "40 to test with (seed 0)" in out


def test_predict(judge, capsys):
    """Without a terminal: a signed number and a bar for each word, and the words that are not known."""
    assert run("predict", judge, "The FOOD wasn't good, \x1b[2Jzither!") == 0
    out = capsys.readouterr().out
    model, vocabulary, _ = SentimentRun.load(judge)
    z, values = model.by_word(vocabulary.encode("The food wasn't good, [2Jzither!"))
    assert out.splitlines()[0] == f"{'positive' if z > 0 else 'negative'}: {1 / (1 + math.exp(-abs(z))):.1%} sure"
    shown = [line.split() for line in out.splitlines() if line.startswith("  ") and line[2] in "+-"]
    assert [row[-1] for row in shown] == ["The", "FOOD", "wasn't", "good", "2Jzither", "!"]
    assert [float(row[0]) for row in shown] == pytest.approx(values, abs=6e-4)
    assert out.endswith("not known to the model: 2jzither\n") and "\x1b" not in out


@pytest.mark.parametrize("no_color", [None, "", "1"])
def test_predict_in_a_terminal(judge, capsys, monkeypatch, no_color):
    """The text itself, coloured, unless NO_COLOR is set to something."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert run("predict", judge, "The food was good!") == 0
    out = capsys.readouterr().out
    assert ("\x1b[" in out) == ("blue: towards positive" in out) == (not no_color)


@pytest.mark.parametrize("options, steps", [("", 3), ("--steps 1", 1), ("--text not.good", 2)])
def test_draw_a_judgement(folder, judge, capsys, options, steps):
    """The picture of a sentiment model goes from the words to the logit."""
    assert run("draw", judge, "-o", "judge.svg", *options.split()) == 0
    svg = (folder / "judge.svg").read_text()
    assert all((f"t={t}<" in svg) == (1 <= t <= steps) for t in range(steps + 2))
    assert f"judge.svg: {steps} step" in capsys.readouterr().out


MISTAKES = {
    "": "required: COMMAND",
    "paint": "invalid choice: 'paint'",
    "train --hiden 5": "unrecognized arguments: --hiden",
    "train --hidden 0": "--hidden: expected a whole number, at least 1, not '0'",
    "train --epochs x": "--epochs: expected a whole number, at least 1, not 'x'",
    "train --lr 0": "--lr: expected a number, more than 0, not '0'",
    "train --lr nan": "--lr: expected a number, more than 0, not 'nan'",
    "train --held-out 1": "--held-out: expected a number, more than 0 and less than 1, not '1'",
    "train --cell transformer": "--cell: invalid choice: 'transformer'",
    "train none.txt": "none.txt does not exist",
    "train .": ". is a folder",
    "train empty.txt": "empty.txt is empty",
    "train bytes.txt": "bytes.txt is not UTF-8 text: byte 0xff at position 2",
    "train one.txt": "the text is too short",
    "train short.txt": "32 windows of 16 steps side by side need 513 characters, it has 90",
    "train fox.txt --batch 2 --prefix Ü": "in the prefix 'Ü': character 'Ü' at position 0 is not in the vocabulary",
    "train fox.txt --prefix": "--prefix: expected one argument",
    "train fox.txt --batch 2 -o .": ". is a folder",
    "train fox.txt --batch 2 -o fox.txt/a": "fox.txt",
    "train fox.txt --batch 2 -o ./fox.txt": "fox.txt is the file to read",
    "train fox.txt --batch 2 -o /proc/none/a": "/proc/none",
    "train --resume none": "none: No such file",
    "train fox.txt --resume fox.txt": "fox.txt is not a safetensors file",
    "train fox.txt --resume CHECKPOINT --hidden 7": "settles --hidden",
    "train short.txt --resume CHECKPOINT": "it was trained on other data",
    "train --resume JUDGE --task language": "is for the task sentiment",
    "train --resume JUDGE fox.txt": "TEXT goes with --task language, and this is --task sentiment",
    "train --resume JUDGE --pooling mean": "settles --pooling",
    "train --task sentiment --resume CHECKPOINT": "is for the task language",
    "train --pooling mean": "--pooling goes with --task sentiment, and this is --task language",
    "train --data uci": "--data goes with --task sentiment",
    "train --task sentiment fox.txt": "TEXT goes with --task language",
    "train --task sentiment --steps 3 --sample 5": "--sample, --steps goes with --task language",
    "train --task sentiment --data none": "none does not exist; expected uci, rt",
    "train --task sentiment --data .": "no reviews in train/neg and pos",
    "train --task sentiment --data fox.txt": "fox.txt, line 1: 1 columns",
    "train --task sentiment --data uci --label-column 2": "only a table has columns",
    "train --task sentiment --words 0": "--words: expected a whole number, at least 1",
    "train --task sentiment --validation 0.0001": "of 2400 texts, 0 are to be held out",
    "train --task sentiment -o model.pt": "model.pt is the name of a pickle",
    "train --task sentiment --data table.csv -o table.csv": "table.csv is the file to read",
    "train --task sentiment --data table.csv --metrics table.csv": "table.csv is the file to read",
    "train --batch 2 --metrics .": ". is a folder",
    "train --batch 2 --metrics a -o a": "a can't take the model and the metrics",
    "predict": "required: CHECKPOINT, TEXT",
    "predict CHECKPOINT good": "is a model for the task 'language'; expected one for 'sentiment'",
    "predict JUDGE ...": "no word in the text '...'",
    "predict none good": "none: No such file",
    "generate JUDGE": "is a model for the task 'sentiment'; expected one for 'language'",
    "draw JUDGE --text ...": "no word in the text to draw",
    "generate": "required: CHECKPOINT",
    "generate none": "none: No such file",
    "generate .": "Is a directory",
    "generate fox.txt": "fox.txt is not a safetensors file",
    "generate pickle": "it looks like a pickle",
    "generate CHECKPOINT --prefix 5": "character '5' at position 0 is not in the vocabulary",
    "generate CHECKPOINT --temperature -1": "--temperature: expected a number, at least 0, not '-1'",
    "generate CHECKPOINT -n -1": "-n: expected a whole number, at least 0, not '-1'",
    "draw none": "none: No such file",
    "draw fox.txt": "fox.txt is not a safetensors file",
    "draw CHECKPOINT -o a.bmp": "a.bmp",
    "draw CHECKPOINT -o CHECKPOINT": "is the file to read",
    "draw CHECKPOINT -o /proc/none/a.svg": "/proc/none",
    "draw CHECKPOINT --text a": "needs two characters",
    "draw CHECKPOINT --text a5": "character '5' at position 1",
    "draw CHECKPOINT --steps 0": "--steps: expected a whole number",
    "draw CHECKPOINT --steps 2 --text dog": "not allowed with",
    "draw CHECKPOINT --rankdir up": "rankdir is 'LR' (to the right) or 'TB' (downwards); 'up' came",
    "draw CHECKPOINT --name loss": "--name is of no use here",
    "draw .": "Is a directory",
    "draw none.py": "none.py: No such file",
    "draw net.py --steps 2": "--steps is of no use here: net.py is run as a script",
    "draw net.py -o a.bmp": "a.bmp",
    "draw net.py -o net.py": "net.py is the file to read",
    "draw net.py -o /proc/none/a.svg": "/proc/none",
    "draw net.py --precision 0": "precision is a number of digits from 1 to 17; 0 came",
    "draw net.py --max-width 0": "--max-width: expected a number, more than 0",
    "draw net.py --expand t=3": "no scope matches expand='t=3'",
}


@pytest.mark.parametrize("line, message", MISTAKES.items(), ids=MISTAKES)
def test_mistakes(folder, checkpoint, judge, capsys, line, message):
    """A mistake gives one line that names it, status 2, and no file."""
    (folder / "empty.txt").write_bytes(b"")
    (folder / "bytes.txt").write_bytes(b"ab\xff")
    (folder / "one.txt").write_text("a")
    (folder / "net.py").write_text("from autograd import Tensor\nloss = Tensor(2.0, requires_grad=True) * 3\n")
    (folder / "table.csv").write_text("good,1\nbad,0\n" * 30)
    (folder / "short.txt").write_text("ab" * 50)
    (folder / "pickle").write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00")
    before = sorted(os.listdir())
    assert run(*line.replace("CHECKPOINT", str(checkpoint)).replace("JUDGE", str(judge)).split()) == 2
    out, err = capsys.readouterr()
    assert message in err and len(err.splitlines()) == 1 and out == ""
    assert sorted(os.listdir()) == before


def start(*arguments):
    """Start the command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "nn", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_interrupt_and_resume(folder, capsys):
    """Ctrl-C saves, says how to go on, and exits with 130; going on ends as if nothing had happened."""
    options = [*SMALL, "--epochs", 40]
    assert run("train", "fox.txt", *options, "-o", "whole") == 0
    with start("train", "fox.txt", *options, "-o", "parts") as process:
        while "epoch 2/40" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert "stopped and saved in epoch" in err and "Traceback" not in err
    assert err.endswith("To go on: chalkgrad train fox.txt --resume parts\n")
    assert LanguageRun.load("parts")[2]["epoch"] < 40
    whole = capsys.readouterr().out.replace("whole", "parts").splitlines()
    assert run("train", "fox.txt", "--resume", "parts", "--sample", 30) == 0
    parts = capsys.readouterr().out.splitlines()
    assert parts[-12:] == whole[-12:]
    assert (folder / "parts").read_bytes() == (folder / "whole").read_bytes()


def test_interrupt_and_resume_sentiment(films, capsys):
    """The same for labelled texts: a checkpoint that loads, and that goes on to the same file."""
    options = [*FEW, "--epochs", 60]
    assert run("train", *options, "-o", "whole") == 0
    with start("train", *options, "-o", "parts") as process:
        while "epoch 2/60" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert err.endswith("To go on: chalkgrad train --task sentiment --data films.tsv --resume parts\n")
    assert SentimentRun.load("parts")[2]["epoch"] < 60
    assert run("train", "--task", "sentiment", "--data", "films.tsv", "--resume", "parts") == 0
    assert (films / "parts").read_bytes() == (films / "whole").read_bytes()


def test_divergence(folder, capsys):
    """A learning rate far too high ends in one line that says so, with status 1."""
    with pytest.warns(RuntimeWarning):
        assert run("train", "fox.txt", *SMALL, "--lr", "1e38") == 1
    assert "the training diverged: the loss became" in capsys.readouterr().err
