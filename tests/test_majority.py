"""The majority contender: against scikit-learn's dummy classifier."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.utils.estimator_checks import check_estimator

from cvbaseline.classifiers.majority import Majority


def test_scikit_learn_estimator():
    results = check_estimator(Majority(), on_fail=None, on_skip=None)
    assert len(results) > 40
    assert not [result for result in results if result["status"] in ("failed", "xfail")]


@pytest.mark.parametrize("counts", [[3, 5, 1], [1, 2, 2], [4]])
def test_it_answers_as_scikit_learns_dummy(counts):
    names = np.random.default_rng(0).permutation(np.repeat(["c", "a", "b"][: len(counts)], counts))
    rows = np.random.default_rng(1).integers(0, 256, (len(names), 64))
    ours, theirs = Majority().fit(rows, names), DummyClassifier(strategy="prior").fit(rows, names)
    assert np.array_equal(ours.predict(rows), theirs.predict(rows))
    assert np.array_equal(ours.predict_proba(rows), theirs.predict_proba(rows))
