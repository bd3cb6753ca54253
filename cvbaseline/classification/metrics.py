"""How good predictions are: metrics of a confusion matrix, with bootstrap intervals.

A confusion matrix counts pictures, float64 or int (k, k): rows are the true classes, columns the
predicted ones.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.bootstrap import Estimate, draws, percentile_interval


class Quality(NamedTuple):
    """What predictions on pictures that were not learnt from are worth."""

    accuracy: Estimate
    macro_f1: Estimate
    majority: float  # accuracy of always naming the most frequent class
    log_loss: float  # natural logarithm
    class_f1: np.ndarray  # float64 (k,)
    confusion: np.ndarray  # int64 (k, k)


class NamedShare(NamedTuple):
    """What is left when only confident predictions count."""

    threshold: float
    share: float  # of the pictures whose best probability reaches the threshold
    accuracy: float  # among those; 0 when there are none


def confusion_matrix(
    truth: np.ndarray, predicted: np.ndarray, classes: int, weights: Optional[np.ndarray] = None
) -> np.ndarray:
    """Pictures (or their weights) by true and predicted class; int (n,) labels from 0."""
    cells = np.bincount(truth * classes + predicted, weights, minlength=classes * classes)
    return cells.reshape(classes, classes)


def accuracy(confusion: np.ndarray) -> float:
    """The share of right predictions."""
    return float(np.trace(confusion) / confusion.sum())


def balanced_accuracy(confusion: np.ndarray) -> float:
    """The mean recall of the classes that occur."""
    count = confusion.sum(axis=1)
    occurs = count > 0
    return float((np.diag(confusion)[occurs] / count[occurs]).mean())


def class_f1(confusion: np.ndarray) -> np.ndarray:
    """F1 of each class, 2 TP / (2 TP + FP + FN); 0 where nothing is true or predicted."""
    hits = 2.0 * np.diag(confusion)
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    return np.divide(hits, total, out=np.zeros(len(hits)), where=total > 0)


def macro_f1(confusion: np.ndarray) -> float:
    """The mean of the classes' F1: rare classes count as much as frequent ones."""
    return float(class_f1(confusion).mean())


def log_loss(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of -log p(true class), p being at least 1e-12."""
    right = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def bootstrap(
    metric: Callable[[np.ndarray], float],
    truth: np.ndarray,
    predicted: np.ndarray,
    classes: int,
    groups: Optional[Sequence[str]] = None,
    seed: int = 0,
) -> Estimate:
    """A metric of the confusion matrix with its percentile interval.

    groups : (n,); equal for pictures that are drawn together, None to draw them one by one
    """
    units = np.arange(len(truth)) if groups is None else np.unique(groups, return_inverse=True)[1]
    samples = [
        metric(confusion_matrix(truth, predicted, classes, drawn[units]))
        for drawn in draws(units.max() + 1, seed)
    ]
    low, high = percentile_interval(np.array(samples))
    return Estimate(metric(confusion_matrix(truth, predicted, classes)), float(low), float(high))


def measure(
    truth: np.ndarray,
    probabilities: np.ndarray,
    groups: Optional[Sequence[str]] = None,
    seed: int = 0,
) -> Quality:
    """All metrics of held-out probabilities, float64 (n, k), against int (n,) labels.

    The macro F1 is the mean of the classes that occur: a model may know others.
    """
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    confusion = confusion_matrix(truth, predicted, classes)
    occurs = confusion.sum(axis=1) > 0

    def mean_f1(drawn: np.ndarray) -> float:
        return float(class_f1(drawn)[occurs].mean())

    return Quality(
        accuracy=bootstrap(accuracy, truth, predicted, classes, groups, seed),
        macro_f1=bootstrap(mean_f1, truth, predicted, classes, groups, seed),
        majority=float(confusion.sum(axis=1).max() / confusion.sum()),
        log_loss=log_loss(truth, probabilities),
        class_f1=class_f1(confusion),
        confusion=confusion,
    )


def named_share(truth: np.ndarray, probabilities: np.ndarray, threshold: float) -> NamedShare:
    """How many pictures a threshold on the best probability leaves, and how many are right."""
    named = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == truth
    among = float(right[named].mean()) if named.any() else 0.0
    return NamedShare(threshold, float(named.mean()), among)


def unsure_threshold(
    truth: np.ndarray,
    probabilities: np.ndarray,
    wanted_accuracy: float = 0.8,
    least_share: float = 0.5,
) -> float:
    """The best probability below which a prediction had better not be named.

    The smallest hundredth from which `wanted_accuracy` of the named pictures are right; but no
    threshold that names less than `least_share` of them.
    """
    chosen = 0.0
    for hundredth in range(101):
        named = named_share(truth, probabilities, hundredth / 100)
        if named.share < least_share:
            break
        chosen = named.threshold
        if named.accuracy >= wanted_accuracy:
            break
    return chosen
