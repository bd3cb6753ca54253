"""One stage of a cascade: boosted trees until the false alarm rate is low enough.

The kinds of boosting are those of Friedman, Hastie & Tibshirani (2000), "Additive logistic
regression", with the old trainer's details (OpenCV 3.4): samples start with equal weights; the
lightest are left out of the next tree (weight trimming, section 9 there); after each tree the
stage threshold is lowered until the wanted share of positives passes (Viola & Jones 2001).

    GAB  gentle    fit z = y by least squares          w *= exp(-y f)
    LB   logit     fit z = clipped 1/p, -1/(1-p)       w  = p (1 - p), p = 1 / (1 + exp(-2 F))
    RAB  real      f = ln(p / (1 - p)) / 2             w *= exp(-y f)
    DAB  discrete  f = -1 or 1, times ln((1 - e) / e)  w *= exp(that) where f is wrong
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple, Optional, get_args

import numpy as np

from cvbaseline.boosting.search_codes import CodeSearch
from cvbaseline.boosting.search_exhaustive import ExhaustiveHaar
from cvbaseline.boosting.search_screened import ScreenedHaar
from cvbaseline.boosting.tree_growing import (
    ERROR,
    GINI,
    LEAST_SQUARES,
    GrownTree,
    Search,
    grow_tree,
    log_odds,
)
from cvbaseline.cascade import (
    STAGE_THRESHOLD_EPSILON,
    Features,
    FeatureType,
    Stage,
    TrainingParameters,
    join_trees,
)
from cvbaseline.errors import require

BoostType = Literal["GAB", "DAB", "RAB", "LB"]
SearchKind = Literal["fast", "exhaustive"]

_CRITERIA = {"GAB": LEAST_SQUARES, "LB": LEAST_SQUARES, "RAB": GINI, "DAB": ERROR}
_FLOAT_EPSILON = float(np.finfo(np.float32).eps)
_LOGIT_LIMIT = 10.0  # greatest response of LB


@dataclass(frozen=True, kw_only=True)
class StageGoals:
    """When a stage is good enough, and how its trees are grown."""

    boost_type: BoostType = "GAB"
    min_hit_rate: float = 0.995
    max_false_alarm: float = 0.5
    weight_trim_rate: float = 0.95
    max_depth: int = 1
    max_weak_count: int = 100

    def __post_init__(self):
        kinds = get_args(BoostType)
        require(
            self.boost_type in kinds,
            f"boost type {self.boost_type!r} is not known: choose one of {', '.join(kinds)}",
        )
        for name in ("min_hit_rate", "max_false_alarm", "weight_trim_rate"):
            value = getattr(self, name)
            require(0 < value <= 1, f"{name} is {value}: give a share above 0, at most 1")
        for name in ("max_depth", "max_weak_count"):
            value = getattr(self, name)
            require(value >= 1, f"{name} is {value}: give 1 or more")

    @classmethod
    def of(cls, parameters: TrainingParameters) -> "StageGoals":
        """The goals that a training's parameters hold."""
        return cls(**{item.name: getattr(parameters, item.name) for item in fields(cls)})


class Progress(NamedTuple):
    """How the stage does on its own samples after a tree."""

    count: int  # trees so far
    hit_rate: float
    false_alarm: float


def train_stage(
    positives: np.ndarray,
    negatives: np.ndarray,
    feature_type: FeatureType,
    pool: Features,
    goals: StageGoals,
    search: SearchKind = "fast",
    seed: int = 0,
    report: Optional[Callable[[Progress], None]] = None,
    should_stop: Optional[Callable[[], bool]] = None,
) -> Optional[Stage]:
    """Train one stage on windows.

    Parameters
    ----------
    positives, negatives : uint8 (n, h, w) and (m, h, w)
    feature_type, pool : the features to choose from, for windows of h x w pixels
    goals : rates to reach, and the kind of boosting
    search : "exhaustive" makes the choices of OpenCV 3.4.18's trainer; "fast" tries the most
        promising features only
    seed : of the draw of samples on which the fast search screens features
    report : called after every tree
    should_stop : asked after every tree; True ends the stage as it is

    Returns
    -------
    The stage, its nodes naming features by their place in the pool; leaves and thresholds are
    float32 values. None when no feature tells the samples apart, so that no tree can be grown.

    Raises
    ------
    UserError : no positives, no negatives, or windows of different sizes
    """
    require(len(positives) > 0, "no positive samples: a stage needs both kinds")
    require(len(negatives) > 0, "no negative samples: a stage needs both kinds")
    require(
        positives.shape[1:] == negatives.shape[1:],
        f"positives are {positives.shape[2]}x{positives.shape[1]} pixels but negatives "
        f"{negatives.shape[2]}x{negatives.shape[1]}: cut both to one size",
    )
    windows = np.concatenate([positives, negatives])
    finder = _open_search(feature_type, windows, pool, search, seed)
    return _boost(finder, len(positives), len(windows), goals, report, should_stop)


def _open_search(
    feature_type: FeatureType, windows: np.ndarray, pool: Features, search: SearchKind, seed: int
) -> Search:
    if feature_type == "LBP":
        return CodeSearch(windows, pool, old_ties=search == "exhaustive")
    if search == "fast":
        return ScreenedHaar(windows, pool, seed)
    return ExhaustiveHaar(windows, pool)


def _boost(
    finder: Search,
    positive_count: int,
    count: int,
    goals: StageGoals,
    report: Optional[Callable[[Progress], None]],
    should_stop: Optional[Callable[[], bool]],
) -> Optional[Stage]:
    """The boosting loop, on samples of which the first positive_count are positive."""
    labels = np.where(np.arange(count) < positive_count, 1.0, -1.0)
    weights = np.full(count, 1.0 / count)
    used = np.ones(count, bool)
    targets = _first_targets(goals.boost_type, labels)
    sums = np.zeros(count)  # of the stage
    logit = np.zeros(count)  # LB's F
    trees, threshold = [], 0.0
    while len(trees) < goals.max_weak_count and used.any():
        grown = grow_tree(
            finder, _CRITERIA[goals.boost_type], weights, targets, used, goals.max_depth
        )
        if grown is None:
            break
        scale = 1.0
        if goals.boost_type == "LB":
            weights, targets = _update_logit(logit, grown.trained, labels)
        elif goals.boost_type == "DAB":
            weights, scale = _update_discrete(weights, grown.trained, labels)
        else:
            weights = weights * _exp(grown.trained * -labels)
        weights = _normalise(weights)
        used = _trim(weights, goals.weight_trim_rate, used)
        sums += grown.walked * scale
        trees.append(_rounded(grown, scale))
        threshold, hit_rate, false_alarm = _rates(sums, positive_count, goals.min_hit_rate)
        if report is not None:
            report(Progress(len(trees), float(hit_rate), float(false_alarm)))
        reached = false_alarm <= np.float32(goals.max_false_alarm)
        if reached or (should_stop is not None and should_stop()):
            break
    return Stage(float(threshold), join_trees(trees)) if trees else None


def _first_targets(boost_type: BoostType, labels: np.ndarray) -> np.ndarray:
    if boost_type == "GAB":
        return labels.astype(np.float32)
    if boost_type == "LB":
        return (2 * labels).astype(np.float32)
    return (labels > 0).astype(np.float32)


def _exp(x: np.ndarray) -> np.ndarray:
    """exp as OpenCV 3.4 computes it on x86-64: one coefficient of its polynomial is off.

    The relative error, at most 2.4e-13, decides between features that are equally good once few
    samples carry all the weight. OpenCV takes 8 numbers at a time and the rest exactly.
    """
    scaled = x * (64 / math.log(2))
    rest = (scaled - np.rint(scaled)) / 64
    error = (0.009670371139572338 - 0.0013369713757180123) * rest**5 * np.exp2(-rest)
    error[len(x) - len(x) % 8 :] = 0
    return np.exp(x) * (1 + error)


def _update_logit(
    logit: np.ndarray, answers: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add half the answers to F in place; return the new weights and responses."""
    logit += 0.5 * answers
    share = 1.0 / (1.0 + _exp(-2.0 * logit))
    with np.errstate(divide="ignore"):
        wanted = np.where(labels > 0, 1.0 / share, 1.0 / (1.0 - share))
    responses = np.where(labels > 0, 1.0, -1.0) * np.minimum(wanted, _LOGIT_LIMIT)
    return np.maximum(share * (1.0 - share), _FLOAT_EPSILON), responses.astype(np.float32)


def _update_discrete(
    weights: np.ndarray, answers: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, float]:
    """The new weights, and the factor of the tree's answers."""
    wrong = answers != labels
    error = np.cumsum(np.where(wrong, weights, 0.0))[-1] / np.cumsum(weights)[-1]
    scale = -log_odds(error)
    return np.where(wrong, weights * math.exp(scale), weights), scale


def _normalise(weights: np.ndarray) -> np.ndarray:
    total = np.cumsum(weights)[-1]
    return weights * (1.0 / total) if total > _FLOAT_EPSILON else weights


def _trim(weights: np.ndarray, rate: float, used: np.ndarray) -> np.ndarray:
    """Which samples train the next tree: all but the lightest, of 1 - rate of the weight."""
    if rate >= 1:
        return used
    ascending = np.sort(weights)
    # Running remainder, as the old trainer subtracts: the first weight after it is spent.
    remainder = np.subtract.accumulate(np.concatenate([[1.0 - rate], ascending]))[:-1]
    spent = np.flatnonzero(remainder <= 0)
    if len(spent) == 0:
        return np.zeros(len(weights), bool)
    return weights >= ascending[spent[0]]


def _rates(
    sums: np.ndarray, positive_count: int, min_hit_rate: float
) -> tuple[np.float32, np.float32, np.float32]:
    """Stage threshold, hit rate and false alarm rate, rounded where the old trainer rounds."""
    hits = np.sort(sums[:positive_count].astype(np.float32))
    missed = int((np.float32(1) - np.float32(min_hit_rate)) * np.float32(positive_count))
    threshold = hits[missed]
    equal = np.abs(hits[:missed] - threshold) < np.float32(_FLOAT_EPSILON)
    hit_rate = np.float32(positive_count - missed + equal.sum()) / np.float32(positive_count)
    least = float(threshold - np.float32(STAGE_THRESHOLD_EPSILON))
    passed = int((sums[positive_count:] >= least).sum())
    return threshold, hit_rate, np.float32(passed) / np.float32(len(sums) - positive_count)


def _rounded(grown: GrownTree, scale: float):
    """The tree as files hold it: leaves in float32, times the factor."""
    leaf = (grown.tree.leaf * scale).astype(np.float32).astype(np.float64)
    return grown.tree._replace(leaf=leaf)
