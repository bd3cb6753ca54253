"""A small residual network (`keras_network`) that learns from changed copies of the faces.

Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019), a learning rate that rises, then
falls as a cosine; cross-entropy with smoothed labels (Szegedy et al., CVPR 2016). A part of each
class is not learnt from: the epoch that does best on it is kept, and the softmax's scale is fitted
on it. A face and its mirror image are asked together.
"""

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, Optional

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cvbaseline.classifiers.calibration import fit_scale
from cvbaseline.classifiers.face_augmentation import Augmentation, augment
from cvbaseline.classifiers.face_rows import square_faces
from cvbaseline.classifiers.keras_network import (
    build_network,
    import_keras,
    network_weights,
    set_network_weights,
    weight_count,
)
from cvbaseline.progress import ProgressLine

EPOCHS, QUICK_EPOCHS = 40, 8
# Few faces are shown several times in an epoch, each time changed.
LEAST_STEPS = 20
MOST_WEIGHTS = 20_000_000
# PyTorch 2.13 writes past its memory when it learns a strided convolution of fewer channels.
LEAST_WIDTH = 8
WARM_UP = 0.15  # share of the steps in which the learning rate rises
FACES_AT_ONCE = 256


class Cnn(ClassifierMixin, BaseEstimator):
    """A residual convolutional network in Keras 3, on PyTorch, JAX or TensorFlow.

    Parameters
    ----------
    epochs : at most; None means 40, or 8 when quick
    quick : fewer epochs
    patience : epochs without a better validation loss after which learning stops
    size : faces are resized to so many pixels
    widths : channels of the first convolution and of each residual block, which halves the size
    batch_size : faces in a step
    learning_rate : the largest
    weight_decay : share of the weights, times the learning rate, that a step takes away
    label_smoothing : share of a label that is spread over all classes
    dropout : share of the features that are left out in a step
    validation_share : of each class, not learnt from
    augmentation : learn from changed copies of the faces (see `Augmentation`)
    mirror : a face and its mirror image count as one
    shape : (height, width) of the faces in the rows of X; None means that they are square
    seed : of the first weights, the validation part, the order and the changes. The same seed,
        faces, backend and machine give the same network.

    Attributes
    ----------
    classes_ : (k,)
    weights_ : float32 (w,), all that the network has learnt, see `network_weights`
    scale_ : of the softmax
    loss_, accuracy_, validation_loss_, validation_accuracy_ : float64 (epochs,); loss and accuracy
        are those of changed faces while the network changes
    """

    def __init__(
        self,
        epochs: Optional[int] = None,
        quick: bool = False,
        patience: int = 10,
        size: int = 48,
        widths: tuple[int, ...] = (32, 64, 128, 192),
        batch_size: int = 64,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.01,
        label_smoothing: float = 0.1,
        dropout: float = 0.3,
        validation_share: float = 0.1,
        augmentation: bool = True,
        mirror: bool = True,
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
        self.shape = shape
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray, groups: Optional[np.ndarray] = None) -> "Cnn":
        """Learn from faces X (n, height * width) of pixels 0 to 255 and their classes y (n,).

        groups : (n,); faces of one group are never on both sides of the validation split
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self._check_parameters()
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("a network needs at least two classes; y holds one class")
        faces = self._faces(X, fitting=True)
        held_out = validation_rows(labels, groups, self.validation_share, self.seed)
        # With a single face of each class there is nothing to hold out.
        checked = held_out if held_out.any() else np.ones(len(labels), bool)
        network = self._new_network()
        self._learn(network, faces, labels, ~held_out, checked)
        self._network = network
        self.weights_ = network_weights(network)
        scores = self._scores(faces[checked])
        self.scale_ = fit_scale(scores, labels[checked], np.ones(len(scores)))
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
        whole = {"patience": 1, "size": 8, "batch_size": 1, "seed": 0}
        if self.epochs is not None:
            whole["epochs"] = 1
        for name, least in whole.items():
            value = getattr(self, name)
            if not (isinstance(value, Integral) and value >= least):
                raise ValueError(f"{name} must be a number from {least}, not {value!r}")
        if self.size > 512:
            raise ValueError(f"size must be at most 512, not {self.size}")
        widths = self.widths
        if not (isinstance(widths, (tuple, list)) and 1 <= len(widths) <= 8) or not all(
            isinstance(width, Integral) and LEAST_WIDTH <= width <= 4096 for width in widths
        ):
            raise ValueError(
                f"widths must be 1 to 8 numbers from {LEAST_WIDTH} to 4096, not {widths!r}"
            )
        if not (isinstance(self.learning_rate, Real) and self.learning_rate > 0):
            raise ValueError(f"learning_rate must be above 0, not {self.learning_rate!r}")
        for name in ("weight_decay", "label_smoothing", "dropout", "validation_share"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and 0 <= value < 1):
                raise ValueError(f"{name} must be from 0 to below 1, not {value!r}")

    def _faces(self, X: np.ndarray, fitting: bool = False) -> np.ndarray:
        """The faces in rows, uint8 (n, size, size)."""
        return square_faces(X, self.size, self.shape, fitting)

    def _new_network(self) -> Any:
        classes = len(self.classes_)
        if weight_count(self.widths, classes) > MOST_WEIGHTS:
            raise ValueError(f"widths {self.widths} make more than {MOST_WEIGHTS} weights")
        return build_network(self.size, self.widths, classes, float(self.dropout), self.seed)

    def _learn(
        self,
        network: Any,
        faces: np.ndarray,
        labels: np.ndarray,
        learnt: np.ndarray,
        checked: np.ndarray,
    ) -> None:
        """Train the network on the rows of the mask `learnt`; keep its best weights and curves."""
        keras = import_keras()
        epochs = self.epochs or (QUICK_EPOCHS if self.quick else EPOCHS)
        batch = min(self.batch_size, int(learnt.sum()))
        steps = max(LEAST_STEPS, -(-int(learnt.sum()) // batch))
        warm_up = max(1, round(WARM_UP * epochs * steps))
        rate = keras.optimizers.schedules.CosineDecay(
            self.learning_rate / 25,
            max(1, epochs * steps - warm_up),
            warmup_target=self.learning_rate,
            warmup_steps=warm_up,
        )
        optimizer = keras.optimizers.AdamW(rate, weight_decay=self.weight_decay, clipnorm=1.0)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        network.compile(
            optimizer,
            keras.losses.CategoricalCrossentropy(True, label_smoothing=self.label_smoothing),
            metrics=["accuracy"],
        )
        targets = np.eye(len(self.classes_), dtype=np.float32)[labels]
        stopping = keras.callbacks.EarlyStopping(
            "val_loss", patience=self.patience, restore_best_weights=True
        )
        progress = ProgressLine()
        try:
            record = network.fit(
                self._batches(faces[learnt], targets[learnt], batch),
                epochs=epochs,
                steps_per_epoch=steps,
                validation_data=(network_input(faces[checked]), targets[checked]),
                validation_batch_size=FACES_AT_ONCE,
                shuffle=False,  # the batches are
                callbacks=[stopping, progress_callback(keras, progress, epochs, steps)],
                verbose=0,
            )
        finally:
            progress.close()
        for name, values in record.history.items():
            setattr(self, f"{name.replace('val_', 'validation_')}_", np.array(values, np.float64))

    def _batches(
        self, faces: np.ndarray, targets: np.ndarray, batch: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Endless batches of changed faces and their targets; every face comes equally often."""
        generator = np.random.default_rng(self.seed)
        settings = Augmentation(mirror=0.5 if self.mirror else 0.0)
        waiting = np.zeros(0, int)
        while True:
            if len(waiting) < batch:
                waiting = np.concatenate([waiting, generator.permutation(len(faces))])
            rows, waiting = waiting[:batch], waiting[batch:]
            shown = faces[rows]
            if self.augmentation:
                shown = augment(shown, settings, generator)
            yield network_input(shown), targets[rows]

    def _scores(self, faces: np.ndarray) -> np.ndarray:
        """Scores of faces, uint8 (n, size, size), as float64 (n, k)."""
        network = self.keras_network()
        views = [faces, faces[:, :, ::-1]] if self.mirror else [faces]
        scores = [
            network.predict(network_input(view), batch_size=FACES_AT_ONCE, verbose=0)
            for view in views
        ]
        return np.mean(scores, axis=0, dtype=np.float64)

    def keras_network(self) -> Any:
        """The network that has learnt; of a loaded model it is built now."""
        if not hasattr(self, "_network"):
            self._check_parameters()
            expected = weight_count(self.widths, len(self.classes_))
            if self.weights_.shape != (expected,):
                raise ValueError(
                    f"widths {self.widths} and {len(self.classes_)} classes need {expected} "
                    f"weights, not {self.weights_.shape}"
                )
            network = self._new_network()
            set_network_weights(network, self.weights_)
            self._network = network
        return self._network


def network_input(faces: np.ndarray) -> np.ndarray:
    """Faces, uint8 (n, side, side), as the network wants them: float32 (n, side, side, 1)."""
    return ((faces.astype(np.float32) - 128) / 64)[..., None]


def validation_rows(
    labels: np.ndarray, groups: Optional[np.ndarray], share: float, seed: int
) -> np.ndarray:
    """A mask of about that share of each class, or of groups that make it up.

    Of a class of 3 faces or more it holds at least one; every class keeps a face outside.
    """
    mask = np.zeros(len(labels), bool)
    if share == 0:
        return mask
    if groups is not None:
        from sklearn.model_selection import StratifiedGroupKFold

        parts = min(max(2, round(1 / share)), len(np.unique(groups)))
        if parts >= 2:
            split = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
            mask[next(split.split(labels, labels, groups))[1]] = True
    else:
        generator = np.random.default_rng(seed)
        for label in np.unique(labels):
            rows = generator.permutation(np.flatnonzero(labels == label))
            count = max(round(share * len(rows)), int(len(rows) >= 3))
            mask[rows[: min(count, len(rows) - 1)]] = True
    return mask & np.isin(labels, labels[~mask])


def progress_callback(keras: Any, progress: ProgressLine, epochs: int, steps: int) -> Any:
    """A callback that shows the epoch, and how the one before it did."""
    state = {"text": f"epoch 1 of {epochs}"}

    def ended(epoch: int, logs: dict[str, float]) -> None:
        state["text"] = (
            f"epoch {epoch + 2} of {epochs} (so far: loss {logs['loss']:.3f}, "
            f"validation accuracy {logs['val_accuracy']:.3f})"
        )

    return keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: progress(state["text"], step + 1, steps),
        on_epoch_end=ended,
    )
