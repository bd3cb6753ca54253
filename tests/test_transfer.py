"""Large networks with a new last layer: with random weights on tiny faces, and what is refused."""

import numpy as np
import pytest
from keras_or_skip import keras_or_skip
from small_faces import MOODS, mood_faces

from cvbaseline.classifiers import transfer
from cvbaseline.classifiers.cnn import Cnn
from cvbaseline.classifiers.transfer import Transfer
from cvbaseline.cli import main
from cvbaseline.errors import UserError
from cvbaseline.export import as_onnx
from cvbaseline.faces import CropOptions
from cvbaseline.images import write_picture
from cvbaseline.model_file import FaceModel, load_model, save_model

SHORT = {"frozen_epochs": 1, "epochs": 1, "batch_size": 4, "size": 32}


def faces(count=4, side=32):
    drawn, labels = mood_faces(count, side)
    return drawn.reshape(len(drawn), -1), labels


def small_base(include_top, weights, input_shape, pooling):
    """A base with the layers of the large ones, but few: weights from a file, or random."""
    assert not include_top and pooling == "avg" and weights != "imagenet"
    keras = keras_or_skip()
    layers = keras.layers
    inputs = keras.Input(input_shape)
    wide = layers.ZeroPadding2D(1)(inputs)
    first = layers.Conv2D(8, 3, 2, activation="relu")(wide)
    dense = layers.BatchNormalization()(layers.Concatenate()([first, layers.ReLU()(first)]))
    second = layers.Conv2D(12, 3, padding="same")(layers.MaxPooling2D(2)(dense))
    network = keras.Model(inputs, layers.GlobalAveragePooling2D()(second))
    if weights is not None:
        network.load_weights(weights)
    return network


@pytest.fixture
def narrow(monkeypatch):
    """The small base in place of the large ones."""
    keras = keras_or_skip()
    monkeypatch.setattr(keras.applications.densenet, "DenseNet121", small_base)
    monkeypatch.setattr(keras.applications.vgg19, "VGG19", small_base)


def test_grey_faces_become_what_the_base_was_shown():
    keras_or_skip()
    shown = mood_faces(1, 32)[0]
    vgg = Transfer("vgg19").as_input(shown)
    means = np.array([103.939, 116.779, 123.68])  # blue, green, red: Simonyan & Zisserman
    assert np.allclose(vgg, shown[..., None] - means, atol=1e-3)
    dense = Transfer("densenet121").as_input(shown)
    mean, spread = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    assert np.allclose(dense, (shown[..., None] / 255 - mean) / spread, atol=1e-4)


@pytest.mark.parametrize(("base", "weights"), [("vgg19", 20_024_384), ("densenet121", 7_037_504)])
def test_the_bases_are_those_of_keras(base, weights):
    keras_or_skip()
    model = Transfer(base, "random", size=32)
    model.classes_ = np.arange(3)
    network = model._new_network()
    features = network.layers[-1].kernel.shape[0]
    assert network.count_params() == weights + 3 * features + 3


@pytest.mark.parametrize("base", ["vgg19", "densenet121"])
def test_it_learns_is_saved_and_exported(narrow, tmp_path, base):
    rows, labels = faces()
    model = Transfer(base, "random", **SHORT).fit(rows, labels)
    assert {len(values) for values in model.history_.values()} == {2}
    expected = model.predict_proba(rows)
    assert np.allclose(expected.sum(axis=1), 1)
    saved = FaceModel(model, MOODS, CropOptions(size=32))
    save_model(tmp_path / "m.npz", saved)
    loaded = load_model(tmp_path / "m.npz")
    shown = rows.reshape(-1, 32, 32)
    assert np.allclose(loaded.predict_proba(shown), expected, atol=1e-5)
    pytest.importorskip("onnx")
    assert np.allclose(as_onnx(loaded, "m").predict_proba(shown), expected, atol=1e-4)


def test_first_the_last_layer_learns_then_all_but_the_normalisations(narrow, monkeypatch):
    phases = []

    def train(network, as_input, learnt, checked, plan):
        phases.append((plan.epochs, plan.learning_rate, {
            type(layer).__name__ for layer in network.layers
            if layer.trainable and layer.weights
        }))  # fmt: skip
        return {name: [0.5] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}

    monkeypatch.setattr(transfer, "train_network", train)
    rows, labels = faces()
    settings = {**SHORT, "frozen_epochs": 2, "epochs": 3, "learning_rate": 0.01}
    Transfer(weights="random", **settings).fit(rows, labels)
    assert phases[0] == (2, 0.01, {"Dense"})
    assert phases[1] == (3, pytest.approx(0.001), {"Dense", "Conv2D"})


def test_weights_come_from_a_file(narrow, tmp_path, monkeypatch):
    base = small_base(False, None, (32, 32, 3), "avg")
    path = tmp_path / "base.weights.h5"
    base.save_weights(path)
    started = []
    monkeypatch.setattr(
        transfer, "train_network", lambda network, *rest: started.append(network) or {}
    )
    rows, labels = faces()
    Transfer(weights=str(path), **SHORT).fit(rows, labels)
    for layer, other in zip(started[0].layers, base.layers):
        for own, loaded in zip(layer.get_weights(), other.get_weights()):
            assert np.array_equal(own, loaded)
    path.write_bytes(b"no weights")
    with pytest.raises(UserError, match="does not hold weights of densenet121"):
        Transfer(weights=str(path), **SHORT).fit(rows, labels)


def test_it_begins_with_a_small_network_of_our_own(tmp_path):
    keras_or_skip()
    rows, labels = faces(6, side=16)
    own = Cnn(size=16, widths=(8, 8), epochs=1).fit(rows[labels < 2], labels[labels < 2])
    path = tmp_path / "cnn.npz"
    save_model(path, FaceModel(own, MOODS[:2], CropOptions(size=16)))
    settings = {**SHORT, "size": 16, "init": str(path)}
    model = Transfer(**settings).fit(rows, labels)
    assert model.widths_.tolist() == [8, 8] and model.keras_network().input_shape[-1] == 1
    still = Transfer(**{**settings, "learning_rate": 1e-12}).fit(rows, labels)
    assert np.allclose(still.weights_[: -8 * 3 - 3], own.weights_[: -8 * 2 - 2], atol=1e-5)
    save_model(tmp_path / "t.npz", FaceModel(model, MOODS, CropOptions(size=16)))
    path.unlink()  # the saved model needs it no more
    loaded = load_model(tmp_path / "t.npz").estimator
    assert np.allclose(loaded.predict_proba(rows), model.predict_proba(rows), atol=1e-6)
    with pytest.raises(UserError, match="is no file"):
        Transfer(**settings).fit(rows, labels)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "fetches nothing unasked: name their file with weights=FILE, or allow it with --down"),
        (["--set", "weights=none.h5"], "none.h5 is no file with weights of densenet121"),
        (["--download", "--set", "weights=random"], "weights or download, not with all of them"),
        (["--set", "weights=random", "base=resnet"], "base must be vgg19 or densenet121"),
    ],
)
def test_where_to_begin_must_be_said(tmp_path, capsys, words, message):
    keras_or_skip()
    for number, (face, label) in enumerate(zip(*mood_faces(2, 32))):
        (tmp_path / "data" / MOODS[label]).mkdir(parents=True, exist_ok=True)
        write_picture(tmp_path / "data" / MOODS[label] / f"{number}.png", face)
    out = tmp_path / "m.npz"
    start = ["train", str(tmp_path / "data"), "--classifier", "transfer", "--folds", "0"]
    assert main([*start, "--out", str(out), *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not out.exists()


def test_download_is_for_transfer_alone(tmp_path, capsys):
    assert main(["train", str(tmp_path), "--download"]) == 2
    assert "--download is for --classifier transfer" in capsys.readouterr().err


def test_nothing_is_fetched_unasked(narrow, monkeypatch):
    keras = keras_or_skip()
    asked = []

    def make(include_top, weights, input_shape, pooling):
        asked.append(weights)
        raise OSError("no network here")

    rows, labels = faces()
    for settings in ({}, {"weights": "none.h5"}):
        with pytest.raises(UserError):
            Transfer(**settings, **SHORT).fit(rows, labels)
    def first_builds(**settings):
        return small_base(**settings) if settings["weights"] is None else make(**settings)

    monkeypatch.setattr(keras.applications.densenet, "DenseNet121", first_builds)
    with pytest.raises(UserError, match=r"could not be fetched \(no network here\)"):
        Transfer(download=True, **SHORT).fit(rows, labels)
    assert asked == ["imagenet"]
