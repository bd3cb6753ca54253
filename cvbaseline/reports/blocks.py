"""What a report is made of, whatever it is shown as."""

from collections.abc import Sequence
from typing import NamedTuple, Union

import numpy as np


class Paragraph(NamedTuple):
    """Plain text."""

    text: str


class Remark(NamedTuple):
    """A line that must not be overlooked."""

    kind: str  # "warning" or "note"
    text: str


class Table(NamedTuple):
    """Rows of text; the first column names the row, the others are numbers or words."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset()  # columns that hold words, not numbers


class Confusion(NamedTuple):
    """A confusion matrix: true classes down, named classes across."""

    title: str
    classes: Sequence[str]
    counts: np.ndarray  # float64 (k, k) or (k, k + 1), the last column: not found

    def shown(self, row: int, column: int) -> str:
        """A count in words; a mean over repeats with a decimal, so that rows add up."""
        count = float(self.counts[row, column])
        return f"{count:.0f}" if abs(count - round(count)) < 1e-6 else f"{count:.1f}"


class Figure(NamedTuple):
    """A chart."""

    name: str  # of its file, without suffix
    caption: str
    svg: str


class Faces(NamedTuple):
    """Pictures with a line or two each; left out of Markdown."""

    pictures: Sequence[np.ndarray]  # uint8 (h, w)
    captions: Sequence[str]
    width: int = 96  # pixels on the page


class Code(NamedTuple):
    """Text to be kept as it is."""

    text: str
    language: str = ""


class Fold(NamedTuple):
    """Blocks that open on demand."""

    summary: str
    blocks: Sequence["Block"]


Block = Union[Paragraph, Remark, Table, Confusion, Figure, Faces, Code, Fold]


class Section(NamedTuple):
    """Blocks under a heading."""

    title: str
    blocks: Sequence[Block]
    hint: str = ""  # how to read it


class Report(NamedTuple):
    """A whole report."""

    title: str
    about: str
    remarks: Sequence[Remark]
    sections: Sequence[Section]
    footer: str
    generator: str  # "cvbaseline benchmark"
