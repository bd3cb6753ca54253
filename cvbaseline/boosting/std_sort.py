"""Index sorting that breaks ties as GCC's std::sort does (Musser's introsort, 1997).

The old trainer's choices depend on the order in which its unstable sort leaves equal keys: sums
are rounded along that order, and codes that never occur go left or right by it. So the very
algorithm is followed: median of three (second, middle, last), unguarded partition, heap sort
below depth 2 log2(n), and one insertion sort over runs of at most 16 at the end.
"""

import numpy as np
from numba import njit

_RUN = 16


@njit(cache=True, nogil=True)
def argsort_rows(keys: np.ndarray, order: np.ndarray) -> None:
    """Write into order (rows, n), an integer array, the sorting order of each row of keys.

    Parameters
    ----------
    keys : float64 (rows, n), ascending order is sought; no NaN
    order : uint16 or int32 (rows, n), written
    """
    for row in range(len(keys)):
        key, index = keys[row], order[row]
        count = len(key)
        for i in range(count):
            index[i] = i
        _quicksort_to_runs(key, index, count)
        for i in range(1, min(count, _RUN)):
            _insert_guarded(key, index, i)
        for i in range(_RUN, count):
            _insert(key, index, i)


@njit(cache=True, nogil=True)
def _quicksort_to_runs(key: np.ndarray, index: np.ndarray, count: int) -> None:
    """Sort until only runs of at most 16 are unsorted."""
    depth = 0
    while count >> (depth + 1):
        depth += 1
    depth *= 2
    # Left parts that wait for the right ones: where they begin, by the depth they have left.
    begins = np.empty(depth + 1, np.int64)
    depths = np.empty(depth + 1, np.int64)
    first, last, waiting = 0, count, 0
    while True:
        while last - first > _RUN and depth > 0:
            depth -= 1
            cut = _partition(key, index, first, last)
            begins[waiting], depths[waiting] = first, depth
            waiting += 1
            first = cut
        if last - first > _RUN:
            _heap_sort(key, index, first, last)
        if waiting == 0:
            return
        # The left part ends where its right part began.
        last = first
        waiting -= 1
        first, depth = begins[waiting], depths[waiting]


@njit(cache=True, nogil=True)
def _partition(key: np.ndarray, index: np.ndarray, first: int, last: int) -> int:
    a, b, c = first + 1, first + (last - first) // 2, last - 1
    ka, kb, kc = key[index[a]], key[index[b]], key[index[c]]
    if ka < kb:
        median = b if kb < kc else (c if ka < kc else a)
    else:
        median = a if ka < kc else (c if kb < kc else b)
    index[first], index[median] = index[median], index[first]
    pivot = key[index[first]]
    left, right = first + 1, last
    while True:
        while key[index[left]] < pivot:
            left += 1
        right -= 1
        while pivot < key[index[right]]:
            right -= 1
        if not left < right:
            return left
        index[left], index[right] = index[right], index[left]
        left += 1


@njit(cache=True, nogil=True)
def _insert_guarded(key: np.ndarray, index: np.ndarray, place: int) -> None:
    if key[index[place]] < key[index[0]]:
        moved = index[place]
        for j in range(place, 0, -1):
            index[j] = index[j - 1]
        index[0] = moved
    else:
        _insert(key, index, place)


@njit(cache=True, nogil=True)
def _insert(key: np.ndarray, index: np.ndarray, place: int) -> None:
    moved = index[place]
    while key[moved] < key[index[place - 1]]:
        index[place] = index[place - 1]
        place -= 1
    index[place] = moved


@njit(cache=True, nogil=True)
def _heap_sort(key: np.ndarray, index: np.ndarray, first: int, last: int) -> None:
    count = last - first
    for parent in range((count - 2) // 2, -1, -1):
        _sift(key, index, first, parent, count, index[first + parent])
    for end in range(count - 1, 0, -1):
        moved = index[first + end]
        index[first + end] = index[first]
        _sift(key, index, first, 0, end, moved)


@njit(cache=True, nogil=True)
def _sift(
    key: np.ndarray, index: np.ndarray, first: int, hole: int, count: int, moved: int
) -> None:
    """Let the hole sink to the bottom along the greater children, then let `moved` rise."""
    top = hole
    child = hole
    while child < (count - 1) // 2:
        child = 2 * (child + 1)
        if key[index[first + child]] < key[index[first + child - 1]]:
            child -= 1
        index[first + hole] = index[first + child]
        hole = child
    if count % 2 == 0 and child == (count - 2) // 2:
        child = 2 * (child + 1)
        index[first + hole] = index[first + child - 1]
        hole = child - 1
    parent = (hole - 1) // 2
    while hole > top and key[index[first + parent]] < key[moved]:
        index[first + hole] = index[first + parent]
        hole = parent
        parent = (hole - 1) // 2
    index[first + hole] = moved
