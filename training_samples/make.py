"""Makes everything else in this folder: a small drawn set to try cascade training with.

Run it as `python training_samples/make.py` from anywhere; an existing set is replaced by the same
bytes (with the same versions of OpenCV and Pillow).
"""

import shutil
from pathlib import Path

import cv2
import numpy as np

from cvbaseline.drawing import EMOTIONS, draw_face, draw_scene
from cvbaseline.formats.annotations import Annotation, save_info
from cvbaseline.formats.vec import save_vec
from cvbaseline.images import write_picture

HERE = Path(__file__).resolve().parent
POSITIVES, NEGATIVES, SCENES = 150, 30, 6
WINDOW = 24  # side of the samples in faces.vec
SEED = 20_000


def grey(image: np.ndarray) -> np.ndarray:
    """Brightness of an RGB picture, uint8 (h, w)."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def resized(image: np.ndarray, side: int) -> np.ndarray:
    """A square picture made smaller."""
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)


def make_positives(rng: np.random.Generator) -> list[np.ndarray]:
    """Write the faces, cut out brow to chin; returns them."""
    faces = []
    for number in range(POSITIVES):
        face = draw_face(SEED + number, EMOTIONS[number % len(EMOTIONS)], 96)
        x, y, side, _ = face.box
        crop = resized(grey(face.image)[y : y + side, x : x + side], int(rng.integers(32, 49)))
        write_picture(HERE / "positives" / f"{number:04d}.png", crop)
        faces.append(crop)
    return faces


def make_negatives() -> list[str]:
    """Write pictures without faces; returns their names."""
    names = []
    for number in range(NEGATIVES):
        scene = draw_scene(SEED + 1000 + number, 240, 180, 0)
        names.append(f"negatives/{number:04d}.jpg")
        write_picture(HERE / names[-1], grey(scene.image), quality=85)
    return names


def make_scenes() -> list[Annotation]:
    """Write pictures with one to three faces, and where these are; returns it."""
    annotations = []
    for number in range(SCENES):
        scene = draw_scene(SEED + 2000 + number, 480, 320, 1 + number % 3)
        name = f"scenes/{number:04d}.jpg"
        write_picture(HERE / name, grey(scene.image), quality=90)
        annotations.append(Annotation(name, scene.boxes))
    beside = [Annotation(Path(one.path).name, one.boxes) for one in annotations]
    save_info(HERE / "scenes" / "info.dat", beside)
    return annotations


def main() -> None:
    """Draw the set anew."""
    for folder in ("positives", "negatives", "scenes"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
    faces = make_positives(np.random.default_rng(SEED))
    whole = [
        Annotation(f"positives/{number:04d}.png", np.array([(0, 0, *face.shape[::-1])], np.int32))
        for number, face in enumerate(faces)
    ]
    save_info(HERE / "info.dat", whole + make_scenes())
    names = make_negatives()
    (HERE / "bg.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    save_vec(HERE / "faces.vec", np.stack([resized(face, WINDOW) for face in faces]))


if __name__ == "__main__":
    main()
