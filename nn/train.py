"""Train a language model on a text, so that it can be stopped and resumed anywhere and comes out the same."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from autograd import Tensor, no_grad

from . import checkpoint
from .bptt import detach
from .clip import clip_grad_norm_
from .language_model import CELLS, LanguageModel
from .loss import cross_entropy
from .optim import Adam
from .recurrent import State, as_tuple
from .text import Vocabulary, letters, perplexity, split, windows_in_order


@dataclass(frozen=True)
class Settings:
    """What a training run is determined by, besides the text. The defaults suit a book on two processor cores."""

    cell: str = "lstm"
    hidden: int = 256
    layers: int = 1
    embedding: int = 64
    steps: int = 16
    batch: int = 32
    epochs: int = 6
    lr: float = 8e-3
    clip: float = 1.0
    seed: int = 0
    held_out: float = 0.1
    letters: bool = False

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            kind = type(getattr(Settings, name))
            if type(value) is not kind and (kind, type(value)) != (float, int):
                raise TypeError(f"{name} is of type {kind.__name__}, not {value!r}")


class Run:
    """A training run: the model, the optimizer, and how far they have come in the text."""

    def __init__(self, text: str, settings: Settings):
        text = letters(text) if settings.letters else text
        self.settings = settings
        self.digest = hashlib.sha256(text.encode()).hexdigest()
        self.prefix = text.split(maxsplit=1)[0] if text.strip() else text[:1]
        self.vocabulary = Vocabulary.from_text(text)
        self.train_ids, self.validation_ids = split(self.vocabulary.encode(text), settings.held_out)
        self.windows = list(windows_in_order(self.train_ids, settings.batch, settings.steps))
        self.rng = np.random.default_rng(settings.seed)
        self.model = build(settings, self.vocabulary, self.rng)
        self.optimizer = Adam(self.model.parameters(), betas=(0.9, 0.99))
        self.epoch = self.window = 0
        self.loss_sum = 0.0
        self.state: State | None = None
        self.validation: list[float] = []  # perplexity after each epoch

    def save(self, path: str | PathLike[str]) -> None:
        """Save everything that the rest of the run depends on, except the text."""
        checkpoint.save(
            path,
            self.model,
            settings=asdict(self.settings),
            vocabulary=self.vocabulary.to_json(),
            text=self.digest,
            prefix=self.prefix,
            excerpt=self.vocabulary.decode(self.validation_ids[:200]),
            optimizer=self.optimizer.state_dict(),
            rng=self.rng.bit_generator.state,
            epoch=self.epoch,
            window=self.window,
            loss_sum=self.loss_sum,
            state=None if self.state is None else [part.data for part in as_tuple(self.state)],
            validation=self.validation,
        )

    @classmethod
    def resume(cls, path: str | PathLike[str], text: str, epochs: int | None = None) -> "Run":
        """Go on from a checkpoint with the same text, to the epoch planned then or to another.

        Raises ValueError for another text, and for a checkpoint that `save` has not written.
        """
        model, vocabulary, metadata = load_model(path)
        try:
            settings = Settings(**metadata["settings"])
            run = cls(text, settings if epochs is None else Settings(**{**asdict(settings), "epochs": epochs}))
            if run.digest != metadata["text"]:
                raise ValueError("it was trained on another text; give the same one")
            run.model.load_state_dict(model.state_dict())
            run.optimizer.load_state_dict(metadata["optimizer"])
            run.rng.bit_generator.state = metadata["rng"]
            run.epoch, run.window = int(metadata["epoch"]), int(metadata["window"])
            run.loss_sum = float(metadata["loss_sum"])
            run.validation = list(map(float, metadata["validation"]))
            if len(run.validation) != run.epoch or not 0 <= run.window < len(run.windows):
                raise ValueError(f"it is at window {run.window} of {len(run.windows)} in epoch {run.epoch + 1}")
            if metadata["state"] is not None:
                parts = tuple(map(Tensor, metadata["state"]))
                shape = settings.layers, settings.batch, settings.hidden
                if [part.shape for part in parts] != [shape] * len(CELLS[settings.cell].cell.state):
                    raise ValueError(f"its state has the shapes {[part.shape for part in parts]}")
                run.state = parts if len(parts) > 1 else parts[0]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path} can't be resumed: {error}") from None
        return run


def build(settings: Settings, vocabulary: Vocabulary, rng: np.random.Generator) -> LanguageModel:
    """Make the untrained model of a run."""
    return LanguageModel(
        len(vocabulary), settings.hidden, settings.embedding, settings.cell, settings.layers, rng=rng, dtype=np.float32
    )


def load_model(path: str | PathLike[str]) -> tuple[LanguageModel, Vocabulary, dict[str, Any]]:
    """Read the model, its vocabulary and the rest of the metadata from a checkpoint that `Run.save` has written.

    Raises ValueError for any other file, before it takes more memory than the file has.
    """
    parameters, metadata = checkpoint.read(path)
    try:
        settings = Settings(**metadata["settings"])
        vocabulary = Vocabulary.from_json(metadata["vocabulary"])
        rows = CELLS[settings.cell].cell.gates * settings.hidden
        shapes = {
            "embedding.weight": (len(vocabulary), settings.embedding),
            f"rnn.weight_hh_l{settings.layers - 1}": (rows, settings.hidden),
        }
        known = set(vocabulary.symbols)
        if not metadata["prefix"] or not known.issuperset(metadata["prefix"] + metadata["excerpt"]):
            raise ValueError("its samples of the text have other characters than the vocabulary")
        for name, shape in shapes.items():
            if parameters[name].shape != shape:
                raise ValueError(f"{name} has shape {parameters[name].shape} instead of {shape}")
        model = build(settings, vocabulary, np.random.default_rng(0))
        model.load_state_dict(parameters)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a checkpoint of `chalkgrad train`, or is damaged: {error}") from None
    return model, vocabulary, metadata


def train(run: Run, path: str | PathLike[str], stop: Callable[[], bool] = lambda: False) -> bool:
    """Train until the planned epoch and save after each; or save and return False once `stop()` is true.

    Truncated backpropagation through time: a window begins with the state that the one before it ended with, and no
    gradient flows back through it. The learning rate falls along a cosine to 0 (Loshchilov & Hutter, 2017, without
    restarts). Raises FloatingPointError when the loss is no longer finite; the last epoch's file is then still there.
    """
    s, windows = run.settings, run.windows
    characters = s.batch * s.steps
    while run.epoch < s.epochs:
        with tqdm(
            total=len(windows) * characters,
            initial=run.window * characters,
            desc=f"epoch {run.epoch + 1}/{s.epochs}",
            unit=" characters",
            unit_scale=True,
            leave=False,
            disable=None,  # where nobody watches
        ) as bar:
            for x, y in windows[run.window :]:
                if stop():
                    run.save(path)
                    return False
                done = (run.epoch * len(windows) + run.window) / (s.epochs * len(windows))
                run.optimizer.lr = s.lr * (1 + math.cos(math.pi * done)) / 2
                logits, state = run.model(x, run.state)
                loss = cross_entropy(logits, y)
                if not math.isfinite(loss.item()):
                    raise FloatingPointError(f"the loss became {loss.item()} in epoch {run.epoch + 1}")
                run.optimizer.zero_grad()
                loss.backward(retain_graph=False)
                clip_grad_norm_(run.optimizer.parameters, s.clip)
                run.optimizer.step()
                run.state = detach(state)
                run.loss_sum += loss.item()
                run.window += 1
                mean = run.loss_sum / run.window
                bar.set_postfix_str(f"loss {mean:.3f}, perplexity {perplexity(mean):.2f}", refresh=False)
                bar.update(characters)
        run.validation.append(perplexity(evaluate(run.model, run.validation_ids)))
        print(
            f"epoch {run.epoch + 1}/{s.epochs}: perplexity {perplexity(run.loss_sum / len(windows)):.2f} in training, "
            f"{run.validation[-1]:.2f} in validation",
            flush=True,
        )
        run.epoch, run.window, run.loss_sum, run.state = run.epoch + 1, 0, 0.0, None
        run.save(path)
    return True


def evaluate(model: LanguageModel, ids: NDArray[np.int64]) -> float:
    """Return the mean negative log-likelihood, in nats, of all characters of a text but the first."""
    total, state = 0.0, None
    with no_grad():
        for x, y in windows_in_order(ids, 1, 256, drop_last=False):
            logits, state = model(x, state)
            total += cross_entropy(logits, y, reduction="sum").item()
    return total / (len(ids) - 1)
