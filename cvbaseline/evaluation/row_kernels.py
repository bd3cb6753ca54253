"""The kernels of `row_search`: rows of windows, 16 neighbours at a time, go through a cascade.

`table` is the integral image as one row. `norm` is None for LBP: the compiler then leaves out what
is for Haar features, and the reverse.
"""

import numpy as np
from numba import njit

from cvbaseline.evaluation.evaluator import FLATTEST
from cvbaseline.evaluation.lane_kernels import (
    LANES,
    add_haar_leaves,
    add_lbp_leaves,
    lanes_reaching,
)

ONE = np.uint64(1)
NODES = 8  # after which it is looked whether a stage can still be passed


@njit(cache=True, nogil=True)
def fill_table(picture, table):
    """Write the integral image of a picture, and that of its squares if there is a plane for it.

    picture uint8 (h, w); table (planes, h + 1, step, columns), of zeros: every step-th column of
    the integral image lies together.
    """
    height, width = picture.shape
    planes, step = min(2, table.shape[0]), table.shape[2]
    sums = np.zeros((2, width + 1), np.int32)
    for y in range(height):
        total, squares = np.int32(0), np.int32(0)
        for x in range(width):
            value = np.int32(picture[y, x])
            total += value
            sums[0, x + 1] += total
            if planes == 2:
                squares += value * value
                sums[1, x + 1] += squares
        for plane in range(planes):
            for k in range(step):
                row, columns = table[plane, y + 1, k], (width - k) // step + 1
                for column in range(columns):
                    row[column] = sums[plane, column * step + k]


@njit(cache=True, nogil=True, inline="always")
def _rect_sum(table, a, b, c, d):
    """Sum over the rectangle with these corners."""
    return np.int32(table[a] - table[b] - table[c] + table[d])


@njit(cache=True, nogil=True)
def _row_factors(table, at, norm, area, factor):
    """1 / (area * standard deviation) of neighbouring windows; 0 for a flat one."""
    a, b, c, d = at + norm[0], at + norm[1], at + norm[2], at + norm[3]
    e, f, g, h = at + norm[4], at + norm[5], at + norm[6], at + norm[7]
    for i in range(np.uint32(len(factor))):
        total = np.float64(_rect_sum(table, a + i, b + i, c + i, d + i))
        # Unsigned, as in OpenCV.
        squares = np.float64(np.uint32(_rect_sum(table, e + i, f + i, g + i, h + i)))
        variance = area * squares - total * total
        one = np.float32(1 / np.sqrt(variance)) if variance > 0 else np.float32(0)
        factor[i] = one if area * np.float64(one) < FLATTEST else np.float32(0)


@njit(cache=True, nogil=True, inline="always")
def _visited(varied, passing, lanes, skipped):
    """The windows that OpenCV visits and that pass the first stage, as bits.

    It leaves out the neighbour of a window that fails; not of one that is flat. Returns as well
    whether it leaves out the first window after these; `skipped` says so of these.
    """
    visited, lane = np.uint64(0), np.uint64(skipped)
    while lane < np.uint64(lanes):
        bit = ONE << lane
        visited |= bit
        lane += ONE + ((varied & ~passing) >> lane & ONE)
    return visited & varied & passing, lane - np.uint64(lanes)


@njit(cache=True, nogil=True, inline="always")
def _add_leaves(table, at, corners, norm, cascade, first, last, factor, start, sums):
    """Add to the 16 windows' sums the leaves of some nodes."""
    for number in range(first, last):
        node = np.uint64(number)
        if norm is None:
            add_lbp_leaves(table, at, corners, node, cascade.subset, cascade.leaf, sums)
        else:
            add_haar_leaves(
                table, at, corners, node, cascade.weights, cascade.threshold, factor,
                np.uint64(start), cascade.leaf, sums,
            )  # fmt: skip


@njit(cache=True, nogil=True, inline="always")
def _passing(table, at, corners, norm, cascade, stage, factor, start, left, sums):
    """Which of the 16 windows pass a stage, as bits; right for those in `left`.

    Ends as soon as all of these have failed.
    """
    first, last = cascade.first_node[stage], cascade.first_node[stage + 1]
    passing = left
    for lane in range(LANES):
        sums[lane] = 0
    while first < last and passing:
        after = min(first + NODES, last)
        _add_leaves(table, at, corners, norm, cascade, first, after, factor, start, sums)
        passing = left & lanes_reaching(sums, cascade.least[after - 1])
        first = after
    return passing


@njit(cache=True, nogil=True)
def search_rows(
    table, first, count, corners, norm, area, cascade, stages, further, found, found_sums, goes_on
):
    """Search rows of `count` neighbouring windows, which begin at `first` in the table.

    Of those that pass so many `stages` the places there and sums are written, and whether they
    pass `further` stages as well, as far as there is room; returns how many there are.
    """
    sums, factor = np.empty(LANES), np.ones(count + LANES, np.float32)
    windows = 0
    for row in range(len(first)):
        skipped = np.uint64(0)
        if norm is not None:
            _row_factors(table, first[row], norm, area, factor[:count])
        for start in range(0, count, LANES):
            at, left = np.uint64(first[row] + start), np.uint64(0)
            lanes = min(LANES, count - start)
            for lane in range(lanes):
                left |= np.uint64(factor[start + lane] != 0) << np.uint64(lane)
            passing = _passing(table, at, corners, norm, cascade, 0, factor, start, left, sums)
            left, skipped = _visited(left, passing, lanes, skipped)
            for stage in range(1, stages):
                if left == 0:
                    break
                left = _passing(table, at, corners, norm, cascade, stage, factor, start, left, sums)
            if left == 0:
                continue
            first_found, passing = windows, left
            for lane in range(lanes):
                if passing >> np.uint64(lane) & ONE:
                    if windows < len(found):
                        found[windows], found_sums[windows] = at + np.uint64(lane), sums[lane]
                    windows += 1
            for stage in range(stages, further):
                if left == 0:
                    break
                left = _passing(table, at, corners, norm, cascade, stage, factor, start, left, sums)
            for lane in range(lanes):
                if passing >> np.uint64(lane) & ONE:
                    if first_found < len(found):
                        goes_on[first_found] = left >> np.uint64(lane) & ONE
                    first_found += 1
    return windows
