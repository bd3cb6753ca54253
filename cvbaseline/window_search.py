"""A cascade's windows in a picture, and the boxes that detectMultiScale groups them to.

OpenCV searches a picture with windows of growing sizes, in passes, groups those that pass the
cascade, and then cuts off what juts out of the picture. The single windows that it hands out are
cut off as well; what they were follows from the sizes and the grids of its passes.

Where there is a search of our own (`evaluation.row_search`), it makes the passes in OpenCV's place.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, Optional

import numpy as np

from cvbaseline.boxes import as_boxes
from cvbaseline.errors import UserError
from cvbaseline.opencv_cascade import Detector
from cvbaseline.parallel import for_blocks, threads

GROUPING_EPSILON = 0.2  # what detectMultiScale groups similar windows with

Size = tuple[int, int]  # width, height in pixels


class Search(NamedTuple):
    """A picture and how it is searched."""

    grey: np.ndarray  # uint8 (h, w), contiguous
    detector: Detector
    scale_factor: float
    min_size: int
    max_size: Optional[int]  # None: the picture

    @property
    def picture(self) -> Size:
        """The picture's width and height."""
        return self.grey.shape[1], self.grey.shape[0]


class Windows(NamedTuple):
    """The windows that pass all stages."""

    boxes: np.ndarray  # int32 (n, 4): x, y, width, height; what juts out of the picture is cut off
    sums: np.ndarray  # float64 (n,): of the last stage
    go_on: np.ndarray  # bool (n,): whether they pass the further stages that were asked about


class Pass(NamedTuple):
    """One pass over the picture, which is made smaller by `scale` for it."""

    scale: np.float32
    shrunk: Size  # the smaller picture's
    size: Size  # of the windows, in pixels of the picture
    ends: Size  # the windows' places x, y in the smaller picture are below
    step: int  # from one place to the next


def find_windows(search: Search, further: Optional[Detector] = None) -> Windows:
    """All windows that pass, sorted by place and size.

    further : of the same cascade, with more stages: which windows pass these as well

    Raises UserError when OpenCV cannot search the picture.
    """
    nothing, passes = Windows(as_boxes([]), np.zeros(0), np.zeros(0, bool)), search_passes(search)
    if not passes:
        # OpenCV would search at the nearest size that it has.
        return nothing
    if search.detector.rows is not None:
        return _find_in_rows(search, passes, further or search.detector)
    classifier = search.detector.classifier
    boxes, levels, sums = _call(
        classifier.detectMultiScale3, search, minNeighbors=0, outputRejectLevels=True
    )
    if len(boxes) == 0:
        return nothing
    boxes, sums = as_boxes(boxes), np.ravel(sums).astype(np.float64)
    if np.ravel(levels)[0] == 1:
        # With levels asked for, OpenCV takes the flat windows, which a Haar cascade rejects, for
        # passed ones when the cascade has a single stage.
        passed = as_boxes(_call(classifier.detectMultiScale, search, minNeighbors=0))
        kept = _among(boxes, passed)
        boxes, sums = boxes[kept], sums[kept]
    go_on = np.ones(len(boxes), bool)
    if further is not None:
        go_on = _among(boxes, find_windows(search._replace(detector=further)).boxes)
    return _sorted(boxes, sums, go_on)


def _among(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which boxes (n, 4) are among others, of equal ones as many as there are others: bool (n,)."""
    left = Counter(map(tuple, others.tolist()))
    among = []
    for box in map(tuple, boxes.tolist()):
        among.append(left[box] > 0)
        left[box] -= 1
    return np.array(among, bool)


def _find_in_rows(search: Search, passes: list[Pass], further: Detector) -> Windows:
    """All windows that pass, found by our own search, in as many threads as OpenCV's would be."""
    import cv2

    def windows_of(first: int, _: int) -> Windows:
        one = passes[first]
        shrunk = search.grey
        if one.shrunk != search.picture:
            shrunk = cv2.resize(shrunk, one.shrunk, interpolation=cv2.INTER_LINEAR_EXACT)
        places, *of_windows = search.detector.rows.windows(
            shrunk, one.step, one.ends, search.detector.stages, further.stages
        )
        corners = np.rint(places.astype(np.float32) * one.scale).astype(np.int32)
        sides = np.minimum(np.array(one.size), np.array(search.picture) - corners)
        return Windows(np.concatenate([corners, sides], axis=1).astype(np.int32), *of_windows)

    with threads(cv2.getNumThreads()):
        parts = _searched(for_blocks, windows_of, len(passes), 1)
    return _sorted(*(np.concatenate(part) for part in zip(*parts)))


def _sorted(boxes: np.ndarray, sums: np.ndarray, go_on: np.ndarray) -> Windows:
    """By place and size: the order in which they are found depends on the threads."""
    order = np.lexsort((sums, *boxes.T[::-1]))
    return Windows(boxes[order], sums[order], go_on[order])


def group_windows(
    search: Search, boxes: np.ndarray, min_neighbors: int
) -> tuple[np.ndarray, np.ndarray]:
    """The boxes that detectMultiScale makes of the windows, and the windows behind each.

    Windows that are similar form a group, whatever min_neighbors is; a group of more windows than
    that gives a box, their mean, unless it lies in the box of a larger group. (Pairs can hide each
    other; only min_neighbors 1 keeps pairs.) So the boxes for a larger min_neighbors are among
    those for a smaller one: those with more windows than it says.

    Parameters
    ----------
    boxes : (n, 4), as found by `search`
    min_neighbors : 1 or more

    Returns
    -------
    boxes int32 (m, 4), numbers of windows int32 (m,)
    """
    import cv2

    if len(boxes) == 0:
        return as_boxes([]), np.zeros(0, np.int32)
    whole = whole_windows(search, boxes)
    if whole is None:
        classifier = search.detector.classifier
        grouped, counts = _call(classifier.detectMultiScale2, search, minNeighbors=min_neighbors)
    else:
        grouped, counts = cv2.groupRectangles(whole.tolist(), min_neighbors, GROUPING_EPSILON)
    grouped = as_boxes(grouped)
    sides = np.minimum(grouped[:, 2:], np.array(search.picture, np.int32) - grouped[:, :2])
    grouped = np.concatenate([grouped[:, :2], sides], axis=1)
    return grouped, np.ravel(counts).astype(np.int32)


def whole_windows(search: Search, boxes: np.ndarray) -> Optional[np.ndarray]:
    """The windows (n, 4) before they were cut off; None in the rare case that it cannot be told."""
    width, height = search.picture
    whole = boxes.copy()
    passes = search_passes(search)
    touches = (boxes[:, 0] + boxes[:, 2] == width) | (boxes[:, 1] + boxes[:, 3] == height)
    for i in np.flatnonzero(touches):
        x, y, *sides = boxes[i].tolist()
        sizes = {
            one.size
            for one in passes
            if sides == [min(one.size[0], width - x), min(one.size[1], height - y)]
            and _has_place(one, x, one.ends[0])
            and _has_place(one, y, one.ends[1])
        }
        if len(sizes) != 1:
            return None
        whole[i, 2:] = sizes.pop()
    return whole


def search_passes(search: Search) -> list[Pass]:
    """The passes that OpenCV makes, with its roundings: factors in float64, the rest in float32.

    When no size is within the limits and these are equal, so that a single size is asked for,
    OpenCV takes the nearest. (So it does otherwise, which nobody asks for: no pass here.)
    """
    window, picture = search.detector.classifier.getOriginalWindowSize(), search.picture
    passes, factor = [], 1.0
    while all(round(side * factor) <= limit for side, limit in zip(window, picture)):
        passes.append(_pass(np.float32(factor), window, picture))
        factor *= search.scale_factor
    least, most = search.min_size, search.max_size
    limits = picture if most is None else (most, most)
    fitting = [
        one
        for one in passes
        if min(one.size) >= least and one.size[0] <= limits[0] and one.size[1] <= limits[1]
    ]
    if passes and not fitting and least == most:
        fitting = [min(passes, key=lambda one: sum((side - least) ** 2 for side in one.size))]
    return _in_stripes(fitting)


def _pass(scale: np.float32, window: Size, picture: Size) -> Pass:
    width, height = (_rounded(np.float32(side) * scale) for side in window)
    shrunk = (
        _rounded(np.float32(picture[0]) / scale), _rounded(np.float32(picture[1]) / scale)
    )  # fmt: skip
    ends = (shrunk[0] + 1 - window[0], shrunk[1] + 1 - window[1])
    return Pass(scale, shrunk, (width, height), ends, 1 if scale >= 2 else 2)


def _in_stripes(passes: list[Pass]) -> list[Pass]:
    """The passes without the last row where OpenCV leaves it out.

    It cuts all passes into as many stripes as the first one is wide in 32 pixels. Where every
    second row is searched, and their number is odd, the stripes together can be one too short.
    """
    stripes = -(-passes[0].ends[0] // 32) if passes else 0
    kept = []
    for one in passes:
        width, height = one.ends
        rows = max(-(-(height // one.step) // stripes), 1) * stripes
        kept.append(one._replace(ends=(width, min(height, rows * one.step))))
    return kept


def _has_place(one: Pass, pixel: int, end: int) -> bool:
    """Whether a place of the pass is at this column or row of the picture."""
    near = int(pixel / one.scale)
    return any(
        place % one.step == 0 and _rounded(np.float32(place) * one.scale) == pixel
        for place in range(max(0, near - 1), min(end, near + 2))
    )


def _rounded(value: np.float32) -> int:
    """To the nearest whole number, halves to the even one, as OpenCV rounds."""
    return round(float(value))


def _call(method: Callable[..., Any], search: Search, **more: Any) -> Any:
    """What one of OpenCV's ways to search returns."""
    largest = search.max_size or 0
    return _searched(
        method,
        search.grey,
        scaleFactor=search.scale_factor,
        minSize=(search.min_size, search.min_size),
        maxSize=(largest, largest),
        **more,
    )


def _searched(method: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """What a method returns; OpenCV's error is the user's, for the picture cannot be searched."""
    import cv2

    try:
        return method(*args, **more)
    except cv2.error as error:
        raise UserError(f"OpenCV cannot search the picture ({error.err})") from None
