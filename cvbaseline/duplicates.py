"""Copies of faces: equal ones, and nearly equal ones found by a perceptual hash.

A picture's hash (pHash: Zauner, Implementation and benchmarking of perceptual image hash
functions, 2010) has a bit for each of the 63 lowest frequencies of its cosine transform: whether
it is above their median. Pairs whose hashes differ in few bits are then compared pixel by pixel,
because among faces equal hashes prove little: the pictures must correlate, and their details as
well, which is what is left without a blurred version. That keeps other compression, watermarks,
other light, slight shifts and crops, and sorts out other people in the same pose. Mirrored copies
are found as well. The bounds were set by eye on FER2013.
"""

from hashlib import blake2b
from typing import NamedTuple, Optional

import numpy as np

SIDE = 32  # of the pictures that are compared, in pixels
FREQUENCIES = 8
MOST_BITS = 10  # that hashes of near copies differ in
LEAST_CORRELATION = 0.85
LEAST_DETAIL = 0.7  # correlation of the details
BLUR = 3.0  # standard deviation in pixels of what is no detail
ROWS_AT_ONCE = 256


class Copies(NamedTuple):
    """Pairs of faces that are copies of each other."""

    pairs: np.ndarray  # int64 (m, 2), the smaller index first, sorted
    exact: np.ndarray  # bool (m,): equal in every pixel


def content_keys(faces: np.ndarray) -> np.ndarray:
    """A number for each face, int64 (n,), equal for equal faces, from 0 in order of appearance."""
    numbers: dict[bytes, int] = {}
    digests = (blake2b(face.tobytes(), digest_size=16).digest() for face in faces)
    return np.array([numbers.setdefault(digest, len(numbers)) for digest in digests], np.int64)


def find_copies(faces: np.ndarray) -> Copies:
    """All pairs of copies among uint8 (n, size, size); of flat (one-coloured) faces exact ones.

    Of several equal faces each is paired with the first, and near copies are paired with the first
    as well: all pairs of a hundred equal faces would tell no more.
    """
    keys = content_keys(faces)
    _, first = np.unique(keys, return_index=True)
    of_first = first[keys]
    repeated = np.flatnonzero(of_first != np.arange(len(faces)))
    exact = np.column_stack([of_first[repeated], repeated])
    near = first[_near_pairs(faces[first])]
    near.sort(axis=1)
    pairs = np.concatenate([exact, near]).astype(np.int64).reshape(-1, 2)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    is_exact = np.arange(len(pairs)) < len(exact)
    return Copies(pairs[order], is_exact[order])


def cluster_copies(copies: Copies, count: int) -> np.ndarray:
    """A number for each of `count` faces, int64 (count,), equal for copies and copies' copies."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = copies.pairs.T
    links = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def copy_clusters(faces: np.ndarray, found: Optional[np.ndarray] = None) -> np.ndarray:
    """`cluster_copies` of `find_copies`; faces that were not found, bool (n,), are no copies."""
    if found is None:
        return cluster_copies(find_copies(faces), len(faces))
    clusters = np.arange(len(faces)) + len(faces)
    clusters[found] = cluster_copies(find_copies(faces[found]), int(found.sum()))
    return clusters


def perceptual_hashes(pictures: np.ndarray) -> np.ndarray:
    """Hashes of float32 (n, SIDE, SIDE) as float32 (n, 63) of +1 and -1."""
    from scipy.fft import dctn

    low = dctn(pictures, axes=(1, 2), norm="ortho")[:, :FREQUENCIES, :FREQUENCIES]
    low = low.reshape(len(pictures), -1)[:, 1:]
    above = low > np.median(low, axis=1, keepdims=True)
    return np.where(above, np.float32(1), np.float32(-1))


def _near_pairs(faces: np.ndarray) -> np.ndarray:
    """Pairs of near copies, also mirrored, among different faces, int64 (m, 2), each once."""
    from cvbaseline.faces import resize

    small = np.stack([resize(face, SIDE) for face in faces]).astype(np.float32)
    hashes, pixels, details = _compared(small)
    pairs = [np.zeros((0, 2), np.int64)]
    for other in (small, small[:, :, ::-1]):
        other_hashes, other_pixels, other_details = _compared(other)
        for start in range(0, len(faces), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            # The product of two hashes is the number of equal bits less that of different ones.
            least = other_hashes.shape[1] - 2 * MOST_BITS
            i, j = np.nonzero(hashes[part] @ other_hashes[start:].T >= least)
            i, j = i[i < j] + start, j[i < j] + start
            alike = np.einsum("ij,ij->i", pixels[i], other_pixels[j]) >= LEAST_CORRELATION
            i, j = i[alike], j[alike]
            alike = np.einsum("ij,ij->i", details[i], other_details[j]) >= LEAST_DETAIL
            pairs.append(np.column_stack([i[alike], j[alike]]))
    return np.unique(np.concatenate(pairs), axis=0)


def _compared(small: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes, and rows of pixels and of details whose products are correlations."""
    from scipy.ndimage import gaussian_filter

    details = small - gaussian_filter(small, (0, BLUR, BLUR))
    return perceptual_hashes(small), _normalised(small), _normalised(details)


def _normalised(pictures: np.ndarray) -> np.ndarray:
    """Rows, float32 (n, SIDE * SIDE), whose products are correlations; 0 for flat pictures."""
    rows = pictures.reshape(len(pictures), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-3)
