"""The second look: a model that drops a cascade's false boxes on pictures it never saw."""

import json
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from cvbaseline.boxes import as_boxes, iou
from cvbaseline.cli import main
from cvbaseline.detection import CountedDetections, detect, detect_counted, open_cascade
from cvbaseline.detection_parameters import DetectionParameters, with_verifier
from cvbaseline.detector_quality.annotated_pictures import AnnotatedPicture, read_annotated_pictures
from cvbaseline.detector_quality.search_journal import Searched, SearchJournal
from cvbaseline.errors import UserError
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import read_grey
from cvbaseline.model_file import load_model, save_model
from cvbaseline.second_look import open_verifier
from cvbaseline.shipped import SECOND_LOOKS, cascade_path, default_cascade
from cvbaseline.verifier_boxes import JudgedBoxes, judge
from cvbaseline.verifier_training import VerifierTrainingOptions, measure

SAMPLES = Path(__file__).parents[1] / "training_samples"
SCENES = SAMPLES / "scenes"
WEAK = Path(__file__).parent / "data" / "golden" / "lbp_GAB" / "cascade.xml"  # finds much
SEARCH = {"scale_factor": 1.2, "min_neighbors": 1}


@pytest.fixture(scope="module")
def verifier(tmp_path_factory):
    """A model of what a weak cascade and the shipped one find in newly drawn scenes."""
    folder = tmp_path_factory.mktemp("verifier")
    scenes, out = folder / "scenes", folder / "verifier.npz"
    assert main(["draw", "--kind=scenes", "--count=12", "--seed=5", f"--out={scenes}"]) == 0
    words = ["cascade", "train-verifier", str(scenes), "--cascade", "lbp_animeface", str(WEAK)]
    words += [f"--out={out}", "--landmarks=200", "--keep=0.95"]
    words += ["--scale-factor=1.2", "--min-neighbors=1"]
    assert main(words) == 0
    return str(out)


@pytest.fixture(scope="module")
def cascade():
    return open_cascade(WEAK)


def test_false_boxes_go_and_faces_stay(verifier, cascade):
    counts = {}
    for verify in ("none", verifier):
        faces = false = 0
        for picture in read_annotated_pictures(SCENES):
            grey = read_grey(picture.path)
            boxes = detect(grey, cascade, DetectionParameters(**SEARCH, verify=verify)).boxes
            overlap = iou(boxes, picture.boxes).max(axis=1, initial=0)
            faces, false = faces + (overlap >= 0.5).sum(), false + (overlap < 0.2).sum()
        counts[verify] = faces, false
    before, after = counts.values()
    assert after[0] >= 0.8 * before[0] and after[1] <= 0.5 * before[1], counts


@pytest.mark.parametrize("equalise_picture", [False, True])
def test_as_boxes_of_opencv_judged_one_by_one(verifier, cascade, equalise_picture):
    model, picture = load_model(Path(verifier)), read_grey(SCENES / "0004.jpg")
    parameters = DetectionParameters(
        min_neighbors=2, verify=verifier, equalise_picture=equalise_picture
    )
    plain = detect(picture, cascade, replace(parameters, verify="none"))
    scores = dict(zip(map(tuple, plain.boxes.tolist()), plain.scores.tolist()))
    grey = cv2.equalizeHist(picture) if equalise_picture else picture
    expected, dropped = {}, 0
    boxes = cascade.detector().classifier.detectMultiScale(grey, 1.1, 2, 0, (24, 24))
    for box in map(tuple, boxes.tolist()):
        (crop,) = crop_faces(grey, as_boxes([box]), CropOptions(size=48, margin=0.2))
        other, face = model.estimator.predict_proba(crop.reshape(1, -1))[0]
        odds = face / other * math.sqrt(scores[box]) / math.exp(model.provenance["verify_above"])
        if odds >= 1:
            expected[box] = odds / (1 + odds)
        dropped += odds < 1
    found = detect(picture, cascade, parameters)
    shown = dict(zip(map(tuple, found.boxes.tolist()), found.scores.tolist()))
    assert shown == pytest.approx(expected)
    assert list(shown.values()) == sorted(shown.values(), reverse=True)
    assert dropped and expected


def test_less_evidence_leaves_more_boxes(verifier, cascade):
    limit, grey = open_verifier(verifier).limit, read_grey(SCENES / "0004.jpg")
    found = [
        detect(grey, cascade, DetectionParameters(**SEARCH, verify=verifier, verify_above=above))
        for above in (None, limit, limit + 1, -100)
    ]
    given, same, stricter, every = found
    plain = detect(grey, cascade, DetectionParameters(**SEARCH, verify="none"))
    assert np.array_equal(given.boxes, same.boxes) and np.array_equal(given.scores, same.scores)
    assert sorted(map(tuple, every.boxes)) == sorted(map(tuple, plain.boxes))
    # One more is asked for: the odds of each box are e times less.
    odds = given.scores / (1 - given.scores) / math.e
    assert len(stricter.boxes) < len(given.boxes) < len(every.boxes)
    assert stricter.scores == pytest.approx((odds / (1 + odds))[odds >= 1])


@pytest.mark.parametrize("more", [{}, {"stages": 2, "regroup_stages": 5}], ids=str)
def test_more_neighbors_leave_the_boxes_above(more, verifier, cascade):
    grey = read_grey(SCENES / "0005.jpg")
    found = {}
    for count in (1, 5):
        parameters = DetectionParameters(min_neighbors=count, verify=verifier, **more)
        found[count] = detect_counted(grey, cascade, parameters)
    assert np.array_equal(found[1].above(5).boxes, found[5].boxes)
    # Of other numbers of boxes a product of matrices may round the last bit differently.
    assert found[1].above(5).scores == pytest.approx(found[5].scores, rel=1e-12)


def test_auto_is_what_belongs_to_a_shipped_cascade():
    auto = DetectionParameters()
    for name, (verifier, stages, regroup_stages, above) in SECOND_LOOKS.items():
        path = cascade_path(Path(name))
        for parameters in (auto, replace(auto, verify=verifier)):
            suited = with_verifier(parameters, path)
            assert (suited.verify, suited.verify_above) == (verifier, above)
            assert (suited.stages, suited.regroup_stages) == (stages, regroup_stages)
            assert stages < regroup_stages
        assert with_verifier(replace(auto, regroup_stages=0), path).regroup_stages == 0
        assert with_verifier(replace(auto, stages=3), path).stages == 3
        assert with_verifier(replace(auto, verify_above=-1.5), path).verify_above == -1.5
        assert open_verifier(verifier).model.classes == ("other", "face")
    assert with_verifier(auto, WEAK) == auto  # none belongs to it
    none = replace(auto, verify="none")
    assert with_verifier(none, default_cascade()) == none


@pytest.mark.parametrize("name", ["animeface", "frontalface"])
def test_the_json_is_of_the_shipped_verifier(name):
    models = SAMPLES.parent / "models"
    record = json.loads((models / f"verify_{name}.json").read_text())
    verifier = open_verifier(name)
    provenance = verifier.model.provenance
    assert verifier.limit == record["verify_above"]
    assert {name: record[name] for name in provenance} == provenance
    assert (models / record["model"]).stat().st_size == record["bytes"] <= 3_000_000


@pytest.mark.parametrize("cascade", ["lbp_animeface", "haar_animeface"])
def test_the_shipped_verifier_makes_the_first_stages_precise(cascade, capsys):
    stages, found = SECOND_LOOKS[f"{cascade}.xml"].stages, {}
    for verify in ("none", "auto"):
        words = ["detect", str(SCENES), "--json", f"--verify={verify}", f"--cascade={cascade}"]
        # "auto" is to take so many stages by itself.
        assert main(words + [f"--stages={stages}"] * (verify == "none")) == 0
        shown = json.loads(capsys.readouterr().out)
        found[verify] = {entry["picture"]: entry["faces"] for entry in shown}
    hits = dict.fromkeys(found, 0)
    for picture in read_annotated_pictures(SCENES):
        for verify, pictures in found.items():
            boxes = as_boxes([face["box"] for face in pictures[str(picture.path)]])
            hits[verify] += int((iou(boxes, picture.boxes).max(axis=1, initial=0) >= 0.3).sum())
        scores = [face["score"] for face in found["auto"][str(picture.path)]]
        assert all(0.5 <= score <= 1 for score in scores)
    counts = {verify: sum(map(len, pictures.values())) for verify, pictures in found.items()}
    assert hits["auto"] >= 0.9 * hits["none"] > 0
    assert counts["auto"] - hits["auto"] <= 0.3 * (counts["none"] - hits["none"])


@pytest.mark.parametrize("name", ["lbp_frontalface", "haar_frontalface"])
def test_the_shipped_verifier_of_photographs_leaves_the_face(name):
    """Of what permissive settings find in a photograph one box is a face, and that one stays."""
    path = cascade_path(Path(name))
    astronaut = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)
    suited = with_verifier(DetectionParameters(min_neighbors=1), path)
    unverified = replace(suited, verify="none")
    assert len(detect(astronaut, open_cascade(path), unverified).boxes) > 4
    found = detect(astronaut, open_cascade(path), suited)
    assert len(found.boxes) == 1
    assert iou(found.boxes, as_boxes([[170, 65, 110, 110]]))[0, 0] > 0.5


def test_a_sweep_searches_again_when_the_model_has_changed(verifier, tmp_path):
    model = tmp_path / "model.npz"
    model.write_bytes(Path(verifier).read_bytes())
    search = DetectionParameters(min_neighbors=1, verify=str(model))
    found = CountedDetections(as_boxes([[1, 2, 30, 30]]), np.array([0.75]), np.array([4]))
    journal = SearchJournal(tmp_path / "searches.jsonl", "cascade")
    journal.add("picture", {search: Searched(found, 5.0, (80, 60))})
    again = SearchJournal(tmp_path / "searches.jsonl", "cascade")
    assert again.get("picture", search).found.boxes.tolist() == [[1, 2, 30, 30]]
    assert again.get("picture", replace(search, verify="none")) is None
    loaded = load_model(model)
    save_model(model, replace(loaded, provenance=loaded.provenance | {"verify_above": 3.0}))
    assert again.get("picture", search) is None


def test_what_is_learnt_as_a_face():
    # The picture has a face of 100 x 100 and something to ignore far from it.
    picture = AnnotatedPicture(
        Path("picture"), as_boxes([[100, 100, 100, 100]]), as_boxes([[400, 400, 50, 50]])
    )
    boxes = as_boxes([
        [100, 100, 100, 100], [110, 110, 100, 100],  # IoU 1 and .68
        [145, 100, 100, 100],  # .38: neither a face nor none
        [180, 100, 100, 100], [300, 100, 80, 80],  # .11 and 0
        [402, 402, 40, 40],  # in what is ignored
        [120, 120, 40, 40],  # .16, within the face
    ])  # fmt: skip
    is_face, clear = judge(boxes, picture, wanted=True)
    assert clear.tolist() == [True, True, False, True, True, False, True]
    assert is_face[clear].tolist() == [True, True, False, False, False]
    is_face, clear = judge(boxes, picture, wanted=False)
    assert not is_face.any()
    assert clear.tolist() == [False, False, False, True, True, False, False]


def test_the_model_says_how_good_it_is(verifier):
    provenance = load_model(Path(verifier)).provenance
    kept, removed = provenance["true_boxes_kept"], provenance["false_boxes_removed"]
    assert 0 <= kept["low"] <= kept["value"] <= kept["high"] <= 1
    assert kept["value"] >= 0.95 and removed["value"] > 0.5
    json.dumps(provenance)


def test_whatever_the_parts_are_there_is_a_measure_or_a_line():
    """Few faces that the cascade finds, and many that stand for those that it misses."""
    generator = np.random.default_rng(0)
    kinds, picture = [], []  # 0: a false box, 1: a face that was found, 2: another
    for number in range(60):
        here = [1] * 4 * (number < 5) + [0] * int(generator.poisson(2)) + [2] * 3
        kinds, picture = kinds + here, picture + [number] * len(here)
    kinds = np.array(kinds)
    crops = generator.integers(0, 256, (len(kinds), 48, 48), np.uint8)
    boxes = JudgedBoxes(crops, kinds > 0, kinds < 2, (kinds < 2) * 5.0, np.array(picture))
    measured = 0
    for seed in range(8):
        options = VerifierTrainingOptions(pictures=[SCENES], landmarks=20, seed=seed)
        try:
            worth = measure(boxes, options)
        except UserError as error:
            assert "give more pictures" in str(error)
        else:
            measured += 1
            assert 0 <= worth.kept.value <= 1 and 0 <= worth.removed.value <= 1
    assert measured


def test_mistakes_are_one_line(verifier, tmp_path, capsys):
    with pytest.raises(UserError, match="no file, and no shipped verifier"):
        DetectionParameters(verify=str(tmp_path / "none.npz"))
    with pytest.raises(UserError, match="not one of cvbaseline cascade train-verifier"):
        DetectionParameters(verify=str(SAMPLES.parent / "models" / "anime_emotions.npz"))
    assert main(["cascade", "train-verifier", str(SCENES), f"--out={verifier}"]) == 2
    assert "is there already" in capsys.readouterr().err
    out = tmp_path / "verifier.npz"
    words = ["cascade", "train-verifier", str(SCENES), f"--cascade={WEAK}"]
    assert main([*words, "--limit=2", f"--out={out}"]) == 2
    assert "too few to learn from" in capsys.readouterr().err
