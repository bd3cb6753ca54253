"""The labelled faces that the emotion model learns from: sprites of visual novels, and drawn ones.

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
from pretrain_on_photographs import draw_faces

from cvbaseline.boxes import iou
from cvbaseline.detection import detect, open_cascade
from cvbaseline.detection_parameters import NONE, DetectionParameters, with_verifier
from cvbaseline.drawing import EMOTIONS, draw_face
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import read_grey
from cvbaseline.opencv_cascade import OpenCVCascade

SIDE = 80  # pixels of a face
CROP = CropOptions(size=SIDE, margin=0.0)
BORDER = 40  # grey pixels around a sprite: a face at its edge is found as well
MIN_IOU = 0.3
DRAWN_SIZE = 160
DRAWN, FIRST_SEED = 7_000, 3_000_000


class Faces(NamedTuple):
    """Labelled faces."""

    crops: np.ndarray  # uint8 (n, size, size)
    labels: np.ndarray  # int (n,), indices into EMOTIONS
    groups: np.ndarray  # str (n,)
    strict: np.ndarray  # bool (n,): the label is not only a mild form of the emotion
    found: np.ndarray  # bool (n,): by the cascade


def sprites(folder: Path, group_column: str) -> list[tuple[Path, str, str, bool, np.ndarray]]:
    """Path, emotion, group, strictness and box of every sprite with a label."""
    with open(folder / "labels.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["emotion_loose"]]
    return [
        (
            folder / (row.get("sprite") or row["file"]),
            row["emotion_loose"],
            f"{folder.name}/{row[group_column]}",
            row["emotion"] == row["emotion_loose"],
            np.array([float(row[name]) for name in "xywh"]),
        )
        for row in rows
    ]


def all_sprites(
    anime_emotions: Path, anime_emotions_more: Path
) -> list[tuple[Path, str, str, bool, np.ndarray]]:
    """Those of both archives; grouped by the game, or by the artists."""
    return sprites(anime_emotions, "game") + sprites(anime_emotions_more, "group")


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


def read_faces(rows: list, finder: Boxer) -> Faces:
    """Crops of all faces; where the cascade misses one, its box is put where it usually is."""
    pictures, boxes, truths = [], [], []
    for path, *_, box in rows:
        grey = read_grey(path)
        pictures.append(cv2.copyMakeBorder(grey, *[BORDER] * 4, cv2.BORDER_CONSTANT, value=128))
        truths.append(box + [BORDER, BORDER, 0, 0])
        boxes.append(finder.box(pictures[-1], truths[-1]))
    usual = np.median(
        [relative(box, truth) for box, truth in zip(boxes, truths) if box is not None], axis=0
    )
    crops = []
    for picture, box, truth in zip(pictures, boxes, truths):
        box = usual * truth[2] + [*truth[:2], 0, 0] if box is None else box
        crops.append(crop_faces(picture, np.rint(box)[None], CROP)[0])
    _, emotions, groups, strict, _ = zip(*rows)
    return Faces(
        np.stack(crops),
        np.array([EMOTIONS.index(emotion) for emotion in emotions]),
        np.array(groups),
        np.array(strict),
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


def read_drawn(work: Path) -> Faces:
    """Faces drawn by this package to be learnt from; kept in a file of `work`."""
    known = work / f"drawn_{SIDE}.npz"
    if not known.exists():
        drawn = draw_faces(DRAWN, FIRST_SEED, DRAWN_SIZE, SIDE)
        np.savez(known, **drawn._asdict())
    with np.load(known) as file:
        pictures, labels = file["pictures"], file["targets"].argmax(axis=1)
    nobody, yes = np.full(len(labels), ""), np.ones(len(labels), bool)
    return Faces(pictures, labels, nobody, yes, yes)


def rows_of(crops: np.ndarray) -> np.ndarray:
    """Faces (n, size, size) as the rows that classifiers take."""
    return crops.reshape(len(crops), -1)
