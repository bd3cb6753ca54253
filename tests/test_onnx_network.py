"""A network run by OpenCV: its numbers, its file, and its last layer fitted to other faces."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from onnx_bytes_writer import pooling_network, residual_network
from scipy.ndimage import map_coordinates
from scipy.signal import correlate
from scipy.special import softmax
from sklearn.base import clone
from sklearn.metrics import log_loss
from small_faces import MOODS, mood_faces

from cvbaseline.benchmarking.contenders import parse_contender
from cvbaseline.classifiers import fit_classifier
from cvbaseline.classifiers.face_rows import middles
from cvbaseline.classifiers.onnx_network import OnnxNetwork
from cvbaseline.classifiers.subspace import Eigenfaces
from cvbaseline.cli import main
from cvbaseline.errors import FormatError, UserError
from cvbaseline.faces import CropOptions
from cvbaseline.images import write_picture
from cvbaseline.model_file import FaceModel, load_model, save_model

SIDE = 24


def network(data, features, classes=3, seed=0, **parameters):
    """An OnnxNetwork with a random last layer."""
    rng = np.random.default_rng(seed)
    model = OnnxNetwork(**parameters)
    model.classes_, model.scale_ = np.arange(classes), 0.7
    model.network_ = np.frombuffer(data, np.uint8)
    model.coefficients_ = rng.normal(0, 1, (features, classes))
    model.bias_ = rng.normal(0, 1, classes)
    return model


def residual_features(faces, tensors):
    """What the residual network of the tests makes of faces, by scipy."""
    rows = []
    for face in (faces.astype(np.float64) - 128) / 64:
        padded = np.pad(face, 1)[None]
        first = np.maximum(
            [correlate(padded, w, "valid")[0] + b for w, b in zip(tensors["w1"], tensors["b1"])], 0
        )
        padded = np.pad(first, ((0, 0), (0, 1), (0, 1)))
        second = np.stack(
            [correlate(padded, w, "valid")[0, ::2, ::2] + b
             for w, b in zip(tensors["w2"], tensors["b2"])]
        )  # fmt: skip
        skipped = np.einsum("oc,cij->oij", tensors["w3"][:, :, 0, 0], first[:, ::2, ::2])
        rows.append(np.maximum(second + skipped, 0).mean(axis=(1, 2)))
    return np.array(rows)


def test_middles_are_enlarged_as_scipy_does():
    faces = mood_faces(4, SIDE)[0]
    places = (SIDE - 1) / 2 + 0.9 * (np.arange(SIDE) - (SIDE - 1) / 2)
    grid = np.meshgrid(places, places, indexing="ij")
    expected = [map_coordinates(face.astype(float), grid, order=1) for face in faces]
    # OpenCV rounds places to 1 / 32 of a pixel.
    steepest = max(np.abs(np.diff(faces.astype(int), axis=axis)).max() for axis in (1, 2))
    assert np.abs(middles(faces, 0.05) - np.array(expected)).max() <= 1 + steepest / 16
    assert np.array_equal(middles(faces, 0), faces) and len(middles(faces[:0], 0.1)) == 0


@pytest.mark.parametrize(("mirror", "margin"), [(True, None), (True, 0.08), (False, 0.08)])
def test_it_computes_what_the_network_says(mirror, margin):
    data, tensors = residual_network(SIDE)
    faces = mood_faces(12, SIDE)[0]  # 36: more than one batch
    model = network(data, 6, mirror=mirror)
    if margin is not None:
        model.mirror_margin_ = margin
    features = residual_features(faces, tensors)
    if mirror:
        mirrored = middles(faces, margin or 0)[:, :, ::-1]
        features = (features + residual_features(mirrored, tensors)) / 2
    expected = softmax(0.7 * (features @ model.coefficients_ + model.bias_), axis=1)
    assert np.allclose(model.predict_proba(faces.reshape(36, -1)), expected, atol=1e-5)


@pytest.mark.parametrize("asked_once", [10, 30])
def test_sure_faces_are_asked_once(asked_once):
    data, tensors = residual_network(SIDE)
    faces = mood_faces(12, SIDE)[0]
    model = network(data, 6)

    def probabilities(features):
        return softmax(0.7 * (features @ model.coefficients_ + model.bias_), axis=1)

    first = residual_features(faces, tensors)
    second = residual_features(middles(faces, 0.08)[:, :, ::-1], tensors)
    once, twice = probabilities(first), probabilities((first + second) / 2)
    order = once.max(axis=1).argsort()
    once[order[:-asked_once]] = twice[order[:-asked_once]]
    limits = probabilities(first).max(axis=1)[order[-asked_once - 1 :][:2]]
    model.sure_at_, model.mirror_margin_ = limits.mean(), 0.08
    assert np.allclose(model.predict_proba(faces.reshape(36, -1)), once, atol=1e-5)
    assert not np.allclose(once, twice, atol=1e-4)


def test_copies_threads_and_files_answer_the_same(tmp_path):
    model = network(residual_network(SIDE)[0], 6)
    model.mirror_margin_ = 0.06
    rows = mood_faces(12, SIDE)[0].reshape(36, -1)
    expected = model.predict_proba(rows)
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(copy.predict_proba(rows), expected)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: model.predict_proba(rows), range(12)))
    assert all(np.array_equal(answer, expected) for answer in answers)
    save_model(tmp_path / "m.npz", FaceModel(model, MOODS, CropOptions(size=SIDE)))
    loaded = load_model(tmp_path / "m.npz")
    assert np.array_equal(loaded.predict_proba(rows.reshape(36, SIDE, SIDE)), expected)
    larger = np.repeat(np.repeat(rows.reshape(36, SIDE, SIDE), 2, axis=1), 2, axis=2)
    assert np.allclose(model.predict_proba(larger.reshape(36, -1)), expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network_": np.frombuffer(residual_network(SIDE)[0][:-40], np.uint8)}, "cut off|no"),
        ({"network_": np.zeros(100, np.uint8)}, "unexpected field"),
        ({"network_": np.zeros(3)}, "must be uint8"),
        ({"network_": np.frombuffer(residual_network(1000)[0], np.uint8)}, "expected one square"),
        ({"mirror_margin_": 0.5}, "must be 0 to .5"),
        ({"sure_at_": 0.0}, "must be above 0"),
        ({"coefficients_": np.zeros((5, 3))}, "do not make a classifier"),
        ({"bias_": np.zeros(2)}, "do not make scores of 3 classes"),
    ],
)
def test_a_model_that_contradicts_itself_is_refused(tmp_path, changes, message):
    model = network(residual_network(SIDE)[0], 6)
    vars(model).update(changes)
    save_model(tmp_path / "m.npz", FaceModel(model, MOODS, CropOptions(size=SIDE)))
    with pytest.raises(FormatError, match=message):
        load_model(tmp_path / "m.npz")


def someones(count, seed):
    """Faces as one collection shows them: dark, too low, with a ghost beside; rows, labels."""
    faces, labels = mood_faces(count, SIDE, seed)
    faces = np.roll(faces, 2, axis=1) // 2 + np.roll(faces, 2, axis=2) // 4
    return faces.reshape(len(faces), -1), labels


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A model of glad, gloomy and amazed upright faces, from means of 3 x 3 pixels."""
    path = tmp_path_factory.mktemp("start") / "start.npz"
    blank = network(pooling_network(SIDE, 3), 64)
    blank.coefficients_[:] = blank.bias_[:] = 0
    crop = CropOptions(size=SIDE, margin=0.2, equalise="histogram")
    save_model(path, FaceModel(blank, MOODS, crop))
    faces, labels = mood_faces(100, SIDE, seed=5)
    model = OnnxNetwork(str(path), strength=0.1).fit(faces.reshape(300, -1), labels, None, MOODS)
    save_model(path, FaceModel(model, MOODS, crop))
    return str(path)


def test_it_learns_from_a_network_that_knows_nothing(start):
    faces, labels = mood_faces(30, SIDE, seed=6)
    model = load_model(start)
    shares = model.predict_proba(faces)
    assert (shares.argmax(axis=1) == labels).mean() > 0.9
    assert log_loss(labels, shares) < 0.4


def test_thirty_faces_help_and_a_few_do_not_hurt(start):
    rows, labels = someones(100, seed=9)
    before = load_model(start).estimator.predict_proba(rows)
    losses, rights = [log_loss(labels, before)], [(before.argmax(axis=1) == labels).mean()]
    for count in (1, 10, 60):  # of each class
        shares = []
        for seed in range(1, 7):
            shown, truth = someones(count, seed)
            model = fit_classifier(OnnxNetwork(start), shown, truth, None, MOODS)
            shares.append(model.predict_proba(rows))
        losses.append(np.mean([log_loss(labels, share) for share in shares]))
        rights.append(np.mean([share.argmax(axis=1) == labels for share in shares]))
    assert losses[1] < losses[0] + 0.02 and rights[1] > rights[0] - 0.02
    assert losses[2] < losses[0] - 0.05 and rights[2] > rights[0] + 0.08
    assert losses[3] < losses[2] and rights[3] > rights[2]


def test_known_classes_stay_new_ones_join_and_strangers_replace(start):
    rows, labels = someones(10, seed=2)
    kept = OnnxNetwork(start).fit(rows[labels < 2], labels[labels < 2], class_names=MOODS)
    assert kept.classes_.tolist() == [0, 1, 2]
    old = load_model(start).estimator.prior(np.arange(3))
    untouched = OnnxNetwork(start, strength=1e9).fit(rows, labels, class_names=MOODS)
    assert np.allclose(untouched.coefficients_, old.weights, atol=1e-6)
    # Another order of names: each class finds its own weights.
    names = ("amazed", "gloomy", "shy", "unused", "glad")
    model = OnnxNetwork(start, strength=1e9)
    model.fit(rows, np.array([4, 1, 2])[labels], class_names=names)
    assert model.classes_.tolist() == [0, 1, 2, 4]
    expected = np.column_stack([old.weights[:, [2, 1]], np.zeros(64), old.weights[:, 0]])
    assert np.allclose(model.coefficients_, expected, atol=1e-6)
    strangers = OnnxNetwork(start).fit(rows, np.array(["cat", "dog", "owl"])[labels])
    assert strangers.classes_.tolist() == ["cat", "dog", "owl"]
    assert (strangers.predict(rows) == np.array(["cat", "dog", "owl"])[labels]).mean() > 0.5


def test_the_second_view_stays_as_the_start_has_it(tmp_path):
    rows, labels = someones(5, seed=2)
    model = network(residual_network(SIDE)[0], 6)
    for margin in (None, 0.07):
        if margin is not None:
            model.mirror_margin_, model.sure_at_ = margin, 0.9
        save_model(tmp_path / "m.npz", FaceModel(model, MOODS, CropOptions(size=SIDE)))
        fitted = OnnxNetwork(str(tmp_path / "m.npz")).fit(rows, labels, class_names=MOODS)
        assert fitted.mirror_margin_ == (margin or 0)
        assert fitted.sure_at_ == (0.9 if margin else 1)


def test_named_labels_and_numbered_ones_are_the_same(start):
    rows, labels = someones(5, seed=2)
    numbered = OnnxNetwork(start).fit(rows, labels, class_names=MOODS)
    named = OnnxNetwork(start).fit(rows, np.array(MOODS)[labels])
    order = [MOODS.index(name) for name in named.classes_]
    assert np.allclose(named.predict_proba(rows), numbered.predict_proba(rows)[:, order])
    assert clone(named).get_params() == named.get_params()


def test_what_it_cannot_start_from_is_said(start, tmp_path):
    rows, labels = someones(3, seed=2)
    with pytest.raises(ValueError, match="set init to a model file"):
        OnnxNetwork().fit(rows, labels)
    with pytest.raises(ValueError, match="strength must be above 0"):
        OnnxNetwork(start, strength=0).fit(rows, labels)
    with pytest.raises(UserError, match="is no file"):
        OnnxNetwork(str(tmp_path / "none.npz")).fit(rows, labels)
    other = Eigenfaces(3).fit(rows, labels)
    save_model(tmp_path / "e.npz", FaceModel(other, MOODS, CropOptions(size=SIDE)))
    with pytest.raises(UserError, match="of the kind eigenfaces; only onnx can be"):
        OnnxNetwork(str(tmp_path / "e.npz")).fit(rows, labels)


@pytest.fixture
def pictures(tmp_path):
    """Glad and shy faces of one's own: the start knows the first name, and two more."""
    for number, (row, label) in enumerate(zip(*someones(8, seed=4))):
        if label < 2:
            folder = tmp_path / "mine" / ("glad", "shy")[label]
            folder.mkdir(parents=True, exist_ok=True)
            write_picture(folder / f"{number}.png", row.reshape(SIDE, SIDE))
    return tmp_path / "mine"


def test_train_starts_from_a_model(start, pictures, tmp_path, capsys):
    out = tmp_path / "m.npz"
    assert main(["train", str(pictures), "--init", start, "--out", str(out), "--folds", "2"]) == 0
    assert "onnx, 4 classes" in capsys.readouterr().out
    model = load_model(out)
    assert model.classes == ("amazed", "glad", "gloomy", "shy")
    assert model.crop == load_model(start).crop
    assert model.provenance["faces"] == {"glad": 8, "shy": 8}
    assert model.provenance["started_from"] == "start.npz"
    faces = np.stack([row.reshape(SIDE, SIDE) for row in someones(8, seed=4)[0]])
    assert model.predict_proba(faces).shape == (24, 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--classifier", "hog_svm"], "--init is for onnx, cnn"),
        (["--size", "32"], "--size is 24 in the model"),
        (["--set", "strength=-1"], "strength must be above 0"),
        (["--set", "stength=1"], "is no parameter of onnx"),
    ],
)
def test_mistakes_with_init_are_one_line(start, pictures, tmp_path, capsys, words, message):
    out = tmp_path / "m.npz"
    assert main(["train", str(pictures), "--init", start, "--out", str(out), *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not out.exists()


def test_a_benchmark_knows_another_starting_model_by_its_content(start, tmp_path):
    copy = tmp_path / "start.npz"
    copy.write_bytes(Path(start).read_bytes())
    first = parse_contender(f"onnx:init={copy},strength=2")
    model = load_model(copy)
    model.estimator.bias_ = model.estimator.bias_ + [1, 0, 0]
    save_model(copy, model)
    second = parse_contender(f"onnx:init={copy},strength=2")
    assert first.parameters["strength"] == second.parameters["strength"] == 2
    assert first.parameters != second.parameters
    rows, labels = someones(3, seed=2)
    assert fit_classifier(second.make(), rows, labels).classes_.tolist() == [0, 1, 2]
    with pytest.raises(UserError, match="onnx needs a trained network to start from"):
        parse_contender("onnx")
