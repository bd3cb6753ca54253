"""A picture laid into a quadrangle by a perspective transform, pixel for pixel as OpenCV 3.4's
opencv_createsamples lays it.

Each row of the target is filled between the quadrangle's left and right edge; a pixel takes the
source's bilinear interpolation at its place (0 outside the source), cut to a whole number. The
transform follows from the four corners by eight linear equations (Heckbert 1989, Fundamentals of
Texture Mapping and Image Warping, section 2.2.3). Operations are ordered as there, since a last
bit of difference can change a value that is cut.
"""

from typing import NamedTuple, Optional

import numpy as np
from numba import njit


class Rows(NamedTuple):
    """Where a quadrangle covers the rows of a picture."""

    first: int  # the first row
    left: np.ndarray  # float64 (n,): x of the left edge in each row from the first on
    right: np.ndarray  # float64 (n,): x of the right edge


def warp_into(source: np.ndarray, quad: np.ndarray, ground: np.ndarray) -> Optional[np.ndarray]:
    """A copy of `ground`, uint8 (H, W), with the source picture laid into a quadrangle.

    Parameters
    ----------
    source : uint8 (h, w)
    quad : float64 (4, 2), x and y of where the source's corners go: top left, top right, bottom
        right, bottom left

    Returns None for a quadrangle that is not convex.
    """
    rows = covered_rows(quad, len(ground))
    if rows is None:
        return None
    transform = transform_to_rectangle(quad, source.shape[1] - 1, source.shape[0] - 1)
    target = ground.copy()
    _fill(source, transform, rows.first, rows.left, rows.right, target)
    return target


def transform_to_rectangle(quad: np.ndarray, width: float, height: float) -> np.ndarray:
    """The perspective transform, float64 (3, 3), that takes a quadrangle's corners to (0, 0),
    (width, 0), (width, height) and (0, height)."""
    equations = np.zeros((8, 8))
    goals = np.zeros(8)
    for corner, (x, y) in enumerate(quad.tolist()):
        u = width if corner in (1, 2) else 0.0
        v = height if corner in (2, 3) else 0.0
        equations[corner] = x, y, 1, 0, 0, 0, -x * u, -y * u
        equations[corner + 4] = 0, 0, 0, x, y, 1, -x * v, -y * v
        goals[corner], goals[corner + 4] = u, v
    _solve(equations, goals)
    return np.append(goals, 1.0).reshape(3, 3)


@njit(cache=True)
def _solve(a, b):
    """Gaussian elimination with partial pivoting; `b` becomes the solution, `a` is used up."""
    n = len(b)
    for i in range(n):
        pivot = i
        for j in range(i + 1, n):
            if abs(a[j, i]) > abs(a[pivot, i]):
                pivot = j
        for k in range(i, n):
            a[i, k], a[pivot, k] = a[pivot, k], a[i, k]
        b[i], b[pivot] = b[pivot], b[i]
        d = -1.0 / a[i, i]
        for j in range(i + 1, n):
            alpha = a[j, i] * d
            for k in range(i + 1, n):
                a[j, k] += alpha * a[i, k]
            b[j] += alpha * b[i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            b[i] -= a[i, k] * b[k]
        b[i] /= a[i, i]


def covered_rows(quad: np.ndarray, height: int) -> Optional[Rows]:
    """The rows of a picture of that height that a convex quadrangle covers, else None.

    An edge belongs to the rows after its upper end, rounded, up to its lower end, rounded; row 0
    is never covered.
    """
    corners = _clockwise_from_top(quad)
    if corners is None:
        return None
    falling = [*corners, corners[0]]  # down the right side, from the top to the lowest corner
    rising = falling[::-1]
    right, left = _side(falling, height), _side(rising, height)
    first = max(int(np.rint(corners[0][1] - 1)), 0) + 1
    count = min(len(left), len(right))
    return Rows(first, left[:count], right[:count])


def _clockwise_from_top(quad: np.ndarray) -> Optional[list[tuple[float, float]]]:
    """The corners clockwise (y runs down), the topmost and leftmost first; None unless convex."""
    incoming = quad - np.roll(quad, 1, axis=0)
    outgoing = np.roll(quad, -1, axis=0) - quad
    turns = incoming[:, 0] * outgoing[:, 1] - incoming[:, 1] * outgoing[:, 0]
    corners = [(x, y) for x, y in quad.tolist()]
    if np.all(turns < 0):
        corners.reverse()
    elif not np.all(turns > 0):
        return None
    top = min(range(4), key=lambda i: (corners[i][1], corners[i][0]))
    return corners[top:] + corners[:top]


def _side(corners: list[tuple[float, float]], height: int) -> np.ndarray:
    """x of a side of the quadrangle in each row that it covers, from its top down."""
    parts = [np.zeros(0)]
    start = corners[0][1] - 1  # so that the first row is not left out
    for (x0, y0), (x1, y1) in zip(corners, corners[1:]):
        if y1 < y0:
            break
        if y1 == y0:
            continue
        slope = (x0 - x1) / (y0 - y1)
        offset = (y0 * x1 - x0 * y1) / (y0 - y1)
        low = max(int(np.rint(start)), 0) + 1
        high = min(int(np.rint(y1)), height - 1)
        parts.append(slope * np.arange(low, high + 1) + offset)
        start = y1
    return np.concatenate(parts)


@njit(cache=True, nogil=True)
def _fill(source, transform, first, left, right, target):
    """Write the covered pixels of `target`."""
    rows, columns = source.shape
    for row in range(len(left)):
        y = first + row
        start = max(int(np.rint(left[row])), 0)
        stop = min(int(np.rint(right[row])) + 1, target.shape[1])
        for x in range(start, stop):
            depth = transform[2, 0] * x + transform[2, 1] * y + transform[2, 2]
            at_x = (transform[0, 0] * x + transform[0, 1] * y + transform[0, 2]) / depth
            at_y = (transform[1, 0] * x + transform[1, 1] * y + transform[1, 2]) / depth
            i, j = int(np.floor(at_x)), int(np.floor(at_y))
            up, low = 0 <= j < rows, -1 <= j < rows - 1
            near, far = 0 <= i < columns, -1 <= i < columns - 1
            a = int(source[j, i]) if up and near else 0
            b = int(source[j, i + 1]) if up and far else 0
            c = int(source[j + 1, i]) if low and near else 0
            d = int(source[j + 1, i + 1]) if low and far else 0
            above = a + (b - a) * (at_x - i)
            below = c + (d - c) * (at_x - i)
            target[y, x] = np.uint8(above + (below - above) * (at_y - j))
