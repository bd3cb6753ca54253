"""The verb `benchmark`: read, split, check for leaks, measure what is missing, report."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cvbaseline.benchmarking.options import BenchmarkOptions
from cvbaseline.errors import UserError, require
from cvbaseline.options import command_line
from cvbaseline.progress import Progress

if TYPE_CHECKING:
    from cvbaseline.datasets import LabelledFaces

Tell = Callable[[str], None]


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

    Raises UserError when the data cannot be used, when the folder holds the report of others, when
    test pictures leak and that is not allowed, or when no contender can be measured.
    """
    from cvbaseline.benchmarking.contenders import default_names, parse_contenders
    from cvbaseline.benchmarking.findings import find
    from cvbaseline.benchmarking.judgements import judge
    from cvbaseline.benchmarking.output import (
        check_same_data,
        read_state,
        told_table,
        write_reports,
        write_state,
    )
    from cvbaseline.benchmarking.plan import fits, make_plan, missing
    from cvbaseline.benchmarking.reading import check_splits, read_both
    from cvbaseline.benchmarking.records import data_key
    from cvbaseline.benchmarking.report import make_report, rank
    from cvbaseline.benchmarking.report_tables import averaged
    from cvbaseline.benchmarking.running import run_jobs

    command = command_line("benchmark", options)
    contenders = parse_contenders(options.classifiers or default_names(options.nested))
    state = read_state(options.out)
    data = read_both(options)
    for line in describe(data):
        tell(line)
    require(len(data.classes) >= 2, f"{options.data} has one class only: {data.classes[0]}")
    key, source = data_key(data), str(options.data.resolve())
    check_same_data(options.out, state, key, source)
    splits, leaks, leak_lines = check_splits(data, options, tell)
    plan = make_plan(
        data, contenders, splits, options.out / "predictions", options.learning_curve,
        options.robustness, options.seed,
    )  # fmt: skip
    count, left = len(fits(plan)), missing(plan, len(data.classes))
    if state and state["data"] != key:
        tell(
            "the faces are not those of the last run here: other pictures, or other settings of "
            "how they are cut out and grouped"
        )
    tell(f"{count} fits, {count - len(left)} of them stored already")
    for title, members in {job.contender.title: job.members for job in plan}.items():
        if members:
            tell(averaged(title, [member.title for member in members]))
    write_state(options.out, {"data": key, "source": source, "command": command})
    failed = run_jobs(
        left, data, splits, options.out / "logs", options.jobs, options.threads, progress
    )
    failures = [f"{one.contender} failed on {one.split}: {one.problem}" for one in failed]
    findings = find(data, contenders, splits, leaks, plan, options.seed)
    if not findings.outcomes:
        raise UserError(f"no contender could be measured: {'; '.join(failures[:1])}")
    judgements = judge(findings, options.jobs)
    report = make_report(findings, judgements, options, leak_lines, failures, command, key)
    write_reports(options.out, report, findings, [one.text for one in judgements])
    told = [*told_table(rank(findings.outcomes), findings), report.about, *failures]
    for line in [*told, *(one.text for one in judgements)]:
        tell(line)
    tell(f"the report is {options.out / 'report.html'}")
    return Benchmark(options.out, len(left), count - len(left), tuple(failures))


def describe(data: "LabelledFaces") -> list[str]:
    """The data's counts; what there is to warn of is judged later, of the test part."""
    from cvbaseline.classification.report import describe_data

    return [line for line in describe_data(data) if not line.startswith("warning")]
