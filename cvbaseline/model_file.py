"""Face models in files: a zip of plain arrays and JSON, readable by numpy alone, never pickle.

Layout (an .npz file that `numpy.load(path, allow_pickle=False)` opens):

    metadata.json   format, version, estimator's name and parameters, its numbers, classes,
                    crop options, versions of the libraries, provenance
    <attribute>.npy an array of the estimator's state, like mean_.npy; of an ensemble's members
                    like 0/mean_.npy

Loading trusts nothing: sizes are looked at before memory is taken, arrays hold plain numbers or
text, names are those of the estimator, and the model must classify a grey face before it counts.
"""

import io
import json
import math
import zipfile
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from cvbaseline import __version__
from cvbaseline.classifiers import as_tuples, classifier_name
from cvbaseline.errors import FormatError, MissingLibrary, UserError
from cvbaseline.estimator_record import describe_estimator, rebuild_estimator
from cvbaseline.faces import CropOptions
from cvbaseline.formats.files import read_bytes, write_bytes

FORMAT = "cvbaseline face model"
VERSION = 1
METADATA = "metadata.json"
LARGEST_FILE = 512 << 20
LARGEST_METADATA = 1 << 20


@dataclass(frozen=True)
class FaceModel:
    """A fitted classifier with all that is needed to use it on faces.

    Parameters
    ----------
    estimator : fitted on rows of crop.size ** 2 pixels, with labels 0 to k - 1
    classes : the names of the labels
    crop : how the faces were cut out, and must be
    provenance : what JSON holds: data, seed, measured quality, `unsure_below`
    """

    estimator: Any
    classes: tuple[str, ...]
    crop: CropOptions
    provenance: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, faces: np.ndarray) -> np.ndarray:
        """Probabilities, float64 (n, k), of faces, uint8 (n, crop.size, crop.size)."""
        size = self.crop.size
        if faces.dtype != np.uint8 or faces.shape[1:] != (size, size):
            raise ValueError(
                f"faces must be uint8 (n, {size}, {size}), not {faces.dtype} {faces.shape}"
            )
        if len(faces) == 0:
            return np.zeros((0, len(self.classes)))
        return self.estimator.predict_proba(faces.reshape(len(faces), -1))


def save_model(path: Path, model: FaceModel) -> None:
    """Write a model; at any time the file is the old model or the new one.

    UserError when `path` holds something else than a model of the same kind of classifier.
    """
    check_target(path, classifier_name(model.estimator))
    write_bytes(path, render_model(model))


def load_model(path: Path) -> FaceModel:
    """Read a model. UserError when there is no file, FormatError when it is no model."""
    return parse_model(read_bytes(path, LARGEST_FILE), str(path))


def check_target(path: Path, kind: str) -> None:
    """UserError unless a model may be written there: nothing yet, or an older one of its kind.

    kind : of the classifier, its name
    """
    path = Path(path)
    if not path.exists():
        return
    try:
        with zipfile.ZipFile(path) as archive, archive.open(METADATA) as member:
            metadata = json.loads(member.read(LARGEST_METADATA))
            is_model, old = metadata.get("format") == FORMAT, metadata.get("estimator")
    except Exception:  # whatever else it is, it is somebody's
        is_model = False
    if not is_model:
        raise UserError(f"{path} exists and is no cvbaseline model: give another name with --out")
    if old != kind:
        raise UserError(
            f"{path} exists and is a model of the kind {old}, which one of the kind {kind} does "
            "not replace: name another file to write"
        )


def render_model(model: FaceModel) -> bytes:
    """The file's bytes; the same model gives the same bytes."""
    record, arrays = describe_estimator(model.estimator)
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        **record,
        "classes": list(model.classes),
        "crop": {item.name: getattr(model.crop, item.name) for item in fields(CropOptions)},
        "versions": library_versions(),
        "provenance": model.provenance,
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(metadata, ensure_ascii=False, allow_nan=False, indent=1)
        archive.writestr(zipfile.ZipInfo(METADATA), text, zipfile.ZIP_DEFLATED)
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy")
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED)
    return data.getvalue()


def parse_model(data: bytes, source: str) -> FaceModel:
    """A model from a file's bytes; FormatError says what is wrong with them."""

    def refuse(problem: str, place: str = METADATA) -> NoReturn:
        raise FormatError(source, problem, place)

    members = _read_members(data, source)
    try:
        metadata = json.loads(members.pop(METADATA, b"{}"))
    except (ValueError, RecursionError):
        refuse("is not JSON")
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise FormatError(source, "is not a cvbaseline model (train one with cvbaseline train)")
    if metadata.get("version") != VERSION:
        refuse(f"version {metadata.get('version')!r} is unknown; this program reads {VERSION}")
    for key, kind in {"classes": list, "crop": dict, "provenance": dict}.items():
        if not isinstance(metadata.get(key), kind):
            refuse(f"{key} must be a {kind.__name__}, not {type(metadata.get(key)).__name__}")
    classes = metadata["classes"]
    if len(set(map(str, classes))) != len(classes) or not all(
        isinstance(name, str) and name for name in classes
    ):
        refuse("classes must be different names")
    arrays = {name: _parse_array(content, source, name) for name, content in members.items()}
    estimator = rebuild_estimator(metadata, arrays, source, METADATA)
    try:
        crop = CropOptions(**{key: as_tuples(value) for key, value in metadata["crop"].items()})
        if not isinstance(crop.size, int):
            raise ValueError(f"size {crop.size!r} is not a whole number")
    except (TypeError, ValueError, UserError) as error:
        refuse(f"crop: {error}")
    model = FaceModel(estimator, tuple(classes), crop, metadata["provenance"])
    _try_out(model, source)
    return model


def library_versions() -> dict[str, str]:
    """Versions of what shapes a model's numbers."""
    import cv2
    import scipy
    import sklearn

    modules = {"numpy": np, "opencv": cv2, "scikit-learn": sklearn, "scipy": scipy}
    versions = {name: module.__version__ for name, module in modules.items()}
    return {"cvbaseline": __version__, **versions}


def _read_members(data: bytes, source: str) -> dict[str, bytes]:
    """The members' contents by name without `.npy`; no more memory than LARGEST_FILE."""
    members = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            listed = archive.infolist()
            if sum(info.file_size for info in listed) > LARGEST_FILE:
                raise FormatError(source, f"unpacks to more than {LARGEST_FILE} bytes")
            for info in listed:
                limit = LARGEST_METADATA if info.filename == METADATA else info.file_size
                with archive.open(info) as member:
                    content = member.read(limit + 1)
                if len(content) != info.file_size or len(content) > limit:
                    raise FormatError(source, "has an unexpected size", info.filename)
                members[info.filename.removesuffix(".npy")] = content
            if len(members) != len(listed):
                raise FormatError(source, "holds two members of one name")
    except FormatError:
        raise
    except Exception as error:  # zipfile and zlib have many words for damage
        raise FormatError(
            source, f"is not a cvbaseline model, or it is damaged ({error})"
        ) from None
    return members


def _parse_array(content: bytes, source: str, attribute: str) -> np.ndarray:
    """An .npy member of finite numbers or text; the header must fit the content's length."""
    place = f"{attribute}.npy"
    stream = io.BytesIO(content)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("only version 1.0 of .npy is read")
        shape, columns_first, dtype = np.lib.format.read_array_header_1_0(stream)
    except Exception as error:  # numpy parses the header with Python's own parser
        raise FormatError(source, f"has no valid header ({error})", place) from None
    if dtype.kind not in "biufU" or dtype.hasobject:
        raise FormatError(source, f"holds {dtype}, expected numbers or text", place)
    body = content[stream.tell() :]
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != len(body):
        raise FormatError(source, f"shape {shape} of {dtype} does not fit {len(body)} bytes", place)
    try:
        array = np.frombuffer(body, dtype).reshape(shape, order="F" if columns_first else "C")
    except ValueError as error:
        raise FormatError(source, str(error), place) from None
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise FormatError(source, "holds values that are not finite", place)
    return array


def _try_out(model: FaceModel, source: str) -> None:
    """Classify a face without features: every array must have the shape that this needs."""
    size, classes = model.crop.size, len(model.classes)
    face = np.full((1, size, size), 128, np.uint8)
    try:
        labels = np.asarray(model.estimator.classes_)
        probabilities = np.asarray(model.predict_proba(face))
    except (MemoryError, MissingLibrary):
        raise
    except Exception as error:  # whatever contradictory arrays lead to
        reason = " ".join(str(error).split())
        raise FormatError(source, f"the arrays do not make a classifier ({reason})") from None
    if not np.array_equal(labels, np.arange(classes)):
        raise FormatError(source, f"labels {labels} expected to be 0 to {classes - 1}", "classes_")
    if probabilities.shape != (1, classes) or not np.isclose(probabilities.sum(), 1):
        raise FormatError(source, f"expected {classes} probabilities, found {probabilities}")
