"""What a sweep has shown, and how the recommended setting is written down to be used."""

import math
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cvbaseline.bootstrap import Estimate
from cvbaseline.detection_parameters import NONE, DetectionParameters, option_line
from cvbaseline.sweeping.choice import HARDLY, Choice

ROWS, COLUMNS = "scale_factor", "min_neighbors"  # the axes of heatmaps, always said


class Values(NamedTuple):
    """A measure of all settings with its bootstrap intervals, float64 (settings,) each."""

    title: str
    better: int  # 1: more, -1: less
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def of(self, setting: int) -> Estimate:
        """The measure of one setting."""
        return Estimate(*(float(column[setting]) for column in self[2:]))


class Material(NamedTuple):
    """What the settings were tried on, and how."""

    cascade: Path
    cascade_content: str  # SHA-256
    shipped: bool  # whether the cascade is the one that is taken without being named
    annotations: Path
    pictures: int
    drawn: tuple[int, str]  # how many of what is drawn for intervals: pictures, or groups of them
    faces: int
    megapixels: float  # of a picture, on average
    labelled: int  # faces with a class, 0 without labels
    problems: tuple[str, ...]  # pictures that could not be read
    min_iou: float
    jobs: int
    program: str
    searched_now: int  # searches that were made in this run
    searched_before: int  # searches that were known


class SweepResult(NamedTuple):
    """All settings with their measures, those on the front, and the one to take."""

    material: Material
    settings: list[DetectionParameters]
    measures: dict[str, Values]  # by name
    front: np.ndarray  # bool (settings,)
    choice: Choice
    chosen_by: str  # name of a measure
    expected: dict[str, Estimate]  # by measure; what the choice is worth on other pictures

    @property
    def chosen(self) -> DetectionParameters:
        """The recommended setting."""
        return self.settings[self.choice.chosen]


def varied_fields(settings: list[DetectionParameters]) -> list[str]:
    """Names of the fields that differ between settings, in their order."""
    names = [field.name for field in fields(DetectionParameters)]
    return [name for name in names if len({getattr(one, name) for one in settings}) > 1]


def said_fields(settings: list[DetectionParameters]) -> list[str]:
    """The fields that say which setting is meant: the axes, and what else differs."""
    return list(dict.fromkeys([ROWS, COLUMNS, *varied_fields(settings)]))


def count_of(number: int, what: str) -> str:
    """`1 setting`, `2 settings`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def describe(setting: DetectionParameters, names: list[str]) -> str:
    """The values of these fields in words."""
    words = [f"{name.replace('_', ' ')} {as_word(getattr(setting, name))}" for name in names]
    return ", ".join(words)


def as_word(value: Any) -> str:
    """A field's value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def rounded(value: float) -> str:
    """A measure with as many digits as are worth reading."""
    if math.isnan(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def command_line(result: SweepResult) -> str:
    """`cvbaseline detect` with the recommended setting; the same words do for crop and sort."""
    words = ["cvbaseline", "detect", "PICTURES"]
    if not result.material.shipped:
        words += ["--cascade", str(result.material.cascade)]
    return f"{shlex.join(words)} {option_line(result.chosen)}"


def python_lines(result: SweepResult) -> str:
    """The recommended setting as a call of OpenCV's own detector, in Python."""
    setting = result.chosen
    lines = ["grey = cv2.equalizeHist(grey)"] if setting.equalise_picture else []
    words = [
        f"scaleFactor={setting.scale_factor}",
        f"minNeighbors={setting.min_neighbors}",
        f"minSize=({setting.min_size}, {setting.min_size})",
    ]
    if setting.max_size is not None:
        words.append(f"maxSize=({setting.max_size}, {setting.max_size})")
    lines.append(f"boxes = cascade.detectMultiScale(grey, {', '.join(words)})")
    known = {"scale_factor", "min_neighbors", "min_size", "max_size", "equalise_picture"}
    for field in fields(DetectionParameters):
        value = getattr(setting, field.name)
        if field.name not in known and value not in (field.default, NONE):
            lines.append(f"# and {field.name}={as_word(value)}, which cvbaseline does itself")
    return "\n".join(lines)


def reason(result: SweepResult) -> list[str]:
    """Why this setting, in plain sentences."""
    best, chosen = result.choice.best, result.choice.chosen
    values, speed = result.measures[result.chosen_by], result.measures["ms_per_picture"]
    names = varied_fields(result.settings)
    title = values.title
    if len(result.settings) == 1:
        return ["It is the only setting that was tried."]
    if best == chosen and len(result.choice.as_good) == 1:
        return [f"It has the highest {title}, and no other setting comes near it."]
    lines = [
        f"For {len(result.choice.as_good)} of {len(result.settings):,} settings {title} is at most "
        f"{HARDLY} below the highest ({values.value[best]:.3f}) and cannot be told from it on "
        "these pictures (paired bootstrap, 95 %)."
    ]
    if best == chosen:
        lines.append("Of these it is the fastest, and its own is the highest.")
        return lines
    times = speed.value[best] / speed.value[chosen]
    faster = f"{times:.1f} times as fast as" if times >= 1.05 else "as fast as"
    lines.append(
        f"Of these it is the fastest: {faster} the one with the highest {title} "
        f"({describe(result.settings[best], names)})."
    )
    return lines
