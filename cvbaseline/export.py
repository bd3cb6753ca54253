"""The verb `export`: a trained network for OpenCV, without Keras, or as plain ONNX for others."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cvbaseline.errors import UserError, require
from cvbaseline.options import argument

if TYPE_CHECKING:
    from cvbaseline.classifiers.onnx_network import OnnxNetwork
    from cvbaseline.model_file import FaceModel

Tell = Callable[[str], None]

PIXELS, PROBABILITIES = "pixels", "probabilities"


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Write a trained network as a model that needs no Keras, or as plain ONNX."""

    model: Path = argument(
        "model of the kind cnn, transfer or onnx", args=["model"], metavar="MODEL"
    )
    out: Path = argument(
        "OUT.npz: a model for predict, sort and train --init that OpenCV runs; OUT.onnx: for other "
        "programs, from grey pixels to the probabilities of the classes",
        args=["out"],
        metavar="OUT",
    )

    def __post_init__(self) -> None:
        require(
            self.out.suffix in (".npz", ".onnx"), f"{self.out}: the name must end in .npz or .onnx"
        )


def export(options: ExportOptions, tell: Tell = lambda line: None) -> "FaceModel":
    """Read, convert, write; returns the model as OpenCV runs it.

    Raises UserError for a model without a network, or a file that is in the way; MissingLibrary
    without Keras or onnx.
    """
    from cvbaseline.formats.files import write_bytes
    from cvbaseline.model_file import check_target, load_model, save_model

    require(
        options.out.resolve() != options.model.resolve(),
        f"{options.out} is the model to export: give another name to write",
    )
    if options.out.suffix == ".npz":
        check_target(options.out, "onnx")
    else:
        check_onnx_target(options.out)
    model = as_onnx(load_model(options.model), str(options.model))
    if options.out.suffix == ".npz":
        save_model(options.out, model)
    else:
        write_bytes(options.out, whole_network(model))
    size, length = model.estimator.input_side, options.out.stat().st_size
    tell(
        f"{options.out}: faces of {size} x {size} pixels, {len(model.classes)} classes, "
        f"{length / 1e6:.1f} MB"
    )
    return model


def as_onnx(model: "FaceModel", source: str) -> "FaceModel":
    """The same model with its network in ONNX. UserError when it has none."""
    from cvbaseline.classifiers import classifier_name
    from cvbaseline.classifiers.onnx_export import onnx_features
    from cvbaseline.classifiers.onnx_network import OnnxNetwork

    estimator = model.estimator
    if isinstance(estimator, OnnxNetwork):
        return model
    if not hasattr(estimator, "keras_network"):
        kind = classifier_name(estimator)
        raise UserError(f"{source} holds a classifier of the kind {kind}, which has no network")
    try:
        data, last = onnx_features(
            estimator.keras_network(), estimator.size, channel_lines(estimator)
        )
    except ValueError as error:
        raise UserError(f"{source} cannot be exported: {error}") from None
    made = OnnxNetwork(mirror=estimator.mirror, shape=estimator.shape)
    made.classes_, made.scale_ = estimator.classes_, float(estimator.scale_)
    made.n_features_in_ = estimator.n_features_in_
    made.network_ = np.frombuffer(data, np.uint8)
    made.coefficients_, made.bias_ = (part.astype(np.float64) for part in last)
    return replace(model, estimator=made)


def channel_lines(estimator: Any) -> np.ndarray:
    """What a network wants for each channel, as slope and shift of what an `onnx` model is given.

    float32 (2, c)
    """
    from cvbaseline.classifiers.face_rows import network_input

    greys = np.array([0, 255], np.uint8).reshape(2, 1, 1)
    wanted, given = (make(greys).reshape(2, -1) for make in (estimator.as_input, network_input))
    slope = (wanted[1] - wanted[0]) / (given[1] - given[0])
    return np.stack([slope, wanted[0] - slope * given[0]]).astype(np.float32)


def whole_network(model: "FaceModel") -> bytes:
    """From `pixels`, float32 (n, 1, size, size) from 0 to 255, to `probabilities`, (n, k), as ONNX.

    The classes' names are in the metadata, as JSON.
    """
    from cvbaseline.classifiers.onnx_export import import_onnx, onnx_bytes

    onnx = import_onnx()
    estimator: OnnxNetwork = model.estimator
    graph = onnx.load_from_string(estimator.network_.tobytes()).graph
    tensors = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    side, node = estimator.input_side, onnx.helper.make_node
    tensors |= {
        "grey": np.array(128, np.float32),
        "contrast": np.array(1 / 64, np.float32),
        "coefficients": (estimator.scale_ * estimator.coefficients_).astype(np.float32),
        "bias": (estimator.scale_ * estimator.bias_).astype(np.float32),
    }
    nodes = [
        node("Sub", [PIXELS, "grey"], ["centred"]),
        node("Mul", ["centred", "contrast"], ["face"]),
        *renamed(graph, "face", "seen/"),
    ]
    seen, scores = f"seen/{graph.output[0].name}", "once"
    nodes += [node("Gemm", [seen, "coefficients", "bias"], ["once"])]
    if estimator.mirror:
        add_second_view(graph, seen, estimator, nodes, tensors)
        scores = "twice"
        if estimator.sure_at < 1:
            add_choice(estimator.sure_at, nodes, tensors)
            scores = "scores"
    nodes += [node("Softmax", [scores], [PROBABILITIES], axis=1)]
    data = onnx_bytes(
        nodes, tensors, (PIXELS, (1, side, side)), (PROBABILITIES, (len(model.classes),))
    )
    whole = onnx.load_from_string(data)
    onnx.helper.set_model_props(whole, {"classes": json.dumps(model.classes, ensure_ascii=False)})
    return whole.SerializeToString()


def add_second_view(
    graph: Any,
    seen: str,
    estimator: "OnnxNetwork",
    nodes: list[Any],
    tensors: dict[str, np.ndarray],
) -> None:
    """The value `twice`: scores of the mean of the features `seen` and those of the second view."""
    import onnx

    node = onnx.helper.make_node
    across, down = mirrored_middle(estimator.input_side, estimator.mirror_margin)
    tensors |= {"across": across, "down": down, "half": np.array(0.5, np.float32)}
    nodes += [
        node("MatMul", ["face", "across"], ["turned"]),
        node("Transpose", ["turned"], ["columns"], perm=[0, 1, 3, 2]),
        node("MatMul", ["columns", "down"], ["shrunk"]),
        node("Transpose", ["shrunk"], ["mirrored"], perm=[0, 1, 3, 2]),
        *renamed(graph, "mirrored", "mirrored/"),
        node("Add", [seen, f"mirrored/{graph.output[0].name}"], ["sum"]),
        node("Mul", ["sum", "half"], ["mean"]),
        node("Gemm", ["mean", "coefficients", "bias"], ["twice"]),
    ]


def add_choice(sure_at: float, nodes: list[Any], tensors: dict[str, np.ndarray]) -> None:
    """The value `scores`: `once` for a face that is sure by it, `twice` for others.

    In operations that every runtime has.
    """
    import onnx

    node = onnx.helper.make_node
    numbers = {"sure_at": sure_at, "steep": 1e6, "zero": 0, "one": 1}
    tensors |= {name: np.array(value, np.float32) for name, value in numbers.items()}
    nodes += [
        node("Softmax", ["once"], ["first"], axis=1),
        node("ReduceMax", ["first"], ["best"], axes=[1], keepdims=1),
        node("Sub", ["sure_at", "best"], ["doubt"]),
        node("Mul", ["doubt", "steep"], ["much_doubt"]),
        node("Clip", ["much_doubt", "zero", "one"], ["unsure"]),
        node("Sub", ["twice", "once"], ["change"]),
        node("Mul", ["change", "unsure"], ["heeded"]),
        node("Add", ["once", "heeded"], ["scores"]),
    ]


def mirrored_middle(side: int, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """What rows, and columns, of a face are multiplied with for its second view, float32.

    As `face_rows.middles`, but for its roundings to whole greys.
    """
    edge = side - 1
    places = edge / 2 + (1 - 2 * margin) * (np.arange(side) - edge / 2)
    weights = np.maximum(0, 1 - np.abs(np.arange(side)[:, None] - places)).astype(np.float32)
    return np.ascontiguousarray(weights[:, ::-1]), weights


def renamed(graph: Any, first: str, prefix: str) -> list[Any]:
    """The graph's nodes behind the value `first`, what they make being named with a prefix."""
    import onnx

    tensors = {one.name for one in graph.initializer}
    names = {graph.input[0].name: first}
    copies = []
    for one in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(one)
        copy.input[:] = [
            name if name in tensors else names.get(name, prefix + name) for name in one.input
        ]
        copy.output[:] = [prefix + name for name in one.output]
        copies.append(copy)
    return copies


def check_onnx_target(path: Path) -> None:
    """UserError unless a network may be written there: nothing yet, or one from here."""
    from cvbaseline.classifiers.onnx_export import import_onnx

    onnx = import_onnx()
    if not path.exists():
        return
    try:
        ours = onnx.load(path).producer_name == "cvbaseline"
    except Exception:  # whatever else it is, it is somebody's
        ours = False
    if not ours:
        raise UserError(f"{path} exists and was not exported by cvbaseline: give another name")
