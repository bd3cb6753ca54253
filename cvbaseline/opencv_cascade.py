"""OpenCV's detectors for a cascade of ours: of all its stages, or of the first ones."""

from dataclasses import replace
from typing import TYPE_CHECKING, Optional

from cvbaseline.cascade import Cascade
from cvbaseline.formats.cascade_xml import render_cascade

if TYPE_CHECKING:
    import cv2


class OpenCVCascade:
    """A cascade and the detectors made of it.

    It serves one thread at a time: a detector keeps the picture's integral images.
    """

    def __init__(self, cascade: Cascade):
        """ValueError when OpenCV does not take the cascade."""
        self._cascade = cascade
        self._detectors: dict[int, "cv2.CascadeClassifier"] = {}
        self.detector()

    def detector(self, stages: Optional[int] = None) -> "cv2.CascadeClassifier":
        """One that searches with so many stages at most, or with all; kept for the next call."""
        count = min(stages or len(self._cascade.stages), len(self._cascade.stages))
        if count not in self._detectors:
            self._detectors[count] = self._made(count)
        return self._detectors[count]

    def _made(self, stages: int) -> "cv2.CascadeClassifier":
        import cv2

        text = render_cascade(replace(self._cascade, stages=self._cascade.stages[:stages]))
        flags = cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY
        storage = cv2.FileStorage(text.decode("ascii"), flags)
        detector = cv2.CascadeClassifier()
        if not detector.read(storage.getFirstTopLevelNode()):
            raise ValueError("OpenCV does not take the cascade")
        return detector
