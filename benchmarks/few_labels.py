"""What a few labelled faces of one's own collection bring: `cvbaseline train --init default`.

    python benchmarks/few_labels.py ARCHIVES WORK [--faces 30]

The arguments are those of models/train_anime_emotions.py; its networks of folds are in WORK, or are
trained now (needs Keras; half an hour on two cores).

Each game or artist with enough faces is a collection that nobody has labelled: it is shown to the
network of the fold that saw nothing of it. Then --faces of its faces, drawn by chance, are
labelled, the network is adapted to them as `train --init` does, and asked about the rest again.
This is repeated with --draws draws; the collection's row is the mean over them. The last line is
the mean over the collections, each counting the same, with its 95 % bootstrap interval over
collections.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvbaseline.bootstrap import Estimate, draws, percentile_interval
from cvbaseline.classification.metrics import log_loss
from cvbaseline.classifiers import fit_classifier, make_classifier
from cvbaseline.classifiers.calibration import fit_scale
from cvbaseline.drawing import EMOTIONS
from cvbaseline.model_file import FaceModel, save_model
from cvbaseline.shipped import default_cascade

sys.path.insert(0, str(Path(__file__).parent.parent / "models"))

from emotion_faces import (  # noqa: E402
    CROP,
    Faces,
    all_sprites,
    boxer,
    read_faces,
    rows_of,
)
from train_anime_emotions import (  # noqa: E402
    Fold,
    as_classifier,
    fold_networks,
    held_out,
    read_others,
)


class Gain(NamedTuple):
    """Accuracy and log loss on the same faces before and after a few others were labelled."""

    accuracy: float
    adapted_accuracy: float
    loss: float
    adapted_loss: float


def scale_without(scores: np.ndarray, faces: Faces, group: str) -> float:
    """The scale of the softmax, fitted on the other groups' held-out scores."""
    others = faces.groups != group
    return fit_scale(scores[others], faces.labels[others], np.ones(others.sum()))


def gain_of(
    model: Path, faces: Faces, before: np.ndarray, own: np.ndarray, labelled: int, draw: int
) -> Gain:
    """What labels for some faces of a group bring on its others.

    Parameters
    ----------
    model : the file of a network that has seen nothing of the group
    before : float64 (n, 7), its probabilities of all faces
    own : int (m,), the group's faces
    labelled : how many are labelled; draw : seed of which
    """
    order = np.random.default_rng(draw).permutation(own)
    known, rest = order[:labelled], order[labelled:]
    adapted = make_classifier("onnx", {"init": str(model)})
    fit_classifier(adapted, rows_of(faces.crops[known]), faces.labels[known], None, EMOTIONS)
    after, truth = adapted.predict_proba(rows_of(faces.crops[rest])), faces.labels[rest]
    return Gain(
        float((before[rest].argmax(axis=1) == truth).mean()),
        float((after.argmax(axis=1) == truth).mean()),
        log_loss(truth, before[rest]),
        log_loss(truth, after),
    )


def gains_of_group(
    faces: Faces, fold: Fold, scores: np.ndarray, group: str, labelled: int, count: int
) -> Gain:
    """The mean gain over the draws."""
    scale = scale_without(scores, faces, group)
    classifier = as_classifier(fold.weights, scale)
    own = np.flatnonzero(faces.groups == group)
    before = np.zeros(scores.shape)
    before[own] = classifier.predict_proba(rows_of(faces.crops[own]))
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "before.npz"
        save_model(model, FaceModel(classifier, EMOTIONS, CROP))
        found = [gain_of(model, faces, before, own, labelled, draw) for draw in range(count)]
    return Gain(*np.mean(found, axis=0).tolist())


def mean_with_interval(values: np.ndarray) -> Estimate:
    """The mean of the collections' values (n,), with its bootstrap interval."""
    means = np.array([drawn @ values / len(values) for drawn in draws(len(values))])
    return Estimate(float(values.mean()), *map(float, percentile_interval(means)))


def main() -> None:
    """A row for every collection that is large enough, and their mean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("archives", "work"):
        parser.add_argument(name, type=Path, metavar=name.upper())
    parser.add_argument("--faces", type=int, default=30, help="labelled faces")
    parser.add_argument("--rest", type=int, default=14, help="others that a collection must have")
    parser.add_argument("--draws", type=int, default=20, help="times that the labelled are drawn")
    options = parser.parse_args()
    faces = read_faces(all_sprites(options.archives), boxer(default_cascade()))
    others = read_others(options.archives, options.work)
    start = np.load(options.work / "pretrained.npy")
    folds = fold_networks(faces, others, start, options.work)
    scores = np.log(held_out(faces, folds, scale=1.0, sure_at=1.0))
    names, counts = np.unique(faces.groups, return_counts=True)
    large = names[counts >= options.faces + options.rest]
    if not len(large):
        sys.exit(f"no game or artist has {options.faces + options.rest} faces")
    print(f"{options.faces} labelled faces, {options.draws} draws; asked about the rest")
    print(f"{'game or artist':44s} faces  accuracy  after  change  log loss  after")
    gains = []
    for group in large[np.argsort(-counts[np.isin(names, large)], kind="stable")]:
        own = np.flatnonzero(faces.groups == group)
        (fold,) = (fold for fold in folds if np.isin(own, fold.test).all())
        gain = gains_of_group(faces, fold, scores, group, options.faces, options.draws)
        gains.append(gain)
        print(
            f"{group:44s}{len(own):6d}{gain.accuracy:10.3f}{gain.adapted_accuracy:7.3f}"
            f"{gain.adapted_accuracy - gain.accuracy:+8.3f}{gain.loss:10.3f}"
            f"{gain.adapted_loss:7.3f}",
            flush=True,
        )
    accuracy, adapted, loss, adapted_loss = np.array(gains).T
    better = int((adapted > accuracy).sum())
    print(
        f"mean of {len(gains)}, {better} of them better: accuracy {mean_with_interval(accuracy)} "
        f"before, {mean_with_interval(adapted)} after; change "
        f"{mean_with_interval(adapted - accuracy)}; change of the log loss "
        f"{mean_with_interval(adapted_loss - loss)}"
    )


if __name__ == "__main__":
    main()
