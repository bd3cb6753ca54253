"""The bytes of an ONNX network, read strictly: OpenCV's reader may end the process on damaged ones.

ONNX is a Protocol Buffers message (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto): a
sequence of fields, each a key (number * 8 + wire type) and a value. Only the fields of a plain
network of float32 numbers are known here; every other one is refused, so nothing that was not
looked at reaches OpenCV. What the layers may do is `onnx_layers`' concern.
"""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple, Union

import numpy as np

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
FLOAT, INT64 = 1, 7  # TensorProto.DataType
LOWEST_OPSET, HIGHEST_OPSET = 11, 17
MOST_NODES = 2000

Attribute = Union[int, float, str, tuple[int, ...], tuple[float, ...]]


class Node(NamedTuple):
    """One operation."""

    kind: str  # "Conv"
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Attribute]


class Network(NamedTuple):
    """What a network's bytes say."""

    nodes: tuple[Node, ...]
    tensors: dict[str, np.ndarray]  # float32 or int64, by name
    input: str
    input_shape: tuple[int, ...]  # of one picture, without the first axis
    output: str
    opset: int


def read_network(data: bytes) -> Network:
    """The network in ONNX bytes. ValueError for what is not one, or not a plain one."""
    opsets, graphs = [], []
    known = {1: int, 2: bytes, 3: bytes, 4: bytes, 5: int, 6: bytes, 7: bytes, 8: bytes}
    for number, value in _fields(data, "the model", known):
        if number == 7:
            graphs.append(value)
        elif number == 8:
            domain, version = _opset(value)
            if domain not in ("", "ai.onnx"):
                raise ValueError(f"operators of {domain!r} are not read")
            opsets.append(version)
    if len(graphs) != 1 or len(opsets) != 1:
        raise ValueError("not an ONNX network")
    if not LOWEST_OPSET <= opsets[0] <= HIGHEST_OPSET:
        raise ValueError(f"opset {opsets[0]} is not from {LOWEST_OPSET} to {HIGHEST_OPSET}")
    return _graph(graphs[0], opsets[0])


def _graph(data: bytes, opset: int) -> Network:
    nodes, inputs, outputs = [], [], []
    tensors: dict[str, np.ndarray] = {}
    known = {1: bytes, 2: bytes, 5: bytes, 10: bytes, 11: bytes, 12: bytes}
    for number, value in _fields(data, "the graph", known):
        if number == 1:
            nodes.append(_node(value))
            if len(nodes) > MOST_NODES:
                raise ValueError(f"more than {MOST_NODES} nodes")
        elif number == 5:
            name, tensor = _tensor(value)
            if not name or name in tensors:
                raise ValueError(f"two tensors, or none, are named {name!r}")
            tensors[name] = tensor
        elif number == 11:
            inputs.append(_value(value))
        elif number == 12:
            outputs.append(_value(value))
    if len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(f"{len(inputs)} inputs and {len(outputs)} outputs, expected one of each")
    (name, shape), (output, _) = inputs[0], outputs[0]
    if len(shape) < 2 or any(length < 1 for length in shape[1:]):
        raise ValueError(f"input {name!r} has no fixed size: {shape}")
    return Network(tuple(nodes), tensors, name, shape[1:], output, opset)


def _node(data: bytes) -> Node:
    inputs, outputs, kind = [], [], ""
    attributes: dict[str, Attribute] = {}
    known = {1: bytes, 2: bytes, 3: bytes, 4: bytes, 5: bytes, 6: bytes}
    for number, value in _fields(data, "a node", known):
        if number == 1:
            inputs.append(_text(value))
        elif number == 2:
            outputs.append(_text(value))
        elif number == 4:
            kind = _text(value)
        elif number == 5:
            name, attribute = _attribute(value)
            if name in attributes:
                raise ValueError(f"two attributes are named {name!r}")
            attributes[name] = attribute
    return Node(kind, tuple(inputs), tuple(outputs), attributes)


def _attribute(data: bytes) -> tuple[str, Attribute]:
    """A number, text, or list of numbers."""
    name, kind = "", 0
    floats: list[float] = []
    integers: list[int] = []
    values: dict[int, Any] = {}
    known = {1: bytes, 2: float, 3: int, 4: bytes, 7: (float, bytes), 8: (int, bytes), 20: int}
    for number, value in _fields(data, "an attribute", known):
        if number == 1:
            name = _text(value)
        elif number == 7:
            floats += _packed_floats(value) if isinstance(value, bytes) else [value]
        elif number == 8:
            integers += _packed_integers(value) if isinstance(value, bytes) else [value]
        elif number == 20:
            kind = value
        else:
            values[number] = value
    # AttributeProto.AttributeType: the field that must be there, and nothing else.
    if kind == 1 and values.keys() == {2} and not floats and not integers:
        found: Attribute = values[2]
    elif kind == 2 and values.keys() == {3} and not floats and not integers:
        found = values[3]
    elif kind == 3 and values.keys() == {4} and not floats and not integers:
        found = _text(values[4])
    elif kind == 6 and not values and not integers:
        found = tuple(floats)
    elif kind == 7 and not values and not floats:
        found = tuple(integers)
    else:
        raise ValueError(f"attribute {name!r} is no number, text or list of numbers")
    return name, found


def _tensor(data: bytes) -> tuple[str, np.ndarray]:
    """A named array of finite float32 or int64 numbers, in raw bytes or packed."""
    name, kind, bodies = "", 0, []
    shape: list[int] = []
    known = {1: (int, bytes), 2: int, 4: bytes, 7: bytes, 8: bytes, 9: bytes}
    for number, value in _fields(data, "a tensor", known):
        if number == 1:
            shape += _packed_integers(value) if isinstance(value, bytes) else [value]
        elif number == 2:
            kind = value
        elif number == 8:
            name = _text(value)
        else:
            bodies.append((number, value))
    if kind not in (FLOAT, INT64) or len(bodies) > 1:
        raise ValueError(f"tensor {name!r} does not hold plain float32 or int64 numbers")
    field, body = bodies[0] if bodies else (9, b"")
    if field == 7 and kind == INT64:
        array = np.array(_packed_integers(body), np.int64)
    elif field == 9 or (field == 4 and kind == FLOAT):
        dtype = np.dtype("<f4" if kind == FLOAT else "<i8")
        if len(body) % dtype.itemsize:
            raise ValueError(f"tensor {name!r} is cut off")
        array = np.frombuffer(body, dtype)
    else:
        raise ValueError(f"tensor {name!r} has numbers of another kind than it says")
    count = 1
    for length in shape:
        count *= length
    if any(length < 0 for length in shape) or len(shape) > 4 or count != len(array):
        raise ValueError(f"tensor {name!r} of shape {shape} holds {len(array)} numbers")
    if kind == FLOAT and not np.isfinite(array).all():
        raise ValueError(f"tensor {name!r} holds numbers that are not finite")
    return name, array.reshape(shape)


def _value(data: bytes) -> tuple[str, tuple[int, ...]]:
    """The name and shape of an input or output; a length that is not fixed is 0."""
    name, shape = "", []
    for number, value in _fields(data, "an input or output", {1: bytes, 2: bytes, 3: bytes}):
        if number == 1:
            name = _text(value)
        elif number == 2:
            for field, part in _fields(_only(value), "a type", {1: int, 2: bytes}):
                if field == 1 and part != FLOAT:
                    raise ValueError(f"{name!r} is not float32")
                if field == 2:
                    shape += [_length(size) for _, size in _fields(part, "a shape", {1: bytes})]
    return name, tuple(shape)


def _only(data: bytes) -> bytes:
    """The tensor type, which must be all that a type holds."""
    fields = list(_fields(data, "a type", {1: bytes}))
    if len(fields) != 1:
        raise ValueError("an input or output has no single type")
    return fields[0][1]


def _length(data: bytes) -> int:
    fields = list(_fields(data, "a length", {1: int, 2: bytes}))
    return fields[0][1] if len(fields) == 1 and fields[0][0] == 1 else 0


def _opset(data: bytes) -> tuple[str, int]:
    found = dict(_fields(data, "an opset", {1: bytes, 2: int}))
    return _text(found.get(1, b"")), found.get(2, 0)


def _fields(data: bytes, where: str, known: dict[int, Any]) -> Iterator[tuple[int, Any]]:
    """The fields of a message, all read before the first is given: number, and int, float or bytes.

    known : the type that each field number may have, or two types
    """
    position, found = 0, []
    while position < len(data):
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, position = _varint(data, position)
            value -= (value >> 63) << 64  # negative numbers are two's complements of 64 bits
        elif wire == LENGTH:
            length, position = _varint(data, position)
            value, position = data[position : position + length], position + length
        elif wire == FIXED32:
            if position + 4 > len(data):
                raise ValueError(f"{where} is cut off")
            (value,), position = struct.unpack_from("<f", data, position), position + 4
        else:
            raise ValueError(f"{where} has a field of unknown form {wire}")
        if position > len(data):
            raise ValueError(f"{where} is cut off")
        if number not in known or not isinstance(value, known[number]):
            raise ValueError(f"{where} has an unexpected field {number}")
        found.append((number, value))
    return iter(found)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """An unsigned number in groups of seven bits, the lowest first; and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise ValueError("the network is cut off")
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value >> 64:
                break
            return value, position
    raise ValueError("a number has more than 64 bits")


def _packed_integers(data: bytes) -> list[int]:
    position, values = 0, []
    while position < len(data):
        value, position = _varint(data, position)
        values.append(value - ((value >> 63) << 64))
    return values


def _packed_floats(data: bytes) -> list[float]:
    if len(data) % 4:
        raise ValueError("a list of numbers is cut off")
    return np.frombuffer(data, "<f4").tolist()


def _text(data: bytes) -> str:
    """Plain printable ASCII, as all names in a network are."""
    if not all(32 <= byte < 127 for byte in data):
        raise ValueError("a name is not printable ASCII")
    return data.decode("ascii")
