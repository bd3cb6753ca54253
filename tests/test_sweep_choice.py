"""Measures from sums, the Pareto front, the rule of choice, and the honest expectation."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from cvbaseline.sweeping import choice as choice_module
from cvbaseline.sweeping.choice import choose, expected, pareto_front
from cvbaseline.sweeping.measures import (
    detection_measures,
    drawn_weights,
    intervals,
    sorting_measures,
    values_of,
)
from cvbaseline.sweeping.tally import Tally


def tally_of(found, false, faces, milliseconds=None, units=None):
    found, false, faces = map(np.asarray, (found, false, faces))
    units = np.arange(len(found)) if units is None else units
    times = np.ones(found.shape) if milliseconds is None else np.asarray(milliseconds, float)
    return Tally(found, false, faces, np.broadcast_to(times, found.shape), units)


def test_measures_by_hand():
    measures = detection_measures(
        tally_of(found=[[1, 0], [2, 0]], false=[[1, 0], [0, 0]], faces=[2, 2], milliseconds=[5, 7])
    )
    assert values_of(measures["recall"]).tolist() == [3 / 4, 0]
    assert values_of(measures["precision"])[0] == 3 / 4
    assert np.isnan(values_of(measures["precision"])[1])  # nothing is found: nothing to be precise
    assert values_of(measures["f1"]).tolist() == [2 * 3 / (4 + 4), 0]
    assert values_of(measures["false_per_picture"]).tolist() == [0.5, 0]
    assert values_of(measures["ms_per_picture"]).tolist() == [5, 7]


def test_weights_are_repeated_pictures():
    rng = np.random.default_rng(0)
    found, false, faces = rng.integers(0, 3, (6, 4)), rng.integers(0, 3, (6, 4)), np.full(6, 3)
    times = rng.random((6, 4))
    weights = np.array([2, 0, 1, 3, 0, 1])
    repeated = np.repeat(np.arange(6), weights)
    whole = detection_measures(tally_of(found, false, faces, times))
    drawn = detection_measures(
        tally_of(found[repeated], false[repeated], faces[repeated], times[repeated])
    )
    for name, measure in whole.items():
        assert values_of(measure, weights) == pytest.approx(values_of(drawn[name])), name


def test_sorting_measures_are_those_of_scikit_learn():
    rng = np.random.default_rng(1)
    truth = np.concatenate([np.arange(4), rng.integers(0, 4, 36)])
    answers = rng.integers(-1, 6, (40, 3))  # -1: missed; 4 and 5: classes that are never true
    answers[:20, 0] = truth[:20]
    measures = sorting_measures(answers, truth, rng.permutation(40) // 4, np.arange(10))
    for setting in range(3):
        f1 = sklearn.metrics.f1_score(
            truth, answers[:, setting], labels=range(4), average="macro", zero_division=0
        )
        assert values_of(measures["macro_f1"])[setting] == pytest.approx(f1)
        right = sklearn.metrics.accuracy_score(truth, answers[:, setting])
        assert values_of(measures["accuracy"])[setting] == pytest.approx(right)


def test_intervals_are_those_of_the_draws():
    rng = np.random.default_rng(2)
    found = rng.integers(0, 3, (30, 2))
    measure = detection_measures(tally_of(found, 0 * found, np.full(30, 2)))["recall"]
    low, high = intervals(measure, seed=5)
    for setting in range(2):
        samples = [
            (weights * found[:, setting]).sum() / (weights * 2).sum()
            for weights in drawn_weights(np.arange(30), seed=5)
        ]
        assert low[setting] == pytest.approx(np.percentile(samples, 2.5))
        assert high[setting] == pytest.approx(np.percentile(samples, 97.5))


def test_intervals_of_groups_by_hand():
    # A finds 2 of 2 faces, B 1 of 4: drawn whole, the recall is 1 (AA), 3/6 (AB) or 1/4 (BB).
    found, faces = np.array([[1], [0], [1], [1]]), np.array([1, 3, 1, 1])
    grouped = tally_of(found, 0 * found, faces, units=np.array([0, 1, 0, 1]))
    measure = detection_measures(grouped)["recall"]
    weights = drawn_weights(measure.units)
    assert set(values_of(measure, weights)[:, 0]) == {1, 1 / 2, 1 / 4}
    assert intervals(measure) == (1 / 4, 1)
    alone = detection_measures(tally_of(found, 0 * found, faces))["recall"]
    assert len(set(values_of(alone, drawn_weights(alone.units))[:, 0])) > 3


costs = st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=25)


@given(costs)
def test_front_is_what_nothing_beats(rows):
    front = pareto_front(np.array(rows, float))

    def beats(a, b):
        return all(x <= y for x, y in zip(a, b)) and a != b

    for i, row in enumerate(rows):
        beaten = any(beats(other, row) for other in rows)
        assert front[i] == (not beaten and row not in rows[:i])


def choice_of(found, milliseconds, faces=10, pictures=40):
    """The choice among settings that find so many of each picture's faces, without false boxes."""
    counts = np.broadcast_to(np.asarray(found), (pictures, len(found)))
    tally = tally_of(counts, 0 * counts, np.full(pictures, faces))
    measure = detection_measures(tally)["f1"]
    weights = np.ones(pictures)
    draws = drawn_weights(np.arange(pictures))
    return choose(measure, np.array(milliseconds, float), weights, draws)


def test_of_equally_good_ones_the_fastest():
    choice = choice_of([9, 9, 9, 5], [30, 10, 20, 1])
    assert choice.chosen == choice.best == 1 and choice.as_good.tolist() == [0, 1, 2]


def test_a_proven_difference_is_not_given_away_for_speed():
    # Every picture shows the same small loss: F1 0.995 against 1, proven by every draw.
    found = np.full((40, 2), 200)
    found[:, 1] = 198
    measure = detection_measures(tally_of(found, 0 * found, np.full(40, 200)))["f1"]
    values = values_of(measure)
    assert values[0] - values[1] < 0.01
    choice = choose(measure, np.array([50.0, 10.0]), np.ones(40), drawn_weights(np.arange(40)))
    assert choice.chosen == 0 and choice.as_good.tolist() == [0]


def test_a_large_unproven_difference_is_not_given_away_either():
    found = np.zeros((4, 2), int)
    found[:, 0], found[:, 1] = [1, 1, 1, 0], [1, 0, 1, 1]
    found[0, 1] = 0
    measure = detection_measures(tally_of(found, 0 * found, np.ones(4, int)))["f1"]
    choice = choose(measure, np.array([50.0, 10.0]), np.ones(4), drawn_weights(np.arange(4)))
    assert choice.as_good.tolist() == [0]


def test_times_that_hardly_differ_do_not_decide():
    found = np.full((40, 3), 200)
    found[:20, 1] = 199  # hardly worse, and a hair faster
    found[::2, 2] = 199
    found[1::2, 2] = 201
    measure = detection_measures(tally_of(found, 0 * found, np.full(40, 202)))["f1"]
    draws = drawn_weights(np.arange(40))
    choice = choose(measure, np.array([10.1, 30.0, 10.0]), np.ones(40), draws)
    assert choice.chosen == 0 and 2 in choice.as_good


def test_expectation_takes_the_luck_out_of_the_best_of_many(monkeypatch):
    """100 settings are equally good in truth; the best of them on 30 pictures is so by luck."""
    monkeypatch.setattr(choice_module, "REPEATS", 2)
    monkeypatch.setattr(choice_module, "DRAWS_TO_CHOOSE", 20)
    truth = 2 * 0.6 / 1.6
    lucky, outlooks = [], []
    for seed in range(20):
        found = np.random.default_rng(seed).binomial(2, 0.6, (30, 100))
        measures = detection_measures(tally_of(found, 0 * found, np.full(30, 2)))
        lucky.append(values_of(measures["f1"]).max())
        outlooks.append(expected(measures, "f1", np.ones(100), seed=seed)["f1"])
    assert np.mean(lucky) > truth + 0.07
    assert abs(np.mean([outlook.value for outlook in outlooks]) - truth) < 0.02
    assert sum(outlook.low < truth < outlook.high for outlook in outlooks) >= 17


def test_expectation_holds_whole_groups_out(monkeypatch):
    """Of 20 artists each drew the same picture six times; which setting suits them is luck."""
    monkeypatch.setattr(choice_module, "REPEATS", 2)
    monkeypatch.setattr(choice_module, "DRAWS_TO_CHOOSE", 20)
    truth, units = 2 * 0.6 / 1.6, np.repeat(np.arange(20), 6)
    outlooks = {True: [], False: []}
    for seed in range(20):
        found = np.random.default_rng(seed).binomial(2, 0.6, (20, 100))[units]
        for grouped, values in outlooks.items():
            tally = tally_of(found, 0 * found, np.full(120, 2), units=units if grouped else None)
            values.append(expected(detection_measures(tally), "f1", np.ones(100), seed)["f1"])
    assert abs(np.mean([outlook.value for outlook in outlooks[True]]) - truth) < 0.025
    assert np.mean([outlook.value for outlook in outlooks[False]]) > truth + 0.05
    assert sum(outlook.low < truth < outlook.high for outlook in outlooks[True]) >= 17


def test_one_group_tells_nothing_about_others():
    measures = detection_measures(tally_of([[1], [1]], [[0], [1]], [1, 2], units=np.zeros(2, int)))
    assert expected(measures, "f1", np.ones(1)) == {}


def test_expectation_is_the_measure_where_nothing_is_left_to_choose():
    found = np.random.default_rng(4).integers(0, 3, (7, 1))
    measures = detection_measures(tally_of(found, 1 + 0 * found, np.full(7, 2)))
    outlook = expected(measures, "f1", np.ones(1))
    for name, measure in measures.items():
        assert outlook[name].value == pytest.approx(values_of(measure)[0])


def test_one_picture_tells_nothing_about_others():
    measures = detection_measures(tally_of([[1]], [[0]], [1]))
    assert expected(measures, "f1", np.ones(1)) == {}
