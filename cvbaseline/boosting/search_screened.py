"""The fast search among Haar features: screen, try by histogram, refine the best.

Class statistics (screening.py) name the most promising features; their values are kept, as one of
256 bins each, for several rounds, since neighbouring rounds like the same features. A node tries
every candidate by a histogram of its samples' weights, and the few best exactly, cut by cut, with
the rules of the exhaustive search.
"""

from typing import Optional

import numpy as np
from numba import njit

from cvbaseline.boosting.screening import Screen
from cvbaseline.boosting.search_exhaustive import scan_values
from cvbaseline.boosting.tree_growing import GINI, LEAST_SQUARES, Load, Split, pair_up
from cvbaseline.cascade import HaarFeatures
from cvbaseline.features.haar import (
    Corners,
    corners,
    evaluate_haar,
    evaluate_haar_kernel,
    prepare_haar,
)
from cvbaseline.parallel import for_blocks

_CANDIDATES = 8000  # features tried for a node; screening names half of them for the root anew
_CANDIDATE_BYTES = 1 << 29
_REFINED = 16
_ROUNDS = 8  # trees between two estimates of the covariance
_BINS = 256
_REACH = 3.0  # standard deviations that the bins cover on either side
_BLOCK = 64


class ScreenedHaar:
    """Search over the most promising Haar features.

    Parameters
    ----------
    windows : uint8 (n, h, w)
    pool : the features
    seed : of the draw of samples for screening
    """

    def __init__(self, windows: np.ndarray, pool: HaarFeatures, seed: int):
        self._samples = prepare_haar(windows, bool(pool.tilted.any()))
        self._corners = corners(pool, windows.shape[2])
        self._screen = Screen(windows, self._samples.norm, self._corners, seed)
        room = min(_CANDIDATES, _CANDIDATE_BYTES // len(windows), len(pool.tilted))
        self._features = np.full(room, -1)  # of each candidate, -1 where there is room
        self._named = np.full(room, -1)  # the round that last named each candidate
        self._bins = np.empty((room, len(windows)), np.uint8)
        self._round = 0

    def best_split(self, load: Load, depth: int) -> Optional[Split]:
        if depth == 0:
            if self._round % _ROUNDS == 0:
                self._screen.renew(load)
            self._round += 1
        self._take_up(self._promising(load, len(self._features) // (2 if depth == 0 else 8)))
        used = int(np.count_nonzero(self._features >= 0))
        features = self._features[:used]
        quality = _try_bins(self._bins[:used], load)
        best = np.lexsort([features, -quality])[:_REFINED]
        return self._refine(np.sort(features[best]), load)

    def _take_up(self, promising: np.ndarray) -> None:
        """Make features candidates, in place of those that were named longest ago."""
        self._named[np.isin(self._features, promising)] = self._round
        others = np.setdiff1d(promising, self._features)
        places = np.sort(np.argsort(self._named, kind="stable")[: len(others)])
        self._features[places], self._named[places] = others, self._round
        self._put_in_bins(others, places)

    def goes_left(self, split: Split) -> np.ndarray:
        return self._values(np.array([split.feature]))[0] <= np.float32(split.threshold)

    def _values(self, chosen: np.ndarray) -> np.ndarray:
        return evaluate_haar(self._samples, Corners(*(column[chosen] for column in self._corners)))

    def _promising(self, load: Load, count: int) -> np.ndarray:
        """The features of the greatest scores, in ascending order; of equals, the first."""
        if len(self._features) == len(self._corners.tilted):
            return np.arange(len(self._features))
        scores = self._screen.scores(load)
        least = np.partition(scores, -count)[-count]
        better = np.flatnonzero(scores > least)
        equal = np.flatnonzero(scores == least)[: count - len(better)]
        return np.sort(np.concatenate([better, equal]))

    def _put_in_bins(self, features: np.ndarray, places: np.ndarray) -> None:
        """Fill candidates' rows: uint8 numbers of bins."""
        count = self._bins.shape[1]

        def task(start: int, stop: int) -> None:
            part = Corners(*(column[features[start:stop]] for column in self._corners))
            values = np.empty((stop - start, count), np.float32)
            evaluate_haar_kernel(self._samples, part, values)
            some = values[:, :: max(1, count // 512)].astype(np.float64)
            spread = np.maximum(some.std(axis=1), 1e-6) * _REACH
            scale = _BINS / (2 * spread)
            put_in_bins(values, some.mean(axis=1) - spread, scale, places[start:stop], self._bins)

        for_blocks(task, len(features), _BLOCK)

    def _refine(self, chosen: np.ndarray, load: Load) -> Optional[Split]:
        """The best exact cut among a few features."""
        values = self._values(chosen)
        order = np.argsort(values, axis=1, kind="stable").astype(np.int32)
        quality, cut = np.empty(len(chosen)), np.empty(len(chosen), np.int32)
        threshold = np.empty(len(chosen), np.float32)
        scan_values(values, order, load, quality, threshold, cut)
        best = int(np.argmax(quality.astype(np.float32)))
        if not quality[best] > 0:
            return None
        left = np.zeros(len(load.inside), bool)
        inside = order[best][load.inside[order[best]]]
        left[inside[: cut[best]]] = True
        feature = int(chosen[best])
        return Split(feature, float(threshold[best]), np.zeros(8, np.int32), left[load.inside])


def _try_bins(bins: np.ndarray, load: Load) -> np.ndarray:
    """How good each feature's best cut between bins is: float64 (features,)."""
    quality = np.empty(len(bins))
    members = np.flatnonzero(load.inside)
    pairs = pair_up(load, members)

    def task(start: int, stop: int) -> None:
        scan_bins(bins[start:stop], members, pairs, load.criterion, quality[start:stop])

    for_blocks(task, len(bins), _BLOCK)
    return quality


@njit(cache=True, nogil=True)
def put_in_bins(
    values: np.ndarray, least: np.ndarray, scale: np.ndarray, places: np.ndarray, bins: np.ndarray
) -> None:
    """Write (value - least) * scale, kept within 0..255, into rows `places` of uint8 (.., n)."""
    for f in range(len(values)):
        value, row = values[f], bins[places[f]]
        a, b = np.float32(scale[f]), np.float32(-least[f] * scale[f])
        for i in range(len(row)):
            row[i] = np.uint8(min(max(value[i] * a + b, np.float32(0)), np.float32(255)))


@njit(cache=True, nogil=True, error_model="numpy")
def scan_bins(
    bins: np.ndarray,
    members: np.ndarray,
    pairs: np.ndarray,
    criterion: int,
    quality: np.ndarray,
) -> None:
    """The quality of each feature's best cut between bins.

    Parameters
    ----------
    bins : uint8 (features, n)
    members, pairs : int64 (m,) and float64 (m, 2), of pair_up
    criterion : of tree_growing
    quality : float64 (features,), written; -1 where all samples share a bin
    """
    table = np.empty((256, 2))
    for f in range(len(bins)):
        table[:] = 0
        row = bins[f]
        for i in range(len(members)):
            b = row[members[i]]
            table[b, 0] += pairs[i, 0]
            table[b, 1] += pairs[i, 1]
        left0, left1, right0, right1, best = 0.0, 0.0, 0.0, 0.0, -1.0
        for b in range(256):
            right0 += table[b, 0]
            right1 += table[b, 1]
        for b in range(255):
            left0 += table[b, 0]
            left1 += table[b, 1]
            right0 -= table[b, 0]
            right1 -= table[b, 1]
            if criterion == LEAST_SQUARES:
                if left0 < 1e-12 or right0 < 1e-12:
                    continue
                worth = left1 * left1 / left0 + right1 * right1 / right0
            elif criterion == GINI:
                if left0 + left1 < 1e-12 or right0 + right1 < 1e-12:
                    continue
                worth = (left0 * left0 + left1 * left1) / (left0 + left1)
                worth += (right0 * right0 + right1 * right1) / (right0 + right1)
            else:
                worth = max(left0 + right1, left1 + right0)
            best = max(best, worth)
        quality[f] = best
