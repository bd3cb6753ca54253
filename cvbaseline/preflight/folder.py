"""Checks of a training's folder: can it be written, does what it holds fit together."""

import os
import re
from pathlib import Path
from typing import NamedTuple, Optional

from cvbaseline.errors import UserError
from cvbaseline.formats.cascade_xml import (
    Parameters,
    load_cascade,
    load_parameters,
    load_stage,
)
from cvbaseline.preflight.findings import Finding

# Names in Parameters and TrainingParameters, and the flags that set them.
FLAGS = {
    "feature_type": "-featureType", "width": "-w", "height": "-h", "boost_type": "-bt",
    "min_hit_rate": "-minHitRate", "max_false_alarm": "-maxFalseAlarmRate",
    "weight_trim_rate": "-weightTrimRate", "max_depth": "-maxDepth",
    "max_weak_count": "-maxWeakCount", "mode": "-mode",
}  # fmt: skip


class Held(NamedTuple):
    """What a training's folder holds."""

    parameters: Optional[Parameters]
    stages: list[int]  # numbers of the stage files, sorted
    broken: dict[str, str]  # name of a file that cannot be used, and why
    cascade_stages: Optional[int]  # stages of cascade.xml


def read_folder(path: Path) -> Held:
    """Look at params.xml, the stages and cascade.xml of a folder that exists."""
    broken: dict[str, str] = {}
    parameters, cascade_stages = None, None
    if (path / "params.xml").exists():
        try:
            parameters = load_parameters(path / "params.xml")
        except UserError as error:
            broken["params.xml"] = str(error).split(": ", 1)[-1]
    matches = (re.fullmatch(r"stage(\d+)\.xml", name) for name in os.listdir(path))
    stages = sorted(int(match[1]) for match in matches if match)
    for number in stages:
        try:
            load_stage(path / f"stage{number}.xml")
        except UserError as error:
            broken[f"stage{number}.xml"] = str(error).split(": ", 1)[-1]
    if (path / "cascade.xml").exists():
        try:
            cascade_stages = len(load_cascade(path / "cascade.xml").stages)
        except UserError as error:
            broken["cascade.xml"] = str(error).split(": ", 1)[-1]
    return Held(parameters, stages, broken, cascade_stages)


def check_writable(path: Path) -> list[Finding]:
    """Whether the folder is there, or can be made, and files in it can be written."""
    where = f"-data {path}"
    if path.is_dir():
        if os.access(path, os.W_OK | os.X_OK):
            return []
        mend = "change its permissions or name another folder"
        return [Finding("error", where, "the folder cannot be written", mend)]
    if os.path.lexists(path):
        return [Finding("error", where, "it is a file, not a folder", "name a folder")]
    parent = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not (parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)):
        problem = f"it does not exist and cannot be made in {parent}"
        return [Finding("error", where, problem, "name a folder that can be written")]
    problem = "the folder does not exist, and the old trainer loses its stages then"
    return [Finding("aborts", where, problem, f'make it first: mkdir -p "{path}"', False)]


def check_parameters(
    path: Path, held: Parameters, given: Parameters, stages: int
) -> tuple[list[Finding], dict[str, str]]:
    """Where params.xml contradicts the flags, and the flags as params.xml has them.

    params.xml wins over the command line, in the old trainer as here.
    """
    from cvbaseline.training.stage_files import differences

    found = differences(held, given)
    if not found:
        return [], {}
    if held.feature_type != given.feature_type:  # only HAAR has a mode
        found = [pair for pair in found if pair[0] != "mode"]
    mended = {FLAGS[name]: _short(there) for name, there, _ in found}
    there = " ".join(f"{FLAGS[name]} {_short(value)}" for name, value, _ in found)
    here = " ".join(f"{FLAGS[name]} {_short(value)}" for name, _, value in found)
    problem = f"it says {there} and overrides the command line's {here}"
    kept = f"go on with its {stages} stages as it says" if stages else "use its flags"
    mend = f"empty the folder (or name a new one) to train anew, or {kept}"
    return [Finding("warning", str(path), problem, mend)], mended


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def check_held(path: Path, held: Held) -> list[Finding]:
    """Whether the files of a folder are whole and follow each other."""
    findings = [
        Finding("error", str(path / name), problem, _mend(name))
        for name, problem in held.broken.items()
        # Without stages it is no cascade of this folder: see `check_replaced`.
        if name != "cascade.xml" or 0 in held.stages
    ]
    if held.stages and held.parameters is None and "params.xml" not in held.broken:
        problem = "it holds stages and no params.xml, without which no training goes on"
        mend = "put the params.xml back that belongs to them, or name another folder"
        findings.append(Finding("error", str(path), problem, mend))
    following = _following(held)
    lost = [number for number in held.stages if number >= following]
    if lost and not held.broken:
        problem = f"stage{following}.xml is missing, so stage{lost[0]}.xml and later are not used"
        mend = "put it back, or delete the later ones"
        findings.append(Finding("warning", str(path), problem, mend))
    if following and held.cascade_stages is None and "cascade.xml" not in held.broken:
        problem = f"{following} stages and no cascade.xml: the training was cut short"
        mend = f"the command it was begun with, and -numStages {following}, writes it at once"
        findings.append(Finding("warning", str(path), problem, mend))
    if held.cascade_stages is not None and following > held.cascade_stages:
        problem = f"it has {held.cascade_stages} stages, and its folder {following}"
        mend = f"the command it was begun with, and -numStages {following}, writes it anew"
        findings.append(Finding("warning", str(path / "cascade.xml"), problem, mend))
    return findings


def _mend(name: str) -> str:
    if name == "cascade.xml":
        return "delete it: the same command writes it anew from the stages"
    if name == "params.xml":
        return "restore it, or empty the folder and train anew"
    return "delete it and the later stages: the same command goes on from there"


def _following(held: Held) -> int:
    """How many stages follow each other from the first on."""
    number = 0
    while number in held.stages and f"stage{number}.xml" not in held.broken:
        number += 1
    return number


def check_replaced(path: Path, held: Held) -> list[Finding]:
    """Whether the training would replace a cascade.xml that is not of the folder's stages."""
    if 0 in held.stages or not (path / "cascade.xml").exists():
        return []
    problem = "it would be replaced, and there is no stage0.xml from which it came"
    return [Finding("error", str(path / "cascade.xml"), problem, "name another folder")]


def check_resume(path: Path, held: Held, num_stages: int) -> list[Finding]:
    """Whether a training that goes on has anything left to do."""
    following = _following(held)
    if following < num_stages:
        return []
    problem = f"the folder holds {following} stages already, so nothing is left to train"
    mend = f"ask for more than {following}, or name a new folder"
    return [Finding("warning", f"-numStages {num_stages}", problem, mend)]
