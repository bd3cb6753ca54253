"""A classifier's answers, one for each face, as table, CSV or JSON."""

import csv
import io
import json
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.formats.spreadsheet import cell
from cvbaseline.printable import printable


class Prediction(NamedTuple):
    """One face's answer; `probabilities` is None when the picture has no face or is unreadable."""

    path: Path
    box: Optional[list[int]] = None  # x, y, width, height in pixels; None: the whole picture
    label: str = ""
    probabilities: Optional[np.ndarray] = None  # float64 (k,)
    problem: str = ""


def render_table(predictions: list[Prediction], classes: tuple[str, ...]) -> str:
    """A line for each face: class, probability, the next likely class, box, picture."""
    classes = tuple(map(printable, classes))
    width = max(map(len, (*classes, "class")))
    lines = [f"{'class':<{width}}  share  {'then':<{width}}  share  picture"]
    for answer in predictions:
        if answer.probabilities is None:
            lines.append(f"{'-':<{width}}  {'':5}  {'':<{width}}  {'':5}  {_problem(answer)}")
            continue
        best, then = np.argsort(-answer.probabilities, kind="stable")[:2]
        where = printable(answer.path) + (f" at {_words(answer.box)}" if answer.box else "")
        lines.append(
            f"{classes[best]:<{width}}  {answer.probabilities[best]:5.2f}  "
            f"{classes[then]:<{width}}  {answer.probabilities[then]:5.2f}  {where}"
        )
    return "\n".join(lines)


def render_csv(predictions: list[Prediction], classes: tuple[str, ...]) -> str:
    """Columns: picture, x, y, width, height, class, problem, and a probability for each class."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"p_{name}" for name in classes]
    writer.writerow(["picture", "x", "y", "width", "height", "class", "problem", *names])
    for answer in predictions:
        shares = [""] * len(classes)
        if answer.probabilities is not None:
            shares = [f"{share:.4f}" for share in answer.probabilities]
        box = answer.box or [""] * 4
        told = [cell(answer.label), cell(answer.problem)]
        writer.writerow([cell(str(answer.path)), *box, *told, *shares])
    return text.getvalue().rstrip("\n")


def render_json(predictions: list[Prediction], classes: tuple[str, ...]) -> str:
    """A list of {picture, box, class, probabilities}, or {picture, problem}."""
    rows = []
    for answer in predictions:
        if answer.probabilities is None:
            rows.append({"picture": str(answer.path), "problem": answer.problem})
            continue
        shares = {name: round(float(p), 4) for name, p in zip(classes, answer.probabilities)}
        rows.append({
            "picture": str(answer.path), "box": answer.box, "class": answer.label,
            "probabilities": shares,
        })  # fmt: skip
    return json.dumps(rows, ensure_ascii=False, indent=2)


def _words(box: list[int]) -> str:
    return " ".join(map(str, box))


def _problem(answer: Prediction) -> str:
    """The problem with the picture's name in it, once."""
    named = str(answer.path) in answer.problem
    return printable(answer.problem if named else f"{answer.path}: {answer.problem}")
