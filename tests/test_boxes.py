"""Boxes against hand-worked areas and a pixel-counting twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvbaseline import boxes

small_boxes = st.lists(
    st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(0, 9)] * 2), min_size=0, max_size=4
)


def pixels(box):
    x, y, width, height = box
    return {(i, j) for i in range(x, x + width) for j in range(y, y + height)}


@given(small_boxes, small_boxes)
def test_intersection_and_iou_count_pixels(first, second):
    common = boxes.intersection(first, second)
    share = boxes.iou(first, second)
    assert common.shape == share.shape == (len(first), len(second))
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            both, either = pixels(a) & pixels(b), pixels(a) | pixels(b)
            assert common[i, j] == len(both)
            assert share[i, j] == pytest.approx(len(both) / len(either) if either else 0.0)


def test_large_boxes_do_not_overflow():
    big = [(0, 0, 100_000, 100_000)]
    assert boxes.intersection(big, big)[0, 0] == 1e10


def test_as_boxes_takes_an_empty_list_and_refuses_other_shapes():
    assert boxes.as_boxes([]).shape == (0, 4)
    assert boxes.as_boxes([(1, 2, 3, 4)]).dtype == np.int32
    with pytest.raises(ValueError, match="shape"):
        boxes.as_boxes([(1, 2, 3)])
