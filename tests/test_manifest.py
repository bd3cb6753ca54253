"""The manifest: what is written comes back, and what was edited by hand is checked."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvbaseline.errors import FormatError
from cvbaseline.sorting.manifest import (
    Face,
    Manifest,
    Record,
    parse_json,
    render_csv,
    render_json,
)

stray_bytes = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"])
names = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), stray_bytes), max_size=20)
inner = names.map(lambda s: "happy/" + s.replace("/", "_").replace("\0", "_"))
shares = st.floats(0, 1)
faces = st.builds(
    Face,
    st.tuples(*[st.integers(0, 9999)] * 4),
    st.floats(-100, 100),
    st.fixed_dictionaries({"happy": shares, "sad": shares}),
)


@st.composite
def records(draw):
    found = tuple(draw(st.lists(faces, max_size=3)))
    return Record(
        draw(names), draw(st.integers(0, 1 << 40)), draw(st.text("0123456789abcdef", max_size=8)),
        folder="happy", result=draw(inner), sorted_as=draw(st.sampled_from(["happy", "sad"])),
        placed="copy", width=640, height=480, faces=found, problem=draw(names),
        decided_by=draw(st.integers(0, len(found) - 1)) if found else None, settings="settings 1",
    )  # fmt: skip


@settings(max_examples=60)
@given(st.lists(records(), max_size=4))
def test_what_is_written_comes_back(found):
    manifest = Manifest({r.key: r for r in found}, {"settings 1": {"unsure_below": 0.4}})
    data = render_json(manifest)
    assert parse_json(data, "m") == manifest
    assert render_json(parse_json(data, "m")) == data
    json.loads(data.decode("utf-8"))  # valid UTF-8 whatever the names


@settings(max_examples=60)
@given(st.lists(records(), min_size=1, max_size=4))
def test_the_table_says_the_same(found):
    text = render_csv(found).decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(found)
    for row, record in zip(rows, found):
        face = record.deciding_face
        assert int(row["faces"]) == len(record.faces)
        if face:
            assert [int(row[n]) for n in ("x", "y", "box_width", "box_height")] == list(face.box)
            assert float(row["score"]) == face.score
            assert {n: float(row[f"p_{n}"]) for n in ("happy", "sad")} == face.probabilities
            others = json.loads(row["other_faces"] or "[]")
            assert len(others) == len(record.faces) - 1
        else:
            assert row["emotion"] == row["score"] == row.get("p_happy", "") == ""
        for value in row.values():
            assert not value.startswith(("=", "+", "@", "\t", "\r", "\n"))
            assert not value.startswith("-") or float(value) <= 0
    plain = [r.picture for r in found if r.picture.isalnum()]
    assert plain == [row["picture"] for row in rows if row["picture"].isalnum()]


def test_paths_that_look_like_formulas_are_disarmed():
    names = ["=1+1.png", "+x.png", "-x.png", "@x.png", "\tx.png", "ok.png"]
    found = [Record(name, 1, "00", "no_face") for name in names]
    rows = list(csv.DictReader(io.StringIO(render_csv(found).decode(), newline="")))
    assert [row["picture"] for row in rows] == ["'" + name for name in names[:5]] + ["ok.png"]


FACE = {"box": [1, 2, 3, 4], "score": 1.5, "probabilities": {"happy": 1.0}}
ENTRY = {
    "picture": "../a.png", "bytes": 3, "sha256": "00", "folder": "happy", "result": "happy/a.png",
    "placed": "copy", "sorted_as": "happy", "width": 4, "height": 3, "decided_by": 0,
    "faces": [FACE], "problem": "", "settings": "",
}  # fmt: skip


def document(**changes):
    top = {"format": "cvbaseline sort manifest", "version": 1, "settings": {}, "pictures": [ENTRY]}
    return json.dumps({**top, **changes}).encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"result": "../../etc/passwd"}, "picture 1: expected a path inside the output folder"),
        ({"result": "/etc/passwd"}, "a path inside the output folder as result"),
        ({"folder": "a/../../b"}, "a path inside the output folder as folder"),
        ({"result": "happy/\0"}, "a path inside the output folder"),
        ({"picture": "\ud800.png"}, "a file name as picture"),
        ({"bytes": "3"}, "expected bytes as int, found '3'"),
        ({"decided_by": 1}, "decided_by below 1"),
        ({"faces": [{**FACE, "box": [1, 2, 3]}]}, "box of 4 whole numbers"),
        ({"faces": [{**FACE, "score": True}]}, "numbers as score"),
        ({"faces": [{**FACE, "probabilities": {}}]}, "at least one class"),
        ({"faces": [3]}, "an object as a face"),
    ],
)
def test_a_manifest_edited_badly_names_the_place(change, message):
    assert len(parse_json(document(), "m.json").records) == 1
    with pytest.raises(FormatError, match=message) as caught:
        parse_json(document(pictures=[{**ENTRY, **change}]), "m.json")
    assert str(caught.value).startswith("m.json, picture 1: ")
    assert "give another --out" in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"\xff", b"[" * 100_000, document(version=2), document(format="x"),
     document(settings=[]), document(pictures={}), document(pictures=[1])],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(data):
    with pytest.raises(FormatError, match="m.json"):
        parse_json(data, "m.json")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside),
    max_leaves=5,
)


@settings(max_examples=150)
@given(st.sampled_from(sorted(ENTRY)), values, st.sampled_from(sorted(FACE)), values)
def test_any_value_anywhere_is_read_or_refused(name, value, of_face, inside):
    entry = {**ENTRY, "faces": [{**FACE, of_face: inside}], name: value}
    try:
        manifest = parse_json(document(pictures=[entry]), "m.json")
    except FormatError:
        return
    parse_json(render_json(manifest), "m.json")
    render_csv(manifest.ordered())
