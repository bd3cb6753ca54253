"""How good detections are: recall, precision and F1, FROC curve, average precision.

Each detection, best score first, takes the still free true box that it overlaps most, if by
enough; one that finds none is a false box, unless most of it lies in a region to ignore (as in
PASCAL VOC, Everingham et al. 2010, and COCO). Matches are kept per picture and the measures
computed from them, so one search of the pictures serves every threshold.
"""

from collections.abc import Sequence
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.boxes import area, as_boxes, intersection, iou

MIN_IOU = 0.5
IGNORED_SHARE = 0.5  # of a detection's area within one region to ignore


def score_in_words(score: float) -> str:
    """A score in so many digits that it finds its box again: rounded down, for --min-score.

    Without a verifier scores are sums of windows, some dozens; with one probabilities below 1.
    """
    digits = 1 if score >= 10 else 3
    return f"{np.floor(score * 10**digits) / 10**digits:.{digits}f}"


class Matches(NamedTuple):
    """The detections of one picture (or of several, joined) against its true boxes."""

    scores: np.ndarray  # float64 (n,), best first; ignored detections are left out
    correct: np.ndarray  # bool (n,): took a true box
    faces: int  # true boxes
    pictures: int = 1


class Curve(NamedTuple):
    """One point for each different score taken as the threshold, highest first."""

    thresholds: np.ndarray  # float64 (n,)
    recall: np.ndarray  # float64 (n,); 0 when there is no true box at all
    precision: np.ndarray  # float64 (n,)
    f1: np.ndarray  # float64 (n,)
    false_per_picture: np.ndarray  # float64 (n,): with recall, the FROC curve


def match_boxes(
    boxes: np.ndarray,
    scores: np.ndarray,
    truth: np.ndarray,
    ignore: Optional[np.ndarray] = None,
    min_iou: float = MIN_IOU,
) -> np.ndarray:
    """Which true box each detection of a picture takes.

    Parameters
    ----------
    boxes : int (n, 4): x, y, width, height; of equal scores the first comes first
    scores : float (n,)
    truth : int (m, 4)
    ignore : int (k, 4): regions where a detection is neither right nor wrong
    min_iou : least intersection over union, above 0

    Returns
    -------
    int64 (n,): index of the true box, -1 for a false box, -2 for one to ignore
    """
    boxes, truth, ignore = (
        as_boxes(boxes),
        as_boxes(truth),
        as_boxes([] if ignore is None else ignore),
    )
    if len(scores) != len(boxes):
        raise ValueError(f"{len(boxes)} boxes but {len(scores)} scores")
    overlap = iou(boxes, truth)
    share = intersection(boxes, ignore) / np.maximum(area(boxes), 1)[:, None]
    taken = np.where(np.any(share >= IGNORED_SHARE, axis=1), -2, -1)
    for i in np.argsort(-np.asarray(scores, np.float64), kind="stable"):
        if overlap.size and overlap[i].max() >= min_iou:
            taken[i] = overlap[i].argmax()
            overlap[:, taken[i]] = -1
    return taken


def match(
    boxes: np.ndarray,
    scores: np.ndarray,
    truth: np.ndarray,
    ignore: Optional[np.ndarray] = None,
    min_iou: float = MIN_IOU,
) -> Matches:
    """`match_boxes` of one picture, as what the measures need."""
    scores = np.asarray(scores, np.float64)
    taken = match_boxes(boxes, scores, truth, ignore, min_iou)
    order = np.argsort(-scores, kind="stable")
    order = order[taken[order] != -2]
    return Matches(scores[order], taken[order] >= 0, len(as_boxes(truth)))


def join(parts: Sequence[Matches]) -> Matches:
    """The matches of several pictures as one, best score first."""
    scores = np.concatenate([np.zeros(0), *(part.scores for part in parts)])
    correct = np.concatenate([np.zeros(0, bool), *(part.correct for part in parts)])
    order = np.argsort(-scores, kind="stable")
    faces, pictures = sum(part.faces for part in parts), sum(part.pictures for part in parts)
    return Matches(scores[order], correct[order], faces, pictures)


def curve(matches: Matches) -> Curve:
    """Every measure at every threshold; detections of equal score count together."""
    found, count = np.cumsum(matches.correct), np.arange(1, len(matches.scores) + 1)
    last = np.flatnonzero(np.diff(matches.scores, append=-np.inf) != 0)
    found, count = found[last], count[last]
    return Curve(
        thresholds=matches.scores[last],
        recall=found / max(matches.faces, 1),
        precision=found / count,
        f1=2 * found / (count + matches.faces),
        false_per_picture=(count - found) / max(matches.pictures, 1),
    )


def average_precision(matches: Matches) -> float:
    """Area under precision over recall, precision made non-increasing first (VOC since 2010)."""
    return area_under(curve(matches))


def area_under(points: Curve) -> float:
    """`average_precision` of a curve."""
    envelope = np.maximum.accumulate(points.precision[::-1])[::-1]
    return float(np.sum(np.diff(points.recall, prepend=0) * envelope))


def recall_at(matches: Matches, false_per_picture: float) -> float:
    """Best recall with at most so many false boxes a picture: a point of the FROC curve."""
    return recall_within(curve(matches), false_per_picture)


def recall_within(points: Curve, false_per_picture: float) -> float:
    """`recall_at` of a curve."""
    allowed = points.false_per_picture <= false_per_picture
    return float(points.recall[allowed].max(initial=0))


def counts_at(matches: Matches, threshold: float = -np.inf) -> tuple[int, int, int]:
    """True boxes found, false boxes and true boxes missed by detections of that score or more."""
    kept = matches.correct[matches.scores >= threshold]
    found = int(kept.sum())
    return found, len(kept) - found, matches.faces - found
