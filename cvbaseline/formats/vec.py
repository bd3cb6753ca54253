"""Samples of opencv_createsamples: the .vec file.

Little endian: int32 count, int32 width * height, two int16 of 0; then for each sample a byte 0
and width * height int16 pixels from 0 to 255, row by row. The file does not hold width and
height themselves, and its count may exceed the samples that follow (createsamples writes what it
was asked for).
"""

import math
import struct
from pathlib import Path
from typing import NamedTuple, Optional, Union

import numpy as np

from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.files import read_bytes, write_bytes

HEADER = struct.Struct("<iihh")
MAX_BYTES = 4 * 2**30
MAX_PIXELS = 2048 * 2048  # the largest window of a cascade


class Vec(NamedTuple):
    """The samples of a .vec file."""

    samples: np.ndarray  # uint8 (n, h, w)
    claimed: int  # the count in the header: more than n when the file ends before


def parse_vec(
    data: bytes,
    width: Optional[int] = None,
    height: Optional[int] = None,
    source: Union[str, Path] = "vec",
) -> Vec:
    """The samples from the bytes of a .vec file.

    Samples beyond the header's count are left out, as opencv_traincascade does, and so is a last
    one that is cut short.

    Parameters
    ----------
    width, height : size of the samples in pixels; without both they must be square, without one
        of them it follows from the other

    Raises FormatError when the bytes are no .vec file, or its samples are not of that size.
    """
    if len(data) < HEADER.size:
        problem = f"expected a header of {HEADER.size} bytes, found {len(data)}: no .vec file"
        raise FormatError(source, problem)
    claimed, pixels, _, _ = HEADER.unpack_from(data)
    if claimed < 0:
        raise FormatError(source, f"expected a count of samples, found {claimed}", "byte 0")
    if not 0 < pixels <= MAX_PIXELS:
        problem = f"expected 1 to {MAX_PIXELS} pixels a sample, found {pixels}"
        raise FormatError(source, problem, "byte 4")
    width, height = _sides(pixels, width, height, source)
    # As many as there are, whatever the header claims
    count = min(claimed, (len(data) - HEADER.size) // (1 + 2 * pixels))
    record = np.dtype([("zero", "u1"), ("pixels", "<u2", (pixels,))])
    values = np.frombuffer(data, record, count, HEADER.size)["pixels"]
    if values.size and values.max() > 255:
        sample, pixel = np.argwhere(values > 255)[0].tolist()
        place = f"byte {HEADER.size + sample * record.itemsize + 1 + 2 * pixel}"
        value = int(values[sample, pixel].astype(np.int16))
        problem = f"expected pixels from 0 to 255, found {value} in sample {sample}"
        raise FormatError(source, problem, place)
    return Vec(values.astype(np.uint8).reshape(count, height, width), claimed)


def render_vec(samples: np.ndarray) -> bytes:
    """The bytes of a .vec file that holds the samples, uint8 (n, h, w)."""
    count, height, width = samples.shape
    if not 0 < height * width <= MAX_PIXELS:
        raise UserError(
            f"a .vec file holds samples of 1 to {MAX_PIXELS} pixels, not {samples.shape}"
        )
    records = np.zeros(count, [("zero", "u1"), ("pixels", "<u2", (width * height,))])
    records["pixels"] = np.asarray(samples, np.uint8).reshape(count, width * height)
    return HEADER.pack(count, width * height, 0, 0) + records.tobytes()


def load_vec(path: Path, width: Optional[int] = None, height: Optional[int] = None) -> Vec:
    """`parse_vec` of a file."""
    return parse_vec(read_bytes(path, MAX_BYTES), width, height, path)


def save_vec(path: Path, samples: np.ndarray) -> None:
    """`render_vec` to a file."""
    write_bytes(path, render_vec(samples))


def fitting_sizes(pixels: int) -> list[tuple[int, int]]:
    """All (width, height) of so many pixels, the squarest first, no side below 3 pixels."""
    low = range(3, math.isqrt(pixels) + 1)
    pairs = [(pixels // side, side) for side in reversed(low) if pixels % side == 0]
    return [size for pair in pairs for size in dict.fromkeys((pair, pair[::-1]))]


def _sides(
    pixels: int, width: Optional[int], height: Optional[int], source: Union[str, Path]
) -> tuple[int, int]:
    """Width and height of samples of so many pixels, as far as they are not given."""
    if width is None and height is None:
        width = height = math.isqrt(pixels)
        asked = "square samples"
    elif height is None:
        asked, height = f"samples {width} pixels wide", pixels // max(1, width)
    elif width is None:
        asked, width = f"samples {height} pixels high", pixels // max(1, height)
    else:
        asked = f"samples of {width} x {height} pixels"
    if width < 1 or height < 1 or width * height != pixels:
        fitting = ", ".join(f"{w} x {h}" for w, h in fitting_sizes(pixels)[:8]) or "none"
        problem = f"expected {asked}, found samples of {pixels} pixels"
        raise FormatError(source, f"{problem}: sizes (width x height) that fit: {fitting}")
    return width, height
