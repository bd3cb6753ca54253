"""Train and measure the emotion model that ships.

    python models/train_anime_emotions.py ARCHIVES WORK [CASCADE]

ARCHIVES holds the folders anime_emotions, anime_emotions_more, anime_faces and anime_heads, each an
unpacked archive; the shipped cascade (or CASCADE) boxes the faces. WORK is the folder of
`pretrain_emotions.py`: the network starts from what it has learnt there, and goes on seeing faces
drawn by this package, and some whose expression was read by eye.

Needs Keras; two cores take about half an hour. The network of a fold that is finished is kept in
WORK (network_N.npy, float32, see `network_weights`; the last learns from all faces), and not
trained again.

Writes models/anime_emotions.npz, a network that OpenCV runs, and models/anime_emotions.json: data,
parameters, seed, and the quality on artists that the model has not seen.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from emotion_faces import (
    CROP,
    SIDE,
    Faces,
    all_sprites,
    boxer,
    drawn_faces,
    read_faces,
    rows_of,
)
from joblib import Parallel, delayed
import pretraining_faces
from pretrain_emotions import BATCH, WIDTHS
from pretraining_faces import faces_read_by_eye, self_drawn_faces
from tqdm import tqdm

from cvbaseline.classification.cross_validation import split_folds
from cvbaseline.classification.metrics import measure, named_share, unsure_threshold
from cvbaseline.classification.report import (
    describe_quality,
    quality_record,
    threshold_record,
)
from cvbaseline.classifiers.calibration import fit_scale
from cvbaseline.classifiers.face_augmentation import Augmentation, augment
from cvbaseline.classifiers.face_rows import network_input
from cvbaseline.classifiers.keras_network import (
    build_network,
    network_weights,
    set_network_weights,
)
from cvbaseline.classifiers.network_training import Plan, compile_network
from cvbaseline.classifiers.onnx_export import onnx_features
from cvbaseline.classifiers.onnx_network import OnnxNetwork
from cvbaseline.drawing import EMOTIONS
from cvbaseline.model_file import FaceModel, save_model
from cvbaseline.shipped import default_cascade

SEED = 1
FOLDS = 8
TRAINING = {
    "epochs": 20, "learning_rate": 2e-3, "weight_decay": 0.03, "label_smoothing": 0.1,
    "dropout": 0.3, "warm_up": 0.1, "balance": 0.5, "drawn_share": 0.125,
    "read_share": 0.125, "readings": 0.4, "raised": 0.3,
}  # fmt: skip
# balance: how much a class's rarity counts: 0 not at all, 1 shows every class equally often.
# readings: the part of a sprite's target that was read in it; the rest is the artist's word.
# raised: the power of a class's rarity that its odds are raised by afterwards.
AUGMENTATION = Augmentation(rotation=20, zoom=0.15, erasing=0.3)
MIRROR_MARGIN = 0.04  # of the face's side: of what the mirror image shows, see docs/emotions.md
# Screenshots show smaller faces than sprites: some are made small and large again.
BLURRED, LEAST_SHARP, MOST_SHARP = 0.3, 0.4, 0.9  # share of the faces; shares of the side
SURE_AT = 0.65  # a face that is so surely something is not asked mirrored as well
DRAWN_TESTS, FIRST_TEST_SEED = 350, 2_000_000


class Others(NamedTuple):
    """Faces that are shown beside the sprites."""

    drawn: pretraining_faces.Faces
    read: pretraining_faces.Faces

    def some(self, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Pictures and targets for a batch."""
        drawn = generator.integers(0, len(self.drawn.targets), _count("drawn_share"))
        shares = lots(self.read.targets.argmax(axis=1))
        read = generator.choice(len(shares), _count("read_share"), p=shares)
        return (
            np.concatenate([self.drawn.pictures[drawn], self.read.pictures[read]]),
            np.concatenate([self.drawn.targets[drawn], self.read.targets[read]]),
        )


def read_others(archives: Path, work: Path) -> Others:
    """The faces beside the sprites; the drawn ones are kept in `work`."""
    return Others(self_drawn_faces(work), faces_read_by_eye(archives))


def _count(share: str) -> int:
    """How many faces of a batch a share is."""
    return round(TRAINING[share] * BATCH)


def learn(faces: Faces, others: Others, start: np.ndarray, seed: int) -> np.ndarray:
    """A network that goes on from weights, with sprites and other faces; its weights."""
    setting = TRAINING
    network = new_network(setting["dropout"], seed)
    set_network_weights(network, start)
    sprite_faces = BATCH - _count("drawn_share") - _count("read_share")
    steps = -(-len(faces.labels) // sprite_faces)
    plan = Plan(
        setting["epochs"], BATCH, setting["learning_rate"], setting["weight_decay"],
        setting["label_smoothing"], patience=setting["epochs"], seed=seed,
        augmentation=AUGMENTATION,
    )  # fmt: skip
    compile_network(network, plan, steps, setting["warm_up"])
    shares = lots(faces.labels)
    named = np.eye(len(EMOTIONS), dtype=np.float32)[faces.labels]
    targets = named + setting["readings"] * (faces.readings - named)
    generator = np.random.default_rng(seed)
    for _ in tqdm(range(steps * setting["epochs"]), desc=f"network {seed}", leave=False):
        sprites = generator.choice(len(faces.labels), sprite_faces, p=shares)
        pictures, wanted = others.some(generator)
        shown = np.concatenate([faces.crops[sprites], pictures])
        shown = blurred(augment(shown, AUGMENTATION, generator), generator)
        wanted = np.concatenate([targets[sprites], wanted])
        network.train_on_batch(network_input(shown), wanted)
    weights, rarity = network_weights(network), len(faces.labels) / np.bincount(faces.labels)
    weights[-len(EMOTIONS) :] += setting["raised"] * np.log(rarity)  # the last layer's bias
    return weights


def lots(labels: np.ndarray) -> np.ndarray:
    """How probably each face is shown, float64 (n,): rare classes more often than they are."""
    count = np.bincount(labels, minlength=len(EMOTIONS))
    shares = (1 / count[labels]) ** TRAINING["balance"]
    return shares / shares.sum()


def new_network(dropout: float = 0.0, seed: int = 0) -> Any:
    """The network, from faces of SIDE pixels to scores."""
    return build_network(SIDE, WIDTHS, len(EMOTIONS), dropout, seed, pooled=False, halved=True)


def blurred(faces: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Faces, uint8 (n, SIDE, SIDE), some of them less sharp."""
    faces = faces.copy()
    for number in np.flatnonzero(generator.random(len(faces)) < BLURRED):
        side = round(SIDE * generator.uniform(LEAST_SHARP, MOST_SHARP))
        small = cv2.resize(faces[number], (side, side), interpolation=cv2.INTER_AREA)
        faces[number] = cv2.resize(small, (SIDE, SIDE))
    return faces


def one_thread() -> None:
    """Two networks learn side by side, each on its own core."""
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def as_classifier(weights: np.ndarray, scale: float, sure_at: float = SURE_AT) -> OnnxNetwork:
    """The network as OpenCV runs it."""
    network = new_network()
    set_network_weights(network, weights)
    data, last = onnx_features(network, SIDE)
    classifier = OnnxNetwork()
    classifier.classes_, classifier.scale_ = np.arange(len(EMOTIONS)), scale
    classifier.n_features_in_ = SIDE**2
    classifier.mirror_margin_, classifier.sure_at_ = MIRROR_MARGIN, sure_at
    classifier.network_ = np.frombuffer(data, np.uint8)
    classifier.coefficients_, classifier.bias_ = (part.astype(np.float64) for part in last)
    return classifier


class Fold(NamedTuple):
    """A part of the faces, and a network that has seen nothing of its groups."""

    test: np.ndarray  # int (m,), indices of faces
    weights: np.ndarray  # float32 (w,)


def fold_networks(faces: Faces, others: Others, start: np.ndarray, work: Path) -> list[Fold]:
    """A network for each of the folds; those in `work` are not trained again."""
    splits = [tuple(map(np.asarray, split)) for split in
              split_folds(faces.labels, faces.groups, FOLDS, SEED)]  # fmt: skip
    weights = Parallel(n_jobs=2)(
        delayed(fold_weights)(faces, others, start, number, train, work)
        for number, (train, _) in enumerate(splits)
    )
    return [Fold(test, one) for (_, test), one in zip(splits, weights)]


def fold_weights(
    faces: Faces, others: Others, start: np.ndarray, number: int, train: np.ndarray, work: Path
) -> np.ndarray:
    """What a network has learnt from the faces `train`."""
    path = work / f"network_{number}.npy"
    if not path.exists():
        one_thread()
        np.save(path, learn(Faces(*(values[train] for values in faces)), others, start, number))
    return np.load(path)


def held_out(faces: Faces, folds: list[Fold], scale: float, sure_at: float) -> np.ndarray:
    """Probabilities of every face by the network that saw nothing of its group."""
    probabilities = np.zeros((len(faces.labels), len(EMOTIONS)))
    for fold in folds:
        classifier = as_classifier(fold.weights, scale, sure_at)
        probabilities[fold.test] = classifier.predict_proba(rows_of(faces.crops[fold.test]))
    return probabilities


def quality_of(faces: Faces, probabilities: np.ndarray, mask: np.ndarray) -> dict[str, Any]:
    """The record of a part of the faces."""
    quality = measure(faces.labels[mask], probabilities[mask], list(faces.groups[mask]), SEED)
    return {"faces": int(mask.sum()), **quality_record(quality, EMOTIONS)}


def held_out_record(faces: Faces, probabilities: np.ndarray) -> dict[str, Any]:
    """The quality of probabilities, float64 (n, 7), that are no fold's own."""
    everything = np.ones(len(faces.labels), bool)
    as_read = faces._replace(labels=faces.readings.argmax(axis=1))
    return {
        "how": f"{FOLDS} folds; no game or artist is in both parts; 95 % bootstrap intervals",
        "all": quality_of(faces, probabilities, everything),
        "strict labels": quality_of(faces, probabilities, faces.strict),
        "found faces": quality_of(faces, probabilities, faces.found),
        "asked what was read": {
            **quality_of(as_read, probabilities, everything),
            "thresholds": threshold_record(as_read.labels, probabilities),
        },
    }


def readings_record(faces: Faces) -> dict[str, Any]:
    """How often what was read in a face is what its artist meant."""
    quality = quality_of(faces, faces.readings, np.ones(len(faces.labels), bool))
    return {name: quality[name] for name in ("accuracy", "macro_f1", "class_f1", "confusion")}


def main(arguments: list[str]) -> None:
    """Read, estimate, learn from everything, save."""
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    archives, work = Path(arguments[0]), Path(arguments[1])
    cascade = Path(arguments[2]) if len(arguments) == 3 else default_cascade()
    finder = boxer(cascade)
    faces = read_faces(all_sprites(archives), finder)
    others = read_others(archives, work)
    start = np.load(work / "pretrained.npy")
    counts = dict(zip(EMOTIONS, np.bincount(faces.labels).tolist()))
    print(f"{len(faces.labels)} faces of {len(set(faces.groups))} groups: {counts}")
    print(f"{faces.found.mean():.1%} found by {cascade.name}; {len(others.drawn.targets)} drawn, "
          f"{len(others.read.targets)} read by eye")  # fmt: skip

    folds = fold_networks(faces, others, start, work)
    scores = np.log(held_out(faces, folds, scale=1.0, sure_at=1.0))
    scale = fit_scale(scores, faces.labels, np.ones(len(scores)))
    probabilities = held_out(faces, folds, scale, SURE_AT)
    quality = measure(faces.labels, probabilities, list(faces.groups), SEED)
    print("\n".join(describe_quality(quality, EMOTIONS, grouped=True)))
    unsure_below = unsure_threshold(faces.labels, probabilities)
    named = named_share(faces.labels, probabilities, unsure_below)

    every = np.arange(len(faces.labels))
    estimator = as_classifier(fold_weights(faces, others, start, FOLDS, every, work), scale)
    tests, test_labels = drawn_faces(DRAWN_TESTS, FIRST_TEST_SEED, finder)
    drawn_right = estimator.predict(rows_of(tests)) == test_labels
    record = {
        "data": {
            "photographs": "FER2013's training set with FERPlus votes, before",
            "sprites": "anime_emotions.zip and anime_emotions_more.zip, label emotion_loose",
            "faces": counts,
            "groups": len(set(faces.groups)),
            "found by the cascade": round(float(faces.found.mean()), 4),
            "drawn faces": len(others.drawn.targets),
            "faces read by eye": len(others.read.targets),
            "cascade": cascade.name,
            "cascade sha256": hashlib.sha256(cascade.read_bytes()).hexdigest(),
        },
        "training": {
            "seed": SEED, "widths": list(WIDTHS), "pixels": SIDE, "blurred": BLURRED,
            "mirror margin": MIRROR_MARGIN, "sure at": SURE_AT, **TRAINING,
        },
        "unsure_below": unsure_below,
        "named": {"share": round(named.share, 4), "right": round(named.accuracy, 4)},
        "thresholds": threshold_record(faces.labels, probabilities),
        "held_out": held_out_record(faces, probabilities),
        "readings": readings_record(faces),
        "drawn faces of other seeds": {
            "faces": len(drawn_right), "accuracy": round(float(drawn_right.mean()), 4)
        },
    }  # fmt: skip
    folder = Path(__file__).parent
    path = folder / "anime_emotions.npz"
    save_model(path, FaceModel(estimator, EMOTIONS, CROP, json.loads(json.dumps(record))))
    record = {
        "model": path.name, "bytes": path.stat().st_size,
        "command": "python models/train_anime_emotions.py ARCHIVES WORK",
        "crop": vars(CROP), **record,
    }  # fmt: skip
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (folder / "anime_emotions.json").write_text(text, encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB; unsure below {unsure_below}: "
          f"{named.share:.0%} named, {named.accuracy:.0%} right")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
