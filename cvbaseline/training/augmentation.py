"""Varied windows of the things to find: where they stand, how they are lit, how sharp they are.

A detector meets faces off centre, turned a little, at a scale between its own and in any light;
positives cut to the pixel teach it none of that. A draw is numbers first (`Variations`, all from
one seeded generator), pixels afterwards (`render_windows`), so the result does not depend on the
number of threads.
"""

from concurrent.futures import Executor
from typing import NamedTuple

import cv2
import numpy as np

# How the reduced picture of a detection pyramid came to be is unknown: learn all of them.
RESIZE_FILTERS = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


class Strength(NamedTuple):
    """The spread of each variation."""

    rotation: float  # standard deviation in degrees; three of them at most
    shift: float  # largest shift in window sides
    scale: float  # largest relative change of size
    contrast: float  # largest relative change of contrast
    brightness: float  # largest shift in grey levels
    gamma: float  # largest change of the exponent's logarithm
    blur: float  # largest standard deviation in window pixels
    noise: float  # largest standard deviation in grey levels
    share: float  # share of windows that are blurred, and of those that get noise


STRENGTHS = {
    "weak": Strength(1.5, 0.02, 0.03, 0.1, 8.0, 0.1, 0.4, 2.0, 0.2),
    # For boxes that sit well (`cascade align`): light and blur as strong, the place nearly as weak.
    "medium": Strength(4.0, 0.03, 0.05, 0.3, 20.0, 0.3, 0.8, 6.0, 0.3),
    "strong": Strength(5.0, 0.06, 0.08, 0.3, 20.0, 0.3, 0.8, 6.0, 0.3),
}


class Chip(NamedTuple):
    """A grey picture with the place in it that a window shows."""

    grey: np.ndarray  # uint8 (h, w)
    x: float  # left edge of the window's place, in pixels of `grey`
    y: float
    width: float
    height: float


class Variations(NamedTuple):
    """A row of each array is one window to draw."""

    chip: np.ndarray  # int (n,): index of the chip
    mirrored: np.ndarray  # bool (n,)
    rotation: np.ndarray  # float (n,) in degrees
    scale: np.ndarray  # float (n,): 1.1 shows a tenth more than the chip's place
    shift: np.ndarray  # float (n, 2) in window sides
    contrast: np.ndarray  # float (n,): factor about the mean grey
    brightness: np.ndarray  # float (n,) in grey levels
    gamma: np.ndarray  # float (n,): exponent
    blur: np.ndarray  # float (n,): standard deviation in window pixels, 0 for none
    noise: np.ndarray  # float (n,): standard deviation in grey levels, 0 for none
    noise_seed: np.ndarray  # int (n,)
    filter: np.ndarray  # int (n,): place in RESIZE_FILTERS


def draw_variations(
    chips: np.ndarray, strength: Strength, mirror: bool, generator: np.random.Generator
) -> Variations:
    """Random variations of the chips named by index, int (n,), one for each entry."""
    n = len(chips)

    def spread(limit: float, *shape: int) -> np.ndarray:
        return generator.uniform(-limit, limit, (n, *shape))

    def sometimes(limit: float) -> np.ndarray:
        return generator.uniform(0, limit, n) * (generator.random(n) < strength.share)

    limit = 3 * strength.rotation
    return Variations(
        chip=np.asarray(chips),
        mirrored=(generator.random(n) < 0.5) & mirror,
        rotation=np.clip(generator.normal(0, strength.rotation, n), -limit, limit),
        scale=1 + spread(strength.scale),
        shift=spread(strength.shift, 2),
        contrast=1 + spread(strength.contrast),
        brightness=spread(strength.brightness),
        gamma=np.exp(spread(strength.gamma)),
        blur=sometimes(strength.blur),
        noise=sometimes(strength.noise),
        noise_seed=generator.integers(0, 2**31, n),
        filter=generator.integers(0, len(RESIZE_FILTERS), n),
    )


def cut_window(chip: Chip, width: int, height: int) -> np.ndarray:
    """The chip's place as it is, uint8 (height, width).

    Resized as opencv_createsamples does: by area when the place is at least as large as the
    window both ways, else bilinear with exact arithmetic. Beyond the picture its edge goes on.
    """
    left, top = round(chip.x), round(chip.y)
    right, bottom = round(chip.x + chip.width), round(chip.y + chip.height)
    rows, columns = chip.grey.shape
    beyond = (max(0, -top), max(0, bottom - rows), max(0, -left), max(0, right - columns))
    grey = chip.grey
    if any(beyond):
        grey = cv2.copyMakeBorder(grey, *beyond, cv2.BORDER_REPLICATE)
    place = grey[top + beyond[0] : bottom + beyond[0], left + beyond[2] : right + beyond[2]]
    shrinks = place.shape[0] >= height and place.shape[1] >= width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR_EXACT
    return cv2.resize(place, (width, height), interpolation=how)


def varied_window(chip: Chip, row: Variations, width: int, height: int) -> np.ndarray:
    """One varied window, uint8 (height, width); `row` holds scalars (and shift two of them)."""
    # Drawn finer than the window where the chip has the pixels, then reduced like a pyramid.
    finer = int(np.clip(round(min(chip.width / width, chip.height / height)), 1, 4))
    to_chip = _window_to_chip(chip, row, width, height)
    to_chip[:, :2] /= finer
    to_chip[:, 2] += to_chip[:, :2] @ [0.5, 0.5] - 0.5  # pixel centres on both sides
    drawn = cv2.warpAffine(
        chip.grey, to_chip, (width * finer, height * finer),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    if row.blur > 0:
        drawn = cv2.GaussianBlur(drawn, (0, 0), row.blur * finer)
    if finer > 1:
        how = RESIZE_FILTERS[row.filter]
        drawn = cv2.resize(drawn, (width, height), interpolation=how)
    return _relight(drawn, row)


def _window_to_chip(chip: Chip, row: Variations, width: int, height: int) -> np.ndarray:
    """The affine map, float64 (2, 3), from the window's plane to the chip's, edges at 0."""
    angle = np.deg2rad(row.rotation)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.array([chip.width / width, chip.height / height]) * row.scale
    matrix = turn @ np.diag(stretch * np.array([-1.0 if row.mirrored else 1.0, 1.0]))
    centre = np.array([chip.x + chip.width / 2, chip.y + chip.height / 2])
    centre += row.shift * np.array([chip.width, chip.height])
    offset = centre - matrix @ [width / 2, height / 2]
    return np.column_stack([matrix, offset])


def _relight(window: np.ndarray, row: Variations) -> np.ndarray:
    """Gamma, contrast about the mean, brightness and noise."""
    light = 255 * (window.astype(np.float64) / 255) ** row.gamma
    mean = light.mean()
    light = mean + (light - mean) * row.contrast + row.brightness
    if row.noise > 0:
        noise = np.random.default_rng(int(row.noise_seed)).standard_normal(window.shape)
        light += row.noise * noise
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


def render_windows(
    chips: list[Chip], variations: Variations, width: int, height: int, threads: Executor
) -> np.ndarray:
    """The windows of the variations, uint8 (n, height, width)."""

    def draw(index: int) -> np.ndarray:
        row = Variations(*(column[index] for column in variations))
        return varied_window(chips[row.chip], row, width, height)

    windows = np.empty((len(variations.chip), height, width), np.uint8)
    for index, window in enumerate(threads.map(draw, range(len(windows)))):
        windows[index] = window
    return windows
