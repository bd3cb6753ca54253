"""The evaluator's decisions are OpenCV's, window by window, and those of a naive twin."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import naive
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from cvbaseline.cascade import Cascade, HaarFeatures, LbpFeatures, Stage, Trees
from cvbaseline.errors import UserError
from cvbaseline.evaluation.evaluator import (
    judge,
    judge_windows,
    passes,
    scan,
    scan_integral,
    stages_passed,
)
from cvbaseline.evaluation.integral import integral_image
from cvbaseline.evaluation.packed_cascade import pack
from cvbaseline.formats.cascade_xml import load_cascade, render_cascade

GOLDEN = Path(__file__).parent / "data" / "golden"
CASCADES = sorted(path.parent.name for path in GOLDEN.glob("*/cascade.xml"))
FRONTAL_FACE = skimage.data.lbp_frontal_face_cascade_filename()


def golden(name):
    return load_cascade(GOLDEN / name / "cascade.xml")


def in_opencv(cascade):
    """The cascade as OpenCV reads it, and the storage to keep alive."""
    text = render_cascade(cascade).decode()
    storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
    classifier = cv2.CascadeClassifier()
    assert classifier.read(storage.getFirstTopLevelNode())
    return classifier


def passes_in_opencv(classifier, window):
    """Whether a picture that is a single window passes."""
    size = window.shape[::-1]
    return len(classifier.detectMultiScale(window, 1.1, 0, 0, size, size)) == 1


def opencv_stages(cascade, windows):
    """Stages that each window passes, from OpenCV's answers to all the shorter cascades."""
    passed = np.zeros(len(windows), int)
    for count in range(1, len(cascade.stages) + 1):
        classifier = in_opencv(replace(cascade, stages=cascade.stages[:count]))
        passed += [passes_in_opencv(classifier, window) for window in windows]
    return passed


@pytest.fixture(scope="module")
def photograph():
    return cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)


@pytest.fixture(scope="module")
def windows(photograph):
    """24 x 24: real faces and what is none, pieces of a photograph, flat ones, uniform ones."""
    faces = np.rint(skimage.data.lfw_subset() * 255).astype(np.uint8)
    faces = np.stack([cv2.resize(face[2:23, 2:23], (24, 24)) for face in faces])
    rng = np.random.default_rng(5)
    small = cv2.resize(photograph, (160, 160), interpolation=cv2.INTER_AREA)
    pieces = [small[y : y + 24, x : x + 24] for x, y in rng.integers(0, 137, (100, 2))]
    contrast = np.linspace(0, 1, 100)[:, None, None]
    flat = (128 + (faces[:100] - 128.0) * contrast).astype(np.uint8)
    uniform = np.full((1, 24, 24), 77, np.uint8)
    return np.concatenate([faces, pieces, flat, uniform])


@pytest.mark.parametrize("name", CASCADES)
def test_stages_passed_are_those_of_opencv(name, windows):
    cascade = golden(name)
    verdicts = judge_windows(pack(cascade), windows)
    expected = opencv_stages(cascade, windows)
    assert np.array_equal(np.maximum(verdicts.stages, 0), expected)
    assert len(np.unique(verdicts.stages)) >= min(3, len(cascade.stages) + 1)
    assert np.array_equal(passes(cascade, windows), expected == len(cascade.stages))


@pytest.mark.parametrize("name", CASCADES)
def test_last_sums_are_those_of_opencv(name, windows):
    cascade = golden(name)
    classifier = in_opencv(cascade)
    sums = judge_windows(pack(cascade), windows).sums
    passing = windows[passes(cascade, windows)]
    theirs = [
        classifier.detectMultiScale3(window, 1.1, 0, 0, (24, 24), (24, 24), True)[2]
        for window in passing
    ]
    assert len(passing) > 0
    assert np.array_equal(sums[passes(cascade, windows)], np.ravel(theirs))


def opencv_steps(cascade, grey):
    """The windows that detectMultiScale visits at scale 1 and finds, by its stepping rules.

    Every second row and column; after a window that fails stage 0 one further step is left out.
    Rows are shared out to stripes for threads, rounded so that an odd last one can be lost.
    """
    found = []
    rows, columns = np.array(grey.shape) - (cascade.height, cascade.width) + 1
    stripes = -(-columns // 32)
    stripe = max((rows // 2 + stripes - 1) // stripes, 1) * 2
    for y in range(0, min(rows, stripes * stripe), 2):
        xs = np.arange(0, columns, 2)
        corners = np.stack([xs, np.full_like(xs, y)], axis=1)
        stages = dict(zip(xs.tolist(), stages_passed(cascade, grey, corners).tolist()))
        x = 0
        while x in stages:
            if stages[x] == len(cascade.stages):
                found.append((x, y))
            x += 4 if stages[x] == 0 else 2
    return found


@pytest.mark.parametrize("name", [*CASCADES, "frontal"])
def test_a_whole_picture_is_opencvs(name, photograph):
    cascade = load_cascade(Path(FRONTAL_FACE)) if name == "frontal" else golden(name)
    classifier, size, total = in_opencv(cascade), (cascade.width, cascade.height), 0
    for side in (84, 88, 94, 100, 116, 130):
        grey = cv2.resize(photograph, (side + 4, side), interpolation=cv2.INTER_AREA)
        boxes = np.asarray(classifier.detectMultiScale(grey, 1.1, 0, 0, size, size))
        expected = sorted(map(tuple, boxes.reshape(-1, 4)[:, :2].tolist()))
        assert sorted(opencv_steps(cascade, grey)) == expected
        total += len(expected)
    assert total > 0


def test_scan_finds_the_windows_that_pass_one_by_one(photograph):
    cascade = golden("lbp_GAB")
    grey = cv2.resize(photograph, (120, 97), interpolation=cv2.INTER_AREA)
    for step in (1, 3):
        corners = [(x, y) for y in range(0, 97 - 23, step) for x in range(0, 120 - 23, step)]
        cut = np.stack([grey[y : y + 24, x : x + 24] for x, y in corners])
        expected = np.array(corners)[passes(cascade, cut)]
        assert len(expected) > 0
        assert np.array_equal(scan(cascade, grey, step), expected)


def test_scan_with_an_offset_and_in_chunks(photograph, monkeypatch):
    packed = pack(golden("haar_core"))
    integral = integral_image(photograph[:150, :200], packed.planes)
    everywhere = scan_integral(packed, integral)
    monkeypatch.setattr("cvbaseline.evaluation.evaluator.CHUNK", 500)
    assert np.array_equal(scan_integral(packed, integral), everywhere)
    shifted = (everywhere[:, 0] % 4 == 3) & (everywhere[:, 1] % 4 == 1)
    assert shifted.sum() > 0
    found = scan_integral(packed, integral, step=4, offset=(3, 1))
    assert np.array_equal(found, everywhere[shifted])


def test_scan_of_a_picture_smaller_than_the_window():
    for shape in [(23, 50), (50, 23)]:
        found = scan(golden("lbp_GAB"), np.zeros(shape, np.uint8), 1)
        assert found.shape == (0, 2) and found.dtype == np.int32


def test_more_planes_than_needed_change_nothing(photograph):
    packed = pack(golden("lbp_GAB"))
    grey = photograph[40:200, 150:300]
    three = scan_integral(packed, integral_image(grey, 3))
    assert len(three) and np.array_equal(three, scan_integral(packed, integral_image(grey, 1)))


def test_sums_that_wrap_round_in_a_large_picture(windows):
    large = np.full((3000, 3000), 255, np.uint8)
    side = windows[:300].reshape(15, 20, 24, 24).transpose(0, 2, 1, 3).reshape(360, 480)
    large[-360:, -480:] = side
    assert large.astype(np.int64).sum() > 2**31
    corners = np.array([(2520 + 24 * i, 2640 + 24 * j) for j in range(15) for i in range(20)])
    for name in ("lbp_2000", "haar_basic", "haar_all_d2"):
        cascade = golden(name)
        alone = judge_windows(pack(cascade), windows[:300]).stages
        assert np.array_equal(stages_passed(cascade, large, corners), alone)


def test_flat_windows_are_rejected_before_stage_0(windows):
    cascade = golden("haar_core")
    deviation = windows[:, 1:-1, 1:-1].std(axis=(1, 2))
    stages = judge_windows(pack(cascade), windows).stages
    assert np.array_equal(stages == -1, deviation <= 10)
    assert 20 < np.sum(stages == -1) < len(windows) - 20


def test_the_trainer_has_no_rule_against_flat_windows(windows):
    cascade = golden("haar_core")
    ours = judge_windows(pack(cascade, reject_flat=False), windows).stages
    expected = [naive.stages_passed(cascade, window, reject_flat=False) for window in windows]
    assert np.array_equal(ours, expected)
    flat = judge_windows(pack(cascade), windows).stages == -1
    assert ours.min() == 0 and ours[flat].max() > 0
    assert not np.array_equal(passes(cascade, windows, False), passes(cascade, windows))


def test_no_such_rule_for_lbp():
    uniform = np.full((1, 24, 24), 50, np.uint8)
    cascade = golden("lbp_GAB")
    expected = naive.stages_passed(cascade, uniform[0])
    assert judge_windows(pack(cascade), uniform).stages.tolist() == [expected]


def test_a_cascade_without_stages_passes_all_but_flat_windows(windows):
    haar = replace(golden("haar_core"), stages=())
    assert np.array_equal(passes(haar, windows), windows[:, 1:-1, 1:-1].std(axis=(1, 2)) > 10)
    assert passes(haar, windows, reject_flat=False).all()
    assert passes(replace(golden("lbp_GAB"), stages=()), windows).all()


# ---- random cascades -----------------------------------------------------------------------------


@st.composite
def random_trees(draw, feature_count, haar, seed):
    """Trees of 1 to 7 nodes whose tests go both ways for random windows."""
    rng = np.random.default_rng(seed)
    parts = {name: [] for name in Trees._fields}
    first_node, leaf_values = [0], []
    for _ in range(draw(st.integers(1, 4))):
        nodes = draw(st.sampled_from([1, 1, 2, 3, 7]))
        parent_slots, children = [(0, 0), (0, 1)], [[0, 0] for _ in range(nodes)]
        for node in range(1, nodes):
            taken = parent_slots.pop(int(rng.integers(len(parent_slots))))
            children[taken[0]][taken[1]] = node
            parent_slots += [(node, 0), (node, 1)]
        for leaf, (node, side) in enumerate(sorted(parent_slots)):
            children[node][side] = -leaf
        parts["left"] += [left for left, _ in children]
        parts["right"] += [right for _, right in children]
        parts["feature"] += rng.integers(0, feature_count, nodes).tolist()
        parts["threshold"] += (rng.normal(0, 0.02, nodes) * haar).tolist()
        words = rng.integers(-(2**31), 2**31, (nodes, 8)) * (not haar)
        parts["subset"] += words.tolist()
        first_node.append(first_node[-1] + nodes)
        leaf_values += rng.normal(0, 1, nodes + 1).tolist()
    return Trees(
        first_node=np.array(first_node, np.int32),
        left=np.array(parts["left"], np.int32),
        right=np.array(parts["right"], np.int32),
        feature=np.array(parts["feature"], np.int32),
        threshold=np.array(parts["threshold"], np.float32).astype(np.float64),
        subset=np.array(parts["subset"], np.int32).reshape(-1, 8),
        leaf=np.array(leaf_values, np.float32).astype(np.float64),
    )


@st.composite
def random_cascades(draw):
    """Small cascades of any kind over windows that need not be square."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    width, height = draw(st.integers(6, 14)), draw(st.integers(6, 14))
    haar = draw(st.booleans())
    count = 12
    if haar:
        tilted = rng.random(count) < 0.5
        rects, weights = np.zeros((count, 3, 4), np.int32), np.zeros((count, 3), np.float32)
        for index in range(count):
            for k in range(rng.integers(2, 4)):
                while True:
                    w, h = rng.integers(1, width), rng.integers(1, height)
                    x, y = rng.integers(0, width - w + 1), rng.integers(0, height - h + 1)
                    if not tilted[index] or (x - h >= 0 and x + w <= width and y + w + h <= height):
                        break
                    tilted[index] &= rng.random() < 0.95
                rects[index, k] = x, y, w, h
                weights[index, k] = rng.choice([-1, 2, 3, 0.5])
        features = HaarFeatures(rects, weights, tilted)
        inside = tilted_fits(features, width, height)
        features = features._replace(tilted=features.tilted & inside)
    else:
        w = rng.integers(1, width // 3 + 1, count)
        h = rng.integers(1, height // 3 + 1, count)
        x, y = rng.integers(0, width - 3 * w + 1), rng.integers(0, height - 3 * h + 1)
        features = LbpFeatures(np.stack([x, y, w, h], axis=1).astype(np.int32))
    stages = tuple(
        Stage(float(np.float32(rng.normal(-0.5, 0.5))), draw(random_trees(count, haar, seed + n)))
        for n in range(draw(st.integers(1, 3)))
    )
    samples = rng.integers(0, 256, (6, height, width)).astype(np.uint8)
    samples[3:] = samples[3:] // 4 + 90
    samples[5] = 200
    return Cascade("HAAR" if haar else "LBP", width, height, features, stages), samples


def tilted_fits(features, width, height):
    """Which features would lie inside the window if they were tilted."""
    x, y, w, h = np.moveaxis(features.rects, -1, 0)
    return np.all((x - h >= 0) & (x + w <= width) & (y + w + h <= height), axis=1)


@settings(max_examples=60)
@given(random_cascades())
def test_random_cascades_as_the_naive_twin_and_opencv(example):
    cascade, samples = example
    ours = judge_windows(pack(cascade), samples).stages
    assert ours.tolist() == [naive.stages_passed(cascade, sample) for sample in samples]
    assert np.array_equal(np.maximum(ours, 0), opencv_stages(cascade, samples))


# ---- what is refused -----------------------------------------------------------------------------


def test_windows_outside_the_picture_are_refused():
    packed = pack(golden("lbp_GAB"))
    integral = integral_image(np.zeros((30, 40), np.uint8))
    judge(packed, integral, np.array([[16, 6]]))
    for corner in ([17, 6], [16, 7], [-1, 0], [0, -1]):
        with pytest.raises(ValueError, match="outside"):
            judge(packed, integral, np.array([corner]))


def test_missing_planes_are_refused():
    packed = pack(golden("haar_all_d2"))
    assert packed.planes == 3
    with pytest.raises(ValueError, match="planes"):
        scan_integral(packed, integral_image(np.zeros((30, 30), np.uint8), 2))


def test_windows_of_another_size_are_refused():
    with pytest.raises(ValueError, match="24, 24"):
        passes(golden("lbp_GAB"), np.zeros((5, 24, 25), np.uint8))


def test_a_feature_outside_the_window_is_refused():
    cascade = golden("haar_all_d2")
    rects = cascade.features.rects.copy()
    turned = int(np.flatnonzero(cascade.features.tilted)[0])
    rects[turned, 0] = [0, 0, 10, 10]  # as tilted it reaches 10 pixels to the left
    broken = replace(cascade, features=cascade.features._replace(rects=rects))
    with pytest.raises(UserError, match=f"feature {turned} .* 24 x 24"):
        pack(broken)


def test_no_windows_at_all():
    assert passes(golden("lbp_GAB"), np.zeros((0, 24, 24), np.uint8)).shape == (0,)
    packed = pack(golden("haar_basic"))
    verdicts = judge(packed, integral_image(np.zeros((30, 30), np.uint8), 2), np.zeros((0, 2)))
    assert verdicts.stages.shape == (0,)


@pytest.mark.parametrize("planes", [1, 2, 3])
def test_integral_image_by_counting(planes):
    grey = np.random.default_rng(1).integers(0, 256, (5, 7)).astype(np.uint8)
    table = integral_image(grey, planes)
    assert table.shape == (planes, 6, 8) and table.dtype == np.int32
    for y in range(6):
        for x in range(8):
            above = grey[:y, :x].astype(int)
            expected = [above.sum(), (above**2).sum(), naive.triangle_sum(grey, x, y)][:planes]
            assert table[:, y, x].tolist() == expected


def test_integral_image_refuses_other_arrays():
    for bad in (np.zeros((4, 4)), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4), np.uint8)):
        with pytest.raises(ValueError, match="grey"):
            integral_image(bad)
    with pytest.raises(ValueError, match="planes"):
        integral_image(np.zeros((4, 4), np.uint8), 4)


PLAIN_PYTHON = """
import sys
import numpy as np
from cvbaseline.evaluation.evaluator import judge_windows
from cvbaseline.formats.cascade_xml import load_cascade
from cvbaseline.evaluation.packed_cascade import pack
from pathlib import Path
windows = np.random.default_rng(3).integers(0, 256, (4, 24, 24)).astype(np.uint8)
windows[1:] = windows[1:] // 3 + np.arange(24, dtype=np.uint8) * 5
for name in sys.argv[1:]:
    verdicts = judge_windows(pack(load_cascade(Path(name))), windows)
    print(verdicts.stages.tolist(), verdicts.sums.tolist())
"""


def test_the_kernels_are_plain_python_too():
    files = [str(GOLDEN / name / "cascade.xml") for name in ("haar_all_d2", "haar_basic", "lbp_d3")]
    answers = []
    for disabled in ("0", "1"):
        environment = {**os.environ, "NUMBA_DISABLE_JIT": disabled, "PYTHONWARNINGS": "error"}
        command = [sys.executable, "-c", PLAIN_PYTHON, *files]
        answers.append(subprocess.run(command, env=environment, capture_output=True, check=True))
    assert answers[0].stdout == answers[1].stdout != b""
