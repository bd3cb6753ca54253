"""Turned copies: where pixels and boxes go; faces found tilted; boxes of one face merged."""

from pathlib import Path

from dataclasses import replace
import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvbaseline.boxes import nested
from cvbaseline.detection import detect, detect_counted, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.errors import UserError
from cvbaseline.images import read_grey
from cvbaseline.shipped import cascade_path
from cvbaseline.tilted_detection import turned_back, turned_copy

WEAK = Path(__file__).parent / "data" / "golden" / "lbp_GAB" / "cascade.xml"  # many boxes
SCENE = Path(__file__).parents[1] / "training_samples" / "scenes" / "0005.jpg"


@pytest.fixture(scope="module")
def cascade():
    """A shipped cascade that can do without a second look."""
    return open_cascade(cascade_path(Path("lbp_animeface")))


@pytest.fixture(scope="module")
def scene():
    """A drawn scene with three faces."""
    return read_grey(SCENE)


def test_a_quarter_turn_is_numpys():
    grey = np.random.default_rng(0).integers(0, 256, (30, 50), np.uint8)
    copy, _ = turned_copy(grey, 90)
    assert np.array_equal(copy, np.rot90(grey))
    assert np.array_equal(turned_copy(grey, 0)[0], grey)


@pytest.mark.parametrize("degrees", [-30, 20, 75])
def test_pixels_go_where_the_map_says(degrees):
    for x, y in ((5, 7), (80, 4), (40, 30), (84, 54)):
        grey = np.zeros((60, 90), np.uint8)
        grey[y - 1 : y + 2, x - 1 : x + 2] = 255
        copy, turn = turned_copy(grey, degrees)
        u, v = turn @ (x, y, 1)
        weight = copy.astype(float)
        rows, columns = np.indices(copy.shape)
        assert (columns * weight).sum() / weight.sum() == pytest.approx(u, abs=0.3)
        assert (rows * weight).sum() / weight.sum() == pytest.approx(v, abs=0.3)


@given(
    st.integers(-90, 90), st.integers(40, 200), st.integers(40, 200), st.integers(8, 30),
    st.floats(0, 1), st.floats(0, 1),
)  # fmt: skip
def test_boxes_come_back(degrees, height, width, side, across, down):
    x, y = round(across * (width - side)), round(down * (height - side))
    _, turn = turned_copy(np.zeros((height, width), np.uint8), degrees)
    u, v = turn @ (x + (side - 1) / 2, y + (side - 1) / 2, 1)
    there = np.array([[round(u - (side - 1) / 2), round(v - (side - 1) / 2), side, side]])
    [back], [inside] = turned_back(there, turn, (height, width))
    assert inside
    # Two roundings: within a pixel on each axis, and cut off at the edges.
    assert np.abs(back - (x, y, side, side)).max() <= 2
    assert back[0] >= 0 and back[1] >= 0
    assert back[0] + back[2] <= width and back[1] + back[3] <= height


def test_boxes_on_the_ground_are_outside():
    copy, turn = turned_copy(np.zeros((40, 100), np.uint8), 30)
    boxes, inside = turned_back(np.array([[0, 0, 10, 10], [45, 40, 20, 20]]), turn, (40, 100))
    assert inside.tolist() == [False, True] and boxes.dtype == np.int32
    assert copy.shape[0] > 40 and copy.shape[1] > 86


@pytest.mark.parametrize("degrees", [-60, 60])
def test_tilted_faces_are_found(degrees, cascade, scene):
    # Without the last stages, which drop one of the three.
    search = DetectionParameters(stages=13)
    upright = detect(scene, cascade, replace(search, min_neighbors=10))  # the faces alone
    tilted, turn = turned_copy(scene, degrees)
    middles = (upright.boxes[:, :2] + (upright.boxes[:, 2:] - 1) / 2) @ turn[:, :2].T + turn[:, 2]
    expected = np.concatenate([middles - (upright.boxes[:, 2:] - 1) / 2, upright.boxes[:, 2:]], 1)

    def found(parameters):
        boxes = detect(tilted, cascade, parameters).boxes.tolist()
        return [
            any(naive.box_iou(np.rint(box).astype(int).tolist(), one) > 0.6 for one in boxes)
            for box in expected
        ]

    assert len(expected) == 3
    assert found(search).count(True) < 3
    assert all(found(replace(search, tilt=abs(degrees))))


def test_tilt_keeps_one_box_a_face(cascade, scene):
    parameters = DetectionParameters(tilt=10)
    boxes = detect(scene, cascade, parameters).boxes
    shared = nested(boxes, boxes) - np.eye(len(boxes))
    assert len(boxes) >= 3 and shared.max() < 0.5
    assert boxes.min() >= 0
    assert (boxes[:, 0] + boxes[:, 2]).max() <= scene.shape[1]


def naive_merged(boxes, ranks, overlap):
    """Boxes in the order of rank, each kept unless it shares too much with one kept before."""
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: ranks[i]):
        smaller = [min(boxes[i][2] * boxes[i][3], boxes[j][2] * boxes[j][3]) for j in kept]
        common = [naive.common_pixels(boxes[i], boxes[j]) for j in kept]
        if all(c < overlap * s for c, s in zip(common, smaller)):
            kept.append(i)
    return [boxes[i] for i in kept]


@pytest.mark.parametrize("overlap", [0.1, 0.43, 1.0])
@pytest.mark.parametrize("tilt", [0, 20])
def test_merged_boxes_are_the_naive_ones_for_every_min_neighbors(overlap, tilt, scene):
    cascade, scene = open_cascade(WEAK), scene[120:260, 20:220]
    every = detect_counted(
        scene,
        cascade,
        DetectionParameters(min_neighbors=1, tilt=tilt, merge_overlap=overlap),
    )
    plain = detect_counted(scene, cascade, DetectionParameters(min_neighbors=1))
    if not tilt:
        ranks = [(-n, -s) for n, s in zip(plain.neighbors.tolist(), plain.scores.tolist())]
        expected = naive_merged(plain.boxes.tolist(), ranks, overlap)
        assert sorted(every.boxes.tolist()) == sorted(expected)
        assert len(expected) < len(plain.boxes) or overlap == 1
    for count in (1, 3, 8):
        merged = DetectionParameters(min_neighbors=count, tilt=tilt, merge_overlap=overlap)
        found = detect(scene, cascade, merged)
        assert np.array_equal(found.boxes, every.above(count).boxes)
        assert np.array_equal(found.scores, every.above(count).scores)
        assert np.all(np.diff(found.scores) <= 0)


def test_nested_by_hand():
    a, b = np.array([[0, 0, 10, 10]]), np.array([[2, 2, 4, 4], [5, 0, 10, 10], [20, 20, 5, 5]])
    assert nested(a, b).tolist() == [[1.0, 0.5, 0.0]]


@pytest.mark.parametrize(
    "values, message",
    [({"tilt": -1}, "tilt"), ({"tilt": 91}, "tilt"), ({"merge_overlap": 0.0}, "merge overlap"),
     ({"merge_overlap": 1.5}, "merge overlap")],
)  # fmt: skip
def test_mistakes(values, message):
    with pytest.raises(UserError, match=message):
        DetectionParameters(**values)


def test_the_picture_stays_as_it_is(cascade, scene):
    before = scene.copy()
    detect(scene, cascade, DetectionParameters(tilt=15, min_size=60))
    assert np.array_equal(scene, before)
