"""Train and measure the emotion model that ships.

    python models/train_anime_emotions.py ANIME_EMOTIONS ANIME_EMOTIONS_MORE [CASCADE]

The folders are those of anime_emotions.zip and anime_emotions_more.zip, unpacked: sprites of
visual novels with the box of the face and the emotion that the artist named (`emotion_loose`).
Their faces are cut out as the shipped cascade (or CASCADE) boxes them, so that the model learns
from what the sorter will show it; drawn faces of our own join them with a small weight.

Writes models/anime_emotions.npz and models/anime_emotions.json: data, parameters, seed, and the
quality on artists that the model has not seen. Same pictures and cascade, same bytes.
"""

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple, Optional

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from cvbaseline.boxes import iou
from cvbaseline.classification.cross_validation import split_folds
from cvbaseline.classification.metrics import measure, named_share, unsure_threshold
from cvbaseline.classification.report import (
    describe_quality,
    quality_record,
    threshold_record,
)
from cvbaseline.classifiers.hog_svm import HogSvm
from cvbaseline.detection import DetectionParameters, detect, open_cascade
from cvbaseline.drawing import EMOTIONS, draw_face
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import read_grey
from cvbaseline.model_file import FaceModel, load_model, save_model
from cvbaseline.shipped import default_cascade

SEED = 1
FOLDS = 8
CROP = CropOptions(size=64, margin=0.0)
PARAMETERS = {
    "C": 2.0, "gamma": 2.0, "landmarks": 1500, "scales": ((64, 8),), "n_components": 300,
    "seed": SEED,
}  # fmt: skip
# How much a class's rarity counts: 0 not at all, 1 gives every class the same weight.
BALANCE = 0.75
BORDER = 40  # grey pixels around a sprite: a face at its edge is found as well
MIN_IOU = 0.3
DRAWN_FACES = 1400
DRAWN_SIZE = 160
DRAWN_WEIGHT = 0.1  # of the sprites' weight, for all drawn faces together
DRAWN_TESTS = 350


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


def found_box(picture: np.ndarray, truth: np.ndarray, classifier: Any) -> Optional[np.ndarray]:
    """The cascade's box of the face whose labelled box is `truth`; None where it has none."""
    boxes = detect(picture, classifier, DetectionParameters(min_neighbors=3)).boxes
    overlap = iou(boxes, truth[None])[:, 0]
    return boxes[overlap.argmax()] if len(boxes) and overlap.max() >= MIN_IOU else None


def read_faces(rows: list, classifier: Any) -> Faces:
    """Crops of all faces; where the cascade misses one, its box is put where it usually is."""
    pictures, boxes, truths = [], [], []
    for path, *_, box in rows:
        grey = read_grey(path)
        pictures.append(cv2.copyMakeBorder(grey, *[BORDER] * 4, cv2.BORDER_CONSTANT, value=128))
        truths.append(box + [BORDER, BORDER, 0, 0])
        boxes.append(found_box(pictures[-1], truths[-1], classifier))
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


def drawn_faces(count: int, first_seed: int, classifier: Any) -> tuple[np.ndarray, np.ndarray]:
    """Faces drawn by this package that the cascade finds: crops (n, size, size), labels (n,)."""
    crops, labels = [], []
    for number in range(count):
        label = number % len(EMOTIONS)
        face = draw_face(first_seed + number, EMOTIONS[label], DRAWN_SIZE)
        grey = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY)
        grey = cv2.copyMakeBorder(grey, *[BORDER] * 4, cv2.BORDER_REPLICATE)
        box = found_box(grey, np.array(face.box) + [BORDER, BORDER, 0, 0], classifier)
        if box is not None:
            crops.append(crop_faces(grey, box[None], CROP)[0])
            labels.append(label)
    return np.stack(crops), np.array(labels)


def fit(faces: Faces, drawn: tuple[np.ndarray, np.ndarray]) -> HogSvm:
    """All faces, weighted by their emotions' rarity, and the drawn ones."""
    count = np.bincount(faces.labels, minlength=len(EMOTIONS))
    weights = (count.mean() / count[faces.labels]) ** BALANCE
    crops, labels = drawn
    drawn_weights = np.full(len(labels), DRAWN_WEIGHT * weights.sum() / len(labels))
    drawn_groups = [f"drawn {number}" for number in range(len(labels))]
    return HogSvm(**PARAMETERS).fit(
        rows_of(np.concatenate([faces.crops, crops])),
        np.concatenate([faces.labels, labels]),
        sample_weight=np.concatenate([weights, drawn_weights]),
        groups=np.concatenate([faces.groups, drawn_groups]),
    )


def rows_of(crops: np.ndarray) -> np.ndarray:
    """Faces (n, size, size) as the rows that classifiers take."""
    return crops.reshape(len(crops), -1)


def held_out(faces: Faces, drawn: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Probabilities of every face by a model that has seen nothing of its group."""
    probabilities = np.zeros((len(faces.labels), len(EMOTIONS)))
    for train, test in split_folds(faces.labels, faces.groups, FOLDS, SEED):
        model = fit(Faces(*(values[train] for values in faces)), drawn)
        probabilities[test] = model.predict_proba(rows_of(faces.crops[test]))
    return probabilities


def quality_of(faces: Faces, probabilities: np.ndarray, mask: np.ndarray) -> dict[str, Any]:
    """The record of a part of the faces."""
    quality = measure(faces.labels[mask], probabilities[mask], list(faces.groups[mask]), SEED)
    return {"faces": int(mask.sum()), **quality_record(quality, EMOTIONS)}


def main(arguments: list[str]) -> None:
    """Read, estimate, fit on everything, save."""
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    cascade = Path(arguments[2]) if len(arguments) == 3 else default_cascade()
    classifier = open_cascade(cascade)
    faces = read_faces(
        sprites(Path(arguments[0]), "game") + sprites(Path(arguments[1]), "group"), classifier
    )
    drawn = drawn_faces(DRAWN_FACES, 1_000_000, classifier)
    drawn_tests = drawn_faces(DRAWN_TESTS, 2_000_000, classifier)
    counts = dict(zip(EMOTIONS, np.bincount(faces.labels).tolist()))
    print(f"{len(faces.labels)} faces of {len(set(faces.groups))} groups: {counts}")
    print(f"{faces.found.mean():.1%} found by {cascade.name}; {len(drawn[1])} drawn faces")

    probabilities = held_out(faces, drawn)
    everything = np.ones(len(faces.labels), bool)
    quality = measure(faces.labels, probabilities, list(faces.groups), SEED)
    print("\n".join(describe_quality(quality, EMOTIONS, grouped=True)))
    unsure_below = unsure_threshold(faces.labels, probabilities)
    named = named_share(faces.labels, probabilities, unsure_below)

    estimator = fit(faces, drawn)
    drawn_right = estimator.predict(rows_of(drawn_tests[0])) == drawn_tests[1]
    record = {
        "data": {
            "sprites": "anime_emotions.zip and anime_emotions_more.zip, label emotion_loose",
            "faces": counts,
            "groups": len(set(faces.groups)),
            "found by the cascade": round(float(faces.found.mean()), 4),
            "drawn faces": len(drawn[1]),
            "cascade": cascade.name,
            "cascade sha256": hashlib.sha256(cascade.read_bytes()).hexdigest(),
        },
        "training": {"seed": SEED, "balance": BALANCE, "drawn weight": DRAWN_WEIGHT},
        "unsure_below": unsure_below,
        "named": {"share": round(named.share, 4), "right": round(named.accuracy, 4)},
        "thresholds": threshold_record(faces.labels, probabilities),
        "held_out": {
            "how": f"{FOLDS} folds; no game or artist is in both parts; 95 % bootstrap intervals",
            "all": quality_of(faces, probabilities, everything),
            "strict labels": quality_of(faces, probabilities, faces.strict),
            "found faces": quality_of(faces, probabilities, faces.found),
        },
        "drawn faces of other seeds": {
            "faces": len(drawn_right), "accuracy": round(float(drawn_right.mean()), 4)
        },
    }  # fmt: skip
    folder = Path(__file__).parent
    path = folder / "anime_emotions.npz"
    save_model(path, FaceModel(estimator, EMOTIONS, CROP, json.loads(json.dumps(record))))
    record = {
        "model": path.name, "bytes": path.stat().st_size, "command": "python models/"
        "train_anime_emotions.py ANIME_EMOTIONS ANIME_EMOTIONS_MORE",
        "crop": vars(CROP), "parameters": load_model(path).estimator.get_params(), **record,
    }  # fmt: skip
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (folder / "anime_emotions.json").write_text(text, encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB; unsure below {unsure_below}: "
          f"{named.share:.0%} named, {named.accuracy:.0%} right")  # fmt: skip


if __name__ == "__main__":
    with threadpool_limits(1):  # the same sums on every machine
        main(sys.argv[1:])
