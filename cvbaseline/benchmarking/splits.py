"""Which faces are learnt from and which are tested: repeated stratified folds, or a given split.

A group (a person, a drawing's variants, copies) is never on both sides of a fold.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.classification.cross_validation import split_folds
from cvbaseline.data_sources import is_training
from cvbaseline.datasets import LabelledFaces
from cvbaseline.errors import UserError, require

MOST_FOLDS = 100


class Split(NamedTuple):
    """Indices of faces."""

    name: str  # "repeat 1, fold 2", or the test part's name
    repeat: int  # from 0; the tests of one repeat have no face in common
    train: np.ndarray  # int64, ascending
    test: np.ndarray  # int64, ascending


def parse_cv(text: str) -> tuple[int, int]:
    """Folds and repeats of "5x2" or "5"; UserError for anything else."""
    match = re.fullmatch(r"(\d{1,4})(?:x(\d{1,4}))?", text)
    folds, repeats = (int(match[1]), int(match[2] or 1)) if match else (0, 0)
    require(
        2 <= folds <= MOST_FOLDS and 1 <= repeats <= MOST_FOLDS,
        f"--cv {text}: expected FOLDSxREPEATS like 5x2, 2 to {MOST_FOLDS} folds",
    )
    return folds, repeats


def cross_validation(
    labels: np.ndarray,
    groups: Optional[Sequence[str]],
    folds: int,
    repeats: int,
    seed: int,
    within: Optional[np.ndarray] = None,
) -> list[Split]:
    """Folds with the classes' shares kept, made anew for every repeat.

    Parameters
    ----------
    labels : int (n,); groups : (n,) or None
    within : indices of the faces to use, ascending; None: all

    Raises UserError when there are too few faces or groups for two folds.
    """
    within = np.arange(len(labels)) if within is None else within
    chosen = None if groups is None else [groups[index] for index in within]
    splits = []
    for repeat in range(repeats):
        parts = split_folds(labels[within], chosen, folds, seed + repeat)
        for number, (train, test) in enumerate(parts, start=1):
            name = f"fold {number}" if repeats == 1 else f"repeat {repeat + 1}, fold {number}"
            splits.append(Split(name, repeat, within[train], within[test]))
    return splits


def given_split(parts: Sequence[str], test: Optional[str]) -> Split:
    """The split that the data came with.

    Parameters
    ----------
    parts : (n,), each face's part; those named train or training are learnt from
    test : the part to test; None when it is clear which

    Raises UserError when it is not clear, or there is no such part.
    """
    names = sorted(set(parts))
    training = [name for name in names if is_training(name)]
    others = [name for name in names if not is_training(name)]
    require(bool(training), f"none of the parts {', '.join(names)} is named train")
    if test is None:
        plain = [name for name in others if name.lower() in ("test", "testing")]
        candidates = plain or others
        require(
            len(candidates) == 1,
            f"the data hold the parts {', '.join(names)}: name the one to test with --test PART, "
            "or use --cv for folds of the training part",
        )
        test = candidates[0]
    if test not in others:
        raise UserError(
            f"--test {test}: no such part and no such file; parts are {', '.join(others)}"
        )
    part = np.asarray(parts)
    return Split(test, 0, np.flatnonzero(np.isin(part, training)), np.flatnonzero(part == test))


def training_part(data: LabelledFaces) -> Optional[np.ndarray]:
    """Indices of the faces to learn from when the data came split; None when they did not."""
    if data.parts is None:
        return None
    return np.flatnonzero([is_training(part) for part in data.parts])


def without_missed(splits: list[Split], found: Optional[np.ndarray]) -> list[Split]:
    """Nothing is learnt from faces that the detector missed; they stay in the tests."""
    if found is None:
        return splits
    return [split._replace(train=split.train[found[split.train]]) for split in splits]


def training_subset(
    labels: np.ndarray,
    groups: Optional[Sequence[str]],
    train: np.ndarray,
    fraction: float,
    seed: int,
) -> np.ndarray:
    """A part of a training set, for learning curves: smaller ones lie in larger ones.

    Faces are taken class by class in a random order, the same share (at least one) of each;
    groups are taken whole, in a random order, until the share is reached.
    """
    rng = np.random.default_rng(seed)
    if groups is not None:
        _, units = np.unique([groups[index] for index in train], return_inverse=True)
        order = rng.permutation(units.max() + 1)
        counts = np.bincount(units)[order].cumsum()
        kept = order[: 1 + np.searchsorted(counts, fraction * len(train) - 1e-9)]
        return train[np.isin(units, kept)]
    chosen = []
    for label in np.unique(labels[train]):
        members = rng.permutation(train[labels[train] == label])
        chosen.append(members[: max(1, round(fraction * len(members)))])
    return np.sort(np.concatenate(chosen))
