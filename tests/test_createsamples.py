"""opencv_createsamples' command lines against what OpenCV 3.4.18's own program made of them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from cvbaseline.errors import UserError
from cvbaseline.formats.vec import load_vec, save_vec
from cvbaseline.old_tools.createsamples import CreatesamplesOptions, main
from cvbaseline.old_tools.perspective import transform_to_rectangle, warp_into
from cvbaseline.old_tools.sample_distortion import Distorter

GOLDEN = Path(__file__).parent / "data" / "createsamples"
README = (GOLDEN / "README.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line)[1:] for line in re.findall("^opencv_createsamples.*", README, re.M)]
TO_VEC = [words for words in COMMANDS if "-vec" in words]
TO_PICTURES = [words for words in COMMANDS if "-vec" not in words]


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The golden folder's input as the working directory."""
    folder = tmp_path / "samples"
    shutil.copytree(GOLDEN, folder, ignore=shutil.ignore_patterns("*.vec", "placed", "scaled"))
    shutil.copytree(
        GOLDEN.parent / "traincascade" / "backgrounds", tmp_path / "traincascade" / "backgrounds"
    )
    monkeypatch.chdir(folder)
    return folder


def value_of(words: list[str], flag: str) -> str:
    return words[words.index(flag) + 1]


@pytest.mark.parametrize("words", TO_VEC, ids=lambda words: value_of(words, "-vec"))
def test_samples_are_the_old_ones_byte_for_byte(pictures, words):
    assert main(words) == 0
    name = value_of(words, "-vec")
    assert Path(name).read_bytes() == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("words", TO_PICTURES, ids=lambda words: value_of(words, "-info"))
def test_test_pictures_are_the_old_ones(pictures, words):
    assert main(words) == 0
    folder = Path(value_of(words, "-info")).parent
    expected = {path.name for path in (GOLDEN / folder).iterdir()}
    assert {path.name for path in folder.iterdir()} == expected
    assert (folder / "info.lst").read_bytes() == (GOLDEN / folder / "info.lst").read_bytes()
    for name in expected - {"info.lst"}:
        made, old = cv2.imread(str(folder / name), 0), cv2.imread(str(GOLDEN / folder / name), 0)
        assert np.array_equal(made, old)


def test_a_tutorial_word_for_word(pictures, capsys):
    """pythonprogramming.net's two commands: test pictures, then samples of them."""
    shutil.copy("thing.png", "watch5050.jpg")
    first = (
        "-img watch5050.jpg -bg bg.txt -info info/info.lst -pngoutput info "
        "-maxxangle 0.5 -maxyangle 0.5 -maxzangle 0.5 -num 1950"
    )
    assert main(first.split()) == 0
    assert "made 4 of 1950 test pictures" in capsys.readouterr().out
    assert main("-info info/info.lst -num 1950 -w 20 -h 20 -vec positives.vec".split()) == 0
    assert "made 4 of 1950 samples" in capsys.readouterr().out
    vec = load_vec(Path("positives.vec"), 20, 20)
    assert vec.claimed == len(vec.samples) == 4  # the old program claimed 1950
    line = Path("info/info.lst").read_text().splitlines()[2].split()
    x, y, w, h = map(int, line[2:])
    picture = cv2.imread(f"info/{line[0]}", 0)
    expected = cv2.resize(picture[y : y + h, x : x + w], (20, 20), interpolation=cv2.INTER_AREA)
    assert np.array_equal(vec.samples[2], expected)


def test_the_flag_without_its_dash_is_taken_with_a_warning(pictures, capsys):
    words = "-img thing.png -vec a.vec -num 3 -maxyangle 1.1 maxzangle 0.2".split()
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "maxzangle is taken as -maxzangle: its dash is missing" in shown.err
    assert "Max z angle: 0.2" in shown.out


def test_a_seed_gives_its_samples_again_and_another_gives_others(pictures):
    for name, seed in (("a.vec", "5"), ("b.vec", "5"), ("c.vec", "6")):
        words = ["-img", "thing.png", "-bg", "bg.txt", "-num", "30", "-rngseed", seed]
        assert main([*words, "-vec", name]) == 0
    first, again, other = (Path(name).read_bytes() for name in ("a.vec", "b.vec", "c.vec"))
    assert first == again != other


def test_what_cannot_be_used_is_named_and_left_out(pictures, capsys):
    Path("list.dat").write_text(
        "grey.png 1 0 0 20 20\nno-such.png 1 0 0 5 5\ngrey.png one box\n"
        "grey.png 2 60 50 20 20 5 5 10 10\n\n"
    )
    assert main("-info list.dat -vec a.vec -w 10 -h 10".split()) == 0
    out = capsys.readouterr().out
    assert "list.dat, line 2: left out: no-such.png: cannot be opened" in out
    assert "list.dat, line 3: expected `path n x y w h ...`, found 'grey.png one box'" in out
    assert "list.dat, line 4: left out: box 1 (60 50 20 20) is not inside grey.png" in out
    assert "70 x 60 pixels" in out
    assert "made 2 of 1000 samples asked for: list.dat lists 4, 3 left out" in out
    grey = cv2.imread("grey.png", 0)
    samples = load_vec(Path("a.vec"), 10, 10).samples
    for sample, place in zip(samples, (grey[:20, :20], grey[5:15, 5:15])):
        assert np.array_equal(sample, cv2.resize(place, (10, 10), interpolation=cv2.INTER_AREA))


def test_squeezed_boxes_are_counted(pictures, capsys):
    Path("list.dat").write_text("grey.png 3 0 0 20 20 0 0 20 40 0 0 21 20\n")
    assert main("-info list.dat -vec a.vec -w 10 -h 10".split()) == 0
    assert "1 of 3 boxes are not of the shape 10:10" in capsys.readouterr().out


def test_more_boxes_than_asked_for_are_told(pictures, capsys):
    assert main("-info info.dat -vec a.vec -num 4 -w 10 -h 10".split()) == 0
    assert "info.dat lists 10 boxes: -num 10 takes them all" in capsys.readouterr().out
    assert len(load_vec(Path("a.vec"), 10, 10).samples) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-info empty.dat -vec a.vec", "empty.dat gave no sample, a.vec is not written"),
        ("-info no-such.dat -vec a.vec", "no-such.dat cannot be read"),
        ("-img thing.png", "-img needs -vec out.vec"),
        ("-num 5", "nothing to do"),
        ("-vec a.vec -nmu 5", "unknown argument -nmu: did you mean -num?"),
        ("-info info.dat -vec a.vec -num many", "-num needs a whole number, not 'many'"),
        ("-img thing.png -vec a.vec -maxxangle 45", "45 degrees are 0.785"),
        ("-img thing.png -vec a.vec -bgcolor 255 -bgthresh 255", "all of it is transparent"),
        ("-img thing.png -vec a.vec -bg nothing.txt", "nothing.txt lists no picture"),
        ("-img thing.png -vec a.vec -bg info.dat", "no picture that info.dat lists can be used"),
        ("-img thing.png -bg bg.txt -info a.lst -w 80 -h 80", "larger than 114 x 114"),
        ("-info info.dat -vec grey.png", "grey.png is there already and would be replaced"),
        ("-img thing.png -bg bg.txt -info info.dat", "info.dat is there already and would be"),
        ("-img missing.png -vec a.vec", "missing.png: cannot be opened"),
        ("-img thin.png -vec a.vec", "thin.png has 1 x 20 pixels"),
        ("-vec thing.png", "thing.png"),
        ("-info info.dat -vec a.vec -w", "-w needs a value after it"),
    ],
)
def test_a_mistake_is_one_line_exit_code_2_and_nothing_is_written(pictures, capsys, words, message):
    Path("empty.dat").write_text("# nothing\n\n")
    Path("nothing.txt").write_text("# nothing\n\n")
    cv2.imwrite("thin.png", np.arange(20, dtype=np.uint8).reshape(20, 1))
    before = {path: path.read_bytes() for path in pictures.rglob("*") if path.is_file()}
    assert main(words.split()) == 2
    error = capsys.readouterr().err.splitlines()
    assert message in error[-1] and error[-1].startswith("opencv_createsamples: ")
    assert {p: p.read_bytes() for p in pictures.rglob("*") if p.is_file()} == before


def test_the_old_list_may_be_written_again(pictures):
    words = "-img thing.png -bg bg.txt -info out/info.lst -num 2".split()
    assert main(words) == 0
    assert main([*words, "-rngseed", "9"]) == 0
    listed = [line.split()[0] for line in Path("out/info.lst").read_text().splitlines()]
    assert len(listed) == 2 and all((Path("out") / name).exists() for name in listed)


def test_pictures_of_another_list_are_not_replaced(pictures, capsys):
    assert main("-img thing.png -bg bg.txt -info out/a.lst -num 2".split()) == 0
    before = {path: path.read_bytes() for path in Path("out").iterdir()}
    assert main("-img grey.png -bg bg.txt -info out/b.lst -num 2".split()) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "is there already, and out/b.lst does not list it: give -info a new folder" in error
    assert {path: path.read_bytes() for path in Path("out").iterdir()} == before


def test_a_vec_is_extracted_and_reads_back(pictures, capsys):
    samples = np.random.default_rng(0).integers(0, 256, (12, 9, 7)).astype(np.uint8)
    save_vec(Path("a.vec"), samples)
    assert main("-vec a.vec -w 7 -h 9 -extract some/folder".split()) == 0
    made = sorted(Path("some/folder").iterdir())
    assert [path.name for path in made][:2] == ["0001.png", "0002.png"] and len(made) == 12
    assert all(np.array_equal(cv2.imread(str(p), 0), s) for p, s in zip(made, samples))
    assert main("-vec a.vec -w 7 -h 9 -extract some/folder".split()) == 2
    assert "not empty" in capsys.readouterr().err


def test_a_contact_sheet_shows_every_sample(pictures, capsys):
    samples = np.stack([np.full((9, 7), grey, np.uint8) for grey in range(40, 240, 20)])
    save_vec(Path("a.vec"), samples)
    assert main("-vec a.vec -w 7 -h 9 -show 3".split()) == 0
    assert "a.vec.png shows 10 of 10 samples" in capsys.readouterr().out
    sheet = cv2.imread("a.vec.png", 0)
    for grey in range(40, 240, 20):
        assert (sheet[:, 56:] == grey).sum() == 9 * 7 * 3 * 3
    Path("a.vec.png").write_bytes(b"mine")
    assert main("-vec a.vec -w 7 -h 9 -show 3".split()) == 0
    assert Path("a.vec.png").read_bytes() == b"mine" and Path("a.vec-2.png").exists()


def test_a_vec_of_another_size_is_guessed_to_be_square(pictures, capsys):
    save_vec(Path("a.vec"), np.zeros((2, 8, 8), np.uint8))
    assert main(["-vec", "a.vec"]) == 0
    out = capsys.readouterr().out
    assert "found samples of 64 pixels" in out and "taken as 8 x 8" in out
    save_vec(Path("b.vec"), np.zeros((2, 5, 8), np.uint8))
    assert main(["-vec", "b.vec"]) == 2
    assert "8 x 5, 5 x 8" in capsys.readouterr().err


def test_small_backgrounds_hold_the_object_whole(pictures):
    """The old program took the first background's room for all and died on a smaller one."""
    cv2.imwrite("small.png", np.full((30, 26), 90, np.uint8))
    cv2.imwrite("tiny.png", np.full((12, 12), 90, np.uint8))
    Path("sizes.txt").write_text("../traincascade/backgrounds/0.png\nsmall.png\ntiny.png\n" * 10)
    assert main("-img thing.png -bg sizes.txt -info s/info.lst -w 20 -h 20 -num 30".split()) == 0
    sizes = set()
    for line in Path("s/info.lst").read_text().splitlines():
        name, _, x, y, w, h = line.split()
        rows, columns = cv2.imread(f"s/{name}", 0).shape
        assert int(x) + int(w) <= columns and int(y) + int(h) <= rows
        sizes.add((columns, rows))
    assert sizes == {(90, 75), (26, 30)}


@pytest.mark.parametrize("seed", range(4))
def test_objects_turned_upside_down_are_placed_within_their_boxes(pictures, seed):
    """The old program died of some of these turns."""
    cv2.imwrite("white.png", np.full((20, 20), 255, np.uint8))
    cv2.imwrite("black.png", np.zeros((90, 100), np.uint8))
    Path("black.txt").write_text("black.png\n" * 30)
    words = "-img white.png -bg black.txt -info s/a.lst -num 30 -maxzangle 3.1 -maxidev 0".split()
    words += ["-maxxangle", "0.2", "-maxyangle", "0.2", "-rngseed", str(seed)]
    assert main(words) == 0
    lines = Path("s/a.lst").read_text().splitlines()
    assert len(lines) == 30
    for line in lines:
        x, y, w, h = map(int, line.split()[2:])
        picture = cv2.imread("s/" + line.split()[0], 0) > 60
        assert picture[y : y + h, x : x + w].sum() >= 0.98 * picture.sum() > 0


def test_after_ctrl_c_the_list_names_the_pictures_that_are_there(pictures, monkeypatch, capsys):
    from cvbaseline import images

    write, written = images.write_picture, []

    def interrupted(path, picture):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path.name)
        write(path, picture)

    monkeypatch.setattr(images, "write_picture", interrupted)
    assert main("-img thing.png -bg bg.txt -info s/a.lst -num 4".split()) == 130
    assert "interrupted" in capsys.readouterr().err
    listed = [line.split()[0] for line in Path("s/a.lst").read_text().splitlines()]
    assert listed == written and len(listed) == 2


def test_after_ctrl_c_the_vec_holds_the_samples_that_were_made(pictures, monkeypatch, capsys):
    words = "-img thing.png -bg bg.txt -num 30".split()
    assert main([*words, "-vec", "whole.vec"]) == 0
    place, placed = Distorter.place, []

    def interrupted(self, ground, inverse, inscribe):
        if len(placed) == 7:
            raise KeyboardInterrupt
        placed.append(place(self, ground, inverse, inscribe))
        return placed[-1]

    monkeypatch.setattr(Distorter, "place", interrupted)
    assert main([*words, "-vec", "part.vec"]) == 130
    whole, part = (load_vec(Path(name), 24, 24) for name in ("whole.vec", "part.vec"))
    assert part.claimed == 7 and np.array_equal(part.samples, whole.samples[:7])
    assert "made 7 samples" in capsys.readouterr().out


def test_a_perspective_agrees_with_opencvs_own():
    """Within a quadrangle, but for rounding: this one cuts to whole numbers, OpenCV rounds."""
    source = cv2.GaussianBlur(cv2.imread(str(GOLDEN / "grey.png"), 0), (0, 0), 2)
    rows, columns = source.shape
    quad = np.array([[12.3, 9.1], [88.2, 20.7], [80.4, 75.9], [6.6, 60.2]])
    rectangle = np.array([[0, 0], [columns - 1, 0], [columns - 1, rows - 1], [0, rows - 1]])
    transform = transform_to_rectangle(quad, columns - 1, rows - 1)
    expected = cv2.getPerspectiveTransform(quad.astype(np.float32), rectangle.astype(np.float32))
    assert np.allclose(transform, expected, rtol=1e-4, atol=1e-6)
    ground = np.full((90, 100), 7, np.uint8)
    made = warp_into(source, quad, ground)
    whole = cv2.warpPerspective(source, np.linalg.inv(transform), (100, 90)).astype(int)
    y, x = np.mgrid[:90, :100]
    depth = np.array(
        [[cv2.pointPolygonTest(quad.astype(np.float32), (int(i), int(j)), True) for i in x[0]]
         for j in y[:, 0]]
    )  # fmt: skip
    assert (np.abs(made - whole)[depth > 2] <= 2).all()
    assert (made[depth < -2] == 7).all() and (ground == 7).all()


def test_a_quadrangle_that_is_folded_is_refused():
    folded = np.array([[0, 0], [10, 0], [0, 10], [10, 10]], float)
    assert warp_into(np.zeros((5, 5), np.uint8), folded, np.zeros((20, 20), np.uint8)) is None


def test_a_closed_pipe_is_no_error(pictures):
    code = "from cvbaseline.old_tools.createsamples import main; raise SystemExit(main())"
    for words in ("", "-img thing.png -vec a.vec -num 3"):
        run = subprocess.run(
            f"{sys.executable} -c '{code}' {words} | true; echo ${{PIPESTATUS[0]}}",
            shell=True, capture_output=True, text=True, executable="/bin/bash",
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip
        assert run.stdout == "0\n" and "Error" not in run.stderr


def test_options_are_checked_before_anything_is_read():
    with pytest.raises(UserError, match="-num 0"):
        CreatesamplesOptions(num=0)
