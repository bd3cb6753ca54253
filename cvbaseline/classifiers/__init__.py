"""Face classifiers: scikit-learn estimators on flattened grey faces, X (n, height * width).

What a fitted estimator has learnt lies in attributes whose names end in `_`, each a numpy array
or a plain number: `cvbaseline.model_file` saves any of them as arrays and JSON. The same state
gives the same answers on every version of scikit-learn, because only numpy reads it.
"""

from importlib import import_module

from cvbaseline.errors import UserError

CLASSIFIERS = {
    "majority": "majority:Majority",
    "eigenfaces": "subspace:Eigenfaces",
    "fisherfaces": "subspace:Fisherfaces",
    "lbph": "lbph:Lbph",
    "hog_svm": "hog_svm:HogSvm",
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
