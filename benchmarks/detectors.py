"""Our shipped cascades beside OpenCV's own and other cascade files, on the development pictures.

    python benchmarks/detectors.py ARCHIVES [CASCADE.xml ...] [--quick]

ARCHIVES is a folder with anime_screens_dev, anime_scenes_dev and cartoon_scenes_dev, each as .zip
or unpacked. A table for each of them, with a row for each cascade and its measures at the default
setting (scale factor 1.1, min neighbors 3, min size 24): F1, recall, precision and false boxes a
picture; F1 at min neighbors 10; average precision, recall at 0.1 false boxes
a picture and the best F1 over all scores; and the time a picture takes on one core, as a ratio to
the first row's. A box counts at IoU 0.3. --quick takes 20 pictures of each. Cascades that have a
verifier (`--verify auto`) are used with it.

OpenCV's own are those that its wheel brings (4.x; 5 brings none), and the LBP cascade that comes
with scikit-image. Ours were trained, and settings chosen, on some of these pictures or their
makings (see the JSON beside each); anime_screens_dev was used for choosing only.
"""

import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Optional
from zipfile import ZipFile

import cv2
from skimage.data import lbp_frontal_face_cascade_filename

from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.detector_quality.annotated_pictures import (
    AnnotatedPicture,
    find_annotations,
    read_annotated_pictures,
)
from cvbaseline.detector_quality.measures import measure_detector, written
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
MIN_IOU, ROUNDS, QUICK, MORE_NEIGHBORS = 0.3, 3, 20, 10
COLUMNS = {  # at the setting
    "f1": "F1",
    "recall": "recall",
    "precision": "precis.",
    "false_per_picture": "false/p",
    "ap_30": "AP .3",
    "recall_at_0.1": "r@0.1",
    "best_f1": "best F1",
}


def annotations_of(archives: Path, name: str, work: Path) -> Optional[Path]:
    """An archive's annotations, unpacked into `work` if need be; None when there are none."""
    folder = archives / name
    if not folder.is_dir():
        if not (archives / f"{name}.zip").is_file():
            return None
        folder = work / name
        with ZipFile(archives / f"{name}.zip") as archive:
            archive.extractall(folder)
    for place in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        try:
            return find_annotations(place)
        except UserError:
            continue
    return None


def cascades() -> list[Path]:
    """Ours, and OpenCV's own for faces from the front."""
    ours = sorted(default_cascade().parent.glob("*.xml"))
    opencvs = sorted(Path(cv2.data.haarcascades).glob("haarcascade_frontalface*.xml"))
    return [*ours, *opencvs, Path(lbp_frontal_face_cascade_filename())]


def measured(searched: list[SearchedPicture]) -> dict[str, float]:
    """The measures' values, and F1 at MORE_NEIGHBORS as "f1_more"."""
    with_more = [
        entry._replace(found=entry.candidates.above(MORE_NEIGHBORS)) for entry in searched
    ]
    values, others = (
        {
            name: estimate.value
            for name, estimate in measure_detector(entries, MIN_IOU, rounds=1).estimates.items()
        }
        for entries in (searched, with_more)
    )
    return {**values, "f1_more": others["f1"]}


def print_table(name: str, pictures: list[AnnotatedPicture], detectors: list[Detector]) -> None:
    """Search all pictures with all detectors in turn; a row for each."""
    with closing(ProgressLine()) as progress:
        searched = search_pictures(
            pictures, detectors, DetectionParameters(), ROUNDS, print, progress
        )
    faces = sum(len(picture.boxes) for picture in pictures)
    print(f"\n{name}: {faces} faces in {len(pictures)} pictures, OpenCV {cv2.__version__}")
    titles = (*COLUMNS.values(), f"F1 ({MORE_NEIGHBORS})", "ms", "ratio")
    print(f"{'':<34}" + "".join(f"{title:>9}" for title in titles))
    rows = list(map(measured, searched))
    for detector, row in zip(detectors, rows):
        values = "".join(f"{written(row[column], 3):>9}" for column in (*COLUMNS, "f1_more"))
        ratio = row["milliseconds"] / rows[0]["milliseconds"]
        print(f"{detector.name:<34}{values}{row['milliseconds']:>9.1f}{ratio:>9.2f}", flush=True)


def main() -> None:
    """Print the tables."""
    words = [word for word in sys.argv[1:] if word != "--quick"]
    if not words:
        sys.exit(__doc__)
    archives, others = Path(words[0]), map(Path, words[1:])
    try:
        detectors = open_detectors([*cascades(), *others])
        with tempfile.TemporaryDirectory() as work:
            for name in ARCHIVES:
                annotations = annotations_of(archives, name, Path(work))
                if annotations is None:
                    print(f"\n{name} is not in {archives}: left out")
                    continue
                pictures = read_annotated_pictures(annotations)
                step = max(1, len(pictures) // QUICK) if "--quick" in sys.argv else 1
                print_table(name, pictures[::step], detectors)
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
