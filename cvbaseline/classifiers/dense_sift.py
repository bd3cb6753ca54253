"""SIFT descriptors (Lowe, IJCV 2004) on a dense, upright grid, for many faces at once.

A descriptor holds, for 4 x 4 cells around a point, the gradients' magnitude in 8 directions, each
pixel shared linearly among neighbouring cells and directions. With upright cells the sharing is
the product of one weight along the rows and one along the columns: all descriptors of a face are
two matrix products. Square roots of descriptors of sum 1 ("RootSIFT", Arandjelovic & Zisserman,
CVPR 2012) make their Euclidean distance Hellinger's.
"""

import numpy as np

DIRECTIONS = 8
CELLS = 4
LENGTH = DIRECTIONS * CELLS * CELLS
# Grey levels a pixel: added to the mean gradient, so that the noise of flat places stays small.
NOISE = 0.5


def orientation_maps(faces: np.ndarray) -> np.ndarray:
    """The gradients' magnitude, shared between the two nearest directions.

    Parameters
    ----------
    faces : uint8 (n, h, w)

    Returns
    -------
    float32 (n, DIRECTIONS, h, w); direction i is i / 8 of a turn from right towards down
    """
    grey = np.pad(faces.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    dx = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
    dy = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    magnitude = np.hypot(dx, dy) / 2
    turn = np.arctan2(dy, dx) * np.float32(DIRECTIONS / (2 * np.pi)) + DIRECTIONS
    lower = np.floor(turn)
    share = (turn - lower) * magnitude
    first = lower.astype(np.intp) % DIRECTIONS
    maps = np.zeros((len(faces), DIRECTIONS, *faces.shape[1:]), np.float32)
    np.put_along_axis(maps, first[:, None], (magnitude - share)[:, None], axis=1)
    np.put_along_axis(maps, ((first + 1) % DIRECTIONS)[:, None], share[:, None], axis=1)
    return maps


def grid_points(length: int, cell: int, stride: int) -> np.ndarray:
    """Where along an axis descriptors lie whole in the picture, in pixels from its edge."""
    half = CELLS * cell / 2
    return np.arange(half, length - half + 1e-6, stride)


def pooling_matrix(length: int, points: np.ndarray, cell: int) -> np.ndarray:
    """Weights of the pixels along an axis in each cell, float32 (length, CELLS, points).

    A pixel counts linearly less with its distance from the cell's centre, up to one cell; outer
    cells count less by a Gaussian whose sigma is half the descriptor's side.
    """
    offsets = (np.arange(CELLS) - (CELLS - 1) / 2) * cell
    pixels = np.arange(length) + 0.5
    away = np.abs(pixels[:, None, None] - (points + offsets[:, None])) / cell
    window = np.exp(-((offsets / (CELLS * cell / 2)) ** 2) / 2)
    return (np.maximum(0, 1 - away) * window[:, None]).astype(np.float32)


def dense_sift(maps: np.ndarray, cell: int, stride: int) -> np.ndarray:
    """RootSIFT descriptors of `grid_points`, row by row: float32 (n, points, LENGTH).

    Parameters
    ----------
    maps : float32 (n, DIRECTIONS, h, w), see `orientation_maps`
    cell : side of a descriptor's cells in pixels
    stride : pixels between neighbouring descriptors
    """
    count, _, height, width = maps.shape
    x, y = grid_points(width, cell, stride), grid_points(height, cell, stride)
    columns = pooling_matrix(width, x, cell).reshape(width, -1)
    rows = pooling_matrix(height, y, cell).reshape(height, -1)
    pooled = rows.T @ (maps.reshape(-1, width) @ columns).reshape(-1, height, columns.shape[1])
    pooled = pooled.reshape(count, DIRECTIONS, CELLS, len(y), CELLS, len(x))
    pooled = pooled.transpose(0, 3, 5, 2, 4, 1).reshape(count, len(y) * len(x), LENGTH)
    pooled /= pooled.sum(axis=2, keepdims=True) + NOISE * CELLS**2 * cell**2
    return np.sqrt(pooled, out=pooled)


def grid_positions(shape: tuple[int, int], cell: int, stride: int) -> np.ndarray:
    """Where `dense_sift`'s descriptors lie: float32 (points, 3), each from -1/2 to 1/2 or so.

    x and y as shares of the picture from its centre, and the logarithm of the cell's size.
    """
    height, width = shape
    x, y = np.meshgrid(
        grid_points(width, cell, stride) / width - 0.5,
        grid_points(height, cell, stride) / height - 0.5,
    )
    size = np.log2(cell * CELLS / np.sqrt(height * width))
    return np.stack([x.ravel(), y.ravel(), np.full(x.size, size)], axis=1).astype(np.float32)
