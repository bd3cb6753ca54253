"""Samples from annotated pictures: each box of info.dat cut out and brought to one size."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvbaseline.errors import FormatError, PictureError
from cvbaseline.formats.annotations import (
    Annotation,
    parse_info_leniently,
    read_list,
    resolve_picture,
)
from cvbaseline.old_tools.opencv_grey import read_grey_as_opencv
from cvbaseline.training.augmentation import Chip, cut_window

SQUEEZED = 0.1  # a box's shape may differ from the window's by so much before it is told


class InfoSamples(NamedTuple):
    """What the boxes gave."""

    samples: np.ndarray  # uint8 (n, h, w)
    listed: int  # boxes in the file, as far as its lines can be read
    left_out: int  # boxes and lines that could not be used, each of them told
    squeezed: int  # samples whose boxes are not of the window's shape


def samples_from_info(
    info: Path, width: int, height: int, most: int, tell: Callable[[str], None]
) -> InfoSamples:
    """The first `most` boxes of info.dat as samples.

    Resized as opencv_createsamples does, whatever the box's shape. A line that cannot be read, a
    picture that cannot be read and a box outside its picture are told and left out.

    Raises UserError when info.dat itself cannot be read.
    """
    from tqdm import tqdm

    samples: list[np.ndarray] = []
    listed = left_out = squeezed = 0
    entries = parse_info_leniently(read_list(info), info)
    for number, entry in tqdm(entries, unit="picture", disable=None, leave=False):
        if isinstance(entry, FormatError):
            tell(f"{entry}: left out; mend the line or remove it")
            left_out += 1
            continue
        listed += len(entry.boxes)
        if len(samples) >= most or not len(entry.boxes):
            continue
        try:
            grey = read_grey_as_opencv(resolve_picture(entry.path, info.parent, Path()))
        except PictureError as error:
            tell(f"{info}, line {number}: left out: {error}")
            left_out += len(entry.boxes)
            continue
        inside = _boxes_inside(entry, grey.shape, f"{info}, line {number}", tell)
        left_out += len(entry.boxes) - len(inside)
        for x, y, w, h in inside[: most - len(samples)].tolist():
            samples.append(cut_window(Chip(grey, x, y, w, h), width, height))
            squeezed += abs(w * height / (h * width) - 1) > SQUEEZED
    cut = np.stack(samples) if samples else np.zeros((0, height, width), np.uint8)
    return InfoSamples(cut, listed, left_out, squeezed)


def _boxes_inside(
    entry: Annotation, shape: tuple[int, ...], place: str, tell: Callable[[str], None]
) -> np.ndarray:
    """The boxes that lie in their picture, int32 (n, 4); the others are told."""
    rows, columns = shape
    x, y, w, h = entry.boxes.T
    inside = (x >= 0) & (y >= 0) & (x + w <= columns) & (y + h <= rows)
    for number in np.flatnonzero(~inside):
        box = " ".join(map(str, entry.boxes[number].tolist()))
        tell(
            f"{place}: left out: box {number + 1} ({box}) is not inside {entry.path}, which has "
            f"{columns} x {rows} pixels; boxes are x y width height"
        )
    return entry.boxes[inside]
