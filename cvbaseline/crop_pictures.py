"""The verb `crop`: every face that the cascade finds, cut out, normalised and written to a file."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Optional

import numpy as np

from cvbaseline.detect_pictures import expand_pictures
from cvbaseline.detection import MANY_PICTURES, Detections, detect, open_cascade
from cvbaseline.detection_parameters import DetectionParameters, with_verifier
from cvbaseline.errors import PictureError, require
from cvbaseline.faces import CropOptions, crop_faces
from cvbaseline.formats.files import make_folder, new_text_file
from cvbaseline.formats.spreadsheet import cell
from cvbaseline.images import read_grey, write_picture
from cvbaseline.options import argument, option
from cvbaseline.printable import printable
from cvbaseline.progress import Progress
from cvbaseline.shipped import cascade_path
from cvbaseline.sorting.placing import unused_path


@dataclass(frozen=True, kw_only=True)
class CropPicturesOptions(DetectionParameters, CropOptions):
    """Cut the faces of pictures into grey files of one size, with a list of where they were."""

    pictures: list[Path] = argument(
        "pictures, or folders of pictures", args=["pictures"], nargs="+", metavar="PICTURE"
    )
    out: Path = option(Path("faces"), "folder for the crops and crops.csv", metavar="FOLDER")
    cascade: Optional[Path] = option(
        None, "cascade file, or the name of a shipped one; without it the default", metavar="XML"
    )


class Crops(NamedTuple):
    """What `crop_pictures` did."""

    out: Path
    pictures: int
    faces: int
    problems: tuple[str, ...]


def crop_pictures(
    options: CropPicturesOptions, progress: Progress = lambda what, done, total: None
) -> Crops:
    """Write one PNG a face and crops.csv (crop, picture, x, y, width, height, score).

    Existing files stay as they are: a crop whose name is taken gets a number, and an existing
    crops.csv is refused with UserError. An interrupted run leaves the list of its crops.
    """
    pictures = expand_pictures(options.pictures)
    listing = options.out / "crops.csv"
    require(not listing.exists(), f"{listing} exists: give another folder with --out")
    cascade = cascade_path(options.cascade)
    classifier = open_cascade(cascade, many_pictures=len(pictures) >= MANY_PICTURES)
    parameters = with_verifier(options, cascade)
    make_folder(options.out)
    faces, problems = 0, []
    with new_text_file(listing) as file:
        writer = csv.writer(file)
        writer.writerow(["crop", "picture", "x", "y", "width", "height", "score"])
        for number, path in enumerate(pictures):
            progress("searching", number, len(pictures))
            try:
                grey = read_grey(path)
            except PictureError as error:
                problems.append(str(error))
                continue
            found = detect(grey, classifier, parameters)
            crops = crop_faces(grey, found.boxes, options)
            faces += write_crops(path, crops, found, options.out, writer)
    return Crops(options.out, len(pictures), faces, tuple(problems))


def write_crops(path: Path, crops: np.ndarray, found: Detections, folder: Path, writer: Any) -> int:
    """Write the crops of one picture and their rows of the list; returns how many there are."""
    for number, (crop, box, score) in enumerate(zip(crops, found.boxes, found.scores), start=1):
        target = unused_path(folder, f"{path.stem}_{number}.png")
        write_picture(target, crop)
        names = [cell(target.name), cell(str(path))]
        writer.writerow([*names, *box.tolist(), f"{score:.3f}"])
    return len(crops)


def summary(crops: Crops) -> str:
    """What was done, and each picture that could not be read."""
    lines = [f"{crops.faces} faces of {crops.pictures} pictures are in {printable(crops.out)}"]
    lines += [f"unreadable: {printable(problem)}" for problem in crops.problems]
    return "\n".join(lines)
