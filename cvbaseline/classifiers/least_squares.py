"""Least-squares support vector machines (Suykens & Vandewalle 1999), with left-out scores.

One machine a class against the rest, all at once: minimise

    sum_i w_i |y_i - z_i B|^2 + |B|^2 / C,    y_i = +1 at the row's class and -1 elsewhere,

which has the closed solution A B = Z' W Y with A = Z' W Z + I / C. The scores that a row would
have got from a fit without it (and without its whole group G) follow without fitting again
(Cook 1977; An, Liu & Venkatesh, Pattern Recognition 2007):

    y_G - scores_G = (I - H_GG)^-1 (y_G - z_G B),    H_GG = Z_G A^-1 Z_G' W_G.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular


class LeastSquaresFit(NamedTuple):
    """Coefficients B, and the scores of every row as if its group had not been there."""

    coefficients: np.ndarray  # float64 (m, k)
    left_out_scores: np.ndarray  # float64 (n, k)


def fit_least_squares(
    features: np.ndarray, labels: np.ndarray, weights: np.ndarray, groups: np.ndarray, C: float
) -> LeastSquaresFit:
    """One against the rest, in closed form.

    Parameters
    ----------
    features : float64 (n, m); a column of ones makes the bias
    labels : int (n,), from 0 to k - 1
    weights : float64 (n,), positive
    groups : int (n,), equal for rows that must not vouch for each other
    C : how much an error costs beside the size of the coefficients
    """
    classes = labels.max() + 1
    targets = np.where(labels[:, None] == np.arange(classes), 1.0, -1.0)
    weighted = features * weights[:, None]
    matrix = features.T @ weighted
    matrix[np.diag_indices(len(matrix))] += 1 / C
    lower = cholesky(matrix, lower=True)
    half = solve_triangular(lower, weighted.T @ targets, lower=True)
    coefficients = solve_triangular(lower, half, lower=True, trans="T")
    residuals = targets - features @ coefficients
    whitened = solve_triangular(lower, features.T, lower=True).T
    return LeastSquaresFit(
        coefficients, targets - left_out_residuals(residuals, whitened, weights, groups)
    )


def left_out_residuals(
    residuals: np.ndarray, whitened: np.ndarray, weights: np.ndarray, groups: np.ndarray
) -> np.ndarray:
    """Residuals (n, k) as if each row's group had been absent; whitened rows are L^-1 z_i."""
    order = np.argsort(groups, kind="stable")
    _, starts = np.unique(groups[order], return_index=True)
    result = np.empty_like(residuals)
    for rows in np.split(order, starts[1:]):
        hat = whitened[rows] @ whitened[rows].T * weights[rows]
        result[rows] = np.linalg.solve(np.eye(len(rows)) - hat, residuals[rows])
    return result
