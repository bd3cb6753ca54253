"""The CSV file of FER2013 (Goodfellow et al., Challenges in representation learning, 2013).

A row is a face: `emotion` (0 to 6), `pixels` (48 * 48 grey values from 0 to 255 with blanks
between) and `Usage` (Training, PublicTest or PrivateTest), in any order of columns. Files in the
same form with other square sizes, or with names of emotions, are read as well.
"""

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from cvbaseline.datasets import Entry, LabelledFaces, check_parts, collect
from cvbaseline.errors import FormatError, UserError
from cvbaseline.faces import CropOptions, equalise, resize

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
LARGEST_FIELD = 1 << 20
MOST_HEADER = 1 << 12


def is_fer2013(path: Path) -> bool:
    """Whether a file begins with a header line that names the column `pixels`."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return "pixels" in _names(file.readline(MOST_HEADER).split(","))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None


def read_fer2013(path: Path, crop: CropOptions) -> LabelledFaces:
    """All faces of the file, with its usages as parts; a face's path is "FILE, line N".

    Raises FormatError with the line that does not fit, UserError when there is no face.
    """
    entries, crops, sizes = [], [], []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for line, row in _rows(file, path):
                face = _face(row["pixels"], path, line)
                entries.append(
                    Entry(
                        Path(f"{path}, line {line}"), row["emotion"], part=row.get("usage") or None
                    )
                )
                crops.append(equalise(resize(face, crop.size), crop.equalise))
                sizes.append(face.shape[::-1])
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise FormatError(path, "is not UTF-8 text", f"byte {error.start}") from None
    check_parts(entries, str(path))
    numbers = {str(number): name for number, name in enumerate(EMOTIONS)}
    if all(entry.label in numbers for entry in entries):
        entries = [entry._replace(label=numbers[entry.label]) for entry in entries]
    return collect(entries, crops, sizes, [], str(path))


def _rows(file: TextIO, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and rows by the columns' names, without blanks around."""
    earlier = csv.field_size_limit(LARGEST_FIELD)
    reader = csv.reader(file)
    try:
        names = _names(next(reader, []))
        for needed in ("emotion", "pixels"):
            if needed not in names:
                raise FormatError(path, f"no column {needed!r} among {names}", "line 1")
        for row in reader:
            if not any(row):
                continue
            if len(row) != len(names):
                problem = f"{len(row)} values for {len(names)} columns"
                raise FormatError(path, problem, f"line {reader.line_num}")
            yield reader.line_num, dict(zip(names, (value.strip() for value in row)))
    except csv.Error as error:
        raise FormatError(path, str(error), f"line {reader.line_num}") from None
    finally:
        csv.field_size_limit(earlier)


def _names(header: list[str]) -> list[str]:
    return [name.strip().lower() for name in header]


def _face(text: str, path: Path, line: int) -> np.ndarray:
    """The pixels as uint8 (side, side)."""
    try:
        values = np.array(text.split(), np.int64)
        side = math.isqrt(len(values))
        if side == 0 or side * side != len(values) or values.min() < 0 or values.max() > 255:
            raise ValueError
    except (ValueError, OverflowError):
        problem = "pixels expected to be a square of whole numbers from 0 to 255"
        raise FormatError(path, problem, f"line {line}") from None
    return values.astype(np.uint8).reshape(side, side)
