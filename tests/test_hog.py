"""HOG: against a twin written from the paper, which itself agrees with scikit-image."""

import cv2
import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import hog as skimage_hog

from cvbaseline.classifiers.hog import (
    check_scales,
    hog_features,
    hog_length,
    mirror_order,
)

NOISE = np.random.default_rng(5).integers(0, 256, (3, 24, 24)).astype(np.uint8)


def by_skimage(picture, cell):
    return skimage_hog(
        picture, orientations=9, pixels_per_cell=(cell, cell), cells_per_block=(2, 2),
        block_norm="L2-Hys",
    )  # fmt: skip


def by_rows(features, size, cell):
    """OpenCV's order (columns of blocks, columns of cells) as scikit-image's, (by, bx, cy, cx, 9)."""
    blocks = size // cell - 1
    return features.reshape(blocks, blocks, 2, 2, 9).transpose(1, 0, 3, 2, 4)


@given(picture=arrays(np.uint8, (24, 24)), cell=st.sampled_from([4, 6, 8]))
def test_naive_twin_and_ours(picture, cell):
    ours = hog_features(picture[None], ((24, cell),))[0] ** 2
    twin = naive.hog(picture, cell, shared=True, by_columns=True)
    assert np.allclose(ours, twin, atol=2e-3)


@pytest.mark.parametrize("cell", [4, 6, 8])
def test_the_same_twin_without_sharing_is_scikit_image(cell):
    for picture in NOISE:
        twin = naive.hog(picture, cell, shared=False, by_columns=False)
        assert np.allclose(by_skimage(picture, cell), twin, atol=1e-6)


@pytest.mark.parametrize(("right", "down"), [(17, 3), (17, -3), (0, 17), (19, 11)])
def test_even_slopes_agree_with_scikit_image(right, down):
    # The slope's angle is in the middle of a direction (10, 170, 90, 30 degrees), so that no
    # pixel is shared among two; its inner blocks are the same everywhere, so that sharing among
    # cells makes no difference either.
    y, x = np.mgrid[:8, :8]
    picture = right * x + down * y
    picture = (picture - picture.min()).astype(np.uint8)
    ours = by_rows(hog_features(picture[None], ((8, 2),))[0] ** 2, 8, 2)
    theirs = by_skimage(picture, 2).reshape(ours.shape)
    inner = slice(1, -1)
    assert np.allclose(theirs[inner, inner].max(axis=-1), 0.5)
    assert np.allclose(ours[inner, inner], theirs[inner, inner], atol=0.01)


def test_faces_at_two_scales_stand_side_by_side():
    scales = ((24, 8), (16, 4))
    both = hog_features(NOISE, scales)
    assert both.shape == (3, hog_length(scales)) and both.dtype == np.float32
    first = hog_length(scales[:1])
    assert np.array_equal(both[:, :first], hog_features(NOISE, scales[:1]))
    shrunk = np.stack([cv2.resize(face, (16, 16), interpolation=cv2.INTER_AREA) for face in NOISE])
    assert np.array_equal(both[:, first:], hog_features(shrunk, scales[1:]))


def test_brightness_and_contrast_hardly_matter():
    picture = cv2.GaussianBlur(NOISE[0], (0, 0), 2)
    dimmed = np.rint(picture * 0.6 + 40).astype(np.uint8)
    before, after = hog_features(np.stack([picture, dimmed]), ((24, 8),)) ** 2
    assert np.corrcoef(before, after)[0, 1] > 0.95


@pytest.mark.parametrize(
    "scales", [(), ((64, 7),), ((8, 8),), ((4, 1),), ((100_000, 10),), ((512, 2),),
               ((64, 8, 18),), ((64, 8, 7, 2),), ((64, 8, 66, 2),), ((64, 8, 18, 9),), ((64, 8, 18, 0),)],
)
def test_scales_without_a_hog_are_refused(scales):
    with pytest.raises(ValueError, match="scale"):
        check_scales(scales)


@pytest.mark.parametrize("scales", [((24, 6), (16, 4)), ((24, 6, 18, 2), (16, 4, 8, 3), (24, 8, 12, 3))])
def test_mirror_order_is_where_the_mirror_images_numbers_stand(scales):
    mirrored = hog_features(np.ascontiguousarray(NOISE[:, :, ::-1]), scales)
    order = mirror_order(scales)
    assert np.array_equal(order[order], np.arange(hog_length(scales)))
    own = hog_features(NOISE, scales)
    # OpenCV's weights lie half a pixel beside a block's centre: not quite the same numbers.
    assert np.corrcoef(own[:, order].ravel(), mirrored.ravel())[0, 1] > 0.9
    assert np.corrcoef(own.ravel(), mirrored.ravel())[0, 1] < 0.7


def test_directions_of_the_whole_circle():
    # A slope to the right, to the left, up, down: one direction each, of eight.
    y, x = np.mgrid[:16, :16]
    slopes = np.stack([8 * x, 120 - 8 * x, 120 - 8 * y, 8 * y]).astype(np.uint8)
    full = hog_features(slopes, ((16, 4, 8, 2),)).reshape(4, -1, 8)[:, 12:24].mean(axis=1)
    # A direction is the middle of its share of the circle: two share what lies between them.
    assert [sorted(np.argsort(row)[-2:].tolist()) for row in full] == [
        [0, 7], [3, 4], [5, 6], [1, 2],
    ]  # fmt: skip
    half = hog_features(slopes, ((16, 4),))
    assert np.allclose(half[0], half[1], atol=0.05)


def test_both_halves_of_the_circle_make_the_half_circle():
    # Before they are normalised; so blocks' directions agree, not their numbers.
    full = hog_features(NOISE, ((24, 6, 18, 2),)).reshape(-1, 2, 9) ** 2
    half = hog_features(NOISE, ((24, 6),)).reshape(-1, 9) ** 2
    assert np.corrcoef(full.sum(axis=1).ravel(), half.ravel())[0, 1] > 0.95


def test_a_block_of_the_whole_face_counts_its_middle_most():
    flat = np.full((1, 32, 32), 128, np.uint8)
    dots = np.concatenate([flat] * 2)
    dots[0, 16, 12:20], dots[1, 3, 12:20] = 255, 255
    both = np.maximum(dots[0], dots[1])[None]
    whole = hog_features(both, ((32, 4, 8, 8),))[0].reshape(8, 8, 8)  # columns, rows, directions
    middle, top = whole[:, 3:5].sum(), whole[:, :2].sum()
    assert whole.shape == (8, 8, 8) and middle > 1.3 * top > 0
    assert np.isclose((whole**4).sum(), 1, atol=0.01)
