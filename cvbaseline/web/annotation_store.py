"""The boxes of a folder's pictures, in memory and in a file that is whole after every change."""

import os
from pathlib import Path
from threading import RLock
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from cvbaseline.boxes import as_boxes
from cvbaseline.errors import UserError, require
from cvbaseline.formats.annotation_files import (
    FOLDER_KINDS,
    Kind,
    read_annotations,
    read_classes,
    render_annotations,
    render_picture,
)
from cvbaseline.formats.boxed_picture import BoxedPicture
from cvbaseline.formats.files import make_folder, write_bytes
from cvbaseline.formats.yolo import CLASSES_NAME, render_classes
from cvbaseline.images import find_pictures, read_size

MOST_BOXES = 10_000


class Entry(NamedTuple):
    """A picture in the list."""

    name: str  # below the folder, with /
    boxes: int
    done: bool  # whether the file has an entry for it, with boxes or without


class AnnotationStore:
    """The pictures of a folder and their boxes.

    Entries of the file for other pictures stay in it. A file that our own writer would not have
    written as it is, because it holds more than boxes, is kept as NAME.original before the first
    change.

    Parameters
    ----------
    folder : pictures below it are annotated; links that lead out of it are left out
    target : file or folder of the annotations; read when it is there
    label : of boxes that have none
    tell : gets a line for each picture left out

    Raises UserError when there is no picture, FormatError when the target is malformed.
    """

    def __init__(
        self, folder: Path, target: Path, kind: Kind, label: str, tell: Callable[[str], None]
    ):
        self.folder = folder
        self.target = target
        self.kind = kind
        self.label = label
        self.pictures = _pictures_inside(folder, tell)
        require(bool(self.pictures), f"no picture below {folder}: name a folder of pictures")
        self._lock = RLock()
        self._sizes: dict[int, tuple[int, int]] = {}
        self._entries: dict[str, BoxedPicture] = {}
        self._checked: set[Path] = set()
        self.classes: list[str] = []
        if target.exists():
            self._read()

    def _read(self) -> None:
        pictures = self.folder if self.kind in FOLDER_KINDS else None
        for entry in read_annotations(self.target, self.kind, pictures, self.label):
            key = os.path.realpath(entry.path)
            require(key not in self._entries, f"{self.target} lists {entry.path} twice: merge them")
            self._entries[key] = entry
        labels = {label for entry in self._entries.values() for label in entry.labels}
        if self.kind == "yolo":
            self.classes = read_classes(self.target)
        self.classes += sorted(labels - set(self.classes))

    def _key(self, index: int) -> str:
        require(0 <= index < len(self.pictures), f"there is no picture {index}")
        return os.path.realpath(self.pictures[index])

    def entries(self) -> list[Entry]:
        """All pictures in their order."""
        with self._lock:
            return [self._entry(index) for index in range(len(self.pictures))]

    def _entry(self, index: int) -> Entry:
        known = self._entries.get(self._key(index))
        name = self.pictures[index].relative_to(self.folder).as_posix()
        return Entry(name, 0 if known is None else len(known.boxes), known is not None)

    def size(self, index: int) -> tuple[int, int]:
        """Width and height of a picture; raises PictureError when it cannot be read."""
        self._key(index)
        if index not in self._sizes:
            self._sizes[index] = read_size(self.pictures[index])
        return self._sizes[index]

    def boxes(self, index: int) -> BoxedPicture:
        """A picture's boxes; none when the file has no entry for it."""
        with self._lock:
            known = self._entries.get(self._key(index))
        return known or BoxedPicture(str(self.pictures[index]), as_boxes([]), ())

    def save(self, index: int, boxes: Any, labels: Any) -> Entry:
        """Replace a picture's boxes and write the file.

        Raises UserError when they are not boxes within the picture, or the file cannot be written;
        then nothing has changed.
        """
        size = self.size(index)
        checked = _checked_boxes(boxes, size)
        named = _checked_labels(labels, len(checked))
        with self._lock:
            key = self._key(index)
            before = self._entries.get(key)
            former = dict(self._entries)
            path = str(self.pictures[index]) if before is None else before.path
            self._entries[key] = BoxedPicture(path, checked, named, size)
            try:
                self._write(self._entries[key], before, former)
            except UserError:
                self._entries = former
                raise
            return self._entry(index)

    def _write(
        self,
        changed: BoxedPicture,
        before: Optional[BoxedPicture],
        former: dict[str, BoxedPicture],
    ) -> None:
        """Write what has changed from the former entries."""
        new = [name for name in dict.fromkeys(changed.labels) if name not in self.classes]
        classes = [*self.classes, *new]
        if self.kind in FOLDER_KINDS:
            self._write_one(changed, before, classes)
        else:
            self._keep_original(self.target, lambda: self._render(former))
            self._put(self.target, self._render(self._entries))
        self.classes = classes

    def _render(self, entries: dict[str, BoxedPicture]) -> bytes:
        """The whole file, for the formats with one file."""
        pictures = list(entries.values())
        return render_annotations(self.target, self.kind, pictures, [])[self.target]

    def _write_one(
        self, changed: BoxedPicture, before: Optional[BoxedPicture], classes: list[str]
    ) -> None:
        """Write the changed picture's own file, and the classes first, which it needs."""
        suffix = ".txt" if self.kind == "yolo" else ".xml"
        below = Path(os.path.relpath(changed.path, self.folder)).with_suffix(suffix)
        path = self.target / below
        require(below.name != CLASSES_NAME, f"{changed.path}: its labels would be {CLASSES_NAME}")
        same = [p for p in self.pictures if p.relative_to(self.folder).with_suffix(suffix) == below]
        require(len(same) == 1, f"{same[0]} and {same[-1]} would share {path}: rename one")
        if before is not None:
            known = before._replace(size=changed.size)
            self._keep_original(path, lambda: render_picture(self.kind, known, self.classes))
        if self.kind == "yolo" and classes != self.classes:
            self._put(self.target / CLASSES_NAME, render_classes(classes).encode())
        self._put(path, render_picture(self.kind, changed, classes))

    def _put(self, path: Path, data: bytes) -> None:
        make_folder(path.parent)
        write_bytes(path, data)

    def _keep_original(self, path: Path, rendered: Callable[[], bytes]) -> None:
        """Keep a file beside itself when our own writer would lose something of it."""
        if path in self._checked:
            return
        self._checked.add(path)
        if not path.exists():
            return
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror})") from None
        if data != rendered():
            kept, number = path.with_name(path.name + ".original"), 2
            while kept.exists():
                kept = path.with_name(f"{path.name}.original-{number}")
                number += 1
            write_bytes(kept, data)


def _pictures_inside(folder: Path, tell: Callable[[str], None]) -> list[Path]:
    """The pictures below the folder, without links that lead out of it."""
    root, inside = os.path.realpath(folder), []
    for path in find_pictures(folder):
        if os.path.commonpath([root, os.path.realpath(path)]) == root:
            inside.append(path)
        else:
            tell(f"left out: {path} is a link that leads out of {folder}")
    return inside


def _checked_boxes(boxes: Any, size: tuple[int, int]) -> np.ndarray:
    """Boxes from the page, int32 (n, 4), each within the picture."""
    fine = isinstance(boxes, list) and len(boxes) <= MOST_BOXES
    require(fine, f"expected a list of at most {MOST_BOXES} boxes")
    for box in boxes:
        whole = isinstance(box, list) and len(box) == 4
        whole = whole and all(type(value) is int for value in box)
        require(whole, f"expected a box as four whole numbers, found {box!r:.60}")
        x, y, width, height = box
        within = 0 <= x < x + width <= size[0] and 0 <= y < y + height <= size[1]
        require(within, f"box {box} is not within the picture of {size[0]} x {size[1]} pixels")
    return as_boxes(boxes)


def _checked_labels(labels: Any, count: int) -> tuple[str, ...]:
    fine = isinstance(labels, list) and len(labels) == count
    require(fine, f"expected {count} labels")
    for label in labels:
        fine = isinstance(label, str) and label.strip() == label and 0 < len(label) <= 100
        fine = fine and label.isprintable()
        require(fine, f"expected a label of 1 to 100 letters, found {label!r:.120}")
    return tuple(labels)
