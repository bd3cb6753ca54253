"""What each stage of a cascade passes of given samples and pictures, and how its trees vote."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvbaseline.cascade import Cascade, HaarFeatures, LbpFeatures, Trees
from cvbaseline.errors import PictureError, UserError
from cvbaseline.evaluation.evaluator import judge, judge_windows, pack
from cvbaseline.evaluation.integral import integral_image
from cvbaseline.features.haar import corners, evaluate_haar, prepare_haar
from cvbaseline.features.lbp import evaluate_lbp, prepare_lbp
from cvbaseline.formats.annotations import load_background
from cvbaseline.formats.vec import load_vec
from cvbaseline.images import find_pictures, read_grey
from cvbaseline.old_tools.info_samples import samples_from_info
from cvbaseline.training.augmentation import Chip, cut_window
from cvbaseline.training.old_rules import levels

Tell = Callable[[str], None]

MOST_POSITIVES = 20_000
KEPT = 400  # windows without the object kept for each stage, to count its votes
KEPT_OF_PICTURE = 40


class Passed(NamedTuple):
    """How many windows reach each stage and how many pass it, int64 (stages,) each."""

    reached: np.ndarray
    passed: np.ndarray
    windows: int  # all of them; a Haar cascade drops flat ones before its first stage

    @property
    def rates(self) -> np.ndarray:
        """Share of those reaching each stage that pass it, float64; nan where none does."""
        none = np.full(len(self.reached), np.nan)
        return np.divide(self.passed, self.reached, out=none, where=self.reached > 0)


def count_passed(stages: np.ndarray, count: int) -> Passed:
    """From the number of stages each window passes (-1: dropped as flat) of `count` stages."""
    at_least = np.array([(stages >= number).sum() for number in range(count + 1)], np.int64)
    return Passed(at_least[:-1], at_least[1:], len(stages))


def load_positives(source: Path, width: int, height: int, tell: Tell) -> np.ndarray:
    """Samples of the window's size, uint8 (n, height, width).

    Parameters
    ----------
    source : a .vec file, a folder of crops (resized), or annotated pictures (info.dat)

    Raises UserError when there is none.
    """
    if source.is_dir():
        samples = []
        for path in find_pictures(source)[:MOST_POSITIVES]:
            try:
                grey = read_grey(path)
            except PictureError as error:
                tell(f"left out: {error}")
                continue
            samples.append(cut_window(Chip(grey, 0, 0, *grey.shape[::-1]), width, height))
        windows = np.stack(samples) if samples else np.zeros((0, height, width), np.uint8)
    elif source.suffix.lower() == ".vec":
        windows = load_vec(source, width, height).samples[:MOST_POSITIVES]
    else:
        windows = samples_from_info(source, width, height, MOST_POSITIVES, tell).samples
    if not len(windows):
        raise UserError(f"no sample in {source}: name a .vec, a folder of crops or an info.dat")
    return windows


def judge_positives(cascade: Cascade, windows: np.ndarray) -> Passed:
    """How far samples, uint8 (n, height, width), get."""
    return count_passed(judge_windows(pack(cascade), windows).stages, len(cascade.stages))


class Negatives(NamedTuple):
    """What windows without the object do."""

    passed: Passed
    kept: list[np.ndarray]  # for each stage windows that reach it, uint8 (n, height, width)
    pictures: int


def judge_negatives(cascade: Cascade, source: Path, most: int, tell: Tell) -> Negatives:
    """How far the windows of pictures without the object get.

    Windows are a sixth of their width apart, on levels by the root of 2; pictures are taken in
    a random order, always the same, until `most` windows were seen.

    Raises UserError when there is no window.
    """
    paths = find_pictures(source) if source.is_dir() else load_background(source)
    packed, count = pack(cascade), len(cascade.stages)
    size = (cascade.width, cascade.height)
    verdicts: list[np.ndarray] = []
    kept: list[list[np.ndarray]] = [[] for _ in cascade.stages]
    seen = pictures = 0
    for number in np.random.default_rng(0).permutation(len(paths)):
        try:
            grey = read_grey(paths[number])
        except PictureError as error:
            tell(f"left out: {error}")
            continue
        if grey.shape[1] < size[0] or grey.shape[0] < size[1]:
            continue
        pictures += 1
        for level in levels(grey, (0, 0), *size):
            places = _grid(level, cascade)
            stages = judge(packed, integral_image(level, packed.planes), places).stages
            verdicts.append(stages)
            _keep(level, places, stages, size, kept)
            seen += len(stages)
        if seen >= most:
            break
    if not seen:
        raise UserError(
            f"no window in the pictures of {source}: name a folder of pictures without the "
            f"object, or a bg.txt, of at least {size[0]} x {size[1]} pixels"
        )
    empty = np.zeros((0, size[1], size[0]), np.uint8)
    stacks = [np.stack(windows) if windows else empty for windows in kept]
    return Negatives(count_passed(np.concatenate(verdicts), count), stacks, pictures)


def _grid(level: np.ndarray, cascade: Cascade) -> np.ndarray:
    """Corners of windows a sixth of their width apart, int (n, 2)."""
    step = max(1, cascade.width // 6)
    xs = np.arange(0, level.shape[1] - cascade.width + 1, step)
    ys = np.arange(0, level.shape[0] - cascade.height + 1, step)
    return np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)


def _keep(
    level: np.ndarray,
    places: np.ndarray,
    stages: np.ndarray,
    size: tuple[int, int],
    kept: list[list[np.ndarray]],
) -> None:
    """Keep some of the windows that reach each stage, spread over the level."""
    for number, windows in enumerate(kept):
        reaching = np.flatnonzero(stages >= number)
        room = min(KEPT_OF_PICTURE, KEPT - len(windows), len(reaching))
        if room <= 0:
            continue
        chosen = reaching[np.linspace(0, len(reaching) - 1, room).astype(int)]
        windows += [level[y : y + size[1], x : x + size[0]] for x, y in places[chosen]]


class NodeTests(NamedTuple):
    """Every node of a stage, tested on samples."""

    goes_left: np.ndarray  # bool (nodes, n)
    codes: np.ndarray  # uint8 (nodes, n): LBP codes; (0, n) for Haar


def examine_nodes(cascade: Cascade, trees: Trees, windows: np.ndarray) -> NodeTests:
    """Test the nodes of trees on samples, uint8 (n, height, width)."""
    if isinstance(cascade.features, LbpFeatures):
        chosen = LbpFeatures(cascade.features.cells[trees.feature])
        codes = evaluate_lbp(prepare_lbp(windows), chosen)
        words = trees.subset.view(np.uint32)[np.arange(len(codes))[:, None], codes >> 5]
        return NodeTests((words >> (codes & 31) & 1).astype(bool), codes)
    features = HaarFeatures(*(column[trees.feature] for column in cascade.features))
    samples = prepare_haar(windows, bool(features.tilted.any()))
    values = evaluate_haar(samples, corners(features, cascade.width))
    goes_left = values < trees.threshold[:, None].astype(np.float32)
    return NodeTests(goes_left, np.zeros((0, len(windows)), np.uint8))


def tree_votes(trees: Trees, goes_left: np.ndarray) -> np.ndarray:
    """The leaf that each tree gives each sample, float64 (trees, n)."""
    votes = np.empty((trees.count, goes_left.shape[1]))
    samples = np.arange(goes_left.shape[1])
    for tree, (root, end) in enumerate(zip(trees.first_node, trees.first_node[1:])):
        child = np.zeros(len(samples), np.int64)
        inner = np.ones(len(samples), bool)
        for _ in range(end - root):
            node = root + child[inner]
            left = goes_left[node, samples[inner]]
            child[inner] = np.where(left, trees.left[node], trees.right[node])
            inner &= child > 0
            if not inner.any():
                break
        votes[tree] = trees.leaf[root + tree - child]
    return votes
