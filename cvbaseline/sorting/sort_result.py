"""What a run of sorting did, and how the terminal tells it."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple, Union

from cvbaseline.printable import printable
from cvbaseline.sorting.manifest import CSV_NAME, NO_FACE, UNREADABLE, UNSURE, Record
from cvbaseline.sorting.output_folder import SHEET_NAME
from cvbaseline.sorting.picture_search import Search

MOST_REASONS = 20  # pictures not sorted that the summary names
# The counts' names for pictures that are in none of the output's folders.
NOT_READ, NOT_PLACED, NO_FOLDER = "unreadable", "not placed", "beside the folders"


class SortResult(NamedTuple):
    """What `sort_pictures` did."""

    folder: Path
    out: Path
    records: tuple[Record, ...]  # this run's pictures, in the order of their paths
    new: int  # pictures that were placed by this run
    search: Search
    mode: str
    dry_run: bool = False
    stayed: int = 0  # originals to be moved that could not be removed


def summary(result: SortResult) -> str:
    """The lines for the terminal: what went where, what could not be read, what to open."""
    counts = Counter(_group(record) for record in result.records)
    total = len(result.records)
    done = {"copy": "copied", "move": "moved", "link": "linked"}[result.mode]
    done = "sorted" if result.stayed else done
    lines = []
    if total == 0:
        lines.append(f"no picture below {_shown(result.folder)}")
    elif result.dry_run:
        lines += _plan(result)
        lines.append(f"{count(total, 'picture')} below {_shown(result.folder)}, nothing written:")
    else:
        old = total - counts[NOT_PLACED] - counts[NOT_READ] - result.new
        known = f", {old} sorted before" if old else ""
        lines.append(
            f"{count(total, 'picture')} below {_shown(result.folder)}: "
            f"{result.new} {done} to {_shown(result.out)}{known}"
        )
    special = (UNSURE, NO_FACE, NO_FOLDER, NOT_PLACED, NOT_READ)
    for name in [*sorted(set(counts) - set(special)), *special]:
        if counts[name]:
            lines.append(f"{counts[name]:>7}  {name}")
    lines += _remarks(result)
    if total and not result.dry_run:
        lines.append(f"look at {_shown(result.out / SHEET_NAME)}")
    return "\n".join(lines)


def _group(record: Record) -> str:
    """Under which name a picture is counted."""
    if record.folder == UNREADABLE:
        return NOT_PLACED if record.width else NOT_READ
    return NO_FOLDER if record.folder == "." else record.folder


def _plan(result: SortResult) -> list[str]:
    """Where each picture would go."""
    pictures = zip(result.search.pictures, result.records)
    return [
        f"{_shown(picture)} -> {_shown(record.result)}"
        for picture, record in pictures
        if record.folder != UNREADABLE
    ]


def _remarks(result: SortResult) -> list[str]:
    """What was not sorted, and what the user put elsewhere."""
    lines = [
        f"{_group(record)}: {_shown(picture)}: {_shown(record.problem)}"
        for picture, record in zip(result.search.pictures, result.records)
        if record.folder == UNREADABLE
    ]
    if len(lines) > MOST_REASONS:
        lines[MOST_REASONS:] = [
            f"{len(lines) - MOST_REASONS:,} more not sorted, listed in {CSV_NAME}"
        ]
    lines += [f"unreadable folder: {_shown(p)}: {why}" for p, why in result.search.closed_folders]
    if result.stayed:
        lines.append(f"{count(result.stayed, 'original')} could not be removed after the move")
    corrected = sum(record.corrected for record in result.records)
    if corrected:
        lines.append(f"{count(corrected, 'picture')} in the folder that you chose")
    if result.search.others:
        lines.append(f"{count(result.search.others, 'other file')} left alone")
    lines += [f"link not followed: {_shown(path)}" for path in result.search.linked_folders]
    lines += [
        f"output of an earlier sort, left alone: {_shown(path)}"
        for path in result.search.earlier_outputs
    ]
    return lines


def _shown(path: Union[Path, str]) -> str:
    """A path, short where it lies below the working folder, on one line."""
    here = Path.cwd()
    if isinstance(path, Path) and here in path.parents:
        path = path.relative_to(here)
    return printable(path)


def count(number: int, noun: str) -> str:
    """`1 picture`, `2 pictures`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
