"""The folder of `cascade train`: the stages, the report, and how to go on after an interruption.

A stage counts once its stageN.xml is there; the negatives it was trained on are written before
it, because the next stage begins with those that survive.
"""

import dataclasses
import io
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Optional

import numpy as np

from cvbaseline.cascade import Stage
from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.cascade_xml import Parameters
from cvbaseline.formats.files import write_bytes
from cvbaseline.training.options import CascadeTrainingOptions
from cvbaseline.training.stage_files import StageFiles, differences, parameters_in
from cvbaseline.training.stage_report import StageReport, parse_report, render_report

# Options that may change between two runs of one training: they do not change what a stage is.
_FREE = {"output", "resume", "jobs", "budget", "num_stages", "validate", "min_neighbors"}
_FREE |= {"cache_mb"}


def settings_of(options: CascadeTrainingOptions) -> dict[str, Any]:
    """The options that make a stage what it is, as JSON holds them."""

    def plain(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return str(value) if isinstance(value, Path) else value

    items = dataclasses.asdict(options).items()
    return {name: plain(value) for name, value in items if name not in _FREE}


class Resumed(NamedTuple):
    """What an output folder holds of a training."""

    stages: list[Stage]
    reports: list[StageReport]  # none in a folder that opencv_traincascade made
    negatives: Optional[np.ndarray]  # uint8 (n, h, w): those of the last stage


class TrainingFolder(StageFiles):
    """The output folder of one training."""

    def __init__(self, options: CascadeTrainingOptions):
        self.options = options
        kind, width, height = options.feature_type, options.width, options.height
        super().__init__(options.output, Parameters(kind, width, height, options.parameters))

    def open(self) -> Resumed:
        """What the folder holds already.

        Raises UserError when it is another training, or when `resume` was not asked for.
        """
        held = [name for name in ("params.xml", "stage0.xml", "cascade.xml") if self.has(name)]
        if not held:
            return Resumed([], [], None)
        if not self.options.resume:
            raise UserError(
                f"{self.path} already holds {held[0]}: add --resume to go on with it, "
                "or name another folder"
            )
        for difference in differences(parameters_in(self.path), self.parameters):
            self._refuse("params.xml", *difference)
        reports = self._reports()
        stages = self.load_stages(self.options.num_stages)
        negatives = None
        if stages and self._negatives(len(stages) - 1).exists():
            negatives = self._load_negatives(len(stages) - 1)
        return Resumed(stages, reports[: len(stages)], negatives)

    def _refuse(self, file: str, name: str, there: Any, here: Any) -> NoReturn:
        raise UserError(
            f"{self.path / file} says {name} {there}, the options {here}: "
            "give the same value or name another folder"
        )

    def _reports(self) -> list[StageReport]:
        """The reports so far, when they are of these options."""
        path = self.path / "report.json"
        if not path.exists():
            return []
        settings, reports = parse_report(path.read_text(encoding="utf-8"), str(path))
        for name, here in settings_of(self.options).items():
            if name in settings and settings[name] != here:
                self._refuse("report.json", name, settings[name], here)
        return reports

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

    def save(self, stages: list[Stage], negatives: np.ndarray) -> None:
        """Write the newest stage, what the next one needs, and the cascade."""
        number = len(stages) - 1
        file = io.BytesIO()
        np.save(file, negatives, allow_pickle=False)
        write_bytes(self._negatives(number), file.getvalue())
        self.save_stage(stages)
        self.save_cascade(stages)
        if number:
            self._negatives(number - 1).unlink(missing_ok=True)

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
