"""What ten min_neighbors cost on top of ten scale factors: fast sweep beside plain searches.

    python benchmarks/sweep.py [PICTURES] [CASCADE ...] [--verify MODEL]

PICTURES is a folder of pictures or annotations in any format (training_samples/scenes without),
CASCADE a cascade file or a shipped one's name (the default and a small Haar cascade of the tests
without).

For each picture and scale factor, one after the other on one core: one search alone, at our default
min_neighbors; and what the sweep does for all ten: the search, the grouping, the scores, and the
boxes of every value. The least time of three rounds counts. The goal is a ratio of at most 1.3.
The boxes are compared with those of ten searches, one for each value, too.

The search alone is OpenCV's detectMultiScale. With --verify MODEL (a file, or a shipped verifier's
name) it is `detect` with a second look at its boxes; the sweep looks at those of min_neighbors 1.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from cvbaseline.detection import detect, detect_counted, open_cascade
from cvbaseline.detection_parameters import NONE, DetectionParameters, with_verifier
from cvbaseline.detector_quality.annotated_pictures import read_annotated_pictures
from cvbaseline.detector_quality.searching import CLOCK
from cvbaseline.errors import UserError
from cvbaseline.images import find_pictures, read_grey
from cvbaseline.shipped import cascade_path

ROOT = Path(__file__).parent.parent
SCALE_FACTORS = (1.05, 1.08, 1.1, 1.12, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5)
MIN_NEIGHBORS = range(1, 11)
ROUNDS = 3
MIN_SIZE = 24


def pictures_of(place: Path) -> list[Path]:
    """The annotated pictures, or all of a folder without annotations."""
    try:
        return [picture.path for picture in read_annotated_pictures(place)]
    except UserError:
        return find_pictures(place)


class Searcher:
    """A cascade, and how it searches without and with a sweep."""

    def __init__(self, cascade: Path, verify: str):
        self._cascade, self._verify = cascade, verify
        self._opencvs = cv2.CascadeClassifier(str(cascade))
        self._ours = open_cascade(cascade, many_pictures=True)

    def _setting(self, factor: float, count: int) -> DetectionParameters:
        setting = DetectionParameters(
            scale_factor=factor, min_neighbors=count, min_size=MIN_SIZE, verify=self._verify
        )
        return with_verifier(setting, self._cascade)

    def alone(self, grey: np.ndarray, factor: float, count: int) -> np.ndarray:
        """The boxes of one setting: OpenCV's, or those that a second look leaves."""
        if self._verify != NONE:
            return detect(grey, self._ours, self._setting(factor, count)).boxes
        boxes = self._opencvs.detectMultiScale(
            grey, scaleFactor=factor, minNeighbors=count, minSize=(MIN_SIZE, MIN_SIZE)
        )
        return np.asarray(boxes, np.int32).reshape(-1, 4)

    def swept(self, grey: np.ndarray, factor: float) -> list[np.ndarray]:
        """The boxes of all min_neighbors, by one search."""
        found = detect_counted(grey, self._ours, self._setting(factor, min(MIN_NEIGHBORS)))
        return [found.above(count).boxes for count in MIN_NEIGHBORS]


def measure(searcher: Searcher, pictures: list[Path]) -> tuple[float, float, int, int]:
    """Seconds of the searches alone and of the sweep; settings compared, and how many differ."""
    usual = DetectionParameters().min_neighbors
    seconds, compared, different = np.zeros(2), 0, 0
    for path in pictures:
        grey = read_grey(path)
        for factor in SCALE_FACTORS:
            times = np.zeros((ROUNDS, 2))
            for turn in range(ROUNDS):
                start = CLOCK()
                searcher.alone(grey, factor, usual)
                middle = CLOCK()
                boxes = searcher.swept(grey, factor)
                times[turn] = middle - start, CLOCK() - middle
            seconds += times.min(axis=0)
            for count, some in zip(MIN_NEIGHBORS, boxes):
                expected = searcher.alone(grey, factor, count)
                compared += 1
                different += sorted(expected.tolist()) != sorted(some.tolist())
    return seconds[0], seconds[1], compared, different


def main() -> None:
    """Measure every cascade on the pictures; print the table."""
    haar = ROOT / "tests" / "data" / "golden" / "haar_basic" / "cascade.xml"
    scenes = ROOT / "training_samples" / "scenes"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="?", default=scenes, metavar="PICTURES")
    parser.add_argument("cascades", type=Path, nargs="*", metavar="CASCADE")
    parser.add_argument("--verify", default=NONE, metavar="MODEL")
    options = parser.parse_args()
    place, verify = options.pictures, options.verify
    cascades = [cascade_path(named) for named in options.cascades] or [cascade_path(None), haar]
    pictures = pictures_of(place)
    cv2.setNumThreads(1)
    looked = "" if verify == NONE else f", --verify {verify}"
    print(f"{len(pictures)} pictures of {place}, OpenCV {cv2.__version__}, one core{looked}")
    print(f"{'alone s':>9}{'swept s':>9}{'ratio':>7}{'settings':>10}{'different':>11}  cascade")
    for cascade in cascades:
        before, after, compared, different = measure(Searcher(cascade, verify), pictures)
        print(
            f"{before:>9.2f}{after:>9.2f}{after / before:>7.2f}{compared:>10}{different:>11}"
            f"  {cascade.name if cascade.name != 'cascade.xml' else cascade.parent.name}"
        )


if __name__ == "__main__":
    main()
