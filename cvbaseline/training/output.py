"""The training's folder: params.xml, stageN.xml, cascade.xml, the report, and how to go on.

Every file is written beside its place and moved there, so whatever happens each one is whole. A
stage counts once its stageN.xml is there; the negatives it was trained on are written before it,
because the next stage begins with those that survive.
"""

import dataclasses
import io
from pathlib import Path
from typing import Any, Optional

import numpy as np

from cvbaseline.cascade import Cascade, Features, Stage
from cvbaseline.errors import FormatError, UserError
from cvbaseline.features.haar import enumerate_haar
from cvbaseline.features.lbp import enumerate_lbp
from cvbaseline.formats.cascade_xml import (
    load_parameters,
    load_stage,
    render_cascade,
    render_parameters,
    render_stage,
)
from cvbaseline.formats.files import write_bytes
from cvbaseline.training.options import CascadeTrainingOptions
from cvbaseline.training.stage_report import StageReport, parse_report, render_report

# Options that may change between two runs of one training: they do not change what a stage is.
_FREE = {"output", "resume", "jobs", "budget", "num_stages", "validate", "min_neighbors"}
_FREE |= {"cache_mb"}


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


def settings_of(options: CascadeTrainingOptions) -> dict[str, Any]:
    """The options that make a stage what it is, as JSON holds them."""

    def plain(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return str(value) if isinstance(value, Path) else value

    items = dataclasses.asdict(options).items()
    return {name: plain(value) for name, value in items if name not in _FREE}


class TrainingFolder:
    """The files of one training."""

    def __init__(self, options: CascadeTrainingOptions, pool: Features):
        self.options = options
        self.path = options.output
        self.pool = pool

    def cascade(self, stages: list[Stage]) -> Cascade:
        """The cascade of the stages, whose trees name features of the whole pool."""
        features, renamed = compact(self.pool, stages)
        options = self.options
        return Cascade(
            options.feature_type, options.width, options.height, features, renamed,
            options.parameters,
        )  # fmt: skip

    def open(self) -> tuple[list[Stage], list[StageReport], Optional[np.ndarray]]:
        """Make the folder, or read what it holds: stages, reports, the last stage's negatives.

        Raises UserError when it holds another training, or one that `--resume` was not given for.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{self.path} cannot be made ({error.strerror})") from None
        held = [name for name in ("params.xml", "stage0.xml", "cascade.xml") if self._has(name)]
        if not held:
            write_bytes(self.path / "params.xml", render_parameters(self.cascade([])))
            return [], [], None
        if not self.options.resume:
            raise UserError(
                f"{self.path} already holds {held[0]}: add --resume to go on with it, "
                "or name another folder"
            )
        self._check_parameters()
        reports = self._reports()
        stages = self._stages()
        negatives = None
        if stages and self._negatives(len(stages) - 1).exists():
            negatives = self._load_negatives(len(stages) - 1)
        return stages, reports[: len(stages)], negatives

    def _has(self, name: str) -> bool:
        return (self.path / name).exists()

    def _check_parameters(self) -> None:
        """Raises UserError when params.xml says something else than the options."""
        if not self._has("params.xml"):
            raise UserError(f"{self.path} holds stages but no params.xml: name another folder")
        held, mine = load_parameters(self.path / "params.xml"), self.cascade([])
        for name in ("feature_type", "width", "height"):
            if getattr(held, name) != getattr(mine, name):
                self._refuse("params.xml", name, getattr(held, name), getattr(mine, name))
        for field in dataclasses.fields(held.training):
            there, here = getattr(held.training, field.name), getattr(mine.training, field.name)
            same = there == here
            if isinstance(here, float):  # the old tool keeps some of them in single precision
                same = bool(np.isclose(there, here, rtol=1e-6))
            if not same:
                self._refuse("params.xml", field.name, there, here)

    def _refuse(self, file: str, name: str, there: Any, here: Any) -> None:
        raise UserError(
            f"{self.path / file} says {name} {there}, the options {here}: "
            "give the same value or name another folder"
        )

    def _reports(self) -> list[StageReport]:
        """The reports of the stages; none in a folder that opencv_traincascade made."""
        path = self.path / "report.json"
        if not path.exists():
            return []
        settings, reports = parse_report(path.read_text(encoding="utf-8"), str(path))
        for name, here in settings_of(self.options).items():
            if name in settings and settings[name] != here:
                self._refuse("report.json", name, settings[name], here)
        return reports

    def _stages(self) -> list[Stage]:
        stages = []
        while len(stages) < self.options.num_stages and self._has(f"stage{len(stages)}.xml"):
            path = self.path / f"stage{len(stages)}.xml"
            stages.append(load_stage(path, len(self.pool[0])))
        return stages

    def _negatives(self, stage: int) -> Path:
        return self.path / f"negatives{stage}.npy"

    def _load_negatives(self, stage: int) -> np.ndarray:
        path = self._negatives(stage)
        shape = (self.options.height, self.options.width)
        try:
            windows = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OSError):
            raise FormatError(path, "is not a NumPy file: remove it") from None
        if windows.dtype != np.uint8 or windows.shape[1:] != shape:
            raise FormatError(path, f"holds no windows of {shape[1]}x{shape[0]} pixels: remove it")
        return windows

    def save_stage(self, stages: list[Stage], negatives: np.ndarray) -> None:
        """Write the newest stage, what the next one needs, and the cascade."""
        number = len(stages) - 1
        file = io.BytesIO()
        np.save(file, negatives, allow_pickle=False)
        write_bytes(self._negatives(number), file.getvalue())
        data = render_stage(stages[-1], number, self.options.feature_type)
        write_bytes(self.path / f"stage{number}.xml", data)
        self.save_cascade(stages)
        if number:
            self._negatives(number - 1).unlink(missing_ok=True)

    def save_cascade(self, stages: list[Stage]) -> None:
        """Write cascade.xml."""
        write_bytes(self.path / "cascade.xml", render_cascade(self.cascade(stages)))

    def save_report(
        self,
        reports: list[StageReport],
        texts: list[str],
        held_out: bool,
        stopped: Optional[str],
    ) -> None:
        """Write report.json and report.txt."""
        text = render_report(settings_of(self.options), held_out, reports, stopped)
        write_bytes(self.path / "report.json", text.encode())
        words = "\n".join([*texts, *([stopped] if stopped else [])]) + "\n"
        write_bytes(self.path / "report.txt", words.encode())


def full_pool(options: CascadeTrainingOptions) -> Features:
    """All features of the options' window, in opencv_traincascade's order."""
    if options.feature_type == "LBP":
        return enumerate_lbp(options.width, options.height)
    return enumerate_haar(options.width, options.height, options.mode)
