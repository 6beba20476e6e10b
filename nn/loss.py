"""Losses: functions that end in one number. Shapes: any leading axes ..., classes C."""

from typing import Any

import numpy as np

from autograd import Tensor, log_softmax, relu, softplus


def reduce(losses: Tensor, reduction: str) -> Tensor:
    """Reduce the losses of the examples: "mean", "sum" or "none"."""
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"reduction is 'mean', 'sum' or 'none'; {reduction!r} came.")


def classes_of(targets: Any, scores: Tensor, ignore_index: int) -> Tensor:
    """Check the classes that a loss is given for scores of shape (..., C): ints of shape (...), 0 <= class < C."""
    targets = targets if isinstance(targets, Tensor) else Tensor(np.asarray(targets))
    if targets.dtype.kind not in "iu":
        raise TypeError(f"the targets are classes, integers; an array of {targets.dtype} came.")
    if scores.shape[:-1] != targets.shape or scores.ndim == 0:
        raise ValueError(
            f"the loss takes scores of shape (..., C) and targets of shape (...); {scores.shape} and {targets.shape} "
            "came. The classes are the last axis: np.moveaxis if they are not."
        )
    classes = scores.shape[-1]
    outside = np.not_equal(targets, ignore_index) * ((targets < 0) + (targets >= classes) > 0)
    if outside.any():
        found = targets.data[outside.data]
        raise IndexError(f"there are {classes} classes, 0 to {classes - 1}; a target is {found[0]}.")
    return targets


def likelihood(log_p: Tensor, targets: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float) -> Tensor:
    """Compute what nll_loss and cross_entropy share, from log-probabilities."""
    targets = classes_of(targets, log_p, ignore_index)
    classes = log_p.shape[-1]
    flat = targets.ravel()
    ignored: Any = np.equal(flat, ignore_index)
    log_p = log_p.reshape(-1, classes)
    places: Any = np.where(ignored, 0, flat)
    losses = -log_p[np.arange(flat.size), places]
    if weight is None and not smoothing and not ignored.any():
        return reduce(losses.reshape(targets.shape), reduction)
    counts = np.ones(classes, log_p.dtype) if weight is None else np.asarray(weight, log_p.dtype)
    if counts.shape != (classes,):
        raise ValueError(f"weight has one number for each class, shape {(classes,)}; {counts.shape} came.")
    if not 0 <= smoothing <= 1:
        raise ValueError(f"label_smoothing lies between 0 and 1; {smoothing} came.")
    counted: Any = np.where(ignored, 0, Tensor(counts)[places])
    losses = losses * counted
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing / classes * np.sum(log_p * counts, axis=-1) * ~ignored
    if reduction == "mean":
        if not counted.any():
            raise ValueError(
                f"no target counts, of {targets.size}: all are ignore_index={ignore_index} or have the weight 0, and a "
                "mean of nothing is not defined. Leave such a batch out, or take reduction='sum', which gives 0."
            )
        return losses.sum() / counted.sum()
    return reduce(losses.reshape(targets.shape), reduction)


def nll_loss(
    log_p: Tensor, targets: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """Compute -log_p[target], the negative log-likelihood, in nats.

    log_p: (..., C) float, log-probabilities, the classes on the last axis; targets: (...) ints, 0 <= target < C.
    weight: (C,) how much each class counts; the mean is the weighted one. ignore_index: targets of this value count
    nothing. Returns a scalar, or the losses of shape (...) with reduction="none".
    """
    return likelihood(log_p, targets, weight, ignore_index, reduction, 0.0)


def cross_entropy(
    logits: Tensor,
    targets: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Compute -log softmax(logits)[target], in nats; stable for logits of any size.

    logits: (..., C) float, the classes on the last axis; the other arguments as for nll_loss.
    label_smoothing ε: the target is 1-ε on its class plus ε/C on every class (Szegedy et al., 2016).
    """
    if logits.ndim == 0:
        raise ValueError("cross_entropy takes logits of shape (..., C); () came.")
    return likelihood(log_softmax(logits), targets, weight, ignore_index, reduction, label_smoothing)


def same_shape(name: str, prediction: Tensor, target: Any) -> None:
    """Refuse two arrays of different shapes, which broadcasting would hide."""
    if prediction.shape != np.shape(target):
        raise ValueError(f"{name} takes two arrays of one shape; {prediction.shape} and {np.shape(target)} came.")


def mse_loss(prediction: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """Compute (prediction - target)², entry by entry; both of the same shape."""
    same_shape("mse_loss", prediction, target)
    return reduce((prediction - target) ** 2, reduction)


def huber_loss(prediction: Tensor, target: Any, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Compute d²/2 where |d| <= delta, else delta (|d| - delta/2), d = prediction - target (Huber, 1964)."""
    same_shape("huber_loss", prediction, target)
    if not delta > 0:
        raise ValueError(f"delta must be positive; {delta} came.")
    d = np.abs(prediction - target)
    near = np.minimum(d, delta)
    return reduce(near * (d - near / 2), reduction)


def binary_cross_entropy_with_logits(
    logits: Tensor, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """Compute -(y log σ(x) + (1-y) log(1-σ(x))), entry by entry; stable for logits of any size.

    logits x and target y (0 to 1) of the same shape. weight: how much each entry counts; pos_weight: how much more a
    positive one does; both broadcast against x.
    """
    same_shape("binary_cross_entropy_with_logits", logits, target)
    positive = 1.0 if pos_weight is None else np.asarray(pos_weight)
    # log σ(x) = -softplus(-x) and log(1-σ(x)) = -softplus(x)
    losses = target * positive * softplus(-logits) + (1 - target) * softplus(logits)
    return reduce(losses if weight is None else losses * weight, reduction)


def hinge_loss(scores: Tensor, target: Any, reduction: str = "mean", margin: float = 1.0) -> Tensor:
    """Compute max(0, margin - y s), entry by entry, for y = ±1: the loss of a support vector machine.

    scores s and target y of the same shape.
    """
    same_shape("hinge_loss", scores, target)
    if np.not_equal(np.abs(target), 1).any():
        raise ValueError("hinge_loss takes targets of -1 and 1.")
    return reduce(relu(margin - scores * target), reduction)
