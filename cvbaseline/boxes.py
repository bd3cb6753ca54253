"""Boxes: `int32 (n, 4)` arrays as x, y, width, height in pixels of the picture."""

import numpy as np


def as_boxes(boxes: object) -> np.ndarray:
    """Any sequence of (x, y, width, height) as int32 (n, 4); an empty one as (0, 4)."""
    array = np.asarray(boxes, dtype=np.int32)
    if array.size == 0:
        return np.zeros((0, 4), np.int32)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"boxes must be (n, 4): x, y, width, height; got shape {array.shape}")
    return array


def intersection(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Common area of every box of a (n, 4) with every box of b (m, 4), float64 (n, m)."""
    a, b = as_boxes(a)[:, None].astype(np.float64), as_boxes(b)[None].astype(np.float64)
    width = np.minimum(a[..., 0] + a[..., 2], b[..., 0] + b[..., 2]) - np.maximum(
        a[..., 0], b[..., 0]
    )
    height = np.minimum(a[..., 1] + a[..., 3], b[..., 1] + b[..., 3]) - np.maximum(
        a[..., 1], b[..., 1]
    )
    return np.clip(width, 0, None) * np.clip(height, 0, None)


def area(boxes: np.ndarray) -> np.ndarray:
    """Area of each box, float64 (n,)."""
    boxes = as_boxes(boxes).astype(np.float64)
    return boxes[:, 2] * boxes[:, 3]


def nested(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over the smaller area of every pair, float64 (n, m): 1 for a box in another."""
    smaller = np.minimum(area(a)[:, None], area(b)[None])
    return intersection(a, b) / np.maximum(smaller, 1)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of every pair, float64 (n, m) in [0, 1]; 0 for two empty boxes."""
    common = intersection(a, b)
    union = area(a)[:, None] + area(b)[None] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)
