"""What one picture shows: its faces, each face's probabilities, and the folder it belongs to."""

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional, Protocol

import numpy as np

from cvbaseline.detection import detect, open_cascade
from cvbaseline.detection_parameters import AUTO, NONE, DetectionParameters, with_verifier
from cvbaseline.errors import UserError, require
from cvbaseline.faces import crop_faces
from cvbaseline.images import read_grey
from cvbaseline.model_file import load_model
from cvbaseline.second_look import open_verifier
from cvbaseline.sorting.manifest import NO_FACE, UNREADABLE, UNSURE, Face
from cvbaseline.sorting.placing import fingerprint

DEFAULT_UNSURE_BELOW = 0.4  # for a model that does not name its own threshold


class Decision(NamedTuple):
    """The folder of a picture and the reasons: `problem` alone when it cannot be read."""

    folder: str
    width: int = 0
    height: int = 0
    decided_by: Optional[int] = None
    faces: tuple[Face, ...] = ()
    problem: str = ""


class Decider(Protocol):
    """Decides about pictures, from several threads at once."""

    folders: tuple[str, ...]  # the emotions
    settings: dict[str, Any]  # what the decisions depend on, for the manifest

    def __call__(self, path: Path) -> Decision:
        """The decision about the picture `path`; one that cannot be read has a problem."""


class EmotionDecider:
    """Faces by a cascade, emotions by a model; below `unsure_below` nobody names an emotion.

    Parameters
    ----------
    cascade, model : the files
    detection : how faces are looked for
    unsure_below : probability of the best emotion from which on it counts; None for the model's
        own `unsure_below` (in its provenance), failing that 0.4

    Raises UserError or FormatError for files that are not what they should be.
    """

    def __init__(
        self,
        cascade: Path,
        model: Path,
        detection: DetectionParameters,
        unsure_below: Optional[float] = None,
    ):
        self._cascade, self._detection = cascade, with_verifier(detection, cascade)
        self._of_thread = threading.local()
        open_cascade(cascade)  # a bad file is an error before the work, not within it
        self._model = load_model(model)
        if unsure_below is None:
            unsure_below = self._model.provenance.get("unsure_below", DEFAULT_UNSURE_BELOW)
            require(
                isinstance(unsure_below, (int, float)) and 0 <= unsure_below <= 1,
                f"{model}: unsure_below is {unsure_below!r}, not 0 to 1: give --unsure-below",
            )
        self.unsure_below = unsure_below
        self.folders = tuple(self._model.classes)
        for name in self.folders:
            check_folder_name(name)
        self.settings = {
            "cascade": cascade.name,
            "cascade_sha256": fingerprint(cascade).sha256,
            "model": model.name,
            "model_sha256": fingerprint(model).sha256,
            "unsure_below": unsure_below,
            "detection": {name: getattr(self._detection, name) for name in _detection_names()},
        }
        if self._detection.verify not in (AUTO, NONE):
            self.settings["verify_sha256"] = open_verifier(self._detection.verify).sha256

    def __call__(self, path: Path) -> Decision:
        """The decision about one picture."""
        try:
            return self._decide(read_grey(path))
        except UserError as error:
            return Decision(UNREADABLE, problem=str(error).removeprefix(str(path)).lstrip(": "))
        except MemoryError:
            return Decision(UNREADABLE, problem="there is not enough memory for it")

    def _decide(self, grey: np.ndarray) -> Decision:
        height, width = grey.shape
        boxes, scores = detect(grey, self._classifier(), self._detection)
        if len(boxes) == 0:
            return Decision(NO_FACE, width, height)
        shares = self._model.predict_proba(crop_faces(grey, boxes, self._model.crop))
        faces = tuple(
            Face(tuple(box), round(float(score), 4), dict(zip(self.folders, _rounded(row))))
            for box, score, row in zip(boxes.tolist(), scores, shares)
        )
        decided_by = most_prominent(faces, width, height)
        best = faces[decided_by]
        folder = best.emotion if best.confidence >= self.unsure_below else UNSURE
        return Decision(folder, width, height, decided_by, faces)

    def _classifier(self) -> Any:
        """This thread's own classifier: cv2's keeps state while it detects."""
        if not hasattr(self._of_thread, "classifier"):
            self._of_thread.classifier = open_cascade(self._cascade, many_pictures=True)
        return self._of_thread.classifier


def most_prominent(faces: Sequence[Face], width: int, height: int) -> int:
    """The index of the face that a picture of width × height pixels is about.

    Prominence is √area · (1 + centrality) / 2 · score / best score. Centrality falls from 1 in
    the middle of the picture to 0 in its corners, so place at most halves a face's weight; a
    score below 0 counts as 0, and where no score is above 0, scores do not count. (On real
    frames, area instead of its root lets large false boxes of low score win.) Of equals the
    first, which is the one of the best score.
    """
    best_score = max(max(face.score for face in faces), 0.0)

    def prominence(face: Face) -> float:
        x, y, box_width, box_height = face.box
        away = math.hypot(x + box_width / 2 - width / 2, y + box_height / 2 - height / 2)
        centrality = max(0.0, 1 - away / (math.hypot(width, height) / 2))
        certainty = max(face.score, 0.0) / best_score if best_score > 0 else 1.0
        return math.sqrt(box_width * box_height) * (1 + centrality) / 2 * certainty

    return max(range(len(faces)), key=lambda index: prominence(faces[index]))


def check_folder_name(name: str) -> None:
    """UserError when a model's class cannot be the name of a folder of its own."""
    plain = name.strip(" .") == name and name.isprintable() and len(name.encode()) <= 100
    fits = name and plain and not set(name) & set('/\\:*?"<>|')
    device = name.casefold() in {"con", "prn", "aux", "nul"}  # no folder on Windows
    taken = name.casefold() in {UNSURE, NO_FACE} or name.startswith("_")
    require(
        bool(fits) and not taken and not device,
        f"the model's class {name!r} cannot be a folder: train it with other class names",
    )


def _rounded(row: Any) -> list[float]:
    """Probabilities with four decimals: the rest is noise and fills the manifest."""
    return [round(float(value), 4) for value in row]


def _detection_names() -> list[str]:
    return list(DetectionParameters.__dataclass_fields__)
