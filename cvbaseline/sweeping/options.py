"""The options of the verb `sweep`, importable without the heavy libraries."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional

from cvbaseline.errors import require
from cvbaseline.grouping import PATH_GROUPINGS, check_grouping
from cvbaseline.options import argument, option
from cvbaseline.sweeping.grid import GridOptions


@dataclass(frozen=True, kw_only=True)
class SweepOptions(GridOptions):
    """Try detector settings on annotated pictures and recommend one.

    Values are lists (1.1,1.2), ranges (1-15, 20-60:10, 1.1-1.5:0.1), yes, no or both, or none.
    """

    pictures: Path = argument(
        "annotations (info.dat, COCO, imglab, VOC, YOLO), or a folder that holds them",
        args=["pictures"],
        metavar="PICTURES",
    )
    cascade: Optional[Path] = option(
        None, "cascade file, or the name of a shipped one; without it the default", metavar="XML"
    )
    group_by: Optional[str] = option(
        None,
        "what is drawn whole for the intervals and held out whole for the estimate, as a show or "
        "an artist: folder:LEVEL (1 is the first folder below PICTURES, or LABELS) or "
        "pattern:REGEX on the path (its first parenthesis); without it each picture by itself",
        metavar="GROUPING",
    )
    only: list[str] = option((), "labels that are faces; all without", nargs="+", metavar="LABEL")
    min_iou: float = option(
        0.3, "overlap with a true box (intersection over union) that counts as found",
        metavar="IOU",
    )  # fmt: skip
    labels: Optional[Path] = option(
        None,
        "labelled pictures, a folder for each class or a CSV file: measure the sorting as well",
        metavar="LABELS",
    )
    model: Optional[Path] = option(
        None, "model that names their classes; without it the shipped one", metavar="MODEL"
    )
    choose_by: Literal["f1", "accuracy", "macro_f1"] = option(
        "f1", "what the recommended setting must be good at: finding (f1) or sorting"
    )
    out: Optional[Path] = option(
        None,
        "output folder; without it sweep-CASCADE here; what it knows is not searched again",
        metavar="FOLDER",
    )
    jobs: int = option(
        1, "pictures searched side by side (-1: one for each processor); 1 times them best",
        metavar="N",
    )  # fmt: skip
    seed: int = option(0, "seed of the intervals and estimates")

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        check_grouping(self.group_by, PATH_GROUPINGS)
        require(0 < self.min_iou <= 1, f"--min-iou {self.min_iou} must be above 0 and at most 1")
        require(self.jobs != 0, "--jobs must not be 0: give a number, or -1 for all processors")
        require(self.seed >= 0, f"--seed {self.seed} must be 0 or more")
        sorting = self.choose_by != "f1" or self.model is not None
        require(
            self.labels is not None or not sorting,
            "--model and --choose-by need labelled pictures: name them with --labels",
        )
