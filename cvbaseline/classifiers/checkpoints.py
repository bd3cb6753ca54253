"""Where an interrupted training of a network continues: a file after every epoch, without pickle.

A program that wants it says where the files go (`checkpoints_in`); they are named by a key that
stands for everything the training depends on, and taken away when the program has what it wanted.
A file holds arrays and a record as JSON text, as `numpy.load(path, allow_pickle=False)` reads it.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from cvbaseline.formats.files import make_folder_of, write_bytes

RECORD = "record"
FILE_NAME = re.compile(r"[0-9a-f]{32}\.npz")


@dataclass
class Checkpoints:
    """Where checkpoints go, and what those have spared that were found there."""

    folder: Path
    seconds_before: float = 0.0  # that trainings had taken when they were interrupted


_checkpoints: ContextVar[Optional[Checkpoints]] = ContextVar("checkpoints", default=None)


@contextmanager
def checkpoints_in(folder: Path) -> Iterator[Checkpoints]:
    """Trainings within leave checkpoints in the folder, and continue from what they find there.

    When all is well at the end the checkpoints are removed, with the folder if it is empty then.
    """
    checkpoints = Checkpoints(Path(folder))
    before = _checkpoints.set(checkpoints)
    try:
        yield checkpoints
    finally:
        _checkpoints.reset(before)
    with suppress(OSError):
        for path in folder.iterdir():
            if FILE_NAME.fullmatch(path.name):
                path.unlink()
        folder.rmdir()


def save_checkpoint(key: str, record: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write a checkpoint, if there is a place for it; it is whole at any time."""
    checkpoints = _checkpoints.get()
    if checkpoints is None:
        return
    data = io.BytesIO()
    np.savez(data, **{RECORD: np.array(json.dumps(record))}, **arrays)
    path = checkpoints.folder / f"{key}.npz"
    make_folder_of(path)
    write_bytes(path, data.getvalue())


def load_checkpoint(key: str) -> Optional[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """The record and the arrays that were saved last; None when there are none that are whole."""
    checkpoints = _checkpoints.get()
    if checkpoints is None:
        return None
    try:
        with np.load(checkpoints.folder / f"{key}.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        record = json.loads(str(arrays.pop(RECORD)))
    except Exception:  # there is none, or it is damaged, for which zipfile has many words
        return None
    return (record, arrays) if isinstance(record, dict) else None


def continues_after(seconds: float) -> None:
    """A training continues that had taken so long before it was interrupted."""
    checkpoints = _checkpoints.get()
    if checkpoints is not None:
        checkpoints.seconds_before += seconds
