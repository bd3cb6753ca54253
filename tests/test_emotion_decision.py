"""Which face decides, which folder follows; and the whole way on drawn pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from smileys import clutter, smiley

from cvbaseline.boxes import iou
from cvbaseline.classifiers import classifier_class
from cvbaseline.detection import detect, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.errors import UserError
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import write_picture
from cvbaseline.model_file import FaceModel, load_model, save_model
from cvbaseline.sorting.emotion_decision import (
    EmotionDecider,
    check_folder_name,
    most_prominent,
)
from cvbaseline.sorting.manifest import Face, load_manifest
from cvbaseline.sorting.sort import SortOptions, sort_pictures
from cvbaseline.training import CascadeTrainingOptions, train_cascade


def face(box, score=1.0):
    return Face(box, score, {"happy": 1.0})


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        ([((0, 0, 50, 50), 1.0)], 0),
        # equal size: the middle wins
        ([((0, 0, 60, 60), 5.0), ((170, 90, 60, 60), 5.0)], 1),
        # equal size, mirrored places: the score wins
        ([((20, 90, 60, 60), 5.0), ((320, 90, 60, 60), 6.0)], 1),
        # all equal: the first
        ([((20, 90, 60, 60), 5.0), ((320, 90, 60, 60), 5.0)], 0),
        # negative scores count as none: size decides
        ([((20, 90, 60, 60), -1.0), ((310, 80, 80, 80), -3.0)], 1),
        # a large box of low score: 200 · .75 (or less) · .1 = 15 < 60 · .5 · 1
        ([((0, 0, 60, 60), 10.0), ((0, 0, 200, 200), 1.0)], 0),
        # by hand: in the middle 60 · 1 · 1 = 60, against 160 in the same place at .5 = 80
        ([((170, 90, 60, 60), 10.0), ((120, 40, 160, 160), 5.0)], 1),
        # by hand: the corner's centrality is 1 - √(160² + 80²) / 233.24 = .2330, its prominence
        # 80 · 1.2330 / 2 = 49.3, between 48 and 50 in the middle
        ([((0, 0, 80, 80), 5.0), ((175, 95, 50, 50), 5.0)], 1),
        ([((0, 0, 80, 80), 5.0), ((176, 96, 48, 48), 5.0)], 0),
    ],
)
def test_the_most_prominent_face(faces, expected):
    """In a picture of 400 × 240 pixels."""
    assert most_prominent([face(*f) for f in faces], 400, 240) == expected


@pytest.mark.parametrize(
    "name",
    ["", "..", ".", "a/b", "a\\b", "unsure", "No_Face", "_contact_sheet", "con", "a\n", "x" * 101,
     " a", "a.", "what?", "\ud800", "a:b"],
)  # fmt: skip
def test_classes_that_cannot_be_folders(name):
    with pytest.raises(UserError, match="cannot be a folder"):
        check_folder_name(name)


@pytest.mark.parametrize("name", ["happy", "joyeux été", "怒り", "Type 3 (rare)"])
def test_classes_that_can(name):
    check_folder_name(name)


MOODS = ("flat", "round", "open")


def moody(side, mood, generator):
    """A drawn face with one of three mouths."""
    face = smiley(side, generator)
    middle, unit = (side // 2, round(14.5 * side / 20)), side / 20
    if mood != "flat":
        cv2.circle(face, middle, round(3 * unit), 20, -1)
    if mood == "open":
        cv2.circle(face, middle, round(1.6 * unit), int(np.percentile(face, 80)), -1)
    return face


def scene(faces, generator):
    """Clutter of 320 × 200 pixels with faces as (x, y, side, mood) on it."""
    picture = clutter(200, 320, generator)
    for x, y, side, mood in faces:
        picture[y : y + side, x : x + side] = moody(side, mood, generator)
    return picture


@pytest.fixture(scope="module")
def cascade(tmp_path_factory):
    """A cascade trained on faces of all moods."""
    folder = tmp_path_factory.mktemp("cascade")
    generator = np.random.default_rng(1)
    for name in ("positives", "negatives"):
        (folder / name).mkdir()
    for number in range(120):
        face = moody(32, MOODS[number % 3], generator)
        write_picture(folder / f"positives/{number}.png", face)
    for number in range(30):
        write_picture(folder / f"negatives/{number}.png", clutter(120, 160, generator))
    train_cascade(
        CascadeTrainingOptions(
            positives=[folder / "positives"], negatives=[folder / "negatives"],
            output=folder / "out", width=16, height=16, num_stages=4, num_positives=400,
            num_negatives=800, max_false_alarm=[0.05],
        )
    )  # fmt: skip
    return folder / "out/cascade.xml"


@pytest.fixture(scope="module")
def model(cascade, tmp_path_factory):
    """A classifier of the three mouths, trained on faces as the cascade frames them."""
    generator = np.random.default_rng(2)
    crop = CropOptions(size=32, margin=0.0)
    classifier = open_cascade(cascade)
    crops, labels = [], []
    for number in range(150):
        side = int(generator.integers(60, 100))
        picture = scene([(100, 50, side, MOODS[number % 3])], generator)
        boxes = detect(picture, classifier, DetectionParameters(min_neighbors=2)).boxes
        near = boxes[iou(boxes, [[100, 50, side, side]])[:, 0] > 0.4]
        crops += list(crop_faces(picture, near[:1], crop))
        labels += [number % 3] * len(near[:1])
    estimator = classifier_class("hog_svm")()
    estimator.fit(np.stack(crops).reshape(len(labels), -1), labels)
    path = tmp_path_factory.mktemp("model") / "moods.npz"
    save_model(path, FaceModel(estimator, MOODS, crop, {"unsure_below": 0.34}))
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """A folder of scenes and their truth: name -> (box, mood) of the face they are about."""
    folder = tmp_path_factory.mktemp("scenes") / "scenes"
    folder.mkdir()
    generator = np.random.default_rng(3)
    truth = {}
    for number in range(18):
        mood, other = MOODS[number % 3], MOODS[(number + 1) % 3]
        side = int(generator.integers(70, 100))
        x, y = (int(v) for v in generator.integers([90, 30], [130, 70]))
        faces = [(x, y, side, mood)]
        if number >= 9:
            faces.append((10, 10, 36, other))  # small, in the corner
        truth[f"{number}.png"] = (x, y, side, side), mood
        write_picture(folder / f"{number}.png", scene(faces, generator))
    whole = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    write_picture(folder / "plain.png", np.full((200, 320), 90, np.uint8))
    return folder, truth


def sort(scenes, cascade, model, out, **options):
    folder, _ = scenes
    return sort_pictures(
        SortOptions(
            folder=folder, out=out, cascade=cascade, model=model, min_neighbors=2, **options
        )
    )


def test_the_whole_way_on_drawn_pictures(scenes, cascade, model, tmp_path):
    folder, truth = scenes
    result = sort(scenes, cascade, model, tmp_path / "out")
    assert len(result.records) == len(truth) + 2
    right = boxed = 0
    for record in result.records:
        name = Path(record.picture).name
        if name == "cut.png":
            assert (record.folder, record.result) == ("", "") and "truncated" in record.problem
            assert str(folder) not in record.problem
            continue
        copy = tmp_path / "out" / record.result
        assert copy.read_bytes() == (folder / name).read_bytes()
        assert copy.parent.name == record.folder
        if name == "plain.png":
            assert record.folder == "no_face" and record.faces == ()
            continue
        box, mood = truth[name]
        face = record.deciding_face
        boxed += face is not None and iou([face.box], [box])[0, 0] > 0.4
        right += record.folder == mood
        if face is not None:
            assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-3)
            assert record.folder == (face.emotion if face.confidence >= 0.34 else "unsure")
    assert boxed >= 17 and right >= 16


def test_what_no_emotion_reaches_is_unsure(scenes, cascade, model, tmp_path):
    result = sort(scenes, cascade, model, tmp_path / "out", unsure_below=1.0)
    assert {record.folder for record in result.records} == {"unsure", "no_face", ""}
    manifest = load_manifest(tmp_path / "out/manifest.json")
    assert manifest.settings["settings 1"]["unsure_below"] == 1.0


def test_decisions_do_not_depend_on_threads(scenes, cascade, model, tmp_path):
    for jobs in (1, 4):
        sort(scenes, cascade, model, tmp_path / str(jobs), jobs=jobs)
    one, four = ((tmp_path / n / "manifest.json").read_bytes() for n in ("1", "4"))
    assert one == four


@pytest.mark.parametrize("threshold", ["half", 2, None, [0.5]])
def test_a_models_threshold_is_checked(cascade, model, tmp_path, threshold):
    known = load_model(model)
    path = tmp_path / "m.npz"
    save_model(path, FaceModel(known.estimator, MOODS, known.crop, {"unsure_below": threshold}))
    with pytest.raises(UserError, match="give --unsure-below"):
        EmotionDecider(cascade, path, DetectionParameters())
    assert EmotionDecider(cascade, path, DetectionParameters(), 0.7).unsure_below == 0.7
