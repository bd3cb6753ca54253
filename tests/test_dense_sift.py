"""Dense SIFT: a twin pixel by pixel, OpenCV's SIFT, and pictures whose descriptor is known."""

import cv2
import naive
import numpy as np
import pytest
from small_faces import mood_faces

from cvbaseline.classifiers.dense_sift import (
    DIRECTIONS,
    dense_sift,
    grid_points,
    grid_positions,
    orientation_maps,
)

FACES = mood_faces(1, side=30)[0]


def described(faces, cell, stride):
    return dense_sift(orientation_maps(faces), cell, stride)


@pytest.mark.parametrize(("cell", "stride"), [(3, 4), (4, 7), (5, 5)])
def test_naive_twin_and_ours(cell, stride):
    faces = FACES[:2, :, :25]
    ours = described(faces, cell, stride)
    for face, rows in zip(faces, ours):
        assert np.allclose(rows, naive.dense_sift(face, cell, stride), atol=1e-4)


def test_it_says_much_the_same_as_opencvs_sift():
    # OpenCV blurs the picture, turns the window by its rounding, and clips at 0.2.
    faces = np.stack([cv2.GaussianBlur(face, (0, 0), 1.5) for face in mood_faces(3, side=64)[0]])
    cell = 6
    ours = described(faces, cell, 8)
    x = grid_points(64, cell, 8)
    similar = []
    for face, rows in zip(faces, ours):
        # A keypoint's size is its diameter: OpenCV's cells are 3 sigma, sigma being half of it.
        points = [cv2.KeyPoint(float(px - 0.5), float(py - 0.5), cell / 1.5, 0) for py in x for px in x]
        _, theirs = cv2.SIFT_create().compute(face, points)
        # OpenCV: rows of cells, columns of cells, directions anticlockwise from the right.
        theirs = theirs.reshape(-1, 4, 4, 8)[..., [0, 7, 6, 5, 4, 3, 2, 1]].reshape(-1, 128)
        theirs = np.sqrt(theirs / theirs.sum(axis=1, keepdims=True))
        similar += (rows * theirs).sum(axis=1).tolist()
    assert np.median(similar) > 0.9


def test_a_slope_points_everywhere_the_same_way():
    face = np.tile(np.arange(0, 120, 5, dtype=np.uint8), (24, 1))
    maps = orientation_maps(face[None])[0]
    inner = maps[:, 1:-1, 1:-1]
    assert np.allclose(inner[0], 5) and np.allclose(inner[1:], 0)
    down = orientation_maps(np.ascontiguousarray(face.T)[None])[0][:, 1:-1, 1:-1]
    assert np.allclose(down[DIRECTIONS // 4], 5)
    descriptor = described(face[None], 4, 8)[0, 0].reshape(4, 4, DIRECTIONS)
    assert (descriptor[..., 0] > 0.1).all() and np.allclose(descriptor[..., 1:], 0, atol=1e-6)


def test_brightness_and_contrast_hardly_matter():
    dim = (FACES * 0.4 + 60).astype(np.uint8)
    assert (described(FACES, 4, 4) * described(dim, 4, 4)).sum(axis=2).min() > 0.8
    flat = described(np.full((1, 30, 30), 90, np.uint8), 4, 4)
    assert np.array_equal(flat, np.zeros_like(flat))


def test_places_go_with_the_descriptors():
    shape, cell, stride = (30, 26), 4, 5
    places = grid_positions(shape, cell, stride)
    faces = np.zeros((1, *shape), np.uint8)
    assert len(places) == described(faces, cell, stride).shape[1]
    # A dot moves the descriptors around it, and no others.
    faces[0, 8, 20] = 255
    told = described(faces, cell, stride)[0].any(axis=1)
    x, y = (places[:, 0] + 0.5) * shape[1], (places[:, 1] + 0.5) * shape[0]
    near = (np.abs(x - 20.5) < 2.5 * cell) & (np.abs(y - 8.5) < 2.5 * cell)
    assert told.any() and near[told].all() and told[near].mean() > 0.7
