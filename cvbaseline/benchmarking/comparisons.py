"""Which contenders differ: paired tests on the same test faces, corrected for their number.

Each face tested once and on its own: McNemar's exact test (McNemar 1947; the binomial form) on the
faces that only one of the two names right. Repeated or grouped tests: the paired bootstrap over
faces or groups (Efron & Tibshirani 1993, ch. 15 and 16). Holm's correction (1979) keeps the
probability of any false call below 5 %.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from cvbaseline.benchmarking.scores import Answers, bootstrap_means
from cvbaseline.bootstrap import Estimate, percentile_interval

LEVEL = 0.05
ROUNDS = 10_000


class Comparison(NamedTuple):
    """Two contenders' accuracies on the same faces."""

    first: str
    second: str
    difference: Estimate  # accuracy of the first less that of the second
    p: float
    adjusted_p: float  # after Holm
    test: str  # "McNemar" or "bootstrap"

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
    p = [
        mcnemar(right[:, i], right[:, j]) if alone else bootstrap_p(differences[:, number])
        for number, (i, j) in enumerate(zip(first, second))
    ]
    value = (right[:, first] - right[:, second]).mean(axis=0)
    estimates = map(
        Estimate, value.tolist(), *(end.tolist() for end in percentile_interval(differences))
    )
    test = "McNemar" if alone else "bootstrap"
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


def bootstrap_p(differences: np.ndarray) -> float:
    """Two-sided p of a difference whose bootstrap draws (n,) are given; never 0."""
    least = min((differences <= 0).sum(), (differences >= 0).sum())
    return float(min(1.0, 2 * (least + 1) / (len(differences) + 1)))


def holm(p: list[float]) -> list[float]:
    """p values after Holm's step-down correction, in the same order."""
    adjusted, largest = [0.0] * len(p), 0.0
    for rank, number in enumerate(np.argsort(p, kind="stable")):
        largest = max(largest, min(1.0, (len(p) - rank) * p[number]))
        adjusted[number] = largest
    return adjusted
