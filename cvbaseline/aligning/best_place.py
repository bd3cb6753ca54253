"""Where near a box a cascade's windows pass most stages: the box as the cascade would draw it.

Boxes drawn by hand sit a little higher or lower and are a little larger or smaller from one picture
to the next, and a stage must learn all of that. So they are moved to where a trained cascade sees
the object best, and the next training needs fewer weak classifiers for the same hit rate (Babenko,
Dollar, Tu, Belongie: "Simultaneous learning and alignment", ECCV 2008 workshop on faces; the choice
of the best window is Viola, Platt, Zhang: "Multiple instance boosting for object detection", NIPS
2005, with the maximum in place of the noisy or).
"""

from typing import NamedTuple, Optional

import cv2
import numpy as np

from cvbaseline.evaluation.evaluator import judge
from cvbaseline.evaluation.integral import integral_image
from cvbaseline.evaluation.packed_cascade import PackedCascade

REACH = 0.18  # how far a box's middle may move, as a part of its side
SCALES = np.geomspace(0.78, 1.28, 9)  # of a box's side
BEST_WINDOWS = 15  # whose mean is taken: a single one is a matter of chance


class Place(NamedTuple):
    """A box, and how much of the cascade sees it so."""

    box: np.ndarray  # float64 (4,): x, y, width, height
    stages: int  # that its windows pass, -1 where all are flat


class _Windows(NamedTuple):
    """Windows near a box; n of them."""

    boxes: np.ndarray  # float64 (n, 4)
    stages: np.ndarray  # int32 (n,)
    sums: np.ndarray  # float64 (n,), of the last stage that is reached


def best_place(grey: np.ndarray, box: np.ndarray, packed: PackedCascade) -> Optional[Place]:
    """Where a cascade sees what is in a box best.

    Of the windows near the box those that pass the most stages count; of them the mean of the
    BEST_WINDOWS with the largest sums is the place.

    Parameters
    ----------
    grey : uint8 (h, w)
    box : (4,), x, y, width, height in pixels; its area says how large the object is, its shape is
        that of the cascade's window afterwards

    Returns
    -------
    None when no window fits into the picture there.
    """
    parts = [
        windows
        for scale in SCALES
        if (windows := _windows_near(grey, box, packed, float(scale))) is not None
    ]
    if not parts:
        return None
    near = _Windows(*(np.concatenate(column) for column in zip(*parts)))
    most = int(near.stages.max())
    rows = np.flatnonzero(near.stages == most)
    best = rows[np.argsort(-near.sums[rows], kind="stable")[:BEST_WINDOWS]]
    return Place(near.boxes[best].mean(axis=0), most)


def _windows_near(
    grey: np.ndarray, box: np.ndarray, packed: PackedCascade, scale: float
) -> Optional[_Windows]:
    """The windows of one size within reach, a window's pixel apart; None when none fits."""
    window = np.array([packed.width, packed.height])
    side = np.sqrt(np.prod(box[2:], dtype=np.float64) / np.prod(window))  # of a window's pixel
    middle, reach = box[:2] + box[2:] / 2, REACH * side * window
    half = scale * side * window / 2 + reach
    first = np.maximum(np.floor(middle - half), 0).astype(int)
    last = np.minimum(np.ceil(middle + half), grey.shape[::-1]).astype(int)
    if (last <= first).any():
        return None
    shrunk = np.rint((last - first) / (scale * side)).astype(int)
    places = shrunk - window + 1
    if (places < 1).any():
        return None
    way = cv2.INTER_AREA if scale * side > 1 else cv2.INTER_LINEAR
    region = cv2.resize(
        grey[first[1] : last[1], first[0] : last[0]], shrunk.tolist(), interpolation=way
    )
    corners = np.stack(np.meshgrid(*map(np.arange, places)), axis=-1).reshape(-1, 2)
    verdicts = judge(packed, integral_image(region, packed.planes), corners)
    pixel = (last - first) / shrunk  # of the region, in the picture's
    size = window * np.sqrt(np.prod(pixel))  # not stretched by what rounding did to the region
    middles = first + (corners + window / 2) * pixel
    boxes = np.concatenate([middles - size / 2, np.broadcast_to(size, corners.shape)], axis=1)
    return _Windows(boxes, verdicts.stages, verdicts.sums)


def whole_pixels(box: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A box in whole pixels, int32 (4,), within a picture of (height, width)."""
    limits = np.array(shape[::-1])
    size = np.rint(box[2:] * min(1, *(limits / box[2:])))  # its shape stays
    corner = np.clip(np.rint(box[:2]), 0, limits - size)
    return np.concatenate([corner, size]).astype(np.int32)
