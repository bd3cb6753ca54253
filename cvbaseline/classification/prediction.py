"""The verb `predict`: the class of faces by a trained model."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Optional

import numpy as np

from cvbaseline.detection import MANY_PICTURES, detect, open_cascade
from cvbaseline.detection_parameters import DetectionParameters, with_verifier
from cvbaseline.errors import PictureError, require
from cvbaseline.faces import crop_faces
from cvbaseline.options import argument, option
from cvbaseline.shipped import cascade_path

if TYPE_CHECKING:
    from cvbaseline.classification.predictions import Prediction
    from cvbaseline.model_file import FaceModel
    from cvbaseline.opencv_cascade import OpenCVCascade

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class PredictOptions(DetectionParameters):
    """Name the class of faces with a trained model, with the probability of each class."""

    model: Path = argument("model that train wrote", args=["model"], metavar="MODEL")
    pictures: list[Path] = argument(
        "pictures, or folders of pictures", args=["pictures"], nargs="+", metavar="PICTURE"
    )
    detect: bool = option(
        False, "look for faces in each picture first; else the whole picture is one face"
    )
    cascade: Optional[Path] = option(
        None,
        "cascade for --detect: a file or a shipped one's name; else the default",
        metavar="XML",
    )
    format: Literal["table", "csv", "json"] = option("table", "how the answers are printed")

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.detect or self.cascade is None,
            "--cascade looks for faces with --detect only: add it, or leave --cascade out",
        )


def predict(options: PredictOptions, tell: Tell = lambda line: None) -> list["Prediction"]:
    """Classify the faces of all pictures and tell them as a table, CSV or JSON.

    Raises UserError for a model, cascade or picture that is not there.
    """
    from cvbaseline.classification.predictions import (
        render_csv,
        render_json,
        render_table,
    )
    from cvbaseline.detect_pictures import expand_pictures
    from cvbaseline.model_file import load_model

    model = load_model(options.model)
    pictures, cascade = expand_pictures(options.pictures), cascade_path(options.cascade)
    classifier = None
    if options.detect:
        classifier = open_cascade(cascade, many_pictures=len(pictures) >= MANY_PICTURES)
    parameters = with_verifier(options, cascade)
    predictions = []
    for path in pictures:
        predictions += predict_picture(path, model, classifier, parameters)
    render = {"table": render_table, "csv": render_csv, "json": render_json}[options.format]
    tell(render(predictions, model.classes))
    return predictions


def predict_picture(
    path: Path,
    model: "FaceModel",
    classifier: Optional["OpenCVCascade"],
    parameters: DetectionParameters,
) -> list["Prediction"]:
    """The answers for each face that the cascade finds, or for the whole picture without one."""
    from cvbaseline.classification.predictions import Prediction
    from cvbaseline.images import read_grey

    try:
        grey = read_grey(path)
    except PictureError as error:
        return [Prediction(path, problem=str(error))]
    if classifier is None:
        boxes = np.array([[0, 0, grey.shape[1], grey.shape[0]]])
        faces = crop_faces(grey, boxes, replace(model.crop, margin=0.0))
        shown = [None]
    else:
        boxes = detect(grey, classifier, parameters).boxes
        if len(boxes) == 0:
            return [Prediction(path, problem="no face")]
        faces = crop_faces(grey, boxes, model.crop)
        shown = boxes.tolist()
    return [
        Prediction(path, box, model.classes[row.argmax()], row)
        for box, row in zip(shown, model.predict_proba(faces))
    ]
