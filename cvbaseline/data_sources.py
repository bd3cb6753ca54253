"""Labelled faces in whatever form people keep them, read as one kind of array.

- a folder with a folder for each class, also nested (type / series / character);
- a folder of such folders for the parts of a split: train, test, public_test, ...;
- FER2013's CSV file, or a CSV file of paths and labels with boxes, groups and parts;
- whole scenes with boxes and labels: COCO, VOC, YOLO, imglab, or that CSV file.

With a detector, the faces are cut where it finds them, and what it misses stays in the data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from cvbaseline.datasets import (
    Entry,
    LabelledFaces,
    beside_folders,
    check_parts,
    folder_names,
    group_of,
    grouped_by_picture,
    list_class_folders,
    list_csv,
    read_entries,
)
from cvbaseline.errors import FormatError, UserError, require
from cvbaseline.faces import CropOptions
from cvbaseline.grouping import check_grouping, group_pattern, path_below
from cvbaseline.options import argument, option

TRAINING_NAMES = ("train", "training")
PART_NAMES = frozenset((
    *TRAINING_NAMES, "test", "testing", "val", "valid", "validation", "dev", "publictest",
    "privatetest",
))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DataOptions(CropOptions):
    """Where labelled faces are, and how they are read."""

    data: Path = argument(
        "folder of class folders (or of train and test folders with these), FER2013's CSV file, "
        "a CSV file of paths and labels, or scenes in COCO, VOC, YOLO or imglab form",
        args=["data"],
        metavar="DATA",
    )
    nested: bool = option(
        False, "classes are whole paths of folders, like type/series/character, not the first one"
    )
    group_by: Optional[str] = option(
        None,
        "what belongs together and is never split: folder:LEVEL (1 is the class), column:NAME of "
        "the CSV file, pattern:REGEX on the path (its first parenthesis), near-duplicates, or "
        "none; without it the CSV file's column group, or the scene",
        metavar="GROUPING",
    )
    detect: bool = option(
        False, "faces are cut where the cascade finds them, and its misses count as errors"
    )
    cascade: Optional[Path] = option(
        None,
        "cascade for --detect: a file or a shipped one's name; else the default",
        metavar="XML",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_grouping(self.group_by)
        require(
            self.detect or self.cascade is None,
            "--cascade looks for faces with --detect only: add it, or leave --cascade out",
        )


def read_data(options: DataOptions) -> LabelledFaces:
    """Read DATA as the options say; groups by near-duplicates are found here as well.

    Raises UserError or FormatError when it is none of the forms, or holds no usable face.
    """
    data = Path(options.data)
    require(data.exists(), f"{data} does not exist: name a folder, a CSV or an annotation file")
    faces = _read_folder(data, options) if data.is_dir() else _read_file(data, options)
    kind = (options.group_by or "").partition(":")[0]
    if kind == "none":
        faces = faces._replace(groups=None)
    elif kind == "near-duplicates":
        faces = grouped_by_copies(faces)
    require(
        faces.groups is not None or kind in ("", "none"),
        f"--group-by {options.group_by} says nothing about some of {data}",
    )
    return faces


def grouped_by_copies(faces: LabelledFaces) -> LabelledFaces:
    """The same faces, grouped with their near copies among them."""
    from cvbaseline.duplicates import copy_clusters

    clusters = copy_clusters(faces.faces, faces.found)
    return faces._replace(groups=tuple(f"cluster {number}" for number in clusters.tolist()))


def join(sets: Sequence[LabelledFaces]) -> LabelledFaces:
    """Several sets as one; classes of one name are one class."""
    classes = tuple(sorted({name for data in sets for name in data.classes}))
    number = {name: index for index, name in enumerate(classes)}
    labels = [np.array([number[name] for name in data.classes])[data.labels] for data in sets]

    def together(values: Sequence[Optional[Sequence[str]]]) -> Optional[tuple[str, ...]]:
        return None if None in values else tuple(item for value in values for item in value)

    found = [np.ones(len(data.labels), bool) if data.found is None else data.found for data in sets]
    return LabelledFaces(
        faces=np.concatenate([data.faces for data in sets]),
        labels=np.concatenate(labels),
        classes=classes,
        paths=tuple(path for data in sets for path in data.paths),
        groups=together([data.groups for data in sets]),
        problems=tuple(problem for data in sets for problem in data.problems),
        sizes=np.concatenate([data.sizes for data in sets]),
        parts=together([data.parts for data in sets]),
        found=None if all(data.found is None for data in sets) else np.concatenate(found),
        false_boxes=sum(data.false_boxes for data in sets),
    )


def take(data: LabelledFaces, indices: np.ndarray) -> LabelledFaces:
    """Some of the faces, int (m,), with all that is said about them; the classes stay."""

    def of(values: Optional[Sequence[str]]) -> Optional[tuple[str, ...]]:
        return None if values is None else tuple(values[index] for index in indices.tolist())

    return data._replace(
        faces=data.faces[indices],
        labels=data.labels[indices],
        paths=of(data.paths),
        groups=of(data.groups),
        sizes=None if data.sizes is None else data.sizes[indices],
        parts=of(data.parts),
        found=None if data.found is None else data.found[indices],
    )


def in_part(faces: LabelledFaces, part: str) -> LabelledFaces:
    """The same faces, all in the part of that name."""
    return faces._replace(parts=(part,) * len(faces.labels))


def is_part_name(name: str) -> bool:
    """Whether a folder of this name is a part of a split, and not a class."""
    return _plain(name) in PART_NAMES


def split_parts(names: Sequence[str]) -> list[str]:
    """Those of a folder's folders that are the parts of a split; none unless one is to learn from.

    A single one that is named like a part is a class.
    """
    parts = [name for name in names if is_part_name(name)]
    return parts if any(map(is_training, parts)) and len(parts) >= 2 else []


def is_training(part: str) -> bool:
    """Whether the part of a split with this name is learnt from."""
    return _plain(part) in TRAINING_NAMES


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _read_folder(folder: Path, options: DataOptions) -> LabelledFaces:
    names = folder_names(folder)
    if not names or names == ["Annotations"]:
        place = folder / "Annotations" if names else folder
        return _read_entries(_annotated_folder(place), options)
    parts = split_parts(names)
    if not parts:
        entries, notes = _class_folders(folder, options)
        return _with_notes(_read_entries(entries, options), notes)
    others = sorted(set(names) - set(parts))
    require(
        not others,
        f"{folder} holds the parts {', '.join(parts)} beside {', '.join(others)}: "
        "are these classes or parts? Move the one or the other away",
    )
    entries, notes = [], beside_folders(folder)
    for name in parts:
        of_part, more = _class_folders(folder / name, options)
        entries += [entry._replace(part=name) for entry in of_part]
        notes += more
    return _with_notes(_read_entries(entries, options), notes)


def _with_notes(faces: LabelledFaces, notes: list[str]) -> LabelledFaces:
    """The same faces, with what was left out before their pictures were read."""
    return faces._replace(problems=(*faces.problems, *notes))


def _class_folders(folder: Path, options: DataOptions) -> tuple[list[Entry], list[str]]:
    return list_class_folders(folder, group_pattern(options.group_by), options.nested)


def _read_file(path: Path, options: DataOptions) -> LabelledFaces:
    if path.suffix.lower() != ".csv":
        return _read_entries(_annotated(path), options)
    from cvbaseline.fer2013 import is_fer2013, read_fer2013

    kind, _, value = (options.group_by or "").partition(":")
    if is_fer2013(path):
        require(not options.detect, f"{path} holds pixels of faces: leave --detect out")
        require(
            kind in ("", "none", "near-duplicates"),
            f"--group-by {options.group_by}: {path} tells no groups; use near-duplicates",
        )
        return read_fer2013(path, options)
    column = value.lower() if kind == "column" else "group"
    entries, notes = list_csv(path, group_pattern(options.group_by), column)
    check_parts(entries, str(path))
    return _with_notes(_read_entries(entries, options), notes)


def _annotated_folder(folder: Path) -> list[Entry]:
    """`_annotated`, or the list that `draw` writes beside its scenes is named."""
    try:
        return _annotated(folder)
    except UserError:
        listing = folder / "labels.csv"
        require(not listing.is_file(), f"{folder} has no class folders: name its list {listing}")
        raise


def _annotated(path: Path) -> list[Entry]:
    """The labelled boxes of annotated pictures."""
    from cvbaseline.formats.annotation_files import kind_of, read_annotations
    from cvbaseline.scenes import entries_of

    try:
        kind = kind_of(path)
    except FormatError:
        raise
    except UserError:
        raise UserError(
            f"{path}: expected a folder for each class, a .csv file, or scenes: .json (COCO), "
            ".xml (imglab), or a folder of .xml (VOC) or .txt (YOLO) files"
        ) from None
    return entries_of(read_annotations(path, kind))


def _read_entries(entries: list[Entry], options: DataOptions) -> LabelledFaces:
    """Crop the entries' faces, with a detector if asked; group by what tells nothing else."""
    pattern = group_pattern(options.group_by)
    if pattern is not None:
        entries = [
            entry if entry.group is not None
            else entry._replace(group=group_of(path_below(entry.path, options.data), pattern))
            for entry in entries
        ]  # fmt: skip
    if options.group_by is None:
        entries = grouped_by_picture(entries)
    source = str(options.data)
    if not options.detect:
        return read_entries(entries, options, None, source)
    from cvbaseline.scenes import read_detected

    return read_detected(entries, options, _detector(options.cascade), source)


def _detector(cascade: Optional[Path]) -> "Callable":
    """Detection with the usual parameters."""
    from cvbaseline.detection import detect, open_cascade
    from cvbaseline.detection_parameters import DetectionParameters, with_verifier
    from cvbaseline.shipped import cascade_path

    path = cascade_path(cascade)
    classifier = open_cascade(path, many_pictures=True)
    parameters = with_verifier(DetectionParameters(), path)
    return lambda grey: detect(grey, classifier, parameters)
