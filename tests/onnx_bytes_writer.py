"""Networks as ONNX bytes, written field by field: for tests, where the library onnx may be missing.

Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import struct

import numpy as np


def varint(value):
    value %= 1 << 64
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number, value):
    """A field of a message: a whole number, a number, text or bytes."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    if isinstance(value, (list, tuple)):
        return field(1, name) + b"".join(field(8, one) for one in value) + field(20, 7)
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    number, kind = (2, 1) if isinstance(value, float) else (3, 2)
    return field(1, name) + field(number, value) + field(20, kind)


def node(kind, inputs, outputs, **attributes):
    parts = [field(1, name) for name in inputs.split()]
    parts += [field(2, name) for name in outputs.split()]
    parts += [field(4, kind)]
    parts += [field(5, attribute(name, value)) for name, value in attributes.items()]
    return b"".join(parts)


def tensor(name, array):
    array = np.asarray(array)
    kind = {"f": 1, "i": 7}[array.dtype.kind]
    body = array.astype("<f4" if kind == 1 else "<i8").tobytes()
    shape = b"".join(field(1, length) for length in array.shape)
    return shape + field(2, kind) + field(8, name) + field(9, body)


def value(name, *shape):
    """An input or output; its first axis, the pictures, has no fixed length."""
    axes = field(1, field(2, "n")) + b"".join(field(1, field(1, length)) for length in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, axes)))


def network(nodes, tensors, input_shape, output_length, opset=13, extra=b""):
    """A model from `face` to `features`."""
    graph = b"".join(field(1, one) for one in nodes) + field(2, "network")
    graph += b"".join(field(5, tensor(name, array)) for name, array in tensors.items())
    graph += field(11, value("face", *input_shape))
    graph += field(12, value("features", output_length))
    return field(1, 7) + field(7, graph) + field(8, field(1, "") + field(2, opset)) + extra


def pooling_network(side, pool):
    """Features are the means of squares of `pool` pixels."""
    nodes = [
        node("AveragePool", "face", "small", kernel_shape=(pool, pool), strides=(pool, pool)),
        node("Flatten", "small", "features", axis=1),
    ]
    return network(nodes, {}, (1, side, side), (side // pool) ** 2)


def residual_network(side, seed=0):
    """A small residual network with random weights, and these."""
    rng = np.random.default_rng(seed)
    tensors = {
        "w1": rng.normal(0, 0.3, (4, 1, 3, 3)).astype(np.float32),
        "b1": rng.normal(0, 0.1, 4).astype(np.float32),
        "w2": rng.normal(0, 0.3, (6, 4, 3, 3)).astype(np.float32),
        "b2": rng.normal(0, 0.1, 6).astype(np.float32),
        "w3": rng.normal(0, 0.3, (6, 4, 1, 1)).astype(np.float32),
    }
    nodes = [
        node("Conv", "face w1 b1", "c1", kernel_shape=(3, 3), pads=(1, 1, 1, 1)),
        node("Relu", "c1", "r1"),
        node("Conv", "r1 w2 b2", "c2", kernel_shape=(3, 3), strides=(2, 2), pads=(0, 0, 1, 1)),
        node("Conv", "r1 w3", "c3", kernel_shape=(1, 1), strides=(2, 2)),
        node("Add", "c2 c3", "a"),
        node("Relu", "a", "r2"),
        node("GlobalAveragePool", "r2", "g"),
        node("Flatten", "g", "features", axis=1),
    ]
    return network(nodes, tensors, (1, side, side), 6), tensors
