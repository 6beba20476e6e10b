"""Debug mode: what it names, and that nothing remains of it."""

import threading
import warnings

import numpy as np
import pytest

import nn
from autograd import Tensor, debug, grad, no_grad, scope

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own word on log(0)


def leaf(values, name="x"):
    return Tensor(values, requires_grad=True, name=name)


def log_of_zero():
    np.log(leaf([1.0, 0.0, 2.0]))  # the line


def nan_weight():
    np.tanh(leaf([[np.nan, 1.0]], "W") @ leaf([1.0, 2.0]))  # the line


def root_of_zero():
    np.sqrt(leaf([1.0, 0.0])).sum().backward()  # the line


def root_of_zero_recorded():
    x = leaf([1.0, 0.0])
    grad(np.sqrt(x).sum(), [x], create_graph=True)  # the line


def changed_in_place():
    w, x = leaf([1.0, 2.0], "w"), leaf([3.0, 4.0])
    y = w * x  # the line
    w.data[0] = 7
    y.sum().backward()


def changed_result():
    x = leaf([1.0, 2.0])
    y = np.tanh(x)  # the line
    y.data[0] = 7
    y.sum().backward()


def changed_constant():
    mask, x = np.ones(2), leaf([1.0, 2.0])
    y = x * mask  # the line
    mask[0] = 0
    y.sum().backward()


def in_a_scope():
    with scope("gate i"):
        leaf(1e300) * 1e300  # the line


FOUND = [
    (log_of_zero, FloatingPointError, ["log gave 1 infinite of 3", "tensor 'x' of shape (3,)", "are all finite"]),
    (nan_weight, FloatingPointError, ["matmul gave 1 NaN of 1", "came in with the tensor 'W' of shape (1, 2)"]),
    (root_of_zero, FloatingPointError, ["local gradient of sqrt gave 1 infinite of 2", "arrived there was finite"]),
    (root_of_zero_recorded, FloatingPointError, ["divide gave 1 infinite of 2"]),
    (changed_in_place, RuntimeError, ["the tensor 'w' of shape (2,) was changed in place after multiply"]),
    (changed_result, RuntimeError, ["the result of tanh of shape (2,) was changed in place after tanh"]),
    (changed_constant, RuntimeError, ["an array of shape (2,) was changed in place after multiply"]),
    (in_a_scope, FloatingPointError, ["multiply gave 1 infinite of 1", "in gate i"]),
]


@pytest.mark.parametrize("mistake, error, texts", FOUND, ids=[mistake.__name__ for mistake, *_ in FOUND])
def test_the_first_fault_is_named_with_its_line(mistake, error, texts):
    """Op, arguments, and the line of the user's file; without debug mode nothing is raised."""
    mistake()
    with debug(), pytest.raises(error) as caught:
        mistake()
    source = mistake.__code__.co_filename
    assert f"{source}:" in str(caught.value) and "# the line" in str(caught.value)
    for text in texts:
        assert text in str(caught.value)


def test_sound_code_passes_and_gives_the_same():
    """Values and gradients do not depend on the mode; a graph made outside can be walked inside."""
    before = leaf([1.0, 2.0])
    outside = np.exp(before)[[0, 0, 1]].sum()
    with debug():
        x = leaf([1.0, 2.0])
        np.concatenate([np.exp(x)[[0, 0, 1]], x[:0]]).sum().backward()
        outside.backward()
    assert np.array_equal(x.grad, before.grad)


@pytest.mark.parametrize("forget_bias, warns", [(None, True), (1.0, False)])
def test_a_gradient_that_has_become_subnormal_is_told_once(forget_bias, warns):
    """The last state of 200 steps: without a forget bias its gradient falls below float32's smallest normal number."""
    lstm = nn.LSTM(3, 8, forget_bias=forget_bias, dtype=np.float32, rng=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((200, 2, 3)).astype(np.float32)
    with warnings.catch_warnings(record=True) as caught, debug():
        warnings.simplefilter("always")
        for _ in range(2):
            _, (h, _) = lstm(x)
            (h * h).sum().backward()
    messages = [str(w.message) for w in caught]
    assert len(messages) == warns
    assert all(w.filename == __file__ for w in caught)
    assert all("is subnormal: below 1.2e-38" in text and "recurrent.py:" in text for text in messages)


def test_it_ends_with_the_block_and_stays_in_its_thread():
    """After the block, after an error inside, in another thread and under no_grad() nothing is checked."""
    with pytest.raises(FloatingPointError), debug():
        log_of_zero()
    log_of_zero()
    errors = []

    def elsewhere():
        try:
            log_of_zero()
        except FloatingPointError as error:
            errors.append(error)

    with debug():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        with no_grad():
            log_of_zero()
    assert not errors
