"""What every setting finds in every picture, counted: all measures are made of such sums.

A box is right when it takes a true box that it overlaps by enough (detection_metrics); what lies
in a region to ignore does not count.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from cvbaseline.bootstrap import group_numbers
from cvbaseline.detection import Detections
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.detection_metrics import match_boxes
from cvbaseline.detector_quality.annotated_pictures import AnnotatedPicture
from cvbaseline.sweeping.grid import search_of
from cvbaseline.sweeping.searching import Progress, Searches

Result = TypeVar("Result")


class Tally(NamedTuple):
    """Counts for each picture and setting."""

    found: np.ndarray  # int64 (pictures, settings): true boxes that were found
    false: np.ndarray  # int64 (pictures, settings): false boxes
    faces: np.ndarray  # int64 (pictures,): true boxes
    milliseconds: np.ndarray  # float64 (pictures, settings): a search takes on one core
    units: np.ndarray  # int64 (pictures,): those of one number are drawn together


def tally_boxes(
    pictures: Sequence[AnnotatedPicture],
    searches: Sequence[Searches],
    settings: Sequence[DetectionParameters],
    min_iou: float,
    progress: Progress = lambda what, done, total: None,
) -> Tally:
    """Count what the settings find.

    Parameters
    ----------
    searches : of each picture, with a search for every setting (grid.search_of)
    min_iou : overlap (intersection over union) that counts as found
    """
    found = np.zeros((len(pictures), len(settings)), np.int64)
    false, milliseconds = found.copy(), np.zeros(found.shape)
    for number, (picture, made) in enumerate(zip(pictures, searches)):
        task = partial(_count, picture=picture, min_iou=min_iou)
        counts = np.array(for_each_setting(task, made, settings)).reshape(-1, 2)
        found[number], false[number] = counts.T
        milliseconds[number] = [made[search_of(one)].milliseconds for one in settings]
        progress("counting", number + 1, len(pictures))
    faces = np.array([len(picture.boxes) for picture in pictures])
    units = group_numbers([picture.group for picture in pictures])
    return Tally(found, false, faces, milliseconds, units)


def for_each_setting(
    task: Callable[[Detections], Result],
    searches: Searches,
    settings: Sequence[DetectionParameters],
) -> list[Result]:
    """task(boxes of the setting) for each; done once for settings that leave the same boxes."""
    done: dict[tuple[DetectionParameters, int], Result] = {}
    results = []
    for setting in settings:
        search = search_of(setting)
        boxes = searches[search].found.above(setting.min_neighbors)
        # The boxes of a larger min_neighbors are among those of a smaller: so as many are the same.
        key = search, len(boxes.boxes)
        if key not in done:
            done[key] = task(boxes)
        results.append(done[key])
    return results


def _count(boxes: Detections, picture: AnnotatedPicture, min_iou: float) -> tuple[int, int]:
    """How many true boxes are found, and how many boxes are false."""
    taken = match_boxes(*boxes, picture.boxes, picture.ignore, min_iou)
    return int((taken >= 0).sum()), int((taken == -1).sum())
