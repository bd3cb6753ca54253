"""Each kind of Keras layer and activation as operations of ONNX, for `onnx_export`.

A function for each kind adds nodes to a writer, which knows the shapes, channels first, and returns
the name of its output. ValueError where the layer means something that the operations cannot say.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

if TYPE_CHECKING:
    from cvbaseline.classifiers.onnx_export import Writer

ONE_PIXEL = {"kernel_shape": [1, 1], "strides": [1, 1], "pads": [0, 0, 0, 0]}
Array = np.ndarray


def _convolution(writer: "Writer", layer: Any, name: str) -> str:
    """With the normalisation behind it, if there is one."""
    kernel, bias = weights_of(layer.kernel), weights_of(layer.bias)
    if tuple(layer.dilation_rate) != (1, 1) or getattr(layer, "groups", 1) != 1:
        raise ValueError("dilated or grouped convolutions cannot be exported")
    if type(layer).__name__ == "DepthwiseConv2D":
        groups = kernel.shape[2]
        weights = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2])
    else:
        groups, weights = 1, kernel.transpose(3, 2, 0, 1)
    bias = np.zeros(len(weights), np.float32) if bias is None else bias
    if id(layer) in writer.normalisations:
        scale, shift = _scale_and_shift(writer.normalisations[id(layer)])
        weights, bias = weights * scale[:, None, None, None], bias * scale + shift
    sides, attributes = writer.window(layer, name, kernel.shape[:2])
    shape = (len(weights), *sides)
    return writer.node("Conv", shape, [name], weights, bias, group=groups, **attributes)


def _normalisation(writer: "Writer", layer: Any, name: str) -> str:
    """One that stands alone, as a convolution of each channel with a single number."""
    channels = writer.shapes[name][0]
    if len(writer.shapes[name]) != 3:
        raise ValueError("a BatchNormalization of a row of numbers cannot be exported")
    scale, shift = _scale_and_shift(layer)
    return writer.same("Conv", name, scale[:, None, None, None], shift, group=channels, **ONE_PIXEL)


def _pooling(kind: str) -> Callable[..., str]:
    def write(writer: "Writer", layer: Any, name: str) -> str:
        sides, attributes = writer.window(layer, name, layer.pool_size)
        top, left, bottom, right = attributes["pads"]
        if kind == "AveragePool" and (top, left) != (bottom, right):
            raise ValueError(
                "averages over an uneven padding cannot be exported: Keras' backends differ there"
            )
        return writer.node(kind, (writer.shapes[name][0], *sides), [name], **attributes)

    return write


def _global_pooling(kind: str) -> Callable[..., str]:
    def write(writer: "Writer", layer: Any, name: str) -> str:
        channels = writer.shapes[name][0]
        made = writer.node(kind, (channels, 1, 1), [name])
        return made if layer.keepdims else writer.node("Flatten", (channels,), [made], axis=1)

    return write


def _dense(writer: "Writer", layer: Any, name: str) -> str:
    """On a row of numbers, or on each place of a picture."""
    weights, bias = weights_of(layer.kernel), weights_of(layer.bias)
    made = weights.shape[1]
    bias = np.zeros(made, np.float32) if bias is None else bias
    shape = writer.shapes[name]
    if len(shape) == 1:
        return writer.node("Gemm", (made,), [name], weights, bias)
    kernel = weights.T[:, :, None, None]
    return writer.node("Conv", (made, *shape[1:]), [name], kernel, bias, group=1, **ONE_PIXEL)


def _flatten(writer: "Writer", layer: Any, name: str) -> str:
    """In Keras' order: the channels of the first pixel come first."""
    shape = writer.shapes[name]
    if len(shape) == 3:
        name = writer.node("Transpose", (*shape[1:], shape[0]), [name], perm=[0, 2, 3, 1])
    return writer.node("Flatten", (int(np.prod(shape)),), [name], axis=1)


def _reshape(writer: "Writer", layer: Any, name: str) -> str:
    """A row as a picture of one pixel."""
    shape = writer.shapes[name]
    if tuple(layer.target_shape) not in ((1, 1, *shape), (1, 1, -1)) or len(shape) != 1:
        raise ValueError(f"a Reshape to {layer.target_shape} cannot be exported")
    return writer.node("Reshape", (*shape, 1, 1), [name], np.array([-1, *shape, 1, 1], np.int64))


def _padding(writer: "Writer", layer: Any, name: str) -> str:
    (top, bottom), (left, right) = layer.padding
    channels, height, width = writer.shapes[name]
    pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
    shape = (channels, height + top + bottom, width + left + right)
    return writer.node("Pad", shape, [name], pads, np.array(0, np.float32), mode="constant")


def _together(kind: str) -> Callable[..., str]:
    def write(writer: "Writer", layer: Any, first: str, *others: str) -> str:
        for other in others:
            shape = max(writer.shapes[first], writer.shapes[other], key=np.prod)
            first = writer.node(kind, shape, [first, other])
        return first

    return write


def _concatenation(writer: "Writer", layer: Any, *names: str) -> str:
    shapes = [writer.shapes[name] for name in names]
    if layer.axis not in (-1, 3) or any(len(shape) != 3 for shape in shapes):
        raise ValueError("only channels can be concatenated in an exported network")
    shape = (sum(shape[0] for shape in shapes), *shapes[0][1:])
    return writer.node("Concat", shape, list(names), axis=1)


def _nothing(writer: "Writer", layer: Any, name: str) -> str:
    return name


def _relu(writer: "Writer", layer: Any, name: str) -> str:
    if layer.threshold or (layer.max_value is not None and layer.negative_slope):
        raise ValueError("a ReLU with threshold cannot be exported")
    if layer.negative_slope:
        return _leaky(writer, layer, name)
    if layer.max_value is not None:
        return _clipped(writer, name, float(layer.max_value))
    return writer.same("Relu", name)


def _leaky(writer: "Writer", layer: Any, name: str) -> str:
    return writer.same("LeakyRelu", name, alpha=float(layer.negative_slope))


def _clipped(writer: "Writer", name: str, highest: float) -> str:
    return writer.same("Clip", name, np.array(0, np.float32), np.array(highest, np.float32))


def _silu(writer: "Writer", name: str) -> str:
    return writer.node("Mul", writer.shapes[name], [name, writer.same("Sigmoid", name)])


def _scale_and_shift(layer: Any) -> tuple[Array, Array]:
    """A batch normalisation, of what it has learnt, as x * scale + shift."""
    if layer.axis not in (-1, 3):
        raise ValueError("only channels can be normalised in an exported network")
    mean, variance = weights_of(layer.moving_mean), weights_of(layer.moving_variance)
    scale = 1 / np.sqrt(variance.astype(np.float64) + layer.epsilon)
    if layer.gamma is not None:
        scale = scale * weights_of(layer.gamma)
    shift = -mean * scale + (0 if layer.beta is None else weights_of(layer.beta))
    return scale.astype(np.float32), shift.astype(np.float32)


def activation_name(activation: Optional[Callable]) -> str:
    """What Keras calls an activation function; none is linear."""
    return "linear" if activation is None else getattr(activation, "__name__", repr(activation))


def weights_of(variable: Any) -> Optional[Array]:
    """A layer's weights on any backend, float32."""
    if variable is None:
        return None
    import keras

    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


LAYERS: dict[str, Callable[..., str]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _convolution,
    "BatchNormalization": _normalisation,
    "ReLU": _relu,
    "LeakyReLU": _leaky,
    "Activation": _nothing,  # its activation follows
    "Add": _together("Add"),
    "Multiply": _together("Mul"),
    "Concatenate": _concatenation,
    "MaxPooling2D": _pooling("MaxPool"),
    "AveragePooling2D": _pooling("AveragePool"),
    "GlobalAveragePooling2D": _global_pooling("GlobalAveragePool"),
    "GlobalMaxPooling2D": _global_pooling("GlobalMaxPool"),
    "Dropout": _nothing,
    "SpatialDropout2D": _nothing,
    "Dense": _dense,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "ZeroPadding2D": _padding,
}
ACTIVATIONS: dict[str, Callable[..., str]] = {
    "linear": lambda writer, name: name,
    "relu": lambda writer, name: writer.same("Relu", name),
    "relu6": lambda writer, name: _clipped(writer, name, 6.0),
    "sigmoid": lambda writer, name: writer.same("Sigmoid", name),
    "tanh": lambda writer, name: writer.same("Tanh", name),
    "silu": _silu,
    "elu": lambda writer, name: writer.same("Elu", name, alpha=1.0),
}
