"""The search that tries every feature and every cut, with OpenCV 3.4.18's choices.

Haar: a node's samples are sorted by value; cuts lie between neighbours more than 2 * FLT_EPSILON
apart, at their float32 midpoint. LBP: the 256 codes are sorted by mean response (least squares)
or by weight of class 1, and cuts lie between neighbours in that order; codes without weight are
no cuts, but go left or right by their place. The greatest quality wins, the first of equals;
between features, qualities are compared as float32.
"""

from typing import Optional

import numpy as np
from numba import njit

from .cascade import HaarFeatures, LbpFeatures
from .features.haar import Corners, corners, evaluate_haar_kernel, prepare_haar
from .features.lbp import evaluate_lbp, prepare_lbp
from .parallel import for_blocks
from .std_sort import argsort_rows
from .tree_growing import ERROR, GINI, LEAST_SQUARES, Load, Split

_FLOAT_EPSILON = float(np.finfo(np.float32).eps)
_DOUBLE_EPSILON = float(np.finfo(np.float64).eps)
_NEIGHBOURS = np.float32(2 * _FLOAT_EPSILON)  # values no further apart are one value
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
        best = _first_best(quality)
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


class ExhaustiveLbp:
    """Search over all LBP features; all codes are kept, a byte each.

    Parameters
    ----------
    windows : uint8 (n, h, w)
    pool : the features
    """

    def __init__(self, windows: np.ndarray, pool: LbpFeatures):
        self._codes = evaluate_lbp(prepare_lbp(windows), pool)

    def best_split(self, load: Load, depth: int) -> Optional[Split]:
        count = len(self._codes)
        quality, subset = np.empty(count), np.empty((count, 8), np.int32)

        def task(start: int, stop: int) -> None:
            sums, keys = np.zeros((stop - start, 256, 2)), np.empty((stop - start, 256))
            totals = np.zeros((stop - start, 2))
            sum_codes(self._codes[start:stop], load, sums, totals, keys)
            order = np.empty(keys.shape, np.uint16)
            argsort_rows(keys, order)
            part = slice(start, stop)
            scan_codes(sums, totals, order, load.criterion, quality[part], subset[part])

        for_blocks(task, count, _BLOCK)
        best = _first_best(quality)
        if best is None:
            return None
        left = _in_subset(self._codes[best], subset[best])[load.inside]
        return Split(best, 0.0, subset[best], left)

    def goes_left(self, split: Split) -> np.ndarray:
        return _in_subset(self._codes[split.feature], split.subset)


def _first_best(quality: np.ndarray) -> Optional[int]:
    best = int(np.argmax(quality.astype(np.float32)))
    return best if quality[best] > 0 else None


def _in_subset(codes: np.ndarray, subset: np.ndarray) -> np.ndarray:
    bits = np.unpackbits(subset.astype("<i4").view(np.uint8), bitorder="little")
    return bits[codes].astype(bool)


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


@njit(cache=True, nogil=True, error_model="numpy")
def sum_codes(
    codes: np.ndarray, load: Load, sums: np.ndarray, totals: np.ndarray, keys: np.ndarray
) -> None:
    """Weights by code, and the key that orders codes.

    Parameters
    ----------
    codes : uint8 (features, n)
    load : the node
    sums : float64 (features, 256, 2), zeros, written: weight and weighted response, or the
        weights of class 0 and 1
    totals : float64 (features, 2), zeros, written: the sums over all codes
    keys : float64 (features, 256), written
    """
    for f in range(len(codes)):
        code, table = codes[f], sums[f]
        for i in range(len(code)):
            if not load.inside[i]:
                continue
            w, t = load.weights[i], load.targets[i]
            if load.criterion == LEAST_SQUARES:
                table[code[i], 0] += w
                table[code[i], 1] += t * w
            else:
                table[code[i], int(t)] += w
        for c in range(256):
            totals[f, 0] += table[c, 0]
            totals[f, 1] += table[c, 1]
            if load.criterion == LEAST_SQUARES:
                # The old trainer divides and multiplies again: the sum is rounded twice.
                mean = table[c, 1] / table[c, 0] if table[c, 0] > _DOUBLE_EPSILON else 0.0
                keys[f, c] = mean
                table[c, 1] = mean * table[c, 0]
            else:
                keys[f, c] = table[c, 1]


@njit(cache=True, nogil=True, error_model="numpy")
def scan_codes(
    sums: np.ndarray,
    totals: np.ndarray,
    order: np.ndarray,
    criterion: int,
    quality: np.ndarray,
    subset: np.ndarray,
) -> None:
    """The best cut of each feature in the order of its codes; -1 as quality where there is none.

    Parameters
    ----------
    sums, totals : as sum_codes writes them
    order : uint16 (features, 256)
    quality, subset : float64 (features,) and int32 (features, 8), written
    """
    for f in range(len(sums)):
        best, best_place = -1.0, -1
        left, left0, left1 = 0.0, 0.0, 0.0
        right0, right1 = totals[f, 0], totals[f, 1]
        right = right0 if criterion == LEAST_SQUARES else right0 + right1
        for place in range(255):
            first, second = sums[f, order[f, place], 0], sums[f, order[f, place], 1]
            weight = first if criterion == LEAST_SQUARES else first + second
            if weight < _FLOAT_EPSILON or (
                criterion == LEAST_SQUARES and weight == _FLOAT_EPSILON
            ):
                continue
            left0 += first
            left1 += second
            right0 -= first
            right1 -= second
            left += weight
            right -= weight
            if criterion != ERROR and not (left > _FLOAT_EPSILON and right > _FLOAT_EPSILON):
                continue
            worth = _quality(
                criterion, left, right, left0, left1, right0, right1,
                left0 * left0 + left1 * left1, right0 * right0 + right1 * right1,
            )
            if best < worth:
                best, best_place = worth, place
        quality[f] = best
        subset[f] = 0
        for place in range(best_place + 1):
            code = order[f, place]
            subset[f, code >> 5] |= np.int32(1) << np.int32(code & 31)
