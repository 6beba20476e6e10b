"""The language model: shapes, carried state, the two ways to write a character as a vector."""

import itertools

import numpy as np
import pytest

from nn.language_model import LanguageModel
from nn.recurrent import as_tuple

V, D, H, T, B = 7, 3, 5, 6, 2


@pytest.mark.parametrize(
    "cell, embedding_size, layers", list(itertools.product(["lstm", "gru", "rnn"], [None, D], [1, 2]))
)
def test_a_carried_state_continues_the_text(cell, embedding_size, layers):
    """Two halves, the second begun with the state of the first, give the logits of the whole."""
    rng = np.random.default_rng(0)
    model = LanguageModel(V, H, embedding_size, cell, layers, rng=rng)
    x = rng.integers(0, V, (T, B))
    logits, last = model(x)
    first, state = model(x[:4])
    second, state = model(x[4:], state)
    assert logits.shape == (T, B, V) and logits.dtype == np.float32
    np.testing.assert_allclose(np.concatenate([first.data, second.data]), logits.data, rtol=1e-5)
    for a, b in zip(as_tuple(state), as_tuple(last), strict=True):
        assert a.shape == (layers, B, H)
        np.testing.assert_allclose(a.data, b.data, rtol=1e-5)


def test_one_hot():
    """One-hot characters are vectors that are not learned: the same as an embedding whose weight is the identity."""
    one_hot = LanguageModel(V, H, None, rng=np.random.default_rng(1))
    embedded = LanguageModel(V, H, V, rng=np.random.default_rng(2))
    embedded.load_state_dict({"embedding.weight": np.eye(V), **one_hot.state_dict()})
    x = np.random.default_rng(3).integers(0, V, (T, B))
    np.testing.assert_array_equal(one_hot(x)[0].data, embedded(x)[0].data)


def test_names_and_shapes():
    """The parameters are named as the same model's in PyTorch."""
    model = LanguageModel(V, H, D, "lstm", dtype=np.float64)
    assert {name: p.shape for name, p in model.named_parameters()} == {
        "embedding.weight": (V, D),
        "rnn.weight_ih_l0": (4 * H, D),
        "rnn.weight_hh_l0": (4 * H, H),
        "rnn.bias_ih_l0": (4 * H,),
        "rnn.bias_hh_l0": (4 * H,),
        "linear.weight": (V, H),
        "linear.bias": (V,),
    }
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float64)}


def test_unknown_cell():
    """The error lists the cells there are."""
    with pytest.raises(ValueError, match="one of lstm, gru, rnn, not 'transformer'"):
        LanguageModel(V, H, D, "transformer")
