"""Our shipped cascades beside other cascade files and OpenCV's own, on the development pictures.

    python benchmarks/detectors.py ARCHIVES [CASCADE.xml ...] [--quick]

ARCHIVES is a folder with anime_screens_dev, anime_scenes_dev and cartoon_scenes_dev, each as .zip
or unpacked. For each of them a table: F1, recall, precision and false boxes a picture at the
setting (scale factor 1.1, min neighbors 3 and that of our default, min size 24), average precision
and recall at 0.1 false boxes a picture over all scores, and the time a picture takes on one core,
as a ratio to the first row's. A box counts at IoU 0.3. --quick takes 20 pictures of each. Cascades
that have a verifier (`--verify auto`) are used with it.

Cascades were trained, and settings chosen, on some of these pictures or their makings (see the JSON
beside each cascade); anime_screens_dev was used for choosing only.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Optional
from zipfile import ZipFile

import cv2

from cvbaseline.detection import DetectionParameters
from cvbaseline.detector_quality.annotated_pictures import (
    AnnotatedPicture,
    find_annotations,
    read_annotated_pictures,
)
from cvbaseline.detector_quality.measures import measure_detector
from cvbaseline.detector_quality.searching import (
    Detector,
    SearchedPicture,
    open_detectors,
    search_pictures,
)
from cvbaseline.errors import UserError
from cvbaseline.progress import ProgressLine
from cvbaseline.shipped import default_cascade

ARCHIVES = ("anime_screens_dev", "anime_scenes_dev", "cartoon_scenes_dev")
OPENCVS = ("haarcascade_frontalface_alt2.xml", "haarcascade_frontalface_default.xml")
MIN_IOU, ROUNDS, QUICK = 0.3, 3, 20


def unpacked(archives: Path, name: str, work: Path) -> Optional[Path]:
    """The folder of an archive's annotations, unpacked into `work` if need be."""
    folder = archives / name
    if not folder.is_dir():
        if not (archives / f"{name}.zip").is_file():
            return None
        folder = work / name
        with ZipFile(archives / f"{name}.zip") as archive:
            archive.extractall(folder)
    inner = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    for place in inner:
        try:
            return find_annotations(place)
        except UserError:
            continue
    return None


def detectors(others: list[Path]) -> Iterator[Detector]:
    """Ours, those named, and what OpenCV's wheel brings."""
    opencvs = [Path(cv2.data.haarcascades) / name for name in OPENCVS]
    ours = sorted(default_cascade().parent.glob("*.xml"))
    found = [*ours, *others, *(path for path in opencvs if path.is_file())]
    yield from open_detectors(found)


def print_tables(name: str, pictures: list[AnnotatedPicture], found: list[Detector]) -> None:
    """Search all pictures with all detectors, and print a table for each min_neighbors."""
    parameters = DetectionParameters()
    with closing(ProgressLine()) as progress:
        searched = search_pictures(pictures, found, parameters, ROUNDS, print, progress)
    faces = sum(len(picture.boxes) for picture in pictures)
    for min_neighbors in (3, parameters.min_neighbors):
        print(f"\n{name}: {faces} faces in {len(pictures)} pictures, min neighbors {min_neighbors}")
        print_table(found, searched, min_neighbors)


def print_table(
    found: list[Detector], searched: list[list[SearchedPicture]], min_neighbors: int
) -> None:
    """A row for each detector, with the boxes that it finds at min_neighbors."""
    print(
        f"{'':<34}{'F1':>7}{'recall':>8}{'precis.':>9}{'false/p':>9}{'AP .3':>7}{'r@0.1':>7}"
        f"{'best F1':>9}{'ms':>8}{'ratio':>7}"
    )
    first: Optional[float] = None
    for detector, entries in zip(found, searched):
        one = [entry._replace(found=entry.candidates.above(min_neighbors)) for entry in entries]
        value = {
            key: estimate.value
            for key, estimate in measure_detector(one, MIN_IOU, rounds=1).estimates.items()
        }
        first = first or value["milliseconds"]
        print(
            f"{detector.name:<34}{value['f1']:>7.3f}{value['recall']:>8.3f}"
            f"{value['precision']:>9.3f}{value['false_per_picture']:>9.3f}{value['ap_30']:>7.3f}"
            f"{value['recall_at_0.1']:>7.3f}{value['best_f1']:>9.3f}{value['milliseconds']:>8.1f}"
            f"{value['milliseconds'] / first:>7.2f}"
        )


def main() -> None:
    """Print the tables."""
    words = [word for word in sys.argv[1:] if word != "--quick"]
    if not words:
        sys.exit(__doc__)
    archives, others = Path(words[0]), [Path(word) for word in words[1:]]
    try:
        found = list(detectors(others))
        with tempfile.TemporaryDirectory() as work:
            for name in ARCHIVES:
                annotations = unpacked(archives, name, Path(work))
                if annotations is None:
                    print(f"\n{name} is not in {archives}: left out")
                    continue
                pictures = read_annotated_pictures(annotations)
                if "--quick" in sys.argv:
                    pictures = pictures[:: max(1, len(pictures) // QUICK)]
                print_tables(name, pictures, found)
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
