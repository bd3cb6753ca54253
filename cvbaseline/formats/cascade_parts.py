"""What the two layouts of cascade files share: features, and the checks of a tree.

The bounds are stricter than OpenCV's own: it looks at a tilted rectangle as if it were upright,
and never at the children of a node, so that a bad file makes it read memory that is not its own.
"""

from typing import Any, Optional

import numpy as np

from cvbaseline.cascade import Features, HaarFeatures, LbpFeatures
from cvbaseline.formats.file_storage import Node

SIZES = (3, 2048)  # LBP needs 3 cells; beyond 2048 x 2048 pixels a window's sum leaves int32


def read_haar_features(nodes: list[Node], width: int, height: int) -> HaarFeatures:
    """Features given as `rects` and `tilted`, for a window of width x height pixels."""
    rects = np.zeros((len(nodes), 3, 4), np.int32)
    weights = np.zeros((len(nodes), 3), np.float32)
    tilted = np.zeros(len(nodes), bool)
    for i, node in enumerate(nodes):
        turn = node.get("tilted")
        tilted[i] = turn is not None and turn.integer(0, 1) == 1
        items = node.child("rects").items()
        if len(items) not in (2, 3):
            node.child("rects").fail(f"expected 2 or 3 rectangles, found {len(items)}")
        for k, item in enumerate(items):
            *rect, weight = item.numbers(5)
            rects[i, k] = [item.whole(value) for value in rect]
            weights[i, k] = weight
            if not (k == 2 and not any(rect) and weight == 0):  # an unused third one is all 0
                _check_rect(item, rects[i, k].tolist(), bool(tilted[i]), width, height)
    return HaarFeatures(rects, weights, tilted)


def _check_rect(node: Node, rect: list[int], tilted: bool, width: int, height: int) -> None:
    """A tilted rectangle runs w down-right and h down-left from its top corner (x, y)."""
    x, y, w, h = rect
    left, right, bottom = (x - h, x + w, y + w + h) if tilted else (x, x + w, y + h)
    if w < 1 or h < 1 or left < 0 or y < 0 or right > width or bottom > height:
        kind = "tilted rectangle" if tilted else "rectangle"
        found = " ".join(map(str, rect))
        node.fail(f"expected a {kind} within the window of {width} x {height}, found {found}")


def read_lbp_features(nodes: list[Node], width: int, height: int) -> LbpFeatures:
    """Features given as `rect`, the top left cell of nine, for a window of width x height."""
    cells = np.zeros((len(nodes), 4), np.int32)
    for i, node in enumerate(nodes):
        rect = node.child("rect")
        cells[i] = x, y, w, h = rect.integers(4)
        if w < 1 or h < 1 or x < 0 or y < 0 or x + 3 * w > width or y + 3 * h > height:
            found = " ".join(map(str, (x, y, w, h)))
            rect.fail(
                f"expected 3 x 3 cells within the window of {width} x {height}, found {found}"
            )
    return LbpFeatures(cells)


def feature_content(features: Features, i: int) -> dict[str, Any]:
    """Feature i as it is rendered."""
    if isinstance(features, LbpFeatures):
        return {"rect": tuple(features.cells[i].tolist())}
    pairs = zip(features.rects[i].tolist(), features.weights[i].tolist())
    rects = [(*rect, weight) for rect, weight in pairs if rect[2] > 0]
    return {"rects": rects, "tilted": int(features.tilted[i])}


def check_tree(node: Node, left: np.ndarray, right: np.ndarray) -> None:
    """Every node and every leaf of a tree of n nodes is reached from the root exactly once."""
    count = len(left)
    seen, waiting = {0}, [0]
    while waiting:
        parent = waiting.pop()
        for child in (int(left[parent]), int(right[parent])):
            if not -count <= child < count:
                node.fail(f"expected children from {-count} to {count - 1}, found {child}")
            # leaf k is numbered -k: told apart from the root, which is nobody's child
            name = child if child > 0 else child - 1
            if name in seen:
                kind = f"node {child}" if child > 0 else f"leaf {-child}"
                node.fail(f"expected a tree, found {kind} reached twice")
            seen.add(name)
            if child > 0:
                waiting.append(child)
    if len(seen) != 2 * count + 1:
        names = [*range(1, count), *range(-1, -count - 2, -1)]
        missing = next(name for name in names if name not in seen)
        kind = f"node {missing}" if missing > 0 else f"leaf {-missing - 1}"
        node.fail(f"expected a tree, found {kind} reached from nowhere")


def check_feature_indices(node: Node, feature: np.ndarray, count: Optional[int]) -> None:
    """Every index names one of `count` features; without a count it is only not negative."""
    for index in feature.tolist():
        if index < 0 or (count is not None and index >= count):
            most = "" if count is None else f" to {count - 1}"
            node.fail(f"expected a feature from 0{most}, found {index}")
