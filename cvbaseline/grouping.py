"""What belongs together, as users say it with `--group-by`, so that no group is torn apart.

Frames of one show and drawings of one artist resemble each other: what is measured on them says
less about others than as many pictures of others would.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from cvbaseline.datasets import group_of
from cvbaseline.errors import require

GROUPINGS = ("folder:LEVEL", "column:NAME", "pattern:REGEX", "near-duplicates", "none")
PATH_GROUPINGS = ("folder:LEVEL", "pattern:REGEX", "none")  # those that a picture's path tells


def check_grouping(grouping: Optional[str], known: Sequence[str] = GROUPINGS) -> None:
    """UserError for anything but one of `known`."""
    kind, colon, value = (grouping or "none").partition(":")
    fits = any(
        (kind, bool(colon)) == (form.partition(":")[0], ":" in form) and bool(value) == bool(colon)
        for form in known
    )
    level = kind != "folder" or (value.isdecimal() and int(value) >= 1)
    expected = f"{', '.join(known[:-1])} or {known[-1]}"
    require(fits and level, f"--group-by {grouping}: expected {expected}")


def group_pattern(grouping: Optional[str]) -> Optional[str]:
    """The regular expression on the path that finds the group; None when the path tells none."""
    kind, _, value = (grouping or "").partition(":")
    if kind == "pattern":
        return value
    if kind == "folder":
        return rf"^(?:[^/]+/){{{int(value) - 1}}}([^/]+)/"
    return None


def path_below(path: Path, data: Path) -> str:
    """The path as patterns see it: from the folder of the data on, with /."""
    folder = data if data.is_dir() else data.parent
    return Path(os.path.relpath(path, folder)).as_posix()


def groups_of_paths(
    paths: Sequence[Path], data: Path, grouping: Optional[str]
) -> list[Optional[str]]:
    """The group of each picture by its path below the data; None without a grouping.

    Raises UserError when a path tells no group.
    """
    pattern = group_pattern(grouping)
    if pattern is None:
        return [None] * len(paths)
    return [group_of(path_below(path, data), pattern) for path in paths]
