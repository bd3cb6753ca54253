"""Cascade, stage and parameter files of opencv_traincascade (OpenCV FileStorage in XML).

cascade.xml holds the parameters, `stages` and the `features` that their trees name:

    stageType featureType height width stageParams{...} featureParams{...} stageNum
    stages[ maxWeakCount stageThreshold weakClassifiers[ internalNodes leafValues ] ]
    features[ rects[ x y width height weight. ] tilted ]      HAAR, 2 or 3 rectangles
    features[ rect x y width height ]                         LBP, the top left cell of 3x3

internalNodes are `left right feature threshold` (HAAR) or `left right feature` and eight words
of 32 bits (LBP) for each node; children and leaves as in cvbaseline.cascade.Trees. params.xml
holds the parameters only, stageN.xml one stage whose trees name features of the full pool.

Reading checks all that OpenCV's detector checks or relies upon, so that whoever holds a Cascade
can run it without looking again; the pre-2.4 layout is in cascade_xml_old. Files that 3.4.18
wrote are rendered byte for byte.
"""

from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from cvbaseline.cascade import (
    Cascade,
    FeatureType,
    Stage,
    TrainingParameters,
    Trees,
    join_trees,
)
from cvbaseline.formats import cascade_xml_old
from cvbaseline.formats.cascade_parts import (
    SIZES,
    check_feature_indices,
    check_tree,
    feature_content,
    read_haar_features,
    read_lbp_features,
)
from cvbaseline.formats.file_storage import Node, parse, render
from cvbaseline.formats.files import read_bytes, write_bytes

MAX_BYTES = 16 * 2**20  # OpenCV's largest has 3 MB; elements take up to 30 times that in memory

BOOST_TYPES = ("GAB", "DAB", "RAB", "LB")
MODES = ("BASIC", "CORE", "ALL")


class Parameters(NamedTuple):
    """What params.xml says, and the head of a cascade.xml."""

    feature_type: FeatureType
    width: int
    height: int
    training: TrainingParameters


def parse_cascade(data: bytes, source: Union[str, Path]) -> Cascade:
    """A cascade from the bytes of its file, in the new layout or the pre-2.4 one.

    Raises FormatError, naming `source`, for anything that OpenCV's detector would not run.
    """
    root = parse(data, str(source))
    if cascade_xml_old.is_old_layout(root):
        return cascade_xml_old.read_cascade(root)
    parameters = _read_parameters(root)
    kind, width, height = parameters[:3]
    nodes = root.child("features").items()
    if not nodes:
        root.child("features").fail("expected at least one feature, found none")
    read = read_haar_features if kind == "HAAR" else read_lbp_features
    features = read(nodes, width, height)
    items = root.child("stages").items()
    if not items:
        root.child("stages").fail("expected at least one stage, found none")
    declared = root.get("stageNum")
    if declared is not None and declared.integer() != len(items):
        declared.fail(f"expected {len(items)}, the number of stages, found {declared.integer()}")
    stages = tuple(_read_stage(item, kind, len(nodes)) for item in items)
    return Cascade(kind, width, height, features, stages, parameters.training)


def render_cascade(cascade: Cascade) -> bytes:
    """The bytes of cascade.xml, as OpenCV 3.4.18 writes them."""
    stages: list[Any] = []
    for number, stage in enumerate(cascade.stages):
        stages += [f"stage {number}", _stage_content(stage, cascade.feature_type)]
    content = _parameters_content(cascade)
    content["stageNum"] = len(cascade.stages)
    content["stages"] = stages
    count = len(cascade.features[0])
    content["features"] = [feature_content(cascade.features, i) for i in range(count)]
    return render("cascade", content)


def load_cascade(path: Path) -> Cascade:
    """`parse_cascade` of a file."""
    return parse_cascade(read_bytes(path, MAX_BYTES), path)


def save_cascade(path: Path, cascade: Cascade) -> None:
    """`render_cascade` to a file."""
    write_bytes(path, render_cascade(cascade))


def render_cascade_old_layout(cascade: Cascade) -> bytes:
    """The bytes of a HAAR cascade in the pre-2.4 layout, as `-baseFormatSave` writes them.

    Raises UserError for an LBP cascade, which that layout cannot hold.
    """
    return cascade_xml_old.render_cascade(cascade)


def parse_stage(
    data: bytes, source: Union[str, Path], feature_count: Optional[int] = None
) -> Stage:
    """A stage from the bytes of stageN.xml; its trees name features of the full pool.

    The file does not say whether it is HAAR or LBP, but the sizes of its lists do.

    Parameters
    ----------
    feature_count : the size of the pool, to check the features against
    """
    root = parse(data, str(source))
    weak = root.child("weakClassifiers").items()
    kind: FeatureType = "HAAR"
    if weak:
        values, leaves = (weak[0].child(name).tokens() for name in ("internalNodes", "leafValues"))
        if len(values) == 11 * (len(leaves) - 1):
            kind = "LBP"
    return _read_stage(root, kind, feature_count)


def render_stage(stage: Stage, number: int, feature_type: FeatureType) -> bytes:
    """The bytes of stage`number`.xml, as OpenCV 3.4.18 writes them."""
    return render(f"stage{number}", _stage_content(stage, feature_type))


def load_stage(path: Path, feature_count: Optional[int] = None) -> Stage:
    """`parse_stage` of a file."""
    return parse_stage(read_bytes(path, MAX_BYTES), path, feature_count)


def save_stage(path: Path, stage: Stage, number: int, feature_type: FeatureType) -> None:
    """`render_stage` to a file."""
    write_bytes(path, render_stage(stage, number, feature_type))


def parse_parameters(data: bytes, source: Union[str, Path]) -> Parameters:
    """The parameters from the bytes of params.xml."""
    return _read_parameters(parse(data, str(source)))


def render_parameters(parameters: Union[Parameters, Cascade]) -> bytes:
    """The bytes of params.xml, as OpenCV 3.4.18 writes them."""
    return render("params", _parameters_content(parameters))


def load_parameters(path: Path) -> Parameters:
    """`parse_parameters` of a file."""
    return parse_parameters(read_bytes(path, MAX_BYTES), path)


def save_parameters(path: Path, parameters: Union[Parameters, Cascade]) -> None:
    """`render_parameters` to a file."""
    write_bytes(path, render_parameters(parameters))


def _read_parameters(root: Node) -> Parameters:
    root.child("stageType").word(("BOOST",))
    kind = root.child("featureType").word(("HAAR", "LBP", "HOG"))
    if kind == "HOG":
        root.child("featureType").fail("expected HAAR or LBP, found HOG, which OpenCV 3 gave up")
    width, height = (root.child(name).integer(*SIZES) for name in ("width", "height"))
    features, boosting = root.get("featureParams"), root.get("stageParams")
    values: dict[str, Any] = {} if boosting is None else _read_boosting(boosting)
    if features is not None:  # the first LBP cascades had none
        codes, mode = features.get("maxCatCount"), features.get("mode")
        if codes is not None:
            expected = 256 if kind == "LBP" else 0
            codes.integer(expected, expected)
        if mode is not None:
            values["mode"] = mode.word(MODES)
    return Parameters(kind, width, height, TrainingParameters(**values))


# The file's names and ours; opencv_traincascade takes rates above 0 and at most 1
_RATES = (
    ("minHitRate", "min_hit_rate"),
    ("maxFalseAlarm", "max_false_alarm"),
    ("weightTrimRate", "weight_trim_rate"),
)
_COUNTS = (("maxDepth", "max_depth"), ("maxWeakCount", "max_weak_count"))


def _read_boosting(node: Node) -> dict[str, Any]:
    """stageParams; OpenCV's own cascades hold only some of them."""
    values: dict[str, Any] = {}
    boost_type = node.get("boostType")
    if boost_type is not None:
        values["boost_type"] = boost_type.word(BOOST_TYPES)
    for name, ours in _RATES:
        child = node.get(name)
        if child is not None:
            values[ours] = child.number()
            if not 0 < values[ours] <= 1:
                child.fail(f"expected a rate above 0 and at most 1, found {values[ours]:g}")
    for name, ours in _COUNTS:
        child = node.get(name)
        if child is not None:
            values[ours] = child.integer(1)
    return values


def _parameters_content(parameters: Union[Parameters, Cascade]) -> dict[str, Any]:
    training = parameters.training
    haar = parameters.feature_type == "HAAR"
    boosting: dict[str, Any] = {"boostType": training.boost_type}
    boosting |= {name: float(getattr(training, ours)) for name, ours in _RATES}
    boosting |= {name: getattr(training, ours) for name, ours in _COUNTS}
    features: dict[str, Any] = {"maxCatCount": 0 if haar else 256, "featSize": 1}
    if haar and training.mode is not None:
        features["mode"] = training.mode
    return {
        "stageType": "BOOST",
        "featureType": parameters.feature_type,
        "height": parameters.height,
        "width": parameters.width,
        "stageParams": boosting,
        "featureParams": features,
    }


def _read_stage(node: Node, kind: FeatureType, feature_count: Optional[int]) -> Stage:
    weak = node.child("weakClassifiers")
    trees = [_read_tree(item, kind, feature_count) for item in weak.items()]
    if not trees:
        weak.fail("expected at least one weak classifier, found none")
    declared = node.get("maxWeakCount")
    if declared is not None and declared.integer() != len(trees):
        problem = f"expected {len(trees)}, the number of weak classifiers"
        declared.fail(f"{problem}, found {declared.integer()}")
    return Stage(node.child("stageThreshold").number(), join_trees(trees))


def _read_tree(node: Node, kind: FeatureType, feature_count: Optional[int]) -> Trees:
    step = 4 if kind == "HAAR" else 11
    inner, leaves = node.child("internalNodes"), node.child("leafValues")
    leaf, values = np.array(leaves.numbers(), np.float64), inner.numbers()
    count = len(leaf) - 1
    if count < 1:
        leaves.fail(f"expected at least 2 leaf values, found {len(leaf)}")
    if len(values) != step * count:
        expected = f"{step} numbers for each of {count} {kind} nodes (one less than leaf values)"
        inner.fail(f"expected {expected}, found {len(values)}")
    table = np.array(values).reshape(count, step)
    whole = table[:, :3] if kind == "HAAR" else table
    for value in whole.ravel().tolist():
        inner.whole(value)
    left, right, feature = table[:, :3].T.astype(np.int32)
    check_tree(inner, left, right)
    check_feature_indices(inner, feature, feature_count)
    threshold, subset = np.zeros(count), np.zeros((count, 8), np.int32)
    if kind == "HAAR":
        threshold = table[:, 3]
    else:
        subset = table[:, 3:].astype(np.int32)
    return Trees(np.array([0, count], np.int32), left, right, feature, threshold, subset, leaf)


def _stage_content(stage: Stage, kind: FeatureType) -> dict[str, Any]:
    trees = stage.trees
    ends = trees.first_node.tolist()
    columns = [trees.left[:, None], trees.right[:, None], trees.feature[:, None]]
    rows = np.hstack(columns + ([trees.subset] if kind == "LBP" else [])).tolist()
    if kind == "HAAR":
        rows = [[*row, float(value)] for row, value in zip(rows, trees.threshold)]
    leaf = [float(value) for value in trees.leaf]
    weak = []
    for number, (begin, end) in enumerate(zip(ends, ends[1:])):
        values = tuple(value for row in rows[begin:end] for value in row)
        leaves = tuple(leaf[begin + number : end + number + 1])
        weak.append({"internalNodes": values, "leafValues": leaves})
    return {
        "maxWeakCount": trees.count,
        "stageThreshold": float(stage.threshold),
        "weakClassifiers": weak,
    }
