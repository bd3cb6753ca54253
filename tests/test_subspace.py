"""Eigenfaces and Fisherfaces: against OpenCV's recognisers, scikit-learn, and hand-made cases."""

import cv2
import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import log_loss
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.utils.estimator_checks import check_estimator
from small_faces import mood_faces, persons

from cvbaseline.classifiers.calibration import every_third
from cvbaseline.classifiers.subspace import (
    Eigenfaces,
    Fisherfaces,
    class_distances,
    discriminant_directions,
    principal_subspace,
    subclasses_of,
)

ALL = [
    Eigenfaces(),
    Eigenfaces(classifier="discriminant"),
    Fisherfaces(),
    Fisherfaces(classifier="mean"),
    Eigenfaces(metric="mahalanobis_cosine"),
    Fisherfaces(40, metric="mahalanobis_cosine", subclasses=3),
]


@pytest.mark.parametrize("estimator", ALL)
def test_scikit_learn_estimator(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) > 40
    assert not [result for result in results if result["status"] in ("failed", "xfail")]


def split(faces, labels):
    test = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        test[np.flatnonzero(labels == label)[::3]] = True
    rows = faces.reshape(len(faces), -1)
    return rows[~test], labels[~test], rows[test], labels[test], ~test


@pytest.mark.parametrize("components", [5, 12, 1000])
@pytest.mark.parametrize("faces, labels", [persons(6, 9), mood_faces(15)])
def test_eigenfaces_predict_what_opencv_predicts(components, faces, labels):
    learn, known, ask, _, mask = split(faces, labels)
    opencv = cv2.face.EigenFaceRecognizer_create(min(components, len(learn)))
    opencv.train(list(faces[mask]), known.astype(np.int32))
    theirs = [opencv.predict(face)[0] for face in faces[~mask]]
    ours = Eigenfaces(components).fit(learn, known).predict(ask)
    assert ours.tolist() == theirs


@pytest.mark.parametrize("faces, labels", [persons(6, 9), mood_faces(15), persons(15, 6, seed=3)])
def test_fisherfaces_predict_what_opencv_predicts(faces, labels):
    learn, known, ask, truth, mask = split(faces, labels)
    opencv = cv2.face.FisherFaceRecognizer_create()
    opencv.train(list(faces[mask]), known.astype(np.int32))
    theirs = np.array([opencv.predict(face)[0] for face in faces[~mask]])
    model = Fisherfaces().fit(learn, known)
    # The directions are the same; OpenCV leaves each one's length, which weighs it in the
    # distance, to its eigenvalue solver (1 to 1.2): close calls may differ.
    vectors = opencv.getEigenVectors()
    vectors = vectors / np.linalg.norm(vectors, axis=0)
    assert np.allclose(np.abs(np.diag(model.directions_ @ vectors)), 1, atol=1e-4)
    ours = model.predict(ask)
    assert (ours == theirs).mean() >= 0.9
    assert (ours == truth).mean() >= (theirs == truth).mean() - 0.1


@pytest.mark.parametrize("shape", [(30, 80), (80, 30)])
def test_principal_subspace_is_scikit_learns(shape):
    rows = np.random.default_rng(0).normal(size=shape) @ np.diag(np.linspace(1, 3, shape[1]))
    subspace = principal_subspace(rows, 8)
    pca = PCA(8, svd_solver="full").fit(rows)
    assert np.allclose(subspace.mean, pca.mean_)
    assert np.allclose(np.abs(np.sum(subspace.directions * pca.components_, axis=1)), 1)
    peaks = subspace.directions[np.arange(8), np.abs(subspace.directions).argmax(axis=1)]
    assert (peaks > 0).all()


def test_principal_subspace_never_goes_beyond_the_rank():
    rows = np.repeat(np.random.default_rng(0).normal(size=(3, 50)), 4, axis=0)
    assert principal_subspace(rows, 12).directions.shape == (2, 50)


def test_discriminant_directions_are_scikit_learns():
    rng = np.random.default_rng(2)
    labels = np.arange(90) % 3
    points = rng.normal(size=(90, 5)) @ rng.normal(size=(5, 5)) + 2 * np.eye(5)[labels]
    ours = discriminant_directions(points, labels, 3)
    lda = LinearDiscriminantAnalysis(solver="eigen").fit(points, labels)
    theirs = lda.scalings_[:, :2].T
    cosines = np.sum(ours * theirs, axis=1) / np.linalg.norm(theirs, axis=1)
    assert np.allclose(np.abs(cosines), np.linalg.norm(ours, axis=1))
    projected = points @ ours.T
    within = sum(np.cov(projected[labels == k].T) * 29 for k in range(3)) / 87
    assert np.allclose(within, np.eye(2), atol=1e-6)


def test_discriminant_in_eigenfaces_decides_as_scikit_learn_with_even_priors():
    faces, labels = mood_faces(20)
    learn, known, ask, _, _ = split(faces, labels)
    model = Eigenfaces(10, "discriminant").fit(learn, known)
    pca = PCA(10, svd_solver="full").fit(learn)
    lda = LinearDiscriminantAnalysis(priors=np.full(3, 1 / 3)).fit(pca.transform(learn), known)
    assert np.array_equal(model.predict(ask), lda.predict(pca.transform(ask)))


def test_mahalanobis_cosine_is_the_angle_of_whitened_components():
    faces, labels = persons(6, 9)
    learn, known, ask, _, _ = split(faces, labels)
    model = Eigenfaces(10, metric="mahalanobis_cosine").fit(learn, known)
    pca = PCA(10, svd_solver="full", whiten=True).fit(learn)
    nearest = cosine_similarity(pca.transform(ask), pca.transform(learn)).argmax(axis=1)
    assert np.array_equal(model.predict(ask), known[nearest])


def test_light_does_not_change_the_angle():
    # Twice the contrast around the mean face: another distance, the same angle.
    faces, labels = persons(6, 9)
    rows = faces.reshape(len(faces), -1).astype(float)
    stronger = rows.mean(axis=0) + 2 * (rows - rows.mean(axis=0))
    model = Fisherfaces(20, metric="mahalanobis_cosine").fit(rows, labels)
    assert np.allclose(model.predict_proba(stronger), model.predict_proba(rows))
    plain = Fisherfaces(20).fit(rows, labels)
    assert not np.allclose(plain.predict_proba(stronger), plain.predict_proba(rows))


def test_subclasses_tell_apart_what_one_mean_per_class_cannot():
    # Two classes, each of two clouds on opposite corners: their means are equal.
    rng = np.random.default_rng(0)
    corner = rng.integers(4, size=400)
    rows = np.zeros((400, 30))
    rows[:, :2] = np.array([[9, 9], [9, -9], [-9, -9], [-9, 9]])[corner]
    rows += rng.normal(size=rows.shape)
    labels = corner % 2
    right = [
        (model.fit(rows[:300], labels[:300]).predict(rows[300:]) == labels[300:]).mean()
        for model in (Fisherfaces(20), Fisherfaces(20, subclasses=2))
    ]
    assert right[0] < 0.8 and right[1] == 1
    assert model_dimensions(rows, labels, 2) == 3


def model_dimensions(rows, labels, subclasses):
    return len(Fisherfaces(20, subclasses=subclasses).fit(rows, labels).directions_)


def test_subclasses_never_cross_classes_and_small_classes_stay_whole():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [40, 3, 1])
    parts = subclasses_of(rng.normal(size=(44, 5)), labels, 6)
    owners = [set(labels[parts == part]) for part in range(parts.max() + 1)]
    assert all(len(owner) == 1 for owner in owners)
    assert [sum(label in owner for owner in owners) for label in range(3)] == [6, 1, 1]


def test_distance_to_the_nearest_prototype_of_each_class():
    prototypes = np.array([[0.0, 0], [10, 0], [0, 3], [4, 4]])
    distances = class_distances(np.array([[0.0, 0], [9, 0]]), prototypes, np.array([0, 0, 1, 2]))
    assert np.allclose(distances, [[0, 3, 32**0.5], [1, 90**0.5, 41**0.5]])


def test_every_third_of_each_class_is_held_out():
    assert every_third(np.array([0, 1, 0, 0, 1, 0, 0, 0])).tolist() == [
        False, False, False, True, False, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("estimator", ALL)
def test_probabilities_beat_even_ones_and_name_the_prediction(estimator):
    faces, labels = persons(6, 12, seed=5)
    learn, known, ask, truth, _ = split(faces, labels)
    names = np.array(["ann", "bob", "cy", "dan", "eve", "flo"])
    estimator.fit(learn, names[known])
    shares = estimator.predict_proba(ask)
    assert np.allclose(shares.sum(axis=1), 1) and shares.shape == (len(ask), 6)
    assert np.array_equal(names[shares.argmax(axis=1)], estimator.predict(ask))
    assert log_loss(names[truth], shares, labels=names) < 0.8 * np.log(6)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Eigenfaces(0), "n_components"),
        (Eigenfaces("all"), "n_components must be a number from 1, not 'all'"),
        (Eigenfaces(classifier="best"), "nearest or discriminant"),
        (Fisherfaces(n_components=0), "n_components"),
        (Fisherfaces(classifier="best"), "nearest or mean"),
        (Eigenfaces(metric="angle"), "euclidean or mahalanobis_cosine, not 'angle'"),
        (Fisherfaces(4, subclasses=0), "subclasses must be a number from 1"),
        (Fisherfaces(subclasses=3), "subclasses above 1 need n_components"),
    ],
)
def test_parameters_are_checked(estimator, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(np.eye(6), [0, 0, 0, 1, 1, 1])


def test_fisherfaces_need_more_faces_than_classes():
    with pytest.raises(ValueError, match="more faces than classes"):
        Fisherfaces().fit(np.eye(3), [0, 1, 2])
