"""The album: rates against plain counting, drawings against the features' definition, the page."""

import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from smileys import clutter, faint_smiley

from cvbaseline.album.feature_drawing import (
    RING,
    attention,
    bits_of_codes,
    covered_pixels,
    haar_shapes,
    lbp_shapes,
    rectangle,
)
from cvbaseline.album.stage_rates import (
    count_passed,
    examine_nodes,
    judge_negatives,
    judge_positives,
    load_positives,
    tree_votes,
)
from cvbaseline.cascade import Cascade, HaarFeatures
from cvbaseline.cli import main
from cvbaseline.evaluation.evaluator import judge_windows, stages_passed
from cvbaseline.evaluation.packed_cascade import pack
from cvbaseline.features.haar import enumerate_haar
from cvbaseline.formats.cascade_xml import load_cascade
from cvbaseline.formats.vec import save_vec

DATA = Path(__file__).parent / "data"
GOLDEN = DATA / "golden"
TRAINED = DATA / "traincascade"  # cascades of 12 x 12 windows with the samples they learnt from


def some_windows(count: int, side: int) -> np.ndarray:
    generator = np.random.default_rng(4)
    return np.stack([faint_smiley(side, generator) for _ in range(count)])


@pytest.mark.parametrize("name", ["haar_basic", "haar_all_d2", "lbp_DAB", "lbp_d3"])
def test_the_votes_of_a_stage_add_up_to_its_decision(name):
    cascade = load_cascade(GOLDEN / name / "cascade.xml")
    windows = some_windows(300, 24)
    stages = judge_windows(pack(cascade), windows).stages
    for number, stage in enumerate(cascade.stages):
        reaching = stages >= number
        tests = examine_nodes(cascade, stage.trees, windows[reaching])
        sums = tree_votes(stage.trees, tests.goes_left).sum(axis=0)
        assert np.array_equal(sums >= stage.threshold - 1e-5, stages[reaching] > number)


def test_rates_are_counts():
    passed = count_passed(np.array([-1, 0, 0, 1, 3, 3, 2]), 3)
    assert passed.windows == 7
    assert passed.reached.tolist() == [6, 4, 3] and passed.passed.tolist() == [4, 3, 2]
    assert passed.rates.tolist() == [4 / 6, 3 / 4, 2 / 3]
    assert np.isnan(count_passed(np.array([0]), 2).rates[1])


def test_negatives_are_the_windows_of_all_levels(tmp_path):
    generator = np.random.default_rng(1)
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), clutter(60, 70, generator))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((8, 30), np.uint8))
    cascade = load_cascade(TRAINED / "lbp" / "cascade.xml")
    told: list[str] = []
    found = judge_negatives(cascade, tmp_path, 10**9, told.append)
    assert found.pictures == 2 and len(told) == 1 and "broken.png" in told[0]
    windows = []
    for number in range(2):
        grey = cv2.imread(str(tmp_path / f"{number}.png"), 0)
        scale = 12 / 60  # the smallest level is one window high
        size = round(70 * scale), 12
        while True:
            level = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR_EXACT)
            for y in range(0, level.shape[0] - 11, 2):
                windows += [level[y : y + 12, x : x + 12] for x in range(0, level.shape[1] - 11, 2)]
            scale *= 2**0.5
            if scale > 1:
                break
            size = int(70 * scale), int(60 * scale)
    stages = [int(stages_passed(cascade, window, np.array([[0, 0]]))[0]) for window in windows]
    assert found.passed.windows == len(windows)
    assert found.passed.passed.tolist() == [
        sum(stage > number for stage in stages) for number in range(len(cascade.stages))
    ]
    for number, kept in enumerate(found.kept):  # what is kept for a stage does reach it
        assert len(kept) and (judge_windows(pack(cascade), kept).stages >= number).all()


def test_positives_come_from_a_vec_crops_or_boxes(tmp_path):
    windows = some_windows(3, 12)
    save_vec(tmp_path / "a.vec", windows)
    (tmp_path / "crops").mkdir()
    for number, window in enumerate(windows):
        cv2.imwrite(str(tmp_path / "crops" / f"{number}.png"), window)
    cv2.imwrite(str(tmp_path / "wide.png"), np.hstack(list(windows)))
    (tmp_path / "info.dat").write_text("wide.png 3 0 0 12 12 12 0 12 12 24 0 12 12\n")
    for source in ("a.vec", "crops", "info.dat"):
        assert np.array_equal(load_positives(tmp_path / source, 12, 12, print), windows)


def shape_mask(shapes: str, kind: str, side: int) -> np.ndarray:
    """Pixels under the SVG paths of a class, by the even-odd rule."""
    mask = np.zeros((side, side), bool)
    for path in re.findall(rf'<path class="{kind}"[^>]* d="([^"]*)"', shapes):
        for part in path.split("z")[:-1]:
            points = np.array(re.findall(r"(\d+) (\d+)", part), int)
            (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
            mask[top:bottom, left:right] ^= True
    return mask


def test_drawn_parts_are_where_the_feature_adds_and_subtracts():
    features = enumerate_haar(7, 7, "CORE")
    for number in range(0, len(features.rects), 3):
        weight = np.zeros((7, 7))
        for (x, y, w, h), factor in zip(features.rects[number], features.weights[number]):
            weight[y : y + h, x : x + w] += factor
        shapes = haar_shapes(features, number)
        assert np.array_equal(shape_mask(shapes, "plus", 7), weight > 0)
        assert np.array_equal(shape_mask(shapes, "minus", 7), weight < 0)


def test_rectangles_that_do_not_nest_are_drawn_by_their_sign():
    rects = np.array([[[0, 0, 4, 4], [4, 0, 2, 4], [0, 0, 0, 0]]], np.int32)
    features = HaarFeatures(rects, np.array([[1, -2, 0]], np.float32), np.array([False]))
    shapes = haar_shapes(features, 0)
    assert shape_mask(shapes, "plus", 6).sum() == 16 and shape_mask(shapes, "minus", 6).sum() == 8


def test_tilted_rectangles_lie_where_opencv_sums_them():
    x, y, w, h = 9, 2, 5, 3
    covered = np.zeros((20, 20), bool)
    for row, column in np.ndindex(20, 20):
        impulse = np.zeros((20, 20), np.uint8)
        impulse[row, column] = 1
        t = cv2.integral3(impulse, sdepth=cv2.CV_32S)[2]
        total = t[y, x] - t[y + h, x - h] - t[y + w, x + w] + t[y + w + h, x + w - h]
        covered[row, column] = total == 1
    corners = np.array(rectangle(np.array([x, y, w, h]), True), np.float32)
    assert covered.sum() == cv2.contourArea(corners) == 2 * w * h
    for row, column in np.argwhere(covered):
        assert cv2.pointPolygonTest(corners, (column + 0.5, row + 0.5), True) > -0.8


def test_cells_are_coloured_by_their_bits():
    codes = np.array([0b10000001, 0b10000000, 0b10000000, 0b11000000], np.uint8)
    bits = bits_of_codes(codes)
    assert bits.tolist() == [1, 0.25, 0, 0, 0, 0, 0, 0.25]
    assert bits_of_codes(codes[:0]).tolist() == [0.5] * 8
    cells = re.findall(
        r'<rect class="(\w+)"(?: style="fill-opacity:([\d.]+)")? x="(\d+)" y="(\d+)"',
        lbp_shapes(np.array([2, 1, 3, 4]), bits),
    )
    assert [cell[0] for cell in cells] == ["plus", *["minus"] * 7, "centre"]
    expected = [(2 + 3 * column, 1 + 4 * row) for column, row in (*RING, (1, 1))]
    assert [(int(x), int(y)) for _, _, x, y in cells] == expected
    assert float(cells[1][1]) < float(cells[2][1]) == float(cells[0][1])


def test_a_feature_covers_the_pixels_that_opencv_sums():
    features = enumerate_haar(8, 9, "ALL")
    cascade = Cascade("HAAR", 8, 9, features, ())
    impulses = np.eye(72, dtype=np.uint8).reshape(72, 9, 8)
    upright, tilted = (
        np.stack([cv2.integral3(impulse, sdepth=cv2.CV_32S)[plane] for impulse in impulses])
        for plane in (0, 2)
    )
    for number in range(0, len(features.rects), 5):
        covered = np.zeros(72, bool)
        for (x, y, w, h), weight in zip(features.rects[number], features.weights[number]):
            if weight and features.tilted[number]:
                t = tilted
                sums = t[:, y, x] - t[:, y + h, x - h] - t[:, y + w, x + w]
                covered |= sums + t[:, y + w + h, x + w - h] != 0
            elif weight:
                s = upright
                sums = s[:, y, x] - s[:, y, x + w] - s[:, y + h, x] + s[:, y + h, x + w]
                covered |= sums != 0
        assert np.array_equal(covered_pixels(cascade, number).ravel(), covered)


def test_attention_adds_up_what_the_trees_depend_on():
    cascade = load_cascade(GOLDEN / "lbp_GAB" / "cascade.xml")
    stage = cascade.stages[0]
    heat = np.zeros((24, 24))
    for tree, feature in enumerate(stage.trees.feature):
        x, y, w, h = cascade.features.cells[feature]
        left, right = stage.trees.leaf[2 * tree : 2 * tree + 2]
        heat[y : y + 3 * h, x : x + 3 * w] += abs(left - right) / (9 * w * h) ** 0.5
    assert np.allclose(attention(cascade, stage.trees), heat / heat.max())


class Page(HTMLParser):
    """Counts a page's elements and collects what it refers to."""

    def __init__(self, text: str):
        super().__init__()
        self.counts: dict[str, int] = {}
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("name", ["lbp", "haar"])
def test_the_album_shows_every_classifier_and_the_measured_rates(tmp_path, capsys, name):
    words = [
        "--model", str(TRAINED / name), "--positives", str(TRAINED / "faces.vec"),
        "--negatives", str(TRAINED / "backgrounds"), "--data", str(tmp_path / "out"),
    ]  # fmt: skip
    assert main(["visualise", *words]) == 0
    assert f"{name}_album.html" in capsys.readouterr().out
    page = Page((tmp_path / "out" / f"{name}_album.html").read_text(encoding="utf-8"))
    assert main(["visualise", *words]) == 0  # replaces nothing
    assert (tmp_path / "out" / f"{name}_album-2.html").exists()
    cascade = load_cascade(TRAINED / name / "cascade.xml")
    assert page.counts["figure"] == cascade.weak_count
    assert page.counts["section"] == len(cascade.stages) + 1
    nodes = sum(len(stage.trees.feature) for stage in cascade.stages)
    assert page.counts["use"] == nodes + len(cascade.stages) + 1
    # It opens from disk and needs nothing else
    assert all(link.startswith(("#", "data:image/")) for link in page.links)
    assert "script" not in page.counts
    # The rates are the evaluator's
    hits = judge_positives(cascade, load_positives(TRAINED / "faces.vec", 12, 12, print))
    false = judge_negatives(cascade, TRAINED / "backgrounds", 500_000, print).passed
    for number in range(len(cascade.stages)):
        for passed, words in ((hits, "hits: {:,} of {:,}"), (false, "false alarms: {:,} of {:,}")):
            count, reached = int(passed.passed[number]), int(passed.reached[number])
            assert words.format(count, reached) in page.text
            assert f"{count / reached:.2%}" in page.text


def test_the_old_flags_and_what_was_not_measured(tmp_path, capsys):
    picture = tmp_path / "face.png"
    cv2.imwrite(str(picture), some_windows(1, 12)[0])
    model = TRAINED / "lbp" / "cascade.xml"
    assert main(["visualise", f"--image={picture}", f"--model={model}", f"--data={tmp_path}/"]) == 0
    text = Page((tmp_path / "lbp_album.html").read_text(encoding="utf-8")).text
    assert "face.png" in text
    assert "Hit rates were not measured: give --positives" in text
    assert "False alarm rates were not measured: give --negatives" in text


def test_names_are_text_and_not_markup(tmp_path):
    words = [
        "--model",
        str(TRAINED / "lbp"),
        "--data",
        str(tmp_path),
        "--title",
        "<script>a</script>&",
    ]
    assert main(["visualise", *words]) == 0
    page = Page((tmp_path / "lbp_album.html").read_text(encoding="utf-8"))
    assert "script" not in page.counts and "<script>a</script>&" in page.text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "gone.xml"], "gone.xml cannot be read"),
        (["--model", "LBP", "--positives", "empty"], "no sample in empty"),
        (["--model", "LBP", "--negatives", "empty"], "no window in the pictures of empty"),
        (["--model", "LBP", "--image", "empty"], "a folder, not a picture"),
        (["--model", "LBP", "--windows", "0"], "--windows 0 must be at least 1"),
        (["--model", "LBP", "--modle", "x"], "did you mean --model?"),
        ([], "required: -m"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    words = [str(TRAINED / "lbp") if word == "LBP" else word for word in words]
    try:
        code = main(["visualise", *words])
    except SystemExit as left:
        code = left.code
    assert code == 2
    error = capsys.readouterr().err.splitlines()
    assert message in error[-1] and len(error) == 1
    assert not list(tmp_path.glob("**/*.html"))
