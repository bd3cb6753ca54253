"""Annotated pictures (info.dat) and lists of background pictures (bg.txt) of OpenCV's tools.

info.dat has a line `path n x y w h x y w h ...` for each picture, with n boxes in pixels; the
paths are relative to its folder. bg.txt has a path a line, relative to the working directory; a
line that begins with # is a comment. Both are read as people write them: with byte order mark,
CRLF, quotes, blanks in paths, paths of Windows, relative to either folder.
"""

import os
import re
import sys
from pathlib import Path
from typing import NamedTuple, Union

import numpy as np

from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.files import read_bytes, write_bytes

MAX_BYTES = 200 * 2**20
MOST = 2**30 - 1  # a box's far corner is an int32 too

_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)


class Annotation(NamedTuple):
    """A line of info.dat: a picture and the boxes of the objects in it."""

    path: str  # as written
    boxes: np.ndarray  # int32 (n, 4): x, y, width, height


class ListedPicture(NamedTuple):
    """A line of bg.txt."""

    line: int  # its number, from 1
    path: str  # as written, without quotes


def parse_info(text: str, source: Union[str, Path]) -> list[Annotation]:
    """The annotations from the text of info.dat.

    Blank lines are skipped. A path may hold blanks, but no whole number behind one. Raises
    FormatError with the line that does not fit.
    """
    return [_parse_info_line(line, source, number) for number, line in _lines(text, source)]


def parse_info_leniently(
    text: str, source: Union[str, Path]
) -> list[tuple[int, Union[Annotation, FormatError]]]:
    """As `parse_info`, but each with its line's number, and the error of a line that does not fit
    in its place."""
    entries: list[tuple[int, Union[Annotation, FormatError]]] = []
    for number, line in _lines(text, source):
        try:
            entries.append((number, _parse_info_line(line, source, number)))
        except FormatError as error:
            entries.append((number, error))
    return entries


def _parse_info_line(line: str, source: Union[str, Path], number: int) -> Annotation:
    place = f"line {number}"
    tokens = list(re.finditer(r"\S+", line))
    # The path ends before the integers at the end of the line, whatever blanks it holds
    end = len(tokens)
    while end > 1 and _INTEGER.fullmatch(tokens[end - 1].group()):
        end -= 1
    values = [int(token.group()) for token in tokens[end:]]
    if not values or 4 * values[0] != len(values) - 1:
        raise FormatError(source, f"expected `path n x y w h ...`, found {_cut(line)}", place)
    boxes = np.array(values[1:], np.int64).reshape(-1, 4)
    if len(boxes) and (boxes[:, 2:].min() < 1 or np.abs(boxes).max() > MOST):
        problem = f"expected boxes of at least 1 x 1 pixels, found {_cut(line)}"
        raise FormatError(source, problem, place)
    path = _unquoted(line[: tokens[end - 1].end()])
    return Annotation(path, boxes.astype(np.int32))


def render_info(annotations: list[Annotation]) -> str:
    """The text of info.dat; UserError for a path that a line of it cannot hold."""
    lines = []
    for path, boxes in annotations:
        numbers = [len(boxes), *np.asarray(boxes).ravel().tolist()]
        line = " ".join([path, *map(str, numbers)])
        if not _reads_back(line, path):
            raise UserError(
                f"{path!r} cannot be written to info.dat: give the picture another name"
            )
        lines.append(line + "\n")
    return "".join(lines)


def _reads_back(line: str, path: str) -> bool:
    try:
        line.encode("utf-8", "surrogateescape")
        return [annotation.path for annotation in parse_info(line, "")] == [path]
    except (FormatError, UnicodeEncodeError):
        return False


def load_info(path: Path) -> list[Annotation]:
    """`parse_info` of a file; `resolve_picture(annotation.path, path.parent, Path())` finds it."""
    return parse_info(read_list(path), path)


def save_info(path: Path, annotations: list[Annotation]) -> None:
    """`render_info` to a file."""
    write_bytes(path, render_info(annotations).encode("utf-8", "surrogateescape"))


def parse_background(
    text: str, source: Union[str, Path], blank_ends: bool = False
) -> list[ListedPicture]:
    """The pictures from the text of bg.txt.

    Parameters
    ----------
    blank_ends : read no further than the first blank line, as opencv_traincascade does

    Raises FormatError for a line that cannot be a path.
    """
    pictures = []
    for number, line in _lines(text, source, keep_blank=blank_ends):
        if not line:
            break
        if not line.startswith("#"):
            pictures.append(ListedPicture(number, _unquoted(line)))
    return pictures


def load_background(path: Path, blank_ends: bool = False) -> list[Path]:
    """The pictures that bg.txt lists, relative to the working directory or else to its folder.

    A picture that is in neither place is given as it is written, for the reader to complain of.
    """
    listed = parse_background(read_list(path), path, blank_ends)
    return [resolve_picture(picture.path, Path(), Path(path).parent) for picture in listed]


def resolve_picture(name: str, *folders: Path) -> Path:
    """The first place where the picture is: in one of the folders, by its name as written or
    with the separators of Windows; else the name as it is written, in the first folder."""
    for written in dict.fromkeys((name, name.replace("\\", "/"))):
        for folder in folders:
            if os.path.exists(folder / written):
                return folder / written
    return folders[0] / name


def _lines(text: str, source: Union[str, Path], keep_blank: bool = False) -> list[tuple[int, str]]:
    """Numbered lines without the blanks around them."""
    lines = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")), 1):
        line = line.strip(" \t\v\f")
        if "\0" in line:
            problem = f"expected text, found {_cut(line)}: save the list as UTF-8"
            raise FormatError(source, problem, f"line {number}")
        if line or keep_blank:
            lines.append((number, line))
    return lines


def _unquoted(path: str) -> str:
    for quote in ('"', "'"):
        if len(path) > 2 and path[0] == quote == path[-1]:
            return path[1:-1]
    return path


def _cut(line: str) -> str:
    return repr(line if len(line) <= 80 else line[:77] + "...")


def read_list(path: Path) -> str:
    """The text of info.dat or bg.txt."""
    return decode_text(read_bytes(path, MAX_BYTES))


def decode_text(data: bytes) -> str:
    """UTF-8, UTF-16 by its mark (PowerShell's), else the encoding of this system's file names."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode(sys.getfilesystemencoding(), "surrogateescape")
