"""Least-squares support vector machines (Suykens & Vandewalle 1999), with left-out scores.

One machine a class against the rest, all at once: minimise

    sum_i w_i |y_i - z_i B|^2 + |B|^2 / C,    y_i = +1 at the row's class and -1 elsewhere,

which has the closed solution A B = Z' W Y with A = Z' W Z + I / C. The scores that a row would
have got from a fit without it (and without its whole group G) follow without fitting again
(Cook 1977; An, Liu & Venkatesh, Pattern Recognition 2007):

    y_G - scores_G = (I - H_GG)^-1 (y_G - z_G B),    H_GG = Z_G A^-1 Z_G' W_G.

Where only the products K = Z Z' are known (a kernel matrix), the same machine is B = Z' D with

    M D = Y,    M = K + (C W)^-1,    y_G - scores_G = ((M^-1)_GG)^-1 D_G.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky, get_lapack_funcs, solve_triangular


class LeastSquaresFit(NamedTuple):
    """Coefficients B or D, and the scores of every row as if its group had not been there."""

    coefficients: np.ndarray  # float64 (m, k), or (n, k) of the rows of a kernel
    left_out_scores: np.ndarray  # float64 (n, k)


def fit_least_squares(
    features: np.ndarray, labels: np.ndarray, weights: np.ndarray, groups: np.ndarray, C: float
) -> LeastSquaresFit:
    """One against the rest, in closed form, from as many equations as there are features.

    Parameters
    ----------
    features : float (n, m); a column of ones makes the bias. Large products are of its type
    labels : int (n,), from 0 to k - 1
    weights : float64 (n,), positive
    groups : int (n,), equal for rows that must not vouch for each other
    C : how much an error costs beside the size of the coefficients
    """
    targets = one_against_rest(labels)
    kind = features.dtype
    weighted = features * weights.astype(kind)[:, None]
    matrix = (features.T @ weighted).astype(np.float64)
    matrix[np.diag_indices(len(matrix))] += 1 / C
    lower = cholesky(matrix, lower=True, overwrite_a=True)
    half = solve_triangular(lower, weighted.T.astype(np.float64) @ targets, lower=True)
    del weighted
    coefficients = solve_triangular(lower, half, lower=True, trans="T")
    residuals = targets - features @ coefficients
    whitened = solve_triangular(lower.astype(kind), features.T, lower=True).T
    return LeastSquaresFit(
        coefficients, targets - left_out_residuals(residuals, whitened, weights, groups)
    )


def fit_kernel_least_squares(
    kernel: np.ndarray, labels: np.ndarray, weights: np.ndarray, groups: np.ndarray, C: float
) -> LeastSquaresFit:
    """One against the rest, in closed form, from as many equations as there are rows.

    kernel : float (n, n), C-contiguous and symmetric; overwritten, so that the largest fit needs
        memory for one such matrix. Adding 1 everywhere makes a bias, the coefficients' sum

    The other parameters are those of `fit_least_squares`.
    """
    targets = one_against_rest(labels)
    kernel[np.diag_indices(len(kernel))] += 1 / (C * weights)
    # LAPACK works in place on columns; of a symmetric matrix the rows serve as well.
    lower = cholesky(kernel.T, lower=True, overwrite_a=True, check_finite=False)
    coefficients = cho_solve((lower, True), targets.astype(lower.dtype), check_finite=False)
    (invert,) = get_lapack_funcs(("trtri",), (lower,))
    inverse, _ = invert(lower, lower=1, overwrite_c=1)
    residuals = np.empty(coefficients.shape)
    for rows in rows_of_groups(groups):
        columns = inverse[rows.min() :, rows]
        residuals[rows] = np.linalg.solve(columns.T @ columns, coefficients[rows])
    return LeastSquaresFit(coefficients.astype(np.float64), targets - residuals)


def one_against_rest(labels: np.ndarray) -> np.ndarray:
    """+1 at the row's class and -1 elsewhere, float64 (n, k)."""
    return np.where(labels[:, None] == np.arange(labels.max() + 1), 1.0, -1.0)


def left_out_residuals(
    residuals: np.ndarray, whitened: np.ndarray, weights: np.ndarray, groups: np.ndarray
) -> np.ndarray:
    """Residuals (n, k) as if each row's group had been absent; whitened rows are L^-1 z_i."""
    result = np.empty_like(residuals)
    for rows in rows_of_groups(groups):
        hat = whitened[rows] @ whitened[rows].T * weights[rows]
        result[rows] = np.linalg.solve(np.eye(len(rows)) - hat, residuals[rows])
    return result


def rows_of_groups(groups: np.ndarray) -> list[np.ndarray]:
    """The row numbers of each group, ascending."""
    order = np.argsort(groups, kind="stable")
    _, starts = np.unique(groups[order], return_index=True)
    return np.split(order, starts[1:])
