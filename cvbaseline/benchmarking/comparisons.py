"""Which contenders differ: paired tests on the same test faces, corrected for their number.

Each face tested once and on its own: McNemar's exact test (McNemar 1947; the binomial form) on the
faces that only one of the two names right. Repeated or grouped tests: the paired bootstrap over
faces or groups (Efron & Tibshirani 1993, ch. 15 and 16). Holm's correction (1979) keeps the
probability of any false call below 5 %.
"""

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
    titles = list(contenders)
    if len(titles) < 2:
        return []
    answers = list(contenders.values())
    right = np.column_stack([one.right for one in answers]).astype(np.float64)
    units = answers[0].units
    pairs = [(i, j) for i in range(len(titles)) for j in range(i + 1, len(titles))]
    first, second = np.array(pairs).T
    means = bootstrap_means(right, units, seed, ROUNDS)
    differences = means[:, first] - means[:, second]
    alone = len(np.unique(units)) == len(units)
    if alone:
        p = [mcnemar(right[:, i], right[:, j]) for i, j in pairs]
    else:
        p = [bootstrap_p(differences[:, number]) for number in range(len(pairs))]
    low, high = percentile_interval(differences)
    value = right.mean(axis=0)
    return [
        Comparison(
            titles[i],
            titles[j],
            Estimate(float(value[i] - value[j]), float(low[number]), float(high[number])),
            p[number],
            adjusted,
            "McNemar" if alone else "bootstrap",
        )
        for number, ((i, j), adjusted) in enumerate(zip(pairs, holm(p)))
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
