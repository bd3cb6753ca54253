"""What `explore` tells: a page with pictures, lines of text, and the list of all copies."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from cvbaseline.classification.report import FEW_PICTURES, pictures
from cvbaseline.exploring.survey import Cluster, Survey
from cvbaseline.formats.spreadsheet import cell
from cvbaseline.reports.blocks import (
    Block,
    Code,
    Faces,
    Figure,
    Fold,
    Paragraph,
    Remark,
    Report,
    Section,
    Table,
)
from cvbaseline.reports.charts import bar_chart

SAMPLES = 12  # of each class
MOST_CLASSES = 20  # whose faces are shown
SHOWN_CLUSTERS, SHOWN_MEMBERS = 24, 8
SHOWN_FLAT = 24
MOST_BARS = 60
IMBALANCE = 10  # times as many faces in the largest class as in the smallest


def summary(survey: Survey) -> list[str]:
    """The findings as lines of text."""
    data = survey.data
    lines = [headline(survey)]
    totals = survey.counts.reshape(len(data.classes), -1).sum(axis=1)
    width = max(map(len, data.classes))
    for number, name in enumerate(data.classes):
        parts = ""
        if survey.parts:
            told = zip(survey.counts[number], survey.parts)
            parts = f"  ({', '.join(f'{count:,} {part}' for count, part in told)})"
        groups = "" if survey.groups is None else f"  {survey.groups[number]:,} groups"
        lines.append(f"  {name:<{width}}  {totals[number]:>7,}{groups}{parts}")
    lines.append(_about_sizes(survey))
    return lines + [remark.text for remark in remarks(survey)]


def headline(survey: Survey) -> str:
    """The data in a sentence."""
    data = survey.data
    grouped = "" if data.groups is None else f" in {len(set(data.groups)):,} groups"
    return f"{len(data.labels):,} faces of {len(data.classes)} classes{grouped}."


def remarks(survey: Survey) -> list[Remark]:
    """What to look at before learning from these data."""
    data, clusters = survey.data, survey.clusters
    totals = survey.counts.reshape(len(data.classes), -1).sum(axis=1)
    found = []
    rare = [f"{name} ({pictures(count)})" for name, count in zip(data.classes, totals)
            if count < FEW_PICTURES]  # fmt: skip
    if rare:
        more = f" and {len(rare) - 8} more" if len(rare) > 8 else ""
        found.append(
            _warning(f"Too few to learn or to prove anything: {', '.join(rare[:8])}{more}.")
        )
    if totals.max() > IMBALANCE * totals.min():
        most, least = data.classes[totals.argmax()], data.classes[totals.argmin()]
        found.append(
            _note(f"{most} is {totals.max() / totals.min():.0f} times as frequent as {least}: "
                  "judge by macro F1, not by accuracy.")
        )  # fmt: skip
    if clusters:
        copies = sum(len(cluster.members) - 1 for cluster in clusters)
        found.append(
            _note(f"Copies of other faces: {copies:,} ({survey.repeated:,} equal in every pixel, "
                  f"{copies - survey.repeated:,} nearly so), listed in copies.csv.")
        )  # fmt: skip
    conflicts = sum(cluster.conflicting for cluster in clusters)
    if conflicts:
        equal = ""
        if survey.contradictions:
            equal = f" ({survey.contradictions:,} although equal in every pixel)"
        found.append(
            _warning(f"Sets of copies with different classes: {conflicts:,}{equal}. No classifier "
                     "can get these right.")
        )  # fmt: skip
    across = sum(cluster.across for cluster in clusters)
    if across:
        found.append(
            _warning(f"Sets of copies in more than one part: {across:,}. What is tested was learnt "
                     "from; cvbaseline benchmark tells the results without them.")
        )  # fmt: skip
    if len(survey.flat):
        found.append(_warning(f"Faces that show next to nothing, one shade: {len(survey.flat):,}."))
    if survey.missed:
        found.append(
            _note(f"Missed by the detector: {survey.missed:,} of {len(data.labels):,} faces; boxes "
                  f"where none is labelled: {data.false_boxes:,}.")
        )  # fmt: skip
    if data.problems:
        found.append(_warning(f"Left out: {len(data.problems):,}; the first: {data.problems[0]}"))
    return sorted(found, key=lambda remark: remark.kind != "warning")


def make_report(survey: Survey, name: str, with_pictures: bool, command: str, seed: int) -> Report:
    """The page."""
    sections = [_classes(survey)]
    if with_pictures:
        sections += [_samples(survey, seed), _means(survey), *_copies(survey), _flat(survey)]
    sections.append(_sizes(survey))
    if survey.data.problems:
        sections.append(Section("Left out", [Code("\n".join(survey.data.problems))]))
    sections.append(Section("How it was made", [Code(command, "sh")]))
    return Report(
        title=f"Faces of {name}",
        about=headline(survey),
        remarks=remarks(survey),
        sections=[section for section in sections if section.blocks],
        footer="Made by cvbaseline explore. copies.csv beside this file lists all copies.",
        generator="cvbaseline explore",
    )


def render_copies(survey: Survey) -> str:
    """copies.csv: set, content (equal for equal pixels), class, part and picture of each copy."""
    from cvbaseline.duplicates import content_keys

    data, text = survey.data, io.StringIO()
    keys = content_keys(data.faces)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["set", "content", "class", "part", "picture"])
    for number, cluster in enumerate(survey.clusters, 1):
        for face in cluster.members.tolist():
            part = "" if data.parts is None else data.parts[face]
            label = data.classes[data.labels[face]]
            texts = [cell(value) for value in (label, part, data.paths[face])]
            writer.writerow([number, keys[face], *texts])
    return text.getvalue()


def _warning(text: str) -> Remark:
    return Remark("warning", text)


def _note(text: str) -> Remark:
    return Remark("note", text)


def _classes(survey: Survey) -> Section:
    data = survey.data
    counts = survey.counts.reshape(len(data.classes), -1)
    totals = counts.sum(axis=1)
    header = ["class", "faces", "share"]
    header += ["groups"] if survey.groups is not None else []
    header += survey.parts
    rows = []
    for number, name in enumerate(data.classes):
        row = [name, f"{totals[number]:,}", f"{totals[number] / totals.sum():.1%}"]
        row += [] if survey.groups is None else [f"{survey.groups[number]:,}"]
        row += [f"{count:,}" for count in counts[number]] if survey.parts else []
        rows.append(row)
    table = Table(header, rows)
    if len(rows) > MOST_BARS:
        return Section("Classes", [Fold(f"{len(rows)} classes", [table])])
    bars = bar_chart("Faces by class", list(zip(data.classes, totals.tolist())))
    return Section("Classes", [Figure("classes", "Faces of each class.", bars), table])


def _samples(survey: Survey, seed: int) -> Section:
    """Faces of each class, drawn at random."""
    data, rng, blocks = survey.data, np.random.default_rng(seed), []
    for number, name in enumerate(data.classes[:MOST_CLASSES]):
        members = np.flatnonzero(data.labels == number)
        chosen = np.sort(rng.permutation(members)[:SAMPLES])
        blocks += [Paragraph(name), Faces(list(data.faces[chosen]), [""] * len(chosen), 72)]
    return Section("Samples", blocks, _of_classes(survey, f"{SAMPLES} faces of each class."))


def _means(survey: Survey) -> Section:
    """The mean of each class, and where its faces differ."""
    data = survey.data
    means, spreads = [], []
    for number in range(min(MOST_CLASSES, len(data.classes))):
        faces = data.faces[data.labels == number].astype(np.float32)
        means.append(np.rint(faces.mean(axis=0)).astype(np.uint8))
        spreads.append(faces.std(axis=0))
    brightest = max(spread.max() for spread in spreads) or 1.0
    spreads = [np.rint(255 * spread / brightest).astype(np.uint8) for spread in spreads]
    names = data.classes[:MOST_CLASSES]
    hint = "Bright places of the lower row differ most from face to face (standard deviation)."
    blocks = [Faces(means, names), Faces(spreads, [f"{name}, spread" for name in names])]
    return Section("Mean and spread", blocks, _of_classes(survey, hint))


def _copies(survey: Survey) -> list[Section]:
    """The largest sets of copies, and those with several classes."""
    conflicts = [cluster for cluster in survey.clusters if cluster.conflicting]
    return [
        Section(
            "Conflicting labels",
            _cluster_blocks(survey, conflicts),
            "Copies of one picture with different classes.",
        ),
        Section("Copies", _cluster_blocks(survey, survey.clusters), "The largest sets first."),
    ]


def _cluster_blocks(survey: Survey, clusters: Sequence[Cluster]) -> list[Block]:
    """Rows of pictures; several small sets share a row."""
    data, shown, captions = survey.data, [], []
    blocks: list[Block] = []
    for number, cluster in enumerate(clusters[:SHOWN_CLUSTERS], 1):
        for face in cluster.members[:SHOWN_MEMBERS].tolist():
            part = "" if data.parts is None else f", {data.parts[face]}"
            shown.append(data.faces[face])
            captions.append(f"{number}: {data.classes[data.labels[face]]}{part}")
        more = len(cluster.members) - SHOWN_MEMBERS
        if more > 0:
            captions[-1] += f", and {more} more"
    if shown:
        blocks.append(Faces(shown, captions))
    if len(clusters) > SHOWN_CLUSTERS:
        blocks.append(Paragraph(f"{len(clusters) - SHOWN_CLUSTERS:,} more sets are in copies.csv."))
    return blocks


def _flat(survey: Survey) -> Section:
    data, chosen = survey.data, survey.flat[:SHOWN_FLAT]
    captions = [data.classes[data.labels[face]] for face in chosen]
    blocks = [Faces(list(data.faces[chosen]), captions, 72)] if len(chosen) else []
    return Section("Next to nothing to see", blocks)


def _about_sizes(survey: Survey) -> str:
    sizes, side = survey.sizes, survey.data.faces.shape[1]
    if sizes.smallest == sizes.largest:
        text = "All faces have {} x {} pixels".format(*sizes.median)
    else:
        text = (
            "Sizes from {} x {} to {} x {} pixels, half of them up to {} x {}; {:,} different"
        ).format(*sizes.smallest, *sizes.largest, *sizes.median, sizes.different)
    text += f"; cropped to {side} x {side}"
    if sizes.enlarged:
        text += f", {sizes.enlarged:,} of them enlarged"
    oblong = f" {sizes.oblong:,} are clearly not square." if sizes.oblong else ""
    return f"{text}.{oblong}"


def _sizes(survey: Survey) -> Section:
    return Section("Sizes", [Paragraph(_about_sizes(survey))])


def _of_classes(survey: Survey, hint: str) -> str:
    count = len(survey.data.classes)
    return hint if count <= MOST_CLASSES else f"{hint} The first {MOST_CLASSES} of {count} classes."
