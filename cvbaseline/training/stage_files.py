"""The files that a training and opencv_traincascade share: params.xml, stageN.xml, cascade.xml.

Every file is written beside its place and moved there, so whatever happens each one is whole.
Trees of stageN.xml name features of the whole pool, those of cascade.xml the features it lists.

A stage counts once its stageN.xml is there. The negatives it was trained on are written before it,
to negativesN.npy, because the next stage begins with those that survive: without them a training
that goes on would give another cascade than one that never stopped.
"""

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np

from cvbaseline.cascade import Cascade, Features, Stage
from cvbaseline.errors import FormatError, UserError
from cvbaseline.features.haar import enumerate_haar
from cvbaseline.features.lbp import enumerate_lbp
from cvbaseline.formats.cascade_xml import (
    Parameters,
    load_parameters,
    load_stage,
    save_cascade,
    save_parameters,
    save_stage,
)
from cvbaseline.formats.files import write_bytes


def full_pool(parameters: Parameters) -> Features:
    """All features of the window, in opencv_traincascade's order."""
    size = (parameters.width, parameters.height)
    if parameters.feature_type == "LBP":
        return enumerate_lbp(*size)
    return enumerate_haar(*size, parameters.training.mode or "BASIC")


def compact(pool: Features, stages: list[Stage]) -> tuple[Features, tuple[Stage, ...]]:
    """Only the features that are used, in increasing order, and the stages that name them so."""
    used = [stage.trees.feature for stage in stages]
    kept = np.unique(np.concatenate(used)) if used else np.zeros(0, int)
    features = type(pool)(*(column[kept] for column in pool))
    renamed = []
    for stage in stages:
        places = np.searchsorted(kept, stage.trees.feature).astype(np.int32)
        renamed.append(dataclasses.replace(stage, trees=stage.trees._replace(feature=places)))
    return features, tuple(renamed)


def differences(there: Parameters, here: Parameters) -> list[tuple[str, Any, Any]]:
    """Where two sets of parameters differ: name, the value there, the value here."""
    pairs = [(name, getattr(there, name), getattr(here, name)) for name in Parameters._fields[:3]]
    for field in dataclasses.fields(here.training):
        values = (getattr(there.training, field.name), getattr(here.training, field.name))
        pairs.append((field.name, *values))
    return [pair for pair in pairs if not _same(*pair[1:])]


def _same(there: Any, here: Any) -> bool:
    """Equality; opencv_traincascade keeps some rates in single precision."""
    if isinstance(here, float):
        return bool(np.isclose(there, here, rtol=1e-6))
    return there == here


class StageFiles:
    """The folder of a training.

    Parameters
    ----------
    path : the folder; it is made when it is not there
    parameters : of the training; params.xml holds them from the first stage on
    """

    def __init__(self, path: Path, parameters: Parameters):
        self.path = path
        self.parameters = parameters
        self.pool = full_pool(parameters)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{path} cannot be made ({error.strerror})") from None

    def has(self, name: str) -> bool:
        """Whether the folder holds a file of that name."""
        return (self.path / name).exists()

    def cascade(self, stages: list[Stage]) -> Cascade:
        """The cascade of stages whose trees name features of the whole pool."""
        features, renamed = compact(self.pool, stages)
        kind, width, height, training = self.parameters
        return Cascade(kind, width, height, features, renamed, training)

    def load_stages(self, limit: int) -> list[Stage]:
        """stage0.xml, stage1.xml, ... as far as they are there, at most `limit`."""
        stages: list[Stage] = []
        while len(stages) < limit and self.has(f"stage{len(stages)}.xml"):
            stages.append(load_stage(self.path / f"stage{len(stages)}.xml", len(self.pool[0])))
        return stages

    def load_negatives(self, stages: list[Stage]) -> np.ndarray:
        """The last stage's negatives, uint8 (n, height, width); none when they were not kept."""
        path = self._negatives(len(stages) - 1)
        shape = (self.parameters.height, self.parameters.width)
        if not stages or not path.exists():
            return np.zeros((0, *shape), np.uint8)
        try:
            windows = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OSError):
            raise FormatError(path, "is not a NumPy file: remove it") from None
        if windows.dtype != np.uint8 or windows.shape[1:] != shape:
            raise FormatError(path, f"holds no windows of {shape[1]}x{shape[0]} pixels: remove it")
        return windows

    def _negatives(self, stage: int) -> Path:
        return self.path / f"negatives{stage}.npy"

    def save_stage(self, stages: list[Stage], negatives: np.ndarray) -> None:
        """Write the newest stage and its negatives, with the first one also params.xml."""
        number = len(stages) - 1
        file = io.BytesIO()
        np.save(file, negatives, allow_pickle=False)
        write_bytes(self._negatives(number), file.getvalue())
        if number == 0:
            save_parameters(self.path / "params.xml", self.parameters)
        name = f"stage{number}.xml"
        save_stage(self.path / name, stages[-1], number, self.parameters.feature_type)
        if number:
            self._negatives(number - 1).unlink(missing_ok=True)

    def save_cascade(self, stages: list[Stage]) -> None:
        """Write cascade.xml."""
        save_cascade(self.path / "cascade.xml", self.cascade(stages))


def parameters_in(path: Path) -> Parameters:
    """What the params.xml of a folder says; raises UserError when there is none."""
    if not (path / "params.xml").exists():
        raise UserError(f"{path} holds stages but no params.xml: name another folder")
    return load_parameters(path / "params.xml")
