"""The order in which opencv_traincascade (3.4.18) takes its samples, and when it stops.

Positives: the .vec from its start for every stage. Negatives: the pictures of bg.txt in their
order, over and over, going on where the stage before stopped; windows half a window apart on
levels that grow by the root of 2 up to the picture's own size; each pass over the list begins one
pixel further. A search ends early when so few windows pass that the goal of the whole training
seems reached; that rule is live from the first window on.
"""

from concurrent.futures import Executor
from typing import NamedTuple

import cv2
import numpy as np

from cvbaseline.cascade import Cascade
from cvbaseline.evaluation.evaluator import PackedCascade, judge, pack, passes
from cvbaseline.evaluation.integral import integral_image
from cvbaseline.training.pictures import PictureCache
from cvbaseline.training.positives import Sampled

LEVEL_STEP = np.float32(np.sqrt(2))
CHUNK = 16  # pictures scanned ahead


class OldPositives:
    """The .vec read from its start: the first windows that pass, as the trainer decides."""

    def __init__(self, samples: np.ndarray):
        self.samples = samples  # uint8 (n, height, width)

    def read(self, stage: int, cascade: Cascade, count: int) -> Sampled:
        """At most `count` samples; `examined` are all up to the last one taken."""
        good = np.flatnonzero(passes(cascade, self.samples, reject_flat=False))
        taken = good[:count]
        examined = int(taken[-1]) + 1 if len(taken) == count else len(self.samples)
        return Sampled(self.samples[taken], examined, len(taken))


def levels(grey: np.ndarray, offset: tuple[int, int], width: int, height: int) -> list[np.ndarray]:
    """A picture's levels, from the smallest that holds a window at the offset to its own size."""
    rows, columns = grey.shape
    scale = max(
        np.float32(width + offset[0]) / np.float32(columns),
        np.float32(height + offset[1]) / np.float32(rows),
    )
    half = np.float32(0.5)
    sizes = [(int(scale * np.float32(columns) + half), int(scale * np.float32(rows) + half))]
    while (scale := scale * LEVEL_STEP) <= 1:
        sizes.append((int(scale * np.float32(columns)), int(scale * np.float32(rows))))
    return [cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR_EXACT) for size in sizes]


def _steps(first: int, side: int, window: int) -> range:
    """Where windows begin along a side: half a window apart, and none that ends at its end."""
    step = window // 2
    count = max(1, -(-(side - int(1.5 * window) - first) // step) + 1)
    return range(first, first + count * step, step)


def window_corners(
    shape: tuple[int, ...], offset: tuple[int, int], width: int, height: int
) -> np.ndarray:
    """The windows of a level in the order they are taken, int (n, 2) as x, y."""
    xs, ys = _steps(offset[0], shape[1], width), _steps(offset[1], shape[0], height)
    return np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)


class _Judged(NamedTuple):
    """A picture's windows, judged."""

    good: np.ndarray  # bool (n,): in order, whether each passes
    windows: np.ndarray  # uint8 (k, height, width): those that pass


def _no_windows(packed: PackedCascade) -> _Judged:
    return _Judged(np.zeros(0, bool), np.zeros((0, packed.height, packed.width), np.uint8))


def _judge_picture(grey: np.ndarray, passes_so_far: int, packed: PackedCascade) -> _Judged:
    """All windows of a picture; none when it is smaller than the window."""
    width, height = packed.width, packed.height
    rows, columns = grey.shape
    if rows < height or columns < width:
        return _no_windows(packed)
    shift = passes_so_far % (width * height)
    offset = (min(shift % width, columns - width), min(shift // width, rows - height))
    # All levels below each other are one picture to judge.
    pyramid = levels(grey, offset, width, height)
    canvas = np.zeros((sum(len(level) for level in pyramid), pyramid[-1].shape[1]), np.uint8)
    corners, top = [], 0
    for level in pyramid:
        canvas[top : top + len(level), : level.shape[1]] = level
        corners.append(window_corners(level.shape, offset, width, height) + (0, top))
        top += len(level)
    every = np.concatenate(corners)
    verdicts = judge(packed, integral_image(canvas, packed.planes), every)
    good = verdicts.stages == len(packed.stage_threshold)
    chosen = [canvas[y : y + height, x : x + width] for x, y in every[good].tolist()]
    windows = np.stack(chosen) if chosen else np.zeros((0, height, width), np.uint8)
    return _Judged(good, windows)


class OldNegatives:
    """The pictures of bg.txt, over and over; the search goes on where it stopped.

    Parameters
    ----------
    cache : the pictures, in their order
    width, height : of the window in pixels
    least_rate : the search ends once (found + 1) / examined is not above this
    threads : they scan ahead
    """

    def __init__(
        self, cache: PictureCache, width: int, height: int, least_rate: float, threads: Executor
    ):
        self.cache = cache
        self.width = width
        self.height = height
        self.least_rate = least_rate
        self.threads = threads
        self.visited = 0  # pictures left behind, over all passes
        self.window = 0  # windows left behind in the picture where the search stands

    def read(self, stage: int, cascade: Cascade, count: int) -> Sampled:
        """At most `count` windows; fewer when the rate falls too low or no picture will do."""
        packed = pack(cascade, reject_flat=False)
        taken = [np.zeros((0, self.height, self.width), np.uint8)]
        found = examined = barren = 0
        while barren < len(self.cache):
            for judged in self._ahead(packed):
                good = judged.good[self.window :]
                used, ended = self._used(good, found, examined, count)
                new = int(good[:used].sum())
                first = int(judged.good[: self.window].sum())
                taken.append(judged.windows[first : first + new])
                found, examined = found + new, examined + used
                if ended:
                    self.window += used
                    return Sampled(np.concatenate(taken), examined, found)
                self.visited, self.window = self.visited + 1, 0
                barren = 0 if len(good) else barren + 1
        return Sampled(np.concatenate(taken), examined, found)

    def _used(self, good: np.ndarray, found: int, examined: int, count: int) -> tuple[int, bool]:
        """How many of a picture's windows are looked at, and whether the search ends among them."""
        before = found + np.concatenate([[0], np.cumsum(good)])[:-1]  # found before each window
        looked = examined + np.arange(len(good))
        scarce = (looked > 0) & (before + 1 <= self.least_rate * looked)
        ends = np.flatnonzero((before >= count) | scarce)
        return (int(ends[0]), True) if len(ends) else (len(good), False)

    def _ahead(self, packed: PackedCascade) -> list[_Judged]:
        """The next pictures, judged; one that cannot be read has no windows."""
        total = len(self.cache)
        numbers = range(self.visited, self.visited + CHUNK)
        indices = [number % total for number in numbers]
        loaded = dict(self.cache.load(sorted(set(indices)), self.threads))

        def scan(number: int) -> _Judged:
            picture = loaded.get(number % total)
            if picture is None:
                return _no_windows(packed)
            # The old tool counts a pass over the list before it scans the pass's last picture.
            return _judge_picture(picture.grey, (number + 1) // total, packed)

        return list(self.threads.map(scan, numbers))
