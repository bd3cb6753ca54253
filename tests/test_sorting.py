"""The file handling of sorting, with pictures whose text names the decision; see also
test_placing.py, test_manifest.py, test_emotion_decision.py and test_contact_sheet.py."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import cv2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvbaseline.errors import UserError
from cvbaseline.sorting import placing
from cvbaseline.sorting.emotion_decision import Decision
from cvbaseline.sorting.manifest import Face, load_manifest
from cvbaseline.sorting.sort import SortOptions, sort_pictures, summary


class TextDecider:
    """A "picture" is a text: its first word is the folder, "bad" cannot be read."""

    folders = ("happy", "sad")
    settings = {"unsure_below": 0.4}  # noqa: RUF012

    def __init__(self):
        self.asked = Counter()

    def __call__(self, path):
        self.asked[path.name] += 1
        word = path.read_bytes().split()[0].decode()
        if word == "bad":
            return Decision("", problem="no picture inside")
        if word == "no_face":
            return Decision("no_face", 40, 30)
        shares = {"happy": 0.6, "sad": 0.4} if word == "happy" else {"happy": 0.2, "sad": 0.8}
        return Decision(word, 40, 30, 0, (Face((1, 2, 10, 10), 3.5, shares),))


def fill(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def tree(folder):
    """Every file below a folder: relative path -> content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def results(out):
    """The sorted files alone."""
    own = ("manifest.json", "manifest.csv", "index.html", ".cvbaseline.lock")
    return {name: data for name, data in tree(out).items() if name not in own}


def sort(folder, decider=None, tell=None, **options):
    return sort_pictures(SortOptions(folder=folder, **options), tell, decider or TextDecider())


@pytest.fixture
def pictures(tmp_path):
    return fill(
        tmp_path / "pics",
        {
            "a.png": "happy a", "b.jpg": "sad b", "below/a.png": "happy below",
            "below/c.webp": "no_face c", "below/deep/d.gif": "unsure d", "broken.png": "bad",
            "notes.txt": "not a picture", ".hidden.png": "happy hidden", ".git/x.png": "happy x",
        },
    )  # fmt: skip


def test_every_picture_lands_once_and_originals_stay(pictures, tmp_path):
    before = tree(pictures)
    result = sort(pictures)
    assert tree(pictures) == before
    assert result.out == tmp_path / "pics_sorted"
    assert results(result.out) == {
        "happy/a.png": b"happy a", "happy/a-2.png": b"happy below", "sad/b.jpg": b"sad b",
        "no_face/c.webp": b"no_face c", "unsure/d.gif": b"unsure d",
    }  # fmt: skip
    assert [(r.picture, r.folder, r.problem) for r in result.records][-1] == (
        "../pics/broken.png", "", "no picture inside",
    )  # fmt: skip
    assert (result.new, result.search.others) == (5, 3)


names = st.sampled_from(["a.png", "A.png", "b.png", "x/a.png", "x/b.PNG", "y/a.png", "y/z/a.jpg"])
contents = st.sampled_from(["happy 1", "happy 2", "sad 1", "no_face 1", "unsure 1", "bad 1"])


@settings(max_examples=25, deadline=None)
@given(
    first=st.dictionaries(names, contents),
    second=st.dictionaries(names, contents),
    mode=st.sampled_from(["copy", "move", "link"]),
)
def test_any_two_runs_account_for_every_file(first, second, mode, tmp_path_factory):
    base = tmp_path_factory.mktemp("runs")
    folder = fill(base / "pics", first)
    folder.mkdir(exist_ok=True)
    sort(folder, mode=mode)
    if mode == "link":  # rewriting a hard-linked original in place would rewrite its result too
        shutil.rmtree(folder)
    fill(folder, second)
    folder.mkdir(exist_ok=True)
    sort(folder, mode=mode)
    again = sort(folder, mode=mode)
    seen = set(first.items()) | set(second.items())
    if mode == "move":
        seen = Counter(first.items()) + Counter(second.items())
        seen = seen.elements()
    expected = Counter((text.split()[0], text.encode()) for _, text in seen if text != "bad 1")
    out = base / "pics_sorted"
    found = results(out) if out.exists() else {}
    got = Counter((name.split("/")[0], data) for name, data in found.items())
    assert set(got) == set(expected)
    if mode == "copy":
        assert got == expected
    assert again.new == 0
    if mode != "move":
        assert {k: v.decode() for k, v in tree(folder).items()} == (
            {**first, **second} if mode == "copy" else second
        )
    else:
        assert {data for data in tree(folder).values()} <= {b"bad 1"}


def test_nothing_that_lies_in_the_output_is_overwritten(pictures, tmp_path):
    out = fill(tmp_path / "out", {"happy/a.png": "mine", "happy/a-2.png": "mine too"})
    sort(pictures, out=out)
    found = results(out)
    assert (found["happy/a.png"], found["happy/a-2.png"]) == (b"mine", b"mine too")
    assert (found["happy/a-3.png"], found["happy/a-4.png"]) == (b"happy a", b"happy below")


@pytest.mark.parametrize("name", ["index.html", "manifest.json", "manifest.csv"])
def test_foreign_files_under_our_names_are_refused(pictures, tmp_path, name):
    out = fill(tmp_path / "out", {name: "{}"})
    with pytest.raises(UserError, match=f"{name} exists and is not from sorting"):
        sort(pictures, out=out)
    assert results(out) == {} and tree(out)[name] == b"{}"


def test_a_lost_manifest_is_told_from_foreign_files(pictures):
    out = sort(pictures).out
    (out / "manifest.json").unlink()
    before = tree(out)
    with pytest.raises(UserError, match=r"manifest.json is missing, .* restore it or give another"):
        sort(pictures)
    assert tree(out) == before


def test_a_folder_that_cannot_be_listed(pictures, monkeypatch):
    """The folder itself is a mistake, one below it a remark."""
    closed, scan = pictures, os.scandir

    def scandir(folder):
        if folder == str(closed):
            raise PermissionError(13, "Permission denied", folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)  # root may list whatever chmod says
    with pytest.raises(UserError, match=r"pics cannot be listed \(Permission denied\)"):
        sort(pictures)
    assert not pictures.with_name("pics_sorted").exists()
    closed = pictures / "below"
    assert sort(pictures).search.closed_folders == ((closed, "Permission denied"),)


def test_what_cannot_be_written_is_not_called_unreadable(pictures, monkeypatch):
    def give_name(part, target, really=placing._give_name):
        if target.parent.name == "sad":  # as if it were read-only, which root would not notice
            raise PermissionError(13, "Permission denied")
        really(part, target)

    monkeypatch.setattr(placing, "_give_name", give_name)
    result = sort(pictures)
    text = summary(result)
    problem = f"cannot be put into {result.out / 'sad'} (Permission denied)"
    assert [r.problem for r in result.records if r.picture.endswith("b.jpg")] == [problem]
    assert "      1  not placed\n      1  unreadable\n" in text
    assert "not placed: " in text and "4 copied" in text and "sorted before" not in text
    page = (result.out / "index.html").read_text(encoding="utf-8")
    tables = page.split("<h2>Not placed")[1].split("<h2>Unreadable")
    assert ["cannot be put into" in table for table in tables] == [True, False]
    monkeypatch.undo()
    assert sort(pictures).new == 1


def test_originals_that_stay_after_a_move_are_counted(pictures, monkeypatch):
    def unlink(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(placing.os, "unlink", unlink)
    result = sort(pictures, mode="move")
    monkeypatch.undo()
    assert result.stayed == 5 and (pictures / "a.png").exists()
    text = summary(result)
    assert "5 originals could not be removed after the move" in text
    assert "5 sorted to" in text and "moved to" not in text


def test_a_result_moved_beside_the_folders_is_named_so(pictures):
    out = sort(pictures).out
    (out / "sad" / "b.jpg").rename(out / "b.jpg")
    text = summary(sort(pictures))
    assert "      1  beside the folders\n" in text
    assert "Beside the folders" in (out / "index.html").read_text()


def test_a_second_run_does_nothing(pictures):
    out = sort(pictures).out
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.???*") if path.is_file()}
    content = tree(out)
    decider = TextDecider()
    result = sort(pictures, decider)
    assert tree(out) == content
    assert result.new == 0 and set(decider.asked) == {"broken.png"}  # it may have been mended
    results_ = [path for path in before if path.parent != out]
    assert all(path.stat().st_mtime_ns == before[path] for path in results_)
    assert "0 copied" in summary(result) and "5 sorted before" in summary(result)


def test_new_changed_and_mended_pictures_are_sorted(pictures):
    out = sort(pictures).out
    fill(pictures, {"new.png": "sad new", "a.png": "sad changed", "broken.png": "happy mended"})
    result = sort(pictures)
    assert result.new == 3
    found = results(out)
    assert found["happy/a.png"] == b"happy a"  # the older version stays
    assert found["sad/a.png"] == b"sad changed"
    assert found["happy/broken.png"] == b"happy mended"
    records = load_manifest(out / "manifest.json").ordered()
    assert [r.picture for r in records if not r.folder] == []


def test_duplicates_are_placed_once_each(tmp_path):
    folder = fill(tmp_path / "pics", {"a.png": "happy", "b.png": "happy", "x/a.png": "happy"})
    for _ in range(2):
        out = sort(folder).out
        assert sorted(results(out)) == ["happy/a-2.png", "happy/a.png", "happy/b.png"]


def test_a_file_moved_by_hand_is_a_correction(pictures):
    out = sort(pictures).out
    (out / "mine").mkdir()
    os.rename(out / "happy/a.png", out / "mine/renamed.png")
    os.rename(out / "sad/b.jpg", out / "sad/other name.jpg")
    content = results(out)
    result = sort(pictures)
    assert results(out) == content and result.new == 0
    by_picture = {record.picture: record for record in result.records}
    moved = by_picture["../pics/a.png"]
    assert (moved.result, moved.folder, moved.sorted_as) == ("mine/renamed.png", "mine", "happy")
    assert moved.corrected and not by_picture["../pics/b.jpg"].corrected
    assert by_picture["../pics/b.jpg"].result == "sad/other name.jpg"
    assert "1 picture in the folder that you chose" in summary(result)
    assert load_manifest(out / "manifest.json").records[moved.key] == moved


@pytest.mark.parametrize("mode", ["copy", "link"])
def test_a_renamed_original_keeps_its_result_and_its_correction(pictures, mode):
    out = sort(pictures, mode=mode).out
    (out / "sad" / "b.jpg").rename(out / "happy" / "b.jpg")
    (pictures / "elsewhere").mkdir()
    (pictures / "b.jpg").rename(pictures / "elsewhere" / "c.jpg")
    (pictures / "a.png").rename(pictures / "z.png")
    content = results(out)
    result = sort(pictures, mode=mode)
    assert results(out) == content and result.new == 0
    found = {r.picture: r for r in load_manifest(out / "manifest.json").ordered()}
    assert "../pics/b.jpg" not in found and found["../pics/z.png"].result == "happy/a.png"
    assert found["../pics/elsewhere/c.jpg"].corrected
    shutil.copy(pictures / "z.png", pictures / "y.png")  # no second picture takes it over
    assert sort(pictures, mode=mode).new == 1


@pytest.mark.parametrize("first", ["copy", "move"])
def test_a_picture_equal_to_a_moved_one_is_another(pictures, first):
    sort(pictures, mode=first)
    out = sort(pictures, mode="move").out
    fill(pictures, {"again.png": "happy a"})
    assert sort(pictures, mode="move").new == 1
    assert results(out)["happy/again.png"] == results(out)["happy/a.png"] == b"happy a"


def test_a_correction_of_a_moved_picture_is_noted_without_its_original(pictures):
    out = sort(pictures, mode="move").out
    os.rename(out / "happy/a.png", out / "sad/a.png")
    assert sort(pictures, mode="move").records[0].picture == "../pics/broken.png"
    records = load_manifest(out / "manifest.json").records.values()
    assert [r.folder for r in records if r.picture == "../pics/a.png"] == ["sad"]


def test_a_removed_result_is_placed_again_without_deciding(pictures):
    out = sort(pictures).out
    content = results(out)
    (out / "happy/a.png").unlink()
    decider = TextDecider()
    result = sort(pictures, decider)
    assert results(out) == content and result.new == 1
    assert set(decider.asked) == {"broken.png"}


def test_moving_leaves_only_what_could_not_be_read(pictures):
    before = tree(pictures)
    result = sort(pictures, mode="move")
    left = tree(pictures)
    assert set(left) == {"broken.png", "notes.txt", ".hidden.png", ".git/x.png"}
    assert Counter(left.values()) + Counter(results(result.out).values()) == Counter(
        before.values()
    )
    assert "5 moved" in summary(result)


def test_moving_after_copying_removes_the_originals(pictures):
    out = sort(pictures).out
    content = results(out)
    sort(pictures, mode="move")
    assert results(out) == content
    assert "a.png" not in tree(pictures)


def no_links(monkeypatch, symlinks=True):
    def refuse(*args, **kwargs):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(placing.os, "link", refuse)
    if not symlinks:
        monkeypatch.setattr(placing.os, "symlink", refuse)


def test_moving_to_another_file_system(pictures, monkeypatch):
    before = Counter(tree(pictures).values())
    no_links(monkeypatch)
    out = sort(pictures, mode="move").out
    assert Counter(tree(pictures).values()) + Counter(results(out).values()) == before
    assert not any(path.is_symlink() for path in out.rglob("*"))
    assert "happy/a.png" in results(out)


def test_links_and_what_stands_in_for_them(pictures, tmp_path, monkeypatch):
    told = []
    sort(pictures, out=tmp_path / "hard", mode="link")
    assert os.path.samefile(tmp_path / "hard/happy/a.png", pictures / "a.png")
    assert not (tmp_path / "hard/happy/a.png").is_symlink()
    no_links(monkeypatch)
    sort(pictures, out=tmp_path / "soft", mode="link", tell=told.append)
    assert (tmp_path / "soft/happy/a.png").is_symlink()
    assert [line for line in told if "symbolic links instead" in line] == told != []
    no_links(monkeypatch, symlinks=False)
    sort(pictures, out=tmp_path / "none", mode="link", tell=told.append)
    assert not os.path.samefile(tmp_path / "none/happy/a.png", pictures / "a.png")
    assert "copies instead" in told[-1]


def test_moving_never_removes_what_a_symbolic_link_points_to(pictures, monkeypatch):
    with monkeypatch.context() as patch:
        no_links(patch)
        out = sort(pictures, mode="link").out
    before, told = tree(pictures), []
    sort(pictures, mode="move", tell=told.append)
    assert tree(pictures) == before
    assert any("stays where it is too" in line for line in told)
    assert results(out)["happy/a.png"] == b"happy a"


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_an_interruption_keeps_what_was_finished(tmp_path, mode):
    files = {f"{i:02}.png": f"happy {i}" for i in range(12)}
    folder = fill(tmp_path / "pics", files)

    class Interrupted(TextDecider):
        def __call__(self, path):
            if path.name == "07.png":
                raise KeyboardInterrupt
            return super().__call__(path)

    with pytest.raises(KeyboardInterrupt):
        sort(folder, Interrupted(), mode=mode, jobs=1)
    out = tmp_path / "pics_sorted"
    records = load_manifest(out / "manifest.json").ordered()
    assert {record.result for record in records} == set(results(out))
    assert len(records) == 7 and (out / "index.html").exists() and (out / "manifest.csv").exists()
    decider = TextDecider()
    sort(folder, decider, mode=mode)
    assert len(decider.asked) == 5
    assert results(out) == {f"happy/{name}": text.encode() for name, text in files.items()}


@pytest.mark.parametrize("mode", ["copy", "link", "move"])
def test_a_killed_run_is_taken_up_without_doing_things_twice(pictures, mode):
    """Killed after placing, before the manifest was written: results without records."""
    out = sort(pictures, mode=mode).out
    fill(pictures, {"a.png": "happy a", "b.jpg": "sad b"})  # as if not yet removed
    document = json.loads((out / "manifest.json").read_text())
    document["pictures"] = document["pictures"][3:]
    (out / "manifest.json").write_text(json.dumps(document))
    content = results(out)
    sort(pictures, mode=mode)
    assert results(out) == content
    assert {r.result for r in load_manifest(out / "manifest.json").ordered()} >= set(content) - {
        "happy/a-2.png" if mode == "move" else ""
    }


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_two_runs_at_once_share_out_nothing_twice(tmp_path, mode):
    files = {f"{i:02}.png": f"happy {i}" for i in range(20)}
    folder = fill(tmp_path / "pics", files)

    class Slow(TextDecider):
        def __call__(self, path):
            time.sleep(0.01)
            return super().__call__(path)

    told, done = [], []

    def run_once():
        done.append(sort(folder, Slow(), told.append, jobs=1, mode=mode))

    runs = [threading.Thread(target=run_once) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(result.new for result in done) == [0, 20]
    assert results(tmp_path / "pics_sorted") == {f"happy/{n}": t.encode() for n, t in files.items()}
    assert any("another run sorts into" in line for line in told)
    manifest = load_manifest(tmp_path / "pics_sorted" / "manifest.json")
    assert [record.folder for record in manifest.ordered()] == ["happy"] * 20


def test_outputs_loops_and_pipes(pictures, tmp_path):
    (pictures / "loop").symlink_to(pictures)
    (pictures / "nowhere.png").symlink_to(pictures / "missing")
    os.mkfifo(pictures / "pipe.png")
    out = pictures / "below/out"
    for _ in range(2):
        result = sort(pictures, out=out)
        assert len(result.records) == 8 and len(result.search.linked_folders) == 1
    elsewhere = sort(pictures, out=tmp_path / "second")
    assert elsewhere.search.earlier_outputs == (out,)
    reasons = {r.picture.split("/")[-1]: r.problem for r in elsewhere.records if not r.folder}
    assert reasons == {
        "broken.png": "no picture inside",
        "nowhere.png": "No such file or directory",
        "pipe.png": "it is not an ordinary file",
    }


def test_a_linked_picture_is_moved_as_a_link(pictures, tmp_path):
    elsewhere = fill(tmp_path / "elsewhere", {"z.png": "sad z"})
    (pictures / "z.png").symlink_to(elsewhere / "z.png")
    out = sort(pictures, mode="move").out
    assert results(out)["sad/z.png"] == b"sad z" == (elsewhere / "z.png").read_bytes()
    assert not (pictures / "z.png").is_symlink()


hostile = [
    "new\nline.png", "-rf.png", "=cmd|' '!A0.png", "<script>alert(1)<b>.png", 'quo"te\'.png',
    "日本 の画像.png", "n" * 251 + ".png", "back\\slash.png", "%41.png", "\u202egnp.png",
    os.fsdecode(b"bytes\xff\xfe.png"), "a,b;c.png", "a..png.png", " space .png",
]  # fmt: skip


def test_hostile_names_survive(tmp_path):
    folder = fill(tmp_path / "pics", {name: f"happy {i}" for i, name in enumerate(hostile)})
    fill(folder / "again", {name: f"happy again {i}" for i, name in enumerate(hostile)})
    for _ in range(2):
        result = sort(folder)
        assert len(results(result.out)) == 2 * len(hostile)
        assert result.new in (0, 2 * len(hostile)) and all(r.result for r in result.records)
        for record in result.records:
            original = result.out / record.picture
            assert (result.out / record.result).read_bytes() == original.read_bytes()
        assert len(summary(result).splitlines()) == 3
    assert sort(folder).new == 0


def test_a_dry_run_writes_nothing_and_says_what_would_be(pictures, tmp_path):
    before = tree(tmp_path)
    for mode in ("copy", "move", "link"):
        planned = sort(pictures, mode=mode, dry_run=True)
        assert tree(tmp_path) == before
    done = sort(pictures)
    assert [r.result for r in planned.records] == [r.result for r in done.records]
    text = summary(planned)
    assert "below/a.png -> happy/a-2.png" in text and "nothing written" in text
    fill(pictures, {"x/a.png": "happy 3"})
    content = tree(tmp_path)
    assert "x/a.png -> happy/a-3.png" in summary(sort(pictures, dry_run=True))
    assert tree(tmp_path) == content


def test_the_manifest_does_not_depend_on_the_jobs(pictures, tmp_path):
    one = sort(pictures, out=tmp_path / "one", jobs=1).out
    four = sort(pictures, out=tmp_path / "four", jobs=4).out
    assert tree(one) == tree(four)


def test_the_summary(pictures, monkeypatch):
    monkeypatch.chdir(pictures.parent)
    text = summary(sort(Path("pics")))
    assert text.splitlines() == [
        "6 pictures below pics: 5 copied to pics_sorted",
        "      2  happy",
        "      1  sad",
        "      1  unsure",
        "      1  no_face",
        "      1  unreadable",
        "unreadable: pics/broken.png: no picture inside",
        "3 other files left alone",
        "look at pics_sorted/index.html",
    ]


def test_settings_that_changed_are_told(pictures):
    sort(pictures)
    decider, told = TextDecider(), []
    decider.settings = {"unsure_below": 0.9}
    sort(pictures, decider, told.append)
    remark = "5 pictures sorted before with other settings left in place: "
    assert told == [remark + "give another --out to sort anew"]
    sort(pictures, tell=told.append)  # with the first settings again there is nothing to say
    assert len(told) == 1


def test_an_empty_folder_leaves_no_output(tmp_path):
    folder = fill(tmp_path / "pics", {"a.txt": "x"})
    assert "no picture below" in summary(sort(folder))
    assert not (tmp_path / "pics_sorted").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folder": Path("missing")}, "missing is not a folder"),
        ({"folder": Path("pics"), "out": Path("pics")}, "--out is the folder to sort itself"),
        ({"folder": Path("pics"), "out": Path("pics/a.png")}, "is a file"),
        ({"folder": Path("pics"), "out": Path("pics/mine")}, "pictures of the folder to sort"),
        ({"folder": Path("happy/pics"), "out": Path(".")}, "one of the output's own folders"),
        ({"folder": Path("pics"), "out": Path("taken")}, "taken/sad is not a folder"),
        ({"folder": Path("pics"), "out": Path("pics/a.png/out")}, "a.png/out cannot be used"),
    ],
)
def test_mistakes_are_one_line(pictures, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path, {
        "happy/pics/a.png": "happy", "taken/sad": "a file", "pics/mine/b.png": "sad",
    })  # fmt: skip
    before = tree(tmp_path)
    with pytest.raises(UserError, match=message):
        sort(**options)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("options", [{"unsure_below": 1.5}, {"unsure_below": -0.1}, {"jobs": 0}])
def test_values_are_checked(options):
    with pytest.raises(UserError, match="must"):
        SortOptions(folder=Path("pics"), **options)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to whole consoles only")
def test_ctrl_c_ends_the_program_while_threads_search_pictures(tmp_path):
    scene = Path(__file__).parents[1] / "training_samples" / "scenes" / "0001.jpg"
    large = cv2.resize(cv2.imread(str(scene)), None, fx=4, fy=4)
    (tmp_path / "in").mkdir()
    for number in range(80):  # all different: work for some ten seconds
        cv2.imwrite(str(tmp_path / "in" / f"{number}.jpg"), cv2.add(large, number))
    words = ["sort", tmp_path / "in", "--out", tmp_path / "out", "--jobs", "2"]
    run = subprocess.Popen(
        [sys.executable, "-m", "cvbaseline", *words],
        stderr=subprocess.PIPE,
        # A shell's background jobs, and what they start, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list(tmp_path.glob("out/*/*.jpg")):
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=60)[1].decode()
    assert run.returncode == 130  # and not an abort by a search that outlived the program
    assert "interrupted; what was finished is kept" in said
    assert 0 < len(list(tmp_path.glob("out/*/*.jpg"))) < 80
