"""Annotations of any format as what a detector is held against."""

import json

import numpy as np
import pytest

from cvbaseline.detector_quality.annotated_pictures import (
    find_annotations,
    read_annotated_pictures,
)
from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.plain_json import parse_plain_json
from cvbaseline.images import write_picture

FACE, REGION = [3, 4, 10, 11], [20, 5, 8, 8]
COCO = {
    "images": [{"id": 1, "file_name": "a.png"}],
    "categories": [{"id": 1, "name": "face"}, {"id": 2, "name": "cat"}],
    "annotations": [
        {"image_id": 1, "category_id": 1, "bbox": FACE},
        {"image_id": 1, "category_id": 2, "bbox": [0, 0, 2, 2]},
        {"image_id": 1, "category_id": 1, "bbox": REGION, "iscrowd": 1},
    ],
}
IMGLAB = """<dataset><images><image file='a.png'>
<box left='3' top='4' width='10' height='11'><label>face</label></box>
<box left='0' top='0' width='2' height='2'><label>cat</label></box>
<box left='20' top='5' width='8' height='8' ignore='1'/></image></images></dataset>"""
VOC = """<annotation><filename>a.png</filename>
<object><name>face</name><bndbox><xmin>4</xmin><ymin>5</ymin><xmax>13</xmax><ymax>15</ymax></bndbox>
</object><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax>
</bndbox></object><object><name>face</name><difficult>1</difficult>
<bndbox><xmin>21</xmin><ymin>6</ymin><xmax>28</xmax><ymax>13</ymax></bndbox></object></annotation>"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a picture of 40 x 20 pixels."""
    write_picture(tmp_path / "a.png", np.arange(800, dtype=np.uint8).reshape(20, 40))
    return tmp_path


@pytest.mark.parametrize(
    "name, text",
    [
        ("annotations.json", json.dumps(COCO)),
        ("annotations.xml", IMGLAB),
        ("a.xml", VOC),
        ("truth.json", json.dumps({"a.png": {"faces": [FACE], "ignore": [REGION]}})),
    ],
)
def test_every_format_says_what_to_ignore(folder, name, text):
    (folder / name).write_text(text)
    [picture] = read_annotated_pictures(folder, only=["face"])
    assert picture.path == folder / "a.png"
    assert picture.boxes.tolist() == [FACE] and picture.ignore.tolist() == [REGION]
    assert picture.boxes.dtype == picture.ignore.dtype == np.int32


def test_all_labels_count_unless_some_are_named(folder):
    (folder / "annotations.json").write_text(json.dumps(COCO))
    [picture] = read_annotated_pictures(folder / "annotations.json")
    assert picture.boxes.tolist() == [FACE, [0, 0, 2, 2]]
    with pytest.raises(UserError, match="no label fcae; it has cat, face"):
        read_annotated_pictures(folder, only=["fcae"])


def test_lists_without_regions(folder):
    (folder / "info.dat").write_text("a.png 1 3 4 10 11\nb.png 0\n")
    first, second = read_annotated_pictures(folder / "info.dat")
    assert first.boxes.tolist() == [FACE] and first.ignore.shape == (0, 4)
    assert second.boxes.shape == (0, 4) and second.ignore.shape == (0, 4)


def test_yolo_beside_its_pictures(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    write_picture(tmp_path / "images" / "a.png", np.zeros((20, 40), np.uint8))
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    [picture] = read_annotated_pictures(tmp_path)
    assert picture.boxes.tolist() == [[10, 5, 20, 10]]
    assert picture.path == tmp_path / "images" / "a.png"


def test_lines_of_one_picture_are_joined(folder):
    (folder / "info.dat").write_text("a.png 1 3 4 10 11\na.png 1 20 5 8 8\n")
    [picture] = read_annotated_pictures(folder)
    assert picture.boxes.tolist() == [FACE, REGION]


def test_lists_with_regions_come_first(folder):
    (folder / "annotations.txt").write_text("a.png 0\n")
    (folder / "truth.json").write_text('{"a.png": {"faces": []}}')
    assert find_annotations(folder) == folder / "truth.json"
    assert find_annotations(folder / "annotations.txt") == folder / "annotations.txt"


def test_a_single_list_is_found_by_its_suffix(folder):
    (folder / "boxes.dat").write_text("a.png 0\n")
    assert find_annotations(folder) == folder / "boxes.dat"
    (folder / "more.json").write_text("{}")
    with pytest.raises(UserError, match="name one of boxes.dat, more.json"):
        find_annotations(folder)


def test_what_cannot_be_found(folder):
    with pytest.raises(UserError, match="holds no annotations"):
        find_annotations(folder)
    with pytest.raises(UserError, match="does not exist"):
        find_annotations(folder / "b")
    (folder / "info.dat").write_text("\n")
    with pytest.raises(UserError, match="lists no picture"):
        read_annotated_pictures(folder)


@pytest.mark.parametrize(
    "root, place",
    [
        ({"a.png": {"faces": [[1, 2, 3]]}}, '"a.png".faces\\[0\\]'),
        ({"a.png": {"faces": [[1, 2, -3, 4]]}}, '"a.png".faces\\[0\\]'),
        ({"a.png": {"faces": [], "ignore": 3}}, '"a.png".ignore'),
        ({"a.png": {"faces": []}, "b.png": []}, '"b.png"'),
        ({"a.png": {"faces": [], "ingore": []}}, '"a.png".*ingore'),
    ],
)
def test_malformed_plain_json(root, place):
    with pytest.raises(FormatError, match=f"^t.json, {place}"):
        parse_plain_json(json.dumps(root).encode(), "t.json", "face")
