"""Training on labelled texts: what is held out, what is learned; the loop itself is tested in test_train.py."""

import math

import numpy as np
import pytest

from nn import naive_bayes
from nn.reviews import Reviews, uci_sentiment
from nn.sentiment_run import SentimentRun, SentimentSettings, evaluate
from nn.train import train
from nn.words import pad


def reviews(n, seed=0):
    """Make texts in which `not` turns the opinion round: counting words can't tell."""
    rng = np.random.default_rng(seed)
    texts, labels = [], rng.integers(0, 2, n)
    for label in labels:
        turned = rng.integers(0, 2)
        opinion = ["bad", "good"][label ^ turned]
        texts.append(" ".join([*rng.choice(["the", "film", "was"], 2), *["not"] * turned, opinion]))
    return Reviews(texts, labels)


SETTINGS = SentimentSettings(hidden=16, embedding=16, batch=16, epochs=15, lr=0.03, dropout=0.0)


@pytest.mark.parametrize("pooling, cell", [("last", "lstm"), ("mean", "lstm"), ("last", "rnn")])
def test_learns_what_counting_can_not(tmp_path, capsys, pooling, cell):
    """The order of words matters here, and the network finds it out."""
    run = SentimentRun((reviews(400), None), SentimentSettings(**{**vars(SETTINGS), "pooling": pooling, "cell": cell}))
    assert train(run, tmp_path / "a")
    assert naive_bayes.accuracy(*run.learned, *run.test) < 0.8
    model, vocabulary, metadata = SentimentRun.load(tmp_path / "a")
    ids, labels = run.encode(run.test)
    loss, right = evaluate(model, ids, labels)
    assert right > 0.97
    z = model(*pad(ids)).data
    assert right == np.mean((z > 0) == labels)
    assert loss == pytest.approx(np.mean(np.logaddexp(0, -z * (2 * labels - 1))), rel=1e-5)
    assert metadata["excerpt"] == run.excerpt and vocabulary == run.vocabulary
    assert "right (" in capsys.readouterr().out


def test_nothing_leaks():
    """The parts have no text in common, and the words come from those that are trained on."""
    texts = Reviews([f"word{i} twice word{i}" for i in range(200)], np.arange(200) % 2)
    run = SentimentRun((texts, None), SETTINGS)
    sizes = len(run.train_ids), len(run.validation[0]), len(run.test.texts)
    assert sizes == (144, 16, 40) and len(run.learned.texts) == 160
    assert set(run.learned.texts).isdisjoint(run.test.texts)
    assert len(run.vocabulary) == 2 + 1 + 144
    assert (
        sum(f"word{i}" in run.vocabulary.symbols and f"word{i} twice word{i}" in run.test.texts for i in range(200))
        == 0
    )


def test_texts_set_apart():
    """Texts to test with that come apart are all used, and no other."""
    test = reviews(30, seed=1)
    run = SentimentRun((reviews(100), test), SETTINGS)
    assert run.test is test and len(run.learned.texts) == 100


def test_each_epoch_has_its_order():
    """The batches depend on seed and epoch alone, so that a resumed run finds them again."""
    run = SentimentRun((reviews(100), None), SETTINGS)
    first, again = run.batches(), run.batches()
    run.epoch = 1
    second = run.batches()
    assert [part.tolist() for part in first] == [part.tolist() for part in again]
    assert [part.tolist() for part in first] != [part.tolist() for part in second]


def test_length_and_words_are_limited():
    """Only so many words are known, and only the last ones of a text are read."""
    run = SentimentRun((reviews(100), None), SentimentSettings(**{**vars(SETTINGS), "words": 3, "length": 2}))
    assert len(run.vocabulary) == 5 and {len(ids) for ids in run.train_ids} == {2}


@pytest.mark.slow
def test_uci_sentiment(tmp_path):
    """With the settings that `chalkgrad train --task sentiment` has, at least 80 %, as PyTorch reaches."""
    run = SentimentRun((uci_sentiment(), None), SentimentSettings())
    assert train(run, tmp_path / "a")
    model, _, _ = SentimentRun.load(tmp_path / "a")
    loss, right = evaluate(model, *run.encode(run.test))
    assert right >= 0.8 and loss < math.log(2)
