"""Metrics against scikit-learn, tests against their formulas, intervals against brute force."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from cvbaseline.benchmarking import comparisons, learning_curve
from cvbaseline.benchmarking.comparisons import compare, holm, mcnemar, sign_flip_p
from cvbaseline.benchmarking.learning_curve import (
    Point,
    PowerLaw,
    fit_power_law,
    how_many_more,
)
from cvbaseline.benchmarking.scores import (
    Answers,
    at_level,
    bootstrap_means,
    levels,
    mean_by_units,
    reliability,
    score,
)
from cvbaseline.bootstrap import Estimate


def make_answers(count=300, classes=4, seed=0, skill=1.5, repeats=1):
    rng = np.random.default_rng(seed)
    faces = np.tile(np.arange(count), repeats)
    truth = np.tile(rng.choice(classes, count, p=[0.4, 0.3, 0.2, 0.1]), repeats)
    scores = rng.normal(0, 1, (len(faces), classes))
    scores[np.arange(len(faces)), truth] += skill
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return Answers(faces, truth, probabilities, faces, repeats)


def test_metrics_are_those_of_scikit_learn():
    answers = make_answers()
    scores, predicted = score(answers), answers.probabilities.argmax(axis=1)
    assert scores.accuracy.value == pytest.approx(sk.accuracy_score(answers.truth, predicted))
    assert scores.balanced_accuracy.value == pytest.approx(
        sk.balanced_accuracy_score(answers.truth, predicted)
    )
    assert scores.macro_f1.value == pytest.approx(
        sk.f1_score(answers.truth, predicted, average="macro")
    )
    assert [one.value for one in scores.class_f1] == pytest.approx(
        sk.f1_score(answers.truth, predicted, average=None)
    )
    assert scores.log_loss.value == pytest.approx(sk.log_loss(answers.truth, answers.probabilities))
    assert np.array_equal(scores.confusion[:, :4], sk.confusion_matrix(answers.truth, predicted))
    assert scores.faces == 300 and scores.units == 300


def test_every_interval_holds_its_value():
    scores = score(make_answers())
    single = [value for value in scores if isinstance(value, Estimate)]
    for estimate in [*single, *scores.class_f1]:
        assert estimate.low <= estimate.value <= estimate.high
        assert 0 < estimate.high - estimate.low < 0.4


def test_missed_faces_are_wrong_and_have_a_column_of_their_own():
    answers = make_answers()
    missed = np.arange(300) < 30
    answers.probabilities[missed] = 0
    scores, predicted = score(answers), answers.probabilities.argmax(axis=1)
    predicted[missed] = 4
    assert scores.accuracy.value == pytest.approx(sk.accuracy_score(answers.truth, predicted))
    f1 = sk.f1_score(answers.truth, predicted, labels=range(4), average="macro")
    assert scores.macro_f1.value == pytest.approx(f1)
    assert scores.confusion[:, 4].sum() == 30
    seen = ~missed
    loss = sk.log_loss(answers.truth[seen], answers.probabilities[seen])
    assert scores.log_loss.value == pytest.approx(loss)


def test_repeats_count_a_face_once():
    scores = score(make_answers(repeats=3))
    assert scores.confusion.sum() == pytest.approx(300)
    assert scores.faces == 300 and scores.units == 300


def naive_calibration_error(answers, bins=15):
    confidence = answers.probabilities.max(axis=1)
    total = 0.0
    for number in range(bins):
        inside = (confidence > number / bins) & (confidence <= (number + 1) / bins)
        if inside.any():
            gap = abs(answers.right[inside].mean() - confidence[inside].mean())
            total += inside.mean() * gap
    return total


def test_calibration_error_and_reliability_curve():
    answers = make_answers(2000)
    assert score(answers).calibration_error.value == pytest.approx(naive_calibration_error(answers))
    curve = reliability(answers)
    ranked = np.argsort(answers.probabilities.max(axis=1))
    assert len(curve.confidence) == 10
    assert curve.accuracy[0] == pytest.approx(answers.right[ranked[:200]].mean())
    assert curve.confidence[-1] == pytest.approx(
        answers.probabilities.max(axis=1)[ranked[-200:]].mean()
    )


def test_probabilities_that_mean_what_they_say_have_no_calibration_error():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), 20_000)
    truth = (rng.random((20_000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    answers = Answers(np.arange(20_000), truth, probabilities, np.arange(20_000))
    assert score(answers).calibration_error.value < 0.02


def test_intervals_of_groups_are_wider():
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(0, 1, 20), 10)  # ten equal pictures in each group
    alone = mean_by_units(values, np.arange(200))
    grouped = mean_by_units(values, np.repeat(np.arange(20), 10))
    standard_error = values.std() / np.sqrt(20)
    assert grouped.high - grouped.low == pytest.approx(2 * 1.96 * standard_error, rel=0.15)
    assert grouped.high - grouped.low > 2.5 * (alone.high - alone.low)


def test_bootstrap_means_are_means_of_drawn_units():
    values, units = np.array([1.0, 2.0, 4.0, 8.0]), np.array([0, 0, 1, 1])
    means = bootstrap_means(values, units, seed=0, rounds=4000)
    # Two units of equal size: both drawn, or one of them twice.
    assert set(np.round(means, 6)) == {1.5, 3.75, 6.0}
    assert (means == 3.75).mean() == pytest.approx(0.5, abs=0.04)


def exact_mcnemar(only_first, only_second):
    count, least = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(count, k) for k in range(least + 1)) / 2**count
    return min(1.0, 2 * tail)


@given(only_first=st.integers(0, 30), only_second=st.integers(0, 30), both=st.integers(0, 5))
def test_mcnemar_is_the_binomial_formula(only_first, only_second, both):
    first = np.repeat([1, 0, 1], [only_first, only_second, both])
    second = np.repeat([0, 1, 1], [only_first, only_second, both])
    expected = exact_mcnemar(only_first, only_second) if only_first + only_second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected)


def test_holm_as_worked_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def permutation_p(sums, rounds):
    """The same p as scipy finds it: which of the two contenders is which is permuted by unit."""
    return stats.permutation_test(
        (sums, np.zeros(len(sums))), lambda first, second: np.sum(first - second),
        permutation_type="samples", n_resamples=rounds, random_state=0,
    ).pvalue  # fmt: skip


@pytest.mark.parametrize(("units", "tolerance"), [(2, 0), (3, 0), (7, 0), (12, 0), (40, 0.01)])
def test_sign_flips_are_the_permutations_of_scipy(units, tolerance):
    rng = np.random.default_rng(units)
    of = np.concatenate([np.arange(units), rng.integers(units, size=5 * units)])
    gained = rng.integers(-1, 2, (len(of), 3)) + (rng.random((len(of), 3)) < 0.2)
    p = sign_flip_p(gained.astype(float), of)
    for one, column in zip(p, gained.T):
        expected = permutation_p(np.bincount(of, column, units), 10_000)
        assert one == pytest.approx(expected, abs=tolerance)


def test_sign_flips_as_worked_by_hand():
    """Three groups that gain 3, 1 and -1: six of the eight sums are as far from 0 as 3."""
    gained = np.array([1, 1, 1, 0, 1, -1.0])
    assert sign_flip_p(gained[:, None], np.array([0, 0, 0, 1, 1, 2])) == [6 / 8]
    assert sign_flip_p(np.ones((30, 1)), np.arange(30) % 3) == [2 / 8]
    assert sign_flip_p(np.zeros((30, 1)), np.arange(30) % 3) == [1]
    assert sign_flip_p(np.ones((30, 1)), np.arange(30)) == [1 / 10_001]


def test_a_difference_is_called_only_when_it_holds():
    good, poor = make_answers(skill=2.5, seed=1), make_answers(skill=0.3, seed=1)
    similar = make_answers(skill=2.5, seed=1)
    similar.probabilities[:2] = similar.probabilities[:2, ::-1]
    rows = compare({"good": good, "poor": poor, "similar": similar})
    called = {(row.first, row.second): row.holds for row in rows}
    assert called == {
        ("good", "poor"): True, ("good", "similar"): False, ("poor", "similar"): True
    }  # fmt: skip
    assert {row.test for row in rows} == {"McNemar"}
    difference = rows[0].difference
    assert difference.value == pytest.approx(good.right.mean() - poor.right.mean())
    assert difference.low < difference.value < difference.high


def test_groups_make_a_difference_less_certain():
    good, poor = make_answers(skill=1.5, seed=2), make_answers(skill=1.1, seed=2)
    groups = np.arange(300) % 4
    grouped = compare({"a": good._replace(units=groups), "b": poor._replace(units=groups)})
    alone = compare({"a": good, "b": poor})
    assert (grouped[0].test, alone[0].test) == ("sign flips", "McNemar")
    assert grouped[0].p >= 2 / 2**4 > alone[0].p


@pytest.mark.parametrize("groups", [2, 3, 6])
def test_few_groups_make_no_false_calls(groups, monkeypatch):
    """Each contender is better at some groups, and neither at all of them."""
    monkeypatch.setattr(comparisons, "ROUNDS", 100)
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(groups), 20)

    def answers():
        right = rng.random(len(units)) < rng.beta(3, 3, groups)[units]
        probabilities = np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])
        return Answers(np.arange(len(units)), np.zeros(len(units), int), probabilities, units)

    calls = [compare({"a": answers(), "b": answers()})[0].holds for _ in range(30)]
    assert np.mean(calls) <= 0.1


def test_levels_of_nested_classes():
    classes = ("anime/one/anna", "anime/one/bert", "anime/two/carl", "photo/three/dora")
    (top_name, top), (series_name, series) = levels(classes)
    assert (top_name, series_name) == ("level 1", "level 2")
    assert top.tolist() == [0, 0, 0, 1] and series.tolist() == [0, 0, 1, 2]
    assert levels(("a", "b")) == []
    answers = make_answers()
    above = at_level(answers, top)
    assert np.allclose(above.probabilities.sum(axis=1), 1)
    assert np.allclose(above.probabilities[:, 1], answers.probabilities[:, 3])
    assert np.array_equal(above.truth, answers.truth // 3)


def curve(sizes, law):
    return [Point(n, Estimate(law(n), law(n) - 0.02, law(n) + 0.02)) for n in sizes]


def test_a_power_law_is_found_again():
    law = fit_power_law(curve([50, 100, 200, 400, 800], lambda n: 0.9 - 2.0 * n**-0.5))
    assert law.accuracy(1600) == pytest.approx(0.9 - 2.0 * 1600**-0.5, abs=0.005)
    assert law.pictures(0.85) == pytest.approx(1600, rel=0.1)
    assert law.pictures(0.95) is None


def test_how_many_more_pictures():
    points = curve([50, 100, 200, 400], lambda n: 0.9 - 2.0 * n**-0.5)
    gain = Estimate(0.04, 0.01, 0.07)
    rising = how_many_more("hog_svm", points, gain, gain)
    # .8 now; .85 takes 1,600 pictures.
    assert "more pictures would help" in rising and "800 pictures reach about 0.83" in rising
    assert "0.85 takes about 1,200 more than now" in rising
    unsure = Estimate(0.01, -0.01, 0.03)
    flat = how_many_more("hog_svm", points, Estimate(0.0, -0.01, 0.015), unsure)
    assert "promise little" in flat and "from 200 to 400" in flat
    slow = how_many_more("hog_svm", points, unsure, Estimate(0.06, 0.02, 0.1))
    assert "probably help; from 100 to 400" in slow
    assert "cannot be told" in how_many_more("hog_svm", points, unsure, unsure)


def test_impossible_targets_are_not_named(monkeypatch):
    gain = Estimate(0.04, 0.01, 0.07)
    high = curve([50, 100, 200, 400], lambda n: 0.99 - 1.0 * n**-0.5 * 0.2)
    assert how_many_more("hog_svm", high, gain, gain).endswith("reach about 0.98. This is a guess.")
    # A last point far below the law: what is wanted was reached before.
    points = curve([50, 100, 200, 400], lambda n: 0.9 - 2.0 * n**-0.5)
    points[-1] = points[-1]._replace(accuracy=Estimate(0.7, 0.6, 0.8))
    monkeypatch.setattr(learning_curve, "fit_power_law", lambda points: PowerLaw(0.9, 2.0, 0.5))
    text = how_many_more("hog_svm", points, gain, gain)
    assert "takes about" not in text and text.endswith("reach about 0.83. This is a guess.")
