"""The verb `convert`: annotated pictures from one format to another."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Literal, NamedTuple, Optional

from cvbaseline.errors import UserError, require
from cvbaseline.formats.boxed_picture import BoxedPicture, merge_by_path
from cvbaseline.options import argument, option


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """Convert boxes between info.dat, YOLO, COCO, Pascal VOC and dlib's imglab.

    Formats are told by names: .dat and .txt are OpenCV's info.dat, .json is COCO, .xml is imglab, a
    folder with .txt files is YOLO, one with .xml files VOC. Pictures are neither copied nor moved.
    """

    source: Path = argument("file or folder to read", args=["source"], metavar="IN")
    target: Path = argument(
        "file to write, not there yet, or folder for new files", args=["target"], metavar="OUT"
    )
    source_format: Literal["auto", "info", "yolo", "coco", "voc", "imglab"] = option(
        "auto", "format of IN, when its name does not tell", args=["--from"]
    )
    target_format: Literal["auto", "info", "yolo", "coco", "voc", "imglab"] = option(
        "auto", "format of OUT, when its name does not tell (yolo or voc: a folder)", args=["--to"]
    )
    pictures: Optional[Path] = option(
        None, "folder of the pictures, when they are not where IN has them", metavar="FOLDER"
    )
    label: str = option("face", "label of boxes that have none, as those of info.dat")
    only: list[str] = option((), "labels to keep; all without", nargs="+", metavar="LABEL")

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        require(bool(self.label.strip()), "--label must not be empty")
        require(self.source.exists(), f"{self.source} does not exist: name a file or a folder")


class Converted(NamedTuple):
    """What a conversion wrote."""

    pictures: int
    boxes: int
    ignored: int  # boxes that IN marks as not to be used
    left_out: int  # pictures that could not be read
    target: Path


def convert(options: ConvertOptions, tell: Callable[[str], None]) -> Converted:
    """Read, choose, write; `tell` gets a line for each picture that is left out or not there.

    Raises UserError when OUT is there or cannot hold the boxes, FormatError for a malformed IN.
    """
    from cvbaseline.formats.annotation_files import (
        kind_of,
        places_of_pictures,
        read_annotations,
        render_annotations,
        with_sizes,
        write_files,
    )

    source_kind, target_kind = options.source_format, options.target_format
    if source_kind == "auto":
        source_kind = kind_of(options.source)
    if target_kind == "auto":
        require(
            not options.target.is_dir() and options.target.suffix != "",
            f"{options.target}: say --to yolo or --to voc for a folder",
        )
        target_kind = kind_of(options.target)
    entries = read_annotations(options.source, source_kind, options.pictures, options.label)
    pictures = merge_by_path(entries)
    if options.only:
        pictures = [_only(picture, set(options.only)) for picture in pictures]
    left_out = 0
    if target_kind in ("yolo", "coco", "voc"):
        pictures, left_out = with_sizes(pictures, tell)
    else:
        _check_places(pictures, options.source, tell)
    if not pictures:
        raise UserError(f"{options.source} holds no picture to write: nothing is converted")
    beside = places_of_pictures(options.target, target_kind)
    roots = [options.pictures] if options.pictures is not None else []
    roots += [*beside, *places_of_pictures(options.source, source_kind)]
    write_files(render_annotations(options.target, target_kind, pictures, roots))
    boxes = sum(len(picture.boxes) for picture in pictures)
    ignored = sum(len(picture.ignored) for picture in pictures)
    return Converted(len(pictures), boxes, ignored, left_out, options.target)


def _check_places(pictures: list[BoxedPicture], source: Path, tell: Callable[[str], None]) -> None:
    """Tell of pictures that are not there; raises UserError when none is."""
    missing = [picture.path for picture in pictures if not os.path.exists(picture.path)]
    mend = "name the folder of the pictures with --pictures"
    if missing and len(missing) == len(pictures):
        raise UserError(f"{source}: no picture of it is there, not {missing[0]} either: {mend}")
    for path in missing:
        tell(f"{path} is not there: {mend}")


def _only(picture: BoxedPicture, labels: set[str]) -> BoxedPicture:
    """The picture with the boxes of those labels."""
    keep = [place for place, label in enumerate(picture.labels) if label in labels]
    kept = tuple(picture.labels[place] for place in keep)
    difficult = tuple(picture.difficult[place] for place in keep) if picture.difficult else ()
    return picture._replace(boxes=picture.boxes[keep], labels=kept, difficult=difficult)


def summary(converted: Converted) -> str:
    """What was written, in a line."""
    text = f"{converted.target}: {converted.boxes} boxes in {converted.pictures} pictures"
    if converted.ignored:
        text += f"; {converted.ignored} boxes marked as not to be used are left out"
    if converted.left_out:
        text += f"; {converted.left_out} unreadable pictures are left out"
    return text
