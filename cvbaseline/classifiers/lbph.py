"""LBPH: histograms of local binary patterns (Ahonen, Hadid & Pietikainen, PAMI 2006).

A pixel's pattern has a bit for each neighbour on a circle that is not darker than the pixel; the
face is cut into cells, and each cell's patterns are counted. Two faces are as far apart as the
chi-square distance of their histograms a and b says, the one of cv2.face.LBPHFaceRecognizer:

    2 sum_i (a_i - b_i)^2 / (a_i + b_i) = 4 cells - 8 sum_i a_i b_i / (a_i + b_i)

for histograms whose cells sum up to 1 each. The right side needs only the patterns that both
faces have, so histograms are kept sparse. A class is as near as its nearest training face.
"""

from numbers import Integral
from typing import NamedTuple, Optional

import numpy as np
from numba import njit
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cvbaseline.classifiers.calibration import every_third, fit_scale
from cvbaseline.classifiers.face_rows import as_pictures, holds_pictures
from cvbaseline.classifiers.subspace import class_distances
from cvbaseline.parallel import for_blocks

FACES_AT_ONCE = 1024
QUERIES_AT_ONCE = 16
MOST_NEIGHBORS = 16
# More held-out faces hardly change the one number that is fitted on them.
MOST_CALIBRATION_FACES = 1000


class SparseHistograms(NamedTuple):
    """Row i has count counts[j] in bin bins[j], for starts[i] <= j < starts[i + 1]."""

    bins: np.ndarray  # uint16 or uint32 (entries,), ascending within a row
    counts: np.ndarray  # uint16 (entries,), from 1
    starts: np.ndarray  # int64 (rows + 1,)

    def take(self, rows: np.ndarray) -> "SparseHistograms":
        """Some rows, by their numbers."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.repeat(self.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
        return SparseHistograms(self.bins[entries], self.counts[entries], starts)


def lbp_codes(faces: np.ndarray, radius: int, neighbors: int) -> np.ndarray:
    """Patterns of all pixels that are `radius` away from the edge, as cv2.face counts the bits.

    Parameters
    ----------
    faces : uint8 (n, h, w)
    radius : of the circle, in pixels
    neighbors : points on the circle, interpolated between pixels; bit i belongs to the point at
        i / neighbors of a turn, anticlockwise from the right

    Returns
    -------
    uint32 (n, h - 2 radius, w - 2 radius)
    """
    rows, columns = faces.shape[1] - 2 * radius, faces.shape[2] - 2 * radius
    grey = faces.astype(np.float32)
    centre = grey[:, radius : radius + rows, radius : radius + columns]
    codes = np.zeros(centre.shape, np.uint32)
    for bit in range(neighbors):
        angle = 2 * np.pi * bit / neighbors
        x, y = np.float32(radius * np.cos(angle)), np.float32(-radius * np.sin(angle))
        left, top = int(np.floor(x)), int(np.floor(y))
        across, down = x - np.float32(left), y - np.float32(top)
        value = np.zeros(centre.shape, np.float32)
        for dy, row_weight in ((0, 1 - down), (1, down)):
            for dx, weight in ((0, (1 - across) * row_weight), (1, across * row_weight)):
                # A point on the pixel grid needs no neighbour, which may lie outside.
                if weight > 0:
                    y0, x0 = radius + top + dy, radius + left + dx
                    value += weight * grey[:, y0 : y0 + rows, x0 : x0 + columns]
        brighter = value - centre > -np.finfo(np.float32).eps
        codes |= brighter.astype(np.uint32) << np.uint32(bit)
    return codes


def lbp_histograms(
    faces: np.ndarray, radius: int, neighbors: int, grid: tuple[int, int]
) -> SparseHistograms:
    """Counts of the patterns in each cell of a grid; bin cell * 2 ** neighbors + pattern.

    Parameters
    ----------
    faces : uint8 (n, h, w)
    grid : cells across and down; pixels right of and below the last whole cell do not count
    """
    parts, starts = [], [0]
    for start in range(0, len(faces), FACES_AT_ONCE):
        codes = lbp_codes(faces[start : start + FACES_AT_ONCE], radius, neighbors)
        height, width = codes.shape[1] // grid[1], codes.shape[2] // grid[0]
        codes = codes[:, : height * grid[1], : width * grid[0]]
        cells = np.arange(grid[1])[:, None] * grid[0] + np.arange(grid[0])
        cells = cells.repeat(height, axis=0).repeat(width, axis=1).astype(np.uint32)
        bins = np.sort((codes + (cells << np.uint32(neighbors))).reshape(len(codes), -1), axis=1)
        first = np.ones(bins.shape, bool)
        first[:, 1:] = bins[:, 1:] != bins[:, :-1]
        places = np.flatnonzero(first)
        counts = np.diff(places, append=bins.size).astype(np.uint16)
        parts.append((bins[first], counts))
        starts.extend(starts[-1] + np.cumsum(first.sum(axis=1)))
    small = grid[0] * grid[1] << neighbors <= 1 << 16
    bins = np.concatenate([bins for bins, _ in parts]).astype(np.uint16 if small else np.uint32)
    return SparseHistograms(bins, np.concatenate([counts for _, counts in parts]), np.array(starts))


def chi_square_distances(
    queries: SparseHistograms, known: SparseHistograms, labels: np.ndarray, cells: int, bins: int
) -> np.ndarray:
    """Chi-square distance to the nearest known face of each class, float64 (queries, classes).

    Parameters
    ----------
    queries, known : histograms of `cells` cells with `bins` bins altogether
    labels : int (known,), ascending from 0 without a gap
    """
    pixels = known.counts[: known.starts[1]].sum() / cells
    shared = np.zeros((len(queries.starts) - 1, labels[-1] + 1))

    def task(start: int, stop: int) -> None:
        dense = np.zeros((stop - start, bins), np.float32)
        part = queries.take(np.arange(start, stop))
        dense[np.repeat(np.arange(stop - start), np.diff(part.starts)), part.bins] = part.counts
        most_shared_kernel(dense, *known, labels, shared[start:stop])

    for_blocks(task, len(shared), QUERIES_AT_ONCE)
    return np.maximum(4 * cells - 8 / pixels * shared, 0)


@njit(cache=True, nogil=True)
def most_shared_kernel(
    queries: np.ndarray,
    bins: np.ndarray,
    counts: np.ndarray,
    starts: np.ndarray,
    labels: np.ndarray,
    shared: np.ndarray,
) -> None:
    """Write the largest sum of a b / (a + b) over each class's faces into (queries, classes)."""
    for face in range(len(starts) - 1):
        for query in range(len(queries)):
            row = queries[query]
            total = 0.0
            for entry in range(starts[face], starts[face + 1]):
                there = row[bins[entry]]
                here = np.float32(counts[entry])
                total += there * here / (there + here)
            shared[query, labels[face]] = max(shared[query, labels[face]], total)


class Lbph(ClassifierMixin, BaseEstimator):
    """Histograms of local binary patterns, and the nearest training face by chi-square.

    Parameters
    ----------
    radius : of the circle of neighbours, in pixels
    neighbors : points on that circle
    grid_x, grid_y : cells across and down the face
    shape : (height, width) of the faces in the rows of X; None means that they are square

    The first four, and their defaults, are those of cv2.face.LBPHFaceRecognizer_create. Rows of
    fewer than 64 numbers hold no picture: they are compared by their Euclidean distance.

    Attributes
    ----------
    classes_ : (k,)
    labels_ : int (n,), ascending indices into classes_ of the training faces
    bins_, counts_, starts_ : the training faces' `SparseHistograms`; of plain rows, rows_ (n, d)
    scale_ : of the softmax of the negative distances
    """

    def __init__(
        self,
        radius: int = 1,
        neighbors: int = 8,
        grid_x: int = 8,
        grid_y: int = 8,
        shape: Optional[tuple[int, int]] = None,
    ):
        self.radius = radius
        self.neighbors = neighbors
        self.grid_x = grid_x
        self.grid_y = grid_y
        self.shape = shape

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Lbph":
        """Keep the histograms of faces X (n, height * width) of pixels 0 to 255; classes y (n,)."""
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self._check_parameters()
        self.classes_, labels = np.unique(y, return_inverse=True)
        order = np.argsort(labels, kind="stable")
        X, self.labels_ = X[order], labels[order]
        if holds_pictures(X):
            faces = as_pictures(X, self.shape, fitting=True)
            self._check_grid(faces.shape[1:])
            self.bins_, self.counts_, self.starts_ = self._histograms(faces)
        else:
            self.rows_ = X.astype(np.float64)
        self.scale_ = self._held_out_scale()
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probability of each class of `classes_`, float64 (n, k)."""
        distances = self.distances(X)
        return softmax(-self.scale_ * distances, axis=1)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The class of the nearest training face, (n,)."""
        nearest = self.distances(X).argmin(axis=1)
        return self.classes_[nearest]

    def distances(self, X: np.ndarray) -> np.ndarray:
        """Distance to the nearest training face of each class of `classes_`, float64 (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        if not holds_pictures(X):
            return class_distances(X.astype(np.float64), self.rows_, self.labels_)
        queries = self._histograms(as_pictures(X, self.shape))
        known = SparseHistograms(self.bins_, self.counts_, self.starts_)
        return self._chi_square(queries, known, self.labels_)

    def _check_parameters(self) -> None:
        for name in ("radius", "neighbors", "grid_x", "grid_y"):
            value = getattr(self, name)
            if not (isinstance(value, Integral) and value >= 1):
                raise ValueError(f"{name} must be a number from 1, not {value!r}")
        if self.neighbors > MOST_NEIGHBORS:
            raise ValueError(f"neighbors must be at most {MOST_NEIGHBORS}, not {self.neighbors}")

    def _check_grid(self, shape: tuple[int, int]) -> None:
        """Every cell needs a pixel that has its whole circle in the picture."""
        height, width = shape
        if min(height - 2 * self.radius - self.grid_y, width - 2 * self.radius - self.grid_x) < 0:
            raise ValueError(
                f"faces of {width} x {height} pixels are too small for a radius of {self.radius} "
                f"and {self.grid_x} x {self.grid_y} cells: use larger faces or fewer cells"
            )

    def _histograms(self, faces: np.ndarray) -> SparseHistograms:
        return lbp_histograms(faces, self.radius, self.neighbors, (self.grid_x, self.grid_y))

    def _chi_square(
        self, queries: SparseHistograms, known: SparseHistograms, labels: np.ndarray
    ) -> np.ndarray:
        cells = self.grid_x * self.grid_y
        return chi_square_distances(queries, known, labels, cells, cells << self.neighbors)

    def _held_out_scale(self) -> float:
        """The softmax's scale from a third of each class, compared with the rest of it."""
        unseen = every_third(self.labels_)
        seen = ~unseen
        if not unseen.any():
            return 1.0
        asked = np.flatnonzero(unseen)
        asked = asked[:: -(-len(asked) // MOST_CALIBRATION_FACES)]
        if hasattr(self, "rows_"):
            distances = class_distances(self.rows_[asked], self.rows_[seen], self.labels_[seen])
        else:
            everything = SparseHistograms(self.bins_, self.counts_, self.starts_)
            queries, known = everything.take(asked), everything.take(np.flatnonzero(seen))
            distances = self._chi_square(queries, known, self.labels_[seen])
        return fit_scale(-distances, self.labels_[asked], np.ones(len(asked)))
