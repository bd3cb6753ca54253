"""The output folder of sorted pictures: what it holds already, and how pictures are added to it.

The folder is read before anything is done: a result that the user moved to another folder by hand
stays there, and the manifest notes the correction; one that the user removed is known to be gone;
an original that the user renamed is known by its content.
Originals are removed (mode "move") only when a written manifest says where they went.
"""

import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Optional

from cvbaseline.errors import UserError, require
from cvbaseline.formats.files import write_bytes
from cvbaseline.sorting import manifest as manifest_file
from cvbaseline.sorting.manifest import (
    CSV_NAME,
    JSON_NAME,
    THUMBNAILS,
    UNREADABLE,
    Manifest,
    Record,
    has_table,
    is_output_folder,
    load_manifest,
)
from cvbaseline.sorting.placing import (
    ChangedError,
    Fingerprint,
    candidate_names,
    fingerprint,
    place,
    remove_original,
)

SHEET_NAME = "index.html"
LOCK_NAME = ".cvbaseline.lock"
FLUSH_SECONDS = 10.0


class OutputFolder:
    """An output folder at work.

    Parameters
    ----------
    path : the folder; it need not exist yet
    mode : "copy", "move" or "link"
    tell : takes a line for the user
    pictures : the folder that is being sorted, which may lie within `path`

    Raises UserError when it holds files of other origin under the names of ours.
    """

    def __init__(self, path: Path, mode: str, tell: Callable[[str], None], pictures: Path):
        self.path, self.mode, self._tell = path, mode, tell
        self._pictures = os.path.realpath(pictures)
        self.manifest = self._read()
        self._moved: list[tuple[Path, Record]] = []  # originals to remove after the next flush
        self._flushed = time.monotonic()
        self._told: set[str] = set()
        self.new = 0  # pictures that were placed
        self.stayed = 0  # originals that could not be removed
        self._refresh()
        self._taken = {fold(record.result) for record in self.manifest.records.values()}
        self._unreadable: dict[str, list[tuple[str, str]]] = {}  # to be replaced when read again
        for record in self.manifest.records.values():
            if record.folder == UNREADABLE:
                self._unreadable.setdefault(record.picture, []).append(record.key)
        self._orphans = self._without_original()

    def _read(self) -> Manifest:
        if is_output_folder(self.path):
            return load_manifest(self.path / JSON_NAME)
        lost = self.path / JSON_NAME
        require(
            os.path.lexists(lost) or not has_table(self.path),
            f"{lost} is missing, and with it what was sorted before: restore it or give another "
            "--out",
        )
        for name in (JSON_NAME, CSV_NAME, SHEET_NAME, THUMBNAILS):
            require(
                not os.path.lexists(self.path / name),
                f"{self.path / name} exists and is not from sorting: give another --out",
            )
        return Manifest()

    def _refresh(self) -> None:
        """Note in the manifest's records where the user moved results to, or removed them."""
        records = self.manifest.records
        for record in [r for r in records.values() if r.folder == UNREADABLE]:
            if not os.path.lexists(self.original(record)):
                del records[record.key]
        missing = [r for r in records.values() if r.result and not self._exists(r.result)]
        if not missing:
            return
        strays = self._strays()
        for record in missing:
            found = next((s for s in strays.get(record.bytes, ()) if self._is(record, s)), None)
            if found is None:
                records[record.key] = replace(record, result="")
                continue
            strays[record.bytes].remove(found)
            result = found.relative_to(self.path).as_posix()
            top = PurePosixPath(result).parts[0] if found.parent != self.path else "."
            records[record.key] = replace(record, result=result, folder=top)

    def _exists(self, result: str) -> bool:
        return os.path.lexists(self.path / result)

    def _strays(self) -> dict[int, list[Path]]:
        """Files below the output that no record names, by size."""
        ours = {fold(record.result) for record in self.manifest.records.values()}
        originals = {
            os.path.realpath(self.path / record.picture)
            for record in self.manifest.records.values()
        }
        strays: dict[int, list[Path]] = {}
        for folder, below, files in os.walk(self.path):
            below[:] = sorted(
                name for name in below
                if name != THUMBNAILS
                and os.path.realpath(os.path.join(folder, name)) != self._pictures
            )  # fmt: skip
            for path in (Path(folder, name) for name in sorted(files)):
                known = fold(path.relative_to(self.path).as_posix()) in ours
                if not known and path.is_file() and os.path.realpath(path) not in originals:
                    strays.setdefault(path.stat().st_size, []).append(path)
        return strays

    def _is(self, record: Record, path: Path) -> bool:
        try:
            return fingerprint(path).sha256 == record.sha256
        except OSError:
            return False

    def key_of(self, picture: Path) -> str:
        """How the manifest names an original: its path relative to the output folder."""
        try:
            name = os.path.relpath(picture, self.path)
        except ValueError:  # another drive
            name = os.path.abspath(picture)
        return name.replace(os.sep, "/")

    def original(self, record: Record) -> Path:
        """Where a record's original is, or was."""
        return Path(os.path.normpath(self.path / record.picture))

    def settings_key(self, settings: dict[str, Any]) -> str:
        """The name under which the manifest keeps what the decisions depend on."""
        for key, known in self.manifest.settings.items():
            if known == settings:
                return key
        key = f"settings {len(self.manifest.settings) + 1}"
        self.manifest.settings[key] = settings
        return key

    def add(self, picture: Path, record: Record) -> Record:
        """Place a picture as its record says and note it; returns the record with the result.

        A picture that cannot be placed becomes unreadable, with the reason.
        """
        if record.folder != UNREADABLE:
            record = self._placed(picture, record)
        return self._note(record)

    def take_over(self, record: Record) -> Optional[Record]:
        """The record of a picture that was renamed or moved to where `record` says it is.

        That is one of the same content whose own original is gone: its result, which the user may
        have put into another folder, is the result of this picture.
        """
        orphans = self._orphans.get(record.sha256)
        if not orphans:
            return None
        orphan = orphans.pop()
        del self.manifest.records[orphan.key]
        return self._note(replace(orphan, picture=record.picture))

    def _note(self, record: Record) -> Record:
        for key in self._unreadable.pop(record.picture, ()):
            self.manifest.records.pop(key, None)
        self.manifest.records[record.key] = record
        return record

    def _without_original(self) -> dict[str, list[Record]]:
        """Records whose original is gone, by content.

        Not those that sorting moved: an equal picture is another one. Nor symbolic links, which
        lead nowhere now.
        """
        orphans: dict[str, list[Record]] = {}
        for record in self.manifest.records.values():
            stays = record.folder != UNREADABLE and record.placed in ("copy", "hard link")
            if stays and not os.path.lexists(self.original(record)):
                orphans.setdefault(record.sha256, []).append(record)
        return orphans

    def settle(self, picture: Path, record: Record) -> Record:
        """What is left to do for a picture that the manifest knows, and where it now is."""
        if not record.result:
            return self.add(picture, record)
        if self.mode == "move" and record.placed != "symbolic link":
            record = self._note(replace(record, placed="move"))
        if self.mode == "move":
            self._moved.append((picture, record))
        return record

    def _placed(self, picture: Path, record: Record) -> Record:
        try:
            result, how = self._place(picture, record)
        except OSError as error:
            require_space(error, self.path)
            reason = error.strerror or str(error)
            if not isinstance(error, ChangedError):
                reason = f"cannot be put into {self.path / record.folder} ({reason})"
            return replace(record, folder=UNREADABLE, sorted_as=UNREADABLE, problem=reason)
        self._taken.add(fold(result))
        self.new += 1
        self._say_way(how)
        if self.mode == "move":
            how = "move"
        record = replace(record, result=result, placed=how)
        if self.mode == "move":
            self._moved.append((picture, record))
        return record

    def _place(self, picture: Path, record: Record) -> tuple[str, str]:
        content = Fingerprint(record.bytes, record.sha256)

        def unclaimed(path: Path) -> bool:
            return fold(path.relative_to(self.path).as_posix()) not in self._taken

        placed = place(picture, content, self.path / record.folder, self.mode, unclaimed)
        return placed.path.relative_to(self.path).as_posix(), placed.how

    def _say_way(self, how: str) -> None:
        if self.mode == "link" and how != "hard link" and how not in self._told:
            self._told.add(how)
            instead = {"copy": "copies", "symbolic link": "symbolic links"}[how]
            self._tell(f"hard links from {self.path} are not possible: {instead} instead")

    def flush(self, now: bool = False) -> None:
        """Write the manifest if it is time or wanted now; then remove moved originals."""
        if not now and time.monotonic() - self._flushed < FLUSH_SECONDS:
            return
        write_bytes(self.path / JSON_NAME, manifest_file.render_json(self.manifest))
        while self._moved:
            picture, record = self._moved.pop()
            self._remove(picture, record)
        self._flushed = time.monotonic()

    def _remove(self, picture: Path, record: Record) -> None:
        content = Fingerprint(record.bytes, record.sha256)
        try:
            done = remove_original(picture, self.path / record.result, content)
            reason = "its copy is not a full one"
        except OSError as error:
            done, reason = False, error.strerror or str(error)
        if not done:
            self.stayed += 1
            self._tell(f"{picture} is sorted, but stays where it is too: {reason}")

    def finish(self) -> None:
        """Write the manifest in both its forms."""
        self.flush(now=True)
        records = self.manifest.ordered()
        write_bytes(self.path / CSV_NAME, manifest_file.render_csv(records))


class PlannedOutput(OutputFolder):
    """An output folder that says what would be done and does nothing."""

    def _place(self, picture: Path, record: Record) -> tuple[str, str]:
        for name in candidate_names(picture.name):
            result = f"{record.folder}/{name}"
            if fold(result) not in self._taken and not os.path.lexists(self.path / result):
                return result, "hard link" if self.mode == "link" else self.mode
        raise AssertionError("the candidates never end")

    def flush(self, now: bool = False) -> None:
        """Nothing is written."""

    def finish(self) -> None:
        """Nothing is written."""


def fold(result: str) -> str:
    """A path as a file system sees it to which case does not count."""
    return result.casefold()


def require_space(error: OSError, folder: Path) -> None:
    """UserError when the error means that nothing more can be written there."""
    if error.errno in (errno.ENOSPC, errno.EROFS, errno.EDQUOT):
        raise UserError(f"{folder} takes no more files ({error.strerror})") from None


def check_output_names(path: Path, names: tuple[str, ...]) -> None:
    """UserError when one of the folders to be filled exists as something else."""
    for name in names:
        target = path / name
        require(
            target.is_dir() or not os.path.lexists(target),
            f"{target} is not a folder: move it away or give another folder with --out",
        )
