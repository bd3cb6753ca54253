"""The JSON of `evaluate` and `compare`: all measures, and what was found in every picture."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cvbaseline
from cvbaseline.detection_parameters import with_verifier
from cvbaseline.detector_quality.annotated_pictures import drawn_whole
from cvbaseline.detector_quality.measures import MEASURES, Quality, difference, taken_faces
from cvbaseline.detector_quality.searching import Detector, SearchedPicture
from cvbaseline.formats.files import make_folder_of, write_bytes

if TYPE_CHECKING:
    from cvbaseline.detector_quality.compare import Comparison
    from cvbaseline.detector_quality.evaluate import Evaluation

SCHEMA = 1


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write the JSON; raises UserError when that is not possible."""
    make_folder_of(path)
    text = json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False)
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def evaluation_record(evaluation: "Evaluation") -> dict[str, Any]:
    """Everything measured by `evaluate`."""
    return {
        **_head(evaluation, evaluation.searched),
        **_detector(
            evaluation.detector, evaluation.quality, evaluation.searched, evaluation.min_iou
        ),
    }


def comparison_record(comparison: "Comparison") -> dict[str, Any]:
    """Everything measured by `compare`; differences are to the first detector."""
    detectors = []
    for detector, searched, quality in zip(
        comparison.detectors, comparison.searched, comparison.qualities
    ):
        record = _detector(detector, quality, searched, comparison.min_iou)
        record["parameters"] = asdict(with_verifier(comparison.parameters, detector.path))
        if quality is not comparison.qualities[0]:
            record["differences"] = {
                name: _difference(quality, comparison.qualities[0], name) for name in MEASURES
            }
        detectors.append(record)
    return {**_head(comparison, comparison.searched[0]), "detectors": detectors}


def _head(result: Any, searched: list[SearchedPicture]) -> dict[str, Any]:
    drawn, what = drawn_whole([entry.picture for entry in searched])
    return {
        "schema": SCHEMA,
        "made_by": f"cvbaseline {cvbaseline.__version__}",
        "annotations": str(result.source),
        "parameters": asdict(result.parameters),
        "min_iou": result.min_iou,
        "intervals": f"95 %, percentile bootstrap over {drawn} {what}",
        "cautions": result.warnings,
        "skipped": result.skipped,
    }


def _detector(
    detector: Detector, quality: Quality, searched: list[SearchedPicture], min_iou: float
) -> dict[str, Any]:
    found, false, missed = quality.counts
    points = quality.points
    curve = zip(points.thresholds, points.recall, points.precision, points.false_per_picture)
    keys = ("threshold", "recall", "precision", "false_per_picture")
    return {
        "cascade": str(detector.path),
        "found": found,
        "false": false,
        "missed": missed,
        "measures": {name: _estimate(value) for name, value in quality.estimates.items()},
        "best_threshold": _number(quality.best_threshold),
        "recall_by_size": [
            {"from": size.low, "to": _number(size.high), "faces": size.faces, "found": size.found,
             "recall": _estimate(size.recall)}
            for size in quality.sizes
        ],
        "curve": [dict(zip(keys, map(float, point))) for point in curve],
        "pictures": [_picture(entry, min_iou) for entry in searched],
    }  # fmt: skip


def _picture(entry: SearchedPicture, min_iou: float) -> dict[str, Any]:
    """What is in a picture and what was found; `face` is the index of the face a box takes."""
    taken = taken_faces(entry, entry.found, min_iou).tolist()
    return {
        "picture": str(entry.picture.path),
        "width": entry.size[0],
        "height": entry.size[1],
        "faces": entry.picture.boxes.tolist(),
        "ignore": entry.picture.ignore.tolist(),
        "group": entry.picture.group,
        "milliseconds": entry.milliseconds,
        "from_an_earlier_run": entry.before,
        "found": [
            {"box": box, "score": score, "is": "face" if face >= 0 else "ignored" if face == -2
             else "false", "face": face if face >= 0 else None}
            for box, score, face in zip(
                entry.found.boxes.tolist(), entry.found.scores.tolist(), taken
            )
        ],
    }  # fmt: skip


def _difference(quality: Quality, first: Quality, name: str) -> dict[str, Any]:
    estimate, verdict = difference(quality, first, name)
    return {**_estimate(estimate), "verdict": verdict}


def _estimate(estimate: Any) -> dict[str, Any]:
    return {key: _number(value) for key, value in estimate._asdict().items()}


def _number(value: float) -> Any:
    """A number for JSON, null for infinity and NaN."""
    return float(value) if abs(value) < float("inf") else None
