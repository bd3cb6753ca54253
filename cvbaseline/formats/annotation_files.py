"""Annotated pictures in any of the formats: which one a path is, where its pictures are, and back.

In memory a picture's `path` is where the file is; in a file it is as that format writes it:
relative to the file's folder. Formats with a file for each picture (YOLO, VOC) keep the pictures'
subfolders.
"""

import os
from pathlib import Path
from typing import Callable, Literal, Optional, get_args

from cvbaseline.errors import PictureError, UserError
from cvbaseline.formats import annotations, yolo
from cvbaseline.formats.boxed_picture import MAX_BYTES, BoxedPicture
from cvbaseline.formats.coco import parse_coco, render_coco
from cvbaseline.formats.files import read_bytes, write_bytes
from cvbaseline.formats.imglab import parse_imglab, render_imglab
from cvbaseline.formats.voc import MAX_BYTES as MOST_VOC
from cvbaseline.formats.voc import parse_voc, render_voc
from cvbaseline.images import find_pictures, read_size

Kind = Literal["info", "yolo", "coco", "voc", "imglab"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FOLDER_KINDS = ("yolo", "voc")
SUFFIXES: dict[str, Kind] = {
    ".json": "coco", ".xml": "imglab", ".dat": "info", ".txt": "info", ".info": "info",
    ".lst": "info", ".idx": "info",
}  # fmt: skip

DEFAULT_LABEL = "face"
# Beside a folder of annotations on the left, its pictures are where it says on the right.
SIBLINGS = {"labels": ("images",), "Annotations": ("JPEGImages", "images")}


def kind_of(path: Path) -> Kind:
    """The format of a file or folder, by its name and what lies in it."""
    if path.is_dir():
        for suffix, kind in ((".xml", "voc"), (".txt", "yolo")):
            if any(
                name.lower().endswith(suffix) for _, _, names in os.walk(path) for name in names
            ):
                return kind  # type: ignore[return-value]
        raise UserError(f"{path} holds neither .xml (VOC) nor .txt (YOLO) files")
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        known = "info.dat, .json (COCO), .xml (imglab), or a folder with --to yolo or voc"
        raise UserError(f"{path}: which format? known are {known}")
    return kind


def places_of_pictures(path: Path, kind: Kind) -> list[Path]:
    """The folders in which the pictures of an annotation file or folder are looked for."""
    if kind not in FOLDER_KINDS:
        return [path.parent]
    beside = SIBLINGS.get(path.name, ())
    return [path, *(path.parent / name for name in beside)]


def read_annotations(
    path: Path, kind: Kind, pictures: Optional[Path] = None, label: str = DEFAULT_LABEL
) -> list[BoxedPicture]:
    """The annotated pictures; `path` of each is where it is, or is first looked for.

    Parameters
    ----------
    pictures : folder of the pictures, when they are not where the format has them
    label : of boxes in a format without labels

    Raises UserError when the file cannot be read, FormatError for what does not fit.
    """
    places = [pictures] if pictures is not None else places_of_pictures(path, kind)
    if kind == "yolo":
        return _read_yolo(path, places)
    if kind == "voc":
        return _read_voc(path, places)
    data = read_bytes(path, MAX_BYTES)
    if kind == "info":
        listed = annotations.parse_info(annotations.decode_text(data), path)
        found = [BoxedPicture(name, boxes, (label,) * len(boxes)) for name, boxes in listed]
    else:
        found = (parse_coco if kind == "coco" else parse_imglab)(data, path)
    return [_placed(picture, places) for picture in found]


def _placed(picture: BoxedPicture, places: list[Path]) -> BoxedPicture:
    folders = [*places, Path()]
    return picture._replace(path=str(annotations.resolve_picture(picture.path, *folders)))


def _files_below(folder: Path, suffix: str) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: name the one with the {suffix} files")
    found = [path for path in folder.rglob(f"*{suffix}") if path.is_file()]
    return sorted(found)


def _read_voc(path: Path, places: list[Path]) -> list[BoxedPicture]:
    read = []
    for file in _files_below(path, ".xml"):
        picture = parse_voc(read_bytes(file, MOST_VOC), file)
        below = file.parent.relative_to(path)
        read.append(_placed(picture, [*(place / below for place in places), *places]))
    return read


def read_classes(folder: Path) -> list[str]:
    """The names in classes.txt, in the folder of the labels or the one above; none without it."""
    for place in (folder, folder.parent):
        if (place / yolo.CLASSES_NAME).is_file():
            data = read_bytes(place / yolo.CLASSES_NAME, yolo.MAX_BYTES)
            return yolo.parse_classes(annotations.decode_text(data))
    return []


def _read_yolo(path: Path, places: list[Path]) -> list[BoxedPicture]:
    classes = read_classes(path)
    by_stem: dict[Path, Path] = {}
    for place in places:
        for picture in find_pictures(place) if place.is_dir() else []:
            by_stem.setdefault(picture.relative_to(place).with_suffix(""), picture)
    read = []
    for file in _files_below(path, ".txt"):
        if file.name == yolo.CLASSES_NAME:
            continue
        found = by_stem.get(file.relative_to(path).with_suffix(""))
        if found is None:
            where = " or ".join(map(str, places))
            raise UserError(
                f"{file}: no picture {file.stem}.jpg, .png ... in {where}, and YOLO's boxes need "
                "its size: put it there, or name the folder with --pictures (convert)"
            )
        size = read_size(found)
        text = annotations.decode_text(read_bytes(file, yolo.MAX_BYTES))
        boxes, labels = yolo.parse_labels(text, size, classes, file)
        read.append(BoxedPicture(str(found), boxes, labels, size))
    return read


def with_sizes(
    pictures: list[BoxedPicture], tell: Callable[[str], None]
) -> tuple[list[BoxedPicture], int]:
    """The pictures with their true sizes, and how many had to be left out."""
    sized = []
    for picture in pictures:
        try:
            sized.append(picture._replace(size=read_size(picture.path)))
        except PictureError as error:
            tell(f"left out: {error}")
    return sized, len(pictures) - len(sized)


def render_annotations(
    path: Path, kind: Kind, pictures: list[BoxedPicture], roots: list[Path]
) -> dict[Path, bytes]:
    """The files to write, and what is in them.

    Parameters
    ----------
    path : the file or folder to write
    pictures : with `path` where they are; YOLO needs their sizes
    roots : folders of pictures, whose subfolders YOLO's and VOC's folders repeat; for a picture
        the first that it is in counts

    Raises UserError for names that the format cannot hold, or that would be the same file.
    """
    if kind not in FOLDER_KINDS:
        relative = [picture._replace(path=_from(picture.path, path.parent)) for picture in pictures]
        return {path: _render_list(kind, relative)}
    suffix = ".txt" if kind == "yolo" else ".xml"
    classes = sorted({label for picture in pictures for label in picture.labels})
    files: dict[Path, bytes] = {}
    owners: dict[Path, str] = {}
    for picture in pictures:
        target = path / _below(picture.path, roots).with_suffix(suffix)
        if target in owners:
            raise UserError(f"{picture.path} and {owners[target]} would share {target}: rename one")
        owners[target] = picture.path
        files[target] = render_picture(kind, picture, classes)
    if kind == "yolo":
        if path / yolo.CLASSES_NAME in files:
            raise UserError(f"a picture's labels would be {yolo.CLASSES_NAME}: rename the picture")
        files[path / yolo.CLASSES_NAME] = yolo.render_classes(classes).encode()
    return files


def render_picture(kind: Kind, picture: BoxedPicture, classes: list[str]) -> bytes:
    """A picture's own file, for YOLO or VOC."""
    if kind == "voc":
        return render_voc(picture._replace(path=os.path.basename(picture.path)))
    if picture.size is None:
        raise UserError(f"{picture.path}: its size is not known, and YOLO's boxes are parts of it")
    return yolo.render_labels(picture.boxes, picture.labels, picture.size, classes).encode()


def _render_list(kind: Kind, pictures: list[BoxedPicture]) -> bytes:
    if kind == "coco":
        return render_coco(pictures)
    if kind == "imglab":
        return render_imglab(pictures)
    listed = [annotations.Annotation(picture.path, picture.boxes) for picture in pictures]
    return annotations.render_info(listed).encode("utf-8", "surrogateescape")


def _from(path: str, folder: Path) -> str:
    """A picture's path as seen from a folder, with /."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return Path(path).absolute().as_posix()


def _below(path: str, roots: list[Path]) -> Path:
    """A picture's path below the first root that it is in; its name alone when in none."""
    picture = Path(os.path.abspath(path))
    for root in roots:
        if (folder := Path(os.path.abspath(root))) in picture.parents:
            return picture.relative_to(folder)
    return Path(picture.name)


def write_files(files: dict[Path, bytes]) -> None:
    """Write files that are not there yet; raises UserError when one is, before any is written."""
    for path in files:
        if os.path.lexists(path):
            raise UserError(f"{path} is there already: name another output")
    for path, data in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{path.parent} cannot be made ({error.strerror})") from None
        write_bytes(path, data)
