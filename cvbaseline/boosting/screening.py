"""Which Haar features are worth a closer look, from class statistics alone (Pham & Cham 2007).

A Haar feature is a linear form a of the window's integral image x, with at most 12 numbers other
than 0. So its weighted mean is a.m and its variance a.C.a, with m the mean and C the covariance
of x: a few look-ups, whatever the number of samples. A feature is scored by the share of the
responses' variance that it explains linearly, cov(a.x, z)^2 / var(a.x); with two classes that
orders features as Fisher's criterion does.

Statistics are those of the pixels over their window's standard deviation, rounded to whole
numbers, under weights rounded to whole numbers: their sums are exact in float64, so that results
are the same however a matrix product is cut over threads. They are integrated afterwards.
"""

import numpy as np
from numba import njit

from cvbaseline.boosting.tree_growing import LEAST_SQUARES, Load
from cvbaseline.features.haar import Corners
from cvbaseline.features.window_integrals import tilted_integral, upright_integral
from cvbaseline.parallel import for_blocks

_PIXEL_STEPS = 32  # of a standard deviation
_PIXEL_LIMIT = 2047
_WEIGHT_LIMIT = 4095
# The covariance is estimated on so many samples at most; means take all.
_DRAWN = 2048
_BLOCK = 8192  # features scored at a time, per thread
_SAMPLES = 1024  # samples added up at a time, per thread


class Screen:
    """Scores of all features under any weights.

    Parameters
    ----------
    windows : uint8 (n, h, w)
    norm : float32 (n,), of features.haar.prepare_haar
    pool : the features, for these windows
    seed : of the draw of samples for the covariance
    """

    def __init__(self, windows: np.ndarray, norm: np.ndarray, pool: Corners, seed: int):
        self._shape = windows.shape[1:]
        self._pool = pool
        area = (self._shape[0] - 2) * (self._shape[1] - 2)
        steps = np.where(norm > 0, _PIXEL_STEPS * area / np.maximum(norm, 1), 0)
        levels = windows.reshape(len(windows), -1) * steps[:, None].astype(np.float32)
        self._levels = np.minimum(levels.round(), _PIXEL_LIMIT).astype(np.int16)
        self._tilted = bool(pool.tilted.any())
        self._tables: list[np.ndarray] = []  # covariance of points: upright, tilted
        self._rank = np.random.default_rng(seed).permutation(len(windows))

    def renew(self, load: Load) -> None:
        """Estimate the covariance anew, under a node's weights."""
        members, whole, _ = self._whole_numbers(load)
        covariance = self._covariance(members, whole)
        self._tables = [_integrate_both(upright_integral, covariance, self._shape)]
        if self._tilted:
            self._tables.append(_integrate_both(tilted_integral, covariance, self._shape))

    def scores(self, load: Load) -> np.ndarray:
        """float64 (features,): the greater, the more promising for a node."""
        cross = self._cross(*self._whole_numbers(load)).reshape(*self._shape, 1)
        lines = [upright_integral(cross).ravel()]
        if self._tilted:
            lines.append(tilted_integral(cross).ravel())
        scores = np.empty(len(self._pool.places))

        def task(start: int, stop: int) -> None:
            part = Corners(*(column[start:stop] for column in self._pool))
            explained_variance(
                part, lines[0], self._tables[0], lines[-1], self._tables[-1], scores[start:stop]
            )

        for_blocks(task, len(scores), _BLOCK)
        return scores

    def _whole_numbers(self, load: Load) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The node's samples, their weights, and weights times responses, in whole numbers."""
        members = np.flatnonzero(load.inside & (load.weights > 0))
        weights = load.weights[members]
        responses = load.targets[members].astype(np.float64)
        if load.criterion != LEAST_SQUARES:
            responses = 2 * responses - 1
        whole = np.rint(weights * (_WEIGHT_LIMIT / weights.max()))
        pull = whole * np.rint(responses * (_WEIGHT_LIMIT / np.abs(responses).max()))
        return members, whole, pull

    def _cross(self, members: np.ndarray, whole: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Covariance of each pixel with the responses, up to a factor: float64 (pixels,)."""
        sums = np.zeros((2, self._levels.shape[1]))

        def task(start: int, stop: int) -> np.ndarray:
            part = np.zeros_like(sums)
            add_up(self._levels, members[start:stop], whole[start:stop], pull[start:stop], part)
            return part

        for part in for_blocks(task, len(members), _SAMPLES):
            sums += part
        return sums[1] - sums[0] * (pull.sum() / whole.sum())

    def _covariance(self, members: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Covariance of pixels: float64 (pixels, pixels)."""
        if len(members) > _DRAWN:
            drawn = np.sort(np.argsort(self._rank[members])[:_DRAWN])
            members, whole = members[drawn], whole[drawn]
        levels = self._levels[members].astype(np.float64)
        weighted = levels * whole[:, None]
        total = max(whole.sum(), 1.0)
        mean = weighted.sum(axis=0) / total
        return weighted.T @ levels / total - np.outer(mean, mean)


def _integrate_both(integral, covariance: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The covariance of pixels as that of points of an integral image."""
    half = integral(covariance.reshape(*shape, -1)).reshape(-1, len(covariance))
    both = integral(np.ascontiguousarray(half.T).reshape(*shape, len(half)))
    return both.reshape(len(half), len(half))


@njit(cache=True, nogil=True)
def add_up(
    levels: np.ndarray, members: np.ndarray, whole: np.ndarray, pull: np.ndarray, sums: np.ndarray
) -> None:
    """Add whole * levels and pull * levels of the members to float64 (2, pixels)."""
    for i in range(len(members)):
        row, first, second = levels[members[i]], whole[i], pull[i]
        for pixel in range(len(row)):
            sums[0, pixel] += first * row[pixel]
            sums[1, pixel] += second * row[pixel]


@njit(cache=True, nogil=True, error_model="numpy")
def explained_variance(
    pool: Corners,
    cross: np.ndarray,
    covariance: np.ndarray,
    cross_tilted: np.ndarray,
    covariance_tilted: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Write (a.cross)^2 / (a.covariance.a) of each feature a into float64 (features,)."""
    place, factor = np.empty(12, np.int32), np.empty(12)
    for f in range(len(pool.places)):
        line = cross_tilted if pool.tilted[f] else cross
        table = covariance_tilted if pool.tilted[f] else covariance
        count = 0
        for k in range(3):
            weight = pool.weights[f, k]
            if weight != 0:
                for corner in range(4):
                    place[count] = pool.places[f, k, corner]
                    factor[count] = weight if corner == 0 or corner == 3 else -weight
                    count += 1
        along, spread = 0.0, 0.0
        for i in range(count):
            along += factor[i] * line[place[i]]
            mixed = 0.0
            for j in range(i):
                mixed += factor[j] * table[place[i], place[j]]
            spread += factor[i] * (2 * mixed + factor[i] * table[place[i], place[i]])
        # Below one rounding step of a pixel there is nothing to see.
        scores[f] = along * along / spread if spread > 1 else 0.0
