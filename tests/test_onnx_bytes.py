"""ONNX bytes: what is read is what was written; no damage reaches OpenCV, which it would end."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx_bytes_writer import field, network, node, residual_network

from cvbaseline.classifiers.onnx_bytes import read_network
from cvbaseline.classifiers.onnx_layers import output_shape

DATA, TENSORS = residual_network(16)


def test_what_is_written_is_read():
    read = read_network(DATA)
    assert (read.input, read.input_shape, read.output, read.opset) == (
        "face", (1, 16, 16), "features", 13
    )  # fmt: skip
    assert [one.kind for one in read.nodes[:3]] == ["Conv", "Relu", "Conv"]
    assert read.nodes[2].inputs == ("r1", "w2", "b2")
    assert read.nodes[2].attributes["pads"] == (0, 0, 1, 1)
    for name, array in TENSORS.items():
        assert np.array_equal(read.tensors[name], array)
    assert output_shape(read) == (6,)


def test_the_library_reads_and_writes_the_same():
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(DATA)
    onnx.checker.check_model(model)
    again = read_network(model.SerializeToString())
    assert again.nodes == read_network(DATA).nodes
    assert onnx.numpy_helper.to_array(model.graph.initializer[0]).tolist() == (
        again.tensors["w1"].tolist()
    )


def test_every_part_of_the_bytes_is_no_network():
    for end in range(len(DATA)):
        with pytest.raises(ValueError):
            output_shape(read_network(DATA[:end]))


def altered(kind="Relu", inputs="face", tensors=None, **attributes):
    """A network of one odd node."""
    nodes = [node(kind, inputs, "x", **attributes), node("Flatten", "x", "features", axis=1)]
    return network(nodes, tensors or {}, (1, 8, 8), 64)


W = np.ones((2, 1, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (altered("Loop"), "'Loop' is not read"),
        (altered(alpha=0.5), "unexpected .'alpha'"),
        (altered(inputs="other"), "'other' is made by no layer"),
        (altered("Conv", "face w", {"w": W}, strides=(0, 1)), r"strides is \(0, 1\)"),
        (altered("Conv", "face w", {"w": W}, kernel_shape=(3, 2)), "kernel_shape"),
        (altered("Conv", "face w", {"w": W}, group=2), "group is 2"),
        (altered("Conv", "face w", {"w": W}, pads=(-1, 0, 0, 0)), "pads"),
        (altered("Conv", "face w", {"w": W[:, :, :0]}), "weights of shape"),
        (altered("Conv", "face w", {"w": np.ones((1, 1, 9, 9), np.float32)}), "do not fit"),
        (altered("Conv", "face w", {"w": W * np.float32(np.inf)}), "not finite"),
        (altered("MaxPool", kernel_shape=(2, 2), pads=(2, 0, 0, 0)), "do not fit"),
        (altered("MaxPool", kernel_shape=(2, 2), ceil_mode=1), "ceil_mode"),
        (altered("MaxPool", kernel_shape=(2, 2), dilations=(2, 2)), "dilations"),
        (altered("Gemm", "face w", {"w": W}), "has the shape"),
        (altered("Reshape", "face s", {"s": np.array([-1, 3, 3, 3])}), "does not fit"),
        (altered("Pad", "face s", {"s": np.array([0, 0, 9**9, 0, 0, 0, 0, 0])}), "padding is"),
        (altered(tensors={"w": W}), "nothing uses"),
        (network([], {}, (1, 8, 8), 64), "loose ends"),
        (network([node("Relu", "face", "x")], {}, (1, 8, 8), 64), "loose ends"),
        (network([node("Relu", "face", "features")] * 2, {}, (1, 8, 8), 64), "two values"),
        (network([node("Relu", "face", "features")], {}, (0, 8), 8), "no fixed size"),
        (network([node("Relu", "face", "features")], {}, (1, 8, 8), 64, opset=99), "opset 99"),
        (DATA + field(25, b"x"), "unexpected field 25"),
        (DATA + DATA, "not an ONNX network"),
        (b"", "not an ONNX network"),
    ],
)
def test_what_does_not_fit_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        output_shape(read_network(data))


def test_damaged_bytes_never_end_the_process():
    """In a process of its own: what gets through the check has to run, and make what was said."""
    code = """
import cv2, numpy as np
from onnx_bytes_writer import residual_network
from cvbaseline.classifiers.onnx_bytes import read_network
from cvbaseline.classifiers.onnx_layers import output_shape
data = np.frombuffer(residual_network(16)[0], np.uint8)
refused = ran = 0
for seed in range(600):
    rng = np.random.default_rng(seed)
    damaged = data.copy()
    for place in rng.integers(0, len(data), 1 + seed % 3):
        damaged[place] = rng.choice([rng.integers(0, 256), (int(damaged[place]) + 1) % 256])
    try:
        shape = output_shape(read_network(damaged.tobytes()))
    except ValueError:
        refused += 1
        continue
    network = cv2.dnn.readNetFromONNX(damaged)
    network.setInput(np.zeros((2, 1, 16, 16), np.float32))
    ran += network.forward().shape == (2, *shape)
print(refused, ran)
"""
    here = Path(__file__).parent
    run = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    refused, ran = map(int, run.stdout.split())
    assert refused + ran == 600 and refused > 100 and ran > 100
