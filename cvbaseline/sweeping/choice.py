"""Which settings are worth a look, which one to take, and what to expect of it.

The rule: of the settings whose measure is hardly below the best one's, and not proven to be below
it (the paired bootstrap interval of the difference holds 0), take the fastest. As the chosen one
was chosen on these pictures, its measures on them are too good; what to expect comes from choosing
by the same rule without a fifth of the pictures and measuring on that fifth, in turn. Pictures that
belong together (Measure.units) are drawn, and held out, together.
"""

from typing import NamedTuple

import numpy as np

from cvbaseline.bootstrap import Estimate, percentile_interval
from cvbaseline.progress import Progress
from cvbaseline.sweeping.measures import Measure, drawn_weights, values_of

HARDLY = 0.01  # below the best
AS_FAST = 0.03  # times that differ by no more than this share count as equal
FOLDS = 5
REPEATS = 20  # of the division into folds
DRAWS_TO_CHOOSE = 200  # of the bootstrap, when the choice is repeated


class Choice(NamedTuple):
    """The setting to take and why, as indices into the settings."""

    chosen: int
    best: int  # with the highest measure, of equals the fastest
    as_good: np.ndarray  # int64 (n,): hardly below it, and not proven to be


def choose(
    measure: Measure, milliseconds: np.ndarray, weights: np.ndarray, draws: np.ndarray
) -> Choice:
    """Apply the rule.

    Parameters
    ----------
    measure : of which more is better
    milliseconds : float64 (settings,): a picture takes
    weights : float64 (pictures,): how much each picture counts
    draws : float64 (rounds, pictures): the same for each draw of the bootstrap

    Of settings that are equally fast the one with the best measure is taken, of equal ones the
    first.
    """
    values = np.nan_to_num(values_of(measure, weights), nan=-1.0)
    highest = np.flatnonzero(values == values.max())
    best = int(highest[milliseconds[highest].argmin()])
    near = np.flatnonzero(values >= values[best] - HARDLY)
    samples = values_of(measure._replace(counts=measure.counts[:, near]), draws)
    differences = samples[:, [int(np.flatnonzero(near == best)[0])]] - samples
    low, _ = percentile_interval(differences)
    as_good = near[~(low > 0)]
    fastest = milliseconds[as_good].min()
    fast = as_good[milliseconds[as_good] <= fastest * (1 + AS_FAST)]
    return Choice(int(fast[values[fast].argmax()]), best, as_good)


def expected(
    measures: dict[str, Measure],
    chosen_by: str,
    milliseconds: np.ndarray,
    seed: int = 0,
    progress: Progress = lambda what, done, total: None,
) -> dict[str, Estimate]:
    """What the rule's choice is worth on pictures that it was not chosen on, by measure.

    Repeated cross-validation: every picture is measured with the settings that were chosen without
    its fold; their sums are averaged over the repeats. Intervals are bootstrapped over pictures,
    or groups of them, that no fold tears apart.

    Parameters
    ----------
    measures : all on the same pictures
    chosen_by : name of the one to choose by
    milliseconds : float64 (settings,)

    Empty with fewer than two pictures or groups.
    """
    chosen_on = measures[chosen_by]
    units = chosen_on.units
    count = int(units.max()) + 1
    if count < 2:
        return {}
    rng = np.random.default_rng(seed)
    held_out = {name: np.zeros_like(one.counts[:, 0]) for name, one in measures.items()}
    for repeat in range(REPEATS):
        for fold in np.array_split(rng.permutation(count), min(FOLDS, count)):
            kept = np.ones(count)
            kept[fold] = 0
            drawn = rng.multinomial(count - len(fold), kept / kept.sum(), DRAWS_TO_CHOOSE)
            weights = drawn[:, units].astype(np.float64)
            chosen = choose(chosen_on, milliseconds, kept[units], weights).chosen
            out = np.flatnonzero(kept[units] == 0)
            for name, one in measures.items():
                held_out[name][out] += one.counts[out, chosen] / REPEATS
        progress("estimating what to expect", repeat + 1, REPEATS)
    weights = drawn_weights(units, seed)
    return {
        name: estimate(one._replace(counts=held_out[name][:, None]), 0, weights)
        for name, one in measures.items()
    }


def estimate(measure: Measure, setting: int, weights: np.ndarray) -> Estimate:
    """A setting's measure with its interval from the draws' weights (rounds, pictures)."""
    one = measure._replace(counts=measure.counts[:, [setting]])
    low, high = percentile_interval(values_of(one, weights))
    return Estimate(float(values_of(one)[0]), float(low[0]), float(high[0]))


def pareto_front(costs: np.ndarray) -> np.ndarray:
    """Which rows no other row beats, bool (n,).

    A row beats another when none of its costs is higher and one is lower; of equal rows the first
    stays.

    Parameters
    ----------
    costs : float (n, m): less is better
    """
    order = np.lexsort(costs.T[::-1])  # what beats a row comes before it
    on_front = np.zeros(len(costs), bool)
    for row in order:
        on_front[row] = not np.any(np.all(costs[on_front] <= costs[row], axis=1))
    return on_front
