"""Detection: OpenCV's own boxes, our score, and what is refused."""

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path

import cv2
import naive
import numpy as np
import pytest
import skimage.data

from cvbaseline.detection import Detections, detect, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.errors import FormatError, UserError
from cvbaseline.faces import CropOptions
from cvbaseline.formats.cascade_xml import load_cascade, render_cascade, save_cascade
from cvbaseline.opencv_cascade import OpenCVCascade

GOLDEN = Path(__file__).parent / "data" / "golden"
FRONTAL_FACE = skimage.data.lbp_frontal_face_cascade_filename()


@pytest.fixture(scope="module")
def frontal():
    """OpenCV's own LBP cascade of frontal faces."""
    return open_cascade(FRONTAL_FACE)


@pytest.fixture(scope="module")
def golden():
    """A weak cascade that finds many boxes."""
    return open_cascade(GOLDEN / "lbp_GAB" / "cascade.xml")


@pytest.fixture(scope="module")
def astronaut():
    """A photograph with one face at about (170, 60), 110 pixels wide."""
    return cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)


def plain(cascade):
    """OpenCV's own detector."""
    return cascade.detector().classifier if isinstance(cascade, OpenCVCascade) else cascade


def opencv_boxes(grey, classifier, parameters):
    """detectMultiScale's boxes with the same parameters, in a fixed order."""
    largest = parameters.max_size or 0
    boxes = plain(classifier).detectMultiScale(
        grey,
        parameters.scale_factor,
        parameters.min_neighbors,
        0,
        (parameters.min_size, parameters.min_size),
        (largest, largest),
    )
    return sorted(map(tuple, np.asarray(boxes).reshape(-1, 4).tolist()))


def test_finds_the_astronaut(frontal, astronaut):
    found = detect(astronaut, frontal, DetectionParameters(min_size=60))
    x, y, width, height = found.boxes[0]
    assert abs(x + width / 2 - 225) < 20 and abs(y + height / 2 - 120) < 20
    assert found.boxes.dtype == np.int32 and found.scores.dtype == np.float64


@pytest.mark.parametrize(
    "parameters",
    [
        DetectionParameters(),
        DetectionParameters(min_neighbors=0),
        DetectionParameters(min_neighbors=1, scale_factor=1.3),
        DetectionParameters(min_neighbors=6, scale_factor=1.05, min_size=40),
        DetectionParameters(min_neighbors=2, min_size=30, max_size=60),
        DetectionParameters(min_neighbors=1, min_size=37, max_size=37),
    ],
)
@pytest.mark.parametrize("which", ["frontal", "golden"])
def test_boxes_are_those_of_opencv(which, parameters, astronaut, request):
    classifier = request.getfixturevalue(which)
    grey = astronaut[40:240, 120:330]
    found = detect(grey, classifier, parameters)
    assert sorted(map(tuple, found.boxes.tolist())) == opencv_boxes(grey, classifier, parameters)


def test_boxes_at_the_edges_are_those_of_opencv(golden, astronaut):
    parameters = DetectionParameters(min_neighbors=1, scale_factor=1.1)
    touching = 0
    for cut in range(40):
        grey = astronaut[40 : 150 + cut, 120 : 250 + cut]
        found = detect(grey, golden, parameters)
        expected = opencv_boxes(grey, golden, parameters)
        assert sorted(map(tuple, found.boxes.tolist())) == expected
        windows = np.array(opencv_boxes(grey, golden, DetectionParameters(min_neighbors=0)))
        touching += (windows[:, :2] + windows[:, 2:]).max() >= min(grey.shape)
    assert touching > 5


def test_flat_windows_do_not_pass_a_cascade_of_one_stage(astronaut):
    classifier = open_cascade(GOLDEN / "haar_core_base_format" / "cascade.xml")
    grey = astronaut[40:200, 120:300] // 4 + 90
    for parameters in (DetectionParameters(min_neighbors=0), DetectionParameters()):
        found = detect(grey, classifier, parameters)
        expected = opencv_boxes(grey, classifier, parameters)
        assert sorted(map(tuple, found.boxes.tolist())) == expected
        assert len(expected) > 0
    flat = np.full((60, 60), 200, np.uint8)
    assert len(plain(classifier).detectMultiScale3(flat, minNeighbors=0, outputRejectLevels=True)[0])
    assert len(detect(flat, classifier, DetectionParameters(min_neighbors=0)).boxes) == 0


def test_score_is_the_sum_of_the_windows_probabilities(golden, astronaut):
    grey = astronaut[40:200, 150:310]
    parameters = DetectionParameters(min_neighbors=2)
    found = detect(grey, golden, parameters)
    windows, _, sums = plain(golden).detectMultiScale3(
        grey, 1.1, 0, 0, (24, 24), (0, 0), outputRejectLevels=True
    )
    assert len(found.boxes) > 3
    for box, score in zip(found.boxes.tolist(), found.scores):
        expected = sum(
            1 / (1 + math.exp(-2 * float(weight)))
            for window, weight in zip(windows.tolist(), np.ravel(sums))
            if naive.box_iou(box, window) >= 0.5
        )
        assert score == pytest.approx(expected)
    assert np.all(np.diff(found.scores) <= 0)


def test_single_windows_are_worth_their_probability(golden, astronaut):
    grey = astronaut[60:160, 170:270]
    found = detect(grey, golden, DetectionParameters(min_neighbors=0))
    assert len(found.boxes) > 10 and found.scores.min() > 0 and found.scores.max() <= 1


def test_order_does_not_depend_on_threads(golden, astronaut):
    many = [detect(astronaut, golden, DetectionParameters(min_neighbors=0)) for _ in range(3)]
    for other in many[1:]:
        assert np.array_equal(many[0].boxes, other.boxes)
        assert np.array_equal(many[0].scores, other.scores)


def test_min_score_leaves_the_best_boxes(golden, astronaut):
    every = detect(astronaut, golden, DetectionParameters(min_neighbors=1))
    limit = float(np.median(every.scores))
    best = detect(astronaut, golden, DetectionParameters(min_neighbors=1, min_score=limit))
    kept = every.scores >= limit
    assert 0 < kept.sum() < len(kept)
    assert np.array_equal(best.boxes, every.boxes[kept])
    assert np.array_equal(best.scores, every.scores[kept])


def test_equalise_searches_the_equalised_picture(golden, astronaut):
    dark = astronaut[40:240, 120:330] // 4
    asked = detect(dark, golden, DetectionParameters(equalise_picture=True))
    by_hand = detect(cv2.equalizeHist(dark), golden, DetectionParameters())
    assert np.array_equal(asked.boxes, by_hand.boxes)
    assert not np.array_equal(asked.boxes, detect(dark, golden, DetectionParameters()).boxes)


def test_the_picture_stays_as_it_is(golden, astronaut):
    grey = astronaut[40:240:2, 120:330:2]  # a view that is not contiguous
    before = grey.copy()
    detect(grey, golden, DetectionParameters(equalise_picture=True))
    assert np.array_equal(grey, before)


@pytest.mark.parametrize("shape", [(23, 200), (200, 23), (1, 1)])
def test_picture_smaller_than_the_window_has_no_boxes(shape, golden):
    found = detect(np.full(shape, 99, np.uint8), golden, DetectionParameters(min_size=1))
    assert found.boxes.shape == (0, 4) and found.scores.shape == (0,)


def test_no_box_is_smaller_or_larger_than_asked(golden, astronaut):
    grey = cv2.resize(astronaut[65:180, 170:285], (67, 67), interpolation=cv2.INTER_AREA)
    assert len(opencv_boxes(grey, golden, DetectionParameters(min_size=150, min_neighbors=0)))
    assert len(detect(grey, golden, DetectionParameters(min_size=150)).boxes) == 0
    few = DetectionParameters(min_size=10, max_size=20, min_neighbors=0)
    assert len(opencv_boxes(grey, golden, few))
    assert len(detect(grey, golden, few).boxes) == 0


def test_nothing_found_is_an_empty_array(frontal):
    found = detect(np.full((100, 100), 128, np.uint8), frontal, DetectionParameters())
    assert isinstance(found, Detections)
    assert found.boxes.shape == (0, 4) and found.boxes.dtype == np.int32


def test_detect_refuses_colour(golden):
    with pytest.raises(ValueError, match="uint8"):
        detect(np.zeros((50, 50, 3), np.uint8), golden, DetectionParameters())


@pytest.mark.parametrize("folder", sorted(path.parent for path in GOLDEN.glob("*/cascade.xml")))
def test_opens_every_golden_cascade_from_any_path(folder, tmp_path, astronaut):
    path = tmp_path / "顔 é ☃.xml"
    path.write_bytes((folder / "cascade.xml").read_bytes())
    opened = open_cascade(path)
    direct = cv2.CascadeClassifier(str(folder / "cascade.xml"))
    assert plain(opened).getOriginalWindowSize() == direct.getOriginalWindowSize()
    grey = astronaut[60:160, 170:270]
    everything = DetectionParameters(min_neighbors=0)
    assert opencv_boxes(grey, opened, everything) == opencv_boxes(grey, direct, everything)


@pytest.mark.parametrize("stages", [1, 2, 3, 50])
def test_the_first_stages_are_a_cascade_of_their_own(stages, tmp_path, astronaut):
    whole = load_cascade(GOLDEN / "lbp_GAB" / "cascade.xml")
    path = tmp_path / "short.xml"
    save_cascade(path, replace(whole, stages=whole.stages[:stages]))
    short = cv2.CascadeClassifier(str(path))
    opened, grey = open_cascade(GOLDEN / "lbp_GAB" / "cascade.xml"), astronaut[60:160, 170:270]
    for min_neighbors in (0, 3):
        parameters = DetectionParameters(min_neighbors=min_neighbors, stages=stages)
        found = detect(grey, opened, parameters)
        expected = opencv_boxes(grey, short, parameters)
        assert sorted(map(tuple, found.boxes.tolist())) == expected
    assert expected or stages > 3
    assert detect(grey, opened, DetectionParameters()).boxes.tolist() == (
        detect(grey, opened, replace(parameters, stages=50)).boxes.tolist()
    )


def test_wide_windows(tmp_path, astronaut):
    cascade = load_cascade(GOLDEN / "lbp_GAB" / "cascade.xml")
    path = tmp_path / "wide.xml"
    path.write_bytes(render_cascade(cascade).replace(b"<width>24</width>", b"<width>48</width>"))
    classifier = open_cascade(path)
    parameters = DetectionParameters(min_neighbors=1, min_size=30)
    grey = astronaut[40:240, 120:330]
    found = detect(grey, classifier, parameters)
    assert len(found.boxes) and sorted(map(tuple, found.boxes.tolist())) == opencv_boxes(
        grey, classifier, parameters
    )
    # a window 110 high would be 220 wide, more than the picture
    assert len(detect(grey, classifier, DetectionParameters(min_size=110)).boxes) == 0


def test_a_file_that_is_no_cascade(tmp_path):
    path = tmp_path / "bad.xml"
    path.write_text("<opencv_storage><cascade/></opencv_storage>")
    with pytest.raises(FormatError, match="bad.xml"):
        open_cascade(path)
    with pytest.raises(UserError, match=r"missing\.xml"):
        open_cascade(tmp_path / "missing.xml")


def test_opencv_without_cascades(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier")
    with pytest.raises(UserError, match="opencv-contrib-python"):
        open_cascade(FRONTAL_FACE)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"stages": 0}, "stages must be"),
        ({"scale_factor": 1.0}, "scale factor must be"),
        ({"scale_factor": float("nan")}, "scale factor must be"),
        ({"min_neighbors": -1}, "min neighbors must be"),
        ({"min_size": 0}, "min size must be"),
        ({"min_size": 50, "max_size": 40}, "max size must be"),
        ({"max_size": 3_000_000_000}, "max size must be 1 to 2147483647 pixels"),
    ],
)
def test_parameters_are_checked(values, message):
    with pytest.raises(UserError, match=message):
        DetectionParameters(**values)


def test_a_verb_may_inherit_from_both_options():
    @dataclass(frozen=True, kw_only=True)
    class Both(DetectionParameters, CropOptions):
        pass

    names = [field.name for field in (*fields(DetectionParameters), *fields(CropOptions))]
    assert len(names) == len(set(names))
    assert Both(margin=0.2, equalise="clahe").equalise == "clahe"
    with pytest.raises(UserError, match="margin"):
        Both(margin=9)
    with pytest.raises(UserError, match="scale factor"):
        Both(scale_factor=1)
