"""The folder of `cascade train`: the stages, the report, and how to go on after an interruption."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Optional

import numpy as np

from cvbaseline.cascade import Stage
from cvbaseline.errors import UserError
from cvbaseline.formats.cascade_xml import Parameters
from cvbaseline.formats.files import write_bytes
from cvbaseline.training.options import CascadeTrainingOptions
from cvbaseline.training.stage_files import StageFiles, differences, parameters_in
from cvbaseline.training.stage_report import (
    StageReport,
    describe_stage,
    parse_report,
    render_report,
)

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
    negatives: np.ndarray  # uint8 (n, h, w): those of the last stage


class TrainingFolder(StageFiles):
    """The output folder of one training."""

    def __init__(self, options: CascadeTrainingOptions):
        self.options = options
        kind, width, height = options.feature_type, options.width, options.height
        super().__init__(options.output, Parameters(kind, width, height, options.parameters))
        # Of stages in the folder beyond those asked for: a run that asks for more will need them.
        self.later: list[StageReport] = []

    def open(self) -> Resumed:
        """What the folder holds already.

        Raises UserError when it is another training, or when `resume` was not asked for.
        """
        held = [name for name in ("params.xml", "stage0.xml", "cascade.xml") if self.has(name)]
        if not held:
            self._refuse_foreign()
            return Resumed([], [], self.load_negatives([]))
        if not self.options.resume:
            raise UserError(
                f"{self.path} already holds {held[0]}: add --resume to go on with it, "
                "or name another folder"
            )
        for difference in differences(parameters_in(self.path), self.parameters):
            self._refuse("params.xml", *difference)
        reports = self._reports()
        stages = self.load_stages(self.options.num_stages)
        self.later = [
            report
            for report in reports
            if report.stage >= self.options.num_stages and self.has(f"stage{report.stage}.xml")
        ]
        reports = [report for report in reports if report.stage < len(stages)]
        return Resumed(stages, reports, self.load_negatives(stages))

    def _refuse_foreign(self) -> None:
        """Raise UserError for files that the training would replace, and that none has written."""
        names = ["stage[0-9]*.xml", "negatives[0-9]*.npy"]
        if self.has("report.json"):
            self._reports()  # refuses what is no report; without a stage there may be one
        else:
            names.append("report.txt")
        foreign = [path.name for name in names for path in sorted(self.path.glob(name))]
        if foreign:
            raise UserError(
                f"{self.path} holds {foreign[0]}, which the training would replace, and no "
                "params.xml: name another folder, or move it away"
            )

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
        text = path.read_bytes().decode("utf-8", "replace")  # what is damaged is no JSON then
        settings, reports = parse_report(text, str(path))
        for name, here in settings_of(self.options).items():
            if name in settings and settings[name] != here:
                self._refuse("report.json", name, settings[name], here)
        return reports

    def save_report(
        self, reports: list[StageReport], held_out: bool, stopped: Optional[str]
    ) -> None:
        """Write report.json and report.txt."""
        every = [*reports, *self.later]
        text = render_report(settings_of(self.options), held_out, every, stopped)
        write_bytes(self.path / "report.json", text.encode())
        words = [describe_stage(report, held_out) for report in every]
        words += [stopped] if stopped else []
        write_bytes(self.path / "report.txt", ("\n".join(words) + "\n").encode())
