"""The verbs detect, crop and info, against OpenCV and the files' known contents."""

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from cvbaseline.cli import main
from cvbaseline.crop_pictures import CropPicturesOptions, crop_pictures
from cvbaseline.detect_pictures import DetectOptions, detect_pictures, render_json, render_table
from cvbaseline.drawing import draw_scene
from cvbaseline.errors import UserError
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import read_colour, read_grey, write_picture
from cvbaseline.info import describe
from cvbaseline.shipped import default_cascade, default_emotion_model

GOLDEN = Path(__file__).parent / "data" / "golden"
SAMPLES = Path(__file__).parents[1] / "training_samples"


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "絵"
    folder.mkdir()
    for seed in (3, 4):
        scene = draw_scene(seed, 480, 360, faces=["happy", "sad"])
        write_picture(folder / f"{seed}.png", scene.image)
    (folder / "bad.jpg").write_bytes(b"no picture")
    return folder


def opencv_boxes(path):
    classifier = cv2.CascadeClassifier(str(default_cascade()))
    boxes = classifier.detectMultiScale(read_grey(path), 1.1, 3, minSize=(24, 24))
    return sorted(np.reshape(boxes, (-1, 4)).tolist())


def test_detect_finds_opencvs_boxes_and_names_the_bad_picture(pictures):
    found = detect_pictures(DetectOptions(pictures=[pictures], min_neighbors=3, verify="none"))
    rows = json.loads(render_json(found))
    assert [Path(row["picture"]).name for row in rows] == ["3.png", "4.png", "bad.jpg"]
    for row in rows[:2]:
        assert row["faces"], "the drawn faces are found"
        boxes = [face["box"] for face in row["faces"]]
        assert sorted(boxes) == opencv_boxes(row["picture"])
        scores = [face["score"] for face in row["faces"]]
        assert scores == sorted(scores, reverse=True)
    assert "bad.jpg" in rows[2]["problem"]
    count = len(rows[0]["faces"]) + len(rows[1]["faces"])
    assert render_table(found).splitlines()[-1] == (
        f"{count} faces in 3 pictures, 1 of them unreadable"
    )


def test_detect_draws_boxes_on_copies_and_never_over_a_file(pictures, tmp_path):
    drawn = tmp_path / "drawn"
    for _ in range(2):
        detect_pictures(
            DetectOptions(
                pictures=[pictures / "3.png"], draw=drawn, min_neighbors=3, verify="none"
            )
        )
    assert sorted(path.name for path in drawn.iterdir()) == ["3-2.png", "3.png"]
    changed = np.any(read_colour(drawn / "3.png") != read_colour(pictures / "3.png"), axis=2)
    x, y, width, height = opencv_boxes(pictures / "3.png")[0]
    assert changed[y, x : x + width].all() and changed[y : y + height, x].all()
    assert 0 < changed.mean() < 0.2


def test_detect_of_nothing_readable_is_an_error(pictures):
    with pytest.raises(UserError, match="bad.jpg"):
        detect_pictures(DetectOptions(pictures=[pictures / "bad.jpg"]))
    (pictures / "worse.jpg").write_bytes(b"no picture either")
    both = [pictures / "bad.jpg", pictures / "worse.jpg"]
    with pytest.raises(UserError, match=r"none of 2 pictures can be read; the first: .*bad.jpg: "):
        detect_pictures(DetectOptions(pictures=both))


def test_crops_are_the_boxes_cut_and_listed(pictures, tmp_path):
    out = tmp_path / "faces"
    options = CropPicturesOptions(
            pictures=[pictures], out=out, size=40, min_neighbors=3, stages=99
        )
    done = crop_pictures(options)
    rows = list(csv.DictReader((out / "crops.csv").open(encoding="utf-8")))
    assert done.faces == len(rows) == len(list(out.glob("*.png"))) > 0
    assert len(done.problems) == 1
    for row in rows:
        box = [int(row[name]) for name in ("x", "y", "width", "height")]
        assert box in opencv_boxes(row["picture"])
        expected = crop_faces(read_grey(row["picture"]), np.array([box]), CropOptions(size=40))[0]
        np.testing.assert_array_equal(read_grey(out / row["crop"]), expected)
    with pytest.raises(UserError, match="crops.csv exists"):
        crop_pictures(options)


def test_interrupted_crops_are_listed_and_a_second_run_is_refused(
    pictures, tmp_path, monkeypatch
):
    def interrupted(path):
        if path.name == "4.png":
            raise KeyboardInterrupt
        return read_grey(path)

    monkeypatch.setattr("cvbaseline.crop_pictures.read_grey", interrupted)
    out = tmp_path / "faces"
    options = CropPicturesOptions(pictures=[pictures], out=out, min_neighbors=3, verify="none")
    with pytest.raises(KeyboardInterrupt):
        crop_pictures(options)
    rows = list(csv.DictReader((out / "crops.csv").open(encoding="utf-8")))
    finished = sorted(path.name for path in out.glob("*.png"))
    assert finished and sorted(row["crop"] for row in rows) == finished
    monkeypatch.undo()
    with pytest.raises(UserError, match="crops.csv exists"):
        crop_pictures(options)
    assert sorted(path.name for path in out.glob("*.png")) == finished


@pytest.mark.parametrize("verb, said", [
    ("detect", "cvbaseline: interrupted\n"),
    ("crop", "cvbaseline: interrupted; what was finished is kept\n"),
])  # fmt: skip
def test_an_interrupted_run_says_what_is_left_of_it(
    verb, said, pictures, tmp_path, monkeypatch, capsys
):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"cvbaseline.{verb}_pictures.read_grey", interrupted)
    words = ["--out", str(tmp_path / "out")] if verb == "crop" else []
    assert main([verb, str(pictures), *words]) == 130
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize("search", [
    lambda folder, told: detect_pictures(DetectOptions(pictures=[folder]), told),
    lambda folder, told: crop_pictures(
        CropPicturesOptions(pictures=[folder], out=folder.parent / "out"), told
    ),
])  # fmt: skip
def test_every_picture_is_counted_in_the_progress(search, pictures):
    told = []
    search(pictures, lambda what, done, total: told.append((what, done, total)))
    assert told == [("searching", number, 3) for number in range(3)]


def test_an_output_that_cannot_be_a_folder_is_one_line(pictures, capsys):
    for words in (
        ["crop", str(pictures), "--out", str(pictures / "3.png")],
        ["detect", str(pictures), "--draw", str(pictures / "3.png" / "x")],
        ["draw", "--count", "1", "--out", str(pictures / "3.png" / "x")],
    ):
        assert main(words) == 2
        told = capsys.readouterr().err
        assert str(pictures / "3.png") in told and told.count("\n") == 1


def test_names_reach_the_terminal_on_one_line_without_escapes(pictures, tmp_path, capsys):
    (pictures / "3.png").rename(pictures / "clear\x1b[2J\nscreen.png")
    (pictures / "bad.jpg").rename(pictures / "bad\n\x1b[2J.jpg")
    (pictures / "4.png").unlink()
    model, whole = str(default_emotion_model()), str(pictures)
    for words, good_rows in (
        (["detect", whole], True),
        (["crop", whole, "--out", str(tmp_path / "faces")], False),
        (["predict", model, whole], True),
    ):
        assert main(words) == 0
        shown = capsys.readouterr().out
        assert "\x1b" not in shown and "\nscreen" not in shown
        assert "bad\\n\\x1b[2J.jpg" in shown
        assert ("clear\\x1b[2J\\nscreen.png" in shown) == good_rows
    assert main(["detect", str(pictures / "bad\n\x1b[2J.jpg")]) == 2
    told = capsys.readouterr().err
    assert "\x1b" not in told and told.count("\n") == 1


def test_names_that_look_like_formulas_are_disarmed_in_the_list(pictures, tmp_path, monkeypatch):
    (pictures / "3.png").rename(pictures / "=3.png")
    monkeypatch.chdir(pictures)
    crop_pictures(CropPicturesOptions(pictures=[Path("=3.png")], out=tmp_path, verify="none"))
    row = next(csv.DictReader((tmp_path / "crops.csv").open(encoding="utf-8")))
    assert (row["crop"], row["picture"]) == ("'=3_1.png", "'=3.png")
    assert (tmp_path / "=3_1.png").is_file()


def test_a_file_of_the_longest_name_is_drawn_and_cropped_like_any_other(pictures, tmp_path):
    (pictures / "4.png").rename(pictures / f"{'x' * 251}.png")
    settings = {"pictures": [pictures], "min_neighbors": 3, "verify": "none"}
    for _ in range(2):
        detect_pictures(DetectOptions(draw=tmp_path / "drawn", **settings))
    assert {f"{'x' * 251}.png", f"{'x' * 249}-2.png"} <= {
        path.name for path in (tmp_path / "drawn").iterdir()
    }
    crop_pictures(CropPicturesOptions(out=tmp_path / "faces", **settings))
    rows = list(csv.DictReader((tmp_path / "faces" / "crops.csv").open(encoding="utf-8")))
    of_long = [row["crop"] for row in rows if "xxx" in row["picture"]]
    assert len(of_long) > 1 and len(set(of_long)) == len(of_long)
    assert all((tmp_path / "faces" / name).is_file() for name in of_long)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (GOLDEN / "haar_basic" / "cascade.xml", ["HAAR", "24 x 24", "11 stages", "GAB"]),
        (GOLDEN / "lbp_d2" / "cascade.xml", ["LBP", "trees with"]),
        (GOLDEN / "lbp_d2" / "params.xml", ["LBP", "24 x 24", "hit rate 0.99", "depth 2"]),
        (GOLDEN / "lbp_d2" / "stage0.xml", ["2 weak classifiers with 6 nodes"]),
        (SAMPLES / "faces.vec", ["150 samples of 24 x 24"]),
        (SAMPLES / "bg.txt", ["30 pictures"]),
        (SAMPLES / "info.dat", ["162 boxes in 156 pictures"]),
        (default_emotion_model(), ["OnnxNetwork", "angry, happy, neutral", "48"]),
    ],
)
def test_info_says_what_a_file_holds(path, expected, capsys):
    text = describe(path)
    for part in expected:
        assert part in text
    assert main(["info", str(path)]) == 0
    assert capsys.readouterr().out.strip() == text


def test_info_refuses_what_it_does_not_know(tmp_path):
    shutil.copy(SAMPLES / "faces.vec", tmp_path / "faces.docx")
    with pytest.raises(UserError, match="unknown kind"):
        describe(tmp_path / "faces.docx")
    (tmp_path / "broken.xml").write_text("<opencv_storage><cascade>")
    with pytest.raises(UserError, match="broken.xml"):
        describe(tmp_path / "broken.xml")


def test_a_shipped_cascade_goes_by_its_name(pictures, capsys):
    assert main(["detect", str(pictures), "--cascade", "lbp_animeface"]) == 0
    named = capsys.readouterr().out
    assert main(["detect", str(pictures)]) == 0
    assert named == capsys.readouterr().out
    assert main(["detect", str(pictures), "--cascade", "lbp_animefaec"]) == 2
    assert "no shipped cascade (" in capsys.readouterr().err
