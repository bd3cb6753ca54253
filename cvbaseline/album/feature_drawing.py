"""Features drawn as SVG in the window's own pixels, and where in the window they look.

Haar: orange parts count for, blue ones against the value; both are what remains after
overlapping rectangles are added up, so the usual "whole times -1, half times +2" shows as two
halves. LBP: nine cells; an outer one is orange when it is mostly at least as bright as the centre,
blue when mostly darker.
"""

from typing import Optional

import numpy as np

from cvbaseline.cascade import Cascade, HaarFeatures, Trees

# Column and row of the outer cells, from bit 128 down to bit 1 (clockwise from the top left).
RING = ((0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1))

Point = tuple[int, int]


def rectangle(rect: np.ndarray, tilted: bool) -> list[Point]:
    """Corners of a rectangle x, y, width, height; turned by 45 degrees about (x, y) if tilted."""
    x, y, w, h = map(int, rect)
    if tilted:
        return [(x, y), (x + w, y + w), (x + w - h, y + w + h), (x - h, y + h)]
    return [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]


def haar_shapes(features: HaarFeatures, number: int) -> str:
    """A Haar feature's parts as SVG."""
    tilted = bool(features.tilted[number])
    parts = [
        (rectangle(rect, tilted), float(weight))
        for rect, weight in zip(features.rects[number], features.weights[number])
        if weight
    ]
    (whole, weight), inner = parts[0], parts[1:]
    if weight < 0 and all(w + weight > 0 for _, w in inner):  # the usual: inner parts win
        around = _path(whole) + "".join(_path(points) for points, _ in inner)
        shapes = [f'<path class="plus" d="{_path(points)}"/>' for points, _ in inner]
        return f'<path class="minus" fill-rule="evenodd" d="{around}"/>' + "".join(shapes)
    return "".join(
        f'<path class="{"plus" if weight > 0 else "minus"}" d="{_path(points)}"/>'
        for points, weight in parts
    )


def lbp_shapes(cell: np.ndarray, brighter: np.ndarray) -> str:
    """An LBP feature's cells as SVG.

    Parameters
    ----------
    cell : x, y, width, height of the top left cell
    brighter : float (8,), for each outer cell from bit 128 down how often it is at least as bright
        as the centre, 0 to 1
    """
    x, y, w, h = map(int, cell)
    shapes = []
    for (column, row), share in zip(RING, brighter.tolist()):
        kind = "plus" if share >= 0.5 else "minus"
        strength = 0.12 + 0.68 * abs(2 * share - 1)
        shapes.append(
            f'<rect class="{kind}" style="fill-opacity:{strength:.2f}" x="{x + column * w}" '
            f'y="{y + row * h}" width="{w}" height="{h}"/>'
        )
    centre = f'<rect class="centre" x="{x + w}" y="{y + h}" width="{w}" height="{h}"/>'
    return "".join(shapes) + centre


def _path(points: list[Point]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points) + "z"


def bits_of_codes(codes: np.ndarray) -> np.ndarray:
    """How often each bit is set, from bit 128 down, float64 (8,); 0.5 without a code."""
    if not len(codes):
        return np.full(8, 0.5)
    return np.unpackbits(codes.astype(np.uint8)[:, None], axis=1).mean(axis=0)


def attention(cascade: Cascade, trees: Trees) -> np.ndarray:
    """Where a stage looks: for each pixel the weight of the trees' votes that depend on it.

    float64 (height, width) from 0 to 1: a tree spreads the difference of its leaves over the
    pixels of its nodes' features, so that small features glow more than large ones.
    """
    heat = np.zeros((cascade.height, cascade.width))
    for tree, (root, end) in enumerate(zip(trees.first_node, trees.first_node[1:])):
        leaves = trees.leaf[root + tree : end + tree + 1]
        for feature in trees.feature[root:end]:
            covered = covered_pixels(cascade, int(feature))
            heat += covered * (np.ptp(leaves) / np.sqrt(max(1, covered.sum())) / (end - root))
    return heat / max(heat.max(), 1e-12)


def covered_pixels(cascade: Cascade, feature: int) -> np.ndarray:
    """The pixels that a feature's value depends on, bool (height, width)."""
    y, x = np.mgrid[: cascade.height, : cascade.width] + 0.5
    if not isinstance(cascade.features, HaarFeatures):
        left, top, w, h = cascade.features.cells[feature]
        return (left <= x) & (x < left + 3 * w) & (top <= y) & (y < top + 3 * h)
    inside = np.zeros(x.shape, bool)
    tilted = bool(cascade.features.tilted[feature])
    for (left, top, w, h), weight in zip(
        cascade.features.rects[feature], cascade.features.weights[feature]
    ):
        if weight:
            across, down = x - left, y - top
            if tilted:  # along the sides, which run down to the right and down to the left
                across, down = (across + down) / 2, (down - across) / 2
                inside |= (across >= 0) & (across < w) & (down > 0) & (down <= h)
            else:
                inside |= (across >= 0) & (across < w) & (down >= 0) & (down < h)
    return inside


def mean_face(windows: Optional[np.ndarray], width: int, height: int) -> np.ndarray:
    """The mean of samples, uint8 (n, h, w), with its contrast stretched, uint8 (height, width);
    plain grey without samples."""
    if windows is None:
        return np.full((height, width), 150, np.uint8)
    mean = windows.mean(axis=0)
    low, high = np.percentile(mean, [1, 99])
    return np.clip((mean - low) * (225 / max(high - low, 1)) + 15, 0, 255).astype(np.uint8)
