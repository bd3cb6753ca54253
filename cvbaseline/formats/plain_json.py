"""Faces of pictures as JSON that is easily written by hand, with regions where nothing counts.

    {"frames/0001.jpg": {"faces": [[x, y, width, height], ...], "ignore": [[x, y, width, height]]},
     "frames/0002.jpg": {"faces": []}}

Pixels are counted from 0. `ignore` may be missing: regions such as a crowd, an animal or a face
too small to be asked for, where a detection is neither right nor wrong.
"""

import json
from pathlib import Path
from typing import Any, Union

import numpy as np

from cvbaseline.errors import FormatError
from cvbaseline.formats.boxed_picture import BoxedPicture, boxes_from_edges, cut, number

KEYS = ("faces", "ignore")


def is_plain_json(data: bytes) -> bool:
    """Whether a JSON file is of this kind: an object of objects that have faces."""
    try:
        root = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    if not isinstance(root, dict):
        return False
    return any(isinstance(entry, dict) and "faces" in entry for entry in root.values())


def parse_plain_json(data: bytes, source: Union[str, Path], label: str) -> list[BoxedPicture]:
    """The pictures from the bytes of a file that `is_plain_json`, in their order there.

    Raises FormatError with the place, such as '"a.jpg".faces[2]'.
    """
    pictures = []
    for name, entry in json.loads(data.decode("utf-8-sig")).items():
        place = f'"{name}"'
        if not name or not isinstance(entry, dict) or "faces" not in entry:
            problem = f'expected {{"faces": [...], "ignore": [...]}}, found {cut(entry)}'
            raise FormatError(source, problem, place)
        unknown = sorted(set(entry) - set(KEYS))
        if unknown:
            raise FormatError(source, f"expected faces and ignore, found {cut(unknown[0])}", place)
        faces, ignored = (_boxes(entry.get(key, []), source, f"{place}.{key}") for key in KEYS)
        pictures.append(BoxedPicture(name, faces, (label,) * len(faces), None, ignored))
    return pictures


def _boxes(values: Any, source: Union[str, Path], place: str) -> np.ndarray:
    """Boxes int32 (n, 4) from a list of [x, y, width, height]."""
    if not isinstance(values, list):
        raise FormatError(source, f"expected a list of boxes, found {cut(values)}", place)
    edges = []
    for count, box in enumerate(values):
        where = f"{place}[{count}]"
        if not isinstance(box, list) or len(box) != 4:
            raise FormatError(source, f"expected [x, y, width, height], found {cut(box)}", where)
        x, y = (number(value, source, where) for value in box[:2])
        width, height = (number(value, source, where, 0) for value in box[2:])
        edges.append((x, y, x + width, y + height))
    return boxes_from_edges(edges)
