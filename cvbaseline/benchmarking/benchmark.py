"""The verb `benchmark`: read, split, check for leaks, measure what is missing, report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from cvbaseline.benchmarking.contenders import default_names, parse_contenders
from cvbaseline.benchmarking.options import DEFAULT_CV, BenchmarkOptions
from cvbaseline.data_sources import in_part, is_training, join, read_data, take
from cvbaseline.datasets import LabelledFaces
from cvbaseline.errors import UserError, require
from cvbaseline.formats.files import make_folder_of, write_bytes
from cvbaseline.options import command_line

FORMAT = "cvbaseline benchmark"
STATE_NAME = "benchmark.json"
PREDICTIONS = "predictions"

Tell = Callable[[str], None]
Progress = Callable[[str, int, int], None]


class Benchmark(NamedTuple):
    """What `benchmark` did."""

    out: Path
    measured: int  # fits done now
    stored: int  # fits that were there already
    failures: tuple[str, ...]


def benchmark(
    options: BenchmarkOptions,
    tell: Tell = lambda line: None,
    progress: Progress = lambda what, done, total: None,
) -> Benchmark:
    """Measure the contenders and write the reports into `options.out`.

    What an earlier run stored for the same data and settings is not measured again.

    Raises UserError when the data cannot be used, when test pictures leak and that is not allowed,
    or when no contender can be measured.
    """
    from cvbaseline.benchmarking.findings import find
    from cvbaseline.benchmarking.judgements import judge
    from cvbaseline.benchmarking.plan import make_plan, missing
    from cvbaseline.benchmarking.records import data_key
    from cvbaseline.benchmarking.report import (
        clean_table,
        cost_table,
        make_report,
        rank,
        summary_table,
    )
    from cvbaseline.benchmarking.running import run_jobs
    from cvbaseline.classification.report import describe_data

    command = command_line("benchmark", options)
    contenders = parse_contenders(options.classifiers or default_names(options.nested))
    state = read_state(options.out)
    data = read_both(options)
    for line in describe_data(data):
        if not line.startswith("warning"):  # the judgements say it of the test part
            tell(line)
    require(len(data.classes) >= 2, f"{options.data} has one class only: {data.classes[0]}")
    splits, leaks, leak_lines = checked_splits(data, options, tell)
    key = data_key(data)
    plan = make_plan(
        data, contenders, splits, options.out / PREDICTIONS, options.learning_curve,
        options.robustness, options.seed,
    )  # fmt: skip
    left = missing(plan, len(data.classes))
    if state and state["data"] != key:
        tell("the data are not those of the last run here: all is measured anew")
    tell(f"{len(plan)} fits, {len(plan) - len(left)} of them stored already")
    write_state(options.out, {"data": key, "command": command})
    failures = []
    if left:
        failed = run_jobs(
            left, data, splits, options.out / "logs", options.jobs, options.threads, progress
        )
        failures = [f"{one.contender} failed on {one.split}: {one.problem}" for one in failed]
    findings = find(data, contenders, splits, [leak.all for leak in leaks], plan, options.seed)
    if not findings.outcomes:
        raise UserError(f"no contender could be measured: {failures[0]}")
    judgements = judge(findings, data.groups is not None, options.jobs)
    report = make_report(findings, judgements, options, leak_lines, failures, command, key)
    write_report(options.out, report)
    write_results(options.out, findings, [one.text for one in judgements])
    ranked = rank(findings.outcomes)
    tables = [summary_table(ranked, findings), cost_table(ranked)]
    for table in [*tables, *([clean_table(ranked)] if findings.leaked else [])]:
        for row in text_table(table):
            tell(row)
    for line in [report.about, *failures, *(one.text for one in judgements)]:
        tell(line)
    tell(f"the report is {options.out / 'report.html'}")
    return Benchmark(options.out, len(left), len(plan) - len(left), tuple(failures))


def read_both(options: BenchmarkOptions) -> LabelledFaces:
    """DATA, and the test data where they lie elsewhere, without parts that are not used."""
    data = read_data(options)
    test = options.test
    if test is not None and (data.parts is None or test not in data.parts):
        known = "" if data.parts is None else f" ({', '.join(sorted(set(data.parts)))})"
        require(Path(test).exists(), f"--test {test}: no such file, folder or part of DATA{known}")
        other = read_data(_replace(options, data=Path(test)))
        return join([in_part(training_only(data), "train"), in_part(other, "test")])
    if data.parts is None:
        return data
    if options.cv is not None:
        return training_only(data)._replace(parts=None)
    from cvbaseline.benchmarking.splits import given_split

    split = given_split(data.parts, test)
    return take(data, np.sort(np.concatenate([split.train, split.test])))


def _replace(options: BenchmarkOptions, **changes: Any) -> BenchmarkOptions:
    from dataclasses import replace

    return replace(options, **changes)


def training_only(data: LabelledFaces) -> LabelledFaces:
    """The part to learn from, of data that come split."""
    if data.parts is None:
        return data
    return take(data, np.flatnonzero([is_training(part) for part in data.parts]))


def checked_splits(data: LabelledFaces, options: BenchmarkOptions, tell: Tell) -> tuple:
    """The splits, what leaks in each, and what there is to say about it."""
    from cvbaseline.benchmarking.leaks import describe_leaks, drop_leaks, find_leak, refuse_leaks
    from cvbaseline.benchmarking.splits import (
        cross_validation,
        given_split,
        parse_cv,
        without_missed,
    )
    from cvbaseline.duplicates import content_keys, copy_clusters

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
    return splits, leaks, lines


def read_state(out: Path) -> Optional[dict[str, Any]]:
    """What the last run in this folder noted; None for a new or empty folder.

    Raises UserError when the folder holds something else.
    """
    try:
        state = json.loads((out / STATE_NAME).read_text(encoding="utf-8"))
        if state["format"] == FORMAT and isinstance(state["data"], str):
            return state
    except (OSError, ValueError, KeyError, TypeError):
        pass
    empty = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    require(empty, f"{out} exists and is not from a benchmark: give another --out")
    return None


def write_state(out: Path, state: dict[str, Any]) -> None:
    """Mark the folder as a benchmark's."""
    make_folder_of(out / STATE_NAME)
    text = json.dumps({"format": FORMAT, **state}, indent=1)
    write_bytes(out / STATE_NAME, text.encode())


def write_report(out: Path, report: Any) -> None:
    """report.html, report.md and the charts."""
    from cvbaseline.reports.html import render_html
    from cvbaseline.reports.markdown import FIGURES, render_figures, render_markdown

    write_bytes(out / "report.html", render_html(report).encode("utf-8", "replace"))
    write_bytes(out / "report.md", render_markdown(report).encode("utf-8", "replace"))
    for name, text in render_figures(report).items():
        make_folder_of(out / FIGURES / name)
        write_bytes(out / FIGURES / name, text.encode("utf-8", "replace"))


def write_results(out: Path, findings: Any, remarks: list[str]) -> None:
    """results.json: every number of the report."""
    from cvbaseline.benchmarking.results import results_record

    text = json.dumps(results_record(findings, remarks), ensure_ascii=False, indent=1)
    write_bytes(out / "results.json", text.encode("utf-8", "replace"))


def text_table(table: Any) -> list[str]:
    """A table as lines of text."""
    rows = [list(table.header), *(list(row) for row in table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.header))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
