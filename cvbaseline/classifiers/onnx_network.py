"""A network that OpenCV runs: no Keras, no GPU. Its last layer can be fitted to other faces.

`cvbaseline export` makes one of a `cnn`. The network itself, from a face to its features, is kept
as ONNX bytes and stays as it is; the linear layer after it, which makes scores of features, is
what `fit` adapts (`linear_head`).
"""

import threading
from collections.abc import Sequence
from numbers import Real
from typing import Any, Optional

import cv2
import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cvbaseline.classifiers.calibration import fit_scale
from cvbaseline.classifiers.face_rows import middles, network_input, square_faces
from cvbaseline.classifiers.linear_head import Head, adapt_head, held_out_scores
from cvbaseline.classifiers.onnx_bytes import read_network
from cvbaseline.classifiers.onnx_layers import output_shape
from cvbaseline.classifiers.starting_model import (
    known_classes,
    load_starting_model,
    names_of,
    places_in,
)

FACES_AT_ONCE = 32
LARGEST_SIDE = 512
# The old layer's scale counts as much as one fitted to so many faces.
SCALE_FACES = 50


class OnnxNetwork(ClassifierMixin, BaseEstimator):
    """A network in ONNX bytes, run by cv2.dnn, with a linear layer behind it.

    Parameters
    ----------
    init : the model to start from, a file or "default" for the shipped one; `fit` needs it
    strength : how much the start's last layer counts against the faces, see `adapt_head`
    mirror : features of a face and its mirror image are averaged
    shape : (height, width) of the faces in the rows of X; None means that they are square
    seed : of the split for the softmax's scale

    Attributes
    ----------
    classes_ : (k,)
    network_ : uint8 (b,), ONNX bytes: from faces float32 (n, 1, size, size), scaled as in
        `network_input`, to features float32 (n, d)
    coefficients_, bias_ : float64 (d, k) and (k,), from features to scores
    scale_ : of the softmax
    mirror_margin_ : the mirror image is without so much of the side at each edge: what differs in
        more than direction is seldom mistaken for the same. 0 where it is missing
    sure_at_ : a face whose own probability for a class is so large is not asked mirrored as well:
        that would change little. 1 where it is missing
    """

    def __init__(
        self,
        init: Optional[str] = None,
        strength: float = 3.0,
        mirror: bool = True,
        shape: Optional[tuple[int, int]] = None,
        seed: int = 0,
    ):
        self.init = init
        self.strength = strength
        self.mirror = mirror
        self.shape = shape
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: Optional[np.ndarray] = None,
        class_names: Optional[Sequence[str]] = None,
    ) -> "OnnxNetwork":
        """Adapt the last layer of `init` to faces X (n, height * width), classes y (n,).

        groups : (n,), equal for faces that belong together: the scale is fitted on other groups
        class_names : the names of the classes when y holds numbers: y is an index into them;
            None: y holds the names

        A class whose name the start knows begins with its weights, and stays when no face shows
        it but `class_names` holds it; another one begins with zeros.
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        if not (isinstance(self.strength, Real) and self.strength > 0):
            raise ValueError(f"strength must be above 0, not {self.strength!r}")
        if self.init is None:
            raise ValueError("a network is needed: set init to a model file, or to default")
        start = load_starting_model(self.init, ("onnx",))
        self.classes_ = known_classes(y, class_names, start.classes)
        if len(self.classes_) < 2:
            raise ValueError("a network needs at least two classes; y holds one class")
        self.network_ = start.estimator.network_
        self.mirror_margin_ = start.estimator.mirror_margin
        self.sure_at_ = start.estimator.sure_at
        vars(self).pop("_of_thread", None)
        labels = np.searchsorted(self.classes_, y)
        faces = self._faces(X, fitting=True)
        features = self._features(faces)
        if self.mirror:
            features = (features + self._features(self._mirrored(faces))) / 2
        prior = start.estimator.prior(
            places_in(names_of(self.classes_, class_names), start.classes)
        )
        head = adapt_head(features, labels, prior, float(self.strength))
        self.coefficients_, self.bias_ = head
        self.scale_ = self._fit_scale(features, labels, groups, prior)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probability of each class of `classes_`, float64 (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        faces, head = self._faces(X), self._head()
        scores = head.scores(self._features(faces))
        if self.mirror:
            unsure = softmax(self.scale_ * scores, axis=1).max(axis=1) < self.sure_at
            scores[unsure] += head.scores(self._features(self._mirrored(faces[unsure])))
            scores[unsure] /= 2
        return softmax(self.scale_ * scores, axis=1)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The class of the largest probability, (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def prior(self, places: np.ndarray) -> Head:
        """The last layer as a start for classes at these places of `classes_`; -1 is a new one.

        Its scores are calibrated. A new class is as probable as the old ones on average.
        """
        weights, bias = self.scale_ * self.coefficients_, self.scale_ * self.bias_
        weights, bias = weights - weights.mean(axis=1, keepdims=True), bias - bias.mean()
        old = places >= 0
        return Head(np.where(old, weights[:, places], 0), np.where(old, bias[places], 0))

    @property
    def mirror_margin(self) -> float:
        """`mirror_margin_`, 0 where it is missing."""
        margin = float(getattr(self, "mirror_margin_", 0))
        if not 0 <= margin < 0.5:
            raise ValueError(f"mirror_margin_ must be 0 to .5, not {margin}")
        return margin

    @property
    def sure_at(self) -> float:
        """`sure_at_`, 1 where it is missing."""
        sure_at = float(getattr(self, "sure_at_", 1))
        if not 0 < sure_at <= 1:
            raise ValueError(f"sure_at_ must be above 0, up to 1, not {sure_at}")
        return sure_at

    @property
    def input_side(self) -> int:
        """The side of the faces that the network sees, in pixels."""
        return self._network()[1]

    def __getstate__(self) -> dict[str, Any]:
        """Copies build their networks anew from the bytes."""
        state = dict(super().__getstate__())
        state.pop("_of_thread", None)
        return state

    def _fit_scale(
        self, features: np.ndarray, labels: np.ndarray, groups: Optional[np.ndarray], prior: Head
    ) -> float:
        """The softmax's scale, from faces that were left out; few faces change the start's little.

        Scores of an adapted layer are calibrated already: their scale is 1 without any face.
        """
        scores = held_out_scores(features, labels, groups, prior, float(self.strength), self.seed)
        if scores is None:
            return 1.0
        count = len(labels)
        fitted = fit_scale(scores, labels, np.ones(count))
        return float(fitted ** (count / (count + SCALE_FACES))) if prior.weights.any() else fitted

    def _faces(self, X: np.ndarray, fitting: bool = False) -> np.ndarray:
        """The faces in rows, uint8 (n, size, size)."""
        return square_faces(X, self._network()[1], self.shape, fitting)

    def _mirrored(self, faces: np.ndarray) -> np.ndarray:
        """The second view of faces, uint8 (n, size, size), as the same."""
        return middles(faces, self.mirror_margin)[:, :, ::-1]

    def _features(self, faces: np.ndarray) -> np.ndarray:
        """Features of faces, uint8 (n, size, size), as float64 (n, d)."""
        network, _ = self._network()
        parts = []
        for start in range(0, len(faces), FACES_AT_ONCE):
            shown = network_input(faces[start : start + FACES_AT_ONCE])
            network.setInput(np.ascontiguousarray(shown.transpose(0, 3, 1, 2)))
            parts.append(network.forward().reshape(len(shown), -1).astype(np.float64))
        return np.concatenate(parts) if parts else np.zeros((0, len(self.coefficients_)))

    def _network(self) -> tuple[Any, int]:
        """This thread's own network, because cv2's keeps state while it runs; and the faces' side.

        ValueError for bytes that are no network, or none that fits the last layer.
        """
        here = vars(self).setdefault("_of_thread", threading.local())
        if not hasattr(here, "network"):
            here.network = self._build_network()
        return here.network

    def _build_network(self) -> tuple[Any, int]:
        if self.network_.dtype != np.uint8 or self.network_.ndim != 1:
            raise ValueError("network_ must be uint8 (b,)")
        network = read_network(self.network_.tobytes())
        features, side = output_shape(network), network.input_shape[-1]
        if network.input_shape != (1, side, side) or not 8 <= side <= LARGEST_SIDE:
            raise ValueError(
                f"the network wants {network.input_shape}, expected one square channel of "
                f"8 to {LARGEST_SIDE} pixels"
            )
        if len(features) != 1:
            raise ValueError(f"the network makes {features}, expected one row of features")
        return cv2.dnn.readNetFromONNX(self.network_), side

    def _head(self) -> Head:
        """The last layer. ValueError when it does not fit the classes."""
        classes = len(self.classes_)
        if self.coefficients_.ndim != 2 or (self.coefficients_.shape[1], *self.bias_.shape) != (
            classes, classes
        ):  # fmt: skip
            raise ValueError(
                f"coefficients_ {self.coefficients_.shape} and bias_ {self.bias_.shape} do not "
                f"make scores of {classes} classes"
            )
        return Head(self.coefficients_, self.bias_)
