"""Pre-train the network of the emotion model on photographed and self-drawn faces.

    python models/pretrain_on_photographs.py FER2013 WORK

FER2013 is fer2013_dev.zip, unpacked: FER2013's training and public test part, and the votes of ten
people on every picture (FERPlus: Barsoum et al., ICMI 2016), which are learnt as probabilities.
Photographs teach what a face does, which few drawn faces with labels cannot (docs/emotions.md).
After a few epochs faces drawn by `cvbaseline draw` join them: they hold the emotions that FER2013
lacks (worried) or has few of (scared).

The first cycle's epochs see faces of 32 pixels, the last ones of 40, which costs half the time of
40 pixels throughout (progressive learning: Tan & Le, EfficientNetV2, ICML 2021). In a second cycle
there are three times as many drawn faces. The public test part is only looked at. Needs Keras; one
core takes about two hours.

Writes WORK/pretrained.npy (float32, see `network_weights`), WORK/pretrained.txt with the accuracy
after every epoch, and WORK/drawn.npz, the drawn faces, unless they are there.
"""

import csv
import sys
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from cvbaseline.classifiers.face_augmentation import Augmentation, augment
from cvbaseline.classifiers.face_rows import network_input
from cvbaseline.classifiers.keras_network import build_network, network_weights
from cvbaseline.classifiers.network_training import Plan, compile_network
from cvbaseline.drawing import EMOTIONS, draw_face
from cvbaseline.images import read_grey

SIDE = 48  # of FER2013's pictures
WIDTHS = (24, 48, 96, 192)
SMALL, LARGE = 32, 40
BATCH = 64
WARM_UP = 0.1
AUGMENTATION = Augmentation(erasing=0.3)
DRAWN_SIZE, DRAWN_CROP = 104, 64
BORDER = 40
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


class Cycle(NamedTuple):
    """A part of the training, in which the learning rate rises and falls once."""

    small_epochs: int
    large_epochs: int
    photographs_alone: int  # of the epochs, the first
    learning_rate: float
    drawn: int  # faces that are drawn for it, beside those of the cycle before
    first_seed: int  # of these


CYCLES = (
    Cycle(11, 5, photographs_alone=5, learning_rate=2.5e-3, drawn=14_000, first_seed=3_000_000),
    Cycle(0, 6, photographs_alone=0, learning_rate=1.5e-3, drawn=28_000, first_seed=4_000_000),
)


class Faces(NamedTuple):
    """Faces to learn from."""

    pictures: np.ndarray  # uint8 (n, SIDE, SIDE)
    targets: np.ndarray  # float32 (n, 7), the probability of each emotion


def read_photographs(folder: Path, part: str) -> Faces:
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
    return Faces(np.stack(pictures), np.array(targets, np.float32))


def draw_faces(
    count: int, first_seed: int, drawn_size: int = DRAWN_SIZE, side: int = DRAWN_CROP
) -> Faces:
    """Faces of our own generator, boxed about as the shipped cascade does.

    drawn_size, side : pixels of what is drawn, and of the faces
    """
    generator = np.random.default_rng(first_seed)
    pictures = []
    for number in tqdm(range(count), unit="drawn face", leave=False):
        face = draw_face(first_seed + number, EMOTIONS[number % len(EMOTIONS)], drawn_size)
        grey = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY)
        grey = cv2.copyMakeBorder(grey, *[BORDER] * 4, cv2.BORDER_REPLICATE)
        left, top, width, _ = face.box
        x, y, box_side, _ = USUAL_BOX * width + [left + BORDER, top + BORDER, 0, 0]
        centre = np.array([x, y]) + box_side / 2
        box_side *= np.exp(generator.normal(0, BOX_GROWTH))
        centre += generator.normal(0, BOX_SHIFT, 2) * box_side
        x, y = np.rint(centre - box_side / 2).clip(0).astype(int)
        box_side = round(box_side)
        pictures.append(shrunk(grey[None, y : y + box_side, x : x + box_side], side)[0])
    labels = np.arange(count) % len(EMOTIONS)
    targets = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
    return Faces(np.stack(pictures), targets)


def shrunk(faces: np.ndarray, side: int) -> np.ndarray:
    """Faces, uint8 (n, h, w), as (n, side, side)."""
    method = cv2.INTER_AREA if side < faces.shape[1] else cv2.INTER_LINEAR
    return np.stack([cv2.resize(face, (side, side), interpolation=method) for face in faces])


def learn(
    network: Any, cycle: Cycle, photographs: Faces, drawn: Faces, unseen: Faces, work: Path
) -> None:
    """Train the network for a cycle; after every epoch say how it does on unseen photographs."""
    steps = (len(photographs.pictures) + len(drawn.pictures)) // BATCH
    epochs = cycle.small_epochs + cycle.large_epochs
    plan = Plan(
        epochs, BATCH, cycle.learning_rate, weight_decay=0.03, label_smoothing=0.05,
        patience=epochs, seed=0, augmentation=AUGMENTATION,
    )  # fmt: skip
    compile_network(network, plan, steps, WARM_UP)
    generator = np.random.default_rng(0)
    every = Faces(*(np.concatenate(parts) for parts in zip(photographs, drawn)))
    for epoch in range(epochs):
        size = SMALL if epoch < cycle.small_epochs else LARGE
        faces = photographs if epoch < cycle.photographs_alone else every
        rows = np.concatenate([generator.permutation(len(faces.pictures)) for _ in range(2)])
        for step in tqdm(range(steps), desc=f"epoch {epoch + 1} of {epochs}", leave=False):
            chosen = rows[step * BATCH : (step + 1) * BATCH]
            shown = augment(faces.pictures[chosen], AUGMENTATION, generator)
            network.train_on_batch(network_input(shrunk(shown, size)), faces.targets[chosen])
        shown = network_input(shrunk(unseen.pictures, size))
        answers = network.predict(shown, batch_size=256, verbose=0).argmax(axis=1)
        right = (answers == unseen.targets.argmax(axis=1)).mean()
        line = f"epoch {epoch + 1}, {size} pixels: {right:.4f} of the public test right"
        print(line)
        with open(work / "pretrained.txt", "a", encoding="utf-8") as log:
            log.write(line + "\n")
        np.save(work / "pretrained.npy", network_weights(network))


def main(arguments: list[str]) -> None:
    """Read, draw, learn."""
    if len(arguments) != 2:
        sys.exit(__doc__)
    folder, work = Path(arguments[0]), Path(arguments[1])
    work.mkdir(parents=True, exist_ok=True)
    photographs = read_photographs(folder, "train")
    unseen = read_photographs(folder, "public_test")
    network = build_network(None, WIDTHS, len(EMOTIONS), 0.2, 0, pooled=False)
    if not (work / "drawn.npz").exists():
        parts = [draw_faces(cycle.drawn, cycle.first_seed) for cycle in CYCLES]
        joined = Faces(*(np.concatenate(part) for part in zip(*parts)))
        joined = joined._replace(pictures=shrunk(joined.pictures, SIDE))
        np.savez(work / "drawn.npz", **joined._asdict())
    with np.load(work / "drawn.npz") as file:
        drawn = Faces(**file)
    count = 0
    for cycle in CYCLES:
        count += cycle.drawn
        learn(network, cycle, photographs, Faces(*(part[:count] for part in drawn)), unseen, work)


if __name__ == "__main__":
    main(sys.argv[1:])
