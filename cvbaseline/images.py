"""Pictures come in and go out here: any format that Pillow or OpenCV reads, as uint8 arrays.

What a picture holds is brought to one form: the first frame, upright (EXIF orientation), 8 bits
(16-bit values are scaled, not clipped), transparent parts over neutral grey. Whatever is wrong
with a file, the reader raises PictureError with one reason, before it decodes when the header
tells; a truncated file is refused, because a half-grey picture misleads everyone after us.

Python's own file functions open every path, so names may hold any characters.
"""

import io
import os
import re
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, Optional, TypeVar, Union

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from cvbaseline.errors import PictureError, UserError
from cvbaseline.formats.files import write_bytes
from cvbaseline.sorting.manifest import is_thumbnail_folder

PICTURE_SUFFIXES = frozenset(
    ".apng .avif .bmp .dib .gif .hdr .jfif .jp2 .jpe .jpeg .jpg .pbm .pcx .pfm .pgm .png"
    " .pnm .ppm .ras .tga .tif .tiff .webp".split()
)
MAX_MEGAPIXELS = 100.0
NEUTRAL_GREY = (128, 128, 128, 255)

ORIENTATION = 274  # the number of the EXIF tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow would start another program for these, or knows their header only.
REFUSED_FORMATS = {"EPS", "WMF", "MPEG", "BUFR", "GRIB", "HDF5"}
# What OpenCV reads and Pillow does not, with the picture's size as its header gives it.
OPENCV_HEADERS = (
    rb"#\?(?:RADIANCE|RGBE)\n.*?\n[-+]Y (?P<height>\d+) [-+]X (?P<width>\d+)\n",
    rb"PF\s+(?P<width>\d+)\s+(?P<height>\d+)\s",
)

AnyPath = Union[str, "os.PathLike[str]"]
Result = TypeVar("Result")

_quiet = threading.Lock()


def read_grey(path: AnyPath, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """A picture's brightness (ITU-R BT.601), uint8 (h, w).

    Raises PictureError, with one reason, for whatever is not a whole picture of at most
    `max_megapixels` million pixels.
    """
    return np.array(_read(Path(path), max_megapixels, "L"))


def read_colour(path: AnyPath, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """A picture's colours, uint8 (h, w, 3) as red, green, blue; errors as for `read_grey`."""
    return np.array(_read(Path(path), max_megapixels, "RGB"))


def read_size(path: AnyPath) -> tuple[int, int]:
    """Width and height of a picture, upright, from its header alone; errors as for `read_grey`.

    That the header is good does not mean that the picture is whole.
    """

    def look(file: BinaryIO) -> tuple[int, int]:
        image, (width, height) = _header(file, Path(path))
        if isinstance(image, TiffImagePlugin.TiffImageFile):  # Pillow may have turned the size
            width = image.tag_v2[TiffImagePlugin.IMAGEWIDTH]
            height = image.tag_v2[TiffImagePlugin.IMAGELENGTH]
        turned = image is not None and _orientation(image) >= 5
        return (height, width) if turned else (width, height)

    return _with_file(Path(path), look)


def find_pictures(folder: AnyPath) -> list[Path]:
    """All files below a folder whose names end like a picture's, sorted.

    Hidden files and folders (names with a leading dot) and the thumbnails of a sorted folder are
    left out; links to folders are not followed. Raises UserError when `folder` is not a folder that
    can be listed.
    """
    folder = Path(folder)
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}; name a folder of pictures") from None
    pictures = []
    for place, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not is_thumbnail_folder(Path(place, name))
        ]
        pictures += [
            Path(place, name)
            for name in names
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES
        ]
    return sorted(pictures)


def write_picture(path: AnyPath, array: np.ndarray, quality: int = 95) -> None:
    """Write a picture in the format that the name's suffix says.

    It is written beside the target first and then takes its place, so that no half a file is ever
    seen; an existing file is replaced.

    Parameters
    ----------
    array : uint8 (h, w) grey or (h, w, 3) red, green, blue
    quality : 1 to 100, for formats with losses

    Raises UserError for a suffix without a writer, and when the file cannot be written.
    """
    path = Path(path)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)):
        raise ValueError(f"a picture is uint8 (h, w) or (h, w, 3), got {array.dtype} {array.shape}")
    Image.init()
    name = Image.EXTENSION.get(path.suffix.lower())
    if name not in Image.SAVE:
        raise UserError(
            f"{path}: cannot write pictures as {path.suffix!r}; use .png, .jpg or .webp"
        )
    encoded = io.BytesIO()
    try:
        Image.fromarray(array).save(encoded, format=name, quality=quality)
    except (OSError, ValueError) as error:  # a size that the format does not hold
        raise UserError(f"{path} cannot be written: {error}") from None
    write_bytes(path, encoded.getvalue())


def _read(path: Path, max_megapixels: float, mode: str) -> Image.Image:
    """The picture as "L" or "RGB"."""
    return _with_file(path, lambda file: _decode(file, path, max_megapixels, mode))


def _with_file(path: Path, work: Callable[[BinaryIO], Result]) -> Result:
    """What `work` makes of the opened file; every way to fail ends as PictureError."""
    try:
        status = path.stat()
        _refuse(stat.S_ISDIR(status.st_mode), path, "a folder, not a picture")
        _refuse(not stat.S_ISREG(status.st_mode), path, "not an ordinary file")
        _refuse(status.st_size == 0, path, "an empty file")
        file = open(path, "rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PictureError(f"{path}: cannot be opened ({reason})") from None
    with file:
        try:
            return work(file)
        except PictureError:
            raise
        except Exception as error:  # whatever a decoder makes of a damaged file
            raise PictureError(f"{path}: {_damage(error)}") from None


def _refuse(condition: bool, path: Path, reason: str) -> None:
    if condition:
        raise PictureError(f"{path}: {reason}")


def _damage(error: Exception) -> str:
    """What a decoder's exception means to the user."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, Image.DecompressionBombError):
        return f"larger than Pillow reads ({text})"
    if isinstance(error, EOFError) or re.search("truncat|too short|not enough", text.lower()):
        return "truncated, the file ends before the picture does"
    telling = isinstance(error, (OSError, ValueError, RuntimeError, SyntaxError)) and text
    return "damaged or truncated, cannot be decoded" + (f" ({text})" if telling else "")


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep Pillow's warnings of odd metadata from the user; the filters are the whole process's."""
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _decode(file: BinaryIO, path: Path, max_megapixels: float, mode: str) -> Image.Image:
    """Look at the header, decode the first frame and bring it to the one form."""
    image, size = _header(file, path)
    limit = f"more than the limit of {max_megapixels:g} megapixels"
    too_large = size[0] * size[1] > max_megapixels * 1e6
    _refuse(too_large, path, f"has {size[0]} x {size[1]} pixels, {limit}")
    if image is None:
        image = _decode_with_opencv(file)
    if mode == "L":
        image.draft("L", None)  # a JPEG holds the brightness as such
    with _quietly() if image.format == "TIFF" else nullcontext():  # the only one that warns now
        image.load()
    turn = TURNS.get(_orientation(image))
    if image.mode == "F" or image.mode.startswith("I"):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, NEUTRAL_GREY), rgba)
    if image.mode != mode:
        image = image.convert("RGB").convert(mode)
    return image if turn is None else image.transpose(turn)


def _header(file: BinaryIO, path: Path) -> tuple[Optional[Image.Image], tuple[int, int]]:
    """Pillow's view of the picture, None where only OpenCV has one, and its width and height."""
    try:
        image = _open(file)
        size: Optional[tuple[int, int]] = image.size
    except UnidentifiedImageError:
        image, size = None, _opencv_size(file)
    if size is None:
        reason = "not a picture in a known format (or cut off in its header)"
        raise PictureError(f"{path}: {reason}")
    _refuse(0 in size, path, "has no pixels")
    return image, size


def _open(file: BinaryIO) -> Image.Image:
    """Pillow's view of the file, not decoded yet."""
    with _quietly():
        Image.init()
        return Image.open(file, formats=[name for name in Image.ID if name not in REFUSED_FORMATS])


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 where there is none or its data are damaged."""
    try:
        with _quietly():
            orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # the picture itself is whole
        return 1
    return orientation if isinstance(orientation, int) else 1


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Values of any type as uint8: 16 bits and 0..1 are scaled, other ranges are stretched.

    Integers within 16 bits count as 16 bits; floats within 0..1 as 0..1.
    """
    if values.dtype == np.uint8:
        return values
    integers = np.issubdtype(values.dtype, np.integer)
    values = np.nan_to_num(values.astype(np.float64), nan=0, posinf=0, neginf=0)
    low, high = 0.0, 65535.0 if integers else 1.0
    if values.min() < low or values.max() > high:
        low, high = values.min(), values.max()
    return np.rint((values - low) * (255 / max(high - low, 1e-300))).astype(np.uint8)


def _opencv_size(file: BinaryIO) -> Optional[tuple[int, int]]:
    """Width and height of a picture that OpenCV may read, from its header; None for others."""
    file.seek(0)
    head = file.read(4096)
    for header in OPENCV_HEADERS:
        match = re.match(header, head, re.DOTALL)
        if match:
            return int(match["width"]), int(match["height"])
    if head[:4] in (b"II*\0", b"MM\0*"):
        directory = TiffImagePlugin.ImageFileDirectory_v2(head[:8])
        file.seek(directory.next)
        with _quietly():
            directory.load(file)
        return int(directory[TiffImagePlugin.IMAGEWIDTH]), int(
            directory[TiffImagePlugin.IMAGELENGTH]
        )
    return None


def _decode_with_opencv(file: BinaryIO) -> Image.Image:
    """Decode what Pillow does not know."""
    import cv2

    file.seek(0)
    array = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None:
        raise ValueError("OpenCV does not decode it")
    array = _eight_bits(array)
    if array.ndim == 2:
        return Image.fromarray(array)
    order = [2, 1, 0, 3] if array.shape[2] == 4 else [2, 1, 0]
    return Image.fromarray(np.ascontiguousarray(array[..., order]))
