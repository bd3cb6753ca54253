"""Face classifiers: scikit-learn estimators on flattened grey faces, X (n, height * width).

What a fitted estimator has learnt lies in attributes whose names end in `_`, each a numpy array
or a plain number (or `members_`, a list of such estimators): `cvbaseline.model_file` saves any of
them as arrays and JSON. The same state
gives the same answers on every version of scikit-learn, because only numpy reads it.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Optional

from cvbaseline.errors import UserError

if TYPE_CHECKING:
    import numpy as np

CLASSIFIERS = {
    "majority": "majority:Majority",
    "eigenfaces": "subspace:Eigenfaces",
    "fisherfaces": "subspace:Fisherfaces",
    "lbph": "lbph:Lbph",
    "hog_svm": "hog_svm:HogSvm",
    "bag_of_words": "bag_of_words:BagOfWords",
    "hierarchical": "hierarchical:Hierarchical",
    "ensemble": "ensemble:Ensemble",
    "cnn": "cnn:Cnn",
    "transfer": "transfer:Transfer",
    "onnx": "onnx_network:OnnxNetwork",
}


def classifier_class(name: str) -> type:
    """The estimator class of that name; its module is imported now. UserError names the known."""
    if name not in CLASSIFIERS:
        raise UserError(f"unknown classifier {name!r}: choose from {', '.join(CLASSIFIERS)}")
    module, class_name = CLASSIFIERS[name].split(":")
    return getattr(import_module(f"cvbaseline.classifiers.{module}"), class_name)


def classifier_name(estimator: object) -> str:
    """The name under which `classifier_class` finds the estimator's class."""
    for name, place in CLASSIFIERS.items():
        if place.split(":")[1] == type(estimator).__name__:
            return name
    raise UserError(f"{type(estimator).__name__} is not one of {', '.join(CLASSIFIERS)}")


def make_classifier(name: str, parameters: dict[str, Any]) -> Any:
    """A new estimator of that name. ValueError for a parameter that it does not have."""
    kind = classifier_class(name)
    known = kind().get_params(deep=False)
    for key in parameters:
        if key not in known:
            raise ValueError(f"{name} has no parameter {key!r}, only {', '.join(known)}")
    return kind(**{key: as_tuples(value) for key, value in parameters.items()})


def fit_classifier(
    estimator: Any,
    rows: "np.ndarray",
    labels: "np.ndarray",
    groups: Optional["np.ndarray"] = None,
    class_names: Optional[Sequence[str]] = None,
) -> Any:
    """Fit an estimator, with the groups and the classes' names if it uses them."""
    from sklearn.utils.validation import has_fit_parameter

    known = {"groups": groups, "class_names": class_names}
    used = {
        name: value
        for name, value in known.items()
        if value is not None and has_fit_parameter(estimator, name)
    }
    return estimator.fit(rows, labels, **used)


def as_tuples(value: Any) -> Any:
    """JSON's lists as tuples: scikit-learn's parameters must not be changed by anybody."""
    return tuple(as_tuples(item) for item in value) if isinstance(value, list) else value
