"""Small JPEG copies of pictures for the contact sheet, named after the picture's content."""

from contextlib import suppress
from pathlib import Path

from cvbaseline.errors import PictureError, UserError
from cvbaseline.images import read_colour, write_picture

LONGEST_SIDE = 480  # pixels: sharp at the sheet's card size on a dense screen
QUALITY = 82


def thumbnail_name(sha256: str) -> str:
    """The file name of the thumbnail of a picture with this content."""
    return f"{sha256[:24]}.jpg"


def make_thumbnail(picture: Path, folder: Path, sha256: str) -> None:
    """Write the picture's thumbnail into `folder` unless it is there; safe from many threads.

    A picture that has no colours to read, or a folder that takes no file, leaves none: the sheet
    then shows the name alone.
    """
    import cv2

    target = folder / thumbnail_name(sha256)
    if target.exists():
        return
    try:
        colours = read_colour(picture)
    except (PictureError, MemoryError):
        return
    height, width = colours.shape[:2]
    shrink = min(1.0, LONGEST_SIDE / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
    with suppress(OSError, UserError):
        folder.mkdir(exist_ok=True)
        write_picture(target, small, quality=QUALITY)
