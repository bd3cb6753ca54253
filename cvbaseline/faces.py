"""Faces cut out of pictures and normalised: margin, square, resized to one size, equalised."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cvbaseline.boxes import as_boxes
from cvbaseline.errors import UserError, require
from cvbaseline.options import option

LARGEST_CROP = 100_000_000  # pixels, before it is resized


@dataclass(frozen=True, kw_only=True)
class CropOptions:
    """How a face is cut out and normalised; a model keeps the options it was trained with."""

    size: int = option(64, "side of the crops in pixels", metavar="PIXELS")
    margin: float = option(
        0.1,
        "added on every side, as a share of the box; below 0 cuts into the box",
        metavar="SHARE",
    )
    square: bool = option(
        True, "crop squares around the boxes; --no-square squeezes a box that is none to the size"
    )
    equalise: Literal["none", "histogram", "clahe"] = option(
        "none", "even out the contrast: over the whole crop, or locally (clahe)"
    )

    def __post_init__(self) -> None:
        require(8 <= self.size <= 1024, f"size must be 8 to 1024 pixels, got {self.size}")
        require(-0.4 <= self.margin <= 2, f"margin must be -0.4 to 2, got {self.margin}")
        allowed = ("none", "histogram", "clahe")
        require(
            self.equalise in allowed,
            f"equalise must be one of {', '.join(allowed)}, got {self.equalise!r}",
        )
        # Verbs inherit from several options classes; each checks its own values.
        getattr(super(), "__post_init__", lambda: None)()


def crop_faces(grey: np.ndarray, boxes: np.ndarray, options: CropOptions) -> np.ndarray:
    """Cut faces out of a picture and normalise them.

    Where a crop reaches over the picture's edge, the edge's pixels are repeated.

    Parameters
    ----------
    grey : uint8 (h, w)
    boxes : int (n, 4): x, y, width, height in pixels; each has at least a pixel in the picture

    Returns
    -------
    uint8 (n, size, size)

    Raises UserError for a box without a pixel in the picture, or of absurd size.
    """
    crops = np.empty((len(as_boxes(boxes)), options.size, options.size), np.uint8)
    for crop, box in zip(crops, as_boxes(boxes).tolist()):
        rows, columns = crop_region(box, grey.shape, options)
        cut = grey[np.ix_(rows, columns)]
        crop[:] = equalise(resize(cut, options.size), options.equalise)
    return crops


def crop_region(
    box: list[int], shape: tuple[int, ...], options: CropOptions
) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the columns of the picture that a crop takes, with repeats at the edges."""
    x, y, width, height = box
    if width < 1 or height < 1 or not (-width < x < shape[1] and -height < y < shape[0]):
        raise UserError(
            f"box {x} {y} {width} {height} has no pixel in the {shape[1]} x {shape[0]} picture"
        )
    across = down = max(width, height)
    if not options.square:
        across, down = width, height
    # Whole pixels, counted from the box's corner: the same box gives the same crop anywhere.
    left = x - round((across - width) / 2 + options.margin * across)
    top = y - round((down - height) / 2 + options.margin * down)
    across = max(1, round(across * (1 + 2 * options.margin)))
    down = max(1, round(down * (1 + 2 * options.margin)))
    if across * down > LARGEST_CROP:
        raise UserError(f"box {x} {y} {width} {height} is too large for a crop")
    rows = np.clip(np.arange(top, top + down), 0, shape[0] - 1)
    columns = np.clip(np.arange(left, left + across), 0, shape[1] - 1)
    return rows, columns


def resize(grey: np.ndarray, size: int) -> np.ndarray:
    """A picture as size x size: by areas when it shrinks both ways, else linearly."""
    import cv2

    shrinks = min(grey.shape) >= size
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(grey, (size, size), interpolation=interpolation)


def equalise(grey: np.ndarray, how: Literal["none", "histogram", "clahe"]) -> np.ndarray:
    """Even out the contrast: histogram equalisation, or contrast-limited adaptive (clahe)."""
    if how == "histogram":
        import cv2

        return cv2.equalizeHist(grey)
    if how == "clahe":
        from skimage.exposure import equalize_adapthist

        return np.rint(equalize_adapthist(grey) * 255).astype(np.uint8)
    return grey
