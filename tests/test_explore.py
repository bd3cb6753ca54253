"""The survey counts what was put there, and its page shows it safely."""

import csv

import numpy as np
import pytest
from small_faces import mood_faces

from cvbaseline.errors import UserError
from cvbaseline.exploring.explore import ExploreOptions, explore
from cvbaseline.images import write_picture

FACES, _ = mood_faces(12, 40)
RNG = np.random.default_rng(0)
# Noise is never a near copy of other noise.
NOISE = RNG.integers(0, 256, (12, 40, 40)).astype(np.uint8)


def put(folder, **classes):
    """Pictures in a folder for each class."""
    for name, pictures in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pictures):
            write_picture(folder / name / f"{number}.png", picture)
    return folder


def look(data, out, **more):
    lines = []
    options = ExploreOptions(data=data, out=out, size=40, **more)
    return explore(options, tell=lines.append), lines


def test_counts_copies_conflicts_and_unreadable_files(tmp_path):
    glad = [NOISE[0], NOISE[1], NOISE[0], np.full((40, 40), 90, np.uint8)]
    data = put(tmp_path / "data", glad=glad, sad=[NOISE[0], NOISE[2]])
    (data / "sad" / "broken.png").write_bytes(b"\x89PNG no more")
    found, lines = look(data, tmp_path / "out")
    assert found.counts.tolist() == [4, 2] and found.parts == ()
    assert [cluster.members.tolist() for cluster in found.clusters] == [[0, 2, 4]]
    assert found.clusters[0].conflicting and not found.clusters[0].across
    assert (found.repeated, found.contradictions) == (2, 1)
    assert found.flat.tolist() == [3]
    text = "\n".join(lines)
    assert "6 faces of 2 classes." in text
    assert "copies with different classes: 1 (1 although equal in every pixel)" in text
    assert "Copies of other faces: 2 (2 equal in every pixel, 0 nearly so)" in text
    assert "next to nothing, one shade: 1." in text and "broken.png" in text
    assert "All faces have 40 x 40 pixels" in text
    with open(tmp_path / "out" / "copies.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == ["glad", "glad", "sad"]
    assert {row["set"] for row in rows} == {"1"} and len({row["content"] for row in rows}) == 1


def test_parts_and_copies_across_them(tmp_path):
    put(tmp_path / "data" / "train", glad=NOISE[:3], sad=NOISE[3:6])
    data = put(tmp_path / "data" / "test", glad=NOISE[2:4]).parent
    found, lines = look(data, tmp_path / "out")
    assert found.parts == ("test", "train") and found.counts.tolist() == [[2, 3], [0, 3]]
    assert all(cluster.across for cluster in found.clusters) and len(found.clusters) == 2
    assert sum(cluster.conflicting for cluster in found.clusters) == 1
    assert any("copies in more than one part: 2." in line for line in lines)


def test_sizes_and_groups(tmp_path):
    data = put(tmp_path / "data" / "x", anna=[NOISE[0], NOISE[1][:20]], bert=[NOISE[2]]).parent
    found, lines = look(data, tmp_path / "out", group_by="folder:2")
    assert found.groups.tolist() == [2]
    assert (found.sizes.smallest, found.sizes.largest) == ((40, 20), (40, 40))
    assert (found.sizes.enlarged, found.sizes.oblong) == (1, 1)
    assert any("3 faces of 1 classes in 2 groups" in line for line in lines)


def test_means_are_means(tmp_path):
    found, _ = look(put(tmp_path / "data", a=FACES[:9], b=FACES[9:]), tmp_path / "out")
    from cvbaseline.exploring.report import make_report

    report = make_report(found, "data", True, "cvbaseline explore data", 0)
    (section,) = (one for one in report.sections if one.title == "Mean and spread")
    means = section.blocks[0].pictures
    assert np.abs(means[0] - FACES[:9].mean(axis=0)).max() <= 0.5 + 1e-4
    spreads = [FACES[:9].std(axis=0), FACES[9:].std(axis=0)]
    spread = spreads[1] * 255 / np.max(spreads)
    assert np.abs(section.blocks[1].pictures[1] - spread).max() <= 0.5 + 1e-2


def test_names_are_escaped_and_pictures_can_be_left_out(tmp_path):
    data = put(tmp_path / "data", **{"a<b>&": FACES[:3], "c": FACES[3:6]})
    look(data, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "a&lt;b&gt;&amp;" in page and "a<b>" not in page and page.count("<img") >= 10
    look(data, tmp_path / "out", pictures=False)
    assert "<img" not in (tmp_path / "out" / "report.html").read_text()


def test_classes_that_look_like_formulas_are_disarmed_in_the_list(tmp_path):
    data = put(tmp_path / "data", **{"=a": FACES[:1], "c": FACES[:1]})
    look(data, tmp_path / "out")
    with open(tmp_path / "out" / "copies.csv", newline="") as file:
        assert [row["class"] for row in csv.DictReader(file)] == ["'=a", "c"]


def test_files_of_others_are_left_alone(tmp_path):
    data = put(tmp_path / "data", a=FACES[:1])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.html").write_text("mine")
    with pytest.raises(UserError, match="is not from explore"):
        look(data, tmp_path / "out")
    assert (tmp_path / "out" / "report.html").read_text() == "mine"
