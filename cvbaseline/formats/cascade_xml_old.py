"""The layout of Haar cascades before OpenCV 2.4, `opencv-haar-classifier`.

    size width height
    stages[ trees[ [ feature{rects tilted} threshold left_val|left_node right_val|right_node ] ]
            stage_threshold parent next ]

Each tree lists its nodes, the root first; a child is a value (a leaf) or the place of a node.
OpenCV 4 no longer reads it; opencv_traincascade wrote it for `-baseFormatSave`.
"""

from typing import Any

import numpy as np

from cvbaseline.cascade import Cascade, Stage, Trees, join_trees
from cvbaseline.errors import UserError
from cvbaseline.formats.cascade_parts import (
    SIZES,
    check_tree,
    feature_content,
    read_haar_features,
)
from cvbaseline.formats.file_storage import Node, render

TYPE_ID = "opencv-haar-classifier"


def is_old_layout(root: Node) -> bool:
    """Whether the top-level node is a cascade in the old layout."""
    return root.element.get("type_id") == TYPE_ID


def read_cascade(root: Node) -> Cascade:
    """The cascade, with one feature for each node."""
    size = root.child("size")
    width, height = size.integers(2)
    if not all(SIZES[0] <= side <= SIZES[1] for side in (width, height)):
        size.fail(f"expected sides from {SIZES[0]} to {SIZES[1]}, found {width} {height}")
    items = root.child("stages").items()
    if not items:
        root.child("stages").fail("expected at least one stage, found none")
    nodes: list[Node] = []
    stages = []
    for number, item in enumerate(items):
        _check_chain(item, number)
        stages.append(_read_stage(item, nodes))
    features = read_haar_features([node.child("feature") for node in nodes], width, height)
    return Cascade("HAAR", width, height, features, tuple(stages))


def _check_chain(node: Node, number: int) -> None:
    """Stages are a chain: since 2.4 OpenCV runs no trees of stages."""
    for name, expected in (("parent", number - 1), ("next", -1)):
        link = node.get(name)
        if link is not None and link.integer() != expected:
            problem = f"expected {expected}, found {link.integer()}"
            link.fail(f"{problem}: a tree of stages, which OpenCV gave up, is no cascade")


def _read_stage(stage: Node, nodes: list[Node]) -> Stage:
    """The stage; its nodes are added to those of the stages before."""
    trees = []
    for tree in stage.child("trees").items():
        own = tree.items()
        if not own:
            tree.fail("expected at least one node, found none")
        trees.append(_read_tree(tree, own, len(nodes)))
        nodes += own
    if not trees:
        stage.child("trees").fail("expected at least one tree, found none")
    return Stage(stage.child("stage_threshold").number(), join_trees(trees))


def _read_tree(tree: Node, nodes: list[Node], first_feature: int) -> Trees:
    """The tree; leaves are numbered as they stand, the left before the right."""
    count = len(nodes)
    children = np.zeros((2, count), np.int32)
    leaf: list[float] = []
    for i, node in enumerate(nodes):
        for side, name in enumerate(("left", "right")):
            value = node.get(f"{name}_val")
            if value is None:
                children[side, i] = node.child(f"{name}_node").integer(1, max(1, count - 1))
            else:
                children[side, i] = -len(leaf)
                leaf.append(value.number())
    if len(leaf) != count + 1:
        tree.fail(f"expected {count + 1} leaf values for {count} nodes, found {len(leaf)}")
    check_tree(tree, *children)
    return Trees(
        first_node=np.array([0, count], np.int32),
        left=children[0],
        right=children[1],
        feature=np.arange(first_feature, first_feature + count, dtype=np.int32),
        threshold=np.array([node.child("threshold").number() for node in nodes]),
        subset=np.zeros((count, 8), np.int32),
        leaf=np.array(leaf),
    )


def render_cascade(cascade: Cascade) -> bytes:
    """The bytes of a HAAR cascade in the old layout; UserError for an LBP one."""
    if cascade.feature_type != "HAAR":
        raise UserError("the pre-2.4 layout holds HAAR features only: leave out -baseFormatSave")
    stages = [
        {
            "trees": _trees_content(stage.trees, cascade),
            "stage_threshold": float(stage.threshold),
            "parent": number - 1,
            "next": -1,
        }
        for number, stage in enumerate(cascade.stages)
    ]
    content = {"size": (cascade.width, cascade.height), "stages": stages}
    return render("cascade", content, TYPE_ID)


def _trees_content(trees: Trees, cascade: Cascade) -> list[Any]:
    ends = trees.first_node.tolist()
    content = []
    for number, (begin, end) in enumerate(zip(ends, ends[1:])):
        leaf = trees.leaf[begin + number : end + number + 1].tolist()
        nodes = []
        for i in range(begin, end):
            node = {
                "feature": feature_content(cascade.features, int(trees.feature[i])),
                "threshold": float(trees.threshold[i]),
            }
            for name, child in (("left", int(trees.left[i])), ("right", int(trees.right[i]))):
                if child > 0:
                    node[f"{name}_node"] = child
                else:
                    node[f"{name}_val"] = leaf[-child]
            nodes.append(node)
        content.append(nodes)
    return content
