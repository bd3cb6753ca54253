"""The verbs evaluate and compare: what they print and write, the reports, users' mistakes."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from cvbaseline.bootstrap import draws_of_groups
from cvbaseline.cli import main
from cvbaseline.detect_pictures import DetectOptions, detect_pictures
from cvbaseline.detection import detect, detect_counted, open_cascade
from cvbaseline.detection_parameters import DetectionParameters, option_line
from cvbaseline.detector_quality import searching
from cvbaseline.detection_metrics import score_in_words
from cvbaseline.detector_quality.compare import CompareOptions, compare
from cvbaseline.detector_quality.evaluate import EvaluateOptions, evaluate
from cvbaseline.detector_quality.gallery import part_shown
from cvbaseline.errors import UserError
from cvbaseline.formats.cascade_xml import (
    load_cascade,
    render_cascade,
    render_cascade_old_layout,
)
from cvbaseline.images import read_grey, write_picture
from cvbaseline.model_file import load_model, save_model
from cvbaseline.shipped import cascade_path, default_cascade, verifier_path

SCENES = Path(__file__).parents[1] / "training_samples" / "scenes"
GOLDEN = Path(__file__).parent / "data" / "golden"
QUICK = {"rounds": 1}
COARSE = {"scale_factor": 1.3, "min_size": 40, "min_neighbors": 3}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory, monkeypatch):
    """A folder of each test's own for the searches that are kept."""
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def found():
    """The boxes that detect finds in the scenes, by name."""
    pictures = detect_pictures(DetectOptions(pictures=[SCENES]))
    return {one.path.name: one.detections.boxes.tolist() for one in pictures}


@pytest.fixture
def truth(tmp_path, found):
    """Annotations with known misses and false boxes: the truth is what is found, but for some.

    Returns the file, the boxes added (misses) and those left out (false boxes).
    """
    added = {"0000.jpg": [[300, 10, 60, 60]], "0001.jpg": [[5, 200, 50, 50], [60, 250, 40, 40]]}
    left_out = {"0002.jpg": found["0002.jpg"][0], "0004.jpg": found["0004.jpg"][1]}
    ignored = found["0003.jpg"][0]
    entries = {}
    for name, boxes in found.items():
        shutil.copy(SCENES / name, tmp_path / name)
        faces = [box for box in boxes if box not in (left_out.get(name), ignored)]
        entries[name] = {"faces": faces + added.get(name, [])}
    entries["0003.jpg"]["ignore"] = [ignored]
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(entries))
    return path, [box for boxes in added.values() for box in boxes], list(left_out.values())


class Boxes(HTMLParser):
    """The box that each figure of a page is about, by the section or heading that it is under."""

    def __init__(self, page):
        super().__init__()
        self.under, self.heading, self.found = "", False, {}
        self.sources = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        """Headings, boxes, and everything that would be fetched."""
        values = dict(attributes)
        self.heading = tag in ("h2", "h3")
        if self.heading:
            self.under = ""
        if tag == "rect" and "main" in values["class"].split():
            box = [int(values[key]) for key in ("x", "y", "width", "height")]
            self.found.setdefault(self.under, []).append((values["class"].split()[0], box))
        self.sources += [v for k, v in attributes if k in ("src", "href", "xlink:href")]

    def handle_data(self, data):
        """The words of a heading, without its count."""
        if self.heading:
            self.under += data

    def handle_endtag(self, tag):
        """A count (span) ends the words."""
        if tag in ("h2", "h3", "span"):
            self.heading = False


def boxes_in(path, heading):
    """The boxes of the figures under a heading, in their order."""
    parsed = Boxes(path.read_text(encoding="utf-8"))
    assert all(source.startswith("data:") for source in parsed.sources), "nothing is fetched"
    under = [key for key in parsed.found if key.strip().startswith(heading)]
    return [found for key in under for found in parsed.found[key]]


def test_evaluate_counts_what_detect_finds(truth, tmp_path, capsys):
    path, misses, false = truth
    out, page = tmp_path / "out" / "e.json", tmp_path / "out" / "e.html"
    argv = ["evaluate", str(path), "--rounds", "1", "--json", str(out), "--report", str(page)]
    assert main(argv) == 0
    record = json.loads(out.read_text())
    faces = sum(len(picture["faces"]) for picture in record["pictures"])
    assert (record["found"], record["false"], record["missed"]) == (faces - 3, 2, 3)
    measures = record["measures"]
    assert measures["recall"]["value"] == pytest.approx((faces - 3) / faces)
    assert measures["precision"]["value"] == pytest.approx((faces - 3) / (faces - 1))
    assert measures["recall"]["low"] <= measures["recall"]["value"] <= measures["recall"]["high"]
    kinds = [one["is"] for picture in record["pictures"] for one in picture["found"]]
    assert kinds.count("ignored") == 1 and kinds.count("false") == 2
    shown = capsys.readouterr().out
    assert f"{faces - 3} of {faces} faces" in shown and "caution: 1" in shown
    # Every miss is in the gallery, and every false box; largest first.
    assert boxes_in(page, "Misses") == [("true", box) for box in misses]
    assert sorted(box for _, box in boxes_in(page, "False boxes")) == sorted(false)


def test_the_gallery_is_limited_and_says_so(truth, tmp_path):
    path, misses, _ = truth
    evaluate(EvaluateOptions(pictures=path, report=tmp_path / "r", gallery=2, **QUICK))
    page = tmp_path / "r" / "evaluation.html"
    assert boxes_in(page, "Misses") == [("true", box) for box in misses[:2]]
    assert "The first 2 of 3." in page.read_text()


def test_names_are_escaped_in_pages(truth, tmp_path):
    path = truth[0]
    entries = json.loads(path.read_text())
    (tmp_path / "0000.jpg").rename(tmp_path / "<b>&.jpg")
    entries["<b>&.jpg"] = entries.pop("0000.jpg")
    path.write_text(json.dumps(entries))
    evaluate(EvaluateOptions(pictures=path, report=tmp_path / "r.html", **QUICK))
    page = (tmp_path / "r.html").read_text()
    assert "&lt;b&gt;&amp;.jpg" in page and "<b>&" not in page


def test_overlap_can_be_chosen(truth):
    path = truth[0]
    strict = evaluate(EvaluateOptions(pictures=path, min_iou=1.0, **QUICK))
    loose = evaluate(EvaluateOptions(pictures=path, **QUICK))
    assert strict.quality.counts == loose.quality.counts, "the truth is what is found"
    shifted = {
        name: {"faces": [[x + w // 3, y, w, h] for x, y, w, h in entry["faces"]]}
        for name, entry in json.loads(path.read_text()).items()
    }
    path.write_text(json.dumps(shifted))
    # A third of its width aside, a box overlaps by 1/2.
    half = [evaluate(EvaluateOptions(pictures=path, min_iou=iou, **QUICK)) for iou in (0.45, 0.55)]
    assert half[0].quality.counts[0] == loose.quality.counts[0] and half[1].quality.counts[0] == 0


def test_unreadable_pictures_are_named_and_counted(truth, tmp_path, capsys):
    path = truth[0]
    (tmp_path / "0005.jpg").write_bytes(b"no picture")
    (tmp_path / "0000.jpg").unlink()
    page = tmp_path / "r.html"
    assert main(["evaluate", str(path), "--rounds", "1", "--report", str(page)]) == 0
    shown = capsys.readouterr().out
    assert " in 4 pictures" in shown and shown.count("left out: ") == 2
    assert "0005.jpg" in shown and "2 pictures are left out" in page.read_text()


def test_every_parameter_of_the_search_counts(truth):
    path = truth[0]
    large = evaluate(EvaluateOptions(pictures=path, min_size=90, **QUICK))
    for entry in large.searched:
        assert all(box[2] >= 90 for box in entry.found.boxes)
    assert any("too small to be found at --min-size 90" in caution for caution in large.warnings)
    line = option_line(large.parameters)
    assert "--scale-factor 1.1 --min-neighbors 3 --min-size 90" in line and "max" not in line
    assert "--equalise-picture" in option_line(DetectionParameters(equalise_picture=True))


@pytest.fixture
def short(tmp_path):
    """The shipped cascade without its last stages: it finds more, and more that is false."""
    cascade = load_cascade(default_cascade())
    path = tmp_path / "short.xml"
    path.write_bytes(render_cascade(replace(cascade, stages=cascade.stages[:9])))
    return path


def test_compare_shows_where_they_differ(short, truth, tmp_path, capsys):
    path, misses, _ = truth
    out, page = tmp_path / "c.json", tmp_path / "c.html"
    argv = ["compare", "lbp_animeface", str(short), "--pictures", str(path), "--rounds", "1"]
    assert main([*argv, "--json", str(out), "--report", str(page)]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^precision .* worse$", shown, re.MULTILINE)
    # The shipped cascade has a verifier of its own, and says so.
    assert re.search(r"^lbp_animeface: --scale-factor .*--verify animeface .*--stages", shown, re.M)
    assert re.search(r"^short: --scale-factor [^a-z]*--min-neighbors \d+ --min-size \d+$", shown,
                     re.MULTILINE)  # fmt: skip
    assert "lbp_animeface: --scale-factor" in page.read_text()
    first, second = json.loads(out.read_text())["detectors"]
    assert "differences" not in first
    assert first["parameters"]["verify"] == "animeface" and second["parameters"]["stages"] is None
    assert second["differences"]["precision"]["verdict"] == "worse"
    gained = second["measures"]["recall"]["value"] - first["measures"]["recall"]["value"]
    assert second["differences"]["recall"]["value"] == pytest.approx(gained)
    by_both = [
        {
            (picture["picture"], one["face"])
            for picture in record["pictures"]
            for one in picture["found"]
            if one["is"] == "face"
        }
        for record in (first, second)
    ]
    faces = {picture["picture"]: picture["faces"] for picture in first["pictures"]}
    for heading, mine, others in (
        ("Found by short alone", by_both[1], by_both[0]),
        ("Found by lbp_animeface alone", by_both[0], by_both[1]),
    ):
        expected = sorted(faces[name][face] for name, face in mine - others)
        assert sorted(box for _, box in boxes_in(page, heading)) == expected
    alone = boxes_in(page, "False boxes of short alone")
    assert len(alone) > 0 and {kind for kind, _ in alone} == {"other"}
    # A false box of the one is a false box of both when the other has one there.
    firsts = [one["box"] for p in first["pictures"] for one in p["found"] if one["is"] == "false"]
    seconds = [one["box"] for p in second["pictures"] for one in p["found"] if one["is"] == "false"]
    assert 0 < len(alone) <= len(seconds)
    assert all(box not in firsts for _, box in alone)


def test_a_score_in_words_finds_its_box_again():
    assert score_in_words(0.98702) == "0.987" and score_in_words(0.9999) == "0.999"
    assert score_in_words(47.19) == "47.1" and score_in_words(10) == "10.0"


def test_old_and_new_layout_are_the_same_detector(tmp_path):
    new = GOLDEN / "haar_basic" / "cascade.xml"
    old = tmp_path / "old.xml"
    old.write_bytes(render_cascade_old_layout(load_cascade(new)))
    result = compare(CompareOptions(cascades=[new, old], pictures=SCENES, **QUICK))
    assert [detector.name for detector in result.detectors] == ["haar_basic", "old"]
    one, two = result.qualities
    assert one.counts == two.counts and one.counts[1] > 0
    timed = {"milliseconds", "megapixels_per_second"}
    for name in set(one.estimates) - timed:
        assert one.estimates[name] == two.estimates[name]


def test_shipped_cascades_have_names(tmp_path, monkeypatch):
    shipped = default_cascade().with_name("lbp_animeface.xml")
    assert shipped.is_file()
    assert cascade_path(Path("lbp_animeface")) == cascade_path(Path("lbp_animeface.xml")) == shipped
    monkeypatch.chdir(tmp_path)
    Path("lbp_animeface").mkdir()
    assert cascade_path(Path("lbp_animeface")) == Path("lbp_animeface"), "what is there comes first"
    (tmp_path / "lbp_animeface" / "cascade.xml").write_bytes(b"")
    assert cascade_path(Path("lbp_animeface")) == Path("lbp_animeface/cascade.xml")
    assert cascade_path(Path("x/lbp_animeface")) == Path("x/lbp_animeface")
    with pytest.raises(UserError, match="mine is no file, and no shipped cascade .*lbp_animeface"):
        cascade_path(Path("mine"))


@pytest.mark.parametrize(
    "argv, message",
    [
        (["evaluate", "nothing-here"], "does not exist"),
        (["evaluate", "{empty}"], "holds no annotations"),
        (["evaluate", "{scenes}", "--cascade", "mine"], "mine is no file, and no shipped cascade"),
        (["evaluate", "{scenes}", "--cascade", "{scenes}/info.dat"], "info.dat"),
        (["evaluate", "{scenes}", "--min-iou", "0"], "--min-iou"),
        (["evaluate", "{scenes}", "--rounds", "0"], "--rounds"),
        (["evaluate", "{scenes}", "--json", "{taken}"], "is there already"),
        (["evaluate", "{scenes}", "--report", "{taken}"], "is there already"),
        (["evaluate", "{scenes}", "--searches", "{taken}"], "is no file of searches"),
        (["evaluate", "{scenes}", "--searches", "{empty}/no/where"], "cannot be written"),
        (["compare", "lbp_animeface", "--pictures", "{scenes}"], "two cascades"),
        (["compare", "lbp_animeface", "lbp_animeface"], "--pictures"),
    ],
)
def test_mistakes_are_one_line(argv, message, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken.html").write_text("mine")
    places = {"empty": tmp_path / "empty", "taken": tmp_path / "taken.html", "scenes": SCENES}
    try:
        code = main([word.format(**places) for word in argv])
    except SystemExit as left:
        code = left.code
    told = capsys.readouterr()
    assert code == 2 and told.out == ""
    assert message in told.err and told.err.count("\n") == 1
    assert (tmp_path / "taken.html").read_text() == "mine"


def test_a_crop_of_the_gallery_holds_the_box():
    rng = np.random.default_rng(0)
    for _ in range(200):
        width, height = rng.integers(50, 900, 2)
        x, y = rng.integers(0, width - 10), rng.integers(0, height - 10)
        box = (x, y, rng.integers(5, width - x + 1), rng.integers(5, height - y + 1))
        left, top, side = part_shown(box, width, height)
        assert left <= x and x + box[2] <= left + side
        assert top <= y and y + box[3] <= top + side
        assert left >= 0 or side >= width


def test_a_picture_that_cannot_be_searched_stops_nothing(truth, monkeypatch):
    made = []

    def fail_once(grey, classifier, parameters):
        made.append(grey)
        if len(made) == 2:
            raise UserError("OpenCV cannot search the picture (too large)")
        return detect_counted(grey, classifier, parameters)

    monkeypatch.setattr(searching, "detect_counted", fail_once)
    result = evaluate(EvaluateOptions(pictures=truth[0], **QUICK))
    assert len(result.searched) == 5
    assert [problem.rpartition("/")[2] for problem in result.skipped] == [
        "0001.jpg: OpenCV cannot search the picture (too large)"
    ]


@pytest.fixture
def timed(monkeypatch):
    """The timed searches that are made, by a clock that the pictures move.

    A timed search takes as many seconds as the picture is bright, so every run takes the same.
    """
    made, clock = [], [0]
    real = searching.detect

    def watched(grey, classifier, parameters):
        made.append(parameters)
        clock[0] += round(float(grey.mean()))
        return real(grey, classifier, parameters)

    monkeypatch.setattr(searching, "detect", watched)
    monkeypatch.setattr(searching, "CLOCK", lambda: clock[0])
    few_draws = "cvbaseline.detector_quality.measures.draws_of_groups"
    monkeypatch.setattr(few_draws, lambda units, seed, rounds: draws_of_groups(units, seed, 20))
    return made


def without_past(record):
    """A record without what says which run its parts are from."""
    record["cautions"] = [one for one in record["cautions"] if "from an earlier run" not in one]
    for detector in record.get("detectors", [record]):
        for picture in detector["pictures"]:
            del picture["from_an_earlier_run"]
    return record


def interrupt_at_third(what, done, total):
    """Ctrl-C when the third picture is done."""
    if what == "searching pictures" and done == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize("verb", ["evaluate", "compare"])
def test_an_interrupted_run_goes_on_to_the_same_record(verb, short, truth, tmp_path, timed):
    shared = {"pictures": truth[0], "rounds": 2, **COARSE}
    if verb == "evaluate":
        run, make = evaluate, lambda **more: EvaluateOptions(cascade=short, **shared, **more)
    else:
        both = [Path("lbp_animeface"), short]
        run, make = compare, lambda **more: CompareOptions(cascades=both, **shared, **more)
    detectors = 1 if verb == "evaluate" else 2
    run(make(json=tmp_path / "whole.json", searches=tmp_path / "whole.jsonl"))
    assert len(timed) == 6 * 2 * detectors

    timed.clear()
    with pytest.raises(KeyboardInterrupt):
        run(make(json=tmp_path / "parts.json"), progress=interrupt_at_third)
    assert len(timed) == 3 * 2 * detectors and not (tmp_path / "parts.json").exists()
    with open("cvbaseline-searches.jsonl", "ab") as file:
        file.write(b'{"program": "cvbaseline')  # and the computer was switched off
    told = []
    run(make(json=tmp_path / "parts.json"), tell=told.append)
    assert len(timed) == 6 * 2 * detectors
    assert "3 of 6 pictures are known from an earlier run" in "".join(told)
    files = (tmp_path / f"{name}.json" for name in ("whole", "parts"))
    whole, parts = (json.loads(file.read_text()) for file in files)
    first = parts.get("detectors", [parts])[0]["pictures"]
    assert [one["from_an_earlier_run"] for one in first] == [True] * 3 + [False] * 3
    assert without_past(parts) == without_past(whole)

    timed.clear()
    run(make(json=tmp_path / "again.json"))
    assert timed == []
    assert without_past(json.loads((tmp_path / "again.json").read_text())) == whole


def test_what_changed_is_searched_again(short, truth, tmp_path, timed):
    asked = {"pictures": truth[0], "cascade": short, "rounds": 1, **COARSE}
    evaluate(EvaluateOptions(**asked))
    first, second, *_ = sorted(tmp_path.glob("*.jpg"))
    first.write_bytes(second.read_bytes())  # a picture that is known by its content
    timed.clear()
    known = evaluate(EvaluateOptions(**asked)).searched
    assert timed == []
    assert known[0].found.boxes.tolist() == known[1].found.boxes.tolist() != []
    anew = evaluate(EvaluateOptions(**asked, searches=Path("other.jsonl"))).searched
    assert len(timed) == 5 and not any(entry.before for entry in anew)  # a copy is no past
    timed.clear()

    grey = np.ascontiguousarray(np.fliplr(read_grey(second)))
    write_picture(second.with_suffix(".png"), grey)
    second.with_suffix(".png").replace(second)
    again = evaluate(EvaluateOptions(**asked))
    assert len(timed) == 1
    expected = detect(grey, open_cascade(short), again.parameters)
    assert again.searched[1].found.boxes.tolist() == expected.boxes.tolist()
    assert [entry.before for entry in again.searched] == [True, False, True, True, True, True]

    changes = [{"min_neighbors": 4}, {"min_score": 3.0}, {"rounds": 2}, {"verify": "animeface"}]
    for change in changes:
        timed.clear()
        evaluate(EvaluateOptions(**(asked | change)))
        assert len(timed) == 6 * change.get("rounds", 1), change
    timed.clear()
    evaluate(EvaluateOptions(**asked))
    assert timed == []  # the first setting is still known
    short.write_bytes(short.read_bytes() + b"\n")
    evaluate(EvaluateOptions(**asked))
    assert len(timed) == 6


def test_a_changed_verifier_judges_again(short, truth, tmp_path, timed):
    model = load_model(verifier_path("animeface"))
    own = tmp_path / "own.npz"
    save_model(own, model)
    shared = {"pictures": truth[0], "rounds": 1, **COARSE}
    asked = EvaluateOptions(cascade=short, verify=str(own), **shared)
    before = evaluate(asked)
    assert len(timed) == 6 and before.quality.counts[0] > 0
    evaluate(asked)
    assert len(timed) == 6
    save_model(own, replace(model, provenance=model.provenance | {"verify_above": 1e6}))
    assert evaluate(asked).quality.counts[0] == 0  # nothing is face enough
    assert len(timed) == 12


def test_compared_times_are_of_the_same_moments(short, truth, tmp_path, timed):
    third = tmp_path / "third.xml"
    shutil.copy(cascade_path(Path("haar_animeface")), third)
    asked = {"pictures": truth[0], "rounds": 1, **COARSE}
    evaluate(EvaluateOptions(cascade=short, **asked))
    timed.clear()
    compare(CompareOptions(cascades=[Path("lbp_animeface"), short], **asked))
    assert len(timed) == 12  # what was timed alone is timed again, in turn
    compare(CompareOptions(cascades=[short, Path("lbp_animeface")], **asked))
    assert len(timed) == 12
    compare(CompareOptions(cascades=[short, Path("lbp_animeface"), third], **asked))
    assert len(timed) == 12 + 18


def test_groups_are_told(truth, tmp_path, capsys):
    path = truth[0]
    entries = json.loads(path.read_text())
    for show, names in (("air", ["0000.jpg", "0001.jpg", "0002.jpg"]), ("kanon", ["0003.jpg"])):
        (tmp_path / show).mkdir()
        for name in names:
            (tmp_path / name).rename(tmp_path / show / name)
            entries[f"{show}/{name}"] = entries.pop(name)
    (tmp_path / "b").mkdir()
    for name in ("0004.jpg", "0005.jpg"):
        (tmp_path / name).rename(tmp_path / "b" / name)
        entries[f"b/{name}"] = entries.pop(name)
    path.write_text(json.dumps(entries))
    out, page = tmp_path / "e.json", tmp_path / "e.html"
    words = ["evaluate", str(path), "--rounds", "1", "--group-by", "folder:1"]
    assert main([*words, "--json", str(out), "--report", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "in 6 pictures of 3 groups" in shown and "with 3 groups the intervals" in shown
    record = json.loads(out.read_text())
    assert record["intervals"].endswith("over 3 groups")
    told = {Path(one["picture"]).name: one["group"] for one in record["pictures"]}
    assert told["0001.jpg"] == "air" and told["0003.jpg"] == "kanon" and told["0005.jpg"] == "b"
    assert "drawing the groups anew" in " ".join(page.read_text().split())
    # Three groups have ten different draws.
    asked = EvaluateOptions(pictures=path, group_by="folder:1", **QUICK)
    assert len(np.unique(evaluate(asked).quality.samples[:, 0])) <= 10
    assert main([*words[:-1], "pattern:jpg"]) == 2
    assert "all pictures of" in capsys.readouterr().err
