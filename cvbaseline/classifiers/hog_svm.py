"""HOG and a support vector machine with calibrated probabilities, small and fast.

Gradients' histograms (`hog`), rotated onto their principal directions, go through a Gaussian
kernel to a least-squares support vector machine (`least_squares`). The kernel sees a few
landmarks instead of all training faces (Nystroem's method: Williams & Seeger, NIPS 2001), so that
the model stays small; with a landmark for every face it is the exact kernel machine. A face and
its mirror image count as one: their features are averaged. Probabilities are the softmax of the
scores, whose scale is fitted on left-out scores (`calibration`).
"""

import math
from hashlib import blake2b
from numbers import Integral, Real
from typing import Optional, Union

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from cvbaseline.classifiers.calibration import fit_scale
from cvbaseline.classifiers.face_rows import SMALLEST_PICTURE, as_pictures, holds_pictures
from cvbaseline.classifiers.hog import Scales, check_scales, hog_features
from cvbaseline.classifiers.least_squares import fit_least_squares

FACES_AT_ONCE = 2048
# Added to the landmarks' kernel matrix, whose diagonal is 1, so that it can be inverted.
JITTER = 1e-6


def row_digests(rows: np.ndarray, seed: int) -> list[bytes]:
    """A pseudo-random number of each row's content: equal rows have equal ones."""
    salt = seed.to_bytes(8, "little")
    return [blake2b(row.tobytes(), digest_size=16, salt=salt).digest() for row in rows]


def balanced_weights(
    labels: np.ndarray, weights: np.ndarray, classes: np.ndarray, class_weight: Union[str, dict]
) -> np.ndarray:
    """Weights times the factor of each row's class.

    "balanced" gives every class the same sum, and all together the same as before.
    """
    if class_weight is None:
        return weights
    if class_weight == "balanced":
        sums = np.bincount(labels, weights)
        return weights * (weights.sum() / (len(classes) * sums))[labels]
    factors = [float(class_weight.get(name, 1.0)) for name in classes.tolist()]
    return weights * np.array(factors)[labels]


def weighted_principal_directions(
    blocks: list[np.ndarray], weights: np.ndarray, mean: np.ndarray, count: int
) -> np.ndarray:
    """The `count` directions of largest variance of the rows of all blocks, float32 (c, d)."""
    covariance = sum(
        (centred * weights[:, None]).T @ centred for centred in (block - mean for block in blocks)
    )
    size = len(covariance)
    _, vectors = eigh(covariance, subset_by_index=(size - count, size - 1))
    directions = vectors[:, ::-1].T
    peaks = directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)]
    return (directions * np.sign(peaks)[:, None]).astype(np.float32)


class HogSvm(ClassifierMixin, BaseEstimator):
    """Histograms of oriented gradients, then a least-squares support vector machine.

    Parameters
    ----------
    kernel : "rbf", or "linear" (no landmarks: the smallest and fastest model)
    C : how much an error costs beside the smoothness of the decision
    gamma : the Gaussian kernel is exp(-gamma * squared distance / mean squared distance)
    landmarks : training faces that the kernel compares with; None compares with all of them
    scales : ((size, cell), ...) in pixels: the HOGs of a face, see `hog.hog_features`
    n_components : principal directions kept of the HOG; None keeps the HOG itself
    mirror : average a face with its mirror image
    shape : (height, width) of the faces in the rows of X; None means that they are square
    class_weight : None, "balanced" (every class counts the same), or {class: factor}
    seed : chooses the landmarks

    Rows of fewer than 64 numbers hold no picture: they are classified by their numbers as they
    are, without HOG, mirror image and principal directions.

    Attributes
    ----------
    classes_ : (k,)
    mean_ : (d,) of the HOGs; directions_ : (c, d) or None
    spread_ : mean squared distance of two training faces
    landmarks_ : (m, c) or None; coefficients_ : (m, k), of the kernel's values or of the rotated
    HOG; bias_ : (k,)
    scale_ : of the softmax
    """

    def __init__(
        self,
        kernel: str = "rbf",
        C: float = 5.0,
        gamma: float = 2.0,
        landmarks: Optional[int] = 1000,
        scales: Scales = ((64, 8),),
        n_components: Optional[int] = 300,
        mirror: bool = True,
        shape: Optional[tuple[int, int]] = None,
        class_weight: Union[str, dict, None] = None,
        seed: int = 0,
    ):
        self.kernel = kernel
        self.C = C
        self.gamma = gamma
        self.landmarks = landmarks
        self.scales = scales
        self.n_components = n_components
        self.mirror = mirror
        self.shape = shape
        self.class_weight = class_weight
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: Optional[np.ndarray] = None,
        groups: Optional[np.ndarray] = None,
    ) -> "HogSvm":
        """Learn from faces X (n, height * width) of pixels 0 to 255, and their classes y (n,).

        sample_weight : float (n,), not negative; None means 1 each
        groups : (n,), equal for faces that must not vouch for each other (one person's, one
            drawing's) when the probabilities are calibrated; None: only equal rows
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self._check_parameters()
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        counted = weights > 0
        X, y, weights = X[counted], y[counted], weights[counted]
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("HogSvm needs at least two classes; y holds one class")
        weights = balanced_weights(labels, weights, self.classes_, self.class_weight)
        digests = row_digests(X, self.seed)
        groups = digests if groups is None else np.asarray(groups)[counted]
        _, groups = np.unique(groups, return_inverse=True)

        sides = self._histograms(self._pixels(X, fitting=True))
        self._fit_rotation(sides, weights)
        points = [self._rotate(side) for side in sides]
        basis = None
        if self.kernel == "rbf":
            basis = self._fit_landmarks(points[0], digests)
        features = self._features(points) if basis is None else self._features(points) @ basis
        features = np.column_stack([features, np.ones(len(features))])
        fit = fit_least_squares(features, labels, weights, groups, self.C)
        self.bias_ = fit.coefficients[-1]
        coefficients = fit.coefficients[:-1]
        self.coefficients_ = coefficients if basis is None else basis @ coefficients
        self.scale_ = fit_scale(fit.left_out_scores, labels, weights)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probability of each class of `classes_`, float64 (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        scores = [
            self._scores(X[start : start + FACES_AT_ONCE])
            for start in range(0, len(X), FACES_AT_ONCE)
        ]
        return softmax(self.scale_ * np.concatenate(scores), axis=1)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The most probable class, (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _check_parameters(self) -> None:
        check_scales(self.scales)
        if self.kernel not in ("rbf", "linear"):
            raise ValueError(f"kernel is rbf or linear, not {self.kernel!r}")
        for name in ("C", "gamma"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be a positive number, not {value!r}")
        for name in ("landmarks", "n_components"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, Integral) and value >= 1):
                raise ValueError(f"{name} must be None or a number from 1, not {value!r}")

    def _pixels(self, X: np.ndarray, fitting: bool = False) -> np.ndarray:
        """Rows as uint8 pictures (n, h, w), or as they are where they hold none."""
        return as_pictures(X, self.shape, fitting) if holds_pictures(X) else X

    def _histograms(self, pixels: np.ndarray) -> list[np.ndarray]:
        """HOGs of the faces, and of their mirror images if they count, each (n, d)."""
        if pixels.ndim == 2:
            return [pixels.astype(np.float64)]
        scales = check_scales(self.scales)
        sides = [hog_features(pixels, scales)]
        if self.mirror:
            sides.append(hog_features(np.ascontiguousarray(pixels[:, :, ::-1]), scales))
        return sides

    def _fit_rotation(self, sides: list[np.ndarray], weights: np.ndarray) -> None:
        """Mean, principal directions and spread of the HOGs on all sides."""
        total = weights.sum() * len(sides)
        self.mean_ = sum(weights @ side for side in sides) / total
        self.directions_ = None
        length = sides[0].shape[1]
        is_hog = self.n_features_in_ >= SMALLEST_PICTURE
        if is_hog and self.n_components is not None and self.n_components < length:
            self.directions_ = weighted_principal_directions(
                sides, weights, self.mean_, self.n_components
            )
        squares = sum(weights @ (self._rotate(side) ** 2).sum(axis=1) for side in sides)
        self.spread_ = float(2 * squares / total) or 1.0

    def _rotate(self, histograms: np.ndarray) -> np.ndarray:
        """Centred HOGs in the principal directions, float64 (n, c)."""
        centred = histograms - self.mean_
        return centred if self.directions_ is None else centred @ self.directions_.T

    def _fit_landmarks(self, points: np.ndarray, digests: list[bytes]) -> np.ndarray:
        """Choose landmarks by the rows' digests; returns their kernel matrix's inverse root."""
        distinct = {digest: row for row, digest in enumerate(digests)}
        chosen = [distinct[digest] for digest in sorted(distinct)[: self.landmarks]]
        self.landmarks_ = points[chosen].astype(np.float32)
        matrix = self._kernel(self.landmarks_.astype(np.float64))
        matrix[np.diag_indices(len(matrix))] += JITTER
        lower = cholesky(matrix, lower=True)
        return solve_triangular(lower, np.eye(len(lower)), lower=True).T

    def _kernel(self, points: np.ndarray) -> np.ndarray:
        """The Gaussian kernel of points (n, c) with all landmarks, float64 (n, m)."""
        landmarks = self.landmarks_.astype(np.float64)
        squares = (points**2).sum(axis=1)[:, None] + (landmarks**2).sum(axis=1)
        distances = squares - 2 * points @ landmarks.T
        return np.exp(np.maximum(distances, 0) * (-self.gamma / self.spread_))

    def _features(self, points: list[np.ndarray]) -> np.ndarray:
        """What the coefficients multiply: the average over the sides, float64 (n, m)."""
        if self.kernel == "linear":
            return sum(points) / (len(points) * math.sqrt(self.spread_))
        return sum(self._kernel(side) for side in points) / len(points)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        """The machines' scores, float64 (n, k)."""
        points = [self._rotate(side) for side in self._histograms(self._pixels(X))]
        return self._features(points) @ self.coefficients_ + self.bias_
