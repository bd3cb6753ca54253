"""Fisher vectors and their mixture: against scikit-learn, scikit-image and a derivative."""

import numpy as np
import pytest
from skimage.feature import fisher_vector
from sklearn.mixture import GaussianMixture

from cvbaseline.classifiers.fisher_vectors import (
    Mixture,
    fisher_vectors,
    fit_mixture,
    normalised,
    responsibilities,
)


def some_mixture(seed=0, count=4, length=3):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(count, 5))
    means, variances = rng.normal(size=(count, length)), rng.uniform(0.3, 2, (count, length))
    return Mixture(*(values.astype(np.float32) for values in (shares, means, variances)))


def by_scikit_learn(mixture):
    model = GaussianMixture(len(mixture.shares), covariance_type="diag")
    model.weights_, model.means_, model.covariances_ = (
        values.astype(np.float64) for values in mixture
    )
    model.precisions_cholesky_ = 1 / np.sqrt(model.covariances_)
    return model


def test_responsibilities_are_scikit_learns():
    mixture = some_mixture()
    points = np.random.default_rng(1).normal(0, 2, (50, 3)).astype(np.float32)
    theirs = by_scikit_learn(mixture).predict_proba(points)
    assert np.allclose(responsibilities(points, mixture), theirs, atol=1e-5)


def test_vectors_are_the_gradients_of_the_likelihood():
    # By central differences, scaled with the Fisher information's diagonal approximation:
    # 1 / sqrt(share) for means in units of the deviation, 1 / sqrt(2 share) for deviations.
    mixture = some_mixture(2)
    points = np.random.default_rng(3).normal(size=(20, 3)).astype(np.float32)
    shares, means, variances = (values.astype(np.float64) for values in mixture)

    def likelihood(means, deviations):
        moved = Mixture(shares, means, deviations**2)
        return by_scikit_learn(moved).score(points.astype(np.float64))

    deviations, step = np.sqrt(variances), 1e-5
    expected = np.zeros((2, *means.shape))
    for place in np.ndindex(means.shape):
        shift = np.zeros(means.shape)
        shift[place] = step * deviations[place]
        by_mean = likelihood(means + shift, deviations) - likelihood(means - shift, deviations)
        by_deviation = likelihood(means, deviations + shift) - likelihood(means, deviations - shift)
        expected[0][place] = by_mean / (2 * step) / np.sqrt(shares[place[0]])
        expected[1][place] = by_deviation / (2 * step) / np.sqrt(2 * shares[place[0]])
    expected = normalised((np.sign(expected) * np.sqrt(np.abs(expected))).reshape(1, -1))
    assert np.allclose(fisher_vectors(points[None], mixture), expected, atol=2e-3)


def test_vectors_are_scikit_images():
    mixture = some_mixture(4)
    points = np.random.default_rng(5).normal(size=(2, 30, 3)).astype(np.float32)
    ours = fisher_vectors(points, mixture)
    model = by_scikit_learn(mixture)
    for own, face in zip(ours, points):
        theirs = fisher_vector(face.astype(np.float64), model, improved=True)[len(mixture.shares) :]
        # scikit-image also tells the shares' gradient, and the deviations' with a minus.
        theirs[len(theirs) // 2 :] *= -1
        assert np.allclose(own, theirs / np.linalg.norm(theirs), atol=1e-4)


def test_a_mixture_is_found_again():
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [10, 0], [0, 10]])
    which = rng.choice(3, 3000, p=[0.5, 0.3, 0.2])
    points = centres[which] + rng.normal(size=(3000, 2)) * np.array([[1, 2], [2, 1], [1, 1]])[which]
    mixture = fit_mixture(points.astype(np.float32), 3, seed=1)
    order = np.argsort(-mixture.shares)
    assert np.allclose(mixture.shares[order], [0.5, 0.3, 0.2], atol=0.03)
    assert np.allclose(mixture.means[order], centres, atol=0.3)
    assert np.allclose(np.sqrt(mixture.variances[order]), [[1, 2], [2, 1], [1, 1]], atol=0.15)


@pytest.mark.parametrize("count", [5, 20])
def test_the_fit_is_as_likely_as_scikit_learns(count):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(2000, 6)) + 2 * rng.normal(size=(12, 6))[rng.integers(12, size=2000)]
    ours = by_scikit_learn(fit_mixture(points.astype(np.float32), count, seed=0))
    theirs = GaussianMixture(count, covariance_type="diag", random_state=0).fit(points)
    assert ours.score(points) > theirs.score(points) - 0.05


def test_equal_descriptors_and_few_make_a_mixture_too():
    mixture = fit_mixture(np.ones((9, 4), np.float32), 3, seed=0)
    assert all(np.isfinite(values).all() for values in mixture)
    assert np.isfinite(fisher_vectors(np.ones((1, 9, 4), np.float32), mixture)).all()
