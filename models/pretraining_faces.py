"""The faces that the network of the emotion model learns from before it sees sprites.

Photographs teach what a face does, which few drawn faces with labels cannot (docs/emotions.md).
Faces drawn by `cvbaseline draw` hold the emotions that photographs lack (worried) or have few of
(scared). Drawn faces of many artists, whose expression was read by eye, teach how it is drawn.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from cvbaseline.drawing import EMOTIONS, draw_face
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import read_grey

SIDE = 80  # pixels of a face
DRAWN = "drawn.npz"
DRAWN_PARTS = (14_000, 3_000_000), (14_000, 4_000_000)  # faces, seed of the first
DRAWN_SIZE, BORDER = 160, 40
# How the shipped cascade boxes drawn faces: its boxes' place and size in units of the true one's.
USUAL_BOX = np.array([-0.0039, 0.0439, 0.985, 0.985])
BOX_SHIFT, BOX_GROWTH = 0.03, 0.06  # standard deviations
VOTED = {
    "anger": "angry", "disgust": "angry", "happiness": "happy", "neutral": "neutral",
    "sadness": "sad", "fear": "scared", "surprise": "surprised",
}  # fmt: skip
FOLDERS = {
    "angry": "angry", "disgust": "angry", "happy": "happy", "neutral": "neutral", "sad": "sad",
    "fear": "scared", "surprise": "surprised",
}  # fmt: skip
OTHER_VOTES = ("contempt", "unknown", "NF")
LEAST_USABLE = 0.3  # share of the votes that name one of our emotions
FOLDER_SHARE = 0.15  # of the target is FER2013's own label
READ = Path(__file__).with_name("anime_faces_read.csv")
LETTERS = "ahnsfuw"  # angry, happy, neutral, sad, scared (f), surprised, worried
SHARES = {1: (1.0,), 2: (2 / 3, 1 / 3)}
READ_BORDER = 150  # pixels around a picture, more than any box reaches


class Faces(NamedTuple):
    """Faces to learn from."""

    pictures: np.ndarray  # uint8 (n, SIDE, SIDE)
    targets: np.ndarray  # float32 (n, 7), the probability of each emotion


def photographs(folder: Path, part: str) -> Faces:
    """The faces of a part of FER2013 that enough voters gave one of our emotions."""
    pictures, targets = [], []
    with open(folder / "ferplus_votes.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            place, label, _ = row["file"].split("/")
            if place != part:
                continue
            votes = np.zeros(len(EMOTIONS))
            for name, emotion in VOTED.items():
                votes[EMOTIONS.index(emotion)] += float(row[f"ferplus_{name}"] or 0)
            others = sum(float(row[f"ferplus_{name}"] or 0) for name in OTHER_VOTES)
            if votes.sum() <= LEAST_USABLE * (votes.sum() + others):
                continue
            target = (1 - FOLDER_SHARE) * votes / votes.sum()
            target[EMOTIONS.index(FOLDERS[label])] += FOLDER_SHARE
            pictures.append(read_grey(folder / row["file"]))
            targets.append(target)
    return Faces(resized(np.stack(pictures), SIDE), np.array(targets, np.float32))


def draw_faces(count: int, first_seed: int) -> Faces:
    """Faces of our own generator, boxed about as the shipped cascade does."""
    generator = np.random.default_rng(first_seed)
    pictures = []
    for number in tqdm(range(count), unit="drawn face", leave=False):
        face = draw_face(first_seed + number, EMOTIONS[number % len(EMOTIONS)], DRAWN_SIZE)
        grey = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY)
        grey = cv2.copyMakeBorder(grey, *[BORDER] * 4, cv2.BORDER_REPLICATE)
        left, top, width, _ = face.box
        x, y, box_side, _ = USUAL_BOX * width + [left + BORDER, top + BORDER, 0, 0]
        centre = np.array([x, y]) + box_side / 2
        box_side *= np.exp(generator.normal(0, BOX_GROWTH))
        centre += generator.normal(0, BOX_SHIFT, 2) * box_side
        x, y = np.rint(centre - box_side / 2).clip(0).astype(int)
        box_side = round(box_side)
        pictures.append(resized(grey[None, y : y + box_side, x : x + box_side], SIDE)[0])
    labels = np.arange(count) % len(EMOTIONS)
    targets = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
    return Faces(np.stack(pictures), targets)


def self_drawn_faces(work: Path) -> Faces:
    """Faces of our own generator, which takes five minutes; kept in the file DRAWN of `work`."""
    if not (work / DRAWN).exists():
        faces = joined(*(draw_faces(count, seed) for count, seed in DRAWN_PARTS))
        np.savez(work / DRAWN, **faces._asdict())
    with np.load(work / DRAWN) as file:
        return Faces(**file)


def faces_read_by_eye(archives: Path) -> Faces:
    """Drawn faces of anime_faces.zip and anime_heads.zip whose expression was read by eye.

    Each was looked at, enlarged, beside 41 others, and given one of the seven emotions, or two that
    are about as likely (docs/emotions.md says by whom, and how far such readings agree with
    artists). READ has a line for each: its path, the box in pixels (left, top, side; it may reach
    over the picture's edge) and the emotions, the likelier first.

    archives : holds the archives' folders anime_faces and anime_heads
    """
    pictures, targets = [], []
    with open(READ, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            grey = read_grey(archives / row["file"])
            grey = cv2.copyMakeBorder(grey, *[READ_BORDER] * 4, cv2.BORDER_REPLICATE)
            left, top, side = (int(row[name]) for name in ("x", "y", "side"))
            box = np.array([[left + READ_BORDER, top + READ_BORDER, side, side]])
            pictures.append(crop_faces(grey, box, CropOptions(size=SIDE, margin=0.0))[0])
            targets.append(reading(row["emotions"]))
    return Faces(np.stack(pictures), np.stack(targets))


def reading(letters: str) -> np.ndarray:
    """What was read in a face as the probability of each emotion, float32 (7,)."""
    target = np.zeros(len(EMOTIONS), np.float32)
    for letter, share in zip(letters, SHARES[len(letters)]):
        target[LETTERS.index(letter)] = share
    return target


def resized(faces: np.ndarray, side: int) -> np.ndarray:
    """Faces, uint8 (n, h, w), as (n, side, side)."""
    method = cv2.INTER_AREA if side < faces.shape[1] else cv2.INTER_LINEAR
    return np.stack([cv2.resize(face, (side, side), interpolation=method) for face in faces])


def joined(*parts: Faces) -> Faces:
    """All faces of the parts."""
    return Faces(*(np.concatenate(values) for values in zip(*parts)))
