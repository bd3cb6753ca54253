"""Which contenders differ: paired tests on the same test faces, corrected for their number.

Each face tested once and on its own: McNemar's exact test (McNemar 1947; the binomial form) on the
faces that only one of the two names right. Repeated or grouped tests: the same idea for faces or
groups as a whole, the sign-flip test (Fisher 1935, sec. 21). Holm's correction (1979) keeps the
probability of any false call below 5 %.
"""

from collections.abc import Iterator
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from cvbaseline.benchmarking.scores import Answers, bootstrap_means
from cvbaseline.bootstrap import Estimate, percentile_interval

LEVEL = 0.05
ROUNDS = 10_000
ROUNDS_AT_ONCE = 100


class Comparison(NamedTuple):
    """Two contenders' accuracies on the same faces."""

    first: str
    second: str
    difference: Estimate  # accuracy of the first less that of the second
    p: float
    adjusted_p: float  # after Holm
    test: str  # "McNemar" or "sign flips"

    @property
    def holds(self) -> bool:
        """Whether the difference may be called one."""
        return self.adjusted_p < LEVEL


def compare(contenders: dict[str, Answers], seed: int = 0) -> list[Comparison]:
    """All pairs of contenders; their answers must be about the same faces in the same order."""
    return compare_pairs(contenders, list(combinations(contenders, 2)), seed)


def compare_pairs(
    contenders: dict[str, Answers], pairs: list[tuple[str, str]], seed: int = 0
) -> list[Comparison]:
    """The pairs of contenders, by their titles; the correction is for these pairs."""
    if not pairs:
        return []
    titles = list(contenders)
    right = np.column_stack([answers.right for answers in contenders.values()]).astype(np.float64)
    units = contenders[titles[0]].units
    first = [titles.index(one) for one, _ in pairs]
    second = [titles.index(other) for _, other in pairs]
    means = bootstrap_means(right, units, seed, ROUNDS)
    differences = means[:, first] - means[:, second]
    alone = len(np.unique(units)) == len(units)
    gained = right[:, first] - right[:, second]
    if alone:
        p = [mcnemar(right[:, i], right[:, j]) for i, j in zip(first, second)]
    else:
        p = sign_flip_p(gained, units, seed)
    value = gained.mean(axis=0)
    estimates = map(
        Estimate, value.tolist(), *(end.tolist() for end in percentile_interval(differences))
    )
    test = "McNemar" if alone else "sign flips"
    return [
        Comparison(*pair, estimate, one, adjusted, test)
        for pair, estimate, one, adjusted in zip(pairs, estimates, p, holm(p))
    ]


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided exact p of right answers (r,) of two contenders to the same questions.

    Of the answers where just one of them is right, each is equally often that one by chance.
    """
    from scipy.stats import binomtest

    only_first = int(((first > 0) & (second == 0)).sum())
    only_second = int(((first == 0) & (second > 0)).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second, 0.5).pvalue)


def sign_flip_p(gained: np.ndarray, units: np.ndarray, seed: int = 0) -> list[float]:
    """Two-sided p of what one contender gained over another, by pair; never below 2 / 2**units.

    Were the two alike, each unit would favour the one as often as the other: p is the share of
    all ways to flip the units' signs that make the sum at least as large as it is.

    Parameters
    ----------
    gained : float64 (r, pairs), whole numbers, so that equal sums are equal
    units : int64 (r,), from 0
    """
    count = int(units.max()) + 1
    sums = np.stack([np.bincount(units, column, count) for column in gained.T], axis=1)
    observed = np.abs(sums.sum(axis=0))
    as_large = [np.abs(signs @ sums) >= observed for signs in _flips(count, seed)]
    return np.concatenate(as_large).mean(axis=0).tolist()


def _flips(units: int, seed: int) -> Iterator[np.ndarray]:
    """Signs of the units, float64 (m, units): all that there are, or ROUNDS random ones.

    The latter come after those that the units have; without these p could be 0 (Phipson & Smyth
    2010).
    """
    if 2**units <= ROUNDS:
        yield np.array(list(product((1.0, -1.0), repeat=units)))
        return
    rng = np.random.default_rng(seed)
    yield np.ones((1, units))
    for start in range(0, ROUNDS, ROUNDS_AT_ONCE):
        rounds = min(ROUNDS_AT_ONCE, ROUNDS - start)
        yield 1.0 - 2.0 * rng.integers(2, size=(rounds, units), dtype=np.int8)


def holm(p: list[float]) -> list[float]:
    """p values after Holm's step-down correction, in the same order."""
    adjusted, largest = [0.0] * len(p), 0.0
    for rank, number in enumerate(np.argsort(p, kind="stable")):
        largest = max(largest, min(1.0, (len(p) - rank) * p[number]))
        adjusted[number] = largest
    return adjusted
