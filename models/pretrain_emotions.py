"""Pre-train the network of the emotion model on photographs, self-drawn faces and read ones.

    python models/pretrain_emotions.py ARCHIVES WORK

ARCHIVES holds the folders fer2013_dev, anime_faces and anime_heads, each an unpacked archive.
FER2013's training and public test part come with the votes of ten people on every picture
(FERPlus: Barsoum et al., ICMI 2016), which are learnt as probabilities. After a few epochs faces
drawn by `cvbaseline draw` join the photographs, and in a second cycle drawn faces of many artists
whose expression was read by eye (`pretraining_faces`).

The first epochs see faces of 64 pixels, the others of 80, which costs two thirds of the time of 80
pixels throughout (progressive learning: Tan & Le, EfficientNetV2, ICML 2021). Photographs of 48
pixels are enlarged. The public test part is only looked at. Needs Keras; two cores take 40 minutes.

Writes WORK/pretrained.npy (float32, see `network_weights`), WORK/pretrained.txt with the accuracy
after every epoch, and WORK/drawn.npz, the self-drawn faces, unless they are there.
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pretraining_faces import (
    DRAWN_PARTS,
    SIDE,
    Faces,
    faces_read_by_eye,
    joined,
    photographs,
    resized,
    self_drawn_faces,
)
from tqdm import tqdm

from cvbaseline.classifiers.face_augmentation import Augmentation, augment
from cvbaseline.classifiers.face_rows import network_input
from cvbaseline.classifiers.keras_network import build_network, network_weights
from cvbaseline.classifiers.network_training import Plan, compile_network
from cvbaseline.drawing import EMOTIONS

WIDTHS = (24, 48, 96, 192)
BATCH = 64
WARM_UP = 0.1
AUGMENTATION = Augmentation(erasing=0.3)
SMALL = 64  # pixels of a face in the first epochs
READ_TIMES = 2  # faces that were read are fewer than the others, and are shown so often an epoch


class Cycle(NamedTuple):
    """A part of the training, in which the learning rate rises and falls once."""

    epochs: int
    small_epochs: int  # of these, the first
    photographs_alone: int  # of these, the first
    learning_rate: float


FIRST = Cycle(16, small_epochs=11, photographs_alone=5, learning_rate=2.5e-3)
SECOND = Cycle(6, small_epochs=0, photographs_alone=0, learning_rate=1.5e-3)
FIRST_DRAWN, _ = DRAWN_PARTS[0]  # self-drawn faces in the first


def learn(
    network: Any, cycle: Cycle, photographed: Faces, every: Faces, unseen: Faces, work: Path
) -> None:
    """Train the network for a cycle; after every epoch say how it does on unseen photographs."""
    steps = len(every.pictures) // BATCH
    plan = Plan(
        cycle.epochs, BATCH, cycle.learning_rate, weight_decay=0.03, label_smoothing=0.05,
        patience=cycle.epochs, seed=0, augmentation=AUGMENTATION,
    )  # fmt: skip
    compile_network(network, plan, steps, WARM_UP)
    generator = np.random.default_rng(0)
    for epoch in range(cycle.epochs):
        size = SMALL if epoch < cycle.small_epochs else SIDE
        faces = photographed if epoch < cycle.photographs_alone else every
        rows = np.concatenate([generator.permutation(len(faces.pictures)) for _ in range(2)])
        for step in tqdm(range(steps), desc=f"epoch {epoch + 1} of {cycle.epochs}", leave=False):
            chosen = rows[step * BATCH : (step + 1) * BATCH]
            shown = augment(faces.pictures[chosen], AUGMENTATION, generator)
            network.train_on_batch(network_input(resized(shown, size)), faces.targets[chosen])
        shown = network_input(resized(unseen.pictures, size))
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
    archives, work = Path(arguments[0]), Path(arguments[1])
    work.mkdir(parents=True, exist_ok=True)
    photographed = photographs(archives / "fer2013_dev", "train")
    unseen = photographs(archives / "fer2013_dev", "public_test")
    drawn, read = self_drawn_faces(work), faces_read_by_eye(archives)
    network = build_network(None, WIDTHS, len(EMOTIONS), 0.2, 0, pooled=False, halved=True)
    some = joined(photographed, Faces(*(part[:FIRST_DRAWN] for part in drawn)))
    learn(network, FIRST, photographed, some, unseen, work)
    every = joined(photographed, drawn, *[read] * READ_TIMES)
    learn(network, SECOND, photographed, every, unseen, work)


if __name__ == "__main__":
    main(sys.argv[1:])
