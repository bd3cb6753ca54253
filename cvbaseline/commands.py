"""The verbs of the command line: a table, and for each the function that runs it and prints.

A verb is one row of `COMMANDS`: its words, the frozen dataclass of its options (which the library
function takes as well) and the function. Modules are imported when their verb is called, so
`--help` stays fast.
"""

import os
import sys
from contextlib import closing
from typing import Any, Callable, NamedTuple, Optional, TextIO

from cvbaseline.printable import printable

INTERRUPTED = 130  # exit codes
NOTHING_MADE = 1


class Command(NamedTuple):
    """One verb: `options` is "module:class" within cvbaseline, imported when the verb is called."""

    options: str
    run: Callable[[Any], Optional[int]]
    summary: str


def tell(line: str) -> None:
    """Print a line now, so that a log shows it while the work goes on."""
    print(line, flush=True)


def tell_line(line: str) -> None:
    """Print a line in which the user's file names may stand."""
    tell(printable(line))


def warn(line: str) -> None:
    """A line for the user that is not part of the result; that nobody reads it stops no work."""
    if sys.stderr is None:  # closed with 2>&-
        return
    try:
        print(printable(line), file=sys.stderr, flush=True)
    except OSError:
        let_go(sys.stderr)


def let_go(stream: TextIO) -> None:
    """Forget what a stream could not write: Python would try again at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run_sort(options: Any) -> Optional[int]:
    """Sort a folder of pictures by emotion."""
    from cvbaseline.sorting.sort import sort_pictures, summary

    tell(summary(sort_pictures(options, tell=warn)))
    return None


def run_detect(options: Any) -> Optional[int]:
    """Find faces; print boxes."""
    from cvbaseline.detect_pictures import detect_pictures, render_json, render_table
    from cvbaseline.progress import ProgressLine

    with closing(ProgressLine()) as progress:
        found = detect_pictures(options, progress)
    tell(render_json(found) if options.json else render_table(found))
    return None


def run_crop(options: Any) -> Optional[int]:
    """Cut faces into files."""
    from cvbaseline.crop_pictures import crop_pictures, summary
    from cvbaseline.progress import ProgressLine

    with closing(ProgressLine()) as progress:
        crops = crop_pictures(options, progress)
    tell(summary(crops))
    return None


def run_train(options: Any) -> Optional[int]:
    """Train a face classifier."""
    from cvbaseline.classification.training import train

    train(options, tell=tell_line)
    return None


def run_predict(options: Any) -> Optional[int]:
    """Name the class of faces."""
    from cvbaseline.classification.prediction import predict

    predict(options, tell=tell)
    return None


def run_export(options: Any) -> Optional[int]:
    """Write a network for OpenCV or other programs."""
    from cvbaseline.export import export

    export(options, tell=tell)
    return None


def run_explore(options: Any) -> Optional[int]:
    """Survey labelled faces."""
    from cvbaseline.exploring.explore import explore

    explore(options, tell=tell_line)
    return None


def run_benchmark(options: Any) -> Optional[int]:
    """Compare classifiers."""
    from cvbaseline.benchmarking.benchmark import benchmark
    from cvbaseline.progress import ProgressLine

    with closing(ProgressLine()) as progress:
        benchmark(options, tell=progress.tell, progress=progress)
    return None


def run_draw(options: Any) -> Optional[int]:
    """Draw faces or scenes with known truth."""
    from cvbaseline.drawing import draw

    draw(options, tell=tell)
    return None


def run_cascade_train(options: Any) -> Optional[int]:
    """Train a cascade."""
    from cvbaseline.preflight.findings import report_before_run
    from cvbaseline.preflight.training_run import check_training
    from cvbaseline.progress import ProgressLine
    from cvbaseline.training import INTERRUPTED_BY_USER, train_cascade

    report_before_run(check_training(options), tell=warn)
    progress = ProgressLine()
    result = train_cascade(options, tell=progress.tell, progress=progress)
    if result.stopped.endswith(INTERRUPTED_BY_USER):
        return INTERRUPTED
    return None if result.cascade.stages else NOTHING_MADE


def run_cascade_train_verifier(options: Any) -> Optional[int]:
    """Train a model for the second look at boxes."""
    from cvbaseline.progress import ProgressLine
    from cvbaseline.verifier_training import train_verifier

    with closing(ProgressLine()) as progress:
        train_verifier(options, tell=progress.tell, progress=progress)
    return None


def run_cascade_tighten(options: Any) -> Optional[int]:
    """Make a cascade faster."""
    from cvbaseline.progress import ProgressLine
    from cvbaseline.tightening.tighten import tighten

    with closing(ProgressLine()) as progress:
        tighten(options, tell=progress.tell, progress=progress)
    return None


def run_cascade_align(options: Any) -> Optional[int]:
    """Move boxes to where a cascade sees the objects best."""
    from cvbaseline.aligning.align import align
    from cvbaseline.progress import ProgressLine

    with closing(ProgressLine()) as progress:
        align(options, tell=progress.tell, progress=progress)
    return None


def run_evaluate(options: Any) -> Optional[int]:
    """Measure a cascade on annotated pictures."""
    from cvbaseline.detector_quality.evaluate import evaluate
    from cvbaseline.progress import ProgressLine

    with closing(ProgressLine()) as progress:
        evaluate(options, tell=progress.tell, progress=progress)
    return None


def run_compare(options: Any) -> Optional[int]:
    """Compare cascades on the same pictures."""
    from cvbaseline.detector_quality.compare import compare
    from cvbaseline.progress import ProgressLine

    with closing(ProgressLine()) as progress:
        compare(options, tell=progress.tell, progress=progress)
    return None


def run_sweep(options: Any) -> Optional[int]:
    """Try detector settings on annotated pictures."""
    from cvbaseline.progress import ProgressLine
    from cvbaseline.sweeping.sweep import sweep

    progress = ProgressLine()
    sweep(options, tell=progress.tell, progress=progress)
    return None


def run_doctor(options: Any) -> Optional[int]:
    """Say what is wrong with an old command line or a folder."""
    from cvbaseline.doctor import examine, render

    diagnosis = examine(options)
    tell(render(diagnosis))
    return diagnosis.exit_code


def run_mergevec(options: Any) -> Optional[int]:
    """Merge .vec files."""
    from cvbaseline.old_tools.mergevec import merge_vec_files

    merge_vec_files(options, tell=tell)
    return None


def run_annotate(options: Any) -> Optional[int]:
    """Draw boxes in the browser."""
    from cvbaseline.web.annotate import annotate

    annotate(options, tell=tell)
    return None


def run_convert(options: Any) -> Optional[int]:
    """Convert boxes between formats."""
    from cvbaseline.convert import convert, summary

    tell(summary(convert(options, tell=warn)))
    return None


def run_visualise(options: Any) -> Optional[int]:
    """Draw a cascade's features as an album."""
    from cvbaseline.album.visualise import visualise

    visualise(options, tell=tell)
    return None


def run_info(options: Any) -> Optional[int]:
    """Say what a file holds."""
    from cvbaseline.info import describe

    for path in options.files:
        for line in describe(path).split("\n"):
            tell_line(line)
    return None


COMMANDS = {
    "sort": Command("sorting.sort:SortOptions", run_sort, "sort a folder of pictures by emotion"),
    "detect": Command("detect_pictures:DetectOptions", run_detect, "find faces in pictures"),
    "crop": Command("crop_pictures:CropPicturesOptions", run_crop, "cut the faces into files"),
    "train": Command("classification.training:TrainOptions", run_train, "train a face classifier"),
    "predict": Command(
        "classification.prediction:PredictOptions", run_predict, "name the class of faces"
    ),
    "export": Command(
        "export:ExportOptions", run_export, "a trained network for OpenCV, or as plain ONNX"
    ),
    "explore": Command(
        "exploring.explore:ExploreOptions", run_explore, "survey labelled faces: counts, copies"
    ),
    "benchmark": Command(
        "benchmarking.options:BenchmarkOptions", run_benchmark, "compare classifiers honestly"
    ),
    "draw": Command("drawing:DrawOptions", run_draw, "draw faces or scenes with known truth"),
    "cascade train": Command(
        "training:CascadeTrainingOptions", run_cascade_train, "train a Haar or LBP cascade"
    ),
    "cascade train-verifier": Command(
        "verifier_training:VerifierTrainingOptions",
        run_cascade_train_verifier,
        "train a model that drops false boxes",
    ),
    "cascade align": Command(
        "aligning.align:AlignOptions", run_cascade_align, "move boxes to where a cascade sees best"
    ),
    "cascade tighten": Command(
        "tightening.tighten:TightenOptions", run_cascade_tighten, "make a trained cascade faster"
    ),
    "evaluate": Command(
        "detector_quality.evaluate:EvaluateOptions",
        run_evaluate,
        "measure a cascade on annotated pictures",
    ),
    "compare": Command(
        "detector_quality.compare:CompareOptions",
        run_compare,
        "compare cascades on the same pictures",
    ),
    "sweep": Command(
        "sweeping.options:SweepOptions", run_sweep, "find the best detector settings for pictures"
    ),
    "doctor": Command(
        "doctor:DoctorOptions", run_doctor, "say what is wrong with an old command line or folder"
    ),
    "mergevec": Command(
        "old_tools.mergevec:MergevecOptions", run_mergevec, "merge .vec files into one"
    ),
    "annotate": Command(
        "web.annotate:AnnotateOptions", run_annotate, "draw boxes on pictures in the browser"
    ),
    "convert": Command(
        "convert:ConvertOptions", run_convert, "boxes between info.dat, YOLO, COCO, VOC, imglab"
    ),
    "visualise": Command(
        "album.visualise:VisualiseOptions",
        run_visualise,
        "an album of a cascade's features and rates",
    ),
    "info": Command("info:InfoOptions", run_info, "say what a cascade, model or vec file holds"),
}

# Interrupted, they leave what was finished, or do not do it again.
KEEPING = {"sort", "crop", "train", "benchmark", "draw", "cascade train", "sweep", "annotate"}

# Verbs with the command lines of OpenCV 3's tools: their modules read the words themselves.
OLD_TOOLS = {
    "traincascade": "the flags and files of opencv_traincascade",
    "createsamples": "the flags and files of opencv_createsamples",
}
