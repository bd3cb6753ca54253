"""What training says in plain words, and what it writes into the model: data and quality."""

from typing import Any

import numpy as np

from cvbaseline.classification.metrics import (
    Quality,
    balanced_accuracy,
    named_share,
)
from cvbaseline.datasets import LabelledFaces

FEW_PICTURES = 10
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def describe_data(data: LabelledFaces) -> list[str]:
    """Counts, what was left out, and warnings."""
    counts = np.bincount(data.labels)
    grouped = "" if data.groups is None else f" in {len(set(data.groups))} groups"
    lines = [f"{len(data.labels)} faces{grouped}, {len(data.classes)} classes:"]
    lines += [f"  {count:6d}  {name}" for name, count in zip(data.classes, counts)]
    if data.problems:
        lines.append(f"{len(data.problems)} left out:")
        lines += [f"  {problem}" for problem in data.problems]
    for name, count in zip(data.classes, counts):
        if count < FEW_PICTURES:
            lines.append(
                f"warning: {name} has {pictures(count)}: too few to learn it or to prove anything"
            )
    return lines


def pictures(count: int) -> str:
    """`1 picture`, `2 pictures`."""
    return f"{count} picture" + ("" if count == 1 else "s")


def describe_quality(quality: Quality, classes: tuple[str, ...], grouped: bool) -> list[str]:
    """Accuracy, macro F1, each class's F1, the confusion matrix, and warnings."""
    counts = quality.confusion.sum(axis=1)
    most = classes[counts.argmax()]
    by = "no group is on both sides" if grouped else "split picture by picture"
    width = max(len(name) for name in classes)
    lines = [
        f"held-out estimate ({by}; 95 % intervals):",
        f"  accuracy {quality.accuracy}; always saying {most} would reach {quality.majority:.3f}",
        f"  macro F1 {quality.macro_f1}; log loss {quality.log_loss:.3f}",
        f"  {'class':<{width}}     F1  pictures  taken for",
    ]
    for index, (name, f1) in enumerate(zip(classes, quality.class_f1)):
        row = quality.confusion[index]
        taken = ", ".join(
            f"{classes[other]} {row[other]}" for other in np.argsort(-row, kind="stable")[:4]
            if row[other]
        )  # fmt: skip
        lines.append(f"  {name:<{width}}  {f1:5.3f}  {counts[index]:8d}  {taken}")
    if quality.accuracy.low <= quality.majority:
        lines.append("warning: not clearly better than always naming the most frequent class")
    return lines


def quality_record(quality: Quality, classes: tuple[str, ...]) -> dict[str, Any]:
    """The quality as JSON holds it."""
    return {
        "accuracy": _rounded(quality.accuracy),
        "macro_f1": _rounded(quality.macro_f1),
        "balanced_accuracy": round(balanced_accuracy(quality.confusion), 4),
        "majority": round(quality.majority, 4),
        "log_loss": round(quality.log_loss, 4),
        "class_f1": dict(zip(classes, _rounded(quality.class_f1))),
        "confusion": quality.confusion.tolist(),
    }


def threshold_record(truth: np.ndarray, probabilities: np.ndarray) -> list[dict[str, float]]:
    """How many faces each threshold of confidence names, and how many of those names are right."""
    rows = [named_share(truth, probabilities, threshold) for threshold in THRESHOLDS]
    return [
        {
            "unsure_below": row.threshold,
            "named": round(row.share, 4),
            "right": round(row.accuracy, 4),
        }
        for row in rows
    ]


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]
