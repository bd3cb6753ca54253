"""What the layers of an ONNX network do to shapes: a network that contradicts itself is refused.

OpenCV ends the process on some contradictions (a stride of 0, a kernel of another size than its
weights), so every node is looked at before it is given to `cv2.dnn`: known operation, known
attributes with possible values, inputs that exist and fit together. Shapes are those of one
picture, channels first, without the first axis: (c, h, w), or (d,).

The operations are described at https://onnx.ai/onnx/operators/.
"""

from collections.abc import Callable
from math import prod
from typing import Any, Optional

import numpy as np

from cvbaseline.classifiers.onnx_bytes import Attribute, Network, Node

Shape = tuple[int, ...]
LARGEST_SIDE = 4096  # of kernels, paddings and strides as well
MOST_NUMBERS = 1 << 26  # between two layers, for one picture
MOST_MULTIPLICATIONS = 50_000_000_000


def output_shape(network: Network) -> Shape:
    """The shape of the network's output for one picture. ValueError when the layers do not fit."""
    shapes: dict[str, Shape] = {network.input: network.input_shape}
    if network.input in network.tensors:
        raise ValueError(f"{network.input!r} is both the input and a tensor")
    work = _size(network.input_shape)
    for node in network.nodes:
        if node.kind not in RULES or len(node.outputs) != 1 or not node.outputs[0]:
            raise ValueError(f"the operation {node.kind!r} is not read; known are {KNOWN}")
        name = node.outputs[0]
        if name in shapes or name in network.tensors:
            raise ValueError(f"two values are named {name!r}")
        reader = _Reader(node, shapes, network.tensors)
        shapes[name] = RULES[node.kind](reader)
        reader.check_all_is_read()
        work += _size(shapes[name]) * reader.work
        if work > MOST_MULTIPLICATIONS:
            raise ValueError("the network computes too much for one picture")
    _check_every_value_is_used(network)
    return shapes[network.output]


def _check_every_value_is_used(network: Network) -> None:
    """The last node makes the output, and everything else leads to it."""
    used = {name for node in network.nodes for name in node.inputs}
    made = [node.outputs[0] for node in network.nodes]
    if not made or made[-1] != network.output or set(made[:-1]) != used & set(made):
        raise ValueError("the network has loose ends: one output expected, made by the last node")
    if not used >= {network.input, *network.tensors}:
        raise ValueError("the network has an input or tensors that nothing uses")


def _size(shape: Shape) -> int:
    size = prod(shape)
    if not 1 <= size <= MOST_NUMBERS:
        raise ValueError(f"a layer of shape {shape} is too large")
    return size


class _Reader:
    """One node's inputs and attributes, checked as they are read; what is left over is an error."""

    def __init__(self, node: Node, shapes: dict[str, Shape], tensors: dict[str, np.ndarray]):
        self.node, self.shapes, self.tensors = node, shapes, tensors
        self.inputs = list(node.inputs)
        self.attributes = dict(node.attributes)
        self.work = 1  # multiplications for each number of the output

    def refuse(self, problem: str) -> ValueError:
        """An error that names the node."""
        return ValueError(f"{self.node.kind} {self.node.outputs[0]!r}: {problem}")

    def value(self, *lengths: int) -> Shape:
        """The shape of the next input, which a layer before has made; of so many axes."""
        name = self.inputs.pop(0) if self.inputs else ""
        if name not in self.shapes:
            raise self.refuse(f"input {name!r} is made by no layer before it")
        shape = self.shapes[name]
        if lengths and len(shape) not in lengths:
            raise self.refuse(f"input {name!r} has the shape {shape}")
        return shape

    def tensor(self, dtype: Any, *shape: Optional[int]) -> np.ndarray:
        """The next input, a tensor of that shape; None stands for any length."""
        name = self.inputs.pop(0) if self.inputs else ""
        tensor = self.tensors.get(name)
        if tensor is None or tensor.dtype != dtype or len(tensor.shape) != len(shape) or any(
            expected not in (None, length) for expected, length in zip(shape, tensor.shape)
        ):  # fmt: skip
            found = "no tensor" if tensor is None else f"{tensor.dtype} {tensor.shape}"
            raise self.refuse(f"input {name!r} is {found}, expected {np.dtype(dtype)} {shape}")
        return tensor

    def attribute(self, name: str, default: Attribute, allowed: Callable[[Any], bool]) -> Any:
        """The attribute's value, of the default's type."""
        value = self.attributes.pop(name, default)
        fits = type(value) is type(default) and allowed(value)
        if not fits:
            raise self.refuse(f"{name} is {value!r}")
        return value

    def sides(self, name: str, default: tuple[int, ...], least: int) -> tuple[int, ...]:
        """An attribute that holds as many lengths as its default."""

        def fits(value: tuple) -> bool:
            return len(value) == len(default) and all(
                isinstance(side, int) and least <= side <= LARGEST_SIDE for side in value
            )

        return self.attribute(name, default, fits)

    def check_all_is_read(self) -> None:
        """Nothing that is not understood may be left."""
        if self.inputs or self.attributes:
            raise self.refuse(f"unexpected {[*self.inputs, *self.attributes]}")


def _window(node: _Reader, shape: Shape, kernel: tuple[int, int], most_padding: int) -> Shape:
    """Height and width after a window has moved over a padded picture."""
    top, left, bottom, right = node.sides("pads", (0, 0, 0, 0), 0)
    down, across = node.sides("strides", (1, 1), 1)
    height = (shape[1] + top + bottom - kernel[0]) // down + 1
    width = (shape[2] + left + right - kernel[1]) // across + 1
    if height < 1 or width < 1 or max(top, left, bottom, right) > most_padding:
        raise node.refuse(f"a window of {kernel} and its padding do not fit {shape}")
    return height, width


def _conv(node: _Reader) -> Shape:
    shape = node.value(3)
    groups = node.attribute("group", 1, lambda value: value in (1, shape[0]))
    weights = node.tensor(np.float32, None, shape[0] // groups, None, None)
    made, _, *kernel = weights.shape
    if node.inputs:
        node.tensor(np.float32, made)
    node.attribute("kernel_shape", tuple(kernel), lambda value: value == tuple(kernel))
    node.attribute("dilations", (1, 1), lambda value: value == (1, 1))
    if made < 1 or made % groups or min(kernel) < 1:
        raise node.refuse(f"weights of shape {weights.shape} in {groups} groups")
    node.work = weights.size // made
    return (made, *_window(node, shape, tuple(kernel), LARGEST_SIDE))


def _pool(node: _Reader) -> Shape:
    shape = node.value(3)
    kernel = node.sides("kernel_shape", (0, 0), 1)
    node.attribute("ceil_mode", 0, lambda value: value == 0)
    node.attribute("dilations", (1, 1), lambda value: value == (1, 1))
    if node.node.kind == "AveragePool":
        node.attribute("count_include_pad", 0, lambda value: value == 0)
    node.work = prod(kernel)
    return (shape[0], *_window(node, shape, kernel, min(kernel) - 1))


def _global_pool(node: _Reader) -> Shape:
    shape = node.value(3)
    node.work = shape[1] * shape[2]
    return shape[0], 1, 1


def _same(node: _Reader) -> Shape:
    return node.value()


def _slope(node: _Reader) -> Shape:
    node.attribute("alpha", 1.0, np.isfinite)
    return node.value()


def _clip(node: _Reader) -> Shape:
    shape = node.value()
    if not node.tensor(np.float32) < node.tensor(np.float32):
        raise node.refuse("the bounds are not in order")
    return shape


def _together(node: _Reader) -> Shape:
    """Two values of one shape, or one that has a single number for each channel of the other."""
    first, second = node.value(), node.value()
    for one, other in ((first, second), (second, first)):
        if one == other or (len(one) == 3 and other == (one[0], 1, 1)):
            return one
    raise node.refuse(f"{first} and {second} do not go together")


def _concatenate(node: _Reader) -> Shape:
    node.attribute("axis", 1, lambda value: value == 1)
    shapes = [node.value(3) for _ in range(len(node.inputs))]
    if len(shapes) < 2 or len({shape[1:] for shape in shapes}) != 1:
        raise node.refuse(f"{shapes} do not go together")
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def _flatten(node: _Reader) -> Shape:
    node.attribute("axis", 1, lambda value: value == 1)
    return (prod(node.value()),)


def _reshape(node: _Reader) -> Shape:
    shape, wanted = node.value(), tuple(node.tensor(np.int64, None).tolist())
    if wanted[:1] != (-1,) or len(wanted) not in (2, 4) or any(side < 1 for side in wanted[1:]):
        raise node.refuse(f"the new shape is {wanted}, expected -1 and lengths")
    if prod(wanted[1:]) != prod(shape):
        raise node.refuse(f"{shape} does not fit {wanted}")
    return wanted[1:]


def _transpose(node: _Reader) -> Shape:
    channels, height, width = node.value(3)
    node.attribute("perm", (0, 2, 3, 1), lambda value: value == (0, 2, 3, 1))
    return height, width, channels


def _linear(node: _Reader) -> Shape:
    (length,) = node.value(1)
    for name in ("alpha", "beta"):
        node.attribute(name, 1.0, lambda value: value == 1)
    node.attribute("transA", 0, lambda value: value == 0)
    turned = node.attribute("transB", 0, lambda value: value in (0, 1))
    expected = (None, length) if turned else (length, None)
    made = node.tensor(np.float32, *expected).shape[0 if turned else 1]
    node.tensor(np.float32, made)
    node.work = length
    return (made,)


def _pad(node: _Reader) -> Shape:
    channels, height, width = node.value(3)
    pads = tuple(node.tensor(np.int64, 8).tolist())
    if node.inputs:
        node.tensor(np.float32)
    node.attribute("mode", "constant", lambda value: value == "constant")
    _, _, top, left, _, _, bottom, right = pads
    fits = all(0 <= side <= LARGEST_SIDE for side in pads)
    if not fits or any(pads[place] for place in (0, 1, 4, 5)):
        raise node.refuse(f"the padding is {pads}")
    return channels, height + top + bottom, width + left + right


RULES: dict[str, Callable[[_Reader], Shape]] = {
    "Conv": _conv,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "Relu": _same,
    "Sigmoid": _same,
    "Tanh": _same,
    "LeakyRelu": _slope,
    "Elu": _slope,
    "Clip": _clip,
    "Add": _together,
    "Mul": _together,
    "Concat": _concatenate,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Gemm": _linear,
    "Pad": _pad,
}
KNOWN = ", ".join(RULES)
