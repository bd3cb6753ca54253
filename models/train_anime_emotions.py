"""Train and measure the emotion model that ships.

    python models/train_anime_emotions.py ANIME_EMOTIONS ANIME_EMOTIONS_MORE WORK [CASCADE]

The folders are those of anime_emotions.zip and anime_emotions_more.zip, unpacked: sprites of
visual novels with the box of the face and the emotion that the artist named (`emotion_loose`).
Their faces are cut out as the shipped cascade (or CASCADE) boxes them, so that the model learns
from what the sorter will show it. WORK is the folder of `pretrain_on_photographs.py`: the network
starts from what it has learnt there, and an eighth of what it sees goes on being drawn by this
package.

Needs Keras; two cores take about half an hour. A fold that is finished is kept in WORK, and not
done again.

Writes models/anime_emotions.npz, a network that OpenCV runs, and models/anime_emotions.json: data,
parameters, seed, and the quality on artists that the model has not seen.
"""

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple, Optional

import cv2
import numpy as np
from joblib import Parallel, delayed
from pretrain_on_photographs import BATCH, LARGE, SIDE, WIDTHS, shrunk
from scipy.special import softmax
from tqdm import tqdm

from cvbaseline.boxes import iou
from cvbaseline.classification.cross_validation import split_folds
from cvbaseline.classification.metrics import measure, named_share, unsure_threshold
from cvbaseline.classification.report import (
    describe_quality,
    quality_record,
    threshold_record,
)
from cvbaseline.classifiers.calibration import fit_scale
from cvbaseline.classifiers.cnn import network_input
from cvbaseline.classifiers.face_augmentation import Augmentation, augment
from cvbaseline.classifiers.keras_network import (
    build_network,
    network_weights,
    set_network_weights,
)
from cvbaseline.classifiers.network_training import Plan, compile_network
from cvbaseline.classifiers.onnx_export import onnx_features
from cvbaseline.classifiers.onnx_network import OnnxNetwork
from cvbaseline.detection import DetectionParameters, detect, open_cascade
from cvbaseline.drawing import EMOTIONS, draw_face
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import read_grey
from cvbaseline.model_file import FaceModel, save_model
from cvbaseline.shipped import default_cascade

SEED = 1
FOLDS = 8
CROP = CropOptions(size=SIDE, margin=0.0)
TRAINING = {
    "epochs": 20, "learning_rate": 2e-3, "weight_decay": 0.03, "label_smoothing": 0.1,
    "dropout": 0.3, "warm_up": 0.1, "balance": 0.5, "drawn_share": 0.125,
}  # fmt: skip
# balance: how much a class's rarity counts: 0 not at all, 1 shows every class equally often.
AUGMENTATION = Augmentation(rotation=20, zoom=0.15, erasing=0.3)
BORDER = 40  # grey pixels around a sprite: a face at its edge is found as well
MIN_IOU = 0.3
DRAWN_TESTS, FIRST_TEST_SEED, DRAWN_SIZE = 350, 2_000_000, 160


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


def learn(faces: Faces, drawn: Faces, start: np.ndarray, seed: int) -> np.ndarray:
    """A network that goes on from weights, with sprites and drawn faces; its weights."""
    setting = TRAINING
    network = build_network(None, WIDTHS, len(EMOTIONS), setting["dropout"], seed)
    set_network_weights(network, start)
    drawn_faces = round(setting["drawn_share"] * BATCH)
    sprite_faces = BATCH - drawn_faces
    steps = -(-len(faces.labels) // sprite_faces)
    plan = Plan(
        setting["epochs"], BATCH, setting["learning_rate"], setting["weight_decay"],
        setting["label_smoothing"], patience=setting["epochs"], seed=seed,
        augmentation=AUGMENTATION,
    )  # fmt: skip
    compile_network(network, plan, steps, setting["warm_up"])
    count = np.bincount(faces.labels, minlength=len(EMOTIONS))
    shares = (1 / count[faces.labels]) ** setting["balance"]
    shares /= shares.sum()
    targets = np.eye(len(EMOTIONS), dtype=np.float32)
    generator = np.random.default_rng(seed)
    for _ in tqdm(range(steps * setting["epochs"]), desc=f"network {seed}", leave=False):
        sprites = generator.choice(len(faces.labels), sprite_faces, p=shares)
        others = generator.integers(0, len(drawn.labels), drawn_faces)
        shown = np.concatenate([faces.crops[sprites], drawn.crops[others]])
        labels = np.concatenate([faces.labels[sprites], drawn.labels[others]])
        shown = shrunk(augment(shown, AUGMENTATION, generator), LARGE)
        network.train_on_batch(network_input(shown), targets[labels])
    return network_weights(network)


def one_thread() -> None:
    """Two networks learn side by side, each on its own core."""
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def as_classifier(weights: np.ndarray, scale: float) -> OnnxNetwork:
    """The network as OpenCV runs it."""
    network = build_network(LARGE, WIDTHS, len(EMOTIONS), 0.0, 0)
    set_network_weights(network, weights)
    data, last = onnx_features(network, LARGE)
    classifier = OnnxNetwork()
    classifier.classes_, classifier.scale_ = np.arange(len(EMOTIONS)), scale
    classifier.n_features_in_ = SIDE**2
    classifier.network_ = np.frombuffer(data, np.uint8)
    classifier.coefficients_, classifier.bias_ = (part.astype(np.float64) for part in last)
    return classifier


def fold_scores(
    faces: Faces, drawn: Faces, start: np.ndarray, number: int, train: np.ndarray, test: np.ndarray,
    work: Path,
) -> np.ndarray:  # fmt: skip
    """Log probabilities, before calibration, of a fold's faces by a network that saw none of it."""
    path = work / f"fold_{number}.npy"
    if not path.exists():
        one_thread()
        weights = learn(Faces(*(values[train] for values in faces)), drawn, start, number)
        probabilities = as_classifier(weights, 1.0).predict_proba(rows_of(faces.crops[test]))
        np.save(path, np.log(probabilities))
    return np.load(path)


def rows_of(crops: np.ndarray) -> np.ndarray:
    """Faces (n, size, size) as the rows that classifiers take."""
    return crops.reshape(len(crops), -1)


def held_out(faces: Faces, drawn: Faces, start: np.ndarray, work: Path) -> np.ndarray:
    """Uncalibrated log probabilities of every face by a network that saw nothing of its group."""
    folds = [tuple(map(np.asarray, fold)) for fold in
             split_folds(faces.labels, faces.groups, FOLDS, SEED)]  # fmt: skip
    parts = Parallel(n_jobs=2)(
        delayed(fold_scores)(faces, drawn, start, number, *fold, work)
        for number, fold in enumerate(folds)
    )
    scores = np.zeros((len(faces.labels), len(EMOTIONS)))
    for (_, test), part in zip(folds, parts):
        scores[test] = part
    return scores


def quality_of(faces: Faces, probabilities: np.ndarray, mask: np.ndarray) -> dict[str, Any]:
    """The record of a part of the faces."""
    quality = measure(faces.labels[mask], probabilities[mask], list(faces.groups[mask]), SEED)
    return {"faces": int(mask.sum()), **quality_record(quality, EMOTIONS)}


def read_drawn(work: Path) -> Faces:
    """The faces that pre-training has drawn."""
    with np.load(work / "drawn.npz") as file:
        pictures, labels = file["pictures"], file["targets"].argmax(axis=1)
    nobody, yes = np.full(len(labels), ""), np.ones(len(labels), bool)
    return Faces(pictures, labels, nobody, yes, yes)


def main(arguments: list[str]) -> None:
    """Read, estimate, learn from everything, save."""
    if len(arguments) not in (3, 4):
        sys.exit(__doc__)
    work = Path(arguments[2])
    cascade = Path(arguments[3]) if len(arguments) == 4 else default_cascade()
    classifier = open_cascade(cascade)
    faces = read_faces(
        sprites(Path(arguments[0]), "game") + sprites(Path(arguments[1]), "group"), classifier
    )
    drawn, start = read_drawn(work), np.load(work / "pretrained.npy")
    counts = dict(zip(EMOTIONS, np.bincount(faces.labels).tolist()))
    print(f"{len(faces.labels)} faces of {len(set(faces.groups))} groups: {counts}")
    print(f"{faces.found.mean():.1%} found by {cascade.name}; {len(drawn.labels)} drawn faces")

    scores = held_out(faces, drawn, start, work)
    scale = fit_scale(scores, faces.labels, np.ones(len(scores)))
    probabilities = softmax(scale * scores, axis=1)
    everything = np.ones(len(faces.labels), bool)
    quality = measure(faces.labels, probabilities, list(faces.groups), SEED)
    print("\n".join(describe_quality(quality, EMOTIONS, grouped=True)))
    unsure_below = unsure_threshold(faces.labels, probabilities)
    named = named_share(faces.labels, probabilities, unsure_below)

    one_thread()
    estimator = as_classifier(learn(faces, drawn, start, FOLDS), scale)
    tests, test_labels = drawn_faces(DRAWN_TESTS, FIRST_TEST_SEED, classifier)
    drawn_right = estimator.predict(rows_of(tests)) == test_labels
    record = {
        "data": {
            "photographs": "FER2013's training set with FERPlus votes, before",
            "sprites": "anime_emotions.zip and anime_emotions_more.zip, label emotion_loose",
            "faces": counts,
            "groups": len(set(faces.groups)),
            "found by the cascade": round(float(faces.found.mean()), 4),
            "drawn faces": len(drawn.labels),
            "cascade": cascade.name,
            "cascade sha256": hashlib.sha256(cascade.read_bytes()).hexdigest(),
        },
        "training": {"seed": SEED, "widths": list(WIDTHS), "pixels": LARGE, **TRAINING},
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
        "train_anime_emotions.py ANIME_EMOTIONS ANIME_EMOTIONS_MORE WORK",
        "crop": vars(CROP), **record,
    }  # fmt: skip
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (folder / "anime_emotions.json").write_text(text, encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB; unsure below {unsure_below}: "
          f"{named.share:.0%} named, {named.accuracy:.0%} right")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
