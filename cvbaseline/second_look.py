"""A second look at boxes: a face / not-face model that drops the false ones a cascade let through.

A cascade decides about millions of windows and must be quick; of the few boxes that are left, each
can be looked at with more care (as Viola & Jones's own later stages, or the classifier behind any
region proposal). The model is an ordinary face model of two classes, so its file holds arrays and
JSON. Every box is judged by itself: what happens to one does not depend on the others.
"""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np
from scipy.special import expit

from cvbaseline.errors import FormatError
from cvbaseline.faces import crop_faces
from cvbaseline.formats.files import read_bytes
from cvbaseline.model_file import LARGEST_FILE, FaceModel, parse_model
from cvbaseline.shipped import verifier_path

CLASSES = ("other", "face")
LIMIT = "verify_above"  # in the model's provenance
SMALLEST = 1e-9  # of odds and scores: their logarithm is taken


class Verifier(NamedTuple):
    """A model that tells faces from false boxes, and how much evidence a face needs."""

    model: FaceModel
    limit: float
    sha256: str  # of the file, as hexadecimal digits

    def scores(
        self,
        grey: np.ndarray,
        boxes: np.ndarray,
        scores: np.ndarray,
        limit: Optional[float] = None,
    ) -> np.ndarray:
        """How probably each box is a face, by the cascade and the model, float64 (n,) in 0 to 1.

        1 / (1 + exp(limit - evidence)).

        Parameters
        ----------
        grey : uint8 (h, w), the picture as it was searched
        boxes : int (n, 4): x, y, width, height in pixels
        scores : float (n,), the cascade's (detection.detect)
        limit : the evidence that is as likely a face as not; without it the model's
        """
        limit = self.limit if limit is None else limit
        crops = crop_faces(grey, boxes, self.model.crop)
        faces = self.model.predict_proba(crops)[:, CLASSES.index("face")]
        return expit(evidence(faces, scores) - limit)


def evidence(probabilities: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The logarithm of the model's odds for a face times the root of the cascade's score, (n,).

    Both together rank boxes better than either: the more windows agree on a box, the likelier is
    it a face, however it looks. The root, because windows and model see the same pixels.
    """
    odds = np.maximum(probabilities, SMALLEST) / np.maximum(1 - probabilities, SMALLEST)
    return np.log(odds) + np.log(np.maximum(scores, SMALLEST)) / 2


def open_verifier(named: str) -> Verifier:
    """The verifier in a file, or a shipped one by its name; read again only when it has changed.

    Raises UserError when there is none, FormatError when it is another model or none.
    """
    path = verifier_path(named).absolute()
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, size: int) -> Verifier:
    """`open_verifier` of a file in this state."""
    from hashlib import sha256

    data = read_bytes(path, LARGEST_FILE)
    model = parse_model(data, str(path))
    limit = model.provenance.get(LIMIT)
    if model.classes != CLASSES or not isinstance(limit, (int, float)):
        raise FormatError(
            path, "is a model, but not one of cvbaseline cascade train-verifier: it has the "
            f"classes {', '.join(model.classes)}",
        )  # fmt: skip
    return Verifier(model, float(limit), sha256(data).hexdigest())
