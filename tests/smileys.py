"""Small drawn faces and pictures without any, for trainings in tests.

`python tests/smileys.py FOLDER` writes the samples of tests/data/traincascade.
"""

import sys
from pathlib import Path

import cv2
import numpy as np


def smiley(side: int, generator: np.random.Generator) -> np.ndarray:
    """A grey face: a bright disc with two dark eyes and a mouth, on a grey ground."""
    face = np.full((side, side), int(generator.integers(60, 120)), np.uint8)
    unit = side / 20
    bright, dark = int(generator.integers(170, 240)), int(generator.integers(0, 50))

    def at(x: float, y: float) -> tuple[int, int]:
        dx, dy = generator.normal(0, 0.3, 2)
        return round((x + dx) * unit), round((y + dy) * unit)

    cv2.circle(face, at(10, 10), round(9 * unit), bright, -1)
    for x in (6.5, 13.5):
        cv2.circle(face, at(x, 8), max(1, round(1.8 * unit)), dark, -1)
    cv2.line(face, at(6.5, 14), at(13.5, 14), dark, max(1, round(1.3 * unit)))
    noise = generator.normal(0, 4, face.shape)
    return np.clip(face + noise, 0, 255).astype(np.uint8)


def clutter(height: int, width: int, generator: np.random.Generator) -> np.ndarray:
    """Discs, bars, faces upside down and noise, but no upright face."""
    picture = np.full((height, width), int(generator.integers(0, 255)), np.uint8)
    for _ in range(4):
        side = int(generator.integers(16, 50))
        x, y = generator.integers(0, [width - side, height - side])
        picture[y : y + side, x : x + side] = smiley(side, generator)[::-1]
    for _ in range(40):
        x, y = int(generator.integers(0, width)), int(generator.integers(0, height))
        size, grey = int(generator.integers(2, 25)), int(generator.integers(0, 255))
        if generator.random() < 0.5:
            cv2.circle(picture, (x, y), size, grey, -1)
        else:
            cv2.rectangle(picture, (x, y), (x + 2 * size, y + size), grey, -1)
    noise = generator.normal(0, 5, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def faint_smiley(side: int, generator: np.random.Generator) -> np.ndarray:
    """A face that is hard to tell: shifted, mixed with clutter, noisy."""
    x, y = generator.integers(0, 7, 2)
    face = smiley(side + 6, generator)[y : y + side, x : x + side].astype(float)
    ground = clutter(60, 60, generator)[:side, :side]
    mixed = 0.6 * face + 0.4 * ground + generator.normal(0, 15, face.shape)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def write_samples(folder: Path) -> None:
    """faces.vec, bg.txt and the pictures it lists."""
    from cvbaseline.formats.vec import save_vec

    generator = np.random.default_rng(8)
    (folder / "backgrounds").mkdir(parents=True)
    save_vec(folder / "faces.vec", np.stack([faint_smiley(12, generator) for _ in range(130)]))
    names = [f"backgrounds/{number}.png" for number in range(4)]
    for name in names:
        picture = cv2.GaussianBlur(clutter(75, 90, generator), (0, 0), 0.8)
        cv2.imwrite(str(folder / name), picture)
    lines = ["# pictures without a face", *names[:2], "backgrounds/missing.png", *names[2:]]
    (folder / "bg.txt").write_text("\n".join(lines) + "\n", newline="\n")


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
