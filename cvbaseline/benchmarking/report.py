"""The benchmark's report: what was found, how it looks, and how it was measured."""

from collections.abc import Sequence

from cvbaseline.benchmarking.findings import Findings, Outcome
from cvbaseline.benchmarking.judgements import Judgement
from cvbaseline.benchmarking.methods import Methods
from cvbaseline.benchmarking.options import BenchmarkOptions
from cvbaseline.benchmarking.report_sections import (
    classes_section,
    confusions_section,
    data_section,
    differences_section,
    epochs_section,
    learning_section,
    looks_section,
    method_section,
    mistakes_section,
    probabilities_section,
    results_section,
    robustness_section,
)
from cvbaseline.reports.blocks import Remark, Report, Section


def make_report(
    findings: Findings,
    judgements: Sequence[Judgement],
    options: BenchmarkOptions,
    leaks: Sequence[str],
    failures: Sequence[str],
    command: str,
    data_key: str,
) -> Report:
    """The whole report.

    Parameters
    ----------
    leaks, failures : lines of the leak check, and about contenders that could not be measured
    command : the command line; data_key : the data's content in hexadecimal digits
    """
    ranked = rank(findings.outcomes)
    shown = [outcome for outcome in ranked if outcome.contender.name != "majority"] or ranked
    name = options.data.resolve().name or str(options.data)
    methods = Methods()
    remarks = [Remark(one.kind, one.text) for one in judgements if one.kind == "warning"]
    remarks += [Remark("warning", text) for text in failures]
    sections = [
        results_section(ranked, findings, leaks),
        differences_section(ranked, findings),
        classes_section(shown, findings),
        confusions_section(shown, findings),
        probabilities_section(shown, findings),
        learning_section(shown, findings),
        robustness_section(shown, findings),
        epochs_section(shown, findings),
        looks_section(shown, findings) if options.pictures else None,
        mistakes_section(shown, findings) if options.pictures else None,
        Section(
            "Remarks", [Remark(one.kind, one.text) for one in judgements if one.kind == "note"]
        ),
        data_section(findings),
        method_section(methods, findings, options, command, data_key),
    ]
    return Report(
        title=f"Face classifiers on {name}",
        about=headline(ranked, findings),
        remarks=remarks,
        sections=[section for section in sections if section is not None and section.blocks],
        footer="Made by cvbaseline benchmark. The predictions behind every number are in the "
        "folder predictions beside this file.",
        generator="cvbaseline benchmark",
    )


def rank(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The most accurate first."""
    return sorted(outcomes, key=lambda outcome: -outcome.scores.accuracy.value)


def headline(ranked: list[Outcome], findings: Findings) -> str:
    """The result in a sentence or two; only differences that hold are called."""
    data = findings.data
    about = f"{len(data.labels):,} faces of {len(data.classes)} classes. "
    if not ranked:
        return about + "No contender could be measured."
    best = ranked[0]
    text = f"{about}{best.title} names {best.scores.accuracy.value:.1%} right "
    text += f"({best.scores.accuracy.low:.1%} to {best.scores.accuracy.high:.1%})"
    # Of the contender majority the last sentence tells; where it is the best, the others' own do.
    rivals = [other for other in ranked[1:] if other.title in findings.against_majority]
    told = findings.comparisons
    if best.title not in findings.against_majority:
        told = [one._replace(second=best.title) for one in findings.against_majority.values()]
    unclear = [
        other.title
        for other in rivals
        if not any(one.holds and {best.title, other.title} == {one.first, one.second}
                   for one in told)
    ]  # fmt: skip
    if unclear:
        text += f"; {', '.join(unclear)} cannot be told from it on these pictures"
    elif rivals:
        text += ", more than every other contender, a difference that holds"
    against = findings.against_majority.get(best.title)
    if against and not (against.holds and against.difference.value > 0):
        text += "; that this beats always naming the most frequent class is not proven"
    return f"{text}."
