"""Folds: every face once, groups whole, classes' shares kept; no face is judged by its own fit."""

import numpy as np
import pytest
from small_faces import mood_faces

from cvbaseline.classification.cross_validation import (
    held_out_probabilities,
    split_folds,
)
from cvbaseline.classifiers.hog_svm import HogSvm
from cvbaseline.classifiers.subspace import Eigenfaces
from cvbaseline.errors import UserError

LABELS = np.repeat([0, 1, 2], [30, 20, 10])


def test_every_face_is_tested_once_with_the_classes_shares():
    folds = list(split_folds(LABELS, None, 5, seed=0))
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(60))
    for train, test in folds:
        assert np.bincount(LABELS[test]).tolist() == [6, 4, 2]
        assert not set(train) & set(test) and len(train) + len(test) == 60


def test_groups_stay_whole():
    groups = [f"person {number // 3}" for number in range(60)]
    folds = list(split_folds(LABELS, groups, 5, seed=0))
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(60))
    for train, test in folds:
        assert not {groups[i] for i in train} & {groups[i] for i in test}


def test_seeds_decide_the_folds():
    def tests(seed):
        return [test.tolist() for _, test in split_folds(LABELS, None, 3, seed)]

    assert tests(4) == tests(4) != tests(5)


def test_fewer_folds_for_few_faces_and_an_error_for_none(recwarn):
    assert len(list(split_folds(np.array([0, 0, 0, 1]), None, 5, 0))) == 3
    assert len(list(split_folds(LABELS, ["a"] * 30 + ["b"] * 30, 5, 0))) == 2
    assert not recwarn
    with pytest.raises(UserError, match="too few groups"):
        list(split_folds(LABELS, ["a"] * 60, 5, 0))
    with pytest.raises(UserError, match="too few pictures"):
        list(split_folds(np.array([0, 1, 2]), None, 5, 0))


def test_meaningless_labels_are_guessed_at_chance():
    # Were a face in its own training part, its nearest neighbour would give the label away.
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (200, 8, 8)).astype(np.uint8)
    labels = rng.integers(2, size=200)
    held_out = held_out_probabilities(lambda: Eigenfaces(30), faces, labels)
    assert 0.35 < (held_out.argmax(axis=1) == labels).mean() < 0.65
    assert np.allclose(held_out.sum(axis=1), 1)


def test_moods_are_recognised_when_held_out():
    faces, labels = mood_faces(20)
    groups = [str(number % 12) for number in range(60)]
    held_out = held_out_probabilities(
        lambda: HogSvm(scales=((32, 8),), n_components=30, landmarks=40), faces, labels, groups, 3
    )
    assert (held_out.argmax(axis=1) == labels).mean() > 0.85


def test_a_class_that_the_training_part_lacks_gets_no_probability():
    faces, labels = mood_faces(10)
    labels = np.where(labels == 2, 1, labels)
    labels[0] = 2
    held_out = held_out_probabilities(lambda: Eigenfaces(5), faces, labels)
    assert held_out[0, 2] == 0 and np.allclose(held_out.sum(axis=1), 1)


def test_training_parts_of_one_class_are_a_users_error():
    faces, labels = mood_faces(4)
    with pytest.raises(UserError, match="left for training .*two classes"):
        held_out_probabilities(
            lambda: HogSvm(scales=((32, 8),)), faces[labels < 2], labels[labels < 2],
            [str(label) for label in labels[labels < 2]],
        )  # fmt: skip
