"""Rows of numbers as the faces that they hold: scikit-learn's X, read as pictures.

And the faces as networks want them.
"""

import math
from typing import Optional

import cv2
import numpy as np

SMALLEST_PICTURE = 64


def holds_pictures(X: np.ndarray) -> bool:
    """Whether rows are long enough for pictures; shorter ones are plain numbers."""
    return X.shape[1] >= SMALLEST_PICTURE


def as_pictures(
    X: np.ndarray, shape: Optional[tuple[int, int]] = None, fitting: bool = False
) -> np.ndarray:
    """The faces in rows of pixels from 0 to 255.

    Parameters
    ----------
    X : (n, height * width), of any number type
    shape : (height, width); None means that the faces are square
    fitting : refuse pixels that run from 0 to 1, which make black pictures

    Returns
    -------
    uint8 (n, height, width)

    Raises ValueError when the rows do not have that many pixels.
    """
    height, width = shape or (math.isqrt(X.shape[1]),) * 2
    if height * width != X.shape[1]:
        raise ValueError(
            f"rows of {X.shape[1]} numbers are no pictures of {height} x {width} pixels: "
            "set shape=(height, width)"
        )
    if fitting and X.dtype.kind == "f" and X.max() <= 1:
        raise ValueError("pixels run from 0 to 255; these do not exceed 1: multiply by 255")
    return np.clip(np.rint(X), 0, 255).astype(np.uint8).reshape(-1, height, width)


def square_faces(
    X: np.ndarray, size: int, shape: Optional[tuple[int, int]] = None, fitting: bool = False
) -> np.ndarray:
    """The faces in rows, resized to uint8 (n, size, size): by areas when they shrink.

    ValueError as in `as_pictures`, and when rows are too short for pictures.
    """
    if not holds_pictures(X):
        raise ValueError(f"rows of {X.shape[1]} numbers hold no picture")
    faces = as_pictures(X, shape, fitting)
    if faces.shape[1:] == (size, size):
        return faces
    method = cv2.INTER_AREA if faces.shape[1] > size else cv2.INTER_LINEAR
    return np.stack([cv2.resize(face, (size, size), interpolation=method) for face in faces])


def network_input(faces: np.ndarray) -> np.ndarray:
    """Faces, uint8 (n, side, side), as the network wants them: float32 (n, side, side, 1)."""
    return ((faces.astype(np.float32) - 128) / 64)[..., None]


def middles(faces: np.ndarray, margin: float) -> np.ndarray:
    """Faces, uint8 (n, side, side), without so much of the side at each edge, as large as before."""
    if margin == 0:
        return faces
    side, part = faces.shape[1], 1 - 2 * margin
    shift = (side - 1) / 2 * (1 - part)
    affine = np.array([[part, 0, shift], [0, part, shift]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = [cv2.warpAffine(face, affine, (side, side), flags=flags) for face in faces]
    return np.stack(cut) if cut else faces
