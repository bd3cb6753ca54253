"""The verb `sweep`: which scale factor, min neighbors and so on to use on one's own pictures.

Pictures are searched once for every combination of the parameters other than min_neighbors; what
was found is kept in the output folder, so a second run searches only what is new. From the counts
come measures, intervals, the Pareto front and the setting to take.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.bootstrap import group_numbers
from cvbaseline.detection_parameters import DetectionParameters, with_verifier
from cvbaseline.detector_quality.annotated_pictures import (
    AnnotatedPicture,
    drawn_whole,
    read_annotated_pictures,
)
from cvbaseline.detector_quality.search_journal import SearchJournal, content_of, program
from cvbaseline.errors import UserError, require
from cvbaseline.formats.files import write_bytes
from cvbaseline.model_file import FaceModel, load_model
from cvbaseline.shipped import cascade_path, default_emotion_model
from cvbaseline.sweeping.answer_journal import AnswerJournal
from cvbaseline.sweeping.choice import choose, expected, pareto_front
from cvbaseline.sweeping.end_to_end import LabelledPicture, name_faces, read_labels
from cvbaseline.sweeping.grid import grid_settings, search_of
from cvbaseline.sweeping.measures import (
    Measure,
    detection_measures,
    drawn_weights,
    intervals,
    sorting_measures,
    values_of,
)
from cvbaseline.sweeping.options import SweepOptions
from cvbaseline.sweeping.records import render_csv, render_json
from cvbaseline.sweeping.report import render_report
from cvbaseline.sweeping.result import (
    Material,
    SweepResult,
    Values,
    command_line,
    count_of,
    describe,
    reason,
    said_fields,
)
from cvbaseline.sweeping.searching import Progress, SearchedPictures, search_pictures
from cvbaseline.sweeping.tally import tally_boxes

SEARCHES_NAME, ANSWERS_NAME = "searches.jsonl", "answers.jsonl"
CSV_NAME, JSON_NAME, PAGE_NAME = "records.csv", "records.json", "report.html"

Tell = Callable[[str], None]


class _Sorting(NamedTuple):
    """What sorting is measured with."""

    model: FaceModel
    content: str  # of the model's file
    pictures: list[LabelledPicture]


def sweep(
    options: SweepOptions,
    tell: Tell = lambda line: None,
    progress: Progress = lambda what, done, total: None,
) -> SweepResult:
    """Try all settings, write records and report into the output folder.

    Raises UserError for options, annotations, a cascade, model or folder that will not do. Ctrl-C
    (KeyboardInterrupt) goes through; what was searched before is kept.
    """
    cascade = cascade_path(options.cascade)
    # auto and the verifier that it stands for are one setting.
    settings = list(
        dict.fromkeys(with_verifier(setting, cascade) for setting in grid_settings(options))
    )
    pictures = read_annotated_pictures(options.pictures, options.only, options.group_by)
    require(
        any(len(picture.boxes) for picture in pictures),
        f"{options.pictures} has no box, so nothing can be found: annotate some faces first",
    )
    sorting = _read_sorting(options, tell)
    labelled = sorting.pictures if sorting else []
    out = output_folder(options.out, cascade)
    searched = search_pictures(
        list(dict.fromkeys(picture.path for picture in (*pictures, *labelled))),
        cascade,
        list(dict.fromkeys(map(search_of, settings))),
        SearchJournal(out / SEARCHES_NAME, content_of(cascade)),
        options.jobs,
        progress,
    )
    for problem in searched.problems:
        tell(f"left out: {problem}")
    pictures = [picture for picture in pictures if picture.path in searched.searches]
    labelled = [picture for picture in labelled if picture.path in searched.searches]
    readable = any(len(picture.boxes) for picture in pictures)
    require(readable, f"none of the pictures with boxes in {options.pictures} can be read")
    searches = [searched.searches[picture.path] for picture in pictures]
    tally = tally_boxes(pictures, searches, settings, options.min_iou, progress)
    kinds = [detection_measures(tally)]
    if sorting is not None:
        require(bool(labelled), f"none of the pictures of {options.labels} can be read")
        journal = AnswerJournal(out / ANSWERS_NAME, sorting.content)
        named = name_faces(
            labelled, searched, settings, sorting.model, journal, options.min_iou, progress
        )
        units = group_numbers([picture.group for picture in labelled])
        kinds.append(sorting_measures(named.answers, named.truth, named.pictures, units))
    material = _material(options, cascade, pictures, labelled, searched)
    result = conclude(material, settings, kinds, options.choose_by, options.seed, progress)
    write_bytes(out / CSV_NAME, render_csv(result).encode())
    write_bytes(out / JSON_NAME, render_json(result).encode())
    write_bytes(out / PAGE_NAME, render_report(result).encode())
    for line in summary(result, out):
        tell(line)
    return result


def _material(
    options: SweepOptions,
    cascade: Path,
    pictures: list[AnnotatedPicture],
    labelled: list[LabelledPicture],
    searched: SearchedPictures,
) -> Material:
    """What the report says of the pictures and the way they were searched."""
    sizes = [next(iter(searched.searches[one.path].values())).size for one in pictures]
    return Material(
        cascade=cascade,
        cascade_content=content_of(cascade),
        shipped=options.cascade is None,
        annotations=options.pictures,
        pictures=len(pictures),
        drawn=drawn_whole(pictures),
        faces=sum(len(picture.boxes) for picture in pictures),
        megapixels=float(np.mean([width * height for width, height in sizes]) / 1e6),
        labelled=sum(len(picture.labels) for picture in labelled),
        problems=tuple(searched.problems),
        min_iou=options.min_iou,
        jobs=options.jobs,
        program=program(),
        searched_now=searched.searched_now,
        searched_before=searched.searched_before,
    )


def conclude(
    material: Material,
    settings: list[DetectionParameters],
    kinds: Sequence[dict[str, Measure]],
    choose_by: str,
    seed: int = 0,
    progress: Progress = lambda what, done, total: None,
) -> SweepResult:
    """The measures' values and intervals, the front, the recommended setting, what to expect.

    Parameters
    ----------
    kinds : measures by name; those of one kind are of the same pictures
    choose_by : name of one of them
    """
    by_name = {name: measure for kind in kinds for name, measure in kind.items()}
    values = {
        name: Values(one.title, one.better, values_of(one), *intervals(one, seed))
        for name, one in by_name.items()
    }
    milliseconds = values["ms_per_picture"].value
    costs = [-values["recall"].value, values["false_per_picture"].value, milliseconds]
    kind = next(kind for kind in kinds if choose_by in kind)
    measure = kind[choose_by]
    weights = drawn_weights(measure.units, seed)
    choice = choose(measure, milliseconds, np.ones(len(measure.counts)), weights)
    outlook = expected(kind, choose_by, milliseconds, seed, progress)
    front = pareto_front(np.stack(costs, axis=1))
    return SweepResult(material, settings, values, front, choice, choose_by, outlook)


def summary(result: SweepResult, out: Path) -> list[str]:
    """What the terminal shows."""
    material, chosen = result.material, result.choice.chosen
    title = result.measures[result.chosen_by].title
    here = [
        f"{values.title} {values.of(chosen)}"
        for name, values in result.measures.items()
        if name not in ("false_per_picture", "ms_per_picture")
    ]
    rate, speed = (
        result.measures[name].value[chosen] for name in ("false_per_picture", "ms_per_picture")
    )
    count, drawn = material.drawn
    grouped = f" of {count_of(count, 'group')}" if drawn == "groups" else ""
    lines = [
        f"{count_of(len(result.settings), 'setting')} on {count_of(material.pictures, 'picture')}"
        f"{grouped} with {count_of(material.faces, 'face')}; {material.searched_now:,} searches made, "
        f"{material.searched_before:,} known from before",
        f"recommended: {describe(result.chosen, said_fields(result.settings))}",
        *(f"  {line}" for line in reason(result)),
        f"  here: {', '.join(here)}",
        f"  {rate:.2f} false boxes and {speed:.1f} ms a picture (one core)",
    ]
    if result.expected:
        lines.append(f"  on other pictures expect {title} {result.expected[result.chosen_by]}")
    return [*lines, f"  {command_line(result)}", f"report: {out / PAGE_NAME}"]


def output_folder(asked: Optional[Path], cascade: Path) -> Path:
    """The folder for what is found; UserError when it holds something else."""
    name = cascade.parent.name if cascade.name == "cascade.xml" else cascade.stem
    out = asked or Path(f"sweep-{name}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        strange = any(out.iterdir()) and not (out / SEARCHES_NAME).exists()
    except OSError as error:
        raise UserError(f"{out} cannot be used ({error.strerror}): give another --out") from None
    require(not strange, f"{out} holds other files: give a new folder with --out")
    return out


def _read_sorting(options: SweepOptions, tell: Tell) -> Optional[_Sorting]:
    """The model and the labelled pictures, None without labels."""
    if options.labels is None:
        return None
    path = options.model or default_emotion_model()
    model = load_model(path)
    pictures = read_labels(options.labels, model, tell, options.group_by)
    return _Sorting(model, content_of(path), pictures)
