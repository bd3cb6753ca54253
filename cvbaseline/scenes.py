"""Faces of whole scenes as a detector finds them: its misses and false boxes are counted.

A classifier that is measured on hand-drawn boxes is measured without its detector's errors. Here
each true box takes the detection that overlaps it most, if by enough, and the crop is cut where
the detector saw the face; a face that no detection overlaps is missed, and stays in the data as a
face that nobody can name.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cvbaseline.boxes import as_boxes
from cvbaseline.datasets import Entry, LabelledFaces, collect, problem_of
from cvbaseline.detection import Detections
from cvbaseline.detection_metrics import match_boxes
from cvbaseline.errors import UserError
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.formats.boxed_picture import BoxedPicture
from cvbaseline.images import read_grey

MIN_IOU = 0.3  # a detection that overlaps a true box by so much shows that face

Detect = Callable[[np.ndarray], Detections]  # faces of a grey picture, best first


def entries_of(pictures: list[BoxedPicture]) -> list[Entry]:
    """A labelled face for each box of annotated pictures."""
    return [
        Entry(Path(picture.path), label, box=box)
        for picture in pictures
        for box, label in zip(picture.boxes.tolist(), picture.labels)
    ]


def read_detected(
    entries: list[Entry], crop: CropOptions, detect: Detect, source: str
) -> LabelledFaces:
    """Labelled faces, cut out where the detector finds them.

    Entries with boxes are matched with the detections of their picture, and detections that match
    none are counted as false boxes. An entry without a box is a picture that shows one face: the
    best detection. `found` tells which faces were found; the others are black.

    Raises UserError when no picture can be read, or no face is found.
    """
    pictures: dict[Path, list[Entry]] = {}
    for entry in entries:
        pictures.setdefault(entry.path, []).append(entry)
    used, crops, sizes, found, problems, false_boxes = [], [], [], [], [], 0
    for path, shown in pictures.items():
        try:
            grey = read_grey(path)
        except UserError as error:
            problems.append(problem_of(path, error))
            continue
        boxes, false = _boxes_of(shown, detect(grey))
        false_boxes += false
        for entry, box in zip(shown, boxes):
            used.append(entry)
            found.append(box is not None)
            sizes.append(grey.shape[::-1] if box is None else box[2:])
            crops.append(
                np.zeros((crop.size, crop.size), np.uint8)
                if box is None
                else crop_faces(grey, as_boxes([box]), crop)[0]
            )
    if used and not any(found):
        raise UserError(
            f"{source}: the cascade finds none of {len(used):,} faces: name another with --cascade"
        )
    faces = collect(used, crops, sizes, problems, source)
    return faces._replace(found=np.array(found), false_boxes=false_boxes)


def _boxes_of(entries: list[Entry], detections: Detections) -> tuple[list, int]:
    """The detection of each entry of a picture, None for a miss; and how many match none."""
    boxes = detections.boxes.tolist()
    with_box = [number for number, entry in enumerate(entries) if entry.box is not None]
    if not with_box:
        best = boxes[0] if boxes else None
        return [best] * len(entries), 0
    truth = as_boxes([entries[number].box for number in with_box])
    taken = match_boxes(detections.boxes, detections.scores, truth, min_iou=MIN_IOU)
    matched: list = [None] * len(entries)
    for box, number in zip(boxes, taken):
        if number >= 0:
            matched[with_box[number]] = box
    return matched, int((taken < 0).sum())
