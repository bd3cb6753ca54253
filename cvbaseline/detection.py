"""Detection: faces, or whatever a cascade was trained on, as boxes with scores.

The work is OpenCV's `CascadeClassifier`, whose boxes these are; the score is ours.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

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
        # Three is OpenCV's; our cascades are permissive, and best read with more (cascades/*.json).
        10, "drop a box that no more than this many windows agree on", metavar="COUNT"
    )
    min_size: int = option(24, "smallest side of a box in pixels", metavar="PIXELS")
    max_size: Optional[int] = option(
        None, "largest side of a box in pixels; without it the whole picture", metavar="PIXELS"
    )
    equalise_picture: bool = option(False, "even out the picture's histogram before the search")

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
    if not _any_size(classifier, grey, parameters):
        return nothing
    if parameters.equalise_picture:
        grey = cv2.equalizeHist(grey)
    windows, sums = _find_windows(classifier, grey, parameters)
    if len(windows) == 0:
        return nothing
    probabilities = (1 + np.tanh(sums)) / 2
    if parameters.min_neighbors == 0:
        boxes, scores = windows, probabilities
    else:
        boxes = _group(classifier, grey, parameters, windows)
        near = (iou(box[None], windows)[0] >= SAME_OBJECT for box in boxes)
        scores = np.array([probabilities[windows_near].sum() for windows_near in near])
    order = np.lexsort((*boxes.T[::-1], -scores))
    return Detections(boxes[order], scores[order])


def _any_size(
    classifier: "cv2.CascadeClassifier", grey: np.ndarray, parameters: DetectionParameters
) -> bool:
    """Whether a window of some pass fits the picture and the sizes asked for.

    When none fits, OpenCV searches at the nearest size it has, which is right only for one who
    asks for a single size.
    """
    smallest, largest = parameters.min_size, parameters.max_size or max(grey.shape)
    width, height = classifier.getOriginalWindowSize()
    factor = 1.0
    while round(width * factor) <= grey.shape[1] and round(height * factor) <= grey.shape[0]:
        sides = round(width * factor), round(height * factor)
        if smallest == largest or (smallest <= min(sides) and max(sides) <= largest):
            return True
        factor *= parameters.scale_factor
    return False


def _search(
    search: Callable[..., Any], grey: np.ndarray, parameters: DetectionParameters, **more: Any
) -> Any:
    """Call one of OpenCV's searches with the parameters."""
    import cv2

    largest = parameters.max_size or 0
    try:
        return search(
            np.ascontiguousarray(grey),
            scaleFactor=parameters.scale_factor,
            minSize=(parameters.min_size, parameters.min_size),
            maxSize=(largest, largest),
            **more,
        )
    except cv2.error as error:
        raise UserError(f"OpenCV cannot search the picture ({error.err})") from None


def _find_windows(
    classifier: "cv2.CascadeClassifier", grey: np.ndarray, parameters: DetectionParameters
) -> tuple[np.ndarray, np.ndarray]:
    """All windows that pass, int32 (n, 4), with their last stages' sums, float64 (n,)."""
    windows, levels, sums = _search(
        classifier.detectMultiScale3, grey, parameters, minNeighbors=0, outputRejectLevels=True
    )
    windows, sums = as_boxes(windows), np.ravel(sums)
    if len(windows) and np.ravel(levels)[0] == 1:
        # With levels asked for, OpenCV takes the flat windows, which a Haar cascade rejects, for
        # passed ones when the cascade has a single stage.
        passed = _search(classifier.detectMultiScale, grey, parameters, minNeighbors=0)
        passed = set(map(tuple, as_boxes(passed).tolist()))
        kept = [window in passed for window in map(tuple, windows.tolist())]
        windows, sums = windows[kept], sums[kept]
    return windows, sums


def _group(
    classifier: "cv2.CascadeClassifier",
    grey: np.ndarray,
    parameters: DetectionParameters,
    windows: np.ndarray,
) -> np.ndarray:
    """The boxes that detectMultiScale makes of the windows (n, 4)."""
    import cv2

    right, bottom = (windows[:, :2] + windows[:, 2:]).max(axis=0)
    if right == grey.shape[1] or bottom == grey.shape[0]:
        # OpenCV rounds sizes, groups windows, and then cuts off what juts out of the picture: a
        # window that touches the edge may have been cut, so it must group them itself.
        search, count = classifier.detectMultiScale, parameters.min_neighbors
        return as_boxes(_search(search, grey, parameters, minNeighbors=count))
    grouped, _ = cv2.groupRectangles(windows.tolist(), parameters.min_neighbors, GROUPING_EPSILON)
    return as_boxes(grouped)
