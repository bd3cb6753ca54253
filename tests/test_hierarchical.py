"""Nested classes: the tree, the product of decisions, and training from nested folders."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator
from small_faces import MOODS, mood_faces

from cvbaseline.classification.training import TrainOptions, train
from cvbaseline.classifiers.hierarchical import Hierarchical, branches
from cvbaseline.classifiers.majority import Majority
from cvbaseline.classifiers.subspace import Fisherfaces
from cvbaseline.errors import UserError
from cvbaseline.images import write_picture
from cvbaseline.model_file import load_model


def test_scikit_learn_estimator():
    results = check_estimator(Hierarchical(), on_fail=None, on_skip=None)
    assert len(results) > 40
    assert not [result for result in results if result["status"] in ("failed", "xfail")]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], [((), [0, 1], [0, 1])]),
        (["a/x", "a/y", "b"], [((), [0, 1, 2], [0, 0, 1]), (("a",), [0, 1], [0, 1])]),
        # A parent with one child decides nothing.
        (["a/x/1", "a/x/2", "a/y/3"], [(("a",), [0, 1, 2], [0, 0, 1]), (("a", "x"), [0, 1], [0, 1])]),
        # Pictures beside folders: the parent is a child of its own.
        (["a", "a/x", "b"], [((), [0, 1, 2], [0, 0, 1]), (("a",), [0, 1], [0, 1])]),
        (["only/one"], []),
    ],
)  # fmt: skip
def test_the_tree_divides_where_names_do(names, expected):
    found = [
        (branch.path, branch.classes.tolist(), branch.children.tolist())
        for branch in branches(names)
    ]
    assert found == expected


def test_probabilities_are_the_frequencies_down_the_path():
    # With the majority at every branch a class is as probable as it is frequent, however deep.
    names = ["cat/siamese/tom", "cat/siamese/kit", "cat/persian", "dog", "dog/pug/max"]
    counts = np.array([3, 2, 4, 1, 6])
    y = np.repeat(names, counts)
    rows = np.zeros((len(y), 64))
    model = Hierarchical("majority").fit(rows, y)
    order = np.argsort(names)
    assert model.classes_.tolist() == sorted(names)
    assert np.allclose(model.predict_proba(rows[:2]), counts[order] / counts.sum())
    assert [type(member) for member in model.members_] == [Majority] * 4
    assert model.predict(rows[:1]) == "dog/pug/max"


def pairs(count, seed=0):
    """Moods on light and dark ground: (n, pixels) and classes like dark/glad."""
    faces, labels = mood_faces(count, seed=seed)
    dark = np.arange(len(faces)) // 3 % 2
    names = np.array([f"{('dark', 'light')[1 - d]}/{MOODS[k]}" for d, k in zip(dark, labels)])
    faces = np.where(dark[:, None, None] == 1, 255 - faces, faces)
    return faces.reshape(len(faces), -1), names


def test_each_branch_learns_from_its_own_faces():
    rows, names = pairs(30)
    unseen, truth = pairs(20, seed=1)
    model = Hierarchical("fisherfaces", {"classifier": "mean"}).fit(rows, names)
    assert (model.predict(unseen) == truth).mean() > 0.9
    shares = model.predict_proba(unseen)
    assert np.allclose(shares.sum(axis=1), 1)
    dark = np.array([name.startswith("dark") for name in names])
    alone = Fisherfaces(classifier="mean").fit(rows[dark], names[dark])
    below = shares[:, :3] / shares[:, :3].sum(axis=1, keepdims=True)
    assert np.allclose(below, alone.predict_proba(unseen))


def test_numbers_for_names():
    rows, names = pairs(8)
    classes, labels = np.unique(names, return_inverse=True)
    by_number = Hierarchical("fisherfaces").fit(rows, labels, class_names=tuple(classes))
    by_name = Hierarchical("fisherfaces").fit(rows, names)
    assert by_number.classes_.tolist() == list(range(6))
    assert np.array_equal(by_number.predict_proba(rows), by_name.predict_proba(rows))
    # Without their names numbers are six classes side by side.
    assert len(Hierarchical("fisherfaces").fit(rows, labels).members_) == 1


def test_nested_folders_are_learnt_and_saved(tmp_path):
    rows, names = pairs(10)
    for number, (row, name) in enumerate(zip(rows, names)):
        path = tmp_path / "data" / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, row.reshape(32, 32))
    out = tmp_path / "model.npz"
    options = TrainOptions(
        data=tmp_path / "data", out=out, classifier="hierarchical", size=32, nested=True, folds=3,
        parameters=["estimator=fisherfaces", 'settings={"classifier": "mean"}'],
    )  # fmt: skip
    model = train(options)
    assert model.classes == tuple(sorted(set(names)))
    assert len(model.estimator.members_) == 3
    assert model.provenance["held_out"]["accuracy"][0] > 0.8
    loaded = load_model(out)
    faces = rows.reshape(-1, 32, 32)
    assert np.array_equal(loaded.predict_proba(faces), model.predict_proba(faces))
    assert loaded.estimator.class_names_.tolist() == list(model.classes)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"estimator": "svm"}, UserError, "unknown classifier 'svm'"),
        ({"settings": {"c": 3}}, ValueError, "hog_svm has no parameter 'c'"),
    ],
)
def test_parameters_are_checked(settings, error, message):
    with pytest.raises(error, match=message):
        Hierarchical(**settings).fit(*pairs(2))
