"""The closed solution and its left-out scores: against fits that really leave rows out."""

import naive
import numpy as np
import pytest

from cvbaseline.classifiers.calibration import fit_scale
from cvbaseline.classifiers.least_squares import (
    fit_kernel_least_squares,
    fit_least_squares,
)


def problem(seed, rows=40, columns=7, classes=3):
    rng = np.random.default_rng(seed)
    features = np.column_stack([rng.normal(size=(rows, columns - 1)), np.ones(rows)])
    labels = rng.integers(classes, size=rows)
    labels[:classes] = np.arange(classes)
    return features, labels, rng.uniform(0.2, 3, rows), rng.integers(8, size=rows)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_coefficients_solve_the_weighted_ridge_system(seed, C):
    features, labels, weights, groups = problem(seed)
    fit = fit_least_squares(features, labels, weights, groups, C)
    everything = np.arange(len(labels))
    twin = naive.least_squares_scores(features, labels, weights, C, everything, everything)
    assert np.allclose(features @ fit.coefficients, twin)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_left_out_scores_are_those_of_a_fit_without_the_group(seed, C):
    features, labels, weights, groups = problem(seed)
    scores = fit_least_squares(features, labels, weights, groups, C).left_out_scores
    for group in range(8):
        out = np.flatnonzero(groups == group)
        rest = np.flatnonzero(groups != group)
        twin = naive.least_squares_scores(features, labels, weights, C, rest, out)
        assert np.allclose(scores[out], twin)


def test_every_row_alone_is_leave_one_out():
    features, labels, weights, _ = problem(4, rows=15)
    scores = fit_least_squares(features, labels, weights, np.arange(15), 1.0).left_out_scores
    for row in range(15):
        rest = np.delete(np.arange(15), row)
        twin = naive.least_squares_scores(features, labels, weights, 1.0, rest, [row])
        assert np.allclose(scores[row], twin[0])


@pytest.mark.parametrize("rows, columns", [(40, 7), (12, 30)])
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_the_kernel_machine_is_the_same_machine(rows, columns, C):
    features, labels, weights, groups = problem(5, rows, columns)
    plain = fit_least_squares(features, labels, weights, groups, C)
    kernel = fit_kernel_least_squares(features @ features.T, labels, weights, groups, C)
    assert np.allclose(features.T @ kernel.coefficients, plain.coefficients)
    assert np.allclose(kernel.left_out_scores, plain.left_out_scores)


def test_single_precision_is_enough_for_faces():
    features, labels, weights, groups = problem(6, 300, 20)
    exact = fit_kernel_least_squares(features @ features.T, labels, weights, groups, 1.0)
    single = (features @ features.T).astype(np.float32)
    fit = fit_kernel_least_squares(single, labels, weights, groups, 1.0)
    assert np.allclose(fit.left_out_scores, exact.left_out_scores, atol=1e-3)


def mean_log_loss(scale, scores, labels):
    powers = np.exp(scale * scores)
    right = powers[np.arange(len(labels)), labels] / powers.sum(axis=1)
    return -np.log(right).mean()


@pytest.mark.parametrize("unit", [0.001, 1.0, 500.0])
def test_the_scale_is_the_likeliest_of_a_grid(unit):
    rng = np.random.default_rng(0)
    true_scale, scores = 2.5 / unit, rng.normal(0, unit, (4000, 3))
    shares = np.exp(true_scale * scores)
    shares /= shares.sum(axis=1, keepdims=True)
    labels = (rng.random((4000, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    scale = fit_scale(scores, labels, np.ones(4000))
    assert scale == pytest.approx(true_scale, rel=0.1)
    losses = [mean_log_loss(factor * scale, scores, labels) for factor in (0.9, 1, 1.1)]
    assert losses[1] == min(losses)


def test_separable_scores_do_not_become_certain_and_useless_ones_become_even():
    labels = np.array([0, 1] * 10)
    scores = np.where(labels[:, None] == [0, 1], 1.0, -1.0)
    sure = mean_log_loss(fit_scale(scores, labels, np.ones(20)), scores, labels)
    assert 0.02 < sure < 0.06  # Platt: 21 of 22 is the certainty that 20 rows allow
    assert fit_scale(-scores, labels, np.ones(20)) < 0.01
    assert fit_scale(np.zeros((4, 2)), np.array([0, 1, 0, 1]), np.ones(4)) == 1
    noise = np.random.default_rng(0).normal(size=(4, 2)) * 1e-12
    assert fit_scale(noise, np.array([0, 1, 0, 1]), np.ones(4)) == 1


def test_a_weight_is_that_many_rows():
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(size=(30, 3)), rng.integers(3, size=30)
    weights = rng.integers(0, 4, 30)
    repeated = fit_scale(
        scores.repeat(weights, axis=0), labels.repeat(weights), np.ones(weights.sum())
    )
    assert fit_scale(scores, labels, weights.astype(float)) == pytest.approx(repeated)
