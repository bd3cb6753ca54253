"""How long one core searches a picture: our search, and OpenCV's with the same and other cascades.

    python benchmarks/search_speed.py [PICTURES] [CASCADE ...] [--size 1280x720]

PICTURES is a folder of pictures or annotations in any format (training_samples/scenes without),
CASCADE a cascade file or a shipped one's name (the four shipped ones without).

Every picture is resized; scale factor 1.1, windows of 5 % of its height and more, one core. For
each picture, one after the other: a search by OpenCV with its own lbpcascade_frontalface (as it
comes with scikit-image), then with each cascade OpenCV's and ours. The least processor time of
three rounds counts, the mean over pictures is shown: in milliseconds, and as a ratio to OpenCV's
search with the same cascade, and with lbpcascade_frontalface. The windows and sums are compared.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from skimage.data import lbp_frontal_face_cascade_filename

from cvbaseline.detection import open_cascade
from cvbaseline.detector_quality.annotated_pictures import read_annotated_pictures
from cvbaseline.detector_quality.searching import CLOCK
from cvbaseline.errors import UserError
from cvbaseline.images import find_pictures, read_grey
from cvbaseline.opencv_cascade import Detector
from cvbaseline.parallel import one_core_each
from cvbaseline.shipped import cascade_path
from cvbaseline.window_search import Search, Windows, find_windows

SCENES = Path(__file__).parent.parent / "training_samples" / "scenes"
SHIPPED = ("lbp_animeface", "haar_animeface", "lbp_frontalface", "haar_frontalface")
SCALE_FACTOR, SMALLEST, ROUNDS = 1.1, 0.05, 3


def pictures_of(place: Path, size: tuple[int, int]) -> list[np.ndarray]:
    """The annotated pictures, or all of a folder without annotations, grey, of one size."""
    try:
        paths = [picture.path for picture in read_annotated_pictures(place)]
    except UserError:
        paths = find_pictures(place)
    return [cv2.resize(read_grey(path), size, interpolation=cv2.INTER_AREA) for path in paths]


def timed(detector: Detector, grey: np.ndarray) -> tuple[float, Windows]:
    """Milliseconds of a search, the least of some, and its windows."""
    search = Search(grey, detector, SCALE_FACTOR, round(SMALLEST * grey.shape[0]), None)
    times = []
    for _ in range(ROUNDS):
        start = CLOCK()
        windows = find_windows(search)
        times.append(1000 * (CLOCK() - start))
    return min(times), windows


def measure(
    detector: Detector, peer: Detector, pictures: list[np.ndarray]
) -> tuple[np.ndarray, int]:
    """Mean milliseconds of the peer, of OpenCV and of ours; pictures with equal windows."""
    find_windows(Search(pictures[0], detector, 2.0, 24, None))  # compiled, loaded
    times, equal = [], 0
    for grey in pictures:
        peers, _ = timed(peer, grey)
        opencvs, expected = timed(detector._replace(rows=None), grey)
        ours, found = timed(detector, grey)
        times.append((peers, opencvs, ours))
        same = np.array_equal(found.boxes, expected.boxes)
        equal += same and np.array_equal(found.sums, expected.sums)
    return np.mean(times, axis=0), equal


def main() -> None:
    """Measure every cascade on the pictures; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="?", default=SCENES, metavar="PICTURES")
    parser.add_argument("cascades", type=Path, nargs="*", metavar="CASCADE")
    parser.add_argument("--size", default="1280x720", metavar="WIDTHxHEIGHT")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    pictures = pictures_of(options.pictures, (width, height))
    peer = open_cascade(lbp_frontal_face_cascade_filename()).detector()
    print(f"{len(pictures)} pictures of {width} x {height}, OpenCV {cv2.__version__}, one core; ms")
    print(f"{'frontal':>8}{'OpenCV':>8}{'ours':>8}{'faster':>8}{'than frontal':>14}  cascade")
    for named in options.cascades or map(Path, SHIPPED):
        detector = open_cascade(cascade_path(named), many_pictures=True).detector()
        with one_core_each():
            (peers, opencvs, ours), equal = measure(detector, peer, pictures)
        print(
            f"{peers:8.1f}{opencvs:8.1f}{ours:8.1f}{opencvs / ours:8.2f}{peers / ours:14.2f}"
            f"  {named} (windows equal in {equal} of {len(pictures)})"
        )


if __name__ == "__main__":
    main()
