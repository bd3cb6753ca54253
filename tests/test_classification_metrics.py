"""Metrics against scikit-learn; intervals against theory; thresholds by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from cvbaseline.classification.metrics import (
    accuracy,
    balanced_accuracy,
    bootstrap,
    class_f1,
    confusion_matrix,
    log_loss,
    macro_f1,
    measure,
    named_share,
    unsure_threshold,
)


@st.composite
def answers(draw):
    classes = draw(st.integers(2, 5))
    labels = st.integers(0, classes - 1)
    pairs = draw(st.lists(st.tuples(labels, labels), min_size=1, max_size=40))
    truth, predicted = np.array(pairs).T
    return truth, predicted, classes


@given(answers())
def test_confusion_metrics_are_scikit_learns(case):
    truth, predicted, classes = case
    names = list(range(classes))
    confusion = confusion_matrix(truth, predicted, classes)
    assert np.array_equal(confusion, sk.confusion_matrix(truth, predicted, labels=names))
    assert accuracy(confusion) == pytest.approx(sk.accuracy_score(truth, predicted))
    f1 = sk.f1_score(truth, predicted, labels=names, average=None, zero_division=0)
    assert np.allclose(class_f1(confusion), f1)
    assert macro_f1(confusion) == pytest.approx(f1.mean())
    recalls = sk.recall_score(truth, predicted, labels=np.unique(truth), average="macro")
    assert balanced_accuracy(confusion) == pytest.approx(recalls)


def test_weights_count_rows_that_often():
    truth, predicted = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    weights = np.array([3, 0, 2, 1])
    weighted = confusion_matrix(truth, predicted, 3, weights)
    repeated = confusion_matrix(truth.repeat(weights), predicted.repeat(weights), 3)
    assert np.array_equal(weighted, repeated)


def random_probabilities(rows, classes, seed=0):
    shares = np.random.default_rng(seed).random((rows, classes)) ** 3
    return shares / shares.sum(axis=1, keepdims=True)


def test_measure_against_scikit_learn():
    probabilities = random_probabilities(300, 4)
    truth = np.random.default_rng(1).choice(4, 300, p=[0.5, 0.2, 0.2, 0.1])
    quality = measure(truth, probabilities)
    predicted = probabilities.argmax(axis=1)
    assert quality.accuracy.value == pytest.approx(sk.accuracy_score(truth, predicted))
    assert quality.macro_f1.value == pytest.approx(sk.f1_score(truth, predicted, average="macro"))
    assert quality.log_loss == pytest.approx(sk.log_loss(truth, probabilities))
    assert quality.majority == np.bincount(truth).max() / 300


def test_impossible_answers_cost_much_but_not_infinity():
    assert log_loss(np.array([0]), np.array([[0.0, 1.0]])) == pytest.approx(-np.log(1e-12))


def test_accuracy_interval_is_the_binomials():
    rng = np.random.default_rng(0)
    truth = np.zeros(400, int)
    predicted = (rng.random(400) > 0.7).astype(int)
    estimate = bootstrap(accuracy, truth, predicted, 2)
    spread = 1.96 * np.sqrt(estimate.value * (1 - estimate.value) / 400)
    assert estimate.low == pytest.approx(estimate.value - spread, abs=0.01)
    assert estimate.high == pytest.approx(estimate.value + spread, abs=0.01)
    assert estimate == bootstrap(accuracy, truth, predicted, 2)
    assert estimate != bootstrap(accuracy, truth, predicted, 2, seed=1)


def test_pictures_of_one_group_are_drawn_together():
    # 40 groups of 10 equal pictures know no more than 40 pictures.
    truth, predicted = np.zeros(400, int), np.repeat(np.arange(40) % 2, 10)
    groups = [f"artist {number}" for number in np.repeat(np.arange(40), 10)]
    together = bootstrap(accuracy, truth, predicted, 2, groups)
    single = bootstrap(accuracy, truth, predicted, 2)
    ratio = (together.high - together.low) / (single.high - single.low)
    assert ratio == pytest.approx(np.sqrt(10), rel=0.15)


# Confidence .9 right, .8 right, .7 wrong, .6 right, .5 wrong, .4 wrong.
SHARES = np.array([[p, 1 - p] if p >= 0.5 else [0.3, 0.4] for p in (0.9, 0.8, 0.7, 0.6, 0.5, 0.4)])
TRUTH = np.array([0, 0, 1, 0, 1, 0])


def test_share_and_accuracy_of_the_named():
    assert named_share(TRUTH, SHARES, 0.75) == (0.75, 2 / 6, 1.0)
    assert named_share(TRUTH, SHARES, 0.6) == (0.6, 4 / 6, 0.75)
    assert named_share(TRUTH, SHARES, 1.0) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("wanted", "least", "threshold"),
    [(0.5, 0.0, 0.0), (0.7, 0.0, 0.51), (0.8, 0.0, 0.71), (0.8, 0.5, 0.7), (0.8, 0.6, 0.6)],
)
def test_threshold_is_the_smallest_that_will_do(wanted, least, threshold):
    assert unsure_threshold(TRUTH, SHARES, wanted, least) == pytest.approx(threshold)
