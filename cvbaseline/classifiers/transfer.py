"""A large network that has learnt elsewhere, with a new last layer: VGG19, DenseNet121, or a cnn.

First the last layer learns alone, then all of it with a tenth of the learning rate; batch
normalisations stay as they were (Chollet, Transfer learning & fine-tuning, keras.io/guides). VGG:
Simonyan & Zisserman, ICLR 2015; DenseNet: Huang et al., CVPR 2017. Nothing is fetched from the
network unless `download` asks for it.
"""

from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from cvbaseline.classifiers.cnn import Cnn
from cvbaseline.classifiers.face_rows import network_input
from cvbaseline.classifiers.keras_network import build_network, import_keras
from cvbaseline.classifiers.network_parameters import check_training_parameters
from cvbaseline.classifiers.network_training import Examples, train_network
from cvbaseline.classifiers.starting_model import load_starting_model
from cvbaseline.errors import UserError, require

# In keras.applications: the module, and the function that makes the network.
BASES = {"vgg19": ("vgg19", "VGG19"), "densenet121": ("densenet", "DenseNet121")}
SMALLEST_SIZE = 32
RANDOM = "random"
FINE_TUNING = 0.1  # of the learning rate, when all of the network learns


class Transfer(Cnn):
    """A network of keras.applications, or a trained cnn, with a new last layer.

    Parameters
    ----------
    base : vgg19 or densenet121; of no meaning with init
    weights : a file with the base's weights without its top, as Keras writes and offers them, or
        "random" to begin without any
    download : let Keras fetch the weights that the base learnt from ImageNet
    init : a model file of the kind cnn, whose layers take the base's place
    frozen_epochs : in which the last layer learns alone
    epochs : of all layers, at most
    learning_rate : the largest of the frozen epochs; afterwards a tenth of it

    size, patience, batch_size, weight_decay, label_smoothing, dropout, validation_share,
    augmentation, mirror, class_weight, shape, seed : as of `Cnn`; with init, size is that of its
        faces

    Attributes
    ----------
    Those of `Cnn`. weights_ holds 80 MB for vgg19 and 28 MB for densenet121.
    widths_ : int (w,), of the cnn in init
    """

    def __init__(
        self,
        base: str = "densenet121",
        weights: Optional[str] = None,
        download: bool = False,
        init: Optional[str] = None,
        frozen_epochs: int = 5,
        epochs: int = 15,
        patience: int = 5,
        size: int = 64,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-3,
        label_smoothing: float = 0.1,
        dropout: float = 0.3,
        validation_share: float = 0.1,
        augmentation: bool = True,
        mirror: bool = True,
        class_weight: Union[None, str, dict[Any, float]] = None,
        shape: Optional[tuple[int, int]] = None,
        seed: int = 0,
    ):
        self.base = base
        self.weights = weights
        self.download = download
        self.init = init
        self.frozen_epochs = frozen_epochs
        self.epochs = epochs
        self.patience = patience
        self.size = size
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.dropout = dropout
        self.validation_share = validation_share
        self.augmentation = augmentation
        self.mirror = mirror
        self.class_weight = class_weight
        self.shape = shape
        self.seed = seed

    def check_source(self) -> None:
        """UserError unless exactly one of weights, download and init says where to begin."""
        said = [name for name in ("weights", "download", "init") if getattr(self, name)]
        require(len(said) <= 1, f"transfer begins with {' or '.join(said)}, not with all of them")
        require(
            bool(said),
            f"transfer needs the weights that {self.base} learnt from ImageNet, and fetches "
            "nothing unasked: name their file with weights=FILE, or allow it with --download "
            "(download=true); init=MODEL begins with a cnn, weights=random with nothing",
        )
        for name in said:
            value = getattr(self, name)
            if name == "weights" and value != RANDOM:
                require(Path(value).is_file(), f"{value} is no file with weights of {self.base}")

    def as_input(self, faces: np.ndarray) -> np.ndarray:
        """Grey faces as three channels, in the base's own scale; for a cnn as it takes them."""
        if hasattr(self, "widths_"):
            return network_input(faces)
        module = getattr(import_keras().applications, BASES[self.base][0])
        colours = np.repeat(faces[..., None], 3, axis=-1).astype(np.float32)
        return np.asarray(module.preprocess_input(colours, data_format="channels_last"))

    def _check_parameters(self) -> None:
        check_training_parameters(self, {"frozen_epochs": 1, "size": 8})
        if self.base not in BASES:
            raise ValueError(f"base must be {' or '.join(BASES)}, not {self.base!r}")
        if self.init is None and not hasattr(self, "widths_") and self.size < SMALLEST_SIZE:
            raise ValueError(f"size must be at least {SMALLEST_SIZE} for {self.base}")

    def _prepare(self) -> None:
        """Look at where to begin, before anything is built."""
        self.check_source()
        vars(self).pop("widths_", None)
        if self.init is not None:
            start = load_starting_model(self.init, ("cnn",))
            if start.estimator.size != self.size:
                raise ValueError(f"size is {start.estimator.size} in {self.init}, not {self.size}")
            self.widths_ = np.array(start.estimator.widths)

    def _new_network(self) -> Any:
        """The network with random weights."""
        classes = len(self.classes_)
        if hasattr(self, "widths_"):
            widths = tuple(self.widths_.tolist())
            like = Cnn(widths=widths, size=self.size)
            like._check_parameters()
            return build_network(self.size, widths, classes, float(self.dropout), self.seed)
        keras = import_keras()
        keras.utils.set_random_seed(self.seed)
        module, name = BASES[self.base]
        make = getattr(getattr(keras.applications, module), name)
        body = make(
            include_top=False, weights=None, input_shape=(self.size, self.size, 3), pooling="avg"
        )
        features = keras.layers.Dropout(self.dropout, seed=self.seed)(body.output)
        start = keras.initializers.GlorotUniform(seed=self.seed)
        scores = keras.layers.Dense(classes, kernel_initializer=start, dtype="float32")(features)
        return keras.Model(body.input, scores)

    def _start(self, network: Any, names: list[str]) -> None:
        """Give the layers before the last one the weights to begin with."""
        if self.init is not None:
            old = load_starting_model(self.init, ("cnn",)).estimator.keras_network()
            for layer, other in zip(network.layers[:-1], old.layers[:-1]):
                layer.set_weights(other.get_weights())
        elif self.weights != RANDOM:
            body = self._loaded_base()
            for layer, other in zip(network.layers, body.layers):
                layer.set_weights(other.get_weights())

    def _loaded_base(self) -> Any:
        """The base with the weights of the file, or of the network. UserError when it fails."""
        module, name = BASES[self.base]
        make = getattr(getattr(import_keras().applications, module), name)
        source = "imagenet" if self.download else str(self.weights)
        try:
            return make(
                include_top=False, weights=source, input_shape=(self.size, self.size, 3),
                pooling="avg",
            )  # fmt: skip
        except Exception as error:  # h5py, Keras and urllib have many words for it
            reason = " ".join(str(error).split())[:200]
            what = (
                f"the weights of {self.base} could not be fetched"
                if self.download
                else f"{source} does not hold weights of {self.base} without its top"
            )
            raise UserError(f"{what} ({reason})") from None

    def _learn(self, network: Any, learnt: Examples, checked: Examples) -> None:
        """The last layer first, then all; the curves of both, one after the other."""
        for layer in network.layers[:-1]:
            layer.trainable = False
        plan = self._plan(self.frozen_epochs, self.learning_rate)
        first = train_network(network, self.as_input, learnt, checked, plan)
        for layer in network.layers:
            layer.trainable = type(layer).__name__ != "BatchNormalization"
        plan = self._plan(self.epochs, FINE_TUNING * self.learning_rate)
        second = train_network(network, self.as_input, learnt, checked, plan)
        self._note({name: first[name] + second[name] for name in first})
