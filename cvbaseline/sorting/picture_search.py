"""The pictures below a folder, and what else lies there, so that nothing is passed over in silence.

Links to folders are not followed: what they lead to lies elsewhere, may be moved from there only
by its owner's will, and may lead back here for ever.
"""

import os
from pathlib import Path
from typing import NamedTuple

from cvbaseline.errors import require
from cvbaseline.images import PICTURE_SUFFIXES
from cvbaseline.sorting.manifest import is_output_folder, is_thumbnail_folder


class Search(NamedTuple):
    """What lies below a folder: `pictures` in the order of their paths."""

    pictures: tuple[Path, ...]
    others: int = 0  # hidden files and files without a picture's suffix
    linked_folders: tuple[Path, ...] = ()
    earlier_outputs: tuple[Path, ...] = ()
    closed_folders: tuple[tuple[Path, str], ...] = ()  # with the system's reason


def search_pictures(folder: Path, out: Path) -> Search:
    """All pictures below `folder`, but for those of sorted outputs: `out` and any other.

    A picture is known by its suffix; hidden files and folders (a dot before the name) are not
    pictures. A path that looks like one and is not an ordinary file is listed as a picture: that
    it cannot be read is said when it is its turn. Raises UserError when `folder` itself cannot be
    listed.
    """
    pictures: list[Path] = []
    others, linked, earlier, closed = 0, [], [], []
    out_name = os.path.realpath(out)

    def note(error: OSError) -> None:
        reason = error.strerror or type(error).__name__
        require(error.filename != os.fspath(folder), f"{folder} cannot be listed ({reason})")
        closed.append((Path(error.filename), reason))

    for place, folders, files in os.walk(folder, onerror=note):
        descend = []
        for name in sorted(folders):
            path = Path(place, name)
            if name.startswith("."):
                others += sum(len(hidden) for _, _, hidden in os.walk(path))
            elif os.path.realpath(path) == out_name:
                continue
            elif path.is_symlink():
                linked.append(path)
            elif is_output_folder(path):
                earlier.append(path)
            elif not is_thumbnail_folder(path):
                descend.append(name)
        folders[:] = descend
        shown = [name for name in files if is_picture_name(name)]
        pictures += [Path(place, name) for name in shown]
        others += len(files) - len(shown)
    return Search(tuple(sorted(pictures)), others, tuple(linked), tuple(earlier), tuple(closed))


def is_picture_name(name: str) -> bool:
    """Whether a file's name is a picture's: no dot before it, a picture's suffix behind."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES
