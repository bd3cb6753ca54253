"""All windows of a picture that pass a cascade of stumps, found row by row with vector code.

The windows are those that OpenCV's detector visits and finds, with the same sums. It looks at one
window after the other; here 16 neighbours, whose values in the integral image lie side by side, are
taken through the stages at once, as long as one of them passes. A stage ends as soon as its outcome
is certain. (To go on with a last window by itself gains a twentieth with LBP, and costs more with
Haar features, whose sums are quick to make of 16 windows.)

LBP codes only compare sums of cells, so the integral image is kept in 16 bits: it wraps round, but
the sum of a cell of up to 128 pixels is right, and twice as many windows fit into a vector. Where
OpenCV takes every second window, even and odd columns are kept apart, so that neighbours still lie
side by side.
"""

from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.cascade import Cascade, LbpFeatures
from cvbaseline.errors import UserError
from cvbaseline.evaluation.integral import TILTED, integral_image
from cvbaseline.evaluation.lane_kernels import LANES
from cvbaseline.evaluation.packed_cascade import PackedCascade, pack
from cvbaseline.evaluation.row_kernels import fill_table, search_rows

MOST_CELL_PIXELS = 128  # times 255 is below 2**15
CERTAIN = 1e-9  # times the leaves' sizes: what rounding cannot change
ROOM = 1024  # windows of a level for which there is room at first


class RowCascade(NamedTuple):
    """A cascade of stumps laid out for the kernels; a node is a stump."""

    first_node: np.ndarray  # int64 (stages + 1,)
    least: np.ndarray  # float64 (nodes,): what a stage's sum must reach after a node, or it fails
    leaf: np.ndarray  # float64 (nodes, 2): where a node's test succeeds, and where it fails
    subset: np.ndarray  # uint8 (nodes, 32): LBP only
    weights: np.ndarray  # float32 (nodes, 3): HAAR only
    threshold: np.ndarray  # float32 (nodes,): HAAR only


class RowSearch:
    """The search for one cascade's windows, for any number of pictures and threads."""

    def __init__(self, packed: PackedCascade):
        self._packed, self._rows = packed, lay_out(packed)
        self._corners, self._norm = (
            tuple(np.ascontiguousarray(part, np.uint32) for part in np.moveaxis(corners, -1, 0))
            for corners in (packed.corners, packed.norm.reshape(-1, 3))
        )

    def windows(
        self, picture: np.ndarray, step: int, ends: tuple[int, int], stages: int, further: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The windows of a picture, at its own size, that are visited and pass.

        Parameters
        ----------
        picture : uint8 (h, w)
        step : from one window to the next
        ends : the windows' places x, y are below
        stages : the first so many must be passed
        further : as many, or more that are looked at

        Returns
        -------
        int64 (n, 2): their top left pixels x, y, row by row; float64 (n,): sums of the last stage
        that must be passed; bool (n,): whether they pass the `further` stages
        """
        packed = self._packed
        table = _side_by_side(picture, packed, step)
        stride = step * table.shape[-1]
        first = (np.arange(0, ends[1], step) * stride).astype(np.uint32)
        corners = _distances(self._corners, table)
        norm = None if packed.lbp else _distances(self._norm, table)
        area, count = float((packed.width - 2) * (packed.height - 2)), -(-ends[0] // step)
        found = room = ROOM
        while found >= room:
            room = 2 * found
            places, sums, goes_on = np.empty(room, np.uint32), np.empty(room), np.empty(room, bool)
            found = search_rows(
                table.reshape(-1), first, count, corners, norm, area, self._rows, stages, further,
                places, sums, goes_on,
            )  # fmt: skip
        y, x = np.divmod(places[:found].astype(np.int64), stride)
        return np.stack([x * step, y], axis=1), sums[:found], goes_on[:found]


def row_search(cascade: Cascade) -> Optional[RowSearch]:
    """The search for a cascade's windows; None for a cascade that it is not made for.

    That is one of trees, one of LBP cells too large for 16 bits, or one that is not sound.
    """
    try:
        packed = pack(cascade)
    except UserError:  # a feature reaches out of the window: what OpenCV makes of it is its affair
        return None
    stumps = len(packed.left) == packed.first_tree[-1]
    if not (stumps and cascade.stages and np.diff(packed.first_tree).all()):
        return None
    if isinstance(cascade.features, LbpFeatures):
        pixels = cascade.features.cells[:, 2:].astype(np.int64).prod(axis=1)
        if pixels.max() > MOST_CELL_PIXELS:
            return None
    return RowSearch(packed)


def lay_out(packed: PackedCascade) -> RowCascade:
    """A cascade of stumps as the kernels take it."""
    leaf = packed.leaf.reshape(-1, 2)
    leaf = np.where((packed.left == 0)[:, None], leaf, leaf[:, ::-1])
    stage_ends = packed.first_tree[1:] - 1
    sums = np.cumsum(leaf.max(axis=1))
    to_come = np.repeat(sums[stage_ends], np.diff(packed.first_tree)) - sums
    least = np.repeat(packed.stage_threshold, np.diff(packed.first_tree)) - to_come
    least -= CERTAIN * (1 + np.abs(leaf).sum())
    least = np.where(np.isfinite(least), least, -np.inf)
    least[stage_ends] = packed.stage_threshold
    return RowCascade(
        packed.first_tree,
        least,
        np.ascontiguousarray(leaf),
        packed.subset.astype("<u4").view(np.uint8),
        packed.weights,
        packed.threshold,
    )


def _side_by_side(picture: np.ndarray, packed: PackedCascade, step: int) -> np.ndarray:
    """The integral images (planes, h + 1, step, columns): every step-th column together."""
    height, width = picture.shape
    shape = packed.planes, height + 1, step, width // step + 1
    table = np.zeros(np.prod(shape) + LANES, np.int16 if packed.lbp else np.int32)
    table = table[:-LANES].reshape(shape)
    fill_table(picture, table)
    if packed.planes > TILTED:
        tilted = integral_image(picture, packed.planes)[TILTED]
        for k in range(step):
            some = tilted[:, k::step]
            table[TILTED, :, k, : some.shape[1]] = some
    return table


def _distances(corners: tuple[np.ndarray, ...], table: np.ndarray) -> np.ndarray:
    """Corners as distances from a window's first corner in the flattened table, uint32."""
    _, rows, step, columns = table.shape
    plane, y, x = corners
    distances = (plane * np.uint32(rows) + y) * np.uint32(step * columns)
    # One step divides every x; two put odd columns behind even ones.
    return distances + (x if step == 1 else (x & 1) * np.uint32(columns) + (x >> 1))
