"""Stages against those of OpenCV 3.4.18's trainer, and against plain sums over samples."""

from dataclasses import replace
from functools import cache
from itertools import islice

import naive
import numpy as np
import parity
import pytest

from cvbaseline.boosting.stage import StageGoals, train_stage
from cvbaseline.cascade import HaarFeatures, LbpFeatures
from cvbaseline.errors import UserError
from cvbaseline.features.haar import (
    corners,
    enumerate_haar,
    evaluate_haar,
    prepare_haar,
)
from cvbaseline.features.lbp import enumerate_lbp, evaluate_lbp, prepare_lbp
from cvbaseline.parallel import threads


@cache
def pool_of(kind):
    if kind == "LBP":
        return enumerate_lbp(parity.WIDTH, parity.HEIGHT)
    return enumerate_haar(parity.WIDTH, parity.HEIGHT, kind)


def values_of(kind):
    pool = pool_of(kind)

    def values(feature, windows):
        one = slice(feature, feature + 1)
        if kind == "LBP":
            return evaluate_lbp(prepare_lbp(windows), LbpFeatures(pool.cells[one]))[0]
        chosen = corners(HaarFeatures(*(column[one] for column in pool)), windows.shape[2])
        return evaluate_haar(prepare_haar(windows, bool(pool.tilted[feature])), chosen)[0]

    return values


def goals_of(run):
    boost_type, depth = run.split("_")[1:3]
    return StageGoals(
        boost_type=boost_type,
        min_hit_rate=0.99,
        max_false_alarm=0.02,
        # The old trainer reads -weightTrimRate as a float.
        weight_trim_rate=1.0 if run.endswith("_off") else float(np.float32(0.9)),
        max_depth=int(depth),
        max_weak_count=8,
    )


@pytest.mark.parametrize(("run", "number"), parity.stages())
def test_exhaustive_search_makes_the_stages_of_opencv(run, number):
    kind = run.split("_")[0]
    old, log = parity.read_stage(run, number), []
    faces, others = parity.samples(run, number, values_of(kind))
    stage = train_stage(
        faces, others, "LBP" if kind == "LBP" else "HAAR", pool_of(kind), goals_of(run),
        search="exhaustive", report=log.append,
    )
    trees, nodes = stage.trees, [node for tree in old.trees for node in tree.nodes]
    assert [len(tree.nodes) for tree in old.trees] == np.diff(trees.first_node).tolist()
    assert [int(node[2]) for node in nodes] == trees.feature.tolist()
    assert [[node[0], node[1]] for node in nodes] == np.stack([trees.left, trees.right], 1).tolist()
    if kind == "LBP":
        assert [node[3:] for node in nodes] == trees.subset.tolist()
    else:
        assert np.array_equal(np.float32([node[3] for node in nodes]), trees.threshold)
    leaves = np.float32([leaf for tree in old.trees for leaf in tree.leaves])
    np.testing.assert_array_max_ulp(leaves, trees.leaf.astype(np.float32), 1)
    assert abs(stage.threshold - old.threshold) <= 1e-6 * abs(old.threshold)
    printed = [(p.count, float(f"{p.hit_rate:.6g}"), float(f"{p.false_alarm:.6g}")) for p in log]
    assert printed == parity.read_log(run)[number]


def drawn(count=300):
    faces = parity.positives()[:count]
    windows = np.stack(list(islice(parity.negatives(), count)))
    return faces, windows


def train(kind, goals, search="fast", count=300, **others):
    feature_type = "LBP" if kind == "LBP" else "HAAR"
    return train_stage(*drawn(count), feature_type, pool_of(kind), goals, search, **others)


def assert_equal_stages(one, other):
    assert one.threshold == other.threshold
    for first, second in zip(one.trees, other.trees):
        assert np.array_equal(first, second)


@pytest.mark.parametrize("kind", ["GAB", "RAB", "DAB", "LB"])
def test_boosting_follows_friedman_hastie_and_tibshirani(kind):
    rng = np.random.default_rng(4)
    count = 30
    windows = rng.integers(0, 256, (2 * count, 5, 6), dtype=np.uint8)
    windows[:count, 1:3, 2:5] //= 2
    pool = HaarFeatures(*(column[::25] for column in enumerate_haar(6, 5)))
    values = evaluate_haar(prepare_haar(windows, False), corners(pool, 6)).astype(float)
    labels = [1] * count + [-1] * count
    rounds = 5
    goals = StageGoals(
        boost_type=kind, min_hit_rate=0.9, max_false_alarm=1e-6, weight_trim_rate=1,
        max_weak_count=rounds,
    )
    log = []
    stage = train_stage(
        windows[:count], windows[count:], "HAAR", pool, goals, "exhaustive", report=log.append
    )
    sums = np.array(naive.boosted_stumps(kind, values.tolist(), labels, len(log)))
    trees = stage.trees
    ours = np.zeros(2 * count)
    for tree in range(trees.count):
        left = values[trees.feature[tree]] <= trees.threshold[tree]
        ours += np.where(left, *trees.leaf[2 * tree : 2 * tree + 2])
    np.testing.assert_allclose(ours, sums, rtol=1e-5, atol=1e-5)
    assert stage.threshold == pytest.approx(np.sort(sums[:count])[3], rel=1e-5)
    assert log[-1].hit_rate == pytest.approx(np.mean(sums[:count] > stage.threshold - 1e-5))
    assert log[-1].false_alarm == pytest.approx(np.mean(sums[count:] > stage.threshold - 1e-5))


@pytest.mark.parametrize(("kind", "depth"), [("BASIC", 1), ("ALL", 2), ("LBP", 2)])
def test_results_do_not_depend_on_the_number_of_threads(kind, depth):
    goals = StageGoals(max_false_alarm=1e-6, max_weak_count=3, max_depth=depth)
    stages = []
    for count in (1, 2, 3):
        with threads(count):
            stages.append(train(kind, goals))
    assert_equal_stages(stages[0], stages[1])
    assert_equal_stages(stages[0], stages[2])


@pytest.mark.parametrize("boost_type", ["RAB", "DAB"])
def test_fast_search_among_codes_is_the_exhaustive_one(boost_type):
    goals = StageGoals(boost_type=boost_type, max_false_alarm=1e-6, max_weak_count=5, max_depth=2)
    assert_equal_stages(train("LBP", goals), train("LBP", goals, "exhaustive"))


@pytest.mark.parametrize("boost_type", ["GAB", "LB"])
def test_fast_least_squares_among_codes_is_the_exhaustive_one_on_every_code_seen(boost_type):
    # Stumps on all samples: every tree sees the codes of all windows.
    goals = StageGoals(
        boost_type=boost_type, max_false_alarm=1e-6, max_weak_count=5, weight_trim_rate=1
    )
    fast, exhaustive = train("LBP", goals), train("LBP", goals, "exhaustive")
    assert fast.threshold == pytest.approx(exhaustive.threshold, rel=1e-6)
    for name in ("first_node", "left", "right", "feature"):
        assert np.array_equal(getattr(fast.trees, name), getattr(exhaustive.trees, name))
    assert fast.trees.leaf == pytest.approx(exhaustive.trees.leaf, rel=1e-6)
    windows = np.concatenate(drawn())
    for one, other, feature in zip(fast.trees.subset, exhaustive.trees.subset, fast.trees.feature):
        seen = np.unique(values_of("LBP")(feature, windows))
        goes_left = [words[seen >> 5] >> (seen & 31) & 1 for words in (one, other)]
        assert np.array_equal(*goes_left)


def test_the_seed_matters_only_to_the_draw():
    goals = StageGoals(max_false_alarm=1e-6, max_weak_count=3)
    assert_equal_stages(train("CORE", goals, seed=1), train("CORE", goals, seed=2))


def test_a_stage_ends_when_asked_and_is_whole():
    asked = []

    def enough():
        asked.append(True)
        return len(asked) == 2

    log = []
    goals = StageGoals(max_false_alarm=1e-6, max_weak_count=9)
    stage = train("LBP", goals, report=log.append, should_stop=enough)
    assert stage.trees.count == len(log) == 2
    assert_equal_stages(stage, train("LBP", replace(goals, max_weak_count=2)))


def test_a_stage_ends_at_the_wanted_false_alarm_rate():
    log = []
    train("LBP", StageGoals(max_false_alarm=0.4), report=log.append)
    assert [one.false_alarm <= 0.4 for one in log] == [False] * (len(log) - 1) + [True]
    assert all(one.hit_rate >= 0.995 for one in log)


def test_samples_that_are_all_alike_give_no_stage():
    windows = np.repeat(parity.positives()[:1], 30, axis=0)
    for kind in ("BASIC", "LBP"):
        for search in ("fast", "exhaustive"):
            feature_type = "LBP" if kind == "LBP" else "HAAR"
            arguments = windows, windows, feature_type, pool_of(kind), StageGoals(), search
            assert train_stage(*arguments) is None


def test_callers_windows_stay_as_they_are():
    faces, windows = drawn(60)
    before = faces.copy(), windows.copy()
    train_stage(faces, windows, "HAAR", pool_of("BASIC"), StageGoals(max_weak_count=2))
    assert np.array_equal(faces, before[0])
    assert np.array_equal(windows, before[1])


def test_samples_that_cannot_train_are_named():
    faces, windows = drawn(20)
    pool, goals = pool_of("LBP"), StageGoals()
    with pytest.raises(UserError, match="no positive"):
        train_stage(faces[:0], windows, "LBP", pool, goals)
    with pytest.raises(UserError, match="no negative"):
        train_stage(faces, windows[:0], "LBP", pool, goals)
    with pytest.raises(UserError, match="14x12 pixels but negatives 13x12"):
        train_stage(faces, windows[:, :, 1:], "LBP", pool, goals)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("boost_type", "ADA"), ("min_hit_rate", 0), ("min_hit_rate", 1.5), ("max_false_alarm", -1),
        ("weight_trim_rate", 95), ("max_depth", 0), ("max_weak_count", 0),
    ],
)  # fmt: skip
def test_goals_out_of_range_are_named(name, value):
    with pytest.raises(UserError, match=str(value)):
        StageGoals(**{name: value})
