"""Axes of charts: their ranges, and marks at round numbers."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Optional


class Axis(NamedTuple):
    """An axis' name, range and places of its marks."""

    name: str
    low: float
    high: float
    marks: Sequence[float]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value lies, from 0 to 1 within the range."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return min(1.0, max(0.0, (value - low) / (high - low)))


def linear_axis(name: str, values: Sequence[float], most: Optional[float] = None) -> Axis:
    """A range around the values with marks at round numbers; never beyond `most`."""
    low, high = min(values), max(values)
    spread = max(high - low, 1e-3)
    step = 10 ** math.floor(math.log10(spread))
    step = next(step * factor for factor in (0.2, 0.5, 1, 2) if spread / (step * factor) <= 5)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    if most is not None:
        high = min(high, most)
    high = max(high, low + step)
    count = round((high - low) / step)
    return Axis(name, low, high, [low + step * number for number in range(count + 1)])


def logarithmic_axis(name: str, values: Sequence[float]) -> Axis:
    """A range around positive values with marks at 1, 2, 5, 10, ..."""
    low, high = min(values), max(values)
    low, high = low / 1.25, high * 1.25
    marks = [
        factor * 10.0**power
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for factor in (1, 2, 5)
    ]
    marks = [mark for mark in marks if low <= mark <= high]
    if len(marks) > 9:
        marks = [mark for mark in marks if f"{mark:e}"[0] == "1"]
    return Axis(name, low, high, marks, logarithmic=True)
