"""Detection: faces, or whatever a cascade was trained on, as boxes with scores.

The boxes are those of OpenCV's `CascadeClassifier`; the score is ours.
"""

from pathlib import Path
from typing import NamedTuple, Optional, Union

import numpy as np

from cvbaseline.boxes import iou, nested
from cvbaseline.detection_parameters import AUTO, NONE, DetectionParameters
from cvbaseline.errors import FormatError, require
from cvbaseline.opencv_cascade import Detector, OpenCVCascade
from cvbaseline.tilted_detection import turned_back, turned_copy
from cvbaseline.window_search import Search, find_windows, group_windows

SAME_OBJECT = 0.5  # intersection over union from which on a window speaks for a box
SAME_BOX = 0.8  # intersection over union from which on a box need not be judged again
SAME_FACE = 0.5  # of the smaller box's area: boxes of turned copies that are of one face
LEAST_PROBABILITY = 0.5  # of a box that was looked at again
MANY_PICTURES = 10  # so many are worth the moment that the faster search takes to load
PAIRS_AT_A_TIME = 1 << 16  # of boxes and windows compared: their numbers stay in the cache


class Detections(NamedTuple):
    """The boxes found in a picture, best first."""

    boxes: np.ndarray  # int32 (n, 4): x, y, width, height
    scores: np.ndarray  # float64 (n,)


class CountedDetections(NamedTuple):
    """The boxes found in a picture, best first, with the number of windows behind each."""

    boxes: np.ndarray  # int32 (n, 4): x, y, width, height
    scores: np.ndarray  # float64 (n,)
    neighbors: np.ndarray  # int32 (n,): windows grouped to the box

    def above(self, min_neighbors: int) -> Detections:
        """The boxes that more than so many windows agree on."""
        kept = self.neighbors > min_neighbors
        return Detections(self.boxes[kept], self.scores[kept])


def open_cascade(path: Union[str, Path], many_pictures: bool = False) -> OpenCVCascade:
    """A detector for a cascade file, in the layout of traincascade or the one before 2.4.

    The file is read and checked by our own parser, so its name may hold any characters.

    many_pictures : whether it is worth a moment (some seconds, the first time on a machine) to
        make searches several times faster

    Raises FormatError for a file that is no cascade, UserError when it cannot be read or this
    OpenCV was built without cascades.
    """
    import cv2

    from cvbaseline.formats.cascade_xml import load_cascade

    require(
        hasattr(cv2, "CascadeClassifier"),
        f"OpenCV {cv2.__version__} here has no cascade detector: pip install opencv-contrib-python",
    )
    cascade = load_cascade(Path(path))
    try:
        return OpenCVCascade(cascade, many_pictures)
    except ValueError:
        raise FormatError(path, "OpenCV does not take it as a cascade") from None


def detect(
    grey: np.ndarray,
    cascade: OpenCVCascade,
    parameters: DetectionParameters,
) -> Detections:
    """Find objects in a picture; the boxes are those of detectMultiScale, unless they are merged.

    Windows that pass the cascade are grouped to boxes. A window whose last stage sums up to F is
    worth p = 1 / (1 + exp(-2 F)), the probability that a boosted classifier assigns (Friedman,
    Hastie & Tibshirani 2000, section 4). A box's score is the sum of p over the windows that
    overlap it by half or more: how many agree, weighted by how sure they are. With min_neighbors
    0 every window is a box, and its score its own p.

    With tilt, turned copies of the picture are searched as well, each for itself, and of boxes on
    one face the best is kept.

    With verify, a model judges each box by itself, and the box's score becomes a probability
    (`second_look.Verifier.scores`); below 1/2 it is dropped, before boxes are merged. "auto" is as
    "none" here, where the cascade's name is not known: see `with_verifier`.

    With stages, all of this is done with the first stages of the cascade alone.

    With regroup_stages, where these are more, windows that pass so many are grouped by themselves
    as well: few stages let windows around a face, and between faces, pass, which draw a box away.
    They are judged beside the others, and of those on one face the one of most windows stays. Each
    box moves to the mean of the windows on its object that pass so many, the surer with more
    weight.

    Parameters
    ----------
    grey : uint8 (h, w)
    cascade : from `open_cascade`

    Boxes of equal score are sorted by place and size, so the order is the same in every run.
    """
    return detect_counted(grey, cascade, parameters).above(0)


def detect_counted(
    grey: np.ndarray,
    cascade: OpenCVCascade,
    parameters: DetectionParameters,
) -> CountedDetections:
    """As `detect`, with the number of windows behind each box.

    So one search serves every larger min_neighbors: its boxes are those `above` it.
    """
    import cv2

    if grey.ndim != 2 or grey.dtype != np.uint8:
        raise ValueError(f"a grey picture is uint8 (h, w), got {grey.dtype} {grey.shape}")
    if parameters.equalise_picture:
        grey = cv2.equalizeHist(grey)
    found, overlap = _search_copy(grey, cascade, parameters), parameters.merge_overlap
    if parameters.tilt:
        turned = (
            _search_turned(grey, degrees, cascade, parameters)
            for degrees in (-parameters.tilt, parameters.tilt)
        )
        found = CountedDetections(*map(np.concatenate, zip(found, *turned)))
        overlap = overlap or SAME_FACE
    if _further(cascade, parameters) is not None:
        overlap = overlap or SAME_FACE
    if overlap is not None:
        found = _merged(found, overlap)
    order = np.lexsort((*found.boxes.T[::-1], -found.scores))
    order = order[found.scores[order] >= parameters.min_score]
    return CountedDetections(*(part[order] for part in found))


def _search_turned(
    grey: np.ndarray,
    degrees: int,
    cascade: OpenCVCascade,
    parameters: DetectionParameters,
) -> CountedDetections:
    """What is found in a turned copy, as boxes of the picture."""
    copy, turn = turned_copy(grey, degrees)
    found = _search_copy(copy, cascade, parameters)
    boxes, inside = turned_back(found.boxes, turn, grey.shape)
    return CountedDetections(boxes[inside], found.scores[inside], found.neighbors[inside])


def _merged(found: CountedDetections, overlap: float) -> CountedDetections:
    """Of boxes that share so much, the one with the most windows, of equals the best score.

    Only a box with as many windows drops another: so the boxes `above` a min_neighbors are the
    same whether they are merged before or after.
    """
    left = np.lexsort((*found.boxes.T[::-1], -found.scores, -found.neighbors))
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[nested(found.boxes[best][None], found.boxes[left])[0] < overlap]
    return CountedDetections(*(part[kept] for part in found))


def _search_copy(
    grey: np.ndarray, cascade: OpenCVCascade, parameters: DetectionParameters
) -> CountedDetections:
    """What is found in a picture as it is, in any order."""
    search = Search(
        np.ascontiguousarray(grey),
        cascade.detector(parameters.stages),
        parameters.scale_factor,
        parameters.min_size,
        parameters.max_size,
    )
    further = _further(cascade, parameters)
    windows, sums, go_on = find_windows(search, further)
    probabilities = (1 + np.tanh(sums)) / 2
    if parameters.min_neighbors == 0:
        boxes, scores, neighbors = windows, probabilities, np.ones(len(windows), np.int32)
    else:
        boxes, neighbors = group_windows(search, windows, parameters.min_neighbors)
        if further is not None:
            some = search._replace(detector=further), windows[go_on], parameters.min_neighbors
            boxes, neighbors = _joined(boxes, neighbors, *group_windows(*some))
        scores = _agreement(boxes, windows, probabilities)
    if parameters.verify not in (AUTO, NONE) and len(boxes):
        from cvbaseline.second_look import open_verifier

        # In the copy that was searched, where tilted faces are upright.
        verifier = open_verifier(parameters.verify)
        scores = verifier.scores(grey, boxes, scores, parameters.verify_above)
        faces = scores >= LEAST_PROBABILITY
        boxes, scores, neighbors = boxes[faces], scores[faces], neighbors[faces]
    if further is not None:
        # The root of their odds: by the odds themselves a single window would decide.
        boxes = _settled(boxes, windows[go_on], np.exp(sums[go_on]))
    return CountedDetections(boxes, scores, neighbors)


def _further(cascade: OpenCVCascade, parameters: DetectionParameters) -> Optional[Detector]:
    """What says which windows are grouped by themselves as well; None where none are."""
    if not parameters.regroup_stages or parameters.min_neighbors == 0:
        return None
    further = cascade.detector(parameters.regroup_stages)
    return further if further.stages > cascade.detector(parameters.stages).stages else None


def _joined(
    boxes: np.ndarray, neighbors: np.ndarray, more: np.ndarray, their_neighbors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and more boxes, without those of these that are about one of as many windows."""
    known = (iou(more, boxes) >= SAME_BOX) & (neighbors >= their_neighbors[:, None])
    new = ~known.any(axis=1)
    return np.concatenate([boxes, more[new]]), np.concatenate([neighbors, their_neighbors[new]])


def _settled(boxes: np.ndarray, windows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Each box (m, 4) moved to the weighted mean of the windows (n, 4) on its object, if any."""
    near = np.where(iou(boxes, windows) >= SAME_OBJECT, weights, 0)
    total = near.sum(axis=1, keepdims=True)
    means = np.rint(near @ windows / np.where(total > 0, total, 1))
    return np.where(total > 0, means, boxes).astype(boxes.dtype)


def _agreement(boxes: np.ndarray, windows: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Sum of the probabilities of the windows (n, 4) on each box's object, float64 (m,)."""
    scores = np.zeros(len(boxes))
    block = max(1, PAIRS_AT_A_TIME // max(1, len(windows)))
    for start in range(0, len(boxes), block):
        some = slice(start, start + block)
        near = iou(boxes[some], windows) >= SAME_OBJECT
        scores[some] = np.where(near, probabilities, 0).sum(axis=1)
    return scores
