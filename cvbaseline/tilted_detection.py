"""Copies of a picture turned by some degrees, and boxes found in them brought back.

A cascade finds faces that are upright, give or take some 15 degrees. In a turned copy a tilted
face is upright; its box becomes the box of the same size about the same centre in the picture.
"""

import numpy as np


def turned_copy(grey: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """The picture turned counter-clockwise about its centre, whole.

    Around it the pixels of its edges go on: borders to a plain ground would look like something.

    Parameters
    ----------
    grey : uint8 (h, w)

    Returns
    -------
    uint8 (h', w'), and float64 (2, 3): the affine map from the picture's pixels to the copy's
    """
    import cv2

    height, width = grey.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    cosine, sine = np.abs(turn[0, :2])
    size = (
        int(np.ceil(width * cosine + height * sine - 1e-6)),
        int(np.ceil(width * sine + height * cosine - 1e-6)),
    )
    turn[:, 2] += (np.array(size) - (width, height)) / 2
    border = cv2.BORDER_REPLICATE
    return cv2.warpAffine(grey, turn, size, flags=cv2.INTER_LINEAR, borderMode=border), turn


def turned_back(
    boxes: np.ndarray, turn: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of a turned copy as boxes of the picture, cut off at its edges.

    Parameters
    ----------
    boxes : int (n, 4)
    turn : from `turned_copy`
    shape : height and width of the picture

    Returns
    -------
    int32 (n, 4), and bool (n,): whether the box's centre lies in the picture
    """
    sides = boxes[:, 2:].astype(np.float64)
    # A box from pixel x on with w pixels has its middle at x + (w - 1) / 2.
    middles = boxes[:, :2] + (sides - 1) / 2 - turn[:, 2]
    middles = middles @ turn[:, :2]  # a rotation's inverse is its transpose
    limits = np.array([shape[1], shape[0]], np.float64)
    inside = np.all((middles >= 0) & (middles <= limits - 1), axis=1)
    first = np.rint(middles - (sides - 1) / 2)
    last = np.clip(first + sides, 1, limits)
    first = np.clip(first, 0, limits - 1)
    cut = np.concatenate([first, np.maximum(last - first, 1)], axis=1)
    return cut.astype(np.int32), inside
