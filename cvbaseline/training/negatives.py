"""Hard negatives: windows of pictures without the object that the cascade so far accepts.

Each stage goes through the pictures in a new seeded order, through each picture's pyramid at a
new scale phase and grid offset, with a grid as coarse as the number of expected hits allows: the
first stages see a little of many pictures, the last ones nearly everything. Windows are unique,
at most `windows_per_picture` of a pass come from one picture, all hits count for the false alarm
rate.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Callable, NamedTuple, Protocol

import numpy as np

from cvbaseline.cascade import Cascade
from cvbaseline.evaluation.evaluator import PackedCascade, pack, passes
from cvbaseline.training.picture_scan import SCALE_STEP, Grid, Hits, scan_picture, window_count
from cvbaseline.training.pictures import Picture, PictureCache
from cvbaseline.training.positives import Sampled

SEED_NEGATIVES = 21

MAX_PASSES = 16
SURE_HITS = 100  # a rate is taken for known once it lets expect so many hits
CHUNK = 32  # pictures between two looks at the clock and the counts
FINEST_GRID = 2  # neighbours one pixel apart are nearly the same window


class NegativeReader(Protocol):
    """Finds negatives that the cascade so far accepts."""

    def read(self, stage: int, cascade: Cascade, count: int) -> Sampled:
        """At most `count` negatives for the stage of that number."""


@dataclass
class _Haul:
    """What a stage's search has brought so far."""

    count: int
    windows: list[np.ndarray]
    seen: set[bytes]
    found: int = 0
    scanned: int = 0
    judged: int = 0

    def add(self, windows: np.ndarray) -> None:
        """Keep the windows that are new."""
        for window in windows:
            key = window.tobytes()
            if key not in self.seen and not self.full:
                self.seen.add(key)
                self.windows.append(window)

    @property
    def full(self) -> bool:
        """Whether there are enough windows."""
        return len(self.windows) >= self.count


class MiningPlan(NamedTuple):
    """What to look for, and how much."""

    width: int  # of the window
    height: int
    max_false_alarm: float  # of a stage: a first guess of how rare hits are
    seed: int = 0
    windows_per_picture: int = 30
    most_scanned: int = 300_000_000  # windows, for the negatives of a stage
    least_rate: float = 0.0  # the search ends once the share of hits is surely not above this


class MinedNegatives:
    """Negatives as this module's head describes them.

    Parameters
    ----------
    cache : the pictures
    plan : window, seed, limits
    threads : they decode and resize
    check_clock : called between chunks; raises when the time is up
    progress : called with a text, how many negatives are there, and how many are wanted
    """

    def __init__(
        self,
        cache: PictureCache,
        plan: MiningPlan,
        threads: Executor,
        check_clock: Callable[[], None] = lambda: None,
        progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    ):
        self.cache = cache
        self.plan = plan
        self.threads = threads
        self.check_clock = check_clock
        self.progress = progress
        # The former stage's negatives: those that the cascade still accepts come first.
        self.former = np.zeros((0, plan.height, plan.width), np.uint8)

    def read(self, stage: int, cascade: Cascade, count: int) -> Sampled:
        """At most `count` negatives.

        `passed` and `examined` are of the windows scanned anew that a stage decides on: flat ones,
        which a Haar detector rejects before its first stage, count neither way.
        """
        haul = _Haul(count, [], set())
        if len(self.former):
            haul.add(self.former[passes(cascade, self.former)])
        kept = len(haul.windows)
        packed = pack(cascade)
        for number in range(MAX_PASSES):
            seed = [SEED_NEGATIVES, self.plan.seed, stage, number]
            order = np.random.default_rng(seed).permutation(len(self.cache)).tolist()
            for start in range(0, len(order), CHUNK):
                if haul.full or self._hopeless(haul):
                    break
                self.check_clock()
                self._scan_chunk(order[start : start + CHUNK], packed, haul, seed)
                self.progress("negatives", len(haul.windows), count)
        self.former = np.stack(haul.windows) if haul.windows else self.former[:0]
        return Sampled(self.former, haul.judged, haul.found, kept)

    def _hopeless(self, haul: _Haul) -> bool:
        """Whether enough was scanned to end without all the windows wanted."""
        expected = self.plan.least_rate * haul.judged
        if expected >= SURE_HITS and haul.found <= expected:
            return True
        return haul.scanned >= self.plan.most_scanned

    def _scan_chunk(
        self, indices: list[int], packed: PackedCascade, haul: _Haul, seed: list[int]
    ) -> None:
        """Scan some pictures, each in a thread of its own.

        Their grids come from the counts before them, so the number of threads changes nothing.
        """
        # Few pictures must give many windows each; of many pictures a few windows do.
        spread = int(np.ceil(2 * haul.count / max(1, self.cache.readable)))
        spread = min(max(1, spread), self.plan.windows_per_picture)
        stages = len(packed.stage_threshold)
        guess = self.plan.max_false_alarm**stages
        rate = (haul.found + 10) / (haul.scanned + 10 / guess)
        # Drawn for all: opening a generator for each picture costs a fifth of a coarse scan.
        draws = np.random.default_rng([*seed, *indices]).random((len(indices), 3))
        draws_of = dict(zip(indices, draws))

        def scan(loaded: tuple[int, Picture]) -> Hits:
            index, picture = loaded
            grid = self._grid(picture, rate, spread, draws_of[index])
            scarce = grid.step <= FINEST_GRID
            quota = self.plan.windows_per_picture if scarce else spread
            return scan_picture(picture, packed, grid, quota, [*seed, index])

        for hits in self.threads.map(scan, self.cache.load(indices, self.threads)):
            haul.found += hits.found
            haul.scanned += hits.scanned
            haul.judged += hits.judged
            haul.add(hits.windows)

    def _grid(self, picture: Picture, rate: float, spread: int, draws: np.ndarray) -> Grid:
        """A grid on which about twice the windows wanted are expected to pass.

        Its phase and offset come from the draws, float64 (3,), each from 0 to 1.
        """
        width, height = self.plan.width, self.plan.height
        expected = rate * window_count(picture.grey.shape, width, height)
        step = int(np.clip(np.sqrt(expected / (2 * spread)), FINEST_GRID, max(width, height)))
        phase, across, down = draws.tolist()
        return Grid(SCALE_STEP**phase, step, (int(across * step), int(down * step)))
