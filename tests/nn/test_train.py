"""Training: it learns, and it can be stopped anywhere and resumed without a trace."""

import json

import numpy as np
import pytest

from nn import checkpoint
from nn.checkpoint import read_tensors, write_tensors
from nn.ngram import floors
from nn.recurrent import as_tuple
from nn.text import perplexity
from nn.language_run import LanguageRun, LanguageSettings, evaluate
from nn.reviews import Reviews
from nn.sentiment_run import SentimentRun, SentimentSettings
from nn.train import train

TEXT = "the quick brown fox jumps over the lazy dog. " * 12
SMALL = {"hidden": 6, "embedding": 3, "steps": 5, "batch": 4, "epochs": 2}
REVIEWS = Reviews([f"{word} {i} film" for i in range(40) for word in ("good", "bad")], np.tile([1, 0], 40)), None
FEW = {"hidden": 5, "embedding": 3, "batch": 8, "epochs": 3}
WINDOWS = (486 - 1) // 4 // 5  # in an epoch of TEXT


def stop_after(updates):
    """Make the function that asks to stop before update number `updates`."""
    answers = iter([False] * updates)
    return lambda: next(answers, True)


def test_learns(tmp_path, capsys):
    """A text that repeats is learned nearly by heart, beyond what counting pairs of characters can do."""
    run = LanguageRun(TEXT, LanguageSettings(hidden=24, embedding=8, steps=9, batch=2, epochs=12, lr=0.03))
    assert train(run, tmp_path / "a")
    floor = floors(run.train_ids, run.validation_ids, len(run.vocabulary))
    losses = [row["validation_loss"] for row in run.history]
    assert perplexity(losses[-1]) < floor[2] < perplexity(losses[0])
    assert losses[-1] == pytest.approx(evaluate(run.model, run.validation_ids))
    assert len(capsys.readouterr().out.splitlines()) == len(losses) == 12


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_compiled_steps_learn_the_same(tmp_path, cell):
    """Generated code computes the losses that the model itself does, epoch by epoch; it is made twice, no more."""
    histories = []
    for compiled in (False, True):
        run = LanguageRun(TEXT, LanguageSettings(**SMALL, cell=cell, layers=2))
        if compiled:
            run.compile()
        assert train(run, tmp_path / "a")
        histories.append([value for row in run.history for value in row.values()])
    assert histories[0] == pytest.approx(histories[1], rel=1e-4)
    assert len(run.loss_of.variants) == 2  # for the first window of a text, and for those behind it


@pytest.mark.parametrize("cell, layers", [("lstm", 1), ("lstm", 2), ("gru", 1), ("rnn", 1)])
@pytest.mark.parametrize("stops", [[0], [1], [WINDOWS], [WINDOWS + 3], [2, 7, WINDOWS, 9]])
def test_resumed_run_is_the_same(tmp_path, cell, layers, stops):
    """However often a run is stopped and resumed, its file comes out the same, byte for byte."""
    settings = LanguageSettings(**SMALL, cell=cell, layers=layers)
    assert train(LanguageRun(TEXT, settings), tmp_path / "whole")
    run = LanguageRun(TEXT, settings)
    for updates in stops:
        if not train(run, tmp_path / "parts", stop_after(updates)):
            run = LanguageRun.resume(tmp_path / "parts", TEXT)
    assert train(run, tmp_path / "parts")
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("pooling, layers, best", [("last", 1, 3), ("mean", 2, 1)])
@pytest.mark.parametrize("stops", [[0], [3], [8], [2, 7, 9]])
def test_resumed_sentiment_run_is_the_same(tmp_path, pooling, layers, best, stops):
    """With its shuffled batches and its dropout too, and where the best epoch is not the last."""
    settings = SentimentSettings(**FEW, pooling=pooling, layers=layers, lr=0.01)
    run = SentimentRun(REVIEWS, settings)
    assert len(run.batches()) == 8 and settings.dropout > 0
    assert train(run, tmp_path / "whole")
    assert run.best_epoch == best
    run = SentimentRun(REVIEWS, settings)
    for updates in stops:
        if not train(run, tmp_path / "parts", stop_after(updates)):
            run = SentimentRun.resume(tmp_path / "parts", REVIEWS)
    assert train(run, tmp_path / "parts")
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


class Measured(LanguageRun):
    """A run whose losses in validation are given."""

    losses = ()

    def validate(self):
        return {"validation_loss": self.losses[self.epoch]}


@pytest.mark.parametrize("losses, patience, epochs, best", [
    ((3, 2, 4, 1, 5), 0, 5, 4),
    ((3, 2, 4, 1, 5), 2, 5, 4),
    ((3, 2, 4, 1, 5), 1, 3, 2),
    ((1, 2, 2, 0, 0), 3, 5, 4),
    ((1, 2, 2, 2, 0), 3, 4, 1),
])  # fmt: skip
def test_the_best_epoch_is_kept(tmp_path, losses, patience, epochs, best):
    """The file holds the parameters of the epoch with the lowest loss; patience counts the epochs since it."""
    run = Measured(TEXT, LanguageSettings(**{**SMALL, "epochs": 5}, patience=patience))
    run.losses = tuple(map(float, losses))
    after = []
    assert train(run, tmp_path / "a", record=lambda row: after.append(run.model.state_dict()["linear.weight"]))
    assert (len(after), run.epoch, run.best_epoch) == (epochs, epochs, best)
    np.testing.assert_array_equal(LanguageRun.load(tmp_path / "a")[0].linear.weight.data, after[best - 1])
    again = Measured.resume(tmp_path / "a", TEXT)
    np.testing.assert_array_equal(again.model.linear.weight.data, after[-1])
    np.testing.assert_array_equal(again.best["linear.weight"], after[best - 1])
    assert again.finished and again.history == run.history


def test_record(tmp_path):
    """What was measured in each epoch: numbers in a plain dict, which JSON can hold."""
    rows = []
    train(SentimentRun(REVIEWS, SentimentSettings(**FEW)), tmp_path / "a", record=rows.append)
    assert [row["epoch"] for row in json.loads(json.dumps(rows))] == [1, 2, 3]
    assert set(rows[0]) == {"epoch", "loss", "validation_loss", "validation_accuracy", "seconds", "peak_memory_mib"}
    assert all(0 < row["seconds"] < 60 and 20 < row["peak_memory_mib"] < 10_000 for row in rows)


def test_a_model_of_another_task(tmp_path):
    """A sentiment model can't write, and the error says what it is."""
    SentimentRun(REVIEWS, SentimentSettings(**FEW)).save(tmp_path / "a")
    with pytest.raises(ValueError, match="a is a model for the task 'sentiment'; expected one for 'language'"):
        LanguageRun.load(tmp_path / "a")


def test_other_reviews_are_refused(tmp_path):
    """Another label is other data."""
    SentimentRun(REVIEWS, SentimentSettings(**FEW)).save(tmp_path / "a")
    labels = REVIEWS[0].labels.copy()
    labels[:2] = labels[1::-1]
    with pytest.raises(ValueError, match="it was trained on other data"):
        SentimentRun.resume(tmp_path / "a", (Reviews(REVIEWS[0].texts, labels), None))


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_the_state_is_carried_from_window_to_window(tmp_path, cell):
    """With a learning rate of 0, the state after three windows is that after the three in one, without history."""
    run = LanguageRun(TEXT, LanguageSettings(**SMALL, cell=cell, lr=0.0))
    train(run, tmp_path / "a", stop_after(3))
    _, expected = run.model(np.concatenate([x for x, _ in run.windows[:3]]))
    assert len(as_tuple(run.state)) == len(as_tuple(expected))
    for part, whole in zip(as_tuple(run.state), as_tuple(expected)):
        np.testing.assert_allclose(part.data, whole.data, rtol=1e-5, atol=1e-7)
        assert part.is_leaf and not part.requires_grad


def test_another_seed_is_another_run(tmp_path):
    """The comparison above can fail."""
    for seed in (0, 1):
        train(LanguageRun(TEXT, LanguageSettings(**SMALL, seed=seed)), tmp_path / f"{seed}")
    assert (tmp_path / "0").read_bytes() != (tmp_path / "1").read_bytes()


def test_more_epochs(tmp_path):
    """A finished run can be resumed for more epochs; without, nothing is left to do."""
    train(LanguageRun(TEXT, LanguageSettings(**SMALL)), tmp_path / "a")
    run = LanguageRun.resume(tmp_path / "a", TEXT)
    before = run.model.state_dict()["linear.weight"]
    assert train(run, tmp_path / "a") and len(run.history) == 2
    np.testing.assert_array_equal(run.model.state_dict()["linear.weight"], before)
    run = LanguageRun.resume(tmp_path / "a", TEXT, epochs=3)
    assert train(run, tmp_path / "a") and len(run.history) == 3
    assert not np.array_equal(run.model.state_dict()["linear.weight"], before)


def test_another_text_is_refused(tmp_path):
    """To resume with a text that differs in one character would not continue the run."""
    run = LanguageRun(TEXT, LanguageSettings(**SMALL, letters=True))
    run.save(tmp_path / "a")
    with pytest.raises(ValueError, match="a can't be resumed: it was trained on other data"):
        LanguageRun.resume(tmp_path / "a", TEXT.replace("lazy dog", "lazy cog"))
    assert LanguageRun.resume(tmp_path / "a", TEXT).data == run.data


def test_divergence(tmp_path):
    """A loss that is no longer finite stops the run, and leaves the file of the last epoch."""
    run = LanguageRun(TEXT, LanguageSettings(**SMALL))
    run.save(tmp_path / "a")
    before = (tmp_path / "a").read_bytes()
    run.model.linear.bias.data = np.full(len(run.vocabulary), np.nan)
    with pytest.raises(FloatingPointError, match="the loss became nan in epoch 1"):
        train(run, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == before


def test_load(tmp_path):
    """A saved model predicts as it did."""
    run = LanguageRun(TEXT, LanguageSettings(**SMALL, cell="rnn", layers=2))
    train(run, tmp_path / "a")
    model, vocabulary, metadata = LanguageRun.load(tmp_path / "a")
    assert vocabulary == run.vocabulary
    assert (metadata["prefix"], metadata["excerpt"]) == ("the", vocabulary.decode(run.validation_ids))
    x = run.train_ids[:12].reshape(4, 3)
    np.testing.assert_array_equal(model(x)[0].data, run.model(x)[0].data)


HUGE = {"hidden": 10**9, "embedding": 10**9, "layers": 10**9}


@pytest.mark.parametrize(
    "changes",
    [{"settings": None}, {"settings": {"depth": 3}}, {"settings": {**SMALL, "lr": "1"}}]
    + [{"vocabulary": {}}, {"vocabulary": {"characters": "ab", "unknown": None}}]
    + [{"settings": {**SMALL, name: size}} for name, size in HUGE.items()]
    + [{"settings": {**SMALL, name: "6"}} for name in HUGE]
    + [{"settings": {**SMALL, "cell": cell}} for cell in ("transformer", "rnn", [])]
    + [{"prefix": 5}, {"prefix": "%"}, {"prefix": ""}, {"excerpt": "%"}, {"excerpt": None}],
)
def test_a_checkpoint_of_another_kind(tmp_path, changes):
    """Metadata that do not describe the arrays are refused before a model of that size is made."""
    run = LanguageRun(TEXT, LanguageSettings(**SMALL))
    run.save(tmp_path / "a")
    parameters, metadata = checkpoint.read(tmp_path / "a")
    checkpoint.save(tmp_path / "a", run.model, **{**metadata, **changes})
    with pytest.raises(ValueError, match="a is not a checkpoint of `chalkgrad train`, or is damaged"):
        LanguageRun.load(tmp_path / "a")


@pytest.mark.parametrize(
    "name", ["optimizer", "rng", "epoch", "step", "count", "loss_sum", "state", "history", "data", "latest"]
)
@pytest.mark.parametrize("value", ["lost", {}, [[]]])
def test_a_checkpoint_that_can_not_be_resumed(tmp_path, name, value):
    """What the rest of the run depends on is checked when it is read."""
    run = LanguageRun(TEXT, LanguageSettings(**SMALL))
    train(run, tmp_path / "a", stop_after(WINDOWS + 2))
    _, metadata = checkpoint.read(tmp_path / "a")
    checkpoint.save(tmp_path / "a", run.model, **{**metadata, name: value})
    with pytest.raises(ValueError, match="a can't be resumed"):
        LanguageRun.resume(tmp_path / "a", TEXT)


def test_a_file_of_another_program(tmp_path):
    """A safetensors file that no training has written is named as such."""
    write_tensors(tmp_path / "a", {"x": np.zeros(3)}, {"format": "pt"})
    assert read_tensors(tmp_path / "a")[1] == {"format": "pt"}
    with pytest.raises(ValueError, match="not a checkpoint of `chalkgrad train`"):
        LanguageRun.load(tmp_path / "a")
