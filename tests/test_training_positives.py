"""Positives from crops, annotated pictures and .vec files."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from test_training_negatives import SIDE, nothing_rejected, one_stump

from cvbaseline.errors import UserError
from cvbaseline.evaluation.evaluator import passes
from cvbaseline.formats.annotations import Annotation, save_info
from cvbaseline.formats.vec import save_vec
from cvbaseline.training import CascadeTrainingOptions
from cvbaseline.training.augmentation import STRENGTHS, Chip, cut_window
from cvbaseline.training.positives import (
    FixedPositives,
    VariedPositives,
    fit_chip,
    load_positives,
    split_chips,
)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)


def read(source: Path, tell: Any = print, **changes: Any) -> np.ndarray:
    """The windows that the source gives without variation."""
    values = dict(
        positives=[source], negatives=[source], output=source, width=SIDE, height=SIDE,
        augment="none", mirror=False, hold_out=0.0,
    )  # fmt: skip
    options = CascadeTrainingOptions(**(values | changes))
    with ThreadPoolExecutor(2) as threads:
        return load_positives(options, threads, tell).reader.windows


def test_crops_are_resized_whole(tmp_path):
    crops = [noise(40, 40, seed) for seed in range(5)]
    for number, crop in enumerate(crops):
        cv2.imwrite(str(tmp_path / f"{number}.png"), crop)
    expected = [cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for crop in crops]
    assert np.array_equal(read(tmp_path), expected)


def test_boxes_are_cut_from_their_pictures(tmp_path):
    grey = noise(60, 80)
    cv2.imwrite(str(tmp_path / "scene.png"), grey)
    boxes = np.array([[5, 6, SIDE, SIDE], [40, 30, 24, 24]], np.int32)
    save_info(tmp_path / "info.dat", [Annotation("scene.png", boxes)])
    windows = read(tmp_path / "info.dat")
    assert np.array_equal(windows[0], grey[6 : 6 + SIDE, 5 : 5 + SIDE])
    expected = cv2.resize(grey[30:54, 40:64], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    assert np.array_equal(windows[1], expected)


def test_boxes_outside_are_told_and_left_out(tmp_path):
    cv2.imwrite(str(tmp_path / "scene.png"), noise(60, 80))
    boxes = np.array([[5, 6, 20, 20], [80, 10, 20, 20]], np.int32)
    save_info(tmp_path / "info.dat", [Annotation("scene.png", boxes)])
    lines: list[str] = []
    assert len(read(tmp_path / "info.dat", lines.append)) == 1
    assert len(lines) == 1 and "[80, 10, 20, 20]" in lines[0] and "scene.png" in lines[0]


def test_a_vec_is_read_as_it_is(tmp_path):
    samples = np.stack([noise(SIDE, SIDE, seed) for seed in range(7)])
    save_vec(tmp_path / "faces.vec", samples)
    assert np.array_equal(read(tmp_path / "faces.vec"), samples)
    mirrored = read(tmp_path / "faces.vec", mirror=True)
    assert np.array_equal(mirrored[7:], samples[:, :, ::-1])


def test_a_vec_of_another_size_is_refused_in_one_line(tmp_path):
    save_vec(tmp_path / "faces.vec", np.zeros((3, 20, 20), np.uint8))
    with pytest.raises(UserError) as caught:
        read(tmp_path / "faces.vec")
    assert "faces.vec" in str(caught.value) and "\n" not in str(caught.value)


def test_window_share_cuts_tighter_about_the_centre(tmp_path):
    crop = np.zeros((40, 40), np.uint8)
    crop[14:34, 10:30] = 200
    cv2.imwrite(str(tmp_path / "crop.png"), crop)
    assert (read(tmp_path, window_share=0.5, window_centre=[0.5, 0.6]) == 200).all()
    assert (read(tmp_path, window_share=0.6, window_centre=[0.5, 0.6]) == 0).any()


def test_a_chip_keeps_its_place_when_it_is_reduced():
    large = cv2.GaussianBlur(noise(400, 500), (0, 0), 8)
    chip = Chip(large, 120, 90, 160, 160)
    small = fit_chip(chip, 16, 16)
    assert small.grey.size < large.size / 10
    assert small.width == pytest.approx(16 * 2.5, rel=0.02)
    difference = cut_window(chip, 16, 16).astype(int) - cut_window(small, 16, 16)
    assert np.abs(difference).mean() < 3


def test_held_out_chips_are_a_share_and_repeatable():
    chips = [Chip(np.full((4, 4), number, np.uint8), 0, 0, 4, 4) for number in range(50)]
    trained, held_out = split_chips(chips, 0.2, seed=3)
    assert len(held_out) == 10
    values = [int(chip.grey[0, 0]) for chip in trained + held_out]
    assert sorted(values) == list(range(50))
    again = split_chips(chips, 0.2, seed=3)[1]
    assert [chip.grey[0, 0] for chip in held_out] == [chip.grey[0, 0] for chip in again]
    assert split_chips(chips[:1], 0.5, seed=3) == (chips[:1], [])


def test_fixed_positives_take_the_first_that_pass():
    windows = np.stack([noise(SIDE, SIDE, seed) for seed in range(200)])
    cascade = one_stump()
    good = np.flatnonzero(passes(cascade, windows))
    found = FixedPositives(windows).read(3, cascade, 20)
    assert np.array_equal(found.windows, windows[good[:20]])
    assert found.examined == good[19] + 1
    everything = FixedPositives(windows).read(3, cascade, 500)
    assert len(everything.windows) == len(good) and everything.examined == 200


def test_varied_positives_are_new_in_every_stage_and_pass():
    chips = [Chip(noise(30, 30, seed), 5, 5, 20, 20) for seed in range(10)]
    with ThreadPoolExecutor(2) as threads:
        varied = VariedPositives(chips, (SIDE, SIDE), STRENGTHS["strong"], True, 0, threads)
        cascade = one_stump()
        first, second = varied.read(1, cascade, 40), varied.read(2, cascade, 40)
        again = varied.read(1, cascade, 40)
    assert np.array_equal(first.windows, again.windows)
    assert passes(cascade, first.windows).all() and len(first.windows) == 40
    assert first.passed / first.examined < 0.9
    known = {window.tobytes() for window in first.windows}
    assert not any(window.tobytes() in known for window in second.windows)


def test_varied_positives_give_up_on_a_cascade_that_passes_nothing():
    chips = [Chip(noise(30, 30), 5, 5, 20, 20)]
    stage = one_stump().stages[0]
    strict = one_stump().__class__(
        "LBP", SIDE, SIDE, nothing_rejected().features,
        (stage.__class__(5.0, stage.trees),),
    )  # fmt: skip
    with ThreadPoolExecutor(2) as threads:
        varied = VariedPositives(chips, (SIDE, SIDE), STRENGTHS["weak"], False, 0, threads)
        found = varied.read(1, strict, 10)
    assert len(found.windows) == 0 and found.examined == 200
