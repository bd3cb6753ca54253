"""The last layer fitted anew: against scikit-learn, and at both ends of its strength."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from cvbaseline.classifiers.linear_head import Head, adapt_head, held_out_scores

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 90)
FEATURES = RNG.normal(0, 7, (90, 5)) + 10 * np.eye(5)[LABELS]
NOTHING = Head(np.zeros((5, 3)), np.zeros(3))
SOMETHING = Head(RNG.normal(0, 0.1, (5, 3)), RNG.normal(0, 0.1, 3))


@pytest.mark.parametrize("strength", [0.3, 5.0])
def test_without_a_prior_it_is_ridge_logistic_regression(strength):
    head = adapt_head(FEATURES, LABELS, NOTHING, strength)
    spread = np.sqrt(FEATURES.var(axis=0, ddof=1).sum())
    inputs = np.column_stack([(FEATURES - FEATURES.mean(axis=0)) / spread, np.ones(90)])
    expected = LogisticRegression(C=1 / strength, fit_intercept=False, tol=1e-10, max_iter=10000)
    expected.fit(inputs, LABELS)
    scores = inputs @ expected.coef_.T
    difference = head.scores(FEATURES) - scores
    # The same for all classes of a row: the softmax does not see it.
    assert np.allclose(difference, difference.mean(axis=1, keepdims=True), atol=2e-3)


def test_the_features_scale_does_not_matter():
    head = adapt_head(FEATURES, LABELS, SOMETHING, 2.0)
    smaller = Head(SOMETHING.weights * 1000, SOMETHING.bias)
    scores = adapt_head(FEATURES / 1000, LABELS, smaller, 2.0).scores(FEATURES / 1000)
    assert np.allclose(scores, head.scores(FEATURES), atol=1e-3)


def test_strength_leads_from_the_pictures_to_the_prior():
    distances, rights = [], []
    for strength in (1e-3, 1, 100, 1e7):
        head = adapt_head(FEATURES, LABELS, SOMETHING, strength)
        distances.append(np.abs(head.weights - SOMETHING.weights).max())
        rights.append((head.scores(FEATURES).argmax(axis=1) == LABELS).mean())
    assert distances == sorted(distances, reverse=True) and distances[-1] < 1e-4
    assert rights[0] > rights[-1]


def test_scores_of_held_out_rows_come_from_other_groups():
    labels = RNG.integers(0, 2, 40)  # chance: only memory could know them
    groups = np.repeat(np.arange(20), 2)
    labels[1::2] = labels[::2]
    features = np.repeat(np.eye(20), 2, axis=0)  # each pair is known by its own feature
    nothing = Head(np.zeros((20, 2)), np.zeros(2))
    alone = held_out_scores(features, labels, None, nothing, 0.1, seed=0)
    together = held_out_scores(features, labels, groups, nothing, 0.1, seed=0)
    right = [(scores.argmax(axis=1) == labels).mean() for scores in (alone, together)]
    assert right[0] > 0.8 and right[1] < 0.75
    assert held_out_scores(features, labels, np.zeros(40), nothing, 0.1, seed=0) is None
