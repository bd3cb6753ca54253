"""Where a stage's positives come from: crops, annotated pictures and .vec files, varied or not.

Every stage is trained on windows that the cascade so far accepts; what it misses is lost to it.
"""

from concurrent.futures import Executor
from pathlib import Path
from typing import Callable, NamedTuple, Optional, Protocol

import cv2
import numpy as np

from cvbaseline.cascade import Cascade
from cvbaseline.errors import PictureError, UserError
from cvbaseline.evaluation.evaluator import passes
from cvbaseline.formats.annotations import load_info, resolve_picture
from cvbaseline.formats.vec import load_vec
from cvbaseline.images import find_pictures, read_grey
from cvbaseline.training.augmentation import (
    STRENGTHS,
    Chip,
    Strength,
    cut_window,
    draw_variations,
    render_windows,
)
from cvbaseline.training.options import CascadeTrainingOptions

# First entries of a generator's seed: one for each purpose, so that no two share their numbers.
SEED_HOLD_OUT, SEED_CHECK, SEED_POSITIVES = 11, 12, 13

# A face seen less than once in so many draws is not worth going on for.
MAX_ROUNDS = 20

# Pixels beyond the window's place that turning and shifting can bring in, in sides of the place.
CONTEXT = 0.3

# A chip holds at most this many pixels for a window's pixel: enough for smooth turning.
CHIP_DETAIL = 2.5


class Sampled(NamedTuple):
    """What a reader found for a stage."""

    windows: np.ndarray  # uint8 (n, height, width)
    examined: int  # how many windows were looked at to find them
    passed: int  # how many of those the cascade so far accepts (may exceed n)
    kept: int = 0  # windows of the former stage among them, beside those examined


class PositiveReader(Protocol):
    """Finds positives that the cascade so far accepts."""

    def read(self, stage: int, cascade: Cascade, count: int) -> Sampled:
        """At most `count` positives for the stage of that number."""


def fit_chip(chip: Chip, width: int, height: int) -> Chip:
    """The chip with no more surroundings and no more pixels than a window of that size needs."""
    x, y = chip.x - CONTEXT * chip.width, chip.y - CONTEXT * chip.height
    rows, columns = chip.grey.shape
    left, top = max(0, int(x)), max(0, int(y))
    right = min(columns, int(np.ceil(chip.x + (1 + CONTEXT) * chip.width)))
    bottom = min(rows, int(np.ceil(chip.y + (1 + CONTEXT) * chip.height)))
    grey = chip.grey[top:bottom, left:right]
    detail = min(chip.width / width, chip.height / height)
    x, y = chip.x - left, chip.y - top
    if detail <= CHIP_DETAIL:
        return Chip(grey.copy(), x, y, chip.width, chip.height)
    smaller = (
        max(1, round(grey.shape[1] * CHIP_DETAIL / detail)),
        max(1, round(grey.shape[0] * CHIP_DETAIL / detail)),
    )
    across, down = smaller[0] / grey.shape[1], smaller[1] / grey.shape[0]
    reduced = cv2.resize(grey, smaller, interpolation=cv2.INTER_AREA)
    return Chip(reduced, x * across, y * down, chip.width * across, chip.height * down)


class ChipReader:
    """Reads the sources of positives as chips; what cannot be used is told and left out.

    A chip that is not going to be varied is its window already.
    """

    def __init__(
        self, options: CascadeTrainingOptions, threads: Executor, tell: Callable[[str], None]
    ):
        self.options = options
        self.threads = threads
        self.tell = tell

    def read(self, sources: list[Path]) -> list[Chip]:
        """The chips of all sources; raises UserError when there is none."""
        chips: list[Chip] = []
        for source in sources:
            chips += self._read_source(source)
        if not chips:
            raise UserError(
                f"no positive in {', '.join(map(str, sources))}: give a folder of crops, an "
                "info.dat with boxes or a .vec"
            )
        return chips

    def _read_source(self, source: Path) -> list[Chip]:
        if source.is_dir():
            return self._chips([(path, None) for path in find_pictures(source)])
        if not source.exists():
            raise UserError(f"{source} does not exist: name a folder, an info.dat or a .vec")
        if source.suffix.lower() == ".vec":
            vec = load_vec(source, self.options.width, self.options.height)
            if vec.claimed > len(vec.samples):
                self.tell(
                    f"{source} says {vec.claimed} samples and holds {len(vec.samples)}: "
                    "going on with those"
                )
            height, width = vec.samples.shape[1:]
            return [Chip(sample, 0, 0, width, height) for sample in vec.samples]
        return self._chips(
            [
                (resolve_picture(annotation.path, source.parent, Path()), annotation.boxes)
                for annotation in load_info(source)
                if len(annotation.boxes)
            ]
        )

    def _chips(self, places: list[tuple[Path, Optional[np.ndarray]]]) -> list[Chip]:
        """The chips of pictures with boxes, or of whole pictures where there are none."""
        chips = []
        for found, problems in self.threads.map(self._read_picture, places):
            chips += found
            for problem in problems:
                self.tell(f"left out: {problem}")
        return chips

    def _read_picture(
        self, place: tuple[Path, Optional[np.ndarray]]
    ) -> tuple[list[Chip], list[str]]:
        """A picture's chips, and what is wrong with the rest."""
        path, boxes = place
        try:
            grey = read_grey(path)
        except PictureError as error:
            return [], [str(error)]
        rows, columns = grey.shape
        chips, problems = [], []
        for box in [[0, 0, columns, rows]] if boxes is None else boxes.tolist():
            x, y, width, height = box
            if min(width, height, x + width, y + height, columns - x, rows - y) < 1:
                problems.append(f"box {box} lies outside {path} ({columns}x{rows} pixels)")
            else:
                chips.append(self._place(grey, x, y, width, height))
        return chips, problems

    def _place(self, grey: np.ndarray, x: float, y: float, width: float, height: float) -> Chip:
        """The window's place within a crop or box, after window_share and window_centre."""
        share, (across, down) = self.options.window_share, self.options.window_centre
        chip = Chip(
            grey, x + width * (across - share / 2), y + height * (down - share / 2),
            width * share, height * share,
        )  # fmt: skip
        size = (self.options.width, self.options.height)
        if self.options.augment == "none":
            return Chip(cut_window(chip, *size), 0, 0, *size)
        return fit_chip(chip, *size)


def split_chips(chips: list[Chip], share: float, seed: int) -> tuple[list[Chip], list[Chip]]:
    """Chips to train on and chips held out, both in their order; at least one is trained on."""
    order = np.random.default_rng([SEED_HOLD_OUT, seed]).permutation(len(chips))
    held_out = set(order[: int(share * len(chips))].tolist())
    return (
        [chip for index, chip in enumerate(chips) if index not in held_out],
        [chips[index] for index in sorted(held_out)],
    )


class FixedPositives:
    """The same windows for every stage, in their order: the first ones that pass are taken."""

    def __init__(self, windows: np.ndarray):
        self.windows = windows

    def read(self, stage: int, cascade: Cascade, count: int) -> Sampled:
        """At most `count` windows that pass."""
        good = np.flatnonzero(passes(cascade, self.windows))
        taken = good[:count]
        examined = int(taken[-1]) + 1 if len(good) >= count > 0 else len(self.windows)
        return Sampled(self.windows[taken], examined, len(taken))


class VariedPositives:
    """New variations for every stage, drawn in rounds over all chips until there are enough."""

    def __init__(
        self,
        chips: list[Chip],
        size: tuple[int, int],
        strength: Strength,
        mirror: bool,
        seed: int,
        threads: Executor,
    ):
        self.chips = chips
        self.width, self.height = size
        self.strength = strength
        self.mirror = mirror
        self.seed = seed
        self.threads = threads

    def draw(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """`count` varied windows, uint8 (count, height, width), in turns over all chips."""
        turns = -(-count // len(self.chips))
        chips = np.concatenate([generator.permutation(len(self.chips)) for _ in range(turns)])
        chips = chips[:count]
        variations = draw_variations(chips, self.strength, self.mirror, generator)
        return render_windows(self.chips, variations, self.width, self.height, self.threads)

    def read(self, stage: int, cascade: Cascade, count: int) -> Sampled:
        """At most `count` windows that pass."""
        parts, found, examined = [np.zeros((0, self.height, self.width), np.uint8)], 0, 0
        for number in range(MAX_ROUNDS):
            seed = [SEED_POSITIVES, self.seed, stage, number]
            windows = self.draw(count, np.random.default_rng(seed))
            good = np.flatnonzero(passes(cascade, windows))[: count - found]
            parts.append(windows[good])
            found += len(good)
            if found == count:
                examined += int(good[-1]) + 1
                break
            examined += count
        return Sampled(np.concatenate(parts), examined, found)


def cut_windows(chips: list[Chip], width: int, height: int, mirror: bool) -> np.ndarray:
    """The chips' places as they are, uint8 (n, height, width), then their mirror images."""
    windows = [cut_window(chip, width, height) for chip in chips]
    stack = np.stack(windows) if windows else np.zeros((0, height, width), np.uint8)
    return np.concatenate([stack, stack[:, :, ::-1]]) if mirror else stack


class PositiveSet(NamedTuple):
    """What the options' positives become."""

    reader: PositiveReader
    available: int  # faces to train on, before variation
    check: np.ndarray  # uint8 (n, height, width): windows never trained on, to measure hit rates
    held_out: bool  # whether these show faces held out, or new variations of trained ones


def load_positives(
    options: CascadeTrainingOptions, threads: Executor, tell: Callable[[str], None]
) -> PositiveSet:
    """Read, split and vary as the options say; raises UserError when there is no positive."""
    chips, held_out = split_chips(
        ChipReader(options, threads, tell).read(options.positives), options.hold_out, options.seed
    )
    size = (options.width, options.height)
    if options.augment == "none":
        fixed = FixedPositives(cut_windows(chips, *size, options.mirror))
        check = cut_windows(held_out, *size, mirror=False)
        return PositiveSet(fixed, len(fixed.windows), check, True)
    strength = STRENGTHS[options.augment]
    reader = VariedPositives(chips, size, strength, options.mirror, options.seed, threads)
    shown = VariedPositives(
        held_out or chips, size, strength, options.mirror, options.seed, threads
    )
    seed = [SEED_CHECK, options.seed]
    check = shown.draw(max(1000, 2 * len(held_out)), np.random.default_rng(seed))
    return PositiveSet(reader, len(chips), check, bool(held_out))
