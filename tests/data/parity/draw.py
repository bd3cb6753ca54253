"""Draw the samples of the parity files: positives.png, negatives_0.png, ..., faces.vec, bg.txt.

Positives are windows of 14 x 12 pixels, one above the other: two dark blobs over a bright bar,
with noise. Negatives are strips 12 pixels high, from which the old tool cuts windows every 7
pixels. 16 grey levels, so that files are small and many values are equal.
"""

import struct
import sys
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, POSITIVES, PER_STRIP, STRIPS = 14, 12, 400, 300, 4


def quantise(picture: np.ndarray) -> np.ndarray:
    return (np.clip(picture, 0, 255) / 17).round().astype(np.uint8) * 17


def draw_positive(rng: np.random.Generator) -> np.ndarray:
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    picture = np.full((HEIGHT, WIDTH), rng.uniform(90, 170))
    shift, tilt = rng.normal(0, 0.9, 2), rng.normal(0, 0.12)
    for side in (-1, 1):
        cx, cy = 6.5 + side * 3.5 + shift[0], 4 + shift[1] + side * 3.5 * tilt
        blob = np.exp(-((x - cx) ** 2 / 4 + (y - cy) ** 2 / 2))
        picture -= rng.uniform(0, 80) * blob
    bar = np.exp(-((x - 6.5 - shift[0]) ** 2 / 9 + (y - 9 - shift[1]) ** 2 / 1.5))
    picture += rng.uniform(-30, 60) * bar
    clouds = cv2.GaussianBlur(rng.normal(0, 1, picture.shape), (0, 0), 1.6)
    return picture + 25 * clouds / clouds.std() + rng.normal(0, 14, picture.shape)


def draw_strip(rng: np.random.Generator) -> np.ndarray:
    shape = (HEIGHT, WIDTH // 2 * PER_STRIP + WIDTH)
    clouds = cv2.GaussianBlur(rng.normal(0, 1, shape), (0, 0), 1.6)
    return 128 + 55 * clouds / clouds.std() + rng.normal(0, 14, shape)


def main(folder: Path) -> None:
    rng = np.random.default_rng(7)
    faces = np.stack([quantise(draw_positive(rng)) for _ in range(POSITIVES)])
    cv2.imwrite(str(folder / "positives.png"), faces.reshape(-1, WIDTH))
    records = [b"\0" + face.astype("<i2").tobytes() for face in faces]
    header = struct.pack("<iihh", POSITIVES, WIDTH * HEIGHT, 0, 0)
    (folder / "faces.vec").write_bytes(header + b"".join(records))
    names = [f"negatives_{number}.png" for number in range(STRIPS)]
    for name in names:
        cv2.imwrite(str(folder / name), quantise(draw_strip(rng)))
    (folder / "bg.txt").write_text("\n".join(names) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
