"""A cascade laid out for the evaluator's kernels: flat arrays with every node's corners ready.

A corner is a (plane, y, x) triple in the integral image of `integral.integral_image`; once the
picture's size is known it becomes a single offset. Numbers are rounded to float32 as OpenCV's
detector rounds them when it reads a cascade.
"""

from typing import NamedTuple

import numpy as np

from cvbaseline.cascade import (
    STAGE_THRESHOLD_EPSILON,
    Cascade,
    HaarFeatures,
    LbpFeatures,
    Trees,
    join_trees,
)
from cvbaseline.errors import require
from cvbaseline.evaluation.integral import SQUARES, SUM, TILTED


class PackedCascade(NamedTuple):
    """A cascade laid out for the kernels; made by `pack`."""

    lbp: bool
    reject_flat: bool
    width: int
    height: int
    planes: int  # of the integral image that is needed
    norm: np.ndarray  # int64 (4, 3): corners of the rectangle whose deviation normalises a window
    corners: np.ndarray  # int64 (nodes, 16 or 12, 3): plane, y, x of each node's corners
    weights: np.ndarray  # float32 (nodes, 3)
    first_tree: np.ndarray  # int64 (stages + 1,)
    stage_threshold: np.ndarray  # float64 (stages,), less the epsilon
    first_node: np.ndarray  # int64 (trees + 1,)
    left: np.ndarray  # int64 (nodes,)
    right: np.ndarray  # int64 (nodes,)
    threshold: np.ndarray  # float32 (nodes,)
    subset: np.ndarray  # uint32 (nodes, 8)
    leaf: np.ndarray  # float64 (nodes + trees,), of float32 values


def _corners(rects: np.ndarray, plane: int) -> np.ndarray:
    """The four corners (plane, y, x) of upright rectangles (..., 4), in the order + - - +."""
    x, y, width, height = np.moveaxis(rects.astype(np.int64), -1, 0)
    ys = np.stack([y, y, y + height, y + height], axis=-1)
    xs = np.stack([x, x + width, x, x + width], axis=-1)
    return np.stack([np.full_like(xs, plane), ys, xs], axis=-1)


def _tilted_corners(rects: np.ndarray) -> np.ndarray:
    """The same of rectangles turned by 45 degrees: width runs down right, height down left."""
    x, y, width, height = np.moveaxis(rects.astype(np.int64), -1, 0)
    ys = np.stack([y, y + height, y + width, y + width + height], axis=-1)
    xs = np.stack([x, x - height, x + width, x + width - height], axis=-1)
    return np.stack([np.full_like(xs, TILTED), ys, xs], axis=-1)


def _haar_corners(features: HaarFeatures) -> np.ndarray:
    """Corners of the features' rectangles, int64 (n, 12, 3); an unused rectangle's are all 0."""
    corners = np.where(
        features.tilted[:, None, None, None],
        _tilted_corners(features.rects),
        _corners(features.rects, SUM),
    )
    corners[features.weights == 0] = 0
    return corners.reshape(len(corners), 12, 3)


def _lbp_corners(features: LbpFeatures) -> np.ndarray:
    """The 4 x 4 corners of each feature's grid of cells, row by row, int64 (n, 16, 3)."""
    x, y, width, height = features.cells.astype(np.int64).T[..., None]
    steps = np.arange(16)
    ys, xs = y + height * (steps // 4), x + width * (steps % 4)
    return np.stack([np.full_like(xs, SUM), ys, xs], axis=-1)


def pack(cascade: Cascade, reject_flat: bool = True) -> PackedCascade:
    """Lay a cascade out for the kernels.

    Parameters
    ----------
    cascade : of any feature type and depth; its features may be a whole pool
    reject_flat : whether a Haar cascade rejects every window whose standard deviation (without
        the outermost pixels) is at most 10, as OpenCV's detector does and its trainer did not

    Raises UserError for a feature that reaches out of the window.
    """
    width, height = cascade.width, cascade.height
    lbp = isinstance(cascade.features, LbpFeatures)
    require(lbp or min(width, height) >= 3, f"a Haar window of {width} x {height} is too small")
    norm = _corners(np.array([1, 1, width - 2, height - 2]), SUM)
    norm = np.concatenate([norm, _corners(np.array([1, 1, width - 2, height - 2]), SQUARES)])
    no_trees = Trees(
        np.zeros(1, np.int32), *(np.zeros(0, np.int32) for _ in range(3)),
        np.zeros(0), np.zeros((0, 8), np.int32), np.zeros(0),
    )  # fmt: skip
    trees = join_trees([no_trees, *(stage.trees for stage in cascade.stages)])
    used = type(cascade.features)(*(column[trees.feature] for column in cascade.features))
    corners = _lbp_corners(used) if lbp else _haar_corners(used)
    inside = (corners[..., 1:] >= 0) & (corners[..., 1:] <= (height, width))
    reaching = trees.feature[~inside.all(axis=(1, 2))]
    require(
        len(reaching) == 0,
        f"feature {reaching[:1].sum()} of the cascade reaches out of its {width} x {height} window",
    )
    threshold = np.array([stage.threshold for stage in cascade.stages], np.float32)
    return PackedCascade(
        lbp=lbp,
        reject_flat=reject_flat and not lbp,
        width=width,
        height=height,
        planes=1 if lbp else 3 if used.tilted.any() else 2,
        norm=norm,
        corners=corners,
        weights=np.zeros((len(corners), 3), np.float32) if lbp else used.weights,
        first_tree=np.cumsum([0, *(stage.trees.count for stage in cascade.stages)]),
        stage_threshold=(threshold - np.float32(STAGE_THRESHOLD_EPSILON)).astype(np.float64),
        first_node=trees.first_node.astype(np.int64),
        left=trees.left.astype(np.int64),
        right=trees.right.astype(np.int64),
        threshold=trees.threshold.astype(np.float32),
        subset=np.ascontiguousarray(trees.subset, np.int32).view(np.uint32),
        leaf=trees.leaf.astype(np.float32).astype(np.float64),
    )


def offsets(corners: np.ndarray, integral: np.ndarray) -> np.ndarray:
    """Corners (..., 3) as distances from a window's first corner in the flattened integral."""
    rows, columns = integral.shape[1:]
    return (corners @ np.array([rows * columns, columns, 1])).astype(np.uint32)
