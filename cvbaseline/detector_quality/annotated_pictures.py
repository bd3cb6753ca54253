"""Pictures with their true boxes, from annotations in any format: what a detector is held against.

Regions to ignore, where a detection is neither right nor wrong, are COCO's crowds, imglab's
`ignore`, VOC's difficult objects, and the list `ignore` of the plain JSON (formats/plain_json.py).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.errors import UserError, require
from cvbaseline.formats.annotation_files import (
    DEFAULT_LABEL,
    kind_of,
    places_of_pictures,
    read_annotations,
)
from cvbaseline.formats.annotations import resolve_picture
from cvbaseline.formats.boxed_picture import MAX_BYTES, BoxedPicture
from cvbaseline.formats.files import read_bytes
from cvbaseline.formats.plain_json import is_plain_json, parse_plain_json
from cvbaseline.grouping import groups_of_paths

# What a folder's annotations are called, those that can hold regions to ignore first.
USUAL_NAMES = (
    "truth.json", "annotations.json", "_annotations.coco.json", "annotations.xml", "info.dat",
    "annotations.txt", "info.txt", "info.lst",
)  # fmt: skip
USUAL_FOLDERS = ("labels", "Annotations", "annotations")
LIST_SUFFIXES = (".json", ".dat", ".info", ".lst", ".idx")  # of files that list many pictures


class AnnotatedPicture(NamedTuple):
    """A picture's file and what is in the picture."""

    path: Path
    boxes: np.ndarray  # int32 (n, 4): the true boxes as x, y, width, height
    ignore: np.ndarray  # int32 (k, 4): regions where a detection is neither right nor wrong
    group: Optional[str] = None  # of pictures that belong together; None: this one alone


def read_annotated_pictures(
    path: Path, only: Sequence[str] = (), group_by: Optional[str] = None
) -> list[AnnotatedPicture]:
    """The pictures of an annotation file (info.dat, COCO, imglab, plain JSON) or folder.

    The pictures themselves are not opened, except for YOLO, whose boxes need their sizes. Entries
    of one picture are joined.

    Parameters
    ----------
    path : the file; a folder of VOC's or YOLO's files; or a folder that holds one of these under
        one of the usual names
    only : labels to keep; all without
    group_by : what belongs together, by the pictures' paths below `path` (grouping.PATH_GROUPINGS)

    Raises UserError when there are none, FormatError for a malformed file.
    """
    given, path = path, find_annotations(path)
    entries = _read(path)
    labels = {label for entry in entries for label in entry.labels}
    unknown = sorted(set(only) - labels)
    known = ", ".join(sorted(labels)) or "none"
    require(not unknown, f"{path} has no label {', '.join(unknown)}; it has {known}")
    joined: dict[Path, AnnotatedPicture] = {}
    for entry in entries:
        picture = _annotated(entry, frozenset(only))
        if picture.path in joined:
            before = joined[picture.path]
            boxes = np.concatenate([before.boxes, picture.boxes])
            picture = AnnotatedPicture(
                picture.path, boxes, np.concatenate([before.ignore, picture.ignore])
            )
        joined[picture.path] = picture
    require(bool(joined), f"{path} lists no picture: nothing to measure on")
    groups = groups_of_paths(list(joined), given, group_by)
    require(
        len(set(groups)) != 1 or groups[0] is None,
        f"--group-by {group_by}: all pictures of {given} are of one group, {groups[0]}; intervals "
        "need several",
    )
    return [picture._replace(group=group) for picture, group in zip(joined.values(), groups)]


def drawn_whole(pictures: Sequence[AnnotatedPicture]) -> tuple[int, str]:
    """How many of what is drawn for intervals: "pictures", or "groups" of them."""
    groups = {picture.group for picture in pictures}
    return (len(pictures), "pictures") if None in groups else (len(groups), "groups")


def find_annotations(path: Path) -> Path:
    """The annotation file or folder that `path` is or holds; UserError when there is none."""
    require(path.exists(), f"{path} does not exist: name annotations, or a folder that holds them")
    if not path.is_dir():
        return path
    for name in USUAL_NAMES:
        if (path / name).is_file():
            return path / name
    for name in USUAL_FOLDERS:
        if (path / name).is_dir():
            return path / name
    lists = sorted(file for file in path.iterdir() if file.suffix.lower() in LIST_SUFFIXES)
    named = ", ".join(file.name for file in lists)
    require(len(lists) < 2, f"{path} holds several annotations, name one of {named}")
    if lists:
        return lists[0]
    try:
        kind_of(path)
    except UserError:
        known = "info.dat, COCO .json, imglab .xml, a folder of YOLO or VOC files"
        raise UserError(f"{path} holds no annotations: name the file ({known})") from None
    return path


def _read(path: Path) -> list[BoxedPicture]:
    kind = kind_of(path)
    if kind == "coco" and is_plain_json(data := read_bytes(path, MAX_BYTES)):
        places = [*places_of_pictures(path, kind), Path()]
        return [
            entry._replace(path=str(resolve_picture(entry.path, *places)))
            for entry in parse_plain_json(data, path, DEFAULT_LABEL)
        ]
    return read_annotations(path, kind)


def _annotated(entry: BoxedPicture, only: frozenset[str]) -> AnnotatedPicture:
    kept = np.array([not only or label in only for label in entry.labels], bool)
    difficult = np.array(entry.difficult or [False] * len(kept), bool)
    ignore = np.concatenate([entry.ignored, entry.boxes[difficult & kept]])
    return AnnotatedPicture(Path(entry.path), entry.boxes[kept & ~difficult], ignore)
