"""What a careful reader would object to, in plain words."""

from typing import Literal, NamedTuple

import numpy as np

from cvbaseline.benchmarking.comparisons import LEVEL
from cvbaseline.benchmarking.findings import Findings, Outcome
from cvbaseline.classification.report import FEW_PICTURES, pictures

FEW_UNITS = 20  # groups below which an interval promises too much
LARGE_GAP = 0.15  # between accuracy on learnt and on new pictures
TOO_GOOD = 0.98
SMALLEST_TEST = 30  # test pictures of a class below which its F1 says little


class Judgement(NamedTuple):
    """One remark; a warning concerns what the results are worth."""

    kind: Literal["warning", "note"]
    text: str


def judge(findings: Findings, jobs: int) -> list[Judgement]:
    """All remarks, warnings first; `jobs` processes ran at once."""
    remarks = [
        *_about_data(findings),
        *_about_setting(findings, jobs),
        *_about_outcomes(findings),
    ]
    return sorted(remarks, key=lambda remark: remark.kind != "warning")


def _warning(text: str) -> Judgement:
    return Judgement("warning", text)


def _note(text: str) -> Judgement:
    return Judgement("note", text)


def _about_data(findings: Findings) -> list[Judgement]:
    remarks = []
    data, splits = findings.data, findings.splits
    tested = np.unique(np.concatenate([split.test for split in splits]))
    counts = np.bincount(data.labels[tested], minlength=len(data.classes))
    rare = [
        f"{name} ({pictures(count)})"
        for name, count in zip(data.classes, counts)
        if 0 < count < FEW_PICTURES
    ]
    if rare:
        remarks.append(
            _warning(f"So few test pictures prove nothing about a class: {_some(rare)}.")
        )
    thin = [
        f"{name} ({count})"
        for name, count in zip(data.classes, counts)
        if FEW_PICTURES <= count < SMALLEST_TEST
    ]
    if thin:
        remarks.append(
            _note(f"Classes with fewer than {SMALLEST_TEST} test pictures have wide intervals: "
                  f"{_some(thin)}.")
        )  # fmt: skip
    never = [name for name, count in zip(data.classes, counts) if count == 0]
    if never:
        remarks.append(_warning(f"Never tested: {_some(never)}. Their F1 is 0 by definition."))
    unlearnt = [
        name
        for number, name in enumerate(data.classes)
        if any(not np.any(data.labels[split.train] == number) for split in splits)
    ]
    if unlearnt:
        remarks.append(
            _warning(f"Missing in the training part of some split, so nobody can name it there: "
                     f"{_some(unlearnt)}.")
        )  # fmt: skip
    if data.groups is None and len(splits) > 1:
        remarks.append(
            _note("The folds were drawn picture by picture. If pictures of one person, drawing or "
                  "series are among them, the results are too good: keep them together with "
                  "--group-by.")
        )  # fmt: skip
    if data.found is not None:
        missed = int((~data.found).sum())
        remarks.append(
            _note(f"The detector missed {missed:,} of {len(data.found):,} faces, which count as "
                  f"wrong, and found {data.false_boxes:,} boxes where no labelled face is.")
        )  # fmt: skip
    return remarks


def _about_setting(findings: Findings, jobs: int) -> list[Judgement]:
    remarks = []
    if findings.outcomes and findings.outcomes[0].scores.units < FEW_UNITS:
        units = findings.outcomes[0].scores.units
        # Neither test has a smaller p than 2 / 2**units.
        hopeless = 2 / 2**units >= LEVEL
        remarks.append(
            _warning(f"Only {units} independent groups or pictures were tested: the intervals are "
                     f"too narrow{', and no difference can be proven' * hopeless}.")
        )  # fmt: skip
    if findings.leaked:
        remarks.append(
            _warning(f"Tests with pictures whose copies were learnt from: {findings.leaked:,}; the "
                     "results are also given without them.")
        )  # fmt: skip
    if findings.shared_groups:
        remarks.append(
            _warning(f"Groups on both sides of the split: {findings.shared_groups:,}; their "
                     "pictures vouch for each other.")
        )  # fmt: skip
    versions = {
        tuple(sorted(version.items()))
        for outcome in findings.outcomes
        for version in outcome.versions
    }
    if len(versions) > 1:
        remarks.append(_warning("The predictions were made by different versions of libraries."))
    outdated = [outcome.title for outcome in findings.outcomes if outcome.outdated]
    if outdated:
        remarks.append(
            _warning("The code has changed since these were measured; delete their folders in "
                     f"predictions to measure them anew: {_some(outdated)}.")
        )  # fmt: skip
    if jobs > 1:
        remarks.append(
            _note(f"{jobs} processes ran at once: times are longer than alone, and only roughly "
                  "comparable.")
        )  # fmt: skip
    return remarks


def _about_outcomes(findings: Findings) -> list[Judgement]:
    """What concerns one contender or several."""
    outcomes = [one for one in findings.outcomes if one.contender.name != "majority"]
    majority = findings.majority.value
    worse, unclear = [], []
    for outcome in outcomes:
        if not findings.against_majority[outcome.title].holds:
            unclear.append(outcome)
        elif outcome.scores.accuracy.value < majority:
            worse.append(outcome)
    too_good = [one for one in outcomes if one.scores.accuracy.low >= TOO_GOOD]
    asked = [one for one in outcomes if one.training_accuracy is not None]
    remember = [
        one for one in asked if one.training_accuracy - one.scores.accuracy.value > LARGE_GAP
    ]
    easier = [one for one in asked if one.training_accuracy < one.scores.accuracy.low]
    told = [
        (_warning, worse, f"Worse than always naming the most frequent class ({majority:.3f}): "
         "{}."),
        (_warning, unclear, "Not to be told from always naming the most frequent class "
         f"({majority:.3f}): {{}}."),
        (_warning, too_good, "Too good to be true, unless the task is easy: {}. Look for the same "
         "person, drawing or film on both sides of the split."),
        (_warning, easier, "Better on new pictures than on those that were learnt: {}. The test is "
         "easier than the training part, or leaks."),
        (_note, remember, "Far better on the pictures that were learnt than on new ones, which "
         "alone count: {}."),
    ]  # fmt: skip
    return [make(text.format(_accuracies(those))) for make, those, text in told if those]


def _accuracies(outcomes: list[Outcome]) -> str:
    """Contenders with their accuracies on new pictures and, where known, on learnt ones."""
    told = []
    for one in outcomes:
        learnt = one.training_accuracy
        more = "" if learnt is None else f"; learnt {learnt:.3f}"
        told.append(f"{one.title} ({one.scores.accuracy.value:.3f}{more})")
    return _some(told)


def _some(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
