"""Losses: functions that end in one number. Shapes: any leading axes ..., classes C."""

from typing import Any

import numpy as np

from autograd import Tensor, log_softmax


def reduce(losses: Tensor, reduction: str) -> Tensor:
    """Reduce the losses of the examples: "mean", "sum" or "none"."""
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"reduction is 'mean', 'sum' or 'none'; {reduction!r} came.")


def cross_entropy(logits: Tensor, targets: Any, reduction: str = "mean") -> Tensor:
    """Compute -log softmax(logits)[target], in nats.

    logits: (..., C) float, the classes on the last axis; targets: (...) ints, 0 <= target < C. Returns a scalar, or the
    losses of shape (...) with reduction="none". Stable for logits of any size.
    """
    targets = targets.data if isinstance(targets, Tensor) else np.asarray(targets)
    if targets.dtype.kind not in "iu":
        raise TypeError(f"cross_entropy takes the classes as integers; an array of {targets.dtype} came.")
    if logits.shape[:-1] != targets.shape or logits.ndim == 0:
        raise ValueError(
            f"cross_entropy takes logits of shape (..., C) and targets of shape (...); "
            f"{logits.shape} and {targets.shape} came. The classes are the last axis: np.moveaxis if they are not."
        )
    classes = logits.shape[-1]
    if targets.size and not 0 <= targets.min() <= targets.max() < classes:
        worst = targets.min() if targets.min() < 0 else targets.max()
        raise IndexError(f"there are {classes} classes, 0 to {classes - 1}; a target is {worst}.")
    log_p = np.reshape(log_softmax(logits), (-1, classes))
    picked = log_p[np.arange(targets.size), targets.ravel()]
    return reduce(-np.reshape(picked, targets.shape), reduction)


def mse_loss(prediction: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """Compute (prediction - target)², entry by entry; both of the same shape, which broadcasting would hide."""
    if prediction.shape != np.shape(target):
        raise ValueError(f"mse_loss takes two arrays of one shape; {prediction.shape} and {np.shape(target)} came.")
    return reduce((prediction - target) ** 2, reduction)
