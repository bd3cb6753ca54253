"""The emotion model that ships: what it claims, its size, and drawn faces it has not seen."""

import json

import cv2
import numpy as np

from cvbaseline.drawing import EMOTIONS, draw_face
from cvbaseline.faces import crop_faces
from cvbaseline.model_file import load_model
from cvbaseline.shipped import default_emotion_model

MODEL = load_model(default_emotion_model())
# The cascade's box is about so much of the box that labels the face.
FOUND_SIZE = 0.75


def found_like(box):
    """A labelled box (x, y, width, height) as the cascade would give it."""
    x, y, width, height = box
    side = FOUND_SIZE * width
    return np.rint([[x + (width - side) / 2, y + (height - side) / 2, side, side]]).astype(int)


def test_it_names_the_seven_emotions_and_fits_the_package():
    assert MODEL.classes == EMOTIONS
    assert default_emotion_model().stat().st_size <= 4_000_000


def test_the_json_beside_it_says_what_the_model_itself_says():
    path = default_emotion_model().with_suffix(".json")
    record = json.loads(path.read_text(encoding="utf-8"))
    assert {key: record[key] for key in MODEL.provenance} == MODEL.provenance
    assert record["bytes"] == default_emotion_model().stat().st_size
    assert 0 < MODEL.provenance["unsure_below"] < 1
    quality = record["held_out"]["all"]
    assert quality["macro_f1"][0] > 0.4 and quality["accuracy"][1] > quality["majority"]


def test_drawn_faces_of_new_seeds():
    faces, labels = [], []
    for number in range(70):
        face = draw_face(9_000_000 + number, EMOTIONS[number % 7], 128)
        grey = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY)
        faces.append(crop_faces(grey, found_like(face.box), MODEL.crop)[0])
        labels.append(number % 7)
    right = MODEL.predict_proba(np.stack(faces)).argmax(axis=1) == labels
    assert right.mean() > 0.6  # chance: .14
