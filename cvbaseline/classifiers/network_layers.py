"""The layers of our network: Keras's own, or such as learn in less time on the backend in use.

Keras composes its layers of operations that all backends have. Where that is slow on a processor,
the backend's own operation, or another that does the same, takes its place. Names, weights and
answers are those of Keras's layers.
"""

from typing import Any, NamedTuple, Optional


class LayerTypes(NamedTuple):
    """Classes with the parameters of Keras's layers."""

    convolution: type  # Conv2D
    normalisation: type  # BatchNormalization
    pooling: type  # MaxPooling2D, of 2 x 2 pixels, padding "same"


def quickest_layers(keras: Any) -> LayerTypes:
    """The layers that are quickest on the backend of the module `keras`."""
    layers = keras.layers
    usual = LayerTypes(layers.Conv2D, layers.BatchNormalization, layers.MaxPooling2D)
    if keras.backend.backend() == "torch":
        return usual._replace(normalisation=_on_torch(usual.normalisation))
    if keras.backend.backend() == "jax":
        convolution, pooling = _on_jax(usual.convolution, usual.pooling)
        return usual._replace(convolution=convolution, pooling=pooling)
    return usual


def _on_torch(normalisation: type) -> type:
    """A normalisation by PyTorch's own operation, which saves a fifth of the network's time."""
    from torch.nn.functional import batch_norm

    class BatchNormalization(normalisation):
        """Of the last axis."""

        def call(self, inputs: Any, training: Optional[bool] = None, mask: Any = None) -> Any:
            if not (training and self.trainable):
                return super().call(inputs, training=training, mask=mask)
            outputs = batch_norm(
                inputs.movedim(-1, 1),
                self.moving_mean.value,
                self.moving_variance.value,
                self.gamma.value,
                self.beta.value,
                training=True,
                momentum=1 - self.momentum,
                eps=self.epsilon,
            )
            return outputs.movedim(1, -1)

    return BatchNormalization


def _on_jax(convolution: type, pooling: type) -> tuple[type, type]:
    """Layers whose gradients XLA is quick at, which saves a third of the network's time."""
    from cvbaseline.classifiers import jax_operations

    class Conv2D(convolution):
        """With strides it is Keras's own."""

        def call(self, inputs: Any) -> Any:
            if self.strides != (1, 1) or self.use_bias:
                return super().call(inputs)
            return jax_operations.convolution(inputs, self.kernel.value)

    class MaxPooling2D(pooling):
        """Of 2 x 2 pixels."""

        def call(self, inputs: Any) -> Any:
            return jax_operations.largest_of_neighbours(inputs)

    return Conv2D, MaxPooling2D
