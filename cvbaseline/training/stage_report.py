"""What each stage reached and why the training ended: numbers for programs, words for people."""

import json
from dataclasses import asdict, dataclass
from typing import Optional

from cvbaseline.errors import FormatError

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """The measurements of one stage."""

    stage: int
    weak_count: int  # weak classifiers of the stage
    positives: int  # trained on
    positives_examined: int  # looked at to find them
    negatives: int  # trained on
    negatives_survived: int  # of those, kept from the former stage
    windows_scanned: int  # of pictures without the object, with the cascade before this stage
    windows_passed: int  # of those
    hit_rate: float  # of the stage's positives
    false_alarm: float  # of the stage's negatives
    check_hit_rate: Optional[float]  # of windows never trained on that reach the stage
    check_hit_rate_total: Optional[float]  # of all windows never trained on, after the stage
    seconds_positives: float = 0.0
    seconds_negatives: float = 0.0
    seconds_boosting: float = 0.0
    faces: Optional[int] = None  # validation: boxes that the annotations name
    faces_found: Optional[int] = None
    false_boxes: Optional[int] = None

    @property
    def false_alarm_total(self) -> Optional[float]:
        """Share of scanned windows that the cascade before this stage accepts."""
        return self.windows_passed / self.windows_scanned if self.windows_scanned else None


def describe_stage(report: StageReport, held_out: bool) -> str:
    """The stage in one paragraph of plain words."""
    plural = "" if report.weak_count == 1 else "s"
    lines = [
        f"stage {report.stage}: {report.weak_count} weak classifier{plural}; of "
        f"{report.positives} positives {report.hit_rate:.2%} pass, of {report.negatives} "
        f"negatives {report.false_alarm:.1%}"
    ]
    if report.check_hit_rate is not None:
        whose = "faces held out" if held_out else "new variations of the faces"
        lines.append(
            f"  {whose}: {report.check_hit_rate:.2%} pass this stage, "
            f"{report.check_hit_rate_total:.2%} all stages so far"
        )
    if report.false_alarm_total is not None:
        lines.append(
            f"  before it the cascade accepted {report.windows_passed:,} of "
            f"{report.windows_scanned:,} windows without the object "
            f"({report.false_alarm_total:.2g}); {report.negatives_survived} negatives survived "
            "the former stage"
        )
    if report.faces is not None:
        lines.append(
            f"  validation: {report.faces_found} of {report.faces} found "
            f"({report.faces_found / max(1, report.faces):.1%}), {report.false_boxes} false boxes"
        )
    lines.append(
        f"  {report.seconds_positives:.1f} s positives, {report.seconds_negatives:.1f} s "
        f"negatives, {report.seconds_boosting:.1f} s boosting"
    )
    return "\n".join(lines)


def render_report(
    settings: dict, held_out: bool, stages: list[StageReport], stopped: Optional[str]
) -> str:
    """report.json: settings, one entry for each stage, and why the training ended."""
    return json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "settings": settings,
            "held_out": held_out,
            "stages": [asdict(stage) for stage in stages],
            "stopped": stopped,
        },
        indent=2,
        ensure_ascii=False,
    )


def parse_report(text: str, source: str) -> tuple[dict, list[StageReport]]:
    """Settings and stages of a report.json; raises FormatError for anything else."""
    try:
        data = json.loads(text)
        if data["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema version {data['schema_version']}")
        return dict(data["settings"]), [StageReport(**stage) for stage in data["stages"]]
    except (KeyError, TypeError, ValueError) as error:
        problem = f"is not a training report of this version ({error}); move it away"
        raise FormatError(source, problem) from None
