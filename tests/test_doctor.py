"""`cvbaseline doctor` on command lines and folders with known mistakes."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cvbaseline.cli import main
from cvbaseline.doctor import Diagnosis, DoctorOptions, examine
from cvbaseline.errors import UserError

DATA = Path(__file__).parent / "data" / "traincascade"
GOOD = (
    "opencv_traincascade -data haar -vec faces.vec -bg bg.txt -w 12 -h 12 -featureType HAAR "
    "-mode ALL -bt DAB -maxDepth 2 -numPos 100 -numNeg 150 -numStages 5 -maxFalseAlarmRate 0.3 "
    "-minHitRate 0.99"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Samples, a list without mistakes, and a training of the old program."""
    for name in ("faces.vec", "backgrounds", "haar"):
        copy = shutil.copytree if (DATA / name).is_dir() else shutil.copy
        copy(DATA / name, tmp_path / name)
    (tmp_path / "bg.txt").write_text("".join(f"backgrounds/{n}.png\n" for n in range(4)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def diagnose(line: str) -> Diagnosis:
    return examine(DoctorOptions(command=[line]))


def wheres(diagnosis: Diagnosis) -> list[str]:
    return [finding.where for finding in diagnosis.findings]


def test_nothing_wrong(folder, capsys):
    assert main(["doctor", *GOOD.split()]) == 0
    assert capsys.readouterr().out == "nothing wrong found\n"
    assert main(["doctor", GOOD]) == 0
    assert main(["doctor", "haar"]) == 0


def test_every_mistake_of_a_line_is_named_and_corrected(folder, capsys):
    line = (
        "$ sudo opencv_traincascade -data new -vec faces.vec -bg bg.txt -numpos 2000 -numNeg 200 "
        "-numStages 4 maxDepth 1 -minHitRate 1 -foo 3 4 -mem 512 –featureType LBP "
        "-maxFalseAlarmRate 1.5"
    )
    assert main(["doctor", *line.split()]) == 2
    out = capsys.readouterr().out
    for words in (
        "-numpos: there is no such flag", "did you mean -numPos?", "write -maxDepth", "-foo: there",
        "-mem: it means nothing", "did you mean -featureType?", "-maxFalseAlarmRate: ",
        "-minHitRate 1: ", "use -w 12 -h 12", "holds only 130 samples", "mkdir -p",
    ):  # fmt: skip
        assert words in out
    corrected = re.search("^corrected: mkdir -p new && (.*)$", out, re.MULTILINE)[1]
    words = shlex.split(corrected)
    assert words[:2] == ["sudo", "opencv_traincascade"]
    flags = dict(zip(words[2::2], words[3::2]))
    # 130 samples for 4 stages of 0.995: 130 / (1.05 + 3 * 0.005)
    assert flags == {
        "-data": "new", "-vec": "faces.vec", "-bg": "bg.txt", "-numPos": "122", "-numNeg": "200",
        "-numStages": "4", "-maxDepth": "1", "-minHitRate": "0.995", "-featureType": "LBP",
        "-w": "12", "-h": "12",
    }  # fmt: skip
    Path("new").mkdir()
    assert diagnose(corrected).findings == []


@pytest.mark.parametrize(
    "words, where",
    [
        ("", "-vec"), ("-vec faces.vec -bg", "-bg"), ("-vec -bg bg.txt", "-vec"),
        ("-vec faces.vec -bg bg.txt -numPos ten", "-numPos"),
        ("-vec faces.vec -bg bg.txt -featureType HOG", "-featureType"),
    ],
)  # fmt: skip
def test_values_that_are_missing_or_wrong(folder, words, where):
    diagnosis = diagnose(f"opencv_traincascade -data d {words}")
    assert where in wheres(diagnosis) and diagnosis.exit_code == 2


def test_files_that_are_not_there(folder):
    diagnosis = diagnose("opencv_traincascade -data d -vec no.vec -bg no.txt")
    assert {"-vec no.vec", "no.txt"} <= set(wheres(diagnosis)) and diagnosis.exit_code == 2


def test_flags_of_haartraining(folder):
    diagnosis = diagnose(GOOD.replace("-maxFalseAlarmRate", "-maxfalsealarm") + " -err gini")
    assert wheres(diagnosis) == ["-maxfalsealarm", "-err"] and diagnosis.exit_code == 1
    assert "opencv_haartraining's name" in diagnosis.findings[0].problem
    assert sorted(diagnosis.corrected.split()) == sorted(GOOD.split())


def test_a_stale_params_xml(folder):
    diagnosis = diagnose(GOOD.replace("-maxDepth 2", "-maxDepth 1").replace("ALL", "BASIC"))
    stale = next(f for f in diagnosis.findings if f.where == str(Path("haar/params.xml")))
    assert "says -maxDepth 2 -mode ALL" in stale.problem
    assert "the command line's -maxDepth 1 -mode BASIC" in stale.problem
    assert "go on with its 4 stages" in stale.mend and diagnosis.exit_code == 1
    assert diagnosis.corrected == GOOD
    shutil.rmtree("haar")
    Path("haar").mkdir()
    assert diagnose(GOOD.replace("-maxDepth 2", "-maxDepth 1")).findings == []


def test_vec_and_bg_exchanged(folder):
    line = GOOD.replace("faces.vec", "*").replace("bg.txt", "faces.vec").replace("*", "bg.txt")
    diagnosis = diagnose(line)
    (finding,) = [finding for finding in diagnosis.findings if finding.where == "bg.txt"]
    assert finding.mend == "it is no .vec file: name one" and diagnosis.exit_code == 2


def test_an_output_folder_that_cannot_be(folder):
    Path("file").write_text("")
    for place in ("file", "file/below"):
        diagnosis = diagnose(GOOD.replace("-data haar", f"-data {place}"))
        assert diagnosis.exit_code == 2
        assert any(f.severity == "error" and place in f.where for f in diagnosis.findings)


def test_a_cascade_that_would_be_replaced(folder):
    Path("other").mkdir()
    shutil.copy("haar/cascade.xml", "other")
    diagnosis = diagnose(GOOD.replace("-data haar", "-data other"))
    assert wheres(diagnosis) == [str(Path("other/cascade.xml"))] and diagnosis.exit_code == 2
    assert examine(DoctorOptions(command=["other"])).findings == []


def test_nothing_left_to_train(folder):
    diagnosis = diagnose(GOOD.replace("-numStages 5", "-numStages 4"))
    assert wheres(diagnosis) == ["-numStages 4"] and diagnosis.exit_code == 1


def test_boxes_of_an_info_dat_beside_the_vec(folder):
    Path("info.dat").write_text("backgrounds/2.png 1 0 0 12 12\n")
    diagnosis = diagnose(GOOD)
    assert wheres(diagnosis) == ["bg.txt"]
    assert "backgrounds/2.png has 1 annotated box" in diagnosis.findings[0].problem


def test_lines_of_windows(folder):
    line = GOOD.replace("opencv_traincascade", r"C:\opencv\bin\opencv_traincascade.exe")
    line = line.replace("-bg bg.txt", "-bg .\\bg.txt ^\r\n")
    diagnosis = diagnose(line)
    assert "there is no such flag" not in " ".join(map(str, diagnosis.findings))
    assert any(r".\bg.txt" in where for where in wheres(diagnosis))


def test_the_program_may_come_through_python(folder):
    assert diagnose(GOOD.replace("opencv_", "python -m cvbaseline ")).findings == []


@pytest.mark.parametrize(
    "line",
    [
        "nohup {} &", "{}&", "{} && echo done", "{}; ls -l", "{} > log.txt 2>&1 &", "{} >log.txt",
        "{} 2>errors.txt", "{} | tee log.txt", "cd here && {}", "> {}", "{} < /dev/null",
    ],
)  # fmt: skip
def test_what_a_shell_keeps_for_itself_does_no_harm(folder, line):
    diagnosis = diagnose(line.format(GOOD))
    assert (diagnosis.findings, diagnosis.corrected) == ([], None)
    worse = diagnose(line.format(GOOD.replace("-numPos", "-numpos")))
    program = "nohup " if "nohup" in line else ""
    assert worse.corrected == program + GOOD


def test_an_operator_in_quotes_is_a_letter_like_any_other(folder):
    shutil.copy("faces.vec", "a & b>c.vec")
    assert diagnose(GOOD.replace("faces.vec", "'a & b>c.vec'")).findings == []


@pytest.mark.parametrize("words", [["ls", "-l"], ["no-such-folder"], [], ["   "], ['a "b']])
def test_what_is_no_command_of_the_old_tools(folder, words, capsys):
    assert main(["doctor", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("cvbaseline: ") and "\n" not in error


def test_createsamples(folder):
    Image.fromarray(np.zeros((40, 40), np.uint8)).save("a.png")
    Path("info.dat").write_text("a.png 2 0 0 24 24 10 10 24 24\na.png 1 20 20 24 24\n")
    line = "opencv_createsamples -info info.dat -vec out/f.vec -num 100 -w 24 -h 24 maxzangle 0.5"
    diagnosis = diagnose(line)
    assert wheres(diagnosis) == ["maxzangle", "info.dat, line 2", "-num 100", "-vec out/f.vec"]
    assert diagnosis.corrected == (
        "opencv_createsamples -info info.dat -vec out/f.vec -num 3 -w 24 -h 24 -maxzangle 0.5"
    )


@pytest.mark.parametrize(
    "words, where",
    [
        ("-img gone.png -vec f.vec", "-img gone.png"),
        ("-img backgrounds/0.png", "-img backgrounds/0.png"),
        ("-img backgrounds/0.png -bg gone.txt -vec f.vec", "gone.txt"),
        ("-info gone.dat -vec f.vec", "-info gone.dat"),
        ("-vec gone.vec", "-vec gone.vec"),
        ("-num 3", "the command line"),
    ],
)
def test_createsamples_that_cannot_work(folder, words, where):
    diagnosis = diagnose(f"createsamples {words}")
    assert where in wheres(diagnosis) and diagnosis.exit_code == 2


@pytest.mark.parametrize(
    "spoil, where, severity",
    [
        (lambda: Path("haar/params.xml").unlink(), "haar", "error"),
        (lambda: Path("haar/params.xml").write_text("<x>"), "haar/params.xml", "error"),
        (lambda: Path("haar/stage1.xml").write_text("<x>"), "haar/stage1.xml", "error"),
        (lambda: Path("haar/stage1.xml").unlink(), "haar", "warning"),
        (lambda: Path("haar/cascade.xml").unlink(), "haar", "warning"),
        (lambda: shutil.copy(DATA / "base/cascade.xml", "haar"), "haar/cascade.xml", "warning"),
    ],
)
def test_folders_of_trainings(folder, spoil, where, severity):
    spoil()
    findings = examine(DoctorOptions(command=["haar"])).findings
    assert [(f.where, f.severity) for f in findings] == [(str(Path(where)), severity)]


def test_folders_of_samples(folder):
    Path("info.dat").write_text("backgrounds/0.png 1 0 0 5000 5\n")
    Path("bg.txt").write_text("gone.png\n")
    found = wheres(examine(DoctorOptions(command=["."])))
    assert found == ["info.dat, line 1", "bg.txt, line 1", "bg.txt"]
    Path("empty").mkdir()
    with pytest.raises(UserError, match="name the folder of -data"):
        examine(DoctorOptions(command=["empty"]))


def test_num_pos_auto(folder, capsys):
    line = GOOD.replace("-numPos 100", "-numPos auto").replace("-data haar", "-data new")
    Path("new").mkdir()
    assert diagnose(line).findings == []
    assert main(["traincascade", *line.split()[1:], "-numStages", "2"]) == 0
    # 130 / (1.05 + 1 * 0.01) = 122.6
    assert "numPos: 122\n" in capsys.readouterr().out
    assert "-numPos: needs" in " ".join(map(str, diagnose(line.replace("auto", "some")).findings))


def test_traincascade_stops_at_what_cannot_work(folder, capsys):
    Path("bg.txt").write_text("gone.png\n")
    assert main(["traincascade", *GOOD.split()[1:]]) == 2
    assert "bg.txt: no picture in it can be read" in capsys.readouterr().err


def test_cascade_train_looks_at_its_pictures_first(folder, capsys):
    for number in range(12):
        noise = np.random.default_rng(number).integers(0, 256, (30, 30), np.uint8)
        Path("faces").mkdir(exist_ok=True)
        Image.fromarray(noise).save(f"faces/{number}.png")
    words = "cascade train --positives faces --output out --stages 1 --num-positives 10 "
    words += "--num-negatives 10 --augment none --hold-out 0 --width 12 --height 12 --negatives "
    assert main([*words.split(), "faces", "backgrounds"]) in (0, 2)
    assert "12 pictures of the negatives show the object" in capsys.readouterr().err
    Path("tiny").mkdir()
    Image.fromarray(np.zeros((5, 5), np.uint8)).save("tiny/a.png")
    assert main([*words.split(), "tiny"]) == 2
    assert "all pictures are smaller than the window" in capsys.readouterr().err
