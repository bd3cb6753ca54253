"""The verb `detect`: faces in pictures as a table, JSON, or drawn on copies of the pictures."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Optional

from cvbaseline.detection import MANY_PICTURES, Detections, detect, open_cascade
from cvbaseline.detection_metrics import score_in_words
from cvbaseline.detection_parameters import DetectionParameters, with_verifier
from cvbaseline.errors import PictureError, UserError, require
from cvbaseline.formats.files import make_folder
from cvbaseline.images import find_pictures, read_colour, read_grey, write_picture
from cvbaseline.options import argument, option
from cvbaseline.printable import printable
from cvbaseline.progress import Progress
from cvbaseline.shipped import cascade_path
from cvbaseline.sorting.placing import unused_path


@dataclass(frozen=True, kw_only=True)
class DetectOptions(DetectionParameters):
    """Find faces in pictures and print their boxes (x, y, width, height in pixels) and scores."""

    pictures: list[Path] = argument(
        "pictures, or folders of pictures", args=["pictures"], nargs="+", metavar="PICTURE"
    )
    cascade: Optional[Path] = option(
        None, "cascade file, or the name of a shipped one; without it the default", metavar="XML"
    )
    json: bool = option(False, "print JSON instead of a table")
    draw: Optional[Path] = option(
        None, "write copies of the pictures with the boxes drawn to this folder", metavar="FOLDER"
    )


class FoundFaces(NamedTuple):
    """One picture's faces, or the reason why it could not be read."""

    path: Path
    detections: Optional[Detections]
    problem: Optional[str] = None


def expand_pictures(paths: list[Path]) -> list[Path]:
    """Files as they are, folders as the pictures below them."""
    pictures = []
    for path in paths:
        require(path.exists(), f"{path} does not exist: name a picture or a folder of pictures")
        pictures += find_pictures(path) if path.is_dir() else [path]
    require(bool(pictures), f"no picture below {', '.join(map(str, paths))}")
    return pictures


def draw_boxes(path: Path, detections: Detections, folder: Path) -> Path:
    """Write a copy of the picture with its boxes and scores drawn; returns its path."""
    import cv2

    picture = read_colour(path).copy()
    thickness = max(2, round(max(picture.shape[:2]) / 400))
    for (x, y, width, height), score in zip(detections.boxes.tolist(), detections.scores):
        cv2.rectangle(picture, (x, y), (x + width, y + height), (40, 200, 80), thickness)
        cv2.putText(
            picture, score_in_words(score), (x, max(12, y - 4)), cv2.FONT_HERSHEY_SIMPLEX,
            0.25 * thickness, (40, 200, 80), max(1, thickness // 2), cv2.LINE_AA,
        )  # fmt: skip
    target = unused_path(folder, f"{path.stem}.png")
    write_picture(target, picture)
    return target


def detect_pictures(
    options: DetectOptions, progress: Progress = lambda what, done, total: None
) -> list[FoundFaces]:
    """Faces of every picture; one that cannot be read is named with its reason.

    Raises UserError when there is no picture at all, or none that can be read.
    """
    pictures = expand_pictures(options.pictures)
    cascade = cascade_path(options.cascade)
    classifier = open_cascade(cascade, many_pictures=len(pictures) >= MANY_PICTURES)
    parameters = with_verifier(options, cascade)
    if options.draw is not None:
        make_folder(options.draw)
    found = []
    for number, path in enumerate(pictures):
        progress("searching", number, len(pictures))
        try:
            detections = detect(read_grey(path), classifier, parameters)
        except PictureError as error:
            found.append(FoundFaces(path, None, str(error)))
            continue
        found.append(FoundFaces(path, detections))
        if options.draw is not None:
            draw_boxes(path, detections, options.draw)
    if all(faces.detections is None for faces in found):
        several = f"none of {len(found)} pictures can be read; the first: "
        raise UserError((several if len(found) > 1 else "") + str(found[0].problem))
    return found


def render_table(found: list[FoundFaces]) -> str:
    """A line for each face, one for each picture without, one for each unreadable picture."""
    lines = [f"{'x':>6} {'y':>6} {'width':>6} {'height':>6} {'score':>8}  picture"]
    for faces in found:
        if faces.detections is None:
            lines.append(f"{'unreadable':>36}  {printable(faces.problem)}")
        elif len(faces.detections.boxes) == 0:
            lines.append(f"{'no face':>36}  {printable(faces.path)}")
        else:
            for box, score in zip(faces.detections.boxes.tolist(), faces.detections.scores):
                place = "".join(f"{value:>6} " for value in box)
                lines.append(f"{place}{score:>8.2f}  {printable(faces.path)}")
    count = sum(len(faces.detections.boxes) for faces in found if faces.detections is not None)
    unreadable = sum(faces.detections is None for faces in found)
    lines.append(f"{count} faces in {len(found)} pictures, {unreadable} of them unreadable")
    return "\n".join(lines)


def render_json(found: list[FoundFaces]) -> str:
    """A JSON list: picture, faces [{box, score}], or picture and problem."""
    rows = []
    for faces in found:
        if faces.detections is None:
            rows.append({"picture": str(faces.path), "problem": faces.problem})
            continue
        boxes, scores = faces.detections.boxes.tolist(), faces.detections.scores.tolist()
        rows.append({
            "picture": str(faces.path),
            "faces": [{"box": box, "score": score} for box, score in zip(boxes, scores)],
        })  # fmt: skip
    return json.dumps(rows, ensure_ascii=False, indent=2)
