"""The sections of the benchmark's report."""

import platform
from collections.abc import Sequence
from typing import Optional

import numpy as np

from cvbaseline.benchmarking.face_pictures import direction_faces, hog_faces, mistake_faces
from cvbaseline.benchmarking.figures import (
    accuracy_figure,
    class_figure,
    history_figures,
    learning_figure,
    palette_of,
    reliability_figure,
    robustness_figures,
    time_figure,
)
from cvbaseline.benchmarking.findings import Findings, Outcome
from cvbaseline.benchmarking.methods import Methods
from cvbaseline.benchmarking.options import BenchmarkOptions
from cvbaseline.benchmarking.report_tables import (
    averaged,
    clean_table,
    cost_table,
    interval,
    summary_table,
)
from cvbaseline.reports.blocks import (
    Block,
    Code,
    Confusion,
    Fold,
    Paragraph,
    Section,
    Table,
)
from cvbaseline.reports.html import NUMBERED_CLASSES

MOST_COMPARISONS = 21  # that are shown without unfolding
MOST_CLASSES = 40  # in a table of classes
MOST_CONFUSED = 8  # pairs of classes that are named
SUMS = "Its times and its size are the sums of theirs."
SINGULAR = {"eigenfaces": "eigenface", "fisherfaces": "Fisherface"}


def results_section(ranked: list[Outcome], findings: Findings, leaks: Sequence[str]) -> Section:
    """Accuracy and F1 of every contender, best first, and what it costs."""
    palette = palette_of(findings)
    blocks: list[Block] = [summary_table(ranked, findings)]
    blocks += [Paragraph(f"Leak check: {line}.") for line in leaks]
    if findings.leaked:
        blocks.append(clean_table(ranked))
    if ranked:
        blocks += [accuracy_figure(ranked, findings, palette), time_figure(ranked, palette)]
        blocks.append(cost_table(ranked))
        blocks += [
            Paragraph(f"{averaged(outcome.title, outcome.members)} {SUMS}")
            for outcome in ranked
            if outcome.members
        ]
    if any(outcome.levels for outcome in ranked):
        names = [name for name, _ in ranked[0].levels]
        rows = [
            (outcome.title, *(interval(value) for _, value in outcome.levels),
             interval(outcome.scores.accuracy))
            for outcome in ranked
        ]  # fmt: skip
        blocks.append(Paragraph("Accuracy on each level of the nested classes:"))
        blocks.append(Table(("contender", *names, "class"), rows))
    return Section("Results", blocks, "In brackets: the interval that covers 95 %.")


def differences_section(ranked: list[Outcome], findings: Findings) -> Optional[Section]:
    """Which contenders differ, by paired tests; None for a single one."""
    rows = []
    for one in sorted(findings.comparisons, key=lambda one: -abs(one.difference.value)):
        first, second, sign = one.first, one.second, 1
        if one.difference.value < 0:
            first, second, sign = second, first, -1
        low, high = sorted((sign * one.difference.low, sign * one.difference.high))
        rows.append((
            f"{first} – {second}",
            f"{sign * one.difference.value:+.3f} ({low:+.3f} to {high:+.3f})",
            "< .001" if one.adjusted_p < 0.001 else f"{one.adjusted_p:.3f}",
            "holds" if one.holds else "may be chance",
        ))  # fmt: skip
    if not rows:
        return None
    header = ("pair", "difference in accuracy", "corrected p", "verdict")
    blocks: list[Block] = [Table(header, rows[:MOST_COMPARISONS], frozenset({3}))]
    if len(rows) > MOST_COMPARISONS:
        rest = Table(header, rows[MOST_COMPARISONS:], frozenset({3}))
        blocks.append(Fold(f"the other {len(rows) - MOST_COMPARISONS} pairs", [rest]))
    hint = "A difference is called one only when its corrected p is below .05."
    return Section("Differences", blocks, hint)


def classes_section(ranked: list[Outcome], findings: Findings) -> Section:
    """F1 of every class."""
    data = findings.data
    if not ranked:
        return Section("Classes", [])
    tested = np.unique(np.concatenate([split.test for split in findings.splits]))
    counts = np.bincount(data.labels[tested], minlength=len(data.classes))
    rows = [
        (name, f"{counts[number]:,}", *(interval(one.scores.class_f1[number]) for one in ranked))
        for number, name in enumerate(data.classes)
    ]
    table = Table(("class", "tested", *(outcome.title for outcome in ranked)), rows)
    figure = class_figure(ranked, findings, palette_of(findings))
    summary = "the numbers" if len(rows) <= MOST_CLASSES else f"all {len(rows)} classes"
    return Section("F1 by class", [figure, Fold(summary, [table])])


def confusions_section(ranked: list[Outcome], findings: Findings) -> Section:
    """What is taken for what."""
    blocks = []
    for outcome in ranked:
        counts = outcome.scores.confusion
        if findings.data.found is None:
            counts = counts[:, :-1]
        blocks.append(Confusion(outcome.title, findings.data.classes, counts))
    if len(findings.data.classes) > NUMBERED_CLASSES:
        rows = [(outcome.title, _confused(outcome, findings.data.classes)) for outcome in ranked]
        blocks.append(Table(("contender", "most often confused"), rows, frozenset({1})))
    hint = "Rows: true classes; columns: named classes; the darker, the larger a share of the row."
    return Section("Confusion matrices", blocks, hint)


def _confused(outcome: Outcome, classes: Sequence[str]) -> str:
    """The most frequent mistakes in words."""
    counts = outcome.scores.confusion[:, :-1].copy()
    np.fill_diagonal(counts, 0)
    worst = np.argsort(-counts, axis=None, kind="stable")[:MOST_CONFUSED]
    places = [np.unravel_index(place, counts.shape) for place in worst]
    return ", ".join(
        f"{classes[true]} for {classes[said]} ({counts[true, said]:g})"
        for true, said in places
        if counts[true, said] > 0
    )


def probabilities_section(ranked: list[Outcome], findings: Findings) -> Section:
    """How far the probabilities can be believed."""
    blocks = [reliability_figure(ranked, palette_of(findings))] if ranked else []
    return Section("What the probabilities are worth", blocks)


def learning_section(ranked: list[Outcome], findings: Findings) -> Optional[Section]:
    """Accuracy against the number of faces learnt from; None where it was not asked for."""
    figure = learning_figure(ranked, palette_of(findings))
    if figure is None:
        return None
    told = [Paragraph(outcome.more_pictures) for outcome in ranked if outcome.more_pictures]
    return Section("How many more pictures?", [figure, *told])


def robustness_section(ranked: list[Outcome], findings: Findings) -> Optional[Section]:
    """Accuracy on worse pictures; None where it was not asked for."""
    shown = [outcome for outcome in ranked if outcome.robustness]
    if not shown:
        return None
    distortions = list(shown[0].robustness)
    header = ("contender", *("as they are" if one is None else str(one) for one in distortions))
    rows = [
        (outcome.title, *(
            f"{outcome.robustness[one].value:.3f}" if one in outcome.robustness else "–"
            for one in distortions
        ))
        for outcome in shown
    ]  # fmt: skip
    figures = robustness_figures(ranked, palette_of(findings))
    hint = "Trained on faces as they are, tested on poorer ones; accuracy."
    return Section("Poorer pictures", [*figures, Fold("the numbers", [Table(header, rows)])], hint)


def epochs_section(ranked: list[Outcome], findings: Findings) -> Optional[Section]:
    """Loss and accuracy while networks learnt; None without a network."""
    palette = palette_of(findings)
    figures = [
        figure
        for outcome in ranked
        if outcome.histories
        for figure in history_figures(outcome, palette[outcome.title])
    ]
    return Section("Learning epoch by epoch", figures) if figures else None


def looks_section(ranked: list[Outcome], findings: Findings) -> Section:
    """Eigenfaces, Fisherfaces, histograms of gradients."""
    data, train = findings.data, findings.splits[0].train
    blocks: list[Block] = []
    for outcome in ranked:
        if outcome.directions is not None:
            name = SINGULAR.get(outcome.contender.name, "direction")
            blocks.append(Paragraph(f"{outcome.title}: the first directions of its subspace."))
            blocks.append(direction_faces(outcome.directions, data.faces.shape[1], name))
    if any(outcome.contender.name == "hog_svm" for outcome in ranked):
        blocks.append(
            Paragraph("HOG: the directions of edges in the mean face of each class, cell by cell.")
        )
        blocks.append(hog_faces(data, train))
    return Section("What they look at", blocks)


def mistakes_section(ranked: list[Outcome], findings: Findings) -> Section:
    """The most confident mistakes as pictures."""
    blocks: list[Block] = []
    for place, outcome in enumerate(ranked):
        if not outcome.mistakes:
            continue
        faces = mistake_faces(outcome, findings.data)
        inside: list[Block] = [Paragraph(outcome.title), faces]
        blocks += inside if place == 0 else [Fold(f"those of {outcome.title}", [faces])]
    return Section("Worst mistakes", blocks, "Wrong names given with the most confidence.")


def data_section(findings: Findings) -> Section:
    """How many faces of each class there are, and what was left out."""
    data, splits = findings.data, findings.splits
    tested = np.unique(np.concatenate([split.test for split in splits]))
    learnt = np.unique(np.concatenate([split.train for split in splits]))
    counts = [
        np.bincount(data.labels[part], minlength=len(data.classes)) for part in (learnt, tested)
    ]
    rows = [
        (name, f"{counts[0][number]:,}", f"{counts[1][number]:,}")
        for number, name in enumerate(data.classes)
    ]
    rows.append(("all", f"{len(learnt):,}", f"{len(tested):,}"))
    table = Table(("class", "learnt from", "tested"), rows)
    blocks: list[Block] = [table]
    if len(rows) > MOST_CLASSES:
        blocks = [Fold(f"{len(data.classes)} classes", [table])]
    if data.problems:
        left_out = Code("\n".join(data.problems))
        blocks.append(Fold(f"{len(data.problems)} left out, with the reasons", [left_out]))
    return Section("Data", blocks)


def method_section(
    methods: Methods, findings: Findings, options: BenchmarkOptions, command: str, data_key: str
) -> Section:
    """How it was measured, with references, versions and the command."""
    side = findings.data.faces.shape[1]
    paragraphs = [
        methods.data(findings, side, options.equalise, options.detect),
        methods.split(findings, options.seed),
        methods.leaks(findings, options.drop_leaks),
        methods.contenders(findings.outcomes) if findings.outcomes else "",
        methods.metrics(findings),
        methods.tests(findings),
        methods.learning_curve() if options.learning_curve else "",
        methods.costs(findings),
    ]
    settings = [
        (outcome.title, ", ".join(f"{key}={value}" for key, value in
                                  outcome.contender.parameters.items()) or "none")
        for outcome in findings.outcomes
    ]  # fmt: skip
    versions = {name: text for outcome in findings.outcomes for version in outcome.versions
                for name, text in version.items()}  # fmt: skip
    made_with = ", ".join(f"{name} {text}" for name, text in versions.items())
    return Section("Methods", [
        *(Paragraph(text) for text in paragraphs if text),
        Fold("the contenders' parameters", [
            Table(("contender", "parameters"), settings, frozenset({1}))
        ]),
        Paragraph(f"Python {platform.python_version()} on {platform.machine()}; {made_with}."),
        Paragraph(f"The data's content (SHA-256): {data_key}"),
        Code(command, "sh"),
        Fold("BibTeX", [Code(methods.bibliography(), "bibtex")]),
    ])  # fmt: skip
