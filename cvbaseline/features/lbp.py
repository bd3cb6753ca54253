"""Multi-block local binary patterns (Liao et al. 2007): the pool and its codes.

A feature is a 3x3 grid of equal cells; its code has a bit for each of the eight outer cells
whose pixel sum is not below the centre's: top left 128, then clockwise down to left 1.
"""

import numpy as np
from numba import njit

from cvbaseline.cascade import LbpFeatures
from cvbaseline.errors import require
from cvbaseline.parallel import for_blocks

from .window_integrals import upright_integral, windows_last

WINDOWS_AT_ONCE = 512  # so that their integral images stay in the cache

# Column and row of the outer cells, from bit 128 down to bit 1.
RING = np.array([(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1)], np.int32)


def enumerate_lbp(width: int, height: int) -> LbpFeatures:
    """All LBP features of a window, in the order of opencv_traincascade (3.4.18)."""
    require(min(width, height) >= 3, f"a window of {width}x{height} is too small: 3x3 at least")
    x, y, w, h = np.meshgrid(
        np.arange(width),
        np.arange(height),
        np.arange(1, width // 3 + 1),
        np.arange(1, height // 3 + 1),
        indexing="ij",
    )
    fits = (x + 3 * w <= width) & (y + 3 * h <= height)
    return LbpFeatures(np.stack([x[fits], y[fits], w[fits], h[fits]], axis=1).astype(np.int32))


def prepare_lbp(windows: np.ndarray) -> np.ndarray:
    """The integral images of windows, uint8 (n, h, w): uint16 or uint32 (h + 1, w + 1, n).

    Sums are cut off to 16 bits where every cell's sum, a difference of them, fits into 16.
    """
    height, width = windows.shape[1:]
    small = (height // 3) * (width // 3) * 255 < 1 << 16
    return upright_integral(windows_last(windows).astype(np.uint16 if small else np.uint32))


def evaluate_lbp(image: np.ndarray, features: LbpFeatures) -> np.ndarray:
    """The codes of features on prepared windows: uint8 (features, n)."""
    codes = np.empty((len(features.cells), image.shape[2]), np.uint8)

    def task(start: int, stop: int) -> None:
        evaluate_lbp_kernel(image, features.cells[start:stop], RING, codes[start:stop])

    for_blocks(task, len(codes), 64)
    return codes


@njit(cache=True, nogil=True)
def evaluate_lbp_kernel(
    image: np.ndarray, cells: np.ndarray, ring: np.ndarray, codes: np.ndarray
) -> None:
    """Write the codes of features on prepared windows into uint8 (features, n)."""
    centre = np.empty(WINDOWS_AT_ONCE, image.dtype)
    code = np.empty(WINDOWS_AT_ONCE, image.dtype)
    for start in range(0, image.shape[2], WINDOWS_AT_ONCE):
        stop = min(start + WINDOWS_AT_ONCE, image.shape[2])
        for f in range(len(cells)):
            x, y, w, h = cells[f]
            for k in range(-1, 8):
                left = x + w if k < 0 else x + ring[k, 0] * w
                top = y + h if k < 0 else y + ring[k, 1] * h
                a, b = image[top, left][start:stop], image[top, left + w][start:stop]
                c, d = image[top + h, left][start:stop], image[top + h, left + w][start:stop]
                if k < 0:
                    for i in range(stop - start):
                        centre[i] = a[i] - b[i] - c[i] + d[i]
                        code[i] = 0
                else:
                    bit = image.dtype.type(128 >> k)
                    for i in range(stop - start):
                        cell = image.dtype.type(a[i] - b[i] - c[i] + d[i])
                        code[i] |= bit if cell >= centre[i] else image.dtype.type(0)
            # Not as an assignment of slices, which takes two seconds to compile.
            row = codes[f]
            for i in range(stop - start):
                row[start + i] = np.uint8(code[i])
