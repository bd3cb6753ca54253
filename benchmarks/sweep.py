"""What ten min_neighbors cost on top of ten scale factors: fast sweep beside plain searches.

    python benchmarks/sweep.py [PICTURES] [CASCADE ...]

PICTURES is a folder of pictures or annotations in any format (training_samples/scenes without),
CASCADE a cascade file (the shipped LBP cascade and a small Haar cascade of the tests without).

For each picture and scale factor, one after the other on one core: detectMultiScale once, as for
one setting; and what the sweep does for all ten min_neighbors: the search, the grouping, the
scores, and the boxes of every value. The least time of three rounds counts. The goal is a ratio of
at most 1.3. The boxes are compared with those of ten plain searches, too.
"""

import sys
import time
from pathlib import Path

import cv2
import numpy as np

from cvbaseline.detection import DetectionParameters, detect_counted, open_cascade
from cvbaseline.detector_quality.annotated_pictures import read_annotated_pictures
from cvbaseline.errors import UserError
from cvbaseline.images import find_pictures, read_grey
from cvbaseline.shipped import default_cascade

ROOT = Path(__file__).parent.parent
SCALE_FACTORS = (1.05, 1.08, 1.1, 1.12, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5)
MIN_NEIGHBORS = range(1, 11)
ROUNDS = 3
PLAIN_NEIGHBORS = 3  # of the plain search; OpenCV's default
MIN_SIZE = 24


def pictures_of(place: Path) -> list[Path]:
    """The annotated pictures, or all of a folder without annotations."""
    try:
        return [picture.path for picture in read_annotated_pictures(place)]
    except UserError:
        return find_pictures(place)


def plain(grey: np.ndarray, classifier: cv2.CascadeClassifier, factor: float, count: int) -> set:
    """The boxes of OpenCV's detector."""
    size = (MIN_SIZE, MIN_SIZE)
    boxes = classifier.detectMultiScale(grey, scaleFactor=factor, minNeighbors=count, minSize=size)
    return set(map(tuple, np.asarray(boxes, np.int32).reshape(-1, 4).tolist()))


def swept(grey: np.ndarray, classifier: cv2.CascadeClassifier, factor: float) -> list[np.ndarray]:
    """The boxes of all min_neighbors, by one search."""
    parameters = DetectionParameters(scale_factor=factor, min_neighbors=1, min_size=MIN_SIZE)
    found = detect_counted(grey, classifier, parameters)
    return [found.above(count).boxes for count in MIN_NEIGHBORS]


def measure(cascade: Path, pictures: list[Path]) -> tuple[float, float, int, int]:
    """Seconds of the plain searches and of the sweep; settings compared, and how many differ."""
    classifier = open_cascade(cascade)
    seconds, compared, different = np.zeros(2), 0, 0
    for path in pictures:
        grey = read_grey(path)
        for factor in SCALE_FACTORS:
            times = np.zeros((ROUNDS, 2))
            for turn in range(ROUNDS):
                start = time.perf_counter()
                plain(grey, classifier, factor, PLAIN_NEIGHBORS)
                middle = time.perf_counter()
                boxes = swept(grey, classifier, factor)
                times[turn] = middle - start, time.perf_counter() - middle
            seconds += times.min(axis=0)
            for count, some in zip(MIN_NEIGHBORS, boxes):
                compared += 1
                expected = plain(grey, classifier, factor, count)
                different += expected != set(map(tuple, some.tolist()))
    return seconds[0], seconds[1], compared, different


def main(words: list[str]) -> None:
    """Measure every cascade on the pictures; print the table."""
    place = Path(words[0]) if words else ROOT / "training_samples" / "scenes"
    haar = ROOT / "tests" / "data" / "golden" / "haar_basic" / "cascade.xml"
    cascades = list(map(Path, words[1:])) or [default_cascade(), haar]
    pictures = pictures_of(place)
    cv2.setNumThreads(1)
    print(f"{len(pictures)} pictures of {place}, OpenCV {cv2.__version__}, one core")
    print(f"{'plain s':>9}{'swept s':>9}{'ratio':>7}{'settings':>10}{'different':>11}  cascade")
    for cascade in cascades:
        before, after, compared, different = measure(cascade, pictures)
        print(
            f"{before:>9.2f}{after:>9.2f}{after / before:>7.2f}{compared:>10}{different:>11}"
            f"  {cascade.name if cascade.name != 'cascade.xml' else cascade.parent.name}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
