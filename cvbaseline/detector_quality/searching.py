"""What detectors find in annotated pictures, and how long each takes.

Every picture is read once and searched by all detectors in turn, several times, on one core; only
the search is timed. Each time another detector is the first, which pays for bringing the picture
into the caches. So all meet the same pictures, caches and moments of a busy machine, and the
median of a detector's times on a picture counts.

What is found can be kept (search_journal). A picture is then known when all detectors that take
turns now took turns on it before, as often and with the same parameters; else all of them search it
again, so that times that are compared are always of the same moments.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.detection import CountedDetections, Detections, detect, detect_counted, open_cascade
from cvbaseline.detection_parameters import DetectionParameters, with_verifier
from cvbaseline.detector_quality.annotated_pictures import AnnotatedPicture
from cvbaseline.detector_quality.search_journal import (
    Searched,
    SearchJournal,
    check_journal,
    content_of,
)
from cvbaseline.errors import PictureError, UserError, require
from cvbaseline.images import read_grey
from cvbaseline.opencv_cascade import OpenCVCascade
from cvbaseline.parallel import one_core_each

# Curves need the boxes that a strict setting drops as well: those that two windows agree on.
CANDIDATE_NEIGHBORS = 1
# A thread's own time does not grow while other programs run; but some systems count it in ticks.
PRECISE = time.get_clock_info("thread_time").resolution < 1e-4
CLOCK = time.thread_time if PRECISE else time.perf_counter


class Detector(NamedTuple):
    """A cascade and the name it goes by in tables."""

    name: str
    path: Path
    classifier: OpenCVCascade


class SearchedPicture(NamedTuple):
    """A picture, what is in it, and what a detector found."""

    picture: AnnotatedPicture
    size: tuple[int, int]  # width and height in pixels
    found: Detections  # at the setting
    candidates: CountedDetections  # at min_neighbors 1 (0 if the setting says so)
    milliseconds: float  # a search at the setting takes on one core
    before: bool = False  # whether this is from an earlier run, its time as well


def open_detectors(paths: Sequence[Path]) -> list[Detector]:
    """The cascades' detectors, each named by as much of its path as tells it from the others."""
    names = short_names(paths)
    return [
        Detector(name, path, open_cascade(path, many_pictures=True))
        for name, path in zip(names, paths)
    ]


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
    kept: Optional[Path] = None,
) -> list[list[SearchedPicture]]:
    """For each detector, what it found in each picture that can be read.

    Parameters
    ----------
    rounds : times that each picture is searched, for the time it takes
    skipped : gets the reason for each picture that cannot be read
    progress : gets what is done, how many pictures of it, of how many
    kept : file of what is known from before; it gets what is found, picture by picture

    Raises UserError when no picture can be read, or `kept` is no such file.
    """
    settings = [with_verifier(parameters, detector.path) for detector in detectors]
    neighbors = min(CANDIDATE_NEIGHBORS, parameters.min_neighbors)
    searches = [replace(setting, min_neighbors=neighbors) for setting in settings]
    journals = _open_journals(kept, detectors, parameters.min_neighbors, rounds) if kept else []
    searched: list[list[SearchedPicture]] = [[] for _ in detectors]
    made_now: set[str] = set()  # contents of pictures
    problem = "none is given"
    with one_core_each():
        for number, picture in enumerate(pictures, 1):
            try:
                content = content_of(picture.path) if journals else ""
                made = [one.get(content, search) for one, search in zip(journals, searches)]
                known = bool(made) and None not in made
                if not known:
                    grey = read_grey(picture.path)
                    made = _search_in_turn(grey, detectors, searches, settings, rounds, number)
            except UserError as error:
                place = "" if isinstance(error, PictureError) else f"{picture.path}: "
                problem = f"{place}{error}"
                skipped(problem)
                continue
            if not known:
                made_now.add(content)
                for journal, search, one in zip(journals, searches, made):
                    journal.add(content, {search: one})
            before = content not in made_now  # a copy may have been searched just now
            for entries, one in zip(searched, made):
                entries.append(_searched_picture(picture, one, parameters.min_neighbors, before))
            progress("searching pictures", number, len(pictures))
    require(bool(searched[0]), f"no picture can be searched; the last: {problem}")
    return searched


def _open_journals(
    path: Path, detectors: Sequence[Detector], min_neighbors: int, rounds: int
) -> list[SearchJournal]:
    """What is known of each detector's searches, timed in the same way in the same company."""
    check_journal(path)
    contents = [content_of(detector.path) for detector in detectors]
    timed = f"at min_neighbors {min_neighbors}, the median of {rounds}"
    if len(contents) > 1:
        timed += f", in turn: {' '.join(sorted(content[:16] for content in contents))}"
    return [SearchJournal(path, content, timed) for content in contents]


def _search_in_turn(
    grey: np.ndarray,
    detectors: Sequence[Detector],
    searches: Sequence[DetectionParameters],
    settings: Sequence[DetectionParameters],
    rounds: int,
    first: int,
) -> list[Searched]:
    """What each detector's search finds, and the median of the times that its setting takes."""
    count = len(detectors)
    # First the search that is not timed, so that none of the timed is a cold start.
    found = [
        detect_counted(grey, detector.classifier, search)
        for detector, search in zip(detectors, searches)
    ]
    times = np.zeros((rounds, count))
    for turn in range(rounds):
        for step in range(count):
            index = (first + turn + step) % count
            start = CLOCK()
            detect(grey, detectors[index].classifier, settings[index])
            times[turn, index] = (CLOCK() - start) * 1000
    size = (grey.shape[1], grey.shape[0])
    return [
        Searched(one, milliseconds, size)
        for one, milliseconds in zip(found, np.median(times, axis=0).tolist())
    ]


def _searched_picture(
    picture: AnnotatedPicture, made: Searched, min_neighbors: int, before: bool
) -> SearchedPicture:
    """The boxes at the setting are those of the candidates that enough windows agree on."""
    found = made.found.above(min_neighbors)
    return SearchedPicture(picture, tuple(made.size), found, made.found, made.milliseconds, before)
