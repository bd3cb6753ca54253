"""Checks of the numbers among the flags, before any file is looked at."""

import os
from typing import Optional

from cvbaseline.preflight.findings import Checked, Finding

MOST_NEGATIVES = 10  # for each positive; the trainer does not balance the classes
FEWEST_NEGATIVES = 0.2


def check_rates(min_hit_rate: float, max_false_alarm: float) -> Checked:
    """Rates of exactly 1, with which the old trainer forgets all its boosting parameters."""
    checked = Checked([], {})
    for flag, rate, usual in (
        ("-minHitRate", min_hit_rate, "0.995"),
        ("-maxFalseAlarmRate", max_false_alarm, "0.5"),
    ):
        if rate == 1:
            problem = (
                "with a rate of exactly 1 the old trainer silently takes 100 trees of Real "
                "AdaBoost, whatever the other boosting flags say"
            )
            checked.findings.append(Finding("warning", f"{flag} 1", problem, f"use {flag} {usual}"))
            checked.mended[flag] = usual
    if min_hit_rate < 0.9:
        where = f"-minHitRate {min_hit_rate:g}"
        problem = f"each stage may lose {1 - min_hit_rate:.0%} of the positives"
        checked.findings.append(Finding("warning", where, problem, "use 0.99 to 0.999"))
    return checked


def check_balance(num_pos: int, num_neg: int) -> list[Finding]:
    """Numbers of negatives that drown the positives, or teach nothing."""
    ratio = num_neg / num_pos
    where = f"-numNeg {num_neg}"
    if ratio > MOST_NEGATIVES:
        problem = f"{ratio:.3g} negatives for each positive drown the positives of a stage"
        mend = f"use one to three times -numPos: -numNeg {2 * num_pos}"
        return [Finding("warning", where, problem, mend)]
    if ratio < FEWEST_NEGATIVES:
        problem = f"{num_neg} negatives beside {num_pos} positives: the rates will mean little"
        return [Finding("warning", where, problem, f"use at least half: -numNeg {num_pos // 2}")]
    return []


def check_buffers(value_mb: int, index_mb: int, memory_mb: Optional[int]) -> Checked:
    """Buffers of the old trainer that this machine's memory does not hold."""
    taken = value_mb + 2 * index_mb  # it allocates the index buffer twice
    if memory_mb is None or taken <= memory_mb:
        return Checked([], {})
    less = str(memory_mb // 6)
    mended = {"-precalcValBufSize": less, "-precalcIdxBufSize": less}
    problem = f"the old trainer takes up to {taken} MB for them, and this machine has {memory_mb}"
    mend = f"use {less} for each; cvbaseline needs no such buffers"
    where = f"-precalcValBufSize {value_mb} -precalcIdxBufSize {index_mb}"
    return Checked([Finding("aborts", where, problem, mend, False)], mended)


def memory_of_machine() -> Optional[int]:
    """Physical memory in MB, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def check_supply(
    windows: int, num_neg: int, num_stages: int, max_false_alarm: float
) -> list[Finding]:
    """Whether the negative pictures hold enough different windows for the last stages.

    A stage k looks at num_neg / max_false_alarm^k windows to find num_neg that all stages before
    it accept; when the pictures hold fewer, the same windows come again, or the training ends.

    Parameters
    ----------
    windows : different windows of the window's size, in all pictures, at all scales searched
    """
    if windows == 0 or not 0 < max_false_alarm < 1:
        return []
    if windows < num_neg:
        problem = f"all pictures together hold only {windows} different windows"
        return [
            Finding("warning", f"-numNeg {num_neg}", problem, "add pictures without the object")
        ]
    for stage in range(num_stages):
        needed = num_neg / max_false_alarm**stage
        if needed > windows:
            problem = (
                f"all pictures together hold about {windows:.2g} different windows, and stage "
                f"{stage} must look at about {needed:.2g} to find {num_neg} that pass"
            )
            mend = f"add pictures without the object, or expect about {stage} stages"
            return [Finding("warning", f"-numStages {num_stages}", problem, mend)]
    return []
