"""Crops of faces: geometry by hand and against np.pad, contrast against OpenCV and scikit-image."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.exposure import equalize_adapthist

from cvbaseline.errors import UserError
from cvbaseline.faces import CropOptions, crop_faces

PICTURE = np.random.default_rng(2).integers(0, 256, (40, 60)).astype(np.uint8)


def plain(**values):
    """Options that cut the box itself, unless told otherwise."""
    return CropOptions(**{"size": 8, "margin": 0, "square": False, **values})


def one(box, options, picture=PICTURE):
    return crop_faces(picture, np.array([box]), options)[0]


def test_a_box_of_the_size_itself_is_cut_out():
    crops = crop_faces(PICTURE, np.array([[3, 5, 8, 8], [52, 32, 8, 8]]), plain())
    assert crops.shape == (2, 8, 8) and crops.dtype == np.uint8
    assert np.array_equal(crops[0], PICTURE[5:13, 3:11])
    assert np.array_equal(crops[1], PICTURE[32:, 52:])


def test_margin_on_every_side():
    crop = one([10, 10, 10, 10], plain(size=14, margin=0.2))
    assert np.array_equal(crop, PICTURE[8:22, 8:22])


def test_negative_margin_cuts_into_the_box():
    crop = one([10, 10, 20, 20], plain(size=10, margin=-0.25))
    assert np.array_equal(crop, PICTURE[15:25, 15:25])


def test_square_widens_the_shorter_side():
    tall = one([20, 5, 10, 20], plain(size=20, square=True))
    assert np.array_equal(tall, PICTURE[5:25, 15:35])
    wide = one([20, 10, 20, 10], plain(size=20, square=True))
    assert np.array_equal(wide, PICTURE[5:25, 20:40])


def test_without_square_the_proportions_change():
    crop = one([20, 5, 10, 20], plain(size=10))
    expected = cv2.resize(PICTURE[5:25, 20:30], (10, 10), interpolation=cv2.INTER_LINEAR)
    shrunk = cv2.resize(PICTURE[5:25, 20:30], (10, 10), interpolation=cv2.INTER_AREA)
    assert np.array_equal(crop, shrunk) and not np.array_equal(crop, expected)


def test_grows_linearly_and_shrinks_by_area():
    small = one([0, 0, 5, 5], plain(size=16))
    assert np.array_equal(small, cv2.resize(PICTURE[:5, :5], (16, 16)))
    large = one([0, 0, 24, 24], plain(size=8))
    assert np.array_equal(large, np.rint(PICTURE[:24, :24].reshape(8, 3, 8, 3).mean((1, 3))))


@given(
    st.integers(-15, 59), st.integers(-15, 39), st.integers(16, 30), st.integers(16, 30),
    st.sampled_from([-0.25, 0, 0.1, 0.5]), st.booleans(),
)  # fmt: skip
def test_over_the_edge_pixels_are_repeated(x, y, width, height, margin, square):
    options = plain(size=12, margin=margin, square=square)
    padded = np.pad(PICTURE, 100, mode="edge")
    assert np.array_equal(
        one([x, y, width, height], options), one([x + 100, y + 100, width, height], options, padded)
    )


def test_a_constant_picture_stays_constant():
    flat = np.full((30, 30), 77, np.uint8)
    for box in ([-5, -5, 20, 20], [25, 25, 20, 20], [29, 0, 1, 30]):
        assert np.all(one(box, plain(margin=0.3, square=True), flat) == 77)


def test_equalised_over_the_whole_crop():
    dim = PICTURE // 4
    crop = one([3, 3, 30, 30], plain(size=32, equalise="histogram"), dim)
    assert np.array_equal(crop, cv2.equalizeHist(one([3, 3, 30, 30], plain(size=32), dim)))
    assert crop.min() == 0 and crop.max() == 255


def test_equalised_locally():
    crop = one([3, 3, 30, 30], plain(size=32, equalise="clahe"))
    expected = equalize_adapthist(one([3, 3, 30, 30], plain(size=32))) * 255
    assert np.abs(crop - expected).max() <= 0.5


def test_no_boxes():
    crops = crop_faces(PICTURE, np.zeros((0, 4), np.int32), CropOptions())
    assert crops.shape == (0, 64, 64) and crops.dtype == np.uint8


def test_the_picture_stays_as_it_is():
    before = PICTURE.copy()
    for equalise in ("none", "histogram", "clahe"):
        one([0, 0, 8, 8], plain(equalise=equalise))[:] = 0
    assert np.array_equal(PICTURE, before)


@pytest.mark.parametrize(
    "box", [[60, 0, 5, 5], [0, 40, 5, 5], [-5, 0, 5, 5], [0, -6, 5, 5], [3, 3, 0, 5], [3, 3, 5, -1]]
)
def test_a_box_without_a_pixel_in_the_picture_is_refused(box):
    with pytest.raises(UserError, match="60 x 40"):
        one(box, plain())


def test_a_box_of_absurd_size_is_refused():
    with pytest.raises(UserError, match="too large"):
        one([0, 0, 2_000_000_000, 2_000_000_000], plain())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 7}, "size must be"),
        ({"size": 5000}, "size must be"),
        ({"margin": -0.5}, "margin must be"),
        ({"margin": float("nan")}, "margin must be"),
        ({"equalise": "yes"}, "none, histogram, clahe"),
    ],
)
def test_options_are_checked(values, message):
    with pytest.raises(UserError, match=message):
        CropOptions(**values)
