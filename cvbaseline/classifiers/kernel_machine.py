"""What the kernel machines on faces have in common, whatever they measure on a face.

Measurements (`HogSvm`: gradients; `BagOfWords`: Fisher vectors) are rotated onto their principal
directions and go through a Gaussian kernel to a least-squares support vector machine
(`least_squares`). Compared with every training face it is the exact kernel machine; with more
faces than `landmarks`, the kernel sees that many of them instead (Nystroem's method: Williams &
Seeger, NIPS 2001). A face and its mirror image count as one: their kernels are averaged (Haasdonk
& Burkhardt, Invariant kernel functions, Machine Learning 2007). Probabilities are the softmax of
the scores, whose scale is fitted on left-out scores (`calibration`).

A mirror image's measurements are the face's in another order. Principal directions are then even
(the same in that order) or odd (the negative), so that in their coordinates the mirror image is
the face with some signs changed.
"""

import math
from hashlib import blake2b
from numbers import Integral, Real
from typing import Optional, Union

import numpy as np
from scipy.linalg import cholesky, solve_triangular
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
from cvbaseline.classifiers.kernel_matrices import (
    gaussian_kernel,
    principal_directions,
    slices,
    symmetrise,
)
from cvbaseline.classifiers.least_squares import (
    LeastSquaresFit,
    fit_kernel_least_squares,
    fit_least_squares,
)

# More faces or landmarks are calculated with in single precision: half the memory, twice the
# speed, the same answers.
MOST_IN_DOUBLE = 4096
# Without a number of landmarks: up to so many faces all of them, which takes 3.6 GB; else fewer.
MOST_EXACT = 30_000
FEWER_LANDMARKS = 10_000
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


def precision(rows: int) -> type:
    """The type of the numbers that so many training faces or landmarks are calculated with."""
    return np.float64 if rows <= MOST_IN_DOUBLE else np.float32


class KernelMachine(ClassifierMixin, BaseEstimator):
    """A kernel machine on what the subclass measures; see `HogSvm` for the common parameters.

    A subclass has all parameters of `HogSvm` but `scales`, and these methods:

    _check_parameters() : ValueError for what makes no sense; calls the one here
    _fit_measuring(pictures) : learns how to measure; uint8 (n, h, w)
    _measure(pictures) : float32 (n, d)
    _mirror_order() : int (d,), where the mirror image's numbers stand among the face's own; None
        when `_measure` makes no difference between the two, or they do not count as one
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
            drawing's) when the probabilities are calibrated; None, or one group: only equal rows
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
        names, groups = np.unique(groups, return_inverse=True)
        if len(names) < 2:  # without its group no row is left that could vouch for another
            _, groups = np.unique(digests, return_inverse=True)

        points = self._fit_points(X, weights)
        fit = self._fit_machine(points, labels, weights, groups, digests)
        self.scale_ = fit_scale(fit.left_out_scores, labels, weights)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probability of each class of `classes_`, float64 (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        scores = [self._scores(X[part]) for part in slices(len(X))]
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

    def _fit_measuring(self, pictures: np.ndarray) -> None:
        """Nothing needs to be learnt."""

    def _mirror_order(self) -> Optional[np.ndarray]:
        return None

    def _measured(self, X: np.ndarray) -> np.ndarray:
        """What is measured on the faces, (n, d); rows without picture are that."""
        if not holds_pictures(X):
            return X
        pictures = as_pictures(X, self.shape)
        return np.concatenate([self._measure(pictures[part]) for part in slices(len(X))])

    def _fit_points(self, X: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
        """Learn measuring, mean, principal directions and spread; see `_points`."""
        order = None
        if holds_pictures(X):
            self._fit_measuring(as_pictures(X, self.shape, fitting=True))
            order = self._mirror_order()
        measured = self._measured(X)
        totals = (weights[part] @ measured[part] for part in slices(len(X)))
        self.mean_ = sum(totals) / weights.sum()
        if order is not None:
            self.mean_ = (self.mean_ + self.mean_[order]) / 2
        self.directions_ = self.signs_ = None
        if holds_pictures(X) and self.n_components is not None:
            if self.n_components < measured.shape[1]:
                self._fit_directions(measured, weights, order)
        kind = precision(len(X))
        rotated = self._rotate(measured, kind)
        del measured
        if kind is np.float32:  # as they are kept: see _keep_landmarks
            rotated = rotated.astype(np.float16).astype(np.float32)
        self.spread_ = float(2 * (weights @ (rotated**2).sum(axis=1)) / weights.sum()) or 1.0
        return self._both(rotated, order)

    def _fit_directions(
        self, measured: np.ndarray, weights: np.ndarray, order: Optional[np.ndarray]
    ) -> None:
        """Principal directions: with an order as many even and odd ones as their variance says."""
        mean, columns = self.mean_.astype(np.float32), measured.shape[1]

        def even(rows: slice) -> np.ndarray:
            centred = measured[rows] - mean
            return centred if order is None else (centred + centred[:, order]) / 2

        def odd(rows: slice) -> np.ndarray:
            return (measured[rows] - measured[rows][:, order]) / 2

        directions, variances = principal_directions(
            even, weights, columns, self.n_components, self.seed
        )
        if order is not None:
            odd_directions, odd_variances = principal_directions(
                odd, weights, columns, self.n_components, self.seed
            )
            signs = np.repeat([1, -1], [len(directions), len(odd_directions)])
            directions = np.concatenate([directions, odd_directions])
            best = np.argsort(-np.concatenate([variances, odd_variances]), kind="stable")
            best = best[: self.n_components]
            directions, self.signs_ = directions[best], signs[best]
        self.directions_ = directions

    def _rotate(self, measured: np.ndarray, kind: type) -> np.ndarray:
        """Centred measurements in the principal directions, (n, c) of that type."""
        rotated = []
        for part in slices(len(measured)):
            centred = measured[part].astype(kind) - self.mean_.astype(kind)
            if self.directions_ is not None:
                centred = centred @ self.directions_.T.astype(kind)
            rotated.append(centred)
        return np.concatenate(rotated)

    def _both(self, rotated: np.ndarray, order: Optional[np.ndarray]) -> list[np.ndarray]:
        """The points of the faces, and of their mirror images if these differ and count."""
        if order is None:
            return [rotated]
        return [rotated, rotated[:, order] if self.signs_ is None else rotated * self.signs_]

    def _points(self, X: np.ndarray, kind: type) -> list[np.ndarray]:
        """The points that the kernel compares, (n, c) for each side: the face, its mirror image."""
        order = self._mirror_order() if holds_pictures(X) else None
        return self._both(self._rotate(self._measured(X), kind), order)

    def _fit_machine(
        self,
        points: list[np.ndarray],
        labels: np.ndarray,
        weights: np.ndarray,
        groups: np.ndarray,
        digests: list[bytes],
    ) -> LeastSquaresFit:
        """Landmarks, coefficients and bias."""
        landmarks = self.landmarks or (MOST_EXACT if len(labels) <= MOST_EXACT else FEWER_LANDMARKS)
        if self.kernel == "rbf" and len(labels) <= landmarks:
            self._keep_landmarks(points[0])
            kernel = self._features(points)
            symmetrise(kernel)
            kernel += 1
            fit = fit_kernel_least_squares(kernel, labels, weights, groups, self.C)
            self.coefficients_, self.bias_ = fit.coefficients, fit.coefficients.sum(axis=0)
            return fit
        basis = None
        if self.kernel == "rbf":
            basis = self._fit_landmarks(points[0], digests, landmarks)
        features = self._features(points)
        if basis is not None:
            features = features @ basis
        features = np.column_stack([features, np.ones(len(features), features.dtype)])
        fit = fit_least_squares(features, labels, weights, groups, self.C)
        self.coefficients_, self.bias_ = fit.coefficients[:-1], fit.coefficients[-1]
        if basis is not None:
            self.coefficients_ = basis @ self.coefficients_
        return fit

    def _keep_landmarks(self, points: np.ndarray) -> None:
        """Many of them in half precision: their files are large."""
        self.landmarks_ = points.astype(np.float32 if points.dtype == np.float64 else np.float16)

    def _fit_landmarks(self, points: np.ndarray, digests: list[bytes], count: int) -> np.ndarray:
        """Choose landmarks by the rows' digests; returns their kernel matrix's inverse root."""
        distinct = {digest: row for row, digest in enumerate(digests)}
        chosen = [distinct[digest] for digest in sorted(distinct)[:count]]
        self._keep_landmarks(points[chosen])
        landmarks = self.landmarks_.astype(np.float64)
        matrix = gaussian_kernel(landmarks, landmarks, self.gamma / self.spread_)
        matrix[np.diag_indices(len(matrix))] += JITTER
        lower = cholesky(matrix, lower=True)
        return solve_triangular(lower, np.eye(len(lower)), lower=True).T.astype(points.dtype)

    def _kernel(self, points: list[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """The Gaussian kernel of the sides' points, averaged, with some landmarks, (n, m)."""
        factor, signs = self.gamma / self.spread_, getattr(self, "signs_", None)
        landmarks = landmarks.astype(points[0].dtype)
        if len(points) == 2 and signs is not None:
            return gaussian_kernel(points[0], landmarks, factor, signs)
        return sum(gaussian_kernel(side, landmarks, factor) for side in points) / len(points)

    def _features(self, points: list[np.ndarray]) -> np.ndarray:
        """What the coefficients multiply: the average over the sides, (n, m)."""
        if self.kernel == "linear":
            return sum(points) / (len(points) * math.sqrt(self.spread_))
        features = np.empty((len(points[0]), len(self.landmarks_)), points[0].dtype)
        for rows in slices(len(features)):
            sides = [side[rows] for side in points]
            for columns in slices(len(self.landmarks_)):
                features[rows, columns] = self._kernel(sides, self.landmarks_[columns])
        return features

    def _scores(self, X: np.ndarray) -> np.ndarray:
        """The machines' scores, float64 (n, k)."""
        kind = precision(0 if self.kernel == "linear" else len(self.landmarks_))
        points = self._points(X, kind)
        coefficients = self.coefficients_.astype(kind)
        if self.kernel == "linear":
            return self._features(points) @ coefficients + self.bias_
        return self.bias_ + sum(
            self._kernel(points, self.landmarks_[part]) @ coefficients[part]
            for part in slices(len(self.landmarks_))
        )
