"""The verb `cascade train-verifier`: a model for the second look (`--verify`) at a cascade's boxes.

Learnt from are the boxes that cascades find in annotated pictures: those on a face, those on none,
and the true boxes a little shifted, for the faces that a cascade misses. The limit of the evidence,
and what the model is worth, are taken from a fifth of the pictures, which a first model does not
learn from; the model that is saved learns from all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional

import numpy as np

from cvbaseline.detection_parameters import AUTO, NONE, DetectionParameters
from cvbaseline.errors import require
from cvbaseline.faces import CropOptions
from cvbaseline.options import argument, option
from cvbaseline.progress import Progress

if TYPE_CHECKING:
    from cvbaseline.bootstrap import Estimate
    from cvbaseline.classifiers.hog_svm import HogSvm
    from cvbaseline.model_file import FaceModel
    from cvbaseline.verifier_boxes import JudgedBoxes

SIDE, MARGIN = 48, 0.2  # of the crops: pixels, and a part of the box
PARTS = 5  # of the pictures; on one is measured
FEWEST = 20  # boxes of a kind

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class VerifierTrainingOptions(DetectionParameters):
    """Train a model that drops a cascade's false boxes, for the option --verify."""

    pictures: list[Path] = argument(
        "annotations (info.dat, COCO, imglab, VOC, YOLO or JSON), or folders that hold them",
        args=["pictures"], nargs="+", metavar="PICTURES",
    )  # fmt: skip
    negatives: list[Path] = option(
        (), "pictures without a face, or folders of them", nargs="+", metavar="PICTURE"
    )
    off_face: list[Path] = option(
        (), "annotations of faces of another kind: neither these nor what touches them is learnt, "
        "all else is no face", nargs="+", metavar="PICTURES",
    )  # fmt: skip
    cascade: list[Path] = option(
        (), "cascade files, or names of shipped ones; without it the default", nargs="+",
        metavar="XML",
    )  # fmt: skip
    out: Path = option(Path("verifier.npz"), "where the model goes", metavar="FILE")
    min_neighbors: int = option(
        2, "learn from boxes that more than this many windows agree on", metavar="COUNT"
    )
    keep: float = option(
        0.98, "share of the cascade's true boxes that the model may not drop", metavar="SHARE"
    )
    limit: Optional[int] = option(
        None, "pictures drawn of each source; without it all", metavar="COUNT"
    )
    landmarks: int = option(
        2000, "boxes that the model compares a box with: more are better, larger and slower",
        metavar="COUNT",
    )  # fmt: skip
    seed: int = option(0, "seed of the draw, the shifts and the parts")

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        super().__post_init__()
        require(self.seed >= 0, f"--seed {self.seed} must be 0 or more")
        require(0 < self.keep < 1, f"--keep {self.keep} must lie between 0 and 1")
        require(self.limit is None or self.limit >= 1, f"--limit {self.limit} must be at least 1")
        require(self.landmarks >= 1, f"--landmarks {self.landmarks} must be at least 1")
        require(
            self.verify in (AUTO, NONE),
            "--verify is for a model that is trained: leave it out here",
        )


class Worth(NamedTuple):
    """What a verifier does to boxes of pictures that it did not learn from."""

    limit: float
    kept: "Estimate"  # share of the cascades' true boxes
    removed: "Estimate"  # share of their false boxes


def train_verifier(
    options: VerifierTrainingOptions,
    tell: Tell = lambda line: None,
    progress: Progress = lambda what, done, total: None,
) -> "FaceModel":
    """Search the pictures, measure on those held out, learn from all boxes, save.

    Raises UserError when there are too few boxes of a kind, or the output is there already.
    """
    from cvbaseline.detector_quality.options import check_outputs
    from cvbaseline.formats.files import check_writable
    from cvbaseline.model_file import FaceModel, save_model
    from cvbaseline.parallel import one_core_each
    from cvbaseline.second_look import CLASSES, LIMIT
    from cvbaseline.shipped import cascade_path
    from cvbaseline.verifier_boxes import collect_boxes, pictures_of

    check_outputs(options.out)
    cascades = [cascade_path(named) for named in options.cascade or (None,)]
    pictures = pictures_of(
        options.pictures, options.off_face, options.negatives, options.limit, options.seed
    )
    check_writable(options.out)
    boxes = collect_boxes(
        pictures, cascades, options, crop_options(), options.seed, tell, progress
    )
    faces, false = boxes.is_face & boxes.found, ~boxes.is_face
    names = ", ".join(path.name for path in cascades)
    counts = f"{faces.sum()} true and {false.sum()} false boxes of {names}"
    tell(f"{counts}, {(~boxes.found).sum()} shifted true boxes")
    for kind, some in (("true", faces), ("false", false)):
        shown = len(np.unique(boxes.picture[some]))
        require(
            some.sum() >= FEWEST and shown >= PARTS,
            f"{some.sum()} {kind} boxes in {shown} pictures are too few to learn from "
            f"({FEWEST} in {PARTS}): give more pictures, or a smaller --min-neighbors",
        )
    with one_core_each():  # several threads add up in another order
        tell("learning from four fifths of the pictures, to measure on the rest")
        worth = measure(boxes, options)
        tell("learning from all pictures")
        estimator = _fit(boxes, np.arange(len(boxes.crops)), options)
    provenance = {
        LIMIT: worth.limit,
        "boxes": counts,
        "seed": options.seed,
        "true_boxes_kept": worth.kept._asdict(),
        "false_boxes_removed": worth.removed._asdict(),
    }
    model = FaceModel(estimator, CLASSES, crop_options(), provenance)
    save_model(options.out, model)
    tell(f"on pictures not learnt from, with a limit of {worth.limit:.3f} (95 % interval):")
    tell(f"  true boxes kept      {worth.kept}")
    tell(f"  false boxes removed  {worth.removed}")
    tell(f"the model is in {options.out}: use it with --verify {options.out}")
    return model


def crop_options() -> CropOptions:
    """How boxes are cut out for the second look: with a little of what is around them."""
    return CropOptions(size=SIDE, margin=MARGIN)


def _fit(boxes: "JudgedBoxes", rows: np.ndarray, options: VerifierTrainingOptions) -> "HogSvm":
    """The classifier learnt from some of the boxes."""
    from cvbaseline.classifiers.hog_svm import HogSvm

    estimator = HogSvm(
        landmarks=options.landmarks, scales=((SIDE, 8, 18, 4),), n_components=150,
        class_weight="balanced", seed=options.seed,
    )  # fmt: skip
    pixels = boxes.crops[rows].reshape(len(rows), -1)
    return estimator.fit(pixels, boxes.is_face[rows].astype(int), groups=boxes.picture[rows])


def measure(boxes: "JudgedBoxes", options: VerifierTrainingOptions) -> Worth:
    """The limit that keeps so many true boxes, and what it does, on held-out pictures.

    For the intervals these are drawn anew; the limit stays.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    from cvbaseline.bootstrap import estimated_share
    from cvbaseline.second_look import evidence

    parts = StratifiedGroupKFold(PARTS, shuffle=True, random_state=options.seed)
    kinds = np.where(boxes.found, boxes.is_face, 2)  # only what is found is tested
    learnt, tested = next(parts.split(boxes.crops, kinds, boxes.picture))
    estimator = _fit(boxes, learnt, options)
    tested = tested[boxes.found[tested]]
    pixels = boxes.crops[tested].reshape(len(tested), -1)
    certain = evidence(estimator.predict_proba(pixels)[:, 1], boxes.scores[tested])
    faces, picture = boxes.is_face[tested], boxes.picture[tested]
    require(
        bool(faces.any() and not faces.all()),
        "in the pictures held out the cascade finds no face, or nothing else: give more pictures, "
        "or another --seed",
    )
    limit = float(np.quantile(certain[faces], 1 - options.keep, method="lower"))
    kept = certain >= limit
    removed = estimated_share(~kept, ~faces, picture)
    return Worth(limit, estimated_share(kept, faces, picture), removed)
