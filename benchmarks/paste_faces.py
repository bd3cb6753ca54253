"""Test pictures for comparing two trainers: face crops pasted into pictures without faces.

    python benchmarks/paste_faces.py CROPS.txt BACKGROUNDS.txt OUT [FACES_A_PICTURE]
    cvbaseline compare OLD/cascade.xml NEW/cascade.xml --pictures OUT/info.dat

Both lists name a picture on each line: crops and backgrounds that neither training saw. A crop is
resized to 24 to 96 pixels and its border blended over an eighth of its side, so that no cascade
finds it by its frame. Each background is used once, each crop at most once.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from cvbaseline.images import read_grey, write_picture

SIDES = 24, 96  # pixels


def blend_mask(side: int) -> np.ndarray:
    """How much of the crop shows, float32 (side, side): 1 inside, falling to 0 at the border."""
    away = np.minimum(np.arange(side), np.arange(side)[::-1]) + 1
    ramp = np.minimum(away / (side / 8), 1).astype(np.float32)
    return np.minimum.outer(ramp, ramp)


def paste(
    grey: np.ndarray, crops: list[np.ndarray], generator: np.random.Generator
) -> tuple[np.ndarray, list[list[int]]]:
    """The picture with as many of the crops as find a free place, and their boxes."""
    picture, boxes = grey.astype(np.float32), []
    for crop in crops:
        side = int(np.exp(generator.uniform(*np.log(SIDES))))
        if side >= min(grey.shape):
            continue
        y, x = (int(generator.integers(0, length - side)) for length in grey.shape)
        if any(abs(x - a) < max(side, c) and abs(y - b) < max(side, d) for a, b, c, d in boxes):
            continue
        resized = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        place, mask = picture[y : y + side, x : x + side], blend_mask(side)
        place[:] = mask * resized + (1 - mask) * place
        boxes.append([x, y, side, side])
    return picture.round().astype(np.uint8), boxes


def main(crop_list: str, background_list: str, output: str, faces: int) -> None:
    """Write the pictures and info.dat."""
    generator = np.random.default_rng(0)
    crops = [Path(line) for line in Path(crop_list).read_text().split("\n") if line]
    backgrounds = [Path(line) for line in Path(background_list).read_text().split("\n") if line]
    folder, lines, used = Path(output), [], 0
    folder.mkdir(parents=True)
    for number, path in enumerate(backgrounds):
        chosen = [read_grey(crop) for crop in crops[used : used + faces]]
        used += faces
        picture, boxes = paste(read_grey(path), chosen, generator)
        write_picture(folder / f"{number:04d}.png", picture)
        words = [str(value) for box in boxes for value in box]
        lines.append(" ".join([f"{number:04d}.png", str(len(boxes)), *words]))
    (folder / "info.dat").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:4], int(sys.argv[4]) if len(sys.argv) == 5 else 3)
