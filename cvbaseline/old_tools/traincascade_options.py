"""The flags of opencv_traincascade, importable without the heavy libraries."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional, Union

import numpy as np

from cvbaseline.cascade import TrainingParameters
from cvbaseline.errors import require
from cvbaseline.options import option

# Flags of opencv_haartraining, which tutorials still pass, that have no heir here, and how many
# values follow each. The others are the second names of their heirs.
OBSOLETE = {
    "-mem": 1, "-nsplits": 1, "-minpos": 1, "-sym": 0, "-nonsym": 0, "-maxtreesplits": 1, "-eqw": 0,
    "-err": 1, "-bg-vecfile": 0,
}  # fmt: skip


def single_precision(word: str) -> float:
    """A rate as the old tool reads it; its default stays in double precision."""
    return float(np.float32(word))


@dataclass(frozen=True, kw_only=True)
class TraincascadeOptions:
    """Train a cascade with the flags of OpenCV 3.4's opencv_traincascade."""

    data: Path = option(help="folder of the cascade", args=["-data"])
    vec: Path = option(help="positives: a .vec file", args=["-vec"])
    bg: Path = option(help="negatives: a file with a picture's path on each line", args=["-bg"])
    num_pos: Union[int, Literal["auto"]] = option(
        2000, "positives of a stage; auto: as many as last for all stages",
        args=["-numPos", "-npos"],
    )  # fmt: skip
    num_neg: int = option(1000, "negatives of a stage", args=["-numNeg", "-nneg"])
    num_stages: int = option(20, "stages", args=["-numStages", "-nstages"])
    precalc_val_buf_size: int = option(
        1024, "taken for the old command lines' sake; no such buffer is needed",
        args=["-precalcValBufSize"],
    )  # fmt: skip
    precalc_idx_buf_size: int = option(
        1024, "taken for the old command lines' sake; no such buffer is needed",
        args=["-precalcIdxBufSize"],
    )  # fmt: skip
    base_format_save: bool = option(
        False, "write cascade.xml in the layout before OpenCV 2.4 (HAAR only)",
        args=["-baseFormatSave"],
    )  # fmt: skip
    num_threads: Optional[int] = option(
        None, "threads (default: one for each core)", args=["-numThreads"]
    )
    acceptance_ratio_break_value: float = option(
        -1.0, "stop when the share of accepted negatives is not above this; -1 never does",
        args=["-acceptanceRatioBreakValue"],
    )  # fmt: skip
    stage_type: Literal["BOOST"] = option("BOOST", "kind of stages", args=["-stageType"])
    feature_type: Literal["HAAR", "LBP"] = option("HAAR", "HAAR or LBP", args=["-featureType"])
    width: int = option(24, "width of the samples", args=["-w"])
    height: int = option(24, "height of the samples", args=["-h"])
    boost_type: Literal["DAB", "RAB", "LB", "GAB"] = option(
        "GAB", "DAB, RAB, LB or GAB", args=["-bt"]
    )
    min_hit_rate: float = option(
        0.995, "share of positives that a stage must pass", args=["-minHitRate", "-minhitrate"]
    )
    max_false_alarm: float = option(
        0.5, "share of negatives that a stage may pass",
        args=["-maxFalseAlarmRate", "-maxfalsealarm"],
    )  # fmt: skip
    weight_trim_rate: float = option(
        0.95, "weight of the samples a tree is trained on",
        args=["-weightTrimRate", "-weighttrimming"], type=single_precision,
    )  # fmt: skip
    max_depth: int = option(1, "depth of the trees", args=["-maxDepth"])
    max_weak_count: int = option(100, "trees of a stage at most", args=["-maxWeakCount"])
    mode: Literal["BASIC", "CORE", "ALL"] = option(
        "BASIC", "set of HAAR features: BASIC, CORE or ALL", args=["-mode"]
    )
    search: Literal["fast", "exhaustive"] = option(
        "fast", "fast, or exhaustive: the old tool's order of negatives and choice of features",
        args=["-search"],
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check the values; raises UserError with the mend."""
        for flag, value in (("-numPos", self.num_pos), ("-numNeg", self.num_neg)):
            require(value == "auto" or value >= 1, f"{flag} {value} must be at least 1")
        require(self.num_stages >= 1, f"-numStages {self.num_stages} must be at least 1")
        for flag, rate in (
            ("-minHitRate", self.min_hit_rate),
            ("-maxFalseAlarmRate", self.max_false_alarm),
            ("-weightTrimRate", self.weight_trim_rate),
        ):
            require(0 < rate <= 1, f"{flag} {rate} must be above 0 and at most 1, like 0.995")
        for flag, side in (("-w", self.width), ("-h", self.height)):
            require(3 <= side <= 255, f"{flag} {side} must be from 3 to 255 pixels")
        require(self.max_depth >= 1, "-maxDepth must be at least 1")
        require(self.max_weak_count >= 1, "-maxWeakCount must be at least 1")
        require(
            not (self.base_format_save and self.feature_type == "LBP"),
            "-baseFormatSave holds HAAR cascades only: leave it out, or use -featureType HAAR",
        )
        require(
            self.num_threads is None or self.num_threads >= 1, "-numThreads must be at least 1"
        )

    @property
    def parameters(self) -> TrainingParameters:
        """What params.xml records; the old tool holds two rates in single precision."""
        return TrainingParameters(
            boost_type=self.boost_type,
            min_hit_rate=float(np.float32(self.min_hit_rate)),
            max_false_alarm=float(np.float32(self.max_false_alarm)),
            weight_trim_rate=self.weight_trim_rate,
            max_depth=self.max_depth,
            max_weak_count=self.max_weak_count,
            mode=self.mode if self.feature_type == "HAAR" else None,
        )


def header(options: TraincascadeOptions) -> list[str]:
    """The parameters as the old tool lists them."""
    lines = [
        "PARAMETERS:",
        f"cascadeDirName: {options.data}",
        f"vecFileName: {options.vec}",
        f"bgFileName: {options.bg}",
        f"numPos: {options.num_pos}",
        f"numNeg: {options.num_neg}",
        f"numStages: {options.num_stages}",
        f"precalcValBufSize[Mb] : {options.precalc_val_buf_size}",
        f"precalcIdxBufSize[Mb] : {options.precalc_idx_buf_size}",
        f"acceptanceRatioBreakValue : {options.acceptance_ratio_break_value:g}",
        f"stageType: {options.stage_type}",
        f"featureType: {options.feature_type}",
        f"sampleWidth: {options.width}",
        f"sampleHeight: {options.height}",
        f"boostType: {options.boost_type}",
        f"minHitRate: {options.min_hit_rate:g}",
        f"maxFalseAlarmRate: {options.max_false_alarm:g}",
        f"weightTrimRate: {options.weight_trim_rate:g}",
        f"maxDepth: {options.max_depth}",
        f"maxWeakCount: {options.max_weak_count}",
    ]
    return lines + ([f"mode: {options.mode}"] if options.feature_type == "HAAR" else [])
