"""A Keras network as ONNX bytes, whatever the backend: layer by layer, from its weights.

Keras' own export depends on the backend; a functional model's layers do not. Faces are channels
last in Keras and channels first in ONNX; batch normalisations are folded into the convolutions
before them. The operations (`onnx_export_layers`) are those that `onnx_layers` reads, of opset 13.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Optional

import numpy as np

from cvbaseline.classifiers.onnx_export_layers import (
    ACTIVATIONS,
    LAYERS,
    ONE_PIXEL,
    activation_name,
    weights_of,
)
from cvbaseline.errors import MissingLibrary

OPSET, IR_VERSION = 13, 7
INPUT, FEATURES = "face", "features"
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
    if type(last).__name__ != "Dense" or activation_name(last.activation) != "linear":
        raise ValueError("the network does not end with a linear layer")
    channels = network.inputs[0].shape[-1] if lines is None else 1
    writer = Writer(onnx.helper, network, (channels, size, size))
    if lines is not None and not np.array_equal(lines, [[1], [0]]):
        writer.begin_with(lines)
    for layer in layers:
        writer.add(layer)
    length = writer.finish(last.input)
    values = (INPUT, (channels, size, size)), (FEATURES, (length,))
    weights, bias = weights_of(last.kernel), weights_of(last.bias)
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


class Writer:
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
        kind = activation_name(activation)
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
            if alone and activation_name(layer.activation) == "linear":
                found[id(layer)] = behind[0]
    return found


def _inputs(layer: Any) -> list[Any]:
    """A layer's symbolic inputs."""
    if type(layer).__name__ == "InputLayer":
        return []
    return layer.input if isinstance(layer.input, list) else [layer.input]
