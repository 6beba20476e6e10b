"""The training loop, for every task, so that a run can be stopped and resumed anywhere and comes out the same."""

import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from autograd import Tensor

from . import checkpoint
from .clip import clip_grad_norm_
from .language_model import CELLS
from .optim import Adam

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Settings:
    """What the training loop is determined by; a task adds its own."""

    cell: str = "lstm"
    hidden: int = 256
    layers: int = 1
    embedding: int = 64
    batch: int = 32
    epochs: int = 6
    patience: int = 0
    lr: float = 8e-3
    clip: float = 1.0
    seed: int = 0
    held_out: float = 0.1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            kind = type(getattr(type(self), name))
            if type(value) is not kind and (kind, type(value)) != (float, int):
                raise TypeError(f"{name} is of type {kind.__name__}, not {value!r}")


class Run(ABC):
    """A training run: the model, the optimizer, and how far they have come. A task says what a batch and its loss are.

    epoch and step count what is done: whole epochs, and batches of the present one. history: for each whole epoch, the
    loss in training and what `validate` returned. best: the parameters after the epoch with the lowest loss in
    validation, None before the first.
    """

    task: ClassVar[str]
    settings_type: ClassVar[type[Settings]]
    vocabulary_type: ClassVar[type[Any]]
    settings: Any

    def __init__(self, settings: Settings, vocabulary: Any, data: str):
        self.settings, self.vocabulary, self.data = settings, vocabulary, data
        self.rng = np.random.default_rng(settings.seed)
        self.model = self.build(settings, vocabulary, self.rng)
        self.optimizer = Adam(self.model.parameters(), betas=(0.9, 0.99))
        self.epoch = self.step = self.count = 0
        self.loss_sum = 0.0
        self.history: list[dict[str, float]] = []
        self.best: dict[str, NDArray[Any]] | None = None

    @staticmethod
    @abstractmethod
    def build(settings: Any, vocabulary: Any, rng: np.random.Generator) -> Any:
        """Make the untrained model, with the parts embedding, rnn and linear."""

    @abstractmethod
    def batches(self) -> Sequence[Any]:
        """List the batches of the present epoch, the same whenever it is called in it."""

    @abstractmethod
    def loss(self, batch: Any) -> tuple[Tensor, int]:
        """Return the mean loss of a batch, in nats, and of how many things it is the mean."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Return the model's loss on the validation set, as "validation_loss", and what else is measured there."""

    @abstractmethod
    def describe(self, row: Mapping[str, float]) -> str:
        """Say in a few words what an entry of `history` holds."""

    @abstractmethod
    def metadata(self) -> dict[str, Any]:
        """Return what a checkpoint of this task holds besides."""

    @staticmethod
    @abstractmethod
    def check(metadata: dict[str, Any], vocabulary: Any) -> None:
        """Raise ValueError or the like if a checkpoint's metadata can't be what `metadata` returned."""

    def restore(self, metadata: dict[str, Any]) -> None:  # noqa: B027 - not every task has such things
        """Take over from a checkpoint what only a run of this task has."""

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 1, with the lowest loss in validation; 0 before the first."""
        losses = [row["validation_loss"] for row in self.history]
        return losses.index(min(losses)) + 1 if losses else 0

    @property
    def finished(self) -> bool:
        """Whether all planned epochs are done, or `patience` of them since the best."""
        s = self.settings
        return self.epoch >= s.epochs or 0 < s.patience <= self.epoch - self.best_epoch

    def save(self, path: str | PathLike[str]) -> None:
        """Save everything that the rest of the run depends on, except the data.

        The parameters under their own names are the best ones, which `load` and other programs read; those to go on
        with are metadata, where they differ.
        """
        latest = self.model.state_dict()
        moved_on = self.best is not None and (self.step > 0 or self.best_epoch < self.epoch)
        checkpoint.save(
            path,
            latest if self.best is None else self.best,
            task=self.task,
            settings=asdict(self.settings),
            vocabulary=self.vocabulary.to_json(),
            data=self.data,
            latest=latest if moved_on else None,
            optimizer=self.optimizer.state_dict(),
            rng=self.rng.bit_generator.state,
            epoch=self.epoch,
            step=self.step,
            count=self.count,
            loss_sum=self.loss_sum,
            history=self.history,
            **self.metadata(),
        )

    @classmethod
    def load(cls, path: str | PathLike[str]) -> tuple[Any, Any, dict[str, Any]]:
        """Return the best model of a checkpoint that a run of this task has saved, its vocabulary and its metadata.

        Raises ValueError for any other file, before it takes more memory than the file has.
        """
        parameters, metadata = checkpoint.read(path)
        if metadata.get("task", cls.task) != cls.task:
            raise ValueError(f"{path} is a model for the task {metadata['task']!r:.80}; expected one for {cls.task!r}")
        try:
            settings = cls.settings_type(**metadata["settings"])
            vocabulary = cls.vocabulary_type.from_json(metadata["vocabulary"])
            rows = CELLS[settings.cell].cell.gates * settings.hidden
            shapes = {
                "embedding.weight": (len(vocabulary), settings.embedding),
                f"rnn.weight_hh_l{settings.layers - 1}": (rows, settings.hidden),
            }
            for name, shape in shapes.items():
                if parameters[name].shape != shape:
                    raise ValueError(f"{name} has shape {parameters[name].shape} instead of {shape}")
            cls.check(metadata, vocabulary)
            model = cls.build(settings, vocabulary, np.random.default_rng(0))
            model.load_state_dict(parameters)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a checkpoint of `chalkgrad train`, or is damaged: {error}") from None
        return model.eval(), vocabulary, metadata

    @classmethod
    def resume(cls, path: str | PathLike[str], data: Any, epochs: int | None = None) -> Self:
        """Go on from a checkpoint with the same data, to the epoch planned then or to another.

        Raises ValueError for other data, and for a checkpoint that `save` has not written.
        """
        model, _, metadata = cls.load(path)
        try:
            settings = cls.settings_type(**metadata["settings"])
            run = cls(data, settings if epochs is None else replace(settings, epochs=epochs))  # type: ignore[call-arg]
            if run.data != metadata["data"]:
                raise ValueError("it was trained on other data; give the same")
            best, latest = model.state_dict(), metadata["latest"]
            run.model.load_state_dict(best if latest is None else latest)
            run.optimizer.load_state_dict(metadata["optimizer"])
            run.rng.bit_generator.state = metadata["rng"]
            run.epoch, run.step, run.count = (int(metadata[name]) for name in ("epoch", "step", "count"))
            run.loss_sum = float(metadata["loss_sum"])
            run.history = [{name: float(row[name]) for name in row} for row in metadata["history"]]
            run.best = best if run.epoch else None
            batches = len(run.batches())
            if len(run.history) != run.epoch or not 0 <= run.step < batches:
                raise ValueError(f"it is at batch {run.step} of {batches} in epoch {run.epoch + 1}")
            if not all({"loss", "validation_loss"} <= row.keys() for row in run.history):
                raise ValueError("its history lacks the losses")
            run.restore(metadata)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path} can't be resumed: {error}") from None
        return run


def train(
    run: Run,
    path: str | PathLike[str],
    stop: Callable[[], bool] = lambda: False,
    record: Callable[[dict[str, float | None]], None] = lambda row: None,
) -> bool:
    """Train until the run is finished and save after each epoch; or save and return False once `stop()` is true.

    The learning rate falls along a cosine to 0 (Loshchilov & Hutter, 2017, without restarts). `record` is given what
    was measured in each epoch. Raises FloatingPointError when a loss is no longer finite; the last epoch's file is
    then still there.
    """
    s = run.settings
    while not run.finished:
        batches = run.batches()
        began = time.perf_counter()
        with tqdm(
            total=len(batches),
            initial=run.step,
            desc=f"epoch {run.epoch + 1}/{s.epochs}",
            unit=" batches",
            leave=False,
            disable=None,  # where nobody watches
        ) as bar:
            for batch in batches[run.step :]:
                if stop():
                    run.save(path)
                    return False
                done = (run.epoch + run.step / len(batches)) / s.epochs
                run.optimizer.lr = s.lr * (1 + math.cos(math.pi * done)) / 2
                loss, count = run.loss(batch)
                require_finite(loss.item(), run)
                run.optimizer.zero_grad()
                loss.backward(retain_graph=False)
                clip_grad_norm_(run.optimizer.parameters, s.clip)
                run.optimizer.step()
                run.loss_sum += loss.item() * count
                run.count += count
                run.step += 1
                bar.set_postfix_str(f"loss {run.loss_sum / run.count:.3f}", refresh=False)
                bar.update()
        run.model.eval()
        row = {"loss": run.loss_sum / run.count, **run.validate()}
        run.model.train()
        require_finite(row["validation_loss"], run)
        run.history.append(row)
        run.epoch, run.step, run.count, run.loss_sum = run.epoch + 1, 0, 0, 0.0
        if run.best_epoch == run.epoch:
            run.best = run.model.state_dict()
        seconds, memory = time.perf_counter() - began, peak_memory()
        cost = f"{seconds:.1f} s" + (f", {memory:.0f} MiB at most" if memory else "")
        print(f"epoch {run.epoch}/{s.epochs}: {run.describe(row)} ({cost})", flush=True)
        record({"epoch": run.epoch, **row, "seconds": seconds, "peak_memory_mib": memory})
        run.save(path)
    return True


def peak_memory() -> float | None:
    """Return the most memory that this process has held so far, in MiB; None where the system doesn't say."""
    if resource is None:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def require_finite(loss: float, run: Run) -> None:
    if not math.isfinite(loss):
        raise FloatingPointError(f"the loss became {loss} in epoch {run.epoch + 1}")
