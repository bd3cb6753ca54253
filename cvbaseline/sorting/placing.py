"""Files put into place so that nothing is ever overwritten and no part of a file is ever seen.

A new file is made under a hidden name in the target's folder and then linked to its real name:
linking fails when the name exists, in one step, also while another program writes there. Where
the file system has no hard links, the name is first reserved by an exclusive open.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

NAME_LIMIT = 255  # bytes of a file name on ext4, APFS and most others
_CHUNK = 1 << 20
_NAME_ERRORS = {errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG}


class ChangedError(OSError):
    """The file was written to while it was being read."""


class Fingerprint(NamedTuple):
    """What a file holds: its length and the SHA-256 of its bytes."""

    bytes: int
    sha256: str


class Placed(NamedTuple):
    """Where a file was put and how: "copy", "hard link" or "symbolic link"."""

    path: Path
    how: str


def fingerprint(path: Path) -> Fingerprint:
    """Length and SHA-256 of a regular file; OSError for anything else, without waiting on it."""
    # A named pipe would block an ordinary open for ever.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not an ordinary file")
        digest, length = hashlib.sha256(), 0
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            length += len(chunk)
    return Fingerprint(length, digest.hexdigest())


def candidate_names(name: str) -> Iterator[str]:
    """`name`, then with -2, -3, ... before its suffix, shortened where it would be too long."""
    stem, suffix = os.path.splitext(name)
    for tail in chain([suffix], (f"-{number}{suffix}" for number in count(2))):
        room = NAME_LIMIT - len(os.fsencode(tail))
        while len(os.fsencode(stem)) > room:
            stem = stem[:-1]
        yield stem + tail


def unused_path(folder: Path, name: str) -> Path:
    """`folder/name`; with -2, -3, ... before the suffix when it exists, shortened if too long."""
    paths = (folder / candidate for candidate in candidate_names(name))
    return next(path for path in paths if not os.path.lexists(path))


def plain_name(name: str) -> str:
    """A name that any file system takes: ASCII letters, digits, `._-`, at most 100 characters."""
    stem, suffix = os.path.splitext(name)
    clean = ["".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in part)
             for part in (stem, suffix)]  # fmt: skip
    return clean[0][: 100 - len(clean[1])] + clean[1]


def place(
    source: Path,
    content: Fingerprint,
    folder: Path,
    how: str,
    may_adopt: Callable[[Path], bool] = lambda path: False,
) -> Placed:
    """Put the file `source` into `folder` under its name, or with a number where that is taken.

    Parameters
    ----------
    content : what the source held when it was looked at
    how : "copy"; "link" for a hard link, failing that a symbolic link, failing that a copy;
        "move" for a hard link, failing that a copy: `remove_original` is its other half
    may_adopt : asked about a file of the wanted name with the same content: True takes it as the
        result (an interrupted run left it)

    Raises ChangedError when the source no longer holds `content`, OSError when it cannot be done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _place_as(source, source.name, content, folder, how, may_adopt)
    except OSError as error:
        if error.errno not in _NAME_ERRORS or plain_name(source.name) == source.name:
            raise
        return _place_as(source, plain_name(source.name), content, folder, how, may_adopt)


def _place_as(
    source: Path,
    name: str,
    content: Fingerprint,
    folder: Path,
    how: str,
    may_adopt: Callable[[Path], bool],
) -> Placed:
    ways = list(_WAYS[how])
    for candidate in candidate_names(name):
        target = folder / candidate
        if os.path.lexists(target):
            if may_adopt(target) and _holds(target, content):
                return Placed(target, _how_made(source, target))
            continue
        while True:
            try:
                _MAKERS[ways[0]](source, target, content)
                return Placed(target, ways[0])
            except FileExistsError:
                break  # somebody else was quicker: the next name
            except (OSError, NotImplementedError):
                if ways[0] == "copy":
                    raise
                ways.pop(0)
    raise AssertionError("the candidates never end")


def _holds(path: Path, content: Fingerprint) -> bool:
    try:
        return os.stat(path).st_size == content.bytes and fingerprint(path) == content
    except OSError:
        return False


def _how_made(source: Path, target: Path) -> str:
    if target.is_symlink():
        return "symbolic link"
    return "hard link" if os.path.samefile(source, target) else "copy"


def _hard_link(source: Path, target: Path, content: Fingerprint) -> None:
    os.link(os.path.realpath(source), target)  # the picture itself where the source is a link


def _symbolic_link(source: Path, target: Path, content: Fingerprint) -> None:
    os.symlink(os.path.realpath(source), target)


def _copy(source: Path, target: Path, content: Fingerprint) -> None:
    """Copy under a hidden name, verify what was written, then give the copy its name."""
    part = target.parent / f".{os.getpid()}-{time.monotonic_ns()}.part"
    try:
        digest = hashlib.sha256()
        with open(source, "rb") as reader, open(part, "xb") as writer:
            while chunk := reader.read(_CHUNK):
                digest.update(chunk)
                writer.write(chunk)
            writer.flush()
            os.fsync(writer.fileno())
        if digest.hexdigest() != content.sha256 or os.stat(part).st_size != content.bytes:
            raise ChangedError(errno.EBUSY, "it changed while it was read: run again")
        with contextlib.suppress(OSError):  # times and permissions are a courtesy
            shutil.copystat(source, part)
        _give_name(part, target)
    finally:
        part.unlink(missing_ok=True)


def _give_name(part: Path, target: Path) -> None:
    """Rename without overwriting; FileExistsError when the name is taken."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in _NAME_ERRORS:
            raise
        with open(target, "xb"):  # no hard links here: reserve the name, then take it
            pass
        os.replace(part, target)


_MAKERS = {"hard link": _hard_link, "symbolic link": _symbolic_link, "copy": _copy}
_WAYS = {"copy": ["copy"], "link": list(_MAKERS), "move": ["hard link", "copy"]}


def remove_original(source: Path, result: Path, content: Fingerprint) -> bool:
    """Remove a moved picture's original, once its result is seen to be a file of its own.

    False, and nothing is done, when the result is missing, is a symbolic link, holds something
    else, or is the very same file under the same only name.
    """
    if result.is_symlink() or _same_name(source, result):
        return False
    linked = result.exists() and source.exists() and os.path.samefile(source, result)
    if linked and not source.is_symlink() and os.stat(result).st_nlink < 2:
        return False
    if not linked and not (_holds(result, content) and _holds(source, content)):
        return False
    os.unlink(source)
    return True


def _same_name(one: Path, other: Path) -> bool:
    """Whether both are the same entry of the same folder, also where case does not count."""
    return one.name.casefold() == other.name.casefold() and os.path.samefile(
        one.parent, other.parent
    )


@contextlib.contextmanager
def locked(path: Path, when_busy: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path` for this process, waiting while another process holds it.

    The operating system frees the lock when its holder ends in whatever way. A file system
    without locks gives none: placing stays clash-safe, two runs may then share out double work.
    """
    with open(path, "ab") as file:
        told = False
        while (state := _try_lock(file.fileno())) == "busy":
            if not told:
                when_busy()
                told = True
            time.sleep(0.1)
        try:
            yield
        finally:
            if state == "held":
                _unlock(file.fileno())


def _try_lock(handle: int) -> str:
    """ "held", "busy", or "none" where locks do not exist."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return "busy" if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK) else "none"
    return "held"


def _unlock(handle: int) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_UN)
