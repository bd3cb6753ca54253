"""One picture scanned for the windows that a cascade accepts: its pyramid, a grid, the hits."""

from typing import NamedTuple

import cv2
import numpy as np

from cvbaseline.evaluation.evaluator import PackedCascade, judge_places
from cvbaseline.evaluation.integral import integral_image
from cvbaseline.training.pictures import Picture

# Between the levels of a pyramid. Neighbouring scales show the same things: with 1.25 the negatives
# repeated each other, and recall at equal false boxes was .01 to .02 lower.
SCALE_STEP = 2.0


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
    judged: int  # of those scanned, all but the flat ones that a Haar detector rejects unseen


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
        return Hits(np.zeros((0, height, width), np.uint8), 0, 0, 0)
    canvas = draw_canvas(picture.grey, levels)
    columns = canvas.shape[1] + 1  # of the integral image
    every = np.concatenate(
        [level_places(level, picture.boxes, grid, width, height, columns) for level in levels]
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
    judged = int((verdicts.stages >= 0).sum())
    return Hits(stack, len(hits), len(every), judged)
