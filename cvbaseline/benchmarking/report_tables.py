"""The benchmark's tables of contenders, and numbers as its reports write them."""

from collections.abc import Sequence
from typing import Optional

from cvbaseline.benchmarking.findings import Findings, Outcome
from cvbaseline.benchmarking.scores import Scores
from cvbaseline.bootstrap import Estimate
from cvbaseline.reports.blocks import Table

MEASURES = ("accuracy", "macro F1", "balanced accuracy", "log loss", "ECE")


def summary_table(ranked: list[Outcome], findings: Findings) -> Table:
    """How good every contender is."""
    header = ("contender", *MEASURES)
    rows = [[outcome.title, *_measures(outcome.scores)] for outcome in ranked]
    if all(outcome.contender.name != "majority" for outcome in ranked):
        nothing = ["–"] * (len(header) - 2)
        rows.append(["(the most frequent class)", interval(findings.majority), *nothing])
    return Table(header, rows)


def clean_table(ranked: list[Outcome]) -> Table:
    """How good they are on the test faces that have no copy in training."""
    rows = [[outcome.title, *_measures(outcome.clean)] for outcome in ranked if outcome.clean]
    return Table(("without copies", *MEASURES), rows)


def _measures(scores: Scores) -> list[str]:
    return [
        interval(scores.accuracy),
        interval(scores.macro_f1),
        interval(scores.balanced_accuracy),
        interval(scores.log_loss),
        interval(scores.calibration_error),
    ]


def cost_table(ranked: list[Outcome]) -> Table:
    """What every contender takes."""
    header = ("contender", "training", "faces/s", "peak memory", "model", "right when learnt")
    rows = []
    for outcome in ranked:
        costs, learnt = outcome.costs, outcome.training_accuracy
        rate = "–" if costs.faces_per_second is None else f"{costs.faces_per_second:,.0f}"
        rows.append((
            outcome.title, seconds(costs.fit_seconds), rate, size(costs.peak_bytes),
            size(costs.model_bytes), "–" if learnt is None else f"{learnt:.3f}",
        ))  # fmt: skip
    return Table(header, rows)


def averaged(title: str, members: Sequence[str]) -> str:
    """A sentence about an ensemble that was not fitted."""
    return f"{title} is the mean of the probabilities of {', '.join(members)}."


def interval(estimate: Estimate) -> str:
    """.612 (.580 to .645)"""
    value, low, high = (f"{number:.3f}" for number in estimate)
    return f"{value} ({low} to {high})"


def seconds(time: float) -> str:
    """A time in the unit that suits it."""
    if time < 1:
        return f"{1000 * time:.0f} ms"
    return f"{time:.1f} s" if time < 100 else f"{time / 60:.1f} min"


def size(count: Optional[int]) -> str:
    """A number of bytes in the unit that suits it."""
    if count is None:
        return "–"
    if count < 1e6:
        return f"{count / 1e3:.0f} kB"
    return f"{count / 1e6:.1f} MB" if count < 1e8 else f"{count / 1e6:,.0f} MB"
