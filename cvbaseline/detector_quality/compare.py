"""The verb `compare`: cascades on the same pictures, and what of their differences is more than
chance."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cvbaseline.detection_parameters import DetectionParameters, option_line, with_verifier
from cvbaseline.detector_quality.evaluate import Progress, cautions, headline
from cvbaseline.detector_quality.options import (
    MeasuringOptions,
    check_outputs,
    page_path,
)
from cvbaseline.errors import require
from cvbaseline.options import argument, option

if TYPE_CHECKING:
    from cvbaseline.detector_quality.measures import Quality
    from cvbaseline.detector_quality.searching import Detector, SearchedPicture

PAGE_NAME = "comparison.html"
COMPARED = (
    "recall", "precision", "f1", "false_per_picture", "ap_30", "ap_50", "recall_at_0.1",
    "recall_at_0.3", "best_f1", "milliseconds",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CompareOptions(MeasuringOptions):
    """Compare cascades on the same pictures: each with the first, differences with intervals."""

    cascades: list[Path] = argument(
        "cascade files, or names of shipped ones; the others are compared with the first",
        args=["cascades"],
        nargs="+",
        metavar="XML",
    )
    pictures: Path = option(
        help="annotations: info.dat, COCO, imglab, VOC, YOLO or JSON, or a folder that holds them",
        metavar="PICTURES",
    )

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        super().__post_init__()
        require(len(self.cascades) >= 2, "name two cascades or more to compare")


class Comparison(NamedTuple):
    """Detectors on the same pictures; lists have an entry for each detector."""

    source: Path
    detectors: "list[Detector]"
    parameters: DetectionParameters
    min_iou: float
    searched: "list[list[SearchedPicture]]"
    qualities: "list[Quality]"
    skipped: list[str]
    warnings: list[str]


def compare(
    options: CompareOptions,
    tell: Callable[[str], None] = lambda line: None,
    progress: Progress = lambda what, done, total: None,
) -> Comparison:
    """Search, measure, write what was asked for; `tell` gets the tables and the files written.

    Raises UserError when there is no picture to measure on, or an output is there already.
    """
    from cvbaseline.detector_quality.annotated_pictures import read_annotated_pictures
    from cvbaseline.detector_quality.measures import measure_detector
    from cvbaseline.detector_quality.records import comparison_record, write_record
    from cvbaseline.detector_quality.searching import (
        detection_parameters,
        open_detectors,
        search_pictures,
    )
    from cvbaseline.shipped import cascade_path

    page = page_path(options.report, PAGE_NAME)
    check_outputs(options.json, page)
    pictures = read_annotated_pictures(options.pictures, options.only, options.group_by)
    detectors = open_detectors([cascade_path(cascade) for cascade in options.cascades])
    parameters = detection_parameters(options)
    skipped: list[str] = []
    searched = search_pictures(
        pictures, detectors, parameters, options.rounds, skipped.append, progress, options.searches
    )
    qualities = [measure_detector(one, options.min_iou, progress=progress) for one in searched]
    comparison = Comparison(
        options.pictures, detectors, parameters, options.min_iou, searched, qualities, skipped,
        _all_cautions(searched, parameters, options.min_iou, qualities),
    )  # fmt: skip
    tell(render_tables(comparison))
    if options.json is not None:
        write_record(options.json, comparison_record(comparison))
        tell(f"measures are in {options.json}")
    if page is not None:
        from cvbaseline.detector_quality.comparison_page import write_comparison_page

        write_comparison_page(page, comparison, options.gallery)
        tell(f"curves and galleries are in {page}")
    tell(f"what was found is kept in {options.searches}")
    return comparison


def _all_cautions(
    searched: "list[list[SearchedPicture]]",
    parameters: DetectionParameters,
    min_iou: float,
    qualities: "list[Quality]",
) -> list[str]:
    """The cautions of all detectors, each once."""
    found = []
    for one, quality in zip(searched, qualities):
        found += cautions(one, parameters, min_iou, quality.counts)
    return list(dict.fromkeys(found))


def render_tables(comparison: Comparison) -> str:
    """For each detector but the first, its measures beside the first's."""
    count = len(comparison.detectors)
    lines = [
        headline(comparison.searched[0], f"{count} cascades", comparison.source),
        *settings_of(comparison),
        f"found: IoU {comparison.min_iou:g} or more",
    ]
    for place in range(1, count):
        lines += ["", *_table(comparison, place)]
    lines += ["", "better or worse: the 95 % interval of the difference, paired, excludes 0"]
    lines += [f"caution: {caution}" for caution in comparison.warnings]
    lines += [f"left out: {problem}" for problem in comparison.skipped]
    return "\n".join(lines)


def settings_of(comparison: Comparison) -> list[str]:
    """How the cascades were searched: one line where all were alike, else one for each.

    What suits the verifier of a shipped cascade is its own.
    """
    lines = [
        option_line(with_verifier(comparison.parameters, detector.path))
        for detector in comparison.detectors
    ]
    if len(set(lines)) == 1:
        return lines[:1]
    return [f"{one.name}: {line}" for one, line in zip(comparison.detectors, lines)]


def _table(comparison: Comparison, place: int) -> list[str]:
    from cvbaseline.detector_quality.measures import MEASURES, difference, written

    first, other = comparison.qualities[0], comparison.qualities[place]
    names = [comparison.detectors[index].name for index in (0, place)]
    widths = [max(9, len(name)) for name in names]
    head = "  ".join(f"{name:>{width}}" for name, width in zip(names, widths))
    lines = [f"{'':<36}{head}  difference   95 % interval"]
    for name in COMPARED:
        measure = MEASURES[name]
        estimate, verdict = difference(other, first, name)
        values = "  ".join(
            f"{written(quality.estimates[name].value, measure.decimals):>{width}}"
            for quality, width in zip((first, other), widths)
        )
        value, low, high = (written(number, measure.decimals, sign=True) for number in estimate)
        interval = f"{value:>10}   {low + ' to ' + high:<18}"
        lines.append(f"{measure.title:<36}{values}  {interval} {verdict}".rstrip())
    return lines
