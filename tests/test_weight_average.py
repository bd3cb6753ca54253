"""The average of a network's weights, against sums by hand; needs no Keras."""

import numpy as np
import pytest

from cvbaseline.classifiers.validation_part import MOST_FACES, validation_rows
from cvbaseline.classifiers.weight_average import WeightAverage


class Network:
    """As much of a keras.Model as is asked for."""

    def __init__(self):
        self.weights = [np.zeros((2, 3), np.float32), np.zeros(1, np.float32)]

    def get_weights(self):
        return [part.copy() for part in self.weights]

    def set_weights(self, weights):
        self.weights = [part.copy() for part in weights]


def trained(average, network, steps, seed):
    """Go through an epoch; the weights after each step."""
    generator, passed = np.random.default_rng(seed), []
    for step in range(steps):
        network.weights = [
            generator.normal(size=part.shape).astype(np.float32) for part in network.weights
        ]
        passed.append(network.get_weights())
        average.step_ended(step)
    return passed


def test_at_first_it_is_the_mean():
    network = Network()
    average = WeightAverage(network, steps=41, epochs=40)
    passed = trained(average, network, 41, seed=0)
    for number, part in enumerate(average.weights):
        assert np.allclose(part, np.mean([one[number] for one in passed[1::2]], axis=0), atol=1e-6)


def test_later_it_forgets_in_a_twentieth_of_the_training():
    network = Network()
    average = WeightAverage(network, steps=20, epochs=60)  # goes back over 3 epochs, 60 updates
    passed = [one for epoch in range(6) for one in trained(average, network, 20, epoch)]
    for number, part in enumerate(average.weights):
        expected = np.mean([one[number] for one in passed[:60]], axis=0)
        for one in passed[60:]:
            expected = 59 / 60 * expected + 1 / 60 * one[number]
        assert np.allclose(part, expected, atol=1e-6)


def test_the_network_has_its_own_weights_back():
    network = Network()
    average = WeightAverage(network, steps=20, epochs=2)
    own = trained(average, network, 20, seed=1)[-1]
    mean = average.copy()
    average.swap_in()
    assert all(map(np.array_equal, network.weights, mean))
    average.swap_out()
    assert all(map(np.array_equal, network.weights, own))
    trained(average, network, 20, seed=2)
    assert not np.array_equal(average.weights[0], mean[0])  # which is a copy


@pytest.mark.parametrize("grouped", [False, True])
def test_of_many_faces_few_are_held_out(grouped):
    labels = np.repeat(np.arange(4), [30_000, 8_000, 1_500, 500])
    groups = np.arange(40_000) // 5 if grouped else None
    mask = validation_rows(labels, groups, 0.1, seed=0)
    assert mask.sum() == pytest.approx(MOST_FACES, rel=0.02)
    assert np.bincount(labels[mask]) == pytest.approx([750, 200, 37.5, 12.5], abs=6)
