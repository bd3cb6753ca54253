"""Nested classes, like type/series/character, with a classifier of its own for every branch.

At the root one classifier tells the types apart; below each type another one its series, and so
on. A class is as probable as all decisions down its path together (a tree of "local classifiers
per parent node": Silla & Freitas, A survey of hierarchical classification, 2011).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cvbaseline.classifiers import fit_classifier, make_classifier

SEPARATOR = "/"


class Branch(NamedTuple):
    """A place in the tree where the way divides."""

    path: tuple[str, ...]
    classes: np.ndarray  # int (m,), indices of the classes below
    children: np.ndarray  # int (m,), which child each of them lies in


def branches(names: Sequence[str]) -> list[Branch]:
    """All branches of the tree that class names make, from the root down.

    A class that is also a parent ("cat" beside "cat/siamese") is a child of itself. A parent with
    a single child is no branch: there is nothing to decide.
    """
    paths = [tuple(name.split(SEPARATOR)) for name in names]
    prefixes = sorted({path[:depth] for path in paths for depth in range(len(path))})
    found = []
    for prefix in sorted(prefixes, key=len):
        depth = len(prefix)
        below = [number for number, path in enumerate(paths) if path[:depth] == prefix]
        steps = [paths[number][depth : depth + 1] for number in below]
        if len(set(steps)) > 1:
            firsts = [step[0] if step else "" for step in steps]
            _, children = np.unique(firsts, return_inverse=True)
            found.append(Branch(prefix, np.array(below), children))
    return found


class Hierarchical(ClassifierMixin, BaseEstimator):
    """A tree of classifiers for classes whose names are paths, like type/series/character.

    Parameters
    ----------
    estimator : the name of the classifier at each branch
    settings : its parameters, like {"C": 3}; the rest is as usual

    Attributes
    ----------
    classes_ : (k,)
    class_names_ : (k,), the paths of classes_
    members_ : the fitted classifiers of `branches(class_names_)`; they answer with the children's
        numbers
    """

    def __init__(self, estimator: str = "hog_svm", settings: Optional[dict[str, Any]] = None):
        self.estimator = estimator
        self.settings = settings

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: Optional[np.ndarray] = None,
        class_names: Optional[Sequence[str]] = None,
    ) -> "Hierarchical":
        """Fit the classifiers of all branches on faces X (n, height * width), classes y (n,).

        groups : (n,), equal for faces that belong together; for classifiers that use them
        class_names : the paths of the classes when y holds numbers: y is an index into them;
            None: y holds the paths
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        paths = self.classes_ if class_names is None else [class_names[c] for c in self.classes_]
        self.class_names_ = np.array([str(path) for path in paths])
        tree = branches(self.class_names_)
        if not tree:
            raise ValueError("Hierarchical needs at least two classes; y holds one class")
        self.members_ = []
        for branch in tree:
            children = np.full(len(self.classes_), -1)
            children[branch.classes] = branch.children
            rows = np.flatnonzero(children[labels] >= 0)
            member = make_classifier(self.estimator, self.settings or {})
            some = None if groups is None else np.asarray(groups)[rows]
            self.members_.append(fit_classifier(member, X[rows], children[labels[rows]], some))
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probability of each class of `classes_`, float64 (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        probabilities = np.ones((len(X), len(self.classes_)))
        for branch, member in zip(branches(self.class_names_), self.members_):
            probabilities[:, branch.classes] *= member.predict_proba(X)[:, branch.children]
        return probabilities

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The class of the most probable path, (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]
