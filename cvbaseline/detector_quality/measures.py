"""The measures of a detector on annotated pictures, with bootstrap intervals over the pictures.

Recall, precision, F1 and false boxes are those of the boxes found at the setting. Average
precision and FROC (recall over false boxes per picture) rank the permissive candidates by score,
so they say what a cascade can do whatever its min_neighbors. Pictures, or groups of them that
belong together, are drawn whole, and the draws are the same for every detector: differences are
paired.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from cvbaseline.bootstrap import (
    BOOTSTRAP_ROUNDS,
    Estimate,
    draws_of_groups,
    group_numbers,
    percentile_interval,
)
from cvbaseline.detection import Detections
from cvbaseline.detection_metrics import (
    Curve,
    Matches,
    area_under,
    curve,
    join,
    match,
    match_boxes,
    recall_within,
)
from cvbaseline.detector_quality.searching import SearchedPicture

FALSE_PER_PICTURE = (0.01, 0.03, 0.1, 0.3, 1.0)
SIZE_EDGES = (0, 32, 64, 128, 256)  # pixels, of a face's side: the root of its area


class Measure(NamedTuple):
    """How a measure is named and read."""

    title: str
    better: int  # 1 when more is better, -1 when less is
    decimals: int = 3


MEASURES = {
    "recall": Measure("recall", 1),
    "precision": Measure("precision", 1),
    "f1": Measure("F1", 1),
    "false_per_picture": Measure("false boxes a picture", -1),
    "ap_30": Measure("average precision at IoU 0.3", 1),
    "ap_50": Measure("average precision at IoU 0.5", 1),
    **{
        f"recall_at_{rate:g}": Measure(f"recall at {rate:g} false boxes a picture", 1)
        for rate in FALSE_PER_PICTURE
    },
    "best_f1": Measure("best F1 over the score", 1),
    "milliseconds": Measure("milliseconds a picture", -1, 1),
    "megapixels_per_second": Measure("megapixels a second", 1, 1),
}


# Differences of times below this part are the machine's, whatever the interval says.
TIMES, LEAST_FACTOR = ("milliseconds", "megapixels_per_second"), 0.05


def written(value: float, decimals: int, sign: bool = False) -> str:
    """A measure as text; a dash for what is not defined."""
    if np.isnan(value):
        return "–"
    return f"{value:+.{decimals}f}" if sign else f"{value:.{decimals}f}"


class SizeRecall(NamedTuple):
    """Recall among the faces of some size."""

    low: int  # pixels
    high: float  # pixels, infinite in the last bin
    faces: int
    found: int
    recall: Estimate


class Quality(NamedTuple):
    """What a detector is worth on a set of pictures."""

    estimates: dict[str, Estimate]  # by the names in MEASURES
    samples: np.ndarray  # float64 (rounds, measures): their values in the bootstrap's draws
    counts: tuple[int, int, int]  # at the setting: faces found, false boxes, faces missed
    points: Curve  # of the candidates
    best_threshold: float  # the score from which on boxes give the best F1
    sizes: list[SizeRecall]


class Difference(NamedTuple):
    """A detector's measure less the first detector's."""

    estimate: Estimate
    verdict: str  # "better", "worse", or "" when the interval holds 0 (or the factor is tiny)


class _Pool(NamedTuple):
    """The candidates of all pictures against the true boxes, best first."""

    matches: Matches
    owner: np.ndarray  # int64 (n,): picture of each candidate

    def drawn(self, counts: np.ndarray, faces: np.ndarray) -> Curve:
        """The curve of a draw in which picture i counts counts[i] times."""
        repeats = counts[self.owner]
        return curve(
            Matches(
                np.repeat(self.matches.scores, repeats),
                np.repeat(self.matches.correct, repeats),
                int(counts @ faces),
                int(counts.sum()),
            )
        )


class _Tally(NamedTuple):
    """What the measures are computed from; arrays have an entry for each picture."""

    faces: np.ndarray
    found: np.ndarray
    false: np.ndarray
    milliseconds: np.ndarray
    megapixels: np.ndarray
    pool: _Pool  # at the least overlap asked for
    pool_30: _Pool
    pool_50: _Pool


def measure_detector(
    searched: Sequence[SearchedPicture],
    min_iou: float,
    seed: int = 0,
    rounds: int = BOOTSTRAP_ROUNDS,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Quality:
    """All measures of what a detector found.

    Parameters
    ----------
    searched : at least one picture; those of one group are drawn together
    min_iou : overlap from which on a face counts as found
    seed, rounds : of the bootstrap; the same for detectors that are compared
    """
    tally = _tally(searched, min_iou)
    everything = np.ones(len(searched), np.int64)
    values = _values(tally, everything)
    sized = _faces_by_size(searched, min_iou)
    samples, size_samples = [], []
    units = group_numbers([entry.picture.group for entry in searched])
    for done, counts in enumerate(draws_of_groups(units, seed, rounds), 1):
        samples.append(_values(tally, counts))
        size_samples.append(_size_recall(sized, counts))
        progress("drawing pictures anew", done, rounds)
    low, high = percentile_interval(np.array(samples))
    points = curve(tally.pool.matches)
    found, faces = int(tally.found.sum()), int(tally.faces.sum())
    best = float(points.thresholds[points.f1.argmax()]) if len(points.f1) and faces else np.inf
    return Quality(
        dict(zip(MEASURES, map(Estimate, values.tolist(), low.tolist(), high.tolist()))),
        np.array(samples),
        (found, int(tally.false.sum()), faces - found),
        points,
        best,
        _sizes(sized, np.array(size_samples)),
    )


def difference(quality: Quality, first: Quality, name: str) -> Difference:
    """How much more a detector has of a measure than the first, paired over the draws."""
    place = list(MEASURES).index(name)
    low, high = percentile_interval(quality.samples[:, place] - first.samples[:, place])
    value = quality.estimates[name].value - first.estimates[name].value
    verdict = ""
    tiny = name in TIMES and abs(value) < LEAST_FACTOR * first.estimates[name].value
    if (low > 0 or high < 0) and not tiny:
        verdict = "better" if (low > 0) == (MEASURES[name].better > 0) else "worse"
    return Difference(Estimate(value, float(low), float(high)), verdict)


def _tally(searched: Sequence[SearchedPicture], min_iou: float) -> _Tally:
    found, false = [], []
    for entry in searched:
        taken = taken_faces(entry, entry.found, min_iou)
        found.append(int((taken >= 0).sum()))
        false.append(int((taken == -1).sum()))
    pools = {overlap: _pool(searched, overlap) for overlap in {min_iou, 0.3, 0.5}}
    return _Tally(
        np.array([len(entry.picture.boxes) for entry in searched]),
        np.array(found),
        np.array(false),
        np.array([entry.milliseconds for entry in searched]),
        np.array([entry.size[0] * entry.size[1] / 1e6 for entry in searched]),
        pools[min_iou],
        pools[0.3],
        pools[0.5],
    )


def taken_faces(entry: SearchedPicture, boxes: Detections, min_iou: float) -> np.ndarray:
    """Which face each box takes, -1 for a false box, -2 for one to ignore; int64 (n,)."""
    picture = entry.picture
    return match_boxes(boxes.boxes, boxes.scores, picture.boxes, picture.ignore, min_iou)


def _pool(searched: Sequence[SearchedPicture], min_iou: float) -> _Pool:
    parts = [
        match(
            entry.candidates.boxes,
            entry.candidates.scores,
            entry.picture.boxes,
            entry.picture.ignore,
            min_iou,
        )
        for entry in searched
    ]
    owner = np.repeat(np.arange(len(parts)), [len(part.scores) for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    return _Pool(join(parts), owner[np.argsort(-scores, kind="stable")])


def _values(tally: _Tally, counts: np.ndarray) -> np.ndarray:
    """The measures in the order of MEASURES when picture i counts counts[i] times.

    What is not defined, as the recall where there is no face, is NaN.
    """
    faces, found, false = (int(counts @ part) for part in (tally.faces, tally.found, tally.false))
    points, points_30, points_50 = (
        pool.drawn(counts, tally.faces) for pool in (tally.pool, tally.pool_30, tally.pool_50)
    )
    seconds = float(counts @ tally.milliseconds) / 1000
    return np.array([
        found / faces if faces else np.nan,
        found / (found + false) if found + false else np.nan,
        2 * found / (found + false + faces) if faces else np.nan,
        false / counts.sum(),
        *(area_under(one) if faces else np.nan for one in (points_30, points_50)),
        *(recall_within(points, rate) if faces else np.nan for rate in FALSE_PER_PICTURE),
        points.f1.max(initial=0) if faces else np.nan,
        1000 * seconds / counts.sum(),
        float(counts @ tally.megapixels) / seconds if seconds > 0 else np.nan,
    ])  # fmt: skip


def _faces_by_size(searched: Sequence[SearchedPicture], min_iou: float) -> np.ndarray:
    """For each picture and size, how many faces there are and how many are found: (m, 2, sizes)."""
    counts = np.zeros((len(searched), 2, len(SIZE_EDGES)), np.int64)
    for place, entry in enumerate(searched):
        sides = np.sqrt(entry.picture.boxes[:, 2:].astype(np.float64).prod(axis=1))
        size = np.digitize(sides, SIZE_EDGES) - 1
        taken = taken_faces(entry, entry.found, min_iou)
        counts[place, 0] = np.bincount(size, minlength=len(SIZE_EDGES))
        counts[place, 1] = np.bincount(size[taken[taken >= 0]], minlength=len(SIZE_EDGES))
    return counts


def _size_recall(sized: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Recall of each size, NaN where there is no face, float64 (sizes,)."""
    faces, found = np.tensordot(counts, sized, axes=1)
    return np.divide(found, faces, out=np.full(len(faces), np.nan), where=faces > 0)


def _sizes(sized: np.ndarray, samples: np.ndarray) -> list[SizeRecall]:
    """The sizes that occur."""
    faces, found = sized.sum(axis=0)
    low, high = percentile_interval(samples)
    ends = (*SIZE_EDGES[1:], np.inf)
    return [
        SizeRecall(
            SIZE_EDGES[i], ends[i], int(faces[i]), int(found[i]),
            Estimate(float(found[i] / faces[i]), float(low[i]), float(high[i])),
        )
        for i in np.flatnonzero(faces)
    ]  # fmt: skip
