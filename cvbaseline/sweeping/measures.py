"""Measures of settings, computed from sums over pictures, so that pictures can be drawn again.

A measure is a formula of a few sums: recall is found / faces. With a weight for each picture the
sums of all settings are one matrix product, which makes bootstrap and held-out estimates cheap.
All settings see the same draws: their differences are paired.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.bootstrap import draws_of_groups, percentile_interval
from cvbaseline.sweeping.tally import Tally

SETTINGS_AT_A_TIME = 500  # bounds the memory: samples of 1000 draws each


class Measure(NamedTuple):
    """What is summed for a measure, and what it is of the sums."""

    name: str  # in records and options
    title: str
    better: int  # 1: more, -1: less
    counts: np.ndarray  # float64 (pictures, settings, sums)
    formula: Callable[[np.ndarray], np.ndarray]  # (..., sums) -> (...); NaN where undefined
    units: np.ndarray  # int64 (pictures,): those of one number are drawn together


def detection_measures(tally: Tally) -> dict[str, Measure]:
    """Recall, precision, F1, false boxes a picture and milliseconds a picture, by name."""
    found, false = tally.found, tally.false
    faces = np.broadcast_to(tally.faces[:, None], found.shape)
    pictures = np.ones_like(found)
    ratios = (
        ("recall", "recall", 1, found, faces),
        ("precision", "precision", 1, found, found + false),
        ("f1", "F1", 1, 2 * found, found + false + faces),
        ("false_per_picture", "false boxes a picture", -1, false, pictures),
        ("ms_per_picture", "milliseconds a picture", -1, tally.milliseconds, pictures),
    )
    return {
        name: Measure(name, title, better, _stack(above, below), ratio, tally.units)
        for name, title, better, above, below in ratios
    }


def sorting_measures(
    answers: np.ndarray, truth: np.ndarray, pictures: np.ndarray, units: np.ndarray
) -> dict[str, Measure]:
    """Accuracy and macro F1 of the classes named for faces, by name; a missed face is wrong.

    Parameters
    ----------
    answers : int (faces, settings): the class named, -1 for a missed face; beyond the true
        classes it may be any other number
    truth : int (faces,), 0 to k - 1
    pictures : int (faces,), the picture of each face, 0 to p - 1
    units : int64 (p,), pictures of one number are drawn together
    """
    classes = np.arange(truth.max() + 1)
    right = answers == truth[:, None]
    hits = right[..., None] & (truth[:, None, None] == classes)
    named = answers[..., None] == classes
    true = np.broadcast_to((truth[:, None] == classes)[:, None], hits.shape)
    right_parts = _by_picture(_stack(right, np.ones_like(right)), pictures)
    f1_parts = np.concatenate([2 * hits, named.astype(np.int64) + true], axis=2)
    f1_parts = _by_picture(f1_parts, pictures)
    return {
        "accuracy": Measure("accuracy", "accuracy", 1, right_parts, ratio, units),
        "macro_f1": Measure("macro_f1", "macro F1", 1, f1_parts, mean_of_ratios, units),
    }


def values_of(measure: Measure, weights: Optional[np.ndarray] = None) -> np.ndarray:
    """The measure of every setting; with weights (..., pictures) on the pictures, for each row.

    Returns
    -------
    float64 (settings,), or (..., settings)
    """
    if weights is None:
        weights = np.ones(len(measure.counts))
    return measure.formula(np.tensordot(weights, measure.counts, 1))


def intervals(measure: Measure, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the measure's bootstrap interval for every setting, float64 (settings,) each."""
    weights = drawn_weights(measure.units, seed)
    ends = [percentile_interval(values_of(part, weights)) for part in _parts(measure)]
    return np.concatenate([low for low, _ in ends]), np.concatenate([high for _, high in ends])


def drawn_weights(units: np.ndarray, seed: int = 0) -> np.ndarray:
    """How often each picture is in each draw of the bootstrap, float64 (rounds, pictures).

    units : int64 (pictures,), those of one number are drawn together
    """
    return np.array(list(draws_of_groups(units, seed)), np.float64)


def ratio(sums: np.ndarray) -> np.ndarray:
    """The first sum by the second; NaN when that is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)


def mean_of_ratios(sums: np.ndarray) -> np.ndarray:
    """The mean of the first half of the sums, each by its own of the second half, where that is
    above 0: the classes that do not occur in a draw do not count."""
    half = sums.shape[-1] // 2
    each = ratio(np.stack([sums[..., :half], sums[..., half:]], axis=-1))
    defined = ~np.isnan(each)
    return np.where(defined, each, 0).sum(axis=-1) / np.maximum(defined.sum(axis=-1), 1)


def _stack(*parts: np.ndarray) -> np.ndarray:
    return np.stack(parts, axis=-1).astype(np.float64)


def _by_picture(parts: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Rows of faces summed for each picture."""
    sums = np.zeros((pictures.max() + 1, *parts.shape[1:]))
    np.add.at(sums, pictures, parts)
    return sums


def _parts(measure: Measure) -> Iterator[Measure]:
    """The measure for some settings after the other."""
    for start in range(0, measure.counts.shape[1], SETTINGS_AT_A_TIME):
        yield measure._replace(counts=measure.counts[:, start : start + SETTINGS_AT_A_TIME])
