"""Eigenfaces and Fisherfaces: faces as points of a small linear subspace.

Eigenfaces (Turk & Pentland, Eigenfaces for recognition, 1991) keep the directions in which faces
vary most; Fisherfaces (Belhumeur, Hespanha & Kriegman, Eigenfaces vs. Fisherfaces, PAMI 1997)
those that tell the classes apart: PCA to n - c dimensions, so that the scatter within classes
can be inverted, then Fisher's linear discriminant to c - 1.

A class is as near as its nearest prototype (training face, or class mean); probabilities are the
softmax of the negative distances, whose scale is fitted on a third of each class that a first
fit has not seen. Distances are Euclidean, or between directions as seen from the mean face, in
units of the scatter ("Mahalanobis cosine": Beveridge et al., The CSU face identification
evaluation system, 2005), which forgives strong light and strong expressions.
"""

from numbers import Integral
from typing import NamedTuple, Optional

import numpy as np
from scipy.linalg import eigh
from scipy.spatial.distance import cdist
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cvbaseline.classifiers.calibration import every_third, fit_scale

QUERIES_AT_ONCE = 256


class Subspace(NamedTuple):
    """`(faces - mean) @ directions.T` are a face's coordinates."""

    mean: np.ndarray  # float64 (pixels,)
    directions: np.ndarray  # float64 (dimensions, pixels)

    def project(self, faces: np.ndarray) -> np.ndarray:
        """Coordinates of float64 (n, pixels), as float64 (n, dimensions)."""
        return (faces - self.mean) @ self.directions.T


def principal_subspace(faces: np.ndarray, dimensions: int) -> Subspace:
    """The directions of largest variance, orthonormal, largest first; never beyond the rank.

    Of the two matrices with the same eigenvalues, pixels x pixels and faces x faces, the smaller
    one is decomposed (Turk & Pentland's trick). A direction's largest entry is positive.
    """
    mean = faces.mean(axis=0)
    centred = faces - mean
    few_faces = len(faces) <= faces.shape[1]
    scatter = centred @ centred.T if few_faces else centred.T @ centred
    size = len(scatter)
    dimensions = min(dimensions, size)
    variances, vectors = eigh(scatter, subset_by_index=(size - dimensions, size - 1))
    variances, vectors = variances[::-1], vectors[:, ::-1]
    floor = max(variances[0], 0) * max(faces.shape) * np.finfo(np.float64).eps
    vectors = vectors[:, variances > floor]
    directions = vectors.T @ centred if few_faces else vectors.T.copy()
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    peaks = directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)]
    return Subspace(mean, directions * np.sign(peaks)[:, None])


def discriminant_directions(points: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Fisher's directions as float64 (at most classes - 1, dimensions), best first.

    They maximise scatter between classes over scatter within, and are scaled so that the latter
    is 1 along each. A billionth of the mean variance is added to the scatter within, so that
    classes without any scatter can be told apart as well.
    """
    dimensions = points.shape[1]
    count = np.bincount(labels, minlength=classes)
    means = np.zeros((classes, dimensions))
    np.add.at(means, labels, points)
    means /= count[:, None]
    centred = points - means[labels]
    within = centred.T @ centred / max(1, len(points) - classes)
    offsets = (means - points.mean(axis=0)) * np.sqrt(count)[:, None]
    between = offsets.T @ offsets
    ridge = 1e-9 * (np.trace(within) + np.trace(between) / len(points)) / dimensions
    within[np.diag_indices(dimensions)] += ridge or 1.0
    kept = min(classes - 1, dimensions)
    _, vectors = eigh(between, within, subset_by_index=(dimensions - kept, dimensions - 1))
    directions = vectors[:, ::-1].T
    peaks = directions[np.arange(kept), np.abs(directions).argmax(axis=1)]
    return directions * np.sign(peaks)[:, None]


def whitened(subspace: Subspace, faces: np.ndarray) -> Subspace:
    """The same subspace with directions along which the faces' standard deviation is 1."""
    deviations = subspace.project(faces).std(axis=0)
    return Subspace(subspace.mean, subspace.directions / deviations[:, None])


def subclasses_of(points: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Numbers of the parts that k-means cuts each class into, int (n,), without a gap.

    At most `count` for a class, and none of less than two faces on average.
    """
    from sklearn.cluster import MiniBatchKMeans

    parts, used = np.empty(len(labels), int), 0
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        means = MiniBatchKMeans(
            max(1, min(count, len(rows) // 2)), random_state=0, n_init=1, batch_size=2048
        )
        _, clusters = np.unique(means.fit_predict(points[rows]), return_inverse=True)
        parts[rows] = used + clusters
        used += clusters.max() + 1
    return parts


def class_means(points: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """The mean of each class, float64 (classes, dimensions)."""
    return np.stack([points[labels == label].mean(axis=0) for label in range(classes)])


def class_distances(points: np.ndarray, prototypes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Euclidean distance to each class's nearest prototype, float64 (n, classes).

    `labels` (int, one for each prototype) ascend from 0 without a gap.
    """
    starts = np.searchsorted(labels, np.arange(labels[-1] + 1))
    rows = [
        np.minimum.reduceat(cdist(points[i : i + QUERIES_AT_ONCE], prototypes), starts, axis=1)
        for i in range(0, len(points), QUERIES_AT_ONCE)
    ]
    return np.concatenate(rows)


class _SubspaceClassifier(ClassifierMixin, BaseEstimator):
    """What both have in common; `_subspace` makes the subspace, `_by_means` the prototypes."""

    METRICS = ("euclidean", "mahalanobis_cosine")

    def fit(self, X: np.ndarray, y: np.ndarray) -> "_SubspaceClassifier":
        """Learn from faces X (n, height * width) and their classes y (n,)."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self._check_parameters(len(X))
        order = np.argsort(labels, kind="stable")
        X, labels = X[order], labels[order]
        self.scale_ = self._held_out_scale(X, labels)
        subspace, self.prototypes_, self.prototype_labels_ = self._model(X, labels)
        self.mean_, self.directions_ = subspace
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probability of each class of `classes_`, float64 (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        points = self._points(Subspace(self.mean_, self.directions_), X)
        distances = class_distances(points, self.prototypes_, self.prototype_labels_)
        return softmax(-self.scale_ * distances, axis=1)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The class of the nearest prototype, (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _check_metric(self) -> None:
        if self.metric not in self.METRICS:
            raise ValueError(f"metric is {' or '.join(self.METRICS)}, not {self.metric!r}")

    def _model(self, X: np.ndarray, labels: np.ndarray) -> tuple[Subspace, np.ndarray, np.ndarray]:
        """Subspace, prototypes and their labels, of rows sorted by label."""
        classes = labels[-1] + 1
        subspace = self._subspace(X, labels, classes)
        points = self._points(subspace, X)
        if self._by_means():
            return subspace, class_means(points, labels, classes), np.arange(classes)
        return subspace, points, labels

    def _points(self, subspace: Subspace, X: np.ndarray) -> np.ndarray:
        """What is compared: coordinates, of length 1 where only their direction counts."""
        points = subspace.project(X)
        if self.metric == "euclidean":
            return points
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        return points / np.where(lengths > 0, lengths, 1)

    def _held_out_scale(self, X: np.ndarray, labels: np.ndarray) -> float:
        """The softmax's scale from a third of each class; from the seen rows when there is none.

        Of the seen ones, means are no neighbours of themselves, and a single row tells nothing.
        """
        unseen = every_third(labels)
        if not unseen.any():
            unseen = np.ones(len(labels), bool)
            seen = unseen
        else:
            seen = ~unseen
        subspace, prototypes, prototype_labels = self._model(X[seen], labels[seen])
        points = self._points(subspace, X[unseen])
        distances = class_distances(points, prototypes, prototype_labels)
        return fit_scale(-distances, labels[unseen], np.ones(len(distances)))


class Eigenfaces(_SubspaceClassifier):
    """PCA of the pixels, then the nearest training face or a linear discriminant.

    Parameters
    ----------
    n_components : dimensions kept, at most min(n - 1, pixels)
    classifier : "nearest" (the training face at the smallest Euclidean distance, as
        cv2.face.EigenFaceRecognizer decides) or "discriminant" (Fisher's discriminant within the
        subspace, then the nearest class mean)
    metric : "euclidean", or "mahalanobis_cosine": the angle between faces after each eigenface's
        share has been divided by its standard deviation

    Attributes
    ----------
    classes_ : (k,); scale_ : of the softmax
    mean_ : (pixels,); directions_ : (dimensions, pixels), reshaped the eigenfaces when "nearest"
    prototypes_ : (m, dimensions); prototype_labels_ : (m,), ascending indices into classes_
    """

    def __init__(
        self, n_components: int = 100, classifier: str = "nearest", metric: str = "euclidean"
    ):
        self.n_components = n_components
        self.classifier = classifier
        self.metric = metric

    def _check_parameters(self, faces: int) -> None:
        if not (isinstance(self.n_components, Integral) and self.n_components >= 1):
            raise ValueError(f"n_components must be a number from 1, not {self.n_components!r}")
        if self.classifier not in ("nearest", "discriminant"):
            raise ValueError(f"classifier is nearest or discriminant, not {self.classifier!r}")
        self._check_metric()
        if self._by_means() and len(self.classes_) < 2:
            raise ValueError("a discriminant needs at least two classes; y holds one class")
        if faces < 2:
            raise ValueError("Eigenfaces needs at least 2 faces; there is n_samples=1")

    def _by_means(self) -> bool:
        return self.classifier == "discriminant"

    def _subspace(self, X: np.ndarray, labels: np.ndarray, classes: int) -> Subspace:
        subspace = principal_subspace(X, self.n_components)
        if not self._by_means():
            return subspace if self.metric == "euclidean" else whitened(subspace, X)
        directions = discriminant_directions(subspace.project(X), labels, classes)
        return Subspace(subspace.mean, directions @ subspace.directions)


class Fisherfaces(_SubspaceClassifier):
    """PCA to n - c dimensions, Fisher's discriminant to c - 1, then the nearest prototype.

    Parameters
    ----------
    n_components : dimensions of the PCA; None means n - c (faces less classes), the most that
        leaves the scatter within classes invertible
    classifier : "nearest" training face, or nearest class "mean"
    metric : "euclidean" with directions of length 1, or "mahalanobis_cosine": the angle between
        faces after each direction has been divided by the deviation within classes
    subclasses : parts that each class is cut into by k-means, all to be told apart (subclass
        discriminant analysis: Zhu & Martinez, PAMI 2006): for few classes of many faces, whose
        c - 1 directions say little; needs n_components

    Attributes are those of `Eigenfaces`; the rows of directions_, reshaped, are the Fisherfaces.
    """

    def __init__(
        self,
        n_components: Optional[int] = None,
        classifier: str = "nearest",
        metric: str = "euclidean",
        subclasses: int = 1,
    ):
        self.n_components = n_components
        self.classifier = classifier
        self.metric = metric
        self.subclasses = subclasses

    def _check_parameters(self, faces: int) -> None:
        count = self.n_components
        if count is not None and not (isinstance(count, Integral) and count >= 1):
            raise ValueError(f"n_components must be None or a number from 1, not {count!r}")
        if self.classifier not in ("nearest", "mean"):
            raise ValueError(f"classifier is nearest or mean, not {self.classifier!r}")
        self._check_metric()
        if not (isinstance(self.subclasses, Integral) and self.subclasses >= 1):
            raise ValueError(f"subclasses must be a number from 1, not {self.subclasses!r}")
        if self.subclasses > 1 and count is None:
            raise ValueError("subclasses above 1 need n_components, like 100")
        if len(self.classes_) < 2:
            raise ValueError("Fisherfaces needs at least two classes; y holds one class")
        if faces <= len(self.classes_):
            raise ValueError(
                f"Fisherfaces needs more faces than classes; there are n_samples={faces} "
                f"for {len(self.classes_)} classes"
            )

    def _by_means(self) -> bool:
        return self.classifier == "mean"

    def _subspace(self, X: np.ndarray, labels: np.ndarray, classes: int) -> Subspace:
        most = max(1, len(X) - classes)
        subspace = principal_subspace(X, min(self.n_components or most, most))
        points = subspace.project(X)
        if self.subclasses > 1:
            labels = subclasses_of(points, labels, self.subclasses)
            classes = labels.max() + 1
        directions = discriminant_directions(points, labels, classes)
        if self.metric == "euclidean":
            # In n - c dimensions some directions hardly scatter within classes: scaled to scatter
            # 1 they would drown the others (ORL: .45 right instead of .955), so all get length 1.
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return Subspace(subspace.mean, directions @ subspace.directions)
