"""What has been found in pictures so far, kept line by line, so that work that stops goes on.

A journal is a file of JSON lines. Each line says what it was made from (the picture's content, the
cascade's or model's, the program), so it counts only as long as that is the same, wherever the
files are and whatever they are called. A line that was cut off is left out.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from cvbaseline import __version__
from cvbaseline.boxes import as_boxes
from cvbaseline.detection import CountedDetections
from cvbaseline.detection_parameters import AUTO, NONE, DetectionParameters
from cvbaseline.errors import PictureError, UserError, require

BEGINNING = b'{"program": "cvbaseline '  # of every line
ONCE = "once"  # how a sweep times its searches


class Searched(NamedTuple):
    """What a search of a picture found, and how long it took."""

    found: CountedDetections
    milliseconds: float
    size: tuple[int, int]  # the picture's width and height in pixels


def content_of(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits; PictureError when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError as error:
        raise PictureError(f"{path}: cannot be opened ({error.strerror})") from None


def program() -> str:
    """What found boxes: they may differ between versions."""
    import cv2

    return f"cvbaseline {__version__}, OpenCV {cv2.__version__}"


class SearchJournal:
    """Searches of pictures with one cascade, by the picture's content and the search.

    Parameters
    ----------
    path : the file; made when the first searches are added
    cascade : content of the cascade file
    timed : how the milliseconds are measured; what was timed in another way does not count
    """

    def __init__(self, path: Path, cascade: str, timed: str = ONCE):
        self._path = path
        self._made_by = {"program": program(), "cascade": cascade, "timed": timed}
        self._known: dict[tuple[str, str], Searched] = {}
        for line in read_lines(path, self._made_by):
            try:
                found = CountedDetections(
                    as_boxes(line["boxes"]),
                    np.array(line["scores"], np.float64),
                    np.array(line["neighbors"], np.int32),
                )
                width, height = line["size"]
                searched = Searched(found, float(line["milliseconds"]), (width, height))
                self._known[line["picture"], _as_key(line["search"])] = searched
            except (KeyError, TypeError, ValueError):
                continue

    def get(self, picture: str, search: DetectionParameters) -> Optional[Searched]:
        """What is known of the search of a picture with that content."""
        return self._known.get((picture, _as_key(_parameters(search))))

    def add(self, picture: str, searches: dict[DetectionParameters, Searched]) -> None:
        """Keep searches of a picture, in memory and in the file."""
        lines = []
        for search, searched in searches.items():
            parameters = _parameters(search)
            self._known[picture, _as_key(parameters)] = searched
            lines.append({
                **self._made_by, "picture": picture, "search": parameters,
                "size": searched.size, "milliseconds": searched.milliseconds,
                "boxes": searched.found.boxes.tolist(), "scores": searched.found.scores.tolist(),
                "neighbors": searched.found.neighbors.tolist(),
            })  # fmt: skip
        append_lines(self._path, lines)


def check_journal(path: Path) -> None:
    """UserError when the file holds something else than a journal's lines, or cannot be written.

    It is made when there is none.
    """
    try:
        with open(path, "ab+") as file:
            file.seek(0)
            start = file.read(len(BEGINNING))
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}): name another file for the searches"
        ) from None
    require(
        BEGINNING.startswith(start),
        f"{path} is no file of searches: name another one, so that nothing is added to this",
    )


def read_lines(path: Path, made_by: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The lines of a journal that were made by the same; none when there is no file yet."""
    try:
        file = open(path, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None
    with file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:  # cut off when the computer was
                continue
            if isinstance(line, dict) and made_by.items() <= line.items():
                yield line


def append_lines(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Add lines to a journal in one piece; UserError when it cannot be written."""
    text = "".join(f"{json.dumps(line, default=str)}\n" for line in lines)
    try:
        with open(path, "ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    text = "\n" + text
            file.write(text.encode())
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None


def _parameters(search: DetectionParameters) -> dict[str, Any]:
    """The search's parameters as they are written; a verifier counts by its content."""
    parameters = asdict(search)
    if search.verify not in (AUTO, NONE):
        from cvbaseline.second_look import open_verifier

        parameters["verify"] = open_verifier(search.verify).sha256
    return parameters


def _as_key(parameters: dict[str, Any]) -> str:
    return json.dumps(parameters, sort_keys=True, default=str)
