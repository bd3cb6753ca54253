"""YOLO, COCO, Pascal VOC and imglab: examples worked by hand, round trips, malformed input."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats import coco, imglab, voc, yolo
from cvbaseline.formats.boxed_picture import BoxedPicture, boxes_from_edges

SIZE = (200, 100)


@st.composite
def pictures(draw: st.DrawFn) -> BoxedPicture:
    """A picture with boxes inside it."""
    width, height = draw(st.integers(1, 20_000)), draw(st.integers(1, 20_000))
    boxes, labels = [], []
    for _ in range(draw(st.integers(0, 4))):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        boxes.append((x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y))))
        labels.append(draw(st.sampled_from(["face", "頭", "left eye", "<&\"'>"])))
    name = draw(st.sampled_from(["a.png", "b c/あ.jpg", "é&<>\"'.png"]))
    return BoxedPicture(
        name, np.array(boxes, np.int32).reshape(-1, 4), tuple(labels), (width, height)
    )


def same(a: BoxedPicture, b: BoxedPicture) -> bool:
    return a.path == b.path and np.array_equal(a.boxes, b.boxes) and a.labels == b.labels


def test_edges_are_rounded_not_sides():
    # Two boxes that touch at 10.5 still touch; one of no width gets a pixel.
    edges = [(0.4, 0, 10.5, 9), (10.5, 0, 20.4, 9), (3, 3, 3.2, 8)]
    assert boxes_from_edges(edges).tolist() == [[0, 0, 11, 9], [11, 0, 9, 9], [3, 3, 1, 5]]


# --- YOLO


def test_yolo_by_hand():
    # Centre (100, 25), 50 x 20 pixels of 200 x 100: left 75, top 15
    text = "\ufeff1 0.5 0.25 0.25 0.2\r\n\r\n0 0.5 0.5 1 1 0.93\r\n"
    boxes, labels = yolo.parse_labels(text, SIZE, ["cat", "dog"], "a.txt")
    assert boxes.tolist() == [[75, 15, 50, 20], [0, 0, 200, 100]] and labels == ("dog", "cat")
    assert yolo.parse_labels(text, SIZE, [], "a.txt")[1] == ("1", "0")
    rendered = yolo.render_labels(boxes, labels, SIZE, ["cat", "dog"])
    assert rendered.splitlines() == [
        "1 0.500000 0.250000 0.250000 0.200000", "0 0.500000 0.500000 1.000000 1.000000",
    ]  # fmt: skip


def test_yolo_cuts_off_what_is_outside():
    rendered = yolo.render_labels(np.array([[-10, 90, 30, 30]]), ("a",), SIZE, ["a"])
    assert rendered == "0 0.050000 0.950000 0.100000 0.100000\n"
    with pytest.raises(UserError, match="outside"):
        yolo.render_labels(np.array([[300, 0, 5, 5]]), ("a",), SIZE, ["a"])


@given(pictures())
def test_yolo_round_trip(picture):
    classes = sorted(set(picture.labels))
    text = yolo.render_labels(picture.boxes, picture.labels, picture.size, classes)
    boxes, labels = yolo.parse_labels(text, picture.size, classes, "a.txt")
    assert np.array_equal(boxes, picture.boxes) and labels == picture.labels


@pytest.mark.parametrize(
    "line, words",
    [
        ("0 0.5 0.5 0.1", "class x y"), ("x 0.5 0.5 0.1 0.1", "class's number"),
        ("-1 0.5 0.5 0.1 0.1", "class's number"), ("7 0.5 0.5 0.1 0.1", "names 1"),
        ("0 nan 0.5 0.1 0.1", "nan"), ("0 0.5 1.5 0.1 0.1", "from 0 to 1"),
        ("0 0.5 0.5 inf 0.1", "inf"), ("0 0,5 0.5 0.1 0.1", "a number"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4 0.4", "class x y"), ("² 0.5 0.5 0.1 0.1", "class's number"),
    ],
)  # fmt: skip
def test_malformed_yolo(line, words):
    with pytest.raises(FormatError, match=rf"^a.txt, line 2: .*{re.escape(words)}"):
        yolo.parse_labels(f"0 0.5 0.5 0.1 0.1\n{line}\n", SIZE, ["cat"], "a.txt")


def test_classes():
    assert yolo.parse_classes("\ufeffcat\r\nleft eye\r\n\r\n") == ["cat", "left eye"]
    assert yolo.render_classes(["cat", "left eye"]) == "cat\nleft eye\n"
    for name in ("", " a", "a\nb"):
        with pytest.raises(UserError):
            yolo.render_classes([name])


# --- COCO

COCO = {
    "images": [{"id": 7, "file_name": "b c.png", "width": 200, "height": 100},
               {"id": 3, "file_name": "あ.png"}],
    "categories": [{"id": 18, "name": "dog"}, {"id": 1, "name": "cat"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 18, "bbox": [10.2, 20.6, 30, 40.5]},
        {"id": 2, "image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5], "iscrowd": 1},
        {"id": 3, "image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0},
    ],
}  # fmt: skip


def test_coco_by_hand():
    first, second = coco.parse_coco(json.dumps(COCO).encode(), "c.json")
    # Edges 10.2, 20.6, 40.2, 61.1
    assert first.boxes.tolist() == [[10, 21, 30, 40], [1, 2, 3, 4]]
    assert first.labels == ("dog", "cat") and first.ignored.tolist() == [[0, 0, 5, 5]] and first.size == (200, 100)
    assert second.path == "あ.png" and second.size is None and second.boxes.shape == (0, 4)


@given(st.lists(pictures(), max_size=3))
def test_coco_round_trip(given_pictures):
    data = coco.render_coco(given_pictures)
    back = coco.parse_coco(data, "c.json")
    assert len(back) == len(given_pictures) and all(map(same, back, given_pictures))
    root = json.loads(data)
    assert len({entry["id"] for entry in root["annotations"]}) == len(root["annotations"])
    for entry in root["annotations"]:
        assert entry["area"] == entry["bbox"][2] * entry["bbox"][3]


def test_coco_of_a_name_that_is_no_text():
    picture = BoxedPicture("a\udcff.png", np.zeros((0, 4), np.int32), ())
    assert coco.parse_coco(coco.render_coco([picture]), "c.json")[0].path == picture.path


def spoilt(path: str, value: object) -> bytes:
    """The example with one value replaced."""
    root = json.loads(json.dumps(COCO))
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    target = root
    for key in way:
        target = target[key]
    target[last] = value
    return json.dumps(root).encode()


@pytest.mark.parametrize(
    "data, place",
    [
        (b"{", "line 1"), (b"\xff{}", "byte 0"), (b"[]", None), (b"[" * 100_000, None),
        (b"{}", "categories"), (spoilt("images", 3), "images"),
        (spoilt("images.1", 3), r"images\[1\]"),
        (spoilt("images.1.id", 7), r"images\[1\].id"),
        (spoilt("images.0.id", True), r"images\[0\].id"),
        (spoilt("images.0.file_name", 3), r"images\[0\].file_name"),
        (spoilt("images.0.width", 0), r"images\[0\].width"),
        (spoilt("categories.0.name", ""), r"categories\[0\].name"),
        (spoilt("annotations.0.image_id", 8), r"annotations\[0\].image_id"),
        (spoilt("annotations.0.category_id", 8), r"annotations\[0\].category_id"),
        (spoilt("annotations.0.bbox", [1, 2, 3]), r"annotations\[0\].bbox"),
        (spoilt("annotations.0.bbox", [1, 2, -3, 4]), r"annotations\[0\].bbox"),
        (spoilt("annotations.0.bbox", [1, 2, float("nan"), 4]), r"annotations\[0\].bbox"),
        (spoilt("annotations.0.bbox", [1, 2, "3", None]), r"annotations\[0\].bbox"),
    ],
)  # fmt: skip
def test_malformed_coco(data, place):
    with pytest.raises(FormatError, match=f"^c.json{', ' + place if place else ''}: "):
        coco.parse_coco(data, "c.json")


# --- VOC

VOC = """<annotation><folder>x</folder><filename>a b.png</filename>
<size><width>200</width><height>100</height><depth>3</depth></size>
<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>200</xmax><ymax>100</ymax></bndbox>
<part><name>head</name><bndbox><xmin>9</xmin></bndbox></part></object>
<object><name>left eye</name><difficult>1</difficult><bndbox>
<ymax>31</ymax><xmax>21.0</xmax><ymin>0</ymin><xmin>12</xmin></bndbox></object></annotation>"""


def test_voc_by_hand():
    picture = voc.parse_voc(VOC.encode(), "a.xml")
    assert picture.path == "a b.png" and picture.size == (200, 100)
    # Columns 12 to 21, counted from 1, are 10 pixels from 11 on
    assert picture.boxes.tolist() == [[0, 0, 200, 100], [11, 0, 10, 31]]
    assert picture.labels == ("cat", "left eye") and picture.difficult == (False, True)
    assert voc.parse_voc(voc.render_voc(picture), "a.xml").difficult == (False, True)
    root = ElementTree.fromstring(voc.render_voc(picture))
    corners = [
        root.findall("object")[1].findtext(f"bndbox/{n}") for n in ("xmin", "xmax", "ymin", "ymax")
    ]
    assert corners == ["12", "21", "1", "31"]


@given(pictures())
def test_voc_round_trip(picture):
    back = voc.parse_voc(voc.render_voc(picture), "a.xml")
    assert same(back, picture) and back.size == picture.size


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    "old, new, place",
    [
        ("</annotation>", "", ", line 6: "), ("annotation>", "dataset>", ": expected <annotation>"),
        ("<annotation>", BOMB + "<annotation>", ": .*entities"),
        ("<filename>a b.png</filename>", "", ", annotation: "),
        ("<name>left eye</name>", "<name> </name>", r", object\[2\]: "),
        ("<xmax>21.0</xmax>", "", r", object\[2\]/bndbox: "),
        ("<xmax>21.0</xmax>", "<xmax>x</xmax>", r", object\[2\]/bndbox/xmax: "),
        ("<xmax>21.0</xmax>", "<xmax>nan</xmax>", r", object\[2\]/bndbox/xmax: "),
        ("<xmax>21.0</xmax>", "<xmax>3</xmax>", r", object\[2\]/bndbox: "),
        ("<width>200</width>", "<width>many</width>", ", size/width: "),
    ],
)  # fmt: skip
def test_malformed_voc(old, new, place):
    assert old in VOC
    with pytest.raises(FormatError, match=f"^a.xml{place}"):
        voc.parse_voc(VOC.replace(old, new).encode(), "a.xml")


def test_names_that_xml_cannot_hold():
    for name in ("a\x01.png", "a\udcff.png"):
        picture = BoxedPicture(name, np.zeros((0, 4), np.int32), ())
        for render in (voc.render_voc, lambda p: imglab.render_imglab([p])):
            with pytest.raises(UserError, match="cannot hold"):
                render(picture)


# --- imglab

IMGLAB = """<?xml version='1.0' encoding='ISO-8859-1'?>
<?xml-stylesheet type='text/xsl' href='image_metadata_stylesheet.xsl'?>
<dataset><name>x</name><images>
<image file='faces\\é.jpg'>
<box top='90' left='194' width='37' height='38'><label>cat</label><part name='0' x='1' y='2'/></box>
<box top='-4' left='2' width='3' height='5'/><box top='1' left='2' width='3' height='5' ignore='1'/>
</image><image file='none.jpg'/></images></dataset>"""


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_imglab_by_hand(encoding):
    first, second = imglab.parse_imglab(IMGLAB.encode(encoding), "x.xml")
    assert first.path == "faces/é.jpg" and second.path == "none.jpg"
    assert first.boxes.tolist() == [[194, 90, 37, 38], [2, -4, 3, 5]]
    assert first.labels == ("cat", "face") and first.ignored.tolist() == [[2, 1, 3, 5]]
    assert second.boxes.shape == (0, 4)


@given(st.lists(pictures(), max_size=3))
def test_imglab_round_trip(given_pictures):
    back = imglab.parse_imglab(imglab.render_imglab(given_pictures), "x.xml")
    assert len(back) == len(given_pictures) and all(map(same, back, given_pictures))


@pytest.mark.parametrize(
    "old, new, place",
    [
        ("</dataset>", "", ", line 7: "), ("images>", "pictures>", ", dataset: "),
        (" file='none.jpg'", "", r", image\[2\]: "), ("left='194'", "", r", image\[1\]/box\[1\]: "),
        ("left='194'", "left='1e99'", r", image\[1\]/box\[1\]/@left: "),
        ("left='194'", "left='1.5'", r", image\[1\]/box\[1\]/@left: "),
        ("width='37'", "width='0'", r", image\[1\]/box\[1\]: "),
        ("ISO-8859-1", "nonsense", ""), ("<dataset>", BOMB + "<dataset>", ": "),
    ],
)  # fmt: skip
def test_malformed_imglab(old, new, place):
    assert old in IMGLAB
    with pytest.raises(FormatError, match=f"^x.xml{place}"):
        imglab.parse_imglab(IMGLAB.replace(old, new).encode(), "x.xml")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    for parse in (coco.parse_coco, voc.parse_voc, imglab.parse_imglab):
        with pytest.raises(FormatError):
            parse(data, "x")
