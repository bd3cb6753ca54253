"""What the kernel machines on faces have in common, whatever they measure on a face.

Measurements (`HogSvm`: gradients; `BagOfWords`: Fisher vectors) are rotated onto their principal
directions and go through a Gaussian kernel to a least-squares support vector machine
(`least_squares`). Compared with every training face it is the exact kernel machine; with more
faces than `landmarks`, the kernel sees that many of them instead (Nystroem's method: Williams &
Seeger, NIPS 2001). A face and its mirror image count as one: their kernels are averaged (Haasdonk
& Burkhardt, Invariant kernel functions, Machine Learning 2007). Probabilities are the softmax of
the scores, whose scale is fitted on left-out scores (`calibration`).
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
from cvbaseline.classifiers.face_rows import as_pictures, holds_pictures
from cvbaseline.classifiers.least_squares import (
    LeastSquaresFit,
    fit_kernel_least_squares,
    fit_least_squares,
)

FACES_AT_ONCE = 2048
# More faces or landmarks are calculated with in single precision: half the memory, twice the
# speed, the same answers.
MOST_IN_DOUBLE = 4096
# Added to the landmarks' kernel matrix, whose diagonal is 1, so that it can be inverted.
JITTER = 1e-6
ITERATIONS = 4
SPARE_DIRECTIONS = 20


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


def precision(rows: int) -> type:
    """The type of the numbers that so many training faces or landmarks are calculated with."""
    return np.float64 if rows <= MOST_IN_DOUBLE else np.float32


def principal_directions(
    blocks: list[np.ndarray], weights: np.ndarray, mean: np.ndarray, count: int, seed: int = 0
) -> np.ndarray:
    """The `count` directions of largest variance of the rows of all blocks, float32 (c, d).

    By subspace iteration from random directions (Halko, Martinsson & Tropp, SIAM Review 2011):
    the last few directions are approximate, and no matrix of d x d is made. Never more directions
    than there are rows or columns.
    """
    rows, columns = sum(map(len, blocks)), blocks[0].shape[1]
    count = min(count, rows, columns)
    sought = min(count + SPARE_DIRECTIONS, rows, columns)
    mean, weights = mean.astype(np.float32), weights.astype(np.float32)[:, None]

    def times_covariance(directions: np.ndarray) -> np.ndarray:
        product = np.zeros(directions.shape, np.float32)
        for block in blocks:
            for start in range(0, len(block), FACES_AT_ONCE):
                part = slice(start, start + FACES_AT_ONCE)
                centred = block[part].astype(np.float32) - mean
                product += centred.T @ (weights[part] * (centred @ directions))
        return product

    start = np.random.default_rng(seed).normal(size=(columns, sought)).astype(np.float32)
    basis, _ = np.linalg.qr(start)
    for _ in range(ITERATIONS):
        basis, _ = np.linalg.qr(times_covariance(basis))
    small = (basis.T @ times_covariance(basis)).astype(np.float64)
    _, vectors = eigh((small + small.T) / 2, subset_by_index=(sought - count, sought - 1))
    directions = vectors[:, ::-1].T.astype(np.float32) @ basis.T
    peaks = directions[np.arange(count), np.abs(directions).argmax(axis=1)]
    return directions * np.sign(peaks)[:, None]


def gaussian_kernel(points: np.ndarray, others: np.ndarray, factor: float) -> np.ndarray:
    """exp(-factor * squared distance) of points (n, c) and others (m, c): (n, m) of their type."""
    kernel = points @ others.T
    kernel *= 2 * factor
    kernel -= (factor * (points * points).sum(axis=1))[:, None]
    kernel -= factor * (others * others).sum(axis=1)
    return np.exp(np.minimum(kernel, 0, out=kernel), out=kernel)


def symmetrise(matrix: np.ndarray) -> None:
    """Replace a square matrix by the mean of itself and its transpose, piece by piece."""
    for top in range(0, len(matrix), FACES_AT_ONCE):
        rows = slice(top, top + FACES_AT_ONCE)
        for left in range(0, top + 1, FACES_AT_ONCE):
            columns = slice(left, left + FACES_AT_ONCE)
            mean = (matrix[rows, columns] + matrix[columns, rows].T) / 2
            matrix[rows, columns] = mean
            matrix[columns, rows] = mean.T


class KernelMachine(ClassifierMixin, BaseEstimator):
    """A kernel machine on what the subclass measures; see `HogSvm` for the common parameters.

    A subclass has all parameters of `HogSvm` but `scales`, and three methods:

    _check_parameters() : ValueError for what makes no sense; calls the one here
    _fit_measuring(pictures) : learns how to measure; uint8 (n, h, w)
    _measure(pictures) : float32 (n, d) for each side, at most two: [face, mirror image]
    """

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: Optional[np.ndarray] = None,
        groups: Optional[np.ndarray] = None,
    ) -> "KernelMachine":
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
            raise ValueError(f"{type(self).__name__} needs at least two classes; y holds one class")
        weights = balanced_weights(labels, weights, self.classes_, self.class_weight)
        digests = row_digests(X, self.seed)
        groups = digests if groups is None else np.asarray(groups)[counted]
        _, groups = np.unique(groups, return_inverse=True)

        points = self._fit_points(X, weights)
        fit = self._fit_machine(points, labels, weights, groups, digests)
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

    def _sides(self, X: np.ndarray) -> list[np.ndarray]:
        """What is measured on each side of the faces, (n, d); rows without picture are that."""
        return self._measure(as_pictures(X, self.shape)) if holds_pictures(X) else [X]

    def _fit_points(self, X: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
        """Learn measuring, mean, principal directions and spread; all sides' points (n, c)."""
        if holds_pictures(X):
            self._fit_measuring(as_pictures(X, self.shape, fitting=True))
        sides = self._sides(X)
        total = weights.sum() * len(sides)
        self.mean_ = sum(weights @ side for side in sides) / total
        self.directions_ = None
        if holds_pictures(X) and self.n_components is not None:
            if self.n_components < sides[0].shape[1]:
                self.directions_ = principal_directions(
                    sides, weights, self.mean_, self.n_components, self.seed
                )
        kind = precision(len(X))
        points = [self._rotate(side, kind) for side in sides]
        squares = sum(weights @ (side**2).sum(axis=1) for side in points)
        self.spread_ = float(2 * squares / total) or 1.0
        return points

    def _rotate(self, side: np.ndarray, kind: type) -> np.ndarray:
        """Centred measurements in the principal directions, (n, c) of that type."""
        rotated = []
        for start in range(0, len(side), FACES_AT_ONCE):
            centred = (side[start : start + FACES_AT_ONCE] - self.mean_).astype(kind)
            if self.directions_ is not None:
                centred = centred @ self.directions_.T.astype(kind)
            rotated.append(centred)
        return np.concatenate(rotated)

    def _fit_machine(
        self,
        points: list[np.ndarray],
        labels: np.ndarray,
        weights: np.ndarray,
        groups: np.ndarray,
        digests: list[bytes],
    ) -> LeastSquaresFit:
        """Landmarks, coefficients and bias."""
        if self.kernel == "rbf" and (self.landmarks is None or len(labels) <= self.landmarks):
            self.landmarks_ = points[0].astype(np.float32)
            kernel = self._features(points)
            symmetrise(kernel)
            kernel += 1
            fit = fit_kernel_least_squares(kernel, labels, weights, groups, self.C)
            self.coefficients_, self.bias_ = fit.coefficients, fit.coefficients.sum(axis=0)
            return fit
        basis = self._fit_landmarks(points[0], digests) if self.kernel == "rbf" else None
        features = self._features(points)
        if basis is not None:
            features = features @ basis
        features = np.column_stack([features, np.ones(len(features), features.dtype)])
        fit = fit_least_squares(features, labels, weights, groups, self.C)
        self.coefficients_, self.bias_ = fit.coefficients[:-1], fit.coefficients[-1]
        if basis is not None:
            self.coefficients_ = basis @ self.coefficients_
        return fit

    def _fit_landmarks(self, points: np.ndarray, digests: list[bytes]) -> np.ndarray:
        """Choose landmarks by the rows' digests; returns their kernel matrix's inverse root."""
        distinct = {digest: row for row, digest in enumerate(digests)}
        chosen = [distinct[digest] for digest in sorted(distinct)[: self.landmarks]]
        self.landmarks_ = points[chosen].astype(np.float32)
        matrix = self._kernel(self.landmarks_.astype(np.float64))
        matrix[np.diag_indices(len(matrix))] += JITTER
        lower = cholesky(matrix, lower=True)
        return solve_triangular(lower, np.eye(len(lower)), lower=True).T.astype(points.dtype)

    def _kernel(self, points: np.ndarray) -> np.ndarray:
        """The Gaussian kernel of points (n, c) with all landmarks, (n, m)."""
        landmarks = self.landmarks_.astype(points.dtype)
        return gaussian_kernel(points, landmarks, self.gamma / self.spread_)

    def _features(self, points: list[np.ndarray]) -> np.ndarray:
        """What the coefficients multiply: the average over the sides, (n, m)."""
        if self.kernel == "linear":
            return sum(points) / (len(points) * math.sqrt(self.spread_))
        features = np.empty((len(points[0]), len(self.landmarks_)), points[0].dtype)
        for start in range(0, len(features), FACES_AT_ONCE):
            part = slice(start, start + FACES_AT_ONCE)
            features[part] = sum(self._kernel(side[part]) for side in points) / len(points)
        return features

    def _scores(self, X: np.ndarray) -> np.ndarray:
        """The machines' scores, float64 (n, k)."""
        kind = precision(0 if self.kernel == "linear" else len(self.landmarks_))
        points = [self._rotate(side, kind) for side in self._sides(X)]
        return self._features(points).astype(np.float64) @ self.coefficients_ + self.bias_
