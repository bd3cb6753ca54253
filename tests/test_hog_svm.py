"""HOG with the least-squares machine: scikit-learn's contract, weights, landmarks, mirror."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.gaussian_process.kernels import RBF
from sklearn.metrics import log_loss
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils.estimator_checks import check_estimator
from small_faces import mood_faces

from cvbaseline.classifiers.hog import hog_features
from cvbaseline.classifiers.hog_svm import HogSvm
from cvbaseline.classifiers.kernel_matrices import (
    gaussian_kernel,
    principal_directions,
    symmetrise,
)

SMALL = {"scales": ((32, 8),), "n_components": 40, "landmarks": 60}


@pytest.mark.parametrize("settings", [{}, {"kernel": "linear"}, {"class_weight": "balanced"}])
def test_scikit_learn_estimator(settings):
    results = check_estimator(HogSvm(**settings), on_fail=None, on_skip=None)
    assert len(results) > 40
    assert not [result for result in results if result["status"] in ("failed", "xfail")]


def rows(faces):
    return faces.reshape(len(faces), -1)


@pytest.fixture(scope="module")
def moods():
    faces, labels = mood_faces(40)
    unseen, truth = mood_faces(20, seed=1)
    return rows(faces), labels, rows(unseen), truth


@pytest.mark.parametrize("settings", [{}, {"kernel": "linear"}, {"landmarks": None}])
def test_moods_are_told_apart_with_sensible_probabilities(moods, settings):
    learn, known, ask, truth = moods
    model = HogSvm(**{**SMALL, **settings}).fit(learn, known)
    shares = model.predict_proba(ask)
    assert (model.predict(ask) == truth).mean() > 0.9
    assert log_loss(truth, shares) < 0.4


@pytest.mark.parametrize("landmarks", [60, None])
def test_one_group_of_all_faces_is_none(moods, landmarks):
    learn, known, ask, _ = moods
    model = HogSvm(**{**SMALL, "landmarks": landmarks})
    alone = model.fit(learn, known).predict_proba(ask)
    together = model.fit(learn, known, groups=np.zeros(len(known))).predict_proba(ask)
    assert np.array_equal(together, alone)


def test_exact_machine_is_kernel_ridge_regression(moods):
    # Without Nystroem's landmarks, mirror image and rotation: (K + I / C) a = y, the bias being a
    # kernel that is 1 everywhere.
    learn, known, ask, _ = moods
    model = HogSvm(landmarks=None, mirror=False, n_components=None, C=5, gamma=2, scales=((32, 8),))
    model.fit(learn, known)
    points, asked = (hog_features(x.reshape(-1, 32, 32), ((32, 8),)) for x in (learn, ask))
    squares = ((points[:, None].astype(float) - points[None]) ** 2).sum(axis=2)
    kernel = RBF(np.sqrt(squares.mean() / 2 / 2))
    targets = np.where(known[:, None] == np.arange(3), 1, -1)
    dual = np.linalg.solve(kernel(points) + 1 + np.eye(len(points)) / 5, targets)
    scores = (kernel(asked, points) + 1) @ dual
    shares = np.exp(model.scale_ * scores)
    shares /= shares.sum(axis=1, keepdims=True)
    assert np.allclose(model.predict_proba(ask), shares, atol=1e-3)


def test_more_landmarks_come_closer_to_the_exact_machine(moods):
    learn, known, ask, _ = moods
    exact = HogSvm(**{**SMALL, "landmarks": None}).fit(learn, known).predict_proba(ask)
    errors = [
        np.abs(HogSvm(**{**SMALL, "landmarks": m}).fit(learn, known).predict_proba(ask) - exact)
        for m in (10, 40, 110)
    ]
    means = [error.mean() for error in errors]
    assert means[0] > means[1] > means[2] and means[2] < 0.01


@pytest.mark.parametrize("shape", [(300, 40), (25, 60)])
def test_principal_directions_are_scikit_learns(shape):
    rng = np.random.default_rng(0)
    points = rng.normal(size=shape) * 0.9 ** np.arange(shape[1])
    pca = PCA(6, svd_solver="full").fit(points)
    centred = points - points.mean(axis=0)
    directions, variances = principal_directions(
        centred.__getitem__, np.ones(len(points)), shape[1], 6
    )
    assert np.allclose(np.abs((directions * pca.components_).sum(axis=1)), 1, atol=1e-3)
    assert np.allclose(variances, (pca.transform(points) ** 2).mean(axis=0), rtol=1e-3)


@pytest.mark.parametrize("size", [5, 2048, 2500])
def test_symmetrise_in_pieces(size):
    matrix = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    expected = (matrix + matrix.T) / 2
    symmetrise(matrix)
    assert np.array_equal(matrix, expected)


def test_weights_are_repetitions_also_for_pictures(moods):
    learn, known, ask, _ = moods
    weights = np.random.default_rng(0).integers(0, 3, len(known))
    settings = {**SMALL, "class_weight": "balanced", "landmarks": 30}
    weighted = HogSvm(**settings).fit(learn, known, sample_weight=weights)
    repeated = HogSvm(**settings).fit(learn.repeat(weights, axis=0), known.repeat(weights))
    assert np.allclose(weighted.predict_proba(ask), repeated.predict_proba(ask), atol=1e-5)


def test_a_face_and_its_mirror_image_get_the_same_answer(moods):
    learn, known, ask, _ = moods
    flipped = rows(ask.reshape(-1, 32, 32)[:, :, ::-1])
    model = HogSvm(**SMALL).fit(learn, known)
    assert np.allclose(model.predict_proba(ask), model.predict_proba(flipped))
    plain = HogSvm(**SMALL, mirror=False).fit(learn, known)
    assert not np.allclose(plain.predict_proba(ask), plain.predict_proba(flipped))


def test_kernel_of_mirror_images_is_one():
    # Of faces and their mirror images, in many numbers: no eigenvalue may be below zero.
    faces = np.random.default_rng(0).integers(0, 256, (60, 16, 16)).astype(np.uint8)
    faces = np.concatenate([faces, faces[:, :, ::-1]])
    model = HogSvm(scales=((16, 4),), n_components=None, landmarks=None)
    points = model._fit_points(rows(faces), np.ones(120))
    model.landmarks_ = points[0]
    matrix = model._features(points)
    assert np.allclose(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix)[0] > -1e-9


def test_many_faces_in_single_and_half_precision_get_the_same_answers(moods, monkeypatch):
    learn, known, ask, _ = moods
    shares = HogSvm(**{**SMALL, "landmarks": None}).fit(learn, known).predict_proba(ask)
    monkeypatch.setattr("cvbaseline.classifiers.kernel_machine.MOST_IN_DOUBLE", 100)
    for landmarks, tolerance in ((None, 0.01), (110, 0.03)):
        model = HogSvm(**{**SMALL, "landmarks": landmarks}).fit(learn, known)
        assert model.landmarks_.dtype == np.float16
        assert np.allclose(model.predict_proba(ask), shares, atol=tolerance)


def test_without_a_number_of_landmarks_they_are_as_many_as_memory_allows(moods, monkeypatch):
    learn, known, _, _ = moods
    automatic = {**SMALL, "landmarks": None}
    assert len(HogSvm(**automatic).fit(learn, known).landmarks_) == len(learn)
    monkeypatch.setattr("cvbaseline.classifiers.kernel_machine.MOST_EXACT", 100)
    monkeypatch.setattr("cvbaseline.classifiers.kernel_machine.FEWER_LANDMARKS", 30)
    assert len(HogSvm(**automatic).fit(learn, known).landmarks_) == 30
    assert len(HogSvm(**{**SMALL, "landmarks": 999}).fit(learn, known).landmarks_) == len(learn)


def test_mirror_images_in_principal_directions_are_as_in_the_histograms(moods):
    # The whole rotation changes no distance: with it and without it the machine is the same.
    learn, known, ask, _ = moods
    settings = {"scales": ((32, 16, 8, 2),), "landmarks": None}  # 32 numbers
    rotated = HogSvm(**settings, n_components=31).fit(learn, known)
    assert set(np.unique(rotated.signs_)) == {-1, 1}
    plain = HogSvm(**settings, n_components=None).fit(learn, known)
    assert np.allclose(rotated.predict_proba(ask), plain.predict_proba(ask), atol=0.01)


def test_models_from_before_the_reflections_answer_as_they_did(moods):
    # They averaged the kernels of both HOGs as OpenCV tells them, each rotated by itself.
    learn, known, ask, _ = moods
    model = HogSvm(**SMALL).fit(learn, known)
    del model.signs_
    scores = 0
    for faces in (ask.reshape(-1, 32, 32), ask.reshape(-1, 32, 32)[:, :, ::-1]):
        hogs = hog_features(np.ascontiguousarray(faces), SMALL["scales"])
        points = (hogs - model.mean_) @ model.directions_.T.astype(float)
        squares = ((points[:, None] - model.landmarks_.astype(float)) ** 2).sum(axis=2)
        scores = scores + np.exp(-model.gamma / model.spread_ * squares) @ model.coefficients_ / 2
    shares = np.exp(model.scale_ * (scores + model.bias_))
    shares /= shares.sum(axis=1, keepdims=True)
    assert np.allclose(model.predict_proba(ask), shares)


def test_same_seed_same_model_in_any_order_and_another_seed_another(moods):
    learn, known, ask, _ = moods
    first = HogSvm(**SMALL).fit(learn, known)
    again = HogSvm(**SMALL).fit(learn, known)
    for name, value in vars(first).items():
        assert np.array_equal(value, getattr(again, name)), name
    order = np.random.default_rng(3).permutation(len(known))
    shuffled = HogSvm(**SMALL).fit(learn[order], known[order])
    assert np.allclose(shuffled.predict_proba(ask), first.predict_proba(ask), atol=1e-5)
    other = HogSvm(**SMALL, seed=1).fit(learn, known)
    assert not np.array_equal(first.landmarks_, other.landmarks_)


def test_groups_keep_copies_from_vouching_for_each_other():
    # Labels without any meaning, every face twice with a little noise: a copy gives the answer.
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 256, (60, 16, 16))
    copies = np.clip(faces + rng.integers(-3, 4, faces.shape), 0, 255)
    learn = rows(np.concatenate([faces, copies])).astype(np.uint8)
    known = np.tile(rng.integers(2, size=60), 2)
    settings = {"scales": ((16, 4),), "landmarks": None, "C": 100.0, "gamma": 1.0}
    alone = HogSvm(**settings).fit(learn, known)
    grouped = HogSvm(**settings).fit(learn, known, groups=np.tile(np.arange(60), 2))
    unseen = rows(rng.integers(0, 256, (200, 16, 16))).astype(np.uint8)
    assert alone.predict_proba(unseen).max(axis=1).mean() > 0.8
    assert grouped.predict_proba(unseen).max(axis=1).mean() < 0.65


def test_balanced_classes_help_the_rare_one(moods):
    learn, known, ask, truth = moods
    rare = np.concatenate([np.flatnonzero(known != 2), np.flatnonzero(known == 2)[:2]])
    noisy = {**SMALL, "C": 0.05}
    recalls = [
        (HogSvm(**noisy, class_weight=weight).fit(learn[rare], known[rare]).predict(ask) == truth)[
            truth == 2
        ].mean()
        for weight in (None, "balanced", {0: 0.05, 1: 0.05})
    ]
    assert recalls[0] < recalls[1] and recalls[0] < recalls[2]


def test_other_shapes_and_number_types(moods):
    faces, known = mood_faces(10)
    wide = rows(faces[:, 4:])  # 28 x 32 pixels
    model = HogSvm(**SMALL, shape=(28, 32)).fit(wide, known)
    assert np.array_equal(model.predict_proba(wide), model.predict_proba(wide.astype(float)))
    with pytest.raises(ValueError, match=r"set shape=\(height, width\)"):
        HogSvm(**SMALL).fit(wide, known)
    with pytest.raises(ValueError, match="multiply by 255"):
        HogSvm(**SMALL).fit(rows(faces) / 255, known)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel": "poly"}, "rbf or linear"),
        ({"C": 0}, "C must be a positive number"),
        ({"gamma": float("nan")}, "gamma must be"),
        ({"landmarks": 0}, "landmarks must be"),
        ({"scales": ((30, 8),)}, "has no HOG"),
    ],
)
def test_parameters_are_checked(moods, settings, message):
    learn, known, _, _ = moods
    with pytest.raises(ValueError, match=message):
        HogSvm(**settings).fit(learn, known)


@pytest.mark.parametrize("kind, close", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_kernel_of_faces_and_of_their_mirror_images(kind, close):
    rng = np.random.default_rng(7)
    points, others = (rng.normal(size=(rows, 12)).astype(kind) for rows in (9, 14))
    signs = np.where(rng.random(12) < 0.4, -1, 1)
    mirrored = rbf_kernel(points * signs, others, gamma=0.03)
    expected = (rbf_kernel(points, others, gamma=0.03) + mirrored) / 2
    assert gaussian_kernel(points, others, 0.03, signs) == pytest.approx(expected, abs=close)
    assert gaussian_kernel(points, others, 0.03).dtype == kind
    for same in (np.ones(12, int), -np.ones(12, int)):
        turned = rbf_kernel(points * same, others, gamma=0.03)
        both = (rbf_kernel(points, others, gamma=0.03) + turned) / 2
        assert gaussian_kernel(points, others, 0.03, same) == pytest.approx(both, abs=close)
