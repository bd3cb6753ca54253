"""Bootstrap: how far a measure may lie from what it would be on more pictures of the kind.

The pictures (or whole groups of pictures that belong together) are drawn again and again with
replacement, and the measure is taken of every draw (Efron & Tibshirani 1993, percentile
interval). Two measures taken of the same draws are paired: the interval of their difference is
free of what is hard or easy about single pictures for both.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

BOOTSTRAP_ROUNDS = 1000
COVERAGE = 0.95


class Estimate(NamedTuple):
    """A measure and the interval that covers it with a probability of 0.95."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if np.isnan(self.value):  # the precision where nothing is found, for one
            return "undefined"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def draws(count: int, seed: int = 0, rounds: int = BOOTSTRAP_ROUNDS) -> Iterator[np.ndarray]:
    """For every round, how often each of `count` units is drawn, int64 (count,).

    The same count and seed give the same draws.
    """
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        yield np.bincount(rng.integers(count, size=count), minlength=count)


def group_numbers(groups: Sequence[Hashable]) -> np.ndarray:
    """Numbers of groups, from 0 in the order they come, int64 (n,); each None is one by itself."""
    numbers: dict[Hashable, int] = {}
    keys = [(place,) if group is None else group for place, group in enumerate(groups)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)


def draws_of_groups(
    units: np.ndarray, seed: int = 0, rounds: int = BOOTSTRAP_ROUNDS
) -> Iterator[np.ndarray]:
    """As `draws`, for items of which those of one number (from `group_numbers`) are drawn together.

    How often each item is drawn, int64 (n,). With a number of its own for each item it is `draws`.
    """
    for drawn in draws(int(units.max()) + 1, seed, rounds):
        yield drawn[units]


def percentile_interval(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Low and high end for a measure's values in the draws, float (rounds,) or (rounds, m).

    Draws in which a measure is not defined (NaN) are left out; the ends are NaN when none is left.
    """
    samples = np.asarray(samples, np.float64)
    defined = ~np.isnan(samples).all(axis=0)
    tail = 50 * (1 - COVERAGE)
    ends = np.full((2, *samples.shape[1:]), np.nan)
    if defined.any():
        ends[:, defined] = np.nanpercentile(samples[:, defined], [tail, 100 - tail], axis=0)
    return ends[0], ends[1]


def estimated_share(wanted: np.ndarray, some: np.ndarray, units: np.ndarray) -> Estimate:
    """Which part of some items is wanted, with its interval; units (pictures) are drawn whole.

    Parameters
    ----------
    wanted, some : bool (n,)
    units : int (n,), from 0
    """
    count = int(units.max()) + 1
    every = np.bincount(units[some], minlength=count)
    right = np.bincount(units[some & wanted], minlength=count)
    right, every = right[every > 0], every[every > 0]
    shares = [drawn @ right / max(1, drawn @ every) for drawn in draws(len(every))]
    low, high = percentile_interval(np.array(shares))
    return Estimate(float(right.sum() / every.sum()), float(low), float(high))
