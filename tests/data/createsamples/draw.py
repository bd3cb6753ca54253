"""Draws the pictures in this folder: `python tests/data/createsamples/draw.py`."""

import sys
from pathlib import Path

import cv2
import numpy as np

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parents[1]))

from smileys import clutter, smiley  # noqa: E402

generator = np.random.default_rng(3)
thing = smiley(33, generator)[:, :30]
thing[:4] = thing[:, :3] = 0  # a ground that -bgcolor 0 makes transparent
cv2.imwrite(str(FOLDER / "thing.png"), thing)

colours = np.dstack([clutter(60, 70, generator) for _ in range(3)])
colours = cv2.GaussianBlur(colours, (0, 0), 1.2)
colours[5:45, 10:50] = colours[5:45, 10:50] // 2 + smiley(40, generator)[..., None] // 2
opacity = generator.integers(0, 256, colours.shape[:2]).astype(np.uint8)
cv2.imwrite(str(FOLDER / "colours.jpg"), colours)
cv2.imwrite(str(FOLDER / "colours.bmp"), colours[:31, :33])
cv2.imwrite(str(FOLDER / "transparent.png"), np.dstack([colours, opacity])[:40, :51])
cv2.imwrite(str(FOLDER / "grey.png"), clutter(60, 70, generator))
