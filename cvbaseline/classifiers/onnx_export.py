"""A Keras network as ONNX bytes, whatever the backend: layer by layer, from its weights.

Keras' own export depends on the backend; a functional model's layers do not. Faces are channels
last in Keras and channels first in ONNX; batch normalisations are folded into the convolutions
before them. The operations are those that `onnx_layers` reads, of opset 13.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

import numpy as np

from cvbaseline.errors import MissingLibrary

OPSET, IR_VERSION = 13, 7
INPUT, FEATURES = "face", "features"
ONE_PIXEL = {"kernel_shape": [1, 1], "strides": [1, 1], "pads": [0, 0, 0, 0]}
Array = np.ndarray


class Linear(NamedTuple):
    """A network's last layer: features @ weights + bias."""

    weights: Array  # float32 (d, k)
    bias: Array  # float32 (k,)


def import_onnx() -> Any:
    """The library onnx. MissingLibrary when it is not installed."""
    try:
        import onnx
    except ImportError:
        raise MissingLibrary(
            "writing ONNX needs the library onnx, which is not installed: "
            "pip install 'cvbaseline[cnn]'"
        ) from None
    return onnx


def onnx_features(network: Any, size: int, lines: Optional[Array] = None) -> tuple[bytes, Linear]:
    """The network up to its last layer as ONNX bytes, and that layer.

    Parameters
    ----------
    network : keras.Model, functional, from faces (n, size, size, c) to scores of a Dense layer
    size : the faces' side
    lines : float32 (2, c), slope and shift that make each channel of one grey; None: the faces
        come with all channels

    The bytes go from `face`, float32 (n, c, size, size), or (n, 1, size, size) with `lines`, to
    `features`, float32 (n, d).
    ValueError for a layer that is not known here.
    """
    onnx = import_onnx()
    *layers, last = network.layers
    if type(last).__name__ != "Dense" or _name(last.activation) != "linear":
        raise ValueError("the network does not end with a linear layer")
    channels = network.inputs[0].shape[-1] if lines is None else 1
    writer = _Writer(onnx.helper, network, (channels, size, size))
    if lines is not None and not np.array_equal(lines, [[1], [0]]):
        writer.begin_with(lines)
    for layer in layers:
        writer.add(layer)
    length = writer.finish(last.input)
    values = (INPUT, (channels, size, size)), (FEATURES, (length,))
    weights, bias = _weights(last.kernel), _weights(last.bias)
    bias = np.zeros(weights.shape[1], np.float32) if bias is None else bias
    return onnx_bytes(writer.nodes, writer.tensors, *values), Linear(weights, bias)


def onnx_bytes(
    nodes: list[Any],
    tensors: dict[str, Array],
    first: tuple[str, tuple[int, ...]],
    last: tuple[str, tuple[int, ...]],
) -> bytes:
    """A model of nodes and tensors, checked by the library.

    first, last : name and shape of the input and the output, float32, without the first axis
    """
    onnx = import_onnx()
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    ends = [
        [helper.make_tensor_value_info(name, number, ["n", *shape])]
        for name, shape in (first, last)
    ]
    initial = [onnx.numpy_helper.from_array(array, name) for name, array in tensors.items()]
    graph = helper.make_graph(nodes, "cvbaseline", *ends, initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version, model.producer_name = IR_VERSION, "cvbaseline"
    onnx.checker.check_model(model)
    return model.SerializeToString()


class _Writer:
    """Nodes and tensors of the layers that have been added."""

    def __init__(self, helper: Any, network: Any, input_shape: tuple[int, ...]):
        self.make_node = helper.make_node
        self.nodes: list[Any] = []
        self.tensors: dict[str, Array] = {}
        self.names = {id(network.inputs[0]): INPUT}  # of Keras' symbolic tensors
        self.shapes = {INPUT: input_shape}  # channels first, or (d,)
        self.normalisations = _normalisations(network)
        self.folded = {id(layer) for layer in self.normalisations.values()}

    def begin_with(self, lines: Array) -> None:
        """Make the network's channels of a single grey one."""
        first = next(iter(self.names))
        shape = (lines.shape[1], *self.shapes[INPUT][1:])
        weights = lines[0][:, None, None, None], lines[1]
        self.names[first] = self.node("Conv", shape, [INPUT], *weights, group=1, **ONE_PIXEL)

    def add(self, layer: Any) -> None:
        """Write one layer, whose inputs are written already."""
        kind = type(layer).__name__
        if kind == "InputLayer" or id(layer) in self.folded:
            return
        if kind not in LAYERS:
            raise ValueError(f"a layer {kind} cannot be exported; known are {', '.join(LAYERS)}")
        if getattr(layer, "data_format", "channels_last") != "channels_last":
            raise ValueError("layers with channels first cannot be exported")
        if any(id(tensor) not in self.names for tensor in _inputs(layer)):
            raise ValueError(f"{layer.name} comes behind a layer that is used several times")
        made = LAYERS[kind](self, layer, *(self.names[id(tensor)] for tensor in _inputs(layer)))
        last = self.normalisations.get(id(layer), layer)
        self.names[id(last.output)] = self.activated(getattr(layer, "activation", None), made)

    def finish(self, tensor: Any) -> int:
        """Make a symbolic tensor the network's output; returns its length."""
        name, node = self.names[id(tensor)], self.nodes[-1]
        if len(self.shapes[name]) != 1 or node.output[0] != name:
            raise ValueError("the network does not end with one row of features")
        node.output[0] = FEATURES
        return self.shapes[name][0]

    def node(
        self,
        kind: str,
        shape: tuple[int, ...],
        inputs: list[str],
        *tensors: Array,
        **attributes: Any,
    ) -> str:
        """Add an operation with tensors behind its inputs; returns the name of its output."""
        output = f"v{len(self.nodes)}"
        names = [f"{output}_{number}" for number in range(len(tensors))]
        self.tensors |= {name: np.array(one, order="C") for name, one in zip(names, tensors)}
        self.nodes.append(self.make_node(kind, [*inputs, *names], [output], **attributes))
        self.shapes[output] = shape
        return output

    def same(self, kind: str, name: str, *tensors: Array, **attributes: Any) -> str:
        """An operation that keeps the shape."""
        return self.node(kind, self.shapes[name], [name], *tensors, **attributes)

    def activated(self, activation: Optional[Callable], name: str) -> str:
        """The value after an activation function."""
        kind = _name(activation)
        if kind not in ACTIVATIONS:
            raise ValueError(f"the activation {kind} cannot be exported")
        return ACTIVATIONS[kind](self, name)

    def window(self, layer: Any, name: str, kernel: Sequence[int]) -> tuple[tuple, dict[str, Any]]:
        """Height and width of what a moving window makes, and its attributes.

        "same" in Keras puts the odd pixel of padding at the end.
        """
        pads, sides = [], []
        for length, side, stride in zip(self.shapes[name][1:], kernel, layer.strides):
            total = 0
            if layer.padding == "same":
                total = max((-(-length // stride) - 1) * stride + side - length, 0)
            pads.append((total // 2, total - total // 2))
            sides.append((length + total - side) // stride + 1)
        (top, bottom), (left, right) = pads
        return tuple(sides), {
            "kernel_shape": list(kernel),
            "strides": list(layer.strides),
            "pads": [top, left, bottom, right],
        }


def _convolution(writer: _Writer, layer: Any, name: str) -> str:
    """With the normalisation behind it, if there is one."""
    kernel, bias = _weights(layer.kernel), _weights(layer.bias)
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


def _normalisation(writer: _Writer, layer: Any, name: str) -> str:
    """One that stands alone, as a convolution of each channel with a single number."""
    channels = writer.shapes[name][0]
    if len(writer.shapes[name]) != 3:
        raise ValueError("a BatchNormalization of a row of numbers cannot be exported")
    scale, shift = _scale_and_shift(layer)
    return writer.same("Conv", name, scale[:, None, None, None], shift, group=channels, **ONE_PIXEL)


def _pooling(kind: str) -> Callable[..., str]:
    def write(writer: _Writer, layer: Any, name: str) -> str:
        sides, attributes = writer.window(layer, name, layer.pool_size)
        top, left, bottom, right = attributes["pads"]
        if kind == "AveragePool" and (top, left) != (bottom, right):
            raise ValueError(
                "averages over an uneven padding cannot be exported: Keras' backends differ there"
            )
        return writer.node(kind, (writer.shapes[name][0], *sides), [name], **attributes)

    return write


def _global_pooling(kind: str) -> Callable[..., str]:
    def write(writer: _Writer, layer: Any, name: str) -> str:
        channels = writer.shapes[name][0]
        made = writer.node(kind, (channels, 1, 1), [name])
        return made if layer.keepdims else writer.node("Flatten", (channels,), [made], axis=1)

    return write


def _dense(writer: _Writer, layer: Any, name: str) -> str:
    """On a row of numbers, or on each place of a picture."""
    weights, bias = _weights(layer.kernel), _weights(layer.bias)
    made = weights.shape[1]
    bias = np.zeros(made, np.float32) if bias is None else bias
    shape = writer.shapes[name]
    if len(shape) == 1:
        return writer.node("Gemm", (made,), [name], weights, bias)
    kernel = weights.T[:, :, None, None]
    return writer.node("Conv", (made, *shape[1:]), [name], kernel, bias, group=1, **ONE_PIXEL)


def _flatten(writer: _Writer, layer: Any, name: str) -> str:
    """In Keras' order: the channels of the first pixel come first."""
    shape = writer.shapes[name]
    if len(shape) == 3:
        name = writer.node("Transpose", (*shape[1:], shape[0]), [name], perm=[0, 2, 3, 1])
    return writer.node("Flatten", (int(np.prod(shape)),), [name], axis=1)


def _reshape(writer: _Writer, layer: Any, name: str) -> str:
    """A row as a picture of one pixel."""
    shape = writer.shapes[name]
    if tuple(layer.target_shape) not in ((1, 1, *shape), (1, 1, -1)) or len(shape) != 1:
        raise ValueError(f"a Reshape to {layer.target_shape} cannot be exported")
    return writer.node("Reshape", (*shape, 1, 1), [name], np.array([-1, *shape, 1, 1], np.int64))


def _padding(writer: _Writer, layer: Any, name: str) -> str:
    (top, bottom), (left, right) = layer.padding
    channels, height, width = writer.shapes[name]
    pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
    shape = (channels, height + top + bottom, width + left + right)
    return writer.node("Pad", shape, [name], pads, np.array(0, np.float32), mode="constant")


def _together(kind: str) -> Callable[..., str]:
    def write(writer: _Writer, layer: Any, first: str, *others: str) -> str:
        for other in others:
            shape = max(writer.shapes[first], writer.shapes[other], key=np.prod)
            first = writer.node(kind, shape, [first, other])
        return first

    return write


def _concatenation(writer: _Writer, layer: Any, *names: str) -> str:
    shapes = [writer.shapes[name] for name in names]
    if layer.axis not in (-1, 3) or any(len(shape) != 3 for shape in shapes):
        raise ValueError("only channels can be concatenated in an exported network")
    shape = (sum(shape[0] for shape in shapes), *shapes[0][1:])
    return writer.node("Concat", shape, list(names), axis=1)


def _nothing(writer: _Writer, layer: Any, name: str) -> str:
    return name


def _relu(writer: _Writer, layer: Any, name: str) -> str:
    if layer.threshold or (layer.max_value is not None and layer.negative_slope):
        raise ValueError("a ReLU with threshold cannot be exported")
    if layer.negative_slope:
        return _leaky(writer, layer, name)
    if layer.max_value is not None:
        return _clipped(writer, name, float(layer.max_value))
    return writer.same("Relu", name)


def _leaky(writer: _Writer, layer: Any, name: str) -> str:
    return writer.same("LeakyRelu", name, alpha=float(layer.negative_slope))


def _clipped(writer: _Writer, name: str, highest: float) -> str:
    return writer.same("Clip", name, np.array(0, np.float32), np.array(highest, np.float32))


def _silu(writer: _Writer, name: str) -> str:
    return writer.node("Mul", writer.shapes[name], [name, writer.same("Sigmoid", name)])


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
ACTIVATIONS: dict[str, Callable[[_Writer, str], str]] = {
    "linear": lambda writer, name: name,
    "relu": lambda writer, name: writer.same("Relu", name),
    "relu6": lambda writer, name: _clipped(writer, name, 6.0),
    "sigmoid": lambda writer, name: writer.same("Sigmoid", name),
    "tanh": lambda writer, name: writer.same("Tanh", name),
    "silu": _silu,
    "elu": lambda writer, name: writer.same("Elu", name, alpha=1.0),
}


def _normalisations(network: Any) -> dict[int, Any]:
    """The batch normalisation that alone uses a convolution's output, by the convolution's id."""
    users: dict[int, list[Any]] = {}
    for layer in network.layers:
        for tensor in _inputs(layer):
            users.setdefault(id(tensor), []).append(layer)
    found = {}
    for layer in network.layers:
        if type(layer).__name__ in ("Conv2D", "DepthwiseConv2D"):
            behind = users.get(id(layer.output), [])
            alone = len(behind) == 1 and type(behind[0]).__name__ == "BatchNormalization"
            if alone and _name(layer.activation) == "linear":
                found[id(layer)] = behind[0]
    return found


def _scale_and_shift(layer: Any) -> tuple[Array, Array]:
    """A batch normalisation, of what it has learnt, as x * scale + shift."""
    if layer.axis not in (-1, 3):
        raise ValueError("only channels can be normalised in an exported network")
    mean, variance = _weights(layer.moving_mean), _weights(layer.moving_variance)
    scale = 1 / np.sqrt(variance.astype(np.float64) + layer.epsilon)
    if layer.gamma is not None:
        scale = scale * _weights(layer.gamma)
    shift = -mean * scale + (0 if layer.beta is None else _weights(layer.beta))
    return scale.astype(np.float32), shift.astype(np.float32)


def _inputs(layer: Any) -> list[Any]:
    """A layer's symbolic inputs."""
    if type(layer).__name__ == "InputLayer":
        return []
    return layer.input if isinstance(layer.input, list) else [layer.input]


def _name(activation: Optional[Callable]) -> str:
    return "linear" if activation is None else getattr(activation, "__name__", repr(activation))


def _weights(variable: Any) -> Optional[Array]:
    """A layer's weights on any backend, float32."""
    if variable is None:
        return None
    import keras

    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)
