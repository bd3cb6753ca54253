"""LBP features: the pool's order and codes."""

import naive
import numpy as np
import pytest

from cvbaseline.errors import UserError
from cvbaseline.features.lbp import enumerate_lbp, evaluate_lbp, prepare_lbp


@pytest.mark.parametrize("size", [(3, 3), (7, 9), (12, 6)])
def test_the_pool_is_that_of_four_loops(size):
    assert [tuple(cell) for cell in enumerate_lbp(*size).cells.tolist()] == naive.lbp_pool(*size)


@pytest.mark.parametrize(("size", "count"), [(19, 3249), (20, 3969), (24, 8464), (30, 21025)])
def test_the_pool_is_as_large_as_the_old_trainer_prints(size, count):
    assert len(enumerate_lbp(size, size).cells) == count


def test_a_window_too_small_is_named():
    with pytest.raises(UserError, match="24x2"):
        enumerate_lbp(24, 2)


def test_codes_are_those_of_sums_of_pixels():
    rng = np.random.default_rng(1)
    windows = rng.integers(0, 256, (6, 9, 12), dtype=np.uint8)
    windows[3] = 9  # equal cells set every bit
    windows[4] //= 128  # many equal sums
    pool = enumerate_lbp(12, 9)
    codes = evaluate_lbp(prepare_lbp(windows), pool)
    expected = [
        [naive.lbp_code(window.tolist(), cell) for window in windows]
        for cell in pool.cells.tolist()
    ]
    assert codes.dtype == np.uint8
    assert codes.tolist() == expected
    assert (codes[:, 3] == 255).all()
