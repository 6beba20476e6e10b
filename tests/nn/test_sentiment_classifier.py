"""The sentiment classifier: pooling over true lengths, names, and what each word contributes."""

import numpy as np
import pytest

from autograd import toposort
from nn import SentimentClassifier
from nn.words import pad

V, D, H = 9, 3, 5
TEXTS = [np.array(ids) for ids in ([4, 2, 7], [3], [5, 5, 8, 2, 6])]


def make(cell="lstm", pooling="last", layers=1, dropout=0.0):
    return SentimentClassifier(
        V, H, D, cell, layers, pooling, dropout, rng=np.random.default_rng(0), dtype=np.float64
    ).eval()


@pytest.mark.parametrize("pooling", ["last", "mean"])
@pytest.mark.parametrize("cell, layers", [("lstm", 1), ("gru", 1), ("rnn", 2)])
def test_a_padded_text_is_the_text_alone(cell, layers, pooling):
    """Logits and gradients of a batch are those of its texts, whatever fills them up."""
    model = make(cell, pooling, layers)
    ids, lengths = pad(TEXTS)
    z = model(ids, lengths)
    (z**2).sum().backward()
    together = {name: p.grad.copy() for name, p in model.named_parameters()}
    model.zero_grad()
    for text, logit in zip(TEXTS, z.data):
        alone = model(text[:, np.newaxis])
        np.testing.assert_allclose(alone.data, [logit], rtol=1e-12)
        (alone**2).sum().backward()
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(together[name], parameter.grad, rtol=1e-9, atol=1e-14, err_msg=name)
    assert not together["embedding.weight"][0].any()
    other = np.where(np.arange(len(ids))[:, np.newaxis] < lengths, ids, 8)
    np.testing.assert_array_equal(model(other, lengths).data, z.data)


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_pooling_by_hand(pooling):
    """h after the last word, or the mean of h over the words; then the linear map."""
    model = make(pooling=pooling, layers=2)
    text = TEXTS[2]
    output, _ = model.rnn(model.embedding(text[:, np.newaxis]))
    pooled = output.data[-1, 0] if pooling == "last" else output.data[:, 0].mean(axis=0)
    expected = pooled @ model.linear.weight.data[0] + model.linear.bias.data[0]
    assert model(text[:, np.newaxis]).item() == pytest.approx(expected, rel=1e-12)


def test_by_word():
    """Gradient × input of each word, against a difference quotient along the word's own vector."""
    model, text, eps = make(pooling="mean"), TEXTS[2], 1e-6
    z, values = model.by_word(text)
    assert z == pytest.approx(model(text[:, np.newaxis]).item()) and values.shape == (5,)
    vectors = model.embedding.weight.data[text][:, np.newaxis]
    for t, value in enumerate(values):
        scaled = [vectors.copy(), vectors.copy()]
        scaled[0][t] *= 1 + eps
        scaled[1][t] *= 1 - eps
        above, below = (model.judge(type(model(text[:, np.newaxis]))(x)).item() for x in scaled)
        assert (above - below) / (2 * eps) == pytest.approx(value, rel=1e-6)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_dropout_acts_in_training_only():
    """It leaves out entries of the words' vectors."""
    model = make(dropout=0.5)
    ids, lengths = pad(TEXTS)
    np.testing.assert_array_equal(model(ids, lengths).data, model(ids, lengths).data)
    np.testing.assert_array_equal(model(ids, lengths).data, make()(ids, lengths).data)
    model.train()
    assert not np.array_equal(model(ids, lengths).data, model(ids, lengths).data)


def test_names():
    """Parameters as PyTorch would name them; the nodes of a picture say what they are."""
    model = make()
    assert [name for name, _ in model.named_parameters()] == [
        "embedding.weight", "rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0",
        "linear.weight", "linear.bias",
    ]  # fmt: skip
    assert {"x", "h1", "c1", "text", "z"} <= {node.name for node in toposort([model(TEXTS[1][:, np.newaxis])])}
    assert "pooling='last'" in repr(model)


@pytest.mark.parametrize(
    "options, message",
    [({"cell": "transformer"}, "lstm, gru, rnn, not 'transformer'"), ({"pooling": "max"}, "last, mean")],
)
def test_mistakes(options, message):
    """The error lists what there is."""
    with pytest.raises(ValueError, match=message):
        make(**options)
