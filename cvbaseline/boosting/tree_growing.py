"""One weak classifier: a small decision tree grown on weighted samples (Breiman et al. 1984).

The rules are those of the old trainer (OpenCV 3.4): a node is split when it is above the depth
limit, holds more than 10 samples and is not pure; the split is whatever a Search says is best by
the criterion of the kind of boosting:

- least squares (GAB, LB), on responses z: greatest S_l^2 / W_l + S_r^2 / W_r with W the weight and
  S the sum of w z on either side; a node answers with its weighted mean of z;
- Gini (RAB), on classes: greatest (A_l^2 + B_l^2) / W_l + (A_r^2 + B_r^2) / W_r with A, B the
  weights of the classes; a node answers ln(p / (1 - p)) / 2, p the share of class 1;
- error (DAB), on classes: greatest max(A_l + B_r, B_l + A_r); a node answers -1 or 1.

Sums run over the samples one by one in float64 (np.cumsum, not np.sum, which adds pairwise), so
that they are rounded as the old trainer's.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, Optional, Protocol

import numpy as np

from cvbaseline.cascade import Trees

LEAST_SQUARES, GINI, ERROR = 0, 1, 2  # criteria, as kernels take them

LEAST_SAMPLES = 10  # a node of so few is a leaf
# A least-squares node is a leaf when its standard deviation over sqrt(weight) is below this.
REGRESSION_ACCURACY = float(np.float32(0.01))


class Load(NamedTuple):
    """What a search for the best split reads; samples outside the node are skipped."""

    weights: np.ndarray  # float64 (n,)
    targets: np.ndarray  # float32 (n,): responses z, or classes 0 and 1
    inside: np.ndarray  # bool (n,): the node's samples
    totals: np.ndarray  # float64 (2,): the node's W and S, or the weights of class 0 and 1
    criterion: int


def pair_up(load: Load, members: np.ndarray) -> np.ndarray:
    """What tables add up, float64 (members, 2).

    Weight and weighted response of each member, or its weight as of class 0 and of class 1.
    """
    weights, targets = load.weights[members], load.targets[members]
    if load.criterion == LEAST_SQUARES:
        return np.stack([weights, weights * targets], axis=1)
    return np.stack([weights * (targets == 0), weights * (targets != 0)], axis=1)


class Split(NamedTuple):
    """The best split of a node; `left` is about the node's samples in ascending order."""

    feature: int
    threshold: float  # HAAR; 0 for LBP
    subset: np.ndarray  # int32 (8,): LBP, the codes that go left; zeros for HAAR
    left: np.ndarray  # bool (samples of the node,)


class Search(Protocol):
    """Finds the split of a node among all features; holds the samples of a stage."""

    def best_split(self, load: Load, depth: int) -> Optional[Split]:
        """The best split, or None where no feature tells the node's samples apart.

        The depth is 0 at a tree's root, where every tree's search begins.
        """

    def goes_left(self, split: Split) -> np.ndarray:
        """Where the finished tree sends all samples: bool (n,)."""


@dataclass
class _Branch:
    value: float
    split: Optional[Split] = None
    left: Optional["_Branch"] = None
    right: Optional["_Branch"] = None


class GrownTree(NamedTuple):
    """A tree and its answers."""

    tree: Trees  # one tree
    trained: np.ndarray  # float64 (n,): answers as the samples fell while the tree was grown
    walked: np.ndarray  # float64 (n,): answers as the finished tree gives them


def grow_tree(
    search: Search, criterion: int, weights: np.ndarray, targets: np.ndarray, used: np.ndarray,
    max_depth: int,
) -> Optional[GrownTree]:
    """Grow a tree on the samples `used`, bool (n,); None when not even the root can be split.

    The two answers of a sample differ only where rounding puts a threshold on a value, and for
    samples outside `used`, which have only the second.
    """
    growing = _Growing(search, criterion, weights, targets, max_depth)
    root = growing.grow(used, 0)
    if root.split is None:
        return None
    growing.walk(root, np.ones(len(weights), bool))
    outside = np.isnan(growing.trained)
    growing.trained[outside] = growing.walked[outside]
    return GrownTree(_lay_out(root), growing.trained, growing.walked)


class _Growing:
    """One tree under way; no closures, whose cycles would keep a search's tables in memory."""

    def __init__(
        self, search: Search, criterion: int, weights: np.ndarray, targets: np.ndarray,
        max_depth: int,
    ):
        self.search = search
        self.criterion = criterion
        self.weights = weights
        self.targets = targets
        self.max_depth = max_depth
        self.trained = np.full(len(weights), np.nan)
        self.walked = np.empty(len(weights))

    def grow(self, inside: np.ndarray, depth: int) -> _Branch:
        """The branch for the samples inside, and their answers."""
        load, value, divisible = _weigh(self.criterion, self.weights, self.targets, inside)
        split = None
        if divisible and depth < self.max_depth:
            split = self.search.best_split(load, depth)
        if split is None:
            self.trained[inside] = value
            return _Branch(value)
        to_left, to_right = inside.copy(), inside.copy()
        to_left[inside] = split.left
        to_right[inside] = ~split.left
        return _Branch(value, split, self.grow(to_left, depth + 1), self.grow(to_right, depth + 1))

    def walk(self, branch: _Branch, here: np.ndarray) -> None:
        """Answer as the finished tree does, with its rounded thresholds."""
        if branch.split is None:
            self.walked[here] = branch.value
            return
        left = self.search.goes_left(branch.split)
        self.walk(branch.left, here & left)
        self.walk(branch.right, here & ~left)


def _running_sum(terms: np.ndarray) -> float:
    return float(np.cumsum(terms)[-1]) if len(terms) else 0.0


def _weigh(
    criterion: int, weights: np.ndarray, targets: np.ndarray, inside: np.ndarray
) -> tuple[Load, float, bool]:
    """The node's load, its answer, and whether it is worth splitting."""
    w, t = weights[inside], targets[inside].astype(np.float64)
    count = len(w)
    if criterion == LEAST_SQUARES:
        total, first, second = _running_sum(w), _running_sum(t * w), _running_sum(t * t * w)
        inverse = 1.0 / total
        value = first * inverse
        risk = (second - (first * inverse) * first) * (count * inverse * count * inverse)
        # A risk rounded below 0 does not stop the old trainer: its square root is not a number.
        divisible = risk < 0 or not math.sqrt(risk) / count < REGRESSION_ACCURACY
        totals = (total, value * total)
    else:
        weight0, weight1 = _running_sum(w[t == 0]), _running_sum(w[t == 1])
        divisible = bool((t == 0).any() and (t == 1).any())
        if criterion == ERROR:
            value = 1.0 if weight1 > weight0 else -1.0
        else:
            value = 0.5 * log_odds(weight1 / (weight0 + weight1))
        totals = (weight0, weight1)
    load = Load(weights, targets, inside, np.array(totals), criterion)
    return load, value, divisible and count > LEAST_SAMPLES


def log_odds(share: float) -> float:
    """ln(p / (1 - p)), with p kept 1e-5 away from 0 and 1."""
    share = min(max(share, 1e-5), 1.0 - 1e-5)
    return math.log(share / (1.0 - share))


def _lay_out(root: _Branch) -> Trees:
    """Number nodes and leaves as they are met breadth first, left before right."""
    nodes, leaves, children = [], [], []
    queue = deque([root])
    met = 1
    while queue:
        branch = queue.popleft()
        nodes.append(branch.split)
        for child in (branch.left, branch.right):
            if child.split is None:
                children.append(-len(leaves))
                leaves.append(child.value)
            else:
                children.append(met)
                met += 1
                queue.append(child)
    return Trees(
        first_node=np.array([0, len(nodes)], np.int32),
        left=np.array(children[0::2], np.int32),
        right=np.array(children[1::2], np.int32),
        feature=np.array([split.feature for split in nodes], np.int32),
        threshold=np.array([split.threshold for split in nodes], np.float64),
        subset=np.array([split.subset for split in nodes], np.int32),
        leaf=np.array(leaves, np.float64),
    )
