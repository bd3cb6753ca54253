"""The sums that a cascade's stages give to windows of pictures: what thresholds are chosen by.

Of each face these are the windows on it that pass, among those that a search visits; of what is no
face, a random part of those that it visits.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cvbaseline.boxes import as_boxes, iou, nested
from cvbaseline.cascade import Cascade
from cvbaseline.evaluation.evaluator import judge
from cvbaseline.evaluation.integral import integral_image
from cvbaseline.evaluation.packed_cascade import pack
from cvbaseline.window_search import Pass, Search, search_passes

ON_FACE = 0.45  # intersection over union with a true box, at least
OFF_FACE = 0.3  # of the smaller one's area: below, a window has nothing to do with a box


class FaceWindows(NamedTuple):
    """Windows on faces that pass all stages; those of a face lie together."""

    sums: np.ndarray  # float64 (n, stages)
    face: np.ndarray  # int64 (n,): 0, 1, ..., ascending; each face has one window or more

    @property
    def count(self) -> int:
        """The number of faces."""
        return int(self.face[-1]) + 1 if len(self.face) else 0

    def of(self, some: np.ndarray) -> "FaceWindows":
        """Those of some of the faces, bool (faces,), which are numbered anew."""
        rows = some[self.face]
        return FaceWindows(self.sums[rows], (np.cumsum(some) - 1)[self.face[rows]])


class PictureWindows(NamedTuple):
    """What is taken from one picture."""

    faces: list[np.ndarray]  # for each face float64 (n, stages): its windows that pass; n may be 0
    others: np.ndarray  # float64 (m, stages): windows off faces, -inf from where they fail


class StageSums:
    """The sums of all stages, one stage after the other."""

    def __init__(self, cascade: Cascade):
        self.thresholds = pack(cascade).stage_threshold
        self._stages = [
            pack(replace(cascade, stages=(replace(stage, threshold=-np.inf),)))
            for stage in cascade.stages
        ]

    def __call__(self, grey: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """Sums of windows, float64 (n, stages); -inf after a stage that a window does not pass.

        Parameters
        ----------
        grey : uint8 (h, w)
        corners : int (n, 2), x and y of the windows' top left pixels; windows lie in the picture
        """
        sums = np.full((len(corners), len(self._stages)), -np.inf)
        integral = integral_image(grey, max(stage.planes for stage in self._stages))
        alive = np.arange(len(corners))
        for number, (stage, threshold) in enumerate(zip(self._stages, self.thresholds)):
            verdicts = judge(stage, integral, corners[alive])
            # A flat window is rejected before the first stage, at no cost.
            sums[alive, number] = np.where(verdicts.stages < 0, -np.inf, verdicts.sums)
            alive = alive[sums[alive, number] >= threshold]
        return sums


def picture_windows(
    search: Search,
    boxes: np.ndarray,
    off_limits: np.ndarray,
    sums: StageSums,
    others: int,
    generator: np.random.Generator,
) -> PictureWindows:
    """The windows of a picture that thresholds are chosen by.

    Parameters
    ----------
    boxes : (n, 4), the faces
    off_limits : (m, 4), boxes that windows off faces keep clear of, beside the faces
    others : about how many windows off faces are drawn
    """
    import cv2

    faces: list[list[np.ndarray]] = [[] for _ in boxes]
    drawn, passes = [np.zeros((0, len(sums.thresholds)))], search_passes(search)
    visited = sum(_visited(one) for one in passes)
    clear_of = as_boxes(np.concatenate([boxes, off_limits]))
    for one in passes:
        grey = search.grey
        if one.shrunk != search.picture:
            grey = cv2.resize(grey, one.shrunk, interpolation=cv2.INTER_LINEAR_EXACT)
        for box, found in zip(boxes, faces):
            places = _places_near(one, box)
            if len(places):
                values = sums(grey, places)
                found.append(values[values[:, -1] >= sums.thresholds[-1]])
        number = generator.binomial(others, _visited(one) / visited)
        places = generator.integers(0, -(-np.array(one.ends) // one.step), (number, 2)) * one.step
        touching = nested(_windows(one, places), clear_of).max(axis=1, initial=0)
        drawn.append(sums(grey, places[touching < OFF_FACE]))
    none = np.zeros((0, len(sums.thresholds)))
    return PictureWindows(
        [np.concatenate([none, *found]) for found in faces], np.concatenate(drawn)
    )


def joined_faces(faces: list[np.ndarray]) -> FaceWindows:
    """Windows of several faces (one or more); those without any are left out."""
    counts = np.array([len(one) for one in faces])
    face = np.repeat(np.arange((counts > 0).sum()), counts[counts > 0])
    return FaceWindows(np.concatenate(faces), face)


def _visited(one: Pass) -> int:
    """The number of windows that a pass visits."""
    across, down = (-(-end // one.step) for end in one.ends)
    return across * down


def _windows(one: Pass, places: np.ndarray) -> np.ndarray:
    """Windows at places (n, 2) of a pass, as boxes of the picture."""
    corners = np.rint(places * float(one.scale)).astype(np.int32)
    return np.concatenate([corners, np.broadcast_to(np.int32(one.size), corners.shape)], axis=1)


def _places_near(one: Pass, box: np.ndarray) -> np.ndarray:
    """The places of a pass whose windows lie on a face, int64 (n, 2)."""
    first = [(corner - side) / one.scale for corner, side in zip(box[:2], one.size)]
    last = [(corner + side) / one.scale for corner, side in zip(box[:2], box[2:])]
    x, y = _along(one, first, last)
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return places[iou(_windows(one, places), box[None])[:, 0] >= ON_FACE]


def _along(one: Pass, first: list[float], last: list[float]) -> Iterator[np.ndarray]:
    """Along x and y: the places of a pass between two."""
    for low, high, end in zip(first, last, one.ends):
        every = np.arange(0, end, one.step)
        yield every[(every >= low) & (every <= high)]
