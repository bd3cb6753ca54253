"""Scores from class statistics against correlations of the features' values."""

import numpy as np
import pytest

from cvbaseline.boosting.screening import Screen
from cvbaseline.boosting.tree_growing import GINI, LEAST_SQUARES, Load
from cvbaseline.features.haar import (
    corners,
    enumerate_haar,
    evaluate_haar,
    prepare_haar,
)


def load_of(weights, targets, inside, criterion):
    return Load(weights, targets.astype(np.float32), inside, np.zeros(2), criterion)


@pytest.mark.parametrize("mode", ["BASIC", "ALL"])
@pytest.mark.parametrize("criterion", [LEAST_SQUARES, GINI])
def test_scores_are_squared_correlations_with_the_responses(mode, criterion):
    rng = np.random.default_rng(2)
    count, height, width = 700, 8, 9
    windows = rng.integers(60, 196, (count, height, width), dtype=np.uint8)
    positive = np.arange(count) < 300
    windows[positive, 2:4, 3:7] -= 50
    weights, inside = rng.uniform(0.2, 1, count), rng.random(count) < 0.8
    targets = positive if criterion == GINI else rng.normal(2 * positive - 1, 0.3)
    pool = corners(enumerate_haar(width, height, mode), width)
    samples = prepare_haar(windows, mode == "ALL")
    screen = Screen(windows, samples.norm, pool, seed=0)
    load = load_of(weights, targets, inside, criterion)
    screen.renew(load)
    scores = screen.scores(load)

    values = evaluate_haar(samples, pool)[:, inside].astype(np.float64)
    w = weights[inside] / weights[inside].sum()
    z = targets[inside] - w @ targets[inside]
    centred = values - (values @ w)[:, None]
    squared = (centred @ (w * z)) ** 2 / ((centred**2) @ w)
    # Scores have a factor in common; pixels are rounded to a 32nd of a standard deviation.
    scale = (scores @ squared) / (squared @ squared)
    np.testing.assert_allclose(scores / scale, squared, rtol=0.01, atol=5e-4 * squared.max())
    assert np.argmax(scores) == np.argmax(squared)


def test_flat_windows_and_features_without_spread_score_nothing():
    windows = np.full((40, 6, 6), 99, np.uint8)
    pool = corners(enumerate_haar(6, 6), 6)
    samples = prepare_haar(windows, tilted=False)
    screen = Screen(windows, samples.norm, pool, seed=0)
    load = load_of(np.full(40, 0.025), np.arange(40) % 2, np.ones(40, bool), GINI)
    screen.renew(load)
    assert not screen.scores(load).any()


def test_only_many_samples_are_drawn_from():
    rng = np.random.default_rng(5)
    windows = rng.integers(0, 256, (2500, 5, 5), dtype=np.uint8)
    pool = corners(enumerate_haar(5, 5), 5)
    norm = prepare_haar(windows, tilted=False).norm

    def scores(count, seed):
        load = load_of(
            np.full(count, 1 / count), np.arange(count) % 2, np.ones(count, bool), GINI
        )
        screen = Screen(windows[:count], norm[:count], pool, seed)
        screen.renew(load)
        return screen.scores(load)

    assert np.array_equal(scores(2000, 1), scores(2000, 2))
    assert np.array_equal(scores(2500, 1), scores(2500, 1))
    assert not np.array_equal(scores(2500, 1), scores(2500, 2))
    np.testing.assert_allclose(scores(2500, 1), scores(2500, 2), rtol=0.2)
