"""Sorting with the ties of GCC's std::sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvbaseline.boosting.std_sort import _heap_sort, argsort_rows


def order_of(keys, dtype=np.uint16):
    order = np.zeros((1, len(keys)), dtype)
    argsort_rows(np.array([keys], np.float64), order)
    return order[0].tolist()


@given(st.lists(st.integers(-3, 40), max_size=300))
def test_sorts_any_keys(keys):
    order = order_of(keys)
    assert sorted(order) == list(range(len(keys)))
    assert [keys[i] for i in order] == sorted(keys)


# Printed by GCC 12's std::sort over the indices 0, 1, ... 39, comparing i * i % 5.
SORTED = [
    0, 35, 15, 5, 20, 30, 10, 25, 19, 39, 21, 24, 26, 29, 31, 34, 36, 1, 16, 14,
    11, 9, 4, 6, 28, 38, 37, 2, 3, 33, 32, 7, 8, 17, 27, 12, 23, 22, 13, 18,
]  # fmt: skip
# And by its std::make_heap and std::sort_heap, over 21 and 22 indices.
SORTED_BY_HEAP = [
    [15, 0, 10, 20, 5, 16, 1, 9, 19, 11, 4, 6, 14, 7, 17, 3, 8, 18, 12, 2, 13],
    [15, 10, 0, 5, 20, 16, 1, 9, 19, 4, 21, 11, 6, 14, 7, 17, 3, 8, 18, 12, 2, 13],
]


@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_leaves_equal_keys_as_gcc_does(dtype):
    assert order_of([i * i % 5 for i in range(40)], dtype) == SORTED


@pytest.mark.parametrize("expected", SORTED_BY_HEAP)
def test_falls_back_on_the_heap_sort_of_gcc(expected):
    count = len(expected)
    order = np.arange(count, dtype=np.uint16)
    _heap_sort(np.array([i * i % 5 for i in range(count)], np.float64), order, 0, count)
    assert order.tolist() == expected


def test_sorts_what_makes_quicksort_quadratic():
    # Musser's sequence (1997): the median of three is always among the least.
    half = 400
    keys = [0] * (2 * half)
    for i in range(1, half + 1):
        if i % 2 == 1:
            keys[i - 1], keys[i] = i, half + i
        keys[half + i - 1] = 2 * i
    order = order_of(keys)
    assert [keys[i] for i in order] == sorted(keys)
