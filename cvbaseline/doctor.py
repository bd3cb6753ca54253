"""The verb `doctor`: what is wrong with a command line of OpenCV's old tools, or with a folder.

Each finding is a line: where, what, and the mend. A corrected command line comes last.
"""

import argparse
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Optional

from cvbaseline.errors import UserError, require
from cvbaseline.options import argument
from cvbaseline.preflight.findings import Finding, exit_code

BACKGROUND_NAMES = ("bg*.txt", "neg*.txt", "background*.txt")


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """Say what is wrong with an old command line, or with a folder, before it costs a night.

    The exit code is 0 when nothing was found, 1 for warnings, 2 when the command would fail, in
    OpenCV 3.4 or here.
    """

    command: list[str] = argument(
        "a command line of opencv_traincascade or opencv_createsamples, quoted or not; or a folder",
        args=["command"], nargs=argparse.REMAINDER, metavar="COMMAND",
    )  # fmt: skip


class Diagnosis(NamedTuple):
    """What the doctor says."""

    findings: list[Finding]
    corrected: Optional[str]  # the command line as it should be, where that can be said

    @property
    def exit_code(self) -> int:
        """0, 1 or 2, as DoctorOptions says."""
        return exit_code(self.findings)


def examine(options: DoctorOptions) -> Diagnosis:
    """Examine the command line or folder; raises UserError when it is neither."""
    require(
        bool(options.command),
        "write an old command line after `doctor`, or name a folder: "
        "cvbaseline doctor opencv_traincascade -data out -vec faces.vec -bg bg.txt",
    )
    if len(options.command) == 1 and os.path.isdir(options.command[0]):
        return Diagnosis(_examine_folder(Path(options.command[0])), None)
    return _examine_command_line(options.command)


def _examine_command_line(given: list[str]) -> Diagnosis:
    from cvbaseline.old_tools.command_lines import (
        changed,
        read_command_line,
        render_command_line,
        split_words,
    )
    from cvbaseline.preflight.createsamples_run import check_createsamples
    from cvbaseline.preflight.traincascade_run import check_traincascade

    words = split_words(given)
    require(bool(words), "the command line is empty: write it after `doctor`")
    line = read_command_line(words)
    if line.tool == "traincascade":
        checked = check_traincascade(line.options, line.missing, thorough=True)
    else:
        checked = check_createsamples(line.options, thorough=True)
    findings = [*line.findings, *checked.findings]
    corrected = None
    if not line.missing and changed(line, words, checked.mended):
        corrected = render_command_line(line, checked.mended)
        folder = getattr(line.options, "data", None)
        if folder is not None and not folder.exists():
            corrected = f"mkdir -p {shlex.quote(str(folder))} && {corrected}"
    return Diagnosis(findings, corrected)


def _examine_folder(path: Path) -> list[Finding]:
    """A training's folder, or one that holds samples, annotations and lists of pictures."""
    from cvbaseline.preflight import folder, samples
    from cvbaseline.preflight.lists import (
        ANNOTATION_NAMES,
        check_background,
        check_info,
    )

    held = folder.read_folder(path)
    findings = folder.check_held(path, held)
    examined = bool(held.stages or held.parameters or held.cascade_stages or held.broken)
    for vec in sorted(path.glob("*.vec")):
        findings += samples.check_vec_alone(vec)
        examined = True
    for info in _files(path, ANNOTATION_NAMES):
        findings += check_info(info, (1, 1), thorough=True)[0]
        examined = True
    for bg in _files(path, BACKGROUND_NAMES):
        findings += check_background(bg, (1, 1), thorough=True).findings
        examined = True
    if not examined:
        raise UserError(
            f"{path} holds no params.xml, stageN.xml, cascade.xml, .vec, info.dat or bg.txt: name "
            "the folder of -data or of the samples"
        )
    return findings


def _files(path: Path, names: tuple[str, ...]) -> list[Path]:
    found = {file for name in names for file in path.glob(name)}
    return sorted(file for file in found if file.is_file())


def render(diagnosis: Diagnosis) -> str:
    """The findings, a line each, the worst first, and the corrected command line last."""
    order = ["error", "aborts", "warning"]
    worst_first = sorted(diagnosis.findings, key=lambda finding: order.index(finding.severity))
    lines = [str(finding) for finding in worst_first] or ["nothing wrong found"]
    if diagnosis.corrected is not None:
        lines.append(f"corrected: {diagnosis.corrected}")
    return "\n".join(lines)
