"""The thin shell around the formats: whole files in, whole files out."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident
from typing import TextIO

from cvbaseline.errors import FormatError, UserError


def read_bytes(path: Path, limit: int) -> bytes:
    """All bytes of a file.

    Raises UserError when it cannot be read, FormatError when it holds more than `limit` bytes:
    nothing of our formats is that large, so it is looked at before memory is taken for it.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None
    except ValueError:  # a NUL in the name
        raise UserError(f"{str(path)!r} is not a file name") from None
    if len(data) > limit:
        raise FormatError(path, f"expected at most {limit} bytes, found more: not such a file")
    return data


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that at any time it is either the old one or the new one, never a part.

    Raises UserError when that is not possible.
    """
    with _written_beside(Path(path), data) as beside:
        os.replace(beside, path)


def check_writable(path: Path) -> None:
    """Raise UserError unless a file can be written there: better before long work than after it.

    The folder that it goes to is made; what the file holds now stays.
    """
    make_folder_of(path)
    with _written_beside(Path(path), b"a trial"):
        pass


@contextmanager
def _written_beside(path: Path, data: bytes) -> Iterator[Path]:
    """A hidden file beside `path` with the data, removed afterwards; UserError names `path`."""
    # A name of this thread's own: two may write the same file at once, and either may win.
    beside = path.with_name(f".{os.getpid()}-{get_ident()}.part")
    try:
        with open(beside, "xb") as file:
            file.write(data)
        yield beside
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None
    finally:
        with suppress(OSError):
            beside.unlink()


@contextmanager
def new_text_file(path: Path) -> Iterator[TextIO]:
    """A new UTF-8 file to be written line by line: whatever stops the work, it says what was done.

    Raises UserError when it exists or cannot be written.
    """
    try:
        with open(path, "x", 1, "utf-8", "surrogateescape", newline="") as file:
            yield file
    except BrokenPipeError:  # of the terminal that the work talks to, not of this file
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None


def make_folder(folder: Path) -> None:
    """Make a folder where there is none yet; raises UserError when that is not possible."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder {folder} cannot be made ({error.strerror})") from None


def make_folder_of(path: Path) -> None:
    """Make the folder that a file goes to; raises UserError when that is not possible."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None
