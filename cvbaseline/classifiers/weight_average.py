"""The running average of a network's weights, which is judged in place of the weights themselves.

The last steps of a training lie around a good place more often than on it; their average lies
nearer (Polyak & Juditsky, SIAM J. Control Optim. 1992; Izmailov et al., Averaging weights leads to
wider optima, UAI 2018).
"""

from typing import Any

import numpy as np

UPDATES = 20  # in an epoch: neighbouring steps differ little
EPOCHS_SHARE = 0.05  # the average goes back over so much of a training, but one epoch at least


class WeightAverage:
    """An exponential average of all weights of a network, those of the normalisations included.

    Parameters
    ----------
    network : keras.Model
    steps, epochs : of the training

    Attributes
    ----------
    weights : list of float32 arrays, as of `network.get_weights()`
    updates : how often they were averaged
    """

    def __init__(self, network: Any, steps: int, epochs: int):
        self.network = network
        self.weights: list[np.ndarray] = network.get_weights()
        self.updates = 0
        self._every = max(1, steps // UPDATES)
        self._oldest = UPDATES * max(1.0, EPOCHS_SHARE * epochs)
        self._own: list[np.ndarray] = []

    def step_ended(self, step: int) -> None:
        """Take the network's weights in, after some steps."""
        if (step + 1) % self._every:
            return
        if hasattr(self.network, "jax_state_sync"):  # JAX keeps them elsewhere while it learns
            self.network.jax_state_sync()
        self.updates += 1
        part = 1 / min(self.updates, self._oldest)
        for average, now in zip(self.weights, self.network.get_weights()):
            average += part * (now - average)

    def swap_in(self) -> None:
        """Give the network the average, to be judged; `swap_out` takes it away."""
        self._own = self.network.get_weights()
        self.network.set_weights(self.weights)

    def swap_out(self) -> None:
        """Give the network its own weights back."""
        self.network.set_weights(self._own)

    def copy(self) -> list[np.ndarray]:
        """The average of now."""
        return [part.copy() for part in self.weights]
