"""Looking at many pictures before a training: readable, how large, which are the same.

A quick look reads headers, and whole files only where two have the same length. A thorough one
decodes every picture, which finds truncated ones, and keeps each as a small thumbnail, which
finds pictures that are nearly the same.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.errors import PictureError
from cvbaseline.images import read_grey, read_size
from cvbaseline.parallel import worker_count

SAME = 0.995  # correlation of two thumbnails from which on pictures are nearly the same
FLAT = 3.0  # standard deviation below which a thumbnail shows nothing to compare
SAME_SHAPE = 1.05  # ratio of two pictures' proportions
BLOCK = 1000  # thumbnails compared with all others at a time
MOST_COMPARED = 20_000


class Look(NamedTuple):
    """What a look at a picture tells."""

    path: Path
    size: Optional[tuple[int, int]]  # width and height; None when it cannot be read
    problem: str = ""  # why it cannot
    thumbnail: Optional[np.ndarray] = None  # uint8 (h, w), of a thorough look


def look_at(paths: Iterable[Path], thumbnail_size: Optional[tuple[int, int]] = None) -> list[Look]:
    """Look at pictures, on all cores.

    Parameters
    ----------
    thumbnail_size : width and height of thumbnails; with it the look is a thorough one
    """

    def look(path: Path) -> Look:
        try:
            if thumbnail_size is None:
                return Look(path, read_size(path))
            return _thorough_look(path, thumbnail_size)
        except PictureError as error:
            return Look(path, None, str(error).removeprefix(f"{path}: "))

    from tqdm import tqdm

    paths = list(paths)
    hidden = True if thumbnail_size is None else None  # None: unless stderr is a terminal
    with ThreadPoolExecutor(worker_count()) as threads:
        looks = threads.map(look, paths)
        return list(tqdm(looks, total=len(paths), unit="picture", leave=False, disable=hidden))


def _thorough_look(path: Path, thumbnail_size: tuple[int, int]) -> Look:
    import cv2

    grey = read_grey(path)
    small = cv2.resize(grey, thumbnail_size, interpolation=cv2.INTER_AREA)
    return Look(path, (grey.shape[1], grey.shape[0]), "", small)


def same_files(paths: Iterable[Path]) -> list[list[Path]]:
    """Groups of different files with the same bytes, in the order of their first ones."""
    by_length: dict[int, list[Path]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        try:
            by_length[os.path.getsize(path)].append(path)
        except OSError:  # told of where it is read
            continue
    groups: dict[bytes, list[Path]] = defaultdict(list)
    for alike in by_length.values():
        if len(alike) > 1:
            for path in alike:
                groups[_digest(path)].append(path)
    return [group for group in groups.values() if len(group) > 1]


def _digest(path: Path) -> bytes:
    """A digest of a file's bytes; of its name when it cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError:
        digest.update(os.fsencode(path))
    return digest.digest()


def nearly_same(looks: list[Look]) -> list[tuple[Path, Path]]:
    """Pairs of pictures that show nearly the same, each picture with the first one like it."""
    seen = [look for look in looks if look.thumbnail is not None][:MOST_COMPARED]
    if len(seen) < 2:
        return []
    shapes = np.log([look.size[0] / look.size[1] for look in seen])  # type: ignore[index]
    rows = unit_rows(np.stack([look.thumbnail for look in seen]))  # type: ignore[misc]
    pairs = []
    for start in range(0, len(seen), BLOCK):
        block = slice(start, start + BLOCK)
        alike = rows[block] @ rows.T > SAME
        alike &= np.abs(shapes[block, None] - shapes) < np.log(SAME_SHAPE)
        first = alike.argmax(axis=1)  # a flat one is not even like itself
        for index in np.flatnonzero(alike.any(axis=1) & (first < start + np.arange(len(first)))):
            pairs.append((seen[first[index]].path, seen[start + index].path))
    return pairs


def unit_rows(thumbnails: np.ndarray) -> np.ndarray:
    """Thumbnails (n, h, w) as rows of mean 0 and length 1; rows of 0 where there is no contrast.

    The product of two rows is the correlation coefficient of the pixels.
    """
    rows = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    rows = rows - rows.mean(axis=1, keepdims=True)
    deviation = rows.std(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=deviation >= FLAT)
