"""One search for every min_neighbors: the boxes are those of detectMultiScale for each."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from cvbaseline import window_search
from cvbaseline.detection import detect, detect_counted, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.formats.cascade_xml import load_cascade, render_cascade
from cvbaseline.window_search import GROUPING_EPSILON, Search, search_passes, whole_windows

GOLDEN = Path(__file__).parent / "data" / "golden"
CASCADES = {
    "lbp": GOLDEN / "lbp_GAB" / "cascade.xml",
    "lbp trees": GOLDEN / "lbp_d2" / "cascade.xml",
    "haar": GOLDEN / "haar_basic" / "cascade.xml",
    "haar tilted": GOLDEN / "haar_all_d2" / "cascade.xml",
    "haar, one stage": GOLDEN / "haar_core_base_format" / "cascade.xml",
    "lbp frontal": Path(skimage.data.lbp_frontal_face_cascade_filename()),
}
COUNTS = (1, 2, 3, 4, 5, 7, 10, 15, 30)


@pytest.fixture(scope="module")
def astronaut():
    """A photograph with one face at about (170, 60), 110 pixels wide."""
    return cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)


def as_set(boxes):
    """Boxes in a fixed order."""
    return sorted(map(tuple, np.asarray(boxes, np.int32).reshape(-1, 4).tolist()))


def opencv_boxes(grey, classifier, parameters, min_neighbors):
    """What detectMultiScale finds."""
    least, most = parameters.min_size, parameters.max_size or 0
    return as_set(
        classifier.detector().classifier.detectMultiScale(
            grey, parameters.scale_factor, min_neighbors, 0, (least, least), (most, most)
        )
    )


def compare_with_opencv(grey, classifier, parameters):
    """Assert equal boxes for every count; returns how many boxes there were."""
    found = detect_counted(grey, classifier, parameters)
    boxes = 0
    for count in COUNTS:
        expected = opencv_boxes(grey, classifier, parameters, count)
        assert as_set(found.above(count).boxes) == expected
        boxes += len(expected)
    return boxes


@pytest.mark.parametrize("many_pictures", [False, True], ids=["opencv", "ours"])
@pytest.mark.parametrize("name", CASCADES)
@pytest.mark.parametrize(
    "parameters",
    [
        DetectionParameters(min_neighbors=1),
        DetectionParameters(min_neighbors=1, scale_factor=1.03, min_size=40, max_size=90),
        DetectionParameters(min_neighbors=1, scale_factor=1.3, min_size=1),
        DetectionParameters(min_neighbors=1, scale_factor=1.2, min_size=37, max_size=37),
    ],
    ids=lambda parameters: f"{parameters.scale_factor}-{parameters.min_size}",
)
def test_one_search_gives_the_boxes_for_every_count(name, parameters, many_pictures, astronaut):
    classifier = open_cascade(CASCADES[name], many_pictures)
    compare_with_opencv(np.ascontiguousarray(astronaut[40:200, 120:290]), classifier, parameters)


@pytest.mark.parametrize("name", ["lbp", "haar"])
def test_faces_cut_by_the_edge(name, astronaut, monkeypatch):
    """Windows that jut out are grouped whole, in one search, as if they had never been cut."""
    classifier = open_cascade(CASCADES[name])
    cut = 0

    def watched(search, boxes):
        nonlocal cut
        whole = whole_windows(search, boxes)
        cut += np.any(whole != boxes)
        return whole

    monkeypatch.setattr(window_search, "whole_windows", watched)
    boxes = 0
    for grown in range(60):
        grey = np.ascontiguousarray(astronaut[60 : 130 + grown, 150 : 240 + grown // 2])
        factor = (1.05, 1.1, 1.17, 1.25)[grown % 4]
        parameters = DetectionParameters(min_neighbors=1, scale_factor=factor)
        boxes += compare_with_opencv(grey, classifier, parameters)
    assert cut > 5 and boxes > 50


def test_where_the_cut_cannot_be_told_opencv_groups_itself(astronaut, monkeypatch):
    classifier = open_cascade(CASCADES["lbp"])
    monkeypatch.setattr(window_search, "whole_windows", lambda search, boxes: None)
    grey = np.ascontiguousarray(astronaut[60:160, 150:260])
    assert compare_with_opencv(grey, classifier, DetectionParameters(min_neighbors=1)) > 10


def test_a_window_of_two_possible_sizes_is_not_guessed():
    """A 26 x 26 rest in the corner is a window of 26 or 27 pixels whose grids both start there."""
    grey = np.zeros((26, 26), np.uint8)
    classifier = open_cascade(CASCADES["lbp"])
    search = Search(grey, classifier.detector(), 1.035, 24, None)
    sizes = {one.size[0] for one in search_passes(search)}
    assert sizes == {24, 25, 26}
    corner = np.array([[0, 0, 26, 26]], np.int32)
    assert np.array_equal(whole_windows(search, corner), corner)
    larger = search_passes(search)[-1]._replace(size=(27, 27))
    with pytest.MonkeyPatch.context() as patch:
        passes = [*search_passes(search), larger]
        patch.setattr(window_search, "search_passes", lambda search: passes)
        assert whole_windows(search, corner) is None


def test_windows_wider_than_high(tmp_path, astronaut):
    cascade = load_cascade(CASCADES["lbp"])
    path = tmp_path / "wide.xml"
    path.write_bytes(render_cascade(cascade).replace(b"<width>24</width>", b"<width>31</width>"))
    classifier = open_cascade(path)
    boxes = 0
    for grown in range(20):
        grey = np.ascontiguousarray(astronaut[60 : 130 + grown, 150 : 240 + grown])
        parameters = DetectionParameters(min_neighbors=1, scale_factor=1.07)
        boxes += compare_with_opencv(grey, classifier, parameters)
    assert boxes > 50


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"equalise_picture": True, "max_size": 90},
        {"tilt": 20},
        {"merge_overlap": 0.4},
        {"tilt": 30, "merge_overlap": 0.8},
        {"stages": 2, "regroup_stages": 4},
        {"stages": 3, "regroup_stages": 5, "tilt": 20},
    ],
    ids=str,
)
def test_detect_is_the_search_above_its_count(more, astronaut):
    """Whatever else is asked for: the sweep relies on it."""
    classifier = open_cascade(CASCADES["lbp"])
    grey = astronaut[40:200, 120:290]
    every = detect_counted(grey, classifier, DetectionParameters(min_neighbors=1, **more))
    for count in COUNTS:
        found = detect(grey, classifier, DetectionParameters(min_neighbors=count, **more))
        assert np.array_equal(found.boxes, every.above(count).boxes)
        assert np.array_equal(found.scores, every.above(count).scores)
    assert np.all(every.neighbors > 1) and len(found.boxes) < len(every.boxes)


rectangle = st.tuples(
    st.integers(0, 60), st.integers(0, 60), st.integers(20, 40), st.integers(20, 40)
)


@settings(max_examples=150, deadline=None)
@given(st.lists(rectangle, min_size=1, max_size=80), st.integers(0, 3))
def test_larger_counts_keep_some_of_the_groups_of_a_smaller_one(rectangles, copies):
    """The rule that serves all counts by one grouping, held against OpenCV's own grouping."""
    rectangles = rectangles + rectangles[: len(rectangles) // 2] * copies
    grouped, counts = cv2.groupRectangles(rectangles, 1, GROUPING_EPSILON)
    for count in range(1, 12):
        expected, _ = cv2.groupRectangles(rectangles, count, GROUPING_EPSILON)
        kept = [box for box, behind in zip(grouped, np.ravel(counts)) if behind > count]
        assert as_set(kept) == as_set(expected)
