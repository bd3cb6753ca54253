"""The last layer of a network, fitted anew: logistic regression pulled towards an older one.

Multinomial logistic regression whose weights have a Gaussian prior around given ones (maximum a
posteriori adaptation: Chelba & Acero, Adaptation of maximum entropy capitalizer: little data can
help a lot, EMNLP 2004). With few pictures the old layer stays; each further one moves it, most
where they contradict it.
"""

from typing import NamedTuple, Optional

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

FOLDS = 5


class Head(NamedTuple):
    """A linear layer: scores are features @ weights + bias."""

    weights: np.ndarray  # float64 (d, k)
    bias: np.ndarray  # float64 (k,)

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores, float64 (n, k), of features (n, d)."""
        return features @ self.weights + self.bias


def adapt_head(features: np.ndarray, labels: np.ndarray, prior: Head, strength: float) -> Head:
    """The likeliest layer of those near `prior`.

    Parameters
    ----------
    features : float64 (n, d)
    labels : int (n,), from 0 to k - 1; not every class needs to occur
    prior : what would be right without any picture; zeros where nothing is known
    strength : above 0; a layer whose scores of a typical picture differ by 1 from the prior's
        costs as much as strength / 2 pictures that are e times too unlikely

    The sum over all pictures of -log softmax(scores)[label], plus strength / 2 times the squared
    distance from the prior's weights and from its scores of the mean picture. The features are
    centred and divided by their root mean square distance from the mean, so that neither their
    scale nor what all pictures have in common matters.
    """
    centre = features.mean(axis=0)
    spread = np.sqrt(((features - centre) ** 2).sum(axis=1).sum() / max(1, len(features) - 1))
    # A single picture says nothing about the spread.
    spread = spread or np.linalg.norm(centre) or 1.0
    # One matrix: the centred features, of length about 1, and a constant 1.
    inputs = np.column_stack([(features - centre) / spread, np.ones(len(features))])
    old = np.vstack([prior.weights * spread, prior.scores(centre)])
    target = np.eye(old.shape[1])[labels]
    old_scores = inputs @ old

    def loss(change: np.ndarray) -> tuple[float, np.ndarray]:
        change = change.reshape(old.shape)
        scores = old_scores + inputs @ change
        value = -(log_softmax(scores, axis=1) * target).sum() + strength / 2 * (change**2).sum()
        slope = inputs.T @ (softmax(scores, axis=1) - target) + strength * change
        return value, slope.ravel()

    start = np.zeros(old.size)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    change = found.x.reshape(old.shape)
    change[:-1] /= spread
    return Head(prior.weights + change[:-1], prior.bias + change[-1] - centre @ change[:-1])


def held_out_scores(
    features: np.ndarray,
    labels: np.ndarray,
    groups: Optional[np.ndarray],
    prior: Head,
    strength: float,
    seed: int,
) -> Optional[np.ndarray]:
    """Scores of each row by a layer that was adapted without its fold, nor its group.

    None when there are not two groups, or rows, to hold one back.
    """
    units = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    count = units.max() + 1
    if count < 2:
        return None
    fold = np.random.default_rng(seed).permutation(count)[units] % min(FOLDS, count)
    scores = np.empty((len(labels), len(prior.bias)))
    for part in range(fold.max() + 1):
        out = fold == part
        head = adapt_head(features[~out], labels[~out], prior, strength)
        scores[out] = head.scores(features[out])
    return scores
