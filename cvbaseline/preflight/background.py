"""Checks of negatives: the lines of bg.txt, and the pictures that they name."""

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvbaseline.formats.annotations import (
    Annotation,
    decode_text,
    parse_background,
    resolve_picture,
)
from cvbaseline.preflight.findings import Finding, about_lines, count_of
from cvbaseline.preflight.pictures import Look, nearly_same, same_files, unit_rows

SHOWN = 3  # pictures named in a finding


class Listed(NamedTuple):
    """A picture that bg.txt lists."""

    line: int
    written: str
    path: Path  # where it was found, or the first place that was tried


def check_list_text(data: bytes, source: Path) -> list[Finding]:
    """What OpenCV's tools stumble over in the text of bg.txt; cvbaseline reads it all the same."""
    findings = []
    utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    if utf16 or data.startswith(b"\xef\xbb\xbf"):
        kind = "UTF-16" if utf16 else "UTF-8 with a byte order mark"
        lost = "no line" if utf16 else "not the first line"
        problem = f"the file is {kind}: OpenCV's tools can read {lost} of it"
        findings.append(
            Finding("warning", f"{source}, line 1", problem, "save it as plain UTF-8", False)
        )
    text = decode_text(data).removeprefix("\ufeff")
    lines = [line.strip(" \t\v\f") for line in re.split(r"\r\n|\n|\r", text)]
    named = [number for number, line in enumerate(lines, 1) if line]
    empty = [number for number, line in enumerate(lines, 1) if not line]
    after = [number for number in named if empty and number > empty[0]]
    if after:
        problem = f"the line is blank: the old trainer ends there and misses {len(after)} lines"
        findings.append(
            Finding(
                "warning", f"{source}, line {empty[0]}", problem, "delete the blank line", False
            )
        )
    if "\r" in text:
        bare = "\r" in text.replace("\r\n", "")
        kind = "an old Macintosh" if bare else "Windows (CRLF)"
        problem = f"lines end as on {kind}, which tools before OpenCV 3.4 take as part of the path"
        mend = "save it with line ends of Unix (LF)"
        findings += about_lines("warning", source, named[:1], problem, mend, False)
    quoted = [number for number in named if lines[number - 1][0] in "\"'"]
    problem = "the path is in quotes, which OpenCV's tools take as part of it"
    findings += about_lines("warning", source, quoted, problem, "write it without quotes", False)
    if os.sep != "\\":
        slashed = [number for number in named if "\\" in lines[number - 1]]
        problem = "the path has backslashes, which only Windows understands"
        findings += about_lines("warning", source, slashed, problem, "write it with /", False)
    return findings


def list_pictures(data: bytes, source: Path) -> list[Listed]:
    """The pictures of bg.txt and where they are: in the working directory or the list's folder.

    Raises FormatError for a line that cannot be a path.
    """
    return [
        Listed(line, path, resolve_picture(path, Path(), source.parent))
        for line, path in parse_background(decode_text(data), source)
    ]


def check_places(pictures: list[Listed], source: Path) -> list[Finding]:
    """Pictures that are found only from the list's own folder, where the old trainer looks not."""
    if source.parent.absolute() == Path().absolute():
        return []
    lines = [
        picture.line
        for picture in pictures
        if os.path.exists(picture.path) and not _from_here(picture.written)
    ]
    problem = (
        f"the path holds from {source.parent} only, and the old trainer begins in the working "
        "directory (the old createsamples does the reverse)"
    )
    return about_lines("aborts", source, lines, problem, "write the whole path", False)


def _from_here(written: str) -> bool:
    return any(os.path.exists(name) for name in (written, written.replace("\\", "/")))


def check_readable(pictures: list[Listed], looks: list[Look], source: Path) -> list[Finding]:
    """Lines whose picture cannot be read, one finding a reason; an error when none can."""
    reasons: dict[str, list[Listed]] = {}
    for picture, look in zip(pictures, looks):
        if look.size is None:
            missing = not os.path.lexists(picture.path)
            reason = "there is no such file" if missing else look.problem
            reasons.setdefault(reason, []).append(picture)
    findings = []
    for reason, unreadable in reasons.items():
        first = unreadable[0]
        tried = f"tried {first.path.absolute()}"
        other = source.parent.absolute() / first.written.replace("\\", "/")
        if not os.path.lexists(first.path) and other != first.path.absolute():
            tried += f" and {other}"
        problem = f"{first.written!r} cannot be read: {reason} ({tried})"
        mend = "correct the path" if "no such file" in reason else "replace the picture"
        lines = [picture.line for picture in unreadable]
        findings += about_lines("warning", source, lines, problem, f"{mend} or delete the line")
    if not any(look.size for look in looks):
        findings.append(no_readable(source))
    return findings


def no_readable(source: object) -> Finding:
    """The finding that there is no negative at all."""
    return Finding("error", str(source), "no picture in it can be read", "see the lines above it")


def check_sizes(looks: list[Look], width: int, height: int, source: object) -> list[Finding]:
    """Pictures that hold no window; an error when none does."""
    readable = [look for look in looks if look.size is not None]
    small = [look for look in readable if look.size[0] < width or look.size[1] < height]  # type: ignore[index]
    if not small:
        return []
    where = str(source)
    window = f"smaller than the window of {width} x {height} pixels"
    if len(small) == len(readable):
        return [Finding("error", where, f"all pictures are {window}", "use larger pictures")]
    problem = f"{count_of(len(small), 'picture')} {window}: {_some([p.path for p in small])}"
    return [Finding("warning", where, problem, "replace them: nothing can be taken from them")]


def check_duplicates(looks: list[Look], source: object) -> list[Finding]:
    """Pictures that are listed twice, or whose files or contents are the same."""
    where, findings = str(source), []
    paths = [look.path for look in looks if look.size is not None]
    repeated = [path for path, count in _counts(paths).items() if count > 1]
    if repeated:
        problem = f"{count_of(len(repeated), 'picture')} listed more than once: {_some(repeated)}"
        findings.append(Finding("warning", where, problem, "delete the repeated lines"))
    groups = same_files(paths)
    if groups:
        surplus = sum(len(group) - 1 for group in groups)
        pair = f"{groups[0][1]} is the same file as {groups[0][0]}"
        problem = f"{count_of(surplus, ('copy', 'copies'))} of other negatives: {pair}"
        findings.append(Finding("warning", where, problem, "delete them: they teach nothing"))
    copies = {path for group in groups for path in group}
    pairs = [pair for pair in nearly_same(looks) if pair[0] != pair[1] and pair[1] not in copies]
    if pairs:
        pair = f"{pairs[0][1]} shows nearly the same as {pairs[0][0]}"
        number = count_of(len(pairs), ("picture", "pictures"))
        problem = f"{number} nearly like another one: {pair}"
        findings.append(Finding("warning", where, problem, "put more variety in the negatives"))
    return findings


def check_positives_among(
    negatives: list[Look], positives: list[Annotation], source: object
) -> list[Finding]:
    """Negatives that are the very pictures, by path or contents, which hold annotated boxes.

    Parameters
    ----------
    positives : annotated pictures; `path` is where each of them is
    """
    where, boxed = str(source), {}
    for path, boxes in positives:
        if len(boxes):
            boxed[os.path.realpath(path)] = len(boxes)
    if not boxed:
        return []
    paths = [look.path for look in negatives if look.size is not None]
    real = {path: os.path.realpath(path) for path in paths}
    named = [path for path in paths if real[path] in boxed]
    candidates = [Path(path) for path in (*boxed, *real.values())]
    originals = {
        str(path): next((str(other) for other in group if str(other) in boxed), None)
        for group in same_files(candidates)
        for path in group
    }
    copied = [path for path in paths if path not in named and originals.get(real[path])]
    guilty = [*named, *copied]
    if not guilty:
        return []
    first = real[guilty[0]]
    boxes = count_of(boxed[originals.get(first) or first], ("annotated box", "annotated boxes"))
    number = count_of(len(guilty), ("picture", "pictures"))
    problem = f"{number} of the negatives show the object: {guilty[0]} has {boxes}"
    mend = (
        "take them out (cvbaseline cascade train --boxed-negatives uses what is outside the boxes)"
    )
    return [Finding("warning", where, problem, mend)]


def check_samples_among(looks: list[Look], samples: np.ndarray, source: object) -> list[Finding]:
    """Negatives that are, shrunk to the window, samples (n, h, w) of the positives."""
    seen = [look for look in looks if look.thumbnail is not None]
    if not seen or not len(samples):
        return []
    rows = unit_rows(np.stack([look.thumbnail for look in seen]))  # type: ignore[misc]
    best = (unit_rows(samples) @ rows.T).max(axis=0)
    guilty = [look.path for look, likeness in zip(seen, best) if likeness > 0.99]
    if not guilty:
        return []
    number = count_of(len(guilty), ("negative is", "negatives are"))
    problem = f"{number} a positive sample as well: {_some(guilty)}"
    return [Finding("warning", str(source), problem, "take them out of the negatives")]


def count_windows(looks: list[Look], width: int, height: int) -> int:
    """Different windows of all pictures: every place on levels that shrink by the root of 2."""
    total = 0
    for look in looks:
        if look.size is None:
            continue
        columns, rows, level = *look.size, 0
        while columns >= width and rows >= height:
            total += int(columns - width + 1) * int(rows - height + 1)
            level += 1
            columns, rows = (side / 2 ** (level / 2) for side in look.size)
    return total


def _counts(paths: list[Path]) -> dict[Path, int]:
    counts: dict[Path, int] = {}
    for path in paths:
        counts[path] = counts.get(path, 0) + 1
    return counts


def _some(paths: list[Path]) -> str:
    shown = ", ".join(map(str, paths[:SHOWN]))
    return shown + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")
