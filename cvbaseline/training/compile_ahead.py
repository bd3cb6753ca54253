"""The kernels of a training, compiled while its samples and pictures are being read.

numba compiles a kernel when it is first called, and LLVM does most of that without the
interpreter's lock. So the first training on a machine waits less; later ones find the kernels in
numba's cache on disk.
"""

import numpy as np

from cvbaseline.boosting.stage import SearchKind, StageGoals, train_stage
from cvbaseline.cascade import Cascade, Features, FeatureType
from cvbaseline.evaluation.evaluator import passes

FEW = 16  # windows of either kind, features


def compile_kernels(
    feature_type: FeatureType,
    pool: Features,
    goals: StageGoals,
    search: SearchKind,
    width: int,
    height: int,
) -> None:
    """Train a stage on a little noise with the first features of the pool, and let it judge."""
    windows = np.random.default_rng(0).integers(0, 256, (2 * FEW, height, width)).astype(np.uint8)
    few = type(pool)(*(column[:FEW] for column in pool))
    stage = train_stage(windows[:FEW], windows[FEW:], feature_type, few, goals, search)
    if stage is not None:
        passes(Cascade(feature_type, width, height, few, (stage,)), windows)
