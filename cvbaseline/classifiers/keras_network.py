"""A small residual network in Keras, on whichever backend is installed.

Residual blocks after He et al., Deep residual learning for image recognition, CVPR 2016. Keras is
imported when a network is built, never before: the extra `cnn` installs it.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Optional

import numpy as np

from cvbaseline.classifiers.network_layers import quickest_layers
from cvbaseline.errors import MissingLibrary

# KERAS_BACKEND's values and the modules behind them, the fastest in training first.
BACKENDS = {"torch": "torch", "jax": "jax", "tensorflow": "tensorflow"}
MEND = "pip install 'cvbaseline[cnn]'"


def keras_backend() -> str:
    """The backend that Keras is to use: KERAS_BACKEND if set, else the first that is installed.

    Loads nothing. MissingLibrary when Keras or its backend is not installed.
    """
    if find_spec("keras") is None:
        raise MissingLibrary(f"the classifier cnn needs Keras, which is not installed: {MEND}")
    wanted = os.environ.get("KERAS_BACKEND")
    if wanted:
        if find_spec(BACKENDS.get(wanted, wanted)) is None:
            raise MissingLibrary(
                f"KERAS_BACKEND is {wanted}, which is not installed: set it to one of "
                f"{', '.join(BACKENDS)} that is, or unset it"
            )
        return wanted
    for name, module in BACKENDS.items():
        if find_spec(module) is not None:
            return name
    raise MissingLibrary(f"Keras needs PyTorch, JAX or TensorFlow; none is installed: {MEND}")


def import_keras() -> Any:
    """The module keras, on the backend that `keras_backend` names unless it is loaded already."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = keras_backend()
    import keras

    if int(keras.__version__.split(".")[0]) < 3:
        raise MissingLibrary(
            f"the classifier cnn needs Keras 3, not {keras.__version__}: pip install -U keras"
        )
    return keras


def multiplies_bfloat16() -> bool:
    """Whether this processor multiplies matrices of bfloat16 by itself (Intel's AMX)."""
    try:
        return "amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):  # no Linux
        return False


@contextmanager
def learning_precision() -> Iterator[None]:
    """Networks that are built within the block learn with the numbers that are quickest here.

    That is bfloat16 between the layers, with weights and their changes in float32 (Micikevicius et
    al., Mixed precision training, ICLR 2018), where the processor has instructions for it and
    PyTorch uses them: a third of the time is saved; elsewhere float32. JAX is no quicker with it.
    """
    keras = import_keras()
    if keras.backend.backend() != "torch" or not multiplies_bfloat16():
        yield
        return
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def build_network(
    size: Optional[int],
    widths: Sequence[int],
    classes: int,
    dropout: float,
    seed: int,
    pooled: bool = True,
    halved: bool = False,
) -> Any:
    """A network from faces, float32 (n, size, size, 1), to scores, float32 (n, classes).

    Two convolutions with widths[0] channels; for each further width the largest of every 2 x 2
    pixels, then a residual block; the mean over the picture; a linear layer. Scores are logits.
    Without a size it takes faces of any size.

    pooled : if not, there is one convolution at first, and the blocks halve the picture by strides:
        quicker, and learns less of photographs
    halved : every 2 x 2 pixels become one of four channels before the first convolution: faces of
        twice the size cost no more. The shipped emotion model is halved, and not pooled.
    """
    keras = import_keras()
    layers, quickest = keras.layers, quickest_layers(keras)
    seeds = iter(np.random.SeedSequence(seed).generate_state(3 * len(widths) + 3).tolist())

    def convolution(inputs: Any, width: int, side: int, strides: int = 1) -> Any:
        start = keras.initializers.HeNormal(seed=next(seeds) % 2**31)
        outputs = quickest.convolution(
            width, side, strides, "same", use_bias=False, kernel_initializer=start
        )(inputs)
        # Few faces make few steps: averages over the last hundred would lag behind.
        return quickest.normalisation(momentum=0.9)(outputs)

    inputs = keras.Input((size, size, 1))
    face = inputs
    if halved:
        apart = keras.initializers.Constant(np.eye(4).reshape(2, 2, 1, 4))
        face = layers.Conv2D(
            4, 2, 2, use_bias=False, kernel_initializer=apart, trainable=False
        )(face)  # fmt: skip
    face = layers.ReLU()(convolution(face, widths[0], 3))
    if pooled:
        face = layers.ReLU()(convolution(face, widths[0], 3))
    for width in widths[1:]:
        if pooled:
            face = quickest.pooling(padding="same")(face)
        strides = 1 if pooled else 2
        change = layers.ReLU()(convolution(face, width, 3, strides))
        change = convolution(change, width, 3)
        face = layers.ReLU()(layers.Add()([change, convolution(face, width, 1, strides)]))
    features = layers.GlobalAveragePooling2D()(face)
    features = layers.Dropout(dropout, seed=next(seeds) % 2**31)(features)
    start = keras.initializers.GlorotUniform(seed=next(seeds) % 2**31)
    # Scores of bfloat16 would be too coarse for the loss.
    scores = layers.Dense(classes, kernel_initializer=start, dtype="float32")(features)
    return keras.Model(inputs, scores)


def weight_count(widths: Sequence[int], classes: int) -> int:
    """How many numbers `network_weights` holds, without building the network.

    Each channel of a convolution has 4 numbers for its normalisation: scale, shift, mean, variance.
    """
    total = (9 + 4 + 9 * widths[0] + 4) * widths[0]
    for before, width in zip(widths, widths[1:]):
        total += (9 * before + 9 * width + before + 3 * 4) * width
    return total + (widths[-1] + 1) * classes


def network_weights(network: Any) -> np.ndarray:
    """All that a network has learnt, one layer after another, float32 (w,)."""
    return np.concatenate([np.ravel(part) for part in network.get_weights()]).astype(np.float32)


def set_network_weights(network: Any, weights: np.ndarray) -> None:
    """Give a network of the same shape what `network_weights` returned, on any backend."""
    shapes = [part.shape for part in network.get_weights()]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(np.asarray(weights, np.float32), ends[:-1])
    network.set_weights([part.reshape(shape) for part, shape in zip(parts, shapes)])
