"""Histograms of oriented gradients (Dalal & Triggs, CVPR 2005) of grey faces, by OpenCV.

A cell's histogram has `BINS` directions of 0 to 180 degrees; blocks of 2 x 2 cells overlap by a
cell and are normalised by L2-Hys (length 1, clipped at 0.2, length 1 again). OpenCV shares each
pixel among neighbouring directions and cells, and weighs it by a Gaussian around the block's
centre (sigma a quarter of its side); skimage.feature.hog does neither, and orders the
numbers by rows of blocks where OpenCV goes by columns.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import cv2

BINS = 9
LARGEST_SIZE = 512
LARGEST_LENGTH = 100_000

Scales = tuple[tuple[int, int], ...]


def check_scales(scales: object) -> Scales:
    """((size, cell), ...) in pixels as tuples of int; ValueError unless a HOG can have them."""
    pairs = tuple((int(size), int(cell)) for size, cell in scales)
    if not pairs:
        raise ValueError("scales must hold at least one (size, cell)")
    for size, cell in pairs:
        if cell < 2 or size % cell or not 2 * cell <= size <= LARGEST_SIZE:
            raise ValueError(
                f"a scale of ({size}, {cell}) has no HOG: the size (at most {LARGEST_SIZE}) must "
                "be a multiple of the cell (at least 2), and hold two cells"
            )
    if hog_length(pairs) > LARGEST_LENGTH:
        raise ValueError(
            f"scales {pairs} make {hog_length(pairs)} numbers of a face, at most {LARGEST_LENGTH} "
            "are possible: use larger cells"
        )
    return pairs


def hog_length(scales: Scales) -> int:
    """How many numbers `hog_features` makes of a face."""
    return sum((size // cell - 1) ** 2 * 4 * BINS for size, cell in scales)


def mirror_order(scales: Scales) -> np.ndarray:
    """Where the numbers of the mirror image's HOG stand in a face's own HOG, int (length,).

    `hog_features(mirrored) == hog_features(faces)[:, mirror_order(scales)]`, but for roundings and
    for OpenCV's weights around a block's centre, which lie half a pixel off it.
    """
    orders, start = [], 0
    for size, cell in scales:
        blocks = size // cell - 1
        places = start + np.arange(blocks**2 * 4 * BINS)
        # Columns of blocks, rows of blocks, columns of cells, rows of cells, directions.
        places = places.reshape(blocks, blocks, 2, 2, BINS)
        orders.append(places[::-1, :, ::-1, :, ::-1].ravel())
        start += places.size
    return np.concatenate(orders)


def make_descriptor(size: int, cell: int) -> "cv2.HOGDescriptor":
    """OpenCV's HOG of a size x size picture.

    Every parameter is given: the defaults of the gamma correction differ between OpenCV 4 and 5.
    """
    import cv2

    aperture, sigma, l2_hys, clip, gamma, levels, signed = 1, -1, 0, 0.2, False, 64, False
    return cv2.HOGDescriptor(
        (size, size), (2 * cell, 2 * cell), (cell, cell), (cell, cell), BINS,
        aperture, sigma, l2_hys, clip, gamma, levels, signed,
    )  # fmt: skip


def hog_features(faces: np.ndarray, scales: Scales) -> np.ndarray:
    """Square roots of the HOG of every face at every scale, side by side.

    Parameters
    ----------
    faces : uint8 (n, h, w)
    scales : ((size, cell), ...): the face is resized to size x size pixels

    Returns
    -------
    float32 (n, `hog_length(scales)`), each in [0, 1]. The root makes the Euclidean distance of
    two histograms Hellinger's (Arandjelovic & Zisserman, CVPR 2012, section 3).
    """
    import cv2

    features = np.empty((len(faces), hog_length(scales)), np.float32)
    start = 0
    for size, cell in scales:
        descriptor = make_descriptor(size, cell)
        end = start + hog_length(((size, cell),))
        for face, row in zip(faces, features):
            shrinks = size < min(face.shape)
            method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            resized = cv2.resize(face, (size, size), interpolation=method)
            row[start:end] = descriptor.compute(resized).ravel()
        start = end
    return np.sqrt(features, out=features)
