"""Ensembles: the mean of the members' probabilities, whatever the members are."""

import numpy as np
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.utils.estimator_checks import check_estimator
from small_faces import mood_faces

from cvbaseline.classifiers.ensemble import Ensemble
from cvbaseline.classifiers.hog_svm import HogSvm
from cvbaseline.classifiers.lbph import Lbph
from cvbaseline.classifiers.subspace import Fisherfaces
from cvbaseline.errors import UserError

SMALL = {"scales": ((32, 8),), "n_components": 20, "landmarks": 40}


def test_scikit_learn_estimator():
    results = check_estimator(Ensemble(), on_fail=None, on_skip=None)
    assert len(results) > 40
    assert not [result for result in results if result["status"] in ("failed", "xfail")]


def moods(count, seed=0):
    faces, labels = mood_faces(count, seed=seed)
    return faces.reshape(len(faces), -1), labels


def test_it_answers_as_scikit_learns_soft_vote():
    rows, labels = moods(15)
    unseen, _ = moods(8, seed=1)
    ours = Ensemble("hog_svm+fisherfaces+lbph", {"hog_svm": SMALL, "lbph": {"grid_x": 4}})
    theirs = VotingClassifier(
        [("h", HogSvm(**SMALL)), ("f", Fisherfaces()), ("l", Lbph(grid_x=4))], voting="soft"
    )
    ours.fit(rows, labels)
    theirs.fit(rows, labels)
    assert np.allclose(ours.predict_proba(unseen), theirs.predict_proba(unseen))
    assert np.array_equal(ours.predict(unseen), theirs.predict(unseen))


def test_groups_go_to_the_members_that_use_them():
    # Meaningless labels, every face twice: only by groups is the certainty known to be false.
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.integers(0, 256, (60, 256)).astype(np.uint8), 2, axis=0)
    rows[::2] ^= 1
    labels = np.repeat(rng.integers(2, size=60), 2)
    settings = {"hog_svm": {"scales": ((16, 4),), "landmarks": None, "C": 100.0, "gamma": 1.0}}
    alone = Ensemble("hog_svm+majority", settings).fit(rows, labels)
    grouped = Ensemble("hog_svm+majority", settings).fit(
        rows, labels, groups=np.arange(120) // 2
    )
    unseen = rng.integers(0, 256, (100, 256)).astype(np.uint8)
    sure = [np.abs(model.predict_proba(unseen)[:, 0] - 0.5).mean() for model in (alone, grouped)]
    assert sure[1] < sure[0] / 2


def test_ensembles_of_ensembles():
    rows, labels = moods(10)
    inner = {"estimators": "fisherfaces+majority"}
    model = Ensemble("ensemble+eigenfaces", {"ensemble": inner}).fit(rows, labels)
    parts = [member.predict_proba(rows) for member in model.members_]
    assert np.allclose(model.predict_proba(rows), np.mean(parts, axis=0))
    assert np.allclose(
        parts[0], np.mean([member.predict_proba(rows) for member in model.members_[0].members_], 0)
    )


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"estimators": "hog_svm"}, ValueError, "two or more different names"),
        ({"estimators": "hog_svm+hog_svm"}, ValueError, "two or more different names"),
        ({"estimators": "lbph+svm"}, UserError, "unknown classifier 'svm'"),
        ({"settings": 5}, ValueError, r'settings must be like {"hog_svm": {"C": 3}}, not 5'),
        ({"settings": [1]}, ValueError, "settings must be like"),
        ({"settings": {"hog_svm": 3}}, ValueError, "settings must be like"),
        ({"settings": {"lbph": {}}}, ValueError, "for 'lbph', which is not one of"),
        ({"settings": {"hog_svm": {"c": 1}}}, ValueError, "hog_svm has no parameter 'c', only C,"),
    ],
)
def test_parameters_are_checked(settings, error, message):
    with pytest.raises(error, match=message):
        Ensemble(**settings).fit(*moods(3))
