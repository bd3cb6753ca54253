"""What `evaluate` and `compare` are told alike: the search, what counts as found, the outputs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.errors import require
from cvbaseline.grouping import PATH_GROUPINGS, check_grouping
from cvbaseline.options import option

PAGE_SUFFIXES = (".html", ".htm")


@dataclass(frozen=True, kw_only=True)
class MeasuringOptions(DetectionParameters):
    """How detectors are measured."""

    only: list[str] = option((), "labels that are faces; all without", nargs="+", metavar="LABEL")
    group_by: Optional[str] = option(
        None,
        "what is drawn whole for the intervals, as a show or an artist: folder:LEVEL (1 is the "
        "first folder below PICTURES) or pattern:REGEX on the path (its first parenthesis); "
        "without it each picture by itself",
        metavar="GROUPING",
    )
    min_iou: float = option(
        0.3, "overlap with a true box (intersection over union) that counts as found",
        args=["--min-iou"], metavar="IOU",
    )  # fmt: skip
    rounds: int = option(
        3, "times each picture is searched for the speed; the median counts", metavar="COUNT"
    )
    searches: Path = option(
        Path("cvbaseline-searches.jsonl"),
        "file that keeps what is found in each picture and the time it took: the next run searches "
        "only what is missing there", metavar="FILE",
    )  # fmt: skip
    gallery: int = option(60, "pictures in each gallery of the report", metavar="COUNT")
    json: Optional[Path] = option(
        None, "write all measures, and what was found in every picture, to this file",
        metavar="FILE",
    )  # fmt: skip
    report: Optional[Path] = option(
        None, "write a page with curves and galleries, to a file (.html) or into a folder",
        metavar="FILE",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        super().__post_init__()
        check_grouping(self.group_by, PATH_GROUPINGS)
        require(0 < self.min_iou <= 1, f"--min-iou {self.min_iou} must be above 0 and at most 1")
        require(self.rounds >= 1, f"--rounds {self.rounds} must be at least 1")
        require(self.gallery >= 0, f"--gallery {self.gallery} must be 0 or more")


def page_path(report: Optional[Path], name: str) -> Optional[Path]:
    """Where the page goes: the file asked for, or `name` in the folder asked for."""
    if report is None or (report.suffix.lower() in PAGE_SUFFIXES and not report.is_dir()):
        return report
    return report / name


def check_outputs(*paths: Optional[Path]) -> None:
    """Raise UserError for an output that is there already, before any work is done."""
    for path in paths:
        taken = path is not None and path.exists()
        require(not taken, f"{path} is there already: name another output, or move it away")
