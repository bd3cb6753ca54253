"""Histograms of oriented gradients (Dalal & Triggs, CVPR 2005) of grey faces, by OpenCV.

A scale is (size, cell, directions, block): the face is resized to size x size pixels; in each cell
of cell x cell pixels the gradients are counted by their direction on the whole circle, so that
dark above bright differs from bright above dark; and block x block cells are normalised together
by L2-Hys (length 1, clipped at 0.2, length 1 again). Blocks overlap by all but one cell.
(size, cell) alone is the paper's HOG of pedestrians: `UNSIGNED` directions of the half circle,
and blocks of 2 x 2 cells.

OpenCV shares each pixel among neighbouring directions and cells, and weighs it by a Gaussian
around the block's centre (sigma a quarter of its side); skimage.feature.hog does neither, and
orders the numbers by rows of blocks where OpenCV goes by columns.
"""

from typing import TYPE_CHECKING, Union

import numpy as np

if TYPE_CHECKING:
    import cv2

UNSIGNED = 9
LARGEST_SIZE = 512
LARGEST_LENGTH = 100_000
MOST_DIRECTIONS = 64

Scales = tuple[Union[tuple[int, int], tuple[int, int, int, int]], ...]


def check_scales(scales: object) -> Scales:
    """Scales as tuples of int; ValueError unless a HOG can have them."""
    checked = tuple(tuple(int(number) for number in scale) for scale in scales)
    if not checked or any(len(scale) not in (2, 4) for scale in checked):
        raise ValueError(
            "scales must hold at least one (size, cell) or (size, cell, directions, block)"
        )
    for size, cell, directions, block in map(_parts, checked):
        if cell < 2 or size % cell or not 2 * cell <= size <= LARGEST_SIZE:
            raise ValueError(
                f"a scale of ({size}, {cell}) has no HOG: the size (at most {LARGEST_SIZE}) must "
                "be a multiple of the cell (at least 2), and hold two cells"
            )
        if directions != UNSIGNED and (directions % 2 or not 2 <= directions <= MOST_DIRECTIONS):
            raise ValueError(
                f"a scale's directions must be an even number from 2 to {MOST_DIRECTIONS}, "
                f"not {directions}"
            )
        if not 1 <= block * cell <= size:
            raise ValueError(f"a scale's blocks must be of 1 to {size // cell} cells, not {block}")
    if hog_length(checked) > LARGEST_LENGTH:
        raise ValueError(
            f"scales {checked} make {hog_length(checked)} numbers of a face, at most "
            f"{LARGEST_LENGTH} are possible: use larger cells"
        )
    return checked


def hog_length(scales: Scales) -> int:
    """How many numbers `hog_features` makes of a face."""
    return sum(
        (size // cell - block + 1) ** 2 * block**2 * directions
        for size, cell, directions, block in map(_parts, scales)
    )


def mirror_order(scales: Scales) -> np.ndarray:
    """Where the numbers of the mirror image's HOG stand in a face's own HOG, int (length,).

    `hog_features(mirrored) == hog_features(faces)[:, mirror_order(scales)]`, but for roundings and
    for OpenCV's weights around a block's centre, which lie half a pixel off it.
    """
    orders, start = [], 0
    for scale in scales:
        size, cell, directions, block = _parts(scale)
        blocks, length = size // cell - block + 1, hog_length((scale,))
        # Columns of blocks, rows of blocks, columns of cells, rows of cells, directions.
        places = start + np.arange(length).reshape(blocks, blocks, block, block, directions)
        mirrored = places[::-1, :, ::-1, :, ::-1]
        if directions != UNSIGNED:  # left and right are swapped; up and down are not
            mirrored = np.roll(mirrored, directions // 2, axis=-1)
        orders.append(mirrored.ravel())
        start += length
    return np.concatenate(orders)


def make_descriptor(
    size: int, cell: int, directions: int = UNSIGNED, block: int = 2
) -> "cv2.HOGDescriptor":
    """OpenCV's HOG of a size x size picture; `UNSIGNED` directions are those of the half circle.

    Every parameter is given: the defaults of the gamma correction differ between OpenCV 4 and 5.
    """
    import cv2

    aperture, sigma, l2_hys, clip, gamma, levels = 1, -1, 0, 0.2, False, 64
    side, signed = block * cell, directions != UNSIGNED
    return cv2.HOGDescriptor(
        (size, size), (side, side), (cell, cell), (cell, cell), directions,
        aperture, sigma, l2_hys, clip, gamma, levels, signed,
    )  # fmt: skip


def hog_features(faces: np.ndarray, scales: Scales) -> np.ndarray:
    """Square roots of the HOG of every face at every scale, side by side.

    Parameters
    ----------
    faces : uint8 (n, h, w)
    scales : ((size, cell, directions, block), ...), see above

    Returns
    -------
    float32 (n, `hog_length(scales)`), each in [0, 1]. The root makes the Euclidean distance of
    two histograms Hellinger's (Arandjelovic & Zisserman, CVPR 2012, section 3).
    """
    import cv2

    features = np.empty((len(faces), hog_length(scales)), np.float32)
    start = 0
    for scale in scales:
        descriptor, size = make_descriptor(*scale), scale[0]
        end = start + hog_length((scale,))
        for face, row in zip(faces, features):
            shrinks = size < min(face.shape)
            method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            resized = cv2.resize(face, (size, size), interpolation=method)
            row[start:end] = descriptor.compute(resized).ravel()
        start = end
    return np.sqrt(features, out=features)


def _parts(scale: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Size, cell, directions and block of a scale."""
    return scale if len(scale) == 4 else (*scale, UNSIGNED, 2)
