"""The trained model that a new one starts from: `train --init`, or the parameter `init`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import numpy as np

from cvbaseline.classifiers import classifier_name
from cvbaseline.errors import UserError, require

if TYPE_CHECKING:
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


def names_of(classes: np.ndarray, class_names: Optional[Sequence[str]]) -> list[str]:
    """What classes are called: `class_names` at their places, or themselves when it is None."""
    if class_names is None:
        return [str(one) for one in classes.tolist()]
    return [class_names[one] for one in classes]


def places_in(names: list[str], old: Sequence[str]) -> np.ndarray:
    """Where names stand among old ones, int (k,); -1 for a new one."""
    return np.array([list(old).index(name) if name in old else -1 for name in names])


def known_classes(
    labels: np.ndarray, class_names: Optional[Sequence[str]], old: Sequence[str]
) -> np.ndarray:
    """All classes that occur, and those of `class_names` that the old model knows; sorted (k,)."""
    occurring = np.unique(labels)
    if class_names is None:
        return occurring
    known = [number for number, name in enumerate(class_names) if name in old]
    return np.union1d(occurring, np.array(known, occurring.dtype))
