"""A report as Markdown: text and tables, with its charts as SVG files beside it, no faces."""

from collections.abc import Iterator

from cvbaseline.reports.blocks import (
    Block,
    Code,
    Confusion,
    Faces,
    Figure,
    Fold,
    Paragraph,
    Remark,
    Report,
    Section,
    Table,
)
from cvbaseline.reports.charts import standalone
from cvbaseline.reports.html import NUMBERED_CLASSES

FIGURES = "figures"  # the charts' folder, beside the file


def render_markdown(report: Report) -> str:
    """The file's text."""
    lines = [f"# {_text(report.title)}", "", _text(report.about), ""]
    lines += _lines(report.remarks)
    for section in report.sections:
        inside = list(_lines(section.blocks))
        if not inside or _shows_faces_alone(section):
            continue
        lines += [f"## {_text(section.title)}", ""]
        lines += [_text(section.hint), ""] if section.hint else []
        lines += inside
    return "\n".join([*lines, _text(report.footer), ""])


def render_figures(report: Report) -> dict[str, str]:
    """The charts' files: name below `FIGURES`, and text."""
    found: dict[str, str] = {}

    def collect(blocks: object) -> None:
        for block in blocks:
            if isinstance(block, Figure):
                found[f"{block.name}.svg"] = standalone(block.svg)
            elif isinstance(block, Fold):
                collect(block.blocks)

    for section in report.sections:
        collect(section.blocks)
    return found


def _shows_faces_alone(section: Section) -> bool:
    """Whether all that it says announces faces, which are not shown here."""
    others = [block for block in section.blocks if not isinstance(block, Paragraph)]
    return bool(others) and not any(list(_block(block)) for block in others)


def _lines(blocks: object) -> Iterator[str]:
    for block in blocks:
        inside = list(_block(block))
        if inside:
            yield from [*inside, ""]


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield _text(block.text)
    elif isinstance(block, Remark):
        yield f"- {'**Warning:** ' if block.kind == 'warning' else ''}{_text(block.text)}"
    elif isinstance(block, Table):
        yield from _table(block)
    elif isinstance(block, Confusion):
        yield from _confusion(block)
    elif isinstance(block, Figure):
        yield f"![{_text(block.caption)}]({FIGURES}/{block.name}.svg)"
    elif isinstance(block, Code):
        yield from (f"```{block.language}", block.text, "```")
    elif isinstance(block, Fold):
        yield from _lines(block.blocks)
    elif not isinstance(block, Faces):
        raise TypeError(f"unknown block {block!r}")


def _table(table: Table) -> Iterator[str]:
    marks = [
        "---" if column == 0 or column in table.words else "---:"
        for column in range(len(table.header))
    ]
    for row in (table.header, marks, *table.rows):
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"


def _confusion(block: Confusion) -> Iterator[str]:
    """Counts, true classes down and named classes across."""
    if len(block.classes) > NUMBERED_CLASSES:
        return
    columns = [*block.classes, "not found"][: block.counts.shape[1]]
    rows = [
        [name, *(block.shown(row, column) for column in range(len(columns)))]
        for row, name in enumerate(block.classes)
    ]
    yield f"**{_text(block.title)}**"
    yield ""
    yield from _table(Table(("true \\ named", *columns), rows))


def _text(text: str) -> str:
    """Text whose signs are not taken for Markdown's."""
    for sign in ("\\", "*", "_", "`", "<", "["):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text if set(text) <= set("-:") else _text(text).replace("|", "\\|")
