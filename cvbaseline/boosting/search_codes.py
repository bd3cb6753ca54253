"""The search among LBP features: the 256 codes of a feature go left or right one by one.

Codes are sorted by mean response (least squares) or by weight of class 1; cuts lie between
neighbours in that order, and codes without weight are no cuts but go left or right by their
place. That is what OpenCV 3.4.18's trainer does for every feature. Here it is done only for
features that can win: no way of sending codes left or right beats answering each code for itself,
and that bound costs one pass over the samples and no sorting. The samples are split the same.
"""

from typing import NamedTuple, Optional

import numpy as np
from numba import njit

from cvbaseline.boosting.std_sort import argsort_rows
from cvbaseline.boosting.tree_growing import (
    ERROR,
    GINI,
    LEAST_SQUARES,
    Load,
    Split,
    pair_up,
)
from cvbaseline.cascade import LbpFeatures
from cvbaseline.features.lbp import RING, evaluate_lbp, evaluate_lbp_kernel, prepare_lbp
from cvbaseline.parallel import for_blocks

_FLOAT_EPSILON = float(np.finfo(np.float32).eps)
_DOUBLE_EPSILON = float(np.finfo(np.float64).eps)

_BLOCK = 128  # features whose codes a thread goes through at a time
_TRIED = 64  # features tried between two looks at the bounds
# A bound is rounded otherwise than the quality it bounds, which is compared as float32.
_SLACK = 1 + 1e-6


class CodeSearch:
    """Search over all LBP features; codes are kept, a byte each, while they fit into memory.

    Parameters
    ----------
    windows : uint8 (n, h, w)
    pool : the features
    kept_bytes : memory for codes; those of features beyond it are computed for every node
    old_ties : whether codes of one mean response stand in the order of the old trainer's sort,
        whose kernels take seconds to compile. Without it, least squares may send codes that no
        sample has to the other side
    """

    def __init__(
        self,
        windows: np.ndarray,
        pool: LbpFeatures,
        kept_bytes: int = 1 << 30,
        old_ties: bool = True,
    ):
        self._image, self._pool, self._old_ties = prepare_lbp(windows), pool, old_ties
        kept = kept_bytes // len(windows) // _BLOCK * _BLOCK
        self._kept = evaluate_lbp(self._image, LbpFeatures(pool.cells[:kept]))

    def best_split(self, load: Load, depth: int) -> Optional[Split]:
        members = np.flatnonzero(load.inside)
        pairs = pair_up(load, members)
        bounds = self._bounds(members, pairs, load.criterion)
        promising = np.argsort(-bounds, kind="stable")
        best, best_quality, best_subset = -1, np.float32(0), np.zeros(8, np.int32)
        for start in range(0, len(promising), _TRIED):
            if bounds[promising[start]] * _SLACK < best_quality:
                break
            tried = np.sort(promising[start : start + _TRIED])
            codes = self._codes(tried)
            quality, subset = _try_codes(codes, members, pairs, load.criterion, self._old_ties)
            first = int(np.argmax(quality.astype(np.float32)))
            rounded, feature = np.float32(quality[first]), int(tried[first])
            if rounded > best_quality or (rounded == best_quality > 0 and feature < best):
                best, best_quality, best_subset = feature, rounded, subset[first]
        if best < 0:
            return None
        left = _in_subset(self._codes(np.array([best]))[0], best_subset)[load.inside]
        return Split(best, 0.0, best_subset, left)

    def goes_left(self, split: Split) -> np.ndarray:
        return _in_subset(self._codes(np.array([split.feature]))[0], split.subset)

    def _codes(self, features: np.ndarray) -> np.ndarray:
        """Codes of features in ascending order: uint8 (features, n)."""
        if features[-1] < len(self._kept):
            return self._kept[features]
        return evaluate_lbp(self._image, LbpFeatures(self._pool.cells[features]))

    def _bounds(self, members: np.ndarray, pairs: np.ndarray, criterion: int) -> np.ndarray:
        bounds = np.empty(len(self._pool.cells))
        first, second, signed = _single_terms(members, pairs, criterion)

        def task(start: int, stop: int) -> None:
            codes = self._kept[start:stop]
            if stop > len(self._kept):
                codes = np.empty((stop - start, self._image.shape[2]), np.uint8)
                evaluate_lbp_kernel(self._image, self._pool.cells[start:stop], RING, codes)
            bound_codes(codes, first, second, signed, criterion, bounds[start:stop])

        for_blocks(task, len(bounds), _BLOCK)
        return bounds


class Terms(NamedTuple):
    """Samples, each with one number to add up by code."""

    members: np.ndarray  # int64 (m,)
    values: np.ndarray  # float64 (m,)


def _single_terms(
    members: np.ndarray, pairs: np.ndarray, criterion: int
) -> tuple[Terms, Terms, bool]:
    """The pairs' two sums as terms of their own, those of 0 left out.

    Where every response is 1 or -1, a pair (w, w z) is known by w alone: then the terms are the
    weights of either class, and the flag says that the two sums are their sum and difference.
    """
    weights, responses = pairs.T
    signed = criterion == LEAST_SQUARES and bool(np.all(np.abs(responses) == weights))
    if signed:
        columns = np.where(responses > 0, weights, 0), np.where(responses < 0, weights, 0)
    else:
        columns = weights, responses
    first, second = (Terms(members[c != 0], c[c != 0]) for c in columns)
    return first, second, signed


def _try_codes(
    codes: np.ndarray, members: np.ndarray, pairs: np.ndarray, criterion: int, old_ties: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The quality of each feature's best cut, float64 (features,), and its int32 (.., 8) codes."""
    sums, keys = np.zeros((len(codes), 256, 2)), np.empty((len(codes), 256))
    totals = np.zeros((len(codes), 2))
    sum_codes(codes, members, pairs, criterion, sums, totals, keys)
    if criterion == LEAST_SQUARES and not old_ties:
        order = np.argsort(keys, axis=1, kind="stable").astype(np.uint16)
    else:
        order = np.empty(keys.shape, np.uint16)
        argsort_rows(keys, order)
    quality, subset = np.empty(len(codes)), np.empty((len(codes), 8), np.int32)
    scan_codes(sums, totals, order, criterion, quality, subset)
    return quality, subset


def _in_subset(codes: np.ndarray, subset: np.ndarray) -> np.ndarray:
    bits = np.unpackbits(subset.astype("<i4").view(np.uint8), bitorder="little")
    return bits[codes].astype(bool)


@njit(cache=True, nogil=True, error_model="numpy")
def bound_codes(
    codes: np.ndarray,
    first: Terms,
    second: Terms,
    signed: bool,
    criterion: int,
    bounds: np.ndarray,
) -> None:
    """Write what no cut of a feature can exceed: the quality when every code answers for itself.

    Parameters
    ----------
    codes : uint8 (features, n)
    first, second, signed : of _single_terms
    criterion : of tree_growing
    bounds : float64 (features,), written
    """
    # Four features at a time share the reading of samples and need not wait for one another.
    table = np.empty((2, 4, 256))
    for start in range(0, len(codes), 4):
        table[:] = 0
        last = len(codes) - 1
        code0, code1 = codes[start], codes[min(start + 1, last)]
        code2, code3 = codes[min(start + 2, last)], codes[min(start + 3, last)]
        for side in range(2):
            terms = second if side else first
            sum0, sum1 = table[side, 0], table[side, 1]
            sum2, sum3 = table[side, 2], table[side, 3]
            for i in range(len(terms.members)):
                member, value = terms.members[i], terms.values[i]
                sum0[code0[member]] += value
                sum1[code1[member]] += value
                sum2[code2[member]] += value
                sum3[code3[member]] += value
        for f in range(start, min(start + 4, len(codes))):
            bound = 0.0
            for c in range(256):
                a, b = table[0, f - start, c], table[1, f - start, c]
                if signed:
                    a, b = a + b, a - b
                if criterion == LEAST_SQUARES:
                    bound += b * b / a if a > 0 else 0.0
                elif criterion == GINI:
                    bound += (a * a + b * b) / (a + b) if a + b > 0 else 0.0
                else:
                    bound += max(a, b)
            bounds[f] = bound


@njit(cache=True, nogil=True, error_model="numpy")
def sum_codes(
    codes: np.ndarray,
    members: np.ndarray,
    pairs: np.ndarray,
    criterion: int,
    sums: np.ndarray,
    totals: np.ndarray,
    keys: np.ndarray,
) -> None:
    """Weights by code, and the key that orders codes.

    Parameters
    ----------
    codes, members, pairs, criterion : as of bound_codes
    sums : float64 (features, 256, 2), zeros, written: the pairs' sums by code
    totals : float64 (features, 2), zeros, written: the sums over all codes
    keys : float64 (features, 256), written
    """
    for f in range(len(codes)):
        code, table = codes[f], sums[f]
        for i in range(len(members)):
            c = code[members[i]]
            table[c, 0] += pairs[i, 0]
            table[c, 1] += pairs[i, 1]
        for c in range(256):
            totals[f, 0] += table[c, 0]
            totals[f, 1] += table[c, 1]
            if criterion == LEAST_SQUARES:
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
            if criterion == ERROR:
                worth = max(left0 + right1, left1 + right0)
            elif not (left > _FLOAT_EPSILON and right > _FLOAT_EPSILON):
                continue
            elif criterion == LEAST_SQUARES:
                worth = (left1 * left1 * right + right1 * right1 * left) / (left * right)
            else:
                squares_left = left0 * left0 + left1 * left1
                squares_right = right0 * right0 + right1 * right1
                worth = (squares_left * right + squares_right * left) / (left * right)
            if best < worth:
                best, best_place = worth, place
        quality[f] = best
        subset[f] = 0
        for place in range(best_place + 1):
            code = order[f, place]
            subset[f, code >> 5] |= np.int32(1) << np.int32(code & 31)
