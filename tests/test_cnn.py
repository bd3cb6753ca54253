"""The small network: what needs no Keras first, then learning, files and backends with it."""

import importlib.util
import itertools
import os
import signal
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from keras_or_skip import keras_or_skip
from sklearn.base import clone
from sklearn.metrics import log_loss
from small_faces import MOODS, mood_faces

from cvbaseline.benchmarking.benchmark import benchmark
from cvbaseline.benchmarking.options import BenchmarkOptions
from cvbaseline.classification.training import training_folder
from cvbaseline.classifiers import cnn, fit_classifier, keras_network, network_training
from cvbaseline.classifiers.checkpoints import checkpoints_in
from cvbaseline.classifiers.cnn import Cnn
from cvbaseline.classifiers.face_augmentation import Augmentation, augment
from cvbaseline.classifiers.keras_network import (
    build_network,
    keras_backend,
    weight_count,
)
from cvbaseline.classifiers.network_training import train_network
from cvbaseline.classifiers.validation_part import validation_rows
from cvbaseline.cli import main
from cvbaseline.errors import FormatError, MissingLibrary, UserError
from cvbaseline.faces import CropOptions
from cvbaseline.images import write_picture
from cvbaseline.model_file import FaceModel, load_model, save_model

SMALL = {"size": 24, "widths": (8, 16, 16), "epochs": 12, "batch_size": 32, "learning_rate": 0.01}


@pytest.mark.usefixtures("ctrl_c")
def test_a_ctrl_c_that_a_library_swallows_ends_the_training(monkeypatch):
    keras_or_skip()
    as_input = Cnn.as_input

    def swallowing(self, faces):
        with suppress(KeyboardInterrupt):
            if not pressed:
                pressed.append(True)
                signal.raise_signal(signal.SIGINT)
        return as_input(self, faces)

    pressed = []
    monkeypatch.setattr(Cnn, "as_input", swallowing)
    with pytest.raises(KeyboardInterrupt):
        Cnn(**{**SMALL, "epochs": 1}).fit(*two_moods(20, 0))
    assert pressed and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def two_moods(count, seed):
    faces, labels = mood_faces(count, side=24, seed=seed)
    kept = labels < 2
    return faces[kept].reshape(kept.sum(), -1), labels[kept]


@pytest.fixture
def installed(monkeypatch):
    """A function that makes only the named modules of Keras and its backends importable."""

    def only(*names):
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        monkeypatch.setattr(
            "cvbaseline.classifiers.keras_network.find_spec",
            lambda name: object() if name in names else None,
        )

    return only


def test_the_backend_is_the_users_or_the_fastest_there_is(installed, monkeypatch):
    installed("keras", "tensorflow", "jax", "torch")
    assert keras_backend() == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert keras_backend() == "tensorflow"
    installed("keras", "tensorflow", "jax")
    assert keras_backend() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(MissingLibrary, match="KERAS_BACKEND is torch, which is not installed"):
        keras_backend()
    installed("keras")
    with pytest.raises(MissingLibrary, match=r"none is installed: pip install 'cvbaseline\[cnn\]'"):
        keras_backend()
    installed("torch")
    with pytest.raises(ImportError, match=r"needs Keras.*'cvbaseline\[cnn\]'"):
        keras_backend()


@pytest.fixture
def pictures(tmp_path):
    faces, labels = mood_faces(6, side=24)
    for number, (face, label) in enumerate(zip(faces, labels)):
        folder = tmp_path / "moods" / MOODS[label]
        folder.mkdir(parents=True, exist_ok=True)
        write_picture(folder / f"{number}.png", face)
    return tmp_path / "moods"


@pytest.mark.parametrize("verb", ["train", "benchmark"])
def test_without_keras_one_line_names_the_extra(installed, pictures, tmp_path, capsys, verb):
    installed("torch", "jax")
    out = tmp_path / "out"
    choice = ["--classifier" if verb == "train" else "--classifiers", "cnn"]
    assert main([verb, str(pictures), *choice, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("cvbaseline: ") and error.count("\n") == 1
    assert "needs Keras" in error and "cvbaseline[cnn]" in error and not out.exists()


def test_keras_is_not_loaded_before_it_is_used():
    code = "import sys, cvbaseline.classifiers.cnn as c; c.Cnn(); print('keras' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_changed_faces_are_seeded_and_each_change_can_be_left_out():
    faces = mood_faces(4, side=24)[0]
    still = Augmentation(0, 0, 0, 0, 0, 0, 0)
    assert np.array_equal(augment(faces, still, np.random.default_rng(0)), faces)
    mirrored = augment(faces, Augmentation(1, 0, 0, 0, 0, 0, 0), np.random.default_rng(0))
    assert np.array_equal(mirrored, faces[:, :, ::-1])
    some = [augment(faces, Augmentation(), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(some[0], some[1]) and not np.array_equal(some[0], some[2])
    erased = augment(faces, Augmentation(0, 0, 0, 0, 0, 0, 1), np.random.default_rng(3))
    for face, changed in zip(faces, erased):
        rows, columns = np.nonzero(face != changed)
        box = changed[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert len(np.unique(box)) == 1 and box.size <= 0.2 * face.size


def test_a_share_of_every_class_is_held_out():
    labels = np.repeat([0, 1, 2, 3], [40, 20, 3, 1])
    mask = validation_rows(labels, None, 0.1, seed=0)
    assert np.bincount(labels[mask], minlength=4).tolist() == [4, 2, 1, 0]
    assert not np.array_equal(mask, validation_rows(labels, None, 0.1, seed=1))
    assert not validation_rows(labels, None, 0, seed=0).any()
    groups = np.arange(64) // 4
    mask = validation_rows(np.tile([0, 1], 32), groups, 0.25, seed=0)
    assert mask.sum() == 16 and not set(groups[mask]) & set(groups[~mask])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be a number from 1"),
        ({"widths": (8, 4)}, "widths must be 1 to 8 numbers from 8"),
        ({"widths": (8, "x")}, "widths must be 1 to 8 numbers"),
        ({"validation_share": 1}, "validation_share must be from 0 to below 1"),
        ({"size": 1000}, "size must be at most 512"),
        ({"widths": (4096, 4096)}, "more than 20000000 weights"),
        ({"shape": (3, 3)}, r"set shape=\(height, width\)"),
    ],
)
def test_parameters_are_checked(settings, message):
    rows, labels = two_moods(3, 0)
    with pytest.raises(ValueError, match=message):
        Cnn(**settings).fit(rows, labels)


def test_a_million_weights_at_most():
    assert weight_count(Cnn().widths, 7) < 1_000_000


@pytest.fixture(scope="module")
def network():
    """A small network that has learnt two moods."""
    keras_or_skip()
    return Cnn(**SMALL).fit(*two_moods(60, seed=0))


def test_it_learns_faces_it_has_not_seen(network):
    rows, labels = two_moods(40, seed=1)
    assert (network.predict(rows) == labels).mean() > 0.9
    shares = network.predict_proba(rows)
    assert np.allclose(shares.sum(axis=1), 1)
    assert log_loss(labels, shares) < 0.5 * np.log(2)


@pytest.mark.parametrize("has_instructions", [True, False])
def test_it_learns_in_bfloat16_where_that_is_quicker_and_answers_in_float32(
    has_instructions, monkeypatch
):
    keras, learnt_in = keras_or_skip(), []
    monkeypatch.setattr(keras_network, "multiplies_bfloat16", lambda: has_instructions)
    monkeypatch.setattr(
        cnn, "train_network",
        lambda network, *rest: learnt_in.append(network) or train_network(network, *rest),
    )  # fmt: skip
    model = Cnn(**SMALL).fit(*two_moods(60, seed=0))
    mixed = has_instructions and keras.backend.backend() == "torch"
    kinds = {layer.compute_dtype for layer in learnt_in[0].layers if "conv" in layer.name}
    assert kinds == {"bfloat16" if mixed else "float32"}
    assert learnt_in[0].layers[-1].compute_dtype == "float32"
    assert {str(part.dtype) for part in learnt_in[0].trainable_variables} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    answering = model.keras_network()
    assert {layer.compute_dtype for layer in answering.layers} == {"float32"}
    rows, labels = two_moods(40, seed=1)
    assert (model.predict(rows) == labels).mean() > 0.9


def test_the_history_shows_the_learning(network):
    history = network.history_
    assert set(history) == {"loss", "accuracy", "validation_loss", "validation_accuracy"}
    assert {len(values) for values in history.values()} == {12}
    assert min(history["loss"]) < history["loss"][0]
    assert all(0 <= value <= 1 for value in history["validation_accuracy"])


def test_the_weights_are_those_of_keras_and_as_many_as_said(network):
    assert network.weights_.dtype == np.float32
    assert network.keras_network().count_params() == len(network.weights_)
    assert weight_count(network.widths, 2) == len(network.weights_)


def test_blocks_halve_by_pooling_or_by_strides():
    keras = keras_or_skip()
    for pooled, first in ((True, 2), (False, 1)):
        network = build_network(24, (8, 16, 16), 2, 0.0, 0, pooled)
        kinds = [type(layer).__name__ for layer in network.layers]
        assert kinds.count("MaxPooling2D") == 2 * pooled
        assert kinds.count("Conv2D") == first + 2 * 3
        features = keras.Model(network.inputs, network.layers[-3].input)
        assert features.output.shape == (None, 6, 6, 16)


def test_a_halved_network_can_ask_the_same_of_faces_twice_as_large():
    keras_or_skip()
    one = build_network(12, (8, 16), 2, 0.0, 3, pooled=False)
    halved = build_network(24, (8, 16), 2, 0.0, 0, pooled=False, halved=True)
    first, *others = one.get_weights()
    apart = halved.get_weights()[0]
    halved.set_weights([apart, np.repeat(first, 4, axis=2) / 4, *others])
    faces = np.random.default_rng(0).normal(size=(5, 12, 12, 1)).astype(np.float32)
    answers = halved.predict(np.repeat(np.repeat(faces, 2, axis=1), 2, axis=2), verbose=0)
    assert np.allclose(answers, one.predict(faces, verbose=0), atol=1e-4)


def test_same_seed_same_network():
    keras_or_skip()
    rows, labels = two_moods(15, seed=0)
    one, same, other = (
        Cnn(**{**SMALL, "epochs": 1}, seed=seed).fit(rows, labels) for seed in (1, 1, 2)
    )
    assert np.array_equal(one.weights_, same.weights_) and one.history_ == same.history_
    assert not np.allclose(one.weights_, other.weights_)
    assert clone(one).get_params() == one.get_params()


def test_the_last_of_the_best_epochs_is_kept_and_a_worse_end_stops():
    keras = keras_or_skip()
    rows, labels = two_moods(15, seed=0)
    settings = {**SMALL, "epochs": 12, "learning_rate": 0.3, "patience": 2}
    model = Cnn(**settings).fit(rows, labels)
    losses = model.history_["validation_loss"]
    as_good = [loss <= 1.02 * min(losses[: epoch + 1]) for epoch, loss in enumerate(losses)]
    best = int(np.flatnonzero(as_good)[-1])
    assert len(losses) == min(12, best + 3)
    held_out = validation_rows(labels, None, 0.1, 0)
    scores = model.keras_network().predict(
        ((rows[held_out].reshape(-1, 24, 24, 1) - 128.0) / 64).astype(np.float32), verbose=0
    )
    loss = keras.losses.CategoricalCrossentropy(True, label_smoothing=0.1)
    assert np.isclose(float(loss(np.eye(2)[labels[held_out]], scores)), losses[best], rtol=1e-3)


def test_mirrored_faces_are_the_same_faces(network):
    rows, _ = two_moods(5, seed=2)
    mirrored = rows.reshape(-1, 24, 24)[:, :, ::-1].reshape(len(rows), -1)
    assert np.allclose(network.predict_proba(mirrored), network.predict_proba(rows), atol=1e-6)


def other_backends():
    names = [name for name in ("torch", "jax", "tensorflow") if importlib.util.find_spec(name)]
    return names or ["torch"]


@pytest.mark.parametrize("backend", other_backends())
def test_a_saved_model_predicts_the_same_in_a_new_process(network, tmp_path, backend):
    crop = CropOptions(size=24)
    path = tmp_path / "m.npz"
    save_model(path, FaceModel(network, MOODS[:2], crop))
    loaded = load_model(path)
    faces = two_moods(5, seed=3)[0].reshape(-1, 24, 24)
    expected = network.predict_proba(faces.reshape(len(faces), -1))
    assert np.allclose(loaded.predict_proba(faces), expected, atol=1e-6)
    assert loaded.estimator.history_ == network.history_
    np.save(tmp_path / "faces.npy", faces)
    code = (
        "import sys, numpy as np, keras; from cvbaseline.model_file import load_model\n"
        "folder, backend = sys.argv[1:]; assert keras.backend.backend() == backend\n"
        "faces = np.load(folder + '/faces.npy')\n"
        "np.save(folder + '/p.npy', load_model(folder + '/m.npz').predict_proba(faces))"
    )
    environment = {**os.environ, "KERAS_BACKEND": backend}
    words = [sys.executable, "-c", code, str(tmp_path), backend]
    subprocess.run(words, env=environment, check=True)
    assert np.allclose(np.load(tmp_path / "p.npy"), expected, atol=1e-4)


def test_a_model_that_contradicts_itself_is_refused(network, tmp_path):
    broken = Cnn(**{**network.get_params(), "widths": (8, 16, 17)})
    vars(broken).update({name: vars(network)[name] for name in ("classes_", "weights_", "scale_")})
    save_model(tmp_path / "m.npz", FaceModel(broken, MOODS[:2], CropOptions(size=24)))
    with pytest.raises(FormatError, match="do not make a classifier .*weights"):
        load_model(tmp_path / "m.npz")


def test_without_keras_a_saved_model_says_what_is_missing(tmp_path, installed, monkeypatch):
    model = Cnn(**SMALL)
    model.classes_, model.scale_ = np.arange(2), 1.0
    model.weights_ = np.zeros(weight_count(model.widths, 2), np.float32)
    save_model(tmp_path / "m.npz", FaceModel(model, MOODS[:2], CropOptions(size=24)))
    installed()
    monkeypatch.delitem(sys.modules, "keras", raising=False)  # by another test
    with pytest.raises(MissingLibrary, match="needs Keras"):
        load_model(tmp_path / "m.npz")


def test_the_command_line_trains_one(pictures, tmp_path, capsys):
    keras_or_skip()
    out = tmp_path / "m.npz"
    words = ["train", str(pictures), "--out", str(out), "--classifier", "cnn", "--size", "24"]
    settings = ["size=24", "widths=[8, 8]", "epochs=2"]
    assert main([*words, "--folds", "2", "--set", *settings]) == 0
    assert "held-out estimate" in capsys.readouterr().out
    assert len(load_model(out).estimator.history_["loss"]) == 2
    assert not training_folder(out).exists()


TINY = {"size": 16, "widths": (8, 8), "epochs": 3, "learning_rate": 0.01, "dropout": 0.3}


def tiny_faces(count=10):
    faces, labels = mood_faces(count, side=16)
    return faces.reshape(len(faces), -1), labels


class Interrupted(Exception):
    """What Ctrl-C does, from within."""


def interrupt_after(monkeypatch, epochs):
    """Stop a training while it saves the checkpoint of so many epochs: that file is there."""
    save = network_training.save_checkpoint
    saved = []

    def save_and_stop(key, record, arrays):
        save(key, record, arrays)
        saved.append(key)
        if len(record["history"]["loss"]) == epochs:
            raise Interrupted

    monkeypatch.setattr(network_training, "save_checkpoint", save_and_stop)
    return saved


def test_a_benchmark_says_which_epoch_a_network_is_in(pictures, tmp_path):
    keras_or_skip()
    heard = []
    benchmark(
        BenchmarkOptions(
            data=pictures, out=tmp_path / "out", size=24, cv="2x1",
            classifiers=("cnn:epochs=2,patience=2",),
        ),
        progress=lambda what, done, total: heard.append((what, done, total)),
    )  # fmt: skip
    title = "cnn epochs=2 patience=2"
    first = [(f"{title}, epoch 1 of 2", 0, 2), (f"{title}, epoch 2 of 2", 0, 2)]
    assert [(what.partition(" (so far")[0], *rest) for what, *rest in heard] == [
        (title, 0, 2), *first, (title, 1, 2),
        (title, 1, 2), *((what, 1, 2) for what, *_ in first), (title, 2, 2),
    ]  # fmt: skip
    assert "loss" in heard[2][0] and "validation accuracy" in heard[2][0]


def test_an_interrupted_training_ends_as_the_whole_one(tmp_path, monkeypatch):
    keras_or_skip()
    rows, labels = tiny_faces()
    whole = Cnn(**TINY).fit(rows, labels)
    folder = tmp_path / "m.npz.training"
    clock = itertools.count()  # a second passes whenever it is looked at
    monkeypatch.setattr(network_training, "perf_counter", lambda: next(clock))
    for epochs in (1, 2):
        with monkeypatch.context() as patch:
            interrupt_after(patch, epochs)
            with pytest.raises(Interrupted), checkpoints_in(folder):
                Cnn(**TINY).fit(rows, labels)
        assert len(list(folder.iterdir())) == 1
    with np.load(next(folder.iterdir()), allow_pickle=False) as stored:
        assert all(stored[name].dtype.kind in "fiuU" for name in stored.files)
    began = []
    batches = network_training.batches
    monkeypatch.setattr(
        network_training, "batches", lambda *all: (began.append(all[-1]), batches(*all))[1]
    )
    with checkpoints_in(folder) as checkpoints:
        resumed = Cnn(**TINY).fit(rows, labels)
        assert checkpoints.seconds_before == 2  # one from each part's beginning to its checkpoint
        again = Cnn(**TINY).fit(rows, labels)  # finished already: nothing is trained
    assert began == [2] and not folder.exists()
    for model in (resumed, again):
        assert np.allclose(model.weights_, whole.weights_, atol=1e-4)
        assert np.allclose(model.history_["loss"], whole.history_["loss"], rtol=1e-3)
        assert np.allclose(model.predict_proba(rows), whole.predict_proba(rows), atol=1e-3)


def test_a_checkpoint_of_other_data_or_damaged_is_not_used(tmp_path, monkeypatch):
    keras_or_skip()
    rows, labels = tiny_faces()
    settings = {**TINY, "epochs": 2}
    with monkeypatch.context() as patch:
        keys = interrupt_after(patch, 1)
        trainings = [
            (Cnn(**settings), rows, labels, None),
            (Cnn(**{**settings, "learning_rate": 0.02}), rows, labels, None),
            (Cnn(**settings), 255 - rows, labels, None),
            (Cnn(**settings), rows, labels, np.arange(len(rows)) + 1.0),
        ]
        for model, *data in trainings:
            with pytest.raises(Interrupted), checkpoints_in(tmp_path):
                model.fit(data[0], data[1], sample_weight=data[2])
    assert len(set(keys)) == 4
    path = tmp_path / f"{keys[0]}.npz"
    path.write_bytes(path.read_bytes()[:-100])
    (tmp_path / "mine.txt").write_text("not ours")
    with checkpoints_in(tmp_path):
        model = Cnn(**settings).fit(rows, labels)
    assert len(model.history_["loss"]) == 2
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_weights_say_which_faces_count():
    keras_or_skip()
    rows, labels = tiny_faces(20)
    rows, labels = rows[labels < 2], labels[labels < 2]
    both = np.concatenate([rows, rows])
    truth = np.concatenate([labels, 1 - labels])  # the second half says the contrary
    settings = {**TINY, "epochs": 12, "dropout": 0.0, "batch_size": 16}
    weights = np.repeat([1.0, 0.0], len(rows))
    model = Cnn(**settings).fit(both, truth, sample_weight=weights)
    contrary = Cnn(**settings).fit(both, truth, sample_weight=1 - weights)
    right = [(one.predict(rows) == labels).mean() for one in (model, contrary)]
    assert right[0] > 0.75 and right[1] < 0.25
    few = np.concatenate([np.flatnonzero(labels == 0)[:12], np.flatnonzero(labels == 1)[:4]])
    assert np.bincount(labels[few]).tolist() == [12, 4]
    short = {**TINY, "epochs": 1}
    balanced, said, plain = (
        Cnn(**short, class_weight=how).fit(rows[few], labels[few])
        for how in ("balanced", {0: 1.0, 1: 3.0}, None)
    )
    assert np.allclose(balanced.weights_, said.weights_, atol=1e-5)
    assert not np.allclose(balanced.weights_, plain.weights_, atol=1e-3)
    with pytest.raises(ValueError, match="not be negative, nor all 0"):
        Cnn(**settings).fit(rows, labels, sample_weight=-np.ones(len(rows)))


def test_training_starts_from_a_trained_network(tmp_path):
    keras_or_skip()
    rows, labels = tiny_faces()
    first = Cnn(**TINY).fit(rows, labels)
    path = tmp_path / "first.npz"
    save_model(path, FaceModel(first, MOODS, CropOptions(size=16)))
    # A rate of almost nothing: the weights are the first ones.
    settings = {**TINY, "epochs": 1, "learning_rate": 1e-12, "init": str(path)}
    names = ("amazed", "shy", "glad")
    labels_there = np.array([2, 1, 0])[labels]  # shy is new, in the place of gloomy
    model = fit_classifier(Cnn(**settings), rows, labels_there, None, names)
    body, head = np.split(first.weights_, [-3 * 8 - 3])
    new_body, new_head = np.split(model.weights_, [-3 * 8 - 3])
    kernel, new_kernel = head[:-3].reshape(8, 3), new_head[:-3].reshape(8, 3)
    assert np.allclose(new_kernel[:, [0, 2]], kernel[:, [2, 0]], atol=1e-5)
    assert np.allclose(new_head[-3:][[0, 2]], head[-3:][[2, 0]], atol=1e-5)
    assert not np.allclose(new_kernel[:, 1], kernel[:, 1], atol=1e-2)
    assert np.corrcoef(body, new_body)[0, 1] > 0.9  # only the running means have moved
    with pytest.raises(ValueError, match=r"widths is \(8, 8\) in .*, not \(8, 16\)"):
        Cnn(**{**settings, "widths": (8, 16)}).fit(rows, labels)
    with pytest.raises(UserError, match="is no file"):
        Cnn(**{**settings, "init": str(tmp_path / "none.npz")}).fit(rows, labels)


def test_train_goes_on_with_a_network(pictures, tmp_path, capsys):
    keras_or_skip()
    rows, labels = two_moods(6, 0)
    settings = {"size": 24, "widths": (8, 8), "epochs": 1}
    path, out = tmp_path / "first.npz", tmp_path / "second.npz"
    model = Cnn(**settings).fit(rows, labels)
    save_model(path, FaceModel(model, MOODS[:2], CropOptions(size=24, margin=0.3)))
    words = ["train", str(pictures), "--init", str(path), "--out", str(out), "--folds", "0"]
    assert main([*words, "--set", "epochs=1"]) == 0
    assert "cnn, 3 classes" in capsys.readouterr().out
    loaded = load_model(out)
    assert loaded.estimator.widths == (8, 8) and loaded.crop.margin == 0.3
    assert loaded.classes == tuple(sorted(MOODS))
