"""Detection: faces, or whatever a cascade was trained on, as boxes with scores.

The work is OpenCV's `CascadeClassifier`, whose boxes these are; the score is ours.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional, Union

import numpy as np

from cvbaseline.boxes import as_boxes, iou
from cvbaseline.errors import FormatError, UserError, require
from cvbaseline.options import option

if TYPE_CHECKING:
    import cv2

GROUPING_EPSILON = 0.2  # what detectMultiScale groups similar windows with
SAME_OBJECT = 0.5  # intersection over union from which on a window speaks for a box


@dataclass(frozen=True, kw_only=True)
class DetectionParameters:
    """How a picture is searched; the names and meanings are detectMultiScale's."""

    scale_factor: float = option(
        1.1, "how much larger the window is from one pass to the next", metavar="FACTOR"
    )
    min_neighbors: int = option(
        3, "drop a box that no more than this many windows agree on", metavar="COUNT"
    )
    min_size: int = option(24, "smallest side of a box in pixels", metavar="PIXELS")
    max_size: Optional[int] = option(
        None, "largest side of a box in pixels; without it the whole picture", metavar="PIXELS"
    )
    equalise: bool = option(False, "even out the picture's histogram before the search")

    def __post_init__(self) -> None:
        require(
            1.01 <= self.scale_factor <= 10,
            f"scale factor must be 1.01 to 10, got {self.scale_factor}",
        )
        require(
            self.min_neighbors >= 0, f"min neighbors must be 0 or more, got {self.min_neighbors}"
        )
        require(self.min_size >= 1, f"min size must be 1 pixel or more, got {self.min_size}")
        require(
            self.max_size is None or self.max_size >= self.min_size,
            f"max size must be min size ({self.min_size}) or more, got {self.max_size}",
        )
        # Verbs inherit from several options classes; each checks its own values.
        getattr(super(), "__post_init__", lambda: None)()


class Detections(NamedTuple):
    """The boxes found in a picture, best first."""

    boxes: np.ndarray  # int32 (n, 4): x, y, width, height
    scores: np.ndarray  # float64 (n,)


def open_cascade(path: Union[str, Path]) -> "cv2.CascadeClassifier":
    """OpenCV's detector for a cascade file, in the layout of traincascade or the one before 2.4.

    The file is read and checked by our own parser, so its name may hold any characters. One
    detector serves one thread at a time: it keeps the picture's integral images.

    Raises FormatError for a file that is no cascade, UserError when it cannot be read or this
    OpenCV was built without cascades.
    """
    import cv2

    from cvbaseline.formats.cascade_xml import load_cascade, render_cascade

    require(
        hasattr(cv2, "CascadeClassifier"),
        f"OpenCV {cv2.__version__} here has no cascade detector: pip install opencv-contrib-python",
    )
    text = render_cascade(load_cascade(Path(path))).decode("ascii")
    storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
    classifier = cv2.CascadeClassifier()
    if not classifier.read(storage.getFirstTopLevelNode()):
        raise FormatError(path, "OpenCV does not take it as a cascade")
    return classifier


def detect(
    grey: np.ndarray,
    classifier: "cv2.CascadeClassifier",
    parameters: DetectionParameters,
) -> Detections:
    """Find objects in a picture; the boxes are those of detectMultiScale.

    Windows that pass the cascade are grouped to boxes. A window whose last stage sums up to F is
    worth p = 1 / (1 + exp(-2 F)), the probability that a boosted classifier assigns (Friedman,
    Hastie & Tibshirani 2000, section 4). A box's score is the sum of p over the windows that
    overlap it by half or more: how many agree, weighted by how sure they are. With min_neighbors
    0 every window is a box, and its score its own p.

    Parameters
    ----------
    grey : uint8 (h, w)
    classifier : from `open_cascade`

    Boxes of equal score are sorted by place and size, so the order is the same in every run.
    """
    import cv2

    if grey.ndim != 2 or grey.dtype != np.uint8:
        raise ValueError(f"a grey picture is uint8 (h, w), got {grey.dtype} {grey.shape}")
    nothing = Detections(as_boxes([]), np.zeros(0))
    # OpenCV would search at the nearest size it has, however small.
    if min(grey.shape) < parameters.min_size:
        return nothing
    largest = parameters.max_size or 0
    try:
        windows, _, sums = classifier.detectMultiScale3(
            cv2.equalizeHist(grey) if parameters.equalise else np.ascontiguousarray(grey),
            scaleFactor=parameters.scale_factor,
            minNeighbors=0,
            minSize=(parameters.min_size, parameters.min_size),
            maxSize=(largest, largest),
            outputRejectLevels=True,
        )
    except cv2.error as error:
        raise UserError(f"OpenCV cannot search the picture ({error.err})") from None
    if len(windows) == 0:
        return nothing
    boxes, probabilities = as_boxes(windows), 1 / (1 + np.exp(-2 * np.ravel(sums)))
    scores = probabilities
    if parameters.min_neighbors > 0:
        grouped, _ = cv2.groupRectangles(boxes.tolist(), parameters.min_neighbors, GROUPING_EPSILON)
        grouped = as_boxes(grouped)
        scores = np.array(
            [probabilities[iou(box[None], boxes)[0] >= SAME_OBJECT].sum() for box in grouped]
        )
        boxes = grouped
    order = np.lexsort((*boxes.T[::-1], -scores))
    return Detections(boxes[order], scores[order])
