"""The cascade: what a trainer makes, a cascade file holds and a detector runs (Viola & Jones 2001).

Flat arrays throughout, so that kernels take them as they are. A stage is a sum of trees with a
threshold; a cascade is its stages, the features that their nodes name, and the window size.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Optional, Union

import numpy as np

# Both the old trainer and OpenCV's detector reject a window when its sum is below the stage
# threshold minus this, because sums are rounded differently in different places.
STAGE_THRESHOLD_EPSILON = 1e-5

FeatureType = Literal["HAAR", "LBP"]


class HaarFeatures(NamedTuple):
    """Haar features: weighted sums of 2 or 3 rectangles over the window's standard deviation."""

    rects: np.ndarray  # int32 (n, 3, 4): x, y, width, height; an unused third rectangle is all 0
    weights: np.ndarray  # float32 (n, 3); 0 for an unused rectangle
    tilted: np.ndarray  # bool (n,): rectangles turned by 45 degrees about their top corner


class LbpFeatures(NamedTuple):
    """Multi-block local binary patterns: a 3x3 grid of cells, compared with the centre cell."""

    cells: np.ndarray  # int32 (n, 4): x, y, width, height of the top left cell


Features = Union[HaarFeatures, LbpFeatures]


class Trees(NamedTuple):
    """The weak classifiers of a stage: decision trees laid end to end, nodes breadth first.

    Tree t has the nodes first_node[t] : first_node[t + 1], and one leaf more than nodes, so its
    leaves begin at first_node[t] + t. A child above 0 is a node's place within the tree; a child
    of 0 or below, -k, is leaf k of the tree. A stump is left 0, right -1.
    """

    first_node: np.ndarray  # int32 (trees + 1,)
    left: np.ndarray  # int32 (nodes,): taken when value < threshold, or when the code's bit is set
    right: np.ndarray  # int32 (nodes,)
    feature: np.ndarray  # int32 (nodes,): index into the cascade's features (or the full pool)
    threshold: np.ndarray  # float64 (nodes,): HAAR only; zeros for LBP
    subset: np.ndarray  # int32 (nodes, 8): LBP only, 256 bits of codes that go left; zeros for HAAR
    leaf: np.ndarray  # float64 (nodes + trees,)

    @property
    def count(self) -> int:
        """The number of trees (weak classifiers)."""
        return len(self.first_node) - 1


@dataclass(frozen=True, eq=False)
class Stage:
    """A boosted classifier: a window passes when the sum of its trees reaches the threshold."""

    threshold: float
    trees: Trees


@dataclass(frozen=True)
class TrainingParameters:
    """What params.xml and the head of a cascade.xml say of the training; detectors ignore it."""

    boost_type: Literal["GAB", "DAB", "RAB", "LB"] = "GAB"
    min_hit_rate: float = 0.995
    max_false_alarm: float = 0.5
    weight_trim_rate: float = 0.95
    max_depth: int = 1
    max_weak_count: int = 100
    mode: Optional[Literal["BASIC", "CORE", "ALL"]] = None  # HAAR only


@dataclass(frozen=True, eq=False)
class Cascade:
    """A whole detector. `stages[i].trees.feature` indexes `features`, in every stage."""

    feature_type: FeatureType
    width: int
    height: int
    features: Features
    stages: tuple[Stage, ...]
    training: TrainingParameters = field(default_factory=TrainingParameters)

    @property
    def weak_count(self) -> int:
        """The number of weak classifiers over all stages."""
        return sum(stage.trees.count for stage in self.stages)


def join_trees(parts: list[Trees]) -> Trees:
    """Trees of several parts laid end to end, as one."""
    counts = [np.diff(part.first_node) for part in parts]
    first_node = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int32)
    others = [np.concatenate(column) for column in list(zip(*parts))[1:]]
    return Trees(first_node, *others)
