"""Networks exported to ONNX: the numbers are those of Keras, in OpenCV and in onnx's own runtime."""

import json

import cv2
import numpy as np
import pytest
from keras_or_skip import keras_or_skip
from small_faces import MOODS, mood_faces

from cvbaseline.classifiers.cnn import Cnn
from cvbaseline.classifiers.keras_network import build_network
from cvbaseline.classifiers.onnx_bytes import read_network
from cvbaseline.classifiers.onnx_export import onnx_features
from cvbaseline.classifiers.onnx_layers import output_shape
from cvbaseline.classifiers.onnx_network import OnnxNetwork
from cvbaseline.classifiers.subspace import Eigenfaces
from cvbaseline.cli import main
from cvbaseline.export import whole_network
from cvbaseline.faces import CropOptions
from cvbaseline.model_file import FaceModel, load_model, save_model

onnx = pytest.importorskip("onnx")
SIZE = 21
SMALL = {"size": 24, "widths": (8, 12), "epochs": 2, "learning_rate": 0.01}


def run_by_onnx(data, inputs):
    """The output by onnx's reference implementation, in numpy."""
    from onnx.reference import ReferenceEvaluator

    model = onnx.load_from_string(data)
    return ReferenceEvaluator(model).run(None, {model.graph.input[0].name: inputs})[0]


def run_by_opencv(data, inputs):
    network = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    network.setInput(inputs)
    return network.forward().reshape(len(inputs), -1)


def shaken(network, seed=0):
    """The network with weights in the place of its first ones and zeros."""
    rng = np.random.default_rng(seed)
    for variable in network.weights:
        if variable.path.endswith("variance"):
            variable.assign(rng.uniform(0.5, 2, variable.shape))
        elif not variable.path.endswith("kernel"):
            variable.assign(rng.normal(0.5, 0.3, variable.shape))
    return network


def check_export(network, size, channels):
    """Scores from the exported features are those of Keras."""
    faces = np.random.default_rng(1).normal(size=(3, size, size, channels)).astype(np.float32)
    data, last = onnx_features(network, size)
    assert output_shape(read_network(data)) == last.weights.shape[:1]
    first = np.ascontiguousarray(faces.transpose(0, 3, 1, 2))
    expected = network.predict(faces, verbose=0)
    for run in (run_by_opencv, run_by_onnx):
        scores = run(data, first) @ last.weights + last.bias
        assert np.allclose(scores, expected, rtol=1e-4, atol=1e-4), run.__name__


def squeezed(layers, picture):
    """A gate for each channel (squeeze and excitation)."""
    gate = layers.GlobalAveragePooling2D()(picture)
    gate = layers.Reshape((1, 1, picture.shape[-1]))(gate)
    gate = layers.Dense(3, activation="relu")(gate)
    return layers.Multiply()([picture, layers.Dense(picture.shape[-1], activation="sigmoid")(gate)])


def separable(layers, picture):
    deep = layers.DepthwiseConv2D(3, 2, "same", depth_multiplier=2)(picture)
    deep = layers.BatchNormalization(scale=False)(deep)
    return layers.Activation("silu")(deep)


def joined(layers, picture):
    first = layers.Conv2D(3, (1, 3), padding="same", activation="relu6")(picture)
    first = layers.BatchNormalization(center=False)(first)  # cannot be folded: relu6 is between
    second = layers.Conv2D(3, 5, padding="same")(picture)  # used twice: cannot be folded
    third = layers.BatchNormalization()(second)
    return layers.Concatenate()([first, second, layers.Add()([third, first, second])])


def padded(layers, picture):
    wide = layers.ZeroPadding2D(((1, 2), (3, 0)))(picture)
    return layers.Conv2D(4, 5, 3, activation="tanh")(wide)


def pooled(layers, picture):
    small = layers.MaxPooling2D(3, 2, "same")(picture)
    mean = layers.AveragePooling2D(3, 2, "same")(picture)
    return layers.ReLU(max_value=1.5)(layers.Add()([small, mean]))


def leaky(layers, picture):
    left = layers.LeakyReLU(negative_slope=0.2)(picture)
    return layers.Activation("elu")(layers.Add()([left, layers.SpatialDropout2D(0.2)(picture)]))


def flat(layers, picture):
    return layers.Dense(5, activation="tanh")(layers.Flatten()(picture))


def strongest(layers, picture):
    return layers.Dropout(0.3)(layers.GlobalMaxPooling2D()(picture))


@pytest.mark.parametrize(
    "part", [squeezed, separable, joined, padded, pooled, leaky, flat, strongest]
)
def test_layers_compute_the_same(part):
    keras = keras_or_skip()
    inputs = keras.Input((SIZE, SIZE, 4))
    made = part(keras.layers, inputs)
    if len(made.shape) == 4:
        made = keras.layers.GlobalAveragePooling2D()(made)
    network = keras.Model(inputs, keras.layers.Dense(3)(made))
    check_export(shaken(network), SIZE, 4)


@pytest.mark.parametrize("kind", [{}, {"pooled": False}, {"pooled": False, "halved": True}], ids=str)
@pytest.mark.parametrize("size", [21, 24])
def test_our_own_networks_compute_the_same(size, kind):
    keras_or_skip()
    check_export(shaken(build_network(size, (8, 9, 12), 3, 0.3, 0, **kind)), size, 1)


def test_what_cannot_be_exported_is_named():
    keras = keras_or_skip()
    layers = keras.layers
    inputs = keras.Input((SIZE, SIZE, 1))

    def export(made):
        flat = layers.GlobalAveragePooling2D()(made)
        return onnx_features(keras.Model(inputs, layers.Dense(2)(flat)), SIZE)

    with pytest.raises(ValueError, match="a layer UpSampling2D cannot be exported; known are"):
        export(layers.UpSampling2D()(inputs))
    with pytest.raises(ValueError, match="the activation softplus"):
        export(layers.Activation("softplus")(inputs))
    with pytest.raises(ValueError, match="dilated"):
        export(layers.Conv2D(2, 3, dilation_rate=2)(inputs))
    with pytest.raises(ValueError, match="backends differ"):
        export(layers.AveragePooling2D(2, 2, "same")(inputs))
    twice = layers.Conv2D(1, 3)
    with pytest.raises(ValueError, match="used several times"):
        export(twice(twice(inputs)))
    with pytest.raises(ValueError, match="does not end with a linear layer"):
        onnx_features(keras.Model(inputs, layers.GlobalAveragePooling2D()(inputs)), SIZE)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small network's file, faces, and what it says of them; with mirror images and without."""
    keras_or_skip()
    folder = tmp_path_factory.mktemp("export")
    faces, labels = mood_faces(20, 24)
    crop = CropOptions(size=24, margin=0.3)
    answers = {}
    for mirror in (True, False):
        model = Cnn(**SMALL, mirror=mirror).fit(faces.reshape(60, -1), labels)
        save_model(folder / f"{mirror}.npz", FaceModel(model, MOODS, crop, {"unsure_below": 0.3}))
        answers[mirror] = model.predict_proba(faces.reshape(60, -1))
    return folder, faces, answers


@pytest.mark.parametrize("mirror", [True, False])
def test_an_exported_model_answers_the_same_without_keras(trained, tmp_path, capsys, mirror):
    folder, faces, answers = trained
    out = tmp_path / "out.npz"
    assert main(["export", str(folder / f"{mirror}.npz"), str(out)]) == 0
    assert "faces of 24 x 24 pixels, 3 classes" in capsys.readouterr().out
    model = load_model(out)
    assert isinstance(model.estimator, OnnxNetwork)
    assert np.allclose(model.predict_proba(faces), answers[mirror], atol=1e-4)
    original = load_model(folder / f"{mirror}.npz")
    assert (model.classes, model.crop, model.provenance) == (
        original.classes, original.crop, original.provenance
    )  # fmt: skip


@pytest.mark.parametrize("mirror", [True, False])
def test_plain_onnx_takes_pixels_and_gives_probabilities(trained, tmp_path, mirror):
    folder, faces, answers = trained
    out = tmp_path / "out.onnx"
    words = ["export", str(folder / f"{mirror}.npz"), str(out)]
    assert main(words) == 0 and main(words) == 0  # its own file may be written again
    pixels = faces[:, None].astype(np.float32)
    for run in (run_by_onnx, run_by_opencv):
        assert np.allclose(run(out.read_bytes(), pixels), answers[mirror], atol=1e-4)
    properties = {one.key: one.value for one in onnx.load(out).metadata_props}
    assert json.loads(properties["classes"]) == list(MOODS)


def test_what_is_in_the_way_or_no_network_is_one_line(trained, tmp_path, capsys):
    folder, faces, _ = trained
    model = str(folder / "True.npz")
    theirs = tmp_path / "theirs.onnx"
    theirs.write_bytes(b"somebody's")
    other = Eigenfaces(3).fit(faces.reshape(60, -1), np.arange(60) % 3)
    save_model(tmp_path / "e.npz", FaceModel(other, MOODS, CropOptions(size=24)))
    for words, message in (
        ([model, str(theirs)], "was not exported by cvbaseline"),
        ([model, model], "True.npz is the model to export"),
        ([model, str(tmp_path / "e.npz")], "is a model of the kind eigenfaces"),
        ([model, str(tmp_path / "m.tflite")], "must end in .npz or .onnx"),
        ([str(tmp_path / "e.npz"), str(tmp_path / "m.npz")], "eigenfaces, which has no network"),
    ):
        assert main(["export", *words]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
    assert theirs.read_bytes() == b"somebody's" and not (tmp_path / "m.npz").exists()


@pytest.mark.parametrize(("margin", "sure_at"), [(0.08, 1), (0.08, 0.6), (0, 0.6)])
def test_plain_onnx_looks_twice_as_the_model_does(trained, tmp_path, margin, sure_at):
    folder, faces, _ = trained
    faces = faces.copy()
    faces[:, :, : faces.shape[2] // 2] //= 3  # what a mirror changes
    assert main(["export", str(folder / "True.npz"), str(tmp_path / "m.npz")]) == 0
    model = load_model(tmp_path / "m.npz")
    once = model.predict_proba(faces).max(axis=1)
    model.estimator.mirror_margin_ = margin
    model.estimator.sure_at_ = 1.0 if sure_at == 1 else float(np.quantile(once, sure_at))
    expected = model.predict_proba(faces)
    for run in (run_by_onnx, run_by_opencv):
        whole = run(whole_network(model), faces[:, None].astype(np.float32))
        # The second view is not rounded to whole greys there.
        assert np.allclose(whole, expected, atol=0.005)
    assert not np.allclose(expected, load_model(tmp_path / "m.npz").predict_proba(faces), atol=0.02)
