"""LBPH: patterns, histograms, distances and predictions against cv2.face and scikit-image."""

import cv2
import numpy as np
import pytest
from skimage.feature import local_binary_pattern
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import check_estimator
from small_faces import mood_faces, persons

from cvbaseline.classifiers.lbph import Lbph, lbp_codes, lbp_histograms


def test_scikit_learn_estimator():
    results = check_estimator(Lbph(), on_fail=None, on_skip=None)
    assert len(results) > 40
    assert not [result for result in results if result["status"] in ("failed", "xfail")]


def opencv_trained(faces, labels, *settings):
    recogniser = cv2.face.LBPHFaceRecognizer_create(*settings)
    recogniser.train(list(faces), np.asarray(labels, np.int32))
    return recogniser


def dense(histograms, bins):
    table = np.zeros((len(histograms.starts) - 1, bins))
    table[np.arange(len(table)).repeat(np.diff(histograms.starts)), histograms.bins] = (
        histograms.counts
    )
    return table


def test_patterns_are_scikit_images():
    faces = np.random.default_rng(0).integers(0, 256, (3, 20, 17)).astype(np.uint8)
    for radius, neighbors in ((1, 8), (2, 8), (2, 12)):
        ours = lbp_codes(faces, radius, neighbors)
        inside = slice(radius, -radius)
        for face, codes in zip(faces, ours):
            theirs = local_binary_pattern(face, neighbors, radius)[inside, inside]
            # An interpolated value that equals the centre may fall on either side.
            assert (codes == theirs).mean() > 0.98


@pytest.mark.parametrize("settings", [(1, 8, 8, 8), (2, 6, 5, 3), (1, 4, 2, 7), (3, 11, 3, 2)])
def test_histograms_are_opencvs(settings):
    radius, neighbors, grid_x, grid_y = settings
    faces = persons(3, 2, shape=(41, 30))[0]
    theirs = np.concatenate(opencv_trained(faces, range(6), *settings).getHistograms())
    ours = lbp_histograms(faces, radius, neighbors, (grid_x, grid_y))
    cells = grid_x * grid_y
    table = dense(ours, cells << neighbors)
    assert np.allclose(cells * table / table.sum(axis=1, keepdims=True), theirs, atol=1e-6)


@pytest.mark.parametrize("settings", [(), (2, 10, 4, 5)])
@pytest.mark.parametrize("faces, labels", [persons(6, 9), mood_faces(15)])
def test_predictions_and_distances_are_opencvs(settings, faces, labels):
    known = np.arange(len(faces)) % 4 > 0
    opencv = opencv_trained(faces[known], labels[known], *settings)
    rows = faces.reshape(len(faces), -1)
    model = Lbph(*settings, shape=faces.shape[1:]).fit(rows[known], labels[known])
    distances = model.distances(rows[~known])
    for face, row in zip(faces[~known], distances):
        label, distance = opencv.predict(face)
        assert label == row.argmin() and np.isclose(distance, row.min(), rtol=1e-5)
    assert model.predict(rows[~known]).tolist() == distances.argmin(axis=1).tolist()


def test_a_training_face_is_at_distance_zero_of_its_class():
    faces, labels = persons(4, 5)
    rows = faces.reshape(len(faces), -1)
    distances = Lbph(shape=faces.shape[1:]).fit(rows, labels).distances(rows)
    assert np.allclose(distances[np.arange(20), labels], 0, atol=1e-9)
    assert (np.delete(distances[0], labels[0]) > 1).all()


def test_histograms_are_taken_by_row():
    faces = persons(4, 2)[0]
    everything = lbp_histograms(faces, 1, 8, (4, 4))
    chosen = everything.take(np.array([5, 0, 5]))
    assert np.array_equal(dense(chosen, 4096), dense(everything, 4096)[[5, 0, 5]])


def test_probabilities_beat_even_ones_and_name_the_prediction():
    faces, labels = persons(6, 12, seed=5)
    rows = faces.reshape(len(faces), -1)
    known = np.arange(len(rows)) % 3 > 0
    names = np.array(["ann", "bob", "cy", "dan", "eve", "flo"])
    model = Lbph(grid_x=4, grid_y=4, shape=faces.shape[1:]).fit(rows[known], names[labels[known]])
    shares = model.predict_proba(rows[~known])
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.array_equal(names[shares.argmax(axis=1)], model.predict(rows[~known]))
    assert log_loss(names[labels[~known]], shares, labels=names) < 0.8 * np.log(6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"radius": 0}, "radius must be a number from 1, not 0"),
        ({"neighbors": 17}, "neighbors must be at most 16"),
        ({"grid_x": "many"}, "grid_x must be a number from 1, not 'many'"),
        ({"radius": 8}, "too small for a radius of 8"),
        ({"grid_y": 27}, "faces of 23 x 28 pixels are too small"),
        ({"shape": None}, r"set shape=\(height, width\)"),
    ],
)
def test_parameters_are_checked(settings, message):
    faces, labels = persons(2, 3)
    with pytest.raises(ValueError, match=message):
        Lbph(**{"shape": (28, 23), **settings}).fit(faces.reshape(6, -1), labels)
