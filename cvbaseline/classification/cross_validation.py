"""Held-out predictions: every face is classified once by a model that has not seen it.

With groups, not its group either: pictures of one person or drawing vouch for each other, and a
split by picture would measure memory.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Optional

import numpy as np

from cvbaseline.classifiers import fit_classifier
from cvbaseline.errors import UserError


def split_folds(
    labels: np.ndarray, groups: Optional[Sequence[str]], folds: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices of training and test faces, `folds` times, with the classes' shares kept.

    Fewer folds are made when the most frequent class has fewer faces, or there are fewer groups.
    Raises UserError when not even two are possible.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    possible, splitter, what = int(np.bincount(labels).max()), StratifiedKFold, "pictures"
    if groups is not None:
        splitter = StratifiedGroupKFold
        if len(set(groups)) < possible:
            possible, what = len(set(groups)), "groups"
    if possible < 2:
        raise UserError(f"too few {what} to hold some back: at least two are needed")
    with warnings.catch_warnings():
        # A class with fewer faces than folds is missing in some; train warns about it itself.
        warnings.filterwarnings("ignore", message="The least populated class")
        split = splitter(min(folds, possible), shuffle=True, random_state=seed)
        for train, test in split.split(np.zeros(len(labels)), labels, groups):
            if len(test):  # few groups of very different sizes may leave a part without any
                yield train, test


def held_out_probabilities(
    make_estimator: Callable[[], Any],
    faces: np.ndarray,
    labels: np.ndarray,
    groups: Optional[Sequence[str]] = None,
    folds: int = 5,
    seed: int = 0,
    tell: Callable[[str], None] = lambda line: None,
    classes: Optional[Sequence[str]] = None,
) -> np.ndarray:
    """Probabilities of every face by an estimator fitted without its fold, float64 (n, k).

    Parameters
    ----------
    faces : uint8 (n, h, w)
    labels : int (n,), from 0 to k - 1
    groups : (n,); a group is never split; None: faces are split one by one
    classes : (k,), the labels' names, for estimators that use them

    A class that a fold's training part lacks gets probability 0 in it, unless the estimator knows
    it already. Raises UserError when a
    training part cannot be learnt from.
    """
    rows = faces.reshape(len(faces), -1)
    count = labels.max() + 1 if classes is None else len(classes)
    probabilities = np.zeros((len(faces), count))
    names = None if groups is None else np.asarray(groups)
    for number, (train, test) in enumerate(split_folds(labels, groups, folds, seed), start=1):
        tell(f"held-out estimate, part {number}: {len(train)} faces to learn, {len(test)} to test")
        estimator = make_estimator()
        try:
            some = None if names is None else names[train]
            fit_classifier(estimator, rows[train], labels[train], some, classes)
        except (TypeError, ValueError) as error:
            raise not_learnt(estimator, "the faces left for training", error) from None
        known = np.asarray(estimator.classes_)
        probabilities[test[:, None], known] = estimator.predict_proba(rows[test])
    return probabilities


def not_learnt(estimator: Any, what: str, error: Exception) -> UserError:
    """What to say when `what` cannot be learnt: of a parameter that cannot be, only that."""
    text = str(error)
    of_parameter = text.partition(" ")[0] in estimator.get_params(deep=False)
    return UserError(text if of_parameter else f"{what} cannot be learnt: {text}")
