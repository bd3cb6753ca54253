"""The verb `cascade align`: annotations whose boxes sit where a trained cascade sees the objects.

A second training from them needs fewer weak classifiers, so it is faster, and finds more: what a
stage had spent on boxes that sit a little differently it spends on the objects (`best_place`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional

import numpy as np

from cvbaseline.errors import PictureError, require
from cvbaseline.options import argument, option
from cvbaseline.progress import Progress

if TYPE_CHECKING:
    from cvbaseline.evaluation.packed_cascade import PackedCascade
    from cvbaseline.formats.boxed_picture import BoxedPicture

FEWEST = 3  # a box stays where no window near it passes one of so many stages
NAMED = 10  # boxes that stay

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class AlignOptions:
    """Move boxes to where a cascade sees the objects best, to train a better one from them."""

    cascade: Path = argument("the cascade file or a training's folder, or a shipped one's name",
                             args=["cascade"], metavar="XML")  # fmt: skip
    pictures: list[Path] = argument(
        "annotations of what the cascade finds (info.dat, COCO, imglab, VOC, YOLO or JSON), or "
        "folders that hold them: those that it was trained on, too",
        args=["pictures"], nargs="+", metavar="PICTURES",
    )  # fmt: skip
    only: list[str] = option((), "labels to keep; all without", nargs="+", metavar="LABEL")
    scale: float = option(
        1.0, "size of the new boxes as a part of what the cascade draws: above 1 the next one sees "
        "more around the object", metavar="FACTOR",
    )  # fmt: skip
    out: Path = option(
        Path("aligned.dat"), "where the new boxes go, as info.dat; the pictures stay where they "
        "are", metavar="INFO",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        require(0.5 <= self.scale <= 2, f"--scale {self.scale} must be 0.5 to 2")


class Alignment(NamedTuple):
    """What became of the boxes."""

    pictures: "list[BoxedPicture]"  # with their new boxes
    shifts: np.ndarray  # float64 (n, 3) of the moved: right, down, as parts of the side; the new
    # side as a part of the old one
    stayed: list[str]  # a line for each box that no window fits


def align(
    options: AlignOptions,
    tell: Tell = lambda line: None,
    progress: Progress = lambda what, done, total: None,
) -> Alignment:
    """Read, move, write.

    Raises UserError when there is nothing to move, or the output is there; FormatError for
    annotations that are malformed.
    """
    from cvbaseline.detector_quality.options import check_outputs
    from cvbaseline.evaluation.packed_cascade import pack
    from cvbaseline.formats.annotation_files import render_annotations, write_files
    from cvbaseline.formats.cascade_xml import load_cascade
    from cvbaseline.formats.files import check_writable
    from cvbaseline.shipped import cascade_path

    check_outputs(options.out)
    cascade = load_cascade(cascade_path(options.cascade))
    require(len(cascade.stages) > 0, f"{options.cascade} has no stages")
    entries = [entry for path in options.pictures for entry in read_entries(path, options.only)]
    require(
        any(len(entry.boxes) for entry in entries),
        f"{', '.join(map(str, options.pictures))}: no picture has a box; nothing to align",
    )
    check_writable(options.out)
    alignment = aligned(entries, pack(cascade), options.scale, tell, progress)
    require(bool(alignment.pictures), "no picture can be read")
    write_files(render_annotations(options.out, "info", alignment.pictures, []))
    for line in in_words(alignment):
        tell(line)
    tell(f"the boxes are in {options.out}")
    return alignment


def read_entries(path: Path, only: list[str]) -> "list[BoxedPicture]":
    """The entries of an annotation file or folder with the boxes that a training would learn.

    A picture that is listed several times stays so: it counts as often.
    """
    from cvbaseline.detector_quality.annotated_pictures import find_annotations
    from cvbaseline.formats.annotation_files import kind_of, read_annotations

    found = find_annotations(path)
    entries = read_annotations(found, kind_of(found))
    labels = {label for entry in entries for label in entry.labels}
    unknown, known = sorted(set(only) - labels), ", ".join(sorted(labels)) or "none"
    require(not unknown, f"{path} has no label {', '.join(unknown)}; it has {known}")
    kept = []
    for entry in entries:
        learnt = np.array([not only or label in only for label in entry.labels], bool)
        learnt &= ~np.array(entry.difficult or [False] * len(learnt), bool)
        kept.append(entry._replace(boxes=entry.boxes[learnt], labels=(), difficult=()))
    return kept


def aligned(
    entries: "list[BoxedPicture]",
    packed: "PackedCascade",
    scale: float,
    tell: Tell,
    progress: Progress,
) -> Alignment:
    """The entries with their boxes moved; a picture that cannot be read is named and left out."""
    from joblib import Parallel, delayed

    from cvbaseline.parallel import one_core_each, worker_count

    pictures, shifts, stayed = [], [], []
    with one_core_each():
        done: Iterator[_Entry] = Parallel(worker_count(), "threading", return_as="generator")(
            delayed(_align_entry)(entry, packed, scale) for entry in entries
        )
        for number, one in enumerate(done):
            progress("aligning boxes", number + 1, len(entries))
            if one.problem is not None:
                tell(f"left out: {one.problem}")
                continue
            pictures.append(one.entry)
            shifts += one.shifts
            stayed += one.stayed
    return Alignment(pictures, np.array(shifts, np.float64).reshape(-1, 3), stayed)


class _Entry(NamedTuple):
    """One entry, aligned; `problem` says why it could not be read."""

    entry: "BoxedPicture"
    shifts: list[np.ndarray]
    stayed: list[str]
    problem: Optional[str] = None


def _align_entry(entry: "BoxedPicture", packed: "PackedCascade", scale: float) -> _Entry:
    from cvbaseline.aligning.best_place import best_place, whole_pixels
    from cvbaseline.images import read_grey

    try:
        grey = np.ascontiguousarray(read_grey(entry.path))
    except PictureError as error:
        return _Entry(entry, [], [], str(error))
    boxes, shifts, stayed = entry.boxes.copy(), [], []
    for number, box in enumerate(entry.boxes):
        place = best_place(grey, box, packed)
        if place is None or FEWEST * place.stages < len(packed.stage_threshold):
            passed = "no window fits" if place is None else f"{max(place.stages, 0)} stages passed"
            stayed.append(f"{entry.path}: box {' '.join(map(str, box.tolist()))}, {passed}")
            continue
        middle, size = place.box[:2] + place.box[2:] / 2, scale * place.box[2:]
        boxes[number] = whole_pixels(np.concatenate([middle - size / 2, size]), grey.shape)
        side, new = np.sqrt(np.prod(box[2:])), np.sqrt(np.prod(size))
        moved = middle - (box[:2] + box[2:] / 2)
        shifts.append(np.array([*moved / side, new / side]))
    return _Entry(entry._replace(boxes=boxes), shifts, stayed)


def in_words(alignment: Alignment) -> list[str]:
    """How far boxes moved, and which did not."""
    lines, shifts, stayed = [], alignment.shifts, alignment.stayed
    if len(shifts):
        right, down, size = shifts.mean(axis=0)
        spread = shifts.std(axis=0)
        lines.append(
            f"{len(shifts)} boxes moved by {right:+.3f} of their side to the right and {down:+.3f} "
            f"down (standard deviation {spread[0]:.3f} and {spread[1]:.3f}), and are {size:.3f} "
            f"times as large ({spread[2]:.3f})"
        )
    if stayed:
        lines.append(
            f"{len(stayed)} boxes stayed, for the cascade sees nothing there: are they wrong?"
        )
        named = list(dict.fromkeys(stayed))  # a picture may be listed several times
        lines += [f"  {line}" for line in named[:NAMED]]
        lines += [f"  and {len(named) - NAMED} more"] if len(named) > NAMED else []
    return lines
