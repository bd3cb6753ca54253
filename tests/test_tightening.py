"""`cascade tighten`: higher stage thresholds that lose few faces and save work."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from cvbaseline.boxes import as_boxes, iou, nested
from cvbaseline.cli import main
from cvbaseline.detection import detect, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.detector_quality.annotated_pictures import read_annotated_pictures
from cvbaseline.drawing import EMOTIONS, draw_face
from cvbaseline.evaluation.evaluator import stages_passed
from cvbaseline.formats.cascade_xml import load_cascade
from cvbaseline.images import read_grey, write_picture
from cvbaseline.shipped import cascade_path
from cvbaseline.tightening.thresholds import faces_kept, tightened, weak_per_window
from cvbaseline.tightening.window_sums import (
    FaceWindows,
    StageSums,
    joined_faces,
    picture_windows,
)
from cvbaseline.window_search import Search, find_windows

SCENES = Path(__file__).parents[1] / "training_samples" / "scenes"
GOLDEN = Path(__file__).parent / "data" / "golden"
WEAK_LBP = GOLDEN / "lbp_GAB" / "cascade.xml"
NEVER = -math.inf


def test_worked_example():
    """Two faces of two windows each, one window is enough; what is saved is a whole second stage.

    Raised to 2, the first stage's threshold loses a window of either face and no face. The second
    stage's could rise to 5 (face 0 needs its first window then, for which 5 is the sum), but it is
    the last: nothing is saved by it.
    """
    faces = FaceWindows(np.array([[3.0, 5], [1, 9], [2, 8], [0, 7]]), np.array([0, 0, 1, 1]))
    others = np.array([[-1, NEVER], [1.5, 3], [1.9, NEVER], [2, 4.0]])
    thresholds, weak = np.array([0.0, 1]), np.array([3, 10])
    assert weak_per_window(others, thresholds, weak) == 3 + 10 * 3 / 4
    new = tightened(faces, others, thresholds, weak, keep=1, windows=1)
    assert new.tolist() == [2, 1]
    assert weak_per_window(others, new, weak) == 3 + 10 / 4
    # Both windows of each are needed: nothing above 0 keeps them.
    assert tightened(faces, others, thresholds, weak, 1, windows=2).tolist() == [0, 1]
    # One face of the two may go: the other's best windows allow 3.
    assert tightened(faces, others, thresholds, weak, 0.5, windows=1)[0] == 3


@st.composite
def windows_of_faces(draw):
    """Sums of windows on faces and off them, few different ones, that pass thresholds of 0."""
    stages, counts = draw(st.integers(1, 3)), draw(st.lists(st.integers(1, 4), max_size=12))
    counts = counts or [1]
    values = st.integers(0, 6)
    sums = [[draw(values) for _ in range(stages)] for _ in range(sum(counts))]
    others = []
    for _ in range(draw(st.integers(1, 8))):
        row, alive = [], True
        for _ in range(stages):
            row.append(draw(st.integers(-2, 6)) if alive else NEVER)
            alive = row[-1] >= 0
        others.append(row)
    face = np.repeat(np.arange(len(counts)), counts)
    return FaceWindows(np.array(sums, float), face), np.array(others, float)


@settings(max_examples=150, deadline=None)
@given(windows_of_faces(), st.integers(1, 3), st.sampled_from([0.5, 0.8, 1.0]))
def test_no_more_faces_are_lost_than_may_be(drawn, windows, keep):
    faces, others = drawn
    before, weak = np.zeros(others.shape[1]), np.arange(2, 2 + others.shape[1])
    new = tightened(faces, others, before, weak, keep, windows)
    kept = faces_kept(faces, new, windows)
    assert kept.tolist() == naive.faces_kept(faces.sums, faces.face, new, windows)
    assert kept.sum() >= keep * faces.count - 1e-9
    assert (new >= before).all()
    costs = [weak_per_window(others, some, weak) for some in (before, new)]
    assert costs == [naive.weak_per_window(others, some, weak) for some in (before, new)]
    assert costs[1] <= costs[0]
    if keep == 1:  # no threshold can rise to the next sum of a face by itself
        for stage in range(len(new) - 1):
            for higher in faces.sums[:, stage][faces.sums[:, stage] > new[stage]][:3]:
                tried = new.copy()
                tried[stage] = higher
                assert (
                    not faces_kept(faces, tried, windows).all()
                    or weak_per_window(others, tried, weak) == costs[1]
                )


@pytest.mark.parametrize("name", ["lbp_animeface", "haar_animeface", WEAK_LBP])
def test_windows_on_faces_are_those_that_opencv_finds(name):
    path, found = cascade_path(Path(name)), 0
    cascade, detector = load_cascade(path), open_cascade(path).detector()
    sums, generator = StageSums(cascade), np.random.default_rng(0)
    for picture in read_annotated_pictures(SCENES)[:6]:
        grey = np.ascontiguousarray(read_grey(picture.path))
        search = Search(grey, detector, 1.15, 24, None)
        windows = picture_windows(search, picture.boxes, as_boxes([]), sums, 50, generator)
        boxes, last, _ = find_windows(search)
        inside = (boxes[:, :2] + boxes[:, 2:] < np.array(search.picture)).all(axis=1)
        for box, ours in zip(picture.boxes, windows.faces):
            near = inside & (iou(boxes, box[None])[:, 0] >= 0.5)
            # OpenCV cuts off what juts out of the picture, so some of ours may not be among these.
            assert set(last[near].round(5)) <= set(ours[:, -1].round(5))
            assert len(ours) >= near.sum()
            assert (ours >= sums.thresholds).all()
            found += len(ours)
        assert 0 < len(windows.others) <= 100
    assert found > 100


@pytest.mark.parametrize("name", ["lbp_animeface", "haar_frontalface"])
def test_sums_end_where_opencv_rejects_a_window(name):
    cascade = load_cascade(cascade_path(Path(name)))
    grey = read_grey(read_annotated_pictures(SCENES)[0].path)
    generator = np.random.default_rng(1)
    ends = np.array(grey.shape[::-1]) - [cascade.width, cascade.height]
    corners = generator.integers(0, ends, (500, 2))
    grey[:60, :60] = 128  # flat: a Haar cascade rejects it at once
    corners[:20] = generator.integers(0, 20, (20, 2))
    sums = StageSums(cascade)
    passed = (sums(grey, corners) >= sums.thresholds).sum(axis=1)
    assert passed.tolist() == np.maximum(stages_passed(cascade, grey, corners), 0).tolist()
    assert len(set(passed)) > 3


def test_windows_off_faces_keep_clear_of_them():
    """All windows of a picture of a single face are on it or touch it: none is drawn."""
    path = cascade_path(Path("lbp_animeface"))
    grey = np.full((30, 30), 90, np.uint8)
    search = Search(grey, open_cascade(path).detector(), 1.1, 24, None)
    sums = StageSums(load_cascade(path))
    box, generator = as_boxes([[0, 0, 30, 30]]), np.random.default_rng(0)
    assert nested(as_boxes([[6, 6, 24, 24]]), box).max() == 1
    assert len(picture_windows(search, box, as_boxes([]), sums, 40, generator).others) == 0
    assert len(picture_windows(search, as_boxes([]), box, sums, 40, generator).others) == 0
    none = as_boxes([])
    assert 30 <= len(picture_windows(search, none, none, sums, 40, generator).others) <= 50


def test_faces_without_windows_are_left_out():
    faces = joined_faces([np.ones((2, 3)), np.ones((0, 3)), np.zeros((1, 3))])
    assert faces.face.tolist() == [0, 0, 1] and faces.sums.shape == (3, 3)
    assert faces.of(np.array([False, True])).face.tolist() == [0]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    assert main(["draw", "--kind=scenes", "--count=80", "--seed=21", f"--out={folder}/a"]) == 0
    assert main(["draw", "--kind=scenes", "--count=30", "--seed=22", f"--out={folder}/b"]) == 0
    return folder


def found_and_work(path, folder, stages):
    """Faces that OpenCV finds in a folder's pictures, and the mean of stages that are passed."""
    classifier, cascade = open_cascade(path), load_cascade(path)
    cascade = replace(cascade, stages=cascade.stages[:stages])
    found, passed = 0, []
    for picture in read_annotated_pictures(folder):
        grey = read_grey(picture.path)
        boxes = detect(grey, classifier, DetectionParameters(stages=stages)).boxes
        found += (iou(picture.boxes, boxes).max(axis=1, initial=0) >= 0.4).sum()
        y, x = np.mgrid[: grey.shape[0] - cascade.height : 5, : grey.shape[1] - cascade.width : 5]
        passed.append(stages_passed(cascade, grey, np.stack([x, y], axis=-1).reshape(-1, 2)))
    return found, np.concatenate(passed).mean()


def test_the_verb_makes_a_cascade_faster_on_new_pictures(scenes, tmp_path, capsys):
    """On scenes of other seeds: nearly the same faces, and windows are rejected earlier."""
    out, stages = tmp_path / "new folder" / "faster.xml", 10
    words = ["cascade", "tighten", "lbp_animeface", str(scenes / "a"), f"--out={out}"]
    assert main([*words, f"--stages={stages}", "--keep=0.97"]) == 0
    printed = capsys.readouterr().out
    assert "weak classifiers, not" in printed and f"the cascade is in {out}" in printed
    old, new = load_cascade(cascade_path(Path("lbp_animeface"))), load_cascade(out)
    assert np.array_equal(old.features.cells, new.features.cells)
    for before, after in zip(old.stages[:stages], new.stages[:stages]):
        assert after.threshold >= before.threshold - 1e-9
        assert all(map(np.array_equal, before.trees, after.trees))
    assert [stage.threshold for stage in new.stages[stages:]] == [
        stage.threshold for stage in old.stages[stages:]
    ]
    then = found_and_work(cascade_path(Path("lbp_animeface")), scenes / "b", stages)
    now = found_and_work(out, scenes / "b", stages)
    assert now[0] >= 0.9 * then[0] > 20
    assert now[1] < 0.9 * then[1]
    again = tmp_path / "again.xml"
    words[-1] = f"--out={again}"
    assert main([*words, f"--stages={stages}", "--keep=0.97"]) == 0
    assert again.read_bytes() == out.read_bytes()


def test_mistakes_are_told_in_a_line(scenes, tmp_path, capsys):
    out = tmp_path / "there.xml"
    out.write_text("mine")
    words = ["cascade", "tighten", "lbp_animeface"]
    assert main([*words, str(scenes / "a"), f"--out={out}"]) == 2
    assert "is there already" in capsys.readouterr().err and out.read_text() == "mine"
    assert main([*words, str(SCENES), f"--out={tmp_path / 'few.xml'}"]) == 2
    assert "too few to choose by" in capsys.readouterr().err
    write_picture(tmp_path / "blank.png", np.full((50, 50), 128, np.uint8))
    (tmp_path / "blank.dat").write_text("blank.png 1 10 10 30 30\n")
    assert main([*words, str(tmp_path / "blank.dat"), f"--out={tmp_path / 'few.xml'}"]) == 2
    assert "0 faces found are too few" in capsys.readouterr().err
    for number in range(160):  # nothing but faces: there are no windows off them
        face = draw_face(number, EMOTIONS[number % len(EMOTIONS)], 160)
        x, y, side, _ = np.rint(face.box).astype(int)
        write_picture(tmp_path / f"{number}.png", face.image[y : y + side, x : x + side])
        with open(tmp_path / "crops.dat", "a", encoding="utf-8") as listing:
            listing.write(f"{number}.png 1 0 0 {side} {side}\n")
    assert main([*words, str(tmp_path / "crops.dat"), f"--out={tmp_path / 'few.xml'}"]) == 2
    assert "windows off faces are too few" in capsys.readouterr().err
    assert main([*words, str(SCENES), "--keep=1.5"]) == 2
    assert "--keep 1.5 must be above 0 and at most 1" in capsys.readouterr().err
    assert main([*words, str(SCENES), "--windows=0"]) == 2
    assert "--windows 0 must be at least 1" in capsys.readouterr().err
    assert main([*words, str(SCENES), "--seed=-1"]) == 2
    assert "--seed -1 must be 0 or more" in capsys.readouterr().err
    # Said before the search, which would be lost.
    assert main([*words, str(scenes / "a"), f"--out={out}/below/a.xml"]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert main(["cascade", "tighten", "nothing", str(SCENES), f"--out={tmp_path}/new/a.xml"]) == 2
    assert not (tmp_path / "new").exists()
