"""YOLO's labels: a text file for each picture, a line `class x y width height` for each box.

The class is a number from 0, its name the line of that number in classes.txt; x and y are the
box's centre, all four in parts of the picture's width and height, so a file can be read only by
one who knows the picture's size. A sixth number, the confidence of a prediction, is left out.
"""

from pathlib import Path
from typing import Union

import numpy as np

from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.boxed_picture import boxes_from_edges, cut, number

MAX_BYTES = 16 * 2**20
CLASSES_NAME = "classes.txt"


def parse_labels(
    text: str, size: tuple[int, int], classes: list[str], source: Union[str, Path]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Boxes int32 (n, 4) and their labels from the text of a picture's file.

    Parameters
    ----------
    size : width and height of the picture in pixels
    classes : names; without any, a label is the class's number

    Raises FormatError with the line that does not fit.
    """
    edges, labels = [], []
    for count, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        place = f"line {count}"
        if len(words) not in (5, 6):
            problem = f"expected `class x y width height`, found {cut(line)}"
            raise FormatError(source, problem, place)
        labels.append(_label(words[0], classes, source, place))
        x, y, width, height = (_part(word, source, place) for word in words[1:5])
        left, top = (x - width / 2) * size[0], (y - height / 2) * size[1]
        edges.append((left, top, left + width * size[0], top + height * size[1]))
    return boxes_from_edges(edges), tuple(labels)


def _label(word: str, classes: list[str], source: Union[str, Path], place: str) -> str:
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise FormatError(source, f"expected a class's number, found {cut(word)}", place)
    if not classes:
        return str(int(word))
    if int(word) >= len(classes):
        problem = f"found class {word}, but {CLASSES_NAME} names {len(classes)} (from 0)"
        raise FormatError(source, problem, place)
    return classes[int(word)]


def _part(word: str, source: Union[str, Path], place: str) -> float:
    part = number(word, source, place)
    if not 0 <= part <= 1:
        problem = f"expected parts of the picture from 0 to 1, found {cut(word)}"
        raise FormatError(source, problem, place)
    return part


def render_labels(
    boxes: np.ndarray, labels: tuple[str, ...], size: tuple[int, int], classes: list[str]
) -> str:
    """The text of a picture's file; what of a box lies outside the picture is cut off."""
    numbers = {name: place for place, name in reversed(list(enumerate(classes)))}
    lines = []
    for (x, y, width, height), label in zip(boxes.tolist(), labels):
        left, top = max(0, x), max(0, y)
        right, bottom = min(size[0], x + width), min(size[1], y + height)
        if right <= left or bottom <= top:
            raise UserError(f"box {[x, y, width, height]} is outside its picture of {size} pixels")
        parts = (
            (left + right) / 2 / size[0],
            (top + bottom) / 2 / size[1],
            (right - left) / size[0],
            (bottom - top) / size[1],
        )
        lines.append(" ".join([str(numbers[label]), *(f"{part:.6f}" for part in parts)]) + "\n")
    return "".join(lines)


def parse_classes(text: str) -> list[str]:
    """The names of classes.txt, a line each; blank lines at the end are none."""
    return [line.strip() for line in text.removeprefix("\ufeff").rstrip().splitlines()]


def render_classes(classes: list[str]) -> str:
    """The text of classes.txt."""
    for name in classes:
        if not name.strip() or name != name.strip() or len(name.splitlines()) != 1:
            raise UserError(f"{name!r} cannot be a line of {CLASSES_NAME}: rename the label")
    return "".join(name + "\n" for name in classes)
