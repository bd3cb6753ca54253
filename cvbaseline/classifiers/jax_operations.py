"""Operations that JAX learns through in less time than through its own, on processors.

XLA composes the gradient of a convolution's weights of few large steps that processors are slow
at, and that of the largest of neighbours of one that goes from place to place. The results are the
same but for rounding. Loads JAX: import it where it is used.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

# Of the neighbourhoods that are multiplied at once: about what a processor's cache holds.
BYTES_AT_ONCE = 3_000_000


def _convolution(pictures: jax.Array, weights: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(
        pictures, weights, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@jax.custom_vjp
def convolution(pictures: jax.Array, weights: jax.Array) -> jax.Array:
    """The convolution of every pixel, zeros outside; float (n, h, w, outputs).

    pictures : float (n, h, w, inputs)
    weights : the same type (height, width, inputs, outputs), height and width odd
    """
    return _convolution(pictures, weights)


def _forward(
    pictures: jax.Array, weights: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _convolution(pictures, weights), (pictures, weights)


def _backward(
    known: tuple[jax.Array, jax.Array], change: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The loss's derivatives by pictures and weights, from that by the outputs."""
    pictures, weights = known
    (by_pictures,) = jax.vjp(lambda inputs: _convolution(inputs, weights), pictures)[1](change)
    return by_pictures, _by_weights(pictures, change, weights.shape)


def _by_weights(pictures: jax.Array, change: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Products of every pixel's neighbourhood and its change, summed, some pictures at a time."""
    count, height, width, inputs = pictures.shape
    rows, columns, _, outputs = shape
    bytes_each = height * width * rows * columns * inputs * pictures.dtype.itemsize
    together = max(
        number for number in range(1, count + 1)
        if count % number == 0 and (number == 1 or number * bytes_each <= BYTES_AT_ONCE)
    )  # fmt: skip
    edges = [(0, 0), (rows // 2, rows // 2), (columns // 2, columns // 2), (0, 0)]
    padded = jnp.pad(pictures, edges)

    def add(total: jax.Array, part: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        some, changes = part
        neighbourhoods = jnp.concatenate(
            [
                some[:, row : row + height, column : column + width]
                for row in range(rows)
                for column in range(columns)
            ],
            axis=-1,
        ).reshape(-1, rows * columns * inputs)
        return total + neighbourhoods.T @ changes, None

    parts = (
        padded.reshape(-1, together, *padded.shape[1:]),
        change.reshape(-1, together * height * width, outputs),
    )
    start = jnp.zeros((rows * columns * inputs, outputs), pictures.dtype)
    return lax.scan(add, start, parts)[0].reshape(shape)


convolution.defvjp(_forward, _backward)


def largest_of_neighbours(pictures: jax.Array) -> jax.Array:
    """The largest of every 2 x 2 pixels, (n, h / 2, w / 2, channels), halves rounded up.

    pictures : float (n, h, w, channels)
    """
    _, height, width, channels = pictures.shape
    edges = [(0, 0), (0, height % 2), (0, width % 2), (0, 0)]
    even = jnp.pad(pictures, edges, constant_values=-np.inf)
    blocks = even.reshape(-1, -(-height // 2), 2, -(-width // 2), 2, channels)
    return blocks.max(axis=(2, 4))
