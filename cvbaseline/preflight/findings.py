"""What a preflight finds: where, what is wrong, and the mend, in one line each."""

from typing import Callable, Literal, NamedTuple, Union

from cvbaseline.errors import UserError

Severity = Literal["error", "aborts", "warning"]

LABELS: dict[Severity, str] = {
    "error": "error",  # the command cannot do its work, here or there
    "aborts": "OpenCV 3.4 fails",  # cvbaseline does what can be done and says so
    "warning": "warning",  # it runs, with a result that may disappoint
}
MOST_LINES = 5  # of a kind, named in one finding


class Finding(NamedTuple):
    """One thing that is wrong."""

    severity: Severity
    where: str  # a file, with its line where there is one, or a flag
    problem: str
    mend: str
    here: bool = True  # whether it concerns cvbaseline, and not OpenCV's tools alone

    def __str__(self) -> str:
        """The finding as the one line that users read."""
        label = LABELS[self.severity] if self.here or self.severity != "warning" else "OpenCV 3.4"
        return f"{label}: {self.where}: {self.problem}; {self.mend}"


class Checked(NamedTuple):
    """What the checks of a command line found, and the flags that mend it."""

    findings: list[Finding]
    mended: dict[str, str]


def about_lines(
    severity: Severity,
    source: object,
    lines: list[int],
    problem: str,
    mend: str,
    here: bool = True,
) -> list[Finding]:
    """One finding for all lines of a file that share a problem; none when there is no line."""
    if not lines:
        return []
    shown = ", ".join(map(str, lines[:MOST_LINES]))
    rest = f" and {len(lines) - MOST_LINES} more" if len(lines) > MOST_LINES else ""
    word = "line" if len(lines) == 1 else "lines"
    return [Finding(severity, f"{source}, {word} {shown}{rest}", problem, mend, here)]


def exit_code(findings: list[Finding]) -> int:
    """0 when nothing was found, 1 for warnings only, 2 when the command fails here or there."""
    if any(finding.severity != "warning" for finding in findings):
        return 2
    return 1 if findings else 0


def report_before_run(findings: list[Finding], tell: Callable[[str], None]) -> None:
    """Tell what concerns a run of ours before it begins.

    Raises UserError for the first error, and then tells of the other errors only.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    for finding in errors[1:] if errors else findings:
        if finding.here:
            tell(str(finding))
    if errors:
        where, problem, mend = errors[0][1:4]
        raise UserError(f"{where}: {problem}; {mend}")


def count_of(number: int, what: Union[str, tuple[str, str]]) -> str:
    """ "1 picture", "3 pictures", or with the plural given: ("box", "boxes")."""
    one, many = (what, what + "s") if isinstance(what, str) else what
    return f"{number} {one if number == 1 else many}"
