"""The benchmark's data and splits, as the options ask for them, and what leaks between them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvbaseline.benchmarking.leaks import (
    Leak,
    describe_leaks,
    drop_leaks,
    find_leak,
    refuse_leaks,
)
from cvbaseline.benchmarking.options import DEFAULT_CV, BenchmarkOptions
from cvbaseline.benchmarking.splits import (
    Split,
    cross_validation,
    given_split,
    parse_cv,
    without_missed,
)
from cvbaseline.data_sources import (
    grouped_by_copies,
    in_part,
    is_training,
    join,
    read_data,
    take,
)
from cvbaseline.datasets import LabelledFaces
from cvbaseline.duplicates import content_keys, copy_clusters
from cvbaseline.errors import require


class CheckedSplits(NamedTuple):
    """Splits with what was found in them."""

    splits: list[Split]
    leaks: list[Leak]  # of each split
    lines: list[str]  # what there is to say about leaks


def read_both(options: BenchmarkOptions) -> LabelledFaces:
    """DATA, and the test data where they lie elsewhere, without parts that are not used."""
    data, test = read_data(options), options.test
    if test is not None and (data.parts is None or test not in data.parts):
        known = "" if data.parts is None else f" ({', '.join(sorted(set(data.parts)))})"
        require(Path(test).exists(), f"--test {test}: no such file, folder or part of DATA{known}")
        other = read_data(replace(options, data=Path(test)))
        both = join([in_part(training_only(data), "train"), in_part(other, "test")])
        # The copies in each alone have the same names as other copies in the other.
        return grouped_by_copies(both) if options.group_by == "near-duplicates" else both
    if data.parts is None:
        return data
    if options.cv is not None:
        return training_only(data)._replace(parts=None)
    split = given_split(data.parts, test)
    return take(data, np.sort(np.concatenate([split.train, split.test])))


def training_only(data: LabelledFaces) -> LabelledFaces:
    """The part to learn from, of data that come split. UserError when there is none."""
    if data.parts is None:
        return data
    training = np.flatnonzero([is_training(part) for part in data.parts])
    names = ", ".join(sorted(set(data.parts)))
    require(training.size > 0, f"none of the parts {names} is named train: name one so")
    return take(data, training)


def check_splits(
    data: LabelledFaces, options: BenchmarkOptions, tell: Callable[[str], None]
) -> CheckedSplits:
    """Split as the options say, and look for leaks; they are dropped, allowed or refused.

    Raises UserError when they are refused.
    """
    if data.parts is not None:
        splits = [given_split(data.parts, None)]
    else:
        folds, repeats = parse_cv(options.cv or DEFAULT_CV)
        splits = cross_validation(data.labels, data.groups, folds, repeats, options.seed)
    splits = without_missed(splits, data.found)
    keys, clusters = content_keys(data.faces), copy_clusters(data.faces, data.found)
    leaks = [find_leak(split, keys, clusters, data.groups) for split in splits]
    lines = describe_leaks(splits, leaks)
    if options.drop_leaks and any(leak.all.size for leak in leaks):
        before = sum(len(split.train) for split in splits)
        splits = [drop_leaks(split, clusters) for split in splits]
        dropped = before - sum(len(split.train) for split in splits)
        leaks = [find_leak(split, keys, clusters, data.groups) for split in splits]
        lines.append(f"training pictures left out as copies of test pictures: {dropped:,}")
    elif not options.allow_leaks:
        refuse_leaks(splits, leaks)
    for line in lines:
        tell(f"leak check: {line}")
    return CheckedSplits(splits, leaks, lines)
