"""Backgrounds of samples: the pictures of bg.txt in random order, and windows of them.

The order of random draws is that of OpenCV 3.4's opencv_createsamples.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Optional

import numpy as np

from cvbaseline.errors import PictureError, UserError
from cvbaseline.formats.annotations import ListedPicture, resolve_picture
from cvbaseline.old_tools.multiply_with_carry import MultiplyWithCarry
from cvbaseline.old_tools.opencv_grey import read_grey_as_opencv
from cvbaseline.training.old_rules import levels, window_corners

RAND_MAX = 2**31 - 1


class Backgrounds:
    """The pictures of bg.txt, one after the other at random.

    Parameters
    ----------
    listed : the lines of bg.txt, in order
    source : bg.txt, to whose folder its paths are relative (the working directory comes second)
    smallest : width and height that a picture must have
    tell : gets a line for each picture that cannot be used, once
    """

    def __init__(
        self,
        listed: list[ListedPicture],
        source: Path,
        smallest: tuple[int, int],
        random: MultiplyWithCarry,
        tell: Callable[[str], None],
    ):
        self.listed, self.source, self.smallest = listed, source, smallest
        self.random, self.tell = random, tell
        self.unusable: set[int] = set()

    def draw(self) -> np.ndarray:
        """A picture, uint8 (h, w); raises UserError when there is none that can be used."""
        while len(self.unusable) < len(self.listed):
            number = self.random.whole(0, RAND_MAX) % len(self.listed)
            if number not in self.unusable:
                grey = self._read(number)
                if grey is not None:
                    return grey
        raise UserError(f"no picture that {self.source} lists can be used as a background")

    def windows(self, width: int, height: int) -> Iterator[np.ndarray]:
        """Windows without end, uint8 (height, width): all of a picture, then the next picture."""
        grey = self.draw()
        while True:
            places = [
                (level, x, y)
                for level in levels(grey, (0, 0), width, height)
                for x, y in window_corners(level.shape, (0, 0), width, height)
            ]
            for left, (level, x, y) in zip(reversed(range(len(places))), places):
                if left == 0:  # the next picture is drawn before the last window is used
                    grey = self.draw()
                yield level[y : y + height, x : x + width]

    def _read(self, number: int) -> Optional[np.ndarray]:
        """The picture of a line, or None, which is told, when it cannot be used."""
        line, name = self.listed[number]
        path = resolve_picture(name, self.source.parent, Path())
        try:
            grey = read_grey_as_opencv(path)
            height, width = grey.shape
            if width >= self.smallest[0] and height >= self.smallest[1]:
                return grey
            why = f"{path} has {width} x {height} pixels, fewer than {self.smallest}"
        except PictureError as error:
            why = str(error)
        self.unusable.add(number)
        self.tell(f"{self.source}, line {line}: left out: {why}")
        return None
