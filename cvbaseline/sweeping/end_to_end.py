"""From detector settings to sorting: which class each setting ends in for every labelled face.

A face is cut out where a setting finds it and named by the model, as `sort` does; a face that is
missed has no class. Where a label has no box, the picture is about one face, and the most
prominent one that is found counts, as for `sort`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.boxes import as_boxes
from cvbaseline.datasets import Entry, list_class_folders, list_csv
from cvbaseline.detection import Detections
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.detection_metrics import match_boxes
from cvbaseline.errors import require
from cvbaseline.faces import crop_faces
from cvbaseline.grouping import groups_of_paths
from cvbaseline.images import read_grey
from cvbaseline.model_file import FaceModel
from cvbaseline.sorting.emotion_decision import most_prominent
from cvbaseline.sorting.manifest import Face
from cvbaseline.sweeping.answer_journal import AnswerJournal, Answers
from cvbaseline.sweeping.searching import Progress, SearchedPictures
from cvbaseline.sweeping.tally import for_each_setting

MISSED = -1

Box = tuple[int, int, int, int]


class LabelledPicture(NamedTuple):
    """A picture with the classes of its faces."""

    path: Path
    labels: tuple[str, ...]
    boxes: Optional[np.ndarray]  # int32 (n, 4), of each face; None: the picture is about one face
    group: Optional[str] = None  # of pictures that belong together; None: this one alone


class NamedFaces(NamedTuple):
    """What the settings name the faces of all pictures."""

    answers: np.ndarray  # int64 (faces, settings): index into the classes, MISSED
    truth: np.ndarray  # int64 (faces,)
    pictures: np.ndarray  # int64 (faces,): the picture that each face is in
    classes: tuple[str, ...]  # those of the labels first


def read_labels(
    labels: Path,
    model: FaceModel,
    tell: Callable[[str], None] = lambda line: None,
    group_by: Optional[str] = None,
) -> list[LabelledPicture]:
    """Labelled pictures from a folder for each class, or a CSV file (datasets.read_csv).

    tell : gets what of the CSV file is left out
    group_by : what belongs together, by the paths below `labels` (grouping.PATH_GROUPINGS)

    Raises UserError when there are none, or a label is none of the model's classes.
    """
    labels = Path(labels)
    require(labels.exists(), f"{labels} does not exist: name a folder of class folders or a CSV")
    entries, notes = list_class_folders(labels) if labels.is_dir() else list_csv(labels)
    for note in notes:
        tell(note)
    require(bool(entries), f"{labels} names no picture")
    for entry in entries:
        require(
            entry.label in model.classes,
            f"{labels}: {entry.label!r} ({entry.path.name}) is no class of the model "
            f"({', '.join(model.classes)})",
        )
    of_picture: dict[Path, list[Entry]] = {}
    for entry in entries:
        of_picture.setdefault(entry.path, []).append(entry)
    groups = groups_of_paths(list(of_picture), labels, group_by)
    return [
        _labelled(labels, path, some)._replace(group=group)
        for (path, some), group in zip(of_picture.items(), groups)
    ]


def _labelled(source: Path, path: Path, entries: list[Entry]) -> LabelledPicture:
    boxes = [entry.box for entry in entries if entry.box is not None]
    require(
        len(boxes) == len(entries) or len(entries) == 1,
        f"{source}: {path} has several labels, so each needs a box (x, y, w, h)",
    )
    labels = tuple(entry.label for entry in entries)
    return LabelledPicture(path, labels, as_boxes(boxes) if boxes else None)


def name_faces(
    pictures: Sequence[LabelledPicture],
    searched: SearchedPictures,
    settings: Sequence[DetectionParameters],
    model: FaceModel,
    journal: AnswerJournal,
    min_iou: float,
    progress: Progress = lambda what, done, total: None,
) -> NamedFaces:
    """The class that every setting ends in for each face.

    Parameters
    ----------
    pictures : all of them searched
    journal : knows answers from before, and gets the new ones
    min_iou : overlap with a labelled box that counts as found
    """
    true_classes = sorted({label for picture in pictures for label in picture.labels})
    classes = (*true_classes, *(name for name in model.classes if name not in true_classes))
    number = {name: index for index, name in enumerate(classes)}
    answers, truth, owner = [], [], []
    for index, picture in enumerate(pictures):
        searches, content = searched.searches[picture.path], searched.contents[picture.path]
        size = next(iter(searches.values())).size
        task = partial(_boxes_of_faces, picture=picture, size=size, min_iou=min_iou)
        chosen = for_each_setting(task, searches, settings)
        known = _answers(picture, content, chosen, model, journal)
        for face, label in enumerate(picture.labels):
            boxes = [of_setting[face] for of_setting in chosen]
            answers.append([MISSED if box is None else number[known[box]] for box in boxes])
            truth.append(number[label])
            owner.append(index)
        progress("naming faces", index + 1, len(pictures))
    return NamedFaces(np.array(answers), np.array(truth), np.array(owner), classes)


def _boxes_of_faces(
    found: Detections, picture: LabelledPicture, size: tuple[int, int], min_iou: float
) -> list[Optional[Box]]:
    """The box that stands for each of the picture's faces; None for a missed one."""
    boxes: list[Box] = list(map(tuple, found.boxes.tolist()))
    if picture.boxes is None:
        faces = [Face(box, round(score, 4), {}) for box, score in zip(boxes, found.scores.tolist())]
        return [boxes[most_prominent(faces, *size)] if faces else None]
    taken = match_boxes(*found, picture.boxes, min_iou=min_iou).tolist()
    box_of = {face: box for face, box in zip(taken, boxes) if face >= 0}
    return [box_of.get(face) for face in range(len(picture.boxes))]


def _answers(
    picture: LabelledPicture,
    content: str,
    chosen: Sequence[Sequence[Optional[Box]]],
    model: FaceModel,
    journal: AnswerJournal,
) -> dict[tuple[int, ...], str]:
    """The class of every box that stands for a face in some setting."""
    wanted = {box for boxes in chosen for box in boxes if box is not None}
    missing = sorted(wanted - journal.of(content).keys())
    if missing:
        boxes = as_boxes(missing)
        shares = model.predict_proba(crop_faces(read_grey(picture.path), boxes, model.crop))
        named = tuple(model.classes[best] for best in shares.argmax(axis=1))
        journal.add(content, Answers(boxes, named))
    return journal.of(content)
