"""Found and false boxes of the cascade so far on annotated pictures it was not trained on."""

from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np

from cvbaseline.detection import detect, open_cascade
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.detection_metrics import match_boxes
from cvbaseline.errors import PictureError
from cvbaseline.formats.annotations import load_info, resolve_picture
from cvbaseline.images import read_grey

# While the cascade accepts more windows than this, boxes are a carpet, and slow to group.
HIGHEST_FALSE_ALARM = 0.002

MATCH_IOU = 0.3  # boxes drawn by hand and windows differ in what they call a face


class Validation(NamedTuple):
    """Counts over all pictures."""

    faces: int
    found: int
    false_boxes: int


class ValidationPictures:
    """Annotated pictures, decoded once."""

    def __init__(self, sources: list[Path], tell: Callable[[str], None]):
        self.pictures: list[tuple[np.ndarray, np.ndarray]] = []
        for source in sources:
            for annotation in load_info(source):
                path = resolve_picture(annotation.path, source.parent, Path())
                try:
                    grey = read_grey(path)
                except PictureError as error:
                    tell(f"left out of the validation: {error}")
                    continue
                self.pictures.append((grey, annotation.boxes))

    def __len__(self) -> int:
        return len(self.pictures)

    def measure(self, cascade: Path, width: int, min_neighbors: int) -> Validation:
        """Detect with the cascade file and compare with the true boxes."""
        classifier = open_cascade(cascade, many_pictures=True)
        parameters = DetectionParameters(min_neighbors=min_neighbors, min_size=width)
        faces = found = false = 0
        for grey, boxes in self.pictures:
            detected = detect(grey, classifier, parameters)
            taken = match_boxes(detected.boxes, detected.scores, boxes, min_iou=MATCH_IOU)
            faces += len(boxes)
            found += int((taken >= 0).sum())
            false += int((taken < 0).sum())
        return Validation(faces, found, false)
