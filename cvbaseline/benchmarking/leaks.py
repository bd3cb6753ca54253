"""The leak check: test pictures that were also learnt from, as they are or as near copies.

A classifier that has seen a test picture's copy is asked to remember, not to recognise. Copies'
copies count as copies (`cvbaseline.duplicates`).
"""

from collections.abc import Sequence
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.benchmarking.splits import Split
from cvbaseline.errors import UserError


class Leak(NamedTuple):
    """The test faces of a split that leak; ascending indices of faces."""

    exact: np.ndarray  # an equal picture is in training
    near: np.ndarray  # a near copy is in training, and no equal one
    groups: int = 0  # that are on both sides

    @property
    def all(self) -> np.ndarray:
        """Both kinds, ascending."""
        return np.union1d(self.exact, self.near)


def find_leak(
    split: Split,
    keys: np.ndarray,
    clusters: np.ndarray,
    groups: Optional[Sequence[str]] = None,
) -> Leak:
    """What leaks in a split.

    Parameters
    ----------
    keys : int (n,), equal for equal faces
    clusters : int (n,), equal for faces that are copies of each other, exact or near
    groups : (n,) or None
    """
    exact = np.isin(keys[split.test], keys[split.train])
    near = np.isin(clusters[split.test], clusters[split.train]) & ~exact
    both = 0
    if groups is not None:
        names = np.asarray(groups)
        both = len(np.intersect1d(names[split.train], names[split.test]))
    return Leak(split.test[exact], split.test[near], both)


def drop_leaks(split: Split, clusters: np.ndarray) -> Split:
    """The split without the training faces that are copies of test faces."""
    copied = np.isin(clusters[split.train], clusters[split.test])
    return split._replace(train=split.train[~copied])


def describe_leaks(splits: list[Split], leaks: list[Leak]) -> list[str]:
    """What leaks, in plain words; nothing when nothing does."""
    tests = sum(len(split.test) for split in splits)
    exact = sum(len(leak.exact) for leak in leaks)
    near = sum(len(leak.near) for leak in leaks)
    groups = sum(leak.groups for leak in leaks)
    lines = []
    if exact or near:
        lines.append(
            f"test pictures that are in training as well: {exact + near:,} of {tests:,} "
            f"({exact:,} as they are, {near:,} as near copies)"
        )
    if groups:
        lines.append(f"groups on both sides of the split: {groups:,}")
    return lines


def refuse_leaks(splits: list[Split], leaks: list[Leak]) -> None:
    """UserError when test pictures are in training as they are; near copies are let through."""
    if any(len(leak.exact) for leak in leaks):
        together = "keep copies together with --group-by near-duplicates, " * (len(splits) > 1)
        raise UserError(
            f"{describe_leaks(splits, leaks)[0]}; {together}leave them out of training with "
            "--drop-leaks, or measure anyway with --allow-leaks, and the report tells the results "
            "with and without them"
        )
