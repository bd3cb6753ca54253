"""What belongs together by --group-by, and bootstrap draws of whole groups."""

from pathlib import Path

import numpy as np
import pytest

from cvbaseline.bootstrap import draws, draws_of_groups, group_numbers
from cvbaseline.detector_quality.options import MeasuringOptions
from cvbaseline.errors import UserError
from cvbaseline.grouping import check_grouping, groups_of_paths

PATHS = [Path("shows/air/a_1.png"), Path("shows/air/b_1.png"), Path("shows/kanon/a_1.png")]


@pytest.mark.parametrize(
    ("grouping", "groups"),
    [
        ("folder:1", ["air", "air", "kanon"]),
        (r"pattern:([ab])_\d+\.png$", ["a", "b", "a"]),
        ("pattern:air|kan", ["air", "air", "kan"]),
        ("none", [None] * 3),
        (None, [None] * 3),
    ],
)
def test_groups_of_paths_by_hand(grouping, groups, tmp_path):
    (tmp_path / "shows").mkdir()
    paths = [tmp_path / path for path in PATHS]
    assert groups_of_paths(paths, tmp_path / "shows", grouping) == groups
    # An annotation file counts as the folder that it lies in.
    assert groups_of_paths(paths, tmp_path / "shows" / "info.dat", grouping) == groups


def test_a_path_that_tells_no_group_is_named():
    with pytest.raises(UserError, match="does not match air/a_1.png"):
        groups_of_paths(PATHS, Path("shows/info.dat"), "folder:2")
    with pytest.raises(UserError, match="no regular expression"):
        groups_of_paths(PATHS, Path("shows/info.dat"), "pattern:(")


@pytest.mark.parametrize("grouping", ["artist", "folder:0", "pattern:", "column:x", "none:1"])
def test_what_paths_cannot_tell_is_refused(grouping):
    with pytest.raises(UserError, match="expected folder:LEVEL, pattern:REGEX or none$"):
        MeasuringOptions(group_by=grouping)


@pytest.mark.parametrize("grouping", ["column:x", "near-duplicates", "folder:2", "none", None])
def test_labelled_faces_have_more_groupings(grouping):
    check_grouping(grouping)


def test_numbers_of_groups_by_hand():
    assert group_numbers(["b", "a", None, "b", None]).tolist() == [0, 1, 2, 0, 3]
    assert group_numbers([None, None]).tolist() == [0, 1]


def test_groups_are_drawn_whole():
    units = group_numbers(["x", "y", "x", None])
    for drawn, of_units in zip(draws_of_groups(units, 4), draws(3, 4)):
        assert drawn.tolist() == of_units[[0, 1, 0, 2]].tolist()
    alone = draws_of_groups(np.arange(5), 4)
    assert all(map(np.array_equal, alone, draws(5, 4)))
