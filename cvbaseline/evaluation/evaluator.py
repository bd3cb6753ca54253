"""Our own evaluator of cascades: window by window the same decision as OpenCV's detector.

It is the engine for mining negatives and for judging samples: many windows of one size at one
scale. A block of windows passes through the cascade as through a funnel: every tree is evaluated
on all windows still in the block (the compiler makes vector code of that), then those whose stage
sum is too low drop out (Viola & Jones 2001, section 4).

Sums and values are rounded as OpenCV rounds them: features, thresholds and leaves in float32,
stage sums in float64. A picture's integral image can be kept and scanned by one cascade after
another; the kernels release the interpreter's lock, so pictures can be scanned in threads:

    packed = pack(cascade)
    integrals = [integral_image(level, packed.planes) for level in pyramid]
    corners = [scan_integral(packed, integral, step=2) for integral in integrals]
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from cvbaseline.cascade import Cascade
from cvbaseline.evaluation.integral import integral_image
from cvbaseline.evaluation.packed_cascade import PackedCascade, offsets, pack

BLOCK = 4096  # windows that pass through the funnel together: their buffers stay in the cache
CHUNK = 1 << 20  # windows whose verdicts are held at a time when a whole picture is scanned
FLATTEST = 0.1  # area / (area * standard deviation) must be below: a deviation above 10


class Verdicts(NamedTuple):
    """What the cascade says of each window."""

    stages: np.ndarray  # int32 (n,): stages passed; -1 for a window rejected as flat
    sums: np.ndarray  # float64 (n,): sum of the last stage that was evaluated


# ---- kernels: `table` is the integral image as one row, `at` the windows' places in it --------


@njit(cache=True, nogil=True)
def _rect_sum(table, at, a, b, c, d):
    """Sum over the rectangle with these corners."""
    return np.int32(table[at + a] - table[at + b] - table[at + c] + table[at + d])


@njit(cache=True, nogil=True)
def _lbp_tests(table, place, corner, subset, goes_left):
    """Whether each window's LBP code is among those that go left.

    A neighbour's bit is set when its sum is at least the centre's; `corner` is a 4 x 4 grid.
    """
    for i in range(len(place)):
        at = place[i]
        s0, s1 = table[at + corner[0]], table[at + corner[1]]
        s2, s3 = table[at + corner[2]], table[at + corner[3]]
        s4, s5 = table[at + corner[4]], table[at + corner[5]]
        s6, s7 = table[at + corner[6]], table[at + corner[7]]
        s8, s9 = table[at + corner[8]], table[at + corner[9]]
        s10, s11 = table[at + corner[10]], table[at + corner[11]]
        s12, s13 = table[at + corner[12]], table[at + corner[13]]
        s14, s15 = table[at + corner[14]], table[at + corner[15]]
        centre = np.int32(s5 - s6 - s9 + s10)
        code = (
            np.int32(np.int32(s0 - s1 - s4 + s5) >= centre) << 7
            | np.int32(np.int32(s1 - s2 - s5 + s6) >= centre) << 6
            | np.int32(np.int32(s2 - s3 - s6 + s7) >= centre) << 5
            | np.int32(np.int32(s6 - s7 - s10 + s11) >= centre) << 4
            | np.int32(np.int32(s10 - s11 - s14 + s15) >= centre) << 3
            | np.int32(np.int32(s9 - s10 - s13 + s14) >= centre) << 2
            | np.int32(np.int32(s8 - s9 - s12 + s13) >= centre) << 1
            | np.int32(np.int32(s4 - s5 - s8 + s9) >= centre)
        )
        goes_left[i] = subset[code >> 5] >> np.uint32(code & 31) & np.uint32(1) != 0


@njit(cache=True, nogil=True)
def _haar_tests(table, place, factor, corner, weight, threshold, goes_left):
    """Whether each window's Haar value (rectangles' weighted sums, normalised) goes left."""
    w0, w1, w2 = weight[0], weight[1], weight[2]
    a, b, c, d = corner[0], corner[1], corner[2], corner[3]
    e, f, g, h = corner[4], corner[5], corner[6], corner[7]
    values = np.empty(len(place), np.float32)
    for i in range(len(place)):
        first = _rect_sum(table, place[i], a, b, c, d)
        second = _rect_sum(table, place[i], e, f, g, h)
        values[i] = w0 * np.float32(first) + w1 * np.float32(second)
    if w2 != 0:
        a, b, c, d = corner[8], corner[9], corner[10], corner[11]
        for i in range(len(place)):
            values[i] += w2 * np.float32(_rect_sum(table, place[i], a, b, c, d))
    for i in range(len(place)):
        goes_left[i] = values[i] * factor[i] < threshold


@njit(cache=True, nogil=True)
def _add_leaves(goes_left, left, right, leaf, sums):
    """Add to each window's sum the leaf that the tests of a tree's nodes lead it to."""
    if len(goes_left) == 1:
        low, high = leaf[-left[0]], leaf[-right[0]]
        for i in range(len(sums)):
            sums[i] += low if goes_left[0, i] else high
        return
    for i in range(len(sums)):
        child = 0
        while True:
            child = left[child] if goes_left[child, i] else right[child]
            if child <= 0:
                break
        sums[i] += leaf[-child]


@njit(cache=True, nogil=True)
def _norm_factors(table, place, norm, area, factor):
    """1 / (area * standard deviation) of each window's inner rectangle; 0 when it is uniform."""
    for i in range(len(place)):
        at = place[i]
        total = np.float64(_rect_sum(table, at, norm[0], norm[1], norm[2], norm[3]))
        squares = _rect_sum(table, at, norm[4], norm[5], norm[6], norm[7])
        squares = np.float64(np.int64(squares) & 0xFFFFFFFF)  # unsigned, as in OpenCV
        variance = area * squares - total * total
        factor[i] = np.float32(1 / np.sqrt(variance)) if variance > 0 else np.float32(0)


@njit(cache=True, nogil=True)
def _keep(place, alive, factor, sums, least, out_stages, out_sums):
    """Write each window's sum; move those that reach `least` to the front, and count them."""
    kept = 0
    for i in range(len(sums)):
        window = alive[i]
        out_sums[window] = sums[i]
        passed = sums[i] >= least
        out_stages[window] += np.int32(passed)
        place[kept], alive[kept], factor[kept] = place[i], window, factor[i]
        kept += np.int64(passed)
    return kept


@njit(cache=True, nogil=True)
def _add_tree(table, place, factor, corners, norm, packed, tree, sums):
    """Add a tree's answer to each window's sum; all its nodes are tested on all windows.

    `norm` is None for LBP: the compiler then leaves out what is for Haar features, and the reverse.
    """
    root, end = packed.first_node[tree], packed.first_node[tree + 1]
    goes_left = np.empty((end - root, len(place)), np.bool_)
    for node in range(root, end):
        tests = goes_left[node - root]
        if norm is None:
            _lbp_tests(table, place, corners[node], packed.subset[node], tests)
        else:
            weight, threshold = packed.weights[node], packed.threshold[node]
            _haar_tests(table, place, factor, corners[node], weight, threshold, tests)
    left, right, leaf = packed.left[root:end], packed.right[root:end], packed.leaf[root + tree :]
    _add_leaves(goes_left, left, right, leaf, sums)


@njit(cache=True, nogil=True)
def _judge(table, places, corners, norm, packed, out_stages, out_sums):
    """Send the windows at `places` through the funnel, block by block.

    The rule against flat windows is a first test before stage 0: `out_stages` begins at -1 then.
    """
    area = np.float64((packed.width - 2) * (packed.height - 2))
    # Filled by loops: numba compiles np.arange and the like anew, half a second each.
    place, alive = np.empty(BLOCK, places.dtype), np.empty(BLOCK, np.int64)
    factor, sums = np.empty(BLOCK, np.float32), np.empty(BLOCK)
    for start in range(0, len(places), BLOCK):
        count = min(BLOCK, len(places) - start)
        for i in range(count):
            place[i], alive[i], factor[i] = places[start + i], start + i, 1
        if norm is not None:
            _norm_factors(table, place[:count], norm, area, factor)
            if packed.reject_flat:
                for i in range(count):
                    varied = factor[i] > 0 and area * np.float64(factor[i]) < FLATTEST
                    sums[i] = 0 if varied else -1
                count = _keep(place, alive, factor, sums[:count], 0.0, out_stages, out_sums)
        for stage in range(len(packed.stage_threshold)):
            if count == 0:
                break
            for i in range(count):
                sums[i] = 0
            for tree in range(packed.first_tree[stage], packed.first_tree[stage + 1]):
                _add_tree(table, place[:count], factor, corners, norm, packed, tree, sums[:count])
            least = packed.stage_threshold[stage]
            count = _keep(place, alive, factor, sums[:count], least, out_stages, out_sums)


# ---- judging windows --------------------------------------------------------------------------


def judge_places(packed: PackedCascade, integral: np.ndarray, places: np.ndarray) -> Verdicts:
    """Verdicts on windows by where their first corners lie in a row of the integral's first plane.

    Parameters
    ----------
    integral : as for `judge`
    places : int (n,): y * (w + 1) + x of the windows' top left pixels; they lie in the picture
    """
    planes = len(integral)
    if planes < packed.planes:
        raise ValueError(f"the integral image has {planes} planes; {packed.planes} are needed")
    stages = np.full(len(places), -1 if packed.reject_flat else 0, np.int32)
    sums = np.zeros(len(places))
    if not (len(packed.stage_threshold) or packed.reject_flat):
        return Verdicts(stages, sums)
    _judge(
        np.ascontiguousarray(integral).reshape(-1),
        places.astype(np.uint32),
        offsets(packed.corners, integral),
        None if packed.lbp else offsets(packed.norm, integral).reshape(-1),
        packed,
        stages,
        sums,
    )
    return Verdicts(stages, sums)


def judge(packed: PackedCascade, integral: np.ndarray, corners: np.ndarray) -> Verdicts:
    """How far each window of a picture gets in the cascade.

    Parameters
    ----------
    integral : int32 (planes, h + 1, w + 1) from `integral_image`, with packed.planes or more
    corners : int (n, 2), x and y of the windows' top left pixels; windows lie in the picture
    """
    rows, columns = integral.shape[1:]
    corners = np.asarray(corners, np.int64).reshape(-1, 2)
    last = np.array([columns - 1 - packed.width, rows - 1 - packed.height])
    if np.any(corners < 0) or np.any(corners > last):
        raise ValueError("a window lies outside the picture")
    return judge_places(packed, integral, corners @ np.array([1, columns]))


def scan_integral(
    packed: PackedCascade, integral: np.ndarray, step: int = 1, offset: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """Windows of a grid over a picture that pass all stages.

    Parameters
    ----------
    integral : int32 (planes, h + 1, w + 1) from `integral_image`
    step : distance between neighbouring windows, in pixels
    offset : x, y of the grid's first window

    Returns
    -------
    int32 (n, 2): their top left pixels x, y, row by row; none when the window is larger.
    """
    rows, columns = integral.shape[1:]
    xs = np.arange(offset[0], columns - packed.width, step)
    ys = np.arange(offset[1], rows - packed.height, step)
    if not (len(xs) and len(ys)):
        return np.zeros((0, 2), np.int32)
    found = []
    for some in np.array_split(ys, -(-len(ys) * len(xs) // CHUNK)):
        places = (some[:, None] * columns + xs).reshape(-1)
        stages = judge_places(packed, integral, places).stages
        found.append(places[stages == len(packed.stage_threshold)])
    y, x = np.divmod(np.concatenate(found), columns)
    return np.stack([x, y], axis=1).astype(np.int32)


def stages_passed(cascade: Cascade, grey: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Number of stages that each window of a picture passes, as OpenCV's detector decides.

    Parameters
    ----------
    grey : uint8 (h, w)
    corners : int (n, 2), x and y of the windows' top left pixels

    Returns
    -------
    int32 (n,): len(cascade.stages) for a window that is found, -1 for one rejected as flat.
    """
    packed = pack(cascade)
    return judge(packed, integral_image(grey, packed.planes), corners).stages


def scan(cascade: Cascade, grey: np.ndarray, step: int = 1) -> np.ndarray:
    """Corners x, y of the picture's windows (every `step` pixels) that pass all stages, (n, 2)."""
    packed = pack(cascade)
    return scan_integral(packed, integral_image(grey, packed.planes), step)


def judge_windows(packed: PackedCascade, windows: np.ndarray) -> Verdicts:
    """Verdicts on cut-out windows (samples), uint8 (n, height, width).

    They are laid below each other as one tall picture: sums within one do not see the others.
    """
    shape = (packed.height, packed.width)
    if windows.ndim != 3 or windows.shape[1:] != shape:
        raise ValueError(f"windows must be (n, {shape[0]}, {shape[1]}), got {windows.shape}")
    parts = [Verdicts(np.zeros(0, np.int32), np.zeros(0))]
    for start in range(0, len(windows), BLOCK):
        some = windows[start : start + BLOCK]
        integral = integral_image(some.reshape(-1, packed.width), packed.planes)
        places = np.arange(len(some)) * packed.height * (packed.width + 1)
        parts.append(judge_places(packed, integral, places))
    return Verdicts(*(np.concatenate(column) for column in zip(*parts)))


def passes(cascade: Cascade, windows: np.ndarray, reject_flat: bool = True) -> np.ndarray:
    """Whether each window (sample) passes all stages.

    Parameters
    ----------
    windows : uint8 (n, height, width) of the cascade's window size
    reject_flat : as for `pack`; False judges as OpenCV's trainer did

    Returns
    -------
    bool (n,)
    """
    return judge_windows(pack(cascade, reject_flat), windows).stages == len(cascade.stages)
