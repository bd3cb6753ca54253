"""A small residual network (`keras_network`) that learns from changed copies of the faces.

How it learns: `network_training`. A part of each class is not learnt from: the average of the
weights that does best on it is kept, and the softmax's scale is fitted on it. A face and its mirror
image are asked together.
"""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Optional, Union

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from cvbaseline.classifiers.calibration import fit_scale
from cvbaseline.classifiers.face_augmentation import Augmentation
from cvbaseline.classifiers.face_rows import network_input, square_faces
from cvbaseline.classifiers.keras_network import (
    build_network,
    learning_precision,
    network_weights,
    set_network_weights,
    weight_count,
)
from cvbaseline.classifiers.network_parameters import check_training_parameters
from cvbaseline.classifiers.network_training import FACES_AT_ONCE, Examples, Plan, train_network
from cvbaseline.classifiers.starting_model import load_starting_model, names_of, places_in
from cvbaseline.classifiers.validation_part import validation_rows

EPOCHS, QUICK_EPOCHS = 60, 13
# In few epochs a network learns less of faces that are changed much.
QUICK_CHANGES = {"contrast": 0.2, "erasing": 0.15}
MOST_WEIGHTS = 20_000_000
# Fewer channels teach a network little; and PyTorch 2.13 writes past its memory when it learns a
# strided convolution of fewer.
LEAST_WIDTH = 8
FINE_TUNING = 0.25  # of the learning rate, for a network that has learnt already


class Cnn(ClassifierMixin, BaseEstimator):
    """A residual convolutional network in Keras 3, on PyTorch, JAX or TensorFlow.

    Parameters
    ----------
    epochs : at most; None means 60, or 13 when quick
    quick : fewer epochs, on faces that are changed less
    patience : epochs without a validation loss as good as the least, after which learning stops
    size : faces are resized to so many pixels
    widths : channels of the first two convolutions, and of each residual block, before which the
        size is halved
    batch_size : faces in a step
    learning_rate : the largest; a quarter of it with init
    weight_decay : share of the weights, times the learning rate, that a step takes away
    label_smoothing : share of a label that is spread over all classes
    dropout : share of the features that are left out in a step
    validation_share : of each class, not learnt from; less where that is above 1,000 faces
    augmentation : learn from changed copies of the faces (see `Augmentation`)
    mirror : a face and its mirror image count as one
    class_weight : how much a face of each class counts, {class: weight}; "balanced" gives every
        class the same sum; None: every face counts the same
    init : a file with a trained network of the same size and widths, whose weights are the first
        ones; classes of equal names go on from what it knows
    shape : (height, width) of the faces in the rows of X; None means that they are square
    seed : of the first weights, the validation part, the order and the changes. The same seed,
        faces, backend and machine give the same network.

    Attributes
    ----------
    classes_ : (k,)
    weights_ : float32 (w,), all that the network has learnt, see `network_weights`
    scale_ : of the softmax
    loss_, accuracy_, validation_loss_, validation_accuracy_ : float64 (epochs,); loss and accuracy
        are those of changed faces while the network changes, the others those of the average of
        its weights
    """

    def __init__(
        self,
        epochs: Optional[int] = None,
        quick: bool = False,
        patience: int = 20,
        size: int = 40,
        widths: tuple[int, ...] = (24, 48, 96, 192),
        batch_size: int = 64,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.01,
        label_smoothing: float = 0.1,
        dropout: float = 0.3,
        validation_share: float = 0.1,
        augmentation: bool = True,
        mirror: bool = True,
        class_weight: Union[None, str, dict[Any, float]] = None,
        init: Optional[str] = None,
        shape: Optional[tuple[int, int]] = None,
        seed: int = 0,
    ):
        self.epochs = epochs
        self.quick = quick
        self.patience = patience
        self.size = size
        self.widths = widths
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.dropout = dropout
        self.validation_share = validation_share
        self.augmentation = augmentation
        self.mirror = mirror
        self.class_weight = class_weight
        self.init = init
        self.shape = shape
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: Optional[np.ndarray] = None,
        class_names: Optional[Sequence[str]] = None,
        sample_weight: Optional[np.ndarray] = None,
    ) -> "Cnn":
        """Learn from faces X (n, height * width) of pixels 0 to 255 and their classes y (n,).

        groups : (n,); faces of one group are never on both sides of the validation split
        class_names : the classes' names when y holds numbers: y is an index into them; for init
        sample_weight : (n,), how much each face counts, not negative
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self._check_parameters()
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("a network needs at least two classes; y holds one class")
        weights = self._weights(X, y, sample_weight)
        faces = self._faces(X, fitting=True)
        held_out = validation_rows(labels, groups, self.validation_share, self.seed)
        # With a single face of each class there is nothing to hold out.
        checked = held_out if held_out.any() else np.ones(len(labels), bool)
        self._prepare()
        with learning_precision():
            network = self._new_network()
        self._start(network, names_of(self.classes_, class_names))
        targets = np.eye(len(self.classes_), dtype=np.float32)[labels]
        everything = Examples(faces, targets, weights)
        self._learn(
            network,
            Examples(*(part[~held_out] for part in everything)),
            Examples(*(part[checked] for part in everything)),
        )
        self.weights_ = network_weights(network)
        vars(self).pop("_network", None)  # it is asked in float32, see `keras_network`
        self.scale_ = fit_scale(self._scores(faces[checked]), labels[checked], weights[checked])
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probability of each class of `classes_`, float64 (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return softmax(self.scale_ * self._scores(self._faces(X)), axis=1)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The class of the largest probability, (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    @property
    def history_(self) -> dict[str, list[float]]:
        """Loss and accuracy of each epoch, on what is learnt and on the validation part."""
        names = ("loss", "accuracy", "validation_loss", "validation_accuracy")
        return {name: getattr(self, f"{name}_").tolist() for name in names}

    def __getstate__(self) -> dict[str, Any]:
        """Copies build their network anew from the weights."""
        state = dict(super().__getstate__())
        state.pop("_network", None)
        return state

    def _check_parameters(self) -> None:
        check_training_parameters(self, {"size": 8})
        widths = self.widths
        if not (isinstance(widths, (tuple, list)) and 1 <= len(widths) <= 8) or not all(
            isinstance(width, Integral) and LEAST_WIDTH <= width <= 4096 for width in widths
        ):
            raise ValueError(
                f"widths must be 1 to 8 numbers from {LEAST_WIDTH} to 4096, not {widths!r}"
            )

    def _prepare(self) -> None:
        """What is looked at before a network is built."""

    def _faces(self, X: np.ndarray, fitting: bool = False) -> np.ndarray:
        """The faces in rows, uint8 (n, size, size)."""
        return square_faces(X, self.size, self.shape, fitting)

    def _new_network(self) -> Any:
        classes = len(self.classes_)
        if weight_count(self.widths, classes) > MOST_WEIGHTS:
            raise ValueError(f"widths {self.widths} make more than {MOST_WEIGHTS} weights")
        return build_network(self.size, self.widths, classes, float(self.dropout), self.seed)

    def _weights(
        self, X: np.ndarray, y: np.ndarray, sample_weight: Optional[np.ndarray]
    ) -> np.ndarray:
        """How much each face counts, float32 (n,), 1 on average."""
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        weights = weights * compute_sample_weight(self.class_weight, y)
        if not (weights >= 0).all() or weights.sum() == 0:
            raise ValueError("the weights of the faces must not be negative, nor all 0")
        return (weights / weights.mean()).astype(np.float32)

    def _start(self, network: Any, names: list[str]) -> None:
        """Give a new network the weights of the one in `init`, classes by their names."""
        if self.init is None:
            return
        start = load_starting_model(self.init, ("cnn",))
        for name in ("size", "widths"):
            own, other = getattr(self, name), getattr(start.estimator, name)
            if not np.array_equal(own, other):
                raise ValueError(f"{name} is {other} in {self.init}, not {own}")
        old = start.estimator.keras_network()
        for layer, other in zip(network.layers[:-1], old.layers[:-1]):
            layer.set_weights(other.get_weights())
        places = places_in(names, start.classes)
        head = zip(network.layers[-1].get_weights(), old.layers[-1].get_weights())
        network.layers[-1].set_weights(
            [np.where(places >= 0, other[..., places], new) for new, other in head]
        )

    def _learn(self, network: Any, learnt: Examples, checked: Examples) -> None:
        """Train the network; note its curves."""
        fine_tuning = 1.0 if self.init is None else FINE_TUNING
        plan = self._plan(
            self.epochs or (QUICK_EPOCHS if self.quick else EPOCHS),
            fine_tuning * self.learning_rate,
            **(QUICK_CHANGES if self.quick else {}),
        )
        self._note(train_network(network, self.as_input, learnt, checked, plan))

    def _plan(self, epochs: int, learning_rate: float, **changes: float) -> Plan:
        augmentation = Augmentation(mirror=0.5 if self.mirror else 0.0, **changes)
        return Plan(
            epochs=epochs,
            batch_size=self.batch_size,
            learning_rate=float(learning_rate),
            weight_decay=float(self.weight_decay),
            label_smoothing=float(self.label_smoothing),
            patience=self.patience,
            seed=self.seed,
            augmentation=augmentation if self.augmentation else None,
        )

    def _note(self, history: dict[str, list[float]]) -> None:
        """Keep the curves as `loss_`, `validation_loss_`, ..."""
        for name, values in history.items():
            setattr(self, f"{name.replace('val_', 'validation_')}_", np.array(values, np.float64))

    def as_input(self, faces: np.ndarray) -> np.ndarray:
        """Faces as the network takes them."""
        return network_input(faces)

    def _scores(self, faces: np.ndarray) -> np.ndarray:
        """Scores of faces, uint8 (n, size, size), as float64 (n, k)."""
        network = self.keras_network()
        views = [faces, faces[:, :, ::-1]] if self.mirror else [faces]
        scores = [
            network.predict(self.as_input(view), batch_size=FACES_AT_ONCE, verbose=0)
            for view in views
        ]
        return np.mean(scores, axis=0, dtype=np.float64)

    def keras_network(self) -> Any:
        """The network that has learnt; of a loaded model it is built now."""
        if not hasattr(self, "_network"):
            self._check_parameters()
            network = self._new_network()
            expected = network.count_params()
            if self.weights_.shape != (expected,):
                raise ValueError(f"the network has {expected} weights, found {self.weights_.shape}")
            set_network_weights(network, self.weights_)
            self._network = network
        return self._network
