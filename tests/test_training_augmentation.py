"""Variations of positives against rotations, shifts and resizing done by NumPy and OpenCV."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from cvbaseline.training.augmentation import (
    STRENGTHS,
    Chip,
    Strength,
    Variations,
    cut_window,
    draw_variations,
    render_windows,
    varied_window,
)

NOTHING = Strength(0, 0, 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def grey() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (24, 24), np.uint8)


def plain_row(**changes: object) -> Variations:
    """One variation that changes nothing, but for the changes."""
    one = draw_variations(np.zeros(1, int), NOTHING, False, np.random.default_rng(0))
    return Variations(*(column[0] for column in one))._replace(**changes)


def whole(grey: np.ndarray) -> Chip:
    return Chip(grey, 0, 0, grey.shape[1], grey.shape[0])


def test_no_variation_gives_the_chip_itself(grey):
    assert np.array_equal(varied_window(whole(grey), plain_row(), 24, 24), grey)


def test_mirrored_is_the_mirror_image(grey):
    row = plain_row(mirrored=True)
    assert np.array_equal(varied_window(whole(grey), row, 24, 24), grey[:, ::-1])


@pytest.mark.parametrize("angle, turns", [(90, 1), (180, 2), (-90, 3)])
def test_rotation_turns_the_picture_as_numpy_does(grey, angle, turns):
    row = plain_row(rotation=float(angle))
    assert np.array_equal(varied_window(whole(grey), row, 24, 24), np.rot90(grey, turns))


def test_shift_is_in_window_sides(grey):
    row = plain_row(shift=np.array([2 / 24, -3 / 24]))
    window = varied_window(whole(grey), row, 24, 24)
    assert np.array_equal(window[3:, :-2], grey[:-3, 2:])


def test_scale_shows_more_of_the_chip():
    grey = np.zeros((192, 192), np.uint8)
    grey[64:128, 64:128] = 200  # a third of the side
    chip = Chip(grey, 48, 48, 96, 96)
    window = varied_window(chip, plain_row(scale=1.5, filter=0), 24, 24)
    side = np.sqrt(window.sum() / 200)
    assert side == pytest.approx(16 / 1.5, rel=0.01)


def test_a_large_chip_is_reduced_without_aliasing():
    grey = np.indices((96, 96)).sum(axis=0).astype(np.uint8) % 2 * 255  # checks of one pixel
    window = varied_window(whole(grey), plain_row(filter=0), 24, 24)
    assert np.abs(window.astype(int) - 127).max() <= 1


def test_light_changes_follow_their_formulas(grey):
    lighter = varied_window(whole(grey), plain_row(brightness=20.0), 24, 24)
    assert np.array_equal(lighter, np.minimum(grey.astype(int) + 20, 255))
    darker = varied_window(whole(grey), plain_row(gamma=2.0), 24, 24)
    assert np.array_equal(darker, np.rint(255 * (grey / 255) ** 2))


def test_noise_has_the_asked_deviation():
    flat = np.full((60, 60), 128, np.uint8)
    noisy = varied_window(whole(flat), plain_row(noise=5.0, noise_seed=3), 60, 60)
    assert noisy.astype(float).std() == pytest.approx(5, rel=0.1)


def test_variations_stay_within_their_strength():
    strength = STRENGTHS["strong"]
    drawn = draw_variations(np.zeros(4000, int), strength, True, np.random.default_rng(1))
    assert np.abs(drawn.rotation).max() <= 3 * strength.rotation
    assert np.abs(drawn.shift).max() <= strength.shift
    assert drawn.rotation.std() == pytest.approx(strength.rotation, rel=0.1)
    assert drawn.mirrored.mean() == pytest.approx(0.5, abs=0.05)
    assert (drawn.blur > 0).mean() == pytest.approx(strength.share, abs=0.05)


def test_windows_do_not_depend_on_the_number_of_threads(grey):
    chips = [whole(grey), whole(grey.T.copy())]
    stacks = []
    for count in (1, 4):
        drawn = draw_variations(
            np.arange(60) % 2, STRENGTHS["strong"], True, np.random.default_rng(7)
        )
        with ThreadPoolExecutor(count) as threads:
            stacks.append(render_windows(chips, drawn, 24, 24, threads))
    assert np.array_equal(*stacks)
    assert len(np.unique(stacks[0].reshape(60, -1), axis=0)) == 60


def test_a_place_is_cut_and_resized_like_createsamples(grey):
    large = np.random.default_rng(2).integers(0, 256, (80, 90), np.uint8)
    window = cut_window(Chip(large, 10, 20, 50, 40), 24, 24)
    expected = cv2.resize(large[20:60, 10:60], (24, 24), interpolation=cv2.INTER_AREA)
    assert np.array_equal(window, expected)
    small = cut_window(Chip(grey, 2, 2, 12, 12), 24, 24)
    expected = cv2.resize(grey[2:14, 2:14], (24, 24), interpolation=cv2.INTER_LINEAR_EXACT)
    assert np.array_equal(small, expected)


def test_a_place_beyond_the_picture_repeats_its_edge(grey):
    window = cut_window(Chip(grey, -4, 3, 24, 24), 24, 24)
    expected = np.pad(grey, ((0, 3), (4, 0)), "edge")[3:27, :24]
    assert np.array_equal(window, expected)
