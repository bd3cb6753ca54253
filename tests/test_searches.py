"""The searches for the best split against plain twins, and against one another."""

from itertools import islice

import naive
import numpy as np
import parity
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvbaseline.boosting.search_codes import CodeSearch
from cvbaseline.boosting.search_exhaustive import ExhaustiveHaar
from cvbaseline.boosting.search_screened import ScreenedHaar
from cvbaseline.boosting.tree_growing import ERROR, GINI, LEAST_SQUARES, Load, grow_tree
from cvbaseline.cascade import HaarFeatures, LbpFeatures
from cvbaseline.features.haar import (
    corners,
    enumerate_haar,
    evaluate_haar,
    prepare_haar,
)
from cvbaseline.features.lbp import enumerate_lbp, evaluate_lbp, prepare_lbp

CRITERIA = {"squares": LEAST_SQUARES, "gini": GINI, "error": ERROR}


def load_of(weights, targets, inside, criterion):
    w, t = weights[inside], targets[inside]
    totals = (w.sum(), w @ t) if criterion == "squares" else (w[t == 0].sum(), w[t == 1].sum())
    return Load(
        weights, targets.astype(np.float32), inside, np.array(totals), CRITERIA[criterion]
    )


def problem(seed, criterion, count=40, height=6, width=7):
    """Windows, weights, targets and the samples of a node."""
    rng = np.random.default_rng(seed)
    windows = rng.integers(0, 256, (count, height, width), dtype=np.uint8)
    positive = rng.random(count) < 0.5
    windows[positive, 1:4, 1:3] //= 3
    weights = rng.uniform(0.1, 1, count)
    targets = (positive + 0.0) if criterion != "squares" else rng.normal(2 * positive - 1.0, 0.5)
    inside = rng.random(count) < 0.8
    inside[:12] = True
    return windows, weights / weights.sum(), np.float32(targets).astype(float), inside


def some(pool, step):
    return type(pool)(*(column[::step] for column in pool))


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("search", [ExhaustiveHaar, ScreenedHaar])
def test_haar_search_finds_the_best_cut_of_all_features(criterion, search):
    for seed in range(4):
        windows, weights, targets, inside = problem(seed, criterion)
        pool = some(enumerate_haar(7, 6, "ALL"), 9)
        values = evaluate_haar(prepare_haar(windows, True), corners(pool, 7))
        finder = search(windows, pool, 0) if search is ScreenedHaar else search(windows, pool)
        split = finder.best_split(load_of(weights, targets, inside, criterion), 0)
        inner = weights[inside].tolist(), targets[inside].tolist()
        best = max(naive.best_threshold(criterion, v[inside].tolist(), *inner) for v in values)
        quality = naive.split_quality(criterion, *inner, split.left.tolist())
        assert quality == pytest.approx(best[0], rel=1e-6)
        chosen = values[split.feature]
        assert np.array_equal(split.left, chosen[inside] <= np.float32(split.threshold))
        assert np.array_equal(finder.goes_left(split), chosen <= np.float32(split.threshold))
        below, above = chosen[inside][split.left], chosen[inside][~split.left]
        assert split.threshold == np.float32(0.5) * (below.max() + above.min())


def test_of_equal_haar_features_the_first_wins():
    windows, weights, targets, inside = problem(1, "squares")
    pool = some(enumerate_haar(7, 6), 9)
    twice = HaarFeatures(*(np.concatenate([column, column]) for column in pool))
    load = load_of(weights, targets, inside, "squares")
    for search in (ExhaustiveHaar(windows, twice), ScreenedHaar(windows, twice, 0)):
        assert search.best_split(load, 0).feature < len(pool.rects)


@pytest.mark.parametrize("search", [ExhaustiveHaar, CodeSearch])
def test_choices_do_not_depend_on_memory(search):
    windows, weights, targets, inside = problem(2, "gini", height=14, width=13)
    pool = enumerate_lbp(13, 14) if search is CodeSearch else enumerate_haar(13, 14)
    load = load_of(weights, targets, inside, "gini")
    half = len(windows) * len(pool[0]) // 2
    splits = [search(windows, pool, kept).best_split(load, 0) for kept in (0, half, 1 << 30)]
    for split in splits[1:]:
        assert split.feature == splits[0].feature
        assert split.threshold == splits[0].threshold
        assert np.array_equal(split.subset, splits[0].subset)
        assert np.array_equal(split.left, splits[0].left)


def test_no_split_where_all_windows_are_alike():
    windows = np.repeat(problem(3, "gini")[0][:1], 40, axis=0)
    _, weights, targets, inside = problem(3, "gini")
    load = load_of(weights, targets, inside, "gini")
    assert ExhaustiveHaar(windows, enumerate_haar(7, 6)).best_split(load, 0) is None
    assert ScreenedHaar(windows, enumerate_haar(7, 6), 0).best_split(load, 0) is None
    assert CodeSearch(windows, enumerate_lbp(7, 6)).best_split(load, 0) is None


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from(["squares", "error"]))
def test_code_search_parts_the_codes_as_well_as_can_be(seed, criterion):
    # Few codes: the best of all ways to part them is tried out. (Prefixes of the order by mean
    # response hold the best part for least squares, Fisher 1958, but not for the other two.)
    windows, weights, targets, inside = problem(seed, criterion, count=12)
    pool = LbpFeatures(enumerate_lbp(7, 6).cells[::12])
    codes = evaluate_lbp(prepare_lbp(windows), pool)
    split = CodeSearch(windows, pool).best_split(load_of(weights, targets, inside, criterion), 0)
    inner = weights[inside].tolist(), targets[inside].tolist()
    found = naive.split_quality(criterion, *inner, split.left.tolist())
    best = max(naive.best_codes(criterion, row[inside].tolist(), *inner)[0] for row in codes)
    if criterion == "squares":
        assert found == pytest.approx(best, rel=1e-6)
    else:
        assert found <= best + 1e-9
    left = {int(code) for code in range(256) if split.subset[code >> 5] >> (code & 31) & 1}
    assert split.left.tolist() == [int(c) in left for c in codes[split.feature][inside]]
    everywhere = CodeSearch(windows, pool).goes_left(split)
    assert everywhere.tolist() == [int(c) in left for c in codes[split.feature]]


def test_the_bound_of_codes_leaves_out_none_that_could_win():
    for seed in range(6):
        for criterion in CRITERIA:
            windows, weights, targets, inside = problem(seed, criterion, count=60, height=12)
            pool = enumerate_lbp(7, 12)
            load = load_of(weights, targets, inside, criterion)
            split = CodeSearch(windows, pool).best_split(load, 0)
            singles = [
                CodeSearch(windows, LbpFeatures(pool.cells[f : f + 1])).best_split(load, 0)
                for f in range(len(pool.cells))
            ]
            inner = weights[inside].tolist(), targets[inside].tolist()
            qualities = [
                np.float32(naive.split_quality(criterion, *inner, one.left.tolist()))
                if one is not None and one.left.any() and not one.left.all()
                else 0
                for one in singles
            ]
            assert qualities[split.feature] == pytest.approx(max(qualities), rel=3e-7)


class Compared:
    """The fast search, each of its root splits beside the exhaustive one's."""

    def __init__(self, windows, pool):
        self.fast, self.exhaustive = ScreenedHaar(windows, pool, 0), ExhaustiveHaar(windows, pool)
        self.goes_left, self.ratios = self.fast.goes_left, []

    def best_split(self, load, depth):
        name = next(name for name, number in CRITERIA.items() if number == load.criterion)
        inner = load.weights[load.inside].tolist(), load.targets[load.inside].tolist()
        splits = [search.best_split(load, depth) for search in (self.fast, self.exhaustive)]
        ours, best = (naive.split_quality(name, *inner, split.left.tolist()) for split in splits)
        self.ratios.append(ours / best)
        return splits[0]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_fast_haar_search_is_nearly_as_good_as_the_exhaustive_one(criterion):
    faces, others = parity.positives()[:300], np.stack(list(islice(parity.negatives(), 300)))
    pool = enumerate_haar(parity.WIDTH, parity.HEIGHT, "ALL")
    assert len(pool.rects) > 2 * 8000  # less than half are candidates at a time
    search = Compared(np.concatenate([faces, others]), pool)
    labels = np.where(np.arange(600) < 300, 1.0, -1.0)
    weights, targets = np.full(600, 1 / 600), labels if criterion == "squares" else labels > 0
    for _ in range(6):
        used = weights >= np.quantile(weights, 0.1)
        grown = grow_tree(search, CRITERIA[criterion], weights, np.float32(targets), used, 1)
        weights = weights * np.exp(-labels * np.sign(grown.walked) * 0.4)
        weights /= weights.sum()
    assert min(search.ratios) > 0.96
    assert np.mean(search.ratios) > 0.99
