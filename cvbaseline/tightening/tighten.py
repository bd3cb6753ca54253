"""The verb `cascade tighten`: a trained cascade made faster by higher stage thresholds.

The thresholds of a training let nearly all single windows on faces pass, which a detector does not
need: it finds a face by many windows. So they can be raised until it would begin to lose faces
(`thresholds`), and windows without a face are rejected sooner. What that costs is measured on a
fifth of the pictures, with thresholds chosen on the others; those that are saved are chosen on all.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional

import numpy as np

from cvbaseline.errors import PictureError, require
from cvbaseline.options import argument, option
from cvbaseline.progress import Progress

if TYPE_CHECKING:
    from cvbaseline.cascade import Cascade
    from cvbaseline.tightening.window_sums import FaceWindows, StageSums
    from cvbaseline.verifier_boxes import SearchedPicture

PARTS = 5  # of the pictures; on one is measured
FEWEST = 100  # faces
OTHERS, FEWEST_OTHERS = 100_000, 5000  # windows off faces, of all pictures together

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class TightenOptions:
    """Make a trained cascade faster: raise the thresholds of its stages."""

    cascade: Path = argument("the cascade file, or a shipped one's name", args=["cascade"],
                             metavar="XML")  # fmt: skip
    pictures: list[Path] = argument(
        "annotations of faces that the cascade finds (info.dat, COCO, imglab, VOC, YOLO or JSON), "
        "or folders that hold them; best are pictures that it was not trained on",
        args=["pictures"], nargs="+", metavar="PICTURES",
    )  # fmt: skip
    negatives: list[Path] = option(
        (), "pictures without a face, or folders of them: windows off faces are drawn from these "
        "as well", nargs="+", metavar="PICTURE",
    )  # fmt: skip
    out: Path = option(Path("tightened.xml"), "where the faster cascade goes", metavar="XML")
    keep: float = option(
        0.99, "share of the faces of which enough windows must pass still", metavar="SHARE"
    )
    windows: int = option(
        6, "windows that are enough to find a face: more than the min neighbors of the searches to "
        "come", metavar="COUNT",
    )  # fmt: skip
    stages: Optional[int] = option(
        None, "raise the thresholds of the first so many stages, for searches with these alone; "
        "without it all", metavar="COUNT",
    )  # fmt: skip
    scale_factor: float = option(
        1.1, "of the searches to come: from one window size to the next", metavar="FACTOR"
    )
    min_size: int = option(24, "of the searches to come: the smallest window", metavar="PIXELS")
    limit: Optional[int] = option(
        None, "pictures drawn of each source; without it all", metavar="COUNT"
    )
    seed: int = option(0, "seed of the draws and the parts")

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        require(self.seed >= 0, f"--seed {self.seed} must be 0 or more")
        require(0 < self.keep <= 1, f"--keep {self.keep} must be above 0 and at most 1")
        for name in ("windows", "stages", "limit", "min_size"):
            value, flag = getattr(self, name), name.replace("_", "-")
            require(value is None or value >= 1, f"--{flag} {value} must be at least 1")
        require(
            1.01 <= self.scale_factor <= 10,
            f"--scale-factor {self.scale_factor} must be 1.01 to 10",
        )


class Collected(NamedTuple):
    """What thresholds are chosen by, of all pictures."""

    faces: "FaceWindows"
    face_picture: np.ndarray  # int64 (faces,)
    missed: int  # faces without a window that passes
    others: np.ndarray  # float64 (m, stages)
    other_picture: np.ndarray  # int64 (m,)


def tighten(
    options: TightenOptions,
    tell: Tell = lambda line: None,
    progress: Progress = lambda what, done, total: None,
) -> "Cascade":
    """Search, choose, measure on pictures held out, save.

    Raises UserError when there are too few faces or windows off them, or the output is there.
    """
    from cvbaseline.detector_quality.options import check_outputs
    from cvbaseline.formats.cascade_xml import load_cascade, save_cascade
    from cvbaseline.formats.files import check_writable
    from cvbaseline.shipped import cascade_path
    from cvbaseline.tightening.window_sums import StageSums
    from cvbaseline.verifier_boxes import pictures_of

    check_outputs(options.out)
    whole = load_cascade(cascade_path(options.cascade))
    require(len(whole.stages) > 0, f"{options.cascade} has no stages")
    first = replace(whole, stages=whole.stages[: options.stages])
    pictures = pictures_of(options.pictures, (), options.negatives, options.limit, options.seed)
    check_writable(options.out)
    sums = StageSums(first)
    collected = collect(first, sums, pictures, options, tell, progress)
    tell(f"{collected.faces.count} faces with a window that passes, {collected.missed} without")
    _require_enough(collected)
    tell("choosing by four fifths of the pictures, to measure on the rest")
    tell(measured(collected, first, sums, options))
    thresholds = _chosen(collected, first, sums, options)
    raised = thresholds > sums.thresholds
    stages = [
        replace(stage, threshold=float(new)) if higher else stage
        for stage, new, higher in zip(first.stages, thresholds, raised)
    ]
    for number, (stage, before, after) in enumerate(zip(stages, sums.thresholds, thresholds), 1):
        tell(f"stage {number:2}: {stage.trees.count:3} weak classifiers, threshold "
             f"{before:.4f} -> {after:.4f}")  # fmt: skip
    cascade = replace(whole, stages=(*stages, *whole.stages[len(stages) :]))
    save_cascade(options.out, cascade)
    tell(f"the cascade is in {options.out}")
    return cascade


def _require_enough(collected: Collected) -> None:
    """Raise UserError when there is too little to choose by."""
    count = collected.faces.count
    require(
        count >= FEWEST and len(np.unique(collected.face_picture)) >= PARTS,
        f"{count} faces found are too few to choose by ({FEWEST} in {PARTS} pictures): give more "
        "pictures, or ones that the cascade finds faces in",
    )
    require(
        len(collected.others) >= FEWEST_OTHERS,
        f"{len(collected.others)} windows off faces are too few to choose by ({FEWEST_OTHERS}): "
        "give pictures without faces (--negatives)",
    )


def collect(
    cascade: "Cascade",
    sums: "StageSums",
    pictures: "list[SearchedPicture]",
    options: TightenOptions,
    tell: Tell,
    progress: Progress,
) -> Collected:
    """Windows of all pictures; a picture that cannot be read is named and left out."""
    from cvbaseline.images import read_grey
    from cvbaseline.opencv_cascade import OpenCVCascade
    from cvbaseline.tightening.window_sums import joined_faces, picture_windows
    from cvbaseline.window_search import Search

    detector = OpenCVCascade(cascade).detector()
    generator = np.random.default_rng(options.seed)
    each = -(-OTHERS // max(1, len(pictures)))
    faces, face_picture, others, other_picture = [], [], [], []
    for number, (picture, _) in enumerate(pictures):
        progress("searching pictures", number + 1, len(pictures))
        try:
            grey = np.ascontiguousarray(read_grey(picture.path))
        except PictureError as error:
            tell(f"left out: {error}")
            continue
        search = Search(grey, detector, options.scale_factor, options.min_size, None)
        found = picture_windows(search, picture.boxes, picture.ignore, sums, each, generator)
        faces += found.faces
        face_picture += [number] * len(found.faces)
        others.append(found.others)
        other_picture += [number] * len(found.others)
    require(bool(faces), "no picture with a face can be read")
    seen = np.array([len(one) > 0 for one in faces], bool)
    return Collected(
        joined_faces(faces), np.array(face_picture, np.int64)[seen], int((~seen).sum()),
        np.concatenate(others), np.array(other_picture, np.int64),
    )  # fmt: skip


def measured(
    collected: Collected, cascade: "Cascade", sums: "StageSums", options: TightenOptions
) -> str:
    """What tightening does on pictures that thresholds were not chosen by, in words."""
    from cvbaseline.bootstrap import estimated_share
    from cvbaseline.tightening.thresholds import faces_kept, weak_per_window

    pictures, generator = np.unique(collected.face_picture), np.random.default_rng(options.seed)
    faceless = np.setdiff1d(collected.other_picture, pictures)
    tested = np.concatenate([generator.permutation(some)[::PARTS] for some in (pictures, faceless)])
    held_out = np.isin(collected.face_picture, tested)
    of_others = np.isin(collected.other_picture, tested)
    thresholds = _chosen(
        collected._replace(
            faces=collected.faces.of(~held_out), others=collected.others[~of_others]
        ), cascade, sums, options,
    )  # fmt: skip
    kept = faces_kept(collected.faces, thresholds, options.windows)
    share = estimated_share(kept, held_out, collected.face_picture)
    weak, others = _weak(cascade), collected.others[of_others]
    before = weak_per_window(others, sums.thresholds, weak)
    after = weak_per_window(others, thresholds, weak)
    return (
        f"of these, enough windows of {share} of the faces pass still (95 % interval), and a "
        f"window off faces takes {after:.1f} weak classifiers, not {before:.1f}"
    )


def _chosen(
    collected: Collected, cascade: "Cascade", sums: "StageSums", options: TightenOptions
) -> np.ndarray:
    """The thresholds that the windows call for, float64 (stages,)."""
    from cvbaseline.tightening.thresholds import tightened

    return tightened(
        collected.faces, collected.others, sums.thresholds, _weak(cascade), options.keep,
        options.windows,
    )  # fmt: skip


def _weak(cascade: "Cascade") -> np.ndarray:
    """The number of weak classifiers of each stage, int (stages,)."""
    return np.array([stage.trees.count for stage in cascade.stages])
