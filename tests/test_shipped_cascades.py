"""The cascades that ship: what their JSON says, and what they find in pictures of others."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from cvbaseline.detection import detect, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.evaluation.evaluator import scan
from cvbaseline.formats.cascade_xml import load_cascade

FOLDER = Path(__file__).parents[1] / "cascades"
NAMES = sorted(path.stem for path in FOLDER.glob("*.xml"))


@pytest.fixture(scope="module")
def astronaut():
    """A photograph with one face at about (170, 60), 110 pixels wide."""
    return cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize("name", NAMES)
def test_the_json_is_of_this_cascade(name):
    record = json.loads((FOLDER / f"{name}.json").read_text())
    cascade = load_cascade(FOLDER / f"{name}.xml")
    assert record["cascade"] == f"{name}.xml"
    assert record["stages"] == len(cascade.stages)
    assert record["weak_classifiers"] == cascade.weak_count
    assert record["measured"] and record["command"] and (FOLDER.parent / record["script"]).exists()


@pytest.mark.parametrize("name", NAMES)
def test_opencv_accepts_the_windows_that_our_evaluator_accepts(name, astronaut):
    small = cv2.resize(astronaut, (112, 112), interpolation=cv2.INTER_AREA)
    side = load_cascade(FOLDER / f"{name}.xml").width
    classifier = cv2.CascadeClassifier(str(FOLDER / f"{name}.xml"))
    # One size, so one pass over the picture as it is, every other pixel across and down.
    found = classifier.detectMultiScale(small, 1.1, 0, 0, (side, side), (side, side))
    ours = scan(load_cascade(FOLDER / f"{name}.xml"), small, step=2)
    assert sorted(map(tuple, np.reshape(found, (-1, 4))[:, :2].tolist())) == sorted(
        map(tuple, ours.tolist())
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("frontalface")])
def test_the_frontal_cascades_find_the_astronaut_and_little_else(name, astronaut):
    classifier = open_cascade(FOLDER / f"{name}.xml")
    found = detect(astronaut, classifier, DetectionParameters(min_neighbors=3, min_size=40))
    x, y, width, height = found.boxes[0]
    assert abs(x + width / 2 - 225) < 20 and abs(y + height / 2 - 120) < 20
    assert 80 < width < 150
    assert len(found.boxes) <= 2
