"""A bag of words: scikit-learn's contract, what it learns, mirror images, parameters."""

import numpy as np
import pytest
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import check_estimator
from small_faces import mood_faces

from cvbaseline.classifiers.bag_of_words import BagOfWords

SMALL = {"words": 8, "grids": ((4, 4),), "size": 32, "descriptor_components": 12}


@pytest.mark.parametrize("settings", [{}, {"landmarks": 50}])
def test_scikit_learn_estimator(settings):
    results = check_estimator(BagOfWords(**settings), on_fail=None, on_skip=None)
    assert len(results) > 40
    assert not [result for result in results if result["status"] in ("failed", "xfail")]


def rows(faces):
    return faces.reshape(len(faces), -1)


@pytest.fixture(scope="module")
def moods():
    faces, labels = mood_faces(30)
    unseen, truth = mood_faces(15, seed=1)
    return rows(faces), labels, rows(unseen), truth


@pytest.mark.parametrize(
    "settings",
    [{}, {"kernel": "linear"}, {"landmarks": 40}, {"place_weight": 0.0}, {"n_components": None}],
)
def test_moods_are_told_apart_with_sensible_probabilities(moods, settings):
    learn, known, ask, truth = moods
    model = BagOfWords(**{**SMALL, **settings}).fit(learn, known)
    assert (model.predict(ask) == truth).mean() > 0.9
    assert log_loss(truth, model.predict_proba(ask)) < 0.4


def test_places_tell_apart_what_words_alone_cannot():
    # The same blot left or right of the middle, and wholly seen by all descriptors around it.
    rng = np.random.default_rng(0)
    faces = rng.normal(128, 3, (60, 64, 64))
    labels = np.arange(60) % 2
    for face, label in zip(faces, labels):
        x, y = (20, 36)[label] + rng.integers(-2, 3), rng.integers(24, 33)
        face[y : y + 8, x : x + 8] -= 90
    faces = rows(faces.clip(0, 255).astype(np.uint8))
    settings = {**SMALL, "size": 64, "mirror": False}
    right = [
        (model.fit(faces[:40], labels[:40]).predict(faces[40:]) == labels[40:]).mean()
        for model in (BagOfWords(**settings), BagOfWords(**{**settings, "place_weight": 0.0}))
    ]
    assert right[0] == 1 and right[1] < 0.8


def test_a_face_and_its_mirror_image_get_the_same_answer(moods):
    learn, known, ask, _ = moods
    flipped = rows(ask.reshape(-1, 32, 32)[:, :, ::-1])
    model = BagOfWords(**SMALL).fit(learn, known)
    assert np.allclose(model.predict_proba(ask), model.predict_proba(flipped), atol=1e-5)
    plain = BagOfWords(**SMALL, mirror=False).fit(learn, known)
    assert not np.allclose(plain.predict_proba(ask), plain.predict_proba(flipped), atol=1e-3)


def test_same_seed_same_model_and_other_sizes(moods):
    learn, known, ask, _ = moods
    first, again = (BagOfWords(**SMALL).fit(learn, known) for _ in range(2))
    for name, value in vars(first).items():
        assert np.array_equal(value, getattr(again, name)), name
    assert first.word_means_.shape == (8, 15) and first.mean_.shape == (240,)
    other = BagOfWords(**SMALL, seed=1).fit(learn, known)
    assert not np.array_equal(first.word_means_, other.word_means_)
    wide = rows(learn.reshape(-1, 32, 32)[:, 4:])
    assert (BagOfWords(**SMALL, shape=(28, 32)).fit(wide, known).predict(wide) == known).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"words": 0}, "words must be a number from 1"),
        ({"descriptor_components": 129}, "from 1 to 128, not 129"),
        ({"place_weight": -1}, "place_weight must be"),
        ({"grids": ((9, 2),)}, r"a grid of \(9, 2\) does not fit"),
        ({"grids": ()}, "at least one"),
        ({"kernel": "poly"}, "rbf or linear"),
    ],
)
def test_parameters_are_checked(moods, settings, message):
    with pytest.raises(ValueError, match=message):
        BagOfWords(**{**SMALL, **settings}).fit(*moods[:2])
