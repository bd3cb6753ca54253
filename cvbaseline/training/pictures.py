"""The pictures that negatives come from: folders, bg.txt, annotated pictures; decoded once."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Callable, NamedTuple, Optional

import cv2
import numpy as np

from cvbaseline.errors import PictureError, UserError
from cvbaseline.formats.annotations import load_background, load_info, resolve_picture
from cvbaseline.formats.boxed_picture import NO_BOXES
from cvbaseline.images import find_pictures, read_grey
from cvbaseline.training.options import CascadeTrainingOptions

LONGEST_SIDE = 1280  # larger pictures are reduced once, when they are read


class Source(NamedTuple):
    """A picture to take negatives from."""

    path: Path
    boxes: np.ndarray  # int32 (n, 4) of the whole picture: no negative overlaps one of them


class Picture(NamedTuple):
    """A decoded picture."""

    grey: np.ndarray  # uint8 (h, w)
    boxes: np.ndarray  # float64 (n, 4) in its pixels: x, y, width, height


def list_sources(options: CascadeTrainingOptions) -> list[Source]:
    """The pictures that the options name; raises UserError when there is none."""
    sources = []
    for path in options.negatives:
        if not path.exists():
            raise UserError(f"{path} does not exist: name a folder of pictures or a bg.txt")
        pictures = find_pictures(path) if path.is_dir() else load_background(path)
        sources += [Source(picture, NO_BOXES) for picture in pictures]
    sources += _boxed_sources(options.boxed_negatives)
    if not sources:
        named = ", ".join(map(str, [*options.negatives, *options.boxed_negatives]))
        raise UserError(f"no picture in {named}: add pictures that do not show the object")
    return sources


def _boxed_sources(lists: list[Path]) -> list[Source]:
    """The annotated pictures, each once: its boxes may stand on several lines."""
    by_file: dict[Path, Source] = {}
    for path in lists:
        if not path.is_file():
            raise UserError(f"{path} is not a file: name an info.dat")
        for annotation in load_info(path):
            picture = resolve_picture(annotation.path, path.parent, Path())
            before = by_file.setdefault(picture.resolve(), Source(picture, NO_BOXES))
            boxes = np.concatenate([before.boxes, annotation.boxes])
            by_file[picture.resolve()] = before._replace(boxes=boxes)
    return list(by_file.values())


class PictureCache:
    """Decoded pictures, kept as long as they fit into the memory allowed."""

    def __init__(
        self,
        sources: list[Source],
        limit_bytes: int,
        tell: Callable[[str], None],
        longest_side: int = LONGEST_SIDE,
    ):
        self.sources = sources
        self.limit_bytes = limit_bytes
        self.tell = tell
        self.longest_side = longest_side
        self._kept: dict[int, Picture] = {}
        self._bytes = 0
        self._unreadable: set[int] = set()

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def readable(self) -> int:
        """How many pictures are not known to be unreadable."""
        return len(self.sources) - len(self._unreadable)

    def load(self, indices: list[int], threads: Executor) -> list[tuple[int, Picture]]:
        """The readable pictures among those of the indices, in their order."""
        wanted = [index for index in indices if index not in self._unreadable]
        loaded = []
        for index, (picture, problem) in zip(wanted, threads.map(self._read, wanted)):
            if picture is None:
                self._unreadable.add(index)
                self.tell(f"left out: {problem}")
                continue
            loaded.append((index, picture))
            if index not in self._kept and self._bytes + picture.grey.nbytes <= self.limit_bytes:
                self._kept[index] = picture
                self._bytes += picture.grey.nbytes
        return loaded

    def _read(self, index: int) -> tuple[Optional[Picture], str]:
        if index in self._kept:
            return self._kept[index], ""
        source = self.sources[index]
        try:
            grey = read_grey(source.path)
        except PictureError as error:
            return None, str(error)
        shrink = min(1.0, self.longest_side / max(grey.shape))
        if shrink < 1:
            grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        return Picture(grey, source.boxes * shrink), ""
