"""Stages against those of OpenCV 3.4.18's trainer, and against plain sums over samples."""

from functools import cache

import numpy as np
import parity
import pytest

from cvbaseline.boosting import StageGoals, train_stage
from cvbaseline.cascade import HaarFeatures, LbpFeatures
from cvbaseline.features.haar import corners, enumerate_haar, evaluate_haar, prepare_haar
from cvbaseline.features.lbp import enumerate_lbp, evaluate_lbp, prepare_lbp


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
