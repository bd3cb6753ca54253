"""info.dat and bg.txt: OpenCV's rules, and the ways in which people write them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.annotations import (
    Annotation,
    load_background,
    load_info,
    parse_background,
    parse_info,
    render_info,
    resolve_picture,
    save_info,
)

GOLDEN = Path(__file__).parent / "data" / "golden" / "createsamples"


def plain(annotations):
    """Annotations as comparable values."""
    return [(path, boxes.tolist()) for path, boxes in annotations]


def names(text, **options):
    """The paths of a bg.txt."""
    return [picture.path for picture in parse_background(text, "bg.txt", **options)]


def test_golden_info_is_read_and_rendered():
    annotations = load_info(GOLDEN / "info.dat")
    assert plain(annotations) == [
        ("p0.png", [[5, 6, 20, 24], [30, 10, 40, 48]]),
        ("p1.png", [[0, 0, 10, 12]]),
    ]
    assert annotations[0].boxes.dtype == np.int32
    assert render_info(annotations).encode() == (GOLDEN / "info.dat").read_bytes()


@pytest.mark.parametrize(
    ("line", "path", "boxes"),
    [
        ("a.png 0", "a.png", []),
        ("a.png\t1   3 4 5\t6 ", "a.png", [[3, 4, 5, 6]]),
        ("a.png 1 -3 -4 5 6", "a.png", [[-3, -4, 5, 6]]),
        ("my  pictures/a b.png 1 3 4 5 6", "my  pictures/a b.png", [[3, 4, 5, 6]]),
        ("a 7 b.png 1 3 4 5 6", "a 7 b.png", [[3, 4, 5, 6]]),
        ("face 1 3 4 5 6", "face", [[3, 4, 5, 6]]),
        ("7 1 3 4 5 6", "7", [[3, 4, 5, 6]]),
        ('"a b 2.png" 1 3 4 5 6', "a b 2.png", [[3, 4, 5, 6]]),
        ("C:\\faces\\顔.png 1 3 4 5 6", "C:\\faces\\顔.png", [[3, 4, 5, 6]]),
    ],
)
def test_paths_as_people_write_them(line, path, boxes):
    assert plain(parse_info(line, "info.dat")) == [(path, boxes)]


def test_mark_crlf_and_blank_lines():
    text = "\ufeffa.png 0\r\n\r\n  b.png 1 1 2 3 4\r\n"
    assert plain(parse_info(text, "info.dat")) == [("a.png", []), ("b.png", [[1, 2, 3, 4]])]


@pytest.mark.parametrize(
    "line",
    [
        "a.png",
        "a.png 1",
        "a.png 2 1 2 3 4",
        "a.png 1 1 2 3 4 5",
        "a.png 1 1.5 2 3 4",
        "a.png -1",
        "1 2 3 4",
        "a.png 1 1 2 0 4",
        "a.png 1 1 2 3 -4",
        "a.png 1 1 2 3 4000000000",
        "a.png 1 1 2 3 99999999999999999999",
        "a.png 1 ١ 2 3 4",
        "a\0.png 0",
    ],
)
def test_malformed_line_is_named(line):
    with pytest.raises(FormatError, match=r"^info\.dat, line 3: expected .* found '") as caught:
        parse_info(f"a.png 0\n\n{line}\n", "info.dat")
    assert caught.value.place == "line 3"


def test_a_long_line_of_numbers_is_refused_at_once():
    with pytest.raises(FormatError, match=r"found '1 1 1.*\.\.\.'"):
        parse_info("1 " * 200_000, "info.dat")


PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), min_size=1, max_size=12)
BOXES = st.lists(st.tuples(*[st.integers(-99, 99)] * 2, *[st.integers(1, 99)] * 2), max_size=3).map(
    lambda rows: np.array(rows, np.int32).reshape(-1, 4)
)


@given(st.lists(st.builds(Annotation, PATHS, BOXES), max_size=4))
def test_what_is_rendered_is_read_back(annotations):
    try:
        text = render_info(annotations)
    except UserError as error:
        assert "cannot be written to info.dat" in str(error)
        return
    assert plain(parse_info(text, "info.dat")) == plain(annotations)


@pytest.mark.parametrize(
    "path", ["a\nb.png", " a.png", "a.png\t", '"a"', "", "a 7", "a\0", "\ufeffa", "a\ud800"]
)
def test_a_path_that_cannot_be_read_back_is_not_written(path):
    with pytest.raises(UserError, match="cannot be written to info.dat"):
        render_info([Annotation(path, np.array([[1, 2, 3, 4]], np.int32))])


@given(st.text() | st.text("a1 0-\t\n\"'#\\", max_size=40))
@example("\ufeff\ufeff")
def test_any_text_is_a_list_or_a_format_error(text):
    for parse in (parse_info, parse_background):
        try:
            parse(text, "x")
        except FormatError as error:
            assert error.place.startswith("line ")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_list_or_a_format_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("lists") / "list.txt"
    path.write_bytes(data)
    for load in (load_info, load_background):
        try:
            load(path)
        except FormatError as error:
            assert error.source == str(path)


def test_background_lines():
    text = "\ufeffa.png\r\n# b.png\n   \n\tc d.png  \r\n'e f.png'\n\"g.png\"\nneg\\h.png"
    assert names(text) == ["a.png", "c d.png", "e f.png", "g.png", "neg\\h.png"]
    assert [picture.line for picture in parse_background(text, "")] == [1, 4, 5, 6, 7]


def test_background_of_the_old_tool_ends_at_a_blank_line():
    assert names("#a\nb\n\nc\n", blank_ends=True) == ["b"]
    assert names("#a\nb\n\nc\n") == ["b", "c"]


def test_background_with_a_nul_names_the_line():
    with pytest.raises(FormatError, match=r"bg\.txt, line 2: expected text.*UTF-8"):
        names("a\nb\0\n")


def test_background_pictures_are_found_by_both_rules(tmp_path, monkeypatch):
    work, lists = tmp_path / "work", tmp_path / "lists"
    for folder in (work / "neg", lists / "neg"):
        folder.mkdir(parents=True)
    for path in (work / "both.png", lists / "both.png", lists / "neg" / "there.png"):
        path.write_bytes(b"")
    (work / "neg" / "here.png").write_bytes(b"")
    absolute = work / "neg" / "here.png"
    (lists / "bg.txt").write_text(
        f"both.png\nneg/there.png\nneg\\here.png\n{absolute}\nnowhere.png\n", encoding="utf-8"
    )
    monkeypatch.chdir(work)
    assert load_background(Path("../lists/bg.txt")) == [
        Path("both.png"),
        Path("../lists/neg/there.png"),
        Path("neg/here.png"),
        absolute,
        Path("nowhere.png"),
    ]


def test_info_pictures_are_looked_for_beside_the_file_first(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    for path in (tmp_path / "a.png", tmp_path / "work" / "a.png", tmp_path / "work" / "b.png"):
        path.write_bytes(b"")
    monkeypatch.chdir(tmp_path / "work")
    assert resolve_picture("a.png", Path(".."), Path()) == Path("../a.png")
    assert resolve_picture("b.png", Path(".."), Path()) == Path("b.png")
    assert resolve_picture("c\\d.png", Path(".."), Path()) == Path("../c\\d.png")
    assert resolve_picture("x" * 5000, Path(), Path("..")) == Path("x" * 5000)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_editors_write(tmp_path, encoding):
    (tmp_path / "list").write_bytes("顔.png 1 1 2 3 4\r\n".encode(encoding))
    assert plain(load_info(tmp_path / "list")) == [("顔.png", [[1, 2, 3, 4]])]


def test_names_that_are_not_utf8_still_find_their_file(tmp_path):
    name = "é.png".encode("latin-1")
    (tmp_path / "list").write_bytes(b"\xe9.png 0\n")
    path = load_info(tmp_path / "list")[0].path
    assert path.encode("utf-8", "surrogateescape") == name
    save_info(tmp_path / "copy", load_info(tmp_path / "list"))
    assert (tmp_path / "copy").read_bytes() == b"\xe9.png 0\n"
