"""Boxes that a verifier learns from: what cascades find in annotated pictures, judged and cut out.

Those on a face and those on none are learnt; those between are left out. The true boxes, a little
shifted, stand for the faces that a cascade misses.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.boxes import as_boxes, iou, nested
from cvbaseline.detect_pictures import expand_pictures
from cvbaseline.detection import detect, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.detector_quality.annotated_pictures import AnnotatedPicture, read_annotated_pictures
from cvbaseline.errors import PictureError, require
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.images import read_grey

FACE, FALSE = 0.45, 0.3  # intersection over union with a true box: at least, and below
OFF_FACE = 0.3  # of the smaller box's area: below, a box has nothing to do with a face
IGNORED = 0.5  # of the smaller box's area
SHIFT, GROWTH = 0.06, 0.1  # of true boxes: parts of the side; the size by e to that power


class JudgedBoxes(NamedTuple):
    """Crops to learn from; n of them."""

    crops: np.ndarray  # uint8 (n, size, size)
    is_face: np.ndarray  # bool (n,)
    found: np.ndarray  # bool (n,): by a cascade, not a shifted true box
    scores: np.ndarray  # float64 (n,): the cascade's, 0 for a shifted true box
    picture: np.ndarray  # int64 (n,): which picture the box is of


class SearchedPicture(NamedTuple):
    """A picture, and whether its faces are what is looked for."""

    picture: AnnotatedPicture
    wanted: bool


def pictures_of(
    annotated: Sequence[Path],
    off_face: Sequence[Path] = (),
    faceless: Sequence[Path] = (),
    limit: Optional[int] = None,
    seed: int = 0,
) -> list[SearchedPicture]:
    """The pictures of all sources.

    Parameters
    ----------
    annotated : annotations of faces
    off_face : annotations of faces of another kind, which are neither faces nor none
    faceless : pictures without a face, or folders of them
    limit : so many, drawn from each source
    """
    none = as_boxes([])
    sources = [(read_annotated_pictures(path), True) for path in annotated]
    sources += [(read_annotated_pictures(path), False) for path in off_face]
    for path in faceless:
        pictures = [AnnotatedPicture(one, none, none) for one in expand_pictures([path])]
        sources.append((pictures, False))
    generator = np.random.default_rng(seed)
    drawn = []
    for pictures, wanted in sources:
        chosen = np.sort(generator.permutation(len(pictures))[:limit])
        drawn += [SearchedPicture(pictures[place], wanted) for place in chosen]
    return drawn


def collect_boxes(
    pictures: Sequence[SearchedPicture],
    cascades: Sequence[Path],
    parameters: DetectionParameters,
    crop: CropOptions,
    seed: int = 0,
    tell: Callable[[str], None] = lambda line: None,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> JudgedBoxes:
    """What the cascades find in the pictures, and the true boxes.

    tell : gets the reason for each picture that cannot be read

    Raises UserError when none can be read.
    """
    import cv2

    classifiers = [open_cascade(path, many_pictures=True) for path in cascades]
    generator = np.random.default_rng(seed)
    parts = []
    for number, (picture, wanted) in enumerate(pictures):
        progress("searching pictures", number + 1, len(pictures))
        try:
            grey = read_grey(picture.path)
        except PictureError as error:
            tell(f"left out: {error}")
            continue
        if parameters.equalise_picture:
            grey = cv2.equalizeHist(grey)
        every = [detect(grey, one, parameters) for one in classifiers]
        found = np.concatenate([one.boxes for one in every])
        is_face, clear = judge(found, picture, wanted)
        shifted = _shifted(picture.boxes if wanted else picture.boxes[:0], grey.shape, generator)
        boxes = np.concatenate([found[clear], shifted])
        scores = np.concatenate([one.scores for one in every])[clear]
        parts.append((
            crop_faces(grey, boxes, crop),
            np.concatenate([is_face[clear], np.ones(len(shifted), bool)]),
            np.arange(len(boxes)) < len(scores),
            np.concatenate([scores, np.zeros(len(shifted))]),
            np.full(len(boxes), number),
        ))  # fmt: skip
    require(bool(parts), "no picture can be read")
    return JudgedBoxes(*map(np.concatenate, zip(*parts)))


def judge(
    found: np.ndarray, picture: AnnotatedPicture, wanted: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each box (n, 4) is a face, and whether that is clear: both bool (n,)."""
    overlap = iou(found, picture.boxes).max(axis=1, initial=0)
    clear = (overlap >= FACE) | (overlap < FALSE)
    if not wanted:
        clear = nested(found, picture.boxes).max(axis=1, initial=0) < OFF_FACE
    ignored = nested(found, picture.ignore).max(axis=1, initial=0) >= IGNORED
    return (overlap >= FACE) & wanted, clear & ~ignored


def _shifted(
    boxes: np.ndarray, shape: tuple[int, ...], generator: np.random.Generator
) -> np.ndarray:
    """Each box as a cascade might have found it: square, moved and resized a little."""
    sides = np.sqrt(boxes[:, 2:].prod(axis=1, dtype=np.float64))
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    middles += generator.uniform(-SHIFT, SHIFT, middles.shape) * sides[:, None]
    sides = sides * np.exp(generator.uniform(-GROWTH, GROWTH, len(sides)))
    corners = np.rint(middles - sides[:, None] / 2)
    corners = np.clip(corners, 0, [shape[1] - 1, shape[0] - 1])
    lengths = np.maximum(np.rint(sides), 1)
    return np.column_stack([corners, lengths, lengths]).astype(np.int32)
