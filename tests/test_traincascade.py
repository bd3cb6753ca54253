"""opencv_traincascade's command lines against what OpenCV 3.4.18's own program made of them."""

import re
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from cvbaseline.errors import UserError
from cvbaseline.formats.cascade_xml import load_cascade
from cvbaseline.formats.vec import load_vec, save_vec
from cvbaseline.old_tools import traincascade
from cvbaseline.old_tools.single_dash import parse_single_dash
from cvbaseline.old_tools.traincascade import main
from cvbaseline.old_tools.traincascade_options import OBSOLETE, TraincascadeOptions
from cvbaseline.progress import ProgressLine
from cvbaseline.training import old_rules
from cvbaseline.training.old_rules import levels, window_corners

GOLDEN = Path(__file__).parent / "data" / "traincascade"


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The golden samples in the working directory."""
    for name in ("faces.vec", "bg.txt"):
        shutil.copy(GOLDEN / name, tmp_path)
    shutil.copytree(GOLDEN / "backgrounds", tmp_path / "backgrounds")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def golden_command(name: str) -> list[str]:
    """The words of the command line that made a golden folder."""
    text = (GOLDEN / "README.md").read_text(encoding="utf-8")
    line = re.search(rf"^opencv_traincascade (-data {name} .*)$", text, re.MULTILINE)
    assert line is not None
    return shlex.split(line[1])


def comparable(log: str) -> list[str]:
    """A log without times and without the words that the old program did not say."""
    lines = [re.sub(r"Precalculation time: .*|.*taken 0 days.*", "", x) for x in log.splitlines()]
    return [line for line in lines if line and not line.startswith(("left out", "("))]


@pytest.mark.parametrize("name", ["lbp", "haar", "base"])
def test_the_old_search_gives_the_old_files_byte_for_byte(samples, capsys, name):
    assert main([*golden_command(name), "-search", "exhaustive"]) == 0
    expected = {path.name: path.read_bytes() for path in (GOLDEN / name).glob("*.xml")}
    made = {path.name: path.read_bytes() for path in (samples / name).glob("*.xml")}
    assert made.keys() == expected.keys()
    if name == "base":  # the old program wrote these leaves before it rounded them
        ours, theirs = (
            np.array(re.findall(rb"-?\d\.\d+e[+-]\d+", files.pop("cascade.xml")), float)
            for files in (made, expected)
        )
        assert len(ours) > 10 and np.allclose(ours, theirs, rtol=1e-6, atol=1e-7)
    for file in sorted(made):
        assert made[file] == expected[file], file
    log = (GOLDEN / name / "log.txt").read_text(encoding="utf-8")
    assert comparable(capsys.readouterr().out) == comparable(log)


def test_a_folder_of_the_old_program_goes_on_here(samples, capsys):
    Path("lbp").mkdir()
    for file in ("params.xml", "stage0.xml", "stage1.xml"):
        shutil.copy(GOLDEN / "lbp" / file, "lbp")
    assert main([*golden_command("lbp")]) == 0
    out = capsys.readouterr().out
    assert "Stages 0-1 are loaded" in out and "===== TRAINING 2-stage =====" in out
    assert Path("lbp/stage0.xml").read_bytes() == (GOLDEN / "lbp/stage0.xml").read_bytes()
    assert not cv2.CascadeClassifier("lbp/cascade.xml").empty()


def test_params_xml_overrides_the_command_line_and_says_so(samples, capsys):
    Path("lbp").mkdir()
    shutil.copy(GOLDEN / "lbp/params.xml", "lbp")
    words = [*golden_command("lbp"), "-maxWeakCount", "7", "-numStages", "1"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "pre-loaded from the parameter file" in out
    assert "max_weak_count 100, the command line 7: going on with 100" in out
    assert "maxWeakCount: 100" in out


def test_goes_on_with_fewer_positives_where_the_old_program_died(samples, capsys):
    words = [*golden_command("lbp"), "-numPos", "130", "-numStages", "9"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "instead of 130 positives" in out
    last = int(re.search(r"-numPos (\d+) should last", out)[1])
    assert last < 130
    shutil.rmtree("lbp")
    assert main([*golden_command("lbp"), "-numPos", str(last), "-numStages", "9"]) == 0
    assert "instead of" not in capsys.readouterr().out


def test_few_negatives_of_many_positives_are_one_at_least(samples, capsys):
    """3 for 1000 positives are 0.39 for the 130 that there are."""
    words = [*golden_command("lbp"), "-numPos", "1000", "-numNeg", "3", "-numStages", "1"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "NEG count : acceptanceRatio    1 : 1" in out and "could be read" not in out


def test_ctrl_c_keeps_the_stages_and_the_next_run_goes_on(samples, capsys, monkeypatch):
    def tell(line: str) -> None:
        if line.startswith("\n===== TRAINING 2"):
            raise KeyboardInterrupt

    options = parse_single_dash(TraincascadeOptions, golden_command("lbp"), print, OBSOLETE)
    result = traincascade.traincascade(options, tell)
    assert len(result.stages) == 2 and "interrupted" in result.stopped
    assert not cv2.CascadeClassifier("lbp/cascade.xml").empty()
    assert main(golden_command("lbp")) == 0
    assert "Stages 0-1 are loaded" in capsys.readouterr().out


def interrupt_at(line_begins: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next line that begins so end in Ctrl-C."""

    def told(self: ProgressLine, line: str) -> None:
        print(line)
        if line.startswith(line_begins):
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressLine, "tell", told)


def test_interrupted_or_not_the_cascade_is_the_same(samples, capsys):
    words = [*golden_command("lbp"), "-numStages", "5"]
    assert main([*words, "-data", "whole"]) == 0
    for stage in (1, 3):
        with pytest.MonkeyPatch.context() as patch:
            interrupt_at(f"\n===== TRAINING {stage}", patch)
            assert main([*words, "-data", "parts"]) == 130
    assert main([*words, "-data", "parts"]) == 0
    whole, parts = (
        {path.name: path.read_bytes() for path in Path(name).iterdir()}
        for name in ("whole", "parts")
    )
    assert len([name for name in whole if name.startswith("stage")]) == 5
    assert whole == parts


def test_ctrl_c_before_the_first_stage_is_not_blamed_on_the_parameters(samples, capsys):
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at("POS count", patch)
        assert main(golden_command("lbp")) == 130
    out = capsys.readouterr().out
    assert "interrupted" in out and "can't be trained" not in out


@pytest.mark.parametrize(
    "words, message",
    [
        ("-data d -vec nothing.vec -bg bg.txt", "nothing.vec"),
        ("-data d -vec faces.vec -bg nothing.txt -w 12 -h 12", "nothing.txt"),
        ("-data d -vec faces.vec -bg bg.txt", "12 x 12"),
        ("-data d -vec faces.vec", "-bg is missing"),
        ("-data d -vec faces.vec -bg bg.txt -numpos 3", "did you mean -numPos"),
        ("-data d -vec faces.vec -bg bg.txt -numPos many", "needs a whole number"),
        ("-data d -vec faces.vec -bg bg.txt -numPos", "needs a value"),
        ("-data d -vec faces.vec -bg bg.txt -featureType HOG", "HAAR, LBP"),
        ("-data d -vec faces.vec -bg bg.txt -minHitRate 2", "-minHitRate 2.0"),
        ("-data d -vec faces.vec -bg bg.txt -baseFormatSave -featureType LBP", "-baseFormatSave"),
    ],
)
def test_a_mistake_is_one_line_with_the_mend(samples, capsys, words, message):
    assert main(words.split()) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error
    assert not Path("d").exists()


def test_slips_of_tutorials_are_taken_with_a_warning(capsys):
    told: list[str] = []
    words = "--data d vec v.vec -bg b.txt -nonsym -mem 512 -numPos 40 -mode ALL".split()
    options = parse_single_dash(TraincascadeOptions, words, told.append, OBSOLETE)
    assert (options.data, options.vec, options.num_pos) == (Path("d"), Path("v.vec"), 40)
    assert any("vec is taken as -vec" in line for line in told)
    assert sum("means nothing" in line for line in told) == 2


def test_a_cascade_of_another_training_is_not_replaced(samples, capsys):
    Path("lbp").mkdir()
    shutil.copy(GOLDEN / "haar/cascade.xml", "lbp")
    assert main(golden_command("lbp")) == 2
    assert str(Path("lbp/cascade.xml")) in capsys.readouterr().err
    options = parse_single_dash(TraincascadeOptions, golden_command("lbp"), print, OBSOLETE)
    with pytest.raises(UserError, match="name another folder"):
        traincascade.traincascade(options)
    assert Path("lbp/cascade.xml").read_bytes() == (GOLDEN / "haar/cascade.xml").read_bytes()
    assert [path.name for path in Path("lbp").iterdir()] == ["cascade.xml"]
    Path("lbp/cascade.xml").write_text("mine")
    assert main(golden_command("lbp")) == 2
    told = capsys.readouterr().err  # never to delete what is no cascade of this folder
    assert "name another folder" in told and "delete" not in told


def test_a_line_of_haartraining_is_taken_with_a_warning_for_each_flag():
    """All flags that opencv_haartraining had, as its last version listed them."""
    told: list[str] = []
    words = (
        "-data h -vec samples.vec -bg negatives.dat -bg-vecfile -npos 7000 -nneg 3019 -nstages 14 "
        "-nsplits 2 -mem 512 -sym -nonsym -minhitrate 0.999 -maxfalsealarm 0.4 -weighttrimming 0.9 "
        "-eqw -mode ALL -w 20 -h 20 -bt DAB -err misclass -maxtreesplits 0 -minpos 500"
    ).split()
    taken = parse_single_dash(TraincascadeOptions, words, told.append, OBSOLETE)
    heirs = (
        "-data h -vec samples.vec -bg negatives.dat -numPos 7000 -numNeg 3019 -numStages 14 "
        "-minHitRate 0.999 -maxFalseAlarmRate 0.4 -weightTrimRate 0.9 -mode ALL -w 20 -h 20 -bt DAB"
    ).split()
    assert taken == parse_single_dash(TraincascadeOptions, heirs, print, {})
    assert "-npos is taken as -numPos: it is opencv_haartraining's name" in told
    assert sum("means nothing" in line for line in told) == 9 and len(told) == 15


def test_no_word_at_all_shows_every_flag(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    for flag in ("-data", "-numPos", "-minHitRate", "-acceptanceRatioBreakValue", "-mode"):
        assert f"  {flag} " in out


def test_a_list_without_a_readable_picture_is_explained(samples, capsys):
    Path("bg.txt").write_text("gone.png\nlost.png\n")
    options = parse_single_dash(TraincascadeOptions, golden_command("lbp"), print, OBSOLETE)
    assert not traincascade.traincascade(options).stages
    out = capsys.readouterr().out
    assert "Train dataset for temp stage can not be filled" in out
    assert "gone.png" in out and "lost.png" in out
    assert "no picture that bg.txt lists could be read" in out


def test_the_fast_search_meets_the_goals_of_every_stage(samples, capsys):
    assert main(golden_command("lbp")) == 0
    out = capsys.readouterr().out
    rows = re.findall(r"\|[ \d]{4}\|([^|]{9})\|([^|]{9})\|\n[-+]+\nEND>", out)
    assert len(rows) >= 5
    assert all(float(hits) >= 0.98 and float(false) <= 0.4 for hits, false in rows)
    ratios = [float(found) for found in re.findall(r"acceptanceRatio +\d+ : (.*)", out)]
    assert ratios[0] == 1 and ratios == sorted(ratios, reverse=True)
    assert not cv2.CascadeClassifier("lbp/cascade.xml").empty()
    assert len(load_cascade(Path("lbp/cascade.xml")).stages) == len(rows)


def test_every_window_passes_where_there_is_no_stage_yet(samples, capsys):
    """As the old program counts: flat windows must not make the first ratio reach a goal."""
    for path in Path("backgrounds").iterdir():
        grey = cv2.imread(str(path), 0)
        grey[:, grey.shape[1] // 4 :] = 90
        cv2.imwrite(str(path), grey)
    words = "-data flat -vec faces.vec -bg bg.txt -w 12 -h 12 -numPos 120 -numNeg 100 -numStages 1"
    assert main(words.split()) == 0
    assert "NEG count : acceptanceRatio    100 : 1\n" in capsys.readouterr().out


def test_a_stage_that_rejects_nothing_is_no_goal_reached(samples, capsys):
    """Then the next one has the same negatives, and no window is looked at for more."""
    words = [*golden_command("lbp"), "-maxFalseAlarmRate", "0.2", "-minHitRate", "0.999"]
    assert main([*words, "-maxWeakCount", "1", "-numStages", "4"]) == 0
    out = capsys.readouterr().out
    assert "|   1|        1|        1|" in out
    assert "Required leaf" not in out and Path("lbp/stage3.xml").exists()


def test_acceptance_ratio_break_value_ends_the_training(samples, capsys):
    words = [*golden_command("lbp"), "-acceptanceRatioBreakValue", "0.3"]
    assert main(words) == 0
    assert "The required acceptanceRatio for the model" in capsys.readouterr().out
    assert not Path("lbp/stage3.xml").exists()


def test_a_vec_that_claims_more_than_it_holds(samples, capsys):
    samples_in_it = load_vec(Path("faces.vec"), 12, 12).samples
    save_vec(Path("faces.vec"), samples_in_it)
    data = Path("faces.vec").read_bytes()
    Path("faces.vec").write_bytes((500).to_bytes(4, "little") + data[4:])
    assert main([*golden_command("lbp"), "-numStages", "1"]) == 0
    assert "says 500 samples and holds 130" in capsys.readouterr().out


def walk_naively(side: int, window: int, offset: int) -> list[int]:
    """Where the old program's windows begin: on while another one and a half end inside."""
    places = [offset]
    while int(places[-1] + 1.5 * window) < side:
        places.append(places[-1] + window // 2)
    return places


@pytest.mark.parametrize("side", [12, 13, 17, 18, 19, 24, 37, 60])
@pytest.mark.parametrize("window", [11, 12])
def test_windows_of_a_level_are_half_a_window_apart(side, window):
    for offset in range(max(0, side - window) + 1):
        corners = window_corners((side, side), (offset, 0), window, window)
        xs, ys = walk_naively(side, window, offset), walk_naively(side, window, 0)
        assert corners.tolist() == [[x, y] for y in ys for x in xs]
        assert corners.max() + window <= max(side, offset + window)


def test_levels_grow_from_the_smallest_that_holds_a_window():
    grey = np.random.default_rng(0).integers(0, 256, (100, 150)).astype(np.uint8)
    shapes = [level.shape for level in levels(grey, (0, 0), 12, 12)]
    assert shapes[0] == (12, 18)
    assert shapes[-1][0] <= 100
    ratios = [b[0] / a[0] for a, b in zip(shapes, shapes[1:])]
    assert all(1.3 < ratio < 1.5 for ratio in ratios)


def test_the_search_goes_on_where_it_stopped(samples):
    """Two reads of 40 windows are one of 80, whatever is scanned ahead."""
    from concurrent.futures import ThreadPoolExecutor

    from cvbaseline.cascade import Cascade
    from cvbaseline.features.lbp import enumerate_lbp
    from cvbaseline.training.pictures import PictureCache, Source

    everything = Cascade("LBP", 12, 12, enumerate_lbp(12, 12), ())
    sources = [Source(path, np.zeros((0, 4))) for path in sorted(Path("backgrounds").iterdir())]

    def reader(cache_bytes: int, threads: ThreadPoolExecutor) -> old_rules.OldNegatives:
        cache = PictureCache(sources, cache_bytes, print)
        return old_rules.OldNegatives(cache, 12, 12, 0.0, threads)

    with ThreadPoolExecutor(3) as threads:
        whole = reader(10**8, threads).read(0, everything, 2000).windows
        parts = reader(0, threads)
        pieces = [parts.read(0, everything, count).windows for count in (700, 1, 1299)]
    assert np.array_equal(np.concatenate(pieces), whole)


def test_options_are_checked_before_anything_is_read():
    with pytest.raises(UserError, match="-numStages"):
        TraincascadeOptions(data=Path("d"), vec=Path("v"), bg=Path("b"), num_stages=0)


def test_a_trim_rate_given_is_held_in_single_precision_as_in_3_4():
    words = ["-data", "a", "-vec", "b", "-bg", "c"]
    given = parse_single_dash(TraincascadeOptions, [*words, "-weightTrimRate", "0.9"], print, {})
    assert given.parameters.weight_trim_rate == 0.89999997615814208984375
    assert parse_single_dash(TraincascadeOptions, words, print, {}).weight_trim_rate == 0.95
