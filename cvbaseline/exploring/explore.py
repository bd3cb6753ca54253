"""The verb `explore`: labelled faces surveyed, as text and as a page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cvbaseline.data_sources import DataOptions, read_data
from cvbaseline.errors import require
from cvbaseline.formats.files import check_writable, write_bytes
from cvbaseline.options import command_line, option

if TYPE_CHECKING:
    from cvbaseline.exploring.survey import Survey

PAGE, COPIES = "report.html", "copies.csv"
GENERATOR = b"<!-- cvbaseline explore -->"

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ExploreOptions(DataOptions):
    """Survey labelled faces: counts, sizes, samples, mean faces, copies, conflicting labels."""

    out: Path = option(
        Path("explored"), f"folder for {PAGE} and {COPIES}, the list of copies", metavar="FOLDER"
    )
    pictures: bool = option(True, "--no-pictures: a page without any picture of a face")
    seed: int = option(0, "seed of the samples that are shown")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.seed >= 0, f"--seed must not be negative, got {self.seed}")


def explore(options: ExploreOptions, tell: Tell = lambda line: None) -> "Survey":
    """Survey DATA, tell what was found and write the page; returns the survey.

    Raises UserError when the data cannot be used, or when other files lie where ours go.
    """
    from cvbaseline.exploring.report import make_report, render_copies, summary
    from cvbaseline.exploring.survey import survey
    from cvbaseline.reports.html import render_html

    check_folder(options.out)
    check_writable(options.out / PAGE)
    found = survey(read_data(options))
    for line in summary(found):
        tell(line)
    name = options.data.resolve().name or str(options.data)
    command = command_line("explore", options)
    report = make_report(found, name, options.pictures, command, options.seed)
    write_bytes(options.out / PAGE, render_html(report).encode("utf-8", "replace"))
    write_bytes(options.out / COPIES, render_copies(found).encode("utf-8", "surrogateescape"))
    tell(f"the report is {options.out / PAGE}")
    return found


def check_folder(out: Path) -> None:
    """UserError when the files that will be written exist and are not from `explore`."""
    taken = [name for name in (PAGE, COPIES) if (out / name).exists()]
    ours = False
    if (out / PAGE).is_file():
        ours = GENERATOR in (out / PAGE).read_bytes()[-200:]
    require(
        not taken or ours,
        f"{out / (taken or [PAGE])[0]} exists and is not from explore: give another --out",
    )
