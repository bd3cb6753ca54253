"""The records of a sweep: a row for each setting, as CSV for tables and as JSON with the rest.

A measure has three columns: its value and the ends of its 95 % interval, `_low` and `_high`. What
is not defined, such as the precision of a setting that finds nothing, is empty (null in JSON).
"""

import csv
import io
import json
import math
from dataclasses import asdict, fields
from typing import Any, Optional

from cvbaseline.bootstrap import Estimate
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.sweeping.result import SweepResult, command_line, python_lines, reason

FORMAT = "cvbaseline sweep"
VERSION = 1


def records_of(result: SweepResult) -> list[dict[str, Any]]:
    """A record for each setting: its parameters, measures, `front` and `recommended`."""
    rows = []
    for number, setting in enumerate(result.settings):
        row: dict[str, Any] = asdict(setting)
        for name, values in result.measures.items():
            for ending, number_ in zip(("", "_low", "_high"), values.of(number)):
                row[name + ending] = _rounded(number_)
        row["front"] = bool(result.front[number])
        row["recommended"] = number == result.choice.chosen
        rows.append(row)
    return rows


def render_csv(result: SweepResult) -> str:
    """The records with a header line; switches are True or False."""
    rows = records_of(result)
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def render_json(result: SweepResult) -> str:
    """What was swept and how, the recommended setting, and the records, one to a line."""
    material, chosen = result.material, records_of(result)[result.choice.chosen]
    names = [field.name for field in fields(DetectionParameters)]
    head = {
        "format": FORMAT,
        "version": VERSION,
        "program": material.program,
        "cascade": {"name": material.cascade.name, "sha256": material.cascade_content},
        "pictures": material.pictures,
        "faces": material.faces,
        "labelled_faces": material.labelled,
        "megapixels_per_picture": round(material.megapixels, 4),
        "left_out": list(material.problems),
        "min_iou": material.min_iou,
        "jobs": material.jobs,
        "intervals": "95 %, percentile bootstrap over {} {}".format(*material.drawn),
        "recommended": {
            "parameters": {name: chosen[name] for name in names},
            "chosen_by": result.chosen_by,
            "reason": reason(result),
            "command_line": command_line(result),
            "python": python_lines(result),
            "measured_on_these_pictures": {
                name: _three(values.of(result.choice.chosen))
                for name, values in result.measures.items()
            },
            "expected_on_others": {name: _three(one) for name, one in result.expected.items()},
        },
    }
    lines = ",\n".join(f"  {json.dumps(row, default=str)}" for row in records_of(result))
    text = json.dumps(head, indent=1, default=str)
    return f'{text[:-2]},\n "records": [\n{lines}\n ]\n}}\n'


def _three(estimate: Estimate) -> list[Optional[float]]:
    """Value, low, high."""
    return [_rounded(one) for one in estimate]


def _rounded(value: float) -> Optional[float]:
    return None if math.isnan(value) else round(value, 4)
