"""The benchmark's folder: what was measured, the reports, and what is told on the way."""

import json
from pathlib import Path
from typing import Any, Optional

from cvbaseline.benchmarking.findings import Findings, Outcome
from cvbaseline.benchmarking.report_tables import interval, seconds, size
from cvbaseline.benchmarking.results import results_record
from cvbaseline.errors import require
from cvbaseline.formats.files import make_folder_of, write_bytes
from cvbaseline.reports.blocks import Report, Table
from cvbaseline.reports.html import render_html
from cvbaseline.reports.markdown import FIGURES, render_figures, render_markdown

FORMAT = "cvbaseline benchmark"
STATE_NAME = "benchmark.json"


def read_state(out: Path) -> Optional[dict[str, Any]]:
    """What the last run in this folder noted; None for a new or empty folder.

    Raises UserError when the folder holds something else.
    """
    try:
        state = json.loads((out / STATE_NAME).read_text(encoding="utf-8"))
        if state["format"] == FORMAT and isinstance(state["data"], str):
            return state
    except (OSError, ValueError, KeyError, TypeError):
        pass
    empty = not out.exists() or (out.is_dir() and not any(out.iterdir()))
    require(empty, f"{out} exists and is not from a benchmark: give another --out")
    return None


def check_same_data(out: Path, state: Optional[dict[str, Any]], key: str, source: str) -> None:
    """UserError when the folder's report is of other data; the same data may have changed.

    Parameters
    ----------
    key : of the data's content; source : where the data lie
    """
    if state is None or state["data"] == key:
        return
    earlier = state.get("source", source)
    require(earlier == source, f"{out} holds the benchmark of {earlier}: give another --out")


def write_state(out: Path, state: dict[str, Any]) -> None:
    """Mark the folder as a benchmark's."""
    make_folder_of(out / STATE_NAME)
    text = json.dumps({"format": FORMAT, **state}, indent=1)
    write_bytes(out / STATE_NAME, text.encode("utf-8", "replace"))


def write_reports(out: Path, report: Report, findings: Findings, remarks: list[str]) -> None:
    """report.html, report.md with its charts, and results.json."""
    files = {
        "report.html": render_html(report),
        "report.md": render_markdown(report),
        "results.json": json.dumps(results_record(findings, remarks), ensure_ascii=False, indent=1),
    }
    files |= {f"{FIGURES}/{name}": text for name, text in render_figures(report).items()}
    for name, text in files.items():
        make_folder_of(out / name)
        write_bytes(out / name, text.encode("utf-8", "replace"))


def told_table(ranked: list[Outcome], findings: Findings) -> list[str]:
    """The main numbers as lines of text."""
    header = ["contender", "accuracy", "macro F1", "log loss", "ECE", "training", "model"]
    rows = []
    for outcome in ranked:
        scores, costs = outcome.scores, outcome.costs
        rows.append([
            outcome.title, interval(scores.accuracy), f"{scores.macro_f1.value:.3f}",
            f"{scores.log_loss.value:.3f}", f"{scores.calibration_error.value:.3f}",
            seconds(costs.fit_seconds), size(costs.model_bytes),
        ])  # fmt: skip
    if all(outcome.contender.name != "majority" for outcome in ranked):
        rows.append(["(the most frequent class)", interval(findings.majority), *[""] * 5])
    if findings.leaked:
        header.insert(2, "without copies")
        for row, outcome in zip(rows, [*ranked, None]):
            clean = outcome.clean if outcome else None
            row.insert(2, interval(clean.accuracy) if clean else "")
    return _lines(Table(header, rows))


def _lines(table: Table) -> list[str]:
    """Columns of equal width."""
    rows = [list(table.header), *map(list, table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]
