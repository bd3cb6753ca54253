"""Checks before a training, each on a small case with a known mistake."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cvbaseline.errors import UserError
from cvbaseline.formats.annotations import Annotation
from cvbaseline.formats.vec import render_vec, save_vec
from cvbaseline.images import read_grey, read_size
from cvbaseline.preflight import annotated, background, pictures, samples, settings
from cvbaseline.preflight.findings import Finding, exit_code, report_before_run
from cvbaseline.preflight.lists import check_background, check_info
from cvbaseline.preflight.pictures import look_at

ASKED = samples.Asked(12, 12, 50, 10, 0.995, "LBP")
DATA = Path(__file__).parent / "data" / "traincascade"


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def picture(path: Path, height: int, width: int, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(height, width, seed)).save(path)
    return path


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, [str(finding) for finding in findings]
    return findings[0]


# --- counts of samples


@given(st.integers(1, 400), st.integers(1, 12), st.sampled_from([0.9, 0.95, 0.99, 0.995, 1.0]))
def test_needed_samples_are_those_that_a_training_by_the_old_rules_reads(num_pos, stages, rate):
    """Play it: each stage rejects its share of a stage's positives, which new ones replace."""
    rejected_by_stage = round(num_pos * (1 - rate), 9)
    read = float(num_pos)
    for _ in range(stages - 1):
        read += rejected_by_stage
    assert samples.needed_samples(num_pos, stages, rate) == int(np.ceil(round(read, 6)))


@given(st.integers(1, 5000), st.integers(1, 30), st.floats(0.8, 1.0))
def test_the_number_offered_lasts(held, stages, rate):
    number = samples.lasting_positives(held, stages, rate)
    assert number == 1 or samples.needed_samples(number, stages, rate) <= held


def test_more_positives_than_samples():
    findings, number = samples.check_count(130, Path("f.vec"), ASKED._replace(num_pos=2000))
    finding = only(findings)
    assert finding.severity == "aborts" and finding.where == "-numPos 2000"
    assert "130 samples" in finding.problem and f"-numPos {number}" in finding.mend
    assert number == 118  # 130 / (1.05 + 9 * 0.005)


def test_positives_that_run_out_at_a_later_stage():
    # 1000 + 9 stages that lose 5 = 1045; with 1022 the 5th stage (4) is the last that is filled.
    asked = ASKED._replace(num_pos=1000)
    finding = only(samples.check_count(1022, Path("f.vec"), asked)[0])
    assert "need 1045" in finding.problem and "about stage 5" in finding.problem
    assert samples.check_count(1045, Path("f.vec"), asked) == ([], None)


def test_size_that_is_not_the_vecs(tmp_path):
    save_vec(tmp_path / "f.vec", np.stack([noise(20, 20, seed) for seed in range(60)]))
    asked = ASKED._replace(width=24, height=24)
    findings, mended, vec = samples.check_vec_file(tmp_path / "f.vec", asked)
    assert "400 pixels" in findings[0].problem and findings[0].severity == "error"
    assert mended["-w"] == mended["-h"] == "20" and vec.samples.shape == (60, 20, 20)
    wide = asked._replace(width=40, height=9)
    assert samples.check_vec_file(tmp_path / "f.vec", wide)[1]["-w"] == "40"


def test_a_vec_that_claims_more_than_it_holds(tmp_path):
    data = render_vec(np.stack([noise(12, 12, seed) for seed in range(60)]))
    (tmp_path / "f.vec").write_bytes((99).to_bytes(4, "little") + data[4:])
    finding = only(samples.check_vec_file(tmp_path / "f.vec", ASKED)[0])
    assert "says 99 samples, the file holds 60" in finding.problem


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04 no vec at all", render_vec(noise(12, 12)[None])[:90]]
)
def test_what_is_no_vec(tmp_path, data):
    (tmp_path / "f.vec").write_bytes(data)
    assert samples.check_vec_file(tmp_path / "f.vec", ASKED)[0][-1].severity == "error"
    assert samples.check_vec_alone(tmp_path / "f.vec")[0].severity == "error"


def smooth(width: int, height: int, count: int = 20) -> np.ndarray:
    """Samples that look like pictures: a light spot whose place varies."""
    generator = np.random.default_rng(3)
    y, x = np.mgrid[:height, :width]
    spots = []
    for _ in range(count):
        cx, cy = generator.uniform(0.3, 0.7, 2) * (width, height)
        spots.append(255 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (width * height / 8)))
    return np.array(spots).astype(np.uint8)


def test_width_and_height_the_wrong_way_round():
    tall = smooth(20, 40)
    assert samples.check_shape(tall, Path("f.vec")) == []
    finding = only(samples.check_shape(tall.reshape(-1, 20, 40), Path("f.vec")))
    assert "-w 20 -h 40" in finding.mend
    assert samples.check_shape(np.stack([noise(12, 12)] * 3), Path("f.vec")) == []


def test_flat_samples_count_for_haar_only():
    stack = np.stack([noise(12, 12), np.full((12, 12), 7, np.uint8)])
    assert "1 of 2 samples" in only(samples.check_flat(stack, Path("f"), "HAAR")).problem
    assert samples.check_flat(stack, Path("f"), "LBP") == []


# --- numbers


def test_rates_of_exactly_one():
    findings, mended = settings.check_rates(1.0, 1.0)
    assert [finding.where for finding in findings] == ["-minHitRate 1", "-maxFalseAlarmRate 1"]
    assert mended == {"-minHitRate": "0.995", "-maxFalseAlarmRate": "0.5"}
    assert settings.check_rates(0.995, 0.5) == ([], {})


@pytest.mark.parametrize("num_neg, absurd", [(1, True), (500, False), (3000, False), (90000, True)])
def test_numbers_of_negatives(num_neg, absurd):
    assert bool(settings.check_balance(1000, num_neg)) == absurd


def test_buffers_beyond_the_memory():
    # The index buffer counts twice: 1000 + 2 * 2000
    finding = only(settings.check_buffers(1000, 2000, 4999).findings)
    assert "5000 MB" in finding.problem and not finding.here
    assert settings.check_buffers(1000, 2000, 5000) == ([], {})
    assert settings.check_buffers(10**6, 10**6, None) == ([], {})


def test_windows_are_counted_level_by_level():
    # 40 x 30 holds 17 * 7 windows of 24; 28.3 x 21.2 holds none, it is not high enough
    looks = [pictures.Look(Path("a"), (40, 30)), pictures.Look(Path("b"), None)]
    assert background.count_windows(looks, 24, 24) == 17 * 7
    # 48 x 48: 25 * 25, 33.9: 10 * 10 (whole places only), 24: 1
    assert background.count_windows([pictures.Look(Path("c"), (48, 48))], 24, 24) == 625 + 100 + 1


def test_supply_of_windows():
    assert settings.check_supply(10**6, 1000, 10, 0.5) == []
    # 1000 / 0.5^k > 100,000 from k = 7 on
    assert "stage 7" in only(settings.check_supply(100_000, 1000, 10, 0.5)).problem
    assert "only 300 different" in only(settings.check_supply(300, 1000, 10, 0.5)).problem


# --- lists of negatives


@pytest.mark.parametrize(
    "data, where, words",
    [
        (b"\xef\xbb\xbfa.png\n", "line 1", "byte order mark"),
        ("a.png\n".encode("utf-16"), "line 1", "UTF-16"),
        (b"a.png\r\nb.png\r\n", "line 1", "CRLF"),
        (b"a.png\n\nb.png\nc.png\n", "line 2", "misses 2 lines"),
        (b'a.png\n"b c.png"\n', "line 2", "quotes"),
        (b"a.png\nneg\\b.png\n", "line 2", "backslashes"),
    ],
)
def test_what_the_old_tools_stumble_over(data, where, words):
    finding = only(background.check_list_text(data, Path("bg.txt")))
    assert finding.where == f"bg.txt, {where}" and words in finding.problem and not finding.here


def test_a_list_as_it_should_be():
    assert background.check_list_text(b"# comment\na.png\nb c.png\n\n", Path("bg.txt")) == []


def test_unreadable_lines_name_the_places_tried(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "lists" / "a.png", 40, 40)
    (tmp_path / "lists" / "text.png").write_text("not a picture")
    bg = Path("lists/bg.txt")
    bg.write_text("a.png\ngone.png\ntext.png\nlost.png\n")
    findings, looks = check_background(bg, (24, 24), thorough=False)
    assert [look.size for look in looks] == [(40, 40), None, None, None]
    places, gone, text = findings
    assert places.severity == "aborts" and not places.here and "lines 1, 3" in places.where
    assert gone.where == "lists/bg.txt, lines 2, 4" and "'gone.png'" in gone.problem
    assert str(tmp_path / "gone.png") in gone.problem
    assert str(tmp_path / "lists" / "gone.png") in gone.problem
    assert text.where == "lists/bg.txt, line 3" and "not a picture" in text.problem


def test_a_list_in_which_nothing_can_be_read(tmp_path):
    (tmp_path / "bg.txt").write_text("gone.png\n")
    findings = check_background(tmp_path / "bg.txt", (24, 24), thorough=False).findings
    assert exit_code(findings) == 2 and findings[-1].severity == "error"


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "webp"])
def test_sizes_from_headers_are_those_of_the_decoded_pictures(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise(20, 30)).save(path, exif=exif)
    height, width = read_grey(path).shape
    assert read_size(path) == (width, height)
    assert (width, height) == ((30, 20) if orientation < 5 else (20, 30))


def test_truncated_pictures_are_found_by_a_thorough_look(tmp_path):
    whole = picture(tmp_path / "whole.png", 200, 200)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:9000])
    assert look_at([cut])[0].size == (200, 200)
    assert look_at([whole, cut], (24, 24))[0].size == (200, 200)
    assert "truncated" in look_at([cut], (24, 24))[0].problem


def test_pictures_smaller_than_the_window(tmp_path):
    looks = look_at([picture(tmp_path / "a.png", 23, 90), picture(tmp_path / "b.png", 90, 90)])
    finding = only(background.check_sizes(looks, 24, 24, "bg.txt"))
    assert finding.severity == "warning" and "a.png" in finding.problem
    assert background.check_sizes(looks, 24, 23, "bg.txt") == []
    assert only(background.check_sizes(looks[:1], 24, 24, "bg.txt")).severity == "error"


def test_duplicates_and_near_duplicates(tmp_path):
    first = picture(tmp_path / "a.png", 60, 80, 1)
    (tmp_path / "copy.png").write_bytes(first.read_bytes())
    brighter = np.clip(noise(60, 80, 1).astype(int) * 0.8 + 30, 0, 255).astype(np.uint8)
    Image.fromarray(brighter).save(tmp_path / "nearly.png")
    other = picture(tmp_path / "other.png", 60, 80, 2)
    paths = [first, tmp_path / "copy.png", tmp_path / "nearly.png", other, other]
    twice, copies, nearly = background.check_duplicates(look_at(paths, (24, 24)), "bg.txt")
    assert "other.png" in twice.problem and "1 picture listed" in twice.problem
    assert "copy.png is the same file as" in copies.problem
    assert "nearly.png shows nearly the same as" in nearly.problem
    assert background.check_duplicates(look_at([first, other], (24, 24)), "bg.txt") == []


@given(st.integers(0, 10**6))
def test_product_of_unit_rows_is_the_correlation(seed):
    pair = np.stack([noise(6, 5, seed), noise(6, 5, seed + 1)])
    rows = pictures.unit_rows(pair)
    expected = np.corrcoef(pair.reshape(2, -1))[0, 1]
    assert rows[0] @ rows[1] == pytest.approx(expected, abs=1e-5)


def test_positives_among_negatives(tmp_path):
    boxed = picture(tmp_path / "faces" / "a.png", 60, 80, 1)
    free = picture(tmp_path / "faces" / "free.png", 60, 80, 2)
    copy = tmp_path / "negatives" / "copy.png"
    copy.parent.mkdir()
    copy.write_bytes(boxed.read_bytes())
    clean = picture(tmp_path / "negatives" / "clean.png", 60, 80, 3)
    annotations = [
        Annotation(str(boxed), np.array([[1, 2, 30, 30], [5, 5, 9, 9]], np.int32)),
        Annotation(str(free), np.zeros((0, 4), np.int32)),
    ]
    for guilty in (boxed, copy):
        looks = look_at([clean, free, guilty])
        finding = only(background.check_positives_among(looks, annotations, "bg.txt"))
        assert f"{guilty} has 2 annotated boxes" in finding.problem
        assert "1 picture of" in finding.problem
    assert background.check_positives_among(look_at([clean, free]), annotations, "bg.txt") == []


def test_samples_among_negatives(tmp_path):
    looks = look_at([picture(tmp_path / f"{n}.png", 48, 48, n) for n in range(3)], (24, 24))
    positives = np.stack([looks[1].thumbnail, noise(24, 24, 9)])
    finding = only(background.check_samples_among(looks, positives, "bg.txt"))
    assert "1.png" in finding.problem and finding.problem.startswith("1 negative is")


# --- annotated pictures


def test_boxes_outside_pictures_and_lines_that_do_not_fit(tmp_path):
    picture(tmp_path / "a b.png", 60, 80)
    info = tmp_path / "info.dat"
    info.write_text(
        "a b.png 1 0 0 80 60\na b.png 1 1 0 80 60\na b.png 2 1 1 30 30\n"
        "a b.png 1 -1 0 30 30\ngone.png 1 0 0 30 30\na b.png 1 0 0 9 9\na b.png 0\n"
    )
    findings, boxes = check_info(info, (24, 24))
    assert boxes == 5
    by_place = {finding.where: finding for finding in findings}
    assert by_place[f"{info}, line 3"].severity == "error"
    assert "no such file" in by_place[f"{info}, line 5"].problem
    outside = by_place[f"{info}, lines 2, 4"]
    assert "box 1 0 80 60 leaves 'a b.png', which has 80 x 60 pixels" in outside.problem
    assert "smaller than the window" in by_place[f"{info}, line 6"].problem
    assert "without a box" in by_place[f"{info}, line 7"].problem
    assert len(findings) == 5


def test_many_malformed_lines_are_summed_up():
    lines, findings = annotated.read_lines(b"a.png\n" * 30, Path("info.dat"))
    assert lines == [] and len(findings) == 6 and findings[-1].problem.startswith("25 more")


# --- before a run


def test_a_run_stops_at_errors_and_is_told_only_what_concerns_it():
    old = Finding("aborts", "a", "old", "mend", here=False)
    new = Finding("aborts", "b", "new", "mend")
    told: list[str] = []
    report_before_run([old, new], told.append)
    assert told == ["OpenCV 3.4 fails: b: new; mend"]
    errors = [Finding("error", place, "wrong", "mend it") for place in "cd"]
    told.clear()
    with pytest.raises(UserError, match="^c: wrong; mend it$"):
        report_before_run([old, new, *errors], told.append)
    assert told == ["error: d: wrong; mend it"]


def test_exit_codes():
    warning = Finding("warning", "a", "b", "c")
    assert exit_code([]) == 0 and exit_code([warning]) == 1
    assert exit_code([warning, Finding("aborts", "a", "b", "c")]) == 2
