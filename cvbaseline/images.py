"""Pictures in and out: any format and any file name, as grey or RGB uint8 arrays.

Files are read as bytes and decoded from memory, because OpenCV opens no path outside ASCII on
Windows. Pillow decodes; OpenCV is asked for what Pillow does not know (OpenEXR, Radiance HDR).
"""

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cvbaseline.errors import PictureError, UserError
from cvbaseline.formats.files import write_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_SUFFIXES = frozenset(
    ".avif .bmp .dib .exr .gif .hdr .ico .j2k .jfif .jp2 .jpe .jpeg .jpg .mpo .pbm .pcx .pgm .png "
    ".pnm .ppm .psd .sgi .tga .tif .tiff .webp".split()
)

# Pillow formats that are read; the others start programs (EPS), or are no still pictures.
_PILLOW_FORMATS = (
    "PNG JPEG WEBP GIF TIFF BMP DIB AVIF PPM JPEG2000 MPO ICO TGA PCX PSD SGI".split()
)
_NEUTRAL_GREY = 128  # what lies behind transparent pixels
_LARGEST_FILE = 1 << 30


def read_grey(path: Path, max_megapixels: float = 100.0) -> np.ndarray:
    """A picture as grey, uint8 (h, w), upright, over neutral grey where it is transparent.

    Luminance is ITU-R BT.601's, as in OpenCV; 16 bit are scaled to 8; of an animation the first
    frame counts. Raises PictureError with one clear reason: missing, empty, no picture,
    truncated, or of more than `max_megapixels`.
    """
    return _read(Path(path), max_megapixels, "L")


def read_colour(path: Path, max_megapixels: float = 100.0) -> np.ndarray:
    """A picture as RGB, uint8 (h, w, 3); otherwise as `read_grey`."""
    return _read(Path(path), max_megapixels, "RGB")


def find_pictures(folder: Path) -> list[Path]:
    """All files below a folder whose name ends like a picture's, sorted; hidden ones left out."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in PICTURE_SUFFIXES:
                found.append(Path(place, name))
    return sorted(found)


def write_picture(path: Path, picture: np.ndarray, quality: int = 92) -> None:
    """Write a grey (h, w) or RGB (h, w, 3) uint8 picture in the format that the suffix names.

    `quality` is that of JPEG and WebP. The file appears whole or not at all; an existing one is
    replaced, so callers choose a free name. Raises UserError for an unknown suffix.
    """
    from PIL import Image

    Image.init()
    kind = Image.EXTENSION.get(Path(path).suffix.lower())
    if kind not in Image.SAVE:
        raise UserError(f"{path}: pictures are not written as {Path(path).suffix!r}, use .png")
    data = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(picture))
    image.save(data, kind, **({"quality": quality} if kind in ("JPEG", "WEBP", "AVIF") else {}))
    write_bytes(Path(path), data.getvalue())


def _read(path: Path, max_megapixels: float, mode: str) -> np.ndarray:
    data = _file_bytes(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata
            return _decode(data, max_megapixels, mode)
    except _Unreadable as reason:
        raise PictureError(f"{path}: {reason}") from None


class _Unreadable(Exception):
    """Why the bytes are no picture for us."""


def _file_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise PictureError(f"{path}: {'not a file' if path.exists() else 'does not exist'}")
        if path.stat().st_size > _LARGEST_FILE:
            raise PictureError(f"{path}: larger than 1 GiB")
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:  # a NUL in the name
        raise PictureError(f"{str(path)!r}: not a file name") from None
    if not data:
        raise PictureError(f"{path}: empty file")
    return data


def _decode(data: bytes, max_megapixels: float, mode: str) -> np.ndarray:
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.init()
    known = [name for name in _PILLOW_FORMATS if name in Image.OPEN]
    try:
        with Image.open(io.BytesIO(data), formats=known) as image:
            _check_size(image.width, image.height, max_megapixels)
            if mode == "L" and image.format == "JPEG" and image.mode == "RGB":
                image.draft("L", image.size)  # the file's own luminance, three times as fast
            image.load()
            # Turning before converting: some conversions drop the EXIF data.
            return _to_mode(ImageOps.exif_transpose(image), mode)
    except _Unreadable:
        raise
    except UnidentifiedImageError:
        return _decode_with_opencv(data, max_megapixels, mode)
    except Image.DecompressionBombError:
        raise _Unreadable(f"more than {max_megapixels:g} megapixels") from None
    except Exception as error:  # decoders of damaged files raise whatever comes to pass
        raise _Unreadable(_plain_reason(error)) from None


def _check_size(width: int, height: int, max_megapixels: float) -> None:
    if width < 1 or height < 1:
        raise _Unreadable("has no pixels")
    if width * height > max_megapixels * 1e6:
        raise _Unreadable(
            f"{width} x {height} pixels are more than the limit of {max_megapixels:g} megapixels"
        )


def _plain_reason(error: Exception) -> str:
    text = str(error).lower()
    if "truncated" in text or "incomplete" in text or "end of" in text or "eof" in text:
        return "truncated: the file ends before its picture does"
    return f"damaged ({' '.join(str(error).split()) or type(error).__name__})"


def _to_mode(image: "Image", mode: str) -> np.ndarray:
    """Any Pillow picture as "L" or "RGB" array: deep ones scaled, transparent ones composed."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        return _as_channels(_to_eight_bit(np.asarray(image)), mode)
    transparent = image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info
    if transparent:
        image = image.convert("RGBA")
        backdrop = Image.new("RGBA", image.size, (_NEUTRAL_GREY,) * 3 + (255,))
        image = Image.alpha_composite(backdrop, image)
    if image.mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return np.array(image.convert(mode))


def _to_eight_bit(pixels: np.ndarray) -> np.ndarray:
    """Deep pixels as uint8: 16 bit by their range, wider integers by theirs, floats from 0..1."""
    if pixels.dtype == np.uint16:
        scale = 1 / 257
    elif np.issubdtype(pixels.dtype, np.floating):
        pixels = np.nan_to_num(pixels)
        scale = 255.0 if pixels.max(initial=0) <= 1 else 1.0
    else:  # Pillow's "I": 16 bit in 32, mostly
        highest = int(pixels.max(initial=0))
        scale = 1 / 257 if highest <= 65535 else 255 / highest
    return np.clip(np.rint(pixels * np.float64(scale)), 0, 255).astype(np.uint8)


def _as_channels(pixels: np.ndarray, mode: str) -> np.ndarray:
    import cv2

    if mode == "RGB":
        return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)


def _decode_with_opencv(data: bytes, max_megapixels: float, mode: str) -> np.ndarray:
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise _Unreadable("not a picture of a known format")
    _check_size(pixels.shape[1], pixels.shape[0], max_megapixels)
    if pixels.ndim == 3:
        pixels = pixels[..., 0] if pixels.shape[2] < 3 else pixels[..., 2::-1]
    deep = pixels.dtype != np.uint8
    return _as_channels(_to_eight_bit(pixels) if deep else np.ascontiguousarray(pixels), mode)
