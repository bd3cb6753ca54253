"""The verb `train`: a face classifier from labelled pictures."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

import numpy as np

from cvbaseline.classification.estimator_maker import estimator_maker
from cvbaseline.classifiers import CLASSIFIERS, classifier_class, classifier_name, fit_classifier
from cvbaseline.detection import detect, open_cascade
from cvbaseline.detection_parameters import DetectionParameters, with_verifier
from cvbaseline.errors import UserError, require
from cvbaseline.faces import CropOptions
from cvbaseline.options import argument, option
from cvbaseline.shipped import cascade_path

if TYPE_CHECKING:
    from cvbaseline.datasets import LabelledFaces
    from cvbaseline.model_file import FaceModel

Tell = Callable[[str], None]

# Parameters that a network's successor has from it.
INHERITED = ("size", "widths", "mirror", "dropout", "seed")


@dataclass(frozen=True, kw_only=True)
class TrainOptions(CropOptions):
    """Train a face classifier from a folder per class, and say honestly what it is worth."""

    data: Path = argument(
        "folder with a folder of pictures for each class, or a CSV file with the columns path, "
        "label and perhaps x, y, w, h, group",
        args=["data"],
        metavar="DATA",
    )
    out: Path = option(
        Path("model.npz"),
        "where the model goes; an older one of the same classifier is replaced",
        metavar="FILE",
    )
    classifier: Optional[str] = option(
        None,
        f"kind of classifier: {', '.join(CLASSIFIERS)}; hog_svm when none is named, with --init "
        "that of the model",
        metavar="NAME",
    )
    init: Optional[str] = option(
        None,
        "model of a network to start from: a file, or default for the shipped one; faces are cut "
        "out as it says, and classes of equal names go on from what it knows",
        metavar="MODEL",
    )
    parameters: list[str] = option(
        (),
        "parameters of the classifier, like C=10 kernel=linear",
        args=["--set"],
        nargs="*",
        metavar="NAME=VALUE",
    )
    download: bool = option(
        False, "fetch the weights that transfer begins with; nothing is fetched otherwise"
    )
    groups: Optional[str] = option(
        None,
        "regular expression on the path: pictures for which it (or its first parenthesis) matches "
        "the same text are tested together, never learnt from",
        metavar="PATTERN",
    )
    nested: bool = option(
        False, "classes are whole paths of folders, like type/series/character, not the first one"
    )
    detect: bool = option(False, "look for the face in each picture; else the picture is the face")
    cascade: Optional[Path] = option(
        None,
        "cascade for --detect: a file or a shipped one's name; else the default",
        metavar="XML",
    )
    folds: int = option(5, "parts of the held-out estimate, each tested once; 0 leaves it out")
    seed: int = option(0, "seed of the split into parts")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.folds == 0 or self.folds >= 2, f"folds must be 0 or from 2, not {self.folds}")
        require(
            self.classifier is None or self.classifier in CLASSIFIERS,
            f"classifier must be one of {', '.join(CLASSIFIERS)}, not {self.classifier!r}",
        )
        require(
            not self.download or (self.classifier == "transfer" and self.init is None),
            "--download is for --classifier transfer without --init",
        )
        require(
            self.detect or self.cascade is None,
            "--cascade looks for faces with --detect only: add it, or leave --cascade out",
        )


def train(options: TrainOptions, tell: Tell = lambda line: None) -> "FaceModel":
    """Read, estimate by cross-validation, fit on everything, save; returns the model.

    The same pictures and options give the same bytes, whatever the number of cores: linear
    algebra uses one thread, since several add up in another order.

    Raises UserError when the data do not make a classifier or the model cannot be written.
    """
    from threadpoolctl import threadpool_limits

    from cvbaseline.classification.report import describe_data
    from cvbaseline.classifiers.checkpoints import checkpoints_in
    from cvbaseline.datasets import read_labelled
    from cvbaseline.formats.files import check_writable
    from cvbaseline.model_file import FaceModel, check_target, save_model

    start = starting_point(options)
    check_target(options.out, start.classifier)
    check_writable(options.out)
    crop = start.crop
    make_estimator = estimator_maker(start.classifier, options.parameters, start.parameters)
    refuse_parts(options.data)
    find_face = face_finder(options.cascade) if options.detect else None
    data = read_labelled(options.data, crop, options.groups, find_face, options.nested)
    for line in describe_data(data):
        tell(line)
    provenance: dict[str, Any] = {
        "data": options.data.resolve().name,
        "faces": dict(zip(data.classes, np.bincount(data.labels).tolist())),
        "seed": options.seed,
    }
    if options.init:
        provenance["started_from"] = Path(options.init).name
    if start.kept_classes:
        data = among_classes(data, start.kept_classes)
    require(len(data.classes) >= 2, f"{options.data} has one class only: {data.classes[0]}")
    with threadpool_limits(1), checkpoints_in(training_folder(options.out)):
        if options.folds:
            provenance |= estimate(make_estimator, data, options.folds, options.seed, tell)
        estimator = fit_everything(make_estimator(), data)
        model = FaceModel(estimator, data.classes, crop, provenance)
        save_model(options.out, model)
    megabytes = options.out.stat().st_size / 1e6
    tell(f"{options.out}: {start.classifier}, {len(data.classes)} classes, {megabytes:.1f} MB")
    return model


def refuse_parts(data: Path) -> None:
    """UserError for a folder of the parts of a split: they would be learnt as classes."""
    from cvbaseline.data_sources import is_training, split_parts
    from cvbaseline.datasets import folder_names

    parts = split_parts(folder_names(data)) if data.is_dir() else []
    if parts:
        raise UserError(
            f"{data} holds the parts {', '.join(parts)} of a split, not classes: "
            f"name {data / next(filter(is_training, parts))} to learn from"
        )


def training_folder(out: Path) -> Path:
    """Where an interrupted training of a network leaves how far it came."""
    return out.with_name(f"{out.name}.training")


class Start(NamedTuple):
    """What a training begins with."""

    classifier: str
    crop: CropOptions
    parameters: dict[str, Any]  # of the classifier, before --set
    kept_classes: tuple[str, ...] = ()  # stay in the model without pictures, if a name is known


def starting_point(options: TrainOptions) -> Start:
    """The classifier, its parameters and the crops: the options', or those of --init's model.

    Raises UserError for a model that nothing can start from, or crops that are not its own.
    """
    from cvbaseline.classifiers.starting_model import STARTS, load_starting_model

    crop = CropOptions(**{item.name: getattr(options, item.name) for item in fields(CropOptions)})
    if options.init is None:
        parameters = {"download": True} if options.download else {}
        return Start(options.classifier or "hog_svm", crop, parameters)
    require(
        options.classifier in (None, *STARTS),
        f"--init is for {', '.join(STARTS)}, not {options.classifier}",
    )
    model = load_starting_model(options.init, STARTS.get(options.classifier, ("onnx", "cnn")))
    for item in fields(CropOptions):
        asked, own = getattr(crop, item.name), getattr(model.crop, item.name)
        require(
            asked in (item.default, own),
            f"--{item.name} is {own} in the model {options.init}: leave it out",
        )
    kind = options.classifier or classifier_name(model.estimator)
    own = model.estimator.get_params(deep=False)
    known = classifier_class(kind)().get_params(deep=False)
    parameters = {name: own[name] for name in INHERITED if name in own and name in known}
    parameters["init"] = options.init
    return Start(kind, model.crop, parameters, model.classes if kind == "onnx" else ())


def among_classes(data: "LabelledFaces", more: tuple[str, ...]) -> "LabelledFaces":
    """The same faces among more classes, of which some names are theirs; else unchanged."""
    if not set(data.classes) & set(more):
        return data
    classes = tuple(sorted({*data.classes, *more}))
    places = np.array([classes.index(name) for name in data.classes])
    return data._replace(classes=classes, labels=places[data.labels])


def fit_everything(estimator: Any, data: "LabelledFaces") -> Any:
    """Fit on all faces; UserError for what the classifier cannot learn."""
    from cvbaseline.classification.cross_validation import not_learnt

    rows = data.faces.reshape(len(data.faces), -1)
    groups = None if data.groups is None else np.asarray(data.groups)
    try:
        return fit_classifier(estimator, rows, data.labels, groups, data.classes)
    except (TypeError, ValueError) as error:
        raise not_learnt(estimator, "these faces", error) from None


def estimate(
    make_estimator: Callable[[], Any], data: "LabelledFaces", folds: int, seed: int, tell: Tell
) -> dict[str, Any]:
    """Cross-validate and tell the result; returns what the model's provenance keeps of it."""
    from cvbaseline.classification.cross_validation import held_out_probabilities
    from cvbaseline.classification.metrics import measure, unsure_threshold
    from cvbaseline.classification.report import (
        describe_quality,
        quality_record,
        threshold_record,
    )

    counts = np.bincount(data.labels, minlength=len(data.classes))
    if counts.min() == 1 and (counts >= 2).sum() < 2:  # else a part may leave one class to learn
        raise UserError(
            f"{data.classes[counts.argmin()]} has 1 picture: add more, or leave the estimate out "
            "with --folds 0"
        )
    probabilities = held_out_probabilities(
        make_estimator, data.faces, data.labels, data.groups, folds, seed, tell, data.classes
    )
    quality = measure(data.labels, probabilities, data.groups, seed)
    for line in describe_quality(quality, data.classes, data.groups is not None):
        tell(line)
    threshold = unsure_threshold(data.labels, probabilities)
    for row in threshold_record(data.labels, probabilities):
        tell(
            "  unsure below {unsure_below:.1f}: {named:.0%} named, {right:.0%} right".format(**row)
        )
    return {
        "unsure_below": threshold,
        "groups": None if data.groups is None else len(set(data.groups)),
        "folds": folds,
        "held_out": quality_record(quality, data.classes),
        "thresholds": threshold_record(data.labels, probabilities),
    }


def face_finder(cascade: Optional[Path]) -> Callable[[np.ndarray], Optional[np.ndarray]]:
    """A function from a grey picture to the best face's box, with the usual parameters."""
    classifier = open_cascade(cascade_path(cascade), many_pictures=True)
    parameters = with_verifier(DetectionParameters(), cascade_path(cascade))

    def find(grey: np.ndarray) -> Optional[np.ndarray]:
        boxes = detect(grey, classifier, parameters).boxes
        return boxes[0] if len(boxes) else None

    return find
