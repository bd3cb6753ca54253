"""The layers that take the place of Keras's: the same answers, the same learning."""

import numpy as np
import pytest
from keras_or_skip import keras_or_skip

from cvbaseline.classifiers.network_layers import LayerTypes, quickest_layers

FACES = np.random.default_rng(0).normal(size=(6, 9, 7, 2)).astype(np.float32)
TARGETS = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)


def small_network(layers, kinds, side=3, strides=1, inputs=2):
    """Two convolutions with a pooling between, as `build_network` has them."""
    pictures = layers.Input((None, None, inputs))
    values = kinds.convolution(4, side, strides, "same", use_bias=False)(pictures)
    values = layers.ReLU()(kinds.pooling(padding="same")(values))
    values = kinds.convolution(3, side, 1, "same", use_bias=False)(values)
    return layers.GlobalAveragePooling2D()(kinds.pooling(padding="same")(values)), pictures


@pytest.mark.parametrize("side, strides, faces, channels", [
    (3, 1, 6, 2), (1, 1, 6, 2), (5, 1, 5, 2), (3, 2, 6, 2), (3, 1, 1, 2), (3, 1, 6, 1),
])  # fmt: skip
def test_they_answer_and_learn_as_keras_s_own(side, strides, faces, channels, monkeypatch):
    keras = keras_or_skip()
    learnt = []
    usual = LayerTypes(
        keras.layers.Conv2D, keras.layers.BatchNormalization, keras.layers.MaxPooling2D
    )
    if keras.backend.backend() == "jax":
        from cvbaseline.classifiers import jax_operations

        # Room for two pictures: six of them come in three parts, five one by one.
        monkeypatch.setattr(jax_operations, "BYTES_AT_ONCE", 2 * 4 * 9 * 7 * side**2 * channels)
    for kinds in (usual, quickest_layers(keras)):
        outputs, inputs = small_network(keras.layers, kinds, side, strides, channels)
        network = keras.Model(inputs, outputs)
        generator = np.random.default_rng(2)
        start = [generator.normal(size=one.shape) for one in network.get_weights()]
        network.set_weights(start)
        network.compile(keras.optimizers.SGD(1.0), "mse")
        shown = FACES[:faces, :, :, :channels]
        before = network.predict(shown, verbose=0)
        network.train_on_batch(shown, TARGETS[:faces])
        learnt.append([before, *network.get_weights()])
        names = [type(layer).__name__ for layer in network.layers]
        assert names.count("Conv2D") == names.count("MaxPooling2D") == 2
    for ours, theirs in zip(*learnt, strict=True):
        assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert not any(np.allclose(*pair) for pair in zip(start, network.get_weights()))


def test_normalised_by_the_batch_and_remembered():
    keras = keras_or_skip()
    faces = np.random.default_rng(0).normal(3, 2, (8, 6, 5, 4)).astype(np.float32)
    layer = quickest_layers(keras).normalisation(momentum=0.75)
    shown = keras.ops.convert_to_numpy(layer(faces, training=True))
    mean, variance = faces.mean(axis=(0, 1, 2)), faces.var(axis=(0, 1, 2))
    assert np.allclose(shown, (faces - mean) / np.sqrt(variance + layer.epsilon), atol=1e-4)
    kept_mean, kept_variance = (
        keras.ops.convert_to_numpy(kept) for kept in (layer.moving_mean, layer.moving_variance)
    )
    assert np.allclose(kept_mean, mean / 4, atol=1e-5)
    # It starts at 1. PyTorch keeps the unbiased variance.
    ours, torch = 0.75 + variance / 4, 0.75 + variance * 240 / 239 / 4
    assert np.allclose(kept_variance, ours, rtol=1e-5) or np.allclose(
        kept_variance, torch, rtol=1e-5
    )
    later = keras.ops.convert_to_numpy(layer(faces, training=False))
    wanted = (faces - kept_mean) / np.sqrt(kept_variance + layer.epsilon)
    assert np.allclose(later, wanted, atol=1e-4)
