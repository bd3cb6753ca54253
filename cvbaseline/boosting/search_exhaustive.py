"""The search that tries every Haar feature and every cut, with OpenCV 3.4.18's choices.

A node's samples are sorted by value; cuts lie between neighbours more than 2 * FLT_EPSILON apart,
at their float32 midpoint. The greatest quality wins, the first of equals; between features,
qualities are compared as float32.
"""

from typing import Optional

import numpy as np
from numba import njit

from cvbaseline.boosting.std_sort import argsort_rows
from cvbaseline.boosting.tree_growing import GINI, LEAST_SQUARES, Load, Split
from cvbaseline.cascade import HaarFeatures
from cvbaseline.features.haar import (
    Corners,
    corners,
    evaluate_haar_kernel,
    prepare_haar,
)
from cvbaseline.parallel import for_blocks

_NEIGHBOURS = np.float32(2 * np.finfo(np.float32).eps)  # values no further apart are one value
_HALF = np.float32(0.5)

_BLOCK = 256  # features whose values are in memory at a time, per thread


class ExhaustiveHaar:
    """Search over all Haar features; sorting orders are kept while they fit into memory.

    Parameters
    ----------
    windows : uint8 (n, h, w)
    pool : the features
    kept_bytes : memory for sorting orders; features beyond it are sorted again for every node
    """

    def __init__(self, windows: np.ndarray, pool: HaarFeatures, kept_bytes: int = 1 << 31):
        self._samples = prepare_haar(windows, bool(pool.tilted.any()))
        self._corners = corners(pool, windows.shape[2])
        self._index_type = np.dtype(np.uint16 if len(windows) < 65536 else np.int32)
        self._kept = kept_bytes // (self._index_type.itemsize * len(windows) * _BLOCK)
        self._orders: dict[int, np.ndarray] = {}

    def best_split(self, load: Load, depth: int) -> Optional[Split]:
        count = len(self._corners.places)
        quality, cut = np.empty(count), np.empty(count, np.int32)
        threshold = np.empty(count, np.float32)

        def task(start: int, stop: int) -> None:
            values, order = self._sorted(start, stop)
            part = slice(start, stop)
            scan_values(values, order, load, quality[part], threshold[part], cut[part])

        for_blocks(task, count, _BLOCK)
        best = first_best(quality)
        if best is None:
            return None
        start = best - best % _BLOCK
        order = self._sorted(start, min(start + _BLOCK, count))[1][best - start]
        left = np.zeros(len(load.inside), bool)
        left[order[load.inside[order]][: cut[best]]] = True
        return Split(best, float(threshold[best]), np.zeros(8, np.int32), left[load.inside])

    def goes_left(self, split: Split) -> np.ndarray:
        values = self._values(split.feature, split.feature + 1)[0]
        return values <= np.float32(split.threshold)

    def _values(self, start: int, stop: int) -> np.ndarray:
        values = np.empty((stop - start, len(self._samples.norm)), np.float32)
        part = Corners(*(column[start:stop] for column in self._corners))
        evaluate_haar_kernel(self._samples, part, values)
        return values

    def _sorted(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Values and sorting orders of a block of features: (features, n) each."""
        values = self._values(start, stop)
        order = self._orders.get(start)
        if order is None:
            order = np.empty(values.shape, self._index_type)
            argsort_rows(values.astype(np.float64), order)
            if start // _BLOCK < self._kept:
                self._orders[start] = order
        return values, order


def first_best(quality: np.ndarray) -> Optional[int]:
    """The feature of greatest quality, compared as float32; None where none is above 0."""
    best = int(np.argmax(quality.astype(np.float32)))
    return best if quality[best] > 0 else None


@njit(cache=True, nogil=True)
def _quality(criterion, left, right, left0, left1, right0, right1, squares_left, squares_right):
    """The worth of a cut: weights left and right, and per-class weights or weighted sums."""
    if criterion == LEAST_SQUARES:
        return (left1 * left1 * right + right1 * right1 * left) / (left * right)
    if criterion == GINI:
        return (squares_left * right + squares_right * left) / (left * right)
    return max(left0 + right1, left1 + right0)


@njit(cache=True, nogil=True, error_model="numpy")
def scan_values(
    values: np.ndarray,
    order: np.ndarray,
    load: Load,
    quality: np.ndarray,
    threshold: np.ndarray,
    cut: np.ndarray,
) -> None:
    """The best cut of each feature; -1 as quality where there is none.

    Parameters
    ----------
    values, order : float32 and integer (features, n), the order sorting the values
    load : the node
    quality, threshold, cut : float64, float32, int32 (features,), written; `cut` is the number
        of the node's samples on the left
    """
    criterion = load.criterion
    for f in range(len(values)):
        value = values[f]
        best, best_cut, best_threshold = -1.0, -1, np.float32(0)
        left, left0, left1 = 0.0, 0.0, 0.0
        right0, right1 = load.totals[0], load.totals[1]
        right = right0 if criterion == LEAST_SQUARES else right0 + right1
        squares_left, squares_right = 0.0, right0 * right0 + right1 * right1
        seen, before = 0, np.float32(0)
        for i in order[f]:
            if not load.inside[i]:
                continue
            here = value[i]
            if seen > 0 and before + _NEIGHBOURS < here:
                worth = _quality(
                    criterion, left, right, left0, left1, right0, right1,
                    squares_left, squares_right,
                )
                if best < worth:
                    best, best_cut, best_threshold = worth, seen, (before + here) * _HALF
            w, t = load.weights[i], load.targets[i]
            left += w
            right -= w
            if criterion == LEAST_SQUARES:
                left1 += t * w
                right1 -= t * w
            elif t == 0:
                squares_left += 2 * left0 * w + w * w
                squares_right -= 2 * right0 * w - w * w
                left0 += w
                right0 -= w
            else:
                squares_left += 2 * left1 * w + w * w
                squares_right -= 2 * right1 * w - w * w
                left1 += w
                right1 -= w
            seen += 1
            before = here
        quality[f], threshold[f], cut[f] = best, best_threshold, best_cut
