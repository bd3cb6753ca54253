"""What there is to know about labelled faces: counts, sizes, copies, conflicting labels."""

from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.datasets import LabelledFaces
from cvbaseline.duplicates import content_keys, copy_clusters

FLAT = 6.0  # grey levels of standard deviation below which a face shows next to nothing


class Sizes(NamedTuple):
    """Widths and heights of the pictures or boxes, in pixels."""

    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    different: int  # how many different sizes there are
    enlarged: int  # faces that are smaller than the crops
    oblong: int  # faces whose sides differ by more than a fifth


class Cluster(NamedTuple):
    """Faces that are copies of each other."""

    members: np.ndarray  # int64 (m,), ascending indices of faces
    conflicting: bool  # not all have the same class
    across: bool  # not all are in the same part


class Survey(NamedTuple):
    """Everything about the data."""

    data: LabelledFaces
    counts: np.ndarray  # int64 (k,) or, of data with parts, (k, parts)
    parts: tuple[str, ...]  # names of the columns of `counts`, or ()
    groups: Optional[np.ndarray]  # int64 (k,), groups of each class
    sizes: Sizes
    clusters: tuple[Cluster, ...]  # the largest first
    repeated: int  # faces that are equal to an earlier one
    contradictions: int  # pictures that have several classes, equal in every pixel
    flat: np.ndarray  # int64 (m,), indices of faces that show next to nothing
    missed: int  # faces that the detector did not find


def survey(data: LabelledFaces) -> Survey:
    """Count and compare all faces."""
    found = np.ones(len(data.labels), bool) if data.found is None else data.found
    keys = content_keys(data.faces)
    shades = data.faces.reshape(len(data.faces), -1).std(axis=1)
    return Survey(
        data=data,
        counts=_counts(data),
        parts=() if data.parts is None else tuple(sorted(set(data.parts))),
        groups=_groups(data),
        sizes=_sizes(data.sizes[found], data.faces.shape[1]),
        clusters=_clusters(data, copy_clusters(data.faces, data.found)),
        repeated=int(found.sum()) - len(np.unique(keys[found])),
        contradictions=_contradictions(keys[found], data.labels[found]),
        flat=np.flatnonzero((shades < FLAT) & found),
        missed=int((~found).sum()),
    )


def _counts(data: LabelledFaces) -> np.ndarray:
    classes = len(data.classes)
    if data.parts is None:
        return np.bincount(data.labels, minlength=classes)
    names, part = np.unique(data.parts, return_inverse=True)
    cells = np.bincount(data.labels * len(names) + part, minlength=classes * len(names))
    return cells.reshape(classes, len(names))


def _groups(data: LabelledFaces) -> Optional[np.ndarray]:
    if data.groups is None:
        return None
    pairs = set(zip(data.labels.tolist(), data.groups))
    return np.bincount([label for label, _ in pairs], minlength=len(data.classes))


def _sizes(sizes: np.ndarray, crop: int) -> Sizes:
    if len(sizes) == 0:
        return Sizes((0, 0), (0, 0), (0, 0), 0, 0, 0)
    order = np.argsort(sizes.prod(axis=1, dtype=np.int64), kind="stable")
    smallest, median, largest = (
        tuple(sizes[order[place]].tolist()) for place in (0, len(order) // 2, -1)
    )
    long, short = sizes.max(axis=1), sizes.min(axis=1)
    return Sizes(
        smallest,
        median,
        largest,
        different=len(np.unique(sizes, axis=0)),
        enlarged=int((short < crop).sum()),
        oblong=int((long > 1.2 * short).sum()),
    )


def _contradictions(keys: np.ndarray, labels: np.ndarray) -> int:
    pairs = np.unique(np.column_stack([keys, labels]), axis=0)
    return int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())


def _clusters(data: LabelledFaces, numbers: np.ndarray) -> tuple[Cluster, ...]:
    """All clusters of two faces or more."""
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order])) + 1
    parts = None if data.parts is None else np.unique(data.parts, return_inverse=True)[1]

    def several(values: Optional[np.ndarray], members: np.ndarray) -> bool:
        return values is not None and len(np.unique(values[members])) > 1

    clusters = [
        Cluster(
            members,
            conflicting=several(data.labels, members),
            across=several(parts, members),
        )
        for members in np.split(order, starts)
        if len(members) > 1
    ]
    return tuple(sorted(clusters, key=lambda one: (-len(one.members), one.members[0])))
