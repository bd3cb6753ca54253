"""The benchmark from pictures to report: what is stored, resumed, said and shown."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cvbaseline import duplicates
from cvbaseline.benchmarking import judgements, running, worker
from cvbaseline.benchmarking.benchmark import benchmark
from cvbaseline.benchmarking.comparisons import Comparison
from cvbaseline.benchmarking.contenders import (
    default_names,
    members_among,
    parse_contender,
    parse_contenders,
)
from cvbaseline.benchmarking.distortions import DISTORTIONS, Distortion, distort
from cvbaseline.benchmarking.findings import MAJORITY
from cvbaseline.benchmarking.options import BenchmarkOptions
from cvbaseline.benchmarking.records import Record, read_record, write_record
from cvbaseline.benchmarking.report import headline
from cvbaseline.bootstrap import Estimate
from cvbaseline.classifiers.checkpoints import Checkpoints
from cvbaseline.drawing import EMOTIONS, draw_face
from cvbaseline.drawing.styles import random_style
from cvbaseline.errors import UserError
from cvbaseline.images import write_picture

SIDE = 32
EACH = 20
FACTS = {
    "fit_seconds": 0.5, "predict_seconds": 0.1, "predicted": 5, "threads": 1, "model_bytes": None,
    "peak_bytes": None, "training_accuracy": 1.0, "versions": {}, "code": {},
}  # fmt: skip
BAD_ENSEMBLE = 'ensemble:estimators=hog_svm+majority,settings={"hog_svm": {"C": -1}}'


@pytest.fixture(scope="module")
def characters(tmp_path_factory):
    """Three drawn characters who show all emotions: a folder for each."""
    folder = tmp_path_factory.mktemp("characters")
    for character in range(3):
        style = random_style(np.random.default_rng(character))
        (folder / f"character {character}").mkdir()
        for number in range(EACH):
            face = draw_face(1000 * character + number, EMOTIONS[number % 7], SIDE, style)
            write_picture(folder / f"character {character}" / f"{number}.png", face.image)
    return folder


def run_here(jobs, data, splits, *_):
    """`run_jobs` without child processes, which take seconds to start."""
    with tempfile.TemporaryDirectory() as folder:
        worker.write_data(Path(folder), data)
        here = worker.Worker(Path(folder))
        for job in jobs:
            # The way through JSON, as a child gets it.
            message = json.loads(json.dumps(running.message(job, splits[job.split], 1)))
            here.do(message, Checkpoints(Path(folder)))
    return []


@pytest.fixture
def here(monkeypatch):
    """No child processes."""
    monkeypatch.setattr(running, "run_jobs", run_here)


def measure_here(options):
    """The benchmark without child processes: what it did, said and found."""
    lines = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(running, "run_jobs", run_here)
        done = benchmark(options, tell=lines.append)
    return done, lines, json.loads((done.out / "results.json").read_text())


@pytest.fixture(scope="module")
def everyone(characters, tmp_path_factory):
    """All contenders that are compared by default."""
    out = tmp_path_factory.mktemp("everyone") / "benchmark"
    return measure_here(BenchmarkOptions(data=characters, out=out, size=SIDE, cv="2x1"))


@pytest.fixture(scope="module")
def measured(characters, tmp_path_factory):
    """Two contenders with everything that can be asked for."""
    out = tmp_path_factory.mktemp("measured") / "benchmark"
    return measure_here(detailed(characters, out))


def detailed(characters, out):
    """The options of `measured`."""
    return BenchmarkOptions(
        data=characters, out=out, size=SIDE, cv="2x1", learning_curve=True, robustness=True,
        classifiers=("eigenfaces", "hog_svm"),
    )  # fmt: skip


def records(out):
    """Every stored record's probabilities by its name."""
    folder = out / "predictions"
    found = {}
    for path in sorted(folder.rglob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            found[path.relative_to(folder).as_posix()] = arrays["probabilities"]
    return found


def test_the_time_before_an_interruption_counts(characters, tmp_path, monkeypatch):
    """A job that goes on from a checkpoint says what the whole training has taken."""

    def interrupted_before(jobs, data, splits, *_):
        worker.write_data(tmp_path, data)
        for job in jobs:
            message = json.loads(json.dumps(running.message(job, splits[job.split], 1)))
            worker.Worker(tmp_path).do(message, Checkpoints(tmp_path, seconds_before=500))
        return []

    clock = SimpleNamespace(perf_counter=iter(range(100)).__next__)
    monkeypatch.setattr(worker, "time", clock)
    monkeypatch.setattr(running, "run_jobs", interrupted_before)
    options = BenchmarkOptions(
        data=characters, out=tmp_path / "out", size=SIDE, cv="2x1", classifiers=("majority",)
    )
    benchmark(options)
    stored = records(tmp_path / "out")
    assert stored
    for name, probabilities in stored.items():
        record = read_record(tmp_path / "out" / "predictions" / name, probabilities.shape)
        assert record.facts["fit_seconds"] == 501


def test_every_contender_beats_the_majority_on_drawn_faces(everyone):
    done, _, results = everyone
    assert done.failures == ()
    assert [one["title"] for one in results["contenders"]] == default_names(nested=False)
    against = {one["first"]: one for one in results["against_majority"]}
    assert not any("majority" in (one["first"], one["second"]) for one in results["comparisons"])
    for contender in results["contenders"]:
        if contender["title"] != "majority":
            low = contender["scores"]["accuracy"][1]
            assert low > results["majority_accuracy"][0], contender["title"]
            assert against[contender["title"]]["holds"], contender["title"]


def test_naming_majority_leaves_the_verdicts_of_others_as_they_are(
    characters, tmp_path, here, monkeypatch
):
    found = []
    monkeypatch.setattr(judgements, "judge", lambda findings, jobs: found.append(findings) or [])
    for names in (("eigenfaces",), ("eigenfaces", "majority")):
        lines = []
        options = BenchmarkOptions(
            data=characters, out=tmp_path / "out", size=SIDE, cv="2x1", classifiers=names
        )
        benchmark(options, tell=lines.append)
        rows = [line for line in lines if line.startswith(("majority", "(the most frequent"))]
        assert len(rows) == 1
    alone, beside = (findings.against_majority["eigenfaces"] for findings in found)
    assert alone.adjusted_p == beside.adjusted_p == alone.p
    assert found[1].comparisons == []  # that is said once, not by two corrections


def test_numbers_follow_from_the_stored_predictions(measured):
    done, _, results = measured
    stored = records(done.out)
    (scores,) = (one["scores"] for one in results["contenders"] if one["title"] == "hog_svm")
    plain = [stored[name] for name in stored if re.match(r"hog_svm/fold_\d-", name)]
    assert sum(map(len, plain)) == 3 * EACH
    assert np.sum(scores["confusion"]) == 3 * EACH
    right = np.trace(scores["confusion"]) / (3 * EACH)
    assert scores["accuracy"][0] == pytest.approx(right, abs=1e-5)


def test_a_second_run_measures_nothing_and_says_the_same(measured, characters, tmp_path):
    done, _, results = measured
    out = tmp_path / "copy"
    shutil.copytree(done.out, out)
    again = benchmark(detailed(characters, out))
    assert (again.measured, again.stored) == (0, done.measured)
    assert json.loads((out / "results.json").read_text()) == results


def test_only_what_is_missing_is_added(measured, characters, tmp_path, here):
    done, _, _ = measured
    out = tmp_path / "copy"
    shutil.copytree(done.out, out)
    before = records(out)
    (removed,) = (out / "predictions" / "eigenfaces").glob("fold_2-*")
    name = removed.relative_to(out / "predictions").as_posix()
    removed.unlink()
    (damaged,) = (out / "predictions" / "eigenfaces").glob("fold_1-*")
    damaged.write_bytes(damaged.read_bytes()[:-100])
    options = BenchmarkOptions(
        data=characters, out=out, size=SIDE, cv="2x1",
        classifiers=("eigenfaces", "eigenfaces:n_components=2"),
    )  # fmt: skip
    assert benchmark(options).measured == 4
    after = records(out)
    assert np.array_equal(after[name], before[name])
    assert len(after) == len(before) + 2


def test_changed_pictures_are_noticed(characters, tmp_path, here):
    changed, lines = tmp_path / "changed", []
    shutil.copytree(characters, changed)
    options = BenchmarkOptions(
        data=changed, out=tmp_path / "out", size=SIDE, cv="2x1", classifiers=("majority",)
    )
    assert benchmark(options).measured == 2
    write_picture(changed / "character 0" / "0.png", np.full((SIDE, SIDE), 7, np.uint8))
    assert benchmark(options, tell=lines.append).measured == 2
    assert any("not those of the last run here: other pictures, or other" in line for line in lines)


def test_the_report_of_other_data_is_not_replaced(measured, characters, tmp_path):
    done, _, _ = measured
    out, moved = tmp_path / "copy", tmp_path / "moved"
    shutil.copytree(done.out, out)
    shutil.copytree(characters, moved)
    kept = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    options = dict(out=out, size=SIDE, cv="2x1", classifiers=("eigenfaces",))
    (moved / "character 0" / "0.png").unlink()
    with pytest.raises(UserError, match="copy holds the benchmark of .*characters0: give another"):
        benchmark(BenchmarkOptions(data=moved, **options))
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == kept
    shutil.copy(characters / "character 0" / "0.png", moved / "character 0")
    assert benchmark(BenchmarkOptions(data=moved, **options)).measured == 0  # the same elsewhere


def test_a_killed_run_continues_to_the_same_predictions(characters, tmp_path):
    out = tmp_path / "out"
    words = [
        sys.executable, "-m", "cvbaseline", "benchmark", str(characters), "--size", str(SIDE),
        "--cv", "2x1", "--classifiers", "hog_svm", "--learning-curve", "--robustness",
        "--out", str(out),
    ]  # fmt: skip
    # A program of its own too: this process's libraries may round with other threads.
    subprocess.run([*words[:-1], str(tmp_path / "whole")], check=True, stdout=subprocess.DEVNULL)
    whole = records(tmp_path / "whole")
    run = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while run.poll() is None and not records(out):
        time.sleep(0.01)
    run.kill()
    run.wait()
    half = records(out)
    assert 1 <= len(half) < len(whole)
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    for name, probabilities in records(out).items():
        assert np.array_equal(probabilities, whole[name])


def test_an_ensemble_of_contenders_is_averaged_not_fitted(characters, tmp_path):
    inner, outer = "ensemble:estimators=eigenfaces+fisherfaces", (
        'ensemble:estimators=ensemble+majority,settings={"ensemble": '
        '{"estimators": "eigenfaces+fisherfaces"}}'
    )  # fmt: skip
    members = ("majority", "fisherfaces", "eigenfaces")

    def run(name, *contenders):
        return measure_here(
            BenchmarkOptions(
                data=characters, out=tmp_path / name, size=SIDE, cv="2x1", learning_curve=True,
                robustness=True, classifiers=contenders,
            )  # fmt: skip
        )

    done, lines, results = run("averaged", outer, *members, inner)
    fitted, _, wanted = run("fitted", outer)
    assert done.measured == len(members) * fitted.measured
    assert {path.split("/")[0] for path in records(done.out)} == set(members)
    assert any("is the mean of the probabilities of eigenfaces, fisherfaces" in line
               for line in lines)  # fmt: skip
    by_title = {one["title"]: one for one in results["contenders"]}
    (theirs,) = wanted["contenders"]
    ours = by_title[theirs["title"]]
    assert ours["averaged_from"] == ["ensemble of eigenfaces, fisherfaces", "majority"]
    assert theirs["averaged_from"] == []
    assert ours["scores"].pop("confusion") == theirs["scores"].pop("confusion")
    assert flat(ours["scores"]) == pytest.approx(flat(theirs["scores"]), abs=2e-6)
    assert flat(ours["robustness"]) == pytest.approx(flat(theirs["robustness"]), abs=2e-6)
    curves = [[point["accuracy"] for point in one["learning_curve"]] for one in (ours, theirs)]
    assert len(curves[0]) == 2 and np.allclose(*curves, atol=2e-6)
    assert ours["model_bytes"] == pytest.approx(theirs["model_bytes"], rel=0.05)
    parts = [by_title[name]["fit_seconds"] for name in members]
    assert ours["fit_seconds"] == pytest.approx(sum(parts), rel=0.3)
    assert ours["model_bytes"] == max(members_bytes(done.out, fold) for fold in (1, 2))
    assert "Its times and its size are the sums" in (done.out / "report.html").read_text()


def members_bytes(out, fold):
    """The bytes of all contenders' models of a fold."""
    total = 0
    for path in (out / "predictions").glob(f"*/fold_{fold}-*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            total += json.loads(str(arrays["facts"]))["model_bytes"]
    return total


def flat(scores):
    """All numbers of nested dictionaries of lists."""
    parts = [flat(one) if isinstance(one, dict) else one for one in scores.values()]
    return [number for part in parts for number in part]


def test_only_equal_contenders_are_an_ensembles_members():
    def members(ensemble, *others):
        chosen = members_among(parse_contender(ensemble), parse_contenders(others))
        return [one.title for one in chosen]

    pair = "ensemble:estimators=hog_svm+lbph"
    assert members(pair, "lbph", "majority", "hog_svm") == ["hog_svm", "lbph"]
    assert members(pair, "lbph", "hog_svm:C=2.0") == []
    assert members(pair + ',settings={"hog_svm": {"C": 2.0}}', "lbph", "hog_svm:C=2.0") == [
        "hog_svm C=2.0", "lbph"
    ]  # fmt: skip
    assert members(pair, "hog_svm") == []
    assert members("hog_svm", "lbph") == []
    assert members("ensemble:estimators=hog_svm", "hog_svm") == []


class Links(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.fetched, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        """Note addresses."""
        self.tags.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "href")]


def test_the_page_holds_everything_and_fetches_nothing(measured):
    done, _, _ = measured
    page = Links()
    page.feed((done.out / "report.html").read_text())
    assert page.tags.count("svg") >= 8 and page.tags.count("img") > 20
    assert all(address.startswith("data:image/png") for address in page.fetched)
    text = (done.out / "report.html").read_text()
    for name in ("How many more pictures?", "Poorer pictures", "eigenface 1", "@article{turk1991"):
        assert name in text
    assert "cvbaseline benchmark" in text and "scikit-learn" in text


def test_the_methods_name_the_bounds_of_the_leak_check(measured):
    done, _, _ = measured
    said = (
        r"at most (\d+) of 63 bits together with correlations of at least ([\d.]+) of the pixels "
        r"and ([\d.]+) of the details"
    )
    bounds = re.search(said, (done.out / "report.md").read_text(encoding="utf-8")).groups()
    assert tuple(map(float, bounds)) == (
        duplicates.MOST_BITS, duplicates.LEAST_CORRELATION, duplicates.LEAST_DETAIL
    )  # fmt: skip


def test_where_no_difference_can_be_proven_it_is_said():
    """p of five groups that all favour the same contender is 2 / 32, of six 2 / 64."""
    told = {}
    for units in (5, 6):
        outcome = SimpleNamespace(
            title="a", scores=SimpleNamespace(units=units), versions=(), outdated=False
        )
        findings = SimpleNamespace(outcomes=[outcome], leaked=0, shared_groups=0)
        (told[units],) = (one.text for one in judgements._about_setting(findings, jobs=1))
    assert told[5].endswith("too narrow, and no difference can be proven.")
    assert told[6].endswith("too narrow.")


@pytest.mark.parametrize(
    ("pairs", "majority", "said"),
    [
        (0.01, 0.01, "right (50.0% to 70.0%), more than every other contender, a difference that "
         "holds."),
        (0.01, 0.30, "a difference that holds; that this beats always naming the most frequent "
         "class is not proven."),
        (0.30, 0.01, "; b cannot be told from it on these pictures."),
        (0.30, 0.30, "on these pictures; that this beats always naming the most frequent class is "
         "not proven."),
    ],
)  # fmt: skip
def test_the_headline_calls_only_what_holds(pairs, majority, said):
    def outcome(title, accuracy):
        scores = SimpleNamespace(accuracy=Estimate(accuracy, accuracy - 0.1, accuracy + 0.1))
        return SimpleNamespace(title=title, scores=scores)

    def comparison(second, p):
        return Comparison("a", second, Estimate(0.1, 0.0, 0.2), p, p, "McNemar")

    findings = SimpleNamespace(
        data=SimpleNamespace(labels=[0, 1], classes=("x", "y")),
        comparisons=[comparison("b", pairs)],
        against_majority={
            "a": comparison(MAJORITY, majority), "b": comparison(MAJORITY, majority),
        },
    )  # fmt: skip
    ranked = [outcome("a", 0.6), outcome("b", 0.5), outcome("majority", 0.4)]
    assert headline(ranked, findings).endswith(said)


def test_markdown_names_its_figures(measured):
    done, _, _ = measured
    text = (done.out / "report.md").read_text()
    figures = re.findall(r"\]\((figures/[^)]*)\)", text)
    assert len(figures) >= 8
    for name in figures:
        assert "<svg" in (done.out / name).read_text()


def test_no_pictures_means_none(measured, characters, tmp_path):
    done, _, _ = measured
    out = tmp_path / "copy"
    shutil.copytree(done.out, out)
    options = BenchmarkOptions(
        data=characters, out=out, size=SIDE, cv="2x1", pictures=False, classifiers=("eigenfaces",)
    )
    benchmark(options)
    assert "<img" not in (out / "report.html").read_text()


def test_epochs_are_drawn_where_a_contender_has_them(measured, characters, tmp_path):
    done, _, _ = measured
    out = tmp_path / "copy"
    shutil.copytree(done.out, out)
    curves = {"loss": [1.9, 1.2, 0.7, 0.5], "accuracy": [0.2, 0.5, 0.7, 0.8]}
    curves |= {f"validation_{name}": values[:3] for name, values in curves.items()}
    for path in (out / "predictions" / "hog_svm").glob("fold_?-*"):
        record = read_record(path, records(out)[f"hog_svm/{path.name}"].shape)
        write_record(path, record._replace(facts={**record.facts, "history": curves}))
    assert benchmark(detailed(characters, out)).measured == 0
    figure = (out / "figures" / "loss-hog-svm.svg").read_text()
    paths = re.findall(r'class="line ([a-z ]*)" points="([^"]*)"', figure)
    assert [(style, len(points.split())) for style, points in paths] == [
        ("thin dashed", 4), ("", 3), ("thin dashed", 4), ("", 3)
    ]  # fmt: skip
    assert "Learning epoch by epoch" in (out / "report.html").read_text()


def test_predictions_of_other_code_are_warned_of(measured, characters, tmp_path):
    done, lines, _ = measured
    assert not any("code has changed" in line for line in lines)
    out, lines = tmp_path / "copy", []
    shutil.copytree(done.out, out)
    (path,) = (out / "predictions" / "eigenfaces").glob("fold_1-*")
    record = read_record(path, records(out)[f"eigenfaces/{path.name}"].shape)
    code = {**record.facts["code"], "cvbaseline.classifiers.subspace": "0" * 16}
    write_record(path, record._replace(facts={**record.facts, "code": code}))
    benchmark(detailed(characters, out), tell=lines.append)
    (warning,) = (line for line in lines if "code has changed" in line)
    assert "eigenfaces" in warning and "hog_svm" not in warning


def test_leaks_are_refused_dropped_or_told(characters, tmp_path, here):
    data = tmp_path / "data"
    shutil.copytree(characters, data / "train")
    for character in range(3):
        (data / "test" / f"character {character}").mkdir(parents=True)
        for number in range(8):
            name = f"character {character}/{number}.png"
            if number < 4:  # the others are in training as well
                (data / "train" / name).rename(data / "test" / name)
            else:
                shutil.copy(data / "train" / name, data / "test" / name)

    def run(**more):
        lines = []
        options = BenchmarkOptions(
            data=data, out=tmp_path / "out", size=SIDE, classifiers=("eigenfaces",), **more
        )
        benchmark(options, tell=lines.append)
        return lines, json.loads((tmp_path / "out" / "results.json").read_text())

    with pytest.raises(UserError, match="in training as well: 12 of 24 .12 as they are"):
        run()
    lines, results = run(allow_leaks=True)
    (contender,) = results["contenders"]
    confusion = np.array(contender["scores_without_copies"]["confusion"])
    assert results["leaked_tests"] == 12 and confusion.sum() == 12
    assert contender["scores"]["accuracy"][0] > contender["scores_without_copies"]["accuracy"][0]
    assert any("copies were learnt from" in line for line in lines)
    lines, results = run(drop_leaks=True)
    assert results["leaked_tests"] == 0 and results["splits"][0]["trained_on"] == 3 * EACH - 24
    assert any("left out as copies of test pictures: 12" in line for line in lines)


def test_missed_faces_count_as_errors(characters, tmp_path, here):
    out = tmp_path / "out"
    options = BenchmarkOptions(
        data=characters, out=out, size=SIDE, cv="2x1", classifiers=("eigenfaces",), detect=True,
        allow_leaks=True,
    )  # fmt: skip
    benchmark(options)
    (contender,) = json.loads((out / "results.json").read_text())["contenders"]
    confusion = np.array(contender["scores"]["confusion"])
    assert confusion.sum() == 3 * EACH and confusion[:, -1].sum() > 0
    right = np.trace(confusion) / (3 * EACH)
    assert contender["scores"]["accuracy"][0] == pytest.approx(right, abs=1e-5)


def test_a_contender_that_fails_does_not_stop_the_others(characters, tmp_path):
    options = BenchmarkOptions(
        data=characters, out=tmp_path / "out", size=SIDE, cv="2x1",
        classifiers=("majority", "hog_svm:C=-1", BAD_ENSEMBLE),
    )  # fmt: skip
    seen = []
    done = benchmark(options, progress=lambda *told: seen.append(told))
    # Told when each of the four fits begins, which may take hours, and when it has ended.
    assert [done for _, done, _ in seen] == [0, 1, 1, 2, 2, 3, 3, 4]
    assert seen[0] == ("majority", 0, 4) and seen[-1] == ("hog_svm C=-1", 4, 4)
    assert len(done.failures) == 2 and "C must be a positive number" in done.failures[0]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [one["title"] for one in results["contenders"]] == ["majority"]
    assert results["incomplete"] == ["hog_svm C=-1", "ensemble of hog_svm C=-1, majority"]


def test_a_folder_of_others_is_left_alone(characters, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is not from a benchmark"):
        benchmark(BenchmarkOptions(data=characters, out=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_contenders_and_their_settings():
    contender = parse_contender("hog_svm:scales=[[32,8],[16,8]],C=2,kernel=linear")
    assert contender.title == "hog_svm scales=[[32,8],[16,8]] C=2 kernel=linear"
    assert contender.make().scales == ((32, 8), (16, 8)) and contender.make().C == 2
    with pytest.raises(UserError, match="no such classifier; known are majority"):
        parse_contender("hog")
    with pytest.raises(UserError, match="'c=2' is no parameter of hog_svm"):
        parse_contender("hog_svm:c=2")
    with pytest.raises(UserError, match="are the same: leave one out"):
        parse_contenders(["hog_svm", "hog_svm:C=5.0"])
    for settings in ("5", "[1]", '{"lbph":3}', '"x"'):
        with pytest.raises(UserError, match="^ensemble:settings=.*: settings must be like"):
            parse_contender(f"ensemble:settings={settings}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cv": "5", "test": "x"}, "--cv and --test exclude each other"),
        ({"allow_leaks": True, "drop_leaks": True}, "exclude each other"),
        ({"jobs": 0}, "--jobs must be 1 to 1024"),
        ({"seed": -1}, "--seed must not be negative"),
    ],
)
def test_options_that_cannot_be(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        BenchmarkOptions(data=tmp_path, **options)


def test_records_are_read_back_or_not_at_all(tmp_path):
    path = tmp_path / "a" / "record.npz"
    record = Record(np.random.default_rng(0).dirichlet(np.ones(3), 5), FACTS)
    write_record(path, record)
    again = read_record(path, (5, 3))
    assert np.array_equal(again.probabilities, record.probabilities)
    assert again.facts == record.facts and again.directions is None
    assert read_record(path, (4, 3)) is None  # of another test
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert read_record(path, (5, 3)) is None
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        damaged = read_record(path, (5, 3))  # a date, for one, may change
        assert damaged is None or np.array_equal(damaged.probabilities, record.probabilities)
    assert read_record(tmp_path / "none.npz", (5, 3)) is None


def test_records_damaged_in_content_are_none(tmp_path):
    path = tmp_path / "record.npz"
    even, missed = np.full((2, 2), 0.5), np.array([[0.0, 0.0], [1.0, 0.0]])
    for probabilities in (even, missed):
        write_record(path, Record(probabilities, FACTS))
        assert read_record(path, (2, 2)) is not None
    wrong = (even.astype(str), even * 2, np.array([[1.5, -0.5]] * 2), even * np.nan)
    for probabilities in wrong:
        write_record(path, Record(probabilities, FACTS))
        assert read_record(path, (2, 2)) is None
    for facts in ({}, [], None, {**FACTS, "threads": None}, {**FACTS, "versions": "1"}):
        write_record(path, Record(even, facts))
        assert read_record(path, (2, 2)) is None


@pytest.mark.parametrize("distortion", DISTORTIONS, ids=str)
def test_distortions_do_what_they_say(distortion):
    faces = cv2.GaussianBlur(np.random.default_rng(0).normal(128, 300, (60, 60)), (0, 0), 4)
    faces = np.stack([np.clip(faces, 0, 255)] * 40).astype(np.uint8)
    changed = distort(faces, distortion).astype(float)
    assert np.array_equal(changed, distort(faces, distortion))
    difference = changed - faces
    if distortion.kind == "noise":
        inside = difference[(faces > 100) & (faces < 155)]
        assert inside.std() == pytest.approx(distortion.level, rel=0.1)
    elif distortion.kind == "shift":
        window = np.outer(np.hanning(60), np.hanning(60))
        moved, _ = cv2.phaseCorrelate(faces[0] * window, changed[0] * window)
        assert np.hypot(*moved) == pytest.approx(60 * distortion.level, rel=0.25, abs=0.5)
    else:
        assert np.abs(np.diff(changed)).mean() < np.abs(np.diff(faces.astype(float))).mean()


def test_unknown_distortions_are_our_mistake():
    with pytest.raises(ValueError, match="unknown distortion"):
        distort(np.zeros((1, 8, 8), np.uint8), Distortion("rain", 1))
