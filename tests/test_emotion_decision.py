"""Which face decides, which folder follows; and the whole way on drawn pictures."""

import pytest

from cvbaseline.emotion_decision import check_folder_name, most_prominent
from cvbaseline.errors import UserError
from cvbaseline.manifest import Face


def face(box, score=1.0):
    return Face(box, score, {"happy": 1.0})


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        ([((0, 0, 50, 50), 1.0)], 0),
        # much larger wins from the corner and with half the score: 10000 > 4 * 2000
        ([((175, 95, 45, 45), 10.0), ((0, 0, 100, 100), 5.0)], 1),
        # equal size: the middle wins
        ([((0, 0, 60, 60), 5.0), ((170, 90, 60, 60), 5.0)], 1),
        # equal size, mirrored places: the score wins
        ([((20, 90, 60, 60), 5.0), ((320, 90, 60, 60), 6.0)], 1),
        # all equal: the first
        ([((20, 90, 60, 60), 5.0), ((320, 90, 60, 60), 5.0)], 0),
        # negative scores count as none
        ([((20, 90, 60, 60), -3.0), ((320, 90, 60, 60), -1.0)], 0),
        # by hand: in the middle 3600 · 1 · .6 = 2160, in the corner 6400 · .6 · 1 = 3840
        ([((170, 90, 60, 60), 2.0), ((0, 0, 80, 80), 10.0)], 1),
        # by hand: 4900 · 1 · .75 = 3675 against 6400 · .59 · .75 = 2832 in the corner
        ([((165, 85, 70, 70), 5.0), ((0, 0, 80, 80), 5.0), ((0, 239, 1, 1), 10.0)], 0),
    ],
)
def test_the_most_prominent_face(faces, expected):
    """In a picture of 400 × 240 pixels."""
    assert most_prominent([face(*f) for f in faces], 400, 240) == expected


@pytest.mark.parametrize(
    "name",
    ["", "..", ".", "a/b", "a\\b", "unsure", "No_Face", "_contact_sheet", "con", "a\n", "x" * 101,
     " a", "a.", "what?", "\ud800", "a:b"],
)  # fmt: skip
def test_classes_that_cannot_be_folders(name):
    with pytest.raises(UserError, match="cannot be a folder"):
        check_folder_name(name)


@pytest.mark.parametrize("name", ["happy", "joyeux été", "怒り", "Type 3 (rare)"])
def test_classes_that_can(name):
    check_folder_name(name)
