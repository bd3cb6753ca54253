"""Faces in a picture, through OpenCV's own `CascadeClassifier`, with a score for every box."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional

import numpy as np

from cvbaseline.boxes import as_boxes
from cvbaseline.errors import UserError, require
from cvbaseline.options import option

if TYPE_CHECKING:
    import cv2


@dataclass(frozen=True, kw_only=True)
class DetectionParameters:
    """How a cascade is moved over a picture: the parameters of OpenCV's detectMultiScale."""

    scale_factor: float = option(1.1, "ratio of one window size to the next, above 1")
    min_neighbors: int = option(3, "overlapping windows that make a box", metavar="N")
    min_size: int = option(24, "smallest side of a box in pixels", metavar="PIXELS")
    max_size: Optional[int] = option(
        None, "largest side of a box in pixels (default: no limit)", metavar="PIXELS"
    )
    equalise: bool = option(False, "equalise the picture's histogram before detection")

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        require(
            self.scale_factor >= 1.001,
            f"scale factor {self.scale_factor:g} must be above 1, like 1.1",
        )
        require(self.min_neighbors >= 0, f"min neighbors {self.min_neighbors} must not be negative")
        require(self.min_size >= 1, f"min size {self.min_size} must be at least 1 pixel")
        require(
            self.max_size is None or self.max_size >= self.min_size,
            f"max size {self.max_size} must not be below min size {self.min_size}",
        )


class Detections(NamedTuple):
    """The boxes found in a picture, best first."""

    boxes: np.ndarray  # int32 (n, 4): x, y, width, height in pixels of the picture
    scores: np.ndarray  # float64 (n,): how many windows agree on the box


def open_cascade(path: Path) -> "cv2.CascadeClassifier":
    """OpenCV's detector of a cascade file of either layout, under any file name.

    The file is parsed and checked by our reader first, whose errors name the place (FormatError),
    and handed over from memory, since OpenCV opens no path outside ASCII on Windows.
    """
    import cv2

    from cvbaseline.formats.cascade_xml import load_cascade, render_cascade

    text = render_cascade(load_cascade(path)).decode()
    storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
    classifier = cv2.CascadeClassifier()
    if not classifier.read(storage.getFirstTopLevelNode()):
        raise UserError(f"{path}: OpenCV {cv2.__version__} does not take this cascade")
    return classifier


def detect(
    grey: np.ndarray, classifier: "cv2.CascadeClassifier", parameters: DetectionParameters
) -> Detections:
    """Boxes of the faces in a grey picture, uint8 (h, w).

    The boxes are `detectMultiScale`'s for the same parameters. A box's score is the number of
    windows that were merged into it (`detectMultiScale2`); with min_neighbors 0 nothing is merged
    and every window stands for itself with score 1.
    """
    import cv2

    if grey.ndim != 2 or grey.dtype != np.uint8:
        raise ValueError(f"a grey picture is uint8 (h, w), not {grey.dtype} {grey.shape}")
    if parameters.equalise:
        grey = cv2.equalizeHist(grey)
    largest = parameters.max_size or 0  # 0: no limit, for OpenCV
    boxes, counts = classifier.detectMultiScale2(
        grey,
        scaleFactor=parameters.scale_factor,
        minNeighbors=parameters.min_neighbors,
        minSize=(parameters.min_size, parameters.min_size),
        maxSize=(largest, largest),
    )
    boxes, scores = as_boxes(boxes), np.asarray(counts, np.float64).reshape(-1)
    # Best first; between equals the larger box, then the place, so that the order is one.
    order = np.lexsort((boxes[:, 1], boxes[:, 0], -boxes[:, 2], -scores))
    return Detections(boxes[order], scores[order])
