"""The options of `cvbaseline cascade train`, importable without the heavy libraries."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional

import numpy as np

from cvbaseline.cascade import TrainingParameters
from cvbaseline.errors import UserError, require
from cvbaseline.options import option

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Seconds from "90", "90s", "10m" or "1.5h"; anything else raises UserError."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+) ?([smh]?)", text.strip().lower())
    if match is None:
        raise UserError(f"{text!r} is not a time: write 90s, 10m or 1.5h")
    return float(match[1]) * _SECONDS[match[2]]


@dataclass(frozen=True, kw_only=True)
class CascadeTrainingOptions:
    """Train a Haar or LBP cascade that OpenCV 4 and 5 load.

    The output folder receives params.xml, a stageN.xml for each stage, cascade.xml (valid after
    every stage) and the report (report.json, report.txt). The same options and seed give the same
    cascade, byte for byte, whatever the number of threads and however often it was interrupted;
    only a time budget may end it earlier.
    """

    positives: list[Path] = option(
        help="what to find: folders of crops, annotated pictures (info.dat) or .vec files",
        nargs="+", metavar="PATH",
    )  # fmt: skip
    negatives: list[Path] = option(
        help="pictures without it: folders, or lists of pictures (bg.txt)",
        nargs="*", metavar="PATH", default=(),
    )  # fmt: skip
    boxed_negatives: list[Path] = option(
        help="annotated pictures (info.dat) whose parts outside every box serve as negatives",
        nargs="*", metavar="INFO", default=(),
    )  # fmt: skip
    output: Path = option(help="folder of the cascade and its report", metavar="FOLDER")
    feature_type: Literal["LBP", "HAAR"] = option("LBP", "kind of features", args=["--features"])
    mode: Literal["BASIC", "CORE", "ALL"] = option("BASIC", "set of Haar features")
    width: int = option(24, "width of the window in pixels")
    height: int = option(24, "height of the window in pixels")
    num_stages: int = option(16, "stages at most", args=["--stages"], metavar="N")
    num_positives: Optional[int] = option(
        None, "positives of a stage (default: all; with augmentation at least 2000)", metavar="N"
    )
    num_negatives: Optional[int] = option(
        None, "negatives of a stage (default: as many as positives)", metavar="N"
    )
    min_hit_rate: list[float] = option(
        (0.995,), "share of a stage's positives that must pass it; of several the first are those "
        "of the first stages, and the last that of all stages after them",
        nargs="+", metavar="SHARE",
    )  # fmt: skip
    max_false_alarm: list[float] = option(
        (0.5,), "share of a stage's negatives that may pass it; one or several likewise",
        nargs="+", metavar="SHARE",
    )  # fmt: skip
    max_weak_count: int = option(200, "weak classifiers of a stage at most", metavar="N")
    boost_type: Literal["GAB", "DAB", "RAB", "LB"] = option("GAB", "Gentle, Discrete, Real, Logit")
    max_depth: int = option(1, "depth of the trees; 1 is a stump")
    weight_trim_rate: float = option(0.95, "weight of the samples that a tree is trained on")
    search: Literal["fast", "exhaustive"] = option(
        "fast", "exhaustive chooses features by the rules of opencv_traincascade"
    )
    augment: Literal["none", "weak", "medium", "strong"] = option(
        "strong", "vary the positives afresh for every stage: place, light, sharpness; medium "
        "suits boxes of cascade align"
    )
    mirror: bool = option(True, "do not show positives mirrored as well")
    window_share: float = option(
        1.0, "part of a crop or box that the window shows; below 1 cuts tighter"
    )
    window_centre: list[float] = option(
        (0.5, 0.5), "the window's centre within a crop or box", nargs=2, metavar=("X", "Y")
    )
    hold_out: float = option(0.1, "share of the positives kept out of training to measure on")
    validate: list[Path] = option(
        (), "annotated pictures (info.dat) to count found and false boxes on after the stages",
        nargs="*", metavar="INFO",
    )  # fmt: skip
    min_neighbors: int = option(10, "windows that make a box when validating")
    windows_per_picture: int = option(30, "negatives from one picture and stage at most")
    scan_limit: int = option(
        300, "millions of windows scanned for the negatives of a stage at most", metavar="MILLIONS"
    )
    cache_mb: int = option(300, "memory for decoded pictures without it", metavar="MB")
    budget: Optional[float] = option(
        None, "stop in time with the best cascade so far: 90s, 10m, 1.5h",
        type=parse_duration, metavar="TIME",
    )  # fmt: skip
    seed: int = option(0, "seed of everything random")
    jobs: Optional[int] = option(None, "threads (default: one for each core)", metavar="N")
    resume: bool = option(False, "go on with the stages that the output folder holds")

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        require(len(self.positives) > 0, "no positives: name crops, an info.dat or a .vec")
        require(
            len(self.negatives) + len(self.boxed_negatives) > 0,
            "no negatives: name a folder of pictures without the object, or a bg.txt",
        )
        for name in ("width", "height"):
            side = getattr(self, name)
            require(8 <= side <= 255, f"--{name} {side} must be from 8 to 255 pixels")
        for name in ("num_positives", "num_negatives"):
            count = getattr(self, name)
            flag = f"--{name.replace('_', '-')}"
            require(count is None or count >= 10, f"{flag} {count} must be at least 10")
        require(self.num_stages >= 1, f"--stages {self.num_stages} must be at least 1")
        require(self.max_weak_count >= 1, "--max-weak-count must be at least 1")
        require(1 <= self.max_depth <= 20, "--max-depth must be from 1 to 20")
        for name in ("min_hit_rate", "max_false_alarm"):
            flag = f"--{name.replace('_', '-')}"
            require(len(getattr(self, name)) > 0, f"{flag} needs a share, like 0.995 and 0.5")
            for rate in getattr(self, name):
                require(0 < rate < 1, f"{flag} {rate} must lie between 0 and 1, like 0.995 and 0.5")
        require(0 < self.weight_trim_rate <= 1, "--weight-trim-rate must be above 0, at most 1")
        require(0.2 <= self.window_share <= 2, "--window-share must be from 0.2 to 2")
        require(
            len(self.window_centre) == 2 and all(0 <= place <= 1 for place in self.window_centre),
            "--window-centre takes two numbers from 0 to 1",
        )
        require(0 <= self.hold_out <= 0.5, "--hold-out must be from 0 to 0.5")
        require(self.min_neighbors >= 0, "--min-neighbors must not be negative")
        require(self.windows_per_picture >= 1, "--windows-per-picture must be at least 1")
        require(self.scan_limit >= 1, "--scan-limit must be at least 1 million windows")
        require(self.cache_mb >= 0, "--cache-mb must not be negative")
        require(self.budget is None or self.budget > 0, "--budget must be above 0")
        require(self.seed >= 0, "--seed must not be negative")
        require(self.jobs is None or self.jobs >= 1, "--jobs must be at least 1")

    @property
    def parameters(self) -> TrainingParameters:
        """What params.xml and the head of cascade.xml record: of the rates the loosest."""
        return self._parameters(min(self.min_hit_rate), max(self.max_false_alarm))

    def stage_parameters(self, number: int) -> TrainingParameters:
        """Those of a stage, counted from 0."""
        hit_rate = self.min_hit_rate[: number + 1][-1]
        return self._parameters(hit_rate, self.max_false_alarm[: number + 1][-1])

    def _parameters(self, min_hit_rate: float, max_false_alarm: float) -> TrainingParameters:
        return TrainingParameters(
            boost_type=self.boost_type,
            # opencv_traincascade holds these two in single precision.
            min_hit_rate=float(np.float32(min_hit_rate)),
            max_false_alarm=float(np.float32(max_false_alarm)),
            weight_trim_rate=self.weight_trim_rate,
            max_depth=self.max_depth,
            max_weak_count=self.max_weak_count,
            mode=self.mode if self.feature_type == "HAAR" else None,
        )
