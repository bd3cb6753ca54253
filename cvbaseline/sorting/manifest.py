"""The manifest of sorted pictures: what was found in each, where it lies, and why.

`manifest.json` is the record that a later run reads; `manifest.csv` says the same with a row for
each picture, for spreadsheets and pandas. Both are UTF-8. Paths are written with forward slashes,
relative to the output folder (absolute where another drive leaves no relative way), so that
pictures and output can move together. A byte of a name that is not UTF-8 is a lone surrogate in
Python; it appears as `\\udcXX` in both files and comes back from the JSON as it was.
"""

import csv
import io
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Optional

from cvbaseline.errors import FormatError
from cvbaseline.formats.files import read_bytes
from cvbaseline.formats.spreadsheet import cell

FORMAT = "cvbaseline sort manifest"
VERSION = 1
JSON_NAME = "manifest.json"
CSV_NAME = "manifest.csv"
FIRST_COLUMNS = ("picture", "result", "folder", "sorted_as")  # of the table
UNSURE = "unsure"
NO_FACE = "no_face"
THUMBNAILS = "_contact_sheet"  # the folder of the contact sheet's small pictures
UNREADABLE = ""  # the folder of a picture that lands nowhere
SIZE_LIMIT = 1 << 30


@dataclass(frozen=True)
class Face:
    """A face found: x, y, width, height in pixels, the cascade's score, classes' probabilities."""

    box: tuple[int, int, int, int]
    score: float
    probabilities: dict[str, float]

    @property
    def emotion(self) -> str:
        """The most probable class, the first of equals."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of the most probable class."""
        return self.probabilities[self.emotion]


@dataclass(frozen=True)
class Record:
    """One picture of the manifest.

    `picture`, `bytes` and `sha256` name the original; `folder` is the emotion, "unsure" or
    "no_face" where the file `result` lies now, both "" when the picture is unreadable (`problem`
    says why) and `result` alone "" when the user removed the file. `sorted_as` is the folder that
    was decided: where it differs from `folder`, the user moved the file, and is right.
    """

    picture: str
    bytes: int
    sha256: str
    folder: str
    result: str = ""
    placed: str = ""  # "copy", "move", "hard link", "symbolic link"
    sorted_as: str = ""
    width: int = 0
    height: int = 0
    decided_by: Optional[int] = None  # index into faces
    faces: tuple[Face, ...] = ()
    problem: str = ""
    settings: str = ""  # key of Manifest.settings: the cascade and model that decided

    @property
    def key(self) -> tuple[str, str]:
        """What tells one picture from all others: where it was, and what it holds."""
        return self.picture, self.sha256

    @property
    def corrected(self) -> bool:
        """Whether the user put the file into another folder than was decided."""
        return bool(self.result) and self.folder != self.sorted_as

    @property
    def deciding_face(self) -> Optional[Face]:
        """The most prominent face, None without a face."""
        return None if self.decided_by is None else self.faces[self.decided_by]


@dataclass
class Manifest:
    """All pictures of an output folder, by key, and the settings that were in force."""

    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ordered(self) -> list[Record]:
        """The records by the name of their picture."""
        return sorted(self.records.values(), key=lambda record: record.key)


def is_output_folder(folder: Path) -> bool:
    """Whether a folder is one that pictures were sorted into: it holds such a manifest."""
    return FORMAT.encode() in _head(folder / JSON_NAME)


def has_table(folder: Path) -> bool:
    """Whether a folder holds the table that goes with a manifest."""
    return _head(folder / CSV_NAME).startswith(",".join(FIRST_COLUMNS).encode())


def _head(path: Path) -> bytes:
    """How a file begins; nothing when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(100)
    except OSError:
        return b""


def is_thumbnail_folder(folder: Path) -> bool:
    """Whether a folder holds the small pictures of a contact sheet, which are nobody's pictures."""
    return folder.name == THUMBNAILS and is_output_folder(folder.parent)


class _Place(NamedTuple):
    """Where in a manifest a value stands, for messages."""

    source: str
    where: str

    def fail(self, expected: str, found: object) -> FormatError:
        return FormatError(
            self.source,
            f"expected {expected}, found {str(found)[:60]!r}: "
            "restore the file or give another --out",
            self.where,
        )


def render_json(manifest: Manifest) -> bytes:
    """The manifest as UTF-8 JSON, a picture a line."""
    lines = [_dumps(asdict(record)) for record in manifest.ordered()]
    text = (
        f'{{\n"format": {_dumps(FORMAT)},\n"version": {VERSION},\n'
        f'"settings": {_dumps(dict(sorted(manifest.settings.items())))},\n'
        '"pictures": [\n' + ",\n".join(lines) + "\n]\n}\n"
    )
    # A lone surrogate becomes \udcXX, which is also how JSON spells it.
    return text.encode("utf-8", "backslashreplace")


def parse_json(data: bytes, source: str) -> Manifest:
    """The inverse of `render_json`; FormatError names the place of what is wrong."""
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(
            source, f"not a manifest ({error}): restore the file or give another --out"
        ) from None
    top = _Place(source, "the top")
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise top.fail(f'"format": "{FORMAT}"', document)
    if document.get("version") != VERSION:
        raise top.fail(f"version {VERSION}", document.get("version"))
    settings, entries = document.get("settings"), document.get("pictures")
    if not isinstance(settings, dict):
        raise top.fail("an object as settings", settings)
    if not isinstance(entries, list):
        raise top.fail("a list as pictures", entries)
    records = [
        _parse_record(entry, _Place(source, f"picture {number}"))
        for number, entry in enumerate(entries, start=1)
    ]
    return Manifest({record.key: record for record in records}, settings)


def load_manifest(path: Path) -> Manifest:
    """The manifest of a file; FormatError when it is none."""
    return parse_json(read_bytes(path, SIZE_LIMIT), str(path))


def render_csv(records: Iterable[Record]) -> bytes:
    """A row for each picture: the deciding face in columns of its own, the others as JSON.

    Paths seldom look like formulas: they begin with the name of a folder or with "..".
    """
    records = list(records)
    classes = sorted({name for r in records for face in r.faces for name in face.probabilities})
    text = io.StringIO()
    writer = csv.writer(text)  # lines end in \r\n, so that fields with either are quoted
    writer.writerow(
        [*FIRST_COLUMNS, "emotion", "confidence", "faces"]
        + ["x", "y", "box_width", "box_height", "score"]
        + [f"p_{name}" for name in classes]
        + ["other_faces", "problem", "width", "height", "placed", "bytes", "sha256", "settings"]
    )
    for record in records:
        face = record.deciding_face
        decided = [face.emotion, face.confidence] if face else ["", ""]
        place = [*face.box, face.score] if face else [""] * 5
        shares = [face.probabilities.get(name, "") if face else "" for name in classes]
        others = [asdict(f) for i, f in enumerate(record.faces) if i != record.decided_by]
        row = [record.picture, record.result, record.folder, record.sorted_as, *decided]
        row += [len(record.faces), *place, *shares, _dumps(others) if others else ""]
        row += [record.problem, record.width, record.height, record.placed]
        row += [record.bytes, record.sha256, record.settings]
        writer.writerow([cell(value) for value in row])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _parse_record(entry: object, place: _Place) -> Record:
    """A record from JSON, every field checked: the file may have been edited by hand."""
    if not isinstance(entry, dict):
        raise place.fail("an object", entry)
    texts = {name: _take(entry, name, str, place) for name in _TEXTS}
    numbers = {name: _take(entry, name, int, place) for name in ("bytes", "width", "height")}
    for name in ("picture", "result"):
        try:
            os.fsencode(texts[name])
        except UnicodeEncodeError:
            raise place.fail(f"a file name as {name}", ascii(texts[name])) from None
    for name in ("result", "folder", "sorted_as"):
        inside = PurePosixPath(texts[name])
        if inside.is_absolute() or ".." in inside.parts or "\0" in texts[name]:
            raise place.fail(f"a path inside the output folder as {name}", texts[name])
    faces = tuple(_parse_face(face, place) for face in _take(entry, "faces", list, place))
    decided_by = entry.get("decided_by")
    if decided_by is not None and not (type(decided_by) is int and decided_by in range(len(faces))):
        raise place.fail(f"decided_by below {len(faces)}", decided_by)
    return Record(**texts, **numbers, faces=faces, decided_by=decided_by)


def _parse_face(entry: object, place: _Place) -> Face:
    if not isinstance(entry, dict):
        raise place.fail("an object as a face", entry)
    box = _take(entry, "box", list, place)
    if len(box) != 4 or not all(type(value) is int for value in box):
        raise place.fail("box of 4 whole numbers", box)
    score, shares = entry.get("score"), _take(entry, "probabilities", dict, place)
    for value in (score, *shares.values()):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not -1e300 < value < 1e300:
            raise place.fail("numbers as score and probabilities", value)
    if not shares:
        raise place.fail("probabilities of at least one class", shares)
    return Face(tuple(box), float(score), {name: float(value) for name, value in shares.items()})


def _take(entry: dict[str, Any], name: str, kind: type, place: _Place) -> Any:
    value = entry.get(name)
    if type(value) is not kind:
        raise place.fail(f"{name} as {kind.__name__}", value)
    return value


_TEXTS = ("picture", "sha256", "folder", "result", "placed", "sorted_as", "problem", "settings")
