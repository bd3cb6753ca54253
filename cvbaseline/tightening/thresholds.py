"""Higher stage thresholds, chosen so that few faces are lost and much work is saved.

A face is found by many windows that overlap, of which a few are enough. So a threshold may reject
windows on faces, as long as enough of each face's windows pass the whole cascade (multiple instance
pruning: Zhang & Viola, "Multiple-instance pruning for learning efficient cascade detectors", NIPS
2007; there for a cascade that keeps its sum from stage to stage, with its thresholds taken one
after the other). Here the thresholds share what may be lost: step by step the one is raised that
saves most for the next few faces.
"""

from typing import Optional

import numpy as np

from cvbaseline.tightening.window_sums import FaceWindows

STEPS = 30  # in which the faces that may be lost are given away


def weak_per_window(others: np.ndarray, thresholds: np.ndarray, weak: np.ndarray) -> float:
    """How many weak classifiers are evaluated for a window off faces, on average.

    Parameters
    ----------
    others : float64 (m, stages), the windows' sums; -inf from where they fail
    thresholds : float64 (stages,)
    weak : int (stages,), the number of each stage's weak classifiers
    """
    flat = np.isneginf(others[:, 0])
    reached = np.cumprod(others[:, :-1] >= thresholds[:-1], axis=1).sum(axis=0)
    return float((weak[0] * (~flat).sum() + reached @ weak[1:]) / max(1, len(others)))


def faces_kept(faces: FaceWindows, thresholds: np.ndarray, windows: int) -> np.ndarray:
    """Whether enough windows of each face pass, bool (faces,): so many, or all of fewer."""
    there = np.bincount(faces.face, minlength=faces.count)
    passing = faces.face[(faces.sums >= thresholds).all(axis=1)]
    return np.bincount(passing, minlength=faces.count) >= np.minimum(there, windows)


class _Faces:
    """The faces while thresholds rise: which windows pass still, and which faces are lost."""

    def __init__(self, faces: FaceWindows, windows: int):
        self._faces = faces
        self._needed = np.minimum(np.bincount(faces.face), windows)
        # For each stage the windows face by face, those of a face with the largest sum first.
        self._order = [np.lexsort((-column, faces.face)) for column in faces.sums.T]
        self._passing = np.ones(len(faces.face), bool)
        self._kept = np.ones(faces.count, bool)

    @property
    def lost(self) -> int:
        """The number of faces that are lost."""
        return int((~self._kept).sum())

    def highest(self, stage: int, losses: int) -> Optional[float]:
        """The highest threshold of a stage that loses no more faces than that; None: any does."""
        rows = self._order[stage][self._passing[self._order[stage]]]
        kept = np.flatnonzero(self._kept)
        if len(kept) <= losses:
            return None
        first = np.searchsorted(self._faces.face[rows], kept)
        limits = self._faces.sums[rows[first + self._needed[kept] - 1], stage]
        return float(np.partition(limits, losses)[losses])

    def raise_to(self, stage: int, threshold: float) -> None:
        """A stage's threshold is now this."""
        self._passing &= self._faces.sums[:, stage] >= threshold
        passing = np.bincount(self._faces.face[self._passing], minlength=len(self._kept))
        self._kept &= passing >= self._needed


def tightened(
    faces: FaceWindows,
    others: np.ndarray,
    thresholds: np.ndarray,
    weak: np.ndarray,
    keep: float,
    windows: int,
) -> np.ndarray:
    """Thresholds, none lower than before, by which most faces are kept, float64 (stages,).

    Parameters
    ----------
    faces : windows on faces
    others, thresholds, weak : as for `weak_per_window`
    keep : share of the faces of which enough windows must pass
    windows : how many of a face's windows are enough; of a face that has fewer, all
    """
    state, thresholds = _Faces(faces, windows), thresholds.copy()
    losses = int((1 - keep) * faces.count + 1e-9)  # 0.01 of 1000 faces are 10, not 9
    step = max(1, losses // STEPS)
    cost = weak_per_window(others, thresholds, weak)
    while True:
        best, chosen = cost, None
        for stage in range(len(thresholds)):
            highest = state.highest(stage, min(step, losses - state.lost))
            if highest is None or highest <= thresholds[stage]:
                continue
            tried = thresholds.copy()
            tried[stage] = highest
            then = weak_per_window(others, tried, weak)
            if then < best:
                best, chosen = then, (stage, highest)
        if chosen is None:
            return thresholds
        state.raise_to(*chosen)
        thresholds[chosen[0]], cost = chosen[1], best
