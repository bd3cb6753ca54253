"""The verb `evaluate`: what a cascade is worth on annotated pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional

from cvbaseline.detection_parameters import DetectionParameters, option_line
from cvbaseline.detector_quality.options import (
    MeasuringOptions,
    check_outputs,
    page_path,
)
from cvbaseline.options import argument, option
from cvbaseline.progress import Progress

if TYPE_CHECKING:
    from cvbaseline.bootstrap import Estimate
    from cvbaseline.detector_quality.measures import Quality, SizeRecall
    from cvbaseline.detector_quality.searching import Detector, SearchedPicture

PAGE_NAME = "evaluation.html"
FEW_FACES, FEW_DRAWN = 30, 10
WHOLE = 0.9  # of the picture's area: a crop, not a picture to search


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(MeasuringOptions):
    """Measure a cascade on pictures with known faces: recall, precision, curves, speed."""

    pictures: Path = argument(
        "annotations: info.dat, COCO, imglab, VOC, YOLO or JSON, or a folder that holds them",
        args=["pictures"],
        metavar="PICTURES",
    )
    cascade: Optional[Path] = option(
        None, "cascade file, or the name of a shipped one; without it the default", metavar="XML"
    )


class Evaluation(NamedTuple):
    """A detector's measures, what they were taken from, and what to keep in mind."""

    source: Path
    detector: "Detector"
    parameters: DetectionParameters
    min_iou: float
    searched: "list[SearchedPicture]"
    quality: "Quality"
    skipped: list[str]
    warnings: list[str]


def evaluate(
    options: EvaluateOptions,
    tell: Callable[[str], None] = lambda line: None,
    progress: Progress = lambda what, done, total: None,
) -> Evaluation:
    """Search, measure, write what was asked for; `tell` gets the table and the files written.

    Raises UserError when there is no picture to measure on, or an output is there already.
    """
    from cvbaseline.detection_parameters import with_verifier
    from cvbaseline.detector_quality.annotated_pictures import read_annotated_pictures
    from cvbaseline.detector_quality.measures import measure_detector
    from cvbaseline.detector_quality.records import evaluation_record, write_record
    from cvbaseline.detector_quality.searching import (
        detection_parameters,
        open_detectors,
        search_pictures,
    )
    from cvbaseline.shipped import cascade_path

    page = page_path(options.report, PAGE_NAME)
    check_outputs(options.json, page)
    pictures = read_annotated_pictures(options.pictures, options.only, options.group_by)
    cascade = cascade_path(options.cascade)
    detectors = open_detectors([cascade])
    parameters = with_verifier(detection_parameters(options), cascade)
    skipped: list[str] = []
    [searched] = search_pictures(
        pictures, detectors, parameters, options.rounds, skipped.append, progress, options.searches
    )
    quality = measure_detector(searched, options.min_iou, progress=progress)
    evaluation = Evaluation(
        options.pictures, detectors[0], parameters, options.min_iou, searched, quality, skipped,
        cautions(searched, parameters, options.min_iou, quality.counts),
    )  # fmt: skip
    tell(render_table(evaluation))
    if options.json is not None:
        write_record(options.json, evaluation_record(evaluation))
        tell(f"measures are in {options.json}")
    if page is not None:
        from cvbaseline.detector_quality.evaluation_page import write_evaluation_page

        write_evaluation_page(page, evaluation, options.gallery)
        tell(f"curves and galleries are in {page}")
    tell(f"what was found is kept in {options.searches}")
    return evaluation


def cautions(
    searched: "list[SearchedPicture]",
    parameters: DetectionParameters,
    min_iou: float,
    counts: tuple[int, int, int],
) -> list[str]:
    """What makes the measures weak, in plain words.

    counts : faces found, false boxes, faces missed
    """
    from cvbaseline.bootstrap import COVERAGE
    from cvbaseline.boxes import area
    from cvbaseline.detector_quality.annotated_pictures import drawn_whole

    boxes = [(entry, box) for entry in searched for box in entry.picture.boxes]
    # Smaller faces, though within a box of the smallest size, do not overlap it enough.
    least_area = min_iou * parameters.min_size**2
    small = sum(float(area(box[None])[0]) < least_area for _, box in boxes)
    whole = sum(
        float(area(box[None])[0]) >= WHOLE * entry.size[0] * entry.size[1] for entry, box in boxes
    )
    found = []
    if not boxes:
        found.append("no face is annotated: only false boxes and speed are measured")
    elif len(boxes) < FEW_FACES:
        found.append(
            f"{len(boxes)} faces are too few to rely on: the intervals are wide, and "
            f"{FEW_FACES} are a first look, some hundreds tell good detectors apart"
        )
    if boxes and not counts[2]:
        # The exact one-sided bound for n hits of n (Clopper & Pearson 1934).
        least = (1 - COVERAGE) ** (1 / len(boxes))
        found.append(
            f"all {len(boxes)} faces are found, so the interval of the recall has no width; with "
            f"so many faces it may be as low as {least:.2f}"
        )
    drawn, what = drawn_whole([entry.picture for entry in searched])
    if drawn < FEW_DRAWN:
        found.append(
            f"with {drawn} {what} the intervals themselves are a guess: they come from "
            f"drawing {what} anew"
        )
    before = sum(entry.before for entry in searched)
    if before:
        found.append(
            f"{before} of {len(searched)} pictures are known from an earlier run, with the times "
            "that were taken then; another --searches file times all anew"
        )
    if small:
        found.append(
            f"{small} faces are too small to be found at --min-size {parameters.min_size}"
        )
    if whole * 2 > len(boxes):
        found.append(f"{whole} boxes fill their picture: crops are no test of a search")
    return found


def render_table(evaluation: Evaluation) -> str:
    """The measures as a table, with what they count and what to keep in mind."""
    from cvbaseline.detector_quality.measures import MEASURES

    lines = [
        headline(evaluation.searched, evaluation.detector.name, evaluation.source),
        f"{option_line(evaluation.parameters)}; found: IoU {evaluation.min_iou:g} or more",
        "",
        f"{'':<37}{'value':>8}   95 % interval",
    ]
    details = details_of(evaluation.quality)
    for name, measure in MEASURES.items():
        estimate = evaluation.quality.estimates[name]
        numbers = _numbers(estimate, measure.decimals)
        lines.append(f"{measure.title:<37}{numbers}   {details.get(name, '')}".rstrip())
    if evaluation.quality.sizes:
        lines += ["", "recall by size of the face"]
    for size in evaluation.quality.sizes:
        counted = f"{size.found} of {size.faces}"
        lines.append(f"  {size_name(size):<35}{_numbers(size.recall, 3)}   {counted}")
    notes = [f"caution: {caution}" for caution in evaluation.warnings]
    notes += [f"left out: {problem}" for problem in evaluation.skipped]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def headline(searched: "list[SearchedPicture]", who: str, source: Path) -> str:
    """What is measured on what."""
    from cvbaseline.detector_quality.annotated_pictures import drawn_whole

    faces = sum(len(entry.picture.boxes) for entry in searched)
    regions = sum(len(entry.picture.ignore) for entry in searched)
    ignored = f", {regions} regions ignored" if regions else ""
    drawn, what = drawn_whole([entry.picture for entry in searched])
    grouped = f" of {drawn} groups" if what == "groups" else ""
    return f"{who} on {source}: {faces} faces in {len(searched)} pictures{grouped}{ignored}"


def details_of(quality: "Quality") -> dict[str, str]:
    """What a measure counts, in words."""
    from cvbaseline.detection_metrics import score_in_words

    found, false, missed = quality.counts
    best = quality.best_threshold
    return {
        "recall": f"{found} of {found + missed} faces",
        "precision": f"{found} of {found + false} boxes",
        "false_per_picture": f"{false} box{'' if false == 1 else 'es'}",
        "best_f1": f"from score {score_in_words(best)} on" if best < float("inf") else "",
        "milliseconds": "the search alone, on one core",
    }


def size_name(size: "SizeRecall") -> str:
    """A bin of sizes in words."""
    if size.high == float("inf"):
        return f"{size.low} pixels and more"
    return f"{size.low} to {size.high - 1:g} pixels"


def _numbers(estimate: "Estimate", decimals: int) -> str:
    from cvbaseline.detector_quality.measures import written

    value, low, high = (written(number, decimals) for number in estimate)
    return f"{value:>8}   {low + ' to ' + high:<16}"
