"""Probabilities from scores: a softmax whose one scale is fitted on rows that were left out.

Temperature scaling (Guo et al., On calibration of modern neural networks, ICML 2017) is Platt's
method (1999) for any number of classes with the slope alone: the best score stays the best.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

# In units of 1 / (mean spread of a row's scores): almost even, and certain.
SCALE_RANGE = (1e-3, 1e3)
# Scores of a row that are no further apart say nothing: they are the noise of rounding.
LEAST_SPREAD = 1e-6


def fit_scale(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """The scale s > 0 for which softmax(s * scores) is likeliest.

    Parameters
    ----------
    scores : float64 (n, k), of rows that the scoring model has not seen
    labels : int (n,), column of the right class
    weights : float64 (n,), not negative

    A row counts as its label with Platt's certainty (W + 1) / (W + 2), W being the sum of the
    weights, and as the other classes alike with the rest, so that separable data do not claim to
    be certain. The likelihood's derivative grows with s; its root is sought between "almost even"
    and "certain".
    """
    total, classes = weights.sum(), scores.shape[1]
    spread = np.average(np.ptp(scores, axis=1), weights=weights) if total > 0 else 0.0
    if spread < LEAST_SPREAD or not np.isfinite(spread):
        return 1.0
    target = np.full(scores.shape, 1 / (total + 2) / max(1, classes - 1))
    target[np.arange(len(labels)), labels] = (total + 1) / (total + 2)
    relative = scores / spread

    def derivative(scale: float) -> float:
        return float(
            weights @ ((softmax(scale * relative, axis=1) - target) * relative).sum(axis=1)
        )

    low, high = SCALE_RANGE
    if derivative(low) >= 0:
        return low / spread
    if derivative(high) <= 0:
        return high / spread
    return brentq(derivative, low, high, xtol=1e-12) / spread


def every_third(labels: np.ndarray) -> np.ndarray:
    """A mask of every third row of each class; the first two of a class always stay out of it."""
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        mask[np.flatnonzero(labels == label)[2::3]] = True
    return mask
