"""The verb `sweep` whole: its counts against plain searches, what it keeps, what it writes."""

import csv
import html
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import naive
import numpy as np
import pytest
import sklearn.metrics
from small_faces import MOODS, mood_face

from cvbaseline.classifiers.hog_svm import HogSvm
from cvbaseline.cli import main
from cvbaseline.detection import detect, detect_counted, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.detector_quality.search_journal import Searched, SearchJournal
from cvbaseline.errors import UserError
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.formats.annotations import Annotation, load_info, save_info
from cvbaseline.images import read_grey, write_picture
from cvbaseline.model_file import FaceModel, load_model, save_model
from cvbaseline.second_look import Verifier
from cvbaseline.shipped import default_cascade
from cvbaseline.sorting.emotion_decision import most_prominent
from cvbaseline.sorting.manifest import Face
from cvbaseline.sweeping import choice, end_to_end, searching
from cvbaseline.sweeping.answer_journal import AnswerJournal, Answers
from cvbaseline.sweeping.options import SweepOptions
from cvbaseline.sweeping.result import command_line, python_lines
from cvbaseline.sweeping.sweep import sweep

SAMPLES = Path(__file__).parent.parent / "training_samples"
GRID = {"scale_factor": "1.2,1.4", "min_neighbors": "1-6:2", "min_size": "24,32"}
GOLDEN = Path(__file__).parent / "data" / "golden" / "lbp_GAB" / "cascade.xml"


@pytest.fixture(scope="session")
def small_scenes(tmp_path_factory):
    """The training samples' scenes at half their size, with their boxes."""
    folder, halves = tmp_path_factory.mktemp("small"), []
    for path, boxes in load_info(SAMPLES / "info.dat"):
        if path.startswith("scenes/"):
            grey = read_grey(SAMPLES / path)
            small = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            name = f"{Path(path).stem}.png"
            write_picture(folder / name, small)
            halves.append(Annotation(name, boxes // 2))
    save_info(folder / "info.dat", halves)
    return folder


@pytest.fixture
def scenes(small_scenes, tmp_path):
    """A copy of them to do anything with."""
    return Path(shutil.copytree(small_scenes, tmp_path / "scenes"))


@pytest.fixture(autouse=True)
def few_repeats(monkeypatch):
    """What to expect is tested in test_sweep_choice."""
    monkeypatch.setattr(choice, "REPEATS", 2)


@pytest.fixture
def counted(monkeypatch):
    """The searches that are really made, as (picture's shape, parameters)."""
    made = []
    real = searching.detect_counted

    def watched(grey, classifier, parameters):
        made.append((grey.shape, parameters))
        return real(grey, classifier, parameters)

    monkeypatch.setattr(searching, "detect_counted", watched)
    return made


def searches(made):
    """Searches of pictures: the one that warms up is of noise, 200 x 200."""
    return [search for shape, search in made if shape != (200, 200)]


def options(scenes, out, **more):
    return SweepOptions(pictures=scenes, out=out, **({"equalise_picture": "no"} | GRID | more))


def read_records(out):
    return json.loads((out / "records.json").read_text())["records"]


def test_counts_are_those_of_a_search_for_each_setting(scenes, tmp_path):
    result = sweep(options(scenes, tmp_path / "out", equalise_picture="both"))
    assert len(result.settings) == 2 * 3 * 2 * 2
    check_counts(result, scenes)
    assert 0 < np.nanmax(result.measures["recall"].value)


def check_counts(result, scenes, cascade=None):
    """Each setting's measures are those of a search for it alone."""
    classifier = open_cascade(cascade or default_cascade())
    pictures = load_info(scenes / "info.dat")
    for number, setting in enumerate(result.settings):
        found = false = faces = 0
        for path, truth in pictures:
            boxes, scores = detect(read_grey(scenes / path), classifier, setting)
            answers = naive.matched_truth(boxes.tolist(), scores.tolist(), truth.tolist(), [], 0.3)
            false += answers.count("false")
            found += len(answers) - answers.count("false")
            faces += len(truth)
        measured = {name: values.value[number] for name, values in result.measures.items()}
        assert measured["recall"] == pytest.approx(found / faces)
        assert measured["f1"] == pytest.approx(2 * found / (found + false + faces))
        assert measured["false_per_picture"] == pytest.approx(false / len(pictures))
        if found + false:
            assert measured["precision"] == pytest.approx(found / (found + false))


def test_a_setting_that_is_written_in_two_ways_counts_once(scenes, tmp_path):
    more = {
        "scale_factor": "1.4", "min_neighbors": "1,2", "min_size": "24", "verify": "auto,animeface"
    }  # fmt: skip
    sweep(options(scenes, tmp_path / "out", **more))
    assert [row["min_neighbors"] for row in read_records(tmp_path / "out")] == [1, 2]


def test_a_box_is_looked_at_again_once_for_all_min_neighbors(scenes, tmp_path, monkeypatch):
    judged, real = [], Verifier.scores

    def watched(self, grey, boxes, scores, limit=None):
        judged.extend((grey.tobytes(), tuple(box)) for box in boxes.tolist())
        return real(self, grey, boxes, scores, limit)

    values = {"scale_factor": "1.2", "min_neighbors": "1-10", "min_size": "24"}
    asked = options(scenes, tmp_path / "out", cascade=GOLDEN, verify="animeface", **values)
    with monkeypatch.context() as watching:
        watching.setattr(Verifier, "scores", watched)
        result = sweep(asked)
    classifier, search = open_cascade(GOLDEN), replace(result.settings[0], verify="none")
    found = {
        (grey.tobytes(), tuple(box))
        for path, _ in load_info(scenes / "info.dat")
        for grey in [read_grey(scenes / path)]
        for box in detect(grey, classifier, search).boxes.tolist()
    }
    assert search.min_neighbors == 1 and set(judged) == found and len(judged) == len(found) > 10
    check_counts(result, scenes, GOLDEN)


def test_regions_to_ignore_do_not_count(scenes, tmp_path):
    truth = {
        path: {"faces": boxes.tolist(), "ignore": [[0, 0, 480, 320]]}
        for path, boxes in load_info(scenes / "info.dat")
    }
    (scenes / "truth.json").write_text(json.dumps(truth))
    result = sweep(options(scenes, tmp_path / "out"))
    assert result.measures["false_per_picture"].value.max() == 0
    assert result.measures["recall"].value.max() > 0.3


def test_a_second_run_searches_only_what_is_new(scenes, tmp_path, counted):
    out = tmp_path / "out"
    first = sweep(options(scenes, out))
    pictures = len(load_info(scenes / "info.dat"))
    assert len(searches(counted)) == first.material.searched_now == pictures * 4
    before = read_records(out)

    counted.clear()
    again = sweep(options(scenes, out))
    assert searches(counted) == [] and again.material.searched_now == 0
    assert read_records(out) == before

    sweep(options(scenes, out, min_neighbors="1-40"))  # more counts are free
    assert searches(counted) == []
    sweep(options(scenes, out, scale_factor="1.2,1.4,1.7"))
    assert {search.scale_factor for search in searches(counted)} == {1.7}
    assert len(searches(counted)) == pictures * 2


def test_what_changed_is_searched_again(scenes, tmp_path, counted):
    out = tmp_path / "out"
    sweep(options(scenes, out))
    counted.clear()
    picture = next(scenes.glob("*.png"))
    write_picture(picture, np.asarray(read_grey(picture)[:, ::-1]))
    sweep(options(scenes, out))
    assert len(searches(counted)) == 4  # of the one picture

    counted.clear()
    renamed = scenes / "renamed.png"
    picture.rename(renamed)
    text = (scenes / "info.dat").read_text().replace(picture.name, renamed.name)
    (scenes / "info.dat").write_text(text)
    sweep(options(scenes, out))
    assert searches(counted) == []  # the content is known

    cascade = tmp_path / "other.xml"
    cascade.write_bytes(default_cascade().read_bytes() + b"\n")
    sweep(options(scenes, out, cascade=cascade))
    assert len(searches(counted)) == len(load_info(scenes / "info.dat")) * 4


def test_an_interrupted_run_keeps_its_searches(scenes, tmp_path, counted, monkeypatch):
    out = tmp_path / "out"

    def interrupt(what, done, total):
        if what == "searching pictures" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(options(scenes, out), progress=interrupt)
    assert len(searches(counted)) >= 8 and not (out / "records.csv").exists()
    with open(out / "searches.jsonl", "ab") as file:
        file.write(b'{"program": "cvbaseline')  # and the computer was switched off
    counted.clear()
    result = sweep(options(scenes, out))
    left = len(load_info(scenes / "info.dat")) - 2
    assert len(searches(counted)) == result.material.searched_now == left * 4
    counted.clear()
    sweep(options(scenes, out))
    assert searches(counted) == []


def test_side_by_side_finds_the_same(scenes, tmp_path):
    one = sweep(options(scenes, tmp_path / "one"))
    two = sweep(options(scenes, tmp_path / "two", jobs=2))
    for name in ("recall", "precision", "f1", "false_per_picture"):
        values = one.measures[name].value, two.measures[name].value
        assert np.array_equal(*values, equal_nan=True), name


def test_groups_are_drawn_whole(scenes, tmp_path):
    with pytest.raises(UserError, match="does not match"):
        sweep(options(scenes, tmp_path / "out", group_by="folder:1"))
    moved = []
    for number, (path, boxes) in enumerate(load_info(scenes / "info.dat")):
        place = f"{'abc'[number % 3]}/{path}"
        (scenes / place).parent.mkdir(exist_ok=True)
        (scenes / path).rename(scenes / place)
        moved.append(Annotation(place, boxes))
    save_info(scenes / "info.dat", moved)
    out = tmp_path / "out"
    told = []
    asked = options(scenes, out, group_by="folder:1")
    assert sweep(asked, tell=told.append).material.drawn == (3, "groups")
    assert any(f"on {len(moved)} pictures of 3 groups with" in line for line in told)
    head = json.loads((out / "records.json").read_text())
    assert head["intervals"].endswith("over 3 groups")
    assert "draws of whole groups" in (out / "report.html").read_text()
    alone = sweep(options(scenes, out))
    assert alone.material.drawn == (len(moved), "pictures")
    pairs = list(zip(head["records"], read_records(out)))
    assert all(grouped["recall"] == single["recall"] for grouped, single in pairs)
    assert any(grouped["recall_low"] != single["recall_low"] for grouped, single in pairs)


def test_records_hold_every_setting(scenes, tmp_path):
    out = tmp_path / "out"
    result = sweep(options(scenes, out, min_neighbors="2,200"))
    with open(out / "records.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    records = read_records(out)
    assert len(rows) == len(records) == len(result.settings)
    for row, record, setting in zip(rows, records, result.settings):
        assert {name: record[name] for name in asdict(setting)} == asdict(setting)
        for name, value in record.items():
            assert row[name] == ("" if value is None else str(value)), name
        for name in ("recall", "f1", "false_per_picture", "ms_per_picture"):
            assert record[f"{name}_low"] <= record[name] <= record[f"{name}_high"]
        if record["min_neighbors"] == 200:
            assert record["recall"] == 0 and record["precision"] is None
        assert record["ms_per_picture"] > 0
    chosen = [record for record in records if record["recommended"]]
    assert len(chosen) == 1 and chosen[0]["min_neighbors"] == 2
    assert any(record["front"] for record in records)
    head = json.loads((out / "records.json").read_text())
    assert head["recommended"]["parameters"] == asdict(result.chosen)
    assert set(head["recommended"]["expected_on_others"]) == set(result.measures)


def test_the_lines_to_paste_find_the_recommended_boxes(scenes, tmp_path, capsys):
    asked = {"equalise_picture": "yes", "max_size": "100", "verify": "none"}
    result = sweep(options(scenes, tmp_path / "out", **asked))
    words = command_line(result).split()
    assert words[:3] == ["cvbaseline", "detect", "PICTURES"]
    picture = next(scenes.glob("*.png"))
    assert main(["detect", str(picture), *words[3:], "--json"]) == 0
    told = json.loads(capsys.readouterr().out)[0]["faces"]
    cascade, grey = open_cascade(default_cascade()), read_grey(picture)
    expected = detect(grey, cascade, result.chosen).boxes.tolist()
    assert [face["box"] for face in told] == expected
    page = html.unescape((tmp_path / "out" / "report.html").read_text())
    assert f"<pre>{python_lines(result)}</pre>" in page
    assert len(python_lines(result).splitlines()) == 2  # without a verifier OpenCV does it all
    scope = {"cv2": cv2, "grey": grey, "cascade": cascade.detector().classifier}
    exec(python_lines(result), scope)
    assert sorted(map(tuple, np.asarray(scope["boxes"]).reshape(-1, 4).tolist())) == sorted(
        map(tuple, expected)
    )


def test_the_report_names_the_setting_and_escapes_what_comes_from_outside(scenes, tmp_path):
    strange = scenes.with_name("a<b>&c")
    scenes.rename(strange)
    (strange / "broken.jpg").write_bytes(b"no picture")
    with open(strange / "info.dat", "a") as file:
        file.write("broken.jpg 1 0 0 9 9\n")
    out, told = tmp_path / "out", []
    result = sweep(options(strange, out), tell=told.append)
    page = (out / "report.html").read_text()
    assert command_line(result).replace("'", "&#x27;") in page
    assert "a&lt;b&gt;&amp;c" in page and "a<b>" not in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert page.count('<td class="chosen"') == 5  # in four large maps and a small one
    assert result.material.pictures == len(load_info(strange / "info.dat")) - 1
    assert any("broken.jpg" in line for line in told) and "broken.jpg" in page


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small model of three moods."""
    rng = np.random.default_rng(0)
    faces = np.stack([mood_face(mood, 32, rng) for mood in sorted(MOODS) for _ in range(8)])
    estimator = HogSvm().fit(faces.reshape(len(faces), -1), np.repeat(np.arange(3), 8))
    path = tmp_path_factory.mktemp("model") / "model.npz"
    crop = CropOptions(size=32, margin=0.0)
    save_model(path, FaceModel(estimator, tuple(sorted(MOODS)), crop))
    return path


def write_labels(scenes, boxes=True):
    """labels.csv with a mood for every face of the scenes, or one for every scene."""
    lines, turn = ["path,label,x,y,w,h"] if boxes else ["path,label"], 0
    for path, truth in load_info(scenes / "info.dat"):
        for box in truth.tolist() if boxes else [None]:
            words = [path, MOODS[turn % 3], *(map(str, box) if box else ())]
            lines.append(",".join(words))
            turn += 1
    labels = scenes / "labels.csv"
    labels.write_text("\n".join(lines) + "\n")
    return labels


def named_one_by_one(scenes, labels, setting, model_path, boxed):
    """What a setting names each labelled face, by the plain way of one picture after another."""
    model, classifier = load_model(model_path), open_cascade(default_cascade())
    truth, named = [], []
    with open(labels, newline="") as file:
        rows = list(csv.DictReader(file))
    for path in dict.fromkeys(row["path"] for row in rows):
        grey = read_grey(scenes / path)
        found = detect(grey, classifier, setting)
        boxes, scores = found.boxes.tolist(), found.scores.tolist()
        faces = [row for row in rows if row["path"] == path]
        if boxed:
            true_boxes = [[int(row[name]) for name in "xywh"] for row in faces]
            taken = naive.matched_truth(boxes, scores, true_boxes, [], 0.3)
            chosen = [boxes[taken.index(i)] if i in taken else None for i in range(len(faces))]
        else:
            shown = [Face(tuple(box), score, {}) for box, score in zip(boxes, scores)]
            chosen = [boxes[most_prominent(shown, *grey.shape[::-1])] if boxes else None]
        for row, box in zip(faces, chosen):
            truth.append(row["label"])
            if box is None:
                named.append("missed")
                continue
            crop = crop_faces(grey, np.array([box]), model.crop)
            named.append(model.classes[model.predict_proba(crop)[0].argmax()])
    return truth, named


@pytest.mark.parametrize("boxed", [True, False])
def test_sorting_is_measured_end_to_end(scenes, tmp_path, model, boxed):
    labels, out = write_labels(scenes, boxed), tmp_path / "out"
    # Hardly a face is 150 pixels wide, so the larger size misses some.
    sizes = {"min_size": "20,150"}
    asked = options(scenes, out, labels=labels, model=model, choose_by="accuracy", **sizes)
    result = sweep(asked)
    missed = 0
    for number, setting in enumerate(result.settings):
        truth, named = named_one_by_one(scenes, labels, setting, model, boxed)
        missed += named.count("missed")
        accuracy = sklearn.metrics.accuracy_score(truth, named)
        assert result.measures["accuracy"].value[number] == pytest.approx(accuracy)
        f1 = sklearn.metrics.f1_score(truth, named, labels=MOODS, average="macro", zero_division=0)
        assert result.measures["macro_f1"].value[number] == pytest.approx(f1)
    assert missed > 0 and result.measures["accuracy"].value.max() > 0
    assert set(result.expected) == {"accuracy", "macro_f1"}
    assert "accuracy_low" in read_records(out)[0]


def test_answers_are_kept(scenes, tmp_path, model, monkeypatch):
    asked = options(scenes, tmp_path / "out", labels=write_labels(scenes), model=model)
    first = sweep(asked)

    def never(self, faces):
        raise AssertionError("a known answer was asked for again")

    monkeypatch.setattr(end_to_end, "crop_faces", never)
    again = sweep(asked)
    assert np.array_equal(first.measures["macro_f1"].value, again.measures["macro_f1"].value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": "unknown"}, r"'furious' \(.*\) is no class of the model \(amazed"),
        ({"labels": "several"}, "has several labels, so each needs a box"),
        ({"cascade": "info.dat"}, "info.dat"),
        ({"pictures": "none"}, "does not exist"),
        ({"pictures": "empty.dat"}, "has no box, so nothing can be found"),
        ({"out": "scenes"}, "holds other files: give a new folder with --out"),
        ({"min_iou": 0.0}, "--min-iou"),
        ({"jobs": 0}, "--jobs"),
        ({"choose_by": "macro_f1"}, "name them with --labels"),
    ],
)
def test_mistakes_are_one_line(scenes, tmp_path, model, change, message):
    picture = next(scenes.glob("*.png")).name
    (scenes / "empty.dat").write_text(f"{picture} 0\n")
    (scenes / "unknown.csv").write_text(f"path,label\n{picture},furious\n")
    (scenes / "several.csv").write_text(f"path,label\n{picture},glad\n{picture},glad\n")
    values = {"pictures": scenes, "out": tmp_path / "out"}
    for name, value in change.items():
        if name == "labels":
            values |= {"labels": scenes / f"{value}.csv", "model": model}
        elif name in ("cascade", "pictures"):
            values[name] = scenes / value
        else:
            values[name] = tmp_path / value if name == "out" else value
    with pytest.raises(UserError, match=message) as raised:
        sweep(SweepOptions(**values))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out" / "records.csv").exists()


def test_journals_hold_what_was_added(tmp_path):
    search = DetectionParameters(min_neighbors=1, max_size=90)
    noise = np.random.default_rng(0).integers(0, 256, (90, 120), np.uint8)
    found = detect_counted(noise, open_cascade(GOLDEN), search)
    assert len(found.boxes) > 3
    journal = SearchJournal(tmp_path / "searches.jsonl", "cascade")
    journal.add("picture", {search: Searched(found, 12.5, (120, 90))})
    for known in (journal, SearchJournal(tmp_path / "searches.jsonl", "cascade")):
        kept = known.get("picture", search)
        assert kept.milliseconds == 12.5 and tuple(kept.size) == (120, 90)
        for column, before in zip(kept.found, found):
            assert np.array_equal(column, before) and column.dtype == before.dtype
        assert known.get("picture", replace(search, max_size=None)) is None
        assert known.get("other", search) is None
    for others in (("other",), ("cascade", "timed otherwise")):
        assert SearchJournal(tmp_path / "searches.jsonl", *others).get("picture", search) is None
    answers = AnswerJournal(tmp_path / "answers.jsonl", "model")
    answers.add("picture", Answers(np.array([[1, 2, 3, 4]]), ("glad",)))
    again = AnswerJournal(tmp_path / "answers.jsonl", "model")
    assert again.of("picture") == {(1, 2, 3, 4): "glad"}
    assert AnswerJournal(tmp_path / "answers.jsonl", "other").of("picture") == {}


def test_a_damaged_journal_costs_only_what_is_damaged(scenes, tmp_path, counted):
    out = tmp_path / "out"
    sweep(options(scenes, out))
    lines = (out / "searches.jsonl").read_text().splitlines()
    lines[0] = lines[0][: len(lines[0]) // 2]
    lines[1] = json.dumps(json.loads(lines[1]) | {"boxes": [[1, 2]]})
    lines[2] = "[]"
    (out / "searches.jsonl").write_text("\n".join(lines) + "\n")
    counted.clear()
    sweep(options(scenes, out))
    assert len(searches(counted)) == 3
