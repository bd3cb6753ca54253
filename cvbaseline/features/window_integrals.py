"""Integral images of many windows at once: the windows lie along the last axis.

So a feature reads a few long rows, whatever the number of windows. Anything linear in the pixels
can take the windows' place: screening integrates rows of a covariance matrix.
"""

import numpy as np


def upright_integral(pixels: np.ndarray) -> np.ndarray:
    """S(x, y), the sum of pixels above and left of (x, y): (h, w, n) to (h + 1, w + 1, n)."""
    height, width, count = pixels.shape
    sums = np.zeros((height + 1, width + 1, count), pixels.dtype)
    np.cumsum(pixels, axis=0, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    return sums


def tilted_integral(pixels: np.ndarray) -> np.ndarray:
    """T(x, y) of OpenCV's integral(): (h, w, n) to (h + 1, w + 1, n).

    T(x, y) = sum of p(x', y') with y' < y and |x' - x + 1| <= y - y' - 1: a triangle that opens
    upwards (Lienhart & Maydt 2002), built row by row.
    """
    height, width, count = pixels.shape
    sums = np.zeros((height + 1, width + 1, count), pixels.dtype)
    for y in range(1, height + 1):
        here, above = sums[y], sums[y - 1]
        here[0] = above[1]
        here[1:] = above[:-1] + pixels[y - 1]
        here[1:-1] += above[2:]
        if y > 1:
            here[1:] += pixels[y - 2]
            here[1:-1] -= sums[y - 2, 1:-1]
    return sums


def windows_last(windows: np.ndarray) -> np.ndarray:
    """uint8 (n, h, w) as int32 (h, w, n)."""
    return np.ascontiguousarray(windows.transpose(1, 2, 0)).astype(np.int32)
