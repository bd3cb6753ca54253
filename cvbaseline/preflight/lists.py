"""Checks of whole list files: bg.txt and info.dat with the pictures that they name."""

from pathlib import Path
from typing import NamedTuple

from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.annotations import (
    MAX_BYTES,
    Annotation,
    parse_info_leniently,
    read_list,
    resolve_picture,
)
from cvbaseline.formats.files import read_bytes
from cvbaseline.preflight import annotated, background
from cvbaseline.preflight.findings import Finding
from cvbaseline.preflight.pictures import Look, look_at

ANNOTATION_NAMES = ("*.dat", "*.info", "*.lst", "info*.txt", "positive*.txt", "annotation*.txt")


class Background(NamedTuple):
    """A bg.txt, looked at."""

    findings: list[Finding]
    looks: list[Look]  # of its pictures, in order; empty when the list itself is no good


def check_background(bg: Path, size: tuple[int, int], thorough: bool) -> Background:
    """The lines of bg.txt, and whether the pictures can be read and hold a window.

    Parameters
    ----------
    size : of the window, width and height
    thorough : decode all pictures, to find truncated ones and keep thumbnails of them
    """
    try:
        data = read_bytes(bg, MAX_BYTES)
        listed = background.list_pictures(data, bg)
    except UserError as error:
        problem = str(error).removeprefix(str(bg)).lstrip(" ,:")
        mend = "name a file with a picture's path on each line"
        return Background([Finding("error", str(bg), problem, mend)], [])
    if not listed:
        mend = "write a path on each line"
        return Background([Finding("error", str(bg), "it lists no picture", mend)], [])
    looks = look_at([picture.path for picture in listed], size if thorough else None)
    findings = background.check_list_text(data, bg) + background.check_places(listed, bg)
    findings += background.check_readable(listed, looks, bg)
    findings += background.check_sizes(looks, *size, bg)
    return Background(findings, looks)


def check_info(
    info: Path, size: tuple[int, int], thorough: bool = False
) -> tuple[list[Finding], int]:
    """The findings on annotated pictures, and how many boxes they have."""
    try:
        data = read_bytes(info, MAX_BYTES)
    except UserError as error:
        return [Finding("error", f"-info {info}", _reason(error, info), "name an info.dat")], 0
    lines, findings = annotated.read_lines(data, info)
    looks = look_at([Path(line.annotation.path) for line in lines], size if thorough else None)
    findings += annotated.check_annotated(lines, looks, info)
    findings += annotated.check_small_boxes(lines, *size, info)
    return findings, sum(len(line.annotation.boxes) for line in lines)


def _reason(error: UserError, path: Path) -> str:
    return str(error).removeprefix(str(path)).lstrip(" ,:")


def annotations_in(folders: list[Path]) -> list[Annotation]:
    """The lines, as far as they can be read, of all lists of annotated pictures in the folders."""
    found: list[Annotation] = []
    for place in dict.fromkeys(folders):
        for path in sorted({path for name in ANNOTATION_NAMES for path in place.glob(name)}):
            found += placed_annotations(path) if path.is_file() else []
    return found


def placed_annotations(info: Path) -> list[Annotation]:
    """The readable lines of info.dat; `path` is where the picture is."""
    return [
        entry._replace(path=str(resolve_picture(entry.path, info.parent, Path())))
        for _, entry in parse_info_leniently(read_list(info), info)
        if not isinstance(entry, FormatError)
    ]
