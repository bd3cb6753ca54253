"""Every form of labelled faces becomes the same arrays, and a detector's misses stay in them."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_faces import mood_faces

from cvbaseline.data_sources import DataOptions, in_part, join, read_data
from cvbaseline.datasets import Entry, read_class_folders
from cvbaseline.detection import Detections
from cvbaseline.errors import FormatError, UserError
from cvbaseline.faces import CropOptions
from cvbaseline.fer2013 import read_fer2013
from cvbaseline.images import write_picture
from cvbaseline.scenes import read_detected
from cvbaseline.sorting.manifest import Manifest, render_json

FACES, _ = mood_faces(8, 24)


def put(folder, names):
    """Pictures under these names below a folder."""
    for face, name in zip(FACES, names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(folder / name, face)
    return folder


def read(data, **options):
    return read_data(DataOptions(data=data, size=24, **options))


def below(data, folder):
    return [Path(path).relative_to(folder).as_posix() for path in data.paths]


def test_a_folder_for_each_class_or_for_each_path(tmp_path):
    put(tmp_path, ["anime/one/anna/1.png", "anime/two/bert/1.png", "photo/carl/1.png"])
    plain = read(tmp_path)
    assert plain.classes == ("anime", "photo") and plain.parts is None
    assert np.array_equal(plain.faces, FACES[:3])
    assert plain.sizes.tolist() == [[24, 24]] * 3
    nested = read(tmp_path, nested=True)
    assert nested.classes == ("anime/one/anna", "anime/two/bert", "photo/carl")


def test_a_sorted_folder_gives_its_emotions_alone(tmp_path):
    names = ["happy/1.png", "sad/1.png", "unsure/2.png", "no_face/3.png", "_contact_sheet/4.jpg"]
    put(tmp_path, names)
    assert len(read(tmp_path).classes) == 5  # in a folder that nothing sorted these are names
    (tmp_path / "manifest.json").write_bytes(render_json(Manifest()))
    for data in (read(tmp_path), read_class_folders(tmp_path, CropOptions(size=24))):
        assert data.classes == ("happy", "sad") and len(data.labels) == 2
        assert data.problems == (
            f"{tmp_path / 'unsure'}: filled by sort and no class, left out",
            f"{tmp_path / 'no_face'}: filled by sort and no class, left out",
        )


def test_train_and_test_folders_are_parts(tmp_path):
    put(tmp_path, ["train/sad/1.png", "train/glad/1.png", "public_test/sad/1.png"])
    data = read(tmp_path)
    assert data.classes == ("glad", "sad")
    assert dict(zip(below(data, tmp_path), data.parts)) == {
        "train/sad/1.png": "train", "train/glad/1.png": "train", "public_test/sad/1.png":
        "public_test",
    }  # fmt: skip
    put(tmp_path, ["other/1.png"])
    with pytest.raises(UserError, match="holds the parts public_test, train beside other"):
        read(tmp_path)


def test_pictures_beside_the_folders_are_counted(tmp_path):
    put(tmp_path, ["train/a/1.png", "test/a/1.png", "test/2.png", "test/3.jpg", "4.png"])
    (tmp_path / "notes.txt").write_text("no picture")
    data = read(tmp_path)
    assert len(data.faces) == 2
    assert data.problems == (
        f"{tmp_path}: left out 1 beside the class folders, like 4.png",
        f"{tmp_path / 'test'}: left out 2 beside the class folders, like 2.png",
    )
    part = tmp_path / "test"
    assert read(part).problems == read_class_folders(part, CropOptions()).problems
    assert read(part).problems == data.problems[1:]
    assert read(tmp_path / "train").problems == ()


def test_a_class_may_be_called_test(tmp_path):
    put(tmp_path, ["test/1.png", "trial/1.png"])
    assert read(tmp_path).classes == ("test", "trial")


@pytest.mark.parametrize(
    ("grouping", "groups"),
    [
        ("folder:1", ["glad", "glad", "sad"]),
        ("folder:2", ["anna", "bert", "anna"]),
        (r"pattern:(\d)\.png$", ["1", "2", "2"]),
    ],
)
def test_groups_from_the_path(tmp_path, grouping, groups):
    put(tmp_path, ["glad/anna/1.png", "glad/bert/2.png", "sad/anna/2.png"])
    assert list(read(tmp_path, group_by=grouping).groups) == groups


def test_groups_of_near_duplicates(tmp_path):
    put(tmp_path, ["a/1.png", "a/2.png"])
    write_picture(tmp_path / "b.png", FACES[0])
    (tmp_path / "b").mkdir()
    (tmp_path / "b.png").rename(tmp_path / "b" / "1.png")
    one, two, copy = read(tmp_path, group_by="near-duplicates").groups
    assert one == copy != two


@pytest.mark.parametrize("grouping", ["person", "folder:0", "folder:x", "column:", "none:1"])
def test_unknown_groupings_are_refused(tmp_path, grouping):
    with pytest.raises(UserError, match="expected folder:LEVEL, column:NAME"):
        DataOptions(data=tmp_path, group_by=grouping)


def test_a_path_without_the_level_is_refused(tmp_path):
    put(tmp_path, ["glad/anna/1.png", "sad/2.png"])
    with pytest.raises(UserError, match="does not match sad/2.png"):
        read(tmp_path, group_by="folder:2")


def test_a_list_with_parts_and_a_column_of_groups(tmp_path):
    put(tmp_path, ["1.png", "2.png", "3.png"])
    rows = "picture,emotion,split,Game\n1.png,sad,train,x\n2.png,glad,train,y\n3.png,sad,test,y\n"
    (tmp_path / "list.csv").write_text(rows)
    data = read(tmp_path / "list.csv", group_by="column:Game")
    assert data.classes == ("glad", "sad") and data.parts == ("train", "train", "test")
    assert data.groups == ("x", "y", "y")
    with pytest.raises(FormatError, match="line 1: no column 'series'"):
        read(tmp_path / "list.csv", group_by="column:series")


def test_a_list_that_names_a_part_for_some_is_refused(tmp_path):
    put(tmp_path, ["1.png", "2.png", "3.png"])
    listing = tmp_path / "list.csv"
    listing.write_text("path,label,part\n1.png,sad,train\n2.png,glad,\n3.png,sad,\n")
    with pytest.raises(UserError, match=r"2 of 3 rows name no part .* first is \S*2\.png: write"):
        read(listing)
    listing.write_text("path,label,part\n1.png,sad,\n2.png,glad,\n")
    assert read(listing).parts is None


def fer_row(face, emotion, usage):
    return f"{emotion},{' '.join(map(str, face.ravel()))},{usage}\n"


def test_fer2013(tmp_path):
    path = tmp_path / "fer2013.csv"
    path.write_text(
        "emotion,pixels,Usage\n"
        + fer_row(FACES[0], 3, "Training")
        + fer_row(FACES[1], 0, "PublicTest")
    )
    data = read(path)
    assert data.classes == ("angry", "happy") and data.labels.tolist() == [1, 0]
    assert data.parts == ("Training", "PublicTest")
    assert np.array_equal(data.faces, FACES[:2])
    assert data.paths[1] == f"{path}, line 3"
    path.write_text(path.read_text() + "\n")
    assert np.array_equal(read(path).faces, FACES[:2])
    path.write_text(path.read_text() + fer_row(FACES[2], 0, ""))
    with pytest.raises(UserError, match="1 of 3 rows name no part .* line 5: write"):
        read(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0,1 2 3,Training\n", "line 2: pixels expected to be a square"),
        ("0,1 2 3 256,Training\n", "line 2: pixels expected"),
        ("0,1 2 3 x,Training\n", "line 2: pixels expected"),
        ("0,,Training\n", "line 2: pixels expected"),
        ("0,1 2 3 4\n", "line 2: 2 values for 3 columns"),
        ("", "no picture can be used"),
    ],
)
def test_malformed_fer2013_names_the_line(tmp_path, row, message):
    path = tmp_path / "fer2013.csv"
    path.write_text("emotion, pixels, Usage\n" + row)
    with pytest.raises(UserError, match=message):
        read_fer2013(path, CropOptions())


def test_scenes_in_coco_form(tmp_path):
    scene = np.zeros((60, 90), np.uint8)
    scene[5:29, 10:34], scene[30:54, 60:84] = FACES[0], FACES[1]
    write_picture(tmp_path / "1.png", scene)
    boxes = [[10, 5, 24, 24], [60, 30, 24, 24]]
    coco = {
        "images": [{"id": 1, "file_name": "1.png", "width": 90, "height": 60}],
        "categories": [{"id": 1, "name": "sad"}, {"id": 2, "name": "glad"}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": number, "bbox": box}
            for number, box in enumerate(boxes, 1)
        ],
    }
    (tmp_path / "scenes.json").write_text(json.dumps(coco))
    data = read(tmp_path / "scenes.json", margin=0.0)
    assert data.classes == ("glad", "sad") and data.labels.tolist() == [1, 0]
    assert np.array_equal(data.faces, FACES[:2])
    assert len(set(data.groups)) == 1  # faces of one scene are not split


def test_the_list_beside_drawn_scenes_is_named(tmp_path):
    write_picture(tmp_path / "1.png", FACES[0])
    (tmp_path / "bg.txt").write_text("1.png\n")  # YOLO's boxes are in files of this suffix
    with pytest.raises(UserError, match=r"no picture bg\.jpg.*: put it there, or"):
        read(tmp_path)
    (tmp_path / "labels.csv").write_text("path,label\n1.png,glad\n")
    with pytest.raises(UserError, match=r"has no class folders: name its list .*labels\.csv$"):
        read(tmp_path)
    assert read(tmp_path / "labels.csv").classes == ("glad",)


def test_misses_and_false_boxes_are_counted(tmp_path):
    scene = np.zeros((60, 90), np.uint8)
    scene[5:29, 10:34] = FACES[0]
    write_picture(tmp_path / "1.png", scene)
    write_picture(tmp_path / "2.png", FACES[1])
    write_picture(tmp_path / "3.png", FACES[2])

    def detect(grey):
        if grey.shape == (60, 90):  # a little beside the first face, and where none is
            boxes = [[12, 5, 24, 24], [60, 30, 20, 20]]
        else:
            boxes = [[0, 0, 24, 24]] if np.array_equal(grey, FACES[1]) else []
        return Detections(np.array(boxes, np.int32).reshape(-1, 4), np.arange(len(boxes), 0.0, -1))

    entries = [
        Entry(tmp_path / "1.png", "sad", box=[10, 5, 24, 24]),
        Entry(tmp_path / "1.png", "glad", box=[60, 5, 24, 24]),
        Entry(tmp_path / "2.png", "glad"),
        Entry(tmp_path / "3.png", "glad"),
        Entry(tmp_path / "missing.png", "glad"),
    ]
    data = read_detected(entries, CropOptions(size=24, margin=0.0), detect, "scenes")
    assert data.found.tolist() == [True, False, True, False]
    assert data.false_boxes == 1 and len(data.problems) == 1
    assert np.array_equal(data.faces[0], scene[5:29, 12:36])
    assert np.array_equal(data.faces[2], FACES[1]) and not data.faces[3].any()


def test_a_cascade_that_finds_no_face_at_all_is_named(tmp_path):
    for name in ("glad", "sad"):
        (tmp_path / name).mkdir()
        write_picture(tmp_path / name / "1.png", np.full((40, 40), 90, np.uint8))
    with pytest.raises(UserError, match="finds none of 2 faces: name another with --cascade"):
        read(tmp_path, detect=True, group_by="near-duplicates")


def test_a_cascade_needs_detection(tmp_path):
    with pytest.raises(UserError, match="--cascade looks for faces with --detect only"):
        DataOptions(data=tmp_path, cascade=tmp_path / "cascade.xml")


def test_sets_are_joined_by_the_names_of_their_classes(tmp_path):
    one = in_part(read(put(tmp_path / "one", ["b/1.png", "c/1.png"])), "train")
    two = in_part(read(put(tmp_path / "two", ["a/1.png", "b/1.png"])), "test")
    both = join([one, two])
    assert both.classes == ("a", "b", "c") and both.labels.tolist() == [1, 2, 0, 1]
    assert both.parts == ("train", "train", "test", "test")
    assert np.array_equal(both.faces, [*FACES[:2], *FACES[:2]])


def test_what_is_none_of_the_forms_is_refused(tmp_path):
    (tmp_path / "notes.odt").write_text("faces")
    with pytest.raises(UserError, match="expected a folder for each class, a .csv file, or scenes"):
        read(tmp_path / "notes.odt")
    with pytest.raises(UserError, match="does not exist"):
        read(tmp_path / "nowhere")
