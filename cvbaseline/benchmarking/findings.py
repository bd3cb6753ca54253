"""What the stored predictions say about every contender: the numbers behind the reports."""

from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.benchmarking.comparisons import Comparison, compare, compare_pairs
from cvbaseline.benchmarking.contenders import Contender
from cvbaseline.benchmarking.distortions import DISTORTIONS, Distortion
from cvbaseline.benchmarking.leaks import Leak
from cvbaseline.benchmarking.learning_curve import Point, how_many_more
from cvbaseline.benchmarking.plan import Job, read_records
from cvbaseline.benchmarking.records import Record, code_digests
from cvbaseline.benchmarking.scores import (
    Answers,
    Reliability,
    Scores,
    accuracy_of,
    at_level,
    levels,
    mean_by_units,
    reliability,
    score,
)
from cvbaseline.benchmarking.splits import Split
from cvbaseline.bootstrap import Estimate
from cvbaseline.datasets import LabelledFaces

MAJORITY = "always the most frequent class"
MOST_MISTAKES = 24


class Costs(NamedTuple):
    """What a contender takes."""

    fit_seconds: float  # median over the splits; of an averaged ensemble its members' sum
    faces_per_second: Optional[float]  # median; None when no face was shown
    peak_bytes: Optional[int]  # largest of the splits; None: unknown
    model_bytes: Optional[int]  # largest; None: unknown
    threads: int


class Mistake(NamedTuple):
    """A face that was taken for another class, with confidence."""

    face: int
    said: int
    probability: float


class Outcome(NamedTuple):
    """One contender's results."""

    contender: Contender
    members: tuple[str, ...]  # titles, of an ensemble that was averaged instead of fitted
    answers: Answers
    scores: Scores
    clean: Optional[Scores]  # without the leaking test faces; None when nothing leaks
    reliability: Reliability
    costs: Costs
    training_accuracy: Optional[float]  # None: unknown
    levels: tuple[tuple[str, Estimate], ...]  # accuracy on the levels of nested classes
    learning: tuple[Point, ...]
    more_pictures: str
    robustness: dict[Optional[Distortion], Estimate]  # None: the same faces as they are
    histories: tuple[dict[str, list[float]], ...]  # of each split's epochs
    directions: Optional[np.ndarray]  # float32 (d, pixels)
    mistakes: tuple[Mistake, ...]
    versions: tuple[dict[str, str], ...]  # different ones in its records
    outdated: bool  # its predictions were made by other code than today's

    @property
    def title(self) -> str:
        """The contender's."""
        return self.contender.title


class Findings(NamedTuple):
    """All results."""

    data: LabelledFaces
    splits: list[Split]
    outcomes: list[Outcome]  # in the order that was asked for
    comparisons: list[Comparison]  # of all pairs without the contender majority
    majority: Estimate  # accuracy of naming the most frequent class of the training part
    against_majority: dict[str, Comparison]  # by title, of all others
    incomplete: list[str]  # contenders whose predictions are not all there
    leaked: int  # answers about test faces whose copies are in training
    shared_groups: int  # groups that are on both sides of a split


class _Tests(NamedTuple):
    """The test faces of all splits, one after the other."""

    faces: np.ndarray  # int64 (r,)
    units: np.ndarray  # int64 (r,)
    first: np.ndarray  # bool (r,), of the first repeat
    leaked: np.ndarray  # bool (r,)
    repeats: int


def find(
    data: LabelledFaces,
    contenders: list[Contender],
    splits: list[Split],
    leaks: list[Leak],
    jobs: list[Job],
    seed: int,
) -> Findings:
    """Read the records of all jobs and compute everything; leaks are those of each split."""
    tests = _tests(data, splits, leaks)
    outcomes, incomplete = [], []
    for contender in contenders:
        own = [job for job in jobs if job.contender == contender]
        outcome = _outcome(data, contender, splits, tests, own, seed)
        if outcome is None:
            incomplete.append(contender.title)
        else:
            outcomes.append(outcome)
    majority = _majority(data, splits, tests)
    answers = {outcome.title: outcome.answers for outcome in outcomes}
    # Itself it can only equal, and one more pair makes the correction stricter for the others.
    others = [one.title for one in outcomes if one.contender.name != "majority"]
    pairs = [(title, MAJORITY) for title in others]
    against = compare_pairs({**answers, MAJORITY: majority}, pairs, seed)
    return Findings(
        data=data,
        splits=splits,
        outcomes=outcomes,
        comparisons=compare({title: answers[title] for title in others}, seed),
        majority=accuracy_of(majority, seed),
        against_majority={comparison.first: comparison for comparison in against},
        incomplete=incomplete,
        leaked=int(tests.leaked.sum()),
        shared_groups=sum(leak.groups for leak in leaks),
    )


def _tests(data: LabelledFaces, splits: list[Split], leaks: list[Leak]) -> _Tests:
    faces = np.concatenate([split.test for split in splits])
    names = faces if data.groups is None else np.asarray(data.groups)[faces]
    repeats = np.concatenate([np.full(len(split.test), split.repeat) for split in splits])
    return _Tests(
        faces=faces,
        units=np.unique(names, return_inverse=True)[1],
        first=repeats == 0,
        leaked=np.concatenate(
            [np.isin(split.test, leak.all) for split, leak in zip(splits, leaks)]
        ),
        repeats=int(repeats.max()) + 1,
    )


def _majority(data: LabelledFaces, splits: list[Split], tests: _Tests) -> Answers:
    """The answers of one who knows the training part's frequencies and looks at no face.

    A face that was missed is missed by this one as well.
    """
    classes = len(data.classes)
    rows = []
    for split in splits:
        count = np.bincount(data.labels[split.train], minlength=classes)
        found = 1.0 if data.found is None else data.found[split.test, None]
        rows.append(np.tile(count / count.sum(), (len(split.test), 1)) * found)
    truth = data.labels[tests.faces]
    return Answers(tests.faces, truth, np.concatenate(rows), tests.units, tests.repeats)


def _outcome(
    data: LabelledFaces,
    contender: Contender,
    splits: list[Split],
    tests: _Tests,
    jobs: list[Job],
    seed: int,
) -> Optional[Outcome]:
    """A contender's results; None when a split has no record yet."""
    classes = len(data.classes)
    whole = sorted((job for job in jobs if job.fraction == 1), key=lambda job: job.split)
    read = [read_records(job, classes) for job in whole]
    if not all(None in records for records in read):
        return None
    records = [tested[None] for tested in read]
    answers = Answers(
        faces=tests.faces,
        truth=data.labels[tests.faces],
        probabilities=np.concatenate([record.probabilities for record in records]),
        units=tests.units,
        repeats=tests.repeats,
    )
    learning, gains = _learning(answers, tests, splits, jobs, classes, seed)
    facts = [record.facts for record in records]
    return Outcome(
        contender=contender,
        members=tuple(member.title for member in whole[0].members),
        answers=answers,
        scores=score(answers, seed),
        clean=_clean(answers, tests.leaked, seed),
        reliability=reliability(answers),
        costs=_costs(facts),
        training_accuracy=_mean([fact["training_accuracy"] for fact in facts]),
        levels=tuple(
            (name, accuracy_of(at_level(answers, parents), seed))
            for name, parents in levels(data.classes)
        ),
        learning=learning,
        more_pictures=how_many_more(contender.title, list(learning), *gains) if gains else "",
        robustness=_robustness(answers, tests, splits, read, seed),
        histories=tuple(fact["history"] for fact in facts if fact.get("history")),
        directions=records[0].directions,
        mistakes=_mistakes(answers.only(tests.first)),
        versions=tuple(
            dict(version) for version in {tuple(fact["versions"].items()) for fact in facts}
        ),
        outdated=any(fact["code"] != code_digests(fact["code"]) for fact in facts),
    )


def _clean(answers: Answers, leaked: np.ndarray, seed: int) -> Optional[Scores]:
    if not leaked.any() or leaked.all():
        return None
    return score(answers.only(~leaked), seed)


def _costs(facts: list[dict]) -> Costs:
    rates = [fact["predicted"] / fact["predict_seconds"] for fact in facts if fact["predicted"]]
    return Costs(
        fit_seconds=float(np.median([fact["fit_seconds"] for fact in facts])),
        faces_per_second=float(np.median(rates)) if rates else None,
        peak_bytes=_largest([fact["peak_bytes"] for fact in facts]),
        model_bytes=_largest([fact["model_bytes"] for fact in facts]),
        threads=max(fact["threads"] for fact in facts),
    )


def _largest(values: list[Optional[int]]) -> Optional[int]:
    return None if None in values else max(values)


def _mean(values: list[Optional[float]]) -> Optional[float]:
    return None if None in values else float(np.mean(values))


def _learning(
    answers: Answers,
    tests: _Tests,
    splits: list[Split],
    jobs: list[Job],
    classes: int,
    seed: int,
) -> tuple[tuple[Point, ...], list[Estimate]]:
    """The learning curve over the first repeat, and what its last step and last two gained."""
    numbers = [number for number, split in enumerate(splits) if split.repeat == 0]
    first = answers.only(tests.first)
    points, rights = [], []
    for fraction in sorted({job.fraction for job in jobs}):
        own = [job for job in jobs if job.fraction == fraction and job.split in numbers]
        records = [read_records(job, classes).get(None) for job in own]
        if len(own) < len(numbers) or None in records:
            continue
        parts = np.concatenate([record.probabilities for record in records])
        part = first._replace(probabilities=parts)
        pictures = float(np.mean([len(job.train) for job in own]))
        points.append(Point(pictures, accuracy_of(part, seed)))
        rights.append(part.right.astype(np.float64))
    if len(points) < 2:
        return (), []
    gains = [rights[-1] - before for before in (rights[-2], rights[-3:][0])]
    return tuple(points), [mean_by_units(gain, first.units, seed) for gain in gains]


def _robustness(
    answers: Answers,
    tests: _Tests,
    splits: list[Split],
    read: list[dict[Optional[Distortion], Record]],
    seed: int,
) -> dict[Optional[Distortion], Estimate]:
    """Accuracy on distorted faces of the first repeat, where all splits have it."""
    own = [records for split, records in zip(splits, read) if split.repeat == 0]
    first = answers.only(tests.first)
    found: dict[Optional[Distortion], Estimate] = {}
    for distortion in (None, *DISTORTIONS):
        if all(distortion in records for records in own):
            parts = np.concatenate([records[distortion].probabilities for records in own])
            found[distortion] = accuracy_of(first._replace(probabilities=parts), seed)
    return found if len(found) > 1 else {}


def _mistakes(answers: Answers) -> tuple[Mistake, ...]:
    """The wrong answers that were given with the most confidence."""
    predicted, confidence = answers.predicted, answers.probabilities.max(axis=1)
    wrong = np.flatnonzero(~answers.right & answers.found)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:MOST_MISTAKES]
    return tuple(
        Mistake(int(answers.faces[row]), int(predicted[row]), float(confidence[row]))
        for row in worst
    )
