"""Haar features (Viola & Jones 2001; Lienhart & Maydt 2002): the pool and its values.

The value of a feature on a window is sum_k weight_k * sum(pixels of rectangle k) / nf, with
nf = sqrt(A * sum(p^2) - sum(p)^2) over the window's inner rectangle (1, 1, w-2, h-2) of A pixels,
that is A times its standard deviation; 0 where nf is 0. Arithmetic is float32 in the old
trainer's order, so that values are equal to its values bit by bit.
"""

from typing import Literal, NamedTuple

import numpy as np
from numba import njit

from cvbaseline.cascade import HaarFeatures
from cvbaseline.errors import require
from cvbaseline.parallel import for_blocks

from .window_integrals import tilted_integral, upright_integral, windows_last

HaarMode = Literal["BASIC", "CORE", "ALL"]
MODES = ("BASIC", "CORE", "ALL")

# In the old trainer's order: modes from, tilted, extent in cells (columns, rows), weight, and
# one or two weighted rectangles in cells (column, row, columns, rows). The whole weighs -1.
# x3 and y3 weigh their middle third by 2 and not by 3: not zero-sum, as the old trainer has it.
_KINDS = (
    ("BASIC", False, (2, 1), 2, ((1, 0, 1, 1),)),  # x2
    ("BASIC", False, (1, 2), 2, ((0, 1, 1, 1),)),  # y2
    ("BASIC", False, (3, 1), 2, ((1, 0, 1, 1),)),  # x3
    ("BASIC", False, (1, 3), 2, ((0, 1, 1, 1),)),  # y3
    ("CORE", False, (4, 1), 2, ((1, 0, 2, 1),)),  # x4
    ("CORE", False, (1, 4), 2, ((0, 1, 1, 2),)),  # y4
    ("BASIC", False, (2, 2), 2, ((0, 0, 1, 1), (1, 1, 1, 1))),  # x2y2
    ("CORE", False, (3, 3), 9, ((1, 1, 1, 1),)),  # 3x3
    ("ALL", True, (2, 1), 2, ((0, 0, 1, 1),)),  # tilted x2
    ("ALL", True, (1, 2), 2, ((0, 0, 1, 1),)),  # tilted y2
    ("ALL", True, (3, 1), 3, ((1, 0, 1, 1),)),  # tilted x3
    ("ALL", True, (1, 3), 3, ((0, 1, 1, 1),)),  # tilted y3
    ("ALL", True, (4, 1), 2, ((1, 0, 2, 1),)),  # tilted x4
    ("ALL", True, (1, 4), 2, ((0, 1, 1, 2),)),  # tilted y4
)


class HaarSamples(NamedTuple):
    """Windows ready for Haar features: one row per point of the integral image."""

    upright: np.ndarray  # int32 ((h + 1) * (w + 1), n)
    tilted: np.ndarray  # int32, the same, or (0, n) where no feature is tilted
    norm: np.ndarray  # float32 (n,): nf


class Corners(NamedTuple):
    """Features as places in the integral image: value = sum_k weight_k (a_k - b_k - c_k + d_k)."""

    places: np.ndarray  # int32 (features, 3, 4)
    weights: np.ndarray  # float32 (features, 3)
    tilted: np.ndarray  # bool (features,)


def enumerate_haar(width: int, height: int, mode: HaarMode = "BASIC") -> HaarFeatures:
    """All Haar features of a window, in the order of opencv_traincascade (3.4.18).

    Parameters
    ----------
    width, height : the window, in pixels, at least 3 each
    mode : BASIC (Viola & Jones' kinds), CORE (all upright kinds) or ALL (tilted ones, too)
    """
    require(mode in MODES, f"mode {mode!r} is not known: choose one of {', '.join(MODES)}")
    require(min(width, height) >= 3, f"a window of {width}x{height} is too small: 3x3 at least")
    parts = []
    for kind, (least, tilted, extent, weight, inner) in enumerate(_KINDS):
        if MODES.index(mode) < MODES.index(least):
            continue
        x, y, dx, dy = _places(width, height, tilted, extent)
        rects = np.zeros((len(x), 3, 4), np.int32)
        weights = np.zeros((len(x), 3), np.float32)
        cells = ((0, 0, *extent), *inner)
        for k, (column, row, columns, rows) in enumerate(cells):
            along, down = column * dx, row * dy
            left = x + along - down if tilted else x + along
            top = y + along + down if tilted else y + down
            rects[:, k] = np.stack([left, top, columns * dx, rows * dy], axis=1)
            weights[:, k] = -1 if k == 0 else weight
        key = (((x * height + y) * (width + 1) + dx) * (height + 1) + dy) * len(_KINDS) + kind
        parts.append((key, rects, weights, np.full(len(x), tilted)))
    key, rects, weights, tilted = (np.concatenate(column) for column in zip(*parts))
    order = np.argsort(key)
    return HaarFeatures(rects[order], weights[order], tilted[order])


def _places(width: int, height: int, tilted: bool, extent: tuple[int, int]) -> list[np.ndarray]:
    """x, y, dx, dy (int64 each) of every place and cell size where a kind fits."""
    columns, rows = extent
    x, dx = (axis.ravel() for axis in np.mgrid[0:width, 1 : width // columns + 1])
    y, dy = (axis.ravel() for axis in np.mgrid[0:height, 1 : height // rows + 1])
    across, down = x + columns * dx <= width, y + rows * dy <= height
    x, dx, y, dy = x[across], dx[across], y[down], dy[down]
    fits = np.ones((len(x), len(y)), bool)
    if tilted:
        fits &= y + columns * dx[:, None] + rows * dy <= height
        fits &= x[:, None] - rows * dy >= 0
    first, second = np.nonzero(fits)
    return [x[first], y[second], dx[first], dy[second]]


def prepare_haar(windows: np.ndarray, tilted: bool) -> HaarSamples:
    """The integral images and normalisers of windows, uint8 (n, h, w)."""
    count = len(windows)
    pixels = windows_last(windows)
    upright = upright_integral(pixels)
    turned = tilted_integral(pixels) if tilted else np.zeros((0, 0, count), np.int32)
    inner = windows[:, 1:-1, 1:-1].reshape(count, -1).astype(np.int64)
    area, total, squares = inner.shape[1], inner.sum(axis=1), (inner * inner).sum(axis=1)
    norm = np.sqrt((area * squares - total * total).astype(np.float64)).astype(np.float32)
    return HaarSamples(upright.reshape(-1, count), turned.reshape(-1, count), norm)


def corners(features: HaarFeatures, width: int) -> Corners:
    """Places in the integral image of a window `width` pixels wide."""
    x, y, w, h = np.moveaxis(features.rects, -1, 0)
    turned = features.tilted[:, None]
    # Tilted: from the top corner, w runs down to the right and h down to the left.
    points = (
        (x, y),
        (np.where(turned, x - h, x + w), np.where(turned, y + h, y)),
        (np.where(turned, x + w, x), np.where(turned, y + w, y + h)),
        (np.where(turned, x + w - h, x + w), np.where(turned, y + w + h, y + h)),
    )
    places = np.stack([py * (width + 1) + px for px, py in points], axis=-1).astype(np.int32)
    places[features.weights == 0] = 0
    return Corners(places, features.weights, features.tilted)


def evaluate_haar(samples: HaarSamples, chosen: Corners) -> np.ndarray:
    """The values of features on samples: float32 (features, n)."""
    values = np.empty((len(chosen.places), len(samples.norm)), np.float32)

    def task(start: int, stop: int) -> None:
        part = Corners(*(column[start:stop] for column in chosen))
        evaluate_haar_kernel(samples, part, values[start:stop])

    for_blocks(task, len(values), 256)
    return values


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate_haar_kernel(samples: HaarSamples, chosen: Corners, values: np.ndarray) -> None:
    """Write the values of features on samples into float32 (features, n)."""
    norm = samples.norm
    zero = np.float32(0)
    for f in range(len(chosen.places)):
        image = samples.tilted if chosen.tilted[f] else samples.upright
        row = values[f]
        for k in range(3):
            weight = chosen.weights[f, k]
            if weight == zero:
                continue
            place = chosen.places[f, k]
            a, b, c, d = image[place[0]], image[place[1]], image[place[2]], image[place[3]]
            if k == 0:
                for i in range(len(row)):
                    row[i] = weight * np.float32(a[i] - b[i] - c[i] + d[i])
            else:
                for i in range(len(row)):
                    row[i] += weight * np.float32(a[i] - b[i] - c[i] + d[i])
        for i in range(len(row)):
            row[i] = row[i] / norm[i] if norm[i] != zero else zero
