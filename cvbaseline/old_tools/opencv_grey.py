"""Pictures as OpenCV 3.4's programs read them: grey, to the last bit.

`images.read_grey` agrees with them on JPEG and grey pictures. Colours of a PNG are weighed by
libpng there, which rounds down, and what is transparent keeps its colour; those of a BMP are
rounded another way.
"""

from pathlib import Path

import cv2
import numpy as np

from cvbaseline.formats.files import read_bytes
from cvbaseline.images import read_grey

PNG = b"\x89PNG\r\n\x1a\n"
BMP = b"BM"
PLAIN_GREY = b"\x08\x00"  # bits of a sample and colour type, as the header has them
MOST_BYTES = 2**30


def read_grey_as_opencv(path: Path) -> np.ndarray:
    """The picture, uint8 (h, w); raises PictureError when it cannot be read."""
    grey = read_grey(path)
    with open(path, "rb") as file:
        head = file.read(26)
    coloured_png = head[:8] == PNG and head[24:26] != PLAIN_GREY
    if not coloured_png and head[:2] != BMP:
        return grey
    data = np.frombuffer(read_bytes(path, MOST_BYTES), np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return grey if decoded is None else decoded
