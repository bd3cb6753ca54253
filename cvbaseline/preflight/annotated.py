"""Checks of annotated pictures: the lines of info.dat, and boxes that leave their pictures."""

import os
from pathlib import Path
from typing import NamedTuple

from cvbaseline.errors import FormatError
from cvbaseline.formats.annotations import (
    Annotation,
    decode_text,
    parse_info_leniently,
    resolve_picture,
)
from cvbaseline.preflight.findings import Finding, about_lines, count_of
from cvbaseline.preflight.pictures import Look

MOST_MALFORMED = 5


class AnnotatedLine(NamedTuple):
    """A line of info.dat."""

    line: int
    written: str
    annotation: Annotation  # `path` is where the picture is


def read_lines(data: bytes, source: Path) -> tuple[list[AnnotatedLine], list[Finding]]:
    """The lines that can be read, and a finding for each that cannot (the first few of them)."""
    annotated: list[AnnotatedLine] = []
    findings: list[Finding] = []
    for number, entry in parse_info_leniently(decode_text(data), source):
        if isinstance(entry, FormatError):
            mend = "write `path n x y w h ...` with n boxes, or delete the line"
            findings.append(Finding("error", f"{source}, line {number}", entry.problem, mend))
        else:
            place = str(resolve_picture(entry.path, source.parent, Path()))
            annotated.append(AnnotatedLine(number, entry.path, Annotation(place, entry.boxes)))
    rest = len(findings) - MOST_MALFORMED
    if rest > 0:
        problem = f"{rest} more lines like these"
        last = Finding("error", str(source), problem, "mend them as well")
        findings = [*findings[:MOST_MALFORMED], last]
    return annotated, findings


def check_annotated(lines: list[AnnotatedLine], looks: list[Look], source: Path) -> list[Finding]:
    """Pictures that cannot be read and boxes that leave their picture."""
    findings = _check_readable(lines, looks, source)
    outside, empty = [], []
    for line, look in zip(lines, looks):
        boxes = line.annotation.boxes
        if look.size is None:
            continue
        right, bottom = boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3]
        beyond = (boxes[:, :2].min(axis=1, initial=0) < 0) | (right > look.size[0])
        beyond |= bottom > look.size[1]
        if beyond.any():
            outside.append((line, boxes[beyond][0].tolist(), look.size))
        if not len(boxes):
            empty.append(line.line)
    if outside:
        line, (x, y, width, height), size = outside[0]
        problem = (
            f"box {x} {y} {width} {height} leaves {line.written!r}, which has "
            f"{size[0]} x {size[1]} pixels"
        )
        numbers = [line.line for line, _, _ in outside]
        findings += about_lines("aborts", source, numbers, problem, "draw it within the picture")
    problem = "a picture without a box gives no sample"
    findings += about_lines("warning", source, empty, problem, "draw its boxes or leave it out")
    return findings


def _check_readable(lines: list[AnnotatedLine], looks: list[Look], source: Path) -> list[Finding]:
    findings = []
    bad = [(line, look) for line, look in zip(lines, looks) if look.size is None]
    if bad:
        line, look = bad[0]
        missing = not os.path.lexists(look.path)
        reason = "there is no such file" if missing else look.problem
        problem = f"{line.written!r} cannot be read: {reason} (tried {look.path.absolute()})"
        numbers = [line.line for line, _ in bad]
        mend = "correct the path, which begins in the list's folder, or delete the line"
        findings += about_lines("aborts", source, numbers, problem, mend)
    absolute = [line.line for line in lines if os.path.isabs(line.written)]
    problem = "an absolute path, before which the old createsamples puts the list's folder"
    findings += about_lines(
        "aborts", source, absolute, problem, "write it relative to the list", False
    )
    if lines and len(bad) == len(lines):
        problem = "no picture in it can be read"
        findings.append(Finding("error", str(source), problem, "see the lines above"))
    return findings


def check_number(lines: list[AnnotatedLine], num: int, source: Path) -> list[Finding]:
    """Whether -num asks for more samples than there are boxes."""
    boxes = sum(len(line.annotation.boxes) for line in lines)
    if num <= boxes:
        return []
    problem = f"{source} holds {count_of(boxes, ('box', 'boxes'))} only"
    return [Finding("warning", f"-num {num}", problem, f"use -num {boxes}")]


def check_small_boxes(
    lines: list[AnnotatedLine], width: int, height: int, source: Path
) -> list[Finding]:
    """Boxes smaller than the window, whose samples are enlarged and blurred."""
    small = [
        line.line
        for line in lines
        if ((line.annotation.boxes[:, 2:] < (width, height)).any(axis=1)).any()
    ]
    problem = f"a box is smaller than the window of {width} x {height} pixels, and gets enlarged"
    mend = "use a smaller window, or larger pictures"
    return about_lines("warning", source, small, problem, mend)
