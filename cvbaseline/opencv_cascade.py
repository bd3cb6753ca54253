"""What searches pictures with a cascade of ours: OpenCV, and our own faster search beside it."""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Optional

from cvbaseline.cascade import Cascade
from cvbaseline.formats.cascade_xml import render_cascade

if TYPE_CHECKING:
    import cv2

    from cvbaseline.evaluation.row_search import RowSearch


class Detector(NamedTuple):
    """What searches pictures."""

    classifier: "cv2.CascadeClassifier"
    stages: int
    rows: "Optional[RowSearch]"  # finds the same windows in less time, where there is one


class OpenCVCascade:
    """A cascade and the detectors made of it.

    It serves one thread at a time: a detector keeps the picture's integral images.
    """

    def __init__(self, cascade: Cascade, many_pictures: bool = False):
        """ValueError when OpenCV does not take the cascade.

        many_pictures : prepare our own search, whose code takes a moment to load (and when it is
            used for the first time, some seconds to be compiled)
        """
        self._cascade = cascade
        self._rows = _row_search(cascade) if many_pictures else None
        self._detectors: dict[int, Detector] = {}
        self.detector()

    def detector(self, stages: Optional[int] = None) -> Detector:
        """One that searches with so many stages at most, or with all; kept for the next call."""
        count = min(stages or len(self._cascade.stages), len(self._cascade.stages))
        if count not in self._detectors:
            cascade = replace(self._cascade, stages=self._cascade.stages[:count])
            self._detectors[count] = Detector(_classifier(cascade), count, self._rows)
        return self._detectors[count]


def _row_search(cascade: Cascade) -> "Optional[RowSearch]":
    """Our own search, where it can be had and is made for the cascade."""
    try:
        from cvbaseline.evaluation.row_search import row_search
    except (ImportError, RuntimeError):  # numba finds no folder where it may keep its code
        return None
    return row_search(cascade)


def _classifier(cascade: Cascade) -> "cv2.CascadeClassifier":
    import cv2

    flags = cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY
    storage = cv2.FileStorage(render_cascade(cascade).decode("ascii"), flags)
    classifier = cv2.CascadeClassifier()
    if not classifier.read(storage.getFirstTopLevelNode()):
        raise ValueError("OpenCV does not take the cascade")
    return classifier
