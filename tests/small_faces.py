"""Small, quickly drawn faces of a few moods and persons, for tests of classifiers."""

import cv2
import numpy as np

MOODS = ("glad", "gloomy", "amazed")


def mood_face(mood: str, side: int, rng: np.random.Generator) -> np.ndarray:
    """A grey face, uint8 (side, side), whose mouth says glad, gloomy or amazed."""
    face = np.full((side, side), int(rng.integers(150, 230)), np.uint8)
    unit, dark = side / 32, int(rng.integers(0, 60))

    def at(x: float, y: float) -> tuple[int, int]:
        dx, dy = rng.normal(0, 0.4, 2)
        return round((x + dx) * unit), round((y + dy) * unit)

    def size(value: float) -> int:
        return max(1, round(value * unit))

    for x in (10, 22):
        cv2.circle(face, at(x, 11), size(2.5), dark, -1)
    if mood == "amazed":
        cv2.circle(face, at(16, 23), size(4), dark, size(1.5))
    else:
        start = 20 if mood == "glad" else 200
        centre = at(16, 19) if mood == "glad" else at(16, 27)
        cv2.ellipse(face, centre, (size(8), size(6)), 0, start, start + 140, dark, size(1.5))
    return np.clip(face + rng.normal(0, 6, face.shape), 0, 255).astype(np.uint8)


def mood_faces(count: int, side: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`count` faces of each mood, uint8 (n, side, side), and their moods' indices, int (n,)."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(len(MOODS)), count)
    return np.stack([mood_face(MOODS[label], side, rng) for label in labels]), labels


def persons(people: int, each: int, shape=(28, 23), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of `people` smooth random patterns under changing light: (n, h, w), int (n,)."""
    rng = np.random.default_rng(seed)
    faces, labels = [], []
    for person in range(people):
        pattern = cv2.GaussianBlur(rng.normal(0, 400, shape), (0, 0), 3)
        for _ in range(each):
            light = np.linspace(-1, 1, shape[1]) * rng.normal(0, 25) + rng.normal(0, 10)
            faces.append(128 + pattern + light + rng.normal(0, 12, shape))
            labels.append(person)
    return np.clip(faces, 0, 255).astype(np.uint8), np.array(labels)
