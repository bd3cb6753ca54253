"""An album of a cascade: every stage's features on the mean face, and what each stage passes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from cvbaseline.errors import require
from cvbaseline.options import option

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class VisualiseOptions:
    """Draw every feature of a cascade on the mean face, in a page that opens in any browser."""

    model: Path = option(
        help="cascade file, or the folder of a training", args=["-m", "--model"], metavar="XML"
    )
    image: Optional[Path] = option(
        None, "picture to draw on (default: the mean of the positives)", args=["-i", "--image"],
        metavar="PICTURE",
    )  # fmt: skip
    data: Optional[Path] = option(
        None, "folder of the page (default: the cascade's)", args=["-d", "--data"],
        metavar="FOLDER",
    )  # fmt: skip
    positives: Optional[Path] = option(
        None, "samples to measure hit rates on: a .vec, a folder of crops, or info.dat"
    )
    negatives: Optional[Path] = option(
        None, "pictures without the object to measure false alarms on: a folder, or bg.txt"
    )
    windows: int = option(500_000, "windows of the negatives to look at")
    title: Optional[str] = option(None, "title of the page (default: the cascade's name)")

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        require(self.windows >= 1, f"--windows {self.windows} must be at least 1")


def visualise(options: VisualiseOptions, tell: Tell = print) -> Path:
    """Write the album; returns its path.

    Raises UserError when the cascade, the picture or the samples cannot be used.
    """
    import cv2
    import numpy as np

    from cvbaseline.album.feature_drawing import mean_face
    from cvbaseline.album.page import Album, render_album
    from cvbaseline.album.stage_rates import (
        judge_negatives,
        judge_positives,
        load_positives,
    )
    from cvbaseline.formats.cascade_xml import MAX_BYTES, load_cascade
    from cvbaseline.formats.files import make_folder_of, read_bytes, write_bytes
    from cvbaseline.images import read_grey
    from cvbaseline.sorting.placing import unused_path

    model = options.model / "cascade.xml" if options.model.is_dir() else options.model
    cascade = load_cascade(model)
    training_known = b"<minHitRate>" in read_bytes(model, MAX_BYTES)
    size = (cascade.width, cascade.height)
    positives = hits = negatives = None
    if options.positives:
        positives = load_positives(options.positives, *size, tell)
        hits = judge_positives(cascade, positives)
        tell(f"{len(positives)} positives: {hits.passed[-1]} pass all stages")
    if options.negatives:
        negatives = judge_negatives(cascade, options.negatives, options.windows, tell)
        seen = negatives.passed
        tell(
            f"{seen.windows} windows of {negatives.pictures} pictures without the object: "
            f"{seen.passed[-1]} pass all stages"
        )
    face = mean_face(positives, *size)
    drawn_on = "plain grey: give --positives or --image to draw on the object"
    if positives is not None:
        drawn_on = f"the mean of {len(positives):,} positives"
    if options.image:
        picture = read_grey(options.image)
        face = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        drawn_on = options.image.name
    name = model.parent.name if model.stem == "cascade" and model.parent.name else model.stem
    album = Album(
        title=options.title or name,
        model=model.name,
        cascade=cascade,
        training_known=training_known,
        face=np.ascontiguousarray(face),
        drawn_on=drawn_on,
        positives=positives,
        hits=hits,
        negatives=negatives,
    )
    path = unused_path(options.data or model.parent, f"{name}_album.html")
    make_folder_of(path)
    write_bytes(path, render_album(album).encode("utf-8"))
    tell(f"{path}: {len(cascade.stages)} stages, {cascade.weak_count} features")
    return path
