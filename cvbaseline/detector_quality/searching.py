"""What detectors find in annotated pictures, and how long each takes.

Every picture is read once and searched by all detectors in turn, several times, on one core; only
the search is timed. Each time another detector is the first, which pays for bringing the picture
into the caches. So all meet the same pictures, caches and moments of a busy machine, and the
median of a detector's times on a picture counts.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cvbaseline.detection import (
    CountedDetections,
    DetectionParameters,
    Detections,
    detect,
    detect_counted,
    open_cascade,
    with_verifier,
)
from cvbaseline.detector_quality.annotated_pictures import AnnotatedPicture, read_each
from cvbaseline.errors import UserError, require
from cvbaseline.parallel import one_core_each

if TYPE_CHECKING:
    import cv2

# Curves need the boxes that a strict setting drops as well: those that two windows agree on.
CANDIDATE_NEIGHBORS = 1
# A thread's own time does not grow while other programs run; but some systems count it in ticks.
PRECISE = time.get_clock_info("thread_time").resolution < 1e-4
CLOCK = time.thread_time if PRECISE else time.perf_counter


class Detector(NamedTuple):
    """A cascade and the name it goes by in tables."""

    name: str
    path: Path
    classifier: "cv2.CascadeClassifier"


class SearchedPicture(NamedTuple):
    """A picture, what is in it, and what a detector found."""

    picture: AnnotatedPicture
    size: tuple[int, int]  # width and height in pixels
    found: Detections  # at the setting
    candidates: CountedDetections  # at min_neighbors 1 (0 if the setting says so)
    milliseconds: float  # a search at the setting takes on one core


def open_detectors(paths: Sequence[Path]) -> list[Detector]:
    """The cascades' detectors, each named by as much of its path as tells it from the others."""
    names = short_names(paths)
    return [Detector(name, path, open_cascade(path)) for name, path in zip(names, paths)]


def short_names(paths: Sequence[Path]) -> list[str]:
    """File names without suffix; with the folders above where names would be the same.

    A file cascade.xml is named by its folder, that of a training.
    """
    told = [
        path.parent if path.stem == "cascade" and path.parent.name else path.with_suffix("")
        for path in paths
    ]
    for length in range(1, max(len(path.parts) for path in told) + 1):
        names = ["/".join(path.parts[-length:]) for path in told]
        if len(set(names)) == len(names):
            return names
    return [f"{path} ({number})" for number, path in enumerate(told, 1)]


def detection_parameters(options: DetectionParameters) -> DetectionParameters:
    """A verb's options as parameters of the detection alone."""
    return DetectionParameters(
        **{field.name: getattr(options, field.name) for field in fields(DetectionParameters)}
    )


def search_pictures(
    pictures: Sequence[AnnotatedPicture],
    detectors: Sequence[Detector],
    parameters: DetectionParameters,
    rounds: int,
    skipped: Callable[[str], None],
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> list[list[SearchedPicture]]:
    """For each detector, what it found in each picture that can be read.

    Parameters
    ----------
    rounds : times that each picture is searched, for the time it takes
    skipped : gets the reason for each picture that cannot be read
    progress : gets what is done, how many pictures of it, of how many

    Raises UserError when no picture can be read.
    """
    neighbors = min(CANDIDATE_NEIGHBORS, parameters.min_neighbors)
    permissive = replace(parameters, min_neighbors=neighbors)
    searched: list[list[SearchedPicture]] = [[] for _ in detectors]
    with one_core_each():
        for number, (picture, grey) in enumerate(read_each(pictures, skipped), 1):
            size = (grey.shape[1], grey.shape[0])
            try:
                # First the search that is not timed, so that none of the timed is a cold start.
                candidates = [
                    detect_counted(
                        grey, detector.classifier, with_verifier(permissive, detector.path)
                    )
                    for detector in detectors
                ]
                found, times = _search_in_turn(grey, detectors, parameters, rounds, number)
            except UserError as error:
                skipped(f"{picture.path}: {error}")
                continue
            for index in range(len(detectors)):
                searched[index].append(
                    SearchedPicture(picture, size, found[index], candidates[index], times[index])
                )
            progress("searching pictures", number, len(pictures))
    require(bool(searched[0]), "no picture can be searched")
    return searched


def _search_in_turn(
    grey: np.ndarray,
    detectors: Sequence[Detector],
    parameters: DetectionParameters,
    rounds: int,
    first: int,
) -> tuple[list[Detections], list[float]]:
    """What each detector finds, and the median of its times in milliseconds."""
    count = len(detectors)
    own = [with_verifier(parameters, detector.path) for detector in detectors]
    found: dict[int, Detections] = {}
    times = np.zeros((rounds, count))
    for turn in range(rounds):
        for step in range(count):
            index = (first + turn + step) % count
            start = CLOCK()
            found[index] = detect(grey, detectors[index].classifier, own[index])
            times[turn, index] = (CLOCK() - start) * 1000
    return [found[index] for index in range(count)], np.median(times, axis=0).tolist()
