"""Fisher vectors: what a face's descriptors ask of a mixture of Gaussians that explains them all.

The gradient of the descriptors' log-likelihood by the means and the variances of the mixture
(Perronnin, Sanchez & Mensink, Improving the Fisher kernel, ECCV 2010), with the signed square
root of each number and length 1.
"""

from typing import NamedTuple

import numpy as np

ITERATIONS = 20
LEAST_VARIANCE = 0.01  # of the descriptors' variance
KMEANS_ITERATIONS = 10
TINY = 1e-6  # where descriptors do not vary at all
DESCRIPTORS_AT_ONCE = 65536
# Far smaller powers are as good as none, and slow numbers.
LEAST_EXPONENT = -40


class Mixture(NamedTuple):
    """Gaussians with diagonal covariance, all float32."""

    shares: np.ndarray  # (k,), their sum is 1
    means: np.ndarray  # (k, d)
    variances: np.ndarray  # (k, d)


def responsibilities(descriptors: np.ndarray, mixture: Mixture) -> np.ndarray:
    """How probably each Gaussian made each descriptor (n, d): float32 (n, k), rows of sum 1."""
    shares, means, variances = mixture
    precision = 1 / variances
    constant = np.log(shares) - 0.5 * (np.log(variances) + means**2 * precision).sum(axis=1)
    result = descriptors @ (means * precision).T
    result -= (descriptors * descriptors) @ (precision / 2).T
    result += constant
    result -= result.max(axis=1, keepdims=True)
    np.exp(np.maximum(result, LEAST_EXPONENT, out=result), out=result)
    result /= result.sum(axis=1, keepdims=True)
    return result


def fit_mixture(descriptors: np.ndarray, count: int, seed: int) -> Mixture:
    """A mixture of `count` Gaussians by expectation maximisation, from k-means' clusters.

    Parameters
    ----------
    descriptors : float32 (n, d), n at least `count`
    seed : of the first centres
    """
    spread = descriptors.var(axis=0)
    start = np.random.default_rng(seed).choice(len(descriptors), count, replace=False)
    means = descriptors[np.sort(start)]
    # Even shares and equal variances: the likeliest Gaussian is the nearest centre.
    even = np.full(count, 1 / count, np.float32)
    mixture = Mixture(even, means, np.full(means.shape, spread.mean() + TINY, np.float32))
    for iteration in range(KMEANS_ITERATIONS):
        sums = _sums(descriptors, mixture, hard=True)
        if iteration < KMEANS_ITERATIONS - 1:
            mixture = mixture._replace(means=_maximised(sums, mixture.means, spread).means)
    mixture = _maximised(sums, mixture.means, spread)
    for _ in range(ITERATIONS):
        mixture = _maximised(_sums(descriptors, mixture), mixture.means, spread)
    return mixture


def _sums(descriptors: np.ndarray, mixture: Mixture, hard: bool = False) -> np.ndarray:
    """Sums of 1, x and x^2 over each Gaussian's share of the descriptors, float64 (k, 1 + 2 d)."""
    sums = np.zeros((len(mixture.means), 1 + 2 * descriptors.shape[1]))
    for start in range(0, len(descriptors), DESCRIPTORS_AT_ONCE):
        part = descriptors[start : start + DESCRIPTORS_AT_ONCE]
        weights = responsibilities(part, mixture)
        if hard:
            weights = (weights == weights.max(axis=1, keepdims=True)).astype(np.float32)
        sums += weights.T @ np.column_stack([np.ones(len(part), np.float32), part, part**2])
    return sums


def _maximised(sums: np.ndarray, means: np.ndarray, spread: np.ndarray) -> Mixture:
    """The likeliest mixture for these sums; a Gaussian without any descriptor keeps its mean."""
    mass = sums[:, :1]
    first, second = np.split(sums[:, 1:] / np.maximum(mass, 1e-9), 2, axis=1)
    first = np.where(mass > 1e-3, first, means)
    variances = np.maximum(second - first**2, LEAST_VARIANCE * spread + TINY)
    shares = np.maximum(mass[:, 0], 1e-3)
    return Mixture(
        (shares / shares.sum()).astype(np.float32),
        first.astype(np.float32),
        variances.astype(np.float32),
    )


def fisher_vectors(descriptors: np.ndarray, mixture: Mixture) -> np.ndarray:
    """One vector of each face's descriptors (n, points, d): float32 (n, 2 k d), length 1.

    First the gradients by the means, then those by the standard deviations, Gaussian by Gaussian.
    """
    shares, means, variances = mixture
    count, points, length = descriptors.shape
    weights = responsibilities(descriptors.reshape(-1, length), mixture)
    weights = weights.reshape(count, points, -1).transpose(0, 2, 1) / points
    mass = weights.sum(axis=2)[..., None]
    first = weights @ descriptors
    second = weights @ (descriptors * descriptors)
    by_mean = (first - mass * means) / np.sqrt(variances * shares[:, None])
    by_variance = (second - 2 * means * first + (means**2 - variances) * mass) / (
        variances * np.sqrt(2 * shares)[:, None]
    )
    vectors = np.concatenate([by_mean, by_variance], axis=1).reshape(count, -1)
    return normalised(np.sign(vectors) * np.sqrt(np.abs(vectors)))


def normalised(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
