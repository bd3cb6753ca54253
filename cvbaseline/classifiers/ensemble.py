"""Several classifiers asked together: the mean of their probabilities decides.

Averaged probabilities are worth more than the best of them when the members err on different
faces (Hansen & Salamon, Neural network ensembles, PAMI 1990); members that look at different
things, like pixels and gradients, do.
"""

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from cvbaseline.classifiers import fit_classifier, make_classifier


class Ensemble(ClassifierMixin, BaseEstimator):
    """Classifiers of any kind that answer with the mean of their probabilities.

    Parameters
    ----------
    estimators : their names with + between them, each once, like "hog_svm+eigenfaces"
    settings : parameters of some of them, like {"hog_svm": {"C": 3}}; the rest is as usual

    Attributes
    ----------
    classes_ : (k,)
    members_ : the fitted classifiers, in the order of their names
    """

    def __init__(
        self,
        estimators: str = "hog_svm+fisherfaces",
        settings: Optional[dict[str, dict[str, Any]]] = None,
    ):
        self.estimators = estimators
        self.settings = settings

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: Optional[np.ndarray] = None,
        class_names: Optional[Sequence[str]] = None,
    ) -> "Ensemble":
        """Fit every member on faces X (n, height * width) and their classes y (n,).

        groups, class_names : see `Hierarchical.fit`; for the members that use them
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        self.members_ = self.new_members()
        for member in self.members_:
            fit_classifier(member, X, y, groups, class_names)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probability of each class of `classes_`, float64 (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return sum(member.predict_proba(X) for member in self.members_) / len(self.members_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The class of the largest mean probability, (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def new_members(self) -> list[Any]:
        """The members before they learn.

        ValueError for what the parameters cannot mean, UserError for an unknown classifier.
        """
        names = str(self.estimators).split("+")
        settings = self.member_settings()
        if len(names) < 2 or len(set(names)) < len(names):
            raise ValueError(
                "estimators must be two or more different names with + between them, "
                f"not {self.estimators!r}"
            )
        for name in settings:
            if name not in names:
                raise ValueError(f"settings are for {name!r}, which is not one of {names}")
        return [make_classifier(name, settings.get(name, {})) for name in names]

    def member_settings(self) -> dict[str, dict[str, Any]]:
        """Parameters by the members' names; ValueError when `settings` are something else."""
        settings = {} if self.settings is None else self.settings
        if not isinstance(settings, dict) or not all(
            isinstance(own, dict) for own in settings.values()
        ):
            raise ValueError(f'settings must be like {{"hog_svm": {{"C": 3}}}}, not {settings!r}')
        return settings
