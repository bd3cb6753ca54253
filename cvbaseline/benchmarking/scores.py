"""What stored predictions are worth: every metric with its bootstrap interval.

Rows are answers: one for each test face and repeat. Whole units (a face, or its group) are drawn
with replacement (Efron & Tibshirani 1993), so that answers about the same face, or about pictures
that belong together, stay together. A face that the detector missed is a wrong answer of no
class; probabilities are judged on the others.
"""

from typing import NamedTuple

import numpy as np

from cvbaseline.bootstrap import BOOTSTRAP_ROUNDS, Estimate, draws, percentile_interval
from cvbaseline.classification.metrics import accuracy, balanced_accuracy, class_f1

CALIBRATION_BINS = 15  # of equal width, as in Guo et al. (ICML 2017)
LEAST_PROBABILITY = 1e-12
MOST_POINTS, LEAST_ANSWERS = 10, 60  # of the reliability curve, and of a point of it


class Answers(NamedTuple):
    """A contender's answers to all tests."""

    faces: np.ndarray  # int64 (r,), indices of the faces
    truth: np.ndarray  # int64 (r,), labels
    probabilities: np.ndarray  # float64 (r, k); 0 in all classes for a missed face
    units: np.ndarray  # int64 (r,), from 0: what is drawn together
    repeats: int = 1

    @property
    def found(self) -> np.ndarray:
        """bool (r,): False where the detector missed the face."""
        return self.probabilities.any(axis=1)

    @property
    def predicted(self) -> np.ndarray:
        """int64 (r,): labels, and k for a missed face."""
        best = self.probabilities.argmax(axis=1)
        return np.where(self.found, best, self.probabilities.shape[1])

    @property
    def right(self) -> np.ndarray:
        """bool (r,)."""
        return self.predicted == self.truth

    def only(self, rows: np.ndarray) -> "Answers":
        """Some of the answers, by mask or indices."""
        return self._replace(
            faces=self.faces[rows],
            truth=self.truth[rows],
            probabilities=self.probabilities[rows],
            units=np.unique(self.units[rows], return_inverse=True)[1],
        )


class Scores(NamedTuple):
    """Metrics of a contender's answers."""

    accuracy: Estimate
    balanced_accuracy: Estimate
    macro_f1: Estimate
    class_f1: tuple[Estimate, ...]  # (k,)
    log_loss: Estimate  # natural logarithm
    calibration_error: Estimate  # ECE
    confusion: np.ndarray  # float64 (k, k + 1), faces a repeat; the last column: missed
    faces: int  # answers a repeat
    units: int  # that the intervals rest on


class Reliability(NamedTuple):
    """Points of the reliability curve: parts of equal size of the answers, ranked by confidence."""

    confidence: np.ndarray  # float64 (b,), mean probability of the named class, ascending
    accuracy: np.ndarray  # float64 (b,)


def score(answers: Answers, seed: int = 0) -> Scores:
    """All metrics of the answers, with intervals that cover 95 %."""
    classes = answers.probabilities.shape[1]
    once = np.ones(len(answers.truth))
    rows, count = _rows_of(answers), int(answers.units.max()) + 1
    drawn = [_metrics(rows, weights[answers.units], classes) for weights in draws(count, seed)]
    estimates = _estimates(_metrics(rows, once, classes), np.array(drawn))
    return Scores(
        accuracy=estimates[0],
        balanced_accuracy=estimates[1],
        macro_f1=estimates[2],
        log_loss=estimates[3],
        calibration_error=estimates[4],
        class_f1=tuple(estimates[5:]),
        confusion=_confusion(rows, once, classes)[:classes] / answers.repeats,
        faces=len(answers.truth) // answers.repeats,
        units=count,
    )


def reliability(answers: Answers) -> Reliability:
    """How often answers are right that are given with about the same probability."""
    confidence = answers.probabilities.max(axis=1)
    order = np.argsort(confidence, kind="stable")
    order = order[answers.found[order]]
    count = min(MOST_POINTS, max(1, len(order) // LEAST_ANSWERS))
    parts = np.array_split(order, count) if len(order) else []
    return Reliability(
        np.array([confidence[part].mean() for part in parts]),
        np.array([answers.right[part].mean() for part in parts]),
    )


def accuracy_of(answers: Answers, seed: int = 0) -> Estimate:
    """Accuracy alone, with its interval."""
    right = answers.right.astype(np.float64)
    return mean_by_units(right, answers.units, seed)


def mean_by_units(
    values: np.ndarray, units: np.ndarray, seed: int = 0, rounds: int = BOOTSTRAP_ROUNDS
) -> Estimate:
    """The mean of float64 (r,) values whose units (r,) are drawn together, with its interval."""
    low, high = percentile_interval(bootstrap_means(values, units, seed, rounds))
    return Estimate(float(values.mean()), float(low), float(high))


def bootstrap_means(
    values: np.ndarray, units: np.ndarray, seed: int, rounds: int = BOOTSTRAP_ROUNDS
) -> np.ndarray:
    """Means of values (r,) or (r, m) in every draw of the units, float64 (rounds,) or (rounds, m).

    The same units and seed give the same draws, so means of several columns can be compared.
    """
    count = int(units.max()) + 1
    sizes = np.bincount(units, minlength=count).astype(np.float64)
    columns = values.reshape(len(values), -1)
    sums = np.stack([np.bincount(units, column, count) for column in columns.T], axis=1)
    means = np.empty((rounds, columns.shape[1]))
    for number, drawn in enumerate(draws(count, seed, rounds)):
        means[number] = drawn @ sums / (drawn @ sizes)
    return means.reshape(rounds, *values.shape[1:])


def levels(classes: tuple[str, ...]) -> list[tuple[str, np.ndarray]]:
    """The levels above the classes of nested folders, like type and series above character.

    A name for each level and, int64 (k,), the class's number on it; nothing for flat classes.
    """
    paths = [name.split("/") for name in classes]
    found = []
    for depth in range(1, max(map(len, paths))):
        names = ["/".join(path[:depth]) for path in paths]
        found.append((f"level {depth}", np.unique(names, return_inverse=True)[1]))
    return found


def at_level(answers: Answers, parents: np.ndarray) -> Answers:
    """The answers about the classes' parents: probabilities of sisters are added."""
    summed = np.zeros((len(answers.truth), int(parents.max()) + 1))
    np.add.at(summed.T, parents, answers.probabilities.T)
    return answers._replace(truth=parents[answers.truth], probabilities=summed)


class _Rows(NamedTuple):
    """What every draw needs of the answers; the last three are 0 for missed faces."""

    cells: np.ndarray  # int64 (r,), place in the confusion matrix
    bins: np.ndarray  # int64 (r,), of calibration
    found: np.ndarray  # float64 (r,), 0 or 1
    loss: np.ndarray  # float64 (r,), -log p(true class)
    excess: np.ndarray  # float64 (r,), the named class's probability, less 1 where it is right


def _rows_of(answers: Answers) -> _Rows:
    predicted, found = answers.predicted, answers.found
    confidence = answers.probabilities.max(axis=1)
    true = answers.probabilities[np.arange(len(predicted)), answers.truth]
    return _Rows(
        cells=answers.truth * (answers.probabilities.shape[1] + 1) + predicted,
        bins=_bins(confidence),
        found=found.astype(np.float64),
        loss=np.where(found, -np.log(np.maximum(true, LEAST_PROBABILITY)), 0),
        excess=np.where(found, confidence - (predicted == answers.truth), 0),
    )


def _metrics(rows: _Rows, weights: np.ndarray, classes: int) -> np.ndarray:
    """Accuracy, balanced accuracy, macro F1, log loss, ECE, each class's F1."""
    confusion = _confusion(rows, weights, classes)
    f1 = class_f1(confusion)[:classes]
    found = max(weights @ rows.found, 1e-300)
    loss = weights @ rows.loss / found
    gaps = np.bincount(rows.bins, weights * rows.excess, CALIBRATION_BINS)
    calibration = np.abs(gaps).sum() / found
    return np.array(
        [accuracy(confusion), balanced_accuracy(confusion), f1.mean(), loss, calibration, *f1]
    )


def _confusion(rows: _Rows, weights: np.ndarray, classes: int) -> np.ndarray:
    """Weights by true and predicted class, float64 (k + 1, k + 1); the last class is "missed"."""
    size = classes + 1
    return np.bincount(rows.cells, weights, size * size).reshape(size, size)


def _bins(confidence: np.ndarray) -> np.ndarray:
    """The calibration bin of each probability; a bin's upper end belongs to it."""
    number = np.ceil(confidence * CALIBRATION_BINS).astype(np.int64) - 1
    return np.clip(number, 0, CALIBRATION_BINS - 1)


def _estimates(values: np.ndarray, drawn: np.ndarray) -> list[Estimate]:
    """Values (m,) with intervals from their draws (n, m).

    Draws are noisier than the pictures, which raises the calibration error, and may lack a rare
    class, which lowers the macro F1: intervals are shifted by the difference between the draws'
    mean and the value, their bias (Efron & Tibshirani, ch. 10). None is ever below 0.
    """
    bias = drawn.mean(axis=0) - values
    low, high = percentile_interval(drawn - bias)
    low, high = np.clip(low, 0, values), np.maximum(high, values)
    high[:3], high[4:] = np.minimum(high[:3], 1), np.minimum(high[4:], 1)  # all but the log loss
    return [Estimate(*map(float, triple)) for triple in zip(values, low, high)]
