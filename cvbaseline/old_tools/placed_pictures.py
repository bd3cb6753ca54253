"""Test pictures: whole backgrounds with the distorted object somewhere on them, its box known."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cvbaseline.old_tools.sample_backgrounds import Backgrounds
from cvbaseline.old_tools.sample_distortion import Distorter

WIDEST = np.float32(0.7)  # share of a background that the object takes at most


class PlacedPicture(NamedTuple):
    """A background with the object."""

    number: int  # from 1
    picture: np.ndarray  # uint8 (h, w)
    box: tuple[int, int, int, int]  # x, y, width, height of the object

    @property
    def name(self) -> str:
        """The name that opencv_createsamples gives it."""
        return "_".join(f"{part:04d}" for part in (self.number, *self.box)) + ".jpg"


def place_in_backgrounds(
    distorter: Distorter,
    backgrounds: Backgrounds,
    size: tuple[int, int],
    count: int,
    max_scale: float,
) -> Iterator[PlacedPicture]:
    """At most `count` test pictures; backgrounds too small for a sample of that size give none.

    Parameters
    ----------
    size : width and height of the smallest object
    max_scale : its largest in units of that; below 0, what the first background that is large
        enough allows. A smaller background gets the object as large as it can hold.
    """
    random = distorter.random
    for number in range(1, count + 1):
        grey = backgrounds.draw()
        rows, columns = grey.shape
        room = min(WIDEST * np.float32(columns) / size[0], WIDEST * np.float32(rows) / size[1])
        if max_scale < 0 and room >= 1:
            max_scale = float(room)
        if max_scale < 0 or columns < size[0] or rows < size[1]:
            continue
        scale = random.single(1, max_scale)
        scale = min(scale, np.float32(columns / size[0]), np.float32(rows / size[1]))
        width, height = (int(scale * np.float32(side)) for side in size)
        x = int(random.real(0.1, 0.8) * (columns - width))
        y = int(random.real(0.1, 0.8) * (rows - height))
        place = slice(y, y + height), slice(x, x + width)
        picture = grey.copy()
        picture[place] = distorter.place(grey[place], distorter.draw_inverse(), inscribe=True)
        yield PlacedPicture(number, picture, (x, y, width, height))
