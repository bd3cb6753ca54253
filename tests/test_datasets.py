"""Labelled faces from folders and CSV lists: what is read, what is left out and why."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_faces import mood_faces

from cvbaseline.datasets import group_of, read_class_folders, read_csv, read_labelled
from cvbaseline.errors import FormatError, PictureError, UserError
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import write_picture

CROP = CropOptions(size=16, margin=0.25)
FACES, _ = mood_faces(4, 24)
WIDE = np.random.default_rng(0).integers(0, 256, (30, 40)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Classes b (three levels, two sizes, one damaged file) and ä; an empty one; a hidden one."""
    for name in ("b/anna", "ä", "empty", ".hidden"):
        (tmp_path / name).mkdir(parents=True)
    write_picture(tmp_path / "b" / "anna" / "2.png", FACES[0])
    write_picture(tmp_path / "b" / "bert-1.png", WIDE)
    write_picture(tmp_path / "ä" / "笑顔.png", FACES[1])
    write_picture(tmp_path / ".hidden" / "1.png", FACES[2])
    (tmp_path / "b" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    (tmp_path / "b" / "notes.txt").write_text("no picture at all")
    return tmp_path


def whole(face):
    size = [[0, 0, face.shape[1], face.shape[0]]]
    return crop_faces(face, np.array(size), CropOptions(size=16, margin=0))[0]


def test_a_folder_is_a_class(folder):
    data = read_class_folders(folder, CROP)
    assert data.classes == ("b", "ä") and data.labels.tolist() == [0, 0, 1]
    names = [path[len(str(folder)) + 1 :].replace("\\", "/") for path in data.paths]
    assert names == ["b/anna/2.png", "b/bert-1.png", "ä/笑顔.png"]
    assert np.array_equal(data.faces, [whole(FACES[0]), whole(WIDE), whole(FACES[1])])
    assert data.groups is None


def test_unreadable_pictures_are_named_and_left_out(folder):
    data = read_labelled(folder, CROP)
    assert len(data.problems) == 1 and "broken.jpg" in data.problems[0]


def test_groups_come_from_the_path_below_the_folder(folder):
    data = read_class_folders(folder, CROP, r"^(.*)/")
    assert data.groups == ("b/anna", "b", "ä")
    with pytest.raises(UserError, match=r"does not match b/anna/2.png"):
        read_class_folders(folder, CROP, r"bert")


@pytest.mark.parametrize(
    ("pattern", "group"), [("a+", "aa"), ("b(.)", "c"), ("x?", ""), ("(x)?a", "")]
)
def test_group_of_a_path(pattern, group):
    assert group_of("aabc", pattern) == group


def test_a_broken_pattern_is_the_users_error():
    with pytest.raises(UserError, match=r"'\(' is no regular expression"):
        group_of("a", "(")


def test_faces_can_be_looked_for(folder):
    def find(grey):
        return np.array([8, 4, 10, 12]) if grey.shape[1] == 40 else None

    data = read_class_folders(folder, CROP, find_face=find)
    assert np.array_equal(data.faces, crop_faces(WIDE, np.array([[8, 4, 10, 12]]), CROP))
    shown = [problem for problem in data.problems if "shows no face" in problem]
    assert len(shown) == 2 and len(data.problems) == 3


def test_nothing_to_read_is_the_users_error(tmp_path, folder):
    with pytest.raises(UserError, match="does not exist"):
        read_labelled(tmp_path / "nowhere", CROP)
    (folder / "alone").mkdir()
    with pytest.raises(UserError, match="has no folders"):
        read_labelled(folder / "alone", CROP)
    (folder / "alone" / "class").mkdir()
    with pytest.raises(UserError, match="no picture can be used"):
        read_labelled(folder / "alone", CROP)
    (folder / "alone" / "class" / "1.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"no picture can be used; the first: .*1\.png"):
        read_labelled(folder / "alone", CROP)


def listing(folder, text):
    path = folder / "labels.csv"
    path.write_bytes(text.encode())
    return path


def test_csv_with_boxes_and_groups(folder):
    text = (
        "\ufefffile,label,x,y,width,height,group\r\n"
        "b/bert-1.png,calm,8,4,10,12,one\r\n"
        '"ä/笑顔.png",cross,,,,,two\r\n'
        "b/anna/2.png,,0,0,5,5,one\r\n"
        "b/missing.png,calm,0,0,5,5,one\r\n"
        "b/bert-1.png,cross,1000,4,10,12,one\r\n"
    )
    data = read_labelled(listing(folder, text), CROP)
    assert data.classes == ("calm", "cross") and data.labels.tolist() == [0, 1]
    assert data.groups == ("one", "two")
    boxed = crop_faces(WIDE, np.array([[8, 4, 10, 12]]), CROP)[0]
    assert np.array_equal(data.faces, [boxed, whole(FACES[1])])
    missing, outside, unlabelled = data.problems
    assert "missing.png" in missing and "no pixel in the 40 x 30 picture" in outside
    assert "1 rows without a label" in unlabelled


def test_a_picture_without_a_group_is_one_by_itself(folder):
    rows = "b/anna/2.png,x,{}\nb/bert-1.png,x,\nä/笑顔.png,x,{}\nb/bert-1.png,x,\n"
    some = read_csv(listing(folder, "path,label,group\n" + rows.format("one", "one")), CROP)
    one, bert, other, again = some.groups
    assert one == other == "one" and bert == again and bert != "one" and bert


def test_faces_of_one_picture_are_a_group(folder):
    text = "path,label,x,y,w,h\nb/bert-1.png,x,0,0,9,9\n{},x,,,,\nb/bert-1.png,y,9,9,9,9\n"
    one, other, again = read_csv(listing(folder, text.format("b/anna/2.png")), CROP).groups
    assert one == again != other
    alone = read_csv(listing(folder, "path,label\nb/bert-1.png,x\nb/anna/2.png,y\n"), CROP)
    assert alone.groups is None


def test_csv_groups_by_pattern(folder):
    data = read_csv(
        listing(folder, "path,label\nb/anna/2.png,calm\nä/笑顔.png,x\n"), CROP, "^[^/]*"
    )
    assert data.groups == ("b", "ä")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1: no column 'path'"),
        ("path,mood\n", r"line 1: no column 'label'"),
        ("path,label\na.png,calm,3\n", r"line 2: 3 values for 2 columns"),
        ("path,label,x,y,w,h\n\na.png,calm,1,2,x,4\n", r"line 3: box '1 2 x 4'"),
        ("path,label,x,y,w,h\na.png,calm,1,2,0,4\n", r"line 2: box '1 2 0 4'"),
        ("path,label,x,y,w,h\na.png,calm,nan,2,3,4\n", r"line 2: box"),
        ("path,label,x,y\na.png,calm,1,2\n", r"line 2: box"),
    ],
)
def test_malformed_csv_names_the_line(tmp_path, text, message):
    with pytest.raises(FormatError, match=message):
        read_csv(listing(tmp_path, text), CROP)


def test_csv_that_is_not_text(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"path,label\n\xff\xfe")
    with pytest.raises(FormatError, match="byte 11: is not UTF-8"):
        read_csv(tmp_path / "labels.csv", CROP)


@given(text=st.text(alphabet='path,label\n\r"xywh01.\0 ', max_size=60))
def test_any_csv_ends_in_a_users_error(tmp_path_factory, text):
    path = listing(tmp_path_factory.mktemp("fuzz"), "path,label,x,y,w,h\n" + text)
    with pytest.raises(UserError):  # no such picture exists
        read_csv(path, CROP)


def test_picture_errors_are_what_the_finder_may_raise(folder):
    def find(grey):
        raise PictureError("too dark to see")

    with pytest.raises(UserError, match=r"2\.png: too dark to see"):
        read_class_folders(folder, CROP, find_face=find)
