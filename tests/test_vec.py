"""The .vec file: OpenCV's own samples, the layout by hand, sizes that fit, malformed bytes."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.vec import (
    fitting_sizes,
    load_vec,
    parse_vec,
    render_vec,
    save_vec,
)

GOLDEN = Path(__file__).parent / "data" / "golden" / "createsamples"


def test_samples_of_createsamples_are_the_boxes_resized():
    vec = load_vec(GOLDEN / "samples.vec", 10, 12)
    boxes = [("p0.png", 5, 6, 20, 24), ("p0.png", 30, 10, 40, 48), ("p1.png", 0, 0, 10, 12)]
    expected = []
    for name, x, y, w, h in boxes:
        crop = cv2.imread(str(GOLDEN / name), cv2.IMREAD_GRAYSCALE)[y : y + h, x : x + w]
        expected.append(cv2.resize(crop, (10, 12), interpolation=cv2.INTER_AREA))
    assert vec.samples.dtype == np.uint8
    np.testing.assert_array_equal(vec.samples, expected)
    assert vec.claimed == 5  # what createsamples was asked for; info.dat has only three boxes


def test_golden_file_is_rendered_byte_for_byte_with_its_true_count():
    data = (GOLDEN / "samples.vec").read_bytes()
    rendered = render_vec(parse_vec(data, 10, 12).samples)
    assert rendered == struct.pack("<i", 3) + data[4:]


def test_layout_by_hand():
    samples = np.array([[[0, 255, 7]], [[1, 2, 3]]], np.uint8)
    expected = struct.pack("<iihh", 2, 3, 0, 0)
    expected += b"\0" + struct.pack("<hhh", 0, 255, 7) + b"\0" + struct.pack("<hhh", 1, 2, 3)
    assert render_vec(samples) == expected
    np.testing.assert_array_equal(parse_vec(expected, 3, 1).samples, samples)


@given(arrays(np.uint8, st.tuples(*[st.integers(1, 6)] * 3)))
def test_rendered_samples_are_read_back(samples):
    _, height, width = samples.shape
    data = render_vec(samples)
    vec = parse_vec(data, width, height)
    np.testing.assert_array_equal(vec.samples, samples)
    assert vec.claimed == len(samples)
    assert render_vec(vec.samples) == data


def test_no_samples_at_all():
    assert parse_vec(render_vec(np.zeros((0, 4, 5), np.uint8)), 5, 4).samples.shape == (0, 4, 5)


@pytest.mark.parametrize(
    ("asked", "shape"),
    [((None, None), (1, 6, 6)), ((9, None), (1, 4, 9)), ((None, 12), (1, 12, 3))],
)
def test_sides_that_are_not_given_follow(asked, shape):
    data = render_vec(np.zeros((1, 6, 6), np.uint8))
    assert parse_vec(data, *asked).samples.shape == shape


@pytest.mark.parametrize(
    "asked", [(None, None), (24, 24), (7, None), (None, 7), (0, 0), (-20, -30)]
)
def test_size_that_does_not_fit_names_those_that_do(asked):
    data = render_vec(np.zeros((1, 20, 30), np.uint8))
    with pytest.raises(FormatError, match=r"faces\.vec: expected .* found samples of 600 pixels"):
        parse_vec(data, *asked, "faces.vec")
    with pytest.raises(FormatError, match=r"25 x 24, 24 x 25, 30 x 20, 20 x 30"):
        parse_vec(data, *asked)


def test_fitting_sizes():
    assert fitting_sizes(36) == [(6, 6), (9, 4), (4, 9), (12, 3), (3, 12)]
    assert fitting_sizes(7) == []


def test_huge_count_costs_nothing():
    data = struct.pack("<iihh", 2**31 - 1, 4, 0, 0) + bytes(9) + bytes(8)
    vec = parse_vec(data)
    assert vec.samples.shape == (1, 2, 2)  # the second sample is cut short
    assert vec.claimed == 2**31 - 1


def test_samples_beyond_the_count_are_left_out():
    data = render_vec(np.zeros((3, 2, 2), np.uint8))
    assert len(parse_vec(struct.pack("<i", 2) + data[4:]).samples) == 2


def test_separators_and_reserved_fields_may_hold_anything():
    """OpenCV's own data/vec_files/trainingfaces_24-24.vec has 1 and 255 there."""
    data = struct.pack("<iihh", 1, 1, 255, -1) + b"\1" + struct.pack("<h", 77)
    assert parse_vec(data).samples.tolist() == [[[77]]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.vec: expected a header of 12 bytes, found 0"),
        (b"\1\0\0\0\4\0\0\0\0\0\0", "expected a header of 12 bytes, found 11"),
        (struct.pack("<iihh", -1, 4, 0, 0), "byte 0: expected a count of samples, found -1"),
        (struct.pack("<iihh", 1, 0, 0, 0), "byte 4: expected 1 to 4194304 pixels .* found 0"),
        (struct.pack("<iihh", 1, -4, 0, 0), "byte 4: .* found -4"),
        (struct.pack("<iihh", 1, 2**31 - 1, 0, 0), "byte 4: .* found 2147483647"),
        (
            struct.pack("<iihhBhBh", 2, 1, 0, 0, 0, 9, 0, 256),
            "byte 16: expected pixels from 0 to 255, found 256 in sample 1",
        ),
        (struct.pack("<iihhBh", 1, 1, 0, 0, 0, -1), "byte 13: .* found -1 in sample 0"),
    ],
)
def test_malformed(data, message):
    with pytest.raises(FormatError, match=message):
        parse_vec(data, source="x.vec")


@given(st.binary(max_size=80), st.none() | st.integers(-2, 9), st.none() | st.integers(-2, 9))
def test_any_bytes_are_samples_or_a_format_error(data, width, height):
    try:
        vec = parse_vec(data, width, height)
    except FormatError:
        return
    assert 2 * vec.samples.size <= len(data)


@given(st.data())
def test_damaged_golden_file_is_samples_or_a_format_error(data):
    golden = bytearray((GOLDEN / "samples.vec").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        golden[data.draw(st.integers(0, 40))] = data.draw(st.integers(0, 255))
    try:
        vec = parse_vec(bytes(golden[: data.draw(st.integers(0, len(golden)))]))
    except FormatError:
        return
    assert 2 * vec.samples.size <= len(golden)


def test_files_with_any_name(tmp_path):
    path, samples = tmp_path / "顔 1.vec", np.arange(50, dtype=np.uint8).reshape(2, 5, 5)
    save_vec(path, samples)
    save_vec(path, samples)
    np.testing.assert_array_equal(load_vec(path).samples, samples)
    assert [entry.name for entry in tmp_path.iterdir()] == ["顔 1.vec"]


def test_a_file_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(UserError, match="none.vec cannot be read"):
        load_vec(tmp_path / "none.vec")
    with pytest.raises(UserError, match="x.vec cannot be written"):
        save_vec(tmp_path / "nowhere" / "x.vec", np.zeros((1, 3, 3), np.uint8))


def test_samples_without_pixels_are_refused():
    with pytest.raises(UserError, match="1 to 4194304 pixels"):
        render_vec(np.zeros((2, 0, 5), np.uint8))
