"""Haar features: the pool's order, integral images, values."""

import cv2
import naive
import numpy as np
import pytest

from cvbaseline.cascade import HaarFeatures
from cvbaseline.errors import UserError
from cvbaseline.features.haar import (
    MODES,
    corners,
    enumerate_haar,
    evaluate_haar,
    prepare_haar,
)


def noise(count, height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width), dtype=np.uint8)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(3, 3), (7, 9), (10, 6)])
def test_the_pool_is_that_of_four_loops(mode, size):
    pool, twin = enumerate_haar(*size, mode), naive.haar_pool(*size, mode)
    assert len(pool.rects) == len(twin)
    for rects, weights, tilted, (expected, turned) in zip(*pool, twin):
        used = [(*map(int, r), int(w)) for r, w in zip(rects, weights) if w != 0]
        assert (used, bool(tilted)) == (expected, turned)
        assert not rects[len(expected) :].any()


@pytest.mark.parametrize(
    ("size", "basic", "core", "every"),
    [(19, 63960, 82409, 101641), (20, 78460, 101329, 125199), (24, 162336, 210400, 261600)],
)
def test_the_pool_is_as_large_as_the_old_trainer_prints(size, basic, core, every):
    assert [len(enumerate_haar(size, size, mode).rects) for mode in MODES] == [basic, core, every]


def test_a_mode_or_window_that_cannot_be_is_named():
    with pytest.raises(UserError, match="BASIC, CORE, ALL"):
        enumerate_haar(24, 24, "FULL")
    with pytest.raises(UserError, match="2x24"):
        enumerate_haar(2, 24)


def test_integral_images_are_those_of_opencv():
    windows = noise(5, 11, 8)
    samples = prepare_haar(windows, tilted=True)
    for number, window in enumerate(windows):
        upright, _, tilted = cv2.integral3(window)
        assert np.array_equal(samples.upright[:, number], upright.ravel())
        assert np.array_equal(samples.tilted[:, number], tilted.ravel())
    assert prepare_haar(windows, tilted=False).tilted.shape == (0, 5)


@pytest.mark.parametrize("mode", MODES)
def test_values_are_those_of_sums_of_pixels(mode):
    windows = noise(4, 9, 11)
    windows[1] = 77  # flat: all values are 0
    windows[2] //= 64
    pool = enumerate_haar(11, 9, mode)
    samples = prepare_haar(windows, bool(pool.tilted.any()))
    values = evaluate_haar(samples, corners(pool, 11))
    assert values.shape == (len(pool.rects), 4)
    assert values.dtype == np.float32
    assert not values[:, 1].any()
    for feature in range(0, len(pool.rects), 13):
        exact = [naive.haar_value(window.tolist(), pool, feature) for window in windows]
        np.testing.assert_allclose(values[feature], exact, rtol=3e-7, atol=0)


def test_values_round_as_the_old_trainer_in_windows_with_large_sums():
    # 3 * 16 * 3 * 120 pixels of 255 exceed float32's 24 bits once weighted by 9.
    window = noise(1, 360, 150, seed=3) | 200
    rects = np.array([[(0, 0, 150, 360), (50, 120, 50, 120), (0, 0, 0, 0)]], np.int32)
    pool = HaarFeatures(rects, np.array([[-1, 9, 0]], np.float32), np.array([False]))
    samples = prepare_haar(window, tilted=False)
    whole, middle = int(window.sum()), int(window[0, 120:240, 50:100].sum())
    value = np.float32(-1) * np.float32(whole) + np.float32(9) * np.float32(middle)
    norm = np.float32(naive.haar_norm(window[0].tolist()))
    assert evaluate_haar(samples, corners(pool, 150))[0, 0] == value / norm
