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

import cv2
import numpy as np

from cvbaseline.cascade import Cascade
from cvbaseline.evaluation.evaluator import PackedCascade, judge_places, pack, passes
from cvbaseline.evaluation.integral import integral_image
from cvbaseline.training.pictures import Picture, PictureCache
from cvbaseline.training.positives import Sampled

SEED_NEGATIVES = 21

# Between the levels of a pyramid. Neighbouring scales show the same things: with 1.25 the negatives
# repeated each other, and recall at equal false boxes was .01 to .02 lower.
SCALE_STEP = 2.0
MAX_PASSES = 16
SURE_HITS = 100  # a rate is taken for known once it lets expect so many hits
CHUNK = 32  # pictures between two looks at the clock and the counts
FINEST_GRID = 2  # neighbours one pixel apart are nearly the same window


class NegativeReader(Protocol):
    """Finds negatives that the cascade so far accepts."""

    def read(self, stage: int, cascade: Cascade, count: int) -> Sampled:
        """At most `count` negatives for the stage of that number."""


class Grid(NamedTuple):
    """How a picture is scanned."""

    phase: float  # scale of the first level, from 1 to SCALE_STEP
    step: int  # pixels between windows
    offset: tuple[int, int]  # first window, x and y, below step


def window_count(shape: tuple[int, ...], width: int, height: int) -> float:
    """Roughly how many windows a pyramid of a picture of that shape holds at step 1."""
    total, (rows, columns) = 0.0, shape
    while rows >= height and columns >= width:
        total += (rows - height + 1) * (columns - width + 1)
        rows, columns = int(rows / SCALE_STEP), int(columns / SCALE_STEP)
    return total


class Level(NamedTuple):
    """A level of a picture's pyramid, and where it lies on the canvas."""

    scale: float  # the picture's pixels for one of the level's
    x: int
    y: int
    width: int
    height: int


def lay_out(shape: tuple[int, ...], phase: float, width: int, height: int) -> list[Level]:
    """The levels at scales phase, phase * 2, ... that hold a window, on one canvas.

    They stand on shelves as wide as the largest level, each on the first with room for it.
    """
    levels: list[Level] = []
    shelves: list[list[int]] = []  # x of the free part and y, per shelf
    scale, bottom = phase, 0
    while True:
        columns, rows = int(shape[1] / scale), int(shape[0] / scale)
        if columns < width or rows < height:
            return levels
        room = levels[0].width if levels else columns
        shelf = next((shelf for shelf in shelves if shelf[0] + columns <= room), None)
        if shelf is None:
            shelf = [0, bottom]
            shelves.append(shelf)
            bottom += rows
        levels.append(Level(scale, shelf[0], shelf[1], columns, rows))
        shelf[0] += columns
        scale *= SCALE_STEP


def draw_canvas(grey: np.ndarray, levels: list[Level]) -> np.ndarray:
    """The levels on their canvas, resized as detectors do, uint8 (h, w)."""
    bottom = max(level.y + level.height for level in levels)
    canvas = np.zeros((bottom, levels[0].width), np.uint8)
    for level in levels:
        place = canvas[level.y : level.y + level.height, level.x : level.x + level.width]
        if level.scale == 1:
            place[:] = grey
        else:
            size = (level.width, level.height)
            cv2.resize(grey, size, dst=place, interpolation=cv2.INTER_LINEAR_EXACT)
    return canvas


def level_places(
    level: Level, boxes: np.ndarray, grid: Grid, width: int, height: int, columns: int
) -> np.ndarray:
    """The grid's windows on a level that overlap no box, row by row.

    Parameters
    ----------
    boxes : float (n, 4) in pixels of the picture
    columns : of the canvas's integral image

    Returns
    -------
    int64 (n,): y * columns + x of the windows' top left pixels on the canvas
    """
    offset_x = min(grid.offset[0], level.width - width)
    offset_y = min(grid.offset[1], level.height - height)
    xs = np.arange(offset_x, level.width - width + 1, grid.step)
    ys = np.arange(offset_y, level.height - height + 1, grid.step)
    places = ((ys + level.y) * columns)[:, None] + (xs + level.x)
    if not len(boxes):
        return places.ravel()
    return places[~overlaps(xs, ys, boxes / level.scale, width, height)]


def overlaps(
    xs: np.ndarray, ys: np.ndarray, boxes: np.ndarray, width: int, height: int
) -> np.ndarray:
    """Whether each window of a grid has a pixel in common with a box, bool (rows, columns).

    Parameters
    ----------
    xs, ys : of the windows' left and top pixels, (columns,) and (rows,)
    boxes : (n, 4)
    """
    covered = np.zeros((len(ys), len(xs)), bool)
    for x, y, box_width, box_height in boxes:
        across = (xs < x + box_width) & (xs + width > x)
        down = (ys < y + box_height) & (ys + height > y)
        covered |= down[:, None] & across
    return covered


class Hits(NamedTuple):
    """The accepted windows of one picture."""

    windows: np.ndarray  # uint8 (n, height, width), a random choice when there were too many
    found: int
    scanned: int


def scan_picture(
    picture: Picture,
    packed: PackedCascade,
    grid: Grid,
    quota: int,
    seed: list[int],
) -> Hits:
    """Scan a picture's pyramid with the cascade so far and choose at most `quota` of the hits."""
    width, height = packed.width, packed.height
    levels = lay_out(picture.grey.shape, grid.phase, width, height)
    if not levels:
        return Hits(np.zeros((0, height, width), np.uint8), 0, 0)
    canvas = draw_canvas(picture.grey, levels)
    columns = canvas.shape[1] + 1  # of the integral image
    every = np.concatenate(
        [
            level_places(level, picture.boxes, grid, width, height, columns)
            for level in levels
        ]
    )
    verdicts = judge_places(packed, integral_image(canvas, packed.planes), every)
    hits = every[verdicts.stages == len(packed.stage_threshold)]
    chosen = hits
    if len(hits) > quota:
        generator = np.random.default_rng(seed)
        chosen = hits[np.sort(generator.choice(len(hits), quota, replace=False))]
    corners = np.column_stack(np.divmod(chosen, columns)).tolist()
    windows = [canvas[y : y + height, x : x + width] for y, x in corners]
    stack = np.stack(windows) if windows else np.zeros((0, height, width), np.uint8)
    return Hits(stack, len(hits), len(every))


@dataclass
class _Haul:
    """What a stage's search has brought so far."""

    count: int
    windows: list[np.ndarray]
    seen: set[bytes]
    found: int = 0
    scanned: int = 0

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
        """At most `count` negatives; `passed` and `examined` are of the pictures scanned anew."""
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
        return Sampled(self.former, haul.scanned, haul.found, kept)

    def _hopeless(self, haul: _Haul) -> bool:
        """Whether enough was scanned to end without all the windows wanted."""
        expected = self.plan.least_rate * haul.scanned
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
