"""What formats of annotated pictures have in common: a picture, its boxes and their labels."""

import math
import os
from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from cvbaseline.boxes import as_boxes
from cvbaseline.errors import FormatError

MOST = 2**30 - 1  # a box's far corner is an int32 too
MAX_BYTES = 200 * 2**20
NO_BOXES = as_boxes([])
NO_BOXES.setflags(write=False)


class BoxedPicture(NamedTuple):
    """A picture and the objects in it."""

    path: str  # as written in the file, with /
    boxes: np.ndarray  # int32 (n, 4): x, y, width, height in pixels
    labels: tuple[str, ...]  # of each box
    size: Optional[tuple[int, int]] = None  # width and height, where the file tells
    ignored: np.ndarray = NO_BOXES  # int32 (k, 4): marked as not to be used, not in `boxes`
    difficult: tuple[bool, ...] = ()  # of each box, whether it is marked so; () where none is


def merge_by_path(pictures: list[BoxedPicture]) -> list[BoxedPicture]:
    """Each picture once, where it came first, with the boxes of all its entries."""
    merged: dict[str, BoxedPicture] = {}
    for picture in pictures:
        path = os.path.abspath(picture.path)
        before = merged.get(path)
        merged[path] = picture if before is None else _joined(before, picture)
    return list(merged.values())


def _joined(first: BoxedPicture, second: BoxedPicture) -> BoxedPicture:
    """Two entries of a picture as one."""
    difficult = [
        hard for entry in (first, second) for hard in entry.difficult or (False,) * len(entry.boxes)
    ]
    return first._replace(
        boxes=np.concatenate([first.boxes, second.boxes]),
        labels=first.labels + second.labels,
        size=first.size or second.size,
        ignored=np.concatenate([first.ignored, second.ignored]),
        difficult=tuple(difficult) if any(difficult) else (),
    )


def boxes_from_edges(edges: list[tuple[float, float, float, float]]) -> np.ndarray:
    """Boxes, int32 (n, 4), from left, top, right and bottom, rounded to whole pixels.

    Edges are rounded, not sides, so that boxes which touch still do; no side is below 1.
    """
    boxes = []
    for left, top, right, bottom in edges:
        x, y = math.floor(left + 0.5), math.floor(top + 0.5)
        width, height = math.floor(right + 0.5) - x, math.floor(bottom + 0.5) - y
        boxes.append((x, y, max(1, width), max(1, height)))
    return as_boxes(boxes)


def number(value: Any, source: Union[str, Path], place: str, least: float = -MOST) -> float:
    """A finite number from JSON or text; FormatError with the place for anything else."""
    try:
        if isinstance(value, bool):
            raise ValueError
        converted = float(value)
    except (TypeError, ValueError):
        raise FormatError(source, f"expected a number, found {cut(value)}", place) from None
    if not least <= converted <= MOST:  # a NaN is not either
        raise FormatError(source, f"expected {least:g} to {MOST}, found {cut(value)}", place)
    return converted


def cut(value: object) -> str:
    """A value as it is shown in messages, not too long."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
