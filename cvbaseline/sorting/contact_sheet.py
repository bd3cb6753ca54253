"""The contact sheet: `index.html`, a page that shows every sorted picture with its boxes and label.

It opens from disk, needs nothing but the folder it lies in, and holds thousands of pictures: the
thumbnails are files beside it (`_contact_sheet/`) which the browser loads as they come into view.
Boxes and labels are drawn by the page over the thumbnails, in per cent of the picture. Whatever
comes from outside (file names, class names, reasons) is escaped where it is put in.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Optional
from urllib.parse import quote_from_bytes

from cvbaseline.formats.files import write_bytes
from cvbaseline.html_page import escape
from cvbaseline.sorting.contact_sheet_style import SCRIPT, STYLE
from cvbaseline.sorting.manifest import (
    NO_FACE,
    THUMBNAILS,
    UNREADABLE,
    UNSURE,
    Face,
    Manifest,
    Record,
)
from cvbaseline.sorting.output_folder import SHEET_NAME
from cvbaseline.sorting.sort_result import count
from cvbaseline.sorting.thumbnails import thumbnail_name

NOT_PLACED = "_not placed"  # those that were read, but have no place in the output folder
LEFT = (NOT_PLACED, UNREADABLE)  # where they were
# Text on them, white or near-black, has a contrast of at least 4.5 : 1 (WCAG 2.1, 1.4.3).
COLOURS = {
    "angry": "#c92a2a", "happy": "#e5a50a", "neutral": "#5b6470", "sad": "#1d63b8",
    "scared": "#6741d9", "surprised": "#c2255c", "worried": "#0b7a6b",
    UNSURE: "#7a6f63", NO_FACE: "#6b7280", UNREADABLE: "#b02a2a", NOT_PLACED: "#8a4b08",
}  # fmt: skip
DARK_INK = {"happy": "#241a00"}
OTHER_COLOURS = ("#2b7a0b", "#9c36b5", "#1971c2", "#a0522d", "#087f8c", "#b3446c", "#4c6a00")
TITLES = {
    UNSURE: "Unsure", NO_FACE: "No face", UNREADABLE: "Unreadable", NOT_PLACED: "Not placed",
    ".": "Beside the folders",
}  # fmt: skip


def write_contact_sheet(
    out: Path, manifest: Manifest, emotions: Sequence[str], source: Path
) -> None:
    """Write `index.html` into the output folder, for all pictures of its manifest."""
    page = render_contact_sheet(manifest, emotions, source.resolve().name or str(source))
    write_bytes(out / SHEET_NAME, page.encode("utf-8"))


def render_contact_sheet(manifest: Manifest, emotions: Sequence[str], title: str) -> str:
    """The page as text.

    Parameters
    ----------
    manifest : the pictures; those whose result was removed are left out
    emotions : the folders that come first, in this order, also when empty
    title : what was sorted
    """
    groups: dict[str, list[Record]] = {name: [] for name in (*emotions, UNSURE, NO_FACE)}
    left: dict[str, list[Record]] = {name: [] for name in LEFT}
    for record in manifest.ordered():
        if record.folder == UNREADABLE:
            left[NOT_PLACED if record.width else UNREADABLE].append(record)
        elif record.result:
            groups.setdefault(record.folder, []).append(record)
    groups |= left
    colours = _Colours(groups)
    total = sum(map(len, groups.values()))
    with_face = sum(bool(record.faces) for records in groups.values() for record in records)
    sections = "\n".join(
        _section(name, records, manifest, colours) for name, records in groups.items() if records
    )
    shown = escape(title)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{shown}, sorted by emotion</title>
<style>{STYLE}</style>
</head>
<body>
<a class="skip" href="#pictures">Skip to the pictures</a>
<header class="top">
<h1><bdi>{shown}</bdi>, sorted by emotion</h1>
<p class="about">{count(total, "picture")}, {with_face:,} with a face. Details of every face are in
<a href="manifest.csv">manifest.csv</a> and <a href="manifest.json">manifest.json</a>.</p>
{_share(groups, colours)}
</header>
<nav aria-label="Emotions"><div>
{_chips(groups, colours)}
<div class="tools" hidden>
<label>Find <input type="search" placeholder="name or emotion" aria-keyshortcuts="/"></label>
<label>Size <input type="range" min="130" max="480" value="240" aria-label="Picture size"></label>
<label><input type="checkbox" checked> boxes</label>
</div>
</div></nav>
<main id="pictures">
{sections or '<p class="empty">No picture was found.</p>'}
<footer>To correct a picture, move its file to another folder here: the next run leaves it there
and notes it in the manifest. With the keyboard: arrow keys walk through the pictures, Enter opens
one, / finds.</footer>
</main>
<script>{SCRIPT}</script>
</body>
</html>
"""


class _Colours:
    """A colour for each group: the known emotions have their own, others take turns."""

    def __init__(self, names: Iterable[str]):
        unknown = [name for name in names if name not in COLOURS]
        self._others = {
            name: OTHER_COLOURS[i % len(OTHER_COLOURS)] for i, name in enumerate(unknown)
        }

    def style(self, name: str, more: str = "") -> str:
        """A style attribute that sets the colour."""
        colour = COLOURS.get(name) or self._others.get(name, OTHER_COLOURS[0])
        ink = f";--onc:{DARK_INK[name]}" if name in DARK_INK else ""
        return f'style="--c:{colour}{ink}{more}"'


def _share(groups: dict[str, list[Record]], colours: _Colours) -> str:
    """The whole as one bar, parted by group; the numbers follow in the chips."""
    parts = "".join(
        f"<i {colours.style(name, f';flex:{len(records)}')}></i>"
        for name, records in groups.items()
        if records
    )
    return f'<div class="share" aria-hidden="true">{parts}</div>'


def _chips(groups: dict[str, list[Record]], colours: _Colours) -> str:
    chips = []
    for name, records in groups.items():
        inside = f"{_title(name)} <b>{len(records):,}</b>"
        if records:
            chips.append(f'<a href="#{_anchor(name)}" {colours.style(name)}>{inside}</a>')
        elif name not in LEFT:
            chips.append(f'<span class="none" {colours.style(name)}>{inside}</span>')
    return "\n".join(chips)


def _section(name: str, records: list[Record], manifest: Manifest, colours: _Colours) -> str:
    """One group with its heading; the surest pictures first."""
    number = f"{len(records):,}"
    head = (
        f'<section id="{_anchor(name)}" aria-label="{_title(name)}" {colours.style(name)}>\n'
        f'<h2>{_title(name)} <span data-count="{number}">{number}</span></h2>\n'
    )
    if name in LEFT:
        return f"{head}{_left(records)}</section>"
    hint = ""
    if name == UNSURE:
        hint = f'<p class="hint">{_needed(records, manifest)}</p>\n'
    elif name == NO_FACE:
        hint = '<p class="hint">The cascade found no face here.</p>\n'
    ordered = sorted(records, key=_sureness, reverse=True)
    cards = "\n".join(_card(record, colours) for record in ordered)
    return f'{head}{hint}<ul class="grid">\n{cards}\n</ul></section>'


def _sureness(record: Record) -> float:
    face = record.deciding_face
    if face is None:
        return 0.0
    return face.probabilities.get(record.folder, 0.0) if record.corrected else face.confidence


def _card(record: Record, colours: _Colours) -> str:
    """One picture: thumbnail with boxes, name, probabilities, remarks."""
    name = PurePosixPath(record.result).name
    link = url(record.result)
    face = record.deciding_face
    told = f"{name}: {face.emotion} {_percent(face.confidence)}" if face else f"{name}: no face"
    shape = "wide" if record.width * 3 >= record.height * 4 else "tall"
    boxes = "".join(
        _box(found, record, index == record.decided_by, colours)
        for index, found in enumerate(record.faces)
    )
    bars = _bars(face, colours, 3) if face else ""
    return (
        f'<li class="card" {colours.style(record.folder)}>'
        f'<a class="view" href="{link}"><span class="frame {shape}" '
        f'style="aspect-ratio:{max(record.width, 1)}/{max(record.height, 1)}">'
        f'<img loading="lazy" decoding="async" src="{THUMBNAILS}/{thumbnail_name(record.sha256)}" '
        f'alt="{escape(told)}">{boxes}</span></a>'
        f'<div><a class="name" href="{link}" tabindex="-1" title="{escape(record.picture)}">'
        f"<bdi>{escape(name)}</bdi></a>"
        f"{_remark(record)}{bars}{_all_faces(record, colours)}</div></li>"
    )


def _box(face: Face, record: Record, main: bool, colours: _Colours) -> str:
    """A face's box over the picture, in per cent; its label stays within the picture."""
    x, y, width, height = face.box
    across, down = 100 / max(record.width, 1), 100 / max(record.height, 1)
    left, top, right, bottom = x * across, y * down, (x + width) * across, (y + height) * down
    where = ("main " if main else "") + ("right " if left > 55 else "")
    if top < 10:
        where += "low " if bottom < 88 else "low in "
    place = f";left:{left:.2f}%;top:{top:.2f}%;width:{right - left:.2f}%;height:{bottom - top:.2f}%"
    label = f"{escape(face.emotion)} {_percent(face.confidence)}"
    return f'<i class="box {where.strip()}" {colours.style(face.emotion, place)}><b>{label}</b></i>'


def _bars(face: Face, colours: _Colours, most: Optional[int] = None) -> str:
    """Probabilities as bars, the largest first."""
    ranked = sorted(face.probabilities.items(), key=lambda item: -item[1])[:most]
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd><i {colours.style(name, f';--p:{100 * share:.1f}%')}></i>"
        f"<u>{_percent(share)}</u></dd>"
        for name, share in ranked
    )
    return f'<dl class="bars">{rows}</dl>'


def _needed(records: list[Record], manifest: Manifest) -> str:
    """Why pictures are unsure: what the best emotion would have needed."""
    settings = [manifest.settings.get(record.settings, {}) for record in records]
    asked = {s.get("unsure_below") for s in settings if isinstance(s, dict)}
    shares = sorted(share for share in asked if isinstance(share, (int, float)))
    if not shares:
        return "No emotion was probable enough to be named."
    return f"The most probable emotion did not reach {' or '.join(map(_percent, shares))}."


def _remark(record: Record) -> str:
    """That the user put the picture where it lies."""
    if record.corrected:
        return f'<p class="note">You put it here; sorted as {_title(record.sorted_as)}.</p>'
    return ""


def _all_faces(record: Record, colours: _Colours) -> str:
    """Every face with all its probabilities, folded away."""
    if not record.faces:
        return ""
    parts = []
    for number, face in enumerate(record.faces):
        x, y, width, height = face.box
        role = "decides" if number == record.decided_by else "does not decide"
        title = f"{width} × {height} at {x}, {y}, score {face.score:.1f}"
        if len(record.faces) > 1:
            title = f"Face {number + 1}, {role}: {title}"
        parts.append(f"<h3>{title}</h3>{_bars(face, colours)}")
    head = "all probabilities" if len(record.faces) == 1 else f"{len(record.faces)} faces"
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _left(records: list[Record]) -> str:
    rows = "\n".join(
        f'<tr><td><a href="{url(record.picture)}"><bdi>{escape(record.picture)}</bdi></a></td>'
        f"<td>{escape(record.problem)}</td></tr>"
        for record in records
    )
    return (
        '<p class="hint">These files were left where they are.</p>\n'
        f"<table><tr><th>Picture</th><th>Reason</th></tr>\n{rows}\n</table>"
    )


def url(path: str) -> str:
    """A manifest's path as the reference of a link: every byte that is not plain is quoted."""
    quoted = quote_from_bytes(os.fsencode(path), safe="/")
    drive = len(path) > 1 and path[1] == ":"
    return f"file:///{quoted}" if drive else f"./{quoted}" if not path.startswith("/") else quoted


def _title(name: str) -> str:
    return TITLES.get(name) or escape(name.capitalize())


def _anchor(name: str) -> str:
    """A fragment that is one word whatever the name."""
    return "g-" + "".join(c if c.isascii() and c.isalnum() else f"-{ord(c):x}-" for c in name)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\u202f%"
