"""The grid of a sweep: values as people write them, settings from the fields of the parameters."""

from dataclasses import fields
from typing import Literal, Optional

import pytest

from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.errors import UserError
from cvbaseline.sweeping.grid import GridOptions, grid_settings, parse_values, search_of


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("3", int, (3,)),
        ("1-5", int, (1, 2, 3, 4, 5)),
        ("20-60:20", int, (20, 40, 60)),
        ("20-70:20, 5", int, (20, 40, 60, 5)),
        ("-2-2:2", int, (-2, 0, 2)),
        ("1.1,1.05", float, (1.1, 1.05)),
        ("1.1-1.5:0.1", float, (1.1, 1.2, 1.3, 1.4, 1.5)),
        ("2,2,1-2", int, (2, 1)),
        ("none,40", Optional[int], (None, 40)),
        ("both", bool, (False, True)),
        ("yes", bool, (True,)),
        ("no,yes", bool, (False, True)),
        ("b", Literal["a", "b"], ("b",)),
        ("all", Literal["a", "b"], ("a", "b")),
        ("some word", str, ("some word",)),
    ],
)
def test_values(text, kind, values):
    assert parse_values(text, kind, "field") == values


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("x", int, r"--a-field: 'x' is not a whole number; write a list"),
        ("1.5", int, "not a whole number"),
        ("", float, "'' is not a number"),
        ("1.1-1.5", float, "needs a step, as in 1.1-1.5:0.1"),
        ("1-2:0.5", int, "must be whole numbers"),
        ("5-1", int, "empty range"),
        ("1-5:0", int, "empty range"),
        ("1-99999", int, "more than 1,000 values"),
        ("none", int, "'none' is not a whole number"),
        ("maybe", bool, "none of yes, no, both"),
        ("c", Literal["a", "b"], "none of a, b, all"),
    ],
)
def test_what_is_no_value_is_one_line(text, kind, message):
    with pytest.raises(UserError, match=message) as raised:
        parse_values(text, kind, "a_field")
    assert "\n" not in str(raised.value)


def test_every_parameter_of_the_detection_can_be_swept():
    names = [field.name for field in fields(DetectionParameters)]
    assert [field.name for field in fields(GridOptions)] == names
    fixed = GridOptions(scale_factor="1.1", min_neighbors="3", equalise_picture="no")
    assert grid_settings(fixed) == [DetectionParameters()]


def test_settings_are_all_combinations():
    settings = grid_settings(
        GridOptions(scale_factor="1.1,1.2", min_neighbors="0-2", equalise_picture="both")
    )
    assert len(settings) == len(set(settings)) == 2 * 3 * 2
    assert settings[0] == DetectionParameters(scale_factor=1.1, min_neighbors=0)
    assert settings[-1] == DetectionParameters(
        scale_factor=1.2, min_neighbors=2, equalise_picture=True
    )
    searches = {search_of(setting) for setting in settings}
    assert {search.min_neighbors for search in searches} == {0, 1} and len(searches) == 2 * 2 * 2


def test_combinations_that_are_no_settings_are_left_out():
    settings = grid_settings(GridOptions(min_size="20,50", max_size="40,60,none"))
    pairs = {(setting.min_size, setting.max_size) for setting in settings}
    assert pairs == {(20, 40), (20, 60), (20, None), (50, 60), (50, None)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scale_factor": "1.0,1.1"}, "scale factor must be 1.01 to 10, got 1.0"),
        ({"min_size": "20,50", "max_size": "10,60"}, "max size must be min size .* got 10"),
        ({"min_neighbors": "1-900", "min_size": "10-90"}, "874,800 settings; at most 5,000"),
    ],
)
def test_a_value_that_fits_nothing_is_a_mistake(values, message):
    with pytest.raises(UserError, match=message):
        grid_settings(GridOptions(**({"scale_factor": "1.1-1.6:0.1"} | values)))
