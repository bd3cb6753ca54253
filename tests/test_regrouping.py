"""Windows that pass more stages, grouped by themselves as well (--regroup-stages)."""

import math
from pathlib import Path

import numpy as np
import pytest

import naive
from cvbaseline.cli import main
from cvbaseline.detection import detect, detect_counted, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.images import read_grey

GOLDEN = Path(__file__).parent / "data" / "golden"
SCENES = Path(__file__).parents[1] / "training_samples" / "scenes"
FEW, MORE, COUNT = 2, 4, 2


@pytest.fixture(scope="module")
def scene():
    return read_grey(SCENES / "0004.jpg")


def overlap(one, other):
    common = naive.common_pixels(one, other)
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def settled(box, windows):
    """The mean of the windows on the box's object, weighted by the root of their odds."""
    near = [
        (window, math.sqrt(p / (1 - p))) for window, p in windows if overlap(box, window) >= 0.5
    ]
    if not near:
        return box
    total = sum(weight for _, weight in near)
    return [round(sum(window[i] * w for window, w in near) / total) for i in range(4)]


def expected_boxes(cascade, grey):
    """What OpenCV groups of the windows of both numbers of stages, joined and merged naively."""
    every = detect_counted(grey, cascade, DetectionParameters(min_neighbors=0, stages=FEW))
    windows = list(zip(every.boxes.tolist(), every.scores.tolist()))
    further = detect_counted(grey, cascade, DetectionParameters(min_neighbors=0, stages=MORE))
    among = {tuple(box) for box in further.boxes.tolist()}
    lasting = [(window, p) for window, p in windows if tuple(window) in among]
    found = []
    for stages in (FEW, MORE):
        classifier = cascade.detector(stages).classifier
        boxes, counts = classifier.detectMultiScale2(grey, 1.1, COUNT, 0, (24, 24))
        known = list(found)
        for box, count in zip(boxes.tolist(), counts.tolist()):
            if all(overlap(box, other) < 0.8 or more < count for other, more, _ in known):
                score = sum(p for window, p in windows if overlap(box, window) >= 0.5)
                found.append((box, count, score))
        if stages == FEW:
            first = len(found)
    moved = [(settled(box, lasting), *rest) for box, *rest in found]
    kept = []
    for box, count, score in sorted(moved, key=lambda one: (-one[1], -one[2])):
        smaller = [min(box[2] * box[3], other[2] * other[3]) for other, _ in kept]
        common = [naive.common_pixels(box, other) for other, _ in kept]
        if all(pixels < 0.5 * area for pixels, area in zip(common, smaller)):
            kept.append((box, score))
    return kept, len(found) - first


@pytest.mark.parametrize("many_pictures", [False, True])
@pytest.mark.parametrize("name", ["lbp_GAB", "haar_basic"])
def test_boxes_are_opencvs_of_both_numbers_of_stages_settled(name, many_pictures, scene):
    cascade = open_cascade(GOLDEN / name / "cascade.xml", many_pictures)
    parameters = DetectionParameters(min_neighbors=COUNT, stages=FEW, regroup_stages=MORE)
    found = detect(scene, cascade, parameters)
    expected, new = expected_boxes(cascade, scene)
    assert new > 0
    assert sorted(found.boxes.tolist()) == sorted(box for box, _ in expected)
    assert found.scores == pytest.approx(sorted((score for _, score in expected), reverse=True))


@pytest.mark.parametrize("regroup_stages", [0, 1, FEW])
def test_no_more_stages_than_are_searched_with_change_nothing(regroup_stages, scene):
    cascade = open_cascade(GOLDEN / "lbp_GAB" / "cascade.xml")
    plain = detect(scene, cascade, DetectionParameters(stages=FEW))
    found = detect(scene, cascade, DetectionParameters(stages=FEW, regroup_stages=regroup_stages))
    assert np.array_equal(found.boxes, plain.boxes) and np.array_equal(found.scores, plain.scores)


def test_single_windows_are_not_grouped(scene):
    cascade = open_cascade(GOLDEN / "lbp_GAB" / "cascade.xml")
    settings = {"min_neighbors": 0, "stages": FEW}
    plain = detect(scene, cascade, DetectionParameters(**settings))
    found = detect(scene, cascade, DetectionParameters(**settings, regroup_stages=MORE))
    assert np.array_equal(found.boxes, plain.boxes)


def test_a_negative_number_is_refused(capsys):
    assert main(["detect", str(SCENES), "--regroup-stages", "-1"]) == 2
    assert "regroup stages must be 0 or more, got -1" in capsys.readouterr().err
