"""Our own search of a picture: the windows, and their sums, are those that OpenCV finds."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from cvbaseline.cascade import Cascade, LbpFeatures, Stage, Trees
from cvbaseline.evaluation.row_search import RowSearch, row_search
from cvbaseline.formats.cascade_xml import load_cascade
from cvbaseline.images import read_grey
from cvbaseline.opencv_cascade import OpenCVCascade
from cvbaseline.parallel import one_core_each
from cvbaseline.shipped import cascade_path
from cvbaseline.window_search import Search, find_windows

GOLDEN = Path(__file__).parent / "data" / "golden"
SCENES = Path(__file__).parents[1] / "training_samples" / "scenes"
# Of stumps, upright and tilted, of one stage and of many.
STUMPS = {
    "lbp": GOLDEN / "lbp_GAB" / "cascade.xml",
    "haar": GOLDEN / "haar_basic" / "cascade.xml",
    "haar, one stage": GOLDEN / "haar_core_base_format" / "cascade.xml",
    "haar tilted": GOLDEN / "haar_all_d2" / "cascade.xml",
    "lbp frontal": Path(skimage.data.lbp_frontal_face_cascade_filename()),
    "lbp drawn": cascade_path(Path("lbp_animeface")),
    "haar drawn": cascade_path(Path("haar_animeface")),
}


def load(name):
    """A cascade; of trees, their nodes as stumps with leaves of about the same pass rate."""
    cascade = load_cascade(STUMPS[name])
    return replace(cascade, stages=tuple(stumps_of(stage) for stage in cascade.stages))


def stumps_of(stage):
    trees = stage.trees
    nodes = len(trees.left)
    if nodes == trees.count:
        return stage
    count = np.arange(nodes + 1, dtype=np.int32)
    left, right = np.zeros(nodes, np.int32), np.full(nodes, -1, np.int32)
    leaf = np.resize([-0.5, 0.5, 0.4, -0.4], 2 * nodes)
    trees = trees._replace(first_node=count, left=left, right=right, leaf=leaf)
    return Stage(-0.3 * np.sqrt(nodes), trees)


def searches(cascade, grey, factor=1.1, least=24, most=None):
    """OpenCV's search and ours of the same picture."""
    for many_pictures in (False, True):
        detector = OpenCVCascade(cascade, many_pictures).detector()
        assert (detector.rows is not None) == many_pictures
        yield find_windows(Search(np.ascontiguousarray(grey), detector, factor, least, most))


def assert_equal(cascade, grey, *settings_):
    """Equal windows and sums; returns how many windows there are."""
    theirs, ours = searches(cascade, grey, *settings_)
    assert np.array_equal(ours.boxes, theirs.boxes)
    assert ours.boxes.dtype == theirs.boxes.dtype == np.int32
    # Of a Haar cascade with one stage, OpenCV hands out flat windows with sums of their own.
    if len(cascade.stages) > 1 or cascade.feature_type == "LBP":
        assert np.array_equal(ours.sums, theirs.sums)
    return len(ours.boxes)


@pytest.fixture(scope="module")
def photograph():
    """One face at about (170, 60), 110 pixels wide."""
    return cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)


def first_stages(cascade, count):
    return replace(cascade, stages=cascade.stages[:count])


@pytest.fixture(scope="module")
def drawn():
    return read_grey(SCENES / "0004.jpg")


@pytest.mark.parametrize("name", STUMPS)
@pytest.mark.parametrize("count", [1, 2, 5, 99])
def test_windows_and_sums_are_opencvs(name, count, photograph, drawn):
    cascade = first_stages(load(name), count)
    found = assert_equal(cascade, photograph[20:260, 80:331], 1.13)
    found += assert_equal(cascade, photograph[:, :301], 1.4, 30, 120)
    found += assert_equal(cascade, drawn, 1.2)
    assert found > 0


@pytest.mark.parametrize("name", ["lbp", "haar", "haar tilted"])
@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(20, 150),
    height=st.integers(20, 150),
    seed=st.integers(0, 1000),
    smooth=st.sampled_from([0, 1, 3]),
    factor=st.sampled_from([1.02, 1.1, 1.37, 2.5]),
    stages=st.integers(1, 3),
)
def test_pictures_of_any_size(name, width, height, seed, smooth, factor, stages):
    """Rows that end anywhere in a vector, few rows, flat ground; many windows that pass."""
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    if smooth:
        grey = cv2.GaussianBlur(grey, (0, 0), smooth)
    grey[: height // 3] = 90
    assert_equal(first_stages(load(name), stages), grey, factor, 1)


@pytest.mark.parametrize("many_pictures", [False, True])
@pytest.mark.parametrize("name", STUMPS)
def test_windows_that_go_on_are_those_of_more_stages(name, many_pictures, photograph):
    cascade, grey = load(name), np.ascontiguousarray(photograph[20:260, 80:331])
    made = OpenCVCascade(cascade, many_pictures)
    for some, more in ((1, 3), (2, 5)):
        search = Search(grey, made.detector(some), 1.13, 24, None)
        found = find_windows(search, made.detector(more))
        alone = find_windows(search)
        assert np.array_equal(found.boxes, alone.boxes) and np.array_equal(found.sums, alone.sums)
        expected = find_windows(Search(grey, OpenCVCascade(cascade).detector(more), 1.13, 24, None))
        assert np.array_equal(found.boxes[found.go_on], expected.boxes)
        assert alone.go_on.all()
        if some < len(cascade.stages):
            assert 0 < found.go_on.sum() < len(found.boxes)


def test_bright_pictures(photograph):
    """Sums in 16 bits wrap round, also within a window."""
    bright = np.maximum(photograph[:200, 80:320], 250)
    cascade = first_stages(load("lbp"), 2)
    assert_equal(cascade, bright)
    cell = int(cascade.features.cells[:, 2:].prod(axis=1).max())
    assert 250 * 9 * cell > 1 << 15


def test_more_windows_than_there_is_room_for(photograph, monkeypatch):
    from cvbaseline.evaluation import row_search as module

    cascade = first_stages(load("lbp"), 1)
    expected = assert_equal(cascade, photograph)
    made = OpenCVCascade(load("lbp"), True)
    search = Search(photograph, made.detector(1), 1.1, 24, None)
    go_on = find_windows(search, made.detector(2)).go_on
    monkeypatch.setattr(module, "ROOM", 3)
    assert assert_equal(cascade, photograph) == expected > 5000
    assert np.array_equal(find_windows(search, made.detector(2)).go_on, go_on)
    assert 0 < go_on.sum() < expected


def test_threads_change_nothing(photograph):
    cascade = load("lbp")
    with one_core_each():
        alone = list(searches(cascade, photograph))[1]
    together = list(searches(cascade, photograph))[1]
    assert np.array_equal(alone.boxes, together.boxes)
    assert np.array_equal(alone.sums, together.sums)


def cascade_of_cells(*cells, leaves=(-1.0, 1.0), threshold=0.5):
    """LBP stumps in one stage, for all codes but 255."""
    count = len(cells)
    subset = np.zeros((count, 8), np.int32)
    subset[:, 7] = -(1 << 31)
    trees = Trees(
        np.arange(count + 1, dtype=np.int32), np.zeros(count, np.int32),
        np.full(count, -1, np.int32), np.arange(count, dtype=np.int32), np.zeros(count),
        subset, np.array(leaves * count),
    )  # fmt: skip
    features = LbpFeatures(np.array(cells, np.int32))
    return Cascade("LBP", 40, 40, features, (Stage(threshold, trees),))


def test_by_hand():
    """A dark centre: every neighbour is at least as bright, code 255, unless one is darker."""
    grey = np.full((40, 42), 200, np.uint8)
    grey[10:20, 10:20] = 50
    grey[0:10, 30] = 20
    search = row_search(cascade_of_cells((0, 0, 10, 10), leaves=(-1.0, 1.0), threshold=-2.0))
    places, sums, _ = search.windows(grey, 1, (3, 1), 1, 1)
    assert places.tolist() == [[0, 0], [1, 0], [2, 0]] and sums.tolist() == [-1, -1, -1]
    # Brighter all over but for one column: still brighter than the centre.
    grey[:, :10] = 40
    places, sums, _ = search.windows(grey, 1, (3, 1), 1, 1)
    assert sums.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "cells, taken", [([(0, 0, 8, 13)], True), ([(0, 0, 11, 12)], False), ([(0, 0, 13, 13)], False)]
)
def test_cells_too_large_for_16_bits_are_left_to_opencv(cells, taken):
    assert isinstance(row_search(cascade_of_cells(*cells)), RowSearch) == taken
    assert OpenCVCascade(cascade_of_cells(*cells), True).detector().rows is None or taken


def test_what_else_is_left_to_opencv():
    assert row_search(load_cascade(GOLDEN / "lbp_d2" / "cascade.xml")) is None  # trees
    cascade = cascade_of_cells((0, 0, 8, 8))
    assert row_search(replace(cascade, stages=())) is None
    assert row_search(cascade_of_cells((20, 20, 8, 8))) is None  # reaches out of the window
    assert row_search(cascade) is not None


def test_without_a_place_for_compiled_code_opencv_searches():
    """As where neither the package's folder nor the user's may be written to."""
    program = """
import numba
from sys import argv
def refuse(*_, **__):
    raise RuntimeError("cannot cache function: no locator available")
numba.njit = refuse
from cvbaseline.detection import open_cascade
print(open_cascade(argv[1], many_pictures=True).detector().rows)
"""
    words = [sys.executable, "-c", program, str(STUMPS["lbp"])]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "None"), done.stderr


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e12, 1e30])
def test_leaves_of_any_size(size):
    """A stage ends early only where no rounding changes what it comes to."""
    rng = np.random.default_rng(3)
    cells = [(x, y, 3, 4) for x in range(0, 30, 6) for y in range(0, 28, 5)]
    leaves = tuple(np.round(rng.normal(0, size, 2 * len(cells)), 3 if size == 1 else 30).tolist())
    cascade = cascade_of_cells(*cells)
    trees = cascade.stages[0].trees._replace(leaf=np.array(leaves))
    cascade = replace(cascade, stages=(Stage(0.5 * size, trees),) * 2)
    grey = cv2.GaussianBlur(rng.integers(0, 256, (150, 170), np.uint8), (0, 0), 2)
    theirs, ours = (
        find_windows(Search(grey, OpenCVCascade(cascade, many).detector(), 1.2, 40, None))
        for many in (False, True)
    )
    assert np.array_equal(theirs.boxes, ours.boxes) and np.array_equal(theirs.sums, ours.sums)
