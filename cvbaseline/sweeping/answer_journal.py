"""What a model has answered so far, kept in the sweep's output folder beside the searches."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from cvbaseline.boxes import as_boxes
from cvbaseline.detector_quality.search_journal import append_lines, program, read_lines


class Answers(NamedTuple):
    """The classes that a model names for boxes of a picture."""

    boxes: np.ndarray  # int32 (n, 4)
    classes: tuple[str, ...]


class AnswerJournal:
    """A model's answers for boxes in pictures, by the picture's content."""

    def __init__(self, path: Path, model: str):
        self._path, self._made_by = path, {"program": program(), "model": model}
        self._known: dict[str, dict[tuple[int, ...], str]] = {}
        for line in read_lines(path, self._made_by):
            try:
                boxes = map(tuple, as_boxes(line["boxes"]).tolist())
                self._known.setdefault(line["picture"], {}).update(zip(boxes, line["classes"]))
            except (KeyError, TypeError, ValueError):
                continue

    def of(self, picture: str) -> dict[tuple[int, ...], str]:
        """The class of each box of the picture that is known."""
        return self._known.get(picture, {})

    def add(self, picture: str, answers: Answers) -> None:
        """Keep answers for a picture, in memory and in the file."""
        boxes = answers.boxes.tolist()
        self._known.setdefault(picture, {}).update(zip(map(tuple, boxes), answers.classes))
        line = {**self._made_by, "picture": picture, "boxes": boxes, "classes": answers.classes}
        append_lines(self._path, [line])
