"""Samples side by side on one picture: what `-show` opened a window for, one by one."""

import math
from pathlib import Path

import cv2
import numpy as np

from cvbaseline.images import write_picture

MOST = 1000  # samples on a sheet
GAP, MARGIN = 4, 56  # pixels
GROUND, INK = 24, 190


def write_sheet(path: Path, samples: np.ndarray, scale: float = 1.0) -> int:
    """Write the samples as one picture; returns how many are on it.

    Of more than a thousand, so many are shown, spread evenly over all. The number of the first
    sample of each row, counted from 1, stands before it.

    Parameters
    ----------
    samples : uint8 (n, h, w) or (n, h, w, 3)
    scale : how many times larger they are shown
    """
    count = min(len(samples), MOST)
    chosen = np.linspace(0, len(samples) - 1, count).round().astype(int)
    height, width = (max(1, math.ceil(scale * side)) for side in samples.shape[1:3])
    columns = max(1, min(count, round(math.sqrt(count * height / width * 4 / 3))))
    rows = -(-count // columns)
    size = (GAP + rows * (height + GAP), MARGIN + columns * (width + GAP))
    sheet = np.full((*size, *samples.shape[3:]), GROUND, np.uint8)
    for place, number in enumerate(chosen):
        row, column = divmod(place, columns)
        y, x = GAP + row * (height + GAP), MARGIN + column * (width + GAP)
        tile = cv2.resize(samples[number], (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
        sheet[y : y + height, x : x + width] = tile
        if column == 0:
            at, font = (6, y + min(height, height // 2 + 5)), cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(sheet, str(number + 1), at, font, 0.42, (INK,) * 3, 1, cv2.LINE_AA)
    write_picture(path, sheet)
    return count
