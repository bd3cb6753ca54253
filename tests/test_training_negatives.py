"""Mined negatives: unique windows of the pictures, clear of every box, honestly counted."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvbaseline.boxes import intersection
from cvbaseline.cascade import Cascade, Stage, Trees
from cvbaseline.evaluation.evaluator import pack, passes
from cvbaseline.features.haar import enumerate_haar
from cvbaseline.features.lbp import enumerate_lbp
from cvbaseline.formats.annotations import Annotation, save_info
from cvbaseline.training import CascadeTrainingOptions
from cvbaseline.training.negatives import MinedNegatives, MiningPlan
from cvbaseline.training.picture_scan import (
    SCALE_STEP,
    Grid,
    draw_canvas,
    lay_out,
    level_places,
    overlaps,
    scan_picture,
    window_count,
)
from cvbaseline.training.pictures import Picture, PictureCache, list_sources

SIDE = 12


def nothing_rejected() -> Cascade:
    """A cascade without stages."""
    return Cascade("LBP", SIDE, SIDE, enumerate_lbp(SIDE, SIDE), ())


def one_stump(feature: int = 100, seed: int = 4) -> Cascade:
    """A cascade of one LBP stump that lets about half of all codes pass."""
    subset = np.random.default_rng(seed).integers(-(2**31), 2**31, (1, 8), np.int64)
    trees = Trees(
        first_node=np.array([0, 1], np.int32),
        left=np.array([0], np.int32),
        right=np.array([-1], np.int32),
        feature=np.array([feature], np.int32),
        threshold=np.zeros(1),
        subset=subset.astype(np.int32),
        leaf=np.array([-1.0, 1.0]),
    )
    return Cascade("LBP", SIDE, SIDE, enumerate_lbp(SIDE, SIDE), (Stage(0.5, trees),))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures of noise, each in greys of its own: n * 20 to n * 20 + 18."""
    folder = tmp_path_factory.mktemp("noise")
    generator = np.random.default_rng(8)
    for number in range(12):
        grey = number * 20 + generator.integers(0, 19, (50 + number, 70))
        cv2.imwrite(str(folder / f"{number:02}.png"), grey.astype(np.uint8))
    return folder


def miner(
    folder: Path,
    threads: ThreadPoolExecutor,
    cache_mb: int = 100,
    windows_per_picture: int = 30,
    **changes: Any,
) -> MinedNegatives:
    values = {"positives": [folder], "negatives": [folder], "output": folder / "out"} | changes
    cache = PictureCache(list_sources(CascadeTrainingOptions(**values)), cache_mb * 2**20, print)
    plan = MiningPlan(SIDE, SIDE, 0.5, windows_per_picture=windows_per_picture)
    return MinedNegatives(cache, plan, threads)


def test_windows_come_from_many_pictures_and_only_once(folder):
    with ThreadPoolExecutor(2) as threads:
        found = miner(folder, threads, windows_per_picture=9).read(0, nothing_rejected(), 80)
    assert found.windows.shape == (80, SIDE, SIDE)
    assert len({window.tobytes() for window in found.windows}) == 80
    pictures, counts = np.unique(found.windows.min(axis=(1, 2)) // 20, return_counts=True)
    assert counts.max() <= 9
    assert len(pictures) >= 10
    assert found.passed == found.examined


def test_windows_pass_the_cascade_and_all_hits_count(folder):
    cascade = one_stump()
    with ThreadPoolExecutor(2) as threads:
        found = miner(folder, threads).read(1, cascade, 200)
    assert passes(cascade, found.windows).all()
    generator = np.random.default_rng(0)
    pictures = [cv2.imread(str(path), 0) for path in sorted(folder.glob("*.png"))]
    windows = []
    for _ in range(3000):
        grey = pictures[generator.integers(12)]
        y, x = (generator.integers(0, side - SIDE + 1) for side in grey.shape)
        windows.append(grey[y : y + SIDE, x : x + SIDE])
    expected = passes(cascade, np.stack(windows)).mean()
    assert found.passed / found.examined == pytest.approx(expected, abs=0.1)


def test_stages_see_different_windows(folder):
    with ThreadPoolExecutor(2) as threads:
        first, second = (
            miner(folder, threads).read(stage, nothing_rejected(), 60).windows for stage in (0, 1)
        )
    shared = {window.tobytes() for window in first} & {window.tobytes() for window in second}
    assert len(shared) < 10


def test_threads_and_memory_change_nothing(folder):
    stacks = []
    for count, cache_mb in [(1, 100), (4, 0)]:
        with ThreadPoolExecutor(count) as threads:
            mined = miner(folder, threads, cache_mb=cache_mb)
            stacks.append(mined.read(2, one_stump(), 150).windows)
    assert np.array_equal(*stacks)


def test_survivors_of_the_former_stage_come_first(folder):
    cascade = one_stump()
    with ThreadPoolExecutor(2) as threads:
        mined = miner(folder, threads)
        mined.former = mined.read(0, nothing_rejected(), 100).windows
        survivors = mined.former[passes(cascade, mined.former)]
        found = mined.read(1, cascade, 120)
    assert 0 < len(survivors) == found.kept
    assert np.array_equal(found.windows[: found.kept], survivors)


def test_no_window_overlaps_a_box(tmp_path):
    grey = np.random.default_rng(3).integers(0, 100, (80, 100)).astype(np.uint8)
    grey[20:50, 30:70] = 255
    cv2.imwrite(str(tmp_path / "a picture.png"), grey)
    boxes = np.array([[30, 20, 40, 30]], np.int32)
    save_info(tmp_path / "info.dat", [Annotation("a picture.png", boxes)])
    with ThreadPoolExecutor(2) as threads:
        mined = miner(
            tmp_path, threads, negatives=[], boxed_negatives=[tmp_path / "info.dat"],
            windows_per_picture=500,
        )  # fmt: skip
        windows = mined.read(0, nothing_rejected(), 500).windows
    assert len(windows) > 100
    # Pixels that touch the box's edge may mix with it where the picture was reduced.
    assert (windows > 200).sum() == 0
    assert (windows > 100).any(axis=(1, 2)).mean() < 0.1


def test_boxes_of_a_picture_may_stand_on_several_lines_and_in_several_lists(tmp_path):
    grey = np.random.default_rng(3).integers(0, 100, (60, 80)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), grey)
    cv2.imwrite(str(tmp_path / "b.png"), grey)
    (tmp_path / "one.dat").write_text("a.png 1 1 2 30 20\nb.png 0\na.png 1 40 5 10 10\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/two.dat").write_text("../a.png 1 60 30 9 8\n")
    sources = list_sources(
        CascadeTrainingOptions(
            positives=[tmp_path], boxed_negatives=[tmp_path / "one.dat", tmp_path / "sub/two.dat"],
            output=tmp_path / "out",
        )
    )  # fmt: skip
    assert [(source.path.name, source.boxes.tolist()) for source in sources] == [
        ("a.png", [[1, 2, 30, 20], [40, 5, 10, 10], [60, 30, 9, 8]]), ("b.png", []),
    ]  # fmt: skip


places = st.lists(st.integers(0, 30), min_size=1, max_size=5)
sides = st.integers(0, 30)
box_lists = st.lists(st.tuples(sides, sides, st.integers(1, 20), st.integers(1, 20)), max_size=4)


@given(places, places, box_lists)
def test_overlap_is_a_common_pixel(xs, ys, boxes):
    windows = [[x, y, 7, 5] for y in ys for x in xs]
    expected = (intersection(windows, np.array(boxes).reshape(-1, 4)) > 0).any(axis=1)
    found = overlaps(np.array(xs), np.array(ys), np.array(boxes, float).reshape(-1, 4), 7, 5)
    assert np.array_equal(found.ravel(), expected)


@given(
    st.integers(8, 200), st.integers(8, 200), st.floats(1, 2), st.integers(8, 30),
    st.integers(8, 30),
)  # fmt: skip
def test_levels_lie_apart_on_the_canvas_and_hold_a_window(rows, columns, phase, width, height):
    levels = lay_out((rows, columns), phase, width, height)
    places = np.array([level[1:] for level in levels]).reshape(-1, 4)
    assert (intersection(places, places) > 0).sum() == len(levels)
    assert all(level.width >= width and level.height >= height for level in levels)
    if levels:
        assert places[:, 0].min() == places[:, 1].min() == 0
        assert (places[:, 0] + places[:, 2]).max() == levels[0].width
        # One more level would be too small, and none is left out.
        scale = phase * SCALE_STEP ** len(levels)
        assert int(rows / scale) < height or int(columns / scale) < width


def test_levels_are_resized_as_the_detector_does():
    grey = np.random.default_rng(1).integers(0, 256, (60, 90)).astype(np.uint8)
    levels = lay_out(grey.shape, 1.25, 10, 10)
    sizes = [(level.height, level.width) for level in levels]
    assert sizes == [(48, 72), (24, 36), (12, 18)]
    canvas = draw_canvas(grey, levels)
    for level in levels:
        expected = cv2.resize(
            grey, (level.width, level.height), interpolation=cv2.INTER_LINEAR_EXACT
        )
        place = canvas[level.y : level.y + level.height, level.x : level.x + level.width]
        assert np.array_equal(place, expected)


def test_every_window_of_the_grid_is_scanned():
    grey = np.random.default_rng(1).integers(0, 256, (40, 33)).astype(np.uint8)
    grid = Grid(1.0, 3, (2, 1))
    picture = Picture(grey, np.zeros((0, 4)))
    hits = scan_picture(picture, pack(nothing_rejected()), grid, 10**6, [0])
    expected = []
    for level in lay_out(grey.shape, 1.0, SIDE, SIDE):
        size = (level.width, level.height)
        reduced = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR_EXACT)
        expected += [
            reduced[y : y + SIDE, x : x + SIDE]
            for y in range(min(1, level.height - SIDE), level.height - SIDE + 1, 3)
            for x in range(min(2, level.width - SIDE), level.width - SIDE + 1, 3)
        ]
    assert hits.found == hits.scanned == len(expected)
    assert np.array_equal(hits.windows, expected)


def test_windows_at_step_one_are_about_what_is_counted():
    every = Grid(1.0, 1, (0, 0))
    levels = lay_out((90, 120), 1.0, 20, 16)
    boxes = np.zeros((0, 4))
    exact = sum(len(level_places(level, boxes, every, 20, 16, 121)) for level in levels)
    assert window_count((90, 120), 20, 16) == pytest.approx(exact, rel=0.02)


def test_pictures_too_small_give_nothing(tmp_path):
    cv2.imwrite(str(tmp_path / "tiny.png"), np.zeros((SIDE - 1, 50), np.uint8))
    with ThreadPoolExecutor(1) as threads:
        found = miner(tmp_path, threads).read(0, nothing_rejected(), 50)
    assert len(found.windows) == found.examined == 0


def test_the_search_ends_when_the_rate_is_surely_too_low(folder):
    with ThreadPoolExecutor(2) as threads:
        mined = miner(folder, threads)
        whole = mined.read(1, one_stump(), 10**6)
        mined = miner(folder, threads)
        mined.plan = mined.plan._replace(least_rate=0.9)
        ended = mined.read(1, one_stump(), 10**6)
    assert ended.examined < whole.examined / 5
    assert ended.passed <= 0.9 * ended.examined


def test_flat_windows_count_neither_way():
    """A Haar detector rejects them unseen: neither a false alarm of a stage nor its merit."""
    grey = np.random.default_rng(5).integers(0, 256, (60, 80)).astype(np.uint8)
    grey[:, 30:] = 120
    cascade = Cascade("HAAR", SIDE, SIDE, enumerate_haar(SIDE, SIDE, "BASIC"), ())
    picture, grid = Picture(grey, np.zeros((0, 4))), Grid(1.0, 1, (0, 0))
    hits = scan_picture(picture, pack(cascade), grid, 10**6, [0])
    every = varied = 0
    for level in lay_out(grey.shape, 1.0, SIDE, SIDE):
        size = (level.width, level.height)
        reduced = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR_EXACT)
        for y in range(level.height - SIDE + 1):
            for x in range(level.width - SIDE + 1):
                inner = reduced[y + 1 : y + SIDE - 1, x + 1 : x + SIDE - 1].astype(float)
                every, varied = every + 1, varied + (inner.std() > 10)
    assert hits.scanned == every
    assert hits.found == hits.judged == varied < every / 2
