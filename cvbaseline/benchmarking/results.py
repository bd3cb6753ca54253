"""results.json: every number of the report, for other programs."""

from typing import Any

import cvbaseline
from cvbaseline.benchmarking.comparisons import Comparison
from cvbaseline.benchmarking.findings import Findings, Outcome
from cvbaseline.benchmarking.scores import Scores
from cvbaseline.bootstrap import Estimate

SCHEMA = 1


def results_record(findings: Findings, remarks: list[str]) -> dict[str, Any]:
    """All results as JSON holds them; an estimate is [value, low, high]."""
    classes = findings.data.classes
    return {
        "schema": SCHEMA,
        "made_by": f"cvbaseline {cvbaseline.__version__}",
        "classes": list(classes),
        "faces": len(findings.data.labels),
        "splits": [
            {"name": split.name, "trained_on": len(split.train), "tested_on": len(split.test)}
            for split in findings.splits
        ],
        "leaked_tests": findings.leaked,
        "majority_accuracy": _estimate(findings.majority),
        "contenders": [_outcome(outcome, classes) for outcome in findings.outcomes],
        "incomplete": findings.incomplete,
        "comparisons": [_comparison(one) for one in findings.comparisons],
        "against_majority": [_comparison(one) for one in findings.against_majority.values()],
        "remarks": remarks,
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "first": one.first,
        "second": one.second,
        "accuracy_difference": _estimate(one.difference),
        "test": one.test,
        "p": one.p,
        "corrected_p": one.adjusted_p,
        "holds": one.holds,
    }


def _outcome(outcome: Outcome, classes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "title": outcome.title,
        "classifier": outcome.contender.name,
        "parameters": outcome.contender.parameters,
        "scores": _scores(outcome.scores, classes),
        "scores_without_copies": outcome.clean and _scores(outcome.clean, classes),
        "training_accuracy": outcome.training_accuracy,
        "averaged_from": list(outcome.members),
        "levels": {name: _estimate(value) for name, value in outcome.levels},
        "learning_curve": [
            {"pictures": point.pictures, "accuracy": _estimate(point.accuracy)}
            for point in outcome.learning
        ],
        "robustness": {
            "as they are" if distortion is None else str(distortion): _estimate(value)
            for distortion, value in outcome.robustness.items()
        },
        **outcome.costs._asdict(),
    }


def _scores(scores: Scores, classes: tuple[str, ...]) -> dict[str, Any]:
    named = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "calibration_error")
    return {
        **{name: _estimate(getattr(scores, name)) for name in named},
        "class_f1": {name: _estimate(value) for name, value in zip(classes, scores.class_f1)},
        "confusion": scores.confusion.tolist(),
    }


def _estimate(estimate: Estimate) -> list[float]:
    return [round(float(value), 6) for value in estimate]
