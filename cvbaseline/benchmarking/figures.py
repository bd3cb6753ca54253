"""The benchmark's charts."""

from typing import Optional

import numpy as np

from cvbaseline.benchmarking.distortions import EXPLANATIONS
from cvbaseline.benchmarking.findings import Findings, Outcome
from cvbaseline.benchmarking.scores import Scores
from cvbaseline.reports.blocks import Figure
from cvbaseline.reports.chart_axes import Axis, linear_axis, logarithmic_axis
from cvbaseline.reports.charts import (
    Row,
    Series,
    colours,
    line_chart,
    row_chart,
    scatter_chart,
)

MOST_CLASSES = 14  # in a chart of rows
MOST_MARKS = 7
EVEN = Axis("", 0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1])


def accuracy_figure(ranked: list[Outcome], findings: Findings, palette: dict[str, str]) -> Figure:
    """Accuracy and macro F1 with intervals, best first."""
    majority = findings.majority.value
    values = [value for outcome in ranked for value in _ends(outcome.scores)]
    axis = linear_axis("accuracy", [*values, majority], most=1)
    groups = [
        ("", [Row(outcome.title, palette[outcome.title], outcome.scores.accuracy)])
        for outcome in ranked
    ]
    svg = row_chart("Accuracy with intervals", groups, axis, majority)
    caption = "Accuracy with 95 % intervals; dashed: always naming the most frequent class."
    return Figure("accuracy", caption, svg)


def _ends(scores: Scores) -> tuple[float, float]:
    return scores.accuracy.low, scores.accuracy.high


def class_figure(ranked: list[Outcome], findings: Findings, palette: dict[str, str]) -> Figure:
    """F1 of each class; of very many classes the hardest."""
    classes = findings.data.classes
    f1 = np.array([[one.value for one in outcome.scores.class_f1] for outcome in ranked])
    shown = np.arange(len(classes))
    caption = "F1 of each class with 95 % intervals."
    if len(classes) > MOST_CLASSES:
        shown = np.sort(np.argsort(f1.mean(axis=0), kind="stable")[:MOST_CLASSES])
        caption = f"F1 of the {MOST_CLASSES} hardest classes of {len(classes)}, 95 % intervals."
    groups = [
        (classes[number], [
            Row(outcome.title, palette[outcome.title], outcome.scores.class_f1[number])
            for outcome in ranked
        ])
        for number in shown
    ]  # fmt: skip
    return Figure("class-f1", caption, row_chart("F1 by class", groups, EVEN._replace(name="F1")))


def time_figure(ranked: list[Outcome], palette: dict[str, str]) -> Figure:
    """Accuracy against training time."""
    rows = [
        (Row(outcome.title, palette[outcome.title], outcome.scores.accuracy),
         max(outcome.costs.fit_seconds, 1e-3))
        for outcome in ranked
    ]  # fmt: skip
    across = logarithmic_axis("training time in seconds", [time for _, time in rows])
    ends = [end for outcome in ranked for end in _ends(outcome.scores)]
    svg = scatter_chart("Accuracy against time", rows, across, linear_axis("accuracy", ends, 1))
    caption = "Accuracy against the time of one training; up and left is better."
    return Figure("accuracy-time", caption, svg)


def learning_figure(ranked: list[Outcome], palette: dict[str, str]) -> Optional[Figure]:
    """Accuracy against the number of training pictures."""
    shown = [outcome for outcome in ranked if outcome.learning]
    if not shown:
        return None
    series = [
        Series(
            outcome.title,
            palette[outcome.title],
            [(point.pictures, point.accuracy.value) for point in outcome.learning],
            [(point.accuracy.low, point.accuracy.high) for point in outcome.learning],
        )
        for outcome in shown
    ]
    points = [point for outcome in shown for point in outcome.learning]
    sizes = sorted({round(point.pictures) for point in points})
    across = logarithmic_axis("training pictures", sizes)
    if len(sizes) <= MOST_MARKS:
        across = across._replace(marks=sizes)
    ends = [end for point in points for end in (point.accuracy.low, point.accuracy.high)]
    svg = line_chart("Learning curves", series, across, linear_axis("accuracy", ends, 1))
    caption = "Accuracy on the same test faces after learning from parts of the training faces."
    return Figure("learning-curve", caption, svg)


def reliability_figure(ranked: list[Outcome], palette: dict[str, str]) -> Figure:
    """How often answers are right that are given with about the same probability."""
    series = [
        Series(
            outcome.title,
            palette[outcome.title],
            list(zip(outcome.reliability.confidence, outcome.reliability.accuracy)),
        )
        for outcome in ranked
    ]
    axes = EVEN._replace(name="probability of the named class"), EVEN._replace(name="share right")
    svg = line_chart("Reliability", series, *axes, diagonal=True)
    caption = (
        "Reliability: on the dashed line probabilities mean what they say; below it they promise "
        "too much."
    )
    return Figure("reliability", caption, svg)


def robustness_figures(ranked: list[Outcome], palette: dict[str, str]) -> list[Figure]:
    """Accuracy against each kind of damage."""
    shown = [outcome for outcome in ranked if outcome.robustness]
    figures = []
    for kind, explanation in EXPLANATIONS.items() if shown else ():
        series, sizes = [], set()
        for outcome in shown:
            found = [
                (distortion.level, estimate)
                for distortion, estimate in outcome.robustness.items()
                if distortion is not None and distortion.kind == kind
            ]
            if kind != "resolution":
                found.insert(0, (0.0, outcome.robustness[None]))
            found.sort(key=lambda one: one[0])
            sizes |= {level for level, _ in found}
            series.append(
                Series(
                    outcome.title,
                    palette[outcome.title],
                    [(level, estimate.value) for level, estimate in found],
                    [(estimate.low, estimate.high) for _, estimate in found],
                )
            )
        marks = sorted(sizes)
        across = Axis(explanation, marks[0], marks[-1], marks)
        ends = [end for one in series for ends in one.intervals for end in ends]
        svg = line_chart(f"Accuracy under {kind}", series, across, linear_axis("accuracy", ends, 1))
        figures.append(Figure(f"robustness-{kind}", f"Accuracy under {kind}.", svg))
    return figures


def history_figures(outcome: Outcome, colour: str) -> list[Figure]:
    """Loss and accuracy over the epochs, of every split that has them."""
    figures = []
    for measure in ("loss", "accuracy"):
        series = []
        for history in outcome.histories:
            for name, style in ((measure, "thin dashed"), (f"validation_{measure}", "")):
                points = list(enumerate(history.get(name) or [], 1))
                if points:
                    series.append(Series(name, colour, points, style=style, dots=False))
        if not series:
            continue
        values = [y for one in series for _, y in one.points]
        epochs = max(len(one.points) for one in series)
        across = linear_axis("epoch", [1, max(2, epochs)])
        up = linear_axis(measure, values, 1 if measure == "accuracy" else None)
        svg = line_chart(f"{measure} of {outcome.title}", series, across, up, names={"": colour})
        slug = "".join(c if c.isalnum() else "-" for c in outcome.title)
        caption = f"{measure.capitalize()} of {outcome.title} while learning: dashed on what it "
        caption += "learns, solid on its validation part" + (
            ", one line for each split." if len(outcome.histories) > 1 else "."
        )
        figures.append(Figure(f"{measure}-{slug}", caption, svg))
    return figures


def palette_of(findings: Findings) -> dict[str, str]:
    """A colour for each contender."""
    return colours([outcome.title for outcome in findings.outcomes])
