"""The trained model that a new one starts from: `train --init`, or the parameter `init`."""

from pathlib import Path
from typing import TYPE_CHECKING, Optional

from cvbaseline.classifiers import classifier_name
from cvbaseline.errors import UserError, require

if TYPE_CHECKING:
    import numpy as np

    from cvbaseline.model_file import FaceModel

# Which kinds of models a classifier can start from.
STARTS = {"onnx": ("onnx",), "cnn": ("cnn",), "transfer": ("cnn",)}
DEFAULT = "default"  # the shipped model that names emotions


def starting_path(init: str) -> Path:
    """The model's file. UserError when there is none."""
    from cvbaseline.shipped import default_emotion_model

    path = default_emotion_model() if str(init) == DEFAULT else Path(init)
    require(path.is_file(), f"{path} is no file: init must be a trained model, or default")
    return path


def load_starting_model(init: str, kinds: tuple[str, ...]) -> "FaceModel":
    """The model in the file `init`, or the shipped one; it must be of one of the kinds.

    Raises UserError for another kind or no file, FormatError for what is no model.
    """
    from cvbaseline.model_file import load_model

    path = starting_path(init)
    model = load_model(path)
    kind = classifier_name(model.estimator)
    if kind not in kinds:
        raise UserError(
            f"{path} holds a classifier of the kind {kind}; only {' or '.join(kinds)} can be "
            "started from here"
        )
    return model


def known_classes(
    labels: "np.ndarray", class_names: Optional[list[str]], old: tuple[str, ...]
) -> "tuple[np.ndarray, np.ndarray]":
    """The classes that a model is to have, and where each was in the old model.

    Parameters
    ----------
    labels : (n,), of the faces
    class_names : their names when the labels are numbers, of which a model may know some without
        any face; None: the labels are the names
    old : the names of the old model's classes

    Returns
    -------
    classes : (k,), sorted: all labels that occur or whose names are the old model's
    places : int (k,), indices into `old`, -1 for a new class
    """
    import numpy as np

    names = list(old)
    if class_names is None:
        classes = np.unique(labels)
        called = [str(label) for label in classes.tolist()]
    else:
        occurs = set(np.unique(labels).tolist())
        classes = np.array(
            [number for number, name in enumerate(class_names) if number in occurs or name in names]
        )
        called = [class_names[number] for number in classes]
    return classes, np.array([names.index(name) if name in names else -1 for name in called])
