"""`cascade align`: boxes moved to where a cascade sees the objects best."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

import naive
from cvbaseline.aligning import align as align_module
from cvbaseline.aligning.best_place import BEST_WINDOWS, REACH, SCALES, best_place, whole_pixels
from cvbaseline.boxes import iou
from cvbaseline.cli import main
from cvbaseline.evaluation.packed_cascade import pack
from cvbaseline.formats.annotations import load_info, save_info
from cvbaseline.formats.cascade_xml import load_cascade
from cvbaseline.images import read_grey, write_picture
from cvbaseline.shipped import cascade_path

SCENES = Path(__file__).parents[1] / "training_samples" / "scenes"
GOLDEN = Path(__file__).parent / "data" / "golden"


@pytest.mark.parametrize("name", ["lbp_GAB", "haar_basic"])
def test_the_best_place_is_that_of_a_naive_search(name, monkeypatch):
    """Every window within reach, cut out and judged by itself."""
    cascade = load_cascade(GOLDEN / name / "cascade.xml")
    window = np.array([cascade.width, cascade.height])
    generator = np.random.default_rng(3)
    grey = cv2.GaussianBlur(generator.integers(0, 256, (80, 90), dtype=np.uint8), (0, 0), 1.5)
    grey = cv2.normalize(grey, None, 0, 255, cv2.NORM_MINMAX)
    sizes = SCALES[::4]  # three of nine
    monkeypatch.setattr("cvbaseline.aligning.best_place.SCALES", sizes)
    box = np.array([30, 24, 34, 34])
    side = np.sqrt(34 * 34 / np.prod(window))
    judged = []
    for scale in sizes:
        spread = (scale / 2 + REACH) * side * window
        left, top = (int(np.floor(edge)) for edge in (47, 41) - spread)
        right, bottom = (int(np.ceil(edge)) for edge in (47, 41) + spread)
        shape = [round((right - left) / (scale * side)), round((bottom - top) / (scale * side))]
        way = cv2.INTER_AREA if scale * side > 1 else cv2.INTER_LINEAR
        region = cv2.resize(grey[top:bottom, left:right], shape, interpolation=way)
        across, down = (right - left) / shape[0], (bottom - top) / shape[1]
        size = window * np.sqrt(across * down)
        for y in range(shape[1] - window[1] + 1):
            for x in range(shape[0] - window[0] + 1):
                part = region[y : y + window[1], x : x + window[0]].astype(int)
                passed = naive.stages_passed(cascade, part)
                last = cascade.stages[min(max(passed, 0), len(cascade.stages) - 1)]
                centre = (left + (x + window[0] / 2) * across, top + (y + window[1] / 2) * down)
                judged.append((passed, naive.stage_sum(cascade, last, part), *centre, *size))
    most = max(row[0] for row in judged)
    best = sorted((row for row in judged if row[0] == most), key=lambda row: -row[1])
    middle = np.mean([row[2:] for row in best[:BEST_WINDOWS]], axis=0)
    place = best_place(grey, box, pack(cascade))
    assert place.stages == most > 0
    found = [*place.box[:2] + place.box[2:] / 2, *place.box[2:]]
    assert found == pytest.approx(middle.tolist(), abs=0.5)


def shaken(boxes, generator):
    """Boxes moved by up to .12 of their side and made up to .15 larger or smaller."""
    moved = []
    for x, y, side, _ in boxes:
        new = side * generator.uniform(0.87, 1.15)
        dx, dy = generator.uniform(-0.12, 0.12, 2) * side
        moved.append(np.rint([x + dx + (side - new) / 2, y + dy + (side - new) / 2, new, new]))
    return np.array(moved, int)


def test_boxes_shaken_differently_come_to_one_place(tmp_path, capsys):
    """Of the faces of drawn scenes, framed badly in two ways."""
    scenes = tmp_path / "scenes"
    assert main(["draw", "--kind=scenes", "--count=30", "--seed=31", f"--out={scenes}"]) == 0
    framed, moved = [], []
    for seed in (1, 2):
        generator = np.random.default_rng(seed)
        entries = [
            entry._replace(boxes=shaken(entry.boxes, generator))
            for entry in load_info(scenes / "info.dat")
        ]
        save_info(scenes / f"{seed}.dat", entries)
        out = tmp_path / "new folder" / f"{seed}.dat"
        words = ["cascade", "align", "lbp_animeface", str(scenes / f"{seed}.dat")]
        assert main([*words, f"--out={out}"]) == 0
        framed.append(np.concatenate([entry.boxes for entry in entries]))
        moved.append(load_info(out))
        assert [(out.parent / entry.path).resolve() for entry in moved[-1]] == [
            (scenes / entry.path).resolve() for entry in entries
        ]
    printed = capsys.readouterr().out
    assert "of their side to the right" in printed and f"the boxes are in {out}" in printed
    before = np.diagonal(iou(*framed))
    after = np.diagonal(iou(*(np.concatenate([one.boxes for one in some]) for some in moved)))
    assert len(after) > 30
    assert np.median(before) < 0.75 and np.median(after) > 0.9
    again = tmp_path / "again.dat"
    assert main([*words, f"--out={again}"]) == 0
    boxes = [entry.boxes.tolist() for entry in load_info(again)]
    assert boxes == [entry.boxes.tolist() for entry in moved[-1]]


def test_entries_stay_what_they_are(tmp_path, capsys):
    """A picture listed twice, one without boxes, one that cannot be read, a face at the edge."""
    name, boxes = load_info(SCENES / "info.dat")[0]
    x, y, side, _ = (int(number) for number in boxes[0])
    picture = read_grey(SCENES / name)
    write_picture(tmp_path / "顔.png", picture[y : y + side, x : x + side])  # nothing but the face
    write_picture(tmp_path / "blank.png", np.full((60, 60), 128, np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "in.dat").write_text(
        f"顔.png 1 0 0 {side} {side}\nblank.png 0\nbroken.png 1 0 0 30 30\n"
        f"顔.png 1 0 0 {side} {side}\nblank.png 1 20 20 25 20\nblank.png 1 50 50 30 30\n",
        encoding="utf-8",
    )
    out = tmp_path / "out.dat"
    words = ["cascade", "align", "lbp_animeface", str(tmp_path / "in.dat"), f"--out={out}"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    entries = load_info(out)
    names = ["顔.png", "blank.png", "顔.png", "blank.png", "blank.png"]
    assert [entry.path for entry in entries] == names
    assert np.array_equal(entries[0].boxes, entries[2].boxes)
    left, top, width, height = entries[0].boxes[0]
    assert 0.75 * side < width == height <= side
    assert min(left, top) >= 0 and max(left, top) + width <= side
    # Where the cascade sees nothing a box stays, whatever its shape, and is named.
    assert entries[3].boxes.tolist() == [[20, 20, 25, 20]]
    assert entries[4].boxes.tolist() == [[50, 50, 30, 30]]
    assert "2 boxes stayed" in printed and re.search(r"blank\.png: box 20 20 25 20, ", printed)
    assert "left out: " in printed and "broken.png" in printed


def test_labels_are_chosen_and_difficult_boxes_left_out(tmp_path):
    (tmp_path / "one.xml").write_text(
        "<annotation><filename>one.png</filename><size><width>200</width><height>200</height>"
        "<depth>1</depth></size>"
        + "".join(
            f"<object><name>{name}</name><difficult>{hard}</difficult><bndbox><xmin>{x}</xmin>"
            f"<ymin>20</ymin><xmax>{x + 30}</xmax><ymax>50</ymax></bndbox></object>"
            for name, hard, x in (("face", 0, 10), ("hand", 0, 60), ("face", 1, 110))
        )
        + "</annotation>"
    )
    write_picture(tmp_path / "one.png", np.full((200, 200), 128, np.uint8))
    entries = align_module.read_entries(tmp_path, ["face"])
    assert len(entries) == 1 and len(entries[0].boxes) == 1 and abs(entries[0].boxes[0][0] - 10) < 2
    assert len(align_module.read_entries(tmp_path, [])[0].boxes) == 2


def test_whole_pixels_stay_in_the_picture():
    assert whole_pixels(np.array([0.4, -0.6, 30.4, 30.4]), (40, 35)).tolist() == [0, 0, 30, 30]
    assert whole_pixels(np.array([4.6, 9.7, 30.4, 30.4]), (40, 35)).tolist() == [5, 10, 30, 30]
    assert whole_pixels(np.array([4.6, 9.7, 30.6, 30.6]), (40, 35)).tolist() == [4, 9, 31, 31]


def test_no_window_fits_into_a_picture_that_is_too_small():
    packed = pack(load_cascade(cascade_path(Path("lbp_animeface"))))
    grey = np.random.default_rng(0).integers(0, 256, (6, 200), dtype=np.uint8)
    assert best_place(grey, np.array([50, 0, 40, 40]), packed) is None
    assert best_place(grey, np.array([300, 0, 40, 40]), packed) is None


def test_mistakes_are_told_in_a_line(tmp_path, capsys):
    words = ["cascade", "align", "lbp_animeface"]
    out = tmp_path / "there.dat"
    out.write_text("mine")
    assert main([*words, str(SCENES), f"--out={out}"]) == 2
    assert "is there already" in capsys.readouterr().err and out.read_text() == "mine"
    new = f"--out={tmp_path / 'new.dat'}"
    assert main([*words, str(SCENES), new, "--only", "cat"]) == 2
    assert "has no label cat; it has face" in capsys.readouterr().err
    (tmp_path / "none.dat").write_text("a.png 0\n")
    assert main([*words, str(tmp_path / "none.dat"), new]) == 2
    assert "nothing to align" in capsys.readouterr().err
    (tmp_path / "gone.dat").write_text("gone.png 1 0 0 9 9\n")
    assert main([*words, str(tmp_path / "gone.dat"), new]) == 2
    assert "no picture can be read" in capsys.readouterr().err
