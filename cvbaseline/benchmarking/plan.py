"""What is to be measured: for every contender and split a fit, and the tests of that fit.

The learning curve adds fits on parts of the training faces, robustness adds tests on distorted
faces. Both use the splits of the first repeat.

An ensemble whose members are all contenders is not fitted: its answers are the mean of theirs, which
would be those of the fit, because splits, parameters and seeds are the same.
"""

from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.benchmarking.contenders import Contender, members_among
from cvbaseline.benchmarking.distortions import DISTORTIONS, Distortion
from cvbaseline.benchmarking.records import (
    Record,
    data_key,
    mean_record,
    read_record,
    record_key,
    record_path,
)
from cvbaseline.benchmarking.splits import Split, training_subset
from cvbaseline.datasets import LabelledFaces

FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
LEAST_PER_CLASS = 4  # training faces a class, on average, for a point of the learning curve


class Test(NamedTuple):
    """The split's test faces, as they are or distorted."""

    distortion: Optional[Distortion]
    path: Path  # of the record
    averaged: tuple["Test", ...] = ()  # whose mean stands for a record; none is at the path then


class Job(NamedTuple):
    """One fit and its tests; of an averaged ensemble the tests alone."""

    contender: Contender
    members: tuple[Contender, ...]  # of an averaged ensemble
    split: int  # index into the splits
    fraction: float  # of the split's training faces
    train: np.ndarray  # int64, indices of faces
    test: np.ndarray  # int64
    tests: tuple[Test, ...]


def make_plan(
    data: LabelledFaces,
    contenders: list[Contender],
    splits: list[Split],
    folder: Path,
    learning_curve: bool,
    robustness: bool,
    seed: int,
) -> list[Job]:
    """All jobs, contender by contender, whether their records are there or not."""
    key = data_key(data)
    members = {one.title: members_among(one, contenders) for one in contenders}

    def test_of(
        contender: Contender,
        split: Split,
        fraction: float,
        train: np.ndarray,
        distortion: Optional[Distortion],
    ) -> Test:
        name = record_key(key, contender, train, split.test, distortion)
        words = _in_words(split, fraction, distortion)
        parts = [
            test_of(member, split, fraction, train, distortion)
            for member in members[contender.title]
        ]
        return Test(distortion, record_path(folder, contender, words, name), tuple(parts))

    jobs = []
    for contender in contenders:
        for number, split in enumerate(splits):
            first = split.repeat == 0
            distortions = (None, *DISTORTIONS) if robustness and first else (None,)
            for fraction in (*(FRACTIONS if learning_curve and first else ()), 1.0):
                train = split.train
                if fraction < 1:
                    train = training_subset(data.labels, data.groups, train, fraction, seed)
                    if len(train) < LEAST_PER_CLASS * len(data.classes):
                        continue
                tests = tuple(
                    test_of(contender, split, fraction, train, distortion)
                    for distortion in (distortions if fraction == 1 else (None,))
                )
                own = members[contender.title]
                jobs.append(Job(contender, own, number, fraction, train, split.test, tests))
    return jobs


def fits(jobs: list[Job]) -> list[Job]:
    """The jobs that are more than an average."""
    return [job for job in jobs if not job.members]


def missing(jobs: list[Job], classes: int) -> list[Job]:
    """The fits whose records are not all there, with the tests that are missing."""
    left = []
    for job in fits(jobs):
        shape = (len(job.test), classes)
        tests = tuple(test for test in job.tests if read_record(test.path, shape) is None)
        if tests:
            left.append(job._replace(tests=tests))
    return left


def read_records(job: Job, classes: int) -> dict[Optional[Distortion], Record]:
    """The records of a job that are there, or can be averaged."""
    shape = (len(job.test), classes)
    records = {test.distortion: read_test(test, shape) for test in job.tests}
    return {distortion: record for distortion, record in records.items() if record is not None}


def read_test(test: Test, shape: tuple[int, int]) -> Optional[Record]:
    """The record of a test; None when it, or one that it is averaged from, is not there."""
    if not test.averaged:
        return read_record(test.path, shape)
    records = [read_test(part, shape) for part in test.averaged]
    return None if any(record is None for record in records) else mean_record(records)


def _in_words(split: Split, fraction: float, distortion: Optional[Distortion]) -> str:
    part = "" if fraction == 1 else f" of 1 in {round(1 / fraction)}"
    damage = "" if distortion is None else f" {distortion.kind} {distortion.level:g}"
    return f"{split.name}{part}{damage}"
