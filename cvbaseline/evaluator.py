"""Our own evaluator of cascades: window by window the same decision as OpenCV's detector.

It is the engine for mining negatives and for judging samples: many windows of one size at one
scale. A block of windows passes through the cascade as through a funnel: every tree is evaluated
on all windows still in the block (the compiler makes vector code of that), then those whose stage
sum is too low drop out (Viola & Jones 2001, section 4).

Sums and values are rounded as OpenCV rounds them: features, thresholds and leaves in float32,
stage sums in float64. A picture's integral image can be kept and scanned again by other cascades:

    packed = pack(cascade)
    integrals = [integral_image(level, packed.planes) for level in pyramid]
    corners = scan_integrals(packed, integrals, step=2, threads=2)
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Optional, Sequence

import numpy as np
from numba import njit

from cvbaseline.cascade import (
    STAGE_THRESHOLD_EPSILON,
    Cascade,
    HaarFeatures,
    LbpFeatures,
    Trees,
    join_trees,
)
from cvbaseline.errors import require
from cvbaseline.integral import SQUARES, SUM, TILTED, integral_image

BLOCK = 1024  # windows that pass through the funnel together: their buffers stay in the cache
CHUNK = 1 << 20  # windows whose verdicts are held at a time when a whole picture is scanned
FLATTEST = 0.1  # OpenCV: area / (area * standard deviation) must be below, so deviation above 10
_NO_TREES = Trees(
    np.zeros(1, np.int32), *(np.zeros(0, np.int32) for _ in range(3)),
    np.zeros(0), np.zeros((0, 8), np.int32), np.zeros(0),
)  # fmt: skip


class PackedCascade(NamedTuple):
    """A cascade laid out for the kernels; made by `pack`."""

    lbp: bool
    reject_flat: bool
    width: int
    height: int
    planes: int  # of the integral image that is needed
    norm: np.ndarray  # int64 (4, 3): corners of the rectangle whose deviation normalises a window
    corners: np.ndarray  # int64 (nodes, 16 or 12, 3): plane, y, x of each node's corners
    weights: np.ndarray  # float32 (nodes, 3)
    first_tree: np.ndarray  # int64 (stages + 1,)
    stage_threshold: np.ndarray  # float64 (stages,), less the epsilon
    first_node: np.ndarray  # int64 (trees + 1,)
    left: np.ndarray  # int64 (nodes,)
    right: np.ndarray  # int64 (nodes,)
    threshold: np.ndarray  # float32 (nodes,)
    subset: np.ndarray  # uint32 (nodes, 8)
    leaf: np.ndarray  # float64 (nodes + trees,), of float32 values


class Verdicts(NamedTuple):
    """What the cascade says of each window."""

    stages: np.ndarray  # int32 (n,): stages passed; -1 for a window rejected as flat
    sums: np.ndarray  # float64 (n,): sum of the last stage that was evaluated


# ---- kernels: `table` is the integral image as one row, `at` the windows' places in it --------


@njit(cache=True, nogil=True)
def _lbp_code(table, at, corner):
    """LBP code of one window: bit set where a neighbour cell's sum >= the centre cell's."""
    a0, a1 = table[at + corner[0]], table[at + corner[1]]
    a2, a3 = table[at + corner[2]], table[at + corner[3]]
    b0, b1 = table[at + corner[4]], table[at + corner[5]]
    b2, b3 = table[at + corner[6]], table[at + corner[7]]
    c0, c1 = table[at + corner[8]], table[at + corner[9]]
    c2, c3 = table[at + corner[10]], table[at + corner[11]]
    d0, d1 = table[at + corner[12]], table[at + corner[13]]
    d2, d3 = table[at + corner[14]], table[at + corner[15]]
    centre = np.int32(b1 - b2 - c1 + c2)
    code = np.int32(np.int32(a0 - a1 - b0 + b1) >= centre) << 7
    code |= np.int32(np.int32(a1 - a2 - b1 + b2) >= centre) << 6
    code |= np.int32(np.int32(a2 - a3 - b2 + b3) >= centre) << 5
    code |= np.int32(np.int32(b2 - b3 - c2 + c3) >= centre) << 4
    code |= np.int32(np.int32(c2 - c3 - d2 + d3) >= centre) << 3
    code |= np.int32(np.int32(c1 - c2 - d1 + d2) >= centre) << 2
    code |= np.int32(np.int32(c0 - c1 - d0 + d1) >= centre) << 1
    code |= np.int32(np.int32(b0 - b1 - c0 + c1) >= centre)
    return code


@njit(cache=True, nogil=True)
def _rect_sum(table, at, corner, k):
    """Sum over the rectangle whose corners are k, k + 1, k + 2, k + 3, as float32."""
    return np.float32(
        np.int32(
            table[at + corner[k]]
            - table[at + corner[k + 1]]
            - table[at + corner[k + 2]]
            + table[at + corner[k + 3]]
        )
    )


@njit(cache=True, nogil=True)
def _haar_value(table, at, corner, weight):
    """Weighted sum of a node's rectangles in float32, not normalised yet."""
    value = weight[0] * _rect_sum(table, at, corner, 0) + weight[1] * _rect_sum(table, at, corner, 4)
    if weight[2] != 0:
        value += weight[2] * _rect_sum(table, at, corner, 8)
    return value


@njit(cache=True, nogil=True)
def _goes_left(subset, code):
    return (subset[code >> 5] >> np.uint32(code & 31)) & np.uint32(1) != 0


@njit(cache=True, nogil=True)
def _norm_factor(table, at, norm, area):
    """1 / (area * standard deviation) of the window's inner rectangle; 0 when it is uniform."""
    total = np.float64(
        np.int32(table[at + norm[0]] - table[at + norm[1]] - table[at + norm[2]] + table[at + norm[3]])
    )
    squares = (
        np.int64(table[at + norm[4]])
        - np.int64(table[at + norm[5]])
        - np.int64(table[at + norm[6]])
        + np.int64(table[at + norm[7]])
    ) & np.int64(0xFFFFFFFF)
    variance = area * np.float64(squares) - total * total
    if variance <= 0:
        return np.float32(0)
    return np.float32(1 / np.sqrt(variance))


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
def _add_lbp_tree(table, place, corners, packed, tree, sums):
    """Add to each window's sum the leaf that an LBP tree leads it to."""
    root, leaf = packed.first_node[tree], packed.leaf[packed.first_node[tree] + tree :]
    if packed.first_node[tree + 1] - root == 1:
        corner, subset = corners[root], packed.subset[root]
        low, high = leaf[-packed.left[root]], leaf[-packed.right[root]]
        codes = np.empty(len(place), np.int32)
        for i in range(len(place)):
            codes[i] = _lbp_code(table, place[i], corner)
        for i in range(len(place)):
            sums[i] += low if _goes_left(subset, codes[i]) else high
        return
    for i in range(len(place)):
        node = root
        while True:
            code = _lbp_code(table, place[i], corners[node])
            child = packed.left[node] if _goes_left(packed.subset[node], code) else packed.right[node]
            if child <= 0:
                break
            node = root + child
        sums[i] += leaf[-child]


@njit(cache=True, nogil=True)
def _add_haar_tree(table, place, factor, corners, packed, tree, sums):
    """Add to each window's sum the leaf that a Haar tree leads it to."""
    root, leaf = packed.first_node[tree], packed.leaf[packed.first_node[tree] + tree :]
    if packed.first_node[tree + 1] - root == 1:
        corner, weight, threshold = corners[root], packed.weights[root], packed.threshold[root]
        low, high = leaf[-packed.left[root]], leaf[-packed.right[root]]
        for i in range(len(place)):
            value = _haar_value(table, place[i], corner, weight) * factor[i]
            sums[i] += low if value < threshold else high
        return
    for i in range(len(place)):
        node = root
        while True:
            value = _haar_value(table, place[i], corners[node], packed.weights[node]) * factor[i]
            child = packed.left[node] if value < packed.threshold[node] else packed.right[node]
            if child <= 0:
                break
            node = root + child
        sums[i] += leaf[-child]


@njit(cache=True, nogil=True)
def _judge(table, places, corners, norm, packed, out_stages, out_sums):
    """Send the windows at `places` through the funnel, block by block."""
    area = np.float64((packed.width - 2) * (packed.height - 2))
    for start in range(0, len(places), BLOCK):
        place = places[start : start + BLOCK].copy()
        count = len(place)
        alive = np.arange(start, start + count)
        factor = np.ones(count, np.float32)
        if not packed.lbp:
            kept = 0
            for i in range(count):
                f = _norm_factor(table, place[i], norm, area)
                is_flat = f == 0 or not area * np.float64(f) < FLATTEST
                if packed.reject_flat and is_flat:
                    out_stages[alive[i]] = -1
                    continue
                place[kept], alive[kept], factor[kept] = place[i], alive[i], f
                kept += 1
            count = kept
        for stage in range(len(packed.stage_threshold)):
            if count == 0:
                break
            sums = np.zeros(count)
            for tree in range(packed.first_tree[stage], packed.first_tree[stage + 1]):
                if packed.lbp:
                    _add_lbp_tree(table, place[:count], corners, packed, tree, sums)
                else:
                    _add_haar_tree(table, place[:count], factor, corners, packed, tree, sums)
            least = packed.stage_threshold[stage]
            count = _keep(place, alive, factor, sums, least, out_stages, out_sums)


# ---- laying a cascade out ---------------------------------------------------------------------


def _corners(rects: np.ndarray, plane: int) -> np.ndarray:
    """The four corners (plane, y, x) of upright rectangles (..., 4), in the order + - - +."""
    x, y, width, height = np.moveaxis(rects.astype(np.int64), -1, 0)
    ys = np.stack([y, y, y + height, y + height], axis=-1)
    xs = np.stack([x, x + width, x, x + width], axis=-1)
    return np.stack([np.full_like(xs, plane), ys, xs], axis=-1)


def _tilted_corners(rects: np.ndarray) -> np.ndarray:
    """The same of rectangles turned by 45 degrees: width runs down right, height down left."""
    x, y, width, height = np.moveaxis(rects.astype(np.int64), -1, 0)
    ys = np.stack([y, y + height, y + width, y + width + height], axis=-1)
    xs = np.stack([x, x - height, x + width, x + width - height], axis=-1)
    return np.stack([np.full_like(xs, TILTED), ys, xs], axis=-1)


def _haar_corners(features: HaarFeatures) -> np.ndarray:
    """Corners of the features' rectangles, int64 (n, 12, 3); an unused rectangle's are all 0."""
    corners = np.where(
        features.tilted[:, None, None, None],
        _tilted_corners(features.rects),
        _corners(features.rects, SUM),
    )
    corners[features.weights == 0] = 0
    return corners.reshape(len(corners), 12, 3)


def _lbp_corners(features: LbpFeatures) -> np.ndarray:
    """The 4 x 4 corners of each feature's grid of cells, row by row, int64 (n, 16, 3)."""
    x, y, width, height = features.cells.astype(np.int64).T[..., None]
    steps = np.arange(16)
    ys, xs = y + height * (steps // 4), x + width * (steps % 4)
    return np.stack([np.full_like(xs, SUM), ys, xs], axis=-1)


def pack(cascade: Cascade, reject_flat: bool = True) -> PackedCascade:
    """Lay a cascade out for the kernels.

    Parameters
    ----------
    cascade : of any feature type and depth; its features may be a whole pool
    reject_flat : whether a Haar cascade rejects every window whose standard deviation (without
        the outermost pixels) is at most 10, as OpenCV's detector does and its trainer did not

    Raises UserError for a feature that reaches out of the window.
    """
    width, height = cascade.width, cascade.height
    lbp = isinstance(cascade.features, LbpFeatures)
    require(lbp or min(width, height) >= 3, f"a Haar window of {width} x {height} is too small")
    norm = _corners(np.array([1, 1, width - 2, height - 2]), SUM)
    norm = np.concatenate([norm, _corners(np.array([1, 1, width - 2, height - 2]), SQUARES)])
    trees = join_trees([_NO_TREES, *(stage.trees for stage in cascade.stages)])
    used = type(cascade.features)(*(column[trees.feature] for column in cascade.features))
    corners = _lbp_corners(used) if lbp else _haar_corners(used)
    inside = (corners[..., 1:] >= 0) & (corners[..., 1:] <= (height, width))
    reaching = trees.feature[~inside.all(axis=(1, 2))]
    require(
        len(reaching) == 0,
        f"feature {reaching[:1].sum()} of the cascade reaches out of its {width} x {height} window",
    )
    threshold = np.array([stage.threshold for stage in cascade.stages], np.float32)
    return PackedCascade(
        lbp=lbp,
        reject_flat=reject_flat,
        width=width,
        height=height,
        planes=1 if lbp else 3 if used.tilted.any() else 2,
        norm=norm,
        corners=corners,
        weights=np.zeros((len(corners), 3), np.float32) if lbp else used.weights,
        first_tree=np.cumsum([0, *(stage.trees.count for stage in cascade.stages)]),
        stage_threshold=(threshold - np.float32(STAGE_THRESHOLD_EPSILON)).astype(np.float64),
        first_node=trees.first_node.astype(np.int64),
        left=trees.left.astype(np.int64),
        right=trees.right.astype(np.int64),
        threshold=trees.threshold.astype(np.float32),
        subset=np.ascontiguousarray(trees.subset, np.int32).view(np.uint32),
        leaf=trees.leaf.astype(np.float32).astype(np.float64),
    )


# ---- judging windows --------------------------------------------------------------------------


def _offsets(corners: np.ndarray, integral: np.ndarray) -> np.ndarray:
    """Corners (..., 3) as distances from a window's first corner in the flattened integral."""
    planes, rows, columns = integral.shape
    return (corners @ np.array([rows * columns, columns, 1])).astype(np.uint32)


def _judge_places(packed: PackedCascade, integral: np.ndarray, places: np.ndarray) -> Verdicts:
    """Verdicts on windows given by where their first corner lies in the flattened integral."""
    planes = len(integral)
    if planes < packed.planes:
        raise ValueError(f"the integral image has {planes} planes; {packed.planes} are needed")
    stages, sums = np.zeros(len(places), np.int32), np.zeros(len(places))
    _judge(
        np.ascontiguousarray(integral).reshape(-1),
        places.astype(np.uint32),
        _offsets(packed.corners, integral),
        _offsets(packed.norm, integral).reshape(-1),
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
    return _judge_places(packed, integral, corners @ np.array([1, columns]))


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
        stages = _judge_places(packed, integral, places).stages
        found.append(places[stages == len(packed.stage_threshold)])
    y, x = np.divmod(np.concatenate(found), columns)
    return np.stack([x, y], axis=1).astype(np.int32)


def scan_integrals(
    packed: PackedCascade,
    integrals: Sequence[np.ndarray],
    step: int = 1,
    offset: tuple[int, int] = (0, 0),
    threads: Optional[int] = None,
) -> list[np.ndarray]:
    """`scan_integral` of every picture, by several threads; the result's order is the pictures'."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda each: scan_integral(packed, each, step, offset), integrals))


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
        parts.append(_judge_places(packed, integral, places))
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
