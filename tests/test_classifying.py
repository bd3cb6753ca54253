"""The verbs train and predict: from folders to a model file to answers."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from small_faces import MOODS, mood_face, mood_faces

from cvbaseline.classification.estimator_maker import estimator_maker
from cvbaseline.classification.prediction import PredictOptions, predict
from cvbaseline.classification.predictions import Prediction, render_csv
from cvbaseline.classification.training import TrainOptions, train
from cvbaseline.classifiers import CLASSIFIERS, classifier_class, classifier_name
from cvbaseline.cli import main
from cvbaseline.detection import Detections
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.errors import UserError
from cvbaseline.faces import CropOptions
from cvbaseline.images import write_picture
from cvbaseline.model_file import load_model

SMALL = ["scales=[[32, 8]]", "landmarks=50", "n_components=30"]


@pytest.fixture(scope="module")
def moods(tmp_path_factory):
    """12 pictures of each mood by 4 artists, and 9 of moods unseen."""
    folder = tmp_path_factory.mktemp("moods")
    for part, count, seed in (("train", 12, 0), ("unseen", 3, 1)):
        faces, labels = mood_faces(count, 40, seed)
        for number, (face, label) in enumerate(zip(faces, labels)):
            place = folder / part / (MOODS[label] if part == "train" else "")
            place.mkdir(parents=True, exist_ok=True)
            name = f"{MOODS[label]}-artist{number // 3 % 4}-{number}.png"
            write_picture(place / name, face)
    return folder


@pytest.fixture(scope="module")
def trained(moods):
    lines = []
    out = moods / "model.npz"
    options = TrainOptions(
        data=moods / "train", out=out, parameters=SMALL, groups=r"artist\d", folds=4, size=32
    )
    return train(options, tell=lines.append), lines, out


def test_training_says_what_it_learnt_from_and_what_it_is_worth(trained):
    model, lines, out = trained
    text = "\n".join(lines)
    assert "36 faces in 4 groups, 3 classes:" in text and "12  amazed" in text
    assert "no group is on both sides" in text and "always saying amazed would reach 0.333" in text
    assert "macro F1" in text and f"{out}: hog_svm, 3 classes" in text
    held_out = model.provenance["held_out"]
    value, low, high = held_out["accuracy"]
    assert 0.85 <= value <= 1 and low <= value <= high
    assert np.sum(held_out["confusion"]) == 36
    assert held_out["class_f1"].keys() == set(MOODS)
    assert model.provenance["faces"] == dict.fromkeys(sorted(MOODS), 12)
    assert 0 <= model.provenance["unsure_below"] <= 1


def test_the_saved_model_is_the_trained_one(trained):
    model, _, out = trained
    loaded = load_model(out)
    faces = mood_faces(2, 32, seed=7)[0]
    assert np.array_equal(loaded.predict_proba(faces), model.predict_proba(faces))
    assert loaded.crop == CropOptions(size=32)


def test_the_same_options_give_the_same_bytes(moods, trained):
    options = TrainOptions(
        data=moods / "train", out=moods / "again.npz", parameters=SMALL, groups=r"artist\d",
        folds=4, size=32,
    )  # fmt: skip
    train(options)
    assert (moods / "again.npz").read_bytes() == trained[2].read_bytes()


def answers(options):
    lines = []
    return predict(options, tell=lines.append), "\n".join(lines)


def test_predictions_of_unseen_faces(moods, trained):
    predictions, table = answers(PredictOptions(model=trained[2], pictures=[moods / "unseen"]))
    truth = [answer.path.name.split("-")[0] for answer in predictions]
    right = [answer.label == name for answer, name in zip(predictions, truth)]
    assert len(right) == 9 and np.mean(right) >= 8 / 9
    rows = table.splitlines()
    assert len(rows) == 10
    for row, answer in zip(rows[1:], predictions):
        best, share, then, _, path = row.split(maxsplit=4)
        assert (best, path) == (answer.label, str(answer.path)) and then != best
        assert float(share) == pytest.approx(answer.probabilities.max(), abs=0.006)


def test_predictions_as_csv_and_json(moods, trained):
    broken = moods / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n")
    pictures = [next((moods / "unseen").iterdir()), broken]
    predictions, text = answers(PredictOptions(model=trained[2], pictures=pictures, format="csv"))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["picture"] for row in rows] == [str(path) for path in pictures]
    shares = [float(rows[0][f"p_{name}"]) for name in sorted(MOODS)]
    assert shares == pytest.approx(predictions[0].probabilities, abs=1e-4)
    assert rows[0]["class"] == predictions[0].label and rows[0]["x"] == ""
    assert "broken.png" in rows[1]["problem"] and rows[1]["class"] == rows[1]["p_glad"] == ""

    _, text = answers(PredictOptions(model=trained[2], pictures=pictures, format="json"))
    first, second = json.loads(text)
    assert first["class"] == predictions[0].label and first["box"] is None
    assert first["probabilities"]["glad"] == pytest.approx(shares[1], abs=1e-4)
    assert second == {"picture": str(broken), "problem": rows[1]["problem"]}


def test_what_looks_like_a_formula_is_disarmed_in_csv():
    found = Prediction(Path("=a.png"), label="@home", probabilities=np.array([1.0, 0.0]))
    row = next(csv.DictReader(io.StringIO(render_csv([found], ("@home", "away")))))
    assert (row["picture"], row["class"], row["p_@home"]) == ("'=a.png", "'@home", "1.0000")


BOXES = np.array([[30, 10, 40, 40], [100, 25, 40, 40]])


@pytest.fixture
def finder(monkeypatch):
    """Stands for a cascade: in a picture with anything in it the faces are at BOXES."""

    def detect(grey, classifier, parameters):
        assert classifier == "cascade"
        assert parameters.min_neighbors == DetectionParameters().min_neighbors
        boxes = BOXES if grey.std() > 1 else BOXES[:0]
        return Detections(boxes, np.ones(len(boxes)))

    for verb in ("training", "prediction"):
        module = f"cvbaseline.classification.{verb}"
        monkeypatch.setattr(f"{module}.open_cascade", lambda *_, **__: "cascade")
        monkeypatch.setattr(f"{module}.detect", detect)


def test_faces_are_looked_for_when_asked(moods, finder):
    rng = np.random.default_rng(3)
    scene = np.full((70, 160), 128, np.uint8)
    write_picture(moods / "empty.png", scene)
    for (x, y, width, _), mood in zip(BOXES, ("glad", "amazed")):
        scene[y : y + width, x : x + width] = mood_face(mood, width, rng)
    write_picture(moods / "scene.png", scene)
    model = train(
        TrainOptions(
            data=moods / "train",
            out=moods / "tight.npz",
            parameters=SMALL,
            margin=0,
            folds=0,
            size=32,
        )
    )
    assert "held_out" not in model.provenance
    predictions, table = answers(
        PredictOptions(
            model=moods / "tight.npz",
            pictures=[moods / "scene.png", moods / "empty.png"],
            detect=True,
        )
    )
    assert [answer.label for answer in predictions] == ["glad", "amazed", ""]
    assert [answer.box for answer in predictions] == [*BOXES.tolist(), None]
    assert "at 100 25 40 40" in table and table.endswith("empty.png: no face")


def test_training_on_found_faces(moods, finder):
    scenes = moods / "scenes"
    rng = np.random.default_rng(4)
    for mood in ("glad", "amazed"):
        (scenes / mood).mkdir(parents=True)
        for number in range(12):
            scene = np.full((70, 160), 128, np.uint8)
            if number:
                scene[10:50, 30:70] = mood_face(mood, 40, rng)
            write_picture(scenes / mood / f"{number}.png", scene)
    lines = []
    model = train(
        TrainOptions(
            data=scenes, out=moods / "scenes.npz", parameters=SMALL, margin=0, size=32, detect=True
        ),
        tell=lines.append,
    )
    assert model.provenance["faces"] == {"amazed": 11, "glad": 11}
    assert sum("shows no face" in line for line in lines) == 2
    assert model.provenance["held_out"]["accuracy"][0] > 0.9


def test_few_pictures_and_useless_models_are_warned_about(tmp_path):
    rng = np.random.default_rng(0)
    for name, count in (("often", 30), ("seldom", 9), ("once", 1)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(count):
            noise = rng.integers(0, 256, (24, 24)).astype(np.uint8)
            write_picture(tmp_path / "data" / name / f"{number}.png", noise)
    lines = []
    train(
        TrainOptions(data=tmp_path / "data", out=tmp_path / "m.npz", classifier="eigenfaces"),
        tell=lines.append,
    )
    text = "\n".join(lines)
    assert "warning: seldom has 9 pictures: too few" in text
    assert "warning: once has 1 picture: too few" in text and "often has" not in text
    assert "warning: not clearly better than always naming the most frequent class" in text


def test_settings_are_json_or_text():
    estimator = estimator_maker(
        "hog_svm", ["C=2.5", "landmarks=null", "scales=[[64, 16], [32, 8]]", "kernel=linear"]
    )()
    assert (estimator.C, estimator.landmarks, estimator.kernel) == (2.5, None, "linear")
    assert estimator.scales == ((64, 16), (32, 8))
    for setting in ("c=3", "C", ""):
        with pytest.raises(UserError, match="NAME being one of C, class_weight"):
            estimator_maker("hog_svm", [setting])


def test_every_classifier_is_found_by_name():
    for name in CLASSIFIERS:
        assert classifier_name(classifier_class(name)()) == name
    with pytest.raises(UserError, match="choose from majority, eigenfaces, fisherfaces, "):
        classifier_class("svm")


# Networks need Keras and far smaller settings, or a network to start from: they have own tests.
NETWORKS = ("cnn", "onnx", "transfer")


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if name not in NETWORKS])
def test_every_classifier_trains_on_pictures_of_any_size(moods, name):
    out = moods / f"{name}.npz"
    options = TrainOptions(data=moods / "train", out=out, classifier=name, size=24, folds=3)
    model = train(options)
    assert classifier_name(load_model(out).estimator) == name
    accuracy, low, _ = model.provenance["held_out"]["accuracy"]
    assert accuracy <= 1 / 3 + 1e-9 if name == "majority" else low > 1 / 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "{}/nowhere"], "does not exist"),
        (["train", "{}/train", "--out", "{}/notes.txt"], "is no cvbaseline model"),
        (["train", "{}/train", "--set", "depth=3"], "no parameter of hog_svm"),
        (
            ["train", "{}/train", "--out", "{}/x.npz", "--set", "C=much"],
            "cvbaseline: C must be a positive number, not 'much'",
        ),
        (
            ["train", "{}/train", "--out", "{}/x.npz", "--folds", "0", "--set", "C=much"],
            "cvbaseline: C must be a positive number, not 'much'",
        ),
        (["train", "{}/uneven", "--out", "{}/x.npz"], "cvbaseline: sad has 1 picture: add more"),
        (["train", "{}/train", "--out", "{}/x.npz", "--groups", "artist"], "too few groups"),
        (["train", "{}/train", "--folds", "1"], "folds must be 0 or from 2"),
        (["train", "{}/train", "--cascade", "x.xml"], "faces with --detect only: add it, or leave"),
        (["predict", "{}/model.npz", "{}/unseen", "--cascade", "x.xml"], "with --detect only"),
        (["train", "{}/split", "--out", "{}/x.npz"], "not classes: name {}/split/train to learn"),
        (["train", "{}/lonely", "--out", "{}/x.npz"], "has one class only: glad"),
        (["predict", "{}/notes.txt", "{}/unseen"], "is not a cvbaseline model"),
        (["predict", "{}/model.npz", "{}/nowhere"], "does not exist"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(moods, trained, capsys, words, message):
    (moods / "notes.txt").write_text("my notes")
    for name in ("lonely/glad", "split/train/glad", "split/test/glad"):
        (moods / name).mkdir(parents=True, exist_ok=True)
    write_picture(moods / "lonely" / "glad" / "1.png", mood_faces(1)[0][0])
    for name in ("glad/1", "glad/2", "sad/1"):
        (moods / "uneven" / name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(moods / "uneven" / f"{name}.png", mood_faces(1)[0][0])
    assert main([word.format(moods) for word in words]) == 2
    error = capsys.readouterr().err
    assert message.format(moods) in error and error.startswith("cvbaseline: ")
    assert error.count("\n") == 1
    assert (moods / "notes.txt").read_text() == "my notes" and not (moods / "x.npz").exists()


@pytest.mark.parametrize("verb", ["train", "explore"])
def test_an_output_that_cannot_be_written_is_told_before_the_work(verb, moods, capsys):
    (moods / "notes.txt").write_text("my notes")
    assert main([verb, str(moods / "train"), "--out", str(moods / "notes.txt" / "x.npz")]) == 2
    told = capsys.readouterr()
    assert "notes.txt/x.npz" in told.err and "cannot be written" in told.err
    assert told.err.count("\n") == 1 and told.out == ""


def test_names_of_what_is_left_out_are_told_on_one_line(tmp_path, capsys):
    for name in ("glad", "sad"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number, face in enumerate(mood_faces(4)[0]):
            write_picture(tmp_path / "data" / name / f"{number}.png", face)
    (tmp_path / "data" / "sad" / "no\n\x1b[2J.png").write_text("no picture")
    data, model = str(tmp_path / "data"), str(tmp_path / "model.npz")
    for words in (["train", data, "--folds", "0", "--classifier", "majority", "--out", model],
                  ["explore", data, "--out", str(tmp_path / "explored")]):  # fmt: skip
        assert main(words) == 0
        shown = capsys.readouterr().out
        assert "\x1b" not in shown and "sad/no\\n\\x1b[2J.png" in shown


def test_class_names_of_a_model_cannot_move_the_cursor(tmp_path, capsys):
    for name in ("glad\x1b[2J", "sad"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number, face in enumerate(mood_faces(4)[0]):
            write_picture(tmp_path / "data" / name / f"{number}.png", face)
    model = str(tmp_path / "model.npz")
    picture = str(tmp_path / "data" / "sad" / "1.png")
    train = ["train", str(tmp_path / "data"), "--folds", "0", "--classifier", "majority"]
    for words in ([*train, "--out", model], ["info", model], ["predict", model, picture]):
        assert main(words) == 0
        shown = capsys.readouterr().out
        assert "\x1b" not in shown and "glad\\x1b[2J" in shown


def test_the_command_line_trains_and_predicts(moods, capsys):
    out = moods / "cli.npz"
    words = ["train", str(moods / "train"), "--out", str(out), "--classifier", "fisherfaces"]
    assert main([*words, "--size", "16", "--set", "classifier=mean"]) == 0
    assert "held-out estimate" in capsys.readouterr().out
    assert main(["predict", str(out), str(moods / "unseen"), "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 9
