"""The labelled faces that the emotion model learns from: sprites of visual novels.

The sprites are those of anime_emotions.zip and anime_emotions_more.zip, unpacked, with the box of
the face and the emotion that the artist named (`emotion_loose`). Their faces are cut out as the
sorter boxes them, so that the model learns from what it will be shown.
"""

import csv
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Optional

import cv2
import numpy as np
from pretraining_faces import DRAWN_SIZE, SIDE, reading

from cvbaseline.boxes import iou
from cvbaseline.detection import detect, open_cascade
from cvbaseline.detection_parameters import NONE, DetectionParameters, with_verifier
from cvbaseline.drawing import EMOTIONS, draw_face
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import read_grey
from cvbaseline.opencv_cascade import OpenCVCascade

ARCHIVES = {"anime_emotions": "game", "anime_emotions_more": "group"}  # column of the group
READ = Path(__file__).with_name("sprites_read.csv")
CROP = CropOptions(size=SIDE, margin=0.0)
BORDER = 40  # grey pixels around a sprite: a face at its edge is found as well
MIN_IOU = 0.3


class Sprite(NamedTuple):
    """A drawn face whose expression the artist named."""

    path: Path
    emotion: str
    group: str
    strict: bool  # the label is not only a mild form of the emotion
    box: np.ndarray  # float (4,)
    readings: tuple[str, str]  # what was read in it, see `pretraining_faces.reading`


class Faces(NamedTuple):
    """Labelled faces."""

    crops: np.ndarray  # uint8 (n, size, size)
    labels: np.ndarray  # int (n,), indices into EMOTIONS
    readings: np.ndarray  # float32 (n, 7), probabilities: the mean of what was read twice
    groups: np.ndarray  # str (n,)
    strict: np.ndarray  # bool (n,)
    found: np.ndarray  # bool (n,): by the cascade


def all_sprites(archives: Path) -> list[Sprite]:
    """The sprites of both archives that have a label; grouped by the game, or by the artists."""
    with open(READ, encoding="utf-8", newline="") as file:
        readings = {row["file"]: (row["first"], row["second"]) for row in csv.DictReader(file)}
    found = []
    for name, group_column in ARCHIVES.items():
        with open(archives / name / "labels.csv", encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["emotion_loose"]]
        for row in rows:
            place = f"{name}/{row.get('sprite') or row['file']}"
            found.append(
                Sprite(
                    archives / place,
                    row["emotion_loose"],
                    f"{name}/{row[group_column]}",
                    row["emotion"] == row["emotion_loose"],
                    np.array([float(row[side]) for side in "xywh"]),
                    readings[place],
                )
            )
    return found


class Boxer(NamedTuple):
    """What finds faces."""

    cascade: OpenCVCascade
    search: DetectionParameters

    def box(self, picture: np.ndarray, truth: np.ndarray) -> Optional[np.ndarray]:
        """The box of the face whose labelled box is `truth`; None where there is none."""
        boxes = detect(picture, self.cascade, self.search).boxes
        overlap = iou(boxes, truth[None])[:, 0]
        return boxes[overlap.argmax()] if len(boxes) and overlap.max() >= MIN_IOU else None


def boxer(cascade: Path) -> Boxer:
    """The search that the sorter makes; without its verifier, for the labels say what is a face."""
    search = replace(with_verifier(DetectionParameters(), cascade), verify=NONE)
    return Boxer(open_cascade(cascade, many_pictures=True), search)


def read_faces(sprites: list[Sprite], finder: Boxer) -> Faces:
    """Crops of all faces; where the cascade misses one, its box is put where it usually is."""
    pictures, boxes, truths = [], [], []
    for sprite in sprites:
        grey = read_grey(sprite.path)
        pictures.append(cv2.copyMakeBorder(grey, *[BORDER] * 4, cv2.BORDER_CONSTANT, value=128))
        truths.append(sprite.box + [BORDER, BORDER, 0, 0])
        boxes.append(finder.box(pictures[-1], truths[-1]))
    usual = np.median(
        [relative(box, truth) for box, truth in zip(boxes, truths) if box is not None], axis=0
    )
    crops = []
    for picture, box, truth in zip(pictures, boxes, truths):
        box = usual * truth[2] + [*truth[:2], 0, 0] if box is None else box
        crops.append(crop_faces(picture, np.rint(box)[None], CROP)[0])
    return Faces(
        np.stack(crops),
        np.array([EMOTIONS.index(sprite.emotion) for sprite in sprites]),
        np.array([np.mean([*map(reading, sprite.readings)], axis=0) for sprite in sprites]),
        np.array([sprite.group for sprite in sprites]),
        np.array([sprite.strict for sprite in sprites]),
        np.array([box is not None for box in boxes]),
    )


def relative(box: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """A box as seen from the labelled one: place and size in units of its width."""
    return (box - [*truth[:2], 0, 0]) / truth[2]


def drawn_faces(count: int, first_seed: int, finder: Boxer) -> tuple[np.ndarray, np.ndarray]:
    """Faces drawn by this package that the cascade finds: crops (n, size, size), labels (n,)."""
    crops, labels = [], []
    for number in range(count):
        label = number % len(EMOTIONS)
        face = draw_face(first_seed + number, EMOTIONS[label], DRAWN_SIZE)
        grey = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY)
        grey = cv2.copyMakeBorder(grey, *[BORDER] * 4, cv2.BORDER_REPLICATE)
        box = finder.box(grey, np.array(face.box) + [BORDER, BORDER, 0, 0])
        if box is not None:
            crops.append(crop_faces(grey, box[None], CROP)[0])
            labels.append(label)
    return np.stack(crops), np.array(labels)


def rows_of(crops: np.ndarray) -> np.ndarray:
    """Faces (n, size, size) as the rows that classifiers take."""
    return crops.reshape(len(crops), -1)
