"""Labelled faces from disk: a folder per class, or a CSV list of paths, labels and boxes.

A picture that cannot be used never stops the reading: it is named with its reason. Groups keep
together what belongs together (a person, a drawing's variants, a series), so that a split can put
all of it on one side.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.errors import FormatError, PictureError, UserError, require
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import PICTURE_SUFFIXES, find_pictures, read_grey
from cvbaseline.sorting.manifest import NO_FACE, THUMBNAILS, UNSURE, is_output_folder

# Other names of a CSV file's columns.
FIRST_NAMES = {
    "file": "path", "picture": "path", "class": "label", "emotion": "label", "split": "part",
    "usage": "part", "width": "w", "height": "h",
}  # fmt: skip

# The box (x, y, width, height) of the face in a grey picture; None when there is none.
FindFace = Callable[[np.ndarray], Optional[np.ndarray]]


class LabelledFaces(NamedTuple):
    """Faces of one size with their classes."""

    faces: np.ndarray  # uint8 (n, size, size)
    labels: np.ndarray  # int64 (n,), indices into classes
    classes: tuple[str, ...]  # sorted
    paths: tuple[str, ...]  # (n,), as found
    groups: Optional[tuple[str, ...]]  # (n,), or None when nothing is said about them
    problems: tuple[str, ...]  # what was left out, and why
    sizes: Optional[np.ndarray] = None  # int32 (n, 2): width, height of the picture or the box
    parts: Optional[tuple[str, ...]] = None  # (n,), the part of a given split: train, test
    found: Optional[np.ndarray] = None  # bool (n,), False: the detector missed it (a black face)
    false_boxes: int = 0  # what the detector found where no face is


class Entry(NamedTuple):
    """One face before its picture is read."""

    path: Path
    label: str
    group: Optional[str] = None
    box: Optional[list[int]] = None
    part: Optional[str] = None


def read_labelled(
    data: Path,
    crop: CropOptions,
    group_pattern: Optional[str] = None,
    find_face: Optional[FindFace] = None,
    nested: bool = False,
) -> LabelledFaces:
    """A folder with a folder per class, or a CSV file, see the two functions below."""
    data = Path(data)
    require(data.exists(), f"{data} does not exist: name a folder of class folders or a CSV file")
    if data.is_dir():
        return read_class_folders(data, crop, group_pattern, find_face, nested)
    return read_csv(data, crop, group_pattern, find_face)


def read_class_folders(
    folder: Path,
    crop: CropOptions,
    group_pattern: Optional[str] = None,
    find_face: Optional[FindFace] = None,
    nested: bool = False,
) -> LabelledFaces:
    """All pictures below each folder in `folder`; the folder's name is the class.

    Parameters
    ----------
    crop : how faces are normalised; a whole picture is a face already, without margin
    group_pattern : regular expression searched in the path below `folder` (with /); its first
        parenthesis, or all that it matches, names the picture's group
    find_face : where the face is; None: the whole picture
    nested : the class is the whole path of folders, with /, instead of the first one

    Raises UserError when there are no class folders, or no picture in them can be used.
    """
    entries, notes = list_class_folders(folder, group_pattern, nested)
    faces = read_entries(entries, crop, find_face, str(folder))
    return faces._replace(problems=(*faces.problems, *notes))


def list_class_folders(
    folder: Path, group_pattern: Optional[str] = None, nested: bool = False
) -> tuple[list[Entry], list[str]]:
    """The pictures that `read_class_folders` reads, and what was left out."""
    folder = Path(folder)
    names = folder_names(folder)
    require(bool(names), f"{folder} has no folders: make one for each class, named like it")
    entries = []
    for name in names:
        for path in find_pictures(folder / name):
            below = path.relative_to(folder)
            label = below.parent.as_posix() if nested else name
            group = None if group_pattern is None else group_of(below.as_posix(), group_pattern)
            entries.append(Entry(path, label, group))
    unnamed = [name for name in (UNSURE, NO_FACE) if name not in names and (folder / name).is_dir()]
    notes = [f"{folder / name}: filled by sort and no class, left out" for name in unnamed]
    return entries, notes + beside_folders(folder)


def folder_names(folder: Path) -> list[str]:
    """Names of the folders in a folder, sorted, without hidden ones.

    Of a folder that `sort` filled those of classes alone, so that sorted pictures, set right by
    hand, can be learnt from.
    """
    folder = Path(folder)
    not_classes = (UNSURE, NO_FACE, THUMBNAILS) if is_output_folder(folder) else ()
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir() and entry.name[0] != "." and entry.name not in not_classes
    )


def beside_folders(folder: Path) -> list[str]:
    """A line about the pictures that lie beside the class folders, and so in no class."""
    beside = [
        path
        for path in Path(folder).iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and path.name[0] != "." and path.is_file()
    ]
    if not beside:
        return []
    return [f"{folder}: left out {len(beside)} beside the class folders, like {min(beside).name}"]


def read_csv(
    listing: Path,
    crop: CropOptions,
    group_pattern: Optional[str] = None,
    find_face: Optional[FindFace] = None,
) -> LabelledFaces:
    """Faces of a CSV file (UTF-8, comma-separated, with a header line).

    Columns: `path` (or `file`, `picture`), relative to the CSV file; `label` (or `class`,
    `emotion`; rows without one are left out); optionally `group`, `part` (or `split`, `usage`),
    and x, y, w (or width), h (or height): the face's box in pixels, to which the crop's margin is
    added. `group_pattern` (searched in the path as written) goes before the column `group`. Rows
    without a box are treated as in `read_class_folders`. See also `grouped_by_picture`.

    Raises FormatError with the line for anything else; UserError when no picture can be used.
    """
    entries, notes = list_csv(listing, group_pattern)
    entries = grouped_by_picture(entries)
    faces = read_entries(entries, crop, find_face, str(listing))
    return faces._replace(problems=(*faces.problems, *notes))


def list_csv(
    listing: Path, group_pattern: Optional[str] = None, group_column: str = "group"
) -> tuple[list[Entry], list[str]]:
    """The faces that `read_csv` reads, and what was left out.

    Where some rows name a group, a picture of the others is a group by itself.
    """
    listing = Path(listing)
    try:
        text = listing.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{listing} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise FormatError(listing, "is not UTF-8 text", f"byte {error.start}") from None
    entries, unlabelled = [], 0
    needed = ("path", "label") if group_column == "group" else ("path", "label", group_column)
    for line, row in _rows(text, listing, needed):
        if not row["label"]:
            unlabelled += 1
            continue
        group = row.get(group_column) or None
        if group_pattern is not None:
            group = group_of(row["path"], group_pattern)
        box = _box(row, listing, line)
        part = row.get("part") or None
        entries.append(Entry(listing.parent / row["path"], row["label"], group, box, part))
    if any(entry.group is not None for entry in entries):
        entries = [
            entry._replace(group=str(entry.path)) if entry.group is None else entry
            for entry in entries
        ]
    notes = [f"{listing}: {unlabelled} rows without a label left out"] if unlabelled else []
    return entries, notes


def grouped_by_picture(entries: list[Entry]) -> list[Entry]:
    """Where nothing tells groups, and a picture has several faces, each picture's are a group."""
    several = len({entry.path for entry in entries}) < len(entries)
    if not several or all(entry.group is not None for entry in entries):
        return entries
    return [entry._replace(group=str(entry.path)) for entry in entries]


def group_of(path: str, pattern: str) -> str:
    """The group that a regular expression finds in a path; UserError when it finds none."""
    try:
        match = re.search(pattern, path)
    except re.error as error:
        raise UserError(f"group pattern {pattern!r} is no regular expression: {error}") from None
    if match is None:
        raise UserError(f"group pattern {pattern!r} does not match {path}")
    return (match[1] if match.re.groups else match[0]) or ""


def _rows(
    text: str, listing: Path, needed: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and rows, with the columns under their first names and values stripped."""
    reader = csv.reader(text.splitlines())
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        names = [
            FIRST_NAMES.get(name, name) if FIRST_NAMES.get(name) not in header else name
            for name in header
        ]
        for name in needed:
            if name not in names:
                raise FormatError(listing, f"no column {name!r} among {header}", "line 1")
        for row in reader:
            if not any(row):
                continue
            if len(row) != len(names):
                problem = f"{len(row)} values for {len(names)} columns"
                raise FormatError(listing, problem, f"line {reader.line_num}")
            yield reader.line_num, dict(zip(names, (value.strip() for value in row)))
    except csv.Error as error:
        raise FormatError(listing, str(error), f"line {reader.line_num}") from None


def _box(row: dict[str, str], listing: Path, line: int) -> Optional[list[int]]:
    """x, y, width, height of a row in whole pixels; None when all are absent or empty."""
    texts = [row.get(name, "") for name in "xywh"]
    if not any(texts):
        return None
    try:
        values = [float(text) for text in texts]
        if not all(abs(value) < 1e6 for value in values) or min(values[2:]) < 1:
            raise ValueError
    except ValueError:
        problem = f"box {' '.join(texts)!r} expected to be four numbers of pixels: x y w h"
        raise FormatError(listing, problem, f"line {line}") from None
    return [round(value) for value in values]


def read_entries(
    entries: list[Entry], crop: CropOptions, find_face: Optional[FindFace], source: str
) -> LabelledFaces:
    """Read and crop every entry's picture; what fails is told in `problems`."""
    whole = replace(crop, margin=0.0)
    crops, used, sizes, problems = [], [], [], []
    for entry in entries:
        try:
            grey = read_grey(entry.path)
            box, options = entry.box, crop
            if box is None and find_face is not None:
                box = find_face(grey)
                if box is None:
                    raise PictureError(f"{entry.path} shows no face that the cascade finds")
            elif box is None:
                box, options = [0, 0, grey.shape[1], grey.shape[0]], whole
            crops.append(crop_faces(grey, np.array([box]), options)[0])
        except UserError as error:
            problems.append(problem_of(entry.path, error))
            continue
        used.append(entry)
        sizes.append(box[2:])
    return collect(used, crops, sizes, problems, source)


def problem_of(path: Path, error: UserError) -> str:
    """The error's line, with the picture's name in it."""
    problem = str(error)
    return problem if problem.startswith(str(path)) else f"{path}: {problem}"


def check_parts(entries: list[Entry], source: str) -> None:
    """UserError when only some of the entries are in a part: a split must name one for all."""
    without = [str(entry.path) for entry in entries if entry.part is None]
    if 0 < len(without) < len(entries):
        raise UserError(
            f"{source}: {len(without):,} of {len(entries):,} rows name no part of the split, the "
            f"first is {without[0]}: write train or test in such rows, or delete them"
        )


def collect(
    entries: list[Entry],
    crops: list[np.ndarray],
    sizes: list[Sequence[int]],
    problems: list[str],
    source: str,
) -> LabelledFaces:
    """Entries with their crops as arrays; UserError when there are none."""
    if not entries:
        reason = f"; the first: {problems[0]}" if problems else ""
        raise UserError(f"{source}: no picture can be used{reason}")
    classes = tuple(sorted({entry.label for entry in entries}))
    number = {name: index for index, name in enumerate(classes)}
    groups = tuple(entry.group for entry in entries)
    parts = tuple(entry.part for entry in entries)
    return LabelledFaces(
        faces=np.stack(crops),
        labels=np.array([number[entry.label] for entry in entries]),
        classes=classes,
        paths=tuple(str(entry.path) for entry in entries),
        groups=None if None in groups else groups,
        problems=tuple(problems),
        sizes=np.array(sizes, np.int32).reshape(-1, 2),
        parts=None if None in parts else parts,
    )
