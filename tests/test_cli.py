"""The command line as users call it: help, mistakes in one line, exit codes, lightness."""

import os
import subprocess
import sys
from dataclasses import MISSING, fields
from importlib import import_module

import pytest

from cvbaseline import __version__, cli

HEAVY = ("cv2", "sklearn", "skimage", "numba", "matplotlib", "scipy", "joblib", "keras")


def options_class(name):
    module, attribute = cli.COMMANDS[name].options.split(":")
    return getattr(import_module(f"cvbaseline.{module}"), attribute)


def loaded_by(code):
    script = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()[-1].split()


def test_import_and_help_load_nothing_heavy():
    assert loaded_by("import cvbaseline") == []
    assert loaded_by("from cvbaseline.cli import main\nmain(['--help'])") == []


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_verbs_help_loads_nothing_heavy(name):
    words = [*name.split(), "--help"]
    code = f"from cvbaseline.cli import main\ntry: main({words!r})\nexcept SystemExit: pass"
    assert loaded_by(code) == []


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_names_every_option_with_its_meaning_and_default(name, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([*name.split(), "--help"])
    assert left.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for field in fields(options_class(name)):
        assert field.metadata.get("help"), f"{name}: {field.name} has no help"
        flag = field.metadata.get("args", [f"--{field.name.replace('_', '-')}"])[0]
        if field.default is True:
            flag = field.metadata.get("args", [f"--no-{field.name.replace('_', '-')}"])[0]
        metavar = field.metadata.get("metavar")
        assert flag in shown or str(metavar) in shown
        if field.default not in (MISSING, None, True, False, ()):
            words = field.default if isinstance(field.default, tuple) else [field.default]
            assert f"(default: {' '.join(map(str, words))})" in shown, f"{name}: {field.name}"


def test_module_and_console_script_are_the_same_program():
    module = subprocess.run(
        [sys.executable, "-m", "cvbaseline", "--version"], capture_output=True, text=True
    )
    assert (module.returncode, module.stdout) == (0, f"cvbaseline {__version__}\n")
    assert cli.main(["--version"]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["sort", "", "--mode", "move"],
        ["sort", "here", "--out", ""],
        ["detect", "here", ""],
        ["crop", "here", "--cascade="],
        ["draw", "--out", ""],
    ],
)
def test_an_empty_name_is_not_the_current_folder(words, tmp_path, monkeypatch, capsys):
    (tmp_path / "here").mkdir()
    (tmp_path / "mine.png").write_text("a picture of mine")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    told = capsys.readouterr().err
    assert left.value.code == 2
    assert "the name is empty" in told and told.count("\n") == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["here", "mine.png"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["srot", "x"], "did you mean sort?"),
        (["cascade"], "cvbaseline cascade needs one more word: cascade train"),
        (["info"], "the following arguments are required"),
        (["detect", "x.png", "--scale-fcator", "1.2"], "did you mean --scale-factor?"),
        (["detect", "x.png", "--min-neighbors", "many"], "invalid int value: 'many'"),
        (["detect", "there-is-no-such.png"], "does not exist"),
        (["detect", "x.png", "--scale-factor", "1.0"], "scale"),
        (["detect", "x.png", "--min-neighbors", "2147483648"], "0 to 2147483647"),
        (["detect", "n" * 300], "File name too long"),
        (["sort", "n" * 300], "File name too long"),
        (["info", "there-is-no-such.xml"], "is not a file"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(argv, message):
    run = subprocess.run(
        [sys.executable, "-m", "cvbaseline", *argv], capture_output=True, text=True
    )
    assert run.returncode == 2
    assert run.stdout == ""
    assert message in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("written, meant", [
    ("--verify-above -1,1", "-1,1"),
    ("--verify-above -1-1:0.5 --jobs 2", "-1-1:0.5"),
    ("--verify-above -.5", "-.5"),
    ("--verify-above=-1,-2", "-1,-2"),
])  # fmt: skip
def test_lists_and_ranges_may_begin_below_zero(written, meant):
    options = cli.parse("sweep", ["a.dat", *written.split()])
    assert options.verify_above == meant
    assert options.pictures.name == "a.dat"


def test_ctrl_c_leaves_with_130(monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setitem(cli.COMMANDS, "info", cli.COMMANDS["info"]._replace(run=interrupted))
    assert cli.main(["info", "x"]) == 130
    assert "interrupted" in capsys.readouterr().err


# As installed: Python keeps what it could not write, and complains when it ends.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_behind_the_output_is_one_line():
    run = subprocess.run(
        f"{sys.executable} -m cvbaseline --help > /dev/full",
        shell=True, capture_output=True, text=True, env=BUFFERED,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (2, "cvbaseline: No space left on device\n")


@pytest.mark.skipif(os.name == "nt", reason="closes a stream as a POSIX shell does")
@pytest.mark.parametrize("ending", ["2>&-", "2>&1 >/dev/null | true"])
def test_sorting_goes_on_when_nobody_reads_the_remarks(ending, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_text("a")
    script = tmp_path / "sort.py"
    script.write_text(
        "import sys, time\n"
        "from cvbaseline.commands import warn\n"
        "from cvbaseline.sorting.emotion_decision import Decision\n"
        "from cvbaseline.sorting.sort import SortOptions, sort_pictures\n"
        "from pathlib import Path\n"
        "def decide(path): return Decision('no_face', 1, 1)\n"
        "decide.folders, decide.settings = (), {}\n"
        "time.sleep(0.2)\n"
        "for number in range(2): warn('a remark that nobody reads')\n"
        "sort_pictures(SortOptions(folder=Path(sys.argv[1])), warn, decide)\n"
    )
    run = subprocess.run(
        f"{sys.executable} {script} {tmp_path / 'in'} {ending}; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", env=BUFFERED, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "in_sorted" / "no_face" / "a.png").read_text() == "a"
    assert run.stdout == ""


def test_a_closed_pipe_is_no_error():
    run = subprocess.run(
        f"{sys.executable} -m cvbaseline --help | head -n 1; echo ${{PIPESTATUS[0]}}",
        shell=True, capture_output=True, text=True, executable="/bin/bash",
    )  # fmt: skip
    assert run.stdout.splitlines()[-1] == "0"
    assert "Traceback" not in run.stderr
