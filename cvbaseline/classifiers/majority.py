"""The contender that never looks: the training classes' frequencies as every face's answer.

What is not clearly better than this has learnt nothing. scikit-learn calls the same thing
`DummyClassifier(strategy="prior")`.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data


class Majority(ClassifierMixin, BaseEstimator):
    """Always the most frequent class, with the classes' frequencies as probabilities.

    Attributes
    ----------
    classes_ : (k,)
    frequencies_ : float64 (k,), their sum is 1; of equally frequent classes the first is named
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Majority":
        """Count the classes y (n,); of the faces X (n, pixels) only the number of pixels counts."""
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        self.classes_, counts = np.unique(y, return_counts=True)
        self.frequencies_ = counts / counts.sum()
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """The frequencies for each face, float64 (n, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return np.tile(self.frequencies_, (len(X), 1))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The most frequent class for each face, (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def __sklearn_tags__(self) -> Tags:
        """scikit-learn's checks must not expect it to learn anything."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags
