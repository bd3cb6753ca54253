"""The contact sheet, read back by an HTML parser: whole, escaped, every link leads somewhere."""

import os
import re
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes, urljoin

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_sorting import hostile

from cvbaseline.images import read_colour, write_picture
from cvbaseline.sorting.contact_sheet import (
    COLOURS,
    DARK_INK,
    OTHER_COLOURS,
    render_contact_sheet,
)
from cvbaseline.sorting.emotion_decision import Decision
from cvbaseline.sorting.manifest import Face, Manifest, Record
from cvbaseline.sorting.sort import SortOptions, sort_pictures
from cvbaseline.sorting.thumbnails import LONGEST_SIDE

VOID = {"meta", "img", "input", "br", "link"}


class Page(HTMLParser):
    """Elements as (tag, attributes, text within), in order; open tags must close in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self._open = [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        element = [tag, dict(attributes), ""]
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        for element in self._open:
            element[2] += data

    def all(self, tag, class_=None):
        return [
            (attributes, text)
            for name, attributes, text in self.elements
            if name == tag and (class_ is None or class_ in attributes.get("class", "").split())
        ]


def record(name="a.png", folder="happy", box=(10, 20, 30, 40), more=(), **changes):
    face = Face(box, 2.5, {"happy": 0.5, "sad": 0.3, "angry": 0.2})
    values = {
        "picture": f"../pics/{name}", "bytes": 1, "sha256": f"{hash(name) & 0xFFFFFF:064x}",
        "folder": folder, "result": f"{folder}/{name}", "sorted_as": folder, "placed": "copy",
        "width": 100, "height": 200, "decided_by": 0, "faces": (face, *more), **changes,
    }  # fmt: skip
    return Record(**values)


def page(*records, emotions=("angry", "happy", "sad"), title="pics", settings=None):
    manifest = Manifest({r.key: r for r in records}, settings or {})
    return Page(render_contact_sheet(manifest, emotions, title))


def test_pictures_are_grouped_and_counted():
    sheet = page(
        record("a.png"), record("b.png"), record("c.png", "unsure"),
        record("d.png", "no_face", faces=(), decided_by=None),
        record("bad.png", "", result="", faces=(), decided_by=None, width=0, problem="it is empty"),
        record("full.png", "", result="", problem="there is no room"),
        record("gone.png", result=""),
    )  # fmt: skip
    heads = [text for _, text in sheet.all("h2")]
    assert heads == ["Happy 2", "Unsure 1", "No face 1", "Not placed 1", "Unreadable 1"]
    assert [t.split() for _, t in sheet.all("a") if t.startswith("Happy")] == [["Happy", "2"]]
    assert [t for _, t in sheet.all("span", "none")] == ["Angry 0", "Sad 0"]
    cells = [text for _, text in sheet.all("td")]
    assert cells == ["../pics/full.png", "there is no room", "../pics/bad.png", "it is empty"]
    targets = {a["id"] for _, a, _ in sheet.elements if "id" in a}
    jumps = [a["href"][1:] for a, _ in sheet.all("a") if a["href"].startswith("#")]
    assert len(jumps) == 6 and set(jumps) <= targets


def test_boxes_are_where_the_faces_are():
    other = Face((50, 0, 50, 200), 1.0, {"happy": 0.1, "sad": 0.9, "angry": 0.0})
    sheet = page(record(more=(other,)))
    boxes = sheet.all("i", "box")
    places = [
        [float(v) for v in re.findall(r"(?:left|top|width|height):([\d.]+)%", a["style"])]
        for a, _ in boxes
    ]
    assert places == [[10, 10, 30, 20], [50, 0, 50, 100]]
    assert ["main" in a["class"].split() for a, _ in boxes] == [True, False]
    assert [text for _, text in boxes] == ["happy 50\u202f%", "sad 90\u202f%"]
    assert COLOURS["sad"] in boxes[1][0]["style"]
    ((frame, _),) = sheet.all("span", "frame")
    assert "aspect-ratio:100/200" in frame["style"] and "tall" in frame["class"]


def test_bars_show_the_probabilities():
    first, *_ = page(record()).all("dl", "bars")
    assert first[1] == "happy50\u202f%sad30\u202f%angry20\u202f%"
    text = page(record()).all("details")[0][1]
    assert "30 × 40 at 10, 20, score 2.5" in text


def test_the_surest_come_first():
    def sure(name, share):
        face = Face((1, 1, 9, 9), 1.0, {"happy": share, "sad": 1 - share})
        return record(name, faces=(face,))

    sheet = page(sure("a.png", 0.6), sure("b.png", 0.9), sure("c.png", 0.7))
    assert [text for _, text in sheet.all("a", "name")] == ["b.png", "c.png", "a.png"]


def test_reasons_for_unsure_and_corrected():
    sheet = page(
        record("a.png", "unsure", settings="s"), record("b.png", "sad", sorted_as="happy"),
        settings={"s": {"unsure_below": 0.55}},
    )  # fmt: skip
    hints = [text for _, text in sheet.all("p", "hint")]
    assert hints == ["The most probable emotion did not reach 55\u202f%."]
    notes = [text for _, text in sheet.all("p", "note")]
    assert notes == ["You put it here; sorted as Happy."]


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=60)
@given(names)
@example("<script>alert(1)</script>.png")
@example("\"' onload=alert(1) x='.png")
@example("</style><img src=x onerror=alert(1)>")
@example("javascript:alert(1)")
@example(os.fsdecode(b"\xff\xfe.png"))
def test_any_name_anywhere_stays_text(name):
    plain = page(record(), record("b.png", "", result="", problem="empty"))
    sheet = page(
        record(name, result=f"happy/{name}"),
        record(name + "b", "", result="", problem=name),
        title=name,
        emotions=("angry", "happy", "sad"),
    )
    assert [e[0] for e in sheet.elements] == [e[0] for e in plain.elements]
    assert [sorted(e[1]) for e in sheet.elements] == [sorted(e[1]) for e in plain.elements]
    (link,) = [a["href"] for a, _ in sheet.all("a", "view")]
    path = urljoin("file:///out/index.html", link)
    assert unquote_to_bytes(path.removeprefix("file:///out/")) == os.fsencode(f"happy/{name}")
    shown = sheet.all("a", "name")[0][1]
    last = name.split("/")[-1]  # the examples' slashes cannot be in a name, but in a manifest
    assert [c for c in shown if c.isalnum()] == [c for c in last if c.isalnum()]
    assert not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", shown)


def test_classes_with_odd_names():
    odd = "<b>&\"'"
    face = Face((1, 1, 5, 5), 1.0, {odd: 1.0})
    sheet = page(record(folder=odd, faces=(face,), result="x/a.png"), emotions=(odd,))
    assert [text for _, text in sheet.all("h2")] == [f"{odd} 1"]
    assert sheet.all("dt")[0][1] == odd


def test_the_page_needs_nothing_from_outside():
    text = render_contact_sheet(Manifest({record().key: record()}), ("happy",), "pics")
    assert not re.search(r"https?:|//[a-z]|url\(|@import", text)
    assert [a for a, _ in Page(text).all("script")] == [{}]
    assert all(a["loading"] == "lazy" and a["alt"] for a, _ in Page(text).all("img"))


def luminance(colour):
    """WCAG 2.1, relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(parts, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize(
    ("name", "colour"), [*COLOURS.items(), *((None, colour) for colour in OTHER_COLOURS)]
)
def test_labels_can_be_read(name, colour):
    light, dark = sorted([luminance(colour), luminance(DARK_INK.get(name, "#ffffff"))])[::-1]
    assert (light + 0.05) / (dark + 0.05) >= 4.5


class Faces:
    folders = ("happy",)
    settings = {}  # noqa: RUF012

    def __call__(self, path):
        return Decision("happy", 60, 40, 0, (Face((5, 5, 20, 20), 1.0, {"happy": 1.0}),))


def test_every_link_and_thumbnail_of_a_real_sheet_exists(tmp_path):
    folder = tmp_path / "pics"
    folder.mkdir()
    gradient = np.linspace(0, 255, 900 * 600 * 3).astype(np.uint8).reshape(600, 900, 3)
    write_picture(tmp_path / "one.png", gradient)
    for name in hostile:
        (folder / name).write_bytes((tmp_path / "one.png").read_bytes())
    (folder / "bad.png").symlink_to("missing")
    out = sort_pictures(SortOptions(folder=folder), decider=Faces()).out
    sheet = Page((out / "index.html").read_text("utf-8"))
    links = [a["href"] for a, _ in sheet.all("a") if not a["href"].startswith("#")]
    links += [a["src"] for a, _ in sheet.all("img")]
    assert len(links) == 3 * len(hostile) + 3
    for link in links:
        target = os.path.join(os.fsencode(out), unquote_to_bytes(link))
        assert os.path.lexists(target), link
    (thumbnail,) = (out / "_contact_sheet").iterdir()  # one content, one thumbnail
    small = read_colour(thumbnail)
    assert small.shape == (320, LONGEST_SIDE, 3)
    expected = cv2.resize(gradient, (480, 320), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).mean() < 3
