"""Every picture searched with every search of the grid, except for what the journal knows.

Pictures are looked at side by side in threads; each search itself runs on one core, and its time
is the processor's time for its thread, so that waiting for a core or for the disk does not count.
"""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvbaseline.detection import detect_counted, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.detector_quality.search_journal import Searched, SearchJournal, content_of
from cvbaseline.errors import UserError
from cvbaseline.images import read_grey
from cvbaseline.parallel import one_core_each
from cvbaseline.progress import Progress

Searches = dict[DetectionParameters, Searched]


class SearchedPictures(NamedTuple):
    """What all searches found in the pictures that can be read."""

    searches: dict[Path, Searches]
    contents: dict[Path, str]  # SHA-256
    problems: list[str]  # why others cannot be read
    searched_now: int  # searches that were made now
    searched_before: int  # searches that the journal knew


class _Work(NamedTuple):
    """What became of one picture."""

    path: Path
    content: str
    known: Searches
    new: Searches
    problem: str = ""


class _Detector(threading.local):
    """The cascade's detector; each thread has one of its own, for it keeps state in a search."""

    def __init__(self, cascade: Path):
        self.classifier = open_cascade(cascade, many_pictures=True)
        # Code is loaded and memory taken before anything is timed.
        noise = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)
        detect_counted(noise, self.classifier, DetectionParameters(min_neighbors=1))


class _AtWork:
    """Waits at its end for the threads at work: OpenCV must not be left in the middle of a search
    when the program ends (after Ctrl-C)."""

    def __init__(self) -> None:
        self._count, self._changed, self.stopped = 0, threading.Condition(), False

    def begin(self) -> None:
        """A thread begins."""
        with self._changed:
            self._count += 1

    def end(self) -> None:
        """A thread has ended."""
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.stopped = True
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0)


def search_pictures(
    paths: Sequence[Path],
    cascade: Path,
    searches: Sequence[DetectionParameters],
    journal: SearchJournal,
    jobs: int = 1,
    progress: Progress = lambda what, done, total: None,
) -> SearchedPictures:
    """What each search finds in each picture; new searches are kept in the journal at once.

    Raises UserError or FormatError for a cascade that will not do; UserError when no picture can
    be read.
    """
    from joblib import Parallel, delayed

    detector = _Detector(cascade)  # a bad file is an error before the work, not within it
    at_work = _AtWork()
    result = SearchedPictures({}, {}, [], 0, 0)
    new = known = 0
    with one_core_each(), at_work:
        workers = Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
        tasks = (
            delayed(_search_picture)(path, detector, searches, journal, at_work) for path in paths
        )
        for number, work in enumerate(workers(tasks), 1):
            if work.problem:
                result.problems.append(work.problem)
            else:
                if work.new:
                    journal.add(work.content, work.new)
                new, known = new + len(work.new), known + len(work.known)
                result.searches[work.path] = {**work.known, **work.new}
                result.contents[work.path] = work.content
            progress("searching pictures", number, len(paths))
    if not result.searches:
        raise UserError(f"no picture can be read; the first: {result.problems[0]}")
    return result._replace(searched_now=new, searched_before=known)


def _search_picture(
    path: Path,
    detector: _Detector,
    searches: Sequence[DetectionParameters],
    journal: SearchJournal,
    at_work: _AtWork,
) -> _Work:
    """What is known of a picture, and the searches that are missing."""
    at_work.begin()
    try:
        content = content_of(path)
        known = {search: journal.get(content, search) for search in searches}
        missing = [search for search, searched in known.items() if searched is None]
        new: Searches = {}
        if missing:
            grey = read_grey(path)
            size, classifier = (grey.shape[1], grey.shape[0]), detector.classifier
            for search in missing:
                if at_work.stopped:
                    break
                start = time.thread_time()
                found = detect_counted(grey, classifier, search)
                milliseconds = round((time.thread_time() - start) * 1000, 4)
                new[search] = Searched(found, milliseconds, size)
    except UserError as error:
        return _Work(path, "", {}, {}, str(error))
    except MemoryError:
        return _Work(path, "", {}, {}, f"{path}: there is not enough memory for it")
    finally:
        at_work.end()
    return _Work(path, content, {s: old for s, old in known.items() if old is not None}, new)
