"""`cvbaseline convert` between all formats, with pictures in folders."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cvbaseline.cli import main
from cvbaseline.formats.annotation_files import KINDS, read_annotations
from cvbaseline.formats.annotations import Annotation, load_info, save_info
from cvbaseline.formats.boxed_picture import BoxedPicture, merge_by_path

OUTPUTS = {
    "info": ["out/info.dat"], "coco": ["out/c.json"], "imglab": ["out/i.xml"],
    "yolo": ["data/labels", "--to", "yolo"], "voc": ["data/Annotations", "--to", "voc"],
}  # fmt: skip


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Three pictures of data/images and their info.dat."""
    monkeypatch.chdir(tmp_path)
    boxes = {
        "a.png": [[0, 0, 80, 60], [7, 9, 20, 21]], "sub/あ b.png": [[1, 2, 3, 4]], "none.png": [],
    }  # fmt: skip
    for name in boxes:
        Path("data/images", name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((60, 80), np.uint8)).save(Path("data/images", name))
    Path("out").mkdir()
    listed = [
        Annotation(f"images/{name}", np.array(rows, np.int32).reshape(-1, 4))
        for name, rows in boxes.items()
    ]
    save_info(Path("data/info.dat"), listed)
    return {str(Path("data/images", name).absolute()): rows for name, rows in boxes.items()}


def boxes_in(path: str, kind: str) -> dict[str, list]:
    read = read_annotations(Path(path), kind)
    return {str(Path(p.path).resolve()): p.boxes.tolist() for p in read}


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_every_format_to_every_other(data, first, second, capsys):
    source = "data/info.dat"
    if first != "info":
        assert main(["convert", source, *OUTPUTS[first]]) == 0
        assert "3 boxes in 3 pictures" in capsys.readouterr().out
        source = OUTPUTS[first][0]
    assert boxes_in(source, first) == data
    if second != first:
        assert main(["convert", source, *OUTPUTS[second]]) == 0
        assert boxes_in(OUTPUTS[second][0], second) == data


def test_labels_go_along_and_can_be_chosen(data, capsys):
    Path("coco.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "data/images/a.png", "width": 80, "height": 60}],
        "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]},
            {"id": 2, "image_id": 1, "category_id": 2, "bbox": [9, 9, 5, 5]},
            {"id": 3, "image_id": 1, "category_id": 2, "bbox": [1, 1, 5, 5], "iscrowd": 1},
        ],
    }))  # fmt: skip
    assert main(["convert", "coco.json", "labels", "--to", "yolo"]) == 0
    assert Path("labels/classes.txt").read_text() == "cat\ndog\n"
    assert Path("labels/data/images/a.txt").read_text().split("\n")[0].split()[0] == "1"
    assert "1 boxes marked as not to be used" in capsys.readouterr().out
    assert main(["convert", "coco.json", "cats.dat", "--only", "cat"]) == 0
    assert load_info(Path("cats.dat"))[0].boxes.tolist() == [[9, 9, 5, 5]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_is_listed_twice_is_one_with_all_its_boxes(data, kind):
    lines = "images/a.png 1 5 5 20 20\nimages/none.png 0\n./images/a.png 2 50 5 9 9 1 1 3 3\n"
    Path("data/twice.dat").write_text(lines)
    assert main(["convert", "data/twice.dat", *OUTPUTS[kind]]) == 0
    read = read_annotations(Path(OUTPUTS[kind][0]), kind)
    assert sorted((Path(entry.path).name, entry.boxes.tolist()) for entry in read) == [
        ("a.png", [[5, 5, 20, 20], [50, 5, 9, 9], [1, 1, 3, 3]]), ("none.png", []),
    ]  # fmt: skip


def test_what_boxes_are_marked_with_stays_when_a_picture_is_listed_twice():
    box = np.array([[1, 2, 3, 4]], np.int32)
    plain = BoxedPicture("a.png", box, ("cat",), (9, 9), ignored=box + 1)
    hard = BoxedPicture("sub/../a.png", box, ("dog",), difficult=(True,))
    (merged,) = merge_by_path([plain, hard])
    assert (merged.path, merged.labels, merged.size) == ("a.png", ("cat", "dog"), (9, 9))
    assert merged.difficult == (False, True) and merged.ignored.tolist() == [[2, 3, 4, 5]]


def test_unreadable_pictures_are_left_out_and_counted(data, capsys):
    Path("data/images/a.png").write_text("no picture")
    assert main(["convert", "data/info.dat", "out/c.json"]) == 0
    out, err = capsys.readouterr()
    assert "1 unreadable pictures are left out" in out and "a.png" in err
    assert len(json.loads(Path("out/c.json").read_bytes())["images"]) == 2


@pytest.mark.parametrize(
    "words, message",
    [
        (["gone.dat", "x.json"], "gone.dat does not exist"),
        (["data/info.dat", "data/info.dat", "--to", "imglab"], "is there already"),
        (["data/info.dat", "x"], "say --to yolo"), (["data/info.dat", "x.doc"], "which format?"),
        (["out", "x.json"], "holds neither"),
        (["data/info.dat", "x.json", "--from", "coco"], "JSON"),
        (["data/images/a.png", "x.json"], "which format?"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_write_nothing(data, words, message, capsys):
    before = sorted(Path().rglob("*"))
    assert main(["convert", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error
    assert sorted(Path().rglob("*")) == before


def test_pictures_that_would_share_a_file(data, capsys):
    Image.fromarray(np.zeros((60, 80), np.uint8)).save("data/images/a.jpg")
    text = Path("data/info.dat").read_text(encoding="utf-8") + "images/a.jpg 0\n"
    Path("data/info.dat").write_text(text, encoding="utf-8")
    assert main(["convert", "data/info.dat", "out/labels", "--to", "yolo"]) == 2
    assert "would share" in capsys.readouterr().err and not Path("out/labels").exists()


def test_yolo_without_its_pictures_says_where_it_looked(data, capsys):
    assert main(["convert", "data/info.dat", "out/labels", "--to", "yolo"]) == 0
    assert main(["convert", "out/labels", "x.dat"]) == 2
    assert "name the folder with --pictures" in capsys.readouterr().err
    assert main(["convert", "out/labels", "x.dat", "--pictures", "data"]) == 0
    assert {str(Path(p).resolve()): b.tolist() for p, b in load_info(Path("x.dat"))} == data


def test_voc_without_its_pictures_says_where_to_name_them(data, capsys):
    assert main(["convert", "data/info.dat", "out/boxes", "--to", "voc"]) == 0
    assert main(["convert", "out/boxes", "x.dat"]) == 2
    assert "name the folder of the pictures with --pictures" in capsys.readouterr().err
    assert not Path("x.dat").exists()
    assert main(["convert", "out/boxes", "x.dat", "--pictures", "data"]) == 0
    assert capsys.readouterr().err == ""
    assert {str(Path(p).resolve()): b.tolist() for p, b in load_info(Path("x.dat"))} == data


def test_a_picture_that_is_not_there_is_named(data, capsys):
    Path("data/images/none.png").unlink()
    assert main(["convert", "data/info.dat", "out/i.xml"]) == 0
    mend = "name the folder of the pictures with --pictures"
    missing = Path("data/images/none.png")
    assert capsys.readouterr().err.splitlines() == [f"{missing} is not there: {mend}"]
