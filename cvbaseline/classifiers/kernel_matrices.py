"""The large matrices of a kernel machine, made piece by piece: kernels, principal directions."""

from collections.abc import Callable, Iterator
from typing import Optional

import numpy as np
from scipy.linalg import eigh

ROWS_AT_ONCE = 1024  # or columns: few enough for the cache, many enough for the processor
ITERATIONS = 3
SPARE_DIRECTIONS = 20


def slices(rows: int) -> Iterator[slice]:
    """Pieces of so many rows or columns that are worked on at once."""
    for start in range(0, rows, ROWS_AT_ONCE):
        yield slice(start, start + ROWS_AT_ONCE)


def principal_directions(
    part: Callable[[slice], np.ndarray],
    weights: np.ndarray,
    columns: int,
    count: int,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """The `count` directions of largest variance, float32 (c, d), and these variances (c,).

    By subspace iteration from random directions (Halko, Martinsson & Tropp, SIAM Review 2011):
    the last few directions are approximate, and no matrix of d x d is made.

    Parameters
    ----------
    part : the centred rows of a slice, float (m, d)
    weights : (n,), of all rows
    columns : d
    count : at most; never more directions than there are rows or columns
    """
    count = min(count, len(weights), columns)
    sought = min(count + SPARE_DIRECTIONS, len(weights), columns)
    weights = weights.astype(np.float32)[:, None]

    def times_scatter(directions: np.ndarray) -> np.ndarray:
        product = np.zeros(directions.shape, np.float32)
        for rows in slices(len(weights)):
            centred = part(rows).astype(np.float32, copy=False)
            product += centred.T @ (weights[rows] * (centred @ directions))
        return product

    start = np.random.default_rng(seed).normal(size=(columns, sought)).astype(np.float32)
    basis, _ = np.linalg.qr(times_scatter(start))
    for _ in range(ITERATIONS):
        basis, _ = np.linalg.qr(times_scatter(basis))
    small = (basis.T @ times_scatter(basis)).astype(np.float64)
    values, vectors = eigh((small + small.T) / 2, subset_by_index=(sought - count, sought - 1))
    directions = vectors[:, ::-1].T.astype(np.float32) @ basis.T
    peaks = directions[np.arange(count), np.abs(directions).argmax(axis=1)]
    return directions * np.sign(peaks)[:, None], values[::-1] / weights.sum()


def gaussian_kernel(
    points: np.ndarray, others: np.ndarray, factor: float, signs: Optional[np.ndarray] = None
) -> np.ndarray:
    """exp(-factor * squared distance) of points (n, c) and others (m, c): (n, m) of their type.

    signs : 1 or -1 (c,): the mean of this and the kernel of the points times the signs. The two
        differ in how the coordinates of sign -1 count, so they cost one matrix product, not two.

    The squared lengths stand beside the coordinates, so that one matrix product makes all sums.
    """
    factor = float(factor)  # a numpy scalar would make everything double
    lengths = -factor * (points * points).sum(axis=1, keepdims=True)
    others_lengths = -factor * (others * others).sum(axis=1, keepdims=True)
    points = 2 * factor * points
    same = slice(None) if signs is None else signs > 0
    left = np.concatenate([points[:, same], lengths, np.ones_like(lengths)], axis=1)
    right = [others[:, same], np.ones_like(others_lengths), others_lengths]
    kernel = left @ np.concatenate(right, axis=1).T
    if signs is None:
        return _exponentials(kernel)
    turned = points[:, ~same] @ others[:, ~same].T
    mirrored = _exponentials(kernel - turned)
    kernel += turned
    return np.divide(np.add(_exponentials(kernel), mirrored, out=kernel), 2, out=kernel)


def _exponentials(exponents: np.ndarray) -> np.ndarray:
    """exp in place of exponents that are not above 0 but for roundings."""
    return np.exp(np.minimum(exponents, 0, out=exponents), out=exponents)


def symmetrise(matrix: np.ndarray) -> None:
    """Replace a square matrix by the mean of itself and its transpose, piece by piece."""
    for rows in slices(len(matrix)):
        for columns in slices(rows.stop - ROWS_AT_ONCE + 1):
            mean = (matrix[rows, columns] + matrix[columns, rows].T) / 2
            matrix[rows, columns] = mean
            matrix[columns, rows] = mean.T
